package sqlstock_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/shopspring/decimal"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
)

// A stock in a database: what is sold is sold once, also when the answer was lost and the shopper presses the button again.
func ExampleOpen() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:") // a host names a file: "file:stock.db?_txlock=immediate&_pragma=busy_timeout(5000)"
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // each connection to memory is a database of its own

	state, err := sqlstock.Open(ctx, db, sqlstock.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	if err != nil {
		fmt.Println(err)
		return
	}
	master, err := stocksync.NewMaster(stocksync.MasterConfig{Self: stocksync.Self{StoreID: "main"}, Store: state, Queue: queue})
	if err != nil {
		fmt.Println(err)
		return
	}

	mug := stocksync.Ref{SKU: "MUG"}
	ten := stocksync.Stock{Quantity: decimal.NewFromInt(10), Manage: stocksync.Managed}
	_, err = master.Seed(ctx, []stocksync.Item{{Ref: mug, Stock: ten}})
	if err != nil {
		fmt.Println(err)
		return
	}
	two := []stocksync.Line{{Ref: mug, Quantity: decimal.NewFromInt(2)}}
	fmt.Println(master.Reserve(ctx, "order:1042", two), master.Reserve(ctx, "order:1042", two))
	items, err := master.Lookup(ctx, "", []stocksync.Ref{mug})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(items[0].Quantity, "left")
	// Output:
	// <nil> <nil>
	// 8 left
}
