package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

const (
	hostID  stocksync.StoreID = "main"
	plainID stocksync.StoreID = "plain"
	hostURL                   = "https://main.test"

	skus   = 20
	onHand = 20
)

// world are the stores of the demonstration, in this process.
type world struct {
	books    *chain.Books
	seed     uint64
	network  *stocksynctest.Network // on which the host reaches the branches
	branches []*branch
	outlet   *outlet
	orders   func(ctx context.Context) error // has the outlet tell of its orders
	began    time.Time
}

// newWorld makes the stores, and the settings that lead to them. Only the plain store has stock at first.
func newWorld(s *settings) (*world, error) {
	w := &world{books: chain.NewBooks(skus, onHand), seed: s.seed, network: stocksynctest.NewNetwork(), began: time.Now()}
	s.wire.Self.StoreID, s.wire.HTTPClient = hostID, &http.Client{Transport: w.network}
	s.wire.Nonces = hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)}) // nothing was ever signed before
	// What takes minutes in life takes seconds here.
	s.master.Settle, s.plain.Every, s.master.Schedules = 5*time.Second, time.Second, map[stocksync.StoreID]retryqueue.Schedule{}
	for i, id := range []stocksync.StoreID{"north", "south", "east"} {
		b, secret := newBranch(string(id), 1+min(i, 1)), hmacauth.GenerateSecret() // one of the first generation, two of the second
		b.Pair(stocksynctest.Pairing{ID: string(hostID), URL: hostURL, Secret: secret})
		w.branches = append(w.branches, b)
		s.wire.Pairs = append(s.wire.Pairs, kitgenix.Pair{StoreID: id, Name: string(id), URL: "https://" + b.ID() + ".test", Secret: secret})
		s.master.Schedules[id] = retryqueue.Steps(time.Second)
	}
	var err error
	if w.outlet, err = newOutlet(); err != nil {
		return nil, err
	}
	s.shop, s.hookSecret = w.outlet.config(), "a-secret-of-the-demonstration"
	s.plain.OrdersSince = time.Now().Truncate(time.Second) // orders are dated to the second
	s.master.Capture = map[stocksync.StoreID]stocksync.Capture{plainID: stocksync.OrderLedger}
	s.master.Schedules[plainID] = retryqueue.Steps(time.Second)
	w.orders = func(ctx context.Context) error {
		shop, err := woo.New(s.shop)
		if err != nil {
			return err
		}
		_, err = webhook.Ensure(ctx, shop, webhook.Wanted{Topic: "order.created", URL: hostURL + hooks, Secret: s.hookSecret})
		return err
	}
	return w, nil
}

func (w *world) close() {
	for _, b := range w.branches {
		b.close()
	}
	w.outlet.close()
}

// join makes the host reachable for the stores, and the branches for the host.
func (w *world) join(h http.Handler) {
	for _, b := range w.branches {
		b.out = fakehttp.NewInjector(h, nil)
		b.to = fakehttp.NewTransport(b.out)
		w.line(b, true)
	}
	w.outlet.DeliverTo(hostURL, h)
}

// line puts the line to a branch up, or cuts it.
func (w *world) line(b *branch, up bool) {
	b.online.Store(up)
	if up {
		w.network.Join(b.ID()+".test", b.from)
		b.way.Join("main.test", b.to)
	} else {
		w.network.Join(b.ID()+".test", nil)
		b.way.Join("main.test", nil)
	}
}

// trouble lets a part of all requests go wrong from now on: refused, or done and not answered.
func (w *world) trouble(rate float64) {
	kinds := []fakehttp.Fault{fakehttp.Unavailable, fakehttp.Dropped, fakehttp.Lost, fakehttp.GatewayTimeout}
	for i, b := range w.branches {
		b.in.Set(fakehttp.Faults{Rate: rate, Kinds: kinds, Seed: w.seed + uint64(2*i)})
		b.out.Set(fakehttp.Faults{Rate: rate, Kinds: kinds, Seed: w.seed + uint64(2*i+1)})
	}
	w.outlet.SetFaults(wootest.Faults{Rate: rate, Kinds: kinds, Seed: w.seed})
}

// run lets the branches do what they do by themselves, until ctx ends.
func (w *world) run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, b := range w.branches {
		running.Go(func() { b.Run(ctx) })
		running.Go(func() {
			for ; ctx.Err() == nil; pause(ctx, time.Second) {
				if b.online.Load() {
					b.RunAll(ctx) // after a failure the plugin waits for 5 min: it is pulled forward by hand, as staff can
				}
			}
		})
	}
	running.Wait()
	return nil
}

// branch is a store that runs the plugin.
type branch struct {
	*stocksynctest.Plugin
	in, out  *fakehttp.Injector     // what it is asked, and what it asks, may go wrong
	way      *stocksynctest.Network // on which it reaches the host
	from, to *fakehttp.Transport    // to the branch, and to the host
	online   atomic.Bool
}

func newBranch(id string, generation int) *branch {
	b := &branch{way: stocksynctest.NewNetwork()}
	b.Plugin = stocksynctest.NewPlugin(stocksynctest.PluginConfig{
		ID: id, Generation: generation, Network: b.way, Cron: 100 * time.Millisecond,
	})
	for i := range skus {
		b.Add(stocksynctest.Managed(chain.SKU(i), 0))
	}
	b.in = fakehttp.NewInjector(b.Plugin, nil)
	b.from = fakehttp.NewTransport(b.in)
	return b
}

func (b *branch) close() {
	b.from.Close()
	if b.to != nil {
		b.to.Close()
	}
	b.Close()
}

// outlet is the plain store. It does one thing at a time, a sale or a request: else a checkout might sell what is being taken away.
type outlet struct {
	*wootest.Shop
	doing sync.Mutex
	to    *fakehttp.Transport
	ids   map[string]int64
}

func newOutlet() (*outlet, error) {
	shop, err := wootest.New(wootest.Config{DeliverEvery: 100 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	o := &outlet{Shop: shop, ids: map[string]int64{}}
	o.to = fakehttp.NewTransport(o)
	for i := range skus {
		sku := chain.SKU(i)
		o.ids[sku], err = shop.AddProduct(fmt.Appendf(nil, `{"sku":%q,"manage_stock":true,"stock_quantity":%d}`, sku, onHand))
		if err != nil {
			o.close()
			return nil, err
		}
	}
	return o, nil
}

func (o *outlet) close() {
	o.to.Close()
	o.Close()
}

// ServeHTTP implements [http.Handler].
func (o *outlet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.doing.Lock()
	defer o.doing.Unlock()
	o.Shop.ServeHTTP(w, r)
}

// config is what leads to the outlet.
func (o *outlet) config() woo.Config {
	c := o.Config()
	c.HTTPClient = &http.Client{Transport: o.to}
	return c
}

// sell is a checkout.
func (o *outlet) sell(sku string, n int64) error {
	o.doing.Lock()
	defer o.doing.Unlock()
	if o.Quantity(sku) < n {
		return errors.New("out of stock")
	}
	_, err := o.AddOrder(fmt.Appendf(nil, `{"status":"processing","line_items":[{"product_id":%d,"quantity":%d}]}`, o.ids[sku], n))
	return err
}

// Quantity is what the outlet has of a product.
func (o *outlet) Quantity(sku string) int64 {
	var product struct {
		Quantity int64 `json:"stock_quantity"`
	}
	_ = json.Unmarshal(o.Product(o.ids[sku]), &product) // it is there: newOutlet made it
	return product.Quantity
}
