package kledo

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/internal/rest"
)

// ProductID is a product's id.
type ProductID int64

// CategoryID is a product category's id.
type CategoryID int64

// UnitID is a unit's id.
type UnitID int64

// TagID is a tag's id.
type TagID int64

// Product is something that is sold or bought.
type Product struct {
	ID            ProductID  `json:"id"`
	Name          string     `json:"name"`
	Code          string     `json:"code"` // the SKU
	Description   string     `json:"description"`
	Price         Decimal    `json:"price"`
	CategoryID    CategoryID `json:"pos_product_category_id"`
	UnitID        UnitID     `json:"unit_id"`
	Sold          bool       `json:"is_sell"`
	Purchased     bool       `json:"is_purchase"`
	Tracked       bool       `json:"is_track"` // Kledo keeps stock of it
	SellAccountID AccountID  `json:"sell_account_id"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// ProductQuery selects products.
type ProductQuery struct {
	Search              string       `query:"search"`
	Code                string       `query:"code"`
	Categories          []CategoryID `query:"cat_ids"`
	WarehouseID         WarehouseID  `query:"warehouse_id"`
	IncludeWarehouseQty bool         `query:"include_warehouse_qty"`
	IncludeArchived     bool         `query:"include_archive"`
	Sold                *bool        `query:"is_sell"`
	Purchased           *bool        `query:"is_purchase"`
	Tracked             *bool        `query:"is_track"`
	SortBy              string       `query:"sort_by"`
	Desc                bool         // order_by desc; asc when only SortBy is set
	Page                int          // default 1
	PerPage             int          // default Kledo's, 15
}

// ProductFields is what is written of a product.
type ProductFields struct {
	Name          Field[string]          `json:"name,omitzero"` // required
	Code          Field[string]          `json:"code,omitzero"` // the SKU
	Description   Field[string]          `json:"description,omitzero"`
	Price         Field[decimal.Decimal] `json:"price,omitzero"`
	Photo         Field[string]          `json:"photo,omitzero"` // an address
	CategoryID    Field[CategoryID]      `json:"pos_product_category_id,omitzero"`
	UnitID        Field[UnitID]          `json:"unit_id,omitzero"`
	Sold          Field[int]             `json:"is_sell,omitzero"`     // 0 or 1
	Purchased     Field[int]             `json:"is_purchase,omitzero"` // 0 or 1
	Tracked       Field[int]             `json:"is_track,omitzero"`    // 0 or 1
	SellAccountID Field[AccountID]       `json:"sell_account_id,omitzero"`
}

// Category is a product category.
type Category struct {
	ID   CategoryID `json:"id"`
	Name string     `json:"name"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// CategoryQuery selects product categories.
type CategoryQuery struct {
	Name    string `query:"name"`
	Page    int    // default 1
	PerPage int    // default Kledo's, 15
}

// CategoryFields is what is written of a product category.
type CategoryFields struct {
	Name Field[string] `json:"name,omitzero"` // required
}

// Tag is a word that documents are found by.
type Tag struct {
	ID    TagID  `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// StockQuery selects stocks.
type StockQuery struct {
	Products   []ProductID   `query:"product_ids"`
	Warehouses []WarehouseID `query:"warehouse_ids"`
	Day        Date          `query:"trans_date"` // default today
}

// Stock is what a product has in each warehouse.
type Stock struct {
	ProductID ProductID              `json:"id"`
	Places    map[string]StockAmount `json:"stocks"` // under Kledo's key, which is not documented: see StockAmount.WarehouseID

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// StockAmount is what lies in one warehouse.
type StockAmount struct {
	WarehouseID  WarehouseID `json:"warehouse_id"`
	Quantity     Decimal     `json:"qty"`
	Value        Decimal     `json:"product_val"`
	AveragePrice Decimal     `json:"avg_price"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// Stocks are the stocks of products by warehouse: GET finance/products/stocks.
func (c *Client) Stocks(ctx context.Context, q StockQuery) ([]Stock, error) {
	const path = "finance/products/stocks"
	values, _, _ := encodeQuery(q)
	var all paginator
	err := c.do(ctx, rest.Call{Op: "Stocks", Kind: rest.Read, Method: http.MethodGet, Path: path, Route: path, Query: values}, &all)
	if err != nil {
		return nil, err
	}
	stocks := make([]Stock, 0, len(all.Data))
	for _, raw := range all.Data {
		var s Stock
		if err := decode(raw, &s); err != nil {
			return nil, &Error{Op: "Stocks", Method: http.MethodGet, Route: path, Status: http.StatusOK, Err: err, kind: ErrMalformed}
		}
		stocks = append(stocks, s)
	}
	return stocks, nil
}

// UnmarshalJSON reads Kledo's form.
func (p *Product) UnmarshalJSON(b []byte) error { return decode(b, p) }

// MarshalJSON writes what UnmarshalJSON reads.
func (p Product) MarshalJSON() ([]byte, error) { return encode(p) }

// UnmarshalJSON reads Kledo's form.
func (c *Category) UnmarshalJSON(b []byte) error { return decode(b, c) }

// MarshalJSON writes what UnmarshalJSON reads.
func (c Category) MarshalJSON() ([]byte, error) { return encode(c) }

// UnmarshalJSON reads Kledo's form.
func (t *Tag) UnmarshalJSON(b []byte) error { return decode(b, t) }

// MarshalJSON writes what UnmarshalJSON reads.
func (t Tag) MarshalJSON() ([]byte, error) { return encode(t) }

// UnmarshalJSON reads Kledo's form.
func (s *Stock) UnmarshalJSON(b []byte) error { return decode(b, s) }

// MarshalJSON writes what UnmarshalJSON reads.
func (s Stock) MarshalJSON() ([]byte, error) { return encode(s) }

// UnmarshalJSON reads Kledo's form.
func (s *StockAmount) UnmarshalJSON(b []byte) error { return decode(b, s) }

// MarshalJSON writes what UnmarshalJSON reads.
func (s StockAmount) MarshalJSON() ([]byte, error) { return encode(s) }
