package woo

import "encoding/json"

// Address is where an order is billed or shipped to, and a customer's. A shipping address has no Email, and no Phone before WooCommerce 5.6.
type Address struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Company   string `json:"company"`
	Address1  string `json:"address_1"`
	Address2  string `json:"address_2"`
	City      string `json:"city"`
	State     string `json:"state"` // a code where the shop knows the country's states, else free text
	Postcode  string `json:"postcode"`
	Country   string `json:"country"` // two letters, ISO 3166
	Email     string `json:"email"`
	Phone     string `json:"phone"`

	Extra map[string]json.RawMessage `json:"-"` // members of plugins, such as a VAT number
}

// AddressFields writes an address. The shop merges it field by field.
type AddressFields struct {
	FirstName Field[string] `json:"first_name,omitzero"`
	LastName  Field[string] `json:"last_name,omitzero"`
	Company   Field[string] `json:"company,omitzero"`
	Address1  Field[string] `json:"address_1,omitzero"`
	Address2  Field[string] `json:"address_2,omitzero"`
	City      Field[string] `json:"city,omitzero"`
	State     Field[string] `json:"state,omitzero"`
	Postcode  Field[string] `json:"postcode,omitzero"`
	Country   Field[string] `json:"country,omitzero"`
	Email     Field[string] `json:"email,omitzero"` // billing only; the shop reads "" but refuses it: leave it out or clear it by Null
	Phone     Field[string] `json:"phone,omitzero"`

	Extra map[string]json.RawMessage `json:"-"` // sent along
}
