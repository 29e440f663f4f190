package stocksynctest_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

// till is where a Go child's stock is.
type till struct {
	mu    sync.Mutex
	stock map[stocksync.SKU]stocksync.Stock
	sold  map[stocksync.SKU]decimal.Decimal
	rises int // writes of more than 10, with which the tests begin, less what was sold
}

func (s *till) risen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rises
}

func (s *till) Read(_ context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*stocksync.Stock, len(refs))
	for i, ref := range refs {
		if stock, ok := s.stock[ref.SKU]; ok {
			out[i] = &stock
		}
	}
	return out, nil
}

func (s *till) Apply(_ context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]stocksync.Applied, len(items))
	for i, item := range items {
		if _, ok := s.stock[item.SKU]; !ok {
			out[i] = stocksync.Applied{Outcome: stocksync.Refused, Err: &stocksync.Conflict{Reason: stocksync.MissingProduct, Ref: item.Ref}}
			continue
		}
		if item.Quantity.GreaterThan(number(10).Sub(s.sold[item.SKU])) {
			s.rises++
		}
		s.stock[item.SKU] = item.Stock
		out[i].Outcome = stocksync.Accepted
	}
	return out, nil
}

func (s *till) Items(context.Context) iter.Seq2[stocksync.Item, error] {
	return func(yield func(stocksync.Item, error) bool) {
		s.mu.Lock()
		all := maps.Clone(s.stock)
		s.mu.Unlock()
		for sku, stock := range all {
			if !yield(stocksync.Item{Ref: stocksync.Ref{SKU: sku}, Stock: stock}, nil) {
				return
			}
		}
	}
}

// branch is a Go child e beside a plugin child f, under a plugin master d.
type branch struct {
	*testing.T
	ctx     context.Context
	net     *stocksynctest.Network
	wire    *kitgenix.Wire
	child   *stocksync.Child
	till    *till
	store   *stocksync.MemoryStore
	d, f    *stocksynctest.Plugin
	receipt int
}

// inBranch runs a test in a bubble, with everything running.
func inBranch(t *testing.T, s setting, test func(b *branch)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		t.Cleanup(running.Wait)
		t.Cleanup(cancel)
		b := &branch{T: t, ctx: ctx, net: stocksynctest.NewNetwork(), store: stocksync.NewMemoryStore(), till: &till{
			sold:  map[stocksync.SKU]decimal.Decimal{},
			stock: map[stocksync.SKU]stocksync.Stock{"A": counted("A", 10).Stock, "B": counted("B", 20).Stock},
		}}
		transport := http.RoundTripper(b.net)
		if s.transport != nil {
			transport = s.transport(b.net)
		}
		var err error
		b.wire, err = kitgenix.New(kitgenix.Config{
			Self: stocksync.Self{StoreID: "e", Name: "Till"}, Nonces: nonces(), HTTPClient: &http.Client{Transport: transport},
			Pairs: []kitgenix.Pair{{StoreID: "d", URL: "https://d.test", Secret: secretE}},
		})
		require.NoError(t, err)
		queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
		require.NoError(t, err)
		b.child, err = stocksync.NewChild(stocksync.ChildConfig{
			Self: stocksync.Self{StoreID: "e", Name: "Till"}, Store: b.store, Queue: queue, Master: b.wire.Upstream("d"), Shelf: b.till,
		})
		require.NoError(t, err)
		handler := fakehttp.NewTransport(b.wire.Handler(b.child))
		t.Cleanup(handler.Close)
		b.net.Join("e.test", handler)
		for _, id := range []string{"d", "f"} {
			pc := stocksynctest.PluginConfig{ID: id, Generation: s.generation, Master: id == "d", Network: b.net, Cron: 20 * time.Second}
			if s.config != nil {
				s.config(&pc)
			}
			p := stocksynctest.NewPlugin(pc)
			t.Cleanup(p.Close)
			p.Add(stocksynctest.Managed("A", 10), stocksynctest.Managed("B", 20))
			p.Add(s.products...)
			b.net.Join(id+".test", p.Transport())
			if id == "d" {
				b.d = p
				p.Pair(stocksynctest.Pairing{ID: "e", URL: "https://e.test", Secret: secretE})
				p.Pair(stocksynctest.Pairing{ID: "f", URL: "https://f.test", Secret: secretF})
			} else {
				b.f = p
				p.Pair(stocksynctest.Pairing{ID: "d", URL: "https://d.test", Secret: secretF})
			}
			running.Go(func() { p.Run(ctx) })
		}
		running.Go(func() { _ = queue.Run(ctx) })
		running.Go(func() { _ = b.child.Run(ctx) })
		b.pass(2 * time.Minute)
		test(b)
	})
}

