package woo

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
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// maxPage is the most records the shop gives at once.
const maxPage = 100

// Page tells how much there is beside the page that was read. Either is -1 when the shop did not say: a proxy dropped
// the headers, or the page is empty, of which shops say different things.
type Page struct {
	Total int // records of the whole list
	Pages int // pages of the size that was asked for
}

// read is one page as it came.
type read[T any, ID Identifier] struct {
	window  window
	records []record[T, ID]
	total   Page
}

// window is a stretch of a list: size places from start on.
type window struct{ start, size int }

// record is an element of a page: an item, or why it could not be read.
type record[T any, ID Identifier] struct {
	id   ID // zero when even that is unreadable
	item *T
	err  error
}

// fetch reads one page.
func (r resource[T, ID, Q]) fetch(ctx context.Context, op string, query url.Values) (*read[T, ID], error) {
	call := r.call(op, http.MethodGet)
	call.Query = query
	res, err := r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	items, bad, err := decodeList[T](res.Body)
	if err != nil {
		return nil, r.c.unreadable(call, res, err)
	}
	page := &read[T, ID]{}
	for i := range len(items) + len(bad) { // the bad ones back to their places
		var why *DecodeError
		if len(bad) > 0 && errors.As(bad[0], &why) && why.Index == i {
			page.records = append(page.records, record[T, ID]{id: idOf[ID](why.ID), err: malformed(call, res, why)})
			bad = bad[1:]
			continue
		}
		page.records = append(page.records, record[T, ID]{id: r.id(items[0]), item: items[0]})
		items = items[1:]
	}
	page.total = Page{header(res.Header, "X-WP-Total"), header(res.Header, "X-WP-TotalPages")}
	if r.traits&onePage != 0 {
		page.total = Page{len(page.records), 1}
	}
	return page, nil
}

// header reads a number; -1 when there is none.
func header(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// malformed is a record that could not be read.
func malformed(call rest.Call, res *rest.Response, why *DecodeError) *Error {
	name := "a record"
	if why.ID != "" {
		name = "record " + why.ID
	}
	return &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, ResourceID: idOf[int64](why.ID), Attempts: res.Attempts, Err: why,
		kind: ErrMalformed, text: name + " cannot be read: " + reason(why),
	}
}

// idOf reads an id as it came, zero when it is none.
func idOf[ID Identifier](raw string) (id ID) {
	if json.Unmarshal([]byte(raw), &id) != nil {
		_ = json.Unmarshal([]byte(strings.Trim(raw, `"`)), &id)
	}
	return id
}

// query encodes q.
func (r resource[T, ID, Q]) query(op string, q Q) (url.Values, error) {
	v, err := r.values(q)
	if err != nil {
		return nil, invalid(r.place.name+"."+op, err)
	}
	return v, nil
}

func (r resource[T, ID, Q]) list(ctx context.Context, q Q) ([]*T, *Page, error) {
	query, err := r.query("List", q)
	if err != nil {
		return nil, nil, err
	}
	page, err := r.fetch(ctx, "List", query)
	if err != nil {
		return nil, nil, err
	}
	if len(page.records) == 0 && r.traits&onePage == 0 {
		page.total = Page{-1, -1}
	}
	items := make([]*T, 0, len(page.records))
	var bad []error
	for _, rec := range page.records {
		if rec.err != nil {
			bad = append(bad, rec.err)
		} else {
			items = append(items, rec.item)
		}
	}
	return items, &page.total, errors.Join(bad...)
}

// positions are the parameters that All sets itself.
var positions = []string{"page", "offset", "orderby", "order"}

func (r resource[T, ID, Q]) all(ctx context.Context, q Q) iter.Seq2[*T, error] {
	query, err := r.query("All", q)
	for _, name := range positions {
		if err == nil && query.Has(name) {
			err = invalid(r.place.name+".All", fmt.Errorf("%s: All walks the whole list by id; leave it out, or use List", name))
		}
	}
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		w := &walk[T, ID, Q]{r: r, query: maps.Clone(query)}
		if r.traits&onePage != 0 {
			w.single(ctx, yield)
			return
		}
		w.run(ctx, yield)
	}
}

