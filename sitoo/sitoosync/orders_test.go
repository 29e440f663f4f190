package sitoosync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// shopOrder is the shop's order of one of the till's; nil for none.
func (w *world) shopOrder(id sitoo.OrderID) *woo.Order {
	w.t.Helper()
	of := w.linked(OrderLink, int64(id))
	if of == "" {
		return nil
	}
	n, err := idOf[woo.OrderID](of)
	require.NoError(w.t, err)
	o, err := w.woo.Orders.Get(w.t.Context(), n)
	require.NoError(w.t, err)
	return o
}

// tillOrder is the till's order by its external id; nil for none.
func (w *world) tillOrder(externalID string) *sitoo.Order {
	w.t.Helper()
	o, err := w.sitoo.OrderByExternalID(w.t.Context(), externalID)
	if err != nil {
		require.ErrorIs(w.t, err, sitoo.ErrNotFound)
		return nil
	}
	o, err = w.sitoo.Orders.Get(w.t.Context(), o.ID)
	require.NoError(w.t, err)
	return o
}

// buys makes an order in the shop, with members such as `"status":"processing"`.
func (w *world) buys(sku string, quantity int, more ...string) woo.OrderID {
	w.t.Helper()
	body := fmt.Sprintf(`{"billing":{"first_name":"Eva","last_name":"Berg","email":"eva@example.com","country":"SE"},
		"payment_method_title":"Klarna","line_items":[{"sku":%q,"quantity":%d}]`, sku, quantity)
	for _, m := range more {
		body += "," + m
	}
	id, err := w.shop.AddOrder([]byte(body + "}"))
	require.NoError(w.t, err)
	return woo.OrderID(id)
}

func line(sku string, quantity int, price int64) sitootest.Line {
	return sitootest.Line{SKU: sku, Quantity: quantity, Price: price}
}

func allOrders(c *Config) { c.Orders = AllOrders }

func TestSitoo_A4_all_orders(t *testing.T) {
	t.Parallel()
	config := func(c *Config) {
		allOrders(c)
		c.NoAnalytics, c.OrderStatus = true, woo.OrderCompleted
	}
	inWorld(t, conditions{config: config}, func(t *testing.T, w *world) {
		ctx := t.Context()
		a, _ := w.pair("A", 10, 10)
		unlinked := w.product("U", 5, `"regular_price":"10.00"`)
		w.till.AddProduct("U", "U", "10.00")
		sale := w.till.Sell(w.warehouse, false, line("A", 2, 125), line("U", 1, 50), line("", 1, 25), line("A", -1, 125))
		parked, err := w.sitoo.Orders.Create(ctx, sitoo.OrderFields{
			Type: sitoo.Set(sitoo.OrderParked), Items: []sitoo.OrderItemFields{{Name: "x", Quantity: 1}},
		})
		require.NoError(t, err)
		cancelled := w.till.Sell(w.warehouse, true, line("A", 1, 125))
		require.NoError(t, w.sitoo.Orders.Update(ctx, cancelled, sitoo.OrderFields{State: sitoo.Set(sitoo.OrderCancelled)}))

		mark, tillMark := w.marks()
		w.fetches(OrdersDown)
		require.Empty(t, w.tillWrites(tillMark))
		require.Equal(t, 1, count(w.shopWrites(mark), "POST /wp-json/wc/v3/orders"))
		o := w.shopOrder(sale)
		require.Equal(t, woo.OrderCompleted, o.Status)
		require.Len(t, o.LineItems, 2)
		require.Equal(t, []any{a, "200.00"}, []any{o.LineItems[0].ProductID, o.LineItems[0].Total.StringFixed(2)})
		require.Equal(t, unlinked, o.LineItems[1].ProductID, "what is not linked is found by its SKU")
		require.Len(t, o.FeeLines, 2, "a free amount, and what is taken back in the same sale")
		require.Equal(t, "Kort", o.PaymentMethodTitle)
		require.Equal(t, fmt.Sprintf("%q", number(sale)), string(w.shop.Meta(int64(o.ID), "_sitoo_order_id")))
		require.Equal(t, `"1"`, string(w.shop.Meta(int64(o.ID), "_sitoo_no_analytics")), "A8")
		require.Nil(t, w.shopOrder(parked))
		require.Nil(t, w.shopOrder(cancelled))
		require.Equal(t, "9", w.shopStock(int64(a)), "the sale is counted once: by the till")

		// An order that an offline till uploads late has an old date and a new id.
		late := w.till.Sell(w.warehouse, false, line("A", 1, 125))
		w.till.Backdate(late, 24*time.Hour)
		mark, tillMark = w.marks()
		w.fetches(OrdersDown)
		require.NotNil(t, w.shopOrder(late))
		require.Equal(t, 1, count(w.shopWrites(mark), "POST /wp-json/wc/v3/orders"), "what came before does not come again")
		for _, r := range w.till.Requests()[tillMark:] {
			if r.Path == "sites/1/orders.json" {
				require.NotEmpty(t, r.Query.Get("orderidfrom"), "by id, not by date")
				require.Empty(t, r.Query.Get("orderdatefrom"))
			}
		}

		// A whole walk, and one after the cursor was forgotten (X2), make none twice.
		mark, _ = w.marks()
		_, err = w.does(OrdersDown)
		require.NoError(t, err)
		require.NoError(t, w.sync.save(ctx, ordersCursor, nil))
		w.fetches(OrdersDown)
		require.Empty(t, w.shopWrites(mark))
		// Nor does one after all links were forgotten (X1): the shop's orders say what they were made of.
		for l, err := range w.links.All(ctx, OrderLink) {
			require.NoError(t, err)
			require.NoError(t, w.links.Remove(ctx, []Link{l}))
		}
		require.NoError(t, w.sync.save(ctx, ordersCursor, nil))
		w.fetches(OrdersDown)
		require.Empty(t, w.shopWrites(mark))
	})
}

