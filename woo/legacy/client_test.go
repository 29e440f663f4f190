package legacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// W4, W5: the address is what people copy, admin pages included; the key fields are told apart.
func TestConfig(t *testing.T) {
	t.Parallel()
	good := Config{URL: "https://shop.test", Key: "ck_0123456789abcdef", Secret: "cs_0123456789abcdef"}
	for raw, home := range map[string]string{
		"https://shop.test/":                                   "https://shop.test",
		"https://shop.test/sub/wp-admin":                       "https://shop.test/sub",
		"https://shop.test/wp-admin/admin.php?page=wc-setting": "https://shop.test",
		"https://shop.test/wc-api/v3/orders":                   "https://shop.test",
		"https://shop.test/sub/wp-json/wc/v3/":                 "https://shop.test/sub",
	} {
		u, err := shopURL(raw)
		require.NoError(t, err, raw)
		require.Equal(t, home, u.String())
	}
	for field, change := range map[string]func(*Config){
		"URL is empty":                   func(c *Config) { c.URL = "" },
		"URL is no URL":                  func(c *Config) { c.URL = "https://%zz" },
		"URL does not begin":             func(c *Config) { c.URL = "shop.test" },
		"URL holds a user name":          func(c *Config) { c.URL = "https://a:b@shop.test" },
		"URL holds a query":              func(c *Config) { c.URL = "https://shop.test/?a=b" },
		"Key is empty":                   func(c *Config) { c.Key = "" },
		"Secret is empty":                func(c *Config) { c.Secret = "" },
		"Key holds the secret":           func(c *Config) { c.Key, c.Secret = c.Secret, c.Key },
		"Key holds a space":              func(c *Config) { c.Key += " " },
		"Secret holds a space":           func(c *Config) { c.Secret += "\n" },
		"Auth is \"Cookie\"":             func(c *Config) { c.Auth = "Cookie" },
		"Auth is Basic, which over http": func(c *Config) { c.URL, c.Auth = "http://shop.test", Basic },
		"MaxBody is negative":            func(c *Config) { c.MaxBody = -1 },
	} {
		c := good
		change(&c)
		_, err := New(c)
		require.ErrorContains(t, err, "legacy: Config."+field)
		require.NotContains(t, err.Error(), "cs_0123456789abcdef")
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", good, good, good), slog.AnyValue(good).Resolve().String()} {
		require.NotContains(t, text, "0123456789abcdef")
		require.Contains(t, text, "9abcdef")
	}
}

// All four ways a key travels, each where the shop looks for it, with filters whose names hold brackets.
func TestAuth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url  string
		auth Auth
		seen func(*http.Request) bool
	}{
		"https by default": {"https://shop.test", "", func(r *http.Request) bool { _, _, ok := r.BasicAuth(); return ok && !r.URL.Query().Has("consumer_key") }},
		"query keys":       {"https://shop.test", QueryKeys, func(r *http.Request) bool { return r.URL.Query().Has("consumer_secret") }},
		"http by default":  {"http://shop.test/sub", "", func(r *http.Request) bool { return r.URL.Query().Get("oauth_signature_method") == "HMAC-SHA256" }},
		"SHA1":             {"http://shop.test", OAuthSHA1, func(r *http.Request) bool { return r.URL.Query().Get("oauth_signature_method") == "HMAC-SHA1" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, legacy, _ := fake(t, wootest.Config{URL: c.url})
			ids := shop.Seed(30, 1)
			config := configOf(shop, legacy)
			config.Auth = c.auth
			legacyRequests := 0
			config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.Path, "/wc-api/") {
					legacyRequests++
					require.True(t, c.seen(r), "%s", r.URL.Path)
				}
				return legacy.Transport().RoundTrip(r)
			})}
			client, err := New(config)
			require.NoError(t, err)
			got := 0
			q := woo.OrderQuery{Status: []woo.OrderStatus{"processing", "completed"}, ModifiedAfter: time.Unix(1e9, 0), PerPage: 5}
			for order, err := range client.Orders.All(t.Context(), q) {
				require.NoError(t, err)
				require.Contains(t, []woo.OrderStatus{"processing", "completed"}, order.Status)
				got++
			}
			require.Positive(t, got)
			require.Less(t, got, len(ids))
			require.Greater(t, legacyRequests, 3)
		})
	}
}

