package sitoosync

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

func TestSitoo_F9_products_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SendProducts = true }}, func(t *testing.T, w *world) {
		ctx := t.Context()
		top := w.tillCategory("Kläder", 0)
		socks := w.tillCategory("Strumpor", top)
		zero := w.vat(0)
		_, err := w.woo.TaxRates.Create(ctx, woo.TaxRateFields{
			Country: woo.Set("SI"), Class: woo.Set("zero-rate"), Rate: woo.Set(amount("0")),
		})
		require.NoError(t, err)
		w.vat(22)
		sock := w.till.AddProduct("SOCK-7", "Socka & co", "100.00")
		require.NoError(t, w.sitoo.Products.Update(ctx, sock, sitoo.ProductFields{
			PriceOriginal: sitoo.Set(sitoo.NewMoney(amount("149.00"))), DefaultCategory: sitoo.Set(socks),
			Categories: sitoo.Set([]sitoo.CategoryID{top, socks}),
			Barcode:    sitoo.Set("7300000000017"), Description: sitoo.Set("<p>Warm</p>"), VATID: sitoo.Set(zero),
		}))
		require.NoError(t, w.sitoo.Images(sock).Add(ctx, sitoo.Upload{ResourceID: "socka_1.jpg", Data: []byte("x")}))
		w.till.SetStock(w.warehouse, "SOCK-7", 41)
		known, knownID := w.pair("BOK-1", 1, 4)
		unlinked := w.product("OLD", 1)
		old := w.till.AddProduct("OLD", "Old", "5.00")
		hidden := w.till.AddProduct("HIDDEN", "Hidden", "5.00")
		require.NoError(t, w.sitoo.Products.Update(ctx, hidden, sitoo.ProductFields{Active: sitoo.Set(false)})) // the till alone sells it

		cost, err := w.sync.productsDownCost(ctx)
		require.NoError(t, err)
		mark, tillMark := w.marks()
		_, err = w.does(ProductsDown)
		require.NoError(t, err)
		require.Empty(t, w.tillWrites(tillMark))
		require.LessOrEqual(t, len(w.till.Requests())-tillMark, cost, "the estimate is an upper bound")
		require.Equal(t, 3, count(w.shopWrites(mark), "POST /wp-json/wc/v3/products/batch"), "new ones, known ones, and their stock")

		p := w.bySKU("SOCK-7")
		require.Equal(t, fmt.Sprint(p.ID), w.linked(ProductLink, int64(sock)))
		require.Equal(t, "Socka & co", plainText(p.Name))
		require.Equal(t, "149.00 100.00", p.RegularPrice.StringFixed(2)+" "+p.SalePrice.StringFixed(2))
		require.Equal(t, "zero-rate", p.TaxClass)
		require.Equal(t, "7300000000017", *p.GlobalUniqueID)
		require.Equal(t, "<p>Warm</p>", p.Description)
		require.Len(t, p.Categories, 2)
		require.Equal(t, fmt.Sprint(p.Categories[0].ID), w.linked(CategoryLink, int64(socks)))
		require.Equal(t, "socka_1.jpg", p.Images[0].Name)
		require.Equal(t, "41", w.shopStock(int64(p.ID)), "stock comes with it")
		require.Equal(t, woo.ProductDraft, w.bySKU("HIDDEN").Status)
		require.Equal(t, fmt.Sprint(unlinked), w.linked(ProductLink, int64(old)), "one of the same SKU is linked, not made twice")
		require.Equal(t, "Old", w.shopProduct(int64(unlinked)).Name)
		require.Equal(t, "4", w.shopStock(int64(known)))
		require.NotEmpty(t, w.linked(ProductLink, int64(knownID)))

		mark, tillMark = w.marks()
		_, err = w.does(ProductsDown)
		require.NoError(t, err)
		require.Equal(t, []string{"POST /wp-json/wc/v3/products/batch"}, w.shopWrites(mark), "written once more, none made")
		require.Len(t, w.bySKU("SOCK-7").Images, 1)

		// No echo: what was just written down does not go up again.
		require.NoError(t, w.sync.sendProduct(ctx, number(p.ID)))
		require.NoError(t, w.sync.sendProduct(ctx, number(unlinked)))
		require.Empty(t, w.tillWrites(tillMark))
	})
}

