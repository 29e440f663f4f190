package retryqueue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
)

var errBoom = errors.New("boom")

// bench is a queue on a memory store inside a synctest bubble.
type bench struct {
	*testing.T
	q     *retryqueue.Queue
	store retryqueue.Store
	begin time.Time
	mu    sync.Mutex
}

// meet orders what one goroutine did before what another does after it, which virtual time alone does not for the race detector.
func (b *bench) meet() {
	b.mu.Lock()
	defer b.mu.Unlock()
}

// bubble runs body in virtual time. Looking for other processes' jobs is off by default: what starts, starts because the queue
// knew when.
func bubble(t *testing.T, c retryqueue.Config, body func(b *bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if c.Store == nil {
			c.Store = retryqueue.NewMemoryStore()
		}
		if c.Poll == 0 {
			c.Poll = 10_000 * time.Hour
		}
		q, err := retryqueue.New(c)
		require.NoError(t, err)
		body(&bench{T: t, q: q, store: c.Store, begin: time.Now()})
	})
}

func register[T any](b *bench, k retryqueue.Kind[T]) *retryqueue.Producer[T] {
	b.Helper()
	work := k.Work
	k.Work = func(ctx context.Context, j retryqueue.Job[T]) error {
		b.meet()
		defer b.meet()
		return work(ctx, j)
	}
	p, err := retryqueue.Register(b.q, k)
	require.NoError(b, err)
	return p
}

// kind registers kind "k" with a string payload.
func (b *bench) kind(work func(context.Context, retryqueue.Job[string]) error) *retryqueue.Producer[string] {
	b.Helper()
	return register(b, retryqueue.Kind[string]{Name: "k", Work: work})
}

// start runs the queue until the returned function is called, which waits for Run's end.
func (b *bench) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.q.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(b, <-ended)
		}
	}
	b.Cleanup(stop)
	return stop
}

func enqueue[T any](b *bench, p *retryqueue.Producer[T], key string, payload T, opts ...retryqueue.Option) retryqueue.Receipt {
	b.Helper()
	r, err := p.Enqueue(context.Background(), key, payload, opts...)
	require.NoError(b, err)
	return r
}

func (b *bench) get(key string) *retryqueue.Record {
	b.Helper()
	found, err := b.q.List(context.Background(), retryqueue.Query{History: true, Limit: 10_000})
	require.NoError(b, err)
	for _, r := range found.Records {
		if r.Key == key {
			return r
		}
	}
	b.Fatalf("no job %q", key)
	return nil
}

// pass lets d go by, and then whatever begins at that moment come to rest.
func (b *bench) pass(d time.Duration) {
	b.meet()
	time.Sleep(d)
	synctest.Wait()
	b.meet()
}

func (b *bench) since() time.Duration { return time.Since(b.begin) }

func TestFirstAttemptStartsAtOnce(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var got []string
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			got = append(got, fmt.Sprint(b.since(), j.Key, j.Payload, j.Attempt, j.Unsure))
			return j.SetResult(map[string]int{"n": 7})
		})
		b.start()
		b.pass(time.Minute) // asleep, with nothing to do
		receipt := enqueue(b, p, "a", "x")
		require.True(b, receipt.Fresh)
		b.pass(0)
		require.Equal(b, []string{fmt.Sprint(time.Minute, "a", "x", 1, false)}, got)
		r := b.get("a")
		require.Equal(b, retryqueue.Succeeded, r.State)
		require.JSONEq(b, `{"n":7}`, string(r.Result))
		require.Equal(b, receipt.ID, r.ID)
	})
}

// The times of the wc-kledo plugin, with its limits: eleven retries after the first attempt, and no waiting for a twelfth that
// would come too late.
func TestProgressiveWithinTheDefaultLimits(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var at []int
		p := b.kind(func(context.Context, retryqueue.Job[string]) error {
			at = append(at, int(b.since().Seconds()))
			return errBoom
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(143_100*time.Second + time.Second)
		require.Equal(b, retryqueue.Retrying, b.get("a").State)
		b.pass(171_900*time.Second - 143_100*time.Second)
		r := b.get("a")
		require.Equal(b, retryqueue.Failed, r.State, "a job whose next attempt would fall after its lifetime fails at once")
		require.Equal(b, 12, r.Attempts)
		require.Equal(b, "boom", r.LastError)
		require.Len(b, r.History, 12)
		b.pass(100 * time.Hour)
		require.Equal(b, []int{0, 300, 900, 2700, 6300, 13500, 27900, 56700, 85500, 114300, 143100, 171900}, at)
	})
}

