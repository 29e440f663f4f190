package eurofaktura

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// Client talks to one organisation. It is safe for concurrent use; its requests go out one after another.
type Client struct {
	// The kinds of documents. What not all of them can do is a method of Client, with the kind as a parameter.
	SalesOrders      *Documents[SalesOrder, OrderQuery, SalesOrderFields]
	SalesInvoices    *Documents[SalesInvoice, InvoiceQuery, SalesInvoiceFields]
	SalesQuotes      *Documents[Document, DocumentQuery, DocumentFields]
	AdvanceInvoices  *Documents[Document, DocumentQuery, DocumentFields]
	DeliveryNotes    *Documents[Document, DocumentQuery, DocumentFields]
	PurchaseOrders   *Documents[Document, DocumentQuery, DocumentFields]
	ReceivedInvoices *Documents[ReceivedInvoice, DocumentQuery, ReceivedInvoiceFields]
	WorkOrders       *Documents[Document, DocumentQuery, DocumentFields]
	// Products is the catalogue: Product….
	Products *Products
	// Partners are buyers, suppliers and employees: Partner….
	Partners *Partners
	// Warehouse reads the stock: WarehouseGetArticleStockQuantity. No method writes it: stock moves by documents.
	Warehouse *Warehouse

	rest   *rest.Client
	config Config
}

// New checks c and returns a Client. It calls nobody.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Limiter == nil {
		c.Limiter = new(Limiter)
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.Password != "" {
		c.MD5Pass, c.Password = MD5Pass(c.Username, c.Password), ""
	}
	client := &Client{config: c}
	core, err := rest.New(rest.Config{
		System: "eurofaktura", Base: base, Authorize: client.authorize, HTTPClient: paced(c),
		Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody, Observe: c.Observe,
	})
	if err != nil {
		return nil, err
	}
	client.rest = core
	client.SalesOrders = documents[SalesOrder, OrderQuery, SalesOrderFields](client, KindSalesOrder, "SalesOrders")
	client.SalesInvoices = documents[SalesInvoice, InvoiceQuery, SalesInvoiceFields](client, KindSalesInvoice, "SalesInvoices")
	client.SalesQuotes = documents[Document, DocumentQuery, DocumentFields](client, KindSalesQuote, "SalesQuotes")
	client.AdvanceInvoices = documents[Document, DocumentQuery, DocumentFields](client, KindAdvanceInvoice, "AdvanceInvoices")
	client.DeliveryNotes = documents[Document, DocumentQuery, DocumentFields](client, KindDeliveryNote, "DeliveryNotes")
	client.PurchaseOrders = documents[Document, DocumentQuery, DocumentFields](client, KindPurchaseOrder, "PurchaseOrders")
	client.ReceivedInvoices = documents[ReceivedInvoice, DocumentQuery, ReceivedInvoiceFields](client, KindReceivedInvoice, "ReceivedInvoices")
	client.WorkOrders = documents[Document, DocumentQuery, DocumentFields](client, KindWorkOrder, "WorkOrders")
	client.Products, client.Partners, client.Warehouse = &Products{client}, &Partners{client}, &Warehouse{client}
	return client, nil
}

// paced is the caller's HTTP client, or an own one, with the limiter in it.
func paced(c Config) *http.Client {
	h := http.Client{}
	if c.HTTPClient != nil {
		h = *c.HTTPClient
	}
	if h.Transport == nil {
		h.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout:     30 * time.Second,
		}
	}
	h.Transport, h.Timeout = &transport{base: h.Transport, limiter: c.Limiter, timeout: h.Timeout}, 0
	return &h
}

// authorize adds the credentials that do not travel in the body. The server answers with an encoding of its own invention: none is
// asked for.
func (c *Client) authorize(r *http.Request) error {
	r.Header.Set("Accept-Encoding", "identity")
	if c.config.CLI {
		r.SetBasicAuth(c.config.Username, c.config.Token+"_"+c.config.SecretKey)
	}
	return nil
}

// Time is what a clock of the organisation showed, as a point in time in UTC; zero for what is no time.
func (c *Client) Time(t LocalTime) time.Time { return t.In(c.config.Location) }

// Call makes any call of the vendor's catalogue, or of a national page that this package does not know, and decodes the result into
// out, if out is not nil. A result that is a list of one is decoded into a struct too, and a single one into a slice. params is
// anything that becomes a JSON object, or nil.
//
// What the catalogue calls a read is sent again after a passing failure. An unknown method counts as an effect: it is sent again
// only when it surely did nothing. Give creates an "apiTransactionId" of yours (see [TransactionID]).
func (c *Client) Call(ctx context.Context, m Method, params, out any) error {
	return c.do(ctx, string(m), m, params, func(result json.RawMessage) error {
		if out == nil {
			return nil
		}
		return decodeResult(result, out)
	})
}

// do makes a call. take reads its result; its error means that the result is not what the method answers.
func (c *Client) do(ctx context.Context, op string, m Method, params any, take func(json.RawMessage) error) error {
	return c.doRaw(ctx, op, m, params, func(body []byte) error {
		a, ok := read(body)
		if !ok {
			return errNoEnvelope
		}
		return take(a.Result)
	})
}

