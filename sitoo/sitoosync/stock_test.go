package sitoosync

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

func sends(c *Config) { c.SendStock = true }

func forced(c *Config) { c.SendStock, c.ForceInstant = true, true }

// edited changes the shop's stock as a person in its admin does, and tells the Sync.
func (w *world) edited(id woo.ProductID, stock int64) {
	w.t.Helper()
	_, err := w.woo.Products.Update(w.t.Context(), id, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(stock))})
	require.NoError(w.t, err)
	require.NoError(w.t, w.sync.sendUp(w.t.Context(), stockKind, number(id)))
}

func TestSitoo_A2_fetch_stock_changes(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		book, _ := w.pair("BOK-1", 4, 4)
		_, sizes := w.family("JKT", 6, "S", "M")
		lone := w.product("LONE", 5)
		w.till.AddProduct("LONE", "on both sides, but not linked", "1.00")
		w.till.SetStock(w.warehouse, "LONE", 77)
		w.fetches(StockDown) // the first reads everything
		require.Equal(t, "5", w.shopStock(int64(lone)), "only linked items")

		w.later(10 * time.Minute)
		w.till.Sell(w.warehouse, false, sitootest.Line{SKU: "SOCK-7", Quantity: 3, Price: 149})
		w.till.Sell(w.warehouse, false, sitootest.Line{SKU: "JKT-M", Quantity: 1, Price: 1499})
		sold := time.Now().Unix()
		w.later(time.Minute)
		shop, till := w.marks()
		r := w.fetches(StockDown)
		require.Equal(t, 2, r.Changes)
		require.Equal(t, "7", w.shopStock(int64(sock)))
		require.Equal(t, "5", w.shopStock(int64(sizes[1])))
		require.Equal(t, "4", w.shopStock(int64(book)))
		asked := w.till.Requests()[till:]
		require.Len(t, asked, 1, "one look at what has changed")
		require.NotEmpty(t, asked[0].Query.Get("datelastmodifiedfrom"))
		require.Equal(t, "sku,decimaltotal,decimalreserved,decimalavailable,datelastmodified", asked[0].Query.Get("fields"))
		writes := w.shopWrites(shop)
		require.Len(t, writes, 2, "a batch of products, a batch of the family's variations")
		for _, write := range writes {
			require.Regexp(t, `^POST .*/batch$`, write)
		}
		var state stockState
		require.NoError(t, w.sync.load(t.Context(), stockCursor, &state))
		require.Equal(t, sold, state.Since, "the till's newest change, not our clock")

		w.later(10 * time.Minute)
		shop, till = w.marks()
		r = w.fetches(StockDown)
		require.Zero(t, r.Changes)
		require.Empty(t, w.shopWrites(shop), "what is equal is not written")
		require.Equal(t, fmt.Sprint(sold-stockOverlap), w.till.Requests()[till].Query.Get("datelastmodifiedfrom"), "the same second again")

		w.part("trap 41", func() { // what moved the shop's figure here is not seen by any change of the till's
			require.NoError(t, w.woo.Products.Delete(t.Context(), lone))
			_, err := w.woo.Products.Update(t.Context(), book, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(90))})
			require.NoError(t, err)
			w.later(time.Hour)
			require.Equal(t, 1, w.fetches(StockDown).Changes, "every hour all stock is read")
			require.Equal(t, "4", w.shopStock(int64(book)))
		})
	})
}

func TestSitoo_trap42_fractions_and_negative_stock(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual}, func(t *testing.T, w *world) {
		for sku, c := range map[string]struct{ till, shop string }{"A": {"2.750", "2"}, "B": {"-1.500", "-2"}, "C": {"-3.000", "-3"}} {
			id, _ := w.pair(sku, 1, 1)
			_, err := w.sitoo.Stock(w.warehouse).PlanSet([]sitoo.StockFields{
				{SKU: sku, Total: sitoo.Set(sitoo.NewQuantity(decimal.RequireFromString(c.till)))},
			}).Run(t.Context())
			require.NoError(t, err)
			w.fetches(StockDown)
			require.Equal(t, c.shop, w.shopStock(int64(id)), c.till)
		}
	})
}

