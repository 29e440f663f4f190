package stocksynctest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

var resolveCases = []storeCase{
	{"Resolve/1/ByGID", func(h *storeHarness) {
		h.put(row("g", "one", 1), row("h", "two", 1))
		h.finds(stocksync.Ref{GID: "g"}, "g")
		h.finds(stocksync.Ref{GID: "g", SKU: "two", OldSKU: "two"}, "g") // the GID decides
		h.finds(stocksync.Ref{GID: "unknown", SKU: "two"}, "h")
		h.finds(stocksync.Ref{GID: "unknown"})
		h.finds(stocksync.Ref{GID: "G"})
	}},
	{"Resolve/1/ByOldSKU", func(h *storeHarness) {
		h.put(row("g", "one", 1), row("h", "two", 1))
		h.finds(stocksync.Ref{OldSKU: "one", SKU: "two"}, "g")
		h.finds(stocksync.Ref{OldSKU: "gone", SKU: "two"}, "h")
		h.finds(stocksync.Ref{OldSKU: "one", SKU: "new"}, "g")
		h.finds(stocksync.Ref{GID: "unknown", OldSKU: "one", SKU: "two"}, "g")
	}},
	{"Resolve/1/AllMatches", func(h *storeHarness) {
		h.put(row("g", "same", 1), row("h", "same", 1), row("i", "other", 1))
		h.finds(stocksync.Ref{SKU: "same"}, "g", "h")
		h.finds(stocksync.Ref{OldSKU: "same", SKU: "other"}, "g", "h")
		h.put(row("h", "other", 2))
		h.finds(stocksync.Ref{SKU: "same"}, "g")
		h.finds(stocksync.Ref{SKU: "other"}, "h", "i")
	}},
	{"Resolve/1/InOrder", func(h *storeHarness) {
		var rows []*stocksync.Row
		var refs []stocksync.Ref
		for i := range 300 {
			gid, sku := stocksync.GID(fmt.Sprint("g", i)), stocksync.SKU(fmt.Sprint("sku ", i*7%300))
			rows = append(rows, row(gid, sku, 1))
			switch i % 3 {
			case 0:
				refs = append(refs, stocksync.Ref{GID: gid})
			case 1:
				refs = append(refs, stocksync.Ref{SKU: sku})
			default:
				refs = append(refs, stocksync.Ref{SKU: "none"}, stocksync.Ref{OldSKU: sku})
			}
		}
		h.put(rows...)
		got := h.resolve(refs...)
		for i := 0; i < 300; i++ {
			if i%3 == 2 {
				h.check(len(got[0]) == 0, "an unknown SKU leads to %q", got[0])
				got = got[1:]
			}
			h.check(slices.Equal(got[0], []stocksync.GID{rows[i].GID}), "the ref to %s leads to %q", rows[i].GID, got[0])
			got = got[1:]
		}
		h.equal(len(h.resolve()), 0, "answers to no refs")
	}},
	{"Resolve/1/OneTwice", func(h *storeHarness) {
		h.put(row("g", "one", 1))
		got := h.resolve(stocksync.Ref{SKU: "one"}, stocksync.Ref{GID: "g"}, stocksync.Ref{SKU: "ONE"})
		h.equal(got, [][]stocksync.GID{{"g"}, {"g"}, {"g"}}, "three refs to one product")
	}},
	{"Resolve/2/Folded", func(h *storeHarness) {
		h.put(row("g", " ÄB-12é ", 1), row("h", "12345", 1), row("i", "a%b_c", 1))
		h.finds(stocksync.Ref{SKU: "äb-12É"}, "g")
		h.finds(stocksync.Ref{OldSKU: "\täb-12É\n", SKU: "12345"}, "g")
		h.finds(stocksync.Ref{SKU: "ab-12e"}) // accents count
		h.finds(stocksync.Ref{SKU: "12345.0"})
		h.finds(stocksync.Ref{SKU: "axbxc"})
		h.finds(stocksync.Ref{SKU: "A%B_C"}, "i")
		h.put(row("j", "Äb-12É", 1))
		h.finds(stocksync.Ref{SKU: "äb-12é"}, "g", "j")
	}},
	{"Resolve/2/EmptyMatchesNothing", func(h *storeHarness) {
		h.put(row("g", "", 1), row("h", "  ", 1))
		for _, ref := range []stocksync.Ref{{}, {SKU: " "}, {OldSKU: " ", SKU: ""}} {
			h.finds(ref)
		}
		h.finds(stocksync.Ref{GID: "g"}, "g")
	}},
	{"Resolve/EndedContext", func(h *storeHarness) {
		ctx, cancel := context.WithCancel(h.Context())
		cancel()
		_, resolve := h.s.Resolve(ctx, []stocksync.Ref{{SKU: "s"}})
		update := h.s.Update(ctx, []stocksync.GID{"g"}, func([]*stocksync.Row) (stocksync.Commit, error) {
			return stocksync.Commit{Rows: []*stocksync.Row{row("g", "s", 1)}}, nil
		})
		_, behind := h.s.Behind(ctx, store, 10, long)
		_, backlog := h.s.Backlog(ctx)
		_, find := h.s.Find(ctx, "", 10)
		_, events := h.s.Events(ctx, stocksync.EventQuery{})
		all := map[string]error{
			"Resolve": resolve, "Update": update, "Behind": behind, "Backlog": backlog, "Find": find, "Events": events,
			"Log": h.s.Log(ctx, []stocksync.Event{{Text: "t"}}, 0),
		}
		if s, ok := h.s.(stocksync.Looker); ok {
			_, all["Look"] = s.Look(ctx, []stocksync.Ref{{SKU: "s"}})
		}
		if s, ok := h.s.(stocksync.Historian); ok {
			_, all["History"] = s.History(ctx, "g", 1)
		}
		for name, err := range all {
			h.check(errors.Is(err, context.Canceled), "%s: %v, want context.Canceled", name, err)
		}
		h.equal(h.get("g"), []*stocksync.Row{nil}, "rows")
	}},
}

