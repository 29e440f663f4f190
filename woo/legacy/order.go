package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/tillwire/tillwire/internal/rest"
	"github.com/tillwire/tillwire/woo"
)

// Orders are the shop's orders: /wc-api/v3/orders. It is an orderfeed.Source.
type Orders struct {
	r resource[woo.Order, woo.OrderID]

	mu    sync.Mutex
	known []woo.OrderStatus // the shop's statuses, as last read
}

func newOrders(c *Client) *Orders {
	return &Orders{r: resource[woo.Order, woo.OrderID]{
		c: c, many: "orders", one: "order", rewrite: order, id: func(o *woo.Order) woo.OrderID { return o.ID },
	}}
}

// Get reads one order. Of a missing one the error is woo.ErrNotFound, of one that wc/v3 has all the same ErrLegacyBlind.
func (o *Orders) Get(ctx context.Context, id woo.OrderID) (*woo.Order, error) {
	found, err := o.r.get(ctx, "Get", id, withMeta())
	if errors.Is(err, woo.ErrNotFound) {
		if modern, modernErr := o.r.c.modern.Orders.Get(ctx, id); modernErr == nil {
			return nil, o.blind("Get", modern)
		}
	}
	return found, err
}

// All reads the orders that match q by id ascending, one page in memory; the package documentation says what is promised
// while orders change. q may set Status, After, ModifiedAfter (both exclusive, of whole seconds) and PerPage, the size of a page
// (2 to 100, default 100); anything else is an error that names it.
//
// The walk first makes sure that the API sees the shop's newest orders, and otherwise fails with ErrLegacyBlind. It also
// asks the shop for its statuses when q names one that it has not seen: of an unknown status the API would return
// everything. An order that cannot be read is yielded as an error (woo.ErrMalformed, with its ResourceID), and the walk
// goes on; after any other error nothing more is yielded.
func (o *Orders) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	query, size, err := filters(q, "Status", "After", "ModifiedAfter", "PerPage")
	if err != nil {
		return failed[woo.Order](invalid("orders.All", err))
	}
	wanted := slices.Clone(q.Status)
	return func(yield func(*woo.Order, error) bool) {
		err := o.filter(ctx, "All", query, wanted)
		if err == nil {
			err = o.Check(ctx)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for found, err := range o.r.all(ctx, query, size) {
			if !yield(found, err) {
				return
			}
		}
	}
}

// List reads one page: q may set Page and PerPage (default 10) beside Status, After, Before, ModifiedAfter and
// ModifiedBefore. The newest come first. Orders that cannot be read are left out; then the error says so
// (woo.ErrMalformed, joined), while the rest is still good. List does not look whether the API is blind.
func (o *Orders) List(ctx context.Context, q woo.OrderQuery) ([]*woo.Order, *woo.Page, error) {
	query, size, err := filters(q, "Status", "After", "Before", "ModifiedAfter", "ModifiedBefore", "PerPage", "Page")
	if err != nil {
		return nil, nil, invalid("orders.List", err)
	}
	if err := o.filter(ctx, "List", query, q.Status); err != nil {
		return nil, nil, err
	}
	return o.r.list(ctx, limited(query, size))
}

// Count is how many orders have one of the statuses, without any all that are not in the trash: GET /orders/count. On a
// blind shop it counts the old ones.
func (o *Orders) Count(ctx context.Context, statuses ...woo.OrderStatus) (int, error) {
	query := url.Values{}
	if err := o.filter(ctx, "Count", query, statuses); err != nil {
		return 0, err
	}
	query.Del("filter[meta]")
	return o.r.count(ctx, query)
}

