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
	"time"

	"github.com/tillwire/tillwire/woo"
)

// Defaults of [Config].
const (
	DefaultName  = "orders"
	DefaultEvery = time.Hour
	DefaultLease = 30 * time.Second
)

// Source is where orders are read from: the Orders of a [woo.Client].
type Source interface {
	// Get reads one order. Of a missing one the error is woo.ErrNotFound.
	Get(ctx context.Context, id woo.OrderID) (*woo.Order, error)
	// All reads the orders that match q by id ascending. The feed sets Status, ModifiedAfter (exclusive) and PerPage. An error that is
	// woo.ErrMalformed speaks of one order, and the walk goes on; any other error ends it.
	All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error]
}

// Once says how often one order is handed over.
type Once int

const (
	// PerStatus hands an order over once at each wanted status in which it is seen.
	PerStatus Once = iota
	// PerOrder hands an order over once, at the first wanted status in which it is seen.
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
	// Statuses are the wanted ones, required, as the shop names them, without "wc-". A status added later holds for orders that
	// change from then on.
	Statuses []woo.OrderStatus
	// Once is PerStatus or PerOrder.
	Once Once
	// Handle takes an order, required. It must have saved what it needs before it returns nil, since the order is then marked as
	// handled; it may be called again for an order whose mark was not stored in time, and by several goroutines at once, though
	// never for one order at a time. An error is kept in the order's Entry and Handle called again at the next run; an
	// error whose Systemic() is true ends the run. It must not change the order.
	Handle func(ctx context.Context, o *woo.Order) error
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
	// Logger is silent by default.
	Logger *slog.Logger
}

// Report counts what a run did.
type Report struct {
	Read    int // orders read from the shop
	Handled int // times that Handle took an order
	Failed  int // orders that could not be read or that Handle refused: the next run tries them again
}

// Feed hands orders over. Make it with [New].
type Feed struct {
	c      Config
	holder string        // of the lease: this Feed
	turns  chan struct{} // one run at a time within the process
	busy   locks         // orders in hand
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
	}
	for _, s := range c.Statuses {
		if s == "" || s == woo.OrderAny || strings.HasPrefix(string(s), "wc-") || strings.ToLower(string(s)) != string(s) {
			return nil, fmt.Errorf("orderfeed: Config.Statuses: %q is no status: want one in lower case without \"wc-\"", s)
		}
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("feed", c.Name)
	return &Feed{c: c, holder: rand.Text(), turns: make(chan struct{}, 1), busy: newLocks()}, nil
}

// stamp is a time as shops give it: whole seconds, in UTC.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
