package rest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

func after(status int, v string) answer {
	return answer{status: status, body: `{}`, header: map[string]string{"Retry-After": v}}
}

var good = answer{status: 200, body: `{}`}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"120":                              2 * time.Minute,
		" 7 ":                              7 * time.Second,
		"86400":                            24 * time.Hour,
		"86401":                            24 * time.Hour,
		"99999999999999999999999":          24 * time.Hour,
		"9223372036854775807":              24 * time.Hour,
		"-5":                               0,
		"1.5":                              0,
		"soon":                             0,
		"Sat, 21 Nov 2026 12:05:00 GMT":    5 * time.Minute,
		"Sat, 21 Nov 2026 11:05:00 GMT":    0,
		"Saturday, 21-Nov-26 12:01:00 GMT": time.Minute,
		"Fri, 31 Dec 9999 23:59:59 GMT":    24 * time.Hour,
	} {
		h := http.Header{"Retry-After": {v}, "Date": {now.Format(http.TimeFormat)}}
		require.Equal(t, want, retryAfter(h), "%q", v)
	}
	synctest.Test(t, func(t *testing.T) { // without Date it is our own clock
		h := http.Header{"Retry-After": {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}}
		require.Equal(t, time.Minute, retryAfter(h))
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("Sat, 21 Nov 2026 12:05:00 GMT", "Sat, 21 Nov 2026 12:00:00 GMT")
	f.Add("99999999999999999999", "x")
	f.Fuzz(func(t *testing.T, v, date string) {
		d := retryAfter(http.Header{"Retry-After": {v}, "Date": {date}})
		if d < 0 || d > maxRetryAfter {
			t.Fatalf("%q, %q: %s", v, date, d)
		}
	})
}

// TestWaits measures, in virtual time, when the second try goes out.
func TestWaits(t *testing.T) {
	t.Parallel()
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		name     string
		answer   func() answer
		min, max time.Duration
	}{
		{"back-off", func() answer { return answer{status: 502} }, 250 * time.Millisecond, 500 * time.Millisecond},
		{"429, no header", func() answer { return answer{status: 429} }, 250 * time.Millisecond, 550 * time.Millisecond},
		{"429, seconds", func() answer { return after(429, "7") }, 7 * time.Second, 8 * time.Second},
		{"429, date", func() answer { return after(429, date(20*time.Second)) }, 20 * time.Second, 22 * time.Second},
		{"503, seconds", func() answer { return after(503, "7") }, 7 * time.Second, 8 * time.Second},
		{"502, seconds", func() answer { return after(502, "7") }, 7 * time.Second, 8 * time.Second},
		{"as long as allowed", func() answer { return after(429, "30") }, 30 * time.Second, 32 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := client(t, script(c.answer(), good)).Do(t.Context(), call(Read))
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(began), c.min)
				require.LessOrEqual(t, time.Since(began), c.max)
			})
		})
	}
}

func TestBackoffGrows(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for n, whole := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 6: 16 * time.Second,
		7: 30 * time.Second, 100: 30 * time.Second, math.MaxInt: 30 * time.Second} {
		for range 100 {
			d := backoff(n, 30*time.Second)
			seen[d] = true
			require.True(t, d >= whole/2 && d <= whole, "%d: %s", n, d)
		}
	}
	require.Greater(t, len(seen), 300, "no jitter")
}

// TestTooLongAWait: the call ends at once, with the real failure.
func TestTooLongAWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		answer   answer
		deadline time.Duration
		want     time.Duration
	}{
		{"longer than MaxWait", after(429, "31"), 0, 31 * time.Second},
		{"a day", after(503, "999999999"), 0, 24 * time.Hour},
		{"longer than the deadline", after(503, "20"), 10 * time.Second, 20 * time.Second},
		{"back-off longer than the deadline", answer{status: 502, body: `{}`}, 100 * time.Millisecond, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				began := time.Now()
				_, err := client(t, script(c.answer)).Do(ctx, call(Read))
				f := failure(t, err)
				require.Zero(t, time.Since(began))
				require.Equal(t, Status, f.Class)
				require.Equal(t, c.answer.status, f.Status)
				require.Equal(t, c.want, f.RetryAfter)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, `{}`, string(f.Body))
			})
		})
	}
}

