package retryqueue

import (
	"context"
	"time"
)

// Waker carries a word between the processes that share a store: there is a job. A host brings it where its system has one (LISTEN
// and NOTIFY of PostgreSQL, PUBLISH and SUBSCRIBE of Redis), and jobs that other processes enqueued start within milliseconds
// instead of [Config].Poll. Nothing depends on it: a word that is lost costs a job that time.
type Waker interface {
	// Notify tells the other processes. It is called after each Enqueue.
	Notify(ctx context.Context) error
	// Listen calls wake whenever a process notified, until ctx ends or it cannot listen any more: then it returns the error, and is
	// called again after a pause. It may call wake too often, and should at its begin, since it may have missed a word until then.
	Listen(ctx context.Context, wake func()) error
}

// notify tells the other processes that there is a job. The job is accepted whether they hear it or not.
func (q *Queue) notify(ctx context.Context) {
	q.Wake()
	if q.waker == nil {
		return
	}
	if err := q.waker.Notify(ctx); err != nil && ctx.Err() == nil {
		q.log.Warn("other processes not told of a job; they look every Poll", "error", err)
	}
}

// listener listens until ctx ends.
func (r *runner) listener(ctx context.Context) {
	for backoff := firstBackoff; ctx.Err() == nil; {
		began := time.Now()
		err := r.q.waker.Listen(ctx, r.q.Wake)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastBackoff {
			backoff = firstBackoff
		}
		r.q.log.Warn("not told of other processes' jobs; looking every Poll", "error", err, "again_in", backoff)
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}
