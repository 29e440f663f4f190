package woo

import "encoding/json"

// PaymentGateway is a way to pay: GET /payment_gateways/{id}. Its Settings may hold secrets of the payment provider.
type PaymentGateway struct {
	ID                string             `json:"id" wire:"required"` // "bacs"; an order's PaymentMethod
	Title             string             `json:"title"`
	Description       string             `json:"description"`
	Order             Decimal            `json:"order"` // at the checkout; "" for none
	Enabled           bool               `json:"enabled"`
	MethodTitle       string             `json:"method_title"`
	MethodDescription string             `json:"method_description"`
	MethodSupports    []string           `json:"method_supports"` // "products", "refunds"
	Settings          map[string]Setting `json:"settings"`

	// Newer shops.
	NeedsSetup           bool              `json:"needs_setup"`
	PostInstallScripts   []json.RawMessage `json:"post_install_scripts"`
	SettingsURL          *string           `json:"settings_url"`
	ConnectionURL        *string           `json:"connection_url"`
	SetupHelpText        *string           `json:"setup_help_text"`
	RequiredSettingsKeys []string          `json:"required_settings_keys"`

	Extra map[string]json.RawMessage `json:"-"`
}

// String leaves the settings out, which may hold secrets.
func (g PaymentGateway) String() string {
	return "woo.PaymentGateway{ID: " + g.ID + ", Title: " + g.Title + "}"
}

// GoString is String, for %#v.
func (g PaymentGateway) GoString() string { return g.String() }

// PaymentGatewayFields changes a payment gateway: PUT /payment_gateways/{id}.
type PaymentGatewayFields struct {
	Title       Field[string]            `json:"title,omitzero"`
	Description Field[string]            `json:"description,omitzero"`
	Order       Field[int]               `json:"order,omitzero"`
	Enabled     Field[bool]              `json:"enabled,omitzero"`
	Settings    Field[map[string]string] `json:"settings,omitzero"` // by name; those not named stay

	Extra map[string]json.RawMessage `json:"-"`
}

// String leaves the settings out, which may hold secrets.
func (f PaymentGatewayFields) String() string {
	return "woo.PaymentGatewayFields{Title: " + f.Title.String() + ", Enabled: " + f.Enabled.String() + "}"
}

// GoString is String, for %#v.
func (f PaymentGatewayFields) GoString() string { return f.String() }
