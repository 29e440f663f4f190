package sitootest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/sitoo"
)

// Config describes an account. The zero value is one at https://sitoo.test/v2/accounts/91234 with site 1 and no limit of requests.
type Config struct {
	// BaseURL is the account's address. Default https://sitoo.test/v2/accounts/91234. The account answers under any host.
	BaseURL string
	// APIID and Password are its key. Default "91234-7" and one that is always the same.
	APIID, Password string
	// Limit is how many requests a time slot has, 0 for no limit; Slot how long one is, default a minute. Slots begin at whole multiples of it.
	Limit int
	Slot  time.Duration
	// Silent leaves the rate headers out.
	Silent bool
}

// String leaves the password out.
func (c Config) String() string {
	return fmt.Sprintf("sitootest.Config{BaseURL:%q, APIID:%q}", c.BaseURL, c.APIID)
}

// GoString leaves the password out.
func (c Config) GoString() string { return c.String() }

// Request is one request that reached the account, for assertions.
type Request struct {
	Method string
	Path   string // below the account: "sites/1/products.json"
	Query  url.Values
	Body   string
	Status int
	At     time.Time
}

// Till is an account. It is safe for concurrent use.
type Till struct {
	config Config
	path   string
	faults *fakehttp.Injector

	mu        sync.Mutex
	inFlight  int
	slot      int64 // number of the running time slot
	used      int   // requests in it
	requests  []Request
	refused   int // requests answered 429
	tables    map[string]*table
	shelves   map[int64]map[string]*stock // by warehouse and SKU
	ledger    []record                    // transactions
	images    map[string][]record         // "5101/images"
	library   map[string]record
	families  map[int64][]record // groups, by main variant
	batches   map[int64]map[string]record
	delivered map[int64][]record
	logs      map[int64][]record
	prices    map[int64]map[string]record
	nextID    int64
	transport *fakehttp.Transport
}

// New opens an account with the default VAT groups and price list, and nothing else. Close it.
func New(c Config) (*Till, error) {
	if c.BaseURL == "" {
		c.BaseURL = "https://sitoo.test/v2/accounts/91234"
	}
	if c.APIID == "" {
		c.APIID = "91234-7"
	}
	if c.Password == "" {
		c.Password = "fake-password-of-a-fake-till"
	}
	if c.Slot == 0 {
		c.Slot = time.Minute
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("sitootest: Config.BaseURL %q is no URL", c.BaseURL)
	}
	t := &Till{
		config: c, path: strings.TrimRight(u.Path, "/"), tables: tables(), shelves: map[int64]map[string]*stock{}, images: map[string][]record{},
		library: map[string]record{}, families: map[int64][]record{}, batches: map[int64]map[string]record{}, delivered: map[int64][]record{},
		logs: map[int64][]record{}, prices: map[int64]map[string]record{}, nextID: 5000,
	}
	t.faults = fakehttp.NewInjector(http.HandlerFunc(t.serve), func(f fakehttp.Fault) (contentType, body string, ok bool) {
		switch f {
		case fakehttp.ServerError:
			return jsonType, `{"statuscode":500,"errortext":"Internal error"}`, true
		case fakehttp.TooMany:
			return jsonType, `{"statuscode":429,"errortext":"Too many requests"}`, true
		}
		return "", "", false
	})
	for _, g := range []record{
		{"value": 25, "productgrouptype": 10, "productgroupname": "Varor 25 %"}, {"value": 12, "productgrouptype": 10, "productgroupname": "Livsmedel"},
		{"value": 6, "productgrouptype": 10, "productgroupname": "Böcker"}, {"value": 25, "productgrouptype": 20, "productgroupname": "Tjänster 25 %"},
	} {
		vat := t.tables["productgroups"]
		vat.insert(int64(2+len(vat.rows)), g)
	}
	t.tables["pricelists"].insert(1, record{"pricelistname": "Default", "active": true, "currencycode": "SEK"})
	return t, nil
}

