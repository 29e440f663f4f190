package wootest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// The real client reads the store through every fault there is, in virtual time, and reads all of it.
func TestClientReadsThroughFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		ids := shop.Seed(120, 1)
		client, err := woo.New(shop.Config())
		require.NoError(t, err)
		shop.SetFaults(wootest.Faults{Rate: .3, Seed: 4, Latency: time.Second, Kinds: []wootest.Fault{
			wootest.TooMany, wootest.BadGateway, wootest.Unavailable, wootest.Dropped, wootest.Lost, wootest.Cut, wootest.GatewayTimeout,
		}})
		var got []int64
		for order, err := range client.Orders.All(t.Context(), woo.OrderQuery{PerPage: 10}) {
			require.NoError(t, err)
			got = append(got, int64(order.ID))
		}
		require.Equal(t, ids, slices.Sorted(slices.Values(got)))
		require.NotZero(t, shop.Stats().Faults)
	})
}

// Over plain http the client signs; the store verifies with its own reading of OAuth.
func TestClientOverPlainHTTP(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{URL: "http://shop.test/sub"})
	shop.Seed(30, 1)
	client, err := woo.New(shop.Config())
	require.NoError(t, err)
	orders, page, err := client.Orders.List(t.Context(), woo.OrderQuery{Status: []woo.OrderStatus{"processing", "completed"}, PerPage: 5})
	require.NoError(t, err)
	require.Len(t, orders, 5)
	require.Greater(t, page.Total, 5)
	_, err = client.Orders.Update(t.Context(), orders[0].ID, woo.OrderFields{CustomerNote: woo.Set("ring")})
	require.NoError(t, err)
}
