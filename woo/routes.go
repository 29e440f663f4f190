package woo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/tillwire/tillwire/internal/rest"
)

// What is no verb of a collection is a route of its own, called by a method of Client.

// route begins a call that reads a route at the top, such as "system_status". op is the method's name.
func route(op, path string) rest.Call {
	return rest.Call{Op: op, Method: http.MethodGet, Path: api + path, Route: api + path}
}

// routeOf begins a call of a route below one record: routeOf("Receipt", GET, "orders", 12, "receipt").
func routeOf[ID Identifier](op, method, parent string, id ID, name string) rest.Call {
	p := under(parent, id, name)
	return rest.Call{Op: op, Method: method, Path: api + p.path, Route: api + p.route}
}

// ask sends a call whose answer is one value: an object of this package, or what encoding/json reads.
func ask[T any](ctx context.Context, c *Client, call rest.Call) (*T, error) {
	res, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	v, err := decodeOne[T](res.Body)
	if err != nil {
		return nil, c.unreadable(call, res, err)
	}
	return v, nil
}

// askAll sends a call whose answer is a list that comes whole. Elements that cannot be read are left out, and the error says so.
func askAll[T any](ctx context.Context, c *Client, call rest.Call) ([]*T, error) {
	res, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	items, bad, err := decodeList[T](res.Body)
	if err != nil {
		return nil, c.unreadable(call, res, err)
	}
	for i, err := range bad {
		var why *DecodeError
		if errors.As(err, &why) {
			bad[i] = malformed(call, res, why)
		}
	}
	return items, errors.Join(bad...)
}

// askAllWith is askAll with a query.
func askAllWith[T any](ctx context.Context, c *Client, call rest.Call, values func() (url.Values, error)) ([]*T, error) {
	query, err := values()
	if err != nil {
		return nil, invalid(call.Op, err)
	}
	call.Query = query
	return askAll[T](ctx, c, call)
}

// tell is ask with something to be done: w, unless it is nil, is checked and sent. once says that it is done anew each time it
// arrives.
func tell[T any](ctx context.Context, c *Client, call rest.Call, w any, once bool) (*T, error) {
	call.Kind = rest.Write
	if once {
		call.Kind = rest.Effect
	}
	if w != nil {
		var err error
		if call.Body, err = encode(w); err != nil {
			return nil, invalid(call.Op, err)
		}
	}
	return ask[T](ctx, c, call)
}

// IndexEntry is a line of one of the shop's tables of contents.
type IndexEntry struct {
	Slug        string `json:"slug" wire:"required"` // the path below
	Description string `json:"description"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Reports names the reports the shop has: GET /reports. See Client.Sales, Client.TopSellers and Client.Totals.
func (c *Client) Reports(ctx context.Context) ([]*IndexEntry, error) {
	return askAll[IndexEntry](ctx, c, route("Reports", "reports"))
}

// Data names the lists of the world the shop knows: GET /data. See the fields Continents, Countries and Currencies.
func (c *Client) Data(ctx context.Context) ([]*IndexEntry, error) {
	return askAll[IndexEntry](ctx, c, route("Data", "data"))
}
