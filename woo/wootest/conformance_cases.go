package wootest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/woo"
)

// cases of the suite, in the order in which they run. Each stands for itself.
var cases = []struct {
	name string
	run  func(t *testing.T, b *bench)
}{
	{"Auth", caseAuth},
	{"ErrorEnvelopes", caseErrors},
	{"Do", caseDo},
	{"Paging", casePaging},
	{"Fields", caseFields},
	{"Dates", caseDates},
	{"BatchErrors", caseBatchErrors},
	{"BatchLimit", caseBatchLimit},
	{"IgnoredWrites", caseIgnored},
	{"ThreeStates", caseThreeStates},
	{"NullAndEmpty", caseNull},
	{"Decimals", caseDecimals},
	{"MetaData", caseMeta},
	{"OrderLines", caseLines},
	{"Stock", caseStock},
	{"TrashAndForce", caseTrash},
	{"DuplicateSKU", caseSKU},
	{"Products", caseProducts},
	{"Variations", caseVariations},
	{"InheritedStock", caseInherited},
	{"Customers", caseCustomers},
	{"Coupons", caseCoupons},
	{"Terms", caseTerms},
	{"Notes", caseNotes},
	{"Refunds", caseRefunds},
	{"Webhooks", caseWebhooks},
	{"Deliveries", caseDeliveries},
}

func caseAuth(_ *testing.T, b *bench) {
	b.refused(b.rawAs("", "", "GET", "orders", ""), "no key", 401, "woocommerce_rest_cannot_view")
	b.refused(b.rawAs("", "", "POST", "orders", "{}"), "no key, a write", 401, "woocommerce_rest_cannot_create")
	b.refused(b.rawAs(b.target.Key, "cs_"+strings.Repeat("0", 40), "GET", "orders", ""), "wrong secret", 401, "woocommerce_rest_authentication_error")
	// An unknown key is as good as none where Basic is looked at; only OAuth tells.
	b.refused(b.rawAs("ck_"+strings.Repeat("0", 40), b.target.Secret, "GET", "orders", ""), "unknown key", 401,
		"woocommerce_rest_cannot_view", "woocommerce_rest_authentication_error")
	client, err := woo.New(woo.Config{
		URL: b.target.URL, Key: b.target.Key, Secret: "cs_" + strings.Repeat("0", 40), Limiter: b.limiter,
		HTTPClient: &http.Client{Transport: b.target.Transport},
	})
	b.must(err)
	_, _, err = client.Orders.List(b.Context(), woo.OrderQuery{PerPage: 1})
	b.isKind("wrong secret", err, woo.ErrAuth)
}

func caseErrors(_ *testing.T, b *bench) {
	product, _ := b.product("")
	const nobody = "99999999"
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "orders/" + nobody, "", 404, "woocommerce_rest_shop_order_invalid_id"},
		{"DELETE", "orders/" + nobody + "?force=true", "", 404, "woocommerce_rest_shop_order_invalid_id"},
		{"PUT", "orders/" + nobody, `{"customer_note":"x"}`, 400, "woocommerce_rest_shop_order_invalid_id"},
		{"GET", fmt.Sprint("orders/", product), "", 404, "woocommerce_rest_shop_order_invalid_id"},
		{"GET", "products/" + nobody, "", 404, "woocommerce_rest_product_invalid_id"},
		{"GET", "no-such-thing", "", 404, "rest_no_route"},
		{"GET", "/wc/v9/orders", "", 404, "rest_no_route"},
		{"PATCH", "orders", "{}", 404, "rest_no_route"},
		{"DELETE", "orders", "", 404, "rest_no_route"},
		{"GET", "orders?per_page=101", "", 400, "rest_invalid_param"},
		{"GET", "orders?per_page=0", "", 400, "rest_invalid_param"},
		{"GET", "orders?per_page=abc", "", 400, "rest_invalid_param"},
		{"GET", "orders?page=0", "", 400, "rest_invalid_param"},
		{"GET", "orders?orderby=nope", "", 400, "rest_invalid_param"},
		{"GET", "orders?order=up", "", 400, "rest_invalid_param"},
		{"GET", "orders?status=wc-processing", "", 400, "rest_invalid_param"},
		{"GET", "orders?after=yesterday", "", 400, "rest_invalid_param"},
		{"GET", "products?orderby=sku", "", 400, "rest_invalid_param"},
		{"POST", "orders", `{"status":`, 400, "rest_invalid_json"},
		{"POST", "orders", `{"status":"zzz"}`, 400, "rest_invalid_param"},
		{"POST", "orders", `{"line_items":"x","customer_id":"abc"}`, 400, "rest_invalid_param"},
		{"POST", "orders", `{"customer_id":99999999}`, 400, "woocommerce_rest_invalid_customer_id"},
		{"POST", "orders", `{"billing":{"email":"nope"}}`, 400, "rest_invalid_param"},
		{"POST", "orders", `{"line_items":[{"name":"Free text","quantity":1,"total":"1.00"}]}`, 400, "woocommerce_rest_required_product_reference"},
		{"POST", "products", `{"type":"weird"}`, 400, "rest_invalid_param"},
		{"POST", "products", `{"regular_price":21.99}`, 400, "rest_invalid_param"},
		{"POST", "customers", `{}`, 400, "rest_missing_callback_param"},
		{"POST", "webhooks", `{"topic":"order.created"}`, 400, "rest_missing_callback_param"},
		{"POST", "webhooks", `{"topic":"order.shipped","delivery_url":"http://192.0.2.1/"}`, 400, "woocommerce_rest_shop_webhook_invalid_topic"},
		{"POST", "webhooks", `{"topic":"order.created","delivery_url":"ftp://x"}`, 400, "woocommerce_rest_shop_webhook_invalid_delivery_url"},
		{"GET", "taxes/" + nobody, "", 404, "woocommerce_rest_invalid_id"},
		{"GET", "settings/nope", "", 404, "rest_setting_setting_group_invalid"},
		{"GET", "shipping/zones/" + nobody, "", 404, "woocommerce_rest_shipping_zone_invalid"},
	} {
		a := b.raw(c.method, c.path, c.body)
		b.refused(a, c.method+" "+c.path+" "+c.body, c.status, c.code)
		if a.status < 300 { // what should not have been made goes again
			collection, _, _ := strings.Cut(c.path, "?")
			b.removeLater(collection, a.object().int("id"))
		}
		want(b, c.path+": Content-Type is JSON", strings.HasPrefix(a.header.Get("Content-Type"), "application/json"), true)
		if !isText(a.at("message")) {
			b.Errorf("%s %s: no message in %s", c.method, c.path, a.text)
		}
		status, _ := asInt(a.at("data", "status"))
		want(b, c.path+": data.status", status, int64(c.status))
		// What the schema refuses is told by parameter; what is missing is a list of names.
		switch params := a.at("data", "params"); c.code {
		case "rest_invalid_param":
			_, isMap := params.(*object)
			want(b, c.path+": data.params is an object", isMap, true)
		case "rest_missing_callback_param":
			_, isList := params.([]any)
			want(b, c.path+": data.params is a list", isList, true)
		}
	}
	a := b.raw("GET", "orders?after=yesterday", "")
	want(b, "data.details.after.code", fmt.Sprint(a.at("data", "details", "after", "code")), "rest_invalid_date")
}

