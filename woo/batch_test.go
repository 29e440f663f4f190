package woo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// batchShop does batches as WooCommerce does: one by one, always 200.
type batchShop struct {
	journalOf
	limit int              // items it takes; 0: 100
	bad   map[int64]string // errors by id, of updates and deletes
	badAt map[int]string   // errors by the how manieth item of all, of creates
	sizes []int
	next  int64
}

func (s *batchShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.note(r)
	var in map[string][]json.RawMessage
	if err := json.Unmarshal([]byte(s.body[n]), &in); err != nil {
		answer(w, 400, `{"code":"rest_invalid_json","message":"x","data":{"status":400}}`)
		return
	}
	limit := s.limit
	if limit == 0 {
		limit = 100
	}
	for group, items := range in {
		s.sizes = append(s.sizes, len(items))
		if len(items) > limit {
			answer(w, 413, `{"code":"woocommerce_rest_request_entity_too_large","message":"Unable to accept.","data":{"status":413}}`)
			return
		}
		var out []string
		for _, item := range items {
			var id int64
			if json.Unmarshal(item, &id) != nil {
				var object struct {
					ID int64 `json:"id"`
				}
				_ = json.Unmarshal(item, &object)
				id = object.ID
			}
			if group == "create" {
				s.next++
				id = s.next
				if text, bad := s.badAt[int(s.next)]; bad {
					out = append(out, text)
					continue
				}
			}
			if text, bad := s.bad[id]; bad {
				out = append(out, text)
				continue
			}
			out = append(out, fmt.Sprintf(`{"id":%d}`, id))
		}
		answer(w, 200, `{"`+group+`":[`+strings.Join(out, ",")+`]}`)
	}
}

// oneByOne is a client whose batches have one request on the wire at a time, so that their order can be told.
func oneByOne(t testing.TB, h http.HandlerFunc) *Client {
	t.Helper()
	c := clientOf(t, shopAddress, h)
	c.lanes.most = 1
	return c
}

// Point 6 of the acceptance list: 250 items are 100, 100 and 50; errors stand at the caller's index.
func TestAcceptance06Batches(t *testing.T) {
	t.Parallel()
	shop := &batchShop{bad: map[int64]string{
		1004: `{"id":1004,"error":{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID.","data":{"status":400}}}`,
		1100: `{"id":null,"error":{"code":"product_invalid_sku","message":"Invalid.","data":{"status":400,"resource_id":11}}}`,
		1101: `{"id":{"id":1101,"product_id":181,"force":true},"error":{"code":"woocommerce_rest_product_variation_invalid_id","message":"x","data":{"status":404}}}`,
		1249: `{"id":0,"error":{"code":"woocommerce_rest_invalid_x","message":"&lt;x&gt;","data":400}}`,
	}}
	c := oneByOne(t, shop.ServeHTTP)
	var changes []Change[ProductID, ProductFields]
	for i := range 250 {
		changes = append(changes, ChangeOf(ProductID(1000+i), ProductFields{StockQuantity: Set(decimal.New(int64(i), 0))}))
	}
	results, err := c.Products.UpdateAll(t.Context(), changes)
	require.NoError(t, err)
	require.Equal(t, []int{100, 100, 50}, shop.sizes)
	require.Len(t, results, 250)
	for i, r := range results {
		if want := map[int]error{4: ErrNotFound, 100: ErrDuplicate, 101: ErrNotFound, 249: ErrValidation}[i]; want != nil {
			require.Nil(t, r.Item)
			require.ErrorIs(t, r.Err, want)
			require.NotErrorIs(t, r.Err, ErrAmbiguous)
			require.ErrorContains(t, r.Err, "woo: products.UpdateAll: item "+strconv.Itoa(i)+": ")
			continue
		}
		require.NoError(t, r.Err)
		require.Equal(t, ProductID(1000+i), r.Item.ID)
	}
	require.Equal(t, "/wp-json/wc/v3/products/batch", shop.seen[0].URL.String(), "and no _fields")
	require.True(t, strings.HasPrefix(shop.body[0], `{"update":[{"id":1000,"stock_quantity":0},{"id":1001,`), shop.body[0][:60])

	var ids []ProductID
	for _, change := range changes {
		ids = append(ids, change.ID)
	}
	results, err = c.Products.DeleteAll(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, []int{100, 100, 50, 100, 100, 50}, shop.sizes)
	require.ErrorIs(t, results[101].Err, ErrNotFound)
	require.Equal(t, ProductID(1102), results[102].Item.ID)
	require.True(t, strings.HasPrefix(shop.body[3], `{"delete":[1000,1001,`))

	shop.badAt = map[int]string{3: `{"id":0,"error":{"code":"woocommerce_rest_invalid_customer_id","message":"x","data":{"status":400}}}`}
	results, err = c.Products.CreateAll(t.Context(), make([]ProductFields, 250))
	require.NoError(t, err)
	require.ErrorIs(t, results[2].Err, ErrValidation)
	require.Equal(t, ProductID(250), results[249].Item.ID)

	results, err = c.Products.UpdateAll(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, results)
	require.Equal(t, 9, shop.len(), "nothing to do is no request")
}

