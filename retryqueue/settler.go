package retryqueue

import (
	"context"
	"errors"
	"time"
)

// settler writes outcomes, up to settleMost at once. There are two, so that one batch is gathered while another is written.
func (r *runner) settler() {
	var left []*attempt // outcomes that the store did not take
	backoff := firstBackoff
	for {
		var again <-chan time.Time
		if len(left) > 0 {
			again = time.After(backoff)
		}
		fresh, ok := r.gather(again)
		if !ok {
			return
		}
		if len(left) > 0 && len(fresh) == 0 {
			backoff = min(2*backoff, lastBackoff)
		}
		// A batch that failed is tried one by one as well: one outcome that the store cannot take holds up no other.
		pending, alone := append(left, fresh...), len(left) > 0
		left = r.settle(pending, alone)
		if len(left) < len(pending) {
			backoff = firstBackoff
		}
	}
}

// gather waits for outcomes and for company to the first of them: until a batch is full, for settleLinger, but only while
// somebody is at work who could still join. It returns none when again fires; ok is false when the runner stops.
func (r *runner) gather(again <-chan time.Time) (batch []*attempt, ok bool) {
	var linger <-chan time.Time
	for {
		r.mu.Lock()
		n, working := len(r.ended), r.working
		r.mu.Unlock()
		switch {
		case n >= settleBatch, n > 0 && working == 0:
			return r.takeEnded(), true
		case n > 0 && linger == nil:
			timer := time.NewTimer(settleLinger)
			defer timer.Stop()
			linger = timer.C
		}
		select {
		case <-r.done:
		case <-linger:
			return r.takeEnded(), true
		case <-again:
			return nil, true
		case <-r.stop:
			return nil, false
		}
	}
}

func (r *runner) takeEnded() []*attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.ended), settleMost)
	batch := r.ended[:n:n]
	if r.ended = r.ended[n:]; len(r.ended) > 0 {
		poke(r.done) // the other settler
	}
	return batch
}

// settle writes outcomes and returns those that the store did not take.
func (r *runner) settle(batch []*attempt, alone bool) (left []*attempt) {
	step := min(len(batch), settleMost)
	if alone {
		step = 1
	}
	var lastErr error
	for len(batch) > 0 {
		part := batch[:min(step, len(batch))]
		batch = batch[len(part):]
		outcomes := make([]Outcome, len(part))
		for i, a := range part {
			outcomes[i] = a.outcome
		}
		ctx, cancel := r.callContext(context.Background())
		errs, err := r.q.store.Settle(ctx, outcomes)
		cancel()
		settled := make([]*attempt, 0, len(part))
		for i, a := range part {
			each := err
			if each == nil && i < len(errs) {
				each = errs[i]
			}
			switch {
			case each == nil:
				settled = append(settled, a)
			case errors.Is(each, ErrLostLease):
				r.q.log.Warn("outcome refused: another worker has the job", append(a.attrs(), "outcome", string(a.outcome.State))...)
				settled = append(settled, a)
			default:
				left, lastErr = append(left, a), each
			}
		}
		r.release(settled)
		if err != nil && alone {
			// The store is away, or this outcome is more than it can take: the others come first next time.
			left = append(batch[:len(batch):len(batch)], left...)
			break
		}
	}
	if lastErr != nil {
		r.q.log.Error("outcomes not written yet", "jobs", len(left), "error", lastErr)
	}
	return left
}
