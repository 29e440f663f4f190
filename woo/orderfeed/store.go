package orderfeed

import (
	"context"
	"slices"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// Entry is what a feed knows of one order.
type Entry struct {
	ID       woo.OrderID
	Status   woo.OrderStatus   // as last seen
	Created  time.Time         // by the shop's clock
	Modified time.Time         // by the shop's clock: the newest state that was seen
	Handled  []woo.OrderStatus // the statuses at which Handle took the order
	Missing  bool              // the shop does not know the order any more
	Error    string            // why Handle failed; the next run tries again. Empty when nothing waits
}

// Merge returns what a [Store] keeps when e is put over old: the union of Handled, and of the rest what is newer by Modified
// (e's when equal). It shares no memory with either.
func (e Entry) Merge(old Entry) Entry {
	if e.Modified.Before(old.Modified) {
		e, old = old, e
	}
	handled := slices.Concat(e.Handled, old.Handled)
	slices.Sort(handled)
	e.Handled = slices.Clip(slices.Compact(handled))
	return e
}

// Query asks for entries.
type Query struct {
	Failed  bool        // only those with an Error
	AfterID woo.OrderID // only higher ids; 0 for all
	Limit   int         // at most so many; 0 for 100
}

// DefaultLimit is what a [Query] without a Limit asks for.
const DefaultLimit = 100

// Cursor is how far a feed has read. All its times are the shop's.
type Cursor struct {
	Since         time.Time // where the feed begins, see Config.Since
	ModifiedAfter time.Time // every order with a wanted status whose stamp is not after this one has been dealt with
	Seen          time.Time // the newest stamp that was seen before the next walk begins
}

// Equal compares the times as points in time.
func (c Cursor) Equal(d Cursor) bool {
	return c.Since.Equal(d.Since) && c.ModifiedAfter.Equal(d.ModifiedAfter) && c.Seen.Equal(d.Seen)
}

// Store keeps a feed's state: what was handled, how far it has read, and who reads. Feeds of several shops share one, told
// apart by name. All methods must be safe for use by many goroutines and processes, must return ctx's error when ctx ends, and
// must treat a feed they have never heard of as empty. Times come whole-second and are given back as the same points in time, in
// UTC. Package orderfeedtest checks every must.
type Store interface {
	// Get returns the entries with these ids, in any order.
	//  1. It must leave out unknown ids, without an error.
	Get(ctx context.Context, feed string, ids []woo.OrderID) ([]Entry, error)

	// Put saves entries as [Entry.Merge] joins them with what is stored.
	//  1. It must be durable before it returns nil, and must save all entries or none.
	//  2. It must never lose a status from Handled, also when an older entry is put, or two processes put at once.
	//  3. It must not replace the other fields by those of an entry that is older by Modified.
	//  4. It must take an id that comes twice in one call as if it came in two calls.
	Put(ctx context.Context, feed string, entries []Entry) error

	// Find lists entries.
	//  1. It must return them by ascending id, at most Limit of them, each once.
	Find(ctx context.Context, feed string, q Query) ([]Entry, error)

	// Cursor returns where the feed stands, the zero Cursor at first.
	Cursor(ctx context.Context, feed string) (Cursor, error)

	// Advance sets the cursor.
	//  1. It must do so only if the cursor equals from at that moment, else answer false and change nothing.
	//  2. It must be durable before it returns true.
	Advance(ctx context.Context, feed string, from, to Cursor) (ok bool, err error)

	// Lease makes holder the feed's reader for d from now, by the store's clock.
	//  1. It must grant what is free, has ended, or is holder's own (which it extends or shortens), and refuse the rest.
	//  2. With d zero or less it must free holder's own lease, and nobody else's.
	Lease(ctx context.Context, feed, holder string, d time.Duration) (ok bool, err error)
}
