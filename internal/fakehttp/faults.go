package fakehttp

import (
	"bytes"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Fault is one way in which a request goes wrong.
type Fault string

// The faults. Of Lost, Cut, Truncated, GatewayTimeout and Hang the request has had its effect: these are the lost answers.
const (
	None           Fault = ""                // the request is answered
	TooMany        Fault = "429"             // 429 with Retry-After
	ServerError    Fault = "500"             // 500 as the application itself words it
	BadGateway     Fault = "502"             // 502, a proxy's HTML page
	Unavailable    Fault = "503"             // 503 with Retry-After, a maintenance page
	Page           Fault = "page"            // 200, an HTML page where JSON belongs
	Dropped        Fault = "dropped"         // the connection is closed before anything was done
	Lost           Fault = "lost"            // all is done, then the connection is closed without an answer
	Cut            Fault = "cut"             // all is done, then the connection breaks in the middle of the body
	Truncated      Fault = "truncated"       // all is done, the answer is whole as HTTP, its body half as long
	GatewayTimeout Fault = "gateway-timeout" // all is done, but the proxy has given up: 504, its HTML page
	Hang           Fault = "hang"            // all is done, then nothing until the client gives up
)

// allFaults are what Faults.Kinds stands for when empty: all but Hang, which takes as long as the client's patience.
var allFaults = []Fault{TooMany, ServerError, BadGateway, Unavailable, Page, Dropped, Lost, Cut, Truncated, GatewayTimeout}

// Faults says what goes wrong, and when. The zero value: nothing.
type Faults struct {
	// Rate is the share of requests that meet a fault, 0 to 1.
	Rate float64
	// Kinds may happen, each as likely as the others. Default: all but Hang.
	Kinds []Fault
	// Seed chooses. What a request meets depends on Seed, its method, path and body, and on how many times just that was sent
	// before: not on the order in which different requests arrive.
	Seed uint64
	// Latency delays each answer by half to all of it, chosen by Seed too.
	Latency time.Duration
	// RetryAfter is the header sent with 429 and 503, in whole seconds, rounded up. Default 1 s; negative sends none.
	RetryAfter time.Duration
	// Script, when not nil, is asked instead of Rate and Kinds.
	Script func(r *http.Request) Fault
	// OutageAfter requests, and for Outage from then on, every request meets OutageKind (default Unavailable). An Outage of 0
	// is none.
	OutageAfter int
	Outage      time.Duration
	OutageKind  Fault
}

// Stats counts what was done to the requests.
type Stats struct {
	Requests    int           // that arrived
	Faults      int           // that met a fault, an outage included
	AnswersLost int           // of these: the effect happened, the caller was not told
	Outage      time.Duration // how long outages have lasted up to now
}

// Injector lets requests to a handler go wrong. It is safe for concurrent use.
type Injector struct {
	next http.Handler
	// body words a fault in the application's own way, ok false for those it leaves to the proxy's HTML.
	body func(f Fault) (contentType, body string, ok bool)

	mu      sync.Mutex
	faults  Faults
	seen    map[uint64]uint64 // how many times a request was sent
	armed   int               // Requests when the faults were set
	outage  struct{ start, end time.Time }
	past    time.Duration // of outages that are over
	kind    Fault         // of the current outage
	counted Stats
}

// NewInjector puts an Injector before next. body, which may be nil, words faults in the application's own way.
func NewInjector(next http.Handler, body func(f Fault) (contentType, body string, ok bool)) *Injector {
	return &Injector{next: next, body: body, seen: map[uint64]uint64{}}
}

// Set replaces the faults. An outage under way goes on.
func (i *Injector) Set(f Faults) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults, i.armed = f, i.counted.Requests
	clear(i.seen)
}

// StartOutage begins an outage now; the one before, if it still lasts, ends. A d of 0 ends it.
func (i *Injector) StartOutage(d time.Duration, kind Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.startOutage(time.Now(), d, kind)
}

func (i *Injector) startOutage(now time.Time, d time.Duration, kind Fault) {
	i.past += i.outageSoFar(now)
	i.outage.start, i.outage.end = now, now.Add(d)
	if i.kind = kind; kind == None {
		i.kind = Unavailable
	}
}

func (i *Injector) outageSoFar(now time.Time) time.Duration {
	if now.After(i.outage.end) {
		now = i.outage.end
	}
	return now.Sub(i.outage.start)
}

// Stats returns the counts up to now.
func (i *Injector) Stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.counted
	s.Outage = i.past + i.outageSoFar(time.Now())
	return s
}

