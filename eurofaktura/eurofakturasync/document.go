package eurofakturasync

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/woo"
)

// transaction is the apiTransactionId of an order's document, and the reference by which it is found again.
func (c *Config) transaction(id woo.OrderID) string {
	return eurofaktura.TransactionID(c.Name, "order", int64(id))
}

// compose makes the sales order of a shop's order, without asking anybody: what an import sends. The error of an order that cannot be
// booked as it is, is a *[Refusal].
func (c Config) compose(o *woo.Order) (*eurofaktura.SalesOrderFields, error) {
	if o.DateCreated.IsZero() {
		return nil, &Refusal{Order: orderNumber(o), Reason: ReasonDate}
	}
	if o.Currency == "" {
		return nil, &Refusal{Order: orderNumber(o), Reason: ReasonCurrency}
	}
	vat := strings.TrimSpace(c.VATNumber(o))
	items, err := c.items(o, vat != "")
	if err != nil {
		return nil, err
	}
	text := eurofaktura.Text
	b := o.Billing
	name := first(b.Company, fullName(b), o.Shipping.Company, fullName(o.Shipping), b.Email, "Web order "+orderNumber(o))
	f := &eurofaktura.SalesOrderFields{
		Date:             eurofaktura.Set(c.date(o)),
		Type:             eurofaktura.Set(eurofaktura.TypeRetail),
		Status:           text(c.StatusMap[o.Status]),
		Currency:         eurofaktura.Set(o.Currency),
		DocumentLanguage: text(c.Language),
		WarehouseCode:    eurofaktura.Set(c.Warehouse),
		CostPosition:     eurofaktura.Set(c.CostCentre),

		ReferenceDocumentNumber: eurofaktura.Set(orderNumber(o)),
		OrderReference:          eurofaktura.Set(c.transaction(o.ID)),
		Remarks:                 text(strings.TrimSpace(o.CustomerNote)),
		IntroductionText:        eurofaktura.Set("Web order " + orderNumber(o)),
		MethodOfPayment:         eurofaktura.Set(c.paymentMethod(o)),

		BuyerCode:       text(c.buyer(o)),
		BuyerName:       eurofaktura.Set(name),
		BuyerFirstName:  text(b.FirstName),
		BuyerLastName:   text(b.LastName),
		BuyerStreet:     text(street(b)),
		BuyerPostalCode: text(b.Postcode),
		BuyerCity:       text(b.City),
		BuyerCountry:    text(b.Country),
		BuyerEmail:      text(b.Email),
		BuyerPhone:      text(b.Phone),
		Items:           items,
	}
	if vat != "" {
		f.Type, f.BuyerTaxNumber = eurofaktura.Set(eurofaktura.TypeGross), eurofaktura.Set(vat)
	}
	if c.VATTransactionType != nil {
		f.VATTransactionType = text(c.VATTransactionType(o))
	}
	if s := o.Shipping; delivered(s) && !sameAddress(s, b) {
		f.Address = eurofaktura.Set(eurofaktura.AddressFields{
			Type: "Delivery", FirstAddressLine: first(s.Company, fullName(s)), Street: street(s), PostalCode: s.Postcode, City: s.City,
			Country: s.Country, Telephone: s.Phone,
		})
	}
	if c.Compose != nil {
		if err := c.Compose(o, f); err != nil {
			return nil, fmt.Errorf("eurofakturasync: Config.Compose: %w", err)
		}
	}
	return f, nil
}

// date is the organisation's calendar day on which the order was made.
func (c *Config) date(o *woo.Order) eurofaktura.Date {
	return eurofaktura.DateOf(o.DateCreated.In(c.Location))
}

func (c *Config) paymentMethod(o *woo.Order) string {
	if m := c.PaymentMethods[o.PaymentMethod]; m != "" {
		return m
	}
	return eurofaktura.PaymentOther
}

// buyer is the code of the order's buyer, "" for none.
func (c *Config) buyer(o *woo.Order) string {
	if c.NoBuyers {
		return ""
	}
	return c.BuyerCode(o)
}

// buyerCode is the default of Config.BuyerCode.
func buyerCode(o *woo.Order) string {
	if o.CustomerID > 0 {
		return fmt.Sprintf("WEB-%d", o.CustomerID)
	}
	email := strings.ToLower(strings.TrimSpace(o.Billing.Email))
	if email == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(email))
	return "WEB-" + strings.ToUpper(hex.EncodeToString(sum[:5]))
}

// vatKeys are where plugins keep a buyer's VAT number: meta data of the order, or members of its billing address.
var vatKeys = []string{
	"_billing_vat_number", "billing_vat_number", "_billing_vat", "billing_vat", "_billing_eu_vat_number", "_vat_number", "vat_number",
	"_billing_vat_id", "billing_vat_id", "_billing_tax_number", "_billing_eik",
}

// vatNumber is the default of Config.VATNumber.
func vatNumber(o *woo.Order) string {
	for _, key := range vatKeys {
		if m, ok := o.MetaData.Get(key); ok && m.String() != "" {
			return m.String()
		}
	}
	for _, key := range vatKeys {
		var s string
		if raw, ok := o.Billing.Extra[key]; ok && json.Unmarshal(raw, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

func fullName(a woo.Address) string { return strings.TrimSpace(a.FirstName + " " + a.LastName) }

func street(a woo.Address) string { return strings.TrimSpace(a.Address1 + " " + a.Address2) }

// delivered reports whether there is an address to deliver to.
func delivered(a woo.Address) bool { return street(a) != "" || a.City != "" || a.Postcode != "" }

func sameAddress(a, b woo.Address) bool {
	return street(a) == street(b) && a.City == b.City && a.Postcode == b.Postcode && a.Country == b.Country &&
		fullName(a) == fullName(b) && a.Company == b.Company
}
