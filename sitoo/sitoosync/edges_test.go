package sitoosync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
)

// counted sets a product's stock in the shop, and tells nobody.
func (w *world) counted(id woo.ProductID, stock int64) {
	w.t.Helper()
	_, err := w.woo.Products.Update(w.t.Context(), id, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(stock))})
	require.NoError(w.t, err)
}

// TestSitoo_A2_the_same_second: the till dates changes by whole seconds, and a second look may come within one.
func TestSitoo_A2_the_same_second(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.StockAgain = -1 }}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		for left := 9; left > 6; left-- {
			w.till.Sell(w.warehouse, false, line("SOCK-7", 1, 149))
			w.fetches(StockDown)
			require.Equal(t, fmt.Sprint(left), w.shopStock(int64(sock)))
		}
	})
}

// tampers makes change of each answer of the till's to a GET of a path.
func (w *world) tampers(path string, change func(r *http.Request, body []byte) []byte) {
	w.t.Helper()
	w.front = func(rt http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			res, err := rt.RoundTrip(r)
			if err != nil || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, path) {
				return res, err
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			body = change(r, body)
			res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			res.Header.Del("Content-Length")
			return res, err
		})
	}
}

// TestSitoo_trap13_ignored_filters: the till ignores a parameter that it does not know without a word. Taken at its word it would have
// everything walked through in each round.
func TestSitoo_trap13_ignored_filters(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: allOrders}, func(t *testing.T, w *world) {
		w.pair("A", 100, 100)
		for range 2 * ordersOverlap {
			w.till.Sell(w.warehouse, false, line("A", 1, 125))
		}
		w.fetches(StockDown)
		w.fetches(OrdersDown)
		w.later(time.Minute)
		w.till.SetStock(w.warehouse, "B", 1) // a change after what was seen last
		w.fetches(StockDown)
		w.front = func(rt http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				q := r.URL.Query()
				q.Del("orderidfrom")
				q.Del("datelastmodifiedfrom")
				r.URL.RawQuery = q.Encode()
				return rt.RoundTrip(r)
			})
		}
		w.restart(allOrders)
		for _, name := range []Operation{StockDown, OrdersDown} {
			op, _ := operationOf(name)
			_, err := w.passes(op)
			require.ErrorContains(t, err, "ignores the filter", name)
		}
	})
}

// TestSitoo_F14_an_empty_answer is no empty warehouse (trap 8), whatever the setting says of what it lacks.
func TestSitoo_F14_an_empty_answer(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.MissingStockIsZero = true }}, func(t *testing.T, w *world) {
		sock := w.product("SOCK-7", 8)
		require.NoError(t, w.links.Put(t.Context(), []Link{LinkProduct(sock, w.till.AddProduct("SOCK-7", "x", "1.00"))}))
		_, err := w.does(StockDown)
		require.NoError(t, err)
		require.Equal(t, "8", w.shopStock(int64(sock)))
	})
}

// TestSitoo_T1_poll_edges: the shop dates changes by whole seconds and shows a page of them at a time; each is found once.
func TestSitoo_T1_poll_edges(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual, config: sends}, func(t *testing.T, w *world) {
		poll := func() {
			require.NoError(t, w.sync.poll(t.Context(), time.Time{}))
			w.settled()
		}
		var ids []woo.ProductID
		for i := range 230 {
			id, _ := w.pair(fmt.Sprintf("S-%d", i), 10, 10)
			ids = append(ids, id)
		}
		w.fetches(StockDown)
		poll()
		w.later(time.Minute)
		w.part("the same second", func() {
			for n, id := range []woo.ProductID{ids[0], ids[1], ids[0]} {
				w.counted(id, int64(3+n))
				poll()
			}
			require.Equal(t, []string{"5", "4"}, []string{w.tillStock("S-0"), w.tillStock("S-1")})
			w.later(time.Minute)
			poll()
			shop, _ := w.marks()
			poll()
			require.Len(t, w.shop.Requests()[shop:], 2, "what was seen long after its change is not looked at again")
		})
		w.part("several pages", func() {
			w.later(time.Minute)
			for _, id := range ids {
				w.counted(id, 2)
			}
			poll()
			for i := range ids {
				require.Equal(t, "2", w.tillStock(fmt.Sprintf("S-%d", i)))
			}
		})
		w.part("a date from before", func() { // the shop may show a change some seconds late
			before := edge{At: time.Now().Truncate(time.Second), Seen: map[int64]int64{1: 5}}
			next := before.next()
			require.True(t, before.since(time.Now()).Before(before.At.Add(-5*time.Second)))
			require.True(t, next.fresh(&before, 2, before.At.Add(-5*time.Second), time.Now()))
			require.True(t, next.trim().At.Equal(before.At), "and the edge does not go back for it")
		})
	})
}

