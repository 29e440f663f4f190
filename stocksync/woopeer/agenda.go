package woopeer

import (
	"sync"
	"time"
)

// agenda is what is to be looked at, and when. Times are rounded up to whole seconds, so that a hundred hints at one product cost one
// look a second.
type agenda[K comparable] struct {
	mu    sync.Mutex
	looks map[look[K]]bool
	wake  chan struct{} // something earlier may have come
}

type look[K comparable] struct {
	at   int64 // Unix seconds
	what K
}

func newAgenda[K comparable]() *agenda[K] {
	return &agenda[K]{looks: map[look[K]]bool{}, wake: make(chan struct{}, 1)}
}

// add notes a look, not before at.
func (a *agenda[K]) add(at time.Time, what K) {
	second := at.Unix()
	if at.Nanosecond() > 0 {
		second++
	}
	a.mu.Lock()
	a.looks[look[K]{second, what}] = true
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// due takes off what is to be looked at now, and tells when the next is: zero when nothing is left.
func (a *agenda[K]) due(now time.Time) (what []K, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := map[K]bool{}
	for l := range a.looks {
		at := time.Unix(l.at, 0)
		switch {
		case !at.After(now):
			delete(a.looks, l)
			if !taken[l.what] {
				taken[l.what] = true
				what = append(what, l.what)
			}
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return what, next
}
