package stocksync

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// The simulated trade: 20 stores sell 500 products of which there are 0 to 50 at a time; a few of them are wanted most (Zipf). Most
// messages take seconds, one in ten up to 10 minutes, and now and then a store is cut off for up to two hours, and sells on.
const (
	tradeStores  = 20
	tradeEvery   = 30 * time.Second // shoppers come in groups of 20, one to each store
	tradeRestock = 8 * time.Hour
	tradeLow     = 25 // how few of a product are left when more of it comes
)

type trade struct {
	mode     Mode
	buffer   int64
	delay    func(*rand.Rand) time.Duration
	plugins  int // how many of the stores set what they are pushed, over what they have not told; these are not cut off
	products int
	shoppers int
}

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

func quick(r *rand.Rand) time.Duration { return between(r, time.Second, 5*time.Second) }
func slow(r *rand.Rand) time.Duration  { return between(r, time.Minute, 10*time.Minute) }
func mixed(r *rand.Rand) time.Duration {
	if r.IntN(10) == 0 {
		return between(r, 0, 10*time.Minute)
	}
	return quick(r)
}

// run lets the shoppers come.
func (c trade) run(t *testing.T, seed uint64) (s *sim) {
	synctest.Test(t, func(t *testing.T) {
		shoppers := c.shoppers
		s = newSim(t, seed, tradeStores, c.products, func(m *MasterConfig) {
			m.Mode = c.mode
			m.Buffer = func(StoreID, Ref) decimal.Decimal { return decimal.NewFromInt(c.buffer) }
			m.Settle = 2 * time.Hour // lost reports come again, and late
		}, func(p *simShop) { p.relative = p.n > c.plugins })
		s.delay = c.delay
		s.seed(func(int) int64 { return s.random.Int64N(51) })
		s.run(time.Hour)
		s.lossy = true
		wanted := rand.NewZipf(s.random, 1.2, 4, uint64(c.products-1))
		var come, restock func()
		come = func() {
			for _, p := range s.shops {
				p.shopper(int(wanted.Uint64()))
			}
			if s.shoppers < shoppers {
				s.at(0, tradeEvery, come)
			}
		}
		n := 0
		restock = func() {
			var lines []Line
			for i, sku := range s.skus {
				if left := s.stocked[i] - s.sold[i]; left < tradeLow {
					more := s.random.Int64N(51)
					if more = min(more, 50-max(0, left)); more > 0 {
						s.stocked[i] += more
						lines = append(lines, Line{Ref: Ref{SKU: sku}, Quantity: decimal.NewFromInt(more)})
					}
				}
			}
			n++
			if len(lines) > 0 {
				require.NoError(t, s.master.Restock(t.Context(), fmt.Sprintf("delivery:%d", n), lines))
			}
			if s.shoppers < shoppers {
				s.at(0, tradeRestock, restock)
			}
		}
		s.at(0, 0, come)
		s.at(0, tradeRestock, restock)
		for _, p := range s.shops[c.plugins:] {
			var cut func()
			cut = func() {
				p.cut = true
				s.at(p.n, between(p.random, time.Minute, 2*time.Hour), func() { p.cut = false })
				if s.shoppers < shoppers {
					s.at(p.n, between(p.random, 3*time.Hour, 15*time.Hour), cut)
				}
			}
			s.at(p.n, between(p.random, 0, 12*time.Hour), cut)
		}
		s.run(tradeEvery * time.Duration(shoppers/tradeStores+1))
		s.lossy = false
		s.run(12 * time.Hour)
		if c.plugins == 0 {
			s.booked()
		} else {
			s.nearlyBooked()
		}
	})
	return s
}

// booked checks that each sale came into the ledger, once: nothing is lost, nothing counted twice.
func (s *sim) booked() {
	for i, sku := range s.skus {
		require.Equal(s.t, s.stocked[i]-s.sold[i], s.quantity(i), "%s: stocked %d, sold %d", sku, s.stocked[i], s.sold[i])
	}
}

