package wootest

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
)

// Fault is one way in which a request goes wrong.
type Fault = fakehttp.Fault

// The faults. Of Lost, Cut, Truncated, GatewayTimeout and Hang the request has had its effect: these are the lost answers.
const (
	None           = fakehttp.None           // the request is answered
	TooMany        = fakehttp.TooMany        // 429 with Retry-After, as a host sends it
	ServerError    = fakehttp.ServerError    // 500, WordPress's own JSON of a critical error
	BadGateway     = fakehttp.BadGateway     // 502, a proxy's HTML page
	Unavailable    = fakehttp.Unavailable    // 503 with Retry-After, WordPress's maintenance answer
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
func (s *Shop) SetFaults(f Faults) { s.faults.Set(fakehttp.Faults(f)) }

// StartOutage lets every request meet the fault (default Unavailable) for d from now; 0 ends an outage.
func (s *Shop) StartOutage(d time.Duration, f Fault) { s.faults.StartOutage(d, f) }

// Stats returns the counts up to now.
func (s *Shop) Stats() Stats { return Stats(s.faults.Stats()) }

// WebhookFaults says what goes wrong between the store's queue of webhooks and the host. The zero value: nothing.
type WebhookFaults struct {
	// Lost, Doubled and Late are shares of the deliveries, 0 to 1. A lost one never arrives and counts as a failure, of which the seventh
	// in a row disables the webhook; a doubled one arrives twice, with one delivery id; a late one waits for Delay, while others pass it.
	Lost, Doubled, Late float64
	// Delay of late deliveries: half to all of it. Default 10 minutes.
	Delay time.Duration
	// Shuffle sends what one run of the queue finds in any order.
	Shuffle bool
	// Seed chooses.
	Seed uint64
}

// SetWebhookFaults replaces the faults of webhooks. What waits already keeps its time.
func (s *Shop) SetWebhookFaults(f WebhookFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Delay <= 0 {
		f.Delay = 10 * time.Minute
	}
	//nolint:gosec // repeatable on purpose
	s.hookFaults = hookDice{f, rand.New(rand.NewPCG(f.Seed, 1))}
}

// hookDice throws for webhooks. Without faults there is no dice.
type hookDice struct {
	faults WebhookFaults
	dice   *rand.Rand
}

// due is when a new delivery may go.
func (d hookDice) due() time.Time {
	if d.dice == nil || d.dice.Float64() >= d.faults.Late {
		return time.Time{}
	}
	return time.Now().Add(d.faults.Delay/2 + time.Duration(d.dice.Int64N(int64(d.faults.Delay/2)+1)))
}

// times is how often a delivery is sent.
func (d hookDice) times() int {
	switch {
	case d.dice == nil:
		return 1
	case d.dice.Float64() < d.faults.Lost:
		return 0
	case d.dice.Float64() < d.faults.Doubled:
		return 2
	}
	return 1
}

func (d hookDice) shuffle(queue []event) {
	if d.dice != nil && d.faults.Shuffle {
		d.dice.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	}
}

// faultBody words faults as WordPress does for a client that accepts JSON.
func faultBody(f Fault) (contentType, body string, ok bool) {
	switch f {
	case ServerError:
		return jsonType, `{"code":"internal_server_error","message":"<p>There has been a critical error on this website.<\/p>",` +
			`"data":{"status":500},"additional_errors":[]}`, true
	case Unavailable:
		return jsonType, `{"code":"wp_die","message":"Briefly unavailable for scheduled maintenance. Check back in a minute.",` +
			`"data":{"status":503},"additional_errors":[]}`, true
	}
	return "", "", false
}

const jsonType = "application/json; charset=UTF-8"
