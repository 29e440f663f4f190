package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/woo"
)

// Wanted is a webhook that a shop is to have.
type Wanted struct {
	Topic string // required: "order.updated"
	// URL is where the shop delivers, required: public, https, on port 443 or 8080, since shops refuse all else when they deliver.
	URL string
	// Secret is what the shop signs with, required: letters and digits, since shops differ in how they store others.
	Secret string
	// Name is what the shop's staff reads; default "Tillwire order.updated". A name of one's own, one per program, is also how the
	// webhook is known again after URL was changed; a second program of the same name would take it away.
	Name string
}

// String leaves the secret out.
func (w Wanted) String() string { return fmt.Sprintf("webhook.Wanted{%s to %s}", w.Topic, w.URL) }

// GoString leaves the secret out.
func (w Wanted) GoString() string { return w.String() }

func (w Wanted) name() string { return cmp.Or(w.Name, "Tillwire "+w.Topic) }

func (w Wanted) check() error {
	u, err := url.Parse(w.URL)
	switch {
	case !strings.Contains(w.Topic, "."):
		return fmt.Errorf(`webhook: Wanted.Topic %q: give resource.event, such as "order.updated"`, w.Topic)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return fmt.Errorf("webhook: Wanted.URL of %s: give an https address without user and password", w.Topic)
	case w.Secret == "":
		return fmt.Errorf("webhook: Wanted.Secret of %s is missing", w.Topic)
	}
	return nil
}

// meets reports whether a webhook of the shop is the wanted one: it delivers the same there, or has the name that was chosen for it.
func (w Wanted) meets(h *woo.Webhook) bool {
	return h.Topic == w.Topic && (h.DeliveryURL == w.URL || w.Name != "" && h.Name == w.Name)
}

// ours reports whether Ensure made it.
func (w Wanted) ours(h *woo.Webhook) bool { return w.meets(h) && h.Name == w.name() }

// rounds is how often Ensure looks at the shop before it gives up: each create is followed by another look.
const rounds = 5

// Ensure sees to it that the shop has each wanted webhook once, active, with this address and secret, and returns them in the order of
// wanted. The key must be one that may write, and its user keep the right to read what is delivered.
//
//   - One that exists already, whoever made it, is taken over: same topic and address, or same topic and Wanted.Name.
//   - The secret is written every time, because the shop does not show it.
//   - One that the shop disabled is replaced by a new one: switched on again it would keep its count of failures, and the next single
//     failure would disable it for good.
//   - What Ensure made itself, and is there twice, is deleted but for one. Webhooks of others are never deleted.
//
// It may run in several processes at once, and again after any failure. The shop cannot keep two from creating the same webhook at the
// same moment; each looks again after it has created one, and all of them keep the same one.
func Ensure(ctx context.Context, shop *woo.Client, wanted ...Wanted) ([]*woo.Webhook, error) {
	if shop == nil {
		return nil, errors.New("webhook: Ensure: shop is nil")
	}
	for _, w := range wanted {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	written := map[woo.WebhookID]bool{} // address, status and secret are right
	for range rounds {
		all, err := list(ctx, shop)
		if err != nil {
			return nil, err
		}
		kept := make([]*woo.Webhook, len(wanted))
		again := false
		for i, w := range wanted {
			kept[i] = choose(w, all)
			if kept[i] == nil {
				made, err := create(ctx, shop, w)
				if err != nil && !errors.Is(err, woo.ErrAmbiguous) {
					return nil, err
				}
				if made != nil {
					written[made.ID] = true
				}
				again = true
				continue
			}
			if !written[kept[i].ID] {
				if kept[i], err = mend(ctx, shop, w, kept[i]); err != nil {
					if errors.Is(err, woo.ErrNotFound) { // another process had a reason
						again = true
						continue
					}
					return nil, err
				}
				written[kept[i].ID] = true
			}
			if err := prune(ctx, shop, w, kept[i], all); err != nil {
				return nil, err
			}
		}
		if !again {
			return kept, nil
		}
	}
	return nil, errors.New("webhook: Ensure: the shop's webhooks change faster than they can be looked at: is another program at them?")
}

func list(ctx context.Context, shop *woo.Client) ([]*woo.Webhook, error) {
	var all []*woo.Webhook
	for h, err := range shop.Webhooks.All(ctx, woo.WebhookQuery{}) {
		if err != nil {
			return nil, fmt.Errorf("webhook: listing the shop's webhooks: %w", err)
		}
		all = append(all, h)
	}
	return all, nil
}

// choose returns which of the shop's webhooks is to stay, nil for none: an active one before a paused one, one of ours before
// another's, the oldest. Every process chooses the same.
func choose(w Wanted, all []*woo.Webhook) *woo.Webhook {
	var fit []*woo.Webhook
	for _, h := range all {
		if w.meets(h) && h.Status != woo.WebhookDisabled {
			fit = append(fit, h)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	last := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	return slices.MinFunc(fit, func(a, b *woo.Webhook) int {
		return cmp.Or(
			cmp.Compare(last(a.Status == woo.WebhookActive), last(b.Status == woo.WebhookActive)),
			cmp.Compare(last(w.ours(a)), last(w.ours(b))),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

func create(ctx context.Context, shop *woo.Client, w Wanted) (*woo.Webhook, error) {
	made, err := shop.Webhooks.Create(ctx, woo.WebhookFields{
		Name: woo.Set(w.name()), Topic: woo.Set(w.Topic), DeliveryURL: woo.Set(w.URL), Secret: woo.Set(w.Secret),
	})
	if err != nil {
		return nil, fmt.Errorf("webhook: making %s: %w", w.Topic, err)
	}
	return made, nil
}

// mend writes what may be wrong.
func mend(ctx context.Context, shop *woo.Client, w Wanted, h *woo.Webhook) (*woo.Webhook, error) {
	fields := woo.WebhookFields{Secret: woo.Set(w.Secret)}
	if h.DeliveryURL != w.URL { // else the shop would ping again
		fields.DeliveryURL = woo.Set(w.URL)
	}
	if h.Status != woo.WebhookActive {
		fields.Status = woo.Set(woo.WebhookActive)
	}
	mended, err := shop.Webhooks.Update(ctx, h.ID, fields)
	if err != nil {
		return h, fmt.Errorf("webhook: mending %s (%d): %w", w.Topic, h.ID, err)
	}
	return mended, nil
}

// prune deletes what Ensure made beside the one that is kept.
func prune(ctx context.Context, shop *woo.Client, w Wanted, kept *woo.Webhook, all []*woo.Webhook) error {
	for _, h := range all {
		if h.ID == kept.ID || !w.ours(h) {
			continue
		}
		if err := shop.Webhooks.Delete(ctx, h.ID); err != nil && !errors.Is(err, woo.ErrNotFound) {
			return fmt.Errorf("webhook: deleting %s (%d), which is there twice: %w", w.Topic, h.ID, err)
		}
	}
	return nil
}
