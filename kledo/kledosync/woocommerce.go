package kledosync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/woo"
)

// way is a way into Kledo.
type way interface {
	// send hands an order's document over. left is what the document does not say of the order, in words for people; it is known
	// although err is not nil. An error that is not ambiguous means that nothing was booked.
	send(ctx context.Context, d Document, o *woo.Order) (left []string, err error)
	// look finds the order's document, or Kledo's words on why it was not booked.
	look(ctx context.Context, d Document, o *woo.Order) (found *booked, refusal string, err error)
}

// booked is a document in Kledo.
type booked struct {
	ID        kledo.DocumentID `json:"id,omitzero"`
	RefNumber string           `json:"ref_number,omitzero"`
}

func (s *Sync) way(d Document) way {
	if s.c.settings(d).Booking == FinanceAPI {
		return s.finance
	}
	return integration{&s.c}
}

// integration is the way through Kledo's own WooCommerce integration: woocommerce/*.
type integration struct{ c *Config }

func (w integration) send(ctx context.Context, d Document, o *woo.Order) (left []string, err error) {
	products, err := readCatalogue(ctx, w.c.Shop, o)
	if err != nil {
		return nil, before(err)
	}
	doc, left, err := w.c.compose(d, o, products)
	if err != nil {
		return nil, permanently(err)
	}
	if d == Invoice {
		return left, w.c.Books.SendInvoice(ctx, doc)
	}
	return left, w.c.Books.SendSalesOrder(ctx, doc)
}