// TestSitoo_A4_lost_answers: an order whose answer is lost, with the process that made it, is found by its reference and not made
// again.
func TestSitoo_A4_lost_answers(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: allOrders}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		sale := w.till.Sell(w.warehouse, false, line("A", 1, 125))
		fault := wootest.Lost
		w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/wc/v3/orders") {
				return fault
			}
			if fault == wootest.Lost && strings.Contains(r.URL.Path, "/orders") && r.Method == http.MethodGet && len(w.shop.Orders()) > 0 {
				return wootest.Unavailable // and then it cannot be asked
			}
			return wootest.None
		}})
		op, _ := operationOf(OrdersDown)
		r, err := w.passes(op, func(p *pass) { p.ignore = true })
		require.True(t, err != nil || len(r.Skipped) > 0)
		require.Len(t, w.shop.Orders(), 1)
		require.Nil(t, w.shopOrder(sale))
		fault = wootest.None
		w.start(allOrders)
		w.fetches(OrdersDown)
		require.Len(t, w.shop.Orders(), 1, "made once")
		require.NotNil(t, w.shopOrder(sale))
	})
}

// TestSitoo_A4_left_behind: an order that the shop refuses does not hold up those behind it, and is tried again until it comes.
func TestSitoo_A4_left_behind(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { allOrders(c); c.OrderStatus = "no-such-status" }}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		sale := w.till.Sell(w.warehouse, false, line("A", 1, 125))
		r := w.fetches(OrdersDown)
		require.Len(t, r.Skipped, 1)
		require.Nil(t, w.shopOrder(sale))
		var state ordersState
		require.NoError(t, w.sync.load(t.Context(), ordersCursor, &state))
		require.Equal(t, sale, state.Last)
		require.Contains(t, state.Left[sale], "status")
		for range 30 { // far behind the overlap
			w.till.Sell(w.warehouse, false, line("A", 0, 1))
		}
		w.start(allOrders)
		w.fetches(OrdersDown)
		require.NotNil(t, w.shopOrder(sale))
		state = ordersState{}
		require.NoError(t, w.sync.load(t.Context(), ordersCursor, &state))
		require.Empty(t, state.Left)
	})
}

