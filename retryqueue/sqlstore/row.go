package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
)

// row is a job as its table has it. Rules are applied to rows in Go, where they are written once for all dialects; the
// statements only lock, read and write. Times are microseconds, 0 stands for null.
type row struct {
	id, kind, key, group string
	state                retryqueue.State
	due                  int64
	attempts             int64
	born, created        int64
	aside                []byte
	asideMode            int // noAside, asideOnce, asideAlways
	unsureSince          int64
	handState            retryqueue.State // empty: not by hand
	handDue              int64
	lastError            string
	token                string
	started, ended       int64 // ended: 0 while it has not succeeded nor been discarded, or pruned
	folded               bool  // the last attempt was a success and stands here: attempts, started, ended
	tries                int64

	payload, result []byte // read by claims and Find only; save leaves the stored ones alone where they are nil

	was *row // as it is stored
}

// pruned is what ended holds of a job whose payload, history and error retention has dropped.
const pruned = -1

const (
	noAside = iota
	asideOnce
	asideAlways
)

const (
	rowColumns = `j.id, j.kind, j.job_key, coalesce(j.job_group, ''), j.state, coalesce(j.due, 0), j.attempts, j.born, j.created,
	j.aside, j.aside_mode, coalesce(j.unsure_since, 0), coalesce(j.hand_state, ''), coalesce(j.hand_due, 0),
	j.last_error, j.token, j.started, coalesce(j.ended, 0), j.folded, j.tries`
	fullColumns = rowColumns + `, j.payload, j.result`
)

func (r *row) targets() []any {
	return []any{&r.id, &r.kind, &r.key, &r.group, &r.state, &r.due, &r.attempts, &r.born, &r.created,
		&r.aside, &r.asideMode, &r.unsureSince, &r.handState, &r.handDue,
		&r.lastError, &r.token, &r.started, &r.ended, &r.folded, &r.tries}
}

// rows reads jobs. The first column of the query is {now}, which it returns as well (0 when nothing was found), the
// others are rowColumns or, with full, fullColumns.
func rows(ctx context.Context, tx *sqldb.Tx, full bool, query string, args ...any) (found []*row, now int64, err error) {
	err = tx.Each(ctx, func(scan func(...any) error) error {
		r := &row{}
		targets := append([]any{&now}, r.targets()...)
		if full {
			targets = append(targets, &r.payload, &r.result)
		}
		if err := scan(targets...); err != nil {
			return err
		}
		r.stored()
		found = append(found, r)
		return nil
	}, query, args...)
	return found, now, err
}

// lock reads the jobs with these ids and keeps others from changing them until the transaction ends. The map lacks
// those that do not exist. Ids are locked in order, so that two batches do not lock each other out.
func (s *Store) lock(ctx context.Context, tx *sqldb.Tx, ids []string) (byID map[string]*row, now int64, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	byID = make(map[string]*row, len(ids))
	for part := range slices.Chunk(ids, sqldb.Batch) {
		in, args := s.oneOf("j.id", part)
		found, at, err := rows(ctx, tx, false,
			`select {now}, `+rowColumns+` from {jobs} j where `+in+` order by j.id`+s.db.ForUpdate(), args...)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the jobs: %w", err)
		}
		for _, r := range found {
			byID[r.id] = r
		}
		now = max(now, at)
	}
	return byID, now, nil
}

func idsOf(rows []*row) []string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	return ids
}

// oneOf is a condition that holds for the rows with these ids. PostgreSQL takes them as one value, which spares it most of the
// work on a long list, and its caches a text for every length.
func (s *Store) oneOf(column string, ids []string) (condition string, args []any) {
	if s.db.Dialect() == sqldb.Postgres {
		return column + ` = any(cast(? as text[]))`, []any{array(ids)}
	}
	in, args := sqldb.In(ids)
	return column + ` in ` + in, args
}

// array writes a PostgreSQL array as text, which every driver passes on.
func array(texts []string) string {
	return `{"` + quoted.Replace(strings.Join(texts, "\x00")) + `"}`
}

var quoted = strings.NewReplacer("\x00", `","`, `"`, `\"`, `\`, `\\`)

// leaseToken is the token of the job's last claim as its holder has it. The jobs of one claim share what is stored, so
// that one short statement leases them all; with the ID no two leases are alike.
func (r *row) leaseToken() string { return r.token + "." + r.id }

// heldBy reports whether a token is the one of the job's last claim.
func (r *row) heldBy(token string) bool { return r.token != "" && token == r.leaseToken() }

// byHand reports whether a person put the job back.
func (r *row) byHand() bool { return r.handState != "" }

// restart makes a job count from the beginning: attempts, and age from the moment at on its kind's clock.
func (r *row) restart(at int64, k *kind, now int64) {
	r.attempts = 0
	r.born = at - k.pausedBy(now)
}

// record is what the queue gets to see.
func (r *row) record(now int64, k *kind) *retryqueue.Record {
	rec := &retryqueue.Record{
		ID: retryqueue.ID(r.id), Kind: r.kind, Key: r.key, Group: r.group,
		Payload: bytesOf(r.payload), Result: bytesOf(r.result),
		State: r.state, Attempts: int(r.attempts), ByHand: r.byHand(), LastError: r.lastError,
		CreatedAt: sqldb.FromMicros(r.created), Pruned: r.ended == pruned,
		Age: micros(max(0, now-k.pausedBy(now)-r.born)),
	}
	if r.unsureSince != 0 {
		rec.Unsure, rec.UnsureFor = true, micros(max(0, now-r.unsureSince))
	}
	if r.due != 0 {
		rec.NextAttemptAt = sqldb.FromMicros(r.due)
	}
	return rec
}

func bytesOf(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	return b
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// ceil is d in microseconds, rounded up: a wait must not end early.
func ceil(d time.Duration) int64 { return int64((d + time.Microsecond - 1) / time.Microsecond) }

// plain makes any text storable everywhere: PostgreSQL refuses NUL and invalid UTF-8, and an error message must not
// keep its attempt from being settled.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
}

// stored notes that the row is in the table as it is now.
func (r *row) stored() {
	was := *r
	was.was = nil
	r.was = &was
}
