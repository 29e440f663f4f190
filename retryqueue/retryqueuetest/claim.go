package retryqueuetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

var claimCases = []testCase{
	{name: "Claim/1/EachJobOnceUnder16Claimers", run: func(h *harness) {
		const jobs = 200
		for i := range jobs {
			h.insertOne(job(fmt.Sprint("a", i), `1`))
		}
		var mu sync.Mutex
		times, tokens := map[retryqueue.ID]int{}, map[string]bool{}
		h.all(16, func(int) error {
			for empty := 0; empty < 3; {
				claimed, err := h.s.Claim(h.ctx, retryqueue.Claim{Kinds: map[string]int{"k": 7}, Lease: hour})
				if err != nil {
					return err
				}
				if len(claimed.Records) == 0 {
					empty++
				}
				mu.Lock()
				for _, r := range claimed.Records {
					times[r.ID]++
					tokens[string(r.ID)+r.Lease.Token] = true
				}
				mu.Unlock()
			}
			return nil
		})
		for _, r := range h.claim(hour) { // what a claimer that skips rows of another's transaction may have left
			times[r.ID]++
			tokens[string(r.ID)+r.Lease.Token] = true
		}
		h.equal(len(times), jobs, "claimed jobs")
		h.equal(len(tokens), jobs, "leases")
		for id, n := range times {
			h.equal(n, 1, "claims of "+string(id))
		}
	}},
	{name: "Claim/1/WorkedOffByMany", run: func(h *harness) {
		const jobs = 100
		for i := range jobs {
			h.insertOne(job(fmt.Sprint("a", i), `1`))
		}
		h.all(8, func(n int) error {
			for {
				claimed, err := h.s.Claim(h.ctx, retryqueue.Claim{Kinds: map[string]int{"k": 1 + n}, Lease: hour})
				if err != nil || len(claimed.Records) == 0 && claimed.Next != 0 {
					return err
				}
				var outcomes []retryqueue.Outcome
				for _, r := range claimed.Records {
					outcomes = append(outcomes, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded})
				}
				errs, err := h.s.Settle(h.ctx, outcomes)
				if err != nil {
					return err
				}
				for _, err := range errs {
					if err != nil {
						return err
					}
				}
			}
		})
		for _, r := range h.claim(hour) {
			h.succeed(r)
		}
		found := h.find(retryqueue.Query{Count: true})
		h.equal(found.ByState[retryqueue.Succeeded], jobs, "succeeded")
	}},
	{name: "Claim/1/RecordIsWhole", run: func(h *harness) {
		j := jobOf("k", "a", "g")
		j.Payload = []byte(`{"n":1}`)
		before := time.Now()
		id := h.insertOne(j).ID
		r := h.claimOne(hour)
		h.equal(r.ID, id, "ID")
		h.equal(r.Kind+" "+r.Key+" "+r.Group, "k a g", "names")
		h.equal(string(r.Payload), `{"n":1}`, "payload")
		h.equal(r.State, retryqueue.Running, "state")
		h.equal(r.Attempts, 1, "attempts are raised by the claim")
		h.check(!r.Unsure && !r.ByHand && !r.Lapsed && r.LastError == "", "record: %+v", r)
		h.about(r.Age, time.Since(before), 0, "age")
		h.equal(r.Lease.ID, id, "lease's ID")
		h.check(r.Lease.Token != "", "no token")
		h.check(r.Lease.Until.Sub(r.CreatedAt) >= hour-2*h.caps.Precision, "lease until %s, created %s", r.Lease.Until, r.CreatedAt)
		h.equal(r.CreatedAt.Location(), time.UTC, "location of CreatedAt")
		h.equal(r.NextAttemptAt.Location(), time.UTC, "location of NextAttemptAt")
	}},
	{name: "Claim/1/FreshTokenEachTime", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		tokens := map[string]bool{}
		for n := range 5 {
			r := h.claimOne(hour)
			h.equal(r.Attempts, n+1, "attempts")
			tokens[r.Lease.Token] = true
			h.retry(r, 0)
		}
		h.equal(len(tokens), 5, "tokens")
	}},
	{name: "Claim/1/ByHandIsNotCounted", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		got := h.byHand(r.ID, hour)
		h.check(got.ByHand, "ByHand is not set")
		h.equal(got.Attempts, 1, "attempts")
	}},
	{name: "Claim/2/LeaseEnded", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		first := h.claimOne(2 * h.unit)
		h.claimNone("its lease lives")
		second := h.await(hour)
		h.equal(second.ID, first.ID, "job")
		h.check(second.Unsure && second.Lapsed, "Unsure %v, Lapsed %v", second.Unsure, second.Lapsed)
		h.equal(second.Attempts, 2, "attempts are counted when claimed")
		h.check(second.Lease.Token != first.Lease.Token, "token is the old one")
		h.check(second.UnsureFor <= 2*h.caps.Precision, "unsure for %s", second.UnsureFor)
		h.equal(second.LastError, retryqueue.LeaseEnded, "error")
		r := h.get(first.ID)
		h.check(!r.Lapsed, "Lapsed is only for the claim that found it")
		h.equal(len(r.History), 1, "history")
		h.equal(fmt.Sprint(r.History[0].N, r.History[0].Error), fmt.Sprint(1, retryqueue.LeaseEnded), "attempt")
	}},
	{name: "Claim/2/EachCrashCounts", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.claimOne(h.unit)
		for n := 2; n <= 4; n++ {
			h.equal(h.await(h.unit).Attempts, n, "attempts")
		}
	}},
	{name: "Claim/2/ByHandEndsWithItsLease", run: func(h *harness) {
		r := h.put("a", retryqueue.Failed)
		h.byHand(r.ID, h.unit)
		got := h.await(hour)
		h.check(!got.ByHand && got.Unsure, "ByHand %v, Unsure %v", got.ByHand, got.Unsure)
		h.equal(got.Attempts, 2, "attempts: one that kills its process must not go on by hand for ever")
	}},
	{name: "Claim/2/UnsureStaysAfterMore", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.end(h.claimOne(hour), retryqueue.Outcome{State: retryqueue.Retrying, Unsure: true, Error: "lost"})
		r := h.claimOne(hour)
		h.check(r.Unsure && !r.Lapsed, "Unsure %v, Lapsed %v", r.Unsure, r.Lapsed)
	}},
	{name: "Claim/3/PausedKind", run: func(h *harness) {
		h.insert(jobOf("k", "a", ""), jobOf("l", "b", ""))
		h.pause("k", hour)
		got := h.claimKinds(hour, map[string]int{"k": 10, "l": 10})
		h.equal(keys(got.Records), "b", "claimed")
	}},
	{name: "Claim/3/PausedKindAndEndedLease", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.claimOne(h.unit)
		h.pause("k", hour)
		h.pass(2 * h.unit)
		h.claimNone("its kind is paused")
	}},
	{name: "Claim/3/GroupOneAfterAnother", run: func(h *harness) {
		h.insert(jobOf("k", "a", "g"), jobOf("k", "b", "g"), jobOf("k", "c", "g"), jobOf("k", "free", ""))
		h.equal(keys(h.claim(hour)), "a free", "claimed")
		h.claimNone("a runs")
		a := h.get(h.find(retryqueue.Query{Sort: "key"}).Records[0].ID)
		h.equal(a.Key, "a", "first by key")
	}},
	{name: "Claim/3/GroupInOrder", run: func(h *harness) {
		h.insert(jobOf("k", "c", "g"), jobOf("k", "a", "g"), jobOf("k", "b", "g"))
		for _, key := range []string{"c", "a", "b"} {
			r := h.claimOne(hour)
			h.equal(r.Key, key, "claimed")
			h.claimNone("its forerunner runs")
			h.succeed(r)
		}
	}},
	{name: "Claim/3/GroupOverKinds", run: func(h *harness) {
		h.insert(jobOf("l", "a", "g"), jobOf("k", "b", "g"))
		h.claimNone("a of another kind comes first")
		h.succeed(h.claimKinds(hour, map[string]int{"l": 1}).Records[0])
		h.equal(h.claimOne(hour).Key, "b", "claimed")
	}},
	{name: "Claim/3/GroupWaitsForDelayedAndRetrying", run: func(h *harness) {
		first := h.insert(delayed(jobOf("k", "a", "g"), hour), jobOf("k", "b", "g"))[0]
		h.claimNone("a comes first, though later")
		r := h.byHand(first.ID, hour)
		h.retry(r, hour)
		h.claimNone("a is not finished")
	}},
	{name: "Claim/3/GroupPassesEnded", run: func(h *harness) {
		for _, state := range []retryqueue.State{retryqueue.Succeeded, retryqueue.Failed, retryqueue.Discarded} {
			g := string(state)
			h.insert(jobOf("k", "a"+g, g), jobOf("k", "b"+g, g))
			r := h.claimOne(hour)
			h.equal(r.Key, "a"+g, "claimed")
			h.end(r, retryqueue.Outcome{State: state})
			b := h.claimOne(hour)
			h.equal(b.Key, "b"+g, "claimed")
		}
	}},
	{name: "Claim/3/GroupPassesMoved", run: func(h *harness) {
		r := h.insert(jobOf("k", "a", "g"), jobOf("k", "b", "g"), jobOf("k", "c", "g"))
		h.equal(h.move(retryqueue.Discarded, r[0].ID), 1, "discarded")
		h.equal(h.move("", r[1].ID), 1, "deleted")
		h.equal(keys(h.claim(hour)), "c", "claimed")
	}},
	{name: "Claim/3/GroupRevivedWaitsForTheRunning", run: func(h *harness) {
		h.insert(jobOf("k", "a", "g"), jobOf("k", "b", "g"))
		a := h.fail(h.claimOne(hour))
		b := h.claimOne(hour)
		h.equal(b.Key, "b", "claimed")
		h.equal(h.move(retryqueue.Queued, a.ID), 1, "moved")
		h.claimNone("b of its group runs")
		h.succeed(b)
		h.equal(h.claimOne(hour).Key, "a", "claimed")
	}},
	{name: "Claim/3/GroupNeverStuckByALapse", run: func(h *harness) {
		h.insert(jobOf("k", "a", "g"), jobOf("k", "b", "g"))
		a := h.fail(h.claimOne(hour))
		h.equal(h.claimOne(h.unit).Key, "b", "claimed") // and its process dies
		h.equal(h.move(retryqueue.Queued, a.ID), 1, "moved")
		h.pass(2 * h.unit)
		got := h.claim(hour)
		h.equal(len(got), 1, "claimed of the group")
		h.succeed(got[0])
		other := h.await(hour)
		h.check(other.Key != got[0].Key, "claimed %s twice", other.Key)
	}},
	{name: "Claim/3/GroupsDoNotMix", run: func(h *harness) {
		h.insert(jobOf("k", "a", "g"), jobOf("k", "b", "G"), jobOf("k", "c", "g "), jobOf("k", "d", ""), jobOf("k", "e", ""))
		h.equal(keys(h.claim(hour)), "a b c d e", "claimed")
	}},
	{name: "Claim/3/GroupUnder8Claimers", run: func(h *harness) {
		const jobs = 24
		for i := range jobs {
			h.insertOne(jobOf("k", fmt.Sprintf("%02d", i), "g"))
		}
		var mu sync.Mutex
		running, order := 0, ""
		h.all(8, func(int) error {
			for {
				mu.Lock()
				ended := len(order) == 3*jobs
				mu.Unlock()
				if ended {
					return nil
				}
				claimed, err := h.s.Claim(h.ctx, retryqueue.Claim{Kinds: map[string]int{"k": 3}, Lease: hour})
				if err != nil {
					return err
				}
				if len(claimed.Records) == 0 {
					time.Sleep(time.Millisecond)
					continue
				}
				mu.Lock()
				running += len(claimed.Records)
				together := running
				order += claimed.Records[0].Key + " "
				mu.Unlock()
				if together > 1 {
					return fmt.Errorf("%d jobs of one group run", together)
				}
				mu.Lock()
				running--
				mu.Unlock()
				if _, err := h.s.Settle(h.ctx, []retryqueue.Outcome{{Lease: claimed.Records[0].Lease, State: retryqueue.Succeeded}}); err != nil {
					return err
				}
			}
		})
		for i := range jobs {
			h.equal(order[3*i:3*i+2], fmt.Sprintf("%02d", i), "order")
		}
	}},
	{name: "Claim/4/InDueOrder", run: func(h *harness) {
		h.insert(delayed(job("a", `1`), 3*h.unit), delayed(job("b", `1`), 2*h.unit), delayed(job("c", `1`), h.unit))
		h.pass(4 * h.unit)
		h.equal(keys(h.claim(hour)), "c b a", "claimed")
	}},
	{name: "Claim/4/InDueOrderOneByOne", run: func(h *harness) {
		h.insert(delayed(job("a", `1`), 2*h.unit), delayed(job("b", `1`), h.unit))
		h.pass(3 * h.unit)
		for _, key := range []string{"b", "a"} {
			h.equal(keys(h.claimKinds(hour, map[string]int{"k": 1}).Records), key, "claimed")
		}
	}},
	{name: "Claim/4/RetriesInTheirTurn", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		a := h.claimOne(hour)
		h.insertOne(job("b", `1`)) // due before a's retry, with a later ID
		h.retry(a, h.unit)
		h.pass(2 * h.unit)
		h.equal(keys(h.claim(hour)), "b a", "claimed")
	}},
	{name: "Claim/4/TiesByID", run: func(h *harness) {
		var jobs []retryqueue.NewJob
		want := ""
		for i := range 40 {
			key := fmt.Sprint("a", (i*7)%40)
			jobs = append(jobs, job(key, `1`))
			want += key + " "
		}
		h.insert(jobs...)
		got := keys(h.claimKinds(hour, map[string]int{"k": 15}).Records)
		h.equal(got+" "+keys(h.claim(hour))+" ", want, "claimed")
	}},
	{name: "Claim/4/OverKinds", run: func(h *harness) {
		h.insertOne(delayed(jobOf("l", "a", ""), 1*h.unit))
		h.insertOne(delayed(jobOf("k", "b", ""), 2*h.unit))
		h.insertOne(delayed(jobOf("l", "c", ""), 3*h.unit))
		h.pass(4 * h.unit)
		h.equal(keys(h.claimKinds(hour, map[string]int{"k": 5, "l": 5}).Records), "a b c", "claimed")
	}},
	{name: "Claim/4/AtMostSoManyOfEach", run: func(h *harness) {
		for i := range 9 {
			h.insertOne(jobOf("k l m"[i%3*2:i%3*2+1], fmt.Sprint(i), ""))
		}
		got := h.claimKinds(hour, map[string]int{"k": 2, "l": 1, "m": 0, "unknown": 5})
		n := map[string]int{}
		for _, r := range got.Records {
			n[r.Kind]++
		}
		h.equal(n, map[string]int{"k": 2, "l": 1}, "claimed of each kind")
	}},
	{name: "Claim/4/NoKinds", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.equal(len(h.claimKinds(hour, nil).Records), 0, "claimed")
	}},
	{name: "Claim/5/NextOfNothing", run: func(h *harness) {
		h.next("nothing waits", -1)
		h.put("a", retryqueue.Succeeded)
		h.next("all have ended", -1)
		h.insertOne(jobOf("l", "b", ""))
		h.next("another kind waits", -1)
	}},
	{name: "Claim/5/NextOfADelay", run: func(h *harness) {
		h.insertOne(delayed(job("a", `1`), 2*hour))
		h.insertOne(delayed(job("b", `1`), hour))
		h.next("b is due in an hour", hour)
	}},
	{name: "Claim/5/NextOfARetry", run: func(h *harness) {
		h.put("a", retryqueue.Retrying)
		h.next("its retry is due in an hour", hour)
	}},
	{name: "Claim/5/NextOfALease", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.claimOne(hour)
		h.next("its lease ends in an hour", hour)
	}},
	{name: "Claim/5/NextOfAPause", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		h.pause("k", hour)
		h.next("its kind is paused for an hour", hour)
	}},
	{name: "Claim/5/NextOfAGroup", run: func(h *harness) {
		h.insert(delayed(jobOf("k", "a", "g"), hour), jobOf("k", "b", "g"))
		h.next("b waits for a", hour)
	}},
	{name: "Claim/5/NextIsExact", run: func(h *harness) {
		h.insertOne(delayed(job("a", `1`), 2*h.unit))
		got := h.claimKinds(hour, map[string]int{"k": 1})
		h.equal(len(got.Records), 0, "claimed")
		h.pass(got.Next)
		h.equal(h.await(hour).Key, "a", "claimed") // at once, but for the clock's precision
	}},
}

