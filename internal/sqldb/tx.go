package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
)

// querier is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx runs a room's statements inside one transaction.
type Tx struct {
	db *DB
	q  querier
}

// Exec runs a statement that returns no rows.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	query, args = t.db.render(query, args)
	return t.q.ExecContext(ctx, query, args...)
}

// Query runs a statement that returns rows. The caller closes them before the next statement.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args = t.db.render(query, args)
	return t.q.QueryContext(ctx, query, args...)
}

// Each runs a statement that returns rows and calls row for each of them, which reads it by scan.
func (t *Tx) Each(ctx context.Context, row func(scan func(dest ...any) error) error, query string, args ...any) error {
	rows, err := t.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// QueryRow runs a statement that returns one row at most; none is [sql.ErrNoRows] at Scan.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	query, args = t.db.render(query, args)
	return t.q.QueryRowContext(ctx, query, args...)
}

// Now is the server's time. Prefer {now} inside a statement: on a server this is a round trip.
func (t *Tx) Now(ctx context.Context) (time.Time, error) {
	if t.db.dialect == SQLite {
		return FromMicros(Micros(time.Now())), nil
	}
	var us int64
	if err := t.QueryRow(ctx, "select {now}").Scan(&us); err != nil {
		return time.Time{}, fmt.Errorf("asking for the server's time: %w", err)
	}
	return FromMicros(us), nil
}

// Join runs a room's statements inside a transaction of the host's. The host commits, and the host tries again:
// isolation and retries are its own.
func (d *DB) Join(tx *sql.Tx) *Tx { return &Tx{db: d, q: tx} }

// InTx runs fn in a transaction that may write, and commits it when fn returns nil. It runs fn again, in a new
// transaction, when the server reports a lost race (see [Transient]); fn must therefore set its results afresh each
// time and have no other effect. When ctx ends the error is ctx's, and nothing was committed.
func (d *DB) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	if d.dialect != SQLite {
		return retry(ctx, func() error {
			return d.serverTx(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, fn)
		})
	}
	select {
	case d.writer <- struct{}{}:
		defer func() { <-d.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return retry(ctx, func() error { return d.sqliteTx(ctx, "begin immediate", fn) })
}

// Read runs fn in a transaction that reads one consistent snapshot. Like InTx it may run fn again.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	if d.dialect == SQLite {
		return retry(ctx, func() error { return d.sqliteTx(ctx, "begin deferred", fn) })
	}
	return retry(ctx, func() error {
		return d.serverTx(ctx, sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
	})
}

func (d *DB) serverTx(ctx context.Context, o sql.TxOptions, fn func(tx *Tx) error) error {
	tx, err := d.db.BeginTx(ctx, &o)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := fn(&Tx{db: d, q: tx}); err != nil {
		return err
	}
	return tx.Commit()
}

// sqliteTx opens the transaction by statement, because database/sql can only say BEGIN, and a deferred transaction that
// turns from reading to writing fails when another wrote in between. It cannot use ctx for COMMIT: a driver that is
// interrupted there may have committed and report an error all the same.
func (d *DB) sqliteTx(ctx context.Context, begin string, fn func(tx *Tx) error) error {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	settled := false
	defer func() { // also when fn panics; also when BEGIN failed, since an interrupted one may have begun
		if !settled {
			rollback(context.WithoutCancel(ctx), conn)
		}
	}()
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	if err := fn(&Tx{db: d, q: conn}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "commit"); err != nil {
		return err
	}
	settled = true
	return nil
}

// rollback ends conn's transaction, or throws conn away: the pool must never get a connection with an open transaction
// back.
func rollback(ctx context.Context, conn *sql.Conn) {
	_, err := conn.ExecContext(ctx, "rollback")
	if err == nil || strings.Contains(err.Error(), "no transaction is active") {
		return
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
