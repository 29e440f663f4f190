// Package riversqlite compares with River on SQLite.
package riversqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
)

// TestQueueRiver compares with River on the same SQLite, through the same driver: the same durability (WAL, each commit synced), both
// keep what has succeeded, both may work on the same number of jobs at a time; River fetches as often as it can.
func TestQueueRiver(t *testing.T) {
	burndowntest.Compare(t, "none", burndowntest.SQL("sqlite"), burndowntest.Contender{Name: "River", Burn: burn})
}

type order struct{ burndowntest.Order }

func (order) Kind() string { return "order" }

func burn(t *testing.T, n int) time.Duration {
	// One connection, as River's page advises: it writes on many at once, which SQLite refuses.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "river.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	check(t, err)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	driver, log := riversqlite.New(db), slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	check(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	check(t, err)

	var done atomic.Int64
	all := make(chan struct{})
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[order]) error {
		if done.Add(1) == int64(n) {
			close(all)
		}
		return nil
	}))
	client, err := river.NewClient(driver, &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: burndowntest.Workers}},
		Workers: workers, Logger: log,
		FetchCooldown: time.Millisecond, FetchPollInterval: 10 * time.Millisecond,
	})
	check(t, err)
	for from := 0; from < n; from += 1000 {
		jobs := make([]river.InsertManyParams, min(1000, n-from))
		for i := range jobs {
			jobs[i].Args = order{burndowntest.NewOrder(from + i)}
		}
		_, err := client.InsertMany(t.Context(), jobs)
		check(t, err)
	}
	start := time.Now()
	check(t, client.Start(t.Context()))
	<-all
	check(t, client.Stop(t.Context()))
	took := time.Since(start)
	var completed int
	check(t, db.QueryRowContext(t.Context(), "select count(*) from river_job where state = 'completed'").Scan(&completed))
	if completed != n {
		t.Fatalf("River completed %d of %d", completed, n)
	}
	return took
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
