package woo

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Order is an order as GET /orders/{id} shows it.
//
// Money is in Currency. Totals of lines are net of tax whatever PricesIncludeTax says; Total is gross and stays so when money is
// given back: what is left is Total plus the (negative) totals of Refunds.
//
// JSON there and back loses nothing, so an Order may wait in a queue: numbers keep their digits, unknown members stay in Extra, and
// so does every member that came in another shape than its field has, beside the field's converted value.
type Order struct {
	ID               OrderID     `json:"id" wire:"required"`
	ParentID         OrderID     `json:"parent_id"`
	Number           string      `json:"number"` // what the customer sees; the id unless a plugin numbers
	OrderKey         string      `json:"order_key"`
	CreatedVia       string      `json:"created_via"` // checkout, rest-api, admin, …
	Version          string      `json:"version"`     // of WooCommerce, when the order was last saved
	Status           OrderStatus `json:"status"`
	Currency         string      `json:"currency"`
	CurrencySymbol   string      `json:"currency_symbol"`
	PricesIncludeTax bool        `json:"prices_include_tax"`

	// Dates in UTC, zero when unset, each with what the shop's clock showed.
	DateCreated        time.Time `json:"date_created_gmt"`
	DateCreatedLocal   LocalTime `json:"date_created"`
	DateModified       time.Time `json:"date_modified_gmt"` // moved by refunds; not by notes, nor on older shops by meta, address or lines
	DateModifiedLocal  LocalTime `json:"date_modified"`
	DatePaid           time.Time `json:"date_paid_gmt"`
	DatePaidLocal      LocalTime `json:"date_paid"`
	DateCompleted      time.Time `json:"date_completed_gmt"`
	DateCompletedLocal LocalTime `json:"date_completed"`

	DiscountTotal Decimal `json:"discount_total"`
	DiscountTax   Decimal `json:"discount_tax"`
	ShippingTotal Decimal `json:"shipping_total"`
	ShippingTax   Decimal `json:"shipping_tax"`
	CartTax       Decimal `json:"cart_tax"`
	Total         Decimal `json:"total"`
	TotalTax      Decimal `json:"total_tax"`

	CustomerID         CustomerID `json:"customer_id"` // 0: a guest
	CustomerIPAddress  string     `json:"customer_ip_address"`
	CustomerUserAgent  string     `json:"customer_user_agent"`
	CustomerNote       string     `json:"customer_note"`
	PaymentMethod      string     `json:"payment_method"`
	PaymentMethodTitle string     `json:"payment_method_title"`
	TransactionID      string     `json:"transaction_id"`
	CartHash           string     `json:"cart_hash"`
	PaymentURL         string     `json:"payment_url"`
	IsEditable         bool       `json:"is_editable"`
	NeedsPayment       bool       `json:"needs_payment"`
	NeedsProcessing    bool       `json:"needs_processing"`

	Billing       Address         `json:"billing"`
	Shipping      Address         `json:"shipping"`
	MetaData      MetaData        `json:"meta_data"`
	LineItems     []LineItem      `json:"line_items"`
	TaxLines      []TaxLine       `json:"tax_lines"`
	ShippingLines []ShippingLine  `json:"shipping_lines"`
	FeeLines      []FeeLine       `json:"fee_lines"`
	CouponLines   []CouponLine    `json:"coupon_lines"`
	Refunds       []RefundSummary `json:"refunds"`

	Extra map[string]json.RawMessage `json:"-"` // members without a field above, by name; _links is one
}

// LineItem is a product sold. In a Refund its Quantity and totals are negative.
type LineItem struct {
	ID          LineID      `json:"id"`
	Name        string      `json:"name"`
	ProductID   ProductID   `json:"product_id"` // 0 when the product is gone, and for lines that never had one
	VariationID VariationID `json:"variation_id"`
	Quantity    Decimal     `json:"quantity"` // plugins sell fractions
	TaxClass    string      `json:"tax_class"`
	Subtotal    Decimal     `json:"subtotal"` // net, before discount
	SubtotalTax Decimal     `json:"subtotal_tax"`
	Total       Decimal     `json:"total"` // net, after discount
	TotalTax    Decimal     `json:"total_tax"`
	Taxes       []Tax       `json:"taxes"`
	MetaData    MetaData    `json:"meta_data"`

	SKU            *string   `json:"sku"` // nil when the product is gone; "" when it has none
	GlobalUniqueID *string   `json:"global_unique_id"`
	Price          Decimal   `json:"price"` // Total / Quantity with the noise of PHP's floats: to show, not to calculate with
	Image          LineImage `json:"image"`
	ParentName     *string   `json:"parent_name"` // of a variation

	CostOfGoodsSold json.RawMessage `json:"cost_of_goods_sold,omitzero"` // where the shop keeps costs

	Extra map[string]json.RawMessage `json:"-"`
}

