package sitoosync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

// pictures is where the shop's pictures are fetched from: each address has a picture of its own; one that holds "missing" has none.
type pictures struct{}

func (pictures) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: http.NoBody, Request: r}
	if strings.Contains(r.URL.Path, "missing") {
		answer.StatusCode, answer.Status = http.StatusNotFound, "404 Not Found"
		return answer, nil
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1+len(r.URL.Path), 1))); err != nil {
		return nil, err
	}
	b.WriteString(r.URL.Path)
	answer.Body = io.NopCloser(&b)
	return answer, nil
}

func withPictures(c *Config) { c.ImageClient = &http.Client{Transport: pictures{}} }

// shopProduct is a product or variation as the shop has it.
func (w *world) shopProduct(id int64) *woo.Product {
	w.t.Helper()
	var p woo.Product
	require.NoError(w.t, json.Unmarshal(w.shop.Product(id), &p))
	return &p
}

// bySKU finds a product or variation of the shop's.
func (w *world) bySKU(sku string) *woo.Product {
	w.t.Helper()
	found, _, err := w.woo.Products.List(w.t.Context(), woo.ProductQuery{SKU: []string{sku}})
	require.NoError(w.t, err)
	require.Len(w.t, found, 1, sku)
	return found[0]
}

// tillProduct finds a product of the till's, inactive ones too.
func (w *world) tillProduct(sku string) *sitoo.Product {
	w.t.Helper()
	found, _, err := w.sitoo.Products.List(w.t.Context(), sitoo.ProductQuery{SKU: sku, IncludeInactive: true, Fields: downFields})
	require.NoError(w.t, err)
	require.Len(w.t, found, 1, sku)
	return found[0]
}

// linked is the shop's side of a link, by the till's; "" for none.
func (w *world) linked(kind LinkKind, id int64) string {
	w.t.Helper()
	found, err := w.links.Find(w.t.Context(), kind, Sitoo, []string{fmt.Sprint(id)})
	require.NoError(w.t, err)
	if len(found) == 0 {
		return ""
	}
	return found[0].Woo
}

// count is how often a request was made since mark.
func count(requests []string, want string) (n int) {
	for _, r := range requests {
		if r == want {
			n++
		}
	}
	return n
}

func TestSitoo_F10_products_up(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual, config: func(c *Config) {
		withPictures(c)
		c.NewManufacturers = true
	}}, func(t *testing.T, w *world) {
		parent, err := w.woo.Categories.Create(t.Context(), woo.CategoryFields{Name: woo.Set("Kläder & skor")})
		require.NoError(t, err)
		below, err := w.woo.Categories.Create(t.Context(), woo.CategoryFields{Name: woo.Set("Strumpor"), Parent: woo.Set(parent.ID)})
		require.NoError(t, err)
		sock := w.product("SOCK-7", 41, `"name":"Socka & co","regular_price":"149.00","sale_price":"99.00","status":"publish"`,
			fmt.Sprintf(`"categories":[{"id":%d}]`, below.ID), `"images":[{"src":"https://shop.invalid/wp-content/uploads/röd socka.jpg"}]`,
			`"attributes":[{"name":"Manufacturer","options":["Fjell AB"]}]`)
		known := w.till.AddProduct("BOK-1", "An old title", "1.00")
		w.product("BOK-1", 4, `"regular_price":"100.00"`, `"tax_class":"zero-rate"`, `"images":[{"src":"https://shop.invalid/bok.jpg"}]`)
		group := w.vat(22)
		w.vat(0)
		w.product("EXT", 1, `"type":"external"`)

		cost, err := w.sync.productsUpCost(t.Context())
		require.NoError(t, err)
		_, mark := w.marks()
		_, err = w.does(ProductsUp)
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.till.Requests())-mark, cost, "the estimate is an upper bound")
		writes := w.tillWrites(mark)
		require.Equal(t, 1, count(writes, "POST sites/1/products.json"), writes)
		require.Equal(t, 1, count(writes, "PUT sites/1/products.json"), writes)
		require.Equal(t, 2, count(writes, "POST sites/1/categories.json"), "the missing categories came first")

		p := w.tillProduct("SOCK-7")
		require.Equal(t, "Socka & co", p.Title, "without entities")
		require.Equal(t, "81.15 122.13", p.Price.StringFixed(2)+" "+p.PriceOriginal.StringFixed(2), "without VAT, as the setting says")
		require.Equal(t, group, p.VATID)
		require.True(t, p.Active && p.ActivePOS)
		require.Equal(t, fmt.Sprint(below.ID), w.linked(CategoryLink, int64(p.DefaultCategory)))
		maker, err := w.sitoo.Manufacturers.Get(t.Context(), p.ManufacturerID)
		require.NoError(t, err)
		require.Equal(t, "Fjell AB", maker.Name)
		require.Equal(t, fmt.Sprint(sock), w.linked(ProductLink, int64(p.ID)))
		require.Equal(t, "41", w.tillStock("SOCK-7"))
		images, _, err := w.sitoo.Images(p.ID).List(t.Context(), sitoo.ListQuery{})
		require.NoError(t, err)
		require.Len(t, images, 1)
		require.Regexp(t, fmt.Sprintf(`^%d-0-[0-9a-f]{8}-.*r-d-socka\.jpg$`, sock), images[0].ID)
		require.Equal(t, "Product BOK-1", w.tillProduct("BOK-1").Title, "one of the same SKU is overwritten, not made twice")
		require.NotEmpty(t, w.linked(ProductLink, int64(known)))
		require.Equal(t, 2, w.till.Count("products"), "what is sold elsewhere stays in the shop (E1)")

		_, mark = w.marks()
		_, err = w.does(ProductsUp)
		require.NoError(t, err)
		writes = w.tillWrites(mark)
		for _, kind := range []string{"products", "categories", "manufacturers"} {
			require.Zero(t, count(writes, "POST sites/1/"+kind+".json"))
		}
		require.NotContains(t, strings.Join(writes, " "), "images", "pictures that are alike are left")
	})
}

