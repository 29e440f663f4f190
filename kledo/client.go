package kledo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// Client talks to one Kledo account. It is safe for concurrent use.
type Client struct {
	// Accounts lists the accounts a payment can go to: finance/accounts/suggestionPerPage.
	Accounts *Lister[Account, AccountQuery]
	// Warehouses lists the warehouses: finance/warehouses.
	Warehouses *Lister[Warehouse, WarehouseQuery]

	rest *rest.Client
	keys *keys
}

// New checks c and returns a Client. It calls nobody; [Client.Connection] shows whether the key works.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UserAgent == "" {
		c.UserAgent = UserAgent("tillwire", "", "")
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	keys := newKeys(c)
	rc := rest.Config{
		System: "kledo", Base: base, Authorize: keys.authorize, HTTPClient: withTransport(c, keys),
		Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody,
	}
	if c.Limiter != nil {
		rc.Limiter = c.Limiter
	}
	core, err := rest.New(rc)
	if err != nil {
		return nil, err
	}
	client := &Client{rest: core, keys: keys}
	client.Accounts = newLister[Account, AccountQuery](client, "Accounts", "finance/accounts/suggestionPerPage")
	client.Warehouses = newLister[Warehouse, WarehouseQuery](client, "Warehouses", "finance/warehouses")
	return client, nil
}

// withTransport puts the look-out for new keys under the caller's HTTP client, of which it takes a copy.
func withTransport(c Config, k *keys) *http.Client {
	h := http.Client{Timeout: time.Minute}
	if c.HTTPClient != nil {
		h = *c.HTTPClient
	}
	if h.Transport == nil {
		h.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 10,
			IdleConnTimeout:     30 * time.Second,
		}
	}
	h.Transport = &transport{base: h.Transport, keys: k, max: c.MaxBody}
	return &h
}

// do makes a call and decodes the data of its answer into out, if out is not nil. When Kledo refuses the key with 401, which
// means that it did nothing, the call is made again with each other key that may be the current one.
func (c *Client) do(ctx context.Context, call rest.Call, out any) error {
	call.Header = http.Header{"Accept": {"application/json"}}
	var dead []string
	for {
		last := &sent{dead: slices.Clone(dead)}
		resp, err := c.rest.Do(context.WithValue(ctx, sentKey{}, last), call)
		var failure *rest.Failure
		if err != nil && !errors.As(err, &failure) {
			return err
		}
		if failure != nil && failure.Status == http.StatusUnauthorized {
			dead = append(dead, last.key)
			if c.keys.next(ctx, dead) {
				continue
			}
			return newError(call, failure)
		}
		if failure == nil || failure.Status != 0 && failure.Class != rest.Refused {
			c.keys.accept(ctx, last.key, dead)
		}
		if failure != nil {
			return newError(call, failure)
		}
		return read(call, resp, out)
	}
}

// envelope is what every answer of Kledo is wrapped in. Its messages are strings nearly always.
type envelope struct {
	Success json.RawMessage `json:"success"`
	Data    json.RawMessage `json:"data"`
}

// read judges a 2xx answer by the plugin's rule: it is a success when its status is exactly 200 and it does not say
// success:false. An answer that says nothing of success is one, even null or a bare string.
func read(call rest.Call, resp *rest.Response, out any) error {
	body := bytes.TrimSpace(trimBOM(resp.Body))
	fail := func(kind error, advice string) error {
		e := &Error{
			Op: call.Op, Method: call.Method, Route: call.Route, Status: resp.Status, Body: head(body), Attempts: resp.Attempts,
			kind: kind, advice: advice, ambiguous: call.Kind == rest.Effect && kind != ErrRefused, //nolint:errorlint // a sentinel
		}
		e.Message, e.Details = words(body)
		return e
	}
	if !json.Valid(body) {
		return fail(ErrNotJSON, "the answer is not JSON")
	}
	if resp.Status != http.StatusOK {
		return fail(ErrNotJSON, "only 200 means that Kledo took it over")
	}
	var env envelope
	if body[0] == '{' {
		if err := json.Unmarshal(body, &env); err != nil {
			return fail(ErrNotJSON, "the answer is not one of Kledo's: "+err.Error())
		}
	}
	if no(env.Success) {
		return fail(ErrRefused, "")
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(env.Data, out); err != nil {
		return fail(ErrNotJSON, "the answer's data is not what this call answers: "+err.Error())
	}
	return nil
}

// no reports whether a truth value says no in any of the ways Kledo writes one.
func no(v json.RawMessage) bool {
	switch string(v) {
	case "false", "0", `"false"`, `"0"`:
		return true
	}
	return false
}