// A shop behind a proxy that ends TLS believes to be reached over http: it wants a signature over http, whatever the URL.
func TestAuthBehindAProxyThatHidesTLS(t *testing.T) {
	t.Parallel()
	shop, legacy, _ := fake(t, wootest.Config{})
	addOrder(t, shop, "processing")
	config := configOf(shop, legacy)
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme = "http"
		return legacy.Transport().RoundTrip(r)
	})}
	client, err := New(config)
	require.NoError(t, err)
	_, err = client.Orders.Count(t.Context())
	require.ErrorIs(t, err, woo.ErrAuth, "it says 404, which is no missing record")
	require.NotErrorIs(t, err, woo.ErrNotFound)
	require.ErrorContains(t, err, "Config.Auth to OAuthSHA256")

	config.Auth = OAuthSHA256
	client, err = New(config)
	require.NoError(t, err)
	n, err := client.Orders.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// What recorded refusals mean.
func TestRecordedErrors(t *testing.T) {
	t.Parallel()
	order := func(ctx context.Context, c *Client) error { _, err := c.Orders.Get(ctx, 1); return err }
	product := func(ctx context.Context, c *Client) error { _, err := c.Products.Get(ctx, 1); return err }
	list := func(ctx context.Context, c *Client) error {
		_, _, err := c.Orders.List(ctx, woo.OrderQuery{})
		return err
	}
	create := func(ctx context.Context, c *Client) error { _, err := c.Webhooks.Create(ctx, hook()); return err }
	write := func(ctx context.Context, c *Client) error {
		_, err := c.Products.Update(ctx, 1, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(1))})
		return err
	}
	for file, want := range map[string]struct {
		call func(context.Context, *Client) error
		kind error
		also string // of the sentence
	}{
		"no-auth-http":                         {order, woo.ErrAuth, "plain http"},
		"no-auth-https":                        {order, woo.ErrAuth, "Config.Key"},
		"bad-key-https":                        {order, woo.ErrAuth, "Consumer key is invalid"},
		"bad-secret-https":                     {order, woo.ErrAuth, "Consumer Secret is invalid"},
		"bad-secret-query":                     {order, woo.ErrAuth, "Consumer secret is invalid"},
		"oauth-bad-signature":                  {order, woo.ErrAuth, "Invalid signature"},
		"read-only-key-write":                  {write, woo.ErrAuth, "write permissions"},
		"write-only-key-read":                  {order, woo.ErrAuth, "read permissions"},
		"customer-role":                        {list, woo.ErrPermission, "counts 258 orders and shows none"},
		"order-404":                            {order, woo.ErrNotFound, "No order found"},
		"order-id-is-product":                  {order, woo.ErrNotFound, "Invalid order"},
		"product-404":                          {product, woo.ErrNotFound, "No product found"},
		"no-route":                             {order, woo.ErrNoRoute, "no such route"},
		"method-not-allowed":                   {order, woo.ErrNoRoute, "no such route"},
		"unknown-version":                      {order, ErrLegacyOff, "Legacy API"},
		"update-missing-envelope":              {write, woo.ErrValidation, "No order data specified"},
		"create-duplicate-sku":                 {write, woo.ErrDuplicate, "SKU already exists"},
		"invalid-json":                         {write, woo.ErrValidation, "Missing parameter data"},
		"../orders/create":                     {write, woo.ErrUnavailable, "PHP crashed"},
		"../orders/bulk-over-100":              {write, woo.ErrTooLarge, "more than 100 items"},
		"../../failure-modes/maintenance-mode": {create, woo.ErrUnavailable, "maintenance"},
		"../../failure-modes/bad-gateway-502":  {create, woo.ErrAmbiguous, "look before sending it again"},
	} {
		t.Run(strings.TrimLeft(file, "./"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				path := "wc-11.0.1/errors/" + file + ".http"
				err := want.call(t.Context(), replay(t, path))
				require.ErrorIs(t, err, want.kind)
				require.ErrorContains(t, err, want.also)
				var e *Error
				require.ErrorAs(t, err, &e)
				var w *woo.Error
				require.ErrorAs(t, err, &w, "what reads woo's errors reads these")
				require.Equal(t, e.Status, w.Status)
				require.Equal(t, e.Code, w.Code)
				if want.kind != woo.ErrNotFound { //nolint:errorlint // a sentinel
					require.NotErrorIs(t, err, woo.ErrNotFound)
				}
				require.Contains(t, e.Route, "wc-api/v3/")
				require.NotContains(t, err.Error(), "cs_")
			})
		})
	}
}

