package stocksync_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
)

// TestSettleTogether: what a store reports within seconds of a push, by a clock that is known to the second, is each counted once. Every
// case was seen in a demonstration of three stores that all sell at once.
func TestSettleTogether(t *testing.T) {
	t.Parallel()
	const sold, set = "order_processing", "stock_set"
	// told is a report as the wire makes it: its time is off by up to a second, early here.
	told := func(r stocksync.Report) stocksync.Report {
		r.At, r.Doubt = r.At.Add(-600*time.Millisecond), time.Second
		return r
	}
	push := func(w *world, key string, n int64) {
		require.NoError(w, w.m.Sold(w.ctx, key, []stocksync.Line{{Ref: stocksync.Ref{SKU: "mug"}, Quantity: num(n)}}))
		w.pass(10 * time.Millisecond)
	}
	for name, c := range map[string]struct {
		play func(w *world, a *shop)
		left int64 // of 100
	}{
		"A: a read showed it standing after the push": {func(w *world, a *shop) {
			push(w, "1", 2)
			w.pass(100 * time.Millisecond)
			w.receive(told(a.sell("mug", 1, sold)))
			w.pass(500 * time.Millisecond)
			w.receive(told(a.sell("mug", 2, sold)))
		}, 100 - 2 - 1 - 2},
		"B: the reads show it standing, so nothing before the last push that arrived is its base": {func(w *world, a *shop) {
			push(w, "1", 2)
			push(w, "2", 1)
			a.answers(func([]stocksync.Item) ([]stocksync.Applied, error) { return nil, lostAnswer{} })
			push(w, "3", 2)
			a.answers(nil)
			w.receive(told(a.sell("mug", 1, sold)))
		}, 100 - 2 - 1 - 2 - 1},
		"C: one sale told twice": {func(w *world, a *shop) {
			push(w, "1", 2)
			a.answers(func([]stocksync.Item) ([]stocksync.Applied, error) { return nil, lostAnswer{} })
			push(w, "2", 1)
			a.answers(nil)
			r := told(a.sell("mug", 1, set))
			w.receive(r)
			w.pass(20 * time.Millisecond)
			r.EventID, r.Context, r.At = newEvent(), sold, r.At.Add(20*time.Millisecond)
			w.receive(r)
		}, 100 - 2 - 1 - 1},
		"D: a later report that was booked includes it": {func(w *world, a *shop) {
			push(w, "1", 2)
			w.receive(told(a.sell("mug", 1, set)))
			w.pass(1500 * time.Millisecond)
			w.receive(told(a.sell("mug", 1, sold)))
			w.pass(1700 * time.Millisecond)
			r := a.sell("mug", 2, sold)
			r.Doubt = 100 * time.Millisecond
			w.receive(r) // surely after the push: exact
		}, 100 - 2 - 1 - 1 - 2},
		"E: its twin comes long after": {func(w *world, a *shop) {
			push(w, "1", 2)
			late := told(a.sell("mug", 2, set))
			again := late
			again.EventID, again.Context = newEvent(), sold
			w.receive(again)
			w.pass(3 * time.Second)
			w.receive(told(a.sell("mug", 1, sold)))
			w.pass(20 * time.Second)
			w.receive(late)
		}, 100 - 2 - 2 - 1},
		"F: two orders that left the same, with a push between": {func(w *world, a *shop) {
			w.pass(time.Minute)
			first := a.sell("mug", 2, sold) // 98, not told yet
			push(w, "1", 1)                 // 99 is written over it
			w.receive(told(first))
			w.pass(500 * time.Millisecond)
			w.receive(told(a.sell("mug", 1, sold))) // 98 again
		}, 100 - 2 - 1 - 1},
		"H: a read showed a push that was written over it": {func(w *world, a *shop) {
			a.answers(func(items []stocksync.Item) ([]stocksync.Applied, error) { return nil, nil })
			push(w, "1", 1)
			w.pass(3 * time.Second)
			a.answers(nil)
			w.receive(told(a.sell("mug", 2, sold))) // 97, and in the same moment
			push(w, "2", 1)                         // 98 is written over it
			w.pass(2 * time.Second)
			w.receive(told(a.sell("mug", 2, sold)))
		}, 100 - 1 - 2 - 1 - 2},
		"K: one sale told twice, and a push between": {func(w *world, a *shop) {
			push(w, "1", 2)
			first := told(a.sell("mug", 1, set)) // 97
			push(w, "2", 3)                      // 95 is written over it
			second := first
			second.EventID, second.Context, second.Items = newEvent(), sold, told(a.sell("mug", 0, sold)).Items // told of with 95
			w.receive(first)
			w.receive(second)
		}, 100 - 2 - 1 - 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				require.NoError(t, w.m.Set(w.ctx, "stock", []stocksync.Item{item("mug", 100)}))
				w.pass(time.Minute)
				c.play(w, w.shops[0])
				w.pass(5 * time.Minute)
				history, err := w.m.History(w.ctx, stocksync.Ref{SKU: "mug"}, 0)
				require.NoError(t, err)
				for i := len(history) - 1; i >= 0; i-- {
					e := history[i]
					t.Logf("%s %s %s %s %s", e.At.Format("04:05.000"), e.Store, e.Delta, e.Source, e.Note)
				}
				w.equal("g-mug", "mug", c.left)
			})
		})
	}
}

// lostAnswer is a request that may have had its effect.
type lostAnswer struct{}

func (lostAnswer) Error() string   { return "the connection broke" }
func (lostAnswer) Ambiguous() bool { return true }
