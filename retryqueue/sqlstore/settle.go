package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// Settle implements [retryqueue.Store]. The batch is one transaction; outcomes whose lease is lost do not keep the
// others from being written.
func (s *Store) Settle(ctx context.Context, outcomes []retryqueue.Outcome) ([]error, error) {
	if len(outcomes) == 0 {
		return nil, ctx.Err()
	}
	return within(ctx, s, "settle", func(tx *sqldb.Tx) ([]error, error) { return s.settle(ctx, tx, outcomes) })
}

// SettleTx implements [retryqueue.TxStore].
func (s *Store) SettleTx(ctx context.Context, tx *sql.Tx, outcomes []retryqueue.Outcome) ([]error, error) {
	if len(outcomes) == 0 {
		return nil, ctx.Err()
	}
	return joined(tx, s, "settle", func(tx *sqldb.Tx) ([]error, error) { return s.settle(ctx, tx, outcomes) })
}

func (s *Store) settle(ctx context.Context, tx *sqldb.Tx, outcomes []retryqueue.Outcome) ([]error, error) {
	ids := make([]string, len(outcomes))
	for i, o := range outcomes {
		switch o.State {
		case retryqueue.Succeeded, retryqueue.Retrying, retryqueue.Failed, retryqueue.Discarded, retryqueue.Queued:
		default:
			return nil, fmt.Errorf("outcome %d: State %q ends no attempt", i, o.State)
		}
		ids[i] = string(o.Lease.ID)
	}
	byID, now, err := s.lock(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	pauses, err := s.pausesFor(ctx, tx, outcomes, byID)
	if err != nil {
		return nil, err
	}
	var (
		errs    = make([]error, len(outcomes))
		changed []*row
		history []attempt
		pause   = map[string]retryqueue.Outcome{} // the longest of each kind
	)
	for i, o := range outcomes {
		r := byID[string(o.Lease.ID)]
		switch {
		case r == nil || !r.heldBy(o.Lease.Token):
			errs[i] = retryqueue.ErrLostLease
			continue
		case r.state != retryqueue.Running: // a repetition
			continue
		}
		if note := !o.Uncounted || o.Error != ""; note {
			r.lastError = plain(o.Error)
			history = append(history, r.attempt(r.attempts, now, r.lastError))
		}
		r.end(o, now, pauses[r.kind])
		changed = append(changed, r)
		if o.Pause > pause[r.kind].Pause {
			pause[r.kind] = o
		}
	}
	if err := s.save(ctx, tx, changed); err != nil {
		return nil, err
	}
	if err := noteAttempts(ctx, tx, history); err != nil {
		return nil, err
	}
	for name, o := range pause {
		err := s.changeKind(ctx, tx, name, func(k *kind, now int64) { k.lengthen(now, ceil(o.Pause), plain(o.Error)) })
		if err != nil {
			return nil, err
		}
	}
	return errs, nil
}

// pausesFor reads the kinds whose jobs may start their age again; mostly there are none.
func (s *Store) pausesFor(
	ctx context.Context, tx *sqldb.Tx, outcomes []retryqueue.Outcome, byID map[string]*row,
) (map[string]*kind, error) {
	names := map[string]bool{}
	for _, o := range outcomes {
		if r := byID[string(o.Lease.ID)]; r != nil && (o.Reset || r.asideMode != noAside) {
			names[r.kind] = true
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	return kinds(ctx, tx, all, "")
}

// end applies an outcome: rules 3, 4, 6 and 7 of [retryqueue.Store].
func (r *row) end(o retryqueue.Outcome, now int64, k *kind) {
	byHand := r.byHand()
	if o.Uncounted && !byHand {
		r.attempts--
	}
	if !o.Unsure {
		r.unsureSince = 0
	} else if !o.Probed || r.unsureSince == 0 {
		r.unsureSince = now
	}
	if o.Result != nil {
		r.result = o.Result
	}
	if o.Reset {
		r.restart(now, k, now)
	}

	due := now + ceil(o.Wait)
	waits := o.State == retryqueue.Retrying || o.State == retryqueue.Queued
	switch {
	case byHand && waits && o.Uncounted:
		r.state, r.due = retryqueue.Queued, due // still by hand
	case byHand && o.State == retryqueue.Retrying:
		r.state, r.due = r.handState, r.handDue
		r.handState, r.handDue = "", 0
	case waits:
		r.state, r.due = o.State, due
		r.handState, r.handDue = "", 0
	default:
		r.state, r.due = o.State, 0
		r.handState, r.handDue = "", 0
	}

	if take := r.asideMode == asideAlways || r.asideMode == asideOnce && o.State != retryqueue.Succeeded; take {
		if r.state.Ended() {
			due = now
			r.restart(now, k, now)
		}
		r.payload, r.state, r.due = notNull(r.aside), retryqueue.Queued, due
		r.handState, r.handDue = "", 0
	}
	r.aside, r.asideMode = nil, noAside
}

// Extend implements [retryqueue.Store].
func (s *Store) Extend(ctx context.Context, leases []retryqueue.Lease, by time.Duration) ([]retryqueue.ID, error) {
	if len(leases) == 0 {
		return nil, ctx.Err()
	}
	return within(ctx, s, "extend", func(tx *sqldb.Tx) ([]retryqueue.ID, error) { return s.extend(ctx, tx, leases, ceil(by)) })
}

func (s *Store) extend(ctx context.Context, tx *sqldb.Tx, leases []retryqueue.Lease, by int64) ([]retryqueue.ID, error) {
	ids := make([]string, len(leases))
	for i, l := range leases {
		ids[i] = string(l.ID)
	}
	byID, now, err := s.lock(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var lost []retryqueue.ID
	var held []string
	for _, l := range leases {
		r := byID[string(l.ID)]
		if r == nil || !r.heldBy(l.Token) || r.state != retryqueue.Running || r.due <= now {
			lost = append(lost, l.ID)
			continue
		}
		held = append(held, r.id)
	}
	for part := range slices.Chunk(held, sqldb.Batch) {
		in, args := sqldb.In(part)
		if _, err := tx.Exec(ctx, `update {jobs} set due = ? where id in `+in, append([]any{now + by}, args...)...); err != nil {
			return nil, fmt.Errorf("extending leases: %w", err)
		}
	}
	return lost, nil
}
