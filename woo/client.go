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

// Client speaks to one shop. Its fields are the shop's collections, its methods what belongs to one record of another, and what
// is no collection. It is safe for concurrent use.
type Client struct {
	// Sales. The notes and refunds of an order: Client.OrderNotes, Client.Refunds.
	Orders     *Collection[Order, OrderID, OrderQuery, OrderFields]
	AllRefunds *Lister[Refund, RefundID, RefundQuery] // over all orders, WooCommerce 9 and later
	Customers  *Collection[Customer, CustomerID, CustomerQuery, CustomerFields]
	Coupons    *Collection[Coupon, CouponID, CouponQuery, CouponFields]

	// The catalogue. The variations of a product and the values of an attribute: Client.Variations, Client.AttributeTerms.
	Products        *Collection[Product, ProductID, ProductQuery, ProductFields]
	AllVariations   *Lister[Variation, VariationID, VariationQuery] // over all products, WooCommerce 10.3 and later
	Categories      *Collection[ProductCategory, CategoryID, TermQuery[CategoryID], CategoryFields]
	Tags            *Collection[ProductTag, TagID, TermQuery[TagID], TermFields]
	Brands          *Collection[ProductBrand, BrandID, TermQuery[BrandID], BrandFields]
	Attributes      *Collection[GlobalAttribute, AttributeID, Everything, GlobalAttributeFields]
	ShippingClasses *Collection[ShippingClass, ShippingClassID, TermQuery[ShippingClassID], TermFields]
	Reviews         *Collection[Review, ReviewID, ReviewQuery, ReviewFields]

	// Taxes, shipping and payment. The ways of shipping of a zone: Client.ShippingZoneMethods.
	TaxRates        *Collection[TaxRate, TaxRateID, TaxRateQuery, TaxRateFields]
	TaxClasses      *Journal[TaxClass, string, Everything, TaxClassFields] // by slug
	ShippingZones   *Register[ShippingZone, ShippingZoneID, Everything, ShippingZoneFields]
	ShippingMethods *Reader[ShippingMethod, string, Everything]
	PaymentGateways *Panel[PaymentGateway, string, Everything, PaymentGatewayFields]

	// The shop itself. Its settings: Client.Settings.
	Webhooks    *Collection[Webhook, WebhookID, WebhookQuery, WebhookFields]
	SystemTools *Reader[SystemTool, string, Everything]

	// The world as the shop knows it, by code.
	Continents *Reader[Continent, string, Everything]
	Countries  *Reader[Country, string, Everything]
	Currencies *Reader[Currency, string, Everything]

	rest   *rest.Client
	base   string              // the shop's address, without a trailing slash
	oauth  bool                // plain http: requests are signed
	lanes  *lanes              // what batches have on the wire at once
	redact func([]byte) []byte // takes the key's secrets out of what a shop may have echoed
}

// New checks c and returns a Client. It calls nobody: the first request shows whether shop and key are right.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	client := &Client{base: base.String(), oauth: base.Scheme == "http", redact: redactor(c.Key, c.Secret), lanes: &lanes{most: c.Concurrency}}
	authorize := basic(c.Key, c.Secret)
	if client.oauth {
		authorize = oauth1(c.Key, c.Secret)
	}
	root := *base
	root.Path += "/wp-json"
	rc := rest.Config{
		System: "woo", Base: &root, Authorize: authorize, HTTPClient: c.HTTPClient,
		Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody, Observe: c.Observe,
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

	client.collections()
	return client, nil
}

