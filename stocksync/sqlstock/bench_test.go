package sqlstock_test

import (
	"testing"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

// BenchmarkStore measures each kind of server there is: SQLite with its default, power-loss safe synchronous=FULL.
func BenchmarkStore(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(dialect, func(b *testing.B) {
			sqldbtest.Get(b, dialect) // skips
			stocksynctest.BenchStore(b, func(b *testing.B) stocksync.Store {
				s := sqldbtest.Get(b, dialect)
				db := s.Open(b)
				db.SetMaxIdleConns(16) // of 2, the default, most calls would open a connection of their own
				return open(b, db, sqlstock.Config{Prefix: s.Prefix})
			})
		})
	}
}
