package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

const (
	fenceBatch = 25
	fenceLease = 10 * time.Millisecond
)

// Fence stops 100 workers (1,000 with TILLWIRE_LONG=1) for three leases each, lets others take their jobs, and fails t where one of the
// stopped changes anything when it goes on: before its successor is done, or after. The store must be empty.
func Fence(t *testing.T, store retryqueue.Store) {
	t.Helper()
	refused := 0
	rounds := count(100, 100, 1000)
	for n := 0; n < rounds; n += fenceBatch {
		refused += fence(t, store, n)
	}
	t.Logf("%d stopped workers were refused", refused)
	if refused < rounds {
		t.Errorf("only %d of %d stopped workers were refused", refused, rounds)
	}
}

func fence(t *testing.T, store retryqueue.Store, n int) (refused int) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var jobs []retryqueue.NewJob
	for i := range fenceBatch {
		jobs = append(jobs, retryqueue.NewJob{Kind: "fence", Key: fmt.Sprint(n + i), Payload: json.RawMessage(`1`)})
	}
	_, err := store.Insert(ctx, jobs)
	must(err)
	claim := func(lease time.Duration) []*retryqueue.Record {
		t.Helper()
		c, err := store.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"fence": fenceBatch}, Lease: lease})
		must(err)
		if len(c.Records) != fenceBatch {
			t.Fatalf("%d of %d jobs claimed", len(c.Records), fenceBatch)
		}
		return c.Records
	}
	stopped := claim(fenceLease)
	time.Sleep(3 * fenceLease)
	successors := claim(time.Hour)

	// A third of the stopped go on while their successors work, a third after these are done, a third after they failed.
	var outcomes []retryqueue.Outcome
	for i, r := range successors {
		switch i % 3 {
		case 1:
			outcomes = append(outcomes, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded, Result: json.RawMessage(`"right"`)})
		case 2:
			outcomes = append(outcomes, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Retrying, Wait: time.Hour, Error: "right"})
		}
	}
	errs, err := store.Settle(ctx, outcomes)
	must(err)
	must(errors.Join(errs...))
	before := look(ctx, t, store)

	var stale []retryqueue.Outcome
	var leases []retryqueue.Lease
	states := []retryqueue.State{retryqueue.Succeeded, retryqueue.Failed, retryqueue.Retrying, retryqueue.Discarded, retryqueue.Queued}
	for i, r := range stopped {
		stale = append(stale, retryqueue.Outcome{
			Lease: r.Lease, State: states[i%len(states)], Error: "stale", Result: json.RawMessage(`"stale"`), Pause: time.Hour, Unsure: true,
		})
		leases = append(leases, r.Lease)
	}
	lost, err := store.Extend(ctx, leases, 2*time.Hour)
	must(err)
	if len(lost) != fenceBatch {
		t.Errorf("%d of %d stopped workers prolonged their leases", fenceBatch-len(lost), fenceBatch)
	}
	errs, err = store.Settle(ctx, stale)
	must(err)
	for _, err := range errs {
		if errors.Is(err, retryqueue.ErrLostLease) {
			refused++
		}
	}
	if after := look(ctx, t, store); after != before {
		t.Errorf("stopped workers changed jobs: %s\nwere: %s", after, before)
	}

	outcomes = outcomes[:0]
	for i, r := range successors {
		if i%3 == 0 {
			outcomes = append(outcomes, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded})
		}
	}
	errs, err = store.Settle(ctx, outcomes)
	must(err)
	must(errors.Join(errs...))
	return refused
}

// look writes down all that a stale outcome could change.
func look(ctx context.Context, t *testing.T, store retryqueue.Store) string {
	t.Helper()
	found, err := store.Find(ctx, retryqueue.Query{Sort: "created", Desc: true, Limit: fenceBatch, History: true})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, r := range found.Records {
		text += fmt.Sprintf("%s %s %d %v %s %q %s %d\n", r.Key, r.State, r.Attempts, r.Unsure, r.NextAttemptAt, r.LastError, r.Result, len(r.History))
	}
	for _, p := range found.Paused {
		text += "paused: " + p.Kind
	}
	return text
}
