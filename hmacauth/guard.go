package hmacauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// guard stands between a verifier and its nonce store: whatever goes wrong there, the answer is an error, and it comes in time.
type guard struct {
	store   NonceStore
	timeout time.Duration
	mu      sync.Mutex
	failed  int       // in a row
	closed  time.Time // until then the store is left alone
	waiting int       // calls that have not come back
}

const (
	failuresToOpen = 5
	openFor        = 2 * time.Second
	maxWaiting     = 256
)

var errResting = errors.New("the nonce store has failed several times in a row and is left alone for a moment")

func (g *guard) reserve(ctx context.Context, fingerprint, nonce string, until time.Time) (bool, error) {
	if m, ok := g.store.(*MemoryNonces); ok { // neither waits nor fails, save when full
		return m.Reserve(ctx, fingerprint, nonce, until)
	}
	if err := g.enter(); err != nil {
		return false, err
	}
	type outcome struct {
		fresh bool
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	back := make(chan outcome, 1)
	go func() { // a store that does not mind its context must not hold the request
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o = outcome{err: fmt.Errorf("the nonce store panicked: %v", p)}
			}
			g.leave()
			back <- o
		}()
		o.fresh, o.err = g.store.Reserve(ctx, fingerprint, nonce, until)
	}()
	select {
	case o := <-back:
		g.note(o.err)
		return o.fresh && o.err == nil, o.err
	case <-ctx.Done():
		g.note(ctx.Err())
		return false, fmt.Errorf("waiting for the nonce store: %w", context.Cause(ctx))
	}
}

func (g *guard) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.closed) || g.waiting >= maxWaiting {
		return errResting
	}
	g.waiting++
	return nil
}

func (g *guard) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
}

// note counts failures in a row. A request that the client gave up is none.
func (g *guard) note(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		g.failed = 0
	case errors.Is(err, context.Canceled):
	default:
		if g.failed++; g.failed >= failuresToOpen {
			g.failed, g.closed = 0, time.Now().Add(openFor)
		}
	}
}
