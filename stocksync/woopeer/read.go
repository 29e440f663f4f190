package woopeer

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

// page is how many records the store gives at once.
const page = 100

// sight are rows, and when they were read: the state of each is one of between began and ended.
type sight struct {
	rows         []row
	began, ended moment
}

// moment is a point in time, and in the order of what happens here: of two within one tick of the clock, too, one comes first.
type moment struct {
	time.Time
	turn int64
}

func (p *Peer) now() moment { return moment{time.Now(), p.turns.Add(1)} }

// bySKU reads what has one of the SKUs, variations too: ⌈n/100⌉ requests. The store compares without regard to case.
func (p *Peer) bySKU(ctx context.Context, skus []string) (rows []row, err error) {
	var plain []string
	for _, sku := range skus {
		switch {
		case strings.Contains(sku, "<"): // the store strips what follows; see named
		case strings.Contains(sku, ","):
			if rows, err = p.products(ctx, rows, woo.ProductQuery{SKU: []string{sku}}); err != nil {
				return nil, err
			}
		default:
			plain = append(plain, sku)
		}
	}
	for some := range slices.Chunk(plain, page) {
		if rows, err = p.products(ctx, rows, woo.ProductQuery{SKU: some}); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// byPlace reads what is at the places: ⌈n/100⌉ requests for the products, and as many for the variations of each parent. With
// families, of each product that has variations these are read too: what they sell may be the product's.
func (p *Peer) byPlace(ctx context.Context, places []place, families bool) (rows []row, err error) {
	var products []woo.ProductID
	variations := map[woo.ProductID][]woo.VariationID{}
	for _, at := range places {
		if at.variation == 0 {
			products = append(products, at.product)
		} else {
			variations[at.product] = append(variations[at.product], at.variation)
		}
	}
	for some := range slices.Chunk(products, page) {
		if rows, err = p.products(ctx, rows, woo.ProductQuery{Include: some}); err != nil {
			return nil, err
		}
	}
	for _, r := range rows {
		if families && r.kind == woo.VariableProduct {
			delete(variations, r.product)
			if rows, err = p.variations(ctx, rows, r.product, nil); err != nil {
				return nil, err
			}
		}
	}
	for _, parent := range slices.Sorted(maps.Keys(variations)) {
		for some := range slices.Chunk(variations[parent], page) {
			if rows, err = p.variations(ctx, rows, parent, some); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// products adds to rows what a query of products finds. A record that cannot be read is passed over.
func (p *Peer) products(ctx context.Context, rows []row, q woo.ProductQuery) ([]row, error) {
	for r, err := range p.eachProduct(ctx, q) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// variations adds those of a parent; no ids: all.
func (p *Peer) variations(ctx context.Context, rows []row, parent woo.ProductID, ids []woo.VariationID) ([]row, error) {
	for r, err := range p.eachVariation(ctx, parent, ids) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (p *Peer) eachProduct(ctx context.Context, q woo.ProductQuery) iter.Seq2[row, error] {
	q.Fields, q.IncludeMeta, q.PerPage, q.Extra = fields, []string{stocksync.MetaGID}, page, fresh
	return readable(p, p.c.Shop.Products.All(ctx, q), fromProduct)
}

func (p *Peer) eachVariation(ctx context.Context, parent woo.ProductID, ids []woo.VariationID) iter.Seq2[row, error] {
	q := variationQuery()
	q.Include = ids
	return readable(p, p.c.Shop.Variations(parent).All(ctx, q), func(x *woo.Variation) row { return fromVariation(parent, x) })
}

func variationQuery() woo.VariationQuery {
	return woo.VariationQuery{Fields: fields, IncludeMeta: []string{stocksync.MetaGID}, PerPage: page, Extra: fresh}
}

// readable yields records as rows, and passes over those that cannot be read.
func readable[T any](p *Peer, records iter.Seq2[*T, error], as func(*T) row) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for x, err := range records {
			switch {
			case errors.Is(err, woo.ErrMalformed):
				p.c.Logger.Warn("a product cannot be read, and is left alone", "error", err)
			case err != nil:
				yield(row{}, err)
				return
			case !yield(as(x), nil):
				return
			}
		}
	}
}

// everything yields all products and variations.
func (p *Peer) everything(ctx context.Context) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		var parents []woo.ProductID
		for r, err := range p.eachProduct(ctx, woo.ProductQuery{}) {
			if !yield(r, err) || err != nil {
				return
			}
			if r.kind == woo.VariableProduct {
				parents = append(parents, r.product)
			}
		}
		if len(parents) == 0 {
			return
		}
		some := readable(p, p.c.Shop.AllVariations.All(ctx, variationQuery()), func(x *woo.Variation) row { return fromVariation(0, x) })
		whole := false
		for r, err := range some {
			if errors.Is(err, woo.ErrNoRoute) { // before WooCommerce 10.3
				break
			}
			if !yield(r, err) || err != nil {
				return
			}
			whole = true
		}
		if whole {
			return
		}
		for _, parent := range parents {
			for r, err := range p.eachVariation(ctx, parent, nil) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// found is what a ref names at the store.
type found struct {
	row *row                // nil: no such product
	why *stocksync.Conflict // why there is none that may be written
}

// find reads what refs name, in their order. The GID decides where the store knows it; else the old SKU, else the SKU.
func (p *Peer) find(ctx context.Context, refs []stocksync.Ref) ([]found, sight, error) {
	s := sight{began: p.now()}
	var skus []string
	asked := map[string]bool{}
	for _, ref := range refs {
		for _, sku := range []stocksync.SKU{ref.SKU, ref.OldSKU} {
			if key := sku.Fold(); key != "" && !asked[key] {
				asked[key] = true
				skus = append(skus, strings.TrimSpace(string(sku)))
			}
		}
	}
	rows, err := p.bySKU(ctx, skus)
	if err == nil {
		var more []row
		if more, err = p.byPlace(ctx, p.unseen(refs, rows), false); err == nil {
			rows = append(rows, more...)
		}
	}
	if err != nil {
		return nil, s, err
	}
	s.rows, s.ended = rows, p.now()
	all := make([]found, len(refs))
	for i, ref := range refs {
		all[i] = p.match(ref, rows)
	}
	return all, s, nil
}

// unseen are the places that the names lead to as far as is known, and that no SKU has shown: a product whose SKU the store has
// changed, or one that cannot be searched for.
func (p *Peer) unseen(refs []stocksync.Ref, rows []row) (places []place) {
	seen := map[place]bool{}
	for _, r := range rows {
		seen[r.place] = true
	}
	for _, ref := range refs {
		for _, at := range p.shelf.named(ref) {
			if !seen[at] {
				seen[at] = true
				places = append(places, at)
			}
		}
	}
	return places
}

// match picks what a ref names out of rows.
func (p *Peer) match(ref stocksync.Ref, rows []row) found {
	conflict := func(reason stocksync.Reason, detail string) found {
		return found{why: &stocksync.Conflict{Reason: reason, Peer: p.c.ID, Ref: ref, Detail: detail}}
	}
	if hits := having(rows, func(r row) bool { return ref.GID != "" && r.gid == ref.GID }); len(hits) > 0 {
		if len(hits) > 1 { // the store's staff duplicated the product, meta data and all
			if right := having(hits, func(r row) bool { return r.sku.Fold() == ref.SKU.Fold() }); len(right) == 1 {
				return found{row: &right[0]}
			}
			return conflict(stocksync.DuplicateSKU, "several products carry its GID in their meta data: delete it from the copies")
		}
		return found{row: &hits[0]}
	}
	for _, sku := range []stocksync.SKU{ref.OldSKU, ref.SKU} {
		hits := having(rows, func(r row) bool { return sku != "" && r.sku.Fold() == sku.Fold() })
		switch {
		case len(hits) > 1:
			return conflict(stocksync.DuplicateSKU, "several products have this SKU: give each its own")
		case len(hits) == 1 && ref.GID != "" && hits[0].gid != "":
			return conflict(stocksync.SKUTaken, "the product with this SKU is another one, by the GID in its meta data")
		case len(hits) == 1:
			return found{row: &hits[0]}
		}
	}
	return conflict(stocksync.MissingProduct, "the store has no product with this SKU")
}

func having(rows []row, want func(row) bool) (hits []row) {
	for _, r := range rows {
		if want(r) {
			hits = append(hits, r)
		}
	}
	return hits
}

// Read returns what the store has, in order: one request for 100 products. Nil where there is no such product, or where it is not
// certain which one is meant: two have the SKU, or the one that has it carries another GID.
func (p *Peer) Read(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	all, _, err := p.find(ctx, refs)
	if err != nil {
		return nil, err
	}
	stocks := make([]*stocksync.Stock, len(refs))
	for i, f := range all {
		if f.row != nil {
			s := f.row.state()
			stocks[i] = &s
		}
	}
	return stocks, nil
}

// Items yields every product and variation that has a SKU or a GID and whose stock can be counted. Grouped and external products
// have none.
func (p *Peer) Items(ctx context.Context) iter.Seq2[stocksync.Item, error] {
	return func(yield func(stocksync.Item, error) bool) {
		for r, err := range p.everything(ctx) {
			if err != nil {
				yield(stocksync.Item{}, err)
				return
			}
			if r.countable() && !yield(stocksync.Item{Ref: r.ref(), Stock: r.state()}, nil) {
				return
			}
		}
	}
}
