package sqltokens_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/kledo/sqltokens"
)

func ExampleOpen() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:") // a shop would name a file, or another server
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // only because it is in memory

	tokens, err := sqltokens.Open(ctx, db, sqltokens.Config{})
	if err != nil {
		log.Fatal(err)
	}
	first, err := tokens.Swap(ctx, "", "kledo_pat_1")
	if err != nil {
		log.Fatal(err)
	}
	late, err := tokens.Swap(ctx, "", "kledo_pat_2") // by a process that has not read yet
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first, late)
	// Output: true false
}
