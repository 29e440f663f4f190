package woo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// What is refused here the shop would take without a word and turn into something else: a single write is checked by the shop,
// in a batch it checks nothing. So the shop's own vocabulary is checked where no plugin can add to it.

// check refuses what is never an order status. The shop makes such an order pending, or takes it out of every list.
func (s OrderStatus) check() error {
	switch {
	case s == "":
		return errors.New("an empty status")
	case strings.HasPrefix(string(s), "wc-"):
		return fmt.Errorf("%q: a status has no wc- in front", string(s))
	case strings.Trim(string(s), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
		return fmt.Errorf("%q: a status is of lower-case letters, digits and dashes", string(s))
	}
	return nil
}

func (f OrderFields) check() error {
	if f.Status.IsNull() {
		return errors.New("status: null")
	}
	if s, ok := f.Status.Get(); ok {
		if s == OrderAny || s == OrderAutoDraft {
			return fmt.Errorf("status: %s hides the order from every list", s)
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("status: %w", err)
		}
	}
	return nil
}

func (f ProductFields) check() error {
	return errors.Join(
		among("catalog_visibility", f.CatalogVisibility, Visible, CatalogOnly, SearchOnly, HiddenProduct),
		among("tax_status", f.TaxStatus, Taxable, ShippingOnly, NotTaxed),
		among("backorders", f.Backorders, BackordersNo, BackordersNotify, BackordersYes),
		among("manage_stock", f.ManageStock, StockUnmanaged, StockManaged),
		checkStock(f.StockQuantity),
	)
}

func (f VariationFields) check() error {
	return errors.Join(
		among("tax_status", f.TaxStatus, Taxable, ShippingOnly, NotTaxed),
		among("backorders", f.Backorders, BackordersNo, BackordersNotify, BackordersYes),
		among("manage_stock", f.ManageStock, StockUnmanaged, StockManaged, StockByParent),
		checkStock(f.StockQuantity),
	)
}

func (f CustomerFields) check() error { return nil } // the shop checks its e-mail addresses in batches too

func among[T ~string](name string, f Field[T], allowed ...T) error {
	v, ok := f.Get()
	switch {
	case f.IsZero(), ok && slices.Contains(allowed, v):
		return nil
	case f.IsNull():
		return fmt.Errorf("%s: null", name)
	}
	return fmt.Errorf("%s: %q is none of %q", name, v, allowed)
}

func checkStock(f Field[decimal.Decimal]) error {
	if f.IsNull() {
		return errors.New("stock_quantity: null, which the shop takes for 0: set 0, or manage_stock to false")
	}
	return nil
}

// checkInBatch refuses what is right or wrong by the shop's plugins, so that the shop alone can say, and in a batch does not: without a
// plugin it cuts a fractional stock off to a whole number.
func checkInBatch(w any) error {
	var stock Field[decimal.Decimal]
	switch w := w.(type) {
	case ProductFields:
		stock = w.StockQuantity
	case VariationFields:
		stock = w.StockQuantity
	}
	if v, ok := stock.Get(); ok && !v.IsInteger() {
		return fmt.Errorf("stock_quantity: in a batch the shop may cut %s off to a whole number: update it alone", v)
	}
	return nil
}
