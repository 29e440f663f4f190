package kledosync

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
)

// form is what is sent for an order of the shop.
func form(t *testing.T, c Config, d Document, order string) url.Values {
	t.Helper()
	var o woo.Order
	require.NoError(t, json.Unmarshal([]byte(order), &o))
	v, err := url.ParseQuery(sentBody(t, c, d, &o, nil))
	require.NoError(t, err)
	return v
}

// TestDays: the shop's calendar counts, an hour ahead of UTC here; a month ends on its last day.
func TestDays(t *testing.T) {
	t.Parallel()
	jakarta := time.FixedZone("WIB", 7*60*60)
	for name, c := range map[string]struct {
		config             Config
		order              string
		transDate, dueDate string
	}{
		"the shop's day, not UTC's": {Config{}, `"date_created":"2026-05-02T00:30:00","date_created_gmt":"2026-05-01T23:30:00"`,
			"2026-05-02", "2026-06-02"},
		"31 January": {Config{}, `"date_created":"2026-01-31T12:00:00","date_created_gmt":"2026-01-31T11:00:00"`,
			"2026-01-31", "2026-02-28"}, // the plugin: 3 March
		"31 March": {Config{}, `"date_created":"2026-03-31T12:00:00","date_created_gmt":"2026-03-31T11:00:00"`,
			"2026-03-31", "2026-04-30"}, // the plugin: 1 May
		"completed": {Config{}, `"date_created":"2026-05-01T12:00:00","date_completed":"2026-05-04T00:10:00","date_completed_gmt":"2026-05-03T23:10:00"`,
			"2026-05-01", "2026-05-04"},
		"no shop time, UTC":     {Config{}, `"date_created_gmt":"2026-05-01T20:00:00"`, "2026-05-01", "2026-06-01"},
		"no shop time, Jakarta": {Config{Location: jakarta}, `"date_created_gmt":"2026-05-01T20:00:00","date_completed_gmt":"2026-05-03T20:00:00"`, "2026-05-02", "2026-05-04"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, d := range []Document{SalesOrder, Invoice} { // each composed twice: a date that moved would show
				for range 2 {
					v := form(t, c.config, d, `{"id":7,`+c.order+`}`)
					require.Equal(t, c.transDate, v.Get("trans_date"))
					require.Equal(t, c.dueDate, v.Get("due_date"))
				}
			}
		})
	}
	c := Config{}.filled()
	_, _, err := c.compose(SalesOrder, &woo.Order{ID: 7}, nil)
	require.ErrorContains(t, err, "order 7 has no date of creation")
}

// TestLinesWithoutProducts: without a shop, and for products that are gone, the order's own lines are sent.
func TestLinesWithoutProducts(t *testing.T) {
	t.Parallel()
	const lines = `"date_created":"2026-05-01T12:00:00","line_items":[
		{"name":"Gone","product_id":0,"quantity":3,"subtotal":"49.29","subtotal_tax":"4.68","total":"40.00","total_tax":"3","sku":null,"image":{"id":"","src":""}},
		{"name":"Kept name","product_id":17,"quantity":2,"subtotal":"86.46","subtotal_tax":"19.02","sku":"SKU-0007","image":{"id":9,"src":"https://shop.test/a.png"}},
		{"name":"Nothing of it","product_id":18,"quantity":0,"subtotal":"5.00","subtotal_tax":"1.10"}]`
	v := form(t, Config{}, SalesOrder, `{"id":7,"prices_include_tax":true,`+lines+`}`)
	require.Equal(t, "Gone", v.Get("items[0][name]"))
	require.Equal(t, "17.99", v.Get("items[0][regular_price]"))
	require.Empty(t, v.Get("items[0][code]"))
	require.False(t, v.Has("items[0][photo]"))
	require.Equal(t, "52.74", v.Get("items[1][regular_price]"))
	require.Equal(t, "SKU-0007", v.Get("items[1][code]"))
	require.Equal(t, "https://shop.test/a.png", v.Get("items[1][photo]"))
	require.True(t, v.Has("items[1][sale_price]"))
	require.Equal(t, "6.1", v.Get("items[2][regular_price]"))

	v = form(t, Config{}, SalesOrder, `{"id":7,"prices_include_tax":false,`+lines+`}`)
	require.Equal(t, "16.43", v.Get("items[0][regular_price]"))
}

