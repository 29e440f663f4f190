package wootest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tillwire/tillwire/woo/wootest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const home = "https://shop.test/wp-json/wc/v3/"

// answer is what the store said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) object(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &m), a.body)
	return m
}

func (a answer) list(t testing.TB) []map[string]any {
	t.Helper()
	var l []map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &l), a.body)
	return l
}

func (a answer) ids(t testing.TB) (ids []int) {
	t.Helper()
	for _, o := range a.list(t) {
		ids = append(ids, int(o["id"].(float64)))
	}
	return ids
}

func newShop(t testing.TB, c wootest.Config) *wootest.Shop {
	t.Helper()
	shop, err := wootest.New(c)
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	return shop
}

// send makes a request with the store's own key, Basic over TLS.
func send(t testing.TB, shop *wootest.Shop, method, url, body string) answer {
	t.Helper()
	c := shop.Config()
	return sendAs(t, shop, method, url, body, func(r *http.Request) { r.SetBasicAuth(c.Key, c.Secret) })
}

func sendAs(t testing.TB, shop *wootest.Shop, method, url, body string, auth func(*http.Request)) answer {
	t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = home + url
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	auth(req)
	resp, err := shop.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// TestFakeInBubble is how a test with virtual time uses the store: made, used and closed inside the bubble.
func TestFakeInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		shop.SetFaults(wootest.Faults{Latency: time.Hour})
		start := time.Now()
		require.Equal(t, 200, send(t, shop, "GET", "orders", "").status)
		require.GreaterOrEqual(t, time.Since(start), time.Hour/2)
		require.Equal(t, http.StatusOK, shop.Requests()[0].Status)
		require.Equal(t, "/wp-json/wc/v3/orders", shop.Requests()[0].Path)
	})
}

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	_, err := wootest.New(wootest.Config{URL: "shop.test"})
	require.ErrorContains(t, err, "Config.URL")
	require.NotContains(t, wootest.Config{Secret: "cs_x"}.String()+wootest.Config{Secret: "cs_x"}.GoString(), "cs_x")
}

func TestSubdirectoryInstall(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{URL: "https://shop.test/store"})
	a := send(t, shop, "GET", "https://shop.test/store/wp-json/wc/v3/orders", "")
	require.Equal(t, 200, a.status)
	a = send(t, shop, "GET", "https://shop.test/wp-json/wc/v3/orders", "")
	require.Equal(t, 404, a.status)
	require.Contains(t, a.header.Get("Content-Type"), "text/html")
	url, stop, err := shop.Start()
	require.NoError(t, err)
	defer stop()
	require.True(t, strings.HasPrefix(url, "http://127.0.0.1:") && strings.HasSuffix(url, "/store"), url)
}

func TestIndex(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{Location: time.FixedZone("", -5*3600)})
	index := sendAs(t, shop, "GET", "https://shop.test/wp-json/", "", func(*http.Request) {}).object(t)
	require.InDelta(t, -5, index["gmt_offset"], 0)
	require.Equal(t, "https://shop.test", index["url"])
	require.Contains(t, index["namespaces"], "wc/v3")
}

