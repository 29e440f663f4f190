package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// Insert implements [retryqueue.Store]. The batch is one transaction: all of it is accepted, or none.
func (s *Store) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	if len(jobs) == 0 {
		return nil, ctx.Err()
	}
	if err := check(jobs); err != nil {
		return nil, fmt.Errorf("sqlstore: insert: %w", err)
	}
	return within(ctx, s, "insert", func(tx *sqldb.Tx) ([]retryqueue.Receipt, error) { return s.insert(ctx, tx, jobs) })
}

// InsertTx implements [retryqueue.TxStore].
func (s *Store) InsertTx(ctx context.Context, tx *sql.Tx, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	if len(jobs) == 0 {
		return nil, ctx.Err()
	}
	if err := check(jobs); err != nil {
		return nil, fmt.Errorf("sqlstore: insert: %w", err)
	}
	return joined(tx, s, "insert", func(tx *sqldb.Tx) ([]retryqueue.Receipt, error) { return s.insert(ctx, tx, jobs) })
}

func check(jobs []retryqueue.NewJob) error {
	for i, j := range jobs {
		err := errors.Join(checkName("Kind", j.Kind, retryqueue.MaxKind, true),
			checkName("Key", j.Key, retryqueue.MaxKey, false), checkName("Group", j.Group, retryqueue.MaxKey, false))
		if err != nil {
			return fmt.Errorf("job %d: %w", i, err)
		}
	}
	return nil
}

func checkName(field, value string, longest int, required bool) error {
	switch {
	case required && value == "":
		return fmt.Errorf("%s is empty", field)
	case len(value) > longest:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", field, len(value), longest)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return fmt.Errorf("%s %q is not UTF-8 without NUL", field, value)
	}
	return nil
}

// identity is what is unique of a job.
type identity struct{ kind, key string }

func (a identity) compare(b identity) int {
	return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.key, b.key))
}

func (s *Store) insert(ctx context.Context, tx *sqldb.Tx, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	names := map[string]bool{}
	for _, j := range jobs {
		names[j.Kind] = true
	}
	now, last, ks, err := s.begin(ctx, tx, names)
	if err != nil {
		return nil, err
	}
	b := &batch{now: now, kinds: ks, known: map[identity]*row{}, changed: map[*row]bool{}}
	ids := newIDs(now, last, len(jobs))
	keys := make([]identity, len(jobs))
	for i, j := range jobs {
		keys[i] = identity{j.Kind, cmp.Or(j.Key, ids[i])}
	}

	// Make what is not there, then look for what was: mostly all of it is new. Where another process makes the same key at this
	// moment, the insert waits for it and passes over, and the look finds it committed. MySQL looks first: there an insert that
	// passes over a row locks it against others that do the same, and then all of them want it for themselves.
	if s.db.Dialect() == sqldb.MySQL {
		if err := s.find(ctx, tx, b, keys); err != nil {
			return nil, err
		}
	}
	fresh := map[identity]bool{}
	var made []*row
	for i, j := range jobs {
		if b.known[keys[i]] == nil && !fresh[keys[i]] {
			fresh[keys[i]] = true
			made = append(made, b.make(ids[i], keys[i].key, j))
		}
	}
	missed, err := s.create(ctx, tx, made)
	if err != nil {
		return nil, err
	}
	if missed {
		if err := s.find(ctx, tx, b, keys); err != nil {
			return nil, err
		}
	}
	for _, r := range made {
		if other := b.known[identity{r.kind, r.key}]; other != nil && other.id != r.id {
			delete(fresh, identity{r.kind, r.key})
			continue
		}
		r.stored()
		b.known[identity{r.kind, r.key}] = r
	}

	receipts := make([]retryqueue.Receipt, len(jobs))
	for i, j := range jobs {
		r := b.known[keys[i]]
		if r == nil {
			return nil, fmt.Errorf("key %q of kind %q was there and is gone", keys[i].key, keys[i].kind)
		}
		isFresh := fresh[keys[i]]
		delete(fresh, keys[i]) // the next one with this key in the batch meets a known one
		if !isFresh {
			b.again(r, j)
		}
		receipts[i] = retryqueue.Receipt{ID: retryqueue.ID(r.id), State: r.state, Fresh: isFresh}
	}
	changed := make([]*row, 0, len(b.changed))
	for r := range b.changed {
		changed = append(changed, r)
	}
	if err := s.lockGroups(ctx, tx, b.revived); err != nil {
		return nil, err
	}
	if err := s.save(ctx, tx, changed); err != nil {
		return nil, err
	}
	return receipts, noteAttempts(ctx, tx, b.history)
}