func TestSitoo_F9_families_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.vat(22)
		wide, err := w.woo.Attributes.Create(ctx, woo.GlobalAttributeFields{Name: woo.Set("Färg")})
		require.NoError(t, err)
		s, m := w.till.AddProduct("JKT-S", "Skaljacka Svart S", "10.00"), w.till.AddProduct("JKT-M", "Skaljacka Svart M", "11.00")
		row := func(id sitoo.ProductID, sku, title, size string) sitoo.Variant {
			return sitoo.Variant{
				ProductID: id, Active: true, ActivePOS: true, Title: title, SKU: sku, Price: sitoo.NewMoney(amount("10.00")),
				PriceOriginal: sitoo.NewMoney(amount("0.00")), PriceIn: sitoo.NewMoney(amount("0.00")), PriceOffer: sitoo.NewMoney(amount("0.00")),
				Friendly: strings.ToLower(sku), Attributes: []string{"Svart", size},
			}
		}
		require.NoError(t, w.sitoo.ReplaceFamily(ctx, s, sitoo.Family{
			Groups:   []sitoo.VariantGroup{{Name: "Färg", Options: []string{"Svart"}}, {Name: "Storlek", Options: []string{"S", "M"}}},
			Variants: []sitoo.Variant{row(s, "JKT-S", "Skaljacka Svart S", "S"), row(m, "JKT-M", "Skaljacka Svart M", "M")},
		}))
		for _, id := range []sitoo.ProductID{s, m} {
			require.NoError(t, w.sitoo.Images(id).Add(ctx, sitoo.Upload{ResourceID: fmt.Sprintf("jkt-%d.jpg", id), Data: []byte("x")}))
		}
		w.till.SetStock(w.warehouse, "JKT-M", 6)
		lost := 0
		w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/wc/v3/products") && lost == 0 {
				lost++
				return wootest.Lost // the parent is made, the answer lost
			}
			return wootest.None
		}})
		_, err = w.does(ProductsDown)
		require.NoError(t, err)
		require.Equal(t, 1, lost)
		v := w.bySKU("JKT-M")
		require.Equal(t, woo.VariationProduct, v.Type)
		parent := w.shopProduct(int64(v.ParentID))
		require.Equal(t, woo.VariableProduct, parent.Type)
		require.Equal(t, "Skaljacka", parent.Name, "without what its variants differ in")
		require.Empty(t, parent.SKU, "it has no counterpart")
		require.Equal(t, wide.ID, parent.Attributes[0].ID, "the shop-wide attribute of that name")
		require.Equal(t, []string{"S", "M"}, parent.Attributes[1].Options)
		require.Equal(t, "6", w.shopStock(int64(v.ID)))
		require.Equal(t, fmt.Sprintf("%d/%d", v.ParentID, v.ID), w.linked(VariationLink, int64(m)))
		variation, err := w.woo.Variations(v.ParentID).Get(ctx, woo.VariationID(v.ID))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("jkt-%d.jpg", m), variation.Image.Name, "each variation its own picture")
		require.Equal(t, fmt.Sprintf("jkt-%d.jpg", s), parent.Images[0].Name)

		mark, _ := w.marks()
		_, err = w.does(ProductsDown)
		require.NoError(t, err)
		require.Zero(t, count(w.shopWrites(mark), "POST /wp-json/wc/v3/products"), "the parent is not made twice")

		// A process that died between the parent and its variations begins with the parent there is.
		for _, kind := range []LinkKind{VariationLink} {
			for l, err := range w.links.All(ctx, kind) {
				require.NoError(t, err)
				require.NoError(t, w.links.Remove(ctx, []Link{l}))
			}
		}
		w.shop.RemoveProduct(int64(v.ID))
		w.shop.RemoveProduct(int64(w.bySKU("JKT-S").ID))
		require.NoError(t, w.sync.save(ctx, begunState, map[string]any{"family:" + number(s): w.began()}))
		w.start(withPictures)
		_, err = w.does(ProductsDown)
		require.NoError(t, err)
		require.Equal(t, v.ParentID, w.bySKU("JKT-M").ParentID)
	})
}

func TestSitoo_M1_filter_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.Products = ActivePOS }}, func(t *testing.T, w *world) {
		a, b := w.till.AddProduct("A", "A", "1.00"), w.till.AddProduct("B", "B", "1.00")
		require.NoError(t, w.sitoo.Products.Update(t.Context(), a, sitoo.ProductFields{ActivePOS: sitoo.Set(false)}))
		require.NoError(t, w.sitoo.Products.Update(t.Context(), b, sitoo.ProductFields{Active: sitoo.Set(false)}))
		_, mark := w.marks()
		_, err := w.does(ProductsDown)
		require.NoError(t, err)
		require.Empty(t, w.linked(ProductLink, int64(a)))
		require.NotEmpty(t, w.linked(ProductLink, int64(b)))
		asked := false
		for _, r := range w.till.Requests()[mark:] {
			asked = asked || strings.HasSuffix(r.Path, "/products.json") && r.Query.Get("includeinactive") == "true"
		}
		require.True(t, asked, "the till hides what is wholly inactive")
	})
}

func TestSitoo_F9_conflicts(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.product("low-1", 1)
		w.till.AddProduct("LOW-1", "x", "1.00")
		gone, till := w.pair("GONE", 1, 1)
		w.shop.RemoveProduct(int64(gone))
		trashed, inTill := w.pair("TRASH", 1, 1)
		require.NoError(t, w.woo.Products.Delete(t.Context(), trashed))
		r, err := w.does(ProductsDown, func(p *pass) { p.ignore = true })
		require.NoError(t, err)
		require.True(t, skipped(r, fmt.Errorf("make the SKUs alike")), r.Skipped)
		require.True(t, skipped(r, fmt.Errorf("trash")), r.Skipped)
		require.NotEqual(t, fmt.Sprint(gone), w.linked(ProductLink, int64(till)), "what is gone is made anew")
		require.NotEmpty(t, w.linked(ProductLink, int64(till)))
		require.Equal(t, fmt.Sprint(trashed), w.linked(ProductLink, int64(inTill)), "what lies in the trash is left there")
	})
}
