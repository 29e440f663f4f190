package hmacauthtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
)

// Suite says how to make a store and how much to do with it.
type Suite struct {
	// Open returns n handles of one new, empty store, as n processes would hold them. A store of one process returns itself n times.
	Open func(t *testing.T, n int) []hmacauth.NonceStore
	// Rounds is how often a crowd races for one request. Default 20.
	Rounds int
	// Crowd is how many goroutines race. Default 200.
	Crowd int
}

// Run holds the store to every must of [hmacauth.NonceStore] that can be seen from outside.
func Run(t *testing.T, s Suite) {
	if s.Rounds == 0 {
		s.Rounds = 20
	}
	if s.Crowd == 0 {
		s.Crowd = 200
	}
	t.Run("OnceOnly", s.onceOnly)
	t.Run("PairsStayApart", s.pairsStayApart)
	t.Run("LongAndStrange", s.longAndStrange)
	t.Run("NothingLiveIsForgotten", s.nothingLiveIsForgotten)
	t.Run("ManyAtOnceAreAllFresh", s.manyAtOnce)
	t.Run("EndsWithItsContext", s.endsWithItsContext)
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("OneWinner/%d", n), func(t *testing.T) { s.oneWinner(t, n) })
	}
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func reserve(t *testing.T, s hmacauth.NonceStore, fingerprint, nonce string, want bool) {
	t.Helper()
	fresh, err := s.Reserve(t.Context(), fingerprint, nonce, in(11*time.Minute))
	if err != nil {
		t.Fatalf("Reserve(%q, %q): %v", fingerprint, nonce, err)
	}
	if fresh != want {
		t.Fatalf("Reserve(%q, %q): fresh is %t, want %t", fingerprint, nonce, fresh, want)
	}
}

func (s Suite) onceOnly(t *testing.T) {
	all := s.Open(t, 3)
	reserve(t, all[0], "key", "one", true)
	for range 3 {
		for _, store := range all {
			reserve(t, store, "key", "one", false)
		}
	}
	reserve(t, all[1], "key", "two", true)
	reserve(t, all[2], "key", "two", false)
	// A later end, or an earlier one, does not make it fresh.
	for _, d := range []time.Duration{time.Second, time.Minute, 24 * time.Hour} {
		if fresh, err := all[0].Reserve(t.Context(), "key", "one", in(d)); fresh || err != nil {
			t.Fatalf("with another end: fresh %t, %v", fresh, err)
		}
	}
}

func (s Suite) pairsStayApart(t *testing.T) {
	store := s.Open(t, 1)[0]
	for _, pair := range [][2]string{
		{"a|b", "c"}, {"a", "b|c"}, {"a|", "b|c"}, {"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}, {"a\x00", "b"}, {"a", "\x00b"},
		{"key", "nonce"}, {"key", "Nonce"}, {"KEY", "nonce"}, {"key", "nonce "}, {"key ", "nonce"}, {"key", " nonce"}, {"nonce", "key"},
		{"key", "é"}, {"key", "e\u0301"}, {"key", "e"},
	} {
		reserve(t, store, pair[0], pair[1], true)
		reserve(t, store, pair[0], pair[1], false)
	}
}

func (s Suite) longAndStrange(t *testing.T) {
	store := s.Open(t, 1)[0]
	for _, nonce := range []string{
		strings.Repeat("n", 256), strings.Repeat("n", 255), strings.Repeat("n", 255) + "m", "'; drop table nonces; --", "%s%n", "\xff\xfe",
		"🦉", "line\nbreak", "\\", `"`, "?", "{now}", "*",
	} {
		reserve(t, store, strings.Repeat("f", 256), nonce, true)
		reserve(t, store, strings.Repeat("f", 256), nonce, false)
	}
}

func (s Suite) nothingLiveIsForgotten(t *testing.T) {
	store := s.Open(t, 1)[0]
	reserve(t, store, "key", "first", true)
	for i := range 1500 {
		reserve(t, store, "key", fmt.Sprint("other ", i), true)
	}
	reserve(t, store, "key", "first", false)
	reserve(t, store, "key", "other 0", false)
	reserve(t, store, "key", "other 1499", false)
}

func (s Suite) manyAtOnce(t *testing.T) {
	all := s.Open(t, 3)
	var failed atomic.Int64
	var wg sync.WaitGroup
	for i := range s.Crowd {
		wg.Go(func() {
			fresh, err := all[i%3].Reserve(t.Context(), "key", fmt.Sprint("of my own ", i), in(time.Minute))
			if !fresh || err != nil {
				failed.Add(1)
				t.Errorf("nonce %d: fresh %t, %v", i, fresh, err)
			}
		})
	}
	wg.Wait()
}

func (s Suite) endsWithItsContext(t *testing.T) {
	store := s.Open(t, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if fresh, err := store.Reserve(ctx, "key", "late", in(time.Minute)); err == nil && !fresh {
		t.Fatal("a nonce that nobody had was called a replay")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Fatalf("with a context that had ended it took %v", took)
	}
}

// oneWinner lets a crowd deliver one valid request to n verifiers: exactly one delivery is let in, round after round.
func (s Suite) oneWinner(t *testing.T, n int) {
	key, err := hmacauth.NewKey("sender", hmacauth.GenerateSecret())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hmacauth.StaticKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	var verifiers []*hmacauth.Verifier
	for _, store := range s.Open(t, n) {
		v, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{
			Profile: hmacauth.Kitgenix{}, Keys: keys, Nonces: remembering{store}, NonceTimeout: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		verifiers = append(verifiers, v)
	}
	signer := hmacauth.Signer{Profile: hmacauth.Kitgenix{}, Key: key}
	for round := range s.Rounds {
		r := NewRequest(t, signer, http.MethodPost, "/event", nil)
		var accepted, replays atomic.Int64
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range s.Crowd {
			wg.Go(func() {
				<-begin
				switch _, _, err := verifiers[i%n].Verify(r.Clone(t.Context())); {
				case err == nil:
					accepted.Add(1)
				case errors.Is(err, hmacauth.ErrReplay):
					replays.Add(1)
				default:
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		close(begin)
		wg.Wait()
		if accepted.Load() != 1 || replays.Load() != int64(s.Crowd-1) {
			t.Fatalf("round %d: %d accepted and %d replays of %d deliveries", round, accepted.Load(), replays.Load(), s.Crowd)
		}
	}
}

// remembering hides that a store forgets when its process ends: nothing ends here.
type remembering struct{ hmacauth.NonceStore }
