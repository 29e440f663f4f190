package eurofakturasync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/eurofaktura"
)

// mostKnown bounds what is remembered of codes that the books have.
const mostKnown = 100_000

// introduce makes an order's products and its buyer known to the books. What is there already is left alone: there it is looked after.
func (s *Sync) introduce(ctx context.Context, f *eurofaktura.SalesOrderFields) error {
	if !s.c.NoProducts {
		if err := s.introduceProducts(ctx, f); err != nil {
			return err
		}
	}
	if code, ok := f.BuyerCode.Get(); ok && code != "" && !s.c.NoBuyers {
		return s.introduceBuyer(ctx, code, f)
	}
	return nil
}

func (s *Sync) introduceProducts(ctx context.Context, f *eurofaktura.SalesOrderFields) error {
	var unknown []string
	items := map[string]*eurofaktura.ItemFields{}
	for i := range f.Items {
		code, ok := f.Items[i].ProductCode.Get()
		if ok && items[code] == nil && !s.knows("p/"+code) {
			items[code] = &f.Items[i]
			unknown = append(unknown, code)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	rows, _, err := s.c.Books.Products.List(ctx, eurofaktura.ProductQuery{Codes: unknown})
	if err != nil && !errors.Is(err, eurofaktura.ErrMalformed) {
		return fmt.Errorf("eurofakturasync: looking for products in the books: %w", err)
	}
	for _, row := range rows {
		if slices.Contains(unknown, row.Code) {
			s.learn("p/" + row.Code)
		}
	}
	for _, code := range unknown {
		if s.knows("p/" + code) {
			continue
		}
		if err := s.c.Books.Products.Import(ctx, s.product(code, items[code])); err != nil {
			return fmt.Errorf("eurofakturasync: creating product %s in the books: %w", code, err)
		}
		s.log.InfoContext(ctx, "product created", "code", code)
		s.learn("p/" + code)
	}
	return nil
}

// product is an article made of what an order says of it. No price is given: it is the order's, not the catalogue's, and each order
// brings its own.
func (s *Sync) product(code string, it *eurofaktura.ItemFields) eurofaktura.ProductFields {
	name, _ := it.ProductName.Get()
	return eurofaktura.ProductFields{
		Code: eurofaktura.Set(code), Name: eurofaktura.Set(first(name, code)), Description: eurofaktura.Set(first(name, code)),
		Status: eurofaktura.Set("active"), Type: eurofaktura.Text(s.c.ProductType), Unit: eurofaktura.Text(s.c.Unit),
		VATPercentage:      it.VATPercentage,
		AllowChangeOfPrice: eurofaktura.Set(true), AllowChangeOfVATRate: eurofaktura.Set(true), AllowChangeDescription: eurofaktura.Set(true),
	}
}

func (s *Sync) introduceBuyer(ctx context.Context, code string, f *eurofaktura.SalesOrderFields) error {
	if s.knows("b/" + code) {
		return nil
	}
	_, err := s.c.Books.Partners.Get(ctx, code)
	switch {
	case err == nil:
		s.learn("b/" + code)
		return nil
	case !errors.Is(err, eurofaktura.ErrNotFound):
		return fmt.Errorf("eurofakturasync: looking for buyer %s in the books: %w", code, err)
	}
	text := func(v eurofaktura.Field[string]) string {
		s, _ := v.Get()
		return s
	}
	p := eurofaktura.PartnerFields{
		Code: eurofaktura.Set(code), Email: f.BuyerEmail, Telephone: f.BuyerPhone, FirstName: f.BuyerFirstName, LastName: f.BuyerLastName,
		TaxID: f.BuyerTaxNumber, BuyerData: eurofaktura.Set(eurofaktura.BuyerDataFields{BuyerCode: eurofaktura.Set(code)}),
		Addresses: []eurofaktura.AddressFields{{
			Type: "Primary", Street: text(f.BuyerStreet), PostalCode: text(f.BuyerPostalCode), City: text(f.BuyerCity),
			Country: text(f.BuyerCountry), Telephone: text(f.BuyerPhone),
		}},
	}
	if name := text(f.BuyerName); name != first(text(f.BuyerFirstName)+" "+text(f.BuyerLastName)) {
		p.CompanyName = eurofaktura.Text(name)
	}
	if _, err := s.c.Books.Partners.Import(ctx, p); err != nil {
		return fmt.Errorf("eurofakturasync: creating buyer %s in the books: %w", code, err)
	}
	s.log.InfoContext(ctx, "buyer created", "code", code)
	s.learn("b/" + code)
	return nil
}

func (s *Sync) knows(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[code]
}

func (s *Sync) learn(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= mostKnown {
		clear(s.known)
	}
	s.known[code] = true
}

// forget drops what was believed to be known when the books refuse an order: a product may have been deleted there.
func (s *Sync) forget(err error) {
	if !errors.Is(err, eurofaktura.ErrValidation) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
}
