package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// fixSKU carries out what FixSKUs plans (row X3), for products and variations. A repaired SKU that the shop refuses all the same,
// since something in its trash has it, gets the record's id behind it. Where the record is linked the till's product gets the new SKU
// too: it is the key of its stock. A dry run tells each change.
func (s *Sync) fixSKU(ctx context.Context, p *pass) error {
	p.step("SKUs of the shop", 0)
	fixes, parents, err := s.planSKUs(ctx)
	if err != nil {
		return err
	}
	p.step("SKUs of the shop", len(fixes))
	for _, fix := range fixes {
		if p.will(1, "product %d: SKU %q becomes %q", fix.ID, fix.Old, fix.New) {
			if err := p.fail(ctx, s.fixOne(ctx, fix, parents[fix.ID])); err != nil {
				return err
			}
		}
		p.did(1)
	}
	return nil
}

func (s *Sync) fixSKUCost(ctx context.Context) (int, error) {
	fixes, _, err := s.planSKUs(ctx)
	return len(fixes), err
}

// planSKUs reads all SKUs of the shop, and plans; parents are of the variations.
func (s *Sync) planSKUs(ctx context.Context) (fixes []SKUFix, parents map[int64]woo.ProductID, err error) {
	var items []SKUItem
	parents = map[int64]woo.ProductID{}
	for e, err := range entries(ctx, s.c.Shop, []string{"id", "sku", "type"}, nil) {
		switch {
		case err != nil:
			return nil, nil, err
		case s.external(e.Product), e.parent() && e.SKU == "":
		case e.variation != nil:
			parents[int64(e.variation.ID)] = e.ID
			items = append(items, SKUItem{int64(e.variation.ID), e.ownSKU()})
		default: // a parent too: it never goes to the till, but its SKU is taken
			items = append(items, SKUItem{int64(e.ID), e.SKU})
		}
	}
	fixes, err = FixSKUs(items, s.c.SKUPrefix)
	return fixes, parents, err
}

func (s *Sync) fixOne(ctx context.Context, fix SKUFix, parent woo.ProductID) error {
	l := LinkProduct(woo.ProductID(fix.ID), 0)
	if parent != 0 {
		l = LinkVariation(parent, woo.VariationID(fix.ID), 0)
	}
	write := func(sku string) (err error) {
		if parent != 0 {
			_, err = s.c.Shop.Variations(parent).Update(ctx, woo.VariationID(fix.ID), woo.VariationFields{SKU: woo.Set(sku)})
		} else {
			_, err = s.c.Shop.Products.Update(ctx, woo.ProductID(fix.ID), woo.ProductFields{SKU: woo.Set(sku)})
		}
		return err
	}
	err := write(fix.New)
	if errors.Is(err, woo.ErrDuplicate) {
		fix.New = fmt.Sprintf("%s-%d", fix.New, fix.ID)
		err = write(fix.New)
	}
	if err != nil {
		return fmt.Errorf("product %d: the SKU %q for %q: %w", fix.ID, fix.New, fix.Old, err)
	}
	found, err := s.find(ctx, l.Kind, Woo, l.Woo)
	if err != nil {
		return err
	}
	if l, linked := found[l.Woo]; linked {
		id, err := idOf[sitoo.ProductID](l.Sitoo)
		if err != nil {
			return err
		}
		return s.c.Till.Products.Update(ctx, id, sitoo.ProductFields{SKU: sitoo.Set(fix.New)})
	}
	return nil
}

// fixImages sends the pictures of linked products once more whose names in the till are such as it refuses, or are shared by several
// products of the shop, where one would show the other's picture (row X4). The shop's own files keep their names: its REST interface
// cannot change them.
func (s *Sync) fixImages(ctx context.Context, p *pass) error {
	p.step("names of the till's pictures", 0)
	owners := map[string]woo.ProductID{}
	wanted := map[woo.ProductID]bool{}
	for _, kind := range []LinkKind{ProductLink, VariationLink} {
		for l, err := range s.c.Links.All(ctx, kind) {
			if err != nil {
				return err
			}
			product, _, err := l.Item()
			if err != nil {
				return err
			}
			id, err := idOf[sitoo.ProductID](l.Sitoo)
			if err != nil {
				return err
			}
			names, err := imageNames(ctx, s.c.Till.Images(id))
			if err != nil {
				return err
			}
			for _, name := range names {
				owner, shared := owners[name]
				if shared && owner != product {
					wanted[owner], wanted[product] = true, true
				}
				if !sitoo.ValidResourceID(name) {
					wanted[product] = true
				}
				owners[name] = product
			}
			p.did(1)
		}
	}
	return s.resendImages(ctx, p, wanted)
}

func (s *Sync) resendImages(ctx context.Context, p *pass, wanted map[woo.ProductID]bool) error {
	u := &upload{s: s, p: p, images: true}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		product, err := s.c.Shop.Products.Get(ctx, id)
		if errors.Is(err, woo.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		w, err := s.wareOf(ctx, product)
		if err != nil {
			return err
		}
		u.chunk = append(u.chunk, w)
		if err := u.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sync) fixImagesCost(ctx context.Context) (int, error) {
	n, err := s.countProducts(ctx)
	return n.articles + imagesCost(n), err
}
