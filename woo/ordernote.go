package woo

import (
	"encoding/json"
	"net/url"
	"time"
)

// OrderNote is a note on an order: GET /orders/{id}/notes. Notes cannot be changed.
type OrderNote struct {
	ID               NoteID    `json:"id" wire:"required"`
	Author           string    `json:"author"` // "WooCommerce" for the shop's own
	DateCreated      time.Time `json:"date_created_gmt"`
	DateCreatedLocal LocalTime `json:"date_created"`
	Note             string    `json:"note"`
	CustomerNote     bool      `json:"customer_note"` // shown to the customer

	Extra map[string]json.RawMessage `json:"-"`
}

// OrderNoteQuery selects notes: GET /orders/{id}/notes, which has no pages.
type OrderNoteQuery struct {
	Type NoteType `query:"type"`

	Extra url.Values // parameters of plugins
}

// NoteType says who a note is for.
type NoteType string

// The types of notes.
const (
	AllNotes      NoteType = "any" // the shop's default
	CustomerNotes NoteType = "customer"
	InternalNotes NoteType = "internal"
)

func (q OrderNoteQuery) values() (url.Values, error) { return queryValues(q) }

// OrderNoteFields writes a note: POST /orders/{id}/notes. A note moves no date and fires no webhook.
type OrderNoteFields struct {
	Note         Field[string] `json:"note,omitzero"`
	CustomerNote Field[bool]   `json:"customer_note,omitzero"` // true mails it to the customer
	AddedByUser  Field[bool]   `json:"added_by_user,omitzero"` // the key's owner becomes its author

	Extra map[string]json.RawMessage `json:"-"`
}
