package stocksync

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/retryqueue"
)

// MasterConfig of a [Master]. Self, Store and Queue are required.
type MasterConfig struct {
	// Name begins the name of the queue's kind, "stocksync.push", and must never change. One per master. Default "stocksync".
	Name string
	// Self is the host itself: what it sells stands in the ledger under its StoreID. Required.
	Self Self
	// Store keeps rows, ledger and outbox. Required.
	Store Store
	// Queue pushes. Any store of its own will do: what is to be pushed is in Store. Required.
	Queue *retryqueue.Queue
	// Peers are the stores that follow. Those that are a Watcher are watched by Run.
	Peers []Peer
	// Source is where on-hand is first read from, once per product: [Master.Import]. Never a child. Default: the host seeds by hand,
	// with [Master.Seed].
	Source Shelf
	// Exclude are SKUs that are left alone, as [ParseExclusions] has them.
	Exclude Exclusions

	// Capture says how the changes of a peer are found in its reports. Default [Shadow].
	Capture map[StoreID]Capture
	// Increases says what becomes of a report of more stock than the peer was known to hold, which no restore explains. Default
	// [ConfirmIncreases].
	Increases Increases

	// Mode says what a peer is shown of the stock. Default [Plain].
	Mode Mode
	// Buffer is, with [Buffered], how much of a product a store is not shown. Default: nothing.
	Buffer func(StoreID, Ref) decimal.Decimal
	// Weight is, with [Allocated], how much of the stock a store is given in proportion to the others; the host keeps a part of
	// weight HostWeight as the reserve it sells from itself. Default 1 for each, also for the host.
	Weight     map[StoreID]int
	HostWeight int
	// Settle is, with [Allocated], how late a report of a store that is not [Relative] may come: so long after a push was seen at the
	// store, what it may have sold before still counts as its own. Default 10 min.
	Settle time.Duration

	// Schedules say how long to wait after a failed push to a peer, and, with retryqueue.WithLimits, when to give up. A peer that was
	// given up is probed every hour, and pushed to again as soon as it reports something. Default: 5, 15, 60 s, 5, 15 min, 1 h, then
	// 6 h; 12 attempts within 48 h.
	Schedules map[StoreID]retryqueue.Schedule
	// Batch is how many items go to a peer at a time, where the peer does not say (Limits). Default 40.
	Batch int
	// Quiet is how long a peer whose report was not taken as it stood is left alone before it is pushed to. Default 3 s; negative: not
	// at all.
	Quiet time.Duration
	// AuditEvery is how often Run audits all peers, and adopts what they have sold and not reported. Default a day; negative: never.
	AuditEvery time.Duration
	// Events is how many lines of the event log are kept. Default 1000; negative: all.
	Events int
	// Logger hears of what goes wrong (warn, error). Default: silent.
	Logger *slog.Logger
}

// Capture is how a peer's changes are found in its reports.
type Capture string

const (
	// Shadow takes the difference between what was reported and what the peer was known to hold when it captured that: exact unless
	// the capture falls into a push in flight, then two reads decide. It needs nothing but reports.
	Shadow Capture = "shadow"
	// OrderLedger counts order lines (Report.Movements), each once; quantities are not looked at. It needs a peer that reads orders.
	OrderLedger Capture = "ledger"
	// Absolute believes the reported quantity, as the plugin does: sales at the same time are lost.
	Absolute Capture = "absolute"
)

// Increases is a policy for increases that nothing explains: one that is not real oversells.
type Increases string

// The policies.
const (
	ConfirmIncreases Increases = "confirm" // taken when two reads of the peer, 3 s apart, show it
	NeverIncrease    Increases = "never"   // stock comes in at the authority only: the peer is set back
	AlwaysIncrease   Increases = "always"  // believed
)

// Mode says what peers are shown of the stock.
type Mode string

const (
	// Plain shows everybody everything. Stores that sell the last one at the same time oversell.
	Plain Mode = "plain"
	// Buffered shows max(0, quantity - buffer): less overselling, for stock that is never sold.
	Buffered Mode = "buffer"
	// Allocated gives each store a share that it alone may sell: see "No oversell" in the package documentation.
	Allocated Mode = "allocation"
)

