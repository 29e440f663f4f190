package orderfeed

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// date is how a night is named: by the local date on which it begins.
const date = "2006-01-02"

// nightOn is when the night of a local date begins. A wall clock that jumps over the moment, or shows it twice, makes no second one:
// nights are told apart by their dates.
func (f *Feed) nightOn(day time.Time) time.Time {
	at := f.c.Recheck.At
	if f.c.Recheck.Spread > 0 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(f.c.Name))
		at += time.Duration(h.Sum64() % uint64(f.c.Recheck.Spread))
	}
	y, m, d := day.Date()
	return time.Date(y, m, d, 0, 0, int(at/time.Second), 0, f.c.Location)
}

// nightBefore names the last night that has begun by now.
func (f *Feed) nightBefore(now time.Time) string {
	day := noon(now.In(f.c.Location))
	for f.nightOn(day).After(now) {
		day = day.AddDate(0, 0, -1)
	}
	return day.Format(date)
}

// nightAfter is when the next night begins.
func (f *Feed) nightAfter(now time.Time) time.Time {
	day := noon(now.In(f.c.Location)).AddDate(0, 0, -2)
	for !f.nightOn(day).After(now) {
		day = day.AddDate(0, 0, 1)
	}
	return f.nightOn(day)
}

// noon is a moment of the day that every day has.
func noon(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 12, 0, 0, 0, t.Location())
}

// nightDue reports whether the last night that has begun has had no run yet.
func (f *Feed) nightDue(c Cursor) bool { return f.nightBefore(time.Now()) > c.LastNight }

// night makes a night's run. An order that can neither be read nor named does not keep the rest from being done.
func (r *run) night(ctx context.Context) error {
	tonight := r.nightBefore(r.begun)
	caughtUp := r.catchUp(ctx, time.Time{})
	if caughtUp != nil && !errors.Is(caughtUp, woo.ErrMalformed) {
		return caughtUp
	}
	if err := r.suspect(ctx); err != nil {
		return err
	}
	if !r.c.Recheck.Off {
		if err := r.recheck(ctx); err != nil {
			return err
		}
	}
	if !r.c.Recheck.NoInventory {
		if err := r.inventory(ctx); err != nil {
			return err
		}
	}
	for _, err := range r.Open(ctx) {
		if err != nil {
			return err
		}
		r.report.Open++
	}
	err := r.move(ctx, func(c Cursor) Cursor {
		c.LastNight = max(c.LastNight, tonight)
		return c
	})
	if err != nil {
		return fmt.Errorf("orderfeed: noting the night: %w", err)
	}
	return caughtUp
}

// candidates are the open orders that the re-check looks at.
type candidates struct {
	count int     // of all
	few   []Entry // all of them, unless there are too many
}

// sweep goes through the open list as it is stored, asking the shop for no more than what is due by it: orders whose last seen status is
// wanted, since the wanted statuses were changed, or a person took the order back from the ignored ones. What is on the list and
// should not be, as two processes or another Config left it, is taken off.
func (r *run) sweep(ctx context.Context) (candidates, error) {
	var found candidates
	var off []Entry
	var due []sighting
	for e, err := range r.list(ctx, Query{OpenOnly: true}) {
		switch {
		case err != nil:
			return candidates{}, err
		case r.done(e):
			e.Done = true
			off = append(off, e)
		case r.wanted(e.Status) && !r.taken(e.Status, e) && !e.Missing:
			due = append(due, sighting{id: e.ID})
		}
		if r.candidate(e) || r.c.Recheck.CountAll && e.Open() {
			found.count++
		}
		if r.candidate(e) && len(found.few) < r.c.Recheck.BulkFrom {
			found.few = append(found.few, e)
		}
		if len(off) == pageSize {
			if err := r.note(ctx, off); err != nil {
				return candidates{}, err
			}
			off = off[:0]
		}
	}
	return found, errors.Join(r.note(ctx, off), r.settle(ctx, due))
}

// candidate reports whether the re-check looks at the order: it is open, and young enough.
func (r *run) candidate(e Entry) bool {
	age := e.Created
	if r.c.Recheck.BySeen {
		age = e.Seen
	}
	return e.ID != 0 && e.Open() && !r.done(e) && !age.Before(r.window())
}

// window is how far back the night looks.
func (r *run) window() time.Time {
	now := r.begun.In(r.c.Location)
	if !r.c.Webhooks {
		return stamp(now.AddDate(0, 0, -r.c.Recheck.Days))
	}
	back := now.AddDate(0, -r.c.Recheck.Months, 0)
	if back.Day() != now.Day() { // there is no such day in that month: take its last
		back = back.AddDate(0, 0, -back.Day())
	}
	return stamp(back)
}

// recheck looks again at the open orders: one by one, or, if they are many, by what was completed lately.
func (r *run) recheck(ctx context.Context) error {
	found, err := r.sweep(ctx)
	if err != nil {
		return err
	}
	r.report.Candidates = found.count
	if found.count >= r.c.Recheck.BulkFrom {
		return r.bulk(ctx, found.count)
	}
	slices.SortStableFunc(found.few, func(a, b Entry) int { return a.Created.Compare(b.Created) }) // oldest first
	failed := r.report.Failed
	for _, e := range found.few { // one at a time, so that a delivery for one of them waits for no other
		if err := r.settle(ctx, []sighting{{id: e.ID, recheck: true}}); err != nil {
			return fmt.Errorf("orderfeed: re-check: %w", err)
		}
	}
	if r.report.Checked == 0 && r.report.Failed > failed {
		return fmt.Errorf("orderfeed: re-check: none of %d orders could be read: %w", len(found.few), r.cause)
	}
	return nil
}

