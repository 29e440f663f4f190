// Package speed lets a demonstration live through days in seconds without a special case in any package: it divides the
// waits that a queue's store is asked to keep, multiplies the ages that it reports, and divides the Retry-After of remote
// answers. Leases are never divided: they are about this process, not about the world outside.
package speed

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Store keeps jobs in s at n times the speed. Ages, and with them lifetimes, are sped up by no more than leaves a lifetime of
// 48 h at least 20 leases, so that a killed process does not use a job's life up. The store is no TxStore.
func Store(s retryqueue.Store, n float64, lease time.Duration) retryqueue.Store {
	if n <= 1 {
		return s
	}
	return store{s, n, math.Min(n, float64(48*time.Hour)/float64(20*lease))}
}

type store struct {
	retryqueue.Store
	n, age float64
}

func by(d time.Duration, n float64) time.Duration { return time.Duration(float64(d) / n) }

func (s store) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	jobs = slices.Clone(jobs)
	for i := range jobs {
		jobs[i].Delay = by(jobs[i].Delay, s.n)
	}
	return s.Store.Insert(ctx, jobs)
}

func (s store) Claim(ctx context.Context, c retryqueue.Claim) (retryqueue.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	s.older(claimed.Records)
	return claimed, err
}

func (s store) Settle(ctx context.Context, outcomes []retryqueue.Outcome) ([]error, error) {
	outcomes = slices.Clone(outcomes)
	for i := range outcomes {
		outcomes[i].Wait, outcomes[i].Pause = by(outcomes[i].Wait, s.n), by(outcomes[i].Pause, s.n)
	}
	return s.Store.Settle(ctx, outcomes)
}

func (s store) Find(ctx context.Context, q retryqueue.Query) (retryqueue.Found, error) {
	found, err := s.Store.Find(ctx, q)
	s.older(found.Records)
	return found, err
}

func (s store) Pause(ctx context.Context, p retryqueue.KindPause) error {
	p.For = by(p.For, s.n)
	return s.Store.Pause(ctx, p)
}

func (s store) older(records []*retryqueue.Record) {
	for _, r := range records {
		r.Age = by(r.Age, 1/s.age)
		r.UnsureFor = by(r.UnsureFor, 1/s.n)
	}
}

// Transport divides the Retry-After header of answers, where it is a number of seconds, by n. A fraction is rounded up, as
// the header knows whole seconds only; at a speed that leaves less than half a second the header is taken out.
func Transport(base http.RoundTripper, n float64) http.RoundTripper {
	if n <= 1 {
		return base
	}
	if base == nil {
		base = http.DefaultTransport
	}
	return transport{base, n}
}

type transport struct {
	base http.RoundTripper
	n    float64
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.base.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	if seconds, err := strconv.ParseFloat(answer.Header.Get("Retry-After"), 64); err == nil {
		if seconds /= t.n; seconds < 0.5 {
			answer.Header.Del("Retry-After")
		} else {
			answer.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(seconds))))
		}
	}
	return answer, nil
}
