package sitoosync_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/woo"
)

// TestDecisions are the decision tables of the connector's description.
func TestDecisions(t *testing.T) {
	t.Parallel()
	t.Run("which_stock_path", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			warehouse                sitoo.WarehouseType
			force                    bool
			path                     sitoosync.StockPath
			instant, orders, freight bool
		}{
			{sitoo.Virtual, false, sitoosync.Mirror, true, false, false},
			{sitoo.Virtual, true, sitoosync.Mirror, true, false, false},
			{sitoo.FIFO, false, sitoosync.ByOrders, false, true, true},
			{sitoo.FIFO, true, sitoosync.ByBatch, true, false, false},
		} {
			p := sitoosync.PathOf(c.warehouse, c.force)
			require.Equal(t, c.path, p)
			require.Equal(t, []bool{c.instant, c.orders, c.freight}, []bool{p.Instant(), p.MovesByOrders(), p.ShippingRows()}, p.String())
		}
	})
	t.Run("M1_product_filter", func(t *testing.T) {
		t.Parallel()
		states := []*sitoo.Product{{}, {Active: true}, {ActivePOS: true}, {Active: true, ActivePOS: true}} // none, webshop, till, both
		for filter, want := range map[sitoosync.ProductFilter]string{
			sitoosync.AllProducts: "1111", sitoosync.AllActive: "0111", sitoosync.ActivePOS: "0011", sitoosync.ActiveWebshop: "0101",
			sitoosync.AllInactive: "1000", sitoosync.InactivePOS: "1100", sitoosync.InactiveWebshop: "1010",
		} {
			got := ""
			for _, p := range states {
				got += map[bool]string{true: "1", false: "0"}[filter.Keep(p)]
			}
			require.Equal(t, want, got, filter)
			require.True(t, filter.Valid())
		}
		require.False(t, sitoosync.ProductFilter("all").Valid())
	})
	t.Run("S2D_test", func(t *testing.T) {
		t.Parallel()
		order := sitoo.Order{Type: sitoo.OrderPlain, Items: []sitoo.OrderItem{
			{ID: 0, Type: 10, SKU: "A", Quantity: 1}, {ID: 1, Type: 10, SKU: "B", Quantity: 3}, {ID: 2, Type: 10, Quantity: 1, Name: "Frakt"},
		}}
		delivery := func(cancelled bool, items ...sitoo.DeliveryItem) *sitoo.Delivery {
			d := &sitoo.Delivery{Items: items}
			if cancelled {
				d.Cancelled = sitoo.At(time.Unix(1760002160, 0))
			}
			return d
		}
		item := func(id sitoo.OrderItemID, n int) sitoo.DeliveryItem {
			return sitoo.DeliveryItem{OrderItemID: id, Quantity: n}
		}
		a, b2, b1 := item(0, 1), item(1, 2), item(1, 1)
		for name, c := range map[string]struct {
			deliveries []*sitoo.Delivery
			byQuantity bool
			byRow      bool
		}{
			"nothing delivered":         {nil, true, true},
			"all, in two parts":         {[]*sitoo.Delivery{delivery(false, a, b2), delivery(false, b1)}, false, false},
			"one piece short":           {[]*sitoo.Delivery{delivery(false, a, b2)}, true, false},
			"the rest was cancelled":    {[]*sitoo.Delivery{delivery(false, a, b2), delivery(true, b1)}, true, false},
			"a whole row is missing":    {[]*sitoo.Delivery{delivery(false, a)}, true, true},
			"all but all was cancelled": {[]*sitoo.Delivery{delivery(true, a, b2, b1)}, true, true},
		} {
			require.Equal(t, c.byQuantity, sitoosync.IsStore2Door(&order, c.deliveries, sitoosync.ByQuantity), name)
			require.Equal(t, c.byRow, sitoosync.IsStore2Door(&order, c.deliveries, sitoosync.ByRow), name)
		}
		for name, change := range map[string]func(*sitoo.Order){
			"booking":       func(o *sitoo.Order) { o.Type = sitoo.OrderBooking },
			"parked":        func(o *sitoo.Order) { o.Type = sitoo.OrderParked },
			"cancelled":     func(o *sitoo.Order) { o.State = sitoo.OrderCancelled },
			"abandoned":     func(o *sitoo.Order) { o.State = sitoo.OrderAbandoned },
			"refund":        func(o *sitoo.Order) { o.Items = []sitoo.OrderItem{{Type: 10, SKU: "A", Quantity: -1}} },
			"discount rows": func(o *sitoo.Order) { o.Items = []sitoo.OrderItem{{Type: 20, SKU: "A", Quantity: 1}} },
			"shipping":      func(o *sitoo.Order) { o.Items = []sitoo.OrderItem{{Type: 10, Quantity: 1}} },
		} {
			o := order
			change(&o)
			require.False(t, sitoosync.IsStore2Door(&o, nil, sitoosync.ByQuantity), name)
		}
	})
	t.Run("click_and_collect", func(t *testing.T) {
		t.Parallel()
		o := &woo.Order{ShippingLines: []woo.ShippingLine{{MethodID: "flat_rate"}, {MethodID: "local_pickup", InstanceID: "3"}}}
		require.True(t, sitoosync.IsClickAndCollect(o, []string{"local_pickup"}), "any line")
		require.False(t, sitoosync.IsClickAndCollect(o, []string{"local_pickup:3", "Local pickup"}))
		require.False(t, sitoosync.IsClickAndCollect(&woo.Order{}, []string{""}))
	})
	t.Run("woo_line_to_sitoo_row", func(t *testing.T) {
		t.Parallel()
		var o woo.Order
		require.NoError(t, json.Unmarshal([]byte(`{"id":9,"total":"140.00",
		  "tax_lines":[{"rate_id":1,"rate_percent":25},{"rate_id":2,"rate_percent":12}],
		  "line_items":[{"name":"Ullsocka","sku":"SOCK-7","quantity":2,"subtotal":"100.00","subtotal_tax":"25.00","total":"80.00",
		    "total_tax":"20.00","taxes":[{"id":1,"total":"20.00","subtotal":"25.00"},{"id":2,"total":"0","subtotal":"0"}]}],
		  "shipping_lines":[{"method_id":"local_pickup","total":"10.00","total_tax":"0.00","taxes":[]}],
		  "fee_lines":[{"name":"Wrapping","total":"40.00","total_tax":"0.00","taxes":[]},{"total":"-5.00","total_tax":"0.00"}]}`), &o))
		rows := sitoosync.RowsOf(&o, true, []string{"local_pickup"})
		b, err := json.Marshal(sitoo.OrderFields{Items: rows.Items})
		require.NoError(t, err)
		require.JSONEq(t, `{"orderitems":[
		  {"productname":"Ullsocka","sku":"SOCK-7","quantity":2,"vatvalue":25,"moneyrowprice":"125.00","moneyrowdiscount":"25.00"},
		  {"productname":"Wrapping","quantity":1,"vatvalue":0,"moneyrowprice":"40.00"}]}`, string(b), "a rate of 0.00 does not apply")
		require.True(t, rows.Difference.IsZero())
		require.Len(t, sitoosync.RowsOf(&o, false, nil).Items, 1)
		require.Equal(t, "40", sitoosync.RowsOf(&o, false, nil).Difference.String(), "it is told, not made up for")
	})
	t.Run("sitoo_row_to_woo_line", func(t *testing.T) {
		t.Parallel()
		var row sitoo.OrderItem
		require.NoError(t, json.Unmarshal([]byte(`{"orderitemid":1,"productname":"Ullsocka","sku":"SOCK-7","quantity":3,"vatvalue":25,
		  "moneyitemtotal_net":"321.84","moneyitemtotal_vat":"80.46","moneyoriginalprice":"119.20","moneydiscount":"11.92"}`), &row))
		b, err := json.Marshal(woo.OrderFields{LineItems: woo.Set([]woo.LineItemFields{sitoosync.LineOf(row, 77)})})
		require.NoError(t, err)
		require.JSONEq(t, `{"line_items":[
		  {"name":"Ullsocka","product_id":77,"quantity":3,"subtotal":"357.60","total":"321.84"}]}`, string(b))
		require.NoError(t, json.Unmarshal([]byte(`{
		  "productname":"Tyg","quantity":1,"decimalunitquantity":"2.500","moneyitemtotal_net":"50.00"}`), &row))
		line := sitoosync.LineOf(row, 0)
		q, _ := line.Quantity.Get()
		require.Equal(t, "2.5", q.String())
		require.True(t, line.ProductID.IsZero())
	})
	t.Run("M2_coupon_to_voucher", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		const percent = `"discount_type":"percent","amount":"5",`
		for name, c := range map[string]struct {
			coupon   string
			products []sitoo.ProductID
			want     string // a part of what is written; empty: not expressible
		}{
			"percent of the cart":     {`"discount_type":"percent","amount":"20.00"`, nil, `"vouchertype":110,`},
			"percent with decimals":   {`"discount_type":"percent","amount":"12.5"`, nil, ``},
			"amount off the cart":     {`"discount_type":"fixed_cart","amount":"100"`, nil, `"money_m":"100.00"`},
			"percent off products":    {`"discount_type":"percent","amount":"10"`, []sitoo.ProductID{5101}, `"vouchertype":210,`},
			"amount off products":     {`"discount_type":"fixed_product","amount":"10"`, []sitoo.ProductID{5101}, `"vouchertype":200,`},
			"amount off any product":  {`"discount_type":"fixed_product","amount":"10"`, nil, ``},
			"amount off some of cart": {`"discount_type":"fixed_cart","amount":"10"`, []sitoo.ProductID{5101}, ``},
			"a plugin's":              {`"discount_type":"sign_up_fee","amount":"10"`, nil, ``},
			"expired":                 {percent + `"date_expires_gmt":"2026-01-02T00:00:00"`, nil, `"activepos":false`},
			"still good":              {percent + `"date_expires_gmt":"2026-02-02T00:00:00"`, nil, `"activepos":true`},
			"draft":                   {percent + `"status":"draft"`, nil, `"activepos":false`},
			"ends":                    {percent + `"date_expires_gmt":"2026-02-02T00:00:00"`, nil, `"dateend":1769990400`},
			"never ends":              {`"discount_type":"percent","amount":"5"`, nil, `"dateend":null`},
			"what is typed":           {`"discount_type":"percent","amount":"5"`, nil, `"voucherpassword":"host20"`},
		} {
			var coupon woo.Coupon
			require.NoError(t, json.Unmarshal([]byte(`{"id":9,"code":"host20",`+c.coupon+`}`), &coupon), name)
			v, err := sitoosync.VoucherOf(&coupon, c.products, sitoosync.VoucherTypes{}, now)
			if c.want == "" {
				require.ErrorIs(t, err, sitoosync.ErrNotExpressible, name)
				continue
			}
			require.NoError(t, err, name)
			b, err := json.Marshal(v)
			require.NoError(t, err)
			require.Contains(t, string(b), c.want, name)
		}
		coupon := &woo.Coupon{Code: "x", DiscountType: woo.PercentDiscount}
		v, err := sitoosync.VoucherOf(coupon, []sitoo.ProductID{1}, sitoosync.VoucherTypes{ProductPercent: 200}, now)
		require.NoError(t, err)
		kind, _ := v.Type.Get()
		require.Equal(t, sitoo.VoucherType(200), kind, "the open question's setting")
	})
}

