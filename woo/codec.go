package woo

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// How the structs of this package and JSON objects become each other.
//
// Syntax is encoding/json's affair: what arrives here is valid JSON, and texts with escapes go back to it. What it cannot do in
// one pass is decided here, member by member:
//
//   - a member without a field is kept in Extra, at every level;
//   - a member in another shape than its field has, as PHP plugins produce them, is converted where that loses nothing of its
//     meaning (12 for "12", [] for an empty object), and its original is kept in Extra too;
//   - fields of time.Time hold the shop's zone-less UTC dates.
//
// A conversion is told from a fit by one rule: a member fits if encoding its field gives the member back.

const extraName = "Extra"

// plan says how one struct type and a JSON object map onto each other.
type plan struct {
	fields []planField
	byName map[string]int // into fields
	extra  int            // the struct's field Extra, or -1
}

type planField struct {
	name     string
	key      []byte // `"name":`
	index    int
	omitZero bool
	required bool // without it the object is none of ours, such as an error envelope
	wire     string
	decode   decodeFunc
}

// decodeFunc reads one JSON value into v, which is zero, and says whether encoding v would give the value back.
type decodeFunc func(src []byte, v reflect.Value) (fits bool, err error)

// plans caches what reflection finds out about the types, which never changes.
var plans sync.Map // reflect.Type to *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{byName: map[string]int{}, extra: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Name == extraName {
			p.extra = i
			continue
		}
		wire := f.Tag.Get("wire")
		p.byName[name] = len(p.fields)
		p.fields = append(p.fields, planField{
			name:     name,
			key:      []byte(`"` + name + `":`),
			index:    i,
			omitZero: options == "omitzero",
			required: wire == "required",
			wire:     wire,
			decode:   decoderOf(f.Type),
		})
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan)
}

// wireValue is a type that reads and writes its own JSON: Decimal, ManageStock, ImageID.
type wireValue interface {
	readJSON(src []byte) (fits bool, err error)
	appendJSON(dst []byte) []byte
}

