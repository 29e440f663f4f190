package crashtest

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tillwire/tillwire/retryqueue"
)

// SQLLedger is a ledger in the database of a retryqueue.TxStore: the effect and the job's success are one transaction.
type SQLLedger struct {
	DB    *sql.DB
	Table string // with one column, job_key; no unique index: a doubled effect must show
	Param string // the first parameter of a statement: ? or $1
}

// Create makes the table unless it is there.
func (l SQLLedger) Create(ctx context.Context) error {
	_, err := l.DB.ExecContext(ctx, "create table if not exists "+l.Table+" (job_key varchar(100) not null)")
	if err != nil {
		return fmt.Errorf("crashtest: creating the ledger: %w", err)
	}
	return nil
}

// Do implements Ledger.
func (l SQLLedger) Do(ctx context.Context, job retryqueue.Job[string]) error {
	return job.Do(ctx, l.DB, func(tx *sql.Tx) error {
		//nolint:gosec // the table's name is the test's own
		_, err := tx.ExecContext(ctx, "insert into "+l.Table+" (job_key) values ("+l.Param+")", job.Key)
		return err
	})
}

// Effects implements Ledger.
func (l SQLLedger) Effects(ctx context.Context) (map[string]int, error) {
	//nolint:gosec // the table's name is the test's own
	rows, err := l.DB.QueryContext(ctx, "select job_key, count(*) from "+l.Table+" group by job_key")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	effects := map[string]int{}
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			return nil, err
		}
		effects[key] = n
	}
	return effects, rows.Err()
}
