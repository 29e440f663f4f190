package retryqueuetest

import (
	"fmt"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// shelf fills a store with one job in each state, of kinds k and l, one unit of time apart: q (queued, due in an hour), r
// (running), t (retrying in half an hour, two attempts, "Time-out 50%"), s (succeeded), f (failed), d (discarded), and L of kind l.
func shelf(h *harness) map[string]retryqueue.ID {
	h.Helper()
	ids := map[string]retryqueue.ID{}
	add := func(j retryqueue.NewJob) {
		ids[j.Key] = h.insertOne(j).ID
		h.pass(h.unit / 4)
	}
	add(delayed(job("q", `1`), hour))
	add(job("r", `1`))
	h.claimOne(hour)
	add(job("t", `1`))
	h.retry(h.claimOne(hour), 0)
	h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Wait: hour / 2, Error: "Time-out 50%"})
	add(job("s", `1`))
	h.succeed(h.claimOne(hour))
	add(job("f", `1`))
	h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Failed, Error: `HTTP 422: "name_x" is wrong`})
	add(job("d", `1`))
	h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Discarded, Error: "order gone"})
	add(jobOf("l", "L", ""))
	return ids
}

// found checks which jobs of the shelf a query selects, in the default order.
func found(h *harness, q retryqueue.Query, want string) {
	h.Helper()
	h.equal(keys(h.find(q).Records), want, fmt.Sprintf("found by %+v", q))
}

