package sitoosync

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// Polling finds what has changed in the shop: instead of webhooks, or what they have lost.

const (
	pollState   = "poll"
	pollOverlap = 10 * time.Second // a shop may show a change some seconds late
)

// polled is what polling remembers.
type polled struct {
	Products   edge             `json:"products"`
	Orders     edge             `json:"orders"`
	Coupons    edge             `json:"coupons"`
	Categories map[int64]uint64 `json:"categories,omitempty"` // digests: categories have no date
}

// edge is how far changes of a kind were read: the newest date, and what was seen shortly before it, which is read again.
type edge struct {
	At   time.Time       `json:"at"`
	Seen map[int64]int64 `json:"seen,omitempty"` // id to date
}

// since is what to ask for; the zero time at the first look, which finds nothing: changes count from then on.
func (e *edge) since(now time.Time) time.Time {
	if e.At.IsZero() {
		e.At = now.Truncate(time.Second)
	}
	return e.At.Add(-pollOverlap)
}

// next begins the edge of a new reading.
func (e *edge) next() *edge { return &edge{At: e.At, Seen: map[int64]int64{}} }

// fresh notes a record and reports whether it is new since the reading before. One that was changed just now may be changed again
// within its second: it is not noted, and looked at once more.
func (e *edge) fresh(before *edge, id int64, modified, now time.Time) bool {
	if modified.After(e.At) {
		e.At = modified
	}
	if modified.Before(now.Add(-pollOverlap)) {
		e.Seen[id] = modified.Unix()
	}
	return before.Seen[id] != modified.Unix()
}

// trim drops what the next reading will not ask for.
func (e *edge) trim() edge {
	oldest := e.At.Add(-pollOverlap).Unix()
	for id, at := range e.Seen {
		if at < oldest {
			delete(e.Seen, id)
		}
	}
	return *e
}

// poll remembers what has changed in the shop since the last time (T1 to T5).
func (s *Sync) poll(ctx context.Context, from time.Time) error {
	var state polled
	if err := s.load(ctx, pollState, &state); err != nil {
		return err
	}
	if !from.IsZero() {
		for _, e := range []*edge{&state.Products, &state.Orders, &state.Coupons} {
			if e.At.IsZero() || from.Before(e.At) {
				*e = edge{At: from}
			}
		}
	}
	now := time.Now()
	type reading = func(context.Context, *polled, time.Time) error
	for _, read := range []reading{s.pollProducts, s.pollOrders, s.pollCoupons, s.pollCategories} {
		if err := read(ctx, &state, now); err != nil {
			return err
		}
	}
	return s.save(ctx, pollState, state)
}

func (s *Sync) pollProducts(ctx context.Context, state *polled, now time.Time) error {
	since, next := state.Products.since(now), state.Products.next()
	if !s.c.SendStock && !s.c.SendProducts {
		return nil
	}
	fields := append([]string{"date_modified_gmt", "variations"}, stockFields...)
	for p, err := range s.c.Shop.Products.All(ctx, woo.ProductQuery{ModifiedAfter: since, Fields: fields}) {
		if err != nil {
			return err
		}
		if next.fresh(&state.Products, int64(p.ID), p.DateModified, now) {
			if err := s.productHeard(ctx, p); err != nil {
				return err
			}
		}
	}
	state.Products = next.trim()
	return nil
}

func (s *Sync) pollOrders(ctx context.Context, state *polled, now time.Time) error {
	since, next := state.Orders.since(now), state.Orders.next()
	if !s.sendsOrders() {
		return nil
	}
	fields := []string{"id", "status", "date_modified_gmt", "line_items"}
	for o, err := range s.c.Shop.Orders.All(ctx, woo.OrderQuery{ModifiedAfter: since, Fields: fields}) {
		if err != nil {
			return err
		}
		if next.fresh(&state.Orders, int64(o.ID), o.DateModified, now) {
			if err := s.Accept(ctx, o); err != nil {
				return err
			}
		}
	}
	state.Orders = next.trim()
	return nil
}

func (s *Sync) pollCoupons(ctx context.Context, state *polled, now time.Time) error {
	since, next := state.Coupons.since(now), state.Coupons.next()
	if !s.c.SendProducts && !s.c.SendCoupons {
		return nil
	}
	for c, err := range s.c.Shop.Coupons.All(ctx, woo.CouponQuery{ModifiedAfter: since, Fields: []string{"id", "date_modified_gmt"}}) {
		if err != nil {
			return err
		}
		if next.fresh(&state.Coupons, int64(c.ID), c.DateModified, now) {
			if err := s.couponHeard(ctx, c.ID); err != nil {
				return err
			}
		}
	}
	state.Coupons = next.trim()
	return nil
}

func (s *Sync) pollCategories(ctx context.Context, state *polled, _ time.Time) error {
	if !s.c.SendProducts {
		return nil
	}
	digests := map[int64]uint64{}
	for c, err := range s.c.Shop.Categories.All(ctx, woo.TermQuery[woo.CategoryID]{}) {
		if err != nil {
			return err
		}
		h := fnv.New64a()
		_, _ = fmt.Fprintf(h, "%q %d %d", c.Name, c.Parent, c.MenuOrder) // a hash takes everything
		digests[int64(c.ID)] = h.Sum64()
		before, known := state.Categories[int64(c.ID)]
		if known && before != h.Sum64() {
			if err := s.sendUp(ctx, categoryKind, number(c.ID)); err != nil {
				return err
			}
		}
	}
	state.Categories = digests
	return nil
}

// CatchUp reads what has changed in the shop since a time; the zero time: since polling last did. It is what a webhook.Guard wants.
func (s *Sync) CatchUp(ctx context.Context, since time.Time) error { return s.poll(ctx, since) }

// LastDelivery is when the newest webhook was taken since the process began; zero: none. It is what a webhook.Guard wants.
func (s *Sync) LastDelivery(ctx context.Context) (time.Time, error) {
	s.mu.Lock()
	h := s.hook
	s.mu.Unlock()
	if h == nil {
		return time.Time{}, ctx.Err()
	}
	return h.LastDelivery(ctx)
}
