package woo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/internal/fakehttp"
)

func TestConfigURL(t *testing.T) {
	t.Parallel()
	for given, root := range map[string]string{
		"https://shop.example":                   "https://shop.example/wp-json/",
		"https://shop.example/":                  "https://shop.example/wp-json/",
		"https://shop.example:8443/sub/folder//": "https://shop.example:8443/sub/folder/wp-json/",
		"https://shop.example/wp-json":           "https://shop.example/wp-json/",
		"https://shop.example/sub/wp-json/":      "https://shop.example/sub/wp-json/",
		"https://shop.example/wp-json/wc/v3":     "https://shop.example/wp-json/",
		"http://shop.example/wp-json/wc/v3/":     "http://shop.example/wp-json/",
		"https://shop.example/trgovina-č":        "https://shop.example/trgovina-%C4%8D/wp-json/",
	} {
		var got string
		c, err := New(Config{URL: given, Key: "ck_x", Secret: "cs_x", HTTPClient: &http.Client{
			Transport: direct(func(w http.ResponseWriter, r *http.Request) {
				r.URL.RawQuery = ""
				got = r.URL.String()
				answer(w, 200, `[]`)
			}),
		}})
		require.NoError(t, err, given)
		_, _, err = c.Orders.List(t.Context(), OrderQuery{})
		require.NoError(t, err)
		require.Equal(t, root+"wc/v3/orders", got)
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	good := Config{URL: shopAddress, Key: testKey, Secret: testSecret}
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.URL = "" }, "woo: Config.URL is empty: give the shop's address, such as https://shop.example"},
		{func(c *Config) { c.URL = "shop.example" }, "woo: Config.URL does not begin with https:// (or http://) and a host: give the shop's address, such as https://shop.example"},
		{func(c *Config) { c.URL = "ftp://shop.example" }, "woo: Config.URL does not begin with https:// (or http://) and a host: give the shop's address, such as https://shop.example"},
		{func(c *Config) { c.URL = "https://me:" + testSecret + "@shop.example" }, "woo: Config.URL holds a user name: leave it out; the key belongs into Key and Secret"},
		{func(c *Config) { c.URL = "https://shop.example/%zz" }, "woo: Config.URL is no URL: give the shop's address, such as https://shop.example"},
		{func(c *Config) { c.URL = shopAddress + "/?consumer_secret=" + testSecret }, "woo: Config.URL holds a query: leave out everything from the question mark on; the key belongs into Key and Secret"},
		{func(c *Config) { c.URL = shopAddress + "/#x" }, "woo: Config.URL holds a fragment: leave out everything from the # on"},
		{func(c *Config) { c.URL = shopAddress + "/wp-json/wc/v2" }, "woo: Config.URL goes too far: leave out everything from /wp-json on, so that the shop's address remains"},
		{func(c *Config) { c.URL = shopAddress + "/wp-json/wc/v3/orders" }, "woo: Config.URL goes too far: leave out everything from /wp-json on, so that the shop's address remains"},
		{func(c *Config) { c.URL = shopAddress + "/wc-api/v3" }, "woo: Config.URL goes too far: leave out everything from /wc-api on, so that the shop's address remains"},
		{func(c *Config) { c.URL = shopAddress + "/wp-admin/" }, "woo: Config.URL goes too far: leave out everything from /wp-admin on, so that the shop's address remains"},
		{func(c *Config) { c.Key = "" }, "woo: Config.Key is empty: give the consumer key (ck_…) of WooCommerce > Settings > Advanced > REST API"},
		{func(c *Config) { c.Secret = "" }, "woo: Config.Secret is empty: give the consumer secret (cs_…) that the shop showed when the key was made"},
		{func(c *Config) { c.Key, c.Secret = c.Secret, c.Key }, "woo: Config.Key holds the secret, and Secret the key: exchange them"},
		{func(c *Config) { c.Key += "\n" }, "woo: Config.Key holds a space, a colon or a control character: copy it again, without what stands around it"},
		{func(c *Config) { c.Secret = " " + c.Secret }, "woo: Config.Secret holds a space or a control character: copy it again, without what stands around it"},
		{func(c *Config) { c.MaxBody = -1 }, "woo: Config.MaxBody is negative: give bytes, or 0 for 32 MiB"},
	} {
		config := good
		c.change(&config)
		_, err := New(config)
		require.EqualError(t, err, c.want)
		require.NotContains(t, err.Error(), testSecret)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", config, config, config), testSecret[3:])
	}
}

