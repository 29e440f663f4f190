package woo

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
)

// DecodeError says which value of an answer could not be read. The rest of a page can be.
type DecodeError struct {
	Index  int    // of the element in its page; -1 when the answer is no page
	ID     string // of the element, as JSON; "" when it has none
	Field  string // the member, such as "line_items[2].total"; "" for the element itself
	Reason string // what was wanted and what came instead
}

// Error is one sentence: where the value stands, and what was wanted.
func (e *DecodeError) Error() string {
	place := "woo: "
	if e.Index >= 0 {
		place += "element " + strconv.Itoa(e.Index) + ": "
	}
	if e.ID != "" {
		place += "id " + e.ID + ": "
	}
	if e.Field != "" {
		place += e.Field + ": "
	}
	return place + e.Reason
}

// decodeList reads an answer that is a page. Elements that cannot be read are missing from items and stand, in their order, in bad, each a
// *DecodeError; err says that the body as a whole is no page.
func decodeList[T any](body []byte) (items []*T, bad []error, err error) {
	if err := validate(body); err != nil {
		return nil, nil, err
	}
	body = bytes.TrimSpace(body)
	if body[0] != '[' && !isNumbered(body) {
		return nil, nil, decodeError(mismatch("a list", body), -1, nil)
	}
	items = []*T{}
	for i := skipSpace(body, 1); body[i] != ']' && body[i] != '}'; {
		if body[0] == '{' {
			_, i = nameAt(body, i)
		}
		item, end, err := decodeAt[T](body[i:], len(items)+len(bad))
		if err != nil {
			bad = append(bad, err)
		} else {
			items = append(items, item)
		}
		i = skipComma(body, i+end)
	}
	return items, bad, nil
}

// decodeOne reads an answer that is one object. A list, an empty body or an error envelope is no object of any type.
func decodeOne[T any](body []byte) (*T, error) {
	if err := validate(body); err != nil {
		return nil, err
	}
	return decodeValid[T](bytes.TrimSpace(body), -1)
}

func decodeValid[T any](src []byte, index int) (*T, error) {
	item, _, err := decodeAt[T](src, index)
	return item, err
}

// decodeAt reads the value that src begins with. end is where it ends, also when it cannot be read.
func decodeAt[T any](src []byte, index int) (item *T, end int, err error) {
	item = new(T)
	switch v := reflect.ValueOf(item).Elem(); {
	case !isObject(v.Type()): // a type without Extra
		end = skipValue(src, 0)
		err = json.Unmarshal(src[:end], item)
	case src[0] != '{':
		err = mismatch("an object", src[:skipValue(src, 0)])
	default:
		end, _, err = decodeStruct(src, v)
	}
	if err != nil {
		end = skipValue(src, 0)
		return nil, end, decodeError(err, index, src[:end])
	}
	return item, end, nil
}

// validate leaves the syntax to encoding/json, whose error tells where it breaks.
func validate(body []byte) error {
	if json.Valid(body) {
		return nil
	}
	err := errors.New("the body is empty")
	if len(bytes.TrimSpace(body)) > 0 {
		err = json.Unmarshal(body, new(json.RawMessage))
	}
	return decodeError(err, -1, nil)
}

func decodeError(err error, index int, src []byte) *DecodeError {
	e := &DecodeError{Index: index, Reason: err.Error()}
	var (
		value *valueError
		inner *DecodeError // of an Unmarshal within this one
	)
	switch {
	case errors.As(err, &value):
		e.Field, e.Reason = value.path, value.reason
	case errors.As(err, &inner):
		e.Field, e.Reason = inner.Field, inner.Reason
	}
	if len(src) > 0 && src[0] == '{' {
		for m := membersOf(src); m.next(); {
			if string(m.name) == "id" && len(m.value) <= 32 {
				e.ID = string(m.value)
			}
		}
	}
	return e
}

// isNumbered reports whether src is a PHP array with gaps: an object whose keys are numbers.
func isNumbered(src []byte) bool {
	if src[0] != '{' || isEmpty(src) {
		return false
	}
	for m := membersOf(src); m.next(); {
		if len(m.name) == 0 || strings.Trim(string(m.name), "0123456789") != "" {
			return false
		}
	}
	return true
}
