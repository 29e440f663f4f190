package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo/wootest"
)

func TestSitoo_E4_order_of_execution(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		var steps []Operation
		r, err := w.sync.FullSync(t.Context(), FullSyncOptions{
			Operations: []Operation{StockDown, OpMatchVouchers, OpMatchAll, StockDown},
			Progress: func(p Progress) {
				if len(steps) == 0 || steps[len(steps)-1] != p.Operation {
					steps = append(steps, p.Operation)
				}
			},
		})
		require.NoError(t, err)
		var ran []Operation
		for _, o := range r.Operations {
			ran = append(ran, o.Operation)
		}
		require.Equal(t, []Operation{StockDown, OpMatchVouchers, OpMatchAll, StockDown}, ran, "in the order they were chosen in")
		require.Equal(t, []string{
			"stock-down runs without match-products before it: what both sides have already may be made twice, or passed over",
		}, r.Warnings)
		require.Empty(t, outOfOrder([]Operation{OpMatchAll, StockDown, StockUp}))
		require.Equal(t, StockDown, steps[0])
		_, err = w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{"stock"}})
		require.ErrorContains(t, err, `no operation "stock"`)
	})
}

func TestSitoo_operations_are_whole(t *testing.T) {
	t.Parallel()
	for _, name := range []Operation{
		OpMatchAll, OpMatchCategories, OpMatchProducts, OpMatchVouchers, ManufacturersDown, CategoriesDown, CategoriesUp,
		CategoriesResync, ProductsDown, ProductsUp, ResyncParents, ResyncVariations, ResyncImages, StockDown, StockUp, OrdersDown,
		Store2DoorDown, ClickAndCollectUp, VouchersUp, FixSKU, FixImages,
	} {
		op, known := operationOf(name)
		require.True(t, known, name)
		require.NotNil(t, op.estimate, name)
		require.NotNil(t, op.run, name)
		require.NotEmpty(t, op.about, name)
	}
}

func TestSitoo_E3_allowance(t *testing.T) {
	t.Parallel()
	fill := func(w *world) {
		for i := range 40 {
			w.pair(fmt.Sprintf("S-%d", i), 0, i)
		}
	}
	small := func(c *Config) { c.PageSize = 10 } // each reading takes some requests
	t.Run("waits for a known reset", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{till: sitootest.Config{Limit: 18, Slot: 10 * time.Minute}, config: small}, func(t *testing.T, w *world) {
			fill(w)
			begin := time.Now()
			var until time.Time
			r, err := w.sync.FullSync(t.Context(), FullSyncOptions{
				Operations: []Operation{OpMatchProducts, StockDown, OpMatchProducts},
				Progress: func(p Progress) {
					if !p.WaitUntil.IsZero() {
						until = p.WaitUntil
						require.Greater(t, p.Requests, p.QuotaLeft)
					}
				},
			})
			require.NoError(t, err)
			require.Equal(t, 1, r.Waits)
			require.Zero(t, w.till.Refused(), "no request was sent in vain")
			require.Equal(t, begin.Truncate(10*time.Minute).Add(10*time.Minute), until.Local())
			require.GreaterOrEqual(t, time.Since(begin), 9*time.Minute)
			require.LessOrEqual(t, len(w.till.Requests()), r.Estimate)
		})
	})
	t.Run("stops where none is known (Q23)", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{config: small}, func(t *testing.T, w *world) {
			fill(w)
			w.quota("1")
			_, err := w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{OpMatchProducts, StockDown}})
			require.ErrorIs(t, err, ErrQuota)
			require.ErrorContains(t, err, "match-products")
			_, err = w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{OpMatchProducts, StockDown}, NoQuotaCheck: true})
			require.NoError(t, err)
		})
	})
	t.Run("an unknown allowance is no empty one (trap 2)", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{till: sitootest.Config{Limit: 1000, Silent: true}, config: small}, func(t *testing.T, w *world) {
			fill(w)
			r, err := w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{OpMatchProducts, StockDown}})
			require.NoError(t, err)
			require.Zero(t, r.Waits)
		})
	})
	t.Run("more than a whole slot", func(t *testing.T) {
		t.Parallel()
		inWorld(t, conditions{till: sitootest.Config{Limit: 4, Slot: 20 * time.Second}, config: small}, func(t *testing.T, w *world) {
			fill(w)
			_, err := w.sync.FullSync(t.Context(), FullSyncOptions{Operations: []Operation{StockDown}})
			require.NoError(t, err)
			require.Zero(t, w.till.Refused(), "each slot is waited for")
		})
	})
}

