package kledosync

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// TestHalfSyncedShop: a shop moves here from the plugin, which has marked some orders. What is marked is not sent again, the rest is.
func TestHalfSyncedShop(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, way, func(t *testing.T, w *world) {
				marks := map[string][2]int{ // meta data to what is still to be sent
					``: {1, 1},
					`{"key":"_wc_kledo_order_synced","value":"yes"}`:                                                         {0, 1},
					`{"key":"_wc_kledo_invoice_synced","value":"yes"}`:                                                       {1, 0},
					`{"key":"_wc_kledo_order_synced","value":"yes"},{"key":"_wc_kledo_invoice_synced","value":"yes"}`:        {0, 0},
					`{"key":"_wc_kledo_order_synced","value":"no"},{"key":"_wc_kledo_sync_result","value":{"state":"wait"}}`: {1, 1},
				}
				want := map[woo.OrderID][2]int{}
				for meta, sent := range marks {
					o := w.order("completed")
					require.NoError(t, w.shop.EditOrder(int64(o.ID), []byte(`{"meta_data":[`+meta+`]}`)))
					o = w.filled(w.read(o.ID))
					want[o.ID] = sent
					w.accept(o)
				}
				w.later(time.Hour)
				for id, sent := range want {
					require.Equal(t, sent, w.sent(id), id)
				}
			})
		})
	}
}

// TestLostQueue: the queue and the shop's marks are gone, Kledo has the documents. Nothing is sent a second time; the marks are set.
func TestLostQueue(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(c *Config) { way(c); c.NoMarks = true }, func(t *testing.T, w *world) {
				o := w.full("completed")
				w.accept(o)
				w.later(time.Hour)
				require.Equal(t, [2]int{1, 1}, w.sent(o.ID))
				payments := len(w.books.Payments())

				w.store = &flakyStore{Store: retryqueue.NewMemoryStore()}
				fresh, queue := w.start(way)
				require.NoError(t, fresh.Accept(t.Context(), o))
				for range 4 {
					require.NoError(t, queue.RunDue(t.Context()))
				}
				require.Equal(t, [2]int{1, 1}, w.sent(o.ID))
				require.Len(t, w.books.Payments(), payments)
				require.Equal(t, [2]string{`"yes"`, `"yes"`}, w.marks(o.ID))
				require.Contains(t, w.notes(o.ID), "the invoice was in Kledo already.")
			})
		})
	}
}