var errFull = errors.New("the disk is full")

// fullQueue is a queue's store that takes nothing while it is full.
type fullQueue struct {
	retryqueue.Store
	full bool
}

func (f *fullQueue) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	if f.full {
		return nil, errFull
	}
	return f.Store.Insert(ctx, jobs)
}

// fussyLinks is a LinkStore that does not take some links.
type fussyLinks struct {
	LinkStore
	refuses func(Link) bool
}

func (f fussyLinks) Put(ctx context.Context, links []Link) error {
	if slices.ContainsFunc(links, f.refuses) {
		return errFull
	}
	return f.LinkStore.Put(ctx, links)
}

// TestSitoo_T1_durable_before_the_answer: what cannot be remembered is not taken, neither from a webhook, which the shop then repeats,
// nor by polling, which looks at it again.
func TestSitoo_T1_durable_before_the_answer(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual, config: sends}, func(t *testing.T, w *world) {
		ctx := t.Context()
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		require.NoError(t, w.sync.poll(ctx, time.Time{}))
		w.later(time.Minute)
		store := &fullQueue{w.store, true}
		w.store = store
		w.start(sends)
		stop := w.goes(w.queue.Run)
		defer stop()
		w.counted(sock, 7)
		hook := webhook.Delivery{Resource: "product", Event: "updated", Body: w.shop.Product(int64(sock))}
		require.ErrorIs(t, w.sync.heard(ctx, hook), errFull)
		require.ErrorIs(t, w.sync.poll(ctx, time.Time{}), errFull)
		store.full = false
		require.NoError(t, w.sync.poll(ctx, time.Time{}))
		w.settled()
		require.Equal(t, "7", w.tillStock("SOCK-7"))
	})
}

// TestSitoo_T3_killed_behind_a_write: both sides have sold, the merged figure is in the shop, and the process dies before it has kept
// that. The till's sale is not taken off a second time.
func TestSitoo_T3_killed_behind_a_write(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		w.counted(sock, 8)
		w.till.Sell(w.warehouse, false, line("SOCK-7", 1, 149))
		behind := func(l Link) bool { return l.Kind == StockLink && !strings.Contains(l.Sum, ">") }
		w.start(func(c *Config) { forced(c); c.Links = fussyLinks{w.links, behind} })
		op, _ := operationOf(StockDown)
		_, err := w.passes(op)
		require.ErrorIs(t, err, errFull)
		require.Equal(t, "7", w.shopStock(int64(sock)))
		w.start(forced)
		stop := w.goes(w.queue.Run)
		defer stop()
		w.fetches(StockDown)
		require.Equal(t, "7", w.shopStock(int64(sock)))
		require.NoError(t, w.sync.sendUp(t.Context(), stockKind, number(sock)))
		w.settled()
		require.Equal(t, "7", w.tillStock("SOCK-7"))
	})
}

