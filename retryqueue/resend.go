package retryqueue

import (
	"context"
	"fmt"
)

// Resend makes one attempt, by hand and now, at jobs that have succeeded or were discarded: deliver again, with the payload that
// was kept. What it sent before may then be there twice: ask first (Describe's warning). If the attempt fails, the job goes back
// to the state it came from and keeps the error; only a permanent error leaves it Failed. A kind that has a Kind.Resend is enqueued
// anew instead, with the payload that makes, as with Forced. A job whose payload retention has dropped
// cannot be sent again. The error wraps ErrNotMoved when some of the jobs are of that sort, or are in another state, or gone; the
// others are sent all the same.
func (q *Queue) Resend(ctx context.Context, ids ...ID) error {
	asked := map[ID]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	if len(asked) == 0 {
		return nil
	}
	found, err := q.List(ctx, Query{IDs: ids, Limit: len(asked)})
	if err != nil {
		return err
	}
	var byHand []ID
	var anew []NewJob
	for _, r := range found.Records {
		h := q.handler(r.Kind)
		switch {
		case r.Pruned, len(r.Payload) == 0:
		case h == nil || h.resend == nil:
			byHand = append(byHand, r.ID)
		case r.State == Succeeded || r.State == Discarded:
			payload, err := h.resend(r.Payload)
			if err != nil {
				return fmt.Errorf("retryqueue: resend: %s %s: %w", r.Kind, r.Key, err)
			}
			anew = append(anew, NewJob{Kind: r.Kind, Key: r.Key, Payload: payload, Forced: true})
		}
	}
	if len(anew) > 0 {
		if _, err := q.store.Insert(ctx, anew); err != nil {
			return fmt.Errorf("retryqueue: resend: %w", err)
		}
		q.Wake()
	}
	if err := q.move(ctx, "resend", Move{IDs: byHand, From: []State{Succeeded, Discarded}, To: Queued}); err != nil {
		return err
	}
	if n := len(asked) - len(byHand) - len(anew); n > 0 {
		return fmt.Errorf("%w: resend: %d of %d are gone, have no payload any more or are in another state", ErrNotMoved, n, len(asked))
	}
	return nil
}
