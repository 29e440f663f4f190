package sitootest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is one record as JSON has it; numbers are json.Number or Go's.
type record map[string]any

func (r record) int(name string) int64 {
	switch v := r[name].(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case json.Number:
		n, _ := v.Int64()
		return n
	case float64:
		return int64(v)
	}
	return 0
}

func (r record) text(name string) string {
	s, _ := r[name].(string)
	return s
}

func (r record) bool(name string) bool {
	b, _ := r[name].(bool)
	return b
}

// table is a kind of record: what its fields are, and the records there are.
type table struct {
	key      string
	kinds    map[string]byte // of the fields that are written, see valid
	required []string
	bare     []string // answered by lists that do not ask for fields; none: all
	guid     bool     // ids are texts
	ownKey   string   // the caller chooses this text as id
	unique   []string
	batch    bool // writes take lists
	rows     map[string]record
	order    []string
}

func (t *table) insert(id int64, r record) {
	key := strconv.FormatInt(id, 10)
	r = clone(r)
	switch {
	case t.ownKey != "":
		key = r.text(t.ownKey)
	case t.guid:
		key = fmt.Sprintf("{00000000-0000-4000-8000-%012X}", id)
		r[t.key] = key
	default:
		r[t.key] = id
	}
	t.rows[key] = r
	t.order = append(t.order, key)
}

func (t *table) delete(key string) {
	delete(t.rows, key)
	t.order = slices.DeleteFunc(t.order, func(k string) bool { return k == key })
}

func (t *table) all() []record {
	out := make([]record, 0, len(t.order))
	for _, key := range t.order {
		out = append(out, t.rows[key])
	}
	return out
}

func clone(r record) record {
	c := make(record, len(r))
	for k, v := range r {
		c[k] = v
	}
	return c
}

func kinds(spec string) map[string]byte {
	m := map[string]byte{}
	for _, field := range strings.Fields(spec) {
		name, kind, _ := strings.Cut(field, ":")
		m[name] = kind[0]
	}
	return m
}

var (
	moneyForm   = regexp.MustCompile(`^-?[0-9]+\.[0-9]{2}$`)
	decimalForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,3})?$`)
)

// valid checks a value by its kind: m money, d decimal text, s text, i whole number, n number, b boolean, t time, a list, o object of texts, x anything.
// Capitals take null too.
func valid(kind byte, v any) string {
	if v == nil {
		if kind >= 'A' && kind <= 'Z' {
			return ""
		}
		return "should not be null"
	}
	s, isText := v.(string)
	number, isNumber := v.(json.Number)
	whole := isNumber && !strings.ContainsAny(number.String(), ".eE")
	switch kind | 0x20 {
	case 'm':
		if !isText || !moneyForm.MatchString(s) {
			return "should be money"
		}
	case 'd':
		if !isText || !decimalForm.MatchString(s) {
			return "should be decimal"
		}
	case 's':
		if !isText {
			return "should be string"
		}
	case 'i', 't':
		if !whole {
			return "should be integer"
		}
	case 'n':
		if !isNumber {
			return "should be number"
		}
	case 'b':
		if _, isBool := v.(bool); !isBool {
			return "should be boolean"
		}
	case 'a':
		if _, isList := v.([]any); !isList {
			return "should be array"
		}
	case 'o':
		object, isObject := v.(map[string]any)
		if !isObject {
			return "should be object"
		}
		for _, v := range object {
			if _, isText := v.(string); !isText {
				return "should hold strings"
			}
		}
	}
	return ""
}

// refuse says what is wrong with what is to be written; fields that are read-only or unknown are refused too.
func (t *table) refuse(r record, create bool, self string) string {
	for _, name := range t.required {
		if _, has := r[name]; create && !has {
			return fmt.Sprintf("Missing required field '%s'.", name)
		}
	}
	for name, v := range r {
		kind, known := t.kinds[name]
		if !known {
			return fmt.Sprintf("Invalid field '%s'", name)
		}
		if why := valid(kind, v); why != "" {
			return fmt.Sprintf("Invalid field value '%s' %s.", name, why)
		}
	}
	for _, name := range t.unique {
		v, has := r[name]
		if !has || v == nil || v == "" {
			continue
		}
		for key, other := range t.rows {
			if key != self && other[name] == v {
				return fmt.Sprintf("%s already exists (%v)", name, v)
			}
		}
	}
	return ""
}

// request is a request on its way to its record.
type request struct {
	method string
	path   []string
	query  url.Values
	body   []byte
	raw    *http.Request
}

func readBody(r *http.Request) []byte {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return body
}

// decode reads one record or several; many tells which it was.
func (r *request) decode() (records []record, many bool, why string) {
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, false, "Invalid JSON"
	}
	switch v := v.(type) {
	case map[string]any:
		return []record{v}, false, ""
	case []any:
		for _, item := range v {
			object, isObject := item.(map[string]any)
			if !isObject {
				return nil, true, "Invalid JSON"
			}
			records = append(records, object)
		}
		return records, true, ""
	}
	return nil, false, "Invalid JSON"
}

// list answers a page of records.
func list(records []record, q url.Values, bare []string) reply {
	start, num := 0, 10
	if v := q.Get("start"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return bad("Invalid start")
		}
		start = n
	}
	if v := q.Get("num"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return bad("Invalid num")
		}
		num = n
	}
	fields := bare
	if v := last(q["fields"]); v != "" {
		fields = strings.Split(v, ",")
	}
	page := []record{}
	for i := start; i < min(start+num, len(records)); i++ {
		page = append(page, pick(records[i], fields))
	}
	return ok(map[string]any{"totalcount": len(records), "items": page})
}

func pick(r record, fields []string) record {
	if len(fields) == 0 {
		return r
	}
	out := record{}
	for _, name := range fields {
		if v, has := r[name]; has {
			out[name] = v
		}
	}
	return out
}

// last is what counts of a parameter that was repeated.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// oneOf filters by a list of values with commas.
func oneOf(q url.Values, name string, value any) bool {
	want := last(q[name])
	return want == "" || slices.Contains(strings.Split(want, ","), fmt.Sprint(value))
}

// since and until filter by times or ids: from inclusive, to exclusive.
func within(q url.Values, from, to string, v int64) bool {
	if s := last(q[from]); s != "" {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && v < n {
			return false
		}
	}
	if s := last(q[to]); s != "" {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && v >= n {
			return false
		}
	}
	return true
}

func now() int64 { return time.Now().Unix() }