// TestCancelledWait: every wait ends with the context, and what the last try brought stays readable.
func TestCancelledWait(t *testing.T) {
	t.Parallel()
	slow := rate.NewLimiter(rate.Every(time.Hour), 1)
	slow.Allow()
	for _, c := range []struct {
		name    string
		limiter Limiter
		before  func(*Client)
		answer  answer
		kind    Kind
		status  int
		tries   int
	}{
		{"between tries", nil, nil, after(503, "20"), Read, 503, 1},
		{"for the limiter", slow, nil, good, Effect, 0, 0},
		{"for a busy host", nil, func(c *Client) { c.pace.hold(429, 20*time.Second) }, good, Effect, 0, 0},
		{"for the limiter between tries", &nth{n: 2}, nil, answer{status: 502, body: `{}`}, Read, 502, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				why := errors.New("shutting down")
				time.AfterFunc(5*time.Second, func() { cancel(why) })
				rt := script(c.answer)
				core := client(t, rt, func(conf *Config) { conf.Limiter = c.limiter })
				if c.before != nil {
					c.before(core)
				}
				began := time.Now()
				_, err := core.Do(ctx, call(c.kind))
				f := failure(t, err)
				require.Equal(t, 5*time.Second, time.Since(began))
				require.Equal(t, Ended, f.Class)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, why)
				require.Equal(t, c.status, f.Status)
				require.Equal(t, c.tries, f.Attempts)
				require.Equal(t, c.tries, rt.count())
				require.False(t, f.Ambiguous)
			})
		})
	}
}

// nth lets n-1 requests pass and keeps the nth waiting.
type nth struct{ n, asked int }

func (l *nth) Wait(ctx context.Context) error {
	if l.asked++; l.asked < l.n {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestContextEndedBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rt := script(good)
	_, err := client(t, rt).Do(ctx, call(Effect))
	f := failure(t, err)
	require.Equal(t, Ended, f.Class)
	require.False(t, f.Ambiguous)
	require.Zero(t, f.Attempts)
	require.Zero(t, rt.count())
}

func TestLimiterBeforeEveryTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(rate.Every(10*time.Second), 1)
		began := time.Now()
		_, err := client(t, script(answer{status: 502}, answer{status: 502}, good), func(c *Config) { c.Limiter = l }).Do(t.Context(), call(Read))
		require.NoError(t, err)
		require.InDelta(t, 20, time.Since(began).Seconds(), 0.001)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		rt := script(good)
		_, err = client(t, rt, func(c *Config) { c.Limiter = l }).Do(ctx, call(Effect))
		f := failure(t, err)
		require.InDelta(t, 20, time.Since(began).Seconds(), 0.001, "it slept towards a deadline it could not keep")
		require.Equal(t, Ended, f.Class)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, rt.count())

		broken := rate.NewLimiter(1, 0)
		_, err = client(t, rt, func(c *Config) { c.Limiter = broken }).Do(t.Context(), call(Effect))
		require.Equal(t, Refused, failure(t, err).Class)
	})
}

// TestBusyHostHoldsEverybody: while one caller waits out a 429, no other goes on the wire.
func TestBusyHostHoldsEverybody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer answer
		hold   time.Duration
	}{
		{"429", after(429, "10"), 10 * time.Second},
		{"429 without a time", answer{status: 429}, firstWait / 2},
		{"503", after(503, "10"), 10 * time.Second},
		{"503 without a time", answer{status: 503}, 0},
		{"502", after(502, "10"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				core := client(t, script(c.answer, good))
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					_, err := core.Do(t.Context(), call(Read))
					assert.NoError(t, err)
				})
				synctest.Wait()
				for range 5 {
					wg.Go(func() {
						_, err := core.Do(t.Context(), call(Read))
						waited := time.Since(began)
						assert.True(t, err == nil && waited >= c.hold && (waited == 0) == (c.hold == 0), "%s, %v", waited, err)
					})
				}
				wg.Wait()
			})
		})
	}
}

