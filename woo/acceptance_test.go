package woo_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

// Points of the acceptance list of clients, by number. Those of the client's own machinery stand beside it, under the same names.

// shopThatSays answers every request with one body.
func shopThatSays(t *testing.T, body string) *woo.Client {
	t.Helper()
	c, err := woo.New(woo.Config{URL: "https://shop.example", Key: "ck_x", Secret: "cs_x", HTTPClient: &http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
				Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
			}, nil
		})}})
	require.NoError(t, err)
	return c
}

// Point 1: what real shops answer is read through the client, each row of the comparison of clients.
func TestAcceptance01RealAnswers(t *testing.T) {
	t.Parallel()
	order := `{"id":7,"status":"processing","total":"10.00","date_created_gmt":"2026-11-21T17:14:31","tax_lines":[],"line_items":[]`
	for name, row := range map[string]struct {
		body  string
		right func(o *woo.Order) bool
	}{
		"plain order": {order + `}`, func(o *woo.Order) bool { return o.Total.String() == "10" && len(o.TaxLines) == 0 }},
		"tax line": {order + `,"tax_lines":[{"id":1,"rate_id":3,"rate_percent":22,"tax_total":"1.80"}]}`,
			func(o *woo.Order) bool { return o.TaxLines[0].RateID == 3 && o.TaxLines[0].TaxTotal.String() == "1.8" }},
		"meta values": {order + `,"meta_data":[{"id":1,"key":"n","value":5},{"id":2,"key":"b","value":true},{"id":3,"key":"o","value":{"a":1}},` +
			`{"id":4,"key":"l","value":[1]}]}`,
			func(o *woo.Order) bool { return o.MetaData[2].String() == `{"a":1}` && o.MetaData[3].String() == "[1]" }},
		"meta value null": {order + `,"meta_data":[{"id":1,"key":"k","value":null}]}`,
			func(o *woo.Order) bool { return string(o.MetaData[0].Value) == "null" }},
		"meta_data as object": {order + `,"meta_data":{"0":{"id":1,"key":"a","value":"x"},"2":{"id":2,"key":"b","value":"y"}}}`,
			func(o *woo.Order) bool { return len(o.MetaData) == 2 && o.MetaData[1].String() == "y" }},
		"quantity 1.5": {order + `,"line_items":[{"id":1,"quantity":1.5}]}`,
			func(o *woo.Order) bool { return o.LineItems[0].Quantity.String() == "1.5" }},
		"price as text": {order + `,"line_items":[{"id":1,"price":"29.90"}]}`,
			func(o *woo.Order) bool { return o.LineItems[0].Price.String() == "29.9" }},
		"sku null, image id empty": {order + `,"line_items":[{"id":1,"sku":null,"image":{"id":"","src":""}},{"id":2,"sku":"","image":{"id":"12"}}]}`,
			func(o *woo.Order) bool {
				return o.LineItems[0].SKU == nil && *o.LineItems[1].SKU == "" && o.LineItems[1].Image.ID.Int64() == 12
			}},
		"custom status":        {strings.Replace(order, "processing", "packed", 1) + `}`, func(o *woo.Order) bool { return o.Status == "packed" }},
		"BOM before JSON":      {"\ufeff" + order + `}`, func(o *woo.Order) bool { return o.ID == 7 }},
		"PHP notice before it": {"<br />\n<b>Warning</b>: Undefined array key in <b>/x.php</b> on line <b>3</b><br />\n" + order + `}`, func(o *woo.Order) bool { return o.ID == 7 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := shopThatSays(t, row.body).Orders.Get(t.Context(), 7)
			require.NoError(t, err)
			require.True(t, row.right(o), "%+v", o)
		})
	}
	for name, body := range map[string]string{
		"HTML with 200": "<!DOCTYPE html><html><body>Welcome</body></html>", "empty body with 200": "", "a list for an order": `[` + order + `}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // reads are repeated
				o, err := shopThatSays(t, body).Orders.Get(t.Context(), 7)
				require.Error(t, err)
				require.Nil(t, o, "an order that nobody sent")
			})
		})
	}
	for name, row := range map[string]struct {
		body  string
		right func(v *woo.Variation) bool
	}{
		"plain variation": {`"manage_stock":true,"stock_quantity":4,"date_created":"2026-11-21T18:14:31","date_created_gmt":"2026-11-21T17:14:31"`,
			func(v *woo.Variation) bool { return v.StockQuantity.String() == "4" && v.DateCreated.Hour() == 17 }},
		"manage_stock parent": {`"manage_stock":"parent","stock_quantity":9`,
			func(v *woo.Variation) bool { return v.ManageStock == woo.StockByParent }},
		"stock_quantity null": {`"manage_stock":false,"stock_quantity":null`,
			func(v *woo.Variation) bool { return v.StockQuantity == nil && v.ManageStock == woo.StockUnmanaged }},
		"stock_quantity 1.5": {`"manage_stock":true,"stock_quantity":1.5`, func(v *woo.Variation) bool { return v.StockQuantity.String() == "1.5" }},
		"price as number":    {`"price":21.99,"regular_price":""`, func(v *woo.Variation) bool { return v.Price.String() == "21.99" && !v.RegularPrice.IsSet() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := shopThatSays(t, `{"id":8,`+row.body+`}`).Variations(7).Get(t.Context(), 8)
			require.NoError(t, err)
			require.True(t, row.right(v), "%+v", v)
		})
	}
}

// Point 8: a cursor of UTC that asks for a second too many, and drops what it knows, misses no change, wherever the shop is and
// whatever its clock on the wall does.
func TestAcceptance08Cursor(t *testing.T) {
	t.Parallel()
	ljubljana, err := time.LoadLocation("Europe/Ljubljana")
	require.NoError(t, err)
	for name, location := range map[string]*time.Location{
		"UTC+13": time.FixedZone("", 13*3600), "UTC-8": time.FixedZone("", -8*3600), "a night of two hours twice": ljubljana,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shop, err := wootest.New(wootest.Config{Location: location})
				require.NoError(t, err)
				defer shop.Close()
				client, err := woo.New(shop.Config())
				require.NoError(t, err)
				time.Sleep(time.Until(time.Date(2000, 10, 28, 22, 0, 0, 0, time.UTC))) // Ljubljana's clocks go back at 1:00 UTC
				cursor := time.Now().UTC()
				known := map[woo.OrderID]time.Time{}
				for round := range 20 {
					var made []int64
					for range 3 { // in one second
						id, err := shop.AddOrder([]byte(`{"status":"processing"}`))
						require.NoError(t, err)
						made = append(made, id)
					}
					time.Sleep(time.Duration(round%3) * 10 * time.Minute)
					for _, id := range made {
						require.NoError(t, shop.SetStatus(id, "completed"))
					}
					fresh := 0
					for o, err := range client.Orders.All(t.Context(), woo.OrderQuery{ModifiedAfter: cursor.Add(-2 * time.Second)}) {
						require.NoError(t, err)
						if !known[o.ID].Equal(o.DateModified) {
							fresh++
							known[o.ID] = o.DateModified
						}
						if o.DateModified.After(cursor) {
							cursor = o.DateModified
						}
					}
					require.Equal(t, 3, fresh, "round %d", round)
					require.WithinDuration(t, time.Now(), cursor, time.Second)
				}
			})
		})
	}
}

// Point 9: what a shop may post to a webhook's address, and what nobody may.
func TestAcceptance09Webhooks(t *testing.T) {
	t.Parallel()
	const secret = `s3cr&t "<key>"`
	order := `{"id":12,"status":"processing","date_modified_gmt":"2026-11-21T17:14:31"}`
	signed := func(key, topic, body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
		r.Header.Set("X-WC-Webhook-Topic", topic)
		r.Header.Set("X-WC-Webhook-Delivery-ID", "one-per-second")
		r.Header.Set(webhook.SignatureHeader, webhook.Sign(key, []byte(body)))
		return r
	}
	ping := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader("webhook_id=2"))
	ping.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	gzipped := signed(secret, "order.updated", order)
	gzipped.Header.Set("Content-Encoding", "gzip")
	var taken []int64
	refused := 0
	h, err := webhook.New(webhook.Config{
		Secrets: []string{secret}, MaxBody: 1024,
		Handle:  func(_ context.Context, d webhook.Delivery) error { taken = append(taken, d.Payload.ID); return nil },
		Refused: func(context.Context, webhook.Delivery) { refused++ },
	})
	require.NoError(t, err)
	for _, step := range []struct {
		name   string
		r      *http.Request
		status int
		taken  int // in all
	}{
		{"ping", ping, 200, 0},
		{"wrong secret", signed("guess", "order.updated", order), 401, 0},
		{"valid", signed(secret, "order.updated", order), 200, 1},
		{"replay", signed(secret, "order.updated", order), 200, 1},
		{"another in the same second", signed(secret, "order.updated", strings.Replace(order, "12", "13", 1)), 200, 2},
		{"secret kept with entities", signed(`s3cr&amp;t &quot;&lt;key&gt;&quot;`, "order.updated", strings.Replace(order, "12", "14", 1)), 200, 3},
		{"action", signed(secret, "action.woocommerce_order_status_completed", `{"action":"woocommerce_order_status_completed","arg":562}`), 200, 4},
		{"error in place of data", signed(secret, "order.updated", `{"code":"woocommerce_rest_cannot_view","message":"Sorry","data":{"status":401}}`), 200, 4},
		{"oversize", signed(secret, "order.updated", order+strings.Repeat(" ", 1024)), 413, 4},
		{"gzip", gzipped, 415, 4},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, step.r)
		require.Equal(t, step.status, w.Code, step.name)
		require.Len(t, taken, step.taken, step.name)
	}
	require.Equal(t, []int64{12, 13, 14}, taken[:3])
	require.Equal(t, 1, refused)
}

// Point 12: a shop in memory, for the tests of whoever uses this package.
func TestAcceptance12ShopInMemory(t *testing.T) {
	t.Parallel()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	defer shop.Close()
	client, err := woo.New(shop.Config())
	require.NoError(t, err)
	made, err := client.Orders.Create(t.Context(), woo.OrderFields{Status: woo.Set(woo.OrderProcessing)})
	require.NoError(t, err)
	require.True(t, bytes.Contains(shop.Order(int64(made.ID)), []byte(`"processing"`)))
	require.NoError(t, shop.RemoveOrder(int64(made.ID)))
	_, err = client.Orders.Get(t.Context(), made.ID)
	require.ErrorIs(t, err, woo.ErrNotFound)
}