func (b *branch) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// sells sells at the till.
func (b *branch) sells(sku string, n int64) {
	b.Helper()
	b.till.mu.Lock()
	stock := b.till.stock[stocksync.SKU(sku)]
	stock.Quantity = stock.Quantity.Sub(number(n))
	b.till.stock[stocksync.SKU(sku)] = stock
	b.till.sold[stocksync.SKU(sku)] = b.till.sold[stocksync.SKU(sku)].Add(number(n))
	b.till.mu.Unlock()
	b.receipt++
	require.NoError(b, b.child.Sold(b.ctx, fmt.Sprint("receipt:", b.receipt),
		[]stocksync.Line{{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}, Quantity: number(n)}}))
}

// all returns the quantities of d, the till and f.
func (b *branch) all(sku string) [3]int64 {
	b.till.mu.Lock()
	defer b.till.mu.Unlock()
	return [3]int64{b.d.Quantity(sku), b.till.stock[stocksync.SKU(sku)].Quantity.IntPart(), b.f.Quantity(sku)}
}

// equal demands that all have n of a product, soon.
func (b *branch) equal(sku string, n int64) {
	b.Helper()
	b.equalWithin(30*time.Minute, sku, n)
}

func (b *branch) equalWithin(patience time.Duration, sku string, n int64) {
	b.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if b.all(sku) == [3]int64{n, n, n} {
			return
		}
		b.pass(15 * time.Second)
	}
	told, err := b.store.Events(b.ctx, stocksync.EventQuery{})
	require.NoError(b, err)
	for _, e := range told {
		b.Logf("%s %s %s %s %s %s", e.At.Format(time.DateTime), e.Level, e.Peer, e.Action, e.Ref.SKU, e.Text)
	}
	require.Equal(b, [3]int64{n, n, n}, b.all(sku), "of %s at d, the till and f", sku)
}

func underBoth(t *testing.T, name string, s setting, test func(b *branch)) {
	for _, generation := range []int{1, 2} {
		t.Run(fmt.Sprintf("%s/v%d", name, generation), func(t *testing.T) {
			t.Parallel()
			own := s
			own.generation = generation
			inBranch(t, own, test)
		})
	}
}

