package retryqueuetest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

var settleCases = []testCase{
	{name: "Settle/5/TheFirstOfTwoCounts", run: func(h *harness) {
		a, b := h.put("a", retryqueue.Running), h.put("b", retryqueue.Running)
		for _, err := range h.settle(
			retryqueue.Outcome{Lease: a.Lease, State: retryqueue.Retrying, Wait: hour, Error: "boom"},
			retryqueue.Outcome{Lease: a.Lease, State: retryqueue.Succeeded},
			retryqueue.Outcome{Lease: b.Lease, State: retryqueue.Succeeded},
			retryqueue.Outcome{Lease: b.Lease, State: retryqueue.Succeeded},
			retryqueue.Outcome{Lease: b.Lease, State: retryqueue.Failed, Error: "boom"},
		) {
			h.must(err)
		}
		h.equal([]any{h.get(a.ID).State, h.get(b.ID).State}, []any{retryqueue.Retrying, retryqueue.Succeeded}, "states")
	}},
	{name: "Settle/HistoryOfLives", run: func(h *harness) {
		h.put("a", retryqueue.Queued)
		id := h.succeed(h.claimOne(hour)).ID
		h.insertOne(latest(job("a", `"new"`)))
		h.retry(h.claimOne(hour), 0)
		h.succeed(h.claimOne(hour))
		h.end(h.byHand(id, hour), retryqueue.Outcome{State: retryqueue.Retrying, Error: "boom"})
		got := h.succeed(h.byHand(id, hour))
		var text []any
		for _, a := range got.History {
			h.check(!a.Start.IsZero() && !a.End.Before(a.Start), "an attempt from %s to %s", a.Start, a.End)
			text = append(text, a.N, a.Error)
		}
		h.equal(text, []any{1, "", 1, "boom", 2, "", 2, "boom", 2, ""}, "number and error of each attempt")
	}},
	{name: "Settle/1/WrongToken", run: func(h *harness) {
		h.insert(job("a", `1`), job("b", `1`))
		r := h.claim(hour)
		forged := r[0].Lease
		forged.Token = r[1].Lease.Token
		errs := h.settle(retryqueue.Outcome{Lease: forged, State: retryqueue.Succeeded}, retryqueue.Outcome{Lease: r[1].Lease, State: retryqueue.Succeeded})
		h.lost(errs[0], "the token is another job's")
		h.must(errs[1])
		h.equal(h.get(r[0].ID).State, retryqueue.Running, "state of a")
		h.equal(h.get(r[1].ID).State, retryqueue.Succeeded, "state of b")
	}},
	{name: "Settle/1/StaleHolder", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		old := h.claimOne(h.unit)
		r := h.await(hour)
		stale := retryqueue.Outcome{
			Lease: old.Lease, State: retryqueue.Succeeded, Pause: hour, Result: json.RawMessage(`"stale"`), Error: "stale",
		}
		h.lost(h.settle(stale)[0], "the job was claimed again")
		got := h.get(r.ID)
		h.equal(got.State, retryqueue.Running, "state")
		h.equal(string(got.Result)+got.LastError, retryqueue.LeaseEnded, "result and error")
		h.equal(len(got.History), 1, "history")
		h.equal(len(h.find(retryqueue.Query{}).Paused), 0, "pauses")
		h.equal(h.succeed(r).State, retryqueue.Succeeded, "state")
	}},
	{name: "Settle/1/StaleHolderAmongSuccesses", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		old := h.claimOne(h.unit)
		a := h.await(hour)
		b := h.put("b", retryqueue.Running)
		errs := h.settle(retryqueue.Outcome{Lease: old.Lease, State: retryqueue.Succeeded}, retryqueue.Outcome{Lease: b.Lease, State: retryqueue.Succeeded})
		h.lost(errs[0], "the job was claimed again")
		h.must(errs[1])
		h.equal(h.get(a.ID).State, retryqueue.Running, "state")
		got := h.get(b.ID)
		h.equal([]any{got.State, len(got.History)}, []any{retryqueue.Succeeded, 1}, "state and attempts of the other")
		h.equal(h.succeed(a).State, retryqueue.Succeeded, "state")
	}},
	{name: "Settle/1/StaleHolderAfterTheEnd", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		old := h.claimOne(h.unit)
		h.succeed(h.await(hour))
		h.lost(h.settle(retryqueue.Outcome{Lease: old.Lease, State: retryqueue.Retrying, Error: "late"})[0], "another ended the job")
		h.equal(h.get(old.ID).State, retryqueue.Succeeded, "state")
	}},
	{name: "Settle/1/EndedLeaseThatNobodyTook", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(h.unit)
		h.pass(2 * h.unit)
		h.equal(h.succeed(r).State, retryqueue.Succeeded, "state: the truth is worth more than the lease")
		h.claimNone("it has succeeded")
	}},
	{name: "Settle/1/UnknownJob", run: func(h *harness) {
		h.lost(h.settle(retryqueue.Outcome{Lease: retryqueue.Lease{ID: "gone", Token: "x"}, State: retryqueue.Succeeded})[0], "no such job")
		r := h.insertOne(job("a", `1`))
		h.lost(h.settle(retryqueue.Outcome{Lease: retryqueue.Lease{ID: r.ID}, State: retryqueue.Succeeded})[0], "never claimed")
		h.equal(h.get(r.ID).State, retryqueue.Queued, "state")
	}},
	{name: "Settle/2/Succeeded", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.retry(h.claimOne(hour), 0)
		r := h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Succeeded, Result: json.RawMessage(`{"id":7}`)})
		h.equal(r.State, retryqueue.Succeeded, "state")
		h.equal(string(r.Result), `{"id":7}`, "result")
		h.equal(r.LastError, "", "error")
		h.equal(r.Attempts, 2, "attempts")
		h.check(r.NextAttemptAt.IsZero(), "next attempt at %s", r.NextAttemptAt)
		h.equal(r.Lease, retryqueue.Lease{}, "lease in Find's answer")
		h.claimNone("it has succeeded")
	}},
	{name: "Settle/2/Failed", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.equal(r.State, retryqueue.Failed, "state")
		h.equal(r.LastError, "boom", "error")
		h.check(r.NextAttemptAt.IsZero(), "next attempt at %s", r.NextAttemptAt)
		h.claimNone("it has failed")
	}},
	{name: "Settle/2/Discarded", run: func(h *harness) {
		r := h.put("a", retryqueue.Discarded)
		h.equal(r.State, retryqueue.Discarded, "state")
		h.equal(r.LastError, "boom", "reason")
		h.claimNone("it is discarded")
	}},
	{name: "Settle/2/RetryingWaits", run: func(h *harness) {
		r := h.put("a", retryqueue.Retrying)
		h.equal(r.State, retryqueue.Retrying, "state")
		h.dueInAnHour(r)
		h.claimNone("its retry is due in an hour")
	}},
	{name: "Settle/2/RetryingComesBack", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.retry(h.claimOne(hour), 2*h.unit)
		before := time.Now()
		h.claimNone("its wait is not over")
		r := h.await(hour)
		h.check(h.caps.RealTime || time.Since(before) >= 2*h.unit-h.caps.Precision, "came back after %s", time.Since(before))
		h.equal(r.Attempts, 2, "attempts")
	}},
	{name: "Settle/2/PauseTogether", run: func(h *harness) {
		h.insert(job("a", `1`), job("b", `1`))
		a := h.claimKinds(hour, map[string]int{"k": 1}).Records[0]
		h.end(a, retryqueue.Outcome{State: retryqueue.Queued, Uncounted: true, Pause: hour, Error: "bad key"})
		h.claimNone("the outcome paused the kind")
		paused := h.find(retryqueue.Query{}).Paused
		h.equal(len(paused), 1, "pauses")
		h.equal(paused[0].Kind+": "+paused[0].Reason, "k: bad key", "pause")
		h.pause("k", 0)
		h.equal(len(h.claim(hour)), 2, "claimed after the pause")
	}},
	{name: "Settle/2/PauseNeverShortens", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(hour)
		h.pause("k", 2*hour)
		h.end(r, retryqueue.Outcome{State: retryqueue.Queued, Uncounted: true, Pause: h.unit, Error: "bad key"})
		p := h.find(retryqueue.Query{}).Paused
		h.equal(len(p), 1, "pauses")
		h.equal(p[0].Reason, "because", "reason")
		h.check(p[0].For > hour, "left: %s", p[0].For)
	}},
	{name: "Settle/2/PauseProlongs", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(hour)
		h.pause("k", h.unit*100)
		h.end(r, retryqueue.Outcome{State: retryqueue.Queued, Uncounted: true, Pause: 2 * hour, Error: "bad key"})
		p := h.find(retryqueue.Query{}).Paused
		h.equal(len(p), 1, "pauses")
		h.check(p[0].For > hour && p[0].Reason == "bad key", "pause: %+v", p[0])
	}},
	{name: "Settle/2/History", run: func(h *harness) {
		id := h.insertOne(job("a", `1`)).ID
		for n := 1; n <= 3; n++ {
			h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Error: fmt.Sprint("boom ", n)})
		}
		r := h.succeed(h.claimOne(hour))
		h.equal(len(r.History), 4, "attempts in the history")
		for i, a := range r.History {
			want := fmt.Sprint("boom ", i+1)
			if i == 3 {
				want = ""
			}
			h.equal(a.Error, want, "error")
			h.equal(a.N, i+1, "number")
			h.check(!a.Start.IsZero() && !a.End.Before(a.Start), "attempt from %s to %s", a.Start, a.End)
		}
		h.equal(len(h.find(retryqueue.Query{IDs: []retryqueue.ID{id}}).Records[0].History), 0, "history without asking")
	}},
	{name: "Settle/2/HistoryKeepsTheLast20", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		var r *retryqueue.Record
		for n := 1; n <= 60; n++ {
			o := retryqueue.Outcome{Lease: h.claimOne(hour).Lease, State: retryqueue.Retrying, Error: fmt.Sprint(n)}
			h.must(h.settle(o)[0])
		}
		r = h.get(h.find(retryqueue.Query{}).Records[0].ID)
		h.check(len(r.History) >= 20, "%d attempts kept", len(r.History))
		for i, a := range r.History[len(r.History)-20:] {
			h.equal(a.N, 41+i, "number")
			h.equal(a.Error, 41+i, "error")
		}
	}},
	{name: "Settle/2/ResultStaysUntilTheNext", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Error: "x", Result: json.RawMessage(`1`)})
		r := h.retry(h.claimOne(hour), 0)
		h.equal(string(r.Result), `1`, "result")
		r = h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Succeeded, Result: json.RawMessage(`2`)})
		h.equal(string(r.Result), `2`, "result")
	}},
	{name: "Settle/2/ErrorTexts", run: func(h *harness) {
		for i, text := range []string{"plain", `'; drop table jobs; --`, "日本 😀 é", `%s \ % _ ?`} {
			h.insertOne(job(fmt.Sprint("a", i), `1`))
			r := h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Failed, Error: text})
			h.equal(r.LastError, text, "error")
		}
	}},
	{name: "Settle/2/Reset", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.retry(h.claimOne(hour), 0)
		r := h.claimOne(hour)
		h.pass(2 * h.unit)
		before := time.Now()
		h.end(r, retryqueue.Outcome{State: retryqueue.Queued, Reset: true})
		got := h.claimOne(hour)
		h.equal(got.Attempts, 1, "attempts")
		h.about(got.Age, time.Since(before), 0, "age")
	}},
	{name: "Settle/2/NoOutcomes", run: func(h *harness) {
		h.equal(len(h.settle()), 0, "answers")
	}},
	{name: "Settle/3/LatestReplacedWhileRunning", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.pass(2 * h.unit)
		receipt := h.insertOne(latest(job("a", `"new"`)))
		h.equal(receipt, retryqueue.Receipt{ID: r.ID, State: retryqueue.Running}, "receipt")
		h.equal(string(h.get(r.ID).Payload), `"old"`, "payload while it runs")
		before := time.Now()
		h.equal(h.succeed(r).State, retryqueue.Queued, "state: due again")
		again := h.claimOne(hour)
		h.equal(string(again.Payload), `"new"`, "payload")
		h.equal(again.Attempts, 1, "attempts start again")
		h.about(again.Age, time.Since(before), 0, "age")
		h.succeed(again)
		h.claimNone("nothing newer came")
	}},
	{name: "Settle/3/LatestReplacedAndRetrying", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.insertOne(latest(job("a", `"new"`)))
		got := h.retry(r, hour)
		h.equal(got.State, retryqueue.Queued, "state")
		h.equal(string(got.Payload), `"new"`, "payload")
		h.equal(got.Attempts, 1, "attempts go on")
		h.dueInAnHour(got)
	}},
	{name: "Settle/3/LatestReplacedAndFailed", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.insertOne(latest(job("a", `"new"`)))
		h.equal(h.fail(r).State, retryqueue.Queued, "state")
		got := h.claimOne(hour)
		h.equal(string(got.Payload), `"new"`, "payload")
		h.equal(got.Attempts, 1, "attempts start again")
	}},
	{name: "Settle/3/OnceReplacedAndSucceeded", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.equal(h.insertOne(job("a", `"new"`)).State, retryqueue.Running, "state")
		got := h.succeed(r)
		h.equal(got.State, retryqueue.Succeeded, "state: one document")
		h.equal(string(got.Payload), `"old"`, "payload is what was delivered")
		h.claimNone("it has succeeded")
		// What was dropped must not come up later.
		h.insertOne(forced(job("a", `"third"`)))
		h.equal(h.succeed(h.claimOne(hour)).State, retryqueue.Succeeded, "state")
	}},
	{name: "Settle/3/OnceReplacedAndRetrying", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.insertOne(job("a", `"new"`))
		h.equal(string(h.get(r.ID).Payload), `"old"`, "payload while it runs")
		got := h.retry(r, hour)
		h.equal(got.State, retryqueue.Queued, "state")
		h.equal(string(got.Payload), `"new"`, "payload")
		h.equal(got.Attempts, 1, "attempts go on")
		h.dueInAnHour(got)
	}},
	{name: "Settle/3/OnceReplacedAndFailed", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.insertOne(job("a", `"new"`))
		h.equal(h.fail(r).State, retryqueue.Queued, "state")
		got := h.claimOne(hour)
		h.equal(string(got.Payload), `"new"`, "payload")
		h.equal(got.Attempts, 1, "attempts start again")
	}},
	{name: "Settle/3/OnceReplacedAndHandedBack", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.insertOne(job("a", `"new"`))
		h.end(r, retryqueue.Outcome{State: retryqueue.Queued, Uncounted: true})
		got := h.claimOne(hour)
		h.equal(string(got.Payload), `"new"`, "payload")
		h.equal(got.Attempts, 1, "attempts")
	}},
	{name: "Settle/3/ForcedWhileRunning", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		h.insertOne(forced(job("a", `"new"`)))
		h.insertOne(job("a", `"newer"`)) // not forced itself: the request stands
		h.equal(h.succeed(r).State, retryqueue.Queued, "state")
		h.equal(string(h.claimOne(hour).Payload), `"newer"`, "payload")
	}},
	{name: "Settle/3/TheNewestPayloadCounts", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		for i := range 5 {
			h.insertOne(latest(job("a", fmt.Sprint(i))))
		}
		h.succeed(r)
		h.equal(string(h.claimOne(hour).Payload), `4`, "payload")
	}},
	{name: "Settle/3/ReplacedAndLapsed", run: func(h *harness) {
		h.insertOne(job("a", `"old"`))
		h.claimOne(h.unit)
		h.insertOne(latest(job("a", `"new"`)))
		h.succeed(h.await(hour))
		h.equal(string(h.claimOne(hour).Payload), `"new"`, "payload: what was accepted is not lost with a process")
	}},
	{name: "Settle/3/ReplacedWhileByHand", run: func(h *harness) {
		r := h.byHand(h.put("a", retryqueue.Failed).ID, hour)
		h.insertOne(job("a", `"new"`))
		h.equal(h.retry(r, hour).State, retryqueue.Queued, "state")
		got := h.claimOne(hour)
		h.equal(string(got.Payload), `"new"`, "payload")
		h.check(!got.ByHand, "ByHand is still set")
		h.equal(got.Attempts, 1, "attempts start again")
	}},
	{name: "Settle/3/EnqueueRacesWithSettle", run: func(h *harness) {
		// Whatever the order: the newest payload is delivered by the attempt that runs, or by one after it; never lost.
		for round := range 10 {
			key := fmt.Sprint("a", round)
			r := h.put(key, retryqueue.Running)
			h.all(2, func(n int) error {
				if n == 0 {
					_, err := h.s.Insert(h.ctx, []retryqueue.NewJob{latest(job(key, `"new"`))})
					return err
				}
				_, err := h.s.Settle(h.ctx, []retryqueue.Outcome{{Lease: r.Lease, State: retryqueue.Succeeded}})
				return err
			})
			h.equal(string(h.succeed(h.claimOne(hour)).Payload), `"new"`, "payload")
		}
	}},
	{name: "Settle/4/Uncounted", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		for range 3 {
			r := h.claimOne(hour)
			h.equal(r.Attempts, 1, "attempts")
			got := h.end(r, retryqueue.Outcome{State: retryqueue.Queued, Uncounted: true})
			h.equal(got.Attempts, 0, "attempts after it was handed back")
			h.equal(got.State, retryqueue.Queued, "state")
		}
	}},
	{name: "Settle/4/UncountedRetryingWaits", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.retry(h.claimOne(hour), 0)
		got := h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Uncounted: true, Wait: hour})
		h.equal(got.Attempts, 1, "attempts")
		h.equal(got.State, retryqueue.Retrying, "state")
		h.dueInAnHour(got)
	}},
	{name: "Settle/4/UncountedWithoutErrorIsQuiet", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.retry(h.claimOne(hour), 0)
		r := h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Uncounted: true})
		h.equal(r.LastError, "boom", "error")
		h.equal(len(r.History), 1, "history")
		r = h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Uncounted: true, Error: "bad key"})
		h.equal(r.LastError, "bad key", "error")
		h.equal(len(r.History), 2, "history")
	}},
	{name: "Settle/5/Repeated", run: func(h *harness) {
		for _, o := range []retryqueue.Outcome{
			{State: retryqueue.Succeeded, Result: json.RawMessage(`1`)},
			{State: retryqueue.Retrying, Wait: hour, Error: "boom"},
			{State: retryqueue.Failed, Error: "boom"},
			{State: retryqueue.Queued, Wait: hour, Uncounted: true},
		} {
			id := h.insertOne(job(string(o.State), `1`)).ID
			r := h.claimOne(hour)
			first := h.end(r, o)
			second := h.end(r, o)
			h.equal(second.Attempts, first.Attempts, "attempts of "+string(o.State))
			h.equal(len(second.History), len(first.History), "history of "+string(o.State))
			h.equal(second.NextAttemptAt, first.NextAttemptAt, "next attempt of "+string(o.State))
			h.equal(h.get(id).State, o.State, "state")
		}
	}},
	{name: "Settle/5/RepeatedInOneBatch", run: func(h *harness) {
		r := h.put("a", retryqueue.Running)
		o := retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Queued, Uncounted: true, Wait: hour}
		for _, err := range h.settle(o, o) {
			h.must(err)
		}
		h.equal(h.get(r.ID).Attempts, 0, "attempts")
	}},
	{name: "Settle/5/RepeatedAfterAMove", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(hour)
		h.fail(r)
		h.move(retryqueue.Queued, r.ID)
		h.equal(h.fail(r).State, retryqueue.Queued, "state: the person moved it after the outcome")
		h.check(h.claimOne(hour).ByHand, "ByHand is gone")
	}},
	{name: "Settle/6/FailedStaysFailed", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		got := h.end(h.byHand(r.ID, hour), retryqueue.Outcome{State: retryqueue.Retrying, Wait: h.unit, Error: "again"})
		h.equal(got.State, retryqueue.Failed, "state")
		h.equal(got.LastError, "again", "error")
		h.equal(got.Attempts, 1, "attempts")
		h.equal(len(got.History), 2, "history")
		h.check(!got.ByHand && got.NextAttemptAt.IsZero(), "record: %+v", got)
		h.pass(2 * h.unit)
		h.claimNone("a failed job stays failed")
	}},
	{name: "Settle/6/RetryingKeepsItsSchedule", run: func(h *harness) {
		r := h.put("a", retryqueue.Retrying)
		h.pass(h.unit)
		got := h.end(h.byHand(r.ID, hour), retryqueue.Outcome{State: retryqueue.Retrying, Wait: 5 * hour, Error: "again"})
		h.equal(got.State, retryqueue.Retrying, "state")
		h.check(got.NextAttemptAt.Equal(r.NextAttemptAt), "next attempt at %s, was %s", got.NextAttemptAt, r.NextAttemptAt)
		h.equal(got.Attempts, 1, "attempts")
		h.equal(got.LastError, "again", "error")
		h.check(!got.ByHand, "ByHand is still set")
	}},
	{name: "Settle/6/RetryingGoesOnBySchedule", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.retry(h.claimOne(hour), 3*h.unit)
		h.retry(h.byHand(r.ID, hour), hour)
		h.equal(h.await(hour).Attempts, 2, "attempts")
	}},
	{name: "Settle/6/SucceededByHand", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		got := h.succeed(h.byHand(r.ID, hour))
		h.equal(got.State, retryqueue.Succeeded, "state")
		h.check(!got.ByHand, "ByHand is still set")
		h.equal(got.Attempts, 1, "attempts")
	}},
	{name: "Settle/6/FailedByHandStands", run: func(h *harness) {
		r := h.put("a", retryqueue.Retrying)
		got := h.fail(h.byHand(r.ID, hour))
		h.equal(got.State, retryqueue.Failed, "state")
		h.check(!got.ByHand, "ByHand is still set")
	}},
	{name: "Settle/6/UncountedStaysByHand", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		got := h.end(h.byHand(r.ID, hour), retryqueue.Outcome{State: retryqueue.Queued, Uncounted: true})
		h.equal(got.State, retryqueue.Queued, "state")
		h.equal(got.Attempts, 1, "attempts: nothing was added, nothing is taken back")
		again := h.claimOne(hour)
		h.check(again.ByHand, "ByHand is gone")
		h.equal(h.retry(again, 0).State, retryqueue.Failed, "state")
	}},
	{name: "Settle/6/ResetEndsByHand", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.end(h.byHand(r.ID, hour), retryqueue.Outcome{State: retryqueue.Queued, Reset: true})
		got := h.claimOne(hour)
		h.check(!got.ByHand, "ByHand is still set")
		h.equal(got.Attempts, 1, "attempts")
	}},
	{name: "Settle/6/UnsureByHand", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		got := h.end(h.byHand(r.ID, hour), retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Error: "lost"})
		h.equal(got.State, retryqueue.Failed, "state")
		h.check(got.Unsure, "Unsure is lost")
	}},
	{name: "Settle/7/UnsureComesAndGoes", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Error: "lost"})
		r := h.claimOne(hour)
		h.check(r.Unsure, "Unsure is lost")
		got := h.retry(r, 0)
		h.check(!got.Unsure && got.UnsureFor == 0, "Unsure %v for %s", got.Unsure, got.UnsureFor)
	}},
	{name: "Settle/7/UnsureForGoesOnWhileProbed", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		begin := time.Now()
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Error: "lost"})
		ended := time.Now()
		for range 2 {
			h.pass(h.unit)
			h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Probed: true, Error: "not settled"})
		}
		least := time.Since(ended)
		r := h.claimOne(hour)
		h.about(r.UnsureFor, time.Since(begin), least, "unsure for")
	}},
	{name: "Settle/7/UnsureForStartsAgain", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Error: "lost"})
		h.pass(2 * h.unit)
		r := h.claimOne(hour)
		before := time.Now()
		h.end(r, retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Error: "lost again"})
		h.about(h.claimOne(hour).UnsureFor, time.Since(before), 0, "unsure for")
	}},
	{name: "Settle/7/ProbedButNotUnsureBefore", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(hour)
		h.pass(2 * h.unit)
		before := time.Now()
		got := h.end(r, retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Probed: true, Error: "x"})
		h.about(got.UnsureFor, time.Since(before), 0, "unsure for")
	}},
}
