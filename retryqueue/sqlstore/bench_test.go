package sqlstore

import (
	"context"
	"testing"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

// BenchmarkStore measures each kind of server there is: SQLite with its default, power-loss safe synchronous=FULL.
func BenchmarkStore(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(dialect, func(b *testing.B) {
			sqldbtest.Get(b, dialect) // skips
			retryqueuetest.Bench(b, func(b *testing.B) retryqueue.Store {
				server := sqldbtest.Get(b, dialect)
				s, err := Open(context.Background(), server.Open(b), Config{Prefix: server.Prefix})
				if err != nil {
					b.Fatal(err)
				}
				return s
			})
		})
	}
}
