package woo

import (
	"bytes"
	"unicode/utf8"
)

// What stands in this file finds where values begin and end in valid JSON. It checks nothing and copies nothing.

// members walks through an object: for m := membersOf(src); m.next(); { … m.name, m.value … }
type members struct {
	src         []byte
	at          int
	name, value []byte // name without quotes, value as it stands
}

func membersOf(src []byte) members { return members{src: src, at: skipSpace(src, 1)} }

func (m *members) next() bool {
	if m.src[m.at] == '}' {
		return false
	}
	m.name, m.at = nameAt(m.src, m.at)
	m.value, m.at = valueAt(m.src, m.at)
	return true
}

// nameAt returns the name of the member at i, and where its value begins.
func nameAt(src []byte, i int) (name []byte, value int) {
	end := skipString(src, i)
	name = src[i+1 : end-1]
	if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
		name = []byte(unquote(src[i:end]))
	}
	colon := skipSpace(src, end)
	return name, skipSpace(src, colon+1)
}

// elements walks through a list, or through the values of an object.
type elements struct {
	src   []byte
	at    int
	value []byte
}

func elementsOf(src []byte) elements { return elements{src: src, at: skipSpace(src, 1)} }

func (e *elements) next() bool {
	switch e.src[e.at] {
	case ']', '}':
		return false
	}
	if e.src[0] == '{' {
		_, e.at = nameAt(e.src, e.at)
	}
	e.value, e.at = valueAt(e.src, e.at)
	return true
}

// valueAt returns the value at i, and where the next one or the closing bracket is.
func valueAt(src []byte, i int) (value []byte, next int) {
	end := skipValue(src, i)
	return src[i:end:end], skipComma(src, end)
}

// skipComma returns where what follows a value is: the next one, or the closing bracket.
func skipComma(src []byte, i int) int {
	i = skipSpace(src, i)
	if src[i] == ',' {
		i = skipSpace(src, i+1)
	}
	return i
}

func skipSpace(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\n' || src[i] == '\t' || src[i] == '\r') {
		i++
	}
	return i
}

func skipString(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipValue(src []byte, i int) int {
	switch src[i] {
	case '"':
		return skipString(src, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch src[i] {
			case '"':
				i = skipString(src, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(src) {
		switch src[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}
