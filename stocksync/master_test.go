package stocksync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
)

// TestMaster has a test for each of the requirements SS-01 to SS-15: what stores of this kind are known to get wrong.
func TestMaster(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"SS-01_loops": testLoops, "SS-02_concurrent_sales": testConcurrentSales, "SS-03_order": testOrder, "SS-04_proof": testProof,
		"SS-05_names": testNames, "SS-06_parents": testParents, "SS-07_unmanaged": testUnmanaged, "SS-08_down": testDown,
		"SS-09_clocks": testClocks, "SS-10_one_peer_alone": testOnePeerAlone, "SS-11_parts": testParts, "SS-12_reconcile": testReconcile,
		"SS-13_watch": testWatch, "SS-14_backorders": testBackorders, "SS-15_restored": testRestored,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

const (
	mug stocksync.GID = "g-mug"
	cup stocksync.GID = "g-cup"
)

func item(sku stocksync.SKU, quantity int64) stocksync.Item {
	return stocksync.Item{Ref: stocksync.Ref{SKU: sku}, Stock: stocksync.Stock{Quantity: num(quantity)}}
}

func lines(sku stocksync.SKU, quantity int64) []stocksync.Line {
	return []stocksync.Line{{Ref: stocksync.Ref{SKU: sku}, Quantity: num(quantity)}}
}

// notes are the ledger's lines of a product: store, delta and note, oldest first.
func (w *world) notes(sku stocksync.SKU) (all []string) {
	w.Helper()
	entries, err := w.m.History(w.ctx, stocksync.Ref{SKU: sku}, 0)
	require.NoError(w, err)
	for _, e := range slices.Backward(entries) {
		all = append(all, fmt.Sprintf("%s %s %s", e.Store, e.Delta, e.Note))
	}
	return all
}

// conflicts are peer, SKU and reason of what a person must look at.
func (w *world) conflicts() (all []string) {
	w.Helper()
	found, err := w.m.Conflicts(w.ctx)
	require.NoError(w, err)
	for _, c := range found {
		all = append(all, fmt.Sprintf("%s %s %s", c.Peer, c.Ref.SKU, c.Reason))
	}
	return all
}

// waiting is how many products each store is behind with.
func (w *world) waiting(id stocksync.StoreID) int {
	w.Helper()
	backlog, err := w.store.Backlog(w.ctx)
	require.NoError(w, err)
	return backlog[id].Count
}

func testLoops(t *testing.T) {
	t.Run("equal", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a, b := w.shops[0], w.shops[1]
			before := len(a.pushes)
			w.receive(a.sell("mug", 1, "order_processing"))
			w.pass(time.Minute)
			w.equal(mug, "mug", 9)
			require.Len(w, a.pushes, before, "who reported it is not told")
			require.Equal(w, []int64{10, 9}, b.pushed("mug"))
		})
	})
	t.Run("refused", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			w.receive(a.sell("mug", -5, "stock_set"))
			require.Equal(w, int64(15), a.has("mug"))
			w.pass(2 * time.Second)
			require.Equal(w, int64(15), a.has("mug"), "not before it is quiet")
			w.pass(time.Minute)
			w.equal(mug, "mug", 10)
		}, func(c *stocksync.MasterConfig) { c.Increases = stocksync.NeverIncrease })
	})
	t.Run("freeze", func(t *testing.T) {
		inWorld(t, func(w *world) { // a till that sets its own figure again whenever it is told another
			a := w.shops[0]
			before := len(a.pushes)
			for range 20 {
				if a.has("mug") != 5 {
					w.receive(a.sell("mug", a.has("mug")-5, "stock_set"))
				}
				w.pass(4 * time.Second)
				if b := w.shops[1]; b.has("mug") != 8 {
					w.receive(b.sell("mug", b.has("mug")-8, "stock_set"))
				}
				w.pass(4 * time.Second)
			}
			require.Equal(w, []string{"a mug loop", "b mug loop"}, w.conflicts())
			require.LessOrEqual(w, len(a.pushes)-before, 6)
			require.NoError(w, w.m.Resolve(w.ctx, stocksync.Ref{SKU: "mug"}, ""))
			w.pass(time.Minute)
			require.Empty(w, w.conflicts())
		}, func(c *stocksync.MasterConfig) { c.Increases, c.Quiet = stocksync.AlwaysIncrease, -1 })
	})
}

