package woopeer_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// twins is a store in which "CUP copy" has the SKU "cup", as imports leave it behind WooCommerce's back.
type twins struct{ http.RoundTripper }

func (d twins) RoundTrip(r *http.Request) (*http.Response, error) {
	if q := r.URL.Query(); strings.EqualFold(q.Get("sku"), "CUP") {
		r = r.Clone(r.Context())
		q.Set("sku", "CUP,CUP copy")
		r.URL.RawQuery = q.Encode()
	}
	resp, err := d.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	body = bytes.ReplaceAll(body, []byte(`"CUP copy"`), []byte(`"cup"`))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}

func TestFind(t *testing.T) {
	t.Parallel()
	meta := func(gid string) string {
		return fmt.Sprintf(`"meta_data":[{"key":%q,"value":%q}]`, stocksync.MetaGID, gid)
	}

	// A product is found by the GID in its meta data whatever its SKU, and one without is given it.
	t.Run("SS-05_W6_underscore_meta", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(c *woopeer.Config) { c.KeepMeta = false }, func(w *world) {
			cup := w.product("CUP", 10)
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT"}`)
			red := w.variation(shirt, `{"sku":"RED","regular_price":"1","manage_stock":true,"stock_quantity":5}`)
			defer w.watch()()
			one, two := item("CUP", 9), item("RED", 4)
			one.GID, two.GID = "g-1", "g-2"
			w.push([]stocksync.Outcome{stocksync.Confirmed, stocksync.Confirmed}, one, two)
			for id, gid := range map[int64]string{cup: "g-1", red: "g-2"} {
				require.Contains(w, w.at(id, "meta_data"), gid)
			}
			w.requests()
			w.push([]stocksync.Outcome{stocksync.Confirmed, stocksync.Confirmed}, one, two)
			require.Equal(w, []string{"GET products"}, w.requests(), "signed once")

			// The store's staff gives them other SKUs.
			_, err := w.woo.Products.Update(w.Context(), woo.ProductID(cup), woo.ProductFields{SKU: woo.Set("MUG")})
			require.NoError(w, err)
			rouge := woo.VariationFields{SKU: woo.Set("ROUGE")}
			_, err = w.woo.Variations(woo.ProductID(shirt)).Update(w.Context(), woo.VariationID(red), rouge)
			require.NoError(w, err)
			one.Quantity, two.Quantity = item("", 7).Quantity, item("", 3).Quantity
			w.push([]stocksync.Outcome{stocksync.Confirmed, stocksync.Confirmed}, one, two)
			require.Equal(w, "7", w.stock(cup))
			require.Equal(w, "3", w.stock(red))

			// A product that takes the old SKU over is another one: it has no GID, and the GID decides.
			other := w.product("CUP", 100)
			w.push(confirmed, one)
			require.Equal(w, "100", w.stock(other))

			var items []stocksync.Item
			for it, err := range w.peer.Items(w.Context()) {
				require.NoError(w, err)
				items = append(items, it)
			}
			require.Len(w, items, 4)
			require.Equal(w, stocksync.Ref{GID: "g-1", SKU: "MUG"}, items[0].Ref)
			require.Equal(w, stocksync.Ref{GID: "g-2", SKU: "ROUGE"}, items[3].Ref)
		})
	})

	t.Run("SS-05_another_product_has_it", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			id := w.add(`{"name":"Cup","sku":"CUP","manage_stock":true,"stock_quantity":10,` + meta("g-1") + `}`)
			it := item("CUP", 1)
			it.GID = "g-2"
			done := w.push([]stocksync.Outcome{stocksync.Refused}, it)
			require.Equal(w, stocksync.SKUTaken, reasonOf(w, done[0]))
			require.Equal(w, "10", w.stock(id))
			stocks, err := w.peer.Read(w.Context(), []stocksync.Ref{it.Ref, {SKU: "CUP"}, {SKU: "cup "}, {SKU: "SAUCER"}})
			require.NoError(w, err)
			require.Nil(w, stocks[0])
			require.NotNil(w, stocks[1])
			require.NotNil(w, stocks[2], "stores compare without regard to case")
			require.Nil(w, stocks[3])
		})
	})

	// The store's staff duplicates a product, and its meta data with it.
	t.Run("copied_gid", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			id := w.add(`{"name":"Cup","sku":"CUP","manage_stock":true,"stock_quantity":10,` + meta("g-1") + `}`)
			twin := w.add(`{"name":"Cup (Copy)","sku":"CUP-1","manage_stock":true,"stock_quantity":10,` + meta("g-1") + `}`)
			defer w.watch()()
			it := item("CUP", 1)
			it.GID = "g-1"
			w.push(confirmed, it)
			require.Equal(w, "1", w.stock(id))
			require.Equal(w, "10", w.stock(twin))
			it.SKU = "NEITHER"
			require.Equal(w, stocksync.DuplicateSKU, reasonOf(w, w.push([]stocksync.Outcome{stocksync.Refused}, it)[0]))
		})
	})

	t.Run("SS-05_W6_duplicate_sku", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup, twin := w.product("CUP", 10), w.product("CUP copy", 20)
			c := w.shop.Config()
			c.HTTPClient = &http.Client{Transport: twins{w.shop.Transport()}}
			client, err := woo.New(c)
			require.NoError(w, err)
			w.peer, err = woopeer.New(woopeer.Config{ID: "c", Shop: client})
			require.NoError(w, err)
			done := w.push([]stocksync.Outcome{stocksync.Refused}, item("CUP", 1))
			require.Equal(w, stocksync.DuplicateSKU, reasonOf(w, done[0]))
			require.Equal(w, "10", w.stock(cup), "the first match won")
			require.Equal(w, "20", w.stock(twin), "the last match won")
			stocks, err := w.peer.Read(w.Context(), []stocksync.Ref{{SKU: "CUP"}})
			require.NoError(w, err)
			require.Nil(w, stocks[0])
		})
	})

	// SKUs that the store's search cannot find, or takes for a list.
	t.Run("odd_skus", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			odd := []stocksync.SKU{"R&D <1>", "A,B", "0", "AB/12-é", "007"}
			for _, sku := range odd {
				w.product(string(sku), 10)
			}
			defer w.watch()()
			var items []stocksync.Item
			var want []stocksync.Outcome
			for _, sku := range odd {
				items, want = append(items, item(sku, 3)), append(want, stocksync.Confirmed)
			}
			w.push(want, items...)
		})
	})
}

