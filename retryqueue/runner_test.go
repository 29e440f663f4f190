package retryqueue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

// counted counts a store's calls and can make them fail.
type counted struct {
	retryqueuetest.Faulty
	mu    sync.Mutex
	calls map[string]int
	fault map[string]retryqueuetest.Fault
}

func newCounted() *counted {
	c := &counted{calls: map[string]int{}, fault: map[string]retryqueuetest.Fault{}}
	c.Faulty = retryqueuetest.Faulty{Store: retryqueue.NewMemoryStore(), Fault: func(method string) retryqueuetest.Fault {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.calls[method]++
		return c.fault[method]
	}}
	return c
}

func (c *counted) set(f retryqueuetest.Fault, methods ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range methods {
		c.fault[m] = f
	}
}

func (c *counted) count(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[method]
}

func TestIdleCost(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store, Poll: 5 * time.Second}, func(b *bench) {
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { return nil })
		b.start()
		enqueue(b, p, "a", "x", retryqueue.At(time.Now().Add(24*time.Hour)))
		b.pass(time.Hour)
		require.LessOrEqual(b, store.count("Claim"), 725, "one look every five seconds")
		require.Zero(b, store.count("Extend")+store.count("Settle"))
	})
}

func TestOutcomesAreWrittenTogether(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store, Concurrency: 50}, func(b *bench) {
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { time.Sleep(time.Second); return nil })
		for i := range 50 {
			enqueue(b, p, fmt.Sprint(i), "x")
		}
		b.start()
		b.pass(2 * time.Second)
		require.Equal(b, retryqueue.Succeeded, b.get("49").State)
		require.LessOrEqual(b, store.count("Settle"), 5)
	})
}

func TestOutcomeWaitsFiveMillisecondsAtMost(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			if j.Key == "slow" {
				time.Sleep(10 * time.Second)
			}
			return nil
		})
		b.start()
		enqueue(b, p, "slow", "x")
		enqueue(b, p, "fast", "x")
		b.pass(6 * time.Millisecond)
		require.Equal(b, retryqueue.Succeeded, b.get("fast").State)
	})
}

func TestADeadTargetStarvesNobody(t *testing.T) {
	bubble(t, retryqueue.Config{Concurrency: 3}, func(b *bench) {
		var now, most atomic.Int32
		dead := register(b, retryqueue.Kind[string]{Name: "dead", Work: func(ctx context.Context, _ retryqueue.Job[string]) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-ctx.Done()
			return ctx.Err()
		}})
		done := 0
		live := register(b, retryqueue.Kind[string]{Name: "live", Concurrency: 1, Work: func(context.Context, retryqueue.Job[string]) error { done++; return nil }})
		b.start()
		for i := range 50 {
			enqueue(b, dead, fmt.Sprint(i), "x")
		}
		b.pass(0)
		for i := range 50 {
			enqueue(b, live, fmt.Sprint(i), "x")
		}
		b.pass(time.Second)
		require.Equal(b, 50, done)
		require.EqualValues(b, 3, most.Load(), "workers of one kind")
	})
}

func TestHeartbeatKeepsTheLease(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		works := 0
		p := b.kind(func(ctx context.Context, _ retryqueue.Job[string]) error {
			works++
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Minute): // ten leases
				return nil
			}
		})
		b.start()
		// Another process that looks for jobs, too.
		other, err := retryqueue.New(retryqueue.Config{Store: b.store})
		require.NoError(b, err)
		_, err = retryqueue.Register(other, retryqueue.Kind[string]{Name: "k", Work: func(context.Context, retryqueue.Job[string]) error {
			b.Error("the job was taken from its holder")
			return nil
		}})
		require.NoError(b, err)
		enqueue(b, p, "a", "x")
		b.pass(0)
		for range 10 {
			b.pass(29 * time.Second)
			require.NoError(b, other.RunDue(context.Background()))
		}
		b.pass(time.Minute)
		require.Equal(b, 1, works)
		require.Equal(b, retryqueue.Succeeded, b.get("a").State)
	})
}

func TestALostLeaseCancelsTheJob(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
		var causes []string
		p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
			if j.Attempt > 1 {
				require.True(b, j.Unsure)
				return nil
			}
			<-ctx.Done()
			causes = append(causes, fmt.Sprint(b.since(), errors.Is(context.Cause(ctx), retryqueue.ErrLostLease)))
			return ctx.Err()
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(0)
		store.set(retryqueuetest.Before, "Extend", "Claim") // the store is away: when the lease ends, another may take the job
		b.pass(time.Minute)
		require.Equal(b, []string{"30s true"}, causes)
		store.set(retryqueuetest.None, "Extend", "Claim")
		b.pass(10 * time.Minute)
		require.Equal(b, retryqueue.Succeeded, b.get("a").State)
	})
}

