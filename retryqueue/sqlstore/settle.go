package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	for i, o := range outcomes {
		switch o.State {
		case retryqueue.Succeeded, retryqueue.Retrying, retryqueue.Failed, retryqueue.Discarded, retryqueue.Queued:
		default:
			return nil, fmt.Errorf("outcome %d: State %q ends no attempt", i, o.State)
		}
	}
	errs := make([]error, len(outcomes))
	rest, err := s.succeed(ctx, tx, outcomes)
	if err != nil || len(rest) == 0 {
		return errs, err
	}
	ids := make([]string, len(rest))
	for i, at := range rest {
		ids[i] = string(outcomes[at].Lease.ID)
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
		changed []*row
		history []attempt
		pause   = map[string]retryqueue.Outcome{} // the longest of each kind
	)
	for _, i := range rest {
		o := outcomes[i]
		r := byID[string(o.Lease.ID)]
		switch {
		case r == nil || !r.heldBy(o.Lease.Token):
			errs[i] = retryqueue.ErrLostLease
			continue
		case r.state != retryqueue.Running: // a repetition
			continue
		}
		n, note := r.attempts, !o.Uncounted || o.Error != ""
		if note {
			r.lastError = plain(o.Error)
		}
		r.end(o, now, pauses[r.kind])
		r.folded = o.State == retryqueue.Succeeded && r.state == o.State && o.Error == "" && !o.Reset && !o.Uncounted
		if note && !r.folded {
			history = append(history, r.attempt(n, now, r.lastError))
		}
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

// succeed settles the plain successes with one statement for each claim they stem from, and returns the positions of the outcomes
// that remain to be settled. Where one of the successes proves to be otherwise (lost, repeated, replaced while it ran) all
// remain: what was settled here is then a repetition.
func (s *Store) succeed(ctx context.Context, tx *sqldb.Tx, outcomes []retryqueue.Outcome) (rest []int, err error) {
	byClaim := map[string][]string{}
	seen := make(map[retryqueue.ID]bool, len(outcomes)) // of two outcomes of one job the first counts
	plain, settled := 0, int64(0)
	for i, o := range outcomes {
		token, id, _ := strings.Cut(o.Lease.Token, ".")
		if seen[o.Lease.ID] || id != string(o.Lease.ID) || !isPlainSuccess(o) {
			rest = append(rest, i)
		} else {
			byClaim[token] = append(byClaim[token], id)
			plain++
		}
		seen[o.Lease.ID] = true
	}
	for _, token := range slices.Sorted(maps.Keys(byClaim)) {
		for part := range slices.Chunk(slices.Sorted(slices.Values(byClaim[token])), sqldb.Batch) {
			in, args := s.oneOf("id", part)
			result, err := tx.Exec(ctx, `update {jobs} set state = 'succeeded', due = null, ended = {now}, folded = 1, last_error = '',
				unsure_since = null, hand_state = null, hand_due = null
				where `+in+` and token = ? and state = 'running' and aside_mode = 0`, append(args, token)...)
			if err != nil {
				return nil, fmt.Errorf("writing successes: %w", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return nil, fmt.Errorf("counting successes: %w", err)
			}
			settled += n
		}
	}
	if settled == int64(plain) {
		return rest, nil
	}
	rest = rest[:0]
	for i := range outcomes {
		rest = append(rest, i)
	}
	return rest, nil
}

func isPlainSuccess(o retryqueue.Outcome) bool {
	return o.State == retryqueue.Succeeded && o.Pause == 0 && !o.Unsure && !o.Reset && !o.Uncounted && o.Error == "" && o.Result == nil
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
	if r.state == retryqueue.Succeeded || r.state == retryqueue.Discarded {
		r.ended = now
	}
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
		in, args := s.oneOf("id", part)
		if _, err := tx.Exec(ctx, `update {jobs} set due = ? where `+in, append([]any{now + by}, args...)...); err != nil {
			return nil, fmt.Errorf("extending leases: %w", err)
		}
	}
	return lost, nil
}
