package woo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// wire lets requests go wrong between client and shop, also in ways that no server can: an effect that comes long after the client gave up.
type wire struct {
	shop http.RoundTripper
	post func(n int) string // what becomes of the n-th POST
	get  func(n int) string // of the n-th GET

	mu         sync.Mutex
	posts      int
	gets       int
	postsAt    []time.Time
	background sync.WaitGroup
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	fate, n := w.get, w.gets
	if r.Method == http.MethodPost {
		fate, n = w.post, w.posts
		w.posts++
		w.postsAt = append(w.postsAt, time.Now())
	} else {
		w.gets++
	}
	w.mu.Unlock()
	what := ""
	if fate != nil {
		what = fate(n)
	}
	kind, late, _ := strings.Cut(what, " late ")
	reset := fmt.Errorf("read: %w", syscall.ECONNRESET)
	done := func() *http.Response {
		res, err := w.shop.RoundTrip(r)
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		res.Body = io.NopCloser(strings.NewReader(string(body)))
		return res
	}
	answer := func(status int, contentType, body string) *http.Response {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)),
			Request: r, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		}
	}
	const critical = `{"code":"internal_server_error","message":"<p>x</p>","data":{"status":500}}`
	switch kind {
	case "":
		return done(), nil
	case "refused": // no connection at all
		return nil, reset
	case "lost before":
		return nil, reset
	case "lost answer":
		done()
		return nil, reset
	case "500 before":
		return answer(500, "application/json", critical), nil
	case "500 after":
		done()
		return answer(500, "application/json", critical), nil
	case "502 after":
		done()
		return answer(502, "text/html", "<html><head><title>502 Bad Gateway</title></head></html>"), nil
	case "503 after":
		done()
		return answer(503, "application/json", `{"code":"wp_die","message":"x","data":{"status":503}}`), nil
	case "504 after":
		done()
		return answer(504, "text/html", "<html><head><title>504 Gateway Time-out</title></head></html>"), nil
	case "200 page":
		done()
		return answer(200, "text/html", "<html><head><title>Hello</title></head></html>"), nil
	case "cut":
		done()
		return answer(201, "application/json", `{"id":12,"sta`), nil
	case "empty":
		done()
		return answer(201, "application/json", ``), nil
	case "429":
		return answer(429, "application/json", `{}`), nil
	case "twice": // a proxy repeats the request; the client sees the second answer
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		done()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		return done(), nil
	case "time-out": // with an effect that comes at once, or so long after the client has given up
		again := r.Clone(context.Background())
		again.Cancel = nil //nolint:staticcheck // by it http.Client would take the effect back with the answer
		body, _ := io.ReadAll(r.Body)
		again.Body = io.NopCloser(strings.NewReader(string(body)))
		w.background.Go(func() {
			if late != "" {
				d, err := time.ParseDuration(late)
				if err != nil {
					panic(err)
				}
				<-r.Context().Done()
				time.Sleep(d)
			}
			res, err := w.shop.RoundTrip(again)
			if err != nil { // else the effect that the test counts on would never come
				panic(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		})
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	panic(kind)
}

// fakeShop is a shop behind a wire, with a client that waits for a minute.
func fakeShop(t *testing.T) (*wootest.Shop, *wire, *woo.Client) {
	t.Helper()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	config := shop.Config()
	between := &wire{shop: config.HTTPClient.Transport}
	config.HTTPClient = &http.Client{Transport: between, Timeout: time.Minute}
	client, err := woo.New(config)
	require.NoError(t, err)
	return shop, between, client
}

// effects counts the orders that carry a reference, trashed ones too.
func effects(shop *wootest.Shop, value string) (n int) {
	for _, o := range shop.Orders() {
		var kept string
		if json.Unmarshal(shop.Meta(o.ID, "_tillwire_reference"), &kept) == nil && kept == value {
			n++
		}
	}
	return n
}

// seeds is how many runs of each fault there are.
func seeds() int {
	if os.Getenv("TILLWIRE_LONG") != "" {
		return 150
	}
	return 12
}

// Whatever becomes of requests and answers, a reference has one effect at most; and exactly one once the caller has been told so.
func TestCreateOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	faults := []string{
		"lost before", "lost answer", "500 before", "500 after", "502 after", "503 after", "504 after", "200 page", "cut", "empty", "time-out", "429",
		"time-out late 1s", "time-out late 30s", "time-out late 1m29s", "time-out late 1m30s",
	}
	t.Logf("%d faults × %d seeds", len(faults), seeds())
	for _, fault := range faults {
		t.Run(strings.ReplaceAll(fault, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for seed := range seeds() {
				synctest.Test(t, func(t *testing.T) {
					dice := rand.New(rand.NewPCG(uint64(seed), 7)) //nolint:gosec // repeatable on purpose
					shop, between, client := fakeShop(t)
					shop.Seed(dice.IntN(150), uint64(seed))
					faulty, shaky := 1+dice.IntN(3), dice.Float64()/2
					between.post = func(n int) string {
						switch {
						case n == 0:
							return fault
						case n < faulty:
							return faults[dice.IntN(len(faults))]
						}
						return ""
					}
					between.get = func(int) string {
						if dice.Float64() < shaky {
							return []string{"refused", "500 before", "429"}[dice.IntN(3)]
						}
						return ""
					}
					ref := woo.Reference{Value: "till-7:1042"}
					began := time.Now()
					var order *woo.Order
					var err error
					calls := 0
					for ; calls < 20; calls++ { // as a queue does: the same job again, each time with what is known
						ctx := context.Background()
						cancel := context.CancelFunc(func() {})
						if dice.IntN(2) == 0 {
							ctx, cancel = context.WithTimeout(ctx, time.Duration(1+dice.IntN(300))*time.Second)
						}
						order, err = client.Orders.CreateOnce(ctx, ref, woo.OrderFields{CustomerNote: woo.Set("x")})
						cancel()
						require.LessOrEqual(t, effects(shop, ref.Value), 1)
						if err == nil {
							break
						}
						if errors.Is(err, woo.ErrAmbiguous) {
							ref.Since = began
						}
						time.Sleep(time.Duration(dice.IntN(400)) * time.Second)
					}
					require.NoError(t, err, "after %d calls", calls)
					time.Sleep(time.Hour)
					between.background.Wait()
					require.Equal(t, 1, effects(shop, ref.Value), "%d calls, %d sent", calls+1, between.posts)
					require.Contains(t, string(shop.Order(int64(order.ID))), ref.Value)
					require.Equal(t, "x", order.CustomerNote)
				})
			}
		})
	}
}

// A create that is answered costs one request; a lost answer is found by the first look; what was lost on the way there is sent again
// only after the settle time.
func TestCreateOnceSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		post        string
		posts, gets int
		min, max    time.Duration
	}{
		"answered":    {"", 1, 0, 0, 0},
		"answer lost": {"lost answer", 1, 3, 0, time.Second},
		"lost before": {"lost before", 2, 0, 2 * time.Minute, 2*time.Minute + time.Second},
		"late":        {"time-out late 45s", 1, 0, 105 * time.Second, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shop, between, client := fakeShop(t)
				shop.Seed(30, 1)
				between.post = func(n int) string {
					if n == 0 {
						return c.post
					}
					return ""
				}
				began := time.Now()
				_, err := client.Orders.CreateOnce(t.Context(), woo.Reference{Value: "a"}, woo.OrderFields{})
				took := time.Since(began)
				require.NoError(t, err)
				require.Equal(t, c.posts, between.posts)
				if c.gets > 0 {
					require.Equal(t, c.gets, between.gets, "the clock, the list, the order")
				}
				require.GreaterOrEqual(t, took, c.min)
				require.LessOrEqual(t, took, c.max)
				between.background.Wait()
				require.Equal(t, 1, effects(shop, "a"))
			})
		})
	}
}

