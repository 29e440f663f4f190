package legacy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// A recorded order with a variation, a refund and a tax on shipping, member by member.
func TestOrder(t *testing.T) {
	t.Parallel()
	o, err := replay(t, "wc-11.0.1/orders/single-partial-refund.http").Orders.Get(t.Context(), 278)
	require.NoError(t, err)
	require.Equal(t, woo.OrderID(278), o.ID)
	require.Equal(t, "278", o.Number)
	require.Equal(t, "wc_order_dYXPaBtzW6TJ3", o.OrderKey)
	require.Equal(t, woo.OrderRefunded, o.Status)
	require.Equal(t, time.Date(2026, 9, 3, 14, 5, 33, 0, time.UTC), o.DateCreated)
	require.Equal(t, time.Date(2026, 11, 21, 17, 14, 52, 0, time.UTC), o.DateModified)
	require.Equal(t, time.Date(2026, 11, 21, 17, 14, 51, 0, time.UTC), o.DateCompleted)
	require.Zero(t, o.DatePaid)
	require.Equal(t, "130.32 21.72 4.10 0.82 20.90 0.00", strings.Join([]string{text2(o.Total), text2(o.TotalTax),
		text2(o.ShippingTotal), text2(o.ShippingTax), text2(o.CartTax), text2(o.DiscountTotal)}, " "))
	require.Equal(t, "cod", o.PaymentMethod)
	require.Equal(t, "Cash on delivery", o.PaymentMethodTitle)
	require.Equal(t, true, open(t, o.Extra["payment_details"])["paid"])
	require.Equal(t, "Kovač", o.Billing.LastName)
	require.Equal(t, "guest9@example.test", o.Billing.Email)
	require.Equal(t, "AT", o.Shipping.Country)
	require.Zero(t, o.CustomerID)
	require.Len(t, o.LineItems, 2)
	line := o.LineItems[1]
	require.Equal(t, woo.ProductID(214), line.ProductID, "the variation's own id")
	require.Equal(t, "VAR-5-GREEN-S", *line.SKU)
	color, ok := line.MetaData.Get("pa_color")
	require.True(t, ok)
	require.Equal(t, "green", color.String())
	require.JSONEq(t, `"Color"`, string(color.DisplayKey))
	require.Equal(t, "AT-UST-1", o.TaxLines[0].RateCode)
	require.Equal(t, "USt", o.TaxLines[0].Label)
	require.False(t, o.TaxLines[0].TaxTotal.IsSet(), "the sum of both parts is none of them")
	require.JSONEq(t, `"21.72"`, string(o.TaxLines[0].Extra["total"]))
	require.Nil(t, o.Refunds)

	for _, store := range stores { // 1970 is never, fees and coupons have other names
		orders, page, err := replay(t, store+"/orders/list-default.http").Orders.List(t.Context(), woo.OrderQuery{})
		require.NoError(t, err)
		require.Len(t, orders, 10)
		require.Equal(t, 26, page.Pages)
		at := slices.IndexFunc(orders, func(o *woo.Order) bool { return len(o.FeeLines) > 0 })
		require.Equal(t, "COD fee", orders[at].FeeLines[0].Name)
		require.Equal(t, "1.50", text2(orders[at].FeeLines[0].Total))
		at = slices.IndexFunc(orders, func(o *woo.Order) bool { return len(o.CouponLines) > 0 })
		require.Positive(t, orders[at].CouponLines[0].Discount.Sign())
		at = slices.IndexFunc(orders, func(o *woo.Order) bool { return o.Status == woo.OrderPending })
		require.Zero(t, orders[at].DateCompleted)
	}
}

func text2(d woo.Decimal) string { return d.StringFixed(2) }

// Meta data comes as an object by key, where the shop shows any; line meta as an object with numbers from WooCommerce 3.0.0.
func TestMeta(t *testing.T) {
	t.Parallel()
	o, err := decode[woo.Order]([]byte(`{"id":1,"order_meta":{"vat":"SI1","n":5},"line_items":[{"id":2,"meta":{"0":{"key":"a","label":"A","value":"1"},
		"10":{"key":"c","value":"3"},"2":{"key":"b","value":"2"}}}]}`), order)
	require.NoError(t, err)
	require.Len(t, o.MetaData, 2)
	vat, _ := o.MetaData.Get("vat")
	require.Equal(t, "SI1", vat.String())
	var keys []string
	for _, m := range o.LineItems[0].MetaData {
		keys = append(keys, m.Key)
	}
	require.Equal(t, []string{"a", "b", "c"}, keys)
}

