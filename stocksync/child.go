package stocksync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// ErrNotMaster says that a report comes from a store that is not the child's master. Trying again is useless.
var ErrNotMaster = errors.New("stocksync: not from this child's master")

// ChildConfig describes a child. The zero value of a field is its default, unless it is called required.
type ChildConfig struct {
	// Name begins the names of the queue's kinds, "stocksync.report" and "stocksync.shelf". One per child, never to change; default
	// "stocksync".
	Name string
	// Self is required: as the master knows this store.
	Self Self
	// Store is required: rows, what is not yet reported and what the shelf is to get survive in it. One per child.
	Store Store
	// Queue is required. The child works while it runs.
	Queue *retryqueue.Queue
	// Master is required: kitgenix's Wire.Upstream. With one that is [Exact] no sale is told twice or lost, whatever happens to
	// answers; a plugin's master can be told no better than its absolute values allow.
	Master Upstream
	// Shelf is required: where this store's stock really is. One that is a [Catalog] tells [Child.Pull] of products that the master has
	// never pushed; one that has Peer's Rename follows new SKUs, any other keeps its own.
	Shelf Shelf
	// Exclude are SKUs that are neither reported nor changed nor checked at the checkout.
	Exclude Exclusions
	// Checkout says what [Child.CheckCheckout] does when the master cannot be asked.
	Checkout Checkout
	// PullEvery is how often Run asks the master for everything, since a plugin's master loses large reconciles silently; default an
	// hour, negative never. The first time is after a minute.
	PullEvery time.Duration
	// Events is how many lines of the event log are kept; default 1000, negative all.
	Events int
	// Logger gets what goes wrong (warn, error) and what is done (debug). Default: silent.
	Logger *slog.Logger
}

// Child is a store that follows a master: a till, an ERP, a store of another make. It takes the master's pushes ([Child.Receive]),
// tells it of its own sales ([Child.Sold]) and writes to its [Shelf] what follows from both: the master's quantity and its own sales
// that the master does not know yet. Nothing of it is lost in a crash. It is a [Node], and safe for concurrent use.
type Child struct {
	c       ChildConfig
	master  StoreID
	self    StoreID
	health  *healths
	answers answers
	reports *retryqueue.Producer[struct{}]
	shelves *retryqueue.Producer[struct{}]
}

var _ Node = (*Child)(nil)

// NewChild makes a child and registers its two kinds with the queue. The error names the field that is wrong.
func NewChild(c ChildConfig) (*Child, error) {
	switch {
	case c.Self.StoreID == "":
		return nil, errors.New("stocksync: ChildConfig.Self.StoreID is missing: the master knows this store by it")
	case c.Store == nil:
		return nil, errors.New("stocksync: ChildConfig.Store is missing: sqlstock.Open, or NewMemoryStore in tests")
	case c.Queue == nil:
		return nil, errors.New("stocksync: ChildConfig.Queue is missing")
	case c.Master == nil:
		return nil, errors.New("stocksync: ChildConfig.Master is missing: kitgenix's Wire.Upstream")
	case c.Shelf == nil:
		return nil, errors.New("stocksync: ChildConfig.Shelf is missing: where this store's stock is")
	case c.Master.ID() == c.Self.StoreID:
		return nil, fmt.Errorf("stocksync: ChildConfig.Master is %q, as is Self: a store cannot follow itself", c.Self.StoreID)
	}
	if err := c.Checkout.check(); err != nil {
		return nil, err
	}
	c.Name = cmp.Or(c.Name, "stocksync")
	c.PullEvery = cmp.Or(c.PullEvery, time.Hour)
	c.Events = cmp.Or(c.Events, 1000)
	c.Checkout = c.Checkout.withDefaults()
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	child := &Child{c: c, master: c.Master.ID(), self: c.Self.StoreID, health: newHealths()}
	var err error
	if child.reports, err = child.register("report", child.report, "Sales to the master "+string(child.master)); err != nil {
		return nil, err
	}
	if child.shelves, err = child.register("shelf", child.fill, "Stock to the shelf"); err != nil {
		return nil, err
	}
	return child, nil
}

// register makes one of the two kinds. Each has one job, which goes on as long as the outbox holds anything: what is tried again when
// stands there, product by product, therefore the job itself never gives up.
func (c *Child) register(verb string, work func(context.Context) error, label string) (*retryqueue.Producer[struct{}], error) {
	return retryqueue.Register(c.c.Queue, retryqueue.Kind[struct{}]{
		Name:        c.c.Name + "." + verb,
		Work:        func(ctx context.Context, _ retryqueue.Job[struct{}]) error { return work(ctx) },
		Again:       retryqueue.Latest,
		Describe:    func(struct{}) (string, string, string) { return label, "", "" },
		Schedule:    retries,
		MaxAttempts: -1,
		MaxAge:      -1,
		Concurrency: 1,
	})
}