// A context that ends before the settle time is no reason to guess.
func TestCreateOnceIsAmbiguousBeforeItGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, between, client := fakeShop(t)
		between.post = func(n int) string {
			if n == 0 {
				return "lost before"
			}
			return ""
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := client.Orders.CreateOnce(ctx, woo.Reference{Value: "a"}, woo.OrderFields{})
		require.ErrorIs(t, err, woo.ErrAmbiguous)
		require.ErrorContains(t, err, "woo: orders.CreateOnce: ")
		require.ErrorContains(t, err, "call again with Reference.Since")
		require.Less(t, time.Since(began), 30*time.Second, "it does not wait for what it cannot see")
		require.Equal(t, 1, between.posts)
		var e *woo.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.Ambiguous())
		require.False(t, e.Permanent())
		require.False(t, e.Systemic())

		// The next call looks first, and waits for the settle time only as far as it has not passed since.
		time.Sleep(time.Minute)
		began = time.Now()
		order, err := client.Orders.CreateOnce(t.Context(), woo.Reference{Value: "a", Since: began.Add(-2 * time.Minute), Ended: began.Add(-time.Minute)}, woo.OrderFields{})
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(began).Round(time.Second))
		require.Equal(t, 1, effects(shop, "a"))

		// And a third finds what is there, also in the trash.
		require.NoError(t, shop.TrashOrder(int64(order.ID)))
		again, err := client.Orders.CreateOnce(t.Context(), woo.Reference{Value: "a", Since: began, Ended: began}, woo.OrderFields{})
		require.NoError(t, err)
		require.Equal(t, order.ID, again.ID)
		require.Equal(t, 2, between.posts)
	})
}

