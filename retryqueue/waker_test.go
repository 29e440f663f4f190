package retryqueue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

// bell is a Waker within a process: every notification reaches every listener. It breaks down for as often as told.
type bell struct {
	mu      sync.Mutex
	ears    []func()
	broken  int // how many more calls of Listen fail
	tried   []time.Time
	refused bool // Notify fails
}

func (b *bell) Notify(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refused {
		return errBoom
	}
	for _, wake := range b.ears {
		wake()
	}
	return nil
}

func (b *bell) Listen(ctx context.Context, wake func()) error {
	b.mu.Lock()
	b.tried = append(b.tried, time.Now())
	if b.broken > 0 {
		b.broken--
		b.mu.Unlock()
		return errors.New("connection refused")
	}
	b.ears = append(b.ears, wake)
	b.mu.Unlock()
	wake()
	<-ctx.Done()
	return ctx.Err()
}

// Two queues on one store are two processes: what one enqueues, the other starts at once, not when it looks by itself.
func TestWakerTellsOtherProcesses(t *testing.T) {
	w := &bell{broken: 3}
	bubble(t, retryqueue.Config{Waker: w}, func(b *bench) {
		var began time.Time
		register(b, retryqueue.Kind[string]{Name: "k", Work: func(context.Context, retryqueue.Job[string]) error {
			began = time.Now()
			return nil
		}})
		other, err := retryqueue.New(retryqueue.Config{Store: b.store, Waker: w})
		require.NoError(b, err)
		p, err := retryqueue.Register(other, retryqueue.Kind[string]{Name: "k", Work: func(context.Context, retryqueue.Job[string]) error { return nil }})
		require.NoError(b, err)

		defer b.start()()
		b.pass(time.Minute)
		require.Equal(b, []time.Duration{0, 100e6, 300e6, 700e6}, offsets(w.tried), "it listens again after a growing pause")
		_, err = p.Enqueue(context.Background(), "a", "x")
		require.NoError(b, err)
		b.pass(0)
		require.Equal(b, time.Minute, began.Sub(b.begin))
	})
}

func offsets(times []time.Time) (all []time.Duration) {
	for _, t := range times {
		all = append(all, t.Sub(times[0]))
	}
	return all
}

// A job is accepted whether others hear of it or not, and this process needs no Waker for its own.
func TestWakerIsNotNeeded(t *testing.T) {
	bubble(t, retryqueue.Config{Waker: &bell{refused: true}}, func(b *bench) {
		p := b.kind(func(context.Context, retryqueue.Job[string]) error { return nil })
		defer b.start()()
		b.pass(time.Second)
		enqueue(b, p, "a", "x")
		b.pass(0)
		require.Equal(b, retryqueue.Succeeded, b.get("a").State)
	})
}
