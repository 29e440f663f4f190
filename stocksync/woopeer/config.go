package woopeer

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

// Defaults of [Config].
const (
	DefaultEvery = time.Minute
	DefaultScan  = 24 * time.Hour
	DefaultGap   = time.Second
)

// Config describes a store. The zero value of a field is its default, unless it is called required.
type Config struct {
	// ID names the store for the master, required. It must never change: the ledger is kept under it.
	ID stocksync.StoreID
	// Name is for people. Default: ID.
	Name string
	// Shop is required, with a key that may read and write. Its orders are read only with OrdersSince.
	Shop *woo.Client
	// Every is the pause between two looks at what the store says was modified. Default [DefaultEvery]; with webhooks and a guard a
	// quarter of an hour is enough.
	Every time.Duration
	// Scan is the pause between two readings of everything, which find what moved no modification date. Default [DefaultScan].
	Scan time.Duration
	// Gap is how old a reading may be when the write that rests on it is begun: what the store sells in between is written over.
	// Default [DefaultGap]. A store, or a limiter, that is slower gets nothing written until it is raised.
	Gap time.Duration
	// OrdersSince turns the order ledger on, for a master whose Capture of this store is stocksync.OrderLedger: sales, cancellations
	// and refunds of orders made from then on are reported line by line. It must be the moment at which this store joined, and never
	// change. Zero: only quantities are reported.
	OrdersSince time.Time
	// Ledger tells what of an order was reported before this process began: the master's Store. Required with OrdersSince.
	Ledger stocksync.Historian
	// KeepMeta keeps the peer from writing a product's GID into its meta data ([stocksync.MetaGID]). Products then go by their SKU
	// alone, and are lost sight of when the store changes it.
	KeepMeta bool
	// Logger hears of what goes wrong. Default: silent.
	Logger *slog.Logger
}

// Peer is a store. It is safe for concurrent use. Make it with [New].
type Peer struct {
	c Config

	// desk is held while something is compared with what is known: by a push from its reading to its writing, by a look while it
	// tells what it saw.
	desk  sync.Mutex
	shelf shelf
	owed  *owing // what the node has not taken yet: it is told again before anything else, word for word
	chunk int    // how many products can be read and written within Gap

	node   atomic.Pointer[stocksync.Node] // whom Watch tells
	agenda *agenda[place]                 // what is to be looked at again
	tills  *agenda[woo.OrderID]           // the same, of orders
	booked ledger
	turns  atomic.Int64
	heard  atomic.Int64 // when a webhook was last taken, Unix seconds
}

var (
	_ stocksync.Watcher = (*Peer)(nil)
	_ stocksync.Pinger  = (*Peer)(nil)
	_ stocksync.Limits  = (*Peer)(nil)
	_ stocksync.Catalog = (*Peer)(nil)
)

// New checks c and returns a peer. It calls nobody.
func New(c Config) (*Peer, error) {
	switch {
	case c.ID == "":
		return nil, errors.New("woopeer: Config.ID is missing")
	case len(c.ID) > stocksync.MaxID:
		return nil, fmt.Errorf("woopeer: Config.ID has more than %d bytes", stocksync.MaxID)
	case c.Shop == nil:
		return nil, errors.New("woopeer: Config.Shop is missing")
	case !c.OrdersSince.IsZero() && c.Ledger == nil:
		return nil, errors.New("woopeer: Config.Ledger is missing: with OrdersSince the master's Store must be given")
	case c.Every < 0 || c.Scan < 0 || c.Gap < 0:
		return nil, errors.New("woopeer: Config.Every, Scan and Gap cannot be negative")
	}
	c.OrdersSince = c.OrdersSince.Truncate(time.Second) // a shop dates its orders by the second
	c.Name = cmp.Or(c.Name, string(c.ID))
	c.Every = cmp.Or(c.Every, DefaultEvery)
	c.Scan = cmp.Or(c.Scan, DefaultScan)
	c.Gap = cmp.Or(c.Gap, DefaultGap)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("store", string(c.ID))
	return &Peer{c: c, chunk: firstChunk, agenda: newAgenda[place](), tills: newAgenda[woo.OrderID]()}, nil
}

// ID is Config.ID.
func (p *Peer) ID() stocksync.StoreID { return p.c.ID }

// Batch is how many products are read and written at once now.
func (p *Peer) Batch() int {
	p.desk.Lock()
	defer p.desk.Unlock()
	return p.chunk
}
