package legacy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// stores are the two whose answers are in testdata.
var stores = []string{"wc-11.0.1", "wc-8.9.1"}

// body is that of a recorded answer.
func body(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded", file))
	require.NoError(t, err)
	_, after, ok := bytes.Cut(raw, []byte("\n\n"))
	require.True(t, ok, file)
	return after
}

// replay answers each request below /wc-api/ with a recorded answer, and the rest as a shop without wc/v3.
func replay(t *testing.T, file string) *Client {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded", file))
	require.NoError(t, err)
	return clientOf(t, Config{}, func(r *http.Request) (*http.Response, error) {
		if !strings.HasPrefix(r.URL.Path, "/wc-api/") {
			return answer(r, 404, `{"code":"rest_no_route","message":"","data":{"status":404}}`), nil
		}
		return http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), r)
	})
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

func clientOf(t *testing.T, c Config, rt roundTripper) *Client {
	t.Helper()
	if c.URL == "" {
		c.URL = "https://shop.test"
	}
	c.Key, c.Secret, c.HTTPClient = "ck_0123456789abcdef", "cs_0123456789abcdef", &http.Client{Transport: rt}
	client, err := New(c)
	require.NoError(t, err)
	return client
}

// fake is a store in memory with its legacy API, and a client of it.
func fake(t testing.TB, c wootest.Config) (*wootest.Shop, *wootest.Legacy, *Client) {
	t.Helper()
	shop, err := wootest.New(c)
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	legacy := shop.Legacy()
	t.Cleanup(legacy.Close)
	client, err := New(configOf(shop, legacy))
	require.NoError(t, err)
	return shop, legacy, client
}

func configOf(shop *wootest.Shop, legacy *wootest.Legacy) Config {
	c := shop.Config()
	return Config{URL: c.URL, Key: c.Key, Secret: c.Secret, HTTPClient: &http.Client{Transport: legacy.Transport()}}
}

func addOrder(t testing.TB, shop *wootest.Shop, status string) woo.OrderID {
	t.Helper()
	id, err := shop.AddOrder([]byte(`{"status":"` + status + `"}`))
	require.NoError(t, err)
	return woo.OrderID(id)
}

// wire is a value as JSON, opened.
func wire(t *testing.T, v any) map[string]any {
	t.Helper()
	src, err := json.Marshal(v)
	require.NoError(t, err)
	return open(t, src)
}

func open(t *testing.T, src []byte) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	require.NoError(t, d.Decode(&m))
	return m
}
