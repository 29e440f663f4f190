package woopeer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// clerk is a node that keeps one quantity per SKU, as a master does, and remembers what it was told.
type clerk struct {
	mu       sync.Mutex
	items    map[stocksync.SKU]*stocksync.Item
	seen     map[string]bool // event ids and sources
	ledger   map[stocksync.GID][]stocksync.Entry
	reports  []stocksync.Report
	byOrders bool  // quantities are only looked at
	lost     int   // answers that are lost after the work was done
	broken   error // of every report, before any work
}

func newClerk() *clerk {
	return &clerk{
		items: map[stocksync.SKU]*stocksync.Item{}, seen: map[string]bool{}, ledger: map[stocksync.GID][]stocksync.Entry{},
	}
}

func (c *clerk) ID() stocksync.StoreID { return "master" }

func (c *clerk) Role() stocksync.Role { return stocksync.RoleMaster }

func (c *clerk) Receive(_ context.Context, r stocksync.Report) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = append(c.reports, r)
	if c.broken != nil {
		return c.broken
	}
	for _, it := range r.Items {
		if have := c.items[it.SKU]; have != nil && it.Was != nil && !c.seen[r.EventID] && !c.byOrders {
			have.Quantity = have.Quantity.Add(it.Quantity.Sub(*it.Was))
			have.Version++
		}
	}
	c.seen[r.EventID] = true
	for _, m := range r.Movements {
		if have := c.items[m.SKU]; have != nil && !c.seen[m.Source] {
			have.Quantity = have.Quantity.Add(m.Delta)
			have.Version++
			c.enter(r.From, m)
		}
		c.seen[m.Source] = true
	}
	if c.lost > 0 {
		c.lost--
		return context.DeadlineExceeded
	}
	return nil
}

func (c *clerk) Lookup(_ context.Context, _ stocksync.StoreID, refs []stocksync.Ref) ([]*stocksync.Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*stocksync.Item, len(refs))
	for i, ref := range refs {
		if it := c.items[ref.SKU]; it != nil {
			now := *it
			now.GID = stocksync.GID("gid of " + it.SKU)
			all[i] = &now
		}
	}
	return all, nil
}

// has sets what the clerk believes in.
func (c *clerk) has(sku stocksync.SKU, quantity int64) stocksync.Item {
	c.mu.Lock()
	defer c.mu.Unlock()
	it := item(sku, quantity)
	it.Version = 1
	c.items[sku] = &it
	return it
}

func (c *clerk) item(sku stocksync.SKU) stocksync.Item {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.items[sku]
}

// enter keeps a movement. Of products the clerk knows the GIDs, which it tells in a Lookup.
func (c *clerk) enter(from stocksync.StoreID, m stocksync.Movement) {
	gid := stocksync.GID("gid of " + m.SKU)
	c.ledger[gid] = append(c.ledger[gid], stocksync.Entry{Store: from, Source: m.Source, GID: gid, Delta: m.Delta})
}

// kinds are the last words of the entries of an order.
func (c *clerk) kinds(order int64) (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entries := range c.ledger {
		for _, e := range entries {
			if strings.HasPrefix(e.Source, fmt.Sprintf("order:%d/", order)) {
				all = append(all, e.Source[strings.LastIndex(e.Source, "/")+1:])
			}
		}
	}
	return all
}

// told returns what the reports since the last call said of a SKU: "5" for a first sight, "5->4" for a change.
func (c *clerk) told() (said []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.reports {
		for _, it := range r.Items {
			text := string(it.SKU) + " "
			if it.Was != nil {
				text += it.Was.String() + "->"
			}
			said = append(said, text+it.Quantity.String())
		}
		for _, m := range r.Movements {
			said = append(said, string(m.SKU)+" "+m.Delta.String())
		}
	}
	c.reports = nil
	return said
}

func item(sku stocksync.SKU, quantity int64) stocksync.Item {
	return stocksync.Item{
		Ref:   stocksync.Ref{SKU: sku},
		Stock: stocksync.Stock{Quantity: decimal.NewFromInt(quantity), Manage: stocksync.Managed},
	}
}

