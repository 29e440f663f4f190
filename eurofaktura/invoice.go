package eurofaktura

import (
	"encoding/json"

	"github.com/shopspring/decimal"
)

// SalesInvoice is an invoice as SalesInvoiceGet and SalesInvoiceList show it. Its names differ from an order's here and there.
type SalesInvoice struct {
	DocumentID DocumentID `json:"documentID"`
	Number     string     `json:"number"`
	Date       Date       `json:"date"`
	Status     string     `json:"status"` // Draft, IssuedInvoice
	Type       string     `json:"type"`

	OrderReference   string `json:"orderReference"`
	Reference        string `json:"reference"`
	PaymentReference string `json:"paymentReference"`

	DocumentCurrency string `json:"documentCurrency"`
	BusinessUnit     string `json:"businessUnit"`
	CostPosition     string `json:"costPosition"`
	WarehouseCode    string `json:"warehouseCode"`
	MethodOfPayment  string `json:"methodOfPayment"`
	PaymentDueDate   Date   `json:"paymentDueDate"`
	BuyerDocumentID  string `json:"buyerDocumentID"`
	BuyerCode        string `json:"buyerCode"`
	BuyerName        string `json:"buyerName"`
	BuyerTaxNumber   string `json:"buyerTaxNumber"`

	DocumentAmount     Decimal         `json:"documentAmount"`
	AmountLeftToBePaid Decimal         `json:"amountLeftToBePaid"`
	IssuedTimestamp    LocalTime       `json:"issuedTimestamp"` // see Client.Time
	DocumentURL        string          `json:"documentURL"`
	Items              []Item          `json:"Items"`
	PaymentRecords     []PaymentRecord `json:"PaymentRecords"` // the same payment was seen twice

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (i *SalesInvoice) UnmarshalJSON(b []byte) error { return readObject(b, i) }

// MarshalJSON writes what was read, save members that were null or empty.
func (i SalesInvoice) MarshalJSON() ([]byte, error) { return writeObject(i) }

func (i *SalesInvoice) id() DocumentID { return i.DocumentID }

// PaymentRecord is a payment as a document shows it.
type PaymentRecord struct {
	Amount   Decimal   `json:"paymentAmount"`
	Currency string    `json:"paymentCurrency"`
	Date     Date      `json:"paymentDate"`
	Method   string    `json:"methodOfPayment"`
	Remark   string    `json:"paymentRemark"`
	Entered  LocalTime `json:"paymentEntryTS"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (p *PaymentRecord) UnmarshalJSON(b []byte) error { return readObject(b, p) }

// MarshalJSON writes what was read.
func (p PaymentRecord) MarshalJSON() ([]byte, error) { return writeObject(p) }

// SalesInvoiceFields writes an invoice: SalesInvoiceCreate and its sisters. Dating one back is refused, and a fiscal one cannot be
// taken back.
type SalesInvoiceFields struct {
	Date   Field[Date]   `json:"date"`
	Number Field[string] `json:"number"` // of an import
	Status Field[string] `json:"status"`
	Type   Field[string] `json:"type"`

	DocumentCurrency Field[string] `json:"documentCurrency"`
	DocumentLanguage Field[string] `json:"documentLanguage"`
	BusinessYear     Field[int]    `json:"businessYear"`
	BusinessUnit     Field[string] `json:"businessUnit"`
	CashRegisterCode Field[string] `json:"cashRegisterCode"` // retail and fiscal
	CostPosition     Field[string] `json:"costPosition"`
	WarehouseCode    Field[string] `json:"warehouseCode"`
	City             Field[string] `json:"city"`

	DateOfSupplyFrom  Field[Date] `json:"dateOfSupplyFrom"`
	DateOfSupplyUntil Field[Date] `json:"dateOfSupplyUntil"`
	PaymentDueDate    Field[Date] `json:"paymentDueDate"`

	OrderReference    Field[string] `json:"orderReference"`
	Reference         Field[string] `json:"reference"`
	Remarks           Field[string] `json:"remarks"`
	IntroductionText  Field[string] `json:"introductionText"`
	MethodOfPayment   Field[string] `json:"methodOfPayment"`
	BankAccountNumber Field[string] `json:"bankAccountNumber"`

	VATTransactionType Field[string] `json:"vatTransactionType"`
	VATCountryISOCode  Field[string] `json:"vatCountryIsoCode"`
	VATClause          Field[string] `json:"vatOutgoingDocumentVatClause"`

	BuyerDocumentID      Field[string] `json:"buyerDocumentID"`
	BuyerCode            Field[string] `json:"buyerCode"`
	BuyerName            Field[string] `json:"buyerName"`
	BuyerStreet          Field[string] `json:"buyerStreet"`
	BuyerPostalCode      Field[string] `json:"buyerPostalCode"`
	BuyerCity            Field[string] `json:"buyerCity"`
	BuyerCountry         Field[string] `json:"buyerCountry"`
	BuyerEmail           Field[string] `json:"buyerEMail"`
	BuyerPhone           Field[string] `json:"buyerPhone"`
	BuyerTaxNumber       Field[string] `json:"buyerTaxNumber"`
	BuyerVATRegistration Field[string] `json:"buyerVatRegistration"`

	Address Field[AddressFields] `json:"Address"`
	Items   []ItemFields         `json:"Items"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f SalesInvoiceFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *SalesInvoiceFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// Payment is money that came in for a document. Method is of the list paymentMethodForInvoice: Cash, Card, Stripe, PayPal,
// BankPaymentOrder, Compensation and others; it is not that of methodOfPayment.
type Payment struct {
	Amount      decimal.Decimal
	Currency    string // ISO 4217
	Date        Date
	Method      string
	Description string
}

// MarshalJSON writes the amount as text with two places or more, as the vendor's examples have it.
func (p Payment) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Amount      string `json:"paymentAmount"`
		Currency    string `json:"paymentCurrency,omitzero"`
		Date        Date   `json:"paymentDate,omitzero"`
		Method      string `json:"paymentMethodForInvoice,omitzero"`
		Description string `json:"description,omitzero"`
	}{p.Amount.StringFixed(max(2, -p.Amount.Exponent())), p.Currency, p.Date, p.Method, p.Description})
}

