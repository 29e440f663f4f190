package kledo

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// encodeQuery writes the fields of a query type that are set, under the names of their query tags: lists joined by commas, yes
// as 1. SortBy and Desc together make sort_by and order_by. Page and PerPage are left to the list.
func encodeQuery(q any) (values url.Values, page, perPage int) {
	values = url.Values{}
	v := reflect.ValueOf(q)
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Tag.Get("query")
		switch v.Type().Field(i).Name {
		case "Page":
			page = int(f.Int())
			continue
		case "PerPage":
			perPage = int(f.Int())
			continue
		case "Extra":
			for name, texts := range f.Interface().(url.Values) { //nolint:errcheck // the type of every Extra
				values[name] = texts
			}
			continue
		case "Desc":
			if values.Get("sort_by") != "" {
				values.Set("order_by", map[bool]string{false: "asc", true: "desc"}[f.Bool()])
			}
			continue
		}
		if !f.IsZero() {
			values.Set(name, queryText(f))
		}
	}
	return values, page, perPage
}

func queryText(f reflect.Value) string {
	switch f.Kind() {
	case reflect.Pointer:
		return queryText(f.Elem())
	case reflect.Bool:
		if f.Bool() {
			return "1"
		}
		return "0"
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(f.Int(), 10)
	case reflect.Slice:
		parts := make([]string, f.Len())
		for i := range parts {
			parts[i] = queryText(f.Index(i))
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(f.Interface())
	}
}
