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
// answer is lost the error is ErrAmbiguous, and a second Create may make a second record; see CreateOnce.
//
// ErrNotApplied comes with the record: it was made, but not as w says, such as an order with an empty line for an unknown product.
func (c *Collection[T, ID, Q, W]) Create(ctx context.Context, w W) (*T, error) {
	return create(ctx, c.r, w)
}

// CreateOnce is Create for what must not be made twice. It stores ref with the record and, when an answer is lost, looks for it before it
// sends again: at once, and until Reference.Settle has passed since, so that a request which the shop carries out after all is not
// doubled. A context that ends before, or a shop that cannot be asked, ends in ErrAmbiguous. Then call again with Reference.Since set:
// such a call looks first, in whichever process, and returns the record that is there.
//
//	ref := woo.Reference{Value: "till-7:" + receipt}
//	if job.Unsure {
//		ref.Since = job.Payload.SoldAt
//	}
//	order, err := shop.Orders.CreateOnce(ctx, ref, fields)
//
// It serves orders, products, variations, customers and coupons, refunds and order notes (which must hold Value in their text). A
// create whose answer comes costs one request. The shop has no filter by meta data, so looking costs one request to learn the shop's
// clock, and one for customers, coupons and whatever has a SKU, else one per 100 records made since the first call began, less an hour;
// before a request is sent again also one for the trash.
//
// What it cannot prevent: that a proxy sends one request twice, or that the shop carries one out later than Settle. Where the shop
// keeps a key unique (SKU, code, e-mail address) even that makes no second record.
func (c *Collection[T, ID, Q, W]) CreateOnce(ctx context.Context, ref Reference, w W) (*T, error) {
	return createOnce(ctx, c.r, ref, w)
}

// Update changes what w sets and returns the record as the shop then has it. The shop ignores some changes without a
// word (the quantity of a product that manages no stock, a sale price above the regular one): then the error is ErrNotApplied,
// whose Details name the fields with what was wanted and what there is, and the record comes with it. Of a missing record the
// error is ErrNotFound.
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

// CreateAll creates any number of records, 100 per request, one request after another. The results stand at ws's indexes; see
// Result. The error is nil when each request was answered, although single records may have been refused. After a failed
// request no further one is sent; a request that the shop refuses whole, because of one record in it, is sent in parts.
//
// Batches validate nothing: what is refused here before sending is ErrValidation at its index. When an answer is lost
// its records are ErrAmbiguous, each of them: the shop works a batch off one by one and may have stopped anywhere.
func (c *Collection[T, ID, Q, W]) CreateAll(ctx context.Context, ws []W) ([]Result[T], error) {
	return createAll(c.r, ws).run(ctx)
}

// CreateAllOnce is CreateAll for what must not be made twice, as CreateOnce is Create: the record at index i gets the reference
// "Value/i". When an answer is lost, what was made is found by one walk through the records made since; what was not is sent again after
// Reference.Settle, and so is what had not been sent. A later call with Reference.Since set must give the same records in the same order.
func (c *Collection[T, ID, Q, W]) CreateAllOnce(ctx context.Context, ref Reference, ws []W) ([]Result[T], error) {
	return createAllOnce(ctx, c.r, ref, ws)
}

// UpdateAll makes any number of changes, 100 per request. Results and error are as CreateAll's, and each change is compared with
// its answer as Update does. Several requests are under way at once, so changes arrive in any order; only when a record
// is changed twice do all go in their order, one request after another.
//
// After a time-out or a crash what was done is read back and the rest is sent, in smaller requests; see Plan.Run. Updates that add
// something, such as lines without an id, end as ErrAmbiguous then.
func (c *Collection[T, ID, Q, W]) UpdateAll(ctx context.Context, changes []Change[ID, W]) ([]Result[T], error) {
	return updateAll(c.r, changes).run(ctx)
}

// DeleteAll deletes any number of records for good, past the trash, as the shop's batches do, 100 per request. Results
// and error are as CreateAll's; an item is the record as it was, or nothing but its id when the answer to its deletion was lost.
func (c *Collection[T, ID, Q, W]) DeleteAll(ctx context.Context, ids []ID) ([]Result[T], error) {
	return deleteAll(c.r, ids).run(ctx)
}

// PlanCreate is CreateAll in two steps: the number of requests is known before the first, and Progress can be heard.
func (c *Collection[T, ID, Q, W]) PlanCreate(ws []W) *Plan[T] { return &Plan[T]{b: createAll(c.r, ws)} }

// PlanUpdate is UpdateAll in two steps.
func (c *Collection[T, ID, Q, W]) PlanUpdate(changes []Change[ID, W]) *Plan[T] {
	return &Plan[T]{b: updateAll(c.r, changes)}
}

// PlanDelete is DeleteAll in two steps.
func (c *Collection[T, ID, Q, W]) PlanDelete(ids []ID) *Plan[T] {
	return &Plan[T]{b: deleteAll(c.r, ids)}
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

// CreateOnce is Create for what must not be made twice, as Collection's.
func (j *Journal[T, ID, Q, W]) CreateOnce(ctx context.Context, ref Reference, w W) (*T, error) {
	return createOnce(ctx, j.r, ref, w)
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
	byPage                      // offset has no effect on a list
	fromZero                    // 0 is an id like any other
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

// under is the place of what belongs to one record. An id that is none leads nowhere.
func under[ID Identifier](parent string, id ID, name string) place {
	at := place{name, parent + "/" + segment(id) + "/" + name, parent + "/{id}/" + name}
	if usable(id) != nil {
		at.path = nowhere
	}
	return at
}

// nowhere is a path that no request may have: the shop would list nothing below a record 0, and say so as if it were true.
const nowhere = "\x00"

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
	if err := r.usable(id); err != nil {
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
	return r.decode(call, res)
}

// decode reads an answer that is one record.
func (r resource[T, ID, Q]) decode(call rest.Call, res *rest.Response) (*T, error) {
	item, err := decodeOne[T](res.Body)
	if err == nil && r.usable(r.id(item)) != nil {
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
	return written(ctx, r, call, rulesOf(w))
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
	return written(ctx, r, call, rulesOf(w))
}

// written sends a call whose answer is the record that it wrote, and compares the two.
func written[T any, ID Identifier, Q any](ctx context.Context, r resource[T, ID, Q], call rest.Call, rules rules) (*T, error) {
	res, err := r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	item, err := r.decode(call, res)
	if err != nil {
		return nil, err
	}
	found, _ := rules.compare(call.Body, res.Body)
	if e := notApplied(call, res.Status, res.Attempts, int64(numberOf(r.id(item))), found); e != nil {
		return item, e
	}
	return item, nil
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

func (r resource[T, ID, Q]) usable(id ID) error {
	if zero := *new(ID); r.traits&fromZero != 0 && id == zero {
		return nil
	}
	return usable(id)
}

// usable refuses the ids that would address something else than one record.
func usable[ID Identifier](id ID) error {
	var zero ID
	if id <= zero || strings.Trim(segment(id), ".") == "" {
		return errUnusable
	}
	return nil
}

var errUnusable = errors.New("id: is not a record's: give the id that the shop gave it")

// segment is an id as part of a path.
func segment[ID Identifier](id ID) string { return url.PathEscape(fmt.Sprint(id)) }
