package orderfeed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/tillwire/tillwire/woo"
)

// pageSize is how many orders are asked for at a time, and held in memory.
const pageSize = 100

// Run reads what has changed, at once and then every Config.Every, until ctx ends; then it returns nil. A run that fails is logged
// and made again after a minute, later after up to Every. Several processes may Run one feed: one reads at a time.
func (f *Feed) Run(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(min(time.Minute, f.c.Every)),
		backoff.WithMaxInterval(f.c.Every), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		pause := f.c.Every
		report, err := f.RunOnce(ctx)
		switch {
		case err == nil:
			pauses.Reset()
			f.c.Logger.InfoContext(ctx, "orders read", "read", report.Read, "handled", report.Handled, "failed", report.Failed)
		case ctx.Err() == nil:
			pause = max(pauses.NextBackOff(), retryAfter(err))
			f.c.Logger.ErrorContext(ctx, "orders not read to the end", "error", err, "again_in", pause)
		}
		_ = sleep(ctx, pause)
	}
	return nil
}

// RunOnce reads all that has changed since the last complete run, hands over what is due, and tries again what failed before. It
// waits while another process reads this feed. The error is that of a run that could not be completed: what it has handed over
// is marked, and the next run begins where it began. Single orders that failed are no error; Report.Failed counts them.
func (f *Feed) RunOnce(ctx context.Context) (Report, error) {
	done, err := f.turn(ctx)
	if err != nil {
		return Report{}, err
	}
	defer done()
	cursor, err := f.cursor(ctx)
	if err != nil {
		return Report{}, err
	}
	r := &run{Feed: f, since: cursor.Since, failed: map[woo.OrderID]bool{}}
	if err := r.walk(ctx, cursor); err != nil {
		return r.report, err
	}
	return r.report, r.retry(ctx)
}

// run is one run, or the work on one delivery.
type run struct {
	*Feed
	since  time.Time
	report Report
	failed map[woo.OrderID]bool // in this run
	cause  error                // of the last failure
	hook   bool                 // states come from deliveries: an old one is dropped
}

// walk reads what was modified since the cursor, and advances it.
func (r *run) walk(ctx context.Context, cursor Cursor) error {
	begun := time.Now()
	var newest time.Time
	var fatal error
	batch := make([]sighting, 0, pageSize)
	q := woo.OrderQuery{Status: r.c.Statuses, ModifiedAfter: cursor.ModifiedAfter, PerPage: pageSize}
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
	to := cursor.next(begun, newest)
	if to.Equal(cursor) {
		return nil
	}
	// Not ok: another process has advanced it meanwhile, by a walk of its own. Then this walk was one too many, no more.
	if _, err := r.c.Store.Advance(ctx, r.c.Name, cursor, to); err != nil {
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
	var e *woo.Error
	if errors.Is(err, woo.ErrMalformed) && errors.As(err, &e) && e.ResourceID > 0 {
		return woo.OrderID(e.ResourceID)
	}
	return 0
}

// turn waits until nobody else reads the feed, in this process or another, and keeps it so until done is called.
func (f *Feed) turn(ctx context.Context) (done func(), err error) {
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
