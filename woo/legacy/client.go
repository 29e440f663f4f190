package legacy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/tillwire/tillwire/internal/rest"
	"github.com/tillwire/tillwire/woo"
)

// route begins every route of the API, as errors name it.
const route = "wc-api/v3"

// Client speaks to one shop. Its fields are the shop's collections. It is safe for concurrent use.
type Client struct {
	Orders    *Orders
	Products  *Products
	Customers *Customers
	Coupons   *Coupons
	Webhooks  *Webhooks

	rest   *rest.Client
	modern *woo.Client // wc/v3, to compare with
	auth   Auth
	redact func([]byte) []byte
}

// New checks c and returns a Client. It calls nobody: [Client.Index] shows whether there is a legacy API.
func New(c Config) (*Client, error) {
	home, err := c.check()
	if err != nil {
		return nil, err
	}
	client := &Client{auth: c.Auth, modern: c.REST, redact: redactor(c.Key, c.Secret)}
	if client.modern == nil {
		client.modern, err = woo.New(woo.Config{
			URL: home.String(), Key: c.Key, Secret: c.Secret, HTTPClient: c.HTTPClient,
			Limiter: c.Limiter, Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody, Observe: c.Observe,
		})
		if err != nil {
			return nil, err
		}
	}
	root := *home
	root.Path += "/" + route
	authorize := authorizer(c.Auth, c.Key, c.Secret)
	rc := rest.Config{
		System: "woo/legacy", Base: &root, HTTPClient: c.HTTPClient, Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody, Observe: c.Observe,
		Authorize: func(r *http.Request) error {
			if h, ok := r.Context().Value(hopKey{}).(*hop); ok {
				h.path = r.URL.Path
			}
			return authorize(r)
		},
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
	client.Orders = newOrders(client)
	client.Products = newProducts(client)
	client.Customers = newCustomers(client)
	client.Coupons = newCoupons(client)
	client.Webhooks = newWebhooks(client)
	return client, nil
}

// hop remembers where a request was sent last, redirects included.
type hop struct{ path string }

type hopKey struct{}

func (c *Client) send(ctx context.Context, call rest.Call) (*rest.Response, error) {
	var h hop
	res, err := c.rest.Do(context.WithValue(ctx, hopKey{}, &h), call)
	if err != nil {
		return nil, c.fail(err, h.path)
	}
	return res, nil
}

// Index is what the shop tells about itself: GET /wc-api/v3.
type Index struct {
	Name        string // of the shop
	Description string
	URL         string // home, as WordPress knows it
	WooCommerce string // version, such as "8.9.1"
	Version     string // of the legacy API, such as "3.1.0"

	TimeZone      string // "Europe/Ljubljana", or an offset such as "+02:00"
	Currency      string // ISO 4217
	Decimals      int    // of prices
	TaxIncluded   bool   // prices are entered with tax, as the shop is set today
	WeightUnit    string
	DimensionUnit string
	TLS           bool     // the shop's checkout is under TLS
	Routes        []string // "/orders/<id>", sorted
}

// Index reads the shop's index and so probes for the API: the error is ErrLegacyOff where there is none or it is off. The
// shop wants no key for it, so a wrong key shows at the first other call.
func (c *Client) Index(ctx context.Context) (*Index, error) {
	call := rest.Call{Op: "Index", Method: http.MethodGet}
	res, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	var doc struct {
		Store *struct {
			Name        text                       `json:"name"`
			Description text                       `json:"description"`
			URL         text                       `json:"URL"`
			WooCommerce text                       `json:"wc_version"`
			Version     text                       `json:"version"`
			Routes      map[string]json.RawMessage `json:"routes"`
			Meta        struct {
				TimeZone      text `json:"timezone"`
				Currency      text `json:"currency"`
				Decimals      int  `json:"price_num_decimals"`
				TaxIncluded   bool `json:"tax_included"`
				WeightUnit    text `json:"weight_unit"`
				DimensionUnit text `json:"dimension_unit"`
				TLS           bool `json:"ssl_enabled"`
			} `json:"meta"`
		} `json:"store"`
	}
	err = json.Unmarshal(res.Body, &doc)
	if err == nil && doc.Store == nil {
		err = errors.New("it has no store")
	}
	if err != nil {
		return nil, c.unreadable(call, res, err)
	}
	s := doc.Store
	index := &Index{
		Name: string(s.Name), Description: string(s.Description), URL: string(s.URL),
		WooCommerce: string(s.WooCommerce), Version: string(s.Version),
		TimeZone: string(s.Meta.TimeZone), Currency: string(s.Meta.Currency), Decimals: s.Meta.Decimals, TaxIncluded: s.Meta.TaxIncluded,
		WeightUnit: string(s.Meta.WeightUnit), DimensionUnit: string(s.Meta.DimensionUnit), TLS: s.Meta.TLS,
	}
	for name := range s.Routes {
		index.Routes = append(index.Routes, name)
	}
	slices.Sort(index.Routes)
	return index, nil
}

// redactor takes the secret, in the forms in which a shop may echo it, out of what an Error keeps.
func redactor(key, secret string) func([]byte) []byte {
	hide := [][]byte{
		[]byte(secret), []byte(url.QueryEscape(secret)),
		[]byte(base64.StdEncoding.EncodeToString([]byte(key + ":" + secret))),
	}
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		for _, s := range hide {
			b = bytes.ReplaceAll(b, s, []byte("[redacted]"))
		}
		return b
	}
}
