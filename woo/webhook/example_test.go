package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

func ExampleNew() {
	hook, err := webhook.New(webhook.Config{
		Secrets: []string{"new-secret", "old-secret"},
		Handle: func(_ context.Context, d webhook.Delivery) error {
			if d.Resource == "order" {
				fmt.Println(d.Topic, d.Payload.ID)
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// What a shop does:
	body := `{"id":727,"status":"processing"}`
	r := httptest.NewRequest(http.MethodPost, "/hooks/woo", strings.NewReader(body))
	r.Header.Set("X-WC-Webhook-Topic", "order.updated")
	r.Header.Set("X-WC-Webhook-Resource", "order")
	r.Header.Set(webhook.SignatureHeader, webhook.Sign("old-secret", []byte(body)))
	w := httptest.NewRecorder()
	hook.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// order.updated 727
	// 200
}

func ExampleEnsure() {
	fake, err := wootest.New(wootest.Config{}) // stands for a real shop
	if err != nil {
		fmt.Println(err)
		return
	}
	defer fake.Close()
	shop, err := woo.New(fake.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	fake.DeliverTo("https://us.example", http.NotFoundHandler()) // the shop pings it
	for range 2 {                                                // at every start
		hooks, err := webhook.Ensure(context.Background(), shop, webhook.Wanted{
			Topic: "order.updated", URL: "https://us.example/hooks/woo", Secret: "lettersAndDigits",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(hooks[0].ID, hooks[0].Name, hooks[0].Status)
	}
	// Output:
	// 1 Tillwire order.updated active
	// 1 Tillwire order.updated active
}

func ExampleNewGuard() {
	fake, err := wootest.New(wootest.Config{}) // stands for a real shop
	if err != nil {
		fmt.Println(err)
		return
	}
	defer fake.Close()
	shop, err := woo.New(fake.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	fake.DeliverTo("https://us.example", http.NotFoundHandler())
	guard, err := webhook.NewGuard(webhook.GuardConfig{
		Shop:   shop,
		Wanted: []webhook.Wanted{{Topic: "order.updated", URL: "https://us.example/hooks/woo", Secret: "lettersAndDigits"}},
		Last:   func(context.Context) (time.Time, error) { return time.Time{}, nil }, // Handler.LastDelivery
		CatchUp: func(_ context.Context, since time.Time) error { // read what has changed since then
			fmt.Println("catching up")
			return nil
		},
		Alarm: func(_ context.Context, err error) { fmt.Println(err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(guard.Check(ctx))                        // a host calls guard.Run
	if err := shop.Webhooks.Delete(ctx, 1); err != nil { // somebody tidies up the shop
		fmt.Println(err)
		return
	}
	fmt.Println(guard.Check(ctx))
	// Output:
	// catching up
	// <nil>
	// webhook: the shop had stopped delivering: order.updated was missing
	// catching up
	// <nil>
}