// A shop whose clock is hours away from ours is searched by its own clock.
func TestCreateOnceByTheShopsClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, between, client := fakeShop(t)
		inner := between.shop
		var after string
		between.shop = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Has("after") {
				after = r.URL.Query().Get("after")
			}
			res, err := inner.RoundTrip(r)
			if err == nil {
				res.Header.Set("Date", time.Now().Add(-7*time.Hour).UTC().Format(http.TimeFormat))
			}
			return res, err
		})
		between.post = func(int) string { return "lost answer" }
		began := time.Now()
		_, err := client.Orders.CreateOnce(t.Context(), woo.Reference{Value: "a"}, woo.OrderFields{})
		require.NoError(t, err)
		at, err := time.Parse("2006-01-02T15:04:05", after)
		require.NoError(t, err)
		require.WithinDuration(t, began.Add(-8*time.Hour), at, 2*time.Second)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The other kinds: by SKU, by e-mail address, below an order, by text.
func TestCreateOnceOfOtherKinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, between, client := fakeShop(t)
		id := woo.OrderID(shop.Seed(3, 1)[0])
		ctx := t.Context()
		parent, err := client.Products.Create(ctx, woo.ProductFields{Name: woo.Set("p"), Type: woo.Set(woo.VariableProduct)})
		require.NoError(t, err)
		for name, create := range map[string]func(ref woo.Reference) (any, error){
			"a product by its SKU": func(ref woo.Reference) (any, error) {
				x, err := client.Products.CreateOnce(ctx, ref, woo.ProductFields{Name: woo.Set("x"), SKU: woo.Set("S-1")})
				return idOf(x), err
			},
			"a product without": func(ref woo.Reference) (any, error) {
				x, err := client.Products.CreateOnce(ctx, ref, woo.ProductFields{Name: woo.Set("x")})
				return idOf(x), err
			},
			"a variation": func(ref woo.Reference) (any, error) {
				x, err := client.Variations(parent.ID).CreateOnce(ctx, ref, woo.VariationFields{SKU: woo.Set("S-2")})
				if x == nil {
					return nil, err
				}
				return x.ID, err
			},
			"a customer": func(ref woo.Reference) (any, error) {
				x, err := client.Customers.CreateOnce(ctx, ref, woo.CustomerFields{Email: woo.Set("once@example.com")})
				if x == nil {
					return nil, err
				}
				return x.ID, err
			},
			"a coupon by its code": func(ref woo.Reference) (any, error) {
				x, err := client.Coupons.CreateOnce(ctx, ref, woo.CouponFields{Code: woo.Set("once-10"), Amount: woo.Set(decimal.NewFromInt(10))})
				if x == nil {
					return nil, err
				}
				return x.ID, err
			},
			"a refund": func(ref woo.Reference) (any, error) {
				x, err := client.Refunds(id).CreateOnce(ctx, ref, woo.RefundFields{Amount: woo.Set(decimal.NewFromInt(1)), APIRefund: woo.Set(false)})
				if x == nil {
					return nil, err
				}
				return x.ID, err
			},
			"a note": func(ref woo.Reference) (any, error) {
				x, err := client.OrderNotes(id).CreateOnce(ctx, ref, woo.OrderNoteFields{Note: woo.Set("Booked as " + ref.Value)})
				if x == nil {
					return nil, err
				}
				return x.ID, err
			},
		} {
			for _, fate := range []string{"lost answer", "lost before", "500 after", "time-out late 1m"} {
				between.posts = 0
				between.post = func(n int) string {
					if n == 0 {
						return fate
					}
					return ""
				}
				if (name == "a product by its SKU" || name == "a customer" || name == "a variation" || name == "a coupon by its code") && fate != "lost answer" {
					continue // the key is taken now
				}
				ref := woo.Reference{Value: name + " " + fate}
				made, err := create(ref)
				require.NoError(t, err, "%s, %s", name, fate)
				between.background.Wait()
				require.Equal(t, map[bool]int{true: 2, false: 1}[fate == "lost before"], between.posts, "%s, %s", name, fate)

				between.post = func(int) string { t.Error("sent again"); return "" }
				ref.Since = time.Now()
				again, err := create(ref)
				require.NoError(t, err)
				require.Equal(t, made, again)
			}
		}
		between.post = func(int) string { return "twice" } // the shop itself refuses the second
		twice, err := client.Products.CreateOnce(ctx, woo.Reference{Value: "t"}, woo.ProductFields{SKU: woo.Set("S-9")})
		require.NoError(t, err)
		require.Equal(t, "S-9", twice.SKU)
		between.post = nil
		_, err = client.Products.CreateOnce(ctx, woo.Reference{Value: "another"}, woo.ProductFields{SKU: woo.Set("S-9")})
		require.ErrorIs(t, err, woo.ErrDuplicate, "somebody else's")
	})
}