func testConcurrentSales(t *testing.T) {
	t.Run("crossing", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a, b := w.shops[0].sell("mug", 1, "order_processing"), w.shops[1].sell("mug", 1, "order_processing")
			w.receive(a)
			w.receive(b)
			w.pass(time.Minute)
			w.equal(mug, "mug", 8)
			w.receive(a) // again
			w.pass(time.Minute)
			w.equal(mug, "mug", 8)
		})
	})
	t.Run("late", func(t *testing.T) { // captured before a push, received long after it: no increase
		inWorld(t, func(w *world) {
			late := w.shops[0].sell("mug", 1, "order_processing")
			w.pass(10 * time.Second)
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 2)))
			w.pass(time.Minute)
			w.equal(mug, "mug", 8)
			w.receive(late)
			w.pass(time.Minute)
			w.equal(mug, "mug", 7)
		})
	})
	t.Run("doubtful", func(t *testing.T) {
		for name, sold := range map[string]struct{ before, after, want int64 }{
			"before the push": {1, 0, 7}, "after the push": {0, 1, 7}, "both": {1, 1, 6},
		} {
			t.Run(name, func(t *testing.T) {
				inWorld(t, func(w *world) {
					a := w.shops[0]
					if sold.before > 0 {
						r := a.sell("mug", sold.before, "order_processing")
						defer func() { _ = r }()
						require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 2)))
						w.pass(time.Second)
						w.receive(r)
					} else {
						require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 2)))
						w.pass(time.Second)
					}
					if sold.after > 0 {
						w.receive(a.sell("mug", sold.after, "order_processing"))
					}
					w.pass(time.Minute)
					w.equal(mug, "mug", sold.want)
				})
			})
		}
	})
	t.Run("covered", func(t *testing.T) { // a later report tells what one in doubt tells, too
		inWorld(t, func(w *world) {
			a := w.shops[0]
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 2)))
			w.pass(time.Second)
			w.receive(a.sell("mug", 1, "order_processing"))
			w.pass(2500 * time.Millisecond)
			w.receive(a.sell("mug", 1, "order_processing"))
			require.Equal(w, int64(6), w.row(mug).Quantity.IntPart())
			w.pass(time.Minute)
			w.equal(mug, "mug", 6)
		})
	})
	t.Run("twice", func(t *testing.T) { // plugins of the first generation tell each sale twice, at the same second
		inWorld(t, func(w *world) {
			a := w.shops[0]
			once := a.sell("mug", 1, "stock_set")
			again := once
			again.EventID, again.Context = newEvent(), "order_processing"
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 2)))
			w.pass(time.Second)
			w.receive(once)
			w.receive(again)
			w.pass(time.Minute)
			w.equal(mug, "mug", 7)
		})
	})
	t.Run("an order after what looked like an echo", func(t *testing.T) { // it brings the store to the figure of a push that was lost
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.answers(func([]stocksync.Item) ([]stocksync.Applied, error) { return nil, vague{errors.New("time-out")} })
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			w.pass(time.Second)
			once := a.sell("mug", 1, "stock_set")
			again := once
			again.EventID, again.Context = newEvent(), "order_processing"
			w.receive(once)
			w.receive(again)
			a.answers(nil)
			w.pass(time.Hour)
			w.equal(mug, "mug", 8)
		})
	})
	t.Run("after a push whose answer was lost", func(t *testing.T) { // it is read at once, before a sale hides whether it arrived
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.answers(func(items []stocksync.Item) ([]stocksync.Applied, error) {
				a.push = nil
				a.apply(items)
				return nil, vague{errors.New("time-out")}
			})
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			w.pass(time.Second)
			w.receive(a.sell("mug", 1, "order_processing"))
			w.pass(time.Hour)
			w.equal(mug, "mug", 8)
		})
	})
	t.Run("beside a push of what it held", func(t *testing.T) { // which does not come between a sale and the next
		inWorld(t, func(w *world) {
			a := w.shops[0]
			require.NoError(w, w.m.Restock(w.ctx, "in:1", lines("mug", 1)))
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			_, err := w.m.Reconcile(w.ctx, stocksync.ReconcileOptions{Full: true})
			require.NoError(w, err)
			w.pass(time.Second)
			first := a.sell("mug", 1, "order_processing")
			first.At, first.Doubt = first.At.Add(-1500*time.Millisecond), 2*time.Second
			w.receive(first)
			second := a.sell("mug", 2, "order_processing")
			second.Doubt = 2 * time.Second
			w.receive(second)
			require.Equal(w, int64(7), w.row(mug).Quantity.IntPart())
		})
	})
	t.Run("increase", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			w.receive(a.sell("mug", -5, "stock_set"))
			require.Equal(w, int64(10), w.row(mug).Quantity.IntPart(), "held")
			w.pass(time.Minute)
			w.equal(mug, "mug", 15)
			phantom := a.sell("mug", -5, "stock_set")
			a.sell("mug", 5, "")
			w.receive(phantom)
			w.pass(time.Minute)
			w.equal(mug, "mug", 15)
			w.receive(a.sell("mug", -1, "order_restore"))
			require.Equal(w, int64(16), w.row(mug).Quantity.IntPart(), "explained")
		})
	})
	t.Run("orders", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			r := a.sell("mug", 2, "order_processing")
			w.receive(r)
			require.Equal(w, int64(10), w.row(mug).Quantity.IntPart(), "orders count, not quantities")
			order := stocksync.Report{From: "a", EventID: "o1", At: time.Now(), Movements: []stocksync.Movement{
				{Ref: stocksync.Ref{SKU: "mug"}, Source: "order:7/line:1/sold", Delta: num(-2), At: r.At}}}
			w.receive(order)
			order.EventID = "o2" // the same order in another report
			w.receive(order)
			w.pass(time.Minute)
			w.equal(mug, "mug", 8)
		}, func(c *stocksync.MasterConfig) {
			c.Capture = map[stocksync.StoreID]stocksync.Capture{"a": stocksync.OrderLedger}
		})
	})
	t.Run("absolute", func(t *testing.T) {
		inWorld(t, func(w *world) { // as the plugin does it: one of two sales is lost
			a, b := w.shops[0].sell("mug", 1, "order_processing"), w.shops[1].sell("mug", 1, "order_processing")
			w.receive(a)
			w.receive(b)
			w.pass(time.Minute)
			w.equal(mug, "mug", 9)
		}, func(c *stocksync.MasterConfig) {
			c.Capture = map[stocksync.StoreID]stocksync.Capture{"a": stocksync.Absolute, "b": stocksync.Absolute}
		})
	})
}

func testOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.shops[0], w.shops[1]
		first := a.sell("mug", 1, "order_processing")
		w.pass(3 * time.Second)
		second := a.sell("mug", 1, "order_processing")
		w.receive(second)
		w.receive(first)
		w.pass(time.Minute)
		w.equal(mug, "mug", 8)
		require.Contains(w, w.notes("mug"), "a 0 stale")

		b.mu.Lock()
		b.push = func([]stocksync.Item) ([]stocksync.Applied, error) { return nil, errors.New("out of order") }
		b.mu.Unlock()
		for i := range 5 {
			require.NoError(w, w.m.Sold(w.ctx, fmt.Sprint("order:", i), lines("mug", 1)))
			w.pass(time.Second)
		}
		require.Equal(w, 1, w.waiting("b"), "newer supersedes older")
		b.mu.Lock()
		b.push = nil
		b.mu.Unlock()
		w.pass(5 * time.Minute)
		w.equal(mug, "mug", 3)
		var last int64
		for _, items := range b.pushes {
			for _, item := range items {
				if item.SKU == "mug" {
					require.GreaterOrEqual(w, item.Version, last)
					last = item.Version
				}
			}
		}
	})
}

func testProof(t *testing.T) {
	t.Run("deaf", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.deaf = true
			a.mu.Unlock()
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			w.pass(5 * time.Minute)
			require.Equal(w, []string{"a mug not_applied"}, w.conflicts())
			require.Equal(w, []int64{10, 9, 9, 9}, a.pushed("mug"))
			require.Zero(w, w.waiting("a"))
			a.mu.Lock()
			a.deaf = false
			a.mu.Unlock()
			require.NoError(w, w.m.Sold(w.ctx, "order:2", lines("mug", 1)))
			w.pass(time.Minute)
			w.equal(mug, "mug", 8)
			require.Empty(w, w.conflicts(), "what is in order again is no conflict")
		})
	})
	t.Run("missing", func(t *testing.T) {
		inWorld(t, func(w *world) {
			_, err := w.m.Seed(w.ctx, []stocksync.Item{item("jug", 3)})
			require.NoError(w, err)
			w.pass(5 * time.Minute)
			require.ElementsMatch(w, []string{"a jug missing_product", "b jug missing_product"}, w.conflicts())
		})
	})
	t.Run("refused", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.push = func(items []stocksync.Item) ([]stocksync.Applied, error) {
				return []stocksync.Applied{{Outcome: stocksync.Refused, Err: &stocksync.Conflict{Reason: stocksync.Excluded}}}, nil
			}
			a.mu.Unlock()
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			w.pass(time.Minute)
			require.Equal(w, []string{"a mug excluded"}, w.conflicts())
			require.Zero(w, w.waiting("a"))
		})
	})
	t.Run("lost capture", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.shops[0].sell("mug", 2, "") // no report
			w.pass(time.Minute)
			audit, err := w.m.Audit(w.ctx, stocksync.AuditOptions{})
			require.NoError(w, err)
			require.Len(w, audit.Differences, 1)
			require.Equal(w, "mug at a: quantity is 8, should be 10", audit.Differences[0].String())
			require.Equal(w, 2, audit.Requests)
			audit, err = w.m.Audit(w.ctx, stocksync.AuditOptions{Adopt: true})
			require.NoError(w, err)
			require.Equal(w, 1, audit.Adopting)
			w.pass(time.Minute)
			w.equal(mug, "mug", 8)
		})
	})
}

