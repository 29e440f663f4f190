package retryqueuetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Bench measures a store: inserting one by one and a hundred at a time, claiming and settling likewise, the same with 100,000
// other jobs waiting, finding a page among them, and whole jobs through a Queue. It reports jobs per second.
func Bench(b *testing.B, newStore func(b *testing.B) retryqueue.Store) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("Insert/%d", size), func(b *testing.B) {
			s := newStore(b)
			n := 0
			for b.Loop() {
				insertMany(b, s, "k", &n, size)
			}
			perSecond(b, n)
		})
	}
	for _, waiting := range []int{0, 100_000} {
		for _, size := range []int{1, 100} {
			b.Run(fmt.Sprintf("ClaimAndSettle/%d/Waiting%d", size, waiting), func(b *testing.B) {
				s := newStore(b)
				filled := 0
				for filled < waiting {
					insertMany(b, s, "k", &filled, 1000, func(j *retryqueue.NewJob) { j.Delay = 24 * time.Hour })
				}
				done, inserted := 0, 0
				for b.Loop() {
					b.StopTimer()
					if inserted-done < size {
						insertMany(b, s, "due", &inserted, 1000)
					}
					b.StartTimer()
					done += claimAndSettle(b, s, "due", size)
				}
				perSecond(b, done)
			})
		}
	}
	b.Run("FindPage/Waiting100000", func(b *testing.B) {
		s := newStore(b)
		for n := 0; n < 100_000; {
			insertMany(b, s, "k", &n, 1000)
		}
		for b.Loop() {
			if _, err := s.Find(context.Background(), retryqueue.Query{Desc: true, Limit: 25, Count: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprintf("Queue/Workers%d", workers), func(b *testing.B) {
			throughQueue(b, newStore(b), workers)
		})
	}
}

func insertMany(b *testing.B, s retryqueue.Store, kind string, n *int, size int, change ...func(*retryqueue.NewJob)) {
	b.Helper()
	jobs := make([]retryqueue.NewJob, size)
	for i := range jobs {
		*n++
		jobs[i] = retryqueue.NewJob{Kind: kind, Key: fmt.Sprint("order:", *n), Payload: json.RawMessage(`{"order_id":1042}`)}
		for _, c := range change {
			c(&jobs[i])
		}
	}
	if _, err := s.Insert(context.Background(), jobs); err != nil {
		b.Fatal(err)
	}
}

func claimAndSettle(b *testing.B, s retryqueue.Store, kind string, size int) int {
	b.Helper()
	claimed, err := s.Claim(context.Background(), retryqueue.Claim{Kinds: map[string]int{kind: size}, Lease: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	outcomes := make([]retryqueue.Outcome, len(claimed.Records))
	for i, r := range claimed.Records {
		outcomes[i] = retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded}
	}
	if _, err := s.Settle(context.Background(), outcomes); err != nil {
		b.Fatal(err)
	}
	return len(outcomes)
}

func throughQueue(b *testing.B, s retryqueue.Store, workers int) {
	q, err := retryqueue.New(retryqueue.Config{Store: s, Concurrency: workers})
	if err != nil {
		b.Fatal(err)
	}
	var done atomic.Int64
	want := int64(b.N)
	all := make(chan struct{})
	producer, err := retryqueue.Register(q, retryqueue.Kind[int]{Name: "k", Work: func(context.Context, retryqueue.Job[int]) error {
		if done.Add(1) == want {
			close(all)
		}
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	b.ResetTimer()
	for i := range b.N {
		if _, err := producer.Enqueue(ctx, "", i); err != nil {
			b.Fatal(err)
		}
	}
	<-all
	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	perSecond(b, b.N)
}

func perSecond(b *testing.B, jobs int) {
	b.ReportMetric(float64(jobs)/b.Elapsed().Seconds(), "jobs/s")
}