func TestLimits(t *testing.T) {
	second := retryqueue.Steps(time.Second)
	for name, c := range map[string]struct {
		kind     retryqueue.Kind[string]
		attempts int
		within   time.Duration
	}{
		"attempts default":        {retryqueue.Kind[string]{Schedule: second}, 20, time.Hour},
		"attempts":                {retryqueue.Kind[string]{Schedule: second, MaxAttempts: 3}, 3, time.Hour},
		"one attempt":             {retryqueue.Kind[string]{Schedule: second, MaxAttempts: 1}, 1, time.Hour},
		"age, exact":              {retryqueue.Kind[string]{Schedule: second, MaxAge: 5 * time.Second}, 6, time.Hour},
		"age, a little less":      {retryqueue.Kind[string]{Schedule: second, MaxAge: 5*time.Second - 1}, 5, time.Hour},
		"age default":             {retryqueue.Kind[string]{Schedule: retryqueue.Steps(12 * time.Hour)}, 5, 100 * time.Hour},
		"named schedule":          {retryqueue.Kind[string]{Schedule: retryqueue.WithLimits(second, 4, time.Hour)}, 4, time.Hour},
		"named schedule's age":    {retryqueue.Kind[string]{Schedule: retryqueue.WithLimits(second, 0, 2*time.Second)}, 3, time.Hour},
		"kind beats the schedule": {retryqueue.Kind[string]{Schedule: retryqueue.WithLimits(second, 4, time.Hour), MaxAttempts: 2}, 2, time.Hour},
		"schedule says stop":      {retryqueue.Kind[string]{Schedule: retryqueue.Steps(time.Second, time.Second, -1)}, 3, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, retryqueue.Config{}, func(b *bench) {
				n := 0
				c.kind.Name = "k"
				c.kind.Work = func(context.Context, retryqueue.Job[string]) error { n++; return errBoom }
				p := register(b, c.kind)
				b.start()
				enqueue(b, p, "a", "x")
				b.pass(c.within)
				r := b.get("a")
				require.Equal(b, retryqueue.Failed, r.State)
				require.Equal(b, c.attempts, n)
				require.Equal(b, c.attempts, r.Attempts)
				require.Equal(b, "boom", r.LastError, "it fails with its last attempt, not at a claim after it")
				require.Len(b, r.History, c.attempts)
			})
		})
	}
	t.Run("none", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			n := 0
			p := register(b, retryqueue.Kind[string]{
				Name: "k", MaxAttempts: -1, MaxAge: -1, Schedule: retryqueue.Steps(24 * time.Hour),
				Work: func(context.Context, retryqueue.Job[string]) error { n++; return errBoom },
			})
			b.start()
			enqueue(b, p, "a", "x")
			b.pass(50*24*time.Hour + time.Second)
			require.Equal(b, 51, n)
			require.Equal(b, retryqueue.Retrying, b.get("a").State)
		})
	})
}

// An attempt that was scheduled in time is made, however late the process comes to it.
func TestLateAttemptIsStillMade(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		n := 0
		p := b.kind(func(context.Context, retryqueue.Job[string]) error {
			if n++; n == 1 {
				return errBoom
			}
			return nil
		})
		stop := b.start()
		enqueue(b, p, "a", "x")
		b.pass(0)
		stop()
		b.pass(96 * time.Hour) // the host was down
		b.start()
		b.pass(0)
		require.Equal(b, retryqueue.Succeeded, b.get("a").State)
	})
}

func TestPausedTimeIsNoLifetime(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		n := 0
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { n++; return errBoom })
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(time.Minute)
		require.NoError(b, b.q.Pause(context.Background(), retryqueue.KindPause{Kind: "k", For: 100 * time.Hour}))
		b.pass(100*time.Hour + 4*time.Minute)
		require.Equal(b, 2, n, "due when the pause ended")
		require.Equal(b, retryqueue.Retrying, b.get("a").State)
		b.pass(100 * time.Hour)
		require.Equal(b, 12, n)
	})
}

