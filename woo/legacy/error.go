package legacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
	"github.com/tillwire/tillwire/woo"
)

// What an *Error may be beside woo's sentinels (woo.ErrAuth, woo.ErrNotFound, …), for errors.Is.
var (
	// ErrLegacyOff: the shop has no legacy API, or has it switched off. Such an error is also a woo.ErrNoRoute.
	ErrLegacyOff = errors.New("legacy: the legacy REST API is off")
	// ErrLegacyBlind: the shop keeps its orders in HPOS tables without synchronising them with posts, so the legacy API sees
	// only old orders, and those at old statuses.
	ErrLegacyBlind = errors.New("legacy: the legacy REST API does not see the shop's orders")
)

// switchOn says where the legacy API is switched on.
const switchOn = ": up to WooCommerce 8 tick WooCommerce > Settings > Advanced > Legacy API, from 9 on install the plugin " +
	"\"WooCommerce Legacy REST API\"; and choose anything but Plain under Settings > Permalinks"

// bodyHead is how much of an answer an Error keeps, in bytes.
const bodyHead = 4 << 10

// Error is a call that did not succeed. It is what woo.Error is: the same fields and methods, and the same sentinels, so
// errors.Is(err, woo.ErrNotFound) asks both clients alike, and errors.As finds a *woo.Error in it.
type Error struct {
	Op     string // "orders.Get"
	Method string // "GET"
	Route  string // "wc-api/v3/orders/{id}"
	Status int    // HTTP status; 0 when nothing was answered
	Code   string // WooCommerce's, never translated: "woocommerce_api_no_order_found"; empty when it did not answer
	// Message is the shop's, in the shop's language, as plain text of at most 500 bytes.
	Message string
	// Details has what the shop did not apply of a write (woo.ErrNotApplied), by its legacy name.
	Details map[string]string
	// ResourceID is the record that could not be read. 0: not told.
	ResourceID int64
	Body       []byte // head of the answer, at most 4 KiB
	Attempts   int    // requests that went out
	Err        error  // the cause beneath, if there is one

	kind      error // a sentinel of woo's or of this package, or nil
	text      string
	wait      time.Duration
	ambiguous bool
	systemic  bool
}

// Error is one sentence: the operation, the cause, what to change, and the shop's status and code.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("legacy: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.text)
	if e.ambiguous {
		b.WriteString("; it may have been done all the same: look before sending it again")
	}
	if e.Status != 0 {
		b.WriteString(" (" + strings.TrimSpace(strconv.Itoa(e.Status)+" "+e.Code) + ")")
	}
	return b.String()
}

// Is reports whether target is the sentinel of this error's kind, or woo.ErrAmbiguous when its outcome is unknown.
func (e *Error) Is(target error) bool {
	switch target { //nolint:errorlint // sentinels, compared by identity
	case nil:
		return false
	case woo.ErrAmbiguous:
		return e.ambiguous
	case woo.ErrNoRoute:
		return e.kind == woo.ErrNoRoute || e.kind == ErrLegacyOff //nolint:errorlint // as above
	}
	return target == e.kind //nolint:errorlint // as above
}

// As lets errors.As find a *woo.Error: what reads the fields of woo's errors reads those of this one.
func (e *Error) As(target any) bool {
	t, ok := target.(**woo.Error)
	if ok {
		*t = &woo.Error{
			Op: e.Op, Method: e.Method, Route: e.Route, Status: e.Status, Code: e.Code, Message: e.Message, Details: e.Details,
			ResourceID: e.ResourceID, Body: e.Body, Attempts: e.Attempts, Err: e.Err,
		}
	}
	return ok
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports that the same request can never succeed: the data is refused, the record missing.
func (e *Error) Permanent() bool {
	switch e.kind {
	case woo.ErrNotFound, woo.ErrDuplicate, woo.ErrValidation, woo.ErrTooLarge, woo.ErrMalformed, //nolint:errorlint // sentinels, by identity
		woo.ErrNotApplied:
		return !e.ambiguous
	}
	return false
}

// RetryAfter is how long the shop asks to wait; 0 when it does not say.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Ambiguous reports that the request may have had its effect. Look before sending it again.
func (e *Error) Ambiguous() bool { return e.ambiguous }

// Systemic reports that every request would meet the same: a bad key, a legacy API that is off or blind, maintenance.
func (e *Error) Systemic() bool { return e.systemic }

// said is what the legacy API says when it refuses: {"errors":[{"code","message"}]}, one object in place of the list when
// it is off, or WordPress's own {"code","message"} when PHP crashed.
type said struct {
	Code    text            `json:"code"`
	Message text            `json:"message"`
	Errors  json.RawMessage `json:"errors"`
}

// text is a string that plugins may send as anything else: then it is empty.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	}
	return nil
}

