package retryqueue

import (
	"context"
	"time"
)

// keeper extends the leases of the jobs in hand every third of a lease. When it cannot, the guard cancels their contexts as the
// leases end.
func (r *runner) keeper() {
	pause := r.q.lease / 3
	for {
		select {
		case <-time.After(pause):
		case <-r.stop:
			return
		}
		r.putBackOld()
		pause = r.q.lease / 3
		if !r.extend() {
			pause = r.q.lease / 9
		}
	}
}

// putBackOld hands back what was claimed ahead for workers that now hang.
func (r *runner) putBackOld() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lanes {
		if len(l.waiting) > 0 && time.Since(l.waiting[0].claimed) > r.q.lease/9 {
			r.putBack(l)
		}
	}
}

func (r *runner) extend() bool {
	var leases []Lease
	held := map[ID]*attempt{}
	r.mu.Lock()
	for a := range r.hand {
		if a.wantsLease() {
			leases = append(leases, a.record.Lease)
			held[a.record.ID] = a
		}
	}
	r.mu.Unlock()
	if len(leases) == 0 {
		return true
	}
	before := time.Now()
	ctx, cancel := r.callContext(context.Background())
	defer cancel()
	lost, err := r.q.store.Extend(ctx, leases, r.q.lease)
	if err != nil {
		r.q.log.Error("leases not extended", "jobs", len(leases), "error", err)
		return false
	}
	for _, id := range lost {
		if a := held[id]; a != nil {
			a.ctx.end(ErrLostLease)
			delete(held, id)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range held {
		a.until = before.Add(r.q.lease)
	}
	return true
}

// wantsLease reports whether the lease is to be extended: not while the host's transaction holds the row, and not for a Work that
// ignores the end of its time. An outcome on its way to the store always wants it. The caller holds runner.mu.
func (a *attempt) wantsLease() bool {
	a.mu.Lock()
	completing := a.completing
	a.mu.Unlock()
	return a.finished || !completing && !a.late()
}

// guard has leasesEnd called when a lease ends. One timer serves all of them: it is set to the first. The caller holds runner.mu.
func (r *runner) guard(until time.Time) {
	if r.guarded.IsZero() || until.Before(r.guarded) {
		r.guarded = until
		r.fence.Reset(time.Until(until))
	}
}

// leasesEnd cancels the attempts whose leases have ended.
func (r *runner) leasesEnd() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.guarded = time.Time{}
	for a := range r.hand {
		if now.Before(a.until) {
			r.guard(a.until)
		} else {
			a.ctx.end(ErrLostLease)
		}
	}
}
