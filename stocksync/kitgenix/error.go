package kitgenix

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/rest"
)

// What an *Error may be, for errors.Is. Each is of one kind; ErrAmbiguous may come on top of another.
var (
	// ErrAuth: the peer does not accept our signature: unknown pair, other secret, clock, or headers that do not arrive.
	ErrAuth = errors.New("kitgenix: signature not accepted")
	// ErrRateLimited: the peer has locked us out, or its host wants fewer requests.
	ErrRateLimited = errors.New("kitgenix: rate limited")
	// ErrNoRoute: the plugin is not active, or the URL is wrong.
	ErrNoRoute = errors.New("kitgenix: no such route")
	// ErrNotMaster: the peer is a child and was asked as a master.
	ErrNotMaster = errors.New("kitgenix: the peer is no master")
	// ErrForbidden: the peer knows us, and does not take this from us.
	ErrForbidden = errors.New("kitgenix: not taken from us")
	// ErrValidation: the peer, or this package before asking it, refuses the data.
	ErrValidation = errors.New("kitgenix: data refused")
	// ErrTooLarge: the request is larger than the peer accepts.
	ErrTooLarge = errors.New("kitgenix: too large")
	// ErrUnavailable: no answer, or that of a shop that is ill.
	ErrUnavailable = errors.New("kitgenix: unavailable")
	// ErrRedirect: the peer redirects elsewhere, and the request was not taken there.
	ErrRedirect = errors.New("kitgenix: redirected")
	// ErrHostBlocked: a firewall, a security plugin or the host answered in place of the plugin.
	ErrHostBlocked = errors.New("kitgenix: blocked by the host")
	// ErrUnverified: the answer is none of the plugin's, cut off, or not signed where it must be.
	ErrUnverified = errors.New("kitgenix: answer not understood")
	// ErrAmbiguous: the event may have been applied although it failed. Send fresh state under a new event id, never the same again.
	ErrAmbiguous = errors.New("kitgenix: outcome unknown")
)

// bodyHead is how much of an answer an Error keeps, in bytes.
const bodyHead = 4 << 10

// Error is a request to a peer that did not succeed. It holds neither a query nor a secret, and its Error is one sentence for the
// person who runs the stores.
type Error struct {
	Op     string // "Push"
	Peer   string // the store's id
	Method string // "POST"
	Route  string // "kitgenix-stock-sync/v1/event"
	Status int    // 0 when nothing was answered
	Code   string // the plugin's or WordPress's: "kss_auth_failed"; empty when neither answered
	// Message is the peer's, as plain text of at most 500 bytes.
	Message  string
	Target   string // of a redirect, without query: the address to configure
	Body     []byte // head of the answer, at most 4 KiB
	Attempts int    // requests that went out
	Err      error  // the cause beneath, if there is one

	kind      error // one of the sentinels, or nil
	text      string
	wait      time.Duration
	ambiguous bool
}

