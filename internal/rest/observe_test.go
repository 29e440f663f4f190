package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/rest"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A call is observed once, when it is over: how it ended, how many requests it took, and how much of its time was spent waiting.
func TestObserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []rest.Observation
		tries := 0
		c, err := rest.New(rest.Config{
			System: "shop", Base: &url.URL{Scheme: "https", Host: "shop.example"},
			HTTPClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				tries++
				time.Sleep(2 * time.Second)
				status, header := http.StatusOK, http.Header{"Content-Type": {"application/json"}}
				if tries == 1 {
					status = http.StatusServiceUnavailable
					header.Set("Retry-After", "10")
				}
				if r.URL.Path == "/gone" {
					status = http.StatusNotFound
				}
				rest.Idle(r.Context(), 500*time.Millisecond) // as a round tripper does that has a limiter of its own
				return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
			})},
			Observe: func(_ context.Context, o rest.Observation) { seen = append(seen, o) },
		})
		require.NoError(t, err)

		res, err := c.Do(t.Context(), rest.Call{Op: "orders.Get", Path: "orders/12", Route: "orders/{id}"})
		require.NoError(t, err)
		require.Equal(t, 2, res.Attempts)
		require.Len(t, seen, 1)
		o := seen[0]
		require.InDelta(t, 10.5*float64(time.Second)+2*float64(500*time.Millisecond), o.Waited, float64(time.Second), "Retry-After, jitter, and the idle")
		require.Equal(t, 4*time.Second-time.Second, o.Took-o.Waited, "two tries, of each of which half a second was idle")
		o.Took, o.Waited = 0, 0
		require.Equal(t, rest.Observation{System: "shop", Op: "orders.Get", Method: "GET", Route: "orders/{id}", Status: 200, Attempts: 2}, o)

		_, err = c.Do(t.Context(), rest.Call{Op: "orders.Get", Path: "gone"})
		require.Error(t, err)
		require.Len(t, seen, 2)
		require.Equal(t, err, seen[1].Err)
		require.Equal(t, http.StatusNotFound, seen[1].Status)

		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("closing time"))
		_, err = c.Do(ctx, rest.Call{Op: "orders.Get", Path: "orders/12"})
		require.Error(t, err)
		require.Len(t, seen, 3)
		require.Zero(t, seen[2].Attempts)
		require.ErrorContains(t, seen[2].Err, "closing time")
	})
}
