// Package sqlstore keeps the jobs of a [retryqueue.Queue] in the host's own database: SQLite, PostgreSQL, MySQL or
// MariaDB.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_txlock=immediate&_pragma=busy_timeout(5000)") // any driver; the host imports it
//	store, err := sqlstore.Open(ctx, db, sqlstore.Config{})                                    // makes its tables
//	queue, err := retryqueue.New(retryqueue.Config{Store: store})
//
// Open recognises the server, and brings the tables tillwire_jobs, tillwire_job_attempts and tillwire_job_kinds up to
// date; any number of processes may open the same database at once. Config.Prefix keeps several queues in one database
// apart.
//
// # Guarantees
//
// Every method is one transaction, every claim has a fresh token, and an attempt is settled only under the token of the
// last claim: a worker that was taken for dead cannot overwrite what its successor did. The clock is the server's
// (SQLite's is the process's, since they are the same). Times are stored as whole microseconds in UTC, keys are
// compared byte for byte. A transaction that loses a race on the server (deadlock, busy file) is run again until ctx
// ends, for 30 seconds at most.
//
// What is accepted survives the death of any process. It survives power loss when the database's commits do:
//
//	SQLite          synchronous=FULL (SQLite's default)     NORMAL in WAL mode may lose the last commits, whole ones
//	PostgreSQL      synchronous_commit=on (default)
//	MySQL, MariaDB  innodb_flush_log_at_trx_commit=1 (default)
//
// # The host's transaction
//
// [Store.InsertTx] and [Store.SettleTx] take part in a transaction of the host's, so that an order and its job, or a
// job's effect and its success, are committed together or not at all. Between its Begin and Commit a host must call no
// other method of the store and no other method of the queue: on SQLite it would wait for itself for those 30 seconds.
// After the commit it calls Queue.Wake. Deadlocks inside the host's transaction are the host's to retry.
//
// # SQLite
//
// One process-wide writer at a time is SQLite's limit; batches are what makes it fast. A plain file name as DSN works,
// with any number of connections. Recommended pragmas: busy_timeout(5000), journal_mode(WAL), and _txlock=immediate for
// the host's own transactions. Those wait for the file as SQLite does, by looking every 100 ms at last, while the store's
// queue up in the process and take it at once: beside many writers of the store a host's transaction may wait a second.
// An in-memory database needs db.SetMaxOpenConns(1).
//
// # Retention
//
// A pruned job is a small row outside the indexes of claims and of retention: its payload is empty, its history is gone. The
// last attempt of a job that succeeded has no row of its own in the history until the job lives again.
//
// # Limits
//
// A kind has at most [retryqueue.MaxKind] bytes, a key and a group [retryqueue.MaxKey], in UTF-8 without NUL. MySQL's
// max_allowed_packet limits a batch's payloads together. PostgreSQL plans claims well once its tables have statistics:
// autovacuum sees to that within a minute; a host that begins with tens of thousands of jobs at once runs ANALYZE after
// them. The history keeps at least the last 20 attempts of a job. Jobs that their group holds back are looked at by
// every claim of their kind: a group is for tens of jobs, not for a hundred thousand.
package sqlstore
