package sqlstock

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/stocksync"
)

// push puts rows into the outbox, or newer versions into those that wait there.
func (s *Store) push(ctx context.Context, tx *sqldb.Tx, pushes []stocksync.Push) error {
	pushes = slices.SortedFunc(slices.Values(pushes), func(a, b stocksync.Push) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.GID, b.GID), cmp.Compare(b.Version, a.Version))
	})
	pushes = slices.CompactFunc(pushes, func(a, b stocksync.Push) bool { return a.Peer == b.Peer && a.GID == b.GID }) // keeps the highest
	for part := range slices.Chunk(pushes, sqldb.Batch) {
		args := make([]any, 0, 4*len(part))
		for _, p := range part {
			var due any // null: now
			if !p.Due.IsZero() {
				due = sqldb.Micros(p.Due)
			}
			args = append(args, string(p.Peer), string(p.GID), p.Version, due)
		}
		statement := `insert into {stock_outbox} (peer, gid, version, token, since, due, tries, error) values ` +
			strings.TrimSuffix(strings.Repeat(`(?, ?, ?, '', {now}, coalesce(?, {now}), 0, ''), `, len(part)), ", ") + s.ifHigher()
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return fmt.Errorf("writing the outbox: %w", err)
		}
	}
	return nil
}

// ifHigher ends an insert into the outbox: a higher version replaces all of a row but since.
func (s *Store) ifHigher() string {
	if s.db.Dialect() != sqldb.MySQL {
		return ` on conflict (peer, gid) do update set version = excluded.version, token = '', due = excluded.due, tries = 0, error = ''
			where {stock_outbox}.version < excluded.version`
	}
	// Assignments are made from left to right: the version that the others look at comes last.
	return ` on duplicate key update token = if(version < values(version), '', token),
		due = if(version < values(version), values(due), due), tries = if(version < values(version), 0, tries),
		error = if(version < values(version), '', error), version = greatest(version, values(version))`
}

// turn is what one commit says of one peer's outbox.
type turn struct{ done, later []stocksync.Push }

// settle takes what is done out of the outbox, and puts off what did not go.
func (s *Store) settle(ctx context.Context, tx *sqldb.Tx, done, later []stocksync.Push) error {
	turns := map[stocksync.StoreID]*turn{}
	of := func(peer stocksync.StoreID) *turn {
		if turns[peer] == nil {
			turns[peer] = &turn{}
		}
		return turns[peer]
	}
	for _, p := range done {
		of(p.Peer).done = append(of(p.Peer).done, p)
	}
	for _, p := range later {
		of(p.Peer).later = append(of(p.Peer).later, p)
	}
	for _, peer := range slices.Sorted(maps.Keys(turns)) { // everybody locks in this order
		if err := s.take(ctx, tx, peer, turns[peer]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) take(ctx context.Context, tx *sqldb.Tx, peer stocksync.StoreID, t *turn) error {
	waiting, now, err := s.lockOutbox(ctx, tx, peer, slices.Concat(t.done, t.later))
	if err != nil {
		return err
	}
	gone, off := map[stocksync.GID]*stocksync.Push{}, map[stocksync.GID]*stocksync.Push{}
	for _, p := range t.done {
		row := waiting[p.GID]
		if row == nil || p.Token != "" && (p.Token != row.Token || p.Version != row.Version) {
			continue
		}
		gone[p.GID] = row
		delete(waiting, p.GID)
	}
	for _, p := range t.later {
		row := waiting[p.GID]
		if row == nil || p.Token != "" && p.Token != row.Token {
			continue
		}
		if p.Token != "" {
			row.Tries++
			row.Error = p.Error
		}
		row.Token, row.Due = "", now
		if !p.Due.IsZero() {
			row.Due = p.Due
		}
		off[p.GID] = row
	}
	if err := s.remove(ctx, tx, peer, slices.Sorted(maps.Keys(gone))); err != nil {
		return err
	}
	return s.putOff(ctx, tx, off)
}

// lockOutbox returns what waits for a peer of these products.
func (s *Store) lockOutbox(
	ctx context.Context, tx *sqldb.Tx, peer stocksync.StoreID, pushes []stocksync.Push,
) (waiting map[stocksync.GID]*stocksync.Push, now time.Time, err error) {
	var gids []stocksync.GID
	for _, p := range pushes {
		if storable(string(p.GID)) && storable(string(p.Peer)) {
			gids = append(gids, p.GID)
		}
	}
	slices.Sort(gids)
	waiting = map[stocksync.GID]*stocksync.Push{}
	for part := range slices.Chunk(slices.Compact(gids), sqldb.Batch) {
		in, args := sqldb.In(part)
		args = append([]any{string(peer)}, args...)
		found, at, err := outbox(ctx, tx, `where peer = ? and gid in `+in+` order by gid`+s.db.ForUpdate(), args...)
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("locking the outbox: %w", err)
		}
		for _, p := range found {
			waiting[p.GID], now = &p, at
		}
	}
	return waiting, now, nil
}

func (s *Store) remove(ctx context.Context, tx *sqldb.Tx, peer stocksync.StoreID, gids []stocksync.GID) error {
	for part := range slices.Chunk(gids, sqldb.Batch) {
		in, args := sqldb.In(part)
		args = append([]any{string(peer)}, args...)
		if _, err := tx.Exec(ctx, `delete from {stock_outbox} where peer = ? and gid in `+in, args...); err != nil {
			return fmt.Errorf("taking out of the outbox: %w", err)
		}
	}
	return nil
}

// putOff writes rows back, which are locked.
func (s *Store) putOff(ctx context.Context, tx *sqldb.Tx, rows map[stocksync.GID]*stocksync.Push) error {
	for part := range slices.Chunk(slices.Sorted(maps.Keys(rows)), sqldb.Batch) {
		args := make([]any, 0, 8*len(part))
		for _, gid := range part {
			p := rows[gid]
			args = append(args, string(p.Peer), string(p.GID), p.Version, p.Token, sqldb.Micros(p.Since), sqldb.Micros(p.Due),
				p.Tries, clean(p.Error))
		}
		statement := s.insertOrReplace("stock_outbox", len(part), []string{"peer", "gid"},
			[]string{"version", "token", "since", "due", "tries", "error"})
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return fmt.Errorf("putting off: %w", err)
		}
	}
	return nil
}

