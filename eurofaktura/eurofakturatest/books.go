package eurofakturatest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/internal/fakehttp"
)

// Config describes an organisation. The zero value is one at https://eurofaktura.test/WebServices/API.
type Config struct {
	// Endpoint is the URL. The server answers under any host.
	Endpoint string
	// Username, SecretKey, Password and Token are good together with either SecretKey or Password. Defaults: made up, always the same.
	Username, SecretKey, Password, Token string
	// Location is the clock of its times. Default two hours east of UTC, so that a time read in the wrong zone is seen.
	Location *time.Location

	// NoTransactionIDs lets apiTransactionId be ignored: everything that arrives is booked.
	NoTransactionIDs bool
	// RefuseRepeats answers a known apiTransactionId with an error instead of the first result.
	RefuseRepeats bool
	// BookAfter is how long a created document stays out of lists and Gets. Default: at once.
	BookAfter time.Duration
	// NoReferencesInLists leaves orderReference and referenceDocumentNumber out of list rows.
	NoReferencesInLists bool
	// IgnoreStatus lets SalesOrderUpdate answer ok and leave the status as it is.
	IgnoreStatus bool
	// ReplaceOnUpdate lets an update replace the whole document, instead of the members it names.
	ReplaceOnUpdate bool
	// StatusOnCreate is the status of an order that was created without one.
	StatusOnCreate string
	// Rounding says how the total of a document with VAT on top comes about.
	Rounding Rounding

	// Starts and Window are how many requests of one user may start within which time. Default 4 in 4 s; negative Starts: any number.
	Starts int
	Window time.Duration
	// MaxDocuments, MaxProducts and MaxStock are the caps of lists. Default 500, 10,000 and 50,000.
	MaxDocuments, MaxProducts, MaxStock int
}

// String leaves the secrets out.
func (c Config) String() string {
	return fmt.Sprintf("eurofakturatest.Config{Endpoint:%q}", c.Endpoint)
}

// GoString leaves the secrets out.
func (c Config) GoString() string { return c.String() }

// Rounding is how VAT is added.
type Rounding int

const (
	// PerRate adds up the net amounts of each rate and rounds its VAT once.
	PerRate Rounding = iota
	// PerLine rounds the VAT of each line.
	PerLine
	// AtEnd adds everything up unrounded and rounds the total.
	AtEnd
)

// Kind is a kind of document.
type Kind string

// The kinds that tests ask for most. Any other of the vendor's names will do as well.
const (
	SalesOrder   Kind = "SalesOrder"
	SalesInvoice Kind = "SalesInvoice"
)

// Document is what was booked.
type Document struct {
	ID, Number  string
	Kind        Kind
	Transaction string         // apiTransactionId
	Fields      map[string]any // as sent, numbers as json.Number; "status" as it is now
	Amount      decimal.Decimal
	Payments    []map[string]any
	Files       map[string][]byte
	At          time.Time
}

