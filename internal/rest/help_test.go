package rest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// answers is a round tripper that needs no goroutine: it gives one answer after another, the last one for ever.
type answers struct {
	mu   sync.Mutex
	list []answer
	sent []*http.Request
	body []string
}

type answer struct {
	status int
	header map[string]string
	body   string
	err    error
	read   io.Reader // instead of body
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	body := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		body = string(b)
	}
	a.sent, a.body = append(a.sent, req.Clone(context.Background())), append(a.body, body)
	n := a.list[min(len(a.sent), len(a.list))-1]
	if n.err != nil {
		return nil, n.err
	}
	return n.response(req), nil
}

func (n answer) response(req *http.Request) *http.Response {
	h := http.Header{}
	if strings.HasPrefix(n.body, "{") || strings.HasPrefix(n.body, "[") {
		h.Set("Content-Type", "application/json; charset=UTF-8")
	}
	for k, v := range n.header {
		h.Set(k, v)
	}
	var r io.Reader = strings.NewReader(n.body)
	length := int64(len(n.body))
	if n.read != nil {
		r, length = n.read, -1
	}
	return &http.Response{StatusCode: n.status, Header: h, Body: io.NopCloser(r), ContentLength: length, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.sent)
}

func script(list ...answer) *answers { return &answers{list: list} }

// client is a Client in front of rt, with the Config changed by with.
func client(t testing.TB, rt http.RoundTripper, with ...func(*Config)) *Client {
	t.Helper()
	base, err := url.Parse("https://shop.example/sub/wp-json/wc/v3")
	require.NoError(t, err)
	c := Config{System: "woo", Base: base, HTTPClient: &http.Client{Transport: rt}}
	for _, w := range with {
		w(&c)
	}
	out, err := New(c)
	require.NoError(t, err)
	return out
}

func call(k Kind) Call {
	c := Call{Op: "orders.Create", Kind: k, Method: http.MethodPost, Path: "orders", Body: []byte(`{"a":1}`)}
	if k == Read {
		c = Call{Op: "orders.Get", Kind: k, Method: http.MethodGet, Path: "orders/12", Route: "orders/{id}",
			Query: url.Values{"secret_filter": {"hidden"}}}
	}
	return c
}

func failure(t testing.TB, err error) *Failure {
	t.Helper()
	var f *Failure
	require.ErrorAs(t, err, &f)
	return f
}

// wire is a server at the level of connections: serve gets each one that is dialled.
func wire(t testing.TB, serve func(n int, c net.Conn)) *http.Transport {
	t.Helper()
	var n atomic.Int32
	var wg sync.WaitGroup
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		wg.Go(func() {
			defer func() { _ = there.Close() }()
			serve(int(n.Add(1)), there)
		})
		return here, nil
	}}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		wg.Wait()
	})
	return tr
}

func plain(c *Config) { c.Base = &url.URL{Scheme: "http", Host: "shop.example", Path: "/"} }

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
