package orderfeed_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

func Example() {
	shop, err := wootest.New(wootest.Config{}) // stands for a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	client, err := woo.New(shop.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	feed, err := orderfeed.New(orderfeed.Config{
		Source:   client.Orders,
		Store:    orderfeed.NewMemoryStore(), // a host that restarts takes sqlfeed
		Statuses: []woo.OrderStatus{woo.OrderProcessing, woo.OrderCompleted},
		Handle: func(_ context.Context, o *woo.Order) error {
			fmt.Println("order", o.ID, "is", o.Status)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Deliveries come within seconds, and feed.Run(ctx) finds what they miss. Here one reading will do.
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/orders", feed.WebhookHandler("the webhook's secret"))

	ctx := context.Background()
	id, err := shop.AddOrder([]byte(`{"status":"processing"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(feed.RunOnce(ctx))
	fmt.Println(feed.RunOnce(ctx)) // known by now
	if err := shop.SetStatus(id, "completed"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(feed.RunOnce(ctx))
	// Output:
	// order 1001 is processing
	// read 1, handled 1 <nil>
	// read 1 <nil>
	// order 1001 is completed
	// read 1, handled 1 <nil>
}

// Orders that wait are listed, forwarded by hand, or ignored.
func ExampleFeed_Open() {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	client, err := woo.New(shop.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	feed, err := orderfeed.New(orderfeed.Config{
		Source:   client.Orders,
		Store:    orderfeed.NewMemoryStore(),
		Statuses: []woo.OrderStatus{woo.OrderCompleted},
		Once:     orderfeed.PerOrder,
		Handle: func(_ context.Context, o *woo.Order) error {
			fmt.Println("booked", o.ID, o.Status)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range []string{"on-hold", "processing", "completed", "cancelled"} {
		if _, err := shop.AddOrder([]byte(`{"status":"` + status + `"}`)); err != nil {
			fmt.Println(err)
			return
		}
	}
	ctx := context.Background()
	fmt.Println(feed.RunOnce(ctx))
	fmt.Println(feed.Ignore(ctx, 1004))  // it will never come
	fmt.Println(feed.Forward(ctx, 1001)) // the money is here, whatever the shop says
	for e, err := range feed.Open(ctx) {
		fmt.Println("open", e.ID, e.Status, err)
	}
	// Output:
	// booked 1003 completed
	// read 4, handled 1 <nil>
	// <nil>
	// booked 1001 on-hold
	// <nil>
	// open 1002 processing <nil>
}