// TestSitoo_X3_fix_sku: every SKU becomes one that Sitoo takes, none twice, and a second run finds nothing to do.
func TestSitoo_X3_fix_sku(t *testing.T) {
	t.Parallel()
	items := []sitoosync.SKUItem{
		{1, "GOOD-1"}, {2, "röd tröja"}, {3, ""}, {4, "a,b"}, {5, "a b"}, {6, "a-b"}, {7, "  "}, {8, "å"}, {9, "W-3"}, {10, "A B"},
	}
	fixes, err := sitoosync.FixSKUs(items, "W-")
	require.NoError(t, err)
	require.Equal(t, []sitoosync.SKUFix{
		{2, "röd tröja", "r-d-tr-ja", false}, {3, "", "W-3-3", true}, {4, "a,b", "a-b-4", true}, {5, "a b", "a-b-5", true},
		{7, "  ", "W-7", false}, {8, "å", "W-8", false}, {10, "A B", "A-B-10", true},
	}, fixes)
	for _, f := range fixes {
		i := slices.IndexFunc(items, func(it sitoosync.SKUItem) bool { return it.ID == f.ID })
		items[i].SKU = f.New
	}
	seen := map[string]bool{}
	for _, it := range items {
		require.True(t, sitoo.ValidSKU(it.SKU))
		require.False(t, seen[strings.ToLower(it.SKU)], it.SKU)
		seen[strings.ToLower(it.SKU)] = true
	}
	fixes, err = sitoosync.FixSKUs(items, "W-")
	require.NoError(t, err)
	require.Empty(t, fixes)
	_, err = sitoosync.FixSKUs(items, "W 1")
	require.ErrorContains(t, err, "prefix")
}

