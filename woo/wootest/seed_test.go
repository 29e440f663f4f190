package wootest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

type seededOrder struct {
	ID                                 int64
	Status, Currency                   string
	Total, TotalTax, CartTax, Shipping decimal.Decimal
	Customer                           int64
	Created, Modified                  string
	Paid, Completed                    *string
	Lines                              []struct {
		ID, Product, Variation int64
		SKU                    *string
		Total, Tax             decimal.Decimal
	}
	Fees, Ships []struct{ Total, Tax decimal.Decimal }
	Coupons     []any
	Refunds     []struct{ ID int64 }
}

// read decodes by hand, with this test's own idea of the document.
func read(t testing.TB, raw json.RawMessage) (o seededOrder) {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &m))
	get := func(m map[string]json.RawMessage, key string, into any) {
		require.NoError(t, json.Unmarshal(m[key], into), key)
	}
	for key, into := range map[string]any{
		"id": &o.ID, "status": &o.Status, "currency": &o.Currency, "total": &o.Total, "total_tax": &o.TotalTax, "cart_tax": &o.CartTax,
		"shipping_total": &o.Shipping, "customer_id": &o.Customer, "date_created_gmt": &o.Created, "date_modified_gmt": &o.Modified,
		"date_paid_gmt": &o.Paid, "date_completed_gmt": &o.Completed, "coupon_lines": &o.Coupons,
	} {
		get(m, key, into)
	}
	var lines, fees, ships, refunds []map[string]json.RawMessage
	get(m, "line_items", &lines)
	get(m, "fee_lines", &fees)
	get(m, "shipping_lines", &ships)
	get(m, "refunds", &refunds)
	o.Lines, o.Fees, o.Ships = grow(o.Lines, len(lines)), grow(o.Fees, len(fees)), grow(o.Ships, len(ships))
	o.Refunds = grow(o.Refunds, len(refunds))
	for i, l := range lines {
		get(l, "id", &o.Lines[i].ID)
		get(l, "product_id", &o.Lines[i].Product)
		get(l, "variation_id", &o.Lines[i].Variation)
		get(l, "sku", &o.Lines[i].SKU)
		get(l, "total", &o.Lines[i].Total)
		get(l, "total_tax", &o.Lines[i].Tax)
	}
	for i, l := range fees {
		get(l, "total", &o.Fees[i].Total)
		get(l, "total_tax", &o.Fees[i].Tax)
	}
	for i, l := range ships {
		get(l, "total", &o.Ships[i].Total)
		get(l, "total_tax", &o.Ships[i].Tax)
	}
	for i, l := range refunds {
		get(l, "id", &o.Refunds[i].ID)
	}
	return o
}

func grow[T any](_ []T, n int) []T { return make([]T, n) }

func TestSeedHasEverything(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	ids := shop.Seed(250, 1)
	seen := map[string]int{}
	lineIDs := map[int64]bool{}
	before := ""
	for _, id := range ids {
		o := read(t, shop.Order(id))
		require.Equal(t, id, o.ID)
		seen[o.Status]++
		seen["currency "+o.Currency]++
		require.Greater(t, o.Created, before, "ids ascend with their dates")
		require.GreaterOrEqual(t, o.Modified, o.Created)
		before = o.Created
		sum := o.TotalTax
		for _, l := range o.Lines {
			require.False(t, lineIDs[l.ID], "line ids are unique")
			lineIDs[l.ID] = true
			sum = sum.Add(l.Total)
			switch {
			case l.Product == 0:
				seen["product gone from the line"]++
			case shop.Product(l.Product) == nil:
				seen["product gone from the store"]++
			case l.SKU != nil && *l.SKU == "":
				seen["no SKU"]++
			}
			if l.Variation != 0 {
				seen["variation"]++
				p := shop.Product(l.Variation)
				require.NotNil(t, p)
				require.Contains(t, string(p), fmt.Sprintf(`"sku":%q`, *l.SKU), "the store's variation is the one sold")
			}
		}
		for _, f := range o.Fees {
			sum = sum.Add(f.Total)
			seen[map[bool]string{true: "negative fee", false: "fee"}[f.Total.IsNegative()]]++
		}
		for _, s := range o.Ships {
			sum = sum.Add(s.Total)
			seen["shipping"]++
		}
		require.True(t, sum.Sub(o.Total).Abs().LessThan(decimal.RequireFromString("0.03")), "order %d adds up to %s, says %s", id, sum, o.Total)
		if o.Customer == 0 {
			seen["guest"]++
		}
		if len(o.Coupons) > 0 {
			seen["coupon"]++
		}
		for _, r := range o.Refunds {
			seen["refund"]++
			require.Equal(t, 200, send(t, shop, "GET", fmt.Sprintf("orders/%d/refunds/%d", id, r.ID), "").status)
		}
		if o.TotalTax.IsZero() {
			seen["untaxed"]++
		}
		if slices.Contains([]string{"processing", "completed"}, o.Status) {
			require.NotNil(t, o.Paid)
		}
	}
	for _, feature := range []string{
		"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "packed", "currency EUR", "currency USD", "currency IDR",
		"product gone from the line", "product gone from the store", "no SKU", "variation", "fee", "negative fee", "shipping", "guest", "coupon", "refund", "untaxed",
	} {
		require.NotZero(t, seen[feature], feature)
	}
	require.Greater(t, seen["processing"]+seen["completed"], 100)
}

func TestSeedIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all [3][]string
		for i, seed := range []uint64{5, 5, 6} {
			shop, err := wootest.New(wootest.Config{})
			require.NoError(t, err)
			defer shop.Close()
			for _, id := range shop.Seed(30, seed) {
				first := string(shop.Order(id))
				require.Equal(t, first, string(shop.Order(id)))
				all[i] = append(all[i], first)
			}
		}
		require.Equal(t, all[0], all[1])
		require.NotEqual(t, all[0], all[2])
	})
}

// A changed order keeps all that was not changed.
func TestSeededOrderIsKeptOnceChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		ids := shop.Seed(30, 5)
		more := shop.Seed(10, 6)
		require.Greater(t, more[0], ids[29])
		before := read(t, shop.Order(ids[3]))
		time.Sleep(time.Minute)
		require.NoError(t, shop.EditOrder(ids[3], []byte(`{"meta_data":[{"key":"x","value":"y"}]}`)))
		after := read(t, shop.Order(ids[3]))
		require.Equal(t, time.Now().UTC().Format("2006-01-02T15:04:05"), after.Modified)
		after.Modified = before.Modified
		require.Equal(t, before, after)

		require.NoError(t, shop.TrashOrder(ids[4]))
		require.Equal(t, "trash", read(t, shop.Order(ids[4])).Status)
	})
}
