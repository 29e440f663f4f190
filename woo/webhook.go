package woo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Webhook is a subscription: the shop posts to DeliveryURL what happens under Topic: GET /webhooks/{id}. The shop never
// shows its secret, nor how many deliveries failed. A Status of WebhookDisabled is the shop's own doing, after seven
// failures in a row; what happens from then on is not delivered later.
type Webhook struct {
	ID                WebhookID     `json:"id" wire:"required"`
	Name              string        `json:"name"`
	Status            WebhookStatus `json:"status"`
	Topic             string        `json:"topic"`    // "order.updated", "action.woocommerce_order_status_completed"
	Resource          string        `json:"resource"` // of the Topic: "order", "action"
	Event             string        `json:"event"`    // of the Topic: "updated"
	Hooks             []string      `json:"hooks"`    // WordPress actions that fire it
	DeliveryURL       string        `json:"delivery_url"`
	DateCreated       time.Time     `json:"date_created_gmt"`
	DateCreatedLocal  LocalTime     `json:"date_created"`
	DateModified      time.Time     `json:"date_modified_gmt"` // zero until first changed
	DateModifiedLocal LocalTime     `json:"date_modified"`

	Extra map[string]json.RawMessage `json:"-"`
}

// WebhookID is the id of a webhook.
type WebhookID int64

// WebhookStatus says whether a webhook delivers.
type WebhookStatus string

// The values of WebhookStatus.
const (
	WebhookActive   WebhookStatus = "active"
	WebhookPaused   WebhookStatus = "paused"   // by hand; what happens meanwhile is not delivered later
	WebhookDisabled WebhookStatus = "disabled" // by the shop, after failures
	WebhookAll      WebhookStatus = "all"      // in queries only, and the default there
)

// WebhookQuery selects webhooks: GET /webhooks. The shop can filter neither by topic nor by address. Zero fields do not
// filter; a list or [Field] that is set but empty is an error.
type WebhookQuery struct {
	Status  WebhookStatus `query:"status"` // default WebhookAll
	Search  Field[string] `query:"search"` // in names
	After   time.Time     `query:"after"`  // created after
	Before  time.Time     `query:"before"`
	Include []WebhookID   `query:"include"`
	Exclude []WebhookID   `query:"exclude"`

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Page    int       `query:"page"`     // there is no offset: the shop ignores it
	PerPage int       `query:"per_page"` // 1 to 100; All takes at least 20
	OrderBy string    `query:"orderby"`  // date (default), id, title
	Order   Direction `query:"order"`

	Extra url.Values // parameters of plugins
}

func (q WebhookQuery) values() (url.Values, error) { return queryValues(q) }

// WebhookFields writes a webhook: POST /webhooks, PUT /webhooks/{id}. A create needs Topic and DeliveryURL; the shop
// makes it active whatever Status says, for the owner of the key, with whose rights it then reads what it delivers. It
// pings DeliveryURL at once and creates the webhook even if that fails.
type WebhookFields struct {
	Name   Field[string]        `json:"name,omitzero"`
	Status Field[WebhookStatus] `json:"status,omitzero"` // WebhookActive re-enables; one more failure then disables again
	Topic  Field[string]        `json:"topic,omitzero"`
	// Secret signs the deliveries. Without one the shop makes up a text that nobody can read; an update to "" keeps the old
	// one. Take letters and digits: shops differ in how they store others.
	Secret      Field[string] `json:"secret,omitzero"`
	DeliveryURL Field[string] `json:"delivery_url,omitzero"` // public, port 80, 443 or 8080

	Extra map[string]json.RawMessage `json:"-"`
}

// String leaves the secret out.
func (f WebhookFields) String() string {
	return "woo.WebhookFields{Topic: " + f.Topic.String() + ", Status: " + f.Status.String() + "}"
}

// GoString is String, for %#v.
func (f WebhookFields) GoString() string { return f.String() }

// check refuses what the shop would refuse too, or answer with a webhook that never arrives.
func (f WebhookFields) check() error {
	var bad error
	if topic, ok := f.Topic.Get(); ok && !strings.Contains(topic, ".") {
		bad = fmt.Errorf(`topic: %q is none: give resource.event, such as "order.updated"`, topic)
	}
	return errors.Join(bad, among("status", f.Status, WebhookActive, WebhookPaused, WebhookDisabled))
}
