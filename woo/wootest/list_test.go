package wootest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

// addAt adds an order that was made and changed at the times given, UTC.
func addAt(t testing.TB, shop *wootest.Shop, created, modified string) int {
	t.Helper()
	id, err := shop.AddOrder(fmt.Appendf(nil, `{"order_key":"k","status":"processing","date_created_gmt":%q,"date_modified_gmt":%q,"line_items":[]}`, created, modified))
	require.NoError(t, err)
	return int(id)
}

func TestDateFiltersExcludeTheirOwnSecond(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	a := addAt(t, shop, "2026-11-05T04:00:00", "2026-11-06T04:00:00")
	b := addAt(t, shop, "2026-11-05T04:00:01", "2026-11-06T04:00:01")
	c := addAt(t, shop, "2026-11-05T04:00:02", "2026-11-06T04:00:02")
	for query, want := range map[string][]int{
		"after=2026-11-05T04:00:01":                                              {c},
		"after=2026-11-05T04:00:01.900":                                          {c},
		"before=2026-11-05T04:00:01":                                             {a},
		"modified_after=2026-11-06T04:00:01":                                     {c},
		"modified_before=2026-11-06T04:00:01":                                    {a},
		"modified_after=2026-11-06T04:00:00&modified_before=2026-11-06T04:00:02": {b},
	} {
		got := send(t, shop, "GET", "orders?dates_are_gmt=true&orderby=id&order=asc&"+query, "")
		require.Equal(t, want, got.ids(t), query)
	}
}

func TestDateFilterZones(t *testing.T) {
	t.Parallel()
	for _, offset := range []int{+1, -5} {
		shop := newShop(t, wootest.Config{Location: time.FixedZone("", offset*3600)})
		at := addAt(t, shop, "2026-11-05T04:00:00", "2026-11-05T04:00:00")
		found := func(query string) bool {
			return slices.Contains(send(t, shop, "GET", "orders?"+query, "").ids(t), at)
		}
		local := func(d time.Duration) string {
			return time.Date(2026, 11, 5, 4+offset, 0, 0, 0, time.UTC).Add(d).Format("2006-01-02T15:04:05")
		}
		require.True(t, found("after="+local(-time.Second)), "bare is local")
		require.False(t, found("after="+local(0)))
		require.True(t, found("dates_are_gmt=true&after=2026-11-05T03:59:59"))
		require.False(t, found("dates_are_gmt=true&after=2026-11-05T04:00:00"))
		require.True(t, found("after=2026-11-05T03:59:59Z"), "Z alone is right")
		require.False(t, found("after=2026-11-05T04:00:00Z"))
		require.False(t, found("after=2026-11-05T05:00:00%2B01:00"))
		require.True(t, found("after=2026-11-05T04:59:59%2B01:00"))
		// Z together with dates_are_gmt is wrong by the offset.
		require.Equal(t, offset < 0, found("dates_are_gmt=true&after=2026-11-05T04:00:00Z"))
		require.Equal(t, offset < 0, found("dates_are_gmt=true&after=2026-11-05T03:59:59Z"))
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	all := shop.Seed(25, 3)
	var got []int
	for page := 1; page <= 3; page++ {
		a := send(t, shop, "GET", fmt.Sprintf("orders?orderby=id&order=asc&page=%d", page), "")
		require.Equal(t, "25", a.header.Get("X-WP-Total"))
		require.Equal(t, "3", a.header.Get("X-WP-TotalPages"))
		got = append(got, a.ids(t)...)
	}
	require.Len(t, got, 25)
	for i, id := range all {
		require.EqualValues(t, id, got[i])
	}
	past := send(t, shop, "GET", "orders?page=4", "")
	require.Equal(t, "[]", past.body)
	require.Equal(t, "0", past.header.Get("X-WP-Total"), "HPOS forgets the total")
	require.Contains(t, past.header.Get("Link"), "page=0")
	past = send(t, shop, "GET", "products?page=99", "")
	require.NotEqual(t, "0", past.header.Get("X-WP-Total"), "products do not")

	require.Equal(t, got[5:8], send(t, shop, "GET", "orders?orderby=id&order=asc&per_page=3&offset=5", "").ids(t))
	newest := send(t, shop, "GET", "orders?per_page=1", "").ids(t)
	require.EqualValues(t, all[24], newest[0], "default: newest first")
	head := send(t, shop, "HEAD", "orders", "")
	require.Equal(t, "25", head.header.Get("X-WP-Total"))
	require.Empty(t, head.body)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	shop.Seed(60, 3)
	byStatus := map[string][]int64{}
	for _, o := range shop.Orders() {
		byStatus[o.Status] = append(byStatus[o.Status], o.ID)
	}
	for _, query := range []string{"status=processing,completed", "status[]=processing&status[]=completed", "status[0]=processing&status[1]=completed"} {
		a := send(t, shop, "GET", "orders?per_page=100&"+query, "")
		require.Len(t, a.list(t), len(byStatus["processing"])+len(byStatus["completed"]), query)
	}
	require.Len(t, send(t, shop, "GET", "orders?per_page=100&status=processing&status=completed", "").list(t), len(byStatus["completed"]), "PHP keeps the last")
	require.Len(t, send(t, shop, "GET", "orders?per_page=100&status=packed", "").list(t), len(byStatus["packed"]))
	require.Len(t, send(t, shop, "GET", "orders?per_page=100&status=", "").list(t), 60, "an empty filter is none")
	require.Len(t, send(t, shop, "GET", "orders?per_page=100&order_by=nonsense&meta_key=x", "").list(t), 60, "unknown parameters are ignored")

	id := byStatus["processing"][0]
	require.NoError(t, shop.TrashOrder(id))
	require.Len(t, send(t, shop, "GET", "orders?per_page=100", "").list(t), 59)
	require.Len(t, send(t, shop, "GET", "orders?per_page=100&status=any,trash", "").list(t), 59)
	require.Equal(t, []int{int(id)}, send(t, shop, "GET", "orders?status=trash", "").ids(t))

	other := byStatus["completed"][0]
	require.Equal(t, []int{int(other)}, send(t, shop, "GET", fmt.Sprintf("orders?include=%d,999999,%d", other, id), "").ids(t))
	require.Len(t, send(t, shop, "GET", fmt.Sprintf("orders?per_page=100&exclude=%d", other), "").list(t), 58)
	for _, o := range send(t, shop, "GET", "orders?per_page=100&customer=0", "").list(t) {
		require.InDelta(t, 0, o["customer_id"], 0)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	id := shop.Seed(1, 3)[0]
	a := send(t, shop, "GET", "orders?_fields=id,billing.email,line_items.sku,meta_data", "")
	o := a.list(t)[0]
	require.Len(t, o, 3, "no reach into lists")
	require.Len(t, o["billing"], 1)
	one := send(t, shop, "GET", fmt.Sprintf("orders/%d?_fields=id,status", id), "").object(t)
	require.Len(t, one, 3, "_links stays on one resource")
	require.Contains(t, one, "_links")
	require.Equal(t, "[]", send(t, shop, "POST", "orders/batch?_fields=id", fmt.Sprintf(`{"update":[{"id":%d,"status":"completed"}]}`, id)).body)
	require.Equal(t, "completed", shop.Orders()[0].Status, "done all the same")
}
