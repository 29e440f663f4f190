package stocksynctest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

// The stores of these tests: d is the master, e and f are its children, m only watches. The secrets are made up.
const (
	secretE = "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa"
	secretF = "Tq5Rw1Xe7Zc3Vb9Nm2Lk6Jh8Gf4Ds0Ap"
	secretM = "Qm4Vd7Ks1Wp9Xr6Lc3Tz8Nb5Hy2Gj0Fe"
)

// setting is what a test changes of the usual shops.
type setting struct {
	generation int
	config     func(c *stocksynctest.PluginConfig)
	master     func(c *stocksync.MasterConfig)
	products   []stocksynctest.Product // in every shop, beside A (10) and B (20)
	seed       []stocksync.Item        // at a Go master, for these
	transport  func(http.RoundTripper) http.RoundTripper
	pair       func(p *kitgenix.Pair) // of a Go master with e and f
}

// chain is a Go master over two shops that run the plugin.
type chain struct {
	*testing.T
	ctx    context.Context
	net    *stocksynctest.Network
	store  *stocksync.MemoryStore
	wire   *kitgenix.Wire
	master *stocksync.Master
	e, f   *stocksynctest.Plugin
	served http.RoundTripper // to d
	nonce  int
}

// d is the way to the master.
func (c *chain) d() http.RoundTripper { return c.served }

func number(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

func counted(sku string, n int64) stocksync.Item {
	status := stocksync.InStock
	if n <= 0 {
		status = stocksync.OutOfStock
	}
	return stocksync.Item{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}, Stock: stocksync.Stock{
		Quantity: number(n), Status: status, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed,
	}}
}

// nonces are good from the first second of a bubble on.
func nonces() hmacauth.NonceStore {
	return hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)})
}

// inChain runs a test in a bubble, with everything running.
func inChain(t *testing.T, s setting, test func(c *chain)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		t.Cleanup(running.Wait)
		t.Cleanup(cancel)
		c := &chain{T: t, ctx: ctx, net: stocksynctest.NewNetwork(), store: stocksync.NewMemoryStore()}
		transport := http.RoundTripper(c.net)
		if s.transport != nil {
			transport = s.transport(c.net)
		}
		var err error
		pairs := []kitgenix.Pair{
			{StoreID: "e", URL: "https://e.test", Secret: secretE}, {StoreID: "f", URL: "https://f.test", Secret: secretF},
			{StoreID: "m", Secret: secretM, Disabled: true},
		}
		if s.pair != nil {
			s.pair(&pairs[0])
			s.pair(&pairs[1])
		}
		c.wire, err = kitgenix.New(kitgenix.Config{
			Self: stocksync.Self{StoreID: "d", Name: "Master"}, Nonces: nonces(), HTTPClient: &http.Client{Transport: transport}, Pairs: pairs,
		})
		require.NoError(t, err)
		queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
		require.NoError(t, err)
		config := stocksync.MasterConfig{
			Self: stocksync.Self{StoreID: "d", Name: "Master"}, Store: c.store, Queue: queue, Peers: c.wire.Peers(),
		}
		if s.master != nil {
			s.master(&config)
		}
		c.master, err = stocksync.NewMaster(config)
		require.NoError(t, err)
		handler := fakehttp.NewTransport(c.wire.Handler(c.master))
		t.Cleanup(handler.Close)
		c.served = handler
		c.net.Join("d.test", handler)

		for id, secret := range map[string]string{"e": secretE, "f": secretF} {
			pc := stocksynctest.PluginConfig{ID: id, Generation: s.generation, Network: c.net, Cron: 20 * time.Second}
			if s.config != nil {
				s.config(&pc)
			}
			p := stocksynctest.NewPlugin(pc)
			p.Pair(stocksynctest.Pairing{ID: "d", URL: "https://d.test", Secret: secret})
			p.Add(stocksynctest.Managed("A", 10), stocksynctest.Managed("B", 20))
			p.Add(s.products...)
			t.Cleanup(p.Close)
			c.net.Join(id+".test", p.Transport())
			if id == "e" {
				c.e = p
			} else {
				c.f = p
			}
			running.Go(func() { p.Run(ctx) })
		}
		running.Go(func() { _ = queue.Run(ctx) })
		running.Go(func() { _ = c.master.Run(ctx) })
		_, err = c.master.Seed(ctx, append([]stocksync.Item{counted("A", 10), counted("B", 20)}, s.seed...))
		require.NoError(t, err)
		c.pass(2 * time.Minute)
		test(c)
	})
}

// pass lets time go by.
func (c *chain) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// at returns what the master has.
func (c *chain) at(sku string) stocksync.Stock {
	items, err := c.master.Lookup(c.ctx, "d", []stocksync.Ref{{SKU: stocksync.SKU(sku)}})
	require.NoError(c, err)
	require.NotNil(c, items[0], "the master has no %s", sku)
	return items[0].Stock
}

// all returns the quantities of d, e and f.
func (c *chain) all(sku string) [3]int64 {
	return [3]int64{c.at(sku).Quantity.IntPart(), c.e.Quantity(sku), c.f.Quantity(sku)}
}

// equal demands that all have n of a product, soon.
func (c *chain) equal(sku string, n int64) {
	c.Helper()
	c.equalWithin(30*time.Minute, sku, n)
}

func (c *chain) equalWithin(patience time.Duration, sku string, n int64) {
	c.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if c.all(sku) == [3]int64{n, n, n} {
			return
		}
		c.pass(15 * time.Second)
	}
	c.history(sku)
	require.Equal(c, [3]int64{n, n, n}, c.all(sku), "of %s at master, e and f", sku)
}

