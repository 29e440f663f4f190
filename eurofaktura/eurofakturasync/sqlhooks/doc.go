// Package sqlhooks keeps the webhook addresses of shops in the host's own database, where all its processes see the same ones:
// SQLite, PostgreSQL, MySQL or MariaDB.
//
//	store, err := sqlhooks.Open(ctx, db, sqlhooks.Config{})     // makes its table
//	hooks, err := eurofakturasync.NewHookAddresses("https://host.example/hooks", store)
//
// A token lies in the table tillwire_eurofaktura_hooks as it is: who may read the database knows where the shop delivers, and with
// what secret.
package sqlhooks
