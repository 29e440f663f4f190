package sqlstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
)

// listenNotify is the ten lines with which a host on PostgreSQL has its processes tell each other of jobs.
type listenNotify struct {
	db      *sql.DB
	address string
	channel string
}

func (l listenNotify) Notify(ctx context.Context) error {
	_, err := l.db.ExecContext(ctx, "select pg_notify($1, '')", l.channel)
	return err
}

func (l listenNotify) Listen(ctx context.Context, wake func()) error {
	conn, err := pgx.Connect(ctx, l.address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, "listen "+pgx.Identifier{l.channel}.Sanitize())
	for ; err == nil; _, err = conn.WaitForNotification(ctx) {
		wake()
	}
	return err
}

func ExampleConfig_waker() {
	ctx, address := context.Background(), os.Getenv("DATABASE_URL")
	db, err := sql.Open("pgx", address)
	if err != nil {
		panic(err)
	}
	store, err := sqlstore.Open(ctx, db, sqlstore.Config{})
	if err != nil {
		panic(err)
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: store, Waker: listenNotify{db, address, "jobs"}})
	if err != nil {
		panic(err)
	}
	_ = queue.Run(ctx) // as soon as the kinds are registered
}

// What one process enqueues, another starts at once, although it would look by itself in an hour only.
func TestListenNotify(t *testing.T) {
	t.Parallel()
	server := sqldbtest.Get(t, "postgres")
	began := make(chan time.Time, 1)
	process := func(work func(context.Context, retryqueue.Job[string]) error) (*retryqueue.Queue, *retryqueue.Producer[string]) {
		db := server.Open(t)
		store, err := sqlstore.Open(t.Context(), db, sqlstore.Config{Prefix: server.Prefix})
		require.NoError(t, err)
		queue, err := retryqueue.New(retryqueue.Config{Store: store, Poll: time.Hour, Waker: listenNotify{db, server.DSN, server.Prefix}})
		require.NoError(t, err)
		jobs, err := retryqueue.Register(queue, retryqueue.Kind[string]{Name: "k", Work: work})
		require.NoError(t, err)
		return queue, jobs
	}
	worker, _ := process(func(context.Context, retryqueue.Job[string]) error {
		began <- time.Now()
		return nil
	})
	_, producer := process(func(context.Context, retryqueue.Job[string]) error { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	for range 3 {
		enqueued := time.Now()
		_, err := producer.Enqueue(ctx, rand.Text(), "x")
		require.NoError(t, err)
		select {
		case at := <-began:
			t.Logf("begun %s after the call of Enqueue", at.Sub(enqueued).Round(100*time.Microsecond))
		case <-time.After(30 * time.Second):
			t.Fatal("not told")
		}
	}
	cancel()
	require.NoError(t, <-ended)
}
