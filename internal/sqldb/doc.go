// Package sqldb is the one SQL core under every store that lives in the host's database: dialects, migrations,
// transactions that are tried again, and the server's clock. It imports no driver; the host brings its own
// [database/sql.DB].
//
//	//go:embed schema/*.sql
//	var schema embed.FS
//
//	db, err := sqldb.Open(ctx, hostDB, sqldb.Config{}, sqldb.Schema{Room: "tokens", Files: schema})
//	err = db.InTx(ctx, func(tx *sqldb.Tx) error { // perhaps called more than once
//		_, err := tx.Exec(ctx, `update {tokens} set value = ?, changed = {now} where name = ? and value = ?`, new, name, old)
//		return err
//	})
//
// # Statements
//
// A room writes one SQL text for all dialects. In it
//
//   - ? is a parameter ($1, $2 … on PostgreSQL); a ? inside quotes or a comment is left alone,
//   - {jobs} is the room's table (or index) jobs: the prefix and the name,
//   - {now} is the server's time as [Micros], see below,
//   - {string} is a column type for short text (at most 255 bytes) that is compared and sorted byte by byte, {text} one
//     for long text, {bytes} one for any bytes. Plain varchar would do none of this on MySQL, where "a" = "A" = "a ".
//
// Where the dialects truly differ, [DB.Dialect] decides in Go. On MySQL RowsAffected counts changed rows, not matched
// ones, unless the host's DSN says clientFoundRows: a statement that may write what is there already must not be judged
// by it.
//
// # Time
//
// Times are stored as BIGINT microseconds since 1970 in UTC. The three dialects agree on nothing else: SQLite has no
// time type, MySQL's is converted by the session's zone and rounds to seconds unless told otherwise, drivers differ in
// what they scan it into (parseTime, loc), and PostgreSQL's resolution is the microsecond anyhow. An integer compares,
// sorts and indexes the same everywhere. [FromMicros] and [Micros] convert.
//
// The clock is the server's, so that processes on machines whose clocks disagree still agree about leases. {now} is
// statement_timestamp() on PostgreSQL (stable within the statement, so an index can serve it), UTC_TIMESTAMP(6) on
// MySQL. SQLite runs inside the process and has no other clock: there {now} is time.Now, which also makes SQLite stores
// run in virtual time inside a testing/synctest bubble. Open the [database/sql.DB] inside the bubble and close it
// before the bubble ends: it starts a goroutine.
//
// # Transactions
//
// [DB.InTx] writes: READ COMMITTED on PostgreSQL and MySQL (where REPEATABLE READ would take gap locks and turn two
// inserts into a deadlock), BEGIN IMMEDIATE on SQLite. It is run again, after a growing pause, when the server says it
// lost a race: deadlock, serialisation failure, busy file. It gives up when ctx ends or after [Patience]. [DB.Read]
// reads one consistent snapshot. Inside either, everything goes through the Tx: on SQLite, and on any pool of one
// connection, the outer handle would wait for itself.
//
// # SQLite
//
// One connection writes at a time. Open checks what it finds and does what is safe for a database it shares with the
// host: it switches a file that is in the default rollback-journal mode to WAL (kept in the file; readers then never
// wait for the writer; a host that wants another journal mode sets it beforehand) and refuses an in-memory database
// behind more than one connection, since each would be a database of its own. The rest is the DSN's, because pragmas
// hold per connection. The recommended one, for modernc.org/sqlite:
//
//	file:tillwire.db?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)
//
// A plain DSN is safe too: InTx takes BEGIN IMMEDIATE on a connection of its own and waits for a busy file itself,
// minding ctx. The host's own transactions need busy_timeout and _txlock=immediate: a deferred transaction that reads
// and then writes fails at once with SQLITE_BUSY when someone wrote in between, and no time-out helps it. With
// synchronous FULL (SQLite's default) a commit survives power loss; with NORMAL it survives the death of the process,
// but power loss may take the last commits.
//
// # Servers
//
// SQLite 3.35, PostgreSQL 11, MySQL 8.0, MariaDB 10.6 or newer. Open asks when Config.Dialect is empty; whatever
// answers otherwise is an error that quotes the answer. A host that knows better names the dialect.
package sqldb
