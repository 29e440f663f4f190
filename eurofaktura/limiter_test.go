package eurofaktura_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"math/rand/v2"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
)

// TestLimiter proves the limiter in virtual time: two clients, one Limiter, answers that take anything from no time to 3 s. Never more
// than 4 starts in any 4 s, never two in flight, and every start within 1 ms of being allowed.
func TestLimiter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			var starts, ends []time.Time
			flying := 0
			limiter := new(eurofaktura.Limiter)
			answer := func(r *http.Request, _ string) *http.Response {
				mu.Lock()
				flying++
				starts = append(starts, time.Now())
				require.Equal(t, 1, flying, "two requests in flight")
				took := time.Duration(random.IntN(4)) * time.Duration(random.IntN(1000)) * time.Millisecond
				mu.Unlock()
				time.Sleep(took)
				mu.Lock()
				defer mu.Unlock()
				flying--
				ends = append(ends, time.Now())
				return reply(r, 200, `{"response":{"status":"ok","result":[]}}`)
			}
			share := func(c *eurofaktura.Config) { c.Limiter = limiter }
			clients := []*eurofaktura.Client{client(t, answer, share), client(t, answer, share)}
			var all sync.WaitGroup
			for i := range 40 { // all want to go at once
				all.Go(func() {
					_, _, err := clients[i%2].SalesOrders.List(t.Context(), eurofaktura.OrderQuery{})
					require.NoError(t, err)
				})
			}
			all.Wait()
			require.Len(t, starts, 40)
			for i := range starts {
				allowed := starts[0]
				if i > 0 {
					allowed = ends[i-1]
				}
				if i >= 4 {
					require.Greater(t, starts[i].Sub(starts[i-4]), 4*time.Second, "five starts within 4 s, seed %d", seed)
					allowed = later(allowed, starts[i-4].Add(4*time.Second))
				}
				require.LessOrEqual(t, starts[i].Sub(allowed), time.Millisecond, "start %d came late, seed %d", i, seed)
			}
		})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// TestLimiterGivesUp: who goes away leaves its place to the others, and waiting counts for no time-out of a try.
func TestLimiterGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		books := client(t, func(r *http.Request, _ string) *http.Response {
			starts = append(starts, time.Now())
			time.Sleep(900 * time.Millisecond)
			return reply(r, 200, `{"response":{"status":"ok","result":[]}}`)
		}, func(c *eurofaktura.Config) { c.HTTPClient.Timeout = time.Second })
		began := time.Now()
		list := func(ctx context.Context) error {
			_, _, err := books.SalesOrders.List(ctx, eurofaktura.OrderQuery{})
			return err
		}
		var all sync.WaitGroup
		for range 9 { // the last one waits 8 s, with a time-out of 1 s for each try
			all.Go(func() { require.NoError(t, list(t.Context())) })
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := list(hurried)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, eurofaktura.ErrAmbiguous)
		again, cancelAgain := context.WithTimeout(t.Context(), time.Second)
		defer cancelAgain()
		_, err = books.SalesOrders.Create(again, "a-1", eurofaktura.SalesOrderFields{})
		require.Error(t, err)
		require.NotErrorIs(t, err, eurofaktura.ErrAmbiguous, "it was never sent")
		all.Wait()
		require.Len(t, starts, 9)
		require.True(t, slices.IsSortedFunc(starts, time.Time.Compare))
		require.Less(t, time.Since(began), 9*time.Second+100*time.Millisecond)
	})
}

// TestLimiterHolds: a busy server keeps all clients of the account back.
func TestLimiterHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		limiter := new(eurofaktura.Limiter)
		share := func(c *eurofaktura.Config) { c.Limiter = limiter }
		answer := func(r *http.Request, _ string) *http.Response {
			starts = append(starts, time.Now())
			if len(starts) == 1 {
				return reply(r, 500, `{"response":{"status":"error","apiMethod":null,"description":"Another web request is currently being processed"}}`)
			}
			return reply(r, 200, `{"response":{"status":"ok","result":[]}}`)
		}
		one, two := client(t, answer, share), client(t, answer, share)
		var all sync.WaitGroup
		for _, c := range []*eurofaktura.Client{one, two} {
			all.Go(func() {
				_, _, err := c.SalesOrders.List(t.Context(), eurofaktura.OrderQuery{})
				require.NoError(t, err)
			})
		}
		all.Wait()
		require.Len(t, starts, 3)
		require.GreaterOrEqual(t, starts[1].Sub(starts[0]), 15*time.Second)
	})
}

// TestLimiterOfAHost: another window than the vendor's, for a server that grants one.
func TestLimiterOfAHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		books := client(t, func(r *http.Request, _ string) *http.Response {
			starts = append(starts, time.Now())
			return reply(r, 200, `{"response":{"status":"ok","result":[]}}`)
		}, func(c *eurofaktura.Config) { c.Limiter = &eurofaktura.Limiter{Starts: 2, Window: time.Second} })
		for range 6 {
			_, _, err := books.SalesOrders.List(t.Context(), eurofaktura.OrderQuery{})
			require.NoError(t, err)
		}
		require.InDelta(t, 2, starts[5].Sub(starts[0]).Seconds(), 0.01)
	})
}
