// Package model compares a retryqueue.Store with the memory store by random steps. It stands apart from package retryqueuetest because it needs
// pgregory.net/rapid, and the suite needs nothing but testing.
package model

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tillwire/tillwire/retryqueue"
)

// LikeMemory gives the same random steps, in the same virtual time, to the stores that fresh makes and to memory stores: after each step both
// must say the same of every job. It must be called in a testing/synctest bubble, on stores whose clock is time.Now; fresh is called for every
// sequence of steps, and returns a store without jobs.
func LikeMemory(t *testing.T, fresh func() retryqueue.Store) {
	rapid.Check(noDeadline{t}, func(rt *rapid.T) {
		twins := &twins{t: rt, outer: t, ours: fresh(), memory: retryqueue.NewMemoryStore(), ids: map[retryqueue.ID]retryqueue.ID{}}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			twins.step()
			twins.compare()
		}
	})
}

// noDeadline keeps rapid from asking for the test's deadline, which a bubble forbids.
type noDeadline struct{ testing.TB }

// twins are a store and the memory store under the same steps.
type twins struct {
	t            *rapid.T
	outer        *testing.T
	ours, memory retryqueue.Store
	ids          map[retryqueue.ID]retryqueue.ID // ours to memory's
	order        []retryqueue.ID                 // ours, by insertion
	leases       [][2]retryqueue.Lease           // every lease ever given: also the lost ones are tried
}

var (
	kindNames = []string{"a", "b"}
	someWaits = []time.Duration{0, time.Second, 10 * time.Second, time.Minute}
	allStates = []retryqueue.State{retryqueue.Queued, retryqueue.Running, retryqueue.Retrying, retryqueue.Succeeded,
		retryqueue.Failed, retryqueue.Discarded}
)

func pick[T any](t *rapid.T, from []T, what string) T { return rapid.SampledFrom(from).Draw(t, what) }

func (w *twins) flag(what string) bool { return rapid.Bool().Draw(w.t, what) }

func (w *twins) step() {
	ctx := w.outer.Context()
	switch pick(w.t, []string{"insert", "insert", "claim", "claim", "settle", "settle", "extend", "move", "prune", "pause", "wait", "wait"}, "step") {
	case "insert":
		var jobs []retryqueue.NewJob
		for range rapid.IntRange(1, 4).Draw(w.t, "n") {
			jobs = append(jobs, retryqueue.NewJob{
				Kind: pick(w.t, kindNames, "kind"), Key: pick(w.t, []string{"x", "y", "z", "Z", "z "}, "key"),
				Group:   pick(w.t, []string{"", "", "g", "h"}, "group"),
				Payload: fmt.Appendf(nil, "%d", rapid.IntRange(0, 9).Draw(w.t, "payload")),
				Again:   pick(w.t, []retryqueue.Again{retryqueue.Once, retryqueue.Latest}, "again"),
				Forced:  rapid.IntRange(0, 4).Draw(w.t, "forced") == 0, Delay: pick(w.t, someWaits, "delay"),
			})
		}
		ours, err := w.ours.Insert(ctx, jobs)
		w.must(err)
		memory, err := w.memory.Insert(ctx, jobs)
		w.must(err)
		for i := range ours {
			if ours[i].Fresh {
				w.ids[ours[i].ID] = memory[i].ID
				w.order = append(w.order, ours[i].ID)
			}
			ours[i].ID = w.ids[ours[i].ID]
		}
		w.same(memory, ours)
	case "claim":
		c := retryqueue.Claim{Kinds: map[string]int{}, Lease: pick(w.t, someWaits[1:], "lease")}
		for _, k := range kindNames {
			c.Kinds[k] = rapid.IntRange(0, 3).Draw(w.t, "most")
		}
		ours, err := w.ours.Claim(ctx, c)
		w.must(err)
		memory, err := w.memory.Claim(ctx, c)
		w.must(err)
		w.same(len(memory.Records), len(ours.Records))
		for i, r := range ours.Records {
			w.leases = append(w.leases, [2]retryqueue.Lease{r.Lease, memory.Records[i].Lease})
			w.same(memory.Records[i].Lease.Until, r.Lease.Until)
			r.Lease, memory.Records[i].Lease = retryqueue.Lease{}, retryqueue.Lease{}
			w.sameRecord(memory.Records[i], r)
		}
	case "settle":
		if len(w.leases) == 0 {
			return
		}
		var ours, memory []retryqueue.Outcome
		for range rapid.IntRange(1, 3).Draw(w.t, "n") {
			l := pick(w.t, w.leases, "lease")
			o := retryqueue.Outcome{
				State: pick(w.t, []retryqueue.State{retryqueue.Succeeded, retryqueue.Retrying, retryqueue.Retrying, retryqueue.Failed,
					retryqueue.Discarded, retryqueue.Queued}, "state"),
				Wait: pick(w.t, someWaits, "wait"), Unsure: w.flag("unsure"), Probed: w.flag("probed"), Reset: w.flag("reset"),
				Error: pick(w.t, []string{"", "boom", "Bang <é>"}, "error"),
			}
			if rapid.IntRange(0, 5).Draw(w.t, "pauses") == 0 {
				o.Pause = pick(w.t, someWaits, "pause")
			}
			if o.State == retryqueue.Queued { // an uncounted attempt is one that is made again
				o.Uncounted = w.flag("uncounted")
			}
			if w.flag("has result") {
				o.Result = []byte(`"done"`)
			}
			o.Lease = l[0]
			ours = append(ours, o)
			o.Lease = l[1]
			memory = append(memory, o)
		}
		got, err := w.ours.Settle(ctx, ours)
		w.must(err)
		want, err := w.memory.Settle(ctx, memory)
		w.must(err)
		w.same(want, got)
	case "extend":
		if len(w.leases) == 0 {
			return
		}
		l, by := pick(w.t, w.leases, "lease"), pick(w.t, someWaits[1:], "by")
		got, err := w.ours.Extend(ctx, []retryqueue.Lease{l[0]}, by)
		w.must(err)
		want, err := w.memory.Extend(ctx, []retryqueue.Lease{l[1]}, by)
		w.must(err)
		w.same(len(want), len(got))
	case "move":
		if len(w.order) == 0 {
			return
		}
		ours := retryqueue.Move{From: allStates, To: pick(w.t, []retryqueue.State{retryqueue.Queued, retryqueue.Queued,
			retryqueue.Discarded, ""}, "to")}
		if w.flag("only failed") {
			ours.From = []retryqueue.State{retryqueue.Failed}
		}
		memory := ours
		for range rapid.IntRange(1, 3).Draw(w.t, "n") {
			id := pick(w.t, w.order, "id")
			ours.IDs, memory.IDs = append(ours.IDs, id), append(memory.IDs, w.ids[id])
		}
		got, err := w.ours.Move(ctx, ours)
		w.must(err)
		want, err := w.memory.Move(ctx, memory)
		w.must(err)
		w.same(want, got)
	case "prune":
		pruner, can := w.ours.(retryqueue.Pruner)
		if !can {
			return
		}
		p := retryqueue.Prune{Kind: pick(w.t, kindNames, "kind"), Age: pick(w.t, someWaits, "age"), Delete: w.flag("delete"), Limit: 100}
		got, err := pruner.Prune(ctx, p)
		w.must(err)
		want, err := w.memory.(retryqueue.Pruner).Prune(ctx, p)
		w.must(err)
		w.same(want, got)
	case "pause":
		p := retryqueue.KindPause{Kind: pick(w.t, kindNames, "kind"), Reason: "by hand", For: pick(w.t, someWaits, "for")}
		w.must(w.ours.Pause(ctx, p))
		w.must(w.memory.Pause(ctx, p))
	case "wait":
		time.Sleep(pick(w.t, someWaits[1:], "sleep")) // virtual
	}
}

