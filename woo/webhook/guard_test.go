package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

// guarded is a shop, the handler that takes its deliveries, and a guard over both.
type guarded struct {
	t      *testing.T
	shop   *wootest.Shop
	client *woo.Client
	taker  taker
	guard  *webhook.Guard

	alarms  []error
	filled  []time.Time
	fillErr error
}

func newGuarded(t *testing.T, change func(c *webhook.GuardConfig)) *guarded {
	t.Helper()
	g := &guarded{t: t}
	h, err := webhook.New(webhook.Config{Secrets: []string{secret}, Handle: func(ctx context.Context, d webhook.Delivery) error {
		return g.taker.handle(ctx, d)
	}})
	require.NoError(t, err)
	g.shop, g.client = shopWith(t, h)
	c := webhook.GuardConfig{
		Shop: g.client, Wanted: wanted(secret), Last: h.LastDelivery,
		CatchUp: func(_ context.Context, since time.Time) error {
			g.filled = append(g.filled, since)
			return g.fillErr
		},
		Alarm: func(_ context.Context, err error) { g.alarms = append(g.alarms, err) },
	}
	if change != nil {
		change(&c)
	}
	g.guard, err = webhook.NewGuard(c)
	require.NoError(t, err)
	return g
}

func (g *guarded) check() {
	g.t.Helper()
	require.NoError(g.t, g.guard.Check(g.t.Context()))
}

// order lets the shop sell something, and deliver it.
func (g *guarded) order() {
	g.t.Helper()
	_, err := g.shop.AddOrder([]byte(`{"status":"processing"}`))
	require.NoError(g.t, err)
	g.shop.Deliver(g.t.Context())
}

func (g *guarded) take() (alarms []error, filled []time.Time) {
	synctest.Wait() // what a Run did meanwhile is done, and can be seen
	alarms, filled = g.alarms, g.filled
	g.alarms, g.filled = nil, nil
	return alarms, filled
}

// The whole story: made, delivering, disabled behind our back, put right, the gap filled, and not disabled again by one failure.
func TestGuardRevivesADisabledWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, nil)
		g.check()
		alarms, _ := g.take()
		require.Empty(t, alarms, "made for the first time")
		require.Equal(t, allActive, topics(hooks(t, g.client)))
		g.order()
		require.NotEmpty(t, g.taker.got)
		good := time.Now().UTC()

		time.Sleep(time.Hour)
		g.taker.err = errors.New("disk full")
		for range 7 {
			g.order()
		}
		require.Contains(t, topics(hooks(t, g.client)), "order.created disabled")
		g.taker.err = nil
		time.Sleep(10 * time.Minute)
		n := len(g.taker.got)
		g.order()
		require.Len(t, g.taker.got, n, "lost")

		g.check()
		alarms, filled := g.take()
		require.Len(t, alarms, 1)
		require.ErrorIs(t, alarms[0], webhook.ErrDown)
		require.ErrorContains(t, alarms[0], "order.created was disabled")
		require.Equal(t, []time.Time{good}, filled, "from the last good delivery on")
		require.Equal(t, allActive, topics(hooks(t, g.client)))

		g.taker.err = errors.New("one hiccup")
		g.order()
		require.Equal(t, allActive, topics(hooks(t, g.client)), "the count began anew")
		g.taker.err = nil
		n = len(g.taker.got)
		g.order()
		require.Greater(t, len(g.taker.got), n)
		g.check()
		alarms, filled = g.take()
		require.Empty(t, alarms)
		require.Empty(t, filled)
	})
}

// Re-activation by hand alone would not do: this is what the shop does.
func TestReactivationKeepsTheCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := taker{err: errors.New("down")}
		shop, client := shopWith(t, handler(t, webhook.Config{Handle: k.handle}))
		_, err := webhook.Ensure(t.Context(), client, webhook.Wanted{Topic: "order.updated", URL: hookURL, Secret: secret})
		require.NoError(t, err)
		fail(t, shop, 7)
		h := hooks(t, client)[0]
		require.Equal(t, woo.WebhookDisabled, h.Status)
		_, err = client.Webhooks.Update(t.Context(), h.ID, woo.WebhookFields{Status: woo.Set(woo.WebhookActive)})
		require.NoError(t, err)
		fail(t, shop, 1)
		require.Equal(t, []string{"order.updated disabled"}, topics(hooks(t, client)))
	})
}

