package woo

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func TestDecimalWritesWhatItRead(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`"10.00"`: "10", `"0.00"`: "0", `"-1.22"`: "-1.22", `10`: "10", `29.945205333333334`: "29.945205333333334", `1.0`: "1", `0`: "0",
		`"4.1"`: "4.1", `"0.10"`: "0.1", `-0.5`: "-0.5", `1e5`: "100000", `1.5E-3`: "0.0015", `-0`: "0", `"-0.00"`: "0", `"007"`: "7",
		`".5"`: "0.5", `"+3"`: "3", `" 12 "`: "12", `"999999999999999999.99"`: "999999999999999999.99",
		`123456789012345678901234567890.123456789`: "123456789012345678901234567890.123456789", `""`: "0",
	} {
		var d Decimal
		require.NoError(t, json.Unmarshal([]byte(src), &d), src)
		require.Equal(t, want, d.String(), src)
		again, err := json.Marshal(d)
		require.NoError(t, err)
		require.Equal(t, src, string(again))
		require.Equal(t, src != `""`, d.IsSet(), src)
	}
	for _, src := range []string{`"abc"`, `"1,5"`, `"1 2"`, `{}`, `[1]`, `true`, `"NaN"`, `"Inf"`, `1e401`, `"` + strings.Repeat("9", 101) + `"`, `"0x10"`, `"1_000"`} {
		require.Error(t, json.Unmarshal([]byte(src), new(Decimal)), src)
	}
	// A sum of what was read must not be a float's.
	var a, b Decimal
	require.NoError(t, json.Unmarshal([]byte(`0.1`), &a))
	require.NoError(t, json.Unmarshal([]byte(`"0.2"`), &b))
	require.Equal(t, "0.3", a.Add(b.Decimal).String())
}

