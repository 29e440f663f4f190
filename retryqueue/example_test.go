package retryqueue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/tillwire/tillwire/retryqueue"
)

type Invoice struct {
	OrderID int `json:"order_id"`
}

func Example() {
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	if err != nil {
		fmt.Println(err)
		return
	}
	sent := make(chan struct{})
	invoices, err := retryqueue.Register(queue, retryqueue.Kind[Invoice]{
		Name: "invoice",
		Work: func(_ context.Context, job retryqueue.Job[Invoice]) error {
			fmt.Printf("attempt %d: invoice for order %d\n", job.Attempt, job.Payload.OrderID)
			close(sent)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { fmt.Println("run:", queue.Run(ctx)) })

	receipt, err := invoices.Enqueue(ctx, "order:1042", Invoice{OrderID: 1042})
	fmt.Println("fresh:", receipt.Fresh, err)
	<-sent
	cancel() // jobs in hand are finished first
	running.Wait()
	receipt, err = invoices.Enqueue(context.Background(), "order:1042", Invoice{OrderID: 1042})
	fmt.Println("again:", receipt.Fresh, receipt.State, err)
	// Unordered output:
	// attempt 1: invoice for order 1042
	// fresh: true <nil>
	// run: <nil>
	// again: false succeeded <nil>
}

// A job whose answer was lost is probed before it is sent again.
func ExampleKind_probe() {
	booked := map[string]bool{}
	queue, _ := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	invoices, _ := retryqueue.Register(queue, retryqueue.Kind[Invoice]{
		Name:     "invoice",
		Schedule: retryqueue.Steps(0), // at once, for the example
		Work: func(_ context.Context, job retryqueue.Job[Invoice]) error {
			fmt.Println("send")
			booked[job.Key] = true
			return retryqueue.Ambiguous(errors.New("connection reset while reading the answer"))
		},
		Probe: func(_ context.Context, job retryqueue.Job[Invoice]) (bool, error) {
			fmt.Println("there already:", booked[job.Key])
			return booked[job.Key], nil
		},
	})
	ctx := context.Background()
	_, _ = invoices.Enqueue(ctx, "order:1042", Invoice{OrderID: 1042})
	fmt.Println(queue.RunDue(ctx))
	// Output:
	// send
	// there already: true
	// <nil>
}

func ExampleQueue_Retry() {
	down := true
	queue, _ := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	invoices, _ := retryqueue.Register(queue, retryqueue.Kind[Invoice]{
		Name: "invoice",
		Work: func(context.Context, retryqueue.Job[Invoice]) error {
			if down {
				return retryqueue.Permanent(errors.New("HTTP 422: <b>contact</b> is missing"))
			}
			return nil
		},
	})
	ctx := context.Background()
	_, _ = invoices.Enqueue(ctx, "order:1042", Invoice{OrderID: 1042})
	_ = queue.RunDue(ctx)

	failed := retryqueue.Query{States: []retryqueue.State{retryqueue.Failed}}
	for job, err := range queue.All(ctx, failed) {
		fmt.Println(job.Key, job.State, job.LastError, err)
		down = false // somebody mended it
		fmt.Println(queue.Retry(ctx, job.ID))
	}
	_ = queue.RunDue(ctx)
	found, err := queue.List(ctx, retryqueue.Query{Count: true})
	fmt.Println(found.ByState, err)
	// Output:
	// order:1042 failed HTTP 422: contact is missing <nil>
	// <nil>
	// map[succeeded:1] <nil>
}

func ExampleFromBackOff() {
	schedule := retryqueue.Cap(retryqueue.FromBackOff(func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Minute), backoff.WithMultiplier(3),
			backoff.WithRandomizationFactor(0), backoff.WithMaxInterval(24*time.Hour), backoff.WithMaxElapsedTime(0))
	}), time.Hour)
	for attempt := 1; attempt <= 5; attempt++ {
		fmt.Println(attempt, schedule.Delay(attempt))
	}
	// Output:
	// 1 1m0s
	// 2 3m0s
	// 3 9m0s
	// 4 27m0s
	// 5 1h0m0s
}

func ExampleSnooze() {
	tries := 0
	queue, _ := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	orders, _ := retryqueue.Register(queue, retryqueue.Kind[int]{
		Name: "order",
		Work: func(_ context.Context, job retryqueue.Job[int]) error {
			if tries++; tries < 3 {
				return retryqueue.Snooze(0) // not yet: does not count as an attempt
			}
			fmt.Println("attempt", job.Attempt)
			return nil
		},
	})
	_, _ = orders.Enqueue(context.Background(), "", 1)
	_ = queue.RunDue(context.Background())
	// Output: attempt 1
}

func ExampleProgressive() {
	at := time.Duration(0)
	for attempt := 1; attempt <= 8; attempt++ {
		at += retryqueue.Progressive().Delay(attempt)
		fmt.Print(at, " ")
	}
	// Output: 5m0s 15m0s 45m0s 1h45m0s 3h45m0s 7h45m0s 15h45m0s 23h45m0s
}
