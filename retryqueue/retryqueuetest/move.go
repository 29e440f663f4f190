package retryqueuetest

import (
	"database/sql"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

var moveCases = []testCase{
	{name: "Move/1/LeavesRunningAlone", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		for _, to := range []retryqueue.State{retryqueue.Queued, retryqueue.Discarded, ""} {
			n, err := h.s.Move(h.ctx, retryqueue.Move{IDs: []retryqueue.ID{r.ID}, From: []retryqueue.State{retryqueue.Running}, To: to})
			h.must(err)
			h.equal(n, 0, "moved")
		}
		h.succeed(r)
	}},
	{name: "Move/1/OnlyFrom", run: func(h *harness) {
		ids := shelf(h)
		var all []retryqueue.ID
		for _, id := range ids {
			all = append(all, id)
		}
		n, err := h.s.Move(h.ctx, retryqueue.Move{IDs: all, From: []retryqueue.State{retryqueue.Retrying, retryqueue.Failed}, To: retryqueue.Queued})
		h.must(err)
		h.equal(n, 2, "moved")
		found(h, retryqueue.Query{States: []retryqueue.State{retryqueue.Queued}}, "q t f L")
		found(h, retryqueue.Query{States: []retryqueue.State{retryqueue.Succeeded, retryqueue.Discarded, retryqueue.Running}}, "r s d")
	}},
	{name: "Move/1/FromNothing", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		n, err := h.s.Move(h.ctx, retryqueue.Move{IDs: []retryqueue.ID{r.ID}, To: retryqueue.Queued})
		h.must(err)
		h.equal(n, 0, "moved")
	}},
	{name: "Move/2/QueuedIsDueNowByHand", run: func(h *harness) {
		r := h.put("a", retryqueue.Retrying)
		h.equal(h.move(retryqueue.Queued, r.ID), 1, "moved")
		got := h.get(r.ID)
		h.equal(got.State, retryqueue.Queued, "state")
		h.check(got.ByHand, "ByHand is not set")
		h.equal(got.LastError, "boom", "error")
		h.equal(h.claimOne(hour).Attempts, 1, "attempts")
	}},
	{name: "Move/2/KeepsAttemptsAgeUnsure", run: func(h *harness) {
		before := time.Now()
		h.insertOne(job("a", `1`))
		inserted := time.Now()
		r := h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Failed, Unsure: true, Error: "lost"})
		h.pass(2 * h.unit)
		least := time.Since(inserted)
		got := h.byHand(r.ID, hour)
		h.equal(got.Attempts, 1, "attempts")
		h.check(got.Unsure && !got.Lapsed, "Unsure %v, Lapsed %v", got.Unsure, got.Lapsed)
		h.about(got.Age, time.Since(before), least, "age")
	}},
	{name: "Move/2/TwiceByHandRemembersTheFirst", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.equal(h.move(retryqueue.Queued, r.ID), 1, "moved")
		h.equal(h.move(retryqueue.Queued, r.ID), 1, "moved again")
		h.equal(h.retry(h.claimOne(hour), 0).State, retryqueue.Failed, "state: what it was before the first Move")
	}},
	{name: "Move/Discards", run: func(h *harness) {
		id := h.insertOne(job("a", `1`)).ID
		h.equal(h.move(retryqueue.Discarded, id), 1, "moved")
		r := h.get(id)
		h.equal(r.State, retryqueue.Discarded, "state")
		h.check(r.NextAttemptAt.IsZero(), "next attempt at %s", r.NextAttemptAt)
		h.claimNone("it is discarded")
	}},
	{name: "Move/DiscardsByHand", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.move(retryqueue.Queued, r.ID)
		h.move(retryqueue.Discarded, r.ID)
		got := h.get(r.ID)
		h.equal(got.State, retryqueue.Discarded, "state")
		h.check(!got.ByHand, "ByHand is still set")
	}},
	{name: "Move/Deletes", run: func(h *harness) {
		r := h.put("a", retryqueue.Succeeded)
		h.equal(h.move("", r.ID), 1, "moved")
		h.equal(len(h.find(retryqueue.Query{IDs: []retryqueue.ID{r.ID}}).Records), 0, "found")
		again := h.insertOne(job("a", `1`))
		h.check(again.Fresh && again.ID != r.ID, "receipt: %+v", again)
		h.equal(len(h.get(again.ID).History), 0, "history of the deleted one")
	}},
	{name: "Move/3/EachIDOnce", run: func(h *harness) {
		a, b := h.put("a", retryqueue.Failed), h.put("b", retryqueue.Failed)
		h.equal(h.move(retryqueue.Queued, a.ID, b.ID, a.ID, "gone"), 2, "moved")
		h.equal(h.move(retryqueue.Queued), 0, "moved of none")
	}},
	{name: "Move/3/ManyAtOnce", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		moved := make(chan int, 8)
		h.all(8, func(int) error {
			n, err := h.s.Move(h.ctx, retryqueue.Move{IDs: []retryqueue.ID{r.ID}, From: []retryqueue.State{retryqueue.Failed}, To: retryqueue.Queued})
			moved <- n
			return err
		})
		sum := 0
		for range 8 {
			sum += <-moved
		}
		h.equal(sum, 1, "moved in all")
	}},
}

