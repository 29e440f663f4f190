package wootest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/woo"
)

// Target is a store that Conformance can be run against. Of the zero value URL, Key and Secret are wanting.
type Target struct {
	// URL, Key and Secret are those of woo.Config; the key must be read_write and its user one who may manage the shop.
	URL, Key, Secret string
	// Transport reaches the store. Default: an own one, over sockets.
	Transport http.RoundTripper
	// Pace is the time from one request to the next. Default 0; FromEnvironment sets 200 ms.
	Pace time.Duration
	// Receive serves h until stop is called and returns the address below which the store can reach it. nil: the cases of webhooks are
	// skipped.
	Receive func(h http.Handler) (url string, stop func(), err error)
	// Deliver lets the store run its webhook queue. nil: the store runs it by itself, which real ones do within minutes; until then
	// /wp-cron.php is asked for, so that there is traffic.
	Deliver func(ctx context.Context)
	// Patience is how long a webhook may take. Default 4 minutes.
	Patience time.Duration
}

// Target is what Conformance needs to run against this store.
func (s *Shop) Target() Target {
	return Target{
		URL: s.config.URL, Key: s.config.Key, Secret: s.config.Secret, Transport: s.Transport(),
		Receive: func(h http.Handler) (string, func(), error) {
			s.DeliverTo("https://conformance.test/", h)
			return "https://conformance.test", func() {}, nil
		},
		Deliver: func(ctx context.Context) { s.Deliver(ctx) },
	}
}

// FromEnvironment is the real store that these variables name; without the first three the test is skipped:
//
//	TILLWIRE_TEST_WOO_URL     https://shop.example
//	TILLWIRE_TEST_WOO_KEY     ck_… of a read_write key
//	TILLWIRE_TEST_WOO_SECRET  cs_…
//	TILLWIRE_TEST_WOO_CA      a PEM file, where the certificate is none of the world's
//	TILLWIRE_TEST_WOO_LISTEN  host:port at which the store can reach this machine, for the cases of webhooks. WordPress itself refuses
//	                          private addresses and other ports than 80, 443 and 8080; a test store must be told to allow them.
func FromEnvironment(t testing.TB) Target {
	t.Helper()
	target := Target{
		URL: os.Getenv("TILLWIRE_TEST_WOO_URL"), Key: os.Getenv("TILLWIRE_TEST_WOO_KEY"), Secret: os.Getenv("TILLWIRE_TEST_WOO_SECRET"),
		Pace: 200 * time.Millisecond,
	}
	if target.URL == "" || target.Key == "" || target.Secret == "" {
		t.Skip("TILLWIRE_TEST_WOO_URL, _KEY and _SECRET name no real store")
	}
	if file := os.Getenv("TILLWIRE_TEST_WOO_CA"); file != "" {
		pem, err := os.ReadFile(file) //nolint:gosec // whoever runs the test names it
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			t.Fatalf("TILLWIRE_TEST_WOO_CA: %s holds no certificate (%v)", file, err)
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
		t.Cleanup(transport.CloseIdleConnections)
		target.Transport = transport
	}
	if listen := os.Getenv("TILLWIRE_TEST_WOO_LISTEN"); listen != "" {
		target.Receive = func(h http.Handler) (string, func(), error) { return receive(listen, h) }
	}
	return target
}

