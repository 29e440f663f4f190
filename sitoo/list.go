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
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// Page tells where one page of a list stands.
type Page struct {
	Start int // index of its first record, from 0
	Total int // records in the whole list, as Sitoo counted at that moment
}

// listQuery is what every query type is: it knows its parameters as Sitoo spells them.
type listQuery interface {
	values() (params, error)
}

// params are a list's parameters.
type params struct {
	url.Values
	start, perPage int
}

// ListQuery asks for a page of a list without filters.
type ListQuery struct {
	Start   int      // index of the first record, from 0
	PerPage int      // default 100, at most 1000
	Fields  []string // what to answer, by Sitoo's names; default all that Sitoo gives by itself
}

func (q ListQuery) values() (params, error) { return paging(q.Start, q.PerPage, q.Fields) }

const (
	perPage    = 100  // Sitoo's own default of 10 would make a hundred requests of one
	perPageMax = 1000 // the largest in use; Sitoo documents none
)

// paging begins the parameters of a list.
func paging(start, per int, fields []string) (params, error) {
	switch {
	case start < 0:
		return params{}, errors.New("the query's Start is negative")
	case per < 0 || per > perPageMax:
		return params{}, fmt.Errorf("the query's PerPage is %d: give 1 to %d, or 0 for %d", per, perPageMax, perPage)
	case per == 0:
		per = perPage
	}
	p := params{url.Values{}, start, per}
	p.list("fields", fields)
	return p, nil
}

// list sets a filter of several values. Sitoo takes one parameter with commas; repeated ones would count only once.
func (p params) list(name string, values []string) {
	if len(values) > 0 {
		p.Set(name, strings.Join(values, ","))
	}
}

func numbers[N ~int64 | ~int](ns []N) []string {
	out := make([]string, len(ns))
	for i, n := range ns {
		out[i] = strconv.FormatInt(int64(n), 10)
	}
	return out
}

func (p params) number(name string, n int64) {
	if n != 0 {
		p.Set(name, strconv.FormatInt(n, 10))
	}
}

func (p params) text(name, s string) {
	if s != "" {
		p.Set(name, s)
	}
}

func (p params) flag(name string, b bool) {
	if b {
		p.Set(name, "true") // 1 and 0 are not understood
	}
}

func (p params) time(name string, t time.Time) {
	if !t.IsZero() {
		p.Set(name, strconv.FormatInt(t.Unix(), 10))
	}
}

// envelope is what lists answer.
type envelope struct {
	TotalCount json.RawMessage   `json:"totalcount"`
	Items      []json.RawMessage `json:"items"`
}

type item[T any] struct {
	key   string // "" where a record has none or cannot be read
	value *T
	err   error
}

// page reads num records from start on.
func (r resource[T, Q]) page(ctx context.Context, p params, start, num int) (items []item[T], total int, err error) {
	query := url.Values{"start": {strconv.Itoa(start)}, "num": {strconv.Itoa(num)}}
	for name, v := range p.Values {
		query[name] = v
	}
	call, _ := r.call("List", rest.Read, http.MethodGet, "", query)
	res, err := r.c.send(ctx, call)
	if err != nil {
		return nil, 0, err
	}
	defer res.Release()
	var e envelope
	if err := json.Unmarshal(res.Body, &e); err != nil || e.Items == nil && e.TotalCount == nil {
		return nil, 0, unread(call, res, "the answer is no list")
	}
	n, err := readInt(e.TotalCount)
	if err != nil || n < 0 {
		n = 0
	}
	items = make([]item[T], len(e.Items))
	for i, raw := range e.Items {
		value := new(T)
		if err := json.Unmarshal(raw, value); err != nil {
			items[i].err = &Error{
				Op: call.Op, Method: call.Method, Route: call.Route, Status: res.Status, Body: head(raw), Attempts: res.Attempts,
				Err: err, kind: ErrMalformed, advice: fmt.Sprintf("record %d cannot be read", start+i+1),
			}
			continue
		}
		items[i].value = value
		if r.key != nil {
			items[i].key = r.key(value)
		}
	}
	return items, int(n), nil
}

