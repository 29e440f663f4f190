package sqlnonce

import (
	"database/sql"
	"fmt"
	"os"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

func open(tb testing.TB, db *sql.DB, c Config) *Nonces {
	tb.Helper()
	n, err := Open(tb.Context(), db, c)
	require.NoError(tb, err)
	return n
}

// rounds is how often 200 goroutines race; the counts with TILLWIRE_LONG=1.
func rounds(dialect string) int {
	switch long := os.Getenv("TILLWIRE_LONG") == "1"; {
	case long && dialect == "sqlite":
		return 1000
	case long:
		return 100
	default:
		return 4
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, on sqldbtest.Server) {
		hmacauthtest.Run(t, hmacauthtest.Suite{Rounds: rounds(on.Dialect), Open: func(t *testing.T, n int) []hmacauth.NonceStore {
			s := sqldbtest.Get(t, on.Dialect) // a table of its own
			var all []hmacauth.NonceStore
			for range n {
				db := s.Open(t)
				db.SetMaxOpenConns(8) // several tests share the server's connections
				all = append(all, open(t, db, Config{Prefix: s.Prefix}))
			}
			return all
		}})
	})
}

// what was accepted before a restart is a replay after it.
func TestOverARestart(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		first := s.Open(t)
		fresh, err := open(t, first, Config{Prefix: s.Prefix}).Reserve(t.Context(), "k", "n", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.True(t, fresh)
		require.NoError(t, first.Close())
		fresh, err = open(t, s.Open(t), Config{Prefix: s.Prefix}).Reserve(t.Context(), "k", "n", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.False(t, fresh)
	})
}

// Rows go some time after their end, and no other rows go.
func TestPrune(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		n := open(t, s.Open(t), Config{Prefix: s.Prefix})
		count := func() (rows int) {
			require.NoError(t, n.db.Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), "select count(*) from {nonces}").Scan(&rows)
			}))
			return rows
		}
		for i := range 40 {
			_, err := n.Reserve(t.Context(), "k", fmt.Sprint("over ", i), time.Now().Add(-keepFor-time.Minute))
			require.NoError(t, err)
			_, err = n.Reserve(t.Context(), "k", fmt.Sprint("just over ", i), time.Now().Add(-keepFor+time.Minute))
			require.NoError(t, err)
			_, err = n.Reserve(t.Context(), "k", fmt.Sprint("live ", i), time.Now().Add(time.Minute))
			require.NoError(t, err)
		}
		require.Equal(t, 120, count())
		for i := range pruneEvery - 120 {
			_, err := n.Reserve(t.Context(), "k", fmt.Sprint("more ", i), time.Now().Add(time.Minute))
			require.NoError(t, err)
		}
		require.Equal(t, pruneEvery-40, count())
		for i := range 40 {
			fresh, err := n.Reserve(t.Context(), "k", fmt.Sprint("live ", i), time.Now().Add(time.Minute))
			require.NoError(t, err)
			require.False(t, fresh)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), nil, Config{})
	require.ErrorContains(t, err, "sqlnonce: db is nil")
	db := sqldbtest.Get(t, "sqlite").Open(t)
	_, err = Open(t.Context(), db, Config{Prefix: "a b"})
	require.ErrorContains(t, err, "Config.Prefix")
	n := open(t, db, Config{})
	require.NoError(t, db.Close())
	fresh, err := n.Reserve(t.Context(), "k", "n", time.Now())
	require.ErrorContains(t, err, "sqlnonce: reserving a nonce")
	require.False(t, fresh)
}

func BenchmarkNonces(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(dialect, func(b *testing.B) {
			hmacauthtest.Bench(b, func(b *testing.B) hmacauth.NonceStore {
				s := sqldbtest.Get(b, dialect)
				return open(b, s.Open(b), Config{Prefix: s.Prefix})
			})
		})
	}
}