// history prints what the master knows of a product, and what it has told of it.
func (c *chain) history(sku string) {
	c.Helper()
	gids, err := c.store.Resolve(c.ctx, []stocksync.Ref{{SKU: stocksync.SKU(sku)}})
	require.NoError(c, err)
	for _, gid := range gids[0] {
		entries, err := c.store.History(c.ctx, gid, 0)
		require.NoError(c, err)
		for _, e := range slices.Backward(entries) {
			c.Logf("%s %s %s %s %s", e.At.Format(time.DateTime), e.Store, e.Delta, e.Source, e.Note)
		}
	}
	for name, p := range map[string]*stocksynctest.Plugin{"e": c.e, "f": c.f} {
		for _, r := range p.Requests() {
			if r.Endpoint == "event" && strings.Contains(r.Body, `"`+sku+`"`) {
				c.Logf("%s %s out=%t %d %s", r.At.Format("15:04:05.000"), name, r.Out, r.Status, r.Body)
			}
		}
	}
	told, err := c.store.Events(c.ctx, stocksync.EventQuery{})
	require.NoError(c, err)
	for _, e := range slices.Backward(told) {
		c.Logf("%s %s %s %s %s %s", e.At.Format(time.DateTime), e.Level, e.Peer, e.Action, e.Ref.SKU, e.Text)
	}
}

// sells sells at a shop, in an order that is processing.
func (c *chain) sells(p *stocksynctest.Plugin, sku string, n int64) {
	c.Helper()
	if _, err := p.Sell(c.ctx, sku, n); err != nil {
		c.history(sku)
		require.NoError(c, err)
	}
}

// sold books a sale of the master's own.
func (c *chain) sold(key, sku string, n int64) {
	c.Helper()
	require.NoError(c, c.master.Sold(c.ctx, key, []stocksync.Line{{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}, Quantity: number(n)}}))
}

// conflicts are the reasons of the conflicts, at all peers.
func (c *chain) conflicts() []stocksync.Reason {
	found, err := c.master.Conflicts(c.ctx)
	require.NoError(c, err)
	var reasons []stocksync.Reason
	for _, one := range found {
		reasons = append(reasons, one.Reason)
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

// call speaks to the master in the name of a store.
func (c *chain) call(from, secret, endpoint, body string) (int, string) {
	c.Helper()
	c.nonce++
	return signed(c.T, c.net, "d.test", from, secret, endpoint, body, fmt.Sprintf("nonce%011d", c.nonce))
}

// signed makes a request as the plugin signs it.
func signed(t *testing.T, net http.RoundTripper, host, from, secret, endpoint, body, nonce string) (int, string) {
	t.Helper()
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + nonce + "\n" + body))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+host+"/wp-json/kitgenix-stock-sync/v1/"+endpoint,
		strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Kitgenix-Store-Id": from, "X-Kitgenix-Timestamp": stamp, "X-Kitgenix-Nonce": nonce,
		"X-Kitgenix-Signature": hex.EncodeToString(mac.Sum(nil)),
	} {
		req.Header.Set(name, value)
	}
	resp, err := net.RoundTrip(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(text)
}

// events counts the events that a shop has got.
func events(p *stocksynctest.Plugin) int {
	n := 0
	for _, r := range p.Requests() {
		if !r.Out && r.Endpoint == "event" {
			n++
		}
	}
	return n
}

// bothGenerations runs a test over shops of both.
func bothGenerations(t *testing.T, name string, s setting, test func(c *chain)) {
	for _, generation := range []int{1, 2} {
		t.Run(fmt.Sprintf("%s/v%d", name, generation), func(t *testing.T) {
			t.Parallel()
			own := s
			own.generation = generation
			inChain(t, own, test)
		})
	}
}

// TestMasterOverPlugins has a Go master and two shops that run the plugin, of each generation.
func TestMasterOverPlugins(t *testing.T) {
	t.Parallel()
	bothGenerations(t, "SS-02_sales_everywhere_at_once", setting{}, func(c *chain) {
		c.equal("A", 10)
		c.sells(c.e, "A", 1)
		c.sells(c.f, "A", 2)
		c.sold("till:1", "A", 1)
		c.equal("A", 6)
		c.sells(c.e, "A", 1)
		c.sells(c.f, "A", 1)
		c.equal("A", 4)
		require.Empty(c, c.conflicts())
	})
	bothGenerations(t, "restock_of_a_cancelled_order", setting{}, func(c *chain) {
		id, err := c.e.Sell(c.ctx, "A", 3)
		require.NoError(c, err)
		c.equal("A", 7)
		require.NoError(c, c.e.SetOrder(c.ctx, id, "cancelled"))
		c.equal("A", 10)
	})
	bothGenerations(t, "SS-08_shop_down_for_a_day", setting{}, func(c *chain) {
		c.equal("A", 10)
		there := c.f.Transport()
		c.net.Join("f.test", nil)
		for n := range 6 {
			c.sells(c.e, "A", 1)
			c.pass(4 * time.Hour)
			require.Equal(c, int64(9-n), c.e.Quantity("A"))
		}
		c.sells(c.f, "A", 2) // it sells on, and its report is not lost
		c.net.Join("f.test", there)
		c.equal("A", 2)
	})
	bothGenerations(t, "SS-05_rename", setting{}, func(c *chain) {
		c.equal("A", 10)
		require.NoError(c, c.master.Rename(c.ctx, stocksync.Ref{SKU: "A"}, "A-NEW"))
		c.equal("A-NEW", 10)
		c.sells(c.e, "A-NEW", 1)
		c.equal("A-NEW", 9)
	})
}
