package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Kind says what it would mean to send a call twice. The verb is only a hint: every read of Eurofaktura is a POST.
type Kind int

const (
	// Read changes nothing. It is sent again after any passing failure.
	Read Kind = iota
	// Write is an idempotent write: sent twice it leaves the same state as sent once. It is sent again like a Read.
	Write
	// Effect does something new each time it arrives. It is sent again only when it surely did not arrive: the
	// connection could not be made, 429, or an answer that [Call.Nothing] knows to mean that nothing was done.
	Effect
)

// Limiter paces requests. *rate.Limiter is one; a limiter that also has its Limit and SetLimit methods is slowed down on
// 429 and 503 and recovers by itself.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Config describes one remote account.
type Config struct {
	System     string                    // package name of the client, for logs and sentences: "woo"
	Base       *url.URL                  // scheme, host and path prefix; credentials never leave this scheme and host
	Authorize  func(*http.Request) error // adds credentials; called before every request, so that a nonce is fresh each time
	HTTPClient *http.Client              // default: an own client with a transport of its own and a 60 s time-out per try
	Limiter    Limiter                   // default: none
	Logger     *slog.Logger              // default: silent
	UserAgent  string                    // default: "tillwire-<System>"
	MaxBody    int64                     // bytes of an answer; default 32 MiB
	MaxTries   int                       // of one call, the first included; default 4
	MaxWait    time.Duration             // longest single wait before a try; a longer Retry-After ends the call; default 30 s
	// Observe is told of each call when it is over, by the goroutine that made it. Default: nobody.
	Observe func(context.Context, Observation)
}

// Call is one request. Its body is bytes, so that every try sends the same; nobody may change them before Do returns.
type Call struct {
	Op          string // for errors and logs: "orders.Create"
	Kind        Kind
	Method      string // default GET
	Path        string // below Base, escaped: "orders/12"; empty: Base itself
	Route       string // what errors and logs show instead of the path: "orders/{id}"; default Path
	Query       url.Values
	Header      http.Header
	Body        []byte
	ContentType string // default application/json when there is a body
	// Raw takes a 2xx answer as it is: empty, a PDF, CSV. Otherwise anything but JSON is a failure, save on 204, 205 and
	// HEAD. HTML stays a failure either way.
	Raw bool
	// Nothing reports that an answer means that nothing was done, as the vendor documents it; nil knows none. It makes a
	// passing failure of an Effect repeatable. The body is its head, at most 64 KiB.
	Nothing func(status int, body []byte) bool
	// Final reports that an answer with a passing status (5xx and the like) is the vendor's considered reply, which no
	// repeat would change, such as Eurofaktura's 500 for "nothing found"; nil knows none.
	Final func(status int, body []byte) bool
	// Divisible is a call of which the caller would rather send a part than the whole again: a time-out (also 408, 504, 524), a
	// crash (500) and a broken answer end it at once, since the size may be what did it.
	Divisible bool
}

// Response is a 2xx answer, read whole. On a Read a byte order mark and PHP notices before the JSON are already cut off.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte // the caller's until Release
	Attempts int    // tries, this one included
	// Cut is what stood before the JSON, at most 200 bytes; empty nearly always.
	Cut string

	release func()
}

// Release hands the memory of Body back for the next answer, which saves about 1 MB per page of orders. Nothing may
// point into Body afterwards; what encoding/json decoded does not. Whoever never calls it only pays for the garbage.
func (r *Response) Release() {
	if r.release != nil {
		r.release()
		r.release, r.Body = nil, nil
	}
}

// Client sends calls to one account. It is safe for concurrent use.
type Client struct {
	config  Config       // with defaults filled in
	http    *http.Client // own copy: redirects are ours, idle connections stay
	pace    pace         // what all calls of this client share
	buffers sync.Pool    // of *bytes.Buffer
}

const (
	defaultMaxBody  = 32 << 20
	defaultMaxTries = 4
	defaultMaxWait  = 30 * time.Second
	defaultTimeout  = 60 * time.Second
)

// New checks c and returns a Client. It calls nobody. An error names the field and shows no secret.
func New(c Config) (*Client, error) {
	switch b := c.Base; {
	case b == nil:
		return nil, errors.New("rest: Config.Base is missing")
	case b.Scheme != "https" && b.Scheme != "http":
		return nil, errors.New("rest: Config.Base: the scheme must be https or http")
	case b.Host == "" || b.Opaque != "":
		return nil, errors.New("rest: Config.Base: the host is missing")
	case b.User != nil || b.RawQuery != "" || b.Fragment != "":
		return nil, errors.New("rest: Config.Base must have no user, query or fragment")
	case c.MaxBody < 0 || c.MaxTries < 0 || c.MaxWait < 0:
		return nil, errors.New("rest: Config.MaxBody, MaxTries and MaxWait must not be negative")
	}
	base := *c.Base
	c.Base = &base
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UserAgent == "" {
		c.UserAgent = fmt.Sprintf("tillwire-%s", c.System)
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.MaxTries == 0 {
		c.MaxTries = defaultMaxTries
	}
	if c.MaxWait == 0 {
		c.MaxWait = defaultMaxWait
	}
	client := &Client{config: c, http: NewHTTPClient()}
	if c.HTTPClient != nil {
		transport := client.http.Transport
		own := *c.HTTPClient
		client.http = &own
		if own.Transport == nil {
			own.Transport = transport
		}
	}
	client.http.Transport = keepIdle{client.http.Transport}
	client.http.CheckRedirect = redirect
	client.pace.tokens = budget
	return client, nil
}

// NewHTTPClient is what Config.HTTPClient defaults to: 60 s per try, and a transport of its own with verified TLS, HTTP/2 where
// offered, and a time-out on each step of making a connection.
func NewHTTPClient() *http.Client {
	return &http.Client{Timeout: defaultTimeout, Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    10,
		IdleConnTimeout:        30 * time.Second, // below the usual keep-alive of web servers
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}}
}

// keepIdle hides CloseIdleConnections: retryablehttp calls it after each failed call, which would cost every other call
// of a shared client its connection.
type keepIdle struct{ http.RoundTripper }
