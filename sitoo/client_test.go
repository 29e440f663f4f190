package sitoo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
)

// TestTraps shows the traps of Sitoo's API that a client can step into, by their numbers in our notes on it.
func TestTraps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"1_concurrency": func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, _ := open(t, sitootest.Config{})
				fake.SetFaults(sitootest.Faults{Latency: time.Second})
				lane := &sitoo.Lane{}
				done := make(chan error)
				for range 5 { // clients of one account
					c := fake.Config()
					c.Limiter = lane
					client, err := sitoo.New(c)
					require.NoError(t, err)
					go func() {
						_, _, err := client.Products.List(t.Context(), sitoo.ProductQuery{})
						done <- err
					}()
				}
				for range 5 {
					require.NoError(t, <-done)
				}
				require.Zero(t, fake.Refused())
				require.Len(t, fake.Requests(), 5)
				fake.Close()
			})
		},
		"2_header_names": func(t *testing.T) {
			for header, known := range map[string]bool{"x-rate-limit-remaining": true, "X-RateLimit-Remaining": true, "X-Other": false} {
				client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set(header, "17")
					say(200, `{"totalcount":0,"items":[]}`)(w, nil)
				})
				_, _, err := client.Sites.List(t.Context(), sitoo.ListQuery{})
				require.NoError(t, err)
				require.Equal(t, known, client.Quota().Known, header)
				if known {
					require.Equal(t, 17, client.Quota().Remaining)
				}
			}
		},
		"3_reset_is_absolute": func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				n := 0
				client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
					if n++; n == 1 {
						w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(began.Add(20*time.Second).Unix(), 10))
						say(429, `{"statuscode":429,"errortext":"Too many requests"}`)(w, nil)
						return
					}
					say(200, `{"totalcount":0,"items":[]}`)(w, nil)
				})
				_, _, err := client.Sites.List(t.Context(), sitoo.ListQuery{})
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(began), 20*time.Second, "429 without Retry-After waits for the reset")
				require.Less(t, time.Since(began), 30*time.Second)
			})
		},
		"4_after_429_nothing_was_done": func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for fault, ambiguous := range map[sitootest.Fault]bool{sitootest.TooMany: false, sitootest.ServerError: true, sitootest.Lost: true} {
					fake, client := open(t, sitootest.Config{})
					n := 0
					fake.SetFaults(sitootest.Faults{Script: func(*http.Request) sitootest.Fault {
						if n++; n == 1 {
							return fault
						}
						return sitootest.None
					}})
					_, err := client.Orders.Create(t.Context(), sitoo.OrderFields{Type: sitoo.Set(sitoo.OrderPlain)})
					require.Equal(t, ambiguous, errors.Is(err, sitoo.ErrAmbiguous), "%s: %v", fault, err)
					if !ambiguous {
						require.NoError(t, err)
						require.Equal(t, 2, n)
					} else {
						require.Equal(t, 1, n, "a create that may have arrived is not sent again")
					}
					fake.Close()
				}
			})
		},
		"6_suffix": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			_, _, err := client.Products.List(t.Context(), sitoo.ProductQuery{})
			require.NoError(t, err)
			require.NoError(t, client.Do(t.Context(), "GET", "sites/1/vouchers.json?num=2", nil, nil))
			require.Equal(t, "sites/1/products.json", fake.Requests()[0].Path)
			require.Equal(t, "sites/1/vouchers.json", fake.Requests()[1].Path)
		},
		"8_wrong_site": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			site, err := client.CheckSite(t.Context())
			require.NoError(t, err)
			require.Equal(t, sitoo.SiteID(1), site.ID)
			c := fake.Config()
			c.Site = 3
			wrong, err := sitoo.New(c)
			require.NoError(t, err)
			_, page, err := wrong.Products.List(t.Context(), sitoo.ProductQuery{})
			require.NoError(t, err, "a wrong site looks like an empty shop")
			require.Zero(t, page.Total)
			_, err = wrong.CheckSite(t.Context())
			require.ErrorIs(t, err, sitoo.ErrNotFound)
			require.ErrorContains(t, err, "no site 3, but 1 (https://fake.mysitoo.test/)")
		},
		"9_unknown_id_is_400": func(t *testing.T) {
			for body, want := range map[string]error{
				`{"statuscode":400,"errortext":"Invalid productid (40411)"}`:        sitoo.ErrNotFound,
				`{"statuscode":400,"errortext":"productid does not exist (40411)"}`: sitoo.ErrNotFound,
				`{"statuscode":400,"errortext":"Missing required field 'active'."}`: sitoo.ErrValidation,
			} {
				_, err := answering(t, say(400, body)).Products.Get(t.Context(), 40411)
				require.ErrorIs(t, err, want)
				var e *sitoo.Error
				require.ErrorAs(t, err, &e)
				require.True(t, e.Permanent())
			}
		},
		"10_default_page": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			for i := range 37 {
				fake.AddProduct(fmt.Sprintf("SKU-%d", i), "x", "1.00")
			}
			n := 0
			for _, err := range client.Products.All(t.Context(), sitoo.ProductQuery{}) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, 37, n)
			require.Len(t, fake.Requests(), 1)
		},
		"11_orders_by_id_while_tills_sell": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			w := fake.AddWarehouse("Storgatan", sitoo.FIFO)
			fake.AddProduct("A", "a", "1.00")
			var sold []sitoo.OrderID
			sell := func() { sold = append(sold, fake.Sell(w, false, sitootest.Line{SKU: "A", Quantity: 1, Price: 10})) }
			for range 25 {
				sell()
			}
			var read []sitoo.OrderID
			for o, err := range client.Orders.All(t.Context(), sitoo.OrderQuery{PerPage: 4}) {
				require.NoError(t, err)
				read = append(read, o.ID)
				if len(read) < 30 && len(read)%3 == 0 {
					sell()
				}
			}
			require.Equal(t, sold, read, "each once, in the order of their ids")
			_, err := first(client.Orders.All(t.Context(), sitoo.OrderQuery{Newest: true}))
			require.ErrorIs(t, err, sitoo.ErrValidation)
		},
		"12_commas": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			_, _, err := client.Orders.List(t.Context(), sitoo.OrderQuery{States: []sitoo.OrderState{sitoo.OrderOpen, sitoo.OrderAbandoned}})
			require.NoError(t, err)
			require.Equal(t, []string{"0,-1"}, fake.Requests()[0].Query["orderstate"])
			_, _, err = client.Products.List(t.Context(), sitoo.ProductQuery{SKU: "a,b"})
			require.ErrorIs(t, err, sitoo.ErrValidation)
			_, _, err = client.Stock(1).List(t.Context(), sitoo.StockQuery{SKUs: []string{"a,b"}})
			require.ErrorIs(t, err, sitoo.ErrValidation)
			require.Len(t, fake.Requests(), 1)
		},
		"13_ignored_filter": func(t *testing.T) { // an order that the filter would not have let through
			_, err := answering(t, say(200, `{"totalcount":1,"items":[{"orderid":7,"externalid":"other"}]}`)).
				OrderByExternalID(t.Context(), "woo-1")
			require.ErrorIs(t, err, sitoo.ErrNotFound)
			_, err = first(answering(t, say(200, `{"totalcount":9,"items":[{"orderid":7},{"orderid":6}]}`)).Orders.All(t.Context(), sitoo.OrderQuery{}))
			require.NoError(t, err)
			_, err = last(answering(t, say(200, `{"totalcount":9,"items":[{"orderid":7},{"orderid":6}]}`)).Orders.All(t.Context(), sitoo.OrderQuery{}))
			require.ErrorIs(t, err, sitoo.ErrPaging, "the order of ids was not obeyed")
		},
		"14_inactive_are_hidden": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			id := fake.AddProduct("A", "a", "1.00")
			require.NoError(t, client.Products.Update(t.Context(), id, sitoo.ProductFields{Active: sitoo.Set(false), ActivePOS: sitoo.Set(false)}))
			_, page, err := client.Products.List(t.Context(), sitoo.ProductQuery{})
			require.NoError(t, err)
			require.Zero(t, page.Total)
			_, page, err = client.Products.List(t.Context(), sitoo.ProductQuery{IncludeInactive: true})
			require.NoError(t, err)
			require.Equal(t, 1, page.Total)
			require.Equal(t, "true", fake.Requests()[len(fake.Requests())-1].Query.Get("includeinactive"), "1 is not understood")
		},
		"15_default_fields": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			fake.AddProduct("A", "Ullsocka", "1.00")
			p, err := first(client.Products.All(t.Context(), sitoo.ProductQuery{}))
			require.NoError(t, err)
			require.Equal(t, "Ullsocka", p.Title)
			_, err = client.Vouchers.Create(t.Context(), sitoo.VoucherFields{Name: sitoo.Set("x"), Type: sitoo.Set(sitoo.VoucherOrderAmount), Password: sitoo.Set("HOST")})
			require.NoError(t, err)
			v, err := first(client.Vouchers.All(t.Context(), sitoo.VoucherQuery{}))
			require.NoError(t, err)
			require.Equal(t, "HOST", v.Password)
		},
		"16_list_changes_underneath": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			ids := map[string]sitoo.ProductID{}
			for i := range 40 {
				sku := fmt.Sprintf("SKU-%02d", i)
				ids[sku] = fake.AddProduct(sku, "x", "1.00")
			}
			read := map[string]int{}
			n := 0
			for p, err := range client.Products.All(t.Context(), sitoo.ProductQuery{PerPage: 7}) {
				require.NoError(t, err)
				read[p.SKU]++
				if n++; n%6 == 0 && n < 30 { // one that was read goes; all behind it move up
					require.NoError(t, client.Products.Delete(t.Context(), ids[p.SKU]))
				}
			}
			for sku := range ids {
				require.Equal(t, 1, read[sku], sku)
			}
		},
		"25_sku_in_query": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			fake.AddProduct("A/B+C", "x", "1.00")
			ps, _, err := client.Products.List(t.Context(), sitoo.ProductQuery{SKU: "A/B+C"})
			require.NoError(t, err)
			require.Len(t, ps, 1)
		},
		"26_family_is_replaced": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			a, b := fake.AddProduct("J-S", "Jacka S", "10.00"), fake.AddProduct("J-M", "Jacka M", "10.00")
			family := sitoo.Family{
				Groups: []sitoo.VariantGroup{{Name: "Storlek", Options: []string{"S", "M", "L"}}},
				Variants: []sitoo.Variant{
					{ProductID: a, Active: true, ActivePOS: true, Title: "S", SKU: "J-S", Price: money("10"), Friendly: "j-s", Attributes: []string{"S"}},
					{ProductID: b, Active: true, ActivePOS: true, Title: "M", SKU: "J-M", Price: money("10"), Friendly: "j-m", Attributes: []string{"M"}},
					{Active: true, ActivePOS: true, Title: "L", SKU: "J-L", Price: money("10"), Friendly: "j-l", Attributes: []string{"L"}},
				},
			}
			require.NoError(t, client.ReplaceFamily(t.Context(), a, family))
			read, err := client.Family(t.Context(), b)
			require.NoError(t, err)
			require.Len(t, read.Variants, 3)
			require.NotZero(t, read.Variants[2].ProductID, "the new id is read back")
			read.Variants[0].Title = "Liten"
			require.NoError(t, client.ReplaceFamily(t.Context(), a, *read), "what was read can be written (trap 27)")
			p, err := client.Products.Get(t.Context(), a)
			require.NoError(t, err)
			require.Equal(t, a, p.VariantParentID)
			require.Equal(t, "Liten", p.Title)
			read.Variants = read.Variants[:2]
			require.NoError(t, client.ReplaceFamily(t.Context(), a, *read))
			require.Equal(t, 2, fake.Count("products"), "the row that was left out is gone")

			for why, f := range map[string]func(*sitoo.Family){
				"no variants":              func(f *sitoo.Family) { f.Variants = nil },
				"attributes":               func(f *sitoo.Family) { f.Variants[0].Attributes = nil },
				"not among the options":    func(f *sitoo.Family) { f.Variants[0].Attributes = []string{"XL"} },
				"in the family twice":      func(f *sitoo.Family) { f.Variants[1].ProductID = f.Variants[0].ProductID },
				"has other characters tha": func(f *sitoo.Family) { f.Variants[0].SKU = "" },
			} {
				changed := *read
				changed.Variants = append([]sitoo.Variant(nil), read.Variants...)
				f(&changed)
				before := len(fake.Requests())
				err := client.ReplaceFamily(t.Context(), a, changed)
				require.ErrorIs(t, err, sitoo.ErrValidation)
				require.ErrorContains(t, err, why)
				require.Len(t, fake.Requests(), before)
			}
		},
		"33_images_go_by_place": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			images := client.Images(fake.AddProduct("A", "a", "1.00"))
			for _, name := range []string{"a-1.jpg", "a-2.jpg", "a-3.jpg"} {
				require.NoError(t, images.Add(t.Context(), sitoo.Upload{ResourceID: name, Data: []byte{1, 2, 3}}))
			}
			for i := 2; i >= 0; i-- {
				require.NoError(t, images.Remove(t.Context(), i))
			}
			left, _, err := images.List(t.Context(), sitoo.ListQuery{})
			require.NoError(t, err)
			require.Empty(t, left)
			require.NoError(t, images.Add(t.Context(), sitoo.Upload{ResourceID: "a-1.jpg"}), "the library keeps it")
			require.ErrorIs(t, images.Add(t.Context(), sitoo.Upload{ResourceID: "a 1.jpg", Data: []byte{1}}), sitoo.ErrValidation)
		},
		"36_errors_inside_200": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			fake.AddProduct("TAKEN", "x", "1.00")
			results, err := client.Products.PlanCreate([]sitoo.ProductFields{
				{SKU: sitoo.Set("NEW")}, {SKU: sitoo.Set("TAKEN")}, {Title: sitoo.Set("no sku")}, {SKU: sitoo.Set("a,b")},
			}).Run(t.Context())
			require.NoError(t, err)
			require.NoError(t, results[0].Err)
			require.NotZero(t, results[0].ID)
			require.ErrorContains(t, results[1].Err, "sku already exists")
			require.ErrorIs(t, results[2].Err, sitoo.ErrValidation)
			require.ErrorIs(t, results[3].Err, sitoo.ErrValidation)
			require.Equal(t, 2, fake.Count("products"))
		},
		"37_fifo_ignores_totals": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			fifo, virtual := fake.AddWarehouse("a", sitoo.FIFO), fake.AddWarehouse("b", sitoo.Virtual)
			fake.AddProduct("A", "a", "1.00")
			for w, want := range map[sitoo.WarehouseID]int64{fifo: 0, virtual: 9} {
				results, err := client.Stock(w).PlanSet([]sitoo.StockFields{{SKU: "A", Total: sitoo.Set(quantity(9))}}).Run(t.Context())
				require.NoError(t, err)
				require.NoError(t, results[0].Err, "Sitoo says yes either way")
				require.Equal(t, want, fake.Stock(w, "A").IntPart())
			}
			results, err := client.PlanTransactions([]sitoo.TransactionFields{
				{WarehouseID: fifo, Type: sitoo.MoveIn, Lines: []sitoo.TransactionLineFields{{SKU: "A", Quantity: quantity(5)}}},
				{WarehouseID: virtual, Type: sitoo.MoveIn, Lines: []sitoo.TransactionLineFields{{SKU: "A", Quantity: quantity(5)}}},
				{WarehouseID: fifo, Type: sitoo.MoveOut, Lines: []sitoo.TransactionLineFields{{SKU: "A", Quantity: quantity(2)}}},
			}).Run(t.Context())
			require.NoError(t, err)
			require.NoError(t, results[0].Err)
			require.ErrorContains(t, results[1].Err, "virtual")
			require.ErrorContains(t, results[2].Err, "wrong sign")
			require.Equal(t, int64(5), fake.Stock(fifo, "A").IntPart())
		},
		"39_batches": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			w := fake.AddWarehouse("a", sitoo.FIFO)
			fake.AddProduct("A", "a", "1.00")
			fake.SetStock(w, "A", 10)
			ctx, batches := t.Context(), client.StockBatches(w)
			for _, step := range []struct {
				kind sitoo.TransactionType
				n    int64
				want int64
			}{{sitoo.Stocktaking, 9, 9}, {sitoo.MoveIn, 3, 12}, {sitoo.MoveOut, -4, 8}} {
				id, err := batches.Create(ctx, sitoo.StockBatchFields{Type: sitoo.Set(step.kind), Comment: sitoo.Set("sync")})
				require.NoError(t, err)
				_, err = batches.Create(ctx, sitoo.StockBatchFields{Type: sitoo.Set(step.kind)})
				require.ErrorIs(t, err, sitoo.ErrValidation, "one open batch of a type (trap 38)")
				results, err := client.BatchLines(w, id).PlanSet([]sitoo.BatchLineFields{{SKU: "A", Quantity: quantity(step.n)}}).Run(ctx)
				require.NoError(t, err)
				require.NoError(t, results[0].Err)
				require.NoError(t, batches.Update(ctx, id, sitoo.StockBatchFields{State: sitoo.Set(sitoo.BatchClosed)}))
				require.Equal(t, step.want, fake.Stock(w, "A").IntPart())
			}
			var changes []string
			for tr, err := range client.WarehouseTransactions(w).All(ctx, sitoo.TransactionQuery{PerPage: 2}) {
				require.NoError(t, err)
				changes = append(changes, tr.Lines[0].Quantity.String())
			}
			require.Equal(t, []string{"-1", "3", "-4"}, changes, "a count shows as the difference")
		},
		"48_late_orders_of_offline_tills": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			w := fake.AddWarehouse("a", sitoo.FIFO)
			early := fake.Sell(w, false, sitootest.Line{SKU: "A", Quantity: 1, Price: 10})
			late := fake.Sell(w, false, sitootest.Line{SKU: "A", Quantity: 1, Price: 10})
			fake.Backdate(late, time.Hour)
			o, err := first(client.Orders.All(t.Context(), sitoo.OrderQuery{From: early + 1}))
			require.NoError(t, err)
			require.Equal(t, late, o.ID)
		},
		"51_first_row_is_0": func(t *testing.T) {
			require.JSONEq(t, `{"warehouseid":2,"orderdeliveryitems":[{"orderitemid":0,"quantity":1}]}`,
				encoded(t, sitoo.DeliveryFields{WarehouseID: 2, Items: []sitoo.DeliveryItem{{OrderItemID: 0, Quantity: 1}}}))
			fake, client := open(t, sitootest.Config{})
			w := fake.AddWarehouse("a", sitoo.FIFO)
			fake.AddProduct("A", "a", "1.00")
			fake.SetStock(w, "A", 5)
			id := fake.Sell(w, true, sitootest.Line{SKU: "A", Quantity: 2, Price: 10}, sitootest.Line{SKU: "", Quantity: 1, Price: 49})
			require.Equal(t, int64(5), fake.Stock(w, "A").IntPart())
			_, err := client.Deliver(t.Context(), id, sitoo.DeliveryFields{WarehouseID: w, Items: []sitoo.DeliveryItem{{OrderItemID: 0, Quantity: 1}}})
			require.NoError(t, err)
			delivery, err := client.DeliverRest(t.Context(), id, sitoo.DeliveryFields{WarehouseID: w})
			require.NoError(t, err)
			require.NotZero(t, delivery)
			require.Equal(t, int64(3), fake.Stock(w, "A").IntPart(), "each piece once")
			delivery, err = client.DeliverRest(t.Context(), id, sitoo.DeliveryFields{WarehouseID: w})
			require.NoError(t, err)
			require.Zero(t, delivery)
			require.Equal(t, 2, fake.Deliveries(id))
			require.NoError(t, fake.CancelDelivery(id, firstDelivery(t, client, id)))
			delivery, err = client.DeliverRest(t.Context(), id, sitoo.DeliveryFields{WarehouseID: w, IgnoreStock: true})
			require.NoError(t, err)
			require.NotZero(t, delivery, "a cancelled delivery does not count")
			require.Equal(t, int64(3), fake.Stock(w, "A").IntPart(), "ignorestock")
		},
		"52_external_ids": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			for _, id := range []string{"", "woo#1", "woo:1", strings.Repeat("x", 41)} {
				_, err := client.Orders.Create(t.Context(), sitoo.OrderFields{ExternalID: sitoo.Set(id), Type: sitoo.Set(sitoo.OrderPlain)})
				require.ErrorIs(t, err, sitoo.ErrValidation)
			}
			require.Empty(t, fake.Requests())
		},
		"57_states": func(t *testing.T) {
			fake, client := open(t, sitootest.Config{})
			w := fake.AddWarehouse("a", sitoo.FIFO)
			fake.Sell(w, false, sitootest.Line{Quantity: 1, Price: 10})
			open := fake.Sell(w, true, sitootest.Line{Quantity: 1, Price: 10})
			orders, page, err := client.Orders.List(t.Context(), sitoo.OrderQuery{States: []sitoo.OrderState{sitoo.OrderOpen}})
			require.NoError(t, err)
			require.Equal(t, 1, page.Total)
			require.Equal(t, open, orders[0].ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

func first[T any](seq func(yield func(*T, error) bool)) (*T, error) {
	for v, err := range seq {
		return v, err
	}
	return nil, errors.New("the list is empty")
}

func last[T any](seq func(yield func(*T, error) bool)) (v *T, err error) {
	for v, err = range seq { //nolint:revive // the last of them is wanted
	}
	return v, err
}

func firstDelivery(t *testing.T, c *sitoo.Client, o sitoo.OrderID) sitoo.DeliveryID {
	t.Helper()
	d, err := first(c.Deliveries(o).All(t.Context(), sitoo.ListQuery{}))
	require.NoError(t, err)
	return d.ID
}

// TestCreateOrderOnce: whatever happens to the requests, there is one order at most, and one in the end.
func TestCreateOrderOnce(t *testing.T) {
	t.Parallel()
	kinds := []sitootest.Fault{
		sitootest.TooMany, sitootest.ServerError, sitootest.BadGateway, sitootest.Unavailable, sitootest.Page, sitootest.Dropped, sitootest.Lost,
		sitootest.Cut, sitootest.Truncated, sitootest.GatewayTimeout, sitootest.Hang,
	}
	lost := 0
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(60) {
			fake, err := sitootest.New(sitootest.Config{})
			require.NoError(t, err)
			fake.SetFaults(sitootest.Faults{Rate: 0.5, Kinds: kinds, Seed: seed})
			client, err := sitoo.New(fake.Config())
			require.NoError(t, err)
			order := sitoo.OrderFields{ExternalID: sitoo.Set(fmt.Sprintf("woo-%d", seed)), Type: sitoo.Set(sitoo.OrderPlain)}
			var id sitoo.OrderID
			for attempt := 0; ; attempt++ {
				require.Less(t, attempt, 50)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				id, _, err = client.CreateOrderOnce(ctx, order)
				cancel()
				require.LessOrEqual(t, fake.Count("orders"), 1, "seed %d", seed)
				if err == nil {
					break
				}
				time.Sleep(5 * time.Minute)
			}
			require.Equal(t, 1, fake.Count("orders"), "seed %d", seed)
			require.NotZero(t, id)
			lost += fake.Stats().AnswersLost
			fake.Close()
		}
	})
	require.NotZero(t, lost)
	t.Logf("60 orders, %d answers lost, none made twice", lost)
}