// TestSitoo_F10_lost_answer: where the answer to a batch of new products is lost, they are found by their SKUs; where the process dies
// then, the next run finds them.
func TestSitoo_F10_lost_answer(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		w.vat(22)
		for i := range 3 {
			w.product(fmt.Sprintf("P-%d", i), 1, `"regular_price":"10.00","images":[{"src":"https://shop.invalid/a.jpg"}]`)
		}
		lost := 0
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/products.json") && lost == 0 {
				lost++
				return sitootest.Lost
			}
			return sitootest.None
		}})
		_, err := w.does(ProductsUp)
		require.NoError(t, err)
		require.Equal(t, 1, lost)
		require.Equal(t, 3, w.till.Count("products"))
		for i := range 3 {
			require.NotEmpty(t, w.linked(ProductLink, int64(w.tillProduct(fmt.Sprintf("P-%d", i)).ID)))
		}
		for l, err := range w.links.All(t.Context(), ProductLink) { // the process died before it kept its links
			require.NoError(t, err)
			require.NoError(t, w.links.Remove(t.Context(), []Link{l}))
		}
		_, err = w.does(ProductsUp)
		require.NoError(t, err)
		require.Equal(t, 3, w.till.Count("products"))
		require.NotEmpty(t, w.linked(ProductLink, int64(w.tillProduct("P-1").ID)))
	})
}

// TestSitoo_E2_ignore_errors: what is wrong with one product stops a full sync, or is passed over and told.
func TestSitoo_E2_ignore_errors(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		w.vat(22)
		w.product("", 1)
		w.product("bad sku", 1)
		w.product("NOPIC", 1)
		w.product("LOSTPIC", 1, `"images":[{"src":"https://shop.invalid/missing.jpg"}]`)
		w.product("GOOD", 1, `"images":[{"src":"https://shop.invalid/a.jpg"}]`)
		_, err := w.does(ProductsUp)
		require.ErrorContains(t, err, "SKU")
		require.Zero(t, w.till.Count("products"))
		r, err := w.does(ProductsUp, func(p *pass) { p.ignore = true })
		require.NoError(t, err)
		require.Len(t, r.Skipped, 4, r.Skipped)
		require.Equal(t, 3, w.till.Count("products"), "a picture that is missing does not keep its product away")
		r, err = w.does(ProductsUp, func(p *pass) { p.dry = true })
		require.Error(t, err)
		require.Empty(t, r.Planned)
	})
}

