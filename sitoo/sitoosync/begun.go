package sitoosync

import (
	"context"
	"sync"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// beginnings are the records that are being made in the shop and have no key there that would keep them from being made twice: orders,
// and the parents of families. Each is written down before it is made and crossed out once its link is kept, so that after a crash the
// shop is asked for it first.
type beginnings struct {
	mu    sync.Mutex
	since map[string]time.Time // nil: not read yet
}

// begunState is the state that holds them.
const begunState = "begun"

// begin writes down that what has this name is to be made, and returns the reference to make it by.
func (s *Sync) begin(ctx context.Context, name string) (woo.Reference, error) {
	b := &s.begun
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since == nil {
		since := map[string]time.Time{}
		if err := s.load(ctx, begunState, &since); err != nil {
			return woo.Reference{}, err
		}
		b.since = since
	}
	ref := woo.Reference{Value: s.c.Name + ":" + name, Key: referenceKey, Since: b.since[name]}
	if !ref.Since.IsZero() {
		return ref, nil
	}
	b.since[name] = time.Now().UTC()
	if err := s.save(ctx, begunState, b.since); err != nil {
		delete(b.since, name)
		return woo.Reference{}, err
	}
	return ref, nil
}

// referenceKey is the key in the shop's meta data under which a record says what it was made of.
const referenceKey = "_sitoo_reference"

// ended crosses it out. That is kept with the next beginning: until then a crash costs a look in the shop, no more.
func (s *Sync) ended(name string) {
	s.begun.mu.Lock()
	defer s.begun.mu.Unlock()
	delete(s.begun.since, name)
}
