// Package sqlstock keeps a stock authority's rows, ledger, outbox and event log in the host's SQL database: SQLite, PostgreSQL, MySQL
// or MariaDB.
//
//	db, err := sql.Open("sqlite", "file:stock.db?_txlock=immediate&_pragma=busy_timeout(5000)")
//	state, err := sqlstock.Open(ctx, db, sqlstock.Config{})
//	master, err := stocksync.NewMaster(stocksync.MasterConfig{Store: state, …})
//
// Open makes and updates four tables, PREFIXstock_rows, PREFIXstock_ledger, PREFIXstock_outbox and PREFIXstock_events. Any number of
// masters share them as one: what one of them has committed, the next change by any other sees. One database serves one authority; a
// second one on the same server takes another prefix.
//
// # Guarantees
//
// [Store.Update] is one transaction: rows, ledger and outbox change together or not at all, and when it has returned nil they survive
// what the database survives. It holds the locks of its rows from before change sees them until after the commit, of rows that do not
// exist yet as well: for these an empty row is made beforehand, by itself, and nobody sees it. Rows are locked in the order of their
// GIDs by everyone; a transaction that loses a race all the same is run again, so that change may be called more than once. A change
// that commits nothing ends without waiting for the disk.
//
// [Store.Look], which answers checkouts, locks nothing and waits for nobody: it reads what is committed.
//
// The clock of leases, and of when a peer fell behind, is the server's (SQLite: the process's), so machines whose clocks disagree
// still agree who pushes. A Due that a commit names is the caller's.
//
// # Limits
//
// On SQLite one Update is under way at a time, whatever its rows. The ledger is kept for ever, one small line for each event and
// product. A host's own transaction cannot join an Update. Give a pool to a server as many idle connections as it may have open ones
// (SetMaxIdleConns; the default is 2): else most calls open one of their own, which costs more than the call.
//
// What to expect: each Update that changes something is one durable commit, some 800 a second on SQLite with synchronous FULL, and on
// PostgreSQL over 1,000 by 16 goroutines of which each changes another product, on two busy cores. A report over HTTP is durable after
// 26 to 41 ms on SQLite and 12 to 15 ms on PostgreSQL (p99 at 50 a second, which are also pushed on); a checkout that asks for 50
// products has its answer after 14 and 28 to 89 ms (p99 at 100 a second). BenchmarkStore, BenchmarkEvent and BenchmarkStock measure it
// where they run.
package sqlstock
