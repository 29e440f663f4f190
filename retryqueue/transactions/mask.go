package transactions

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// hidden stands where personal data was.
const hidden = "•••"

var (
	// What a text may look like to be shown under any name that is not personal. A telephone number is longer or begins with 0 or +.
	amount = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?$`)
	date   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$`)
	// What it may look like under a well-known name, and what a field's name may look like.
	code = regexp.MustCompile(`^[A-Za-z0-9_.:#/-]{1,64}$`)

	wellKnown = strings.Fields("action currency event id key kind mode number parent_id sku state status type version")

	// A field with such a name hides all beneath it; with such a word in its name too.
	personalNames = strings.Fields("billing buyer client contact customer employee person recipient sender shipping user")
	personalWords = strings.Fields("account address agent bank birth birthday birthdate card city dob email fax first firstname fullname gender " +
		"iban ip lastname last mail mobile name nik note npwp password passport phone postal postcode secret ssn street surname tax tel " +
		"telephone token town username vat whatsapp zip")
)

// mask hides every text of a JSON value that is not surely impersonal, and everything under a personal name. What is no JSON is
// hidden as a whole.
func mask(raw json.RawMessage) json.RawMessage {
	if !json.Valid(raw) { // also bounds the depth
		return text(hidden)
	}
	m := masker{dec: json.NewDecoder(bytes.NewReader(raw))}
	m.dec.UseNumber()
	if m.value(false, "") != nil {
		return text(hidden)
	}
	return m.out.Bytes()
}

type masker struct {
	dec *json.Decoder
	out bytes.Buffer
}

// value copies the next value, which stands under name.
func (m *masker) value(personal bool, name string) error {
	token, err := m.dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return m.composite(t, personal, name)
	case string:
		if personal || !amount.MatchString(t) && !date.MatchString(t) && !(slices.Contains(wellKnown, name) && code.MatchString(t)) {
			t = hidden
		}
		m.out.Write(text(t))
	case json.Number:
		if personal {
			m.out.Write(text(hidden))
		} else {
			m.out.WriteString(t.String())
		}
	case bool:
		if t {
			m.out.WriteString("true")
		} else {
			m.out.WriteString("false")
		}
	default:
		m.out.WriteString("null")
	}
	return nil
}

// composite copies what an opening bracket opened, in its order.
func (m *masker) composite(open json.Delim, personal bool, name string) error {
	m.out.WriteString(open.String())
	for first := true; m.dec.More(); first = false {
		if !first {
			m.out.WriteByte(',')
		}
		if open == '{' {
			token, err := m.dec.Token()
			if err != nil {
				return err
			}
			field, _ := token.(string)
			name = strings.ToLower(field)
			if !code.MatchString(field) {
				field = hidden
			}
			m.out.Write(text(field))
			m.out.WriteByte(':')
			if err := m.value(personal || isPersonal(token), name); err != nil {
				return err
			}
			continue
		}
		if err := m.value(personal, name); err != nil {
			return err
		}
	}
	closing, err := m.dec.Token()
	if d, ok := closing.(json.Delim); ok {
		m.out.WriteString(d.String())
	}
	return err
}

// isPersonal reports whether a field's name promises personal data: billing, billing_email, firstName.
func isPersonal(field any) bool {
	name, _ := field.(string)
	if slices.Contains(personalNames, strings.ToLower(name)) {
		return true
	}
	var words strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			words.WriteByte(' ')
		case unicode.IsUpper(r) && lower:
			words.WriteByte(' ')
			fallthrough
		default:
			words.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r)
	}
	return slices.ContainsFunc(strings.Fields(words.String()), func(w string) bool { return slices.Contains(personalWords, w) })
}

// text is a string in JSON, readable: a page escapes it anyway.
func text(s string) json.RawMessage {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return json.RawMessage(`""`)
	}
	return bytes.TrimSpace(out.Bytes())
}
