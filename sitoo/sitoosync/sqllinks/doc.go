// Package sqllinks keeps the links between a shop and a till, and what their sync must remember, in the host's database: SQLite,
// PostgreSQL, MySQL or MariaDB.
//
//	links, err := sqllinks.Open(ctx, db, sqllinks.Config{})
//
// A [Store] is a [sitoosync.LinkStore] and a [sitoosync.StateStore]. Any number of processes may share it.
package sqllinks
