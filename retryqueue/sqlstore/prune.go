package sqlstore

import (
	"context"
	"fmt"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// Prune implements [retryqueue.Pruner]. It is one transaction.
func (s *Store) Prune(ctx context.Context, p retryqueue.Prune) (int, error) {
	return within(ctx, s, "prune", func(tx *sqldb.Tx) (int, error) { return s.prune(ctx, tx, p) })
}

func (s *Store) prune(ctx context.Context, tx *sqldb.Tx, p retryqueue.Prune) (int, error) {
	old, _, err := rows(ctx, tx, false, `select {now}, `+rowColumns+` from {jobs} j where j.kind = ? and j.ended > 0 and j.ended <= {now} - ?
		order by j.ended limit ?`+s.db.ForUpdate(), p.Kind, ceil(p.Age), p.Limit)
	if err != nil {
		return 0, fmt.Errorf("looking for old jobs: %w", err)
	}
	if p.Delete {
		return len(old), s.remove(ctx, tx, old)
	}
	if err := s.forget(ctx, tx, old); err != nil {
		return 0, err
	}
	for _, r := range old {
		r.payload, r.lastError = []byte{}, ""
		r.ended, r.folded = pruned, false
	}
	return len(old), s.save(ctx, tx, old)
}
