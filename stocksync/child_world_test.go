package stocksync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

// hub is a child's master as the child sees it: with absolute values, as a plugin's, or exact, as a Go service is.
type hub struct {
	mu       sync.Mutex
	exact    bool
	stock    map[SKU]*Stock
	booked   map[string]bool
	reports  []Report               // that arrived
	asked    []string               // "query", "read", "report" with their products
	refuse   func(ask string) error // instead of doing anything
	lose     func(ask string) error // after it was done
	ignore   map[SKU]bool           // answers yes and does nothing
	during   func(ask string)       // called, without the lock, before the answer
	inFlight map[SKU]int
	most     int // reports in flight for one product at a time
	pong     Pong
}

func newHub(skus ...string) *hub {
	h := &hub{stock: map[SKU]*Stock{}, booked: map[string]bool{}, inFlight: map[SKU]int{}, ignore: map[SKU]bool{},
		pong: Pong{StoreID: "master", Role: RoleMaster, Version: "2.0.0"}}
	for _, sku := range skus {
		h.stock[SKU(sku)] = stocked(10)
	}
	return h
}

func stocked(n int64) *Stock {
	quantity := decimal.NewFromInt(n)
	return &Stock{Quantity: quantity, Status: status(quantity, BackordersNo), Backorders: BackordersNo, Manage: Managed}
}

func (h *hub) ID() StoreID                        { return "master" }
func (h *hub) Exact(context.Context) bool         { return h.exact }
func (h *hub) Ping(context.Context) (Pong, error) { return h.pong, nil }
func (h *hub) Query(ctx context.Context, refs []Ref) ([]*Stock, error) {
	return h.answer(ctx, "query", refs)
}

func (h *hub) Read(ctx context.Context, refs []Ref) ([]*Stock, error) {
	return h.answer(ctx, "read", refs)
}

func (h *hub) answer(ctx context.Context, ask string, refs []Ref) ([]*Stock, error) {
	if err := h.before(ask, refs); err != nil {
		return nil, err
	}
	h.mu.Lock()
	answer := make([]*Stock, len(refs))
	for i, ref := range refs {
		if s := h.stock[ref.SKU]; s != nil {
			stock := *s
			if answer[i] = &stock; ask == "query" && s.Manage == Unmanaged {
				answer[i] = nil
			}
		}
	}
	h.mu.Unlock()
	return answer, h.after(ask)
}

func (h *hub) Report(_ context.Context, r Report) error {
	var refs []Ref
	for _, item := range r.Items {
		refs = append(refs, item.Ref)
	}
	if err := h.before("report", refs); err != nil {
		return err
	}
	h.mu.Lock()
	h.reports = append(h.reports, r)
	if known := h.booked[r.EventID]; !known {
		h.booked[r.EventID] = true
		for _, item := range r.Items {
			s := h.stock[item.SKU]
			switch {
			case s == nil || h.ignore[item.SKU]:
				continue
			case h.exact:
				s.Quantity = s.Quantity.Add(item.Quantity.Sub(*item.Was))
			default:
				s.Quantity = item.Quantity
			}
			s.Status = status(s.Quantity, s.Backorders)
		}
	}
	h.mu.Unlock()
	err := h.after("report")
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ref := range refs {
		h.inFlight[ref.SKU]--
	}
	return err
}

func (h *hub) before(ask string, refs []Ref) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, fmt.Sprintf("%s %d", ask, len(refs)))
	if h.refuse != nil {
		if err := h.refuse(ask); err != nil {
			return err
		}
	}
	if ask == "report" {
		for _, ref := range refs {
			h.inFlight[ref.SKU]++
			h.most = max(h.most, h.inFlight[ref.SKU])
		}
	}
	return nil
}

func (h *hub) after(ask string) error {
	if h.during != nil {
		h.during(ask)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lose != nil {
		return h.lose(ask)
	}
	return nil
}

// sell changes the master's stock behind the child's back.
func (h *hub) sell(sku SKU, n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stock[sku]
	s.Quantity = s.Quantity.Sub(decimal.NewFromInt(n))
	s.Status = status(s.Quantity, s.Backorders)
}

func (h *hub) has(sku SKU) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stock[sku].Quantity.IntPart()
}

func (h *hub) got() []Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.reports)
}

func (h *hub) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

// set changes the hub's manners.
func (h *hub) set(change func(h *hub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// till is a shelf.
type till struct {
	mu      sync.Mutex
	stock   map[SKU]*Stock
	writes  []Item
	outcome func(Item) Applied // instead of taking it
	broken  error
}

func newTill(skus ...string) *till {
	t := &till{stock: map[SKU]*Stock{}}
	for _, sku := range skus {
		t.stock[SKU(sku)] = stocked(10)
	}
	return t
}

func (t *till) Read(_ context.Context, refs []Ref) ([]*Stock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stocks := make([]*Stock, len(refs))
	for i, ref := range refs {
		if s := t.stock[ref.SKU]; s != nil {
			stock := *s
			stocks[i] = &stock
		}
	}
	return stocks, t.broken
}

func (t *till) Apply(_ context.Context, items []Item) ([]Applied, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return nil, t.broken
	}
	applied := make([]Applied, len(items))
	for i, item := range items {
		t.writes = append(t.writes, item)
		if t.outcome != nil {
			applied[i] = t.outcome(item)
			continue
		}
		stock := item.Stock
		t.stock[item.SKU] = &stock
		applied[i] = Applied{Outcome: Accepted}
	}
	return applied, nil
}

// sells takes from the till, as its own cashier does.
func (t *till) sells(sku SKU, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := *t.stock[sku]
	s.Quantity = s.Quantity.Sub(decimal.NewFromInt(n))
	s.Status = status(s.Quantity, s.Backorders)
	t.stock[sku] = &s
}

func (t *till) has(sku SKU) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stock[sku].Quantity.IntPart()
}