// TestTwoWorkers: two processes share a store, both hear of every order, and both work.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.books.SetClerk(func(kledotest.Document) kledotest.Booking { return kledotest.Booking{After: time.Hour} })
		w.books.SetFaults(kledotest.Faults{Rate: 0.3, Seed: 5, Latency: time.Second})
		other, queue := w.start(nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- queue.Run(ctx) }()
		var wg sync.WaitGroup
		for range 20 {
			o := w.full("completed")
			for _, s := range []*Sync{w.sync, other} {
				wg.Go(func() {
					if err := s.Accept(t.Context(), o); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		w.later(72 * time.Hour)
		stop()
		require.NoError(t, <-done)
		require.Equal(t, 20, w.books.Count(kledotest.SalesOrder, 0))
		require.Equal(t, 20, w.books.Count(kledotest.Invoice, 0))
		require.Zero(t, w.books.Duplicates())
	})
}

// TestWhatThePluginDrops: fees, coupons and the order's own prices are sent, tax and currency are reported; with PluginCompatible all of
// it is reported.
func TestWhatThePluginDrops(t *testing.T) {
	t.Parallel()
	inWorld(t, func(c *Config) { c.NoInvoices, c.Currency = true, "IDR" }, func(t *testing.T, w *world) {
		o := w.full("processing")
		o.FeeLines = append(o.FeeLines, o.FeeLines[0])
		require.NoError(t, o.FeeLines[1].Total.UnmarshalJSON([]byte(`"-1.50"`)))
		w.accept(o)
		w.later(time.Minute)
		d := w.books.Documents()[0]
		require.Len(t, d.Items(), 2)
		require.Equal(t, "10", d.Items()[0]["regular_price"])
		require.Equal(t, "Gift wrap", d.Items()[1]["name"])
		require.Equal(t, "2", d.Items()[1]["regular_price"])
		require.Equal(t, "6.5", d.Get("additional_discount_amount"), "the negative fee is a discount")
		require.Equal(t, "Ring twice\nCoupons: LIMA", d.Get("memo"))
		require.Equal(t, []string{"the sales order was sent. It does not have: the tax of 1.7 (Kledo works out its own); " +
			"the currency EUR (Kledo takes the figures for IDR)."}, w.notes(o.ID))
		require.Contains(t, string(w.job(SalesOrder, o.ID).Result), "the currency EUR")
	})
	inWorld(t, func(c *Config) { c.NoInvoices, c.PluginCompatible = true, true }, func(t *testing.T, w *world) {
		o := w.full("processing")
		w.accept(o)
		w.later(time.Minute)
		d := w.books.Documents()[0]
		require.Len(t, d.Items(), 1)
		require.Equal(t, "Ring twice", d.Get("memo"))
		require.Equal(t, "5", d.Get("additional_discount_amount"))
		require.Equal(t, []string{"the sales order was sent. It does not have: the coupons LIMA; the fee Gift wrap of 2; " +
			"the tax of 1.7 (Kledo works out its own)."}, w.notes(o.ID))
	})
	o := readRecorded(t, "testdata/order-03.json")
	products, err := readCatalogue(t.Context(), o.shop(t), o.Processing)
	require.NoError(t, err)
	require.NoError(t, o.Processing.LineItems[0].Subtotal.UnmarshalJSON([]byte(`"1.00"`)))
	c := Config{PluginCompatible: true, Currency: o.Processing.Currency}.filled()
	_, left, err := c.compose(SalesOrder, o.Processing, products)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(left), "the price ", "an edited price that the catalogue overrules is reported")
}

// TestPluginCompatibleDates: a month after 31 January is 3 March, and the tags are not trimmed.
func TestPluginCompatibleDates(t *testing.T) {
	t.Parallel()
	c := Config{PluginCompatible: true, SalesOrders: Settings{Tags: []string{"A", " B "}}, Invoices: Settings{Tags: []string{}}}
	const order = `{"id":7,"date_created":"2026-01-31T12:00:00"}`
	v := form(t, c, SalesOrder, order)
	require.Equal(t, "2026-03-03", v.Get("due_date"))
	require.Equal(t, " B ", v.Get("tags[1]"))
	v = form(t, c, Invoice, order)
	require.True(t, v.Has("tags[0]"))
	require.False(t, v.Has("link_order") || v.Has("close_order"))
	c.NoLink, c.NoClose = true, true
	require.Equal(t, "no", form(t, c, Invoice, order).Get("link_order"))
}

// TestFirstLook: after an ambiguous outcome the first look is made after 120 s, whatever attempt it was, and nothing is sent before the
// last, 6 h after.
func TestFirstLook(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.answers(func(n int) *kledotest.Answer {
			switch {
			case n <= 3:
				return &kledotest.Answer{Body: `{"success":false,"message":"ditolak"}`}
			case n == 4:
				return &kledotest.Answer{Status: 500, Body: `{}`}
			}
			return nil
		})
		o := w.order("processing")
		w.accept(o)
		w.later(24 * time.Hour)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		var looks, sends []time.Duration
		var doubt time.Time
		for _, r := range w.books.Requests() {
			switch {
			case r.Method == "POST":
				sends = append(sends, r.At.Sub(doubt))
				if len(sends) == 4 {
					doubt = r.At
				}
			case len(sends) == 4:
				looks = append(looks, r.At.Sub(doubt).Round(time.Minute))
			}
		}
		require.Equal(t, []time.Duration{2 * time.Minute, 7 * time.Minute, 17 * time.Minute, 47 * time.Minute, 107 * time.Minute,
			227 * time.Minute, 360 * time.Minute, 360 * time.Minute}, looks, "the last one is that before sending")
		require.GreaterOrEqual(t, sends[4], 6*time.Hour)
	})
}
