package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Errors of net/http quote whole URLs, and OAuth and query authentication put the secret there. Therefore no foreign
// error is kept as it is: its text is scrubbed, and the error itself answers only errors.Is.

var (
	userinfo    = regexp.MustCompile(`//[^\s/"'<>@]*@`)
	queries     = regexp.MustCompile(`\?[^\s"'<>]+`)
	headers     = regexp.MustCompile(`(?i)\b(bearer|basic|oauth)\s+[^\s"']{6,}`)
	assignments = regexp.MustCompile(`(?i)\b([a-z_-]*(?:key|secret|token|password|signature|nonce|authorization))(["']?\s*[=:]\s*["']?)[^\s"'&,;]+`)
)

// scrub takes queries, user info and credentials out of a text.
func scrub(text string) string {
	text = userinfo.ReplaceAllString(text, "//")
	text = queries.ReplaceAllString(text, "")
	text = headers.ReplaceAllString(text, "$1 …")
	return assignments.ReplaceAllString(text, "$1$2…")
}

// cause is a foreign error made safe to print.
type cause struct {
	text  string
	err   error
	ended bool // it is the end of the caller's context; a time-out of a single try also claims to be a deadline, and is not
	own   bool // it is an error of the client that uses this package
}

func (c *cause) Error() string { return c.text }

// As opens what a client's own Authorize returned, and nothing else.
func (c *cause) As(target any) bool {
	_, leak := target.(**url.Error)
	return c.own && !leak && errors.As(c.err, target)
}

func (c *cause) Is(target error) bool {
	if !c.ended && (target == context.DeadlineExceeded || target == context.Canceled) {
		return false
	}
	return errors.Is(c.err, target)
}

// Timeout reports whether the cause was a time-out.
func (c *cause) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(c.err, &t) && t.Timeout()
}

// TimedOut reports whether the cause of a Failure is that a try took too long, rather than that the caller's context ended.
func TimedOut(err error) bool {
	var c *cause
	return errors.As(err, &c) && !c.ended && c.Timeout()
}

// redacted wraps err, without the method and URL that net/http puts before it.
func redacted(err error) *cause {
	var u *url.Error
	if errors.As(err, &u) && u.Err != nil {
		err = u.Err
	}
	return &cause{text: scrub(err.Error()), err: err}
}

// untrusted reports a TLS failure that no repeat mends.
func untrusted(err error) bool {
	var c *cause
	if errors.As(err, &c) {
		err = c.err
	}
	var (
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		author x509.UnknownAuthorityError
		host   x509.HostnameError
		cert   x509.CertificateInvalidError
	)
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &author) || errors.As(err, &host) ||
		errors.As(err, &cert) || errors.Is(err, http.ErrSchemeMismatch)
}

// safeHeader is h without the fields that carry queries and sessions: WordPress repeats the whole query, keys included,
// in Link.
func safeHeader(h http.Header) http.Header {
	h = h.Clone()
	for _, k := range []string{"Link", "Location", "Content-Location", "Refresh", "Set-Cookie"} {
		h.Del(k)
	}
	return h
}

// Bare is an address without what a client's New would refuse but a log must not show: credentials and a query.
func Bare(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	if at := strings.LastIndex(raw, "@"); at >= 0 {
		scheme, _, found := strings.Cut(raw, "://")
		if raw = raw[at+1:]; found {
			raw = scheme + "://" + raw
		}
	}
	return raw
}
