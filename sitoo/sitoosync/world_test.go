package sitoosync

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// world is a shop, a till and a Sync between them, in one bubble of virtual time.
type world struct {
	t         *testing.T
	shop      *wootest.Shop
	till      *sitootest.Till
	woo       *woo.Client
	sitoo     *sitoo.Client
	links     *MemoryLinks // links and states
	store     retryqueue.Store
	queue     *retryqueue.Queue
	sync      *Sync
	warehouse sitoo.WarehouseID
	handler   http.Handler                              // of webhooks
	front     func(http.RoundTripper) http.RoundTripper // stands before the till; nil: nothing
}

// conditions are what a world begins with. The zero value: a FIFO warehouse and the connector's defaults.
type conditions struct {
	warehouse sitoo.WarehouseType
	till      sitootest.Config
	config    func(*Config) // may change what New gets
}

// inWorld runs f in a bubble. The queue runs while f does.
func inWorld(t *testing.T, c conditions, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, links: &MemoryLinks{}, store: retryqueue.NewMemoryStore()}
		var err error
		w.shop, err = wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer w.shop.Close()
		w.till, err = sitootest.New(c.till)
		require.NoError(t, err)
		defer w.till.Close()
		w.woo, err = woo.New(w.shop.Config())
		require.NoError(t, err)
		w.sitoo, err = sitoo.New(w.till.Config())
		require.NoError(t, err)
		if c.warehouse == 0 {
			c.warehouse = sitoo.FIFO
		}
		w.warehouse = w.till.AddWarehouse("Storgatan", c.warehouse)
		w.start(c.config)
		stop := w.goes(w.queue.Run)
		defer stop()
		f(t, w)
	})
}

// start makes Sync and queue anew, over what the stores have kept: as a process does that begins.
func (w *world) start(config func(*Config)) {
	w.t.Helper()
	var err error
	w.queue, err = retryqueue.New(retryqueue.Config{Store: w.store, Poll: 24 * time.Hour})
	require.NoError(w.t, err)
	c := Config{Shop: w.woo, Till: w.sitoo, Links: w.links, State: w.links, Queue: w.queue, Warehouse: w.warehouse}
	if config != nil {
		config(&c)
	}
	w.sync, err = New(c)
	require.NoError(w.t, err)
}

// restart makes clients, Sync and queue anew, over what the stores have kept.
func (w *world) restart(config func(*Config)) {
	w.t.Helper()
	c := w.till.Config()
	if w.front != nil {
		c.HTTPClient = &http.Client{Transport: w.front(w.till.Transport())}
	}
	var err error
	w.sitoo, err = sitoo.New(c)
	require.NoError(w.t, err)
	w.start(config)
}

// goes keeps a part going until the returned function ends it.
func (w *world) goes(part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	return func() {
		cancel()
		require.NoError(w.t, <-done)
	}
}

// part names a part of a test, in place of a subtest: there are none in a bubble.
func (w *world) part(name string, f func()) {
	w.t.Helper()
	w.t.Log(name)
	f()
}

// later lets time pass.
func (w *world) later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// does runs one operation as a full sync would, and returns what became of it. change may alter the pass.
func (w *world) does(name Operation, change ...func(*pass)) (OperationReport, error) {
	w.t.Helper()
	op, known := operationOf(name)
	require.True(w.t, known, name)
	return w.passes(op, append([]func(*pass){func(p *pass) { p.full = true }}, change...)...)
}

// fetches runs one operation as a job of autosync would.
func (w *world) fetches(name Operation) OperationReport {
	w.t.Helper()
	op, known := operationOf(name)
	require.True(w.t, known, name)
	r, err := w.passes(op, func(p *pass) { p.ignore = true })
	require.NoError(w.t, err)
	return r
}

func (w *world) passes(op operation, change ...func(*pass)) (OperationReport, error) {
	p := &pass{op: op}
	for _, c := range change {
		c(p)
	}
	s := w.sync
	if p.dry {
		s = s.rehearsal()
	}
	err := s.perform(w.t.Context(), p)
	return p.report, err
}

