package orderfeed_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/webhook"
)

const secret = "s3cr3t"

// deliver sends a body to a handler as a shop does and returns the status it is answered.
func deliver(h http.Handler, topic, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/hooks/orders", strings.NewReader(body))
	resource, event, _ := strings.Cut(topic, ".")
	r.Header.Set("X-WC-Webhook-Topic", topic)
	r.Header.Set("X-WC-Webhook-Resource", resource)
	r.Header.Set("X-WC-Webhook-Event", event)
	r.Header.Set(webhook.SignatureHeader, webhook.Sign(secret, []byte(body)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// body is what a shop of today sends of an order.
func body(t *testing.T, o woo.Order) string {
	t.Helper()
	b, err := json.Marshal(o)
	require.NoError(t, err)
	return string(b)
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		topic  string
		body   func(t *testing.T, o woo.Order) string // o is order 1, processing
		status int
		taken  bool
		gets   int // times the shop is asked, of two deliveries
	}{
		{"the whole order", "order.updated", body, 200, true, 0},
		{"created", "order.created", body, 200, true, 0},
		{"restored", "order.restored", body, 200, true, 0},
		{"legacy", "order.updated", text(`{"order":{"id":1,"status":"processing","updated_at":"2000-01-01T00:00:00Z"}}`), 200, true, 1},
		{"without UTC dates", "order.updated", text(`{"id":1,"order_key":"k","status":"processing","date_modified":"2000-01-01T00:00:00"}`), 200, true, 1},
		{"another object under the topic", "order.updated", text(`{"id":1,"status":"processing","date_modified_gmt":"2000-01-01T00:00:00"}`), 200, true, 1},
		{"id alone", "order.updated", text(`{"id":1}`), 200, true, 2},
		{"action", "action.woocommerce_order_status_completed", text(`{"action":"woocommerce_order_status_completed","arg":1}`), 200, true, 2},
		{"another action", "action.woocommerce_order_item_meta", text(`{"action":"woocommerce_order_item_meta","arg":1}`), 200, false, 0},
		{"a product of the same id", "product.deleted", text(`{"id":1}`), 200, false, 0},
		{"a legacy product under the topic", "order.updated", text(`{"product":{"id":1}}`), 200, false, 0},
		{"an order nobody knows", "order.deleted", text(`{"id":99}`), 200, false, 2},
		{"no JSON", "order.updated", text(`<html>`), 200, false, 0},
		{"an error of the shop", "order.updated", text(`{"code":"woocommerce_rest_cannot_view","message":"no"}`), 200, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
				h := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle}).WebhookHandler("", secret)
				shop.set(1, woo.OrderProcessing)
				for range 2 { // doubled
					require.Equal(t, tt.status, deliver(h, tt.topic, tt.body(t, shop.order(1))))
					require.Equal(t, tt.taken, k.total() == 1, k.got)
				}
				require.Equal(t, tt.gets, shop.gets)
				require.Equal(t, tt.taken, entryOf(t, store, 1).ID == 1)
				require.Zero(t, entryOf(t, store, 99))
			})
		})
	}
}

func text(s string) func(*testing.T, woo.Order) string {
	return func(*testing.T, woo.Order) string { return s }
}

// A ping names a webhook, no order, whatever its number.
func TestPingIsNoOrder(t *testing.T) {
	t.Parallel()
	shop, k := newLedger(), newTaken()
	h := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle}).WebhookHandler(secret)
	shop.set(1, woo.OrderProcessing)
	r := httptest.NewRequest(http.MethodPost, "/hooks/orders", strings.NewReader("webhook_id=1"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
	require.Zero(t, k.total()+shop.gets)
}

// Deliveries come late and out of order: what is older than what is known is dropped, whoever knew it, a delivery or a run.
func TestLateDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		h := feed.WebhookHandler(secret)
		shop.set(1, woo.OrderProcessing)
		paid := body(t, shop.order(1))
		time.Sleep(time.Minute)
		shop.set(1, woo.OrderCancelled)
		cancelled := body(t, shop.order(1))
		require.Equal(t, 200, deliver(h, "order.updated", cancelled))
		require.Equal(t, 200, deliver(h, "order.updated", paid))
		require.Zero(t, k.total())
		require.Equal(t, woo.OrderCancelled, entryOf(t, store, 1).Status)

		shop.set(2, woo.OrderProcessing)
		paid = body(t, shop.order(2))
		time.Sleep(time.Minute)
		shop.set(2, woo.OrderCompleted)
		runOnce(t, feed)
		require.Equal(t, 200, deliver(h, "order.updated", paid))
		require.Equal(t, map[string]int{"2 completed": 1}, k.got)
		require.Zero(t, shop.gets)
	})
}

