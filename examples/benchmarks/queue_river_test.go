package benchmarks

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
)

// TestQueueRiver compares with River on the same PostgreSQL: the same durability, both keep what has succeeded, both may work on the
// same number of jobs at a time; River fetches as often as it can. Then River may have ten times our workers, since each of its
// fetches brings as many jobs as it has free workers: no equal terms, but the best it does.
func TestQueueRiver(t *testing.T) {
	server(t, "TILLWIRE_TEST_POSTGRES")
	t.Run("same workers", func(t *testing.T) {
		burndowntest.Compare(t, "1.5", burndowntest.SQL("postgres"), riverContender(burndowntest.Workers))
	})
	t.Run("River with ten times the workers", func(t *testing.T) {
		burndowntest.Compare(t, "none", burndowntest.SQL("postgres"), riverContender(10*burndowntest.Workers))
	})
}

func riverContender(workers int) burndowntest.Contender {
	return burndowntest.Contender{Name: "River", Burn: func(t *testing.T, n int) time.Duration {
		r := newRiver(t, river.Config{
			Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
			FetchCooldown: time.Millisecond, FetchPollInterval: 10 * time.Millisecond,
		})
		var done atomic.Int64
		all := make(chan struct{})
		r.work = func(burndowntest.Order) {
			if done.Add(1) == int64(n) {
				close(all)
			}
		}
		for from := 0; from < n; from += 1000 {
			jobs := make([]river.InsertManyParams, min(1000, n-from))
			for i := range jobs {
				jobs[i].Args = riverOrder{burndowntest.NewOrder(from + i)}
			}
			_, err := r.client.InsertManyFast(t.Context(), jobs)
			check(t, err)
		}
		_, err := r.pool.Exec(t.Context(), "analyze "+r.schema+".river_job")
		check(t, err)
		start := time.Now()
		check(t, r.client.Start(t.Context()))
		<-all
		check(t, r.client.Stop(t.Context()))
		took := time.Since(start)
		var completed int
		check(t, r.pool.QueryRow(t.Context(), "select count(*) from "+r.schema+".river_job where state = 'completed'").Scan(&completed))
		if completed != n {
			t.Fatalf("River completed %d of %d", completed, n)
		}
		return took
	}}
}

type riverOrder struct{ burndowntest.Order }

func (riverOrder) Kind() string { return "order" }

// riverQueue is River in a schema of its own.
type riverQueue struct {
	pool   *pgxpool.Pool
	schema string
	client *river.Client[pgx.Tx]
	work   func(burndowntest.Order)
}

func newRiver(t *testing.T, c river.Config) *riverQueue {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), server(t, "TILLWIRE_TEST_POSTGRES"))
	check(t, err)
	t.Cleanup(pool.Close)
	r := &riverQueue{pool: pool, schema: "river_" + strings.ToLower(rand.Text()[:10])}
	_, err = pool.Exec(t.Context(), "create schema "+r.schema)
	check(t, err)
	t.Cleanup(func() {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), fmt.Sprintf("drop schema %s cascade", r.schema))
		check(t, err)
	})
	driver := riverpgxv5.New(pool)
	log := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: r.schema, Logger: log})
	check(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	check(t, err)
	c.Workers = river.NewWorkers()
	river.AddWorker(c.Workers, river.WorkFunc(func(_ context.Context, j *river.Job[riverOrder]) error {
		r.work(j.Args.Order)
		return nil
	}))
	c.Logger, c.Schema, c.CompletedJobRetentionPeriod = log, r.schema, -1
	r.client, err = river.NewClient(driver, &c)
	check(t, err)
	return r
}