func TestSitoo_F14_stock_down(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		warehouse sitoo.WarehouseType
		config    func(*Config)
	}{"by orders": {sitoo.FIFO, sends}, "by batch": {sitoo.FIFO, forced}, "mirror": {sitoo.Virtual, sends}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, conditions{warehouse: c.warehouse, config: c.config}, func(t *testing.T, w *world) {
				ids := map[string]woo.ProductID{}
				for i := range 230 {
					sku := fmt.Sprintf("S-%d", i)
					ids[sku], _ = w.pair(sku, 1, i)
				}
				absent := w.product("ABSENT", 8)
				require.NoError(t, w.links.Put(t.Context(), []Link{LinkProduct(absent, w.till.AddProduct("ABSENT", "x", "1.00"))}))
				w.fetches(StockDown)
				_, err := w.woo.Products.Update(t.Context(), ids["S-3"], woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(55))})
				require.NoError(t, err) // the till's figure counts
				_, till := w.marks()
				r, err := w.does(StockDown)
				require.NoError(t, err)
				for sku, id := range ids {
					require.Equal(t, strings.TrimPrefix(sku, "S-"), w.shopStock(int64(id)))
				}
				require.Equal(t, "8", w.shopStock(int64(absent)), "what the warehouse does not have is left")
				require.NotZero(t, r.Changes)
				reads := 0
				for _, request := range w.till.Requests()[till:] {
					if strings.HasSuffix(request.Path, "/warehouseitems.json") && request.Method == http.MethodGet && request.Query.Get("sku") == "" {
						require.Empty(t, request.Query.Get("datelastmodifiedfrom"))
						reads++
					}
				}
				require.Equal(t, 3, reads, "three pages of a hundred")
			})
		})
	}
	t.Run("missing is zero (Q24)", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{config: func(c *Config) { c.MissingStockIsZero = true }}, func(t *testing.T, w *world) {
			w.pair("HERE", 1, 2)
			absent := w.product("ABSENT", 8)
			require.NoError(t, w.links.Put(t.Context(), []Link{LinkProduct(absent, w.till.AddProduct("ABSENT", "x", "1.00"))}))
			_, err := w.does(StockDown)
			require.NoError(t, err)
			require.Equal(t, "0", w.shopStock(int64(absent)))
		})
	})
}

func TestSitoo_F15_stock_up(t *testing.T) {
	t.Parallel()
	t.Run("virtual", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{warehouse: sitoo.Virtual, config: sends}, func(t *testing.T, w *world) {
			for i := range 130 {
				w.pair(fmt.Sprintf("S-%d", i), i, 0)
			}
			w.family("JKT", 6, "S")
			_, till := w.marks()
			cost, err := w.sync.stockUpCost(t.Context())
			require.NoError(t, err)
			_, err = w.does(StockUp)
			require.NoError(t, err)
			require.Equal(t, []string{w.stockPath("PUT"), w.stockPath("PUT")}, w.tillWrites(till), "131 items in two requests")
			require.LessOrEqual(t, len(w.till.Requests())-till, cost)
			require.Equal(t, "129", w.tillStock("S-129"))
			require.Equal(t, "6", w.tillStock("JKT-S"))
		})
	})
	t.Run("FIFO", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{config: sends}, func(t *testing.T, w *world) {
			w.pair("S", 5, 2)
			_, till := w.marks()
			_, err := w.does(StockUp)
			require.NoError(t, err)
			require.Empty(t, w.tillWrites(till), "stock moves by orders alone")
			require.Equal(t, "2", w.tillStock("S"))
		})
	})
	t.Run("FIFO, forced", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
			for i := range 130 {
				w.pair(fmt.Sprintf("S-%d", i), i, 60)
			}
			_, till := w.marks()
			cost, err := w.sync.stockUpCost(t.Context())
			require.NoError(t, err)
			_, err = w.does(StockUp)
			require.NoError(t, err)
			require.LessOrEqual(t, len(w.till.Requests())-till, cost)
			for i := range 130 {
				require.Equal(t, fmt.Sprint(i), w.tillStock(fmt.Sprintf("S-%d", i)))
			}
			require.NotContains(t, w.tillWrites(till), w.stockPath("PUT"), "a FIFO warehouse's total cannot be set (trap 37)")
		})
	})
}

// stockPath is a request to the warehouse's stock.
func (w *world) stockPath(method string) string {
	return fmt.Sprintf("%s sites/1/warehouses/%d/warehouseitems.json", method, w.warehouse)
}