// TestQuota: with an allowance of 10 requests a minute, 35 requests take four time slots and none is refused.
func TestQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, client := open(t, sitootest.Config{Limit: 10, Slot: 20 * time.Second})
		for range 35 {
			_, _, err := client.Sites.List(t.Context(), sitoo.ListQuery{})
			require.NoError(t, err)
		}
		require.Zero(t, fake.Refused())
		perSlot := map[int64]int{}
		for _, r := range fake.Requests() {
			perSlot[r.At.Unix()/20]++
		}
		require.Len(t, perSlot, 4)
		q := client.Quota()
		require.True(t, q.Known)
		require.Equal(t, 5, q.Remaining)
		fake.Close()
	})
	synctest.Test(t, func(t *testing.T) { // a reset that is far away is the caller's business
		fake, client := open(t, sitootest.Config{Limit: 1, Slot: time.Hour})
		_, _, err := client.Sites.List(t.Context(), sitoo.ListQuery{})
		require.NoError(t, err)
		_, _, err = client.Sites.List(t.Context(), sitoo.ListQuery{})
		require.ErrorIs(t, err, sitoo.ErrRateLimited)
		var e *sitoo.Error
		require.ErrorAs(t, err, &e)
		require.Greater(t, e.RetryAfter(), 30*time.Second)
		require.True(t, e.Systemic())
		require.False(t, e.Permanent())
		fake.Close()
	})
}

