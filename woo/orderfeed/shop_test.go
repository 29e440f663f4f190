package orderfeed_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// ledger is a shop's order list without HTTP: exclusive whole-second filters, stamps by a clock of its own, pages read live.
type ledger struct {
	mu     sync.Mutex
	orders map[woo.OrderID]*woo.Order
	broken map[woo.OrderID]bool // reads of it fail, in lists and alone
	skew   time.Duration        // of the shop's clock
	walks  int
	gets   int

	lists     []woo.OrderQuery     // what was listed
	asked     []woo.OrderID        // by Get
	onPage    func(walk, page int) // before a page is read
	onGet     func(woo.OrderID)    // before an order is read alone
	malformed func(id int64) error // what a list yields of a broken one
	down      error                // every read fails
	noFields  bool                 // a list cannot be cut to some members
	blind     bool                 // it cannot tell what was modified: such lists are empty
}

func newLedger() *ledger {
	return &ledger{orders: map[woo.OrderID]*woo.Order{}, broken: map[woo.OrderID]bool{}, malformed: malformedError}
}

func (l *ledger) now() time.Time { return time.Now().Add(l.skew).UTC().Truncate(time.Second) }

// set creates an order or changes its status, now.
func (l *ledger) set(id woo.OrderID, status woo.OrderStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := woo.Order{ID: id, OrderKey: fmt.Sprint("wc_order_", id), DateCreated: l.now()}
	if old := l.orders[id]; old != nil {
		o = *old
	}
	o.Status, o.DateModified = status, l.now()
	if status == woo.OrderProcessing && o.DatePaid.IsZero() {
		o.DatePaid = o.DateModified
	}
	if status == woo.OrderCompleted {
		o.DateCompleted = o.DateModified
	}
	l.orders[id] = &o
}

// open makes n orders that are not wanted, from an id on.
func (l *ledger) open(from woo.OrderID, n int) {
	for i := range n {
		l.set(from+woo.OrderID(i), woo.OrderPending)
	}
}

// slip changes a status as a plugin does that writes into the database: no date moves.
func (l *ledger) slip(id woo.OrderID, status woo.OrderStatus) {
	l.edit(id, func(o *woo.Order) { o.Status = status })
}

// goBlind makes lists by modification empty from now on.
func (l *ledger) goBlind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blind = true
}

// reads counts the orders that were read alone.
func (l *ledger) reads() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gets
}

// edit changes a copy of an order in any way.
func (l *ledger) edit(id woo.OrderID, change func(o *woo.Order)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := *l.orders[id]
	change(&o)
	l.orders[id] = &o
}

func (l *ledger) remove(id woo.OrderID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.orders, id)
}

// walked is how often it was read.
func (l *ledger) walked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.walks
}

// fail lets every read fail, nil none.
func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = err
}

func (l *ledger) order(id woo.OrderID) woo.Order {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.orders[id]
}

func (l *ledger) Get(ctx context.Context, id woo.OrderID) (*woo.Order, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.onGet != nil {
		l.onGet(id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gets++
	l.asked = append(l.asked, id)
	o := l.orders[id]
	switch {
	case l.down != nil:
		return nil, l.down
	case o == nil:
		return nil, fmt.Errorf("order %d: %w", id, woo.ErrNotFound)
	case l.broken[id]:
		return nil, fmt.Errorf("order %d cannot be read", id)
	}
	c := *o
	return &c, nil
}

func (l *ledger) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	return func(yield func(*woo.Order, error) bool) {
		l.mu.Lock()
		l.walks++
		l.lists = append(l.lists, q)
		walk, last := l.walks, woo.OrderID(0)
		l.mu.Unlock()
		for page := 1; ; page++ {
			if l.onPage != nil {
				l.onPage(walk, page)
			}
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			orders, err := l.page(q, last)
			if l.noFields && q.Fields != nil {
				err = fmt.Errorf("Fields: %w", woo.ErrValidation)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, o := range orders {
				last = o.ID
				var err error
				if l.broken[o.ID] {
					o, err = nil, l.malformed(int64(o.ID))
				}
				if !yield(o, err) {
					return
				}
			}
			if len(orders) < q.PerPage {
				return
			}
		}
	}
}

func (l *ledger) page(q woo.OrderQuery, after woo.OrderID) ([]*woo.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return nil, l.down
	}
	var found []*woo.Order
	if l.blind && q.Status == nil && !q.ModifiedAfter.IsZero() {
		return nil, nil
	}
	for id, o := range l.orders {
		listed := slices.Contains(q.Status, o.Status) || q.Status == nil && o.Status != woo.OrderTrash
		if id > after && listed && o.DateModified.After(q.ModifiedAfter.Truncate(time.Second)) && o.DateCreated.After(q.After.Truncate(time.Second)) {
			c := *o
			found = append(found, &c)
		}
	}
	slices.SortFunc(found, func(a, b *woo.Order) int { return int(a.ID - b.ID) })
	return found[:min(len(found), q.PerPage)], nil
}

// malformedError is a woo.Error that is ErrMalformed, as a list yields it.
func malformedError(id int64) error {
	return errors.Join(woo.ErrMalformed, &woo.Error{Op: "orders.All", ResourceID: id})
}

// taken is a Handle that counts, and fails when told to.
type taken struct {
	mu   sync.Mutex
	got  map[string]int // "12 completed" to how many times
	fail func(o *woo.Order) error
}

func newTaken() *taken { return &taken{got: map[string]int{}} }

func (k *taken) handle(_ context.Context, o *woo.Order) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		if err := k.fail(o); err != nil {
			return err
		}
	}
	k.got[fmt.Sprint(o.ID, " ", o.Status)]++
	return nil
}

func (k *taken) count(id woo.OrderID, status woo.OrderStatus) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.got[fmt.Sprint(id, " ", status)]
}

func (k *taken) total() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, times := range k.got {
		n += times
	}
	return n
}

var wanted = []woo.OrderStatus{woo.OrderProcessing, woo.OrderCompleted}

func newFeed(t *testing.T, c orderfeed.Config) *orderfeed.Feed {
	t.Helper()
	if c.Store == nil {
		c.Store = orderfeed.NewMemoryStore()
	}
	if c.Statuses == nil {
		c.Statuses = wanted
	}
	if c.Handle == nil {
		c.Handle = newTaken().handle
	}
	f, err := orderfeed.New(c)
	require.NoError(t, err)
	return f
}

func runOnce(t *testing.T, f *orderfeed.Feed) orderfeed.Report {
	t.Helper()
	report, err := f.RunOnce(t.Context())
	require.NoError(t, err)
	return report
}

func night(t *testing.T, f *orderfeed.Feed) orderfeed.Report {
	t.Helper()
	report, err := f.Night(t.Context())
	require.NoError(t, err)
	return report
}

// openIDs is the open list.
func openIDs(t *testing.T, f *orderfeed.Feed) (ids []woo.OrderID) {
	t.Helper()
	for e, err := range f.Open(t.Context()) {
		require.NoError(t, err)
		ids = append(ids, e.ID)
	}
	return ids
}

func entryOf(t *testing.T, s orderfeed.Store, id woo.OrderID) orderfeed.Entry {
	t.Helper()
	got, err := s.Get(t.Context(), orderfeed.DefaultName, []woo.OrderID{id})
	require.NoError(t, err)
	if len(got) == 0 {
		return orderfeed.Entry{}
	}
	return got[0]
}