// batchPath is a request to the warehouse's batches.
func (w *world) batchPath(method, below string) string {
	return fmt.Sprintf("%s sites/1/warehouses/%d/warehousebatches%s.json", method, w.warehouse, below)
}

func TestSitoo_T1_send_stock_changes(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual, config: sends}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		_, sizes := w.family("JKT", 6, "S")
		w.fetches(StockDown)
		w.edited(sock, 7)
		w.settled()
		require.Equal(t, "7", w.tillStock("SOCK-7"))

		parent := Link{Kind: VariationLink}
		for l, err := range w.links.All(t.Context(), VariationLink) {
			require.NoError(t, err)
			parent = l
		}
		p, v, err := parent.Item()
		require.NoError(t, err)
		require.Equal(t, sizes[0], v)
		_, err = w.woo.Variations(p).Update(t.Context(), v, woo.VariationFields{StockQuantity: woo.Set(decimal.NewFromInt(2))})
		require.NoError(t, err)
		_, till := w.marks()
		require.NoError(t, w.sync.sendUp(t.Context(), stockKind, parent.Woo))
		w.settled()
		require.Equal(t, []string{w.stockPath("PUT")}, w.tillWrites(till))
		last := w.till.Requests()[len(w.till.Requests())-1]
		require.JSONEq(t, `[{"sku":"JKT-S","decimaltotal":"2.000"}]`, last.Body, "the absolute figure")

		w.part("trap 43: what came down is no change", func() {
			w.till.SetStock(w.warehouse, "SOCK-7", 3)
			w.fetches(StockDown)
			require.Equal(t, "3", w.shopStock(int64(sock)))
			_, till := w.marks()
			require.NoError(t, w.sync.sendUp(t.Context(), stockKind, number(sock))) // the shop's webhook of just that write
			w.settled()
			require.Empty(t, w.till.Requests()[till:])
		})
		w.part("what went up is no change", func() {
			w.edited(sock, 5)
			w.settled()
			shop, _ := w.marks()
			w.later(time.Minute)
			w.fetches(StockDown)
			require.Empty(t, w.shopWrites(shop))
		})
		w.part("a change that waits is not overwritten", func() {
			w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
				if r.Method == http.MethodPut {
					return sitootest.Unavailable
				}
				return sitootest.None
			}})
			w.edited(sock, 1)
			w.later(time.Second)
			w.till.SetStock(w.warehouse, "SOCK-7", 9)
			w.fetches(StockDown)
			require.Equal(t, "1", w.shopStock(int64(sock)))
			w.till.SetFaults(sitootest.Faults{})
			w.settled()
			require.Equal(t, "1", w.tillStock("SOCK-7"))
		})
		w.part("not counted, not sent", func() {
			_, err := w.woo.Products.Update(t.Context(), sock, woo.ProductFields{ManageStock: woo.Set(woo.StockUnmanaged)})
			require.NoError(t, err)
			_, till := w.marks()
			require.NoError(t, w.sync.sendUp(t.Context(), stockKind, number(sock)))
			w.settled()
			require.Empty(t, w.till.Requests()[till:])
		})
	})
}

func TestSitoo_T1_a_burst_is_one_request(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual, config: sends}, func(t *testing.T, w *world) {
		var ids []string
		for i := range 40 {
			id, _ := w.pair(fmt.Sprintf("S-%d", i), 10, 10)
			ids = append(ids, number(id))
		}
		w.fetches(StockDown)
		for _, id := range ids {
			p, _, err := itemID(id)
			require.NoError(t, err)
			_, err = w.woo.Products.Update(t.Context(), p, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(4))})
			require.NoError(t, err)
		}
		w.till.StartOutage(time.Minute, sitootest.Unavailable) // they pile up
		require.NoError(t, w.sync.sendUp(t.Context(), stockKind, ids...))
		w.later(2 * time.Minute)
		_, till := w.marks()
		w.settled()
		require.LessOrEqual(t, len(w.tillWrites(till)), 1)
		for i := range 40 {
			require.Equal(t, "4", w.tillStock(fmt.Sprintf("S-%d", i)))
		}
	})
}

