package woo

import (
	"context"
	"encoding/json"
)

// Continent is a continent with its countries: GET /data/continents/{code}.
type Continent struct {
	Code      string             `json:"code" wire:"required"` // "EU"
	Name      string             `json:"name"`
	Countries []ContinentCountry `json:"countries"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ContinentCountry is a country as WooCommerce would set up a shop there. Beware of Name: where the shop knows the country's currency it is
// the currency's; [Country] has the country's.
type ContinentCountry struct {
	Code          string  `json:"code"` // two letters, ISO 3166
	Name          string  `json:"name"`
	CurrencyCode  string  `json:"currency_code,omitzero"`
	CurrencyPos   string  `json:"currency_pos,omitzero"`
	DecimalSep    string  `json:"decimal_sep,omitzero"`
	ThousandSep   string  `json:"thousand_sep,omitzero"`
	NumDecimals   *int    `json:"num_decimals,omitzero"`
	DimensionUnit string  `json:"dimension_unit,omitzero"`
	WeightUnit    string  `json:"weight_unit,omitzero"`
	States        []State `json:"states"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Country is a country with its states: GET /data/countries/{code}.
type Country struct {
	Code   string  `json:"code" wire:"required"` // two letters, ISO 3166
	Name   string  `json:"name"`                 // with HTML entities
	States []State `json:"states"`               // empty where addresses have none

	Extra map[string]json.RawMessage `json:"-"`
}

// State is a state, province or county, as addresses name it.
type State struct {
	Code string `json:"code"`
	Name string `json:"name"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Currency is a currency: GET /data/currencies/{code}.
type Currency struct {
	Code   string `json:"code" wire:"required"` // three letters, ISO 4217
	Name   string `json:"name"`
	Symbol string `json:"symbol"` // with HTML entities: "&euro;"

	Extra map[string]json.RawMessage `json:"-"`
}

// CurrentCurrency reads the currency the shop sells in: GET /data/currencies/current. Orders may be in others.
func (c *Client) CurrentCurrency(ctx context.Context) (*Currency, error) {
	return ask[Currency](ctx, c, route("CurrentCurrency", "data/currencies/current"))
}