// Statuses are the shop's order statuses with the names that its staff sees, those of plugins too: GET /orders/statuses.
func (o *Orders) Statuses(ctx context.Context) (map[woo.OrderStatus]string, error) {
	call := o.r.call("Statuses", http.MethodGet, "/statuses", "/statuses")
	res, err := o.r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	src, err := envelope(res.Body, "order_statuses")
	var names map[woo.OrderStatus]string
	if err == nil {
		err = json.Unmarshal(src, &names)
	}
	if err == nil && len(names) == 0 {
		err = errors.New("it names no status")
	}
	if err != nil {
		return nil, o.r.c.unreadable(call, res, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known = slices.Sorted(maps.Keys(names))
	return names, nil
}

// Update changes an order and returns it as the shop then has it: PUT /orders/{id}. w may set Status; anything else is an
// error that names it. An unknown status is refused before it is sent: the shop would answer 200 and make the order
// pending. Where the order then has another status the error is woo.ErrNotApplied, beside the order. It is repeated after
// passing failures.
func (o *Orders) Update(ctx context.Context, id woo.OrderID, w woo.OrderFields) (*woo.Order, error) {
	const op = "orders.Update"
	_, _, err := filters(w, "Status")
	status, ok := w.Status.Get()
	switch {
	case err != nil:
		return nil, invalid(op, err)
	case !ok:
		return nil, invalid(op, errors.New("nothing to write: set Status"))
	case id <= 0:
		return nil, invalid(op, errors.New("id: is not a record's: give the id that the shop gave it"))
	}
	if err := o.check(ctx, "Update", status); err != nil {
		return nil, err
	}
	call := o.r.call("Update", http.MethodPut, fmt.Sprintf("/%d", id), "/{id}")
	found, err := o.r.write(ctx, call, rest.Write, members{"status": quote(string(status))})
	if err != nil {
		return nil, err
	}
	if found.Status != status {
		return found, notApplied(call, int64(id), "status", string(status), string(found.Status), "look for a plugin that moves the order on")
	}
	return found, nil
}

// filter adds statuses to a query, none or OrderAny for all.
func (o *Orders) filter(ctx context.Context, op string, query url.Values, statuses []woo.OrderStatus) error {
	query.Set("filter[meta]", "true")
	if statuses != nil && len(statuses) == 0 {
		return badStatus(op, "an empty list: the shop would take it for no filter; nil is no filter")
	}
	if len(statuses) == 0 || len(statuses) == 1 && statuses[0] == woo.OrderAny {
		return nil
	}
	texts := make([]string, len(statuses))
	for i, s := range statuses {
		if err := o.check(ctx, op, s); err != nil {
			return err
		}
		texts[i] = string(s)
	}
	query.Set("status", strings.Join(texts, ","))
	return nil
}

// check refuses a status that the shop does not have. What was seen once is not asked for again.
func (o *Orders) check(ctx context.Context, op string, status woo.OrderStatus) error {
	if o.has(status) {
		return nil
	}
	if _, err := o.Statuses(ctx); err != nil {
		return err
	}
	if o.has(status) {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return badStatus(op, fmt.Sprintf("the shop knows no %q, only %q", string(status), o.known))
}

func badStatus(op, why string) *Error {
	return invalid("orders."+op, fmt.Errorf("%s: %s", "Status", why))
}

func (o *Orders) has(status woo.OrderStatus) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.known, status)
}

// withMeta asks for meta data, of which the API shows the entries whose key does not begin with an underscore.
func withMeta() url.Values { return url.Values{"filter[meta]": {"true"}} }

// order makes an order of wc/v3.
func order(m members) {
	m.rename(names{
		"order_number": "number", "total_discount": "discount_total", "total_shipping": "shipping_total",
		"customer_ip": "customer_ip_address", "note": "customer_note", "billing_address": "billing",
		"shipping_address": "shipping",
	})
	m.date("created_at", "date_created_gmt")
	m.date("updated_at", "date_modified_gmt")
	m.date("completed_at", "date_completed_gmt")
	if payment := m.object("payment_details"); payment != nil {
		for name, v := range map[string]json.RawMessage{"payment_method": payment["method_id"], "payment_method_title": payment["method_title"]} {
			if v != nil {
				m[name] = v
			}
		}
	}
	m.each("line_items", func(line members) { meta(line, "meta") })
	m.each("tax_lines", func(line members) { line.rename(names{"code": "rate_code", "title": "label"}) })
	m.each("fee_lines", func(line members) { line.rename(names{"title": "name"}) })
	m.each("coupon_lines", func(line members) { line.rename(names{"amount": "discount"}) })
	meta(m, "order_meta")
}

// meta makes meta_data of a list of {key, label, value}, or of an object of values by key.
func meta(m members, name string) {
	src, ok := m[name]
	if !ok {
		return
	}
	if _, isList := elements(src); isList {
		m.rename(names{name: "meta_data"})
		m.each("meta_data", func(entry members) { entry.rename(names{"label": "display_key"}) })
		return
	}
	var values members
	if json.Unmarshal(src, &values) != nil {
		return
	}
	delete(m, name)
	list := make([]json.RawMessage, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, members{"key": quote(key), "value": values[key]}.json())
	}
	m["meta_data"] = join(list)
}
