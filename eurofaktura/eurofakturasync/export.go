package eurofakturasync

import (
	"context"
	"errors"
	"fmt"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/woo"
)

// ExportReport counts what ExportProducts did.
type ExportReport struct {
	Read    int // active products of the books that are to be seen online
	Known   int // whose code the shop has as a SKU already: they are left as they are
	Created int // that were made in the shop, as drafts
	Failed  int // that the shop refused; the error names them
}

// creator is a Shop that can make products. The legacy API is not one: that button is the "WooCommerce 3.6+" platform's alone.
type creator interface {
	// create makes products and returns an error, or nil, for each. A SKU that is taken is woo.ErrDuplicate.
	create(ctx context.Context, products []*eurofaktura.Product) ([]error, error)
}

// ExportProducts makes in the shop every active product of the books whose code the shop does not have, with name, description and retail price.
// They are drafts: a person gives them a category and a picture before they can be bought. SKUs are unique in a shop, so a run that was cut
// off, or whose answers were lost, may be repeated at any time and makes nothing twice. It needs Config.Shop to be a [V3] with a key that may
// write.
func (s *Sync) ExportProducts(ctx context.Context) (report ExportReport, err error) {
	shop, ok := s.c.Shop.(creator)
	if !ok {
		return report, errors.New("eurofakturasync: ExportProducts needs Config.Shop to be a V3: the legacy API is not used to make products")
	}
	known := map[string]bool{}
	for a, err := range s.c.Shop.Articles(ctx) {
		if err != nil {
			return report, fmt.Errorf("eurofakturasync: reading the shop's products: %w", err)
		}
		known[ProductCode(a.SKU)] = true
	}
	var fresh []*eurofaktura.Product
	for p, err := range s.c.Books.Products.All(ctx, eurofaktura.ProductQuery{Status: "active"}) {
		if err != nil {
			return report, fmt.Errorf("eurofakturasync: reading the books' products: %w", err)
		}
		if p.Code == "" || p.OnlineVisibility == "hiddenOnline" || p.Status != "" && p.Status != "active" {
			continue
		}
		if report.Read++; known[p.Code] {
			report.Known++
			continue
		}
		fresh = append(fresh, p)
	}
	errs, err := shop.create(ctx, fresh)
	var failed []error
	for i, p := range fresh {
		switch {
		case i < len(errs) && errs[i] == nil:
			report.Created++
		case i < len(errs) && errors.Is(errs[i], woo.ErrDuplicate): // in the trash, or made meanwhile
			report.Known++
		default:
			report.Failed++
			if i < len(errs) {
				failed = append(failed, fmt.Errorf("product %s: %w", p.Code, errs[i]))
			}
		}
	}
	if err = errors.Join(append(failed, err)...); err != nil {
		return report, fmt.Errorf("eurofakturasync: making products in the shop: %w", err)
	}
	return report, nil
}

func (s v3) create(ctx context.Context, products []*eurofaktura.Product) ([]error, error) {
	fields := make([]woo.ProductFields, len(products))
	for i, p := range products {
		fields[i] = woo.ProductFields{
			Name: woo.Set(first(p.Name, p.Code)), SKU: woo.Set(p.Code), Type: woo.Set(woo.SimpleProduct), Status: woo.Set(woo.ProductDraft),
			Description: woo.Set(p.Description),
		}
		if p.RetailPrice.IsPositive() {
			fields[i].RegularPrice = woo.Set(p.RetailPrice.Decimal)
		}
	}
	results, err := s.shop.Products.CreateAll(ctx, fields)
	errs := make([]error, len(results))
	for i, r := range results {
		errs[i] = r.Err
	}
	return errs, err
}