// begin reads what an insert starts from, in one round trip: the time, the last ID, the kinds.
func (s *Store) begin(ctx context.Context, tx *sqldb.Tx, names map[string]bool) (now int64, last string, ks map[string]*kind, err error) {
	var all []string
	for name := range names {
		all = append(all, name)
	}
	in, args := sqldb.In(all)
	for try := 0; ; try++ {
		ks = map[string]*kind{}
		err := tx.Each(ctx, func(scan func(...any) error) error {
			k := &kind{}
			if err := scan(append([]any{&now, &last}, k.targets()...)...); err != nil {
				return err
			}
			ks[k.name] = k
			return nil
		}, `select {now}, coalesce((select max(id) from {jobs}), ''), `+kindColumns+` from {job_kinds} k where k.kind in `+in, args...)
		if err != nil {
			return 0, "", nil, fmt.Errorf("reading the kinds: %w", err)
		}
		if len(ks) == len(all) {
			return now, last, ks, nil
		}
		if try > 0 {
			return 0, "", nil, errors.New("a kind was noted and is gone")
		}
		if err := s.addKinds(ctx, tx, all); err != nil {
			return 0, "", nil, err
		}
	}
}

// batch is one call of insert.
type batch struct {
	now     int64
	kinds   map[string]*kind
	known   map[identity]*row
	changed map[*row]bool // to be saved
	revived []string      // groups in which an ended job became due again
	history []attempt
}

// find locks the jobs that have these keys already.
func (s *Store) find(ctx context.Context, tx *sqldb.Tx, b *batch, keys []identity) error {
	sorted := slices.Compact(slices.SortedFunc(slices.Values(keys), identity.compare))
	for part := range slices.Chunk(sorted, sqldb.Batch) {
		args := make([]any, 0, 2*len(part))
		for _, k := range part {
			args = append(args, k.kind, k.key)
		}
		found, _, err := rows(ctx, tx, false, s.findStatement(len(part)), args...)
		if err != nil {
			return fmt.Errorf("looking for known keys: %w", err)
		}
		for _, r := range found {
			b.known[identity{r.kind, r.key}] = r
		}
	}
	return nil
}

func (s *Store) findStatement(n int) string {
	const selected = `select {now}, ` + rowColumns + ` from `
	switch s.db.Dialect() {
	case sqldb.SQLite:
		return selected + `{jobs} j where (j.kind, j.job_key) in (values ` + sqldb.Values(n, 2) + `)`
	case sqldb.Postgres:
		// One look into the index for each key, in order. Before the tables have statistics, a list of keys would be
		// compared with every job of the kind.
		return selected + `(values ` + sqldb.Values(n, 2) + `) v (kind, job_key),
			lateral (select * from {jobs} j where j.kind = v.kind and j.job_key = v.job_key for update) j`
	default:
		return selected + `{jobs} j where (j.kind, j.job_key) in (` + sqldb.Values(n, 2) + `) order by j.kind, j.job_key for update`
	}
}

func (b *batch) make(id, key string, j retryqueue.NewJob) *row {
	r := &row{
		id: id, kind: j.Kind, key: key, group: j.Group, state: retryqueue.Queued,
		due: b.now + ceil(j.Delay), created: b.now, payload: notNull(j.Payload),
	}
	r.restart(r.due, b.kinds[j.Kind], b.now)
	return r
}

