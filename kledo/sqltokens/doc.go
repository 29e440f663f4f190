// Package sqltokens keeps Kledo's rotating API key in the host's own database, where all its processes see the same
// one: SQLite, PostgreSQL, MySQL or MariaDB.
//
//	tokens, err := sqltokens.Open(ctx, db, sqltokens.Config{})     // makes its table
//	books, err := kledo.New(kledo.Config{Endpoint: endpoint, Token: apiKey, Tokens: tokens})
//
// Kledo may replace a key in any answer and revokes the old one at that moment. [Store.Swap] therefore compares and
// stores in one transaction over all processes, and answers true only after the commit: with SQLite's default
// synchronous=FULL, PostgreSQL's synchronous_commit=on and MySQL's innodb_flush_log_at_trx_commit=1 the key survives
// power loss. If its error leaves open whether the key was stored (a connection lost during the commit), the next Load
// tells.
//
// The key lies in the table tillwire_kledo_tokens as it is, not encrypted: who may read the database may use it. It is
// in no error and in no log. Inside a transaction of its own the host must not call the store: on SQLite it would wait
// for itself.
package sqltokens
