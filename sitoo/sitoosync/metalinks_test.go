package sitoosync

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

func TestMetaLinks(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		ctx := t.Context()
		sock, book := w.product("SOCK-7", 10), w.product("BOK-1", 4)
		parent, sizes := w.family("JKT", 6, "S", "M")
		order, err := w.shop.AddOrder([]byte(`{"status":"processing"}`))
		require.NoError(t, err)
		coupon, err := w.woo.Coupons.Create(ctx, woo.CouponFields{Code: woo.Set("host20")})
		require.NoError(t, err)
		links := []Link{
			LinkProduct(sock, 5101), LinkVariation(parent, sizes[1], 5102), LinkOrder(woo.OrderID(order), 20991),
			{Kind: VoucherLink, Woo: number(coupon.ID), Sitoo: "55"}, {Kind: CategoryLink, Woo: "15", Sitoo: "22", Sum: "5f"},
			{Kind: RefundLink, Woo: number(order) + "/34", Sitoo: "20993", Sum: "up"},
			{Kind: StockLink, Woo: number(sock), Sitoo: "5101", Sum: "10>8>9"},
		}
		store := MetaLinks(w.woo, w.links)
		require.NoError(t, store.Put(ctx, links))
		same := func(store LinkStore) {
			for _, l := range links {
				for side, id := range map[Side]string{Woo: l.Woo, Sitoo: l.Sitoo} {
					found, err := store.Find(ctx, l.Kind, side, []string{id, "77"})
					require.NoError(t, err)
					require.Equal(t, []Link{l}, found)
				}
			}
		}
		same(store)
		shop, _ := w.marks()
		same(MetaLinks(w.woo, w.links)) // as a process that begins
		var reads []string
		for _, r := range w.shop.Requests()[shop:] {
			require.Equal(t, http.MethodGet, r.Method)
			reads = append(reads, strings.TrimPrefix(r.Path, "/wp-json/wc/v3/"))
		}
		require.Len(t, reads, 4, "products, one family, orders, coupons: once: %v", reads)

		for _, wrong := range []Link{LinkProduct(book, 5101), LinkProduct(sock, 5103)} {
			require.ErrorIs(t, store.Put(ctx, []Link{wrong}), ErrLinked)
		}
		w.shop.SetFaults(noWrites)
		changed := links[0]
		changed.Sum = "aa"
		require.Error(t, store.Put(ctx, []Link{changed}))
		w.shop.SetFaults(noFaults)
		same(store) // what the shop has not taken is not there
		require.NoError(t, store.Put(ctx, []Link{changed}))
		links[0] = changed
		same(MetaLinks(w.woo, w.links))

		require.NoError(t, store.Remove(ctx, []Link{LinkProduct(sock, 9), LinkProduct(book, 9)}))
		same(store)
		require.NoError(t, store.Remove(ctx, links))
		for _, s := range []LinkStore{store, MetaLinks(w.woo, w.links)} {
			for _, l := range links {
				for range s.All(ctx, l.Kind) {
					require.Fail(t, "a link is left", l.Kind)
				}
			}
		}
	})
}

// TestMetaLinks_of_what_is_gone: a record that the shop has no longer does not keep the links of others from being removed.
func TestMetaLinks_of_what_is_gone(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		var links []Link
		for i, sku := range []string{"A", "B"} {
			parent, sizes := w.family(sku, 1, "S", "M")
			for n, v := range sizes {
				links = append(links, LinkVariation(parent, v, sitoo.ProductID(6000+2*i+n)))
			}
		}
		gone, left := w.product("GONE", 1), w.product("LEFT", 1)
		links = append(links, LinkProduct(gone, 7000), LinkProduct(left, 7001))
		store := MetaLinks(w.woo, w.links)
		require.NoError(t, store.Put(t.Context(), links))
		parent, variation, err := links[0].Item()
		require.NoError(t, err)
		w.shop.RemoveProduct(int64(gone))
		w.shop.RemoveProduct(int64(variation))
		w.shop.RemoveProduct(int64(parent))
		require.NoError(t, store.Remove(t.Context(), links))
		again := MetaLinks(w.woo, w.links)
		for _, kind := range []LinkKind{ProductLink, VariationLink} {
			for l := range again.All(t.Context(), kind) {
				require.Fail(t, "a link is left", "%v", l)
			}
		}
	})
}

// TestMetaLinks_without_a_database is the whole sync on them.
func TestMetaLinks_without_a_database(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		state, err := NewFileState(t.TempDir() + "/state.json")
		require.NoError(t, err)
		begin := func() {
			w.start(func(c *Config) {
				c.SendStock, c.Orders, c.Links, c.State = true, AllOrders, MetaLinks(w.woo, state), state
			})
		}
		begin()
		sock := w.product("SOCK-7", 10)
		w.till.AddProduct("SOCK-7", "Sock", "125.00")
		w.till.SetStock(w.warehouse, "SOCK-7", 8)
		_, err = w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{OpMatchAll, StockDown}})
		require.NoError(t, err)
		w.till.Sell(w.warehouse, false, sitootest.Line{SKU: "SOCK-7", Quantity: 1, Price: 125})
		w.later(time.Minute)
		require.NoError(t, w.sync.RunOnce(t.Context()))
		begin()
		require.NoError(t, w.sync.RunOnce(t.Context()))
		require.Equal(t, "7", w.shopStock(int64(sock)))
		require.Len(t, w.shop.Orders(), 1)
	})
}
