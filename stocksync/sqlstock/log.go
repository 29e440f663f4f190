package sqlstock

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/stocksync"
)

// Log implements [stocksync.Store].
func (s *Store) Log(ctx context.Context, events []stocksync.Event, keep int) error {
	if len(events) == 0 && keep <= 0 {
		return ctx.Err()
	}
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		for part := range slices.Chunk(events, sqldb.Batch) {
			args := make([]any, 0, 6*len(part))
			for _, e := range part {
				ref, err := json.Marshal(e.Ref)
				if err != nil {
					return err
				}
				args = append(args, sqldb.Micros(e.At), word(e.Level), word(string(e.Peer)), word(e.Action), string(ref), clean(e.Text))
			}
			insert := `insert into {stock_events} (at, level, peer, action, ref, message) values ` + sqldb.Values(len(part), 6)
			if _, err := tx.Exec(ctx, insert, args...); err != nil {
				return err
			}
		}
		return forget(ctx, tx, keep)
	})
	if err != nil {
		return fmt.Errorf("sqlstock: log: %w", err)
	}
	return nil
}

// forget deletes all but the newest events.
func forget(ctx context.Context, tx *sqldb.Tx, keep int) error {
	if keep <= 0 {
		return nil
	}
	var last int64 // of those that go
	err := tx.QueryRow(ctx, `select id from {stock_events} order by id desc limit 1 offset ?`, keep).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `delete from {stock_events} where id <= ?`, last)
	return err
}

// word makes of a text one that an event can be found by.
func word(text string) string {
	text = clean(text)
	if len(text) > stocksync.MaxID {
		text = strings.ToValidUTF8(text[:stocksync.MaxID], "")
	}
	return text
}

// Events implements [stocksync.Store].
func (s *Store) Events(ctx context.Context, q stocksync.EventQuery) ([]stocksync.Event, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, value any) {
		where, args = append(where, condition), append(args, value)
	}
	if q.Before > 0 {
		add("id < ?", q.Before)
	}
	for column, value := range map[string]string{"peer": string(q.Peer), "action": q.Action, "level": q.Level} {
		if value != "" {
			add(column+" = ?", word(value))
		}
	}
	args = append(args, cmp.Or(max(0, q.Limit), stocksync.DefaultEvents))
	return within(ctx, s.db.Read, "events", func(tx *sqldb.Tx) (found []stocksync.Event, err error) {
		err = tx.Each(ctx, func(scan func(...any) error) error {
			var e stocksync.Event
			var at int64
			var ref []byte
			if err := scan(&e.ID, &at, &e.Level, &e.Peer, &e.Action, &ref, &e.Text); err != nil {
				return err
			}
			if err := json.Unmarshal(ref, &e.Ref); err != nil {
				return fmt.Errorf("event %d: %w", e.ID, err)
			}
			e.At = sqldb.FromMicros(at)
			found = append(found, e)
			return nil
		}, `select id, at, level, peer, action, ref, message from {stock_events} where `+strings.Join(where, " and ")+
			` order by id desc limit ?`, args...)
		return found, err
	})
}