// TestSitoo_X4_image_names: the name that is sent is one Sitoo takes, with the file's ending, and no two products share one.
func TestSitoo_X4_image_names(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"https://shop.example/wp-content/uploads/2026/röd tröja.jpg": "7-0-r-d-tr-ja.jpg", "1.jpg": "7-0-1.jpg", "åäö.png": "7-0-image.png",
		"a+b/c.webp": "7-0-c.webp", "": "7-0-image", strings.Repeat("x", 200) + ".jpg": "7-0-" + strings.Repeat("x", 80) + ".jpg",
	} {
		got := sitoosync.ResourceName(7, 0, file)
		require.Equal(t, want, got)
		require.True(t, sitoo.ValidResourceID(got), got)
	}
	require.NotEqual(t, sitoosync.ResourceName(7, 0, "1.jpg"), sitoosync.ResourceName(8, 0, "1.jpg"))
}

// TestRowsOfRecordedOrders: of every order recorded from real shops the rows, shipping and fees cost what the order costs, to the
// cent; where they do not, the difference is told: negative fees, and what plugins add to totals alone.
func TestRowsOfRecordedOrders(t *testing.T) {
	t.Parallel()
	orders := recordedOrders(t)
	different := 0
	for _, o := range orders {
		rows := sitoosync.RowsOf(o, true, nil)
		sum := decimal.Zero
		for _, item := range rows.Items {
			discount, _ := item.RowDiscount.Get()
			sum = sum.Add(item.RowPrice.Decimal).Sub(discount.Decimal)
			require.NotEmpty(t, item.Name)
			require.NotZero(t, item.Quantity)
		}
		require.Equal(t, o.Total.StringFixed(2), sum.Add(rows.Difference).StringFixed(2), "order %d", o.ID)
		negative := slices.ContainsFunc(o.FeeLines, func(f woo.FeeLine) bool { return f.Total.IsNegative() })
		if !rows.Difference.IsZero() && !negative {
			different++
			require.LessOrEqual(t, rows.Difference.Abs().String(), "0.02", "order %d: what each row is rounded by", o.ID)
		}
	}
	require.NotEmpty(t, orders)
	t.Logf("%d orders, %d of them with rows that differ by a rounding", len(orders), different)
}

// recordedOrders reads every order in the recordings that the shop's client is tested with.
func recordedOrders(t *testing.T) (orders []*woo.Order) {
	t.Helper()
	root := filepath.Join("..", "..", "woo", "testdata", "recorded")
	seen := map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".http") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, b, found := bytes.Cut(b, []byte("\n\n")) // status line and headers stand before it
		require.True(t, found, path)
		var list []json.RawMessage
		if json.Unmarshal(b, &list) != nil {
			list = []json.RawMessage{b}
		}
		for _, raw := range list {
			var o woo.Order
			isOrder := strings.Contains(string(raw), `"line_items"`) && strings.Contains(string(raw), `"order_key"`)
			if !isOrder || json.Unmarshal(raw, &o) != nil || seen[string(raw)] {
				continue
			}
			seen[string(raw)] = true
			orders = append(orders, &o)
		}
		return nil
	}))
	return orders
}