func (t *till) written() []Item {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.writes)
}

// renamingTill is a till that can give a product another SKU.
type renamingTill struct{ *till }

func (t renamingTill) Rename(_ context.Context, refs []Ref) ([]Applied, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	applied := make([]Applied, len(refs))
	for i, ref := range refs {
		switch {
		case t.stock[ref.SKU] != nil:
			applied[i] = Applied{Refused, errors.New("another product has it")}
		default:
			t.stock[ref.SKU] = t.stock[ref.OldSKU]
			delete(t.stock, ref.OldSKU)
			applied[i] = Applied{Outcome: Accepted}
		}
	}
	return applied, nil
}

// branch is a child with its surroundings, all of it in a bubble.
type branch struct {
	*Child
	t     *testing.T
	hub   *hub
	till  *till
	store *MemoryStore
	jobs  retryqueue.Store
	alter func(*ChildConfig)
	stop  func()
}

// inBranch runs a test in a bubble in which a child works.
func inBranch(t *testing.T, h *hub, shelf *till, alter func(*ChildConfig), test func(t *testing.T, b *branch)) {
	synctest.Test(t, func(t *testing.T) {
		b := &branch{t: t, hub: h, till: shelf, store: NewMemoryStore(), jobs: retryqueue.NewMemoryStore(), alter: alter}
		b.start()
		defer func() { b.stop() }()
		test(t, b)
	})
}

// start begins a process: what it knows is in the stores.
func (b *branch) start() {
	queue, err := retryqueue.New(retryqueue.Config{Store: b.jobs, Drain: -1})
	require.NoError(b.t, err)
	config := ChildConfig{Self: Self{StoreID: "child"}, Store: b.store, Queue: queue, Master: b.hub, Shelf: b.till, PullEvery: -1}
	if b.alter != nil {
		b.alter(&config)
	}
	b.Child, err = NewChild(config)
	require.NoError(b.t, err)
	ctx, cancel := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = queue.Run(ctx) })
	running.Go(func() { _ = b.Run(ctx) })
	b.stop = func() { cancel(); running.Wait() }
}

// restart ends the process and begins another.
func (b *branch) restart() {
	b.stop()
	b.start()
}

// rest lets a time pass, and all that is to happen in it.
func (b *branch) rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// sale is a sale at the till, told to the child.
func (b *branch) sale(key string, sku SKU, n int64) {
	b.till.sells(sku, n)
	b.told(key, sku, n)
}

func (b *branch) told(key string, sku SKU, n int64) {
	require.NoError(b.t, b.Sold(b.t.Context(), key, []Line{{Ref: Ref{SKU: sku}, Quantity: decimal.NewFromInt(n)}}))
}

// push is a push of the master's, made now.
func (b *branch) push(event string, items ...Item) { b.pushed(time.Now(), event, items...) }

// pushed is a push that was made at another time.
func (b *branch) pushed(at time.Time, event string, items ...Item) {
	require.NoError(b.t, b.Receive(b.t.Context(), Report{EventID: event, From: "master", At: at, Items: items}))
}

func (b *branch) row(gid GID) *Row {
	rows, err := b.rows(b.t.Context(), []GID{gid})
	require.NoError(b.t, err)
	return rows[0]
}

func (b *branch) events(q EventQuery) []Event {
	events, err := b.store.Events(b.t.Context(), q)
	require.NoError(b.t, err)
	return events
}

// whole checks what must hold whenever nothing is under way: the ledger adds up to what the shelf is to have.
func (b *branch) whole() {
	rows, err := b.store.Find(b.t.Context(), "", 1000)
	require.NoError(b.t, err)
	for _, row := range rows {
		history, err := b.store.History(b.t.Context(), row.GID, 0)
		require.NoError(b.t, err)
		sum := decimal.Zero
		for _, e := range history {
			sum = sum.Add(e.Delta)
		}
		require.Equal(b.t, row.target().String(), sum.String(), "I1: ledger of %s", row.GID)
		require.LessOrEqual(b.t, len(row.Held), 2)
	}
}

// item is a product with a quantity, as a push has it.
func item(gid GID, sku SKU, n, version int64) Item {
	return Item{Ref: Ref{GID: gid, SKU: sku}, Stock: *stocked(n), Version: version}
}

type unsure struct{ error }

func (unsure) Ambiguous() bool { return true }

var errLost = unsure{errors.New("the answer was lost")}

// catalog is a till that lists what it has.
type catalog struct{ *till }

func (c catalog) Items(context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		c.mu.Lock()
		skus := slices.Sorted(maps.Keys(c.stock))
		c.mu.Unlock()
		for _, sku := range skus {
			if !yield(Item{Ref: Ref{SKU: sku}}, nil) {
				return
			}
		}
	}
}