func caseDo(_ *testing.T, b *bench) {
	note := b.name("note")
	id := b.order(fmt.Sprintf(`"customer_note":%q`, note)).object().int("id")
	var got struct {
		ID   int64  `json:"id"`
		Note string `json:"customer_note"`
	}
	b.must(b.client.Do(b.Context(), http.MethodGet, fmt.Sprintf("wc/v3/orders/%d?_fields=id,customer_note", id), nil, &got))
	want(b, "id", got.ID, id)
	want(b, "note", got.Note, note)
	var whole json.RawMessage
	b.must(b.client.Do(b.Context(), http.MethodPut, fmt.Sprint("wc/v3/orders/", id), map[string]any{"transaction_id": "T-1"}, &whole))
	v, err := parseObject(whole)
	b.must(err)
	want(b, "transaction_id", v.text("transaction_id"), "T-1")
	b.isKind("unknown route", b.client.Do(b.Context(), http.MethodGet, "wc/v3/no-such-thing", nil, nil), woo.ErrNoRoute)
	b.isKind("unknown order", b.client.Do(b.Context(), http.MethodGet, "wc/v3/orders/99999999", nil, nil), woo.ErrNotFound)
}

func casePaging(_ *testing.T, b *bench) {
	var ids []woo.OrderID
	var texts []string
	for range 3 {
		id := b.order("").object().int("id")
		ids = append(ids, woo.OrderID(id))
		texts = append(texts, fmt.Sprint(id))
	}
	query := "orders?orderby=id&order=asc&per_page=2&include=" + strings.Join(texts, ",")
	first, second, beyond := b.get(query), b.get(query+"&page=2"), b.get(query+"&page=3")
	want(b, "page 1", first.ids(), texts[0]+","+texts[1])
	want(b, "page 2", second.ids(), texts[2])
	want(b, "a page beyond the last", strings.TrimSpace(beyond.text), "[]")
	for _, a := range []*answerOf{first, second} {
		want(b, "X-WP-Total", a.header.Get("X-WP-Total"), "3")
		want(b, "X-WP-TotalPages", a.header.Get("X-WP-TotalPages"), "2")
	}
	if total := beyond.header.Get("X-WP-Total"); total != "3" && total != "0" { // with HPOS it forgets
		b.Errorf("X-WP-Total beyond the last page: %q, want 3 or 0", total)
	}
	want(b, "Link of page 1 names the next", strings.Contains(first.header.Get("Link"), `rel="next"`), true)
	want(b, "Link of page 2 names no next", strings.Contains(second.header.Get("Link"), `rel="next"`), false)
	want(b, "unknown ids are left out", b.get(query+",99999999").header.Get("X-WP-Total"), "3")
	want(b, "offset overrides page", b.get(query+"&offset=2&page=1").ids(), texts[2])
	want(b, "orderby=include", b.get("orders?orderby=include&include="+texts[2]+","+texts[0]).ids(), texts[2]+","+texts[0])
	head := b.raw(http.MethodHead, query, "")
	want(b, "HEAD: X-WP-Total", head.header.Get("X-WP-Total"), "3")
	want(b, "HEAD: no body", head.text, "")

	var walked []woo.OrderID
	for o, err := range b.client.Orders.All(b.Context(), woo.OrderQuery{Include: ids, PerPage: 2}) {
		b.must(err)
		walked = append(walked, o.ID)
	}
	want(b, "All", fmt.Sprint(walked), fmt.Sprint(ids))
	_, page, err := b.client.Orders.List(b.Context(), woo.OrderQuery{Include: ids, PerPage: 2, OrderBy: "id", Order: woo.Ascending})
	b.must(err)
	want(b, "List: total", page.Total, 3)
	want(b, "List: pages", page.Pages, 2)
}

func caseFields(_ *testing.T, b *bench) {
	product, sku := b.product(`"regular_price":"3.00"`)
	id := b.order(fmt.Sprintf(`"billing":{"email":"a@example.test"},"line_items":[{"product_id":%d}]`, product)).object().int("id")
	a := b.get(fmt.Sprintf("orders?include=%d&_fields=id,billing.email,line_items.sku", id))
	o, _ := a.at(0).(*object)
	if o == nil {
		b.Fatal("no order: ", a.text)
	}
	want(b, "billing holds the one member", len(o.object("billing").fields), 1)
	want(b, "there is no reach into lists", o.has("line_items"), false)
	single := b.get(fmt.Sprintf("orders/%d?_fields=id,status", id)).object()
	want(b, "members of one order", single.has("id") && single.has("status") && !single.has("total"), true)
	want(b, "a batch with _fields is done, and told as []",
		strings.TrimSpace(b.raw("POST", "orders/batch?_fields=id", fmt.Sprintf(`{"update":[{"id":%d,"customer_note":"done"}]}`, id)).text), "[]")
	want(b, "done", b.get(fmt.Sprint("orders/", id)).object().text("customer_note"), "done")
	envelope := b.get(fmt.Sprintf("orders?include=%d&_envelope=1&_fields=id", id))
	want(b, "_envelope: status", jsonText(envelope.at("status")), "200")
	want(b, "_envelope: body", jsonText(envelope.at("body", 0, "id")), fmt.Sprint(id))
	want(b, "unknown parameters are ignored", b.get(fmt.Sprintf("orders?include=%d&order_by=x&meta_key=y", id)).header.Get("X-WP-Total"), "1")
	want(b, "an empty filter is none", b.get("products?sku=&per_page=1").header.Get("X-WP-Total") != "0", true)
	want(b, "line's sku", fmt.Sprint(b.get(fmt.Sprint("orders/", id)).at("line_items", 0, "sku")), sku)
}

func caseDates(_ *testing.T, b *bench) {
	id := b.order("").object().int("id")
	path := fmt.Sprint("orders/", id)
	read := func() *object { return b.get(path).object() }
	o := read()
	for _, name := range []string{"date_created", "date_modified"} {
		local, err1 := time.Parse(wireTime, o.text(name))
		gmt, err2 := time.Parse(wireTime, o.text(name+"_gmt"))
		if err := errors.Join(err1, err2); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		offset := local.Sub(gmt)
		want(b, name+" is in the store's zone", offset%(15*time.Minute) == 0 && offset.Abs() <= 14*time.Hour, true)
	}
	for _, name := range []string{"date_paid", "date_completed", "date_paid_gmt", "date_completed_gmt"} {
		want(b, name+" of an unpaid order", o.get(name), any(nil))
	}
	// Bounds exclude their own second. The store's own afterthoughts may touch the order meanwhile: look again.
	for try := range 5 {
		before := getDate(read(), "date_modified")
		at := func(d time.Duration) string {
			return fmt.Sprintf("orders?include=%d&dates_are_gmt=true&modified_after=%s", id, before.Add(d).Format(wireTime))
		}
		same, earlier := b.get(at(0)), b.get(at(-time.Second))
		if !getDate(read(), "date_modified").Equal(before) && try < 4 {
			continue
		}
		want(b, "modified_after its own second", same.ids(), "")
		want(b, "modified_after the second before", earlier.ids(), fmt.Sprint(id))
		z := b.get(fmt.Sprintf("orders?include=%d&modified_after=%sZ", id, before.Add(-time.Second).Format(wireTime)))
		want(b, "with Z and without dates_are_gmt", z.ids(), fmt.Sprint(id))
		break
	}
	changed := b.put(path, `{"date_created":"2020-01-01T00:00:00"}`)
	want(b, "date_created is not written", changed.text("date_created_gmt"), o.text("date_created_gmt"))
	order, err := b.client.Orders.Get(b.Context(), woo.OrderID(id))
	b.must(err)
	want(b, "typed and on the wire", order.DateCreated.Format(wireTime), o.text("date_created_gmt"))
	want(b, "date_paid of a paid order", b.order(`"set_paid":true`).object().text("date_paid_gmt") != "", true)
	want(b, "an order of nothing needs no payment later", jsonText(b.put(path, `{"set_paid":true}`).get("date_paid_gmt")), "null")
}