func TestSitoo_T3_force_instant_stock(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		book, _ := w.pair("BOK-1", 4, 4)
		w.fetches(StockDown)
		_, till := w.marks()
		w.edited(sock, 7)
		w.settled()
		require.Equal(t, "7", w.tillStock("SOCK-7"))
		writes := w.tillWrites(till)
		require.Len(t, writes, 3)
		require.Equal(t, w.batchPath("POST", ""), writes[0])
		require.Regexp(t, `^PUT .*/warehousebatches/\d+/warehousebatchitems.json$`, writes[1])
		require.Regexp(t, `^PUT .*/warehousebatches/\d+.json$`, writes[2])
		for _, r := range w.till.Requests()[till:] {
			switch {
			case strings.HasSuffix(r.Path, "items.json"):
				require.JSONEq(t, `[{"sku":"SOCK-7","decimalquantity":"-3.000"}]`, r.Body, "a change, negative when it goes out (Q5)")
			case r.Method == http.MethodPost:
				require.Contains(t, r.Body, `"transactiontype":20`)
			}
		}
		w.edited(book, 9)
		w.settled()
		require.Equal(t, "9", w.tillStock("BOK-1"))
		_, till = w.marks()
		require.NoError(t, w.sync.sendUp(t.Context(), stockKind, number(book)))
		w.settled()
		require.Empty(t, w.till.Requests()[till:], "nothing has changed since")

		w.part("both sides sell", func() { // 7 on both: the shop sells 2, the till 3
			w.later(time.Minute)
			w.till.Sell(w.warehouse, false, sitootest.Line{SKU: "SOCK-7", Quantity: 3, Price: 149})
			_, err := w.woo.Products.Update(t.Context(), sock, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(5))})
			require.NoError(t, err)
			w.fetches(StockDown)
			require.Equal(t, "2", w.shopStock(int64(sock)))
			require.NoError(t, w.sync.sendUp(t.Context(), stockKind, number(sock)))
			w.settled()
			require.Equal(t, "2", w.tillStock("SOCK-7"))
			w.fetches(StockDown)
			require.Equal(t, "2", w.shopStock(int64(sock)))
		})
	})
}

func TestSitoo_T3_a_batch_that_staff_have_open(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		batches := w.sitoo.StockBatches(w.warehouse)
		staff, err := batches.Create(t.Context(), sitoo.StockBatchFields{
			Type: sitoo.Set(sitoo.MoveOut), Owner: sitoo.Set("eva@example.com"),
		})
		require.NoError(t, err)
		_, err = w.sitoo.BatchLines(w.warehouse, staff).PlanSet([]sitoo.BatchLineFields{
			{SKU: "SOCK-7", Quantity: sitoo.NewQuantity(decimal.NewFromInt(-1))},
		}).Run(t.Context())
		require.NoError(t, err)
		w.edited(sock, 7)
		w.later(time.Minute)
		require.Equal(t, "10", w.tillStock("SOCK-7"), "what staff have half counted is not booked by us (trap 38)")
		found, err := w.queue.List(t.Context(), retryqueue.Query{States: []retryqueue.State{retryqueue.Retrying}})
		require.NoError(t, err)
		require.Len(t, found.Records, 1)
		require.Contains(t, found.Records[0].LastError, "must be closed at the till first")
		require.NoError(t, batches.Update(t.Context(), staff, sitoo.StockBatchFields{State: sitoo.Set(sitoo.BatchClosed)}))
		w.settled()
		require.Equal(t, "6", w.tillStock("SOCK-7"), "theirs, and then ours")
	})
}

