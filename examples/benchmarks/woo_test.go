package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	peer "github.com/chenyangguang/woocommerce"
	hiscaler "github.com/hiscaler/woocommerce-go"
	"github.com/hiscaler/woocommerce-go/config"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// shopOf is a shop of n orders; one in ten has a tax line where taxed, none otherwise.
func shopOf(t *testing.T, n int, taxed bool) *httptest.Server {
	t.Helper()
	shop, err := wootest.New(wootest.Config{})
	check(t, err)
	t.Cleanup(shop.Close)
	product, err := shop.AddProduct([]byte(`{"name":"p","regular_price":"12.50"}`))
	check(t, err)
	for range n {
		_, err := shop.AddOrder(fmt.Appendf(nil, `{"status":"processing","billing":{"first_name":"Ana","email":"a@example.com"},
			"line_items":[{"product_id":%d,"quantity":2}]}`, product))
		check(t, err)
	}
	// What the fake computes is computed once, so that the clients are measured and not the shop.
	pages := map[string]*httptest.ResponseRecorder{}
	key, secret := shop.Config().Key, shop.Config().Secret
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.SetBasicAuth(key, secret)
		name := r.URL.RequestURI()
		page := pages[name]
		if page == nil {
			page = httptest.NewRecorder()
			shop.ServeHTTP(page, r)
			untax(t, page.Body, taxed)
			pages[name] = page
		}
		for k, v := range page.Header() {
			if k != "Content-Length" {
				w.Header()[k] = v
			}
		}
		w.WriteHeader(page.Code)
		_, _ = w.Write(page.Body.Bytes())
	}))
	t.Cleanup(s.Close)
	return s
}

// untax takes the tax lines out of a page of orders, save out of one in ten where taxed.
func untax(t *testing.T, page *bytes.Buffer, taxed bool) {
	t.Helper()
	var all []map[string]json.RawMessage
	check(t, json.Unmarshal(page.Bytes(), &all))
	for i, o := range all {
		if !taxed || i%10 != 0 {
			o["tax_lines"] = json.RawMessage("[]")
		}
	}
	body, err := json.Marshal(all)
	check(t, err)
	page.Reset()
	_, _ = page.Write(body)
}

// orderReaders are the Go clients that still build, each reading all orders of a shop in pages of 100.
func orderReaders(t *testing.T, s *httptest.Server, n int) map[string]func() (int, error) {
	t.Helper()
	ours, err := woo.New(woo.Config{URL: s.URL, Key: "ck_x", Secret: "cs_x", HTTPClient: s.Client()})
	check(t, err)
	his := hiscaler.NewClient(config.Config{URL: s.URL, ConsumerKey: "ck_x", ConsumerSecret: "cs_x", VerifySSL: false, Timeout: 60})
	chen := peer.NewClient(peer.App{CustomerKey: "ck_x", CustomerSecret: "cs_x"}, strings.TrimPrefix(s.URL, "https://"))
	chen.Client = s.Client()
	pages := n / 100
	return map[string]func() (int, error){
		"tillwire": func() (read int, err error) {
			for _, err := range ours.Orders.All(t.Context(), woo.OrderQuery{}) {
				if err != nil {
					return read, err
				}
				read++
			}
			return read, nil
		},
		"hiscaler": func() (read int, err error) {
			seen := map[int]bool{} // its page number does not reach the shop: each page is the first ten
			for page := 1; page <= pages; page++ {
				var params hiscaler.OrdersQueryParams
				params.Page, params.PerPage = page, 100
				orders, _, _, _, err := his.Services.Order.All(params)
				if err != nil {
					return read, err
				}
				for _, o := range orders {
					seen[o.ID] = true
				}
			}
			return len(seen), nil
		},
		"chenyangguang": func() (read int, err error) {
			quiet, out := os.Stdout, (*os.File)(nil) // it prints a header of each page
			if out, err = os.Open(os.DevNull); err != nil {
				return 0, err
			}
			os.Stdout = out
			defer func() { os.Stdout = quiet; _ = out.Close() }()
			for page := 1; page <= pages; page++ {
				orders, err := chen.Order.List(peer.OrderListOption{ListOptions: peer.ListOptions{Page: page, PerPage: 100}})
				if err != nil {
					return read, err
				}
				read += len(orders)
			}
			return read, nil
		},
	}
}

// TestWooRead lets the Go clients that still build read the same shop, pages of 100 over TLS on loopback: how long an order takes,
// and how many each reads at all once one order in ten has a tax line.
func TestWooRead(t *testing.T) {
	n := 1000
	if os.Getenv("TILLWIRE_LONG") != "" {
		n = 5000
	}
	plain, taxed := shopOf(t, n, false), shopOf(t, n, true)
	readPlain, readTaxed := orderReaders(t, plain, n), orderReaders(t, taxed, n)
	best, whole := map[string]time.Duration{}, map[string]int{}
	for range burndowntest.Rounds + 1 { // the first warms the pages up
		for name, read := range readPlain {
			runtime.GC()
			began := time.Now()
			got, err := read()
			check(t, err)
			if took := time.Since(began) / time.Duration(got); best[name] == 0 || took < best[name] {
				best[name] = took
			}
			whole[name] = got
		}
	}
	for name, read := range readTaxed {
		got, err := read()
		speed := "no figure: it does not get the orders"
		if whole[name] == n {
			speed = fmt.Sprintf("%.1f µs an order, %.2f × ours", float64(best[name])/1e3, float64(best[name])/float64(best["tillwire"]))
		}
		t.Logf("%s: %s; reads %d of %d orders, with a tax line on one in ten %d (%v)", name, speed, whole[name], n, got, err)
		if name == "tillwire" && (whole[name] != n || got != n) {
			t.Errorf("ours read %d and %d of %d", whole[name], got, n)
		}
	}
}
