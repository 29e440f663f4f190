package eurofakturatest

import (
	"net/http"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
)

// Fault is one way in which a request goes wrong.
type Fault = fakehttp.Fault

// The faults. Of Lost, Cut, Truncated, GatewayTimeout and Hang the request has had its effect: these are the lost answers.
const (
	None           = fakehttp.None           // the request is answered
	TooMany        = fakehttp.TooMany        // 429 with the server's JSON
	ServerError    = fakehttp.ServerError    // 500, without the JSON of a business error
	BadGateway     = fakehttp.BadGateway     // 502, a proxy's HTML page
	Unavailable    = fakehttp.Unavailable    // 503 with Retry-After, an HTML page
	Page           = fakehttp.Page           // 200, an HTML page where JSON belongs
	Dropped        = fakehttp.Dropped        // the connection is closed before anything was done
	Lost           = fakehttp.Lost           // all is done, then the connection is closed without an answer
	Cut            = fakehttp.Cut            // all is done, then the connection breaks in the middle of the body
	Truncated      = fakehttp.Truncated      // all is done, the answer is whole as HTTP, its body half as long
	GatewayTimeout = fakehttp.GatewayTimeout // all is done, but the proxy has given up: 504, its HTML page
	Hang           = fakehttp.Hang           // all is done, then nothing until the client gives up
)

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
	// Script, when not nil, is asked instead of Rate and Kinds. It may read the request, its body too.
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

// SetFaults replaces the faults. An outage under way goes on.
func (b *Books) SetFaults(f Faults) { b.faults.Set(fakehttp.Faults(f)) }

// StartOutage lets every request meet the fault (default Unavailable) for d from now; 0 ends an outage.
func (b *Books) StartOutage(d time.Duration, f Fault) { b.faults.StartOutage(d, f) }

// Stats returns the counts up to now.
func (b *Books) Stats() Stats { return Stats(b.faults.Stats()) }
