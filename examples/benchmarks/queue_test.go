package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// order is the payload of the burn-downs, the same for everybody.
type order struct {
	OrderID int `json:"order_id"`
}

func newOrder(i int) order { return order{OrderID: i} }

// queueWorkers is how many jobs each queue may work on at a time.
const queueWorkers = 100

// queueJobs is how many jobs a burn-down has.
func queueJobs() int {
	if os.Getenv("TILLWIRE_LONG") != "" {
		return 100_000
	}
	return 5_000
}

// server is the address of a server; the test is skipped where it is not set.
func server(t *testing.T, name string) string {
	t.Helper()
	address := os.Getenv(name)
	if address == "" {
		t.Skip(name + " is not set")
	}
	return address
}

// contender works off n jobs and says how long that took, from the start of its workers until every outcome is written.
type contender struct {
	name string
	burn func(t *testing.T, n int) time.Duration
}

// rounds of each contender, in turns; the best counts, since others use the machine, too.
const rounds = 3

// compare lets two contenders work off the same number of jobs in turns and prints what each does a second, and the ratio.
func compare(t *testing.T, goal string, ours, peer contender) (ratio float64) {
	t.Helper()
	n := queueJobs()
	best := map[string]float64{}
	for round := range rounds {
		pair := []contender{ours, peer}
		if round%2 == 1 {
			slices.Reverse(pair)
		}
		for _, c := range pair {
			runtime.GC()
			best[c.name] = max(best[c.name], float64(n)/c.burn(t, n).Seconds())
		}
	}
	ratio = best[ours.name] / best[peer.name]
	t.Logf("%d jobs: %s %.0f/s, %s %.0f/s, ratio %.2f (goal: %s)", n, ours.name, best[ours.name], peer.name, best[peer.name], ratio, goal)
	return ratio
}

// burnDown lets workers work off n no-op jobs that wait in store; ready is called when they are there.
func burnDown[T any](t *testing.T, store retryqueue.Store, workers, n int, payload func(i int) T, ready func()) time.Duration {
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
	fill(t, store, "order", n, 0, payload)
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

// fill inserts n jobs of a kind, due after a delay.
func fill[T any](t *testing.T, store retryqueue.Store, kind string, n int, delay time.Duration, payload func(i int) T) {
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

// percentiles prints p50, p99 and the greatest of some waits.
func percentiles(waits []time.Duration) string {
	slices.Sort(waits)
	var out []string
	for _, p := range []int{50, 99, 100} {
		out = append(out, fmt.Sprintf("p%d %s", p, waits[(len(waits)-1)*p/100].Round(10*time.Microsecond)))
	}
	return strings.Join(out, ", ")
}
