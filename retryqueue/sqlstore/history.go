package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/internal/sqldb"
)

// historyKept is how many attempts of a job are kept at least; the older ones go every historyKept attempts.
const historyKept = 32

// attempt notes in r, and in the list for noteAttempts, that an attempt ended.
func (r *row) attempt(n, ended int64, text string) attempt {
	a := attempt{job: r.id, seq: r.tries, n: n, started: r.started, ended: ended, text: text}
	r.tries++
	return a
}

// unfold gives the success that stands in the row itself a row in the history, before the job lives again.
func (r *row) unfold(all []attempt) []attempt {
	if r.folded {
		all = append(all, r.attempt(r.attempts, r.ended, ""))
	}
	r.ended, r.folded = 0, false
	return all
}

type attempt struct {
	job            string
	seq, n         int64
	started, ended int64
	text           string
}

func noteAttempts(ctx context.Context, tx *sqldb.Tx, all []attempt) error {
	for part := range slices.Chunk(all, sqldb.Batch) {
		args := make([]any, 0, len(part)*6)
		for _, a := range part {
			args = append(args, a.job, a.seq, a.n, a.started, a.ended, a.text)
		}
		if _, err := tx.Exec(ctx, `insert into {job_attempts} (job, seq, n, started, ended, error) values `+
			sqldb.Values(len(part), 6), args...); err != nil {
			return fmt.Errorf("writing the history: %w", err)
		}
	}
	for _, a := range all {
		if a.seq == 0 || a.seq%historyKept != 0 {
			continue
		}
		if _, err := tx.Exec(ctx, `delete from {job_attempts} where job = ? and seq <= ?`, a.job, a.seq-historyKept); err != nil {
			return fmt.Errorf("shortening the history: %w", err)
		}
	}
	return nil
}
