package hmacauthtest

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
)

// Bench measures a store: new nonces one after another and from several goroutines at once, and replays.
func Bench(b *testing.B, open func(b *testing.B) hmacauth.NonceStore) {
	var n atomic.Int64
	next := func() string { return "nonce " + strconv.FormatInt(n.Add(1), 10) }
	one := func(b *testing.B, s hmacauth.NonceStore, nonce string, want bool) {
		if fresh, err := s.Reserve(b.Context(), "key", nonce, time.Now().Add(11*time.Minute)); fresh != want || err != nil {
			b.Errorf("fresh %t, %v", fresh, err)
		}
	}
	b.Run("New", func(b *testing.B) {
		s := open(b)
		for b.Loop() {
			one(b, s, next(), true)
		}
	})
	b.Run("NewParallel", func(b *testing.B) {
		s := open(b)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				one(b, s, next(), true)
			}
		})
	})
	b.Run("Replay", func(b *testing.B) {
		s := open(b)
		one(b, s, "known", true)
		for b.Loop() {
			one(b, s, "known", false)
		}
	})
}