func TestSitoo_A5_store2door_orders(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.Store2DoorStatus = "packed" }}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		sale := w.till.Sell(w.warehouse, false, line("A", 1, 125))
		waits := w.till.Sell(w.warehouse, true, line("A", 2, 125))
		part := w.till.Sell(w.warehouse, true, line("A", 2, 125), line("A", 1, 125))
		_, err := w.sitoo.Deliver(t.Context(), part, sitoo.DeliveryFields{
			WarehouseID: w.warehouse, Items: []sitoo.DeliveryItem{{OrderItemID: 0, Quantity: 2}},
		})
		require.NoError(t, err)
		done := w.till.Sell(w.warehouse, true, line("A", 1, 125))
		_, err = w.sitoo.DeliverRest(t.Context(), done, sitoo.DeliveryFields{WarehouseID: w.warehouse})
		require.NoError(t, err)
		closed := w.till.Sell(w.warehouse, true, line("A", 1, 125))
		require.NoError(t, w.sitoo.Orders.Update(t.Context(), closed, sitoo.OrderFields{State: sitoo.Set(sitoo.OrderClosed)}))
		_, mark := w.marks()
		w.fetches(Store2DoorDown)
		require.Nil(t, w.shopOrder(sale))
		require.Equal(t, woo.OrderStatus("packed"), w.shopOrder(waits).Status, "A7")
		require.NotNil(t, w.shopOrder(part))
		require.Nil(t, w.shopOrder(done))
		require.Nil(t, w.shopOrder(closed), "closed orders are looked at where the setting says so")
		asked := 0
		for _, r := range w.till.Requests()[mark:] {
			if strings.HasSuffix(r.Path, "/orderdeliveries.json") {
				asked++
			}
		}
		require.Equal(t, 3, asked, "deliveries are asked for of open orders alone")

		_, err = w.sitoo.DeliverRest(t.Context(), waits, sitoo.DeliveryFields{WarehouseID: w.warehouse})
		require.NoError(t, err)
		_, err = w.does(Store2DoorDown)
		require.NoError(t, err)
		require.Len(t, w.shop.Orders(), 2, "one that was delivered meanwhile does not come again")
		w.start(func(c *Config) { c.Store2DoorClosed = true })
		_, err = w.does(Store2DoorDown)
		require.NoError(t, err)
		require.NotNil(t, w.shopOrder(closed))
	})
}

// TestSitoo_F16_orders_down and F17 go through all orders, whatever the cursor, within their estimates.
func TestSitoo_F16_orders_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: allOrders}, func(t *testing.T, w *world) {
		w.pair("A", 1000, 1000)
		var sales []sitoo.OrderID
		for range 60 {
			sales = append(sales, w.till.Sell(w.warehouse, false, line("A", 1, 125)))
		}
		require.NoError(t, w.sync.save(t.Context(), ordersCursor, ordersState{Last: sales[59] + 1000}))
		cost, err := w.sync.ordersDownCost(t.Context())
		require.NoError(t, err)
		_, mark := w.marks()
		_, err = w.does(OrdersDown)
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.till.Requests())-mark, cost)
		require.Len(t, w.shop.Orders(), 60)
	})
}

func TestSitoo_F17_store2door_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		w.till.Sell(w.warehouse, false, line("A", 1, 125))
		waits := w.till.Sell(w.warehouse, true, line("A", 1, 125))
		r, err := w.does(Store2DoorDown, func(p *pass) { p.dry = true })
		require.NoError(t, err)
		require.Len(t, r.Planned, 1)
		require.Empty(t, w.shop.Orders())
		_, err = w.does(Store2DoorDown)
		require.NoError(t, err)
		require.Equal(t, woo.OrderProcessing, w.shopOrder(waits).Status)
		require.Len(t, w.shop.Orders(), 1)
	})
}

