package orderfeed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// Defaults of [Config].
const (
	DefaultName    = "orders"
	DefaultEvery   = time.Hour
	DefaultLease   = 30 * time.Second
	DefaultSilence = 3 * time.Hour
)

// Source is where orders are read from: the Orders of a [woo.Client], or those of woo/legacy.
type Source interface {
	// Get reads one order. Of a missing one the error is woo.ErrNotFound.
	Get(ctx context.Context, id woo.OrderID) (*woo.Order, error)
	// All reads the orders that match q by id ascending. The feed sets Status, After and ModifiedAfter (both exclusive) and PerPage. An
	// error that is woo.ErrMalformed speaks of one order, and the walk goes on; any other error ends it.
	All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error]
}

// Once says how often one order is handed over.
type Once int

const (
	// PerStatus hands an order over once at each wanted status in which it is seen. It stays on the open list until it was
	// handed over at the last of Config.Statuses.
	PerStatus Once = iota
	// PerOrder hands an order over once, at the first wanted status in which it is seen; then it is off the open list.
	PerOrder
)

// Config describes a feed. The zero value of a field is its default, unless it is called required.
type Config struct {
	// Name tells the feeds in one Store apart. One per shop and use, never to change; default "orders".
	Name string
	// Source is required: shop.Orders.
	Source Source
	// Store is required: it is what survives a restart. See sqlfeed, and [NewMemoryStore] for tests.
	Store Store
	// Statuses are the wanted ones, required, as the shop names them, without "wc-", in the order in which an order goes through
	// them. They may be changed at any time: at the next start the open list is gone through, and what is in a status that is
	// wanted now is handed over.
	Statuses []woo.OrderStatus
	// Once is PerStatus or PerOrder.
	Once Once
	// Handle takes an order, required. It must have saved what it needs before it returns nil, since the order is then marked as
	// handled; it may be called again for an order whose mark was not stored in time, and by several goroutines at once, though
	// never for one order at a time. An error is kept in the order's Entry and Handle called again at the next run; an
	// error whose Systemic() is true ends the run. It must not change the order.
	Handle func(ctx context.Context, o *woo.Order) error
	// Follow is told when an order that Handle took before is seen in another status, and Handle is not called for it: it was
	// cancelled, refunded, or went through a wanted status that Once does not hand over again. Optional; its errors are dealt with
	// as Handle's.
	Follow func(ctx context.Context, o *woo.Order) error
	// Gone is told when an order that the feed knows is found to be deleted, or in the trash (then e.Status says so). It may
	// be told again. Optional; its errors are dealt with as Handle's.
	Gone func(ctx context.Context, e Entry) error
	// Webhooks says that the shop delivers to WebhookHandler. Run then reads the shop once a night instead of once every
	// Every; see [Mode].
	Webhooks bool
	// PollPending reads every Every until the first delivery was taken. Without it a webhook that was announced but never made
	// in the shop means one reading a night.
	PollPending bool
	// Silence is how old a change must be that no delivery brought, and how long no delivery came, before the webhook is
	// suspect; default 3 hours: shops were seen to deliver two hours late.
	Silence time.Duration
	// Recheck shapes the night's re-check of the open list.
	Recheck Recheck
	// Location is where nights are reckoned, the shop's or its bookkeeper's; default UTC.
	Location *time.Location
	// Alarm is told what somebody must look at: [ErrSuspect], [ErrBacklog], [ErrBulkUseless]. Optional; they are logged in any case.
	Alarm func(ctx context.Context, err error)
	// Since is where the feed begins: an order that was created, paid and completed before it (as far as it was) is left alone,
	// however often it is changed later. The default is a day before the feed's first start; that day is there for shops whose clock
	// is wrong. It is kept in Store; an earlier Since given later makes the feed read again from there, and hand over what it has not.
	Since time.Time
	// Every is the pause between two readings of what has changed; default 1 hour. After a failure Run comes back sooner.
	Every time.Duration
	// Lease is how long after its death a process still counts as the one that reads; default 30 s, extended every third of it.
	Lease time.Duration
	// Progress is called after every batch of a run with the run's counts so far. Optional.
	Progress func(Report)
	// Logger hears of readings (info), of orders that failed (warn) and of what somebody must look at (error). Default: silent.
	Logger *slog.Logger
}

