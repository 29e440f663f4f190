package kitgenix

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/stocksync"
)

// Monitor watches a store and cannot change it: it pings and reads, at most one request in 10 s. At a master it is registered as
// a disabled child; a child answers nobody but its master, so there it uses the master's pair. What it reads is not signed.
type Monitor struct{ client *client }

// monitorPause is between two requests to one store.
const monitorPause = 10 * time.Second

// Monitor returns a monitor of a store that is a master or a child.
func (w *Wire) Monitor(id stocksync.StoreID, is stocksync.Role) (*Monitor, error) {
	p := w.pairs[id]
	if p == nil || p.base == nil {
		return nil, fmt.Errorf("kitgenix: Monitor: %q is no pair of ours with a URL", id)
	}
	tag := tagToChild
	if is == stocksync.RoleMaster {
		tag = tagToMaster
	}
	c, err := w.client(p, tag, rate.NewLimiter(rate.Every(monitorPause), 1))
	if err != nil {
		return nil, err
	}
	return &Monitor{c}, nil
}

// ID is the store's.
func (m *Monitor) ID() stocksync.StoreID { return m.client.pair.StoreID }

// Ping asks the store who it is, which version it runs, and what time it is there.
func (m *Monitor) Ping(ctx context.Context) (stocksync.Pong, error) { return m.client.ping(ctx) }

// Query asks a master's /stock, as a checkout does.
func (m *Monitor) Query(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return m.client.read(ctx, "Query", routeStock, refs)
}

// Read asks /stock-state.
func (m *Monitor) Read(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return m.client.read(ctx, "Read", routeStockState, refs)
}