func hook() woo.WebhookFields {
	return woo.WebhookFields{Topic: woo.Set("order.updated"), DeliveryURL: woo.Set("https://x.example/h")}
}

// W1 to W3: each way in which a shop has no legacy API is ErrLegacyOff, with the place to switch it on, and never a missing
// record, for reads as for writes.
func TestLegacyOff(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]wootest.LegacyMode{"off": wootest.LegacyOff, "missing": wootest.LegacyMissing, "refused": wootest.LegacyRefused} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, legacy, client := fake(t, wootest.Config{})
			id := addOrder(t, shop, "processing")
			_, err := client.Orders.Statuses(t.Context())
			require.NoError(t, err)
			legacy.SetMode(mode)
			for what, call := range map[string]func() error{
				"index": func() error { _, err := client.Index(t.Context()); return err },
				"get":   func() error { _, err := client.Orders.Get(t.Context(), id); return err },
				"list": func() error {
					for _, err := range client.Orders.All(t.Context(), woo.OrderQuery{}) {
						return err
					}
					return nil
				},
				"write": func() error {
					_, err := client.Orders.Update(t.Context(), id, woo.OrderFields{Status: woo.Set(woo.OrderCompleted)})
					return err
				},
				"create": func() error { _, err := client.Webhooks.Create(t.Context(), hook()); return err },
			} {
				err := call()
				require.ErrorIs(t, err, ErrLegacyOff, what)
				require.ErrorIs(t, err, woo.ErrNoRoute, what)
				require.NotErrorIs(t, err, woo.ErrNotFound, what)
				require.NotErrorIs(t, err, woo.ErrAmbiguous, what)
				require.ErrorContains(t, err, "WooCommerce > Settings > Advanced > Legacy API")
				require.ErrorContains(t, err, "WooCommerce Legacy REST API")
				var systemic interface{ Systemic() bool }
				require.ErrorAs(t, err, &systemic)
				require.True(t, systemic.Systemic(), what)
			}
		})
	}
	t.Run("recorded redirect", func(t *testing.T) {
		t.Parallel()
		_, err := replay(t, "failure-modes/woocommerce-deactivated-legacy.http").Products.Update(t.Context(), 1,
			woo.ProductFields{ManageStock: woo.Set(woo.StockManaged)})
		require.ErrorIs(t, err, ErrLegacyOff)
	})
	t.Run("a page without a redirect is none", func(t *testing.T) {
		t.Parallel()
		client := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
			res := answer(r, 200, "<!DOCTYPE html><html><head><title>Coming soon</title></head></html>")
			res.Header.Set("Content-Type", "text/html")
			return res, nil
		})
		_, err := client.Index(t.Context())
		require.ErrorIs(t, err, woo.ErrNotJSON)
		require.NotErrorIs(t, err, ErrLegacyOff)
	})
	t.Run("a page after the slash is", func(t *testing.T) {
		t.Parallel()
		client := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
			res := answer(r, 200, "<!DOCTYPE html><html><head><title>Shop</title></head></html>")
			res.Header.Set("Content-Type", "text/html")
			if !strings.HasSuffix(r.URL.Path, "/") {
				res.StatusCode = 301
				res.Header.Set("Location", r.URL.Scheme+"://"+r.URL.Host+r.URL.Path+"/")
			}
			return res, nil
		})
		_, err := client.Index(t.Context())
		require.ErrorIs(t, err, ErrLegacyOff)
	})
	t.Run("another address", func(t *testing.T) {
		t.Parallel()
		client := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
			res := answer(r, 301, "")
			res.Header.Set("Location", "https://www.shop.test"+r.URL.Path)
			return res, nil
		})
		_, err := client.Index(t.Context())
		require.ErrorIs(t, err, woo.ErrRedirect)
		require.NotErrorIs(t, err, ErrLegacyOff)
	})
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for i, store := range stores {
		index, err := replay(t, store+"/index.http").Index(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"11.0.1", "8.9.1"}[i], index.WooCommerce)
		require.Equal(t, "3.1.0", index.Version)
		require.Equal(t, []string{"Europe/Ljubljana", "America/New_York"}[i], index.TimeZone)
		require.Equal(t, []string{"EUR", "USD"}[i], index.Currency)
		require.Equal(t, i == 0, index.TaxIncluded)
		require.Equal(t, 2, index.Decimals)
		require.True(t, index.TLS)
		require.Contains(t, index.Routes, "/orders/<id>")
	}
	_, _, client := fake(t, wootest.Config{})
	index, err := client.Index(t.Context())
	require.NoError(t, err)
	require.Equal(t, "+01:00", index.TimeZone)
}