// TestLaneEndsWithContext: who waits for the lane leaves with its context.
func TestLaneEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, client := open(t, sitootest.Config{})
		fake.SetFaults(sitootest.Faults{Latency: time.Minute})
		go func() { _, _, _ = client.Sites.List(t.Context(), sitoo.ListQuery{}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, _, err := client.Sites.List(ctx, sitoo.ListQuery{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		fake.Close()
	})
}

// TestPlan: the number of requests is known and kept, each item has its result, and after a failed request nothing more is sent.
func TestPlan(t *testing.T) {
	t.Parallel()
	fake, client := open(t, sitootest.Config{})
	many := make([]sitoo.ProductFields, 450)
	for i := range many {
		many[i] = sitoo.ProductFields{SKU: sitoo.Set("S-" + strconv.Itoa(i))}
	}
	plan := client.Products.PlanCreate(many)
	require.Equal(t, 3, plan.Requests())
	results, err := plan.Run(t.Context())
	require.NoError(t, err)
	require.Len(t, fake.Requests(), 3)
	ids := make([]sitoo.ProductID, len(results))
	for i, r := range results {
		require.NoError(t, r.Err)
		ids[i] = r.ID
		p, err := client.Products.Get(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, "S-"+strconv.Itoa(i), p.SKU, "results stand at their items' indexes")
		if i == 5 {
			break
		}
	}
	require.Zero(t, client.Products.PlanUpdate(nil).Requests())
	changes := []sitoo.Change[sitoo.ProductID, sitoo.ProductFields]{
		sitoo.ChangeOf(results[0].ID, sitoo.ProductFields{Title: sitoo.Set("new")}), sitoo.ChangeOf(sitoo.ProductID(1), sitoo.ProductFields{Title: sitoo.Set("x")}),
	}
	updated, err := client.Products.PlanUpdate(changes).Run(t.Context())
	require.NoError(t, err)
	require.NoError(t, updated[0].Err)
	require.Equal(t, results[0].ID, updated[0].ID)
	require.ErrorIs(t, updated[1].Err, sitoo.ErrNotFound)
	deleted, err := client.Products.PlanDelete(ids[:6]).Run(t.Context())
	require.NoError(t, err)
	for _, r := range deleted {
		require.NoError(t, r.Err)
	}
	require.Equal(t, 444, fake.Count("products"))

	t.Run("a failed request ends it", func(t *testing.T) {
		t.Parallel()
		n := 0
		client := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 2 {
				say(500, `{"statuscode":500,"errortext":"Internal error"}`)(w, r)
				return
			}
			var items []json.RawMessage
			_ = json.NewDecoder(r.Body).Decode(&items)
			say(200, "["+strings.TrimSuffix(strings.Repeat(`{"statuscode":200,"return":1},`, len(items)), ",")+"]")(w, r)
		})
		results, err := client.Products.PlanCreate(many).Run(t.Context())
		require.ErrorIs(t, err, sitoo.ErrUnavailable)
		require.NoError(t, results[199].Err)
		require.ErrorIs(t, results[200].Err, sitoo.ErrAmbiguous)
		require.ErrorIs(t, results[399].Err, sitoo.ErrAmbiguous)
		require.ErrorIs(t, results[400].Err, sitoo.ErrNotSent)
		require.Equal(t, 2, n)
	})
	t.Run("answers that do not match are nobody's", func(t *testing.T) {
		t.Parallel()
		for body, ambiguous := range map[string]bool{
			`[{"statuscode":200,"return":1}]`: true, `[]`: true, `{"x":1}`: true, `[{"return":1},{"return":2}]`: true,
		} {
			results, _ := answering(t, say(200, body)).Products.PlanCreate(many[:2]).Run(t.Context())
			for _, r := range results {
				require.Equal(t, ambiguous, errors.Is(r.Err, sitoo.ErrAmbiguous), body)
			}
		}
	})
	t.Run("transactions are cut by their lines", func(t *testing.T) {
		t.Parallel()
		ts := make([]sitoo.TransactionFields, 5)
		for i := range ts {
			ts[i] = sitoo.TransactionFields{WarehouseID: 1, Type: sitoo.MoveIn}
			for range 400 {
				ts[i].Lines = append(ts[i].Lines, sitoo.TransactionLineFields{SKU: "A", Quantity: quantity(1)})
			}
		}
		require.Equal(t, 3, client.PlanTransactions(ts).Requests())
		ts[0].Lines = append(ts[0].Lines, make([]sitoo.TransactionLineFields, 700)...)
		require.Equal(t, 2, client.PlanTransactions(ts).Requests(), "1,100 lines are refused, not sent")
	})
}

