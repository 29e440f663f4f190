package stocksync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
)

// TestInvariants drives a master and its stores with random steps, sales and reports that are late, doubled and out of order among
// them, and holds it after each step to a model of what was really sold, and to one of the invariants I1 to I10; a thousand runs of
// two hundred steps in all.
func TestInvariants(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				mode := rapid.SampledFrom([]stocksync.Mode{stocksync.Plain, stocksync.Buffered, stocksync.Allocated}).Draw(r, "mode")
				steps := rapid.SliceOfN(modelStep, modelSteps, modelSteps).Draw(r, "steps")
				if wrong := runModel(t, id, mode, steps); wrong != "" {
					r.Fatal(wrong)
				}
			})
		})
	}
}

const modelSteps = 200

// step is what is done, and to what; shrinking makes it nothing at all.
type step struct{ do, shop, good, n, pick int }

var modelStep = rapid.Custom(func(t *rapid.T) step {
	return step{rapid.IntRange(0, len(modelActions)-1).Draw(t, "do"), rapid.IntRange(0, 2).Draw(t, "store"),
		rapid.IntRange(0, 1).Draw(t, "product"), rapid.IntRange(1, 4).Draw(t, "n"), rapid.IntRange(0, 9).Draw(t, "pick")}
})

var modelActions = []struct {
	name string
	do   func(*model)
}{
	{"nothing", func(*model) {}},
	{"sell", (*model).sell}, {"sell", (*model).sell}, {"give back", (*model).giveBack}, {"report", (*model).report},
	{"report", (*model).report}, {"report the last first", (*model).reportLastFirst}, {"report again", (*model).reportAgain},
	{"pass", (*model).pass}, {"pass", (*model).pass}, {"refused", (*model).refused}, {"answer lost", (*model).answerLost},
	{"reserve", (*model).reserve}, {"sold", (*model).sold}, {"restock", (*model).restock}, {"count", (*model).count},
	{"rename", (*model).rename}, {"excluded", (*model).excluded}, {"version jump", (*model).versionJump}, {"restored", (*model).restored},
	{"reconcile", (*model).reconcile}, {"resolve", (*model).resolve}, {"unknown", (*model).unknown}, {"wait", (*model).wait},
}

func (s step) GoString() string {
	return fmt.Sprintf("%s(%c, %c, %d, %d)", modelActions[s.do].name, "abc"[s.shop], "pq"[s.good], s.n, s.pick)
}

// runModel plays the steps in a bubble of their own (rapid gives up after a day, also a virtual one), and says what is wrong.
func runModel(t *testing.T, id string, mode stocksync.Mode, steps []step) (wrong string) {
	synctest.Test(t, func(*testing.T) {
		v := &verdict{}
		defer func() {
			if p := recover(); p != nil && p != v {
				panic(p)
			}
			wrong = v.text
		}()
		w := newModel(v, id, mode)
		for _, w.step = range steps {
			w.tellOld()
			modelActions[w.step.do].do(w)
			w.check()
		}
		w.quiesce()
	})
	return wrong
}

// verdict is what require tells.
type verdict struct{ text string }

func (v *verdict) Errorf(format string, args ...any) { v.text += fmt.Sprintf(format, args...) }
func (v *verdict) FailNow()                          { panic(v) }

// model knows what was really sold, by plain sums.
type model struct {
	now   *verdict
	step  step
	id    string // the invariant that is checked
	m     *stocksync.Master
	store *stocksync.MemoryStore
	mode  stocksync.Mode
	shops []*shop
	goods []*good
	keys  int
}

type good struct {
	gid     stocksync.GID
	sku     stocksync.SKU
	onHand  int64 // what has come in less what was sold, as far as it was told
	version int64
	stock   string
	ledger  int
	sum     decimal.Decimal
	sources map[string]bool
	untold  map[stocksync.StoreID][]told // captured and not yet received, oldest first
	told    []told
}

// told is a report and what it is about.
type told struct {
	stocksync.Report
	delta int64
}

