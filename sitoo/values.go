package sitoo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Money is an amount. On the wire it is text with exactly two decimals, "149.00"; Sitoo refuses "0", "149" and a bare number. What has
// more places is rounded half away from zero when it is written. It calculates as the [decimal.Decimal] it embeds.
type Money struct {
	decimal.Decimal
	wire string // how it was read, where that was not the form it is written in
}

// NewMoney makes an amount of d.
func NewMoney(d decimal.Decimal) Money { return Money{Decimal: d} }

// UnmarshalJSON reads text, a number, and "" and null as zero.
func (m *Money) UnmarshalJSON(b []byte) (err error) {
	m.Decimal, m.wire, err = readFixed(b, 2)
	return err
}

// MarshalJSON writes what was read, and a new value with two decimals.
func (m Money) MarshalJSON() ([]byte, error) { return writeFixed(m.Decimal, m.wire, 2), nil }

// Quantity is a stock figure. On the wire it is text with three decimals, "5.000", and may be negative. What has more places is rounded
// half away from zero when it is written. It calculates as the [decimal.Decimal] it embeds.
type Quantity struct {
	decimal.Decimal
	wire string
}

// NewQuantity makes a stock figure of d.
func NewQuantity(d decimal.Decimal) Quantity { return Quantity{Decimal: d} }

// UnmarshalJSON reads text, a number, and "" and null as zero.
func (q *Quantity) UnmarshalJSON(b []byte) (err error) {
	q.Decimal, q.wire, err = readFixed(b, 3)
	return err
}

// MarshalJSON writes what was read, and a new value with three decimals.
func (q Quantity) MarshalJSON() ([]byte, error) { return writeFixed(q.Decimal, q.wire, 3), nil }

// Percent is a VAT rate: a plain JSON number on the wire, 25 or 25.0.
type Percent struct{ decimal.Decimal }

// NewPercent makes a rate of d.
func NewPercent(d decimal.Decimal) Percent { return Percent{d} }

// UnmarshalJSON reads a number, text, and "" and null as zero.
func (p *Percent) UnmarshalJSON(b []byte) (err error) {
	p.Decimal, err = readDecimal(b)
	return err
}

// MarshalJSON writes a number.
func (p Percent) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

func readFixed(b []byte, places int32) (d decimal.Decimal, wire string, err error) {
	if d, err = readDecimal(b); err != nil {
		return decimal.Decimal{}, "", err
	}
	if !bytes.Equal(b, writeFixed(d, "", places)) {
		wire = string(b)
	}
	return d, wire, nil
}

// writeFixed writes what was read as long as the value is still that one.
func writeFixed(d decimal.Decimal, wire string, places int32) []byte {
	if wire != "" {
		if was, err := readDecimal([]byte(wire)); err == nil && was.Equal(d) {
			return []byte(wire)
		}
	}
	return []byte(`"` + d.StringFixed(places) + `"`)
}

// readDecimal bounds length and exponent: 1e999999999 is short on the wire and gigabytes once it is added to something.
func readDecimal(b []byte) (decimal.Decimal, error) {
	text := strings.TrimSpace(strings.Trim(string(b), `"`))
	if text == "" || text == "null" {
		return decimal.Decimal{}, nil
	}
	d, err := decimal.NewFromString(text)
	if err != nil || len(text) > 64 || d.Exponent() > 100 || d.Exponent() < -100 || strings.ContainsAny(text, "_") {
		return decimal.Decimal{}, fmt.Errorf("%.40q is no decimal number", text)
	}
	return d, nil
}

// Time is a moment in whole seconds, UTC: on the wire seconds since 1970. The zero Time is null.
type Time struct{ time.Time }

// At makes a Time of t, without its fraction of a second.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{time.Unix(t.Unix(), 0).UTC()}
}

// UnmarshalJSON reads seconds as number or text; null, "" and 0 are the zero Time.
func (t *Time) UnmarshalJSON(b []byte) error {
	*t = Time{}
	n, err := readInt(b)
	if err != nil {
		return err
	}
	if n != 0 {
		*t = At(time.Unix(n, 0))
	}
	return nil
}

// MarshalJSON writes seconds.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.Unix(), 10), nil
}

// readInt reads 12, "12", 12.0, null and "".
func readInt(b []byte) (int64, error) {
	text := strings.TrimSpace(strings.Trim(string(b), `"`))
	if text == "" || text == "null" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if d, err := readDecimal(b); err == nil && d.IsInteger() && d.Abs().LessThan(decimal.New(1, 18)) {
		return d.IntPart(), nil
	}
	return 0, fmt.Errorf("%.40q is no whole number", text)
}

// Data are free keys with text beside a record (additionaldata). Sitoo takes text alone as a value: one number in it and the whole order is
// refused. An empty one may come as [].
type Data map[string]string

// UnmarshalJSON reads an object, and [] and null as none. What is no text is kept as its JSON.
func (d *Data) UnmarshalJSON(b []byte) error {
	*d = nil
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil || len(raw) == 0 {
		return err
	}
	*d = make(Data, len(raw))
	for name, v := range raw {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		}
		(*d)[name] = s
	}
	return nil
}

// MarshalJSON writes an object, {} for none.
func (d Data) MarshalJSON() ([]byte, error) {
	if d == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]string(d))
}

// Custom are the values of a product's custom attributes by attribute id: text, mostly. An empty one may come as [].
type Custom map[string]any

// UnmarshalJSON reads an object, and [] and null as none.
func (c *Custom) UnmarshalJSON(b []byte) error {
	*c = nil
	if len(b) == 0 || b[0] != '{' || string(b) == "{}" {
		return nil
	}
	return json.Unmarshal(b, (*map[string]any)(c))
}

// Extra holds the members of a record that its type does not know, by name. They go back to JSON with the record.
type Extra map[string]json.RawMessage

// readRecord fills v, a pointer to a struct without methods, and collects what it does not know.
func readRecord(b []byte, v any, extra *Extra) error {
	*extra = nil
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	var all Extra
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, name := range members(reflect.TypeOf(v).Elem()) {
		delete(all, name)
	}
	if len(all) > 0 {
		*extra = all
	}
	return nil
}

// writeRecord writes v, a struct without methods, and extra behind it.
func writeRecord(v any, extra Extra) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	more, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}
	if len(b) > 2 {
		b = append(b[:len(b)-1], ',')
	} else {
		b = b[:1]
	}
	return append(b, more[1:]...), nil
}

// members are the JSON names of a struct's fields.
func members(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// withMember puts one more member at the front of a JSON object: where Sitoo wants a record's id inside it.
func withMember(object []byte, name string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(object) < 2 || object[0] != '{' {
		return nil, errors.New("is no JSON object")
	}
	out := append([]byte(`{"`+name+`":`), b...)
	if len(object) > 2 {
		out = append(out, ',')
	}
	return append(out, object[1:]...), nil
}
