package orderfeed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tillwire/tillwire/woo"
)

const (
	// burst is how long orders are handled before their marks are stored, so that a crash repeats little and a delivery for
	// one of them waits a moment only.
	burst = 500 * time.Millisecond
	// grace is how long marks may take to be stored after the caller's context has ended.
	grace = 5 * time.Second
)

// sighting is news of an order: its state, or why that could not be read, or neither: then the shop is asked.
type sighting struct {
	id      woo.OrderID
	order   *woo.Order
	err     error
	recheck bool // by the night's re-check: counts only while the order is a candidate
	forward bool // a person wants it handed over, whatever its status
}

// settle deals with sightings. It returns an error when the run must end: ctx has, the Store fails, or what fails would fail
// for every order.
func (r *run) settle(ctx context.Context, seen []sighting) error {
	for len(seen) > 0 {
		n, err := r.settleSome(ctx, seen)
		if err != nil {
			return err
		}
		seen = seen[n:]
		if r.c.Progress != nil && !r.hook {
			r.c.Progress(r.report)
		}
	}
	return nil
}

// settleSome deals with as many of the sightings as it can in a burst, at least one, and returns how many.
func (r *run) settleSome(ctx context.Context, seen []sighting) (n int, err error) {
	ids := make([]woo.OrderID, len(seen))
	for i, s := range seen {
		ids[i] = s.id
	}
	unlock, err := r.busy.lock(ctx, ids)
	if err != nil {
		return 0, err
	}
	defer unlock()
	entries, err := r.c.Store.Get(ctx, r.c.Name, ids)
	if err != nil {
		return 0, fmt.Errorf("orderfeed: reading entries: %w", err)
	}
	known := make(map[woo.OrderID]Entry, len(entries))
	for _, e := range entries {
		known[e.ID] = e
	}

	var notes []Entry
	begun := time.Now()
	for n < len(seen) && (n == 0 || time.Since(begun) < burst) && err == nil {
		s := seen[n]
		note, failure := r.deal(ctx, s, known[s.id])
		if ctx.Err() != nil {
			err = ctx.Err()
			if failure != nil {
				break // cut off, which says nothing about the order: it will be seen again
			}
		}
		if failure != nil {
			r.c.Logger.WarnContext(ctx, "order not handled", "order", s.id, "error", failure)
			r.report.Failed++
			r.failed[s.id] = true
			r.cause = failure
			if isSystemic(failure) || s.recheck && (errors.Is(failure, woo.ErrAuth) || errors.Is(failure, woo.ErrPermission)) {
				err = fmt.Errorf("orderfeed: order %d: %w", s.id, failure)
			}
		}
		if !same(note, known[s.id]) {
			notes = append(notes, note)
			known[s.id] = note
		}
		n++
	}
	return n, errors.Join(err, r.note(ctx, notes))
}

