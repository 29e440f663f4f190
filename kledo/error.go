package kledo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tillwire/tillwire/internal/rest"
)

// What an *[Error] may be, for errors.Is. Each is of one kind; ErrAmbiguous may come on top of another.
var (
	// ErrAuth: 401: the key is expired or revoked, or its user may not enter the company.
	ErrAuth = errors.New("kledo: key not accepted")
	// ErrPermission: 403: the key is good, but its user may not do this.
	ErrPermission = errors.New("kledo: not permitted")
	// ErrNotFound: 404 in Kledo's words: an unknown id, or a module that is switched off.
	ErrNotFound = errors.New("kledo: not found")
	// ErrValidation: 400, 422 or another 4xx, or this package before asking: the data is refused.
	ErrValidation = errors.New("kledo: data refused")
	// ErrRefused: 200 with success:false: Kledo understood and says no. Nothing was booked.
	ErrRefused = errors.New("kledo: refused")
	// ErrTooLarge: the answer is longer than Config.MaxBody.
	ErrTooLarge = errors.New("kledo: too large")
	// ErrRateLimited: 429.
	ErrRateLimited = errors.New("kledo: rate limited")
	// ErrUnavailable: no answer, or that of a Kledo that is ill.
	ErrUnavailable = errors.New("kledo: unavailable")
	// ErrNoRoute: there is no Kledo at Config.Endpoint.
	ErrNoRoute = errors.New("kledo: no such route")
	// ErrRedirect: the address redirects elsewhere, and the request was not taken there.
	ErrRedirect = errors.New("kledo: redirected")
	// ErrHostBlocked: a firewall or the host answered in place of Kledo.
	ErrHostBlocked = errors.New("kledo: blocked by the host")
	// ErrNotJSON: the answer is no JSON, cut off, not what the route answers, or a 2xx other than 200.
	ErrNotJSON = errors.New("kledo: answer not understood")
	// ErrMalformed: one record of an answer could not be read; the others were.
	ErrMalformed = errors.New("kledo: record not understood")
	// ErrAmbiguous: the request may have had its effect although it failed. Look before sending it again.
	ErrAmbiguous = errors.New("kledo: outcome unknown")
)

// Error is a call that did not succeed. It holds neither a query nor a key, and its Error is one sentence for the person who
// runs the wire: what happened, Kledo's words, and what to change.
type Error struct {
	Op            string // "SendInvoice", "Accounts.List"
	Method, Route string // "POST", "woocommerce/invoice"
	Status        int    // 0 when nothing was answered
	Code          string // always empty: Kledo has no codes
	// Message is Kledo's, mostly Indonesian, as plain text of at most 500 bytes.
	Message string
	// Details has what is wrong with each field that Kledo named, which it hardly ever does.
	Details  map[string]string
	Body     []byte // head of the answer, at most 4 KiB
	Attempts int    // requests that went out
	Err      error  // the cause beneath, if there is one: the context's or the network's

	kind      error // one of the sentinels, or nil
	advice    string
	wait      time.Duration
	ambiguous bool
	systemic  bool
}

// rateWait is how long the plugin's maker waits after 429, which comes without Retry-After.
const rateWait = 300 * time.Second

// newError classifies a failed call.
func newError(call rest.Call, f *rest.Failure) *Error {
	e := &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, Status: f.Status, Body: head(f.Body), Attempts: f.Attempts,
		Err: f.Err, wait: f.RetryAfter,
	}
	if f.Class == rest.Status {
		e.Message, e.Details = words(f.Body)
	}
	e.advice, e.kind = judge(f)
	if call.Kind == rest.Effect { // a 2xx that says nothing may have booked; a 4xx never has, whatever page it shows
		booked := f.Status >= 200 && f.Status < 300
		refused := f.Status >= 400 && f.Status < 500
		e.ambiguous = f.Class != rest.Refused && (booked || f.Ambiguous && !refused)
	}
	if f.Status == http.StatusTooManyRequests && e.wait == 0 {
		e.wait = rateWait
	}
	// 403 and other 5xx may be about what was sent, which must not stop all others.
	e.systemic = slices.Contains([]error{ErrAuth, ErrNoRoute, ErrRedirect, ErrRateLimited}, e.kind) ||
		f.Status == http.StatusServiceUnavailable || f.Class == rest.Page && f.Status < 300
	return e
}