// walk goes through a list by id ascending, in windows of a page that overlap by one record: the last that a window
// shows must be the first of the next, or come after it. So a record that left the list meanwhile (deleted, or no
// longer of the status asked for), which moves all later ones forward by one place and would hide one behind the page
// border, is noticed, and the walk steps back.
//
// What holds in the end: a record that is in the list during the whole walk is yielded exactly once; one that comes or
// goes meanwhile at most once.
type walk[T any, ID Identifier, Q any] struct {
	r     resource[T, ID, Q]
	query url.Values
	size  int // of a window
	last  ID  // the highest id met; the zero value before the first
	total int // of the list, as far as the shop told

	nameless map[string]bool // why a record could not be read that has not even an id: each reason is told once
}

// gap is where a window did not join the one before: nothing between last and first, as far as this window tells.
type gap[ID Identifier] struct{ last, first ID }

// maxLooks is how often the walk looks into one gap before it gives up.
const maxLooks = 10

func (w *walk[T, ID, Q]) run(ctx context.Context, yield func(*T, error) bool) {
	w.size = maxPage
	if n, err := strconv.Atoi(w.query.Get("per_page")); err == nil {
		least := 2 // a window of one could not overlap
		if w.r.traits&byPage != 0 {
			least = leastByPage
		}
		w.size = min(max(n, least), maxPage)
	}
	w.query.Set("orderby", "id")
	w.query.Set("order", "asc")

	var (
		none   ID
		before *read[T, ID]
		offset int     // that the next window must show
		jumped bool    // over what may be hidden records, so this window need not join
		back   int     // how far the last step back was; 0: the walk goes forward
		opened gap[ID] // the last gap that made it step back
		looks  int     // and how often
	)
	for {
		page, err := w.at(ctx, offset)
		if err == nil {
			err = w.sorted(page)
		}
		same := err == nil && page.same(before)
		if same && (jumped || len(page.records) == page.window.size) {
			err = w.stuck("the shop answers the same page again, so the list cannot be read to its end")
		}
		if err == nil && looks > maxLooks {
			err = w.stuck("the list changes faster than it can be read, or the shop answers from a cache")
		}
		if err != nil {
			yield(nil, err)
			return
		}
		first, last := page.ends()
		here := gap[ID]{w.last, first}
		joins := offset == 0 || first != none && first <= w.last
		if !joins && (back > 0 || !jumped || looks == 0 || here != opened) {
			switch {
			case back == 0 && here == opened:
				looks++
			case back == 0:
				opened, looks = here, 1
			}
			back = max(2*back, w.size/2, page.fewer(before))
			before, offset = page, max(0, offset-back)
			continue
		}
		back = 0
		for _, rec := range page.records {
			if w.seen(rec) {
				continue
			}
			if !yield(rec.item, rec.err) {
				return
			}
		}
		if w.ended(page) {
			return
		}
		next := page.window.start + last
		if jumped = same || next <= offset; jumped { // nothing to overlap by: the rest of the window is hidden, or there is no rest
			next = page.window.start + page.window.size - 1
		}
		before, offset = page, next
	}
}

// seen reports whether a record was yielded before, and remembers it.
func (w *walk[T, ID, Q]) seen(rec record[T, ID]) bool {
	var none ID
	if rec.id != none {
		if rec.id <= w.last {
			return true
		}
		w.last = rec.id
		return false
	}
	why := rec.err.Error()
	if w.nameless == nil {
		w.nameless = map[string]bool{}
	}
	seen := w.nameless[why]
	w.nameless[why] = true
	return seen
}