// What a delivery could not save is answered 5xx and found by the next run; what it did save is not handled again by it.
func TestWebhookAndRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), &brittle{orderfeed.NewMemoryStore(), false}
		slow := false
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: func(ctx context.Context, o *woo.Order) error {
			if slow {
				<-ctx.Done()
				return ctx.Err()
			}
			return k.handle(ctx, o)
		}})
		h := feed.WebhookHandler(secret)
		send := func(id woo.OrderID) int {
			shop.set(id, woo.OrderProcessing)
			return deliver(h, "order.updated", body(t, shop.order(id)))
		}
		require.Equal(t, 200, send(1))
		k.fail = func(*woo.Order) error { return errors.New("no") }
		require.Equal(t, 500, send(2))
		require.Equal(t, "no", entryOf(t, store, 2).Error)
		k.fail = func(*woo.Order) error { return systemic{errors.New("no")} }
		require.Equal(t, 500, send(3))
		k.fail, store.broken = nil, true
		require.Equal(t, 500, send(4))
		store.broken, slow = false, true
		start := time.Now()
		require.Equal(t, 503, send(5))
		require.Equal(t, 2*time.Second, time.Since(start))
		synctest.Wait() // the handler behind the answer has ended
		require.Zero(t, entryOf(t, store, 5), "cut off is no failure of the order")
		slow = false
		shop.down = errors.New("maintenance")
		shop.set(6, woo.OrderProcessing)
		require.Equal(t, 500, deliver(h, "order.updated", `{"id":6}`))
		shop.down = nil

		require.Equal(t, orderfeed.Report{Read: 6, Handled: 5}, runOnce(t, feed))
		for id := range woo.OrderID(6) {
			want := 1
			if id+1 == 4 {
				want = 2 // taken, but the mark was lost
			}
			require.Equal(t, want, k.count(id+1, woo.OrderProcessing), id+1)
		}
	})
}

// Since holds for deliveries too.
func TestWebhookBeforeSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		shop.set(1, woo.OrderProcessing)
		time.Sleep(25 * time.Hour)
		h := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle}).WebhookHandler(secret)
		shop.edit(1, func(o *woo.Order) { o.DateModified = shop.now() })
		require.Equal(t, 200, deliver(h, "order.updated", body(t, shop.order(1))))
		require.Zero(t, k.total())
	})
}

func TestWebhookWithoutSecret(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {""}} {
		k := newTaken()
		h := newFeed(t, orderfeed.Config{Source: newLedger(), Handle: k.handle}).WebhookHandler(secrets...)
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"id":1}`))
		r.Header.Set("X-WC-Webhook-Resource", "order")
		r.Header.Set(webhook.SignatureHeader, webhook.Sign("", []byte(`{"id":1}`)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
	}
}

// A run and any number of deliveries meet at the same orders: Handle is called for each status once, and never for one order
// twice at a time.
func TestDeliveriesAndRunAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		var mu sync.Mutex
		inHand := map[woo.OrderID]bool{}
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: func(ctx context.Context, o *woo.Order) error {
			mu.Lock()
			if inHand[o.ID] {
				t.Errorf("order %d is in two hands", o.ID)
			}
			inHand[o.ID] = true
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			inHand[o.ID] = false
			mu.Unlock()
			return k.handle(ctx, o)
		}})
		h := feed.WebhookHandler(secret)
		var bodies []string
		for id := range woo.OrderID(150) {
			shop.set(id+1, woo.OrderProcessing)
			bodies = append(bodies, body(t, shop.order(id+1)))
		}
		var wg sync.WaitGroup
		for range 3 {
			for i := range bodies {
				wg.Go(func() {
					if code := deliver(h, "order.updated", bodies[len(bodies)-1-i]); code != 200 {
						t.Errorf("answered %d", code)
					}
				})
			}
			wg.Go(func() {
				if _, err := feed.RunOnce(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 150, k.total())
		require.Len(t, k.got, 150)
	})
}
