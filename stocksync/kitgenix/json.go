package kitgenix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// What PHP writes and reads. It escapes "/" and all that is not ASCII, makes an array of a map whose keys are 0, 1, 2 … and of one
// that is empty, and turns digits that are a key into a number. What is read here is therefore taken apart by hand: names keep
// their case, and a value may be of another type than one thought.

// marshal encodes v as PHP's json_encode does by default. The signature is over these bytes.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("kitgenix: encoding: %w", err)
	}
	plain := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	const hex = "0123456789abcdef"
	var units [2]uint16
	out := make([]byte, 0, len(plain)+len(plain)/8)
	for len(plain) > 0 { // beyond ASCII, and slashes, stand within strings only
		r, n := utf8.DecodeRune(plain)
		switch {
		case r == '/':
			out = append(out, '\\', '/')
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		default:
			for _, unit := range utf16.AppendRune(units[:0], r) {
				out = append(out, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
			}
		}
		plain = plain[n:]
	}
	return out, nil
}

const (
	maxDepth    = 32 // of nested values; the protocol has 3
	maxNumber   = 40 // characters
	maxExponent = 40
)

var (
	errNotJSON = errors.New("it is no JSON")
	errTwice   = errors.New("it names a field twice")
	errDeep    = errors.New("it is nested too deeply")
	errNumber  = errors.New("it holds a number that nobody can mean")
)

// check refuses JSON that two readers could understand differently, or that costs more to read than it is worth.
func check(body []byte) error {
	if !utf8.Valid(body) || !json.Valid(body) {
		return errNotJSON
	}
	var open []nesting
	for i := 0; i < len(body); i++ { // of valid JSON this is all that must be seen
		switch c := body[i]; c {
		case '{', '[':
			if len(open) == maxDepth {
				return errDeep
			}
			open = append(open, nesting{names: c == '{'})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			open[len(open)-1].named = false
		case '"':
			end := i + 1 + endOfText(body[i+1:])
			if n := len(open) - 1; n >= 0 && !open[n].name(body[i:end]) {
				return errTwice
			}
			i = end - 1
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			end := i + len(body[i:]) - len(bytes.TrimLeft(body[i:], "+-.0123456789eE"))
			if err := checkNumber(string(body[i:end])); err != nil {
				return err
			}
			i = end - 1
		}
	}
	return nil
}

// nesting is an object or array that is open.
type nesting struct {
	names bool            // it is an object
	named bool            // the name of the current field was read
	seen  map[string]bool // names
}

// name takes a text that is a field's name, if it is; false when the object has the name already.
func (n *nesting) name(quoted []byte) bool {
	if !n.names || n.named {
		return true
	}
	n.named = true
	name := string(quoted[1 : len(quoted)-1])
	if strings.Contains(name, `\`) { // it can be spelled in many ways
		_ = json.Unmarshal(quoted, &name) // it is valid
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	if n.seen[name] {
		return false
	}
	n.seen[name] = true
	return true
}

// endOfText is where a text ends whose opening quote was read, the closing one included.
func endOfText(body []byte) int {
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(body)
}

func checkNumber(n string) error {
	_, exponent, scientific := strings.Cut(strings.ToLower(n), "e")
	power, err := strconv.Atoi(exponent)
	if len(n) > maxNumber || scientific && (err != nil || power > maxExponent || power < -maxExponent) {
		return errNumber
	}
	return nil
}

// object is a JSON object whose values are not looked at yet.
type object map[string]json.RawMessage

// asObject reports whether raw is an object. An array without elements is PHP's empty map.
func asObject(raw json.RawMessage) (object, bool) {
	var o object
	if json.Unmarshal(raw, &o) == nil && o != nil {
		return o, true
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && list != nil && len(list) == 0 {
		return object{}, true
	}
	return nil, false
}

// text is a string, or a number as it is written; anything else is "".
func (o object) text(name string) string { return text(o[name]) }

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// has reports whether a field is there and not null.
func (o object) has(name string) bool {
	raw, ok := o[name]
	return ok && string(raw) != "null"
}

// number is a number, or a text that is one. Fractions are cut off towards zero, as the plugin does.
func (o object) number(name string) (decimal.Decimal, bool) {
	s := strings.TrimSpace(o.text(name))
	if s == "" || checkNumber(s) != nil {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Decimal{}, false
	}
	return d.Truncate(0), true
}

// integer is a number that an int64 holds; else 0.
func (o object) integer(name string) int64 {
	d, ok := o.number(name)
	if !ok || d.Abs().GreaterThan(decimal.NewFromInt(math.MaxInt64)) {
		return 0
	}
	return d.IntPart()
}

// list is the values of an array, or of an object in the order in which they are written: all of them, or one more than most.
func list(raw json.RawMessage, most int) ([]json.RawMessage, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	open, err := d.Token()
	if err != nil || open != json.Delim('[') && open != json.Delim('{') {
		return nil, false
	}
	values := []json.RawMessage{}
	for d.More() && len(values) <= most {
		if open == json.Delim('{') {
			if _, err := d.Token(); err != nil { // the name
				return nil, false
			}
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// phpMap is a map in an order, which is written as PHP would: an array when it is empty or its keys are 0, 1, 2 …
type phpMap struct {
	keys   []string
	values []any
}

// MarshalJSON implements [json.Marshaler].
func (m phpMap) MarshalJSON() ([]byte, error) {
	isList := true
	for i, key := range m.keys {
		isList = isList && key == strconv.Itoa(i)
	}
	if isList {
		return json.Marshal(append([]any{}, m.values...))
	}
	out := []byte{'{'}
	for i, key := range m.keys {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.values[i])
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// phpValues reads what a phpMap wrote: values by key, whatever form PHP gave the map.
func phpValues(raw json.RawMessage) (object, bool) {
	if o, ok := asObject(raw); ok {
		return o, true
	}
	var values []json.RawMessage
	if json.Unmarshal(raw, &values) != nil || values == nil {
		return nil, false
	}
	o := make(object, len(values))
	for i, v := range values {
		o[strconv.Itoa(i)] = v
	}
	return o, true
}