func (w integration) look(ctx context.Context, d Document, o *woo.Order) (*booked, string, error) {
	t, err := w.c.Books.Transactions(ctx, kledo.ShopOrderID(o.ID))
	if errors.Is(err, kledo.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found, refusal := t.SalesOrder, t.SalesOrderFailure
	if d == Invoice {
		found, refusal = t.Invoice, t.InvoiceFailure
	}
	if found == nil {
		return nil, refusal, nil
	}
	return &booked{found.ID, found.RefNumber}, "", nil
}

// compose makes a document of an order and of what the catalogue says of its products. left is what the document does not say.
func (c *Config) compose(d Document, o *woo.Order, products catalogue) (doc *kledo.Document, left []string, err error) {
	trans, due, err := c.days(o)
	if err != nil {
		return nil, nil, err
	}
	set := c.settings(d)
	doc = &kledo.Document{
		ContactName:     fullName(o.Billing),
		ContactEmail:    o.Billing.Email,
		ContactAddress:  o.Billing.Address1,
		ContactPhone:    o.Billing.Phone,
		RefNumberPrefix: set.Prefix,
		RefNumber:       kledo.ShopOrderID(o.ID),
		TransDate:       trans,
		DueDate:         due,
		Memo:            memo(o),
		HasTax:          o.TotalTax.IsPositive(),

		Warehouse:                set.Warehouse,
		ShippingCost:             o.ShippingTotal.Decimal,
		AdditionalDiscountAmount: o.DiscountTotal.Decimal,

		Paid:              c.Paid,
		PaidToAccountCode: c.PaymentAccount,
		Tags:              set.Tags,
		ShippingTracking:  tracking(o),
	}
	for i := range o.LineItems {
		line := &o.LineItems[i]
		it := item(o, line, products)
		if took := linePrice(o, line); c.PluginCompatible {
			if sent := catalogueOr(it, took); sent != took {
				left = append(left, fmt.Sprintf("the price %s of %s (sent: %s)", took, it.Name, sent))
			}
		} else {
			it.RegularPrice, it.SalePrice = took, ""
		}
		doc.Items = append(doc.Items, it)
	}
	if c.PluginCompatible {
		if _, done := c.completed(o); !done {
			doc.DueDate = kledo.DateOf(time.Date(trans.Year, trans.Month+1, trans.Day, 0, 0, 0, 0, time.UTC)) // 31 January: 3 March
		}
		doc.Memo = o.CustomerNote
		if codes := couponCodes(o); codes != "" {
			left = append(left, "the coupons "+codes)
		}
	}
	for i := range o.FeeLines {
		fee := &o.FeeLines[i]
		switch {
		case c.PluginCompatible:
			left = append(left, fmt.Sprintf("the fee %s of %s", fee.Name, fee.Total))
		case fee.Total.IsNegative():
			doc.AdditionalDiscountAmount = doc.AdditionalDiscountAmount.Sub(fee.Total.Decimal)
		default:
			amount := fee.Total.Decimal
			if o.PricesIncludeTax {
				amount = amount.Add(fee.TotalTax.Decimal)
			}
			doc.Items = append(doc.Items, kledo.Item{Name: fee.Name, Qty: one, RegularPrice: amount.String(), CategoryName: category})
		}
	}
	if doc.HasTax {
		left = append(left, fmt.Sprintf("the tax of %s (Kledo works out its own)", o.TotalTax))
	}
	if d == Invoice {
		doc.LinkOrder, doc.CloseOrder = c.links()
	}
	return doc, append(left, c.foreign(o)...), nil
}

// links are link_order and close_order. The plugin up to 1.5.0 sends none, which means yes to Kledo.
func (c *Config) links() (link, closing *bool) {
	yes, no := true, false
	say := func(not bool) *bool {
		switch {
		case not:
			return &no
		case c.PluginCompatible:
			return nil
		}
		return &yes
	}
	return say(c.NoLink), say(c.NoClose)
}

// foreign reports an order in another currency than the books'.
func (c *Config) foreign(o *woo.Order) []string {
	if o.Currency == "" || strings.EqualFold(o.Currency, c.Currency) {
		return nil
	}
	return []string{fmt.Sprintf("the currency %s (Kledo takes the figures for %s)", o.Currency, c.Currency)}
}

// category is what the plugin puts every product into.
const category = "WooCommerce"

// item is one line: what the catalogue says of the product today, as the plugin has it, or what the order says when the
// product is not to be found.
func item(o *woo.Order, line *woo.LineItem, products catalogue) kledo.Item {
	it := kledo.Item{Qty: line.Quantity.Decimal, CategoryName: category}
	if p := products.of(line); p != nil {
		it.Name, it.Code, it.Desc = p.Name, p.SKU, p.ShortDescription
		it.RegularPrice, it.SalePrice = price(p.RegularPrice), price(p.SalePrice)
		if len(p.Images) > 0 && p.Images[0].Src != "" {
			it.Photo = &p.Images[0].Src
		}
		return it
	}
	it.Name, it.RegularPrice = line.Name, linePrice(o, line)
	if line.SKU != nil {
		it.Code = *line.SKU
	}
	if line.Image.Src != "" {
		it.Photo = &line.Image.Src
	}
	return it
}

// catalogueOr is the price that an item was given by the catalogue; took when it means the same amount.
func catalogueOr(it kledo.Item, took string) string {
	sent := it.RegularPrice
	if it.SalePrice != "" {
		sent = it.SalePrice
	}
	if amount(sent).Equal(amount(took)) {
		return took
	}
	return sent
}

// price is a catalogue price as the shop wrote it, with its zeros; empty for none.
func price(d woo.Decimal) string {
	switch {
	case !d.IsSet():
		return ""
	case d.Exponent() < 0:
		return d.StringFixed(-d.Exponent())
	}
	return d.String()
}

// linePrice is what the order took for one piece before discounts, with tax where the shop enters its prices with tax, as its
// catalogue prices are.
func linePrice(o *woo.Order, line *woo.LineItem) string {
	sum := line.Subtotal.Decimal
	if o.PricesIncludeTax {
		sum = sum.Add(line.SubtotalTax.Decimal)
	}
	if !line.Quantity.IsZero() {
		sum = sum.DivRound(line.Quantity.Decimal, 4)
	}
	return sum.String()
}
