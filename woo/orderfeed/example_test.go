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
	// {1 1 0} <nil>
	// {1 0 0} <nil>
	// order 1001 is completed
	// {1 1 0} <nil>
}
