package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// secrets are put wherever a client may have one: user and password, query, header, path of a redirect.
var secrets = []string{"ck_0123456789abcdef", "cs_fedcba9876543210", "s3cr3t-token", "p4ssw0rd", "hidden"}

func leaks(text string) string {
	for _, s := range secrets {
		if strings.Contains(text, s) {
			return s
		}
	}
	return ""
}

// TestNoSecretLeaks walks every kind of failure with secrets everywhere, and scans all that could be printed.
func TestNoSecretLeaks(t *testing.T) {
	t.Parallel()
	const dirty = "https://ck_0123456789abcdef:p4ssw0rd@shop.example/x?consumer_secret=cs_fedcba9876543210&a=hidden"
	page := func(body string) answer {
		return answer{status: 403, body: "<!DOCTYPE html>" + body, header: map[string]string{"Content-Type": "text/html", "Link": "<" + dirty + ">"}}
	}
	for name, a := range map[string]answer{
		"status": {status: 401, body: `{"code":"x"}`, header: map[string]string{"Link": "<" + dirty + `>; rel="next"`,
			"Set-Cookie": "session=s3cr3t-token", "Location": dirty}},
		"busy":            after(503, "5"),
		"url error":       {err: &url.Error{Op: "Get", URL: dirty, Err: reset}},
		"nested":          {err: fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: dirty, Err: &url.Error{Op: "Get", URL: dirty, Err: io.EOF}})},
		"chatty":          {err: errors.New(`dial "` + dirty + `" with Authorization: Bearer s3cr3t-token and token=s3cr3t-token, "password": "p4ssw0rd"`)},
		"basic":           {err: errors.New("header Authorization: Basic Y2tfc3VwZXI6Y3Nfc3VwZXI= refused; oauth_signature=hidden")},
		"redirect":        moved(301, strings.Replace(dirty, "shop.example", "www.shop.example", 1)),
		"bad redirect":    moved(301, "https://%zz"+dirty),
		"page":            page("<title>Blocked " + dirty + "</title>"),
		"page without":    page(""),
		"not JSON":        {status: 200, body: "x"},
		"cut off":         {status: 200, read: io.MultiReader(strings.NewReader("{"), &failing{errors.New("read " + dirty)})},
		"too large":       {status: 200, body: "[" + strings.Repeat(" ", 2000) + "]"},
		"unreadable name": {err: &net.DNSError{Err: "no such host", Name: "shop.example"}},
	} {
		for _, kind := range []Kind{Read, Write, Effect} {
			t.Run(fmt.Sprint(name, kind), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var logged bytes.Buffer
					core := client(t, script(a), func(c *Config) {
						c.MaxBody = 1000
						c.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
						c.Authorize = func(req *http.Request) error {
							req.SetBasicAuth("ck_0123456789abcdef", "p4ssw0rd")
							req.URL.RawQuery += "&consumer_secret=cs_fedcba9876543210"
							req.Header.Set("X-Token", "s3cr3t-token")
							return nil
						}
					})
					one := call(kind)
					one.Query = url.Values{"search": {"hidden"}}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := core.Do(ctx, one)
					f := failure(t, err)
					f.Body = nil // what the server wrote is passed on as it is
					all, jerr := json.Marshal(f)
					require.NoError(t, jerr)
					for where, text := range map[string]string{"Error": err.Error(), "fields": string(all), "%+v": fmt.Sprintf("%+v", err),
						"%v of cause": fmt.Sprint(errors.Unwrap(err)), "log": logged.String()} {
						require.Empty(t, leaks(text), "%s: %s", where, text)
					}
					require.NotEmpty(t, logged.String())
					var u *url.Error
					require.NotErrorAs(t, err, &u, "a *url.Error shows its URL")
				})
			})
		}
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// TestCausesStayVisible: redaction hides text, not meaning.
func TestCausesStayVisible(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := client(t, script(answer{err: reset})).Do(t.Context(), call(Effect))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		var op *net.OpError
		require.NotErrorAs(t, err, &op, "a foreign error cannot be got out")
		leak := &url.Error{Op: "Get", URL: "https://auth.example/?client_secret=s", Err: io.EOF}
		_, err = client(t, nil, func(c *Config) { c.Authorize = func(*http.Request) error { return leak } }).Do(t.Context(), call(Effect))
		require.ErrorIs(t, err, io.EOF)
		var u *url.Error
		require.NotErrorAs(t, err, &u)
		_, err = client(t, script(answer{err: os.ErrDeadlineExceeded})).Do(t.Context(), call(Effect))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var c interface{ Timeout() bool }
		require.True(t, errors.As(err, &c) && c.Timeout())
	})
}

func TestScrub(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`Get "https://a.example/x?k=v&s=t": EOF`:              `Get "https://a.example/x": EOF`,
		"https://u:p@a.example/":                              "https://a.example/",
		"Authorization: Bearer abcdefgh":                      "Authorization: … …",
		"dial tcp 127.0.0.1:80: connect: connection refused":  "dial tcp 127.0.0.1:80: connect: connection refused",
		"lookup shop.example: no such host":                   "lookup shop.example: no such host",
		`invalid header field value for "Authorization"`:      `invalid header field value for "Authorization"`,
		"x509: certificate signed by unknown authority":       "x509: certificate signed by unknown authority",
		"consumer_key=ck_1&consumer_secret=cs_1; oauth_nonce": "consumer_key=…&consumer_secret=…; oauth_nonce",
	} {
		require.Equal(t, want, scrub(in))
	}
}

// TestLog: one line per try at Debug, Warn when the host pushes back, nothing by default, never a body or a query.
func TestLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "hold" || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		}
		core := client(t, script(after(429, "3"), good), func(c *Config) {
			c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: drop}))
		})
		_, err := core.Do(t.Context(), call(Read))
		require.NoError(t, err)
		require.Equal(t, `level=DEBUG msg="http try" system=woo op=orders.Get method=GET route=orders/{id} status=429 attempt=1 failure="answered 429 Too Many Requests"
level=WARN msg="the host is busy" system=woo op=orders.Get method=GET route=orders/{id} status=429 attempt=1
level=DEBUG msg="http try" system=woo op=orders.Get method=GET route=orders/{id} status=200 attempt=2
`, logged.String())

		logged.Reset()
		core = client(t, script(answer{status: 403, body: "<html>", header: map[string]string{"X-Sucuri-Block": "1"}}), func(c *Config) {
			c.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		})
		_, err = core.Do(t.Context(), call(Read))
		require.Error(t, err)
		require.Contains(t, logged.String(), `msg="a firewall turned the request away"`)
		require.Contains(t, logged.String(), `page="Sucuri firewall"`)
	})
}

func TestBare(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://shop.example/en":             "https://shop.example/en",
		"https://user:word@shop.example/?a=b": "https://shop.example/",
		"user:word@shop.example":              "shop.example",
		"shop.example?consumer_secret=cs_1":   "shop.example",
		"https://u:p@ss@shop.example":         "https://shop.example",
	} {
		require.Equal(t, want, Bare(raw), raw)
	}
}
