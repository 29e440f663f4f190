package sitoosync

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

func TestSitoo_S1_S2_keys_and_address(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		connect := func(change func(*sitoo.Config)) error {
			config := w.till.Config()
			change(&config)
			client, err := sitoo.New(config)
			require.NoError(t, err)
			w.sitoo = client
			w.start(nil)
			_, err = w.sync.Connect(t.Context())
			return err
		}
		for _, base := range []string{
			"https://sitoo.test/v2/accounts/91234", "https://sitoo.test/v2/accounts/91234/", "https://sitoo.test/v2/accounts/",
			"https://sitoo.test/v2/accounts",
		} { // trap 5
			require.NoError(t, connect(func(c *sitoo.Config) { c.BaseURL = base }), base)
		}
		err := connect(func(c *sitoo.Config) { c.Password = "hunter-two" })
		require.ErrorIs(t, err, sitoo.ErrAuth)
		require.NotContains(t, fmt.Sprint(err), "hunter-two")
		w.till.StartOutage(time.Hour, sitootest.Dropped)
		err = connect(func(*sitoo.Config) {})
		require.ErrorIs(t, err, sitoo.ErrUnavailable, "a till that cannot be reached is no wrong key")
		require.NotErrorIs(t, err, sitoo.ErrAuth)
	})
}

func TestSitoo_S3_mode(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		intervals := func(c Config) map[string]time.Duration {
			w.start(func(config *Config) {
				config.Live, config.SendStock, config.Match, config.Hooks = c.Live, true, true, c.Hooks
			})
			all := map[string]time.Duration{}
			for _, j := range w.sync.jobs() {
				all[j.name] = j.every
			}
			return all
		}
		m := time.Minute
		require.Equal(t, map[string]time.Duration{"stock": m, "orders": m, "match": m, "changes of the shop": m}, intervals(Config{}))
		live := map[string]time.Duration{"stock": 3 * m, "orders": 15 * m, "match": 15 * m, "changes of the shop": 3 * m}
		require.Equal(t, live, intervals(Config{Live: true}))
		require.Equal(t, 60*m, intervals(Config{Live: true, Hooks: true})["changes of the shop"])
	})
}

func TestSitoo_S4_S5_S6_connect(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		mirror := w.till.AddWarehouse("Webb", sitoo.Virtual)
		_, till := w.marks()
		c, err := w.sync.Connect(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, c.Site.ID)
		require.Len(t, c.Warehouses, 2)
		require.Equal(t, "Storgatan", c.Warehouse.Name)
		require.Equal(t, ByOrders, c.Path)
		require.NotEmpty(t, c.VATGroups)
		var asked []string
		for _, r := range w.till.Requests()[till:] {
			asked = append(asked, r.Method+" "+r.Path)
		}
		require.Equal(t, []string{
			"GET sites.json", "GET sites/1/warehouses.json", "GET sites/1/productgroups.json", "GET sites/1/manufacturers.json",
		}, asked)
		require.Empty(t, w.tillWrites(till))
		require.Len(t, c.Warnings, 1, "the shop reckons in euros, the warehouse in kronor")
		require.Contains(t, c.Warnings[0], "SEK")

		w.part("S6 the warehouse", func() {
			w.start(func(c *Config) { c.Warehouse = mirror })
			c, err := w.sync.Connect(t.Context())
			require.NoError(t, err)
			require.Equal(t, Mirror, c.Path)
			require.NoError(t, w.sitoo.Warehouses.Update(t.Context(), mirror, sitoo.WarehouseFields{Type: sitoo.Set(sitoo.FIFO)}))
			c, err = w.sync.Connect(t.Context())
			require.NoError(t, err)
			require.Equal(t, ByOrders, c.Path, "its type is read anew: it can change")
			w.start(func(c *Config) { c.Warehouse = 77 })
			_, err = w.sync.Connect(t.Context())
			require.ErrorContains(t, err, fmt.Sprintf("has no warehouse 77, but %d (Storgatan), %d (Webb)", w.warehouse, mirror))
		})
		w.part("S5 the site", func() {
			config := w.till.Config()
			config.Site = 3
			client, err := sitoo.New(config)
			require.NoError(t, err)
			w.sitoo = client
			w.start(nil)
			_, err = w.sync.Connect(t.Context())
			require.ErrorIs(t, err, sitoo.ErrNotFound)
			require.ErrorContains(t, err, "no site 3")
			require.Error(t, w.sync.Run(t.Context()), "nothing is done with an empty site (trap 8)")
		})
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	shop, err := woo.New(woo.Config{URL: "https://shop.test", Key: "ck_1", Secret: "cs_1"})
	require.NoError(t, err)
	till, err := sitoo.New(sitoo.Config{BaseURL: "https://sitoo.test/v2/accounts/", APIID: "1-1", Password: "x"})
	require.NoError(t, err)
	good := func() Config {
		queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
		require.NoError(t, err)
		return Config{Shop: shop, Till: till, Links: &MemoryLinks{}, State: &MemoryLinks{}, Queue: queue, Warehouse: 2}
	}
	_, err = New(good())
	require.NoError(t, err)
	for want, change := range map[string]func(*Config){
		"Shop is missing":      func(c *Config) { c.Shop = nil },
		"Till is missing":      func(c *Config) { c.Till = nil },
		"Links is missing":     func(c *Config) { c.Links = nil },
		"State is missing":     func(c *Config) { c.State = nil },
		"Queue is missing":     func(c *Config) { c.Queue = nil },
		"Warehouse is missing": func(c *Config) { c.Warehouse = 0 },
		"Name has 21 bytes":    func(c *Config) { c.Name = "a23456789012345678901" },
		"Name holds other":     func(c *Config) { c.Name = "a b" },
		"PageSize is 1001":     func(c *Config) { c.PageSize = 1001 },
		"Products is \"all\"":  func(c *Config) { c.Products = "all" },
		"leave out wc-":        func(c *Config) { c.OrderStatus = "wc-processing" },
		"give the method's id": func(c *Config) { c.ClickAndCollect = []string{"local_pickup:3"} },
		"Figure is none":       func(c *Config) { c.Figure = 7 },
		"Orders is none":       func(c *Config) { c.Orders = 7 },
		"Force is none":        func(c *Config) { c.Force = 7 },
	} {
		c := good()
		change(&c)
		_, err := New(c)
		require.ErrorContains(t, err, want)
	}
}