func testNames(t *testing.T) {
	t.Run("rename", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w, w.m.Rename(w.ctx, stocksync.Ref{SKU: "mug"}, "beaker"))
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("beaker", 1)))
			w.pass(time.Minute)
			w.equal(mug, "beaker", 9)
			require.Equal(w, []stocksync.Ref{{GID: mug, SKU: "beaker", OldSKU: "mug"}}, w.shops[0].renames)
			require.Empty(w, w.row(mug).Renamed)
			require.Equal(w, []int64{10}, w.shops[0].pushed("mug"))
		})
	})
	t.Run("taken", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.products["beaker"] = stocksync.Stock{Quantity: num(77)}
			a.mu.Unlock()
			require.NoError(w, w.m.Rename(w.ctx, stocksync.Ref{SKU: "mug"}, "beaker"))
			w.pass(time.Minute)
			require.Equal(w, []string{"a beaker sku_taken"}, w.conflicts())
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("beaker", 1)))
			w.pass(time.Minute)
			require.Equal(w, int64(77), a.has("beaker"), "another product")
			require.Equal(w, int64(10), a.has("mug"))
			require.Equal(w, int64(9), w.shops[1].has("beaker"))
		})
	})
	t.Run("by the authority alone", func(t *testing.T) {
		inWorld(t, func(w *world) {
			err := w.m.Receive(w.ctx, stocksync.Report{EventID: "x", Kind: stocksync.SKURename, From: "a",
				Items: []stocksync.Item{{Ref: stocksync.Ref{GID: mug, SKU: "beaker", OldSKU: "mug"}}}})
			var why *stocksync.Conflict
			require.ErrorAs(w, err, &why)
			require.Equal(w, stocksync.SKU("mug"), w.row(mug).SKU)
			events, err := w.m.Events(w.ctx, stocksync.EventQuery{Level: "security"})
			require.NoError(w, err)
			require.Len(w, events, 1)
			require.ErrorAs(w, w.m.Rename(w.ctx, stocksync.Ref{SKU: "mug"}, "CUP "), &why)
			require.Equal(w, stocksync.SKUTaken, why.Reason)
		})
	})
	t.Run("duplicate", func(t *testing.T) {
		inWorld(t, func(w *world) {
			_, err := w.m.Seed(w.ctx, []stocksync.Item{{Ref: stocksync.Ref{GID: "g-2", SKU: "MUG"}, Stock: stocksync.Stock{Quantity: num(3)}}})
			require.NoError(w, err)
			require.Equal(w, []string{" MUG duplicate_sku", " mug duplicate_sku"}, w.conflicts())
			w.receive(w.shops[0].sell("mug", 1, "order_processing"))
			w.pass(time.Minute)
			require.Equal(w, int64(10), w.row(mug).Quantity.IntPart(), "no first match wins")
			require.Equal(w, int64(10), w.shops[1].has("mug"))
			found, err := w.m.Lookup(w.ctx, "a", []stocksync.Ref{{SKU: "mug"}, {SKU: "cup"}})
			require.NoError(w, err)
			require.Nil(w, found[0])
			require.NotNil(w, found[1])
		})
	})
}

// choosy is a store that cannot hold every stock.
type choosy struct{ *shop }

func (choosy) Batch() int { return 1 }

func (choosy) Takes(s stocksync.Stock) error {
	if s.Manage != stocksync.Managed {
		return &stocksync.Conflict{Reason: stocksync.UnsupportedType, Detail: "it would begin to count"}
	}
	return nil
}