func TestRename(t *testing.T) {
	t.Parallel()
	t.Run("SS-05_rename", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			shirt := w.add(`{"name":"Shirt","type":"variable","sku":"SHIRT"}`)
			red := w.variation(shirt, `{"sku":"RED","regular_price":"1","manage_stock":true,"stock_quantity":5}`)
			refs := []stocksync.Ref{{SKU: "MUG", OldSKU: "CUP"}, {SKU: "ROUGE", OldSKU: "RED"}, {SKU: "X", OldSKU: "NOTHING"}, {OldSKU: "CUP"}}
			for range 2 { // again after a lost answer
				done, err := w.peer.Rename(w.Context(), refs)
				require.NoError(w, err)
				require.Equal(w, stocksync.Confirmed, done[0].Outcome, "%v", done[0].Err)
				require.Equal(w, stocksync.Confirmed, done[1].Outcome, "%v", done[1].Err)
				require.Equal(w, stocksync.MissingProduct, reasonOf(w, done[2]))
				require.Equal(w, stocksync.Refused, done[3].Outcome)
			}
			require.Equal(w, `"MUG"`, w.at(cup, "sku"))
			require.Equal(w, `"ROUGE"`, w.at(red, "sku"))
		})
	})

	t.Run("SS-05_taken", func(t *testing.T) {
		t.Parallel()
		inWorld(t, nil, func(w *world) {
			cup := w.product("CUP", 10)
			w.product("MUG", 10)
			done, err := w.peer.Rename(w.Context(), []stocksync.Ref{{SKU: "mug", OldSKU: "CUP"}})
			require.NoError(w, err)
			require.Equal(w, stocksync.SKUTaken, reasonOf(w, done[0]))
			require.Equal(w, `"CUP"`, w.at(cup, "sku"))
		})
	})
}

func TestPing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(c *woopeer.Config) { c.Name = "Outlet" }, func(w *world) {
		pong, err := w.peer.Ping(w.Context())
		require.NoError(w, err)
		require.Equal(w, stocksync.Pong{
			StoreID: "c", Name: "Outlet", Role: stocksync.RoleChild, Version: "WooCommerce 11.0.1", Took: pong.Took,
		}, pong)
		w.shop.SetTrouble(wootest.PlainPermalinks)
		_, err = w.peer.Ping(w.Context())
		require.ErrorIs(w, err, woo.ErrRedirect)
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	shop, err := woo.New(woo.Config{URL: "https://shop.example", Key: "ck", Secret: "cs"})
	require.NoError(t, err)
	for want, c := range map[string]woopeer.Config{
		"Config.ID is missing":     {Shop: shop},
		"Config.Shop is missing":   {ID: "c"},
		"Config.Ledger is missing": {ID: "c", Shop: shop, OrdersSince: time.Now()},
		"cannot be negative":       {ID: "c", Shop: shop, Gap: -1},
	} {
		_, err := woopeer.New(c)
		require.ErrorContains(t, err, want)
	}
	p, err := woopeer.New(woopeer.Config{ID: "c", Shop: shop})
	require.NoError(t, err)
	require.Equal(t, stocksync.StoreID("c"), p.ID())
	require.Positive(t, p.Batch())
}
