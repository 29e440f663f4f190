package sqlfeed

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

//go:embed schema/*.sql
var schema embed.FS

// Config says where the tables are. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of the tables: at most 24 lower-case letters, digits and _; default "tillwire_"
}

// Store is an [orderfeed.Store] in a database. Make it with [Open].
type Store struct{ db *sqldb.DB }

var _ orderfeed.Store = (*Store)(nil)

// Open recognises the server, brings the tables up to date and returns the store. It does not close db.
func Open(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	d, err := sqldb.Open(ctx, db, sqldb.Config(c), sqldb.Schema{Room: "orderfeed", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqlfeed: %w", err)
	}
	return &Store{db: d}, nil
}

// Get implements [orderfeed.Store].
func (s *Store) Get(ctx context.Context, feed string, ids []woo.OrderID) ([]orderfeed.Entry, error) {
	var found []orderfeed.Entry
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		found = nil
		for chunk := range slices.Chunk(ids, sqldb.Batch) {
			in, args := sqldb.In(chunk)
			entries, err := list(ctx, tx, "where feed = ? and order_id in "+in, append([]any{feed}, args...)...)
			if err != nil {
				return err
			}
			found = append(found, entries...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlfeed: reading entries: %w", err)
	}
	return found, nil
}

// Find implements [orderfeed.Store].
func (s *Store) Find(ctx context.Context, feed string, q orderfeed.Query) ([]orderfeed.Entry, error) {
	where := "where feed = ? and order_id > ?"
	args := []any{feed, q.AfterID}
	if q.Failed {
		where += " and failed = 1"
	}
	if q.OpenOnly {
		where += " and is_open = 1"
	}
	if !q.CreatedSince.IsZero() {
		where += " and created >= ?"
		args = append(args, sqldb.Micros(q.CreatedSince))
	}
	limit := q.Limit
	if limit <= 0 {
		limit = orderfeed.DefaultLimit
	}
	var found []orderfeed.Entry
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		found, err = list(ctx, tx, where+" order by order_id limit ?", append(args, limit)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlfeed: finding entries: %w", err)
	}
	return found, nil
}

// Put implements [orderfeed.Store].
func (s *Store) Put(ctx context.Context, feed string, entries []orderfeed.Entry) error {
	merged := map[woo.OrderID]orderfeed.Entry{}
	for _, e := range entries {
		merged[e.ID] = e.Merge(merged[e.ID])
	}
	ids := make([]woo.OrderID, 0, len(merged))
	for id := range merged {
		ids = append(ids, id)
	}
	slices.Sort(ids) // all processes lock rows in one order
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		for chunk := range slices.Chunk(ids, sqldb.Batch) {
			if err := s.put(ctx, tx, feed, chunk, merged); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlfeed: putting entries: %w", err)
	}
	return nil
}

// put makes the rows that are missing, so that all of them can be locked, and then writes what the merge of stored and new is.
func (s *Store) put(ctx context.Context, tx *sqldb.Tx, feed string, ids []woo.OrderID, entries map[woo.OrderID]orderfeed.Entry) error {
	blank := make([]any, 0, len(ids)*columns)
	for _, id := range ids {
		row, err := values(feed, orderfeed.Entry{ID: id})
		if err != nil {
			return err
		}
		blank = append(blank, row...)
	}
	insert := "into {orderfeed_entries} (" + columnNames + ") values " + sqldb.Values(len(ids), columns)
	if _, err := tx.Exec(ctx, s.db.IfNew("insert "+insert), blank...); err != nil {
		return err
	}
	in, args := sqldb.In(ids)
	stored, err := list(ctx, tx, "where feed = ? and order_id in "+in+" order by order_id"+s.db.ForUpdate(), append([]any{feed}, args...)...)
	if err != nil {
		return err
	}
	rows := make([]any, 0, len(ids)*columns)
	for _, old := range stored {
		row, err := values(feed, entries[old.ID].Merge(old))
		if err != nil {
			return err
		}
		rows = append(rows, row...)
	}
	_, err = tx.Exec(ctx, s.replace(insert), rows...)
	return err
}

// Cursor implements [orderfeed.Store].
func (s *Store) Cursor(ctx context.Context, feed string) (orderfeed.Cursor, error) {
	var c orderfeed.Cursor
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		c, err = cursor(ctx, tx, feed, "")
		return err
	})
	if err != nil {
		return orderfeed.Cursor{}, fmt.Errorf("sqlfeed: reading the cursor: %w", err)
	}
	return c, nil
}

// Advance implements [orderfeed.Store].
func (s *Store) Advance(ctx context.Context, feed string, from, to orderfeed.Cursor) (bool, error) {
	var ok bool
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		ok = false
		if err := s.begin(ctx, tx, feed); err != nil {
			return err
		}
		stored, err := cursor(ctx, tx, feed, s.db.ForUpdate())
		if err != nil || !stored.Equal(from) {
			return err
		}
		ok = true
		_, err = tx.Exec(ctx, `update {orderfeed_feeds} set since = ?, modified_after = ?, seen = ?, last_delivery = ?, suspect = ?, last_night = ?
			where feed = ?`, sqldb.Micros(to.Since), sqldb.Micros(to.ModifiedAfter), sqldb.Micros(to.Seen), sqldb.Micros(to.LastDelivery),
			bit(to.Suspect), to.LastNight, feed)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sqlfeed: advancing the cursor: %w", err)
	}
	return ok, nil
}

// Lease implements [orderfeed.Store].
func (s *Store) Lease(ctx context.Context, feed, holder string, d time.Duration) (bool, error) {
	var ok bool
	err := s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		ok = false
		if err := s.begin(ctx, tx, feed); err != nil {
			return err
		}
		var by string
		var until, now int64
		err := tx.QueryRow(ctx, `select holder, lease_until, {now} from {orderfeed_feeds} where feed = ?`+s.db.ForUpdate(), feed).
			Scan(&by, &until, &now)
		if err != nil || by != holder && now < until {
			return err
		}
		ok = true
		_, err = tx.Exec(ctx, `update {orderfeed_feeds} set holder = ?, lease_until = ? where feed = ?`,
			holder, now+max(d, 0).Microseconds(), feed)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sqlfeed: leasing: %w", err)
	}
	return ok, nil
}

// begin makes the feed's row if there is none.
func (s *Store) begin(ctx context.Context, tx *sqldb.Tx, feed string) error {
	never := sqldb.Micros(time.Time{})
	_, err := tx.Exec(ctx, s.db.IfNew(`insert into {orderfeed_feeds} (feed, since, modified_after, seen, holder, lease_until, last_delivery,
		suspect, last_night) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`), feed, never, never, never, "", 0, never, 0, "")
	return err
}

// replace completes an insert of entries that overwrites the rows that are there.
func (s *Store) replace(insert string) string {
	clause, value := " on conflict (feed, order_id) do update set ", "excluded.%s"
	if s.db.Dialect() == sqldb.MySQL {
		clause, value = " on duplicate key update ", "values(%s)"
	}
	var sets []string
	for _, name := range strings.Split(columnNames, ", ")[2:] { // all but the key
		sets = append(sets, name+" = "+fmt.Sprintf(value, name))
	}
	return "insert " + insert + clause + strings.Join(sets, ", ")
}

const (
	columns     = 16
	columnNames = "feed, order_id, number, status, created, modified, first_seen, checked, handled, done, ignored, turns, missing, error, " +
		"failed, is_open"
)

func values(feed string, e orderfeed.Entry) ([]any, error) {
	handled, err := json.Marshal(append([]woo.OrderStatus{}, e.Handled...)) // never null
	if err != nil {
		return nil, err
	}
	return []any{
		feed, int64(e.ID), e.Number, string(e.Status), sqldb.Micros(e.Created), sqldb.Micros(e.Modified), sqldb.Micros(e.Seen),
		sqldb.Micros(e.Checked), string(handled), bit(e.Done), bit(e.Ignored), e.Turns, bit(e.Missing), e.Error, bit(e.Error != ""),
		bit(e.Open()),
	}, nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// list reads entries.
func list(ctx context.Context, tx *sqldb.Tx, where string, args ...any) ([]orderfeed.Entry, error) {
	rows, err := tx.Query(ctx, `select order_id, number, status, created, modified, first_seen, checked, handled, done, ignored, turns, missing,
		error from {orderfeed_entries} `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []orderfeed.Entry
	for rows.Next() {
		var e orderfeed.Entry
		var created, modified, seen, checked int64
		var handled []byte
		if err := rows.Scan(&e.ID, &e.Number, &e.Status, &created, &modified, &seen, &checked, &handled, &e.Done, &e.Ignored, &e.Turns,
			&e.Missing, &e.Error); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(handled, &e.Handled); err != nil {
			return nil, fmt.Errorf("order %d: handled: %w", e.ID, err)
		}
		e.Created, e.Modified = sqldb.FromMicros(created), sqldb.FromMicros(modified)
		e.Seen, e.Checked = sqldb.FromMicros(seen), sqldb.FromMicros(checked)
		found = append(found, e)
	}
	return found, rows.Err()
}

func cursor(ctx context.Context, tx *sqldb.Tx, feed, lock string) (orderfeed.Cursor, error) {
	var c orderfeed.Cursor
	var since, after, seen, delivery int64
	err := tx.QueryRow(ctx, `select since, modified_after, seen, last_delivery, suspect, last_night from {orderfeed_feeds} where feed = ?`+lock,
		feed).Scan(&since, &after, &seen, &delivery, &c.Suspect, &c.LastNight)
	if errors.Is(err, sql.ErrNoRows) {
		return orderfeed.Cursor{}, nil
	}
	if err != nil {
		return orderfeed.Cursor{}, err
	}
	c.Since, c.ModifiedAfter = sqldb.FromMicros(since), sqldb.FromMicros(after)
	c.Seen, c.LastDelivery = sqldb.FromMicros(seen), sqldb.FromMicros(delivery)
	return c, nil
}