// Error is one sentence: the operation, the cause, what to change, and the peer's status and code.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("kitgenix: " + e.Op + " at " + e.Peer + ": " + e.text)
	if e.ambiguous {
		b.WriteString("; it may have been done all the same")
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

// Permanent reports that the same request can never succeed.
func (e *Error) Permanent() bool {
	switch e.kind {
	case ErrValidation, ErrTooLarge, ErrNotMaster: //nolint:errorlint // sentinels, compared by identity
		return !e.ambiguous
	}
	return false
}

// RetryAfter is how long to leave the peer alone: what it asks for; after 429 at least 15 minutes; 0 when nothing says so.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Ambiguous reports that the event may have been applied.
func (e *Error) Ambiguous() bool { return e.ambiguous }

// Systemic reports that every request to this peer would meet the same.
func (e *Error) Systemic() bool {
	switch e.kind {
	case ErrAuth, ErrRateLimited, ErrNoRoute, ErrForbidden, ErrRedirect, ErrHostBlocked: //nolint:errorlint // sentinels, compared by identity
		return true
	}
	return false
}

const (
	// lockedOut is how long a peer of the second generation answers 429.
	lockedOut = 15 * time.Minute
	// parked is how long what a person must mend is left alone.
	parked = time.Hour
)

// wordPressError is {"code", "message", "data"}.
type wordPressError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// fail turns what internal/rest reports into an *Error. An effect is a request whose outcome matters when it is unknown.
func (c *client) fail(op string, err error, seen *sight) *Error {
	e := &Error{Op: op, Peer: string(c.pair.StoreID), Method: http.MethodPost, Err: err}
	var f *rest.Failure
	if !errors.As(err, &f) {
		e.text = err.Error()
		return e
	}
	e.Route, e.Status, e.Attempts, e.Err, e.wait = f.Route, f.Status, f.Attempts, f.Err, f.RetryAfter
	e.Body, e.Target, e.ambiguous = f.Body[:min(len(f.Body), bodyHead)], f.Target, f.Ambiguous
	if f.Class == rest.Status {
		var w wordPressError
		if json.Unmarshal(f.Body, &w) == nil {
			e.Code, e.Message = w.Code, rest.Text(w.Message, 500)
		}
	}
	e.text, e.kind = e.judge(f, seen)
	if f.Route == namespace+"/"+routeEvent && (e.Code == codeAuthFailed || e.Code == "kss_auth_replay") {
		e.ambiguous = true // something on the way may have sent it twice: then the first copy was taken, and this answers the second
	}
	switch e.kind {
	case ErrRateLimited: //nolint:errorlint // sentinels, compared by identity
		if seen.open == nil {
			e.wait = max(e.wait, lockedOut+rand.N(lockedOut/10))
		}
	case ErrNoRoute, ErrForbidden, ErrRedirect, ErrHostBlocked, ErrAuth: //nolint:errorlint // sentinels, compared by identity
		if e.wait == 0 {
			e.wait = parked
		}
	}
	return e
}

// judge gives kind and sentence of a failure.
func (e *Error) judge(f *rest.Failure, seen *sight) (sentence string, kind error) {
	switch f.Class {
	case rest.Status:
		return e.answered()
	case rest.Redirect:
		return "the store redirects to " + e.Target + ", where nothing signed is sent: set Pair.URL to the store's real address", ErrRedirect
	case rest.Page:
		return page(f)
	case rest.NotJSON, rest.TooLarge:
		return "the answer is not the plugin's: look for PHP errors in the store's log", ErrUnverified
	case rest.Ended:
		return "stopped: " + reason(f.Err), nil
	case rest.Refused:
		if f.Status == http.StatusTooManyRequests {
			return "not sent: the store's host had asked for quiet", ErrRateLimited
		}
		return "not sent: " + reason(f.Err), ErrUnavailable
	}
	return e.silent(f, seen)
}

// silent speaks of a request without an answer.
func (e *Error) silent(f *rest.Failure, seen *sight) (sentence string, kind error) {
	switch {
	case seen.open != nil:
		e.ambiguous, e.Attempts = false, 0
		e.wait = seen.open.RetryAfter()
		until := seen.open.Until.UTC().Format(time.RFC3339)
		return "not sent: the store has refused our signatures, and is left alone until " + until, ErrAuth
	case errors.Is(f.Err, hmacauth.ErrUnverified):
		return "the answer is not signed, or wrongly, although the pair signs with RFC 9421", ErrUnverified
	case errors.Is(f.Err, hmacauth.ErrPrivate):
		e.ambiguous = false
		return "not sent: the address is private; give Config.HTTPClient a transport that may dial it", ErrValidation
	}
	return "the store does not answer: " + reason(f.Err) + ": check Pair.URL, and that the store is up", ErrUnavailable
}

// answered speaks of an answer in the plugin's or WordPress's words.
func (e *Error) answered() (sentence string, kind error) {
	switch e.Code {
	case "kss_auth_sender", "kss_auth_secret":
		return "the store does not know us: enter our store id and the secret there", ErrAuth
	case "kss_auth_missing", "kss_auth_bad_ts":
		return "our signature does not arrive whole: a proxy or firewall before the store strips X-Kitgenix- headers", ErrAuth
	case "kss_auth_skew":
		return "the clocks differ by more than 300 s: put them right, or set Config.CorrectClock", ErrAuth
	case "kss_auth_replay":
		return "the store saw this request before: something on the way sends requests twice", ErrAuth
	case "kss_auth_sig":
		return "the store has another secret, or something on the way alters the body: enter one of letters and digits on both sides", ErrAuth
	case codeAuthFailed:
		return "the store refuses our signature: check store id, secret and clock on both sides", ErrAuth
	case codeRateLimited:
		return "the store has locked us out for 15 minutes after failed signatures, with every pair behind this address", ErrRateLimited
	case codeTooLarge:
		return "the store takes no body of this size", ErrTooLarge
	case codeNotMaster:
		return "the store is a child: only a master answers /stock", ErrNotMaster
	case codeForbidden:
		return "the store does not take this from us: the pair is disabled there, or it has another master", ErrForbidden
	case codeBadJSON, codeBadPayload, codeEventType, "rest_invalid_json":
		return "the store refuses the request: " + e.Message, ErrValidation
	case codeNoRoute:
		return "the plugin is not active there, or Pair.URL is wrong", ErrNoRoute
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		return "the store's host wants fewer requests", ErrRateLimited
	case e.Status == http.StatusRequestEntityTooLarge:
		return "the store's host takes no body of this size", ErrTooLarge
	case e.Status >= http.StatusInternalServerError, e.Status == http.StatusRequestTimeout:
		return "the store or its host failed" + colon(e.Message), ErrUnavailable
	case e.Status == http.StatusNotFound:
		return "there is no REST API at this address: check Pair.URL, and that Settings > Permalinks is not Plain", ErrNoRoute
	case strings.HasPrefix(e.Code, "rest_"), e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return "a security plugin or the host closes the REST API: allow the four routes below /wp-json/" + namespace + "/", ErrHostBlocked
	}
	return "the store refuses the request" + colon(e.Message), ErrValidation
}

// page speaks of HTML where JSON belongs.
func page(f *rest.Failure) (sentence string, kind error) {
	title := ""
	if f.Page != "" {
		title = " (" + rest.Text(f.Page, 100) + ")"
	}
	switch {
	case f.Status == http.StatusTooManyRequests:
		return "the store's host wants fewer requests" + title, ErrRateLimited
	case f.Status == http.StatusRequestEntityTooLarge:
		return "the store's host takes no body of this size" + title, ErrTooLarge
	case f.Status == http.StatusNotFound:
		return "there is no REST API at this address, but a web page" + title + ": check Pair.URL", ErrNoRoute
	case f.Blocked() || f.Status >= 400 && f.Status < 500:
		return "a firewall or the host answered instead of the plugin" + title +
			": allow the four routes below /wp-json/" + namespace + "/ and this machine's address there", ErrHostBlocked
	case f.Status >= http.StatusInternalServerError:
		return "the store or its host answered with an error page" + title, ErrUnavailable
	}
	return "a web page came instead of the plugin's answer" + title, ErrUnverified
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func reason(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}
