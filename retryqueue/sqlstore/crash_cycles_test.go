package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest/crashtest"
)

// Processes of eight producers and eight workers are killed again and again; each job's effect is a row that is committed with
// the job's success.
func TestCrashCycles(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} { // one after another: each is to show what it does, not what the machine does
		t.Run(dialect, func(t *testing.T) { crashCycles(t, sqldbtest.Get(t, dialect)) })
	}
}

func crashCycles(t *testing.T, server sqldbtest.Server) {
	dsn := server.DSN
	if server.Dialect == "sqlite" {
		dsn = "file:" + dsn + "?_txlock=immediate&_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)"
	}
	place := server.Driver + "\n" + dsn + "\n" + server.Prefix
	crashtest.Run(t, crashtest.Kit{Place: place, Open: func(ctx context.Context, place string) (retryqueue.Store, crashtest.Ledger, error) {
		parts := strings.Split(place, "\n")
		db, err := sql.Open(parts[0], parts[1])
		if err != nil {
			return nil, nil, err
		}
		s, err := Open(ctx, db, Config{Prefix: parts[2]})
		if err != nil {
			return nil, nil, err
		}
		ledger := crashtest.SQLLedger{DB: db, Table: parts[2] + "ledger", Param: "?"}
		if parts[0] == "pgx" {
			ledger.Param = "$1"
		}
		return s, ledger, ledger.Create(ctx)
	}})
}

func TestFence(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) { crashtest.Fence(t, open(t, server)) })
}
