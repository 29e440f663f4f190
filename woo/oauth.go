package woo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// basic is the authorization over TLS. The secret lives in the closure, where no verb prints it.
func basic(key, secret string) func(*http.Request) error {
	return func(r *http.Request) error {
		r.SetBasicAuth(key, secret)
		return nil
	}
}

// oauth1 is the authorization over plain http: OAuth 1.0a, one-legged, HMAC-SHA256, in the query. It is asked before
// every try, since WooCommerce refuses a nonce that it has seen.
//
// What WooCommerce signs differs from RFC 5849 where PHP does: it takes the parameters as PHP parsed them and sorts
// them by the name of the outermost array. Therefore a name is sent once, lists go comma-separated, and "a[]" is
// refused here rather than there; written out as "a[0]", "a[1]" it works.
func oauth1(key, secret string) func(*http.Request) error { return oauthAs(key, secret, "", 0) }

// oauthAs is oauth1 for a shop that believes to be asked by another scheme, or whose clock is ahead. An empty scheme is the request's own.
func oauthAs(key, secret, scheme string, ahead time.Duration) func(*http.Request) error {
	return func(r *http.Request) error {
		as := scheme
		if as == "" {
			as = r.URL.Scheme
		}
		q := r.URL.Query()
		for name, values := range q {
			if len(values) > 1 || strings.Contains(name, "[]") {
				return fmt.Errorf("parameter %q: an array cannot be signed over plain http: send its values comma-separated", name)
			}
		}
		q.Set("oauth_consumer_key", key)
		q.Set("oauth_nonce", rand.Text())
		q.Set("oauth_signature_method", "HMAC-SHA256")
		q.Set("oauth_timestamp", strconv.FormatInt(time.Now().Add(ahead).Unix(), 10))

		params := parameters(q)
		mac := hmac.New(sha256.New, []byte(secret+"&"))
		mac.Write([]byte(r.Method + "&" + rfc3986(as+"://"+r.URL.Host+r.URL.EscapedPath()) + "&" + rfc3986(params)))
		signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		r.URL.RawQuery = params + "&oauth_signature=" + rfc3986(signature) // a "+" as %2B, else PHP reads a space
		return nil
	}
}

// parameters is the query both as it is signed and as it is sent, so that what PHP takes the order of an array's
// elements to be, their arrival, is the signed one. Sorting by the escaped name keeps the elements of one array
// together, as PHP does: "%5B" is below every character that a name may hold.
func parameters(q url.Values) string {
	names := make(map[string]string, len(q))
	for name, values := range q {
		names[rfc3986(name)] = rfc3986(values[0])
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + names[name])
	}
	return b.String()
}

// rfc3986 escapes all but unreserved characters; unlike url.QueryEscape it writes a space as %20.
func rfc3986(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // QueryEscape leaves exactly A-Z a-z 0-9 - _ . ~
}