// Close ends the connections of Transport. No goroutine survives it.
func (t *Till) Close() {
	t.mu.Lock()
	transport := t.transport
	t.mu.Unlock()
	if transport != nil {
		transport.Close()
	}
}

// Transport reaches the account over in-memory pipes, whatever host a URL names. Within a synctest bubble make the Till inside it.
func (t *Till) Transport() http.RoundTripper {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.transport == nil {
		t.transport = fakehttp.NewTransport(t)
	}
	return t.transport
}

// Config is what sitoo.New needs to reach the account without a socket.
func (t *Till) Config() sitoo.Config {
	return sitoo.Config{
		BaseURL: t.config.BaseURL, APIID: t.config.APIID, Password: t.config.Password, HTTPClient: &http.Client{Transport: t.Transport()},
	}
}

// Start serves the account on a loopback address until stop is called.
func (t *Till) Start() (baseURL string, stop func(), err error) {
	address, stop, err := fakehttp.Start(t)
	if err != nil {
		return "", nil, err
	}
	return address + t.path, stop, nil
}

// Requests returns the requests up to now, in the order of their arrival; those that met a fault before Sitoo saw them are not among them.
func (t *Till) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// Refused is how many requests were answered 429.
func (t *Till) Refused() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}

const jsonType = "application/json; charset=utf-8"

// ServeHTTP implements http.Handler. Two requests at once are one too many.
func (t *Till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	t.inFlight++
	busy := t.inFlight > 1
	if busy {
		t.refused++
	}
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.inFlight--
		t.mu.Unlock()
	}()
	if busy {
		answer(w, reply{http.StatusTooManyRequests, fault("Too many connections")})
		return
	}
	t.faults.ServeHTTP(w, r)
}

// reply is an answer: what stands in it is encoded as JSON.
type reply struct {
	status int
	body   any
}

func ok(body any) reply { return reply{http.StatusOK, body} }

func bad(format string, args ...any) reply {
	return reply{http.StatusBadRequest, fault(fmt.Sprintf(format, args...))}
}

type failure struct {
	Status int    `json:"statuscode"`
	Text   string `json:"errortext"`
}

func fault(text string) *failure { return &failure{Text: text} }

func answer(w http.ResponseWriter, r reply) {
	if f, isFault := r.body.(*failure); isFault {
		f.Status = r.status
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(body)
}

// serve answers one request that met no fault.
func (t *Till) serve(w http.ResponseWriter, r *http.Request) {
	body := readBody(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	path, below := strings.CutPrefix(r.URL.Path, t.path+"/")
	seen := Request{Method: r.Method, Path: path, Query: r.URL.Query(), Body: string(body), At: time.Now().UTC()}
	user, password, _ := r.BasicAuth()
	var re reply
	switch {
	case !below:
		re = reply{http.StatusNotFound, fault("Not found")}
	case user != t.config.APIID || password != t.config.Password:
		re = reply{http.StatusUnauthorized, fault("Unauthorized")}
	case !t.allowed(w):
		t.refused++
		re = reply{http.StatusTooManyRequests, fault("Too many requests")}
	default:
		re = t.route(&request{
			method: r.Method, path: strings.Split(strings.TrimSuffix(path, ".json"), "/"), query: r.URL.Query(), body: body, raw: r,
		})
	}
	seen.Status = re.status
	t.requests = append(t.requests, seen)
	answer(w, re)
}

// allowed counts a request into its time slot.
func (t *Till) allowed(w http.ResponseWriter) bool {
	if t.config.Limit == 0 {
		return true
	}
	now := time.Now()
	if slot := now.UnixNano() / int64(t.config.Slot); slot != t.slot {
		t.slot, t.used = slot, 0
	}
	over := t.used >= t.config.Limit
	if !over {
		t.used++
	}
	if !t.config.Silent {
		reset := time.Unix(0, (t.slot+1)*int64(t.config.Slot))
		w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(t.config.Limit-t.used))
		w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Add(time.Second-1).Unix(), 10))
	}
	return !over
}