func testParents(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.shops[0]
		r := a.sell("mug", 7, "order_processing")
		r.Items[0].Manage = stocksync.ByParent // the parent's 3, not the variation's
		w.receive(r)
		require.Equal(w, int64(10), w.row(mug).Quantity.IntPart())
		require.Contains(w, w.notes("mug"), "a 0 unmanaged")
		require.Equal(w, []string{"a mug unsupported_type"}, w.conflicts())

		require.NoError(w, w.m.Set(w.ctx, "by hand", []stocksync.Item{{Ref: stocksync.Ref{SKU: "cup"},
			Stock: stocksync.Stock{Manage: stocksync.ByParent}}}))
		w.pass(time.Minute)
		require.Contains(w, w.conflicts(), "b cup unsupported_type")
		require.Equal(w, []int64{10}, w.shops[1].pushed("cup"), "what it would take for its own is not pushed")
	}, func(c *stocksync.MasterConfig) { c.Peers[1] = choosy{c.Peers[1].(*shop)} })
}

func testUnmanaged(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.shops[0].sell("mug", 10, "props_update")
		r.Items[0].Manage = stocksync.Unmanaged
		w.receive(r)
		w.pass(time.Minute)
		require.Equal(w, int64(10), w.row(mug).Quantity.IntPart(), "no zero is invented")
		require.Equal(w, int64(10), w.shops[1].has("mug"))
		require.Equal(w, []int64{10}, w.shops[1].pushed("mug"))
		require.NoError(w, w.m.Set(w.ctx, "off", []stocksync.Item{{Ref: stocksync.Ref{SKU: "cup"},
			Stock: stocksync.Stock{Manage: stocksync.Unmanaged, Status: stocksync.InStock}}}))
		require.NoError(w, w.m.Reserve(w.ctx, "order:1", lines("cup", 50)), "what nobody counts is never short")
		found, err := w.m.Lookup(w.ctx, "a", []stocksync.Ref{{SKU: "cup"}})
		require.NoError(w, err)
		require.Equal(w, stocksync.Unmanaged, found[0].Manage)
		require.Equal(w, stocksync.InStock, found[0].Status)
	})
}

// downtime is an error of a connection that was refused.
type downtime struct{ error }

func testDown(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.shops[0]
		a.mu.Lock()
		tries := 0
		a.push = func([]stocksync.Item) ([]stocksync.Applied, error) {
			tries++
			return nil, downtime{errors.New("refused")}
		}
		a.mu.Unlock()
		for i := range 5 {
			require.NoError(w, w.m.Sold(w.ctx, fmt.Sprint("order:", i), lines("mug", 1)))
			w.pass(time.Hour)
		}
		w.pass(90 * time.Hour)
		found, err := w.queue.List(w.ctx, retryqueue.Query{States: []retryqueue.State{retryqueue.Failed}})
		require.NoError(w, err)
		require.Len(w, found.Records, 1, "given up, and to be seen")
		require.Less(w, tries, 150, "then probed once an hour")
		require.Equal(w, int64(5), w.shops[1].has("mug"), "the others went on")
		health, err := w.m.Health(w.ctx)
		require.NoError(w, err)
		require.False(w, health[0].OK())
		require.Equal(w, 1, health[0].Waiting)

		a.mu.Lock()
		a.push, tries = nil, 0
		a.pushes = nil
		a.mu.Unlock()
		w.receive(a.sell("cup", 1, "order_processing")) // it is heard again
		w.pass(time.Second)
		require.Equal(w, []int64{5}, a.pushed("mug"), "what is, not what was")
		w.pass(time.Minute)
		w.equal(mug, "mug", 5)
		w.equal(cup, "cup", 9)
	})
	t.Run("a process that dies is no failure of the peer", func(t *testing.T) {
		var jobs retryqueue.Store
		var queue *retryqueue.Queue
		inWorld(t, func(w *world) {
			for range 9 {
				claimed, err := jobs.Claim(w.ctx, retryqueue.Claim{Kinds: map[string]int{queue.Kinds()[0]: 9}, Lease: time.Second})
				require.NoError(w, err)
				require.NotEmpty(w, claimed.Records)
				w.pass(time.Second)
			}
			a, tries := w.shops[0], 0
			a.mu.Lock()
			a.push = func([]stocksync.Item) ([]stocksync.Applied, error) {
				if tries++; tries == 1 {
					return nil, downtime{errors.New("refused")}
				}
				return nil, nil
			}
			a.mu.Unlock()
			var running sync.WaitGroup
			defer running.Wait()
			ctx, stop := context.WithCancel(w.ctx)
			defer stop()
			running.Go(func() { _ = queue.Run(ctx) })
			w.pass(2 * time.Minute)
			require.Equal(w, int64(10), a.has("mug"), "tried again as after its first failure")
		}, func(c *stocksync.MasterConfig) {
			jobs = retryqueue.NewMemoryStore()
			queue, _ = retryqueue.New(retryqueue.Config{Store: jobs, Drain: -1})
			c.Queue = queue
		})
	})
	t.Run("by hand", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.push = func([]stocksync.Item) ([]stocksync.Applied, error) { return nil, downtime{errors.New("refused")} }
			a.mu.Unlock()
			require.NoError(w, w.m.Sold(w.ctx, "order:1", append(lines("mug", 1), lines("cup", 2)...)))
			w.pass(time.Hour)
			backlog, err := w.m.Backlog(w.ctx, "a", 0)
			require.NoError(w, err)
			require.Len(w, backlog, 2)
			require.Equal(w, "refused", backlog[0].Error)
			require.NoError(w, w.m.DiscardPush(w.ctx, "a", cup))
			a.mu.Lock()
			a.push = nil
			a.mu.Unlock()
			require.NoError(w, w.m.RetryPush(w.ctx, "a"))
			w.pass(time.Second)
			require.Equal(w, int64(9), a.has("mug"))
			require.Equal(w, int64(10), a.has("cup"))
		})
	})
}

