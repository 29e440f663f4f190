package wootest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // a delivery id, no secret
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
)

// hook is what the store knows of a webhook and does not tell.
type hook struct {
	secret   string
	failures int  // in a row; never above 6
	owed     bool // a ping is to be sent at the next save
	// legacy makes the payload of one that was made through the legacy API: {"order": {…}} with the legacy members; nil for what
	// it does not know. Nil for a modern webhook.
	legacy func(e event) *object
}

// event is one delivery that waits: one per webhook and resource.
type event struct {
	hook     int64
	resource string
	id       int64
	deleted  bool
	due      time.Time // not before; zero: at the next run of the queue
}

// same reports whether two events are one delivery.
func (e event) same(o event) bool {
	e.due, o.due = time.Time{}, time.Time{}
	return e == o
}

func (s *Shop) webhookResource(c *call) resource {
	return resource{
		table: s.webhooks, code: "woocommerce_rest_shop_webhook_invalid_id", message: "Invalid ID.", render: s.renderWebhook,
		create: s.createWebhook, update: s.updateWebhook,
		noTrash: "Webhooks do not support trashing.",
		gets: func() *reply {
			status := http.StatusNotFound
			if s.config.Version == oldest {
				status = http.StatusBadRequest
			}
			return fail(status, "woocommerce_rest_shop_webhook_invalid_id", "ID is invalid.")
		},
		remove: func(r *record, _ bool) *reply {
			s.webhooks.remove(r)
			delete(s.hooks, r.id)
			s.queue = slices.DeleteFunc(s.queue, func(e event) bool { return e.hook == r.id })
			return one(http.StatusOK, s.renderWebhook(r))
		},
		list: func() *reply {
			status, word := c.query.get("status"), strings.ToLower(c.query.get("search"))
			return s.list(c, listing{
				table: s.webhooks, render: s.renderWebhook, orderby: []string{"date", "id", "title"}, defaults: "status=all",
				match: func(r *record) bool {
					return (status == "" || status == "all" || r.status == status) &&
						strings.Contains(strings.ToLower(r.doc.text("name")), word)
				},
			})
		},
	}
}

func (s *Shop) renderWebhook(r *record) *object {
	return s.withLinks(r.doc.clone(), fmt.Sprint("webhooks/", r.id), "webhooks", "")
}

func (s *Shop) createWebhook(body *object, batch bool) *reply {
	var absent []string
	for _, name := range []string{"topic", "delivery_url"} {
		if !body.has(name) {
			absent = append(absent, name)
		}
	}
	if absent != nil && !batch {
		return missing(absent...)
	}
	if !validTopic(body.text("topic")) {
		return badTopic()
	}
	if !validTarget(body.text("delivery_url")) {
		return badTarget()
	}
	at := now()
	r := &record{id: s.next.webhook, doc: s.templates.webhook.clone(), status: "active", created: at, modified: at}
	s.next.webhook++
	r.doc.set("id", number(r.id))
	r.doc.set("name", "Webhook created on "+at.Format("Jan 02, 2006 @ 03:04 PM"))
	if name := body.text("name"); name != "" {
		r.doc.set("name", name)
	}
	r.doc.set("status", "active") // whatever was asked for
	s.setDate(r.doc, "date_created", at)
	s.setDate(r.doc, "date_modified", time.Time{})
	r.setTopic(body.text("topic"))
	r.doc.set("delivery_url", body.text("delivery_url"))
	secret := body.text("secret")
	if secret == "" {
		secret = madeUp(fmt.Sprint("webhook ", r.id)) // nobody can read it
	}
	s.webhooks.add(r)
	s.hooks[r.id] = &hook{secret: secret, owed: true}
	s.saved = append(s.saved, r.id)
	out := one(http.StatusCreated, s.renderWebhook(r))
	out.header = http.Header{"Location": {fmt.Sprint(s.base(), "/wp-json/wc/v3/webhooks/", r.id)}}
	return out
}

func (r *record) setTopic(topic string) {
	resource, event, _ := strings.Cut(topic, ".")
	r.doc.set("topic", topic)
	r.doc.set("resource", resource)
	r.doc.set("event", event)
	hooks := []any{}
	switch topic {
	case "order.created":
		hooks = []any{"woocommerce_new_order"}
	case "order.updated":
		hooks = []any{"woocommerce_update_order", "woocommerce_order_refunded"}
	case "order.deleted":
		hooks = []any{"wp_trash_post", "woocommerce_trash_order"}
	}
	if resource == "action" {
		hooks = []any{event}
	}
	r.doc.set("hooks", hooks)
}

func validTopic(topic string) bool {
	resource, event, _ := strings.Cut(topic, ".")
	if resource == "action" {
		return strings.HasPrefix(event, "woocommerce_") || strings.HasPrefix(event, "wc_")
	}
	return slices.Contains([]string{"coupon", "customer", "order", "product"}, resource) &&
		slices.Contains([]string{"created", "updated", "deleted", "restored"}, event)
}

