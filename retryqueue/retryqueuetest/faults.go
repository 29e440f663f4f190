package retryqueuetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// FailTimes makes a Work that fails the first n attempts of each job with err and then does work; a nil work succeeds.
func FailTimes[T any](n int, err error, work func(context.Context, retryqueue.Job[T]) error) func(context.Context, retryqueue.Job[T]) error {
	var mu sync.Mutex
	failed := map[retryqueue.ID]int{}
	return func(ctx context.Context, job retryqueue.Job[T]) error {
		mu.Lock()
		failed[job.ID]++
		fails := failed[job.ID] <= n
		mu.Unlock()
		switch {
		case fails:
			return err
		case work == nil:
			return nil
		}
		return work(ctx, job)
	}
}

// ErrFault is the error of a call that Faulty made fail.
var ErrFault = errors.New("retryqueuetest: fault on purpose")

// Fault is what happens to one call of a store.
type Fault int

// The faults of a store, as a network or a database shows them.
const (
	None   Fault = iota
	Before       // the call fails and has no effect
	After        // the call has its effect, but its answer is lost
)

// Faulty is a Store that fails when Fault says so, for tests of what stands above a store. Fault gets the method's name and may be
// called by many goroutines.
type Faulty struct {
	retryqueue.Store
	Fault func(method string) Fault
}

func faulty[A any](f Faulty, method string, call func() (A, error)) (A, error) {
	var none A
	switch f.Fault(method) {
	case Before:
		return none, ErrFault
	case After:
		if _, err := call(); err != nil {
			return none, err
		}
		return none, ErrFault
	default:
		return call()
	}
}

// Insert implements retryqueue.Store.
func (f Faulty) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	return faulty(f, "Insert", func() ([]retryqueue.Receipt, error) { return f.Store.Insert(ctx, jobs) })
}

// Claim implements retryqueue.Store.
func (f Faulty) Claim(ctx context.Context, c retryqueue.Claim) (retryqueue.Claimed, error) {
	return faulty(f, "Claim", func() (retryqueue.Claimed, error) { return f.Store.Claim(ctx, c) })
}

// Settle implements retryqueue.Store.
func (f Faulty) Settle(ctx context.Context, outcomes []retryqueue.Outcome) ([]error, error) {
	return faulty(f, "Settle", func() ([]error, error) { return f.Store.Settle(ctx, outcomes) })
}

// Extend implements retryqueue.Store.
func (f Faulty) Extend(ctx context.Context, leases []retryqueue.Lease, by time.Duration) ([]retryqueue.ID, error) {
	return faulty(f, "Extend", func() ([]retryqueue.ID, error) { return f.Store.Extend(ctx, leases, by) })
}

// Find implements retryqueue.Store.
func (f Faulty) Find(ctx context.Context, q retryqueue.Query) (retryqueue.Found, error) {
	return faulty(f, "Find", func() (retryqueue.Found, error) { return f.Store.Find(ctx, q) })
}

// Move implements retryqueue.Store.
func (f Faulty) Move(ctx context.Context, m retryqueue.Move) (int, error) {
	return faulty(f, "Move", func() (int, error) { return f.Store.Move(ctx, m) })
}

// Pause implements retryqueue.Store.
func (f Faulty) Pause(ctx context.Context, p retryqueue.KindPause) error {
	_, err := faulty(f, "Pause", func() (struct{}, error) { return struct{}{}, f.Store.Pause(ctx, p) })
	return err
}
