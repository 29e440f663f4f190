package sqlstore

import (
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

// hosts remembers for each store under test the database it is in, as a host would.
type hosts struct {
	mu      sync.Mutex
	servers map[retryqueue.Store]sqldbtest.Server
	dbs     map[retryqueue.Store]*sql.DB
}

func (h *hosts) open(t testing.TB, server sqldbtest.Server) retryqueue.Store {
	t.Helper()
	db := server.Open(t)
	s, err := Open(t.Context(), db, Config{Prefix: server.Prefix})
	require.NoError(t, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.servers[s], h.dbs[s] = server, db
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		h := &hosts{servers: map[retryqueue.Store]sqldbtest.Server{}, dbs: map[retryqueue.Store]*sql.DB{}}
		newStore := func(t *testing.T) retryqueue.Store { return h.open(t, sqldbtest.Get(t, server.Dialect)) }
		retryqueuetest.Run(t, newStore, retryqueuetest.Caps{
			RealTime:  server.Dialect != "sqlite",
			Precision: time.Microsecond,
			Reopen: func(t *testing.T, s retryqueue.Store) retryqueue.Store {
				h.mu.Lock()
				server := h.servers[s]
				h.mu.Unlock()
				return h.open(t, server)
			},
			Begin: func(t *testing.T, s retryqueue.Store) *sql.Tx {
				h.mu.Lock()
				db := h.dbs[s]
				h.mu.Unlock()
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				return tx
			},
		})
	})
}
