package sqltokens

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/kledo"
)

// Config says which key this is and where the table is. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of the table: at most 24 lower-case letters, digits and _; default "tillwire_"
	Name    string // of the key, one per Kledo account, at most 255 bytes; default "kledo"
}

// Store keeps one key. It is safe for concurrent use by any number of processes.
type Store struct {
	db   *sqldb.DB
	name string
}

var _ kledo.TokenStore = (*Store)(nil)

//go:embed schema/*.sql
var schema embed.FS

const longestName = 255

// Open recognises the server, brings the table up to date and returns the store. It does not close db.
func Open(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	name := cmp.Or(c.Name, "kledo")
	if len(name) > longestName {
		return nil, fmt.Errorf("sqltokens: Config.Name has %d bytes, at most %d are allowed", len(name), longestName)
	}
	d, err := sqldb.Open(ctx, db, sqldb.Config{Dialect: c.Dialect, Prefix: c.Prefix}, sqldb.Schema{Room: "kledo_tokens", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqltokens: %w", err)
	}
	return &Store{db: d, name: name}, nil
}

// Load implements [kledo.TokenStore].
func (s *Store) Load(ctx context.Context) (string, error) {
	var value []byte
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `select value from {kledo_tokens} where name = ?`, s.name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			value = nil
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("sqltokens: load: %w", err)
	}
	return string(value), nil
}

// Swap implements [kledo.TokenStore].
func (s *Store) Swap(ctx context.Context, old, new string) (swapped bool, err error) {
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		swapped = false
		_, err := tx.Exec(ctx, s.db.IfNew(`insert into {kledo_tokens} (name, value, changed) values (?, ?, {now})`), s.name, []byte{})
		if err != nil {
			return err
		}
		var current []byte
		err = tx.QueryRow(ctx, `select value from {kledo_tokens} where name = ?`+s.db.ForUpdate(), s.name).Scan(&current)
		if err != nil {
			return err
		}
		if string(current) != old {
			return nil
		}
		swapped = true
		_, err = tx.Exec(ctx, `update {kledo_tokens} set value = ?, changed = {now} where name = ?`, []byte(new), s.name)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sqltokens: swap: %w", err)
	}
	return swapped, nil
}
