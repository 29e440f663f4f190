package hmacauth_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
)

const (
	secret  = "correct-horse-battery-staple-0123456789"
	another = "another-secret-of-another-pair-987654321"
)

var long = os.Getenv("TILLWIRE_LONG") == "1"

// count is n with TILLWIRE_LONG=1, else a part of it.
func count(n, short int) int {
	if long {
		return n
	}
	return short
}

// setup is what differs between the profiles for a test.
type setup struct {
	letter  string
	name    string
	profile hmacauth.Profile
	id      string   // of the key
	headers []string // that authenticate
	sig     string   // the one with the MAC
}

var setups = []setup{
	{"K", "kitgenix", hmacauth.Kitgenix{}, "store-b", []string{
		"X-Kitgenix-Store-Id", "X-Kitgenix-Timestamp", "X-Kitgenix-Nonce", "X-Kitgenix-Signature",
	}, "X-Kitgenix-Signature"},
	{"W", "woowebhook", hmacauth.WooWebhook{}, "", []string{"X-Wc-Webhook-Signature"}, "X-Wc-Webhook-Signature"},
	{"S", "standardwebhooks", hmacauth.StandardWebhooks{}, "", []string{
		"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
	}, "Webhook-Signature"},
	{"R", "rfc9421", hmacauth.RFC9421{}, "store-b", []string{"Signature-Input", "Signature", "Content-Digest"}, "Signature"},
}

// withMAC writes a MAC into the header the way the profile does.
func (s setup) withMAC(mac []byte) string {
	switch s.letter {
	case "K":
		return hex.EncodeToString(mac)
	case "S":
		return "v1," + base64.StdEncoding.EncodeToString(mac)
	case "R":
		return "tillwire=:" + base64.StdEncoding.EncodeToString(mac) + ":"
	default:
		return base64.StdEncoding.EncodeToString(mac)
	}
}

// mac reads what withMAC wrote.
func (s setup) mac(t testing.TB, header string) []byte {
	t.Helper()
	var mac []byte
	var err error
	switch s.letter {
	case "K":
		mac, err = hex.DecodeString(header)
	default:
		header = strings.TrimPrefix(strings.TrimPrefix(header, "v1,"), "tillwire=:")
		mac, err = base64.StdEncoding.DecodeString(strings.TrimSuffix(header, ":"))
	}
	require.NoError(t, err)
	require.Len(t, mac, 32)
	return mac
}

// fixture is a receiver and a sender who may speak to it.
type fixture struct {
	setup
	t       *testing.T
	key     hmacauth.Key
	keys    hmacauth.Keys
	signer  hmacauth.Signer
	store   *watchedStore
	v       *hmacauth.Verifier
	handler http.Handler
	served  atomic.Int64
	body    []byte // of the last request served
	from    hmacauth.Identity
}

// watchedStore counts reservations.
type watchedStore struct {
	hmacauth.NonceStore
	calls atomic.Int64
}

func (s *watchedStore) Reserve(ctx context.Context, fingerprint, nonce string, until time.Time) (bool, error) {
	s.calls.Add(1)
	return s.NonceStore.Reserve(ctx, fingerprint, nonce, until)
}

func memory() *hmacauth.MemoryNonces {
	return hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)})
}

func newKey(t testing.TB, id, secret string) hmacauth.Key {
	t.Helper()
	k, err := hmacauth.NewShortKey(id, secret)
	require.NoError(t, err)
	return k
}

func static(t testing.TB, keys ...hmacauth.Key) hmacauth.Keys {
	t.Helper()
	all, err := hmacauth.StaticKeys(keys...)
	require.NoError(t, err)
	return all
}