func (h *storeHarness) look(refs ...stocksync.Ref) [][]*stocksync.Row {
	h.Helper()
	s, ok := h.s.(stocksync.Looker)
	if !ok {
		h.Skip("the store is no Looker")
	}
	found, err := s.Look(h.Context(), refs)
	h.must(err)
	h.check(len(found) == len(refs), "Look at %d refs gave %d answers", len(refs), len(found))
	return found
}

var lookCases = []storeCase{
	{"Look/1/Rows", func(h *storeHarness) { // which ones: wherever a case resolves, both must find the same
		g, same := row("g", "same", 1), row("h", "Same ", 2)
		g.Peers = map[stocksync.StoreID]*stocksync.Standing{"p": {Views: []stocksync.View{{Version: 1, SentAt: noon}}}}
		h.put(g, same)
		got := h.look(stocksync.Ref{GID: "h"}, stocksync.Ref{SKU: "none"}, stocksync.Ref{SKU: "SAME"},
			stocksync.Ref{OldSKU: "same", SKU: "none"})
		h.equal(got, [][]*stocksync.Row{{same}, nil, {g, same}, {g, same}}, "rows")
		h.equal(len(h.look()), 0, "answers to no refs")
	}},
	{"Look/1/OwnCopy", func(h *storeHarness) {
		want := row("g", "sku", 5)
		want.Shares = map[stocksync.StoreID]decimal.Decimal{"p": decimal.NewFromInt(3)}
		h.put(want)
		twice := h.look(stocksync.Ref{GID: "g"}, stocksync.Ref{SKU: "sku"})
		twice[0][0].Shares["p"] = decimal.Zero
		h.equal(twice[1][0], want, "the other one of two")
		h.equal(h.get("g")[0], want, "row")
	}},
	{"Look/1/Many", func(h *storeHarness) {
		var rows []*stocksync.Row
		var refs []stocksync.Ref
		var want [][]*stocksync.Row
		for i := range 250 {
			r := row(stocksync.GID(fmt.Sprint("g", i)), stocksync.SKU(fmt.Sprint("sku ", i)), int64(i+1))
			rows, want = append(rows, r), append(want, []*stocksync.Row{r})
			refs = append(refs, []stocksync.Ref{{GID: r.GID}, {SKU: r.SKU}}[i%2])
		}
		h.put(rows...)
		h.equal(h.look(refs...), want, "250 rows in the order of the refs")
	}},
	{"Look/2/Latest", func(h *storeHarness) {
		h.put(row("g", "sku", 1))
		for range 20 {
			var now *stocksync.Row
			h.must(h.s.Update(h.Context(), []stocksync.GID{"g"}, func(rows []*stocksync.Row) (stocksync.Commit, error) {
				now = add(rows[0], "g")
				return stocksync.Commit{Rows: rows}, nil
			}))
			h.equal(h.look(stocksync.Ref{SKU: "sku"})[0], []*stocksync.Row{now}, "the row after its change")
		}
	}},
	{"Look/2/WaitsForNobody", func(h *storeHarness) {
		h.put(row("a", "a", 1), row("b", "b", 1))
		s, ok := h.s.(stocksync.Looker)
		if _, one := h.s.(*stocksync.MemoryStore); !ok || one {
			h.Skip("the store is no Looker, or has one lock for all, which nobody holds for long")
		}
		looked := make(chan string, 1)
		h.must(h.s.Update(h.Context(), []stocksync.GID{"a"}, func(rows []*stocksync.Row) (stocksync.Commit, error) {
			go func() {
				found, err := s.Look(h.Context(), []stocksync.Ref{{GID: "a"}, {GID: "b"}})
				looked <- text(found) + fmt.Sprint(err)
			}()
			select {
			case got := <-looked:
				h.equal(got, text([][]*stocksync.Row{{row("a", "a", 1)}, {row("b", "b", 1)}})+"<nil>", "what was committed")
			case <-time.After(5 * time.Second):
				h.Error("the look waits for a change of one of its rows")
			}
			return stocksync.Commit{Rows: []*stocksync.Row{add(rows[0], "a")}}, nil
		}))
	}},
	{"Look/2/OneMoment", func(h *storeHarness) {
		h.put(row("a", "a", 1), row("b", "b", 1))
		var all sync.WaitGroup
		all.Go(func() {
			one := decimal.NewFromInt(1)
			for range 30 {
				if err := h.s.Update(h.Context(), []stocksync.GID{"a", "b"}, func(rows []*stocksync.Row) (stocksync.Commit, error) {
					rows[0].Quantity, rows[1].Quantity = rows[0].Quantity.Sub(one), rows[1].Quantity.Add(one)
					return stocksync.Commit{Rows: rows}, nil
				}); err != nil {
					h.Error(err)
				}
			}
		})
		last := int64(10)
		for range 60 {
			found := h.look(stocksync.Ref{SKU: "a"}, stocksync.Ref{SKU: "b"})
			a, b := found[0][0].Quantity.IntPart(), found[1][0].Quantity.IntPart()
			h.check(a+b == 20, "a holds %d and b %d, want 20 together", a, b)
			h.check(a <= last, "a went back from %d to %d", last, a)
			last = a
		}
		all.Wait()
	}},
}

