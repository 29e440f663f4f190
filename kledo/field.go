package kledo

import (
	"encoding/json"

	"github.com/shopspring/decimal"
)

// Field is a value to be written, or not: its zero value is absent (Kledo keeps what it has, or takes its default), [Null] is JSON
// null, and [Set] is a value. Decimals go out as JSON numbers with all their digits, days as "2026-04-24".
type Field[T any] struct {
	v     T
	state fieldState
}

type fieldState uint8

const (
	absent fieldState = iota
	null
	value
)

// Set gives a field a value.
func Set[T any](v T) Field[T] { return Field[T]{v: v, state: value} }

// Null clears a field.
func Null[T any]() Field[T] { return Field[T]{state: null} }

// Get returns the value and whether there is one; an absent field and null have none.
func (f Field[T]) Get() (v T, ok bool) { return f.v, f.state == value }

// IsNull reports whether the field clears.
func (f Field[T]) IsNull() bool { return f.state == null }

// IsZero reports whether the field is absent; the JSON option omitzero asks it.
func (f Field[T]) IsZero() bool { return f.state == absent }

// MarshalJSON writes the value. An absent field outside a write type's struct becomes null, since JSON has no other way to say it.
func (f Field[T]) MarshalJSON() ([]byte, error) {
	if f.state != value {
		return []byte("null"), nil
	}
	if d, ok := any(f.v).(decimal.Decimal); ok {
		return []byte(d.String()), nil
	}
	return json.Marshal(f.v)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Field[T]) UnmarshalJSON(b []byte) error {
	*f = Field[T]{state: null}
	if string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, &f.v); err != nil {
		return err
	}
	f.state = value
	return nil
}
