// Package sqlnonce remembers nonces in the host's SQL database: SQLite, PostgreSQL, MySQL or MariaDB.
//
//	nonces, err := sqlnonce.Open(ctx, db, sqlnonce.Config{})
//	verifier, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Nonces: nonces, …})
//
// Open makes and updates one table, PREFIXnonces. Any number of processes and verifiers share it; a unique key decides who was first, and
// what was committed outlives the process. Rows that are over are deleted as new ones come, a thousand at a time, ten minutes after their
// end, so that neither a verifier's clock that is behind nor the server's that is ahead frees a nonce.
//
// The table is as large as the traffic of about twenty minutes. There is no other bound: when the database takes no more, verifiers
// answer 503.
package sqlnonce
