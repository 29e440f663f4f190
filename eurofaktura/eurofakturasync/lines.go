package eurofakturasync

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/woo"
)

// line is one line of an order, whatever it is of.
type line struct {
	code, name, text string // of a product; text alone where there is none
	quantity         decimal.Decimal
	net, tax         decimal.Decimal // after discounts
	rate             decimal.Decimal // percent
	rateKnown        bool
	charge           bool // shipping or fee: takes a cent of rounding before goods do
}

func (l *line) gross() decimal.Decimal { return l.net.Add(l.tax) }

var (
	one     = decimal.NewFromInt(1)
	hundred = decimal.NewFromInt(100)
	half    = decimal.RequireFromString("0.005")
)

const (
	cents       = 2 // places of a document's amounts
	priceDigits = 6 // places of a price
)

// lines are an order's goods, shipping and fees. Discounts are already in the goods' totals; a negative fee is a line with a negative
// price.
func (c *Config) lines(o *woo.Order) []line {
	var all []line
	for i := range o.LineItems {
		it := &o.LineItems[i]
		l := line{name: it.Name, quantity: it.Quantity.Decimal, net: it.Total.Decimal, tax: it.TotalTax.Decimal}
		if it.SKU != nil {
			l.code = ProductCode(*it.SKU)
		}
		if l.code == "" {
			l.code = c.FallbackProduct
		}
		l.text = it.Name
		l.rate, l.rateKnown = c.rate(o, it.Taxes, l.net, l.tax)
		if l.quantity.IsZero() {
			if l.gross().IsZero() {
				continue // nothing was sold, and nothing taken for it
			}
			l.quantity = one
		}
		all = append(all, l)
	}
	shipping := shippingTaxes(o)
	for i := range o.ShippingLines {
		s := &o.ShippingLines[i]
		l := line{code: c.ShippingProduct, name: s.MethodTitle, text: s.MethodTitle, quantity: one, net: s.Total.Decimal, tax: shipping[i], charge: true}
		if l.text == "" {
			l.text = "Shipping"
		}
		l.rate, l.rateKnown = c.rate(o, s.Taxes, l.net, l.tax)
		if !l.gross().IsZero() {
			all = append(all, l)
		}
	}
	for i := range o.FeeLines {
		f := &o.FeeLines[i]
		l := line{code: c.FeeProduct, name: f.Name, text: f.Name, quantity: one, net: f.Total.Decimal, tax: f.TotalTax.Decimal, charge: true}
		if l.text == "" {
			l.text = "Fee"
		}
		l.rate, l.rateKnown = c.rate(o, f.Taxes, l.net, l.tax)
		if !l.gross().IsZero() {
			all = append(all, l)
		}
	}
	if len(all) == 0 { // a document without lines is refused
		text := "Order without lines"
		all = append(all, line{name: text, text: text, quantity: one, net: o.Total.Sub(o.TotalTax.Decimal), tax: o.TotalTax.Decimal, charge: true})
		all[0].rate, all[0].rateKnown = c.rate(o, nil, all[0].net, all[0].tax)
	}
	return all
}

// shippingTaxes are the taxes of the shipping lines. The legacy API tells their sum only: it is shared out by what each costs.
func shippingTaxes(o *woo.Order) []decimal.Decimal {
	taxes := make([]decimal.Decimal, len(o.ShippingLines))
	told, net := false, decimal.Zero
	for i := range o.ShippingLines {
		taxes[i] = o.ShippingLines[i].TotalTax.Decimal
		told = told || o.ShippingLines[i].TotalTax.IsSet() || len(o.ShippingLines[i].Taxes) > 0
		net = net.Add(o.ShippingLines[i].Total.Decimal)
	}
	if told || net.IsZero() || o.ShippingTax.IsZero() {
		return taxes
	}
	left := o.ShippingTax.Decimal
	for i := range taxes {
		taxes[i] = o.ShippingTax.Mul(o.ShippingLines[i].Total.Decimal).DivRound(net, 2)
		if i == len(taxes)-1 {
			taxes[i] = left
		}
		left = left.Sub(taxes[i])
	}
	return taxes
}