func TestDecimalMade(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Decimal{
		`""`:      {},
		`"0"`:     NewDecimal(decimal.Decimal{}),
		`"12.50"`: NewDecimal(decimal.RequireFromString("12.50")),
		`"1000"`:  NewDecimal(decimal.New(1, 3)),
	} {
		got, err := json.Marshal(d)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

func TestFieldStates(t *testing.T) {
	t.Parallel()
	var f Field[int]
	require.True(t, f.IsZero())
	require.False(t, f.IsNull())
	_, ok := f.Get()
	require.False(t, ok)
	require.Equal(t, "absent", f.String())

	f = Null[int]()
	require.False(t, f.IsZero())
	require.True(t, f.IsNull())
	require.Equal(t, "null", f.String())

	f = Set(0)
	require.False(t, f.IsZero())
	v, ok := f.Get()
	require.True(t, ok)
	require.Zero(t, v)
	require.Equal(t, "0", f.String())
}

// TestWrites has each write as the shop's schema wants it: money as text, stock and quantities as numbers, dates without zone
// in UTC, clearing by "" where the shop does not take null.
func TestWrites(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	local := time.Date(2026, 11, 21, 18, 14, 31, 0, time.FixedZone("CET", 3600))
	for want, w := range map[string]any{
		`{}`:                      OrderFields{},
		`{"status":"completed"}`:  OrderFields{Status: Set(OrderCompleted)},
		`{"customer_id":0}`:       OrderFields{CustomerID: Set(CustomerID(0))},
		`{"set_paid":true}`:       OrderFields{SetPaid: Set(true)},
		`{"customer_note":""}`:    OrderFields{CustomerNote: Set("")},
		`{"transaction_id":null}`: OrderFields{TransactionID: Null[string]()},
		`{"billing":{"city":"Celje","email":null}}`: OrderFields{Billing: Set(AddressFields{City: Set("Celje"), Email: Null[string]()})},
		`{"line_items":[{"id":1248,"quantity":1.5,"subtotal":"50.00","total":"50.00"}]}`: OrderFields{LineItems: Set([]LineItemFields{
			{ID: Set(LineID(1248)), Quantity: Set(d("1.5")), Subtotal: Set(d("50.00")), Total: Set(d("50.00"))}})},
		`{"line_items":[{"id":1248,"product_id":null}]}`: OrderFields{LineItems: Set([]LineItemFields{{ID: Set(LineID(1248)), ProductID: Null[ProductID]()}})},
		`{"meta_data":[{"key":"_erp_doc","value":"D-77"},{"id":3,"key":"k","value":null}]}`: OrderFields{MetaData: Set([]MetaFields{
			SetMeta("_erp_doc", "D-77"), DeleteMeta(Meta{ID: 3, Key: "k"})})},
		`{"coupon_lines":[]}`:                        OrderFields{CouponLines: Set([]CouponLineFields{})},
		`{"status":"pending","vat":"SI1"}`:           OrderFields{Status: Set(OrderPending), Extra: map[string]json.RawMessage{"vat": json.RawMessage(`"SI1"`)}},
		`{"stock_quantity":3}`:                       ProductFields{StockQuantity: Set(d("3"))},
		`{"stock_quantity":-2.50}`:                   VariationFields{StockQuantity: Set(d("-2.50"))},
		`{"regular_price":"21.99"}`:                  ProductFields{RegularPrice: Set(d("21.99"))},
		`{"regular_price":"0"}`:                      ProductFields{RegularPrice: Set(decimal.Decimal{})},
		`{"sale_price":"","date_on_sale_to_gmt":""}`: VariationFields{SalePrice: Null[decimal.Decimal](), DateOnSaleTo: Null[time.Time]()},
		`{"regular_price":"","sale_price":"","date_on_sale_from_gmt":"","date_on_sale_to_gmt":""}`: ProductFields{RegularPrice: Null[decimal.Decimal](),
			SalePrice: Null[decimal.Decimal](), DateOnSaleFrom: Null[time.Time](), DateOnSaleTo: Null[time.Time]()},
		`{"date_on_sale_from_gmt":"2026-11-21T17:14:31"}`: ProductFields{DateOnSaleFrom: Set(local)},
		`{"low_stock_amount":null}`:                       ProductFields{LowStockAmount: Null[int]()},
		`{"manage_stock":"parent"}`:                       VariationFields{ManageStock: Set(StockByParent)},
		`{"manage_stock":false}`:                          ProductFields{ManageStock: Set(StockUnmanaged)},
		`{"categories":[{"id":16},{"id":18}]}`:            ProductFields{Categories: Set(Terms[CategoryID](16, 18))},
		`{"weight":"","dimensions":{"length":"1.5","width":""}}`: ProductFields{Weight: Null[decimal.Decimal](),
			Dimensions: Set(DimensionsFields{Length: Set(d("1.5")), Width: Null[decimal.Decimal]()})},
		`{"images":[]}`: ProductFields{Images: Set([]ImageFields{})},
		`{"amount":"2.50","api_refund":false,"line_items":[{"id":1227,"quantity":1,"refund_total":1.0,"refund_tax":[{"id":4,"refund_total":0.22}]}]}`: RefundFields{
			Amount: Set(d("2.50")), APIRefund: Set(false), LineItems: Set([]RefundLineFields{{ID: Set(LineID(1227)), Quantity: Set(d("1")),
				RefundTotal: Set(d("1.0")), RefundTax: Set([]RefundTaxFields{{ID: Set(TaxRateID(4)), RefundTotal: Set(d("0.22"))}})}})},
		`{"note":"On the way","customer_note":true}`: OrderNoteFields{Note: Set("On the way"), CustomerNote: Set(true)},
		`{"email":"a@example.test","password":"p"}`:  CustomerFields{Email: Set("a@example.test"), Password: Set("p")},
	} {
		got, err := json.Marshal(w)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

// Writes wait in queues as well.
func TestWritesThereAndBack(t *testing.T) {
	t.Parallel()
	want := ProductFields{
		Name: Set("A"), RegularPrice: Set(decimal.RequireFromString("1.50")), SalePrice: Null[decimal.Decimal](),
		StockQuantity: Set(decimal.RequireFromString("2.5")), LowStockAmount: Null[int](), ManageStock: Set(StockManaged),
		DateOnSaleFrom: Set(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), DateOnSaleTo: Null[time.Time](),
		Categories: Set(Terms[CategoryID](1)), MetaData: Set([]MetaFields{SetMeta("k", "v")}),
		Extra: map[string]json.RawMessage{"x": json.RawMessage(`1`)},
	}
	b, err := json.Marshal(want)
	require.NoError(t, err)
	var got ProductFields
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, want, got)
	require.NoError(t, json.Unmarshal([]byte(`{"regular_price":1.5,"sale_price":null}`), &got))
	require.Equal(t, "1.5", got.RegularPrice.String())
	require.True(t, got.SalePrice.IsNull())
	require.True(t, got.Name.IsZero())
	require.ErrorContains(t, json.Unmarshal([]byte(`{"dimensions":{"length":{}}}`), &got), "dimensions.length")
}

func TestPasswordIsNotPrinted(t *testing.T) {
	t.Parallel()
	f := CustomerFields{Email: Set("a@example.test"), Password: Set("hunter2")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, f), "hunter2")
		require.NotContains(t, fmt.Sprintf(verb, &f), "hunter2")
	}
}

// The UTC twin makes the time, the local twin only the shop's calendar day: here they are in different years.
func TestDatesAreUTC(t *testing.T) {
	t.Parallel()
	var o Order
	src := `{"id":1,"date_created":"2027-01-01T00:30:00","date_created_gmt":"2026-12-31T23:30:00"}`
	require.NoError(t, json.Unmarshal([]byte(src), &o))
	require.Equal(t, time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC), o.DateCreated)
	require.Equal(t, "2027-01-01", o.DateCreatedLocal.Day())
	again, err := json.Marshal(o)
	require.NoError(t, err)
	require.Contains(t, string(again), `"date_created_gmt":"2026-12-31T23:30:00","date_created":"2027-01-01T00:30:00"`)

	for wire, want := range map[string]time.Time{
		"2026-12-31T23:30:00Z":      time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC),
		"2027-01-01T00:30:00+01:00": time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC),
		"2026-12-31 23:30:00":       time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC),
		"2026-12-31T23:30:00.25":    time.Date(2026, 12, 31, 23, 30, 0, 250e6, time.UTC),
		"0000-00-00T00:00:00":       {},
		"-0001-11-30T00:00:00":      {},
	} {
		src := []byte(`{"id":1,"date_created_gmt":"` + wire + `"}`)
		require.NoError(t, json.Unmarshal(src, &o))
		require.Equal(t, want, o.DateCreated)
		again, _ := roundTrip[Order](t, src)
		requireLossless(t, src, again)
	}
	o.DateCreated = time.Date(2027, 1, 1, 0, 30, 0, 0, time.FixedZone("CET", 3600))
	again, err = json.Marshal(o)
	require.NoError(t, err)
	require.Contains(t, string(again), `"date_created_gmt":"2026-12-31T23:30:00"`)
}

