package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// Move implements [retryqueue.Store]. It is one transaction.
func (s *Store) Move(ctx context.Context, m retryqueue.Move) (int, error) {
	switch m.To {
	case retryqueue.Queued, retryqueue.Discarded, "":
	default:
		return 0, fmt.Errorf("sqlstore: move: To %q: want %q, %q or empty", m.To, retryqueue.Queued, retryqueue.Discarded)
	}
	if len(m.IDs) == 0 {
		return 0, ctx.Err()
	}
	return within(ctx, s, "move", func(tx *sqldb.Tx) (int, error) { return s.move(ctx, tx, m) })
}

func (s *Store) move(ctx context.Context, tx *sqldb.Tx, m retryqueue.Move) (int, error) {
	ids := make([]string, len(m.IDs))
	for i, id := range m.IDs {
		ids[i] = string(id)
	}
	byID, now, err := s.lock(ctx, tx, ids)
	if err != nil {
		return 0, err
	}
	var moved []*row
	var groups []string
	var history []attempt
	for _, r := range byID {
		if r.state == retryqueue.Running || !slices.Contains(m.From, r.state) || m.To == retryqueue.Queued && r.ended == pruned {
			continue
		}
		moved = append(moved, r)
		if m.To == retryqueue.Queued && r.state.Ended() && r.group != "" {
			groups = append(groups, r.group)
		}
	}
	if m.To == "" {
		return len(moved), s.remove(ctx, tx, moved)
	}
	for _, r := range moved {
		if m.To == retryqueue.Discarded {
			r.state, r.due, r.handState, r.handDue = retryqueue.Discarded, 0, "", 0
			if !r.folded && r.ended != pruned {
				r.ended = now
			}
			continue
		}
		if !r.byHand() {
			r.handState, r.handDue = r.state, r.due
		}
		history = r.unfold(history)
		r.state, r.due = retryqueue.Queued, now
	}
	if err := s.lockGroups(ctx, tx, groups); err != nil {
		return 0, err
	}
	if err := s.save(ctx, tx, moved); err != nil {
		return 0, err
	}
	return len(moved), noteAttempts(ctx, tx, history)
}

func (s *Store) remove(ctx context.Context, tx *sqldb.Tx, gone []*row) error {
	if err := s.forget(ctx, tx, gone); err != nil {
		return err
	}
	for part := range slices.Chunk(gone, sqldb.Batch) {
		in, args := s.oneOf("id", idsOf(part))
		if _, err := tx.Exec(ctx, `delete from {jobs} where `+in, args...); err != nil {
			return fmt.Errorf("deleting jobs: %w", err)
		}
	}
	return nil
}

// forget deletes the history of jobs.
func (s *Store) forget(ctx context.Context, tx *sqldb.Tx, jobs []*row) error {
	for part := range slices.Chunk(jobs, sqldb.Batch) {
		in, args := s.oneOf("job", idsOf(part))
		if _, err := tx.Exec(ctx, `delete from {job_attempts} where `+in, args...); err != nil {
			return fmt.Errorf("deleting the history: %w", err)
		}
	}
	return nil
}
