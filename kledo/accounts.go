package kledo

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// AccountID is a finance account's id.
type AccountID int64

// Account is an account of the books as Kledo suggests it.
type Account struct {
	ID   AccountID
	Name string
	Code string // "1-10001": what Document.PaidToAccountCode takes; ref_code on the wire

	Extra map[string]json.RawMessage // the fields beside these
}

// AccountQuery selects accounts.
type AccountQuery struct {
	Search     string
	Categories []int // ids of account categories; default 1 and 17, the ones that money can be paid to
	Page       int   // default 1
	PerPage    int   // default Kledo's, 10
}

func (q AccountQuery) values() url.Values {
	categories := q.Categories
	if len(categories) == 0 {
		categories = []int{1, 17}
	}
	ids := make([]string, len(categories))
	for i, c := range categories {
		ids[i] = strconv.Itoa(c)
	}
	v := url.Values{"finance_account_category_ids": {strings.Join(ids, ",")}}
	if q.Search != "" {
		v.Set("search", q.Search)
	}
	return v
}

func (q AccountQuery) paging() (page, perPage int) { return q.Page, q.PerPage }

// UnmarshalJSON reads Kledo's form.
func (a *Account) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID   lenientInt  `json:"id"`
		Name lenientText `json:"name"`
		Code lenientText `json:"ref_code"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*a = Account{
		ID: AccountID(wire.ID), Name: string(wire.Name), Code: string(wire.Code),
		Extra: unknown(b, "id", "name", "ref_code"),
	}
	return nil
}