func caseBatchErrors(_ *testing.T, b *bench) {
	one, two := b.order("").object().int("id"), b.order("").object().int("id")
	a := b.raw("POST", "orders/batch", fmt.Sprintf(`{"create":[{"customer_note":"made"},{"status":"zzz"},{"customer_id":99999999}],
		"update":[{"id":%d,"status":"on-hold"},{"id":99999999,"status":"completed"},{"id":"%d","status":"no such status"},{"status":"completed"}],
		"delete":[99999998,%d]}`, one, two, two))
	want(b, "status", a.status, 200)
	for i := range 2 {
		made, _ := asInt(a.at("create", i, "id"))
		b.removeLater("orders", made)
		want(b, fmt.Sprintf("create %d made an order", i), made > 0, true)
	}
	text := func(path ...any) string { return jsonText(a.at(path...)) }
	want(b, "nonsense becomes pending: no schema here", text("create", 1, "status"), `"pending"`)
	want(b, "failed create: id", text("create", 2, "id"), "0")
	want(b, "failed create: code", text("create", 2, "error", "code"), `"woocommerce_rest_invalid_customer_id"`)
	want(b, "good update", text("update", 0, "status"), `"on-hold"`)
	want(b, "unknown id", text("update", 1, "error", "code"), `"woocommerce_rest_shop_order_invalid_id"`)
	want(b, "unknown id: status", text("update", 1, "error", "data", "status"), "400")
	want(b, "update to nonsense", text("update", 2, "status"), `"pending"`)
	want(b, "an id as text is taken", text("update", 2, "id"), fmt.Sprint(two))
	want(b, "update without id: id", text("update", 3, "id"), "null")
	want(b, "update without id: code", text("update", 3, "error", "code"), `"woocommerce_rest_shop_order_invalid_id"`)
	want(b, "delete of an unknown id", text("delete", 0, "error", "data", "status"), "404")
	want(b, "delete", text("delete", 1, "id"), fmt.Sprint(two))
	b.refused(b.raw("GET", fmt.Sprint("orders/", two), ""), "a batch deletes for good", 404, "woocommerce_rest_shop_order_invalid_id")
	want(b, "an empty batch", strings.TrimSpace(b.raw("POST", "orders/batch", "{}").text), "[]")
	a = b.raw("POST", "orders/batch", fmt.Sprintf(`{"update":[{"id":%d,"status":"pending"},{"id":%d,"status":"on-hold"}]}`, one, one))
	want(b, "the same id twice", text("update", 0, "status")+text("update", 1, "status"), `"pending""on-hold"`)

	results, err := b.client.Orders.UpdateAll(b.Context(), []woo.Change[woo.OrderID, woo.OrderFields]{
		woo.ChangeOf(woo.OrderID(99999999), woo.OrderFields{CustomerNote: woo.Set("x")}),
		woo.ChangeOf(woo.OrderID(one), woo.OrderFields{CustomerNote: woo.Set("typed")}),
	})
	b.must(err)
	want(b, "results", len(results), 2)
	b.isKind("result of the unknown id", results[0].Err, woo.ErrNotFound)
	if results[1].Err != nil || results[1].Item.CustomerNote != "typed" {
		b.Errorf("result of the known id: %+v", results[1])
	}
}

func caseBatchLimit(_ *testing.T, b *bench) {
	id := b.order("").object().int("id")
	item := fmt.Sprintf(`{"id":%d,"customer_note":"over the limit"}`, id)
	items := strings.TrimSuffix(strings.Repeat(item+",", 100), ",")
	for what, body := range map[string]string{
		"101 updates":        `{"update":[` + items + "," + item + `]}`,
		"100 and one delete": fmt.Sprintf(`{"update":[%s],"delete":[%d]}`, items, id),
	} {
		b.refused(b.raw("POST", "orders/batch", body), what, 413, "woocommerce_rest_request_entity_too_large")
	}
	want(b, "nothing was done", b.get(fmt.Sprint("orders/", id)).object().text("customer_note"), "")
}

// caseIgnored: writes that are answered by 200 and not done.
func caseIgnored(_ *testing.T, b *bench) {
	free, _ := b.product(`"manage_stock":false,"regular_price":"20.00"`)
	path := fmt.Sprint("products/", free)
	p := b.put(path, `{"stock_quantity":5}`)
	want(b, "stock of what is not managed", p.get("stock_quantity"), any(nil))
	want(b, "sale price above the regular one", b.put(path, `{"sale_price":"99"}`).text("sale_price"), "")
	want(b, "the price stays", money(b.get(path).object().text("price")).String(), "20")
	managed, _ := b.product(`"manage_stock":true,"stock_quantity":3`)
	want(b, "status of what is managed", b.put(fmt.Sprint("products/", managed), `{"stock_status":"outofstock"}`).text("stock_status"), "instock")
	id := b.order(`"customer_note":"as it was"`).object().int("id")
	o := b.put(fmt.Sprint("orders/", id), `{"total":"999.00","number":"X1","unknown_field":1}`)
	want(b, "an order's total", money(o.text("total")).IsZero(), true)
	want(b, "its number", o.text("number") != "X1", true)
	want(b, "unknown members", o.has("unknown_field"), false)
	// A product that there is not becomes an empty line.
	o = b.order(`"line_items":[{"product_id":99999999,"quantity":2}]`).object()
	want(b, "line of an unknown product", jsonText(within(o, "line_items", 0, "product_id")), "0")
	want(b, "its total", money(fmt.Sprint(within(o, "line_items", 0, "total"))).IsZero(), true)
}

