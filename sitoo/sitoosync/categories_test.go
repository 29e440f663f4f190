package sitoosync

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

// tillCategory makes a category of the till's.
func (w *world) tillCategory(title string, parent sitoo.CategoryID) sitoo.CategoryID {
	w.t.Helper()
	c := sitoo.CategoryFields{Title: sitoo.Set(title)}
	if parent != 0 {
		c.ParentID = sitoo.Set(parent)
	}
	id, err := w.sitoo.Categories.Create(w.t.Context(), c)
	require.NoError(w.t, err)
	return id
}

func (w *world) shopCategory(name string, parent woo.CategoryID) woo.CategoryID {
	w.t.Helper()
	c, err := w.woo.Categories.Create(w.t.Context(), woo.CategoryFields{Name: woo.Set(name), Parent: woo.Set(parent)})
	require.NoError(w.t, err)
	return c.ID
}

// shopPaths are the shop's categories by their path.
func (w *world) shopPaths() (paths []string) {
	w.t.Helper()
	tree, err := shopTree(w.t.Context(), w.woo)
	require.NoError(w.t, err)
	for _, id := range tree.parentsFirst() {
		paths = append(paths, pathOf(tree, id))
	}
	return paths
}

func (w *world) tillPaths() (paths []string) {
	w.t.Helper()
	tree, err := tillTree(w.t.Context(), w.sitoo, 0)
	require.NoError(w.t, err)
	for _, id := range tree.parentsFirst() {
		paths = append(paths, pathOf(tree, id))
	}
	return paths
}

func TestSitoo_F6_categories_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.shopCategory("Kläder", 0) // there, but not linked: the shop has one name once below one parent
		below := w.tillCategory("Strumpor & co", 0)
		top := w.tillCategory("Kläder", 0)
		// The child has the lower id.
		require.NoError(t, w.sitoo.Categories.Update(t.Context(), below, sitoo.CategoryFields{ParentID: sitoo.Set(top)}))
		w.tillCategory("Orphan", 999)
		one, two := w.tillCategory("One", 0), w.tillCategory("Two", 0)
		require.NoError(t, w.sitoo.Categories.Update(t.Context(), one, sitoo.CategoryFields{ParentID: sitoo.Set(two)}))
		require.NoError(t, w.sitoo.Categories.Update(t.Context(), two, sitoo.CategoryFields{ParentID: sitoo.Set(one)})) // a circle
		mark, tillMark := w.marks()
		_, err := w.does(CategoriesDown)
		require.NoError(t, err)
		require.Subset(t, w.shopPaths(), []string{"kläder", "kläder > strumpor & co", "orphan"})
		require.NotEmpty(t, w.linked(CategoryLink, int64(one)), "a circle is broken somewhere")
		require.NotEmpty(t, w.linked(CategoryLink, int64(two)))
		require.Len(t, w.shopWrites(mark), 5)
		require.Empty(t, w.tillWrites(tillMark))

		mark, _ = w.marks()
		_, err = w.does(CategoriesDown)
		require.NoError(t, err)
		require.Empty(t, w.shopWrites(mark), "what is linked is left")
		r, err := w.does(CategoriesDown, func(p *pass) { p.dry = true })
		require.NoError(t, err)
		require.Empty(t, r.Planned)
	})
}

func TestSitoo_F7_categories_up(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		top := w.shopCategory("Kläder & skor", 0)
		below := w.shopCategory("Strumpor", top)
		lost := 0
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/categories.json") {
				lost++
				return sitootest.Lost // every answer to a create is lost
			}
			return sitootest.None
		}})
		cost, err := w.sync.categoriesUpCost(t.Context())
		require.NoError(t, err)
		r, err := w.does(CategoriesUp, func(p *pass) { p.dry = true })
		require.NoError(t, err)
		require.Len(t, r.Planned, 2)
		require.Zero(t, w.till.Count("categories"), "a dry run makes nothing")
		_, err = w.does(CategoriesUp)
		require.NoError(t, err)
		require.Equal(t, 2, lost)
		require.GreaterOrEqual(t, cost, 2)
		require.ElementsMatch(t, []string{"kläder & skor", "kläder & skor > strumpor"}, w.tillPaths(), "none is made twice")
		links, err := w.links.Find(t.Context(), CategoryLink, Woo, []string{fmt.Sprint(below)})
		require.NoError(t, err)
		require.Len(t, links, 1)

		require.NoError(t, w.links.Remove(t.Context(), links)) // the process died before it kept the link
		_, err = w.does(CategoriesUp)
		require.NoError(t, err)
		require.Equal(t, 2, w.till.Count("categories"))
		again, err := w.links.Find(t.Context(), CategoryLink, Woo, []string{fmt.Sprint(below)})
		require.NoError(t, err)
		require.Equal(t, links[0].Sitoo, again[0].Sitoo)
	})
}

