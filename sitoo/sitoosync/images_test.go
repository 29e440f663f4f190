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

// tillImages are the names of a till's product's pictures.
func (w *world) tillImages(id sitoo.ProductID) []string {
	w.t.Helper()
	names, err := imageNames(w.t.Context(), w.sitoo.Images(id))
	require.NoError(w.t, err)
	return names
}

// uploads are the pictures that were sent since mark: with their data, and linked alone.
func (w *world) uploads(mark int) (sent, linked int) {
	for _, r := range w.till.Requests()[mark:] {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/images.json") {
			if strings.Contains(r.Body, "filedata") {
				sent++
			} else {
				linked++
			}
		}
	}
	return sent, linked
}

func TestSitoo_F13_images_up(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		ctx := t.Context()
		picture := func(names ...string) (images []woo.ImageFields) {
			for _, name := range names {
				images = append(images, woo.ImageFields{Src: woo.Set("https://shop.invalid/" + name)})
			}
			return images
		}
		a, till := w.pair("A", 1, 1)
		for _, old := range []string{"old-1.jpg", "old-2.jpg", "old-3.jpg"} {
			require.NoError(t, w.sitoo.Images(till).Add(ctx, sitoo.Upload{ResourceID: old, Data: []byte("x")}))
		}
		_, err := w.woo.Products.Update(ctx, a, woo.ProductFields{Images: woo.Set(picture("one.jpg", "två.jpg"))})
		require.NoError(t, err)
		parent, ids := w.family("F", 1, "S", "M", "L")
		_, err = w.woo.Products.Update(ctx, parent, woo.ProductFields{Images: woo.Set(picture("family.jpg"))})
		require.NoError(t, err)
		_, err = w.woo.Variations(parent).Update(ctx, ids[0], woo.VariationFields{Image: woo.Set(picture("own.jpg")[0])})
		require.NoError(t, err)
		unlinked := w.product("ALONE", 1, `"images":[{"src":"https://shop.invalid/alone.jpg"}]`)

		cost, err := w.sync.resyncImagesCost(ctx)
		require.NoError(t, err)
		_, mark := w.marks()
		_, err = w.does(ResyncImages)
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.till.Requests())-mark, cost)
		names := w.tillImages(till)
		require.Len(t, names, 2, "the old ones are removed")
		require.Regexp(t, fmt.Sprintf(`^%d-0-[0-9a-f]{8}-.*one\.jpg$`, a), names[0])
		require.Regexp(t, fmt.Sprintf(`^%d-1-[0-9a-f]{8}-.*tv\.jpg$`, a), names[1], "a name that the till takes (X4)")
		deletes := []string{}
		for _, write := range w.tillWrites(mark) {
			if strings.HasPrefix(write, "DELETE") {
				deletes = append(deletes, write)
			}
		}
		p := fmt.Sprintf("DELETE sites/1/products/%d/images/", till)
		require.Equal(t, []string{p + "2.json", p + "1.json", p + "0.json"}, deletes, "the last first: the others move up")
		sent, linked := w.uploads(mark)
		require.Equal(t, []int{4, 1}, []int{sent, linked}, "what variations share is sent once and linked then")
		require.Contains(t, w.tillImages(w.tillProduct("F-S").ID)[0], "own.jpg")
		require.Equal(t, w.tillImages(w.tillProduct("F-M").ID), w.tillImages(w.tillProduct("F-L").ID))
		require.Empty(t, w.links.sitoo[ProductLink][fmt.Sprint(unlinked)])
		require.Equal(t, 4, w.till.Count("products"))

		_, mark = w.marks()
		_, err = w.does(ResyncImages)
		require.NoError(t, err)
		require.Empty(t, w.tillWrites(mark), "what is alike is left")

		_, err = w.woo.Products.Update(ctx, a, woo.ProductFields{Images: woo.Set(picture("one.jpg", "three.jpg"))})
		require.NoError(t, err)
		_, mark = w.marks()
		_, err = w.does(ResyncImages)
		require.NoError(t, err)
		require.Len(t, w.tillWrites(mark), 2, "what the lists begin with alike stays")
		require.Equal(t, names[0], w.tillImages(till)[0])
	})
}

// TestSitoo_F13_lost_answers: whether a picture was added or removed is told by the list, so none is there twice or removed in
// another's place.
func TestSitoo_F13_lost_answers(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		a, till := w.pair("A", 1, 1)
		for _, old := range []string{"old-1.jpg", "old-2.jpg"} {
			require.NoError(t, w.sitoo.Images(till).Add(t.Context(), sitoo.Upload{ResourceID: old, Data: []byte("x")}))
		}
		_, err := w.woo.Products.Update(t.Context(), a, woo.ProductFields{Images: woo.Set([]woo.ImageFields{
			{Src: woo.Set("https://shop.invalid/1.jpg")}, {Src: woo.Set("https://shop.invalid/2.jpg")},
		})})
		require.NoError(t, err)
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if strings.Contains(r.URL.Path, "/images") && r.Method != http.MethodGet {
				return sitootest.Lost
			}
			return sitootest.None
		}})
		_, err = w.does(ResyncImages)
		require.NoError(t, err)
		names := w.tillImages(till)
		require.Len(t, names, 2)
		require.Contains(t, names[0], "1.jpg")
		require.Contains(t, names[1], "2.jpg")
	})
}

// TestSitoo_X4_fix_images: pictures whose names collide with another product's, or that the till would refuse, are sent once more by
// names of their own.
func TestSitoo_X4_fix_images(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: withPictures}, func(t *testing.T, w *world) {
		ctx := t.Context()
		var tills []sitoo.ProductID
		for i, sku := range []string{"A", "B", "C", "D"} {
			id, till := w.pair(sku, 1, 1)
			tills = append(tills, till)
			_, err := w.woo.Products.Update(ctx, id, woo.ProductFields{Images: woo.Set([]woo.ImageFields{
				{Src: woo.Set(fmt.Sprintf("https://shop.invalid/%d/1.jpg", i))}, {Src: woo.Set(fmt.Sprintf("https://shop.invalid/%d/å.jpg", i))},
			})})
			require.NoError(t, err)
		}
		add := func(till sitoo.ProductID, name string) {
			body := map[string]any{"resourceid": name, "filedata": "eA=="}
			require.NoError(t, w.sitoo.Do(ctx, http.MethodPost, fmt.Sprintf("sites/1/products/%d/images", till), body, nil))
		}
		add(tills[0], "1.jpg")
		add(tills[1], "1.jpg")
		add(tills[2], "good.jpg")
		add(tills[3], "röd.jpg")
		_, mark := w.marks()
		_, err := w.does(FixImages)
		require.NoError(t, err)
		require.Equal(t, []string{"good.jpg"}, w.tillImages(tills[2]), "what is good is left")
		seen := map[string]bool{}
		for _, till := range []sitoo.ProductID{tills[0], tills[1], tills[3]} {
			names := w.tillImages(till)
			require.Len(t, names, 2)
			for _, name := range names {
				require.True(t, sitoo.ValidResourceID(name), name)
				require.False(t, seen[name], "no two share one")
				seen[name] = true
			}
		}
		_, again := w.marks()
		require.NotEqual(t, mark, again)
		_, err = w.does(FixImages)
		require.NoError(t, err)
		require.Empty(t, w.tillWrites(again), "a second run finds nothing to do")
	})
}
