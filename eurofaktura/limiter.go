package eurofaktura

import (
	"context"
	"sync"
	"time"
)

// margin is by how much a start comes later than the window says, so that a window that counts both its ends holds no start too many.
const margin = 500 * time.Microsecond

// Limiter keeps requests to what an account may send: at most 4 starts in any 4 s, and one at a time, since a second one meets a
// lock and an error. Its zero value is ready to use. One value belongs to all clients of the same endpoint and user; it
// knows nothing of other processes.
//
// A token bucket (golang.org/x/time/rate) of the same figures would let 7 starts into a window: 4 from the full bucket and 3 that
// drip in.
//
// Requests start in the order in which they asked, within a millisecond of being allowed to. A server that says it is busy keeps
// them all back.
type Limiter struct {
	// Starts and Window are what the account bears, not to be changed while in use. Default 4 in 4 s, as the vendor documents it.
	Starts int
	Window time.Duration

	mu     sync.Mutex
	lane   chan struct{} // holds one: who is in flight or next
	starts []time.Time   // the last ones, oldest first, at most Starts
	until  time.Time     // the server asked for quiet
}

// acquire waits for the request's turn. The release it returns must be called once the answer was read.
func (l *Limiter) acquire(ctx context.Context) (release func(), err error) {
	l.mu.Lock()
	if l.lane == nil {
		l.lane = make(chan struct{}, 1)
	}
	lane := l.lane
	l.mu.Unlock()
	select {
	case lane <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	var once sync.Once
	release = func() { once.Do(func() { <-lane }) }
	for {
		d := l.start()
		if d <= 0 {
			return release, nil
		}
		if end, ok := ctx.Deadline(); ok && time.Now().Add(d).After(end) { // it would wait in vain, and keep others waiting
			release()
			return nil, context.DeadlineExceeded
		}
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			release()
			return nil, context.Cause(ctx)
		}
	}
}

// start notes a start now, or tells how long it is to be put off.
func (l *Limiter) start() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	starts, window := l.Starts, l.Window
	if starts <= 0 {
		starts = 4
	}
	if window <= 0 {
		window = 4 * time.Second
	}
	now := time.Now()
	d := l.until.Sub(now)
	if len(l.starts) >= starts {
		d = max(d, l.starts[len(l.starts)-starts].Add(window+margin).Sub(now))
	}
	if d > 0 {
		return d
	}
	l.starts = append(l.starts, now)
	if len(l.starts) > starts {
		l.starts = append(l.starts[:0], l.starts[1:]...)
	}
	return 0
}

// hold puts every start off for d from now.
func (l *Limiter) hold(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.until) {
		l.until = until
	}
}
