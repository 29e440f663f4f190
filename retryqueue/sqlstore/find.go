package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

const (
	defaultLimit = 100
	mostIDs      = 10_000 // far below every driver's limit of parameters
)

// Find implements [retryqueue.Store]. Query.IDs and Query.Kinds take at most 10,000 values each.
func (s *Store) Find(ctx context.Context, q retryqueue.Query) (retryqueue.Found, error) {
	order, err := orderBy(q)
	if err == nil && max(len(q.IDs), len(q.Kinds)) > mostIDs {
		err = fmt.Errorf("more than %d IDs or kinds", mostIDs)
	}
	var found retryqueue.Found
	if err == nil {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			found, err = s.look(ctx, tx, q, order)
			return err
		})
	}
	if err != nil {
		return retryqueue.Found{}, fmt.Errorf("sqlstore: find: %w", err)
	}
	return found, nil
}

func orderBy(q retryqueue.Query) (string, error) {
	direction := ""
	if q.Desc {
		direction = " desc"
	}
	id := " order by j.id" + direction
	switch q.Sort {
	case "", "created":
		return id, nil
	case "key":
		return " order by j.job_key" + direction + ", j.id" + direction, nil
	case "kind":
		return " order by j.kind" + direction + ", j.id" + direction, nil
	case "state":
		return " order by j.state" + direction + ", j.id" + direction, nil
	case "next":
		return " order by case when j.due is null then 1 else 0 end, j.due" + direction + ", j.id" + direction, nil
	default:
		return "", fmt.Errorf("Query.Sort %q: want created, key, kind, state or next", q.Sort)
	}
}

// filter collects conditions that combine with AND.
type filter struct {
	terms []string
	args  []any
}

func (f *filter) add(term string, args ...any) {
	f.terms = append(f.terms, term)
	f.args = append(f.args, args...)
}

func oneOf[T ~string](f *filter, column string, values []T) {
	if len(values) > 0 {
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = string(v)
		}
		in, args := sqldb.In(texts)
		f.add(column+" in "+in, args...)
	}
}

func (f *filter) where() string {
	if len(f.terms) == 0 {
		return ""
	}
	return " where " + strings.Join(f.terms, " and ")
}

// filters returns the coarse filter, by IDs and kinds alone, and the whole one.
func (s *Store) filters(q retryqueue.Query) (coarse, whole *filter) {
	f := &filter{}
	oneOf(f, "j.id", q.IDs)
	oneOf(f, "j.kind", q.Kinds)
	coarse = &filter{terms: slices.Clone(f.terms), args: slices.Clone(f.args)}
	oneOf(f, "j.state", q.States)
	switch { // what the states mean already, in the words of the partial indexes
	case len(q.States) == 0:
	case !slices.ContainsFunc(q.States, retryqueue.State.Ended):
		f.add("j.due is not null")
	case !slices.ContainsFunc(q.States, func(s retryqueue.State) bool { return s != retryqueue.Failed && s != retryqueue.Discarded }):
		f.add("j.state in ('failed', 'discarded')")
	}
	if q.After != "" {
		f.add("j.id > ?", string(q.After))
	}
	if q.Attempts != nil {
		f.add("j.attempts = ?", *q.Attempts)
	}
	if q.ErrorContains != "" {
		f.add(map[sqldb.Dialect]string{
			sqldb.SQLite:   "instr(lower(j.last_error), lower(?)) > 0",
			sqldb.Postgres: `strpos(lower(j.last_error), lower(? collate "C")) > 0`,
			// MySQL's lower knows all of Unicode. Seen as Latin-1, the bytes of other letters are folded alike on both
			// sides.
			sqldb.MySQL: "instr(lower(convert(cast(j.last_error as binary) using latin1)), lower(convert(cast(? as binary) using latin1))) > 0",
		}[s.db.Dialect()], plain(q.ErrorContains))
	}
	if !q.CreatedFrom.IsZero() {
		f.add("j.created >= ?", sqldb.Micros(q.CreatedFrom))
	}
	if !q.CreatedTo.IsZero() {
		f.add("j.created < ?", sqldb.Micros(q.CreatedTo))
	}
	if !q.NextFrom.IsZero() {
		f.add("j.due >= ?", sqldb.Micros(q.NextFrom))
	}
	if !q.NextTo.IsZero() {
		f.add("j.due < ?", sqldb.Micros(q.NextTo))
	}
	return coarse, f
}