// Bounds are exclusive, although the API's are inclusive; UTC, whatever zone the query is in; anything else is named.
func TestOrderQuery(t *testing.T) {
	t.Parallel()
	shop, legacy, _ := fake(t, wootest.Config{Location: time.FixedZone("", 13*3600)})
	base := time.Date(2026, 11, 4, 23, 59, 59, 0, time.UTC)
	for i := range 3 {
		at := base.Add(time.Duration(i) * time.Second).Format("2006-01-02T15:04:05")
		_, err := shop.AddOrder([]byte(`{"order_key":"k","status":"processing","date_created_gmt":"` + at + `","date_modified_gmt":"` + at + `"}`))
		require.NoError(t, err)
	}
	var queries []url.Values
	config := configOf(shop, legacy)
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		queries = append(queries, r.URL.Query())
		return legacy.Transport().RoundTrip(r)
	})}
	client, err := New(config)
	require.NoError(t, err)
	count := func(q woo.OrderQuery) (n int) {
		for _, err := range client.Orders.All(t.Context(), q) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	vienna := time.FixedZone("", 3600)
	require.Equal(t, 3, count(woo.OrderQuery{ModifiedAfter: base.Add(-time.Second).In(vienna)}))
	require.Equal(t, 2, count(woo.OrderQuery{ModifiedAfter: base.In(vienna)}))
	require.Equal(t, "2026-11-05T00:00:00Z", queries[len(queries)-1].Get("filter[updated_at_min]"))
	require.Equal(t, 2, count(woo.OrderQuery{After: base.Add(time.Second / 2)}))
	require.Equal(t, 1, count(woo.OrderQuery{After: base.Add(time.Second), Status: []woo.OrderStatus{woo.OrderProcessing}}))
	orders, _, err := client.Orders.List(t.Context(), woo.OrderQuery{Before: base.Add(time.Second)})
	require.NoError(t, err)
	require.Len(t, orders, 1)
	orders, _, err = client.Orders.List(t.Context(), woo.OrderQuery{ModifiedBefore: base.Add(time.Second + 1)})
	require.NoError(t, err)
	require.Len(t, orders, 2)

	v := reflect.New(reflect.TypeFor[woo.OrderQuery]()).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if slices.Contains([]string{"Status", "After", "ModifiedAfter", "PerPage"}, name) {
			continue
		}
		q := reflect.New(v.Type()).Elem()
		fill(q.Field(i))
		for _, err := range client.Orders.All(t.Context(), q.Interface().(woo.OrderQuery)) {
			require.ErrorIs(t, err, woo.ErrValidation, name)
			require.ErrorContains(t, err, "orders.All: "+name+":")
		}
	}
	for _, bad := range []woo.OrderQuery{{Status: []woo.OrderStatus{}}, {Status: []woo.OrderStatus{"processing", "procesing"}}, {PerPage: 101}} {
		for _, err := range client.Orders.All(t.Context(), bad) {
			require.ErrorIs(t, err, woo.ErrValidation)
		}
	}
	_, err = client.Orders.Count(t.Context(), "nope")
	require.ErrorContains(t, err, `the shop knows no "nope"`)
}

// fill makes a field differ from its zero value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	default:
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1e9, 0)))
		case woo.Field[woo.CustomerID]:
			v.Set(reflect.ValueOf(woo.Set(woo.CustomerID(1))))
		case woo.Field[woo.ProductID]:
			v.Set(reflect.ValueOf(woo.Set(woo.ProductID(1))))
		case woo.Field[string]:
			v.Set(reflect.ValueOf(woo.Set("x")))
		case woo.Field[int]:
			v.Set(reflect.ValueOf(woo.Set(1)))
		case woo.Field[bool]:
			v.Set(reflect.ValueOf(woo.Set(true)))
		default:
			panic(v.Type())
		}
	}
}

