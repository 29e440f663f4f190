package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
)

func open(t testing.TB, s sqldbtest.Server) *Store {
	t.Helper()
	store, err := Open(t.Context(), s.Open(t), Config{Prefix: s.Prefix})
	require.NoError(t, err)
	return store
}

// openMemory opens a database in memory; inside a synctest bubble it must be closed before the bubble ends.
func openMemory(t testing.TB) (store *Store, closeDB func()) {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	store, err = Open(t.Context(), db, Config{})
	require.NoError(t, err)
	return store, func() { _ = db.Close() }
}

func newJobs(kind string, n int) []retryqueue.NewJob {
	jobs := make([]retryqueue.NewJob, n)
	for i := range jobs {
		jobs[i] = retryqueue.NewJob{Kind: kind, Key: fmt.Sprintf("key:%05d", i), Payload: []byte(`{"order":1042}`)}
	}
	return jobs
}

func insert(t testing.TB, s retryqueue.Store, jobs ...retryqueue.NewJob) []retryqueue.Receipt {
	t.Helper()
	receipts, err := s.Insert(t.Context(), jobs)
	require.NoError(t, err)
	require.Len(t, receipts, len(jobs))
	return receipts
}

func claim(t testing.TB, s retryqueue.Store, kind string, n int) []*retryqueue.Record {
	t.Helper()
	c, err := s.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{kind: n}, Lease: time.Minute})
	require.NoError(t, err)
	return c.Records
}

func settle(t testing.TB, s retryqueue.Store, outcomes ...retryqueue.Outcome) []error {
	t.Helper()
	errs, err := s.Settle(t.Context(), outcomes)
	require.NoError(t, err)
	require.Len(t, errs, len(outcomes))
	return errs
}

func one(t testing.TB, s retryqueue.Store, id retryqueue.ID) *retryqueue.Record {
	t.Helper()
	found, err := s.Find(context.WithoutCancel(t.Context()), retryqueue.Query{IDs: []retryqueue.ID{id}, History: true})
	require.NoError(t, err)
	require.Len(t, found.Records, 1)
	return found.Records[0]
}
