// Package sqlfeed keeps the state of order feeds in the host's SQL database: SQLite, PostgreSQL, MySQL or MariaDB.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_txlock=immediate&_pragma=busy_timeout(5000)")
//	seen, err := sqlfeed.Open(ctx, db, sqlfeed.Config{})
//	feed, err := orderfeed.New(orderfeed.Config{Store: seen, …})
//
// Open makes and updates two tables, PREFIXorderfeed_feeds and PREFIXorderfeed_entries. Any number of feeds, and of processes, share
// them. A feed's entries are kept for ever, one small row per order: they are the open list, and what keeps an order from being
// handed over twice. A database of an earlier version is brought up to date by Open, without a call of Handle.
//
// The clock of leases is the server's (SQLite: the process's), so machines whose clocks disagree still agree who reads. On SQLite a
// write waits for other writers as long as its context lets it, at most half a minute.
package sqlfeed
