package retryqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	settleBatch  = 100                    // outcomes that are worth writing at once
	settleMost   = 500                    // and how many are, when the store was slower than the work
	settleLinger = 5 * time.Millisecond   // how long the first of them waits for company
	cutGrace     = time.Second            // after the drain, for a cut-off Work to notice
	lastSettle   = 5 * time.Second        // after that, for the store to take what was handed back
	raceWait     = 10 * time.Millisecond  // something is due but another process is at it
	firstBackoff = 100 * time.Millisecond // after a store error, doubled up to lastBackoff
	lastBackoff  = 5 * time.Second
)

// errShutdown is the cause with which the contexts of cut-off attempts end.
var errShutdown = errors.New("retryqueue: shut down")

// Run works on due jobs of the registered kinds until ctx ends. Then nothing more is claimed; jobs in hand go on for Config.Drain
// on contexts that outlive ctx, what is left is cut off and handed back uncounted (Unsure where Work had begun), and Run returns
// nil. Store errors do not end it: they are logged and tried again. A second Run of the same queue at the same time returns
// ErrRunning; other processes may run on the same store.
func (q *Queue) Run(ctx context.Context) error {
	if !q.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer q.running.Store(false)
	return q.newRunner().run(ctx, false)
}

// RunDue works until nothing of the registered kinds is due, then returns: for hosts that only get a request now and then. When
// ctx ends first it drains as Run does and returns nil. A store that cannot be asked for jobs is an error.
func (q *Queue) RunDue(ctx context.Context) error {
	return q.newRunner().run(ctx, true)
}

// runner is one Run: the claiming loop, workers, two settlers that write outcomes in batches, and a keeper that extends leases.
type runner struct {
	q *Queue

	jobs context.Context // parent of every attempt's context; ends with the drain, not with Run's
	cut  context.CancelCauseFunc

	done    chan struct{} // holds one: there are outcomes for a settler
	settled chan struct{} // holds one: outcomes were written, look again
	stop    chan struct{} // closed: settlers and keeper end

	mu      sync.Mutex
	lanes   map[string]*lane // by kind
	hand    map[*attempt]struct{}
	working int         // jobs in hand that have no outcome yet
	ended   []*attempt  // jobs in hand whose outcome no settler has taken yet
	fence   *time.Timer // calls leasesEnd
	guarded time.Time   // when it will; zero: never
}

func (q *Queue) newRunner() *runner {
	r := &runner{
		q:       q,
		done:    make(chan struct{}, 1),
		settled: make(chan struct{}, 1),
		stop:    make(chan struct{}),
		lanes:   map[string]*lane{},
		hand:    map[*attempt]struct{}{},
	}
	r.jobs, r.cut = context.WithCancelCause(context.Background())
	r.fence = time.AfterFunc(q.lease, r.leasesEnd)
	return r
}

func (r *runner) run(ctx context.Context, once bool) error {
	var helpers sync.WaitGroup
	helpers.Go(r.settler)
	helpers.Go(r.settler)
	helpers.Go(r.keeper)
	if !once {
		helpers.Go(func() { r.pruner(ctx) })
		if r.q.waker != nil {
			helpers.Go(func() { r.listener(ctx) })
		}
	}
	err := r.claimLoop(ctx, once)
	r.drainHand()
	if once && err == nil {
		r.q.prune(ctx)
	}
	close(r.stop)
	r.fence.Stop()
	r.cut(errShutdown)
	helpers.Wait()
	return err
}

// claimLoop claims what is due as far as there is room and sleeps exactly until something may be due: a time the store named, an
// Enqueue, or outcomes written, which makes room and may have made something due. Only for jobs other processes enqueue it
// looks every Poll.
func (r *runner) claimLoop(ctx context.Context, once bool) error {
	wake := r.q.wake
	if once {
		wake = nil
	}
	backoff := firstBackoff
	for ctx.Err() == nil {
		idle := r.handEmpty()
		claimed, asked, err := r.claim(ctx)
		if err != nil && once {
			return fmt.Errorf("retryqueue: claim: %w", err)
		}
		if err != nil {
			r.q.log.Error("claim failed", "error", err, "again_in", backoff)
			r.sleep(ctx, backoff, nil)
			backoff = min(2*backoff, lastBackoff)
			continue
		}
		backoff = firstBackoff
		nothing := len(claimed.Records) == 0
		switch {
		case once && nothing && idle:
			return nil
		case once && r.handEmpty(): // the last one was settled in between
		case once, !asked:
			r.sleep(ctx, -1, nil)
		case claimed.Next < 0:
			r.sleep(ctx, r.q.poll, wake)
		case nothing && claimed.Next == 0:
			r.sleep(ctx, raceWait, wake)
		default:
			r.sleep(ctx, min(r.q.poll, claimed.Next), wake)
		}
	}
	return nil
}

// sleep ends with ctx, after d (negative: never), and with wake or an outcome written.
func (r *runner) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-wake:
	case <-r.settled:
	}
}

// claim fills the room there is. Asked is false when there was none. The call itself outlives ctx: an answer lost half way would
// leave its jobs under a lease nobody holds.
func (r *runner) claim(ctx context.Context) (claimed Claimed, asked bool, err error) {
	kinds := r.room()
	if len(kinds) == 0 {
		return Claimed{}, false, nil
	}
	before := time.Now()
	callCtx, cancel := r.callContext(ctx)
	defer cancel()
	claimed, err = r.q.store.Claim(callCtx, Claim{Kinds: kinds, Lease: r.q.lease})
	if err != nil {
		return Claimed{}, true, err
	}
	r.take(claimed.Records, before.Add(r.q.lease), ctx.Err() != nil)
	return claimed, true, nil
}

// callContext bounds one call of the store, and does not end with ctx.
func (r *runner) callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), max(r.q.lease/3, time.Second))
}

func (r *runner) handEmpty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.hand) == 0
}

// drainHand waits for the jobs in hand, cuts off what is left, and sees that it is handed back.
func (r *runner) drainHand() {
	r.mu.Lock()
	for _, l := range r.lanes {
		r.putBack(l)
	}
	r.mu.Unlock()
	if r.emptyWithin(r.q.drain) {
		return
	}
	r.cut(errShutdown)
	if r.emptyWithin(cutGrace) {
		return
	}
	// These do not heed their contexts and may be at work still: nobody else should begin for the time of a lease.
	r.mu.Lock()
	for a := range r.hand {
		o := a.handBack(true)
		o.Wait = r.q.lease
		r.deliver(a, o)
	}
	r.mu.Unlock()
	if !r.emptyWithin(lastSettle) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.q.log.Error("jobs could not be handed back; they are taken up when their leases end", "jobs", len(r.hand))
	}
}

func (r *runner) emptyWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !r.handEmpty() {
		select {
		case <-timer.C:
			return r.handEmpty()
		case <-r.settled:
		}
	}
	return true
}
