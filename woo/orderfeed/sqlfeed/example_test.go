package sqlfeed_test

import (
	"context"
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/orderfeed/sqlfeed"
)

func ExampleOpen() {
	db, err := sql.Open("sqlite", ":memory:") // a host names a file: "file:shop.db?_txlock=immediate&_pragma=busy_timeout(5000)"
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // each connection to memory is a database of its own

	seen, err := sqlfeed.Open(context.Background(), db, sqlfeed.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var _ orderfeed.Store = seen // for orderfeed.Config
	fmt.Println("ready")
	// Output: ready
}
