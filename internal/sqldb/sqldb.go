package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
)

// DefaultPrefix begins the names of all tables and indexes when Config.Prefix is empty.
const DefaultPrefix = "tillwire_"

// Config is what every SQL room lets its host choose.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of tables and indexes; lower-case letters, digits and _, at most 24; default "tillwire_"
}

// Schema describes the tables of one room.
type Schema struct {
	// Room names the room in the bookkeeping table. It must never change.
	Room string
	// Files holds the migrations: NAME.sql for all dialects, or NAME.sqlite.sql, NAME.postgres.sql and NAME.mysql.sql,
	// anywhere in the tree, where NAME begins with its number: 0001_jobs. Numbers start at 1 without a gap, and what
	// has been released is never edited. Statements end with a semicolon at the end of a line. On MySQL every statement
	// commits at once: there each must bear being run again ("if not exists"), since a crash may cut a migration in
	// two.
	Files fs.FS
}

// DB runs one room's statements in the host's database. It is safe for concurrent use.
type DB struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	writer  chan struct{} // SQLite: goroutines of this process queue here, not at the busy file
}

var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// Open recognises the server and brings the room's tables up to date. Any number of processes may do so at once. A
// database that a newer version of the room has migrated is refused.
func Open(ctx context.Context, db *sql.DB, c Config, s Schema) (*DB, error) {
	if db == nil {
		return nil, errors.New("db is nil")
	}
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if !identifier.MatchString(c.Prefix) || len(c.Prefix) > 24 {
		return nil, fmt.Errorf("Config.Prefix %q: want at most 24 lower-case letters, digits and _, no digit first", c.Prefix)
	}
	d := &DB{db: db, prefix: c.Prefix, writer: make(chan struct{}, 1)}
	// Even a question meets a busy SQLite file while another process switches it to WAL.
	err := retry(ctx, func() (err error) {
		if d.dialect, err = resolve(ctx, db, c.Dialect); err != nil || d.dialect != SQLite {
			return err
		}
		return d.prepareSQLite(ctx)
	})
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx, s); err != nil {
		return nil, fmt.Errorf("migrating the tables of %s: %w", s.Room, err)
	}
	return d, nil
}

// Dialect is the server's.
func (d *DB) Dialect() Dialect { return d.dialect }

// prepareSQLite does what is safe to do to a database that belongs to the host. See the package comment.
func (d *DB) prepareSQLite(ctx context.Context) error {
	var file, mode string
	if err := d.db.QueryRowContext(ctx, "select file from pragma_database_list where name = 'main'").Scan(&file); err != nil {
		return fmt.Errorf("asking SQLite for its file: %w", err)
	}
	if file == "" {
		if d.db.Stats().MaxOpenConnections != 1 {
			return errors.New("each connection to an in-memory SQLite database is a database of its own: " +
				"call db.SetMaxOpenConns(1), or use a file")
		}
		return nil
	}
	if err := d.db.QueryRowContext(ctx, "pragma journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("asking SQLite for its journal mode: %w", err)
	}
	if !strings.EqualFold(mode, "delete") {
		return nil
	}
	// Only faster and kinder to readers, not needed for correctness. When the file is busy, someone else is perhaps
	// doing the same.
	err := d.db.QueryRowContext(ctx, "pragma journal_mode = wal").Scan(&mode)
	if err != nil && !Transient(err) && ctx.Err() == nil {
		return fmt.Errorf("switching SQLite to WAL: %w", err)
	}
	return ctx.Err()
}

// Micros is how times are stored: microseconds since 1970 in UTC, cut off, never rounded up.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// FromMicros reads what Micros wrote, in UTC.
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