// bulk lists what was completed lately, and deals with the candidates among it.
func (r *run) bulk(ctx context.Context, count int) error {
	c := r.c.Recheck
	r.report.Bulk = true
	if !slices.ContainsFunc(c.BulkStatuses, r.wanted) {
		r.alarm(ctx, fmt.Errorf("%w: %d orders are open, so only %v ones of the last %d days are looked at, and that is not wanted (%v)",
			ErrBulkUseless, count, c.BulkStatuses, c.BulkDays, r.c.Statuses))
	} else {
		r.alarm(ctx, fmt.Errorf("%w: there are %d, so only %v ones of the last %d days are looked at; ignore the old ones, or let webhooks deliver",
			ErrBacklog, count, c.BulkStatuses, c.BulkDays))
	}
	from := stamp(r.begun.In(r.c.Location).AddDate(0, 0, -c.BulkDays))
	var batch []sighting
	q := woo.OrderQuery{Status: c.BulkStatuses, ModifiedAfter: from.Add(-time.Second), PerPage: pageSize} // the filter is exclusive
	for order, err := range r.c.Source.All(ctx, q) {
		switch id := malformed(err); {
		case err == nil && stamp(order.DateModified).Before(from):
			r.report.Read++ // the shop cannot filter
			continue
		case err == nil:
			r.report.Read++
			batch = append(batch, sighting{id: order.ID, order: order, recheck: true})
		case id != 0:
			r.report.Read++
			batch = append(batch, sighting{id: id, err: err, recheck: true})
		case errors.Is(err, woo.ErrMalformed):
			r.report.Failed++
		default:
			return errors.Join(fmt.Errorf("orderfeed: re-check: listing: %w", err), r.settle(ctx, batch))
		}
		if len(batch) == pageSize {
			if err := r.settle(ctx, batch); err != nil {
				return fmt.Errorf("orderfeed: re-check: %w", err)
			}
			batch = batch[:0]
		}
	}
	if err := r.settle(ctx, batch); err != nil {
		return fmt.Errorf("orderfeed: re-check: %w", err)
	}
	return nil
}

// inventory compares the ids that the shop lists with those that the feed knows, and asks for those that are on one side alone. Both
// lists come by id, so neither is held.
func (r *run) inventory(ctx context.Context) error {
	from := r.window()
	next, stop := iter.Pull2(r.ids(ctx, from))
	defer stop()
	var listed woo.OrderID
	more := true
	var odd []sighting
	for e, err := range r.list(ctx, Query{CreatedSince: from}) {
		if err != nil {
			return err
		}
		for more && listed < e.ID {
			var id woo.OrderID
			if id, err, more = next(); err != nil {
				return fmt.Errorf("orderfeed: inventory: %w", err)
			}
			listed = max(listed, id)
		}
		if there := more && listed == e.ID; there == e.Missing {
			odd = append(odd, sighting{id: e.ID})
		}
		if len(odd) == pageSize {
			if err := r.settle(ctx, odd); err != nil {
				return fmt.Errorf("orderfeed: inventory: %w", err)
			}
			odd = odd[:0]
		}
	}
	if err := r.settle(ctx, odd); err != nil {
		return fmt.Errorf("orderfeed: inventory: %w", err)
	}
	return nil
}

// ids are those of the orders created since then that the shop lists, ascending; those in the trash are not listed.
func (r *run) ids(ctx context.Context, from time.Time) iter.Seq2[woo.OrderID, error] {
	q := woo.OrderQuery{After: from.Add(-time.Second), PerPage: pageSize}
	brief := q
	brief.Fields = []string{"id"} // a fiftieth of the bytes, where the source can ask for it
	return func(yield func(woo.OrderID, error) bool) {
		refused := false
		for order, err := range r.c.Source.All(ctx, brief) {
			if refused = errors.Is(err, woo.ErrValidation); refused {
				break
			}
			if !yield(idIn(order, err)) {
				return
			}
		}
		if !refused {
			return
		}
		for order, err := range r.c.Source.All(ctx, q) {
			if !yield(idIn(order, err)) {
				return
			}
		}
	}
}

// idIn is the id of a listed order, 0 of one that cannot be told: it is there, whatever it holds.
func idIn(order *woo.Order, err error) (woo.OrderID, error) {
	switch {
	case err == nil:
		return order.ID, nil
	case errors.Is(err, woo.ErrMalformed):
		return malformed(err), nil
	}
	return 0, err
}

// list goes through entries, a page at a time. They may be changed meanwhile.
func (f *Feed) list(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	q.Limit = pageSize
	return func(yield func(Entry, error) bool) {
		for {
			entries, err := f.c.Store.Find(ctx, f.c.Name, q)
			if err != nil {
				yield(Entry{}, fmt.Errorf("orderfeed: listing entries: %w", err))
				return
			}
			for _, e := range entries {
				q.AfterID = e.ID
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) < pageSize {
				return
			}
		}
	}
}