// clocked is a store whose clock can be asked.
type clocked struct {
	*shop
	offset time.Duration
}

func (c clocked) Ping(context.Context) (stocksync.Pong, error) {
	return stocksync.Pong{StoreID: c.id, Offset: c.offset, Role: stocksync.RoleChild}, nil
}

func testClocks(t *testing.T) {
	inWorld(t, func(w *world) {
		pong, err := w.m.TestConnection(w.ctx, "a")
		require.NoError(w, err)
		require.Equal(w, 90*time.Second, pong.Offset)
		events, err := w.m.Events(w.ctx, stocksync.EventQuery{Action: "clock"})
		require.NoError(w, err)
		require.Len(w, events, 1)

		a := w.shops[0]
		late := a.sell("mug", 1, "order_processing")
		w.pass(10 * time.Second)
		require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 2)))
		w.pass(time.Minute)
		late.Doubt = 15 * time.Second // it may have been captured before the push or after it
		w.receive(late)
		require.Contains(w, w.notes("mug"), "a 0 doubt")
		w.pass(time.Minute)
		w.equal(mug, "mug", 7)
		ahead := a.sell("mug", 1, "order_processing")
		ahead.At = ahead.At.Add(time.Hour)
		w.receive(ahead)
		w.pass(time.Minute)
		w.equal(mug, "mug", 6)
	}, func(c *stocksync.MasterConfig) { c.Peers[0] = clocked{c.Peers[0].(*shop), 90 * time.Second} })
}

// blocked is a firewall's answer: everything meets it.
type blocked struct{}

func (blocked) Error() string             { return "blocked" }
func (blocked) Systemic() bool            { return true }
func (blocked) RetryAfter() time.Duration { return time.Hour }

func testOnePeerAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.shops[0]
		a.mu.Lock()
		tries := 0
		a.push = func([]stocksync.Item) ([]stocksync.Applied, error) { tries++; return nil, blocked{} }
		a.mu.Unlock()
		for i := range 6 {
			require.NoError(w, w.m.Sold(w.ctx, fmt.Sprint("order:", i), lines("mug", 1)))
			w.pass(9 * time.Minute)
		}
		require.Equal(w, int64(4), w.shops[1].has("mug"))
		require.Equal(w, 1, tries, "no new change knocks at a closed door")
	})
}

// vague is a time-out: it may have had its effect.
type vague struct{ error }

func (vague) Ambiguous() bool { return true }