func caseThreeStates(_ *testing.T, b *bench) {
	raw, _ := b.product(`"manage_stock":true,"stock_quantity":3,"regular_price":"8.00"`)
	id := woo.ProductID(raw)
	update := func(w woo.ProductFields) *woo.Product {
		b.Helper()
		p, err := b.client.Products.Update(b.Context(), id, w)
		b.must(err)
		return p
	}
	p := update(woo.ProductFields{LowStockAmount: woo.Set(2), ShortDescription: woo.Set("short")})
	if p.LowStockAmount == nil || *p.LowStockAmount != 2 {
		b.Errorf("set: %v", p.LowStockAmount)
	}
	p = update(woo.ProductFields{Featured: woo.Set(true)})
	if p.LowStockAmount == nil || *p.LowStockAmount != 2 || !strings.Contains(p.ShortDescription, "short") {
		b.Errorf("absent: what is not named stays: %v, %q", p.LowStockAmount, p.ShortDescription)
	}
	p = update(woo.ProductFields{LowStockAmount: woo.Null[int](), ShortDescription: woo.Set("")})
	if p.LowStockAmount != nil || p.ShortDescription != "" || !p.Featured {
		b.Errorf("null clears, the rest stays: %v, %q, %v", p.LowStockAmount, p.ShortDescription, p.Featured)
	}
	p = update(woo.ProductFields{RegularPrice: woo.Null[decimal.Decimal]()})
	want(b, "a price cleared", p.RegularPrice.IsSet(), false)
	order := b.order(`"billing":{"first_name":"Ana","city":"Celje"}`).object().int("id")
	o, err := b.client.Orders.Update(b.Context(), woo.OrderID(order), woo.OrderFields{Billing: woo.Set(woo.AddressFields{City: woo.Set("Maribor")})})
	b.must(err)
	want(b, "addresses are merged by member", o.Billing.FirstName+" "+o.Billing.City, "Ana Maribor")
}

func caseNull(_ *testing.T, b *bench) {
	id, _ := b.product(`"manage_stock":true,"stock_quantity":3,"regular_price":"5.50"`)
	path := fmt.Sprint("products/", id)
	p := b.put(path, `{"stock_quantity":null}`)
	want(b, "null of a managed quantity is", jsonText(p.get("stock_quantity")), "0")
	want(b, "and the status follows", p.text("stock_status"), "outofstock")
	want(b, "a quantity as text is taken", jsonText(b.put(path, `{"stock_quantity":"4"}`).get("stock_quantity")), "4")
	want(b, "no longer managed", jsonText(b.put(path, `{"manage_stock":false}`).get("stock_quantity")), "null")
	want(b, "an empty price", b.put(path, `{"regular_price":""}`).text("price"), "")
	want(b, "an empty SKU", b.put(path, `{"sku":""}`).text("sku"), "")
	b.refused(b.raw("PUT", path, `{"stock_quantity":2.5}`), "a fraction", 400, "rest_invalid_param")
	b.refused(b.raw("PUT", path, `{"stock_quantity":"many"}`), "a word", 400, "rest_invalid_param")
	o := b.create("orders", "{}").object() // an empty order is an order
	want(b, "status of an empty order", o.text("status"), "pending")
	for _, list := range []string{"line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines", "refunds"} {
		want(b, list+" of an empty order", jsonText(o.get(list)), "[]")
	}
	b.refused(b.raw("PUT", fmt.Sprint("orders/", o.int("id")), `{"billing":{"email":""}}`), "an empty address for mail", 400, "rest_invalid_param")
}

func caseDecimals(_ *testing.T, b *bench) {
	id, _ := b.product(`"regular_price":"19.99"`)
	want(b, "price", b.get(fmt.Sprint("products/", id)).object().text("regular_price"), "19.99")
	big := b.put(fmt.Sprint("products/", id), `{"regular_price":"1234567.89"}`)
	want(b, "price, longer", big.text("regular_price"), "1234567.89")
	o := b.order(fmt.Sprintf(`"line_items":[{"product_id":%d,"quantity":3,"subtotal":"0.30","total":"0.10"}]`, id)).object()
	line := within(o, "line_items", 0)
	want(b, "a line's total is text", jsonText(within(line, "total")), `"0.10"`)
	want(b, "its subtotal", jsonText(within(line, "subtotal")), `"0.30"`)
	_, isNumber := within(line, "price").(json.Number)
	want(b, "its price is a number", isNumber, true)
	for _, name := range []string{"total", "total_tax", "shipping_total", "discount_total", "cart_tax"} {
		want(b, name+" is text", isText(o.get(name)), true)
	}
	order, err := b.client.Orders.Get(b.Context(), woo.OrderID(o.int("id")))
	b.must(err)
	want(b, "typed: total", order.LineItems[0].Total.String(), "0.1")
	want(b, "typed: quantity", order.LineItems[0].Quantity.String(), "3")
	four := b.get(fmt.Sprintf("orders/%d?dp=4", o.int("id"))).object()
	_, places, _ := strings.Cut(four.text("total"), ".")
	want(b, "dp=4", len(places), 4)
}

func caseMeta(_ *testing.T, b *bench) {
	key := b.name("meta")
	id := b.order(fmt.Sprintf(`"meta_data":[{"key":%q,"value":{"a":[1,2],"b":"x"}},{"key":%q,"value":5}]`, key, key+"n")).object().int("id")
	path := fmt.Sprint("orders/", id)
	find := func(o *object, key string) *object {
		for _, v := range o.list("meta_data") {
			if m, isObject := v.(*object); isObject && m.text("key") == key {
				return m
			}
		}
		return obj()
	}
	o := b.get(path).object()
	want(b, "objects keep their inner types", jsonText(find(o, key).get("value")), `{"a":[1,2],"b":"x"}`)
	want(b, "scalars come back as text", jsonText(find(o, key+"n").get("value")), `"5"`)
	o = b.put(path, fmt.Sprintf(`{"meta_data":[{"key":%q,"value":"by key"}]}`, key))
	want(b, "written by key", find(o, key).text("value"), "by key")
	o = b.put(path, fmt.Sprintf(`{"meta_data":[{"id":%d,"key":%q,"value":"by id"}]}`, find(o, key).int("id"), key))
	want(b, "written by id", find(o, key).text("value"), "by id")
	o = b.put(path, fmt.Sprintf(`{"meta_data":[{"id":%d,"key":%q,"value":null}]}`, find(o, key).int("id"), key))
	want(b, "deleted by null", find(o, key).has("id"), false)
	want(b, "the other stays", find(b.get(path).object(), key+"n").has("id"), true)
}

