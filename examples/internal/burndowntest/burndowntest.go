// Package burndowntest lets queues work off the same jobs that do nothing, in turns, and compares how long that takes. The benchmarks
// share it, which are modules of their own.
package burndowntest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
)

// Order is the payload, the same for everybody.
type Order struct {
	OrderID int `json:"order_id"`
}

// NewOrder makes the i-th.
func NewOrder(i int) Order { return Order{OrderID: i} }

// Workers is how many jobs each queue may work on at a time.
const Workers = 100

// Jobs is how many jobs a comparison has: 5,000, and 100,000 with TILLWIRE_LONG.
func Jobs() int {
	if os.Getenv("TILLWIRE_LONG") != "" {
		return 100_000
	}
	return 5_000
}

// Contender works off n jobs and says how long that took, from the start of its workers until every outcome is written.
type Contender struct {
	Name string
	Burn func(t *testing.T, n int) time.Duration
}

// Rounds is how often each contender has a turn; the best of its times counts, since others use the machine, too.
const Rounds = 3

// Compare lets two contenders work off the same number of jobs in turns and prints what each does a second, and the ratio.
func Compare(t *testing.T, goal string, ours, peer Contender) {
	t.Helper()
	n := Jobs()
	best := map[string]float64{}
	for round := range Rounds {
		pair := []Contender{ours, peer}
		if round%2 == 1 {
			slices.Reverse(pair)
		}
		for _, c := range pair {
			runtime.GC()
			best[c.Name] = max(best[c.Name], float64(n)/c.Burn(t, n).Seconds())
		}
	}
	t.Logf("%d jobs: %s %.0f/s, %s %.0f/s, ratio %.2f (goal: %s)",
		n, ours.Name, best[ours.Name], peer.Name, best[peer.Name], best[ours.Name]/best[peer.Name], goal)
}

// SQL is our queue in a database, as sqldbtest knows it.
func SQL(dialect string) Contender {
	return Contender{Name: dialect, Burn: func(t *testing.T, n int) time.Duration {
		t.Helper()
		at := sqldbtest.Get(t, dialect)
		db := at.Open(t)
		db.SetMaxIdleConns(10)
		store, err := sqlstore.Open(t.Context(), db, sqlstore.Config{Prefix: at.Prefix})
		check(t, err)
		return Run(t, store, Workers, n, NewOrder, func() {
			if dialect == "postgres" { // what the server does by itself within a minute
				_, err := db.ExecContext(t.Context(), "analyze")
				check(t, err)
			}
		})
	}}
}

// Run lets workers work off n jobs that wait in store; ready is called when they are there.
func Run[T any](t *testing.T, store retryqueue.Store, workers, n int, payload func(i int) T, ready func()) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done atomic.Int64
	queue, err := retryqueue.New(retryqueue.Config{Store: store, Concurrency: workers})
	check(t, err)
	_, err = retryqueue.Register(queue, retryqueue.Kind[T]{Name: "order", Work: func(context.Context, retryqueue.Job[T]) error {
		if done.Add(1) == int64(n) {
			cancel()
		}
		return nil
	}})
	check(t, err)
	Fill(t, store, "order", n, 0, payload)
	ready()
	start := time.Now()
	check(t, queue.Run(ctx))
	took := time.Since(start)
	found, err := store.Find(t.Context(), retryqueue.Query{Count: true, Limit: 1})
	check(t, err)
	if found.ByState[retryqueue.Succeeded] != n {
		t.Fatalf("%d of %d succeeded: %v", found.ByState[retryqueue.Succeeded], n, found.ByState)
	}
	return took
}

// Fill inserts n jobs of a kind, due after a delay.
func Fill[T any](t *testing.T, store retryqueue.Store, kind string, n int, delay time.Duration, payload func(i int) T) {
	t.Helper()
	for from := 0; from < n; from += 1000 {
		jobs := make([]retryqueue.NewJob, min(1000, n-from))
		for i := range jobs {
			payload, err := json.Marshal(payload(from + i))
			check(t, err)
			jobs[i] = retryqueue.NewJob{Kind: kind, Key: fmt.Sprint("order:", from+i), Payload: payload, Delay: delay}
		}
		_, err := store.Insert(t.Context(), jobs)
		check(t, err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