func TestALeaseThatWasExtendedIsLostLater(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
		var lost []time.Duration
		p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
			<-ctx.Done()
			b.mu.Lock()
			defer b.mu.Unlock()
			lost = append(lost, b.since())
			return ctx.Err()
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(5 * time.Second)
		enqueue(b, p, "b", "x")
		b.pass(20 * time.Second) // both extended at 20 s
		store.set(retryqueuetest.Before, "Extend", "Claim")
		b.pass(time.Minute)
		require.Equal(b, []time.Duration{50 * time.Second, 50 * time.Second}, lost)
	})
}

func TestAClaimedAwayJobIsCancelledAndItsOutcomeRefused(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store, Lease: 30 * time.Second}, func(b *bench) {
		var cause error
		p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
			if j.Attempt > 1 {
				return nil
			}
			<-ctx.Done()
			cause = context.Cause(ctx)
			return retryqueue.Permanent(errBoom) // a stale holder's word
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(0)
		// The process freezes beyond its lease and another takes the job.
		store.set(retryqueuetest.Before, "Extend", "Claim", "Settle")
		b.pass(31 * time.Second)
		claimed, err := store.Store.Claim(context.Background(), retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: time.Hour})
		require.NoError(b, err)
		require.Len(b, claimed.Records, 1)
		store.set(retryqueuetest.None, "Extend", "Claim", "Settle")
		b.pass(time.Minute)
		require.ErrorIs(b, cause, retryqueue.ErrLostLease)
		r := b.get("a")
		require.Equal(b, retryqueue.Running, r.State, "the new holder's")
		require.Equal(b, retryqueue.LeaseEnded, r.LastError)
	})
}

func TestAStoreThatFailsLosesNoOutcome(t *testing.T) {
	for _, fault := range []retryqueuetest.Fault{retryqueuetest.Before, retryqueuetest.After} {
		t.Run(fmt.Sprint(fault), func(t *testing.T) {
			store := newCounted()
			bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
				works := 0
				p := b.kind(func(context.Context, retryqueue.Job[string]) error { works++; return nil })
				store.set(fault, "Settle")
				b.start()
				enqueue(b, p, "a", "x")
				b.pass(3 * time.Minute) // six leases, which go on being extended
				store.set(retryqueuetest.None, "Settle")
				b.pass(6 * time.Second)
				r := b.get("a")
				require.Equal(b, retryqueue.Succeeded, r.State)
				require.Equal(b, 1, works)
				require.Equal(b, 1, r.Attempts)
				require.Len(b, r.History, 1)
			})
		})
	}
}

func TestOneBadOutcomeHoldsUpNoOther(t *testing.T) {
	store := &pickyStore{Store: retryqueue.NewMemoryStore()}
	bubble(t, retryqueue.Config{Store: store, Concurrency: 20}, func(b *bench) {
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			time.Sleep(time.Second)
			return j.SetResult(j.Key)
		})
		for i := range 20 {
			enqueue(b, p, fmt.Sprint(i), "x")
		}
		b.start()
		b.pass(5 * time.Second)
		for i := range 20 {
			if i != 7 {
				require.Equal(b, retryqueue.Succeeded, b.get(fmt.Sprint(i)).State)
			}
		}
		require.Equal(b, retryqueue.Running, b.get("7").State)
		store.kind.Store(true)
		b.pass(10 * time.Second)
		require.Equal(b, retryqueue.Succeeded, b.get("7").State)
	})
}

// pickyStore refuses every batch that holds the result "7".
type pickyStore struct {
	retryqueue.Store
	kind atomic.Bool
}

func (s *pickyStore) Settle(ctx context.Context, outcomes []retryqueue.Outcome) ([]error, error) {
	for _, o := range outcomes {
		if string(o.Result) == `"7"` && !s.kind.Load() {
			return nil, errBoom
		}
	}
	return s.Store.Settle(ctx, outcomes)
}

