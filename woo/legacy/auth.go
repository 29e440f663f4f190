package legacy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Auth is how the key travels.
type Auth string

// The ways the legacy API knows. It looks at Basic and QueryKeys only where WordPress sees TLS, and at a signature only
// where it does not; so a shop whose proxy hides TLS from it wants OAuthSHA256 although its URL begins with https.
const (
	Basic       Auth = "Basic"       // the Authorization header
	QueryKeys   Auth = "QueryKeys"   // consumer_key and consumer_secret in the query, for hosts that drop the header; they show in server logs
	OAuthSHA1   Auth = "OAuthSHA1"   // OAuth 1.0a, one-legged, in the query: the only place the legacy API looks for it
	OAuthSHA256 Auth = "OAuthSHA256" // the same by HMAC-SHA256
)

func (a Auth) known() bool {
	return slices.Contains([]Auth{Basic, QueryKeys, OAuthSHA1, OAuthSHA256}, a)
}
func (a Auth) signs() bool { return a == OAuthSHA1 || a == OAuthSHA256 }

// authorizer adds the key to a request, once per try. The secret lives in the closure, where no verb prints it.
func authorizer(how Auth, key, secret string) func(*http.Request) error {
	switch how {
	case QueryKeys:
		return func(r *http.Request) error {
			q := r.URL.Query()
			q.Set("consumer_key", key)
			q.Set("consumer_secret", secret)
			r.URL.RawQuery = q.Encode()
			return nil
		}
	case OAuthSHA1:
		return signer("HMAC-SHA1", sha1.New, key, secret)
	case OAuthSHA256:
		return signer("HMAC-SHA256", sha256.New, key, secret)
	}
	return func(r *http.Request) error {
		r.SetBasicAuth(key, secret)
		return nil
	}
}

// signer is OAuth 1.0a, one-legged, with a fresh nonce for each try, since the shop refuses one it has seen. The signed
// address always begins with http: the shop verifies signatures only while it believes to be reached so.
func signer(method string, digest func() hash.Hash, key, secret string) func(*http.Request) error {
	return func(r *http.Request) error {
		q := r.URL.Query()
		q.Set("oauth_consumer_key", key)
		q.Set("oauth_nonce", rand.Text())
		q.Set("oauth_signature_method", method)
		q.Set("oauth_timestamp", strconv.FormatInt(time.Now().Unix(), 10))
		params, err := parameters(q)
		if err != nil {
			return err
		}
		mac := hmac.New(digest, []byte(secret+"&"))
		mac.Write([]byte(r.Method + "&" + rfc3986("http://"+r.URL.Host+r.URL.EscapedPath()) + "&" + rfc3986(params)))
		signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		r.URL.RawQuery = params + "&oauth_signature=" + rfc3986(signature) // a "+" as %2B, else PHP reads a space
		return nil
	}
}

// parameters is the query both as it is signed and as it is sent. PHP makes one array of all that begins with "filter["
// and signs its elements in the order of their arrival, at the place of "filter"; sorted by escaped names they stand there.
func parameters(q url.Values) (string, error) {
	names := make(map[string]string, len(q))
	for name, values := range q {
		if len(values) > 1 || strings.Contains(name, "[]") {
			return "", fmt.Errorf("parameter %q: an array without names cannot be signed: send its values comma-separated", name)
		}
		names[rfc3986(name)] = rfc3986(values[0])
	}
	pairs := make([]string, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		pairs = append(pairs, name+"="+names[name])
	}
	return strings.Join(pairs, "&"), nil
}

// rfc3986 escapes all but unreserved characters; unlike url.QueryEscape it writes a space as %20.
func rfc3986(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // QueryEscape leaves exactly A-Z a-z 0-9 - _ . ~
}
