package stocksync

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// How a child keeps a product in a [Row]:
//
//   - Item is what the master has said last, pushed or read. Version is that of its last versioned push.
//   - Held is what this store sold (or took back) and the master has not confirmed: at most one entry that was sent (its Note says
//     so, its Source is the event it was sent as), and one that waits.
//   - Peers[self] is how the shelf stands with the product, Peers[master] how the master does: Checked is when it was last read.
//   - Updated rises with every change, so that it is the version of the outbox rows as well. The outbox has two peers: the master,
//     with which the product is to be squared, and the store itself, whose shelf is to be brought to the row's state.

const noteSent = "sent"

// placeholder begins the GID of a product of which the master has told none yet.
const placeholder = "sku:"

// provisional is the GID under which a product is kept until the master gives it one.
func provisional(sku SKU) GID { return GID(placeholder + sku.Fold()) }

// wireRef is how the master is told of a product: a GID only if it comes from there.
func (r *Row) wireRef() Ref {
	if isProvisional(r.GID) {
		return Ref{SKU: r.SKU}
	}
	return Ref{GID: r.GID, SKU: r.SKU}
}

// isProvisional says whether a GID is one of those.
func isProvisional(gid GID) bool { return strings.HasPrefix(string(gid), placeholder) }

// fromMaster returns the GIDs that the master gave.
func fromMaster(gids []GID) []GID { return slices.DeleteFunc(slices.Clone(gids), isProvisional) }

// own is what this store sold, as a negative number, and the master has not confirmed.
func (r *Row) own() decimal.Decimal {
	sum := decimal.Zero
	for _, h := range r.Held {
		sum = sum.Add(h.Delta)
	}
	return sum
}

// hold adds a change of this store's own to those that the master has not confirmed.
func (r *Row) hold(e Entry) {
	if last := len(r.Held) - 1; last >= 0 && r.Held[last].Note != noteSent {
		r.Held[last].Delta = r.Held[last].Delta.Add(e.Delta)
		return
	}
	r.Held = append(r.Held, Held{Entry: e})
}

// sent is the change under way to the master, nil when none is.
func (r *Row) sent() *Held {
	if len(r.Held) > 0 && r.Held[0].Note == noteSent {
		return &r.Held[0]
	}
	return nil
}

// send makes what waits one change that is under way, under a new event, and returns it; nil when there is nothing to tell. What
// was under way before is taken back into it.
func (r *Row) send(now time.Time, asked decimal.Decimal, event string) *Held {
	sum := r.own()
	if sum.IsZero() {
		r.Held = nil
		return nil
	}
	e := r.Held[0].Entry
	e.Source, e.Note, e.Delta, e.At = event, noteSent, sum, now
	r.Held = []Held{{Entry: e, Quantity: asked.Add(sum)}}
	return &r.Held[0]
}

// confirm drops the change that was under way as this event: the master has it.
func (r *Row) confirm(event string) {
	if sent := r.sent(); sent != nil && sent.Source == event {
		r.Held = r.Held[1:]
	}
}

// target is the quantity the shelf is to have: the master's, and what was sold here since. It is also the sum of the product's ledger.
func (r *Row) target() decimal.Decimal { return r.Quantity.Add(r.own()) }

// shelfItem is what the shelf is to have.
func (r *Row) shelfItem(self StoreID) Item {
	item := Item{Ref: Ref{GID: r.wireRef().GID, SKU: r.SKU}, Stock: r.Stock, Version: r.Version}
	if s := r.Peers[self]; s != nil && s.Knows != "" {
		item.SKU = s.Knows
	}
	if len(r.Held) > 0 && r.Manage != Unmanaged {
		item.Quantity = r.target()
		item.Status = status(item.Quantity, r.Backorders)
	}
	return item
}

// standing is how a peer, or the shelf, stands with the product.
func (r *Row) standing(peer StoreID) *Standing {
	if r.Peers == nil {
		r.Peers = map[StoreID]*Standing{}
	}
	if r.Peers[peer] == nil {
		r.Peers[peer] = &Standing{}
	}
	return r.Peers[peer]
}

// checked is when the master was last read for the product.
func (r *Row) checked(master StoreID) time.Time {
	if s := r.Peers[master]; s != nil {
		return s.Checked
	}
	return time.Time{}
}

// touch notes that the row changes now. Two changes never share a time.
func (r *Row) touch(now time.Time) {
	r.Updated = micro(later(now, r.Updated.Add(time.Microsecond)))
}

// outbox says that a peer, or the shelf, is to hear of the row as it is now, not before due.
func (r *Row) outbox(peer StoreID, due time.Time) Push {
	return Push{Peer: peer, GID: r.GID, Version: r.Updated.UnixMicro(), Due: due}
}

// take sets what the master said; what it did not say stays as it is.
func (r *Row) take(s Stock) {
	r.Quantity = s.Quantity
	if s.Status != "" {
		r.Status = s.Status
	}
	if s.Backorders != "" {
		r.Backorders = s.Backorders
	}
	if s.Manage != "" {
		r.Manage = s.Manage
	}
	if s.LowStock != nil {
		r.LowStock = s.LowStock
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// rows reads rows as they are now, in order.
func (c *Child) rows(ctx context.Context, gids []GID) ([]*Row, error) {
	var found []*Row
	err := c.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		found = rows
		return Commit{}, nil
	})
	return found, err
}
