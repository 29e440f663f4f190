package orderfeed

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/tillwire/tillwire/woo"
)

// Open lists the orders that wait for a wanted status, by id: what a merchant looks through to see that nothing is missing, to forward
// by hand what comes too late for the nights, and to ignore what will never come. Orders of every age are on it, also cancelled
// ones and those that are gone from the shop (Entry.Missing). What failed is not; see [Feed.Failed].
func (f *Feed) Open(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range f.list(ctx, Query{OpenOnly: true}) {
			if err == nil && f.done(e) { // off the list at the next sweep
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Failed lists the orders that Handle, Follow or Gone refused, by id, with the reason in Entry.Error. Each run tries them again.
func (f *Feed) Failed(ctx context.Context) iter.Seq2[Entry, error] {
	return f.list(ctx, Query{Failed: true})
}

// Ignore takes orders off the open list for good: whatever becomes of them, they are not handed over, nor followed. It is all or
// nothing: an order that the feed does not know is an error, and changes nothing.
func (f *Feed) Ignore(ctx context.Context, ids ...woo.OrderID) error {
	return f.turnIgnored(ctx, true, ids)
}

// Unignore takes Ignore back. What is in a wanted status by now is handed over at once; if that fails the error tells why, and the next
// run tries again.
func (f *Feed) Unignore(ctx context.Context, ids ...woo.OrderID) error {
	if err := f.turnIgnored(ctx, false, ids); err != nil {
		return err
	}
	seen := make([]sighting, len(ids))
	for i, id := range ids {
		seen[i] = sighting{id: id}
	}
	return f.byHand(ctx, seen)
}

func (f *Feed) turnIgnored(ctx context.Context, ignored bool, ids []woo.OrderID) error {
	unlock, err := f.busy.lock(ctx, ids)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := f.c.Store.Get(ctx, f.c.Name, ids)
	if err != nil {
		return fmt.Errorf("orderfeed: reading entries: %w", err)
	}
	known := map[woo.OrderID]bool{}
	var turned []Entry
	for _, e := range entries {
		known[e.ID] = true
		if e.Ignored != ignored {
			e.Ignored = ignored
			e.Turns++
			turned = append(turned, e)
		}
	}
	for _, id := range ids {
		if !known[id] {
			return fmt.Errorf("orderfeed: order %d is not known to the feed %q", id, f.c.Name)
		}
	}
	if len(turned) == 0 {
		return nil
	}
	if err := f.c.Store.Put(ctx, f.c.Name, turned); err != nil {
		return fmt.Errorf("orderfeed: storing what is ignored: %w", err)
	}
	return nil
}

// Forward hands an order over now, as a person wants it: whatever its age, whether it is wanted in its status, open, ignored or unknown
// to the feed. What Handle took already, by the rule of Config.Once, is not handed over again; that is no error. Of an order that the
// shop does not have the error is woo.ErrNotFound.
//
// Handle gets the order as the shop has it now. A Handle that goes by status must know what to do with one that is not in
// Config.Statuses.
func (f *Feed) Forward(ctx context.Context, id woo.OrderID) error {
	return f.byHand(ctx, []sighting{{id: id, forward: true}})
}

// byHand deals with orders as a person asked.
func (f *Feed) byHand(ctx context.Context, seen []sighting) error {
	cursor, err := f.cursor(ctx)
	if err != nil {
		return err
	}
	r := f.begin(cursor)
	return errors.Join(r.settle(ctx, seen), r.cause)
}
