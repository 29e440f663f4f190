package eurofaktura

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// answer is the envelope around everything the server says.
type answer struct {
	Status      string          `json:"status"`    // ok, error
	Result      json.RawMessage `json:"result"`    // an object or a list, whatever the method
	APIMethod   json.RawMessage `json:"apiMethod"` // null when it failed before it knew the method
	Description string          `json:"description"`
}

// read takes body for an answer, ok false when it is none.
func read(body []byte) (*answer, bool) {
	var env struct {
		Response *answer `json:"response"`
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &env) != nil || env.Response == nil || env.Response.Status == "" {
		return nil, false
	}
	return env.Response, true
}

func (a *answer) ok() bool { return strings.EqualFold(a.Status, "ok") }

// numbered finds "Error nr: 1 #field - text" up to the next one.
var numbered = regexp.MustCompile(`(?is)Error nr:\s*(\d+)\s*(?:#(\S+)\s*)?(?:-\s*)?(.*)`)

// errors splits a description into its numbered errors and what else it says.
func (a *answer) errors() (fields []FieldError, message string) {
	const mark = "error nr:"
	text := a.Description
	starts := []int{}
	for at, lower := 0, asciiLower(text); ; {
		i := strings.Index(lower[at:], mark)
		if i < 0 {
			break
		}
		starts = append(starts, at+i)
		at += i + len(mark)
	}
	if len(starts) == 0 {
		return nil, rest.Text(text, 500)
	}
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		m := numbered.FindStringSubmatch(text[start:end])
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1]) // 0 for a number beyond all sense
		fields = append(fields, FieldError{Number: n, Field: rest.Text(m[2], 100), Text: strings.TrimRight(rest.Text(m[3], 500), "; ")})
	}
	return fields, rest.Text(text[:starts[0]], 500)
}

// asciiLower keeps the length of s, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// meaning is what an error answer is. The words are localised: fragments of those that were seen are looked for, and what is known of
// the form comes first.
func (a *answer) meaning(status int) error {
	words := []byte(a.Description)
	fields, _ := a.errors()
	switch {
	case locked(words):
		return ErrBusy
	case status == http.StatusTooManyRequests, tooMany(words):
		return ErrRateLimited
	}
	for _, f := range fields {
		switch {
		case strings.EqualFold(f.Field, "noDocumentsFound"):
			return ErrNotFound
		case strings.EqualFold(f.Field, "apiTransactionId"):
			return ErrDuplicate
		}
	}
	switch {
	case says(words, "access denied", "lacking privilege", "lack of privilege", "privileges"):
		return ErrPermission
	case string(a.APIMethod) == "null":
		return ErrAuth // it never got as far as the method
	case len(fields) > 0:
		return ErrValidation
	case says(words, "token") && says(words, "invalid", "not valid"),
		says(words, "password") && says(words, "invalid", "not valid", "wrong", "incorrect"):
		return ErrAuth
	}
	return ErrRefused
}

// nothing reports an answer that means that nothing was booked, so that an effect may be sent again: a lock, or too many requests.
func nothing(status int, body []byte) bool {
	if a, ok := read(body); ok {
		return a.meaning(status) != ErrRefused //nolint:errorlint // sentinels, compared by identity
	}
	return status == http.StatusTooManyRequests || locked(body) || tooMany(body)
}

// final reports an answer that no repeat changes, although its status is that of a passing trouble: a business error is a 500.
func final(status int, body []byte) bool {
	a, ok := read(body)
	if !ok {
		return false
	}
	meaning := a.meaning(status)
	return meaning != ErrBusy && meaning != ErrRateLimited //nolint:errorlint // sentinels, compared by identity
}
