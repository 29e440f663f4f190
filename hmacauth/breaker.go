package hmacauth

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Breaker keeps us from locking ourselves out. The plugin's second generation answers 429 for 15 minutes, to correctly signed requests
// too, after 20 failures within 10 minutes that came from one address or in one store's name; a clock that has drifted or a rotation that
// is half done gets there within seconds. So for one peer, over all kinds of requests together:
//
//   - two answers 401 in a row, or one 429, open the breaker: requests fail at once with *[OpenError];
//   - while it is open only probes pass, one every 10 minutes, then 20, 40, at most 60; after a 429 the first not before 15 minutes,
//     or Retry-After, and up to a tenth more by chance;
//   - a success closes it;
//   - at no time are more than 6 requests refused within 10 minutes: that many are under way at once at most, fewer after refusals.
//     A request that has to wait for its turn does so as long as its context.
//
// The zero value is ready. One Breaker is for one peer; it is safe for concurrent use.
type Breaker struct {
	// Probe says which requests are probes. Default: those whose path ends with "/ping".
	Probe func(*http.Request) bool

	mu       sync.Mutex
	refusals []time.Time // within the last window
	inFlight int
	inARow   int
	open     bool
	probing  bool
	next     time.Time     // when the next probe may go
	pause    time.Duration // between probes
	changed  chan struct{}
}

const (
	breakerWindow   = 10 * time.Minute
	breakerRefusals = 6
	breakerInARow   = 2
	firstPause      = 10 * time.Minute
	longestPause    = time.Hour
	lockoutPause    = 15 * time.Minute
)

// OpenError is the error of a request that a [Breaker] did not let out. It speaks of the whole peer, so a queue pauses the kind of job.
type OpenError struct {
	Until time.Time // when the next attempt may be made
}

// Error implements error.
func (e *OpenError) Error() string {
	return fmt.Sprintf("hmacauth: the peer refuses our signatures, nothing is sent until %s", e.Until.UTC().Format(time.RFC3339))
}

// RetryAfter is the time until Until.
func (e *OpenError) RetryAfter() time.Duration { return max(time.Until(e.Until), time.Second) }

// Systemic is true: every request to the peer would meet it.
func (e *OpenError) Systemic() bool { return true }

// Transport lets requests to base through as the breaker allows. Put it above a [NewTransport].
func (b *Breaker) Transport(base http.RoundTripper) http.RoundTripper {
	return breakerTransport{b, base}
}

type breakerTransport struct {
	breaker *Breaker
	base    http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t breakerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	probe := t.breaker.isProbe(r)
	if err := t.breaker.enter(r.Context(), probe); err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper owes that
		}
		return nil, err
	}
	answer, err := t.base.RoundTrip(r)
	if err != nil {
		t.breaker.leave(0, 0)
		return nil, err
	}
	t.breaker.leave(answer.StatusCode, retryAfterOf(answer.Header))
	return answer, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t breakerTransport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (b *Breaker) isProbe(r *http.Request) bool {
	if b.Probe != nil {
		return b.Probe(r)
	}
	return strings.HasSuffix(r.URL.Path, "/ping")
}

// enter waits for a turn.
func (b *Breaker) enter(ctx context.Context, probe bool) error {
	for {
		wait, err := b.tryEnter(probe)
		if wait == nil {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryEnter returns what to wait for when all turns are taken.
func (b *Breaker) tryEnter(probe bool) (wait chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for len(b.refusals) > 0 && now.Sub(b.refusals[0]) >= breakerWindow {
		b.refusals = b.refusals[1:]
	}
	switch {
	case b.open && (!probe || now.Before(b.next)):
		return nil, &OpenError{Until: b.next}
	case len(b.refusals) >= breakerRefusals:
		return nil, &OpenError{Until: b.refusals[0].Add(breakerWindow)}
	case len(b.refusals)+b.inFlight >= breakerRefusals:
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		return b.changed, nil
	}
	if b.open {
		b.next, b.probing = now.Add(b.pause), true // one probe, also while it is under way
	}
	b.inFlight++
	return nil, nil
}

// leave notes the answer; status 0 is none.
func (b *Breaker) leave(status int, after time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	now := time.Now()
	switch {
	case status == http.StatusTooManyRequests:
		b.refusals = append(b.refusals, now)
		wait := max(after, lockoutPause)
		b.shut(now, wait+rand.N(wait/10))
	case status == http.StatusUnauthorized:
		b.refusals = append(b.refusals, now)
		if b.inARow++; b.inARow >= breakerInARow || b.open {
			b.shut(now, 0)
		}
	case status >= 200 && status < 300: // all else is given to strangers as well, and says nothing about our signatures
		b.inARow, b.open, b.probing, b.pause, b.next = 0, false, false, 0, time.Time{}
	}
}

// shut opens the circuit, or keeps it open for longer.
func (b *Breaker) shut(now time.Time, atLeast time.Duration) {
	if !b.open {
		b.open, b.pause = true, firstPause
	} else if b.probing { // those that were under way when it opened do not count
		b.pause = min(2*b.pause, longestPause)
	}
	b.probing = false
	if next := now.Add(max(b.pause, atLeast)); next.After(b.next) {
		b.next = next
	}
}

// retryAfterOf reads the header in seconds or as a date; 0 without it, and never more than a day.
func retryAfterOf(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	wait := time.Duration(0)
	if n, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(max(n, 0), 24*3600)) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), 24*time.Hour)
}