func TestSitoo_F10_families_up(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		w.vat(22)
		parent := w.variable("JKT", "Skaljacka", []string{"S", "M"}, []string{"Svart"})
		_, mark := w.marks()
		_, err := w.does(ProductsUp)
		require.NoError(t, err)
		writes := w.tillWrites(mark)
		require.Equal(t, 1, count(writes, "POST sites/1/products.json"), "all rows first as products of their own")
		require.Len(t, family(writes), 1)
		main := w.tillProduct("JKT-S-Svart")
		require.Equal(t, main.ID, main.VariantParentID)
		require.Equal(t, "Skaljacka S Svart", main.Title)
		m := w.tillProduct("JKT-M-Svart")
		require.Equal(t, main.ID, m.VariantParentID)
		require.Equal(t, []sitoo.VariantValue{{Name: "Size", Value: "M"}, {Name: "Colour", Value: "Svart"}}, m.Variant)
		require.True(t, strings.HasPrefix(w.linked(VariationLink, int64(m.ID)), fmt.Sprintf("%d/", parent)))

		_, mark = w.marks()
		_, err = w.does(ProductsUp)
		require.NoError(t, err)
		require.Empty(t, family(w.tillWrites(mark)), "a family that is as it should be is not replaced")

		// A variant that only the till has stays, with its stock.
		f, err := w.sitoo.Family(t.Context(), main.ID)
		require.NoError(t, err)
		extra := f.Variants[0]
		extra.ProductID, extra.SKU, extra.Friendly, extra.Attributes = 0, "JKT-XL", "jkt-xl", []string{"XL", "Svart"}
		f.Groups[0].Options = append(f.Groups[0].Options, "XL")
		f.Variants = append(f.Variants, extra)
		require.NoError(t, w.sitoo.ReplaceFamily(t.Context(), main.ID, *f))
		w.till.SetStock(w.warehouse, "JKT-XL", 7)
		w.variation(parent, "JKT-L-Svart", "L", "Svart")
		_, err = w.does(ProductsUp)
		require.NoError(t, err)
		require.Equal(t, main.ID, w.tillProduct("JKT-XL").VariantParentID)
		require.Equal(t, main.ID, w.tillProduct("JKT-L-Svart").VariantParentID)
		require.Equal(t, 4, w.till.Count("products"))

		// One for any value cannot be expressed.
		w.variation(parent, "JKT-ANY", "", "Svart")
		r, err := w.does(ProductsUp, func(p *pass) { p.ignore = true })
		require.NoError(t, err)
		require.True(t, skipped(r, errAny), r.Skipped)
		require.Zero(t, w.tillProduct("JKT-ANY").VariantParentID)
	})
}

func TestSitoo_F11_resync_parents(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.vat(22)
		a, _ := w.pair("A", 1, 1)
		parent, ids := w.family("F", 1, "S", "M")
		_, err := w.does(ResyncVariations)
		require.NoError(t, err)
		_, err = w.woo.Products.Update(t.Context(), a, woo.ProductFields{Name: woo.Set("New A"), RegularPrice: woo.Set(amount("244.00"))})
		require.NoError(t, err)
		_, err = w.woo.Products.Update(t.Context(), parent, woo.ProductFields{Name: woo.Set("New F")})
		require.NoError(t, err)
		_, err = w.woo.Variations(parent).Update(t.Context(), ids[0], woo.VariationFields{RegularPrice: woo.Set(amount("610.00"))})
		require.NoError(t, err)
		w.product("ALONE", 1)
		_, mark := w.marks()
		_, err = w.does(ResyncParents)
		require.NoError(t, err)
		writes := w.tillWrites(mark)
		require.Equal(t, 1, count(writes, "PUT sites/1/products.json"))
		require.Zero(t, count(writes, "POST sites/1/products.json"), "only what is linked")
		require.Equal(t, "New A", w.tillProduct("A").Title)
		require.Equal(t, "200.00", w.tillProduct("A").Price.StringFixed(2))
		require.Equal(t, "New F S", w.tillProduct("F-S").Title, "what variations share is each one's")
		require.Equal(t, "81.97", w.tillProduct("F-S").Price.StringFixed(2), "what they do not share is left to F12")
	})
}

func TestSitoo_F12_resync_variations(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.vat(22)
		a, _ := w.pair("A", 1, 1)
		parent, ids := w.family("F", 1, "S", "M")
		_, err := w.does(ResyncVariations)
		require.NoError(t, err)
		_, err = w.woo.Products.Update(t.Context(), a, woo.ProductFields{Name: woo.Set("New A")})
		require.NoError(t, err)
		_, err = w.woo.Variations(parent).Update(t.Context(), ids[0], woo.VariationFields{RegularPrice: woo.Set(amount("610.00"))})
		require.NoError(t, err)
		_, mark := w.marks()
		_, err = w.does(ResyncVariations)
		require.NoError(t, err)
		require.Equal(t, []string{"PUT sites/1/products.json"}, w.tillWrites(mark), "no family is replaced where no value has changed")
		require.Equal(t, "500.00", w.tillProduct("F-S").Price.StringFixed(2))
		require.Equal(t, "Product A", w.tillProduct("A").Title, "simple products are F11's")

		_, err = w.woo.Variations(parent).Update(t.Context(), ids[1], woo.VariationFields{
			Attributes: woo.Set([]woo.AttributeChoiceFields{{Name: woo.Set("Size"), Option: woo.Set("XL")}}),
		})
		require.NoError(t, err)
		_, mark = w.marks()
		_, err = w.does(ResyncVariations)
		require.NoError(t, err)
		require.Len(t, family(w.tillWrites(mark)), 1)
		require.Equal(t, []sitoo.VariantValue{{Name: "Size", Value: "XL"}}, w.tillProduct("F-M").Variant)
	})
}

