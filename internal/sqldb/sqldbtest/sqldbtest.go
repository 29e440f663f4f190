// Package sqldbtest runs a test of an SQL room once per kind of server: on SQLite always, on PostgreSQL and MySQL (or
// MariaDB) when TILLWIRE_TEST_POSTGRES and TILLWIRE_TEST_MYSQL hold a DSN. The test imports the drivers
// modernc.org/sqlite, pgx/v5/stdlib and go-sql-driver/mysql.
//
//	sqldbtest.Each(t, func(t *testing.T, s sqldbtest.Server) {
//		store, err := sqlfeed.Open(t.Context(), s.Open(t), sqlfeed.Config{Prefix: s.Prefix})
//		…
//	})
package sqldbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Server is one database to test on. Several tests share a server; each has a prefix of its own.
type Server struct {
	Dialect string // as in a room's Config
	Driver  string // as registered with database/sql
	DSN     string // a plain one; for SQLite the path of a file
	Prefix  string // for the room's Config; what bears it is dropped when the test ends
}

// Each runs test on every server there is, as parallel subtests named after the dialects. Those without a DSN skip with
// a reason.
func Each(t *testing.T, test func(t *testing.T, s Server)) {
	t.Helper()
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			test(t, Get(t, dialect))
		})
	}
}

// Get returns the server of one dialect, for benchmarks and special cases, or skips.
func Get(t testing.TB, dialect string) Server {
	t.Helper()
	s := Server{Dialect: dialect, Prefix: "t" + strings.ToLower(rand.Text()[:12]) + "_"}
	switch dialect {
	case "sqlite":
		s.Driver, s.DSN = "sqlite", filepath.Join(t.TempDir(), "test.db")
		return s
	case "postgres":
		s.Driver, s.DSN = "pgx", os.Getenv("TILLWIRE_TEST_POSTGRES")
	case "mysql":
		s.Driver, s.DSN = "mysql", os.Getenv("TILLWIRE_TEST_MYSQL")
	}
	if s.DSN == "" {
		t.Skipf("TILLWIRE_TEST_%s is not set", strings.ToUpper(dialect))
	}
	t.Cleanup(func() { s.drop(t) })
	return s
}

// Open opens a handle of its own, as another process would, and closes it when the test ends.
func (s Server) Open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(s.Driver, s.DSN)
	if err != nil {
		t.Fatalf("opening %s: %v", s.Dialect, err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// drop removes the tables of the test from a shared server.
func (s Server) drop(t testing.TB) {
	db, err := sql.Open(s.Driver, s.DSN)
	if err != nil {
		t.Errorf("opening %s: %v", s.Dialect, err)
		return
	}
	defer func() { _ = db.Close() }()
	ctx := context.Background() // the test's is over
	names, err := tables(ctx, db, s.Prefix)
	if err != nil {
		t.Errorf("listing the tables of the test: %v", err)
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "drop table "+name); err != nil { //nolint:gosec // the prefix is our own
			t.Errorf("dropping %s: %v", name, err)
		}
	}
}

func tables(ctx context.Context, db *sql.DB, prefix string) (names []string, err error) {
	rows, err := db.QueryContext(ctx, "select table_name from information_schema.tables where table_name like '"+prefix+"%'") //nolint:gosec // our own
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
