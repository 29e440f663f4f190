package stocksync_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
)

func num(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

// shop is a store in memory: it sets what it is pushed, as the plugin does, and reports what it holds.
type shop struct {
	id stocksync.StoreID

	mu       sync.Mutex
	products map[stocksync.SKU]stocksync.Stock
	versions map[stocksync.SKU]int64
	pushes   [][]stocksync.Item
	renames  []stocksync.Ref
	reads    int
	fence    bool                                                      // it ignores versions that are not above what it has
	deaf     bool                                                      // it answers yes and does nothing
	push     func(items []stocksync.Item) ([]stocksync.Applied, error) // nil or a fault in its place
}

func newShop(id stocksync.StoreID, skus ...stocksync.SKU) *shop {
	s := &shop{id: id, products: map[stocksync.SKU]stocksync.Stock{}, versions: map[stocksync.SKU]int64{}}
	for _, sku := range skus {
		s.products[sku] = stocksync.Stock{Status: stocksync.OutOfStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed}
	}
	return s
}

// answers sets what a push is answered in place of the store's own, nil for that.
func (s *shop) answers(push func([]stocksync.Item) ([]stocksync.Applied, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push = push
}

func (s *shop) ID() stocksync.StoreID { return s.id }

func (s *shop) Push(_ context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushes = append(s.pushes, items)
	if s.push != nil {
		if applied, err := s.push(items); applied != nil || err != nil {
			return applied, err
		}
	}
	return s.apply(items), nil
}

func (s *shop) apply(items []stocksync.Item) []stocksync.Applied {
	applied := make([]stocksync.Applied, len(items))
	for i, item := range items {
		applied[i].Outcome = stocksync.Accepted
		if _, there := s.products[item.SKU]; !there || s.deaf || s.fence && item.Version <= s.versions[item.SKU] {
			continue
		}
		s.products[item.SKU] = item.Stock
		s.versions[item.SKU] = item.Version
	}
	return applied
}

func (s *shop) Rename(_ context.Context, refs []stocksync.Ref) ([]stocksync.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	applied := make([]stocksync.Applied, len(refs))
	for i, ref := range refs {
		applied[i].Outcome = stocksync.Accepted
		s.renames = append(s.renames, ref)
		stock, there := s.products[ref.OldSKU]
		if _, taken := s.products[ref.SKU]; !there || taken || s.deaf {
			continue
		}
		s.products[ref.SKU] = stock
		delete(s.products, ref.OldSKU)
		s.versions[ref.SKU] = s.versions[ref.OldSKU]
	}
	return applied, nil
}

func (s *shop) Read(_ context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	found := make([]*stocksync.Stock, len(refs))
	for i, ref := range refs {
		if stock, there := s.products[ref.SKU]; there {
			found[i] = &stock
		}
	}
	return found, nil
}

// has is what the store holds of a product.
func (s *shop) has(sku stocksync.SKU) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.products[sku].Quantity.IntPart()
}

// pushed are the quantities that were pushed of a product.
func (s *shop) pushed(sku stocksync.SKU) (all []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, items := range s.pushes {
		for _, item := range items {
			if item.SKU == sku {
				all = append(all, item.Quantity.IntPart())
			}
		}
	}
	return all
}

// sell changes what the store holds, and returns what it would report of it now.
func (s *shop) sell(sku stocksync.SKU, n int64, context string) stocksync.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	stock := s.products[sku]
	stock.Quantity = stock.Quantity.Sub(num(n))
	stock.Status = stocksync.InStock
	if !stock.Quantity.IsPositive() {
		stock.Status = stocksync.OutOfStock
	}
	s.products[sku] = stock
	return stocksync.Report{EventID: newEvent(), From: s.id, At: time.Now(), Context: context,
		Items: []stocksync.Item{{Ref: stocksync.Ref{SKU: sku}, Stock: stock}}}
}

var events struct {
	sync.Mutex
	n int
}

func newEvent() string {
	events.Lock()
	defer events.Unlock()
	events.n++
	return "evt-" + decimal.NewFromInt(int64(events.n)).String()
}

// world is a master with stores, running.
type world struct {
	*testing.T
	m     *stocksync.Master
	ctx   context.Context
	store *stocksync.MemoryStore
	queue *retryqueue.Queue
	shops []*shop
}

// inWorld runs a test in virtual time with a master of 10 of each SKU and two stores, a and b, that have them.
func inWorld(t *testing.T, test func(w *world), edit ...func(c *stocksync.MasterConfig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, store: stocksync.NewMemoryStore(), shops: []*shop{newShop("a", "mug", "cup"), newShop("b", "mug", "cup")}}
		var err error
		w.queue, err = retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore(), Drain: -1})
		require.NoError(t, err)
		c := stocksync.MasterConfig{Self: stocksync.Self{StoreID: "m"}, Store: w.store, Queue: w.queue,
			Peers: []stocksync.Peer{w.shops[0], w.shops[1]}}
		for _, e := range edit {
			e(&c)
		}
		w.m, err = stocksync.NewMaster(c)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		w.ctx = ctx
		var running sync.WaitGroup
		running.Go(func() { _ = w.queue.Run(ctx) })
		running.Go(func() { _ = w.m.Run(ctx) })
		defer running.Wait()
		defer stop()
		_, err = w.m.Seed(ctx, []stocksync.Item{
			{Ref: stocksync.Ref{GID: "g-mug", SKU: "mug"}, Stock: stocksync.Stock{Quantity: num(10)}},
			{Ref: stocksync.Ref{GID: "g-cup", SKU: "cup"}, Stock: stocksync.Stock{Quantity: num(10)}},
		})
		require.NoError(t, err)
		w.pass(time.Minute)
		test(w)
	})
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// receive hands a report to the master.
func (w *world) receive(r stocksync.Report) {
	w.Helper()
	require.NoError(w, w.m.Receive(w.ctx, r))
	synctest.Wait()
}

// row is what the master has of a product.
func (w *world) row(gid stocksync.GID) *stocksync.Row {
	w.Helper()
	for after := stocksync.GID(""); ; {
		rows, err := w.store.Find(w.ctx, after, 100)
		require.NoError(w, err)
		require.NotEmpty(w, rows, "no row %s", gid)
		for _, r := range rows {
			if r.GID == gid {
				return r
			}
			after = r.GID
		}
	}
}

// equal demands that master and stores have so much of a product.
func (w *world) equal(gid stocksync.GID, sku stocksync.SKU, n int64) {
	w.Helper()
	require.Equal(w, n, w.row(gid).Quantity.IntPart(), "at the master")
	for _, s := range w.shops {
		require.Equal(w, n, s.has(sku), "at %s", s.id)
	}
}
