package wootest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

func TestCreateOrder(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup","sku":"CUP","regular_price":"12.20","manage_stock":true,"stock_quantity":5}`))
	require.NoError(t, err)
	a := send(t, shop, "POST", "orders", fmt.Sprintf(`{"set_paid":true,"billing":{"first_name":"Ana"},"total":"999","nonsense":1,
		"line_items":[{"product_id":%d,"quantity":2},{"product_id":999999,"quantity":3}],
		"fee_lines":[{"name":"Discount","total":"-2.00"}],"shipping_lines":[{"method_id":"flat_rate","method_title":"Flat","total":"5.00"}]}`, product))
	require.Equal(t, 201, a.status, a.body)
	o := a.object(t)
	require.Equal(t, "processing", o["status"])
	require.Equal(t, "28.06", o["total"], "(20 - 2 + 5) * 1.22")
	require.Equal(t, "5.06", o["total_tax"])
	require.Equal(t, "5.00", o["shipping_total"])
	require.NotNil(t, o["date_paid_gmt"])
	lines := o["line_items"].([]any)
	require.Equal(t, "20.00", lines[0].(map[string]any)["total"])
	require.InDelta(t, 10, lines[0].(map[string]any)["price"], 0.0001)
	require.InDelta(t, 0, lines[1].(map[string]any)["product_id"], 0, "an unknown product is accepted as nothing")
	require.Nil(t, lines[1].(map[string]any)["sku"])
	require.Contains(t, a.header.Get("Location"), fmt.Sprint("/wc/v3/orders/", o["id"]))
	require.InDelta(t, 3, product0(t, shop, product)["stock_quantity"], 0)

	require.Equal(t, 201, send(t, shop, "POST", "orders", "").status, "an empty order is an order")
	a = send(t, shop, "POST", "orders", `{"line_items":[{"name":"free text"}]}`)
	require.Equal(t, "woocommerce_rest_required_product_reference", a.object(t)["code"])
	a = send(t, shop, "POST", "orders", `{"coupon_lines":[{"code":"nope"}]}`)
	require.Equal(t, "Coupon &quot;nope&quot; cannot be applied because it does not exist.", a.object(t)["message"])
	require.NotZero(t, a.object(t)["data"].(map[string]any)["new_draft_order_id"])
	require.Len(t, send(t, shop, "GET", "orders", "").list(t), 2, "drafts are hidden")
}

func product0(t testing.TB, shop *wootest.Shop, id int64) (p map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(shop.Product(id), &p))
	return p
}

func TestUpdateOrderLines(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup","regular_price":"12.20"}`))
	require.NoError(t, err)
	id, err := shop.AddOrder(fmt.Appendf(nil, `{"line_items":[{"product_id":%d,"quantity":2},{"product_id":%d,"quantity":1}]}`, product, product))
	require.NoError(t, err)
	line := func(n int) map[string]any {
		var o struct {
			Lines []map[string]any `json:"line_items"`
		}
		require.NoError(t, json.Unmarshal(shop.Order(id), &o))
		if n >= len(o.Lines) {
			return nil
		}
		return o.Lines[n]
	}
	put := func(body string, args ...any) answer {
		return send(t, shop, "PUT", fmt.Sprint("orders/", id), fmt.Sprintf(body, args...))
	}
	require.Equal(t, 200, put(`{"line_items":[{"id":%v,"quantity":4}]}`, line(0)["id"]).status)
	require.Equal(t, "20.00", line(0)["total"], "quantity alone moves no total")
	require.InDelta(t, 5, line(0)["price"], 0.0001)
	put(`{"line_items":[{"id":%v,"quantity":4,"subtotal":"40.00","total":"30.00"}]}`, line(0)["id"])
	require.Equal(t, "30.00", line(0)["total"])
	require.Equal(t, "40.00", line(0)["subtotal"])
	put(`{"line_items":[{"id":%v,"quantity":0}]}`, line(1)["id"])
	require.Nil(t, line(1))
	put(`{"line_items":[{"id":%v,"product_id":null}]}`, line(0)["id"])
	require.Nil(t, line(0))
	require.Equal(t, "0.00", put(`{}`).object(t)["total"])
}

