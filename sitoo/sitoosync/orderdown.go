package sitoosync

import (
	"context"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// waits reports whether an order is to be sent to the customer. Its deliveries are asked for only where it may be: an ordinary sale is
// closed.
func (d *orderDescent) waits(ctx context.Context, o *sitoo.Order) (bool, error) {
	if o.State != sitoo.OrderOpen && !d.s.c.Store2DoorClosed || !IsStore2Door(o, nil, d.s.c.Store2DoorRule) {
		return false, nil
	}
	var deliveries []*sitoo.Delivery
	for delivery, err := range d.s.c.Till.Deliveries(o.ID).All(ctx, sitoo.ListQuery{PerPage: d.s.c.PageSize}) {
		if err != nil {
			return false, err
		}
		deliveries = append(deliveries, delivery)
	}
	return IsStore2Door(o, deliveries, d.s.c.Store2DoorRule), nil
}

// make makes the order in the shop, once: it is written down before, and its link kept after.
func (d *orderDescent) make(ctx context.Context, o *sitoo.Order, status woo.OrderStatus, waits bool) error {
	reduces, err := d.s.reducesShopStock(ctx)
	if err != nil {
		return err
	}
	fields, skus, err := d.fields(ctx, o, status, reduces)
	if err != nil {
		return err
	}
	begun := "order:" + number(o.ID)
	ref, err := d.s.begin(ctx, begun)
	if err != nil {
		return err
	}
	made, err := d.s.c.Shop.Orders.CreateOnce(ctx, ref, fields)
	if err := unlessTaken(made, err); err != nil {
		return err
	}
	if err != nil {
		d.p.note(ctx, fmt.Errorf("order %d of the till: %w", o.ID, err))
	}
	l := LinkOrder(made.ID, o.ID)
	l.Sum = cameDown
	if err := d.s.put(ctx, l); err != nil {
		return err
	}
	d.s.ended(begun)
	if waits && o.State == sitoo.OrderOpen {
		d.state.Open[o.ID] = made.ID
	}
	if difference := made.Total.Sub(o.Total.Decimal); !difference.IsZero() { // the shop works VAT out by its own rates
		d.s.log.WarnContext(
			ctx, "totals differ", "order", made.ID, "till_order", o.ID, "shop", made.Total, "till", o.Total, "roundoff", o.Roundoff,
		)
	}
	if reduces || len(skus) == 0 {
		return nil
	}
	return d.s.refreshStock(ctx, d.p, skus...)
}

// fields is a till's order as the shop's; skus are those of linked rows. Lines whose stock the till has counted say so, and the shop
// leaves it.
func (d *orderDescent) fields(
	ctx context.Context, o *sitoo.Order, status woo.OrderStatus, reduces bool,
) (w woo.OrderFields, skus []string, err error) {
	w = woo.OrderFields{
		Status: woo.Set(status), CreatedVia: woo.Set("sitoo"), Billing: woo.Set(billing(o)), Shipping: woo.Set(shipping(o)),
		MetaData: woo.Set(d.meta(o)), CustomerNote: woo.Set(o.Comment),
	}
	if o.Currency != "" {
		w.Currency = woo.Set(o.Currency)
	}
	if title := paidBy(o); title != "" {
		w.PaymentMethodTitle = woo.Set(title)
	}
	products, err := d.products(ctx, o)
	if err != nil {
		return w, nil, err
	}
	var lines []woo.LineItemFields
	var fees []woo.FeeLineFields
	for i, row := range o.Items {
		product := products[i]
		if product == 0 || row.Quantity <= 0 || row.Type != sitoo.ItemProduct && row.Type != 0 {
			if !row.TotalNet.IsZero() { // free amounts, gift cards, what is taken back in the same sale
				fees = append(fees, feeOf(row))
			}
			continue
		}
		line := LineOf(row, product)
		if !reduces {
			quantity, _ := line.Quantity.Get()
			line.MetaData = woo.Set([]woo.MetaFields{woo.SetMeta("_reduced_stock", quantity.String())})
		}
		lines, skus = append(lines, line), append(skus, row.SKU)
	}
	if len(lines) > 0 {
		w.LineItems = woo.Set(lines)
	}
	if len(fees) > 0 {
		w.FeeLines = woo.Set(fees)
	}
	return w, skus, nil
}

// feeOf is a row that is no product of the shop's, or has a negative quantity, which its lines cannot have.
func feeOf(row sitoo.OrderItem) woo.FeeLineFields {
	fee := woo.FeeLineFields{
		Name: woo.Set(named(row.Name, "Item")), Total: woo.Set(row.TotalNet.Decimal), TaxStatus: woo.Set(woo.Taxable),
	}
	if row.VATValue.IsZero() {
		fee.TaxStatus = woo.Set(woo.NotTaxed)
	}
	return fee
}

// products are the shop's products of an order's rows, variations by their own id; 0 for none. They are found by link, then by SKU.
func (d *orderDescent) products(ctx context.Context, o *sitoo.Order) ([]woo.ProductID, error) {
	var ids []string
	for _, row := range o.Items {
		if row.ProductID != 0 {
			ids = append(ids, number(row.ProductID))
		}
	}
	linked := map[string]Link{}
	for _, kind := range []LinkKind{ProductLink, VariationLink} {
		found, err := d.s.find(ctx, kind, Sitoo, ids...)
		if err != nil {
			return nil, err
		}
		maps.Copy(linked, found)
	}
	products := make([]woo.ProductID, len(o.Items))
	for i, row := range o.Items {
		l, has := linked[number(row.ProductID)]
		switch {
		case has:
			product, variation, err := l.Item()
			if err != nil {
				return nil, err
			}
			if products[i] = product; variation != 0 {
				products[i] = woo.ProductID(variation)
			}
		case row.SKU != "":
			found, _, err := d.s.c.Shop.Products.List(ctx, woo.ProductQuery{SKU: []string{row.SKU}, Fields: []string{"id", "sku"}})
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				if p.SKU == row.SKU {
					products[i] = p.ID
				}
			}
		}
	}
	return products, nil
}