// TestErrors shows each class of failure: its sentinel, and what a queue makes of it.
func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		body      string
		is        error
		permanent bool
		systemic  bool
		says      string
	}{
		"key":        {401, `{"statuscode":401,"errortext":"Unauthorized"}`, sitoo.ErrAuth, false, true, "API ID or password is wrong"},
		"forbidden":  {403, `{"statuscode":403,"errortext":"Forbidden"}`, sitoo.ErrPermission, false, true, "ask Sitoo whether the API extension is on"},
		"wrong URL":  {404, ``, sitoo.ErrNoRoute, false, true, "check Config.BaseURL"},
		"missing":    {404, `{"statuscode":404,"errortext":"Not found"}`, sitoo.ErrNotFound, true, false, "Not found"},
		"conflict":   {409, `{"statuscode":409,"errortext":"id already exists"}`, sitoo.ErrConflict, true, false, "already exists"},
		"stale":      {412, `{"statuscode":412,"errortext":"revision"}`, sitoo.ErrConflict, true, false, "revision"},
		"field":      {400, `{"statuscode":400,"errortext":"Invalid field value 'x' should be string."}`, sitoo.ErrValidation, true, false, "should be string"},
		"ill":        {500, `{"statuscode":500,"errortext":"Internal error"}`, sitoo.ErrUnavailable, false, false, "Internal error"},
		"firewall":   {403, `<html><head><title>Access denied</title></head></html>`, sitoo.ErrHostBlocked, false, true, "a web page"},
		"other page": {404, `<html><body>nginx</body></html>`, sitoo.ErrNoRoute, false, true, "a web page answered instead of Sitoo"},
		"no list":    {200, `[1,2]`, sitoo.ErrNotJSON, false, false, "no list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(c.body, "<") {
					w.Header().Set("Content-Type", "text/html")
				}
				say(c.status, c.body)(w, r)
			})
			_, _, err := client.Sites.List(t.Context(), sitoo.ListQuery{})
			require.ErrorIs(t, err, c.is)
			require.ErrorContains(t, err, c.says)
			var e *sitoo.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.permanent, e.Permanent())
			require.Equal(t, c.systemic, e.Systemic())
			require.False(t, e.Ambiguous(), "it was a read")
			require.Equal(t, "sites", e.Route)
		})
	}
	_, page, err := answering(t, say(200, `{"totalcount":2,"items":[{"eshopid":"x"},{"eshopid":2}]}`)).Sites.List(t.Context(), sitoo.ListQuery{})
	require.ErrorIs(t, err, sitoo.ErrMalformed)
	require.Equal(t, 2, page.Total, "one record that cannot be read does not lose its page")
}

