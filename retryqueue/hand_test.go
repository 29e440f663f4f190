package retryqueue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
)

// quick enqueues and works off so many jobs that take no time, after which the queue knows the kind to be quick.
func quick(b *bench, p *retryqueue.Producer[string], n int) {
	b.Helper()
	for i := range n {
		enqueue(b, p, fmt.Sprint("quick ", i), "quick")
	}
	b.pass(time.Second)
	require.Equal(b, n, b.states()[retryqueue.Succeeded])
}

func (b *bench) states() map[retryqueue.State]int {
	b.Helper()
	found, err := b.q.List(context.Background(), retryqueue.Query{Count: true, Limit: 1})
	require.NoError(b, err)
	return found.ByState
}

// insert lets jobs appear together, as another process's would.
func (b *bench) insert(n int, payload string) {
	b.Helper()
	raw, err := json.Marshal(payload)
	require.NoError(b, err)
	jobs := make([]retryqueue.NewJob, n)
	for i := range jobs {
		jobs[i] = retryqueue.NewJob{Kind: "k", Key: fmt.Sprint(payload, " ", i), Payload: raw}
	}
	_, err = b.store.Insert(context.Background(), jobs)
	require.NoError(b, err)
	b.q.Wake()
}

func TestQuickJobsAreClaimedAhead(t *testing.T) {
	store := newCounted()
	bubble(t, retryqueue.Config{Store: store}, func(b *bench) {
		var now, most atomic.Int32
		p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			if j.Payload == "slow" {
				time.Sleep(time.Second)
			}
			return nil
		})
		b.start()
		quick(b, p, 200)
		claims, settles := store.count("Claim"), store.count("Settle")
		b.insert(5000, "x")
		b.pass(time.Second)
		require.Equal(b, 5200, b.states()[retryqueue.Succeeded])
		require.LessOrEqual(b, store.count("Claim")-claims, 100)
		require.LessOrEqual(b, store.count("Settle")-settles, 100)
		b.insert(100, "slow")
		b.pass(time.Minute)
		require.EqualValues(b, 4, most.Load(), "what was claimed ahead waits for a worker")
	})
}

func TestNothingIsClaimedAheadOfSlowJobs(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		b.kind(func(context.Context, retryqueue.Job[string]) error { time.Sleep(time.Second); return nil })
		b.insert(500, "x")
		b.start()
		for range 100 {
			b.pass(time.Second)
			require.LessOrEqual(b, b.states()[retryqueue.Running], 4)
		}
	})
}

func TestWhatWasClaimedAheadIsHandedBack(t *testing.T) {
	hang := func(ctx context.Context, j retryqueue.Job[string]) error {
		if j.Payload == "hangs" {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	untouched := func(b *bench, key string) {
		r := b.get(key)
		require.Equal(b, retryqueue.Queued, r.State)
		require.Zero(b, r.Attempts)
		require.False(b, r.Unsure)
		require.Empty(b, r.History)
	}
	t.Run("when the workers hang", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			p := b.kind(hang)
			b.start()
			quick(b, p, 200)
			b.insert(100, "hangs")
			b.pass(0)
			require.Equal(b, 100, b.states()[retryqueue.Running])
			b.pass(21 * time.Second) // two heartbeats
			require.Equal(b, 4, b.states()[retryqueue.Running], "another process can have the others")
			untouched(b, "hangs 50")
		})
	})
	t.Run("at the end, at once", func(t *testing.T) {
		bubble(t, retryqueue.Config{}, func(b *bench) {
			p := b.kind(hang)
			stop := b.start()
			quick(b, p, 200)
			b.insert(100, "hangs")
			b.pass(0)
			go stop()
			b.pass(10 * time.Millisecond)
			require.Equal(b, 4, b.states()[retryqueue.Running], "the drain is for those that were begun")
			untouched(b, "hangs 50")
			b.pass(time.Minute)
		})
	})
	t.Run("when the kind is paused", func(t *testing.T) {
		bubble(t, retryqueue.Config{Concurrency: 1}, func(b *bench) {
			var outage, after int
			p := b.kind(func(_ context.Context, j retryqueue.Job[string]) error {
				if j.Payload == "outage" {
					if outage++; outage == 1 {
						return systemicError{}
					}
					after++
				}
				return nil
			})
			b.start()
			for i := range 400 {
				enqueue(b, p, fmt.Sprint("quick ", i), "quick")
			}
			b.pass(time.Second)
			b.insert(100, "outage")
			b.pass(time.Minute)
			require.Equal(b, 1, outage, "what was claimed ahead does not run into the outage")
			untouched(b, "outage 50")
			b.pass(5 * time.Minute)
			require.Equal(b, 100, after)
		})
	})
}