func TestSitoo_F8_categories_resync(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		a, b := w.shopCategory("A", 0), w.shopCategory("B", 0)
		_, err := w.does(CategoriesUp)
		require.NoError(t, err)
		w.shopCategory("Unlinked", 0)
		_, err = w.woo.Categories.Update(t.Context(), b, woo.CategoryFields{Name: woo.Set("New"), Parent: woo.Set(a)})
		require.NoError(t, err)
		_, mark := w.marks()
		_, err = w.does(CategoriesResync)
		require.NoError(t, err)
		writes := w.tillWrites(mark)
		require.Len(t, writes, 2)
		require.NotContains(t, strings.Join(writes, " "), "DELETE", "the till would delete all that hang below one")
		require.ElementsMatch(t, []string{"a", "a > new"}, w.tillPaths())
	})
}

func TestSitoo_T4_category_changes(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SendProducts = true }}, func(t *testing.T, w *world) {
		w.tillCategory("From the till", 0)
		_, err := w.does(CategoriesDown)
		require.NoError(t, err)
		a := w.shopCategory("A", 0)
		_, err = w.does(CategoriesUp)
		require.NoError(t, err)
		_, mark := w.marks()
		send := func() {
			for l, err := range w.links.All(t.Context(), CategoryLink) {
				require.NoError(t, err)
				require.NoError(t, w.sync.sendCategory(t.Context(), l.Woo))
			}
		}
		send()
		require.Empty(t, w.tillWrites(mark), "what was written by us, either way, is no change")
		_, err = w.woo.Categories.Update(t.Context(), a, woo.CategoryFields{Name: woo.Set("B")})
		require.NoError(t, err)
		send()
		require.Len(t, w.tillWrites(mark), 1)
		require.Contains(t, w.tillPaths(), "b")
	})
}

func TestSitoo_F5_manufacturers_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		maker := func(name string) sitoo.ManufacturerID {
			id, err := w.sitoo.Manufacturers.Create(t.Context(), sitoo.ManufacturerFields{Name: sitoo.Set(name)})
			require.NoError(t, err)
			return id
		}
		fjell := maker("Fjell & Co")
		maker("FJELL & CO") // of two of one name the older counts
		maker("Berg")
		mark, tillMark := w.marks()
		_, err := w.does(ManufacturersDown)
		require.NoError(t, err)
		require.Empty(t, w.tillWrites(tillMark))
		m, known, err := w.sync.readMakers(t.Context())
		require.NoError(t, err)
		require.True(t, known)
		id, _ := m.id("fjell &  co")
		require.Equal(t, fjell, id)
		a, err := w.woo.Attributes.Get(t.Context(), m.Attribute)
		require.NoError(t, err)
		require.Equal(t, "manufacturer", a.Name)
		var terms []string
		for term, err := range w.woo.AttributeTerms(a.ID).All(t.Context(), woo.TermQuery[woo.AttributeTermID]{}) {
			require.NoError(t, err)
			terms = append(terms, plain(term.Name))
		}
		require.ElementsMatch(t, []string{"fjell & co", "berg"}, terms)
		require.Len(t, w.shopWrites(mark), 2, "the attribute, and its values together")
		mark, _ = w.marks()
		_, err = w.does(ManufacturersDown)
		require.NoError(t, err)
		require.Empty(t, w.shopWrites(mark))

		// It runs by itself before the first products come down, and a product gets its manufacturer.
		require.NoError(t, w.sync.save(t.Context(), makersState, nil))
		maker("New one")
		p := w.till.AddProduct("SOCK", "Sock", "10.00")
		require.NoError(t, w.sitoo.Products.Update(t.Context(), p, sitoo.ProductFields{ManufacturerID: sitoo.Set(fjell)}))
		_, err = w.does(ProductsDown)
		require.NoError(t, err)
		require.Equal(t, "Fjell & Co", makerOf(w.bySKU("SOCK"), "manufacturer"))
		_, known, err = w.sync.readMakers(t.Context())
		require.NoError(t, err)
		require.True(t, known)
	})
}
