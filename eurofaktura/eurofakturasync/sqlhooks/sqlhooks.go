package sqlhooks

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/internal/sqldb"
)

// Config says where the table is. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of the table: at most 24 lower-case letters, digits and _; default "tillwire_"
}

// Store keeps the addresses. It is safe for concurrent use by any number of processes.
type Store struct{ db *sqldb.DB }

var _ eurofakturasync.HookStore = (*Store)(nil)

//go:embed schema/*.sql
var schema embed.FS

const longestName = 255

// Open recognises the server, brings the table up to date and returns the store. It does not close db.
func Open(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	d, err := sqldb.Open(ctx, db, sqldb.Config{Dialect: c.Dialect, Prefix: c.Prefix}, sqldb.Schema{Room: "eurofaktura_hooks", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqlhooks: %w", err)
	}
	return &Store{d}, nil
}

// Token implements [eurofakturasync.HookStore].
func (s *Store) Token(ctx context.Context, shop string) (string, error) {
	var token []byte
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `select token from {eurofaktura_hooks} where name = ?`, shop).Scan(&token)
		if errors.Is(err, sql.ErrNoRows) {
			token = nil
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("sqlhooks: %w", err)
	}
	return string(token), nil
}

// SetToken implements [eurofakturasync.HookStore].
func (s *Store) SetToken(ctx context.Context, shop, token string) error {
	if len(shop) > longestName {
		return fmt.Errorf("sqlhooks: the shop's name has %d bytes, at most %d are allowed", len(shop), longestName)
	}
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, s.db.IfNew(`insert into {eurofaktura_hooks} (name, token, changed) values (?, ?, {now})`), shop, []byte{})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update {eurofaktura_hooks} set token = ?, changed = {now} where name = ?`, []byte(token), shop)
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlhooks: %w", err)
	}
	return nil
}