// world is a shop, the peer that fronts it, and the node that watches it.
type world struct {
	*testing.T
	shop  *wootest.Shop
	woo   *woo.Client
	peer  *woopeer.Peer
	clerk *clerk
}

// inWorld runs a test in a bubble.
func inWorld(t *testing.T, change func(*woopeer.Config), test func(w *world)) {
	t.Helper()
	inShop(t, wootest.Config{}, change, test)
}

func inShop(t *testing.T, c wootest.Config, change func(*woopeer.Config), test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(c)
		require.NoError(t, err)
		defer shop.Close()
		client, err := woo.New(shop.Config())
		require.NoError(t, err)
		config := woopeer.Config{ID: "c", Shop: client, KeepMeta: true}
		if change != nil {
			change(&config)
		}
		peer, err := woopeer.New(config)
		require.NoError(t, err)
		test(&world{t, shop, client, peer, newClerk()})
	})
}

// watch lets the clerk watch the shop, and returns when everything was read once. The stop waits for the end.
func (w *world) watch() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.peer.Watch(ctx, w.clerk) }()
	synctest.Wait()
	return func() {
		cancel()
		require.NoError(w, <-ended)
	}
}

// pass lets time go by, and everything happen that is due.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// product adds one that counts its stock.
func (w *world) product(sku string, quantity int) int64 {
	w.Helper()
	return w.add(fmt.Sprintf(`{"name":%q,"sku":%q,"regular_price":"1","manage_stock":true,"stock_quantity":%d}`, sku, sku, quantity))
}

func (w *world) add(body string) int64 {
	w.Helper()
	id, err := w.shop.AddProduct([]byte(body))
	require.NoError(w, err)
	return id
}

// variation adds one to a variable product.
func (w *world) variation(parent int64, body string) int64 {
	w.Helper()
	var v struct {
		ID int64 `json:"id"`
	}
	require.NoError(w, w.woo.Do(w.Context(), "POST", fmt.Sprintf("wc/v3/products/%d/variations", parent), json.RawMessage(body), &v))
	return v.ID
}

// sell makes a paid order.
func (w *world) sell(product int64, n int) int64 {
	w.Helper()
	id, err := w.shop.AddOrder(fmt.Appendf(nil, `{"status":"processing","line_items":[{"product_id":%d,"quantity":%d}]}`, product, n))
	require.NoError(w, err)
	return id
}

// at returns the member of a product as the shop shows it, as JSON.
func (w *world) at(product int64, member string) string {
	w.Helper()
	var all map[string]json.RawMessage
	require.NoError(w, json.Unmarshal(w.shop.Product(product), &all))
	return string(all[member])
}

// stock returns the quantity of a product.
func (w *world) stock(product int64) string {
	w.Helper()
	return w.at(product, "stock_quantity")
}

// requests returns what reached the shop since the last call, without the routes' common beginning.
func (w *world) requests() (all []string) {
	for _, r := range w.shop.Requests() {
		all = append(all, r.Method+" "+strings.TrimPrefix(r.Path, "/wp-json/wc/v3/"))
	}
	w.shop.ForgetRequests()
	return all
}

// push pushes and demands the outcomes.
func (w *world) push(want []stocksync.Outcome, items ...stocksync.Item) []stocksync.Applied {
	w.Helper()
	done, err := w.peer.Push(w.Context(), items)
	require.NoError(w, err)
	require.Len(w, done, len(items))
	for i := range done {
		require.Equal(w, want[i], done[i].Outcome, "%d: %v", i, done[i].Err)
	}
	return done
}

var confirmed = []stocksync.Outcome{stocksync.Confirmed}

// reasonOf is the reason of a refusal.
func reasonOf(t testing.TB, a stocksync.Applied) stocksync.Reason {
	t.Helper()
	var c *stocksync.Conflict
	require.ErrorAs(t, a.Err, &c)
	return c.Reason
}
