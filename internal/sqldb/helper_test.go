package sqldb

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

// counters is a room with one table.
var counters = Schema{Room: "counters", Files: fstest.MapFS{
	"0001_counters.sql": {Data: []byte(`
-- A comment with a ; at its end;
create table if not exists {counters} (
	name {string} not null primary key, -- 'quoted ? and {braces}'
	n bigint not null,
	at bigint,
	note {text},
	body {bytes});
`)},
}}

func openCounters(t testing.TB, server sqldbtest.Server) *DB {
	t.Helper()
	db, err := Open(t.Context(), server.Open(t), Config{Prefix: server.Prefix}, counters)
	require.NoError(t, err)
	require.Equal(t, server.Dialect, string(db.Dialect()))
	return db
}

func set(ctx context.Context, tx *Tx, name string, n int) error {
	_, err := tx.Exec(ctx, `insert into {counters} (name, n, at) values (?, ?, {now})`, name, n)
	return err
}

func get(ctx context.Context, tx *Tx, name string) (n int, err error) {
	err = tx.QueryRow(ctx, `select n from {counters} where name = ?`, name).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("get %s: %w", name, err)
	}
	return n, nil
}
