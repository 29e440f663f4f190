package woo

import (
	"errors"
	"fmt"
	"strings"
)

// valueError says which value could not be read or written, and why.
type valueError struct{ path, reason string }

func (e *valueError) Error() string {
	if e.path == "" {
		return e.reason
	}
	return e.path + ": " + e.reason
}

// mismatch names what was wanted and what came. Of what came it shows no more than a short scalar: longer values, and objects, may be
// about people.
func mismatch(want string, src []byte) error {
	got := "a list"
	switch {
	case src[0] == '{':
		got = "an object"
	case src[0] == '"' && len(src) > 32:
		got = "another text"
	case src[0] != '[':
		got = string(src)
	}
	return &valueError{reason: fmt.Sprintf("%s is wanted, but there is %s", want, got)}
}

// within puts name before the path of a valueError; other errors become one.
func within(err error, name string) error {
	inner := new(valueError)
	if !errors.As(err, &inner) {
		d := decodeError(err, -1, nil)
		inner = &valueError{path: d.Field, reason: d.Reason}
	}
	path := name
	switch {
	case strings.HasPrefix(inner.path, "["):
		path += inner.path
	case inner.path != "":
		path += "." + inner.path
	}
	return &valueError{path: path, reason: inner.reason}
}