// receive listens at the port of an address, on all interfaces.
func receive(address string, h http.Handler) (base string, stop func(), err error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", nil, fmt.Errorf("TILLWIRE_TEST_WOO_LISTEN: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", ":"+port)
	if err != nil {
		return "", nil, fmt.Errorf("TILLWIRE_TEST_WOO_LISTEN: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return "http://" + address, func() { _ = server.Close(); <-done }, nil
}

// Conformance checks that a store behaves as the recorded ones do, wherever this module relies on it: the same cases run against the
// store in memory and against real ones of WooCommerce 8.9 and later. It makes things of unmistakable names, depends on nothing else
// that the store holds, and removes what it made, also after a failure. Where versions differ each recorded behaviour is accepted.
//
//	func TestConformance(t *testing.T) { wootest.Conformance(t, wootest.FromEnvironment(t)) }
func Conformance(t *testing.T, target Target) {
	t.Helper()
	if target.Transport == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		target.Transport = transport
	}
	if target.Patience <= 0 {
		target.Patience = 4 * time.Minute
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	limiter := rate.NewLimiter(rate.Inf, 1)
	if target.Pace > 0 {
		limiter = rate.NewLimiter(rate.Every(target.Pace), 1)
	}
	client, err := woo.New(woo.Config{
		URL: target.URL, Key: target.Key, Secret: target.Secret, Limiter: limiter,
		HTTPClient: &http.Client{Transport: target.Transport, Timeout: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	x := &conformance{target: target, client: client, limiter: limiter, run: "tw" + hex.EncodeToString(id[:])}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, &bench{T: t, conformance: x})
		})
	}
}

// conformance is one run of the suite.
type conformance struct {
	target  Target
	client  *woo.Client
	limiter *rate.Limiter
	run     string // begins every name that is made
	made    int
	nonce   int
}

// bench is where one case works.
type bench struct {
	*testing.T
	*conformance
}

// name is unmistakable and not used before.
func (b *bench) name(what string) string {
	b.made++
	return fmt.Sprintf("%s-%s-%d", b.run, what, b.made)
}

// must ends the case.
func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// want reports got when it is something else.
func want[T comparable](b *bench, what string, got, want T) {
	b.Helper()
	if got != want {
		b.Errorf("%s: %v, want %v", what, got, want)
	}
}

// answerOf is what the store said, on the wire.
type answerOf struct {
	status int
	header http.Header
	text   string
	value  any // *object, []any, or nil when the text is no JSON
}

func (a *answerOf) object() *object {
	if o, isObject := a.value.(*object); isObject {
		return o
	}
	return obj()
}

func (a *answerOf) list() []any {
	l, _ := a.value.([]any)
	return l
}

// code is an error's.
func (a *answerOf) code() string { return a.object().text("code") }

// at walks into the answer: names of members and numbers of elements. What is not there is nil.
func (a *answerOf) at(path ...any) any { return within(a.value, path...) }

func within(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := v.(*object)
			if o == nil {
				return nil
			}
			v = o.get(step)
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// raw sends a request below wp-json/wc/v3/ as it stands, or below wp-json when path begins with a slash. path may hold a query; body is
// JSON or empty.
func (b *bench) raw(method, path, body string) *answerOf {
	b.Helper()
	return b.rawAs(b.target.Key, b.target.Secret, method, path, body)
}

func (b *bench) rawAs(key, secret, method, path, body string) *answerOf {
	b.Helper()
	a, err := b.send(b.Context(), key, secret, method, path, body)
	if err != nil {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (x *conformance) send(ctx context.Context, key, secret, method, path, body string) (*answerOf, error) {
	if err := x.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	target := strings.TrimRight(x.target.URL, "/") + "/wp-json/wc/v3/" + path
	if strings.HasPrefix(path, "/") {
		target = strings.TrimRight(x.target.URL, "/") + "/wp-json" + path
	}
	plainHTTP := strings.HasPrefix(target, "http://")
	if plainHTTP && key != "" {
		target = x.signed(method, target, key, secret)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tillwire-conformance")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if !plainHTTP && key != "" {
		req.SetBasicAuth(key, secret)
	}
	res, err := x.target.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	a := &answerOf{status: res.StatusCode, header: res.Header, text: string(text)}
	a.value, _ = parse(text)
	return a, nil
}

// signed adds OAuth 1.0a to a URL: over plain http nothing else is looked at.
func (x *conformance) signed(method, target, key, secret string) string {
	base, raw, _ := strings.Cut(target, "?")
	x.nonce++
	params := map[string]string{
		"oauth_consumer_key": key, "oauth_timestamp": fmt.Sprint(time.Now().Unix()), "oauth_nonce": fmt.Sprint(x.run, x.nonce),
		"oauth_signature_method": "HMAC-SHA256",
	}
	for name, v := range parseParams(raw) {
		params[name] = v.values[0]
	}
	mac := hmac.New(sha256.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&" + escape(base) + "&" + escape(baseParams(params))))
	params["oauth_signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return base + "?" + baseParams(params)
}

// refused checks that a request is answered by an error of this status and one of these codes.
func (b *bench) refused(a *answerOf, what string, status int, codes ...string) {
	b.Helper()
	if a.status != status || !slices.Contains(codes, a.code()) {
		b.Errorf("%s: %d %s, want %d %s", what, a.status, a.text[:min(len(a.text), 300)], status, strings.Join(codes, " or "))
	}
}

// create makes something and sees to it that it goes when the case ends.
func (b *bench) create(path, body string) *answerOf {
	b.Helper()
	a := b.raw(http.MethodPost, path, body)
	if a.status != http.StatusCreated {
		b.Fatalf("POST %s: %d %s", path, a.status, a.text[:min(len(a.text), 500)])
	}
	b.removeLater(path, a.object().int("id"))
	return a
}

// removeLater deletes for good what stands at path/id when the case ends. What is gone already is no trouble.
func (b *bench) removeLater(path string, id int64) {
	b.Helper()
	if id == 0 {
		return
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		query := "?force=true"
		if path == "customers" {
			query += "&reassign=0"
		}
		target := fmt.Sprintf("%s/%d", path, id)
		a, err := b.send(ctx, b.target.Key, b.target.Secret, http.MethodDelete, target+query, "")
		if err != nil || a.status != http.StatusOK && a.status != http.StatusNotFound && a.status != http.StatusGone && a.status != http.StatusBadRequest {
			b.Errorf("%s was not removed: %v %v", target, err, a)
		}
	})
}

// order makes an order; its fields are JSON without braces.
func (b *bench) order(fields string) *answerOf {
	b.Helper()
	return b.create("orders", "{"+fields+"}")
}

// product makes one with a SKU of its own.
func (b *bench) product(fields string) (id int64, sku string) {
	b.Helper()
	sku = b.name("SKU")
	if fields != "" {
		fields = "," + fields
	}
	a := b.create("products", fmt.Sprintf(`{"name":%q,"sku":%q%s}`, sku, sku, fields))
	return a.object().int("id"), sku
}

// put writes to a path and gives the answer's object.
func (b *bench) put(path, body string) *object {
	b.Helper()
	a := b.raw(http.MethodPut, path, body)
	if a.status != http.StatusOK {
		b.Fatalf("PUT %s: %d %s", path, a.status, a.text[:min(len(a.text), 500)])
	}
	return a.object()
}

// get reads a path.
func (b *bench) get(path string) *answerOf {
	b.Helper()
	a := b.raw(http.MethodGet, path, "")
	if a.status != http.StatusOK {
		b.Fatalf("GET %s: %d %s", path, a.status, a.text[:min(len(a.text), 500)])
	}
	return a
}

// jsonText is a value as the store would send it, for comparison.
func jsonText(v any) string { return string(encode(nil, v)) }

// ids of a list, as text.
func (a *answerOf) ids() string {
	var all []string
	for _, v := range a.list() {
		all = append(all, jsonText(within(v, "id")))
	}
	return strings.Join(all, ",")
}

// isKind reports an err that is not of the kind named.
func (b *bench) isKind(what string, err, kind error) {
	b.Helper()
	if !errors.Is(err, kind) {
		b.Errorf("%s: %v, want %v", what, err, kind)
	}
}
