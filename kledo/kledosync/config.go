package kledosync

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// Config of a [Sync]. Only Books and Queue are required; all else does what the plugin does by default.
type Config struct {
	// Name begins the names of the queue's kinds: "kledo.sales-order", "kledo.invoice", "kledo.payment" and "kledo.note". One per shop,
	// never to change: under another name every order would be new. Default "kledo".
	Name string
	// Books is where documents go. Required.
	Books *kledo.Client
	// Queue keeps what is to be sent. Required.
	Queue *retryqueue.Queue
	// Shop, if set, is read for the products on an order, looked at before a repeat (is the order still there? was it synced
	// meanwhile?), and gets synced marks and order notes. Without it the order's own lines are all there is.
	Shop *woo.Client

	// NoSalesOrders and NoInvoices switch one kind of document off, for orders that are accepted from then on.
	NoSalesOrders, NoInvoices bool
	// OnCompleted says what a completed order without a sales order gets. Default SalesOrderFirst.
	OnCompleted OnCompleted

	// SalesOrders and Invoices are what each kind of document is made with.
	SalesOrders, Invoices Settings
	// Paid marks documents as paid, into the account with the code PaymentAccount ("1-10001"; a name behind a bar, as the plugin
	// keeps it, is cut off). Kledo gets both with sales orders too.
	Paid           bool
	PaymentAccount string
	// NoLink keeps invoices apart from their sales orders; NoClose links them, but leaves the sales order open.
	NoLink, NoClose bool

	// Finance is what documents need that are booked through finance/* (Settings.Booking).
	Finance Finance
	// Currency is what the books are kept in. An order in another one is booked with its figures, which is reported. Default "IDR".
	Currency string
	// PluginCompatible makes the documents of the WooCommerce routes byte for byte those of the plugin (1.5.0): today's catalogue prices
	// instead of the order's, no fees, no coupons, its way of adding a month, link_order and close_order only where they say no. What
	// is left out is reported all the same.
	PluginCompatible bool

	// NoMarks and NoNotes leave the shop's orders alone although Shop is set: no meta field that says "synced", no order note.
	NoMarks, NoNotes bool

	// Settle is how long a document is looked for that Kledo has accepted, or may have: Kledo books some time later, therefore a missing
	// document proves nothing at first. Looks are made at once, after 2, 7, 17 and 47 min, 1 h 47 min, 3 h 47 min, and at Settle for
	// the last time; all of them in proportion when Settle is another. Then one whose sending ended in doubt is sent again, one that
	// Kledo had accepted fails visibly. Default 6 h; negative: the first look decides.
	Settle time.Duration
	// Schedule says how long to wait after a failed attempt, and with retryqueue.WithLimits when to give up. Default
	// retryqueue.Progressive: 20 attempts, 48 h.
	Schedule retryqueue.Schedule
	// Location is whose calendar days count for orders that do not say what the shop's clock showed. Default UTC.
	Location *time.Location
	// ShopURL is the shop's address as WordPress knows it, for links to its orders. Default: no links.
	ShopURL string
	// Logger hears of deliveries; its records carry source=wc-kledo. Default: silent.
	Logger *slog.Logger
}

// Settings are what one kind of document is made with.
type Settings struct {
	// Booking is the way into Kledo. Default WooCommerce.
	Booking Booking
	// Prefix stands before the order's id in the reference. Default "WC/SO/" for sales orders, "WC/INV/" for invoices.
	Prefix string
	// Warehouse is the name of a warehouse in Kledo. Default: Kledo's own default.
	Warehouse string
	// Tags are names; space around them is cut off (not with PluginCompatible). Default (nil) "WooCommerce"; an empty list: none.
	Tags []string
}

// Booking is a way into Kledo.
type Booking int

const (
	// WooCommerce hands the order over to Kledo's own WooCommerce integration (woocommerce/*), which finds or creates contact and
	// products and books some time later.
	WooCommerce Booking = iota
	// FinanceAPI books through Kledo's general API (finance/*): contact found or created, products by SKU, the order's own prices, fees,
	// shipping, discount and taxes, and a payment when Config.Paid. Kledo documents no way to tie such an invoice to its sales order or
	// to close that: the invoice's reference field names the sales order, which stays open.
	FinanceAPI
)

// OnCompleted says what a completed order without a sales order gets.
type OnCompleted int

const (
	// SalesOrderFirst sends the missing sales order, and the invoice when that is done, so that Kledo can link the two.
	SalesOrderFirst OnCompleted = iota
	// InvoiceOnly sends the invoice alone, as the plugin did up to 1.5.0.
	InvoiceOnly
)

const defaultSettle = 6 * time.Hour

// checked is c with its defaults, or what is wrong with it.
func (c Config) checked() (Config, error) {
	switch {
	case c.Books == nil:
		return c, errors.New("kledosync: Config.Books is missing")
	case c.Queue == nil:
		return c, errors.New("kledosync: Config.Queue is missing")
	case c.NoSalesOrders && c.NoInvoices:
		return c, errors.New("kledosync: Config.NoSalesOrders and NoInvoices leave nothing to do")
	case c.OnCompleted != SalesOrderFirst && c.OnCompleted != InvoiceOnly:
		return c, errors.New("kledosync: Config.OnCompleted is neither SalesOrderFirst nor InvoiceOnly")
	case c.Paid && c.Invoices.Booking == FinanceAPI && c.PaymentAccount == "":
		return c, errors.New("kledosync: Config.PaymentAccount is missing: payments of finance/* need an account")
	case strings.TrimSpace(c.Name) != c.Name:
		return c, errors.New("kledosync: Config.Name begins or ends with a space")
	}
	return c.filled(), nil
}

// filled is c with its defaults.
func (c Config) filled() Config {
	if c.Name == "" {
		c.Name = "kledo"
	}
	c.SalesOrders = c.SalesOrders.withDefaults("WC/SO/", c.PluginCompatible)
	c.Invoices = c.Invoices.withDefaults("WC/INV/", c.PluginCompatible)
	c.Finance = c.Finance.withDefaults()
	if c.Currency == "" {
		c.Currency = "IDR"
	}
	account, _, _ := strings.Cut(c.PaymentAccount, "|")
	c.PaymentAccount = strings.TrimSpace(account)
	if c.Settle == 0 {
		c.Settle = defaultSettle
	}
	if c.Schedule == nil {
		c.Schedule = retryqueue.Progressive()
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	c.ShopURL = strings.TrimRight(c.ShopURL, "/")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("source", "wc-kledo")
	return c
}

func (s Settings) withDefaults(prefix string, compatible bool) Settings {
	if s.Prefix == "" {
		s.Prefix = prefix
	}
	if s.Tags == nil {
		s.Tags = []string{"WooCommerce"}
	}
	if compatible { // the plugin splits at commas and leaves the pieces as they are; of nothing that is one empty piece
		s.Tags = strings.Split(strings.Join(s.Tags, ","), ",")
		return s
	}
	var tags []string
	for _, tag := range s.Tags {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	s.Tags = tags
	return s
}
