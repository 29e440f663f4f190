//go:build !race

// The race detector makes a sync.Pool forget at random, to find those who rely on it.

package hmacauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
)

// The paths that are taken for every request stay cheap; see examples/benchmarks for the times.
func TestAllocations(t *testing.T) {
	key := newKey(t, "store-b", secret)
	keys := []hmacauth.Key{key}
	m := hmacauth.Message{Timestamp: "1772000000", Nonce: "Ab3dEf6hIj9kLm2n", Body: make([]byte, 1024)}
	for name, p := range map[string]core{
		"kitgenix": hmacauth.Kitgenix{}, "woowebhook": hmacauth.WooWebhook{}, "standardwebhooks": hmacauth.StandardWebhooks{}, "rfc9421": hmacauth.RFC9421{},
	} {
		dst := make([]byte, 0, 128)
		sig := string(p.AppendSignature(nil, key, m))
		require.Zero(t, allocations(func() { dst = p.AppendSignature(dst[:0], key, m) }), name)
		require.Zero(t, allocations(func() {
			if _, ok := p.Check(keys, m, sig); !ok {
				t.Error(name)
			}
		}), name)
	}
	for _, s := range setups {
		f := newFixture(t, s, func(c *hmacauth.VerifierConfig) { c.Nonces = memory() })
		requests := make([]*http.Request, 0, 400)
		for range cap(requests) {
			requests = append(requests, f.request(strings.Repeat("x", 1024)))
		}
		i := 0
		got := allocations(func() {
			if _, _, err := f.v.Verify(requests[i]); err != nil {
				t.Error(err)
			}
			i++
		})
		t.Logf("%s: %.2f allocations of Verify, the body's among them", s.name, got)
		require.LessOrEqual(t, got, 4.0+1, s.name)
	}
}

func allocations(f func()) float64 { return testing.AllocsPerRun(300, f) }