// LineImage is the picture of a line's product.
type LineImage struct {
	ID  ImageID `json:"id"`
	Src string  `json:"src"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Tax is the part of a line that one tax rate takes, unrounded. Subtotal is "" on shipping and fees.
type Tax struct {
	ID       TaxRateID `json:"id"`
	Total    Decimal   `json:"total"`
	Subtotal Decimal   `json:"subtotal"`

	Extra map[string]json.RawMessage `json:"-"`
}

// TaxLine is what one tax rate takes of the whole order.
type TaxLine struct {
	ID               LineID    `json:"id"`
	RateCode         string    `json:"rate_code"`
	RateID           TaxRateID `json:"rate_id"`
	Label            string    `json:"label"`
	Compound         bool      `json:"compound"`
	TaxTotal         Decimal   `json:"tax_total"`
	ShippingTaxTotal Decimal   `json:"shipping_tax_total"`
	RatePercent      Decimal   `json:"rate_percent"`
	MetaData         MetaData  `json:"meta_data"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingLine is one way of shipping.
type ShippingLine struct {
	ID          LineID    `json:"id"`
	MethodTitle string    `json:"method_title"`
	MethodID    string    `json:"method_id"`
	InstanceID  string    `json:"instance_id"`
	Total       Decimal   `json:"total"`
	TotalTax    Decimal   `json:"total_tax"`
	Taxes       []Tax     `json:"taxes"`
	TaxStatus   TaxStatus `json:"tax_status,omitzero"` // newer shops
	MetaData    MetaData  `json:"meta_data"`

	Extra map[string]json.RawMessage `json:"-"`
}

// FeeLine is a fee or, negative, a deduction.
type FeeLine struct {
	ID        LineID    `json:"id"`
	Name      string    `json:"name"`
	TaxClass  string    `json:"tax_class"`
	TaxStatus TaxStatus `json:"tax_status"`
	Amount    Decimal   `json:"amount"` // "" unless the checkout set it; Total is what counts
	Total     Decimal   `json:"total"`
	TotalTax  Decimal   `json:"total_tax"`
	Taxes     []Tax     `json:"taxes"`
	MetaData  MetaData  `json:"meta_data"`

	Extra map[string]json.RawMessage `json:"-"`
}

// CouponLine is a coupon used. Its discount is already taken off the lines' totals. Newer shops tell type and amount.
type CouponLine struct {
	ID            LineID   `json:"id"`
	Code          string   `json:"code"`
	Discount      Decimal  `json:"discount"`
	DiscountTax   Decimal  `json:"discount_tax"`
	MetaData      MetaData `json:"meta_data"`
	DiscountType  string   `json:"discount_type,omitzero"`
	NominalAmount Decimal  `json:"nominal_amount"`
	FreeShipping  bool     `json:"free_shipping"`

	Extra map[string]json.RawMessage `json:"-"`
}

// RefundSummary is what an order says of a refund. Client.Refunds has the whole.
type RefundSummary struct {
	ID       RefundID `json:"id"`
	Reason   string   `json:"reason"`
	Total    Decimal  `json:"total"`     // negative
	TotalTax Decimal  `json:"total_tax"` // newer shops; negative

	Extra map[string]json.RawMessage `json:"-"`
}

// OrderQuery selects orders: GET /orders. Zero fields do not filter; a list or [Field] that is set but empty is an error.
// Dates are exclusive and of whole seconds: whoever polls asks for a few seconds too many and drops what is known.
type OrderQuery struct {
	Status         []OrderStatus     `query:"status"` // default OrderAny; OrderTrash must be asked for alone
	After          time.Time         `query:"after"`  // created after
	Before         time.Time         `query:"before"`
	ModifiedAfter  time.Time         `query:"modified_after"`
	ModifiedBefore time.Time         `query:"modified_before"`
	Customer       Field[CustomerID] `query:"customer"` // Set(0): orders of guests
	Product        Field[ProductID]  `query:"product"`  // orders that hold it
	Search         Field[string]     `query:"search"`   // id, names of items, parts of addresses; no meta data
	Include        []OrderID         `query:"include"`  // unknown ones are left out
	Exclude        []OrderID         `query:"exclude"`
	Parent         []OrderID         `query:"parent"`
	ParentExclude  []OrderID         `query:"parent_exclude"`
	CreatedVia     []string          `query:"created_via"` // WooCommerce 10; older shops ignore it
	Decimals       Field[int]        `query:"dp"`          // places of money; default 2

	IncludeMeta []string    `query:"include_meta"`            // keys; all others stay out of meta_data, of lines too
	ExcludeMeta []string    `query:"exclude_meta"`            // keys
	DisplayMeta Field[bool] `query:"order_item_display_meta"` // Set(true): of lines only what shop windows show

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100; default the shop's 10 in List
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // date (default), id, include, modified
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q OrderQuery) values() (url.Values, error) {
	if len(q.Status) > 1 && slices.Contains(q.Status, OrderTrash) && slices.Contains(q.Status, OrderAny) {
		return nil, fmt.Errorf("%s beside %s in Status leaves it out: ask for it alone", OrderAny, OrderTrash)
	}
	return queryValues(q)
}

// OrderFields writes an order: POST /orders, PUT /orders/{id}. What is absent stays as it is. The shop ignores all other
// members of an order (total, number, dates) without a word; a wish of these fields that it ignores is [ErrNotApplied].
//
// No key makes a create unique: [Collection.CreateOnce] puts a reference into MetaData and looks for it when an answer is lost.
type OrderFields struct {
	ParentID           Field[OrderID]       `json:"parent_id,omitzero"`
	Status             Field[OrderStatus]   `json:"status,omitzero"` // processing, completed and on-hold take stock, cancelled gives it back
	Currency           Field[string]        `json:"currency,omitzero"`
	CustomerID         Field[CustomerID]    `json:"customer_id,omitzero"`
	CustomerNote       Field[string]        `json:"customer_note,omitzero"`
	Billing            Field[AddressFields] `json:"billing,omitzero"`
	Shipping           Field[AddressFields] `json:"shipping,omitzero"`
	PaymentMethod      Field[string]        `json:"payment_method,omitzero"`
	PaymentMethodTitle Field[string]        `json:"payment_method_title,omitzero"`
	TransactionID      Field[string]        `json:"transaction_id,omitzero"`
	MetaData           Field[[]MetaFields]  `json:"meta_data,omitzero"`

	// Lines with an ID are changed, lines without are added, and lines not named stay.
	LineItems     Field[[]LineItemFields]     `json:"line_items,omitzero"`
	ShippingLines Field[[]ShippingLineFields] `json:"shipping_lines,omitzero"`
	FeeLines      Field[[]FeeLineFields]      `json:"fee_lines,omitzero"`
	CouponLines   Field[[]CouponLineFields]   `json:"coupon_lines,omitzero"` // replaces the whole list

	SetPaid      Field[bool]   `json:"set_paid,omitzero"`      // moves the order to processing and takes the stock
	CreatedVia   Field[string] `json:"created_via,omitzero"`   // at creation, newer shops
	ManualUpdate Field[bool]   `json:"manual_update,omitzero"` // the status change is noted as made by hand

	Extra map[string]json.RawMessage `json:"-"` // members of plugins, sent along
}

// LineItemFields adds (without ID) or changes a line. A product is named by ProductID, which may be a variation's, or by SKU; an unknown one
// is accepted and makes an empty line of 0.00. Clearing ProductID by Null, or setting Quantity to 0, removes the line.
//
// Changing Quantity leaves the totals as they were: write Subtotal and Total as well.
type LineItemFields struct {
	ID          Field[LineID]          `json:"id,omitzero"`
	Name        Field[string]          `json:"name,omitzero"`
	ProductID   Field[ProductID]       `json:"product_id,omitzero"`
	VariationID Field[VariationID]     `json:"variation_id,omitzero"`
	SKU         Field[string]          `json:"sku,omitzero"`
	Quantity    Field[decimal.Decimal] `json:"quantity,omitzero" wire:"number"`
	TaxClass    Field[string]          `json:"tax_class,omitzero"`
	Subtotal    Field[decimal.Decimal] `json:"subtotal,omitzero"` // net
	Total       Field[decimal.Decimal] `json:"total,omitzero"`    // net
	MetaData    Field[[]MetaFields]    `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingLineFields adds (without ID) or changes a shipping line; clearing MethodID by Null removes it.
type ShippingLineFields struct {
	ID          Field[LineID]          `json:"id,omitzero"`
	MethodTitle Field[string]          `json:"method_title,omitzero"`
	MethodID    Field[string]          `json:"method_id,omitzero"`
	InstanceID  Field[string]          `json:"instance_id,omitzero"`
	Total       Field[decimal.Decimal] `json:"total,omitzero"` // net
	MetaData    Field[[]MetaFields]    `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// FeeLineFields adds (without ID) or changes a fee; clearing Name by Null removes it.
type FeeLineFields struct {
	ID        Field[LineID]          `json:"id,omitzero"`
	Name      Field[string]          `json:"name,omitzero"`
	TaxClass  Field[string]          `json:"tax_class,omitzero"`
	TaxStatus Field[TaxStatus]       `json:"tax_status,omitzero"`
	Total     Field[decimal.Decimal] `json:"total,omitzero"` // net
	MetaData  Field[[]MetaFields]    `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// CouponLineFields uses a coupon on an order.
type CouponLineFields struct {
	Code Field[string] `json:"code,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}
