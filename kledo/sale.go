package kledo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/internal/rest"
)

// Sale is an invoice or a sales order of finance/invoices and finance/orders, which are one kind of record. Lists leave out much of
// it: Items is there only with SaleQuery.IncludeItems.
type Sale struct {
	ID             DocumentID      `json:"id"`
	BusinessTranID int64           `json:"business_tran_id"` // what InvoicePaymentFields.BusinessTranID takes; 0 where left out: ID then
	Type           TransactionType `json:"trans_type_id"`
	Status         Status          `json:"status_id"`
	RefNumber      string          `json:"ref_number"`
	TransDate      Date            `json:"trans_date"`
	DueDate        Date            `json:"due_date"`
	PaidDate       Date            `json:"paid_date"`
	CreatedAt      Date            `json:"created_at"` // the day alone: lists know no more
	Memo           string          `json:"memo"`       // the field "Reference" of Kledo's pages
	Description    string          `json:"desc"`

	ContactID   ContactID          `json:"contact_id"`
	Contact     *Contact           `json:"contact"`
	WarehouseID WarehouseID        `json:"warehouse_id"`
	Tags        []Tag              `json:"tags"`
	Items       []SaleItem         `json:"items"`
	Tax         map[string]Decimal `json:"tax"`         // tax id to amount
	TaxIncluded bool               `json:"include_tax"` // prices contain tax

	Amount             Decimal `json:"amount"`
	AmountAfterTax     Decimal `json:"amount_after_tax"`
	Subtotal           Decimal `json:"subtotal"`
	TotalTax           Decimal `json:"total_tax"`
	Due                Decimal `json:"due"` // not paid yet
	ShippingCost       Decimal `json:"shipping_cost"`
	AdditionalDiscount Decimal `json:"additional_discount_amount"`
	Unbilled           Decimal `json:"unbilled_amount"` // orders

	PaymentStatus string   `json:"payment_status"` // for people: "Belum Dibayar"
	Attachments   []string `json:"attachment"`
	DeliveryIDs   []int64  `json:"delivery_ids"`
	PrintURL      string   `json:"print_url"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// SaleItem is a line of a [Sale].
type SaleItem struct {
	ID             int64     `json:"id"`
	ProductID      ProductID `json:"finance_account_id"` // in spite of the name
	Description    string    `json:"desc"`
	Quantity       Decimal   `json:"qty"`
	Price          Decimal   `json:"price"`
	Amount         Decimal   `json:"amount"`
	AmountAfterTax Decimal   `json:"amount_after_tax"`
	Discount       Decimal   `json:"discount_amount"`
	TaxID          TaxID     `json:"tax_id"`
	Tax            *Tax      `json:"item_tax"`
	UnitID         UnitID    `json:"unit_id"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// TaxID is a tax's id. Which route lists taxes is not documented; Kledo's pages show the id, and so does [SaleItem.Tax].
type TaxID int64

// Tax is a tax as it stands with a line.
type Tax struct {
	ID            TaxID     `json:"id"`
	Name          string    `json:"name"`
	Percent       Decimal   `json:"percent"`
	Withheld      bool      `json:"is_witholding"` // the spelling is Kledo's
	Active        bool      `json:"is_active"`
	Manual        bool      `json:"is_allow_manual"`
	SellAccountID AccountID `json:"sell_account_id"`
	BuyAccountID  AccountID `json:"buy_account_id"`
	IsGroup       bool      `json:"is_group"`
	GroupTaxes    []Tax     `json:"group_items"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// SaleQuery selects invoices or sales orders.
type SaleQuery struct {
	Search        string            `query:"search"` // in the reference among others
	DateFrom      Date              `query:"date_from"`
	DateTo        Date              `query:"date_to"`
	DueFrom       Date              `query:"due_date_from"`
	DueTo         Date              `query:"due_date_to"`
	ShippingFrom  Date              `query:"shipping_date_from"`
	ShippingTo    Date              `query:"shipping_date_to"`
	PaidFrom      Date              `query:"payment_date_from"`
	PaidTo        Date              `query:"payment_date_to"`
	Status        []Status          `query:"status_id"`
	OrderStatus   []Status          `query:"status_ids"` // sales orders
	ContactID     ContactID         `query:"contact_id"`
	ProductID     ProductID         `query:"product_id"`
	SalesPersonID int64             `query:"sales_id"`
	WarehouseID   WarehouseID       `query:"warehouse_id"` // sales orders
	AmountFrom    *decimal.Decimal  `query:"amount_gte"`
	AmountTo      *decimal.Decimal  `query:"amount_lte"`
	Types         []TransactionType `query:"trans_type_ids"`
	IncludeItems  bool              `query:"include_items"`
	SortBy        string            `query:"sort_by"` // trans_date, status_id, due_date, amount_after_tax, memo, ref_number, due, payment_date
	Desc          bool              // order_by desc; asc when only SortBy is set
	Page          int               // default 1
	PerPage       int               // default Kledo's, 15
}

// SaleFields is what is written of an invoice or a sales order. That sales orders take the invoices' fields is likely, not documented.
type SaleFields struct {
	TransDate       Field[Date]            `json:"trans_date,omitzero"` // required
	DueDate         Field[Date]            `json:"due_date,omitzero"`   // required
	ContactID       Field[ContactID]       `json:"contact_id,omitzero"` // required; a customer
	Status          Field[Status]          `json:"status_id,omitzero"`
	TaxIncluded     Field[int]             `json:"include_tax,omitzero"` // 1: prices contain tax; 0: they do not
	TermID          Field[int64]           `json:"term_id,omitzero"`
	SalesPersonID   Field[int64]           `json:"sales_id,omitzero"`
	WarehouseID     Field[WarehouseID]     `json:"warehouse_id,omitzero"`
	ShippingPlace   Field[int64]           `json:"contact_shipping_address_id,omitzero"`
	RefNumber       Field[string]          `json:"ref_number,omitzero"` // Kledo numbers when it is left out
	Memo            Field[string]          `json:"memo,omitzero"`       // the field "Reference" of Kledo's pages
	Message         Field[string]          `json:"message,omitzero"`
	Attachments     Field[[]string]        `json:"attachment,omitzero"` // URLs
	Items           Field[[]SaleLine]      `json:"items,omitzero"`      // required
	Withholdings    Field[[]Withholding]   `json:"witholdings,omitzero"`
	DiscountPercent Field[decimal.Decimal] `json:"additional_discount_percent,omitzero"`
	Discount        Field[decimal.Decimal] `json:"additional_discount_amount,omitzero"`
	ShippingCost    Field[decimal.Decimal] `json:"shipping_cost,omitzero"`
	ShippingDate    Field[Date]            `json:"shipping_date,omitzero"`
	ShippingCompID  Field[int64]           `json:"shipping_comp_id,omitzero"`
	Tracking        Field[string]          `json:"shipping_tracking,omitzero"`
	Tags            Field[[]TagID]         `json:"tags,omitzero"` // ids; the WooCommerce routes take names
	DeliveryIDs     Field[[]int64]         `json:"delivery_ids,omitzero"`
	DownPayment     Field[decimal.Decimal] `json:"down_payment,omitzero"`
}

// SaleLine is what is written of a line. Lines have no life of their own: a write gives all of them.
type SaleLine struct {
	ProductID       Field[ProductID]       `json:"finance_account_id,omitzero"` // required
	TaxID           Field[TaxID]           `json:"tax_id,omitzero"`
	Description     Field[string]          `json:"desc,omitzero"`
	Quantity        Field[decimal.Decimal] `json:"qty,omitzero"`
	Price           Field[decimal.Decimal] `json:"price,omitzero"`
	Amount          Field[decimal.Decimal] `json:"amount,omitzero"`
	PriceAfterTax   Field[decimal.Decimal] `json:"price_after_tax,omitzero"`
	AmountAfterTax  Field[decimal.Decimal] `json:"amount_after_tax,omitzero"`
	TaxByHand       Field[decimal.Decimal] `json:"tax_manual,omitzero"`
	DiscountPercent Field[decimal.Decimal] `json:"discount_percent,omitzero"`
	Discount        Field[decimal.Decimal] `json:"discount_amount,omitzero"`
	UnitID          Field[UnitID]          `json:"unit_id,omitzero"`
	SerialNumbers   Field[[]SerialNumber]  `json:"serial_numbers,omitzero"`
}

// SerialNumber is a piece, or some of a batch, on a line.
type SerialNumber struct {
	ID       int64                  `json:"product_serial_number_id"`
	Quantity Field[decimal.Decimal] `json:"qty,omitzero"`
}

// Withholding is tax that the customer pays in the seller's place.
type Withholding struct {
	AccountID AccountID              `json:"witholding_account_id"`
	Amount    Field[decimal.Decimal] `json:"witholding_amount,omitzero"`
	Percent   Field[decimal.Decimal] `json:"witholding_percent,omitzero"`
}

// UnmarshalJSON reads Kledo's form.
func (s *Sale) UnmarshalJSON(b []byte) error { return decode(b, s) }

// MarshalJSON writes what UnmarshalJSON reads.
func (s Sale) MarshalJSON() ([]byte, error) { return encode(s) }

// UnmarshalJSON reads Kledo's form.
func (s *SaleItem) UnmarshalJSON(b []byte) error { return decode(b, s) }

// MarshalJSON writes what UnmarshalJSON reads.
func (s SaleItem) MarshalJSON() ([]byte, error) { return encode(s) }

// UnmarshalJSON reads Kledo's form.
func (t *Tax) UnmarshalJSON(b []byte) error { return decode(b, t) }

// MarshalJSON writes what UnmarshalJSON reads.
func (t Tax) MarshalJSON() ([]byte, error) { return encode(t) }

// VoidInvoice takes an invoice back without deleting it: POST finance/invoices/{id}/void.
func (c *Client) VoidInvoice(ctx context.Context, id DocumentID) error {
	return c.invoice(ctx, "VoidInvoice", http.MethodPost, rest.Effect, id, "/void", nil)
}

// DeleteInvoice deletes an invoice: DELETE finance/invoices/{id}. A second time the error is ErrNotFound.
func (c *Client) DeleteInvoice(ctx context.Context, id DocumentID) error {
	return c.invoice(ctx, "DeleteInvoice", http.MethodDelete, rest.Write, id, "", nil)
}

// InvoiceTotals are the sums over the invoices that q selects: GET finance/invoices/totals. Their members are not documented.
func (c *Client) InvoiceTotals(ctx context.Context, q SaleQuery) (Record, error) {
	const path = "finance/invoices/totals"
	values, _, _ := encodeQuery(q)
	var r Record
	err := c.do(ctx, rest.Call{Op: "InvoiceTotals", Kind: rest.Read, Method: http.MethodGet, Path: path, Route: path, Query: values}, &r)
	return r, err
}

// InvoicePayments lists what was paid on an invoice: GET finance/invoices/{id}/transactions.
func (c *Client) InvoicePayments(id DocumentID) *Lister[Record, RecordQuery] {
	l := lister[Record, RecordQuery](c, "InvoicePayments", "finance/invoices/"+strconv.FormatInt(int64(id), 10)+"/transactions")
	return &l
}

// AttachToInvoice adds a file to an invoice: POST finance/invoices/{id}/attachments. It returns the file's address.
func (c *Client) AttachToInvoice(ctx context.Context, id DocumentID, name string, content []byte) (url string, err error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return "", invalid("AttachToInvoice", err)
	}
	err = c.invoiceCall(ctx, rest.Call{
		Op: "AttachToInvoice", Kind: rest.Effect, Method: http.MethodPost, Body: body.Bytes(), ContentType: form.FormDataContentType(),
	}, id, "/attachments", &url)
	return url, err
}

func (c *Client) invoice(ctx context.Context, op, method string, kind rest.Kind, id DocumentID, below string, out any) error {
	return c.invoiceCall(ctx, rest.Call{Op: op, Kind: kind, Method: method}, id, below, out)
}

func (c *Client) invoiceCall(ctx context.Context, call rest.Call, id DocumentID, below string, out any) error {
	if id <= 0 {
		return invalid(call.Op, errors.New("the invoice's id is missing"))
	}
	call.Path = fmt.Sprintf("finance/invoices/%d%s", id, below)
	call.Route = "finance/invoices/{id}" + below
	return c.do(ctx, call, out)
}
