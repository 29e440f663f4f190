package sitoo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// What an *[Error] may be, for errors.Is. Each is of one kind; ErrAmbiguous may come on top of another.
var (
	// ErrAuth: 401: API ID or password is wrong, or the address is another account's.
	ErrAuth = errors.New("sitoo: key not accepted")
	// ErrPermission: 403: the key is good, but may not do this from here.
	ErrPermission = errors.New("sitoo: not permitted")
	// ErrNotFound: the id does not exist. Sitoo says so mostly with 400 and "Invalid productid (7)".
	ErrNotFound = errors.New("sitoo: not found")
	// ErrValidation: 400 or another 4xx, or this package before asking: the data is refused.
	ErrValidation = errors.New("sitoo: data refused")
	// ErrConflict: 409 or 412: the id exists already, or the revision is stale.
	ErrConflict = errors.New("sitoo: conflict")
	// ErrTooLarge: the answer is longer than Config.MaxBody, or Sitoo finds the request too long (413).
	ErrTooLarge = errors.New("sitoo: too large")
	// ErrRateLimited: 429: too many requests, or two at once. Nothing was done.
	ErrRateLimited = errors.New("sitoo: rate limited")
	// ErrUnavailable: no answer, or that of a Sitoo that is ill.
	ErrUnavailable = errors.New("sitoo: unavailable")
	// ErrNoRoute: there is no Sitoo at Config.BaseURL, or not this part of it.
	ErrNoRoute = errors.New("sitoo: no such route")
	// ErrRedirect: the address redirects elsewhere, and the request was not taken there.
	ErrRedirect = errors.New("sitoo: redirected")
	// ErrHostBlocked: a firewall or the host answered in place of Sitoo.
	ErrHostBlocked = errors.New("sitoo: blocked by the host")
	// ErrNotJSON: the answer is no JSON, cut off, or not what the route answers.
	ErrNotJSON = errors.New("sitoo: answer not understood")
	// ErrMalformed: one record of an answer could not be read; the others were.
	ErrMalformed = errors.New("sitoo: record not understood")
	// ErrPaging: a list did not move on, or changed faster than it can be read.
	ErrPaging = errors.New("sitoo: list cannot be walked")
	// ErrNotSent: an item of a batch never went out, because a request before it failed.
	ErrNotSent = errors.New("sitoo: not sent")
	// ErrAmbiguous: the request may have had its effect although it failed. Look before sending it again.
	ErrAmbiguous = errors.New("sitoo: outcome unknown")
)

// Error is a call, or one item of a batch, that did not succeed. It holds neither a query nor a key, and its Error is one sentence for the
// person who runs the wire.
type Error struct {
	Op            string // "Products.Create", "Orders.List"
	Method, Route string // "POST", "sites/{site}/orders"
	Status        int    // 0 when nothing was answered; of a batch's item its own
	Code          string // always empty: Sitoo has no codes
	// Message is Sitoo's errortext, as plain text of at most 500 bytes.
	Message  string
	Details  map[string]string // always empty: Sitoo names one fault at a time
	Body     []byte            // head of the answer, at most 4 KiB
	Attempts int               // requests that went out
	Err      error             // the cause beneath, if there is one: the context's or the network's

	kind      error // one of the sentinels, or nil
	advice    string
	wait      time.Duration
	ambiguous bool
	systemic  bool
}

// newError classifies a failed call.
func newError(call rest.Call, f *rest.Failure) *Error {
	e := &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, Status: f.Status, Body: head(f.Body), Attempts: f.Attempts,
		Err: f.Err, wait: f.RetryAfter, ambiguous: f.Ambiguous,
	}
	if f.Class == rest.Status {
		e.Message = words(f.Body)
	}
	e.advice, e.kind = judge(f, e.Message)
	e.systemic = slices.Contains([]error{ErrAuth, ErrPermission, ErrNoRoute, ErrRedirect, ErrRateLimited, ErrHostBlocked}, e.kind) ||
		f.Status == http.StatusServiceUnavailable
	return e
}

// stale are Sitoo's words for an id that does not exist: "Invalid productid (40411)", "productid does not exist (40411)".
var stale = regexp.MustCompile(`(?i)^(invalid [a-z_]+id \(|[a-z_]+id does not exist)`)

