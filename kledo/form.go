package kledo

import (
	"net/url"
	"strconv"
	"strings"
)

// form is a form body whose fields stand in the order they were added, under PHP's names for nested values ("items[0][name]").
// url.Values would sort them; Kledo reads them in any order, but a body that equals the plugin's byte for byte can be compared.
type form struct{ b strings.Builder }

func (f *form) add(value string, path ...string) {
	if f.b.Len() > 0 {
		f.b.WriteByte('&')
	}
	name := path[0]
	for _, p := range path[1:] {
		name += "[" + p + "]"
	}
	f.b.WriteString(escape(name))
	f.b.WriteByte('=')
	f.b.WriteString(escape(value))
}

// addYes adds Kledo's word for a truth value in these forms.
func (f *form) addYes(yes bool, path ...string) {
	if yes {
		f.add("yes", path...)
	} else {
		f.add("no", path...)
	}
}

func (f *form) addList(values []string, name string) {
	for i, v := range values {
		f.add(v, name, strconv.Itoa(i))
	}
}

func (f *form) bytes() []byte { return []byte(f.b.String()) }

// escape is PHP's urlencode: as Go's, but "~" is escaped too.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "~", "%7E") }
