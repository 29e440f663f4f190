package woo

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Lists that ignore offset are walked by pages of changing size, and All keeps its promise.

func TestPageAt(t *testing.T) {
	t.Parallel()
	for offset := range 20000 {
		for _, most := range []int{leastByPage, 33, 50, maxPage} {
			at := pageAt(offset, most)
			if at.start%at.size != 0 || at.size > most || at.start > offset || at.start+at.size < offset+2 {
				t.Fatalf("pageAt(%d, %d) = %v shows no more than the place itself, or is no page", offset, most, at)
			}
		}
	}
	require.Equal(t, window{0, 100}, pageAt(0, 100))
	require.Equal(t, window{99, 99}, pageAt(99, 100))
}

// byPageLists are the collections that are walked by pages.
var byPageLists = map[string]func(ctx context.Context, c *Client, size int, yield func(id int64, err error) bool){
	"webhooks": func(ctx context.Context, c *Client, size int, yield func(int64, error) bool) {
		for w, err := range c.Webhooks.All(ctx, WebhookQuery{PerPage: size}) {
			var id int64
			if w != nil {
				id = int64(w.ID)
			}
			if !yield(id, err) {
				return
			}
		}
	},
}

func TestByPagePromise(t *testing.T) {
	t.Parallel()
	for name, all := range byPageLists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				s := &rows{
					ids:      upTo(rapid.Int64Range(0, 150).Draw(rt, "rows")),
					noTotals: rapid.Bool().Draw(rt, "no totals"),
					noOffset: true,
				}
				stayed := map[int64]bool{}
				for _, id := range s.ids {
					stayed[id] = true
				}
				s.between = func(n int) {
					if n < 2 || n > 30 || len(s.ids) == 0 {
						return
					}
					for range rapid.IntRange(0, 8).Draw(rt, "leave") {
						if len(s.ids) > 0 {
							id := rapid.SampledFrom(s.ids).Draw(rt, "leaves")
							s.drop(id)
							delete(stayed, id)
						}
					}
					for range rapid.IntRange(0, 3).Draw(rt, "come") {
						s.enter(rapid.Int64Range(1, 220).Draw(rt, "comes"))
					}
				}
				var got []int64
				size := rapid.IntRange(1, 40).Draw(rt, "size")
				all(context.Background(), directClient(t, s.ServeHTTP), size, func(id int64, err error) bool {
					if errors.Is(err, ErrPaging) {
						rt.Skip("a page repeated itself by chance")
					}
					require.NoError(rt, err)
					got = append(got, id)
					require.Less(rt, len(s.requests), 500, "runs in circles")
					return true
				})
				require.True(rt, slices.IsSorted(got))
				require.Len(rt, slices.Compact(slices.Clone(got)), len(got), "an id came twice")
				for id := range stayed {
					require.Contains(rt, got, id)
				}
			})
		})
	}
}

func TestByPageDrift(t *testing.T) {
	t.Parallel()
	for name, all := range byPageLists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, noTotals := range []bool{false, true} {
				s := &rows{ids: upTo(450), noOffset: true, noTotals: noTotals}
				s.between = func(n int) {
					switch n {
					case 2: // the border of the first page moves by one
						s.drop(4)
					case 4:
						s.drop(s.ids[:150]...)
						s.enter(2, 4, 1000)
					}
				}
				var got []int64
				all(t.Context(), clientOf(t, shopAddress, s.ServeHTTP), 0, func(id int64, err error) bool {
					require.NoError(t, err)
					got = append(got, id)
					return true
				})
				require.True(t, slices.IsSorted(got))
				require.Equal(t, slices.Compact(slices.Clone(got)), got)
				require.Subset(t, got, upTo(450)[151:], "missed although they were there all the time")
				for _, q := range s.requests {
					require.NotContains(t, q, "offset")
				}
			}
		})
	}
}

// A cache that does not look at the query is an error and not a short list.
func TestByPageRepeated(t *testing.T) {
	t.Parallel()
	for name, all := range byPageLists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, rows150 := range []bool{true, false} {
				s := &rows{ids: upTo(50), noOffset: true, noTotals: true}
				if rows150 {
					s.ids = upTo(150)
				}
				c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
					if len(s.requests) > 20 { // the walk runs in circles: end it
						answer(w, 401, `{"code":"woocommerce_rest_cannot_view","message":"no","data":{"status":401}}`)
						return
					}
					q := r.URL.Query()
					q.Del("page")
					r.URL.RawQuery = q.Encode()
					s.ServeHTTP(w, r)
				})
				var errs []error
				all(t.Context(), c, 0, func(_ int64, err error) bool {
					if err != nil {
						errs = append(errs, err)
					}
					return true
				})
				require.Len(t, errs, 1)
				require.ErrorIs(t, errs[0], ErrPaging)
				require.LessOrEqual(t, len(s.requests), 3)
			}
		})
	}
}

func TestByPageCostsOneRequestPerPage(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(1000), noOffset: true}
	n := 0
	for _, err := range clientOf(t, shopAddress, s.ServeHTTP).Webhooks.All(t.Context(), WebhookQuery{}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 1000, n)
	require.Len(t, s.requests, 11)
	require.Equal(t, []string{"100"}, s.requests[0]["per_page"])
}