func badTopic() *reply {
	return fail(http.StatusBadRequest, "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")
}

func validTarget(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func badTarget() *reply {
	return fail(http.StatusBadRequest, "woocommerce_rest_shop_webhook_invalid_delivery_url",
		"Webhook delivery URL must be a valid URL starting with http:// or https://.")
}

func (s *Shop) updateWebhook(r *record, body *object, _ bool) *reply {
	h := s.hooks[r.id]
	if topic := body.text("topic"); topic != "" {
		if !validTopic(topic) {
			return badTopic()
		}
		r.setTopic(topic)
	}
	if target := body.text("delivery_url"); target != "" {
		if !validTarget(target) {
			return badTarget()
		}
		h.owed = h.owed || target != r.doc.text("delivery_url")
		r.doc.set("delivery_url", target)
	}
	if name := body.text("name"); name != "" {
		r.doc.set("name", name)
	}
	if secret := body.text("secret"); secret != "" {
		h.secret = secret
	}
	if status := body.text("status"); slices.Contains([]string{"active", "paused", "disabled"}, status) {
		r.status = status
		r.doc.set("status", status) // the count of failures stays
	}
	r.modified = now()
	s.setDate(r.doc, "date_modified", r.modified)
	s.saved = append(s.saved, r.id)
	return one(http.StatusOK, s.renderWebhook(r))
}

// emit queues an event for each active webhook of its topic. What waits already is not queued again.
func (s *Shop) emit(resource, what string, id int64) {
	for _, r := range s.webhooks.all {
		if r.status != "active" || r.doc.text("topic") != resource+"."+what {
			continue
		}
		e := event{hook: r.id, resource: resource, id: id, deleted: what == "deleted"}
		if !slices.ContainsFunc(s.queue, e.same) {
			e.due = s.hookFaults.due()
			s.queue = append(s.queue, e)
		}
	}
}

// Pending returns how many deliveries wait in the webhook queue.
func (s *Shop) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Deliver runs the webhook queue once: everything that waits now is sent, one after another, with the state the resource has
// when its turn comes. It returns how many deliveries were answered with 200 to 302; nothing is sent twice.
func (s *Shop) Deliver(ctx context.Context) (accepted int) {
	s.deliver.Lock()
	defer s.deliver.Unlock()
	s.mu.Lock()
	queue, at := s.queue, time.Now()
	s.queue = nil
	queue = slices.DeleteFunc(queue, func(e event) bool {
		if e.due.After(at) {
			s.queue = append(s.queue, e)
			return true
		}
		return false
	})
	s.hookFaults.shuffle(queue)
	s.mu.Unlock()
	for i, e := range queue {
		if ctx.Err() != nil {
			s.mu.Lock()
			s.queue = append(queue[i:len(queue):len(queue)], s.queue...)
			s.mu.Unlock()
			return accepted
		}
		if s.send(ctx, e) {
			accepted++
		}
	}
	return accepted
}

func (s *Shop) deliverEvery(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Deliver(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// send makes one delivery and counts its outcome.
func (s *Shop) send(ctx context.Context, e event) bool {
	s.mu.Lock()
	r, h := s.webhooks.rows[e.hook], s.hooks[e.hook]
	if r == nil || r.status != "active" {
		s.mu.Unlock()
		return false
	}
	body := s.payload(e)
	at := time.Now().UTC()
	mac := hmac.New(sha256.New, []byte(h.secret))
	mac.Write(body)
	//nolint:gosec // as the store makes it: of the webhook and the second, so that deliveries of one second share it
	deliveryID := md5.Sum([]byte(fmt.Sprint(e.hook, " ", at.Unix())))
	header := http.Header{
		"Content-Type":             {"application/json"},
		"User-Agent":               {s.hookshot()},
		"Accept":                   {"*/*"},
		"X-WC-Webhook-Source":      {s.base() + "/"},
		"X-WC-Webhook-Topic":       {r.doc.text("topic")},
		"X-WC-Webhook-Resource":    {r.doc.text("resource")},
		"X-WC-Webhook-Event":       {r.doc.text("event")},
		"X-WC-Webhook-Signature":   {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
		"X-WC-Webhook-ID":          {fmt.Sprint(e.hook)},
		"X-WC-Webhook-Delivery-ID": {hex.EncodeToString(deliveryID[:])},
	}
	target := r.doc.text("delivery_url")
	times := s.hookFaults.times()
	s.mu.Unlock()

	delivered := false
	for range times {
		status, err := s.post(ctx, target, header.Clone(), body)
		delivered = err == nil && status >= 200 && status <= 302
	}

	s.mu.Lock()
	if s.webhooks.rows[e.hook] == r {
		switch {
		case delivered:
			h.failures = 0
		case h.failures > maxFailures:
			r.status = "disabled"
			r.doc.set("status", "disabled")
		default:
			h.failures++
		}
		if !delivered { // each failure saves the webhook, and a save sends what ping is owed
			r.modified = now()
			s.setDate(r.doc, "date_modified", r.modified)
		}
	}
	var pings []int64
	if !delivered && h.owed {
		pings = append(pings, e.hook)
	}
	s.mu.Unlock()
	s.ping(ctx, pings)
	return delivered
}

// hookshot is how the store names itself.
func (s *Shop) hookshot() string {
	if s.config.Version == oldest {
		return "WooCommerce/8.9.1 Hookshot (WordPress/6.5.5)"
	}
	return "WooCommerce/11.0.1 Hookshot (WordPress/7.1)"
}

// maxFailures in a row are borne; the failure that finds more of them counted disables the webhook.
const maxFailures = 5

// payload is what a delivery carries: the resource as a GET would show it now, of a deleted one only its id.
func (s *Shop) payload(e event) []byte {
	var doc *object
	if h := s.hooks[e.hook]; h != nil && h.legacy != nil && !e.deleted {
		doc = h.legacy(e)
	}
	switch {
	case doc != nil:
	case e.deleted:
		doc = obj(field{"id", number(e.id)})
	case e.resource == "action":
		doc = obj(field{"action", s.webhooks.rows[e.hook].doc.get("event")}, field{"arg", number(e.id)})
	case e.resource == "coupon" && s.kinds["coupons"].table.rows[e.id] != nil:
		doc = s.withLinks(s.kinds["coupons"].table.rows[e.id].doc.clone(), fmt.Sprint("coupons/", e.id), "coupons", "")
	case e.resource == "order" && s.orders.rows[e.id] != nil:
		doc = s.renderOrder(s.orders.rows[e.id])
	case e.resource == "product" && s.products.rows[e.id] != nil:
		doc = s.viewProduct(s.products.rows[e.id])
		if r := s.products.rows[e.id]; r.parent != 0 {
			doc = s.asProduct(r)
		}
	case e.resource == "customer" && s.customers.rows[e.id] != nil:
		doc = s.withLinks(s.customers.rows[e.id].doc.clone(), fmt.Sprint("customers/", e.id), "customers", "")
	default: // force-deleted meanwhile: the store sends the error that it meets
		doc = fail(http.StatusNotFound, orderInvalidID, "Invalid ID.").body.(*object)
	}
	return bytes.ReplaceAll(encode(nil, doc), []byte(`https:\/\/shop.invalid`), []byte(strings.ReplaceAll(s.base(), "/", `\/`)))
}

// owedPings names the webhooks that this request saved and that owe a ping.
func (s *Shop) owedPings() (pings []int64) {
	for _, id := range s.saved {
		if h := s.hooks[id]; h != nil && h.owed {
			pings = append(pings, id)
		}
	}
	return pings
}

// ping sends webhook_id=N, a form without any X-WC header or signature. One that is not answered with exactly 200 stays owed.
func (s *Shop) ping(ctx context.Context, ids []int64) {
	for _, id := range ids {
		s.mu.Lock()
		r := s.webhooks.rows[id]
		if r == nil {
			s.mu.Unlock()
			continue
		}
		target := r.doc.text("delivery_url")
		s.mu.Unlock()
		status, err := s.post(ctx, target, http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {s.hookshot()}, "Accept": {"*/*"},
		}, []byte(fmt.Sprint("webhook_id=", id)))
		s.mu.Lock()
		if h := s.hooks[id]; h != nil {
			h.owed = err != nil || status != http.StatusOK
			if !h.owed { // which is saved
				r.modified = now()
				s.setDate(r.doc, "date_modified", r.modified)
			}
		}
		s.mu.Unlock()
	}
}

// target is a handler that takes the webhooks of a base URL.
type target struct {
	base      string
	transport *fakehttp.Transport
}

// DeliverTo takes webhooks whose delivery_url begins with base to h, without a socket. Within a synctest bubble call it inside.
func (s *Shop) DeliverTo(base string, h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = append(s.targets, target{base, fakehttp.NewTransport(h)})
}

// post follows no redirect and waits a minute, as the store does.
func (s *Shop) post(ctx context.Context, to string, header http.Header, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = header
	req.Close = true
	resp, err := s.carrier(to).RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func (s *Shop) carrier(to string) http.RoundTripper {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.targets {
		if strings.HasPrefix(to, t.base) {
			return t.transport
		}
	}
	if s.config.Deliveries != nil {
		return s.config.Deliveries
	}
	if s.fallback == nil {
		s.fallback = &http.Transport{DisableKeepAlives: true}
	}
	return s.fallback
}
