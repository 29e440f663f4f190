package woopeer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

const secret = "letters and digits 1"

// hooked lets the shop deliver to the peer, and a guard keep it doing so.
func (w *world) hooked() (guard *webhook.Guard) {
	w.Helper()
	const base = "https://us.example"
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/c", w.peer.WebhookHandler(secret))
	w.shop.DeliverTo(base, mux)
	wanted := w.peer.Subscriptions(base+"/hooks/c", secret)
	_, err := webhook.Ensure(w.Context(), w.woo, wanted...)
	require.NoError(w, err)
	guard, err = webhook.NewGuard(webhook.GuardConfig{Shop: w.woo, Wanted: wanted, Last: w.peer.LastDelivery, CatchUp: w.peer.CatchUp})
	require.NoError(w, err)
	return guard
}

func TestWatch(t *testing.T) {
	t.Parallel()

	t.Run("W6_modified_after", func(t *testing.T) {
		t.Parallel()
		for _, version := range []string{"11.0.1", "8.9.1"} {
			inShop(t, wootest.Config{Version: version}, nil, func(w *world) {
				cup := w.product("CUP", 10)
				shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT"}`)
				red := w.variation(shirt, `{"sku":"RED","regular_price":"1","manage_stock":true,"stock_quantity":5}`)
				defer w.watch()()
				require.ElementsMatch(w, []string{"CUP 10", "SHIRT 0", "RED 5"}, w.clerk.told())
				w.pass(5 * time.Minute)
				require.Empty(w, w.clerk.told(), "nothing has changed")
				w.requests()
				w.pass(time.Minute)
				require.Equal(w, []string{"GET products"}, w.requests(), "a quiet minute costs one request")
				w.sell(cup, 2)
				w.sell(red, 1)
				w.pass(time.Minute)
				require.ElementsMatch(w, []string{"CUP 10->8", "RED 5->4"}, w.clerk.told())
				w.pass(5 * time.Minute)
				require.Empty(w, w.clerk.told(), "told twice")
			})
		}
	})

	// What moves no modification date is found by the daily reading of everything.
	t.Run("W6_full_scan", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			c := w.shop.Config()
			c.HTTPClient = &http.Client{Transport: undated{w.shop.Transport()}}
			client, err := woo.New(c)
			require.NoError(w, err)
			w.peer, err = woopeer.New(woopeer.Config{ID: "c", Shop: client})
			require.NoError(w, err)
			cup := w.product("CUP", 10)
			defer w.watch()()
			w.clerk.told()
			w.sell(cup, 1)
			w.pass(23 * time.Hour)
			require.Empty(w, w.clerk.told())
			w.pass(time.Hour + 2*time.Minute)
			require.Equal(w, []string{"CUP 10->9"}, w.clerk.told())
		})
	})

	// A change that comes while everything is read is not lost between the reading and the first poll.
	t.Run("W6_scan_overlap", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			var first int64
			for i := range 250 {
				if id := w.product(fmt.Sprintf("SKU-%03d", i), 5); i == 0 {
					first = id
				}
			}
			n := 0
			w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
				if n++; r.URL.Query().Get("offset") != "" && n == 3 {
					time.Sleep(2 * time.Hour) // a slow reading
					w.sell(first, 1)
					time.Sleep(2 * time.Hour)
				}
				return wootest.None
			}})
			defer w.watch()()
			w.pass(4*time.Hour + 3*time.Minute)
			said := w.clerk.told()
			require.Len(w, said, 251)
			require.Contains(w, said, "SKU-000 5->4")
		})
	})

	// A reading that was begun before a write, and is answered after it, is no news.
	t.Run("W6_reading_overtaken", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			c := w.shop.Config()
			c.HTTPClient = &http.Client{Transport: late{w.shop.Transport()}}
			client, err := woo.New(c)
			require.NoError(w, err)
			w.peer, err = woopeer.New(woopeer.Config{ID: "c", Shop: client, KeepMeta: true})
			require.NoError(w, err)
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			w.clerk.told()
			w.pass(time.Minute + 5*time.Second) // a poll has been answered, and its answer is under way
			w.push(confirmed, w.clerk.has("CUP", 9))
			w.pass(2 * time.Minute)
			require.Empty(w, w.clerk.told(), "what was there before the write was taken for a change after it")
			require.Equal(w, "9", w.stock(cup))
		})
	})

	// A store that cannot be read is asked again, and what it sold meanwhile is found.
	t.Run("W6_outage", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.shop.SetTrouble(wootest.DatabaseDown)
			defer w.watch()()
			w.pass(time.Hour)
			w.sell(cup, 1)
			w.shop.SetTrouble(wootest.NoTrouble)
			w.pass(time.Minute)
			require.Equal(w, []string{"CUP 9"}, w.clerk.told())
		})
	})

	// A report that the node refuses is made again, word for word, until it takes it.
	t.Run("W6_report_owed", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.clerk.has("CUP", 10)
			defer w.watch()()
			w.clerk.told()
			w.clerk.mu.Lock()
			w.clerk.broken = errors.New("no database")
			w.clerk.mu.Unlock()
			w.sell(cup, 1)
			w.pass(2 * time.Minute)
			w.sell(cup, 1)
			w.pass(2 * time.Minute)
			for _, said := range w.clerk.told() {
				require.Equal(w, "CUP 10->9", said)
			}
			w.clerk.mu.Lock()
			w.clerk.broken = nil
			w.clerk.mu.Unlock()
			w.pass(2 * time.Minute)
			require.Equal(w, []string{"CUP 10->9", "CUP 9->8"}, w.clerk.told())
			require.Equal(w, "8", w.clerk.item("CUP").Quantity.String())
		})
	})

	t.Run("once_at_a_time", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			require.ErrorContains(w, w.peer.CatchUp(w.Context(), time.Time{}), "nobody watches")
			stop := w.watch()
			require.ErrorContains(w, w.peer.Watch(w.Context(), w.clerk), "watched already")
			stop()
			w.watch()()
		})
	})
}

