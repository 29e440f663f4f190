package stocksynctest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

// RunStore holds a [stocksync.Store] to its contract: each case gets a store of its own from open, which registers its own clean-up.
// A case is named after the numbered must that it is about: Update/3/... fails when Update's third must is broken. Cases of
// [stocksync.Historian] and [stocksync.Looker] skip where the store is none.
func RunStore(t *testing.T, open func(t *testing.T) stocksync.Store) {
	for _, group := range [][]storeCase{resolveCases, lookCases, updateCases, ledgerCases, pushCases, behindCases, findCases, logCases} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(&storeHarness{T: t, s: open(t)})
			})
		}
	}
}

type storeCase struct {
	name string
	run  func(h *storeHarness)
}

// storeHarness is one case's store with the words the cases are written in.
type storeHarness struct {
	*testing.T
	s stocksync.Store
}

const (
	long  = time.Hour             // longer than any case takes
	brief = 30 * time.Millisecond // a lease that ends while a case waits
	store = stocksync.StoreID("a")
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

func (h *storeHarness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *storeHarness) check(ok bool, format string, args ...any) {
	h.Helper()
	if !ok {
		h.Fatalf(format, args...)
	}
}

// equal compares as JSON, where decimals and times have one form.
func (h *storeHarness) equal(got, want any, what string) {
	h.Helper()
	if g, w := text(got), text(want); g != w {
		h.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v (%v)", v, err)
	}
	return string(b)
}

// row is a product with ten pieces.
func row(gid stocksync.GID, sku stocksync.SKU, version int64) *stocksync.Row {
	r := &stocksync.Row{Updated: noon}
	r.GID, r.SKU, r.Version, r.Quantity = gid, sku, version, decimal.NewFromInt(10)
	return r
}

func push(gid stocksync.GID, version int64) stocksync.Push {
	return stocksync.Push{Peer: store, GID: gid, Version: version}
}

func line(source string, gid stocksync.GID) stocksync.Entry {
	return stocksync.Entry{Store: store, Source: source, GID: gid, Delta: decimal.NewFromInt(-1), At: noon}
}

// update commits c to the rows that it names.
func (h *storeHarness) update(c stocksync.Commit) error {
	h.Helper()
	gids := make([]stocksync.GID, len(c.Rows))
	for i, r := range c.Rows {
		gids[i] = r.GID
	}
	return h.s.Update(h.Context(), gids, func([]*stocksync.Row) (stocksync.Commit, error) { return c, nil })
}

func (h *storeHarness) commit(c stocksync.Commit) {
	h.Helper()
	h.must(h.update(c))
}

func (h *storeHarness) put(rows ...*stocksync.Row) {
	h.Helper()
	h.commit(stocksync.Commit{Rows: rows})
}

// get returns rows as Update shows them.
func (h *storeHarness) get(gids ...stocksync.GID) (rows []*stocksync.Row) {
	h.Helper()
	h.must(h.s.Update(h.Context(), gids, func(found []*stocksync.Row) (stocksync.Commit, error) {
		rows = found
		return stocksync.Commit{}, nil
	}))
	h.check(len(rows) == len(gids), "Update of %d rows showed %d", len(gids), len(rows))
	return rows
}

func (h *storeHarness) quantity(gid stocksync.GID) int64 {
	h.Helper()
	r := h.get(gid)[0]
	h.check(r != nil, "there is no row %q", gid)
	return r.Quantity.IntPart()
}

// add raises a row's quantity by one, or makes it with one.
func add(r *stocksync.Row, gid stocksync.GID) *stocksync.Row {
	if r == nil {
		r = row(gid, stocksync.SKU(gid), 0)
		r.Quantity = decimal.Zero
	}
	r.Quantity = r.Quantity.Add(decimal.NewFromInt(1))
	r.Version++
	return r
}

func (h *storeHarness) resolve(refs ...stocksync.Ref) [][]stocksync.GID {
	h.Helper()
	found, err := h.s.Resolve(h.Context(), refs)
	h.must(err)
	h.check(len(found) == len(refs), "Resolve of %d refs gave %d answers", len(refs), len(found))
	if s, ok := h.s.(stocksync.Looker); ok { // it finds the same
		looked, err := s.Look(h.Context(), refs)
		h.must(err)
		h.check(len(looked) == len(refs), "Look at %d refs gave %d answers", len(refs), len(looked))
		for i, rows := range looked {
			var gids []stocksync.GID
			for _, r := range rows {
				gids = append(gids, r.GID)
			}
			resolved := found[i]
			h.check(slices.Equal(slices.Sorted(slices.Values(gids)), slices.Sorted(slices.Values(resolved))),
				"%s: Look finds %q, Resolve %q", text(refs[i]), gids, resolved) //nolint:gosec // as many refs as answers, see above
		}
	}
	return found
}

// finds checks what one ref leads to; the order of several is the store's.
func (h *storeHarness) finds(ref stocksync.Ref, want ...stocksync.GID) {
	h.Helper()
	got := slices.Sorted(slices.Values(h.resolve(ref)[0]))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		h.Fatalf("Resolve of %s: got %q, want %q", text(ref), got, want)
	}
}

