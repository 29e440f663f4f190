package kitgenix

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/rest"
)

// How long we wait. A child of the plugin applies 100 items in 3 s; a master of the first generation pushes to each of its
// children in turn, 8 s each, before it answers.
const (
	pingTimeout  = 15 * time.Second
	queryTimeout = 15 * time.Second
	eventTimeout = 30 * time.Second
	perChild     = 8 * time.Second
	beyond       = 10 * time.Second
	maxAnswer    = 8 << 20
)

// client sends signed requests to one peer, in one direction. It never sends one a second time by itself, save for what the peer's
// answer says surely was not looked at.
type client struct {
	pair    *pair
	queries *rest.Client
	events  *rest.Client
	// byQuery: the store has no pretty permalinks, so that the route stands in the query.
	byQuery atomic.Bool
}

// client returns the client of p, nil when it has no URL. tag is that of its RFC 9421 signatures; pace may be nil.
func (w *Wire) client(p *pair, tag string, pace rest.Limiter) (*client, error) {
	if p.base == nil {
		return nil, nil //nolint:nilnil // a peer that only calls us
	}
	given := w.config.HTTPClient
	if given == nil {
		given = &http.Client{}
	}
	sign := func(k hmacauth.KeySource) http.RoundTripper {
		s := hmacauth.Signer{
			Profile: hmacauth.Kitgenix{}, Key: k, Sent: w.config.Nonces, Clock: &p.clock, AllowHTTP: w.config.AllowHTTP,
		}
		if p.RFC9421 {
			s.Beside, s.VerifyAnswers, s.MaxAnswer = hmacauth.RFC9421{Tag: tag}, true, maxAnswer
		}
		return hmacauth.NewTransport(given.Transport, s)
	}
	t := &transport{
		current: p.breaker.Transport(sign(p.keys)),
		other:   p.breaker.Transport(sign(otherSource{p.keys})),
	}
	core := func(timeout time.Duration) (*rest.Client, error) {
		if given.Timeout > 0 {
			timeout = min(timeout, given.Timeout)
		}
		return rest.New(rest.Config{
			System: "kitgenix", Base: p.base, HTTPClient: &http.Client{Transport: t, Timeout: timeout}, Logger: w.config.Logger,
			UserAgent: w.config.UserAgent, Limiter: pace, MaxBody: maxAnswer, MaxTries: 1,
		})
	}
	c := &client{pair: p}
	var err error
	if c.queries, err = core(max(pingTimeout, queryTimeout)); err != nil {
		return nil, err
	}
	timeout := eventTimeout
	if tag == tagToMaster && p.Generation != 2 {
		children := p.Children
		if children == 0 {
			children = defaultChildren
		}
		timeout = max(timeout, time.Duration(children)*perChild+beyond)
	}
	c.events, err = core(timeout)
	return c, err
}

const defaultChildren = 10

// sight is what a request's transport saw, since the errors of package rest open nothing but what is safe to print.
type sight struct {
	other bool                // sign with the other key
	key   hmacauth.Key        // that was signed with, when other
	open  *hmacauth.OpenError // the breaker let nothing out
}

// due reports that nothing was let out and that it is time for a probe.
func (s *sight) due() bool { return s.open != nil && !time.Now().Before(s.open.Until) }

type sightKey struct{}

// transport signs with the key that a request asks for.
type transport struct{ current, other http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	seen, ok := r.Context().Value(sightKey{}).(*sight)
	if !ok {
		return nil, errors.New("kitgenix: a request of unknown origin")
	}
	by := t.current
	if seen.other {
		by = t.other
	}
	answer, err := by.RoundTrip(r)
	if err != nil {
		errors.As(err, &seen.open)
	}
	return answer, err
}

