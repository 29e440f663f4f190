package stocksynctest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tillwire/tillwire/stocksync"
)

// behindWith makes the peer fall behind with products, one commit each, so that the order is plain.
func (h *storeHarness) behindWith(version int64, gids ...stocksync.GID) {
	h.Helper()
	for _, gid := range gids {
		h.commit(stocksync.Commit{Push: []stocksync.Push{push(gid, version)}})
		time.Sleep(time.Millisecond) // their Since must differ on the coarsest clock
	}
}

func (h *storeHarness) done(p stocksync.Push) {
	h.Helper()
	h.commit(stocksync.Commit{Done: []stocksync.Push{p}})
}

func (h *storeHarness) later(p stocksync.Push, due time.Time, text string) {
	h.Helper()
	p.Due, p.Error = due, text
	h.commit(stocksync.Commit{Later: []stocksync.Push{p}})
}

func gidsOf(pushes []stocksync.Push) []stocksync.GID {
	var gids []stocksync.GID
	for _, p := range pushes {
		gids = append(gids, p.GID)
	}
	return gids
}

var pushCases = []storeCase{
	{"Update/6/Waits", func(h *storeHarness) {
		before := time.Now()
		h.behindWith(7, "g")
		p := h.lease(long)
		h.equal([]any{p.Peer, p.GID, p.Version, p.Tries, p.Error}, []any{store, "g", 7, 0, ""}, "outbox row")
		h.check(p.Since.Sub(before).Abs() < time.Minute && p.Since.Location() == time.UTC, "waits since %s", p.Since)
	}},
	{"Update/6/TokenAndSinceAreTheStores", func(h *storeHarness) {
		p := push("g", 7)
		p.Token, p.Since, p.Tries, p.Error = "mine", noon, 9, "no"
		h.commit(stocksync.Commit{Push: []stocksync.Push{p}})
		got := h.lease(long)
		h.check(got.Token != "mine" && got.Since.After(noon) && got.Tries == 0 && got.Error == "", "outbox row: %s", text(got))
	}},
	{"Update/6/NotBeforeDue", func(h *storeHarness) {
		for i, version := range []int64{7, 8} { // a new one, and one that replaces
			p := push("g", version)
			p.Due = time.Now().Add(time.Duration(i+1) * long)
			h.commit(stocksync.Commit{Push: []stocksync.Push{p}})
			h.noneDue("it is due in hours")
			h.check(h.waiting().Due.Equal(p.Due.Truncate(time.Microsecond)), "due at %s, want %s", h.waiting().Due, p.Due)
		}
		p := push("g", 8)
		h.commit(stocksync.Commit{Push: []stocksync.Push{p}}) // not higher: changes nothing
		h.noneDue("it is due in hours")
		h.behindWith(9, "g")
		h.equal(h.lease(long).Version, 9, "version")
	}},
	{"Update/6/HigherReplaces", func(h *storeHarness) {
		h.behindWith(7, "g")
		since := h.waiting().Since
		h.behindWith(8, "g")
		p := h.waiting()
		h.equal(p.Version, 8, "version")
		h.check(p.Since.Equal(since), "it is behind since %s, not %s", since, p.Since)
	}},
	{"Update/6/HigherTakesTheLease", func(h *storeHarness) {
		h.behindWith(7, "g")
		old := h.lease(long)
		h.behindWith(8, "g")
		p := h.lease(long) // at once
		h.equal(p.Version, 8, "version")
		h.check(p.Token != old.Token, "the token of version 7 holds for version 8")
		h.done(old)
		h.later(old, time.Now().Add(-long), "late")
		h.equal([]any{h.waiting().Version, h.waiting().Error}, []any{8, ""}, "what waits after the first lessee came back")
		h.noneDue("it is leased")
	}},
	{"Update/6/HigherIsDueAgain", func(h *storeHarness) {
		h.behindWith(7, "g")
		h.later(h.lease(long), time.Now().Add(long), "down")
		h.noneDue("it was put off")
		h.behindWith(8, "g")
		p := h.lease(long)
		h.equal([]any{p.Version, p.Tries, p.Error}, []any{8, 0, ""}, "version, tries and error")
	}},
	{"Update/6/LowerChangesNothing", func(h *storeHarness) {
		h.behindWith(7, "g")
		p := h.lease(long)
		h.behindWith(7, "g")
		h.behindWith(6, "g")
		h.equal(h.waiting().Version, 7, "version")
		h.noneDue("it is leased still")
		h.done(p)
		h.equal(len(h.waits()), 0, "waiting after its lessee was done")
	}},
	{"Update/6/HighestOfOneCommit", func(h *storeHarness) {
		h.commit(stocksync.Commit{Push: []stocksync.Push{push("g", 7), push("g", 9), push("g", 8)}})
		h.equal(h.waiting().Version, 9, "version")
	}},
	{"Update/6/Many", func(h *storeHarness) {
		var c stocksync.Commit
		for i := range 250 {
			p := push(stocksync.GID(fmt.Sprint("g", i)), 1)
			other := p
			other.Peer = "A"
			c.Push = append(c.Push, p, other)
		}
		h.commit(c)
		h.equal(len(h.waits()), 250, "waiting for one of two peers")
		leased := h.behind(250, long)
		h.equal(len(leased), 250, "leased")
		c = stocksync.Commit{Done: leased[:120], Later: leased[120:240]}
		for i := range c.Later {
			c.Later[i].Due = time.Time{} // was the end of the lease
		}
		h.commit(c)
		h.equal(len(h.waits()), 130, "waiting after 120 were done")
		h.equal(len(h.behind(250, long)), 120, "due after 120 were handed back")
	}},
	{"Update/6/Race", func(h *storeHarness) {
		together(8, func(w int) {
			for i := range 10 {
				if err := h.update(stocksync.Commit{Push: []stocksync.Push{push("g", int64(i*8+w)), push("h", int64(i*8+w))}}); err != nil {
					h.Error(err)
				}
			}
		})
		for _, p := range h.behind(10, 0) {
			h.equal(p.Version, 79, "version of "+string(p.GID)+" after versions 0 to 79 came in any order")
		}
	}},
	{"Update/7/Removes", func(h *storeHarness) {
		h.behindWith(7, "g", "h")
		leased := h.behind(2, long)
		h.done(leased[0])
		h.equal(gidsOf(h.waits()), []stocksync.GID{"h"}, "waiting")
		h.done(leased[0]) // again is no error
		h.done(push("never", 1))
		h.done(stocksync.Push{Peer: "nobody", GID: "g", Version: 7, Token: "x"})
		h.equal(gidsOf(h.waits()), []stocksync.GID{"h"}, "waiting")
	}},
	{"Update/7/WithRowsAndLedger", func(h *storeHarness) {
		h.commit(stocksync.Commit{Rows: []*stocksync.Row{row("g", "sku", 7)}, Push: []stocksync.Push{push("g", 7)}})
		p := h.lease(long)
		acked := row("g", "sku", 7)
		acked.Peers = map[stocksync.StoreID]*stocksync.Standing{store: {Knows: "sku"}}
		h.commit(stocksync.Commit{Rows: []*stocksync.Row{acked}, Done: []stocksync.Push{p}})
		h.equal(h.get("g")[0], acked, "row")
		h.equal(len(h.waits()), 0, "waiting")
	}},
	{"Update/7/WrongToken", func(h *storeHarness) {
		h.behindWith(7, "g")
		p := h.lease(long)
		p.Token += "x"
		h.done(p)
		h.equal(h.waiting().Version, 7, "version that waits")
	}},
	{"Update/7/TokenOfAnother", func(h *storeHarness) {
		h.behindWith(7, "g")
		g := h.lease(long)
		h.behindWith(7, "h")
		hh := h.lease(long)
		hh.GID = "g"
		h.done(hh)
		h.equal(len(h.waits()), 2, "waiting")
		h.done(g)
		h.equal(gidsOf(h.waits()), []stocksync.GID{"h"}, "waiting")
	}},
	{"Update/7/NeverLeased", func(h *storeHarness) {
		h.behindWith(7, "g")
		p := push("g", 7)
		p.Token = "guessed"
		h.done(p)
		h.equal(len(h.waits()), 1, "waiting")
	}},
	{"Update/7/NotTheRowsVersion", func(h *storeHarness) {
		h.behindWith(7, "g")
		p := h.lease(long)
		p.Version = 6
		h.done(p)
		h.equal(h.waiting().Version, 7, "version that waits")
		p.Version = 7
		h.done(p)
		h.equal(len(h.waits()), 0, "waiting")
	}},
	{"Update/7/StolenLease", func(h *storeHarness) {
		h.behindWith(7, "g")
		old := h.lease(brief)
		p := h.await(long)
		h.check(p.Token != old.Token, "the second lease has the first one's token")
		h.done(old)
		h.equal(h.waiting().Version, 7, "version that waits: the lease was another's")
		h.done(p)
		h.equal(len(h.waits()), 0, "waiting")
	}},
	{"Update/7/EndedLeaseThatNobodyTook", func(h *storeHarness) {
		h.behindWith(7, "g")
		p := h.lease(brief)
		time.Sleep(brief + 5*time.Millisecond)
		h.done(p) // it was pushed: the truth is worth more than the lease
		h.equal(len(h.waits()), 0, "waiting")
	}},
	{"Update/7/Discarded", func(h *storeHarness) {
		h.behindWith(7, "g", "h")
		leased := h.behind(1, long)
		h.done(push("g", 3)) // leased, and another version: a person said so
		h.equal(gidsOf(h.waits()), []stocksync.GID{"h"}, "waiting")
		h.done(leased[0])
		h.done(push("h", 7))
		h.equal(len(h.waits()), 0, "waiting")
	}},
	{"Update/7/ThenAgain", func(h *storeHarness) {
		h.behindWith(7, "g")
		p := h.lease(long)
		// Found stale by the answer: what is done makes room for what is pushed in the same commit.
		h.commit(stocksync.Commit{Done: []stocksync.Push{p}, Push: []stocksync.Push{push("g", 8)}})
		again := h.lease(long)
		h.equal(again.Version, 8, "version")
		h.done(p)
		h.equal(len(h.waits()), 1, "waiting")
	}},
	{"Update/8/PutsOff", func(h *storeHarness) {
		h.behindWith(7, "g")
		due := time.Now().Add(long)
		h.later(h.lease(long), due, "connection refused")
		h.noneDue("it is due in an hour")
		p := h.waiting()
		h.equal([]any{p.Version, p.Tries, p.Error}, []any{7, 1, "connection refused"}, "version, tries and error")
		h.check(p.Due.Equal(due.Truncate(time.Microsecond)) && p.Due.Location() == time.UTC, "due at %s, want %s", p.Due, due)
	}},
	{"Update/8/ComesBack", func(h *storeHarness) {
		h.behindWith(7, "g")
		h.later(h.lease(long), time.Now().Add(3*brief), "no")
		p := h.await(long)
		h.check(!time.Now().Before(p.Since.Add(brief)), "it came back early")
		h.equal([]any{p.Tries, p.Error}, []any{1, "no"}, "tries and error")
		h.later(p, time.Time{}, "no again") // zero is now
		p = h.lease(long)
		h.equal([]any{p.Tries, p.Error}, []any{2, "no again"}, "tries and error")
	}},
	{"Update/8/DeadToken", func(h *storeHarness) {
		h.behindWith(7, "g")
		old := h.lease(brief)
		p := h.await(long)
		h.later(old, time.Time{}, "late")
		h.equal([]any{h.waiting().Tries, h.waiting().Error}, []any{0, ""}, "tries and error")
		h.noneDue("another has leased it")
		h.later(p, time.Time{}, "")
		h.later(p, time.Time{}, "twice")
		h.equal([]any{h.waiting().Tries, h.waiting().Error}, []any{1, ""}, "tries and error: it was handed back once")
	}},
	{"Update/8/ByHand", func(h *storeHarness) {
		h.behindWith(7, "g")
		h.later(h.lease(long), time.Now().Add(long), "down")
		h.later(push("g", 0), time.Time{}, "")
		p := h.lease(long)
		h.equal([]any{p.Version, p.Tries, p.Error}, []any{7, 1, "down"}, "version, tries and error: a retry by hand is none of them")
		h.later(push("g", 0), time.Time{}, "") // whoever has it
		again := h.lease(long)
		h.check(again.Token != p.Token, "the token outlived the retry by hand")
		h.done(p)
		h.equal(len(h.waits()), 1, "waiting after the one from whom it was taken came back")
		h.later(push("g", 0), time.Now().Add(long), "")
		h.noneDue("it was put off by hand")
	}},
	{"Update/8/Unknown", func(h *storeHarness) {
		h.later(push("never", 1), time.Time{}, "")
		h.later(stocksync.Push{Peer: "nobody", GID: "g", Token: "x"}, time.Time{}, "no")
		h.equal(len(h.waits()), 0, "waiting")
	}},
	{"Update/8/OneByOne", func(h *storeHarness) {
		h.behindWith(7, "a", "b", "c")
		c := stocksync.Commit{Later: h.behind(3, long)}
		for i := range c.Later {
			c.Later[i].Due, c.Later[i].Error = time.Now().Add(time.Duration(i+1)*long), fmt.Sprint("error ", i)
		}
		h.commit(c)
		for i, p := range h.waits() {
			h.equal(p.Error, fmt.Sprint("error ", i), "error of "+string(p.GID))
			h.check(p.Due.Equal(c.Later[i].Due.Truncate(time.Microsecond)), "%s is due at %s", p.GID, p.Due)
		}
	}},
}