func caseLines(_ *testing.T, b *bench) {
	product, sku := b.product(`"regular_price":"10.00"`)
	o := b.order(fmt.Sprintf(`"line_items":[{"product_id":%d,"quantity":2,"subtotal":"20.00","total":"20.00"},{"sku":%q,"quantity":1}],
		"fee_lines":[{"name":"COD","total":"1.50"}],"shipping_lines":[{"method_id":"local_pickup","method_title":"Pickup","total":"0.00"}]`, product, sku)).object()
	path := fmt.Sprint("orders/", o.int("id"))
	want(b, "lines", len(o.list("line_items")), 2)
	want(b, "a line by SKU", jsonText(within(o, "line_items", 1, "product_id")), fmt.Sprint(product))
	want(b, "a fee", jsonText(within(o, "fee_lines", 0, "total")), `"1.50"`)
	line, other := jsonText(within(o, "line_items", 0, "id")), jsonText(within(o, "line_items", 1, "id"))
	o = b.put(path, fmt.Sprintf(`{"line_items":[{"id":%s,"quantity":5}]}`, line))
	want(b, "quantity alone moves no total", jsonText(within(o, "line_items", 0, "total")), `"20.00"`)
	want(b, "quantity", jsonText(within(o, "line_items", 0, "quantity")), "5")
	o = b.put(path, fmt.Sprintf(`{"line_items":[{"id":%s,"quantity":5,"subtotal":"50.00","total":"50.00"}]}`, line))
	want(b, "with its total", jsonText(within(o, "line_items", 0, "total")), `"50.00"`)
	o = b.put(path, fmt.Sprintf(`{"line_items":[{"product_id":%d,"quantity":1}]}`, product))
	want(b, "a line without id is added", len(o.list("line_items")), 3)
	o = b.put(path, fmt.Sprintf(`{"line_items":[{"id":%s,"quantity":0}]}`, line))
	want(b, "quantity 0 removes", len(o.list("line_items")), 2)
	o = b.put(path, fmt.Sprintf(`{"line_items":[{"id":%s,"product_id":null}]}`, other))
	want(b, "product_id null removes", len(o.list("line_items")), 1)
	b.refused(b.raw("PUT", path, `{"line_items":[{"id":99999999,"quantity":1}]}`), "another's line", 400, "woocommerce_rest_invalid_item_id")
}

func caseStock(_ *testing.T, b *bench) {
	id, _ := b.product(`"regular_price":"1.00","manage_stock":true,"stock_quantity":9`)
	path := fmt.Sprint("products/", id)
	stock := func() string { return jsonText(b.get(path).object().get("stock_quantity")) }
	order := fmt.Sprint("orders/", b.order(fmt.Sprintf(`"line_items":[{"product_id":%d,"quantity":2}]`, id)).object().int("id"))
	want(b, "a pending order takes nothing", stock(), "9")
	b.put(order, `{"set_paid":true}`)
	want(b, "a paid one takes", stock(), "7")
	b.put(order, `{"status":"completed"}`)
	want(b, "and once only", stock(), "7")
	b.put(order, `{"status":"cancelled"}`)
	want(b, "a cancelled one gives back", stock(), "9")
	p := b.put(path, `{"stock_quantity":-2}`)
	want(b, "below nothing", jsonText(p.get("stock_quantity"))+p.text("stock_status"), "-2outofstock")
	want(b, "inventory_delta adds", jsonText(b.put(path, `{"inventory_delta":5}`).get("stock_quantity")), "3")
	want(b, "back in stock", b.get(path).object().text("stock_status"), "instock")
	want(b, "with backorders", b.put(path, `{"backorders":"notify","stock_quantity":-1}`).text("stock_status"), "onbackorder")
	results, err := b.client.Products.UpdateAll(b.Context(), []woo.Change[woo.ProductID, woo.ProductFields]{
		woo.ChangeOf(woo.ProductID(id), woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(12))}),
	})
	b.must(err)
	b.must(results[0].Err)
	want(b, "in a batch", stock(), "12")
}

func caseTrash(_ *testing.T, b *bench) {
	path := fmt.Sprint("orders/", b.order(`"status":"processing"`).object().int("id"))
	a := b.raw("DELETE", path, "")
	want(b, "to the trash", a.status, 200)
	want(b, "told as it was", a.object().text("status"), "processing")
	want(b, "in the trash", b.get(path).object().text("status"), "trash")
	b.refused(b.raw("DELETE", path, ""), "once more", 410, "woocommerce_rest_already_trashed")
	want(b, "a status takes it out", b.put(path, `{"status":"on-hold"}`).text("status"), "on-hold")
	want(b, "for good", b.raw("DELETE", path+"?force=true", "").status, 200)
	b.refused(b.raw("GET", path, ""), "gone", 404, "woocommerce_rest_shop_order_invalid_id")
	b.refused(b.raw("PUT", path, `{"customer_note":"x"}`), "a write to what is gone", 400, "woocommerce_rest_shop_order_invalid_id")

	typed := woo.OrderID(b.order("").object().int("id"))
	b.must(b.client.Orders.Delete(b.Context(), typed))
	b.isKind("typed: once more", b.client.Orders.Delete(b.Context(), typed), woo.ErrGone)
	results, err := b.client.Orders.DeleteAll(b.Context(), []woo.OrderID{typed})
	b.must(err)
	b.must(results[0].Err)
	_, err = b.client.Orders.Get(b.Context(), typed)
	b.isKind("typed: gone", err, woo.ErrNotFound)
	product, _ := b.product("")
	b.must(b.client.Products.Delete(b.Context(), woo.ProductID(product)))
	want(b, "a product in the trash", b.get(fmt.Sprint("products/", product)).object().text("status"), "trash")
}

func caseSKU(_ *testing.T, b *bench) {
	id, sku := b.product("")
	a := b.raw("POST", "products", fmt.Sprintf(`{"name":"twin","sku":%q}`, sku))
	b.removeLater("products", a.object().int("id"))
	b.refused(a, "a SKU twice", 400, "product_invalid_sku")
	want(b, "its owner", jsonText(a.at("data", "resource_id")), fmt.Sprint(id))
	_, err := b.client.Products.Create(b.Context(), woo.ProductFields{Name: woo.Set("twin"), SKU: woo.Set(sku)})
	b.isKind("typed", err, woo.ErrDuplicate)
	var e *woo.Error
	if errors.As(err, &e) {
		want(b, "typed: its owner", e.ResourceID, id)
	}
	find := func(sku string) string { return b.get("products?_fields=id&sku=" + url.QueryEscape(sku)).ids() }
	want(b, "by SKU", find(sku), fmt.Sprint(id))
	want(b, "in other case", find(strings.ToLower(sku)), fmt.Sprint(id))
	want(b, "with space around", find(" "+sku+" "), fmt.Sprint(id))
	want(b, "one of a list", find("no such,"+sku), fmt.Sprint(id))
	want(b, "a part is not found", find(sku[:len(sku)-1]), "")
	other, _ := b.product("")
	b.refused(b.raw("PUT", fmt.Sprint("products/", other), fmt.Sprintf(`{"sku":%q}`, sku)), "a change to it", 400, "product_invalid_sku")
}

func caseProducts(_ *testing.T, b *bench) {
	sku := b.name("SKU")
	made, err := b.client.Products.Create(b.Context(), woo.ProductFields{
		Name: woo.Set(`A <b>bold</b> & "q"`), SKU: woo.Set(sku), RegularPrice: woo.Set(decimal.RequireFromString("21.99")),
		ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(decimal.NewFromInt(7)), Description: woo.Set("<p>Text.</p>"),
		MetaData: woo.Set([]woo.MetaFields{woo.SetMeta("erp_id", "E1")}),
	})
	b.must(err)
	b.removeLater("products", int64(made.ID))
	got, err := b.client.Products.Get(b.Context(), made.ID)
	b.must(err)
	want(b, "names are HTML", strings.Contains(got.Name, "&amp;"), true)
	want(b, "SKU", got.SKU, sku)
	want(b, "price", got.RegularPrice.String(), "21.99")
	want(b, "stock", got.StockQuantity.String(), "7")
	want(b, "type and status", string(got.Type)+" "+string(got.Status), "simple publish")
	var found []woo.ProductID
	for p, err := range b.client.Products.All(b.Context(), woo.ProductQuery{Include: []woo.ProductID{made.ID}}) {
		b.must(err)
		found = append(found, p.ID)
	}
	want(b, "All", fmt.Sprint(found), fmt.Sprint([]woo.ProductID{made.ID}))
	past := b.get(fmt.Sprintf("products?include=%d&page=9", made.ID))
	want(b, "a page beyond the last", strings.TrimSpace(past.text), "[]")
	updated, err := b.client.Products.Update(b.Context(), made.ID, woo.ProductFields{SalePrice: woo.Set(decimal.RequireFromString("15.50"))})
	b.must(err)
	want(b, "price on sale", updated.Price.String(), "15.5")
	want(b, "on sale", updated.OnSale, true)
}

