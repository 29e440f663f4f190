package kledosync

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// ways are the ways of booking, alone and mixed, with what each needs.
var ways = map[string]func(*Config){
	"woocommerce": func(*Config) {},
	"finance": func(c *Config) {
		c.SalesOrders.Booking, c.Invoices.Booking, c.Paid, c.PaymentAccount = FinanceAPI, FinanceAPI, true, "1-10001"
	},
	"mixed": func(c *Config) { c.Invoices.Booking = FinanceAPI },
}

// TestFaultMatrix drives the orders of 500 seeds (50 unless TILLWIRE_LONG is set) through failing calls, lost answers and outages on
// Kledo's side, which books what it accepts up to two hours later and refuses some for good, and through failing calls of the shop.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	seeds := uint64(50)
	if os.Getenv("TILLWIRE_LONG") != "" {
		seeds = 500
	}
	names := []string{"woocommerce", "finance", "mixed"}
	for seed := range seeds {
		name := names[seed%3]
		t.Run(fmt.Sprint(seed, " ", name), func(t *testing.T) {
			t.Parallel()
			inWorld(t, ways[name], func(t *testing.T, w *world) { faultRun(t, w, seed) })
		})
	}
	t.Logf("%d seeds", seeds)
}

func faultRun(t *testing.T, w *world, seed uint64) {
	stays, straight, moves, refused := w.full("processing"), w.full("completed"), w.full("processing"), w.full("processing")
	dice := rand.New(rand.NewPCG(seed, 1))
	w.books.SetClerk(func(d kledotest.Document) kledotest.Booking {
		b := kledotest.Booking{After: time.Duration(dice.Int64N(int64(2*time.Hour + 1)))}
		if seed%4 == 0 {
			b.After = 0
		}
		if d.OrderID == int64(refused.ID) {
			b.Refusal = "tanggal terkunci"
		}
		return b
	})
	down := time.Duration(seed%10) * 5 * time.Hour / 2 // up to 22.5 h, during which Kledo says that it is down
	faults := kledotest.Faults{Rate: 0.3, Seed: seed, RetryAfter: 30 * time.Minute, OutageAfter: int(seed % 13), Outage: down}
	long := seed%17 == 3
	if long {
		faults.Outage, faults.OutageKind = 60*time.Hour, kledotest.Dropped
	}
	w.books.SetFaults(faults)
	w.shop.SetFaults(wootest.Faults{Rate: 0.1, Seed: seed})
	for _, o := range []*woo.Order{stays, straight, moves, refused} {
		w.accept(o)
		w.accept(o)
	}
	w.later(30 * time.Minute)
	require.NoError(t, w.shop.EditOrder(int64(moves.ID), []byte(`{"status":"completed"}`)))
	var moved woo.Order
	require.NoError(t, json.Unmarshal(w.shop.Order(int64(moves.ID)), &moved))
	w.accept(w.filled(&moved))
	w.later(100 * time.Hour)

	for key, r := range w.jobs() {
		bad := key == fmt.Sprintf("%s/%d", w.sync.kind(SalesOrder), refused.ID)
		switch {
		case bad && !long:
			require.Equal(t, retryqueue.Failed, r.State, key)
			if d := w.sync.c.settings(SalesOrder); d.Booking == WooCommerce { // a refusal by 400 may have lost its words on the way
				require.Contains(t, r.LastError, "tanggal terkunci")
			}
		case long && r.State == retryqueue.Failed: // down for 48 h: visible, and good once a person says so
			w.books.SetFaults(kledotest.Faults{})
			w.shop.SetFaults(wootest.Faults{}) // an attempt by hand is one attempt
			require.NoError(t, w.queue.Retry(t.Context(), r.ID))
		default:
			require.Equal(t, retryqueue.Succeeded, r.State, "%s: %s", key, r.LastError)
		}
	}
	if long {
		w.later(24 * time.Hour)
	}
	require.Equal(t, [2]int{1, 0}, w.sent(stays.ID))
	require.Equal(t, [2]int{1, 1}, w.sent(straight.ID))
	require.Equal(t, [2]int{1, 1}, w.sent(moves.ID))
	require.Equal(t, [2]int{0, 0}, w.sent(refused.ID))
	require.Zero(t, w.books.Duplicates())
	if w.sync.c.Paid {
		require.Len(t, w.books.Payments(), 2)
		for _, p := range w.books.Payments() {
			require.EqualValues(t, 22, p.Amount)
		}
	}
}

// full makes an order as [world.order] does, of two pieces at 10.00 with 11 % tax, discounted by 5.00, with shipping at 3.00 and a fee of
// 2.00.
func (w *world) full(status woo.OrderStatus) *woo.Order { return w.filled(w.order(status)) }

// filled puts the content in: the shop's own copy has none, as nobody asks for it.
func (w *world) filled(o *woo.Order) *woo.Order {
	w.t.Helper()
	text := fmt.Sprintf(`{"currency":"EUR","total":"21.70","total_tax":"1.70","discount_total":"5.00","shipping_total":"3.00",
		"customer_note":"Ring twice",
		"billing":{"first_name":"Siti","last_name":"Rahma %[1]d","email":"siti%[1]d@example.test","address_1":"Jl. Melati 5"},
		"line_items":[{"id":1,"name":"Kopi Gayo","product_id":17,"sku":"KG-250","quantity":2,"subtotal":"20.00","total":"15.00",
			"total_tax":"1.70","taxes":[{"id":1,"total":"1.70","subtotal":"2.20"}]}],
		"tax_lines":[{"id":2,"rate_id":1,"label":"VAT","tax_total":"1.70","shipping_tax_total":"0.00"}],
		"coupon_lines":[{"id":3,"code":"LIMA","discount":"5.00"}],
		"fee_lines":[{"id":4,"name":"Gift wrap","total":"2.00","total_tax":"0.00"}]}`, o.ID)
	var members, content map[string]json.RawMessage
	raw, err := json.Marshal(o)
	require.NoError(w.t, err)
	require.NoError(w.t, json.Unmarshal(raw, &members))
	require.NoError(w.t, json.Unmarshal([]byte(text), &content))
	maps.Copy(members, content)
	raw, err = json.Marshal(members)
	require.NoError(w.t, err)
	var full woo.Order
	require.NoError(w.t, json.Unmarshal(raw, &full))
	return &full
}
