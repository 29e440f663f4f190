package kledotest

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Kind is what a document is.
type Kind string

// The documents that are booked.
const (
	SalesOrder Kind = "order"
	Invoice    Kind = "invoice"
)

// Field is one decoded pair of a form body.
type Field struct{ Name, Value string }

// Document is one booked POST.
type Document struct {
	ID      int // Kledo's own, ascending
	Kind    Kind
	OrderID int64 // of the shop: the field ref_number
	At      time.Time
	Fields  []Field // all of the form, in the order sent, under PHP's names: "items[0][name]"
	Body    string  // of finance/*: the JSON as sent; there are no Fields then, and OrderID is the number at the end of ref_number

	ready time.Time // from when on it is seen
}

// Lookup returns the value of a form field by its whole name; of several of one name the last, as PHP does.
func (d Document) Lookup(name string) (value string, sent bool) {
	for _, f := range d.Fields {
		if f.Name == name {
			value, sent = f.Value, true
		}
	}
	return value, sent
}

// Get is Lookup without the difference between empty and not sent.
func (d Document) Get(name string) string {
	value, _ := d.Lookup(name)
	return value
}

// Items returns items[0], items[1], … as their field names and values.
func (d Document) Items() []map[string]string {
	var items []map[string]string
	for _, f := range d.Fields {
		rest, isItem := strings.CutPrefix(f.Name, "items[")
		index, key, hasKey := strings.Cut(rest, "][")
		n, err := strconv.Atoi(index)
		if !isItem || !hasKey || err != nil || n < 0 || n > len(d.Fields) {
			continue
		}
		for len(items) <= n {
			items = append(items, map[string]string{})
		}
		items[n][strings.TrimSuffix(key, "]")] = f.Value
	}
	return items
}

// List returns name[0], name[1], … such as the tags.
func (d Document) List(name string) []string {
	var list []string
	for _, f := range d.Fields {
		if rest, ok := strings.CutPrefix(f.Name, name+"["); ok && strings.IndexByte(rest, ']') == len(rest)-1 {
			list = append(list, f.Value)
		}
	}
	return list
}

// parseForm splits an urlencoded body and keeps the order of its fields.
func parseForm(body string) ([]Field, error) {
	var fields []Field
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			return nil, err
		}
		fields = append(fields, Field{name, value})
	}
	return fields, nil
}
