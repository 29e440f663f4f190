package woo

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// walkAll collects what All yields.
func walkAll(t testing.TB, c *Client, q OrderQuery) (ids []int64, errs []error) {
	t.Helper()
	for o, err := range c.Orders.All(t.Context(), q) {
		if err != nil {
			require.Nil(t, o)
			errs = append(errs, err)
			continue
		}
		ids = append(ids, int64(o.ID))
	}
	return ids, errs
}

// Point 7 of the acceptance list: each id once while rows are inserted between pages.
func TestAcceptance07EachOnceWhileRowsComeAndGo(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *rows, request int){
		"new orders at the end": func(s *rows, n int) { s.enter(1000+int64(n), 2000+int64(n)) },
		"orders enter before the reader": func(s *rows, n int) {
			if n > 1 {
				s.enter(int64(2*n) - 1) // ids below, as when an order gets the status asked for
			}
		},
		"one is deleted behind the reader": func(s *rows, n int) {
			if n == 2 {
				s.drop(4)
			}
		},
		"one goes, one comes: the total stays": func(s *rows, n int) {
			if n == 2 {
				s.drop(4)
				s.enter(1001)
			}
		},
		"a whole page leaves": func(s *rows, n int) {
			if n == 2 {
				s.drop(s.ids[:100]...)
			}
		},
		"three pages leave": func(s *rows, n int) {
			if n == 4 {
				s.drop(s.ids[:300]...)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, noTotals := range []bool{false, true} {
				s := &rows{noTotals: noTotals}
				for id := int64(1); id <= 450; id++ {
					s.ids = append(s.ids, 2*id)
				}
				start := slices.Clone(s.ids)
				s.between = func(n int) {
					if n <= 10 { // a shop that grows with every request would be read for ever
						change(s, n)
					}
				}
				ids, errs := walkAll(t, clientOf(t, shopAddress, s.ServeHTTP), OrderQuery{})
				require.Empty(t, errs)
				require.True(t, slices.IsSorted(ids))
				require.Len(t, slices.Compact(slices.Clone(ids)), len(ids), "twice")
				for _, id := range start {
					if slices.Contains(s.ids, id) {
						require.Contains(t, ids, id, "missed although it was there all the time")
					}
				}
			}
		})
	}
}

// The promise of All, against a shop that changes in any way between two pages, leaves out rows and drops its totals.
func TestAllPromise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := &rows{
			ids:      upTo(rapid.Int64Range(0, 60).Draw(rt, "rows")),
			noTotals: rapid.Bool().Draw(rt, "no totals"),
			hidden:   map[int64]bool{},
		}
		size := rapid.IntRange(1, 12).Draw(rt, "size")
		if len(s.ids) > 0 { // fewer than a page: a page of nothing but hidden rows looks like the end
			for range rapid.IntRange(0, max(0, size-2)).Draw(rt, "hidden") {
				s.hidden[rapid.SampledFrom(s.ids).Draw(rt, "hide")] = true
			}
		}
		stayed := map[int64]bool{}
		for _, id := range s.ids {
			stayed[id] = !s.hidden[id]
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
				s.enter(rapid.Int64Range(1, 90).Draw(rt, "comes"))
			}
		}
		client := directClient(t, s.ServeHTTP)
		var got []int64
		for o, err := range client.Orders.All(context.Background(), OrderQuery{PerPage: size}) {
			if errors.Is(err, ErrPaging) {
				// A page that equals the one before although rows moved is what a shop that ignores the query looks like; the
				// walk would rather stop. It takes as many rows entering below as a window is long.
				rt.Skip("a page repeated itself by chance")
			}
			require.NoError(rt, err)
			got = append(got, int64(o.ID))
			require.Less(rt, len(s.requests), 500, "runs in circles")
		}
		require.True(rt, slices.IsSorted(got))
		require.Len(rt, slices.Compact(slices.Clone(got)), len(got), "an id came twice")
		for id, there := range stayed {
			if there {
				require.Contains(rt, got, id)
			}
		}
	})
}