// rows is a list of orders that changes while it is read, in the API's words.
type rows struct {
	mu                            sync.Mutex
	ids                           []int64
	between                       func(request int) // before each page is answered
	deaf                          bool              // the position is not looked at
	unsorted, bare, hiding, apart bool
	pages                         int
}

func (s *rows) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/wp-json/") {
		return answer(r, 404, `{"code":"rest_no_route"}`), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
	if s.between != nil {
		s.between(s.pages)
	}
	q := r.URL.Query()
	if q.Get("filter[orderby]") != "ID" || q.Get("filter[order]") != "ASC" {
		return answer(r, 400, `{"errors":[{"code":"woocommerce_api_test","message":"not by id"}]}`), nil
	}
	limit, _ := strconv.Atoi(q.Get("filter[limit]"))
	at, _ := strconv.Atoi(q.Get("filter[offset]"))
	if s.deaf {
		at = 0
	}
	window := slices.Clone(s.ids[min(at, len(s.ids)):min(at+limit, len(s.ids))])
	if s.apart && at > 0 { // as if all of them were others than a moment ago
		for i := range window {
			window[i] += 1000
		}
	}
	if s.unsorted {
		slices.Reverse(window)
	}
	if s.hiding && at > 0 {
		window = window[:1]
	}
	var list []string
	for _, id := range window {
		list = append(list, fmt.Sprintf(`{"id":%d}`, id))
	}
	res := answer(r, 200, `{"orders":[`+strings.Join(list, ",")+`]}`)
	if !s.bare {
		total := len(s.ids)
		if len(window) == 0 {
			total = 0
		}
		res.Header.Set("X-WC-Total", strconv.Itoa(total))
	}
	return res, nil
}

func (s *rows) drop(ids ...int64) {
	s.ids = slices.DeleteFunc(s.ids, func(id int64) bool { return slices.Contains(ids, id) })
}

func upTo(n int64) (ids []int64) {
	for i := range n {
		ids = append(ids, i+1)
	}
	return ids
}

func (s *rows) walk(t *testing.T, size int) (got []int64, err error) {
	t.Helper()
	client := clientOf(t, Config{}, s.RoundTrip)
	for order, failure := range client.Orders.All(t.Context(), woo.OrderQuery{PerPage: size}) {
		if failure != nil {
			return got, failure
		}
		got = append(got, int64(order.ID))
	}
	return got, nil
}

// A record that is in the list during the whole walk is yielded exactly once, whatever leaves and enters meanwhile.
func TestWalkUnderDrift(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*rows{
		"nothing happens":     {},
		"without totals":      {bare: true},
		"the last one leaves": {},
		"all read ones leave": {},
		"some enter":          {},
		"many leave":          {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.ids = upTo(60)
			gone := map[int64]bool{}
			leave := func(ids ...int64) {
				s.drop(ids...)
				for _, id := range ids {
					gone[id] = true
				}
			}
			s.between = func(request int) {
				switch name {
				case "the last one leaves":
					if request == 2 {
						leave(10)
					}
				case "all read ones leave":
					if request == 2 {
						leave(upTo(10)...)
					}
				case "some enter":
					s.ids = append(s.ids, int64(100+request))
				case "many leave":
					if request%2 == 0 && request < 10 {
						leave(int64(request), int64(3*request), int64(3*request+1))
					}
				}
				if len(s.ids) > 70 {
					s.ids = s.ids[:70]
				}
			}
			got, err := s.walk(t, 10)
			require.NoError(t, err)
			require.True(t, slices.IsSorted(got))
			require.Len(t, slices.Compact(slices.Clone(got)), len(got), "none twice")
			for _, id := range upTo(60) {
				if !gone[id] {
					require.Contains(t, got, id)
				}
			}
		})
	}
}

