package kitgenix

import (
	"context"
	"strconv"
	"time"

	"github.com/tillwire/tillwire/stocksync"
)

// upstream is a master as its child sees it.
type upstream struct{ pair *pair }

// A plugin master wraps an event again for its other children, into arguments of at most 8000 characters, and does not notice when
// it is too large: it would be applied there and nowhere else.
const (
	maxReportItems = 25
	maxReportBytes = 6000
)

// ID is the master's.
func (u *upstream) ID() stocksync.StoreID { return u.pair.StoreID }

// Ping tests the connection.
func (u *upstream) Ping(ctx context.Context) (stocksync.Pong, error) { return u.pair.up.ping(ctx) }

// Report sends the report, in several events of at most 25 items and 6,000 bytes where it is larger. To a plugin each event goes
// under a new id, since what was answered with an error may have been marked as done before the work; state is absolute, so sent
// twice it is the same. To a Go service the id is the report's, and the same again is known there. Versions are never sent: they
// are the master's.
func (u *upstream) Report(ctx context.Context, r stocksync.Report) error {
	s, err := u.pair.up.speaks(ctx)
	if err != nil {
		return err
	}
	at := r.At
	if at.IsZero() {
		at = time.Now()
	}
	e := event{
		Type: stocksync.StockState, Origin: "child_local", Time: at.Unix(), Context: r.Context,
		CreatedAt: at.Unix(),
	}
	if e.Context == "" {
		e.Context = "stock_change"
	}
	if r.Kind == stocksync.SKURename {
		return &Error{
			Op: "Report", Peer: string(u.pair.StoreID), Route: namespace + "/" + routeEvent, kind: ErrValidation,
			text: "a child does not rename SKUs at its master",
		}
	}
	items := make([]item, len(r.Items))
	for i, it := range r.Items {
		items[i] = itemOf(it)
		if s.golang && it.Was != nil {
			was := it.Was.IntPart()
			items[i].Was = &was
		}
	}
	most, bytes := maxReportItems, maxReportBytes
	if s.golang {
		most, bytes = mostBatch, maxPushBytes
	}
	for part := 0; len(items) > 0; part++ {
		if s.golang && r.EventID != "" {
			e.EventID = partID(r.EventID, part)
		}
		body, n, err := u.pair.up.cut(e, s, items, most, bytes)
		if err != nil {
			return err
		}
		if err := u.pair.up.deliver(ctx, "Report", body); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// Exact reports whether the master is a Go service, which books what changed once for each event.
func (u *upstream) Exact(ctx context.Context) bool {
	s, err := u.pair.up.speaks(ctx)
	return err == nil && s.golang
}

// partID is the id of the event that carries a part of a report, the same whenever it is sent.
func partID(id string, part int) string {
	if part == 0 {
		return id
	}
	return id + "/" + strconv.Itoa(part)
}

// Query asks /stock, as a checkout does. The first generation answers 0 for products that it does not count.
func (u *upstream) Query(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return u.pair.up.read(ctx, "Query", routeStock, refs)
}

// Read asks /stock-state.
func (u *upstream) Read(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return u.pair.up.read(ctx, "Read", routeStockState, refs)
}