// create inserts rows and reports whether some were passed over, because another process was faster. Rows are inserted
// in the order of their keys, so that two batches do not lock each other out.
func (s *Store) create(ctx context.Context, tx *sqldb.Tx, made []*row) (missed bool, err error) {
	sorted := slices.SortedFunc(slices.Values(made), func(a, b *row) int {
		return identity{a.kind, a.key}.compare(identity{b.kind, b.key})
	})
	size := sqldb.Batch
	if s.db.Dialect() == sqldb.SQLite { // no round trip to be saved, and a driver whose work grows with the square of the parameters
		size = 10
	}
	for part := range slices.Chunk(sorted, size) {
		args := make([]any, 0, 16*len(part))
		for _, r := range part {
			args = append(args, r.id, r.kind, r.key, orNull(r.group), string(r.state), r.due, 0, r.born, r.created, r.payload, noAside,
				"", "", 0, 0, 0)
		}
		done, err := tx.Exec(ctx, s.db.IfNew(`insert into {jobs} (id, kind, job_key, job_group, state, due, attempts, born, created,
			payload, aside_mode, last_error, token, started, folded, tries) values `+sqldb.Values(len(part), 16)), args...)
		if err != nil {
			return false, fmt.Errorf("writing new jobs: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return false, fmt.Errorf("counting new jobs: %w", err)
		}
		missed = missed || n != int64(len(part))
	}
	return missed, nil
}

// again gives a payload to a job whose key is known: the table of [retryqueue.Store].
func (b *batch) again(r *row, j retryqueue.NewJob) {
	always := j.Again == retryqueue.Latest
	due := b.now + ceil(j.Delay)
	switch {
	case r.state == retryqueue.Running:
		r.aside, r.asideMode = notNull(j.Payload), max(r.asideMode, asideOnce)
		if always || j.Forced {
			r.asideMode = asideAlways
		}
	case !r.state.Ended():
		r.payload = notNull(j.Payload)
		if always && due < r.due {
			r.due = due
		}
	case always || j.Forced:
		b.history = r.unfold(b.history)
		r.payload = notNull(j.Payload)
		r.state, r.due = retryqueue.Queued, due
		r.handState, r.handDue = "", 0
		r.restart(due, b.kinds[r.kind], b.now)
		if r.group != "" {
			b.revived = append(b.revived, r.group)
		}
	case r.state == retryqueue.Failed:
		r.payload = notNull(j.Payload)
	default: // once done or discarded, nothing changes
		return
	}
	b.changed[r] = true
}

// lockGroups locks the living jobs of groups in which an ended job is about to live again. A claim that takes a later
// job of such a group at this moment holds its row: waiting for it means that whoever sees the earlier job waiting
// again also sees the later one running.
func (s *Store) lockGroups(ctx context.Context, tx *sqldb.Tx, groups []string) error {
	if len(groups) == 0 || s.db.Dialect() == sqldb.SQLite {
		return nil
	}
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	for part := range slices.Chunk(groups, sqldb.Batch) {
		in, args := sqldb.In(part)
		err := tx.Each(ctx, func(func(...any) error) error { return nil }, // locking is all that is wanted
			`select j.id from {jobs} j where j.job_group in `+in+` and j.due is not null order by j.id for update`, args...)
		if err != nil {
			return fmt.Errorf("locking the groups: %w", err)
		}
	}
	return nil
}

const timeDigits = 11 // of base 32: microseconds until the year 3111

// newIDs makes n IDs that sort after last and by time: 11 digits of microseconds, counted up within a batch and past
// the last ID, then 6 random ones, which tell processes apart that insert in the same microsecond.
func newIDs(now int64, last string, n int) []string {
	if len(last) >= timeDigits {
		if us, err := strconv.ParseInt(last[:timeDigits], 32, 64); err == nil {
			now = max(now, us+1)
		}
	}
	ids := make([]string, n)
	for i := range ids {
		digits := strconv.FormatInt(now+int64(i), 32)
		ids[i] = strings.Repeat("0", timeDigits-len(digits)) + digits + strings.ToLower(rand.Text()[:6])
	}
	return ids
}
