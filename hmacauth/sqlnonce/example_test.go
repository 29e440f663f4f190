package sqlnonce_test

import (
	"context"
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/sqlnonce"
)

func ExampleOpen() {
	db, err := sql.Open("sqlite", ":memory:") // a host names a file: "file:shop.db?_txlock=immediate&_pragma=busy_timeout(5000)"
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // each connection to memory is a database of its own

	nonces, err := sqlnonce.Open(context.Background(), db, sqlnonce.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var _ hmacauth.NonceStore = nonces // for hmacauth.VerifierConfig
	fmt.Println("ready")
	// Output: ready
}
