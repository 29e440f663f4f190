package wootest

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/woo"
)

//go:embed testdata/*.json testdata/*.ndjson testdata/fixed.json.gz
var recorded embed.FS

// Config describes a store. The zero value is a store at https://shop.test that is an hour ahead of UTC.
type Config struct {
	// URL is the store's home; a path makes it a subdirectory install. Default https://shop.test. With http:// it is a store without TLS:
	// keys then need OAuth. The store answers under any host.
	URL string
	// Key and Secret are a read_write key; see AddKey for others. Default: ck_ and cs_ and 40 hex digits.
	Key, Secret string
	// Location is the store's time zone. Default one hour east of UTC, so that a date read in the wrong zone is seen.
	Location *time.Location
	// Statuses of orders beyond WooCommerce's own, without wc-. Default "packed".
	Statuses []string
	// Version of WooCommerce that the store answers as: 11.0.1 (default), or 8.9.1, which lacks the routes and fields that came later and
	// keeps orders as PostsStorage does.
	Version string
	// PostsStorage keeps orders as before HPOS: edits of addresses, lines and meta data do not move date_modified, a PUT of equal
	// values does not either, and a page past the end tells the true totals.
	PostsStorage bool
	// DeliverEvery runs the webhook queue by itself, this often. Default: only when Deliver is called.
	DeliverEvery time.Duration
	// Deliveries carries webhooks to where DeliverTo does not reach. Default: an own http.Transport, that is: real sockets.
	Deliveries http.RoundTripper
}

// The versions that were recorded.
const (
	newest = "11.0.1"
	oldest = "8.9.1"
)

// String leaves the secret out.
func (c Config) String() string {
	return fmt.Sprintf("wootest.Config{URL:%q, Key:%q}", c.URL, c.Key)
}

// GoString leaves the secret out.
func (c Config) GoString() string { return c.String() }

// Permission is what a key may do.
type Permission string

// The permissions a key is given in the store's settings, and a key whose user may not see orders.
const (
	ReadWrite Permission = "read_write"
	ReadOnly  Permission = "read"
	WriteOnly Permission = "write"
	// Customer is a read_write key of a user who is a mere customer: 403 everywhere.
	Customer Permission = "customer"
)

// Request is one request that reached the store, for assertions. The query is left out: it may hold a key.
type Request struct {
	Method, Path string
	Status       int // of the answer; 0 when the request met a fault
	At           time.Time
}

// Shop is a store. It is safe for concurrent use.
type Shop struct {
	config Config
	home   *url.URL
	faults *fakehttp.Injector

	mu         sync.Mutex
	keys       map[string]key
	nonces     map[string]time.Time // OAuth nonces that were used
	orders     *table
	refunds    *table
	notes      *table
	products   *table // variations too: they are posts of one sequence
	customers  *table
	webhooks   *table
	kinds      map[string]*collection // by path
	things     *object                // what is known by name, lists by path; see fixed
	locations  map[int64][]*object    // of shipping zones
	templates  *templates
	next       struct{ post, note, customer, webhook, item, meta int64 }
	queue      []event
	hooks      map[int64]*hook
	saved      []int64 // webhooks, by the request in hand
	requests   []Request
	started    string // URL of the last Start
	trouble    Trouble
	hookFaults hookDice
	transport  *fakehttp.Transport

	deliver   sync.Mutex // one run of the queue at a time
	targets   []target
	fallback  *http.Transport
	stop      context.CancelFunc
	delivered sync.WaitGroup
}

type key struct {
	secret     string
	permission Permission
}