// A gap that could not be filled is filled at the next look, from where it began.
func TestGuardOwesTheGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, nil)
		g.check()
		g.order()
		good := time.Now().UTC()
		g.take()
		time.Sleep(time.Hour)
		h := hooks(t, g.client)[0]
		_, err := g.client.Webhooks.Update(t.Context(), h.ID, woo.WebhookFields{Status: woo.Set(woo.WebhookPaused)})
		require.NoError(t, err)
		g.fillErr = errors.New("maintenance")
		require.ErrorContains(t, g.guard.Check(t.Context()), "maintenance")
		require.Equal(t, allActive, topics(hooks(t, g.client)), "put right all the same, and first")
		g.order() // a good delivery in between closes no gap
		require.Error(t, g.guard.Check(t.Context()))
		g.fillErr = nil
		g.check()
		g.check()
		alarms, filled := g.take()
		require.Len(t, alarms, 1)
		require.ErrorContains(t, alarms[0], "was paused")
		require.Equal(t, []time.Time{good, good, good}, filled)
	})
}

// A guard that starts over webhooks that are well fills the gap since the last delivery, without alarm: nobody was there.
func TestGuardStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yesterday := time.Now().UTC()
		g := newGuarded(t, func(c *webhook.GuardConfig) {
			c.Last = func(context.Context) (time.Time, error) { return yesterday, nil }
		})
		_, err := webhook.Ensure(t.Context(), g.client, wanted(secret)...)
		require.NoError(t, err)
		time.Sleep(20 * time.Hour)
		_, err = g.shop.AddOrder([]byte(`{"status":"processing"}`))
		require.NoError(t, err)
		time.Sleep(4 * time.Hour)
		g.check()
		g.check()
		alarms, filled := g.take()
		require.Empty(t, alarms)
		require.Equal(t, []time.Time{yesterday}, filled)
	})
}

// The webhook is active, and nothing arrives: the shop's queue stands still.
func TestGuardHearsSilence(t *testing.T) {
	t.Parallel()
	for name, delivered := range map[string]bool{"after a delivery": true, "before the first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGuarded(t, nil)
				g.check()
				if delivered {
					g.order()
				}
				from := time.Now().UTC()
				g.take()
				for range 48 {
					time.Sleep(time.Hour)
					g.check()
				}
				alarms, filled := g.take()
				require.Empty(t, alarms, "a quiet shop is no silent webhook")
				require.Empty(t, filled)

				_, err := g.shop.AddOrder([]byte(`{"status":"processing"}`)) // and it is not delivered
				require.NoError(t, err)
				time.Sleep(2 * time.Hour)
				g.check()
				alarms, _ = g.take()
				require.Empty(t, alarms, "shops deliver up to two hours late")
				time.Sleep(90 * time.Minute)
				g.check()
				noticed := time.Now().UTC()
				g.check()
				time.Sleep(time.Hour)
				g.check()
				alarms, filled = g.take()
				require.Len(t, alarms, 1, "once")
				require.ErrorIs(t, alarms[0], webhook.ErrSilent)
				require.Equal(t, []time.Time{from}, filled, "once")

				_, err = g.shop.AddOrder([]byte(`{"status":"processing"}`))
				require.NoError(t, err)
				time.Sleep(4 * time.Hour)
				g.check()
				alarms, filled = g.take()
				require.Empty(t, alarms)
				require.Equal(t, []time.Time{noticed}, filled, "what has changed since is read too")

				g.shop.Deliver(t.Context()) // it works again
				g.check()
				time.Sleep(time.Hour)
				_, err = g.shop.AddOrder([]byte(`{"status":"processing"}`))
				require.NoError(t, err)
				time.Sleep(4 * time.Hour)
				g.check()
				alarms, _ = g.take()
				require.Len(t, alarms, 1, "silent anew")
			})
		})
	}
}