// TestSitoo_trap47_cancelled_at_the_till: an order that was brought to be sent is looked at again while it is open at the till.
func TestSitoo_trap47_cancelled_at_the_till(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		a, _ := w.pair("A", 10, 10)
		sell := func() sitoo.OrderID { return w.till.Sell(w.warehouse, true, line("A", 1, 125)) }
		gone, done, sent := sell(), sell(), sell()
		w.fetches(Store2DoorDown)
		states := map[sitoo.OrderID]sitoo.OrderState{gone: sitoo.OrderCancelled, done: sitoo.OrderClosed, sent: sitoo.OrderCancelled}
		for id, state := range states {
			require.NoError(t, w.sitoo.Orders.Update(t.Context(), id, sitoo.OrderFields{State: sitoo.Set(state)}))
		}
		require.NoError(t, w.shop.SetStatus(int64(w.shopOrder(sent).ID), "completed"))
		mark, _ := w.marks()
		r := w.fetches(Store2DoorDown)
		require.Equal(t, woo.OrderCancelled, w.shopOrder(gone).Status)
		require.Equal(t, woo.OrderProcessing, w.shopOrder(done).Status)
		require.Equal(t, woo.OrderCompleted, w.shopOrder(sent).Status)
		require.Len(t, r.Skipped, 1, "what has gone out is a person's business")
		require.Equal(t, "10", w.shopStock(int64(a)))
		require.Equal(t, 1, count(w.shopWrites(mark), "PUT /wp-json/wc/v3/orders/"+number(w.shopOrder(gone).ID)))
		mark, _ = w.marks()
		w.fetches(Store2DoorDown)
		require.Empty(t, w.shopWrites(mark))
	})
}

// TestSitoo_A6_who_counts: in a virtual warehouse the shop counts the till's sales; in one with real stock the till does.
func TestSitoo_A6_who_counts(t *testing.T) {
	t.Parallel()
	for kind, want := range map[sitoo.WarehouseType]string{sitoo.Virtual: "9", sitoo.FIFO: "9"} {
		inWorld(t, conditions{warehouse: kind, config: allOrders}, func(t *testing.T, w *world) {
			a, _ := w.pair("A", 10, 10)
			sale := w.till.Sell(w.warehouse, false, line("A", 1, 125))
			w.fetches(StockDown) // before the order, as it may come
			w.fetches(OrdersDown)
			require.Equal(t, want, w.shopStock(int64(a)))
			_, counted := w.shopOrder(sale).LineItems[0].MetaData.Get("_reduced_stock")
			require.True(t, counted)
		})
	}
}

// TestSitoo_A6_counted_once: where stock is merged an order that comes down takes none in the shop, or it would go up as a sale.
func TestSitoo_A6_counted_once(t *testing.T) {
	t.Parallel()
	config := func(c *Config) {
		forced(c)
		allOrders(c)
	}
	inWorld(t, conditions{config: config}, func(t *testing.T, w *world) {
		shop := w.shop.Config()
		shop.HTTPClient = &http.Client{Transport: honest{w.shop.Transport(), w.shop}}
		var err error
		w.woo, err = woo.New(shop)
		require.NoError(t, err)
		w.start(config)
		a, _ := w.pair("A", 10, 10)
		w.fetches(StockDown)
		w.till.Sell(w.warehouse, false, line("A", 1, 125))
		w.fetches(StockDown)
		w.fetches(OrdersDown)
		require.Len(t, w.shop.Orders(), 1)
		require.Equal(t, "9", w.shopStock(int64(a)))
	})
}

// TestSitoo_A4_returns: what a till takes back is a refund of the order it gives back of, once, and moves no money.
func TestSitoo_A4_returns(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: allOrders}, func(t *testing.T, w *world) {
		ctx := t.Context()
		a, _ := w.pair("A", 10, 10)
		sale := w.till.Sell(w.warehouse, false, line("A", 3, 125))
		back := func(of sitoo.OrderID, n int) sitoo.OrderID {
			id := w.till.Sell(w.warehouse, false, line("A", -n, 125))
			require.NoError(t, w.sitoo.Orders.Update(ctx, id, sitoo.OrderFields{CreditOrderID: sitoo.Set(of)}))
			return id
		}
		one := back(sale, 1)
		stranger := back(999, 1)
		w.fetches(OrdersDown)
		o := w.shopOrder(sale)
		require.Len(t, o.Refunds, 1)
		refund, err := w.woo.Refunds(o.ID).Get(ctx, o.Refunds[0].ID)
		require.NoError(t, err)
		require.Equal(t, "125.00", refund.Amount.StringFixed(2))
		require.Equal(t, "-1", refund.LineItems[0].Quantity.String())
		require.False(t, refund.RefundedPayment)
		require.Equal(t, number(o.ID)+"/"+number(refund.ID), w.linked(RefundLink, int64(one)))
		require.Empty(t, w.linked(RefundLink, int64(stranger)))
		require.Equal(t, "9", w.tillStock("A"))
		mark, _ := w.marks()
		_, err = w.does(OrdersDown)
		require.NoError(t, err)
		require.Empty(t, w.shopWrites(mark))
		require.Equal(t, "9", w.shopStock(int64(a)), "goods are counted by the till, not put back by the refund")

		all := back(sale, 2)
		w.fetches(OrdersDown)
		o = w.shopOrder(sale)
		require.Len(t, o.Refunds, 2, "never more than the order cost")
		require.NotEmpty(t, w.linked(RefundLink, int64(all)))
	})
}