// fill takes over what an answer says, and reports whether it says anything.
func (e *Error) fill(body []byte) bool {
	var s said
	if json.Unmarshal(body, &s) != nil {
		return false
	}
	var list []said
	if json.Unmarshal(s.Errors, &list) == nil && len(list) > 0 {
		s = list[0]
	} else if s.Code == "" && len(s.Errors) > 0 {
		_ = json.Unmarshal(s.Errors, &s)
	}
	e.Code, e.Message = string(s.Code), rest.Text(string(s.Message), 500)
	return e.Code != ""
}

// fail turns what internal/rest reports into an *Error. at is the path that was asked last: another one than the call's
// after a redirect.
func (c *Client) fail(err error, at string) error {
	var f *rest.Failure
	if !errors.As(err, &f) {
		return err
	}
	e := &Error{
		Op: f.Op, Method: f.Method, Route: route + f.Route, Status: f.Status, Attempts: f.Attempts, Err: f.Err,
		wait: f.RetryAfter, ambiguous: f.Ambiguous, Body: c.redact(f.Body[:min(len(f.Body), bodyHead)]),
	}
	if f.Class == rest.Status {
		e.fill(c.redact(f.Body))
	}
	e.judge(f, strings.HasSuffix(at, "/"), c.auth)
	return e
}

// judge gives an error its kind and sentence. slashed: the shop redirected the read to the same address with a slash, as
// WordPress does where nothing answers.
func (e *Error) judge(f *rest.Failure, slashed bool, auth Auth) {
	title := ""
	if f.Page != "" {
		title = " (" + rest.Text(f.Page, 200) + ")"
	}
	if f.Status == http.StatusBadRequest && string(bytes.TrimSpace(f.Body)) == "-1" { // WooCommerce's word for an API that nobody registered
		e.is(ErrLegacyOff, "the shop has no legacy REST API of version 3"+switchOn)
		return
	}
	switch f.Class {
	case rest.Status:
		e.refused(auth)
	case rest.Redirect:
		if u, err := url.Parse(f.Target); err == nil && strings.Contains(u.Path, "/"+route) && strings.HasSuffix(u.Path, "/") {
			e.is(ErrLegacyOff, "the shop has no legacy REST API: it redirects to a web page"+switchOn)
			return
		}
		e.is(woo.ErrRedirect, "the shop redirects to "+f.Target+
			", where neither the key nor this request is sent: set Config.URL to the shop's real address")
	case rest.Page:
		switch {
		case f.Status == 429:
			e.is(woo.ErrRateLimited, "the shop's host wants fewer requests"+title+": set a Config.Limiter")
		case f.Status == 413:
			e.is(woo.ErrTooLarge, "the shop's host refuses so much at once"+title)
		case f.Blocked() || f.Status >= 400 && f.Status < 500 && f.Status != 404 && f.Status != 410:
			e.is(woo.ErrHostBlocked, "a firewall or the host answered instead of WordPress"+title+
				": allow this User-Agent and this machine's address there")
		case f.Status >= 500:
			e.is(woo.ErrUnavailable, "the shop or its host answered with an error page"+title)
		case f.Status >= 400 || slashed:
			e.is(ErrLegacyOff, "the shop has no legacy REST API: a web page came instead"+title+switchOn)
		default:
			e.is(woo.ErrNotJSON, "a web page came instead of the answer"+title+
				": check Config.URL, and that no login, maintenance or coming-soon page stands before the shop")
		}
	case rest.Transport:
		e.is(woo.ErrUnavailable, "the shop does not answer: "+cause(f.Err)+": check Config.URL, and that the shop is up")
	case rest.NotJSON:
		e.is(woo.ErrNotJSON, "the answer is empty, cut off or no JSON: look for PHP errors in the shop's log (WooCommerce > Status > Logs)")
	case rest.TooLarge:
		e.is(woo.ErrTooLarge, "the answer is longer than Config.MaxBody: raise it, or ask for fewer records at once (PerPage)")
	case rest.Ended:
		e.is(nil, "stopped: "+cause(f.Err))
	default: // rest.Refused
		switch {
		case f.Status == 429:
			e.is(woo.ErrRateLimited, "not sent: the shop's host had asked for quiet")
		case f.Status != 0:
			e.is(woo.ErrUnavailable, "not sent: the shop had asked for quiet")
		default:
			e.is(woo.ErrValidation, "not sent: "+cause(f.Err))
		}
	}
}

// is sets kind and sentence, and what follows from the kind.
func (e *Error) is(kind error, sentence string) {
	e.kind, e.text = kind, sentence
	switch kind {
	case woo.ErrAuth, woo.ErrPermission, woo.ErrRateLimited, woo.ErrNoRoute, woo.ErrRedirect, //nolint:errorlint // sentinels, by identity
		ErrLegacyOff, ErrLegacyBlind:
		e.systemic = true
	case woo.ErrUnavailable:
		e.systemic = e.Status == 503 || e.Status == 0 && outage(e.Err)
	}
}

