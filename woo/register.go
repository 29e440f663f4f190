package woo

import (
	"context"
	"iter"
)

// Register is a kind of record with all verbs but those of many records at once, for which the shop has no route: shipping
// zones and their methods.
type Register[T any, ID Identifier, Q, W any] struct{ r resource[T, ID, Q] }

// List reads one page, as Collection's. Lists without pages come whole.
func (r *Register[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return r.r.list(ctx, q)
}

// All reads every record that matches q, as Collection's. Lists without pages come in the shop's order.
func (r *Register[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return r.r.all(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (r *Register[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return r.r.get(ctx, id)
}

// Create makes a record and returns it as the shop has it. It is sent once, as Collection's.
func (r *Register[T, ID, Q, W]) Create(ctx context.Context, w W) (*T, error) {
	return create(ctx, r.r, w)
}

// Update changes what w sets and returns the record as the shop then has it.
func (r *Register[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) (*T, error) {
	return update(ctx, r.r, id, w)
}

// Delete removes a record for good: there is no trash for it.
func (r *Register[T, ID, Q, W]) Delete(ctx context.Context, id ID) error {
	return r.r.delete(ctx, id)
}

// Panel is a kind of record that is always there: read and changed, but neither made nor deleted. Payment gateways and settings.
type Panel[T any, ID Identifier, Q, W any] struct{ r resource[T, ID, Q] }

// List reads all records, in the shop's order.
func (p *Panel[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return p.r.list(ctx, q)
}

// All is List, one by one.
func (p *Panel[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return p.r.all(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (p *Panel[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return p.r.get(ctx, id)
}

// Update changes what w sets and returns the record as the shop then has it.
func (p *Panel[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) (*T, error) {
	return update(ctx, p.r, id, w)
}

func register[W, T any, ID Identifier, P place | string](c *Client, at P, t traits, id func(*T) ID) *Register[T, ID, Everything, W] {
	return &Register[T, ID, Everything, W]{resource[T, ID, Everything]{c, placed(at), onePage | t, Everything.values, id}}
}

func panel[W, T any, ID Identifier, P place | string](c *Client, at P, id func(*T) ID) *Panel[T, ID, Everything, W] {
	return &Panel[T, ID, Everything, W]{resource[T, ID, Everything]{c, placed(at), onePage, Everything.values, id}}
}
