package hmacauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
)

// stamped is a request with the given text for a timestamp, rightly signed over it.
func (f *fixture) stamped(text string) *http.Request {
	r := f.request("{}")
	switch f.letter {
	case "K":
		r.Header.Set("X-Kitgenix-Timestamp", text)
		r.Header.Set(f.sig, f.withMAC(hmacOf(secret, text+"\n"+r.Header.Get("X-Kitgenix-Nonce")+"\n{}")))
	case "S":
		r.Header.Set("Webhook-Timestamp", text)
		r.Header.Set(f.sig, f.withMAC(hmacOf(secret, r.Header.Get("Webhook-Id")+"."+text+".{}")))
	case "R":
		expires := text
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n < 1<<61 {
			expires = strconv.FormatInt(n+300, 10)
		}
		params := goodParams("store-b", "tillwire", time.Now())
		_, rest, _ := strings.Cut(params, ";nonce=")
		forge9421(f.t, r, secret, required, ";created="+text+";expires="+expires+";nonce="+rest)
	}
	return r
}

var replayRows = []attack{
	{"A-44", "flood of nonces with bad MACs", "KSR", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		r.Header.Set(f.sig, f.withMAC(make([]byte, 32)))
		for i := range count(1_000_000, 10_000) {
			c := again(r, "{}")
			switch f.letter {
			case "K":
				c.Header["X-Kitgenix-Nonce"] = []string{"flooding-" + strconv.Itoa(i)}
			case "S":
				c.Header["Webhook-Id"] = []string{"flooding-" + strconv.Itoa(i)}
			default:
				c.Header["Signature-Input"] = []string{strings.Replace(r.Header.Get("Signature-Input"), `nonce="`, `nonce="`+strconv.Itoa(i), 1)}
			}
			_, _, err := f.v.Verify(c)
			if !errors.Is(err, hmacauth.ErrSignature) {
				t.Fatal(err)
			}
		}
		require.Zero(t, f.store.calls.Load())
	}},
	{"A-45", "bad MAC first with a nonce to come", "KSR", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		good := r.Header.Get(f.sig)
		bad := again(r, "{}")
		bad.Header.Set(f.sig, f.withMAC(make([]byte, 32)))
		for range 3 {
			f.refused(again(bad, "{}"), 401)
		}
		f.refused(again(r, "[]"), 401, "another body under the right headers")
		f.accepted(again(withHeader(r, f.sig, good), "{}"))
	}},
	{"A-46", "two hundred at once", "KSR", func(t *testing.T, f *fixture) {
		for _, instances := range []int{1, 3} {
			store := &watchedStore{NonceStore: memory()}
			var all []*fixture
			for range instances {
				all = append(all, newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Nonces = store }))
			}
			for range count(1000, 50) {
				r := f.request("{}")
				var accepted, replays atomic.Int64
				var wg sync.WaitGroup
				for i := range 200 {
					wg.Go(func() {
						switch err := all[i%instances].reason(again(r, "{}")); {
						case err == nil:
							accepted.Add(1)
						case errors.Is(err, hmacauth.ErrReplay):
							replays.Add(1)
						}
					})
				}
				wg.Wait()
				require.Equal(t, [2]int64{1, 199}, [2]int64{accepted.Load(), replays.Load()})
			}
		}
	}},
	{"A-47", "replay under another store's id", "K", func(t *testing.T, f *fixture) {
		_, err := hmacauth.StaticKeys(f.key, newKey(t, "store-c", secret))
		require.ErrorContains(t, err, "one secret", "refused where it can be seen")
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
			c.Keys = hmacauth.KeysFunc(func(_ context.Context, id string) ([]hmacauth.Key, error) {
				return []hmacauth.Key{newKey(t, id, secret)}, nil // a host that gave both stores one secret
			})
		})
		r := f.request("{}")
		f.accepted(again(r, "{}"))
		f.refused(withHeader(again(r, "{}"), "X-Kitgenix-Store-Id", "store-c"), 401)
		require.Equal(t, int64(1), f.v.Stats().Refused[hmacauth.ErrReplay])
	}},
	{"A-48", "our own request sent back", "KR", func(t *testing.T, f *fixture) {
		// We are store-a; store-b shares our secret. What we sent comes back under either name.
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
			c.Self = "store-a"
			c.Keys = hmacauth.KeysFunc(func(_ context.Context, id string) ([]hmacauth.Key, error) {
				return []hmacauth.Key{newKey(t, id, secret)}, nil
			})
		})
		ours := hmacauth.Signer{Profile: f.profile, Key: newKey(t, "store-a", secret), Sent: f.store}
		r := hmacauthtest.NewRequest(t, ours, http.MethodPost, "/event", []byte("{}"))
		f.refused(again(r, "{}"), 401, "under our name")
		if f.letter == "K" {
			f.refused(withHeader(again(r, "{}"), "X-Kitgenix-Store-Id", "store-b"), 401, "under the peer's name")
			require.Equal(t, int64(2), f.v.Stats().Refused[hmacauth.ErrReplay])
		}
		// Without the register of what was sent, our own name alone is recognised.
		ours.Sent = nil
		f.refused(hmacauthtest.NewRequest(t, ours, http.MethodPost, "/event", []byte("{}")), 401)
		require.Equal(t, int64(1), f.v.Stats().Refused[hmacauth.ErrReflected])
		// The tag tells directions apart, too.
		if f.letter == "R" {
			other := hmacauth.Signer{Profile: hmacauth.RFC9421{Tag: "other-way"}, Key: newKey(t, "store-b", secret)}
			f.refused(hmacauthtest.NewRequest(t, other, http.MethodPost, "/event", []byte("{}")), 401)
		}
	}},
	{"A-49", "parts of the nonce key run together", "KSR", func(t *testing.T, _ *fixture) {
		pairs := [][2]string{{"a|b", "c"}, {"a", "b|c"}, {"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}, {"a\x00", "b"}, {"a", "\x00b"}}
		store := memory()
		seen := map[[32]byte]bool{}
		for _, p := range pairs {
			fresh, err := store.Reserve(t.Context(), p[0], p[1], time.Now().Add(time.Minute))
			require.NoError(t, err)
			require.True(t, fresh, p)
			require.False(t, seen[hmacauth.NonceDigest(p[0], p[1])], p)
			seen[hmacauth.NonceDigest(p[0], p[1])] = true
		}
	}},
	{"A-50", "replay later or after a restart or with the clock set back", "KSR", func(t *testing.T, f *fixture) {
		for _, lead := range []time.Duration{0, 300 * time.Second, -300 * time.Second} { // how far the sender's clock is ahead
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ours := func() time.Time { return time.Now().Add(-lead) }
				store := memory()
				store.SetClocks(ours, func() time.Duration { return time.Since(start) })
				f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Nonces = store })
				f.v.SetNow(ours)
				r := f.request("{}")
				f.accepted(again(r, "{}"))
				for _, at := range []int{1, 299, 300, 301, 599, 600, 601, 659, 660, 661, 662, 1000, 100_000} {
					time.Sleep(time.Until(start.Add(time.Duration(at) * time.Second)))
					f.refused(again(r, "{}"), 401, "at", at)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) { // restart
			f := newFixture(t, f.setup)
			r := f.request("{}")
			f.accepted(again(r, "{}"))
			for range 4 {
				f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Nonces = hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{}) })
				w := f.deliver(again(r, "{}"))
				require.Equal(t, 503, w.Code)
				require.NotEmpty(t, w.Header().Get("Retry-After"))
				require.Zero(t, f.served.Load())
				f.refused(withHeader(again(r, "{}"), f.sig, f.withMAC(make([]byte, 32))), 401, "told only to whoever has the key")
				time.Sleep(time.Second)
				f.accepted(f.request("{}"), "signed since")
			}
			// A sender whose clock is ahead, and a host that reckons with it.
			f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
				c.Nonces = hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Now().Add(300 * time.Second)})
			})
			ahead := f.stamped(strconv.FormatInt(time.Now().Unix()+290, 10))
			f.refused(ahead, 503)
			time.Sleep(301 * time.Second)
			f.accepted(f.request("{}"))
		})
		for _, stepAt := range []time.Duration{0, 100 * time.Second, 299 * time.Second, 650 * time.Second, 700 * time.Second} { // set back by ten minutes
			start := time.Unix(1_800_000_000, 0)
			var passed, back time.Duration
			wall := func() time.Time { return start.Add(passed - back) }
			store := memory()
			store.SetClocks(wall, func() time.Duration { return passed })
			f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Nonces = store })
			f.v.SetNow(wall)
			r := f.stamped("1800000000")
			f.accepted(again(r, "{}"))
			for passed = 0; passed < 1500*time.Second; passed += 10 * time.Second {
				if passed >= stepAt {
					back = 600 * time.Second
				}
				for i := range 100 { // others come, so that every shard cleans up
					_, _ = store.Reserve(t.Context(), "other", fmt.Sprint(passed, i), wall().Add(660*time.Second))
				}
				w := f.deliver(again(r, "{}"))
				require.Contains(t, []int{401, 503}, w.Code, "stepped at %v, passed %v", stepAt, passed)
				require.Equal(t, int64(1), f.served.Load())
			}
		}
		{ // set forward by an hour and back again
			start := time.Unix(1_800_000_000, 0)
			var passed, forward time.Duration
			wall := func() time.Time { return start.Add(passed + forward) }
			store := memory()
			store.SetClocks(wall, func() time.Duration { return passed })
			f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Nonces = store })
			f.v.SetNow(wall)
			r := f.stamped("1800000000")
			f.accepted(again(r, "{}"))
			passed, forward = 60*time.Second, time.Hour
			for i := range 1000 { // every shard cleans up
				_, _ = store.Reserve(t.Context(), "other", fmt.Sprint(i), wall().Add(660*time.Second))
			}
			forward = 0
			f.refused(again(r, "{}"), 401)
		}
	}},
	{"A-51", "replay of a webhook", "W", func(t *testing.T, f *fixture) {
		// The profile cannot see it. What a delivery sets off must be a reading anew: the engine's part has this id as well.
		r := f.request(`{"id":794}`)
		for n := range 3 {
			f.accepted(again(r, `{"id":794}`))
			require.Equal(t, int64(n+1), f.served.Load())
			require.Equal(t, `{"id":794}`, string(f.body))
			require.Zero(t, f.from.SignedAt)
		}
		require.Zero(t, f.store.calls.Load())
	}},
	{"A-52", "timestamps out of range", "KSR", func(t *testing.T, f *fixture) {
		now := strconv.FormatInt(time.Now().Unix(), 10)
		for _, text := range []string{
			"0", "1", "-1", "-" + now, "2147483648", "1099511627776", "9223372036854775807", "9223372036854775808", "18446744073709551615",
			"99999999999999999999", "00000000000", "0" + now, "+" + now, " " + now, now + " ", now + ".0", now + "e0", "0x" + strconv.FormatInt(time.Now().Unix(), 16),
			now[:5] + "_" + now[5:], "1e9", "", "NaN", now + "0", now + "00", "99999999999", "-0", "٣", "－1",
		} {
			f.refused(f.stamped(text), 401, text)
		}
		for _, far := range []int64{1 << 31, 1 << 32, 1 << 33, -(1 << 32), 1 << 35} { // the same again once 32 bits are full
			f.refused(f.stamped(strconv.FormatInt(time.Now().Unix()+far, 10)), 401, far)
		}
		if f.letter != "R" { // signed over the plain form, sent in another that means the same
			for _, text := range []string{"0" + now, "00" + now, "+" + now, " " + now, now + " "} {
				r := f.stamped(now)
				for _, h := range []string{"X-Kitgenix-Timestamp", "Webhook-Timestamp"} {
					if r.Header.Get(h) != "" {
						r.Header.Set(h, text)
					}
				}
				f.refused(r, 401, text)
			}
		}
		for n := 31; n < 64; n++ {
			f.refused(f.stamped(strconv.FormatUint(1<<n, 10)), 401, n)
		}
		f.accepted(f.stamped(now))
	}},
	{"A-53", "edges of the skew", "KSR", func(t *testing.T, f *fixture) {
		edges := map[int64]int{-301: 401, -300: 200, -299: 200, 0: 200, 299: 200, 300: 200, 301: 401}
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, f.setup)
			time.Sleep(300 * time.Millisecond) // fractions of seconds do not count
			for at, status := range edges {
				f.expect(f.stamped(strconv.FormatInt(time.Now().Unix()+at, 10)), status, at)
			}
			require.Equal(t, int64(1), f.v.Stats().Refused[hmacauth.ErrStale])
			require.Equal(t, int64(1), f.v.Stats().Refused[hmacauth.ErrFuture])
		})
		for _, step := range []time.Duration{-time.Hour, time.Hour} { // a clock that is set while the process runs
			f := newFixture(t, f.setup)
			clock := time.Now()
			f.v.SetNow(func() time.Time { return clock })
			f.accepted(f.stamped(strconv.FormatInt(clock.Unix(), 10)))
			clock = clock.Add(step).Round(0)
			for at, status := range edges {
				f.expect(f.stamped(strconv.FormatInt(clock.Unix()+at, 10)), status, at)
			}
		}
		short := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Skew = 5 * time.Second })
		now := time.Now().Truncate(time.Second)
		short.v.SetNow(func() time.Time { return now })
		for at, status := range map[int64]int{-6: 401, -5: 200, 5: 200, 6: 401} {
			short.expect(short.stamped(strconv.FormatInt(now.Unix()+at, 10)), status, at)
		}
		if f.letter == "R" { // expires ends it sooner, and may not be later than 300 s after created
			f.v.SetNow(func() time.Time { return now })
			for _, p := range []struct {
				created, expires int64
				status           int
			}{
				{-10, 0, 200}, {-10, -1, 401}, {0, 300, 200}, {0, 301, 401}, {0, -1, 401}, {10, 5, 401},
			} {
				r := bare(t, "POST", "/event", "{}")
				params := goodParams("store-b", "tillwire", now)
				_, rest, _ := strings.Cut(params, ";nonce=")
				forge9421(t, r, secret, required, fmt.Sprintf(";created=%d;expires=%d;nonce=%s", now.Unix()+p.created, now.Unix()+p.expires, rest))
				f.expect(r, p.status, p)
			}
		}
	}},
	{"A-54", "nonce store full or slow or failing", "KSR", func(t *testing.T, f *fixture) {
		unavailable := func(f *fixture) {
			f.t.Helper()
			w := f.deliver(f.request("{}"))
			require.Equal(f.t, 503, w.Code)
			require.NotEmpty(f.t, w.Header().Get("Retry-After"))
			require.Zero(f.t, f.served.Load())
		}
		full := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
			c.Nonces = hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Max: 10, Since: time.Unix(1, 0)})
		})
		var first *http.Request
		for range 10 {
			first = full.request("{}")
			full.accepted(again(first, "{}"))
		}
		w := full.deliver(full.request("{}"))
		require.Equal(t, 503, w.Code)
		require.Equal(t, "5", w.Header().Get("Retry-After"))
		full.refused(again(first, "{}"), 401, "none of those it holds was given up")
		require.ErrorIs(t, full.reason(full.request("{}")), hmacauth.ErrNonceFull)

		synctest.Test(t, func(t *testing.T) { // and no goroutine outlives the bubble
			store := &faultyStore{}
			f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Nonces = store })
			for _, fault := range []func(context.Context) (bool, error){
				func(context.Context) (bool, error) { return true, errors.New("no disk") },
				func(context.Context) (bool, error) { panic("nil map") },
				func(context.Context) (bool, error) { time.Sleep(10 * time.Second); return true, nil },
				func(ctx context.Context) (bool, error) { <-ctx.Done(); return true, ctx.Err() },
			} {
				store.do.Store(&fault)
				start := time.Now()
				unavailable(f)
				require.LessOrEqual(t, time.Since(start), 250*time.Millisecond)
			}
			// The fifth failure in a row opens the breaker: the store is left alone for two seconds.
			unavailable(f)
			calls := store.calls.Load()
			for range 20 {
				unavailable(f)
			}
			require.Equal(t, calls, store.calls.Load())
			time.Sleep(2 * time.Second)
			fine := func(context.Context) (bool, error) { return true, nil }
			store.do.Store(&fine)
			f.accepted(f.request("{}"))
			// A store that is slow now and then is no reason to leave it alone.
			time.Sleep(20 * time.Second)
		})
	}},
	{"A-55", "nonce store loses its data", "KSR", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		f.accepted(again(r, "{}"))
		f.refused(again(r, "{}"), 401)
		f.store.NonceStore = memory() // as after FLUSHDB
		f.accepted(again(r, "{}"), "within its time the replay reaches the engine, whose ledger must make nothing of it")
		require.Equal(t, int64(2), f.served.Load())
	}},
}

// faultyStore does what it is told.
type faultyStore struct {
	do    atomic.Pointer[func(context.Context) (bool, error)]
	calls atomic.Int64
}

func (s *faultyStore) Reserve(ctx context.Context, _, _ string, _ time.Time) (bool, error) {
	s.calls.Add(1)
	return (*s.do.Load())(ctx)
}
