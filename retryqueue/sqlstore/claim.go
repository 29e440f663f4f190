package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// free holds for a job that its group lets go: it has none, it runs already (its lease has ended), or no other job of
// the group that lives is earlier or runs.
const free = `(j.job_group is null or j.state = 'running' or not exists (
	select 1 from {jobs} e where e.job_group = j.job_group and e.due is not null and (e.id < j.id or e.state = 'running')))`

// claimQuery finds a kind's due jobs in the order of the index (kind, due, id).
const claimQuery = `select {now}, ` + fullColumns + ` from {jobs} j
	where j.kind = ? and j.due <= ? and ` + free + ` order by j.due, j.id limit ?`

// peekQuery tells for each kind its pause, the first job that could be claimed now, and the first one that is due
// later.
const peekQuery = `select {now}, ` + kindColumns + `,
	coalesce((select j.due from {jobs} j where j.kind = k.kind and j.due <= {now} and ` + free + ` order by j.due, j.id limit 1), 0),
	coalesce((select j.due from {jobs} j where j.kind = k.kind and j.due > {now} order by j.due, j.id limit 1), 0)
	from {job_kinds} k where k.kind in `

// lockedWait is how long to wait for a due job that another transaction holds at this moment: its claimer, or a host's.
const lockedWait = 20 * time.Millisecond

// Claim implements [retryqueue.Store].
func (s *Store) Claim(ctx context.Context, c retryqueue.Claim) (retryqueue.Claimed, error) {
	return within(ctx, s, "claim", func(tx *sqldb.Tx) (retryqueue.Claimed, error) { return s.claim(ctx, tx, c) })
}

func (s *Store) claim(ctx context.Context, tx *sqldb.Tx, c retryqueue.Claim) (retryqueue.Claimed, error) {
	none := retryqueue.Claimed{Next: -1}
	open := maps.Clone(c.Kinds) // how many more of each kind
	maps.DeleteFunc(open, func(_ string, n int) bool { return n <= 0 })
	if len(open) == 0 {
		return none, nil
	}
	seen, err := peek(ctx, tx, slices.Sorted(maps.Keys(open)))
	if err != nil {
		return none, err
	}
	token := rand.Text()
	var taken []*row
	var short []string // kinds that came short although something was due: what is left must be looked at again
	for _, p := range seen {
		if p.paused(p.now) || p.ready == 0 {
			continue
		}
		found, err := s.take(ctx, tx, p, open[p.name], token, ceil(c.Lease))
		if err != nil {
			return none, err
		}
		taken = append(taken, found...)
		if open[p.name] -= len(found); open[p.name] > 0 {
			short = append(short, p.name)
		}
	}
	var now int64
	pauses := map[string]*kind{}
	for _, p := range seen {
		now, pauses[p.name] = max(now, p.now), &p.kind
	}
	records, err := s.lease(ctx, tx, taken, pauses, token, now, ceil(c.Lease))
	if err != nil {
		return none, err
	}
	if len(short) > 0 {
		left, err := peek(ctx, tx, short)
		if err != nil {
			return none, err
		}
		for _, l := range left {
			l.skipped = l.ready != 0 && l.ready <= now
			i := slices.IndexFunc(seen, func(p *glance) bool { return p.name == l.name })
			seen[i] = l
		}
	}
	return retryqueue.Claimed{Records: records, Next: next(seen, open)}, nil
}

// glance is what peekQuery tells of a kind.
type glance struct {
	kind
	now          int64
	ready, later int64 // due times; 0: none
	skipped      bool  // ready, but another transaction holds it
}

func peek(ctx context.Context, tx *sqldb.Tx, names []string) ([]*glance, error) {
	in, args := sqldb.In(names)
	var all []*glance
	err := tx.Each(ctx, func(scan func(...any) error) error {
		g := &glance{}
		all = append(all, g)
		return scan(slices.Concat([]any{&g.now}, g.targets(), []any{&g.ready, &g.later})...)
	}, peekQuery+in+` order by k.kind`, args...)
	if err != nil {
		return nil, fmt.Errorf("looking for due jobs: %w", err)
	}
	return all, nil
}

