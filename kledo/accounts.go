package kledo

import "encoding/json"

// AccountID is a finance account's id.
type AccountID int64

// Account is an account of the books.
type Account struct {
	ID          AccountID `json:"id"`
	Name        string    `json:"name"`
	Code        string    `json:"ref_code"` // "1-10001": what Document.PaidToAccountCode takes
	Description string    `json:"desc"`
	CategoryID  int       `json:"finance_account_category_id"` // 0 where the list leaves it out

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// PaymentAccountQuery selects among the accounts that Kledo suggests for payments.
type PaymentAccountQuery struct {
	Search     string `query:"search"`
	Categories []int  `query:"finance_account_category_ids"` // default 1 and 17, the ones that money can be paid to
	Page       int    // default 1
	PerPage    int    // default Kledo's, 10
}

// AccountQuery selects accounts.
type AccountQuery struct {
	Search          string `query:"search"`
	CategoryID      int    `query:"finance_account_category_id"`
	Type            string `query:"type"`
	IncludeArchived bool   `query:"include_archive"`
	SortBy          string `query:"sort_by"`
	Desc            bool   // order_by desc; asc when only SortBy is set
	Page            int    // default 1
	PerPage         int    // default Kledo's, 15
}

// AccountFields is what is written of an account.
type AccountFields struct {
	Name        Field[string] `json:"name,omitzero"`     // required to create
	Code        Field[string] `json:"ref_code,omitzero"` // required to create
	Description Field[string] `json:"desc,omitzero"`
	CategoryID  Field[int]    `json:"finance_account_category_id,omitzero"` // required to create
}

// UnmarshalJSON reads Kledo's form.
func (a *Account) UnmarshalJSON(b []byte) error { return decode(b, a) }

// MarshalJSON writes what UnmarshalJSON reads.
func (a Account) MarshalJSON() ([]byte, error) { return encode(a) }
