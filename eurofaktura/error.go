package eurofaktura

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tillwire/tillwire/internal/rest"
)

// What an *[Error] may be, for errors.Is. Each is of one kind; ErrAmbiguous may come on top of another.
var (
	// ErrAuth: user, key or token is not accepted, or not at this address.
	ErrAuth = errors.New("eurofaktura: key not accepted")
	// ErrPermission: the account is good, but lacks the right that a person needs for the same work.
	ErrPermission = errors.New("eurofaktura: not permitted")
	// ErrNotFound: there is no such record. A list without records is no error.
	ErrNotFound = errors.New("eurofaktura: not found")
	// ErrDuplicate: the apiTransactionId was used before, and the server answers that with an error.
	ErrDuplicate = errors.New("eurofaktura: duplicate")
	// ErrValidation: the server names what is wrong with the data, or this package does before asking. Nothing was booked.
	ErrValidation = errors.New("eurofaktura: data refused")
	// ErrRefused: the server answers with an error in free words, not in its numbered form. An effect may have come before it.
	ErrRefused = errors.New("eurofaktura: refused")
	// ErrBusy: another request of the account was in hand. Nothing was done.
	ErrBusy = errors.New("eurofaktura: account busy")
	// ErrTooLarge: the answer is longer than Config.MaxBody.
	ErrTooLarge = errors.New("eurofaktura: too large")
	// ErrRateLimited: too many requests. Nothing was done.
	ErrRateLimited = errors.New("eurofaktura: rate limited")
	// ErrUnavailable: no answer, or that of a server that is ill.
	ErrUnavailable = errors.New("eurofaktura: unavailable")
	// ErrNoRoute: Config.Endpoint is not this organisation's address, or there is no such method.
	ErrNoRoute = errors.New("eurofaktura: no such route")
	// ErrRedirect: the address redirects elsewhere, and the request was not taken there.
	ErrRedirect = errors.New("eurofaktura: redirected")
	// ErrHostBlocked: a firewall or the host answered in place of the server.
	ErrHostBlocked = errors.New("eurofaktura: blocked by the host")
	// ErrNotJSON: the answer is no JSON, cut off, or without the server's envelope.
	ErrNotJSON = errors.New("eurofaktura: answer not understood")
	// ErrMalformed: one record of an answer could not be read; the others were.
	ErrMalformed = errors.New("eurofaktura: record not understood")
	// ErrPaging: a list has more rows than the server gives at once, and cannot be asked for in smaller parts.
	ErrPaging = errors.New("eurofaktura: list cannot be walked")
	// ErrNotSent: a record of a mass call never went out, because a request before it failed.
	ErrNotSent = errors.New("eurofaktura: not sent")
	// ErrAmbiguous: the request may have had its effect although it failed. Look before sending it again.
	ErrAmbiguous = errors.New("eurofaktura: outcome unknown")
)

// FieldError is one of the numbered errors that an answer may hold: "Error nr: 1 #buyerTaxNumber - VAT number is required;".
type FieldError struct {
	Number int
	Field  string // buyerTaxNumber; also what is no field, such as noDocumentsFound; may be empty
	Text   string // in the server's language
}

// Error is a call that did not succeed. It holds no credential, and its Error is one sentence for the person who runs the wire:
// what happened, the server's words, and what to change.
type Error struct {
	Op            string // "SalesOrders.Create"
	Method, Route string // "POST", "SalesOrderCreate"
	Status        int    // 0 when nothing was answered
	Code          string // the field of the first numbered error: "buyerTaxNumber"
	// Message is the server's description as plain text of at most 500 bytes, without what Fields has of it.
	Message string
	// Details has what is wrong with each field that the server named.
	Details map[string]string
	// Fields are the numbered errors in the server's order.
	Fields   []FieldError
	Body     []byte // head of the answer, at most 4 KiB
	Attempts int    // requests that went out
	Err      error  // the cause beneath, if there is one: the context's or the network's

	kind      error // one of the sentinels, or nil
	advice    string
	wait      time.Duration
	ambiguous bool
	systemic  bool
}

// newError classifies a failed request.
func newError(call rest.Call, f *rest.Failure) *Error {
	e := &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, Status: f.Status, Body: head(f.Body), Attempts: f.Attempts,
		Err: f.Err, wait: f.RetryAfter,
	}
	if call.Kind == rest.Effect {
		e.ambiguous = f.Ambiguous
	}
	if a, ok := read(f.Body); ok && f.Status != 0 {
		e.answered(call, a)
		return e
	}
	e.advice, e.kind = judge(f)
	switch {
	case locked(f.Body) || tooMany(f.Body):
		e.busy(f.Body)
	case e.kind == ErrRateLimited: //nolint:errorlint // sentinels, compared by identity
		e.wait, e.systemic = max(e.wait, rateWait), true
	}
	e.systemic = e.systemic || slices.Contains([]error{ErrAuth, ErrNoRoute, ErrRedirect}, e.kind) ||
		f.Status == http.StatusServiceUnavailable || f.Class == rest.Page && f.Status < 300
	return e
}

// busy makes e the error of an account that is in use or asked too often: nothing was done, and all calls would meet the same.
func (e *Error) busy(words []byte) {
	e.kind, e.ambiguous, e.systemic = ErrRateLimited, false, true
	least := rateWait
	if locked(words) {
		e.kind, least = ErrBusy, lockWait
		e.advice = "another request of this account is in hand: share one Limiter between all clients of the account, " +
			"or give each program an API account of its own"
	}
	e.wait = max(e.wait, least)
}