func (w *twins) compare() {
	q := retryqueue.Query{History: true, Count: true}
	switch pick(w.t, []string{"all", "sorted", "filtered"}, "query") {
	case "sorted":
		q.Sort = pick(w.t, []string{"created", "key", "kind", "state", "next"}, "sort")
		q.Desc = w.flag("desc")
		q.Limit, q.Offset = rapid.IntRange(0, 3).Draw(w.t, "limit"), rapid.IntRange(0, 3).Draw(w.t, "offset")
	case "filtered":
		q.Kinds = rapid.SliceOfN(rapid.SampledFrom(kindNames), 0, 2).Draw(w.t, "kinds")
		q.States = rapid.SliceOfN(rapid.SampledFrom(allStates), 0, 2).Draw(w.t, "states")
		q.ErrorContains = pick(w.t, []string{"", "", "BO", "é", "É", "never reported"}, "contains")
		if w.flag("by attempts") {
			n := rapid.IntRange(0, 3).Draw(w.t, "attempts")
			q.Attempts = &n
		}
		now := time.Now()
		if w.flag("by creation") {
			q.CreatedFrom, q.CreatedTo = now.Add(-time.Minute), now
		}
		if w.flag("by next") {
			q.NextFrom, q.NextTo = now, now.Add(time.Minute)
		}
	}
	ours, err := w.ours.Find(w.outer.Context(), q)
	w.must(err)
	memory, err := w.memory.Find(w.outer.Context(), q)
	w.must(err)
	w.same(len(memory.Records), len(ours.Records))
	for i, r := range ours.Records {
		w.sameRecord(memory.Records[i], r)
	}
	w.same(memory.Total, ours.Total)
	w.same(memory.ByState, ours.ByState)
	w.same(memory.Paused, ours.Paused)
}

func (w *twins) sameRecord(memory, ours *retryqueue.Record) {
	got := *ours
	got.ID = w.ids[ours.ID]
	w.same(memory, &got)
}

func (w *twins) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *twins) same(memory, ours any) {
	w.t.Helper()
	if !reflect.DeepEqual(memory, ours) {
		w.t.Fatalf("the memory store says\n%+v\nthis one\n%+v", memory, ours)
	}
}
