package sitoosync_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitoosync/sqllinks"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// crashVar holds what a child needs: the addresses of both sides, the warehouse, and the file of links.
const crashVar = "TILLWIRE_SITOO_CRASH"

// TestKilled runs a full sync in a child process, kills it with SIGKILL again and again wherever it stands, and lets the last one
// finish: nothing was made twice on either side, and nothing is missing.
func TestKilled(t *testing.T) {
	if place := os.Getenv(crashVar); place != "" {
		child(t, place)
		return
	}
	if testing.Short() {
		t.Skip("it starts processes")
	}
	n, kills := 150, 4
	if os.Getenv("TILLWIRE_LONG") == "1" {
		n, kills = 10_000, 12
	}
	w := newCrashWorld(t, n)
	till, warehouse, place := w.till, w.warehouse, w.place
	ctx := t.Context()
	shopClient, tillClient := w.shopClient, w.tillClient

	rng := rand.New(rand.NewPCG(1, 9))
	t.Logf("seed 1, %d products", n)
	killed := 0
	for range kills {
		begin := len(till.Requests())
		after := 3 + rng.IntN(n/2)
		if !live(t, place, func() bool { return len(till.Requests()) >= begin+after }).killed {
			break
		}
		killed++
	}
	require.NotZero(t, killed, "the sync was faster than its killer")
	live(t, place, func() bool { return false })

	some := (n + 4) / 5
	made := map[string]int{}
	for p, err := range shopClient.Products.All(ctx, woo.ProductQuery{}) {
		require.NoError(t, err)
		made["product "+p.SKU]++
		require.Equal(t, till.Stock(warehouse, p.SKU).String(), p.StockQuantity.String(), p.SKU)
	}
	for c, err := range shopClient.Categories.All(ctx, woo.TermQuery[woo.CategoryID]{}) {
		require.NoError(t, err)
		made["category of the shop "+c.Name]++
	}
	delete(made, "category of the shop Uncategorized")
	for c, err := range tillClient.Categories.All(ctx, sitoo.ListQuery{}) {
		require.NoError(t, err)
		made["category of the till "+c.Title]++
	}
	for o, err := range shopClient.Orders.All(ctx, woo.OrderQuery{}) {
		require.NoError(t, err)
		ref, _ := o.MetaData.Get("_sitoo_reference")
		made["order "+ref.String()]++
	}
	for what, times := range made {
		require.Equal(t, 1, times, what)
	}
	require.Len(t, made, n+2*some+2*some+some, "products, categories on both sides, orders")
	require.Equal(t, n, till.Count("products"))
	t.Logf("killed %d times", killed)
}

type lived struct {
	killed bool
	out    string
}

// live lets a child work until it has ended, or kill says so.
func live(t testing.TB, place string, kill func() bool) (l lived) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$", "-test.v")
	c.Env = append(os.Environ(), crashVar+"="+place)
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	require.NoError(t, c.Start())
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	for {
		select {
		case err := <-done:
			require.True(t, err == nil || l.killed, "%v\n%s", err, &out)
			l.out = out.String()
			return l
		case <-time.After(time.Millisecond):
			if !l.killed && kill() {
				l.killed = true
				_ = c.Process.Kill()
			}
		}
	}
}

// crashPlace is where a child works.
type crashPlace struct {
	Shop, Key, Secret     string
	Till, APIID, Password string
	Warehouse             sitoo.WarehouseID
	File                  string
}

