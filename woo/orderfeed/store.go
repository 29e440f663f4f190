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
	Number   string            // what the customer sees
	Status   woo.OrderStatus   // as last seen
	Created  time.Time         // by the shop's clock
	Modified time.Time         // by the shop's clock: the newest state that was seen
	Seen     time.Time         // by our clock: when the feed first saw it
	Checked  time.Time         // by our clock: when a nightly re-check last asked the shop for it
	Handled  []woo.OrderStatus // the statuses at which Handle took the order
	Done     bool              // Handle is through with it: no wanted status is to come, see [Once]
	Ignored  bool              // a person took it off the open list
	Turns    int               // how often Ignored was turned: of two entries the one with more turns knows
	Missing  bool              // the shop does not know the order any more, or has it in the trash
	Error    string            // why Handle or Follow failed; the next run tries again. Empty when nothing waits
}

// Open reports whether the order is on the open list: seen, not handed over in the end, neither ignored nor failed.
func (e Entry) Open() bool { return !e.Done && !e.Ignored && e.Error == "" }

// Merge returns what a [Store] keeps when e is put over old: the union of Handled, Done if either is, the earlier Seen, the later
// Checked, Ignored of the one with more Turns, and of the rest what is newer by Modified (e's when equal). It shares no memory
// with either.
func (e Entry) Merge(old Entry) Entry {
	if e.Modified.Before(old.Modified) {
		e, old = old, e
	}
	handled := slices.Concat(e.Handled, old.Handled)
	slices.Sort(handled)
	e.Handled = slices.Clip(slices.Compact(handled))
	e.Done = e.Done || old.Done
	e.Checked = later(e.Checked, old.Checked)
	if e.Seen.IsZero() || !old.Seen.IsZero() && old.Seen.Before(e.Seen) {
		e.Seen = old.Seen
	}
	if e.Turns < old.Turns {
		e.Ignored, e.Turns = old.Ignored, old.Turns
	}
	return e
}

// Query asks for entries. Conditions add up.
type Query struct {
	Failed       bool        // only those with an Error
	OpenOnly     bool        // only those that are Entry.Open
	CreatedSince time.Time   // only those created then or later; zero for all
	AfterID      woo.OrderID // only higher ids; 0 for all
	Limit        int         // at most so many; 0 for 100
}

// DefaultLimit is what a [Query] without a Limit asks for.
const DefaultLimit = 100

// Cursor is how far a feed has come.
type Cursor struct {
	// How far it has read, by the shop's clock.
	Since         time.Time // where the feed begins, see Config.Since
	ModifiedAfter time.Time // every order whose stamp is not after this one has been dealt with
	Seen          time.Time // the newest stamp that was seen before the next walk begins

	// How the deliveries go, and the nights.
	LastDelivery time.Time // when the last one was taken, to the minute, by our clock; zero before the first
	Suspect      bool      // a night found what should have been delivered, see [Suspect]
	LastNight    string    // the local date of the last night's run: "2026-11-21"
}

// Equal compares the times as points in time.
func (c Cursor) Equal(d Cursor) bool {
	return c.sameWalk(d) && c.LastDelivery.Equal(d.LastDelivery) && c.Suspect == d.Suspect && c.LastNight == d.LastNight
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
	//  2. It must never lose a status from Handled, nor Done, also when an older entry is put, or two processes put at once.
	//  3. It must not replace the other fields by those of an entry that is older by Modified.
	//  4. It must take an id that comes twice in one call as if it came in two calls.
	//  5. It must keep Ignored as the entry with more Turns has it, whichever is newer.
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
