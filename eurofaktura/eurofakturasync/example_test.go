package eurofakturasync_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

func Example() {
	ctx := context.Background()
	shop, err := wootest.New(wootest.Config{}) // instead of a real shop
	if err != nil {
		log.Fatal(err)
	}
	defer shop.Close()
	fake, err := eurofakturatest.New(eurofakturatest.Config{}) // instead of a real organisation
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	_, err = shop.AddOrder([]byte(`{"status":"processing","currency":"EUR","fee_lines":[{"name":"Gift","total":"10.00"}]}`))
	if err != nil {
		log.Fatal(err)
	}

	client, err := woo.New(shop.Config())
	if err != nil {
		log.Fatal(err)
	}
	books, err := eurofaktura.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()}) // a real host: sqlstore.Open
	if err != nil {
		log.Fatal(err)
	}
	toBooks, err := eurofakturasync.New(eurofakturasync.Config{
		Name: "myshop", Books: books, Queue: queue, Shop: eurofakturasync.V3(client), Warehouse: "01", CostCentre: "WEB",
	})
	if err != nil {
		log.Fatal(err)
	}
	feed, err := orderfeed.New(toBooks.Feed(orderfeed.Config{Store: orderfeed.NewMemoryStore(), Since: time.Unix(0, 0)}))
	if err != nil {
		log.Fatal(err)
	}
	// A host runs feed.Run and queue.Run; here is one pass of each.
	if _, err := feed.RunOnce(ctx); err != nil {
		log.Fatal(err)
	}
	if err := queue.RunDue(ctx); err != nil {
		log.Fatal(err)
	}
	booked := fake.Documents()[0]
	fmt.Println(booked.Text("orderReference"), booked.Amount)
	// Output: myshop-order-1001 12.2
}
