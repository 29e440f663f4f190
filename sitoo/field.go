package sitoo

import (
	"encoding/json"
	"fmt"
)

// Field is a value to be written, or not: its zero value is absent (Sitoo keeps what it has), [Null] is JSON null (cleared, where Sitoo
// takes null: a barcode, for instance, is cleared by Set("")), and [Set] is a value. Every update of Sitoo is a patch, so the three differ.
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

// MarshalJSON writes the value or null. An absent field outside a struct becomes null, since JSON has no other way to say it.
func (f Field[T]) MarshalJSON() ([]byte, error) {
	if f.state != value {
		return []byte("null"), nil
	}
	return json.Marshal(f.v)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Field[T]) UnmarshalJSON(b []byte) error {
	*f = Field[T]{}
	if string(b) == "null" {
		f.state = null
		return nil
	}
	if err := json.Unmarshal(b, &f.v); err != nil {
		return err
	}
	f.state = value
	return nil
}