func TestWhatAnErrorDoes(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("send: %w", err) }
	for name, c := range map[string]struct {
		err      error
		state    retryqueue.State
		attempts int
		wait     time.Duration // until the next attempt
		unsure   bool
		text     string
		paused   time.Duration
	}{
		"plain":              {err: errBoom, state: "retrying", attempts: 1, wait: 5 * time.Minute, text: "boom"},
		"permanent":          {err: retryqueue.Permanent(errBoom), state: "failed", attempts: 1, text: "boom"},
		"permanent, wrapped": {err: wrapped(retryqueue.Permanent(errBoom)), state: "failed", attempts: 1, text: "send: boom"},
		"after, later":       {err: retryqueue.After(time.Hour, errBoom), state: "retrying", attempts: 1, wait: time.Hour, text: "boom"},
		"after, sooner":      {err: retryqueue.After(time.Second, errBoom), state: "retrying", attempts: 1, wait: 5 * time.Minute, text: "boom"},
		"after its lifetime": {err: retryqueue.After(49*time.Hour, errBoom), state: "failed", attempts: 1, text: "boom"},
		"ambiguous":          {err: retryqueue.Ambiguous(errBoom), state: "retrying", attempts: 1, wait: 5 * time.Minute, unsure: true, text: "boom"},
		"ambiguous within permanent": {
			err: retryqueue.Permanent(wrapped(retryqueue.Ambiguous(errBoom))), state: "failed", attempts: 1, unsure: true, text: "send: boom",
		},
		"ambiguous in a join": {
			err:   errors.Join(errBoom, wrapped(errors.Join(errBoom, retryqueue.Ambiguous(errBoom)))),
			state: "retrying", attempts: 1, wait: 5 * time.Minute, unsure: true, text: "boom send: boom boom",
		},
		"a wrapper that denies ambiguity": {
			err: behaviour{error: retryqueue.Ambiguous(errBoom), ambiguous: no}, state: "retrying", attempts: 1, wait: 5 * time.Minute, unsure: true, text: "boom",
		},
		"the outermost decides: not permanent": {
			err: behaviour{error: retryqueue.Permanent(errBoom), permanent: no}, state: "retrying", attempts: 1, wait: 5 * time.Minute, text: "boom",
		},
		"the outermost decides: permanent": {
			err: retryqueue.Permanent(behaviour{error: errBoom, permanent: no}), state: "failed", attempts: 1, text: "boom",
		},
		"the outermost decides: after": {
			err: retryqueue.After(time.Hour, retryqueue.After(2*time.Hour, errBoom)), state: "retrying", attempts: 1, wait: time.Hour, text: "boom",
		},
		"systemic": {
			err: behaviour{error: errBoom, systemic: yes}, state: "queued", paused: 5 * time.Minute, wait: 5 * time.Minute, text: "boom",
		},
		"systemic with a time": {
			err: retryqueue.After(time.Hour, behaviour{error: errBoom, systemic: yes}), state: "queued", paused: time.Hour, wait: time.Hour, text: "boom",
		},
		"permanent before systemic": {
			err: retryqueue.Permanent(behaviour{error: errBoom, systemic: yes}), state: "failed", attempts: 1, text: "boom",
		},
		"systemic and ambiguous": {
			err:   behaviour{error: retryqueue.Ambiguous(errBoom), systemic: yes},
			state: "queued", paused: 5 * time.Minute, wait: 5 * time.Minute, unsure: true, text: "boom",
		},
		"snooze":               {err: retryqueue.Snooze(time.Minute), state: "queued", wait: time.Minute},
		"snooze, wrapped":      {err: wrapped(retryqueue.Snooze(time.Minute)), state: "queued", wait: time.Minute},
		"snooze in permanent":  {err: retryqueue.Permanent(retryqueue.Snooze(time.Minute)), state: "queued", wait: time.Minute},
		"snooze, out of time":  {err: retryqueue.Snooze(49 * time.Hour), state: "failed", attempts: 1, text: "put off beyond its lifetime of 48h0m0s"},
		"stale":                {err: retryqueue.Stale("order gone"), state: "discarded", attempts: 1, text: "order gone"},
		"stale, wrapped":       {err: wrapped(retryqueue.Stale("order gone")), state: "discarded", attempts: 1, text: "send: order gone"},
		"text is made plain":   {err: errors.New("<h1>503</h1>\x00 R&amp;D"), state: "retrying", attempts: 1, wait: 5 * time.Minute, text: "503 R&D"},
		"helper on nil is nil": {err: retryqueue.Permanent(retryqueue.Ambiguous(retryqueue.After(1, nil))), state: "succeeded", attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, retryqueue.Config{}, func(b *bench) {
				var at []time.Duration
				p := b.kind(func(context.Context, retryqueue.Job[string]) error {
					at = append(at, b.since())
					return c.err
				})
				b.start()
				enqueue(b, p, "a", "x")
				b.pass(0)
				r := b.get("a")
				require.Equal(b, c.state, r.State)
				require.Equal(b, c.attempts, r.Attempts)
				require.Equal(b, c.unsure, r.Unsure)
				require.Equal(b, c.text, r.LastError)
				found, err := b.q.List(context.Background(), retryqueue.Query{})
				require.NoError(b, err)
				require.Equal(b, c.paused > 0, len(found.Paused) == 1)
				if c.paused > 0 {
					require.Equal(b, c.paused, found.Paused[0].For)
					require.Equal(b, "boom", found.Paused[0].Reason)
				}
				require.Len(b, at, 1)
				if c.wait > 0 {
					b.pass(c.wait)
					b.pass(0)
					require.Equal(b, []time.Duration{0, c.wait}, at)
				}
			})
		})
	}
}

