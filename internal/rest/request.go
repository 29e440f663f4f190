package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-retryablehttp"
)

// request builds the request that all tries share. Its errors quote no more than the call's own path.
func (r *run) request(ctx context.Context) (*retryablehttp.Request, error) {
	call := r.call
	if call.Kind == Effect && safe(call.Method) { // net/http repeats these by itself when a kept connection is dead
		return nil, fmt.Errorf("an effect cannot be sent by %s", call.Method)
	}
	u, err := below(r.client.config.Base, call.Path)
	if err != nil {
		return nil, err
	}
	u.RawQuery = call.Query.Encode()
	r.url = u
	r.header = call.Header.Clone()
	if r.header == nil {
		r.header = http.Header{}
	}
	def := func(k, v string) {
		if r.header.Get(k) == "" {
			r.header.Set(k, v)
		}
	}
	def("User-Agent", r.client.config.UserAgent)
	accept := "application/json"
	if call.Raw {
		accept += ", */*;q=0.8" // without JSON in it WordPress writes its errors as web pages
	}
	def("Accept", accept)
	var body any
	if call.Body != nil {
		body = call.Body
		contentType := call.ContentType
		if contentType == "" {
			contentType = "application/json"
		}
		def("Content-Type", contentType)
	}
	ctx = context.WithValue(httptrace.WithClientTrace(ctx, r.trace.hooks(call.Method)), runKey{}, r)
	req, err := retryablehttp.NewRequestWithContext(ctx, call.Method, u.String(), body)
	if err != nil {
		return nil, redacted(err)
	}
	return req, nil
}

// below joins path to base. A path that leaves base, by dots or by a query of its own, is an error: ids are data of
// others.
func below(base *url.URL, path string) (*url.URL, error) {
	u := *base
	if path == "" {
		return &u, nil
	}
	if strings.ContainsAny(path, "?#\\") {
		return nil, errors.New("the path must not contain ?, # or a backslash: use Query")
	}
	escaped := strings.TrimSuffix(u.EscapedPath(), "/") + "/" + strings.TrimPrefix(path, "/")
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, errors.New("the path is not escaped properly")
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if s, err := url.PathUnescape(segment); err != nil || s == "." || s == ".." || strings.ContainsAny(s, "/\\") {
			return nil, errors.New("the path must not contain dot segments or escaped slashes")
		}
	}
	u.Path, u.RawPath = plain, escaped
	return &u, nil
}

// authorize adds credentials, and makes sure that they go nowhere else and only once.
func (r *run) authorize(req *http.Request) error {
	if r.client.config.Authorize != nil {
		if err := r.client.config.Authorize(req); err != nil {
			return &cause{text: "credentials: " + scrub(err.Error()), err: err, ended: true, own: true}
		}
	}
	if !r.client.home(req.URL) {
		return errors.New("the request would leave the configured scheme and host")
	}
	// net/http repeats a request that carries an Idempotency-Key by itself, past limiter and nonce. Spelled in lower case,
	// which every server reads alike, it takes it for any other header.
	for _, k := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := req.Header[k]; ok {
			delete(req.Header, k)
			req.Header[strings.ToLower(k)] = v
		}
	}
	return nil
}

// home reports whether u is of the configured scheme and host.
func (c *Client) home(u *url.URL) bool {
	b := c.config.Base
	return u.Scheme == b.Scheme && (u.Host == b.Host || strings.EqualFold(u.Hostname(), b.Hostname()) && port(u) == port(b))
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

const maxHops = 3

// redirect is the CheckRedirect of every Client. A Read may move within its scheme and host, with its verb and with fresh
// credentials; everything else gets the 3xx itself.
func redirect(next *http.Request, via []*http.Request) error {
	r, ok := next.Context().Value(runKey{}).(*run)
	if !ok || r.call.Kind != Read || len(via) > maxHops || next.Method != r.call.Method || !r.client.home(next.URL) {
		return http.ErrUseLastResponse
	}
	if r.client.config.Limiter != nil {
		if err := r.client.config.Limiter.Wait(next.Context()); err != nil {
			return err
		}
	}
	// The target usually repeats the query, credentials included. They are taken out, to be made anew.
	sent, query := via[len(via)-1].URL.Query(), next.URL.Query()
	for k := range sent {
		if !r.call.Query.Has(k) {
			query.Del(k)
		}
	}
	next.URL.RawQuery, next.URL.User, next.URL.Fragment = query.Encode(), nil, ""
	next.Header = r.header.Clone() //nolint:gosec // the target is home; net/http's Referer, with the last query, is left out
	r.trace.reset()
	return r.authorize(next)
}

type runKey struct{}

// trace is what httptrace tells of a try: whether a connection was sought, and how many were found. More than one means
// that net/http sent a Read again by itself, because the kept connection it had used was dead. That cannot be prevented for
// a GET and does no harm, save that a nonce may then count as used: see again.
type trace struct {
	sought atomic.Bool
	found  atomic.Int32
}

func (t *trace) reset() {
	t.sought.Store(false)
	t.found.Store(0)
}

func (t *trace) hooks(method string) *httptrace.ClientTrace {
	replayed := safe(method)
	return &httptrace.ClientTrace{
		GetConn: func(string) {
			t.sought.Store(true)
			if !replayed { // then net/http asks for a second connection only if it wrote nothing to the first
				t.found.Store(0)
			}
		},
		GotConn: func(httptrace.GotConnInfo) { t.found.Add(1) },
	}
}

// safe reports a method that net/http takes the liberty to repeat.
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
