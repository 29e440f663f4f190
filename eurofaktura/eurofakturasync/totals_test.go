package eurofakturasync

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
)

// roundings are the ways in which a server may come to a total, as the fake knows them.
var roundings = map[Rounding]eurofakturatest.Rounding{
	RoundPerRate: eurofakturatest.PerRate, RoundPerLine: eurofakturatest.PerLine, RoundAtEnd: eurofakturatest.AtEnd,
}

// booked is the total that a server makes of an order's document.
func booked(t *testing.T, c Config, o *woo.Order, r eurofakturatest.Rounding) (decimal.Decimal, error) {
	t.Helper()
	f, err := c.filled().compose(o)
	if err != nil {
		return decimal.Zero, err
	}
	raw, err := json.Marshal(f)
	require.NoError(t, err)
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&fields))
	books, err := eurofakturatest.New(eurofakturatest.Config{Rounding: r})
	require.NoError(t, err)
	books.AddDocument(eurofakturatest.SalesOrder, fields)
	return books.Documents()[0].Amount, nil
}

// everyWay checks an order as sold to a consumer, whatever the server's rounding, and as sold to a business by each rounding. It returns
// the refusal, if there is one.
func everyWay(t *testing.T, o *woo.Order, business bool) *Refusal {
	t.Helper()
	for ours, theirs := range roundings {
		c := Config{Warehouse: "01", CostCentre: "WEB", VATNumber: func(*woo.Order) string { return "" }}
		if business {
			c.VATNumber, c.Rounding = func(*woo.Order) string { return "BG1" }, ours
		}
		total, err := booked(t, c, o, theirs)
		var refusal *Refusal
		if errors.As(err, &refusal) {
			return refusal
		}
		require.NoError(t, err)
		require.True(t, total.Equal(o.Total.Round(2)), "order %s, business %v, rounding %d: booked %s instead of %s", orderNumber(o), business, ours, total, o.Total)
	}
	return nil
}

// recordedOrders reads every whole order that two real stores answered with, through both APIs.
func recordedOrders(t *testing.T) []*woo.Order {
	t.Helper()
	var all []*woo.Order
	root := filepath.Join("..", "..", "woo", "testdata", "recorded")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".http" {
			return err
		}
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		if _, body, ok := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n")); ok {
			all = append(all, ordersIn(body)...)
		}
		return nil
	}))
	return all
}

// ordersIn finds whole orders in an answer: alone, in a list, in an envelope or in a batch.
func ordersIn(src []byte) []*woo.Order {
	src = bytes.TrimSpace(src)
	var list []json.RawMessage
	if json.Unmarshal(src, &list) == nil {
		var all []*woo.Order
		for _, item := range list {
			all = append(all, ordersIn(item)...)
		}
		return all
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(src, &object) != nil {
		return nil
	}
	whole := true
	for _, name := range []string{"order_key", "currency", "total", "line_items", "shipping_lines", "date_created_gmt", "billing"} {
		whole = whole && object[name] != nil
	}
	if whole {
		o := new(woo.Order)
		if json.Unmarshal(src, o) != nil {
			return nil
		}
		return []*woo.Order{o}
	}
	var all []*woo.Order
	for _, name := range []string{"create", "update", "delete", "body"} {
		all = append(all, ordersIn(object[name])...)
	}
	return all
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// recordedLegacyOrders reads the same stores' orders as the legacy API showed them.
func recordedLegacyOrders(t *testing.T) []*woo.Order {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "woo", "legacy", "testdata", "recorded", "*", "orders", "*.http"))
	require.NoError(t, err)
	var all []*woo.Order
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		if !bytes.Contains(raw[:min(len(raw), 20)], []byte(" 200 ")) || strings.Contains(filepath.Base(file), "fields") {
			continue
		}
		shop, err := legacy.New(legacy.Config{URL: "https://shop.test", Key: "ck_1", Secret: "cs_1", HTTPClient: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), r)
			}),
		}})
		require.NoError(t, err)
		if bytes.Contains(raw, []byte(`{"order":`)) {
			if o, err := shop.Orders.Get(t.Context(), 1); err == nil {
				all = append(all, o)
			}
			continue
		}
		if bytes.Contains(raw, []byte(`{"orders":`)) {
			orders, _, _ := shop.Orders.List(t.Context(), woo.OrderQuery{})
			all = append(all, orders...)
		}
	}
	return slices.DeleteFunc(all, func(o *woo.Order) bool { // what was asked for with "fields" lacks them, and a real order never does
		return o.Currency == "" || o.DateCreated.IsZero()
	})
}

// TestTotalsOfRecordedOrders: the document's total is the order's, to the cent, for each order that two real stores gave us; none is
// refused.
func TestTotalsOfRecordedOrders(t *testing.T) {
	t.Parallel()
	modern, old := recordedOrders(t), recordedLegacyOrders(t)
	require.Greater(t, len(modern), 300)
	require.Greater(t, len(old), 40)
	for i, o := range append(modern, old...) {
		for _, business := range []bool{false, true} {
			if refusal := everyWay(t, o, business); refusal != nil {
				t.Errorf("order %d of %d (%d lines, dp %d, business %v): %v", i, len(modern), len(o.LineItems), -o.Total.Exponent(), business, refusal)
			}
		}
	}
	t.Logf("%d recorded orders through wc/v3, %d through the legacy API", len(modern), len(old))
}