type answer int

const (
	silent answer = iota
	yes
	no
)

// behaviour is an error whose type has all four methods, as a client's *Error has.
type behaviour struct {
	error
	permanent, ambiguous, systemic answer
}

func (e behaviour) Unwrap() error   { return e.error }
func (e behaviour) Permanent() bool { return e.permanent == yes }
func (e behaviour) Ambiguous() bool { return e.ambiguous == yes }
func (e behaviour) Systemic() bool  { return e.systemic == yes }

func TestMoreStartsAgain(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		n := 0
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			require.Equal(b, 1, j.Attempt)
			require.Zero(b, j.Age)
			if n++; n < 100 {
				time.Sleep(time.Hour / 100)
				return retryqueue.More()
			}
			return nil
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(100 * time.Hour)
		require.Equal(b, 100, n)
		require.Equal(b, retryqueue.Succeeded, b.get("a").State)
	})
}

func TestSystemicPausesTheWholeKindAndNoOther(t *testing.T) {
	bubble(t, retryqueue.Config{Concurrency: 1}, func(b *bench) {
		down := true
		n := map[string]int{}
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			n[j.Key]++
			if down {
				return behaviour{error: errBoom, systemic: yes}
			}
			return nil
		})
		other := register(b, retryqueue.Kind[string]{Name: "l", Work: func(context.Context, retryqueue.Job[string]) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			n["l"]++
			return nil
		}})
		b.start()
		for i := range 10 {
			enqueue(b, p, fmt.Sprint(i), "x")
		}
		enqueue(b, other, "l", "x")
		b.pass(72*time.Hour + time.Minute)
		require.Equal(b, 1, n["l"])
		sum := 0
		for _, times := range n {
			sum += times
		}
		require.Less(b, sum, 900, "one call per pause, not one per job")
		down = false
		b.pass(10 * time.Minute)
		for i := range 10 {
			r := b.get(fmt.Sprint(i))
			require.Equal(b, retryqueue.Succeeded, r.State, "a target that was down for days costs no job its lifetime")
			require.Equal(b, 1, r.Attempts)
		}
	})
}

