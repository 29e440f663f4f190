package legacy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
	"github.com/tillwire/tillwire/woo"
)

// maxPage is the most records that are asked for at once. The API knows no limit, but PHP builds each record whole: 260
// orders took 3 to 4 s on an idle shop.
const maxPage = 100

// resource is what the collections share. T is what is read, ID its identifier.
type resource[T any, ID ~int64] struct {
	c       *Client
	many    string // "orders": the route, and the envelope of a list
	one     string // "order": the envelope of a record
	rewrite func(members)
	id      func(*T) ID
}

// call begins a call; path is what follows the collection's route, template the same with its ids blanked.
func (r *resource[T, ID]) call(op, method, path, template string) rest.Call {
	return rest.Call{Op: r.many + "." + op, Method: method, Path: r.many + path, Route: "/" + r.many + template}
}

func (r *resource[T, ID]) get(ctx context.Context, op string, id ID, query url.Values) (*T, error) {
	call := r.call(op, http.MethodGet, fmt.Sprintf("/%d", id), "/{id}")
	if id <= 0 {
		return nil, invalid(call.Op, errors.New("id: is not a record's: give the id that the shop gave it"))
	}
	call.Query = query
	return r.record(ctx, call)
}

// record sends a call whose answer is one record in its envelope.
func (r *resource[T, ID]) record(ctx context.Context, call rest.Call) (*T, error) {
	res, err := r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	src, err := envelope(res.Body, r.one)
	var item *T
	if err == nil {
		item, err = decode[T](src, r.rewrite)
	}
	if err == nil && r.id(item) <= 0 {
		err = errors.New("it has no id")
	}
	if err != nil {
		return nil, r.c.unreadable(call, res, err)
	}
	return item, nil
}

// write sends w in its envelope.
func (r *resource[T, ID]) write(ctx context.Context, call rest.Call, kind rest.Kind, w members) (*T, error) {
	call.Kind, call.Body = kind, members{r.one: w.json()}.json()
	return r.record(ctx, call)
}

// count is GET …/count.
func (r *resource[T, ID]) count(ctx context.Context, query url.Values) (int, error) {
	call := r.call("Count", http.MethodGet, "/count", "/count")
	call.Query = query
	res, err := r.c.send(ctx, call)
	if err != nil {
		return 0, err
	}
	defer res.Release()
	src, err := envelope(res.Body, "count")
	var n int
	if err == nil {
		n, err = strconv.Atoi(strings.Trim(string(src), `"`))
	}
	if err != nil {
		return 0, r.c.unreadable(call, res, err)
	}
	return n, nil
}

// page is one page as it came.
type page[T any] struct {
	entries []entry[T]
	total   woo.Page
}

// entry is an element of a page: an item, or why it could not be read.
type entry[T any] struct {
	id   int64
	item *T
	err  error
}

func (r *resource[T, ID]) fetch(ctx context.Context, op string, query url.Values) (*page[T], error) {
	call := r.call(op, http.MethodGet, "", "")
	call.Query = query
	res, err := r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	src, err := envelope(res.Body, r.many)
	list, ok := elements(src)
	if err == nil && !ok {
		err = fmt.Errorf("%s: a list is wanted", r.many)
	}
	if err != nil {
		return nil, r.c.unreadable(call, res, err)
	}
	p := &page[T]{total: woo.Page{Total: header(res.Header, "X-WC-Total"), Pages: header(res.Header, "X-WC-TotalPages")}}
	for _, src := range list {
		item, err := decode[T](src, r.rewrite)
		e := entry[T]{item: item}
		if err == nil {
			e.id = int64(r.id(item))
		} else {
			e.id = idIn(src)
			bad := &Error{Op: call.Op, Method: call.Method, Route: route + call.Route, ResourceID: e.id, Attempts: res.Attempts, Err: err}
			bad.is(woo.ErrMalformed, fmt.Sprintf("%s %d cannot be read: %v", r.one, e.id, err))
			e.err = bad
		}
		p.entries = append(p.entries, e)
	}
	if len(list) == 0 && p.total.Total > 0 && query.Get("page") == "" && query.Get("filter[offset]") == "" {
		bad := &Error{Op: call.Op, Method: call.Method, Route: route + call.Route, Status: res.Status, Attempts: res.Attempts}
		bad.is(woo.ErrPermission, fmt.Sprintf("the shop counts %d %s and shows none: give the key to a user with the role Shop manager",
			p.total.Total, r.many))
		return nil, bad
	}
	return p, nil
}

// header reads a number; -1 when there is none.
func header(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// list reads one page. Records that cannot be read are left out and named by the error, joined.
func (r *resource[T, ID]) list(ctx context.Context, query url.Values) ([]*T, *woo.Page, error) {
	p, err := r.fetch(ctx, "List", query)
	if err != nil {
		return nil, nil, err
	}
	if len(p.entries) == 0 { // the totals of a page past the end are 0
		p.total = woo.Page{Total: -1, Pages: -1}
	}
	items := make([]*T, 0, len(p.entries))
	var bad []error
	for _, e := range p.entries {
		if e.err != nil {
			bad = append(bad, e.err)
		} else {
			items = append(items, e.item)
		}
	}
	return items, &p.total, errors.Join(bad...)
}

// all walks a list by id ascending, in windows that overlap by one record: the last that a window shows must be the first
// of the next, or come after it. Where it does not, records left the list meanwhile and moved others up behind the
// window's border: the walk steps back until windows join. So what is in the list during the whole walk is yielded
// exactly once, and what comes or goes meanwhile at most once.
//
// There is no faster safe way: the API has neither a filter by id greater than another, nor one that would build less
// than whole records to list their ids.
func (r *resource[T, ID]) all(ctx context.Context, query url.Values, size int) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if size == 0 {
			size = maxPage
		}
		size = min(max(size, 2), maxPage) // a window of one could not overlap
		query := maps.Clone(query)
		query.Set("filter[limit]", strconv.Itoa(size))
		query.Set("filter[orderby]", "ID")
		query.Set("filter[order]", "ASC")
		w := walk[T, ID]{r: r, query: query, size: size}
		for {
			p, err := w.next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range p {
				if !yield(e.item, e.err) {
					return
				}
			}
			if w.done {
				return
			}
		}
	}
}

