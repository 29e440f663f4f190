package sitoo_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
)

func Example() {
	fake, err := sitootest.New(sitootest.Config{}) // instead of a real account
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	warehouse := fake.AddWarehouse("Storgatan", sitoo.FIFO)
	fake.AddProduct("SOCK-7", "Ullsocka Fjell", "149.00")
	fake.SetStock(warehouse, "SOCK-7", 41)
	ctx := context.Background()

	till, err := sitoo.New(fake.Config()) // sitoo.Config{BaseURL: …, APIID: …, Password: …}
	if err != nil {
		log.Fatal(err)
	}
	fake.Sell(warehouse, false, sitootest.Line{SKU: "SOCK-7", Quantity: 2, Price: 149})
	for item, err := range till.Stock(warehouse).All(ctx, sitoo.StockQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.SKU, item.Available)
	}
	// Output: SOCK-7 39
}

// An order of the shop goes to the till once, whatever happens to the answer.
func ExampleClient_CreateOrderOnce() {
	fake, err := sitootest.New(sitootest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	till, err := sitoo.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	order := sitoo.OrderFields{
		ExternalID: sitoo.Set("woo-1042"), Type: sitoo.Set(sitoo.OrderPlain), Payment: sitoo.Set(sitoo.PaymentSuccessful),
		Items: []sitoo.OrderItemFields{{
			Name: "Ullsocka Fjell", SKU: "SOCK-7", Quantity: 3, VATValue: sitoo.NewPercent(decimal.NewFromInt(25)),
			RowPrice: sitoo.NewMoney(decimal.NewFromInt(447)), RowDiscount: sitoo.Set(sitoo.NewMoney(decimal.RequireFromString("44.70"))),
		}},
	}
	for range 2 {
		id, fresh, err := till.CreateOrderOnce(context.Background(), order)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id > 0, fresh)
	}
	fmt.Println(fake.Count("orders"))
	// Output:
	// true true
	// true false
	// 1
}

// The number of requests is known before the first one.
func ExamplePlan() {
	fake, err := sitootest.New(sitootest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	till, err := sitoo.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	products := make([]sitoo.ProductFields, 450)
	for i := range products {
		products[i] = sitoo.ProductFields{SKU: sitoo.Set(fmt.Sprintf("SKU-%03d", i)), ActivePOS: sitoo.Set(true)}
	}
	plan := till.Products.PlanCreate(products)
	fmt.Println(plan.Requests(), "requests")
	plan.Progress = func(p sitoo.Progress) { fmt.Println(p.Done, "of", p.Total) }
	results, err := plan.Run(context.Background())
	fmt.Println(len(results), err)
	// Output:
	// 3 requests
	// 200 of 450
	// 400 of 450
	// 450 of 450
	// 450 <nil>
}

func ExampleNewEventHandler() {
	events, err := sitoo.NewEventHandler(sitoo.EventConfig{
		User: "sitoo", Password: "a long one",
		Handle: func(ctx context.Context, e sitoo.Event) error {
			fmt.Println(e.Type, e.Data.OrderID) // put it into a queue: durable before nil
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /sitoo/events", events)
}