func testParts(t *testing.T) {
	seed := func(w *world) {
		var items []stocksync.Item
		for i := range 40 {
			sku := stocksync.SKU(fmt.Sprintf("p%02d", i))
			items = append(items, item(sku, 5))
			for _, s := range w.shops {
				s.mu.Lock()
				s.products[sku] = stocksync.Stock{Manage: stocksync.Managed}
				s.mu.Unlock()
			}
		}
		_, err := w.m.Seed(w.ctx, items)
		require.NoError(w, err)
	}
	t.Run("poison", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.push = func(items []stocksync.Item) ([]stocksync.Applied, error) {
				if slices.ContainsFunc(items, func(i stocksync.Item) bool { return i.SKU == "p17" }) {
					return nil, vague{errors.New("500")}
				}
				return nil, nil
			}
			a.mu.Unlock()
			seed(w)
			w.pass(4 * time.Second)
			for i := range 40 {
				if i != 17 {
					require.Equal(w, int64(5), a.has(stocksync.SKU(fmt.Sprintf("p%02d", i))), "%d", i)
				}
			}
			require.Equal(w, 1, w.waiting("a"))
			require.LessOrEqual(w, len(a.pushes), 16)
			seen := map[string]bool{}
			for _, items := range a.pushes {
				for _, i := range items {
					key := fmt.Sprint(i.SKU, i.Version)
					require.False(w, seen[key], "%s was pushed twice under one version", i.SKU)
					seen[key] = true
				}
			}
		})
	})
	t.Run("down", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.pushes = nil
			a.push = func([]stocksync.Item) ([]stocksync.Applied, error) { return nil, vague{errors.New("504")} }
			a.mu.Unlock()
			seed(w)
			w.pass(time.Second)
			require.LessOrEqual(w, len(a.pushes), 12, "not product by product")
		})
	})
	t.Run("outcomes", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.shops[0]
			a.mu.Lock()
			a.push = func(items []stocksync.Item) ([]stocksync.Applied, error) {
				applied := a.apply(items)
				for i := range items {
					if items[i].SKU == "p03" {
						applied[i] = stocksync.Applied{Outcome: stocksync.Failed, Err: errors.New("locked")}
					}
				}
				return applied, nil
			}
			a.mu.Unlock()
			seed(w)
			w.pass(2 * time.Second)
			backlog, err := w.m.Backlog(w.ctx, "a", 0)
			require.NoError(w, err)
			require.Len(w, backlog, 1)
			require.Equal(w, "locked", backlog[0].Error)
		})
	})
}

func testReconcile(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.shops[0]
		var items []stocksync.Item
		for i := range 98 {
			sku := stocksync.SKU(fmt.Sprintf("p%02d", i))
			items = append(items, item(sku, 5))
			for _, s := range w.shops {
				s.mu.Lock()
				s.products[sku] = stocksync.Stock{Manage: stocksync.Managed}
				s.mu.Unlock()
			}
		}
		_, err := w.m.Seed(w.ctx, items)
		require.NoError(w, err)
		w.pass(time.Minute)
		for i := range 3 {
			a.sell(stocksync.SKU(fmt.Sprintf("p%02d", i)), 1, "")
		}
		a.mu.Lock()
		a.pushes, a.reads = nil, 0
		a.mu.Unlock()

		var told []string
		var steps []int
		dry, err := w.m.Reconcile(w.ctx, stocksync.ReconcileOptions{DryRun: true, Peers: []stocksync.StoreID{"a"},
			Each: func(d stocksync.Difference) { told = append(told, string(d.Ref.SKU)) },
			Progress: func(p stocksync.Progress) {
				require.Equal(w, 3, p.Requests, "known before the first")
				steps = append(steps, p.Done)
			}})
		require.NoError(w, err)
		require.Equal(w, stocksync.ReconcileReport{Products: 100, Different: 3, Requests: 3}, dry)
		require.ElementsMatch(w, []string{"p00", "p01", "p02"}, told)
		require.Equal(w, []int{40, 80, 100}, steps)
		require.Equal(w, 3, a.reads, "100 products in batches of 40")
		require.Empty(w, a.pushes)

		selected, err := w.m.Reconcile(w.ctx, stocksync.ReconcileOptions{SKUs: []stocksync.SKU{"p01"}})
		require.NoError(w, err)
		require.Equal(w, stocksync.ReconcileReport{Products: 2, Different: 1, Pushed: 1, Requests: 2}, selected)

		cut, stop := context.WithCancel(w.ctx)
		part, err := w.m.Reconcile(cut, stocksync.ReconcileOptions{Peers: []stocksync.StoreID{"a"},
			Progress: func(p stocksync.Progress) { stop() }})
		require.ErrorIs(w, err, context.Canceled)
		require.Equal(w, 40, part.Products)
		require.NotEmpty(w, part.Next)
		rest, err := w.m.Reconcile(w.ctx, stocksync.ReconcileOptions{Peers: []stocksync.StoreID{"a"}, After: part.Next})
		require.NoError(w, err)
		require.Equal(w, 60, rest.Products)
		require.Equal(w, 2, part.Pushed+rest.Pushed)
		for i := range 3 {
			require.Equal(w, int64(5), a.has(stocksync.SKU(fmt.Sprintf("p%02d", i))))
		}

		a.mu.Lock()
		a.pushes, a.deaf = nil, true
		a.mu.Unlock()
		all, err := w.m.SyncSKUs(w.ctx, "p05", "p06")
		require.NoError(w, err)
		require.Equal(w, 4, all.Pushed, "pushed without a difference, and equal by read-back")
		require.Len(w, a.pushes, 1)
		a.sell("p05", 1, "")
		all, err = w.m.SyncSKUs(w.ctx, "p05")
		require.NoError(w, err)
		require.Equal(w, 1, all.Waiting, "not there, whatever it answered")
	})
}