// TestSitoo_T3_killed_behind_a_batch: the till has booked a batch, and the process dies before it has kept that. The change is not
// booked a second time.
func TestSitoo_T3_killed_behind_a_batch(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		behind := func(l Link) bool { return l.Kind == StockLink && l.Sum == "7" }
		w.start(func(c *Config) { forced(c); c.Links = fussyLinks{w.links, behind} })
		w.counted(sock, 7)
		require.ErrorIs(t, w.sync.sendStock(t.Context(), number(sock)), errFull)
		require.Equal(t, "7", w.tillStock("SOCK-7"))
		w.start(forced)
		require.NoError(t, w.sync.sendStock(t.Context(), number(sock)))
		w.fetches(StockDown)
		require.Equal(t, []string{"7", "7"}, []string{w.tillStock("SOCK-7"), w.shopStock(int64(sock))})
	})
}

// TestFullSync_is_resumed_within an operation: what went up before it broke off does not go up again, and the next operation begins at
// its own beginning.
func TestFullSync_is_resumed_within(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.vat(22)
		const n = articlesPerChunk + 50
		for i := range n {
			w.pair(fmt.Sprintf("S-%d", i), 1, 1)
		}
		puts, fine := 0, 1
		broken := sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/products.json") {
				if puts++; puts > fine {
					return sitootest.ServerError
				}
			}
			return sitootest.None
		}}
		sent := func(mark int) (items []int) {
			for _, r := range w.till.Requests()[mark:] {
				if r.Method == http.MethodPut && strings.HasSuffix(r.Path, "/products.json") {
					var all []json.RawMessage
					require.NoError(t, json.Unmarshal([]byte(r.Body), &all))
					items = append(items, len(all))
				}
			}
			return items
		}
		o := FullSyncOptions{Operations: []Operation{ResyncParents, ResyncParents}}
		w.till.SetFaults(broken)
		_, err := w.sync.FullSync(t.Context(), o)
		require.ErrorContains(t, err, string(ResyncParents))
		w.till.SetFaults(sitootest.Faults{})
		w.restart(nil)
		_, mark := w.marks()
		r, err := w.sync.FullSync(t.Context(), o)
		require.NoError(t, err)
		require.Zero(t, r.Resumed)
		require.Equal(t, []int{50, articlesPerChunk, 50}, sent(mark), "the rest of the first, and all of the second")
	})
}

// TestSitoo_A4_late_ids: an order may become visible after one of a higher id, where two tills sell at the same moment.
func TestSitoo_A4_late_ids(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: allOrders}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		hidden := sitoo.OrderID(0)
		w.tampers("/orders.json", func(_ *http.Request, body []byte) []byte {
			var list struct {
				Total int               `json:"totalcount"`
				Items []json.RawMessage `json:"items"`
			}
			require.NoError(t, json.Unmarshal(body, &list))
			list.Items = slices.DeleteFunc(list.Items, func(raw json.RawMessage) bool {
				var o sitoo.Order
				require.NoError(t, json.Unmarshal(raw, &o))
				return o.ID == hidden
			})
			list.Total = len(list.Items)
			body, err := json.Marshal(list)
			require.NoError(t, err)
			return body
		})
		w.restart(allOrders)
		late := w.till.Sell(w.warehouse, false, line("A", 1, 125))
		soon := w.till.Sell(w.warehouse, false, line("A", 1, 125))
		hidden = late
		w.fetches(OrdersDown)
		require.NotNil(t, w.shopOrder(soon))
		require.Nil(t, w.shopOrder(late))
		hidden = 0
		w.fetches(OrdersDown)
		require.NotNil(t, w.shopOrder(late))
		require.Len(t, w.shop.Orders(), 2)
	})
}

// TestSitoo_A4_a_return_waits_for_its_sale: a sale that the shop refused comes down later, and what was given back of it with it.
func TestSitoo_A4_a_return_waits_for_its_sale(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { allOrders(c); c.OrderStatus = "no-such-status" }}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		sale := w.till.Sell(w.warehouse, false, line("A", 2, 125))
		back := w.till.Sell(w.warehouse, false, line("A", -1, 125))
		require.NoError(t, w.sitoo.Orders.Update(t.Context(), back, sitoo.OrderFields{CreditOrderID: sitoo.Set(sale)}))
		require.Len(t, w.fetches(OrdersDown).Skipped, 2)
		for range 2 * ordersOverlap {
			w.till.Sell(w.warehouse, false, line("A", 0, 1))
		}
		w.start(allOrders)
		w.fetches(OrdersDown)
		require.Len(t, w.shopOrder(sale).Refunds, 1)
		require.NotEmpty(t, w.linked(RefundLink, int64(back)))
	})
}

