package woo

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Field is a value to be written, or not: its zero value is absent (the shop keeps what it has), [Null] is JSON null (cleared),
// and [Set] is a value. In queries a Field that is set filters, also by a zero such as the guests' customer id.
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

// Null clears a field. Where the shop clears by an empty text (prices, weights, sale dates) that is what goes out.
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

// MarshalJSON writes decimals as text, the way the shop's schema has money, and times without zone in UTC.
// An absent field outside a write type's struct becomes null, since JSON has no other way to say it.
func (f Field[T]) MarshalJSON() ([]byte, error) { return f.appendWire(nil, "") }

// UnmarshalJSON reads what MarshalJSON wrote, in any form the write types give it.
func (f *Field[T]) UnmarshalJSON(src []byte) error {
	*f = Field[T]{}
	_, isTime := any(f.v).(time.Time)
	_, isDecimal := any(f.v).(decimal.Decimal)
	if string(src) == "null" || (string(src) == `""` && (isTime || isDecimal)) {
		f.state = null
		return nil
	}
	if p, ok := any(&f.v).(*time.Time); ok {
		t, err := parseTime(src)
		if err != nil {
			return err
		}
		*p = t
	} else if err := json.Unmarshal(src, &f.v); err != nil {
		return err
	}
	f.state = value
	return nil
}

// The values of the struct tag `wire`, which says how the schema wants a field where its Go type leaves that open.
const (
	wireNumber = "number" // a decimal as a JSON number; without it as text
	wireBlank  = "blank"  // null as "": the shop ignores or refuses null there
)

func (f Field[T]) appendWire(dst []byte, wire string) ([]byte, error) {
	if f.state != value {
		if wire == wireBlank {
			return append(dst, `""`...), nil
		}
		return append(dst, "null"...), nil
	}
	switch v := any(f.v).(type) {
	case decimal.Decimal:
		if wire == wireNumber {
			return append(dst, plainText(v)...), nil
		}
		return append(append(append(dst, '"'), plainText(v)...), '"'), nil
	case time.Time:
		return appendTime(dst, v), nil
	}
	b, err := json.Marshal(f.v)
	return append(dst, b...), err
}
