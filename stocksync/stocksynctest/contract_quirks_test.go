package stocksynctest_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

// quirk is a test of a Go node against shops that have a quirk of the plugin, and against shops that do not.
type quirk struct {
	generations []int
	setting     setting
	over        func(c *chain)  // a Go master over plugin children
	under       func(b *branch) // a Go child under a plugin master
}

var (
	bothOf = []int{1, 2}
	first  = []int{1}
	second = []int{2}
)

// bulk gives a branch 60 products more.
func bulk(b *branch, atMaster, atTill int64) {
	for n := range 60 {
		sku := fmt.Sprintf("BULK-%04d", n)
		b.d.Add(stocksynctest.Managed(sku, atMaster))
		b.f.Add(stocksynctest.Managed(sku, atMaster))
		b.till.mu.Lock()
		b.till.stock[stocksync.SKU(sku)] = counted(sku, atTill).Stock
		b.till.mu.Unlock()
	}
}

// quirks are what we do about each quirk of the plugin. A patch in stocksync/testdata/bugs takes that away, quirk by quirk.
var quirks = map[string]quirk{
	// A nonce is never used twice, whatever became of the request.
	"NonceBeforeMAC": {generations: first, over: func(c *chain) {
		c.call("e", "wrong, but of a store that is known", "ping", `{}`)
		c.f.Doom(1)
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
		require.Empty(c, replays(c.f))
	}},
	"NonceRace": {
		generations: bothOf,
		setting:     setting{config: func(c *stocksynctest.PluginConfig) { c.NonceTime = 50 * time.Millisecond }},
		over: func(c *chain) {
			for range 3 {
				c.sells(c.e, "A", 1)
				c.pass(time.Minute)
				c.sells(c.f, "A", 1)
				c.pass(time.Minute)
			}
			c.equal("A", 4)
			require.Empty(c, replays(c.e))
			require.Empty(c, replays(c.f))
		},
	},
	// After an answer that proves nothing the state goes out under a new event id, as a higher version.
	"MarkBeforeWork": {generations: bothOf, over: func(c *chain) {
		c.f.Doom(2)
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
	}},
	// Yes is no proof: what was pushed is read back.
	"AlwaysOK": {
		generations: bothOf,
		setting:     setting{seed: []stocksync.Item{counted("ONLY-HERE", 3)}},
		over: func(c *chain) {
			c.sold("till:1", "ONLY-HERE", 1)
			c.pass(10 * time.Minute)
			waiting, err := c.store.Backlog(c.ctx)
			require.NoError(c, err)
			require.True(c, len(c.conflicts()) > 0 || waiting["f"].Count > 0, "nobody is told that f does not have the product")
		},
	},
	"Fence": {generations: second, over: func(c *chain) {
		for n := range 3 {
			c.sold(fmt.Sprint("till:", n), "A", 1)
			c.pass(2 * time.Minute)
		}
		c.equal("A", 7)
		require.Empty(c, c.conflicts())
	}},
	"FenceReset": {generations: second, over: func(c *chain) {
		c.sold("till:1", "A", 1)
		c.equal("A", 9)
		items, err := c.master.Lookup(c.ctx, "d", []stocksync.Ref{{SKU: "A"}})
		require.NoError(c, err)
		_, err = c.wire.Peer("f").GiveBack(c.ctx, []stocksync.Item{*items[0]})
		require.NoError(c, err)
		product, _ := c.f.Product("A")
		require.Equal(c, int64(9), product.Quantity)
		if product.Applied == 0 { // a plugin master may begin at 1
			status, _ := signed(c.T, c.net, "f.test", "d", secretF, "event",
				`{"event_type":"stock_state","event_id":"back","items":[{"sku":"A","stock_quantity":4,"version":1}]}`, "a nonce")
			require.Equal(c, 200, status)
			require.Equal(c, int64(4), c.f.Quantity("A"))
		}
	}},
	// What a child says of versions is not looked at.
	"ClonedVersion": {generations: second, over: func(c *chain) {
		c.e.SQL("A", func(p *stocksynctest.Product) { p.Counter = 7 })
		for range 3 {
			c.sells(c.e, "A", 1)
			c.pass(time.Minute)
		}
		c.equal("A", 7)
	}},
	// What the first generation would destroy is not sent to it.
	"ForcedManage": {
		generations: first,
		setting: setting{
			products: []stocksynctest.Product{{SKU: "FREE"}},
			seed: []stocksync.Item{{Ref: stocksync.Ref{SKU: "FREE"}, Stock: stocksync.Stock{
				Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Unmanaged,
			}}},
		},
		over: func(c *chain) {
			c.sells(c.e, "FREE", 1)
			require.NoError(c, c.master.Set(c.ctx, "set:1", []stocksync.Item{{Ref: stocksync.Ref{SKU: "FREE"}, Stock: stocksync.Stock{
				Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Unmanaged,
			}}}))
			c.pass(10 * time.Minute)
			product, _ := c.f.Product("FREE")
			require.False(c, product.Manage)
			require.Equal(c, "instock", product.Status)
		},
	},
	// A status that a store derives otherwise is no difference that a push could cure.
	"DerivedStatus": {
		generations: bothOf,
		setting: setting{config: func(c *stocksynctest.PluginConfig) {
			if c.ID == "f" {
				c.NoStockAmount = 2
			}
		}},
		over: func(c *chain) {
			c.sells(c.e, "A", 8)
			c.equal("A", 2)
			c.pass(10 * time.Minute)
			require.NotContains(c, c.conflicts(), stocksync.NotApplied)
			before := events(c.f)
			c.pass(24 * time.Hour)
			require.LessOrEqual(c, events(c.f)-before, 3)
		},
	},
	// 0 is the plugin's word for "not set".
	"ZeroLowStock": {generations: bothOf, over: func(c *chain) {
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
		product, _ := c.f.Product("A")
		require.Nil(c, product.LowStock, "the store's own default is switched off")
	}},
	// A push has the SKU beside the GID.
	"NegativeCache": {
		generations: bothOf,
		setting:     setting{config: func(c *stocksynctest.PluginConfig) { c.ObjectCache = true }},
		over: func(c *chain) {
			c.sells(c.e, "A", 1)
			c.equal("A", 9)
		},
	},
	// Two SKUs that a store takes for one are nobody's first match.
	"CaseBlind": {generations: bothOf, over: func(c *chain) {
		_, err := c.master.Seed(c.ctx, []stocksync.Item{{Ref: stocksync.Ref{GID: "other", SKU: "a"}, Stock: counted("a", 5).Stock}})
		require.NoError(c, err)
		c.sells(c.e, "A", 1)
		c.pass(10 * time.Minute)
		require.Contains(c, c.conflicts(), stocksync.DuplicateSKU)
		require.Equal(c, [2]int64{9, 10}, [2]int64{c.e.Quantity("A"), c.f.Quantity("A")})
	}},
	// A GID that we never gave does not become ours: the SKU decides.
	"GIDOverwrite": {generations: bothOf, over: func(c *chain) {
		c.equal("A", 10)
		c.e.SQL("A", func(p *stocksynctest.Product) { p.GID = "strange" })
		c.sells(c.e, "A", 1)
		c.equal("A", 9)
		items, err := c.master.Lookup(c.ctx, "d", []stocksync.Ref{{SKU: "A"}})
		require.NoError(c, err)
		require.NotEqual(c, stocksync.GID("strange"), items[0].GID)
	}},
	// What was never reported is found by the daily audit.
	"Debounce": {generations: bothOf, over: func(c *chain) {
		for range 2 {
			_, err := c.e.Order(c.ctx, "on-hold", stocksynctest.Line{SKU: "A", Quantity: 1})
			require.NoError(c, err)
		}
		c.pass(25 * time.Hour)
		c.equal("A", 8)
	}},
	// A late report is held against what the store had when it was made.
	"RetryTable": {generations: bothOf, over: func(c *chain) {
		c.equal("A", 10)
		c.pass(10 * time.Minute)
		there := c.d()
		c.net.Join("d.test", nil)
		c.sells(c.e, "A", 1) // comes after 5 minutes, or 1
		c.pass(40 * time.Second)
		c.net.Join("d.test", there)
		c.sells(c.f, "A", 2) // and is pushed over it
		c.pass(20 * time.Minute)
		c.equal("A", 7)
	}},
	// Events are small, and what the master's queue has dropped is fetched.
	"ArgsLimit": {generations: bothOf, under: func(b *branch) {
		bulk(b, 7, 3)
		b.d.Reconcile(b.ctx, stocksynctest.ReconcileOptions{})
		b.pass(2 * time.Hour)
		require.Equal(b, int64(7), b.all("BULK-0059")[1])
		for n := range 60 {
			b.sells(fmt.Sprintf("BULK-%04d", n), 1)
		}
		b.equal("BULK-0059", 6)
		b.equal("BULK-0000", 6)
	}},
	// After two refusals only a ping now and then, so that nobody is locked out.
	"Lockout": {
		generations: second,
		setting: setting{pair: func(p *kitgenix.Pair) {
			if p.StoreID == "f" {
				p.Secret = "this is a secret that f does not have"
			}
		}},
		over: func(c *chain) {
			for n := range 30 {
				c.sold(fmt.Sprint("till:", n), "B", 1)
				_, _ = c.wire.Peer("f").Read(c.ctx, []stocksync.Ref{{SKU: "A"}}) // a person looks, again and again
				c.pass(20 * time.Second)
			}
			refused := 0
			for _, r := range c.f.Requests() {
				require.NotEqual(c, 429, r.Status, "locked out, and with us whoever has our address")
				if r.Status == 401 && time.Since(r.At) <= 10*time.Minute {
					refused++
				}
			}
			require.LessOrEqual(c, refused, 6)
		},
	},
	// Lists for maps, numbers for texts.
	"JSONShapes": {
		generations: bothOf,
		setting: setting{
			products: []stocksynctest.Product{stocksynctest.Managed("0", 5), stocksynctest.Managed("12345", 6)},
			seed:     []stocksync.Item{counted("0", 5), counted("12345", 6)},
		},
		over: func(c *chain) {
			c.sold("till:1", "0", 1)
			c.equal("0", 4)
			c.pass(5 * time.Minute)
			waiting, err := c.store.Backlog(c.ctx)
			require.NoError(c, err)
			require.Zero(c, waiting["e"].Count+waiting["f"].Count, "what was read back was not understood")
			c.e.SQL("12345", func(p *stocksynctest.Product) { p.Quantity = 99 })
			_, refusal := c.e.Checkout(c.ctx, stocksynctest.Line{SKU: "12345", Quantity: 7})
			require.Contains(c, refusal, "Available: 6.")
		},
	},
	// A report is in the ledger and answered before anybody is told of it.
	"ShortTimeouts": {
		generations: bothOf,
		setting: setting{config: func(c *stocksynctest.PluginConfig) {
			if c.ID == "f" {
				c.ItemTime = 20 * time.Second // pushes to f take that long
			}
		}},
		over: func(c *chain) {
			c.sells(c.e, "A", 1)
			c.pass(time.Minute)
			require.Empty(c, c.e.Actions(), "e is to try again")
			c.equal("A", 9)
		},
	},
	// An old secret is accepted, and tried, until the peer has proved the new one.
	"OptionRace": {
		generations: second,
		setting: setting{
			config: func(c *stocksynctest.PluginConfig) { c.ItemTime = time.Second },
			pair: func(p *kitgenix.Pair) {
				p.OldSecrets, p.Secret = []string{p.Secret}, "the new secret of "+string(p.StoreID)+" and d, long enough"
			},
		},
		over: func(c *chain) {
			c.sold("till:1", "A", 1) // a push is under way while f gets the new secret
			c.pass(500 * time.Millisecond)
			c.f.Rotate("d", "the new secret of f and d, long enough", 0)
			c.equal("A", 9)
			c.sells(c.f, "A", 1)
			c.equal("A", 8)
		},
	},
	// What a master echoes does not undo what was sold since.
	"FirstContact": {generations: bothOf, under: func(b *branch) {
		b.sells("A", 1)
		b.pass(time.Second)
		b.sells("A", 1)
		b.equal("A", 8)
		there := b.d.Transport()
		b.net.Join("d.test", nil) // it hears nothing, and goes on talking
		b.sells("A", 2)
		_, err := b.d.Sell(b.ctx, "A", 1)
		require.NoError(b, err)
		b.pass(time.Minute)
		require.Equal(b, int64(5), b.all("A")[1])
		b.net.Join("d.test", there)
		b.equal("A", 5)
		require.Zero(b, b.till.risen(), "what was sold lay on the shelf again")
	}},
	"Echo": {
		generations: first,
		setting: setting{config: func(c *stocksynctest.PluginConfig) {
			if c.ID == "f" {
				c.ItemTime = 5 * time.Second // d is kept busy, and its echo late
			}
		}},
		under: func(b *branch) {
			b.sells("A", 1)
			b.pass(2 * time.Second)
			b.sells("A", 1)
			b.pass(2 * time.Second)
			b.sells("A", 1)
			b.equal("A", 7)
			require.Zero(b, b.till.risen(), "what was sold lay on the shelf again")
		},
	},
	// Types that are unknown, and renames by children, are refused.
	"UnknownTypes": {generations: bothOf, over: func(c *chain) {
		status, _ := c.call("e", secretE, "event", `{"event_type":"strange","event_id":"1","items":[{"sku":"A","stock_quantity":3}]}`)
		require.Equal(c, 400, status)
		c.pass(5 * time.Minute)
		c.equal("A", 10)
	}},
	"ChildRename": {generations: bothOf, over: func(c *chain) {
		status, _ := c.call("e", secretE, "event", `{"event_type":"sku_rename","event_id":"1","items":[{"sku":"A2","old_sku":"A"}]}`)
		require.Equal(c, 400, status)
		c.pass(5 * time.Minute)
		c.equal("A", 10)
	}},
	// The parent's quantity is not the variation's.
	"StaleParent": {
		generations: first,
		setting: setting{
			products: []stocksynctest.Product{
				{SKU: "V", Kind: stocksynctest.Variable, Manage: true, Quantity: 30}, {SKU: "V-1", Kind: stocksynctest.Variation, Parent: "V"},
			},
			seed: []stocksync.Item{counted("V", 30), {Ref: stocksync.Ref{SKU: "V-1"}, Stock: stocksync.Stock{
				Quantity: number(30), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.ByParent,
			}}},
		},
		over: func(c *chain) {
			c.sells(c.e, "V-1", 2)
			c.equal("V", 28)
			c.pass(10 * time.Minute)
			product, _ := c.f.Product("V-1")
			require.False(c, product.Manage)
		},
	},
	// A signed request that was sent on from elsewhere is good once.
	"FollowsRedirects": {generations: bothOf, over: func(c *chain) {
		c.net.Join("old.test", roundTrip(func(r *http.Request) (*http.Response, error) {
			return answer(r, 308, "", "Location", strings.Replace(r.URL.String(), "old.test", "d.test", 1)), nil
		}))
		c.e.Pair(stocksynctest.Pairing{ID: "d", URL: "https://old.test", Secret: secretE})
		c.sells(c.e, "A", 1)
		c.pass(time.Minute)
		if len(c.e.Actions()) > 0 { // cured, it takes the redirect for a failure
			c.e.Pair(stocksynctest.Pairing{ID: "d", URL: "https://d.test", Secret: secretE})
		}
		c.equal("A", 9)
	}},
}

// replays are the answers of a shop that call a request a replay.
func replays(p *stocksynctest.Plugin) (list []string) {
	for _, r := range p.Requests() {
		if !r.Out && (strings.Contains(r.Answer, "kss_auth_replay") || r.Status == 401) {
			list = append(list, r.Answer)
		}
	}
	return list
}

// TestQuirks shows for each quirk of the plugin that we live with it, and with shops that are cured of it.
func TestQuirks(t *testing.T) {
	t.Parallel()
	kind := reflect.TypeFor[stocksynctest.Quirks]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		q, ok := quirks[name]
		require.True(t, ok, "no test for %s", name)
		for _, generation := range q.generations {
			for _, cured := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/v%d/cured=%t", name, generation, cured), func(t *testing.T) {
					t.Parallel()
					s := q.setting
					s.generation = generation
					s.config = func(c *stocksynctest.PluginConfig) {
						if q.setting.config != nil {
							q.setting.config(c)
						}
						reflect.ValueOf(&c.Cured).Elem().FieldByName(name).SetBool(cured)
					}
					if q.over != nil {
						inChain(t, s, q.over)
					} else {
						inBranch(t, s, q.under)
					}
				})
			}
		}
	}
}