// A shop that would make the walk skip orders or run in circles is an error, never a short list.
func TestWalkStuck(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*rows{
		"the position is not looked at": {deaf: true},
		"not by id":                     {unsorted: true},
		"counted, not shown":            {hiding: true},
	} {
		s.ids = upTo(60)
		_, err := s.walk(t, 10)
		require.ErrorIs(t, err, woo.ErrPaging, name)
	}
	got, err := (&rows{}).walk(t, 10)
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = (&rows{ids: upTo(60), apart: true}).walk(t, 10)
	require.ErrorIs(t, err, woo.ErrPaging, "windows never join")
}

// On a shop whose orders left the posts table the legacy API sees only old orders: the walk does not begin, and a missing order is
// not called missing.
func TestBlind(t *testing.T) {
	t.Parallel()
	run := func(client *Client) error {
		for _, err := range client.Orders.All(t.Context(), woo.OrderQuery{Status: []woo.OrderStatus{woo.OrderProcessing}}) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	t.Run("a new order", func(t *testing.T) {
		t.Parallel()
		shop, legacy, client := fake(t, wootest.Config{})
		addOrder(t, shop, "processing")
		legacy.GoBlind()
		require.NoError(t, run(client), "nothing is missed yet")
		id := addOrder(t, shop, "processing")
		err := run(client)
		require.ErrorIs(t, err, ErrLegacyBlind)
		require.ErrorContains(t, err, "compatibility mode")
		var systemic interface{ Systemic() bool }
		require.ErrorAs(t, err, &systemic)
		require.True(t, systemic.Systemic())
		_, err = client.Orders.Get(t.Context(), id)
		require.ErrorIs(t, err, ErrLegacyBlind)
		require.NotErrorIs(t, err, woo.ErrNotFound)
		_, err = client.Orders.Get(t.Context(), 424242)
		require.ErrorIs(t, err, woo.ErrNotFound, "that is missing everywhere")
	})
	t.Run("an old order at a new status", func(t *testing.T) {
		t.Parallel()
		shop, legacy, client := fake(t, wootest.Config{})
		old := addOrder(t, shop, "on-hold")
		legacy.GoBlind()
		require.NoError(t, run(client))
		require.NoError(t, shop.SetStatus(int64(old), "processing"))
		require.ErrorIs(t, run(client), ErrLegacyBlind)
	})
	t.Run("wc/v3 does not answer", func(t *testing.T) {
		t.Parallel()
		shop, legacy, _ := fake(t, wootest.Config{})
		legacy.GoBlind()
		addOrder(t, shop, "processing")
		config := configOf(shop, legacy)
		config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/wp-json/") {
				return answer(r, 404, `{"code":"rest_no_route"}`), nil
			}
			return legacy.Transport().RoundTrip(r)
		})}
		client, err := New(config)
		require.NoError(t, err)
		require.NoError(t, run(client), "there is nothing to compare with")
		rest, err := woo.New(shop.Config())
		require.NoError(t, err)
		config.REST = rest
		client, err = New(config)
		require.NoError(t, err)
		require.ErrorIs(t, run(client), ErrLegacyBlind, "Config.REST is asked")
	})
	t.Run("orders that come while it looks", func(t *testing.T) {
		t.Parallel()
		shop, legacy, _ := fake(t, wootest.Config{})
		addOrder(t, shop, "processing")
		config := configOf(shop, legacy)
		config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			res, err := legacy.Transport().RoundTrip(r)
			id := addOrder(t, shop, "processing") // after each answer the newest is another, and an older one moved
			require.NoError(t, shop.SetStatus(int64(id)-1, "completed"))
			return res, err
		})}
		client, err := New(config)
		require.NoError(t, err)
		require.NoError(t, client.Orders.Check(t.Context()))
	})
}

