package retryqueuetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Caps says what a store lacks, and does for the suite what only the store's author can. The zero value suits a store in this
// process that reads time.Now.
type Caps struct {
	// RealTime: the store's clock is not this process's, or it needs sockets. Each case then waits for real, some tens of
	// milliseconds; else it runs in a synctest bubble, newStore included.
	RealTime bool
	// Precision is the smallest step of time the store keeps. Default 1 ms.
	Precision time.Duration
	// Reopen opens the jobs of s once more, as another process or a restart would. Nil: the cases that need it are skipped.
	Reopen func(t *testing.T, s retryqueue.Store) retryqueue.Store
	// Begin begins a transaction in the database of s. Nil: the cases for retryqueue.TxStore are skipped.
	Begin func(t *testing.T, s retryqueue.Store) *sql.Tx
}

// Run runs every case on a store of its own from newStore, which registers its own clean-up. In a bubble everything that newStore
// starts must end with that clean-up.
func Run(t *testing.T, newStore func(t *testing.T) retryqueue.Store, caps Caps) {
	if caps.Precision == 0 {
		caps.Precision = time.Millisecond
	}
	groups := [][]testCase{insertCases, claimCases, settleCases, extendCases, findCases, moveCases, pauseCases, pruneCases, txCases}
	for _, group := range groups {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				body := func(t *testing.T) {
					h := &harness{T: t, caps: caps, ctx: t.Context(), unit: 10 * time.Second}
					if c.needs != nil && !c.needs(caps) {
						t.Skip("Caps does not offer what this case needs")
					}
					h.s = newStore(t)
					if caps.RealTime {
						h.unit = h.realUnit()
					}
					c.run(h)
				}
				if caps.RealTime {
					body(t)
				} else {
					synctest.Test(t, body)
				}
			})
		}
	}
}

type testCase struct {
	name  string
	run   func(h *harness)
	needs func(Caps) bool
}

// harness is one case's store with the words the cases are written in. unit is the step of time: cases wait a few of them, and an
// hour is longer than any case takes.
type harness struct {
	*testing.T
	s    retryqueue.Store
	ctx  context.Context
	caps Caps
	unit time.Duration
}

const hour = time.Hour

// realUnit is a step of real time that is long beside a call of the store, as fast as this machine is at this moment: on a busy one
// a fixed step would find slowness, not faults.
func (h *harness) realUnit() time.Duration {
	h.Helper()
	var slowest time.Duration
	for range 5 {
		began := time.Now()
		h.claimKinds(hour, map[string]int{"nobody's": 1})
		slowest = max(slowest, time.Since(began))
	}
	return max(20*time.Millisecond, 20*slowest)
}

// pass lets d of the store's time go by.
func (h *harness) pass(d time.Duration) {
	if h.caps.RealTime {
		d += 2 * h.caps.Precision
	}
	time.Sleep(d)
}

func (h *harness) check(ok bool, format string, args ...any) {
	h.Helper()
	if !ok {
		h.Fatalf(format, args...)
	}
}

func (h *harness) equal(got, want any, what string) {
	h.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		h.Fatalf("%s: got %s, want %s", what, cutText(g), cutText(w))
	}
}

