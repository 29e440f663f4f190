package wootest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

// Each kind is made, listed, changed and removed; what it does not know it ignores.
func TestKinds(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup"}`))
	require.NoError(t, err)
	zone := send(t, shop, "POST", "shipping/zones", `{"name":"Islands"}`).object(t)["id"]
	attribute := send(t, shop, "POST", "products/attributes", `{"name":"Hue"}`).object(t)["id"]
	for path, body := range map[string]string{
		"coupons":                   `{"code":"TEN","amount":"10"}`,
		"products/categories":       `{"name":"Tea & more"}`,
		"products/tags":             `{"name":"new"}`,
		"products/brands":           `{"name":"Own"}`,
		"products/shipping_classes": `{"name":"Bulky"}`,
		"products/attributes":       `{"name":"Size"}`,
		fmt.Sprintf("products/attributes/%v/terms", attribute): `{"name":"Red"}`,
		"products/reviews": fmt.Sprintf(`{"product_id":%d,"review":"good","reviewer":"Ana","reviewer_email":"a@example.test","rating":5}`, product),
		"taxes":            `{"country":"SI","rate":"9.5","name":"DDV"}`,
		"shipping/zones":   `{"name":"Mountains"}`,
		fmt.Sprintf("shipping/zones/%v/methods", zone): `{"method_id":"flat_rate","settings":{"cost":"4.10"}}`,
	} {
		a := send(t, shop, "POST", path, body)
		require.Equal(t, 201, a.status, path+" "+a.body)
		one := fmt.Sprintf("%s/%v", path, a.object(t)["id"])
		require.Contains(t, a.header.Get("Location"), "/"+one)
		require.Equal(t, 200, send(t, shop, "GET", one, "").status, one)
		ids := send(t, shop, "GET", path+"?per_page=100", "").ids(t)
		require.Contains(t, ids, int(a.object(t)["id"].(float64)), path)
		require.NotContains(t, send(t, shop, "PUT", one, `{"nonsense":1}`).object(t), "nonsense", path)
		if path != "coupons" && path != "products/reviews" {
			require.Equal(t, 501, send(t, shop, "DELETE", one, "").status, one)
		}
		require.Equal(t, 200, send(t, shop, "DELETE", one+"?force=true", "").status, one)
		require.Equal(t, 404, send(t, shop, "GET", one, "").status, one)
	}
	for path, code := range map[string]string{
		"products/attributes/99/terms": "woocommerce_rest_taxonomy_invalid", "shipping/zones/99/methods": "woocommerce_rest_shipping_zone_invalid",
		"shipping/zones/99/locations": "woocommerce_rest_shipping_zone_invalid", "coupons/99": "woocommerce_rest_shop_coupon_invalid_id",
		"products/tags/99": "woocommerce_rest_term_invalid", "products/reviews/99": "woocommerce_rest_review_invalid_id",
	} {
		a := send(t, shop, "GET", path, "")
		require.Equal(t, 404, a.status, path)
		require.Equal(t, code, a.object(t)["code"], path)
	}
	require.Equal(t, "rest_missing_callback_param", send(t, shop, "POST", "coupons", `{"code":""}`).object(t)["code"])
	a := send(t, shop, "POST", "products/tags", `{"name":5}`)
	require.Equal(t, "rest_invalid_param", a.object(t)["code"])
	require.Equal(t, 403, send(t, shop, "DELETE", "shipping/zones/0?force=true", "").status, "the rest of the world stays")
	locations := fmt.Sprintf("shipping/zones/%v/locations", zone)
	require.Len(t, send(t, shop, "PUT", locations, `[{"code":"SI"},{"code":"HR","type":"country"}]`).list(t), 2)
	require.Len(t, send(t, shop, "PUT", locations, `[{"code":"AT"}]`).list(t), 1, "the whole list")
	require.Contains(t, send(t, shop, "POST", "products/tags/batch", `{"create":[{"name":"a"},{"name":"a"}]}`).body, "term_exists")
}

