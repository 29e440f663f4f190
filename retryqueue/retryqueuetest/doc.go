// Package retryqueuetest holds every retryqueue.Store to its contract, and helps tests of kinds.
//
// Whoever writes a store runs the suite and the benchmarks on it:
//
//	func TestStore(t *testing.T) {
//		retryqueuetest.Run(t, func(t *testing.T) retryqueue.Store { return open(t) }, retryqueuetest.Caps{})
//	}
//
//	func BenchmarkStore(b *testing.B) {
//		retryqueuetest.Bench(b, func(b *testing.B) retryqueue.Store { return open(b) })
//	}
//
// A case is named after the numbered must of [retryqueue.Store] that it holds the store to: Claim/2/... fails when Claim's second
// must is broken. Cases of retryqueue.Pruner skip where the store is none. [Caps] is a list of what a store lacks or what only its author can do for the suite: the zero value asks for
// everything that needs no help.
//
// Time: a store that reads time.Now is run in testing/synctest bubbles, where leases and pauses of minutes pass at once and to the
// nanosecond. A store on a server's clock sets Caps.RealTime: then leases are tens of milliseconds and bounds are measured.
//
// The package needs nothing but testing.
package retryqueuetest
