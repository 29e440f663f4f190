package sitoosync

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
)

func TestSitoo_A1_match_in_each_round(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: func(c *Config) { c.Match = true }}, func(t *testing.T, w *world) {
		sock := w.product("SOCK-7", 1)
		till := w.till.AddProduct("SOCK-7", "Sock", "1.00")
		shopMark, tillMark := w.marks()
		stop := w.goes(w.sync.Run)
		w.later(time.Second)
		stop()
		found, err := w.sync.find(t.Context(), ProductLink, Woo, number(sock))
		require.NoError(t, err)
		require.Equal(t, number(till), found[number(sock)].Sitoo)
		require.Empty(t, w.tillWrites(tillMark))
		require.Empty(t, w.shopWrites(shopMark))
		for _, r := range w.till.Requests()[tillMark:] {
			if r.Path == "sites/1/products.json" {
				require.Equal(t, "true", r.Query.Get("includeinactive"), "what is inactive is matched too (trap 14)")
			}
		}
	})
}

func TestSitoo_A3_A7_A8_which_orders_come_down(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode OrdersMode
		want map[string]int // orders in the shop by status
	}{
		"off":           {NoOrders, map[string]int{}},
		"store to door": {Store2DoorOrders, map[string]int{"on-hold": 1}},
		"all":           {AllOrders, map[string]int{"on-hold": 1, "completed": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := func(to *Config) {
				to.Orders, to.OrderStatus, to.Store2DoorStatus, to.NoAnalytics = c.mode, woo.OrderCompleted, woo.OrderOnHold, true
			}
			inWorld(t, conditions{config: config}, func(t *testing.T, w *world) {
				w.pair("SOCK-7", 10, 10)
				w.till.Sell(w.warehouse, false, sitootest.Line{SKU: "SOCK-7", Quantity: 1, Price: 125})
				w.till.Sell(w.warehouse, true, sitootest.Line{SKU: "SOCK-7", Quantity: 1, Price: 125})
				_, mark := w.marks()
				require.NoError(t, w.sync.RunOnce(t.Context()))
				got := map[string]int{}
				for _, o := range w.shop.Orders() {
					got[o.Status]++
					var flag any
					require.NoError(t, json.Unmarshal(w.shop.Meta(o.ID, "_sitoo_no_analytics"), &flag), "A8: for a filter within WordPress")
				}
				require.Equal(t, c.want, got)
				require.Empty(t, w.tillWrites(mark))
				asked := false
				for _, r := range w.till.Requests()[mark:] {
					asked = asked || r.Path == "sites/1/orders.json"
				}
				require.Equal(t, c.mode != NoOrders, asked)
			})
		})
	}
}

// TestSitoo_A2_overwrites_an_edit: where real stock moves by orders, an edit in the shop is not sent, and the till's figure comes
// back over it.
func TestSitoo_A2_overwrites_an_edit(t *testing.T) {
	t.Parallel()
	inWorld(t, conditions{config: sends}, func(t *testing.T, w *world) {
		sock, _ := w.pair("SOCK-7", 10, 10)
		stop := w.goes(w.sync.Run)
		w.later(2 * time.Minute)
		_, err := w.woo.Products.Update(t.Context(), sock, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(55))})
		require.NoError(t, err)
		_, mark := w.marks()
		w.later(2 * time.Hour)
		stop()
		w.settled()
		require.Equal(t, "10", w.shopStock(int64(sock)))
		require.Equal(t, "10", w.tillStock("SOCK-7"))
		require.Empty(t, w.tillWrites(mark))
	})
}

// TestRowsAreDocumented: the package's page has each row of the description, with tests that exist and bear the row's name, or says
// why there is none.
func TestRowsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	tests := ""
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		tests += string(b)
	}
	code := ""
	files, err = filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && file != "doc.go" {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			code += string(b)
		}
	}
	rows := strings.Fields(`S1 S2 S3 S4 S5 S6 S7 S8 K1 K2 K3 A1 A2 A3 A4 A5 A6 A7 A8 T1 T2 T3 T4 T5 T6 M1 M2 M3 M4 M5
		F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 F13 F14 F15 F16 F17 F18 E1 E2 E3 E4 X1 X2 X3 X4 X5 X6`)
	equivalent := map[string]bool{"S7": true, "K3": true, "X6": true}
	for _, id := range rows {
		row := regexp.MustCompile(`(?m)^//\t` + id + ` +(.*?)  +(.*?)  +(\S+)$`).FindSubmatch(page)
		require.NotNil(t, row, "doc.go has no row %s", id)
		function, test := string(row[2]), string(row[3])
		for _, name := range strings.Split(function, ", ") {
			name = name[strings.LastIndex(name, ".")+1:]
			require.True(t, regexp.MustCompile(`\b`+name+`\b`).MatchString(code), "%s: there is no %s", id, name)
		}
		if equivalent[id] {
			require.Equal(t, "-", test, id)
			require.True(t, regexp.MustCompile(`(?m)^// `+id+`: `).Match(page), "%s: the reason is missing", id)
			continue
		}
		test, _, _ = strings.Cut(test, "/")
		require.Contains(t, tests, "func "+test+"(t ", "%s: there is no %s", id, test)
		require.Contains(t, string(row[3]), id, "%s: %s does not bear its name", id, row[3])
	}
}
