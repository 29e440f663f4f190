package wootest_test

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

func TestStockWrites(t *testing.T) {
	t.Parallel()
	const managed, unmanaged = `{"manage_stock":true,"stock_quantity":3}`, `{"manage_stock":false}`
	for _, tc := range []struct {
		name, before, write string
		status              int
		quantity            any
		stock               string
	}{
		{"set", managed, `{"stock_quantity":5}`, 200, 5.0, "instock"},
		{"text", managed, `{"stock_quantity":"4"}`, 200, 4.0, "instock"},
		{"fraction", managed, `{"stock_quantity":1.5}`, 400, 3.0, "instock"},
		{"word", managed, `{"stock_quantity":"many"}`, 400, 3.0, "instock"},
		{"null", managed, `{"stock_quantity":null}`, 200, 0.0, "outofstock"},
		{"negative", managed, `{"stock_quantity":-2}`, 200, -2.0, "outofstock"},
		{"negative, backorders", managed, `{"stock_quantity":-2,"backorders":"notify"}`, 200, -2.0, "onbackorder"},
		{"unmanaged: ignored", unmanaged, `{"stock_quantity":5}`, 200, nil, "instock"},
		{"status of managed: ignored", managed, `{"stock_status":"outofstock"}`, 200, 3.0, "instock"},
		{"status of unmanaged", unmanaged, `{"stock_status":"outofstock"}`, 200, nil, "outofstock"},
		{"no longer managed", managed, `{"manage_stock":false}`, 200, nil, "instock"},
		{"managed from now on", unmanaged, `{"manage_stock":true,"stock_quantity":6}`, 200, 6.0, "instock"},
		{"delta", managed, `{"inventory_delta":2}`, 200, 5.0, "instock"},
	} {
		shop := newShop(t, wootest.Config{})
		id, err := shop.AddProduct([]byte(tc.before))
		require.NoError(t, err)
		require.Equal(t, tc.status, send(t, shop, "PUT", fmt.Sprint("products/", id), tc.write).status, tc.name)
		p := product0(t, shop, id)
		require.Equal(t, tc.quantity, p["stock_quantity"], tc.name)
		require.Equal(t, tc.stock, p["stock_status"], tc.name)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddProduct([]byte(`{"regular_price":"20"}`))
	require.NoError(t, err)
	put := func(body string) map[string]any {
		send(t, shop, "PUT", fmt.Sprint("products/", id), body)
		return product0(t, shop, id)
	}
	require.Equal(t, "15", put(`{"sale_price":"15"}`)["price"])
	require.Empty(t, put(`{"sale_price":"20"}`)["sale_price"], "not below the regular price: dropped")
	require.Equal(t, 400, send(t, shop, "PUT", fmt.Sprint("products/", id), `{"regular_price":21.99}`).status)
	require.Empty(t, put(`{"regular_price":""}`)["price"])
	require.Equal(t, `A <b>b</b> &amp; "q"`, put(`{"name":"A <b>b</b> & \"q\""}`)["name"])
}

func TestVariations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		parent, err := shop.AddProduct([]byte(`{"name":"Shirt","type":"variable","manage_stock":true,"stock_quantity":7}`))
		require.NoError(t, err)
		a := send(t, shop, "POST", fmt.Sprintf("products/%d/variations", parent), `{"sku":"S-RED","regular_price":"9","manage_stock":true,"stock_quantity":2}`)
		require.Equal(t, 201, a.status, a.body)
		own := int64(a.object(t)["id"].(float64))
		a = send(t, shop, "POST", fmt.Sprintf("products/%d/variations", parent), `{"sku":"S-BLUE","manage_stock":"parent"}`)
		shared := int64(a.object(t)["id"].(float64))

		time.Sleep(time.Hour)
		path := fmt.Sprintf("products/%d/variations/", parent)
		require.Equal(t, 200, send(t, shop, "PUT", fmt.Sprint(path, own), `{"stock_quantity":1}`).status)
		require.Equal(t, product0(t, shop, own)["date_modified"], product0(t, shop, parent)["date_modified"], "moves its parent")
		p := send(t, shop, "PUT", fmt.Sprint(path, shared), `{"stock_quantity":1}`).object(t)
		require.InDelta(t, 7, p["stock_quantity"], 0, "the parent's; ignored with 200")

		require.Equal(t, 404, send(t, shop, "PUT", fmt.Sprint("products/", own), `{"stock_quantity":1}`).status)
		require.Equal(t, "variation", send(t, shop, "GET", fmt.Sprint("products/", own), "").object(t)["type"])
		require.Equal(t, "woocommerce_rest_product_variation_invalid_id", send(t, shop, "GET", fmt.Sprint("products/999/variations/", own), "").object(t)["code"])
		require.Equal(t, "[]", send(t, shop, "GET", "products/999/variations", "").body)
		require.Len(t, send(t, shop, "GET", "products", "").list(t), 1)
		require.Len(t, send(t, shop, "GET", "variations", "").list(t), 2)
		require.Len(t, send(t, shop, "GET", "products?sku=S-RED,s-blue", "").list(t), 2, "variations too, in any case")
		require.Len(t, send(t, shop, "GET", "products?sku=", "").list(t), 1, "no filter")

		a = send(t, shop, "POST", fmt.Sprintf("products/%d/variations/batch", parent), `{"delete":[999]}`)
		require.Contains(t, a.body, fmt.Sprintf(`"id":{"id":999,"product_id":%d,"force":true}`, parent), "an object for an id")
	})
}