func TestClaimErrorsAreSurvived(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
		works := 0
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { works++; return nil })
		store.set(retryqueuetest.Before, "Claim")
		require.ErrorIs(b, b.q.RunDue(context.Background()), retryqueuetest.ErrFault)
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(time.Minute)
		require.Less(b, store.count("Claim"), 25, "with growing pauses")
		store.set(retryqueuetest.None, "Claim")
		b.pass(5 * time.Second)
		require.Equal(b, 1, works)
	})
}

func TestDrain(t *testing.T) {
	t.Run("jobs in hand go on and nothing more is claimed", func(t *testing.T) {
		bubble(t, retryqueue.Config{Concurrency: 1}, func(b *bench) {
			works := 0
			p := b.kind(func(ctx context.Context, _ retryqueue.Job[string]) error {
				works++
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(20 * time.Second):
					return nil
				}
			})
			stop := b.start()
			enqueue(b, p, "a", "x")
			enqueue(b, p, "b", "x")
			b.pass(time.Second)
			before := time.Now()
			stop()
			require.Equal(b, 19*time.Second, time.Since(before), "Run ends with its last job")
			require.Equal(b, retryqueue.Succeeded, b.get("a").State)
			require.Equal(b, retryqueue.Queued, b.get("b").State)
			require.Equal(b, 1, works)
		})
	})
	t.Run("what is cut off is handed back uncounted and unsure", func(t *testing.T) {
		bubble(t, retryqueue.Config{Drain: 10 * time.Second}, func(b *bench) {
			p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
				<-ctx.Done()
				if j.Payload == "permanent" { // whatever it says: it was cut off
					return retryqueue.Permanent(ctx.Err())
				}
				return ctx.Err()
			})
			stop := b.start()
			enqueue(b, p, "a", "x")
			enqueue(b, p, "b", "permanent")
			b.pass(0)
			before := time.Now()
			stop()
			require.Equal(b, 10*time.Second, time.Since(before))
			for _, key := range []string{"a", "b"} {
				r := b.get(key)
				require.Equal(b, retryqueue.Queued, r.State)
				require.Zero(b, r.Attempts)
				require.True(b, r.Unsure)
				require.Empty(b, r.LastError)
				require.False(b, r.NextAttemptAt.After(time.Now()), "claimable at once")
			}
		})
	})
	t.Run("a retrying one stays retrying", func(t *testing.T) {
		bubble(t, retryqueue.Config{Drain: -1}, func(b *bench) {
			p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
				if j.Attempt == 1 {
					return errBoom
				}
				<-ctx.Done()
				return ctx.Err()
			})
			stop := b.start()
			enqueue(b, p, "a", "x")
			b.pass(6 * time.Minute)
			before := time.Now()
			stop()
			require.Zero(b, time.Since(before), "no drain asked for")
			r := b.get("a")
			require.Equal(b, retryqueue.Retrying, r.State)
			require.Equal(b, 1, r.Attempts)
		})
	})
	t.Run("success at the last moment is success", func(t *testing.T) {
		bubble(t, retryqueue.Config{Drain: time.Second}, func(b *bench) {
			p := b.kind(func(ctx context.Context, _ retryqueue.Job[string]) error { <-ctx.Done(); return nil })
			stop := b.start()
			enqueue(b, p, "a", "x")
			b.pass(0)
			stop()
			require.Equal(b, retryqueue.Succeeded, b.get("a").State)
		})
	})
	t.Run("a Work that heeds nothing does not hold up the end", func(t *testing.T) {
		bubble(t, retryqueue.Config{Drain: 10 * time.Second}, func(b *bench) {
			p := b.kind(func(context.Context, retryqueue.Job[string]) error { time.Sleep(time.Hour); return nil })
			stop := b.start()
			enqueue(b, p, "a", "x")
			b.pass(0)
			before := time.Now()
			stop()
			require.Equal(b, 11*time.Second, time.Since(before))
			r := b.get("a")
			require.Equal(b, retryqueue.Queued, r.State)
			require.Zero(b, r.Attempts)
			require.True(b, r.Unsure)
			require.Equal(b, time.Now().Add(30*time.Second).UTC(), r.NextAttemptAt, "it may be at work still")
			b.pass(2 * time.Hour)
		})
	})
	t.Run("a claim in flight is handed back", func(t *testing.T) {
		store := &slowClaim{Store: retryqueue.NewMemoryStore()}
		bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
			p := b.kind(func(context.Context, retryqueue.Job[string]) error { b.Error("began after the end"); return nil })
			enqueue(b, p, "a", "x")
			stop := b.start()
			b.pass(time.Second)
			stop()
			r := b.get("a")
			require.Equal(b, retryqueue.Queued, r.State)
			require.Zero(b, r.Attempts)
			require.False(b, r.Unsure)
		})
	})
	t.Run("a store that is away does not hold up the end", func(t *testing.T) {
		store := newCounted()
		bubble(t, retryqueue.Config{Store: store, Drain: time.Second}, func(b *bench) {
			p := b.kind(func(context.Context, retryqueue.Job[string]) error { return nil })
			store.set(retryqueuetest.Before, "Settle")
			stop := b.start()
			enqueue(b, p, "a", "x")
			b.pass(0)
			before := time.Now()
			stop()
			require.LessOrEqual(b, time.Since(before), 10*time.Second)
		})
	})
	t.Run("ended before it began", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			require.NoError(b, b.q.Run(ctx))
			require.NoError(b, b.q.RunDue(ctx))
		})
	})
}