const pickup = `"shipping_lines":[{"method_id":"local_pickup","method_title":"Pick up","total":"0.00"}]`

func collects(c *Config) { c.ClickAndCollect = []string{"local_pickup"} }

func TestSitoo_T5_click_and_collect(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: collects}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		id := w.buys("A", 2, pickup, `"status":"processing"`, `"shipping":{"address_1":"Elsewhere 2"}`)
		other := w.buys("A", 1, `"status":"completed"`)
		_, mark := w.marks()
		require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(other)))
		require.Empty(t, w.tillWrites(mark), "at the status that is set, and of click and collect alone")
		require.NoError(t, w.shop.SetStatus(int64(id), "completed"))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
		require.Equal(t, []string{"POST sites/1/orders.json"}, w.tillWrites(mark))
		o := w.tillOrder("woo-" + number(id))
		require.Equal(t, sitoo.OrderClosed, o.State, "T6")
		require.Equal(t, sitoo.PaymentSuccessful, o.Payment)
		require.Empty(t, o.DeliveryAddress, "with an address the till would ship it")
		require.Equal(t, number(w.warehouse), o.Data["delivery-pickup-warehouseid"])
		require.Equal(t, "Klarna", o.Payments[0].Name)
		shop, err := w.woo.Orders.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, shop.Total.StringFixed(2), o.Total.StringFixed(2), "with VAT")
		require.Equal(t, []any{"A", 2}, []any{o.Items[0].SKU, o.Items[0].Quantity})

		// It is the shop's, and does not come back.
		_, err = w.does(OrdersDown)
		require.NoError(t, err)
		require.Len(t, w.shop.Orders(), 2)
	})
}

func TestSitoo_T6_open_orders(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) {
		collects(c)
		c.ClickAndCollectOpen, c.ClickAndCollectStatus, c.Deliver, c.Name = true, woo.OrderProcessing, true, "shop2"
	}}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		id := w.buys("A", 2, pickup, `"status":"processing"`)
		require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
		o := w.tillOrder("shop2-" + number(id))
		require.Equal(t, sitoo.OrderOpen, o.State)
		require.Zero(t, w.till.Deliveries(o.ID))
		require.NoError(t, w.shop.SetStatus(int64(id), "cancelled"))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
		require.Equal(t, sitoo.OrderCancelled, w.tillOrder("shop2-"+number(id)).State, "nobody is to hand it out")
	})
}

// TestSitoo_T5_lost_answer: an order whose answer is lost is found by its external id.
func TestSitoo_T5_lost_answer(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: collects}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		id := w.buys("A", 1, pickup, `"status":"completed"`)
		var down atomic.Bool
		down.Store(true)
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/orders.json") {
				return sitootest.Lost
			}
			if down.Load() && w.till.Count("orders") > 0 {
				return sitootest.Unavailable
			}
			return sitootest.None
		}})
		require.NoError(t, w.sync.sendUp(t.Context(), orderKind, number(id)))
		w.later(0)
		require.Equal(t, 1, w.till.Count("orders"))
		links, err := w.links.Find(t.Context(), OrderLink, Woo, []string{number(id)})
		require.NoError(t, err)
		require.Empty(t, links)
		down.Store(false)
		w.settled()
		require.Equal(t, 1, w.till.Count("orders"))
		require.Equal(t, number(id), w.linked(OrderLink, int64(w.tillOrder("woo-"+number(id)).ID)), "what failed waited in the queue")
	})
}

