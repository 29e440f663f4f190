package retryqueuetest

import (
	"encoding/json"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Cases for retryqueue.Pruner, skipped where the store is none.
var pruneCases = []testCase{
	{name: "Prune/KeepsTheLedger", run: func(h *harness) {
		p := h.pruner()
		r := h.put("a", retryqueue.Running)
		old := h.end(r, retryqueue.Outcome{State: retryqueue.Succeeded, Result: json.RawMessage(`"INV/7"`)})
		h.check(!old.Pruned, "pruned before it was")
		h.equal(h.prune(p, 0, 100), 1, "pruned")
		got := h.get(old.ID)
		h.check(got.Pruned, "not marked")
		h.equal(len(got.Payload)+len(got.History)+len(got.LastError), 0, "bytes of payload, history and error")
		h.equal(string(got.Result), `"INV/7"`, "result")
		h.equal([]any{got.Kind, got.Key, got.State, got.CreatedAt}, []any{old.Kind, old.Key, old.State, old.CreatedAt}, "the ledger")
		h.equal(h.prune(p, 0, 100), 0, "pruned a second time")
	}},
	{name: "Prune/DropsErrors", run: func(h *harness) {
		p := h.pruner()
		r := h.put("a", retryqueue.Discarded)
		h.equal(r.LastError, "boom", "error")
		h.equal(h.prune(p, 0, 100), 1, "pruned")
		h.equal(h.get(r.ID).LastError, "", "error")
		h.equal(h.find(retryqueue.Query{ErrorContains: "boom", Count: true}).Total, 0, "found by the error")
	}},
	{name: "Prune/KnownKeyIsNotFresh", run: func(h *harness) {
		p := h.pruner()
		id := h.put("a", retryqueue.Succeeded).ID
		h.equal(h.prune(p, 0, 100), 1, "pruned")
		h.equal(h.insertOne(job("a", `"late"`)), retryqueue.Receipt{ID: id, State: retryqueue.Succeeded}, "receipt of a late webhook")
		h.claimNone("it was delivered long ago")
		h.check(h.get(id).Pruned, "no longer pruned")
	}},
	{name: "Prune/DiscardedStaysDiscarded", run: func(h *harness) {
		p := h.pruner()
		id := h.put("a", retryqueue.Discarded).ID
		h.equal(h.prune(p, 0, 100), 1, "pruned")
		h.equal(h.insertOne(job("a", `"late"`)), retryqueue.Receipt{ID: id, State: retryqueue.Discarded}, "receipt")
		h.claimNone("it is not wanted")
	}},
	{name: "Prune/ForcedDeliversAgain", run: func(h *harness) { h.livesAgain(forced(job("a", `"new"`))) }},
	{name: "Prune/LatestDeliversAgain", run: func(h *harness) { h.livesAgain(latest(job("a", `"new"`))) }},
	{name: "Prune/LeavesOthers", run: func(h *harness) {
		p := h.pruner()
		states := []retryqueue.State{retryqueue.Failed, retryqueue.Retrying, retryqueue.Running, retryqueue.Queued}
		var all []*retryqueue.Record
		for _, state := range states {
			all = append(all, h.put(string(state), state))
		}
		h.insertOne(jobOf("other", "x", ""))
		h.succeed(h.claimKinds(hour, map[string]int{"other": 1}).Records[0])
		for _, remove := range []bool{false, true} {
			n, err := p.Prune(h.ctx, retryqueue.Prune{Kind: "k", Limit: 100, Delete: remove})
			h.must(err)
			h.equal(n, 0, "pruned")
		}
		for i, r := range all {
			got := h.get(r.ID)
			h.equal(got.State, states[i], "state")
			h.equal(string(got.Payload), `"old"`, "payload")
		}
		h.equal(h.find(retryqueue.Query{Kinds: []string{"other"}, Count: true}).Total, 1, "jobs of another kind")
	}},
	{name: "Prune/Age", run: func(h *harness) {
		p := h.pruner()
		a := h.put("a", retryqueue.Succeeded)
		age := 5 * h.unit // a busy machine may take long between the two
		h.pass(2 * age)
		h.equal(h.prune(p, hour, 100), 0, "pruned before the hour is over")
		b := h.put("b", retryqueue.Succeeded)
		h.equal(h.prune(p, age, 100), 1, "pruned")
		h.check(h.get(a.ID).Pruned && !h.get(b.ID).Pruned, "the younger one was pruned")
	}},
	{name: "Prune/AgeIsSinceTheEnd", run: func(h *harness) {
		p := h.pruner()
		r := h.put("a", retryqueue.Running)
		age := 5 * h.unit
		h.pass(2 * age)
		h.succeed(r)
		h.equal(h.prune(p, age, 100), 0, "pruned, although it succeeded a moment ago")
	}},
	{name: "Prune/Limit", run: func(h *harness) {
		p := h.pruner()
		for _, key := range []string{"a", "b", "c"} {
			h.put(key, retryqueue.Succeeded)
		}
		for _, want := range []int{2, 1, 0} {
			h.equal(h.prune(p, 0, 2), want, "pruned")
		}
	}},
	{name: "Prune/Delete", run: func(h *harness) {
		p := h.pruner()
		h.put("a", retryqueue.Succeeded)
		n, err := p.Prune(h.ctx, retryqueue.Prune{Kind: "k", Limit: 100, Delete: true})
		h.must(err)
		h.equal(n, 1, "pruned")
		found := h.find(retryqueue.Query{Count: true})
		h.equal([]int{len(found.Records), found.Total, len(found.ByState)}, []int{0, 0, 0}, "what is left")
		h.check(h.insertOne(job("a", `"new"`)).Fresh, "the key is known still")
		h.equal(string(h.claimOne(hour).Payload), `"new"`, "payload")
	}},
	{name: "Prune/MoveLeavesPruned", run: func(h *harness) {
		p := h.pruner()
		id := h.put("a", retryqueue.Succeeded).ID
		h.equal(h.prune(p, 0, 100), 1, "pruned")
		h.equal(h.move(retryqueue.Queued, id), 0, "moved: there is nothing to deliver")
		h.equal(h.get(id).State, retryqueue.Succeeded, "state")
		h.equal(h.move("", id), 1, "deleted")
		h.equal(h.find(retryqueue.Query{Count: true}).Total, 0, "what is left")
	}},
	{name: "Prune/LeavesWhatLivesAgain", run: func(h *harness) {
		p := h.pruner()
		r := h.byHand(h.put("a", retryqueue.Succeeded).ID, hour)
		h.equal(h.prune(p, 0, 100), 0, "pruned while it runs")
		h.equal(len(h.succeed(r).History), 2, "history")
		h.equal(h.prune(p, 0, 100), 1, "pruned once it has ended again")
	}},
	{name: "Prune/DiscardedByHand", run: func(h *harness) {
		p := h.pruner()
		id := h.put("a", retryqueue.Failed).ID
		h.equal(h.prune(p, 0, 100), 0, "pruned while it waits for a person")
		h.equal(h.move(retryqueue.Discarded, id), 1, "moved")
		h.equal(h.prune(p, 0, 100), 1, "pruned")
	}},
	{name: "Prune/Counted", run: func(h *harness) {
		p := h.pruner()
		h.put("a", retryqueue.Succeeded)
		h.put("b", retryqueue.Succeeded)
		h.equal(h.prune(p, 0, 1), 1, "pruned")
		found := h.find(retryqueue.Query{Count: true, States: []retryqueue.State{retryqueue.Succeeded}})
		h.equal([]int{found.Total, found.ByState[retryqueue.Succeeded], len(found.Records)}, []int{2, 2, 2}, "counts")
	}},
}

// livesAgain prunes a job, inserts j, which revives it, and sees that it starts from the beginning.
func (h *harness) livesAgain(j retryqueue.NewJob) {
	h.Helper()
	p := h.pruner()
	id := h.put("a", retryqueue.Succeeded).ID
	h.equal(h.prune(p, 0, 100), 1, "pruned")
	h.equal(h.insertOne(j), retryqueue.Receipt{ID: id, State: retryqueue.Queued}, "receipt")
	r := h.claimOne(hour)
	h.equal(string(r.Payload), string(j.Payload), "payload")
	h.check(!r.Pruned, "still marked as pruned")
	h.equal(r.Attempts, 1, "attempts")
	got := h.succeed(r)
	h.equal(len(got.History), 1, "history")
	h.check(!got.Pruned, "still marked as pruned")
	h.equal(h.prune(p, 0, 100), 1, "pruned once more")
}

func (h *harness) pruner() retryqueue.Pruner {
	h.Helper()
	p, ok := h.s.(retryqueue.Pruner)
	if !ok {
		h.Skipf("%T is no retryqueue.Pruner", h.s)
	}
	return p
}

// prune prunes jobs of kind "k", as of a kind with Once.
func (h *harness) prune(p retryqueue.Pruner, age time.Duration, limit int) int {
	h.Helper()
	n, err := p.Prune(h.ctx, retryqueue.Prune{Kind: "k", Age: age, Limit: limit})
	h.must(err)
	return n
}
