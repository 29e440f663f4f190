package woo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// What can be done with an order besides reading and writing it.

// OrderStatusName is a status with the name the shop shows for it.
type OrderStatusName struct {
	Slug OrderStatus `json:"slug" wire:"required"`
	Name string      `json:"name"`

	Extra map[string]json.RawMessage `json:"-"`
}

// OrderStatuses reads the statuses an order may have, those of plugins included: GET /orders/statuses, newer shops.
func (c *Client) OrderStatuses(ctx context.Context) ([]*OrderStatusName, error) {
	return askAll[OrderStatusName](ctx, c, route("OrderStatuses", "orders/statuses"))
}

// Receipt is where a receipt of an order can be printed, for anybody who knows the address, until it expires.
type Receipt struct {
	URL            string `json:"receipt_url" wire:"required"`
	ExpirationDate string `json:"expiration_date"` // the last day: "2026-11-22"

	Extra map[string]json.RawMessage `json:"-"`
}

// ReceiptFields says how long a new receipt is good for. Default: until tomorrow.
type ReceiptFields struct {
	ExpirationDate Field[string] `json:"expiration_date,omitzero"` // the last day: "2026-11-22"
	ExpirationDays Field[int]    `json:"expiration_days,omitzero"` // 0: today
	ForceNew       Field[bool]   `json:"force_new,omitzero"`       // also when there is one

	Extra map[string]json.RawMessage `json:"-"`
}

func (f ReceiptFields) check() error {
	if day, ok := f.ExpirationDate.Get(); ok {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("expiration_date: %q is no day: give one such as 2026-11-22", day)
		}
	}
	return nil
}

// Receipt reads an order's receipt: GET /orders/{id}/receipt, WooCommerce 8.8 and later. When there is none, or no longer, the error is
// ErrNotFound.
func (c *Client) Receipt(ctx context.Context, o OrderID) (*Receipt, error) {
	call := routeOf("Receipt", http.MethodGet, "orders", o, "receipt")
	return ask[Receipt](ctx, c, call)
}

// CreateReceipt makes a receipt of an order, or returns the one there is: POST /orders/{id}/receipt.
func (c *Client) CreateReceipt(ctx context.Context, o OrderID, f ReceiptFields) (*Receipt, error) {
	call := routeOf("CreateReceipt", http.MethodPost, "orders", o, "receipt")
	anew, _ := f.ForceNew.Get()
	return tell[Receipt](ctx, c, call, f, anew)
}

// EmailTemplate is an e-mail that can be sent for an order in its present status.
type EmailTemplate struct {
	ID          string `json:"id" wire:"required"` // "customer_completed_order"
	Title       string `json:"title"`
	Description string `json:"description"`

	Extra map[string]json.RawMessage `json:"-"`
}

// EmailTemplates reads which e-mails can be sent for an order: GET /orders/{id}/actions/email_templates, WooCommerce 9.8 and
// later. There are none for an order without an e-mail address.
func (c *Client) EmailTemplates(ctx context.Context, o OrderID) ([]*EmailTemplate, error) {
	call := routeOf("EmailTemplates", http.MethodGet, "orders", o, "actions/email_templates")
	return askAll[EmailTemplate](ctx, c, call)
}

// EmailFields says which e-mail is sent, and where.
type EmailFields struct {
	TemplateID Field[string] `json:"template_id,omitzero"` // of an [EmailTemplate]; default what fits the order's status
	// Email becomes the order's billing address if it has none. If it has another that is an error, unless ForceEmailUpdate is true.
	Email            Field[string] `json:"email,omitzero"`
	ForceEmailUpdate Field[bool]   `json:"force_email_update,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SendEmail sends the customer an e-mail about an order and returns what the shop says of it: POST /orders/{id}/actions/send_email,
// WooCommerce 9.8 and later. It is sent once: when the answer is lost the error is ErrAmbiguous.
func (c *Client) SendEmail(ctx context.Context, o OrderID, f EmailFields) (message string, err error) {
	return c.mail(ctx, "SendEmail", o, "actions/send_email", f)
}

// SendOrderDetails sends the customer the order with a link to pay, as an invoice: POST /orders/{id}/actions/send_order_details,
// newer shops. It is sent once, as SendEmail; TemplateID is not looked at.
func (c *Client) SendOrderDetails(ctx context.Context, o OrderID, f EmailFields) (message string, err error) {
	return c.mail(ctx, "SendOrderDetails", o, "actions/send_order_details", f)
}

func (c *Client) mail(ctx context.Context, op string, o OrderID, action string, f EmailFields) (string, error) {
	call := routeOf(op, http.MethodPost, "orders", o, action)
	answer, err := tell[struct {
		Message string `json:"message"`
	}](ctx, c, call, f, true)
	if err != nil {
		return "", err
	}
	return answer.Message, nil
}
