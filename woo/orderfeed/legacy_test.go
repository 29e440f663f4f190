package orderfeed_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// The legacy API is a source like the other: polling, legacy deliveries, the nightly re-check one by one and in bulk, and the
// inventory, which it cannot be asked for ids alone.
func TestLegacySource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{Location: time.FixedZone("", -8*3600), PostsStorage: true})
		require.NoError(t, err)
		defer shop.Close()
		old := shop.Legacy()
		defer old.Close()
		c := shop.Config()
		client, err := legacy.New(legacy.Config{
			URL: c.URL, Key: c.Key, Secret: c.Secret, HTTPClient: &http.Client{Transport: old.Transport()},
		})
		require.NoError(t, err)
		k, store := newTaken(), orderfeed.NewMemoryStore()
		source := slippery{client.Orders, &slips{stamps: map[woo.OrderID]time.Time{}}}
		feed := newFeed(t, orderfeed.Config{
			Source: source, Store: store, Handle: k.handle, Once: orderfeed.PerOrder, Statuses: []woo.OrderStatus{"completed"},
			Recheck: orderfeed.Recheck{BulkFrom: 8},
		})
		var ids []woo.OrderID
		add := func(status string) woo.OrderID {
			id, err := shop.AddOrder([]byte(`{"status":"` + status + `"}`))
			require.NoError(t, err)
			return woo.OrderID(id)
		}
		// pass lets the cursor go past what there is.
		pass := func() {
			for i := range 4 {
				time.Sleep(time.Hour)
				require.NoError(t, shop.SetStatus(int64(ids[4]), []string{"pending", "on-hold"}[i%2]))
				runOnce(t, feed)
			}
		}
		// slip completes an order without moving its date.
		slip := func(id woo.OrderID) {
			o, err := client.Orders.Get(t.Context(), id)
			require.NoError(t, err)
			source.slips.set(id, o.DateModified)
			require.NoError(t, shop.SetStatus(int64(id), "completed"))
		}
		for range 5 {
			ids = append(ids, add("on-hold"))
		}
		require.Equal(t, 5, runOnce(t, feed).Read)
		require.Equal(t, ids, openIDs(t, feed))
		time.Sleep(time.Hour)
		require.NoError(t, shop.SetStatus(int64(ids[0]), "completed"))
		require.Equal(t, 1, runOnce(t, feed).Handled, "polled")

		require.NoError(t, shop.SetStatus(int64(ids[1]), "completed"))
		body := `{"order":{"id":` + fmt.Sprint(ids[1]) + `,"status":"completed"}}`
		require.Equal(t, 200, deliver(feed.WebhookHandler(secret), "order.updated", body))
		require.Equal(t, 1, k.count(ids[1], "completed"), "delivered in the old form")

		pass()
		slip(ids[2])
		require.Equal(t, 1, night(t, feed).Forwarded, "re-checked one by one")
		require.NoError(t, shop.RemoveOrder(int64(ids[3])))
		require.NoError(t, shop.TrashOrder(int64(ids[1])))
		report := night(t, feed)
		require.True(t, entryOf(t, store, ids[3]).Missing, "%v", report)
		require.True(t, entryOf(t, store, ids[1]).Missing, "%v", report)

		for range 8 {
			ids = append(ids, add("on-hold"))
		}
		pass()
		slip(ids[12])
		report = night(t, feed)
		require.True(t, report.Bulk)
		require.Equal(t, 1, report.Forwarded)
		require.Equal(t, 4, k.total())
	})
}

// An order that cannot be read is remembered by its id, whichever API it came through.
func TestUnreadableOrderOfALegacySource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		shop.malformed = func(id int64) error {
			return errors.Join(woo.ErrMalformed, &legacy.Error{Op: "orders.All", ResourceID: id})
		}
		shop.set(1, woo.OrderProcessing)
		shop.broken[1] = true
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store})
		require.Equal(t, 1, runOnce(t, feed).Failed)
		require.NotEmpty(t, entryOf(t, store, 1).Error)
	})
}