// collections fills in the fields.
func (c *Client) collections() {
	c.Orders = collection[OrderFields](c, "orders", hasTrash, OrderQuery.values, func(o *Order) OrderID { return o.ID })
	c.AllRefunds = listing(c, "refunds", RefundQuery.values, func(r *Refund) RefundID { return r.ID })
	c.Customers = collection[CustomerFields](c, "customers", 0, CustomerQuery.values, func(u *Customer) CustomerID { return u.ID })
	c.Coupons = collection[CouponFields](c, "coupons", hasTrash, CouponQuery.values, func(x *Coupon) CouponID { return x.ID })

	c.Products = collection[ProductFields](c, "products", hasTrash, ProductQuery.values, func(p *Product) ProductID { return p.ID })
	c.AllVariations = listing(c, "variations", VariationQuery.values, func(v *Variation) VariationID { return v.ID })
	c.Categories = collection[CategoryFields](c, "products/categories", 0, TermQuery[CategoryID].values,
		func(x *ProductCategory) CategoryID { return x.ID })
	c.Tags = collection[TermFields](c, "products/tags", 0, TermQuery[TagID].values, func(t *ProductTag) TagID { return t.ID })
	c.Brands = collection[BrandFields](c, "products/brands", 0, TermQuery[BrandID].values, func(b *ProductBrand) BrandID { return b.ID })
	c.Attributes = collection[GlobalAttributeFields](c, "products/attributes", onePage, Everything.values,
		func(a *GlobalAttribute) AttributeID { return a.ID })
	c.ShippingClasses = collection[TermFields](c, "products/shipping_classes", 0, TermQuery[ShippingClassID].values,
		func(x *ShippingClass) ShippingClassID { return x.ID })
	c.Reviews = collection[ReviewFields](c, "products/reviews", hasTrash, ReviewQuery.values, func(r *Review) ReviewID { return r.ID })

	c.TaxRates = collection[TaxRateFields](c, "taxes", 0, TaxRateQuery.values, func(r *TaxRate) TaxRateID { return r.ID })
	c.TaxClasses = journal[TaxClassFields](c, placed("taxes/classes"), onePage, Everything.values, func(x *TaxClass) string { return x.Slug })
	c.ShippingZones = register[ShippingZoneFields](c, "shipping/zones", fromZero, func(z *ShippingZone) ShippingZoneID { return z.ID })
	c.ShippingMethods = reader(c, "shipping_methods", func(m *ShippingMethod) string { return m.ID })
	c.PaymentGateways = panel[PaymentGatewayFields](c, "payment_gateways", func(g *PaymentGateway) string { return g.ID })

	c.Webhooks = collection[WebhookFields](c, "webhooks", byPage, WebhookQuery.values, func(w *Webhook) WebhookID { return w.ID })
	c.SystemTools = reader(c, "system_status/tools", func(t *SystemTool) string { return t.ID })

	c.Continents = reader(c, "data/continents", func(x *Continent) string { return x.Code })
	c.Countries = reader(c, "data/countries", func(x *Country) string { return x.Code })
	c.Currencies = reader(c, "data/currencies", func(x *Currency) string { return x.Code })
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

// AttributeTerms are the values of a shop-wide attribute (/products/attributes/{id}/terms).
func (c *Client) AttributeTerms(
	a AttributeID,
) *Collection[AttributeTerm, AttributeTermID, TermQuery[AttributeTermID], AttributeTermFields] {
	return collection[AttributeTermFields](c, under("products/attributes", a, "terms"), 0, TermQuery[AttributeTermID].values,
		func(t *AttributeTerm) AttributeTermID { return t.ID })
}

// ShippingZoneMethods are a zone's ways of shipping (/shipping/zones/{id}/methods).
func (c *Client) ShippingZoneMethods(
	z ShippingZoneID,
) *Register[ShippingZoneMethod, ShippingZoneMethodID, Everything, ShippingZoneMethodFields] {
	return register[ShippingZoneMethodFields](c, underZone(z, "methods"), 0,
		func(m *ShippingZoneMethod) ShippingZoneMethodID { return m.ID })
}

// Settings are the settings of a group such as "general" (/settings/{group}); see SettingsGroups for the groups and UpdateSettings for many
// at once.
func (c *Client) Settings(group string) *Panel[Setting, string, Everything, SettingFields] {
	return panel[SettingFields](c, settingsOf(group), func(s *Setting) string { return s.ID })
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
	if strings.Contains(call.Path, nowhere) {
		return nil, invalid(call.Op, errUnusable)
	}
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