// directClient answers without pipes, for tests of many requests.
func directClient(t testing.TB, h http.HandlerFunc) *Client {
	t.Helper()
	c, err := New(Config{URL: shopAddress, Key: testKey, Secret: testSecret, HTTPClient: &http.Client{Transport: direct(h)}})
	require.NoError(t, err)
	return c
}

func TestAllCostsOneRequestPerPage(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(1000)}
	ids, errs := walkAll(t, clientOf(t, shopAddress, s.ServeHTTP), OrderQuery{})
	require.Empty(t, errs)
	require.Equal(t, upTo(1000), ids)
	require.Len(t, s.requests, 11) // one more than 10, for the overlap
	require.Equal(t, []string{"100"}, s.requests[0]["per_page"])
	require.NotContains(t, s.requests[0], "offset")
}

// Point 7: a short page is not the end, nor is a total of 0 beyond it, nor are missing totals.
func TestAcceptance07ShortPages(t *testing.T) {
	t.Parallel()
	for _, noTotals := range []bool{false, true} {
		s := &rows{ids: upTo(350), hidden: map[int64]bool{50: true, 51: true, 100: true, 101: true, 350: true}, noTotals: noTotals}
		for id := int64(199); id < 330; id++ { // a whole page and the overlap after it
			s.hidden[id] = true
		}
		ids, errs := walkAll(t, clientOf(t, shopAddress, s.ServeHTTP), OrderQuery{})
		require.Empty(t, errs)
		require.Len(t, ids, 350-5-131)
		require.Equal(t, int64(349), ids[len(ids)-1])
	}
}

// Point 7: a shop that ignores the position is an error, not a loop and not a short list.
func TestAcceptance07RepeatedPage(t *testing.T) {
	t.Parallel()
	for _, noTotals := range []bool{false, true} {
		s := &rows{ids: upTo(250), noTotals: noTotals}
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			q.Del("offset")
			r.URL.RawQuery = q.Encode()
			s.ServeHTTP(w, r)
		})
		ids, errs := walkAll(t, c, OrderQuery{})
		require.Equal(t, upTo(100), ids)
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], ErrPaging)
		require.EqualError(t, errs[0], "woo: orders.All: the shop answers the same page again, so the list cannot be read to its end: "+
			"look for a page cache or rewrite rule that drops the query of /wp-json/ addresses")
		require.Len(t, s.requests, 2)
	}
}

func TestAllRefusesUnsortedPages(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `[{"id":3},{"id":2}]`) })
	ids, errs := walkAll(t, c, OrderQuery{})
	require.Empty(t, ids)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrPaging)
}

func TestAllIsLazyAndHonoursBreak(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(250)}
	n := 0
	for _, err := range clientOf(t, shopAddress, s.ServeHTTP).Orders.All(t.Context(), OrderQuery{}) {
		require.NoError(t, err)
		if n++; n == 100 {
			require.Len(t, s.requests, 1, "the second page was asked for early")
		}
		if n == 101 {
			break
		}
	}
	require.Len(t, s.requests, 2)
}

func TestAllYieldsAnErrorOnce(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(250)}
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("offset") {
			answer(w, 401, `{"code":"woocommerce_rest_cannot_view","message":"no","data":{"status":401}}`)
			return
		}
		s.ServeHTTP(w, r)
	})
	ids, errs := walkAll(t, c, OrderQuery{})
	require.Len(t, ids, 100)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrAuth)
}