var pauseCases = []testCase{
	{name: "Pause/1/HoldsAndResumes", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.pause("k", hour)
		h.claimNone("its kind is paused")
		h.pause("k", 0)
		h.claimOne(hour)
	}},
	{name: "Pause/1/EndsByItself", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.pause("k", 2*h.unit)
		h.claimNone("its kind is paused")
		h.await(hour)
		h.equal(len(h.find(retryqueue.Query{}).Paused), 0, "pauses")
	}},
	{name: "Pause/1/AnotherTakesItsPlace", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.pause("k", hour)
		h.pause("k", 2*h.unit)
		h.await(hour)
	}},
	{name: "Pause/1/ByHandToo", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.pause("k", hour)
		h.move(retryqueue.Queued, r.ID)
		h.claimNone("its kind is paused")
	}},
	{name: "Pause/1/RunningGoOn", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.pause("k", hour)
		h.equal(h.extend(2*hour, r.Lease), "", "lost")
		h.equal(h.succeed(r).State, retryqueue.Succeeded, "state")
	}},
	{name: "Pause/1/InEveryProcess", needs: func(c Caps) bool { return c.Reopen != nil }, run: func(h *harness) {
		h.insertOne(job("a", `1`))
		other := h.caps.Reopen(h.T, h.s)
		h.pause("k", hour)
		claimed, err := other.Claim(h.ctx, retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: hour})
		h.must(err)
		h.equal(len(claimed.Records), 0, "claimed in another process")
	}},
	{name: "Pause/Found", run: func(h *harness) {
		h.pause("l", 2*hour)
		h.pause("k", hour)
		h.pause("m", hour)
		h.pause("m", 0)
		p := h.find(retryqueue.Query{Kinds: []string{"k"}}).Paused
		h.equal(len(p), 2, "pauses")
		h.equal(p[0].Kind+p[0].Reason+p[1].Kind, "kbecausel", "pauses by name")
		h.check(p[0].For > hour/2 && p[0].For <= hour+h.caps.Precision, "left: %s", p[0].For)
	}},
	{name: "Pause/ForYears", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.pause("k", 10*365*24*hour)
		h.claimNone("its kind is paused")
	}},
	{name: "Pause/2/LeftOutOfAge", run: func(h *harness) {
		begin := time.Now()
		id := h.insertOne(job("a", `1`)).ID
		inserted := time.Now()
		h.pass(h.unit)
		pausing := time.Now()
		h.pause("k", hour)
		paused := time.Now()
		h.pass(3 * h.unit)
		resuming := time.Now()
		h.pause("k", 0)
		resumed := time.Now()
		h.pass(h.unit)
		least := pausing.Sub(inserted) + time.Since(resumed)
		age := h.get(id).Age
		h.about(age, time.Since(begin)-resuming.Sub(paused), least, "age")
	}},
	{name: "Pause/2/AgeStandsStill", run: func(h *harness) {
		id := h.insertOne(job("a", `1`)).ID
		h.pass(h.unit)
		h.pause("k", hour)
		first := h.get(id).Age
		h.pass(2 * h.unit)
		h.check((h.get(id).Age-first).Abs() <= 2*h.caps.Precision, "age %s, then %s while paused", first, h.get(id).Age)
		late := h.insertOne(job("b", `1`)).ID
		h.pass(h.unit)
		h.check(h.get(late).Age <= 2*h.caps.Precision, "age of a job born in the pause: %s", h.get(late).Age)
	}},
	{name: "Pause/2/EndedPausesAddUp", run: func(h *harness) {
		begin := time.Now()
		id := h.insertOne(job("a", `1`)).ID
		for range 3 {
			h.pause("k", 2*h.unit) // and ends by itself
			h.pass(2 * h.unit)
		}
		age, most := h.get(id).Age, time.Since(begin)-3*2*h.unit
		h.about(age, most, 0, "age")
	}},
	{name: "Pause/2/ReplacedPauseCountsOnce", run: func(h *harness) {
		id := h.insertOne(job("a", `1`)).ID
		begin := time.Now()
		h.pause("k", hour)
		h.pass(h.unit)
		h.pause("k", 2*hour)
		h.pass(h.unit)
		h.pause("k", 0)
		h.pass(h.unit)
		age := h.get(id).Age
		if h.caps.RealTime {
			h.check(age >= h.unit-2*h.caps.Precision && age <= time.Since(begin), "age %s", age)
		} else {
			h.about(age, h.unit, h.unit, "age")
		}
	}},
	{name: "Pause/2/OtherKindsAge", run: func(h *harness) {
		id := h.insertOne(jobOf("l", "a", "")).ID
		h.pause("k", hour)
		h.pass(2 * h.unit)
		h.check(h.get(id).Age >= 2*h.unit-2*h.caps.Precision, "age %s of a kind that is not paused", h.get(id).Age)
	}},
}

