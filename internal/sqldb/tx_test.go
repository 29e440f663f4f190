package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

// Two handles stand for two processes. Each reads, then writes what it read plus one; no addition may be lost, and
// none may fail although the DSN is plain and the connections are many.
func TestInTxLosesNoUpdate(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		dbs := []*DB{openCounters(t, server), openCounters(t, server)}
		ctx := t.Context()
		require.NoError(t, dbs[0].InTx(ctx, func(tx *Tx) error { return set(ctx, tx, "x", 0) }))
		const workers, each = 8, 10
		lock := map[Dialect]string{SQLite: "", Postgres: " for update", MySQL: " for update"}[Dialect(server.Dialect)]
		var wg sync.WaitGroup
		errs := make([]error, workers)
		for w := range workers {
			wg.Go(func() {
				for range each {
					errs[w] = errors.Join(errs[w], dbs[w%2].InTx(ctx, func(tx *Tx) error {
						var n int
						if err := tx.QueryRow(ctx, `select n from {counters} where name = ?`+lock, "x").Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, `update {counters} set n = ? where name = ?`, n+1, "x")
						return err
					}))
				}
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.NoError(t, dbs[1].Read(ctx, func(tx *Tx) error {
			n, err := get(ctx, tx, "x")
			require.Equal(t, workers*each, n)
			return err
		}))
	})
}

// Two transactions lock two rows in opposite order: the server kills one, InTx runs it again, both succeed.
func TestInTxRetriesADeadlock(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		if server.Dialect == string(SQLite) {
			t.Skip("SQLite has one writer: it cannot deadlock")
		}
		db := openCounters(t, server)
		ctx := t.Context()
		require.NoError(t, db.InTx(ctx, func(tx *Tx) error { return errors.Join(set(ctx, tx, "a", 0), set(ctx, tx, "b", 0)) }))
		var met sync.WaitGroup // both hold their first row before either asks for its second
		met.Add(2)
		runs := make([]int, 2)
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			wg.Go(func() {
				errs[i] = db.InTx(ctx, func(tx *Tx) error {
					runs[i]++
					for k, name := range order {
						if _, err := tx.Exec(ctx, `update {counters} set n = n + 1 where name = ?`, name); err != nil {
							return fmt.Errorf("wrapped: %w", err)
						}
						if k == 0 && runs[i] == 1 {
							met.Done()
							met.Wait()
						}
					}
					return nil
				})
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, 3, runs[0]+runs[1], "one ran twice")
		require.NoError(t, db.Read(ctx, func(tx *Tx) error {
			n, err := get(ctx, tx, "a")
			require.Equal(t, 2, n)
			return err
		}))
	})
}

// MySQL's default isolation would lock the gap that both looked into, and each insert would wait for the other.
func TestInTxTakesNoGapLocks(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		if server.Dialect == string(SQLite) {
			t.Skip("SQLite has no row locks")
		}
		db := openCounters(t, server)
		ctx := t.Context()
		var met, wg sync.WaitGroup
		met.Add(2)
		runs, errs := make([]int, 2), make([]error, 2)
		for i, name := range []string{"a", "b"} {
			wg.Go(func() {
				errs[i] = db.InTx(ctx, func(tx *Tx) error {
					runs[i]++
					var n int
					err := tx.QueryRow(ctx, `select n from {counters} where name = ? for update`, name).Scan(&n)
					if !errors.Is(err, sql.ErrNoRows) {
						return fmt.Errorf("there should be no row yet: %w", err)
					}
					if runs[i] == 1 {
						met.Done()
						met.Wait()
					}
					return set(ctx, tx, name, 1)
				})
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, []int{1, 1}, runs)
	})
}

func TestInTxRollsBack(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		db := openCounters(t, server)
		ctx := t.Context()
		boom := errors.New("boom")
		require.ErrorIs(t, db.InTx(ctx, func(tx *Tx) error { return errors.Join(set(ctx, tx, "x", 1), boom) }), boom)
		require.Panics(t, func() {
			_ = db.InTx(ctx, func(tx *Tx) error {
				_ = set(ctx, tx, "x", 1)
				panic("boom")
			})
		})
		ended, cancel := context.WithCancel(ctx)
		err := db.InTx(ended, func(tx *Tx) error {
			require.NoError(t, set(ctx, tx, "x", 1))
			cancel()
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, db.InTx(ended, func(*Tx) error { return nil }), context.Canceled)
		require.ErrorIs(t, db.Read(ended, func(*Tx) error { return nil }), context.Canceled)
		require.NoError(t, db.InTx(ctx, func(tx *Tx) error { return set(ctx, tx, "x", 2) }), "none of the three has left a row or a lock")
		require.NoError(t, db.Read(ctx, func(tx *Tx) error {
			n, err := get(ctx, tx, "x")
			require.Equal(t, 2, n)
			return err
		}))
	})
}

func TestReadIsOneSnapshot(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		db := openCounters(t, server)
		ctx := t.Context()
		require.NoError(t, db.InTx(ctx, func(tx *Tx) error { return set(ctx, tx, "x", 1) }))
		require.NoError(t, db.Read(ctx, func(tx *Tx) error {
			before, err := get(ctx, tx, "x")
			require.NoError(t, err)
			require.NoError(t, db.InTx(ctx, func(tx *Tx) error { // a writer in between; a reader does not hold it up
				_, err := tx.Exec(ctx, `update {counters} set n = 2`)
				return err
			}))
			after, err := get(ctx, tx, "x")
			require.NoError(t, err)
			require.Equal(t, before, after)
			return nil
		}))
	})
}