// leasing is what a claim writes into jobs that waited. Those of one claim all get the same.
const leasing = `update {jobs} set state = 'running', token = ?, started = ?, due = ?,
	attempts = attempts + case when hand_state is null then 1 else 0 end`

// claimAndLease does both in one statement of PostgreSQL's, and returns the jobs as they were. The join finds them by the primary key
// also by a plan that was made, and kept, when the table was nearly empty; a list of ids would then be compared with every job.
const claimAndLease = `with j as (` + claimQuery + ` for update of j skip locked), leased as (` + leasing +
	` from (select id as taken from j where state <> 'running') w where id = w.taken) select * from j`

// take locks up to n due jobs of a kind. What others have locked, it passes over. On PostgreSQL it leases those that waited on the
// way.
func (s *Store) take(ctx context.Context, tx *sqldb.Tx, g *glance, n int, token string, lease int64) (found []*row, err error) {
	switch s.db.Dialect() {
	case sqldb.SQLite:
		found, _, err = rows(ctx, tx, true, claimQuery, g.name, g.now, n)
	case sqldb.MySQL: // MariaDB knows no "of"; neither locks what a subquery reads
		found, _, err = rows(ctx, tx, true, claimQuery+` for update skip locked`, g.name, g.now, n)
	case sqldb.Postgres:
		found, _, err = rows(ctx, tx, true, claimAndLease, g.name, g.now, n, token, g.now, g.now+lease)
	}
	if err != nil {
		return nil, fmt.Errorf("taking due jobs: %w", err)
	}
	return found, nil
}

// lease turns taken jobs into running ones under one fresh token, and returns them in due order.
func (s *Store) lease(
	ctx context.Context, tx *sqldb.Tx, taken []*row, pauses map[string]*kind, token string, now, lease int64,
) ([]*retryqueue.Record, error) {
	if len(taken) == 0 {
		return nil, nil
	}
	slices.SortFunc(taken, func(a, b *row) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id)) })
	var (
		records   = make([]*retryqueue.Record, len(taken))
		ids       = make([]string, 0, len(taken))
		lapsed    []*row
		neverTold []attempt
	)
	for i, r := range taken {
		wasRunning := r.state == retryqueue.Running
		if wasRunning {
			neverTold = append(neverTold, r.attempt(r.attempts, now, retryqueue.LeaseEnded))
			r.lastError, r.unsureSince = retryqueue.LeaseEnded, now
			r.handState, r.handDue = "", 0
			lapsed = append(lapsed, r)
		} else {
			ids = append(ids, r.id)
		}
		if !r.byHand() {
			r.attempts++
		}
		r.state, r.token, r.started, r.due = retryqueue.Running, token, now, now+lease
		rec := r.record(now, pauses[r.kind])
		rec.Lapsed = wasRunning
		rec.Lease = retryqueue.Lease{ID: rec.ID, Token: r.leaseToken(), Until: rec.NextAttemptAt}
		records[i] = rec
	}
	if s.db.Dialect() == sqldb.Postgres {
		ids = nil // take did it
	}
	for part := range slices.Chunk(ids, sqldb.Batch) {
		in, args := s.oneOf("id", part)
		if _, err := tx.Exec(ctx, leasing+` where `+in, append([]any{token, now, now + lease}, args...)...); err != nil {
			return nil, fmt.Errorf("leasing jobs: %w", err)
		}
	}
	if err := s.save(ctx, tx, lapsed); err != nil {
		return nil, err
	}
	return records, noteAttempts(ctx, tx, neverTold)
}

// next is how long until a job may be due of a kind of which more are wanted; negative: nothing waits.
func next(seen []*glance, open map[string]int) time.Duration {
	soonest := time.Duration(-1)
	for _, g := range seen {
		due := g.later
		if g.ready != 0 {
			due = g.ready
		}
		if open[g.name] <= 0 || due == 0 {
			continue
		}
		wait := micros(max(0, max(due, g.until)-g.now))
		if g.skipped {
			wait = max(wait, lockedWait)
		}
		if soonest < 0 || wait < soonest {
			soonest = wait
		}
	}
	return soonest
}
