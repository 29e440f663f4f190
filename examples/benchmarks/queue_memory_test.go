package benchmarks

import (
	"runtime"
	"testing"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
	"github.com/tillwire/tillwire/retryqueue"
)

// TestQueueMemory works off no-op jobs on the memory store. Allocations are counted over the whole run: claim, Work, settle. The
// payload is a number, because what encoding/json allocates for the fields of a struct is not the queue's.
func TestQueueMemory(t *testing.T) {
	const n = 200_000
	var best, allocs float64
	for range burndowntest.Rounds {
		var before, after runtime.MemStats
		took := burndowntest.Run(t, retryqueue.NewMemoryStore(), 4, n, func(i int) int { return i }, func() {
			runtime.GC()
			runtime.ReadMemStats(&before)
		})
		runtime.ReadMemStats(&after)
		best = max(best, float64(n)/took.Seconds())
		allocs = float64(after.Mallocs-before.Mallocs) / float64(n)
	}
	t.Logf("%d jobs: memory %.0f/s, %.1f allocations per job (goal: 300000/s, at most 3)", n, best, allocs)
}