func newFixture(t *testing.T, s setup, change ...func(*hmacauth.VerifierConfig)) *fixture {
	t.Helper()
	f := &fixture{setup: s, t: t, key: newKey(t, s.id, secret), store: &watchedStore{NonceStore: memory()}}
	f.keys = static(t, f.key)
	f.signer = hmacauth.Signer{Profile: s.profile, Key: f.key, AllowHTTP: true}
	c := hmacauth.VerifierConfig{Profile: s.profile, Keys: f.keys, Nonces: f.store}
	for _, change := range change {
		change(&c)
	}
	var err error
	f.v, err = hmacauth.NewVerifier(c)
	require.NoError(t, err)
	f.handler = f.v.Middleware(http.HandlerFunc(f.serve))
	return f
}

func (f *fixture) serve(w http.ResponseWriter, r *http.Request) {
	f.served.Add(1)
	body, err := io.ReadAll(r.Body)
	if err == nil {
		f.body = body
	}
	f.from, _ = hmacauth.IdentityFrom(r.Context())
	_, _ = w.Write([]byte("done"))
}

// request is a new one, rightly signed.
func (f *fixture) request(body string) *http.Request {
	f.t.Helper()
	return hmacauthtest.NewRequest(f.t, f.signer, http.MethodPost, "/event?a=1&b=2", []byte(body))
}

// again is the same request once more, with a body that can be read.
func again(r *http.Request, body string) *http.Request {
	c := r.Clone(r.Context())
	c.Body, c.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return c
}

func (f *fixture) deliver(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// refused delivers and wants the status, and that the handler was not called.
func (f *fixture) refused(r *http.Request, status int, about ...any) {
	f.t.Helper()
	before := f.served.Load()
	w := f.deliver(r)
	require.Equal(f.t, status, w.Code, about...)
	require.Equal(f.t, before, f.served.Load(), about...)
}

// accepted delivers and wants it served.
func (f *fixture) accepted(r *http.Request, about ...any) {
	f.t.Helper()
	before := f.served.Load()
	w := f.deliver(r)
	require.Equal(f.t, 200, w.Code, about...)
	require.Equal(f.t, before+1, f.served.Load(), about...)
}

// reason is why the verifier refuses, asked of it directly.
func (f *fixture) reason(r *http.Request) error {
	_, _, err := f.v.Verify(r)
	return err
}

func hmacOf(key string, message string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(message))
	return m.Sum(nil)
}

// forge9421 signs r with an independent construction of the base, over any list of components and with any parameters.
func forge9421(t testing.TB, r *http.Request, key string, list []string, params string) {
	t.Helper()
	if params == "" {
		params = goodParams("store-b", "tillwire", time.Now())
	}
	var base bytes.Buffer
	for _, c := range list {
		path, query, _ := strings.Cut(r.RequestURI, "?")
		value := map[string]string{
			`"@method"`: r.Method, `"@authority"`: strings.ToLower(r.Host), `"@path"`: path, `"@query"`: "?" + query,
		}[c]
		if !strings.HasPrefix(c, `"@`) {
			name, _, _ := strings.Cut(strings.Trim(c, `"`), `"`)
			value = strings.Join(r.Header.Values(name), ", ")
		}
		base.WriteString(c + ": " + value + "\n")
	}
	raw := "(" + strings.Join(list, " ") + ")" + params
	base.WriteString(`"@signature-params": ` + raw)
	r.Header.Set("Signature-Input", "tillwire="+raw)
	r.Header.Set("Signature", "tillwire=:"+base64.StdEncoding.EncodeToString(hmacOf(key, base.String()))+":")
}

var required = []string{`"@method"`, `"@authority"`, `"@path"`, `"@query"`, `"content-type"`, `"content-digest"`}

var nonces atomic.Int64

func goodParams(id, tag string, at time.Time) string {
	return ";created=" + strconv.FormatInt(at.Unix(), 10) + ";expires=" + strconv.FormatInt(at.Unix()+300, 10) +
		`;nonce="forged-nonce-of-a-test-` + strconv.FormatInt(nonces.Add(1), 10) + `";keyid="` + id + `";tag="` + tag + `"`
}

func digest256(body string) string {
	s := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(s[:]) + ":"
}

// bare is an unsigned request with a body and what RFC9421 wants beside its signature.
func bare(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host = "example.com"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Digest", digest256(body))
	return r
}