// Statuses are written after a look whether there is such a one: the shop would take any word and make the order pending.
func TestUpdateStatus(t *testing.T) {
	t.Parallel()
	shop, legacy, client := fake(t, wootest.Config{})
	id := addOrder(t, shop, "processing")
	o, err := client.Orders.Update(t.Context(), id, woo.OrderFields{Status: woo.Set(woo.OrderCompleted)})
	require.NoError(t, err)
	require.Equal(t, woo.OrderCompleted, o.Status)
	require.False(t, o.DateCompleted.IsZero())
	_, err = client.Orders.Update(t.Context(), id, woo.OrderFields{Status: woo.Set(woo.OrderStatus("packed"))})
	require.NoError(t, err, "a plugin's")
	sent := len(legacy.Requests())
	_, err = client.Orders.Update(t.Context(), id, woo.OrderFields{Status: woo.Set(woo.OrderStatus("zzz"))})
	require.ErrorIs(t, err, woo.ErrValidation)
	require.ErrorContains(t, err, `the shop knows no "zzz"`)
	for _, r := range legacy.Requests()[sent:] {
		require.Equal(t, http.MethodGet, r.Method)
	}
	_, err = client.Orders.Update(t.Context(), id, woo.OrderFields{CustomerNote: woo.Set("x")})
	require.ErrorContains(t, err, "CustomerNote: has no counterpart")
	_, err = client.Orders.Update(t.Context(), id, woo.OrderFields{})
	require.ErrorIs(t, err, woo.ErrValidation)
	_, err = client.Orders.Update(t.Context(), 424242, woo.OrderFields{Status: woo.Set(woo.OrderCompleted)})
	require.ErrorIs(t, err, woo.ErrNotFound)

	names, err := client.Orders.Statuses(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Packed", names["packed"])
	n, err := client.Orders.Count(t.Context(), "packed")
	require.NoError(t, err)
	require.Equal(t, 1, n)

	changed := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/statuses") {
			return answer(r, 200, `{"order_statuses":{"completed":"Completed"}}`), nil
		}
		return answer(r, 200, `{"order":{"id":1,"status":"pending"}}`), nil
	})
	o, err = changed.Orders.Update(t.Context(), 1, woo.OrderFields{Status: woo.Set(woo.OrderCompleted)})
	require.ErrorIs(t, err, woo.ErrNotApplied)
	require.Equal(t, woo.OrderPending, o.Status, "beside the order as it is")
	var e *Error
	require.True(t, errors.As(err, &e) && e.Permanent())
}

// Stock is written to products and variations; what the shop ignores with 200 is no success.
func TestUpdateStock(t *testing.T) {
	t.Parallel()
	shop, _, client := fake(t, wootest.Config{})
	made, err := shop.AddProduct([]byte(`{"name":"Cup","sku":"CUP-1","manage_stock":true,"stock_quantity":3,"regular_price":"5"}`))
	require.NoError(t, err)
	id := woo.ProductID(made)
	five := woo.Set(decimal.NewFromInt(5))
	p, err := client.Products.Update(t.Context(), id, woo.ProductFields{StockQuantity: five})
	require.NoError(t, err)
	require.True(t, p.StockQuantity.Equal(decimal.NewFromInt(5)))
	require.Equal(t, woo.StockManaged, p.ManageStock)
	_, err = client.Products.Update(t.Context(), id, woo.ProductFields{StockStatus: woo.Set(woo.OutOfStock)})
	require.ErrorIs(t, err, woo.ErrNotApplied, "the quantity says otherwise")

	made, err = shop.AddProduct([]byte(`{"name":"Gift","sku":"gift"}`))
	require.NoError(t, err)
	unmanaged := woo.ProductID(made)
	p, err = client.Products.Update(t.Context(), unmanaged, woo.ProductFields{StockQuantity: five})
	require.ErrorIs(t, err, woo.ErrNotApplied)
	require.ErrorContains(t, err, "not counted and not 5")
	require.Nil(t, p.StockQuantity)
	p, err = client.Products.Update(t.Context(), unmanaged, woo.ProductFields{StockStatus: woo.Set(woo.OutOfStock)})
	require.NoError(t, err)
	require.Equal(t, woo.OutOfStock, p.StockStatus)
	p, err = client.Products.Update(t.Context(), unmanaged, woo.ProductFields{ManageStock: woo.Set(woo.StockManaged), StockQuantity: five})
	require.NoError(t, err)
	require.Equal(t, "5", p.StockQuantity.String())

	for field, bad := range map[string]woo.ProductFields{
		"Name":                       {Name: woo.Set("x")},
		"nothing to write":           {},
		"a null":                     {StockQuantity: woo.Null[decimal.Decimal]()},
		"StockStatus: \"onbackorder": {StockStatus: woo.Set(woo.OnBackorder)},
		"ManageStock: \"parent":      {ManageStock: woo.Set(woo.StockByParent)},
	} {
		_, err := client.Products.Update(t.Context(), id, bad)
		require.ErrorIs(t, err, woo.ErrValidation)
		require.ErrorContains(t, err, field)
	}

	found, err := client.Products.BySKU(t.Context(), "GIFT")
	require.NoError(t, err)
	require.Equal(t, unmanaged, found.ID)
	_, err = client.Products.BySKU(t.Context(), "nope")
	require.ErrorIs(t, err, woo.ErrNotFound)
	_, err = client.Products.BySKU(t.Context(), "a,b")
	require.ErrorIs(t, err, woo.ErrValidation)
	_, err = client.Products.BySKU(t.Context(), " ")
	require.ErrorIs(t, err, woo.ErrValidation)
}

