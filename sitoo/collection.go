package sitoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tillwire/tillwire/internal/rest"
)

// Identifier is the kind of a record's id: a number, or a text such as "{GUID}".
type Identifier interface{ ~int64 | ~string }

// Lister is a kind of record that can only be listed: T is what is read, Q the filters of a list.
type Lister[T any, Q listQuery] struct{ r resource[T, Q] }

// List reads one page as q asks for it. Records that cannot be read are left out; then the error says so (ErrMalformed, joined), while
// records and page are still good.
func (l *Lister[T, Q]) List(ctx context.Context, q Q) ([]*T, *Page, error) { return l.r.list(ctx, q) }

// All reads every record that matches q, one page in memory; see the package documentation for what is promised while Sitoo changes
// meanwhile. q.PerPage is the size of a page; where a list starts is All's own.
//
// A record that cannot be read is yielded as an error (ErrMalformed), and the walk goes on; after any other error nothing more is
// yielded.
func (l *Lister[T, Q]) All(ctx context.Context, q Q) iter.Seq2[*T, error] { return l.r.all(ctx, q) }

// Reader is a kind of record that is read, but not written through this interface.
type Reader[T any, ID Identifier, Q listQuery] struct{ r resource[T, Q] }

// List reads one page, as Lister's.
func (c *Reader[T, ID, Q]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.r.list(ctx, q)
}

// All reads every record that matches q, as Lister's.
func (c *Reader[T, ID, Q]) All(ctx context.Context, q Q) iter.Seq2[*T, error] { return c.r.all(ctx, q) }

// Get reads one record, with all its fields. Of a missing one the error is ErrNotFound.
func (c *Reader[T, ID, Q]) Get(ctx context.Context, id ID) (*T, error) { return c.r.get(ctx, wire(id)) }

// Series is a kind of record that is added and changed, but never deleted: orders (cancelled by their state), shipments, stock batches.
// W is what is written.
type Series[T any, ID Identifier, Q listQuery, W any] struct{ r resource[T, Q] }