// New makes an empty store. Close it.
func New(c Config) (*Shop, error) {
	if c.URL == "" {
		c.URL = "https://shop.test"
	}
	home, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || home.Host == "" || (home.Scheme != "http" && home.Scheme != "https") {
		return nil, fmt.Errorf("wootest: Config.URL %q is no http or https URL", c.URL)
	}
	c.URL = home.String()
	if c.Location == nil {
		c.Location = time.FixedZone("", 3600)
	}
	switch c.Version {
	case "":
		c.Version = newest
	case newest:
	case oldest:
		c.PostsStorage = true
	default:
		return nil, fmt.Errorf("wootest: Config.Version %q is none that is known: %s, %s", c.Version, newest, oldest)
	}
	if c.Statuses == nil {
		c.Statuses = []string{"packed"}
	}
	if c.Key == "" {
		c.Key = "ck_" + madeUp("key")
	}
	if c.Secret == "" {
		c.Secret = "cs_" + madeUp("secret")
	}
	t, err := loadTemplates()
	if err != nil {
		return nil, err
	}
	collections, err := loadCollections()
	if err != nil {
		return nil, err
	}
	if c.Version == oldest {
		t.shorten()
	}
	s := &Shop{
		kinds: collections, locations: map[int64][]*object{}, config: c, home: home, templates: t,
		keys: map[string]key{c.Key: {c.Secret, ReadWrite}}, nonces: map[string]time.Time{}, hooks: map[int64]*hook{},
		orders: newTable(), refunds: newTable(), notes: newTable(), products: newTable(), customers: newTable(), webhooks: newTable(),
	}
	s.next.post, s.next.note, s.next.customer, s.next.webhook, s.next.item, s.next.meta = 1001, 1, 1, 1, 1, 1
	s.addKind("taxes", 0, s.kinds["taxes"].docs[0].clone())
	s.addKind("shipping/zones", 0, s.kinds["shipping/zones"].docs[0].clone())
	s.faults = fakehttp.NewInjector(http.HandlerFunc(s.serve), faultBody)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	if c.DeliverEvery > 0 {
		s.delivered.Go(func() { s.deliverEvery(ctx, c.DeliverEvery) })
	}
	return s, nil
}

// madeUp is 40 hex digits that look like a key and are the same every time.
func madeUp(what string) string {
	sum := sha256.Sum256([]byte("wootest " + what))
	return hex.EncodeToString(sum[:20])
}

// Close ends deliveries and connections. No goroutine of the store survives it.
func (s *Shop) Close() {
	s.stop()
	s.delivered.Wait()
	s.mu.Lock()
	transport, targets, fallback := s.transport, s.targets, s.fallback
	s.mu.Unlock()
	if transport != nil {
		transport.Close()
	}
	for _, t := range targets {
		t.transport.Close()
	}
	if fallback != nil {
		fallback.CloseIdleConnections()
	}
}

// Transport reaches the store over in-memory pipes, whatever host a URL names. It lives as long as the store; within a synctest
// bubble make the store inside it.
func (s *Shop) Transport() http.RoundTripper {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.transport == nil {
		s.transport = fakehttp.NewTransport(s)
	}
	return s.transport
}

// Config is what woo.New needs to reach the store without a socket.
func (s *Shop) Config() woo.Config {
	return woo.Config{
		URL: s.config.URL, Key: s.config.Key, Secret: s.config.Secret,
		HTTPClient: &http.Client{Transport: s.Transport()},
	}
}

// Start serves the store over plain http on a loopback address until stop is called. Keys then need OAuth.
func (s *Shop) Start() (url string, stop func(), err error) {
	url, stop, err = fakehttp.Start(s)
	return s.at(url), stop, err
}

// StartTLS serves the store over TLS on a loopback address until stop is called; caPEM is the certificate a client must trust.
func (s *Shop) StartTLS() (url string, caPEM []byte, stop func(), err error) {
	url, caPEM, stop, err = fakehttp.StartTLS(s)
	return s.at(url), caPEM, stop, err
}

// at adds the subdirectory, and makes the address the home that webhooks tell.
func (s *Shop) at(address string) string {
	if address == "" {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = address + s.home.Path
	return s.started
}

// AddKey adds a key of its own rights, or changes that of a known one.
func (s *Shop) AddKey(consumerKey, secret string, p Permission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[consumerKey] = key{secret, p}
}

// RemoveKey revokes a key.
func (s *Shop) RemoveKey(consumerKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, consumerKey)
}

// Requests returns what reached the store so far, oldest first.
func (s *Shop) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ForgetRequests empties the log that Requests returns.
func (s *Shop) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// ServeHTTP implements [http.Handler]. A request over TLS is known by r.TLS.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, At: time.Now().UTC()})
	s.mu.Unlock()
	s.faults.ServeHTTP(&watched{ResponseWriter: w, status: func(status int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n < len(s.requests) {
			s.requests[n].Status = status
		}
	}}, r)
}

// watched tells which status was sent.
type watched struct {
	http.ResponseWriter
	status func(int)
}

func (w *watched) WriteHeader(status int) {
	w.status(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an http.ResponseController flush.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