var (
	timeType        = reflect.TypeFor[time.Time]()
	localTimeType   = reflect.TypeFor[LocalTime]()
	rawType         = reflect.TypeFor[json.RawMessage]()
	extraType       = reflect.TypeFor[map[string]json.RawMessage]()
	wireValueType   = reflect.TypeFor[wireValue]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

func decoderOf(t reflect.Type) decodeFunc {
	pointer := reflect.PointerTo(t)
	switch {
	case t == timeType:
		return decodeTime
	case t == localTimeType:
		return decodeLocalTime
	case t == rawType:
		return decodeRaw
	case pointer.Implements(wireValueType):
		return func(src []byte, v reflect.Value) (bool, error) {
			fits, err := v.Addr().Interface().(wireValue).readJSON(src)
			if err != nil && isEmpty(src) {
				return false, nil
			}
			return fits, err
		}
	case isObject(t):
		return decodeStruct
	case pointer.Implements(unmarshalerType): // Field
		return func(src []byte, v reflect.Value) (bool, error) {
			return true, v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(src)
		}
	}
	switch t.Kind() {
	case reflect.String:
		return decodeString
	case reflect.Int, reflect.Int64:
		return decodeInt
	case reflect.Bool:
		return decodeBool
	case reflect.Pointer:
		return pointerDecoder(decoderOf(t.Elem()), t.Elem().Kind() == reflect.String)
	case reflect.Slice:
		return sliceDecoder(decoderOf(t.Elem()))
	}
	return func(src []byte, v reflect.Value) (bool, error) {
		return true, json.Unmarshal(src, v.Addr().Interface())
	}
}

// isObject reports whether the codec owns the type: a struct of this package whose fields are JSON members.
func isObject(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName(extraName)
	return ok && f.Type == extraType
}

// decodeObject is the UnmarshalJSON of every struct with an Extra. v is a pointer to it.
func decodeObject(src []byte, v any) error {
	if err := validate(src); err != nil {
		return err
	}
	src = bytes.TrimSpace(src)
	target := reflect.ValueOf(v).Elem()
	target.SetZero()
	err := mismatch("an object", src)
	if src[0] == '{' {
		_, err = decodeStruct(src, target)
	}
	if err != nil {
		return decodeError(err, -1, src)
	}
	return nil
}

func decodeStruct(src []byte, v reflect.Value) (bool, error) {
	if src[0] != '{' {
		if isEmpty(src) {
			return false, nil // PHP has no other empty object than []
		}
		return false, mismatch("an object", src)
	}
	p := planOf(v.Type())
	var extra map[string]json.RawMessage
	missing := requiredOf(p)
	for m := membersOf(src); m.next(); {
		i, known := p.byName[string(m.name)]
		keep := !known
		if known {
			f := &p.fields[i]
			field := v.Field(f.index)
			fits, err := f.decode(m.value, field)
			if err != nil {
				return false, within(err, f.name)
			}
			keep = !fits || (f.omitZero && field.IsZero())
			if f.required {
				missing--
			}
		}
		if keep {
			if extra == nil {
				extra = make(map[string]json.RawMessage)
			}
			extra[string(m.name)] = bytes.Clone(m.value)
		}
	}
	if missing > 0 {
		return false, &valueError{path: "id", reason: "missing: this is another object, perhaps an error of the shop"}
	}
	if extra != nil && p.extra >= 0 {
		v.Field(p.extra).Set(reflect.ValueOf(extra))
	}
	return true, nil
}

func requiredOf(p *plan) (n int) {
	if len(p.fields) > 0 && p.fields[0].required {
		n = 1
	}
	return n
}

// pointerDecoder leaves the pointer nil for what means "nothing"; to texts "" is something.
func pointerDecoder(elem decodeFunc, toText bool) decodeFunc {
	return func(src []byte, v reflect.Value) (bool, error) {
		switch {
		case src[0] == 'n':
			return true, nil
		case isEmpty(src) && !(toText && src[0] == '"'):
			return false, nil
		}
		target := reflect.New(v.Type().Elem())
		fits, err := elem(src, target.Elem())
		if err != nil {
			return false, err
		}
		v.Set(target)
		return fits, nil
	}
}

func sliceDecoder(elem decodeFunc) decodeFunc {
	return func(src []byte, v reflect.Value) (fits bool, err error) {
		fits = true
		switch src[0] {
		case 'n':
			return true, nil
		case '[':
		case '{': // a PHP array with gaps: numbers for keys
			fits = false
			if !isNumbered(src) && !isEmpty(src) {
				return false, mismatch("a list", src)
			}
		default:
			if isEmpty(src) {
				return false, nil
			}
			return false, mismatch("a list", src)
		}
		n := 0
		for e := elementsOf(src); e.next(); n++ {
		}
		list := reflect.MakeSlice(v.Type(), n, n)
		i := 0
		for e := elementsOf(src); e.next(); i++ {
			ok, err := elem(e.value, list.Index(i))
			if err != nil {
				return false, within(err, "["+strconv.Itoa(i)+"]")
			}
			fits = fits && ok
		}
		v.Set(list)
		return fits, nil
	}
}

// encodeObject is the MarshalJSON of every struct with an Extra: its fields in their order, then Extra's members by name.
func encodeObject(v any) ([]byte, error) {
	return appendStruct(make([]byte, 0, 1024), reflect.ValueOf(v))
}

func appendStruct(dst []byte, v reflect.Value) ([]byte, error) {
	p := planOf(v.Type())
	var extra map[string]json.RawMessage
	if p.extra >= 0 {
		extra = v.Field(p.extra).Interface().(map[string]json.RawMessage)
	}
	dst = append(dst, '{')
	start := len(dst)
	for i := range p.fields {
		f := &p.fields[i]
		field := v.Field(f.index)
		original, odd := extra[f.name]
		if odd && !f.speaksOf(original, field) {
			odd = false // the field was given another value since
		}
		if f.omitZero && !odd && field.IsZero() {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, f.key...)
		if odd {
			dst = append(dst, original...)
			continue
		}
		var err error
		if dst, err = appendValue(dst, field, f.wire); err != nil {
			return nil, within(err, f.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if _, known := p.byName[name]; known {
			continue
		}
		if !json.Valid(extra[name]) {
			return nil, &valueError{path: extraName + "[" + name + "]", reason: "no JSON"}
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, name), ':')
		dst = append(dst, extra[name]...)
	}
	return append(dst, '}'), nil
}

// speaksOf reports whether the original of a converted member still stands for the field's value.
func (f *planField) speaksOf(original json.RawMessage, field reflect.Value) bool {
	if !json.Valid(original) {
		return false
	}
	again := reflect.New(field.Type()).Elem()
	_, err := f.decode(bytes.TrimSpace(original), again)
	return err == nil && reflect.DeepEqual(again.Interface(), field.Interface())
}

// fieldWriter is a Field of any type.
type fieldWriter interface {
	appendWire(dst []byte, wire string) ([]byte, error)
}

func appendValue(dst []byte, v reflect.Value, wire string) ([]byte, error) {
	switch x := v.Interface().(type) {
	case Decimal:
		return x.appendJSON(dst), nil
	case ManageStock:
		return x.appendJSON(dst), nil
	case ImageID:
		return x.appendJSON(dst), nil
	case time.Time:
		return appendTime(dst, x), nil
	case LocalTime:
		if x == "" {
			return append(dst, "null"...), nil
		}
	case json.RawMessage:
		if x == nil {
			return append(dst, "null"...), nil
		}
		if !json.Valid(x) {
			return nil, &valueError{reason: "no JSON"}
		}
		return append(dst, x...), nil
	case fieldWriter:
		return x.appendWire(dst, wire)
	}
	switch v.Kind() {
	case reflect.String:
		return appendString(dst, v.String()), nil
	case reflect.Int, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		return appendValue(dst, v.Elem(), wire)
	case reflect.Slice:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendValue(dst, v.Index(i), wire); err != nil {
				return nil, within(err, "["+strconv.Itoa(i)+"]")
			}
		}
		return append(dst, ']'), nil
	case reflect.Struct:
		return appendStruct(dst, v)
	}
	b, err := json.Marshal(v.Interface())
	return append(dst, b...), err
}

func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, _ := json.Marshal(s) // a string always encodes
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

var _ = []wireValue{(*Decimal)(nil), (*ManageStock)(nil), (*ImageID)(nil)}
var _ fieldWriter = Field[decimal.Decimal]{}