func TestSKU(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddProduct([]byte(`{"sku":"AB,12"}`))
	require.NoError(t, err)
	find := func(sku string) int {
		return len(send(t, shop, "GET", "products?sku="+url.QueryEscape(sku), "").list(t))
	}
	require.Equal(t, 1, find("AB,12"))
	require.Equal(t, 1, find(" ab,12 "))
	require.Equal(t, 0, find("AB"))
	_, err = shop.AddProduct([]byte(`{"sku":"R&D <1>"}`))
	require.NoError(t, err)
	require.Equal(t, 0, find("R&D <1>"), "the store strips the query")
	a := send(t, shop, "POST", "products", `{"sku":"ab,12"}`)
	require.Equal(t, "product_invalid_sku", a.object(t)["code"])
	require.InDelta(t, id, a.object(t)["data"].(map[string]any)["resource_id"], 0)
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	shop.Seed(1, 1)
	a := send(t, shop, "POST", "customers", `{"email":"ana@example.test","first_name":"Ana","billing":{"city":"Celje"}}`)
	require.Equal(t, 201, a.status)
	path := fmt.Sprint("customers/", a.object(t)["id"])
	require.Equal(t, "registration-error-email-exists", send(t, shop, "POST", "customers", `{"email":"ANA@example.test"}`).object(t)["code"])
	require.Len(t, send(t, shop, "GET", "customers?email=Ana@example.test", "").list(t), 1)
	require.Equal(t, "51", send(t, shop, "GET", "customers", "").header.Get("X-WP-Total"))
	require.Equal(t, "Maribor", send(t, shop, "PUT", path, `{"billing":{"city":"Maribor"}}`).object(t)["billing"].(map[string]any)["city"])
	require.Equal(t, 501, send(t, shop, "DELETE", path, "").status)
	require.Equal(t, 200, send(t, shop, "DELETE", path+"?force=true", "").status)
	require.Equal(t, 404, send(t, shop, "GET", path, "").status)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddOrder([]byte(`{}`))
	require.NoError(t, err)
	path := fmt.Sprintf("orders/%d/notes", id)
	send(t, shop, "POST", path, `{"note":"first"}`)
	send(t, shop, "POST", path, `{"note":"on the way","customer_note":true}`)
	require.Equal(t, []wootest.Note{{ID: 1, Text: "first"}, {ID: 2, Text: "on the way", ToCustomer: true}}, shop.Notes(id))
	require.Len(t, send(t, shop, "GET", path+"?type=customer", "").list(t), 1)
	require.Len(t, send(t, shop, "GET", path+"?type=internal", "").list(t), 1)
	list := send(t, shop, "GET", path, "")
	require.Empty(t, list.header.Get("X-WP-Total"))
	require.Equal(t, 501, send(t, shop, "DELETE", path+"/1", "").status)
	require.Equal(t, 200, send(t, shop, "DELETE", path+"/1?force=true", "").status)
	require.Len(t, shop.Notes(id), 1)
	require.Equal(t, 404, send(t, shop, "GET", "orders/7/notes", "").status)
	require.Equal(t, 404, send(t, shop, "PUT", path+"/2", `{"note":"x"}`).status, "no update")
}
