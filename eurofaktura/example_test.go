package eurofaktura_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
)

func Example() {
	fake, err := eurofakturatest.New(eurofakturatest.Config{}) // instead of a real organisation
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	ctx := context.Background()

	books, err := eurofaktura.New(fake.Config()) // eurofaktura.Config{Endpoint: …, Username: …, SecretKey: …, Token: …}
	if err != nil {
		log.Fatal(err)
	}
	id := eurofaktura.TransactionID("myshop", "order", 4711) // the same for the same order, always
	created, err := books.SalesOrders.Create(ctx, id, eurofaktura.SalesOrderFields{
		Date: eurofaktura.Set(eurofaktura.Date{Year: 2026, Month: 2, Day: 3}), Type: eurofaktura.Set(eurofaktura.TypeRetail),
		Currency: eurofaktura.Set("EUR"), OrderReference: eurofaktura.Set(id),
		Items: []eurofaktura.ItemFields{{
			Description: eurofaktura.Set("Доставка"), Quantity: eurofaktura.Set(decimal.NewFromInt(1)),
			Price: eurofaktura.Set(decimal.RequireFromString("4.90")), VATPercentage: eurofaktura.Set(decimal.NewFromInt(20)),
		}},
	})
	switch {
	case errors.Is(err, eurofaktura.ErrAmbiguous):
		fmt.Println("look before sending it again")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(created.Number)
	}
	// Output: 2026-00001
}

func ExampleClient_Call() {
	fake, err := eurofakturatest.New(eurofakturatest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	books, err := eurofaktura.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	var result any
	err = books.Call(context.Background(), "SalesQuoteGet", map[string]any{"number": "17"}, &result)
	fmt.Println(errors.Is(err, eurofaktura.ErrNotFound))
	// Output: true
}

func ExampleNewWebhookHandler() {
	h, err := eurofaktura.NewWebhookHandler(eurofaktura.WebhookConfig{
		Verify: func(*eurofaktura.WebhookMessage) error { return errors.New("as the vendor tells you to check it") },
		Handle: func(context.Context, *eurofaktura.WebhookMessage) error { return nil }, // save it
	})
	if err != nil {
		log.Fatal(err)
	}
	http.NewServeMux().Handle("POST /hooks/books", h)
}
