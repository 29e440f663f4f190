package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

func TestPrefixIsAnIdentifier(t *testing.T) {
	t.Parallel()
	db := sqldbtest.Server{Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "a.db")}.Open(t)
	for _, bad := range []string{
		"x; drop table users; --", "a b", "Upper_", "1a_", "ü_", `a"`, "a`", "a.b_", "a{b}", "twenty_five_characters_is_x",
	} {
		_, err := Open(t.Context(), db, Config{Prefix: bad}, counters)
		require.ErrorContains(t, err, "Config.Prefix", bad)
	}
	_, err := Open(t.Context(), db, Config{Prefix: "_a1_"}, counters)
	require.NoError(t, err)
	_, err = Open(t.Context(), db, Config{Dialect: "oracle"}, counters)
	require.ErrorContains(t, err, `Config.Dialect "oracle"`)
	_, err = Open(t.Context(), nil, Config{}, counters)
	require.Error(t, err)
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	for seen, want := range map[string]Dialect{
		"PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu": Postgres,
		"PostgreSQL 18beta1 on x86_64":                                     Postgres,
		"10.11.19-MariaDB-0+deb12u1":                                       MySQL,
		"5.5.5-10.11.2-MariaDB":                                            MySQL,
		"11.4.2-MariaDB":                                                   MySQL,
		"8.0.36-0ubuntu0.22.04.1":                                          MySQL,
		"9.1.0":                                                            MySQL,
	} {
		got, err := recognise(seen)
		require.NoError(t, err, seen)
		require.Equal(t, want, got, seen)
	}
	for _, seen := range []string{
		"PostgreSQL 9.6.24 on x86_64", "5.7.44-log", "10.3.39-MariaDB", // too old
		"CockroachDB CCL v23.1.11", "8.0.11-TiDB-v7.5.0", "v1.1.3", "Microsoft SQL Server 2022", "",
	} {
		_, err := recognise(seen)
		require.ErrorContains(t, err, `"`+seen+`"`, "the error quotes what was seen")
	}
}

// mute is a server that knows neither version function.
type mute struct{}

func (mute) Connect(context.Context) (driver.Conn, error) { return mute{}, nil }
func (mute) Driver() driver.Driver                        { return nil }
func (mute) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("no such function here") }
func (mute) Close() error                                 { return nil }
func (mute) Begin() (driver.Tx, error)                    { return nil, io.EOF }

func TestUnknownServer(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(mute{})
	defer func() { _ = db.Close() }()
	_, err := Open(t.Context(), db, Config{}, counters)
	require.ErrorContains(t, err, "no such function here")
	require.ErrorContains(t, err, "version()")
}

func TestSQLiteFile(t *testing.T) {
	t.Parallel()
	mode := func(dsn string, before string) string {
		db := sqldbtest.Server{Driver: "sqlite", DSN: dsn}.Open(t)
		if before != "" {
			_, err := db.ExecContext(t.Context(), "pragma journal_mode = "+before)
			require.NoError(t, err)
		}
		_, err := Open(t.Context(), db, Config{}, counters)
		require.NoError(t, err)
		var mode string
		require.NoError(t, db.QueryRowContext(t.Context(), "pragma journal_mode").Scan(&mode))
		return mode
	}
	require.Equal(t, "wal", mode(filepath.Join(t.TempDir(), "a.db"), ""))
	require.Equal(t, "persist", mode(filepath.Join(t.TempDir(), "b.db"), "persist"), "the host's choice stays")
}

func TestSQLiteInMemoryNeedsOneConnection(t *testing.T) {
	t.Parallel()
	db := sqldbtest.Server{Driver: "sqlite", DSN: ":memory:"}.Open(t)
	_, err := Open(t.Context(), db, Config{}, counters)
	require.ErrorContains(t, err, "SetMaxOpenConns(1)")
	db.SetMaxOpenConns(1)
	_, err = Open(t.Context(), db, Config{}, counters)
	require.NoError(t, err)
}
