package stocksynctest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

// TestMonitorOverPlugins looks at a plugin master, at which the monitor is a disabled child, and at its children, by the master's
// pairs.
func TestMonitorOverPlugins(t *testing.T) {
	t.Parallel()
	for _, generation := range []int{1, 2} {
		t.Run(fmt.Sprintf("v%d", generation), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				net := stocksynctest.NewNetwork()
				stores := map[string]*stocksynctest.Plugin{}
				for _, id := range []string{"d", "e", "f"} {
					p := stocksynctest.NewPlugin(stocksynctest.PluginConfig{ID: id, Generation: generation, Master: id == "d", Network: net})
					t.Cleanup(p.Close)
					p.Add(stocksynctest.Managed("A", 10), stocksynctest.Managed("B", 20), stocksynctest.Product{SKU: "FREE"})
					net.Join(id+".test", p.Transport())
					stores[id] = p
				}
				stores["d"].Pair(stocksynctest.Pairing{ID: "m", Secret: secretM, Disabled: true})
				stores["e"].Pair(stocksynctest.Pairing{ID: "d", URL: "https://d.test", Secret: secretE})
				stores["f"].Pair(stocksynctest.Pairing{ID: "d", URL: "https://d.test", Secret: secretF})
				wire := func(self string, pairs ...kitgenix.Pair) *kitgenix.Wire {
					w, err := kitgenix.New(kitgenix.Config{
						Self: stocksync.Self{StoreID: stocksync.StoreID(self)}, Nonces: nonces(), HTTPClient: &http.Client{Transport: net}, Pairs: pairs,
					})
					require.NoError(t, err)
					return w
				}
				mine := wire("m", kitgenix.Pair{StoreID: "d", URL: "https://d.test", Secret: secretM})
				masters := wire("d", kitgenix.Pair{StoreID: "e", URL: "https://e.test", Secret: secretE},
					kitgenix.Pair{StoreID: "f", URL: "https://f.test", Secret: secretF})
				monitor, err := stocksync.NewMonitor(stocksync.MonitorConfig{
					Master: mine.Upstream("d"), Children: []stocksync.Reader{masters.Peer("e"), masters.Peer("f")},
				})
				require.NoError(t, err)
				stores["f"].SQL("A", func(p *stocksynctest.Product) { p.Quantity = 8 })

				began := time.Now()
				report, err := monitor.Drift(t.Context(), []stocksync.Ref{{SKU: "A"}, {SKU: "B"}, {SKU: "FREE"}, {SKU: "NOWHERE"}}, nil)
				require.NoError(t, err)
				require.Len(t, report.Stores, 2)
				require.Empty(t, report.Stores[0].Differences)
				require.NoError(t, report.Stores[0].Err)
				require.Equal(t, 1, report.Stores[1].Differ)
				require.Equal(t, stocksync.FieldQuantity, report.Stores[1].Differences[0].Field)
				require.Equal(t, "10", report.Stores[1].Differences[0].Want)
				require.Equal(t, "8", report.Stores[1].Differences[0].Have)
				requests := 0
				for id, p := range stores {
					for _, r := range p.Requests() {
						requests++
						require.False(t, r.Endpoint == "event" || r.Status != 200, "%s got %v", id, r)
					}
				}
				require.LessOrEqual(t, requests, 8, "a ping and a look for each, and another look where they differ")
				require.GreaterOrEqual(t, time.Since(began), 10*time.Second, "it asks slowly")
			})
		})
	}
}

// TestGiveBack has a plugin master take over from a Go master (N10): versions that are milliseconds must not keep its small counters
// out.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]bool{"N10_given_back": true, "N10_not_given_back": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inChain(t, setting{generation: 2}, func(c *chain) {
				c.sold("till:1", "A", 1)
				c.equal("A", 9)
				if given {
					items, err := c.master.Lookup(c.ctx, "d", []stocksync.Ref{{SKU: "A"}})
					require.NoError(c, err)
					for _, id := range []stocksync.StoreID{"e", "f"} {
						applied, err := c.wire.Peer(id).GiveBack(c.ctx, []stocksync.Item{*items[0]})
						require.NoError(c, err)
						require.Equal(c, stocksync.Accepted, applied[0].Outcome)
					}
				}
				d := stocksynctest.NewPlugin(stocksynctest.PluginConfig{ID: "d", Master: true, Network: c.net})
				c.Cleanup(d.Close)
				d.Pair(stocksynctest.Pairing{ID: "e", URL: "https://e.test", Secret: secretE})
				d.Pair(stocksynctest.Pairing{ID: "f", URL: "https://f.test", Secret: secretF})
				product, _ := c.e.Product("A")
				d.Add(stocksynctest.Product{SKU: "A", Manage: true, Quantity: 9, GID: product.GID})
				c.net.Join("d.test", d.Transport())
				require.NoError(c, d.SetStock(c.ctx, "A", 5))
				d.RunActions(c.ctx)
				want := int64(9) // fenced: the plugin's counter is far below ours
				if given {
					want = 5
				}
				require.Equal(c, [2]int64{want, want}, [2]int64{c.e.Quantity("A"), c.f.Quantity("A")})
			})
		})
	}
}
