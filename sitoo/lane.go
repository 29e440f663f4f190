package sitoo

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Lane lets one request at a time through to an account. Sitoo answers 429 to two at once even when allowance is left, and counts
// requests in fixed time slots whose size it publishes nowhere; so the lane also listens to the figures that come with each answer.
// Its zero value is usable. Share one between all clients of an account; it must not be copied.
type Lane struct {
	// Pace, when not nil, is waited for before each request. It must not be changed once the lane is in use.
	Pace *rate.Limiter

	once  sync.Once
	lane  chan struct{}
	mu    sync.Mutex
	quota Quota
}

// Quota is what the newest answer said about the remaining allowance. Sitoo need not say anything.
type Quota struct {
	Known     bool      // a header told Remaining; else Remaining means nothing
	Remaining int       // requests left in the current time slot, for all users of the key
	Reset     time.Time // when the next slot begins; zero when unknown
	At        time.Time // when it was heard
}

// Quota returns what the newest answer said.
func (l *Lane) Quota() Quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quota
}

// acquire enters the lane, or returns the context's error.
func (l *Lane) acquire(ctx context.Context) error {
	l.once.Do(func() { l.lane = make(chan struct{}, 1) })
	select {
	case l.lane <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Lane) release() { <-l.lane }

// longestPause is how long a request waits for a slot that is known to be used up; beyond it Sitoo is asked and its Retry-After goes to the
// caller, who may have something better to do.
const longestPause = 30 * time.Second

// Wait is called before each request on the wire, repeats included: it waits for Pace, and for the next time slot when this one is used
// up. It does not enter the lane; the client does.
func (l *Lane) Wait(ctx context.Context) error {
	if l.Pace != nil {
		if err := l.Pace.Wait(ctx); err != nil {
			return err
		}
	}
	q := l.Quota()
	pause := time.Until(q.Reset)
	if !q.Known || q.Remaining > 0 || pause <= 0 || pause > longestPause {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listen keeps what an answer says about the allowance, and gives a 429 without Retry-After the one its reset means, so that the core waits
// for it.
func (l *Lane) listen(h http.Header, status int) {
	now := time.Now()
	q := Quota{At: now}
	if n, ok := number(h, "x-rate-limit-remaining", "x-ratelimit-remaining"); ok {
		q.Known, q.Remaining = true, int(max(n, 0))
	}
	if n, ok := number(h, "x-rate-limit-reset", "x-ratelimit-reset"); ok && n > 0 {
		q.Reset = time.Unix(n, 0).UTC()
	}
	if status == http.StatusTooManyRequests && h.Get("Retry-After") == "" && q.Reset.After(now) {
		h.Set("Retry-After", strconv.Itoa(int(min(time.Until(q.Reset), time.Hour)/time.Second)+1))
	}
	if !q.Known && q.Reset.IsZero() {
		return
	}
	l.mu.Lock()
	l.quota = q
	l.mu.Unlock()
}

// number reads a whole number out of the first of the headers that has one. An absent header is unknown, not 0.
func number(h http.Header, names ...string) (int64, bool) {
	for _, name := range names {
		if n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64); err == nil {
			return n, true
		}
	}
	return 0, false
}

// listener hands every answer's headers to the lane, also of tries that the core repeats.
type listener struct {
	base http.RoundTripper
	lane *Lane
}

func (t listener) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(r)
	if err == nil {
		t.lane.listen(res.Header, res.StatusCode)
	}
	return res, err
}