// ServeHTTP implements [http.Handler].
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away while it spoke
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fault, delay, retryAfter := i.decide(r, body)
	r.Body = io.NopCloser(bytes.NewReader(body)) // a script may have read it
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	i.meet(w, r, fault, retryAfter)
}

func (i *Injector) decide(r *http.Request, body []byte) (f Fault, delay, retryAfter time.Duration) {
	h := fnv.New64a()
	for _, part := range []string{r.Method, r.URL.Path, string(body)} {
		_, _ = io.WriteString(h, part)
		_, _ = h.Write([]byte{0})
	}
	key := h.Sum64()

	i.mu.Lock()
	defer i.mu.Unlock()
	i.counted.Requests++
	i.seen[key]++
	//nolint:gosec // repeatable on purpose
	dice := rand.New(rand.NewPCG(i.faults.Seed, key+i.seen[key]*0x9e3779b97f4a7c15))
	if i.faults.Latency > 0 {
		delay = time.Duration((1 + dice.Float64()) / 2 * float64(i.faults.Latency))
	}
	if i.faults.Outage > 0 && i.counted.Requests-i.armed > i.faults.OutageAfter {
		i.startOutage(time.Now(), i.faults.Outage, i.faults.OutageKind)
		i.faults.Outage = 0 // once
	}
	switch kinds := i.faults.Kinds; {
	case time.Now().Before(i.outage.end):
		f = i.kind
	case i.faults.Script != nil:
		f = i.faults.Script(r)
	case dice.Float64() < i.faults.Rate:
		if len(kinds) == 0 {
			kinds = allFaults
		}
		f = kinds[dice.IntN(len(kinds))]
	}
	if f != None {
		i.counted.Faults++
	}
	switch f {
	case Lost, Cut, Truncated, GatewayTimeout, Hang:
		i.counted.AnswersLost++
	}
	return f, delay, i.faults.RetryAfter
}

func (i *Injector) meet(w http.ResponseWriter, r *http.Request, f Fault, retryAfter time.Duration) {
	switch f {
	case None:
		i.next.ServeHTTP(w, r)
	case TooMany, ServerError, BadGateway, Unavailable, Page:
		i.refuse(w, f, retryAfter)
	case Dropped:
		panic(http.ErrAbortHandler)
	default:
		done := &answer{header: http.Header{}, status: http.StatusOK}
		i.next.ServeHTTP(done, r)
		switch f {
		case Cut, Truncated:
			done.send(w, f == Cut)
		case GatewayTimeout:
			i.refuse(w, f, retryAfter)
		case Hang:
			<-r.Context().Done()
		}
		if f != Truncated && f != GatewayTimeout {
			panic(http.ErrAbortHandler)
		}
	}
}

// refuse answers in place of the handler.
func (i *Injector) refuse(w http.ResponseWriter, f Fault, retryAfter time.Duration) {
	status := map[Fault]int{TooMany: 429, ServerError: 500, BadGateway: 502, Unavailable: 503, GatewayTimeout: 504, Page: 200}[f]
	contentType, body, ok := "text/html; charset=UTF-8", pages[f], false
	if i.body != nil {
		if ct, b, own := i.body(f); own {
			contentType, body, ok = ct, b, own
		}
	}
	if body == "" && !ok {
		body = "<html>\n<head><title>" + http.StatusText(status) + "</title></head>\n<body></body>\n</html>\n"
	}
	w.Header().Set("Content-Type", contentType)
	if (f == TooMany || f == Unavailable) && retryAfter >= 0 {
		seconds := int((retryAfter + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(max(seconds, 1)))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// pages are what a proxy or a plugin puts where JSON belongs.
var pages = map[Fault]string{
	BadGateway: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<h1>502 Bad Gateway</h1>\r\n" +
		"<hr>nginx\r\n</body>\r\n</html>\r\n",
	GatewayTimeout: "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n" +
		"<h1>504 Gateway Time-out</h1>\r\n<hr>nginx\r\n</body>\r\n</html>\r\n",
	Unavailable: "<!DOCTYPE html>\n<html>\n<head><title>Maintenance</title></head>\n<body><h1>Briefly unavailable for scheduled " +
		"maintenance. Check back in a minute.</h1></body>\n</html>\n",
	Page: "<!DOCTYPE html>\n<html>\n<head><title>Just a moment...</title></head>\n<body>Checking your browser</body>\n</html>\n",
}

// answer keeps what a handler says.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// send passes half of the body on. With cut the header announces all of it; else the half is a whole answer.
func (a *answer) send(w http.ResponseWriter, cut bool) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	half := a.body.Bytes()[:a.body.Len()/2]
	w.Header().Set("Content-Length", strconv.Itoa(len(half)))
	if cut {
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(half)
	_ = http.NewResponseController(w).Flush()
}
