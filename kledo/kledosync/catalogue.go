package kledosync

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/tillwire/tillwire/woo"
)

// catalogue has the products on an order as they are today. Missing ones were deleted, or lie in the trash.
type catalogue map[int64]*woo.Product // products and variations number from one sequence

// of is the product, or the variation, of a line; nil when it is not to be found.
func (c catalogue) of(line *woo.LineItem) *woo.Product {
	if line.VariationID != 0 {
		return c[int64(line.VariationID)]
	}
	return c[int64(line.ProductID)]
}

// readCatalogue reads the products on an order: all plain ones in one call, each variation in one, since lists do not include
// variations. Without a shop it is empty.
func readCatalogue(ctx context.Context, shop *woo.Client, o *woo.Order) (catalogue, error) {
	if shop == nil {
		return nil, nil
	}
	found := catalogue{}
	var plain []woo.ProductID
	for _, line := range o.LineItems {
		id := int64(line.ProductID)
		if line.VariationID != 0 {
			id = int64(line.VariationID)
		}
		if _, known := found[id]; known || id == 0 {
			continue
		}
		found[id] = nil
		if line.VariationID == 0 {
			plain = append(plain, line.ProductID)
			continue
		}
		// The product route answers a variation's id with the variation under its full name ("Shirt - Red, S"), while its own
		// route calls it "Red, S".
		p, err := shop.Products.Get(ctx, woo.ProductID(line.VariationID))
		if err != nil && !errors.Is(err, woo.ErrNotFound) {
			return nil, fmt.Errorf("kledosync: reading the products of order %d: %w", o.ID, err)
		}
		found[id] = p
	}
	for len(plain) > 0 {
		n := min(len(plain), 100)
		// In the edit context texts come as they are stored, not wrapped into paragraphs.
		query := woo.ProductQuery{
			Include: plain[:n], PerPage: n, Extra: url.Values{"context": {"edit"}},
			Fields: []string{"name", "sku", "short_description", "regular_price", "sale_price", "images"},
		}
		products, _, err := shop.Products.List(ctx, query)
		if err != nil && !errors.Is(err, woo.ErrMalformed) { // a record that cannot be read is as good as missing
			return nil, fmt.Errorf("kledosync: reading the products of order %d: %w", o.ID, err)
		}
		for _, p := range products {
			found[int64(p.ID)] = p
		}
		plain = plain[n:]
	}
	return found, nil
}
