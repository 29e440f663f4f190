package stocksynctest

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// trio is a master D with children E and F, of one generation and with the same quirks cured.
type trio struct {
	*world
	d, e, f *Plugin
}

func newTrio(t *testing.T, generation int, cured Quirks, change func(letter string, c *PluginConfig)) *trio {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), stores: map[string]*Plugin{}, net: NewNetwork()}
	for letter, id := range map[string]string{"D": idD, "E": idE, "F": idF} {
		c := PluginConfig{ID: id, Generation: generation, Master: letter == "D", Network: w.net, Cured: cured}
		if change != nil {
			change(letter, &c)
		}
		w.stores[letter] = NewPlugin(c)
		t.Cleanup(w.stores[letter].Close)
		w.net.Join(strings.ToLower(letter)+".test", w.stores[letter].Transport())
		w.stores[letter].Add(Managed("A", 10), Managed("B", 20))
	}
	w.stores["D"].Pair(Pairing{ID: idE, URL: "http://e.test", Secret: secretE})
	w.stores["D"].Pair(Pairing{ID: idF, URL: "http://f.test", Secret: secretF})
	w.stores["E"].Pair(Pairing{ID: idD, URL: "http://d.test", Secret: secretE})
	w.stores["F"].Pair(Pairing{ID: idD, URL: "http://d.test", Secret: secretF})
	return &trio{w, w.stores["D"], w.stores["E"], w.stores["F"]}
}

// settle runs every queue until nothing is due.
func (w *trio) settle() {
	for range 3 {
		w.runQueues()
	}
}

// known makes a product known to all, so that no first contact disturbs a test; then its debounce runs out.
func (w *trio) known(sku string) {
	w.d.SyncSKUs(w.ctx, sku)
	w.settle()
	wait(w.ctx, 5*time.Second)
}

// send lets a script speak to a store in the name of another.
func (w *trio) send(to *Plugin, from, secret, endpoint, body, nonce string) (int, string) {
	stamp := fmt.Sprint(to.now().Unix())
	return w.call(recorded{
		To: map[string]string{idD: "D", idE: "E", idF: "F"}[to.ID()], Path: "/wp-json" + namespace + "/" + endpoint, Body: body,
		Headers: [][2]string{
			{headerStore, from}, {headerTime, stamp}, {headerNonce, nonce}, {headerSignature, sign(secret, stamp, nonce, []byte(body))},
			{"Content-Type", "application/json"},
		},
	})
}

func (w *trio) quantities(sku string) [3]int64 {
	return [3]int64{w.d.Quantity(sku), w.e.Quantity(sku), w.f.Quantity(sku)}
}

// outgoing counts the events that a store has made.
func outgoing(p *Plugin) int {
	n := 0
	for _, r := range p.Requests() {
		if r.Out && r.Endpoint == "event" {
			n++
		}
	}
	return n
}

func stockEvent(id, fields string) string {
	return fmt.Sprintf(`{"event_type":"stock_state","origin":"child_local","time":1,"context":"x","event_id":%q,"items":[{%s}]}`,
		id, fields)
}

