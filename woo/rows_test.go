package woo

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// patched is the simplest object of a kind with one member replaced or added.
func patched(member string) []byte {
	return []byte(`{"id":7,` + member + `}`)
}

// TestDecodeRows has the answers of real shops that other clients cannot read, or read wrongly, one by one. Each must be
// written back as it came.
func TestDecodeRows(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	rows := []struct {
		name  string
		order string // a member of an order
		check func(t *testing.T, o Order)
	}{
		{"plain order, no tax line", `"total":"10.00","tax_lines":[],"line_items":[]`, func(t *testing.T, o Order) {
			require.Equal(t, "10.00", o.Total.StringFixed(2))
			require.NotNil(t, o.TaxLines)
		}},
		{"order with a tax line", `"tax_lines":[{"id":3,"rate_id":1,"rate_percent":22,"tax_total":"1.80","compound":false}]`, func(t *testing.T, o Order) {
			require.Equal(t, TaxRateID(1), o.TaxLines[0].RateID)
			require.Equal(t, "22", o.TaxLines[0].RatePercent.String())
		}},
		{"rate percent as float", `"tax_lines":[{"id":3,"rate_percent":9.5}]`, func(t *testing.T, o Order) {
			require.Equal(t, "9.5", o.TaxLines[0].RatePercent.String())
		}},
		{"rate id as text", `"tax_lines":[{"id":3,"rate_id":"12"}]`, func(t *testing.T, o Order) {
			require.Equal(t, TaxRateID(12), o.TaxLines[0].RateID)
		}},
		{"meta value number", `"meta_data":[{"id":1,"key":"k","value":1.50}]`, func(t *testing.T, o Order) {
			require.Equal(t, "1.50", o.MetaData[0].String())
		}},
		{"meta value bool", `"meta_data":[{"id":1,"key":"k","value":true}]`, func(t *testing.T, o Order) {
			require.Equal(t, "true", o.MetaData[0].String())
		}},
		{"meta value object", `"meta_data":[{"id":1,"key":"k","value":{"doc":260,"lines":[1,2]}}]`, func(t *testing.T, o Order) {
			var v struct{ Doc int }
			require.NoError(t, o.MetaData[0].Decode(&v))
			require.Equal(t, 260, v.Doc)
		}},
		{"meta value array", `"meta_data":[{"id":1,"key":"k","value":[1,"2"]}]`, func(t *testing.T, o Order) {
			require.Equal(t, `[1,"2"]`, o.MetaData[0].String())
		}},
		{"meta value null", `"meta_data":[{"id":1,"key":"k","value":null},{"id":2,"key":"l","value":""}]`, func(t *testing.T, o Order) {
			require.Equal(t, `null`, string(o.MetaData[0].Value))
			require.Equal(t, `""`, string(o.MetaData[1].Value))
		}},
		{"meta_data as JSON object", `"meta_data":{"0":{"id":1,"key":"a","value":"x"},"2":{"id":3,"key":"b","value":"y"}}`, func(t *testing.T, o Order) {
			require.Len(t, o.MetaData, 2)
			b, ok := o.MetaData.Get("b")
			require.True(t, ok)
			require.Equal(t, "y", b.String())
		}},
		{"line quantity 1.5", `"line_items":[{"id":1,"quantity":1.5}]`, func(t *testing.T, o Order) {
			require.Equal(t, "1.5", o.LineItems[0].Quantity.String())
		}},
		{"line price as string", `"line_items":[{"id":1,"price":"29.90"}]`, func(t *testing.T, o Order) {
			require.Equal(t, "29.90", o.LineItems[0].Price.StringFixed(2))
		}},
		{"line price with the noise of floats", `"line_items":[{"id":1,"price":29.945205333333334},{"id":2,"price":0}]`, func(t *testing.T, o Order) {
			require.Equal(t, "29.945205333333334", o.LineItems[0].Price.String())
		}},
		{"line sku null", `"line_items":[{"id":1,"sku":null,"parent_name":null},{"id":2,"sku":""},{"id":3,"sku":"A"}]`, func(t *testing.T, o Order) {
			require.Nil(t, o.LineItems[0].SKU)
			require.Equal(t, text(""), o.LineItems[1].SKU)
			require.Equal(t, text("A"), o.LineItems[2].SKU)
		}},
		{"image id number, empty and text", `"line_items":[{"id":1,"image":{"id":0}},{"id":2,"image":{"id":""}},{"id":3,"image":{"id":"562"}},{"id":4,"image":{"id":562}}]`, func(t *testing.T, o Order) {
			for i, id := range []int64{0, 0, 562, 562} {
				require.Equal(t, id, o.LineItems[i].Image.ID.Int64())
				require.Empty(t, o.LineItems[i].Image.Extra)
			}
		}},
		{"custom order status", `"status":"packed-by_erp"`, func(t *testing.T, o Order) {
			require.Equal(t, OrderStatus("packed-by_erp"), o.Status)
		}},
		{"number as JSON number", `"number":1042`, func(t *testing.T, o Order) {
			require.Equal(t, "1042", o.Number)
		}},
		{"billing as empty array", `"billing":[],"line_items":[{"id":1,"image":[]}]`, func(t *testing.T, o Order) {
			require.Empty(t, o.Billing.Email)
		}},
		{"taxes subtotal empty", `"shipping_lines":[{"id":1,"taxes":[{"id":1,"total":"0.00","subtotal":""}]}]`, func(t *testing.T, o Order) {
			require.False(t, o.ShippingLines[0].Taxes[0].Subtotal.IsSet())
			require.True(t, o.ShippingLines[0].Taxes[0].Total.IsSet())
		}},
		{"negative refund total", `"refunds":[{"id":9,"reason":"","total":"-1.22"}]`, func(t *testing.T, o Order) {
			require.Equal(t, "-1.22", o.Refunds[0].Total.String())
		}},
		{"dates unset", `"date_paid":null,"date_paid_gmt":null`, func(t *testing.T, o Order) {
			require.True(t, o.DatePaid.IsZero())
			require.Empty(t, o.DatePaidLocal.Day())
		}},
		{"dates empty or never", `"date_paid":"","date_paid_gmt":"","date_completed_gmt":"0000-00-00T00:00:00"`, func(t *testing.T, o Order) {
			require.True(t, o.DatePaid.IsZero())
			require.True(t, o.DateCompleted.IsZero())
		}},
		{"ids above 53 bits", `"parent_id":9007199254740993`, func(t *testing.T, o Order) {
			require.Equal(t, OrderID(9007199254740993), o.ParentID)
		}},
		{"unknown members, at every level", `"vat":{"id":"SI1","paid":1.10},"billing":{"vat_number":"SI2"},"line_items":[{"id":1,"cost":"2.50","image":{"w":10},"taxes":[{"id":1,"code":"x"}],"meta_data":[{"id":1,"key":"k","value":1,"note":"n"}]}]`, func(t *testing.T, o Order) {
			require.JSONEq(t, `{"id":"SI1","paid":1.10}`, string(o.Extra["vat"]))
			require.Equal(t, `"SI2"`, string(o.Billing.Extra["vat_number"]))
			require.Equal(t, `"2.50"`, string(o.LineItems[0].Extra["cost"]))
			require.Equal(t, `10`, string(o.LineItems[0].Image.Extra["w"]))
			require.Equal(t, `"x"`, string(o.LineItems[0].Taxes[0].Extra["code"]))
			require.Equal(t, `"n"`, string(o.LineItems[0].MetaData[0].Extra["note"]))
		}},
		{"names that differ in case only", `"Total":"9","total":"1.00"`, func(t *testing.T, o Order) {
			require.Equal(t, "1", o.Total.String())
			require.Equal(t, `"9"`, string(o.Extra["Total"]))
		}},
		{"flags as text", `"needs_payment":"yes","is_editable":0`, func(t *testing.T, o Order) {
			require.True(t, o.NeedsPayment)
			require.False(t, o.IsEditable)
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			src := patched(row.order)
			var o Order
			require.NoError(t, json.Unmarshal(src, &o))
			row.check(t, o)
			again, _ := roundTrip[Order](t, src)
			requireLossless(t, src, again)
		})
	}

	stock := []struct {
		name    string
		product string // a member of a product and of a variation
		manage  ManageStock
		stock   string // "" for nil
	}{
		{"plain variation", `"manage_stock":true,"stock_quantity":4,"date_created_gmt":"2026-11-21T17:14:31"`, StockManaged, "4"},
		{"manage_stock parent", `"manage_stock":"parent","stock_quantity":4`, StockByParent, "4"},
		{"manage_stock false", `"manage_stock":false,"stock_quantity":null`, StockUnmanaged, ""},
		{"manage_stock as yes", `"manage_stock":"yes","stock_quantity":"7"`, StockManaged, "7"},
		{"stock_quantity 1.5", `"manage_stock":true,"stock_quantity":1.5`, StockManaged, "1.5"},
		{"stock_quantity negative", `"manage_stock":true,"stock_quantity":-496`, StockManaged, "-496"},
		{"stock_quantity empty", `"manage_stock":false,"stock_quantity":""`, StockUnmanaged, ""},
		{"price as number", `"price":21.99,"regular_price":"","stock_quantity":0`, StockUnmanaged, "0"},
		{"low stock as text", `"low_stock_amount":"2"`, StockUnmanaged, ""},
		{"low stock empty", `"low_stock_amount":""`, StockUnmanaged, ""},
		{"image null", `"image":null,"images":[]`, StockUnmanaged, ""},
	}
	for _, row := range stock {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			src := patched(row.product)
			var p Product
			var v Variation
			require.NoError(t, json.Unmarshal(src, &p))
			require.NoError(t, json.Unmarshal(src, &v))
			require.Equal(t, row.manage, p.ManageStock)
			require.Equal(t, row.manage, v.ManageStock)
			for _, q := range []*Decimal{p.StockQuantity, v.StockQuantity} {
				if row.stock == "" {
					require.Nil(t, q)
				} else {
					require.Equal(t, row.stock, q.String())
				}
			}
			again, _ := roundTrip[Product](t, src)
			requireLossless(t, src, again)
			again, _ = roundTrip[Variation](t, src)
			requireLossless(t, src, again)
		})
	}
}

