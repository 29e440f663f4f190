package woo

import (
	"encoding/json"
	"net/url"
	"time"
)

// Review is a customer's review of a product: GET /products/reviews/{id}.
type Review struct {
	ID                 ReviewID          `json:"id" wire:"required"`
	DateCreated        time.Time         `json:"date_created_gmt"`
	DateCreatedLocal   LocalTime         `json:"date_created"`
	ProductID          ProductID         `json:"product_id"`
	ProductName        string            `json:"product_name,omitzero"`
	ProductPermalink   string            `json:"product_permalink,omitzero"`
	Status             ReviewStatus      `json:"status"`
	Reviewer           string            `json:"reviewer"` // a name
	ReviewerEmail      string            `json:"reviewer_email"`
	Review             string            `json:"review"` // HTML
	Rating             int               `json:"rating"` // 1 to 5; 0: none
	Verified           bool              `json:"verified"`
	ReviewerAvatarURLs map[string]string `json:"reviewer_avatar_urls"` // by size in pixels

	Extra map[string]json.RawMessage `json:"-"`
}

// ReviewID is the id of a review.
type ReviewID int64

// ReviewStatus says who sees a review.
type ReviewStatus string

// The values of ReviewStatus.
const (
	ReviewApproved ReviewStatus = "approved"
	ReviewHold     ReviewStatus = "hold" // waits for approval
	ReviewSpam     ReviewStatus = "spam"
	ReviewTrash    ReviewStatus = "trash"

	ReviewUnspam  ReviewStatus = "unspam"  // in writes only: out of the spam
	ReviewUntrash ReviewStatus = "untrash" // in writes only: out of the trash
	ReviewAll     ReviewStatus = "all"     // in queries only
)

// ReviewQuery selects reviews: GET /products/reviews. Zero fields do not filter; a list or [Field] that is set but empty is an
// error.
type ReviewQuery struct {
	Status          ReviewStatus  `query:"status"` // default ReviewApproved
	Product         []ProductID   `query:"product"`
	Reviewer        []CustomerID  `query:"reviewer"` // accounts
	ReviewerExclude []CustomerID  `query:"reviewer_exclude"`
	ReviewerEmail   Field[string] `query:"reviewer_email"`
	Search          Field[string] `query:"search"`
	After           time.Time     `query:"after"`
	Before          time.Time     `query:"before"`
	Include         []ReviewID    `query:"include"`
	Exclude         []ReviewID    `query:"exclude"`

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Offset  int       `query:"offset"`   // overrides Page
	OrderBy string    `query:"orderby"`  // date_gmt (default), date, id, include, product
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q ReviewQuery) values() (url.Values, error) { return queryValues(q) }

// ReviewFields writes a review: POST /products/reviews, PUT /products/reviews/{id}. A create needs ProductID, Review, Reviewer and
// ReviewerEmail.
type ReviewFields struct {
	ProductID     Field[ProductID]    `json:"product_id,omitzero"`
	Status        Field[ReviewStatus] `json:"status,omitzero"`
	Reviewer      Field[string]       `json:"reviewer,omitzero"`
	ReviewerEmail Field[string]       `json:"reviewer_email,omitzero"`
	Review        Field[string]       `json:"review,omitzero"`
	Rating        Field[int]          `json:"rating,omitzero"` // 0 to 5

	Extra map[string]json.RawMessage `json:"-"`
}

func (f ReviewFields) check() error {
	return among("status", f.Status, ReviewApproved, ReviewHold, ReviewSpam, ReviewTrash, ReviewUnspam, ReviewUntrash)
}
