package kledo

import "encoding/json"

// ContactID is a contact's id.
type ContactID int64

// ContactGroupID is a contact group's id.
type ContactGroupID int64

// Contact is a customer, a supplier or another party.
type Contact struct {
	ID              ContactID      `json:"id"`
	Name            string         `json:"name"`
	Type            ContactType    `json:"type_id"`
	GroupID         ContactGroupID `json:"group_id"`
	Company         string         `json:"company"`
	Email           string         `json:"email"`
	Phone           string         `json:"phone"`
	Address         string         `json:"address"`
	ShippingAddress string         `json:"shipping_address"`
	TaxNumber       string         `json:"npwp"`
	Receivable      Decimal        `json:"receivable"` // in lists; 0 in a single contact, where Kledo puts a page of documents
	Payable         Decimal        `json:"payable"`    // likewise

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// ContactQuery selects contacts.
type ContactQuery struct {
	Search           string         `query:"search"`
	Name             string         `query:"name"`
	Type             ContactType    `query:"type_id"`
	GroupID          ContactGroupID `query:"group_id"`
	Archived         int            `query:"include_archive"` // 0, 1 or 2, as Kledo has it
	IncludeDeletable bool           `query:"include_deletable"`
	SortBy           string         `query:"sort_by"` // name, company, payable, receivable
	Desc             bool           // order_by desc; asc when only SortBy is set
	Page             int            // default 1
	PerPage          int            // default Kledo's, 15
}

// ContactFields is what is written of a contact.
type ContactFields struct {
	Name                Field[string]         `json:"name,omitzero"`     // required; some accounts want it unique
	Type                Field[ContactType]    `json:"type_id,omitzero"`  // required
	GroupID             Field[ContactGroupID] `json:"group_id,omitzero"` // required by some accounts
	Company             Field[string]         `json:"company,omitzero"`
	Email               Field[string]         `json:"email,omitzero"`
	Phone               Field[string]         `json:"phone,omitzero"`
	Address             Field[string]         `json:"address,omitzero"`
	ShippingAddress     Field[string]         `json:"shipping_address,omitzero"`
	TaxNumber           Field[string]         `json:"npwp,omitzero"`
	ReceivableAccountID Field[AccountID]      `json:"receivable_account_id,omitzero"`
	PayableAccountID    Field[AccountID]      `json:"payable_account_id,omitzero"`
}

// ContactGroup is a group of contacts.
type ContactGroup struct {
	ID   ContactGroupID `json:"id"`
	Name string         `json:"name"`
	Code string         `json:"code"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// ContactGroupQuery selects contact groups.
type ContactGroupQuery struct {
	Search  string `query:"search"`
	Limit   int    `query:"limit"`
	Page    int    // default 1
	PerPage int    // default Kledo's, 15
}

// ContactGroupFields is what is written of a contact group.
type ContactGroupFields struct {
	Name Field[string] `json:"name,omitzero"` // required
	Code Field[string] `json:"code,omitzero"`
}

// UnmarshalJSON reads Kledo's form.
func (c *Contact) UnmarshalJSON(b []byte) error { return decode(b, c) }

// MarshalJSON writes what UnmarshalJSON reads.
func (c Contact) MarshalJSON() ([]byte, error) { return encode(c) }

// UnmarshalJSON reads Kledo's form.
func (g *ContactGroup) UnmarshalJSON(b []byte) error { return decode(b, g) }

// MarshalJSON writes what UnmarshalJSON reads.
func (g ContactGroup) MarshalJSON() ([]byte, error) { return encode(g) }
