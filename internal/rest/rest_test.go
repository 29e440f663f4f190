package rest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	good := &url.URL{Scheme: "https", Host: "shop.example"}
	for want, c := range map[string]Config{
		"Config.Base is missing":             {},
		"Config.Base: the scheme":            {Base: &url.URL{Scheme: "ftp", Host: "shop.example"}},
		"Config.Base: the host":              {Base: &url.URL{Scheme: "https"}},
		"Config.Base must have no user":      {Base: &url.URL{Scheme: "https", Host: "shop.example", User: url.UserPassword("u", "s3cret")}},
		"Config.Base must have no user, q":   {Base: &url.URL{Scheme: "https", Host: "shop.example", RawQuery: "consumer_secret=s3cret"}},
		"MaxTries and MaxWait must not be n": {Base: good, MaxTries: -1},
		"Config.MaxBody":                     {Base: good, MaxBody: -1},
	} {
		_, err := New(c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cret")
	}
	c, err := New(Config{System: "woo", Base: good})
	require.NoError(t, err)
	require.Equal(t, 60*time.Second, c.http.Timeout)
	require.NotSame(t, http.DefaultTransport, c.http.Transport.(keepIdle).RoundTripper)
	good.Host = "evil.example"
	require.Equal(t, "shop.example", c.config.Base.Host, "a later change of the caller's URL moves no credential")
}

func TestRequest(t *testing.T) {
	t.Parallel()
	rt := script(good)
	core := client(t, rt)
	one := call(Effect)
	one.Query = url.Values{"status": {"a b"}}
	_, err := core.Do(t.Context(), one)
	require.NoError(t, err)
	req := rt.sent[0]
	require.Equal(t, "https://shop.example/sub/wp-json/wc/v3/orders?status=a+b", req.URL.String())
	require.Equal(t, "tillwire-woo", req.UserAgent())
	require.Equal(t, "application/json", req.Header.Get("Content-Type"))
	require.Equal(t, "application/json", req.Header.Get("Accept"))
	require.EqualValues(t, len(one.Body), req.ContentLength)

	one.Header = http.Header{"Accept": {"text/csv"}, "User-Agent": {"own"}}
	one.ContentType = "application/x-www-form-urlencoded"
	_, err = core.Do(t.Context(), one)
	require.NoError(t, err)
	require.Equal(t, "own", rt.sent[1].UserAgent())
	require.Equal(t, "text/csv", rt.sent[1].Header.Get("Accept"))
	require.Equal(t, "application/x-www-form-urlencoded", rt.sent[1].Header.Get("Content-Type"))

	_, err = core.Do(t.Context(), Call{Op: "index"})
	require.NoError(t, err)
	require.Equal(t, "GET https://shop.example/sub/wp-json/wc/v3", rt.sent[2].Method+" "+rt.sent[2].URL.String())
	require.Empty(t, rt.sent[2].Header.Get("Content-Type"))
}

// TestPathStaysBelowBase: ids are data of others.
func TestPathStaysBelowBase(t *testing.T) {
	t.Parallel()
	rt := script(good)
	core := client(t, rt)
	for path, want := range map[string]string{
		"orders/12":     "/sub/wp-json/wc/v3/orders/12",
		"/orders/12/":   "/sub/wp-json/wc/v3/orders/12/",
		"skus/a%20b%3F": "/sub/wp-json/wc/v3/skus/a%20b%3F",
		"a..b/...":      "/sub/wp-json/wc/v3/a..b/...",
	} {
		_, err := core.Do(t.Context(), Call{Path: path})
		require.NoError(t, err)
		require.Equal(t, want, rt.sent[len(rt.sent)-1].URL.EscapedPath())
	}
	sent := rt.count()
	for _, path := range []string{"../users", "orders/../../users", "%2e%2e/users", "orders/%2E", "a?consumer_secret=s3cret", "a#b", "a%2f..%2fb",
		`a\b`, "a%5cb", "100%"} {
		_, err := core.Do(t.Context(), Call{Op: "x", Path: path})
		f := failure(t, err)
		require.Equal(t, Refused, f.Class, path)
		require.NotContains(t, f.Error(), "s3cret")
	}
	for _, path := range []string{"https://evil.example/x", "//evil.example/x"} { // a path like any other
		_, err := core.Do(t.Context(), Call{Path: path})
		require.NoError(t, err)
		require.Equal(t, "shop.example", rt.sent[rt.count()-1].URL.Host)
	}
	require.Equal(t, sent+2, rt.count())
}

func TestEffectByGetIsRefused(t *testing.T) {
	t.Parallel()
	rt := script(good)
	for _, method := range []string{"", "GET", "HEAD", "OPTIONS"} {
		_, err := client(t, rt).Do(t.Context(), Call{Kind: Effect, Method: method})
		require.Equal(t, Refused, failure(t, err).Class)
	}
	require.Zero(t, rt.count())
}

