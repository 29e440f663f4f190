package woo

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Direction is the order of a list.
type Direction string

// The directions.
const (
	Ascending  Direction = "asc"
	Descending Direction = "desc" // the shop's default
)

// queryValues encodes a query struct by its tags `query:"name"`. Lists go out comma-separated, which every shop reads and OAuth can
// sign; dates as zone-less UTC with dates_are_gmt=true, the one form no shop gets wrong.
//
// A filter that is set but empty is an error: the shop takes it for no filter and would return everything.
func queryValues(query any) (url.Values, error) {
	out := url.Values{}
	v := reflect.ValueOf(query)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Name == extraName {
			continue
		}
		name := f.Tag.Get("query")
		if filters, ok := v.Field(i).Interface().([]AttributeFilter); ok {
			if err := addAttributes(out, name, filters); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			continue
		}
		text, err := queryText(v.Field(i), name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if text == "" {
			continue
		}
		out.Set(name, text)
		if f.Type == timeType {
			out.Set("dates_are_gmt", "true")
		}
	}
	if err := checkPaging(out); err != nil {
		return nil, err
	}
	if fields := out.Get("_fields"); fields != "" && !slices.Contains(strings.Split(fields, ","), "id") {
		out.Set("_fields", "id,"+fields)
	}
	if extra, ok := v.FieldByName(extraName).Interface().(url.Values); ok {
		for name, texts := range extra {
			if err := addExtra(out, name, texts); err != nil {
				return nil, fmt.Errorf("%s: %w", extraName, err)
			}
		}
	}
	return out, nil
}

var (
	errEmptyFilter = errors.New("empty: the shop would take it for no filter and return everything")
	errEmptyList   = errors.New("an empty list: the shop would take it for no filter and return everything; nil is no filter")
)

// queryText returns a field's value as the shop reads it, "" for an absent one.
func queryText(v reflect.Value, name string) (string, error) {
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return "", nil
		}
		// The shop compares whole seconds and leaves the bound out. Rounding outwards, nothing that lies within is missed.
		x = x.UTC()
		if strings.HasSuffix(name, "before") && x.Nanosecond() > 0 {
			x = x.Add(time.Second)
		}
		return x.Format(wireTime), nil
	case queryField:
		value, ok, err := x.filter()
		if !ok || err != nil {
			return "", err
		}
		return filterText(name, value)
	}
	switch v.Kind() {
	case reflect.Slice:
		if v.IsNil() {
			return "", nil
		}
		texts := make([]string, v.Len())
		for i := range texts {
			text, err := filterText(name, v.Index(i).Interface())
			if err == nil && strings.Contains(text, ",") && len(texts) > 1 {
				err = fmt.Errorf("%q holds a comma, which parts a list: ask for it alone", text)
			}
			if err != nil {
				return "", err
			}
			texts[i] = text
		}
		if len(texts) == 0 {
			return "", errEmptyList
		}
		return strings.Join(texts, ","), nil
	case reflect.String:
		return v.String(), nil
	}
	if v.IsZero() {
		return "", nil
	}
	return strconv.FormatInt(v.Int(), 10), nil
}

// queryField is a Field of any type.
type queryField interface {
	filter() (value any, ok bool, err error)
}

func (f Field[T]) filter() (any, bool, error) {
	if f.IsNull() {
		return nil, false, errors.New("null is no filter")
	}
	v, ok := f.Get()
	return v, ok, nil
}

func filterText(name string, value any) (string, error) {
	switch x := value.(type) {
	case OrderStatus:
		return string(x), x.check()
	case decimal.Decimal:
		return plainText(x), nil
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.String:
		text := v.String()
		if strings.TrimSpace(text) == "" {
			return "", errEmptyFilter
		}
		if name == "sku" && strings.Contains(text, "<") {
			return "", fmt.Errorf("%q: the shop strips what follows a <, so it cannot be found by SKU", text)
		}
		return text, nil
	}
	return strconv.FormatInt(v.Int(), 10), nil
}

// addAttributes writes the one filter that is a list of objects, in PHP's way.
func addAttributes(out url.Values, name string, filters []AttributeFilter) error {
	if filters != nil && len(filters) == 0 {
		return errEmptyList
	}
	for i, f := range filters {
		at := fmt.Sprintf("%s[%d]", name, i)
		for _, text := range append([]string{f.Attribute}, f.Terms...) {
			if strings.TrimSpace(text) == "" {
				return errEmptyFilter
			}
		}
		out.Set(at+"[attribute]", f.Attribute)
		switch len(f.Terms) {
		case 0:
			return errEmptyList
		case 1:
			out.Set(at+"[term]", f.Terms[0])
			continue
		}
		for j, term := range f.Terms {
			out.Set(fmt.Sprintf("%s[terms][%d]", at, j), term)
		}
	}
	return nil
}

func checkPaging(q url.Values) error {
	if text := q.Get("per_page"); text != "" {
		if n, _ := strconv.Atoi(text); n < 1 || n > 100 {
			return fmt.Errorf("PerPage: %s is not within 1 and 100", text)
		}
	}
	for name, field := range map[string]string{"page": "Page", "offset": "Offset"} {
		if strings.HasPrefix(q.Get(name), "-") {
			return fmt.Errorf("%s: %s is negative", field, q.Get(name))
		}
	}
	if text := q.Get("order"); text != "" && text != string(Ascending) && text != string(Descending) {
		return fmt.Errorf("Order: %q is neither %s nor %s", text, Ascending, Descending)
	}
	return nil
}

func addExtra(out url.Values, name string, texts []string) error {
	if out.Has(name) {
		return fmt.Errorf("%s has a field of its own", name)
	}
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("%s: %w", name, errEmptyFilter)
		}
	}
	out[name] = slices.Clone(texts)
	return nil
}
