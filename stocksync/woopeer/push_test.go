package woopeer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

func TestPush(t *testing.T) {
	t.Parallel()

	t.Run("W6_compare_then_set", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			require.Equal(w, []string{"CUP 10"}, w.clerk.told())

			// The master sold one elsewhere; meanwhile the store sold two, which nobody has been told.
			it := w.clerk.has("CUP", 9)
			w.sell(cup, 2)
			w.requests()
			w.push([]stocksync.Outcome{stocksync.Failed}, it)
			require.Equal(w, []string{"CUP 10->8"}, w.clerk.told(), "told before anything was written")
			require.Equal(w, "8", w.stock(cup), "the sale was written over")
			require.Equal(w, []string{"GET products"}, w.requests())

			// What follows from both is written.
			it = w.clerk.item("CUP")
			require.Equal(w, "7", it.Quantity.String())
			w.push(confirmed, it)
			require.Equal(w, "7", w.stock(cup))
			require.Equal(w, []string{"GET products", "POST products/batch"}, w.requests())
			require.Empty(w, w.clerk.told())

			// What is there already is not written again.
			w.push(confirmed, it)
			require.Equal(w, []string{"GET products"}, w.requests())
		})
	})

	// A difference that the node was told of and does not make its own is overruled: it decides.
	t.Run("W6_compare_then_set_node_decides", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			defer w.watch()()
			it := item("CUP", 9) // which the clerk does not know
			w.sell(cup, 2)
			w.push(confirmed, it)
			require.Equal(w, []string{"CUP 10", "CUP 10->8"}, w.clerk.told())
			require.Equal(w, "9", w.stock(cup))
		})
	})

	// What cannot be reported is not written over, and is reported once although the answer to the first report was lost.
	t.Run("W6_compare_then_set_report_lost", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			w.clerk.told()
			w.sell(cup, 2)
			w.clerk.lost = 1
			_, err := w.peer.Push(w.Context(), []stocksync.Item{w.clerk.item("CUP")})
			require.ErrorIs(w, err, context.DeadlineExceeded)
			require.Equal(w, "8", w.stock(cup))
			w.push(confirmed, w.clerk.item("CUP"))
			require.Equal(w, []string{"CUP 10->8", "CUP 10->8"}, w.clerk.told(), "the same event twice")
			require.Equal(w, "8", w.clerk.item("CUP").Quantity.String())
			require.Equal(w, "8", w.stock(cup))
		})
	})

	// Nothing is begun that rests on a reading older than the gap: no repeat after a failure, no wait for a limiter.
	t.Run("W6_gap", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			failures := 1
			w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
				if r.Method == http.MethodPost && failures > 0 {
					failures--
					return wootest.Unavailable // with Retry-After: 1
				}
				return ""
			}})
			w.push2(stocksync.Failed, item("CUP", 9))
			require.Equal(w, []string{"GET products", "POST products/batch"}, w.requests())
			w.pass(2 * time.Second)
			w.push2(stocksync.Confirmed, item("CUP", 9))
			require.Equal(w, "9", w.stock(cup))
		})
	})
	t.Run("W6_gap_limiter", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			c := w.shop.Config()
			c.Limiter = rate.NewLimiter(0.5, 1) // the write would wait two seconds
			client, err := woo.New(c)
			require.NoError(w, err)
			peer, err := woopeer.New(woopeer.Config{ID: "c", Shop: client})
			require.NoError(w, err)
			done, err := peer.Push(w.Context(), []stocksync.Item{item("CUP", 9)})
			require.NoError(w, err)
			require.Equal(w, stocksync.Failed, done[0].Outcome)
			require.Equal(w, "10", w.stock(cup))

			patient, err := woopeer.New(woopeer.Config{ID: "c", Shop: client, Gap: 5 * time.Second, KeepMeta: true})
			require.NoError(w, err)
			done, err = patient.Push(w.Context(), []stocksync.Item{item("CUP", 9)})
			require.NoError(w, err)
			require.Equal(w, stocksync.Confirmed, done[0].Outcome, "%v", done[0].Err)
		})
	})
	// A store that needs 20 ms for a product gets as few at once as it writes within the gap, whatever is pushed.
	t.Run("W6_gap_adapts", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			var items []stocksync.Item
			for i := range 120 {
				w.product(fmt.Sprintf("SKU-%03d", i), 5)
				items = append(items, item(stocksync.SKU(fmt.Sprintf("SKU-%03d", i)), 4))
			}
			w.shop.SetFaults(wootest.Faults{Latency: 900 * time.Millisecond})
			w.requests()
			done, err := w.peer.Push(w.Context(), items)
			require.NoError(w, err)
			for i := range done {
				require.Equal(w, stocksync.Confirmed, done[i].Outcome, "%v", done[i].Err)
			}
			require.Less(w, w.peer.Batch(), 20)
			var read time.Time
			for _, r := range w.shop.Requests() {
				if r.Method == http.MethodGet {
					read = r.At
				} else {
					require.Less(w, r.At.Sub(read), time.Second)
				}
			}
		})
	})
	t.Run("W6_gap_too_slow", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.shop.SetFaults(wootest.Faults{Latency: 4 * time.Second})
			_, err := w.peer.Push(w.Context(), []stocksync.Item{item("CUP", 9)})
			require.ErrorContains(w, err, "Config.Gap")
			require.Equal(w, "10", w.stock(cup))
		})
	})

	// A write whose answer is lost: what is there next may be it, and is no sale.
	t.Run("W6_answer_lost", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			w.clerk.told()
			it := w.clerk.has("CUP", 7)
			w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
				if r.Method == http.MethodPost {
					return wootest.Lost
				}
				return wootest.None
			}})
			w.push2(stocksync.Failed, it)
			w.shop.SetFaults(wootest.Faults{})
			require.Equal(w, "7", w.stock(cup))
			w.push(confirmed, it)
			w.pass(2 * time.Minute)
			require.Empty(w, w.clerk.told(), "our own write was taken for a sale")
			require.Equal(w, "7", w.clerk.item("CUP").Quantity.String())
		})
	})

	// Looked at again after 3 s and after a minute, and not more.
	t.Run("W6_verify_3s_60s", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.Every = time.Hour }, func(w *world) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			it := w.clerk.has("CUP", 9)
			w.push(confirmed, it)
			w.clerk.told()
			w.requests()
			began := time.Now()
			w.sell(cup, 1) // just after
			w.pass(5 * time.Second)
			require.Equal(w, []string{"CUP 9->8"}, w.clerk.told(), "seen after three seconds, without poll or webhook")
			require.NoError(w, w.shop.EditOrder(w.sell(cup, 1), []byte(`{"customer_note":"thanks"}`)))
			w.pass(65 * time.Second)
			require.Equal(w, []string{"CUP 8->7"}, w.clerk.told())
			var at []time.Duration
			for _, r := range w.shop.Requests() {
				at = append(at, r.At.Sub(began).Truncate(time.Second))
			}
			require.Equal(w, []time.Duration{3 * time.Second, 60 * time.Second}, at)
		})
	})

	// 200 for the whole, and a refusal within.
	t.Run("W6_item_errors", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup, bowl := w.product("CUP", 10), w.product("BOWL", 10)
			removed := false
			w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
				if r.Method == http.MethodPost && !removed { // between the reading and the writing
					removed = true
					w.shop.RemoveProduct(bowl)
				}
				return ""
			}})
			done := w.push([]stocksync.Outcome{stocksync.Confirmed, stocksync.Refused, stocksync.Refused},
				item("CUP", 4), item("BOWL", 4), item("PLATE", 4))
			require.Equal(w, stocksync.MissingProduct, reasonOf(w, done[1]))
			require.Equal(w, stocksync.MissingProduct, reasonOf(w, done[2]))
			require.Equal(w, "4", w.stock(cup))
		})
	})

	// A 200 that proves nothing: the shop's own setting has switched stock management off.
	t.Run("W6_not_applied", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			w.product("CUP", 10)
			stubborn := stubborn{w.shop.Transport()}
			c := w.shop.Config()
			c.HTTPClient = &http.Client{Transport: stubborn}
			client, err := woo.New(c)
			require.NoError(w, err)
			peer, err := woopeer.New(woopeer.Config{ID: "c", Shop: client})
			require.NoError(w, err)
			done, err := peer.Push(w.Context(), []stocksync.Item{item("CUP", 4)})
			require.NoError(w, err)
			require.Equal(w, stocksync.Refused, done[0].Outcome)
			require.Equal(w, stocksync.NotApplied, reasonOf(w, done[0]))
		})
	})

	t.Run("W6_low_stock", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			require.Equal(w, "null", w.at(cup, "low_stock_amount"))
			low := 0
			it := item("CUP", 10)
			it.LowStock = &low
			w.push(confirmed, it)
			require.Equal(w, "0", w.at(cup, "low_stock_amount"), "0 is a threshold of its own")
			it.LowStock = nil
			w.push(confirmed, it)
			require.Equal(w, "0", w.at(cup, "low_stock_amount"), "not said: left alone")
			stocks, err := w.peer.Read(w.Context(), []stocksync.Ref{{SKU: "CUP"}})
			require.NoError(w, err)
			require.Equal(w, 0, *stocks[0].LowStock)
			_, err = w.woo.Products.Update(w.Context(), woo.ProductID(cup), woo.ProductFields{LowStockAmount: woo.Null[int]()})
			require.NoError(w, err)
			stocks, err = w.peer.Read(w.Context(), []stocksync.Ref{{SKU: "CUP"}})
			require.NoError(w, err)
			require.Nil(w, stocks[0].LowStock, "the store's default holds")
		})
	})

	t.Run("SS-14_backorders", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 1)
			it := item("CUP", -3)
			it.Backorders = stocksync.BackordersNotify
			w.push(confirmed, it)
			require.Equal(w, "-3", w.stock(cup))
			require.Equal(w, `"notify"`, w.at(cup, "backorders"))
			require.Equal(w, `"onbackorder"`, w.at(cup, "stock_status"))
		})
	})

	t.Run("SS-07_unmanaged", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			id := w.add(`{"name":"Service","sku":"SERVICE","regular_price":"1","manage_stock":false}`)
			it := item("SERVICE", 0)
			it.Manage, it.Status = stocksync.Unmanaged, stocksync.InStock
			w.push(confirmed, it)
			require.Equal(w, "null", w.stock(id))
			require.Equal(w, `"instock"`, w.at(id, "stock_status"))
			require.Equal(w, []string{"GET products"}, w.requests(), "nothing had to change")

			it.Manage, it.Quantity = "", decimal.NewFromInt(7) // the sender did not say: what nobody counts here stays uncounted
			w.push(confirmed, it)
			require.Equal(w, "null", w.stock(id))
		})
	})

	t.Run("fraction", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 1)
			it := item("CUP", 0)
			it.Quantity = decimal.RequireFromString("1.5")
			done := w.push([]stocksync.Outcome{stocksync.Refused}, it)
			require.Equal(w, stocksync.UnsupportedType, reasonOf(w, done[0]))
			require.Error(w, w.peer.Takes(it.Stock))
			require.NoError(w, w.peer.Takes(item("CUP", 2).Stock))
			require.Equal(w, "1", w.stock(cup))
		})
	})

	t.Run("shop_down", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			w.product("CUP", 1)
			w.shop.SetTrouble(wootest.Maintenance)
			_, err := w.peer.Push(w.Context(), []stocksync.Item{item("CUP", 0)})
			var e *woo.Error
			require.ErrorAs(w, err, &e)
			require.True(w, e.Systemic())
			require.Positive(w, e.RetryAfter())
		})
	})
}