// retries is how long a product waits after a failed try, and a job after one that met them all.
var retries = retryqueue.Steps(5*time.Second, 15*time.Second, time.Minute, 5*time.Minute, 10*time.Minute)

// ID implements [Node].
func (c *Child) ID() StoreID { return c.self }

// Role implements [Node].
func (c *Child) Role() Role { return RoleChild }

// Health tells how the connection with the master stands.
func (c *Child) Health(ctx context.Context) (Health, error) {
	backlog, err := c.c.Store.Backlog(ctx)
	h := c.health.of(c.master)
	h.Waiting = backlog[c.master].Count
	return h, err
}

// TestConnection asks the master who it is, and measures how far its clock is ahead of ours. It is an error when the upstream cannot
// be pinged or answers under another id, or when it is a child itself.
func (c *Child) TestConnection(ctx context.Context) (Pong, error) {
	pinger, ok := c.c.Master.(Pinger)
	if !ok {
		return Pong{}, fmt.Errorf("stocksync: the connection with %s cannot be tested: its upstream has no Ping", c.master)
	}
	pong, err := pinger.Ping(ctx)
	c.health.outbound(c.master, err)
	if err != nil {
		return pong, err
	}
	c.health.clock(c.master, pong)
	switch {
	case pong.StoreID != c.master:
		return pong, fmt.Errorf("stocksync: the master answers as %q: set its id in the pair, %q now", pong.StoreID, c.master)
	case pong.Role != RoleMaster:
		return pong, fmt.Errorf("stocksync: %s is a %s: give this child a master", c.master, pong.Role)
	}
	return pong, nil
}

// Run keeps the child going until ctx ends; then it returns nil. It hands to the queue what waits (after a crash, or when its time has
// come), measures the master's clock, and asks it for everything every PullEvery. The queue runs beside it.
func (c *Child) Run(ctx context.Context) error {
	beat := time.NewTicker(time.Minute)
	defer beat.Stop()
	pull := time.Now().Add(time.Minute)
	for {
		c.sweep(ctx)
		if _, ok := c.c.Master.(Pinger); ok {
			if _, err := c.TestConnection(ctx); err != nil && ctx.Err() == nil {
				c.c.Logger.WarnContext(ctx, "the master does not answer as it should", "error", err)
			}
		}
		if now := time.Now(); c.c.PullEvery > 0 && !now.Before(pull) {
			pull = now.Add(c.c.PullEvery)
			if report, err := c.Pull(ctx, PullOptions{}); err != nil && ctx.Err() == nil {
				c.c.Logger.WarnContext(ctx, "not everything was asked of the master", "error", err, "report", report)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
		}
	}
}

// sweep makes a job due for what waits in the outbox and is due, whatever became of the one that was to do it.
func (c *Child) sweep(ctx context.Context) {
	backlog, err := c.c.Store.Backlog(ctx)
	now := time.Now()
	if w := backlog[c.master]; w.Count > 0 && !w.Next.After(now) {
		err = errors.Join(err, c.wake(ctx, c.reports))
	}
	if w := backlog[c.self]; w.Count > 0 && !w.Next.After(now) {
		err = errors.Join(err, c.wake(ctx, c.shelves))
	}
	if err != nil && ctx.Err() == nil {
		c.c.Logger.ErrorContext(ctx, "the child's backlog was not handed to the queue", "error", err)
	}
}

// wake makes one of the two jobs due. What it is to do is in the outbox.
func (c *Child) wake(ctx context.Context, jobs *retryqueue.Producer[struct{}]) error {
	_, err := jobs.Enqueue(ctx, string(c.self), struct{}{})
	return err
}

// Record writes to the event log, and to the Logger. The log is for people: that it cannot be written stops nothing.
func (c *Child) Record(ctx context.Context, e Event) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	level := slog.LevelWarn
	switch e.Level {
	case "info":
		level = slog.LevelDebug
	case "error":
		level = slog.LevelError
	}
	c.c.Logger.Log(ctx, level, e.Text, "action", e.Action, "peer", e.Peer, "sku", e.Ref.SKU)
	err := c.c.Store.Log(ctx, []Event{e}, max(0, c.c.Events))
	if err != nil && ctx.Err() == nil {
		c.c.Logger.ErrorContext(ctx, "the event log was not written", "error", err)
	}
	return err
}

// record is Record for events that come after what they tell is done.
func (c *Child) record(ctx context.Context, events ...Event) {
	for _, e := range events {
		_ = c.Record(ctx, e)
	}
}