func TestMeta(t *testing.T) {
	t.Parallel()
	var m MetaData
	require.NoError(t, json.Unmarshal([]byte(`[{"id":1,"key":"a","value":"x \u0026 y"},{"id":2,"key":"a","value":"z"},{"id":3,"key":"n","value":null}]`), &m))
	first, ok := m.Get("a")
	require.True(t, ok)
	require.Equal(t, MetaID(1), first.ID)
	require.Equal(t, "x & y", first.String())
	null, ok := m.Get("n")
	require.True(t, ok)
	require.Empty(t, null.String())
	_, ok = m.Get("b")
	require.False(t, ok)
	require.Empty(t, Meta{}.String())
}

// A part of an order is as complete on its own.
func TestPartsAlone(t *testing.T) {
	t.Parallel()
	src := []byte(`{"id":3,"total":"1.10","image":{"id":"5","w":1},"erp":{"a":1.0}}`)
	again, _ := roundTrip[LineItem](t, src)
	requireLossless(t, src, again)
	src = []byte(`{"city":"Celje","vat":"SI1"}`)
	again, _ = roundTrip[Address](t, src)
	requireLossless(t, src, again)
}

// Checks name the field and refuse only what no shop can mean.
func TestChecks(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	for want, w := range map[string]checker{
		`"wc-completed"`:       OrderFields{Status: Set(OrderStatus("wc-completed"))},
		`"Completed"`:          OrderFields{Status: Set(OrderStatus("Completed"))},
		`status: an empty`:     OrderFields{Status: Set(OrderStatus(""))},
		`status: null`:         OrderFields{Status: Null[OrderStatus]()},
		`status: any`:          OrderFields{Status: Set(OrderAny)},
		`status: auto-draft`:   OrderFields{Status: Set(OrderAutoDraft)},
		`stock_quantity: null`: VariationFields{StockQuantity: Null[decimal.Decimal]()},
		`backorders: "maybe"`:  VariationFields{Backorders: Set(Backorders("maybe"))},
		`tax_status: null`:     ProductFields{TaxStatus: Null[TaxStatus]()},
		`manage_stock: "p`:     ProductFields{ManageStock: Set(StockByParent)},
		`catalog_visibility: `: ProductFields{CatalogVisibility: Set(CatalogVisibility(""))},
	} {
		require.ErrorContains(t, w.check(), want)
	}
	for _, w := range []checker{
		OrderFields{}, OrderFields{Status: Set(OrderStatus("packed-by_erp2"))}, OrderFields{Status: Set(OrderTrash)}, CustomerFields{},
		ProductFields{StockQuantity: Set(d("2.7"))},
		ProductFields{StockQuantity: Set(d("3.00")), Backorders: Set(BackordersNotify), ManageStock: Set(StockUnmanaged)},
		VariationFields{StockQuantity: Set(d("-3")), ManageStock: Set(StockByParent), StockStatus: Set(StockStatus("preorder"))},
	} {
		require.NoError(t, w.check())
	}
}

// Alone a fraction is the shop's to judge, since plugins sell by weight; in a batch it would be cut off with status 200.
func TestCheckInBatch(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	require.ErrorContains(t, checkInBatch(ProductFields{StockQuantity: Set(d("2.7"))}), "stock_quantity")
	require.ErrorContains(t, checkInBatch(VariationFields{StockQuantity: Set(d("-0.5"))}), "stock_quantity")
	require.NoError(t, checkInBatch(ProductFields{StockQuantity: Set(d("3.00"))}))
	require.NoError(t, checkInBatch(VariationFields{}))
	require.NoError(t, checkInBatch(OrderFields{}))
}
