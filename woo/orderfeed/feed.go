package orderfeed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
)

// pageSize is how many orders are asked for at a time, and held in memory.
const pageSize = 100

// Run keeps the feed going until ctx ends; then it returns nil. It reads what has changed at once, then every Config.Every, or, where
// webhooks deliver, once a night; see [Mode]. What failed is tried again every Config.Every in any case. A run that fails is
// logged and made again after a minute, later after up to Every. Several processes may Run one feed: one reads at a time, and one
// of them makes the night's run.
func (f *Feed) Run(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(min(time.Minute, f.c.Every)),
		backoff.WithMaxInterval(f.c.Every), backoff.WithMaxElapsedTime(0))
	begun := false
	for ctx.Err() == nil {
		report, err := f.next(ctx, !begun)
		now := time.Now()
		pause := min(f.c.Every, f.nightAfter(now).Sub(now))
		switch {
		case err == nil:
			begun = true
			pauses.Reset()
			f.c.Logger.InfoContext(ctx, "orders read", "report", report)
		case ctx.Err() == nil:
			pause = max(pauses.NextBackOff(), retryAfter(err))
			f.c.Logger.ErrorContext(ctx, "orders not read to the end", "error", err, "again_in", pause)
			if f.c.Alarm != nil && (errors.Is(err, woo.ErrAuth) || errors.Is(err, woo.ErrPermission)) {
				f.c.Alarm(ctx, err)
			}
		}
		_ = sleep(ctx, pause)
	}
	return nil
}

// next does what is due now.
func (f *Feed) next(ctx context.Context, begin bool) (Report, error) {
	cursor, err := f.cursor(ctx)
	switch {
	case err != nil:
		return Report{}, err
	case f.nightDue(cursor):
		return f.turn(ctx, func(r *run) error {
			if !f.nightDue(r.cursor) { // another process was faster
				return nil
			}
			return r.night(ctx)
		})
	case begin || f.polls(cursor):
		return f.RunOnce(ctx)
	}
	return f.turn(ctx, func(r *run) error { return r.retry(ctx) })
}

// RunOnce reads all that has changed since the last complete run, hands over what is due, and tries again what failed before. It
// waits while another process reads this feed. The error is that of a run that could not be completed: what it has handed over
// is marked, and the next run begins where it began. Single orders that failed are no error; Report.Failed counts them.
//
// A host without Run calls it as often as it likes, and Night once a night.
func (f *Feed) RunOnce(ctx context.Context) (Report, error) {
	return f.turn(ctx, func(r *run) error { return r.catchUp(ctx, time.Time{}) })
}

// CatchUp is RunOnce for a webhook.Guard: it reads all that has changed since then, by our clock, or since the last complete run if
// that is longer ago.
func (f *Feed) CatchUp(ctx context.Context, since time.Time) error {
	_, err := f.turn(ctx, func(r *run) error { return r.catchUp(ctx, since) })
	return err
}

// Night makes a night's run now: it catches up as RunOnce does, looks again at the open list, and looks for orders that were deleted.
// Run does it by itself.
func (f *Feed) Night(ctx context.Context) (Report, error) {
	return f.turn(ctx, func(r *run) error { return r.night(ctx) })
}

// run is one run, or the work on one delivery.
type run struct {
	*Feed
	since  time.Time
	begun  time.Time
	cursor Cursor
	report Report
	failed map[woo.OrderID]bool // in this run
	cause  error                // of the last failure
	hook   bool                 // states come from deliveries: an old one is dropped
	missed time.Time            // the stamp of a change that a delivery should have brought, zero for none
}

func (f *Feed) begin(c Cursor) *run {
	return &run{Feed: f, since: c.Since, begun: time.Now(), cursor: c, failed: map[woo.OrderID]bool{}}
}

// turn lets do read the feed while nobody else does. The first one after the start goes through the open list before.
func (f *Feed) turn(ctx context.Context, do func(r *run) error) (Report, error) {
	done, err := f.wait(ctx)
	if err != nil {
		return Report{}, err
	}
	defer done()
	cursor, err := f.cursor(ctx)
	if err != nil {
		return Report{}, err
	}
	r := f.begin(cursor)
	if !f.swept.Load() {
		if _, err := r.sweep(ctx); err != nil {
			return r.report, err
		}
		f.swept.Store(true)
	}
	err = do(r)
	return r.report, err
}