func idOf(p *woo.Product) any {
	if p == nil {
		return nil
	}
	return p.ID
}

// Many: of 250 orders in three batches each is made once, whatever becomes of a batch.
func TestCreateAllOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"", "lost before", "lost answer", "500 after", "time-out late 1m29s"} {
		for _, at := range []int{0, 1, 2} {
			synctest.Test(t, func(t *testing.T) {
				shop, between, client := fakeShop(t)
				between.post = func(n int) string {
					if n == at {
						return fault
					}
					return ""
				}
				ws := make([]woo.OrderFields, 250)
				for i := range ws {
					ws[i].CustomerNote = woo.Set(fmt.Sprint("n", i))
				}
				ref := woo.Reference{Value: "import-9"}
				results, err := client.Orders.CreateAllOnce(t.Context(), ref, ws)
				require.NoError(t, err)
				require.Equal(t, 3+map[bool]int{true: 1}[fault == "lost before"], between.posts, fault)
				between.background.Wait()
				require.Len(t, shop.Orders(), 250, fault)
				for i, r := range results {
					require.NoError(t, r.Err)
					require.Equal(t, fmt.Sprint("n", i), r.Item.CustomerNote)
				}
				require.Equal(t, 1, effects(shop, "import-9/249"))

				between.post = func(int) string { t.Error("sent again"); return "" }
				ref.Since = time.Now()
				again, err := client.Orders.CreateAllOnce(t.Context(), ref, ws)
				require.NoError(t, err)
				require.Equal(t, results[77].Item.ID, again[77].Item.ID)
			})
		}
	}
	synctest.Test(t, func(t *testing.T) { // no guess before its time
		_, between, client := fakeShop(t)
		between.post = func(int) string { return "lost before" }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		results, err := client.Orders.CreateAllOnce(ctx, woo.Reference{Value: "a"}, make([]woo.OrderFields, 150))
		require.ErrorIs(t, err, woo.ErrAmbiguous)
		require.ErrorIs(t, results[0].Err, woo.ErrAmbiguous)
		require.ErrorIs(t, results[120].Err, woo.ErrNotSent)
		require.Equal(t, 1, between.posts)
	})
}

func TestCreateOnceRefuses(t *testing.T) {
	t.Parallel()
	_, between, client := fakeShop(t)
	for name, ref := range map[string]woo.Reference{
		"Value: is empty":     {},
		"begins or ends with": {Value: " a"},
		"longer":              {Value: strings.Repeat("x", 201)},
		"control":             {Value: "a<b"},
		"Settle":              {Value: "a", Settle: -1},
	} {
		_, err := client.Orders.CreateOnce(t.Context(), ref, woo.OrderFields{})
		require.ErrorIs(t, err, woo.ErrValidation)
		require.ErrorContains(t, err, name)
	}
	_, err := client.Orders.CreateOnce(t.Context(), woo.Reference{Value: "a", Key: "k"}, woo.OrderFields{
		MetaData: woo.Set([]woo.MetaFields{woo.SetMeta("k", "b")}),
	})
	require.ErrorContains(t, err, "meta_data: has the key")
	_, err = client.OrderNotes(5).CreateOnce(t.Context(), woo.Reference{Value: "a"}, woo.OrderNoteFields{Note: woo.Set("b")})
	require.ErrorContains(t, err, "note: does not hold")
	require.Zero(t, between.posts)
}
