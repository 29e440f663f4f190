package orderfeed

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
)

// Subscriptions are the webhooks that WebhookHandler wants the shop to have, delivering to its public address: for webhook.Ensure
// or a webhook.Guard.
func (f *Feed) Subscriptions(url, secret string) []webhook.Wanted {
	var all []webhook.Wanted
	for _, topic := range []string{"order.created", "order.updated", "order.deleted"} {
		all = append(all, webhook.Wanted{Topic: topic, URL: url, Secret: secret})
	}
	return all
}

// WebhookHandler takes the shop's deliveries, signed with one of the secrets, beside what Run reads; see Subscriptions for what the
// shop should send. Other topics do no harm. It answers 200 once Handle has taken the order and the mark is stored (or
// there was nothing to do), and otherwise a 5xx; the order is then found by the next run. Answers are package webhook's.
//
// Without a secret that is not empty it answers 503 to everything.
func (f *Feed) WebhookHandler(secrets ...string) http.Handler {
	h, err := webhook.New(webhook.Config{Secrets: secrets, Handle: f.deliver, Logger: f.c.Logger})
	if err != nil {
		f.c.Logger.Error("webhooks cannot be taken", "error", err)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no webhook secret is set", http.StatusServiceUnavailable)
		})
	}
	return h
}

// deliver deals with one verified delivery.
func (f *Feed) deliver(ctx context.Context, d webhook.Delivery) error {
	s := look(d)
	if s.id == 0 {
		return nil
	}
	cursor, err := f.cursor(ctx)
	if err != nil {
		return err
	}
	r := f.begin(cursor)
	r.hook = true
	if err := r.settle(ctx, []sighting{s}); err != nil {
		return err
	}
	if r.cause == nil {
		f.delivered(ctx, cursor)
	}
	return r.cause
}

// look returns what a delivery tells of an order; its id is 0 if that is nothing. A body that is no whole order of the current
// API (legacy, the id alone, an action, an old version without UTC dates, another object under a borrowed topic) gives the
// id only, so that the shop is asked.
func look(d webhook.Delivery) sighting {
	p := d.Payload
	s := sighting{id: woo.OrderID(p.ID)}
	switch {
	case p.Shape == webhook.Action && strings.HasPrefix(p.Action, "woocommerce_order_status_"):
		return s
	case p.Shape == webhook.Action || d.Resource != "order":
		return sighting{}
	case p.Shape == webhook.Legacy && p.Kind != "order":
		return sighting{}
	case p.Shape == webhook.Full:
		var o woo.Order
		if json.Unmarshal(d.Body, &o) == nil && o.ID == s.id && o.OrderKey != "" && o.Status != "" && !o.DateModified.IsZero() {
			s.order = &o
		}
	}
	return s
}
