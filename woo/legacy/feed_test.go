package legacy_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// A feed on a shop's legacy API, thirteen hours ahead of UTC, with requests that fail: each order at processing is handled once,
// also those that change within one second, late, or while they are read.
func TestFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var _ orderfeed.Source = (*legacy.Orders)(nil)
		shop, err := wootest.New(wootest.Config{Location: time.FixedZone("", 13*3600)})
		require.NoError(t, err)
		defer shop.Close()
		old := shop.Legacy()
		defer old.Close()
		c := shop.Config()
		client, err := legacy.New(legacy.Config{
			URL: c.URL, Key: c.Key, Secret: c.Secret, HTTPClient: &http.Client{Transport: old.Transport()},
		})
		require.NoError(t, err)
		var mu sync.Mutex
		handled := map[woo.OrderID]int{}
		feed, err := orderfeed.New(orderfeed.Config{
			Source: client.Orders, Store: orderfeed.NewMemoryStore(), Statuses: []woo.OrderStatus{woo.OrderProcessing},
			Handle: func(_ context.Context, o *woo.Order) error {
				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, woo.OrderProcessing, o.Status)
				handled[o.ID]++
				return nil
			},
		})
		require.NoError(t, err)

		var all []int64
		old.SetFaults(wootest.Faults{Rate: .2, Seed: 7, Kinds: []wootest.Fault{
			wootest.TooMany, wootest.BadGateway, wootest.Dropped, wootest.Lost, wootest.Cut, wootest.GatewayTimeout,
		}})
		failures := 0
		for hour := range 30 {
			for i := range 4 {
				id, err := shop.AddOrder([]byte(fmt.Sprintf(`{"status":%q}`, []string{"processing", "on-hold"}[i%2])))
				require.NoError(t, err)
				all = append(all, id)
			}
			if hour > 0 { // what waited is paid, within one second
				require.NoError(t, shop.SetStatus(all[4*hour-3], "processing"))
				require.NoError(t, shop.SetStatus(all[4*hour-1], "processing"))
			}
			if _, err := feed.RunOnce(t.Context()); err != nil {
				failures++
			}
			time.Sleep(time.Hour)
		}
		old.SetFaults(wootest.Faults{})
		_, err = feed.RunOnce(t.Context())
		require.NoError(t, err)
		again, err := feed.RunOnce(t.Context())
		require.NoError(t, err)
		require.Zero(t, again.Handled)
		for i, id := range all {
			want := 1
			if i >= 4*29 && i%2 == 1 { // still on hold
				want = 0
			}
			require.Equal(t, want, handled[woo.OrderID(id)], "order %d of %d", i, len(all))
		}
		t.Logf("%d orders, %d of 30 runs failed", len(all), failures)

		old.GoBlind()
		_, err = shop.AddOrder([]byte(`{"status":"processing"}`))
		require.NoError(t, err)
		_, err = feed.RunOnce(t.Context())
		require.ErrorIs(t, err, legacy.ErrLegacyBlind, "a feed that would miss orders stops")
		old.SetMode(wootest.LegacyOff)
		_, err = feed.RunOnce(t.Context())
		require.ErrorIs(t, err, legacy.ErrLegacyOff)
	})
}
