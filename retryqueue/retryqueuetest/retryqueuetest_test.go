package retryqueuetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

// The memory store meets its contract in retryqueue's own tests, which run this suite; here stand the helpers.

func ExampleFailTimes() {
	queue, _ := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	jobs, _ := retryqueue.Register(queue, retryqueue.Kind[string]{
		Name: "greet", Schedule: retryqueue.Steps(0),
		Work: retryqueuetest.FailTimes(2, errors.New("not yet"), func(_ context.Context, job retryqueue.Job[string]) error {
			fmt.Println("hello", job.Payload, "at attempt", job.Attempt)
			return nil
		}),
	})
	ctx := context.Background()
	_, _ = jobs.Enqueue(ctx, "", "world")
	fmt.Println(queue.RunDue(ctx))
	// Output:
	// hello world at attempt 3
	// <nil>
}

func TestFailTimesCountsByJob(t *testing.T) {
	t.Parallel()
	want := errors.New("no")
	work := retryqueuetest.FailTimes[int](1, want, nil)
	for _, id := range []retryqueue.ID{"a", "b"} {
		if err := work(t.Context(), retryqueue.Job[int]{ID: id}); !errors.Is(err, want) {
			t.Fatalf("first attempt of %s: %v", id, err)
		}
		if err := work(t.Context(), retryqueue.Job[int]{ID: id}); err != nil {
			t.Fatalf("second attempt of %s: %v", id, err)
		}
	}
}

func TestFaulty(t *testing.T) {
	t.Parallel()
	fault := retryqueuetest.Before
	s := retryqueuetest.Faulty{Store: retryqueue.NewMemoryStore(), Fault: func(string) retryqueuetest.Fault { return fault }}
	job := []retryqueue.NewJob{{Kind: "k", Key: "a", Payload: []byte(`1`)}}
	total := func() int {
		found, err := s.Store.Find(t.Context(), retryqueue.Query{Count: true})
		if err != nil {
			t.Fatal(err)
		}
		return found.Total
	}
	if _, err := s.Insert(t.Context(), job); !errors.Is(err, retryqueuetest.ErrFault) || total() != 0 {
		t.Fatalf("Before: %v, %d jobs", err, total())
	}
	fault = retryqueuetest.After
	if _, err := s.Insert(t.Context(), job); !errors.Is(err, retryqueuetest.ErrFault) || total() != 1 {
		t.Fatalf("After: %v, %d jobs", err, total())
	}
	for name, call := range map[string]func() error{
		"Claim":  func() error { _, err := s.Claim(t.Context(), retryqueue.Claim{}); return err },
		"Settle": func() error { _, err := s.Settle(t.Context(), nil); return err },
		"Extend": func() error { _, err := s.Extend(t.Context(), nil, 0); return err },
		"Find":   func() error { _, err := s.Find(t.Context(), retryqueue.Query{}); return err },
		"Move":   func() error { _, err := s.Move(t.Context(), retryqueue.Move{}); return err },
		"Pause":  func() error { return s.Pause(t.Context(), retryqueue.KindPause{Kind: "k"}) },
	} {
		fault = retryqueuetest.Before
		if err := call(); !errors.Is(err, retryqueuetest.ErrFault) {
			t.Fatalf("%s: %v", name, err)
		}
		fault = retryqueuetest.None
		if err := call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