var findCases = []storeCase{
	{"Find/Pages", func(h *storeHarness) {
		var want []stocksync.GID
		for _, gid := range []stocksync.GID{"b", "é", "a", "B", "10", "9", "b ", "ba"} {
			h.put(row(gid, stocksync.SKU(gid), 1))
			want = append(want, gid)
		}
		slices.Sort(want) // byte by byte
		var got []stocksync.GID
		var after stocksync.GID
		for range 4 {
			page, err := h.s.Find(h.Context(), after, 3)
			h.must(err)
			h.check(len(page) <= 3, "a page of 3 has %d", len(page))
			for _, r := range page {
				got = append(got, r.GID)
				after = r.GID
			}
		}
		h.check(slices.Equal(got, want), "pages of three gave %q, want %q", got, want)
		page, err := h.s.Find(h.Context(), "az", 1) // is not there itself
		h.must(err)
		h.equal(page, []*stocksync.Row{row("b", "b", 1)}, "the row after az")
		page, err = h.s.Find(h.Context(), "", 0)
		h.must(err)
		h.equal(len(page), 0, "rows with n = 0")
	}},
	{"Find/NotWhatWasOnlyLocked", func(h *storeHarness) {
		h.get("locked", "too")
		_ = h.s.Update(h.Context(), []stocksync.GID{"locked", "failed"}, func([]*stocksync.Row) (stocksync.Commit, error) {
			return stocksync.Commit{}, errNo
		})
		h.put(row("there", "s", 1))
		all, err := h.s.Find(h.Context(), "", 10)
		h.must(err)
		h.equal(all, []*stocksync.Row{row("there", "s", 1)}, "rows")
		h.finds(stocksync.Ref{GID: "locked"})
		h.finds(stocksync.Ref{GID: "locked", SKU: "s"}, "there")
		h.equal(h.get("locked"), []*stocksync.Row{nil}, "row that was only locked")
	}},
}

