package woo

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/shopspring/decimal"
)

// Variation is one choice of a variable product: GET /products/{product}/variations/{id}.
type Variation struct {
	ID                VariationID   `json:"id" wire:"required"`
	Type              ProductType   `json:"type,omitzero"` // newer shops
	ParentID          ProductID     `json:"parent_id"`
	Name              string        `json:"name"`
	Slug              string        `json:"slug,omitzero"`
	Permalink         string        `json:"permalink"`
	DateCreated       time.Time     `json:"date_created_gmt"`
	DateCreatedLocal  LocalTime     `json:"date_created"`
	DateModified      time.Time     `json:"date_modified_gmt"`
	DateModifiedLocal LocalTime     `json:"date_modified"`
	Status            ProductStatus `json:"status"`
	Description       string        `json:"description"`
	SKU               string        `json:"sku"`
	GlobalUniqueID    *string       `json:"global_unique_id"`

	Price               Decimal   `json:"price"` // "" for none, as the next two
	RegularPrice        Decimal   `json:"regular_price"`
	SalePrice           Decimal   `json:"sale_price"`
	DateOnSaleFrom      time.Time `json:"date_on_sale_from_gmt"`
	DateOnSaleFromLocal LocalTime `json:"date_on_sale_from"`
	DateOnSaleTo        time.Time `json:"date_on_sale_to_gmt"`
	DateOnSaleToLocal   LocalTime `json:"date_on_sale_to"`
	OnSale              bool      `json:"on_sale"`
	Purchasable         bool      `json:"purchasable"`

	Virtual        bool       `json:"virtual"`
	Downloadable   bool       `json:"downloadable"`
	Downloads      []Download `json:"downloads"`
	DownloadLimit  int        `json:"download_limit"`
	DownloadExpiry int        `json:"download_expiry"`
	TaxStatus      TaxStatus  `json:"tax_status"`
	TaxClass       string     `json:"tax_class"`

	ManageStock       ManageStock `json:"manage_stock"`   // StockByParent: write the stock to the product
	StockQuantity     *Decimal    `json:"stock_quantity"` // nil: not managed
	StockStatus       StockStatus `json:"stock_status"`
	Backorders        Backorders  `json:"backorders"`
	BackordersAllowed bool        `json:"backorders_allowed"`
	Backordered       bool        `json:"backordered"`
	LowStockAmount    *int        `json:"low_stock_amount"`

	Weight          Decimal           `json:"weight"`
	Dimensions      Dimensions        `json:"dimensions"`
	ShippingClass   string            `json:"shipping_class"`
	ShippingClassID ShippingClassID   `json:"shipping_class_id"`
	Image           *Image            `json:"image"` // nil: the product's
	GalleryImageIDs []ImageID         `json:"gallery_image_ids,omitzero"`
	Attributes      []AttributeChoice `json:"attributes"`
	MenuOrder       int               `json:"menu_order"`
	MetaData        MetaData          `json:"meta_data"`

	CostOfGoodsSold json.RawMessage `json:"cost_of_goods_sold,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// VariationQuery selects variations of one product: GET /products/{product}/variations, or of all: GET /variations. Zero fields do not
// filter; a list or [Field] that is set but empty is an error.
type VariationQuery struct {
	Status         Field[ProductStatus]   `query:"status"`
	IncludeStatus  []ProductStatus        `query:"include_status"` // newer shops
	ExcludeStatus  []ProductStatus        `query:"exclude_status"` // newer shops
	SKU            []string               `query:"sku"`
	SearchSKU      Field[string]          `query:"search_sku"` // a part of it; newer shops
	GlobalUniqueID []string               `query:"global_unique_id"`
	HasPrice       Field[bool]            `query:"has_price"`
	Attributes     []AttributeFilter      `query:"attributes"`
	Virtual        Field[bool]            `query:"virtual"`
	Downloadable   Field[bool]            `query:"downloadable"`
	InPOS          Field[bool]            `query:"pos_products_only"` // Set(true): those the point of sale shows
	StockStatus    Field[StockStatus]     `query:"stock_status"`
	TaxClass       Field[string]          `query:"tax_class"`
	OnSale         Field[bool]            `query:"on_sale"`
	MinPrice       Field[decimal.Decimal] `query:"min_price"`
	MaxPrice       Field[decimal.Decimal] `query:"max_price"`
	After          time.Time              `query:"after"`
	Before         time.Time              `query:"before"`
	ModifiedAfter  time.Time              `query:"modified_after"`
	ModifiedBefore time.Time              `query:"modified_before"`
	Search         Field[string]          `query:"search"`
	Include        []VariationID          `query:"include"`
	Exclude        []VariationID          `query:"exclude"`
	Slug           Field[string]          `query:"slug"`
	Parent         []ProductID            `query:"parent"` // over all products
	ParentExclude  []ProductID            `query:"parent_exclude"`

	IncludeMeta []string      `query:"include_meta"` // keys; all others stay out of meta_data
	ExcludeMeta []string      `query:"exclude_meta"` // keys
	ImageSize   Field[string] `query:"image_size"`   // of Image.Src: "thumbnail", "full" (default); newer shops

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q VariationQuery) values() (url.Values, error) { return queryValues(q) }

// AttributeFilter selects variations by a value of an attribute, or by any of several.
type AttributeFilter struct {
	Attribute string   // slug, such as pa_size
	Terms     []string // slugs; at least one
}

// VariationFields writes a variation: POST /products/{product}/variations, PUT …/{id}. What [ProductFields] says of stock and
// prices holds here too.
type VariationFields struct {
	Status         Field[ProductStatus] `json:"status,omitzero"`
	Description    Field[string]        `json:"description,omitzero"`
	SKU            Field[string]        `json:"sku,omitzero"`
	GlobalUniqueID Field[string]        `json:"global_unique_id,omitzero"`

	RegularPrice   Field[decimal.Decimal] `json:"regular_price,omitzero" wire:"blank"`
	SalePrice      Field[decimal.Decimal] `json:"sale_price,omitzero" wire:"blank"`
	DateOnSaleFrom Field[time.Time]       `json:"date_on_sale_from_gmt,omitzero" wire:"blank"`
	DateOnSaleTo   Field[time.Time]       `json:"date_on_sale_to_gmt,omitzero" wire:"blank"`

	Virtual        Field[bool]             `json:"virtual,omitzero"`
	Downloadable   Field[bool]             `json:"downloadable,omitzero"`
	Downloads      Field[[]DownloadFields] `json:"downloads,omitzero"`
	DownloadLimit  Field[int]              `json:"download_limit,omitzero"`
	DownloadExpiry Field[int]              `json:"download_expiry,omitzero"`
	TaxStatus      Field[TaxStatus]        `json:"tax_status,omitzero"`
	TaxClass       Field[string]           `json:"tax_class,omitzero"` // "parent": the product's

	ManageStock    Field[ManageStock]     `json:"manage_stock,omitzero"`
	StockQuantity  Field[decimal.Decimal] `json:"stock_quantity,omitzero" wire:"number"` // ignored under StockByParent; Null makes it 0
	StockStatus    Field[StockStatus]     `json:"stock_status,omitzero"`
	Backorders     Field[Backorders]      `json:"backorders,omitzero"`
	LowStockAmount Field[int]             `json:"low_stock_amount,omitzero"`

	Weight          Field[decimal.Decimal]         `json:"weight,omitzero" wire:"blank"`
	Dimensions      Field[DimensionsFields]        `json:"dimensions,omitzero"`
	ShippingClass   Field[string]                  `json:"shipping_class,omitzero"`
	Image           Field[ImageFields]             `json:"image,omitzero"`
	GalleryImageIDs Field[[]int64]                 `json:"gallery_image_ids,omitzero"` // further pictures, the whole list; newer shops
	Attributes      Field[[]AttributeChoiceFields] `json:"attributes,omitzero"`
	MenuOrder       Field[int]                     `json:"menu_order,omitzero"`
	MetaData        Field[[]MetaFields]            `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}