// answered makes e what the server itself says.
func (e *Error) answered(call rest.Call, a *answer) {
	e.Fields, e.Message = a.errors()
	for _, f := range e.Fields {
		if f.Field == "" {
			continue
		}
		if e.Details == nil {
			e.Details, e.Code = map[string]string{}, f.Field
		}
		if have := e.Details[f.Field]; have != "" {
			f.Text = have + "; " + f.Text
		}
		e.Details[f.Field] = f.Text
	}
	words := []byte(a.Description)
	effect := call.Kind == rest.Effect
	switch what := a.meaning(e.Status); what { //nolint:errorlint // sentinels, compared by identity
	case ErrBusy, ErrRateLimited: //nolint:errorlint // likewise
		e.busy(words)
	case ErrAuth:
		e.kind, e.systemic, e.ambiguous = what, true, false
		e.advice = "check Config.Username, SecretKey, Token and Endpoint against the organisation's API developer panel"
	case ErrPermission:
		e.kind, e.ambiguous = what, false
		e.advice = "give the API account the right that a person needs for this"
	case ErrRefused:
		e.kind, e.ambiguous = what, effect
	default:
		e.kind, e.ambiguous = what, false
	}
}

// judge gives advice and kind of a failure that is no answer of the server's own.
func judge(f *rest.Failure) (advice string, kind error) {
	const endpoint = "check Config.Endpoint, which the organisation's API developer panel shows"
	switch {
	case f.Class == rest.Redirect:
		return "the address leads on to " + f.Target + ", where no credentials are sent: " + endpoint, ErrRedirect
	case f.Class == rest.Transport:
		return endpoint + ", and the network", ErrUnavailable
	case f.Class == rest.NotJSON:
		return "the answer is empty, cut off or no JSON: " + endpoint, ErrNotJSON
	case f.Class == rest.TooLarge:
		return "the answer is longer than Config.MaxBody: raise it", ErrTooLarge
	case f.Class == rest.Ended, f.Status == 0:
		return "", nil
	case f.Status == http.StatusTooManyRequests:
		return "share one Limiter between all clients of the account", ErrRateLimited
	case f.Status == http.StatusNotFound:
		return "there is no web service at this address: " + endpoint, ErrNoRoute
	case f.Blocked():
		return f.Page, ErrHostBlocked
	case f.Class == rest.Page && f.Status >= 500:
		return f.Page, ErrUnavailable
	case f.Class == rest.Page:
		return fmt.Sprintf("a web page (%s) answered: %s", f.Page, endpoint), ErrNoRoute
	case f.Status == http.StatusUnauthorized:
		return "check Config.Username, SecretKey and Token", ErrAuth
	case f.Status == http.StatusForbidden:
		return "give the API account the right that a person needs for this", ErrPermission
	case f.Status == http.StatusRequestTimeout, f.Status >= 500:
		return "", ErrUnavailable
	}
	return "", ErrValidation
}

// Error is one sentence: the operation, "HTTP <status> - <reason>: <the server's words>", and what to do where that is known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("eurofaktura: " + e.Op)
	if e.Status != 0 && e.Status != http.StatusInternalServerError && e.Status != http.StatusOK { // these two say nothing here
		b.WriteString(": HTTP " + strings.TrimSpace(fmt.Sprintf("%d - %s", e.Status, http.StatusText(e.Status))))
	}
	words := strings.TrimRight(e.Message, ".; ")
	if details := e.details(); details != "" {
		words = strings.TrimSpace(words + " (" + details + ")")
	}
	if words == "" && e.Err != nil {
		words = e.Err.Error()
	}
	if words == "" && e.kind != nil {
		words = strings.TrimPrefix(e.kind.Error(), "eurofaktura: ")
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

// details lists the first three numbered errors, or of the fields.
func (e *Error) details() string {
	var all []string
	for _, f := range e.Fields {
		text := f.Text
		if f.Field != "" {
			text = strings.TrimSuffix(f.Field+": "+text, ": ")
		}
		all = append(all, text)
	}
	if len(e.Fields) == 0 {
		for _, name := range slices.Sorted(maps.Keys(e.Details)) {
			all = append(all, name+": "+e.Details[name])
		}
	}
	return strings.Join(all[:min(3, len(all))], "; ")
}

// Is reports whether target is the sentinel of this error's kind, or ErrAmbiguous when its outcome is unknown.
func (e *Error) Is(target error) bool {
	return target == e.kind && e.kind != nil || target == ErrAmbiguous && e.ambiguous //nolint:errorlint // sentinels, compared by identity
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports that the same request can never succeed: what is wrong is named, or there is no such record.
func (e *Error) Permanent() bool {
	return slices.Contains([]error{ErrValidation, ErrNotFound, ErrDuplicate, ErrPaging, ErrMalformed}, e.kind)
}

// RetryAfter is how long to wait: what the server asks for, at least 15 s after a lock and 5 s after too many requests; else 0.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Ambiguous reports that a document may have been booked. Look before sending it again. A numbered error has booked nothing, nor has
// a lock or too many requests.
func (e *Error) Ambiguous() bool { return e.ambiguous }

// Systemic reports that every call would meet the same: wrong credentials or address, a locked account, too many requests, 503, a
// maintenance page. Other 5xx and a missing connection are not: the first may be about one document, which must not stop the
// others, and what waits for a connection is to fail in the end and be seen.
func (e *Error) Systemic() bool { return e.systemic }

// refused is an error of this package's own, before anything was sent.
func refused(op string, method Method, advice string) *Error {
	return &Error{Op: op, Method: http.MethodPost, Route: string(method), Message: advice, kind: ErrValidation}
}

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
