package kledotest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/kledo"
)

// Config describes an account. The zero value is one at https://kledo.test/api/v1.
type Config struct {
	// Endpoint is the base URL. Default https://kledo.test/api/v1. The account answers under any host.
	Endpoint string
	// Token is the API key. Default: one of Kledo's form, always the same.
	Token string
	// BookAfter is how long an accepted POST waits before GET woocommerce/transactions shows its document: the real Kledo books
	// asynchronously. The document counts from the start in Documents, Count and Duplicates. Default: at once.
	BookAfter time.Duration
	// Accounts and Warehouses are what the lists show. Default: a few of each.
	Accounts   []Account
	Warehouses []Warehouse
	// Taxes are percentages ("11") by tax_id, for lines of finance/*. Default: there is no tax.
	Taxes map[int]string
}

// Booking is what becomes of a document that the account has accepted.
type Booking struct {
	// After is how long it takes: until then nobody sees the document, nor why it was refused.
	After time.Duration
	// Refusal, if not empty, is why it is not booked after all: what order_failure or invoice_failure says. On finance/*, which books
	// at once or not at all, it is the answer, with 400.
	Refusal string
}

// String leaves the key out.
func (c Config) String() string { return fmt.Sprintf("kledotest.Config{Endpoint:%q}", c.Endpoint) }

// GoString leaves the key out.
func (c Config) GoString() string { return c.String() }

// Account is a line of GET finance/accounts/suggestionPerPage.
type Account struct {
	ID       int
	Name     string
	Code     string // ref_code
	Category int    // finance_account_category_id: 1 cash and bank, 17 others
}

// Warehouse is a line of GET finance/warehouses.
type Warehouse struct {
	ID         int
	Name, Code string
}

// Request is one request that reached the account, for assertions.
type Request struct {
	Method, Path, UserAgent, ContentType string
	Status                               int // of the answer; 0 when there was none
	At                                   time.Time
}

// Books is an account. It is safe for concurrent use.
type Books struct {
	config Config
	path   string // of the endpoint
	faults *fakehttp.Injector

	mu        sync.Mutex
	token     string // "": none is good
	rotateTo  string
	code      string // of the person who has just authorized the application
	refresh   string // the refresh token that is good
	script    func(Call) *Answer
	decide    func(Document) Booking
	documents []Document
	refused   map[one]refusal
	tables    map[string]*table
	lastID    int
	requests  []Request
	transport *fakehttp.Transport
}

// one is a kind of document of an order.
type one struct {
	kind  Kind
	order int64
}

// refusal is why the last document of an order and kind was not booked.
type refusal struct {
	words string
	from  time.Time // from when on it is known
}

// New opens an account without documents. Close it.
func New(c Config) (*Books, error) {
	if c.Endpoint == "" {
		c.Endpoint = "https://kledo.test/api/v1"
	}
	c.Endpoint = strings.TrimRight(c.Endpoint, "/")
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("kledotest: Config.Endpoint %q is no http or https URL", c.Endpoint)
	}
	if c.Token == "" {
		c.Token = "kledo_pat_Fake00_0123456789abcdefghijklmnopqrstuvwxyz"
	}
	if c.Accounts == nil {
		c.Accounts = []Account{{1, "Kas", "1-10001", 1}, {2, "Rekening Bank", "1-10002", 1}, {55, "Kartu Kredit", "2-20101", 17}, {90, "Penjualan", "4-40000", 13}}
	}
	if c.Warehouses == nil {
		c.Warehouses = []Warehouse{{1, "Gudang Utama", "GU"}, {2, "Toko", "TK"}}
	}
	b := &Books{config: c, path: u.Path, token: c.Token, refused: map[one]refusal{}, tables: newTables(c)}
	b.faults = fakehttp.NewInjector(http.HandlerFunc(b.serve), func(f fakehttp.Fault) (contentType, body string, ok bool) {
		switch f {
		case fakehttp.ServerError:
			return jsonType, `{"message":"Server Error"}`, true
		case fakehttp.TooMany:
			return jsonType, `{"message":"Too Many Attempts."}`, true
		}
		return "", "", false
	})
	return b, nil
}

// Close ends the connections of Transport. No goroutine survives it.
func (b *Books) Close() {
	b.mu.Lock()
	t := b.transport
	b.mu.Unlock()
	if t != nil {
		t.Close()
	}
}

// Transport reaches the account over in-memory pipes, whatever host a URL names. Within a synctest bubble make the Books inside it.
func (b *Books) Transport() http.RoundTripper {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.transport == nil {
		b.transport = fakehttp.NewTransport(b)
	}
	return b.transport
}

// Config is what kledo.New needs to reach the account without a socket.
func (b *Books) Config() kledo.Config {
	return kledo.Config{Endpoint: b.config.Endpoint, Token: b.Token(), HTTPClient: &http.Client{Transport: b.Transport()}}
}

// Start serves the account on a loopback address until stop is called.
func (b *Books) Start() (endpoint string, stop func(), err error) {
	address, stop, err := fakehttp.Start(b)
	if err != nil {
		return "", nil, err
	}
	return address + b.path, stop, nil
}

// Token returns the key that is good now; "" when none is.
func (b *Books) Token() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.token
}

// Rotate lets the next answer with a JSON body, whatever its status, carry next as access_token. The old key is dead from then on,
// also when that answer gets lost.
func (b *Books) Rotate(next string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rotateTo = next
}

// SetToken makes key the only good one, as when a person makes a new key; "" revokes all.
func (b *Books) SetToken(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = key
}

// SetClerk lets f decide about each document that is accepted from now on; nil: Config.BookAfter. f is called under the account's lock:
// it must not call methods of Books.
func (b *Books) SetClerk(f func(Document) Booking) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.decide = f
}

// clerk decides about an accepted document.
func (b *Books) clerk(d Document) Booking {
	if b.decide != nil {
		return b.decide(d)
	}
	return Booking{After: b.config.BookAfter}
}

// book takes a document of the WooCommerce routes: it is booked later, or refused later.
func (b *Books) book(d Document) {
	booking := b.clerk(d)
	d.ready = d.At.Add(booking.After)
	delete(b.refused, one{d.Kind, d.OrderID})
	if booking.Refusal != "" {
		b.refused[one{d.Kind, d.OrderID}] = refusal{booking.Refusal, d.ready}
		return
	}
	b.documents = append(b.documents, d)
}

// Documents returns all that was booked, oldest first.
func (b *Books) Documents() []Document {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.documents)
}

// Count returns how many documents of a kind an order has; orderID 0 counts over all orders.
func (b *Books) Count(kind Kind, orderID int64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, d := range b.documents {
		if d.Kind == kind && (orderID == 0 || d.OrderID == orderID) {
			n++
		}
	}
	return n
}

// Duplicates returns how many documents are one too many: beyond the first of their order and kind.
func (b *Books) Duplicates() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := map[one]bool{}
	for _, d := range b.documents {
		seen[one{d.Kind, d.OrderID}] = true
	}
	return len(b.documents) - len(seen)
}

// Requests returns what reached the account so far, oldest first.
func (b *Books) Requests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// ServeHTTP implements [http.Handler].
func (b *Books) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	n := len(b.requests)
	b.requests = append(b.requests, Request{
		Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent(), ContentType: r.Header.Get("Content-Type"), At: time.Now().UTC(),
	})
	b.mu.Unlock()
	b.faults.ServeHTTP(&watched{ResponseWriter: w, status: func(status int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.requests[n].Status = status
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