func TestSitoo_T4_product_changes(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SendProducts = true }}, func(t *testing.T, w *world) {
		w.vat(22)
		a, till := w.pair("A", 1, 1)
		alone := w.product("ALONE", 1)
		send := func(id woo.ProductID) []string {
			_, mark := w.marks()
			require.NoError(t, w.sync.sendProduct(t.Context(), number(id)))
			return w.tillWrites(mark)
		}
		require.Len(t, send(a), 1)
		require.Empty(t, send(a), "what was written last is no change")
		require.Empty(t, send(alone), "products are made by full syncs alone")
		_, err := w.woo.Products.Update(t.Context(), a, woo.ProductFields{StockQuantity: woo.Set(amount("9"))})
		require.NoError(t, err)
		require.Empty(t, send(a), "stock is not of a product's own")
		_, err = w.woo.Products.Update(t.Context(), a, woo.ProductFields{Name: woo.Set("Other")})
		require.NoError(t, err)
		require.NoError(t, w.sitoo.Products.Update(t.Context(), till, sitoo.ProductFields{ActivePOS: sitoo.Set(false)})) // by staff
		require.Equal(t, []string{"PUT sites/1/products.json"}, send(a))
		require.Equal(t, "Other", w.tillProduct("A").Title)
		require.False(t, w.tillProduct("A").ActivePOS, "what is hidden at the till stays hidden (trap 32)")

		require.NoError(t, w.woo.Products.Delete(t.Context(), a)) // to the trash
		send(a)
		require.False(t, w.tillProduct("A").Active || w.tillProduct("A").ActivePOS, "hidden, not deleted")
		require.Empty(t, send(a))
		_, err = w.woo.Products.Update(t.Context(), a, woo.ProductFields{Status: woo.Set(woo.ProductPublish)})
		require.NoError(t, err)
		send(a)
		require.True(t, w.tillProduct("A").Active && w.tillProduct("A").ActivePOS, "restored")
		w.shop.RemoveProduct(int64(a))
		send(a)
		require.False(t, w.tillProduct("A").Active, "gone for good")

		parent, ids := w.family("F", 1, "S", "M")
		send(parent)
		w.sizes(parent, "S", "M", "L")
		fresh := w.variation(parent, "F-L", "L")
		require.Len(t, family(send(parent)), 1, "a variation more changes the family")
		require.Equal(t, fmt.Sprintf("%d/%d", parent, fresh), w.linked(VariationLink, int64(w.tillProduct("F-L").ID)))
		w.shop.RemoveProduct(int64(ids[0]))
		send(parent)
		require.False(t, w.tillProduct("F-S").ActivePOS, "a variation less is hidden")
		require.Equal(t, 4, w.till.Count("products"), "and nothing deleted")
		require.Empty(t, send(parent))
	})
}

// counting counts the links that are written.
type counting struct {
	LinkStore
	puts int
}

func (c *counting) Put(ctx context.Context, links []Link) error {
	c.puts += len(links)
	return c.LinkStore.Put(ctx, links)
}

// TestSitoo_T4_nothing_to_write: a look at what has not changed writes no link either. Where links are kept in the shop that would be
// a change of the product, which is looked at, and so on for ever.
func TestSitoo_T4_nothing_to_write(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.vat(22)
		a, _ := w.pair("A", 1, 1)
		parent, _ := w.family("F", 1, "S", "M")
		links := &counting{LinkStore: w.links}
		w.start(func(c *Config) { c.Links, c.SendProducts = links, true })
		for _, id := range []woo.ProductID{a, parent} {
			require.NoError(t, w.sync.sendProduct(t.Context(), number(id)))
		}
		require.NotZero(t, links.puts)
		links.puts = 0
		shop, till := w.marks()
		for _, id := range []woo.ProductID{a, parent} {
			require.NoError(t, w.sync.sendProduct(t.Context(), number(id)))
		}
		require.Zero(t, links.puts)
		require.Empty(t, w.shopWrites(shop))
		require.Empty(t, w.tillWrites(till))
	})
}