// List reads one page, as Lister's.
func (c *Series[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.r.list(ctx, q)
}

// All reads every record that matches q, as Lister's. Orders come by id ascending, each page from the last id on, so that none is missed or
// repeated while tills sell.
func (c *Series[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return c.r.all(ctx, q)
}

// Get reads one record, with all its fields. Of a missing one the error is ErrNotFound.
func (c *Series[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return c.r.get(ctx, wire(id))
}

// Create makes a record and returns its id, which is all that Sitoo answers. It is sent once; when the answer is lost the error is
// ErrAmbiguous. For orders see [Client.CreateOrderOnce].
func (c *Series[T, ID, Q, W]) Create(ctx context.Context, w W) (ID, error) {
	return create[ID](ctx, c.r, w)
}

// Update changes what w sets. It is repeated after a passing failure.
func (c *Series[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) error {
	return c.r.update(ctx, wire(id), w)
}

// Collection is a kind of record with all verbs, one record per request.
type Collection[T any, ID Identifier, Q listQuery, W any] struct{ r resource[T, Q] }

// List reads one page, as Lister's.
func (c *Collection[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.r.list(ctx, q)
}

// All reads every record that matches q, as Lister's.
func (c *Collection[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return c.r.all(ctx, q)
}

// Get reads one record, with all its fields. Of a missing one the error is ErrNotFound.
func (c *Collection[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return c.r.get(ctx, wire(id))
}

// Create makes a record and returns its id, as Series'.
func (c *Collection[T, ID, Q, W]) Create(ctx context.Context, w W) (ID, error) {
	return create[ID](ctx, c.r, w)
}

// Update changes what w sets. It is repeated after a passing failure.
func (c *Collection[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) error {
	return c.r.update(ctx, wire(id), w)
}

// Delete removes a record for good. A category takes all that hang below it along. It is repeated after a passing failure, so ErrNotFound may
// mean that an earlier try has done it.
func (c *Collection[T, ID, Q, W]) Delete(ctx context.Context, id ID) error {
	return c.r.delete(ctx, wire(id))
}

// Bulk is a Collection whose writes take any number of records, 200 per request.
type Bulk[T any, ID Identifier, Q listQuery, W any] struct{ r resource[T, Q] }

// List reads one page, as Lister's.
func (c *Bulk[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.r.list(ctx, q)
}

// All reads every record that matches q, as Lister's.
func (c *Bulk[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return c.r.all(ctx, q)
}

// Get reads one record, with all its fields. Of a missing one the error is ErrNotFound.
func (c *Bulk[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return c.r.get(ctx, wire(id))
}

// Create makes one record; see PlanCreate for many.
func (c *Bulk[T, ID, Q, W]) Create(ctx context.Context, w W) (ID, error) {
	return one(c.PlanCreate([]W{w}).Run(ctx))
}

// Update changes what w sets; see PlanUpdate for many.
func (c *Bulk[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) error {
	return c.r.update(ctx, wire(id), w)
}

// Delete removes a record for good; see PlanDelete for many.
func (c *Bulk[T, ID, Q, W]) Delete(ctx context.Context, id ID) error {
	return c.r.delete(ctx, wire(id))
}

// PlanCreate makes any number of records. Each request is sent once; when its answer is lost its records are ErrAmbiguous, each of them.
func (c *Bulk[T, ID, Q, W]) PlanCreate(ws []W) *Plan[ID] {
	return creates[ID](c.r, ws)
}

// PlanUpdate makes any number of changes, in their order.
func (c *Bulk[T, ID, Q, W]) PlanUpdate(changes []Change[ID, W]) *Plan[ID] {
	return updates(c.r, changes)
}

// PlanDelete removes any number of records for good.
func (c *Bulk[T, ID, Q, W]) PlanDelete(ids []ID) *Plan[ID] { return deletes(c.r, ids) }

// Directory is a Bulk whose records are deleted one by one: users.
type Directory[T any, ID Identifier, Q listQuery, W any] struct{ r resource[T, Q] }

// List reads one page, as Lister's.
func (c *Directory[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.r.list(ctx, q)
}

// All reads every record that matches q, as Lister's.
func (c *Directory[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return c.r.all(ctx, q)
}

// Get reads one record, with all its fields. Of a missing one the error is ErrNotFound.
func (c *Directory[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return c.r.get(ctx, wire(id))
}

// Create makes one record; see PlanCreate for many.
func (c *Directory[T, ID, Q, W]) Create(ctx context.Context, w W) (ID, error) {
	return one(c.PlanCreate([]W{w}).Run(ctx))
}

// Update changes what w sets; see PlanUpdate for many.
func (c *Directory[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) error {
	return c.r.update(ctx, wire(id), w)
}

// Delete removes a record for good.
func (c *Directory[T, ID, Q, W]) Delete(ctx context.Context, id ID) error {
	return c.r.delete(ctx, wire(id))
}

// PlanCreate makes any number of records, as Bulk's.
func (c *Directory[T, ID, Q, W]) PlanCreate(ws []W) *Plan[ID] { return creates[ID](c.r, ws) }

// PlanUpdate makes any number of changes, in their order.
func (c *Directory[T, ID, Q, W]) PlanUpdate(changes []Change[ID, W]) *Plan[ID] {
	return updates(c.r, changes)
}

// Sheet is a kind of row that goes by SKU: set, overwritten and removed, 200 per request. Setting what was set changes nothing, so requests are
// repeated after passing failures.
type Sheet[T any, Q listQuery, W any] struct{ r resource[T, Q] }

// List reads one page, as Lister's.
func (c *Sheet[T, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) { return c.r.list(ctx, q) }

// All reads every row that matches q, as Lister's.
func (c *Sheet[T, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] { return c.r.all(ctx, q) }

// PlanSet sets any number of rows.
func (c *Sheet[T, Q, W]) PlanSet(rows []W) *Plan[int64] { return sets[int64](c.r, rows) }

// PlanRemove removes the rows of any number of SKUs.
func (c *Sheet[T, Q, W]) PlanRemove(skus []string) *Plan[int64] {
	rows := make([]json.RawMessage, len(skus))
	for i, sku := range skus {
		rows[i], _ = json.Marshal(map[string]string{"sku": sku})
	}
	return planned[int64](c.r, "Remove", http.MethodDelete, rest.Write, rows, nil)
}

// Shelf is a warehouse's stock: rows by SKU that are set, but never removed.
type Shelf struct {
	r resource[StockItem, StockQuery]
}

// List reads one page, as Lister's.
func (s *Shelf) List(ctx context.Context, q StockQuery) ([]*StockItem, *Page, error) {
	return s.r.list(ctx, q)
}

// All reads every row that matches q, as Lister's.
func (s *Shelf) All(ctx context.Context, q StockQuery) iter.Seq2[*StockItem, error] {
	return s.r.all(ctx, q)
}

// PlanSet sets any number of rows, 200 per request. Total is writable in a virtual warehouse alone: in a FIFO warehouse Sitoo answers success
// and ignores it; there stock moves by transactions, batches and deliveries.
func (s *Shelf) PlanSet(rows []StockFields) *Plan[int64] { return sets[int64](s.r, rows) }

// resource is what the types of collections share.
type resource[T any, Q listQuery] struct {
	c        *Client
	place    place
	key      func(*T) string // of a record, to know it again in a walk; nil where there is none
	inside   string          // where a batch has the id within each element: "productid"
	ownID    bool            // the caller chooses the id
	returned string          // POST answers an object, whose member this is the id
	cursor   string          // walks by id: sort=<cursor> and <cursor>from
}

func lister[T any, Q listQuery, K Identifier](c *Client, p place, id func(*T) K) *Lister[T, Q] {
	return &Lister[T, Q]{resource[T, Q]{c: c, place: p, key: keyed(id)}}
}

func reader[T any, ID Identifier, Q listQuery](c *Client, p place, id func(*T) ID) *Reader[T, ID, Q] {
	return &Reader[T, ID, Q]{resource[T, Q]{c: c, place: p, key: keyed(id)}}
}

func series[T any, ID Identifier, Q listQuery, W any](c *Client, p place, id func(*T) ID) *Series[T, ID, Q, W] {
	return &Series[T, ID, Q, W]{resource[T, Q]{c: c, place: p, key: keyed(id)}}
}

func collection[T any, ID Identifier, Q listQuery, W any](c *Client, p place, id func(*T) ID) *Collection[T, ID, Q, W] {
	return &Collection[T, ID, Q, W]{resource[T, Q]{c: c, place: p, key: keyed(id)}}
}

func bulk[T any, ID Identifier, Q listQuery, W any](c *Client, p place, inside string, id func(*T) ID) *Bulk[T, ID, Q, W] {
	return &Bulk[T, ID, Q, W]{resource[T, Q]{c: c, place: p, inside: inside, key: keyed(id)}}
}

func directory[T any, ID Identifier, Q listQuery, W any](c *Client, p place, inside string, id func(*T) ID) *Directory[T, ID, Q, W] {
	return &Directory[T, ID, Q, W]{resource[T, Q]{c: c, place: p, inside: inside, key: keyed(id)}}
}

func keyed[T any, K Identifier](id func(*T) K) func(*T) string {
	return func(t *T) string { return wire(id(t)) }
}

// wire is an id as it stands in a path.
func wire[ID Identifier](id ID) string {
	switch v := any(id).(type) {
	case string:
		return v
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(id)
}

// call is a request to the resource, or to one record of it.
func (r resource[T, Q]) call(verb string, kind rest.Kind, method, id string, q url.Values) (rest.Call, error) {
	call := rest.Call{Op: r.place.name + "." + verb, Kind: kind, Method: method, Path: r.place.path, Route: r.place.route, Query: q}
	if id == "" {
		return call, nil
	}
	if id == "0" || id == "." || id == ".." {
		return call, invalid(call.Op, errors.New("the id is "+strconv.Quote(id)))
	}
	call.Path += "/" + url.PathEscape(id)
	call.Route += "/{id}"
	return call, nil
}

func (r resource[T, Q]) get(ctx context.Context, id string) (*T, error) {
	if id == "" {
		return nil, invalid(r.place.name+".Get", errors.New("the id is empty"))
	}
	call, err := r.call("Get", rest.Read, http.MethodGet, id, nil)
	if err != nil {
		return nil, err
	}
	t := new(T)
	if err := r.c.do(ctx, call, t); err != nil {
		return nil, err
	}
	return t, nil
}

func (r resource[T, Q]) update(ctx context.Context, id string, w any) error {
	return r.write(ctx, "Update", http.MethodPut, id, w)
}

func (r resource[T, Q]) delete(ctx context.Context, id string) error {
	return r.write(ctx, "Delete", http.MethodDelete, id, nil)
}

// write sends an idempotent write to one record. Its answer is a bare true.
func (r resource[T, Q]) write(ctx context.Context, verb, method, id string, w any) error {
	if id == "" {
		return invalid(r.place.name+"."+verb, errors.New("the id is empty"))
	}
	call, err := r.call(verb, rest.Write, method, id, nil)
	if err != nil {
		return err
	}
	if w != nil {
		if call.Body, err = encode(w); err != nil {
			return invalid(call.Op, err)
		}
	}
	return r.c.do(ctx, call, nil)
}

// create sends one record and reads the id that Sitoo answers: a bare number or text.
func create[ID Identifier, T any, Q listQuery, W any](ctx context.Context, r resource[T, Q], w W) (id ID, err error) {
	call, _ := r.call("Create", rest.Effect, http.MethodPost, "", nil)
	if call.Body, err = encode(w); err != nil {
		return id, invalid(call.Op, err)
	}
	return post[ID](ctx, r.c, call, r.returned)
}

func post[ID Identifier](ctx context.Context, c *Client, call rest.Call, member string) (id ID, err error) {
	res, err := c.send(ctx, call)
	if err != nil {
		return id, err
	}
	defer res.Release()
	answer := json.RawMessage(res.Body)
	if member != "" {
		var object map[string]json.RawMessage
		if json.Unmarshal(answer, &object) == nil {
			answer = object[member]
		}
	}
	if id, ok := readID[ID](answer); ok {
		return id, nil
	}
	return id, unread(call, res, "the answer holds no id")
}

// readID reads 4711, "4711" and "{GUID}".
func readID[ID Identifier](b json.RawMessage) (id ID, ok bool) {
	if len(b) == 0 || b[0] == '{' || b[0] == '[' || string(b) == "null" {
		return id, false
	}
	if json.Unmarshal(b, &id) == nil {
		return id, true
	}
	n, err := readInt(b)
	if err != nil {
		return id, false
	}
	return id, json.Unmarshal(strconv.AppendInt(nil, n, 10), &id) == nil
}

// encode is a body as Sitoo wants it, after what can be seen to be wrong was refused.
func encode(w any) ([]byte, error) {
	if c, ok := w.(interface{ check() error }); ok {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(w)
}
