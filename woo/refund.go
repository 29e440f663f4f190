package woo

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/shopspring/decimal"
)

// Refund is money given back: GET /orders/{id}/refunds/{id}. Amount is positive; lines are negative, quantities included, and
// there are none when only an amount was refunded.
type Refund struct {
	ID               RefundID       `json:"id" wire:"required"`
	ParentID         OrderID        `json:"parent_id,omitzero"` // the order; only in the list of all refunds (newer shops)
	DateCreated      time.Time      `json:"date_created_gmt"`
	DateCreatedLocal LocalTime      `json:"date_created"`
	Amount           Decimal        `json:"amount"`
	Reason           string         `json:"reason"`
	RefundedBy       CustomerID     `json:"refunded_by"`      // the user; 0 for none
	RefundedPayment  bool           `json:"refunded_payment"` // whether the gateway moved the money
	MetaData         MetaData       `json:"meta_data"`
	LineItems        []LineItem     `json:"line_items"`
	ShippingLines    []ShippingLine `json:"shipping_lines"`
	TaxLines         []TaxLine      `json:"tax_lines"`
	FeeLines         []FeeLine      `json:"fee_lines"`

	Extra map[string]json.RawMessage `json:"-"`
}

// RefundQuery selects refunds of one order: GET /orders/{id}/refunds, or of all: GET /refunds. Zero fields do not filter; a list or
// [Field] that is set but empty is an error.
type RefundQuery struct {
	After          time.Time     `query:"after"` // made after
	Before         time.Time     `query:"before"`
	ModifiedAfter  time.Time     `query:"modified_after"`
	ModifiedBefore time.Time     `query:"modified_before"`
	Search         Field[string] `query:"search"`
	Include        []RefundID    `query:"include"`
	Exclude        []RefundID    `query:"exclude"`
	Parent         []OrderID     `query:"parent"` // over all orders
	ParentExclude  []OrderID     `query:"parent_exclude"`
	Decimals       Field[int]    `query:"dp"` // places of money; default 2

	IncludeMeta []string    `query:"include_meta"`            // keys; all others stay out of meta_data, of lines too
	ExcludeMeta []string    `query:"exclude_meta"`            // keys
	DisplayMeta Field[bool] `query:"order_item_display_meta"` // Set(true): of lines only what shop windows show

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q RefundQuery) values() (url.Values, error) { return queryValues(q) }

// RefundFields makes a refund: POST /orders/{id}/refunds. The shop answers every refusal with status 500, and no key makes a refund unique.
//
// Beware of the shop's defaults: unless APIRefund is false the payment gateway really moves the money, and unless APIRestock
// is false refunded lines go back on the shelf.
type RefundFields struct {
	Amount     Field[decimal.Decimal]    `json:"amount,omitzero"` // positive, gross; may be left out when LineItems say it
	Reason     Field[string]             `json:"reason,omitzero"`
	RefundedBy Field[CustomerID]         `json:"refunded_by,omitzero"`
	APIRefund  Field[bool]               `json:"api_refund,omitzero"`
	APIRestock Field[bool]               `json:"api_restock,omitzero"`
	LineItems  Field[[]RefundLineFields] `json:"line_items,omitzero"`
	MetaData   Field[[]MetaFields]       `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// RefundLineFields gives back a line of the order, whole or in part.
type RefundLineFields struct {
	ID          Field[LineID]            `json:"id,omitzero"`
	Quantity    Field[decimal.Decimal]   `json:"quantity,omitzero" wire:"number"`     // positive
	RefundTotal Field[decimal.Decimal]   `json:"refund_total,omitzero" wire:"number"` // net, positive
	RefundTax   Field[[]RefundTaxFields] `json:"refund_tax,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// RefundTaxFields gives back a line's part of one tax rate.
type RefundTaxFields struct {
	ID          Field[TaxRateID]       `json:"id,omitzero"`
	RefundTotal Field[decimal.Decimal] `json:"refund_total,omitzero" wire:"number"` // positive

	Extra map[string]json.RawMessage `json:"-"`
}
