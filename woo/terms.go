package woo

import (
	"encoding/json"
	"net/url"
)

// What products are sorted by: categories, tags, brands, shipping classes and the values of shop-wide attributes are all
// WordPress's terms. Names hold HTML entities ("Tea &amp; Cake").

// ProductCategory is a category: GET /products/categories/{id}. A product names those it is in by [Category].
type ProductCategory struct {
	ID          CategoryID      `json:"id" wire:"required"`
	Name        string          `json:"name"`
	Slug        string          `json:"slug"`
	Parent      CategoryID      `json:"parent"` // 0: none
	Description string          `json:"description"`
	Display     CategoryDisplay `json:"display"`
	Image       *Image          `json:"image"`
	MenuOrder   int             `json:"menu_order"`
	Count       int             `json:"count"` // published products in it

	Extra map[string]json.RawMessage `json:"-"`
}

// CategoryDisplay says what the page of a category or brand shows.
type CategoryDisplay string

// The values of CategoryDisplay.
const (
	DisplayDefault       CategoryDisplay = "default" // as the shop's setting says
	DisplayProducts      CategoryDisplay = "products"
	DisplaySubcategories CategoryDisplay = "subcategories"
	DisplayBoth          CategoryDisplay = "both"
)

// ProductTag is a tag: GET /products/tags/{id}. A product names its own by [Tag].
type ProductTag struct {
	ID          TagID  `json:"id" wire:"required"`
	Name        string `json:"name"`
	Slug        string `json:"slug"`
	Description string `json:"description"`
	Count       int    `json:"count"` // published products that have it

	Extra map[string]json.RawMessage `json:"-"`
}

// ProductBrand is a brand: GET /products/brands/{id}, WooCommerce 9.6 and later. A product names its own by [Brand].
type ProductBrand struct {
	ID          BrandID         `json:"id" wire:"required"`
	Name        string          `json:"name"`
	Slug        string          `json:"slug"`
	Parent      BrandID         `json:"parent"` // 0: none
	Description string          `json:"description"`
	Display     CategoryDisplay `json:"display"`
	Image       *Image          `json:"image"`
	MenuOrder   int             `json:"menu_order"`
	Count       int             `json:"count"` // published products of it

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingClass groups products that cost the same to ship: GET /products/shipping_classes/{id}. Products name it by its slug.
type ShippingClass struct {
	ID          ShippingClassID `json:"id" wire:"required"`
	Name        string          `json:"name"`
	Slug        string          `json:"slug"`
	Description string          `json:"description"`
	Count       int             `json:"count"` // products in it

	Extra map[string]json.RawMessage `json:"-"`
}

// GlobalAttribute is a shop-wide attribute such as "Colour": GET /products/attributes/{id}. Its values are Client.AttributeTerms; a
// product picks of them by [ProductAttribute].
type GlobalAttribute struct {
	ID          AttributeID `json:"id" wire:"required"`
	Name        string      `json:"name"`
	Slug        string      `json:"slug"` // begins with "pa_"
	Type        string      `json:"type"` // "select"; plugins add their own
	OrderBy     string      `json:"order_by"`
	HasArchives bool        `json:"has_archives"`

	Extra map[string]json.RawMessage `json:"-"`
}

// AttributeTerm is a value of a shop-wide attribute: GET /products/attributes/{attribute}/terms/{id}.
type AttributeTerm struct {
	ID          AttributeTermID `json:"id" wire:"required"`
	Name        string          `json:"name"`
	Slug        string          `json:"slug"`
	Description string          `json:"description"`
	MenuOrder   int             `json:"menu_order"`
	Count       int             `json:"count"` // published products that have it

	Extra map[string]json.RawMessage `json:"-"`
}

// TermQuery selects categories, tags, brands, shipping classes or an attribute's terms. Zero fields do not filter; a list or
// [Field] that is set but empty is an error.
type TermQuery[ID Identifier] struct {
	Search    Field[string]    `query:"search"`
	Slug      []string         `query:"slug"`
	Parent    Field[ID]        `query:"parent"`     // categories and brands; Set(0): those at the top
	Product   Field[ProductID] `query:"product"`    // those of a product
	HideEmpty Field[bool]      `query:"hide_empty"` // Set(true) leaves out what no product has
	Include   []ID             `query:"include"`
	Exclude   []ID             `query:"exclude"`

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // name (default), id, include, slug, term_group, description, count
	Order   Direction `query:"order"`    // the shop's default is ascending here

	Extra url.Values // parameters of plugins
}

func (q TermQuery[ID]) values() (url.Values, error) { return queryValues(q) }

// CategoryFields writes a category: POST /products/categories, PUT /products/categories/{id}. A create needs a Name; one that its Parent
// already has is ErrDuplicate, with the other's id.
type CategoryFields struct {
	Name        Field[string]          `json:"name,omitzero"`
	Slug        Field[string]          `json:"slug,omitzero"` // default made of the name
	Parent      Field[CategoryID]      `json:"parent,omitzero"`
	Description Field[string]          `json:"description,omitzero"`
	Display     Field[CategoryDisplay] `json:"display,omitzero"`
	Image       Field[ImageFields]     `json:"image,omitzero"`
	MenuOrder   Field[int]             `json:"menu_order,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// BrandFields writes a brand: POST /products/brands, PUT /products/brands/{id}. A create needs a Name.
type BrandFields struct {
	Name        Field[string]          `json:"name,omitzero"`
	Slug        Field[string]          `json:"slug,omitzero"`
	Parent      Field[BrandID]         `json:"parent,omitzero"`
	Description Field[string]          `json:"description,omitzero"`
	Display     Field[CategoryDisplay] `json:"display,omitzero"`
	Image       Field[ImageFields]     `json:"image,omitzero"`
	MenuOrder   Field[int]             `json:"menu_order,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// TermFields writes a tag or a shipping class: POST and PUT of /products/tags and /products/shipping_classes. A create needs a Name; one
// that is there already is ErrDuplicate, with the other's id.
type TermFields struct {
	Name        Field[string] `json:"name,omitzero"`
	Slug        Field[string] `json:"slug,omitzero"` // default made of the name
	Description Field[string] `json:"description,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// GlobalAttributeFields writes a shop-wide attribute: POST /products/attributes, PUT /products/attributes/{id}. A create needs a Name.
type GlobalAttributeFields struct {
	Name        Field[string] `json:"name,omitzero"`
	Slug        Field[string] `json:"slug,omitzero"` // at most 28 characters
	Type        Field[string] `json:"type,omitzero"`
	OrderBy     Field[string] `json:"order_by,omitzero"` // menu_order (default), name, name_num, id
	HasArchives Field[bool]   `json:"has_archives,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// AttributeTermFields writes a value of a shop-wide attribute: POST /products/attributes/{attribute}/terms, PUT …/{id}. A create needs a
// Name.
type AttributeTermFields struct {
	Name        Field[string] `json:"name,omitzero"`
	Slug        Field[string] `json:"slug,omitzero"` // default made of the name
	Description Field[string] `json:"description,omitzero"`
	MenuOrder   Field[int]    `json:"menu_order,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}
