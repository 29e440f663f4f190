package retryqueue

import (
	"context"
	"time"
)

const (
	pruneEvery = time.Hour
	pruneBatch = 1000 // jobs in one call of the store: a transaction that holds up nobody
)

// pruner prunes at once and then every pruneEvery until ctx ends.
func (r *runner) pruner(ctx context.Context) {
	for {
		r.q.prune(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pruneEvery):
		}
	}
}

// prune has the store forget what [Config].Keep is over for, unless that was done within pruneEvery. What fails is tried again
// the next time: nothing depends on it but room.
func (q *Queue) prune(ctx context.Context) {
	store, can := q.store.(Pruner)
	last, now := q.pruned.Load(), time.Now().Unix()
	if !can || q.keep < 0 || now-last < int64(pruneEvery/time.Second) || !q.pruned.CompareAndSwap(last, now) {
		return
	}
	for _, kind := range q.Kinds() {
		p := Prune{Kind: kind, Age: q.keep, Delete: q.handler(kind).again == Latest, Limit: pruneBatch}
		for n := pruneBatch; n == pruneBatch && ctx.Err() == nil; {
			var err error
			if n, err = store.Prune(ctx, p); err != nil && ctx.Err() == nil {
				q.log.Error("jobs not pruned", "kind", kind, "error", err)
			}
		}
	}
}
