package retryqueuetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

var insertCases = []testCase{
	{name: "Insert/1/SurvivesReopen", needs: func(c Caps) bool { return c.Reopen != nil }, run: func(h *harness) {
		id := h.insertOne(job("a", `"x"`)).ID
		h.s = h.caps.Reopen(h.T, h.s)
		r := h.claimOne(hour)
		h.equal(r.ID, id, "job")
		h.equal(string(r.Payload), `"x"`, "payload")
	}},
	{name: "Insert/2/KnownKeyHasItsReceipt", run: func(h *harness) {
		first := h.insertOne(job("a", `1`))
		h.equal(first.State, retryqueue.Queued, "state")
		h.check(first.Fresh && first.ID != "", "first receipt: %+v", first)
		again := h.insertOne(job("a", `2`))
		h.equal(again, retryqueue.Receipt{ID: first.ID, State: retryqueue.Queued}, "second receipt")
		h.equal(h.find(retryqueue.Query{Count: true}).Total, 1, "rows")
	}},
	{name: "Insert/2/KindsDoNotShareKeys", run: func(h *harness) {
		r := h.insert(jobOf("k", "a", ""), jobOf("l", "a", ""))
		h.check(r[0].Fresh && r[1].Fresh && r[0].ID != r[1].ID, "receipts: %+v", r)
	}},
	{name: "Insert/2/KindsDifferByBytes", run: func(h *harness) {
		r := h.insert(jobOf("k", "a", ""), jobOf("K", "a", ""))
		h.check(r[0].Fresh && r[1].Fresh, "receipts: %+v", r)
		h.equal(len(h.claim(hour)), 1, "claimed of kind k")
	}},
	{name: "Insert/2/KeysDifferByBytes", run: func(h *harness) {
		names := []string{"a", "A", "a ", " a", "a\t", "ä", "a\u0308", "ß", "ss", "ı", "i", "I", "日本", "日 本", "😀", "%", "_", "'", `"`, `\`,
			strings.Repeat("x", retryqueue.MaxKey), strings.Repeat("x", retryqueue.MaxKey-1) + "y", strings.Repeat("é", retryqueue.MaxKey/2)}
		var jobs []retryqueue.NewJob
		for _, n := range names {
			jobs = append(jobs, job(n, `1`))
		}
		for i, r := range h.insert(jobs...) {
			h.check(r.Fresh, "key %q was taken for another", names[i])
			h.equal(h.get(r.ID).Key, names[i], "key")
		}
	}},
	{name: "Insert/2/LongestNames", run: func(h *harness) {
		j := jobOf(strings.Repeat("k", retryqueue.MaxKind), strings.Repeat("😀", retryqueue.MaxKey/4), strings.Repeat("g", retryqueue.MaxKey))
		r := h.get(h.insertOne(j).ID)
		h.equal(r.Kind+r.Key+r.Group, j.Kind+j.Key+j.Group, "names")
	}},
	{name: "Insert/2/EmptyKeyBecomesTheID", run: func(h *harness) {
		r := h.insert(job("", `1`), job("", `2`))
		h.check(r[0].Fresh && r[1].Fresh && r[0].ID != r[1].ID, "receipts: %+v", r)
		h.equal(h.get(r[0].ID).Key, r[0].ID, "key")
		h.check(!h.insertOne(job(string(r[0].ID), `3`)).Fresh, "the ID is the key from now on")
	}},
	{name: "Insert/2/OnceQueued", run: func(h *harness) {
		h.insertOne(delayed(job("a", `"old"`), hour))
		r := h.get(h.insertOne(job("a", `"new"`)).ID)
		h.equal(string(r.Payload), `"new"`, "payload")
		h.dueInAnHour(r)
		h.claimNone("the schedule is kept")
	}},
	{name: "Insert/2/OnceRetrying", run: func(h *harness) {
		h.put("a", retryqueue.Retrying)
		receipt := h.insertOne(job("a", `"new"`))
		h.equal(receipt.State, retryqueue.Retrying, "state")
		r := h.get(receipt.ID)
		h.equal(string(r.Payload), `"new"`, "payload")
		h.equal(r.Attempts, 1, "attempts")
		h.dueInAnHour(r)
		h.claimNone("the schedule is kept")
	}},
	{name: "Insert/2/OnceFailedStaysFailed", run: func(h *harness) {
		h.put("a", retryqueue.Failed)
		receipt := h.insertOne(job("a", `"new"`))
		h.equal(receipt.State, retryqueue.Failed, "state")
		h.equal(string(h.get(receipt.ID).Payload), `"new"`, "payload")
		h.claimNone("a failed job waits for a person")
	}},
	{name: "Insert/2/OnceSucceededIsNeverDoneAgain", run: func(h *harness) {
		h.put("a", retryqueue.Succeeded)
		receipt := h.insertOne(job("a", `"new"`))
		h.check(!receipt.Fresh, "receipt: %+v", receipt)
		h.equal(receipt.State, retryqueue.Succeeded, "state")
		h.equal(string(h.get(receipt.ID).Payload), `"old"`, "payload")
		h.claimNone("it has succeeded")
	}},
	{name: "Insert/2/OnceDiscardedStaysDiscarded", run: func(h *harness) {
		h.put("a", retryqueue.Discarded)
		receipt := h.insertOne(job("a", `"new"`))
		h.equal(receipt.State, retryqueue.Discarded, "state")
		h.claimNone("it is discarded")
	}},
	{name: "Insert/2/ForcedSucceeded", run: func(h *harness) { againFrom(h, retryqueue.Succeeded, forced) }},
	{name: "Insert/2/ForcedFailed", run: func(h *harness) { againFrom(h, retryqueue.Failed, forced) }},
	{name: "Insert/2/ForcedDiscarded", run: func(h *harness) { againFrom(h, retryqueue.Discarded, forced) }},
	{name: "Insert/2/LatestSucceeded", run: func(h *harness) { againFrom(h, retryqueue.Succeeded, latest) }},
	{name: "Insert/2/LatestFailed", run: func(h *harness) { againFrom(h, retryqueue.Failed, latest) }},
	{name: "Insert/2/LatestDiscarded", run: func(h *harness) { againFrom(h, retryqueue.Discarded, latest) }},
	{name: "Insert/2/LatestAgainWithDelay", run: func(h *harness) {
		h.put("a", retryqueue.Succeeded)
		h.insertOne(delayed(latest(job("a", `"new"`)), hour))
		h.claimNone("it is due in an hour")
	}},
	{name: "Insert/2/ForcedWaitingKeepsItsSchedule", run: func(h *harness) {
		h.put("a", retryqueue.Retrying)
		r := h.get(h.insertOne(forced(job("a", `"new"`))).ID)
		h.equal(string(r.Payload), `"new"`, "payload")
		h.equal(r.State, retryqueue.Retrying, "state")
		h.claimNone("Forced is for jobs that run or have ended")
	}},
	{name: "Insert/2/LatestQueuedIsPulledForward", run: func(h *harness) {
		h.insertOne(delayed(latest(job("a", `"old"`)), hour))
		h.insertOne(latest(job("a", `"new"`)))
		h.equal(string(h.claimOne(hour).Payload), `"new"`, "payload")
	}},
	{name: "Insert/2/LatestIsNeverPutOff", run: func(h *harness) {
		h.insertOne(latest(job("a", `"old"`)))
		h.insertOne(delayed(latest(job("a", `"new"`)), hour))
		h.equal(string(h.claimOne(hour).Payload), `"new"`, "payload")
	}},
	{name: "Insert/2/LatestRetryingIsDueNow", run: func(h *harness) {
		h.put("a", retryqueue.Retrying)
		h.equal(h.insertOne(latest(job("a", `"new"`))).State, retryqueue.Retrying, "state")
		r := h.claimOne(hour)
		h.equal(string(r.Payload), `"new"`, "payload")
		h.equal(r.Attempts, 2, "attempts go on")
	}},
	{name: "Insert/2/WithinOneBatch", run: func(h *harness) {
		r := h.insert(job("a", `1`), job("b", `2`), job("a", `3`))
		h.check(r[0].Fresh && r[1].Fresh && !r[2].Fresh && r[0].ID == r[2].ID, "receipts: %+v", r)
		h.equal(string(h.get(r[0].ID).Payload), `3`, "payload")
	}},
	{name: "Insert/2/FirstGroupAndCreationStay", run: func(h *harness) {
		j := job("a", `1`)
		j.Group = "g"
		first := h.get(h.insertOne(j).ID)
		h.pass(h.unit)
		j.Group = "other"
		second := h.get(h.insertOne(latest(j)).ID)
		h.equal(second.Group, "g", "group")
		h.check(second.CreatedAt.Equal(first.CreatedAt), "created %s, then %s", first.CreatedAt, second.CreatedAt)
	}},
	{name: "Insert/2/UnsureStays", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Failed, Unsure: true, Error: "lost"})
		h.insertOne(forced(job("a", `2`)))
		r := h.claimOne(hour)
		h.check(r.Unsure, "the earlier attempt may still have had its effect")
		h.equal(r.Attempts, 1, "attempts")
	}},
	{name: "Insert/2/ByHandStays", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.move(retryqueue.Queued, r.ID)
		h.insertOne(job("a", `"new"`))
		got := h.claimOne(hour)
		h.check(got.ByHand, "ByHand is gone")
		h.equal(string(got.Payload), `"new"`, "payload")
	}},
	{name: "Insert/2/ManyAtOnceOneRow", run: func(h *harness) {
		var mu sync.Mutex
		fresh, ids := 0, map[retryqueue.ID]bool{}
		h.all(16, func(n int) error {
			for round := range 5 {
				receipts, err := h.s.Insert(h.ctx, []retryqueue.NewJob{job(fmt.Sprint("a", round), fmt.Sprint(n))})
				if err != nil {
					return err
				}
				mu.Lock()
				ids[receipts[0].ID] = true
				if receipts[0].Fresh {
					fresh++
				}
				mu.Unlock()
			}
			return nil
		})
		h.equal(fresh, 5, "fresh receipts")
		h.equal(len(ids), 5, "jobs")
	}},
	{name: "Insert/2/OverlappingBatches", run: func(h *harness) {
		// Batches that hold the same keys in opposite orders must neither deadlock nor double.
		h.all(8, func(n int) error {
			var jobs []retryqueue.NewJob
			for i := range 20 {
				if n%2 == 0 {
					i = 19 - i
				}
				jobs = append(jobs, latest(job(fmt.Sprint("a", i), fmt.Sprint(n))))
			}
			_, err := h.s.Insert(h.ctx, jobs)
			return err
		})
		h.equal(h.find(retryqueue.Query{Count: true}).Total, 20, "rows")
	}},
	{name: "Insert/3/AtTheJobsIndex", run: func(h *harness) {
		known := map[string]retryqueue.ID{}
		for i := 0; i < 50; i += 3 {
			key := fmt.Sprint("a", i)
			known[key] = h.insertOne(job(key, `1`)).ID
		}
		var jobs []retryqueue.NewJob
		for i := range 50 {
			jobs = append(jobs, job(fmt.Sprint("a", i), fmt.Sprint(i)))
		}
		for i, r := range h.insert(jobs...) {
			h.equal(r.Fresh, i%3 != 0, fmt.Sprint("fresh at ", i))
			if id, ok := known[jobs[i].Key]; ok {
				h.equal(r.ID, id, fmt.Sprint("ID at ", i))
			}
			got := h.get(r.ID)
			h.equal(got.Key, jobs[i].Key, fmt.Sprint("key at ", i))
			h.equal(string(got.Payload), fmt.Sprint(i), fmt.Sprint("payload at ", i))
		}
	}},
	{name: "Insert/3/IDsSortByInsert", run: func(h *harness) {
		var last retryqueue.ID
		for i := range 30 {
			for _, r := range h.insert(job(fmt.Sprint("a", i), `1`), job(fmt.Sprint("b", i), `1`)) {
				h.check(r.ID > last, "ID %s after %s", r.ID, last)
				last = r.ID
			}
		}
	}},
	{name: "Insert/3/NoJobs", run: func(h *harness) {
		h.equal(len(h.insert()), 0, "receipts")
	}},
	{name: "Insert/4/PayloadBytes", run: func(h *harness) {
		payloads := []string{
			`null`, `""`, `{}`, `[]`, `{ "b" : 1,  "a":2, "b":3 }`, "{\n\t\"a\": 1\n}", `"\u0000"`, `"\ud800"`, `"é\u00e9😀"`,
			`123456789012345678901234567890.10`, `1e400`, `"<&>\u2028"`, `"'; drop table jobs; --"`, `"%s %d ? $1 :a \\"`,
			`"` + strings.Repeat("日本語 ", 100) + `"`,
		}
		var jobs []retryqueue.NewJob
		for i, p := range payloads {
			jobs = append(jobs, job(fmt.Sprint("a", i), p))
		}
		for i, r := range h.insert(jobs...) {
			h.equal(string(h.get(r.ID).Payload), payloads[i], "payload as found")
		}
		for i, r := range h.claim(hour) {
			h.equal(string(r.Payload), payloads[i], "payload as claimed")
		}
	}},
	{name: "Insert/4/PayloadOfOneMiB", run: func(h *harness) {
		payload := `"` + strings.Repeat("0123456789abcdef", 1<<16) + `"`
		h.insertOne(job("a", payload))
		h.check(string(h.claimOne(hour).Payload) == payload, "payload changed")
	}},
	{name: "Insert/4/BytesAreCopied", run: func(h *harness) {
		j := job("a", `"old"`)
		id := h.insertOne(j).ID
		copy(j.Payload, `"bad"`)
		copy(h.get(id).Payload, `"bad"`)
		r := h.claimOne(hour)
		h.equal(string(r.Payload), `"old"`, "payload")
		copy(r.Payload, `"bad"`)
		h.equal(string(h.get(id).Payload), `"old"`, "payload")
	}},
	{name: "Insert/DelayIsWaitedFor", run: func(h *harness) {
		before := time.Now()
		h.insertOne(delayed(job("a", `1`), 2*h.unit))
		h.claimNone("its delay is not over")
		h.await(hour)
		h.check(time.Since(before) >= 2*h.unit-h.caps.Precision, "claimed after %s of %s", time.Since(before), 2*h.unit)
	}},
	{name: "Insert/AgeBeginsWhenDue", run: func(h *harness) {
		before := time.Now()
		h.insertOne(delayed(job("a", `1`), 2*h.unit))
		r := h.await(hour)
		h.about(r.Age, time.Since(before)-2*h.unit, 0, "age")
	}},
	{name: "Context/Ended", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		refused := func(what string, err error) {
			h.Helper()
			h.check(errors.Is(err, context.Canceled), "%s with an ended context: %v", what, err)
		}
		_, err := h.s.Insert(ctx, []retryqueue.NewJob{job("b", `1`)})
		refused("Insert", err)
		_, err = h.s.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: hour})
		refused("Claim", err)
		_, err = h.s.Settle(ctx, []retryqueue.Outcome{{Lease: r.Lease, State: retryqueue.Succeeded}})
		refused("Settle", err)
		_, err = h.s.Extend(ctx, []retryqueue.Lease{r.Lease}, hour)
		refused("Extend", err)
		_, err = h.s.Find(ctx, retryqueue.Query{})
		refused("Find", err)
		_, err = h.s.Move(ctx, retryqueue.Move{IDs: []retryqueue.ID{r.ID}, From: []retryqueue.State{retryqueue.Failed}})
		refused("Move", err)
		refused("Pause", h.s.Pause(ctx, retryqueue.KindPause{Kind: "k", For: hour}))
		found := h.find(retryqueue.Query{})
		h.equal(len(found.Records), 1, "rows")
		h.equal(found.Records[0].State, retryqueue.Running, "state")
		h.equal(len(found.Paused), 0, "pauses")
	}},
}

// againFrom checks that a job that has ended is queued again as if new.
func againFrom(h *harness, state retryqueue.State, how func(retryqueue.NewJob) retryqueue.NewJob) {
	h.Helper()
	old := h.put("a", state)
	h.pass(h.unit)
	before := time.Now()
	receipt := h.insertOne(how(job("a", `"new"`)))
	h.equal(receipt, retryqueue.Receipt{ID: old.ID, State: retryqueue.Queued}, "receipt")
	r := h.claimOne(hour)
	h.equal(string(r.Payload), `"new"`, "payload")
	h.equal(r.Attempts, 1, "attempts start again")
	h.about(r.Age, time.Since(before), 0, "age starts again")
	h.check(r.CreatedAt.Equal(old.CreatedAt), "created %s, then %s", old.CreatedAt, r.CreatedAt)
	h.check(json.Valid(r.Payload) && !r.ByHand, "record: %+v", r)
}

// all runs n goroutines and fails with the first error.
func (h *harness) all(n int, run func(n int) error) {
	h.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- run(i) }()
	}
	for range n {
		if err := <-errs; err != nil {
			h.Error(err)
		}
	}
	if h.Failed() {
		h.FailNow()
	}
}
