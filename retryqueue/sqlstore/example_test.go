package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
)

// An order and the job to invoice it are accepted in one transaction of the host's.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:") // a shop would name a file, or another server
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // only because it is in memory

	store, err := sqlstore.Open(ctx, db, sqlstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	type invoice struct{ Order int }
	invoices, err := retryqueue.Register(queue, retryqueue.Kind[invoice]{
		Name: "invoice",
		Work: func(_ context.Context, job retryqueue.Job[invoice]) error {
			fmt.Println("invoice for order", job.Payload.Order)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	// … the host's own statements …
	if _, err := invoices.EnqueueTx(ctx, tx, "order:1042", invoice{Order: 1042}); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
	if err := queue.RunDue(ctx); err != nil { // a service calls Run, and Wake after the commit
		log.Fatal(err)
	}
	// Output: invoice for order 1042
}
