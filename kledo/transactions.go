package kledo

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tillwire/tillwire/internal/rest"
)

// Transactions is what Kledo has booked for one order of the shop.
type Transactions struct {
	OrderID    ShopOrderID
	SalesOrder *Booked // nil: not booked, or not yet: what Kledo has accepted it books later
	Invoice    *Booked
	Linked     bool // the invoice to the sales order

	// Kledo's words on a document that it had accepted and then refused to book; "" mostly.
	SalesOrderFailure, InvoiceFailure string

	Extra map[string]json.RawMessage // the fields beside these
}

// DocumentID is the id of an invoice or a sales order in Kledo.
type DocumentID int64

// Booked is a document in Kledo's books.
type Booked struct {
	ID        DocumentID
	RefNumber string // Kledo's form of it: not to be parsed
	Status    Status // invoices: unpaid, partly paid, paid; orders: open, partly shipped, closed; there are more
	Closed    bool   // orders only
}

// Transactions looks up what is booked for an order: GET woocommerce/transactions/{id}. An order Kledo has never heard of is
// ErrNotFound or an answer without documents, as Kledo pleases.
func (c *Client) Transactions(ctx context.Context, id ShopOrderID) (*Transactions, error) {
	call := rest.Call{
		Op: "Transactions", Kind: rest.Read, Method: http.MethodGet,
		Path: "woocommerce/transactions/" + id.String(), Route: "woocommerce/transactions/{id}",
	}
	t := &Transactions{OrderID: id}
	if err := c.do(ctx, call, t); err != nil {
		return nil, err
	}
	return t, nil
}

// UnmarshalJSON reads Kledo's form.
func (t *Transactions) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' || string(b) == "null" { // PHP's empty object
		return nil
	}
	var wire struct {
		OrderID        lenientInt      `json:"wc_order_id"`
		Order          json.RawMessage `json:"order"`
		Invoice        json.RawMessage `json:"invoice"`
		Linked         lenientBool     `json:"linked"`
		OrderFailure   json.RawMessage `json:"order_failure"`
		InvoiceFailure json.RawMessage `json:"invoice_failure"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	order, err := object[Booked](wire.Order)
	if err != nil {
		return err
	}
	invoice, err := object[Booked](wire.Invoice)
	if err != nil {
		return err
	}
	if wire.OrderID != 0 {
		t.OrderID = ShopOrderID(wire.OrderID)
	}
	t.SalesOrder, t.Invoice, t.Linked = order, invoice, bool(wire.Linked)
	t.SalesOrderFailure, t.InvoiceFailure = failureText(wire.OrderFailure), failureText(wire.InvoiceFailure)
	t.Extra = unknown(b, "wc_order_id", "order", "invoice", "linked", "order_failure", "invoice_failure")
	return nil
}

// UnmarshalJSON reads Kledo's form.
func (d *Booked) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID        lenientInt  `json:"id"`
		RefNumber lenientText `json:"ref_number"`
		StatusID  lenientInt  `json:"status_id"`
		Closed    lenientBool `json:"is_closed"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*d = Booked{ID: DocumentID(wire.ID), RefNumber: string(wire.RefNumber), Status: Status(wire.StatusID), Closed: bool(wire.Closed)}
	return nil
}

// failureText reads why a document was refused: a text, or an object with Kledo's usual words, or whatever it is.
func failureText(b json.RawMessage) string {
	if len(b) == 0 || string(b) == "null" || string(b) == "[]" || string(b) == "false" {
		return ""
	}
	if s := plain(b); s != "" || string(b) == `""` {
		return s
	}
	if message, _ := words(b); message != "" {
		return message
	}
	return string(b)
}