// Behind implements [stocksync.Store]. The rows of one call share a token.
func (s *Store) Behind(ctx context.Context, peer stocksync.StoreID, n int, lease time.Duration) ([]stocksync.Push, error) {
	if n <= 0 || !storable(string(peer)) {
		return nil, ctx.Err()
	}
	if lease <= 0 {
		return within(ctx, s.db.Read, "looking at the backlog", func(tx *sqldb.Tx) ([]stocksync.Push, error) {
			found, _, err := outbox(ctx, tx, `where peer = ? order by since, gid limit ?`, string(peer), n)
			for i := range found {
				found[i].Token = ""
			}
			return found, err
		})
	}
	return within(ctx, s.db.InTx, "leasing", func(tx *sqldb.Tx) ([]stocksync.Push, error) { return s.lease(ctx, tx, peer, n, lease) })
}

func (s *Store) lease(
	ctx context.Context, tx *sqldb.Tx, peer stocksync.StoreID, n int, lease time.Duration,
) ([]stocksync.Push, error) {
	free := s.db.ForUpdate()
	if free != "" {
		free += ` skip locked` // what another is at, it will lease, or replace
	}
	found, now, err := outbox(ctx, tx, `where peer = ? and due <= {now} order by since, gid limit ?`+free, string(peer), n)
	if err != nil {
		return nil, err
	}
	token, until := rand.Text(), now.Add(lease)
	gids := make([]stocksync.GID, len(found))
	for i := range found {
		found[i].Token, found[i].Due = token, until
		gids[i] = found[i].GID
	}
	for part := range slices.Chunk(gids, sqldb.Batch) {
		in, args := sqldb.In(part)
		if _, err := tx.Exec(ctx, `update {stock_outbox} set token = ?, due = ? where peer = ? and gid in `+in,
			append([]any{token, sqldb.Micros(until), string(peer)}, args...)...); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// outbox reads rows, and what the time was; with no rows, it does not say.
func outbox(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (found []stocksync.Push, now time.Time, err error) {
	err = tx.Each(ctx, func(scan func(...any) error) error {
		var p stocksync.Push
		var since, due, at int64
		if err := scan(&p.Peer, &p.GID, &p.Version, &p.Token, &since, &due, &p.Tries, &p.Error, &at); err != nil {
			return err
		}
		p.Since, p.Due, now = sqldb.FromMicros(since), sqldb.FromMicros(due), sqldb.FromMicros(at)
		found = append(found, p)
		return nil
	}, `select peer, gid, version, token, since, due, tries, error, {now} from {stock_outbox} `+where, args...)
	return found, now, err
}

// Backlog implements [stocksync.Store].
func (s *Store) Backlog(ctx context.Context) (map[stocksync.StoreID]stocksync.Waiting, error) {
	return within(ctx, s.db.Read, "backlog", func(tx *sqldb.Tx) (map[stocksync.StoreID]stocksync.Waiting, error) {
		all := map[stocksync.StoreID]stocksync.Waiting{}
		err := tx.Each(ctx, func(scan func(...any) error) error {
			var peer stocksync.StoreID
			var w stocksync.Waiting
			var next int64
			if err := scan(&peer, &w.Count, &next); err != nil {
				return err
			}
			w.Next = sqldb.FromMicros(next)
			all[peer] = w
			return nil
		}, `select peer, count(*), min(due) from {stock_outbox} group by peer`)
		return all, err
	})
}