var logCases = []storeCase{
	{"Log/IDsRise", func(h *storeHarness) {
		at := noon.In(time.FixedZone("", -3600)).Add(999)
		e := stocksync.Event{
			ID: 77, At: at, Level: "security", Peer: "p", Action: "receive", Text: "é \"'\\",
			Ref: stocksync.Ref{GID: "g", SKU: "s", OldSKU: "o"},
		}
		h.must(h.s.Log(h.Context(), []stocksync.Event{e, {Text: "second"}}, 0))
		h.must(h.s.Log(h.Context(), []stocksync.Event{{Text: "third"}}, 0))
		h.must(h.s.Log(h.Context(), nil, 0))
		got := h.events(stocksync.EventQuery{})
		h.equal(texts(got), []string{"third", "second", e.Text}, "events")
		h.check(got[2].ID > 0 && got[1].ID > got[2].ID && got[0].ID > got[1].ID, "ids are %d, %d, %d", got[2].ID, got[1].ID, got[0].ID)
		e.ID, e.At = got[2].ID, noon
		h.equal(got[2], e, "event")
		h.check(got[1].At.IsZero(), "an event without a time happened at %s", got[1].At)
	}},
	{"Log/KeepsTheNewest", func(h *storeHarness) {
		for i := range 12 {
			h.must(h.s.Log(h.Context(), []stocksync.Event{{Text: fmt.Sprint(2 * i)}, {Text: fmt.Sprint(2*i + 1)}}, 5))
		}
		before := h.events(stocksync.EventQuery{})
		h.equal(texts(before), []string{"23", "22", "21", "20", "19"}, "the newest five")
		h.must(h.s.Log(h.Context(), nil, 2)) // forgets without adding
		h.equal(texts(h.events(stocksync.EventQuery{})), []string{"23", "22"}, "the newest two")
		h.must(h.s.Log(h.Context(), []stocksync.Event{{Text: "a"}, {Text: "b"}, {Text: "c"}}, 1))
		after := h.events(stocksync.EventQuery{})
		h.equal(texts(after), []string{"c"}, "the newest")
		h.check(after[0].ID > before[0].ID, "id %d after %d", after[0].ID, before[0].ID)
		h.must(h.s.Log(h.Context(), []stocksync.Event{{Text: "d"}}, 0))
		h.equal(texts(h.events(stocksync.EventQuery{})), []string{"d", "c"}, "with keep = 0 every one")
	}},
	{"Log/AtOnce", func(h *storeHarness) {
		together(8, func(w int) {
			for i := range 5 {
				if err := h.s.Log(h.Context(), []stocksync.Event{{Text: fmt.Sprint(w, i)}}, 20); err != nil {
					h.Error(err)
				}
			}
		})
		ids := map[int64]bool{}
		got := h.events(stocksync.EventQuery{Limit: 1000})
		for _, e := range got {
			ids[e.ID] = true
		}
		h.must(h.s.Log(h.Context(), nil, 20))
		h.equal(len(ids), len(got), "ids, and events that have them")
		h.equal(len(h.events(stocksync.EventQuery{Limit: 1000})), 20, "events that are kept")
	}},
	{"Events/Query", func(h *storeHarness) {
		var all []stocksync.Event
		for i := range 120 {
			all = append(all, stocksync.Event{
				Text: fmt.Sprint(i), Peer: []stocksync.StoreID{"p", "q", ""}[i%3], Action: []string{"push", "receive"}[i%2],
				Level: []string{"info", "warn"}[i/60],
			})
		}
		h.must(h.s.Log(h.Context(), all, 0))
		h.equal(len(h.events(stocksync.EventQuery{})), stocksync.DefaultEvents, "events without a limit")
		h.equal(texts(h.events(stocksync.EventQuery{Limit: 2})), []string{"119", "118"}, "the newest two")
		third := h.events(stocksync.EventQuery{Limit: 3})[2]
		h.equal(texts(h.events(stocksync.EventQuery{Limit: 2, Before: third.ID})), []string{"116", "115"}, "events before the third")
		h.equal(texts(h.events(stocksync.EventQuery{Limit: 2, Peer: "p"})), []string{"117", "114"}, "of a peer")
		h.equal(texts(h.events(stocksync.EventQuery{Limit: 2, Action: "push"})), []string{"118", "116"}, "of an action")
		h.equal(texts(h.events(stocksync.EventQuery{Limit: 2, Level: "info"})), []string{"59", "58"}, "of a level")
		all3 := stocksync.EventQuery{Limit: 2, Level: "info", Action: "push", Peer: "p", Before: third.ID}
		h.equal(texts(h.events(all3)), []string{"54", "48"}, "of all of these")
		h.equal(len(h.events(stocksync.EventQuery{Level: "error"})), 0, "of a level without any")
	}},
}

func (h *storeHarness) events(q stocksync.EventQuery) []stocksync.Event {
	h.Helper()
	found, err := h.s.Events(h.Context(), q)
	h.must(err)
	return found
}

func texts(events []stocksync.Event) []string {
	all := []string{}
	for _, e := range events {
		all = append(all, e.Text)
	}
	return all
}
