package sqlstock

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/stocksync"
)

// errNothing rolls a transaction back whose commit would change nothing: that needs no disk.
var errNothing = errors.New("nothing to commit")

// refusal is an answer of change, or to it: it goes to the caller as it is.
type refusal struct{ error }

// absent rolls a transaction back that cannot lock rows, since they are not there.
type absent struct{ gids []stocksync.GID }

func (a *absent) Error() string { return fmt.Sprintf("%d rows are not there", len(a.gids)) }

// Update implements [stocksync.Store].
func (s *Store) Update(ctx context.Context, gids []stocksync.GID, change func(rows []*stocksync.Row) (stocksync.Commit, error)) error {
	wanted := slices.Clone(gids)
	wanted = slices.DeleteFunc(wanted, func(gid stocksync.GID) bool { return gid == "" || !storable(string(gid)) })
	slices.Sort(wanted) // everybody locks in this order
	wanted = slices.Compact(wanted)
	for {
		err := s.db.InTx(ctx, func(tx *sqldb.Tx) error { return s.update(ctx, tx, gids, wanted, change) })
		var none *absent
		var no refusal
		switch {
		case err == nil, errors.Is(err, errNothing) && ctx.Err() == nil:
			return nil
		case errors.As(err, &none):
			err = s.make(ctx, none.gids)
			if err == nil {
				continue
			}
		case errors.As(err, &no):
			return no.error
		}
		return fmt.Errorf("sqlstock: update: %w", err)
	}
}

func (s *Store) update(
	ctx context.Context, tx *sqldb.Tx, gids, wanted []stocksync.GID, change func(rows []*stocksync.Row) (stocksync.Commit, error),
) error {
	there, err := s.lock(ctx, tx, wanted)
	if err != nil {
		return err
	}
	stored, given := make([]*stocksync.Row, len(gids)), make([]*stocksync.Row, len(gids))
	for i, gid := range gids {
		stored[i] = there[gid]
		given[i] = there[gid].Clone()
	}
	c, refused := change(given)
	if err := c.Check(gids, stored); err != nil {
		return refusal{cmp.Or(refused, err)}
	}
	if err := s.note(ctx, tx, c.Ledger); err != nil {
		return err
	}
	if refused != nil { // after the ledger: what was done is done, whatever is to be said now
		return refusal{refused}
	}
	if len(c.Rows)+len(c.Ledger)+len(c.Push)+len(c.Done)+len(c.Later) == 0 {
		return errNothing
	}
	if err := s.write(ctx, tx, c.Rows); err != nil {
		return err
	}
	if err := s.settle(ctx, tx, c.Done, c.Later); err != nil {
		return err
	}
	return s.push(ctx, tx, c.Push)
}

// lock returns the rows that exist, and keeps all others out until the transaction ends. Where a transaction does not have the whole
// database for itself, only what is there can be locked.
func (s *Store) lock(ctx context.Context, tx *sqldb.Tx, wanted []stocksync.GID) (map[stocksync.GID]*stocksync.Row, error) {
	there := make(map[stocksync.GID]*stocksync.Row, len(wanted))
	locked := make(map[stocksync.GID]bool, len(wanted))
	for part := range slices.Chunk(wanted, sqldb.Batch) {
		in, args := sqldb.In(part)
		err := tx.Each(ctx, func(scan func(...any) error) error {
			var gid stocksync.GID
			var data []byte
			if err := scan(&gid, &data); err != nil {
				return err
			}
			locked[gid] = true
			if len(data) == 0 {
				return nil
			}
			row, err := decode(gid, data)
			there[gid] = row
			return err
		}, `select gid, data from {stock_rows} where gid in `+in+` order by gid`+s.db.ForUpdate(), args...)
		if err != nil {
			return nil, fmt.Errorf("locking rows: %w", err)
		}
	}
	if s.db.Dialect() == sqldb.SQLite || len(locked) == len(wanted) {
		return there, nil
	}
	return nil, &absent{slices.DeleteFunc(slices.Clone(wanted), func(gid stocksync.GID) bool { return locked[gid] })}
}

// make makes empty rows, to be locked. It is a transaction of its own: one that had made some and then waited for others would hold
// locks out of order.
func (s *Store) make(ctx context.Context, gids []stocksync.GID) error {
	for part := range slices.Chunk(gids, sqldb.Batch) {
		args := make([]any, 0, 4*len(part))
		for _, gid := range part {
			args = append(args, string(gid), "", 0, "")
		}
		insert := s.db.IfNew(`insert into {stock_rows} (gid, sku_key, version, data) values ` + sqldb.Values(len(part), 4))
		err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, insert, args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("making rows to lock: %w", err)
		}
	}
	return nil
}

// write stores rows, which are locked.
func (s *Store) write(ctx context.Context, tx *sqldb.Tx, rows []*stocksync.Row) error {
	for part := range slices.Chunk(rows, sqldb.Batch) {
		args := make([]any, 0, 4*len(part))
		for _, r := range part {
			data, err := json.Marshal(r.Clone())
			if err != nil {
				return fmt.Errorf("writing row %q: %w", r.GID, err)
			}
			args = append(args, string(r.GID), skuKey(r.SKU), r.Version, string(data))
		}
		statement := s.insertOrReplace("stock_rows", len(part), []string{"gid"}, []string{"sku_key", "version", "data"})
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return fmt.Errorf("writing rows: %w", err)
		}
	}
	return nil
}

// note adds lines to the ledger, all of them or none. Two transactions with the same lines meet at the first of them.
func (s *Store) note(ctx context.Context, tx *sqldb.Tx, lines []stocksync.Entry) error {
	lines = slices.SortedFunc(slices.Values(lines), func(a, b stocksync.Entry) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Source, b.Source))
	})
	for part := range slices.Chunk(lines, sqldb.Batch) {
		args := make([]any, 0, 6*len(part))
		for _, e := range part {
			args = append(args, string(e.Store), e.Source, string(e.GID), e.Delta.String(), clean(e.Note), sqldb.Micros(e.At))
		}
		result, err := tx.Exec(ctx, s.db.IfNew(`insert into {stock_ledger} (store, source, gid, delta, note, at) values `+
			sqldb.Values(len(part), 6)), args...)
		if err != nil {
			return fmt.Errorf("writing the ledger: %w", err)
		}
		added, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("writing the ledger: %w", err)
		}
		if added < int64(len(part)) {
			return refusal{stocksync.ErrKnown}
		}
	}
	return nil
}

// History implements [stocksync.Historian]. Lines of one commit are equally new.
func (s *Store) History(ctx context.Context, gid stocksync.GID, n int) ([]stocksync.Entry, error) {
	return within(ctx, s.db.Read, "history", func(tx *sqldb.Tx) (lines []stocksync.Entry, err error) {
		query := `select store, source, gid, delta, note, at from {stock_ledger} where gid = ? order by n desc`
		args := []any{clean(string(gid))}
		if n > 0 {
			query, args = query+` limit ?`, append(args, n)
		}
		err = tx.Each(ctx, func(scan func(...any) error) error {
			var e stocksync.Entry
			var at int64
			if err := scan(&e.Store, &e.Source, &e.GID, &e.Delta, &e.Note, &at); err != nil {
				return err
			}
			e.At = sqldb.FromMicros(at)
			lines = append(lines, e)
			return nil
		}, query, args...)
		return lines, err
	})
}

func decode(gid stocksync.GID, data []byte) (*stocksync.Row, error) {
	row := &stocksync.Row{}
	if err := json.Unmarshal(data, row); err != nil {
		return nil, fmt.Errorf("reading row %q: %w", gid, err)
	}
	return row, nil
}