// slowClaim needs five seconds for a claim.
type slowClaim struct{ retryqueue.Store }

func (s *slowClaim) Claim(ctx context.Context, c retryqueue.Claim) (retryqueue.Claimed, error) {
	time.Sleep(5 * time.Second)
	return s.Store.Claim(ctx, c)
}

func TestRunOnlyOnce(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		stop := b.start()
		b.pass(0)
		require.ErrorIs(b, b.q.Run(context.Background()), retryqueue.ErrRunning)
		stop()
		b.start()
	})
}

func TestRunDue(t *testing.T) {
	bubble(t, retryqueue.Config{Concurrency: 2}, func(b *bench) {
		n := 0
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			n++
			if j.Key == "more" && n < 20 {
				return retryqueue.More()
			}
			if j.Key == "fails" {
				return errBoom
			}
			return nil
		})
		require.NoError(b, b.q.RunDue(context.Background()))
		enqueue(b, p, "later", "x", retryqueue.At(time.Now().Add(time.Hour)))
		enqueue(b, p, "fails", "x")
		for i := range 9 {
			enqueue(b, p, fmt.Sprint(i), "x")
			enqueue(b, p, fmt.Sprint("g", i), "x", retryqueue.Group("g"))
		}
		enqueue(b, p, "more", "x")
		before := time.Now()
		require.NoError(b, b.q.RunDue(context.Background()))
		require.Less(b, time.Since(before), time.Second)
		found, err := b.q.List(context.Background(), retryqueue.Query{Count: true})
		require.NoError(b, err)
		require.Equal(b, map[retryqueue.State]int{"queued": 1, "retrying": 1, "succeeded": 19}, found.ByState)
	})
}

// A job that kills its process is counted when it is claimed, and fails without running once its attempts are used up.
func TestPoisonEndsFailed(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := register(b, retryqueue.Kind[string]{
			Name: "k", MaxAttempts: 5,
			Work: func(context.Context, retryqueue.Job[string]) error { b.Error("ran once more"); return nil },
		})
		enqueue(b, p, "a", "x")
		for n := range 5 { // five processes claim it and die
			claimed, err := b.store.Claim(context.Background(), retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: 30 * time.Second})
			require.NoError(b, err)
			require.Equal(b, n+1, claimed.Records[0].Attempts)
			b.pass(30 * time.Second)
		}
		require.NoError(b, b.q.RunDue(context.Background()))
		r := b.get("a")
		require.Equal(b, retryqueue.Failed, r.State)
		require.Equal(b, 5, r.Attempts)
		require.True(b, r.Unsure)
		require.Equal(b, "gave up after 5 attempts: "+retryqueue.LeaseEnded, r.LastError)
	})
}

func TestPoisonWithoutCountEndsWithItsLifetime(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := register(b, retryqueue.Kind[string]{
			Name: "k", MaxAttempts: -1, MaxAge: time.Minute,
			Work: func(context.Context, retryqueue.Job[string]) error { b.Error("ran once more"); return nil },
		})
		enqueue(b, p, "a", "x")
		for range 3 {
			_, err := b.store.Claim(context.Background(), retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: 30 * time.Second})
			require.NoError(b, err)
			b.pass(31 * time.Second)
		}
		require.NoError(b, b.q.RunDue(context.Background()))
		require.Equal(b, retryqueue.Failed, b.get("a").State)
	})
}