// product makes a product in the shop. more are further JSON members, such as `"regular_price":"10.00"`.
func (w *world) product(sku string, stock int, more ...string) woo.ProductID {
	w.t.Helper()
	body := fmt.Sprintf(`{"name":%q,"sku":%q,"manage_stock":true,"stock_quantity":%d`, "Product "+sku, sku, stock)
	for _, m := range more {
		body += "," + m
	}
	id, err := w.shop.AddProduct([]byte(body + "}"))
	require.NoError(w.t, err)
	return woo.ProductID(id)
}

// pair makes a product on both sides, linked, with a stock on each.
func (w *world) pair(sku string, shop, till int) (woo.ProductID, sitoo.ProductID) {
	w.t.Helper()
	a, b := w.product(sku, shop, `"regular_price":"100.00"`), w.till.AddProduct(sku, "Product "+sku, "125.00")
	w.till.SetStock(w.warehouse, sku, int64(till))
	require.NoError(w.t, w.links.Put(w.t.Context(), []Link{LinkProduct(a, b)}))
	return a, b
}

// family makes a variable product in the shop with a variation for each SKU, of the attribute Size, and their products in the till,
// linked.
func (w *world) family(sku string, stock int, sizes ...string) (woo.ProductID, []woo.VariationID) {
	w.t.Helper()
	body := fmt.Sprintf(`{"name":"Product %[1]s","type":"variable","sku":%[1]q,
		"attributes":[{"name":"Size","variation":true,"options":`, sku)
	options, err := json.Marshal(sizes)
	require.NoError(w.t, err)
	id, err := w.shop.AddProduct([]byte(body + string(options) + "}]}"))
	require.NoError(w.t, err)
	var ids []woo.VariationID
	for _, size := range sizes {
		own := sku + "-" + size
		v, err := w.woo.Variations(woo.ProductID(id)).Create(w.t.Context(), woo.VariationFields{
			SKU: woo.Set(own), ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(decimal.NewFromInt(int64(stock))),
			RegularPrice: woo.Set(decimal.NewFromInt(100)),
			Attributes:   woo.Set([]woo.AttributeChoiceFields{{Name: woo.Set("Size"), Option: woo.Set(size)}}),
		})
		require.NoError(w.t, err)
		ids = append(ids, v.ID)
		b := w.till.AddProduct(own, "Product "+own, "125.00")
		w.till.SetStock(w.warehouse, own, int64(stock))
		require.NoError(w.t, w.links.Put(w.t.Context(), []Link{LinkVariation(woo.ProductID(id), v.ID, b)}))
	}
	return woo.ProductID(id), ids
}

// shopStock is the shop's figure of a product or variation, by its id.
func (w *world) shopStock(id int64) string {
	w.t.Helper()
	var p struct {
		Quantity json.Number `json:"stock_quantity"`
	}
	require.NoError(w.t, json.Unmarshal(w.shop.Product(id), &p))
	return p.Quantity.String()
}

// tillStock is the warehouse's.
func (w *world) tillStock(sku string) string { return w.till.Stock(w.warehouse, sku).String() }

// tillWrites are the requests that changed the till since mark, as "PUT sites/1/products".
func (w *world) tillWrites(mark int) []string {
	var all []string
	for _, r := range w.till.Requests()[mark:] {
		if r.Method != "GET" {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

// shopWrites are those that changed the shop, through its API.
func (w *world) shopWrites(mark int) []string {
	var all []string
	for _, r := range w.shop.Requests()[mark:] {
		if r.Method != "GET" {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

// marks are how many requests both sides have had.
func (w *world) marks() (shop, till int) { return len(w.shop.Requests()), len(w.till.Requests()) }

// settled lets time pass until nothing waits to go up, at most three days.
func (w *world) settled() {
	w.t.Helper()
	synctest.Wait()
	for range 72 {
		found, err := w.queue.List(w.t.Context(), retryqueue.Query{
			States: []retryqueue.State{retryqueue.Queued, retryqueue.Running, retryqueue.Retrying}, Limit: 1,
		})
		require.NoError(w.t, err)
		if len(found.Records) == 0 {
			return
		}
		w.later(time.Hour)
	}
	require.Fail(w.t, "work still waits to go up")
}