var behindCases = []storeCase{
	{"Behind/1/OldestFirst", func(h *storeHarness) {
		h.behindWith(1, "d", "a", "c", "b")
		h.behindWith(2, "d") // keeps its place
		h.equal(gidsOf(h.waits()), []stocksync.GID{"d", "a", "c", "b"}, "backlog")
		h.equal(gidsOf(h.behind(3, long)), []stocksync.GID{"d", "a", "c"}, "the oldest three")
		h.equal(gidsOf(h.behind(3, long)), []stocksync.GID{"b"}, "the rest")
		h.noneDue("all are leased")
	}},
	{"Behind/1/OfOnePeer", func(h *storeHarness) {
		h.behindWith(1, "g")
		for _, other := range []stocksync.StoreID{"A", "a ", "b", ""} {
			found, err := h.s.Behind(h.Context(), other, 10, long)
			h.must(err)
			h.equal(len(found), 0, fmt.Sprintf("rows of %q", other))
		}
		h.equal(len(h.behind(0, long)), 0, "rows with n = 0")
		h.equal(h.lease(long).GID, "g", "GID")
	}},
	{"Behind/1/PassesOverWhatIsNotDue", func(h *storeHarness) {
		h.behindWith(1, "a", "b", "c", "d")
		leased := h.behind(3, long)
		h.later(leased[0], time.Now().Add(long), "down")
		h.later(leased[2], time.Time{}, "")
		h.equal(gidsOf(h.behind(10, long)), []stocksync.GID{"c", "d"}, "due")
	}},
	{"Behind/2/ALook", func(h *storeHarness) {
		h.behindWith(1, "a", "b", "c")
		leased := h.behind(2, long)
		h.later(leased[1], time.Now().Add(long), "down")
		h.equal(gidsOf(h.waits()), []stocksync.GID{"a", "b", "c"}, "backlog")
		h.equal(gidsOf(h.behind(2, 0)), []stocksync.GID{"a", "b"}, "its first two")
		h.equal(h.lease(long).GID, "c", "still due")
		h.done(leased[0]) // its lease was not touched
		h.equal(gidsOf(h.waits()), []stocksync.GID{"b", "c"}, "backlog")
	}},
	{"Behind/3/NotTwice", func(h *storeHarness) {
		var c stocksync.Commit
		for i := range 60 {
			c.Push = append(c.Push, push(stocksync.GID(fmt.Sprint("g", i)), 1))
		}
		h.commit(c)
		var mu sync.Mutex
		taken := map[stocksync.GID]int{}
		together(8, func(int) {
			for range 60 { // what another is about to take may be passed over, so that an empty answer is not the end
				found, err := h.s.Behind(h.Context(), store, 7, long)
				if err != nil {
					h.Error(err)
					return
				}
				mu.Lock()
				for _, p := range found {
					taken[p.GID]++
				}
				all := len(taken) == 60
				mu.Unlock()
				if all {
					return
				}
			}
		})
		h.equal(len(taken), 60, "rows that somebody leased")
		for gid, n := range taken {
			h.check(n == 1, "%s was leased %d times", gid, n)
		}
	}},
	{"Behind/3/NotTwiceWhileStealing", func(h *storeHarness) {
		h.behindWith(1, "g")
		type turn struct{ asked, got time.Time }
		var mu sync.Mutex
		var turns []turn
		began := time.Now()
		enough := func() bool { // several turns, however slow the machine
			mu.Lock()
			defer mu.Unlock()
			return len(turns) > 5 || time.Since(began) > time.Minute
		}
		together(6, func(int) {
			for !enough() {
				asked := time.Now()
				found, err := h.s.Behind(h.Context(), store, 1, brief)
				if err != nil {
					h.Error(err)
					return
				}
				if len(found) == 1 {
					mu.Lock()
					turns = append(turns, turn{asked, time.Now()})
					mu.Unlock()
				}
				time.Sleep(time.Millisecond)
			}
		})
		slices.SortFunc(turns, func(a, b turn) int { return a.got.Compare(b.got) })
		h.check(len(turns) >= 2, "the lease never ended")
		for i := range turns[1:] {
			held := turns[i+1].got.Sub(turns[i].asked)
			h.check(held >= brief-2*time.Millisecond, "a lease of %s was given again after %s at most", brief, held)
		}
	}},
	{"Behind/3/LeaseEnds", func(h *storeHarness) {
		h.behindWith(1, "g")
		first := h.lease(brief)
		h.check(first.Due.After(first.Since), "the lease ends at %s", first.Due)
		second := h.await(brief)
		third := h.await(long)
		h.check(first.Token != second.Token && second.Token != third.Token && first.Token != third.Token, "leases share a token")
		h.equal([]any{third.Version, third.Tries}, []any{1, 0}, "version and tries")
		h.noneDue("it is leased for an hour")
	}},
	{"Behind/3/DuringUpdates", func(h *storeHarness) {
		// A pusher and a seller at the same products: neither waits for ever, and the last version arrives.
		gids := []stocksync.GID{"a", "b", "c"}
		arrived := map[stocksync.GID]int64{}
		deliver := func() bool {
			found, err := h.s.Behind(h.Context(), store, 2, long)
			if err != nil {
				h.Error(err)
			}
			for _, p := range found {
				arrived[p.GID] = max(arrived[p.GID], p.Version)
			}
			if err := h.s.Update(h.Context(), gidsOf(found), func([]*stocksync.Row) (stocksync.Commit, error) {
				return stocksync.Commit{Done: found}, nil
			}); err != nil {
				h.Error(err)
			}
			return len(found) > 0
		}
		stop := make(chan struct{})
		var pusher sync.WaitGroup
		pusher.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					deliver()
				}
			}
		})
		together(3, func(int) {
			for range 10 {
				if err := h.s.Update(h.Context(), gids, func(rows []*stocksync.Row) (stocksync.Commit, error) {
					var c stocksync.Commit
					for i, gid := range gids {
						r := add(rows[i], gid)
						c.Rows, c.Push = append(c.Rows, r), append(c.Push, push(gid, r.Version))
					}
					return c, nil
				}); err != nil {
					h.Error(err)
				}
			}
		})
		close(stop)
		pusher.Wait()
		for deliver() {
		}
		h.equal(len(h.waits()), 0, "waiting")
		h.equal(arrived, map[stocksync.GID]int64{"a": 30, "b": 30, "c": 30}, "versions that arrived")
	}},
	{"Backlog/Counts", func(h *storeHarness) {
		backlog := func() map[stocksync.StoreID]stocksync.Waiting {
			all, err := h.s.Backlog(h.Context())
			h.must(err)
			return all
		}
		h.equal(len(backlog()), 0, "peers that are behind")
		h.behindWith(1, "a", "b")
		h.commit(stocksync.Commit{Push: []stocksync.Push{{Peer: "other", GID: "a", Version: 1}}})
		now := time.Now()
		all := backlog()
		h.equal([]int{len(all), all[store].Count, all["other"].Count}, []int{2, 2, 1}, "peers, and what waits for each")
		for peer, w := range all {
			h.check(w.Next.Sub(now).Abs() < time.Minute && w.Next.Location() == time.UTC, "next for %s at %s", peer, w.Next)
		}

		a := h.behind(1, long)[0]
		h.check(backlog()[store].Next.Equal(h.waits()[1].Due), "b is due, but next is %s", backlog()[store].Next)
		b := h.behind(1, 2*long)[0]
		h.check(backlog()[store].Next.Equal(a.Due), "the first lease ends at %s, but next is %s", a.Due, backlog()[store].Next)
		due := now.Add(long / 2).Truncate(time.Microsecond)
		h.later(b, due, "down")
		h.check(backlog()[store].Next.Equal(due), "b is due at %s, but next is %s", due, backlog()[store].Next)
		h.done(a)
		h.done(push("b", 0))
		h.equal(slices.Collect(maps.Keys(backlog())), []stocksync.StoreID{"other"}, "peers that are behind")
	}},
}
