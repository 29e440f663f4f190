package sitoosync

import (
	"context"
	"errors"
	"strings"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// sendProduct sends what has changed of one linked product of the shop, its variations included (row T4). One that is linked nowhere
// is left: products are made by full syncs alone. What was written by us last is no change.
func (s *Sync) sendProduct(ctx context.Context, id string) error {
	id, _, _ = strings.Cut(id, "/")
	n, err := idOf[woo.ProductID](id)
	if err != nil {
		return retryqueue.Permanent(err)
	}
	product, err := s.c.Shop.Products.Get(ctx, n)
	switch {
	case errors.Is(err, woo.ErrNotFound):
		return s.hideProduct(ctx, n)
	case err != nil:
		return err
	case product.Type == woo.VariationProduct:
		return s.sendProduct(ctx, number(product.ParentID))
	case product.Status == woo.ProductTrash:
		return s.hideProduct(ctx, product.ID)
	case s.external(product):
		return nil
	}
	w, err := s.wareOf(ctx, product)
	if err != nil {
		return err
	}
	k, err := s.readCatalogue(ctx)
	if err != nil {
		return err
	}
	if err := s.retype(ctx, w); err != nil {
		return err
	}
	u := &upload{s: s, p: &pass{sync: s}, k: k, changed: true, families: true}
	if err := u.findLinks(ctx, []*ware{w}); err != nil {
		return err
	}
	if len(w.ids) == 0 {
		return nil
	}
	if len(w.ids) < len(w.articles) { // a variation was added to a linked family
		if err := u.readSKUs(ctx, w); err != nil {
			return err
		}
	}
	u.chunk = []*ware{w}
	return u.flush(ctx)
}

// readSKUs asks the till for the SKUs of what is not linked, one by one.
func (u *upload) readSKUs(ctx context.Context, w *ware) error {
	u.index = map[string]sitoo.ProductID{}
	for _, a := range w.articles {
		if _, linked := w.ids[a]; linked || !sitoo.ValidSKU(a.sku) {
			continue
		}
		query := sitoo.ProductQuery{SKU: a.sku, IncludeInactive: true, Fields: []string{"productid", "sku"}}
		found, _, err := u.s.c.Till.Products.List(ctx, query)
		if err != nil {
			return err
		}
		for _, p := range found {
			if p.SKU == a.sku {
				u.index[a.sku] = p.ID
			}
		}
	}
	return nil
}

// linksOf are the links of a product and of its variations.
func (s *Sync) linksOf(ctx context.Context, id woo.ProductID) (simple, variations []Link, err error) {
	found, err := s.find(ctx, ProductLink, Woo, number(id))
	if err != nil {
		return nil, nil, err
	}
	for _, l := range found {
		simple = append(simple, l)
	}
	for l, err := range s.c.Links.All(ctx, VariationLink) {
		if err != nil {
			return nil, nil, err
		}
		if strings.HasPrefix(l.Woo, number(id)+"/") {
			variations = append(variations, l)
		}
	}
	return simple, variations, nil
}

// hideProduct takes what the shop has no longer out of sale in the till. It is not deleted: its sales and its stock stay, and so does
// the link, by which it comes back when the shop restores it.
func (s *Sync) hideProduct(ctx context.Context, id woo.ProductID) error {
	simple, variations, err := s.linksOf(ctx, id)
	if err != nil {
		return err
	}
	return s.hide(ctx, append(simple, variations...))
}

const hidden = "hidden" // the sum of what hide has written: never that of an article

func (s *Sync) hide(ctx context.Context, links []Link) error {
	var changes []sitoo.Change[sitoo.ProductID, sitoo.ProductFields]
	var written []Link
	for _, l := range links {
		id, err := idOf[sitoo.ProductID](l.Sitoo)
		if err != nil {
			return err
		}
		if l.Sum != hidden {
			l.Sum = hidden
			out := sitoo.ProductFields{Active: sitoo.Set(false), ActivePOS: sitoo.Set(false)}
			changes = append(changes, sitoo.ChangeOf(id, out))
			written = append(written, l)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	results, err := s.c.Till.Products.PlanUpdate(changes).Run(ctx)
	for _, r := range results {
		if !errors.Is(r.Err, sitoo.ErrNotFound) { // what the till does not have is out of sale
			err = errors.Join(err, r.Err)
		}
	}
	if err != nil {
		return err
	}
	return s.put(ctx, written...)
}

// retype follows a product that has become a variable one, or has ceased to be one: its former counterparts are hidden and linked no
// longer. One whose SKU an article has now is linked to that by its SKU again.
func (s *Sync) retype(ctx context.Context, w *ware) error {
	simple, variations, err := s.linksOf(ctx, w.product.ID)
	if err != nil {
		return err
	}
	former := simple
	if !w.family() {
		former = variations
	}
	if len(former) == 0 {
		return nil
	}
	s.log.WarnContext(ctx, "the product's type has changed", "product", w.product.ID, "type", w.product.Type)
	if err := s.hide(ctx, former); err != nil {
		return err
	}
	if err := s.c.Links.Remove(ctx, former); err != nil {
		return err
	}
	u := &upload{s: s, p: &pass{sync: s}}
	if err := u.readSKUs(ctx, w); err != nil {
		return err
	}
	if err := u.linkBySKU(ctx, []*ware{w}); err != nil {
		return err
	}
	for _, l := range w.links {
		l.Sum = hidden
		if err := s.put(ctx, l); err != nil {
			return err
		}
	}
	return nil
}
