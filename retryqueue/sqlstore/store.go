package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// Config says where the tables are. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of tables and indexes: at most 24 lower-case letters, digits and _; default "tillwire_"
}

// Store keeps jobs in a database. It is safe for concurrent use by any number of processes.
type Store struct{ db *sqldb.DB }

var (
	_ retryqueue.Store   = (*Store)(nil)
	_ retryqueue.TxStore = (*Store)(nil)
	_ retryqueue.Pruner  = (*Store)(nil)
)

//go:embed schema/*.sql
var schema embed.FS

// Open recognises the server, brings the tables up to date and returns the store. It does not close db. An unknown or
// too old server is an error that quotes its version; so is a database that a newer version of this package has
// migrated.
func Open(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	d, err := sqldb.Open(ctx, db, sqldb.Config(c), sqldb.Schema{Room: "retryqueue", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	return &Store{db: d}, nil
}

// within runs fn in a transaction of the store's own, perhaps more than once.
func within[T any](ctx context.Context, s *Store, name string, fn func(tx *sqldb.Tx) (T, error)) (T, error) {
	var out T
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) (err error) { out, err = fn(tx); return err })
	if err != nil {
		var none T
		return none, fmt.Errorf("sqlstore: %s: %w", name, err)
	}
	return out, nil
}

// joined runs fn in the host's transaction.
func joined[T any](tx *sql.Tx, s *Store, name string, fn func(tx *sqldb.Tx) (T, error)) (T, error) {
	out, err := fn(s.db.Join(tx))
	if err != nil {
		var none T
		return none, fmt.Errorf("sqlstore: %s: %w", name, err)
	}
	return out, nil
}
