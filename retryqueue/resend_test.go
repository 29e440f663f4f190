package retryqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
)

func TestResend(t *testing.T) {
	t.Parallel()
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore(), Concurrency: 1})
	require.NoError(t, err)
	var fails error
	sent := map[string]int{}
	letters, err := retryqueue.Register(queue, retryqueue.Kind[string]{
		Name: "letter",
		Work: func(_ context.Context, job retryqueue.Job[string]) error {
			sent[job.Key]++
			return fails
		},
	})
	require.NoError(t, err)
	ctx := t.Context()
	enqueue := func(key string) retryqueue.ID {
		r, err := letters.Enqueue(ctx, key, "text")
		require.NoError(t, err)
		require.NoError(t, queue.RunDue(ctx))
		return r.ID
	}
	get := func(id retryqueue.ID) *retryqueue.Record {
		found, err := queue.List(ctx, retryqueue.Query{IDs: []retryqueue.ID{id}, History: true})
		require.NoError(t, err)
		return found.Records[0]
	}
	done := enqueue("done")
	fails = retryqueue.Permanent(errors.New("no"))
	failed, gone := enqueue("failed"), enqueue("gone")
	require.NoError(t, queue.Discard(ctx, gone))

	require.NoError(t, queue.Resend(ctx))
	err = queue.Resend(ctx, done, failed, gone, "unknown")
	require.ErrorIs(t, err, retryqueue.ErrNotMoved, "a failed job is for Retry")
	fails = nil
	require.NoError(t, queue.RunDue(ctx))
	require.Equal(t, map[string]int{"done": 2, "failed": 1, "gone": 2}, sent)
	require.Equal(t, retryqueue.Succeeded, get(gone).State)
	require.Equal(t, 1, get(done).Attempts, "the automatic count is not raised")

	// One that fails leaves the job as it was: what was delivered stays delivered.
	fails = errors.New("maintenance")
	require.NoError(t, queue.Resend(ctx, done))
	require.NoError(t, queue.RunDue(ctx))
	job := get(done)
	require.Equal(t, retryqueue.Succeeded, job.State)
	require.Equal(t, "maintenance", job.LastError)
	require.Len(t, job.History, 3)
	require.True(t, job.NextAttemptAt.IsZero())
}

func TestResendWantsAPayload(t *testing.T) {
	t.Parallel()
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore(), Keep: time.Nanosecond})
	require.NoError(t, err)
	letters, err := retryqueue.Register(queue, retryqueue.Kind[string]{
		Name: "letter", Work: func(context.Context, retryqueue.Job[string]) error { return nil },
	})
	require.NoError(t, err)
	r, err := letters.Enqueue(t.Context(), "a", "text")
	require.NoError(t, err)
	require.NoError(t, queue.RunDue(t.Context())) // does it, and prunes it
	require.ErrorIs(t, queue.Resend(t.Context(), r.ID), retryqueue.ErrNotMoved)
	found, err := queue.List(t.Context(), retryqueue.Query{})
	require.NoError(t, err)
	require.True(t, found.Records[0].Pruned)
	require.Equal(t, retryqueue.Succeeded, found.Records[0].State, "the ledger stays as it is")
}

func TestResendWithAPayloadOfItsOwn(t *testing.T) {
	t.Parallel()
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	type letter struct{ Text, Again string }
	var sent []letter
	letters, err := retryqueue.Register(queue, retryqueue.Kind[letter]{
		Name: "letter",
		Work: func(_ context.Context, job retryqueue.Job[letter]) error {
			sent = append(sent, job.Payload)
			return nil
		},
		Resend: func(l letter) letter { l.Again = "yes"; return l },
	})
	require.NoError(t, err)
	r, err := letters.Enqueue(t.Context(), "a", letter{Text: "hello"})
	require.NoError(t, err)
	require.ErrorIs(t, queue.Resend(t.Context(), r.ID), retryqueue.ErrNotMoved, "it was not sent yet")
	require.NoError(t, queue.RunDue(t.Context()))
	require.NoError(t, queue.Resend(t.Context(), r.ID))
	require.NoError(t, queue.RunDue(t.Context()))
	require.Equal(t, []letter{{"hello", ""}, {"hello", "yes"}}, sent)
}
