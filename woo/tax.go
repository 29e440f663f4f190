package woo

import (
	"encoding/json"
	"net/url"

	"github.com/shopspring/decimal"
)

// TaxRate is a tax rate: GET /taxes/{id}.
type TaxRate struct {
	ID        TaxRateID `json:"id" wire:"required"`
	Country   string    `json:"country"` // two letters, ISO 3166; "" for all
	State     string    `json:"state"`
	Postcode  string    `json:"postcode"` // the first of Postcodes
	City      string    `json:"city"`     // the first of Cities
	Postcodes []string  `json:"postcodes"`
	Cities    []string  `json:"cities"`
	Rate      Decimal   `json:"rate"` // percent
	Name      string    `json:"name"`
	Priority  int       `json:"priority"` // of the rates of one priority only the first that fits is taken
	Compound  bool      `json:"compound"` // taken of the price with the other taxes
	Shipping  bool      `json:"shipping"` // taken of shipping too
	Order     int       `json:"order"`
	Class     string    `json:"class"` // slug of a [TaxClass]; "standard" where orders and products say ""

	Extra map[string]json.RawMessage `json:"-"`
}

// TaxRateQuery selects tax rates: GET /taxes. Zero fields do not filter; a [Field] that is set but empty is an error.
type TaxRateQuery struct {
	Class Field[string] `query:"class"` // slug of a [TaxClass]

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // order (default), id, priority
	Order   Direction `query:"order"`    // the shop's default is ascending here

	Extra url.Values // parameters of plugins
}

func (q TaxRateQuery) values() (url.Values, error) { return queryValues(q) }

// TaxRateFields writes a tax rate: POST /taxes, PUT /taxes/{id}.
type TaxRateFields struct {
	Country   Field[string]          `json:"country,omitzero"`
	State     Field[string]          `json:"state,omitzero"`
	Postcode  Field[string]          `json:"postcode,omitzero"` // before WooCommerce 5.3; later ones have Postcodes
	City      Field[string]          `json:"city,omitzero"`     // before WooCommerce 5.3; later ones have Cities
	Postcodes Field[[]string]        `json:"postcodes,omitzero"`
	Cities    Field[[]string]        `json:"cities,omitzero"`
	Rate      Field[decimal.Decimal] `json:"rate,omitzero"` // percent
	Name      Field[string]          `json:"name,omitzero"`
	Priority  Field[int]             `json:"priority,omitzero"`
	Compound  Field[bool]            `json:"compound,omitzero"`
	Shipping  Field[bool]            `json:"shipping,omitzero"` // default true
	Order     Field[int]             `json:"order,omitzero"`
	Class     Field[string]          `json:"class,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// TaxClass is a class of tax rates: GET /taxes/classes/{slug}. Classes cannot be changed.
type TaxClass struct {
	Slug string `json:"slug" wire:"required"`
	Name string `json:"name"`

	Extra map[string]json.RawMessage `json:"-"`
}

// TaxClassFields makes a tax class: POST /taxes/classes. Its slug is made of the name.
type TaxClassFields struct {
	Name Field[string] `json:"name,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}