func TestSitoo_F18_click_and_collect_up(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: collects}, func(t *testing.T, w *world) {
		w.pair("A", 100, 100)
		var ids []woo.OrderID
		for range 3 {
			ids = append(ids, w.buys("A", 1, pickup, `"status":"completed"`))
		}
		w.buys("A", 1, `"status":"completed"`)
		w.buys("A", 1, pickup, `"status":"processing"`)
		require.NoError(t, w.sync.sendOrder(t.Context(), number(ids[0])))
		cost, err := w.sync.clickAndCollectUpCost(t.Context())
		require.NoError(t, err)
		_, mark := w.marks()
		r, err := w.does(ClickAndCollectUp, func(p *pass) { p.dry = true })
		require.NoError(t, err)
		require.Len(t, r.Planned, 2)
		_, err = w.does(ClickAndCollectUp)
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.till.Requests())-mark, cost)
		require.Equal(t, 2, count(w.tillWrites(mark), "POST sites/1/orders.json"), "the missing ones")
		require.Equal(t, 3, w.till.Count("orders"))
	})
}

// byOrders: real stock, which moves by orders.
func byOrders(c *Config) { c.SendStock = true }

func TestSitoo_T2_stock_by_orders(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: byOrders}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		id := w.buys("A", 2, `"status":"pending"`, `"shipping_lines":[{"method_id":"flat_rate","method_title":"Post","total":"10.00"}]`)
		send := func() []string {
			_, mark := w.marks()
			require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
			return w.tillWrites(mark)
		}
		require.Empty(t, send())
		require.NoError(t, w.shop.SetStatus(int64(id), "processing"))
		require.Len(t, send(), 2, "the order, its delivery")
		require.Equal(t, "8", w.tillStock("A"))
		o := w.tillOrder("woo-" + number(id))
		require.Equal(t, sitoo.OrderOpen, o.State)
		require.Equal(t, "Post", o.Items[1].Name, "M3")
		shop, err := w.woo.Orders.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, shop.Total.StringFixed(2), o.Total.StringFixed(2), "both cost the same")
		require.Empty(t, send())
		require.NoError(t, w.shop.SetStatus(int64(id), "completed"))
		require.Empty(t, send(), "completed is no second sale")
		require.Equal(t, "8", w.tillStock("A"))

		_, err = w.woo.Refunds(id).Create(t.Context(), woo.RefundFields{
			Amount: woo.Set(amount("100.00")), APIRefund: woo.Set(false),
			LineItems: woo.Set([]woo.RefundLineFields{{
				ID: woo.Set(shop.LineItems[0].ID), Quantity: woo.Set(amount("1")), RefundTotal: woo.Set(amount("81.97")),
			}}),
		})
		require.NoError(t, err)
		require.Len(t, send(), 2, "a return, its delivery")
		require.Empty(t, send())
		require.Equal(t, "9", w.tillStock("A"))
		require.NoError(t, w.shop.SetStatus(int64(id), "cancelled"))
		require.Len(t, send(), 2, "a return of the rest")
		require.Empty(t, send())
		require.Equal(t, "10", w.tillStock("A"))
		x := w.tillOrder("woo-" + number(id) + "-x")
		require.Equal(t, o.ID, x.CreditOrderID)
		require.True(t, x.Total.IsNegative())

		require.NoError(t, w.shop.SetStatus(int64(id), "processing"))
		require.Len(t, send(), 2, "wanted again: a further order")
		require.Equal(t, "8", w.tillStock("A"))
		require.NotNil(t, w.tillOrder("woo-"+number(id)+"-2"))
		require.NoError(t, w.shop.SetStatus(int64(id), "cancelled"))
		send()
		require.Equal(t, "10", w.tillStock("A"))

		mark, _ := w.marks()
		_, err = w.does(OrdersDown)
		require.NoError(t, err)
		require.Empty(t, w.shopWrites(mark), "none of it comes back, neither orders nor returns")
	})
}

// TestSitoo_T2_lost_answers: whatever answer is lost, the till's stock moves once.
func TestSitoo_T2_lost_answers(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: byOrders}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		id := w.buys("A", 2, `"status":"processing"`)
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPost {
				return sitootest.Lost
			}
			return sitootest.None
		}})
		require.NoError(t, w.sync.sendUp(t.Context(), orderKind, number(id)))
		w.settled()
		require.Equal(t, "8", w.tillStock("A"))
		require.Equal(t, 1, w.till.Count("orders"))
		require.NoError(t, w.shop.SetStatus(int64(id), "cancelled"))
		require.NoError(t, w.sync.sendUp(t.Context(), orderKind, number(id)))
		w.settled()
		require.Equal(t, "10", w.tillStock("A"))
		require.Equal(t, 2, w.till.Count("orders"))
	})
}

