package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

const hookURL = "https://us.example/hooks/orders"

// wanted are the webhooks that an order feed lives on.
func wanted(secret string) []webhook.Wanted {
	var all []webhook.Wanted
	for _, topic := range []string{"order.created", "order.updated", "order.deleted"} {
		all = append(all, webhook.Wanted{Topic: topic, URL: hookURL, Secret: secret})
	}
	return all
}

// shopWith is a shop whose deliveries go to h.
func shopWith(t *testing.T, h http.Handler) (*wootest.Shop, *woo.Client) {
	t.Helper()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	shop.DeliverTo("https://us.example", h)
	shop.DeliverTo("https://", http.NotFoundHandler()) // whatever else is asked for: no socket
	client, err := woo.New(shop.Config())
	require.NoError(t, err)
	return shop, client
}

func hooks(t *testing.T, client *woo.Client) []*woo.Webhook {
	t.Helper()
	var all []*woo.Webhook
	for h, err := range client.Webhooks.All(t.Context(), woo.WebhookQuery{}) {
		require.NoError(t, err)
		all = append(all, h)
	}
	return all
}

func topics(all []*woo.Webhook) (names []string) {
	for _, h := range all {
		names = append(names, fmt.Sprintf("%s %s", h.Topic, h.Status))
	}
	slices.Sort(names)
	return names
}

var allActive = []string{"order.created active", "order.deleted active", "order.updated active"}

// writes counts the requests that change webhooks.
func writes(shop *wootest.Shop) (methods []string) {
	for _, r := range shop.Requests() {
		if strings.Contains(r.Path, "/webhooks") && r.Method != http.MethodGet {
			methods = append(methods, r.Method)
		}
	}
	shop.ForgetRequests()
	return methods
}

func TestEnsureMakesThemOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k taker
		shop, client := shopWith(t, handler(t, webhook.Config{Handle: k.handle}))
		first, err := webhook.Ensure(t.Context(), client, wanted(secret)...)
		require.NoError(t, err)
		require.Equal(t, allActive, topics(hooks(t, client)))
		require.Equal(t, "order.created", first[0].Topic, "in the order of wanted")
		require.Equal(t, "Tillwire order.created", first[0].Name)
		require.Equal(t, []string{"POST", "POST", "POST"}, writes(shop))

		again, err := webhook.Ensure(t.Context(), client, wanted(secret)...)
		require.NoError(t, err)
		for i := range again {
			require.Equal(t, first[i].ID, again[i].ID)
		}
		require.Equal(t, []string{"PUT", "PUT", "PUT"}, writes(shop), "the secret, which cannot be read")

		_, err = shop.AddOrder([]byte(`{"status":"processing"}`))
		require.NoError(t, err)
		require.Positive(t, shop.Deliver(t.Context()))
		require.NotEmpty(t, k.got, "signed with the secret that was wanted")
	})
}

// Another's equal webhook is taken over and stays; ours beside it is not made. What differs is mended.
func TestEnsureAdoptsAndMends(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		there woo.WebhookFields
		then  func(t *testing.T, client *woo.Client, id woo.WebhookID)
		want  webhook.Wanted
	}{
		"another's, with another secret": {
			there: woo.WebhookFields{Name: woo.Set("by hand"), DeliveryURL: woo.Set(hookURL), Secret: woo.Set("old")},
			want:  webhook.Wanted{},
		},
		"paused": {
			there: woo.WebhookFields{Name: woo.Set("by hand"), DeliveryURL: woo.Set(hookURL), Secret: woo.Set(secret)},
			then: func(t *testing.T, client *woo.Client, id woo.WebhookID) {
				_, err := client.Webhooks.Update(t.Context(), id, woo.WebhookFields{Status: woo.Set(woo.WebhookPaused)})
				require.NoError(t, err)
			},
		},
		"of the chosen name, with an old address": {
			there: woo.WebhookFields{Name: woo.Set("books of shop A"), DeliveryURL: woo.Set("https://old.example/hooks"), Secret: woo.Set(secret)},
			want:  webhook.Wanted{Name: "books of shop A"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var k taker
				shop, client := shopWith(t, handler(t, webhook.Config{Handle: k.handle}))
				tt.there.Topic = woo.Set("order.updated")
				there, err := client.Webhooks.Create(t.Context(), tt.there)
				require.NoError(t, err)
				if tt.then != nil {
					tt.then(t, client, there.ID)
				}
				tt.want.Topic, tt.want.URL, tt.want.Secret = "order.updated", hookURL, secret
				got, err := webhook.Ensure(t.Context(), client, tt.want)
				require.NoError(t, err)
				require.Equal(t, there.ID, got[0].ID)
				require.Equal(t, there.Name, got[0].Name)
				require.Equal(t, hookURL, got[0].DeliveryURL)
				require.Equal(t, []string{"order.updated active"}, topics(hooks(t, client)))
				id, err := shop.AddOrder([]byte(`{"status":"pending"}`))
				require.NoError(t, err)
				require.NoError(t, shop.SetStatus(id, "processing"))
				shop.Deliver(t.Context())
				require.Len(t, k.got, 1)
			})
		})
	}
}

