package kledosync

import (
	"fmt"
	"strings"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/woo"
)

// Document is a kind of document.
type Document string

// The kinds of documents.
const (
	SalesOrder Document = "sales-order" // due when an order is processing
	Invoice    Document = "invoice"     // due when it is completed
)

// mark is the meta field of an order that says "yes" once its document was handed over. The plugin reads and writes the same.
func (d Document) mark() string {
	if d == Invoice {
		return "_wc_kledo_invoice_synced"
	}
	return "_wc_kledo_order_synced"
}

// title is the document's name in a sentence.
func (d Document) title() string {
	if d == Invoice {
		return "invoice"
	}
	return "sales order"
}

// marked reports whether the order's document was handed over, by us or by the plugin.
func (d Document) marked(o *woo.Order) bool {
	entry, _ := o.MetaData.Get(d.mark())
	return entry.String() == "yes"
}

// settings are what documents of kind d are made with.
func (c *Config) settings(d Document) Settings {
	if d == Invoice {
		return c.Invoices
	}
	return c.SalesOrders
}

// compose makes a document of an order and of what the catalogue says of its products.
func (c *Config) compose(d Document, o *woo.Order, products catalogue) (*kledo.Document, error) {
	created, err := c.created(o)
	if err != nil {
		return nil, err
	}
	set := c.settings(d)
	doc := &kledo.Document{
		ContactName:     fullName(o.Billing),
		ContactEmail:    o.Billing.Email,
		ContactAddress:  o.Billing.Address1,
		ContactPhone:    o.Billing.Phone,
		RefNumberPrefix: set.Prefix,
		RefNumber:       kledo.ShopOrderID(o.ID),
		TransDate:       created,
		DueDate:         created.AddMonths(1),
		Memo:            o.CustomerNote,
		HasTax:          o.TotalTax.IsPositive(),
		Items:           make([]kledo.Item, len(o.LineItems)),

		Warehouse:                set.Warehouse,
		ShippingCost:             o.ShippingTotal.Decimal,
		AdditionalDiscountAmount: o.DiscountTotal.Decimal,

		Paid:              c.Paid,
		PaidToAccountCode: c.PaymentAccount,
		Tags:              set.Tags,
		ShippingTracking:  tracking(o),
	}
	if done, ok := c.completed(o); ok {
		doc.DueDate = done
	}
	for i := range o.LineItems {
		doc.Items[i] = item(o, &o.LineItems[i], products)
	}
	if d == Invoice {
		link, closing := !c.NoLink, !c.NoClose
		doc.LinkOrder, doc.CloseOrder = &link, &closing
	}
	return doc, nil
}

// created is the shop's calendar day on which the order was made.
func (c *Config) created(o *woo.Order) (kledo.Date, error) {
	if day := o.DateCreatedLocal.Day(); day != "" {
		return kledo.ParseDate(day)
	}
	if o.DateCreated.IsZero() {
		return kledo.Date{}, fmt.Errorf("kledosync: order %d has no date of creation", o.ID)
	}
	return kledo.DateOf(o.DateCreated.In(c.Location)), nil
}

// completed is the shop's calendar day on which the order was completed.
func (c *Config) completed(o *woo.Order) (kledo.Date, bool) {
	if day, err := kledo.ParseDate(o.DateCompletedLocal.Day()); err == nil {
		return day, true
	}
	if o.DateCompleted.IsZero() {
		return kledo.Date{}, false
	}
	return kledo.DateOf(o.DateCompleted.In(c.Location)), true
}

// item is one line: what the catalogue says of the product today, as the plugin has it, or what the order says when the
// product is not to be found.
func item(o *woo.Order, line *woo.LineItem, products catalogue) kledo.Item {
	it := kledo.Item{Qty: line.Quantity.Decimal, CategoryName: "WooCommerce"}
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

// tracking is the tracking numbers that the Shipment Tracking extension keeps with an order, if any: it may well be active and
// have none.
func tracking(o *woo.Order) string {
	entry, ok := o.MetaData.Get("_wc_shipment_tracking_items")
	if !ok {
		return ""
	}
	var parcels []struct {
		Number string `json:"tracking_number"`
	}
	if entry.Decode(&parcels) != nil {
		return ""
	}
	var numbers []string
	for _, p := range parcels {
		if p.Number != "" {
			numbers = append(numbers, p.Number)
		}
	}
	return strings.Join(numbers, ", ")
}

func fullName(a woo.Address) string { return strings.TrimSpace(a.FirstName + " " + a.LastName) }