// outage reports a failure to reach the shop that is not of this request's making. A time-out or a dropped connection
// may be.
func outage(err error) bool {
	var t interface{ Timeout() bool }
	if err == nil || errors.As(err, &t) && t.Timeout() {
		return false
	}
	return !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) &&
		!errors.Is(err, syscall.EPIPE)
}

// refused is an answer of WooCommerce's, judged by status and code; the text is translated and never looked at.
func (e *Error) refused(auth Auth) {
	told := ""
	if e.Message != "" {
		told = ": " + strings.TrimRight(e.Message, ". ")
	}
	ours := strings.HasPrefix(e.Code, "woocommerce_api_")
	switch {
	case e.Code == "woocommerce_api_disabled":
		e.is(ErrLegacyOff, "the shop has its legacy REST API switched off"+switchOn)
	case e.Status == 429:
		e.is(woo.ErrRateLimited, "the shop's host wants fewer requests"+told+": set a Config.Limiter")
	case e.Status == 413:
		e.is(woo.ErrTooLarge, "the shop refuses so much at once"+told)
	case e.Code == "woocommerce_api_authentication_error" && e.Status == 404 && !auth.signs():
		e.is(woo.ErrAuth, "the shop believes to be reached over plain http, where it takes signatures only"+told+
			": tell WordPress of the proxy's TLS, or set Config.Auth to OAuthSHA256")
	case strings.HasPrefix(e.Code, "woocommerce_api_user_cannot_"):
		e.is(woo.ErrPermission, "the user of the key may not do this"+told+": give the key to a user with the role Shop manager")
	case e.Status == 401, e.Code == "woocommerce_api_authentication_error":
		e.is(woo.ErrAuth, "the shop refuses the key"+told+": check Config.Key, Config.Secret and the key's permissions under "+
			"WooCommerce > Settings > Advanced > REST API, that the host passes the Authorization header on, and this machine's clock")
	case e.Code == "" && e.Status != 404 && e.Status < 500:
		e.is(woo.ErrHostBlocked, "the host answered instead of WordPress: allow this User-Agent, method and address in its firewall")
	case e.Status == 403:
		e.is(woo.ErrPermission, "the user of the key may not do this"+told+": give the key to a user with the role Shop manager")
	case e.Status == 404 && (!ours || e.Code == "woocommerce_api_no_route"):
		e.is(woo.ErrNoRoute, "the shop has no such route"+told+": check Config.URL, and that WooCommerce is active")
	case e.Status == 404:
		e.is(woo.ErrNotFound, "no such record"+told)
	case e.Status < 500 && strings.HasSuffix(e.Code, "exists"):
		e.is(woo.ErrDuplicate, "the shop has one like this already"+told)
	case e.Status < 500, e.Status == 501:
		e.is(woo.ErrValidation, "the shop refuses the data"+told)
	case e.Code == "internal_server_error":
		e.is(woo.ErrUnavailable, "the shop's PHP crashed: its log says where (WooCommerce > Status > Logs, fatal-errors)")
	default:
		e.is(woo.ErrUnavailable, "the shop or its host failed"+told)
	}
}

func cause(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}

// invalid is data that was refused before anything was sent.
func invalid(op string, why error) *Error {
	return &Error{Op: op, Err: why, kind: woo.ErrValidation, text: strings.ReplaceAll(why.Error(), "\n", "; ")}
}

// notApplied is a write that the shop answered with success, and did not do.
func notApplied(call rest.Call, id int64, name, want, got, advice string) *Error {
	e := &Error{
		Op: call.Op, Method: call.Method, Route: route + call.Route, Status: http.StatusOK, ResourceID: id,
		Details: map[string]string{name: "is " + got + ", not " + want},
	}
	e.is(woo.ErrNotApplied, "the shop answered 200, but "+name+" is "+got+" and not "+want+": "+advice)
	return e
}

// unreadable is an answer that is not what the route answers; with an error in it, it is that error, whatever its status.
func (c *Client) unreadable(call rest.Call, res *rest.Response, why error) *Error {
	e := &Error{
		Op: call.Op, Method: call.Method, Route: route + call.Route, Status: res.Status, Attempts: res.Attempts, Err: why,
		Body: c.redact(res.Body[:min(len(res.Body), bodyHead)]), ambiguous: call.Kind == rest.Effect,
	}
	if e.fill(c.redact(res.Body)) { // some faults of the key come with status 200
		e.Err, e.ambiguous = nil, false
		e.is(woo.ErrAuth, "the shop refuses the request: "+strings.TrimRight(e.Message, ". ")+": check Config.Auth, Config.Key and Config.Secret")
		return e
	}
	e.is(woo.ErrNotJSON, "the shop's answer is not what this route answers: "+why.Error()+": check for a plugin or proxy that changes it")
	return e
}