// TestSitoo_trap40_an_interrupted_batch lets every request of a batch fail in every way, once each: the change is booked once.
func TestSitoo_trap40_an_interrupted_batch(t *testing.T) {
	t.Parallel()
	for step, is := range map[string]func(*http.Request) bool{
		"open": func(r *http.Request) bool { return r.Method == http.MethodPost },
		"fill": func(r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "items.json") && r.Method == http.MethodPut
		},
		"close": func(r *http.Request) bool {
			return r.Method == http.MethodPut && !strings.HasSuffix(r.URL.Path, "items.json")
		},
	} {
		for _, fault := range []sitootest.Fault{sitootest.Dropped, sitootest.Lost, sitootest.GatewayTimeout, sitootest.ServerError} {
			t.Run(fmt.Sprintf("%s/%v", step, fault), func(t *testing.T) {
				t.Parallel()
				inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
					sock, _ := w.pair("SOCK-7", 10, 10)
					w.fetches(StockDown)
					met := 0
					w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
						if is(r) {
							if met++; met <= 6 {
								return fault
							}
						}
						return sitootest.None
					}})
					w.edited(sock, 7)
					w.later(24 * time.Hour)
					w.settled()
					w.fetches(StockDown)
					require.Equal(t, "7", w.tillStock("SOCK-7"))
					require.Equal(t, "7", w.shopStock(int64(sock)))
				})
			})
		}
	}
	t.Run("a new process ends it", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
			sock, _ := w.pair("SOCK-7", 10, 10)
			w.fetches(StockDown)
			w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
				if r.Method == http.MethodPut && !strings.HasSuffix(r.URL.Path, "items.json") {
					return sitootest.Unavailable
				}
				return sitootest.None
			}})
			w.edited(sock, 7)
			w.later(time.Minute)
			require.Equal(t, "10", w.tillStock("SOCK-7"))
			w.till.SetFaults(sitootest.Faults{})
			w.start(forced)
			w.till.SetStock(w.warehouse, "SOCK-7", 20)
			w.fetches(StockDown)
			require.Equal(t, "17", w.tillStock("SOCK-7"))
			require.Equal(t, "17", w.shopStock(int64(sock)))
		})
	})
}

func TestSitoo_T3_stocktaking(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { forced(c); c.Force = ForceByStocktaking }}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		_, till := w.marks()
		w.edited(sock, 7)
		w.settled()
		require.Equal(t, "7", w.tillStock("SOCK-7"))
		for _, r := range w.till.Requests()[till:] {
			if strings.HasSuffix(r.Path, "items.json") {
				require.JSONEq(t, `[{"sku":"SOCK-7","decimalquantity":"7.000"}]`, r.Body, "what was counted, not what has changed (trap 39)")
			}
		}
	})
}

func TestAgreed(t *testing.T) {
	t.Parallel()
	d := decimal.NewFromInt
	writing := agreed{known: true, figure: d(10), writing: true, target: d(8), next: d(9)} // the till went from 10 to 9; the shop had 9
	for _, a := range []agreed{{}, agreedOn(d(7)), agreedOn(d(-2)), writing} {
		require.Equal(t, a.String(), readAgreed(a.String()).String())
	}
	require.False(t, readAgreed("a>b").known)
	require.Equal(t, agreedOn(d(9)).String(), writing.settle(d(8)).String(), "it was written")
	require.Equal(t, agreedOn(d(10)).String(), writing.settle(d(9)).String(), "it was not")
	require.False(t, writing.settle(d(5)).known, "nobody knows")
}

func TestDown(t *testing.T) {
	t.Parallel()
	d := decimal.NewFromInt
	for name, c := range map[string]struct {
		path             StockPath
		sends, overwrite bool
		agreed           agreed
		shop, till       int64
		want             int64
		later            bool
	}{
		"by orders: the till's":                   {ByOrders, true, false, agreedOn(d(10)), 8, 7, 7, false},
		"nothing goes up: the till's":             {Mirror, false, false, agreedOn(d(10)), 8, 7, 7, false},
		"mirror, the shop unchanged":              {Mirror, true, false, agreedOn(d(10)), 10, 7, 7, false},
		"mirror, the shop changed":                {Mirror, true, false, agreedOn(d(10)), 8, 7, 7, true},
		"mirror, overwritten":                     {Mirror, true, true, agreedOn(d(10)), 8, 7, 7, false},
		"by batch: both have sold":                {ByBatch, true, false, agreedOn(d(10)), 8, 7, 5, false},
		"by batch, the shop unchanged":            {ByBatch, true, false, agreedOn(d(10)), 10, 7, 7, false},
		"by batch, nothing agreed on: the till's": {ByBatch, true, false, agreed{}, 8, 7, 7, false},
		"by batch, overwritten":                   {ByBatch, true, true, agreedOn(d(10)), 8, 7, 7, false},
	} {
		shop := d(c.shop)
		target, later := down(c.path, c.sends, c.overwrite, c.agreed, &shop, d(c.till))
		require.Equal(t, c.later, later, name)
		require.True(t, later || target.Equal(d(c.want)), "%s: %s", name, target)
	}
	target, later := down(ByBatch, true, false, agreedOn(d(1)), nil, d(7))
	require.False(t, later)
	require.True(t, target.Equal(d(7)), "stock that the shop did not count")
}
