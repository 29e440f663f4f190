package eurofakturasync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/eurofaktura"
)

// StockReport counts what PushStock did.
type StockReport struct {
	Read      int // articles of the shop with a SKU whose stock it counts
	Changed   int // whose stock was written
	Unchanged int // that had it already
	Unknown   int // that the books say nothing of: they are left as they are
	Failed    int // that the shop refused
}

// stockAtOnce is for how many products the books are asked in one call.
const stockAtOnce = 500

// PushStock writes the warehouse's stock into the shop: what is available, that is on hand less what orders reserve. Fractions are cut
// off, and less than nothing is nothing. Only what the books name is written: an article that is missing from their answer keeps its
// stock, and an answer that names none of many articles is an error, not an empty warehouse. It needs Config.Shop with a key that may
// write. The error is that of a run that could not be completed; it may be repeated at any time.
func (s *Sync) PushStock(ctx context.Context) (report StockReport, err error) {
	if s.c.Shop == nil {
		return report, errors.New("eurofakturasync: PushStock needs Config.Shop")
	}
	var articles []*Article
	for a, err := range s.c.Shop.Articles(ctx) {
		switch {
		case err != nil:
			var one interface{ Permanent() bool }
			if errors.As(err, &one) && one.Permanent() { // a record that cannot be read
				report.Failed++
				continue
			}
			return report, fmt.Errorf("eurofakturasync: reading the shop's products: %w", err)
		case strings.TrimSpace(a.SKU) != "" && a.Managed:
			articles = append(articles, a)
		}
	}
	report.Read = len(articles)
	stock, err := s.stock(ctx, articles)
	if err != nil {
		return report, err
	}
	if len(articles) > 1 && len(stock) == 0 {
		return report, fmt.Errorf("eurofakturasync: the books name the stock of none of %d articles: check the warehouse %q and the codes",
			len(articles), s.c.Warehouse)
	}
	var levels []Level
	for _, a := range articles {
		quantity, ok := stock[ProductCode(a.SKU)]
		pieces := max(0, quantity.Floor().IntPart())
		switch {
		case !ok:
			report.Unknown++
		case a.Stock != nil && a.Stock.Equal(decimal.NewFromInt(pieces)):
			report.Unchanged++
		default:
			levels = append(levels, Level{a, pieces})
		}
	}
	errs, err := s.c.Shop.SetStock(ctx, levels)
	for i := range levels {
		if i < len(errs) && errs[i] == nil {
			report.Changed++
		} else {
			report.Failed++
		}
	}
	if err == nil {
		err = errors.Join(errs...)
	}
	if err != nil {
		return report, fmt.Errorf("eurofakturasync: writing the shop's stock: %w", err)
	}
	return report, nil
}

// stock asks the books for what is available of articles, by code.
func (s *Sync) stock(ctx context.Context, articles []*Article) (map[string]decimal.Decimal, error) {
	all := map[string]decimal.Decimal{}
	for from := 0; from < len(articles); from += stockAtOnce {
		var codes []string
		for _, a := range articles[from:min(from+stockAtOnce, len(articles))] {
			codes = append(codes, ProductCode(a.SKU))
		}
		rows, page, err := s.c.Books.Warehouse.Stock(ctx, eurofaktura.StockQuery{
			Type: eurofaktura.StockAvailable, Warehouse: s.c.Warehouse, Codes: codes, Status: "active", WithZero: true,
		})
		if err != nil && !errors.Is(err, eurofaktura.ErrMalformed) {
			return nil, fmt.Errorf("eurofakturasync: reading the stock: %w", err)
		}
		if page.Capped {
			return nil, errors.New("eurofakturasync: the books' answer on stock is full: rows may be missing")
		}
		for _, row := range rows {
			if row.Warehouse == "" || row.Warehouse == s.c.Warehouse {
				all[row.ProductCode] = row.Quantity.Decimal
			}
		}
	}
	return all, nil
}

// ImportProducts creates or changes in the books every article of the shop that has a SKU, 5,000 in a call, and returns how many there
// were. Prices are the shop's, as prices with VAT.
func (s *Sync) ImportProducts(ctx context.Context) (n int, err error) {
	if s.c.Shop == nil {
		return 0, errors.New("eurofakturasync: ImportProducts needs Config.Shop")
	}
	var fields []eurofaktura.ProductFields
	for a, err := range s.c.Shop.Articles(ctx) {
		if err != nil {
			return 0, fmt.Errorf("eurofakturasync: reading the shop's products: %w", err)
		}
		code := ProductCode(a.SKU)
		if code == "" {
			continue
		}
		f := eurofaktura.ProductFields{
			Code: eurofaktura.Set(code), Name: eurofaktura.Set(first(a.Name, code)), Status: eurofaktura.Set("active"),
			Type: eurofaktura.Text(s.c.ProductType), Unit: eurofaktura.Text(s.c.Unit),
			AllowChangeOfPrice: eurofaktura.Set(true), AllowChangeOfVATRate: eurofaktura.Set(true), AllowChangeDescription: eurofaktura.Set(true),
		}
		if a.Price.IsPositive() {
			f.RetailPrice = eurofaktura.Set(a.Price)
		}
		fields = append(fields, f)
	}
	_, err = s.c.Books.Products.PlanImport(fields).Run(ctx)
	return len(fields), err
}
