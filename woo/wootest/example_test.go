package wootest_test

import (
	"context"
	"fmt"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

func Example() {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	shop.Seed(250, 1)

	client, err := woo.New(shop.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	due := 0
	for order, err := range client.Orders.All(context.Background(), woo.OrderQuery{Status: []woo.OrderStatus{"processing", "completed"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if order.Status == "completed" {
			due++
		}
	}
	fmt.Println(due, "invoices are due")
	// Output: 76 invoices are due
}
