package woopeer

import (
	"context"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

// sign writes the GIDs of items into the meta data of products that have none, so that they are known again under another SKU. What
// fails is tried again by the next push.
func (p *Peer) sign(ctx context.Context, items []stocksync.Item, all []found) {
	var products []woo.Change[woo.ProductID, woo.ProductFields]
	variations := map[woo.ProductID][]woo.Change[woo.VariationID, woo.VariationFields]{}
	signed := map[place]row{}
	for i, it := range items {
		r := all[i].row
		if r == nil || it.GID == "" || r.gid != "" {
			continue
		}
		meta := woo.Set([]woo.MetaFields{woo.SetMeta(stocksync.MetaGID, it.GID)})
		if r.variation == 0 {
			products = append(products, woo.ChangeOf(r.product, woo.ProductFields{MetaData: meta}))
		} else {
			variations[r.product] = append(variations[r.product], woo.ChangeOf(r.variation, woo.VariationFields{MetaData: meta}))
		}
		r.gid = it.GID
		signed[r.place] = *r
	}
	if len(products) > 0 {
		results, err := p.c.Shop.Products.UpdateAll(ctx, products)
		for i, result := range results {
			p.signed(signed[place{product: products[i].ID}], result.Err)
		}
		p.unsigned(err)
	}
	for parent, changes := range variations {
		results, err := p.c.Shop.Variations(parent).UpdateAll(ctx, changes)
		for i, result := range results {
			p.signed(signed[place{parent, changes[i].ID}], result.Err)
		}
		p.unsigned(err)
	}
}

func (p *Peer) signed(r row, err error) {
	if err != nil {
		p.unsigned(err)
		return
	}
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	p.shelf.note(r)
}

func (p *Peer) unsigned(err error) {
	if err != nil {
		p.c.Logger.Warn("a GID could not be written into a product's meta data", "error", err)
	}
}
