package eurofaktura

import (
	"encoding/json"

	"github.com/shopspring/decimal"
)

// The types of a sales document. They decide which price its items carry.
const (
	TypeGross  = "Gross"  // to businesses: items carry NetPrice, VAT comes on top
	TypeRetail = "Retail" // to consumers: items carry Price, with VAT in it
)

// Values of methodOfPayment. Which of them an organisation has is its own setting, and there may be others. A payment record has
// a list of its own, see [Payment].
const (
	PaymentCash           = "Cash"
	PaymentBankTransfer   = "BankTransfer"
	PaymentCreditCard     = "CreditCard"
	PaymentCashOnDelivery = "CashOnDelivery"
	PaymentStripe         = "Stripe"
	PaymentPayPal         = "PayPal"
	PaymentKlarna         = "Klarna"
	PaymentMollie         = "Mollie"
	PaymentCompensation   = "Compensation"
	PaymentOther          = "Other"
)

// SalesOrder is an order as SalesOrderGet and SalesOrderList show it. A list may leave members out.
type SalesOrder struct {
	DocumentID DocumentID `json:"documentID"`
	Number     string     `json:"number"`
	Date       Date       `json:"date"`
	// Status is of the organisation's own code book. Issued documents change it, and so does a person.
	Status string `json:"status"`
	Type   string `json:"type"` // TypeGross, TypeRetail

	ReferenceDocumentNumber string `json:"referenceDocumentNumber"`
	OrderReference          string `json:"orderReference"`
	Reference               string `json:"reference"`

	Currency         string `json:"currency"`
	DocumentLanguage string `json:"documentLanguage"`
	BusinessUnit     string `json:"businessUnit"`
	CostPosition     string `json:"costPosition"`
	WarehouseCode    string `json:"warehouseCode"`
	MethodOfPayment  string `json:"methodOfPayment"`
	DeliveryMethod   string `json:"deliveryMethod"`
	Remarks          string `json:"remarks"`

	VATTransactionType string `json:"vatTransactionType"`
	BuyerDocumentID    string `json:"buyerDocumentID"`
	BuyerCode          string `json:"buyerCode"`
	BuyerName          string `json:"buyerName"`
	BuyerStreet        string `json:"buyerStreet"`
	BuyerPostalCode    string `json:"buyerPostalCode"`
	BuyerCity          string `json:"buyerCity"`
	BuyerCountry       string `json:"buyerCountry"`
	BuyerEmail         string `json:"buyerEMail"`
	BuyerTaxNumber     string `json:"buyerTaxNumber"`

	DocumentAmount Decimal `json:"documentAmount"`
	Items          []Item  `json:"Items"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (o *SalesOrder) UnmarshalJSON(b []byte) error { return readObject(b, o) }

// MarshalJSON writes what was read, save members that were null or empty.
func (o SalesOrder) MarshalJSON() ([]byte, error) { return writeObject(o) }

func (o *SalesOrder) id() DocumentID { return o.DocumentID }

// Item is a line of a document.
type Item struct {
	Position           int     `json:"position"`
	ProductCode        string  `json:"productCode"`
	ProductBarCode     string  `json:"productBarCode"`
	ProductName        string  `json:"productName"`
	Description        string  `json:"description"`
	Quantity           Decimal `json:"quantity"`
	Unit               string  `json:"unit"`
	NetPrice           Decimal `json:"netPrice"`
	Price              Decimal `json:"price"`
	Currency           string  `json:"currency"`
	VATPercentage      Decimal `json:"vatPercentage"`
	VATTransactionType string  `json:"vatTransactionType"`
	DiscountPercentage Decimal `json:"discountPercentage"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a line leniently, see Extra.
func (i *Item) UnmarshalJSON(b []byte) error { return readObject(b, i) }

// MarshalJSON writes what was read.
func (i Item) MarshalJSON() ([]byte, error) { return writeObject(i) }

// SalesOrderFields writes an order: SalesOrderCreate, SalesOrderUpdate, SalesOrderImport. The server ignores names that it does not
// know without a word.
type SalesOrderFields struct {
	Date   Field[Date]   `json:"date"`
	Number Field[string] `json:"number"` // of an import
	Status Field[string] `json:"status"`
	Type   Field[string] `json:"type"`

	Currency         Field[string] `json:"currency"` // ISO 4217
	DocumentLanguage Field[string] `json:"documentLanguage"`
	BusinessYear     Field[int]    `json:"businessYear"`
	BusinessUnit     Field[string] `json:"businessUnit"`
	CostPosition     Field[string] `json:"costPosition"` // code of a cost centre
	WarehouseCode    Field[string] `json:"warehouseCode"`
	City             Field[string] `json:"city"` // where it is issued

	DateOfSupplyFrom Field[Date] `json:"dateOfSupplyFrom"`
	DateOfSupplyTo   Field[Date] `json:"dateOfSupplyTo"` // invoices have dateOfSupplyUntil
	PaymentDueDate   Field[Date] `json:"paymentDueDate"`

	// ReferenceDocumentNumber is the order's number in the shop.
	ReferenceDocumentNumber Field[string] `json:"referenceDocumentNumber"`
	// OrderReference comes back in lists: what documents are found again by.
	OrderReference   Field[string] `json:"orderReference"`
	Reference        Field[string] `json:"reference"` // of the payment
	ContractNumber   Field[string] `json:"contractNumber"`
	Remarks          Field[string] `json:"remarks"`
	IntroductionText Field[string] `json:"introductionText"`
	MethodOfPayment  Field[string] `json:"methodOfPayment"`

	VATTransactionType Field[string] `json:"vatTransactionType"` // codes differ by country
	VATCountryISOCode  Field[string] `json:"vatCountryIsoCode"`

	BuyerDocumentID      Field[string] `json:"buyerDocumentID"`
	BuyerCode            Field[string] `json:"buyerCode"`
	BuyerName            Field[string] `json:"buyerName"`
	BuyerFirstName       Field[string] `json:"buyerFirstName"`
	BuyerLastName        Field[string] `json:"buyerLastName"`
	BuyerStreet          Field[string] `json:"buyerStreet"`
	BuyerPostalCode      Field[string] `json:"buyerPostalCode"`
	BuyerCity            Field[string] `json:"buyerCity"`
	BuyerCountry         Field[string] `json:"buyerCountry"`
	BuyerEmail           Field[string] `json:"buyerEMail"`
	BuyerPhone           Field[string] `json:"buyerPhone"`
	BuyerTaxNumber       Field[string] `json:"buyerTaxNumber"`
	BuyerVATRegistration Field[string] `json:"buyerVatRegistration"` // Registered, None

	Address Field[AddressFields] `json:"Address"` // of delivery
	Items   []ItemFields         `json:"Items"`   // a document without is refused

	Extra map[string]json.RawMessage `json:"-"` // sent along
}

// MarshalJSON writes the fields that are set, and Extra.
func (f SalesOrderFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *SalesOrderFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// ItemFields writes a line.
type ItemFields struct {
	ProductCode        Field[string]          `json:"productCode"` // unknown ones are refused
	ProductName        Field[string]          `json:"productName"`
	Description        Field[string]          `json:"description"`
	Quantity           Field[decimal.Decimal] `json:"quantity"`
	Unit               Field[string]          `json:"unit"`
	NetPrice           Field[decimal.Decimal] `json:"netPrice"` // TypeGross; a price with VAT in it overcharges by the VAT
	Price              Field[decimal.Decimal] `json:"price"`    // TypeRetail
	Currency           Field[string]          `json:"currency"`
	VATPercentage      Field[decimal.Decimal] `json:"vatPercentage"` // absent: the general rate
	VATTransactionType Field[string]          `json:"vatTransactionType"`
	DiscountPercentage Field[decimal.Decimal] `json:"discountPercentage"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f ItemFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ItemFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// AddressFields writes an address.
type AddressFields struct {
	Type             string `json:"type"` // Primary, Delivery
	FirstAddressLine string `json:"firstAddressLine"`
	Street           string `json:"street"`
	PostalCode       string `json:"postalCode"`
	City             string `json:"city"`
	Country          string `json:"country"`
	Telephone        string `json:"telephone"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are not empty, and Extra.
func (f AddressFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *AddressFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }
