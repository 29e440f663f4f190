package woo

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/shopspring/decimal"
)

// Product is a product as GET /products/{id} shows it. Names hold HTML entities ("Tea &amp; Cake").
//
// Searches by SKU also return variations, with Type VariationProduct, ParentID set and ID a variation's id.
type Product struct {
	ID                ProductID         `json:"id" wire:"required"`
	Name              string            `json:"name"`
	Slug              string            `json:"slug"`
	Permalink         string            `json:"permalink"`
	DateCreated       time.Time         `json:"date_created_gmt"`
	DateCreatedLocal  LocalTime         `json:"date_created"`
	DateModified      time.Time         `json:"date_modified_gmt"`
	DateModifiedLocal LocalTime         `json:"date_modified"`
	Type              ProductType       `json:"type"`
	Status            ProductStatus     `json:"status"`
	Featured          bool              `json:"featured"`
	CatalogVisibility CatalogVisibility `json:"catalog_visibility"`
	Description       string            `json:"description"` // HTML
	ShortDescription  string            `json:"short_description"`
	SKU               string            `json:"sku"` // unique over products and variations, trash included, without regard to case
	GlobalUniqueID    *string           `json:"global_unique_id"`

	// Prices, "" for none. A variable or grouped product has those of its children.
	Price               Decimal   `json:"price"`
	RegularPrice        Decimal   `json:"regular_price"`
	SalePrice           Decimal   `json:"sale_price"`
	DateOnSaleFrom      time.Time `json:"date_on_sale_from_gmt"`
	DateOnSaleFromLocal LocalTime `json:"date_on_sale_from"`
	DateOnSaleTo        time.Time `json:"date_on_sale_to_gmt"`
	DateOnSaleToLocal   LocalTime `json:"date_on_sale_to"`
	PriceHTML           string    `json:"price_html"`
	OnSale              bool      `json:"on_sale"`
	Purchasable         bool      `json:"purchasable"`
	TotalSales          Decimal   `json:"total_sales"` // text on variations and older shops

	Virtual        bool       `json:"virtual"`
	Downloadable   bool       `json:"downloadable"`
	Downloads      []Download `json:"downloads"`
	DownloadLimit  int        `json:"download_limit"`  // -1: none
	DownloadExpiry int        `json:"download_expiry"` // days; -1: never
	ExternalURL    string     `json:"external_url"`
	ButtonText     string     `json:"button_text"`
	TaxStatus      TaxStatus  `json:"tax_status"`
	TaxClass       string     `json:"tax_class"` // "": the standard rates

	ManageStock       ManageStock `json:"manage_stock"`
	StockQuantity     *Decimal    `json:"stock_quantity"` // nil: not managed; negative after overselling
	StockStatus       StockStatus `json:"stock_status"`
	Backorders        Backorders  `json:"backorders"`
	BackordersAllowed bool        `json:"backorders_allowed"`
	Backordered       bool        `json:"backordered"`
	LowStockAmount    *int        `json:"low_stock_amount"` // nil: the shop's setting
	SoldIndividually  bool        `json:"sold_individually"`

	Weight           Decimal         `json:"weight"` // in the shop's unit
	Dimensions       Dimensions      `json:"dimensions"`
	ShippingRequired bool            `json:"shipping_required"`
	ShippingTaxable  bool            `json:"shipping_taxable"`
	ShippingClass    string          `json:"shipping_class"`
	ShippingClassID  ShippingClassID `json:"shipping_class_id"`

	ReviewsAllowed    bool               `json:"reviews_allowed"`
	AverageRating     Decimal            `json:"average_rating"`
	RatingCount       int                `json:"rating_count"`
	RelatedIDs        []ProductID        `json:"related_ids"` // drawn anew for each answer
	UpsellIDs         []ProductID        `json:"upsell_ids"`
	CrossSellIDs      []ProductID        `json:"cross_sell_ids"`
	ParentID          ProductID          `json:"parent_id"`
	PurchaseNote      string             `json:"purchase_note"`
	Categories        []Category         `json:"categories"`
	Tags              []Tag              `json:"tags"`
	Brands            []Brand            `json:"brands"` // newer shops
	Images            []Image            `json:"images"`
	Attributes        []ProductAttribute `json:"attributes"`
	DefaultAttributes []AttributeChoice  `json:"default_attributes"`
	Variations        []VariationID      `json:"variations"`
	GroupedProducts   []ProductID        `json:"grouped_products"`
	MenuOrder         int                `json:"menu_order"`
	HasOptions        bool               `json:"has_options"`
	PostPassword      string             `json:"post_password"`
	MetaData          MetaData           `json:"meta_data"`

	// In the context edit and in answers to writes only.
	PermalinkTemplate string `json:"permalink_template,omitzero"`
	GeneratedSlug     string `json:"generated_slug,omitzero"`

	CostOfGoodsSold json.RawMessage `json:"cost_of_goods_sold,omitzero"` // where the shop keeps costs

	Extra map[string]json.RawMessage `json:"-"`
}

