package stocksynctest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// object is a JSON object as PHP writes it: in the order of its keys.
type object []field

type field struct {
	key   string
	value any
}

// phpJSON encodes as PHP's json_encode does: slashes and everything beyond ASCII are escaped. It knows object, []any, string, bool,
// nil, integers, json.Number and what encoding/json makes of unknown JSON.
func phpJSON(v any) string {
	var b strings.Builder
	writeJSON(&b, v)
	return b.String()
}

func writeJSON(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		writeString(b, v)
	case object:
		b.WriteByte('{')
		for i, p := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, p.key)
			b.WriteByte(':')
			writeJSON(b, p.value)
		}
		b.WriteByte('}')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		o := make(object, len(keys))
		for i, key := range keys {
			o[i] = field{key, v[key]}
		}
		writeJSON(b, o)
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, e)
		}
		b.WriteByte(']')
	default: // bool, integers, json.Number
		fmt.Fprint(b, v)
	}
}

func writeString(b *strings.Builder, s string) {
	const short = "\b\f\n\r\t\"\\/"
	b.WriteByte('"')
	for _, r := range s {
		switch i := strings.IndexRune(short, r); {
		case i >= 0:
			b.WriteByte('\\')
			b.WriteByte("bfnrt\"\\/"[i])
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// parseJSON decodes with numbers as they were written.
func parseJSON(body []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("text after the JSON value")
	}
	return v, nil
}

// entries are the values of a JSON list or, in any order of its keys, of an object: PHP has one type for both.
func entries(v any) (list []any, ok bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			list = append(list, v[key])
		}
		return list, true
	}
	return nil, false
}

// phpInt is PHP's (int) of a decoded JSON value.
func phpInt(v any) int64 {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		f, _ := v.Float64()
		if math.IsNaN(f) || math.Abs(f) >= math.MaxInt64 {
			return math.MinInt64 // as a 64-bit PHP was seen to do
		}
		return int64(f)
	case int64:
		return v
	case bool:
		if v {
			return 1
		}
	case string:
		text := strings.TrimSpace(v)
		end := 0
		for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[end] == '-' || text[end] == '+')) {
			end++
		}
		n, _ := strconv.ParseInt(text[:end], 10, 64)
		return n
	case []any:
		if len(v) > 0 {
			return 1
		}
	}
	return 0
}

// phpBool is PHP's (bool) of a decoded JSON value.
func phpBool(v any) bool {
	if text, ok := v.(string); ok {
		return text != "" && text != "0" // also "false"
	}
	return phpInt(v) != 0
}

// phpString is PHP's (string) of a decoded JSON value.
func phpString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "1"
		}
	case []any, map[string]any:
		return "Array"
	}
	return ""
}

// fold is what the database's collation makes of a SKU: no case, no accents.
func fold(sku string) string { return accents.Replace(strings.ToLower(strings.TrimSpace(sku))) }

// accents are those of the Latin alphabets that the collation takes for nothing.
var accents = func() *strings.Replacer {
	var pairs []string
	for plain, marked := range map[string]string{
		"a": "áàâäåã", "c": "čćç", "d": "ď", "e": "éèêëě", "i": "íìîï", "n": "ñň", "o": "óòôöõ", "r": "ř", "s": "šś", "t": "ť", "u": "úùûüů",
		"y": "ý", "z": "žźż",
	} {
		for _, r := range marked {
			pairs = append(pairs, string(r), plain)
		}
	}
	return strings.NewReplacer(pairs...)
}()
