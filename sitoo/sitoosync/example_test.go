package sitoosync_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// A full sync that links what both sides have and brings the till's stock into the shop.
func ExampleSync_FullSync() {
	ctx := context.Background()
	fakeShop, err := wootest.New(wootest.Config{}) // a host has a real one of each
	if err != nil {
		log.Fatal(err)
	}
	defer fakeShop.Close()
	fakeTill, err := sitootest.New(sitootest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer fakeTill.Close()
	warehouse := fakeTill.AddWarehouse("Storgatan", sitoo.FIFO)
	fakeTill.AddProduct("SOCK-7", "Ullsocka Fjell", "149.00")
	fakeTill.SetStock(warehouse, "SOCK-7", 41)
	if _, err := fakeShop.AddProduct([]byte(`{"name":"Ullsocka Fjell","sku":"SOCK-7"}`)); err != nil {
		log.Fatal(err)
	}

	shop, err := woo.New(fakeShop.Config())
	if err != nil {
		log.Fatal(err)
	}
	till, err := sitoo.New(fakeTill.Config())
	if err != nil {
		log.Fatal(err)
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	if err != nil {
		log.Fatal(err)
	}
	links := &sitoosync.MemoryLinks{} // a host's outlive its process: sqllinks
	pos, err := sitoosync.New(sitoosync.Config{Shop: shop, Till: till, Links: links, State: links, Queue: queue, Warehouse: warehouse})
	if err != nil {
		log.Fatal(err)
	}
	report, err := pos.FullSync(ctx, sitoosync.FullSyncOptions{
		Operations: []sitoosync.Operation{sitoosync.OpMatchAll, sitoosync.StockDown},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range report.Operations {
		fmt.Println(o.Operation, o.Changes)
	}
	// Output:
	// match-all 1
	// stock-down 1
}
