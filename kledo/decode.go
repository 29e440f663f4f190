package kledo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"
)

// decode reads a record into the struct that into points to, by its json tags, in whatever form Kledo writes each member today
// (see lenient.go). Members without a field stay in its field Extra.
func decode(b []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	if members == nil {
		return fmt.Errorf("null where a record belongs")
	}
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		if name := wireName(v.Type().Field(i)); name != "" {
			if raw, ok := members[name]; ok {
				assign(v.Field(i), raw)
				delete(members, name)
			}
		}
	}
	if extra := v.FieldByName("Extra"); extra.IsValid() && len(members) > 0 {
		extra.Set(reflect.ValueOf(members))
	}
	return nil
}

// encode writes a record that decode reads to the same, Extra included.
func encode(record any) ([]byte, error) {
	v := reflect.ValueOf(record)
	members := map[string]any{}
	if extra := v.FieldByName("Extra"); extra.IsValid() {
		for name, raw := range extra.Interface().(map[string]json.RawMessage) { //nolint:errcheck // the type of every Extra
			members[name] = raw
		}
	}
	for i := range v.NumField() {
		if name := wireName(v.Type().Field(i)); name != "" {
			members[name] = v.Field(i).Interface()
			if at, ok := members[name].(time.Time); ok && at.IsZero() {
				members[name] = nil
			}
		}
	}
	return json.Marshal(members)
}

// wireName is the member a field is read from; "" for none.
func wireName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// assign reads one member. What makes no sense leaves f as it is: one odd member must not lose its record.
func assign(f reflect.Value, raw json.RawMessage) {
	switch p := f.Addr().Interface().(type) {
	case *Decimal:
		_ = p.UnmarshalJSON(raw)
		return
	case *Date:
		_ = p.UnmarshalJSON(raw)
		return
	case *time.Time:
		var text lenientText
		_ = text.UnmarshalJSON(raw)
		*p = zoneTime(string(text), "")
		return
	case *json.RawMessage:
		*p = bytes.Clone(raw)
		return
	}
	switch f.Kind() {
	case reflect.String:
		var text lenientText
		_ = text.UnmarshalJSON(raw)
		f.SetString(string(text))
	case reflect.Int, reflect.Int64:
		var n lenientInt
		_ = n.UnmarshalJSON(raw)
		f.SetInt(int64(n))
	case reflect.Bool:
		var yes lenientBool
		_ = yes.UnmarshalJSON(raw)
		f.SetBool(bool(yes))
	case reflect.Pointer:
		assignPointer(f, raw)
	case reflect.Slice:
		for _, element := range elements(raw) {
			v := reflect.New(f.Type().Elem()).Elem()
			assign(v, element)
			f.Set(reflect.Append(f, v))
		}
	case reflect.Map:
		var all map[string]json.RawMessage
		if json.Unmarshal(unwrap(raw), &all) != nil || len(all) == 0 {
			return
		}
		f.Set(reflect.MakeMap(f.Type()))
		for name, element := range all {
			v := reflect.New(f.Type().Elem()).Elem()
			assign(v, element)
			f.SetMapIndex(reflect.ValueOf(name), v)
		}
	case reflect.Struct:
		if raw = unwrap(raw); len(raw) > 0 && raw[0] == '{' {
			_ = json.Unmarshal(raw, f.Addr().Interface())
		}
	default:
	}
}

// assignPointer reads an optional member: null and "" are none, and so is [] where an object belongs: PHP's empty object.
func assignPointer(f reflect.Value, raw json.RawMessage) {
	if text := string(raw); text == "null" || text == `""` {
		return
	}
	if f.Type().Elem().Kind() == reflect.Struct && f.Type().Elem() != reflect.TypeFor[Decimal]() {
		if raw = unwrap(raw); len(raw) == 0 || raw[0] != '{' {
			return
		}
	}
	v := reflect.New(f.Type().Elem())
	assign(v.Elem(), raw)
	f.Set(v)
}

// elements are those of a list, also of one written as text ("[14170]") or as PHP's object with numbered members.
func elements(raw json.RawMessage) []json.RawMessage {
	raw = unwrap(raw)
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		list = append(list, all[name])
	}
	return slices.Clip(list)
}

// unwrap takes JSON out of a text that holds it.
func unwrap(raw json.RawMessage) json.RawMessage {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return json.RawMessage(text)
	}
	return raw
}
