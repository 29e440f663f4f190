package orderfeed

import (
	"context"
	"fmt"
	"time"
)

// A walk reads orders by id, and orders change while it goes on. Order 7 may be paid at 12:01, after the walk has passed it, and
// order 9 at 12:02, before the walk gets there. Whoever then takes 12:02, the newest stamp of the walk, as the point up to
// which everything has been read, loses order 7 for ever. What surely has been read is what was stamped before the walk began; and
// since the shop's clock may be wrong, "before it began" must be said in the shop's own time: the newest stamp that earlier walks
// brought along. So the cursor stays one walk behind.
//
//	walk k reads all stamps > ModifiedAfter(k);  Seen(k) is the newest stamp of the walks before it
//	after it, ModifiedAfter(k+1) = Seen(k) - overlap
//
// What is read twice because of this is recognised by its Entry and costs no call of Handle.
const (
	// overlap covers orders that were stamped a moment before they could be seen: two in one second, a save that took a while, a
	// replica that lagged.
	overlap = time.Minute
	// skew is how wrong a shop's clock may be where there is nothing else to go by than ours.
	skew = 24 * time.Hour
	// ahead is how far a stamp may lie in our future before it is not believed. One order that was stamped a year ahead by a wrong
	// import would otherwise end the feed for a year.
	ahead = 5 * time.Minute
)

// believed is what a stamp tells about how far the shop's clock has come: itself, unless it lies in our future.
func believed(stamp, now time.Time) time.Time {
	if stamp.After(now.Add(ahead)) {
		return now.Add(-skew).UTC().Truncate(time.Second)
	}
	return stamp
}

// next is the cursor after a complete walk from c. begun is when the walk began by our clock, newest the newest believed stamp
// it brought along, zero for none.
func (c Cursor) next(begun, newest time.Time) Cursor {
	bound := c.Seen
	if bound.IsZero() { // the first walk that brought anything: nothing was seen before it, so our clock must do
		bound = earlier(newest, stamp(begun.Add(-skew)))
	}
	c.ModifiedAfter, c.Seen = later(c.ModifiedAfter, bound.Add(-overlap)), later(c.Seen, newest)
	return c
}

// sameWalk reports whether the feed has read as far in both.
func (c Cursor) sameWalk(d Cursor) bool {
	return c.Since.Equal(d.Since) && c.ModifiedAfter.Equal(d.ModifiedAfter) && c.Seen.Equal(d.Seen)
}

// from is the cursor of a feed that is to begin at since, the zero time for what is in force already or the default.
func (c Cursor) from(since, now time.Time) Cursor {
	if since.IsZero() {
		since = c.Since
	}
	if since.IsZero() {
		since = stamp(now.Add(-skew))
	}
	if c.Since.IsZero() || since.Before(c.Since) {
		c.ModifiedAfter, c.Seen = since.Add(-time.Second), time.Time{} // the filter is exclusive
	}
	c.Since = since
	return c
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// cursor returns where the feed stands, and makes it begin if it has not.
func (f *Feed) cursor(ctx context.Context) (Cursor, error) {
	var begun Cursor
	err := f.move(ctx, func(c Cursor) Cursor {
		now := time.Now()
		begun = c.from(f.c.Since, now)
		if c.Since.IsZero() {
			begun.LastNight = f.nightBefore(now) // the night before the first start is over
		}
		return begun
	})
	if err != nil {
		return Cursor{}, fmt.Errorf("orderfeed: reading the cursor: %w", err)
	}
	return begun, nil
}

// move changes the cursor, however many processes do so at once. change may be called again.
func (f *Feed) move(ctx context.Context, change func(Cursor) Cursor) error {
	for {
		c, err := f.c.Store.Cursor(ctx, f.c.Name)
		if err != nil {
			return err
		}
		to := change(c)
		if to.Equal(c) {
			return nil
		}
		ok, err := f.c.Store.Advance(ctx, f.c.Name, c, to)
		if ok || err != nil {
			return err
		} // else another process was faster: look again
	}
}