// Of duplicates that Ensure made one stays; what others made is never deleted, neither beside ours nor for another address or topic.
func TestEnsureRemovesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := shopWith(t, handler(t, webhook.Config{Handle: new(taker).handle}))
		make := func(name, topic, url string) woo.WebhookID {
			h, err := client.Webhooks.Create(t.Context(), woo.WebhookFields{
				Name: woo.Set(name), Topic: woo.Set(topic), DeliveryURL: woo.Set(url), Secret: woo.Set("x"),
			})
			require.NoError(t, err)
			return h.ID
		}
		theirs := make("theirs", "order.updated", hookURL)
		one := make("Tillwire order.updated", "order.updated", hookURL)
		two := make("Tillwire order.updated", "order.updated", hookURL)
		elsewhere := make("Tillwire order.updated", "order.updated", "https://staging.example/hooks")
		topic := make("Tillwire order.updated", "product.updated", hookURL)
		got, err := webhook.Ensure(t.Context(), client, webhook.Wanted{Topic: "order.updated", URL: hookURL, Secret: secret})
		require.NoError(t, err)
		require.Equal(t, one, got[0].ID)
		var left []woo.WebhookID
		for _, h := range hooks(t, client) {
			left = append(left, h.ID)
		}
		require.ElementsMatch(t, []woo.WebhookID{theirs, one, elsewhere, topic}, left)
		require.NotContains(t, left, two)
	})
}

// Eight processes start at once: in the end there is one webhook for each topic, and it stays the same afterwards.
func TestEnsureInManyProcesses(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			shop, client := shopWith(t, handler(t, webhook.Config{Handle: new(taker).handle}))
			shop.SetFaults(wootest.Faults{Latency: 2 * time.Second, Seed: seed})
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					time.Sleep(time.Duration(i*int(seed)) * 100 * time.Millisecond)
					if _, err := webhook.Ensure(t.Context(), client, wanted(secret)...); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			shop.SetFaults(wootest.Faults{})
			require.Equal(t, allActive, topics(hooks(t, client)), "seed %d", seed)
		})
	}
}

// An answer that was lost makes no second webhook.
func TestEnsureAfterALostAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, client := shopWith(t, handler(t, webhook.Config{Handle: new(taker).handle}))
		lost := 0
		shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
			if r.Method == http.MethodPost && lost < 2 {
				lost++
				return wootest.Lost
			}
			return wootest.None
		}})
		got, err := webhook.Ensure(t.Context(), client, wanted(secret)...)
		require.NoError(t, err)
		require.Len(t, got, 3)
		require.Equal(t, 2, lost)
		require.Equal(t, allActive, topics(hooks(t, client)))
	})
}

// The failure counter survives re-activation, so a disabled webhook is replaced: the new one bears six failures, not one.
func TestEnsureReplacesADisabledOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := taker{err: errors.New("down")}
		shop, client := shopWith(t, handler(t, webhook.Config{Handle: k.handle}))
		w := webhook.Wanted{Topic: "order.updated", URL: hookURL, Secret: secret}
		first, err := webhook.Ensure(t.Context(), client, w)
		require.NoError(t, err)
		fail(t, shop, 7)
		require.Equal(t, []string{"order.updated disabled"}, topics(hooks(t, client)))

		second, err := webhook.Ensure(t.Context(), client, w)
		require.NoError(t, err)
		require.NotEqual(t, first[0].ID, second[0].ID)
		require.Equal(t, []string{"order.updated active"}, topics(hooks(t, client)), "and the old one is gone")
		fail(t, shop, 6)
		require.Equal(t, []string{"order.updated active"}, topics(hooks(t, client)))
	})
}

// fail lets n deliveries be refused.
func fail(t *testing.T, shop *wootest.Shop, n int) {
	t.Helper()
	id, err := shop.AddOrder([]byte(`{"status":"pending"}`))
	require.NoError(t, err)
	shop.Deliver(t.Context())
	for i := range n - 1 {
		require.NoError(t, shop.SetStatus(id, []string{"processing", "pending"}[i%2]))
		shop.Deliver(t.Context())
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	_, client := shopWith(t, http.NotFoundHandler())
	good := webhook.Wanted{Topic: "order.updated", URL: hookURL, Secret: "hush-hush"}
	for field, spoil := range map[string]func(w *webhook.Wanted){
		"Wanted.Topic":  func(w *webhook.Wanted) { w.Topic = "orders" },
		"Wanted.URL":    func(w *webhook.Wanted) { w.URL = "/hooks" },
		"Wanted.Secret": func(w *webhook.Wanted) { w.Secret = "" },
	} {
		w := good
		spoil(&w)
		_, err := webhook.Ensure(t.Context(), client, w)
		require.ErrorContains(t, err, field)
	}
	_, err := webhook.Ensure(t.Context(), nil, good)
	require.ErrorContains(t, err, "shop is nil")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", good, good, good), "hush")
	readOnly := keyOf(t, wootest.ReadOnly)
	_, err = webhook.Ensure(t.Context(), readOnly, good)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hush")
}

func keyOf(t *testing.T, p wootest.Permission) *woo.Client {
	t.Helper()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	shop.AddKey("ck_other", "cs_other", p)
	c := shop.Config()
	c.Key, c.Secret = "ck_other", "cs_other"
	client, err := woo.New(c)
	require.NoError(t, err)
	return client
}