type systemicError struct{}

func (systemicError) Error() string  { return "bad key" }
func (systemicError) Systemic() bool { return true }

// A job that kills its process takes the attempts of those with it that were claimed beside it. So when jobs come whose process
// died, only those in work stay claimed.
func TestFewShareTheFateOfAPoisonJob(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		p := b.kind(func(ctx context.Context, j retryqueue.Job[string]) error {
			if j.Payload == "poison" {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		b.insert(100, "poison")
		claimed, err := b.store.Claim(context.Background(), retryqueue.Claim{Kinds: map[string]int{"k": 100}, Lease: time.Minute})
		require.NoError(b, err)
		require.Len(b, claimed.Records, 100)
		b.start()
		quick(b, p, 200)
		b.pass(time.Minute)
		require.Equal(b, 4, b.states()[retryqueue.Running])
		require.Equal(b, 1, b.get("poison 50").Attempts)
	})
}

func TestTheContextOfAnAttempt(t *testing.T) {
	type key struct{}
	late := errors.New("late")
	bubble(t, retryqueue.Config{Drain: -1}, func(b *bench) {
		var seen []string
		note := func(what string, ctx context.Context) {
			seen = append(seen, fmt.Sprint(what, ": ", ctx.Err(), ", ", context.Cause(ctx)))
		}
		p := register(b, retryqueue.Kind[string]{
			Name: "k", Timeout: time.Minute, Concurrency: 1,
			Work: func(ctx context.Context, j retryqueue.Job[string]) error {
				require.NoError(b, ctx.Err())
				require.Nil(b, ctx.Value(key{}))
				until, ok := ctx.Deadline()
				require.True(b, ok)
				require.Equal(b, time.Minute, time.Until(until))
				child, cancel := context.WithTimeoutCause(context.WithValue(ctx, key{}, 1), 5*time.Minute, late)
				defer cancel()
				require.Equal(b, 1, child.Value(key{}))
				require.NoError(b, child.Err())
				<-child.Done()
				note(j.Payload, ctx)
				note(j.Payload+"'s child", child)
				return ctx.Err()
			},
		})
		stop := b.start()
		enqueue(b, p, "a", "out of time")
		b.pass(time.Minute)
		enqueue(b, p, "b", "shut down")
		b.pass(time.Second)
		stop()
		require.Equal(b, []string{
			"out of time: context deadline exceeded, context deadline exceeded",
			"out of time's child: context deadline exceeded, context deadline exceeded",
			"shut down: context canceled, retryqueue: shut down",
			"shut down's child: context canceled, retryqueue: shut down",
		}, seen)
	})
	t.Run("ends with the attempt", func(t *testing.T) {
		for _, look := range []bool{true, false} {
			bubbleHere(t, retryqueue.Config{}, func(b *bench) {
				var kept context.Context
				p := b.kind(func(ctx context.Context, _ retryqueue.Job[string]) error {
					if kept = ctx; look {
						require.NoError(b, ctx.Err())
					}
					return nil
				})
				b.start()
				enqueue(b, p, "a", "x")
				b.pass(0)
				require.ErrorIs(b, kept.Err(), context.Canceled)
			})
		}
	})
}

// bubbleHere is bubble for a test that is parallel already, or none.
func bubbleHere(t *testing.T, c retryqueue.Config, body func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.Store, c.Poll = retryqueue.NewMemoryStore(), 10_000*time.Hour
		q, err := retryqueue.New(c)
		require.NoError(t, err)
		body(&bench{T: t, q: q, store: c.Store, begin: time.Now()})
	})
}
