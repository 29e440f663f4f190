package woopeer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// Two plain stores under a real master: what either sells, at any moment, is missing in both and at the master, once.
func TestUnderMaster(t *testing.T) {
	t.Parallel()
	for _, capture := range []stocksync.Capture{stocksync.Shadow, stocksync.OrderLedger} {
		t.Run(string(capture), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			synctest.Test(t, func(t *testing.T) { underMaster(t, capture, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func underMaster(t *testing.T, capture stocksync.Capture, random *rand.Rand) {
	const skus, sales, onHand = 20, 150, 500
	state := stocksync.NewMemoryStore()
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	config := stocksync.MasterConfig{
		Self: stocksync.Self{StoreID: "m"}, Store: state, Queue: queue, Capture: map[stocksync.StoreID]stocksync.Capture{},
	}
	shops := map[stocksync.StoreID]*wootest.Shop{}
	products := map[stocksync.StoreID][]int64{}
	for _, id := range []stocksync.StoreID{"a", "b"} {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		for i := range skus {
			product, err := shop.AddProduct(fmt.Appendf(nil, `{"sku":"S-%02d","manage_stock":true,"stock_quantity":%d}`, i, onHand))
			require.NoError(t, err)
			products[id] = append(products[id], product)
		}
		client, err := woo.New(shop.Config())
		require.NoError(t, err)
		c := woopeer.Config{ID: id, Shop: client}
		if capture == stocksync.OrderLedger {
			c.OrdersSince, c.Ledger = time.Now(), state
		}
		peer, err := woopeer.New(c)
		require.NoError(t, err)
		shops[id], config.Capture[id] = shop, capture
		config.Peers = append(config.Peers, peer)
	}
	config.Source = config.Peers[0].(*woopeer.Peer)
	master, err := stocksync.NewMaster(config)
	require.NoError(t, err)
	fresh, err := master.Import(t.Context())
	require.NoError(t, err)
	require.Equal(t, skus, fresh)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- master.Run(ctx) }()
	go func() { ended <- queue.Run(ctx) }()
	time.Sleep(2 * time.Minute)

	left := make([]int64, skus)
	for i := range left {
		left[i] = onHand
	}
	ids := []stocksync.StoreID{"a", "b"}
	for range sales {
		i, at, n := random.IntN(skus), ids[random.IntN(2)], random.Int64N(3)+1
		order := fmt.Appendf(nil, `{"status":"processing","line_items":[{"product_id":%d,"quantity":%d}]}`, products[at][i], n)
		_, err := shops[at].AddOrder(order)
		require.NoError(t, err)
		left[i] -= n
		time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
	}
	time.Sleep(15 * time.Minute)
	synctest.Wait()

	for i := range skus {
		ref := stocksync.Ref{SKU: stocksync.SKU(fmt.Sprintf("S-%02d", i))}
		rows, err := master.Lookup(t.Context(), "nobody", []stocksync.Ref{ref})
		require.NoError(t, err)
		has := rows[0].Quantity
		require.True(t, has.Equal(decimal.NewFromInt(left[i])), "%s: the master has %s, and not %d", ref.SKU, has, left[i])
		for _, id := range ids {
			w := &world{T: t, shop: shops[id]}
			require.Equal(t, strconv.FormatInt(left[i], 10), w.stock(products[id][i]), "%s at %s", ref.SKU, id)
		}
	}
	stop()
	for range 2 {
		require.NoError(t, <-ended)
	}
}