// The rows of answers that are no object of the type: nothing of them may look like a record.
func TestDecodeRefusals(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty body with 200":               "",
		"array where an object is expected": `[{"id":7}]`,
		"null":                              "null",
		"error envelope":                    `{"code":"woocommerce_rest_cannot_view","message":"Sorry","data":{"status":401}}`,
		"HTML with 200":                     "<html><body>hello</body></html>",
		"cut off":                           `{"id":7,"total":"1`,
		"text":                              `"id"`,
		"money as object":                   `{"id":7,"total":{"amount":1}}`,
		"money as words":                    `{"id":7,"total":"ten"}`,
		"money too long to calculate with":  `{"id":7,"total":1e999999999}`,
		"an id that is none":                `{"id":"seven"}`,
		"half a product":                    `{"id":7.5}`,
		"a list where the billing address stands": `{"id":7,"billing":["Ljubljana"]}`,
		"named members where lines stand":         `{"id":7,"line_items":{"id":1}}`,
		"a date of words":                         `{"id":7,"date_created_gmt":"yesterday"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := decodeOne[Order]([]byte(body))
			require.Error(t, err)
			require.Nil(t, o)
			var d *DecodeError
			require.ErrorAs(t, err, &d)
			require.Error(t, new(Order).UnmarshalJSON([]byte(body)))
			require.Error(t, json.Unmarshal([]byte(body), new(Order)))
		})
	}
}

// One malformed element does not lose its page, and its error says where and what.
func TestDecodeListKeepsTheGood(t *testing.T) {
	t.Parallel()
	body := `[{"id":5,"total":"1.00"},{"id":6,"line_items":[{"id":1},{"id":2,"total":{"a":1}}]},{"total":"2"},7,{"id":8}]`
	items, bad, err := decodeList[Order]([]byte(body))
	require.NoError(t, err)
	require.Len(t, items, 2)
	require.Equal(t, OrderID(5), items[0].ID)
	require.Equal(t, OrderID(8), items[1].ID)

	require.Len(t, bad, 3)
	require.EqualError(t, bad[0], "woo: element 1: id 6: line_items[1].total: a decimal number is wanted, but there is an object")
	require.EqualError(t, bad[1], "woo: element 2: id: missing: this is another object, perhaps an error of the shop")
	require.EqualError(t, bad[2], "woo: element 3: an object is wanted, but there is 7")
	var d *DecodeError
	require.ErrorAs(t, bad[0], &d)
	require.Equal(t, DecodeError{Index: 1, ID: "6", Field: "line_items[1].total", Reason: d.Reason}, *d)

	items, bad, err = decodeList[Order]([]byte(`[]`))
	require.NoError(t, err)
	require.Empty(t, bad)
	require.NotNil(t, items)
	require.Empty(t, items)

	items, _, err = decodeList[Order]([]byte(`{"0":{"id":1},"3":{"id":2}}`)) // a PHP array with gaps
	require.NoError(t, err)
	require.Len(t, items, 2)

	for _, body := range []string{`{"code":"x","message":"y"}`, `{}`, ``, `[{"id":1}`, `null`, `"x"`} {
		_, _, err = decodeList[Order]([]byte(body))
		require.Error(t, err, body)
	}
}

// An error shows no more of the answer than a short value: it may end up in a log, and the answer is about people.
func TestDecodeErrorsKeepPersonsOut(t *testing.T) {
	t.Parallel()
	_, err := decodeOne[Order]([]byte(`{"id":7,"billing":["Ana Novak"],"total":"1"}`))
	require.ErrorContains(t, err, "billing")
	require.NotContains(t, err.Error(), "Ana")
	_, err = decodeOne[Order]([]byte(`{"id":7,"total":"` + strings.Repeat("Ana Novak ", 9) + `"}`))
	require.ErrorContains(t, err, "total")
	require.NotContains(t, err.Error(), "Ana")
}

// A body is often in a pooled buffer: nothing that was read may still point into it.
func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	body := recorded(t, "orders/list-per100.http")
	items, _, err := decodeList[Order](body)
	require.NoError(t, err)
	before, err := json.Marshal(items)
	require.NoError(t, err)
	for i := range body {
		body[i] = 'x'
	}
	after, err := json.Marshal(items)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

// What the host changes is written, not what once was read.
func TestChangedFieldWins(t *testing.T) {
	t.Parallel()
	var o Order
	require.NoError(t, json.Unmarshal([]byte(`{"id":7,"number":1042,"needs_payment":"yes","total":"1e1","cart_tax":2}`), &o))
	require.Equal(t, `1042`, string(o.Extra["number"]))
	o.Number = "N-1"
	o.Total.Decimal = o.Total.Add(o.CartTax.Decimal)
	o.CartTax.Decimal = o.CartTax.Neg()
	var again map[string]any
	b, err := json.Marshal(o)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, "N-1", again["number"])
	require.Equal(t, "yes", again["needs_payment"], "untouched")
	require.Equal(t, "12", again["total"])
	require.InDelta(t, -2, again["cart_tax"], 0)

	o.Extra["bad"] = json.RawMessage(`{`)
	_, err = json.Marshal(o)
	require.ErrorContains(t, err, "Extra[bad]")
}

// An order read into a used variable has nothing of the one before.
func TestDecodeIntoUsed(t *testing.T) {
	t.Parallel()
	o := Order{Number: "1", Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}}
	require.NoError(t, json.Unmarshal([]byte(`{"id":7}`), &o))
	require.Equal(t, Order{ID: 7}, o)
}