// An unknown way to sign is answered with 200 and errors.
func TestErrorsWithStatus200(t *testing.T) {
	t.Parallel()
	client := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
		return answer(r, 200, `{"errors":[{"code":"woocommerce_api_authentication_error","message":"Signature method is invalid."}]}`), nil
	})
	_, _, err := client.Orders.List(t.Context(), woo.OrderQuery{})
	require.ErrorIs(t, err, woo.ErrAuth)
	require.ErrorContains(t, err, "Signature method is invalid")
}

// PHP notices before the JSON are cut off, a foreign answer is named, a secret that the shop echoes is not kept.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	client := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
		return answer(r, 200, "<br />\n<b>Warning</b>: x in <b>y.php</b> on line <b>1</b><br />\n"+`{"count":7}`), nil
	})
	n, err := client.Products.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 7, n)

	client = clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
		return answer(r, 200, `{"hello":"cs_0123456789abcdef"}`), nil
	})
	_, err = client.Products.Get(t.Context(), 1)
	require.ErrorIs(t, err, woo.ErrNotJSON)
	require.ErrorContains(t, err, `the member "product" is missing`)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, string(e.Body), "[redacted]")
	require.NotContains(t, string(e.Body), "0123456789abcdef")
}

// One order that cannot be read does not lose its page, and says which it is.
func TestMalformed(t *testing.T) {
	t.Parallel()
	client := clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/wp-json/") {
			return answer(r, 404, `{"code":"rest_no_route"}`), nil
		}
		res := answer(r, 200, `{"orders":[{"id":5,"status":"processing"},{"id":6,"total":{"a":1}},"nonsense",{"id":"8"}]}`)
		res.Header.Set("X-WC-Total", "4")
		return res, nil
	})
	var got []woo.OrderID
	var bad []int64
	for order, err := range client.Orders.All(t.Context(), woo.OrderQuery{}) {
		if err != nil {
			require.ErrorIs(t, err, woo.ErrMalformed)
			var e *woo.Error
			require.ErrorAs(t, err, &e)
			bad = append(bad, e.ResourceID)
			continue
		}
		got = append(got, order.ID)
	}
	require.Equal(t, []woo.OrderID{5, 8}, got)
	require.Equal(t, []int64{6, 0}, bad)
	orders, _, err := client.Orders.List(t.Context(), woo.OrderQuery{})
	require.ErrorIs(t, err, woo.ErrMalformed)
	require.Len(t, orders, 2)
}

