package rest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Class is the kind of a Failure.
type Class int

const (
	// Status is an answer other than 2xx that is no HTML page; the client reads its code from Body.
	Status Class = iota + 1
	// Transport is no answer: DNS, dial, TLS, time-out, reset.
	Transport
	// Redirect is a 3xx that was not followed: Target names where to.
	Redirect
	// Page is HTML where JSON belongs: a firewall, a login form, maintenance, a PHP crash. Page names which.
	Page
	// NotJSON is a 2xx answer that is neither HTML nor JSON: empty, cut off, or garbage.
	NotJSON
	// TooLarge is an answer longer than Config.MaxBody.
	TooLarge
	// Ended is the end of the caller's context, also while waiting for the limiter or for the next try.
	Ended
	// Refused is a call that was never sent: bad credentials callback, foreign host, or a host that asked for quiet
	// (then Status and RetryAfter tell what it had answered to another call, and how long it is still to be left alone).
	Refused
)

// Failure is why a call did not succeed. Clients turn it into their own *Error. Its text, Header, Target and Page never
// hold a query or a credential; Body is what the server wrote.
type Failure struct {
	Op, Method, Route string
	Class             Class
	Status            int           // 0 without an answer
	Header            http.Header   // of the answer, without Link, Location and Set-Cookie, which may hold queries and sessions
	Body              []byte        // head of the answer, at most 64 KiB
	Attempts          int           // tries made; one that ended before the wire (limiter, context, credentials) is none
	RetryAfter        time.Duration // what the host asked for, at most 24 h; 0: nothing
	Ambiguous         bool          // an Effect that may have had its effect; always false for Read and Write
	Target            string        // of a Redirect, without query
	Page              string        // of a Page: "Cloudflare challenge", "WordPress login", "maintenance page", the <title>
	Err               error         // cause, redacted; context errors stay visible to errors.Is
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Error is one sentence: what was called, what happened, what to check.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s: %s", f.Op, f.Method, f.Route, f.what())
	if f.Attempts > 1 {
		fmt.Fprintf(&b, ", after %d tries", f.Attempts)
	}
	if f.RetryAfter > 0 {
		fmt.Fprintf(&b, "; the host asks to wait %s", f.RetryAfter.Round(time.Second))
	}
	if f.Ambiguous {
		b.WriteString("; it may have taken effect: look before sending it again")
	}
	return b.String()
}

func (f *Failure) what() string {
	switch f.Class {
	case Status:
		return "answered " + f.status() + f.because(" and was cut off")
	case Transport:
		return "no answer" + f.because("") + remedy(f.Err)
	case Redirect:
		return fmt.Sprintf("answered %s to %s, which is not followed: check the configured URL (scheme, host, path)",
			f.status(), f.Target)
	case Page:
		return fmt.Sprintf("answered %s with a web page (%s) instead of JSON%s", f.status(), f.Page, advice(f.Page, f.Status))
	case NotJSON:
		return "answered " + f.status() + " without usable JSON" + f.because("")
	case TooLarge:
		return "answered " + f.status() + " with too much" + f.because("") + ": ask for less or raise MaxBody"
	case Ended:
		if f.Status != 0 {
			return "given up with the caller's context" + f.because("") + "; last answer " + f.status()
		}
		return "given up with the caller's context" + f.because("")
	case Refused:
		if f.Status != 0 {
			return "not sent: the host answered " + f.status() + " before"
		}
		return "not sent" + f.because("")
	}
	return "failed" + f.because("")
}

// remedy is what to check when no connection came about.
func remedy(err error) string {
	var c *cause
	var dns *net.DNSError
	switch {
	case !errors.As(err, &c):
		return ""
	case errors.Is(c.err, http.ErrSchemeMismatch):
		return ": the URL says https, the server speaks http"
	case untrusted(c.err):
		return ": check the host name of the URL, or have HTTPClient trust the issuer of the certificate"
	case errors.As(c.err, &dns) && dns.IsNotFound:
		return ": check the host name of the URL"
	}
	return ""
}

func (f *Failure) status() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)))
}

// because appends the cause, if there is one.
func (f *Failure) because(lead string) string {
	if f.Err == nil {
		return ""
	}
	return lead + ": " + f.Err.Error()
}

// Passing reports whether the same request may succeed later without anybody changing anything: an unreachable or busy
// host, maintenance, an answer cut off. It says nothing on whether sending again is safe; Ambiguous does.
func (f *Failure) Passing() bool {
	switch f.Class {
	case Transport:
		return !untrusted(f.Err)
	case Status, Page:
		if f.Page == pageMaintenance || f.Page == pageDatabase {
			return true
		}
		return passing(f.Status) && (f.Status == http.StatusTooManyRequests || !f.Blocked())
	case NotJSON, Ended:
		return true
	case Refused:
		return f.RetryAfter > 0
	}
	return false
}

// Blocked reports that something in front of the service turned the request away: the page of a known firewall, or any
// page with 403, 406 or 455.
func (f *Failure) Blocked() bool {
	if f.Class != Page {
		return false
	}
	switch f.Status {
	case http.StatusForbidden, http.StatusNotAcceptable, 455:
		return true
	}
	return firewall(f.Page)
}
