package retryqueue_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

// One webhook comes again after three months: the ledger still knows the key, though all else of the job is gone.
func TestPrunedKeyIsNotDeliveredTwice(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		sent := 0
		p := register(b, retryqueue.Kind[string]{Name: "invoice", Work: func(_ context.Context, j retryqueue.Job[string]) error {
			sent++
			return j.SetResult("INV/7")
		}})
		first := enqueue(b, p, "order:1", "Ann")
		defer b.start()()
		b.pass(89 * 24 * time.Hour)
		require.False(b, b.get("order:1").Pruned, "before Keep is over")
		b.pass(2 * 24 * time.Hour)
		job := b.get("order:1")
		require.True(b, job.Pruned)
		require.Empty(b, job.Payload, "nothing of Ann is kept")
		require.Empty(b, job.History)
		require.JSONEq(b, `"INV/7"`, string(job.Result))

		again := enqueue(b, p, "order:1", "Ann")
		require.Equal(b, retryqueue.Receipt{ID: first.ID, State: retryqueue.Succeeded}, again)
		b.pass(time.Hour)
		require.Equal(b, 1, sent)
		require.ErrorIs(b, b.q.Resend(context.Background(), first.ID), retryqueue.ErrNotMoved, "there is nothing to send")
		require.ErrorIs(b, b.q.Retry(context.Background(), first.ID), retryqueue.ErrNotMoved)

		forced := enqueue(b, p, "order:1", "Ann", retryqueue.Forced())
		require.Equal(b, retryqueue.Queued, forced.State)
		b.pass(time.Second)
		require.Equal(b, 2, sent)
		require.False(b, b.get("order:1").Pruned)
	})
}

func TestPruneRemovesLatest(t *testing.T) {
	bubble(t, retryqueue.Config{Keep: time.Hour}, func(b *bench) {
		p := register(b, retryqueue.Kind[string]{
			Name: "push", Again: retryqueue.Latest, Work: func(context.Context, retryqueue.Job[string]) error { return nil },
		})
		enqueue(b, p, "a", "x")
		defer b.start()()
		b.pass(3 * time.Hour)
		found, err := b.q.List(context.Background(), retryqueue.Query{})
		require.NoError(b, err)
		require.Empty(b, found.Records)
		require.True(b, enqueue(b, p, "a", "x").Fresh)
	})
}

func TestKeepForEver(t *testing.T) {
	bubble(t, retryqueue.Config{Keep: -1}, func(b *bench) {
		p := register(b, retryqueue.Kind[string]{Name: "push", Again: retryqueue.Latest, Work: func(context.Context, retryqueue.Job[string]) error { return nil }})
		enqueue(b, p, "a", "x")
		defer b.start()()
		b.pass(10_000 * time.Hour)
		require.NotEmpty(b, b.get("a").Payload)
	})
}

// A host that only gets a request now and then prunes, too: at most once an hour.
func TestRunDuePrunes(t *testing.T) {
	store := &countingPruner{Store: retryqueue.NewMemoryStore()}
	bubble(t, retryqueue.Config{Store: store, Keep: time.Minute}, func(b *bench) {
		p := register(b, retryqueue.Kind[string]{Name: "invoice", Work: func(context.Context, retryqueue.Job[string]) error { return nil }})
		enqueue(b, p, "a", "x")
		for range 61 {
			require.NoError(b, b.q.RunDue(context.Background()))
			b.pass(time.Minute)
		}
		require.Equal(b, 2, store.asked)
		require.True(b, b.get("a").Pruned)
		require.Equal(b, []string{"invoice"}, b.q.Kinds())
	})
}

type countingPruner struct {
	retryqueue.Store
	asked int
}

func (c *countingPruner) Prune(ctx context.Context, p retryqueue.Prune) (int, error) {
	c.asked++
	return c.Store.(retryqueue.Pruner).Prune(ctx, p)
}