// Inside a synctest bubble the database is opened and closed inside the bubble, and time is the bubble's.
func TestSQLiteInABubble(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bubble.db")
	synctest.Test(t, func(t *testing.T) {
		host, err := sql.Open("sqlite", file)
		require.NoError(t, err)
		defer func() { require.NoError(t, host.Close()) }() // ends the goroutine that database/sql started in this bubble
		db, err := Open(t.Context(), host, Config{}, counters)
		require.NoError(t, err)
		start := time.Now()
		time.Sleep(48 * time.Hour)
		require.NoError(t, db.InTx(t.Context(), func(tx *Tx) error {
			if err := set(t.Context(), tx, "x", 1); err != nil {
				return err
			}
			var at int64
			require.NoError(t, tx.QueryRow(t.Context(), `select at from {counters}`).Scan(&at))
			require.Equal(t, start.Add(48*time.Hour).UTC(), FromMicros(at))
			return nil
		}))
	})
}

// A host that holds SQLite's write lock is waited for, as long as ctx allows and no longer than Patience.
func TestBusySQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "busy.db")
	synctest.Test(t, func(t *testing.T) {
		host, err := sql.Open("sqlite", file)
		require.NoError(t, err)
		defer func() { require.NoError(t, host.Close()) }()
		db, err := Open(t.Context(), host, Config{}, counters)
		require.NoError(t, err)
		write := func(ctx context.Context, name string) error {
			return db.InTx(ctx, func(tx *Tx) error { return set(ctx, tx, name, 1) })
		}
		conn, err := host.Conn(t.Context())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		lock := func(statement string) {
			_, err := conn.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}

		lock("begin immediate")
		start := time.Now()
		err = write(t.Context(), "patience")
		require.ErrorContains(t, err, "gave up after")
		require.True(t, Transient(err))
		require.InDelta(t, Patience, time.Since(start), float64(time.Second))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		require.ErrorIs(t, write(ctx, "ctx"), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))

		time.AfterFunc(2*time.Second, func() { lock("commit") })
		require.NoError(t, write(t.Context(), "waited"))
	})
}

func TestTransient(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		state("40001"): true, state("40P01"): true, state("55P03"): true, state("23505"): false,
		code(5): true, code(517): true, code(262): true, code(6): true, code(19): false, code(9): false,
		errors.New("Error 1213 (40001): Deadlock found"):    true,
		errors.New("Error 1205 (HY000): Lock wait timeout"): true,
		errors.New("Error 1062 (23000): Duplicate entry"):   false,
		errors.New("database is locked"):                    true,
		errors.New("no such table"):                         false,
	} {
		require.Equal(t, want, Transient(err), err.Error())
		require.Equal(t, want, Transient(fmt.Errorf("wrapped: %w", err)), err.Error())
	}
	require.False(t, Transient(nil))
}

type state string

func (s state) Error() string    { return "state " + string(s) }
func (s state) SQLState() string { return string(s) }

type code int

func (c code) Error() string { return fmt.Sprint("code ", int(c)) }
func (c code) Code() int     { return int(c) }

// A room's statements run in the host's transaction and end with it.
func TestJoin(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		host := server.Open(t)
		db, err := Open(t.Context(), host, Config{Prefix: server.Prefix}, counters)
		require.NoError(t, err)
		ctx := t.Context()
		for _, commit := range []bool{false, true} {
			tx, err := host.BeginTx(ctx, nil)
			require.NoError(t, err)
			require.NoError(t, set(ctx, db.Join(tx), "x", 1))
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			require.NoError(t, db.Read(ctx, func(tx *Tx) error {
				_, err := get(ctx, tx, "x")
				require.Equal(t, commit, err == nil)
				return nil
			}))
		}
	})
}

// Of two rows one is there already: one counts, the other stays as it was, also where the DSN changes how drivers
// count.
func TestIfNew(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		if server.Dialect == string(MySQL) {
			server.DSN += map[bool]string{false: "?", true: "&"}[strings.Contains(server.DSN, "?")] + "clientFoundRows=true"
		}
		db := openCounters(t, server)
		ctx := t.Context()
		require.NoError(t, db.InTx(ctx, func(tx *Tx) error {
			require.NoError(t, set(ctx, tx, "old", 1))
			done, err := tx.Exec(ctx, db.IfNew(`insert into {counters} (name, n) values (?, ?), (?, ?)`), "old", 2, "new", 2)
			require.NoError(t, err)
			n, err := done.RowsAffected()
			require.NoError(t, err)
			require.EqualValues(t, 1, n)
			return nil
		}))
		got := map[string]int{}
		require.NoError(t, db.Read(ctx, func(tx *Tx) error {
			return tx.Each(ctx, func(scan func(...any) error) error {
				var name string
				var n int
				err := scan(&name, &n)
				got[name] = n
				return err
			}, `select name, n from {counters}`)
		}))
		require.Equal(t, map[string]int{"old": 1, "new": 2}, got)
	})
}