func TestProbe(t *testing.T) {
	lost := retryqueue.Ambiguous(errors.New("answer lost"))
	for name, c := range map[string]struct {
		probe func(n int, j retryqueue.Job[string]) (bool, error)
		work  func(n int, j retryqueue.Job[string]) error // n: 2 at the second call
		want  string
		state retryqueue.State
	}{
		"done": {
			probe: func(int, retryqueue.Job[string]) (bool, error) { return true, nil },
			want:  "work probe", state: "succeeded",
		},
		"not done": {
			probe: func(int, retryqueue.Job[string]) (bool, error) { return false, nil },
			work: func(_ int, j retryqueue.Job[string]) error {
				if j.Unsure || j.UnsureFor != 0 {
					return retryqueue.Permanent(errors.New("unsure after the probe"))
				}
				return nil
			},
			want: "work probe work", state: "succeeded",
		},
		"not done, then surely failed": { // no doubt is left, so no second probe
			probe: func(int, retryqueue.Job[string]) (bool, error) { return false, nil },
			work: func(n int, _ retryqueue.Job[string]) error {
				if n == 2 {
					return errBoom
				}
				return nil
			},
			want: "work probe work work", state: "succeeded",
		},
		"fails, then done": {
			probe: func(n int, _ retryqueue.Job[string]) (bool, error) {
				if n == 1 {
					return false, errBoom
				}
				return true, nil
			},
			want: "work probe probe", state: "succeeded",
		},
		"permanent": {
			probe: func(int, retryqueue.Job[string]) (bool, error) { return false, retryqueue.Permanent(errBoom) },
			want:  "work probe", state: "failed",
		},
		"stale": {
			probe: func(int, retryqueue.Job[string]) (bool, error) { return false, retryqueue.Stale("gone") },
			want:  "work probe", state: "discarded",
		},
		"waits until the target has settled": {
			probe: func(_ int, j retryqueue.Job[string]) (bool, error) {
				if settle := 15 * time.Minute; j.UnsureFor < settle {
					return false, retryqueue.Snooze(min(4*time.Minute, settle-j.UnsureFor))
				}
				return false, nil
			},
			want: "work probe probe probe probe work", state: "succeeded", // 5, 9, 13 and 15 minutes after the answer was lost
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, retryqueue.Config{}, func(b *bench) {
				var calls []string
				probes, works := 0, 0
				p := register(b, retryqueue.Kind[string]{
					Name: "k",
					Work: func(_ context.Context, j retryqueue.Job[string]) error {
						calls = append(calls, "work")
						if works++; works == 1 {
							return lost
						}
						if c.work == nil {
							return nil
						}
						return c.work(works, j)
					},
					Probe: func(_ context.Context, j retryqueue.Job[string]) (bool, error) {
						calls = append(calls, "probe")
						require.True(b, j.Unsure)
						probes++
						return c.probe(probes, j)
					},
				})
				b.start()
				enqueue(b, p, "a", "x")
				b.pass(24 * time.Hour)
				require.Equal(b, c.want, strings.Join(calls, " "))
				require.Equal(b, c.state, b.get("a").State)
			})
		})
	}
}

func TestUnsureWithoutProbeReachesWork(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var got []string
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			got = append(got, fmt.Sprint(j.Unsure, " ", j.UnsureFor))
			switch len(got) {
			case 1:
				return retryqueue.Ambiguous(errBoom)
			case 2:
				return errBoom // surely without effect: the first attempt's is still unknown
			}
			return nil
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(time.Hour)
		require.Equal(b, []string{"false 0s", "true 5m0s", "true 15m0s"}, got)
		require.False(b, b.get("a").Unsure)
	})
}

