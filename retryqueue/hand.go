package retryqueue

import "time"

const (
	aheadTime = 50 * time.Millisecond // how much work of a kind may be claimed before a worker is free for it
	aheadMost = 2 * settleMost        // and how many jobs: batches are claimed, worked on and written at the same time
	untested  = time.Hour             // how long an attempt is taken to need until others have shown how long
)

// lane holds a kind's jobs in hand: from their claim until their outcome is written.
type lane struct {
	handler *handler
	waiting []*attempt    // claimed ahead, in due order
	workers int           // goroutines that make attempts, at most handler.concurrency
	held    int           // jobs in hand
	usual   time.Duration // how long an attempt takes, averaged over the last few
}

// room is how many more jobs may be claimed: one for each free worker, and ahead of them what the workers will begin within
// aheadTime. So a kind of quick jobs is claimed and settled in large batches, and of one that takes its time nothing waits here
// that another process could do.
func (l *lane) room() int {
	ahead := time.Duration(l.handler.concurrency) * aheadTime / max(l.usual, 1)
	return l.handler.concurrency + int(min(ahead, aheadMost)) - l.held
}

// next is the job that has waited longest, begun at now; nil: none waits.
func (l *lane) next(now time.Time) *attempt {
	if len(l.waiting) == 0 {
		return nil
	}
	a := l.waiting[0]
	l.waiting[0], l.waiting = nil, l.waiting[1:]
	a.begin(now)
	return a
}

// lane is a registered kind's. The caller holds runner.mu.
func (r *runner) lane(h *handler) *lane {
	l := r.lanes[h.name]
	if l == nil {
		l = &lane{handler: h, usual: untested}
		r.lanes[h.name] = l
	}
	return l
}

// room is how many jobs may be claimed of each kind that has room.
func (r *runner) room() map[string]int {
	r.q.mu.RLock()
	defer r.q.mu.RUnlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	kinds := map[string]int{}
	for name, h := range r.q.handlers {
		if n := r.lane(h).room(); n > 0 {
			kinds[name] = n
		}
	}
	return kinds
}

// take takes claimed jobs in hand and starts workers for them, or hands them back at once when the runner is closing.
func (r *runner) take(records []*Record, until time.Time, closing bool) {
	now := time.Now()
	attempts := make([]attempt, len(records))
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, record := range records {
		a, l := &attempts[i], r.lanes[record.Kind]
		a.queue, a.record, a.lane, a.handler = r.q, record, l, l.handler
		a.claimed, a.until, a.unsure = now, until, record.Unsure
		a.ctx.parent = r.jobs
		r.hand[a] = struct{}{}
		l.held++
		r.working++
		if closing {
			r.deliver(a, a.handBack(false))
			continue
		}
		l.waiting = append(l.waiting, a)
		if l.workers < l.handler.concurrency {
			l.workers++
			go r.work(l.next(now))
		}
	}
	for _, record := range records {
		if record.Lapsed { // it may have killed its process and kill this one, too: few must share its fate
			r.putBack(r.lanes[record.Kind])
		}
	}
	r.guard(until)
}

// work makes one attempt after another while jobs of its kind wait.
func (r *runner) work(a *attempt) {
	defer func() {
		if a != nil { // Work ended this goroutine instead of returning
			go r.work(r.end(a, a.conclude(errGone)))
		}
	}()
	for a != nil {
		a = r.end(a, a.run())
	}
}

// end delivers an attempt's outcome and gives its worker the next job; nil: the worker is done.
func (r *runner) end(a *attempt, o Outcome) *attempt {
	a.ctx.end(nil)
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	l := a.lane
	l.usual += (now.Sub(a.began) - l.usual) / 8
	r.deliver(a, o)
	if o.Pause > 0 {
		r.putBack(l) // what holds for this one holds for them
	}
	next := l.next(now)
	if next == nil {
		l.workers--
	}
	return next
}

// deliver passes an attempt's outcome to the settler. The first one counts: an attempt that was handed back while its Work hung
// has no say any more. The caller holds runner.mu.
func (r *runner) deliver(a *attempt, o Outcome) {
	if a.finished {
		return
	}
	a.finished, a.outcome = true, o
	r.working--
	r.ended = append(r.ended, a)
	if len(r.ended) == 1 || len(r.ended) == settleBatch || r.working == 0 {
		poke(r.done)
	}
}

// putBack hands back what was claimed ahead, and claims nothing ahead until attempts are known to be quick. The caller holds
// runner.mu.
func (r *runner) putBack(l *lane) {
	for _, a := range l.waiting {
		r.deliver(a, a.handBack(false))
	}
	l.waiting, l.usual = nil, untested
}

// release takes settled jobs out of the hand and has the claiming loop look again: there is room, and what was settled may have
// made something due.
func (r *runner) release(settled []*attempt) {
	r.mu.Lock()
	for _, a := range settled {
		delete(r.hand, a)
		a.lane.held--
	}
	r.mu.Unlock()
	poke(r.settled)
}

// poke makes whoever waits on a channel that holds one look again.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
