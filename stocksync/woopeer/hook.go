package woopeer

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
)

// Subscriptions are the webhooks that WebhookHandler wants the store to have, delivering to its public address: for webhook.Ensure
// or a webhook.Guard.
func (p *Peer) Subscriptions(url, secret string) []webhook.Wanted {
	var all []webhook.Wanted
	for _, topic := range []string{"product.updated", "product.deleted", "order.created", "order.updated"} {
		all = append(all, webhook.Wanted{Topic: topic, URL: url, Secret: secret})
	}
	return all
}

// WebhookHandler takes the store's deliveries, signed with one of the secrets; see Subscriptions for what it should send. A
// delivery is a hint: the product it speaks of, or those of the order, are read within a second or two and what is found is
// reported. Nothing of the delivery itself is, since it can be late, doubled or replayed. It is answered at once; one that a crash
// swallows is made up for by the next look at what was modified. Answers are package webhook's.
//
// Without a secret that is not empty it answers 503 to everything.
func (p *Peer) WebhookHandler(secrets ...string) http.Handler {
	h, err := webhook.New(webhook.Config{Secrets: secrets, Handle: p.deliver, Logger: p.c.Logger})
	if err != nil {
		p.c.Logger.Error("webhooks cannot be taken", "error", err)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no webhook secret is set", http.StatusServiceUnavailable)
		})
	}
	return h
}

// LastDelivery returns when a webhook was last taken, zero if none was since New: for a webhook.Guard.
func (p *Peer) LastDelivery(context.Context) (time.Time, error) {
	if at := p.heard.Load(); at != 0 {
		return time.Unix(at, 0).UTC(), nil
	}
	return time.Time{}, nil
}

// deliver notes what is to be looked at.
func (p *Peer) deliver(_ context.Context, d webhook.Delivery) error {
	p.heard.Store(d.ReceivedAt.Unix())
	var body struct {
		Parent woo.ProductID `json:"parent_id"`
		Lines  []struct {
			Product   woo.ProductID   `json:"product_id"`
			Variation woo.VariationID `json:"variation_id"`
		} `json:"line_items"`
	}
	_ = json.Unmarshal(d.Body, &body) // what it does not say is asked for
	at := time.Now().Add(hintDelay)
	switch id := d.Payload.ID; {
	case id == 0:
	case d.Resource == "product" && body.Parent != 0:
		p.agenda.add(at, place{body.Parent, woo.VariationID(id)})
	case d.Resource == "product":
		p.agenda.add(at, place{product: woo.ProductID(id)})
	case d.Resource == "order":
		if p.keepsLedger() {
			p.tills.add(at, woo.OrderID(id))
		}
		for _, line := range body.Lines {
			if line.Product != 0 {
				p.agenda.add(at, place{line.Product, line.Variation})
			}
		}
	}
	return nil
}
