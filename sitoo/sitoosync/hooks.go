package sitoosync

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
)

// Topics are the webhooks that WebhookHandler wants (T1, T2, T4, T5). The shop has none for categories: they are polled.
func Topics() []string {
	return []string{
		"product.created", "product.updated", "product.deleted", "product.restored", "order.created", "order.updated", "order.restored",
		"coupon.created", "coupon.updated", "coupon.deleted", "coupon.restored",
	}
}

// WebhookHandler takes the shop's webhooks, signed with one of the secrets; set Config.Hooks with it. What a delivery says is only
// a hint of what has changed: the queue then reads the record as it is. Use webhook.Guard to keep the webhooks alive, with
// [Sync.LastDelivery] and [Sync.CatchUp].
func (s *Sync) WebhookHandler(secrets ...string) http.Handler {
	h, err := webhook.New(webhook.Config{Secrets: secrets, Handle: s.heard, Logger: s.log})
	if err != nil {
		s.log.Error("webhooks cannot be taken", "error", err)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no webhook secret is set", http.StatusServiceUnavailable)
		})
	}
	s.mu.Lock()
	s.hook = h
	s.mu.Unlock()
	return h
}

// heard remembers what a delivery has told of; it is durable when this returns nil.
func (s *Sync) heard(ctx context.Context, d webhook.Delivery) error {
	switch d.Resource {
	case "product":
		p := &woo.Product{}
		if json.Unmarshal(d.Body, p) != nil || p.ID <= 0 {
			return nil //nolint:nilerr // what cannot be read cannot be remembered; polling finds it
		}
		if d.Event == "deleted" {
			return s.sendIf(ctx, s.c.SendProducts, productKind, number(p.ID))
		}
		return s.productHeard(ctx, p)
	case "order":
		o := &woo.Order{}
		if json.Unmarshal(d.Body, o) != nil || o.ID <= 0 {
			return nil //nolint:nilerr // what cannot be read cannot be remembered; polling finds it
		}
		return s.Accept(ctx, o)
	case "coupon":
		var c struct {
			ID woo.CouponID `json:"id"`
		}
		if json.Unmarshal(d.Body, &c) != nil || c.ID <= 0 {
			return nil //nolint:nilerr // what cannot be read cannot be remembered; polling finds it
		}
		return s.couponHeard(ctx, c.ID)
	}
	return nil
}

func (s *Sync) sendIf(ctx context.Context, wanted bool, kind upKind, ids ...string) error {
	if !wanted {
		return nil
	}
	return s.sendUp(ctx, kind, ids...)
}

// productHeard remembers that a product or variation was changed, as far as anything of it goes up. Its stock does when it is not
// what both sides had last: most changes are echoes of what came down (trap 43), and some hundreds of them come with each reading
// of all stock.
func (s *Sync) productHeard(ctx context.Context, p *woo.Product) error {
	owner := p.ID
	if p.Type == woo.VariationProduct {
		owner = p.ParentID
	}
	if err := s.sendIf(ctx, s.c.SendProducts, productKind, number(owner)); err != nil {
		return err
	}
	if p.Type != woo.VariableProduct {
		return s.stockHeard(ctx, ofProduct(p))
	}
	var items []*item
	for _, v := range p.Variations {
		items = append(items, &item{link: LinkVariation(p.ID, v, 0)})
	}
	return s.stockHeard(ctx, items...)
}

// stockHeard remembers items whose stock may have changed. What an item lacks in stock was not told.
func (s *Sync) stockHeard(ctx context.Context, items ...*item) error {
	if !s.c.SendStock || len(items) == 0 {
		return nil
	}
	if path, err := s.path(ctx); err != nil || !path.Instant() {
		return err
	}
	items, err := s.linked(ctx, items)
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.stock != nil && it.agreed.known && !it.agreed.writing && it.agreed.figure.Equal(*it.stock) {
			continue
		}
		if err := s.sendUp(ctx, stockKind, it.link.Woo); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sync) couponHeard(ctx context.Context, id woo.CouponID) error {
	return s.sendIf(ctx, s.c.SendProducts || s.c.SendCoupons, couponKind, number(id))
}

// Accept remembers an order of the shop that was made or changed; it is durable when this returns nil. What it asks for in its
// status is done by the queue (T2, T5, M5), as often as it is accepted, once. It is what an orderfeed's Handle and Follow want,
// where a host has one.
func (s *Sync) Accept(ctx context.Context, o *woo.Order) error {
	if o == nil || o.ID <= 0 {
		return fmt.Errorf("sitoosync: Accept: the order has no id")
	}
	var items []*item // the shop may move stock by an order without a word about the product
	for _, l := range o.LineItems {
		switch {
		case l.VariationID > 0:
			items = append(items, &item{link: LinkVariation(l.ProductID, l.VariationID, 0)})
		case l.ProductID > 0:
			items = append(items, &item{link: LinkProduct(l.ProductID, 0)})
		}
	}
	if err := s.stockHeard(ctx, items...); err != nil {
		return err
	}
	return s.sendIf(ctx, s.sendsOrders(), orderKind, number(o.ID))
}

// sendsOrders reports whether any of the shop's orders go up.
func (s *Sync) sendsOrders() bool {
	return s.c.SendStock || s.c.Deliver || len(s.c.ClickAndCollect) > 0
}