// TestSwitches shows each quirk of the simulator, and that its switch cures it.
func TestSwitches(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		generations []int
		config      func(letter string, c *PluginConfig)
		// seen says whether the quirk shows.
		seen func(w *trio) bool
	}{
		"NonceBeforeMAC": {[]int{1}, nil, func(w *trio) bool {
			w.send(w.d, idE, "wrong", "ping", `{}`, "n")
			status, _ := w.send(w.d, idE, secretE, "ping", `{}`, "n")
			return status == 401
		}},
		"NonceRace": {[]int{1, 2}, func(_ string, c *PluginConfig) { c.NonceTime = time.Millisecond }, func(w *trio) bool {
			passed := make(chan int, 4)
			for range 4 {
				go func() {
					status, _ := w.send(w.d, idE, secretE, "ping", `{}`, "n")
					passed <- status
				}()
			}
			n := 0
			for range 4 {
				if <-passed == 200 {
					n++
				}
			}
			return n > 1
		}},
		"MarkBeforeWork": {[]int{1, 2}, nil, func(w *trio) bool {
			w.d.Doom(1)
			for n := range 2 {
				w.send(w.d, idE, secretE, "event", stockEvent("one", `"sku":"A","stock_quantity":7`), fmt.Sprint(n))
			}
			return w.d.Quantity("A") == 10
		}},
		"AlwaysOK": {[]int{1, 2}, nil, func(w *trio) bool {
			status, _ := w.send(w.d, idE, secretE, "event", stockEvent("one", `"sku":"NOPE","stock_quantity":7`), "n")
			return status == 200
		}},
		"Fence": {[]int{2}, nil, func(w *trio) bool {
			for n, version := range []int{5, 4} {
				item := fmt.Sprintf(`"sku":"A","stock_quantity":%d,"version":%d`, 50+n, version)
				w.send(w.e, idD, secretE, "event", stockEvent(fmt.Sprint(n), item), fmt.Sprint(n))
			}
			return w.e.Quantity("A") == 50
		}},
		"FenceReset": {[]int{2}, nil, func(w *trio) bool {
			for n, version := range []int{5, 0, 1} {
				item := fmt.Sprintf(`"sku":"A","stock_quantity":%d,"version":%d`, 50+n, version)
				w.send(w.e, idD, secretE, "event", stockEvent(fmt.Sprint(n), item), fmt.Sprint(n))
			}
			return w.e.Quantity("A") == 52
		}},
		"ClonedVersion": {[]int{2}, nil, func(w *trio) bool {
			w.e.SQL("A", func(p *Product) { p.Counter = 7 })
			for _, n := range []int64{9, 8} {
				require.NoError(w.t, w.e.SetStock(w.ctx, "A", n))
				w.settle()
				wait(w.ctx, 5*time.Second)
			}
			return w.d.Quantity("A") == 9
		}},
		"ForcedManage": {[]int{1}, nil, func(w *trio) bool {
			w.send(w.e, idD, secretE, "event", stockEvent("1", `"sku":"A","manage_stock":false,"stock_quantity":0`), "n")
			p, _ := w.e.Product("A")
			return p.Manage
		}},
		"DerivedStatus": {[]int{1, 2}, nil, func(w *trio) bool {
			w.send(w.e, idD, secretE, "event", stockEvent("1", `"sku":"A","stock_quantity":5,"stock_status":"outofstock"`), "n")
			p, _ := w.e.Product("A")
			return p.Status == "instock"
		}},
		"ZeroLowStock": {[]int{1, 2}, nil, func(w *trio) bool {
			w.known("A")
			p, _ := w.e.Product("A")
			return p.LowStock != nil
		}},
		"NegativeCache": {[]int{1, 2}, func(_ string, c *PluginConfig) { c.ObjectCache = true }, func(w *trio) bool {
			w.send(w.e, idD, secretE, "event", stockEvent("1", `"gid":"g","sku":"NOPE","stock_quantity":5`), "1")
			w.e.SQL("A", func(p *Product) { p.GID = "g" })
			w.send(w.e, idD, secretE, "event", stockEvent("2", `"gid":"g","sku":"NOPE","stock_quantity":5`), "2")
			return w.e.Quantity("A") == 10
		}},
		"CaseBlind": {[]int{1, 2}, nil, func(w *trio) bool {
			_, answer := w.send(w.d, idE, secretE, "stock", `{"items":[{"sku":"á"}]}`, "n")
			return strings.Contains(answer, `"exists":true`)
		}},
		"GIDOverwrite": {[]int{1, 2}, nil, func(w *trio) bool {
			w.e.SQL("A", func(p *Product) { p.GID = "old" })
			w.send(w.e, idD, secretE, "event", stockEvent("1", `"gid":"new","sku":"A","stock_quantity":5`), "n")
			p, _ := w.e.Product("A")
			return p.GID == "new"
		}},
		"Debounce": {[]int{1, 2}, nil, func(w *trio) bool {
			w.known("A")
			require.NoError(w.t, w.e.Write(w.ctx, "A", 9))
			require.NoError(w.t, w.e.Write(w.ctx, "A", 8))
			w.settle()
			return w.d.Quantity("A") == 9
		}},
		"RetryTable": {[]int{1, 2}, nil, func(w *trio) bool {
			w.net.Join("d.test", nil)
			require.NoError(w.t, w.e.Write(w.ctx, "A", 9))
			w.settle()
			return time.Until(w.e.Actions()[0].Due) == 5*time.Minute
		}},
		"ArgsLimit": {[]int{1, 2}, nil, func(w *trio) bool {
			for n := range 60 {
				w.d.Add(Managed(fmt.Sprintf("BULK-%04d", n), 5))
			}
			w.d.Reconcile(w.ctx, ReconcileOptions{})
			return w.d.Dropped() > 0
		}},
		"Lockout": {[]int{2}, nil, func(w *trio) bool {
			for n := range 20 {
				w.send(w.d, idE, "wrong", "ping", `{}`, fmt.Sprint(n))
			}
			status, _ := w.send(w.d, idF, secretF, "ping", `{}`, "n") // another pair, the same address
			return status == 429
		}},
		"JSONShapes": {[]int{1, 2}, nil, func(w *trio) bool {
			_, answer := w.send(w.d, idE, secretE, "stock", `{"items":[{"sku":"0"}]}`, "n")
			return strings.Contains(answer, `"items":[`)
		}},
		"ShortTimeouts": {[]int{1, 2}, func(letter string, c *PluginConfig) {
			if letter == "D" {
				c.ItemTime = 9 * time.Second
			}
		}, func(w *trio) bool {
			require.NoError(w.t, w.e.Write(w.ctx, "A", 9))
			w.e.RunActions(w.ctx)
			return len(w.e.Actions()) > 0 // a retry, though the master is at work
		}},
		"OptionRace": {[]int{2}, func(letter string, c *PluginConfig) { c.ItemTime = time.Second }, func(w *trio) bool {
			go w.send(w.d, idF, secretF, "event", stockEvent("1", `"sku":"A","stock_quantity":5`), "n")
			wait(w.ctx, 500*time.Millisecond)
			w.d.Rotate(idE, "new", time.Hour)
			wait(w.ctx, 5*time.Second)
			return w.d.Secret(idE) == secretE
		}},
		"FirstContact": {[]int{1, 2}, nil, func(w *trio) bool {
			require.NoError(w.t, w.e.Write(w.ctx, "A", 9))
			w.settle()
			return outgoing(w.d) > 2
		}},
		"Echo": {[]int{1}, nil, func(w *trio) bool {
			w.known("A")
			require.NoError(w.t, w.e.Write(w.ctx, "A", 9))
			last := w.e.Requests()[len(w.e.Requests())-1]
			return !last.Out && strings.Contains(last.Body, "master_authoritative")
		}},
		"UnknownTypes": {[]int{1, 2}, nil, func(w *trio) bool {
			w.known("A")
			strange := strings.Replace(stockEvent("1", `"sku":"A","stock_quantity":5`), "stock_state", "strange", 1)
			w.send(w.d, idE, secretE, "event", strange, "n")
			w.settle()
			return w.quantities("A") == [3]int64{5, 10, 10}
		}},
		"ChildRename": {[]int{1, 2}, nil, func(w *trio) bool {
			w.send(w.d, idE, secretE, "event", `{"event_type":"sku_rename","event_id":"1","items":[{"sku":"A2","old_sku":"A"}]}`, "n")
			_, ok := w.d.Product("A2")
			return ok
		}},
		"StaleParent": {[]int{1}, nil, func(w *trio) bool {
			for _, p := range w.stores {
				p.Add(Product{SKU: "V", Kind: Variable, Manage: true, Quantity: 30}, Product{SKU: "V-1", Kind: Variation, Parent: "V"})
			}
			_, err := w.e.Sell(w.ctx, "V-1", 2)
			require.NoError(w.t, err)
			return w.d.Quantity("V") == 28 && w.d.Quantity("V-1") == 30
		}},
		"FollowsRedirects": {[]int{1, 2}, nil, func(w *trio) bool {
			strange := 0
			w.net.Join("d.test", roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 308, Header: http.Header{"Location": {"http://strange.test/"}}, Body: http.NoBody, Request: r,
				}, nil
			}))
			w.net.Join("strange.test", roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost && r.Header.Get(headerSignature) != "" {
					strange++
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}))
			_ = w.e.Ping(w.ctx, idD) // cured, it fails
			return strange == 1
		}},
	}
	kind := reflect.TypeFor[Quirks]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		tc, ok := cases[name]
		require.True(t, ok, "no case for %s", name)
		for _, generation := range tc.generations {
			for _, cure := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/v%d/cured=%t", name, generation, cure), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						var cured Quirks
						reflect.ValueOf(&cured).Elem().FieldByName(name).SetBool(cure)
						require.Equal(t, !cure, tc.seen(newTrio(t, generation, cured, tc.config)))
					})
				})
			}
		}
	}
}