// shirt makes a variable product with one variation for each of Red and Blue.
func (b *bench) shirt(fields, variation string) (product int64, variations [2]int64) {
	b.Helper()
	product, sku := b.product(`"type":"variable","attributes":[{"name":"Hue","visible":true,"variation":true,"options":["Red","Blue"]}]` + fields)
	for i, hue := range []string{"Red", "Blue"} {
		a := b.raw("POST", fmt.Sprintf("products/%d/variations", product),
			fmt.Sprintf(`{"sku":"%s-%s","regular_price":"9.00","attributes":[{"name":"Hue","option":%q}]%s}`, sku, hue, hue, variation))
		if a.status != http.StatusCreated {
			b.Fatalf("variation: %d %s", a.status, a.text)
		}
		variations[i] = a.object().int("id")
	}
	return product, variations
}

func caseVariations(_ *testing.T, b *bench) {
	product, v := b.shirt("", `,"manage_stock":true,"stock_quantity":4`)
	path := fmt.Sprintf("products/%d/variations", product)
	all := b.client.Variations(woo.ProductID(product))
	var found []int64
	for variation, err := range all.All(b.Context(), woo.VariationQuery{}) {
		b.must(err)
		found = append(found, int64(variation.ID))
	}
	want(b, "All", fmt.Sprint(found), fmt.Sprint(v[:]))
	list := b.get(fmt.Sprint("products/", product)).object().list("variations")
	want(b, "the product names them", len(list), 2)
	updated, err := all.Update(b.Context(), woo.VariationID(v[0]), woo.VariationFields{StockQuantity: woo.Set(decimal.NewFromInt(11))})
	b.must(err)
	want(b, "stock of its own", updated.StockQuantity.String(), "11")
	want(b, "that of the other stays", jsonText(b.get(fmt.Sprint(path, "/", v[1])).object().get("stock_quantity")), "4")
	under := b.get(fmt.Sprint("products/", v[0])).object()
	want(b, "as a product: type", under.text("type"), "variation")
	want(b, "as a product: parent", under.int("parent_id"), product)
	b.refused(b.raw("PUT", fmt.Sprint("products/", v[0]), `{"stock_quantity":1}`), "written as a product", 404, "woocommerce_rest_invalid_product_id")
	b.refused(b.raw("GET", path+"/99999999", ""), "unknown", 404, "woocommerce_rest_product_variation_invalid_id")
	simple, _ := b.product("")
	want(b, "of a simple product", strings.TrimSpace(b.get(fmt.Sprintf("products/%d/variations", simple)).text), "[]")
	want(b, "of no product", strings.TrimSpace(b.get("products/99999999/variations").text), "[]")
	a := b.raw("POST", path+"/batch", fmt.Sprintf(`{"update":[{"id":%d,"stock_quantity":20},{"id":99999999,"stock_quantity":1}],"delete":[99999998]}`, v[1]))
	want(b, "batch", jsonText(a.at("update", 0, "stock_quantity")), "20")
	want(b, "batch: unknown", jsonText(a.at("update", 1, "error", "code")), `"woocommerce_rest_product_variation_invalid_id"`)
	if id := a.at("delete", 0, "id"); jsonText(id) != "99999998" && jsonText(within(id, "id")) != "99999998" { // an object in newer versions
		b.Errorf("batch: id of a failed delete: %s", jsonText(id))
	}
	want(b, "to the trash without force", b.raw("DELETE", fmt.Sprint(path, "/", v[1]), "").status, 200)
	order := b.order(fmt.Sprintf(`"line_items":[{"product_id":%d,"variation_id":%d,"quantity":1}]`, product, v[0])).object()
	want(b, "a line's variation", jsonText(within(order, "line_items", 0, "variation_id")), fmt.Sprint(v[0]))
	want(b, "a line's product", jsonText(within(order, "line_items", 0, "product_id")), fmt.Sprint(product))
}

func caseInherited(_ *testing.T, b *bench) {
	product, v := b.shirt(`,"manage_stock":true,"stock_quantity":20`, "")
	path := fmt.Sprintf("products/%d/variations/%d", product, v[0])
	o := b.get(path).object()
	want(b, "manage_stock is neither true nor false", jsonText(o.get("manage_stock")), `"parent"`)
	want(b, "the parent's quantity", jsonText(o.get("stock_quantity")), "20")
	o = b.put(path, `{"stock_quantity":4}`)
	want(b, "a write of it is ignored", jsonText(o.get("stock_quantity")), "20")
	typed, err := b.client.Variations(woo.ProductID(product)).Get(b.Context(), woo.VariationID(v[0]))
	b.must(err)
	want(b, "typed", fmt.Sprint(typed.ManageStock), fmt.Sprint(woo.StockByParent))
	b.order(fmt.Sprintf(`"set_paid":true,"line_items":[{"product_id":%d,"variation_id":%d,"quantity":3}]`, product, v[0]))
	want(b, "an order takes from the parent", jsonText(b.get(fmt.Sprint("products/", product)).object().get("stock_quantity")), "17")
	want(b, "and the other variation sees it",
		jsonText(b.get(fmt.Sprintf("products/%d/variations/%d", product, v[1])).object().get("stock_quantity")), "17")
}

func caseCustomers(_ *testing.T, b *bench) {
	email := b.name("ana") + "@example.test"
	made, err := b.client.Customers.Create(b.Context(), woo.CustomerFields{
		Email: woo.Set(email), FirstName: woo.Set("Ana"), Billing: woo.Set(woo.AddressFields{City: woo.Set("Kranj"), Country: woo.Set("SI")}),
		MetaData: woo.Set([]woo.MetaFields{woo.SetMeta("vat_number", "SI1")}),
	})
	b.must(err)
	b.removeLater("customers", int64(made.ID))
	path := fmt.Sprint("customers/", made.ID)
	updated, err := b.client.Customers.Update(b.Context(), made.ID, woo.CustomerFields{LastName: woo.Set("Novak")})
	b.must(err)
	want(b, "updated", updated.FirstName+" "+updated.LastName+" "+updated.Billing.City, "Ana Novak Kranj")
	want(b, "by e-mail", b.get("customers?email="+url.QueryEscape(email)).ids(), fmt.Sprint(made.ID))
	a := b.raw("POST", "customers", fmt.Sprintf(`{"email":%q}`, email))
	b.removeLater("customers", a.object().int("id"))
	b.refused(a, "an address twice", 400, "registration-error-email-exists")
	b.refused(b.raw("DELETE", path, ""), "without force", 501, "woocommerce_rest_trash_not_supported")
	order := b.order(fmt.Sprintf(`"customer_id":%d`, made.ID)).object().int("id")
	want(b, "orders of a customer", b.get(fmt.Sprintf("orders?customer=%d", made.ID)).ids(), fmt.Sprint(order))
	want(b, "deleted", b.raw("DELETE", path+"?force=true&reassign=0", "").status, 200)
	if a := b.raw("GET", path, ""); a.status != http.StatusNotFound {
		b.Errorf("gone: %d %s", a.status, a.text)
	}
}

