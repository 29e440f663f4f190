package kledo_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
)

func Example() {
	fake, err := kledotest.New(kledotest.Config{}) // instead of a real account
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	ctx := context.Background()

	books, err := kledo.New(fake.Config()) // kledo.Config{Endpoint: …, Token: …}
	if err != nil {
		log.Fatal(err)
	}
	err = books.SendInvoice(ctx, &kledo.Document{
		ContactName: "Siti Rahma", RefNumberPrefix: "WC/INV/", RefNumber: 1042,
		TransDate: kledo.Date{Year: 2026, Month: 4, Day: 24}, DueDate: kledo.Date{Year: 2026, Month: 5, Day: 24},
		Items: []kledo.Item{{Name: "Kopi Gayo 250g", Code: "KG-250", Qty: decimal.NewFromInt(2), RegularPrice: "85000"}},
	})
	switch {
	case errors.Is(err, kledo.ErrAmbiguous):
		fmt.Println("look before sending it again")
	case err != nil:
		fmt.Println(err)
	}
	found, err := books.Transactions(ctx, 1042)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Invoice != nil, found.SalesOrder != nil)
	// Output: true false
}

func ExampleClient_Connection() {
	fake, err := kledotest.New(kledotest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	books, err := kledo.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	fake.SetToken("kledo_pat_Fake00_another") // a person has revoked the old key

	_, err = books.Connection(context.Background())
	fmt.Println(errors.Is(err, kledo.ErrAuth))
	// Output: true
}

func ExampleLister_All() {
	fake, err := kledotest.New(kledotest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	books, err := kledo.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	for w, err := range books.Warehouses.All(context.Background(), kledo.WarehouseQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(w.Name)
	}
	// Output:
	// Gudang Utama
	// Toko
}

func ExampleUserAgent() {
	fmt.Println(kledo.UserAgent("myhost-1.4", "11.0.1", "7.1"))
	// Output: Kledo/myhost-1.4 (WooCommerce/11.0.1; WordPress/7.1)
}
