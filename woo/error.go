package woo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// What an *Error may be, for errors.Is. Each is of one kind; ErrAmbiguous may come on top of another.
var (
	// ErrAuth: the shop did not accept the key, or never got to see it.
	ErrAuth = errors.New("woo: key not accepted")
	// ErrPermission: the key is good, but its user may not do this.
	ErrPermission = errors.New("woo: not permitted")
	// ErrNotFound: there is no record of this id, or it is of another type. Never a missing route: see ErrNoRoute.
	ErrNotFound = errors.New("woo: not found")
	// ErrGone: the record is in the trash already.
	ErrGone = errors.New("woo: already in the trash")
	// ErrDuplicate: the SKU, code, e-mail address or name is taken; ResourceID has the owner where the shop tells.
	ErrDuplicate = errors.New("woo: duplicate")
	// ErrValidation: the shop, or this package before asking it, refuses the data.
	ErrValidation = errors.New("woo: data refused")
	// ErrTooLarge: the request is larger than the shop accepts, or the answer larger than Config.MaxBody.
	ErrTooLarge = errors.New("woo: too large")
	// ErrRateLimited: the host wants fewer requests.
	ErrRateLimited = errors.New("woo: rate limited")
	// ErrUnavailable: no answer, or that of a shop that is ill: maintenance, no database, a crash, a gateway's page.
	ErrUnavailable = errors.New("woo: unavailable")
	// ErrNoRoute: no REST API, or no such route: a wrong URL, plain permalinks, WooCommerce deactivated or too old.
	ErrNoRoute = errors.New("woo: no such route")
	// ErrRedirect: the shop redirects elsewhere, and the request was not taken there.
	ErrRedirect = errors.New("woo: redirected")
	// ErrHostBlocked: a firewall or the host answered in place of WordPress.
	ErrHostBlocked = errors.New("woo: blocked by the host")
	// ErrNotJSON: the answer is no JSON, cut off, or not what this route answers.
	ErrNotJSON = errors.New("woo: answer not understood")
	// ErrMalformed: one record of an answer could not be read; the others were.
	ErrMalformed = errors.New("woo: record not understood")
	// ErrPaging: the shop repeats a page or ignores the order asked for, so a list cannot be walked to its end.
	ErrPaging = errors.New("woo: list cannot be walked")
	// ErrNotApplied: the shop answered a write with success, but has other values than were written; Details names them. The record
	// comes with the error.
	ErrNotApplied = errors.New("woo: write not applied")
	// ErrNotSent: an item of a batch never went out, because a request before it failed.
	ErrNotSent = errors.New("woo: not sent")
	// ErrAmbiguous: the request may have had its effect although it failed. Look before sending it again.
	ErrAmbiguous = errors.New("woo: outcome unknown")
)

// bodyHead is how much of an answer an Error keeps, in bytes.
const bodyHead = 4 << 10

// Error is a call that did not succeed, or one item of a batch. It holds neither a query nor a secret, and its Error is one
// sentence for the person who runs the shop: the cause, and what to change.
type Error struct {
	Op     string // "orders.Create"
	Method string // "POST"
	Route  string // "wc/v3/orders/{id}"
	Status int    // HTTP status, or that of the item within a batch; 0 when nothing was answered
	Code   string // WordPress's, never translated: "woocommerce_rest_invalid_coupon"; empty when WordPress did not answer
	// Message is the shop's, in the shop's language, as plain text of at most 500 bytes.
	Message string
	// Details has what is wrong with each field that the shop named, or that it did not apply (ErrNotApplied).
	Details map[string]string
	// ResourceID is the record spoken of: the owner of a duplicate, or one that could not be read. 0: not told.
	ResourceID int64
	Body       []byte // head of the answer, at most 4 KiB
	Attempts   int    // requests that went out
	Err        error  // the cause beneath, if there is one: the context's or the network's

	kind      error // one of the sentinels, or nil
	text      string
	wait      time.Duration
	ambiguous bool
	systemic  bool
}

// Error is one sentence: the operation, the cause, what to change, and the shop's status and code.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("woo: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	switch {
	case e.text != "":
		b.WriteString(e.text)
	case e.Message != "":
		b.WriteString(e.Message)
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString("failed")
	}
	if e.ambiguous {
		b.WriteString("; it may have been done all the same: look before sending it again")
	}
	if e.Status != 0 {
		b.WriteString(" (" + strings.TrimSpace(strconv.Itoa(e.Status)+" "+e.Code) + ")")
	}
	return b.String()
}