func TestPanicsAndGoexit(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			switch j.Key {
			case "panic":
				panic("<b>nil</b> map")
			case "goexit":
				runtime.Goexit()
			case "long":
				panic(strings.Repeat("x", 10_000))
			}
			return nil
		})
		b.start()
		for key, text := range map[string]string{
			"panic": "panic: nil map", "goexit": "the attempt ended its goroutine", "long": "panic: " + strings.Repeat("x", 493),
		} {
			enqueue(b, p, key, "x")
			b.pass(0)
			r := b.get(key)
			require.Equal(b, retryqueue.Retrying, r.State)
			require.True(b, r.Unsure, "nobody knows how far it came")
			require.Equal(b, text, r.LastError)
		}
		enqueue(b, p, "good", "x")
		b.pass(0)
		require.Equal(b, retryqueue.Succeeded, b.get("good").State)
	})
}

func TestPanicInProbe(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		works, probes := 0, 0
		p := register(b, retryqueue.Kind[string]{
			Name:  "k",
			Work:  func(context.Context, retryqueue.Job[string]) error { works++; return retryqueue.Ambiguous(errBoom) },
			Probe: func(context.Context, retryqueue.Job[string]) (bool, error) { probes++; panic("probe") },
		})
		b.start()
		enqueue(b, p, "a", "x")
		b.pass(72 * time.Hour)
		r := b.get("a")
		require.Equal(b, retryqueue.Failed, r.State)
		require.Equal(b, "1 11", fmt.Sprint(works, probes))
		require.True(b, r.Unsure)
	})
}

func TestTimeout(t *testing.T) {
	t.Run("ends the context", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			p := b.kind(func(ctx context.Context, _ retryqueue.Job[string]) error { <-ctx.Done(); return errBoom })
			b.start()
			enqueue(b, p, "a", "x")
			b.pass(11 * time.Minute)
			r := b.get("a")
			require.Equal(b, retryqueue.Retrying, r.State)
			require.Equal(b, 1, r.Attempts)
			require.True(b, r.Unsure, "it was cut off in the middle")
			require.Equal(b, 10*time.Minute, r.History[0].End.Sub(r.History[0].Start))
		})
	})
	t.Run("a hung one is not taken for a live one", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			var works atomic.Int32
			p := register(b, retryqueue.Kind[string]{Name: "k", Timeout: time.Minute, Work: func(context.Context, retryqueue.Job[string]) error {
				if works.Add(1) == 1 {
					time.Sleep(3 * time.Hour)
				}
				return nil
			}})
			b.start()
			enqueue(b, p, "a", "x")
			b.pass(2 * time.Minute)
			r := b.get("a")
			require.Equal(b, retryqueue.Succeeded, r.State)
			require.Equal(b, 2, r.Attempts)
			b.pass(4 * time.Hour) // its late word is refused
			require.Len(b, b.get("a").History, 2)
		})
	})
}

func TestEverythingStopsWithRun(t *testing.T) {
	// A goroutine left behind would make synctest fail: all in a bubble must end.
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { return errBoom })
		for range 3 {
			stop := b.start()
			enqueue(b, p, "", "x")
			b.pass(time.Hour)
			stop()
		}
	})
}

func TestJobsOfOtherProcessesAreFound(t *testing.T) {
	bubble(t, retryqueue.Config{Poll: 5 * time.Second}, func(b *bench) {
		var at time.Duration
		b.kind(func(context.Context, retryqueue.Job[string]) error { at = b.since(); return nil })
		b.start()
		b.pass(time.Minute + time.Second)
		_, err := b.store.Insert(context.Background(), []retryqueue.NewJob{{Kind: "k", Key: "a", Payload: []byte(`"x"`)}})
		require.NoError(b, err)
		b.pass(time.Minute)
		require.Equal(b, 65*time.Second, at)
	})
}

// txStore lets the queue believe that the memory store shares the host's transactions.
type txStore struct{ *counted }

func (s txStore) InsertTx(ctx context.Context, _ *sql.Tx, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	return s.Store.Insert(ctx, jobs)
}

func (s txStore) SettleTx(ctx context.Context, _ *sql.Tx, outcomes []retryqueue.Outcome) ([]error, error) {
	return s.Store.Settle(ctx, outcomes)
}