// nearlyBooked is as much as can be asked where stores report what they hold: some sales that fell into a push are counted wrong.
func (s *sim) nearlyBooked() {
	off := int64(0)
	for i := range s.skus {
		wrong := s.stocked[i] - s.sold[i] - s.quantity(i)
		off += max(wrong, -wrong)
	}
	s.t.Logf("%d of %d sales counted wrong", off, s.sales)
	require.Less(s.t, off, int64(max(10, s.sales/1000)))
}

// TestNoOversell is the promise of allocation: nobody sells what is not there, whatever the network does.
func TestNoOversell(t *testing.T) {
	t.Parallel()
	seeds, shoppers, products := 2, 10_000, 50
	if os.Getenv("TILLWIRE_LONG") == "1" {
		seeds, shoppers, products = 20, 1_000_000, 500
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("SS-02_I6_seed_%d", seed), func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			s := trade{mode: Allocated, delay: mixed, plugins: seed % 2 * 10, products: products, shoppers: shoppers}.run(t, uint64(seed))
			t.Logf("seed %d: %s, in %s", seed, s.figures(), time.Since(begin).Round(time.Millisecond))
			require.Zero(t, s.oversold, "seed %d", seed)
			require.Greater(t, s.sales, shoppers/20)
		})
	}
}

// TestOversellTable measures what the other modes cost, for the package's documentation.
func TestOversellTable(t *testing.T) {
	t.Parallel()
	seeds, shoppers, products := 1, 1500, 50
	long := os.Getenv("TILLWIRE_LONG") == "1"
	if long {
		seeds, shoppers, products = 2, 20_000, 500
	}
	oversold := map[string]int{}
	var table strings.Builder
	fmt.Fprintf(&table, "%-12s %-16s %10s %10s %10s %22s %22s\n",
		"mode", "messages take", "shoppers", "sold", "oversold", "oversold / 10,000 sold", "turned away / 10,000")
	for _, row := range []struct {
		name, delay string
		trade
	}{
		{"plain", "1-5 s", trade{mode: Plain, delay: quick}},
		{"plain", "mixed", trade{mode: Plain, delay: mixed}},
		{"plain", "1-10 min", trade{mode: Plain, delay: slow}},
		{"buffer 1", "mixed", trade{mode: Buffered, buffer: 1, delay: mixed}},
		{"buffer 2", "mixed", trade{mode: Buffered, buffer: 2, delay: mixed}},
		{"buffer 5", "mixed", trade{mode: Buffered, buffer: 5, delay: mixed}},
		{"allocation", "mixed", trade{mode: Allocated, delay: mixed}},
	} {
		if !long && (row.delay != "mixed" || row.buffer == 1 || row.buffer == 2) {
			continue
		}
		var sum sim
		for seed := range seeds {
			row.shoppers, row.products = shoppers, products
			s := row.run(t, uint64(seed))
			sum.shoppers, sum.sales = sum.shoppers+s.shoppers, sum.sales+s.sales
			sum.oversold, sum.turned = sum.oversold+s.oversold, sum.turned+s.turned
		}
		line := fmt.Sprintf("%-12s %-16s %10d %10d %10d %22.1f %22.1f\n", row.name, row.delay, sum.shoppers, sum.sales, sum.oversold,
			1e4*float64(sum.oversold)/float64(sum.sales), 1e4*float64(sum.turned)/float64(sum.shoppers))
		table.WriteString(line)
		t.Log(line)
		oversold[row.name+" "+row.delay] = sum.oversold
	}
	t.Logf("%d seeds\n%s", seeds, table.String())
	require.Zero(t, oversold["allocation mixed"])
	require.Positive(t, oversold["plain mixed"], "a simulation in which nothing goes wrong proves nothing")
	if long {
		require.Greater(t, oversold["plain 1-10 min"], oversold["plain 1-5 s"])
	}
	require.Less(t, oversold["buffer 5 mixed"], oversold["plain mixed"])
}