// judge gives advice and kind of a failure.
func judge(f *rest.Failure) (advice string, kind error) {
	const endpoint = "check Config.Endpoint, which Kledo shows under Settings > Integrations > API Key"
	switch {
	case f.Class == rest.Redirect:
		return "the address leads on to " + f.Target + ", where neither key nor data are sent: " + endpoint, ErrRedirect
	case f.Class == rest.Transport:
		return endpoint + ", and the network", ErrUnavailable
	case f.Class == rest.NotJSON:
		return "the answer is empty, cut off or no JSON: " + endpoint, ErrNotJSON
	case f.Class == rest.TooLarge:
		return "the answer is longer than Config.MaxBody: raise it", ErrTooLarge
	case f.Class == rest.Ended, f.Status == 0:
		return "", nil
	case f.Status == http.StatusUnauthorized:
		return "the API key is expired or revoked, or its user may not enter this company: set Config.Token to a current key", ErrAuth
	case f.Status == http.StatusTooManyRequests:
		return "set or lower Config.Limiter, and share it between all clients of the account", ErrRateLimited
	case f.Status == http.StatusServiceUnavailable:
		return f.Page, ErrUnavailable
	case f.Class == rest.Page && f.Status == http.StatusNotFound:
		return "a web page answered instead of Kledo: " + endpoint, ErrNoRoute
	case f.Class == rest.Page && f.Status >= 500:
		return f.Page, ErrUnavailable
	case f.Class == rest.Page:
		return fmt.Sprintf("a web page (%s) answered instead of Kledo: %s", f.Page, endpoint), ErrHostBlocked
	case f.Status == http.StatusForbidden:
		return "the user of the API key lacks the permission: grant it in Kledo, or use another user's key", ErrPermission
	case f.Status == http.StatusNotFound:
		return "", ErrNotFound
	case f.Status == http.StatusRequestTimeout, f.Status >= 500:
		return "", ErrUnavailable
	}
	return "", ErrValidation
}

// Error is one sentence: the operation, "HTTP <status> - <reason>: <Kledo's words>", and what to do where that is known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("kledo: " + e.Op)
	switch {
	case e.Status != 0:
		b.WriteString(": HTTP " + strings.TrimSpace(fmt.Sprintf("%d - %s", e.Status, http.StatusText(e.Status))))
	case e.kind == ErrUnavailable: //nolint:errorlint // sentinels, compared by identity
		b.WriteString(": Connection error")
	}
	words := strings.TrimRight(e.Message, ". ")
	if details := e.details(); details != "" {
		words = strings.TrimSpace(words + " (" + details + ")")
	}
	if words == "" && e.Err != nil {
		words = e.Err.Error()
	}
	if words != "" {
		b.WriteString(": " + words)
	}
	if e.advice != "" {
		b.WriteString("; " + e.advice)
	}
	if e.ambiguous {
		b.WriteString("; it may be booked all the same: look before sending it again")
	}
	return b.String()
}

// details lists the first three of what is wrong, by field.
func (e *Error) details() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		all = append(all, name+": "+e.Details[name])
	}
	return strings.Join(firstThree(all), "; ")
}

// Is reports whether target is the sentinel of this error's kind, or ErrAmbiguous when its outcome is unknown.
func (e *Error) Is(target error) bool {
	return target == e.kind && e.kind != nil || target == ErrAmbiguous && e.ambiguous //nolint:errorlint // sentinels, compared by identity
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports that the same request can never succeed: any 4xx in Kledo's words but 401, 403, 408 and 429, and a document
// that is incomplete. A refusal (200) is not permanent: the books may be changed, a closed period opened, stock bought.
func (e *Error) Permanent() bool {
	return e.kind == ErrValidation || e.kind == ErrNotFound //nolint:errorlint // sentinels, compared by identity
}

// RetryAfter is how long Kledo asks to wait, 300 s after a 429 that does not say; else 0.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Ambiguous reports that a document may have been booked. Look before sending it again. A 4xx and a refusal have booked nothing.
func (e *Error) Ambiguous() bool { return e.ambiguous }

// Systemic reports that every call would meet the same: a dead key (401), too many requests (429), 503, a maintenance page, a
// wrong address. 403, other 5xx and a missing connection are not: the first two may be about one document, which must not stop
// the others, and what waits for a connection is to fail in the end and be seen.
func (e *Error) Systemic() bool { return e.systemic }

// words finds Kledo's own words in an answer: message, else error, else the first three of errors.
func words(body []byte) (message string, details map[string]string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(trimBOM(body), &object) != nil {
		return "", nil
	}
	var byField map[string]json.RawMessage
	if json.Unmarshal(object["errors"], &byField) == nil {
		for name, v := range byField {
			if texts := texts(v); len(texts) > 0 {
				if details == nil {
					details = map[string]string{}
				}
				details[name] = strings.Join(texts, "; ")
			}
		}
	}
	for _, name := range []string{"message", "error"} {
		if message = plain(object[name]); message != "" {
			return message, details
		}
	}
	return strings.Join(firstThree(texts(object["errors"])), "; "), details
}

func firstThree(s []string) []string { return s[:min(3, len(s))] }

// texts reads a string or a list of strings.
func texts(v json.RawMessage) []string {
	if s := plain(v); s != "" {
		return []string{s}
	}
	var list []json.RawMessage
	if json.Unmarshal(v, &list) != nil {
		return nil
	}
	var out []string
	for _, item := range list {
		if s := plain(item); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// plain is a JSON string's text on one line, without tags and of at most 500 bytes, and "" for anything else: message is an
// object in some answers.
func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	s = strings.Join(strings.Fields(tag.ReplaceAllString(s, " ")), " ")
	return string(cut([]byte(s), 500))
}

var tag = regexp.MustCompile(`</?[a-zA-Z!][^>]*>`)

// head is the beginning of an answer.
func head(body []byte) []byte { return bytes.Clone(cut(body, 4<<10)) }

// cut shortens text to at most n bytes, at a rune.
func cut(text []byte, n int) []byte {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
