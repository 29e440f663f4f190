// Package orderfeedtest checks that a store keeps what [orderfeed.Store] asks of it. Whoever writes one runs, in its tests:
//
//	func TestStore(t *testing.T) {
//		orderfeedtest.Run(t, func(t *testing.T) orderfeed.Store { return mystore.New(…) })
//	}
//
//	func BenchmarkStore(b *testing.B) {
//		orderfeedtest.Bench(b, func(b *testing.B) orderfeed.Store { … })
//	}
//
// Each subtest is named after the method and the number of the must that it checks. What a test inside one process cannot see is
// not here: that what was put survives the death of the process is for the store's own tests.
package orderfeedtest