// TestCosts holds the number of requests that a change costs to what was counted on real stores (child to master, master to E, to F).
func TestCosts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		generation int
		act        func(w *trio) error
		want       [3]int
	}{
		"1_order_of_two_new_products": {1, func(w *trio) error {
			_, err := w.e.Order(w.ctx, "processing", Line{"A", 1}, Line{"B", 1})
			return err
		}, [3]int{3, 9, 9}},
		"2_order_of_two_new_products": {2, func(w *trio) error {
			_, err := w.e.Order(w.ctx, "processing", Line{"A", 1}, Line{"B", 1})
			return err
		}, [3]int{1, 1, 2}},
		"1_put_on_the_child":    {1, func(w *trio) error { w.known("A"); return w.e.SetStock(w.ctx, "A", 5) }, [3]int{3, 4, 4}},
		"2_put_on_the_child":    {2, func(w *trio) error { w.known("A"); return w.e.SetStock(w.ctx, "A", 5) }, [3]int{1, 1, 2}},
		"1_put_on_the_master":   {1, func(w *trio) error { return w.d.SetStock(w.ctx, "A", 5) }, [3]int{0, 3, 3}},
		"2_put_on_the_master":   {2, func(w *trio) error { return w.d.SetStock(w.ctx, "A", 5) }, [3]int{0, 1, 1}},
		"1_put_without_change":  {1, func(w *trio) error { return w.d.SetStock(w.ctx, "A", 10) }, [3]int{0, 0, 0}},
		"2_order_on_hold_twice": {2, func(w *trio) error { return holdTwice(w) }, [3]int{1, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTrio(t, tc.generation, Quirks{}, nil)
				require.NoError(t, tc.act(w))
				w.settle()
				seen := map[string]int{}
				require.Equal(t, tc.want, [3]int{len(w.made("E>D", seen)), len(w.made("D>E", seen)), len(w.made("D>F", seen))})
			})
		})
	}
}

