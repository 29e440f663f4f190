package kledosync

import (
	"fmt"
	"strconv"
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

// reference is what an order's document of kind d is found by.
func (c *Config) reference(d Document, o *woo.Order) string {
	return c.settings(d).Prefix + strconv.FormatInt(int64(o.ID), 10)
}

// days are the document's date and its due date: the day of completion, else a month after creation.
func (c *Config) days(o *woo.Order) (trans, due kledo.Date, err error) {
	trans, err = c.created(o)
	if done, ok := c.completed(o); ok {
		return trans, done, err
	}
	return trans, trans.AddMonths(1), err
}

// memo is the customer's note, and the coupons that the order was bought with.
func memo(o *woo.Order) string {
	codes := couponCodes(o)
	if codes == "" {
		return o.CustomerNote
	}
	return strings.TrimSpace(o.CustomerNote + "\nCoupons: " + codes)
}

func couponCodes(o *woo.Order) string {
	var codes []string
	for i := range o.CouponLines {
		codes = append(codes, o.CouponLines[i].Code)
	}
	return strings.Join(codes, ", ")
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
