package sitoosync

import (
	"context"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
)

// sendStock sends the stock of one item up (T1, T3), and with it that of others that wait: a burst of changes is one request. What
// equals the figure that both sides had last is no change but the echo of what came down, and is not sent.
func (s *Sync) sendStock(ctx context.Context, id string) error {
	path, err := s.path(ctx)
	if err != nil || !path.Instant() || !s.c.SendStock {
		return err
	}
	if err := s.enterStock(ctx); err != nil {
		return err
	}
	defer s.stock.leave()
	items, err := s.changed(ctx, id)
	if err != nil || len(items) == 0 {
		return err
	}
	waiting, err := s.waiting(ctx, stockKind)
	if err != nil {
		return err
	}
	if waiting = slices.DeleteFunc(waiting, func(other string) bool { return other == id }); len(waiting) > 0 {
		others, err := s.changed(ctx, waiting...)
		if err != nil {
			return err
		}
		items = append(items, others...)
	}
	for it, err := range s.push(ctx, path, items) {
		if it.link.Woo == id {
			return err // the others have jobs of their own
		}
	}
	return nil
}

// changed are those of some items whose stock in the shop is not what both sides had last. Items whose stock the shop does not
// count, or counts with their product's, are none.
func (s *Sync) changed(ctx context.Context, ids ...string) ([]*item, error) {
	items, err := s.itemsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	unknown := map[*item]agreed{}
	items = slices.DeleteFunc(items, func(it *item) bool {
		if it.stock == nil {
			return true
		}
		a := it.agreed.settle(*it.stock)
		if it.agreed.known && !a.known { // nobody knows who changed what: the till's figure comes down with the next reading of all
			unknown[it] = a
			return true
		}
		it.agreed = a
		return a.known && a.figure.Equal(*it.stock)
	})
	return items, s.agree(ctx, unknown)
}

// mostWaiting is how many waiting pieces of work are done along with one.
const mostWaiting = 100

// waiting are the ids of what waits in the queue to go up.
func (s *Sync) waiting(ctx context.Context, kind upKind) ([]string, error) {
	found, err := s.c.Queue.List(ctx, retryqueue.Query{
		Kinds: []string{s.kindName(kind)}, States: []retryqueue.State{retryqueue.Queued, retryqueue.Retrying}, Limit: mostWaiting,
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range found.Records {
		ids = append(ids, r.Key)
	}
	return ids, nil
}

// sendStockOf sends the shop's stock of some items up, whatever was agreed on, where stock goes up at once: of what was just made
// in the till.
func (s *Sync) sendStockOf(ctx context.Context, p *pass, ids ...string) error {
	path, err := s.path(ctx)
	if err != nil || !path.Instant() || p.dry {
		return err
	}
	for part := range slices.Chunk(ids, stockChunk) {
		items, err := s.itemsByID(ctx, part)
		if err == nil {
			err = s.overwrite(ctx, p, path, items)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stockUp makes the till's stock of all linked items the shop's (F15). Where stock does not go up at once it does nothing.
func (s *Sync) stockUp(ctx context.Context, p *pass) error {
	path, err := s.path(ctx)
	if err != nil {
		return err
	}
	if !path.Instant() {
		s.log.InfoContext(ctx, "stock is not sent up: it moves by orders", "warehouse", s.c.Warehouse)
		return nil
	}
	p.step("stock of the shop", 0)
	return s.everyItem(ctx, func(items []*item) error {
		p.did(len(items))
		return s.overwrite(ctx, p, path, items)
	})
}

// stockUpCost: a request for each hundred items into a virtual warehouse; into another one a reading, and two sessions of four
// requests each.
func (s *Sync) stockUpCost(ctx context.Context) (int, error) {
	path, err := s.path(ctx)
	if err != nil || !path.Instant() {
		return 1, err
	}
	n := 0
	for _, kind := range []LinkKind{ProductLink, VariationLink} {
		for _, err := range s.c.Links.All(ctx, kind) {
			if err != nil {
				return 0, err
			}
			n++
		}
	}
	chunks := 1 + n/stockChunk
	if path == Mirror {
		return 1 + chunks, nil
	}
	return 1 + (1+2*sessionRequests)*chunks + s.pagesOf(n), nil
}

// overwrite sends up what the shop has of at most a hundred items.
func (s *Sync) overwrite(ctx context.Context, p *pass, path StockPath, items []*item) error {
	if err := s.enterStock(ctx); err != nil {
		return err
	}
	defer s.stock.leave()
	items = slices.DeleteFunc(items, func(it *item) bool { return it.stock == nil })
	if len(items) == 0 || !p.will(len(items), "stock of %d items in the till", len(items)) {
		return nil
	}
	if path == ByBatch { // the change is against what the till has now
		has, err := s.tillHas(ctx, skusOf(items))
		if err != nil {
			return err
		}
		for _, it := range items {
			it.agreed = agreedOn(has[it.sku])
		}
	}
	for it, err := range s.push(ctx, path, items) {
		if err == nil {
			continue
		}
		if err := p.fail(ctx, fmt.Errorf("sitoosync: stock of %s: %w", it.sku, err)); err != nil {
			return err
		}
	}
	return nil
}

// push writes the shop's stock of items into the till, at most a hundred, and yields what became of each. The gate of stock is held.
func (s *Sync) push(ctx context.Context, path StockPath, items []*item) map[*item]error {
	results := make(map[*item]error, len(items))
	sent := slices.DeleteFunc(slices.Clone(items), func(it *item) bool {
		if !sitoo.ValidSKU(it.sku) {
			results[it] = retryqueue.Permanent(fmt.Errorf("the SKU %q is none that the till takes: see FixSKU", it.sku))
			return true
		}
		return false
	})
	if path == Mirror {
		s.mirror(ctx, sent, results)
	} else {
		s.move(ctx, sent, results)
	}
	return results
}

// mirror writes figures into a virtual warehouse: absolute ones, so that to repeat it does no harm.
func (s *Sync) mirror(ctx context.Context, items []*item, results map[*item]error) {
	rows := make([]sitoo.StockFields, len(items))
	for i, it := range items {
		rows[i] = sitoo.StockFields{SKU: it.sku, Total: sitoo.Set(sitoo.NewQuantity(*it.stock))}
	}
	answers, _ := s.c.Till.Stock(s.c.Warehouse).PlanSet(rows).Run(ctx) // each answer has its error
	on := map[*item]agreed{}
	for i, it := range items {
		if results[it] = answers[i].Err; answers[i].Err == nil {
			on[it] = agreedOn(*it.stock)
		}
	}
	if err := s.agree(ctx, on); err != nil {
		for it := range on {
			results[it] = err
		}
	}
}
