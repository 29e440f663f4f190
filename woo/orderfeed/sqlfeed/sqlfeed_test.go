package sqlfeed_test

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"os"
	"testing"
	"testing/fstest"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb"
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

// A database of the first version: what was known is known, handled marks hold, nothing is handed over twice, and the feed's
// next start puts the open list in order.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	first, err := os.ReadFile("schema/0001_feed.sql")
	require.NoError(t, err)
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		host := s.Open(t)
		old, err := sqldb.Open(t.Context(), host, sqldb.Config{Prefix: s.Prefix}, sqldb.Schema{
			Room: "orderfeed", Files: fstest.MapFS{"0001_feed.sql": {Data: first}},
		})
		require.NoError(t, err)
		noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		require.NoError(t, old.InTx(t.Context(), func(tx *sqldb.Tx) error {
			at := sqldb.Micros(noon)
			_, err := tx.Exec(t.Context(), `insert into {orderfeed_feeds} (feed, since, modified_after, seen, holder, lease_until)
				values ('orders', ?, ?, ?, '', 0)`, at, at, at)
			require.NoError(t, err)
			for id, row := range map[int][]any{
				1: {"processing", `["processing"]`, "", 0}, 2: {"completed", `["completed","processing"]`, "", 0}, 3: {"completed", `[]`, "no", 1},
			} {
				_, err := tx.Exec(t.Context(), `insert into {orderfeed_entries} (feed, order_id, status, created, modified, handled, missing, error, failed)
					values ('orders', ?, ?, ?, ?, ?, 0, ?, ?)`, id, row[0], at, at, row[1], row[2], row[3])
				require.NoError(t, err)
			}
			return nil
		}))

		seen := open(t, host, sqlfeed.Config{Prefix: s.Prefix})
		c, err := seen.Cursor(t.Context(), "orders")
		require.NoError(t, err)
		require.True(t, c.Equal(orderfeed.Cursor{Since: noon, ModifiedAfter: noon, Seen: noon}), c)
		got, err := seen.Get(t.Context(), "orders", []woo.OrderID{2})
		require.NoError(t, err)
		want := orderfeed.Entry{ID: 2, Status: "completed", Created: noon, Modified: noon, Handled: []woo.OrderStatus{"completed", "processing"}}
		require.Equal(t, []orderfeed.Entry{want}, got)
		failed, err := seen.Find(t.Context(), "orders", orderfeed.Query{Failed: true})
		require.NoError(t, err)
		require.Len(t, failed, 1)

		var handled []woo.OrderID
		feed, err := orderfeed.New(orderfeed.Config{
			Source: nothing{}, Store: seen, Statuses: []woo.OrderStatus{"processing", "completed"},
			Handle: func(_ context.Context, o *woo.Order) error { handled = append(handled, o.ID); return nil },
		})
		require.NoError(t, err)
		_, err = feed.RunOnce(t.Context())
		require.NoError(t, err)
		require.Equal(t, []woo.OrderID{3}, handled)
		var left []woo.OrderID
		found, err := seen.Find(t.Context(), "orders", orderfeed.Query{OpenOnly: true})
		require.NoError(t, err)
		for _, e := range found {
			left = append(left, e.ID)
		}
		require.Equal(t, []woo.OrderID{1}, left, "waits for completed")
		_, err = sqlfeed.Open(t.Context(), host, sqlfeed.Config{Prefix: s.Prefix})
		require.NoError(t, err, "again")
	})
}

// nothing is a shop in which nothing has changed, and every order is completed.
type nothing struct{}

func (nothing) Get(_ context.Context, id woo.OrderID) (*woo.Order, error) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return &woo.Order{ID: id, Status: "completed", DateCreated: at, DateModified: at}, nil
}

func (nothing) All(context.Context, woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	return func(func(*woo.Order, error) bool) {}
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
			orderfeedtest.Bench(b, func(b *testing.B) orderfeed.Store {
				s := sqldbtest.Get(b, dialect)
				return open(b, s.Open(b), sqlfeed.Config{Prefix: s.Prefix})
			})
		})
	}
}