func TestRetryByHand(t *testing.T) {
	ctx := context.Background()
	t.Run("a failed job stays failed", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			n := 0
			p := register(b, retryqueue.Kind[string]{Name: "k", MaxAttempts: 2, Work: func(_ context.Context, j retryqueue.Job[string]) error {
				n++
				require.Equal(b, n > 2, j.ByHand)
				return errBoom
			}})
			b.start()
			id := enqueue(b, p, "a", "x").ID
			b.pass(50 * time.Hour)
			require.Equal(b, 2, n)
			for i := range 5 {
				require.NoError(b, b.q.Retry(ctx, id), "limits do not bind a person")
				b.pass(0)
				require.Equal(b, 3+i, n, "starts now")
				r := b.get("a")
				require.Equal(b, retryqueue.Failed, r.State)
				require.Equal(b, 2, r.Attempts)
				require.Equal(b, "boom", r.LastError)
				require.Len(b, r.History, n)
			}
			b.pass(50 * time.Hour)
			require.Equal(b, 7, n)
		})
	})
	t.Run("a failed job with attempts left stays failed", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			n := 0
			p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
				if n++; n == 1 {
					return retryqueue.Permanent(errBoom)
				}
				return errBoom
			})
			b.start()
			id := enqueue(b, p, "a", "x").ID
			b.pass(0)
			require.NoError(b, b.q.Retry(ctx, id))
			b.pass(50 * time.Hour)
			require.Equal(b, retryqueue.Failed, b.get("a").State)
			require.Equal(b, 2, n)
		})
	})
	t.Run("a retrying job keeps its schedule", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			var at []time.Duration
			p := b.kind(func(context.Context, retryqueue.Job[string]) error { at = append(at, b.since()); return errBoom })
			b.start()
			id := enqueue(b, p, "a", "x").ID
			b.pass(time.Minute)
			require.NoError(b, b.q.Retry(ctx, id))
			b.pass(0)
			r := b.get("a")
			require.Equal(b, retryqueue.Retrying, r.State)
			require.Equal(b, 1, r.Attempts)
			b.pass(15 * time.Minute)
			require.Equal(b, []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Minute}, at)
			require.Equal(b, 3, b.get("a").Attempts)
		})
	})
	t.Run("success is success", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			good := false
			p := b.kind(func(context.Context, retryqueue.Job[string]) error {
				if good {
					return nil
				}
				return retryqueue.Permanent(errBoom)
			})
			b.start()
			id := enqueue(b, p, "a", "x").ID
			b.pass(0)
			good = true
			require.NoError(b, b.q.Retry(ctx, id))
			b.pass(0)
			require.Equal(b, retryqueue.Succeeded, b.get("a").State)
			require.ErrorIs(b, b.q.Retry(ctx, id), retryqueue.ErrNotMoved)
			require.ErrorIs(b, b.q.Discard(ctx, id), retryqueue.ErrNotMoved)
			require.NoError(b, b.q.Retry(ctx))
		})
	})
	t.Run("an unsure one is probed first", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			works := 0
			p := register(b, retryqueue.Kind[string]{
				Name: "k", MaxAttempts: 1,
				Work:  func(context.Context, retryqueue.Job[string]) error { works++; return retryqueue.Ambiguous(errBoom) },
				Probe: func(context.Context, retryqueue.Job[string]) (bool, error) { return true, nil },
			})
			b.start()
			id := enqueue(b, p, "a", "x").ID
			b.pass(0)
			require.Equal(b, retryqueue.Failed, b.get("a").State)
			require.NoError(b, b.q.Retry(ctx, id))
			b.pass(0)
			require.Equal(b, retryqueue.Succeeded, b.get("a").State)
			require.Equal(b, 1, works)
		})
	})
}

func TestLatestReplacedWhileRunningRunsAgain(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var got []string
		p := register(b, retryqueue.Kind[string]{Name: "k", Again: retryqueue.Latest, Work: func(_ context.Context, j retryqueue.Job[string]) error {
			time.Sleep(time.Minute)
			got = append(got, j.Payload)
			return nil
		}})
		b.start()
		enqueue(b, p, "a", "1")
		b.pass(30 * time.Second)
		require.Equal(b, retryqueue.Running, enqueue(b, p, "a", "2").State)
		enqueue(b, p, "a", "3")
		b.pass(time.Hour)
		require.Equal(b, []string{"1", "3"}, got)
	})
}

func TestGroupRunsInOrderOverKinds(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var got []string
		work := func(_ context.Context, j retryqueue.Job[string]) error {
			time.Sleep(time.Second)
			if j.Key == "1" && j.Attempt == 1 {
				return errBoom
			}
			got = append(got, j.Key)
			return nil
		}
		k := b.kind(work)
		l := register(b, retryqueue.Kind[string]{Name: "l", Work: work})
		b.start()
		for i := range 6 {
			enqueue(b, []*retryqueue.Producer[string]{k, l}[i%2], fmt.Sprint(i), "x", retryqueue.Group("order 7"))
		}
		b.pass(time.Hour)
		require.Equal(b, []string{"0", "1", "2", "3", "4", "5"}, got)
	})
}

func TestAtIsWaitedForToTheMoment(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var at time.Duration
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { at = b.since(); return nil })
		b.start()
		enqueue(b, p, "a", "x", retryqueue.At(b.begin.Add(100*time.Hour+time.Millisecond)))
		b.pass(101 * time.Hour)
		require.Equal(b, 100*time.Hour+time.Millisecond, at)
		require.Equal(b, retryqueue.Succeeded, b.get("a").State)
	})
}

func TestPayloadThatDoesNotDecodeFailsVisibly(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		b.kind(func(context.Context, retryqueue.Job[string]) error { b.Error("worked"); return nil })
		_, err := b.store.Insert(context.Background(), []retryqueue.NewJob{{Kind: "k", Key: "a", Payload: json.RawMessage(`{"n":1}`)}})
		require.NoError(b, err)
		b.start()
		b.pass(0)
		r := b.get("a")
		require.Equal(b, retryqueue.Failed, r.State)
		require.Contains(b, r.LastError, "payload does not decode")
	})
}

