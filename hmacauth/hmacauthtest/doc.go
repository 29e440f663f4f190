// Package hmacauthtest holds a [hmacauth.NonceStore] to its contract, and signs requests for tests of handlers behind a verifier.
//
//	func TestConformance(t *testing.T) {
//		hmacauthtest.Run(t, hmacauthtest.Suite{Open: func(t *testing.T, n int) []hmacauth.NonceStore { … }})
//	}
//
// [NewRequest] makes a signed request of the kind a server receives:
//
//	r := hmacauthtest.NewRequest(t, hmacauth.Signer{Profile: hmacauth.Kitgenix{}, Key: key}, "POST", "/event", body)
//	handler.ServeHTTP(httptest.NewRecorder(), r)
//
// It uses the package testing and nothing else. In a test make memory stores with MemoryConfig.Since long ago, lest the boot fence
// refuse what was signed in the second of the start.
package hmacauthtest
