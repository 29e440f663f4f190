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
	id    woo.OrderID
	order *woo.Order
	err   error
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
			if isSystemic(failure) {
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
	order, err := s.order, s.err
	if order != nil && stamp(order.DateModified).Before(known.Modified) {
		if r.hook {
			return known, nil // late, or a repetition
		}
		order = nil // changed since it was read, or the shop's clock was set back: which?
	}
	if order == nil && err == nil {
		order, err = r.c.Source.Get(ctx, s.id)
	}

	note := known
	note.ID = s.id
	switch {
	case errors.Is(err, woo.ErrNotFound):
		if known.ID == 0 {
			return known, nil
		}
		note.Missing, note.Error = true, ""
		return note, nil
	case err != nil:
		note.Error = brief(err)
		return note, err
	case known.ID == 0 && !r.ours(order):
		return known, nil
	}

	note.Status = order.Status
	note.Created = stamp(order.DateCreated)
	note.Modified = later(known.Modified, stamp(order.DateModified)) // a clock that was set back must not hide the note
	note.Missing, note.Error = false, ""
	if !r.due(order, known) {
		return note, nil
	}
	if err := r.c.Handle(ctx, order); err != nil {
		note.Error = brief(err)
		return note, err
	}
	r.report.Handled++
	note.Handled = append(slices.Clip(note.Handled), order.Status)
	return note, nil
}

// due reports whether the order is to be handed over now.
func (r *run) due(o *woo.Order, known Entry) bool {
	if !slices.Contains(r.c.Statuses, o.Status) || !r.ours(o) {
		return false
	}
	if r.c.Once == PerOrder {
		return len(known.Handled) == 0
	}
	return !slices.Contains(known.Handled, o.Status)
}

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
	return a.ID == b.ID && a.Status == b.Status && a.Created.Equal(b.Created) && a.Modified.Equal(b.Modified) &&
		slices.Equal(a.Handled, b.Handled) && a.Missing == b.Missing && a.Error == b.Error
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
