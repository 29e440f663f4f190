package redisstore

import (
	"context"

	"github.com/tillwire/tillwire/retryqueue"
)

// Claim implements [retryqueue.Store]. Every five seconds one claim also looks after a hundred jobs, see [Store.Sweep].
func (s *Store) Claim(ctx context.Context, c retryqueue.Claim) (retryqueue.Claimed, error) {
	args := append(make([]any, 0, 3+2*len(c.Kinds)), nonce(), ceil(c.Lease), retryqueue.LeaseEnded)
	for kind, most := range c.Kinds {
		args = append(args, kind, most)
	}
	v, err := s.run(ctx, "claim", args...)
	if err != nil {
		return retryqueue.Claimed{}, err
	}
	a := read(v)
	claimed := retryqueue.Claimed{Next: a.length()}
	for list := a.list(); list.more(); {
		one := list.list()
		r := one.record()
		r.Lease = retryqueue.Lease{ID: r.ID, Token: one.text(), Until: r.NextAttemptAt}
		r.Lapsed = one.number() == 1
		claimed.Records = append(claimed.Records, r)
		a.fail(one.err)
	}
	if a.err != nil {
		return retryqueue.Claimed{}, a.err
	}
	return claimed, nil
}
