package woo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// Client speaks to one shop. Its fields are the shop's collections, its methods what belongs to one record of another.
// It is safe for concurrent use.
type Client struct {
	Orders    *Collection[Order, OrderID, OrderQuery, OrderFields]
	Products  *Collection[Product, ProductID, ProductQuery, ProductFields] // variations: see Client.Variations
	Customers *Collection[Customer, CustomerID, CustomerQuery, CustomerFields]

	rest   *rest.Client
	base   string              // the shop's address, without a trailing slash
	oauth  bool                // plain http: requests are signed
	redact func([]byte) []byte // takes the key's secrets out of what a shop may have echoed
}

// New checks c and returns a Client. It calls nobody: the first request shows whether shop and key are right.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	client := &Client{base: base.String(), oauth: base.Scheme == "http", redact: redactor(c.Key, c.Secret)}
	authorize := basic(c.Key, c.Secret)
	if client.oauth {
		authorize = oauth1(c.Key, c.Secret)
	}
	root := *base
	root.Path += "/wp-json"
	rc := rest.Config{
		System: "woo", Base: &root, Authorize: authorize, HTTPClient: c.HTTPClient,
		Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody,
	}
	if rc.UserAgent == "" {
		rc.UserAgent = userAgent
	}
	if c.Limiter != nil { // a nil *rate.Limiter would be a Limiter that is not nil
		rc.Limiter = c.Limiter
	}
	if client.rest, err = rest.New(rc); err != nil {
		return nil, err
	}

	client.Orders = collection[OrderFields](client, "orders", hasTrash, OrderQuery.values, func(o *Order) OrderID { return o.ID })
	client.Products = collection[ProductFields](client, "products", hasTrash, ProductQuery.values, func(p *Product) ProductID { return p.ID })
	client.Customers = collection[CustomerFields](client, "customers", 0, CustomerQuery.values, func(c *Customer) CustomerID { return c.ID })
	return client, nil
}

// Variations are the variations of a product (/products/{id}/variations). Of a product that has none, or does not exist,
// the shop lists an empty page and not an error.
func (c *Client) Variations(p ProductID) *Collection[Variation, VariationID, VariationQuery, VariationFields] {
	return collection[VariationFields](c, under("products", p, "variations"), hasTrash, VariationQuery.values,
		func(v *Variation) VariationID { return v.ID })
}

// OrderNotes are the notes of an order (/orders/{id}/notes). The shop answers them all at once, newest first.
func (c *Client) OrderNotes(o OrderID) *Journal[OrderNote, NoteID, OrderNoteQuery, OrderNoteFields] {
	return journal[OrderNoteFields](c, under("orders", o, "notes"), onePage, OrderNoteQuery.values,
		func(n *OrderNote) NoteID { return n.ID })
}

// Refunds are the refunds of an order (/orders/{id}/refunds). Whether money flows back is up to RefundFields; a refused
// refund is final although the shop calls it an internal error.
func (c *Client) Refunds(o OrderID) *Journal[Refund, RefundID, RefundQuery, RefundFields] {
	return journal[RefundFields](c, under("orders", o, "refunds"), 0, RefundQuery.values,
		func(r *Refund) RefundID { return r.ID })
}

// Do calls a route that has no method here, such as a plugin's. path is what follows "/wp-json/", with its query:
// "wc/v3/orders/12/actions/send_email", "wc-bookings/v1/bookings?status=paid". in is sent as JSON unless nil, out is
// filled from the answer unless nil; both may be a json.RawMessage.
//
// GET and HEAD are repeated after any passing failure, PUT and DELETE too, POST and PATCH only when they surely did not
// arrive.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	op, method := "Do", strings.ToUpper(method)
	u, err := url.Parse(strings.TrimLeft(path, "/"))
	switch {
	case err != nil || u.IsAbs() || u.Host != "" || u.Path == "" || strings.HasPrefix(path, "//"):
		return invalid(op, errors.New(`path: give what follows "/wp-json/", such as "wc/v3/orders/12"`))
	case strings.Contains("/"+u.Path+"/", "/../"):
		return invalid(op, errors.New(`path: holds "..": write it out`))
	}
	query := u.Query()
	for name := range query {
		if strings.HasPrefix(name, "oauth_") || name == "consumer_key" || name == "consumer_secret" {
			return invalid(op, errors.New("path: holds a key: it belongs into Config, not into the query"))
		}
	}
	op += " " + method + " " + template(u.Path)
	call := rest.Call{
		Op: op, Method: method, Path: u.EscapedPath(), Route: template(u.Path), Query: query,
		Raw: out == nil, // many a plugin answers nothing
	}
	switch call.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		call.Kind = rest.Read
	case http.MethodPut, http.MethodDelete:
		call.Kind = rest.Write
	case http.MethodPost, http.MethodPatch:
		call.Kind = rest.Effect
	default:
		return invalid(op, errors.New("method: is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"))
	}
	if in != nil {
		if call.Body, err = json.Marshal(in); err != nil {
			return invalid(op, err)
		}
	}
	res, err := c.send(ctx, call)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(res.Body, out); err != nil {
		return c.unreadable(call, res, err)
	}
	return nil
}

// send is the one way out. Without the Accept header WordPress answers its own faults as web pages.
func (c *Client) send(ctx context.Context, call rest.Call) (*rest.Response, error) {
	call.Header = http.Header{"Accept": {"application/json"}}
	res, err := c.rest.Do(ctx, call)
	if err != nil {
		return nil, c.fail(err)
	}
	return res, nil
}

// redactor blanks the key's secrets in what a shop answered: a debugging plugin may echo the request.
func redactor(key, secret string) func([]byte) []byte {
	var hide [][]byte
	for _, s := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(key + ":" + secret))} {
		hide = append(hide, []byte(s))
	}
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		for _, s := range hide {
			b = bytes.ReplaceAll(b, s, []byte("[redacted]"))
		}
		return b
	}
}

var numbered = regexp.MustCompile(`/\d+(/|$)`)

// template is the path with its ids blanked.
func template(path string) string {
	for { // overlapping matches: 12/34
		next := numbered.ReplaceAllString(path, "/{id}$1")
		if next == path {
			return path
		}
		path = next
	}
}