func cutText(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

func (h *harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// job is a new job of kind "k".
func job(key, payload string) retryqueue.NewJob {
	return retryqueue.NewJob{Kind: "k", Key: key, Payload: json.RawMessage(payload)}
}

func jobOf(kind, key, group string) retryqueue.NewJob {
	return retryqueue.NewJob{Kind: kind, Key: key, Group: group, Payload: json.RawMessage(`1`)}
}

func latest(j retryqueue.NewJob) retryqueue.NewJob                   { j.Again = retryqueue.Latest; return j }
func forced(j retryqueue.NewJob) retryqueue.NewJob                   { j.Forced = true; return j }
func delayed(j retryqueue.NewJob, d time.Duration) retryqueue.NewJob { j.Delay = d; return j }

func (h *harness) insert(jobs ...retryqueue.NewJob) []retryqueue.Receipt {
	h.Helper()
	receipts, err := h.s.Insert(h.ctx, jobs)
	h.must(err)
	h.equal(len(receipts), len(jobs), "number of receipts")
	return receipts
}

func (h *harness) insertOne(j retryqueue.NewJob) retryqueue.Receipt {
	h.Helper()
	return h.insert(j)[0]
}

func (h *harness) claimKinds(lease time.Duration, kinds map[string]int) retryqueue.Claimed {
	h.Helper()
	claimed, err := h.s.Claim(h.ctx, retryqueue.Claim{Kinds: kinds, Lease: lease})
	h.must(err)
	return claimed
}

// claim asks for up to 100 jobs of kind "k".
func (h *harness) claim(lease time.Duration) []*retryqueue.Record {
	h.Helper()
	return h.claimKinds(lease, map[string]int{"k": 100}).Records
}

func (h *harness) claimOne(lease time.Duration) *retryqueue.Record {
	h.Helper()
	records := h.claim(lease)
	h.equal(len(records), 1, "number of claimed jobs")
	return records[0]
}

func (h *harness) claimNone(why string) {
	h.Helper()
	if records := h.claim(hour); len(records) > 0 {
		h.Fatalf("claimed %s %q: %s", records[0].Kind, records[0].Key, why)
	}
}

// await claims as soon as a job of kind "k" is due, which must be soon.
func (h *harness) await(lease time.Duration) *retryqueue.Record {
	h.Helper()
	for end := time.Now().Add(hour / 60); time.Now().Before(end); time.Sleep(h.unit / 20) {
		if records := h.claim(lease); len(records) > 0 {
			h.equal(len(records), 1, "number of claimed jobs")
			return records[0]
		}
	}
	h.Fatal("nothing became due")
	return nil
}

func (h *harness) settle(outcomes ...retryqueue.Outcome) []error {
	h.Helper()
	errs, err := h.s.Settle(h.ctx, outcomes)
	h.must(err)
	if len(outcomes) > 0 {
		h.equal(len(errs), len(outcomes), "number of Settle's answers")
	}
	return errs
}

// end settles one attempt that is in hand.
func (h *harness) end(r *retryqueue.Record, o retryqueue.Outcome) *retryqueue.Record {
	h.Helper()
	o.Lease = r.Lease
	h.must(h.settle(o)[0])
	return h.get(r.ID)
}

func (h *harness) succeed(r *retryqueue.Record) *retryqueue.Record {
	h.Helper()
	return h.end(r, retryqueue.Outcome{State: retryqueue.Succeeded})
}

func (h *harness) fail(r *retryqueue.Record) *retryqueue.Record {
	h.Helper()
	return h.end(r, retryqueue.Outcome{State: retryqueue.Failed, Error: "boom"})
}

func (h *harness) retry(r *retryqueue.Record, wait time.Duration) *retryqueue.Record {
	h.Helper()
	return h.end(r, retryqueue.Outcome{State: retryqueue.Retrying, Wait: wait, Error: "boom"})
}

// put brings a fresh job of kind "k" into a state. Retrying is due in an hour, Running under a lease of an hour.
func (h *harness) put(key string, state retryqueue.State) *retryqueue.Record {
	h.Helper()
	id := h.insertOne(job(key, `"old"`)).ID
	if state == retryqueue.Queued {
		return h.get(id)
	}
	r := h.claimOne(hour)
	h.equal(r.ID, id, "claimed job")
	switch state {
	case retryqueue.Running:
		return r
	case retryqueue.Retrying:
		return h.retry(r, hour)
	default:
		return h.end(r, retryqueue.Outcome{State: state, Error: "boom"})
	}
}

func (h *harness) find(q retryqueue.Query) retryqueue.Found {
	h.Helper()
	found, err := h.s.Find(h.ctx, q)
	h.must(err)
	return found
}

func (h *harness) get(id retryqueue.ID) *retryqueue.Record {
	h.Helper()
	found := h.find(retryqueue.Query{IDs: []retryqueue.ID{id}, History: true})
	h.equal(len(found.Records), 1, "number of found jobs")
	return found.Records[0]
}

func (h *harness) move(to retryqueue.State, ids ...retryqueue.ID) int {
	h.Helper()
	moved, err := h.s.Move(h.ctx, retryqueue.Move{IDs: ids, To: to, From: []retryqueue.State{
		retryqueue.Retrying, retryqueue.Failed, retryqueue.Succeeded, retryqueue.Discarded, retryqueue.Queued,
	}})
	h.must(err)
	return moved
}

// byHand moves one job to Queued and claims it.
func (h *harness) byHand(id retryqueue.ID, lease time.Duration) *retryqueue.Record {
	h.Helper()
	h.equal(h.move(retryqueue.Queued, id), 1, "moved")
	r := h.claimOne(lease)
	h.equal(r.ID, id, "claimed job")
	return r
}

func (h *harness) pause(kind string, d time.Duration) {
	h.Helper()
	h.must(h.s.Pause(h.ctx, retryqueue.KindPause{Kind: kind, For: d, Reason: "because"}))
}

// dueInAnHour checks a job's next attempt, as far as the store's clock can be known from outside.
func (h *harness) dueInAnHour(r *retryqueue.Record) {
	h.Helper()
	if h.caps.RealTime { // the server's clock may differ from ours by a little, and calls take time
		wait := r.NextAttemptAt.Sub(r.CreatedAt)
		h.check(wait > hour-2*h.caps.Precision && wait < hour+time.Minute, "next attempt %s after creation, want about an hour", wait)
		return
	}
	wait := time.Until(r.NextAttemptAt)
	h.check((wait-hour).Abs() <= h.caps.Precision, "next attempt in %s, want an hour", wait)
}

// about checks a length of time that the store measured against what went by between two moments here.
func (h *harness) about(got time.Duration, most, least time.Duration, what string) {
	h.Helper()
	h.check(got >= least-2*h.caps.Precision && got <= most+2*h.caps.Precision, "%s: got %s, want %s to %s", what, got, least, most)
}

func (h *harness) lost(err error, why string) {
	h.Helper()
	h.check(errors.Is(err, retryqueue.ErrLostLease), "want ErrLostLease: %s; got %v", why, err)
}

func keys(records []*retryqueue.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, r.Key)
	}
	return strings.Join(all, " ")
}