// meta is what a person, or a filter within WordPress, may want to know of an order's origin.
func (d *orderDescent) meta(o *sitoo.Order) []woo.MetaFields {
	meta := []woo.MetaFields{
		woo.SetMeta("_sitoo_order_id", number(o.ID)), woo.SetMeta("_sitoo_order_date", o.Date.UTC().Format(time.RFC3339)),
	}
	if receipt := o.Data["pos-receiptid"]; receipt != "" {
		meta = append(meta, woo.SetMeta("_sitoo_receipt", receipt))
	}
	if d.s.c.NoAnalytics {
		meta = append(meta, woo.SetMeta("_sitoo_no_analytics", "1"))
	}
	return meta
}

func paidBy(o *sitoo.Order) string {
	var names []string
	for _, payment := range o.Payments {
		if !slices.Contains(names, payment.Name) {
			names = append(names, payment.Name)
		}
	}
	return strings.Join(names, ", ")
}

func billing(o *sitoo.Order) woo.AddressFields {
	a := woo.AddressFields{
		FirstName: woo.Set(o.FirstName), LastName: woo.Set(o.LastName), Company: woo.Set(o.Company), Address1: woo.Set(o.InvoiceAddress),
		Address2: woo.Set(o.InvoiceAddress2), Postcode: woo.Set(o.InvoiceZip), City: woo.Set(o.InvoiceCity), State: woo.Set(o.InvoiceState),
		Country: woo.Set(strings.ToUpper(o.InvoiceCountry)), Phone: woo.Set(o.Phone),
	}
	if _, err := mail.ParseAddress(o.Email); err == nil { // the shop refuses an order for its address
		a.Email = woo.Set(o.Email)
	}
	return a
}

func shipping(o *sitoo.Order) woo.AddressFields {
	if o.DeliveryAddress == "" && o.DeliveryCity == "" {
		a := billing(o)
		a.Email, a.Phone = woo.Field[string]{}, woo.Field[string]{}
		return a
	}
	return woo.AddressFields{
		FirstName: woo.Set(o.FirstName), LastName: woo.Set(o.LastName), Company: woo.Set(o.Company), Address1: woo.Set(o.DeliveryAddress),
		Address2: woo.Set(o.DeliveryAddress2), Postcode: woo.Set(o.DeliveryZip), City: woo.Set(o.DeliveryCity),
		State:   woo.Set(o.DeliveryState),
		Country: woo.Set(strings.ToUpper(o.DeliveryCountry)),
	}
}
