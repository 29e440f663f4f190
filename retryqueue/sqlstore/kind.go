package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// kind is what the store knows of a kind: its pauses. Ages are read on a clock that stands still while the kind is
// paused. That clock is now less all time paused so far, so a job's age begins at its first due time less the time
// paused until then.
type kind struct {
	name         string
	sum          int64 // pauses before the last one
	since, until int64 // the last one, running or over; 0: none
	reason       string
}

// pausedBy is how long the kind has been paused in all until now. No kind has no pauses.
func (k *kind) pausedBy(now int64) int64 {
	if k == nil {
		return 0
	}
	return k.sum + max(0, min(now, k.until)-k.since)
}

func (k *kind) paused(now int64) bool { return k.until > now }

// resume ends the last pause, which may be over.
func (k *kind) resume(now int64) {
	k.sum = k.pausedBy(now)
	k.since, k.until, k.reason = 0, 0, ""
}

// pause begins a new pause in place of the old one.
func (k *kind) pause(now, d int64, reason string) {
	k.resume(now)
	k.since, k.until, k.reason = now, now+d, reason
}

// lengthen is pause, but never shortens.
func (k *kind) lengthen(now, d int64, reason string) {
	if now+d > k.until {
		k.pause(now, d, reason)
	}
}

const kindColumns = `k.kind, k.paused_sum, coalesce(k.paused_since, 0), coalesce(k.paused_until, 0), k.reason`

func (k *kind) targets() []any { return []any{&k.name, &k.sum, &k.since, &k.until, &k.reason} }

// kinds reads kinds, of all names when names is empty. A kind that is not there has never been paused.
func kinds(ctx context.Context, tx *sqldb.Tx, names []string, suffix string) (map[string]*kind, error) {
	query, args := `select `+kindColumns+` from {job_kinds} k`, []any(nil)
	if len(names) > 0 {
		var in string
		in, args = sqldb.In(names)
		query += ` where k.kind in ` + in
	}
	found := map[string]*kind{}
	err := tx.Each(ctx, func(scan func(...any) error) error {
		k := &kind{}
		if err := scan(k.targets()...); err != nil {
			return err
		}
		found[k.name] = k
		return nil
	}, query+` order by k.kind`+suffix, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the kinds: %w", err)
	}
	for _, name := range names {
		if found[name] == nil {
			found[name] = &kind{name: name}
		}
	}
	return found, nil
}

// addKinds makes the kinds' rows, which every kind has that ever had a job or a pause: a Claim starts from them.
func (s *Store) addKinds(ctx context.Context, tx *sqldb.Tx, names []string) error {
	names = slices.Sorted(slices.Values(names)) // in one order everywhere, so that two do not lock each other out
	args := make([]any, 0, 3*len(names))
	for _, name := range names {
		args = append(args, name, 0, "")
	}
	_, err := tx.Exec(ctx, s.db.IfNew(`insert into {job_kinds} (kind, paused_sum, reason) values `+sqldb.Values(len(names), 3)), args...)
	if err != nil {
		return fmt.Errorf("noting the kinds: %w", err)
	}
	return nil
}

// changeKind locks a kind, changes it and writes it back.
func (s *Store) changeKind(ctx context.Context, tx *sqldb.Tx, name string, change func(k *kind, now int64)) error {
	if err := s.addKinds(ctx, tx, []string{name}); err != nil {
		return err
	}
	locked, err := kinds(ctx, tx, []string{name}, s.db.ForUpdate())
	if err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	k := locked[name]
	change(k, sqldb.Micros(now))
	_, err = tx.Exec(ctx, `update {job_kinds} set paused_sum = ?, paused_since = ?, paused_until = ?, reason = ? where kind = ?`,
		k.sum, orNull(k.since), orNull(k.until), k.reason, name)
	if err != nil {
		return fmt.Errorf("writing the pause: %w", err)
	}
	return nil
}

// Pause implements [retryqueue.Store].
func (s *Store) Pause(ctx context.Context, p retryqueue.KindPause) error {
	if err := checkName("Kind", p.Kind, retryqueue.MaxKind, true); err != nil {
		return fmt.Errorf("sqlstore: pause: %w", err)
	}
	_, err := within(ctx, s, "pause", func(tx *sqldb.Tx) (struct{}, error) {
		return struct{}{}, s.changeKind(ctx, tx, p.Kind, func(k *kind, now int64) {
			if p.For <= 0 {
				k.resume(now)
				return
			}
			k.pause(now, ceil(p.For), plain(p.Reason))
		})
	})
	return err
}
