package retryqueue

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Schedule says how long to wait after a failed attempt. Schedules hold no state: the same attempt has the same delay in every
// process ([Jitter] being the exception that its name promises).
type Schedule interface {
	// Delay is the wait after the attempt of that number failed, 1 being the first. Negative: no further attempt is to be made.
	Delay(attempt int) time.Duration
}

// Limited is a schedule that brings its own limits, which hold where the Kind leaves MaxAttempts or MaxAge at zero.
type Limited interface {
	Schedule
	// Limits are the most attempts and the longest lifetime: 0 for the queue's default, negative for no limit.
	Limits() (maxAttempts int, maxAge time.Duration)
}

// Progressive waits 5, 10 and 30 minutes, 1, 2 and 4 hours, and 8 hours from the seventh attempt on. Within the default lifetime
// of 48 h that makes 12 attempts: at once and after 5 min, 15 min, 45 min, 1 h 45 min, 3 h 45 min, 7 h 45 min, then every 8 h.
func Progressive() Schedule {
	return Steps(5*time.Minute, 10*time.Minute, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour, 8*time.Hour)
}

// StandardWebhooks is the schedule of the Standard Webhooks specification 1.0.0 with its limits: ten attempts over three days, after
// 5 s, 5 and 30 minutes, and 2, 5, 10, 14, 20 and 24 hours, 75 h 35 min 5 s in all. Its lifetime of 96 h leaves room for pauses
// that a target asked for.
func StandardWebhooks() Schedule {
	return WithLimits(Steps(5*time.Second, 5*time.Minute, 30*time.Minute, 2*time.Hour, 5*time.Hour, 10*time.Hour, 14*time.Hour,
		20*time.Hour, 24*time.Hour), 10, 96*time.Hour)
}

// Steps waits the first delay after the first attempt and so on; any other attempt number waits the last. Without delays it
// never waits.
func Steps(delays ...time.Duration) Schedule {
	if len(delays) == 0 {
		delays = []time.Duration{0}
	}
	return steps(append([]time.Duration(nil), delays...))
}

type steps []time.Duration

func (s steps) Delay(attempt int) time.Duration {
	if attempt < 1 || attempt > len(s) {
		return s[len(s)-1]
	}
	return s[attempt-1]
}

// FromBackOff makes a schedule of a backoff policy, whose instances are stateful: each Delay steps a fresh one to its attempt.
// Only its delays count, a Stop ends the job; leave MaxElapsedTime at 0, the queue's own lifetime outlives the process.
func FromBackOff(policy func() backoff.BackOff) Schedule { return fromBackOff(policy) }

type fromBackOff func() backoff.BackOff

func (f fromBackOff) Delay(attempt int) time.Duration {
	policy := f()
	policy.Reset()
	delay := policy.NextBackOff()
	for n := 1; n < attempt && delay != backoff.Stop; n++ {
		delay = policy.NextBackOff()
	}
	return delay // backoff.Stop is negative, as is our "no further attempt"
}

// WithLimits gives a schedule limits of its own, see [Limited].
func WithLimits(s Schedule, maxAttempts int, maxAge time.Duration) Limited {
	return limited{s, maxAttempts, maxAge}
}

type limited struct {
	Schedule
	attempts int
	age      time.Duration
}

func (l limited) Limits() (int, time.Duration) { return l.attempts, l.age }

// Table prints a schedule for people: each attempt, how long after the one before and after the first it is made when attempts take no
// time, up to its limits, else the queue's default ones. It stops at 100 attempts. What [Jitter] adds is drawn anew each time.
func Table(s Schedule) string {
	attempts, age := DefaultMaxAttempts, DefaultMaxAge
	if l, ok := s.(Limited); ok {
		n, d := l.Limits()
		attempts, age = orElse(n, attempts), orElse(d, age)
	}
	var b strings.Builder
	b.WriteString("attempt        wait       since the first\n      1           -                   0s\n")
	since := time.Duration(0)
	for n := 1; n < 100 && (attempts < 0 || n < attempts); n++ {
		wait := s.Delay(n)
		if since += wait; wait < 0 || age >= 0 && since > age {
			break
		}
		fmt.Fprintf(&b, "%7d %11s %20s\n", n+1, wait, since)
	}
	return b.String()
}

// Cap cuts the delays of s at most. The limits of s stay.
func Cap(s Schedule, most time.Duration) Schedule {
	return wrap(s, func(d time.Duration) time.Duration { return min(d, most) })
}

// Jitter spreads the delays of s evenly over ± part of each (0.2: between 80 % and 120 %), so that jobs that failed together do
// not come back together. The limits of s stay.
func Jitter(s Schedule, part float64) Schedule {
	part = min(max(part, 0), 1)
	return wrap(s, func(d time.Duration) time.Duration {
		if d <= 0 {
			return d
		}
		return time.Duration(float64(d) * (1 + part*(2*rand.Float64()-1))) //nolint:gosec // nothing secret in a delay
	})
}

func wrap(s Schedule, change func(time.Duration) time.Duration) Schedule {
	w := changed{s, change}
	if l, ok := s.(Limited); ok {
		attempts, age := l.Limits()
		return limited{w, attempts, age}
	}
	return w
}

type changed struct {
	of     Schedule
	change func(time.Duration) time.Duration
}

func (c changed) Delay(attempt int) time.Duration {
	d := c.of.Delay(attempt)
	if d < 0 {
		return d
	}
	return c.change(d)
}