// TestEvents shows what Sitoo's pushes are answered, which decides whether they come again or are lost.
func TestEvents(t *testing.T) {
	t.Parallel()
	const delivery = `[{"event_id":"a","event_type":"order","event_date":1760002001,"account_id":91234,"data":{"eshop_id":1,"order_id":20991,
	  "warehouse_id":2,"order_event_type":"update","order_state_changed":"closed","x":1}},
	  {"event_id":"b","event_type":"order","event_date":1760002002,"account_id":7,"data":{}},
	  {"event_id":"c","event_type":"warehouse-transaction","event_date":1760002003,"account_id":91234,"data":{"warehouse_id":"2"}}]`
	for name, c := range map[string]struct {
		method, body, user string
		fail               string // the event that cannot be handled
		status             int
		handled            string
	}{
		"handled":         {"POST", delivery, "sitoo", "", 200, "ac"},
		"a single one":    {"POST", `{"event_id":"z","event_type":"booking","account_id":91234}`, "sitoo", "", 200, "z"},
		"not durable":     {"POST", delivery, "sitoo", "c", 503, "a"},
		"a stranger":      {"POST", delivery, "other", "", 401, ""},
		"no events":       {"POST", `{"hello":1}`, "sitoo", "", 400, ""},
		"too long":        {"POST", `[` + strings.Repeat(" ", 2<<20) + `]`, "sitoo", "", 413, ""},
		"not posted":      {"GET", "", "sitoo", "", 405, ""},
		"an empty bundle": {"POST", `[]`, "sitoo", "", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handled := ""
			h, err := sitoo.NewEventHandler(sitoo.EventConfig{User: "sitoo", Password: "word", AccountID: 91234, Handle: func(_ context.Context, e sitoo.Event) error {
				if e.ID == c.fail {
					return errors.New("queue is full")
				}
				handled += e.ID
				return nil
			}})
			require.NoError(t, err)
			w, r := recorder(c.method, c.body)
			r.SetBasicAuth(c.user, "word")
			h.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.handled, handled)
			if c.status == http.StatusServiceUnavailable {
				require.NotEmpty(t, w.Header().Get("Retry-After"))
			}
		})
	}
	events, err := sitoo.ParseEvents([]byte(delivery))
	require.NoError(t, err)
	require.Equal(t, sitoo.OrderID(20991), events[0].Data.OrderID)
	require.Equal(t, "1", string(events[0].Data.Extra["x"]))
	require.Equal(t, sitoo.WarehouseID(2), events[2].Data.WarehouseID)
	take := func(context.Context, sitoo.Event) error { return nil }
	for _, c := range []sitoo.EventConfig{
		{}, {User: "a", Password: "b"}, {Handle: take}, {User: "a", Password: "b", Handle: take, MaxBody: -1},
	} {
		_, err := sitoo.NewEventHandler(c)
		require.ErrorContains(t, err, "EventConfig.")
	}
	h, err := sitoo.NewEventHandler(sitoo.EventConfig{User: "a", Password: "b", Handle: take, MaxBody: 4})
	require.NoError(t, err)
	for body, status := range map[string]int{"[  ]": http.StatusOK, "[   ]": http.StatusRequestEntityTooLarge} {
		w, r := recorder("POST", body)
		r.SetBasicAuth("a", "b")
		h.ServeHTTP(w, r)
		require.Equal(t, status, w.Code)
	}
}

