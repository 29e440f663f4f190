package kledotest_test

import (
	"context"
	"fmt"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
)

// A sender that repeats itself after a lost answer books twice: here it shows.
func Example() {
	books, err := kledotest.New(kledotest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer books.Close()
	client, err := kledo.New(books.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	invoice := &kledo.Document{
		ContactName: "Siti Rahma", RefNumberPrefix: "WC/INV/", RefNumber: 1042,
		TransDate: kledo.Date{Year: 2026, Month: 4, Day: 24}, DueDate: kledo.Date{Year: 2026, Month: 5, Day: 24},
		Items: []kledo.Item{{Name: "Kopi Gayo 250g"}},
	}

	books.SetFaults(kledotest.Faults{Rate: 1, Kinds: []kledotest.Fault{kledotest.Lost}})
	err = client.SendInvoice(ctx, invoice)
	fmt.Println("told:", err == nil, "booked:", books.Count(kledotest.Invoice, 1042))

	books.SetFaults(kledotest.Faults{})
	err = client.SendInvoice(ctx, invoice)
	fmt.Println("told:", err == nil, "booked:", books.Count(kledotest.Invoice, 1042), "duplicates:", books.Duplicates())
	fmt.Println(books.Documents()[0].Items()[0]["name"])
	// Output:
	// told: false booked: 1
	// told: true booked: 2 duplicates: 1
	// Kopi Gayo 250g
}
