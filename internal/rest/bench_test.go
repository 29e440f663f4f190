package rest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkPost sends 8 kB on loopback through this package and through plain net/http, turn by turn so that the machine's
// moods hit both, and reports the ratio of the times.
func BenchmarkPost(b *testing.B) {
	body := append(append([]byte(`{"x":"`), bytes.Repeat([]byte("y"), 8<<10)...), `"}`...)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":1}`)
	}))
	defer s.Close()
	base, err := url.Parse(s.URL)
	require.NoError(b, err)
	core := client(b, nil, func(c *Config) { c.Base, c.HTTPClient = base, s.Client() })
	one := Call{Op: "orders.Create", Kind: Effect, Method: "POST", Path: "orders", Body: body}
	through := func() {
		got, err := core.Do(b.Context(), one)
		if err != nil {
			b.Fatal(err)
		}
		got.Release()
	}
	bare := func() {
		req, err := http.NewRequestWithContext(b.Context(), "POST", s.URL+"/orders", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := s.Client().Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			b.Fatal(err)
		}
	}
	b.Run("pair", func(b *testing.B) {
		var ours, theirs time.Duration
		for b.Loop() {
			began := time.Now()
			bare()
			middle := time.Now()
			through()
			theirs += middle.Sub(began)
			ours += time.Since(middle)
		}
		b.ReportMetric(float64(ours)/float64(theirs), "ratio")
	})
	b.Run("rest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			through()
		}
	})
	b.Run("net/http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			bare()
		}
	})
}
