package legacy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// How a legacy object becomes one of wc/v3: its members are renamed and rewritten, and woo's own decoder reads the result.
// So the types are woo's to the last oddity: numbers keep their digits, and what has no field stands in Extra under
// the legacy name.

// members are an object's.
type members map[string]json.RawMessage

// names are those of members: the legacy one, and woo's.
type names map[string]string

// rename moves members.
func (m members) rename(names names) {
	for from, to := range names {
		if v, ok := m[from]; ok {
			delete(m, from)
			m[to] = v
		}
	}
}

// never is what the legacy API says of a date that is unset.
const never = "1970-01-01T00:00:00Z"

// date moves a date, which is in UTC and says so. The zone is kept off the wire form that woo's types write back.
func (m members) date(from, to string) {
	v, ok := m[from]
	if !ok {
		return
	}
	delete(m, from)
	var s string
	if json.Unmarshal(v, &s) == nil {
		v = []byte("null")
		if s != "" && s != never {
			v = quote(strings.TrimSuffix(s, "Z"))
		}
	}
	m[to] = v
}

// blank writes null as "", which is how wc/v3 says that there is no price or weight.
func (m members) blank(names ...string) {
	for _, name := range names {
		if string(m[name]) == "null" {
			m[name] = []byte(`""`)
		}
	}
}

// object takes a member that is an object apart.
func (m members) object(name string) members {
	var sub members
	if json.Unmarshal(m[name], &sub) != nil {
		return nil
	}
	return sub
}

// each rewrites the elements of a list. Elements that are no objects are left to woo's decoder, which names them.
func (m members) each(name string, rewrite func(members)) {
	list, ok := elements(m[name])
	if !ok {
		return
	}
	for i, v := range list {
		var sub members
		if json.Unmarshal(v, &sub) == nil && sub != nil {
			rewrite(sub)
			list[i] = sub.json()
		}
	}
	m[name] = join(list)
}

func (m members) json() json.RawMessage {
	b, err := json.Marshal(map[string]json.RawMessage(m))
	if err != nil { // each was decoded before
		return []byte("null")
	}
	return b
}

// elements are those of a list, or of what PHP makes of a list with gaps: an object whose keys are numbers.
func elements(src json.RawMessage) ([]json.RawMessage, bool) {
	var list []json.RawMessage
	if json.Unmarshal(src, &list) == nil {
		return list, list != nil
	}
	var gaps map[string]json.RawMessage
	if json.Unmarshal(src, &gaps) != nil {
		return nil, false
	}
	numbers := map[string]int{}
	for name := range gaps {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, false
		}
		numbers[name] = n
	}
	for _, name := range slices.SortedFunc(maps.Keys(gaps), func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) }) {
		list = append(list, gaps[name])
	}
	return list, true
}

func join(list []json.RawMessage) json.RawMessage {
	return slices.Concat([]byte("["), bytes.Join(asBytes(list), []byte(",")), []byte("]"))
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

func quote(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always encodes
	return b
}

// decode reads one legacy object as a T of woo's.
func decode[T any](src []byte, rewrite func(members)) (*T, error) {
	var m members
	if err := json.Unmarshal(src, &m); err != nil || m == nil {
		return nil, errors.New("an object is wanted")
	}
	rewrite(m)
	item := new(T)
	if err := json.Unmarshal(m.json(), item); err != nil {
		return nil, err
	}
	return item, nil
}

// idIn reads the id of an object that could otherwise not be read, 0 if it has none.
func idIn(src []byte) int64 {
	var v struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(src, &v)
	id, err := strconv.ParseInt(strings.Trim(string(v.ID), `"`), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// envelope opens {"order":{…}} or {"orders":[…]}.
func envelope(body []byte, name string) (json.RawMessage, error) {
	var doc members
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("an object with the member %q is wanted", name)
	}
	v, ok := doc[name]
	if !ok {
		return nil, fmt.Errorf("the member %q is missing", name)
	}
	return v, nil
}