// Recorded products: a simple one, a variable one with its variations, and one of these by itself.
func TestProduct(t *testing.T) {
	t.Parallel()
	p, err := replay(t, "wc-11.0.1/products/single-simple.http").Products.Get(t.Context(), 11)
	require.NoError(t, err)
	require.Equal(t, "Large Shirt 1", p.Name)
	require.Equal(t, "10.24", p.Price.String())
	require.False(t, p.SalePrice.IsSet())
	require.Equal(t, woo.StockManaged, p.ManageStock)
	require.Equal(t, woo.InStock, p.StockStatus)
	require.Equal(t, "2", p.StockQuantity.String())
	require.Equal(t, "Shoes", p.Categories[0].Name)
	require.Empty(t, p.Images)
	require.Equal(t, time.Date(2026, 11, 21, 17, 14, 15, 0, time.UTC), p.DateCreated)

	client := replay(t, "wc-11.0.1/products/single-variable.http")
	p, err = client.Products.Get(t.Context(), 181)
	require.NoError(t, err)
	require.Equal(t, woo.VariableProduct, p.Type)
	require.Contains(t, p.Variations, woo.VariationID(182))
	variations, err := client.Products.Variations(t.Context(), 181)
	require.NoError(t, err)
	require.Len(t, variations, len(p.Variations))
	require.Equal(t, woo.VariationID(182), variations[0].ID)
	require.Equal(t, woo.ProductID(181), variations[0].ParentID)
	require.Equal(t, "VAR-1-RED-S", variations[0].SKU)
	require.Equal(t, "red", variations[0].Attributes[0].Option)
	require.Equal(t, "2", variations[0].StockQuantity.String())

	p, err = replay(t, "wc-11.0.1/products/single-variation.http").Products.Get(t.Context(), 182)
	require.NoError(t, err)
	require.Equal(t, woo.VariationProduct, p.Type)
	require.Equal(t, woo.ProductID(181), p.ParentID)
}

