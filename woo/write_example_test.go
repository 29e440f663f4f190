package woo_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// A sale of the till becomes an order of the shop, once: also when the answer is lost, the process dies and the job comes again.
func ExampleCollection_CreateOnce() {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer shop.Close()
	client, err := woo.New(shop.Config())
	if err != nil {
		log.Fatal(err)
	}

	order, err := client.Orders.CreateOnce(context.Background(), woo.Reference{Value: "till-7:1042"}, woo.OrderFields{
		Status: woo.Set(woo.OrderCompleted),
	})
	switch {
	case errors.Is(err, woo.ErrAmbiguous):
		log.Print("nobody knows yet: call again later, with Reference.Since")
	case err != nil:
		log.Print(err)
	default:
		fmt.Println(order.Status)
	}
	// Output: completed
}

// Stock of products and variations, in as few requests as there can be: only what has changed is sent.
func ExampleClient_PlanStock() {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer shop.Close()
	client, err := woo.New(shop.Config())
	if err != nil {
		log.Fatal(err)
	}
	id, err := shop.AddProduct([]byte(`{"name":"Tea","manage_stock":true,"stock_quantity":3}`))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	tea, err := client.Products.Get(ctx, woo.ProductID(id))
	if err != nil {
		log.Fatal(err)
	}

	want := func(n int64) []woo.StockChange {
		return []woo.StockChange{{Product: tea.ID, Want: woo.StockFields{StockQuantity: woo.Set(decimal.New(n, 0))}, Have: tea.Stock()}}
	}
	fmt.Println("the same:", client.PlanStock(want(3)).Requests(), "requests")
	plan := client.PlanStock(want(5))
	plan.Progress = func(p woo.Progress) { fmt.Printf("%d of %d requests\n", p.Requests, p.Planned) }
	results, err := plan.Run(ctx)
	if err != nil {
		log.Print(err)
	}
	fmt.Println(results[0].Item.StockQuantity, results[0].Err)
	// Output:
	// the same: 0 requests
	// 1 of 1 requests
	// 5 <nil>
}

// Why does it not work?
func ExampleDiagnose() {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer shop.Close()
	config := shop.Config()
	shop.AddKey(config.Key, config.Secret, wootest.ReadOnly)

	d := woo.Diagnose(context.Background(), config)
	fmt.Println(d.OK(), d.Has(woo.ReadOnlyKey))
	fmt.Println(d.Findings[0].Do)
	// Output:
	// false true
	// Give it the permissions Read/Write, under WooCommerce > Settings > Advanced > REST API
}

func ExampleEditLines() {
	order := &woo.Order{ID: 7, LineItems: []woo.LineItem{{ID: 1, Quantity: decimalOf("2"), Subtotal: decimalOf("10"), Total: decimalOf("9")}, {ID: 2}}}
	fields, err := woo.EditLines(order).SetQuantity(1, decimal.NewFromInt(3)).Remove(2).Fields()
	if err != nil {
		log.Fatal(err)
	}
	body, err := fields.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(body)) // for Orders.Update
	// Output: {"line_items":[{"id":1,"quantity":3,"subtotal":"15","total":"13.5"},{"id":2,"quantity":0}]}
}

func decimalOf(s string) woo.Decimal { return woo.NewDecimal(decimal.RequireFromString(s)) }
