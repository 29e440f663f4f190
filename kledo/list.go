package kledo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tillwire/tillwire/internal/rest"
)

// Page tells where one page of a list stands. Some of Kledo's lists leave Total and Pages out; they are 0 then.
type Page struct {
	Page, PerPage int // of this page, from 1
	Total, Pages  int
}

// Lister is a resource that can only be listed. T is what it lists, Q what it is asked for: a struct whose fields carry the names of
// Kledo's parameters.
type Lister[T, Q any] struct {
	c        *Client
	op, path string
	defaults url.Values // of parameters that the query leaves out
}

// List returns one page: the one q asks for, else the first. Records that cannot be read are left out; then the error says so
// (ErrMalformed, joined), while records and page are still good.
func (l *Lister[T, Q]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	values, page, perPage := encodeQuery(q)
	p, err := l.page(ctx, values, max(page, 1), perPage)
	if err != nil {
		return nil, nil, err
	}
	items := make([]*T, 0, len(p.items))
	var malformed []error
	for _, it := range p.items {
		if it.err != nil {
			malformed = append(malformed, it.err)
			continue
		}
		items = append(items, it.value)
	}
	at := Page{Page: p.current(max(page, 1)), PerPage: int(p.PerPage), Total: int(p.Total), Pages: int(p.LastPage)}
	return items, &at, errors.Join(malformed...)
}

// All lists everything from the page q asks for on, else from the first, one page in memory at a time. It drops what it has
// seen and stops at an empty or repeated page. A record that cannot be read is yielded as an error (ErrMalformed), and the walk
// goes on; after any other error nothing more is yielded.
func (l *Lister[T, Q]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	values, first, perPage := encodeQuery(q)
	return func(yield func(*T, error) bool) {
		seen := map[string]bool{}
		for n := max(first, 1); ; n++ {
			p, err := l.page(ctx, values, n, perPage)
			if err != nil {
				yield(nil, err)
				return
			}
			fresh := false
			for _, it := range p.items {
				if seen[it.id] {
					continue
				}
				if it.id != "" {
					seen[it.id] = true
				}
				fresh = fresh || it.id != ""
				if !yield(it.value, it.err) {
					return
				}
			}
			if !fresh || p.last(n) {
				return
			}
		}
	}
}

// paginator is Laravel's, of which some lists send only a part, and some only the records.
type paginator struct {
	CurrentPage lenientInt        `json:"current_page"`
	LastPage    lenientInt        `json:"last_page"`
	PerPage     lenientInt        `json:"per_page"`
	Total       lenientInt        `json:"total"`
	NextPageURL json.RawMessage   `json:"next_page_url"`
	Data        []json.RawMessage `json:"data"`
	bare        bool              // there was nothing but the records: this page is all
}

// UnmarshalJSON reads a paginator, or a list that has none.
func (p *paginator) UnmarshalJSON(b []byte) error {
	type wire paginator
	if len(b) > 0 && b[0] == '[' {
		p.bare = true
		return json.Unmarshal(b, &p.Data)
	}
	return json.Unmarshal(b, (*wire)(p))
}

type listPage[T any] struct {
	paginator
	items []listItem[T]
}

// listItem is a record or why it could not be read.
type listItem[T any] struct {
	id    string // as it stands on the wire; "" where there is none
	value *T
	err   error
}

func (p *paginator) current(asked int) int {
	if p.CurrentPage > 0 {
		return int(p.CurrentPage)
	}
	return asked
}

// last reports whether page n is known to be the last. A paginator that does not say ends with an empty page.
func (p *paginator) last(n int) bool {
	switch {
	case p.bare:
		return true
	case p.LastPage > 0:
		return n >= int(p.LastPage)
	case len(p.NextPageURL) > 0:
		return string(p.NextPageURL) == "null"
	default:
		return p.Total > 0 && p.PerPage > 0 && n*int(p.PerPage) >= int(p.Total)
	}
}

func (l *Lister[T, Q]) page(ctx context.Context, values url.Values, page, perPage int) (*listPage[T], error) {
	v := maps.Clone(values)
	for name, texts := range l.defaults {
		if !v.Has(name) {
			v[name] = texts
		}
	}
	v.Set("page", strconv.Itoa(page))
	if perPage > 0 {
		v.Set("per_page", strconv.Itoa(perPage))
	}
	call := rest.Call{
		Op: l.op + ".List", Kind: rest.Read, Method: http.MethodGet, Path: l.path, Route: l.path, Query: v,
	}
	var p listPage[T]
	if err := l.c.do(ctx, call, &p.paginator); err != nil {
		return nil, err
	}
	for i, raw := range p.Data {
		var it listItem[T]
		var key struct {
			ID json.RawMessage `json:"id"`
		}
		value := new(T)
		if err := errors.Join(json.Unmarshal(raw, value), json.Unmarshal(raw, &key)); err != nil {
			it.err = &Error{
				Op: call.Op, Method: call.Method, Route: call.Route, Status: http.StatusOK, Err: err, kind: ErrMalformed,
				advice: fmt.Sprintf("record %d of page %d cannot be read", i+1, page),
			}
		} else {
			it.id, it.value = string(key.ID), value
		}
		p.items = append(p.items, it)
	}
	return &p, nil
}
