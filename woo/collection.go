package woo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// api is the namespace and version of all typed routes.
const api = "wc/v3/"

// Identifier is the kind of a record's id: a number, or a text where WooCommerce goes by slug.
type Identifier interface{ ~int64 | ~string }

// Collection is a kind of record with all verbs: T is what is read, ID its identifier, Q the filters of a list and W
// what is written. What was read is never sent back whole: a write says only what is to change.
type Collection[T any, ID Identifier, Q, W any] struct{ r resource[T, ID, Q] }

// List reads one page as q asks for it: which, of what size (the shop's default is 10, its most 100) and in what order.
// Records that cannot be read are left out; then the error says so (ErrMalformed, joined), while records and page are
// still good.
func (c *Collection[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.r.list(ctx, q)
}

// All reads every record that matches q, by id ascending, one page in memory; see the package documentation for what is
// promised while the shop changes meanwhile. q is encoded before All returns, so later changes to it do no harm. Order and
// position are All's own: setting them in q is an error; q.PerPage is the size of a page (default 100, at least 2).
//
// A record that cannot be read is yielded as an error (ErrMalformed, with its ResourceID), and the walk goes on; after
// any other error nothing more is yielded. So `return err` stops at the first trouble, and `continue` reads all that
// can be read.
func (c *Collection[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return c.r.all(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (c *Collection[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return c.r.get(ctx, id)
}

// Create makes a record and returns it as the shop has it. It is sent once: WooCommerce knows no idempotency key. When the
// answer is lost the error is ErrAmbiguous, and a second Create may make a second record.
func (c *Collection[T, ID, Q, W]) Create(ctx context.Context, w W) (*T, error) {
	return create(ctx, c.r, w)
}

// Update changes what w sets and returns the record as the shop then has it. The shop ignores some changes without a
// word (the quantity of a product that manages no stock, a sale price above the regular one): compare. Of a missing
// record the error is ErrNotFound.
//
// It is repeated after a passing failure unless w does something new each time it arrives, such as a line without an
// id, which is added; then it is sent once like a Create.
func (c *Collection[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) (*T, error) {
	return update(ctx, c.r, id, w)
}

// Delete moves a record to the trash where the shop has one for it (orders, products, variations), from where WordPress
// empties it after 30 days; of a record that lies there already the error is ErrGone. Customers have no trash: they are
// gone. To delete past the trash see DeleteAll.
func (c *Collection[T, ID, Q, W]) Delete(ctx context.Context, id ID) error {
	return c.r.delete(ctx, id)
}

// CreateAll creates any number of records, 100 per request. The results stand at ws's indexes; see Result. The error is
// nil when each request was answered, although single records may have been refused. After a failed request no further
// one is sent.
//
// Batches validate nothing: what is refused here before sending is ErrValidation at its index. When an answer is lost
// its records are ErrAmbiguous, each of them: the shop works a batch off one by one and may have stopped anywhere.
func (c *Collection[T, ID, Q, W]) CreateAll(ctx context.Context, ws []W) ([]Result[T], error) {
	return createAll(ctx, c.r, ws)
}

// UpdateAll makes any number of changes, 100 per request, in their order. Results and error are as CreateAll's.
func (c *Collection[T, ID, Q, W]) UpdateAll(ctx context.Context, changes []Change[ID, W]) ([]Result[T], error) {
	return updateAll(ctx, c.r, changes)
}

// DeleteAll deletes any number of records for good, past the trash, as the shop's batches do, 100 per request. Results
// and error are as CreateAll's; an item is the record as it was.
func (c *Collection[T, ID, Q, W]) DeleteAll(ctx context.Context, ids []ID) ([]Result[T], error) {
	return deleteAll(ctx, c.r, ids)
}

// Journal is a kind of record that is added and removed, but never changed and never in batches: order notes and refunds.
type Journal[T any, ID Identifier, Q, W any] struct{ r resource[T, ID, Q] }

// List reads one page, as Collection's.
func (j *Journal[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return j.r.list(ctx, q)
}

// All reads every record that matches q, as Collection's. Order notes come in one page, in the shop's order.
func (j *Journal[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return j.r.all(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (j *Journal[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return j.r.get(ctx, id)
}

// Create adds a record and returns it as the shop has it. It is sent once, as Collection's.
func (j *Journal[T, ID, Q, W]) Create(ctx context.Context, w W) (*T, error) {
	return create(ctx, j.r, w)
}

// Delete removes a record for good: there is no trash for it.
func (j *Journal[T, ID, Q, W]) Delete(ctx context.Context, id ID) error {
	return j.r.delete(ctx, id)
}

// traits are what a resource differs in.
type traits uint8

const (
	hasTrash traits = 1 << iota // DELETE without force moves to the trash; without this trait it is sent with force
	onePage                     // a list is one page, whatever is asked
)

// resource is what the types of collections share.
type resource[T any, ID Identifier, Q any] struct {
	c      *Client
	place  place
	traits traits
	values func(Q) (url.Values, error) // lists comma-separated, dates zone-less; page, per_page, order and orderby only where set
	id     func(*T) ID
}

// place is where a resource is.
type place struct {
	name  string // "variations", for operations: "variations.List"
	path  string // "products/12/variations", escaped
	route string // "products/{id}/variations"
}

func under[ID Identifier](parent string, id ID, name string) place {
	return place{name, parent + "/" + segment(id) + "/" + name, parent + "/{id}/" + name}
}

// collection makes a Collection at a place, or at the top when it is given as a name. Only W must be named, the rest is
// inferred.
func collection[W, T any, ID Identifier, Q any, P place | string](
	c *Client, at P, t traits, values func(Q) (url.Values, error), id func(*T) ID,
) *Collection[T, ID, Q, W] {
	return &Collection[T, ID, Q, W]{resource[T, ID, Q]{c, placed(at), t, values, id}}
}

func journal[W, T any, ID Identifier, Q any](
	c *Client, at place, t traits, values func(Q) (url.Values, error), id func(*T) ID,
) *Journal[T, ID, Q, W] {
	return &Journal[T, ID, Q, W]{resource[T, ID, Q]{c, at, t, values, id}}
}

func placed[P place | string](at P) place {
	if name, ok := any(at).(string); ok {
		return place{name, name, name}
	}
	return any(at).(place)
}

// call begins a call of the collection itself.
func (r resource[T, ID, Q]) call(op, method string) rest.Call {
	return rest.Call{Op: r.place.name + "." + op, Method: method, Path: api + r.place.path, Route: api + r.place.route}
}

// one begins a call of one record. An empty id is refused: its path would be the collection's.
func (r resource[T, ID, Q]) one(op, method string, id ID) (rest.Call, error) {
	call := r.call(op, method)
	if err := usable(id); err != nil {
		return call, invalid(call.Op, err)
	}
	call.Path += "/" + segment(id)
	call.Route += "/{id}"
	return call, nil
}

func (r resource[T, ID, Q]) get(ctx context.Context, id ID) (*T, error) {
	call, err := r.one("Get", http.MethodGet, id)
	if err != nil {
		return nil, err
	}
	return r.record(ctx, call)
}

// record sends a call whose answer is one record.
func (r resource[T, ID, Q]) record(ctx context.Context, call rest.Call) (*T, error) {
	res, err := r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	item, err := decodeOne[T](res.Body)
	if err == nil && usable(r.id(item)) != nil {
		err = errors.New("it has no id")
	}
	if err != nil {
		return nil, r.c.unreadable(call, res, err)
	}
	return item, nil
}

func (r resource[T, ID, Q]) delete(ctx context.Context, id ID) error {
	call, err := r.one("Delete", http.MethodDelete, id)
	if err != nil {
		return err
	}
	call.Kind = rest.Write
	if r.traits&hasTrash == 0 {
		call.Query = url.Values{"force": {"true"}}
	}
	_, err = r.c.send(ctx, call)
	if e := (*Error)(nil); errors.As(err, &e) && e.Attempts > 1 && (errors.Is(e, ErrGone) || errors.Is(e, ErrNotFound)) {
		return nil // an earlier try did it, and its answer was lost
	}
	return err
}

func create[T any, ID Identifier, Q, W any](ctx context.Context, r resource[T, ID, Q], w W) (*T, error) {
	call := r.call("Create", http.MethodPost)
	call.Kind = rest.Effect
	body, err := encode(w)
	if err != nil {
		return nil, invalid(call.Op, err)
	}
	call.Body = body
	return r.record(ctx, call)
}

func update[T any, ID Identifier, Q, W any](ctx context.Context, r resource[T, ID, Q], id ID, w W) (*T, error) {
	call, err := r.one("Update", http.MethodPut, id)
	if err != nil {
		return nil, err
	}
	if call.Body, err = encode(w); err != nil {
		return nil, invalid(call.Op, err)
	}
	call.Kind = kindOf(call.Body)
	return r.record(ctx, call)
}

// checker is a write type that can say, without asking the shop, what the shop would refuse of a single write but let
// pass in a batch, where it validates nothing. The error names the field.
type checker interface {
	check() error
}

// encode checks a write and makes its JSON object.
func encode(w any) ([]byte, error) {
	if w, ok := w.(checker); ok {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(w)
	if err == nil && (len(body) < 2 || body[0] != '{') {
		err = fmt.Errorf("%T is no object in JSON", w)
	}
	return body, err
}

// kindOf says whether an update may be sent twice. It may, save where the shop adds rather than sets: lines without an id,
// inventory_delta, pictures fetched from an address, and set_paid with all that follows from it.
func kindOf(update []byte) rest.Kind {
	var w struct {
		Lines     []added         `json:"line_items"`
		Fees      []added         `json:"fee_lines"`
		Shipping  []added         `json:"shipping_lines"`
		Images    []added         `json:"images"`
		Image     *added          `json:"image"`
		Inventory json.RawMessage `json:"inventory_delta"`
		SetPaid   bool            `json:"set_paid"`
	}
	if json.Unmarshal(update, &w) != nil {
		return rest.Effect
	}
	for _, list := range [][]added{w.Lines, w.Fees, w.Shipping, w.Images} {
		for _, item := range list {
			if item {
				return rest.Effect
			}
		}
	}
	if w.Image != nil && bool(*w.Image) || len(w.Inventory) > 0 || w.SetPaid {
		return rest.Effect
	}
	return rest.Write
}

// added reports an element that has no id, so that the shop makes a new one.
type added bool

func (a *added) UnmarshalJSON(b []byte) error {
	var v struct {
		ID lenientID `json:"id"`
	}
	if bytes.HasPrefix(b, []byte("{")) {
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*a = v.ID == 0
	}
	return nil
}

// usable refuses the ids that would address something else than one record.
func usable[ID Identifier](id ID) error {
	var zero ID
	if id <= zero || strings.Trim(segment(id), ".") == "" {
		return errors.New("id: is not a record's: give the id that the shop gave it")
	}
	return nil
}

// segment is an id as part of a path.
func segment[ID Identifier](id ID) string { return url.PathEscape(fmt.Sprint(id)) }