// quota makes the till say what is left, and nothing of when there will be more.
func (w *world) quota(left string) {
	w.t.Helper()
	w.front = func(rt http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			res, err := rt.RoundTrip(r)
			if err == nil {
				res.Header.Set("X-Rate-Limit-Remaining", left)
			}
			return res, err
		})
	}
	w.restart(nil)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPass_fail(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		ran := 0
		op := operation{name: "test", run: func(s *Sync, ctx context.Context, p *pass) error {
			for range 3 {
				if err := p.fail(ctx, errors.New("no SKU")); err != nil {
					return err
				}
				ran++
			}
			return nil
		}}
		_, err := w.passes(op)
		require.ErrorContains(t, err, "no SKU")
		require.Zero(t, ran, "the first ends it")
		r, err := w.passes(op, func(p *pass) { p.ignore = true })
		require.NoError(t, err)
		require.Equal(t, 3, ran)
		require.Len(t, r.Skipped, 3)
		op.run = func(s *Sync, ctx context.Context, p *pass) error { return p.fail(ctx, fmt.Errorf("a: %w", every{})) }
		_, err = w.passes(op, func(p *pass) { p.ignore = true })
		require.ErrorIs(t, err, every{}, "what every request would meet ends it whatever the setting")
	})
}

// every is an error that every further request would meet.
type every struct{}

func (every) Error() string  { return "the key is refused" }
func (every) Systemic() bool { return true }

func TestSitoo_S8_dry_run(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: forced}, func(t *testing.T, w *world) {
		w.pair("LINKED", 1, 5)
		w.product("BOTH", 2)
		w.till.AddProduct("BOTH", "x", "1.00")
		w.till.SetStock(w.warehouse, "BOTH", 9)
		w.product("SHOP", 2)
		w.till.AddProduct("TILL", "x", "1.00")
		shop, till := w.marks()
		operations := []Operation{OpMatchAll, StockDown, StockUp}
		for range 2 {
			r, err := w.sync.FullSync(t.Context(), FullSyncOptions{Operations: operations, DryRun: true})
			require.NoError(t, err)
			require.Equal(t, 1, r.Operations[0].Match.Linked)
			require.Equal(t, []string{"stock of BOTH in the shop: 9", "stock of LINKED in the shop: 5"}, r.Operations[1].Planned)
			require.Equal(t, 2, r.Operations[2].Changes)
		}
		require.Empty(t, w.tillWrites(till))
		require.Empty(t, w.shopWrites(shop))
		n := 0
		for range w.links.All(t.Context(), ProductLink) {
			n++
		}
		require.Equal(t, 1, n, "no link was made")
		for _, name := range states() {
			b, err := w.links.Load(t.Context(), "sitoo."+name)
			require.NoError(t, err)
			require.Empty(t, b, name)
		}
	})
}

// noWrites lets every write into the shop fail.
var noWrites = wootest.Faults{Script: func(r *http.Request) wootest.Fault {
	if r.Method != http.MethodGet {
		return wootest.ServerError
	}
	return wootest.None
}}

func TestFullSync_is_resumed(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{}, func(t *testing.T, w *world) {
		for i := range 20 {
			w.pair(fmt.Sprintf("S-%d", i), 0, i)
		}
		o := FullSyncOptions{Operations: []Operation{OpMatchProducts, OpMatchVouchers, StockDown}}
		w.shop.SetFaults(noWrites)
		_, err := w.sync.FullSync(t.Context(), o)
		require.ErrorContains(t, err, "stock-down")
		w.shop.SetFaults(noFaults)
		w.restart(nil)
		_, till := w.marks()
		r, err := w.sync.FullSync(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, 2, r.Resumed)
		require.Len(t, r.Operations, 1)
		for _, request := range w.till.Requests()[till:] {
			require.NotEqual(t, "sites/1/vouchers.json", request.Path, "what was done is not done again")
		}
		r, err = w.sync.FullSync(t.Context(), o)
		require.NoError(t, err)
		require.Zero(t, r.Resumed, "a sync that has ended begins anew")

		w.shop.SetFaults(noWrites)
		w.till.SetStock(w.warehouse, "S-1", 77)
		_, err = w.sync.FullSync(t.Context(), o)
		require.Error(t, err)
		w.shop.SetFaults(noFaults)
		o.Restart = true
		r, err = w.sync.FullSync(t.Context(), o)
		require.NoError(t, err)
		require.Zero(t, r.Resumed)
	})
}

var noFaults wootest.Faults
