package eurofaktura

import (
	"encoding/json"
	"fmt"

	"github.com/shopspring/decimal"
)

// Field is a value to be written, or not: its zero value is absent, [Null] is JSON null, and [Set] is a value. A price of zero is
// a value; an absent one lets the server take the catalogue's.
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

// Text is Set for texts that may be empty: an empty one is absent.
func Text(s string) Field[string] {
	if s == "" {
		return Field[string]{}
	}
	return Set(s)
}

// Get returns the value and whether there is one; an absent field and null have none.
func (f Field[T]) Get() (v T, ok bool) { return f.v, f.state == value }

// IsNull reports whether the field clears.
func (f Field[T]) IsNull() bool { return f.state == null }

// IsZero reports whether the field is absent; the JSON option omitzero asks it.
func (f Field[T]) IsZero() bool { return f.state == absent }

func (f Field[T]) absent() bool { return f.state == absent }

// String is for logs and test failures: "absent", "null" or the value.
func (f Field[T]) String() string {
	switch f.state {
	case absent:
		return "absent"
	case null:
		return "null"
	}
	return fmt.Sprint(f.v)
}

// MarshalJSON writes decimals as numbers. An absent field outside a write type's struct becomes null.
func (f Field[T]) MarshalJSON() ([]byte, error) {
	if f.state != value {
		return []byte("null"), nil
	}
	if d, ok := any(f.v).(decimal.Decimal); ok {
		return []byte(d.String()), nil
	}
	return json.Marshal(f.v)
}

// UnmarshalJSON reads what MarshalJSON wrote, and decimals as text too.
func (f *Field[T]) UnmarshalJSON(src []byte) error {
	*f = Field[T]{}
	if string(src) == "null" {
		f.state = null
		return nil
	}
	if err := json.Unmarshal(src, &f.v); err != nil {
		return err
	}
	f.state = value
	return nil
}