// A shop that cannot be asked is told as it is; silence about products is heard by the products.
func TestGuardOfProducts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, func(c *webhook.GuardConfig) {
			c.Wanted = []webhook.Wanted{{Topic: "product.updated", URL: hookURL, Secret: secret}}
		})
		g.check()
		g.take()
		_, err := g.shop.AddOrder([]byte(`{"status":"processing"}`))
		require.NoError(t, err)
		time.Sleep(5 * time.Hour)
		g.check()
		alarms, _ := g.take()
		require.Empty(t, alarms)
		_, err = g.shop.AddProduct([]byte(`{"name":"Tea"}`))
		require.NoError(t, err)
		time.Sleep(4 * time.Hour)
		g.check()
		alarms, _ = g.take()
		require.Len(t, alarms, 1)
		require.ErrorIs(t, alarms[0], webhook.ErrSilent)
	})
}

func TestGuardRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- g.guard.Run(ctx) }()
		time.Sleep(time.Minute)
		require.Equal(t, allActive, topics(hooks(t, g.client)))
		alarms, _ := g.take()
		require.Empty(t, alarms)
		require.Equal(t, []string{"POST", "POST", "POST", "PUT", "PUT", "PUT"}, writes(g.shop))
		time.Sleep(24 * time.Hour)
		require.Empty(t, writes(g.shop), "looks only read")

		require.NoError(t, g.client.Webhooks.Delete(t.Context(), hooks(t, g.client)[1].ID))
		time.Sleep(webhook.DefaultEvery)
		require.Equal(t, allActive, topics(hooks(t, g.client)))
		alarms, filled := g.take()
		require.Len(t, alarms, 1)
		require.ErrorContains(t, alarms[0], "order.updated was missing")
		require.Len(t, filled, 1)

		g.shop.SetFaults(wootest.Faults{Script: func(*http.Request) wootest.Fault { return wootest.Page }})
		time.Sleep(time.Hour)
		g.shop.SetFaults(wootest.Faults{})
		alarms, _ = g.take()
		require.NotEmpty(t, alarms, "a guard that cannot look says so")
		require.ErrorContains(t, alarms[0], "guard")
		time.Sleep(time.Hour)
		alarms, _ = g.take()
		require.Empty(t, alarms)
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestGuardConfig(t *testing.T) {
	t.Parallel()
	_, client := shopWith(t, http.NotFoundHandler())
	good := webhook.GuardConfig{
		Shop: client, Wanted: wanted(secret), Last: func(context.Context) (time.Time, error) { return time.Time{}, nil },
		CatchUp: func(context.Context, time.Time) error { return nil },
	}
	_, err := webhook.NewGuard(good)
	require.NoError(t, err)
	for field, spoil := range map[string]func(c *webhook.GuardConfig){
		"GuardConfig.Shop":    func(c *webhook.GuardConfig) { c.Shop = nil },
		"GuardConfig.Wanted":  func(c *webhook.GuardConfig) { c.Wanted = nil },
		"GuardConfig.Last":    func(c *webhook.GuardConfig) { c.Last = nil },
		"GuardConfig.CatchUp": func(c *webhook.GuardConfig) { c.CatchUp = nil },
		"GuardConfig.Every":   func(c *webhook.GuardConfig) { c.Every = -1 },
		"GuardConfig.Silence": func(c *webhook.GuardConfig) { c.Silence = -1 },
		"Wanted.Secret":       func(c *webhook.GuardConfig) { c.Wanted = []webhook.Wanted{{Topic: "order.updated", URL: hookURL}} },
	} {
		c := good
		spoil(&c)
		_, err := webhook.NewGuard(c)
		require.ErrorContains(t, err, field)
	}
}
