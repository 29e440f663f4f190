package rest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	budget        = 10.0                   // repeats a client may have open before it stops repeating
	refill        = 0.1                    // of a repeat, earned by each success
	firstWait     = 500 * time.Millisecond // before the second try; doubled for each further one
	maxHold       = 10 * time.Minute       // a host that asks for more is tried again after this much
	maxRetryAfter = 24 * time.Hour         // what is told to the caller's queue
	recovery      = 0.02                   // of the full rate, earned by each success
	slowest       = 0.1                    // of the full rate
)

// pace is what the calls of one client know of their host together.
type pace struct {
	mu     sync.Mutex
	tokens float64    // retry budget
	until  time.Time  // nothing is sent before
	status int        // the answer that said so
	slowed time.Time  // when the limiter was last slowed down
	debt   rate.Limit // how much of the limiter's rate this client has taken away
}

// adjustable is the part of *rate.Limiter that slowing down needs.
type adjustable interface {
	Limit() rate.Limit
	SetLimit(rate.Limit)
}

// adjusting makes reading and setting a limit one step for all clients that share a limiter. Each client remembers only
// what it took away and gives back exactly that, so together they end at the limiter's true rate, whoever slowed it.
var adjusting sync.Mutex

// spend takes a repeat out of the budget.
func (p *pace) spend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tokens < 1 {
		return false
	}
	p.tokens--
	return true
}

// succeeded gives back what a call that got through had spent on repeats, earns a little, and speeds up again. So a host
// that loses some requests keeps its repeats, while a dead one is not asked three times by each worker.
func (p *pace) succeeded(repeats int, l Limiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens = min(budget, p.tokens+float64(repeats)+refill)
	if a, ok := l.(adjustable); ok && p.debt > 0 {
		adjusting.Lock()
		defer adjusting.Unlock()
		limit := a.Limit()
		step := min(p.debt, (limit+p.debt)*recovery)
		p.debt -= step
		a.SetLimit(limit + step)
	}
}

// slow halves the limiter's rate and returns the new one, 0 when it was left alone. News of a try that began before the
// last slow-down is old news: fifty workers turned away at once halve the rate once.
func (p *pace) slow(l Limiter, began time.Time) rate.Limit {
	a, ok := l.(adjustable)
	if !ok {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.slowed.IsZero() && !began.After(p.slowed) {
		return 0
	}
	adjusting.Lock()
	defer adjusting.Unlock()
	limit := a.Limit()
	if limit == rate.Inf || limit <= 0 {
		return 0
	}
	slower := max(limit/2, (limit+p.debt)*slowest)
	p.slowed = time.Now()
	p.debt += limit - slower
	a.SetLimit(slower)
	return slower
}

// hold keeps every call of this client off the wire for d, within reason, and returns for how long.
func (p *pace) hold(status int, d time.Duration) time.Duration {
	d = min(d, maxHold)
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until) {
		p.until, p.status = until, status
	}
	return d
}

// held returns how long nothing may be sent, and which answer said so.
func (p *pace) held() (time.Duration, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until), p.status
}

// backoff is the wait after a number of failed tries: doubled each time, and anything between its half and its whole so
// that callers do not march in step.
func backoff(failed int, longest time.Duration) time.Duration {
	d := min(firstWait<<min(failed-1, 20), longest)
	return d/2 + jitter(d/2)
}

// jitter is anything from 0 to d.
func jitter(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(max(d, 0)) + 1)) //nolint:gosec // spreads load, guards nothing
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// reaches reports whether ctx still lives after d.
func reaches(ctx context.Context, d time.Duration) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Now().Add(d).Before(end)
}

// retryAfter reads the header as seconds or as a date, capped at 24 h; 0 for none, nonsense and the past. A date is
// compared with the server's own Date, so that a wrong clock does not matter.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if strings.Trim(v, "0123456789") == "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
