package orderfeed_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/tillwire/tillwire/woo/wootest"
)

// running is a feed that runs, at midnight in UTC, with nights at 02:00.
type running struct {
	*bench
	hook http.Handler
	stop func()
}

func newRunning(t *testing.T, c orderfeed.Config) *running {
	t.Helper()
	c.Recheck.Spread = -1
	r := &running{bench: newBench(t, c)}
	r.hook = r.feed.WebhookHandler(secret)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { require.NoError(t, r.feed.Run(ctx)) })
	r.stop = func() {
		cancel()
		work.Wait()
	}
	time.Sleep(time.Minute)
	return r
}

// sell lets the shop have a new order, a minute ago.
func (r *running) sell(id woo.OrderID) {
	r.shop.set(id, woo.OrderProcessing)
	time.Sleep(time.Minute)
}

func (r *running) deliver(id woo.OrderID) {
	r.t.Helper()
	require.Equal(r.t, 200, deliver(r.hook, "order.updated", body(r.t, r.shop.order(id))))
}

func (r *running) mode() orderfeed.Mode {
	r.t.Helper()
	m, err := r.feed.Mode(r.t.Context())
	require.NoError(r.t, err)
	return m
}

// until sleeps until so long after the first midnight.
func until(d time.Duration) {
	time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d)))
}

func TestPollingMode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, orderfeed.Config{})
		defer r.stop()
		require.Equal(t, orderfeed.Polling, r.mode())
		for id := range woo.OrderID(10) {
			r.sell(id + 1)
			time.Sleep(time.Hour)
			require.Equal(t, 1, r.taken.count(id+1, woo.OrderProcessing), "every hour")
		}
		require.Equal(t, 11, r.shop.walked(), "at once, then every hour")
	})
}

// pending, active, suspect, active again: each with its own pace.
func TestWebhookModes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, orderfeed.Config{Webhooks: true})
		defer r.stop()
		require.Equal(t, 1, r.shop.walked(), "at the start")
		require.Equal(t, orderfeed.Pending, r.mode())

		// A ping is no delivery, and what is not signed is none.
		ping(t, r.hook)
		require.Equal(t, orderfeed.Pending, r.mode())
		r.sell(1)
		r.deliver(1)
		require.Equal(t, orderfeed.Active, r.mode())
		require.Equal(t, 1, r.taken.total())

		until(26*time.Hour + time.Minute)
		require.Equal(t, 3, r.shop.walked(), "each night at two, and not in between")
		require.Equal(t, orderfeed.Active, r.mode(), "a quiet shop is no dead webhook")
		require.Empty(t, r.alarms)

		// The shop switches its webhook off: the night finds what was lost, says so, and from then on every hour is looked at.
		until(40 * time.Hour)
		r.sell(2)
		require.Zero(t, r.taken.count(2, woo.OrderProcessing))
		until(50*time.Hour + time.Minute)
		require.Equal(t, 1, r.taken.count(2, woo.OrderProcessing), "caught up at night")
		require.Equal(t, orderfeed.Suspect, r.mode())
		require.Len(t, r.alarms, 1)
		require.ErrorIs(t, r.alarms[0], orderfeed.ErrSuspect)
		walked := r.shop.walked()
		r.sell(3)
		time.Sleep(time.Hour)
		require.Equal(t, 1, r.taken.count(3, woo.OrderProcessing), "within the hour")
		time.Sleep(5 * time.Hour)
		require.Equal(t, walked+6, r.shop.walked())

		// It delivers again.
		r.sell(4)
		r.deliver(4)
		require.Equal(t, orderfeed.Active, r.mode())
		walked = r.shop.walked()
		until(72 * time.Hour)
		require.Equal(t, walked, r.shop.walked())
	})
}

// What was lost long before the last delivery, what is a moment old, and what was delivered makes nothing suspect.
func TestNotSuspect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, orderfeed.Config{Webhooks: true})
		defer r.stop()
		until(3 * time.Hour) // the first night is over
		r.sell(1)            // lost, but others come
		until(10 * time.Hour)
		r.sell(2)
		r.deliver(2)
		until(25 * time.Hour)
		r.sell(3) // on its way
		until(27 * time.Hour)
		require.Equal(t, 3, r.taken.total())
		require.Equal(t, orderfeed.Active, r.mode())
		require.Empty(t, r.alarms)
	})
}

// A webhook that was announced and never made: told at night, and polled for only on wish.
func TestPendingMode(t *testing.T) {
	t.Parallel()
	for _, poll := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRunning(t, orderfeed.Config{Webhooks: true, PollPending: poll})
			defer r.stop()
			until(10 * time.Hour)
			r.sell(1)
			time.Sleep(time.Hour)
			require.Equal(t, poll, r.taken.total() == 1)
			until(27 * time.Hour)
			require.Equal(t, 1, r.taken.total())
			require.Equal(t, orderfeed.Pending, r.mode())
			if !poll {
				require.Len(t, r.alarms, 1)
				require.ErrorContains(t, r.alarms[0], "was the webhook made in the shop?")
				require.Equal(t, 3, r.shop.walked())
			}
		})
	}
}

// What failed is tried again every hour, also where webhooks deliver, and without reading the list.
func TestFailedIsTriedAgainInWebhookMode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, orderfeed.Config{Webhooks: true})
		defer r.stop()
		r.taken.fail = func(*woo.Order) error { return errors.New("no") }
		r.sell(1)
		require.Equal(t, 500, deliver(r.hook, "order.updated", body(t, r.shop.order(1))))
		require.Equal(t, orderfeed.Pending, r.mode(), "no good delivery")
		r.taken.fail = nil
		walked := r.shop.walked()
		time.Sleep(time.Hour)
		require.Equal(t, 1, r.taken.total())
		require.Equal(t, walked, r.shop.walked())
	})
}

