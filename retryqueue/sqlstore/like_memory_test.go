//go:build !race

// One goroutine, so the race detector has nothing to find; it would only take a minute over it.

package sqlstore

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest/model"
)

func TestLikeMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, closeDB := openMemory(t)
		defer closeDB()
		model.LikeMemory(t, func() retryqueue.Store {
			require.NoError(t, store.db.InTx(t.Context(), func(tx *sqldb.Tx) error {
				for _, table := range []string{"{jobs}", "{job_attempts}", "{job_kinds}"} {
					if _, err := tx.Exec(t.Context(), "delete from "+table); err != nil {
						return err
					}
				}
				return nil
			}))
			return store
		})
	})
}