func caseCoupons(_ *testing.T, b *bench) {
	code := strings.ToUpper(b.name("code"))
	a := b.create("coupons", fmt.Sprintf(`{"code":%q,"amount":"10","discount_type":"percent"}`, code))
	path := fmt.Sprint("coupons/", a.object().int("id"))
	want(b, "codes are in small letters", a.object().text("code"), strings.ToLower(code))
	want(b, "amount", a.object().text("amount"), "10.00")
	want(b, "no limit", jsonText(a.object().get("usage_limit")), "null")
	twin := b.raw("POST", "coupons", fmt.Sprintf(`{"code":%q,"amount":"1"}`, code))
	b.removeLater("coupons", twin.object().int("id"))
	b.refused(twin, "a code twice", 400, "woocommerce_rest_coupon_code_already_exists")
	want(b, "by code, in any case", b.get("coupons?code="+code).ids(), fmt.Sprint(a.object().int("id")))
	want(b, "updated", b.put(path, `{"amount":"12","usage_limit":3}`).text("amount"), "12.00")
	product, _ := b.product(`"regular_price":"50.00","tax_status":"none"`)
	o := b.order(fmt.Sprintf(`"line_items":[{"product_id":%d,"quantity":1,"subtotal":"50.00","total":"50.00"}],"coupon_lines":[{"code":%q}]`, product, code)).object()
	want(b, "used on an order", jsonText(within(o, "coupon_lines", 0, "code")), fmt.Sprintf("%q", strings.ToLower(code)))
	want(b, "deleted", b.raw("DELETE", path+"?force=true", "").status, 200)
	b.refused(b.raw("GET", path, ""), "gone", 404, "woocommerce_rest_shop_coupon_invalid_id")
}

func caseTerms(_ *testing.T, b *bench) {
	name := b.name("Category") + " & more"
	a := b.create("products/categories", fmt.Sprintf(`{"name":%q}`, name))
	id := a.object().int("id")
	want(b, "names are HTML", a.object().text("name"), strings.ReplaceAll(name, "&", "&amp;"))
	twin := b.raw("POST", "products/categories", fmt.Sprintf(`{"name":%q}`, name))
	b.removeLater("products/categories", twin.object().int("id"))
	b.refused(twin, "a name twice", 400, "term_exists")
	want(b, "its owner", jsonText(twin.at("data", "resource_id")), fmt.Sprint(id))
	product, _ := b.product(fmt.Sprintf(`"categories":[{"id":%d}]`, id))
	want(b, "named on a product", jsonText(b.get(fmt.Sprint("products/", product)).at("categories", 0, "id")), fmt.Sprint(id))
	want(b, "products of a category", b.get(fmt.Sprintf("products?category=%d", id)).ids(), fmt.Sprint(product))
	b.refused(b.raw("DELETE", fmt.Sprint("products/categories/", id), ""), "without force", 501, "woocommerce_rest_trash_not_supported")
	want(b, "updated", b.put(fmt.Sprint("products/categories/", id), `{"description":"Text"}`).text("description") != "", true)
}

func caseNotes(_ *testing.T, b *bench) {
	id := woo.OrderID(b.order("").object().int("id"))
	notes := b.client.OrderNotes(id)
	note, err := notes.Create(b.Context(), woo.OrderNoteFields{Note: woo.Set("Exported as X-1")})
	b.must(err)
	want(b, "note", note.Note, "Exported as X-1")
	want(b, "for the shop alone", note.CustomerNote, false)
	got, err := notes.Get(b.Context(), note.ID)
	b.must(err)
	want(b, "read", got.Note, note.Note)
	list := b.get(fmt.Sprintf("orders/%d/notes", id))
	want(b, "the list is not paged", list.header.Get("X-WP-Total"), "")
	want(b, "the list holds it", slices.Contains(strings.Split(list.ids(), ","), fmt.Sprint(note.ID)), true)
	want(b, "none for the customer", strings.TrimSpace(b.get(fmt.Sprintf("orders/%d/notes?type=customer", id)).text), "[]")
	path := fmt.Sprintf("orders/%d/notes", id)
	b.refused(b.raw("POST", path, "{}"), "without text", 400, "rest_missing_callback_param")
	b.refused(b.raw("DELETE", fmt.Sprint(path, "/", note.ID), ""), "without force", 501, "woocommerce_rest_trash_not_supported")
	b.refused(b.raw("PUT", fmt.Sprint(path, "/", note.ID), `{"note":"x"}`), "there is no update", 404, "rest_no_route")
	b.must(notes.Delete(b.Context(), note.ID))
	_, err = notes.Get(b.Context(), note.ID)
	b.isKind("deleted", err, woo.ErrNotFound)
}

func caseRefunds(_ *testing.T, b *bench) {
	product, _ := b.product(`"regular_price":"10.00","manage_stock":true,"stock_quantity":5`)
	o := b.order(fmt.Sprintf(`"set_paid":true,"line_items":[{"product_id":%d,"quantity":2,"subtotal":"20.00","total":"20.00"}]`, product)).object()
	id := woo.OrderID(o.int("id"))
	path := fmt.Sprintf("orders/%d/refunds", id)
	refund, err := b.client.Refunds(id).Create(b.Context(), woo.RefundFields{
		Amount: woo.Set(decimal.RequireFromString("2.50")), Reason: woo.Set("broken"), APIRefund: woo.Set(false),
	})
	b.must(err)
	want(b, "amount", refund.Amount.String(), "2.5")
	want(b, "of an amount alone there are no lines", len(refund.LineItems), 0)
	after := b.get(fmt.Sprint("orders/", id)).object()
	want(b, "the order tells it below nothing", jsonText(within(after, "refunds", 0, "total")), `"-2.50"`)
	want(b, "its own total stays", after.text("total"), o.text("total"))
	a := b.raw("POST", path, `{"amount":"99999","api_refund":false}`)
	b.refused(a, "too much", 500, "woocommerce_rest_cannot_create_order_refund")
	_, isNumber := a.at("data").(json.Number)
	want(b, "data is a number", isNumber, true)
	line := jsonText(within(o, "line_items", 0, "id"))
	a = b.raw("POST", path, fmt.Sprintf(`{"api_refund":false,"amount":"1.00","line_items":[{"id":%s,"quantity":1,"refund_total":1.0}]}`, line))
	want(b, "of a line", a.status, 201)
	want(b, "its quantity", jsonText(a.at("line_items", 0, "quantity")), "-1")
	want(b, "its total", jsonText(a.at("line_items", 0, "total")), `"-1.00"`)
	want(b, "it is back in stock", jsonText(b.get(fmt.Sprint("products/", product)).object().get("stock_quantity")), "4")
	b.refused(b.raw("DELETE", fmt.Sprint(path, "/", refund.ID), ""), "without force", 501, "woocommerce_rest_trash_not_supported")
	b.must(b.client.Refunds(id).Delete(b.Context(), refund.ID))
	b.refused(b.raw("GET", fmt.Sprint(path, "/", refund.ID), ""), "deleted", 404, "woocommerce_rest_shop_order_refund_invalid_id")
	list, _, err := b.client.Refunds(id).List(b.Context(), woo.RefundQuery{})
	b.must(err)
	want(b, "left", len(list), 1)
}

