package eurofakturasync

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// The nightly re-check is package orderfeed's, and so are the tests of its boundaries and edge cases. Here stand those in which the
// booking has a part.

// open is the ids on a feed's open list.
func open(t *testing.T, feed *orderfeed.Feed) []woo.OrderID {
	t.Helper()
	var ids []woo.OrderID
	for e, err := range feed.Open(t.Context()) {
		require.NoError(t, err)
		ids = append(ids, e.ID)
	}
	return ids
}

func night(t *testing.T, feed *orderfeed.Feed) {
	t.Helper()
	_, err := feed.Night(t.Context())
	require.NoError(t, err)
}

// TestE3_4_11_ForwardedBeforeItsTurn: an order that a webhook brought is not booked again by the night.
func TestE3_4_11_ForwardedBeforeItsTurn(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		feed := w.feed(func(c *orderfeed.Config) { c.Webhooks = true })
		hook := hooked(w, feed)
		ensure(w, feed, hook)
		w.shop.Deliver(t.Context())
		o := w.order("pending")
		w.shop.Deliver(t.Context())
		w.later(time.Minute)
		require.Equal(t, []woo.OrderID{o.ID}, open(t, feed), "seen, and not wanted yet")
		require.Empty(t, w.booked(o.ID))
		w.moved(o.ID, "processing")
		w.shop.Deliver(t.Context())
		night(t, feed)
		w.later(10 * time.Minute)
		require.Len(t, w.booked(o.ID), 1)
		require.Empty(t, open(t, feed))
	})
}

// TestE3_6_1_TwoProcesses: two hosts share feed and queue; each order is booked once.
func TestE3_6_1_TwoProcesses(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{NoTransactionIDs: true}, nil, func(t *testing.T, w *world) {
		seen := orderfeed.NewMemoryStore()
		one := w.feed(func(c *orderfeed.Config) { c.Store = seen })
		other, queue := w.start(nil)
		defer w.run(queue.Run)()
		two, err := orderfeed.New(other.Feed(orderfeed.Config{Store: seen, Since: time.Unix(0, 0)}))
		require.NoError(t, err)
		for range 8 {
			w.order("processing")
		}
		var all sync.WaitGroup
		for _, feed := range []*orderfeed.Feed{one, two} {
			all.Go(func() {
				_, err := feed.RunOnce(t.Context())
				require.NoError(t, err)
				_, err = feed.Night(t.Context())
				require.NoError(t, err)
			})
		}
		all.Wait()
		w.later(3 * time.Hour)
		require.Equal(t, 8, w.books.Count(eurofakturatest.SalesOrder, ""))
		require.Zero(t, w.books.Duplicates())
	})
}

// TestE3_6_2_CrashInTheMiddle: the order was taken over, and its mark in the feed is lost with the process: it comes again and is booked
// once.
func TestE3_6_2_CrashInTheMiddle(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{NoTransactionIDs: true}, nil, func(t *testing.T, w *world) {
		o := w.order("processing")
		for range 3 { // each process begins with an empty memory of the feed
			_, err := w.feed(nil).RunOnce(t.Context())
			require.NoError(t, err)
			w.later(time.Minute)
		}
		require.Len(t, w.booked(o.ID), 1)
	})
}

// TestE3_6_4_WebhookAndNightAtOnce: exactly one booking.
func TestE3_6_4_WebhookAndNightAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{NoTransactionIDs: true}, nil, func(t *testing.T, w *world) {
		feed := w.feed(func(c *orderfeed.Config) { c.Webhooks = true })
		hook := hooked(w, feed)
		ensure(w, feed, hook)
		w.shop.Deliver(t.Context())
		var orders []*woo.Order
		for range 5 {
			orders = append(orders, w.order("processing"))
		}
		var all sync.WaitGroup
		all.Go(func() { w.shop.Deliver(t.Context()) })
		all.Go(func() { night(t, feed) })
		all.Wait()
		w.later(10 * time.Minute)
		for _, o := range orders {
			require.Len(t, w.booked(o.ID), 1)
		}
	})
}