var txCases = []testCase{
	{name: "Tx/InsertCommitted", needs: hasTx, run: func(h *harness) {
		store, tx := h.begin()
		receipts, err := store.InsertTx(h.ctx, tx, []retryqueue.NewJob{job("a", `1`), job("b", `2`)})
		h.must(err)
		h.must(tx.Commit())
		h.check(receipts[0].Fresh && receipts[1].Fresh, "receipts: %+v", receipts)
		h.equal(keys(h.claim(hour)), "a b", "claimed")
	}},
	{name: "Tx/InsertRolledBack", needs: hasTx, run: func(h *harness) {
		store, tx := h.begin()
		_, err := store.InsertTx(h.ctx, tx, []retryqueue.NewJob{job("a", `1`)})
		h.must(err)
		h.must(tx.Rollback())
		h.equal(len(h.find(retryqueue.Query{}).Records), 0, "found")
		h.check(h.insertOne(job("a", `1`)).Fresh, "the key is taken")
	}},
	{name: "Tx/InsertKnownKey", needs: hasTx, run: func(h *harness) {
		old := h.put("a", retryqueue.Succeeded)
		store, tx := h.begin()
		receipts, err := store.InsertTx(h.ctx, tx, []retryqueue.NewJob{latest(job("a", `"new"`))})
		h.must(err)
		h.must(tx.Commit())
		h.equal(receipts[0], retryqueue.Receipt{ID: old.ID, State: retryqueue.Queued}, "receipt")
		h.equal(string(h.claimOne(hour).Payload), `"new"`, "payload")
	}},
	{name: "Tx/SettleCommitted", needs: hasTx, run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		store, tx := h.begin()
		errs, err := store.SettleTx(h.ctx, tx, []retryqueue.Outcome{{Lease: r.Lease, State: retryqueue.Succeeded}})
		h.must(err)
		h.must(errs[0])
		h.must(tx.Commit())
		h.equal(h.get(r.ID).State, retryqueue.Succeeded, "state")
		h.equal(h.succeed(r).State, retryqueue.Succeeded, "state: the runner repeats the outcome")
		h.equal(len(h.get(r.ID).History), 1, "history")
	}},
	{name: "Tx/SettleRolledBack", needs: hasTx, run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		store, tx := h.begin()
		_, err := store.SettleTx(h.ctx, tx, []retryqueue.Outcome{{Lease: r.Lease, State: retryqueue.Succeeded}})
		h.must(err)
		h.must(tx.Rollback())
		h.equal(h.get(r.ID).State, retryqueue.Running, "state")
		h.equal(h.retry(r, 0).State, retryqueue.Retrying, "state")
	}},
	{name: "Tx/SettleStaleHolder", needs: hasTx, run: func(h *harness) {
		h.insertOne(job("a", `1`))
		old := h.claimOne(h.unit)
		h.await(hour)
		store, tx := h.begin()
		errs, err := store.SettleTx(h.ctx, tx, []retryqueue.Outcome{{Lease: old.Lease, State: retryqueue.Succeeded}})
		h.must(err)
		h.lost(errs[0], "another has the job")
		h.must(tx.Rollback())
	}},
}

func hasTx(c Caps) bool { return c.Begin != nil }

func (h *harness) begin() (retryqueue.TxStore, *sql.Tx) {
	h.Helper()
	store, ok := h.s.(retryqueue.TxStore)
	h.check(ok, "%T is no retryqueue.TxStore", h.s)
	return store, h.caps.Begin(h.T, h.s)
}