func TestWhatAStoreBringsAlong(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{PostsStorage: true})
	const setting = "settings/general/woocommerce_currency"
	require.Equal(t, "EUR", send(t, shop, "GET", setting, "").object(t)["value"])
	require.Equal(t, "USD", send(t, shop, "PUT", setting, `{"value":"USD"}`).object(t)["value"])
	require.Equal(t, "USD", send(t, shop, "GET", setting, "").object(t)["value"])
	require.Equal(t, "rest_setting_value_invalid", send(t, shop, "PUT", setting, `{"value":"Taler"}`).object(t)["code"])
	require.Equal(t, "rest_setting_setting_invalid", send(t, shop, "GET", "settings/general/nope", "").object(t)["code"])
	a := send(t, shop, "POST", "settings/general/batch", `{"update":[{"id":"woocommerce_currency","value":"EUR"},{"id":"nope"}]}`)
	require.Contains(t, a.body, `"value":"EUR"`)
	require.Contains(t, a.body, "rest_setting_setting_invalid")
	require.Contains(t, send(t, shop, "POST", "settings/batch", `{"update":[{"group_id":"tax","id":"woocommerce_prices_include_tax","value":"no"}]}`).body, `"value":"no"`)

	g := send(t, shop, "PUT", "payment_gateways/bacs", `{"enabled":false,"title":"Bank","settings":{"title":"Bank"}}`).object(t)
	require.Equal(t, false, g["enabled"])
	require.Equal(t, "Bank", g["title"])
	require.Equal(t, "woocommerce_rest_payment_gateway_invalid", send(t, shop, "GET", "payment_gateways/nope", "").object(t)["code"])
	require.Equal(t, true, send(t, shop, "PUT", "system_status/tools/clear_transients", "").object(t)["success"])
	settings := send(t, shop, "GET", "system_status", "").object(t)["settings"].(map[string]any)
	require.Equal(t, false, settings["HPOS_enabled"], "of this store, not of the recorded one")

	require.Equal(t, 201, send(t, shop, "POST", "taxes/classes", `{"name":"Books only"}`).status)
	require.Equal(t, "woocommerce_rest_tax_class_exists", send(t, shop, "POST", "taxes/classes", `{"name":"Books only"}`).object(t)["code"])
	require.Len(t, send(t, shop, "GET", "taxes/classes", "").list(t), 4)
	require.Equal(t, 200, send(t, shop, "DELETE", "taxes/classes/books-only?force=true", "").status)
	require.Equal(t, "Slovenia", send(t, shop, "GET", "data/countries/SI", "").object(t)["name"])
	require.Equal(t, "EUR", send(t, shop, "GET", "data/currencies/current", "").object(t)["code"])
	require.Equal(t, 404, send(t, shop, "GET", "data/countries/xx", "").status)
}

func TestReports(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup","regular_price":"12.20"}`))
	require.NoError(t, err)
	for _, status := range []string{"completed", "processing", "pending"} {
		_, err := shop.AddOrder(fmt.Appendf(nil, `{"status":%q,"line_items":[{"product_id":%d,"quantity":2}]}`, status, product))
		require.NoError(t, err)
	}
	sales := send(t, shop, "GET", "reports/sales", "").list(t)[0]
	require.Equal(t, "48.80", sales["total_sales"], "a pending order is no sale")
	require.InDelta(t, 2, sales["total_orders"], 0)
	require.InDelta(t, 4, sales["total_items"], 0)
	require.Len(t, sales["totals"], 1)
	require.InDelta(t, 4, send(t, shop, "GET", "reports/top_sellers", "").list(t)[0]["quantity"], 0)
	require.Empty(t, send(t, shop, "GET", "reports/top_sellers?period=last_month", "").list(t))
	for _, row := range send(t, shop, "GET", "reports/orders/totals", "").list(t) {
		if row["slug"] == "pending" || row["slug"] == "completed" {
			require.InDelta(t, 1, row["total"], 0)
		}
	}
}