func (h *storeHarness) behind(n int, lease time.Duration) []stocksync.Push {
	h.Helper()
	found, err := h.s.Behind(h.Context(), store, n, lease)
	h.must(err)
	h.check(len(found) <= n, "Behind with n = %d gave %d", n, len(found))
	for _, p := range found {
		h.check(p.Peer == store, "Behind of %q gave a row of %q", store, p.Peer)
		h.check((p.Token != "") == (lease > 0), "a lease of %s gave the token %q", lease, p.Token)
	}
	return found
}

// lease takes the one row that is due.
func (h *storeHarness) lease(d time.Duration) stocksync.Push {
	h.Helper()
	found := h.behind(10, d)
	h.check(len(found) == 1, "Behind leased %d rows, want 1", len(found))
	return found[0]
}

func (h *storeHarness) noneDue(why string) {
	h.Helper()
	found := h.behind(10, long)
	h.check(len(found) == 0, "Behind leased %s: %s", text(found), why)
}

// await leases as soon as something is due, which must be soon.
func (h *storeHarness) await(d time.Duration) stocksync.Push {
	h.Helper()
	for range 500 {
		if found := h.behind(10, d); len(found) > 0 {
			h.check(len(found) == 1, "Behind leased %d rows, want 1", len(found))
			return found[0]
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.Fatal("nothing became due")
	return stocksync.Push{}
}

// waits returns the outbox rows of the peer, leased or not.
func (h *storeHarness) waits() []stocksync.Push {
	h.Helper()
	return h.behind(1000, 0)
}

// waiting returns the only one.
func (h *storeHarness) waiting() stocksync.Push {
	h.Helper()
	all := h.waits()
	h.check(len(all) == 1, "%d rows wait, want 1: %s", len(all), text(all))
	return all[0]
}

func (h *storeHarness) history(gid stocksync.GID, n int) []stocksync.Entry {
	h.Helper()
	s, ok := h.s.(stocksync.Historian)
	if !ok {
		h.Skip("the store is no Historian")
	}
	lines, err := s.History(h.Context(), gid, n)
	h.must(err)
	return lines
}

// unchanged checks that a store which had one row "g" at version 5, and nothing else, still has just that.
func (h *storeHarness) unchanged(why string) {
	h.Helper()
	all, err := h.s.Find(h.Context(), "", 10)
	h.must(err)
	h.equal(all, []*stocksync.Row{row("g", "sku", 5)}, "rows: "+why)
	h.equal(h.get("g", "new"), []*stocksync.Row{row("g", "sku", 5), nil}, "rows: "+why)
	h.check(len(h.waits()) == 0, "the outbox is not empty: %s", why)
	h.finds(stocksync.Ref{SKU: "renamed"})
	h.finds(stocksync.Ref{SKU: "sku"}, "g")
}

// together runs try n times at once.
func together(n int, try func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { try(i) })
	}
	wg.Wait()
}