// judge gives advice and kind of a failure.
func judge(f *rest.Failure, message string) (advice string, kind error) {
	const address = "check Config.BaseURL, which Sitoo's Backoffice shows under Settings > Sitoo REST API"
	switch {
	case f.Class == rest.Redirect:
		return "the address leads on to " + f.Target + ", where neither key nor data are sent: " + address, ErrRedirect
	case f.Class == rest.Transport:
		return address + ", and the network", ErrUnavailable
	case f.Class == rest.NotJSON:
		return "the answer is empty, cut off or no JSON: " + address, ErrNotJSON
	case f.Class == rest.TooLarge:
		return "the answer is longer than Config.MaxBody: raise it, or ask for smaller pages", ErrTooLarge
	case f.Class == rest.Ended, f.Status == 0:
		return "", nil
	case f.Status == http.StatusUnauthorized:
		return "API ID or password is wrong or was replaced, or Config.BaseURL belongs to another account: set the three together", ErrAuth
	case f.Status == http.StatusTooManyRequests:
		return "share one Config.Limiter between all clients of the account, and give each program a key of its own", ErrRateLimited
	case f.Class == rest.Page && f.Status == http.StatusNotFound:
		return "a web page answered instead of Sitoo: " + address, ErrNoRoute
	case f.Status == http.StatusServiceUnavailable, f.Class == rest.Page && f.Status >= 500:
		return f.Page, ErrUnavailable
	case f.Class == rest.Page:
		return fmt.Sprintf("a web page (%s) answered instead of Sitoo: %s", f.Page, address), ErrHostBlocked
	case f.Status == http.StatusForbidden:
		return "the key may not do this from here: ask Sitoo whether the API extension is on and whether this server's address is allowed",
			ErrPermission
	case f.Status == http.StatusNotFound && message == "":
		return address, ErrNoRoute
	}
	return "", kindOf(f.Status, message)
}

// kindOf is the kind of an answer in Sitoo's own words, of a request or of one item.
func kindOf(status int, message string) error {
	switch {
	case status == http.StatusNotFound, status == http.StatusBadRequest && stale.MatchString(message):
		return ErrNotFound
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return ErrConflict
	case status == http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusRequestTimeout, status >= 500:
		return ErrUnavailable
	}
	return ErrValidation
}

// invalid is what is refused before it is sent.
func invalid(op string, err error) *Error { return &Error{Op: op, Err: err, kind: ErrValidation} }

// unread is a 2xx answer that is not what the call answers. An effect may have happened.
func unread(call rest.Call, res *rest.Response, why string) *Error {
	return &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, Status: res.Status, Body: head(res.Body), Attempts: res.Attempts,
		kind: ErrNotJSON, advice: why, ambiguous: call.Kind == rest.Effect,
	}
}

// Error is one sentence: the operation, what Sitoo answered, and what to do where that is known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("sitoo: " + e.Op)
	if e.Status != 0 {
		b.WriteString(": HTTP " + strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	words := strings.TrimRight(e.Message, ". ")
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
		b.WriteString("; it may have happened all the same: look before sending it again")
	}
	return b.String()
}

// Is reports whether target is the sentinel of this error's kind, or ErrAmbiguous when its outcome is unknown.
func (e *Error) Is(target error) bool {
	return target == e.kind && e.kind != nil || target == ErrAmbiguous && e.ambiguous //nolint:errorlint // sentinels, compared by identity
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports that the same request can never succeed: the data is refused, or the id does not exist.
func (e *Error) Permanent() bool {
	return slices.Contains([]error{ErrValidation, ErrNotFound, ErrConflict}, e.kind)
}

// RetryAfter is how long Sitoo asks to wait; else 0.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Ambiguous reports that the request may have had its effect. Look before sending it again. After 429 nothing was done.
func (e *Error) Ambiguous() bool { return e.ambiguous }

// Systemic reports that every call would meet the same: a wrong key, too many requests, a wrong address, a firewall, 503.
func (e *Error) Systemic() bool { return e.systemic }

// words is Sitoo's errortext.
func words(body []byte) string {
	var answer struct {
		ErrorText json.RawMessage `json:"errortext"`
	}
	var s string
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer.ErrorText, &s) != nil {
		return ""
	}
	return rest.Text(s, 500)
}

// head is the beginning of an answer.
func head(body []byte) []byte { return bytes.Clone(body[:min(len(body), 4<<10)]) }
