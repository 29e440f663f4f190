package sqlhooks

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

// TestStore: what one process sets, another sees; a new token voids the old one; shops do not mix.
func TestStore(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		open := func() *Store {
			store, err := Open(t.Context(), s.Open(t), Config{Prefix: s.Prefix})
			require.NoError(t, err)
			return store
		}
		one, two := open(), open()
		token, err := one.Token(t.Context(), "a")
		require.NoError(t, err)
		require.Empty(t, token)
		for _, name := range []string{"a", "A", "ä'", strings.Repeat("x", longestName)} {
			require.NoError(t, one.SetToken(t.Context(), name, "first "+name))
			require.NoError(t, one.SetToken(t.Context(), name, "second "+name))
		}
		for _, name := range []string{"a", "A", "ä'", strings.Repeat("x", longestName)} {
			token, err := two.Token(t.Context(), name)
			require.NoError(t, err)
			require.Equal(t, "second "+name, token)
		}
		require.NoError(t, two.SetToken(t.Context(), "a", ""))
		token, err = one.Token(t.Context(), "a")
		require.NoError(t, err)
		require.Empty(t, token)
		require.Error(t, one.SetToken(t.Context(), strings.Repeat("x", longestName+1), "t"))
	})
}

func ExampleOpen() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:") // a host would name a file, or another server
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // only because it is in memory

	store, err := Open(ctx, db, Config{})
	if err != nil {
		log.Fatal(err)
	}
	hooks, err := eurofakturasync.NewHookAddresses("https://host.example/hooks", store)
	if err != nil {
		log.Fatal(err)
	}
	hook, err := hooks.Generate(ctx, "myshop")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(hook.URL), hook.URL[:27])
	// Output: 70 https://host.example/hooks/
}
