package woopeer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

const (
	reducedStock = "_reduced_stock"   // meta of an order's line: how much of the stock it has taken and not given back
	lookBack     = 7 * 24 * time.Hour // how far orders are read again at the start
	historyLines = 1000               // of the ledger of a product, that are looked through for a line's
)

var orderFields = []string{"id", "status", "date_created_gmt", "date_modified_gmt", "line_items"}

// ledger is what the node's ledger has of order lines, as far as this process has looked.
type ledger struct {
	reading sync.Mutex // one reading at a time
	read    cursor

	entering sync.Mutex // one order at a time
	lines    map[entry]*account
}

// entry is a line and the product whose stock it moves: of a variation that sells from its parent, the parent and its siblings too.
type entry struct {
	line woo.LineID
	at   place
}

// account is what the ledger has of it.
type account struct {
	taken decimal.Decimal // sold less given back
	kinds map[string]int  // how many entries of each kind there are
}

func (p *Peer) keepsLedger() bool { return !p.c.OrdersSince.IsZero() }

// readOrders reads the orders that were modified since the last time, and at first those of the last week: what the ledger has of them
// already does no harm.
func (p *Peer) readOrders(ctx context.Context) error {
	p.booked.reading.Lock()
	defer p.booked.reading.Unlock()
	if p.booked.read.newest.IsZero() {
		p.booked.read.passed(time.Now().Add(-lookBack))
	}
	q := woo.OrderQuery{
		ModifiedAfter: p.booked.read.from(), After: p.c.OrdersSince.Add(-time.Second), Fields: orderFields, PerPage: page,
	}
	var newest time.Time
	for o, err := range p.c.Shop.Orders.All(ctx, q) {
		if errors.Is(err, woo.ErrMalformed) {
			p.c.Logger.WarnContext(ctx, "an order cannot be read: what it sold is not in the ledger", "error", err)
			continue
		}
		if err == nil {
			err = p.enter(ctx, o)
		}
		if err != nil {
			return err
		}
		if o.DateModified.After(newest) {
			newest = o.DateModified
		}
	}
	p.booked.read.passed(newest) // not before: orders come by id, not by when they were modified
	return nil
}

// book looks at orders that a webhook spoke of.
func (p *Peer) book(ctx context.Context, ids []woo.OrderID) error {
	for some := range slices.Chunk(ids, page) {
		for o, err := range p.c.Shop.Orders.All(ctx, woo.OrderQuery{Include: some, Fields: orderFields, PerPage: page}) {
			if err != nil {
				return err
			}
			if err := p.enter(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter reports what an order has moved since the ledger's last entry of it: the store keeps on each line how much that line has
// taken and not given back, through sales, cancellations, refunds with restocking and changes of quantity. Entries are numbered by
// kind, and the node takes each once.
func (p *Peer) enter(ctx context.Context, o *woo.Order) error {
	if o.DateCreated.Before(p.c.OrdersSince) {
		return nil
	}
	p.booked.entering.Lock()
	defer p.booked.entering.Unlock()
	report := stocksync.Report{
		EventID: rand.Text(), Kind: stocksync.StockState, From: p.c.ID, At: time.Now().UTC(), Context: stocksync.Observed,
	}
	var after []func()
	for _, line := range o.LineItems {
		if line.ProductID == 0 { // the product is gone
			continue
		}
		taken := reduced(line)
		for _, at := range p.shelf.family(place{line.ProductID, line.VariationID}) {
			e := entry{line.ID, at}
			ref := p.shelf.name(at)
			if ref == (stocksync.Ref{}) && line.SKU != nil {
				ref.SKU = stocksync.SKU(*line.SKU)
			}
			a, err := p.account(ctx, o.ID, e, ref)
			if err != nil {
				return err
			}
			if a == nil || a.taken.Equal(taken) {
				continue
			}
			kind := "sold"
			if taken.LessThan(a.taken) {
				kind = "restored"
			}
			report.Movements = append(report.Movements, stocksync.Movement{
				Ref: ref, Source: source(o.ID, e, kind, a.kinds[kind]+1), Delta: a.taken.Sub(taken), At: o.DateModified,
				Note: string(o.Status),
			})
			after = append(after, func() { a.taken, a.kinds[kind] = taken, a.kinds[kind]+1 })
		}
	}
	if len(after) == 0 {
		return nil
	}
	if err := (*p.node.Load()).Receive(ctx, report); err != nil {
		return err
	}
	for _, done := range after {
		done()
	}
	return nil
}

// reduced is how much of the stock a line has taken.
func reduced(line woo.LineItem) decimal.Decimal {
	mark, _ := line.MetaData.Get(reducedStock)
	taken, err := decimal.NewFromString(mark.String())
	if err != nil {
		return decimal.Zero
	}
	return taken
}

// source names an entry: "order:1042/line:7/sold", the second of its kind "…/sold:2". That of another product than the line's own says
// which.
func source(o woo.OrderID, e entry, kind string, n int) string {
	text := prefix(o, e) + kind
	if n > 1 {
		text += fmt.Sprintf(":%d", n)
	}
	return text
}

func prefix(o woo.OrderID, e entry) string {
	return fmt.Sprintf("order:%d/line:%d/at:%d.%d/", o, e.line, e.at.product, e.at.variation)
}

// account returns what the ledger has of a line; nil when the node does not know the product.
func (p *Peer) account(ctx context.Context, o woo.OrderID, e entry, ref stocksync.Ref) (*account, error) {
	if a := p.booked.lines[e]; a != nil {
		return a, nil
	}
	items, err := (*p.node.Load()).Lookup(ctx, p.c.ID, []stocksync.Ref{ref})
	if err != nil || len(items) == 0 || items[0] == nil {
		return nil, err
	}
	lines, err := p.c.Ledger.History(ctx, items[0].GID, historyLines)
	if err != nil {
		return nil, err
	}
	a := &account{kinds: map[string]int{}}
	for _, l := range lines {
		kind, mine := strings.CutPrefix(l.Source, prefix(o, e))
		if !mine || l.Store != p.c.ID {
			continue
		}
		kind, _, _ = strings.Cut(kind, ":")
		a.kinds[kind]++
		a.taken = a.taken.Sub(l.Delta)
	}
	if p.booked.lines == nil {
		p.booked.lines = map[entry]*account{}
	}
	p.booked.lines[e] = a
	return a, nil
}

// family is a product with all whose stock is the same: with a variation that sells from its parent, the parent and its like.
func (s *shelf) family(at place) []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []place{at}
	if k := s.known[at]; k == nil || k.manage() != woo.StockByParent && k.kind != woo.VariableProduct {
		return all
	}
	for other, k := range s.known {
		if other != at && other.product == at.product && (other.variation == 0 || k.manage() == woo.StockByParent) {
			all = append(all, other)
		}
	}
	return all
}
