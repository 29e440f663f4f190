package stocksynctest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

// TestRows has the rules of receivers and the defects of the plugin that a master meets, by their rows in what is known of the plugin:
// 3.1 to 3.12 are receiver semantics, N1 to N12 what was observed on running shops.
func TestRows(t *testing.T) {
	t.Parallel()
	bothGenerations(t, "3.1_a_fresh_GID_is_missed_for_an_hour", setting{
		config: func(c *stocksynctest.PluginConfig) { c.ObjectCache = true },
	}, func(c *chain) {
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
		c.sold("till:1", "A", 2)
		c.equal("A", 7)
	})
	bothGenerations(t, "3.2_unknown_types_and_renames_of_children", setting{}, func(c *chain) {
		status, _ := c.call("e", secretE, "event", `{"event_type":"strange","event_id":"1","items":[{"sku":"A","stock_quantity":3}]}`)
		require.Equal(c, 400, status)
		status, _ = c.call("e", secretE, "event", `{"event_type":"sku_rename","event_id":"2","items":[{"sku":"A2","old_sku":"A"}]}`)
		require.Equal(c, 400, status)
		c.equal("A", 10)
		told, err := c.store.Events(c.ctx, stocksync.EventQuery{Level: "security"})
		require.NoError(c, err)
		require.NotEmpty(c, told)
		require.Equal(c, stocksync.StoreID("e"), told[0].Peer)
	})
	bothGenerations(t, "3.3_a_marked_event_whose_work_died", setting{}, func(c *chain) {
		c.equal("A", 10)
		c.f.Doom(2)
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
	})
	bothGenerations(t, "3.4_versions_rise", setting{}, func(c *chain) {
		c.equal("A", 10)
		for range 3 {
			c.sells(c.e, "A", 1)
			c.pass(time.Minute)
		}
		c.equal("A", 7)
		last := ""
		for _, r := range c.f.Requests() {
			_, version, ok := strings.Cut(r.Body, `"version":`) // which is not sent to generation 1
			if r.Out || !ok || !strings.Contains(r.Body, `"A"`) {
				continue
			}
			version, _, _ = strings.Cut(version, ",")
			version = strings.Trim(version, "}] ")
			require.Greater(c, version, last, "a version came twice or sank")
			last = version
		}
	})
	bothGenerations(t, "3.5_a_cloned_child_sends_a_constant_version", setting{}, func(c *chain) {
		c.e.SQL("A", func(p *stocksynctest.Product) { p.Counter = 7 })
		for range 3 {
			c.sells(c.e, "A", 1)
			c.pass(time.Minute)
		}
		c.equal("A", 7)
	})
	bothGenerations(t, "3.6_a_fence_above_us", setting{}, func(c *chain) {
		c.equal("A", 10)
		c.f.SQL("A", func(p *stocksynctest.Product) { p.Applied, p.HasApplied = time.Now().Add(time.Hour).UnixMilli(), true })
		c.sells(c.e, "A", 1)
		c.pass(10 * time.Minute)
		if c.all("A") != [3]int64{9, 9, 9} {
			found := c.conflicts() // a plugin does not tell the version it has applied: that nothing arrives is what can be known
			require.Subset(c, []stocksync.Reason{stocksync.FenceFrozen, stocksync.NotApplied}, found)
			require.NotEmpty(c, found)
		}
	})
	unmanaged := setting{
		products: []stocksynctest.Product{{SKU: "FREE"}},
		seed: []stocksync.Item{{Ref: stocksync.Ref{SKU: "FREE"}, Stock: stocksync.Stock{
			Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Unmanaged,
		}}},
	}
	bothGenerations(t, "3.7_unmanaged_products_stay_so", unmanaged, func(c *chain) {
		c.sells(c.e, "FREE", 1)
		c.pass(10 * time.Minute)
		for _, p := range []*stocksynctest.Plugin{c.e, c.f} {
			product, _ := p.Product("FREE")
			require.False(c, product.Manage)
			require.Equal(c, "instock", product.Status)
		}
		require.Equal(c, stocksync.Unmanaged, c.at("FREE").Manage)
	})
	bothGenerations(t, "3.8_another_threshold", setting{config: func(c *stocksynctest.PluginConfig) {
		if c.ID == "f" {
			c.NoStockAmount = 2
		}
	}}, func(c *chain) {
		c.sells(c.e, "A", 8)
		c.equal("A", 2)
		product, _ := c.f.Product("A")
		require.Equal(c, "outofstock", product.Status)
		c.pass(10 * time.Minute)
		before := events(c.f)
		c.pass(24 * time.Hour)
		require.LessOrEqual(c, events(c.f)-before, 3, "a status that follows from the threshold is pushed for ever")
	})
	bothGenerations(t, "3.9_no_echo_of_an_equal_result", setting{}, func(c *chain) {
		c.equal("A", 10)
		c.pass(5 * time.Minute)
		before := events(c.e)
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
		c.pass(5 * time.Minute)
		for _, r := range c.e.Requests() {
			require.False(c, !r.Out && r.Endpoint == "event" && strings.Contains(r.Body, `"stock_quantity":9`), "an echo: %s", r.Body)
		}
		require.Equal(c, before, events(c.e))
	})
	bothGenerations(t, "3.10_a_disabled_pair_looks_and_does_not_speak", setting{}, func(c *chain) {
		status, answer := c.call("m", secretM, "ping", `{"ping":true}`)
		require.Equal(c, 200, status)
		require.Contains(c, answer, `"master"`)
		status, answer = c.call("m", secretM, "stock", `{"items":[{"sku":"A"}]}`)
		require.Equal(c, 200, status)
		require.Contains(c, answer, `"stock_quantity":10`)
		status, _ = c.call("m", secretM, "event", `{"event_type":"stock_state","event_id":"1","items":[{"sku":"A","stock_quantity":3}]}`)
		require.Equal(c, 403, status)
		c.equal("A", 10)
	})
	bothGenerations(t, "3.11_strict_checkout", unmanaged, func(c *chain) {
		_, refusal := c.e.Checkout(c.ctx, stocksynctest.Line{SKU: "FREE", Quantity: 1})
		require.Empty(c, refusal, "an unmanaged product must not block")
		c.e.SQL("A", func(p *stocksynctest.Product) { p.Quantity = 99 })
		_, refusal = c.e.Checkout(c.ctx, stocksynctest.Line{SKU: "A", Quantity: 11})
		require.Contains(c, refusal, "Available: 10.")
		_, refusal = c.e.Checkout(c.ctx, stocksynctest.Line{SKU: "B", Quantity: 2})
		require.Empty(c, refusal)
		c.equal("B", 18)
	})
	bothGenerations(t, "3.12_the_block_checkout_does_not_ask", setting{}, func(c *chain) {
		c.net.Join("e.test", nil) // the push of 0 is not there yet
		c.sold("till:1", "A", 10)
		before := len(c.e.Requests())
		c.sells(c.e, "A", 1)
		c.net.Join("e.test", c.e.Transport())
		for _, r := range c.e.Requests()[before:] {
			require.NotEqual(c, "stock", r.Endpoint)
		}
		c.pass(30 * time.Minute)
		left := c.at("A").Quantity.IntPart()
		require.LessOrEqual(c, left, int64(-1), "the oversold unit is in the ledger, not lost")
		require.GreaterOrEqual(c, left, int64(-10), "at most what the push of 0 took away counts as sold, too")
	})

	bothGenerations(t, "N1_first_contact", setting{}, func(c *chain) {
		before := events(c.f)
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
		c.pass(5 * time.Minute)
		require.LessOrEqual(c, events(c.f)-before, 2, "one change is one push, and not more for a product seen for the first time")
	})
	bothGenerations(t, "N2_stock_management_switched_off_at_a_child", setting{}, func(c *chain) {
		c.equal("A", 10)
		off := false
		require.NoError(c, c.e.Update(c.ctx, "A", stocksynctest.Fields{Manage: &off}))
		c.pass(30 * time.Minute)
		require.Equal(c, int64(10), c.at("A").Quantity.IntPart(), "the master has lost its stock")
		require.Equal(c, int64(10), c.f.Quantity("A"), "the other child has lost its stock")
	})
	variations := setting{
		products: []stocksynctest.Product{
			{SKU: "V", Kind: stocksynctest.Variable, Manage: true, Quantity: 30}, {SKU: "V-1", Kind: stocksynctest.Variation, Parent: "V"},
		},
		seed: []stocksync.Item{counted("V", 30), {Ref: stocksync.Ref{SKU: "V-1"}, Stock: stocksync.Stock{
			Quantity: number(30), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.ByParent,
		}}},
	}
	bothGenerations(t, "N3_an_inheriting_variation_is_sold", variations, func(c *chain) {
		c.sells(c.e, "V-1", 2)
		c.equal("V", 28)
		c.pass(10 * time.Minute)
		for _, p := range []*stocksynctest.Plugin{c.e, c.f} {
			product, _ := p.Product("V-1")
			require.False(c, product.Manage, "the variation was broken loose")
		}
		require.Equal(c, stocksync.ByParent, c.at("V-1").Manage)
	})
	bothGenerations(t, "N4_an_order_with_unmanaged_products", unmanaged, func(c *chain) {
		_, err := c.e.Order(c.ctx, "processing", stocksynctest.Line{SKU: "FREE", Quantity: 1}, stocksynctest.Line{SKU: "A", Quantity: 1})
		require.NoError(c, err)
		c.equal("A", 9)
		product, _ := c.f.Product("FREE")
		require.False(c, product.Manage)
		require.Equal(c, "instock", product.Status)
	})
	bothGenerations(t, "N5_excluded_at_the_master_only", setting{master: func(c *stocksync.MasterConfig) {
		c.Exclude = stocksync.ParseExclusions("A")
	}}, func(c *chain) {
		before := events(c.f) + events(c.e)
		c.sells(c.e, "A", 1)
		c.pass(10 * time.Minute)
		require.Equal(c, int64(9), c.e.Quantity("A"), "its own value was pushed over")
		require.Equal(c, int64(10), c.f.Quantity("A"))
		require.Equal(c, before, events(c.f)+events(c.e))
	})
	bothGenerations(t, "N6_an_event_without_items", setting{}, func(c *chain) {
		status, _ := c.call("e", secretE, "event", `{"event_type":"stock_state","event_id":"1","items":[]}`)
		require.Equal(c, 200, status)
	})
	bothGenerations(t, "N7_SKUs_that_a_database_takes_for_one", setting{}, func(c *chain) {
		status, answer := c.call("e", secretE, "stock", `{"items":[{"sku":"a"}]}`)
		require.Equal(c, 200, status)
		require.Contains(c, answer, `"a":{"exists":true`)
		_, err := c.master.Seed(c.ctx, []stocksync.Item{{Ref: stocksync.Ref{GID: "other", SKU: "a"}, Stock: counted("a", 5).Stock}})
		require.NoError(c, err)
		c.pass(10 * time.Minute)
		require.Contains(c, c.conflicts(), stocksync.DuplicateSKU)
		require.Equal(c, int64(10), c.e.Quantity("A"), "the first match won")
	})
	bothGenerations(t, "N8_a_sale_that_debounce_swallows", setting{}, func(c *chain) {
		c.equal("A", 10)
		for range 2 {
			_, err := c.e.Order(c.ctx, "on-hold", stocksynctest.Line{SKU: "A", Quantity: 1})
			require.NoError(c, err)
		}
		c.pass(25 * time.Hour) // the audit reads everything once a day at least
		c.equal("A", 8)
	})
	bothGenerations(t, "N11_parent_on_a_simple_product", setting{}, func(c *chain) {
		status, _ := c.call("e", secretE, "event",
			`{"event_type":"stock_state","event_id":"1","items":[{"sku":"A","manage_stock":"parent","stock_quantity":3}]}`)
		require.Equal(c, 200, status)
		c.pass(10 * time.Minute)
		require.Equal(c, int64(10), c.at("A").Quantity.IntPart())
		require.Equal(c, stocksync.Managed, c.at("A").Manage)
		require.Equal(c, int64(10), c.f.Quantity("A"))
	})
	bothGenerations(t, "N12_a_SKU_that_is_zero", setting{
		products: []stocksynctest.Product{stocksynctest.Managed("0", 5), stocksynctest.Managed("1", 6)},
		seed:     []stocksync.Item{counted("0", 5), counted("1", 6)},
	}, func(c *chain) {
		c.sells(c.e, "0", 1)
		c.sells(c.e, "1", 1)
		c.equal("0", 4)
		c.equal("1", 5)
		_, refusal := c.e.Checkout(c.ctx, stocksynctest.Line{SKU: "0", Quantity: 1}, stocksynctest.Line{SKU: "1", Quantity: 1})
		require.Empty(c, refusal)
		c.equal("0", 3)
	})
}