// child is a process that does a full sync.
func child(t *testing.T, raw string) {
	var p crashPlace
	require.NoError(t, json.Unmarshal([]byte(raw), &p))
	db, err := sql.Open("sqlite", "file:"+p.File+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	links, err := sqllinks.Open(t.Context(), db, sqllinks.Config{})
	require.NoError(t, err)
	shop, err := woo.New(woo.Config{URL: p.Shop, Key: p.Key, Secret: p.Secret})
	require.NoError(t, err)
	till, err := sitoo.New(sitoo.Config{BaseURL: p.Till, APIID: p.APIID, Password: p.Password})
	require.NoError(t, err)
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	s, err := sitoosync.New(sitoosync.Config{
		Shop: shop, Till: till, Links: links, State: links, Queue: queue, Warehouse: p.Warehouse, SendStock: true,
	})
	require.NoError(t, err)
	r, err := s.FullSync(t.Context(), sitoosync.FullSyncOptions{
		Operations: []sitoosync.Operation{
			sitoosync.OpMatchAll, sitoosync.CategoriesDown, sitoosync.CategoriesUp, sitoosync.ProductsDown, sitoosync.OrdersDown,
			sitoosync.StockDown,
		},
	})
	require.NoError(t, err)
	t.Logf("resumed behind %d operations; peak of memory: %d MiB", r.Resumed, peak())
	require.Less(t, peak(), mostMemory)
}

// crashWorld is both sides at loopback addresses, for children.
type crashWorld struct {
	till       *sitootest.Till
	shopClient *woo.Client
	tillClient *sitoo.Client
	warehouse  sitoo.WarehouseID
	place      string
}

func newCrashWorld(t testing.TB, n int) crashWorld {
	t.Helper()
	shop, err := wootest.New(wootest.Config{URL: "http://shop.test"})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	till, err := sitootest.New(sitootest.Config{})
	require.NoError(t, err)
	t.Cleanup(till.Close)
	warehouse := till.AddWarehouse("Storgatan", sitoo.FIFO)
	ctx := context.Background()
	shopClient, err := woo.New(shop.Config())
	require.NoError(t, err)
	tillClient, err := sitoo.New(till.Config())
	require.NoError(t, err)
	for i := range n {
		sku := fmt.Sprintf("TILL-%d", i)
		till.AddProduct(sku, "From the till", "125.00")
		till.SetStock(warehouse, sku, int64(i+2))
		if i%5 != 0 {
			continue
		}
		till.Sell(warehouse, i%2 == 0, sitootest.Line{SKU: sku, Quantity: 1, Price: 125})
		_, err := shopClient.Categories.Create(ctx, woo.CategoryFields{Name: woo.Set(fmt.Sprintf("Shop %d", i))})
		require.NoError(t, err)
		_, err = tillClient.Categories.Create(ctx, sitoo.CategoryFields{Title: sitoo.Set(fmt.Sprintf("Till %d", i))})
		require.NoError(t, err)
	}
	shopURL, stopShop, err := shop.Start()
	require.NoError(t, err)
	t.Cleanup(stopShop)
	tillURL, stopTill, err := till.Start()
	require.NoError(t, err)
	t.Cleanup(stopTill)
	keys, account := shop.Config(), till.Config()
	raw, err := json.Marshal(crashPlace{
		shopURL, keys.Key, keys.Secret, tillURL, account.APIID, account.Password, warehouse, filepath.Join(t.TempDir(), "links.db"),
	})
	require.NoError(t, err)
	return crashWorld{till, shopClient, tillClient, warehouse, string(raw)}
}

// mostMemory is what a sync may take, in MiB.
const mostMemory = 128

// peak is the most memory that this process ever had, in MiB; 0 where the system does not say.
func peak() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	kib, _ := strconv.Atoi(strings.Fields(after + " 0")[0])
	return kib >> 10
}

// BenchmarkFullSync is a full sync of 10,000 products in a process of its own, with its peak of memory, the Go runtime and SQLite
// included.
func BenchmarkFullSync(b *testing.B) {
	for b.Loop() {
		w := newCrashWorld(b, 10_000)
		out := live(b, w.place, func() bool { return false }).out
		_, after, found := strings.Cut(out, "peak of memory: ")
		require.True(b, found, out)
		mib, err := strconv.Atoi(strings.Fields(after)[0])
		require.NoError(b, err)
		require.Less(b, mib, mostMemory)
		b.ReportMetric(float64(mib), "peak-MiB")
		b.ReportMetric(float64(len(w.till.Requests())), "requests")
	}
}