// Point 11 of the acceptance list: no secret in any printed value, error or log line, whatever a shop echoes.
func TestAcceptance11NoSecretShows(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, address := range []string{"https://shop.example", "http://shop.example"} {
		synctest.Test(t, func(t *testing.T) {
			echo := 0
			transport := fakehttp.NewTransport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				dump := fmt.Sprint(r.URL, " ", r.Header, " ", testSecret)
				if r.TLS == nil {
					dump = fmt.Sprint(r.URL.Path, " ", testSecret) // a spent signature is no secret
				}
				switch echo++; echo % 6 {
				case 0:
					w.Header().Set("Location", "https://elsewhere.example/?"+r.URL.RawQuery+"&s="+testSecret)
					w.WriteHeader(301)
				case 1:
					body, _ := json.Marshal(map[string]any{
						"code": "debug", "message": dump, "data": map[string]any{"status": 400, "params": map[string]string{"x": dump}},
					})
					answer(w, 400, string(body))
				case 2:
					w.Header().Set("Content-Type", "text/html")
					w.WriteHeader(403)
					_, _ = fmt.Fprintf(w, "<html><title>Blocked</title>%s", dump)
				case 3:
					answer(w, 200, `"`+dump)
				case 4:
					answer(w, 200, `{"id":"`+testSecret+`"}`)
				case 5:
					cut(w)
				}
			}))
			defer transport.Close()
			config := Config{
				URL: address, Key: testKey, Secret: testSecret, HTTPClient: &http.Client{Transport: transport}, Logger: logger,
				Limiter: rate.NewLimiter(rate.Inf, 1),
			}
			c, err := New(config)
			require.NoError(t, err)
			for _, v := range []any{config, &config, c, *c, c.Orders, *c.Orders, c.Refunds(1), []any{config}, map[string]any{"c": &config}} {
				fmt.Fprintf(&out, "%v|%+v|%#v|%s|%q\n", v, v, v, v, v)
				logger.Info("x", "v", v)
			}
			for range 12 {
				for _, err := range []error{
					list(t.Context(), c), add(t.Context(), c), put(t.Context(), c), c.Do(t.Context(), "GET", "x/v1/y?a=b", nil, new(int)),
				} {
					fmt.Fprintf(&out, "%v|%+v\n", err, err)
					logger.Error("x", "err", err)
					if e := (*Error)(nil); errors.As(err, &e) {
						fmt.Fprintf(&out, "%s %q %+v %+v\n", e.Body, e.Message, *e, e.Details)
					}
				}
				_, errs := walkAll(t, c, OrderQuery{})
				fmt.Fprintln(&out, errs)
			}
		})
	}
	require.Contains(t, out.String(), "[redacted]")
	text := out.String()
	for _, secret := range []string{
		testSecret, testSecret[3:], base64.StdEncoding.EncodeToString([]byte(testKey + ":" + testSecret)),
	} {
		before, _, found := strings.Cut(text, secret)
		require.False(t, found, "after %s", before[max(0, len(before)-200):])
	}
	require.NotContains(t, text, "consumer_secret")
}

// Point 11: certificates are checked by default.
func TestAcceptance11UnknownCertificate(t *testing.T) {
	t.Parallel()
	url, _, stop, err := fakehttp.StartTLS(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("trusted") }))
	require.NoError(t, err)
	defer stop()
	c, err := New(Config{URL: url, Key: testKey, Secret: testSecret})
	require.NoError(t, err)
	_, err = c.Orders.Create(t.Context(), OrderFields{})
	require.ErrorIs(t, err, ErrUnavailable)
	require.NotErrorIs(t, err, ErrAmbiguous)
	require.ErrorContains(t, err, "certificate")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Systemic())
}

// A Limiter that nobody set is none, not a nil pointer.
func TestNoLimiter(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `[]`) })
	_, _, err := c.Orders.List(t.Context(), OrderQuery{})
	require.NoError(t, err)
}