// undated is a store where nothing moves a modification date.
type undated struct{ http.RoundTripper }

func (u undated) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if q.Get("modified_after") != "" {
		r = r.Clone(r.Context())
		q.Set("modified_after", "2099-01-01T00:00:00")
		r.URL.RawQuery = q.Encode()
	}
	return u.RoundTripper.RoundTrip(r)
}

// late is a store whose polls are answered at once, and arrive ten seconds later.
type late struct{ http.RoundTripper }

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err != nil || r.URL.Query().Get("modified_after") == "" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	time.Sleep(10 * time.Second)
	return resp, err
}

func TestWebhooks(t *testing.T) {
	t.Parallel()

	t.Run("W6_webhook_hint", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.Every = time.Hour }, func(w *world) {
			cup := w.product("CUP", 10)
			w.hooked()
			defer w.watch()()
			w.clerk.told()
			w.sell(cup, 1)
			w.shop.Deliver(w.Context())
			w.pass(3 * time.Second)
			require.Equal(w, []string{"CUP 10->9"}, w.clerk.told(), "within seconds")

			// A delivery replayed, or late, with a state that was: only read again.
			body := fmt.Sprintf(`{"id":%d,"type":"simple","parent_id":0,"sku":"CUP","manage_stock":true,"stock_quantity":3}`, cup)
			w.requests()
			for range 3 {
				require.Equal(w, 200, w.deliver("product.updated", body))
			}
			w.pass(3 * time.Second)
			require.Empty(w, w.clerk.told(), "the delivery was believed")
			require.Equal(w, []string{"GET products"}, w.requests())
		})
	})

	// A hundred deliveries of one product are one look; the store itself coalesces, and two in a second share an id.
	t.Run("W6_webhook_coalesced", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.Every = time.Hour }, func(w *world) {
			cup, bowl := w.product("CUP", 100), w.product("BOWL", 10)
			w.hooked()
			defer w.watch()()
			w.clerk.told()
			w.requests()
			w.sell(cup, 1)
			w.sell(bowl, 1)
			for i := range 100 {
				require.Equal(w, 200, w.deliver("product.updated", fmt.Sprintf(`{"id":%d,"parent_id":0,"n":%d}`, cup, i)))
			}
			require.Equal(w, 200, w.deliver("product.updated", fmt.Sprintf(`{"id":%d,"parent_id":0}`, bowl)))
			w.pass(3 * time.Second)
			require.ElementsMatch(w, []string{"CUP 100->99", "BOWL 10->9"}, w.clerk.told())
			require.Equal(w, []string{"GET products"}, w.requests(), "one request for both")
		})
	})

	t.Run("W6_webhook_variation", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.Every = time.Hour }, func(w *world) {
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT"}`)
			red := w.variation(shirt, `{"sku":"RED","regular_price":"1","manage_stock":true,"stock_quantity":5}`)
			w.hooked()
			defer w.watch()()
			w.clerk.told()
			w.sell(red, 2)
			w.shop.Deliver(w.Context())
			w.pass(3 * time.Second)
			require.Equal(w, []string{"RED 5->3"}, w.clerk.told())
		})
	})

	// The store's ping is a form without signature; what is not signed is no hint.
	t.Run("W6_ping_and_forgery", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			w.hooked() // pings each webhook
			last, err := w.peer.LastDelivery(w.Context())
			require.NoError(w, err)
			require.Zero(w, last)
			require.Equal(w, 401, deliver(w.peer.WebhookHandler("another"), "product.updated", `{"id":1}`))
			require.Equal(w, 503, deliver(w.peer.WebhookHandler(""), "product.updated", `{"id":1}`))
			require.Equal(w, 200, w.deliver("product.updated", `{"id":1}`))
			last, err = w.peer.LastDelivery(w.Context())
			require.NoError(w, err)
			require.Equal(w, time.Now().UTC().Truncate(time.Second), last)
		})
	})

	// SS-13: a store that gives its webhooks up is put right by the guard, and the gap is read.
	t.Run("SS-13_W6_webhook_disabled", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.Every = 24 * time.Hour }, func(w *world) {
			cup := w.product("CUP", 10)
			guard := w.hooked()
			defer w.watch()()
			ctx, stop := context.WithCancel(w.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- guard.Run(ctx) }()
			w.pass(time.Second)
			w.clerk.told()

			w.shop.SetWebhookFaults(wootest.WebhookFaults{Lost: 1})
			for range 7 {
				w.sell(cup, 1)
				w.shop.Deliver(w.Context())
			}
			w.shop.SetWebhookFaults(wootest.WebhookFaults{})
			w.sell(cup, 1)
			w.shop.Deliver(w.Context()) // nothing: the webhooks are off
			w.pass(time.Minute)
			require.Empty(w, w.clerk.told())
			w.pass(15 * time.Minute)
			require.Equal(w, []string{"CUP 10->2"}, w.clerk.told())
			w.sell(cup, 1)
			w.shop.Deliver(w.Context())
			w.pass(3 * time.Second)
			require.Equal(w, []string{"CUP 2->1"}, w.clerk.told(), "delivering again")
			stop()
			require.NoError(w, <-ended)
		})
	})

	// SS-13: and without any guard polling finds it.
	t.Run("SS-13_W6_polling_fallback", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.Every = 15 * time.Minute }, func(w *world) {
			cup := w.product("CUP", 10)
			w.hooked()
			defer w.watch()()
			w.clerk.told()
			w.shop.SetWebhookFaults(wootest.WebhookFaults{Lost: 1})
			w.sell(cup, 1)
			w.shop.Deliver(w.Context())
			w.pass(15 * time.Minute)
			require.Equal(w, []string{"CUP 10->9"}, w.clerk.told())
		})
	})
}

func (w *world) deliver(topic, body string) int {
	return deliver(w.peer.WebhookHandler(secret), topic, body)
}

// deliver sends a body as a shop does.
func deliver(h http.Handler, topic, body string) int {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://us.example/hooks/c", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	resource, event, _ := strings.Cut(topic, ".")
	r.Header.Set("X-WC-Webhook-Topic", topic)
	r.Header.Set("X-WC-Webhook-Resource", resource)
	r.Header.Set("X-WC-Webhook-Event", event)
	r.Header.Set("X-WC-Webhook-Delivery-ID", "the same")
	r.Header.Set(webhook.SignatureHeader, webhook.Sign(secret, []byte(body)))
	w := &recorder{header: http.Header{}, status: 200}
	h.ServeHTTP(w, r)
	return w.status
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }
