package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

func moved(status int, to string) answer {
	return answer{status: status, header: map[string]string{"Location": to, "Content-Type": "text/html"}}
}

// sign is an Authorize with a nonce in the query and a secret in a header.
func sign(c *Config) {
	n := 0
	c.Authorize = func(req *http.Request) error {
		n++
		req.Header.Set("Authorization", "Bearer s3cret")
		q := req.URL.Query()
		q.Add("oauth_nonce", strconv.Itoa(n))
		req.URL.RawQuery = q.Encode()
		return nil
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	const here = "https://shop.example/sub/wp-json/wc/v3/orders/12"
	post := call(Read) // a read that is a POST
	post.Method, post.Body = "POST", []byte("{}")
	for _, c := range []struct {
		name   string
		call   Call
		answer []answer
		sent   int
		target string // "": it succeeds
	}{
		{"slash", call(Read), []answer{moved(301, here+"/?secret_filter=hidden"), good}, 2, ""},
		{"path only", call(Read), []answer{moved(302, "/other"), good}, 2, ""},
		{"default port", call(Read), []answer{moved(307, "https://shop.example:443/x"), good}, 2, ""},
		{"host in capitals", call(Read), []answer{moved(308, "https://SHOP.example/x"), good}, 2, ""},
		{"three hops", call(Read), []answer{moved(301, "/1"), moved(301, "/2"), moved(301, "/3"), good}, 4, ""},
		{"loop", call(Read), []answer{moved(301, here+"?consumer_secret=s3cret")}, 4, here},
		{"www", call(Read), []answer{moved(301, "https://www.shop.example/a?b=c")}, 1, "https://www.shop.example/a"},
		{"foreign host", call(Read), []answer{moved(302, "https://user:s3cret@evil.example/a#f")}, 1, "https://evil.example/a"},
		{"foreign host with the same beginning", call(Read), []answer{moved(302, "https://shop.example.evil.example/")}, 1,
			"https://shop.example.evil.example/"},
		{"other port", call(Read), []answer{moved(301, "https://shop.example:8443/a")}, 1, "https://shop.example:8443/a"},
		{"to http", call(Read), []answer{moved(301, "http://shop.example/a")}, 1, "http://shop.example/a"},
		{"write", call(Write), []answer{moved(301, "/x/")}, 1, "https://shop.example/x/"},
		{"effect", call(Effect), []answer{moved(301, "/x/?k=s3cret")}, 1, "https://shop.example/x/"},
		{"effect 302", call(Effect), []answer{moved(302, "/x/")}, 1, "https://shop.example/x/"},
		{"effect 307", call(Effect), []answer{moved(307, "/x/")}, 1, "https://shop.example/x/"},
		{"effect 308", call(Effect), []answer{moved(308, "/x/")}, 1, "https://shop.example/x/"},
		{"a read by POST would become a GET", post, []answer{moved(301, "/x")}, 1, "https://shop.example/x"},
		{"a read by POST keeps its verb", post, []answer{moved(308, "/x"), good}, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rt := script(c.answer...)
			got, err := client(t, rt, sign).Do(t.Context(), c.call)
			require.Equal(t, c.sent, rt.count())
			if c.target == "" {
				require.NoError(t, err)
				require.Equal(t, 1, got.Attempts)
			} else {
				f := failure(t, err)
				require.Equal(t, Redirect, f.Class)
				require.Equal(t, c.target, f.Target)
				require.Contains(t, f.Error(), c.target)
				require.NotContains(t, f.Error(), "s3cret")
				require.Empty(t, f.Header.Get("Location"))
				require.False(t, f.Ambiguous)
			}
			for i, req := range rt.sent {
				require.Equal(t, c.call.Method, req.Method)
				require.Empty(t, req.Header.Get("Referer"), "it would carry the query")
				require.Equal(t, []string{strconv.Itoa(i + 1)}, req.URL.Query()["oauth_nonce"], "a nonce of its own")
				require.Equal(t, "Bearer s3cret", req.Header.Get("Authorization"))
			}
		})
	}
}

func TestSeeOtherIsAmbiguous(t *testing.T) {
	t.Parallel()
	_, err := client(t, script(moved(303, "/created/7"))).Do(t.Context(), call(Effect))
	require.True(t, failure(t, err).Ambiguous)
}

// TestRedirectKeepsTheQuery: what the target adds is followed, what the call asked for is kept, credentials are made anew.
func TestRedirectKeepsTheQuery(t *testing.T) {
	t.Parallel()
	rt := script(moved(301, "/x?page=2&lang=en&oauth_nonce=1"), good)
	one := call(Read)
	one.Query = url.Values{"page": {"2"}}
	_, err := client(t, rt, sign).Do(t.Context(), one)
	require.NoError(t, err)
	require.Equal(t, url.Values{"page": {"2"}, "lang": {"en"}, "oauth_nonce": {"2"}}, rt.sent[1].URL.Query())
}

// TestPlainPermalinks: the shop sends a Read to the same path with a slash, and there answers with its front page.
func TestPlainPermalinks(t *testing.T) {
	t.Parallel()
	front := answer{status: 404, header: map[string]string{"Content-Type": "text/html; charset=UTF-8"},
		body: "<!DOCTYPE html><html><title>Page not found &#8211; Store A</title>"}
	rt := script(moved(301, "https://shop.example/sub/wp-json/wc/v3/orders/12/"), front)
	_, err := client(t, rt).Do(t.Context(), call(Read))
	f := failure(t, err)
	require.Equal(t, Page, f.Class)
	require.EqualError(t, f, "orders.Get: GET orders/{id}: answered 404 Not Found with a web page (Page not found – Store A) instead of "+
		"JSON: check the configured URL and that permalinks are not plain")
}

func TestRedirectIsPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(rate.Every(10*time.Second), 1)
		began := time.Now()
		_, err := client(t, script(moved(301, "/a"), good), func(c *Config) { c.Limiter = l }).Do(t.Context(), call(Read))
		require.NoError(t, err)
		require.InDelta(t, 10, time.Since(began).Seconds(), 0.001)
	})
}
