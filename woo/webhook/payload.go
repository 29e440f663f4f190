package webhook

import (
	"bytes"
	"encoding/json"
)

// Shape is the form of a delivery's body. One shop may send all of them.
type Shape int

const (
	// Unknown is anything else, also what is no JSON. Only ID tells whether it speaks of something.
	Unknown Shape = iota
	// Full is the object as the REST API of the webhook's version shows it, in its state at delivery.
	Full
	// IDOnly is {"id":12}: what is left to say of something deleted or trashed.
	IDOnly
	// Legacy is {"order":{…}}, the body of a webhook that was made through the legacy API or before WooCommerce 3.
	Legacy
	// Action is {"action":"woocommerce_order_status_completed","arg":12}, the body of topics that begin with "action.".
	Action
	// Refusal is {"code":"woocommerce_rest_cannot_view","message":"…"}: an error of the shop in place of the object.
	Refusal
)

// Payload is what a body says about itself.
type Payload struct {
	Shape  Shape
	ID     int64  // of the object; 0 when the body names none
	Kind   string // Legacy: what the envelope says it holds: "order"
	Action string // Action: the hook's name
	Code   string // Refusal: the error's code, never translated
	Reason string // Refusal: the error's message, in the shop's language, possibly with HTML
}

// Parse recognises a body. It never fails: what it does not know is [Unknown].
func Parse(body []byte) Payload {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return Payload{}
	}
	if id := integer(members["id"]); id > 0 {
		if len(members) == 1 {
			return Payload{Shape: IDOnly, ID: id}
		}
		return Payload{Shape: Full, ID: id}
	}
	if action := text(members["action"]); action != "" {
		return Payload{Shape: Action, Action: action, ID: integer(members["arg"])}
	}
	if code := text(members["code"]); code != "" {
		return Payload{Shape: Refusal, Code: code, Reason: text(members["message"])}
	}
	for kind, inner := range members { // a legacy envelope has one member
		var object map[string]json.RawMessage
		if len(members) == 1 && json.Unmarshal(inner, &object) == nil && integer(object["id"]) > 0 {
			return Payload{Shape: Legacy, Kind: kind, ID: integer(object["id"])}
		}
	}
	return Payload{}
}

// integer reads a positive JSON integer, also inside a string; anything else is 0.
func integer(raw json.RawMessage) int64 {
	var n int64
	if json.Unmarshal(bytes.Trim(raw, `"`), &n) != nil || n < 0 {
		return 0
	}
	return n
}

// text reads a JSON string; anything else is "".
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// isPing recognises the test request of a shop: a form with the webhook's number and nothing else, without any of the
// headers of a delivery.
func isPing(topic, signature string, body []byte) bool {
	number, ok := bytes.CutPrefix(body, []byte("webhook_id="))
	if !ok || topic != "" || signature != "" || len(number) == 0 || len(number) > 20 {
		return false
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
