package retryqueue_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
)

func TestProgressive(t *testing.T) {
	t.Parallel()
	s := retryqueue.Progressive()
	for n, want := range map[int]int{
		1: 300, 2: 600, 3: 1800, 4: 3600, 5: 7200, 6: 14400, 7: 28800, 8: 28800, 100: 28800, math.MaxInt: 28800,
		0: 28800, -1: 28800, math.MinInt: 28800,
	} {
		require.Equal(t, time.Duration(want)*time.Second, s.Delay(n), "attempt %d", n)
	}
}

func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	s := retryqueue.StandardWebhooks()
	var sum time.Duration
	for _, d := range delays(s, 9) {
		sum += d
	}
	require.Equal(t, 75*time.Hour+35*time.Minute+5*time.Second, sum)
	attempts, age := s.(retryqueue.Limited).Limits()
	require.Equal(t, 10, attempts)
	require.Greater(t, age, sum)
}

// A kind with the schedule makes its ten attempts at these times and then gives up, whatever the queue's own limits are.
func TestStandardWebhooksInTheQueue(t *testing.T) {
	bubble(t, retryqueue.Config{}, func(b *bench) {
		var at []int
		p := register(b, retryqueue.Kind[string]{
			Name: "hook", Schedule: retryqueue.StandardWebhooks(),
			Work: func(context.Context, retryqueue.Job[string]) error {
				at = append(at, int(b.since()/time.Second))
				return errBoom
			},
		})
		enqueue(b, p, "a", "x")
		defer b.start()()
		b.pass(100 * time.Hour)
		b.pass(100 * time.Hour)
		require.Equal(b, []int{0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105}, at)
		require.Equal(b, retryqueue.Failed, b.get("a").State)
	})
}

// Every policy of cenkalti/backoff is a schedule; a wait of its own (RetryAfter), a cap and jitter go on top.
func TestBackOffPolicies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy func() backoff.BackOff
		want   []time.Duration
	}{
		"zero":     {func() backoff.BackOff { return &backoff.ZeroBackOff{} }, []time.Duration{0, 0, 0}},
		"stop":     {func() backoff.BackOff { return &backoff.StopBackOff{} }, []time.Duration{-1, -1, -1}},
		"constant": {func() backoff.BackOff { return backoff.NewConstantBackOff(time.Minute) }, []time.Duration{60e9, 60e9, 60e9}},
		"most tries": {
			func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 1) }, []time.Duration{0, -1, -1},
		},
	} {
		require.Equal(t, c.want, delays(retryqueue.FromBackOff(c.policy), 3), name)
	}
	random := retryqueue.FromBackOff(func() backoff.BackOff { return backoff.NewExponentialBackOff() })
	for range 100 {
		require.InDelta(t, 500*time.Millisecond, random.Delay(1), float64(250*time.Millisecond), "its own jitter")
	}
	capped := retryqueue.Cap(retryqueue.FromBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Hour) }), time.Minute)
	require.Equal(t, []time.Duration{60e9, 60e9}, delays(capped, 2))
}

func ExampleTable() {
	fmt.Print(retryqueue.Table(retryqueue.Progressive()))
	// Output:
	// attempt        wait       since the first
	//       1           -                   0s
	//       2        5m0s                 5m0s
	//       3       10m0s                15m0s
	//       4       30m0s                45m0s
	//       5      1h0m0s              1h45m0s
	//       6      2h0m0s              3h45m0s
	//       7      4h0m0s              7h45m0s
	//       8      8h0m0s             15h45m0s
	//       9      8h0m0s             23h45m0s
	//      10      8h0m0s             31h45m0s
	//      11      8h0m0s             39h45m0s
	//      12      8h0m0s             47h45m0s
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := func(s retryqueue.Schedule) int { return strings.Count(retryqueue.Table(s), "\n") - 1 }
	require.Equal(t, 10, rows(retryqueue.StandardWebhooks()))
	require.Contains(t, retryqueue.Table(retryqueue.StandardWebhooks()), "75h35m5s")
	require.Equal(t, 2, rows(retryqueue.Steps(time.Second, -1)), "the schedule ends by itself")
	require.Equal(t, 100, rows(retryqueue.WithLimits(retryqueue.Steps(0), -1, -1)))
}

func TestSteps(t *testing.T) {
	t.Parallel()
	given := []time.Duration{1, 2, 3}
	s := retryqueue.Steps(given...)
	given[0] = 9
	require.Equal(t, []time.Duration{1, 2, 3, 3, 3}, delays(s, 5), "a copy")
	require.Equal(t, []time.Duration{0, 0}, delays(retryqueue.Steps(), 2))
}

func TestFromBackOff(t *testing.T) {
	t.Parallel()
	s := retryqueue.FromBackOff(func() backoff.BackOff {
		return backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(time.Second), backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0),
			backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0),
		)
	})
	for range 2 { // stateful policies, stateless schedule
		require.Equal(t, []time.Duration{1e9, 2e9, 4e9, 5e9, 5e9}, delays(s, 5))
	}
	require.Equal(t, time.Second, s.Delay(0))
	stop := retryqueue.FromBackOff(func() backoff.BackOff { return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2) })
	require.Equal(t, []time.Duration{1e9, 1e9, -1, -1}, delays(stop, 4), "Stop: no further attempt")
}

func TestCapAndJitter(t *testing.T) {
	t.Parallel()
	s := retryqueue.WithLimits(retryqueue.Steps(time.Second, time.Hour, -1), 3, time.Minute)
	require.Equal(t, []time.Duration{time.Second, time.Minute, -1}, delays(retryqueue.Cap(s, time.Minute), 3))
	j := retryqueue.Jitter(s, 0.2)
	seen := map[time.Duration]bool{}
	for range 200 {
		d := j.Delay(2)
		require.InDelta(t, time.Hour, d, float64(12*time.Minute))
		seen[d] = true
	}
	require.Greater(t, len(seen), 100)
	require.EqualValues(t, -1, j.Delay(3))
	for _, wrapped := range []retryqueue.Schedule{j, retryqueue.Cap(s, 1)} {
		attempts, age := wrapped.(retryqueue.Limited).Limits()
		require.Equal(t, 3, attempts, "limits stay")
		require.Equal(t, time.Minute, age)
	}
	_, limited := retryqueue.Cap(retryqueue.Progressive(), 1).(retryqueue.Limited)
	require.False(t, limited)
}

func delays(s retryqueue.Schedule, n int) (all []time.Duration) {
	for i := range n {
		all = append(all, s.Delay(i+1))
	}
	return all
}
