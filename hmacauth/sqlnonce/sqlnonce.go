package sqlnonce

import (
	"context"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/sqldb"
)

//go:embed schema/*.sql
var schema embed.FS

// Config says where the table is. The zero value is usable.
type Config struct {
	Dialect string // "sqlite", "postgres" or "mysql" (also MariaDB); default: the server is asked
	Prefix  string // of the table: at most 24 lower-case letters, digits and _; default "tillwire_"
}

// Nonces is a [hmacauth.NonceStore] in a database. Make it with [Open].
type Nonces struct {
	db    *sqldb.DB
	calls atomic.Uint64
}

var _ hmacauth.NonceStore = (*Nonces)(nil)

const (
	// pruneEvery reservations, pruneAtOnce rows that are over are deleted at most: more than have come meanwhile.
	pruneEvery  = 256
	pruneAtOnce = 1000
	// keepFor is how long a row is kept after its end, against clocks that disagree.
	keepFor = 10 * time.Minute
)

// Open recognises the server, brings the table up to date and returns the store. It does not close db.
func Open(ctx context.Context, db *sql.DB, c Config) (*Nonces, error) {
	d, err := sqldb.Open(ctx, db, sqldb.Config(c), sqldb.Schema{Room: "nonces", Files: schema})
	if err != nil {
		return nil, fmt.Errorf("sqlnonce: %w", err)
	}
	return &Nonces{db: d}, nil
}

// Reserve implements [hmacauth.NonceStore].
func (n *Nonces) Reserve(ctx context.Context, keyFingerprint, nonce string, until time.Time) (bool, error) {
	digest := hmacauth.NonceDigest(keyFingerprint, nonce)
	insert := n.db.IfNew("insert into {nonces} (digest, until) values (?, ?)")
	var fresh bool
	err := n.db.InTx(ctx, func(tx *sqldb.Tx) error {
		fresh = false
		done, err := tx.Exec(ctx, insert, hex.EncodeToString(digest[:]), sqldb.Micros(until))
		if err != nil {
			return err
		}
		rows, err := done.RowsAffected()
		fresh = rows == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sqlnonce: reserving a nonce: %w", err)
	}
	if n.calls.Add(1)%pruneEvery == 0 {
		_ = n.prune(ctx) // the nonce is reserved; what is over waits for the next time
	}
	return fresh, nil
}

// prune deletes some rows that are over.
func (n *Nonces) prune(ctx context.Context) error {
	statement := "delete from {nonces} where digest in (select digest from {nonces} where until < {now} - ? order by until limit ?)"
	if n.db.Dialect() == sqldb.MySQL {
		statement = "delete from {nonces} where until < {now} - ? order by until limit ?"
	}
	err := n.db.InTx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, statement, keepFor.Microseconds(), pruneAtOnce)
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlnonce: deleting old nonces: %w", err)
	}
	return nil
}
