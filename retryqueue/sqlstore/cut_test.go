package sqlstore

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
)

// cutter is a proxy before PostgreSQL that breaks every third connection at the moment of a commit: by turns before the server got
// it, and after the server did it but before the client heard of it.
type cutter struct {
	listener      net.Listener
	upstream      func() (net.Conn, error)
	most          int64 // cuts
	commits       atomic.Int64
	before, after atomic.Int64
}

func (c *cutter) serve() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.relay(client)
	}
}

func (c *cutter) relay(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := c.upstream()
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var deaf atomic.Bool // the client hears no more
	done := make(chan struct{})
	go func() { // answers
		defer close(done)
		buffer := make([]byte, 16<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || deaf.Load() {
				return // the commit is done once it was answered
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	requests := bufio.NewReader(client)
	start := true // the first message has no type
	for {
		message, err := readMessage(requests, start)
		if err != nil {
			return
		}
		start = false
		if isCommit(message) && c.before.Load()+c.after.Load() < c.most {
			switch c.commits.Add(1) % 6 {
			case 0:
				c.before.Add(1)
				return
			case 3:
				deaf.Store(true)
				if _, err := server.Write(message); err == nil {
					<-done
					c.after.Add(1)
				}
				return
			}
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

func readMessage(r *bufio.Reader, start bool) ([]byte, error) {
	head := 5
	if start {
		head = 4
	}
	message := make([]byte, head)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(message[head-4:]))
	message = append(message, make([]byte, n-4)...)
	_, err := io.ReadFull(r, message[head:])
	return message, err
}

func isCommit(message []byte) bool {
	return message[0] == 'Q' && strings.EqualFold(strings.TrimRight(string(message[5:]), "\x00"), "commit")
}

// cutDB opens the test's PostgreSQL through a cutter.
func cutDB(t *testing.T, cuts int64) (*sql.DB, *cutter) {
	t.Helper()
	config, err := pgx.ParseConfig(os.Getenv("TILLWIRE_TEST_POSTGRES"))
	require.NoError(t, err)
	dial, network, address := config.DialFunc, "tcp", net.JoinHostPort(config.Host, fmt.Sprint(config.Port))
	if strings.HasPrefix(config.Host, "/") {
		network, address = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", config.Host, config.Port)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	c := &cutter{listener: listener, most: cuts, upstream: func() (net.Conn, error) { return dial(context.Background(), network, address) }}
	go c.serve()
	config.Host, config.Port = "127.0.0.1", uint16(listener.Addr().(*net.TCPAddr).Port)
	config.TLSConfig, config.Fallbacks = nil, nil
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db, c
}

// A connection that breaks at the commit leaves open whether it happened. Whoever was told that a job is accepted finds it done,
// and no effect is there twice, whichever of the store's or the host's commits is hit: R-7.
func TestCutCommits(t *testing.T) {
	t.Parallel()
	server := sqldbtest.Get(t, "postgres")
	direct := server.Open(t)
	open(t, server) // makes the tables over an unbroken line
	ledger := server.Prefix + "ledger"
	_, err := direct.ExecContext(t.Context(), "create table "+ledger+" (job_key text not null)") // not unique: a doubled effect must show
	require.NoError(t, err)

	cuts := int64(100)
	if os.Getenv("TILLWIRE_LONG") == "1" {
		cuts = 1000
	}
	db, c := cutDB(t, cuts)
	db.SetMaxOpenConns(12)
	var store *Store
	for store == nil { // opening it commits as well
		store, _ = Open(t.Context(), db, Config{Prefix: server.Prefix, Dialect: "postgres"})
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: store, Concurrency: 8, Lease: time.Second, Poll: 100 * time.Millisecond})
	require.NoError(t, err)
	jobs, err := retryqueue.Register(queue, retryqueue.Kind[string]{
		Name: "cut", Schedule: retryqueue.Steps(0), MaxAttempts: -1, MaxAge: -1,
		Work: func(ctx context.Context, job retryqueue.Job[string]) error {
			return job.Do(ctx, db, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "insert into "+ledger+" (job_key) values ($1)", job.Key)
				return err
			})
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- queue.Run(ctx) }()

	var unknown, accepted atomic.Int64
	var producers sync.WaitGroup
	for p := range 4 {
		producers.Go(func() {
			for i := 0; c.before.Load()+c.after.Load() < cuts; i++ {
				for { // until it is told
					_, err := jobs.Enqueue(ctx, fmt.Sprint(p, ".", i), "x")
					if err == nil {
						break
					}
					unknown.Add(1)
				}
				accepted.Add(1)
			}
		})
	}
	producers.Wait()
	undone := func() (n int) {
		require.NoError(t, direct.QueryRowContext(ctx, "select count(*) from "+server.Prefix+"jobs where state <> 'succeeded'").Scan(&n))
		return n
	}
	for end := time.Now().Add(time.Minute); undone() > 0; time.Sleep(20 * time.Millisecond) {
		require.False(t, time.Now().After(end), "%d jobs are not done", undone())
	}
	cancel()
	require.NoError(t, errors.Join(<-ended))

	var all, effects, doubled int64
	require.NoError(t, direct.QueryRowContext(t.Context(), "select count(*) from "+server.Prefix+"jobs").Scan(&all))
	require.NoError(t, direct.QueryRowContext(t.Context(), "select count(*), count(*) - count(distinct job_key) from "+ledger).Scan(&effects, &doubled))
	t.Logf("%d commits cut, %d before and %d after the server did them; %d jobs accepted, %d answers lost, %d effects, %d doubled",
		c.before.Load()+c.after.Load(), c.before.Load(), c.after.Load(), accepted.Load(), unknown.Load(), effects, doubled)
	require.Equal(t, accepted.Load(), all, "every accepted job is there")
	require.Equal(t, all, effects, "every job had its effect")
	require.Zero(t, doubled)
	require.Greater(t, c.before.Load(), cuts/4)
	require.Greater(t, c.after.Load(), cuts/4)
	require.NotZero(t, unknown.Load())
}
