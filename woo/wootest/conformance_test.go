package wootest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The store in memory, in each of its kinds, passes what real ones must pass, and is left as it was.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"11.0.1":                  {},
		"8.9.1":                   {Version: oldest, Location: time.FixedZone("", -5*3600)},
		"posts":                   {PostsStorage: true},
		"plain http, a subfolder": {URL: "http://shop.test/sub"},
		"seeded":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, err := New(c)
			require.NoError(t, err)
			defer shop.Close()
			if name == "seeded" {
				shop.Seed(120, 1)
			}
			before := holds(shop)
			t.Run("suite", func(t *testing.T) { Conformance(t, shop.Target()) })
			require.Equal(t, before, holds(shop))
		})
	}
}

// holds counts what a store holds.
func holds(s *Shop) map[string]int {
	n := map[string]int{
		"orders": len(s.orders.all), "products": len(s.products.all), "customers": len(s.customers.all), "webhooks": len(s.webhooks.all),
		"refunds": len(s.refunds.all), "notes": len(s.notes.all),
	}
	for path, k := range s.kinds {
		n[path] = len(k.table.all)
	}
	return n
}

// A real store, when one is named.
func TestConformanceOfARealStore(t *testing.T) {
	Conformance(t, FromEnvironment(t))
}
