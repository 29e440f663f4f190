package sqllinks

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
)

// Config says whose links these are and where the tables are. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of the tables: at most 24 lower-case letters, digits and _; default "tillwire_"
	Name    string // of the sync, one per pair of shop and site, at most 60 bytes, never to change; default "sitoo"
}

// Store keeps links and states. It is safe for concurrent use by any number of processes.
type Store struct {
	db   *sqldb.DB
	name string
}

var (
	_ sitoosync.LinkStore  = (*Store)(nil)
	_ sitoosync.StateStore = (*Store)(nil)
)

//go:embed schema/*.sql
var schema embed.FS

const longestName = 60

// Open recognises the server, brings the tables up to date and returns the store. It does not close db.
func Open(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	name := cmp.Or(c.Name, "sitoo")
	if len(name) > longestName {
		return nil, fmt.Errorf("sqllinks: Config.Name has %d bytes, at most %d are allowed", len(name), longestName)
	}
	d, err := sqldb.Open(ctx, db, sqldb.Config{Dialect: c.Dialect, Prefix: c.Prefix}, sqldb.Schema{Room: "sitoo_links", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqllinks: %w", err)
	}
	return &Store{db: d, name: name}, nil
}

// Find implements [sitoosync.LinkStore].
func (s *Store) Find(
	ctx context.Context, kind sitoosync.LinkKind, side sitoosync.Side, ids []string,
) (links []sitoosync.Link, err error) {
	column := map[sitoosync.Side]string{sitoosync.Woo: "woo", sitoosync.Sitoo: "sitoo"}[side]
	if column == "" {
		return nil, fmt.Errorf("sqllinks: find: no side %q", side)
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		links = nil
		for part := range slices.Chunk(ids, sqldb.Batch) {
			list, args := sqldb.In(part)
			found, err := s.read(ctx, tx, kind, `and `+column+` in `+list, args...)
			if err != nil {
				return err
			}
			links = append(links, found...)
		}
		return nil
	})
	return links, wrap("find", err)
}

// read returns links of a kind, by the shop's id.
func (s *Store) read(
	ctx context.Context, tx *sqldb.Tx, kind sitoosync.LinkKind, and string, args ...any,
) (links []sitoosync.Link, err error) {
	query := `select woo, sitoo, checksum from {sitoo_links} where sync = ? and kind = ? ` + and
	err = tx.Each(ctx, func(scan func(...any) error) error {
		l := sitoosync.Link{Kind: kind}
		if err := scan(&l.Woo, &l.Sitoo, &l.Sum); err != nil {
			return err
		}
		links = append(links, l)
		return nil
	}, query, append([]any{s.name, string(kind)}, args...)...)
	return links, err
}

// Put implements [sitoosync.LinkStore]. Rows that are there are passed over and then looked at: the unique keys decide between
// writers.
func (s *Store) Put(ctx context.Context, links []sitoosync.Link) error {
	if err := sitoosync.CheckLinks(links); err != nil {
		return err
	}
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		for part := range slices.Chunk(links, sqldb.Batch) {
			if err := s.put(ctx, tx, part); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("put", err)
}

func (s *Store) put(ctx context.Context, tx *sqldb.Tx, links []sitoosync.Link) error {
	var args []any
	byKind := map[sitoosync.LinkKind][]string{}
	for _, l := range links {
		args = append(args, s.name, string(l.Kind), l.Woo, l.Sitoo, l.Sum)
		byKind[l.Kind] = append(byKind[l.Kind], l.Woo)
	}
	insert := s.db.IfNew(`insert into {sitoo_links} (sync, kind, woo, sitoo, checksum) values ` + sqldb.Values(len(links), 5))
	if _, err := tx.Exec(ctx, insert, args...); err != nil {
		return err
	}
	stored := map[sitoosync.LinkKind]map[string]sitoosync.Link{}
	for kind, ids := range byKind {
		list, args := sqldb.In(ids)
		found, err := s.read(ctx, tx, kind, `and woo in `+list+s.db.ForUpdate(), args...)
		if err != nil {
			return err
		}
		stored[kind] = map[string]sitoosync.Link{}
		for _, l := range found {
			stored[kind][l.Woo] = l
		}
	}
	for _, l := range links {
		switch now, has := stored[l.Kind][l.Woo]; {
		case !has || now.Sitoo != l.Sitoo: // one of the two keys was taken
			return fmt.Errorf("%w: %s %s of the shop and %s of the till", sitoosync.ErrLinked, l.Kind, l.Woo, l.Sitoo)
		case now.Sum != l.Sum:
			_, err := tx.Exec(ctx, `update {sitoo_links} set checksum = ? where sync = ? and kind = ? and woo = ?`,
				l.Sum, s.name, string(l.Kind), l.Woo)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove implements [sitoosync.LinkStore].
func (s *Store) Remove(ctx context.Context, links []sitoosync.Link) error {
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		for _, l := range links {
			_, err := tx.Exec(ctx, `delete from {sitoo_links} where sync = ? and kind = ? and woo = ? and sitoo = ?`,
				s.name, string(l.Kind), l.Woo, l.Sitoo)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("remove", err)
}

const page = 200

// All implements [sitoosync.LinkStore]: by the shop's id, a page at a time.
func (s *Store) All(ctx context.Context, kind sitoosync.LinkKind) iter.Seq2[sitoosync.Link, error] {
	return func(yield func(sitoosync.Link, error) bool) {
		last := ""
		for {
			var links []sitoosync.Link
			err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
				links, err = s.read(ctx, tx, kind, fmt.Sprintf(`and woo > ? order by woo limit %d`, page), last)
				return err
			})
			if err != nil {
				yield(sitoosync.Link{}, wrap("all", err))
				return
			}
			for _, l := range links {
				if !yield(l, nil) {
					return
				}
				last = l.Woo
			}
			if len(links) < page {
				return
			}
		}
	}
}

// Load implements [sitoosync.StateStore].
func (s *Store) Load(ctx context.Context, name string) (value []byte, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		value = nil
		err := tx.QueryRow(ctx, `select value from {sitoo_states} where sync = ? and name = ?`, s.name, name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, wrap("load", err)
}

// Save implements [sitoosync.StateStore].
func (s *Store) Save(ctx context.Context, name string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		insert := s.db.IfNew(`insert into {sitoo_states} (sync, name, value) values (?, ?, ?)`)
		if _, err := tx.Exec(ctx, insert, s.name, name, value); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update {sitoo_states} set value = ? where sync = ? and name = ?`, value, s.name, name)
		return err
	})
	return wrap("save", err)
}

func wrap(what string, err error) error {
	if err == nil || errors.Is(err, sitoosync.ErrLinked) {
		return err
	}
	return fmt.Errorf("sqllinks: %s: %w", what, err)
}
