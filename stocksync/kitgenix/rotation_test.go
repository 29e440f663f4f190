package kitgenix_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// TestRotation changes a secret in two phases, whoever is first to prove the new one (1.4).
func TestRotation(t *testing.T) {
	t.Parallel()
	const newer = "NewSecretNewSecretNewSecretNewSecret"
	type stage struct {
		*shop
		wire    *kitgenix.Wire
		handler http.Handler
		proved  int
		has     string // the secret that the peer has
	}
	begin := func(t *testing.T) *stage {
		s := &stage{shop: &shop{t: t, secrets: []string{newer}}, has: secret}
		s.script = func(_ int, in sent) (int, http.Header, string) {
			if in.keyed != s.has {
				return 401, nil, refusalBody("kss_auth_failed", 401)
			}
			return 0, nil, ""
		}
		s.wire = s.to(t, func(c *kitgenix.Config) { c.Pairs[0].Generation = 2 })
		s.handler = s.wire.Handler(&node{id: "d", role: stocksync.RoleMaster})
		require.NoError(t, s.wire.Rotate("e", kitgenix.Rotation{Secret: newer, Until: time.Now().Add(24 * time.Hour), Proved: func() { s.proved++ }}))
		return s
	}
	push := func(t *testing.T, s *stage) error {
		_, err := s.wire.Peer("e").Push(t.Context(), items(1))
		return err
	}
	keyed := func(s *stage) (out []string) {
		for _, r := range s.requests("event") {
			out = append(out, r.keyed)
		}
		return out
	}
	inbound := func(t *testing.T, s *stage, secret string) int {
		return ask(s.handler, signed(t, "ping", `{}`, "e", secret)).Code
	}
	t.Run("1.4_peer_proves_by_a_request", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := begin(t)
			require.NoError(t, push(t, s))
			require.Equal(t, 200, inbound(t, s, secret))
			require.NoError(t, push(t, s))
			s.has = newer
			require.Equal(t, 200, inbound(t, s, newer))
			require.Equal(t, 1, s.proved)
			require.Equal(t, 200, inbound(t, s, secret), "until the end of the overlap, whatever the peer's options say")
			require.NoError(t, push(t, s))
			require.Equal(t, []string{secret, secret, newer}, keyed(s))
			time.Sleep(24 * time.Hour)
			require.Equal(t, 401, inbound(t, s, secret))
			require.Equal(t, 200, inbound(t, s, newer))
			require.Equal(t, 1, s.proved)
		})
	})
	t.Run("1.4_peer_proves_by_accepting", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := begin(t)
			s.has = newer // pasted there, but it has not called yet
			require.NoError(t, push(t, s))
			require.NoError(t, push(t, s))
			require.Equal(t, []string{secret, newer, newer}, keyed(s))
			require.Equal(t, 1, s.proved)
		})
	})
	t.Run("1.4_forced", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := begin(t)
			s.has = newer
			require.NoError(t, s.wire.ForceRotation("e"))
			require.NoError(t, push(t, s))
			require.Equal(t, []string{newer}, keyed(s))
			require.Zero(t, s.proved)
		})
	})
	t.Run("1.4_the_old_one_ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := begin(t)
			time.Sleep(25 * time.Hour)
			s.has = newer
			require.NoError(t, push(t, s))
			require.Equal(t, []string{newer}, keyed(s))
		})
	})
	t.Run("1.4_begun_by_the_plugin", func(t *testing.T) {
		t.Parallel()
		// It signs with the new secret at once. The host has put the new one into Secret and the old one into OldSecrets.
		w := wire(t, "d", kitgenix.Pair{StoreID: "e", Secret: newer, OldSecrets: []string{secret}})
		h := w.Handler(&node{id: "d", role: stocksync.RoleChild})
		require.Equal(t, 200, ask(h, signed(t, "ping", `{}`, "e", newer)).Code)
		require.Equal(t, 200, ask(h, signed(t, "ping", `{}`, "e", secret)).Code, "an option row written back")
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := wire(t, "d", kitgenix.Pair{StoreID: "e", Secret: secret}, kitgenix.Pair{StoreID: "f", Secret: newer})
		until := time.Now().Add(time.Hour)
		require.ErrorContains(t, w.Rotate("x", kitgenix.Rotation{Secret: newer, Until: until}), "no pair")
		require.ErrorContains(t, w.Rotate("e", kitgenix.Rotation{Secret: "short", Until: until}), "Rotation.Secret")
		require.ErrorContains(t, w.Rotate("e", kitgenix.Rotation{Secret: newer, Until: until}), "another pair")
		require.ErrorContains(t, w.Rotate("e", kitgenix.Rotation{Secret: secret, Until: until}), "same secret")
		require.ErrorContains(t, w.Rotate("e", kitgenix.Rotation{Secret: newer + "2"}), "Until")
		require.ErrorContains(t, w.ForceRotation("e"), "not being rotated")
		require.ErrorContains(t, w.ForceRotation("x"), "no pair")
	})
	t.Run("1.4_secret_as_pasted", func(t *testing.T) {
		t.Parallel()
		const raw = "k9Zq3 tWv8<YbE2nRf6%41LmPx4Ju7Hs"
		pasted := hmacauth.PastedIntoWordPress(raw)
		require.NotEqual(t, raw, pasted)
		h := wire(t, "d", kitgenix.Pair{StoreID: "e", Secret: raw, OldSecrets: []string{pasted}}).Handler(&node{role: stocksync.RoleMaster})
		require.Equal(t, 200, ask(h, signed(t, "ping", `{}`, "e", raw)).Code)
		require.Equal(t, 200, ask(h, signed(t, "ping", `{}`, "e", pasted)).Code)
	})
}