func TestUnknownKindsAreLeftAlone(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		b.kind(func(context.Context, retryqueue.Job[string]) error { return nil })
		_, err := b.store.Insert(context.Background(), []retryqueue.NewJob{{Kind: "other", Key: "a", Payload: json.RawMessage(`1`)}})
		require.NoError(b, err)
		b.start()
		b.pass(time.Hour)
		require.Equal(b, retryqueue.Queued, b.get("a").State)
	})
}

func TestAllWalksWhileJobsMove(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { return retryqueue.Permanent(errBoom) })
		for i := range 1234 {
			enqueue(b, p, fmt.Sprint(i), "x")
		}
		require.NoError(b, b.q.RunDue(context.Background()))
		n := 0
		for r, err := range b.q.All(context.Background(), retryqueue.Query{States: []retryqueue.State{retryqueue.Failed}, Limit: 3, Desc: true}) {
			require.NoError(b, err)
			require.Equal(b, fmt.Sprint(n), r.Key)
			require.NoError(b, b.q.Discard(context.Background(), r.ID)) // leaves the filter while we walk
			n++
		}
		require.Equal(b, 1234, n)
		for range b.q.All(context.Background(), retryqueue.Query{}) {
			break
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for r, err := range b.q.All(ctx, retryqueue.Query{}) {
			require.ErrorIs(b, err, context.Canceled)
			require.Nil(b, r)
		}
	})
}

func TestDescribe(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		b.kind(func(context.Context, retryqueue.Job[string]) error { return nil })
		register(b, retryqueue.Kind[int]{
			Name: "order", Work: func(context.Context, retryqueue.Job[int]) error { return nil },
			Describe: func(n int) (string, string, string) {
				return fmt.Sprint("Order ", n), fmt.Sprint("/orders/", n), "may double"
			},
		})
		describe := func(kind, payload string) []string {
			label, url, warning := b.q.Describe(&retryqueue.Record{Kind: kind, Key: "key", Payload: json.RawMessage(payload)})
			return []string{label, url, warning}
		}
		require.Equal(b, []string{"Order 7", "/orders/7", "may double"}, describe("order", `7`))
		require.Equal(b, []string{"key", "", ""}, describe("order", `"x"`))
		require.Equal(b, []string{"key", "", ""}, describe("k", `"x"`))
		require.Equal(b, []string{"key", "", ""}, describe("unknown", `1`))
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, err := retryqueue.New(retryqueue.Config{})
	require.ErrorContains(t, err, "Config.Store")
	for field, c := range map[string]retryqueue.Config{
		"Config.Concurrency": {Concurrency: -1}, "Config.Lease": {Lease: -1}, "Config.Poll": {Poll: -1}, "Config.SystemicPause": {SystemicPause: -1},
	} {
		c.Store = retryqueue.NewMemoryStore()
		_, err := retryqueue.New(c)
		require.ErrorContains(t, err, field)
	}
	q, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	work := func(context.Context, retryqueue.Job[string]) error { return nil }
	p, err := retryqueue.Register(q, retryqueue.Kind[string]{Name: "k", Work: work})
	require.NoError(t, err)
	for text, k := range map[string]retryqueue.Kind[string]{
		"registered already": {Name: "k", Work: work}, "is empty": {Work: work}, "Kind.Work": {Name: "l"}, "NUL": {Name: "a\x00", Work: work},
		"longer than 100": {Name: strings.Repeat("k", 101), Work: work}, "UTF-8": {Name: "\xff", Work: work},
		"Kind.Again": {Name: "l", Work: work, Again: 7}, "Kind.Concurrency": {Name: "l", Work: work, Concurrency: -1},
	} {
		_, err := retryqueue.Register(q, k)
		require.ErrorIs(t, err, retryqueue.ErrKind)
		require.ErrorContains(t, err, text)
	}
	for text, key := range map[string]string{"NUL": "a\x00b", "UTF-8": "\xff", "longer than 255": strings.Repeat("k", 256)} {
		_, err := p.Enqueue(t.Context(), key, "x")
		require.ErrorContains(t, err, text)
		_, err = p.Enqueue(t.Context(), "a", "x", retryqueue.Group(key))
		require.ErrorContains(t, err, text)
	}
	_, err = p.EnqueueTx(t.Context(), nil, "a", "x")
	require.ErrorContains(t, err, "does not share the host's transactions")
}