// at reads a window that shows the place at an offset, and what follows.
func (w *walk[T, ID, Q]) at(ctx context.Context, offset int) (*read[T, ID], error) {
	query, at := maps.Clone(w.query), window{offset, w.size}
	if w.r.traits&byPage != 0 {
		at = pageAt(offset, w.size)
		query.Set("page", strconv.Itoa(at.start/at.size+1))
	} else if offset > 0 {
		query.Set("offset", strconv.Itoa(offset))
	}
	query.Set("per_page", strconv.Itoa(at.size))
	page, err := w.r.fetch(ctx, "All", query)
	if page != nil {
		page.window = at
	}
	return page, err
}

// leastByPage is the least size that pageAt needs: below 1·2·…·20 = 232,792,560 records in common multiples there is always a
// size whose page reaches beyond the offset.
const leastByPage = 20

// pageAt returns the page that shows the place at an offset and most of what follows, of all pages of any size up to most: where
// the shop knows pages only, another size is what makes two of them overlap.
func pageAt(offset, most int) (best window) {
	reach := 0
	for size := most; size > reach-offset; size-- {
		if at := (window{offset - offset%size, size}); at.start+size > reach {
			best, reach = at, at.start+size
		}
	}
	return best
}

// ended reports whether nothing can follow. A short page says nothing, since shops leave out what they cannot load. The
// total of an empty page is believed only when it promises more, since some shops then say 0. Where a proxy drops the
// totals the walk goes on until a page is empty.
func (w *walk[T, ID, Q]) ended(page *read[T, ID]) bool {
	total := page.total.Total
	if total < 0 {
		total = page.total.Pages * page.window.size
	}
	end := page.window.start + page.window.size
	if n := len(page.records); n == 0 {
		w.total = max(w.total, total)
		return w.total <= end
	} else if total < page.window.start+n {
		return false
	}
	w.total = total
	return total <= end
}

// fewer is by how much the list has become shorter since another page of it was read, as far as the shop tells.
func (p *read[T, ID]) fewer(before *read[T, ID]) int {
	if before == nil || len(p.records) == 0 || p.total.Total < 0 {
		return 0
	}
	return before.total.Total - p.total.Total
}

// sorted refuses a page that is not in the order of ids: the walk would skip records.
func (w *walk[T, ID, Q]) sorted(page *read[T, ID]) error {
	var none, last ID
	for _, rec := range page.records {
		if rec.id == none {
			continue
		}
		if rec.id < last {
			return w.stuck("the shop does not sort by id, so records would be missed")
		}
		last = rec.id
	}
	return nil
}

// same reports whether a page shows what the one before it in the list showed, as far as both reach. A full page that does comes
// from a shop, or a cache in front of it, that does not look at the query. A page with hidden records may: then only one that
// does so after a jump.
func (p *read[T, ID]) same(before *read[T, ID]) bool {
	if before == nil || len(p.records) == 0 || p.window.start <= before.window.start {
		return false
	}
	a, b := p.records, before.records
	if p.window.size != before.window.size {
		n := min(len(a), len(b))
		a, b = a[:n], b[:n]
	}
	return slices.EqualFunc(a, b, func(a, b record[T, ID]) bool { return a.id == b.id })
}

// stuck is the end of a walk that would skip records or run in circles.
func (w *walk[T, ID, Q]) stuck(why string) *Error {
	call := w.r.call("All", http.MethodGet)
	return &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, kind: ErrPaging,
		text: why + ": look for a page cache or rewrite rule that drops the query of /wp-json/ addresses",
	}
}

// single yields a list that comes as a whole, as it comes.
func (w *walk[T, ID, Q]) single(ctx context.Context, yield func(*T, error) bool) {
	page, err := w.r.fetch(ctx, "All", w.query)
	if err != nil {
		yield(nil, err)
		return
	}
	for _, rec := range page.records {
		if !yield(rec.item, rec.err) {
			return
		}
	}
}

// ends returns the lowest id of a page, zero when there is none, and the index of the last record that has one.
func (p *read[T, ID]) ends() (first ID, last int) {
	var none ID
	for i, rec := range p.records {
		if rec.id == none {
			continue
		}
		if first == none {
			first = rec.id
		}
		last = i
	}
	return first, last
}
