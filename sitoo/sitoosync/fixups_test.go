package sitoosync

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// TestSitoo_X3_fix_skus_carried_out: every SKU of the shop becomes one that the till takes, none twice; a linked product's key changes
// on both sides.
func TestSitoo_X3_fix_skus_carried_out(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SKUPrefix = "W-" }}, func(t *testing.T, w *world) {
		ctx := t.Context()
		none, bad, twice := w.product("", 1), w.product("röd tröja", 1), w.product("a b", 1)
		w.product("a-b", 1)
		gone := w.product("c-d", 1)
		require.NoError(t, w.woo.Products.Delete(ctx, gone)) // in the trash its SKU is still taken
		taken := w.product("c d", 1)
		till := w.till.AddProduct("OTHER", "x", "1.00")
		require.NoError(t, w.links.Put(ctx, []Link{LinkProduct(bad, till)}))
		parent := w.variable("JKT", "Jacka", []string{"S"}, []string{"Röd"})
		own := w.variation(parent, "", "S", "Röd")

		mark, tillMark := w.marks()
		r, err := w.does(FixSKU, func(p *pass) { p.dry = true })
		require.NoError(t, err)
		require.Len(t, r.Planned, 6, r.Planned)
		require.Contains(t, r.Planned, fmt.Sprintf(`product %d: SKU "röd tröja" becomes "r-d-tr-ja"`, bad))
		require.Empty(t, w.shopWrites(mark), "a dry run changes nothing")

		_, err = w.does(FixSKU)
		require.NoError(t, err)
		sku := func(id int64) string { return w.shopProduct(id).SKU }
		require.Equal(t, fmt.Sprintf("W-%d", none), sku(int64(none)))
		require.Equal(t, "r-d-tr-ja", sku(int64(bad)))
		require.Equal(t, fmt.Sprintf("a-b-%d", twice), sku(int64(twice)), "what is taken gets the id behind it")
		require.Equal(t, fmt.Sprintf("c-d-%d", taken), sku(int64(taken)), "and so does what lies in the trash")
		require.Equal(t, fmt.Sprintf("W-%d", own), sku(int64(own)))
		require.Equal(t, "JKT-S-R-d", w.bySKU("JKT-S-R-d").SKU)
		require.Equal(t, till, w.tillProduct("r-d-tr-ja").ID)
		require.Len(t, w.tillWrites(tillMark), 1)

		mark, _ = w.marks()
		_, err = w.does(FixSKU)
		require.NoError(t, err)
		require.Empty(t, w.shopWrites(mark), "a second run finds nothing to do")
		for p, err := range w.woo.Products.All(ctx, woo.ProductQuery{}) {
			require.NoError(t, err)
			require.True(t, sitoo.ValidSKU(p.SKU), p.SKU)
		}
	})
}
