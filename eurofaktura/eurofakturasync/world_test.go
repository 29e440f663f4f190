package eurofakturasync

import (
	"context"
	"errors"
	"fmt"

	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// world is a shop, a Eurofaktura and a Sync between them, in one bubble of virtual time.
type world struct {
	t     *testing.T
	books *eurofakturatest.Books
	shop  *wootest.Shop
	old   *wootest.Legacy
	woo   *woo.Client
	store retryqueue.Store
	queue *retryqueue.Queue
	sync  *Sync

	lose    atomic.Bool // what the shop delivers meets 404
	stocked bool        // the shop has the product of anOrder
}

// statuses is the StatusMap of tests.
var statuses = map[woo.OrderStatus]string{
	"on-hold": "Waiting", "processing": "In work", "completed": "Done", "cancelled": "Cancelled", "refunded": "Refunded",
}

// inWorld runs f in a bubble. change may alter the Config.
func inWorld(t *testing.T, books eurofakturatest.Config, change func(w *world, c *Config), f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, store: retryqueue.NewMemoryStore()}
		var err error
		w.books, err = eurofakturatest.New(books)
		require.NoError(t, err)
		defer w.books.Close()
		w.shop, err = wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer w.shop.Close()
		w.old = w.shop.Legacy()
		defer w.old.Close()
		w.woo, err = woo.New(w.shop.Config())
		require.NoError(t, err)
		w.sync, w.queue = w.start(change)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.queue.Run(ctx) }()
		defer func() {
			stop()
			require.NoError(t, <-done)
		}()
		f(t, w)
	})
}

func (w *world) start(change func(w *world, c *Config)) (*Sync, *retryqueue.Queue) {
	w.t.Helper()
	books, err := eurofaktura.New(w.books.Config())
	require.NoError(w.t, err)
	queue, err := retryqueue.New(retryqueue.Config{Store: w.store, Poll: 24 * time.Hour})
	require.NoError(w.t, err)
	c := Config{Name: "myshop", Books: books, Queue: queue, Shop: V3(w.woo), Warehouse: "01", CostCentre: "WEB"}
	if change != nil {
		change(w, &c)
	}
	s, err := New(c)
	require.NoError(w.t, err)
	return s, queue
}

func synced(_ *world, c *Config) { c.StatusSync, c.StatusMap = true, statuses }

// legacyClient reads the same shop through its legacy API.
func (w *world) legacyClient() *legacy.Client {
	c := w.shop.Config()
	shop, err := legacy.New(legacy.Config{URL: c.URL, Key: c.Key, Secret: c.Secret, HTTPClient: &http.Client{Transport: w.old.Transport()}})
	require.NoError(w.t, err)
	return shop
}

const anOrder = `{"status":%q,"currency":"EUR","customer_id":0,"payment_method":"cod",
	"billing":{"first_name":"Мария","last_name":"Иванова","address_1":"ул. Шипка 5","city":"София","postcode":"1504","country":"BG","email":"maria@example.bg"},
	"line_items":[{"name":"Тениска","sku":"BASE","quantity":2,"total":"41.58","subtotal":"41.58"}],
	"shipping_lines":[{"method_id":"flat_rate","method_title":"Доставка","total":"8.33"}]}`

// order makes an order in a status and reads it.
func (w *world) order(status woo.OrderStatus) *woo.Order {
	w.t.Helper()
	if !w.stocked {
		_, err := w.shop.AddProduct([]byte(`{"name":"Тениска","sku":"BASE","regular_price":"20.79"}`))
		require.NoError(w.t, err)
		w.stocked = true
	}
	id, err := w.shop.AddOrder([]byte(fmt.Sprintf(anOrder, status)))
	require.NoError(w.t, err)
	return w.read(woo.OrderID(id))
}

func (w *world) read(id woo.OrderID) *woo.Order {
	w.t.Helper()
	o, err := w.woo.Orders.Get(w.t.Context(), id)
	require.NoError(w.t, err)
	return o
}

// moved changes an order's status as a person in the shop does, and reads it.
func (w *world) moved(id woo.OrderID, status woo.OrderStatus) *woo.Order {
	w.t.Helper()
	require.NoError(w.t, w.shop.SetStatus(int64(id), string(status)))
	return w.read(id)
}

func (w *world) accept(o *woo.Order) {
	w.t.Helper()
	require.NoError(w.t, w.sync.Accept(w.t.Context(), o))
}

func (w *world) follow(o *woo.Order) {
	w.t.Helper()
	require.NoError(w.t, w.sync.Follow(w.t.Context(), o))
}

// later lets time pass.
func (w *world) later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// booked are the documents of an order.
func (w *world) booked(id woo.OrderID) []eurofakturatest.Document {
	return slices.DeleteFunc(w.books.Documents(), func(d eurofakturatest.Document) bool {
		return d.Kind != eurofakturatest.SalesOrder || d.Transaction != w.sync.c.transaction(id)
	})
}

// the is an order's only document.
func (w *world) the(id woo.OrderID) eurofakturatest.Document {
	w.t.Helper()
	all := w.booked(id)
	require.Len(w.t, all, 1)
	return all[0]
}

// job is a job of the queue, by kind and order.
func (w *world) job(kind string, id woo.OrderID) *retryqueue.Record {
	w.t.Helper()
	for r, err := range w.queue.All(w.t.Context(), retryqueue.Query{Kinds: []string{kind}, History: true}) {
		require.NoError(w.t, err)
		if r.Key == fmt.Sprint(id) {
			return r
		}
	}
	require.Fail(w.t, "no job", "%s %d", kind, id)
	return nil
}

// methods are the RPC methods that were called, in order.
func (w *world) methods() []string {
	var all []string
	for _, r := range w.books.Requests() {
		all = append(all, r.Method)
	}
	return all
}

// feed is an orderfeed for the Sync, over the shop of its Config.
func (w *world) feed(change func(*orderfeed.Config)) *orderfeed.Feed {
	w.t.Helper()
	c := orderfeed.Config{Store: orderfeed.NewMemoryStore(), Since: time.Unix(0, 0)}
	if change != nil {
		change(&c)
	}
	feed, err := orderfeed.New(w.sync.Feed(c))
	require.NoError(w.t, err)
	return feed
}

// run keeps a part going until the returned function ends it.
func (w *world) run(part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	return func() {
		cancel()
		require.NoError(w.t, <-done)
	}
}

// settled lets time pass until no job waits, at most three days.
func (w *world) settled() {
	w.t.Helper()
	for range 72 {
		w.later(time.Hour)
		found, err := w.queue.List(w.t.Context(), retryqueue.Query{
			States: []retryqueue.State{retryqueue.Queued, retryqueue.Running, retryqueue.Retrying}, Limit: 1,
		})
		require.NoError(w.t, err)
		if len(found.Records) == 0 {
			return
		}
	}
}

var errDown = errors.New("down")
