package eurofakturasync

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// Config of a [Sync]. Books, Queue, Warehouse and CostCentre are required.
type Config struct {
	// Name begins the names of the queue's kinds ("eurofaktura.order") and the apiTransactionId of everything that is created
	// ("eurofaktura-order-4711"). One per shop, never to change: under another name every order would be new, and two shops under
	// one name would be taken for one. At most 32 letters, digits, "." and "-". Default "eurofaktura".
	Name string
	// Books is where documents go. Required.
	Books *eurofaktura.Client
	// Queue keeps what is to be sent. Required.
	Queue *retryqueue.Queue
	// Shop is the shop in either of its APIs: see [V3] and [Legacy]. With it an order is looked at before a repeat (is it still
	// there?), its status is read anew before it is written, and stock and products go to and fro. Without it there are only orders
	// and what they say.
	Shop Shop

	// Warehouse and CostCentre are the codes of the warehouse and of the cost centre that the shop's business is booked in; both
	// are on every order. Required.
	Warehouse, CostCentre string
	// Location is the organisation's time zone: on whose calendar day an order was made. Default UTC.
	Location *time.Location

	// Statuses are those at which an order is imported, once. Default on-hold, processing and completed.
	Statuses []woo.OrderStatus
	// StatusSync keeps the status of imported orders in step with the shop.
	StatusSync bool
	// StatusMap translates a shop's status into one of the organisation's code book (Settings > Company settings > statuses of
	// customer orders). Nobody but the organisation knows its words, so there is no default, and with StatusSync none is an
	// error. Statuses of the shop that are not in it change nothing.
	StatusMap map[woo.OrderStatus]string
	// Locked are statuses of that code book that are never replaced, whoever set them: name those that issued invoices and delivery
	// notes set.
	Locked []string
	// Replaceable are statuses that may be replaced although this package did not write them, such as the one that an import sets.
	Replaceable []string

	// PaymentMethods translates the shop's payment methods ("bacs") into methodOfPayment. It is laid over the defaults
	// ([PaymentMethods]); what is in neither is "Other".
	PaymentMethods map[string]string
	// VATNumber finds a buyer's VAT number. An order with one is sold to a business: its type is Gross, with net prices. Default: the
	// meta data and billing members under which the usual plugins keep it.
	VATNumber func(o *woo.Order) string
	// VATTransactionType gives the national code of the kind of sale ("0" domestic, …). Default: none is sent.
	VATTransactionType func(o *woo.Order) string
	// VATRates are the rates in use, in percent. They help to tell a rate where an order names none, as orders of the legacy API do.
	VATRates []decimal.Decimal
	// Rounding says how the organisation adds VAT to net prices. Default RoundPerRate.
	Rounding Rounding
	// Language of documents, an English name: "Bulgarian". Default: the organisation's.
	Language string
	// Unit of goods. Default "pcs".
	Unit string

	// NoProducts and NoBuyers leave unknown products and buyers unknown. An order with an unknown product is then refused by the
	// organisation.
	NoProducts, NoBuyers bool
	// ProductType of products that are created: "goodsWithoutStockManagement", …. Default: the organisation's.
	ProductType string
	// FallbackProduct is the code of a product for lines without SKU. Default: such lines are text.
	FallbackProduct string
	// ShippingProduct and FeeProduct are the codes of products for shipping and fees. Default: these lines are text.
	ShippingProduct, FeeProduct string
	// BuyerCode names an order's buyer in the books; "" makes no buyer. Default: "WEB-" with the customer's id, and of guests with a
	// digest of the e-mail address.
	BuyerCode func(o *woo.Order) string
	// Compose may change what is sent of an order. It sees it last, after all else; the total is not looked at again.
	Compose func(o *woo.Order, f *eurofaktura.SalesOrderFields) error

	// Settle is how long an order whose sending ended in doubt is looked for before it is sent again: the server may still be at
	// it. Default 15 min; negative: the first look decides.
	Settle time.Duration
	// Schedule says how long to wait after a failed attempt. Default retryqueue.Progressive: 20 attempts, 48 h.
	Schedule retryqueue.Schedule
	// ShopURL is the shop's address, for links to its orders. Default: no links.
	ShopURL string
	// Logger hears of deliveries. Default: silent.
	Logger *slog.Logger
}