// captureDoubt is how far a capture's time may be off besides what the peer's clock is, and how long a push is in flight besides
// what was measured.
const captureDoubt = 2 * time.Second

// readTwice is how far the two reads are apart that decide what a peer holds.
const readTwice = 3 * time.Second

// checked is c with its defaults, or what is wrong with it.
func (c MasterConfig) checked() (MasterConfig, error) {
	switch {
	case c.Self.StoreID == "":
		return c, errors.New("stocksync: MasterConfig.Self.StoreID is missing")
	case c.Store == nil:
		return c, errors.New("stocksync: MasterConfig.Store is missing")
	case c.Queue == nil:
		return c, errors.New("stocksync: MasterConfig.Queue is missing")
	case strings.TrimSpace(c.Name) != c.Name:
		return c, errors.New("stocksync: MasterConfig.Name begins or ends with a space")
	case c.Mode != "" && !slices.Contains([]Mode{Plain, Buffered, Allocated}, c.Mode):
		return c, fmt.Errorf("stocksync: MasterConfig.Mode %q is none of plain, buffer, allocation", c.Mode)
	case c.Increases != "" && !slices.Contains([]Increases{ConfirmIncreases, NeverIncrease, AlwaysIncrease}, c.Increases):
		return c, fmt.Errorf("stocksync: MasterConfig.Increases %q is none of confirm, never, always", c.Increases)
	case c.HostWeight < 0 || c.Settle < 0 || c.Batch < 0:
		return c, errors.New("stocksync: MasterConfig.HostWeight, Settle and Batch cannot be negative")
	}
	seen := map[StoreID]bool{c.Self.StoreID: true}
	for _, p := range c.Peers {
		switch id := p.ID(); {
		case id == "":
			return c, errors.New("stocksync: MasterConfig.Peers has one without an ID")
		case len(id) > MaxID:
			return c, fmt.Errorf("stocksync: MasterConfig.Peers: the ID %.40q… has more than %d bytes", id, MaxID)
		case seen[id]:
			return c, fmt.Errorf("stocksync: MasterConfig.Peers: %q comes twice, or is Self", id)
		default:
			seen[id] = true
		}
	}
	for id, capture := range c.Capture {
		if !seen[id] || !slices.Contains([]Capture{Shadow, OrderLedger, Absolute}, capture) {
			return c, fmt.Errorf("stocksync: MasterConfig.Capture[%q] = %q: no such peer, or none of shadow, ledger, absolute", id, capture)
		}
	}
	for id, weight := range c.Weight {
		if !seen[id] || weight < 0 {
			return c, fmt.Errorf("stocksync: MasterConfig.Weight[%q] = %d: no such peer, or negative", id, weight)
		}
	}
	c.Name = cmp.Or(c.Name, "stocksync")
	c.Increases = cmp.Or(c.Increases, ConfirmIncreases)
	c.Mode = cmp.Or(c.Mode, Plain)
	c.HostWeight = cmp.Or(c.HostWeight, 1)
	c.Settle = cmp.Or(c.Settle, 10*time.Minute)
	c.Batch = cmp.Or(c.Batch, 40)
	c.Quiet = max(0, cmp.Or(c.Quiet, 3*time.Second))
	c.AuditEvery = cmp.Or(c.AuditEvery, 24*time.Hour)
	c.Events = max(0, cmp.Or(c.Events, 1000))
	if c.Buffer == nil {
		c.Buffer = func(StoreID, Ref) decimal.Decimal { return decimal.Zero }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// defaultSchedule is that of a push that failed: quick at first, for a store that restarts.
func defaultSchedule() retryqueue.Schedule {
	return retryqueue.WithLimits(retryqueue.Steps(5*time.Second, 15*time.Second, time.Minute, 5*time.Minute, 15*time.Minute,
		time.Hour, 6*time.Hour), 12, 48*time.Hour)
}
