package stocksync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// The outbox has one row for each product that a peer is behind with, and the queue one job for each peer that is behind. The job
// takes the rows that are due, brings them to the peer as they are by then, and goes on until none is due. A process that dies between
// the commit of a row and the job's being enqueued costs a minute: the sweep finds it.

const (
	leaseFor   = 5 * time.Minute
	longWait   = time.Minute // rows that are due later are left to the sweep
	probeEvery = time.Hour   // a peer that was given up
)

// wake has a peer's outbox looked at: now, or, while the peer is down, when its schedule says.
func (m *Master) wake(ctx context.Context, peer StoreID) {
	var opts []retryqueue.Option
	if until := m.downUntil(peer); until.After(time.Now()) {
		opts = append(opts, retryqueue.At(until))
	}
	if _, err := m.jobs.Enqueue(context.WithoutCancel(ctx), string(peer), struct{}{}, opts...); err != nil {
		m.c.Logger.ErrorContext(ctx, "a peer could not be woken, the sweep will", "peer", peer, "error", err)
	}
}

// sweep wakes every peer that has something due, save those that were given up less than probeEvery ago.
func (m *Master) sweep(ctx context.Context) error {
	backlog, err := m.c.Store.Backlog(ctx)
	if err != nil {
		return fmt.Errorf("stocksync: counting the outbox: %w", err)
	}
	given, err := m.givenUp(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, peer := range m.order {
		if waiting := backlog[peer]; waiting.Count > 0 && !waiting.Next.After(now) && now.Sub(given[peer]) >= probeEvery {
			m.wake(ctx, peer)
		}
	}
	return nil
}

// givenUp says when the peers whose job has failed were last tried.
func (m *Master) givenUp(ctx context.Context) (map[StoreID]time.Time, error) {
	given := map[StoreID]time.Time{}
	q := retryqueue.Query{Kinds: []string{m.c.Name + ".push"}, States: []retryqueue.State{retryqueue.Failed}, History: true}
	for r, err := range m.c.Queue.All(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("stocksync: looking for peers that were given up: %w", err)
		}
		if n := len(r.History); n > 0 {
			given[StoreID(r.Key)] = r.History[n-1].End
		}
	}
	return given, nil
}

// work is one attempt of a peer's job.
func (m *Master) work(ctx context.Context, job retryqueue.Job[struct{}]) error {
	peer := m.peers[StoreID(job.Key)]
	if peer == nil {
		return retryqueue.Stale("no such peer is configured any more")
	}
	r, err := m.pass(ctx, peer)
	switch {
	case err != nil && ctx.Err() != nil:
		return err // cut off: the queue tells it from a failure
	case err != nil:
		m.health.outbound(peer.ID(), err)
		return m.paced(ctx, job, r, err)
	case len(r.leased) > 0:
		m.up(peer.ID())
		return retryqueue.More()
	}
	backlog, err := m.c.Store.Backlog(ctx)
	if err != nil {
		return fmt.Errorf("stocksync: counting the outbox: %w", err)
	}
	waiting := backlog[peer.ID()]
	if in := time.Until(waiting.Next); waiting.Count > 0 && in <= longWait {
		return retryqueue.Snooze(max(in, time.Millisecond))
	}
	return nil
}

// pass brings a peer what is due, once.
func (m *Master) pass(ctx context.Context, peer Peer) (*round, error) {
	leased, err := m.c.Store.Behind(ctx, peer.ID(), m.batch(peer), leaseFor)
	if err != nil {
		return &round{}, fmt.Errorf("stocksync: reading the outbox: %w", err)
	}
	r := &round{m: m, peer: peer, id: peer.ID(), leased: leased}
	if len(leased) == 0 {
		return r, nil
	}
	return r, r.run(ctx)
}

// batch is how many items a peer is given at a time.
func (m *Master) batch(peer Peer) int {
	if l, ok := peer.(Limits); ok {
		if n := l.Batch(); n > 0 {
			return n
		}
	}
	return m.c.Batch
}

// paced is what the queue is told of a peer that could not be reached: when to try again by the peer's own schedule, or that it is
// given up. A systemic error is this peer's alone, and does not hold up the others.
func (m *Master) paced(ctx context.Context, job retryqueue.Job[struct{}], r *round, err error) error {
	schedule := m.c.Schedules[StoreID(job.Key)]
	if schedule == nil {
		schedule = defaultSchedule()
	}
	attempts, age := retryqueue.DefaultMaxAttempts, retryqueue.DefaultMaxAge
	if l, ok := schedule.(retryqueue.Limited); ok {
		if n, d := l.Limits(); n != 0 || d != 0 {
			attempts, age = n, d
		}
	}
	failures := max(1, job.Attempt-m.unheard(ctx, job))
	delay := schedule.Delay(failures)
	behind := r.behind()
	p := &peerError{err: err, wait: max(delay, retryAfter(err))}
	p.gone = delay < 0 || attempts > 0 && failures >= attempts || age > 0 && behind+p.wait > age
	if p.gone {
		p.wait = probeEvery
	}
	m.mu.Lock()
	m.down[StoreID(job.Key)] = time.Now().Add(p.wait)
	m.mu.Unlock()
	return p
}

// unheard is how many attempts of a peer's job ended with their process: those are no fault of the peer's, and put it off no further.
func (m *Master) unheard(ctx context.Context, job retryqueue.Job[struct{}]) (n int) {
	if job.Attempt == 1 {
		return 0
	}
	found, err := m.c.Queue.List(ctx, retryqueue.Query{IDs: []retryqueue.ID{job.ID}, History: true})
	if err != nil || len(found.Records) == 0 { // then it is put off for longer
		return 0
	}
	for _, a := range found.Records[0].History {
		if a.Error == retryqueue.LeaseEnded && a.N <= job.Attempt {
			n++
		}
	}
	return n
}

// peerError is why a peer could not be reached, as the queue is to take it.
type peerError struct {
	err  error
	wait time.Duration
	gone bool
}

func (e *peerError) Error() string             { return e.err.Error() }
func (e *peerError) Unwrap() error             { return e.err }
func (e *peerError) Permanent() bool           { return e.gone }
func (e *peerError) Systemic() bool            { return false }
func (e *peerError) RetryAfter() time.Duration { return e.wait }

func (m *Master) downUntil(peer StoreID) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.down[peer]
}

// up says that a peer answers.
func (m *Master) up(peer StoreID) (was bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, was = m.down[peer]
	delete(m.down, peer)
	return was
}

// revive pushes at once to a peer that was down and is heard again.
func (m *Master) revive(ctx context.Context, peer StoreID) {
	m.health.inbound(peer)
	if m.up(peer) {
		m.wake(ctx, peer)
	}
}

// retryAfter is how long an error asks to wait.
func retryAfter(err error) time.Duration {
	var asks interface{ RetryAfter() time.Duration }
	if errors.As(err, &asks) {
		return asks.RetryAfter()
	}
	return 0
}

// ambiguous says whether what failed may have had its effect.
func ambiguous(err error) bool {
	var asks interface{ Ambiguous() bool }
	return errors.As(err, &asks) && asks.Ambiguous()
}
