package orderfeed

import (
	"context"
	"fmt"
	"time"
)

// Mode is how orders come in at present.
//
//	Polling   no webhooks: read every Config.Every
//	Pending   webhooks, but none has come yet: read once a night, or every Every with Config.PollPending
//	Active    deliveries come: read once a night
//	Suspect   a night found what should have been delivered long ago: read every Every until a delivery comes
//
// In each mode Run reads at its start, and once a night.
type Mode string

// The modes.
const (
	Polling Mode = "polling"
	Pending Mode = "pending"
	Active  Mode = "active"
	Suspect Mode = "suspect"
)

// Mode returns how orders come in at present.
func (f *Feed) Mode(ctx context.Context) (Mode, error) {
	c, err := f.cursor(ctx)
	return f.mode(c), err
}

func (f *Feed) mode(c Cursor) Mode {
	switch {
	case !f.c.Webhooks:
		return Polling
	case c.LastDelivery.IsZero():
		return Pending
	case c.Suspect:
		return Suspect
	}
	return Active
}

// polls reports whether what has changed is read every Every.
func (f *Feed) polls(c Cursor) bool {
	switch f.mode(c) {
	case Active:
		return false
	case Pending:
		return f.c.PollPending
	}
	return true
}

// LastDelivery returns when the last delivery was taken, to the minute, zero before the first. A webhook.Guard asks for it.
func (f *Feed) LastDelivery(ctx context.Context) (time.Time, error) {
	c, err := f.cursor(ctx)
	return c.LastDelivery, err
}

// delivered notes that a delivery was taken. What is noted is a minute old at most, so that a busy shop does not cost a write each.
func (f *Feed) delivered(ctx context.Context, c Cursor) {
	now := stamp(time.Now())
	if !c.Suspect && now.Sub(c.LastDelivery) < time.Minute {
		return
	}
	err := f.move(ctx, func(c Cursor) Cursor {
		c.LastDelivery, c.Suspect = later(c.LastDelivery, now), false
		return c
	})
	switch {
	case err != nil: // the order is saved, and that is what the shop asks
		f.c.Logger.WarnContext(ctx, "a delivery was not noted", "error", err)
	case c.Suspect || c.LastDelivery.IsZero():
		f.c.Logger.InfoContext(ctx, "webhooks arrive", "before", f.mode(c))
	}
}

// undelivered notes a change that a walk found and no delivery brought.
func (r *run) undelivered(at time.Time) {
	due := r.begun.Add(-r.c.Silence)
	if r.c.Webhooks && at.After(r.cursor.LastDelivery) && at.Before(due) && r.cursor.LastDelivery.Before(due) {
		r.missed = later(r.missed, at)
	}
}

// suspect judges the webhooks by what the night's walk found.
func (r *run) suspect(ctx context.Context) error {
	if r.missed.IsZero() {
		return nil
	}
	last := r.cursor.LastDelivery
	why := fmt.Errorf("%w: one changed at %v, the last delivery came at %v", ErrSuspect, r.missed, last)
	if last.IsZero() {
		why = fmt.Errorf("%w: one changed at %v, and no delivery has ever come: was the webhook made in the shop?", ErrSuspect, r.missed)
	}
	r.alarm(ctx, why)
	err := r.move(ctx, func(c Cursor) Cursor {
		c.Suspect = !last.IsZero() && c.LastDelivery.Equal(last)
		return c
	})
	if err != nil {
		return fmt.Errorf("orderfeed: noting that webhooks are suspect: %w", err)
	}
	return nil
}

func (f *Feed) alarm(ctx context.Context, err error) {
	f.c.Logger.ErrorContext(ctx, "somebody must look at this", "error", err)
	if f.c.Alarm != nil {
		f.c.Alarm(ctx, err)
	}
}
