package woo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/woo"
)

// shopOf answers each request with a page or a record, in place of a shop.
type shopOf map[string]string

func (s shopOf) RoundTrip(r *http.Request) (*http.Response, error) {
	body, status := s[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/wp-json/wc/v3/")], http.StatusOK
	if body == "" {
		body, status = `{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}`, http.StatusNotFound
	}
	h := http.Header{"Content-Type": {"application/json"}, "X-Wp-Total": {"2"}, "X-Wp-Totalpages": {"1"}}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func Example() {
	shop, err := woo.New(woo.Config{
		URL: "https://shop.example", Key: os.Getenv("WOO_KEY"), Secret: os.Getenv("WOO_SECRET"),
	})
	if err != nil {
		log.Print(err) // says which field, and what to write there
		return
	}
	query := woo.OrderQuery{Status: []woo.OrderStatus{woo.OrderProcessing}}
	for order, err := range shop.Orders.All(context.Background(), query) {
		if err != nil {
			log.Print(err) // one sentence: the cause, and what to change
			return
		}
		fmt.Println(order.Number, order.Total, order.Currency)
	}
}

// exampleShop is a shop of two orders and two products.
func exampleShop() *woo.Client {
	shop, err := woo.New(woo.Config{
		URL: "https://shop.example", Key: "ck_example", Secret: "cs_example",
		HTTPClient: &http.Client{Transport: shopOf{
			"GET orders":          `[{"id":7,"number":"7","total":"19.90","currency":"EUR"},{"id":9,"number":"9","total":"5.00","currency":"EUR"}]`,
			"PUT products/3":      `{"id":3,"stock_quantity":null}`,
			"POST products/batch": `{"update":[{"id":3,"stock_quantity":4},{"id":4,"error":{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID.","data":{"status":400}}}]}`,
			"POST orders/9/notes": `{"id":1,"note":"Sent to the books"}`,
			"GET reports/sales":   `[{"total_sales":"24.90"}]`,
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return shop
}

func ExampleCollection_All() {
	shop := exampleShop()
	total := decimal.Zero
	for order, err := range shop.Orders.All(context.Background(), woo.OrderQuery{}) {
		if errors.Is(err, woo.ErrMalformed) {
			log.Print(err) // this one cannot be read; the walk goes on
			continue
		}
		if err != nil {
			log.Print(err)
			return
		}
		total = total.Add(order.Total.Decimal)
	}
	fmt.Println(total)
	// Output: 24.9
}

func ExampleCollection_Get() {
	_, err := exampleShop().Orders.Get(context.Background(), 12)
	if errors.Is(err, woo.ErrNotFound) {
		fmt.Println(err)
	}
	// Output: woo: orders.Get: no such record: Invalid ID (404 woocommerce_rest_shop_order_invalid_id)
}

// The shop takes a quantity for a product that manages no stock with status 200, and ignores it.
func ExampleCollection_Update() {
	want := decimal.NewFromInt(4)
	product, err := exampleShop().Products.Update(context.Background(), 3, woo.ProductFields{StockQuantity: woo.Set(want)})
	switch {
	case errors.Is(err, woo.ErrNotApplied): // the product manages no stock: the shop answers 200 and ignores the quantity
		fmt.Println("not applied:", product.ManageStock == woo.StockUnmanaged)
	case err != nil:
		log.Print(err)
	}
	// Output: not applied: true
}

func ExampleCollection_UpdateAll() {
	four := woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(4))}
	results, err := exampleShop().Products.UpdateAll(context.Background(), []woo.Change[woo.ProductID, woo.ProductFields]{
		woo.ChangeOf(woo.ProductID(3), four),
		woo.ChangeOf(woo.ProductID(4), four),
	})
	if err != nil {
		log.Print(err) // a request failed as a whole; results still tell what became of each item
	}
	for i, r := range results {
		fmt.Println(i, r.Item != nil, errors.Is(r.Err, woo.ErrNotFound))
	}
	// Output:
	// 0 true false
	// 1 false true
}

func ExampleClient_OrderNotes() {
	note, err := exampleShop().OrderNotes(9).Create(context.Background(), woo.OrderNoteFields{Note: woo.Set("Sent to the books")})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(note.Note)
	// Output: Sent to the books
}

func ExampleClient_Do() {
	var sales []struct {
		Total string `json:"total_sales"`
	}
	if err := exampleShop().Do(context.Background(), "GET", "wc/v3/reports/sales?period=month", nil, &sales); err != nil {
		log.Print(err)
		return
	}
	fmt.Println(sales[0].Total)
	// Output: 24.90
}

func ExampleNew() {
	_, err := woo.New(woo.Config{URL: "shop.example", Key: "ck_example", Secret: "cs_example"})
	fmt.Println(err)
	// Output: woo: Config.URL does not begin with https:// (or http://) and a host: give the shop's address, such as https://shop.example
}

func ExampleConfig() {
	fmt.Println(woo.Config{URL: "https://shop.example", Key: "ck_0123456789abcdef0123456789abcdef01234567", Secret: "cs_…"})
	// Output: woo.Config{URL: "https://shop.example", Key: "…1234567"}
}