func TestCustomersAndCoupons(t *testing.T) {
	t.Parallel()
	c, err := replay(t, "wc-11.0.1/other/customers-email-customer7-at-example.test.http").Customers.ByEmail(t.Context(), "customer7@example.test")
	require.NoError(t, err)
	require.Equal(t, "Žiga", c.FirstName)
	require.Equal(t, "Cesta 7", c.Billing.Address1)
	require.Zero(t, c.DateCreated)
	require.Contains(t, string(c.Extra["created_at"]), "16:14:39Z", "an hour off: it was 17:14:39")
	require.Equal(t, "422.95", strings.Trim(string(c.Extra["total_spent"]), `"`))

	coupon, err := replay(t, "wc-11.0.1/other/coupons-code-ten.http").Coupons.ByCode(t.Context(), "ten")
	require.NoError(t, err)
	require.Equal(t, woo.PercentDiscount, coupon.DiscountType)
	require.Equal(t, "10.00", coupon.Amount.StringFixed(2))
	require.Equal(t, 1000, *coupon.UsageLimit)
	require.Nil(t, coupon.LimitUsageToXItems)
	require.Zero(t, coupon.DateExpires)

	shop, legacy, client := fake(t, wootest.Config{})
	shop.Seed(50, 1)
	n, err := client.Customers.Count(t.Context())
	require.NoError(t, err)
	got := 0
	for c, err := range client.Customers.All(t.Context(), woo.CustomerQuery{PerPage: 3}) {
		require.NoError(t, err)
		again, err := client.Customers.ByEmail(t.Context(), c.Email)
		require.NoError(t, err)
		require.Equal(t, c.ID, again.ID)
		got++
	}
	require.Equal(t, n, got)
	require.Positive(t, n)
	_, err = client.Customers.ByEmail(t.Context(), "nobody@example.test")
	require.ErrorIs(t, err, woo.ErrNotFound)
	_, err = client.Customers.Get(t.Context(), 424242)
	require.ErrorIs(t, err, woo.ErrNotFound)
	require.NoError(t, legacy.AddCoupon(open1(t, "wc-11.0.1/other/coupons-code-ten.http", "coupon")))
	for c, err := range client.Coupons.All(t.Context(), woo.CouponQuery{}) {
		require.NoError(t, err)
		require.Equal(t, "ten", c.Code)
		got--
	}
	require.Equal(t, n-1, got)
	_, err = client.Coupons.ByCode(t.Context(), "nope")
	require.ErrorIs(t, err, woo.ErrNotFound)
	products := 0
	for _, err := range client.Products.All(t.Context(), woo.ProductQuery{PerPage: 7}) {
		require.NoError(t, err)
		products++
	}
	n, err = client.Products.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, n, products)
}

func open1(t *testing.T, file, name string) []byte {
	t.Helper()
	src, err := envelope(body(t, file), name)
	require.NoError(t, err)
	return src
}

// The secret arrives, the ping is sent, and a disabled webhook is set going again.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	shop, _, client := fake(t, wootest.Config{})
	var mu sync.Mutex
	var pings int
	var body []byte
	shop.DeliverTo("https://x.example", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("X-WC-Webhook-Topic") == "" {
			pings++
			return
		}
		body, _ = io.ReadAll(r.Body)
	}))
	fields := hook()
	fields.Secret = woo.Set("s3cret")
	w, err := client.Webhooks.Create(t.Context(), fields)
	require.NoError(t, err)
	require.Equal(t, woo.WebhookActive, w.Status)
	require.Equal(t, "order.updated", w.Topic)
	require.Equal(t, "https://x.example/h", w.DeliveryURL)
	require.False(t, w.DateCreated.IsZero())
	mu.Lock()
	require.Equal(t, 1, pings)
	mu.Unlock()
	id := shop.Seed(1, 1)[0]
	require.NoError(t, shop.SetStatus(id, "on-hold"))
	require.Positive(t, shop.Deliver(t.Context()))
	mu.Lock()
	var delivered struct{ Order struct{ ID int64 } } // as a shop of 2.6 sends it, and a later one for a webhook of then
	require.NoError(t, json.Unmarshal(body, &delivered), "%.80s", body)
	require.Equal(t, id, delivered.Order.ID)
	mu.Unlock()
	w, err = client.Webhooks.Update(t.Context(), w.ID, woo.WebhookFields{Status: woo.Set(woo.WebhookPaused)})
	require.NoError(t, err)
	require.Equal(t, woo.WebhookPaused, w.Status)
	for again, err := range client.Webhooks.All(t.Context(), woo.WebhookQuery{}) {
		require.NoError(t, err)
		require.Equal(t, w.ID, again.ID)
	}
	_, err = client.Webhooks.Create(t.Context(), woo.WebhookFields{Topic: woo.Set("order.updated")})
	require.ErrorContains(t, err, "delivery_url: is not set")
	_, err = client.Webhooks.Update(t.Context(), w.ID, woo.WebhookFields{})
	require.ErrorIs(t, err, woo.ErrValidation)
	require.NoError(t, client.Webhooks.Delete(t.Context(), w.ID))
	_, err = client.Webhooks.Get(t.Context(), w.ID)
	require.ErrorIs(t, err, woo.ErrNotFound)
	require.ErrorIs(t, client.Webhooks.Delete(t.Context(), w.ID), woo.ErrNotFound)
}
