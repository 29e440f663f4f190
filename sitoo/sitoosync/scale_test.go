package sitoosync

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo/sitootest"
)

// scaled is how much there is of something: where somebody waits, and where it may take long.
func scaled(plain, long int) int {
	if os.Getenv("TILLWIRE_LONG") == "1" {
		return long
	}
	return plain
}

// stocked makes n products in the till, every tenth of them in the shop too, with stock.
func (w *world) stocked(n int) {
	w.t.Helper()
	for i := range n {
		sku := fmt.Sprintf("SKU-%05d", i)
		w.till.AddProduct(sku, "Product "+sku, "125.00")
		w.till.SetStock(w.warehouse, sku, int64(i%50))
		if i%10 == 0 {
			w.product(sku, 0)
		}
	}
}

// TestScale is a full sync of many products through a till with an allowance: it asks for no more than it said it would, waits for
// a new time slot instead of meeting 429, and leaves both sides alike.
func TestScale(t *testing.T) {
	t.Parallel()
	n := scaled(1000, 10_000)
	inWorld(t, conditions{till: sitootest.Config{Limit: n + 3*n/100, Slot: time.Hour}}, func(t *testing.T, w *world) {
		w.stocked(n)
		_, before := w.marks()
		begin := time.Now()
		r, err := w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{OpMatchAll, ProductsDown, StockDown, OpMatchAll}})
		require.NoError(t, err)
		requests := len(w.till.Requests()) - before
		require.LessOrEqual(t, requests, r.Estimate)
		require.NotZero(t, r.Waits)
		require.Zero(t, w.till.Refused())
		require.GreaterOrEqual(t, time.Since(begin), 30*time.Minute)
		seen := map[string]bool{}
		require.NoError(t, w.sync.everyItem(t.Context(), func(items []*item) error {
			for _, it := range items {
				require.False(t, seen[it.sku], "%s is there twice", it.sku)
				require.Equal(t, w.tillStock(it.sku), it.stock.String())
				seen[it.sku] = true
			}
			return nil
		}))
		require.Len(t, seen, n)
		require.Equal(t, n, w.till.Count("products"))
		t.Logf("%d products: %d requests of %d estimated, %d waits", n, requests, r.Estimate, r.Waits)
	})
}