// Document is a document of a kind whose members are not all known: quote, advance invoice, delivery note, purchase order, work order.
// Extra has the others.
type Document struct {
	DocumentID     DocumentID `json:"documentID"`
	Number         string     `json:"number"`
	Date           Date       `json:"date"`
	Status         string     `json:"status"`
	CostPosition   string     `json:"costPosition"`
	BusinessUnit   string     `json:"businessUnit"`
	WarehouseCode  string     `json:"warehouseCode"`
	OrderReference string     `json:"orderReference"`
	BuyerCode      string     `json:"buyerCode"`
	BuyerName      string     `json:"buyerName"`
	DocumentAmount Decimal    `json:"documentAmount"`
	Items          []Item     `json:"Items"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (d *Document) UnmarshalJSON(b []byte) error { return readObject(b, d) }

// MarshalJSON writes what was read, save members that were null or empty.
func (d Document) MarshalJSON() ([]byte, error) { return writeObject(d) }

func (d *Document) id() DocumentID { return d.DocumentID }

// DocumentFields writes such a document. Extra takes what has no field.
type DocumentFields struct {
	Date             Field[Date]   `json:"date"`
	Number           Field[string] `json:"number"`
	Status           Field[string] `json:"status"`
	Type             Field[string] `json:"type"`
	ValidUntil       Field[Date]   `json:"validUntil"` // quotes
	CostPosition     Field[string] `json:"costPosition"`
	BusinessUnit     Field[string] `json:"businessUnit"`
	WarehouseCode    Field[string] `json:"warehouseCode"`
	OrderReference   Field[string] `json:"orderReference"`
	Remarks          Field[string] `json:"remarks"`
	MethodOfPayment  Field[string] `json:"methodOfPayment"`
	DocumentLanguage Field[string] `json:"documentLanguage"`
	DocumentCurrency Field[string] `json:"documentCurrency"`
	BuyerDocumentID  Field[string] `json:"buyerDocumentID"`
	BuyerCode        Field[string] `json:"buyerCode"`
	BuyerName        Field[string] `json:"buyerName"`
	Items            []ItemFields  `json:"Items"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f DocumentFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *DocumentFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// ReceivedInvoice is a supplier's invoice. Number is the supplier's, InternalNumber one's own.
type ReceivedInvoice struct {
	DocumentID         DocumentID      `json:"documentID"`
	Number             string          `json:"number"`
	InternalNumber     string          `json:"internalNumber"`
	Date               Date            `json:"date"`
	ReceivalDate       Date            `json:"receivalDate"`
	PaymentDueDate     Date            `json:"paymentDueDate"`
	Supplier           string          `json:"supplier"`
	SupplierCode       string          `json:"supplierCode"`
	SupplierDocumentID string          `json:"supplierDocumentID"`
	BusinessYear       int             `json:"businessYear"`
	CostPosition       string          `json:"costPosition"`
	AmountWithVAT      Decimal         `json:"amountWithVAT"`
	AmountAlreadyPaid  Decimal         `json:"amountAlreadyPaid"`
	AmountLeftToBePaid Decimal         `json:"amountLeftToBePaid"`
	PaymentCurrency    string          `json:"paymentCurrency"`
	Remarks            string          `json:"remarks"`
	Items              []ReceivedItem  `json:"Items"`
	PaymentRecords     []PaymentRecord `json:"PaymentRecords"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (i *ReceivedInvoice) UnmarshalJSON(b []byte) error { return readObject(b, i) }

// MarshalJSON writes what was read, save members that were null or empty.
func (i ReceivedInvoice) MarshalJSON() ([]byte, error) { return writeObject(i) }

func (i *ReceivedInvoice) id() DocumentID { return i.DocumentID }

// ReceivedItem is a line of a received invoice.
type ReceivedItem struct {
	Position        int     `json:"position"`
	Description     string  `json:"description"`
	Unit            string  `json:"unit"`
	NetAmount       Decimal `json:"netAmount"`
	VATPercentage   Decimal `json:"vatPercentage"`
	VATAmount       Decimal `json:"vatAmount"`
	CostPosition    string  `json:"costPosition"`
	GLAccountNumber string  `json:"glAccountNumber"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a line leniently, see Extra.
func (i *ReceivedItem) UnmarshalJSON(b []byte) error { return readObject(b, i) }

// MarshalJSON writes what was read.
func (i ReceivedItem) MarshalJSON() ([]byte, error) { return writeObject(i) }

// ReceivedInvoiceFields writes a supplier's invoice. An update wants all mandatory fields again.
type ReceivedInvoiceFields struct {
	Number             Field[string]        `json:"number"`
	InternalNumber     Field[string]        `json:"internalNumber"`
	Date               Field[Date]          `json:"date"`
	ReceivalDate       Field[Date]          `json:"receivalDate"`
	PaymentDueDate     Field[Date]          `json:"paymentDueDate"`
	SupplierCode       Field[string]        `json:"supplierCode"`
	SupplierDocumentID Field[string]        `json:"supplierDocumentID"`
	BusinessYear       Field[int]           `json:"businessYear"`
	CostPosition       Field[string]        `json:"costPosition"`
	Remarks            Field[string]        `json:"remarks"`
	Items              []ReceivedItemFields `json:"Items"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f ReceivedInvoiceFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ReceivedInvoiceFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// ReceivedItemFields writes a line of a supplier's invoice.
type ReceivedItemFields struct {
	Description     Field[string]          `json:"description"`
	Unit            Field[string]          `json:"unit"`
	NetAmount       Field[decimal.Decimal] `json:"netAmount"`
	VATPercentage   Field[decimal.Decimal] `json:"vatPercentage"`
	CostPosition    Field[string]          `json:"costPosition"`
	GLAccountNumber Field[string]          `json:"glAccountNumber"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f ReceivedItemFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ReceivedItemFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }
