package sitoosync

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// IsClickAndCollect reports whether a shop's order is fetched in a store: one of its shipping lines has one of the methods, by the
// method's id alone, whatever the instance ("local_pickup", not "local_pickup:3").
func IsClickAndCollect(o *woo.Order, methods []string) bool {
	return slices.ContainsFunc(o.ShippingLines, func(l woo.ShippingLine) bool { return slices.Contains(methods, l.MethodID) })
}

// Rows are a shop's order as the till has it.
type Rows struct {
	Items []sitoo.OrderItemFields
	// Difference is what the order costs more in the shop than its rows do here: 0 when shipping and fees are among them. It is to be
	// seen, never to be made up for by an invented row.
	Difference decimal.Decimal
}

// RowsOf makes the rows of a shop's order: amounts with VAT, of the whole row, before discount and the discount; the VAT rate as
// the order's tax lines have it, not worked out from rounded amounts. extras adds a row for each shipping line and fee that costs
// something, save those of the methods of click and collect. A negative fee has no row, since Sitoo does not say whether it takes
// one.
func RowsOf(o *woo.Order, extras bool, clickAndCollect []string) Rows {
	var r Rows
	rates := map[woo.TaxRateID]decimal.Decimal{}
	for _, t := range o.TaxLines {
		rates[t.RateID] = t.RatePercent.Decimal
	}
	left := o.Total.Decimal
	add := func(name, sku string, quantity decimal.Decimal, before, after decimal.Decimal, taxes []woo.Tax) {
		item := sitoo.OrderItemFields{
			Name: name, SKU: sku, VATValue: sitoo.NewPercent(vatOf(taxes, rates)), RowPrice: sitoo.NewMoney(before.Round(2)),
		}
		item.Quantity = int(quantity.IntPart())
		if !quantity.IsInteger() {
			item.Quantity, item.UnitQuantity = 1, sitoo.Set(sitoo.NewQuantity(quantity))
		}
		discount := before.Round(2).Sub(after.Round(2))
		if !discount.IsZero() {
			item.RowDiscount = sitoo.Set(sitoo.NewMoney(discount))
		}
		r.Items = append(r.Items, item)
		left = left.Sub(after.Round(2))
	}
	for _, l := range o.LineItems {
		if l.Quantity.IsZero() {
			continue
		}
		sku := ""
		if l.SKU != nil && sitoo.ValidSKU(*l.SKU) {
			sku = *l.SKU
		}
		add(named(l.Name, "Item"), sku, l.Quantity.Decimal, l.Subtotal.Add(l.SubtotalTax.Decimal), l.Total.Add(l.TotalTax.Decimal), l.Taxes)
	}
	if extras {
		one := decimal.NewFromInt(1)
		for _, l := range o.ShippingLines {
			if gross := l.Total.Add(l.TotalTax.Decimal); gross.Sign() > 0 && !slices.Contains(clickAndCollect, l.MethodID) {
				add(named(l.MethodTitle, "Shipping"), "", one, gross, gross, l.Taxes)
			}
		}
		for _, l := range o.FeeLines {
			if gross := l.Total.Add(l.TotalTax.Decimal); gross.Sign() > 0 {
				add(named(l.Name, "Fee"), "", one, gross, gross, l.Taxes)
			}
		}
	}
	r.Difference = left
	return r
}

func named(name, otherwise string) string {
	if name == "" {
		return otherwise // Sitoo takes no row without a name
	}
	return name
}

// vatOf is the sum of the rates that take a part of a line. A rate that is in the list with no amount does not apply.
func vatOf(taxes []woo.Tax, rates map[woo.TaxRateID]decimal.Decimal) decimal.Decimal {
	sum := decimal.Zero
	for _, t := range taxes {
		if t.Total.IsSet() && !t.Total.IsZero() || t.Subtotal.IsSet() && !t.Subtotal.IsZero() {
			sum = sum.Add(rates[t.ID])
		}
	}
	return sum
}

// LineOf makes a line of a shop's order of a row of the till's; product may be a variation's id, and is 0 when none is linked.
// Amounts are without VAT: the shop works its own VAT out when it saves the order.
func LineOf(row sitoo.OrderItem, product woo.ProductID) woo.LineItemFields {
	quantity := decimal.NewFromInt(int64(row.Quantity))
	if row.UnitQuantity != nil && !row.UnitQuantity.IsZero() {
		quantity = quantity.Mul(row.UnitQuantity.Decimal)
	}
	subtotal := row.TotalNet.Decimal
	if !row.DiscountNet.IsZero() {
		subtotal = row.OriginalNet.Mul(decimal.NewFromInt(int64(row.Quantity)))
	}
	line := woo.LineItemFields{
		Name: woo.Set(row.Name), Quantity: woo.Set(quantity), Subtotal: woo.Set(subtotal), Total: woo.Set(row.TotalNet.Decimal),
	}
	if product != 0 {
		line.ProductID = woo.Set(product)
	}
	return line
}
