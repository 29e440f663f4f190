package kledosync_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledosync"
	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

func Example() {
	ctx := context.Background()
	fakeKledo, err := kledotest.New(kledotest.Config{})
	check(err)
	defer fakeKledo.Close()
	fakeShop, err := wootest.New(wootest.Config{})
	check(err)
	defer fakeShop.Close()

	books, err := kledo.New(fakeKledo.Config())
	check(err)
	shop, err := woo.New(fakeShop.Config())
	check(err)
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()}) // a host takes sqlstore
	check(err)
	toKledo, err := kledosync.New(kledosync.Config{Books: books, Queue: queue, Shop: shop})
	check(err)

	id, err := fakeShop.AddOrder([]byte(`{"status": "completed"}`))
	check(err)
	order, err := shop.Orders.Get(ctx, woo.OrderID(id))
	check(err)
	check(toKledo.Accept(ctx, order)) // an orderfeed does this for each order that reaches toKledo.Statuses()
	check(toKledo.Accept(ctx, order)) // twice is as good as once
	check(queue.RunDue(ctx))          // or Run, for ever

	for _, d := range fakeKledo.Documents() {
		fmt.Println(d.Kind, d.Get("ref_number_prefix"))
	}
	fmt.Println(string(fakeShop.Meta(id, "_wc_kledo_invoice_synced")))
	// Output:
	// order WC/SO/
	// invoice WC/INV/
	// "yes"
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
