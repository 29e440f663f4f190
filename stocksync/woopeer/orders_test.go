package woopeer_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

func TestOrders(t *testing.T) {
	t.Parallel()

	// ledgered is a world whose peer reports orders, into a ledger that survives it.
	ledgered := func(t *testing.T, test func(w *world, again func())) {
		t.Helper()
		inWorld(t, nil, func(w *world) {
			l := &history{w.clerk}
			w.clerk.byOrders = true
			again := func() {
				var err error
				w.peer, err = woopeer.New(woopeer.Config{
					ID: "c", Shop: w.woo, KeepMeta: true, OrdersSince: time.Now().Add(-time.Hour).Truncate(24 * time.Hour), Ledger: l,
				})
				require.NoError(w, err)
			}
			again()
			test(w, again)
		})
	}

	t.Run("the second in which it joined", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			w.clerk.byOrders = true
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1300 * time.Millisecond)))
			var err error
			w.peer, err = woopeer.New(woopeer.Config{ID: "c", Shop: w.woo, OrdersSince: time.Now(), Ledger: &history{w.clerk}})
			require.NoError(w, err)
			w.sell(cup, 2) // a shop dates it by the second: before OrdersSince
			stop := w.watch()
			defer stop()
			w.pass(time.Minute)
			require.Contains(w, w.clerk.told(), "CUP -2")
		})
	})
	t.Run("W6_reduced_mark", func(t *testing.T) {
		t.Parallel()
		ledgered(t, func(w *world, again func()) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			stop := w.watch()
			order := w.sell(cup, 2)
			pending, err := w.shop.AddOrder(fmt.Appendf(nil, `{"status":"pending","line_items":[{"product_id":%d,"quantity":5}]}`, cup))
			require.NoError(w, err)
			w.pass(time.Minute)
			require.Contains(w, w.clerk.told(), "CUP -2")
			require.NotContains(w, w.clerk.told(), "CUP -5", "a pending order takes nothing")
			require.NoError(w, w.shop.SetStatus(pending, "cancelled"))
			require.NoError(w, w.shop.SetStatus(order, "completed"))
			w.pass(time.Minute)
			for _, said := range w.clerk.told() {
				require.NotContains(w, []string{"CUP -2", "CUP 5", "CUP -5"}, said)
			}

			// Cancelled and sold again, on both sides of a restart.
			require.NoError(w, w.shop.SetStatus(order, "cancelled"))
			w.pass(time.Minute)
			require.Contains(w, w.clerk.told(), "CUP 2")
			stop()
			again()
			require.NoError(w, w.shop.SetStatus(order, "processing"))
			stop = w.watch()
			require.Contains(w, w.clerk.told(), "CUP -2", "sold again while nobody looked")
			stop()
			again()
			stop = w.watch()
			require.NotContains(w, w.clerk.told(), "CUP -2", "counted twice after a restart")
			require.NoError(w, w.shop.SetStatus(order, "cancelled"))
			w.pass(time.Minute)
			require.Contains(w, w.clerk.told(), "CUP 2")
			stop()
			require.ElementsMatch(w, []string{"sold", "restored", "sold:2", "restored:2"}, w.clerk.kinds(order))
		})
	})

	// A refund that puts a piece back lowers the mark, as real stores show it.
	t.Run("W6_refund", func(t *testing.T) {
		t.Parallel()
		ledgered(t, func(w *world, _ func()) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			order := w.sell(cup, 2)
			w.pass(time.Minute)
			w.clerk.told()
			o, err := w.woo.Orders.Get(w.Context(), woo.OrderID(order))
			require.NoError(w, err)
			require.NoError(w, w.shop.EditOrder(order, fmt.Appendf(nil, `{"line_items":[{"id":%d,"meta_data":[
				{"key":"_reduced_stock","value":"1"},{"key":"_restock_refunded_items","value":"1"}]}]}`, o.LineItems[0].ID)))
			w.pass(time.Minute)
			require.Contains(w, w.clerk.told(), "CUP 1")
		})
	})

	// A sale that our write has written over is in the ledger all the same; one that a push finds is entered before it writes.
	t.Run("W6_sale_in_the_gap", func(t *testing.T) {
		t.Parallel()
		ledgered(t, func(w *world, _ func()) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			it := w.clerk.has("CUP", 9)
			sold := false
			w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
				if r.Method == http.MethodPost && !sold { // it has been read, and is about to be written
					sold = true
					w.sell(cup, 1)
				}
				return wootest.None
			}})
			w.push(confirmed, it)
			require.Equal(w, "9", w.stock(cup), "the racy party is us")
			w.clerk.told()
			w.pass(time.Minute)
			require.Contains(w, w.clerk.told(), "CUP -1")
			require.Equal(w, "8", w.clerk.item("CUP").Quantity.String())

			w.sell(cup, 3)
			it = w.clerk.item("CUP")
			w.push([]stocksync.Outcome{stocksync.Failed}, it)
			require.Contains(w, w.clerk.told(), "CUP -3")
			w.push(confirmed, w.clerk.item("CUP"))
			require.Equal(w, "5", w.stock(cup))
		})
	})

	t.Run("W6_before_it_joined", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 9)
			w.sell(cup, 1)
			time.Sleep(time.Minute)
			peer, err := woopeer.New(woopeer.Config{ID: "c", Shop: w.woo, OrdersSince: time.Now(), Ledger: &history{w.clerk}})
			require.NoError(w, err)
			w.peer = peer
			defer w.watch()()
			require.Equal(w, []string{"CUP 9"}, w.clerk.told())
		})
	})

	t.Run("W6_family", func(t *testing.T) {
		t.Parallel()
		ledgered(t, func(w *world, _ func()) {
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT","manage_stock":true,"stock_quantity":20}`)
			red := w.variation(shirt, `{"sku":"RED","regular_price":"1"}`)
			w.variation(shirt, `{"sku":"BLUE","regular_price":"1"}`)
			for _, sku := range []stocksync.SKU{"SHIRT", "RED", "BLUE"} {
				w.clerk.has(sku, 20)
			}
			defer w.watch()()
			w.clerk.told()
			w.sell(red, 3)
			w.pass(time.Minute)
			require.Subset(w, w.clerk.told(), []string{"SHIRT -3", "RED -3", "BLUE -3"})
		})
	})
}

// history is the clerk's ledger, as a store shows it: by GID, which the clerk makes of the SKU.
type history struct{ c *clerk }

func (h *history) History(_ context.Context, gid stocksync.GID, _ int) ([]stocksync.Entry, error) {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.c.ledger[gid], nil
}
