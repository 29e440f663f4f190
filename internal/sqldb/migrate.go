package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// migration is one numbered step of a room's tables.
type migration struct {
	name       string
	statements []string
}

// bookkeeping is shared by all rooms with one prefix: which steps of which room the tables have taken.
const bookkeeping = `create table if not exists {migrations} (
	room {string} not null,
	version bigint not null,
	name {string} not null,
	applied bigint not null,
	primary key (room, version))`

// migrate brings the room's tables up to date. Processes that start at once take turns.
func (d *DB) migrate(ctx context.Context, s Schema) error {
	steps, err := d.read(s)
	if err != nil {
		return err
	}
	// Mostly there is nothing to do, and then nothing needs a lock, nor the right to create tables. An error here (no
	// such table, on a first start) is met again below, where it counts.
	if done, err := d.version(ctx, &Tx{db: d, q: d.db}, s.Room); err == nil && done >= len(steps) {
		return known(done, len(steps))
	}
	return d.alone(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, bookkeeping); err != nil {
			return fmt.Errorf("creating the bookkeeping table: %w", err)
		}
		done, err := d.version(ctx, tx, s.Room)
		if err != nil {
			return err
		}
		for i := done; i < len(steps); i++ {
			for _, statement := range steps[i].statements {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return fmt.Errorf("%s: %w", steps[i].name, err)
				}
			}
			if _, err := tx.Exec(ctx, `insert into {migrations} (room, version, name, applied) values (?, ?, ?, {now})`,
				s.Room, i+1, steps[i].name); err != nil {
				return fmt.Errorf("%s: noting it: %w", steps[i].name, err)
			}
		}
		return known(done, len(steps))
	})
}

func known(done, steps int) error {
	if done > steps {
		return fmt.Errorf("the tables are at version %d, this program knows %d: a newer one has been here", done, steps)
	}
	return nil
}

func (d *DB) version(ctx context.Context, tx *Tx, room string) (int, error) {
	var v int
	err := tx.QueryRow(ctx, `select coalesce(max(version), 0) from {migrations} where room = ?`, room).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("reading the version of the tables: %w", err)
	}
	return v, nil
}

// alone runs fn while no other process migrates tables of this prefix: in one transaction where the dialect can change
// tables in one, and under a lock of the session on MySQL, where each change commits by itself.
func (d *DB) alone(ctx context.Context, fn func(tx *Tx) error) error {
	switch d.dialect {
	case SQLite: // BEGIN IMMEDIATE is the lock
		return d.InTx(ctx, fn)
	case Postgres:
		return d.InTx(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(?)", d.lockKey("")); err != nil {
				return fmt.Errorf("waiting for another process's migration: %w", err)
			}
			return fn(tx)
		})
	default:
		return d.aloneOnMySQL(ctx, fn)
	}
}

func (d *DB) aloneOnMySQL(ctx context.Context, fn func(tx *Tx) error) error {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	tx := &Tx{db: d, q: conn}
	var schema sql.NullString
	if err := tx.QueryRow(ctx, "select database()").Scan(&schema); err != nil {
		return fmt.Errorf("asking for the name of the database: %w", err)
	}
	lock := "tillwire." + strconv.FormatUint(uint64(d.lockKey(schema.String)), 36) //nolint:gosec // a name: any bits will do
	// The server waits without looking at ctx, so ask for a second at a time.
	for held := false; !held; {
		var got sql.NullInt64
		if err := tx.QueryRow(ctx, "select get_lock(?, 1)", lock).Scan(&got); err != nil {
			return fmt.Errorf("waiting for another process's migration: %w", err)
		}
		held = got.Int64 == 1
	}
	defer func() { // the lock belongs to the session, and the session goes back to the pool
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "do release_lock(?)", lock)
	}()
	return fn(tx)
}

// lockKey names the migration lock: PostgreSQL's are the database's own, MySQL's are shared by all databases of the
// server.
func (d *DB) lockKey(schema string) int64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "tillwire migration\x00%s\x00%s", schema, d.prefix)
	return int64(h.Sum64()) //nolint:gosec // a name: any bits will do
}

// read collects the room's steps for the dialect, in order.
func (d *DB) read(s Schema) ([]migration, error) {
	if !identifier.MatchString(s.Room) {
		return nil, fmt.Errorf("Schema.Room %q: want lower-case letters, digits and _", s.Room)
	}
	found := map[int]migration{}
	err := fs.WalkDir(s.Files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		name, dialect, special := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), ".")
		if special && Dialect(dialect) != d.dialect {
			return nil
		}
		digits, _, _ := strings.Cut(name, "_")
		number, err := strconv.Atoi(digits)
		if err != nil {
			return fmt.Errorf("%s: its name does not begin with a number", path)
		}
		if _, twice := found[number]; twice {
			return fmt.Errorf("%s: there are two migrations %d", path, number)
		}
		text, err := fs.ReadFile(s.Files, path)
		if err != nil {
			return err
		}
		found[number] = migration{name: name, statements: statements(string(text))}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var steps []migration
	for i, number := range slices.Sorted(maps.Keys(found)) {
		if number != i+1 {
			return nil, fmt.Errorf("there is no migration %d for %s", i+1, d.dialect)
		}
		steps = append(steps, found[number])
	}
	return steps, nil
}

// statements splits a file where a line ends with a semicolon, and drops lines that are comments.
func statements(text string) []string {
	var all []string
	var b strings.Builder
	for l := range strings.Lines(text) {
		trimmed := strings.TrimSpace(l)
		if trimmed == "" || strings.HasPrefix(trimmed, "--") {
			continue
		}
		if cut, ends := strings.CutSuffix(trimmed, ";"); ends {
			all = append(all, b.String()+cut)
			b.Reset()
			continue
		}
		b.WriteString(l)
	}
	if b.Len() > 0 {
		all = append(all, b.String())
	}
	return all
}