// TestBusyForLong: when the moment is too far away, callers hear so at once and the wire stays quiet.
func TestBusyForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := script(after(503, "300"), after(429, "86400"), good)
		core := client(t, rt)
		_, err := core.Do(t.Context(), call(Effect))
		require.True(t, failure(t, err).Ambiguous)
		_, err = core.Do(t.Context(), call(Effect))
		f := failure(t, err)
		require.Equal(t, Refused, f.Class)
		require.Equal(t, 503, f.Status)
		require.Equal(t, 5*time.Minute, f.RetryAfter)
		require.False(t, f.Ambiguous)
		require.Zero(t, f.Attempts)
		require.Equal(t, 1, rt.count())
		require.Contains(t, f.Error(), "not sent: the host answered 503 Service Unavailable before; the host asks to wait 5m0s")

		time.Sleep(5 * time.Minute)
		_, err = core.Do(t.Context(), call(Read))
		require.Equal(t, 24*time.Hour, failure(t, err).RetryAfter)
		time.Sleep(maxHold) // a day is not believed: the host is tried again
		_, err = core.Do(t.Context(), call(Read))
		require.NoError(t, err)
	})
}

func TestSlowDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(8, 1)
		rt := script(answer{status: 429, body: `{}`}, good)
		core := client(t, rt, func(c *Config) { c.Limiter = l })
		_, err := core.Do(t.Context(), call(Read))
		require.NoError(t, err)
		require.InDelta(t, 4+8*recovery, float64(l.Limit()), 1e-9)
		for range 30 {
			_, err := core.Do(t.Context(), call(Read))
			require.NoError(t, err)
		}
		require.InDelta(t, 8, float64(l.Limit()), 1e-9, "back at the full rate, and not above it")

		for range 20 { // a host that says no for long
			core.pace.slow(l, time.Now())
			time.Sleep(time.Second)
		}
		require.InDelta(t, 0.8, float64(l.Limit()), 1e-9, "a tenth is the floor")
	})
}

// TestSlowDownOnce: many tries turned away together are one piece of news.
func TestSlowDownOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(1000, 100)
		core := client(t, &busy{d: time.Second}, func(c *Config) { c.Limiter, c.MaxTries = l, 1 })
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { _, _ = core.Do(t.Context(), call(Read)) })
		}
		wg.Wait()
		require.InDelta(t, 500, float64(l.Limit()), 1e-9)
	})
}

// busy answers 429 after d.
type busy struct{ d time.Duration }

func (b *busy) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(b.d)
	return answer{status: 429, body: `{}`}.response(req), nil
}

// TestSharedLimiterRecovers: clients that share a limiter, one of them made while it was slow, end at its true rate.
func TestSharedLimiterRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(8, 1)
		share := func(c *Config) { c.Limiter = l }
		a := client(t, nil, share)
		a.pace.slow(l, time.Now())
		b := client(t, nil, share)
		b.pace.slow(l, time.Now())
		require.InDelta(t, 2, float64(l.Limit()), 1e-9)
		var wg sync.WaitGroup
		for _, c := range []*Client{a, b} {
			for range 4 {
				wg.Go(func() {
					for range 100 {
						c.pace.succeeded(0, l)
					}
				})
			}
		}
		wg.Wait()
		require.InDelta(t, 8, float64(l.Limit()), 1e-9)
		a.pace.slow(rate.NewLimiter(rate.Inf, 1), time.Now().Add(time.Hour)) // nothing to halve
		require.Zero(t, a.pace.debt)
	})
}

// TestRetryBudget: many workers do not multiply the load on a dead host; one that loses some requests keeps its repeats.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := script(answer{status: 502})
		core := client(t, dead)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := core.Do(t.Context(), call(Read))
				assert.Error(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 110, dead.count(), "100 calls and a budget of 10")
	})
	synctest.Test(t, func(t *testing.T) {
		rt := &flaky{}
		core := client(t, rt)
		for range 200 {
			_, err := core.Do(t.Context(), call(Read))
			require.NoError(t, err)
		}
		require.Equal(t, 400, rt.n)
	})
	synctest.Test(t, func(t *testing.T) { // empty, it fills up slowly
		core := client(t, script(good))
		core.pace.tokens = 0
		for range 9 {
			_, _ = core.Do(t.Context(), call(Read))
		}
		require.False(t, core.pace.spend())
		for range 200 {
			_, _ = core.Do(t.Context(), call(Read))
		}
		require.InDelta(t, budget, core.pace.tokens, 1e-9)
	})
}

// flaky fails every other request.
type flaky struct{ n int }

func (f *flaky) RoundTrip(req *http.Request) (*http.Response, error) {
	if f.n++; f.n%2 == 1 {
		return nil, reset
	}
	return good.response(req), nil
}