var errNoEnvelope = errors.New("the answer has not the form of the server's")

// doRaw is do for who reads the whole answer of a success.
func (c *Client) doRaw(ctx context.Context, op string, m Method, params any, take func(body []byte) error) error {
	call, err := c.compose(op, m, params)
	if err != nil {
		return err
	}
	patience := readTimeout
	if call.Kind == rest.Effect {
		patience = effectTimeout
	}
	resp, err := c.rest.Do(context.WithValue(ctx, timeoutKey{}, patience), call)
	var failure *rest.Failure
	switch {
	case errors.As(err, &failure):
		return newError(call, failure)
	case err != nil:
		return err
	}
	defer resp.Release()
	e := &Error{
		Op: op, Method: call.Method, Route: call.Route, Status: resp.Status, Attempts: resp.Attempts, kind: ErrNotJSON,
		ambiguous: call.Kind == rest.Effect,
	}
	var status struct {
		Response *struct {
			Status string `json:"status"`
		} `json:"response"`
	}
	if err := json.Unmarshal(resp.Body, &status); err != nil || status.Response == nil || status.Response.Status == "" {
		e.Body, e.advice = head(resp.Body), "the answer has not the form of the server's: check Config.Endpoint"
		return e
	}
	if a := status.Response; !(&answer{Status: a.Status}).ok() {
		if whole, ok := read(resp.Body); ok {
			e.Body = head(resp.Body)
			e.answered(call, whole)
			return e
		}
	}
	if err := take(resp.Body); err != nil {
		var own *Error
		if errors.As(err, &own) {
			return err
		}
		var sink *writeError
		if errors.As(err, &sink) {
			return fmt.Errorf("eurofaktura: %s: %w", op, sink.err)
		}
		e.Body, e.Message = head(resp.Body), "the result is not what this method answers: "+err.Error()
		return e
	}
	return nil
}

// compose makes the request of a call.
func (c *Client) compose(op string, m Method, params any) (rest.Call, error) {
	if m == "" {
		return rest.Call{}, refused(op, m, "there is no such method in the vendor's catalogue")
	}
	call := rest.Call{Op: op, Kind: m.effect(), Method: http.MethodPost, Route: string(m), Nothing: nothing, Final: final}
	raw := json.RawMessage("{}")
	if params != nil {
		var err error
		if raw, err = encode(params); err != nil {
			return call, refused(op, m, "the parameters cannot be written as JSON: "+err.Error())
		}
		if len(raw) == 0 || raw[0] != '{' {
			return call, refused(op, m, "the parameters are no JSON object")
		}
	}
	if c.config.CLI {
		form, err := cliForm(raw)
		if err != nil {
			return call, refused(op, m, err.Error())
		}
		call.Path, call.Body, call.ContentType = url.PathEscape(string(m)), []byte(form), "application/x-www-form-urlencoded"
		return call, nil
	}
	var err error
	call.Body, err = encode(struct {
		Username   string          `json:"username"`
		SecretKey  string          `json:"secretKey,omitzero"`
		MD5Pass    string          `json:"md5pass,omitzero"`
		Token      string          `json:"token"`
		Method     Method          `json:"method"`
		Parameters json.RawMessage `json:"parameters"`
	}{c.config.Username, c.config.SecretKey, c.config.MD5Pass, c.config.Token, m, raw})
	return call, err
}

// cliForm writes parameters as API-CLI wants them: scalars as fields, a list of scalars as a repeated field, anything else as JSON in a
// field. null is left out.
func cliForm(params json.RawMessage) (string, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(params, &all); err != nil {
		return "", err
	}
	form := url.Values{}
	for name, raw := range all {
		var list []json.RawMessage
		switch text := scalar(raw); {
		case string(raw) == "null":
		case text != nil:
			form.Set(name, *text)
		case json.Unmarshal(raw, &list) == nil && allScalars(list):
			for _, item := range list {
				form.Add(name, *scalar(item))
			}
		default:
			form.Set(name, string(raw))
		}
	}
	return form.Encode(), nil
}

func allScalars(list []json.RawMessage) bool {
	for _, item := range list {
		if scalar(item) == nil {
			return false
		}
	}
	return true
}

// decodeResult reads a result into a struct, a slice or anything else: the server answers a list where one thing was asked for, and
// one thing where there is but one.
func decodeResult(result json.RawMessage, out any) error {
	if len(result) == 0 {
		result = json.RawMessage("null")
	}
	err := json.Unmarshal(result, out)
	if err == nil {
		return nil
	}
	var list []json.RawMessage
	if result[0] == '[' && json.Unmarshal(result, &list) == nil && len(list) == 1 {
		return json.Unmarshal(list[0], out)
	}
	if result[0] == '{' && json.Unmarshal([]byte("["+string(result)+"]"), out) == nil {
		return nil
	}
	return err
}