var errNo = errors.New("no")

var updateCases = []storeCase{
	{"Update/1/NilForNone", func(h *storeHarness) {
		h.put(row("b", "B", 1), row("d", "D", 2))
		got := h.get("d", "none", "b", "")
		h.equal(got, []*stocksync.Row{row("d", "D", 2), nil, row("b", "B", 1), nil}, "rows")
	}},
	{"Update/1/NoRows", func(h *storeHarness) {
		called := false
		h.must(h.s.Update(h.Context(), nil, func(rows []*stocksync.Row) (stocksync.Commit, error) {
			called = true
			h.check(len(rows) == 0, "rows: %v", rows)
			return stocksync.Commit{Ledger: []stocksync.Entry{line("event/1", "")}}, nil
		}))
		h.check(called, "change was not called")
		err := h.update(stocksync.Commit{Ledger: []stocksync.Entry{line("event/1", "")}})
		h.check(errors.Is(err, stocksync.ErrKnown), "the line is not known: %v", err)
	}},
	{"Update/1/ManyRows", func(h *storeHarness) {
		var rows []*stocksync.Row
		var gids []stocksync.GID
		for i := range 250 {
			gid := stocksync.GID(fmt.Sprintf("g%03d", i*7%250))
			rows, gids = append(rows, row(gid, stocksync.SKU(gid), 1)), append(gids, gid)
		}
		h.put(rows...)
		h.equal(h.get(gids...), rows, "250 rows in their order")
	}},
	{"Update/1/ByteByByte", func(h *storeHarness) {
		all := []*stocksync.Row{row("g", "1", 1), row("G", "2", 2), row("g ", "3", 3), row("ğ", "4", 4), row("é", "5", 5), row("e", "6", 6)}
		h.put(all...)
		h.equal(h.get("g", "G", "g ", "ğ", "é", "e"), all, "rows whose GIDs look alike")
	}},
	{"Update/1/OwnCopy", func(h *storeHarness) {
		mine := row("g", "sku", 5)
		mine.Peers = map[stocksync.StoreID]*stocksync.Standing{"p": {Views: []stocksync.View{{Version: 1}}}}
		mine.Shares = map[stocksync.StoreID]decimal.Decimal{"p": decimal.NewFromInt(3)}
		want := mine.Clone()
		h.put(mine)
		spoil := func(r *stocksync.Row) {
			r.SKU = "spoiled"
			r.Peers["p"].Views[0].Version = 99
			r.Peers["q"] = &stocksync.Standing{}
			r.Shares["p"] = decimal.Zero
		}
		spoil(mine)
		h.equal(h.get("g")[0], want, "the row after its writer changed what it gave")
		spoil(h.get("g")[0])
		h.equal(h.get("g")[0], want, "the row after a change that committed nothing")
		found, err := h.s.Find(h.Context(), "", 1)
		h.must(err)
		spoil(found[0])
		h.equal(h.get("g")[0], want, "the row after its finder changed it")
	}},
	{"Update/1/LostUpdate", func(h *storeHarness) {
		h.put(row("g", "g", 1))
		h.contend(8, 10, func(int) []stocksync.GID { return []stocksync.GID{"g"} })
		h.equal(h.quantity("g"), 90, "ten and 8 × 10 additions")
	}},
	{"Update/1/LostUpdateOfNewRows", func(h *storeHarness) {
		for i := range 5 { // rows that do not exist yet are locked too
			gid := stocksync.GID(fmt.Sprint("new", i))
			h.contend(8, 1, func(int) []stocksync.GID { return []stocksync.GID{gid} })
			h.equal(h.quantity(gid), 8, "8 additions to a row that each might have made")
		}
	}},
	{"Update/1/OppositeOrder", func(h *storeHarness) {
		h.put(row("b", "b", 1), row("d", "d", 1)) // a, c and e are new
		h.contend(8, 6, func(i int) []stocksync.GID {
			gids := []stocksync.GID{"a", "b", "c", "d", "e"}
			if i%2 == 1 {
				slices.Reverse(gids)
			}
			return gids
		})
		for gid, want := range map[stocksync.GID]int64{"a": 48, "b": 58, "c": 48, "d": 58, "e": 48} {
			h.equal(h.quantity(gid), want, "additions to "+string(gid))
		}
	}},
	{"Update/1/OverlappingSets", func(h *storeHarness) {
		const n = 6
		h.contend(n, 8, func(i int) []stocksync.GID {
			return []stocksync.GID{stocksync.GID(fmt.Sprint("g", (i+1)%n)), stocksync.GID(fmt.Sprint("g", i))}
		})
		for i := range n {
			h.equal(h.quantity(stocksync.GID(fmt.Sprint("g", i))), 16, "additions by two neighbours")
		}
	}},
	{"Update/1/SeesNoHalves", func(h *storeHarness) {
		h.put(row("a", "a", 1), row("b", "b", 1))
		one := decimal.NewFromInt(1)
		together(4, func(i int) {
			for range 10 {
				err := h.s.Update(h.Context(), []stocksync.GID{"a", "b"}, func(rows []*stocksync.Row) (stocksync.Commit, error) {
					from, to := rows[i%2], rows[1-i%2]
					if sum := from.Quantity.Add(to.Quantity); sum.IntPart() != 20 {
						return stocksync.Commit{}, fmt.Errorf("a and b hold %s, want 20", sum)
					}
					from.Quantity, to.Quantity = from.Quantity.Sub(one), to.Quantity.Add(one)
					return stocksync.Commit{Rows: rows}, nil
				})
				if err != nil {
					h.Error(err)
				}
			}
		})
	}},
	{"Update/2/Together", func(h *storeHarness) {
		h.commit(stocksync.Commit{
			Rows:   []*stocksync.Row{row("g", "sku", 5)},
			Ledger: []stocksync.Entry{line("event/1", "g")},
			Push:   []stocksync.Push{push("g", 5)},
		})
		h.equal(h.get("g")[0], row("g", "sku", 5), "row")
		h.equal(h.waiting().Version, 5, "version in the outbox")
		h.equal(h.history("g", 0), []stocksync.Entry{line("event/1", "g")}, "ledger")
	}},
	{"Update/2/Replaces", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		again := row("g", "renamed", 6)
		again.Quantity = decimal.RequireFromString("-2.5")
		h.put(again)
		h.equal(h.get("g")[0], again, "row")
		h.finds(stocksync.Ref{SKU: "renamed"}, "g")
		h.finds(stocksync.Ref{SKU: "sku"})
	}},
	{"Update/2/KeepsAll", func(h *storeHarness) {
		zone, low := time.FixedZone("UTC-8", -8*60*60), 3
		r := row("g", "sku é \"'\\ \u2028", 1<<53+1)
		r.Quantity = decimal.RequireFromString("-12345678901234567890.000000000000000001")
		r.Status, r.Backorders, r.Manage, r.LowStock = stocksync.OnBackorder, stocksync.BackordersNotify, stocksync.ByParent, &low
		r.Updated = noon.In(zone).Add(789) // nanoseconds: less than is kept
		r.Caused = noon.In(zone)
		r.Seed = decimal.RequireFromString("7.25")
		r.Renamed = "was"
		r.Peers = map[stocksync.StoreID]*stocksync.Standing{"p": {
			Views: []stocksync.View{
				{Version: 2, Quantity: decimal.NewFromInt(4), SentAt: noon, AckedAt: noon.Add(time.Second)},
				{Quantity: decimal.NewFromInt(5), SentAt: noon.In(zone)},
			},
			Knows: "old", Missed: 2, Checked: noon.In(zone), Seen: &stocksync.Sight{Quantity: decimal.NewFromInt(6), At: noon.In(zone)},
			Conflict: &stocksync.Conflict{
				Reason: stocksync.NotApplied, Peer: "p", Ref: stocksync.Ref{GID: "g", SKU: "s", OldSKU: "o"}, Detail: "why", Since: noon.In(zone),
			},
		}}
		r.Shares = map[stocksync.StoreID]decimal.Decimal{"p": decimal.RequireFromString("1.5"), "q": decimal.Zero}
		r.Held = []stocksync.Held{{
			Entry:    stocksync.Entry{Store: "p", Source: "event/9", GID: "g", Delta: decimal.NewFromInt(2), Note: "held", At: noon.In(zone)},
			Quantity: decimal.NewFromInt(12), Context: "stock_set",
		}}
		want := r.Clone()
		h.check(want.Updated.Equal(noon) && want.Updated.Location() == time.UTC, "Clone keeps %s", want.Updated)
		h.put(r)
		h.equal(h.get("g")[0], want, "row")
		found, err := h.s.Find(h.Context(), "", 1)
		h.must(err)
		h.equal(found[0], want, "row")
		bare := row("g", "", 1<<53+1)
		bare.Peers, bare.Held = map[stocksync.StoreID]*stocksync.Standing{}, []stocksync.Held{}
		h.put(bare)
		got := h.get("g")[0]
		h.equal(got, bare, "row that has forgotten all")
		h.check(got.LowStock == nil && got.Peers == nil && got.Shares == nil && got.Held == nil, "there is something left: %+v", got)
	}},
	{"Update/2/ErrorOfChange", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		err := h.s.Update(h.Context(), []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) {
			return full(6), errNo
		})
		h.check(errors.Is(err, errNo), "want the error of change, got %v", err)
		h.unchanged("change returned an error")
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{line("event/1", "g")}}) // is not known
	}},
	{"Update/2/NothingOfAFailedCommit", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		c := full(6)
		c.Ledger = append(c.Ledger, c.Ledger[0])
		err := h.s.Update(h.Context(), []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) { return c, nil })
		h.check(err != nil, "want an error")
		h.unchanged("the commit failed")
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{line("event/1", "g")}})
	}},
	{"Update/2/PanicOfChange", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		func() {
			defer func() { h.check(recover() != nil, "the panic was swallowed") }()
			_ = h.s.Update(h.Context(), []stocksync.GID{"g"}, func([]*stocksync.Row) (stocksync.Commit, error) { panic("boom") })
		}()
		h.unchanged("change panicked, and nobody waits for its lock")
	}},
	{"Update/2/EndedContext", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		ctx, cancel := context.WithCancel(h.Context())
		err := h.s.Update(ctx, []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) {
			cancel()
			return full(6), nil
		})
		h.check(errors.Is(err, context.Canceled), "want context.Canceled, got %v", err)
		h.unchanged("the context ended before the commit")
	}},
	{"Update/4/OnlyTheLastAnswerCounts", func(h *storeHarness) {
		var mu sync.Mutex
		calls := 0
		together(8, func(int) {
			for range 5 {
				err := h.s.Update(h.Context(), []stocksync.GID{"a", "b"}, func(rows []*stocksync.Row) (stocksync.Commit, error) {
					mu.Lock()
					defer mu.Unlock()
					calls++
					return stocksync.Commit{
						Rows:   []*stocksync.Row{add(rows[0], "a"), add(rows[1], "b")},
						Ledger: []stocksync.Entry{line(fmt.Sprint("call/", calls), "a")},
						Push:   []stocksync.Push{{Peer: store, GID: stocksync.GID(fmt.Sprint("of call ", calls)), Version: 1}},
					}, nil
				})
				if err != nil {
					h.Error(err)
				}
			}
		})
		h.equal([]any{h.quantity("a"), h.quantity("b"), len(h.waits())}, []any{40, 40, 40}, "additions to a and b, outbox rows")
		h.equal(len(h.history("a", 0)), 40, "ledger lines")
	}},
	{"Update/5/LowerVersion", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		c := full(4)
		err := h.s.Update(h.Context(), []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) { return c, nil })
		h.check(err != nil, "a row went back from version 5 to 4")
		h.unchanged("its version was lower")
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{line("event/1", "g")}})
	}},
	{"Update/5/SameVersion", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		same := row("g", "sku", 5)
		same.Peers = map[stocksync.StoreID]*stocksync.Standing{"p": {Missed: 1}}
		h.put(same) // what is known of peers changes without a new version
		h.equal(h.get("g")[0], same, "row")
	}},
	{"Update/5/RowsThatWereNotLocked", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		for name, c := range map[string]stocksync.Commit{
			"not locked":    {Rows: []*stocksync.Row{row("new", "new", 1)}},
			"twice":         {Rows: []*stocksync.Row{row("g", "sku", 6), row("g", "sku", 7)}},
			"without a GID": {Rows: []*stocksync.Row{row("", "new", 1)}},
		} {
			err := h.s.Update(h.Context(), []stocksync.GID{"g", ""}, func([]*stocksync.Row) (stocksync.Commit, error) { return c, nil })
			h.check(err != nil, "a row %s was written", name)
			h.unchanged("a row came " + name)
		}
	}},
	{"Update/5/LongNames", func(h *storeHarness) {
		longest := strings.Repeat("é", stocksync.MaxID/2) + "x"
		r := row(stocksync.GID(longest), stocksync.SKU(strings.Repeat("S", 1000)), 1)
		p := stocksync.Push{Peer: stocksync.StoreID(longest), GID: r.GID, Version: 1}
		e := stocksync.Entry{Store: stocksync.StoreID(longest), Source: longest, GID: r.GID}
		h.commit(stocksync.Commit{Rows: []*stocksync.Row{r}, Push: []stocksync.Push{p}, Ledger: []stocksync.Entry{e}})
		h.equal(h.get(r.GID)[0], r, "row with the longest GID")
		h.finds(stocksync.Ref{SKU: stocksync.SKU(" " + strings.Repeat("s", 1000))}, r.GID)
		h.finds(stocksync.Ref{SKU: stocksync.SKU(strings.Repeat("s", 999))})
		longer := longest + "x"
		for name, c := range map[string]stocksync.Commit{
			"GID":    {Rows: []*stocksync.Row{row(stocksync.GID(longer), "s", 1)}},
			"Source": {Ledger: []stocksync.Entry{line(longer, "g")}},
			"Store":  {Ledger: []stocksync.Entry{{Store: stocksync.StoreID(longer), Source: "s"}}},
			"Peer":   {Push: []stocksync.Push{{Peer: stocksync.StoreID(longer), GID: "g", Version: 1}}},
		} {
			h.check(h.update(c) != nil, "a %s of %d bytes was taken", name, len(longer))
		}
	}},
	{"Update/5/NamesThatAreNoText", func(h *storeHarness) {
		for _, bad := range []string{"nul\x00", "\xff", strings.Repeat("x", 300)} {
			h.check(h.update(stocksync.Commit{Rows: []*stocksync.Row{row(stocksync.GID(bad), "s", 1)}}) != nil, "GID %q was taken", bad)
			h.check(h.update(stocksync.Commit{Ledger: []stocksync.Entry{line(bad, "g")}}) != nil, "Source %q was taken", bad)
			// Whoever asks for such a one hears that there is none.
			h.equal(h.get(stocksync.GID(bad)), []*stocksync.Row{nil}, "row")
			h.finds(stocksync.Ref{GID: stocksync.GID(bad), SKU: stocksync.SKU(bad), OldSKU: stocksync.SKU(bad)})
			h.done(push(stocksync.GID(bad), 1))
			h.later(push(stocksync.GID(bad), 1), time.Time{}, bad)
			h.equal(len(h.history(stocksync.GID(bad), 1)), 0, "ledger lines")
			found, err := h.s.Behind(h.Context(), stocksync.StoreID(bad), 1, long)
			h.must(err)
			h.equal(len(found), 0, "rows behind")
		}
		h.put(row("g", "\x00sku\x00", 1))
		h.finds(stocksync.Ref{SKU: "\x00SKU\x00"}, "g") // a SKU is what a store spells, whatever that is
	}},
	{"Update/8/AnyErrorText", func(h *storeHarness) { // a stranger's answer
		h.behindWith(7, "g")
		h.later(h.lease(long), time.Time{}, "HTML \xff\x00 and more")
		got := h.waiting().Error
		h.check(strings.HasPrefix(got, "HTML ") && strings.HasSuffix(got, " and more"), "error: %q", got)
		e := line("event/1", "g")
		e.Note = "\x00note\xff"
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{e}})
		event := stocksync.Event{Text: "\xff\x00", Action: strings.Repeat("é", 200), Ref: stocksync.Ref{SKU: "\x00"}}
		h.must(h.s.Log(h.Context(), []stocksync.Event{event}, 0))
		h.equal(len(h.events(stocksync.EventQuery{})), 1, "events")
	}},
}

