//go:build !race

// One goroutine, so the race detector has nothing to find; it would only take a minute over it.

package sqlstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

// 32,768 jobs that are due at the same moment, as one batch makes them: a claim must walk the index and sort nothing.
func TestClaimSortsNothing(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		s := open(t, server)
		ctx := t.Context()
		insert(t, s, newJobs("k", 1)...)
		require.NoError(t, s.db.InTx(ctx, func(tx *sqldb.Tx) error {
			longer := map[sqldb.Dialect]string{sqldb.SQLite: `%s || ?`, sqldb.Postgres: `%s || cast(? as text)`, sqldb.MySQL: `concat(%s, ?)`}
			const others = `kind, state, due, attempts, born, created, payload, aside_mode, last_error, token, started, folded, tries`
			for n := range 15 { // doubles them each time
				_, err := tx.Exec(ctx, `insert into {jobs} (id, job_key, `+others+`) select `+fmt.Sprintf(longer[s.db.Dialect()], "id")+`, `+
					fmt.Sprintf(longer[s.db.Dialect()], "job_key")+`, `+others+` from {jobs}`, string(rune('a'+n)), string(rune('a'+n)))
				if err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, map[sqldb.Dialect]string{
				sqldb.SQLite: `analyze`, sqldb.Postgres: `analyze {jobs}`, sqldb.MySQL: `analyze table {jobs}`, //nolint:misspell // SQL
			}[s.db.Dialect()])
			return err
		}))

		explain := map[sqldb.Dialect]string{sqldb.SQLite: `explain query plan `, sqldb.Postgres: `explain `, sqldb.MySQL: `explain `}
		sorts := map[sqldb.Dialect]string{sqldb.SQLite: "USE TEMP B-TREE", sqldb.Postgres: "Sort", sqldb.MySQL: "filesort"}
		plan := func(query string, args ...any) string {
			var text strings.Builder
			require.NoError(t, s.db.Read(ctx, func(tx *sqldb.Tx) error {
				set, err := tx.Query(ctx, explain[s.db.Dialect()]+query, args...)
				require.NoError(t, err)
				defer func() { _ = set.Close() }()
				columns, err := set.Columns()
				require.NoError(t, err)
				for set.Next() {
					fields := make([]any, len(columns))
					for i := range fields {
						fields[i] = new(*string)
					}
					require.NoError(t, set.Scan(fields...))
					for _, f := range fields {
						if p := *(f.(**string)); p != nil {
							text.WriteString(*p + " ")
						}
					}
					text.WriteString("\n")
				}
				return set.Err()
			}))
			return text.String()
		}
		got := plan(claimQuery, "k", sqldb.Micros(time.Now()), 100)
		require.Contains(t, got, "jobs_claim", got)
		require.NotContains(t, got, sorts[s.db.Dialect()], got)
		if s.db.Dialect() == sqldb.Postgres {
			got = plan(claimAndLease, "k", sqldb.Micros(time.Now()), 100, "token", 1, 2)
			require.Contains(t, got, "jobs_claim", got)
			require.NotContains(t, got, "Sort", got)
			require.NotContains(t, got, "Seq Scan", got)
		}
		got = plan(peekQuery+`(?)`, "k")
		require.Contains(t, got, "jobs_claim", got)
		require.NotContains(t, got, sorts[s.db.Dialect()], got)

		// The test can fail: without the tie-break in the order of the index, there is a sort.
		got = plan(strings.Replace(claimQuery, "j.due, j.id", "j.due, j.created", 1), "k", sqldb.Micros(time.Now()), 100)
		require.Contains(t, got, sorts[s.db.Dialect()], got)
	})
}