var findCases = []testCase{
	{name: "Find/1/All", run: func(h *harness) {
		shelf(h)
		found(h, retryqueue.Query{}, "q r t s f d L")
	}},
	{name: "Find/1/Nothing", run: func(h *harness) {
		f := h.find(retryqueue.Query{Count: true})
		h.equal(len(f.Records)+f.Total+len(f.Paused), 0, "found in an empty store")
	}},
	{name: "Find/1/IDs", run: func(h *harness) {
		ids := shelf(h)
		found(h, retryqueue.Query{IDs: []retryqueue.ID{ids["f"], ids["q"], "gone", ids["q"]}}, "q f")
	}},
	{name: "Find/1/Kinds", run: func(h *harness) {
		shelf(h)
		found(h, retryqueue.Query{Kinds: []string{"l"}}, "L")
		found(h, retryqueue.Query{Kinds: []string{"l", "k", "none"}}, "q r t s f d L")
		found(h, retryqueue.Query{Kinds: []string{"K"}}, "")
	}},
	{name: "Find/1/States", run: func(h *harness) {
		shelf(h)
		for key, state := range map[string]retryqueue.State{
			"q L": retryqueue.Queued, "r": retryqueue.Running, "t": retryqueue.Retrying,
			"s": retryqueue.Succeeded, "f": retryqueue.Failed, "d": retryqueue.Discarded,
		} {
			found(h, retryqueue.Query{States: []retryqueue.State{state}}, key)
		}
		found(h, retryqueue.Query{States: []retryqueue.State{retryqueue.Failed, retryqueue.Retrying}}, "t f")
	}},
	{name: "Find/1/Attempts", run: func(h *harness) {
		shelf(h)
		for n, want := range []string{"q L", "r s f d", "t", ""} {
			found(h, retryqueue.Query{Attempts: &n}, want)
		}
	}},
	{name: "Find/1/ErrorContains", run: func(h *harness) {
		shelf(h)
		for text, want := range map[string]string{
			"time-OUT": "t", "HTTP 4": "f", "order gone": "d", "50%": "t", "%": "t", "_": "f", "e_x": "f", "nam_": "", "o": "t f d",
			`"`: "f", `\`: "", "'": "", "o%e": "",
		} {
			found(h, retryqueue.Query{ErrorContains: text}, want)
		}
	}},
	{name: "Find/1/ErrorContainsUnicode", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Failed, Error: "Größe fehlt 日本"})
		found(h, retryqueue.Query{ErrorContains: "GRöß"}, "a")
		found(h, retryqueue.Query{ErrorContains: "日"}, "a")
	}},
	{name: "Find/1/Created", run: func(h *harness) {
		ids := shelf(h)
		t, f := h.get(ids["t"]).CreatedAt, h.get(ids["f"]).CreatedAt
		found(h, retryqueue.Query{CreatedFrom: t}, "t s f d L")
		found(h, retryqueue.Query{CreatedTo: f}, "q r t s")
		found(h, retryqueue.Query{CreatedFrom: t, CreatedTo: f}, "t s")
		found(h, retryqueue.Query{CreatedFrom: f, CreatedTo: t}, "")
		east := time.FixedZone("east", 7*3600)
		found(h, retryqueue.Query{CreatedFrom: t.In(east), CreatedTo: f.In(east)}, "t s")
	}},
	{name: "Find/1/Next", run: func(h *harness) {
		ids := shelf(h)
		q, t := h.get(ids["q"]).NextAttemptAt, h.get(ids["t"]).NextAttemptAt
		found(h, retryqueue.Query{NextFrom: t, NextTo: q}, "t L"[:1])
		found(h, retryqueue.Query{NextFrom: q}, "q r")
		found(h, retryqueue.Query{NextTo: t}, "L")
	}},
	{name: "Find/1/FiltersCombine", run: func(h *harness) {
		ids := shelf(h)
		one := 1
		found(h, retryqueue.Query{
			IDs: []retryqueue.ID{ids["f"], ids["d"], ids["q"], ids["L"]}, Kinds: []string{"k"}, Attempts: &one,
			States: []retryqueue.State{retryqueue.Failed, retryqueue.Queued}, ErrorContains: "http",
			CreatedFrom: h.get(ids["t"]).CreatedAt,
		}, "f")
	}},
	{name: "Find/1/After", run: func(h *harness) {
		ids := shelf(h)
		found(h, retryqueue.Query{After: ids["s"]}, "f d L")
		found(h, retryqueue.Query{After: ids["s"], Limit: 1}, "f")
		found(h, retryqueue.Query{After: ids["L"]}, "")
	}},
	{name: "Find/1/Counts", run: func(h *harness) {
		shelf(h)
		f := h.find(retryqueue.Query{
			Kinds: []string{"k"}, States: []retryqueue.State{retryqueue.Failed, retryqueue.Retrying}, Count: true, Limit: 1, Offset: 1,
		})
		h.equal(keys(f.Records), "f", "records")
		h.equal(f.Total, 2, "total is without Limit and Offset")
		for _, s := range []retryqueue.State{
			retryqueue.Queued, retryqueue.Running, retryqueue.Retrying, retryqueue.Succeeded, retryqueue.Failed, retryqueue.Discarded,
		} {
			h.equal(f.ByState[s], 1, "count before the finer filters of "+string(s))
		}
		f = h.find(retryqueue.Query{Count: true})
		h.equal(f.Total, 7, "total")
		h.equal(f.ByState[retryqueue.Queued], 2, "queued")
	}},
	{name: "Find/1/CountsByIDs", run: func(h *harness) {
		ids := shelf(h)
		f := h.find(retryqueue.Query{IDs: []retryqueue.ID{ids["f"], ids["L"]}, ErrorContains: "http", Count: true})
		h.equal(f.Total, 1, "total")
		h.equal(f.ByState[retryqueue.Queued]+f.ByState[retryqueue.Failed], 2, "counts by state")
		h.equal(f.ByState[retryqueue.Succeeded], 0, "succeeded among the IDs")
	}},
	{name: "Find/1/DefaultLimit", run: func(h *harness) {
		var jobs []retryqueue.NewJob
		for i := range 130 {
			jobs = append(jobs, job(fmt.Sprintf("%03d", i), `1`))
		}
		h.insert(jobs...)
		h.equal(len(h.find(retryqueue.Query{}).Records), 100, "records")
		h.equal(len(h.find(retryqueue.Query{Limit: 500}).Records), 130, "records")
		found(h, retryqueue.Query{Limit: 3, Offset: 128}, "128 129")
		found(h, retryqueue.Query{Limit: 3, Offset: 1000}, "")
	}},
	{name: "Find/2/Sort", run: func(h *harness) {
		shelf(h)
		for sort, want := range map[string]string{
			"": "q r t s f d L", "created": "q r t s f d L", "key": "L d f q r s t", "kind": "q r t s f d L",
			"state": "d f q L t r s",
		} {
			found(h, retryqueue.Query{Sort: sort}, want)
			var back string
			for _, r := range want {
				back = string(r) + back
			}
			found(h, retryqueue.Query{Sort: sort, Desc: true}, back)
		}
	}},
	{name: "Find/2/SortByNext", run: func(h *harness) {
		shelf(h) // L is due, t in half an hour, q and r in an hour (r a little later)
		found(h, retryqueue.Query{Sort: "next", States: []retryqueue.State{retryqueue.Queued, retryqueue.Retrying, retryqueue.Succeeded, retryqueue.Failed}}, "L t q s f")
		found(h, retryqueue.Query{Sort: "next", Desc: true, States: []retryqueue.State{retryqueue.Queued, retryqueue.Retrying, retryqueue.Succeeded, retryqueue.Failed}}, "q t L f s")
	}},
	{name: "Find/2/SortByBytes", run: func(h *harness) {
		for _, k := range []string{"b", "A", "a", "B", "é", "z", "Z", "a b", "ab", "_", "1", "10", "2"} {
			h.insertOne(job(k, `1`))
		}
		found(h, retryqueue.Query{Sort: "key"}, "1 10 2 A B Z _ a a b ab b z é")
	}},
	{name: "Find/2/PagesMeet", run: func(h *harness) {
		var jobs []retryqueue.NewJob
		for i := range 53 {
			jobs = append(jobs, jobOf([]string{"k", "l", "m"}[i%3], fmt.Sprint(i), ""))
		}
		h.insert(jobs...)
		for _, sort := range []string{"", "created", "key", "kind", "state", "next"} {
			for _, desc := range []bool{false, true} {
				seen := map[retryqueue.ID]bool{}
				for offset := 0; offset < 60; offset += 10 {
					for _, r := range h.find(retryqueue.Query{Sort: sort, Desc: desc, Limit: 10, Offset: offset}).Records {
						h.check(!seen[r.ID], "%s comes twice by %q", r.Key, sort)
						seen[r.ID] = true
					}
				}
				h.equal(len(seen), 53, "jobs over all pages by "+sort)
			}
		}
	}},
	{name: "Find/RecordOfARunningJob", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		claimed := h.claimOne(hour)
		r := h.get(claimed.ID)
		h.check(r.NextAttemptAt.Equal(claimed.Lease.Until), "next attempt at %s, lease until %s", r.NextAttemptAt, claimed.Lease.Until)
		h.equal(r.Lease, retryqueue.Lease{}, "lease: nobody but the claimer sees the token")
	}},
}