// rate tells which percentage of VAT a line was sold with: as the order names it, else the roundest number that explains the tax.
func (c *Config) rate(o *woo.Order, taxes []woo.Tax, net, tax decimal.Decimal) (rate decimal.Decimal, known bool) {
	var rates []decimal.Decimal // in use on this order
	factor, named := one, false
	for _, t := range o.TaxLines {
		if !t.RatePercent.IsSet() {
			continue
		}
		rates = append(rates, t.RatePercent.Decimal)
		if !slices.ContainsFunc(taxes, func(x woo.Tax) bool { return x.ID == t.RateID && !x.Total.IsZero() }) {
			continue
		}
		percent := t.RatePercent.Div(hundred)
		switch {
		case !named:
			factor = one.Add(percent)
		case t.Compound:
			factor = factor.Mul(one.Add(percent))
		default:
			factor = factor.Add(percent)
		}
		named = true
	}
	if named {
		if rate := factor.Sub(one).Mul(hundred).Round(4); explains(rate, net, tax) {
			return rate, true
		}
	}
	switch {
	case tax.IsZero():
		return decimal.Zero, true
	case net.IsZero() || net.Sign() != tax.Sign():
		return decimal.Zero, false
	}
	for _, r := range slices.Concat(rates, c.VATRates) {
		if explains(r, net, tax) {
			return r, true
		}
	}
	for digits := range int32(5) {
		if r := tax.Mul(hundred).DivRound(net, digits); explains(r, net, tax) {
			return r, true
		}
	}
	return tax.Mul(hundred).DivRound(net, 4), true
}

// explains reports whether a rate makes the tax of the net amount, but for rounding.
func explains(rate, net, tax decimal.Decimal) bool {
	return net.Mul(rate).Div(hundred).Sub(tax).Abs().LessThanOrEqual(half)
}

// items makes the lines of a document whose total is the order's, to the cent.
func (c *Config) items(o *woo.Order, business bool) ([]eurofaktura.ItemFields, error) {
	refuse := func(r Reason, detail string) error { return &Refusal{Order: orderNumber(o), Reason: r, Detail: detail} }
	all := c.lines(o)
	total := o.Total.Round(cents)
	// Rounding may cost a unit for each line, and one more: a unit is a cent, or whatever the shop's amounts are rounded to.
	unit := decimal.New(1, -min(cents, max(0, -o.Total.Exponent())))
	tolerance := unit.Mul(decimal.NewFromInt(int64(len(all) + 1)))
	if business {
		return c.netItems(all, total, tolerance, refuse)
	}
	amounts := make([]decimal.Decimal, len(all))
	sum := decimal.Zero
	for i := range all {
		amounts[i] = all[i].gross().Round(cents)
		sum = sum.Add(amounts[i])
	}
	if difference := total.Sub(sum); !difference.IsZero() {
		if difference.Abs().GreaterThan(tolerance) {
			return nil, refuse(ReasonTotals, fmt.Sprintf("%s instead of %s", sum.StringFixed(cents), total.StringFixed(cents)))
		}
		i := largest(all)
		amounts[i] = amounts[i].Add(difference)
	}
	items := make([]eurofaktura.ItemFields, len(all))
	inexact := decimal.Zero
	for i, l := range all {
		price := amounts[i].DivRound(l.quantity, priceDigits)
		inexact = inexact.Add(price.Mul(l.quantity).Sub(amounts[i]).Abs())
		items[i] = c.item(l)
		items[i].Price = eurofaktura.Set(price)
	}
	if inexact.GreaterThanOrEqual(half) {
		return nil, refuse(ReasonQuantity, "")
	}
	return items, nil
}