type walk[T any, ID ~int64] struct {
	r      *resource[T, ID]
	query  url.Values
	size   int
	offset int        // of the next window
	last   int64      // the highest id met
	before []entry[T] // the window before
	back   int        // how far the last step back was; 0: the walk goes forward
	looks  int        // windows in a row that brought nothing new
	done   bool
}

// maxLooks is how many windows in a row may bring nothing new.
const maxLooks = 20

// next reads a window and returns what it has that is new.
func (w *walk[T, ID]) next(ctx context.Context) ([]entry[T], error) {
	query := maps.Clone(w.query)
	if w.offset > 0 {
		query.Set("filter[offset]", strconv.Itoa(w.offset))
	}
	p, err := w.r.fetch(ctx, "All", query)
	if err != nil {
		return nil, err
	}
	n, total := len(p.entries), p.total.Total
	at := w.last
	for i := range p.entries { // what has not even an id stands where it is
		if p.entries[i].id == 0 {
			p.entries[i].id = at
		}
		at = p.entries[i].id
	}
	if !slices.IsSortedFunc(p.entries, func(a, b entry[T]) int { return int(a.id - b.id) }) {
		return nil, w.stuck("the shop does not sort by id, so records would be missed")
	}
	if w.looks++; w.looks > maxLooks {
		return nil, w.stuck("the list changes faster than it can be read, or the shop answers from a cache")
	}
	if w.offset > 0 && (n == 0 || p.entries[0].id > w.last) { // others moved up: this window does not join the one before
		w.back = max(2*w.back, w.size/2)
		w.offset, w.before = max(0, w.offset-w.back), nil
		return nil, nil
	}
	w.back = 0
	fresh := p.entries
	for w.last > 0 && len(fresh) > 0 && fresh[0].id <= w.last {
		fresh = fresh[1:]
	}
	if n > 0 {
		w.last = max(w.last, p.entries[n-1].id)
	}
	if len(fresh) > 0 {
		w.looks = 0
	}
	switch {
	case total >= 0 && w.offset+n >= total, total < 0 && n < 2: // where a proxy drops the totals, nothing but the overlap ends it
		w.done = true
	case n == w.size && len(fresh) == 0 && slices.EqualFunc(p.entries, w.before, func(a, b entry[T]) bool { return a.id == b.id }):
		return nil, w.stuck("the shop answers the same page again, so the list cannot be read to its end")
	case n < 2:
		return nil, w.stuck("the shop counts records that it does not show, so the list cannot be read to its end")
	default:
		w.offset += n - 1
	}
	w.before = p.entries
	return fresh, nil
}

// stuck is the end of a walk that would skip records or run in circles.
func (w *walk[T, ID]) stuck(why string) *Error {
	e := &Error{Op: w.r.many + ".All", Method: http.MethodGet, Route: route + "/" + w.r.many}
	e.is(woo.ErrPaging, why+": look for a page cache or rewrite rule that drops the query of /wc-api/ addresses")
	return e
}

// failed is an iterator of nothing but an error.
func failed[T any](err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, err) }
}

// filters encodes what woo's queries have in common, and refuses the fields that are not in allowed. Dates are inclusive
// here and exclusive in woo's queries; both count whole seconds.
func filters(q any, allowed ...string) (out url.Values, size int, err error) {
	out = url.Values{}
	v := reflect.ValueOf(q)
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if f.IsZero() {
			continue
		}
		if !slices.Contains(allowed, name) {
			return nil, 0, fmt.Errorf("%s: has no counterpart in the legacy API", name)
		}
		switch name {
		case "After":
			out.Set("filter[created_at_min]", after(f.Interface()))
		case "Before":
			out.Set("filter[created_at_max]", before(f.Interface()))
		case "ModifiedAfter":
			out.Set("filter[updated_at_min]", after(f.Interface()))
		case "ModifiedBefore":
			out.Set("filter[updated_at_max]", before(f.Interface()))
		case "PerPage":
			if size = int(f.Int()); size < 1 || size > maxPage {
				return nil, 0, fmt.Errorf("PerPage: %d is not within 1 and %d", size, maxPage)
			}
		case "Page":
			if f.Int() < 1 {
				return nil, 0, fmt.Errorf("%s: %d is negative", name, f.Int())
			}
			out.Set("page", strconv.FormatInt(f.Int(), 10))
		}
	}
	return out, size, nil
}

// after is the first whole second that a strict "after" lets in; before the last one.
func after(t any) string {
	return t.(time.Time).UTC().Truncate(time.Second).Add(time.Second).Format(time.RFC3339)
}

func before(t any) string {
	return t.(time.Time).UTC().Add(-time.Nanosecond).Truncate(time.Second).Format(time.RFC3339)
}

// limited is a query for one page of a size.
func limited(query url.Values, size int) url.Values {
	if size > 0 {
		query.Set("filter[limit]", strconv.Itoa(size))
	}
	return query
}
