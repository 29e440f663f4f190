package woopeer

import (
	"context"
	"crypto/rand"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

// reportItems is how many products one report tells of.
const reportItems = 100

// tell compares what was seen with what the node knows, and tells it of every difference. It returns the places it told of; without a
// node it tells nothing. The caller holds the desk.
//
// What the node did not take is owed, and told again before anything else under the same event id: a node that took it although it
// failed counts it once, and what was seen since then is compared with it.
func (p *Peer) tell(ctx context.Context, s sight) (told map[place]bool, err error) {
	node := p.node.Load()
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	told = map[place]bool{}
	var items []stocksync.Item
	var rows []row
	for _, r := range s.rows {
		was, differs := p.compare(r, s.began)
		if !differs || !r.countable() || node == nil {
			continue
		}
		items = append(items, stocksync.Item{Ref: r.ref(), Stock: r.state(), Was: was})
		rows = append(rows, r)
		if len(items) == reportItems {
			if err := p.report(ctx, items, rows, s); err != nil {
				return told, err
			}
			items, rows = nil, nil
		}
		told[r.place] = true
	}
	if len(items) == 0 {
		return told, nil
	}
	return told, p.report(ctx, items, rows, s)
}

// compare notes a row, and says whether the node does not know it so, and what quantity the node believes in: nil where that is not
// certain. A reading that is older than what is known says nothing.
func (p *Peer) compare(r row, began moment) (was *decimal.Decimal, differs bool) {
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	k := p.shelf.note(r)
	if began.turn < k.since.turn {
		return nil, false
	}
	if k.maybe != nil {
		if now := r.quantity(); now.Equal(*k.maybe) || k.told && now.Equal(k.quantity()) {
			k.row, k.maybe = r, nil // the write arrived, or it did not, and nothing was sold
			return nil, false
		}
		return nil, true
	}
	if !k.told {
		return nil, true
	}
	if k.manage() == r.manage() {
		q := k.quantity()
		was = &q
	}
	return was, !alike(k.row, r)
}

// owing is a report that the node has not taken yet.
type owing struct {
	report stocksync.Report
	rows   []row
	ended  moment
}

// report tells the node. The products are known to it afterwards. With the order ledger the orders that explain what is seen come
// first: else the node would have what differs written over before it knows of them.
func (p *Peer) report(ctx context.Context, items []stocksync.Item, rows []row, s sight) error {
	if p.keepsLedger() {
		if err := p.readOrders(ctx); err != nil {
			return err
		}
	}
	took := s.ended.Sub(s.began.Time)
	p.owed = &owing{rows: rows, ended: s.ended, report: stocksync.Report{
		EventID: rand.Text(), Kind: stocksync.StockState, From: p.c.ID, At: s.began.Add(took / 2).UTC(), Doubt: took / 2,
		Context: stocksync.Observed, Items: items,
	}}
	return p.settle(ctx)
}

// settle tells what is owed.
func (p *Peer) settle(ctx context.Context) error {
	node := p.node.Load()
	if p.owed == nil || node == nil {
		return nil
	}
	if err := (*node).Receive(ctx, p.owed.report); err != nil {
		return err
	}
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	for _, r := range p.owed.rows {
		p.shelf.note(r).becomes(r, p.owed.ended)
	}
	p.owed = nil
	return nil
}

// becomes sets what the node knows of a product from now on.
func (k *known) becomes(r row, since moment) {
	k.row, k.told, k.maybe, k.since = r, true, nil, since
}