// netItems are the lines of a document to a business: net prices, to which the organisation adds VAT by its rule. Where the shop rounds
// otherwise a line of a few cents without VAT makes up for it.
func (c *Config) netItems(all []line, total, tolerance decimal.Decimal, refuse func(Reason, string) error) ([]eurofaktura.ItemFields, error) {
	items := make([]eurofaktura.ItemFields, len(all), len(all)+1)
	sold := make([]netAmount, len(all))
	inexact := decimal.Zero
	for i, l := range all {
		if !l.rateKnown {
			return nil, refuse(ReasonRate, fmt.Sprintf("%s of tax on %s", l.tax, l.net))
		}
		amount := l.net.Round(cents)
		price := amount.DivRound(l.quantity, priceDigits)
		exact := price.Mul(l.quantity)
		inexact = inexact.Add(exact.Sub(amount).Abs())
		sold[i] = netAmount{exact, l.rate}
		items[i] = c.item(l)
		items[i].NetPrice = eurofaktura.Set(price)
	}
	if inexact.GreaterThanOrEqual(half) {
		return nil, refuse(ReasonQuantity, "")
	}
	difference := total.Sub(withVAT(sold, c.Rounding))
	if difference.Abs().GreaterThan(tolerance) {
		return nil, refuse(ReasonTotals, fmt.Sprintf("%s instead of %s with VAT", total.Sub(difference).StringFixed(cents), total.StringFixed(cents)))
	}
	if !difference.IsZero() {
		items = append(items, eurofaktura.ItemFields{
			Description: eurofaktura.Set("Rounding"), Quantity: eurofaktura.Set(one),
			NetPrice: eurofaktura.Set(difference), VATPercentage: eurofaktura.Set(decimal.Zero),
		})
	}
	return items, nil
}

// netAmount is a line's net amount as the organisation calculates it, and its rate.
type netAmount struct{ amount, rate decimal.Decimal }

// withVAT is the total that the organisation makes of net amounts.
func withVAT(sold []netAmount, r Rounding) decimal.Decimal {
	total := decimal.Zero
	byRate := map[string]decimal.Decimal{}
	rates := map[string]decimal.Decimal{}
	for _, s := range sold {
		switch r {
		case RoundAtEnd:
			total = total.Add(s.amount).Add(s.amount.Mul(s.rate).Div(hundred))
		case RoundPerLine:
			amount := s.amount.Round(cents)
			total = total.Add(amount).Add(amount.Mul(s.rate).Div(hundred).Round(cents))
		case RoundPerRate:
			amount := s.amount.Round(cents)
			total = total.Add(amount)
			key := s.rate.String()
			byRate[key], rates[key] = byRate[key].Add(amount), s.rate
		}
	}
	for key, amount := range byRate {
		total = total.Add(amount.Mul(rates[key]).Div(hundred).Round(cents))
	}
	return total.Round(cents)
}

// item is a line without its price.
func (c *Config) item(l line) eurofaktura.ItemFields {
	it := eurofaktura.ItemFields{Quantity: eurofaktura.Set(l.quantity)}
	if l.code != "" {
		it.ProductCode, it.ProductName = eurofaktura.Set(l.code), eurofaktura.Text(l.name)
	} else {
		it.Description = eurofaktura.Set(first(l.text, "Item"))
	}
	if !l.charge {
		it.Unit = eurofaktura.Text(c.Unit)
	}
	if l.rateKnown {
		it.VATPercentage = eurofaktura.Set(l.rate)
	}
	return it
}

// largest is the line that a few cents of rounding are put on: of the charges, else of the goods, the dearest.
func largest(all []line) int {
	best := 0
	for i := range all {
		a, b := &all[i], &all[best]
		if a.charge != b.charge {
			if a.charge {
				best = i
			}
			continue
		}
		if a.gross().Abs().GreaterThan(b.gross().Abs()) {
			best = i
		}
	}
	return best
}

// ProductCode is the code in the books for a SKU of the shop. A code may hold letters, digits and - / _ # . only (a comma parts lists);
// in a SKU that holds others they become "_", and a digest keeps it apart from SKUs that would look alike.
func ProductCode(sku string) string {
	sku = strings.TrimSpace(sku)
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-/_#.", r):
			return r
		}
		return '_'
	}, sku)
	if clean == sku {
		return sku
	}
	sum := sha256.Sum256([]byte(sku))
	return clean + "_" + hex.EncodeToString(sum[:3])
}

func first(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

func orderNumber(o *woo.Order) string {
	return first(o.Number, fmt.Sprint(o.ID))
}