// Text is a field as text.
func (d Document) Text(name string) string {
	v, ok := d.Fields[name]
	if !ok || v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// Items are the lines.
func (d Document) Items() []map[string]any {
	var all []map[string]any
	list, _ := d.Fields["Items"].([]any)
	for _, v := range list {
		if item, ok := v.(map[string]any); ok {
			all = append(all, item)
		}
	}
	return all
}

// Request is one request that reached the server, for assertions. It holds no credential.
type Request struct {
	Method     string // of the RPC
	Parameters json.RawMessage
	CLI        bool
	Status     int // of the answer; 0 when there was none
	At         time.Time
}

// Books is an organisation. It is safe for concurrent use.
type Books struct {
	config Config
	path   string // of the endpoint
	faults *fakehttp.Injector

	mu        sync.Mutex
	busy      bool
	starts    []time.Time
	overlaps  int
	crowded   int
	script    func(Call) *Answer
	documents []*Document
	next      int
	done      map[string]map[string]any // method and transaction to the first result
	products  map[string]map[string]any
	partners  map[string]map[string]any
	stock     map[[2]string]decimal.Decimal // warehouse, product
	requests  []Request
	transport *fakehttp.Transport
}

// New opens an organisation without documents. Close it.
func New(c Config) (*Books, error) {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&c.Endpoint, "https://eurofaktura.test/WebServices/API")
	def(&c.Username, "SHOPBOT")
	def(&c.SecretKey, "0123456789abcdef0123456789abcdef")
	def(&c.Password, "Tajna!42")
	def(&c.Token, "0123456789ABCDEF0123456789ABCDEF")
	c.Endpoint = strings.TrimRight(c.Endpoint, "/")
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("eurofakturatest: Config.Endpoint %q is no http or https URL", c.Endpoint)
	}
	if c.Location == nil {
		c.Location = time.FixedZone("Europe/Sofia", 2*60*60)
	}
	number := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	number(&c.Starts, 4)
	number(&c.MaxDocuments, 500)
	number(&c.MaxProducts, 10_000)
	number(&c.MaxStock, 50_000)
	if c.Window == 0 {
		c.Window = 4 * time.Second
	}
	b := &Books{
		config: c, path: u.Path, done: map[string]map[string]any{}, products: map[string]map[string]any{},
		partners: map[string]map[string]any{}, stock: map[[2]string]decimal.Decimal{},
	}
	b.faults = fakehttp.NewInjector(http.HandlerFunc(b.serve), func(f fakehttp.Fault) (contentType, body string, ok bool) {
		if f == fakehttp.TooMany {
			return jsonType, failure("", "Too many requests from the client IP address"), true
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

// Transport reaches the server over in-memory pipes, whatever host a URL names. Within a synctest bubble make the Books inside it.
func (b *Books) Transport() http.RoundTripper {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.transport == nil {
		b.transport = fakehttp.NewTransport(b)
	}
	return b.transport
}

// Config is what eurofaktura.New needs to reach the server without a socket.
func (b *Books) Config() eurofaktura.Config {
	return eurofaktura.Config{
		Endpoint: b.config.Endpoint, Username: b.config.Username, SecretKey: b.config.SecretKey, Token: b.config.Token,
		Location: b.config.Location, HTTPClient: &http.Client{Transport: b.Transport()},
	}
}

// Start serves the organisation on a loopback address until stop is called.
func (b *Books) Start() (endpoint string, stop func(), err error) {
	address, stop, err := fakehttp.Start(b)
	if err != nil {
		return "", nil, err
	}
	return address + b.path, stop, nil
}

// Documents returns all that was booked and not deleted, oldest first.
func (b *Books) Documents() []Document {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Document, len(b.documents))
	for i, d := range b.documents {
		all[i] = *d
		all[i].Fields = maps.Clone(d.Fields)
	}
	return all
}

// Count returns how many documents of a kind have an apiTransactionId; an empty one counts all of the kind.
func (b *Books) Count(kind Kind, transaction string) int {
	n := 0
	for _, d := range b.Documents() {
		if d.Kind == kind && (transaction == "" || d.Transaction == transaction) {
			n++
		}
	}
	return n
}

// Duplicates returns how many documents are one too many: beyond the first of their kind and apiTransactionId.
func (b *Books) Duplicates() int {
	all := b.Documents()
	seen := map[[2]string]bool{}
	twice := 0
	for _, d := range all {
		key := [2]string{string(d.Kind), d.Transaction}
		if d.Transaction != "" && seen[key] {
			twice++
		}
		seen[key] = true
	}
	return twice
}

// Collisions returns how many requests came while another was in hand, and how many were a start too many within the window. Each was
// answered by an error and did nothing.
func (b *Books) Collisions() (overlapping, crowding int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.overlaps, b.crowded
}

// Requests returns what reached the server so far, oldest first.
func (b *Books) Requests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// ForgetRequests empties that log.
func (b *Books) ForgetRequests() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = nil
}

// AddDocument books a document that came by another way, without asking anything, and returns its id.
func (b *Books) AddDocument(kind Kind, fields map[string]any) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	d := &Document{
		ID: fmt.Sprintf("%d:%d", classes[kind], 880000+b.next), Number: fmt.Sprintf("X-%05d", b.next), Kind: kind,
		Fields: maps.Clone(fields), At: time.Now().UTC(),
	}
	d.Amount = b.amount(d.Fields)
	b.documents = append(b.documents, d)
	return d.ID
}

// SetStatus changes a document's status, as a person does in the program, or the program itself when an invoice is issued.
func (b *Books) SetStatus(id, status string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.documents {
		if d.ID == id {
			d.Fields["status"] = status
			return nil
		}
	}
	return fmt.Errorf("eurofakturatest: there is no document %q", id)
}

// AddProduct puts an article into the catalogue, by the members of "product".
func (b *Books) AddProduct(fields map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.products[fmt.Sprint(fields["productCode"])] = fields
}

// Product returns an article of the catalogue; nil when there is none.
func (b *Books) Product(code string) map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.products[code])
}

// Partner returns a partner by its code; nil when there is none.
func (b *Books) Partner(code string) map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.partners[code])
}

// SetStock says how much of an article a warehouse has available.
func (b *Books) SetStock(warehouse, product string, quantity decimal.Decimal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stock[[2]string{warehouse, product}] = quantity
}
