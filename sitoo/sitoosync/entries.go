package sitoosync

import (
	"context"
	"iter"

	"github.com/tillwire/tillwire/woo"
)

// entry is a product of the shop, or one of its variations.
type entry struct {
	*woo.Product                // of a variation its parent
	variation    *woo.Variation // nil: the product itself
}

// link is the shop's side of the entry's link.
func (e entry) link() Link {
	if e.variation != nil {
		return LinkVariation(e.ID, e.variation.ID, 0)
	}
	return LinkProduct(e.ID, 0)
}

// ownSKU is the SKU, or none: a variation without one shows its product's.
func (e entry) ownSKU() string {
	switch {
	case e.variation == nil:
		return e.SKU
	case e.variation.SKU == e.SKU:
		return ""
	}
	return e.variation.SKU
}

// parent reports whether the entry is a variable product, which the till has no counterpart of.
func (e entry) parent() bool { return e.variation == nil && e.Type == woo.VariableProduct }

// entries goes through all products of a shop, each with its variations behind it. Only the fields, and the meta data of these
// keys, are read.
func entries(ctx context.Context, shop *woo.Client, fields, meta []string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for p, err := range shop.Products.All(ctx, woo.ProductQuery{Fields: fields, IncludeMeta: meta}) {
			if err != nil {
				yield(entry{}, err)
				return
			}
			if !yield(entry{Product: p}, nil) {
				return
			}
			if p.Type != woo.VariableProduct {
				continue
			}
			for v, err := range shop.Variations(p.ID).All(ctx, woo.VariationQuery{Fields: fields, IncludeMeta: meta}) {
				if !yield(entry{p, v}, err) || err != nil {
					return
				}
			}
		}
	}
}