// Rounding is how VAT is added to net prices.
type Rounding int

const (
	// RoundPerRate adds up the net amounts of each rate and rounds its VAT once.
	RoundPerRate Rounding = iota
	// RoundPerLine rounds the VAT of each line.
	RoundPerLine
	// RoundAtEnd adds everything up unrounded.
	RoundAtEnd
)

const (
	defaultSettle = 15 * time.Minute
	longestName   = 32
)

// PaymentMethods are the defaults of Config.PaymentMethods, as a new map.
func PaymentMethods() map[string]string {
	return map[string]string{
		"bacs": eurofaktura.PaymentBankTransfer, "cod": eurofaktura.PaymentCashOnDelivery, "cash": eurofaktura.PaymentCash,
		"stripe": eurofaktura.PaymentStripe, "stripe_cc": eurofaktura.PaymentStripe, "woocommerce_payments": eurofaktura.PaymentCreditCard,
		"paypal": eurofaktura.PaymentPayPal, "ppcp-gateway": eurofaktura.PaymentPayPal, "ppec_paypal": eurofaktura.PaymentPayPal,
		"klarna_payments": eurofaktura.PaymentKlarna, "mollie_wc_gateway_creditcard": eurofaktura.PaymentMollie,
	}
}

// checked is c with its defaults, or what is wrong with it.
func (c Config) checked() (Config, error) {
	var problem string
	switch {
	case c.Books == nil:
		problem = "Books is missing"
	case c.Queue == nil:
		problem = "Queue is missing"
	case c.Warehouse == "":
		problem = "Warehouse is missing: give the code of the warehouse that the shop sells from"
	case c.CostCentre == "":
		problem = "CostCentre is missing: give the code of the cost centre that the shop's business is booked in"
	case len(c.Name) > longestName:
		problem = fmt.Sprintf("Name has %d bytes: at most %d leave room for the order's number in an apiTransactionId", len(c.Name), longestName)
	case c.Name != strings.Map(nameRune, c.Name):
		problem = "Name holds other characters than ASCII letters, digits, . and -"
	case c.StatusSync && len(c.StatusMap) == 0:
		problem = "StatusMap is empty, but StatusSync is on: name the organisation's status for each of the shop's"
	case !c.StatusSync && len(c.StatusMap) > 0:
		problem = "StatusMap is given, but StatusSync is off: switch it on, or leave the map out"
	case c.Rounding < RoundPerRate || c.Rounding > RoundAtEnd:
		problem = "Rounding is none of this package's"
	}
	if problem != "" {
		return c, errors.New("eurofakturasync: Config." + problem)
	}
	for from, to := range c.StatusMap {
		if from == "" || strings.HasPrefix(string(from), "wc-") || to == "" {
			return c, fmt.Errorf("eurofakturasync: Config.StatusMap: %q to %q: the shop's statuses have no wc-, and neither side is empty", from, to)
		}
	}
	return c.filled(), nil
}

func nameRune(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-':
		return r
	}
	return -1
}

// filled is c with its defaults.
func (c Config) filled() Config {
	if c.Name == "" {
		c.Name = "eurofaktura"
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.Statuses == nil {
		c.Statuses = []woo.OrderStatus{woo.OrderOnHold, woo.OrderProcessing, woo.OrderCompleted}
	}
	c.Statuses = slices.Clone(c.Statuses)
	c.StatusMap = maps.Clone(c.StatusMap)
	methods := PaymentMethods()
	maps.Copy(methods, c.PaymentMethods)
	c.PaymentMethods = methods
	if c.VATNumber == nil {
		c.VATNumber = vatNumber
	}
	if c.BuyerCode == nil {
		c.BuyerCode = buyerCode
	}
	if c.Unit == "" {
		c.Unit = "pcs"
	}
	if c.Settle == 0 {
		c.Settle = defaultSettle
	}
	if c.Schedule == nil {
		c.Schedule = retryqueue.Progressive()
	}
	c.ShopURL = strings.TrimRight(c.ShopURL, "/")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
