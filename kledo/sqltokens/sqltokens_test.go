package sqltokens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
)

func open(t *testing.T, s sqldbtest.Server, name string) *Store {
	t.Helper()
	store, err := Open(t.Context(), s.Open(t), Config{Prefix: s.Prefix, Name: name})
	require.NoError(t, err)
	return store
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		kledotest.RunTokenStore(t, func(t *testing.T) func() kledo.TokenStore {
			server := sqldbtest.Get(t, s.Dialect) // one of its own for each case
			return func() kledo.TokenStore { return open(t, server, "") }
		})
	})
}

// Several accounts share a table, whatever their names look like.
func TestNames(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		names := []string{"shop a", "Shop A", "shop a ", "shöp'", strings.Repeat("x", longestName)}
		for i, name := range names {
			ok, err := open(t, s, name).Swap(t.Context(), "", fmt.Sprint("key ", i))
			require.NoError(t, err)
			require.True(t, ok, name)
		}
		for i, name := range names {
			key, err := open(t, s, name).Load(t.Context())
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint("key ", i), key)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	db := sqldbtest.Get(t, "sqlite").Open(t)
	_, err := Open(t.Context(), db, Config{Name: strings.Repeat("x", longestName+1)})
	require.ErrorContains(t, err, "Config.Name")
	_, err = Open(t.Context(), db, Config{Prefix: "a; drop table b"})
	require.ErrorContains(t, err, "Config.Prefix")
	_, err = Open(t.Context(), nil, Config{})
	require.Error(t, err)
}

// No failure shows a key.
func TestErrorsHideKeys(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		host := s.Open(t)
		store, err := Open(t.Context(), host, Config{Prefix: s.Prefix})
		require.NoError(t, err)
		_, err = host.ExecContext(t.Context(), "drop table "+s.Prefix+"kledo_tokens")
		require.NoError(t, err)
		_, err = store.Swap(t.Context(), "old-secret", "new-secret")
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	})
}

// A process comes while another is about to store a newer key: it must wait and lose.
func TestSwapWaitsForTheOther(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"postgres", "mysql"} { // SQLite has one writer
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := sqldbtest.Get(t, dialect)
			host, store := s.Open(t), open(t, s, "k")
			ok, err := store.Swap(t.Context(), "", "first")
			require.NoError(t, err)
			require.True(t, ok)
			other, err := host.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			var held []byte
			require.NoError(t, other.QueryRowContext(t.Context(), "select value from "+s.Prefix+"kledo_tokens for update").Scan(&held))
			time.AfterFunc(40*time.Millisecond, func() {
				_, err := other.ExecContext(context.Background(), "update "+s.Prefix+"kledo_tokens set value = 'second'")
				assert.NoError(t, errors.Join(err, other.Commit()))
			})
			ok, err = store.Swap(t.Context(), "first", "third")
			require.NoError(t, err)
			require.False(t, ok)
			key, err := store.Load(t.Context())
			require.NoError(t, err)
			require.Equal(t, "second", key)
		})
	}
}
