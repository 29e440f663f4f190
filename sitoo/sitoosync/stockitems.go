package sitoosync

import (
	"context"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/woo"
)

// item is a linked product or variation of the shop with its stock.
type item struct {
	link    Link // the product's or variation's
	sku     string
	managed bool
	stock   *decimal.Decimal // nil while it is not managed
	agreed  agreed
}

func skusOf(items []*item) []string {
	skus := make([]string, len(items))
	for i, it := range items {
		skus[i] = it.sku
	}
	return skus
}

var stockFields = []string{"id", "sku", "type", "parent_id", "manage_stock", "stock_quantity"}

func itemOf(l Link, sku string, managed woo.ManageStock, stock *woo.Decimal) *item {
	it := &item{link: l, sku: sku, managed: managed == woo.StockManaged}
	if it.managed && stock != nil {
		it.stock = &stock.Decimal
	}
	return it
}

// ofProduct is a product of a list, which is a variation where it was found by SKU.
func ofProduct(p *woo.Product) *item {
	if p.Type == woo.VariationProduct {
		return itemOf(LinkVariation(p.ParentID, woo.VariationID(p.ID), 0), p.SKU, p.ManageStock, p.StockQuantity)
	}
	return itemOf(LinkProduct(p.ID, 0), p.SKU, p.ManageStock, p.StockQuantity)
}

// itemsBySKU reads what the shop sells under some SKUs, as far as it is linked: a request for each hundred.
func (s *Sync) itemsBySKU(ctx context.Context, skus []string) ([]*item, error) {
	var found []*item
	for part := range slices.Chunk(skus, 100) {
		for p, err := range s.c.Shop.Products.All(ctx, woo.ProductQuery{SKU: part, Fields: stockFields}) {
			if err != nil {
				return nil, err
			}
			if slices.Contains(part, p.SKU) && p.Type != woo.VariableProduct { // the shop finds other letters' case too
				found = append(found, ofProduct(p))
			}
		}
	}
	return s.linked(ctx, found)
}

// itemsByID reads products and variations by the shop's ids of their links; those that are gone are left out.
func (s *Sync) itemsByID(ctx context.Context, ids []string) ([]*item, error) {
	var products []woo.ProductID
	variations := map[woo.ProductID][]woo.VariationID{}
	for _, id := range ids {
		p, v, err := itemID(id)
		switch {
		case err != nil:
			return nil, err
		case v == 0:
			products = append(products, p)
		default:
			variations[p] = append(variations[p], v)
		}
	}
	var found []*item
	for part := range slices.Chunk(products, 100) {
		for p, err := range s.c.Shop.Products.All(ctx, woo.ProductQuery{Include: part, Fields: stockFields}) {
			if err != nil {
				return nil, err
			}
			if p.Type != woo.VariableProduct {
				found = append(found, ofProduct(p))
			}
		}
	}
	for parent, wanted := range variations {
		for part := range slices.Chunk(wanted, 100) {
			for v, err := range s.c.Shop.Variations(parent).All(ctx, woo.VariationQuery{Include: part, Fields: stockFields}) {
				if err != nil {
					return nil, err
				}
				found = append(found, itemOf(LinkVariation(parent, v.ID, 0), v.SKU, v.ManageStock, v.StockQuantity))
			}
		}
	}
	return s.linked(ctx, found)
}

// everyItem goes through all linked products and variations of the shop, at most a hundred at a time.
func (s *Sync) everyItem(ctx context.Context, do func([]*item) error) error {
	var some []*item
	flush := func(least int) error {
		for len(some) > 0 && len(some) >= least {
			n := min(len(some), 100)
			items, err := s.linked(ctx, slices.Clone(some[:n]))
			if err == nil {
				err = do(items)
			}
			if err != nil {
				return err
			}
			some = slices.Delete(some, 0, n)
		}
		return nil
	}
	for e, err := range entries(ctx, s.c.Shop, stockFields, nil) {
		switch v := e.variation; {
		case err != nil:
			return err
		case v != nil:
			some = append(some, itemOf(e.link(), v.SKU, v.ManageStock, v.StockQuantity))
		case !e.parent():
			some = append(some, ofProduct(e.Product))
		}
		if err := flush(100); err != nil {
			return err
		}
	}
	return flush(1)
}

// itemID reads the shop's id of a product or variation, as links have it.
func itemID(id string) (woo.ProductID, woo.VariationID, error) {
	return Link{Kind: kindOf(id), Woo: id}.Item()
}

func kindOf(id string) LinkKind {
	if strings.Contains(id, "/") {
		return VariationLink
	}
	return ProductLink
}

// linked keeps the items that are linked, with what was agreed on for them, in the order of their SKUs.
func (s *Sync) linked(ctx context.Context, items []*item) ([]*item, error) {
	ids := map[LinkKind][]string{}
	for _, it := range items {
		ids[it.link.Kind] = append(ids[it.link.Kind], it.link.Woo)
		ids[StockLink] = append(ids[StockLink], it.link.Woo)
	}
	links := map[LinkKind]map[string]Link{}
	for kind, of := range ids {
		var err error
		if links[kind], err = s.find(ctx, kind, Woo, of...); err != nil {
			return nil, err
		}
	}
	items = slices.DeleteFunc(items, func(it *item) bool {
		l, has := links[it.link.Kind][it.link.Woo]
		if has {
			it.link = l
			if sum := links[StockLink][l.Woo]; sum.Sitoo == l.Sitoo {
				it.agreed = readAgreed(sum.Sum)
			}
		}
		return !has
	})
	slices.SortFunc(items, func(a, b *item) int { return strings.Compare(a.sku, b.sku) })
	return items, nil
}

// agree keeps what was agreed on for items, where it is new.
func (s *Sync) agree(ctx context.Context, on map[*item]agreed) error {
	var links, stale []Link
	for it, a := range on {
		l := Link{Kind: StockLink, Woo: it.link.Woo, Sitoo: it.link.Sitoo, Sum: a.String()}
		switch {
		case a.String() == it.agreed.String():
		case !a.known:
			stale = append(stale, l)
		default:
			links = append(links, l)
		}
		it.agreed = a
	}
	if len(stale) > 0 {
		if err := s.c.Links.Remove(ctx, stale); err != nil {
			return err
		}
	}
	if len(links) == 0 {
		return nil
	}
	slices.SortFunc(links, func(a, b Link) int { return strings.Compare(a.Woo, b.Woo) })
	return s.put(ctx, links...)
}
