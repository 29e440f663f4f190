package sqlstock_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/sqlnonce"
	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

const (
	chainShops    = 3
	chainProducts = 500
	chainSecret   = "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa"
)

// chain is a master over a database, served on a loopback address, and the stores that follow it, which run the plugin. State, queue
// and nonces are in the one database: what is answered with 200 is on its disk.
type chain struct {
	url    string
	shops  []*stocksynctest.Plugin
	client []*http.Client // signs as the shop
}

func newChain(b *testing.B, dialect string) *chain {
	b.Helper()
	server := sqldbtest.Get(b, dialect)
	if dialect == "sqlite" {
		server.DSN = "file:" + server.DSN + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	}
	db := server.Open(b)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	ctx := context.Background()
	state := open(b, db, sqlstock.Config{Prefix: server.Prefix})
	jobs, err := sqlstore.Open(ctx, db, sqlstore.Config{Prefix: server.Prefix})
	require.NoError(b, err)
	nonces, err := sqlnonce.Open(ctx, db, sqlnonce.Config{Prefix: server.Prefix})
	require.NoError(b, err)
	queue, err := retryqueue.New(retryqueue.Config{Store: jobs})
	require.NoError(b, err)

	c := &chain{}
	network := stocksynctest.NewNetwork()
	var pairs []kitgenix.Pair
	var items []stocksync.Item
	var products []stocksynctest.Product
	for i := range chainProducts {
		sku := fmt.Sprintf("SKU-%04d", i)
		products = append(products, stocksynctest.Managed(sku, 1000))
		item := stocksync.Item{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}}
		item.Quantity, item.Manage, item.Backorders = decimal.NewFromInt(1000), stocksync.Managed, stocksync.BackordersNo
		items = append(items, item)
	}
	for i := range chainShops {
		id := fmt.Sprint("shop", i)
		shop := stocksynctest.NewPlugin(stocksynctest.PluginConfig{ID: id, Generation: 2, Network: network})
		b.Cleanup(shop.Close)
		shop.Pair(stocksynctest.Pairing{ID: "main", URL: "https://main.test", Secret: chainSecret + id})
		shop.Add(products...)
		network.Join(id+".test", shop.Transport())
		pairs = append(pairs, kitgenix.Pair{
			StoreID: stocksync.StoreID(id), URL: "https://" + id + ".test", Secret: chainSecret + id, Generation: 2,
		})
		key, err := hmacauth.NewKey(id, chainSecret+id)
		require.NoError(b, err)
		c.client = append(c.client, &http.Client{Transport: hmacauth.NewTransport(http.DefaultTransport,
			hmacauth.Signer{Profile: hmacauth.Kitgenix{}, Key: key, AllowHTTP: true})})
		c.shops = append(c.shops, shop)
	}
	self := stocksync.Self{StoreID: "main", Name: "Main store"}
	wire, err := kitgenix.New(kitgenix.Config{Self: self, Pairs: pairs, Nonces: nonces, HTTPClient: &http.Client{Transport: network}})
	require.NoError(b, err)
	master, err := stocksync.NewMaster(stocksync.MasterConfig{Self: self, Store: state, Queue: queue, Peers: wire.Peers()})
	require.NoError(b, err)
	handler := wire.Handler(master)
	transport := fakehttp.NewTransport(handler)
	b.Cleanup(transport.Close)
	network.Join("main.test", transport)
	reached := httptest.NewServer(handler)
	b.Cleanup(reached.Close)
	c.url = reached.URL + "/wp-json/kitgenix-stock-sync/v1/"

	_, err = master.Seed(ctx, items)
	require.NoError(b, err)
	running, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { _ = master.Run(running) })
	all.Go(func() { _ = queue.Run(running) })
	b.Cleanup(all.Wait)
	b.Cleanup(cancel)
	require.Eventually(b, func() bool { // the stores have got, and were seen to have, what the master has
		backlog, err := state.Backlog(ctx)
		return err == nil && len(backlog) == 0
	}, time.Minute, 50*time.Millisecond)
	return c
}

// post sends a signed request as one of the shops, and wants 200.
func (c *chain) post(shop int, route, body string) error {
	answer, err := c.client[shop].Post(c.url+route, "application/json", strings.NewReader(body)) //nolint:noctx // a benchmark's
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"ok":true`))) {
		err = fmt.Errorf("%s: %s: %.200s", route, answer.Status, text)
	}
	return err
}

// event is one sale at a shop, reported as the plugin does.
func (c *chain) event(n int) error {
	shop, sku := n%chainShops, fmt.Sprintf("SKU-%04d", n%chainProducts)
	var left int64
	c.shops[shop].SQL(sku, func(p *stocksynctest.Product) { p.Quantity--; left = p.Quantity })
	return c.post(shop, "event", fmt.Sprintf(`{"event_type":"stock_state","origin":"child_local","time":%d,"context":"order_processing",`+
		`"items":[{"gid":"","sku":%q,"manage_stock":true,"stock_quantity":%d,"stock_status":"instock","backorders":"no"}],`+
		`"event_id":"evt-%d","schema_version":2}`, time.Now().Unix(), sku, left, n))
}

// checkout asks for 50 products, as a cart does.
func (c *chain) checkout(n int) error {
	var items []string
	for i := range 50 {
		items = append(items, fmt.Sprintf(`{"sku":"SKU-%04d"}`, (n*53+i*7)%chainProducts))
	}
	return c.post(n%chainShops, "stock", `{"items":[`+strings.Join(items, ",")+`]}`)
}

// paced calls do so often per second, whether the calls before have ended or not, and reports how long it took from the moment at
// which each was to begin. Run it with -benchtime 500x.
func paced(b *testing.B, perSecond int, do func(n int) error) {
	b.Helper()
	took, errs := make([]time.Duration, b.N), make([]error, b.N)
	var all sync.WaitGroup
	b.ResetTimer()
	began := time.Now()
	for n := range b.N {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		all.Go(func() {
			errs[n] = do(n)
			took[n] = time.Since(due)
		})
	}
	all.Wait()
	b.StopTimer()
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) > 0 {
		b.Fatalf("%d of %d failed, the first with: %v", len(errs), b.N, errs[0])
	}
	slices.Sort(took)
	for name, share := range map[string]int{"p50-ms": 50, "p99-ms": 99} {
		b.ReportMetric(float64(took[(len(took)-1)*share/100].Microseconds())/1000, name)
	}
}

// BenchmarkEvent is the durable acknowledgement of 50 sales per second, each of which is also pushed to the other stores: F-1, p99 at
// most 200 ms. BenchmarkStock is /stock with 50 SKUs a hundred times per second: F-2, p99 at most 50 ms.
func BenchmarkEvent(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(dialect, func(b *testing.B) {
			c := newChain(b, dialect)
			paced(b, 50, c.event)
		})
	}
}

func BenchmarkStock(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(dialect, func(b *testing.B) {
			c := newChain(b, dialect)
			paced(b, 100, c.checkout)
		})
	}
}
