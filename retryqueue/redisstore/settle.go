package redisstore

import (
	"context"
	"fmt"

	"github.com/tillwire/tillwire/retryqueue"
)

// Settle implements [retryqueue.Store]. A batch of more than 1,000 outcomes is several transactions.
func (s *Store) Settle(ctx context.Context, outcomes []retryqueue.Outcome) ([]error, error) {
	for i, o := range outcomes {
		switch o.State {
		case retryqueue.Succeeded, retryqueue.Retrying, retryqueue.Failed, retryqueue.Discarded, retryqueue.Queued:
		default:
			return nil, fmt.Errorf("redisstore: settle: outcome %d: State %q ends no attempt", i, o.State)
		}
	}
	errs := make([]error, 0, len(outcomes))
	err := inChunks(ctx, outcomes, func(part []retryqueue.Outcome) error {
		args := make([]any, 0, 8*len(part))
		for _, o := range part {
			args = append(args, string(o.Lease.ID), o.Lease.Token, string(o.State), ceil(o.Wait), ceil(o.Pause), flags(o), o.Error,
				[]byte(o.Result))
		}
		v, err := s.run(ctx, "settle", args...)
		if err != nil {
			return err
		}
		a, each := read(v), make([]error, len(part))
		for a.more() {
			if i := a.number(); i >= 0 && i < int64(len(each)) {
				each[i] = retryqueue.ErrLostLease
			}
		}
		errs = append(errs, each...)
		return a.err
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}

func flags(o retryqueue.Outcome) string {
	var all []byte
	for _, f := range []struct {
		name byte
		set  bool
	}{{'u', o.Unsure}, {'p', o.Probed}, {'r', o.Reset}, {'n', o.Uncounted}, {'v', o.Result != nil}} {
		if f.set {
			all = append(all, f.name)
		}
	}
	return string(all)
}
