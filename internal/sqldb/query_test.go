package sqldb

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

func TestRender(t *testing.T) {
	t.Parallel()
	const query = `select '?{x}', "?" from {jobs} where a = ? and b < {now} -- ?
and c in (?, ?)`
	args := []any{"a", "c1", "c2"}

	pg := &DB{dialect: Postgres, prefix: "p_"}
	text, got := pg.render(query, args)
	require.Equal(t, `select '?{x}', "?" from p_jobs where a = $1 and b < `+nowExpr[Postgres]+" -- ?\nand c in ($2, $3)", text)
	require.Equal(t, args, got)

	my := &DB{dialect: MySQL, prefix: "p_"}
	text, got = my.render(query, args)
	require.Equal(t, `select '?{x}', "?" from p_jobs where a = ? and b < `+nowExpr[MySQL]+" -- ?\nand c in (?, ?)", text)
	require.Equal(t, args, got)

	synctest.Test(t, func(t *testing.T) {
		lite := &DB{dialect: SQLite, prefix: "p_"}
		text, got = lite.render(query, args)
		require.Equal(t, `select '?{x}', "?" from p_jobs where a = ? and b < ? -- ?`+"\nand c in (?, ?)", text)
		require.Equal(t, []any{"a", Micros(time.Now()), "c1", "c2"}, got, "now stands where {now} stood")
		require.Equal(t, []any{"a", "c1", "c2"}, args, "the caller's slice is not touched")

		_, got = lite.render("{now} ? ? {now}", []any{1, 2})
		require.Equal(t, []any{Micros(time.Now()), 1, 2, Micros(time.Now())}, got)
		_, got = lite.render("{now} ?", []any{1, 2, 3})
		require.Equal(t, []any{Micros(time.Now()), 1, 2, 3}, got, "too many arguments stay too many")
	})
}

func TestIn(t *testing.T) {
	t.Parallel()
	list, args := In([]string{"a", "b"})
	require.Equal(t, "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list)
	require.Equal(t, []any{"a", "b", "b", "b", "b", "b", "b", "b", "b", "b"}, args)
	list, args = In([]int{7})
	require.Equal(t, "(?)", list)
	require.Equal(t, []any{7}, args)
	list, args = In[int](nil)
	require.Equal(t, "(null)", list)
	require.Empty(t, args)
	for n, want := range map[int]int{1: 1, 2: 10, 10: 10, 11: 100, 100: 100, 101: 200} {
		_, args := In(make([]int, n))
		require.Len(t, args, want)
	}
	require.Equal(t, "(?, ?), (?, ?), (?, ?)", Values(3, 2))
	require.Equal(t, "(?)", Values(1, 1))
}

// Keys are compared byte by byte everywhere, long texts and any bytes come back as they went in.
func TestColumnTypes(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		db := openCounters(t, server)
		note, body := "größer \U0001F600 than", []byte{0, 0xff, 0xfe, '"'}
		require.NoError(t, db.InTx(t.Context(), func(tx *Tx) error {
			for i, name := range []string{"a", "A", "a ", "ä", "é", "e"} { // MySQL's usual collations hold some of these for equal
				if err := set(t.Context(), tx, name, i); err != nil {
					return err
				}
			}
			_, err := tx.Exec(t.Context(), `update {counters} set note = ?, body = ? where name = ?`, note, body, "a")
			return err
		}))
		require.NoError(t, db.Read(t.Context(), func(tx *Tx) error {
			var gotNote string
			var gotBody []byte
			require.NoError(t, tx.QueryRow(t.Context(), `select note, body from {counters} where name = ?`, "a").Scan(&gotNote, &gotBody))
			require.Equal(t, note, gotNote)
			require.Equal(t, body, gotBody)
			in, args := In([]string{"A", "a ", "nobody"})
			rows, err := tx.Query(t.Context(), `select name from {counters} where name in `+in+` order by name`, args...)
			require.NoError(t, err)
			defer func() { _ = rows.Close() }()
			var names []string
			for rows.Next() {
				var name string
				require.NoError(t, rows.Scan(&name))
				names = append(names, name)
			}
			require.Equal(t, []string{"A", "a "}, names)
			return rows.Err()
		}))
	})
}

// The server's clock in UTC, whatever zone the session or the machine is in.
func TestNow(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		db := openCounters(t, server)
		require.NoError(t, db.InTx(t.Context(), func(tx *Tx) error {
			switch Dialect(server.Dialect) {
			case Postgres:
				_, err := tx.Exec(t.Context(), "set local time zone 'Asia/Jakarta'")
				require.NoError(t, err)
			case MySQL:
				_, err := tx.Exec(t.Context(), "set time_zone = '+07:00'")
				require.NoError(t, err)
				defer func() { _, _ = tx.Exec(t.Context(), "set time_zone = default") }()
			}
			now, err := tx.Now(t.Context())
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), now, 5*time.Second) // same machine
			require.Equal(t, time.UTC, now.Location())
			require.NoError(t, set(t.Context(), tx, "x", 1))
			var at int64
			require.NoError(t, tx.QueryRow(t.Context(), `select at from {counters}`).Scan(&at))
			require.WithinDuration(t, now, FromMicros(at), 5*time.Second)
			return nil
		}))
	})
}

func FuzzRender(f *testing.F) {
	f.Add("select '{' ? {now} -- {x}")
	f.Fuzz(func(t *testing.T, query string) {
		for _, d := range []Dialect{SQLite, Postgres, MySQL} {
			db := &DB{dialect: d, prefix: "p_"}
			_, args := db.render(query, []any{1, 2})
			require.GreaterOrEqual(t, len(args), 2)
		}
	})
}
