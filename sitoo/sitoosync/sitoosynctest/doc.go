// Package sitoosynctest holds what every [sitoosync.LinkStore] and [sitoosync.StateStore] must do, as suites for the tests of their
// authors.
//
//	func TestLinks(t *testing.T) {
//		sitoosynctest.RunLinkStore(t, func(t *testing.T) sitoosync.LinkStore { return open(t) })
//	}
package sitoosynctest