// TestFreshCredentials: each try is signed anew, and nothing of the last signature is left over.
func TestFreshCredentials(t *testing.T) {
	t.Parallel()
	rt := script(answer{status: 429, body: `{}`, header: map[string]string{"Retry-After": "0"}}, good)
	core := client(t, rt, sign)
	one := call(Effect)
	one.Query = url.Values{"a": {"1"}}
	_, err := core.Do(t.Context(), one)
	require.NoError(t, err)
	require.Equal(t, "a=1&oauth_nonce=1", rt.sent[0].URL.RawQuery)
	require.Equal(t, "a=1&oauth_nonce=2", rt.sent[1].URL.RawQuery)
	require.Equal(t, url.Values{"a": {"1"}}, one.Query, "the caller's values are left alone")
}

type tokenError struct{ text string }

func (e *tokenError) Error() string { return e.text }

func TestAuthorizeFails(t *testing.T) {
	t.Parallel()
	mine := &tokenError{"no token for https://u:s3cret@auth.example/t?client_secret=s3cret"}
	rt := script(good)
	_, err := client(t, rt, func(c *Config) { c.Authorize = func(*http.Request) error { return mine } }).Do(t.Context(), call(Effect))
	f := failure(t, err)
	require.Equal(t, Refused, f.Class)
	require.Zero(t, f.Attempts)
	require.False(t, f.Ambiguous)
	require.ErrorIs(t, err, mine)
	var as *tokenError
	require.ErrorAs(t, err, &as)
	require.NotContains(t, err.Error(), "s3cret")

	n := 0
	later := func(c *Config) {
		c.Authorize = func(*http.Request) error {
			if n++; n > 1 {
				return mine
			}
			return nil
		}
	}
	_, err = client(t, script(answer{status: 502, body: `{}`}), later).Do(t.Context(), call(Read))
	require.Equal(t, 502, failure(t, err).Status, "the last real failure is the news")

	away := func(c *Config) {
		c.Authorize = func(req *http.Request) error { req.URL.Host = "evil.example"; return nil }
	}
	_, err = client(t, rt, away).Do(t.Context(), call(Effect))
	require.Equal(t, Refused, failure(t, err).Class)
	require.Zero(t, rt.count())
}

func TestSentences(t *testing.T) {
	t.Parallel()
	base := Failure{Op: "orders.Create", Method: "POST", Route: "orders", Attempts: 1}
	with := func(change func(*Failure)) string {
		f := base
		change(&f)
		return strings.TrimPrefix(f.Error(), "orders.Create: POST orders: ")
	}
	for want, change := range map[string]func(*Failure){
		"answered 404 Not Found": func(f *Failure) { f.Class, f.Status = Status, 404 },
		"answered 503 Service Unavailable, after 4 tries; the host asks to wait 1m30s; it may have taken effect: look before sending it again": func(f *Failure) {
			f.Class, f.Status, f.Attempts, f.RetryAfter, f.Ambiguous = Status, 503, 4, 90*time.Second, true
		},
		"answered 455": func(f *Failure) { f.Class, f.Status = Status, 455 },
		"no answer: dial tcp: connection refused": func(f *Failure) {
			f.Class, f.Err = Transport, redacted(refused)
		},
		"answered 301 Moved Permanently to https://www.shop.example/x, which is not followed: check the configured URL (scheme, host, path)": func(f *Failure) {
			f.Class, f.Status, f.Target = Redirect, 301, "https://www.shop.example/x"
		},
		"answered 200 OK with a web page (WordPress login) instead of JSON: the site wants a login, check the configured URL and whether the site is private": func(f *Failure) {
			f.Class, f.Status, f.Page = Page, 200, pageLogin
		},
		"answered 403 Forbidden with a web page (Wordfence) instead of JSON: a firewall turned the request away, have it let this client's address and User-Agent pass": func(f *Failure) {
			f.Class, f.Status, f.Page = Page, 403, pageWordfence
		},
		"answered 200 OK without usable JSON: the answer is empty": func(f *Failure) {
			f.Class, f.Status, f.Err = NotJSON, 200, errors.New("the answer is empty")
		},
		"given up with the caller's context: context canceled; last answer 503 Service Unavailable": func(f *Failure) {
			f.Class, f.Status, f.Err = Ended, 503, errors.New("context canceled")
		},
		"not sent: the host answered 429 Too Many Requests before; the host asks to wait 5m0s": func(f *Failure) {
			f.Class, f.Status, f.RetryAfter = Refused, 429, 5*time.Minute
		},
		"no answer: http: server gave HTTP response to HTTPS client: the URL says https, the server speaks http": func(f *Failure) {
			f.Class, f.Err = Transport, redacted(http.ErrSchemeMismatch)
		},
	} {
		require.Equal(t, want, with(change))
	}
}
