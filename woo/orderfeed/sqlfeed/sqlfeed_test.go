package sqlfeed_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/orderfeed/orderfeedtest"
	"github.com/tillwire/tillwire/woo/orderfeed/sqlfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

func open(tb testing.TB, db *sql.DB, c sqlfeed.Config) *sqlfeed.Store {
	tb.Helper()
	s, err := sqlfeed.Open(tb.Context(), db, c)
	require.NoError(tb, err)
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, on sqldbtest.Server) {
		orderfeedtest.Run(t, func(t *testing.T) orderfeed.Store {
			s := sqldbtest.Get(t, on.Dialect) // tables of its own
			return open(t, s.Open(t), sqlfeed.Config{Prefix: s.Prefix})
		})
	})
}

// What was put is there when the process that put it is gone; two handles are two processes.
func TestTwoProcessesAndARestart(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		c := sqlfeed.Config{Prefix: s.Prefix}
		first := s.Open(t)
		one, two := open(t, first, c), open(t, s.Open(t), c)
		noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		e := orderfeed.Entry{ID: 7, Status: "completed", Created: noon, Modified: noon, Handled: []woo.OrderStatus{"completed"}}
		require.NoError(t, one.Put(t.Context(), "orders", []orderfeed.Entry{e}))
		to := orderfeed.Cursor{Since: noon, ModifiedAfter: noon, Seen: noon}
		ok, err := one.Advance(t.Context(), "orders", orderfeed.Cursor{}, to)
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = two.Lease(t.Context(), "orders", "two", time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = one.Lease(t.Context(), "orders", "one", time.Minute)
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, first.Close())

		for _, s := range []*sqlfeed.Store{two, open(t, s.Open(t), c)} {
			got, err := s.Get(t.Context(), "orders", []woo.OrderID{7})
			require.NoError(t, err)
			require.Equal(t, []orderfeed.Entry{e}, got)
			c, err := s.Cursor(t.Context(), "orders")
			require.NoError(t, err)
			require.True(t, c.Equal(to), c)
		}
	})
}

// A feed whose process ends between two runs hands nothing over twice, and misses nothing.
func TestFeedOverARestart(t *testing.T) {
	t.Parallel()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	client, err := woo.New(shop.Config())
	require.NoError(t, err)
	s := sqldbtest.Get(t, "sqlite")
	got := map[string]int{}
	run := func() orderfeed.Report {
		db := s.Open(t)
		feed, err := orderfeed.New(orderfeed.Config{
			Source: client.Orders, Store: open(t, db, sqlfeed.Config{}), Statuses: []woo.OrderStatus{"processing", "completed"},
			Handle: func(_ context.Context, o *woo.Order) error { got[fmt.Sprint(o.ID, " ", o.Status)]++; return nil },
		})
		require.NoError(t, err)
		report, err := feed.RunOnce(t.Context())
		require.NoError(t, err)
		require.NoError(t, db.Close())
		return report
	}
	var ids []int64
	for range 150 {
		id, err := shop.AddOrder([]byte(`{"status":"processing"}`))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.Equal(t, orderfeed.Report{Read: 150, Handled: 150}, run())
	require.Equal(t, orderfeed.Report{Read: 150}, run())
	require.NoError(t, shop.SetStatus(ids[7], "completed"))
	require.Equal(t, 1, run().Handled)
	require.Len(t, got, 151)
	for what, n := range got {
		require.Equal(t, 1, n, what)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	_, err := sqlfeed.Open(t.Context(), nil, sqlfeed.Config{})
	require.ErrorContains(t, err, "sqlfeed: db is nil")
	db := sqldbtest.Get(t, "sqlite").Open(t)
	_, err = sqlfeed.Open(t.Context(), db, sqlfeed.Config{Prefix: "a b"})
	require.ErrorContains(t, err, "Config.Prefix")
	_, err = sqlfeed.Open(t.Context(), db, sqlfeed.Config{Dialect: "oracle"})
	require.ErrorContains(t, err, "Config.Dialect")
}

func BenchmarkStore(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(dialect, func(b *testing.B) {
			orderfeedtest.Benchmark(b, func(b *testing.B) orderfeed.Store {
				s := sqldbtest.Get(b, dialect)
				return open(b, s.Open(b), sqlfeed.Config{Prefix: s.Prefix})
			})
		})
	}
}