func TestCouponsOnOrders(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup","regular_price":"12.20"}`))
	require.NoError(t, err)
	for _, c := range []struct{ body, total string }{
		{`{"code":"half","amount":"50","discount_type":"percent"}`, "12.20"},
		{`{"code":"five","amount":"5","discount_type":"fixed_cart"}`, "19.40"},
		{`{"code":"each","amount":"1","discount_type":"fixed_product"}`, "22.40"},
	} {
		coupon := send(t, shop, "POST", "coupons", c.body).object(t)
		a := send(t, shop, "POST", "orders", fmt.Sprintf(`{"line_items":[{"product_id":%d,"quantity":2}],"coupon_lines":[{"code":%q}]}`, product, coupon["code"]))
		require.Equal(t, 201, a.status, a.body)
		require.Equal(t, c.total, a.object(t)["total"], c.body)
		require.InDelta(t, 1, send(t, shop, "GET", fmt.Sprint("coupons/", coupon["id"]), "").object(t)["usage_count"], 0)
	}
	send(t, shop, "POST", "coupons", `{"code":"old","amount":"5","date_expires":"2020-01-01T00:00:00"}`)
	a := send(t, shop, "POST", "orders", `{"coupon_lines":[{"code":"OLD"}]}`)
	require.Equal(t, "Coupon &quot;old&quot; has expired.", a.object(t)["message"])
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	ask := func(accept string) (int, http.Header, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, home+"orders", nil)
		require.NoError(t, err)
		req.Header.Set("Accept", accept)
		req.SetBasicAuth(shop.Config().Key, shop.Config().Secret)
		res, err := shop.Transport().RoundTrip(req)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, res.Header, string(body)
	}
	for _, c := range []struct {
		trouble wootest.Trouble
		status  int
		json    string // what stands in the answer to a client that asks for JSON
	}{
		{wootest.PlainPermalinks, 301, ""}, {wootest.Deactivated, 404, `"code":"rest_no_route"`}, {wootest.Maintenance, 503, `"code":"wp_die"`},
		{wootest.DatabaseDown, 500, `"code":"wp_die"`}, {wootest.FatalError, 500, `"code":"internal_server_error"`},
		{wootest.PHPWarnings, 200, "<b>Warning</b>"}, {wootest.WrongSite, 404, "<!DOCTYPE html>"}, {wootest.NoTrouble, 200, "[]"},
	} {
		shop.SetTrouble(c.trouble)
		status, header, body := ask("application/json")
		require.Equal(t, c.status, status, c.trouble)
		require.Contains(t, body, c.json, c.trouble)
		if c.trouble == wootest.PlainPermalinks {
			require.True(t, strings.HasSuffix(header.Get("Location"), "/wp-json/wc/v3/orders/"), header.Get("Location"))
		}
		if c.status >= 500 {
			_, header, body = ask("*/*")
			require.Contains(t, header.Get("Content-Type"), "text/html", c.trouble)
			require.Contains(t, body, "<!DOCTYPE html>", c.trouble)
		}
	}
}

// The older version lacks what came later.
func TestVersions(t *testing.T) {
	t.Parallel()
	older := newShop(t, wootest.Config{Version: "8.9.1"})
	older.Seed(30, 1)
	for _, path := range []string{"refunds", "variations", "products/brands", "products/custom-fields/names"} {
		require.Equal(t, "rest_no_route", send(t, older, "GET", path, "").object(t)["code"], path)
	}
	for _, field := range []string{"global_unique_id", "targetHints", "email_templates", "tax_status\":\"taxable\",\"meta", "brands"} {
		require.NotContains(t, send(t, older, "GET", "orders?per_page=30", "").body, field)
	}
	require.NotContains(t, send(t, older, "GET", "products?per_page=100", "").body, "brands")
	require.NotEmpty(t, send(t, older, "GET", "orders?created_via=nobody", "").list(t), "an unknown filter is none")
	_, err := wootest.New(wootest.Config{Version: "7.0"})
	require.ErrorContains(t, err, "Config.Version")
}
