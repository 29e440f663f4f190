// Package crashtest kills what works on a store, and counts what is left. A store's author runs it on a store that
// outlives a process:
//
//	func TestCrash(t *testing.T) {
//		crashtest.Run(t, crashtest.Kit{Place: dsn, Open: func(ctx context.Context, place string) (retryqueue.Store, crashtest.Ledger, error) {
//			…
//		}})
//	}
//
//	func TestFence(t *testing.T) { crashtest.Fence(t, open(t)) }
//
// [Run] runs the test's own binary as a child in which eight producers enqueue jobs and eight workers do them, kills it
// with SIGKILL at a random moment, starts it again, and in the end holds the store to this: no job that was accepted is
// lost, no effect was had twice, no more executions were wasted than kills × workers, and what was cut off is taken up
// again within its lease and two seconds of somebody being at work.
//
// [Fence] stops workers for three leases: whatever they say afterwards changes nothing.
//
// The counts are small where somebody waits for them: 3 kills and 100 stopped workers; 10 kills where CI is set in the
// environment, 50 kills and 1,000 workers with TILLWIRE_LONG=1.
package crashtest
