package kledo

import (
	"context"
	"net/http"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/internal/rest"
)

// ShopOrderID is the id an order has in the shop. Kledo keeps it and finds documents by it; it is not the displayed number.
type ShopOrderID int64

// Document is what Kledo's WooCommerce integration takes for a sales order or an invoice. It finds or creates the contact and
// the products by itself, takes names where finance/* takes ids, and has no room for line totals, taxes, fees or a currency.
type Document struct {
	ContactName, ContactEmail, ContactAddress, ContactPhone string

	RefNumberPrefix string      // "WC/INV/"
	RefNumber       ShopOrderID // required; with the prefix it makes the document's reference
	TransDate       Date        // required
	DueDate         Date        // required
	Memo            string
	HasTax          bool
	Items           []Item

	Warehouse                string // its name; empty: Kledo's default
	ShippingCost             decimal.Decimal
	AdditionalDiscountAmount decimal.Decimal // without tax

	Paid              bool
	PaidToAccountCode string   // code of the account, not its id
	Tags              []string // names
	ShippingTracking  string   // left out when empty

	// LinkOrder and CloseOrder matter to an invoice only: tie it to the sales order of the same RefNumber, and close that.
	// Nil is not sent and means yes to Kledo. CloseOrder is not sent when LinkOrder is false.
	LinkOrder, CloseOrder *bool
}

// Item is one line of a [Document].
type Item struct {
	Name, Code, Desc string
	Qty              decimal.Decimal
	RegularPrice     string  // a price per piece as the shop writes it, "12.50"; may be empty
	SalePrice        string  // empty: none
	Photo            *string // address of an image; nil is left out
	CategoryName     string  // the plugin's is always "WooCommerce"
}

// encode writes d in the order in which the plugin writes its fields.
func (d *Document) encode() []byte {
	var f form
	f.add(d.ContactName, "contact_name")
	f.add(d.ContactEmail, "contact_email")
	f.add(d.ContactAddress, "contact_address")
	f.add(d.ContactPhone, "contact_phone")
	f.add(d.RefNumberPrefix, "ref_number_prefix")
	f.add(d.RefNumber.String(), "ref_number")
	f.add(d.TransDate.String(), "trans_date")
	f.add(d.DueDate.String(), "due_date")
	f.add(d.Memo, "memo")
	f.addYes(d.HasTax, "has_tax")
	for i := range d.Items {
		d.Items[i].encode(&f, strconv.Itoa(i))
	}
	f.add(d.Warehouse, "warehouse")
	f.add(d.ShippingCost.String(), "shipping_cost")
	f.add(d.AdditionalDiscountAmount.String(), "additional_discount_amount")
	f.addYes(d.Paid, "paid")
	f.add(d.PaidToAccountCode, "paid_to_account_code")
	f.addList(d.Tags, "tags")
	if d.ShippingTracking != "" {
		f.add(d.ShippingTracking, "shipping_tracking")
	}
	if d.LinkOrder != nil {
		f.addYes(*d.LinkOrder, "link_order")
	}
	if d.CloseOrder != nil && (d.LinkOrder == nil || *d.LinkOrder) {
		f.addYes(*d.CloseOrder, "close_order")
	}
	return f.bytes()
}

func (it *Item) encode(f *form, i string) {
	f.add(it.Name, "items", i, "name")
	f.add(it.Code, "items", i, "code")
	f.add(it.Desc, "items", i, "desc")
	f.add(it.Qty.String(), "items", i, "qty")
	f.add(it.RegularPrice, "items", i, "regular_price")
	f.add(it.SalePrice, "items", i, "sale_price")
	if it.Photo != nil {
		f.add(*it.Photo, "items", i, "photo")
	}
	f.add(it.CategoryName, "items", i, "category_name")
}

// problem says what Kledo would refuse.
func (d *Document) problem() string {
	switch {
	case d.RefNumber <= 0:
		return "Document.RefNumber must be the shop's order id"
	case d.TransDate.IsZero():
		return "Document.TransDate is missing"
	case d.DueDate.IsZero():
		return "Document.DueDate is missing"
	}
	return ""
}

// String returns the id in decimal digits.
func (id ShopOrderID) String() string { return strconv.FormatInt(int64(id), 10) }

// SendSalesOrder hands a sales order over: POST woocommerce/order. Nil means that Kledo has accepted it and will book it soon,
// not that it is booked, and sending it again books it again: see [Client.Transactions]. It is never sent twice by one call,
// unless the first surely booked nothing. An *[Error] whose Ambiguous method says so may have been booked.
func (c *Client) SendSalesOrder(ctx context.Context, d *Document) error {
	return c.send(ctx, "SendSalesOrder", "woocommerce/order", d)
}

// SendInvoice hands an invoice over: POST woocommerce/invoice. See [Client.SendSalesOrder].
func (c *Client) SendInvoice(ctx context.Context, d *Document) error {
	return c.send(ctx, "SendInvoice", "woocommerce/invoice", d)
}

func (c *Client) send(ctx context.Context, op, path string, d *Document) error {
	if problem := d.problem(); problem != "" {
		return &Error{Op: op, Method: http.MethodPost, Route: path, Message: problem, kind: ErrValidation}
	}
	return c.do(ctx, rest.Call{
		Op: op, Kind: rest.Effect, Method: http.MethodPost, Path: path, Route: path,
		Body: d.encode(), ContentType: "application/x-www-form-urlencoded",
	}, nil)
}