// TestSitoo_S8_dry_run_of_everything: no operation writes anything in a dry run, neither to the two sides nor to what is kept.
func TestSitoo_S8_dry_run_of_everything(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]conditions{
		"mirror": {warehouse: sitoo.Virtual, config: sends}, "by orders": {config: sends}, "by batch": {config: forced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := func(to *Config) {
				c.config(to)
				collects(to)
				withPictures(to)
				to.Orders, to.NewManufacturers, to.Deliver, to.SendCoupons, to.MissingStockIsZero = AllOrders, true, true, true, true
			}
			inWorld(t, conditions{warehouse: c.warehouse, config: config}, func(t *testing.T, w *world) {
				ctx := t.Context()
				w.vat(22)
				picture := `"images":[{"src":"https://shop.invalid/a.jpg"}]`
				_, linked := w.pair("LINKED", 5, 9)
				w.pair("ABSENT", 5, 1)
				add := sitoo.Upload{ResourceID: "shared.jpg", Data: []byte("x")}
				require.NoError(t, w.sitoo.Images(linked).Add(ctx, add))
				w.variable("JKT", "Jacket", []string{"S", "M"}, []string{"Red"})
				w.product("SHOP", 2, picture, `"attributes":[{"name":"Manufacturer","options":["Fjell"]}]`)
				w.product("BOTH", 2, picture)
				w.till.AddProduct("BOTH", "x", "1.00")
				w.till.AddProduct("TILL", "x", "1.00")
				w.product("a b", 1)
				w.shopCategory("Of the shop", 0)
				w.tillCategory("Of the till", 0)
				_, err := w.sitoo.Manufacturers.Create(ctx, sitoo.ManufacturerFields{Name: sitoo.Set("Berg")})
				require.NoError(t, err)
				w.coupon("host20", woo.PercentDiscount, "20")
				w.buys("LINKED", 1, pickup, `"status":"completed"`)
				sale := w.till.Sell(w.warehouse, false, line("LINKED", 2, 125))
				w.till.Sell(w.warehouse, true, line("LINKED", 1, 125))
				require.NoError(t, w.links.Put(ctx, []Link{LinkOrder(woo.OrderID(w.shop.Orders()[0].ID), sale)}))
				back := w.till.Sell(w.warehouse, false, line("LINKED", -1, 125))
				require.NoError(t, w.sitoo.Orders.Update(ctx, back, sitoo.OrderFields{CreditOrderID: sitoo.Set(sale)}))
				kept := w.kept()
				shop, till := w.marks()
				var o FullSyncOptions
				for _, op := range operations() {
					o.Operations = append(o.Operations, op.name)
				}
				o.DryRun, o.IgnoreErrors = true, true
				r, err := w.sync.FullSync(ctx, o)
				require.NoError(t, err)
				planned := 0
				for _, op := range r.Operations {
					planned += len(op.Planned)
				}
				require.Greater(t, planned, 20, "there was something to do")
				w.settled()
				require.Empty(t, w.shopWrites(shop))
				require.Empty(t, w.tillWrites(till))
				require.Equal(t, kept, w.kept())
			})
		})
	}
}

// kept is all that the stores of links and states hold.
func (w *world) kept() (all []string) {
	for _, kind := range linkKinds() {
		for l, err := range w.links.All(w.t.Context(), kind) {
			require.NoError(w.t, err)
			all = append(all, fmt.Sprint(l))
		}
	}
	for _, name := range states() {
		b, err := w.links.Load(w.t.Context(), "sitoo."+name)
		require.NoError(w.t, err)
		all = append(all, name+"="+string(b))
	}
	return all
}
