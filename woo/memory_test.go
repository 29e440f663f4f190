package woo

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bigShop renders pages of one recorded order, each with an id of its own, on the fly: the list is nowhere in memory.
func bigShop(b testing.TB, total int) roundTripper {
	b.Helper()
	raw, err := os.ReadFile("testdata/recorded/wc-11.0.1/orders/single-with-partial-refund.http")
	require.NoError(b, err)
	_, order, ok := bytes.Cut(raw, []byte("\n\n"))
	require.True(b, ok)
	require.True(b, bytes.HasPrefix(order, []byte(`{"id":`)))
	_, rest, ok := bytes.Cut(order, []byte(","))
	require.True(b, ok)
	return func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		from, _ := strconv.Atoi(q.Get("offset"))
		size, _ := strconv.Atoi(q.Get("per_page"))
		to := min(from+size, total)
		body, w := io.Pipe()
		go func() {
			for i := from; i < to; i++ {
				sep := ","
				if i == from {
					sep = "["
				}
				_, _ = io.WriteString(w, sep+`{"id":`+strconv.Itoa(i+1)+",")
				_, _ = w.Write(rest)
			}
			_, _ = io.WriteString(w, "]")
			_ = w.Close()
		}()
		h := http.Header{"Content-Type": {"application/json"}}
		h.Set("X-WP-Total", strconv.Itoa(total))
		h.Set("X-WP-TotalPages", strconv.Itoa((total+size-1)/size))
		return &http.Response{StatusCode: 200, Header: h, Body: body, ContentLength: -1, Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
	}
}

// heapPeak samples what the heap takes, live and not yet collected, until the returned function is called.
func heapPeak() (stop func() float64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	var peak atomic.Uint64
	look := func() {
		metrics.Read(sample)
		peak.Store(max(peak.Load(), sample[0].Value.Uint64()+sample[1].Value.Uint64()))
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			look()
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() float64 {
		close(done)
		<-ended
		return float64(peak.Load()) / (1 << 20)
	}
}

// streamOrders reads total orders through All and returns the peak of the heap in MiB.
func streamOrders(b testing.TB, total int) float64 {
	b.Helper()
	c, err := New(Config{URL: shopAddress, Key: testKey, Secret: testSecret, HTTPClient: &http.Client{Transport: bigShop(b, total)}})
	require.NoError(b, err)
	debug.FreeOSMemory()
	stop := heapPeak()
	n := 0
	for o, err := range c.Orders.All(b.Context(), OrderQuery{}) {
		if err != nil || int(o.ID) != n+1 {
			b.Fatal(o, err)
		}
		n++
	}
	peak := stop()
	require.Equal(b, total, n)
	return peak
}

// BenchmarkAllMemory streams 100,000 orders through Orders.All and fails when the heap ever takes more than 64 MiB.
func BenchmarkAllMemory(b *testing.B) {
	const total, most = 100_000, 64
	for b.Loop() {
		peak := streamOrders(b, total)
		b.ReportMetric(peak, "peak-MiB")
		if peak > most {
			b.Fatalf("the heap took %.1f MiB, more than %d", peak, most)
		}
	}
	b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}

// A twentieth of it runs with every test. Holding on to its orders, or their bodies, would take more than 30 MiB.
func TestAllHoldsOnePage(t *testing.T) {
	const total, most = 5_000, 24
	require.Less(t, streamOrders(t, total), float64(most))
}