// What [Config].Alarm is told, for errors.Is.
var (
	// ErrSuspect: the shop's webhooks do not arrive. Look at their status in the shop; package webhook's Guard does it by itself.
	ErrSuspect = errors.New("orderfeed: orders change and no delivery arrives")
	// ErrBacklog: so many orders are open that the night asks for none of them, only for what was completed lately. Ignore the old ones.
	ErrBacklog = errors.New("orderfeed: too many open orders to look at each")
	// ErrBulkUseless: the same, and completed is no wanted status, so that the re-check can hand nothing over.
	ErrBulkUseless = errors.New("orderfeed: the re-check can find nothing")
)

// Report counts what a run did.
type Report struct {
	Read     int // orders read from the shop
	Handled  int // times that Handle took an order
	Followed int // times that Follow took one
	Failed   int // orders that could not be read or that were refused: the next run tries them again
	Missing  int // orders found to be deleted or in the trash

	// Of a night's run:
	Candidates int  // open orders within the window
	Checked    int  // of them, those that the shop was asked for or showed
	Forwarded  int  // of them, those that Handle took
	Bulk       bool // they were too many to be looked at one by one
	Open       int  // orders left on the open list
}

// String names the counts that are not zero: "read 3, handled 2".
func (r Report) String() string {
	var parts []string
	for _, count := range []struct {
		name string
		n    int
	}{
		{"read", r.Read}, {"handled", r.Handled}, {"followed", r.Followed}, {"failed", r.Failed}, {"missing", r.Missing},
		{"candidates", r.Candidates}, {"checked", r.Checked}, {"forwarded", r.Forwarded}, {"open", r.Open},
	} {
		if count.n != 0 {
			parts = append(parts, fmt.Sprint(count.name, " ", count.n))
		}
	}
	if r.Bulk {
		parts = append(parts, "in bulk")
	}
	if parts == nil {
		return "nothing read"
	}
	return strings.Join(parts, ", ")
}

// Feed hands orders over. Make it with [New].
type Feed struct {
	c      Config
	holder string        // of the lease: this Feed
	turns  chan struct{} // one run at a time within the process
	busy   locks         // orders in hand
	swept  atomic.Bool   // the open list was gone through since the start
}

// New returns a feed, or an error that names the field that is missing or wrong. It calls nobody.
func New(c Config) (*Feed, error) {
	switch {
	case c.Source == nil:
		return nil, errors.New("orderfeed: Config.Source is missing")
	case c.Store == nil:
		return nil, errors.New("orderfeed: Config.Store is missing")
	case c.Handle == nil:
		return nil, errors.New("orderfeed: Config.Handle is missing")
	case len(c.Statuses) == 0:
		return nil, errors.New("orderfeed: Config.Statuses is empty")
	case c.Once != PerStatus && c.Once != PerOrder:
		return nil, fmt.Errorf("orderfeed: Config.Once is %d", c.Once)
	case c.Every < 0:
		return nil, errors.New("orderfeed: Config.Every is negative")
	case c.Lease < 0:
		return nil, errors.New("orderfeed: Config.Lease is negative")
	case c.Silence < 0:
		return nil, errors.New("orderfeed: Config.Silence is negative")
	}
	if err := c.Recheck.check(); err != nil {
		return nil, err
	}
	if err := checkStatuses("Config.Statuses", c.Statuses); err != nil {
		return nil, err
	}
	c.Statuses = slices.Clone(c.Statuses)
	c.Since = stamp(c.Since)
	if c.Name == "" {
		c.Name = DefaultName
	}
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	if c.Silence == 0 {
		c.Silence = DefaultSilence
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	c.Recheck = c.Recheck.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("feed", c.Name)
	return &Feed{c: c, holder: rand.Text(), turns: make(chan struct{}, 1), busy: newLocks()}, nil
}

func checkStatuses(field string, statuses []woo.OrderStatus) error {
	for _, s := range statuses {
		if s == "" || s == woo.OrderAny || strings.HasPrefix(string(s), "wc-") || strings.ToLower(string(s)) != string(s) {
			return fmt.Errorf("orderfeed: %s: %q is no status: want one in lower case without \"wc-\"", field, s)
		}
	}
	return nil
}

// stamp is a time as shops give it: whole seconds, in UTC.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
