package stocksync

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestChildFaults lets a child and its master sell at once, on a line that loses questions and answers, delays, doubles and reorders
// pushes, while the child's process dies now and then. What is sold must arrive, once.
func TestChildFaults(t *testing.T) {
	t.Parallel()
	seeds := 40
	if os.Getenv("TILLWIRE_LONG") == "1" {
		seeds = 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("SS-03_I4_seed_%d", seed), func(t *testing.T) {
			t.Parallel()
			faultyDay(t, uint64(seed), seed%2 == 0)
		})
	}
}

// faultyDay is one run. Of a plugin's master no more can be asked than that nobody else sells while answers are lost.
func faultyDay(t *testing.T, seed uint64, exact bool) {
	skus := []SKU{"A", "B", "C"}
	h := newHub("A", "B", "C")
	h.exact = exact
	random := rand.New(rand.NewPCG(seed, 6))
	faults := rand.New(rand.NewPCG(seed, 7))
	h.refuse = func(string) error {
		switch faults.IntN(10) {
		case 0:
			return errors.New("connection refused")
		case 1:
			return errLost
		}
		return nil
	}
	h.lose = func(string) error {
		if faults.IntN(10) == 0 {
			return errLost
		}
		return nil
	}
	h.during = func(string) { time.Sleep(40 * time.Millisecond) }
	inBranch(t, h, newTill("A", "B", "C"), nil, func(t *testing.T, b *branch) {
		sold := map[SKU]int64{}
		versions := map[SKU]int64{}
		applied := map[SKU]int64{}
		type push struct {
			at time.Time
			r  Report
		}
		var line []push
		pushed := func(sku SKU) {
			versions[sku]++
			r := Report{EventID: fmt.Sprintf("%s-%d", sku, versions[sku]), From: "master", At: time.Now(),
				Items: []Item{item("g-"+GID(sku), sku, h.has(sku), versions[sku])}}
			for range 1 + random.IntN(2) {
				line = append(line, push{time.Now().Add(time.Duration(random.IntN(20_000)) * time.Millisecond), r})
			}
		}
		arrive := func(all bool) {
			line = slices.DeleteFunc(line, func(p push) bool {
				if all || !p.at.After(time.Now()) {
					require.NoError(t, b.Receive(t.Context(), p.r))
					return true
				}
				return false
			})
		}
		for _, sku := range skus {
			pushed(sku)
		}
		arrive(true)
		b.rest(10 * time.Second)
		for step := range 150 {
			sku := skus[random.IntN(len(skus))]
			switch random.IntN(8) {
			case 0, 1, 2:
				n := int64(1 + random.IntN(3))
				b.sale(fmt.Sprintf("r%d", step), sku, n)
				sold[sku] += n
			case 3:
				if exact {
					n := int64(1 + random.IntN(2))
					h.sell(sku, n)
					sold[sku] += n
				}
				pushed(sku)
			case 4:
				b.restart()
			}
			arrive(false)
			b.rest(time.Duration(random.IntN(3000)) * time.Millisecond)
			for _, sku := range skus {
				row := b.row("g-" + GID(sku))
				require.GreaterOrEqual(t, row.Version, applied[sku], "I4: a version goes back")
				applied[sku] = row.Version
			}
		}
		h.set(func(h *hub) { h.refuse, h.lose = nil, nil })
		b.rest(15 * time.Minute)
		arrive(true)
		b.rest(2 * time.Minute)
		for _, sku := range skus {
			require.Equal(t, 10-sold[sku], h.has(sku), "%s at the master (seed %d)", sku, seed)
			require.Equal(t, 10-sold[sku], b.till.has(sku), "%s on the shelf (seed %d)", sku, seed)
			require.Empty(t, b.row("g-"+GID(sku)).Held)
		}
		require.Equal(t, 1, h.most, "one report in flight for a product")
		b.whole()
	})
}
