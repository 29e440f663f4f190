package woopeer_test

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// A store is read, and its stock set.
func ExampleNew() {
	shop, err := wootest.New(wootest.Config{}) // in place of a real one
	if err != nil {
		panic(err)
	}
	defer shop.Close()
	if _, err := shop.AddProduct([]byte(`{"name":"Cup","sku":"CUP","manage_stock":true,"stock_quantity":5}`)); err != nil {
		panic(err)
	}
	client, err := woo.New(shop.Config())
	if err != nil {
		panic(err)
	}
	outlet, err := woopeer.New(woopeer.Config{ID: "outlet", Shop: client})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	for item, err := range outlet.Items(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(item.SKU, item.Quantity, item.Status)
	}
	done, err := outlet.Push(ctx, []stocksync.Item{{
		Ref:   stocksync.Ref{SKU: "CUP"},
		Stock: stocksync.Stock{Quantity: decimal.Zero, Manage: stocksync.Managed},
	}})
	if err != nil {
		panic(err)
	}
	stocks, err := outlet.Read(ctx, []stocksync.Ref{{SKU: "CUP"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(done[0].Outcome, stocks[0].Quantity, stocks[0].Status)
	// Output:
	// CUP 5 instock
	// confirmed 0 outofstock
}
