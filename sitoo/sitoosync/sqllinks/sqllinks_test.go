package sqllinks

import (
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitoosync/sitoosynctest"
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
		t.Run("links", func(t *testing.T) {
			sitoosynctest.RunLinkStore(t, func(t *testing.T) sitoosync.LinkStore { return open(t, sqldbtest.Get(t, s.Dialect), "") })
		})
		t.Run("states", func(t *testing.T) {
			sitoosynctest.RunStateStore(t, func(t *testing.T) func() sitoosync.StateStore {
				server := sqldbtest.Get(t, s.Dialect)
				return func() sitoosync.StateStore { return open(t, server, "") }
			})
		})
	})
}

// Several syncs share the tables.
func TestNames(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		a, b := open(t, s, "Shop"), open(t, s, "shop")
		link := sitoosync.Link{Kind: sitoosync.ProductLink, Woo: "1", Sitoo: "100"}
		require.NoError(t, a.Put(t.Context(), []sitoosync.Link{link}))
		found, err := b.Find(t.Context(), sitoosync.ProductLink, sitoosync.Woo, []string{"1"})
		require.NoError(t, err)
		require.Empty(t, found)
		link.Sitoo = "200"
		require.NoError(t, b.Put(t.Context(), []sitoosync.Link{link}))
	})
	_, err := Open(t.Context(), sqldbtest.Get(t, "sqlite").Open(t), Config{Name: strings.Repeat("x", longestName+1)})
	require.ErrorContains(t, err, "Config.Name")
}