// TestChildUnderPlugins has a Go child under a plugin master, of each generation.
func TestChildUnderPlugins(t *testing.T) {
	t.Parallel()
	underBoth(t, "sales_and_pushes", setting{}, func(b *branch) {
		b.sells("A", 1)
		b.equal("A", 9)
		b.sells("A", 2)
		b.equal("A", 7)
		require.NoError(b, b.d.SetStock(b.ctx, "A", 30))
		b.equal("A", 30)
		_, err := b.f.Sell(b.ctx, "A", 5)
		require.NoError(b, err)
		b.equal("A", 25)
	})
	underBoth(t, "N1_first_contact_does_not_set_us_back", setting{}, func(b *branch) {
		b.sells("A", 1)
		b.pass(time.Second)
		b.sells("A", 1)
		b.equal("A", 8)
	})
	underBoth(t, "N6_an_event_without_items", setting{}, func(b *branch) {
		b.f.Create(b.ctx, stocksynctest.Managed("ONLY-F", 3))
		b.pass(5 * time.Minute)
		empty := 0
		for _, r := range b.d.Requests() {
			if r.Out && r.Peer == "e" && strings.Contains(r.Body, `"items":[]`) {
				empty++
				require.Equal(b, 200, r.Status)
			}
		}
		require.Positive(b, empty)
	})
	underBoth(t, "3.3_the_master_dies_after_its_mark", setting{}, func(b *branch) {
		b.d.Doom(2)
		b.sells("A", 3)
		b.equal("A", 7)
	})
	underBoth(t, "SS-08_the_master_is_down_for_a_day", setting{}, func(b *branch) {
		there := b.d.Transport()
		b.net.Join("d.test", nil)
		for range 6 {
			b.sells("A", 1)
			b.pass(4 * time.Hour)
		}
		b.net.Join("d.test", there)
		b.equal("A", 4)
	})
	underBoth(t, "3.5_no_version_from_us", setting{}, func(b *branch) {
		b.sells("A", 1)
		b.equal("A", 9)
		for _, r := range b.d.Requests() {
			require.False(b, !r.Out && r.Peer == "e" && strings.Contains(r.Body, `"version"`), r.Body)
		}
	})
	underBoth(t, "4.1_a_reconcile_that_never_leaves_the_queue", setting{}, func(b *branch) {
		for n := range 60 {
			sku := stocksync.SKU(fmt.Sprintf("BULK-%04d", n))
			b.d.Add(stocksynctest.Managed(string(sku), 7))
			b.till.mu.Lock()
			b.till.stock[sku] = counted(string(sku), 3).Stock
			b.till.mu.Unlock()
		}
		b.d.Reconcile(b.ctx, stocksynctest.ReconcileOptions{})
		b.pass(2 * time.Hour) // the child pulls by itself
		require.Positive(b, b.d.Dropped())
		require.Equal(b, int64(7), b.all("BULK-0059")[1])
	})
	underBoth(t, "4.1_small_events", setting{}, func(b *branch) {
		for n := range 60 {
			sku := stocksync.SKU(fmt.Sprintf("BULK-%04d", n))
			b.d.Add(stocksynctest.Managed(string(sku), 7))
			b.f.Add(stocksynctest.Managed(string(sku), 7))
			b.till.mu.Lock()
			b.till.stock[sku] = counted(string(sku), 7).Stock
			b.till.mu.Unlock()
		}
		b.pass(2 * time.Hour)
		for n := range 60 {
			b.sells(fmt.Sprintf("BULK-%04d", n), 1)
		}
		b.equal("BULK-0059", 6)
		for _, r := range b.d.Requests() {
			if !r.Out && r.Peer == "e" && r.Endpoint == "event" {
				require.LessOrEqual(b, len(r.Body), 6000)
				require.LessOrEqual(b, strings.Count(r.Body, `"sku"`), 25)
			}
		}
	})
	underBoth(t, "3.11_checkout", setting{}, func(b *branch) {
		b.d.SQL("A", func(p *stocksynctest.Product) { p.Quantity = 2 })
		verdict := b.child.CheckCheckout(b.ctx, []stocksync.Line{{Ref: stocksync.Ref{SKU: "A"}, Quantity: number(3)}})
		require.False(b, verdict.OK)
		verdict = b.child.CheckCheckout(b.ctx, []stocksync.Line{{Ref: stocksync.Ref{SKU: "A"}, Quantity: number(2)}})
		require.True(b, verdict.OK)
		b.net.Join("d.test", nil)
		verdict = b.child.CheckCheckout(b.ctx, []stocksync.Line{{Ref: stocksync.Ref{SKU: "A"}, Quantity: number(3)}})
		require.True(b, verdict.OK, "fail open")
	})
	underBoth(t, "SKUs_0_1_2_are_a_list", setting{
		products: []stocksynctest.Product{stocksynctest.Managed("0", 5), stocksynctest.Managed("1", 6), stocksynctest.Managed("2", 7)},
	}, func(b *branch) {
		stock, err := b.wire.Upstream("d").Read(b.ctx, []stocksync.Ref{{SKU: "0"}, {SKU: "1"}, {SKU: "2"}})
		require.NoError(b, err)
		for i, s := range stock {
			require.NotNil(b, s)
			require.True(b, s.Quantity.Equal(number(int64(5+i))))
		}
	})
}
