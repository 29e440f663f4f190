package sitoosync

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
)

// times are when requests of a path came, since the world began.
func (w *world) times(suffix string) []time.Duration {
	var all []time.Duration
	requests := w.till.Requests()
	for _, r := range requests {
		if strings.HasSuffix(r.Path, suffix) {
			all = append(all, r.At.Sub(requests[0].At))
		}
	}
	return all
}

func TestSitoo_K1_K2_autosync(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.Live, c.StockAgain = true, -1 }}, func(t *testing.T, w *world) {
		w.pair("SOCK-7", 1, 1)
		stop := w.goes(w.sync.Run)
		w.later(46 * time.Minute)
		stop()
		minutes := func(suffix string) (all []int) {
			for _, at := range w.times(suffix) {
				all = append(all, int(at.Round(time.Second)/time.Minute))
			}
			return all
		}
		require.Equal(t, []int{0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45}, minutes("/warehouseitems.json"))
		require.Equal(t, []int{0, 15, 30, 45}, minutes("/orders.json"))
		require.Zero(t, w.till.Refused())
	})
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{config: func(c *Config) { c.NoAutosync = true }}, func(t *testing.T, w *world) {
			stop := w.goes(w.sync.Run)
			w.later(time.Hour)
			stop()
			require.Empty(t, w.times("/warehouseitems.json"))
		})
	})
}

func TestSitoo_trap64_rounds_are_left_out(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		for i := range 30 {
			w.pair(fmt.Sprintf("S-%d", i), 0, i)
		}
		w.till.SetFaults(sitootest.Faults{Latency: 50 * time.Second}) // a round of all jobs takes longer than the minute between two
		stop := w.goes(w.sync.Run)
		w.later(30 * time.Minute)
		stop()
		require.Zero(t, w.till.Refused(), "two requests at once are answered 429")
		require.NotEmpty(t, w.times("/warehouseitems.json"))
		require.Less(t, len(w.times("/warehouseitems.json")), 25)
	})
}

func TestRun_waits_for_a_till_that_is_down(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		id, _ := w.pair("SOCK-7", 1, 5)
		w.till.StartOutage(20*time.Minute, sitootest.Dropped)
		stop := w.goes(w.sync.Run)
		w.later(10 * time.Minute)
		require.Equal(t, "1", w.shopStock(int64(id)))
		w.later(20 * time.Minute)
		require.Equal(t, "5", w.shopStock(int64(id)))
		stop()
	})
}

const hookURL = "https://host.test/hooks"

// hooked makes the shop deliver webhooks to the Sync.
func (w *world) hooked() {
	w.t.Helper()
	w.shop.DeliverTo(hookURL, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.handler.ServeHTTP(rw, r)
	}))
	w.handler = w.sync.WebhookHandler("secret")
	var wanted []webhook.Wanted
	for _, topic := range Topics() {
		wanted = append(wanted, webhook.Wanted{Topic: topic, URL: hookURL, Secret: "secret", Name: "Sitoo " + topic})
	}
	_, err := webhook.Ensure(w.t.Context(), w.woo, wanted...)
	require.NoError(w.t, err)
	w.shop.Deliver(w.t.Context())
}

func TestSitoo_T1_webhooks_and_polling(t *testing.T) {
	t.Parallel()
	for name, hooks := range map[string]bool{"webhooks": true, "polling": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := func(c *Config) { c.SendStock, c.Hooks, c.StockAgain = true, hooks, -1 }
			inWorld(t, conditions{warehouse: sitoo.Virtual, config: config}, func(t *testing.T, w *world) {
				sock, _ := w.pair("SOCK-7", 10, 10)
				parent, sizes := w.family("JKT", 6, "S", "M")
				if hooks {
					w.hooked()
				}
				stop := w.goes(w.sync.Run)
				w.later(2 * time.Minute)
				change := func() {
					w.counted(sock, 3)
					_, err := w.woo.Variations(parent).Update(t.Context(), sizes[1], woo.VariationFields{StockQuantity: woo.Set(amount("4"))})
					require.NoError(t, err)
				}
				change()
				w.shop.Deliver(t.Context())
				if !hooks {
					w.later(time.Minute)
				}
				w.settled()
				require.Equal(t, "3", w.tillStock("SOCK-7"))
				require.Equal(t, "4", w.tillStock("JKT-M"))
				require.Equal(t, "6", w.tillStock("JKT-S"))

				// an order takes stock without a word about the product
				_, err := w.shop.AddOrder(fmt.Appendf(nil, `{"status":"processing","line_items":[{"product_id":%d,"quantity":2}]}`, sock))
				require.NoError(t, err)
				w.shop.Deliver(t.Context())
				if !hooks {
					w.later(time.Minute)
				}
				w.settled()
				require.Equal(t, "1", w.tillStock("SOCK-7"))
				_, till := w.marks()
				w.later(30 * time.Minute)
				require.Empty(t, w.tillWrites(till), "no echo")
				stop()
			})
		})
	}
	t.Run("a webhook that was lost", func(t *testing.T) {
		t.Parallel()
		config := func(c *Config) { c.SendStock, c.Hooks, c.StockAgain = true, true, -1 }
		inWorld(t, conditions{warehouse: sitoo.Virtual, config: config}, func(t *testing.T, w *world) {
			sock, _ := w.pair("SOCK-7", 10, 10)
			w.hooked()
			stop := w.goes(w.sync.Run)
			w.later(2 * time.Minute)
			w.till.SetStock(w.warehouse, "OTHER", 1) // behind which no look at the till's changes shows SOCK-7 again
			w.later(2 * time.Minute)
			w.handler = http.NotFoundHandler()
			w.counted(sock, 3)
			w.shop.Deliver(t.Context())
			w.later(time.Hour)
			w.settled()
			require.Equal(t, "3", w.tillStock("SOCK-7"))
			stop()
		})
	})
	t.Run("no secret", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{}, func(t *testing.T, w *world) {
			w.handler = w.sync.WebhookHandler("")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hookURL, nil)
			require.NoError(t, err)
			rec := &status{header: http.Header{}}
			w.handler.ServeHTTP(rec, r)
			require.Equal(t, http.StatusServiceUnavailable, rec.code)
		})
	})
}

type status struct {
	header http.Header
	code   int
}

func (s *status) Header() http.Header         { return s.header }
func (s *status) Write(b []byte) (int, error) { return len(b), nil }
func (s *status) WriteHeader(code int)        { s.code = code }

func TestSitoo_trap1_one_request_at_a_time(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{warehouse: sitoo.Virtual, config: sends}, func(t *testing.T, w *world) {
		var ids []woo.ProductID
		for i := range 20 {
			id, _ := w.pair(fmt.Sprintf("S-%d", i), 10, 10)
			ids = append(ids, id)
		}
		w.till.SetFaults(sitootest.Faults{Latency: 300 * time.Millisecond})
		stop := w.goes(w.sync.Run)
		for n, id := range ids {
			w.edited(id, int64(n))
			w.later(7 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := w.sync.FullSync(ctx, FullSyncOptions{Operations: []Operation{OpMatchAll, StockUp}})
		require.NoError(t, err)
		synctest.Wait()
		stop()
		require.Zero(t, w.till.Refused())
	})
}
