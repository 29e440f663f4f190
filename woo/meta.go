package woo

import "encoding/json"

// Meta is one entry of meta_data: what plugins attach to an order, a line, a product or a customer. The value is any JSON; shops
// hand scalars back as text (5 becomes "5", true becomes "1", false becomes "") and {} as [].
type Meta struct {
	ID    MetaID          `json:"id"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitzero"`

	// Display copies, sent with lines of an order only. They are never written back.
	DisplayKey   json.RawMessage `json:"display_key,omitzero"`
	DisplayValue json.RawMessage `json:"display_value,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// String returns the value as text: a JSON text without its quotes, null and no value as "", all else as JSON.
func (m Meta) String() string {
	var s string
	switch {
	case len(m.Value) == 0 || string(m.Value) == "null":
		return ""
	case json.Unmarshal(m.Value, &s) == nil:
		return s
	}
	return string(m.Value)
}

// Decode reads the value into v, as [json.Unmarshal] does.
func (m Meta) Decode(v any) error { return json.Unmarshal(m.Value, v) }

// MetaData is an object's meta data, in the shop's order: by key on newer shops, by time of writing on older ones.
type MetaData []Meta

// Get returns the first entry with the key, which is the one the shop changes when it is written by key.
func (m MetaData) Get(key string) (Meta, bool) {
	for _, entry := range m {
		if entry.Key == key {
			return entry, true
		}
	}
	return Meta{}, false
}

// MetaFields writes one entry of meta_data: by ID, or by Key, which changes the first entry of that key or adds one. Entries not
// named stay. Of two entries with one key in one write the shop keeps the last.
type MetaFields struct {
	ID    Field[MetaID] `json:"id,omitzero"`
	Key   Field[string] `json:"key,omitzero"`
	Value Field[any]    `json:"value,omitzero"` // Null deletes an entry named by ID
}

// SetMeta writes value, anything that JSON can say, under key.
func SetMeta(key string, value any) MetaFields {
	return MetaFields{Key: Set(key), Value: Set(value)}
}

// DeleteMeta deletes an entry. The shop wants both its id and its key.
func DeleteMeta(m Meta) MetaFields {
	return MetaFields{ID: Set(m.ID), Key: Set(m.Key), Value: Null[any]()}
}