// catchUp reads what was modified since then, or since the cursor if that is longer ago, and what failed before.
func (r *run) catchUp(ctx context.Context, since time.Time) error {
	if err := r.walk(ctx, since); err != nil {
		return err
	}
	return r.retry(ctx)
}

// walk reads what was modified since the cursor, and advances it.
func (r *run) walk(ctx context.Context, since time.Time) error {
	var newest time.Time
	var fatal error
	begun := time.Now()
	batch := make([]sighting, 0, pageSize)
	q := woo.OrderQuery{ModifiedAfter: r.cursor.ModifiedAfter, PerPage: pageSize}
	if since = stamp(since).Add(-skew); !since.Before(r.cursor.Since) {
		q.ModifiedAfter = earlier(q.ModifiedAfter, since)
	}
	for order, err := range r.c.Source.All(ctx, q) {
		switch id := malformed(err); {
		case err == nil:
			r.report.Read++
			newest = later(newest, believed(stamp(order.DateModified), time.Now()))
			batch = append(batch, sighting{id: order.ID, order: order})
		case id != 0:
			r.report.Read++
			batch = append(batch, sighting{id: id, err: err})
		case errors.Is(err, woo.ErrMalformed):
			fatal = fmt.Errorf("orderfeed: an order cannot be read: %w", err) // nothing to remember it by: do not pass it
		default:
			fatal = fmt.Errorf("orderfeed: reading the shop's orders: %w", err)
		}
		if len(batch) == pageSize {
			if err := r.settle(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := r.settle(ctx, batch); err != nil {
		return errors.Join(fatal, err)
	}
	if fatal != nil {
		return fatal
	}
	err := r.move(ctx, func(c Cursor) Cursor {
		if !c.sameWalk(r.cursor) { // another process has walked meanwhile: this walk was one too many, no more
			return c
		}
		return c.next(begun, newest)
	})
	if err != nil {
		return fmt.Errorf("orderfeed: advancing the cursor: %w", err)
	}
	return nil
}

// retry hands over again what failed in earlier runs, whatever its stamp.
func (r *run) retry(ctx context.Context) error {
	q := Query{Failed: true, Limit: pageSize}
	for {
		entries, err := r.c.Store.Find(ctx, r.c.Name, q)
		if err != nil {
			return fmt.Errorf("orderfeed: looking for failed orders: %w", err)
		}
		for _, e := range entries {
			q.AfterID = e.ID
			if r.failed[e.ID] {
				continue
			}
			r.report.Read++
			if err := r.settle(ctx, []sighting{{id: e.ID}}); err != nil {
				return err
			}
		}
		if len(entries) < pageSize {
			return nil
		}
	}
}

// malformed returns the id of an order that could not be read, 0 if err is another error or names none.
func malformed(err error) woo.OrderID {
	var rest *woo.Error
	var old *legacy.Error
	switch {
	case !errors.Is(err, woo.ErrMalformed):
	case errors.As(err, &rest):
		return woo.OrderID(max(rest.ResourceID, 0))
	case errors.As(err, &old):
		return woo.OrderID(max(old.ResourceID, 0))
	}
	return 0
}

// wait waits until nobody else reads the feed, in this process or another, and keeps it so until done is called.
func (f *Feed) wait(ctx context.Context) (done func(), err error) {
	select {
	case f.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		ok, err := f.c.Store.Lease(ctx, f.c.Name, f.holder, f.c.Lease)
		if err == nil && !ok {
			err = sleep(ctx, f.c.Lease/10)
			if err == nil {
				continue
			}
		}
		if err != nil {
			<-f.turns
			return nil, fmt.Errorf("orderfeed: waiting for the feed's lease: %w", err)
		}
		break
	}
	keep, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		for sleep(keep, f.c.Lease/3) == nil {
			// When it cannot be kept, two may read at once for a while. That costs requests and nothing else.
			if ok, err := f.c.Store.Lease(keep, f.c.Name, f.holder, f.c.Lease); keep.Err() == nil && (err != nil || !ok) {
				f.c.Logger.WarnContext(ctx, "the feed's lease was not extended", "error", err)
			}
		}
	}()
	return func() {
		stop()
		<-kept
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.c.Lease)
		defer cancel()
		if _, err := f.c.Store.Lease(free, f.c.Name, f.holder, 0); err != nil {
			f.c.Logger.WarnContext(ctx, "the feed's lease was not freed", "error", err)
		}
		<-f.turns
	}, nil
}

// sleep waits for d or for the end of ctx, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
