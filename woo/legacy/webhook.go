package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
	"github.com/tillwire/tillwire/woo"
)

// Webhooks are the shop's webhooks: /wc-api/v3/webhooks. One made here delivers the legacy form, {"order":{…}}, which
// package woo/webhook reads too; one made through wc/v3 delivers the modern form and is listed here all the same.
type Webhooks struct {
	r resource[woo.Webhook, woo.WebhookID]
}

func newWebhooks(c *Client) *Webhooks {
	return &Webhooks{resource[woo.Webhook, woo.WebhookID]{
		c: c, many: "webhooks", one: "webhook", rewrite: webhook, id: func(w *woo.Webhook) woo.WebhookID { return w.ID },
	}}
}

// Get reads one webhook. Of a missing one the error is woo.ErrNotFound.
func (w *Webhooks) Get(ctx context.Context, id woo.WebhookID) (*woo.Webhook, error) {
	return w.r.get(ctx, "Get", id, nil)
}

// List reads one page; q may set Page and PerPage (default 10).
func (w *Webhooks) List(ctx context.Context, q woo.WebhookQuery) ([]*woo.Webhook, *woo.Page, error) {
	query, size, err := filters(q, "Page", "PerPage")
	if err != nil {
		return nil, nil, invalid("webhooks.List", err)
	}
	return w.r.list(ctx, limited(query, size))
}

// All reads all webhooks by id ascending, whatever their status; q may set PerPage.
func (w *Webhooks) All(ctx context.Context, q woo.WebhookQuery) iter.Seq2[*woo.Webhook, error] {
	query, size, err := filters(q, "PerPage")
	if err != nil {
		return failed[woo.Webhook](invalid("webhooks.All", err))
	}
	return w.r.all(ctx, query, size)
}

// Create makes a webhook: POST /webhooks. Topic and DeliveryURL are required; without a Secret the shop makes up one that
// nobody can read. It is sent once: when the answer is lost the error is woo.ErrAmbiguous, and All shows whether there
// is one.
func (w *Webhooks) Create(ctx context.Context, fields woo.WebhookFields) (*woo.Webhook, error) {
	call := w.r.call("Create", http.MethodPost, "", "")
	body, err := webhookBody(fields)
	for _, name := range []string{"topic", "delivery_url"} {
		if err == nil && body[name] == nil {
			err = fmt.Errorf("%s: is not set", name)
		}
	}
	if err != nil {
		return nil, invalid(call.Op, err)
	}
	return w.r.write(ctx, call, rest.Effect, body)
}

// Update changes what fields set, such as the Status of a webhook that the shop has disabled: PUT /webhooks/{id}.
func (w *Webhooks) Update(ctx context.Context, id woo.WebhookID, fields woo.WebhookFields) (*woo.Webhook, error) {
	call := w.r.call("Update", http.MethodPut, fmt.Sprintf("/%d", id), "/{id}")
	body, err := webhookBody(fields)
	if err == nil && id <= 0 {
		err = errors.New("id: is not a webhook's")
	}
	if err != nil {
		return nil, invalid(call.Op, err)
	}
	return w.r.write(ctx, call, rest.Write, body)
}

// Delete removes a webhook for good: DELETE /webhooks/{id}.
func (w *Webhooks) Delete(ctx context.Context, id woo.WebhookID) error {
	call := w.r.call("Delete", http.MethodDelete, fmt.Sprintf("/%d", id), "/{id}")
	if id <= 0 {
		return invalid(call.Op, errors.New("id: is not a webhook's"))
	}
	call.Kind = rest.Write
	res, err := w.r.c.send(ctx, call)
	if e := (*Error)(nil); errors.As(err, &e) && e.Attempts > 1 && errors.Is(e, woo.ErrNotFound) {
		return nil // an earlier try did it, and its answer was lost
	}
	if err == nil {
		res.Release()
	}
	return err
}

// webhookBody is the legacy form of a write; the names are the same.
func webhookBody(fields woo.WebhookFields) (members, error) {
	if topic, ok := fields.Topic.Get(); ok && !strings.Contains(topic, ".") {
		return nil, fmt.Errorf(`topic: %q is none: give resource.event, such as "order.updated"`, topic)
	}
	src, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var m members
	if err := json.Unmarshal(src, &m); err != nil {
		return nil, err
	}
	if len(m) == 0 {
		return nil, errors.New("nothing to write")
	}
	return m, nil
}

// webhook makes a webhook of wc/v3.
func webhook(m members) {
	m.date("created_at", "date_created_gmt")
	m.date("updated_at", "date_modified_gmt")
}