// Is reports whether target is the sentinel of this error's kind, or ErrAmbiguous when its outcome is unknown.
func (e *Error) Is(target error) bool {
	return target == e.kind && e.kind != nil || target == ErrAmbiguous && e.ambiguous //nolint:errorlint // sentinels, compared by identity
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports that the same request can never succeed: the data is refused, the record missing.
func (e *Error) Permanent() bool {
	switch e.kind {
	case ErrNotFound, ErrGone, ErrDuplicate, ErrValidation, ErrTooLarge, ErrMalformed, ErrNotApplied: //nolint:errorlint // sentinels, compared by identity
		return !e.ambiguous
	}
	return false
}

// RetryAfter is how long the shop asks to wait; 0 when it does not say.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Ambiguous reports that the request may have had its effect. Look before sending it again.
func (e *Error) Ambiguous() bool { return e.ambiguous }

// Systemic reports that every request of this kind would meet the same: a bad key, a rate limit, maintenance, a wrong URL.
func (e *Error) Systemic() bool { return e.systemic }

// envelope is WordPress's error: {"code", "message", "data"}. data may be an object, a number, null or an array.
type envelope struct {
	Code    errorText       `json:"code"`
	Message errorText       `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// errorText is a string that plugins may send as a number, or as anything else: then it is empty.
type errorText string

func (t *errorText) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = errorText(s)
	} else if len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9') {
		*t = errorText(b)
	}
	return nil
}

// errorData is envelope.Data where it is an object.
type errorData struct {
	Status     int             `json:"status"`
	Params     json.RawMessage `json:"params"` // a map of field to text, or a list of missing fields
	ResourceID lenientID       `json:"resource_id"`
}

// fill takes over what the envelope says.
func (e *Error) fill(env envelope) {
	e.Code, e.Message = string(env.Code), plain(string(env.Message))
	var data errorData
	if json.Unmarshal(env.Data, &data) != nil {
		return
	}
	if e.Status == 0 {
		e.Status = data.Status
	}
	e.ResourceID = int64(data.ResourceID)
	var fields map[string]errorText
	var missing []string
	if json.Unmarshal(data.Params, &fields) == nil && len(fields) > 0 {
		e.Details = make(map[string]string, len(fields))
		for name, why := range fields {
			e.Details[name] = plain(string(why))
		}
	} else if json.Unmarshal(data.Params, &missing) == nil && len(missing) > 0 {
		e.Details = make(map[string]string, len(missing))
		for _, name := range missing {
			e.Details[name] = "is missing"
		}
	}
}

// fromWordPress is the kind of an answer by its status and code; the text is translated and never looked at.
func (e *Error) fromWordPress() error {
	switch {
	case e.Status == 429:
		return ErrRateLimited
	case e.Status == 413:
		return ErrTooLarge
	case e.Status == 408:
		return ErrUnavailable
	case e.Code == "rest_no_route", e.Code == "" && e.Status == 404:
		return ErrNoRoute
	case e.Status == 401, e.Code == "rest_cookie_invalid_nonce":
		return ErrAuth
	case e.Code == "" && e.Status < 500:
		return ErrHostBlocked // WordPress names a code in all its refusals
	case e.Status == 403:
		return ErrPermission
	case e.Status == 410:
		return ErrGone
	case e.Code == "woocommerce_rest_invalid_product_id": // a variation's id on the products route
		return ErrValidation
	case e.Status == 404, e.Status == 400 && strings.HasSuffix(e.Code, "_invalid_id"): // of a PUT and in batches it is 400
		return ErrNotFound
	case e.Code == "product_invalid_sku", e.Code == "term_exists", e.Status < 500 && strings.HasSuffix(e.Code, "exists"):
		return ErrDuplicate
	case e.Code == "woocommerce_rest_cannot_create_order_refund": // a 500, but final: nothing was booked
		return ErrValidation
	case e.Status < 500, e.Status == 501:
		return ErrValidation
	}
	return ErrUnavailable
}

// fail turns what internal/rest reports into an *Error.
func (c *Client) fail(err error) error {
	var f *rest.Failure
	if !errors.As(err, &f) {
		return err
	}
	e := &Error{
		Op: f.Op, Method: f.Method, Route: f.Route, Status: f.Status, Attempts: f.Attempts, Err: f.Err,
		wait: f.RetryAfter, ambiguous: f.Ambiguous,
		Body: c.redact(f.Body[:min(len(f.Body), bodyHead)]),
	}
	var env envelope
	if f.Class == rest.Status && json.Unmarshal(c.redact(f.Body), &env) == nil {
		e.fill(env)
	}
	e.text, e.kind = c.judge(e, f)
	if e.Code == "woocommerce_rest_cannot_create_order_refund" {
		e.ambiguous = false
	}
	switch e.kind {
	case ErrAuth, ErrPermission, ErrRateLimited, ErrNoRoute, ErrRedirect: //nolint:errorlint // sentinels, compared by identity
		e.systemic = true
	case ErrUnavailable:
		e.systemic = f.Status == 503 || e.Code == "wp_die" || f.Class == rest.Transport && outage(f.Err)
	}
	return e
}

// judge gives kind and sentence of a failure.
func (c *Client) judge(e *Error, f *rest.Failure) (sentence string, kind error) {
	switch f.Class {
	case rest.Status:
		kind = e.fromWordPress()
		return e.sentence(kind, c.oauth), kind
	case rest.Redirect:
		return c.redirected(f.Target), ErrRedirect
	case rest.Page:
		return page(f)
	case rest.Transport:
		return "the shop does not answer: " + cause(f.Err) + ": check Config.URL, and that the shop is up", ErrUnavailable
	case rest.NotJSON:
		return "the answer is empty, cut off or no JSON: look for PHP errors in the shop's log (WooCommerce > Status > Logs)", ErrNotJSON
	case rest.TooLarge:
		return "the answer is longer than Config.MaxBody: raise it, or ask for fewer records at once (PerPage)", ErrTooLarge
	case rest.Ended:
		return "stopped: " + cause(f.Err), nil
	}
	switch { // rest.Refused
	case f.Status == 429:
		return "not sent: the shop's host had asked for quiet" + e.later(), ErrRateLimited
	case f.Status != 0:
		return "not sent: the shop had asked for quiet" + e.later(), ErrUnavailable
	}
	return "not sent: " + cause(f.Err), ErrValidation
}

// sentence speaks of an answer of WordPress's.
func (e *Error) sentence(kind error, oauth bool) string {
	said := ""
	if e.Message != "" {
		said = ": " + strings.TrimRight(e.Message, ". ")
	}
	switch kind {
	case ErrAuth: //nolint:errorlint // sentinels, compared by identity
		const where = "under WooCommerce > Settings > Advanced > REST API"
		switch {
		case oauth && strings.HasPrefix(e.Code, "woocommerce_rest_cannot_"):
			return "the shop saw no signed request: check that Config.URL is its address as WordPress knows it, and Config.Key " + where
		case oauth:
			return "the shop refuses the signed request" + said + ": check Config.Key, Config.Secret and the key's permissions " + where +
				", that Config.URL is its address as WordPress knows it, and this machine's clock"
		case strings.HasPrefix(e.Code, "woocommerce_rest_cannot_"):
			return "the shop does not know the key, or the Authorization header does not reach WordPress: check Config.Key " + where +
				", that the host passes the header on, and that WordPress knows it is reached over https"
		}
		return "the shop refuses the key" + said + ": check Config.Key, Config.Secret and the key's permissions " + where
	case ErrPermission:
		return "the user of the key may not do this" + said + ": give the key to a user with the role Shop manager"
	case ErrNotFound:
		return "no such record" + said
	case ErrGone:
		return "it is in the trash already" + said
	case ErrDuplicate:
		if e.ResourceID != 0 {
			said += "; record " + strconv.FormatInt(e.ResourceID, 10) + " has it"
		}
		return "the shop has one like this already" + said
	case ErrTooLarge:
		return "the shop refuses so much at once" + said
	case ErrRateLimited:
		return "the shop's host wants fewer requests" + said + e.later() + ": set a Config.Limiter, and share it between all clients of the shop"
	case ErrNoRoute:
		return "the shop has no such route" + said + ": check that WooCommerce is active and new enough, and Config.URL"
	case ErrHostBlocked:
		return "the host answered instead of WordPress: allow this User-Agent, method and address in its firewall"
	case ErrUnavailable:
		switch e.Code {
		case "wp_die":
			return "WordPress is out of order" + said + e.later()
		case "internal_server_error":
			return "the shop's PHP crashed" + said + ": its log says where (WooCommerce > Status > Logs, fatal-errors)"
		}
		return "the shop or its host failed" + said + e.later()
	}
	if len(e.Details) > 0 {
		said = ": " + e.details()
	}
	return "the shop refuses the data" + said
}

// later repeats the shop's wish to wait.
func (e *Error) later() string {
	if e.wait <= 0 {
		return ""
	}
	wait := e.wait.Round(time.Second).String()
	if strings.HasSuffix(wait, "m0s") {
		wait = strings.TrimSuffix(wait, "0s")
	}
	return "; it asks to come back in " + wait
}

// details lists what is wrong, by field; most texts of WordPress begin with the field's name.
func (e *Error) details() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		why := strings.TrimRight(e.Details[name], ". ")
		if !strings.HasPrefix(why, name) {
			why = name + ": " + why
		}
		all = append(all, why)
	}
	return strings.Join(all, "; ")
}

// page speaks of HTML where JSON belongs.
func page(f *rest.Failure) (sentence string, kind error) {
	title := plain(f.Page)
	if title != "" {
		title = " (" + title + ")"
	}
	wait := (&Error{wait: f.RetryAfter}).later()
	switch {
	case f.Status == 429:
		return "the shop's host wants fewer requests" + title + wait +
			": set a Config.Limiter, and share it between all clients of the shop", ErrRateLimited
	case f.Status == 413:
		return "the shop's host refuses so much at once" + title, ErrTooLarge
	case f.Status == 404 || f.Status == 410:
		return "there is no REST API at this address, but a web page" + title +
			": check Config.URL, and that Settings > Permalinks is not set to Plain", ErrNoRoute
	case f.Blocked() || f.Status >= 400 && f.Status < 500:
		return "a firewall or the host answered instead of WordPress" + title +
			": allow this User-Agent and this machine's address there", ErrHostBlocked
	case f.Status == 500:
		return "the shop's PHP crashed" + title + ": its error log says where", ErrUnavailable
	case f.Status > 500:
		return "the shop or its host answered with an error page" + title + wait, ErrUnavailable
	}
	return "a web page came instead of the REST API's answer" + title +
		": check Config.URL, and that no login, maintenance or coming-soon page stands before the shop", ErrNotJSON
}

// redirected speaks of a redirect. One to the same path with a slash is what WordPress answers while its REST API has
// no path of its own.
func (c *Client) redirected(target string) string {
	const plainPermalinks = ": the REST API has no address of its own while Settings > Permalinks is Plain; choose any other"
	switch {
	case target == "":
		return "the shop redirects, but does not say where to: check Config.URL"
	case strings.HasPrefix(target, c.base+"/wp-json/") && strings.HasSuffix(target, "/"):
		return "the shop redirects to " + target + plainPermalinks
	}
	return "the shop redirects to " + target + ", where neither the key nor this request is sent: set Config.URL to the shop's real address"
}

// outage reports a failure to reach the shop that is not of this request's making. A time-out or a dropped connection
// may be.
func outage(err error) bool {
	var t interface{ Timeout() bool }
	if errors.As(err, &t) && t.Timeout() {
		return false
	}
	return !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE)
}

func cause(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}

// invalid is data that was refused before anything was sent.
func invalid(op string, why error) *Error {
	return &Error{Op: op, Err: why, kind: ErrValidation, text: strings.ReplaceAll(why.Error(), "\n", "; ")}
}

// unreadable is an answer that is not what the route answers.
func (c *Client) unreadable(call rest.Call, res *rest.Response, why error) *Error {
	return &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, Status: res.Status, Attempts: res.Attempts, Err: why,
		Body: c.redact(res.Body[:min(len(res.Body), bodyHead)]), kind: ErrNotJSON, ambiguous: call.Kind == rest.Effect,
		text: "the shop's answer is not what this route answers: " + reason(why) + ": check for a plugin or proxy that changes it",
	}
}

// reason is why an answer could not be read, without the preamble that stands in this package's sentences already.
func reason(err error) string {
	var d *DecodeError
	switch {
	case !errors.As(err, &d):
		return err.Error()
	case d.Field != "":
		return d.Field + ": " + d.Reason
	}
	return d.Reason
}

// plain makes one line of text of a message in HTML, of at most 500 bytes.
func plain(html string) string { return rest.Text(html, 500) }

// lenientID reads an id as WordPress writes it in errors and batches: a number, a text, null, or an object that holds it.
type lenientID int64

func (id *lenientID) UnmarshalJSON(b []byte) error {
	*id = 0
	b = bytes.Trim(b, `"`)
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*id = lenientID(n)
		return nil
	}
	var object struct {
		ID json.RawMessage `json:"id"`
	}
	if len(b) > 0 && b[0] == '{' && json.Unmarshal(b, &object) == nil && len(object.ID) > 0 && object.ID[0] != '{' {
		return id.UnmarshalJSON(object.ID)
	}
	return nil
}
