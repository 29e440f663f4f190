package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
)

// latencyJobs are enqueued one by one, 50 a second.
func latencyJobs() int {
	if os.Getenv("TILLWIRE_LONG") != "" {
		return 1500
	}
	return 150
}

// waits gathers what n jobs waited; safe for concurrent use.
type waits struct {
	mu   sync.Mutex
	all  []time.Duration
	want int
	done chan struct{}
}

func newWaits(n int) *waits { return &waits{want: n, done: make(chan struct{})} }

func (w *waits) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all = append(w.all, d); len(w.all) == w.want {
		close(w.done)
	}
}

// atFifty calls enqueue n times, 50 times a second.
func atFifty(t *testing.T, n int, enqueue func(i int) error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		check(t, enqueue(i))
	}
}

type moment struct{ At time.Time }

// running runs a queue on store until the test ends, or stop is called.
func running(t *testing.T, store retryqueue.Store, k retryqueue.Kind[moment]) (p *retryqueue.Producer[moment], stop func()) {
	t.Helper()
	queue, err := retryqueue.New(retryqueue.Config{Store: store})
	check(t, err)
	p, err = retryqueue.Register(queue, k)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- queue.Run(ctx) }()
	return p, func() {
		cancel()
		check(t, <-ended)
	}
}

func postgresStore(t *testing.T) *sqlstore.Store {
	t.Helper()
	at := sqldbtest.Get(t, "postgres")
	store, err := sqlstore.Open(t.Context(), at.Open(t), sqlstore.Config{Prefix: at.Prefix})
	check(t, err)
	return store
}

// TestQueueLatency measures from the call of Enqueue to the begin of Work in one process.
func TestQueueLatency(t *testing.T) {
	n := latencyJobs()
	t.Run("ours", func(t *testing.T) {
		w := newWaits(n)
		p, stop := running(t, postgresStore(t), retryqueue.Kind[moment]{Name: "moment", Work: func(_ context.Context, j retryqueue.Job[moment]) error {
			w.add(time.Since(j.Payload.At))
			return nil
		}})
		atFifty(t, n, func(i int) error {
			_, err := p.Enqueue(t.Context(), fmt.Sprint(i), moment{time.Now()})
			return err
		})
		<-w.done
		stop()
		t.Logf("%d jobs at 50/s, enqueue to work: ours %s (goal: p99 10ms)", n, percentiles(w.all))
	})
	t.Run("River", func(t *testing.T) { // as it comes
		r := newRiver(t, river.Config{Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: burndowntest.Workers}}})
		w := newWaits(n)
		r.work = func(o burndowntest.Order) { w.add(time.Since(time.UnixMicro(int64(o.OrderID)))) }
		check(t, r.client.Start(t.Context()))
		atFifty(t, n, func(int) error {
			_, err := r.client.Insert(t.Context(), riverOrder{burndowntest.NewOrder(int(time.Now().UnixMicro()))}, nil)
			return err
		})
		<-w.done
		check(t, r.client.Stop(t.Context()))
		t.Logf("%d jobs at 50/s, enqueue to work: River's default %s", n, percentiles(w.all))
	})
}

// TestQueueLateness measures how long after its due time a retry begins.
func TestQueueLateness(t *testing.T) {
	n := latencyJobs()
	const delay = 300 * time.Millisecond
	w := newWaits(n)
	var early atomic.Int64
	var failed sync.Map // when the first attempt ended at the latest: before its outcome was written
	p, stop := running(t, postgresStore(t), retryqueue.Kind[moment]{
		Name: "moment", Schedule: retryqueue.Steps(delay),
		Work: func(_ context.Context, j retryqueue.Job[moment]) error {
			if j.Attempt == 1 {
				failed.Store(j.Key, time.Now())
				return errors.New("once more")
			}
			ended, _ := failed.Load(j.Key)
			late := time.Since(ended.(time.Time)) - delay
			if late < 0 {
				early.Add(1)
			}
			w.add(late)
			return nil
		},
	})
	atFifty(t, n, func(i int) error {
		_, err := p.Enqueue(t.Context(), fmt.Sprint(i), moment{time.Now()})
		return err
	})
	<-w.done
	stop()
	t.Logf("%d retries on PostgreSQL, late after the end of the attempt before: %s, early %d (goal: p99 10ms, never early; "+
		"the writing of the first outcome is in it)", n, percentiles(w.all), early.Load())
	if early.Load() > 0 {
		t.Errorf("%d retries came early", early.Load())
	}
}

// calls counts what a queue asks of its store.
type calls struct {
	retryqueue.Store
	n atomic.Int64
}

func (c *calls) Claim(ctx context.Context, claim retryqueue.Claim) (retryqueue.Claimed, error) {
	c.n.Add(1)
	return c.Store.Claim(ctx, claim)
}

func (c *calls) Settle(ctx context.Context, o []retryqueue.Outcome) ([]error, error) {
	c.n.Add(1)
	return c.Store.Settle(ctx, o)
}

func (c *calls) Extend(ctx context.Context, l []retryqueue.Lease, by time.Duration) ([]retryqueue.ID, error) {
	c.n.Add(1)
	return c.Store.Extend(ctx, l, by)
}

// TestQueueIdle counts what a queue asks while nothing is due: some jobs wait for tomorrow.
func TestQueueIdle(t *testing.T) {
	store := &calls{Store: postgresStore(t)}
	burndowntest.Fill(t, store.Store, "moment", 1000, 24*time.Hour, burndowntest.NewOrder)
	_, stop := running(t, store, retryqueue.Kind[moment]{Name: "moment", Work: func(context.Context, retryqueue.Job[moment]) error { return nil }})
	seconds := 11
	if os.Getenv("TILLWIRE_LONG") != "" {
		seconds = 61
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	n := store.n.Load()
	stop()
	t.Logf("idle for %d s: %d calls of the store, each claim one look (goal: one per 5 s)", seconds, n)
	if n > int64(seconds/5+2) { // the first look is Run's, the second Register's
		t.Errorf("%d calls in %d s", n, seconds)
	}
}

// TestQueueWaiting measures a claim of one job, and of 100, against ever more jobs that wait for tomorrow.
func TestQueueWaiting(t *testing.T) {
	sizes := []int{1_000, 10_000}
	if os.Getenv("TILLWIRE_LONG") != "" {
		sizes = append(sizes, 100_000, 1_000_000)
	}
	store, filled := postgresStore(t), 0
	for _, size := range sizes {
		for ; filled < size; filled += 1000 {
			burndowntest.Fill(t, store, fmt.Sprint("batch", filled), 1000, 24*time.Hour, burndowntest.NewOrder)
		}
		row := fmt.Sprintf("%8d waiting:", size)
		for _, most := range []int{1, 100} {
			kind := fmt.Sprint("due", size, most)
			burndowntest.Fill(t, store, kind, 20*most, 0, burndowntest.NewOrder)
			var took []time.Duration
			for range 20 {
				start := time.Now()
				claimed, err := store.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{kind: most}, Lease: time.Hour})
				took = append(took, time.Since(start))
				check(t, err)
				if len(claimed.Records) != most {
					t.Fatalf("claimed %d of %d", len(claimed.Records), most)
				}
			}
			row += fmt.Sprintf("  claim of %d: %s", most, percentiles(took))
		}
		t.Log(row)
	}
}