func TestInTheHostsTransaction(t *testing.T) {
	store := txStore{newCounted()}
	bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
		p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
			require.NoError(b, j.SetResult("in tx"))
			require.NoError(b, j.CompleteTx(ctx, nil))
			time.Sleep(25 * time.Second) // two heartbeats: the transaction holds the row, nobody must wait for it
			if j.Payload == "lost" {
				return nil
			}
			return errBoom // too late: it is committed
		})
		b.start()
		b.pass(0)
		claims := store.count("Claim")
		for _, payload := range []string{"fine", "lost"} {
			_, err := p.EnqueueTx(context.Background(), nil, payload, payload)
			require.NoError(b, err)
		}
		b.pass(0)
		require.Equal(b, claims, store.count("Claim"), "the host says when it has committed")
		b.q.Wake()
		b.pass(time.Minute)
		for _, key := range []string{"fine", "lost"} {
			r := b.get(key)
			require.Equal(b, retryqueue.Succeeded, r.State)
			require.Equal(b, `"in tx"`, string(r.Result))
			require.Len(b, r.History, 1)
		}
		require.Zero(b, store.count("Extend"))
	})
}

func TestResultsAreBounded(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			require.ErrorContains(b, j.SetResult(strings.Repeat("x", retryqueue.MaxResult)), "longer than 65536 bytes")
			require.Error(b, j.SetResult(func() {}))
			return j.SetResult(1)
		})
		enqueue(b, p, "a", "x")
		require.NoError(b, b.q.RunDue(context.Background()))
		require.Equal(b, `1`, string(b.get("a").Result))
	})
}

// A thousand jobs on a store that fails now and then, before or after the effect, with runners killed in the middle: each job
// ends done or visibly failed, no document is made twice, and no goroutine is left.
func TestEveryJobEndsWhateverFails(t *testing.T) {
	const jobs = 1000
	var fault atomic.Bool
	rng := rand.New(rand.NewPCG(1, uint64(jobs)))
	var mu sync.Mutex
	chance := func(percent int) bool {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(100) < percent
	}
	store := retryqueuetest.Faulty{Store: retryqueue.NewMemoryStore(), Fault: func(method string) retryqueuetest.Fault {
		switch {
		case !fault.Load() || method == "Find" || !chance(20):
			return retryqueuetest.None
		case chance(50):
			return retryqueuetest.Before
		}
		return retryqueuetest.After
	}}
	bubble(t, retryqueue.Config{Store: store, Concurrency: 20, Drain: time.Second, Poll: 5 * time.Second}, func(b *bench) {
		var booked sync.Map // the target: documents by key
		var doubles, killed atomic.Int32
		p := register(b, retryqueue.Kind[int]{
			Name: "k",
			Work: func(ctx context.Context, j retryqueue.Job[int]) error {
				select {
				case <-time.After(time.Duration(j.Payload%7) * time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
				switch {
				case j.Payload%50 == 0:
					return retryqueue.Permanent(errBoom)
				case chance(20):
					return errBoom
				}
				if _, there := booked.LoadOrStore(j.Key, true); there {
					doubles.Add(1)
				}
				switch {
				case chance(5):
					panic("after the effect")
				case chance(10):
					return retryqueue.Ambiguous(errBoom)
				case chance(2):
					killed.Add(1)
					<-ctx.Done() // hangs until it is cut off
					return ctx.Err()
				}
				return nil
			},
			Probe: func(_ context.Context, j retryqueue.Job[int]) (bool, error) {
				if chance(10) {
					return false, errBoom
				}
				_, there := booked.Load(j.Key)
				return there, nil
			},
			Timeout: time.Minute,
		})
		for i := range jobs {
			enqueue(b, p, fmt.Sprint(i), i)
		}
		fault.Store(true)
		for range 30 {
			stop := b.start()
			b.pass(time.Minute)
			stop()
		}
		b.start()
		b.pass(100 * time.Hour)
		fault.Store(false)
		found, err := b.q.List(context.Background(), retryqueue.Query{Count: true})
		require.NoError(b, err)
		require.Equal(b, jobs, found.ByState[retryqueue.Succeeded]+found.ByState[retryqueue.Failed], "%v", found.ByState)
		require.Zero(b, doubles.Load(), "documents made twice")
		require.NotZero(b, killed.Load())
		for r, err := range b.q.All(context.Background(), retryqueue.Query{States: []retryqueue.State{retryqueue.Failed}}) {
			require.NoError(b, err)
			require.NotEmpty(b, r.LastError, "visibly failed")
		}
		for r, err := range b.q.All(context.Background(), retryqueue.Query{States: []retryqueue.State{retryqueue.Succeeded}}) {
			require.NoError(b, err)
			_, there := booked.Load(r.Key)
			require.True(b, there, "said to be done, and is not")
		}
		require.Less(b, found.ByState[retryqueue.Failed], jobs/10)
	})
}
