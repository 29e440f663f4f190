package legacy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
	"github.com/tillwire/tillwire/woo/wootest"
)

func Example() {
	store, err := wootest.New(wootest.Config{}) // stands for a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	old := store.Legacy()
	defer old.Close()
	_, err = store.AddOrder([]byte(`{"status":"processing"}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	c := store.Config()
	shop, err := legacy.New(legacy.Config{
		URL: c.URL, Key: c.Key, Secret: c.Secret,
		HTTPClient: &http.Client{Transport: old.Transport()}, // leave it out for a real one
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for order, err := range shop.Orders.All(ctx, woo.OrderQuery{Status: []woo.OrderStatus{woo.OrderProcessing}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("order", order.Number, "is", order.Status)
	}

	old.SetMode(wootest.LegacyOff)
	_, err = shop.Index(ctx)
	fmt.Println(errors.Is(err, legacy.ErrLegacyOff))
	// Output:
	// order 1001 is processing
	// true
}