func caseWebhooks(_ *testing.T, b *bench) {
	// Nobody listens: that stops no creation.
	a := b.create("webhooks", fmt.Sprintf(`{"name":%q,"topic":"order.updated","delivery_url":"http://127.0.0.1:1/none","secret":"k","status":"paused"}`, b.name("hook")))
	o := a.object()
	path := fmt.Sprint("webhooks/", o.int("id"))
	want(b, "status is active, whatever was asked for", o.text("status"), "active")
	want(b, "resource and event", o.text("resource")+" "+o.text("event"), "order updated")
	want(b, "the secret is not told", o.has("secret"), false)
	want(b, "paused", b.put(path, `{"status":"paused"}`).text("status"), "paused")
	want(b, "renamed", b.put(path, `{"name":"renamed"}`).text("name"), "renamed")
	b.refused(b.raw("DELETE", path, ""), "without force", 501, "woocommerce_rest_trash_not_supported")
	want(b, "deleted", b.raw("DELETE", path+"?force=true", "").status, 200)
}

// received is one request of the store's.
type received struct {
	header http.Header
	body   string
}

// inbox keeps what the store sends.
type inbox struct {
	mu  sync.Mutex
	all []received
}

func (i *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, received{r.Header, string(body)})
}

// of webhook id: its deliveries for one resource, and its pings.
func (i *inbox) of(hook, resource int64) (deliveries, pings []received) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range i.all {
		switch {
		case r.body == fmt.Sprint("webhook_id=", hook):
			pings = append(pings, r)
		case r.header.Get("X-WC-Webhook-ID") == fmt.Sprint(hook) && (strings.HasPrefix(r.body, fmt.Sprintf(`{"id":%d,`, resource)) || r.body == fmt.Sprintf(`{"id":%d}`, resource)):
			deliveries = append(deliveries, r)
		}
	}
	return deliveries, pings
}

// until lets the store run its queue and waits for done.
func (b *bench) until(what string, done func() bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), b.target.Patience)
	defer cancel()
	for !done() {
		if b.target.Deliver != nil {
			b.target.Deliver(ctx)
			if !done() {
				b.Fatalf("%s: the store has run its queue, and nothing came", what)
			}
			return
		}
		b.visit(ctx)
		select {
		case <-ctx.Done():
			b.Fatalf("%s: nothing within %v", what, b.target.Patience)
		case <-time.After(3 * time.Second):
		}
	}
}

// visit is traffic, without which WordPress runs nothing.
func (b *bench) visit(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(b.target.URL, "/")+"/wp-cron.php?doing_wp_cron", nil)
	if err != nil {
		return
	}
	if res, err := b.target.Transport.RoundTrip(req); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

func caseDeliveries(t *testing.T, b *bench) {
	if b.target.Receive == nil {
		t.Skip("Target.Receive is not set (TILLWIRE_TEST_WOO_LISTEN): no webhooks")
	}
	box := &inbox{}
	base, stop, err := b.target.Receive(box)
	b.must(err)
	b.Cleanup(stop)                 // runs after the webhooks are gone
	const secret = `s3cr&t "<key>"` //nolint:gosec // of a webhook that lives for a minute
	hook := func(topic string) int64 {
		body, err := json.Marshal(map[string]string{"name": b.name(topic), "topic": topic, "delivery_url": base + "/" + topic, "secret": secret})
		b.must(err)
		return b.create("webhooks", string(body)).object().int("id")
	}
	created, updated, deleted := hook("order.created"), hook("order.updated"), hook("order.deleted")
	for _, id := range []int64{created, updated, deleted} {
		_, pings := box.of(id, 0)
		if len(pings) == 0 {
			b.Fatalf("webhook %d: no ping came while it was made", id)
		}
		want(b, "a ping is a form", pings[0].header.Get("Content-Type"), "application/x-www-form-urlencoded")
		for name := range pings[0].header {
			want(b, "a ping has no "+name, strings.HasPrefix(name, "X-Wc-"), false)
		}
	}
	id := b.order(`"status":"pending"`).object().int("id")
	path := fmt.Sprint("orders/", id)
	for _, status := range []string{"on-hold", "processing"} {
		b.put(path, fmt.Sprintf(`{"status":%q}`, status))
	}
	b.put(path, `{"customer_note":"the last change"}`)
	last := func() *received {
		all, _ := box.of(updated, id)
		if len(all) == 0 {
			return nil
		}
		return &all[len(all)-1]
	}
	b.until("order.updated", func() bool { r := last(); return r != nil && strings.Contains(r.body, "the last change") })
	b.until("order.created", func() bool { all, _ := box.of(created, id); return len(all) > 0 })
	all, _ := box.of(updated, id)
	if len(all) > 4 { // creation and three changes: merged, unless the queue ran between
		b.Errorf("%d deliveries of at most 4 changes", len(all))
	}
	r := last()
	doc, err := parseObject([]byte(r.body))
	b.must(err)
	want(b, "the state when it is delivered", doc.text("status"), "processing")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(r.body))
	want(b, "signature over the raw body", r.header.Get("X-WC-Webhook-Signature"), base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for name, value := range map[string]string{
		"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Resource": "order", "X-WC-Webhook-Event": "updated", "X-WC-Webhook-ID": fmt.Sprint(updated),
	} {
		want(b, name, r.header.Get(name), value)
	}
	want(b, "X-WC-Webhook-Delivery-ID is there", r.header.Get("X-WC-Webhook-Delivery-ID") != "", true)
	want(b, "X-WC-Webhook-Source ends with a slash", strings.HasSuffix(r.header.Get("X-WC-Webhook-Source"), "/"), true)
	want(b, "Content-Type is JSON", strings.HasPrefix(r.header.Get("Content-Type"), "application/json"), true)

	b.put(fmt.Sprint("webhooks/", updated), `{"status":"paused"}`)
	b.put(path, `{"customer_note":"while paused"}`)
	want(b, "to the trash", b.raw("DELETE", path, "").status, 200)
	b.until("order.deleted", func() bool { all, _ := box.of(deleted, id); return len(all) > 0 })
	gone, _ := box.of(deleted, id)
	want(b, "of what is deleted there is the id", gone[0].body, fmt.Sprintf(`{"id":%d}`, id))
	all, _ = box.of(updated, id)
	want(b, "nothing of what happens while paused", slices.ContainsFunc(all, func(r received) bool { return strings.Contains(r.body, "while paused") }), false)
}
