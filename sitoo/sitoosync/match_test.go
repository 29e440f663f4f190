package sitoosync_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// both is a fake shop, a fake till, and what matches them.
type both struct {
	shop  *wootest.Shop
	till  *sitootest.Till
	links *sitoosync.MemoryLinks
	sitoosync.MatchConfig
}

func open(t *testing.T) *both {
	t.Helper()
	b := &both{links: &sitoosync.MemoryLinks{}}
	var err error
	b.shop, err = wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(b.shop.Close)
	b.till, err = sitootest.New(sitootest.Config{})
	require.NoError(t, err)
	t.Cleanup(b.till.Close)
	b.Links = b.links
	b.Shop, err = woo.New(b.shop.Config())
	require.NoError(t, err)
	b.Till, err = sitoo.New(b.till.Config())
	require.NoError(t, err)
	return b
}

func (b *both) product(t *testing.T, format string, args ...any) int64 {
	t.Helper()
	id, err := b.shop.AddProduct(fmt.Appendf(nil, format, args...))
	require.NoError(t, err)
	return id
}

// writes are the requests that changed something on either side.
func (b *both) writes() int {
	n := 0
	for _, r := range b.till.Requests() {
		if r.Method != "GET" {
			n++
		}
	}
	for _, r := range b.shop.Requests() {
		if r.Method != "GET" {
			n++
		}
	}
	return n
}

func find(t *testing.T, b *both, kind sitoosync.LinkKind, id int64) string {
	t.Helper()
	links, err := b.links.Find(t.Context(), kind, sitoosync.Sitoo, []string{fmt.Sprint(id)})
	require.NoError(t, err)
	if len(links) == 0 {
		return ""
	}
	return links[0].Woo
}

func TestSitoo_F3_match_products(t *testing.T) {
	t.Parallel()
	b := open(t)
	simple := b.product(t, `{"name":"Sock","sku":"SOCK-7"}`)
	parent := b.product(t, `{"name":"Jacket","type":"variable","sku":"JKT"}`)
	variations := map[string]woo.VariationID{}
	for _, sku := range []string{"JKT-S", ""} {
		v, err := b.Shop.Variations(woo.ProductID(parent)).Create(t.Context(), woo.VariationFields{SKU: woo.Set(sku)})
		require.NoError(t, err)
		variations[sku] = v.ID
	}
	b.product(t, `{"name":"Elsewhere","sku":"EXT","type":"external"}`)
	b.product(t, `{"name":"No SKU"}`)
	b.product(t, `{"name":"Lower","sku":"low-1"}`)
	b.product(t, `{"name":"Alone","sku":"ALONE"}`)

	sock, jacket := b.till.AddProduct("SOCK-7", "Socka", "149.00"), b.till.AddProduct("JKT-S", "Jacka S", "10.00")
	b.till.AddProduct("EXT", "x", "1.00")
	b.till.AddProduct("LOW-1", "x", "1.00")
	b.till.AddProduct("JKT", "x", "1.00") // a variable product has no counterpart
	hidden := b.till.AddProduct("ALONE", "x", "1.00")
	inactive := sitoo.ProductFields{Active: sitoo.Set(false), ActivePOS: sitoo.Set(false)}
	require.NoError(t, b.Till.Products.Update(t.Context(), hidden, inactive))
	before := b.writes()

	r, err := sitoosync.MatchProducts(t.Context(), b.MatchConfig)
	require.NoError(t, err)
	require.Equal(t, 3, r.Linked)
	require.Equal(t, fmt.Sprint(simple), find(t, b, sitoosync.ProductLink, int64(sock)))
	require.Equal(t, fmt.Sprintf("%d/%d", parent, variations["JKT-S"]), find(t, b, sitoosync.VariationLink, int64(jacket)))
	require.NotEmpty(t, find(t, b, sitoosync.ProductLink, int64(hidden)), "inactive ones are matched too, or would be made twice")
	require.Len(t, r.Problems, 1)
	require.Equal(t, "LOW-1, low-1", r.Problems[0].Key)
	require.ErrorContains(t, r.Problems[0], "upper and lower case")
	require.Equal(t, before, b.writes(), "matching changes neither side")

	again, err := sitoosync.MatchProducts(t.Context(), b.MatchConfig)
	require.NoError(t, err)
	require.Zero(t, again.Linked)
	require.Equal(t, 3, again.Known)

	t.Run("E1", func(t *testing.T) {
		c := b.MatchConfig
		c.IncludeExternal = true
		r, err := sitoosync.MatchProducts(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, 1, r.Linked)
	})
	t.Run("keeps what was written", func(t *testing.T) {
		l := sitoosync.LinkProduct(woo.ProductID(simple), sock)
		l.Sum = "5f"
		require.NoError(t, b.links.Put(t.Context(), []sitoosync.Link{l}))
		_, err := sitoosync.MatchProducts(t.Context(), b.MatchConfig)
		require.NoError(t, err)
		links, err := b.links.Find(t.Context(), sitoosync.ProductLink, sitoosync.Sitoo, []string{fmt.Sprint(sock)})
		require.NoError(t, err)
		require.Equal(t, "5f", links[0].Sum)
	})
	t.Run("linked elsewhere", func(t *testing.T) {
		require.NoError(t, b.links.Remove(t.Context(), []sitoosync.Link{sitoosync.LinkProduct(woo.ProductID(simple), sock)}))
		require.NoError(t, b.links.Put(t.Context(), []sitoosync.Link{sitoosync.LinkProduct(woo.ProductID(simple), 77)}))
		r, err := sitoosync.MatchProducts(t.Context(), b.MatchConfig)
		require.NoError(t, err)
		require.Zero(t, r.Linked)
		require.True(t, slices.ContainsFunc(r.Problems, func(p sitoosync.Problem) bool {
			return p.Why == "one of the two is linked to something else" && slices.Equal(p.Sitoo, []string{fmt.Sprint(sock)})
		}), r.Problems)
	})
}