// TestRowArithmetic is the documented order: net per unit is what the row costs less its discount, without VAT, by the piece.
func TestRowArithmetic(t *testing.T) {
	t.Parallel()
	_, client := open(t, sitootest.Config{})
	vat := func(n int64) sitoo.Percent { return sitoo.NewPercent(decimal.NewFromInt(n)) }
	id, err := client.Orders.Create(t.Context(), sitoo.OrderFields{
		Type: sitoo.Set(sitoo.OrderPlain), ExternalID: sitoo.Set("woo-1042"), Payment: sitoo.Set(sitoo.PaymentSuccessful),
		Items: []sitoo.OrderItemFields{
			{Name: "Skaljacka", SKU: "JKT", Quantity: 1, RowPrice: money("1499"), VATValue: vat(25)},
			{Name: "Ullsocka", SKU: "SOCK", Quantity: 3, RowPrice: money("447"), RowDiscount: sitoo.Set(money("44.70")), VATValue: vat(25)},
			{Name: "Fjällguiden", SKU: "BOK", Quantity: 1, RowPrice: money("212"), VATValue: vat(6)},
		},
		Payments: []sitoo.OrderPayment{{Name: "Klarna", Amount: money("2113.30"), ExternalID: "woo-1042"}},
	})
	require.NoError(t, err)
	o, err := client.OrderByExternalID(t.Context(), "woo-1042")
	require.NoError(t, err)
	require.Equal(t, id, o.ID)
	require.Equal(t, []string{"1721.04", "392.26", "2113.3"}, []string{o.FinalNet.String(), o.FinalVAT.String(), o.Total.String()})
	require.Equal(t, "107.28", o.Items[1].UnitNet.String())
	require.Equal(t, "44.70", o.Items[1].Data["orderitem-moneyrowdiscount"])
	require.Equal(t, sitoo.OrderItemID(2), o.Items[2].ID)
}

func TestPermanentOnlyOnce(t *testing.T) {
	t.Parallel()
	n := 0
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		_, _ = io.Copy(io.Discard, r.Body)
		say(400, `{"statuscode":400,"errortext":"Missing required field 'sku'."}`)(w, r)
	})
	require.ErrorIs(t, client.Products.Update(t.Context(), 7, sitoo.ProductFields{}), sitoo.ErrValidation)
	require.Equal(t, 1, n)
}