func TestSitoo_X1_X2_clear_all_and_reset_timestamp(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		w.start(func(c *Config) { c.Live = true })
		require.ErrorIs(t, w.sync.ClearAll(t.Context()), ErrLive)
		require.ErrorIs(t, w.sync.ResetTimestamp(t.Context()), ErrLive)

		w.start(func(c *Config) { c.Orders = AllOrders })
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.family("JKT", 3, "S", "M")
		require.NoError(t, w.sync.RunOnce(t.Context()))
		w.till.Sell(w.warehouse, false, sitootest.Line{SKU: "SOCK-7", Quantity: 1, Price: 125})
		w.later(time.Minute)
		require.NoError(t, w.sync.RunOnce(t.Context()))
		require.Len(t, w.shop.Orders(), 1)

		w.part("X2", func() {
			before, err := w.links.Load(t.Context(), "sitoo.stock")
			require.NoError(t, err)
			require.NoError(t, w.sync.ResetTimestamp(t.Context()))
			after, err := w.links.Load(t.Context(), "sitoo.stock")
			require.NoError(t, err)
			require.Equal(t, before, after, "stock is not concerned")
			_, till := w.marks()
			require.NoError(t, w.sync.RunOnce(t.Context()))
			seen := false
			for _, r := range w.till.Requests()[till:] {
				seen = seen || r.Path == "sites/1/orders.json" && r.Query.Get("orderidfrom") == "1"
			}
			require.True(t, seen, "all orders are looked at again")
			require.Len(t, w.shop.Orders(), 1, "none is made twice")
		})
		w.part("X1", func() {
			products := w.till.Count("products")
			every := map[LinkKind]bool{}
			for _, kind := range []LinkKind{
				ProductLink, VariationLink, StockLink, CategoryLink, VoucherLink, OrderLink, RefundLink,
			} {
				every[kind] = true
				require.NoError(t, w.links.Put(t.Context(), []Link{{Kind: kind, Woo: "7777/1", Sitoo: "8888"}}))
			}
			shop, till := w.marks()
			require.NoError(t, w.sync.ClearAll(t.Context()))
			require.Empty(t, w.tillWrites(till))
			require.Empty(t, w.shopWrites(shop))
			for kind := range every {
				for l := range w.links.All(t.Context(), kind) {
					require.Fail(t, "a link is left", "%v", l)
				}
			}
			for _, name := range states() {
				b, err := w.links.Load(t.Context(), "sitoo."+name)
				require.NoError(t, err)
				require.Empty(t, b, name)
			}
			require.Equal(t, products, w.till.Count("products"), "products stay")
			require.NotNil(t, w.shop.Product(int64(sock)))
			_, err := w.does(OpMatchAll)
			require.NoError(t, err)
			require.NoError(t, w.sync.RunOnce(t.Context()))
			require.Len(t, w.shop.Orders(), 1, "an order that came down before says so itself (trap 65)")
		})
	})
}

func TestSitoo_X5_logs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	inWorld(t, conditions{config: func(c *Config) {
		c.SendStock, c.ForceInstant = true, true
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		w.fetches(StockDown)
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPost {
				return sitootest.ServerError
			}
			return sitootest.None
		}})
		w.edited(sock, 3)
		w.later(time.Minute)
		require.Contains(t, log.String(), "operation=stock-down")
		require.Contains(t, log.String(), "sending up failed")
		for _, secret := range []string{w.till.Config().Password, w.shop.Config().Secret} {
			require.NotContains(t, log.String(), secret)
		}
	})
}
