package wootest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// object is a JSON object whose keys keep their order and whose numbers keep their spelling, as the shop sends them. Its values
// are nil, bool, string, json.Number, []any and *object.
type object struct{ fields []field }

type field struct {
	key   string
	value any
}

func obj(fields ...field) *object { return &object{fields: fields} }

func (o *object) find(key string) int {
	return slices.IndexFunc(o.fields, func(f field) bool { return f.key == key })
}

func (o *object) has(key string) bool { return o.find(key) >= 0 }

func (o *object) get(key string) any {
	if i := o.find(key); i >= 0 {
		return o.fields[i].value
	}
	return nil
}

// set replaces a value in its place, or appends it.
func (o *object) set(key string, value any) {
	if i := o.find(key); i >= 0 {
		o.fields[i].value = value
		return
	}
	o.fields = append(o.fields, field{key, value})
}

func (o *object) text(key string) string {
	s, _ := o.get(key).(string)
	return s
}

func (o *object) object(key string) *object {
	if sub, ok := o.get(key).(*object); ok {
		return sub
	}
	return obj()
}

func (o *object) list(key string) []any {
	l, _ := o.get(key).([]any)
	return l
}

func (o *object) int(key string) int64 {
	n, _ := asInt(o.get(key))
	return n
}

// asInt reads what PHP takes for an integer: a whole number or its text.
func asInt(v any) (n int64, ok bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func clone(v any) any {
	switch v := v.(type) {
	case *object:
		c := &object{fields: make([]field, len(v.fields))}
		for i, f := range v.fields {
			c.fields[i] = field{f.key, clone(f.value)}
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	}
	return v
}

func (o *object) clone() *object { return clone(o).(*object) }

// parse reads one JSON value and nothing after it.
func parse(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the value")
	}
	return v, nil
}

func parseObject(data []byte) (*object, error) {
	v, err := parse(data)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("%T is no object", v)
	}
	return o, nil
}

func parseValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := obj()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			o.set(key.(string), value)
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

// encode writes v as PHP's json_encode does: slashes escaped, everything beyond ASCII as \u escapes.
func encode(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return encodeString(dst, v)
	case json.Number:
		return append(dst, v...)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = encode(dst, e)
		}
		return append(dst, ']')
	case *object:
		dst = append(dst, '{')
		for i, f := range v.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = encodeString(dst, f.key)
			dst = append(dst, ':')
			dst = encode(dst, f.value)
		}
		return append(dst, '}')
	}
	return append(dst, fmt.Sprintf("%q", fmt.Sprint(v))...)
}

func encodeString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch c {
			case '"', '\\', '/':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			case '\b':
				dst = append(dst, '\\', 'b')
			case '\f':
				dst = append(dst, '\\', 'f')
			default:
				if c < ' ' {
					dst = fmt.Appendf(dst, `\u%04x`, c)
				} else {
					dst = append(dst, c)
				}
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if r > 0xffff {
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
			continue
		}
		dst = fmt.Appendf(dst, `\u%04x`, r)
	}
	return append(dst, '"')
}

func (o *object) del(key string) {
	if i := o.find(key); i >= 0 {
		o.fields = slices.Delete(o.fields, i, i+1)
	}
}
