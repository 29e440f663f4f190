package sqlstock

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/stocksync"
)

//go:embed schema/*.sql
var schema embed.FS

// Config says where the tables are. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of the tables: at most 24 lower-case letters, digits and _; default "tillwire_"
}

// Store is a [stocksync.Store], a [stocksync.Looker] and a [stocksync.Historian] in a database. Make it with [Open].
type Store struct{ db *sqldb.DB }

var (
	_ stocksync.Store     = (*Store)(nil)
	_ stocksync.Looker    = (*Store)(nil)
	_ stocksync.Historian = (*Store)(nil)
)

// Open recognises the server, brings the tables up to date and returns the store. It does not close db.
func Open(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	d, err := sqldb.Open(ctx, db, sqldb.Config(c), sqldb.Schema{Room: "stocksync", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqlstock: %w", err)
	}
	return &Store{db: d}, nil
}

// within runs fn in a transaction, perhaps more than once.
func within[T any](
	ctx context.Context, run func(context.Context, func(*sqldb.Tx) error) error, name string, fn func(tx *sqldb.Tx) (T, error),
) (T, error) {
	var out T
	err := run(ctx, func(tx *sqldb.Tx) (err error) { out, err = fn(tx); return err })
	if err != nil {
		var none T
		return none, fmt.Errorf("sqlstock: %s: %w", name, err)
	}
	return out, nil
}

// insertOrReplace is an insert of so many rows that overwrites those whose key is there. The key's columns come first.
func (s *Store) insertOrReplace(table string, rows int, key, others []string) string {
	clause, value := " on conflict ("+strings.Join(key, ", ")+") do update set ", "excluded."
	if s.db.Dialect() == sqldb.MySQL {
		clause, value = " on duplicate key update ", "values("
	}
	sets := make([]string, len(others))
	for i, name := range others {
		sets[i] = name + " = " + value + name
		if s.db.Dialect() == sqldb.MySQL {
			sets[i] += ")"
		}
	}
	all := append(append([]string{}, key...), others...)
	insert := "insert into {" + table + "} (" + strings.Join(all, ", ") + ") values " + sqldb.Values(rows, len(all))
	return insert + clause + strings.Join(sets, ", ")
}

// storable says whether a text can be a key in every database. What cannot is there nowhere.
func storable(id string) bool {
	return len(id) <= stocksync.MaxID && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}

// clean makes of any text, such as a stranger's error message, one that every database takes.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}