func TestErrorEnvelopes(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddOrder([]byte(`{}`))
	require.NoError(t, err)
	product, err := shop.AddProduct([]byte(`{"name":"x"}`))
	require.NoError(t, err)
	path := func(format string, id int64) string {
		return strings.ReplaceAll(format, "ID", json.Number(jsonInt(id)).String())
	}
	for _, tc := range []struct{ method, path, body, want string }{
		{"GET", "orders?per_page=101", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): per_page","data":{"status":400,"params":{"per_page":"per_page must be between 1 (inclusive) and 100 (inclusive)"},"details":{"per_page":{"code":"rest_out_of_bounds","message":"per_page must be between 1 (inclusive) and 100 (inclusive)","data":null}}}}`},
		{"GET", "orders?per_page=abc", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): per_page","data":{"status":400,"params":{"per_page":"per_page is not of type integer."},"details":{"per_page":{"code":"rest_invalid_type","message":"per_page is not of type integer.","data":{"param":"per_page"}}}}}`},
		{"GET", "orders?page=0", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): page","data":{"status":400,"params":{"page":"page must be greater than or equal to 1"},"details":{"page":{"code":"rest_out_of_bounds","message":"page must be greater than or equal to 1","data":null}}}}`},
		{"GET", "orders?orderby=total", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): orderby","data":{"status":400,"params":{"orderby":"orderby is not one of date, id, include, title, slug, and modified."},"details":{"orderby":{"code":"rest_not_in_enum","message":"orderby is not one of date, id, include, title, slug, and modified.","data":null}}}}`},
		{"GET", "orders?order=up", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): order","data":{"status":400,"params":{"order":"order is not one of asc and desc."},"details":{"order":{"code":"rest_not_in_enum","message":"order is not one of asc and desc.","data":null}}}}`},
		{"GET", "orders?status=wc-processing", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): status","data":{"status":400,"params":{"status":"status[0] is not one of any, trash, auto-draft, pending, processing, on-hold, completed, cancelled, refunded, failed, packed, and checkout-draft."},"details":{"status":{"code":"rest_not_in_enum","message":"status[0] is not one of any, trash, auto-draft, pending, processing, on-hold, completed, cancelled, refunded, failed, packed, and checkout-draft.","data":null}}}}`},
		{"GET", "orders?after=2026-11-05", "", `{"code":"rest_invalid_param","message":"Invalid parameter(s): after","data":{"status":400,"params":{"after":"Invalid date."},"details":{"after":{"code":"rest_invalid_date","message":"Invalid date.","data":null}}}}`},
		{"GET", "orders/999999", "", `{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}`},
		{"GET", path("orders/ID", product), "", `{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}`},
		{"PUT", "orders/999999", "{}", `{"code":"woocommerce_rest_shop_order_invalid_id","message":"ID is invalid.","data":{"status":400}}`},
		{"DELETE", "orders/999999", "", `{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}`},
		{"DELETE", "orders", "", `{"code":"rest_no_route","message":"No route was found matching the URL and request method.","data":{"status":404}}`},
		{"GET", "../v9/orders", "", `{"code":"rest_no_route","message":"No route was found matching the URL and request method.","data":{"status":404}}`},
		{"POST", "orders", `{"status":`, `{"code":"rest_invalid_json","message":"Invalid JSON body passed.","data":{"status":400,"json_error_code":4,"json_error_message":"Syntax error"}}`},
		{"PUT", path("orders/ID", id), `{"status":"shippped"}`, `{"code":"rest_invalid_param","message":"Invalid parameter(s): status","data":{"status":400,"params":{"status":"status is not one of auto-draft, pending, processing, on-hold, completed, cancelled, refunded, failed, packed, and checkout-draft."},"details":{"status":{"code":"rest_not_in_enum","message":"status is not one of auto-draft, pending, processing, on-hold, completed, cancelled, refunded, failed, packed, and checkout-draft.","data":null}}}}`},
		{"PUT", path("orders/ID", id), `{"billing":{"email":""}}`, `{"code":"rest_invalid_param","message":"Invalid parameter(s): billing","data":{"status":400,"params":{"billing":"Invalid email address."},"details":{"billing":{"code":"rest_invalid_email","message":"Invalid email address.","data":null}}}}`},
		{"POST", "orders", `{"customer_id":"abc","line_items":["x"]}`, `{"code":"rest_invalid_param","message":"Invalid parameter(s): customer_id, line_items","data":{"status":400,"params":{"customer_id":"customer_id is not of type integer.","line_items":"line_items[0] is not of type object."},"details":{"customer_id":{"code":"rest_invalid_type","message":"customer_id is not of type integer.","data":{"param":"customer_id"}},"line_items":{"code":"rest_invalid_type","message":"line_items[0] is not of type object.","data":{"param":"line_items[0]"}}}}}`},
		{"PUT", path("orders/ID", id), `{"line_items":[{"id":99999999,"quantity":1}]}`, `{"code":"woocommerce_rest_invalid_item_id","message":"Order item ID provided is not associated with order.","data":{"status":400}}`},
		{"PUT", path("products/ID", product), `{"stock_quantity":2.5}`, `{"code":"rest_invalid_param","message":"Invalid parameter(s): stock_quantity","data":{"status":400,"params":{"stock_quantity":"stock_quantity is not of type integer."},"details":{"stock_quantity":{"code":"rest_invalid_type","message":"stock_quantity is not of type integer.","data":{"param":"stock_quantity"}}}}}`},
		{"POST", path("orders/ID/notes", id), `{}`, `{"code":"rest_missing_callback_param","message":"Missing parameter(s): note","data":{"status":400,"params":["note"]}}`},
		{"POST", path("orders/ID/refunds", id), `{"amount":"5"}`, `{"code":"woocommerce_rest_cannot_create_order_refund","message":"The payment gateway for this order does not support automatic refunds.","data":500}`},
		{"POST", path("orders/ID/refunds", id), `{"amount":"5","api_refund":false}`, `{"code":"woocommerce_rest_cannot_create_order_refund","message":"Invalid refund amount.","data":500}`},
		{"GET", "customers/77", "", `{"code":"wc_user_invalid_id","message":"Invalid user ID.","data":{"status":404}}`},
		{"POST", "customers", "{}", `{"code":"rest_missing_callback_param","message":"Missing parameter(s): email","data":{"status":400,"params":["email"]}}`},
		{"POST", "webhooks", `{"topic":"order.exploded","delivery_url":"https://x.test"}`, `{"code":"woocommerce_rest_shop_webhook_invalid_topic","message":"Webhook topic is required and must be valid.","data":{"status":400}}`},
		{"POST", "orders/batch", `{"delete":[` + strings.Repeat("1,", 100) + `1]}`, `{"code":"woocommerce_rest_request_entity_too_large","message":"Unable to accept more than 100 items for this request.","data":{"status":413}}`},
	} {
		a := send(t, shop, tc.method, tc.path, tc.body)
		require.Equal(t, strings.ReplaceAll(tc.want, "/", `\/`), a.body, tc.method+" "+tc.path)
		status := 500
		if data, isObject := a.object(t)["data"].(map[string]any); isObject {
			status = int(data["status"].(float64))
		}
		require.Equal(t, status, a.status, tc.path)
		require.Equal(t, "application/json; charset=UTF-8", a.header.Get("Content-Type"))
	}
}

func jsonInt(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}