// TestTotalsOfGeneratedOrders makes orders as WooCommerce calculates them, with every rate, discount and way of rounding. At most one in
// a hundred may be refused, each for a listed reason.
func TestTotalsOfGeneratedOrders(t *testing.T) {
	t.Parallel()
	n := long(10_000)
	refused := map[Reason]int{}
	for seed := range n {
		o := generated(uint64(seed))
		if refusal := everyWay(t, o, seed%2 == 1); refusal != nil {
			require.Contains(t, []Reason{ReasonTotals, ReasonRate, ReasonQuantity}, refusal.Reason)
			refused[refusal.Reason]++
			if refused[refusal.Reason] < 4 {
				t.Logf("seed %d: %v", seed, refusal)
			}
		}
	}
	total := 0
	for _, k := range refused {
		total += k
	}
	t.Logf("%d orders, %d refused: %v", n, total, refused)
	require.LessOrEqual(t, total, n/100)
}

// long is how many of n rounds are made: a tenth, or all with TILLWIRE_LONG=1.
func long(n int) int {
	if os.Getenv("TILLWIRE_LONG") == "1" {
		return n
	}
	return n / 10
}

// generated is an order as WooCommerce calculates it: nets and taxes unrounded, lines shown rounded, the total a sum of rounded nets
// and of taxes that are rounded by line or by rate.
func generated(seed uint64) *woo.Order {
	random := rand.New(rand.NewPCG(seed, 7))
	d := decimal.RequireFromString
	pick := func(all ...string) string { return all[random.IntN(len(all))] }
	places := int32([]int{2, 2, 2, 2, 2, 2, 0, 3}[random.IntN(8)])
	inclusive, atSubtotal := random.IntN(2) == 0, random.IntN(2) == 0
	show := func(v decimal.Decimal) woo.Decimal { return shown(v.StringFixed(places)) }

	type rate struct {
		id      woo.TaxRateID
		percent decimal.Decimal
		sum     decimal.Decimal // as the shop adds it up
	}
	var rates []*rate
	for i, p := range [][]string{{"20"}, {"20", "9"}, {"22", "9.5", "5"}, {"25", "13", "5", "0"}, {"7.7", "2.5"}, {"19"}, {}}[random.IntN(7)] {
		rates = append(rates, &rate{id: woo.TaxRateID(i + 1), percent: d(p)})
	}
	o := &woo.Order{
		ID: woo.OrderID(seed + 1), Number: fmt.Sprint(seed + 1), Currency: pick("EUR", "BGN", "HUF"), PricesIncludeTax: inclusive,
		DateCreated: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC), PaymentMethod: pick("cod", "bacs", "stripe", "new"),
	}
	nets, taxes := decimal.Zero, decimal.Zero
	// taxed shows a line of a net or gross amount.
	taxed := func(amount decimal.Decimal, gross bool) (net, tax woo.Decimal, of []woo.Tax) {
		var r *rate
		if len(rates) > 0 {
			r = rates[random.IntN(len(rates))]
		}
		vat := decimal.Zero
		if r != nil {
			if gross {
				vat = amount.Sub(amount.DivRound(one.Add(r.percent.Div(hundred)), 12))
				amount = amount.Sub(vat)
			} else {
				vat = amount.Mul(r.percent).Div(hundred)
			}
			of = []woo.Tax{{ID: r.id, Total: shown(vat.String())}}
			if atSubtotal {
				r.sum = r.sum.Add(vat)
			} else {
				r.sum = r.sum.Add(vat.Round(places))
			}
		}
		nets = nets.Add(amount.Round(places))
		return show(amount), show(vat), of
	}
	for i := range 1 + random.IntN(6) {
		quantity := d(pick("1", "1", "1", "2", "3", "7", "12", "0.5", "1.333", "144"))
		price := decimal.New(int64(random.IntN(20_000)+1), -2)
		if random.IntN(20) == 0 {
			price = decimal.Zero // a gift
		}
		amount := price.Mul(quantity)
		switch random.IntN(4) {
		case 0: // a coupon in percent
			amount = amount.Mul(hundred.Sub(d(pick("5", "10", "33", "50", "100")))).Div(hundred)
		case 1: // a part of a fixed one
			amount = amount.Sub(decimal.New(int64(random.IntN(300)), -2))
			if amount.IsNegative() {
				amount = decimal.Zero
			}
		}
		sku := fmt.Sprintf("P-%d", i)
		it := woo.LineItem{Name: "Thing", Quantity: shown(quantity.String()), SKU: &sku}
		it.Total, it.TotalTax, it.Taxes = taxed(amount, inclusive)
		o.LineItems = append(o.LineItems, it)
	}
	for range random.IntN(3) {
		s := woo.ShippingLine{MethodTitle: "Econt"}
		s.Total, s.TotalTax, s.Taxes = taxed(decimal.New(int64(random.IntN(1500)), -2), false)
		o.ShippingLines = append(o.ShippingLines, s)
	}
	for range random.IntN(3) {
		f := woo.FeeLine{Name: pick("Gift wrap", "Bonus")}
		f.Total, f.TotalTax, f.Taxes = taxed(decimal.New(int64(random.IntN(1000)-500), -2), false)
		o.FeeLines = append(o.FeeLines, f)
	}
	for _, r := range rates {
		taxes = taxes.Add(r.sum.Round(places))
		o.TaxLines = append(o.TaxLines, woo.TaxLine{RateID: r.id, RatePercent: shown(r.percent.String())})
	}
	o.TotalTax = show(taxes)
	o.Total = show(nets.Add(taxes))
	if random.IntN(300) == 0 { // a gift card of a plugin that is no fee line
		o.Total = show(nets.Add(taxes).Sub(decimal.NewFromInt(25)))
	}
	return o
}

// shown is a decimal as the shop writes it.
func shown(text string) woo.Decimal {
	var d woo.Decimal
	if err := d.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
		panic(err)
	}
	return d
}