// watched is a store that must be asked.
type watched struct {
	*shop
	watch func(ctx context.Context, to stocksync.Node) error
}

func (s watched) Watch(ctx context.Context, to stocksync.Node) error { return s.watch(ctx, to) }

func testWatch(t *testing.T) {
	watches := 0
	inWorld(t, func(w *world) {
		w.pass(5 * time.Minute)
		require.Equal(w, 2, watches, "again after it gave up")
		require.Equal(w, int64(9), w.row(mug).Quantity.IntPart())
	}, func(c *stocksync.MasterConfig) {
		a := c.Peers[0].(*shop)
		c.Peers[0] = watched{a, func(ctx context.Context, to stocksync.Node) error {
			if watches++; watches == 1 {
				return errors.New("switched off")
			}
			r := a.sell("mug", 1, stocksync.Observed)
			return errors.Join(to.Receive(ctx, r), func() error { <-ctx.Done(); return nil }())
		}}
	})
}

func testBackorders(t *testing.T) {
	inWorld(t, func(w *world) {
		var short *stocksync.Shortage
		require.ErrorAs(w, w.m.Reserve(w.ctx, "order:1", append(lines("mug", 11), lines("cup", 1)...)), &short)
		require.Equal(w, "stocksync: not enough on hand: only 10 of mug", short.Error())
		require.Equal(w, int64(10), w.row(cup).Quantity.IntPart(), "all or none")
		require.NoError(w, w.m.Set(w.ctx, "allow", []stocksync.Item{{Ref: stocksync.Ref{SKU: "mug"},
			Stock: stocksync.Stock{Quantity: num(10), Backorders: stocksync.BackordersNotify}}}))
		require.NoError(w, w.m.Reserve(w.ctx, "order:2", lines("mug", 12)))
		require.NoError(w, w.m.Reserve(w.ctx, "order:2", lines("mug", 12)), "again is the same")
		w.pass(time.Minute)
		w.equal(mug, "mug", -2)
		require.Equal(w, stocksync.OnBackorder, w.row(mug).Status)
		w.receive(w.shops[0].sell("mug", 1, "order_processing"))
		w.pass(time.Minute)
		w.equal(mug, "mug", -3)
		r := w.shops[0].sell("cup", 0, "props_update")
		r.Items[0].Backorders = stocksync.BackordersYes
		w.receive(r)
		w.pass(time.Minute)
		require.Equal(w, stocksync.BackordersYes, w.shops[1].products["cup"].Backorders)
		require.NoError(w, w.m.Restock(w.ctx, "delivery:1", lines("mug", 5)))
		w.pass(time.Minute)
		w.equal(mug, "mug", 2)
		half := stocksync.Line{Ref: stocksync.Ref{SKU: "mug"}, Quantity: decimal.RequireFromString("0.5")}
		require.NoError(w, w.m.Sold(w.ctx, "order:3", []stocksync.Line{half, half}))
		require.Equal(w, "1", w.row(mug).Quantity.String())
	})
}

// telling is a store that tells which versions it has.
type telling struct{ *shop }

func (s telling) Versions(_ context.Context, refs []stocksync.Ref) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]int64, len(refs))
	for i, ref := range refs {
		found[i] = s.versions[ref.SKU]
	}
	return found, nil
}

func testRestored(t *testing.T) {
	far := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	freeze := func(s *shop) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fence = true
		s.versions["mug"] = far
	}
	t.Run("version jump", func(t *testing.T) {
		inWorld(t, func(w *world) {
			freeze(w.shops[0])
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			w.pass(time.Minute)
			w.equal(mug, "mug", 9)
			require.Greater(w, w.row(mug).Version, far)
			require.Empty(w, w.conflicts())
		}, func(c *stocksync.MasterConfig) { c.Peers[0] = telling{c.Peers[0].(*shop)} })
	})
	t.Run("the clock outruns a lost counter", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.GreaterOrEqual(w, w.row(mug).Version, time.Now().Add(-2*time.Minute).UnixMilli())
		})
	})
	t.Run("frozen", func(t *testing.T) {
		inWorld(t, func(w *world) { // a store that does not tell
			freeze(w.shops[0])
			require.NoError(w, w.m.Sold(w.ctx, "order:1", lines("mug", 1)))
			w.pass(5 * time.Minute)
			require.Equal(w, []string{"a mug not_applied"}, w.conflicts())
		})
	})
}