// Reading goes on through passing faults; a webhook is never created twice blindly.
func TestFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, legacy, client := fake(t, wootest.Config{})
		ids := shop.Seed(120, 1)
		legacy.SetFaults(wootest.Faults{Rate: .3, Seed: 4, Kinds: []wootest.Fault{
			wootest.TooMany, wootest.BadGateway, wootest.Unavailable, wootest.Dropped, wootest.Lost, wootest.Cut, wootest.GatewayTimeout,
		}})
		n := 0
		for order, err := range client.Orders.All(t.Context(), woo.OrderQuery{PerPage: 10}) {
			require.NoError(t, err)
			require.Equal(t, woo.OrderID(ids[n]), order.ID)
			n++
		}
		require.Equal(t, len(ids), n)

		legacy.SetFaults(wootest.Faults{Rate: 1, Kinds: []wootest.Fault{wootest.Lost}})
		_, err := client.Webhooks.Create(t.Context(), hook())
		require.ErrorIs(t, err, woo.ErrAmbiguous)
		legacy.SetFaults(wootest.Faults{})
		all, _, err := client.Webhooks.List(t.Context(), woo.WebhookQuery{})
		require.NoError(t, err)
		require.Len(t, all, 1, "it was done, once")

		legacy.SetFaults(wootest.Faults{Script: once(wootest.Lost)})
		changed, err := client.Orders.Update(t.Context(), woo.OrderID(ids[0]), woo.OrderFields{Status: woo.Set(woo.OrderOnHold)})
		require.NoError(t, err, "a status is written again")
		require.Equal(t, woo.OrderOnHold, changed.Status)
		legacy.SetFaults(wootest.Faults{Script: once(wootest.Lost)})
		require.NoError(t, client.Webhooks.Delete(t.Context(), all[0].ID), "the first try did it")
	})
}

// once is a fault for the first request.
func once(f wootest.Fault) func(*http.Request) wootest.Fault {
	met := false
	return func(*http.Request) wootest.Fault {
		if met {
			return wootest.None
		}
		met = true
		return f
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	_, _, client := fake(t, wootest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Orders.Get(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, woo.ErrNotFound)
	for _, err := range client.Orders.All(ctx, woo.OrderQuery{}) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

// The sentinels of this package answer to errors.Is with nil and foreign targets too.
func TestErrorIs(t *testing.T) {
	t.Parallel()
	e := invalid("orders.All", errors.New("x"))
	require.ErrorIs(t, e, woo.ErrValidation)
	require.NotErrorIs(t, e, ErrLegacyOff)
	require.True(t, e.Permanent())
	require.False(t, (&Error{}).Is(nil))
	require.NotErrorIs(t, &Error{}, woo.ErrNoRoute)
}

// The signature follows the worked example of the API's own rules: names sorted, filter[…] double-escaped in the base.
func TestParameters(t *testing.T) {
	t.Parallel()
	got, err := parameters(url.Values{"page": {"2"}, "filter[limit]": {"5"}, "filter[created_at_min]": {"2026-11-04T00:00:00Z"}, "fields": {"id,status"}})
	require.NoError(t, err)
	require.Equal(t, "fields=id%2Cstatus&filter%5Bcreated_at_min%5D=2026-11-04T00%3A00%3A00Z&filter%5Blimit%5D=5&page=2", got)
	_, err = parameters(url.Values{"a[]": {"1"}})
	require.Error(t, err)
}

// TestObserve: each call is told of under the system it went to, those that only make sure that the API sees the shop's orders too.
func TestObserve(t *testing.T) {
	t.Parallel()
	shop, old, _ := fake(t, wootest.Config{})
	shop.Seed(3, 1)
	seen := map[string]int{}
	c := shop.Config()
	client, err := New(Config{
		URL: c.URL, Key: c.Key, Secret: c.Secret, HTTPClient: &http.Client{Transport: old.Transport()},
		Observe: func(_ context.Context, o woo.Observation) { seen[o.System+" "+o.Op]++ },
	})
	require.NoError(t, err)
	for _, err := range client.Orders.All(t.Context(), woo.OrderQuery{}) {
		require.NoError(t, err)
	}
	require.Positive(t, seen["woo/legacy orders.All"], seen)
	require.Positive(t, seen["woo orders.List"], seen)
}