// next checks Claimed.Next: not later than want, and in the virtual clock not earlier either.
func (h *harness) next(why string, want time.Duration) {
	h.Helper()
	got := h.claimKinds(hour, map[string]int{"k": 10})
	h.equal(len(got.Records), 0, "claimed")
	switch {
	case want < 0:
		h.check(got.Next < 0, "Next is %s: %s", got.Next, why)
	case h.caps.RealTime:
		h.check(got.Next > want/2 && got.Next <= want+2*h.caps.Precision, "Next is %s: %s", got.Next, why)
	default:
		h.check((got.Next-want).Abs() <= h.caps.Precision, "Next is %s: %s", got.Next, why)
	}
}

var extendCases = []testCase{
	{name: "Extend/Prolongs", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(100 * h.unit)
		h.equal(h.extend(hour, r.Lease), "", "lost")
		h.next("the lease ends in an hour", hour)
		h.succeed(r)
	}},
	{name: "Extend/KeepsOthersAway", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(20 * h.unit)
		for range 5 {
			h.pass(5 * h.unit)
			h.equal(h.extend(20*h.unit, r.Lease), "", "lost")
			h.claimNone("its lease was extended")
		}
	}},
	{name: "Extend/1/NeverRevives", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		r := h.claimOne(h.unit)
		h.pass(2 * h.unit)
		h.equal(h.extend(hour, r.Lease), r.ID, "lost")
		h.check(h.claimOne(hour).Lapsed, "the lease was revived")
	}},
	{name: "Extend/2/AnotherToken", run: func(h *harness) {
		h.insertOne(job("a", `1`))
		old := h.claimOne(h.unit)
		r := h.await(hour)
		h.equal(h.extend(h.unit, old.Lease), r.ID, "lost")
		h.pass(2 * h.unit)
		h.claimNone("the old holder shortened the new one's lease")
	}},
	{name: "Extend/2/Settled", run: func(h *harness) {
		for _, state := range []retryqueue.State{retryqueue.Succeeded, retryqueue.Retrying, retryqueue.Failed} {
			h.insertOne(job(string(state), `1`))
			r := h.claimOne(hour)
			h.end(r, retryqueue.Outcome{State: state, Wait: hour, Error: "boom"})
			h.equal(h.extend(2*hour, r.Lease), r.ID, "lost")
			h.equal(h.get(r.ID).State, state, "state")
		}
		h.next("the retry is due in an hour", hour)
	}},
	{name: "Extend/SaysWhichAreLost", run: func(h *harness) {
		h.insert(job("a", `1`), job("b", `1`), job("c", `1`))
		r := h.claim(hour)
		h.succeed(r[1])
		wrong := retryqueue.Lease{ID: r[2].ID, Token: "wrong"}
		gone := retryqueue.Lease{ID: "gone", Token: "x"}
		lost := h.extend(2*hour, r[0].Lease, r[1].Lease, wrong, gone)
		h.equal(lost, fmt.Sprintf("%s %s gone", r[1].ID, r[2].ID), "lost")
		h.equal(h.extend(hour), "", "lost of no leases")
	}},
	{name: "Extend/RacesWithClaims", run: func(h *harness) {
		// Whoever holds the job after its lease has ended holds it alone.
		for round := range 5 {
			h.insertOne(job(fmt.Sprint("a", round), `1`))
			r := h.claimOne(h.unit)
			h.pass(h.unit - 2*h.caps.Precision)
			results := make(chan error, 2)
			kept, claimed := false, false
			go func() {
				lost, err := h.s.Extend(h.ctx, []retryqueue.Lease{r.Lease}, hour)
				kept = len(lost) == 0
				results <- err
			}()
			go func() {
				got, err := h.s.Claim(context.WithoutCancel(h.ctx), retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: hour})
				claimed = len(got.Records) > 0
				results <- err
			}()
			h.must(<-results)
			h.must(<-results)
			h.check(!kept || !claimed, "two hold one job")
			if kept {
				h.succeed(r)
			} else if !claimed {
				h.succeed(h.await(hour))
			} else {
				h.lost(h.settle(retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Failed})[0], "another has the job")
				h.equal(h.get(r.ID).State, retryqueue.Running, "state")
			}
		}
	}},
}

func (h *harness) extend(by time.Duration, leases ...retryqueue.Lease) string {
	h.Helper()
	lost, err := h.s.Extend(h.ctx, leases, by)
	h.must(err)
	text := ""
	for i, id := range lost {
		if i > 0 {
			text += " "
		}
		text += string(id)
	}
	return text
}