func TestMeta(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddOrder([]byte(`{"meta_data":[{"key":"a","value":"1"},{"key":"b","value":{"x":[1,2.50]}}]}`))
	require.NoError(t, err)
	put := func(body string) {
		t.Helper()
		require.Equal(t, 200, send(t, shop, "PUT", fmt.Sprint("orders/", id), body).status)
	}
	put(`{"meta_data":[{"key":"a","value":5}]}`)
	require.JSONEq(t, `"5"`, string(shop.Meta(id, "a")), "by key; scalars come back as text")
	require.Contains(t, string(shop.Meta(id, "b")), "[1,2.50]", "spelt as it was")
	var o struct {
		Meta []struct {
			ID  int
			Key string
		} `json:"meta_data"`
	}
	require.NoError(t, json.Unmarshal(shop.Order(id), &o))
	require.Len(t, o.Meta, 2)
	put(fmt.Sprintf(`{"meta_data":[{"id":%d,"value":"by id"}]}`, o.Meta[1].ID))
	require.JSONEq(t, `"by id"`, string(shop.Meta(id, "b")))
	put(fmt.Sprintf(`{"meta_data":[{"id":%d,"key":"b","value":null},{"key":"c","value":true},{"key":"d","value":{}}]}`, o.Meta[1].ID))
	require.Nil(t, shop.Meta(id, "b"))
	require.JSONEq(t, `"1"`, string(shop.Meta(id, "c")))
	require.JSONEq(t, `[]`, string(shop.Meta(id, "d")))
}

// modified is when the store believes the order was last changed.
func modified(t testing.TB, shop *wootest.Shop, id int64) string {
	t.Helper()
	var o struct {
		At string `json:"date_modified_gmt"`
	}
	require.NoError(t, json.Unmarshal(shop.Order(id), &o))
	return o.At
}

func TestWhatMovesDateModified(t *testing.T) {
	t.Parallel()
	for _, posts := range []bool{false, true} {
		for name, tc := range map[string]struct {
			do          func(t *testing.T, shop *wootest.Shop, id int64)
			hpos, posts bool
		}{
			"status":       {func(t *testing.T, s *wootest.Shop, id int64) { require.NoError(t, s.SetStatus(id, "completed")) }, true, true},
			"equal values": {func(t *testing.T, s *wootest.Shop, id int64) { require.NoError(t, s.EditOrder(id, []byte(`{}`))) }, true, false},
			"meta": {func(t *testing.T, s *wootest.Shop, id int64) {
				require.NoError(t, s.EditOrder(id, []byte(`{"meta_data":[{"key":"x","value":"y"}]}`)))
			}, true, false},
			"note to customer": {func(t *testing.T, s *wootest.Shop, id int64) {
				require.NoError(t, s.EditOrder(id, []byte(`{"customer_note":"ring"}`)))
			}, true, true},
			"order note": {func(t *testing.T, s *wootest.Shop, id int64) {
				require.Equal(t, 201, send(t, s, "POST", fmt.Sprintf("orders/%d/notes", id), `{"note":"n"}`).status)
			}, false, false},
			"trash": {func(t *testing.T, s *wootest.Shop, id int64) { require.NoError(t, s.TrashOrder(id)) }, true, true},
		} {
			t.Run(fmt.Sprintf("%s posts=%v", name, posts), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					shop, err := wootest.New(wootest.Config{PostsStorage: posts})
					require.NoError(t, err)
					defer shop.Close()
					id, err := shop.AddOrder([]byte(`{}`))
					require.NoError(t, err)
					before := modified(t, shop, id)
					time.Sleep(time.Minute)
					tc.do(t, shop, id)
					want := tc.hpos
					if posts {
						want = tc.posts
					}
					require.Equal(t, want, modified(t, shop, id) != before)
				})
			})
		}
	}
}

