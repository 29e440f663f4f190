package woo_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

const latency = 50 * time.Millisecond

// far is a transport that has its answer a latency after the request, as from a shop that takes so long to reach and to think: what
// the fake computes meanwhile is within it.
type far struct {
	next     http.RoundTripper
	requests atomic.Int64
}

func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	f.requests.Add(1)
	timer := time.NewTimer(latency)
	defer timer.Stop()
	answer, err := f.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	select {
	case <-timer.C:
		return answer, nil
	case <-r.Context().Done():
		_ = answer.Body.Close()
		return nil, r.Context().Err()
	}
}

// farShop is a wootest shop of n simple products that manage stock, 50 ms away.
func farShop(tb testing.TB, n int) (*wootest.Shop, *woo.Client, *far, []woo.ProductID) {
	tb.Helper()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(tb, err)
	ids := make([]woo.ProductID, n)
	for i := range ids {
		id, err := shop.AddProduct(fmt.Appendf(nil, `{"name":"p","sku":"","regular_price":"1","manage_stock":true,"stock_quantity":%d}`, i%50))
		require.NoError(tb, err)
		ids[i] = woo.ProductID(id)
	}
	config := shop.Config()
	away := &far{next: config.HTTPClient.Transport}
	config.HTTPClient = &http.Client{Transport: away}
	client, err := woo.New(config)
	require.NoError(tb, err)
	return shop, client, away, ids
}

func toStock(ids []woo.ProductID, quantity int64) []woo.StockChange {
	changes := make([]woo.StockChange, len(ids))
	for i, id := range ids {
		changes[i] = woo.StockChange{Product: id, Want: woo.StockFields{StockQuantity: woo.Set(decimal.New(quantity, 0))}}
	}
	return changes
}

// 10,000 stock updates of simple products are exactly 100 requests, and take no longer than those need: in virtual time, where
// calculating costs nothing, 1.1 times requests × latency ÷ concurrency.
func TestTenThousandStockUpdatesAgainstWootest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, client, away, ids := farShop(t, 10_000)
		defer shop.Close()
		began := time.Now()
		plan := client.PlanStock(toStock(ids, 77))
		require.Equal(t, 100, plan.Requests())
		results, err := plan.Run(t.Context())
		took := time.Since(began)
		require.NoError(t, err)
		require.Equal(t, int64(100), away.requests.Load())
		for i, r := range results {
			require.NoError(t, r.Err)
			require.Equal(t, ids[i], r.Item.Product)
			require.Equal(t, "77", r.Item.StockQuantity.String())
		}
		require.Contains(t, string(shop.Product(int64(ids[9_999]))), `"stock_quantity":77`)
		least := 100 * latency / 4
		require.LessOrEqual(t, took, least*11/10, "the least is %v", least)

		again := make([]woo.StockChange, len(ids)) // with what is known now nothing is left to do
		for i, r := range results {
			again[i] = woo.StockChange{Product: ids[i], Want: toStock(ids[i:i+1], 77)[0].Want, Have: woo.StockFields{StockQuantity: woo.Set(r.Item.StockQuantity.Decimal)}}
		}
		plan = client.PlanStock(again)
		require.Zero(t, plan.Requests())
		_, err = plan.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(100), away.requests.Load())
	})
}

// BenchmarkStockUpdates reports the time over what the requests alone need at this latency and concurrency.
func BenchmarkStockUpdates(b *testing.B) {
	shop, client, away, ids := farShop(b, 10_000)
	defer shop.Close()
	var took time.Duration
	quantity := int64(100)
	for b.Loop() {
		quantity++
		before := away.requests.Load()
		began := time.Now()
		if _, err := client.PlanStock(toStock(ids, quantity)).Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = time.Since(began)
		if n := away.requests.Load() - before; n != 100 {
			b.Fatalf("%d requests, want 100", n)
		}
	}
	b.ReportMetric(float64(took)/float64(100*latency/4), "×least")
	b.ReportMetric(100, "requests")
}

// skus are 100,000 changes of which one in ten differs from what is known; a fifth are variations.
func skus() []woo.StockChange {
	changes := make([]woo.StockChange, 100_000)
	for i := range changes {
		have, want := int64(i%90), int64(i%90)
		if i%10 == 0 {
			want++
		}
		changes[i] = woo.StockChange{
			Product: woo.ProductID(1 + i),
			Want:    woo.StockFields{StockQuantity: woo.Set(decimal.New(want, 0)), Backorders: woo.Set(woo.BackordersNo)},
			Have:    woo.StockFields{StockQuantity: woo.Set(decimal.New(have, 0)), Backorders: woo.Set(woo.BackordersNo)},
		}
		if i%5 == 1 {
			changes[i].Product, changes[i].Variation = woo.ProductID(200_000+i/100), woo.VariationID(300_000+i)
		}
	}
	return changes
}

func planClient(tb testing.TB) *woo.Client {
	tb.Helper()
	client, err := woo.New(woo.Config{URL: "https://shop.example", Key: "ck_x", Secret: "cs_x"})
	require.NoError(tb, err)
	return client
}

// Planning 100,000 SKUs allocates less than 40 MB, also when all of them have changed.
func TestPlanMemory(t *testing.T) { //nolint:paralleltest // counts allocations
	client := planClient(t)
	for name, changed := range map[string]bool{"a tenth changed": false, "all changed": true} {
		changes := skus()
		if changed {
			for i := range changes {
				changes[i].Have = woo.StockFields{}
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		plan := client.PlanStock(changes)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %.1f MB, %d requests", name, float64(used)/1e6, plan.Requests())
		require.LessOrEqual(t, used, uint64(40e6), strings.TrimSpace(name))
	}
}

// BenchmarkPlanStock plans a diff of 100,000 SKUs.
func BenchmarkPlanStock(b *testing.B) {
	client, changes := planClient(b), skus()
	b.ReportAllocs()
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		if n := client.PlanStock(changes).Requests(); n != 100 { // 10,000 changed ones, all simple
			b.Fatalf("%d requests, want 100", n)
		}
		took = time.Since(began)
	}
	b.ReportMetric(float64(took)/float64(150*time.Millisecond), "×150ms")
}