// One malformed element does not lose its page, and is told of once although windows overlap.
func TestAllGoesOnAfterAMalformedRecord(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(250), broken: map[int64]string{
		7:   `{"id":7,"total":{"a":1}}`,
		100: `{"id":"100","line_items":7}`, // in the overlap
		120: `null`,                        // has not even an id
		250: `{"id":250,"line_items":[{"id":1,"total":[1]}]}`,
	}}
	ids, errs := walkAll(t, clientOf(t, shopAddress, s.ServeHTTP), OrderQuery{})
	require.Len(t, ids, 246)
	require.Len(t, errs, 4)
	for i, id := range []int64{7, 100, 0, 250} {
		require.ErrorIs(t, errs[i], ErrMalformed)
		var e *Error
		require.ErrorAs(t, errs[i], &e)
		require.Equal(t, id, e.ResourceID)
		require.True(t, e.Permanent())
		require.False(t, e.Systemic())
	}
	var e *DecodeError
	require.ErrorAs(t, errs[3], &e)
	require.Equal(t, "line_items[0].total", e.Field)
	require.Contains(t, errs[3].Error(), "woo: orders.All: record 250 cannot be read: line_items[0].total: ")
}

func TestAllRefusesPositions(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(http.ResponseWriter, *http.Request) { t.Error("asked the shop") })
	for _, q := range []OrderQuery{{Page: 2}, {Offset: 10}, {OrderBy: "date"}, {Order: Descending}, {PerPage: 101}} {
		_, errs := walkAll(t, c, q)
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], ErrValidation)
	}
	_, errs := walkAll(t, c, OrderQuery{OrderBy: "date"})
	require.EqualError(t, errs[0], "woo: orders.All: orderby: All walks the whole list by id; leave it out, or use List")
}

func TestAllCopiesTheQuery(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(3)}
	statuses := []OrderStatus{OrderProcessing}
	seq := clientOf(t, shopAddress, s.ServeHTTP).Orders.All(t.Context(), OrderQuery{Status: statuses})
	statuses[0] = OrderFailed
	for range 2 { // and can be walked again
		for _, err := range seq {
			require.NoError(t, err)
		}
	}
	require.Len(t, s.requests, 2)
	for _, q := range s.requests {
		require.Equal(t, []string{"processing"}, q["status"])
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := &rows{ids: upTo(250)}
	c := clientOf(t, shopAddress, s.ServeHTTP)
	orders, page, err := c.Orders.List(t.Context(), OrderQuery{Page: 3, PerPage: 100, OrderBy: "id", Order: Ascending})
	require.NoError(t, err)
	require.Len(t, orders, 50)
	require.Equal(t, OrderID(201), orders[0].ID)
	require.Equal(t, &Page{Total: 250, Pages: 3}, page)

	orders, page, err = c.Orders.List(t.Context(), OrderQuery{Page: 9, PerPage: 100, OrderBy: "id", Order: Ascending})
	require.NoError(t, err)
	require.Empty(t, orders)
	require.Equal(t, &Page{Total: -1, Pages: -1}, page, "the totals of an empty page say nothing")

	s.noTotals = true
	_, page, err = c.Orders.List(t.Context(), OrderQuery{PerPage: 2, OrderBy: "id", Order: Ascending})
	require.NoError(t, err)
	require.Equal(t, &Page{Total: -1, Pages: -1}, page)

	s.broken = map[int64]string{2: `{"id":2,"total":{}}`}
	s.broken[2] = `{"id":2,"line_items":"x"}`
	orders, _, err = c.Orders.List(t.Context(), OrderQuery{PerPage: 3, OrderBy: "id", Order: Ascending})
	require.ErrorIs(t, err, ErrMalformed)
	require.Len(t, orders, 2)
}

// Order notes come whole: one request, whatever the number, in the shop's order.
func TestUnpagedList(t *testing.T) {
	t.Parallel()
	var j journalOf
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
		j.note(r)
		answer(w, 200, "["+strings.TrimSuffix(strings.Repeat(`{"id":9},{"id":5},`, 60), ",")+"]")
	})
	n := 0
	for _, err := range c.OrderNotes(12).All(t.Context(), OrderNoteQuery{}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 120, n)
	require.Equal(t, 1, j.len())
	require.Equal(t, "/wp-json/wc/v3/orders/12/notes", j.seen[0].URL.Path)
	_, page, err := c.OrderNotes(12).List(t.Context(), OrderNoteQuery{})
	require.NoError(t, err)
	require.Equal(t, &Page{Total: 120, Pages: 1}, page)
}
