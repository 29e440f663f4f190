package benchmarks

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

// TestQueueSQL compares the queue with what the server itself can do: bare statements that claim 100 and settle 100.
func TestQueueSQL(t *testing.T) {
	for dialect, goal := range map[string]string{
		"sqlite": "0.6 or 20000/s", "mysql": "0.6 or 10000/s", "postgres": "none, beside River",
	} {
		t.Run(dialect, func(t *testing.T) {
			burndowntest.Compare(t, goal, burndowntest.SQL(dialect), floor(dialect))
		})
	}
}

// analyze does what the server does by itself within a minute.
func analyze(t *testing.T, db *sql.DB, dialect string) {
	if dialect == "postgres" {
		run(t, db, "analyze")
	}
}

func run(t *testing.T, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statement string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement, args...)
	check(t, err)
}

// floor claims and settles with nothing but the statements that it takes: two transactions for each 100 jobs.
func floor(dialect string) burndowntest.Contender {
	return burndowntest.Contender{Name: "bare statements", Burn: func(t *testing.T, n int) time.Duration {
		at := sqldbtest.Get(t, dialect)
		db := at.Open(t)
		db.SetMaxOpenConns(1)
		if dialect == "sqlite" {
			run(t, db, "pragma journal_mode = wal")
		}
		table := at.Prefix + "floor"
		run(t, db, "create table "+table+" (id integer primary key, state varchar(20), due bigint, token varchar(40), payload text)")
		run(t, db, "create index "+table+"_due on "+table+" (due, id)")
		for from := 0; from < n; from += 100 {
			rows := make([]string, 100)
			for i := range rows {
				rows[i] = fmt.Sprintf(`(%d, 'queued', 1, '', '{"order_id":%d}')`, from+i, from+i)
			}
			run(t, db, "insert into "+table+" (id, state, due, token, payload) values "+strings.Join(rows, ", "))
		}
		analyze(t, db, dialect)
		start := time.Now()
		for done := 0; done < n; done += 100 {
			in := "(" + strings.Join(floorClaim(t, db, dialect, table), ", ") + ")"
			tx, err := db.BeginTx(t.Context(), nil)
			check(t, err)
			run(t, tx, "update "+table+" set state = 'succeeded', due = null where token = 't' and id in "+in)
			check(t, tx.Commit())
		}
		return time.Since(start)
	}}
}

func floorClaim(t *testing.T, db *sql.DB, dialect, table string) (ids []string) {
	t.Helper()
	lock := ""
	if dialect != "sqlite" {
		lock = " for update skip locked"
	}
	tx, err := db.BeginTx(t.Context(), nil)
	check(t, err)
	rows, err := tx.QueryContext(t.Context(), "select id, payload from "+table+" where due <= 2 order by due, id limit 100"+lock)
	check(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, payload string
		check(t, rows.Scan(&id, &payload))
		ids = append(ids, id)
	}
	check(t, rows.Err())
	run(t, tx, "update "+table+" set state = 'running', token = 't', due = 3 where id in ("+strings.Join(ids, ", ")+")")
	check(t, tx.Commit())
	return ids
}
