package woo

import (
	"context"
	"iter"
	"net/url"
)

// What the shop lets one do with a kind of record decides its type: [Collection] has all verbs, the types of this file, of
// [Register] and of [Journal] lack some.

// Lister is a kind of record that can only be listed: refunds and variations over all orders and products. One of them is
// read where it belongs, see Client.Refunds and Client.Variations.
type Lister[T any, ID Identifier, Q any] struct{ r resource[T, ID, Q] }

// List reads one page, as Collection's.
func (l *Lister[T, ID, Q]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return l.r.list(ctx, q)
}

// All reads every record that matches q, as Collection's.
func (l *Lister[T, ID, Q]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return l.r.all(ctx, q)
}

// Reader is a kind of record that cannot be written: countries, shipping methods, the shop's tools.
type Reader[T any, ID Identifier, Q any] struct{ r resource[T, ID, Q] }

// List reads one page, as Collection's. Lists without pages come whole.
func (r *Reader[T, ID, Q]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return r.r.list(ctx, q)
}

// All reads every record that matches q, as Collection's. Lists without pages come in the shop's order.
func (r *Reader[T, ID, Q]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return r.r.all(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (r *Reader[T, ID, Q]) Get(ctx context.Context, id ID) (*T, error) {
	return r.r.get(ctx, id)
}

// Everything is the query of lists that have no filters and no pages.
type Everything struct {
	Extra url.Values // parameters of plugins
}

func (q Everything) values() (url.Values, error) { return queryValues(q) }

func listing[T any, ID Identifier, Q any](
	c *Client, name string, values func(Q) (url.Values, error), id func(*T) ID,
) *Lister[T, ID, Q] {
	return &Lister[T, ID, Q]{resource[T, ID, Q]{c, placed(name), 0, values, id}}
}

// reader makes a Reader of a list without pages, as all of them are.
func reader[T any, ID Identifier](c *Client, name string, id func(*T) ID) *Reader[T, ID, Everything] {
	return &Reader[T, ID, Everything]{resource[T, ID, Everything]{c, placed(name), onePage, Everything.values, id}}
}