// TestSitoo_T2_not_from_the_till: an order that came down is never sent up, also when its link was lost; it is delivered at the till
// once it was sent (M5).
func TestSitoo_T2_not_from_the_till(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { byOrders(c); c.Deliver = true }}, func(t *testing.T, w *world) {
		w.pair("A", 10, 10)
		waits := w.till.Sell(w.warehouse, true, line("A", 2, 125))
		w.fetches(Store2DoorDown)
		o := w.shopOrder(waits)
		_, mark := w.marks()
		require.NoError(t, w.sync.sendOrder(t.Context(), number(o.ID)))
		require.NoError(t, w.links.Remove(t.Context(), []Link{LinkOrder(o.ID, waits)}))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(o.ID)))
		require.Empty(t, w.tillWrites(mark))
		require.Equal(t, number(o.ID), w.linked(OrderLink, int64(waits)), "and its link is found again")
		require.NoError(t, w.shop.SetStatus(int64(o.ID), "completed"))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(o.ID)))
		require.NoError(t, w.sync.sendOrder(t.Context(), number(o.ID)))
		require.Equal(t, 1, w.till.Deliveries(waits))
		require.Equal(t, "8", w.tillStock("A"))
	})
}

func TestSitoo_M3_shipping_rows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		warehouse sitoo.WarehouseType
		config    func(*Config)
		rows      int
	}{
		{sitoo.FIFO, func(*Config) {}, 2}, {sitoo.FIFO, func(c *Config) { c.NoShippingRows = true }, 1},
		{sitoo.FIFO, func(c *Config) { c.ForceInstant = true }, 1}, {sitoo.Virtual, func(*Config) {}, 1},
	} {
		config := func(to *Config) {
			collects(to)
			c.config(to)
		}
		inWorld(t, conditions{warehouse: c.warehouse, config: config}, func(t *testing.T, w *world) {
			w.pair("A", 10, 10)
			id := w.buys("A", 1, `"status":"completed"`, `"shipping_lines":[{"method_id":"local_pickup","total":"0.00"},
				{"method_id":"flat_rate","method_title":"Post","total":"10.00"}]`)
			require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
			o := w.tillOrder("woo-" + number(id))
			require.Len(t, o.Items, c.rows)
			require.Equal(t, c.config != nil && c.warehouse == sitoo.FIFO && w.sync.c.ForceInstant, o.Data["delivery-ignore-stock"] == "true")
		})
	}
}

// TestSitoo_M5_deliver: a completed order is delivered, once, all rows, and moves stock only where stock moves by orders.
func TestSitoo_M5_deliver(t *testing.T) {
	t.Parallel()
	for kind, stock := range map[sitoo.WarehouseType]string{sitoo.FIFO: "8", sitoo.Virtual: "10"} {
		inWorld(t, conditions{warehouse: kind, config: func(c *Config) { collects(c); c.Deliver = true }}, func(t *testing.T, w *world) {
			w.pair("A", 10, 10)
			id := w.buys("A", 2, pickup, `"status":"completed"`)
			_, mark := w.marks()
			require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
			require.NoError(t, w.sync.sendOrder(t.Context(), number(id)))
			o := w.tillOrder("woo-" + number(id))
			require.Equal(t, 1, w.till.Deliveries(o.ID))
			require.Equal(t, stock, w.tillStock("A"))
			for _, r := range w.till.Requests()[mark:] {
				if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/orderdeliveries.json") {
					require.Equal(t, kind == sitoo.Virtual, r.Query.Get("ignorestock") == "true")
					var sent struct {
						Items []map[string]json.Number `json:"orderdeliveryitems"`
					}
					require.NoError(t, json.Unmarshal([]byte(r.Body), &sent))
					require.Equal(t, json.Number("0"), sent.Items[0]["orderitemid"], "rows are numbered from 0")
				}
			}
		})
	}
}
