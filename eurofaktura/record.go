package eurofaktura

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The server writes one and the same member as a number here and as a text there, truth as true or "true", nothing as null or "", and
// a list of one as the thing itself. Every record type reads all of that through readObject: members without a field, and those
// whose value makes no sense for theirs, are kept in Extra as they came.

// readObject reads a JSON object into the struct behind v, whose Extra takes the rest.
func readObject(src []byte, v any) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(src, &all); err != nil {
		return err
	}
	if all == nil {
		return errors.New("eurofaktura: null where a record belongs")
	}
	s := reflect.ValueOf(v).Elem()
	s.SetZero()
	for i := range s.NumField() {
		name := member(s.Type().Field(i))
		raw, ok := all[name]
		if name == "" || !ok {
			continue
		}
		if err := readMember(raw, s.Field(i)); err != nil {
			s.Field(i).SetZero()
			continue
		}
		delete(all, name)
	}
	if len(all) > 0 {
		s.FieldByName("Extra").Set(reflect.ValueOf(all))
	}
	return nil
}

// member is a field's name on the wire, empty for Extra.
func member(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// readMember reads one value into a field, by any of the ways it may be written.
func readMember(raw json.RawMessage, field reflect.Value) error {
	_, own := field.Addr().Interface().(json.Unmarshaler)
	switch {
	case own:
		return json.Unmarshal(raw, field.Addr().Interface())
	case string(raw) == "null":
		return nil
	}
	text := scalar(raw)
	switch field.Kind() {
	case reflect.String:
		if text == nil {
			return errors.New("no text")
		}
		field.SetString(*text)
		return nil
	case reflect.Bool:
		if text == nil {
			return errors.New("no truth value")
		}
		yes, known := truth(*text)
		if !known {
			return errors.New("no truth value")
		}
		field.SetBool(yes)
		return nil
	case reflect.Int, reflect.Int64:
		if text == nil {
			return errors.New("no number")
		}
		n, err := strconv.ParseInt(strings.TrimSpace(*text), 10, 64)
		field.SetInt(n)
		return err
	case reflect.Slice:
		if len(raw) > 0 && raw[0] != '[' {
			raw = slices.Concat([]byte{'['}, raw, []byte{']'})
		}
	}
	return json.Unmarshal(raw, field.Addr().Interface())
}

// scalar is the text of a JSON text, number or truth value; nil for objects and lists.
func scalar(raw json.RawMessage) *string {
	var s string
	switch {
	case json.Unmarshal(raw, &s) == nil:
	case len(raw) > 0 && raw[0] != '{' && raw[0] != '[':
		s = string(raw)
	default:
		return nil
	}
	return &s
}

func truth(text string) (yes, known bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no", "":
		return false, true
	}
	return false, false
}

// writeObject writes a struct's members in their order, leaving out the absent ones, and then Extra. Members that were kept in
// Extra because they made no sense are written as they came.
func writeObject(v any) ([]byte, error) {
	s := reflect.ValueOf(v)
	extra, _ := s.FieldByName("Extra").Interface().(map[string]json.RawMessage)
	var b bytes.Buffer
	b.WriteByte('{')
	put := func(name string, raw []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(name)) // wire names are ASCII
		b.WriteByte(':')
		b.Write(raw)
	}
	for i := range s.NumField() {
		name := member(s.Type().Field(i))
		if _, odd := extra[name]; name == "" || odd || isAbsent(s.Field(i)) {
			continue
		}
		raw, err := encode(s.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		put(name, raw)
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		quoted, err := encode(name)
		if err != nil {
			return nil, err
		}
		raw := extra[name]
		if len(raw) == 0 {
			raw = json.RawMessage("null")
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(quoted)
		b.WriteByte(':')
		b.Write(raw)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func isAbsent(field reflect.Value) bool {
	if a, ok := field.Interface().(interface{ absent() bool }); ok {
		return a.absent()
	}
	return field.IsZero()
}

// encode is json.Marshal without HTML escapes, which would only lengthen what is sent.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// unwrap takes {"StockQuantityInfo":{…}} apart: some lists put each row under the name of its type.
func unwrap(raw json.RawMessage, names ...string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || len(object) != 1 {
		return raw
	}
	for _, name := range names {
		if inner, ok := object[name]; ok && len(inner) > 0 && inner[0] == '{' {
			return inner
		}
	}
	return raw
}
