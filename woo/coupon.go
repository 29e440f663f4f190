package woo

import (
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/shopspring/decimal"
)

// Coupon is a coupon: GET /coupons/{id}.
type Coupon struct {
	ID                CouponID     `json:"id" wire:"required"`
	Code              string       `json:"code"`   // the shop makes it lower-case
	Amount            Decimal      `json:"amount"` // money, or percent
	Status            CouponStatus `json:"status,omitzero"`
	DateCreated       time.Time    `json:"date_created_gmt"`
	DateCreatedLocal  LocalTime    `json:"date_created"`
	DateModified      time.Time    `json:"date_modified_gmt"`
	DateModifiedLocal LocalTime    `json:"date_modified"`
	DiscountType      DiscountType `json:"discount_type"`
	Description       string       `json:"description"`
	DateExpires       time.Time    `json:"date_expires_gmt"` // zero: never
	DateExpiresLocal  LocalTime    `json:"date_expires"`

	UsageCount                int          `json:"usage_count"`
	UsageLimit                *int         `json:"usage_limit"`            // nil: none, as the next two
	UsageLimitPerUser         *int         `json:"usage_limit_per_user"`   // by account or e-mail address
	LimitUsageToXItems        *int         `json:"limit_usage_to_x_items"` // of a cart
	IndividualUse             bool         `json:"individual_use"`         // not together with others
	FreeShipping              bool         `json:"free_shipping"`
	ExcludeSaleItems          bool         `json:"exclude_sale_items"`
	ProductIDs                []ProductID  `json:"product_ids"` // empty: all, as in the next three
	ExcludedProductIDs        []ProductID  `json:"excluded_product_ids"`
	ProductCategories         []CategoryID `json:"product_categories"`
	ExcludedProductCategories []CategoryID `json:"excluded_product_categories"`
	MinimumAmount             Decimal      `json:"minimum_amount"` // of the cart, "0.00" for none
	MaximumAmount             Decimal      `json:"maximum_amount"`
	EmailRestrictions         []string     `json:"email_restrictions"` // may hold * as in "*@example.com"
	UsedBy                    []string     `json:"used_by"`            // ids of accounts, or e-mail addresses of guests
	MetaData                  MetaData     `json:"meta_data"`

	Extra map[string]json.RawMessage `json:"-"`
}

// CouponID is the id of a coupon.
type CouponID int64

// DiscountType says what a coupon's amount is taken off. Plugins add their own.
type DiscountType string

// The types WooCommerce brings along.
const (
	PercentDiscount      DiscountType = "percent"
	FixedCartDiscount    DiscountType = "fixed_cart" // the shop's default
	FixedProductDiscount DiscountType = "fixed_product"
)

// CouponStatus says whether a coupon can be used.
type CouponStatus string

// The values of CouponStatus.
const (
	CouponPublish CouponStatus = "publish"
	CouponDraft   CouponStatus = "draft"
	CouponPending CouponStatus = "pending"
)

// CouponQuery selects coupons: GET /coupons. Zero fields do not filter; a list or [Field] that is set but empty is an error.
type CouponQuery struct {
	Code           Field[string] `query:"code"` // whole, without regard to case
	Search         Field[string] `query:"search"`
	After          time.Time     `query:"after"` // created after
	Before         time.Time     `query:"before"`
	ModifiedAfter  time.Time     `query:"modified_after"`
	ModifiedBefore time.Time     `query:"modified_before"`
	Include        []CouponID    `query:"include"`
	Exclude        []CouponID    `query:"exclude"`

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // date (default), id, include, title, slug, modified
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q CouponQuery) values() (url.Values, error) { return queryValues(q) }

// CouponFields writes a coupon: POST /coupons, PUT /coupons/{id}. A create needs a Code, which makes it unique: a known one is
// ErrDuplicate.
type CouponFields struct {
	Code         Field[string]          `json:"code,omitzero"`
	Amount       Field[decimal.Decimal] `json:"amount,omitzero"`
	Status       Field[CouponStatus]    `json:"status,omitzero"`
	DiscountType Field[DiscountType]    `json:"discount_type,omitzero"`
	Description  Field[string]          `json:"description,omitzero"`
	DateExpires  Field[time.Time]       `json:"date_expires_gmt,omitzero"` // Null: never

	UsageLimit                Field[int]             `json:"usage_limit,omitzero"` // 0: none, as the next two
	UsageLimitPerUser         Field[int]             `json:"usage_limit_per_user,omitzero"`
	LimitUsageToXItems        Field[int]             `json:"limit_usage_to_x_items,omitzero"`
	IndividualUse             Field[bool]            `json:"individual_use,omitzero"`
	FreeShipping              Field[bool]            `json:"free_shipping,omitzero"`
	ExcludeSaleItems          Field[bool]            `json:"exclude_sale_items,omitzero"`
	ProductIDs                Field[[]ProductID]     `json:"product_ids,omitzero"` // each the whole list
	ExcludedProductIDs        Field[[]ProductID]     `json:"excluded_product_ids,omitzero"`
	ProductCategories         Field[[]CategoryID]    `json:"product_categories,omitzero"`
	ExcludedProductCategories Field[[]CategoryID]    `json:"excluded_product_categories,omitzero"`
	MinimumAmount             Field[decimal.Decimal] `json:"minimum_amount,omitzero" wire:"blank"`
	MaximumAmount             Field[decimal.Decimal] `json:"maximum_amount,omitzero" wire:"blank"`
	EmailRestrictions         Field[[]string]        `json:"email_restrictions,omitzero"`
	MetaData                  Field[[]MetaFields]    `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"` // members of plugins, sent along
}

func (f CouponFields) check() error {
	if code, ok := f.Code.Get(); f.Code.IsNull() || ok && code == "" {
		return errors.New("code: empty")
	}
	return nil
}