func TestSitoo_T4_type_changes(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SendProducts = true }}, func(t *testing.T, w *world) {
		w.vat(22)
		a, till := w.pair("A", 1, 1)
		require.NoError(t, w.sync.sendProduct(t.Context(), number(a)))
		_, err := w.woo.Products.Update(t.Context(), a, woo.ProductFields{
			Type: woo.Set(woo.VariableProduct), SKU: woo.Set("PARENT"),
			Attributes: woo.Set([]woo.AttributeFields{{Name: woo.Set("Size"), Variation: woo.Set(true), Options: woo.Set([]string{"S"})}}),
		})
		require.NoError(t, err)
		v := w.variation(a, "A", "S")
		require.NoError(t, w.sync.sendProduct(t.Context(), number(a)))
		require.Empty(t, w.linked(ProductLink, int64(till)))
		require.Equal(t, fmt.Sprintf("%d/%d", a, v), w.linked(VariationLink, int64(till)), "its SKU is a variation's now")
		require.True(t, w.tillProduct("A").ActivePOS)
		require.Equal(t, till, w.tillProduct("A").VariantParentID)
	})
}

func TestSitoo_M4_prices_with_vat(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{false, true} {
		inWorld(t, conditions{config: func(c *Config) { c.PricesWithVAT = with }}, func(t *testing.T, w *world) {
			w.vat(22)
			w.pair("A", 1, 1)
			_, err := w.does(ResyncParents)
			require.NoError(t, err)
			want := map[bool]string{false: "81.97", true: "100.00"}[with]
			require.Equal(t, want, w.tillProduct("A").Price.StringFixed(2))
			require.NoError(t, w.sitoo.Products.Update(t.Context(), w.tillProduct("A").ID, sitoo.ProductFields{
				Price: sitoo.Set(sitoo.NewMoney(amount("200.00"))), PriceOriginal: sitoo.Set(sitoo.NewMoney(amount("300.00"))),
				VATID: sitoo.Set(w.vat(22)),
			}))
			_, err = w.does(ProductsDown)
			require.NoError(t, err)
			p := w.bySKU("A")
			want = map[bool]string{false: "244.00 of 366.00", true: "200.00 of 300.00"}[with]
			require.Equal(t, want, p.SalePrice.StringFixed(2)+" of "+p.RegularPrice.StringFixed(2))
		})
	}
}

// TestSitoo_trap31_purchase_price: it never has VAT, whatever the setting says, and is left where the shop keeps none.
func TestSitoo_trap31_purchase_price(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{false, true} {
		k := &catalogue{
			tariff: &tariff{
				shopGross: true, tillGross: with, percent: map[string]decimal.Decimal{"": amount("25")}, groups: map[string]sitoo.VATID{"25": 2},
			},
			categories: &categoryLinks{}, makers: &makers{},
		}
		p := &woo.Product{SKU: "A", CostOfGoodsSold: []byte(`{"values":[],"total_value":52.5}`)}
		w, err := k.fieldsOf(articleOf(p, "manufacturer"), true)
		require.NoError(t, err)
		cost, _ := w.PriceIn.Get()
		require.Equal(t, "52.50", cost.StringFixed(2))
		p.CostOfGoodsSold = nil
		w, err = k.fieldsOf(articleOf(p, "manufacturer"), true)
		require.NoError(t, err)
		require.True(t, w.PriceIn.IsZero())
	}
}

// TestSitoo_trap35_refused_rows: a batch is answered 200 although rows of it were refused; the others are made and linked, and the
// refused are told.
func TestSitoo_trap35_refused_rows(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		w.vat(22)
		picture := `"images":[{"src":"https://shop.invalid/a.jpg"}]`
		w.product("A", 1, picture, `"global_unique_id":"7300000000017"`)
		w.product("B", 1, picture, `"global_unique_id":"7300000000017"`)
		w.product("C", 1, picture)
		r, err := w.does(ProductsUp, func(p *pass) { p.ignore = true })
		require.NoError(t, err)
		require.True(t, skipped(r, errors.New("barcode already exists")), r.Skipped)
		require.Equal(t, 2, w.till.Count("products"))
		require.NotEmpty(t, w.linked(ProductLink, int64(w.tillProduct("C").ID)))
	})
}

func skipped(r OperationReport, want error) bool {
	for _, err := range r.Skipped {
		if strings.Contains(err.Error(), want.Error()) {
			return true
		}
	}
	return false
}

func family(writes []string) (puts []string) {
	for _, write := range writes {
		if strings.HasSuffix(write, "/productvariants.json") {
			puts = append(puts, write)
		}
	}
	return puts
}