// Nights are local dates: one run each, also in the nights in which clocks change, whatever the zone, and one for those that were
// slept through.
func TestNights(t *testing.T) {
	t.Parallel()
	for name, location := range map[string]*time.Location{
		"UTC+13": time.FixedZone("", 13*3600), "UTC-8": time.FixedZone("", -8*3600),
		"Ljubljana": zone(t, "Europe/Ljubljana"), "New York": zone(t, "America/New_York"),
	} {
		for _, at := range []time.Duration{time.Second, 90 * time.Minute, 2*time.Hour + 30*time.Minute, 23*time.Hour + 59*time.Minute} {
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					shop := newLedger()
					var nights []time.Time
					shop.onPage = func(walk, _ int) {
						if walk > 1 {
							nights = append(nights, time.Now().In(location))
						}
					}
					feed := newFeed(t, orderfeed.Config{
						Source: shop, Location: location, Webhooks: true, Recheck: orderfeed.Recheck{At: at, Spread: -1, NoInventory: true},
					})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = feed.Run(ctx) }()
					time.Sleep(time.Until(time.Date(2000, 12, 31, 12, 0, 0, 0, location)))
					cancel()
					synctest.Wait()
					require.InDelta(t, 365, len(nights), 1)
					dates := map[string]bool{}
					for _, n := range nights {
						require.False(t, dates[n.Format(time.DateOnly)], "twice on %v", n)
						dates[n.Format(time.DateOnly)] = true
						y, m, d := n.Date()
						off := n.Sub(time.Date(y, m, d, 0, 0, int(at/time.Second), 0, location))
						require.LessOrEqual(t, off.Abs(), time.Minute, n)
					}
				})
			})
		}
	}
}

func TestNightThatWasSleptThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		shop.open(1, 1)
		c := orderfeed.Config{Source: shop, Store: store, Once: orderfeed.PerOrder, Recheck: orderfeed.Recheck{Spread: -1}}
		run := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			require.NoError(t, newFeed(t, c).Run(ctx))
		}
		run(time.Hour)
		require.Zero(t, shop.gets, "the first start is no night")
		time.Sleep(5 * day)
		run(time.Minute)
		require.Equal(t, 1, shop.gets, "one for those that were missed")
		run(time.Minute)
		require.Equal(t, 1, shop.gets)
		shop.fail(errors.New("maintenance"))
		until(6*day + 3*time.Hour)
		run(time.Minute)
		shop.fail(nil)
		run(10 * time.Minute)
		require.Equal(t, 2, shop.gets, "one that failed is made again")
	})
}

// Feeds begin their nights each at a moment of its own between two and five, the same every night.
func TestNightSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		starts := map[time.Duration]bool{}
		for i := range 50 {
			shop := newLedger()
			var nights []time.Duration
			shop.onPage = func(walk, _ int) {
				if walk > 1 {
					nights = append(nights, time.Since(time.Now().Truncate(day)))
				}
			}
			feed := newFeed(t, orderfeed.Config{Name: fmt.Sprint("shop", i), Source: shop, Webhooks: true})
			ctx, cancel := context.WithTimeout(t.Context(), 2*day)
			require.NoError(t, feed.Run(ctx))
			cancel()
			require.Len(t, nights, 2)
			require.Equal(t, nights[0], nights[1])
			require.GreaterOrEqual(t, nights[0], 2*time.Hour)
			require.Less(t, nights[0], 5*time.Hour)
			starts[nights[0]] = true
		}
		require.Greater(t, len(starts), 40)
	})
}

// Guard and feed together against a shop that disables: nothing is lost, and the webhook is alive again within a quarter of an hour.
func TestGuardAndFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		client, err := woo.New(shop.Config())
		require.NoError(t, err)
		k := newTaken()
		feed := newFeed(t, orderfeed.Config{Source: client.Orders, Handle: k.handle, Webhooks: true})
		mux := http.NewServeMux()
		mux.Handle("POST /hooks/orders", feed.WebhookHandler(secret))
		shop.DeliverTo("https://us.example", mux)
		var alarms []error
		guard, err := webhook.NewGuard(webhook.GuardConfig{
			Shop: client, Wanted: feed.Subscriptions("https://us.example/hooks/orders", secret),
			Last: feed.LastDelivery, CatchUp: feed.CatchUp,
			Alarm: func(_ context.Context, err error) { alarms = append(alarms, err) },
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { _ = feed.Run(ctx) })
		work.Go(func() { _ = guard.Run(ctx) })
		time.Sleep(time.Minute)
		sell := func() int64 {
			id, err := shop.AddOrder([]byte(`{"status":"processing"}`))
			require.NoError(t, err)
			shop.Deliver(t.Context())
			return id
		}
		require.Equal(t, 1, k.count(woo.OrderID(sell()), "processing"))

		k.fail = func(*woo.Order) error { return errors.New("disk full") }
		var lost []int64
		for range 8 {
			lost = append(lost, sell())
		}
		k.fail = nil
		lost = append(lost, sell()) // the webhooks are off by now
		require.Zero(t, k.count(woo.OrderID(lost[8]), "processing"))
		time.Sleep(webhook.DefaultEvery)
		for _, id := range lost {
			require.Equal(t, 1, k.count(woo.OrderID(id), "processing"), id)
		}
		require.Len(t, alarms, 1)
		require.ErrorIs(t, alarms[0], webhook.ErrDown)
		require.Equal(t, 1, k.count(woo.OrderID(sell()), "processing"), "delivered")
		cancel()
		work.Wait()
	})
}

func ping(t *testing.T, h http.Handler) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/orders", strings.NewReader("webhook_id=1")))
	require.Equal(t, 200, w.Code)
}
