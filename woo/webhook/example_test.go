package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/tillwire/tillwire/woo/webhook"
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