// note stores entries, also when ctx has ended: what was handed over must be marked.
func (r *run) note(ctx context.Context, notes []Entry) error {
	if len(notes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := r.c.Store.Put(ctx, r.c.Name, notes); err != nil {
		return fmt.Errorf("orderfeed: storing what was handled: %w", err)
	}
	return nil
}

// deal hands one order over if that is due, and returns what is to be noted of it. The caller holds its lock.
func (r *run) deal(ctx context.Context, s sighting, known Entry) (Entry, error) {
	if s.recheck && !r.candidate(known) {
		return known, nil // never was one, or was dealt with since it was chosen
	}
	if s.order != nil && r.hook && stamp(s.order.DateModified).Before(known.Modified) {
		return known, nil // late, or a repetition
	}
	order, err := r.state(ctx, s, known)
	note := known
	note.ID = s.id
	if note.Seen.IsZero() {
		note.Seen = stamp(time.Now())
	}
	if s.recheck && (err == nil || errors.Is(err, woo.ErrNotFound)) {
		note.Checked = stamp(time.Now())
		r.report.Checked++
	}
	if errors.Is(err, woo.ErrNotFound) {
		if !s.forward {
			err = nil
		}
		if known.ID == 0 {
			return known, err
		}
		note, untold := r.miss(ctx, note, known)
		return note, errors.Join(untold, err)
	}
	switch {
	case err != nil && s.recheck:
		return known, err // it stays open, and the next night asks again
	case err != nil:
		note.Error = brief(err)
		return note, err
	case known.ID == 0 && !s.forward && (isDraft(order.Status) || !r.ours(order)):
		return known, nil
	}
	if s.order != nil && !r.hook && stamp(order.DateModified).After(known.Modified) {
		r.undelivered(stamp(order.DateModified))
	}

	note.Number = order.Number
	note.Status = order.Status
	note.Created = stamp(order.DateCreated)
	note.Modified = later(known.Modified, stamp(order.DateModified)) // a clock that was set back must not hide the note
	if order.Status == woo.OrderTrash {
		return r.miss(ctx, note, known)
	}
	note.Missing, note.Error = false, ""
	switch {
	case r.due(order, known) || s.forward && !r.taken(order.Status, known):
		if taken, err := r.elsewhere(ctx, order); taken || err != nil {
			return known, err
		}
		if err := r.c.Handle(ctx, order); err != nil {
			note.Error = brief(err)
			return note, err
		}
		r.report.Handled++
		if s.recheck {
			r.report.Forwarded++
		}
		note.Handled = append(slices.Clip(note.Handled), order.Status)
	case r.c.Follow != nil && len(known.Handled) > 0 && order.Status != known.Status && !known.Ignored:
		if err := r.c.Follow(ctx, order); err != nil {
			note.Status = known.Status // to be told again
			note.Error = brief(err)
			return note, err
		}
		r.report.Followed++
	}
	note.Done = r.done(note)
	return note, nil
}

// state is the order as the sighting shows it, or as the shop does when the sighting does not settle the matter.
func (r *run) state(ctx context.Context, s sighting, known Entry) (*woo.Order, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.order != nil {
		switch at := stamp(s.order.DateModified); {
		case at.Before(known.Modified): // changed since it was read, or the shop's clock was set back: which?
		case r.hook && at.Equal(known.Modified) && s.order.Status != known.Status: // two changes in a second: which is the later?
		default:
			return s.order, nil
		}
	}
	return r.c.Source.Get(ctx, s.id)
}

// elsewhere reports whether another process took the order since its entry was read here.
func (r *run) elsewhere(ctx context.Context, o *woo.Order) (bool, error) {
	now, err := r.c.Store.Get(ctx, r.c.Name, []woo.OrderID{o.ID})
	if err != nil {
		return false, fmt.Errorf("orderfeed: reading an entry: %w", err)
	}
	return len(now) > 0 && r.taken(o.Status, now[0]), nil
}

// miss notes that a known order is deleted or in the trash.
func (r *run) miss(ctx context.Context, note, known Entry) (Entry, error) {
	r.report.Missing++
	if r.c.Gone != nil && !(known.Missing && known.Error == "") {
		told := note
		told.Missing, told.Error = true, ""
		if err := r.c.Gone(ctx, told); err != nil {
			note.Error = brief(err)
			return note, err
		}
	}
	note.Missing, note.Error = true, ""
	return note, nil
}

// due reports whether the order is to be handed over now.
func (r *run) due(o *woo.Order, known Entry) bool {
	return r.wanted(o.Status) && !known.Ignored && !r.taken(o.Status, known) && r.ours(o)
}

func (f *Feed) wanted(s woo.OrderStatus) bool { return slices.Contains(f.c.Statuses, s) }

// taken reports whether Handle took the order already, as far as that keeps it from being handed over in this status.
func (f *Feed) taken(s woo.OrderStatus, e Entry) bool {
	if f.c.Once == PerOrder {
		return len(e.Handled) > 0
	}
	return slices.Contains(e.Handled, s)
}

// done reports whether no wanted status is to come.
func (f *Feed) done(e Entry) bool { return f.taken(f.c.Statuses[len(f.c.Statuses)-1], e) }

// isDraft tells the carts that some shops list among the orders.
func isDraft(s woo.OrderStatus) bool { return s == woo.OrderCheckoutDraft || s == woo.OrderAutoDraft }

// ours reports whether something happened to the order since the feed began that may have brought it to a wanted status.
func (r *run) ours(o *woo.Order) bool {
	for _, t := range []time.Time{o.DateCreated, o.DatePaid, o.DateCompleted} {
		if !t.Before(r.since) {
			return true
		}
	}
	return false
}

func same(a, b Entry) bool {
	return a.ID == b.ID && a.Number == b.Number && a.Status == b.Status && a.Created.Equal(b.Created) && a.Modified.Equal(b.Modified) &&
		a.Seen.Equal(b.Seen) && a.Checked.Equal(b.Checked) && slices.Equal(a.Handled, b.Handled) && a.Done == b.Done &&
		a.Ignored == b.Ignored && a.Turns == b.Turns && a.Missing == b.Missing && a.Error == b.Error
}

// brief is an error's text as it is stored: at most 500 bytes, cut at a rune.
func brief(err error) string {
	const most = 500
	text := strings.ToValidUTF8(err.Error(), "?")
	if text == "" {
		return "failed" // an Error must not be empty
	}
	if len(text) <= most {
		return text
	}
	cut := most
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}

// isSystemic reports whether every order would meet the same error. The outermost error that has the method decides.
func isSystemic(err error) bool {
	var s interface{ Systemic() bool }
	return errors.As(err, &s) && s.Systemic()
}

// retryAfter is how long an error asks to wait.
func retryAfter(err error) time.Duration {
	var w interface{ RetryAfter() time.Duration }
	if errors.As(err, &w) {
		return w.RetryAfter()
	}
	return 0
}
