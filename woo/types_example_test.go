package woo_test

import (
	"encoding/json"
	"fmt"

	"github.com/shopspring/decimal"
	"github.com/tillwire/tillwire/woo"
)

// A write says what is to change: a value, null, or nothing at all.
func ExampleField() {
	change, err := json.Marshal(woo.ProductFields{
		StockQuantity:  woo.Set(decimal.NewFromInt(7)),
		RegularPrice:   woo.Set(decimal.RequireFromString("21.90")),
		SalePrice:      woo.Null[decimal.Decimal](), // cleared
		LowStockAmount: woo.Null[int](),             // the shop's default
		Categories:     woo.Set(woo.Terms[woo.CategoryID](16)),
	})
	fmt.Println(string(change), err)
	// Output:
	// {"regular_price":"21.90","sale_price":"","stock_quantity":7,"low_stock_amount":null,"categories":[{"id":16}]} <nil>
}

// An order goes through JSON without loss: numbers keep their digits, unknown members stay.
func ExampleOrder() {
	var order woo.Order
	err := json.Unmarshal([]byte(`{"id":1042,"status":"processing","total":"10.00","line_items":[{"id":1,"quantity":1.5,"price":6.666667}],
		"date_created":"2027-01-01T00:30:00","date_created_gmt":"2026-12-31T23:30:00",
		"meta_data":[{"id":7,"key":"_vat_number","value":"SI12345678"}],"gift":{"wrap":true}}`), &order)
	vat, _ := order.MetaData.Get("_vat_number")
	fmt.Println(order.ID, order.Status, order.Total, order.LineItems[0].Quantity, vat, err)
	fmt.Println(order.DateCreated, "is", order.DateCreatedLocal.Day(), "in the shop")
	fmt.Println(string(order.Extra["gift"]))
	// Output:
	// 1042 processing 10 1.5 SI12345678 <nil>
	// 2026-12-31 23:30:00 +0000 UTC is 2027-01-01 in the shop
	// {"wrap":true}
}
