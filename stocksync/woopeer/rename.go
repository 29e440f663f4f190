package woopeer

import (
	"context"
	"errors"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

// Rename gives products new SKUs. One that has it already is confirmed; a SKU that another product of the store has is a conflict, and
// nothing is changed.
func (p *Peer) Rename(ctx context.Context, refs []stocksync.Ref) ([]stocksync.Applied, error) {
	p.desk.Lock()
	defer p.desk.Unlock()
	all, seen, err := p.find(ctx, refs)
	if err != nil {
		return nil, err
	}
	done := make([]stocksync.Applied, len(refs))
	for i, ref := range refs {
		done[i] = p.rename(ctx, ref, all[i], seen.rows)
	}
	return done, nil
}

func (p *Peer) rename(ctx context.Context, ref stocksync.Ref, f found, rows []row) stocksync.Applied {
	refuse := func(reason stocksync.Reason, detail string) stocksync.Applied {
		return stocksync.Applied{
			Outcome: stocksync.Refused, Err: &stocksync.Conflict{Reason: reason, Peer: p.c.ID, Ref: ref, Detail: detail},
		}
	}
	taken := len(having(rows, func(r row) bool {
		return r.sku.Fold() == ref.SKU.Fold() && (f.row == nil || r.place != f.row.place)
	})) > 0
	switch {
	case ref.SKU == "":
		return refuse(stocksync.Invalid, "the new SKU is empty")
	case f.row == nil:
		return stocksync.Applied{Outcome: stocksync.Refused, Err: f.why}
	case f.row.sku == ref.SKU:
		return stocksync.Applied{Outcome: stocksync.Confirmed}
	case taken:
		return refuse(stocksync.SKUTaken, "another product has it: give that one another SKU")
	}
	r := *f.row
	var err error
	if r.variation == 0 {
		_, err = p.c.Shop.Products.Update(ctx, r.product, woo.ProductFields{SKU: woo.Set(string(ref.SKU))})
	} else {
		_, err = p.c.Shop.Variations(r.product).Update(ctx, r.variation, woo.VariationFields{SKU: woo.Set(string(ref.SKU))})
	}
	switch {
	case errors.Is(err, woo.ErrDuplicate): // one in the trash, which no search shows
		return refuse(stocksync.SKUTaken, err.Error())
	case err != nil:
		return p.outcome(err)
	}
	r.sku = ref.SKU
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	p.shelf.note(r)
	return stocksync.Applied{Outcome: stocksync.Confirmed}
}
