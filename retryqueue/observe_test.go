package retryqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

// Every attempt is observed once, with what became of it and where its time went.
func TestObserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []retryqueue.Observation // jobs of one worker: one after another
		q, err := retryqueue.New(retryqueue.Config{
			Store: retryqueue.NewMemoryStore(), Concurrency: 1, Observe: func(o retryqueue.Observation) { seen = append(seen, o) },
		})
		require.NoError(t, err)
		attempts := 0
		orders, err := retryqueue.Register(q, retryqueue.Kind[int]{
			Name: "order", Schedule: retryqueue.Steps(time.Minute),
			Work: func(context.Context, retryqueue.Job[int]) error {
				time.Sleep(3 * time.Second)
				attempts++
				switch attempts {
				case 1:
					return errors.New("no")
				case 2:
					return retryqueue.Snooze(time.Hour)
				}
				return nil
			},
		})
		require.NoError(t, err)
		_, err = orders.Enqueue(t.Context(), "order:7", 7)
		require.NoError(t, err)
		time.Sleep(5 * time.Second) // the queue is behind by so much when it starts
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- q.Run(ctx) }()
		time.Sleep(2 * time.Hour)
		stop()
		require.NoError(t, <-ended)

		first := retryqueue.Observation{
			Kind: "order", Key: "order:7", Attempt: 1, State: retryqueue.Retrying, Counted: true, Lag: 5 * time.Second, Took: 3 * time.Second, Error: "no",
		}
		second, third := first, first
		second.Attempt, second.Counted, second.Error, second.Lag = 2, false, "", first.Lag+3*time.Second+time.Minute
		third.Attempt, third.State, third.Error, third.Lag = 2, retryqueue.Succeeded, "", second.Lag+3*time.Second+time.Hour
		require.Len(t, seen, 3)
		for i, want := range []retryqueue.Observation{first, second, third} {
			require.InDelta(t, want.Lag, seen[i].Lag, float64(10*time.Millisecond), "attempt %d", i) // outcomes are written within 5 ms
			want.Lag = seen[i].Lag
			require.Equal(t, want, seen[i])
		}
	})
}
