package kledo

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"

	"github.com/tillwire/tillwire/internal/rest"
)

// Identifier is the kind of a record's id.
type Identifier interface{ ~int64 }

// Reader is a kind of record that is read: T is what is read, ID its identifier, Q the filters of a list.
type Reader[T any, ID Identifier, Q any] struct{ l Lister[T, Q] }

// List reads one page, as [Lister.List].
func (r *Reader[T, ID, Q]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return r.l.List(ctx, q)
}

// All reads everything that q selects, as [Lister.All].
func (r *Reader[T, ID, Q]) All(ctx context.Context, q Q) iter.Seq2[*T, error] { return r.l.All(ctx, q) }

// Get reads one record. Of a missing one the error is ErrNotFound.
func (r *Reader[T, ID, Q]) Get(ctx context.Context, id ID) (*T, error) {
	return one[T](ctx, &r.l, "Get", rest.Read, http.MethodGet, id, nil)
}

// Register is a kind of record that is read and added to, but not changed. W is what is written.
type Register[T any, ID Identifier, Q, W any] struct{ l Lister[T, Q] }

// List reads one page, as [Lister.List].
func (r *Register[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return r.l.List(ctx, q)
}

// All reads everything that q selects, as [Lister.All].
func (r *Register[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return r.l.All(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (r *Register[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return one[T](ctx, &r.l, "Get", rest.Read, http.MethodGet, id, nil)
}

// Create adds a record and returns what Kledo answers, which may be less than the whole record: its id and reference at least. It is
// sent once: when the answer is lost the error is ErrAmbiguous, and a second Create may make a second record.
func (r *Register[T, ID, Q, W]) Create(ctx context.Context, w W) (*T, error) {
	return create[T](ctx, &r.l, w)
}

// Collection is a kind of record that is read, added to and changed. What was read is never sent back whole: a write says only what it
// sets.
type Collection[T any, ID Identifier, Q, W any] struct{ l Lister[T, Q] }

// List reads one page, as [Lister.List].
func (c *Collection[T, ID, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return c.l.List(ctx, q)
}

// All reads everything that q selects, as [Lister.All].
func (c *Collection[T, ID, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return c.l.All(ctx, q)
}

// Get reads one record. Of a missing one the error is ErrNotFound.
func (c *Collection[T, ID, Q, W]) Get(ctx context.Context, id ID) (*T, error) {
	return one[T](ctx, &c.l, "Get", rest.Read, http.MethodGet, id, nil)
}

// Create adds a record, as [Register.Create].
func (c *Collection[T, ID, Q, W]) Create(ctx context.Context, w W) (*T, error) {
	return create[T](ctx, &c.l, w)
}

// Update changes a record with PUT and returns what Kledo answers. It is repeated after a passing failure: sent twice it leaves the
// same. Which members Kledo demands in a PUT although they do not change is not documented.
func (c *Collection[T, ID, Q, W]) Update(ctx context.Context, id ID, w W) (*T, error) {
	return one[T](ctx, &c.l, "Update", rest.Write, http.MethodPut, id, w)
}

func create[T any, Q any](ctx context.Context, l *Lister[T, Q], w any) (*T, error) {
	out := new(T)
	call := rest.Call{Op: l.op + ".Create", Kind: rest.Effect, Method: http.MethodPost, Path: l.path, Route: l.path}
	if err := l.c.doJSON(ctx, call, w, out); err != nil {
		return nil, err
	}
	return out, nil
}

func one[T, Q any, ID Identifier](ctx context.Context, l *Lister[T, Q], op string, kind rest.Kind, method string, id ID, w any) (*T, error) {
	call := rest.Call{
		Op: l.op + "." + op, Kind: kind, Method: method,
		Path: l.path + "/" + strconv.FormatInt(int64(id), 10), Route: l.path + "/{id}",
	}
	if id <= 0 {
		return nil, invalid(call.Op, errors.New("the id is missing"))
	}
	out := new(T)
	if err := l.c.doJSON(ctx, call, w, out); err != nil {
		return nil, err
	}
	return out, nil
}

func lister[T, Q any](c *Client, op, path string) Lister[T, Q] {
	return Lister[T, Q]{c: c, op: op, path: path}
}

func reader[T any, ID Identifier, Q any](c *Client, op, path string) *Reader[T, ID, Q] {
	return &Reader[T, ID, Q]{lister[T, Q](c, op, path)}
}

func register[T any, ID Identifier, Q, W any](c *Client, op, path string) *Register[T, ID, Q, W] {
	return &Register[T, ID, Q, W]{lister[T, Q](c, op, path)}
}

func collection[T any, ID Identifier, Q, W any](c *Client, op, path string) *Collection[T, ID, Q, W] {
	return &Collection[T, ID, Q, W]{lister[T, Q](c, op, path)}
}