// push2 pushes one item and demands its outcome, also where all failed together.
func (w *world) push2(want stocksync.Outcome, it stocksync.Item) {
	w.Helper()
	done, err := w.peer.Push(w.Context(), []stocksync.Item{it})
	if want != stocksync.Failed {
		require.NoError(w, err)
	}
	require.Equal(w, want, done[0].Outcome, "%v", errors.Join(err, done[0].Err))
}

// stubborn is a store that answers writes with success and keeps what it has.
type stubborn struct{ http.RoundTripper }

func (s stubborn) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/batch") {
		r.Body.Close()
		body := `{"update":[{"id":1001,"manage_stock":true,"stock_quantity":10,"stock_status":"instock","backorders":"no"}]}`
		return &http.Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r, ContentLength: int64(len(body)),
			Body: readCloser{strings.NewReader(body)},
		}, nil
	}
	return s.RoundTripper.RoundTrip(r)
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestVariations(t *testing.T) {
	t.Parallel()

	// SS-06: variations are written by their parents, a batch for each.
	t.Run("SS-06_W6_batch_variations", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT"}`)
			hat := w.add(`{"name":"Hat","type":"variable","sku":"HAT"}`)
			var ids []int64
			var items []stocksync.Item
			for i, parent := range []int64{shirt, hat, shirt, hat} {
				sku := fmt.Sprintf("V-%d", i)
				ids = append(ids, w.variation(parent, fmt.Sprintf(`{"sku":%q,"regular_price":"1","manage_stock":true,"stock_quantity":5}`, sku)))
				items = append(items, item(stocksync.SKU(sku), int64(i)))
			}
			cup := w.product("CUP", 5)
			items = append(items, item("CUP", 9))
			w.requests()
			w.push([]stocksync.Outcome{"confirmed", "confirmed", "confirmed", "confirmed", "confirmed"}, items...)
			require.ElementsMatch(w, []string{
				"GET products", "POST products/batch",
				fmt.Sprintf("POST products/%d/variations/batch", shirt), fmt.Sprintf("POST products/%d/variations/batch", hat),
			}, w.requests())
			for i, id := range ids {
				require.Equal(w, fmt.Sprint(i), w.stock(id))
			}
			require.Equal(w, "9", w.stock(cup))
		})
	})

	// SS-06: the stock of a variation that says "parent" is the parent's.
	t.Run("SS-06_W6_parent_managed", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT","manage_stock":true,"stock_quantity":20}`)
			red := w.variation(shirt, `{"sku":"RED","regular_price":"1"}`)
			blue := w.variation(shirt, `{"sku":"BLUE","regular_price":"1"}`)
			for _, sku := range []stocksync.SKU{"SHIRT", "RED", "BLUE"} {
				w.clerk.has(sku, 20)
			}
			defer w.watch()()
			require.ElementsMatch(w, []string{"SHIRT 20", "RED 20", "BLUE 20"}, w.clerk.told())
			stocks, err := w.peer.Read(w.Context(), []stocksync.Ref{{SKU: "RED"}})
			require.NoError(w, err)
			require.Equal(w, stocksync.ByParent, stocks[0].Manage)
			require.Equal(w, "20", stocks[0].Quantity.String())

			w.requests()
			it := w.clerk.has("RED", 18)
			it.Manage = stocksync.ByParent
			w.push(confirmed, it)
			require.Equal(w, []string{"GET products", "POST products/batch"}, w.requests())
			require.Equal(w, "18", w.stock(shirt))
			require.Equal(w, "18", w.stock(red))
			require.Equal(w, `"parent"`, w.at(red, "manage_stock"), "broken loose from its parent")

			// What was pushed to one is news of the others.
			w.pass(4 * time.Second)
			require.ElementsMatch(w, []string{"SHIRT 20->18", "BLUE 20->18"}, w.clerk.told())

			// And a sale of one is a sale of all.
			w.sell(blue, 3)
			require.Equal(w, "15", w.stock(shirt))
			w.pass(time.Minute)
			require.ElementsMatch(w, []string{"SHIRT 18->15", "RED 18->15", "BLUE 18->15"}, w.clerk.told())

			// Two that want different things of one parent: the newer decides, the other is told what came of it.
			older, newer := w.clerk.has("RED", 11), w.clerk.has("BLUE", 12)
			older.Manage, newer.Manage, newer.Version = stocksync.ByParent, stocksync.ByParent, 9
			w.push([]stocksync.Outcome{stocksync.Failed, stocksync.Confirmed}, older, newer)
			require.Equal(w, "12", w.stock(shirt))
			w.pass(4 * time.Second)
			require.ElementsMatch(w, []string{"SHIRT 15->12", "RED 15->12"}, w.clerk.told())
		})
	})

	t.Run("mode", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT","manage_stock":true,"stock_quantity":20}`)
			red := w.variation(shirt, `{"sku":"RED","regular_price":"1"}`)
			cup := w.product("CUP", 5)
			w.push(confirmed, item("RED", 7)) // counted by itself from now on
			require.Equal(w, "7", w.stock(red))
			require.Equal(w, "20", w.stock(shirt))
			it := item("RED", 19)
			it.Manage = stocksync.ByParent
			w.push(confirmed, it)
			require.Equal(w, `"parent"`, w.at(red, "manage_stock"))
			require.Equal(w, "19", w.stock(shirt))

			it = item("CUP", 1)
			it.Manage = stocksync.ByParent
			require.Equal(w, stocksync.UnsupportedType, reasonOf(w, w.push([]stocksync.Outcome{stocksync.Refused}, it)[0]))
			require.Equal(w, "5", w.stock(cup))
			it = item("RED", 0)
			it.Manage = stocksync.Unmanaged
			require.Equal(w, stocksync.UnsupportedType, reasonOf(w, w.push([]stocksync.Outcome{stocksync.Refused}, it)[0]))
			w.add(`{"name":"Elsewhere","type":"external","sku":"EXT"}`)
			require.Equal(w, stocksync.UnsupportedType, reasonOf(w, w.push([]stocksync.Outcome{stocksync.Refused}, item("EXT", 1))[0]))
		})
	})
}