func TestStatusChange(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup","regular_price":"1","manage_stock":true,"stock_quantity":1}`))
	require.NoError(t, err)
	id, err := shop.AddOrder(fmt.Appendf(nil, `{"line_items":[{"product_id":%d,"quantity":3}]}`, product))
	require.NoError(t, err)
	for _, step := range []struct {
		status string
		stock  int
	}{{"processing", -2}, {"completed", -2}, {"refunded", -2}, {"cancelled", 1}, {"on-hold", -2}, {"packed", -2}, {"failed", 1}} {
		require.NoError(t, shop.SetStatus(id, step.status))
		require.InDelta(t, step.stock, product0(t, shop, product)["stock_quantity"], 0, step.status)
	}
	notes := shop.Notes(id)
	require.Equal(t, "Order status changed from Pending payment to Processing.", notes[0].Text)
	require.Len(t, notes, 7)
	require.Error(t, shop.SetStatus(id, "wc-completed"))
	require.ErrorIs(t, shop.SetStatus(1, "completed"), wootest.ErrNoOrder)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddOrder([]byte(`{"status":"processing"}`))
	require.NoError(t, err)
	a := send(t, shop, "POST", "orders/batch", fmt.Sprintf(`{"update":[{"id":%d,"status":"Completed"},{"status":"x"},{"id":"999999"}],"create":[{},{"customer_id":5}],"delete":[0,999999]}`, id))
	require.Equal(t, 200, a.status)
	var got struct {
		Create, Update, Delete []struct {
			ID     any
			Status string
			Error  *struct {
				Code string
				Data struct{ Status int }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(capitalised(a.body)), &got))
	require.Equal(t, "pending", got.Update[0].Status, "no schema check: nonsense is pending")
	require.Nil(t, got.Update[1].ID)
	require.Equal(t, 400, got.Update[2].Error.Data.Status)
	require.NotZero(t, got.Create[0].ID)
	require.InDelta(t, 0, got.Create[1].ID, 0)
	require.Equal(t, "woocommerce_rest_invalid_customer_id", got.Create[1].Error.Code)
	require.Len(t, got.Delete, 1, "id 0 is skipped")
	require.Equal(t, 404, got.Delete[0].Error.Data.Status)

	require.Equal(t, "[]", send(t, shop, "POST", "orders/batch", "{}").body)
	send(t, shop, "POST", "orders/batch", fmt.Sprintf(`{"delete":[%d]}`, id))
	require.Nil(t, shop.Order(id), "a batch deletes for good")
}

// capitalised renames the keys that the test's struct reads, so that nothing rests on matching without regard to case.
func capitalised(body string) string {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return body
	}
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			out := map[string]any{}
			for key, e := range v {
				if key == "id" {
					key = "ID"
				} else if key != "" {
					key = string(key[0]&^0x20) + key[1:]
				}
				out[key] = walk(e)
			}
			return out
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		}
		return v
	}
	text, err := json.Marshal(walk(v))
	if err != nil {
		return body
	}
	return string(text)
}

func TestTrash(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id, err := shop.AddOrder([]byte(`{"status":"processing"}`))
	require.NoError(t, err)
	path := fmt.Sprint("orders/", id)
	require.Equal(t, "processing", send(t, shop, "DELETE", path, "").object(t)["status"], "as it was")
	require.Equal(t, "trash", send(t, shop, "GET", path, "").object(t)["status"])
	a := send(t, shop, "DELETE", path, "")
	require.Equal(t, 410, a.status)
	require.Equal(t, "woocommerce_rest_already_trashed", a.object(t)["code"])
	require.Equal(t, "completed", send(t, shop, "PUT", path, `{"status":"completed"}`).object(t)["status"], "a status change revives")
	require.Equal(t, 200, send(t, shop, "DELETE", path+"?force=true", "").status)
	require.Equal(t, 404, send(t, shop, "GET", path, "").status)
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	product, err := shop.AddProduct([]byte(`{"name":"Cup","regular_price":"12.20"}`))
	require.NoError(t, err)
	id, err := shop.AddOrder(fmt.Appendf(nil, `{"status":"completed","line_items":[{"product_id":%d}]}`, product))
	require.NoError(t, err)
	refund := func(amount string) answer {
		return send(t, shop, "POST", fmt.Sprintf("orders/%d/refunds", id), `{"api_refund":false,"reason":"r","amount":"`+amount+`"}`)
	}
	require.Equal(t, 500, refund("12.21").status)
	a := refund("2.20")
	require.Equal(t, 201, a.status)
	require.Contains(t, a.header.Get("Location"), "(?P<order_id>")
	var o struct {
		Status, Total string
		Refunds       []struct{ Total string }
	}
	require.NoError(t, json.Unmarshal([]byte(capitalised(string(shop.Order(id)))), &o))
	require.Equal(t, "12.20", o.Total)
	require.Equal(t, "-2.20", o.Refunds[0].Total)
	require.Equal(t, 201, refund("10.00").status)
	require.Equal(t, "refunded", shop.Orders()[0].Status)
	require.Len(t, send(t, shop, "GET", "refunds", "").list(t), 2)
	require.Contains(t, send(t, shop, "GET", "refunds", "").list(t)[0], "parent_id")
	require.NotContains(t, send(t, shop, "GET", fmt.Sprintf("orders/%d/refunds", id), "").list(t)[0], "parent_id")
}
