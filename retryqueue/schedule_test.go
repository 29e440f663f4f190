package retryqueue_test

import (
	"math"
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
