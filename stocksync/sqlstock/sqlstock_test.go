package sqlstock_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

func open(tb testing.TB, db *sql.DB, c sqlstock.Config) *sqlstock.Store {
	tb.Helper()
	s, err := sqlstock.Open(context.WithoutCancel(tb.Context()), db, c)
	require.NoError(tb, err)
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, on sqldbtest.Server) {
		stocksynctest.RunStore(t, func(t *testing.T) stocksync.Store {
			s := sqldbtest.Get(t, on.Dialect) // tables of its own
			return open(t, s.Open(t), sqlstock.Config{Prefix: s.Prefix})
		})
	})
}

// crew is a store in several processes: handles of their own on one database.
func crew(t *testing.T, s sqldbtest.Server, n int) []stocksync.Store {
	t.Helper()
	var all []stocksync.Store
	for range n {
		all = append(all, open(t, s.Open(t), sqlstock.Config{Prefix: s.Prefix}))
	}
	return all
}

// The suite's races are within one process. Here each worker is one: on SQLite they meet at the file, on servers at the locks.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
		both := crew(t, s, 2)
		var all sync.WaitGroup
		for w, store := range both {
			gids := []stocksync.GID{"a", "b", "c", "d"} // none exists
			if w == 1 {
				slices.Reverse(gids)
			}
			all.Go(func() {
				for round := range 20 {
					assert.NoError(t, store.Update(t.Context(), gids, func(rows []*stocksync.Row) (stocksync.Commit, error) {
						c := stocksync.Commit{Ledger: []stocksync.Entry{{Store: "s", Source: fmt.Sprint(w, "/", round)}}}
						for i, r := range rows {
							r = sold(r, gids[i])
							c.Rows = append(c.Rows, r)
							c.Push = append(c.Push, stocksync.Push{Peer: "p", GID: r.GID, Version: r.Version})
						}
						return c, nil
					}))
				}
			})
		}
		all.Wait()
		rows, err := both[0].Find(t.Context(), "", 10)
		require.NoError(t, err)
		require.Len(t, rows, 4)
		for _, r := range rows {
			require.Equal(t, []int64{-40, 40}, []int64{r.Quantity.IntPart(), r.Version}, r.GID)
		}

		// When the lease of one has ended the other gets what it held, and from then on the first one's word counts for nothing.
		mine, err := both[0].Behind(t.Context(), "p", 3, time.Millisecond)
		require.NoError(t, err)
		require.Len(t, mine, 3)
		var taken []stocksync.Push
		require.Eventually(t, func() bool {
			found, err := both[1].Behind(t.Context(), "p", 10, time.Hour)
			require.NoError(t, err)
			taken = append(taken, found...)
			return len(taken) == 4
		}, 10*time.Second, 5*time.Millisecond)
		none, err := both[0].Behind(t.Context(), "p", 10, time.Hour)
		require.NoError(t, err)
		require.Empty(t, none)
		for _, settle := range []struct {
			by   stocksync.Store
			done []stocksync.Push
			left int
		}{{both[0], mine, 4}, {both[1], taken, 0}} {
			require.NoError(t, settle.by.Update(t.Context(), nil, func([]*stocksync.Row) (stocksync.Commit, error) {
				return stocksync.Commit{Done: settle.done}, nil
			}))
			left, err := both[0].Backlog(t.Context())
			require.NoError(t, err)
			require.Equal(t, settle.left, left["p"].Count)
		}
	})
}

// sold takes a piece, perhaps of a product that was not known.
func sold(r *stocksync.Row, gid stocksync.GID) *stocksync.Row {
	if r == nil {
		r = &stocksync.Row{Item: stocksync.Item{Ref: stocksync.Ref{GID: gid, SKU: stocksync.SKU(gid)}}}
	}
	r.Quantity = r.Quantity.Sub(decimal.NewFromInt(1))
	r.Version++
	return r
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := sqlstock.Open(t.Context(), sqldbtest.Get(t, "sqlite").Open(t), sqlstock.Config{Prefix: "NO"})
	require.ErrorContains(t, err, "Config.Prefix")
	_, err = sqlstock.Open(t.Context(), nil, sqlstock.Config{})
	require.ErrorContains(t, err, "sqlstock: db is nil")
}