func (s *Store) look(ctx context.Context, tx *sqldb.Tx, q retryqueue.Query, order string) (found retryqueue.Found, err error) {
	all, err := kinds(ctx, tx, nil, "")
	if err != nil {
		return found, err
	}
	at, err := tx.Now(ctx)
	if err != nil {
		return found, err
	}
	now := sqldb.Micros(at)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if k := all[name]; k.paused(now) {
			found.Paused = append(found.Paused, retryqueue.KindPause{Kind: name, Reason: k.reason, For: micros(k.until - now)})
		}
	}
	coarse, whole := s.filters(q)
	if q.Count {
		if found.ByState, err = count(ctx, tx, coarse); err != nil {
			return found, err
		}
		if err := tx.QueryRow(ctx, `select count(*) from {jobs} j`+whole.where(), whole.args...).Scan(&found.Total); err != nil {
			return found, fmt.Errorf("counting jobs: %w", err)
		}
	}
	jobs, _, err := rows(ctx, tx, true, `select {now}, `+fullColumns+` from {jobs} j`+whole.where()+order+` limit ? offset ?`,
		append(whole.args, cmp.Or(q.Limit, defaultLimit), q.Offset)...)
	if err != nil {
		return found, fmt.Errorf("reading jobs: %w", err)
	}
	byID := make(map[string]*retryqueue.Record, len(jobs))
	for _, r := range jobs {
		rec := r.record(now, all[r.kind])
		byID[r.id] = rec
		found.Records = append(found.Records, rec)
	}
	if !q.History {
		return found, nil
	}
	if err := readHistory(ctx, tx, byID); err != nil {
		return found, err
	}
	for _, r := range jobs {
		if r.folded {
			rec := byID[r.id]
			rec.History = append(rec.History, retryqueue.Attempt{
				N: rec.Attempts, Start: sqldb.FromMicros(r.started), End: sqldb.FromMicros(r.ended),
			})
		}
	}
	return found, nil
}

func count(ctx context.Context, tx *sqldb.Tx, f *filter) (map[retryqueue.State]int, error) {
	byState := map[retryqueue.State]int{}
	err := tx.Each(ctx, func(scan func(...any) error) error {
		var state retryqueue.State
		var n int
		err := scan(&state, &n)
		byState[state] = n
		return err
	}, `select j.state, count(*) from {jobs} j`+f.where()+` group by j.state`, f.args...)
	if err != nil {
		return nil, fmt.Errorf("counting states: %w", err)
	}
	return byState, nil
}

func readHistory(ctx context.Context, tx *sqldb.Tx, byID map[string]*retryqueue.Record) error {
	for part := range slices.Chunk(slices.Sorted(maps.Keys(byID)), sqldb.Batch) {
		in, args := sqldb.In(part)
		err := tx.Each(ctx, func(scan func(...any) error) error {
			var job string
			var a retryqueue.Attempt
			var start, end int64
			if err := scan(&job, &a.N, &start, &end, &a.Error); err != nil {
				return err
			}
			a.Start, a.End = sqldb.FromMicros(start), sqldb.FromMicros(end)
			byID[job].History = append(byID[job].History, a)
			return nil
		}, `select job, n, started, ended, error from {job_attempts} where job in `+in+` order by job, seq`, args...)
		if err != nil {
			return fmt.Errorf("reading the history: %w", err)
		}
	}
	return nil
}