// TestDeletedProduct has the shop answer 404 for one product and leave another out of its list: neither is an error, and the
// order is sent.
func TestDeletedProduct(t *testing.T) {
	t.Parallel()
	r := readRecorded(t, "testdata/order-03.json")
	delete(r.Products, "182")
	r.Processing.LineItems = append(r.Processing.LineItems, woo.LineItem{Name: "Deleted", ProductID: 4711})
	products, err := readCatalogue(t.Context(), r.shop(t), r.Processing)
	require.NoError(t, err)
	v, err := url.ParseQuery(sentBody(t, Config{}, SalesOrder, r.Processing, products))
	require.NoError(t, err)
	require.Equal(t, "Variable shirt 1 - Red, S", v.Get("items[0][name]"))
	require.Equal(t, "17", v.Get("items[0][regular_price]"))
	require.Equal(t, "20", v.Get("items[1][regular_price]"))
	require.Equal(t, "Deleted", v.Get("items[2][name]"))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const order = `{"id":7,"number":"A-1007","date_created":"2026-05-01T12:00:00","total_tax":"0.00","shipping_total":"4.10","discount_total":"8.650"}`
	v := form(t, Config{}, Invoice, order)
	require.Equal(t, []string{"WC/INV/", "7", "", "no", "4.1", "8.65", "no", "", "WooCommerce", "yes", "yes"}, []string{
		v.Get("ref_number_prefix"), v.Get("ref_number"), v.Get("warehouse"), v.Get("has_tax"), v.Get("shipping_cost"),
		v.Get("additional_discount_amount"), v.Get("paid"), v.Get("paid_to_account_code"), v.Get("tags[0]"), v.Get("link_order"), v.Get("close_order"),
	})
	c := Config{
		Invoices: Settings{Prefix: "F/", Warehouse: "Gudang Utama", Tags: []string{" Online ", "", "Toko"}},
		Paid:     true, PaymentAccount: "1-10001 | Kas & Bank", NoClose: true,
	}
	v = form(t, c, Invoice, order)
	require.Equal(t, []string{"F/", "Gudang Utama", "yes", "1-10001", "Online", "Toko", "yes", "no"}, []string{
		v.Get("ref_number_prefix"), v.Get("warehouse"), v.Get("paid"), v.Get("paid_to_account_code"),
		v.Get("tags[0]"), v.Get("tags[1]"), v.Get("link_order"), v.Get("close_order"),
	})
	require.False(t, v.Has("tags[2]"))
	v = form(t, c, SalesOrder, order)
	require.Equal(t, "WC/SO/", v.Get("ref_number_prefix"))
	require.Equal(t, "yes", v.Get("paid"), "the plugin sends it with sales orders too")
	require.False(t, v.Has("link_order") || v.Has("close_order"))
	v = form(t, Config{NoLink: true, Invoices: Settings{Tags: []string{}}}, Invoice, order)
	require.Equal(t, "no", v.Get("link_order"))
	require.False(t, v.Has("close_order") || v.Has("tags[0]"))
}

func TestTracking(t *testing.T) {
	t.Parallel()
	for meta, want := range map[string]string{
		`[]`: "",
		`[{"key":"_wc_shipment_tracking_items","value":""}]`:                                                                              "",
		`[{"key":"_wc_shipment_tracking_items","value":{"a":1}}]`:                                                                         "",
		`[{"key":"_wc_shipment_tracking_items","value":[{"tracking_number":"JP1"},{"tracking_provider":"x"},{"tracking_number":"JP2"}]}]`: "JP1, JP2",
	} {
		v := form(t, Config{}, Invoice, `{"id":7,"date_created":"2026-05-01T12:00:00","meta_data":`+meta+`}`)
		require.Equal(t, want, v.Get("shipping_tracking"), meta)
		require.Equal(t, want != "", v.Has("shipping_tracking"), meta)
	}
}

// TestTaskSurvivesTheQueue: an order goes into the queue as JSON and comes back the same.
func TestTaskSurvivesTheQueue(t *testing.T) {
	t.Parallel()
	r := readRecorded(t, "testdata/order-17.json")
	raw, err := json.Marshal(task{Order: r.Completed})
	require.NoError(t, err)
	require.NotContains(t, string(raw), "resend")
	var back task
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, sentBody(t, Config{}, Invoice, r.Completed, nil), sentBody(t, Config{}, Invoice, back.Order, nil))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(raw), string(again))
}

func TestLogSource(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	inWorld(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, func(t *testing.T, w *world) {
		w.accept(w.order("completed"))
		w.later(time.Minute)
	})
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.GreaterOrEqual(t, len(lines), 4)
	for _, line := range lines {
		require.Contains(t, line, "source=wc-kledo")
		require.NotContains(t, line, "Siti", "personal data in the log")
	}
}
