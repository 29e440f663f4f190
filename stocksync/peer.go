package stocksync

import (
	"context"
	"iter"
	"time"
)

// Peer is a store that follows the master: one that runs the plugin or another Go service (package kitgenix), or a plain one
// (package woopeer). Implementations are safe for concurrent use; errors have the behaviours the queue reads (Permanent, RetryAfter,
// Ambiguous, Systemic). One Applied comes for each item, in order; the error speaks of all of them.
type Peer interface {
	ID() StoreID
	// Push gives the peer the state of products: absolute values with their versions. After an error that is ambiguous the
	// caller pushes again with a higher version, never the same event. A peer splits what is too much for one request.
	Push(ctx context.Context, items []Item) ([]Applied, error)
	// Rename tells the peer of new SKUs, from Ref.OldSKU to Ref.SKU. It is confirmed by a Read under the new one.
	Rename(ctx context.Context, refs []Ref) ([]Applied, error)
	// Read returns what the peer has, in order; nil where it has no such product.
	Read(ctx context.Context, refs []Ref) ([]*Stock, error)
}

// Watcher is a peer that must be asked for changes, since nothing on it reports them.
type Watcher interface {
	Peer
	// Watch reports changes to a node until ctx ends; it returns only an error that trying again cannot cure, or nil.
	Watch(ctx context.Context, to Node) error
}

// Pinger is a peer whose connection can be tested.
type Pinger interface {
	Ping(ctx context.Context) (Pong, error)
}

// Pong is a peer's answer to a ping.
type Pong struct {
	StoreID StoreID
	Name    string
	Role    Role
	Version string        // of the plugin or service; empty with the plugin's first generation, which does not tell
	Offset  time.Duration // how far the peer's clock is ahead of ours
	Took    time.Duration
}

// Limits is what a peer may also have, if it takes less than any stock state.
type Limits interface {
	// Takes says whether the peer can hold an item of this stock; a *Conflict says why not. The plugin's first generation destroys
	// products that are unmanaged or counted by their parent.
	Takes(Stock) error
	// Batch is how many items the peer takes well in one Push now.
	Batch() int
}

// Node is what a wire serves: a *Master or a *Child.
type Node interface {
	ID() StoreID
	Role() Role
	// Receive takes a report. It is durable before nil: what it reports is in the ledger, or why it is not.
	Receive(ctx context.Context, r Report) error
	// Lookup answers what from may see of these products, in order; nil where there is none. With allocation that is its own share.
	Lookup(ctx context.Context, from StoreID, refs []Ref) ([]*Item, error)
}

// Shelf is where stock really is: a till, an ERP, a store. Of a child it is what pushes are written to; of a master what the
// quantities are first read from.
type Shelf interface {
	// Read returns what is there, in order; nil where there is no such product.
	Read(ctx context.Context, refs []Ref) ([]*Stock, error)
	// Apply sets the stock to absolute values.
	Apply(ctx context.Context, items []Item) ([]Applied, error)
}

// Catalog is a shelf that can list what it has: a master's Source is one, so that its products need not be named.
type Catalog interface {
	Shelf
	// Items yields every product, with its GID where the plugin gave it one.
	Items(ctx context.Context) iter.Seq2[Item, error]
}

// Upstream is a child's master.
type Upstream interface {
	ID() StoreID
	// Report tells the master of changes. Nil says that it has the report, not that it applied it.
	Report(ctx context.Context, r Report) error
	// Query asks what may be sold, as a checkout does; nil where the master does not know the product or does not count it.
	Query(ctx context.Context, refs []Ref) ([]*Stock, error)
	// Read asks for the master's own state of products, nil where there is none.
	Read(ctx context.Context, refs []Ref) ([]*Stock, error)
}

// Exact is an upstream that books Item.Was of a report, once for each event: a child then sends the same event again after an
// ambiguous error, instead of a fresh one.
type Exact interface {
	Exact(ctx context.Context) bool
}

// Fenced is a peer that tells the version it last applied, 0 where it has none: a master that was restored jumps over it.
type Fenced interface {
	Versions(ctx context.Context, refs []Ref) ([]int64, error)
}

// Relative is a peer that applies a push less what it has sold and not yet reported, as a [Child] does. Its share of an allocation can
// be lowered as soon as a read-back shows the lower number; that of any other store only after [MasterConfig.Settle].
type Relative interface {
	KeepsSales() bool
}