// full is a commit of everything.
func full(version int64) stocksync.Commit {
	return stocksync.Commit{
		Rows:   []*stocksync.Row{row("new", "new", 1), row("g", "renamed", version)},
		Ledger: []stocksync.Entry{line("event/1", "g")},
		Push:   []stocksync.Push{push("g", version)},
	}
}

// contend lets workers add one to all their rows at once, some times each.
func (h *storeHarness) contend(workers, times int, gids func(worker int) []stocksync.GID) {
	h.Helper()
	together(workers, func(w int) {
		mine := gids(w)
		for range times {
			err := h.s.Update(h.Context(), mine, func(rows []*stocksync.Row) (stocksync.Commit, error) {
				var c stocksync.Commit
				for i, gid := range mine {
					c.Rows = append(c.Rows, add(rows[i], gid))
				}
				runtime.Gosched() // between reading and writing is when others come
				return c, nil
			})
			if err != nil {
				h.Errorf("Update of %q: %v", mine, err)
			}
		}
	})
}

var ledgerCases = []storeCase{
	{"Update/3/Known", func(h *storeHarness) {
		h.commit(stocksync.Commit{Rows: []*stocksync.Row{row("g", "sku", 5)}, Ledger: []stocksync.Entry{line("event/1", "g")}})
		err := h.s.Update(h.Context(), []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) {
			c := full(6)
			c.Ledger = []stocksync.Entry{line("event/2", "g"), line("event/1", "new")}
			return c, nil
		})
		h.check(errors.Is(err, stocksync.ErrKnown), "want ErrKnown, got %v", err)
		h.unchanged("a line was known")
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{line("event/2", "g")}}) // the other one is not known either
	}},
	{"Update/3/KnownBeatsTheError", func(h *storeHarness) {
		// A sale was booked and its answer lost; asked again there is nothing left to sell, and the answer must be that it was booked.
		h.commit(stocksync.Commit{Rows: []*stocksync.Row{row("g", "sku", 5)}, Ledger: []stocksync.Entry{line("event/1", "g")}})
		for source, want := range map[string]error{"event/1": stocksync.ErrKnown, "event/2": errNo} {
			err := h.s.Update(h.Context(), []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) {
				c := full(6)
				c.Ledger = []stocksync.Entry{line(source, "g")}
				return c, errNo
			})
			h.check(errors.Is(err, want), "want %v, got %v", want, err)
			h.unchanged("change returned an error")
		}
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{line("event/2", "g")}}) // is not known
	}},
	{"Update/3/TwiceInOne", func(h *storeHarness) {
		h.put(row("g", "sku", 5))
		c := full(6)
		c.Ledger = []stocksync.Entry{line("event/1", "g"), line("event/2", "g"), line("event/1", "new")}
		err := h.s.Update(h.Context(), []stocksync.GID{"g", "new"}, func([]*stocksync.Row) (stocksync.Commit, error) { return c, nil })
		h.check(errors.Is(err, stocksync.ErrKnown), "want ErrKnown, got %v", err)
		h.unchanged("a line came twice")
	}},
	{"Update/3/ByteByByte", func(h *storeHarness) {
		for _, source := range []string{"event/1", "Event/1", "event/1 ", "évent/1", "event/10"} {
			for _, by := range []stocksync.StoreID{"a", "A", "a "} {
				h.commit(stocksync.Commit{Ledger: []stocksync.Entry{{Store: by, Source: source, GID: "g"}}})
			}
		}
		h.equal(len(h.history("g", 0)), 15, "ledger lines of names that look alike")
	}},
	{"Update/3/LastOfMany", func(h *storeHarness) {
		h.commit(stocksync.Commit{Ledger: []stocksync.Entry{line("event/249", "g")}})
		var c stocksync.Commit
		for i := range 250 {
			c.Ledger = append(c.Ledger, line(fmt.Sprint("event/", i), "g"))
		}
		h.check(errors.Is(h.update(c), stocksync.ErrKnown), "want ErrKnown")
		c.Ledger = c.Ledger[:249]
		h.commit(c)
	}},
	{"Update/3/AtOnce", func(h *storeHarness) {
		h.put(row("g", "g", 1))
		for round := range 5 {
			var mu sync.Mutex
			done, known := 0, 0
			together(8, func(int) {
				err := h.s.Update(h.Context(), []stocksync.GID{"g"}, func(rows []*stocksync.Row) (stocksync.Commit, error) {
					booked := []stocksync.Entry{line(fmt.Sprint("event/", round), "g")}
					return stocksync.Commit{Rows: []*stocksync.Row{add(rows[0], "g")}, Ledger: booked}, nil
				})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case errors.Is(err, stocksync.ErrKnown):
					known++
				default:
					h.Error(err)
				}
			})
			h.equal([]int{done, known}, []int{1, 7}, "one event eight times at once: done and known")
		}
		h.equal(h.quantity("g"), 15, "ten and five events")
	}},
	{"Update/3/AtOnceWithoutARow", func(h *storeHarness) {
		// Nothing but the ledger itself keeps these apart: they lock different rows.
		var mu sync.Mutex
		done := 0
		together(8, func(i int) {
			gid := stocksync.GID(fmt.Sprint("g", i))
			c := stocksync.Commit{
				Rows:   []*stocksync.Row{row(gid, "", 1)},
				Ledger: []stocksync.Entry{line("event/1", gid), line("event/2", gid)},
			}
			if i%2 == 1 {
				slices.Reverse(c.Ledger)
			}
			switch err := h.update(c); {
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				done++
			case !errors.Is(err, stocksync.ErrKnown):
				h.Error(err)
			}
		})
		h.equal(done, 1, "commits with the same lines")
		all, err := h.s.Find(h.Context(), "", 10)
		h.must(err)
		h.equal(len(all), 1, "rows")
	}},
	{"History/NewestFirst", func(h *storeHarness) {
		var want []stocksync.Entry
		for i := range 120 {
			e := stocksync.Entry{
				Store: "p", Source: fmt.Sprint("event/", i), GID: "g", Delta: decimal.New(int64(i), -20).Neg(), Note: "stale",
				At: noon.Add(time.Duration(-i) * time.Hour).In(time.FixedZone("", 3600)),
			}
			h.commit(stocksync.Commit{Ledger: []stocksync.Entry{e, line(fmt.Sprint("other/", i), "G")}})
			e.At = e.At.UTC()
			want = append(want, e)
		}
		slices.Reverse(want)
		h.equal(h.history("g", 0), want, "all")
		h.equal(h.history("g", 7), want[:7], "the newest seven")
		h.equal(len(h.history("none", 0)), 0, "of no product")
	}},
}