func TestSitoo_F2_match_categories(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx := t.Context()
	shop := func(name string, parent woo.CategoryID) woo.CategoryID {
		c, err := b.Shop.Categories.Create(ctx, woo.CategoryFields{Name: woo.Set(name), Parent: woo.Set(parent)})
		require.NoError(t, err)
		return c.ID
	}
	till := func(title string, parent sitoo.CategoryID) sitoo.CategoryID {
		w := sitoo.CategoryFields{Title: sitoo.Set(title)}
		if parent != 0 {
			w.ParentID = sitoo.Set(parent)
		}
		id, err := b.Till.Categories.Create(ctx, w)
		require.NoError(t, err)
		return id
	}
	men, women := shop("Herr", 0), shop("Dam &amp; barn", 0)
	shop("Skor", men)
	womenShoes := shop("Skor", women)
	tMen, tWomen := till("HERR", 0), till("Dam  & barn", 0)
	tMenShoes, tWomenShoes := till("skor", tMen), till("Skor", tWomen)
	till("Skor", 0)          // the same title elsewhere
	till("Uncategorized", 0) // the shop's default is nobody's
	r, err := sitoosync.MatchCategories(ctx, b.MatchConfig)
	require.NoError(t, err)
	require.Equal(t, 4, r.Linked)
	require.Equal(t, fmt.Sprint(womenShoes), find(t, b, sitoosync.CategoryLink, int64(tWomenShoes)))
	require.NotEqual(t, find(t, b, sitoosync.CategoryLink, int64(tMenShoes)), find(t, b, sitoosync.CategoryLink, int64(tWomenShoes)))
	require.Equal(t, 2, r.OnlyTill)

	till("Herr", 0)
	r, err = sitoosync.MatchCategories(ctx, b.MatchConfig)
	require.NoError(t, err)
	require.Len(t, r.Problems, 1)
	require.Equal(t, "herr", r.Problems[0].Key)
}

func TestSitoo_F4_match_vouchers(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx := t.Context()
	for _, code := range []string{"host20", "twice", "label"} {
		_, err := b.Shop.Coupons.Create(ctx, woo.CouponFields{Code: woo.Set(code)})
		require.NoError(t, err)
	}
	voucher := func(code, password string) sitoo.VoucherID {
		id, err := b.Till.Vouchers.Create(ctx, sitoo.VoucherFields{
			Name: sitoo.Set("x"), Type: sitoo.Set(sitoo.VoucherOrderPercent), Code: sitoo.Set(code), Password: sitoo.Set(password),
		})
		require.NoError(t, err)
		return id
	}
	host, label := voucher("other", "HOST20"), voucher("LABEL", "")
	voucher("", "twice")
	voucher("", "Twice")
	r, err := sitoosync.MatchVouchers(ctx, b.MatchConfig)
	require.NoError(t, err)
	require.Equal(t, 2, r.Linked)
	require.NotEmpty(t, find(t, b, sitoosync.VoucherLink, int64(host)))
	require.NotEmpty(t, find(t, b, sitoosync.VoucherLink, int64(label)))
	require.Len(t, r.Problems, 1)
	require.Len(t, r.Problems[0].Sitoo, 2)
}

func TestSitoo_F1_match_all(t *testing.T) {
	t.Parallel()
	b := open(t)
	for i := range 230 {
		sku := fmt.Sprintf("S-%d", i)
		b.product(t, `{"name":"x","sku":%q}`, sku)
		b.till.AddProduct(sku, "x", "1.00")
	}
	_, err := b.Shop.Coupons.Create(t.Context(), woo.CouponFields{Code: woo.Set("a")})
	require.NoError(t, err)
	_, err = b.Till.Vouchers.Create(t.Context(), sitoo.VoucherFields{
		Name: sitoo.Set("x"), Type: sitoo.Set(sitoo.VoucherOrderPercent), Password: sitoo.Set("A"),
	})
	require.NoError(t, err)
	steps := map[string]int{}
	b.Progress = func(p sitoosync.Progress) { steps[p.Step] = p.Done }
	before := len(b.till.Requests())
	r, err := sitoosync.MatchAll(t.Context(), b.MatchConfig)
	require.NoError(t, err)
	require.Equal(t, 231, r.Linked)
	require.Empty(t, r.Problems)
	require.Equal(t, map[string]int{"products of the till": 200, "products of the shop": 200}, steps)
	require.Len(t, b.till.Requests(), before+5, "three pages of products, one of categories, one of vouchers")
}