func (r resource[T, Q]) list(ctx context.Context, q Q) ([]*T, *Page, error) {
	p, err := q.values()
	if err != nil {
		return nil, nil, invalid(r.place.name+".List", err)
	}
	items, total, err := r.page(ctx, p, p.start, p.perPage)
	if err != nil {
		return nil, nil, err
	}
	records := make([]*T, 0, len(items))
	var malformed []error
	for _, it := range items {
		if it.err != nil {
			malformed = append(malformed, it.err)
			continue
		}
		records = append(records, it.value)
	}
	return records, &Page{Start: p.start, Total: total}, errors.Join(malformed...)
}

func (r resource[T, Q]) all(ctx context.Context, q Q) iter.Seq2[*T, error] {
	p, err := q.values()
	return func(yield func(*T, error) bool) {
		switch {
		case err != nil:
			yield(nil, invalid(r.place.name+".All", err))
		case p.start != 0:
			yield(nil, invalid(r.place.name+".All", errors.New("the query's Start is All's own: leave it 0")))
		case r.cursor != "" && p.Has("sort"):
			yield(nil, invalid(r.place.name+".All", errors.New("the query's order is All's own: leave Newest false")))
		case r.cursor != "":
			r.byID(ctx, p, yield)
		default:
			r.byPosition(ctx, p, yield)
		}
	}
}

// byID walks by id ascending, each page from the last id on.
func (r resource[T, Q]) byID(ctx context.Context, p params, yield func(*T, error) bool) {
	p.Set("sort", r.cursor)
	from := r.cursor + "from"
	last := int64(-1)
	for {
		items, total, err := r.page(ctx, p, 0, p.perPage)
		if err != nil {
			yield(nil, err)
			return
		}
		next := last
		for _, it := range items {
			if it.err == nil {
				id, _ := strconv.ParseInt(it.key, 10, 64)
				if id <= last { // the filter or the order was not obeyed: an unknown parameter is ignored without a word
					yield(nil, r.stuck(fmt.Sprintf("%s %d came after %d", r.cursor, id, last)))
					return
				}
				next = max(next, id)
			}
			if !yield(it.value, it.err) {
				return
			}
		}
		switch {
		case len(items) == 0 || total > 0 && total <= len(items):
			return
		case next == last:
			yield(nil, r.stuck("a whole page cannot be read"))
			return
		}
		last = next
		p.Set(from, strconv.FormatInt(last+1, 10))
	}
}

// byPosition walks by index. Each page after the first begins with the last record of the one before: where another stands, records have gone and
// others moved up, and the walk steps back. Page sizes are Sitoo's: it may answer fewer than asked for, so only records count.
func (r resource[T, Q]) byPosition(ctx context.Context, p params, yield func(*T, error) bool) {
	seen := map[string]bool{}
	lastKey, at, stepsBack := "", 0, 0
	for {
		start, num := at, p.perPage
		if lastKey != "" {
			start, num = at-1, min(num+1, perPageMax)
		}
		items, total, err := r.page(ctx, p, start, num)
		if err != nil {
			yield(nil, err)
			return
		}
		if lastKey != "" && (len(items) == 0 || items[0].key != lastKey) {
			if stepsBack++; stepsBack > 20 {
				yield(nil, r.stuck("records go faster than they can be read"))
				return
			}
			at, lastKey = max(0, at-p.perPage), ""
			continue
		}
		fresh := 0
		for i, it := range items {
			if lastKey != "" && i == 0 || it.key != "" && seen[it.key] {
				continue
			}
			if it.key != "" {
				seen[it.key] = true
			}
			fresh++
			if !yield(it.value, it.err) {
				return
			}
		}
		at = start + len(items)
		if len(items) > 0 {
			lastKey = items[len(items)-1].key
		}
		if at >= total || len(items) == 0 || fresh == 0 && lastKey == "" {
			return
		}
		if fresh == 0 && len(items) < 2 {
			yield(nil, r.stuck("the same page came again"))
			return
		}
	}
}

func (r resource[T, Q]) stuck(why string) error {
	return &Error{Op: r.place.name + ".All", Method: http.MethodGet, Route: r.place.route, kind: ErrPaging, Err: errors.New(why)}
}