// Dimensions are lengths in the shop's unit, "" for none.
type Dimensions struct {
	Length Decimal `json:"length"`
	Width  Decimal `json:"width"`
	Height Decimal `json:"height"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Download is a file sold with a product.
type Download struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	File string `json:"file"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Category is a product's category. Its name holds HTML entities.
type Category struct {
	ID   CategoryID `json:"id"`
	Name string     `json:"name"`
	Slug string     `json:"slug"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Tag is a product's tag.
type Tag struct {
	ID   TagID  `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Brand is a product's brand.
type Brand struct {
	ID   BrandID `json:"id"`
	Name string  `json:"name"`
	Slug string  `json:"slug"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Image is a picture of a product or variation, the first one its main picture.
type Image struct {
	ID                ImageID   `json:"id"`
	DateCreated       time.Time `json:"date_created_gmt"`
	DateCreatedLocal  LocalTime `json:"date_created"`
	DateModified      time.Time `json:"date_modified_gmt"`
	DateModifiedLocal LocalTime `json:"date_modified"`
	Src               string    `json:"src"`
	Name              string    `json:"name"`
	Alt               string    `json:"alt"`
	Srcset            string    `json:"srcset"`
	Sizes             string    `json:"sizes"`
	Thumbnail         string    `json:"thumbnail"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ProductAttribute is an attribute with all its values or, on a variation that a product list returned, with the chosen one.
type ProductAttribute struct {
	ID        AttributeID `json:"id"`
	Name      string      `json:"name"`
	Slug      string      `json:"slug"`
	Position  int         `json:"position"`
	Visible   bool        `json:"visible"`
	Variation bool        `json:"variation"` // its values make variations
	Options   []string    `json:"options,omitzero"`
	Option    string      `json:"option,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// AttributeChoice is an attribute with one value: a variation's, or a variable product's default.
type AttributeChoice struct {
	ID     AttributeID `json:"id"`
	Name   string      `json:"name"`
	Slug   string      `json:"slug,omitzero"`
	Option string      `json:"option"` // "": any value

	Extra map[string]json.RawMessage `json:"-"`
}

// ProductQuery selects products: GET /products. Zero fields do not filter; a list or [Field] that is set but empty is an error.
//
// Compare what SKU finds with what was wanted: the shop compares without regard to case, and returns variations too.
type ProductQuery struct {
	Status         []ProductStatus        `query:"status"` // default any but trash; older shops read one only
	Type           Field[ProductType]     `query:"type"`
	SKU            []string               `query:"sku"`
	SearchSKU      Field[string]          `query:"search_sku"` // a part of it; newer shops, as all to SearchFields
	SearchName     Field[string]          `query:"search_name_or_sku"`
	SearchFields   []string               `query:"search_fields"`  // where Search looks: name, sku, global_unique_id, description, short_description
	IncludeStatus  []ProductStatus        `query:"include_status"` // newer shops, as the next three
	ExcludeStatus  []ProductStatus        `query:"exclude_status"`
	IncludeTypes   []ProductType          `query:"include_types"`
	ExcludeTypes   []ProductType          `query:"exclude_types"`
	InPOS          Field[bool]            `query:"pos_products_only"` // Set(true): those the point of sale shows
	GlobalUniqueID []string               `query:"global_unique_id"`
	StockStatus    Field[StockStatus]     `query:"stock_status"`
	Category       []CategoryID           `query:"category"`
	Tag            []TagID                `query:"tag"`
	Brand          []BrandID              `query:"brand"`
	ShippingClass  Field[ShippingClassID] `query:"shipping_class"`
	Attribute      Field[string]          `query:"attribute"`      // slug, such as pa_size
	AttributeTerm  []AttributeTermID      `query:"attribute_term"` // with Attribute
	TaxClass       Field[string]          `query:"tax_class"`
	Featured       Field[bool]            `query:"featured"`
	OnSale         Field[bool]            `query:"on_sale"`
	Virtual        Field[bool]            `query:"virtual"`
	Downloadable   Field[bool]            `query:"downloadable"`
	MinPrice       Field[decimal.Decimal] `query:"min_price"`
	MaxPrice       Field[decimal.Decimal] `query:"max_price"`
	After          time.Time              `query:"after"` // created after
	Before         time.Time              `query:"before"`
	ModifiedAfter  time.Time              `query:"modified_after"` // stock and prices count, also those of variations
	ModifiedBefore time.Time              `query:"modified_before"`
	Search         Field[string]          `query:"search"`
	Slug           Field[string]          `query:"slug"`
	Include        []ProductID            `query:"include"`
	Exclude        []ProductID            `query:"exclude"`
	Parent         []ProductID            `query:"parent"` // of grouped products; variations have their own list
	ParentExclude  []ProductID            `query:"parent_exclude"`

	IncludeMeta []string      `query:"include_meta"` // keys; all others stay out of meta_data
	ExcludeMeta []string      `query:"exclude_meta"` // keys
	ImageSize   Field[string] `query:"image_size"`   // of Image.Src: "thumbnail", "full" (default); newer shops

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // date (default), id, include, title, slug, modified, price, popularity, rating, menu_order; not sku
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q ProductQuery) values() (url.Values, error) { return queryValues(q) }

// ProductFields writes a product: POST /products, PUT /products/{id}. What is absent stays as it is.
//
// A status of 200 proves no write of stock or sale price: the shop ignores StockQuantity while stock is not managed, StockStatus while it
// is, and a SalePrice above RegularPrice. The client compares the answer with the wish: see [ErrNotApplied]. [Collection.CreateOnce] makes a
// product once, by its SKU or a reference.
type ProductFields struct {
	Name              Field[string]            `json:"name,omitzero"`
	Slug              Field[string]            `json:"slug,omitzero"`
	DateCreated       Field[time.Time]         `json:"date_created_gmt,omitzero"`
	Type              Field[ProductType]       `json:"type,omitzero"` // changing it may lose data
	Status            Field[ProductStatus]     `json:"status,omitzero"`
	Featured          Field[bool]              `json:"featured,omitzero"`
	CatalogVisibility Field[CatalogVisibility] `json:"catalog_visibility,omitzero"`
	Description       Field[string]            `json:"description,omitzero"`
	ShortDescription  Field[string]            `json:"short_description,omitzero"`
	SKU               Field[string]            `json:"sku,omitzero"`
	GlobalUniqueID    Field[string]            `json:"global_unique_id,omitzero"`

	RegularPrice   Field[decimal.Decimal] `json:"regular_price,omitzero" wire:"blank"`
	SalePrice      Field[decimal.Decimal] `json:"sale_price,omitzero" wire:"blank"`
	DateOnSaleFrom Field[time.Time]       `json:"date_on_sale_from_gmt,omitzero" wire:"blank"`
	DateOnSaleTo   Field[time.Time]       `json:"date_on_sale_to_gmt,omitzero" wire:"blank"`

	Virtual        Field[bool]             `json:"virtual,omitzero"`
	Downloadable   Field[bool]             `json:"downloadable,omitzero"`
	Downloads      Field[[]DownloadFields] `json:"downloads,omitzero"`
	DownloadLimit  Field[int]              `json:"download_limit,omitzero"`
	DownloadExpiry Field[int]              `json:"download_expiry,omitzero"`
	ExternalURL    Field[string]           `json:"external_url,omitzero"`
	ButtonText     Field[string]           `json:"button_text,omitzero"`
	TaxStatus      Field[TaxStatus]        `json:"tax_status,omitzero"`
	TaxClass       Field[string]           `json:"tax_class,omitzero"`

	ManageStock      Field[ManageStock]     `json:"manage_stock,omitzero"`                 // StockUnmanaged or StockManaged
	StockQuantity    Field[decimal.Decimal] `json:"stock_quantity,omitzero" wire:"number"` // Null makes it 0; fractions need a plugin
	StockStatus      Field[StockStatus]     `json:"stock_status,omitzero"`
	Backorders       Field[Backorders]      `json:"backorders,omitzero"`
	LowStockAmount   Field[int]             `json:"low_stock_amount,omitzero"`
	SoldIndividually Field[bool]            `json:"sold_individually,omitzero"`

	Weight        Field[decimal.Decimal]  `json:"weight,omitzero" wire:"blank"`
	Dimensions    Field[DimensionsFields] `json:"dimensions,omitzero"`
	ShippingClass Field[string]           `json:"shipping_class,omitzero"` // its slug

	ReviewsAllowed    Field[bool]                    `json:"reviews_allowed,omitzero"`
	UpsellIDs         Field[[]ProductID]             `json:"upsell_ids,omitzero"`
	CrossSellIDs      Field[[]ProductID]             `json:"cross_sell_ids,omitzero"`
	ParentID          Field[ProductID]               `json:"parent_id,omitzero"`
	PurchaseNote      Field[string]                  `json:"purchase_note,omitzero"`
	Categories        Field[[]TermRef[CategoryID]]   `json:"categories,omitzero"` // the whole list
	Tags              Field[[]TermRef[TagID]]        `json:"tags,omitzero"`       // the whole list
	Brands            Field[[]TermRef[BrandID]]      `json:"brands,omitzero"`     // the whole list
	Images            Field[[]ImageFields]           `json:"images,omitzero"`     // the whole list; empty clears
	Attributes        Field[[]AttributeFields]       `json:"attributes,omitzero"` // the whole list
	DefaultAttributes Field[[]AttributeChoiceFields] `json:"default_attributes,omitzero"`
	GroupedProducts   Field[[]ProductID]             `json:"grouped_products,omitzero"`
	MenuOrder         Field[int]                     `json:"menu_order,omitzero"`
	PostPassword      Field[string]                  `json:"post_password,omitzero"`
	MetaData          Field[[]MetaFields]            `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"` // members of plugins, sent along
}

// TermRef names a category, tag or brand.
type TermRef[ID ~int64] struct {
	ID ID `json:"id"`
}

// Terms names categories, tags or brands: Categories: woo.Set(woo.Terms[woo.CategoryID](16, 18)).
func Terms[ID ~int64](ids ...ID) []TermRef[ID] {
	refs := make([]TermRef[ID], len(ids))
	for i, id := range ids {
		refs[i].ID = id
	}
	return refs
}

// DimensionsFields writes lengths in the shop's unit; Null clears.
type DimensionsFields struct {
	Length Field[decimal.Decimal] `json:"length,omitzero" wire:"blank"`
	Width  Field[decimal.Decimal] `json:"width,omitzero" wire:"blank"`
	Height Field[decimal.Decimal] `json:"height,omitzero" wire:"blank"`

	Extra map[string]json.RawMessage `json:"-"`
}

// DownloadFields writes a file sold with a product.
type DownloadFields struct {
	ID   Field[string] `json:"id,omitzero"`
	Name Field[string] `json:"name,omitzero"`
	File Field[string] `json:"file,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ImageFields names a picture of the media library by ID, or one to be fetched by Src. The shop fetches while it answers, and again each time: a
// picture it already has goes by ID.
type ImageFields struct {
	ID   Field[int64]  `json:"id,omitzero"`
	Src  Field[string] `json:"src,omitzero"`
	Name Field[string] `json:"name,omitzero"`
	Alt  Field[string] `json:"alt,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// AttributeFields writes an attribute: a shop-wide one by ID, the product's own by Name.
type AttributeFields struct {
	ID        Field[AttributeID] `json:"id,omitzero"`
	Name      Field[string]      `json:"name,omitzero"`
	Position  Field[int]         `json:"position,omitzero"`
	Visible   Field[bool]        `json:"visible,omitzero"`
	Variation Field[bool]        `json:"variation,omitzero"`
	Options   Field[[]string]    `json:"options,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// AttributeChoiceFields picks one value of an attribute.
type AttributeChoiceFields struct {
	ID     Field[AttributeID] `json:"id,omitzero"`
	Name   Field[string]      `json:"name,omitzero"`
	Option Field[string]      `json:"option,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}