// TestE3_6_6_OldOrderByWebhook: a webhook knows no window.
func TestE3_6_6_OldOrderByWebhook(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		feed := w.feed(func(c *orderfeed.Config) { c.Webhooks = true })
		hook := hooked(w, feed)
		ensure(w, feed, hook)
		w.shop.Deliver(t.Context())
		made := time.Now().AddDate(0, 0, -200)
		ids := w.shop.SeedWith(1, wootest.SeedOptions{Seed: 3, Last: made})
		require.NoError(t, w.shop.SetStatus(ids[0], "pending"))
		w.shop.Deliver(t.Context())
		w.later(time.Minute)
		require.Empty(t, w.booked(woo.OrderID(ids[0])))
		w.moved(woo.OrderID(ids[0]), "processing")
		w.shop.Deliver(t.Context())
		w.later(time.Minute)
		require.Equal(t, made.Format(time.DateOnly), w.the(woo.OrderID(ids[0])).Text("date"), "dated as it was made")
	})
}

// TestE3_6_9_RefusedByTheBooks: an order that the books refuse is on the list of what failed, not on the open one, and keeps nobody
// waiting.
func TestE3_6_9_RefusedByTheBooks(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		bad, good := w.order("processing"), w.order("processing")
		w.books.SetScript(func(c eurofakturatest.Call) *eurofakturatest.Answer {
			if c.Method == "SalesOrderCreate" && c.Parameters["apiTransactionId"] == w.sync.c.transaction(bad.ID) {
				return &eurofakturatest.Answer{Error: "Error nr: 1 #buyerTaxNumber - VAT number is required;\r\n"}
			}
			return nil
		})
		feed := w.feed(nil)
		night(t, feed)
		w.later(10 * time.Minute)
		require.Empty(t, open(t, feed))
		require.Len(t, w.booked(good.ID), 1)
		found, err := w.queue.List(t.Context(), retryqueue.Query{States: []retryqueue.State{retryqueue.Failed}})
		require.NoError(t, err)
		require.Len(t, found.Records, 1)
		require.Contains(t, found.Records[0].LastError, "VAT number is required")
		w.books.SetScript(nil) // a person puts it right and sends it again
		require.NoError(t, w.queue.Retry(t.Context(), found.Records[0].ID))
		w.later(time.Minute)
		require.Len(t, w.booked(bad.ID), 1)
	})
}

// TestE3_6_13_Ignored: an ignored order stays out of the books whatever becomes of it.
func TestE3_6_13_Ignored(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		feed := w.feed(nil)
		o := w.order("pending")
		night(t, feed)
		require.NoError(t, feed.Ignore(t.Context(), o.ID))
		w.moved(o.ID, "processing")
		night(t, feed)
		w.later(time.Hour)
		require.Empty(t, w.booked(o.ID))
		require.NoError(t, feed.Unignore(t.Context(), o.ID))
		w.later(time.Minute)
		require.Len(t, w.booked(o.ID), 1)
	})
}

// TestE3_6_14_NoStatuses: an empty list of wanted statuses is an error, not a feed that never forwards.
func TestE3_6_14_NoStatuses(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, func(_ *world, c *Config) { c.Statuses = []woo.OrderStatus{} }, func(t *testing.T, w *world) {
		_, err := orderfeed.New(w.sync.Feed(orderfeed.Config{Store: orderfeed.NewMemoryStore()}))
		require.ErrorContains(t, err, "Statuses")
	})
}

// TestTheFeedKeepsWhatCannotBeQueued: when the queue's store is away the order stays with the feed, which tries again.
func TestTheFeedKeepsWhatCannotBeQueued(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		o := w.order("processing")
		away := true
		c := w.sync.Feed(orderfeed.Config{Store: orderfeed.NewMemoryStore(), Since: time.Unix(0, 0)})
		accept := c.Handle
		c.Handle = func(ctx context.Context, o *woo.Order) error {
			if away {
				return errDown
			}
			return accept(ctx, o)
		}
		feed, err := orderfeed.New(c)
		require.NoError(t, err)
		_, err = feed.RunOnce(t.Context())
		require.True(t, err == nil || errors.Is(err, errDown))
		away = false
		_, err = feed.RunOnce(t.Context())
		require.NoError(t, err)
		w.later(time.Minute)
		require.Len(t, w.booked(o.ID), 1)
	})
}
