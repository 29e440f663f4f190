package woo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Customer is a shop account: GET /customers/{id}. Guests have none and never appear.
type Customer struct {
	ID                CustomerID `json:"id" wire:"required"`
	DateCreated       time.Time  `json:"date_created_gmt"`
	DateCreatedLocal  LocalTime  `json:"date_created"`
	DateModified      time.Time  `json:"date_modified_gmt"` // zero until first changed; there is no filter by it
	DateModifiedLocal LocalTime  `json:"date_modified"`
	Email             string     `json:"email"`
	FirstName         string     `json:"first_name"`
	LastName          string     `json:"last_name"`
	Role              string     `json:"role"`
	Username          string     `json:"username"`
	Billing           Address    `json:"billing"`
	Shipping          Address    `json:"shipping"`
	IsPayingCustomer  bool       `json:"is_paying_customer"`
	AvatarURL         string     `json:"avatar_url"`
	MetaData          MetaData   `json:"meta_data"`

	Extra map[string]json.RawMessage `json:"-"`
}

// CustomerQuery selects customers: GET /customers. The shop has no filter by date for them. Zero fields do not filter; a list or
// [Field] that is set but empty is an error.
type CustomerQuery struct {
	Email   Field[string] `query:"email"`
	Role    Field[string] `query:"role"` // default customer; "all" for every account
	Search  Field[string] `query:"search"`
	Include []CustomerID  `query:"include"`
	Exclude []CustomerID  `query:"exclude"`

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // name (default), id, include, registered_date
	Order   Direction `query:"order"`    // the shop's default is ascending here

	Extra url.Values // parameters of plugins
}

func (q CustomerQuery) values() (url.Values, error) { return queryValues(q) }

// CustomerFields writes a customer: POST /customers, PUT /customers/{id}. A create needs an Email; a known one is ErrDuplicate.
type CustomerFields struct {
	Email     Field[string]        `json:"email,omitzero"`
	FirstName Field[string]        `json:"first_name,omitzero"`
	LastName  Field[string]        `json:"last_name,omitzero"`
	Username  Field[string]        `json:"username,omitzero"` // at creation; default made of the email
	Password  Field[string]        `json:"password,omitzero"`
	Billing   Field[AddressFields] `json:"billing,omitzero"`
	Shipping  Field[AddressFields] `json:"shipping,omitzero"`
	MetaData  Field[[]MetaFields]  `json:"meta_data,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// String leaves the password out.
func (f CustomerFields) String() string { return "woo.CustomerFields{Email: " + f.Email.String() + "}" }

// GoString is String, for %#v.
func (f CustomerFields) GoString() string { return f.String() }

// CustomerDownload is a file that an account may download.
type CustomerDownload struct {
	DownloadID         string       `json:"download_id" wire:"required"`
	DownloadURL        string       `json:"download_url"`
	ProductID          ProductID    `json:"product_id"`
	ProductName        string       `json:"product_name"`
	DownloadName       string       `json:"download_name"`
	OrderID            OrderID      `json:"order_id"`
	OrderKey           string       `json:"order_key"`
	DownloadsRemaining string       `json:"downloads_remaining"` // a number, or "unlimited"
	AccessExpires      time.Time    `json:"access_expires_gmt"`  // zero: never
	AccessExpiresLocal LocalTime    `json:"access_expires"`      // "never", or a date
	File               DownloadFile `json:"file"`

	Extra map[string]json.RawMessage `json:"-"`
}

// DownloadFile is the file behind a download.
type DownloadFile struct {
	Name string `json:"name"`
	File string `json:"file"`

	Extra map[string]json.RawMessage `json:"-"`
}

// CustomerDownloads reads which files an account may download: GET /customers/{id}/downloads.
func (c *Client) CustomerDownloads(ctx context.Context, id CustomerID) ([]*CustomerDownload, error) {
	call := routeOf("CustomerDownloads", http.MethodGet, "customers", id, "downloads")
	return askAll[CustomerDownload](ctx, c, call)
}
