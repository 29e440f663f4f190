package sitoosync

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

// voucher is the till's voucher of a coupon.
func (w *world) voucher(id woo.CouponID) *sitoo.Voucher {
	w.t.Helper()
	found, err := w.links.Find(w.t.Context(), VoucherLink, Woo, []string{number(id)})
	require.NoError(w.t, err)
	require.Len(w.t, found, 1)
	n, err := idOf[sitoo.VoucherID](found[0].Sitoo)
	require.NoError(w.t, err)
	v, err := w.sitoo.Vouchers.Get(w.t.Context(), n)
	require.NoError(w.t, err)
	return v
}

func (w *world) coupon(code string, kind woo.DiscountType, amountOff string, products ...woo.ProductID) woo.CouponID {
	w.t.Helper()
	f := woo.CouponFields{Code: woo.Set(code), DiscountType: woo.Set(kind), Amount: woo.Set(amount(amountOff))}
	if len(products) > 0 {
		f.ProductIDs = woo.Set(products)
	}
	c, err := w.woo.Coupons.Create(w.t.Context(), f)
	require.NoError(w.t, err)
	return c.ID
}

func TestSitoo_M2_vouchers_up(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SendCoupons = true }}, func(t *testing.T, w *world) {
		ctx := t.Context()
		product, inTill := w.pair("A", 1, 1)
		parent, _ := w.family("F", 1, "S", "M")
		host := w.coupon("HOST20", woo.PercentDiscount, "20")
		w.coupon("half", woo.PercentDiscount, "12.5")
		limited := w.coupon("limited", woo.PercentDiscount, "10", product, parent)
		w.coupon("nowhere", woo.PercentDiscount, "10", w.product("ALONE", 1))
		known := w.coupon("known", woo.FixedCartDiscount, "100")
		old, err := w.sitoo.Vouchers.Create(ctx, sitoo.VoucherFields{
			Name: sitoo.Set("x"), Type: sitoo.Set(sitoo.VoucherOrderAmount), Password: sitoo.Set("KNOWN"),
		})
		require.NoError(t, err)
		lost := 0
		w.till.SetFaults(sitootest.Faults{Script: func(r *http.Request) sitootest.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/vouchers.json") && lost == 0 {
				lost++
				return sitootest.Lost
			}
			return sitootest.None
		}})
		cost, err := w.sync.vouchersUpCost(ctx)
		require.NoError(t, err)
		_, mark := w.marks()
		r, err := w.does(VouchersUp)
		require.NoError(t, err)
		require.Equal(t, 1, lost)
		require.LessOrEqual(t, len(w.till.Requests())-mark, cost)
		require.Len(t, r.Skipped, 2, "what the till cannot express is told")
		require.Equal(t, 3, w.till.Count("vouchers"), "none is made twice, and a limited one never becomes one for everything")
		v := w.voucher(host)
		require.Equal(t, []any{sitoo.VoucherOrderPercent, 20, "host20", true}, []any{v.Type, *v.X, v.Password, v.ActivePOS})
		require.Len(t, w.voucher(limited).Products, 3, "a variable product's variations")
		require.Contains(t, w.voucher(limited).Products, inTill)
		require.Equal(t, old, w.voucher(known).ID)
		require.Equal(t, "100.00", w.voucher(known).MoneyM.StringFixed(2))

		_, mark = w.marks()
		require.NoError(t, w.sync.sendCoupon(ctx, number(host)))
		require.Empty(t, w.tillWrites(mark), "what was written last is no change")
		_, err = w.woo.Coupons.Update(ctx, host, woo.CouponFields{Amount: woo.Set(amount("30"))})
		require.NoError(t, err)
		require.NoError(t, w.sync.sendCoupon(ctx, number(host)))
		require.Equal(t, 30, *w.voucher(host).X)
		fresh := w.coupon("fresh", woo.PercentDiscount, "5")
		require.NoError(t, w.sync.sendCoupon(ctx, number(fresh)))
		require.Equal(t, 5, *w.voucher(fresh).X)
		require.NoError(t, w.woo.Coupons.Delete(ctx, fresh))
		require.NoError(t, w.sync.sendCoupon(ctx, number(fresh)))
		require.False(t, w.voucher(fresh).ActivePOS)
	})
}

func TestSitoo_T4_coupon_changes(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.SendProducts = true }}, func(t *testing.T, w *world) {
		linked, alone := w.coupon("linked", woo.PercentDiscount, "5"), w.coupon("alone", woo.PercentDiscount, "5")
		_, err := w.sitoo.Vouchers.Create(t.Context(), sitoo.VoucherFields{
			Name: sitoo.Set("x"), Type: sitoo.Set(sitoo.VoucherOrderPercent), Password: sitoo.Set("linked"), X: sitoo.Set(1),
		})
		require.NoError(t, err)
		_, err = w.does(OpMatchVouchers)
		require.NoError(t, err)
		_, mark := w.marks()
		require.NoError(t, w.sync.sendCoupon(t.Context(), number(linked)))
		require.NoError(t, w.sync.sendCoupon(t.Context(), number(alone)))
		require.Len(t, w.tillWrites(mark), 1, "only what is linked")
		require.Equal(t, 5, *w.voucher(linked).X)
		_, err = w.woo.Coupons.Update(t.Context(), linked, woo.CouponFields{Amount: woo.Set(amount("12.5"))})
		require.NoError(t, err)
		require.NoError(t, w.sync.sendCoupon(t.Context(), number(linked)))
		require.False(t, w.voucher(linked).ActivePOS, "what can no longer be expressed can no longer be used")
	})
}