// holdTwice sells one product twice within 2 s in orders that are on hold: the second is never reported.
func holdTwice(w *trio) error {
	w.known("A")
	for range 2 {
		if _, err := w.e.Order(w.ctx, "on-hold", Line{"A", 1}); err != nil {
			return err
		}
	}
	w.settle()
	require.Equal(w.t, [3]int64{9, 8, 9}, w.quantities("A"))
	return nil
}

// TestRetries holds the retry tables to what was observed.
func TestRetries(t *testing.T) {
	t.Parallel()
	for generation, want := range map[int][]time.Duration{
		1: append([]time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}, slices.Repeat([]time.Duration{6 * time.Hour}, 6)...),
		2: append([]time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}, slices.Repeat([]time.Duration{6 * time.Hour}, 4)...),
	} {
		t.Run(fmt.Sprintf("v%d", generation), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTrio(t, generation, Quirks{}, nil)
				w.net.Join("d.test", nil)
				require.NoError(t, w.e.Write(w.ctx, "A", 9))
				w.settle()
				for n, delay := range want {
					require.Len(t, w.e.Actions(), 1, "after %d retries", n)
					require.Equal(t, delay, time.Until(w.e.Actions()[0].Due))
					wait(w.ctx, delay)
					w.e.RunActions(w.ctx)
				}
				require.Equal(t, generation == 1, len(w.e.Actions()) == 1)
				require.Len(t, w.e.Backlog(), generation-1)
				if generation == 2 {
					w.net.Join("d.test", w.d.Transport())
					w.e.RetryBacklog()
					w.settle()
					require.Equal(t, [3]int64{9, 9, 9}, w.quantities("A"))
				}
			})
		})
	}
}

// TestRun lets stores of generation 2 live by themselves.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTrio(t, 2, Quirks{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		for _, p := range w.stores {
			go func() { p.Run(ctx); done <- struct{}{} }()
		}
		_, err := w.e.Sell(ctx, "A", 3)
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		require.Equal(t, [3]int64{7, 7, 7}, w.quantities("A"))
		require.True(t, w.d.Healthy(idE) && w.e.Healthy(idD))
		cancel()
		for range w.stores {
			<-done
		}
	})
}

// TestCheckout has the rows of the strict checkout, as they were seen.
func TestCheckout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTrio(t, 2, Quirks{}, func(letter string, c *PluginConfig) {
			c.Checkout = map[string]string{"E": "fail_closed", "F": "stale_cache"}[letter]
		})
		for _, p := range w.stores {
			p.Add(Product{SKU: "UNMANAGED"}, Managed("12345", 4))
		}
		_, refusal := w.e.Checkout(w.ctx, Line{"12345", 2})
		require.Empty(t, refusal)
		_, refusal = w.e.Checkout(w.ctx, Line{"UNMANAGED", 1})
		require.Equal(t, `Insufficient stock for "UNMANAGED". Available: 0.`, refusal)
		w.d.SQL("A", func(p *Product) { p.Quantity = 1 })
		_, refusal = w.f.Checkout(w.ctx, Line{"A", 2})
		require.Equal(t, `Insufficient stock for "A". Available: 1.`, refusal)
		w.net.Join("d.test", nil)
		_, refusal = w.e.Checkout(w.ctx, Line{"A", 1})
		require.Equal(t, "Stock could not be verified right now. Please try again shortly.", refusal)
		_, refusal = w.f.Checkout(w.ctx, Line{"A", 2})
		require.Equal(t, `Insufficient stock for "A". Available: 1.`, refusal, "from the snapshot")
		_, refusal = w.f.Checkout(w.ctx, Line{"B", 2})
		require.Empty(t, refusal, "never asked for")
	})
}
