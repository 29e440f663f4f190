package woo

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// defaultLanes is how many requests of batches are on the wire at once. Small hosts have four to eight PHP workers, and customers
	// need some.
	defaultLanes = 4
	// slowAnswer is when a request has taken so long that the shop is plainly at its limit. Hosts cut requests off at 30 to 60 s.
	slowAnswer = 15 * time.Second
)

// lanes are the batch requests that all batches of a client have on the wire together. Trouble halves their number, at most once per
// round trip; each request that goes well gives back a share of one, so that a round of them gives back one.
type lanes struct {
	most int // Config.Concurrency, or the default

	mu      sync.Mutex
	narrow  float64 // how many fewer than most may be open now
	open    int
	waiting []chan struct{}
	halved  time.Time
}

func (l *lanes) width() int {
	if l.most > 0 {
		return l.most
	}
	return defaultLanes
}

// enter waits for a lane.
func (l *lanes) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.free() {
		l.open++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, turn); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else { // it was given a lane at the same moment
		l.open--
		l.admit()
	}
	return ctx.Err()
}

// leave gives a lane back and says how the request went that began then.
func (l *lanes) leave(began time.Time, troubled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	most := float64(l.width())
	now := max(1, most-l.narrow)
	switch {
	case !troubled:
		l.narrow = max(0, l.narrow-1/now)
	case l.halved.IsZero() || began.After(l.halved): // news of a request from before is old news
		l.narrow = most - max(1, now/2)
		l.halved = time.Now()
	}
	l.admit()
}

// pass gives a lane back that was not used.
func (l *lanes) pass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.admit()
}

func (l *lanes) free() bool {
	return len(l.waiting) == 0 && l.open < max(1, int(float64(l.width())-l.narrow+1e-9))
}

func (l *lanes) admit() {
	for len(l.waiting) > 0 && l.open < max(1, int(float64(l.width())-l.narrow+1e-9)) {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.open++
	}
}
