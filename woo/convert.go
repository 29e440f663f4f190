package woo

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The decoders of single values. Each also takes what PHP plugins send in the value's place, and then says that it does not fit.

func decodeRaw(src []byte, v reflect.Value) (bool, error) {
	v.SetBytes(bytes.Clone(src))
	return true, nil
}

// decodeString takes scalars of other kinds for the text that PHP makes of them.
func decodeString(src []byte, v reflect.Value) (bool, error) {
	switch {
	case src[0] == '"':
		v.SetString(unquote(src))
		return true, nil
	case isEmpty(src):
	case string(src) == "true":
		v.SetString("1")
	case isNumber(src):
		v.SetString(string(src))
	default:
		return false, mismatch("a text", src)
	}
	return false, nil
}

func decodeInt(src []byte, v reflect.Value) (bool, error) {
	if n, ok := parseDigits(src); ok && !v.OverflowInt(n) {
		v.SetInt(n)
		return true, nil
	}
	text := string(src)
	switch {
	case isEmpty(src):
		return false, nil
	case text == "true":
		v.SetInt(1)
		return false, nil
	case src[0] == '"':
		text = strings.TrimSpace(unquote(src))
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		d, decimalErr := parseDecimal(text)
		if decimalErr != nil || !d.IsInteger() || !d.BigInt().IsInt64() {
			return false, mismatch("a whole number", src)
		}
		n = d.IntPart()
	}
	if v.OverflowInt(n) {
		return false, mismatch("a smaller number", src)
	}
	v.SetInt(n)
	return strconv.FormatInt(n, 10) == string(src), nil
}

// parseDigits reads a whole number of at most 18 digits as encoding would write it.
func parseDigits(src []byte) (n int64, ok bool) {
	if len(src) > 18 || (src[0] == '0' && len(src) > 1) {
		return 0, false
	}
	for _, c := range src {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func decodeBool(src []byte, v reflect.Value) (bool, error) {
	switch string(src) {
	case "true":
		v.SetBool(true)
		return true, nil
	case "false":
		return true, nil
	case "1", `"1"`, `"yes"`, `"true"`:
		v.SetBool(true)
	case "0", `"0"`, `"no"`, `"false"`:
	default:
		if !isEmpty(src) {
			return false, mismatch("true or false", src)
		}
	}
	return false, nil
}

func decodeTime(src []byte, v reflect.Value) (bool, error) {
	if src[0] == 'n' {
		return true, nil
	}
	if isEmpty(src) {
		return false, nil
	}
	t, err := parseTime(src)
	if err != nil {
		return false, mismatch("a date", src)
	}
	*v.Addr().Interface().(*time.Time) = t
	var again [len(wireTime) + 2]byte
	return bytes.Equal(appendTime(again[:0], t), src), nil
}

// decodeLocalTime also knows PHP's own date object, which products/{id}/duplicate lets out: {"date":"2026-11-21 18:28:01.000000", …}.
func decodeLocalTime(src []byte, v reflect.Value) (bool, error) {
	switch {
	case src[0] == 'n':
		return true, nil
	case isEmpty(src):
		return false, nil
	case src[0] == '"':
		v.SetString(unquote(src))
		return true, nil
	case src[0] == '{':
		var php struct {
			Date string `json:"date"`
		}
		if json.Unmarshal(src, &php) == nil && len(php.Date) >= len(wireTime) {
			v.SetString(strings.Replace(php.Date[:len(wireTime)], " ", "T", 1))
			return false, nil
		}
	}
	return false, mismatch("a date", src)
}

// isEmpty reports whether the value that src begins with is one of those that PHP code sends for "nothing": null, false, "", {} and [].
func isEmpty(src []byte) bool {
	switch src[0] {
	case 'n', 'f':
		return true
	case '"':
		return src[1] == '"'
	case '[', '{':
		closing := src[skipSpace(src, 1)]
		return closing == ']' || closing == '}'
	}
	return false
}

func isNumber(src []byte) bool { return src[0] == '-' || ('0' <= src[0] && src[0] <= '9') }

var escapedSlash = []byte(`\/`)

// unquote returns the text of a JSON string.
func unquote(src []byte) string {
	inner := src[1 : len(src)-1]
	if bytes.Contains(inner, escapedSlash) { // PHP's only escape in most texts
		inner = bytes.ReplaceAll(inner, escapedSlash, escapedSlash[1:])
	}
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(src, &s) // src is valid
	return s
}