// call posts body to a route and returns the JSON that is answered with 200. It tries once more where that can help: without pretty
// permalinks by the query, where the signature was refused, if there is another way to sign, and after a ping when the peer has been left
// alone for long enough: only a ping may find out whether it takes our signatures again.
func (c *client) call(ctx context.Context, op, route string, body []byte) (*rest.Response, *Error) {
	began := &sight{}
	res, e := c.once(ctx, op, route, body, began)
	if e != nil && route != routePing && began.due() {
		if _, err := c.ping(ctx); err != nil {
			var probe *Error
			if errors.As(err, &probe) {
				e.wait = max(e.wait, probe.wait)
			}
			return nil, e
		}
		res, e = c.once(ctx, op, route, body, &sight{})
	}
	if e != nil && e.noPermalinks() && c.byQuery.CompareAndSwap(false, true) {
		first := e
		if res, e = c.once(ctx, op, route, body, &sight{}); e != nil && e.Code == "" {
			c.byQuery.Store(false) // no better: the first answer is the one to tell
			return nil, first
		}
	}
	if e == nil {
		return res, nil
	}
	seen := c.otherwise(e)
	if seen == nil {
		return nil, e
	}
	res, again := c.once(ctx, op, route, body, seen)
	switch {
	case again == nil && seen.other:
		c.pair.keys.proved(seen.key)
	case again != nil && seen.open != nil: // the breaker has had enough: the answer says more
		return nil, e
	}
	return res, again
}

// otherwise is how to sign what was refused once more: with a new nonce after a replay, by the peer's clock, with the other secret; nil when
// nothing would be different.
func (c *client) otherwise(e *Error) *sight {
	if e.Status != http.StatusUnauthorized {
		return nil
	}
	unnamed := e.Code == codeAuthFailed // the second generation does not say why
	switch other := c.pair.keys.other(); {
	case e.Code == "kss_auth_replay", (e.Code == "kss_auth_skew" || unnamed) && c.corrects():
		return &sight{}
	case (e.Code == "kss_auth_sig" || unnamed) && !other.IsZero():
		return &sight{other: true, key: other}
	}
	return nil
}

// corrects reports whether the peer's clock, as its last answer showed it, makes another signature than ours did.
func (c *client) corrects() bool {
	offset, _, known := c.pair.clock.Offset()
	limit := c.pair.clock.Max
	if limit == 0 {
		limit = time.Hour
	}
	return known && offset.Abs() > refusedSkew && offset.Abs() <= limit
}

// refusedSkew is how far a peer lets clocks differ, less what a measurement is wrong by.
const refusedSkew = 290 * time.Second

// noPermalinks reports an answer that a store gives whose REST API has no address of its own: a page, or a redirect to the same
// path with a slash.
func (e *Error) noPermalinks() bool {
	if e.Status == http.StatusNotFound && e.Code == "" {
		return true
	}
	target, err := url.Parse(e.Target)
	return err == nil && strings.HasSuffix(target.Path, "/") && routeOf(&http.Request{URL: target}) != ""
}

// once sends one request.
func (c *client) once(ctx context.Context, op, route string, body []byte, seen *sight) (*rest.Response, *Error) {
	call := rest.Call{
		Op: op, Kind: rest.Write, Method: http.MethodPost, Path: "wp-json/" + namespace + "/" + route, Route: namespace + "/" + route,
		Body: body,
	}
	core := c.queries
	if route == routeEvent {
		core, call.Kind = c.events, rest.Effect
	}
	if c.byQuery.Load() {
		call.Path, call.Query = "index.php", url.Values{"rest_route": {"/" + namespace + "/" + route}}
	}
	res, err := core.Do(context.WithValue(ctx, sightKey{}, seen), call)
	if err != nil {
		return nil, c.fail(op, err, seen)
	}
	if res.Status != http.StatusOK { // the plugin answers 200 and nothing else
		status := res.Status
		res.Release()
		return nil, c.misunderstood(op, route, status, errors.New("want 200"))
	}
	return res, nil
}

// misunderstood is a success that is none of the plugin's.
func (c *client) misunderstood(op, route string, status int, why error) *Error {
	return &Error{
		Op: op, Peer: string(c.pair.StoreID), Method: http.MethodPost, Route: namespace + "/" + route, Status: status, Attempts: 1, Err: why,
		kind: ErrUnverified, text: "the answer is not the plugin's: " + why.Error(), ambiguous: route == routeEvent,
	}
}