func newModel(t *verdict, id string, mode stocksync.Mode) *model {
	w := &model{now: t, id: id, store: stocksync.NewMemoryStore(), mode: mode}
	if id == "I6" {
		w.mode = stocksync.Allocated
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	c := stocksync.MasterConfig{Self: stocksync.Self{StoreID: "m"}, Store: w.store, Queue: queue, Mode: w.mode, Quiet: -1,
		Settle:  1000 * time.Hour,
		Exclude: stocksync.ParseExclusions("x"), Buffer: func(stocksync.StoreID, stocksync.Ref) decimal.Decimal { return num(3) }}
	for _, id := range []stocksync.StoreID{"a", "b", "c"} {
		s := newShop(id, "p", "q", "x")
		s.fence = true
		w.shops = append(w.shops, s)
		c.Peers = append(c.Peers, telling{s})
	}
	w.m, err = stocksync.NewMaster(c)
	require.NoError(t, err)
	for i, sku := range []stocksync.SKU{"p", "q", "x"} {
		g := &good{gid: stocksync.GID("g-" + sku), sku: sku, onHand: int64(40 * (i + 1)), sources: map[string]bool{},
			untold: map[stocksync.StoreID][]told{}}
		_, err := w.m.Seed(ctx, []stocksync.Item{{Ref: stocksync.Ref{GID: g.gid, SKU: sku},
			Stock: stocksync.Stock{Quantity: num(g.onHand)}}})
		require.NoError(t, err)
		w.goods = append(w.goods, g)
	}
	for _, s := range w.shops {
		w.bring(s)
	}
	return w
}

var ctx = context.Background()

func (w *model) shop() *shop { return w.shops[w.step.shop] }
func (w *model) good() *good { return w.goods[w.step.good] }
func (w *model) some() int64 { return int64(w.step.n) }
func (w *model) key() string { w.keys++; return fmt.Sprint("key:", w.keys) }

// apart keeps captures and pushes from falling together: then two reads decide, which has tests of its own.
func (w *model) apart() { time.Sleep(5 * time.Second) }

func (w *model) row(g *good) *stocksync.Row {
	rows, err := w.store.Find(ctx, g.gid[:len(g.gid)-1], 1+len(w.goods))
	require.NoError(w.now, err)
	for _, r := range rows {
		if r.GID == g.gid {
			return r
		}
	}
	return nil
}

// capture is a change at a store, and the report that it makes of it.
func (w *model) capture(s *shop, g *good, delta int64, context string) {
	if _, there := s.products[g.sku]; !there { // it has not followed a rename yet
		return
	}
	w.apart()
	r := s.sell(g.sku, -delta, context)
	g.untold[s.id] = append(g.untold[s.id], told{r, delta})
	w.apart()
}

func (w *model) sell() {
	s, g := w.shop(), w.good()
	if n := min(w.some(), s.has(g.sku)); n > 0 {
		w.capture(s, g, -n, "order_processing")
	}
}

func (w *model) giveBack() { w.capture(w.shop(), w.good(), w.some(), "order_restore") }

// receive hands over one report. What it tells of is what lies between it and the one before it, or after it, if that came first.
func (w *model) receive(s *shop, g *good, i int) {
	r := g.untold[s.id][i]
	require.NoError(w.now, w.m.Receive(ctx, r.Report))
	g.told = append(g.told, r)
	g.onHand += r.delta
	g.untold[s.id] = slices.Delete(g.untold[s.id], i, i+1)
}

func (w *model) report() {
	if s, g := w.shop(), w.good(); len(g.untold[s.id]) > 0 {
		w.receive(s, g, 0)
	}
}

// reportLastFirst lets later sales overtake those before them, which they include. (A return that is overtaken makes the sale after it
// an increase that nothing explains.)
func (w *model) reportLastFirst() {
	s, g := w.shop(), w.good()
	if slices.ContainsFunc(g.untold[s.id], func(r told) bool { return r.delta > 0 }) {
		return
	}
	for n := len(g.untold[s.id]); n > 0; n-- {
		w.receive(s, g, n-1)
	}
}

func (w *model) reportAgain() {
	if g := w.good(); len(g.told) > 0 {
		require.NoError(w.now, w.m.Receive(ctx, g.told[w.step.pick%len(g.told)].Report))
	}
}

// bring works on a store's outbox until nothing of it is due.
func (w *model) bring(s *shop) {
	w.apart()
	for n := 0; n < 50; n++ {
		if took, err := w.m.Pass(ctx, s.id); err != nil || took == 0 {
			break
		}
	}
	w.apart()
}

// tellOld has every report told within a day: what is older than the views is stale.
func (w *model) tellOld() {
	for _, g := range w.goods {
		for _, s := range w.shops {
			for len(g.untold[s.id]) > 0 && time.Since(g.untold[s.id][0].At) > 20*time.Hour {
				w.receive(s, g, 0)
			}
		}
	}
}

func (w *model) tellAll(s *shop, g *good) {
	for len(g.untold[s.id]) > 0 {
		w.receive(s, g, 0)
	}
	w.settleDown(s)
}

// settleDown has a store have what it is to have, whatever that takes.
func (w *model) settleDown(s *shop) {
	for range 4 {
		w.bring(s)
	}
}

func (w *model) pass() { w.bring(w.shop()) }

func (w *model) failing(do func(s *shop, items []stocksync.Item) error) {
	s := w.shop()
	s.push = func(items []stocksync.Item) ([]stocksync.Applied, error) { return nil, do(s, items) }
	w.apart()
	_, _ = w.m.Pass(ctx, s.id)
	s.push = nil
	time.Sleep(20 * time.Second)
}

func (w *model) refused() {
	w.failing(func(*shop, []stocksync.Item) error { return errors.New("refused") })
}

func (w *model) answerLost() {
	w.failing(func(s *shop, items []stocksync.Item) error { s.apply(items); return vague{errors.New("time-out")} })
}

func (w *model) reserve() {
	g, n := w.good(), w.some()
	had := w.row(g)
	err := w.m.Reserve(ctx, w.key(), lines(g.sku, n))
	var short *stocksync.Shortage
	if !errors.As(err, &short) {
		require.NoError(w.now, err)
		g.onHand -= n
	}
	left := had.Quantity
	if w.mode == stocksync.Allocated {
		left = decimal.RequireFromString(had.Reserve())
	}
	require.Equal(w.now, left.GreaterThanOrEqual(num(n)), err == nil, "I5: a reserve of %d from %s", n, left)
}

func (w *model) sold() {
	g := w.good()
	if n := w.some(); decimal.RequireFromString(w.row(g).Reserve()).GreaterThanOrEqual(num(n)) {
		key := w.key()
		require.NoError(w.now, w.m.Sold(ctx, key, lines(g.sku, n)))
		require.NoError(w.now, w.m.Sold(ctx, key, lines(g.sku, n)))
		g.onHand -= n
	}
}

func (w *model) restock() {
	g, n := w.good(), 3*w.some()
	require.NoError(w.now, w.m.Restock(ctx, w.key(), lines(g.sku, n)))
	g.onHand += n
}

func (w *model) count() {
	g, n := w.good(), w.some()
	require.NoError(w.now, w.m.Set(ctx, w.key(), []stocksync.Item{item(g.sku, w.row(g).Quantity.IntPart()+n)}))
	g.onHand += n
}

func (w *model) rename() {
	g := w.good()
	sku := stocksync.SKU(fmt.Sprint(g.gid[2:], "-", w.keys))
	w.keys++
	require.NoError(w.now, w.m.Rename(ctx, stocksync.Ref{GID: g.gid}, sku))
	g.sku = sku
	for range 2 { // what is captured under a SKU is reported under it: by now all have followed
		for _, s := range w.shops {
			w.bring(s)
		}
	}
	for id := range g.untold {
		for i := range g.untold[id] {
			g.untold[id][i].Items[0].GID = g.gid
		}
	}
	for i := range g.told {
		g.told[i].Items = slices.Clone(g.told[i].Items)
		g.told[i].Items[0].GID = g.gid
	}
}

func (w *model) excluded() {
	s := w.shop()
	require.NoError(w.now, w.m.Receive(ctx, s.sell("x", 1, "order_processing")))
}

func (w *model) versionJump() { // the store has seen a higher version: another master's, a plugin's
	s, g := w.shop(), w.good()
	w.tellAll(s, g)
	s.versions[g.sku] = max(s.versions[g.sku], w.row(g).Version) + w.some()
	require.NoError(w.now, w.m.Restock(ctx, w.key(), lines(g.sku, 1)))
	g.onHand++
	w.settleDown(s)
}

func (w *model) restored() { // a backup of the store, from before everything that it was pushed since
	s, g := w.shop(), w.good()
	w.tellAll(s, g)
	s.versions[g.sku] = 0
}

func (w *model) reconcile() {
	s := w.shop()
	w.apart()
	_, err := w.m.Reconcile(ctx, stocksync.ReconcileOptions{Peers: []stocksync.StoreID{s.id}})
	require.NoError(w.now, err)
	w.apart()
}

func (w *model) resolve() {
	require.NoError(w.now, w.m.Resolve(ctx, stocksync.Ref{GID: w.good().gid}, w.shop().id))
}

func (w *model) unknown() {
	r := w.shop().sell("x", 1, "order_processing")
	r.Items[0].SKU = "never heard of"
	require.NoError(w.now, w.m.Receive(ctx, r))
}

func (w *model) wait() { time.Sleep(time.Duration(w.step.pick) * 20 * time.Minute) }

// check holds the master to one invariant.
func (w *model) check() {
	for _, g := range w.goods {
		row := w.row(g)
		switch w.id {
		case "I1", "I2", "I8":
			w.checkLedger(g, row)
		case "I3":
			stock := fmt.Sprint(row.SKU, row.Quantity, row.Backorders, row.Status)
			require.GreaterOrEqual(w.now, row.Version, g.version, "I3: a version went back")
			require.True(w.now, g.stock == "" || g.stock == stock || row.Version > g.version, "I3: a new state has a new version")
			g.stock, g.version = stock, row.Version
		case "I6":
			w.checkShares(g, row)
		case "I9":
			for _, s := range w.shops {
				waits, err := w.store.Behind(ctx, s.id, 100, 0)
				require.NoError(w.now, err)
				for i, p := range waits {
					require.False(w.now, slices.ContainsFunc(waits[:i], func(q stocksync.Push) bool { return q.GID == p.GID }), "I9: queued twice")
				}
			}
		}
	}
	if w.id == "I4" {
		for _, s := range w.shops {
			last := map[string]int64{}
			states := map[string]string{}
			for _, items := range s.pushes {
				for _, i := range items {
					require.Greater(w.now, i.Version, last[string(i.GID)], "I4: a version was pushed twice, or after a higher one")
					last[string(i.GID)] = i.Version
					states[fmt.Sprint(i.GID, i.Version)] = i.Quantity.String()
				}
			}
			s.pushes = s.pushes[max(0, len(s.pushes)-5):]
		}
	}
}

func (w *model) checkLedger(g *good, row *stocksync.Row) {
	all, err := w.store.History(ctx, g.gid, 0)
	require.NoError(w.now, err)
	for _, e := range all[:len(all)-g.ledger] {
		g.sum = g.sum.Add(e.Delta)
		key := string(e.Store) + " " + e.Source
		require.False(w.now, g.sources[key], "I2: %s is twice in the ledger", key)
		g.sources[key] = true
	}
	g.ledger = len(all)
	require.True(w.now, row.Quantity.Equal(row.Seed.Add(g.sum)), "I1: %s is not %s and all deltas, %s", row.Quantity, row.Seed, g.sum)
	if w.id == "I8" {
		for _, r := range g.told {
			require.True(w.now, g.sources[string(r.From)+" event/"+r.EventID+"/1"], "I8: event %s left no line", r.EventID)
		}
		g.told = g.told[max(0, len(g.told)-5):]
	}
}

// checkShares: what each store may sell, and has sold and not told, is counted for it.
func (w *model) checkShares(g *good, row *stocksync.Row) {
	sum := decimal.RequireFromString(row.Reserve())
	require.False(w.now, sum.IsNegative(), "I6: shares of more than there is: %v of %s", row.Shares, row.Quantity)
	for _, s := range w.shops {
		counted := row.Shares[s.id]
		sum = sum.Add(counted)
		if g.sku == "x" || slices.ContainsFunc(row.Held, func(h stocksync.Held) bool { return h.Store == s.id }) {
			continue // what came back and waits for its reads is counted when it is on hand
		}
		out := max(0, s.products[g.sku].Quantity.IntPart())
		for _, r := range g.untold[s.id] {
			out -= r.delta
		}
		require.True(w.now, counted.GreaterThanOrEqual(num(out)), "I6: %s may sell %d, and %s are counted", s.id, out, counted)
	}
	require.True(w.now, sum.Equal(row.Quantity))
}

// quiesce tells all, lets everything be pushed, and demands that all are equal.
func (w *model) quiesce() {
	for _, g := range w.goods[:2] {
		require.NoError(w.now, w.m.Resolve(ctx, stocksync.Ref{GID: g.gid}, ""))
		for _, s := range w.shops {
			for len(g.untold[s.id]) > 0 {
				w.receive(s, g, 0)
				w.check()
			}
		}
	}
	for range 12 {
		for _, s := range w.shops {
			w.bring(s)
			w.check()
		}
		time.Sleep(time.Hour)
	}
	for _, g := range w.goods[:2] {
		row := w.row(g)
		require.Equal(w.now, g.onHand, row.Quantity.IntPart(), "lost or invented: %s", strings.Join(w.history(g), "\n"))
		for _, s := range w.shops {
			require.Equal(w.now, w.m.Shown(row, s.id).Quantity.String(), s.products[row.SKU].Quantity.String(), "I7: %s at %s", g.gid, s.id)
		}
	}
}

func (w *model) history(g *good) (all []string) {
	entries, err := w.store.History(ctx, g.gid, 0)
	require.NoError(w.now, err)
	for _, e := range slices.Backward(entries) {
		all = append(all, fmt.Sprintf("%s %s %s %s %s", e.At.Format("15:04:05"), e.Store, e.Source, e.Delta, e.Note))
	}
	return all
}
