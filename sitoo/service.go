package sitoo

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tillwire/tillwire/internal/rest"
)

// ServiceOrderID is the id of a service order.
type ServiceOrderID string

// UnmarshalJSON reads text or a number.
func (id *ServiceOrderID) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*id = ServiceOrderID(s)
		return nil
	}
	n, err := readInt(b)
	*id = ServiceOrderID(strconv.FormatInt(n, 10))
	return err
}

// ServiceOrder is a repair or alteration (/serviceorders).
type ServiceOrder struct {
	ID       ServiceOrderID `json:"id"`
	Revision int            `json:"revision"`
	Extra    Extra          `json:"-"`
}

// ServiceOrders reads all service orders, by Sitoo's cursor.
func (c *Client) ServiceOrders(ctx context.Context) iter.Seq2[*ServiceOrder, error] {
	return func(yield func(*ServiceOrder, error) bool) {
		last := ServiceOrderID("")
		for {
			q := url.Values{"num": {strconv.Itoa(perPage)}}
			if last != "" {
				q.Set("start_after_id", string(last))
			}
			var e envelope
			call := rest.Call{Op: "ServiceOrders.List", Kind: rest.Read, Method: http.MethodGet, Path: "serviceorders", Route: "serviceorders", Query: q}
			if err := c.do(ctx, call, &e); err != nil {
				yield(nil, err)
				return
			}
			before := last
			for _, raw := range e.Items {
				o := new(ServiceOrder)
				if err := json.Unmarshal(raw, o); err != nil {
					yield(nil, &Error{Op: call.Op, Method: call.Method, Route: call.Route, Err: err, kind: ErrMalformed, Body: head(raw)})
					return
				}
				last = o.ID
				if !yield(o, nil) {
					return
				}
			}
			if len(e.Items) == 0 || last == before {
				return
			}
		}
	}
}

// ServiceOrder reads one service order.
func (c *Client) ServiceOrder(ctx context.Context, id ServiceOrderID) (*ServiceOrder, error) {
	o := new(ServiceOrder)
	return o, c.root(ctx, "ServiceOrder", rest.Read, http.MethodGet, nil, o, "serviceorders", string(id))
}

// CreateServiceOrder makes a service order. It is sent once.
func (c *Client) CreateServiceOrder(ctx context.Context, w Record) (Record, error) {
	var r Record
	return r, c.root(ctx, "CreateServiceOrder", rest.Effect, http.MethodPost, w, &r, "serviceorders")
}

// UpdateServiceOrder replaces a service order; w holds the revision that was read. When it was changed meanwhile the error is ErrConflict.
func (c *Client) UpdateServiceOrder(ctx context.Context, id ServiceOrderID, w Record) error {
	return c.root(ctx, "UpdateServiceOrder", rest.Write, http.MethodPut, w, nil, "serviceorders", string(id))
}

// CustomMetrics reads the figures that the account adds to its dashboards (/custom_metrics).
func (c *Client) CustomMetrics(ctx context.Context) (json.RawMessage, error) {
	var r json.RawMessage
	return r, c.root(ctx, "CustomMetrics", rest.Read, http.MethodGet, nil, &r, "custom_metrics")
}

// CreateCustomMetric adds a figure. It is sent once.
func (c *Client) CreateCustomMetric(ctx context.Context, w Record) error {
	return c.root(ctx, "CreateCustomMetric", rest.Effect, http.MethodPost, w, nil, "custom_metrics")
}

// DeleteCustomMetric removes a figure.
func (c *Client) DeleteCustomMetric(ctx context.Context, key string) error {
	return c.root(ctx, "DeleteCustomMetric", rest.Write, http.MethodDelete, nil, nil, "custom_metrics", key)
}

// CustomMetricValues reads the values of the figures (/custom_metric_values).
func (c *Client) CustomMetricValues(ctx context.Context) (json.RawMessage, error) {
	var r json.RawMessage
	return r, c.root(ctx, "CustomMetricValues", rest.Read, http.MethodGet, nil, &r, "custom_metric_values")
}

// SetCustomMetricValues writes values, as Sitoo's reference has them.
func (c *Client) SetCustomMetricValues(ctx context.Context, w json.RawMessage) error {
	return c.root(ctx, "SetCustomMetricValues", rest.Write, http.MethodPut, w, nil, "custom_metric_values")
}

// DeleteCustomMetricValue removes the values of a figure.
func (c *Client) DeleteCustomMetricValue(ctx context.Context, key string) error {
	return c.root(ctx, "DeleteCustomMetricValue", rest.Write, http.MethodDelete, nil, nil, "custom_metric_values", key)
}

// root makes a call to a place of the account.
func (c *Client) root(ctx context.Context, op string, kind rest.Kind, method string, in, out any, name string, id ...string) error {
	call := rest.Call{Op: op, Kind: kind, Method: method, Path: name, Route: name}
	if len(id) > 0 {
		if id[0] == "" || id[0] == "." || id[0] == ".." {
			return invalid(op, errors.New("the id is empty"))
		}
		call.Path += "/" + url.PathEscape(id[0])
		call.Route += "/{id}"
	}
	if in != nil {
		var err error
		if call.Body, err = encode(in); err != nil {
			return invalid(op, err)
		}
	}
	return c.do(ctx, call, out)
}
