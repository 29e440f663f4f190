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
//
// The types' methods that lead here are generated, since they are all alike.

//go:generate go test -count=1 -run ^TestJSONMethods$ .

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

// decodeFunc reads the JSON value that src begins with into v, which is zero, and says where it ends and whether encoding v would give it
// back. What comes after the value is none of its business: so each byte is walked over once, however deep it lies.
type decodeFunc func(src []byte, v reflect.Value) (end int, fits bool, err error)

// alone makes a decodeFunc of a function that takes a value alone.
func alone(decode func(src []byte, v reflect.Value) (fits bool, err error)) decodeFunc {
	return func(src []byte, v reflect.Value) (int, bool, error) {
		end := skipValue(src, 0)
		fits, err := decode(src[:end:end], v)
		return end, fits, err
	}
}

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
		return alone(decodeTime)
	case t == localTimeType:
		return alone(decodeLocalTime)
	case t == rawType:
		return alone(decodeRaw)
	case pointer.Implements(wireValueType):
		return alone(func(src []byte, v reflect.Value) (bool, error) {
			fits, err := v.Addr().Interface().(wireValue).readJSON(src)
			if err != nil && isEmpty(src) {
				return false, nil
			}
			return fits, err
		})
	case isObject(t):
		return decodeStruct
	case pointer.Implements(unmarshalerType): // Field
		return alone(func(src []byte, v reflect.Value) (bool, error) {
			return true, v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(src)
		})
	}
	switch t.Kind() {
	case reflect.String:
		return alone(decodeString)
	case reflect.Int, reflect.Int64:
		return alone(decodeInt)
	case reflect.Bool:
		return alone(decodeBool)
	case reflect.Pointer:
		return pointerDecoder(decoderOf(t.Elem()), t.Elem().Kind() == reflect.String)
	case reflect.Slice:
		return sliceDecoder(decoderOf(t.Elem()))
	case reflect.Map:
		return mapDecoder(decoderOf(t.Elem()))
	}
	return alone(func(src []byte, v reflect.Value) (bool, error) {
		return true, json.Unmarshal(src, v.Addr().Interface())
	})
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
		_, _, err = decodeStruct(src, target)
	}
	if err != nil {
		return decodeError(err, -1, src)
	}
	return nil
}

func decodeStruct(src []byte, v reflect.Value) (end int, fits bool, err error) {
	if src[0] != '{' {
		return other("an object", src) // PHP has no other empty object than []
	}
	p := planOf(v.Type())
	var extra map[string]json.RawMessage
	missing := requiredOf(p)
	i := skipSpace(src, 1)
	for src[i] != '}' {
		name, at := nameAt(src, i)
		index, known := p.byName[string(name)]
		keep := !known
		if known {
			f := &p.fields[index]
			field := v.Field(f.index)
			end, fits, err = f.decode(src[at:], field)
			if err != nil {
				return 0, false, within(err, f.name)
			}
			keep = !fits || (f.omitZero && field.IsZero())
			if f.required {
				missing--
			}
		} else {
			end = skipValue(src[at:], 0)
		}
		if keep {
			if extra == nil {
				extra = make(map[string]json.RawMessage)
			}
			extra[string(name)] = bytes.Clone(src[at : at+end])
		}
		i = skipComma(src, at+end)
	}
	if missing > 0 {
		return 0, false, &valueError{path: p.fields[0].name, reason: "missing: this is another object, perhaps an error of the shop"}
	}
	if extra != nil && p.extra >= 0 {
		v.Field(p.extra).Set(reflect.ValueOf(extra))
	}
	return i + 1, true, nil
}

// other reads a value of another kind than is wanted: nothing, if it is one that PHP code sends for nothing.
func other(want string, src []byte) (end int, fits bool, err error) {
	end = skipValue(src, 0)
	if isEmpty(src) {
		return end, false, nil
	}
	return end, false, mismatch(want, src[:end])
}

func requiredOf(p *plan) (n int) {
	if len(p.fields) > 0 && p.fields[0].required {
		n = 1
	}
	return n
}

// pointerDecoder leaves the pointer nil for what means "nothing"; to texts "" is something.
func pointerDecoder(elem decodeFunc, toText bool) decodeFunc {
	return func(src []byte, v reflect.Value) (int, bool, error) {
		if isEmpty(src) && !(toText && src[0] == '"') {
			return skipValue(src, 0), src[0] == 'n', nil
		}
		target := reflect.New(v.Type().Elem())
		end, fits, err := elem(src, target.Elem())
		if err == nil {
			v.Set(target)
		}
		return end, fits, err
	}
}

func sliceDecoder(elem decodeFunc) decodeFunc {
	return func(src []byte, v reflect.Value) (end int, fits bool, err error) {
		fits = true
		switch src[0] {
		case 'n':
			return len("null"), true, nil
		case '[':
		case '{': // a PHP array with gaps: numbers for keys
			fits = false
			if whole := src[:skipValue(src, 0)]; !isNumbered(whole) && !isEmpty(whole) {
				return 0, false, mismatch("a list", whole)
			}
		default:
			return other("a list", src)
		}
		i, n := skipSpace(src, 1), 0
		for ; src[i] != ']' && src[i] != '}'; n++ {
			if src[0] == '{' {
				_, i = nameAt(src, i)
			}
			if n == v.Len() { // grown by one, two, four: most lists are short, and most elements large
				v.Grow(1)
				v.SetLen(v.Cap())
			}
			end, ok, err := elem(src[i:], v.Index(n))
			if err != nil {
				return 0, false, within(err, "["+strconv.Itoa(n)+"]")
			}
			fits = fits && ok
			i = skipComma(src, i+end)
		}
		if n == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		v.SetLen(n)
		return i + 1, fits, nil
	}
}

// mapDecoder reads an object of any names. PHP writes [] for an empty one, and a list where the names are 0, 1, 2 and so on.
func mapDecoder(elem decodeFunc) decodeFunc {
	return func(src []byte, v reflect.Value) (end int, fits bool, err error) {
		switch src[0] {
		case 'n':
			return len("null"), true, nil
		case '{', '[':
		default:
			return other("an object", src)
		}
		v.Set(reflect.MakeMap(v.Type()))
		fits = src[0] == '{'
		i := skipSpace(src, 1)
		for n := 0; src[i] != ']' && src[i] != '}'; n++ {
			name := strconv.AppendInt(nil, int64(n), 10)
			if src[0] == '{' {
				name, i = nameAt(src, i)
			}
			item := reflect.New(v.Type().Elem()).Elem()
			end, ok, err := elem(src[i:], item)
			if err != nil {
				return 0, false, within(err, string(name))
			}
			fits = fits && ok
			v.SetMapIndex(reflect.ValueOf(string(name)).Convert(v.Type().Key()), item)
			i = skipComma(src, i+end)
		}
		return i + 1, fits, nil
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
	_, _, err := f.decode(bytes.TrimSpace(original), again)
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
	case reflect.Map:
		return appendMap(dst, v, wire)
	}
	b, err := json.Marshal(v.Interface())
	return append(dst, b...), err
}

// appendMap writes a map by name.
func appendMap(dst []byte, v reflect.Value, wire string) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	names := v.MapKeys()
	slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, name.String()), ':')
		var err error
		if dst, err = appendValue(dst, v.MapIndex(name), wire); err != nil {
			return nil, within(err, name.String())
		}
	}
	return append(dst, '}'), nil
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