// Point 6: [] is an answer, but not one that says that all went well.
func TestAcceptance06EmptyAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[]`, `{}`, `{"update":[]}`, `{"other":[{"id":5}]}`} {
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, body) })
		results, err := c.Products.UpdateAll(t.Context(), []Change[ProductID, ProductFields]{{ID: 5}, {ID: 6}})
		require.NoError(t, err)
		require.Len(t, results, 2)
		for _, r := range results {
			require.ErrorIs(t, r.Err, ErrAmbiguous, body)
		}
	}
}

// A filter of the shop or a proxy takes fewer than 100: the batch is halved until it fits, and the rest goes in that size.
func TestBatchHalvesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]bool{"WooCommerce's limit": false, "nginx's limit": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop := &batchShop{limit: 30}
			c := oneByOne(t, func(w http.ResponseWriter, r *http.Request) {
				if page && r.ContentLength > 1500 {
					w.Header().Set("Content-Type", "text/html")
					w.WriteHeader(413)
					_, _ = w.Write([]byte(`<html><head><title>413 Request Entity Too Large</title></head></html>`))
					return
				}
				shop.ServeHTTP(w, r)
			})
			ids := make([]ProductID, 120)
			for i := range ids {
				ids[i] = ProductID(i + 1)
			}
			results, err := c.Products.DeleteAll(t.Context(), ids)
			require.NoError(t, err)
			require.Equal(t, []int{100, 50, 25, 25, 25, 25, 20}, shop.sizes)
			for i, r := range results {
				require.NoError(t, r.Err)
				require.Equal(t, ids[i], r.Item.ID)
			}
		})
	}
	// One item that is too large alone is its own trouble.
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 500 {
			answer(w, 413, `{"code":"woocommerce_rest_request_entity_too_large","message":"x","data":{"status":413}}`)
			return
		}
		(&batchShop{}).ServeHTTP(w, r)
	})
	results, err := c.Products.UpdateAll(t.Context(), []Change[ProductID, ProductFields]{
		{ID: 1}, {ID: 2, Set: ProductFields{Description: Set(strings.Repeat("x", 600))}}, {ID: 3},
	})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	require.ErrorIs(t, results[1].Err, ErrTooLarge)
	require.Equal(t, ProductID(3), results[2].Item.ID)
}

// Batches validate nothing, so what no shop can mean stays here; the others go out, and results keep their places.
func TestBatchRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	shop := &batchShop{}
	c := clientOf(t, shopAddress, shop.ServeHTTP)
	results, err := c.Orders.UpdateAll(t.Context(), []Change[OrderID, OrderFields]{
		ChangeOf(OrderID(5), OrderFields{Status: Set(OrderCompleted)}),
		ChangeOf(OrderID(6), OrderFields{Status: Set(OrderStatus("wc-completed"))}),
		ChangeOf(OrderID(0), OrderFields{Status: Set(OrderCompleted)}),
		ChangeOf(OrderID(8), OrderFields{Status: Set(OrderCompleted)}),
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"update":[{"id":5,"status":"completed"},{"id":8,"status":"completed"}]}`, shop.body[0])
	require.Equal(t, OrderID(5), results[0].Item.ID)
	require.ErrorIs(t, results[1].Err, ErrValidation)
	require.ErrorContains(t, results[1].Err, "item 1: status: ")
	require.ErrorIs(t, results[2].Err, ErrValidation)
	require.Equal(t, OrderID(8), results[3].Item.ID)

	deleted, err := c.Orders.DeleteAll(t.Context(), []OrderID{0, 7}) // the shop passes over a 0 and would shift the rest
	require.NoError(t, err)
	require.ErrorIs(t, deleted[0].Err, ErrValidation)
	require.Equal(t, OrderID(7), deleted[1].Item.ID)
}

// Answers that have slipped out of step are never given to the wrong record.
func TestBatchOutOfStep(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"update":[{"id":1},{"id":3}],"create":[{"id":1},{"id":3}]}`)
	})
	results, err := c.Products.UpdateAll(t.Context(), []Change[ProductID, ProductFields]{{ID: 1}, {ID: 2}, {ID: 3}})
	require.NoError(t, err)
	require.Equal(t, ProductID(1), results[0].Item.ID)
	require.ErrorIs(t, results[1].Err, ErrAmbiguous, "sent again, and again another record stands in its place")
	require.Equal(t, ProductID(3), results[2].Item.ID, "sent again with it, and then in step")
	created, err := c.Products.CreateAll(t.Context(), make([]ProductFields, 3)) // which of three has no answer?
	require.NoError(t, err)
	for _, r := range created {
		require.ErrorIs(t, r.Err, ErrAmbiguous)
	}
}

// A batch of updates is repeated as one update is; with a single item that adds, it is not. After a failed request nothing more goes out.
func TestBatchRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, adds := range []bool{false, true} {
			shop := &batchShop{}
			tries := 0
			c := oneByOne(t, func(w http.ResponseWriter, r *http.Request) {
				if tries++; tries == 2 {
					answer(w, 502, ``)
					return
				}
				shop.ServeHTTP(w, r)
			})
			changes := make([]Change[OrderID, OrderFields], 250)
			for i := range changes {
				changes[i] = ChangeOf(OrderID(i+1), OrderFields{Status: Set(OrderCompleted)})
			}
			if adds {
				changes[150].Set.LineItems = Set([]LineItemFields{{ProductID: Set(ProductID(1))}})
			}
			results, err := c.Orders.UpdateAll(t.Context(), changes)
			require.Equal(t, OrderID(100), results[99].Item.ID)
			if !adds {
				require.NoError(t, err)
				require.Equal(t, 4, tries)
				require.Equal(t, OrderID(250), results[249].Item.ID)
				continue
			}
			require.ErrorIs(t, err, ErrAmbiguous)
			require.Equal(t, 2, tries)
			for _, r := range results[100:200] {
				require.ErrorIs(t, r.Err, ErrAmbiguous)
			}
			for _, r := range results[200:] {
				require.ErrorIs(t, r.Err, ErrNotSent)
				require.NotErrorIs(t, r.Err, ErrAmbiguous)
			}
		}
	})
}
