package kledo

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Kledo writes one and the same field as a number here and as a string there, truth as 0/1 or false/true, and an empty object
// as [] or "[]". The types below read all of it; what makes no sense in any way reads as the zero value, because one odd field
// must not lose its page.

// Decimal is an amount or a quantity. It calculates as the [decimal.Decimal] it embeds, and JSON gets back what was read.
type Decimal struct {
	decimal.Decimal
	wire string // as read; empty for a value that was set
}

// UnmarshalJSON reads a number, a number as text, and "" and null as zero.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	*d = Decimal{wire: string(b)}
	text := strings.TrimSpace(strings.Trim(string(b), `"`))
	if len(text) > 64 {
		return nil
	}
	if v, err := decimal.NewFromString(text); err == nil && v.Exponent() < 100 && v.Exponent() > -100 {
		d.Decimal = v
	}
	return nil
}

// MarshalJSON writes what was read, and a value that was set as text.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if d.wire != "" {
		return []byte(d.wire), nil
	}
	return []byte(`"` + d.String() + `"`), nil
}

// lenientInt reads 12, "12", 12.0, true and null.
type lenientInt int64

func (n *lenientInt) UnmarshalJSON(b []byte) error {
	*n = 0
	text := strings.TrimSpace(strings.Trim(string(b), `"`))
	if text == "true" {
		*n = 1
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = lenientInt(i)
	} else if f, err := strconv.ParseFloat(text, 64); err == nil && f == float64(int64(f)) {
		*n = lenientInt(f)
	}
	return nil
}

// lenientText reads a string, and a number or truth value as its text. Objects and lists are "".
type lenientText string

func (t *lenientText) UnmarshalJSON(b []byte) error {
	*t = ""
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
		*t = lenientText(s) // null leaves it empty
	case len(b) > 0 && b[0] != '{' && b[0] != '[':
		*t = lenientText(b)
	}
	return nil
}

// lenientBool reads true, 1, "1", "true" and "yes" as true.
type lenientBool bool

func (t *lenientBool) UnmarshalJSON(b []byte) error {
	switch strings.Trim(string(b), `"`) {
	case "true", "1", "yes":
		*t = true
	default:
		*t = false
	}
	return nil
}

// object reads an optional object: null, [], "" and "[]" are none.
func object[T any](b json.RawMessage) (*T, error) {
	if len(b) == 0 || b[0] != '{' {
		return nil, nil
	}
	v := new(T)
	return v, json.Unmarshal(b, v)
}

// unknown returns the fields of a JSON object beside known ones, nil when there are none.
func unknown(b []byte, known ...string) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for _, name := range known {
		delete(all, name)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// zoneTime reads "2027-04-30 23:59:59" in a named zone; Kledo's own is Asia/Jakarta. A day alone is its midnight, a time that says its
// own zone is taken at its word. No date is the zero time.
func zoneTime(s, zone string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		loc = time.FixedZone("WIB", 7*60*60)
	}
	for _, form := range []string{time.DateTime, time.RFC3339Nano, time.DateOnly} {
		if t, err := time.ParseInLocation(form, s, loc); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
