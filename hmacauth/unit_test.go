package hmacauth_test

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
)

func TestGenerateSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	counts := map[rune]int{}
	const n = 2000
	for range n {
		s := hmacauth.GenerateSecret()
		require.Regexp(t, `^[A-Za-z0-9]{43}$`, s)
		require.GreaterOrEqual(t, float64(len(s))*math.Log2(62), 256.0)
		require.False(t, seen[s])
		require.NoError(t, hmacauth.CheckSecret(s))
		require.Equal(t, s, hmacauth.PastedIntoWordPress(s))
		seen[s] = true
		for _, c := range s {
			counts[c]++
		}
	}
	require.Len(t, counts, 62)
	for c, got := range counts { // 1387 each; one in a billion is beyond six deviations of 37
		require.InDelta(t, n*43/62, got, 6*38, string(c))
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"abcdefgh<ijklmnopqrst":     `"<"`,
		"abcdefgh%4fijklmnopqrst":   `"%"`,
		"abcdefgh  ijklmnopqrst":    "spaces",
		"abcdefgh\tijklmnopqrst":    "spaces",
		" abcdefghijklmnopqrst":     "begins or ends",
		"abcdefghijklmnopqrst ":     "begins or ends",
		"abcdefghijklmn\xffopqrst":  "UTF-8",
		"short":                     "fewer than 16",
		"":                          "empty",
		"abcdefgh%4gij>kl&m\"n o'p": "",
	} {
		err := hmacauth.CheckSecret(s)
		if want == "" {
			require.NoError(t, err, s)
			require.Equal(t, s, hmacauth.PastedIntoWordPress(s))
			continue
		}
		require.ErrorContains(t, err, want, s)
		if len(s) > 5 {
			require.NotContains(t, err.Error(), "abcdefgh")
		}
	}
	for typed, kept := range map[string]string{
		"a<b>c</b>d":              "acd",
		"a < b":                   "a &lt; b",
		"a<b":                     "a&lt;b",
		"a%%4f4fb":                "ab",
		"x%20  y":                 "x y",
		"  x\r\n\ty ":             "x y",
		"1<script>evil</script>2": "12",
		"plain":                   "plain",
		"a>b":                     "a>b",
	} {
		require.Equal(t, kept, hmacauth.PastedIntoWordPress(typed), typed)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a,b", "a\nb", `a"b`, "a\x00", " a", "a ", strings.Repeat("a", 129), "a\xff"} {
		_, err := hmacauth.NewKey(id, secret)
		require.Error(t, err, id)
	}
	k := newKey(t, "store-b", secret)
	other, err := k.WithID("store-c")
	require.NoError(t, err)
	require.Equal(t, k.Fingerprint(), other.Fingerprint())
	require.Equal(t, "store-c", other.ID())
	require.NotEqual(t, k.Fingerprint(), newKey(t, "store-b", another).Fingerprint())
	require.Len(t, k.Fingerprint(), 32)
	_, err = k.WithID("a,b")
	require.Error(t, err)
	require.True(t, hmacauth.Key{}.IsZero())
	require.Empty(t, hmacauth.Key{}.AppendMAC(nil, []byte("x")))
	require.Equal(t, hmacOf(secret, "x"), k.AppendMAC(nil, []byte("x")))
}

func TestMemoryNonces(t *testing.T) {
	t.Parallel()
	hmacauthtest.Run(t, hmacauthtest.Suite{Rounds: count(1000, 50), Open: func(_ *testing.T, n int) (all []hmacauth.NonceStore) {
		store := memory()
		for range n {
			all = append(all, store)
		}
		return all
	}})
}

// What is over is dropped, so that the size follows the traffic; and a full store has room again when its time has come.
func TestMemoryNoncesForgetInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Max: 5000})
		reserve := func(nonce string) error {
			fresh, err := store.Reserve(t.Context(), "k", nonce, time.Now().Add(time.Minute))
			require.Equal(t, err == nil, fresh)
			return err
		}
		for i := range 5000 {
			require.NoError(t, reserve(fmt.Sprint(i)))
		}
		require.ErrorIs(t, reserve("one more"), hmacauth.ErrNonceFull)
		require.Equal(t, 5000, store.Len())
		time.Sleep(59 * time.Second)
		require.ErrorIs(t, reserve("one more"), hmacauth.ErrNonceFull)
		time.Sleep(3 * time.Second)
		require.NoError(t, reserve("one more"))
		require.Equal(t, 1, store.Len())
		for i := range 50_000 { // 50 a second for a thousand seconds
			require.NoError(t, reserve(fmt.Sprint("steady ", i)))
			time.Sleep(20 * time.Millisecond)
			require.Less(t, store.Len(), 50*60+50*40, i)
		}
	})
}

func TestBesideSharesOneNonce(t *testing.T) {
	t.Parallel()
	key := newKey(t, "store-b", secret)
	s := hmacauth.Signer{Profile: hmacauth.Kitgenix{}, Beside: hmacauth.RFC9421{}, Key: key}
	for _, order := range [][2]hmacauth.Profile{{hmacauth.Kitgenix{}, hmacauth.RFC9421{}}, {hmacauth.RFC9421{}, hmacauth.Kitgenix{}}} {
		store := memory()
		verifier := func(p hmacauth.Profile) *hmacauth.Verifier {
			v, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: p, Keys: static(t, key), Nonces: store})
			require.NoError(t, err)
			return v
		}
		r := hmacauthtest.NewRequest(t, s, http.MethodPost, "/event", []byte("{}"))
		id, _, err := verifier(order[0]).Verify(again(r, "{}"))
		require.NoError(t, err)
		require.Equal(t, "store-b", id.KeyID)
		_, _, err = verifier(order[1]).Verify(again(r, "{}"))
		require.ErrorIs(t, err, hmacauth.ErrReplay, "the other half is no request of its own")
	}
	s.Beside = hmacauth.Kitgenix{}
	r, err := http.NewRequest(http.MethodPost, "https://example.com/", nil)
	require.NoError(t, err)
	require.ErrorContains(t, s.Sign(r), "Signer.Beside")
}

func TestOneOf(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setups[0], func(c *hmacauth.VerifierConfig) { c.Profile = hmacauth.OneOf{hmacauth.RFC9421{}, hmacauth.Kitgenix{}} })
	f.accepted(f.request("{}"))
	require.Equal(t, "kitgenix", f.from.Profile)
	both := f.signer
	both.Beside = hmacauth.RFC9421{}
	r := hmacauthtest.NewRequest(t, both, http.MethodPost, "/event", []byte("{}"))
	broken := again(r, "{}")
	broken.Header.Set("Signature", "tillwire=:"+strings.Repeat("A", 43)+"=:")
	f.refused(broken, 401, "the wrong one is there, so the right one does not count")
	stripped := again(r, "{}")
	f.accepted(again(r, "{}"))
	require.Equal(t, "rfc9421", f.from.Profile)
	stripped.Header.Del("Signature")
	stripped.Header.Del("Signature-Input")
	f.refused(stripped, 401, "its nonce is used up")
	none := again(r, "{}")
	none.Header = http.Header{}
	f.refused(none, 401)
	get := hmacauthtest.NewRequest(t, hmacauth.Signer{Profile: hmacauth.RFC9421{}, Key: f.key}, http.MethodGet, "/event", nil)
	f.refused(get, 405, "not every one of them signs the method")
	for _, p := range []hmacauth.OneOf{{}, {nil}, {hmacauth.OneOf{hmacauth.Kitgenix{}}}} {
		_, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: p, Keys: f.keys, Nonces: f.store})
		require.ErrorContains(t, err, "OneOf")
	}
	out, err := http.NewRequest(http.MethodPost, "https://example.com/", nil)
	require.NoError(t, err)
	require.ErrorContains(t, hmacauth.Signer{Profile: hmacauth.OneOf{hmacauth.Kitgenix{}}, Key: f.key}.Sign(out), "OneOf")
}

func TestHeaderPrefix(t *testing.T) {
	t.Parallel()
	s := setups[0]
	s.profile = hmacauth.Kitgenix{HeaderPrefix: "x-shop-"}
	f := newFixture(t, s)
	r := f.request("{}")
	require.NotEmpty(t, r.Header.Get("X-Shop-Signature"))
	require.Empty(t, r.Header.Get("X-Kitgenix-Signature"))
	f.accepted(r)
	require.Regexp(t, "^[A-Za-z0-9]{22}$", f.from.Nonce)
	require.WithinDuration(t, time.Now(), f.from.SignedAt, 2*time.Second)
	_, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: hmacauth.Kitgenix{HeaderPrefix: "a:b"}, Keys: f.keys, Nonces: f.store})
	require.ErrorContains(t, err, "HeaderPrefix")
}

func TestStandardWebhooksKeepsItsID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, setups[2])
		out, err := http.NewRequest(http.MethodPost, "https://example.com/event", strings.NewReader("{}"))
		require.NoError(t, err)
		for range 3 { // attempts of one message, each accepted: the first answer may have been lost
			require.NoError(t, f.signer.Sign(out))
			in := again(f.request("{}"), "{}")
			in.Header = out.Header.Clone()
			f.accepted(in)
			require.Equal(t, out.Header.Get("Webhook-Id"), f.from.Nonce)
			time.Sleep(2 * time.Second)
		}
		require.Equal(t, int64(3), f.served.Load())
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	var c hmacauth.Clock
	_, _, known := c.Offset()
	require.False(t, known)
	require.Equal(t, at, c.Correct(at))
	for _, s := range []time.Duration{100, 101, 5000, 99, -4000} { // two of five are nonsense
		c.Observe(at, at.Add(2*time.Second), at.Add(time.Second).Add(s*time.Second))
	}
	offset, doubt, known := c.Offset()
	require.True(t, known)
	require.Equal(t, 100*time.Second+500*time.Millisecond, offset)
	require.Equal(t, 1500*time.Millisecond, doubt)
	require.Equal(t, at.Add(offset), c.Correct(at))
	for range 5 { // old samples go
		c.Observe(at, at, at.Add(20*time.Second))
	}
	require.Equal(t, at, c.Correct(at), "within 30 s nothing is corrected")
	for range 5 {
		c.Observe(at, at, at.Add(2*time.Hour))
	}
	require.Equal(t, at, c.Correct(at), "nobody signs a Date: it may not move us by hours")

	synctest.Test(t, func(t *testing.T) { // and a Transport learns by itself
		clock := &hmacauth.Clock{}
		ahead := 200 * time.Second
		var stamps []string
		s := hmacauth.Signer{Profile: hmacauth.Kitgenix{}, Key: newKey(t, "a", secret), Clock: clock}
		client := &http.Client{Transport: hmacauth.NewTransport(roundTrip(func(r *http.Request) (*http.Response, error) {
			stamps = append(stamps, r.Header.Get("X-Kitgenix-Timestamp"))
			return answer(r, 401, "", "Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat)), nil
		}), s)}
		for range 2 {
			resp, err := client.Post("https://shop.example/ping", "application/json", nil)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		}
		require.Equal(t, []string{fmt.Sprint(time.Now().Unix()), fmt.Sprint(time.Now().Unix() + 200)}, stamps)
	})
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b hmacauth.Breaker
		status, wait := 401, ""
		var sent []time.Time
		wire := b.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, time.Now())
			return answer(r, status, "", "Retry-After", wait), nil
		}))
		send := func(path string) (int, error) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://shop.example"+path, strings.NewReader("{}"))
			require.NoError(t, err)
			resp, err := wire.RoundTrip(r)
			if err != nil {
				var open *hmacauth.OpenError
				require.ErrorAs(t, err, &open)
				require.True(t, open.Systemic())
				require.Positive(t, open.RetryAfter())
				return 0, err
			}
			return resp.StatusCode, resp.Body.Close()
		}
		must := func(path string, want int) {
			t.Helper()
			got, _ := send(path)
			require.Equal(t, want, got)
		}
		// One 401, then a success: nothing happens. A 500 says nothing either way.
		must("/event", 401)
		status = 200
		must("/event", 200)
		status = 401
		must("/event", 401)
		status = 500
		must("/event", 500)
		status = 401
		must("/stock", 401) // the second in a row
		began := len(sent)
		must("/event", 0)
		must("/ping", 0)
		// Probes after 10, 20, 40, 60 and 60 minutes; nothing else passes.
		start := time.Now()
		var probes []int
		for range 190 {
			time.Sleep(time.Minute)
			must("/event", 0)
			if got, _ := send("/ping"); got == 401 {
				probes = append(probes, int(time.Since(start)/time.Minute))
			}
		}
		require.Equal(t, []int{10, 30, 70, 130, 190}, probes)
		require.Len(t, sent, began+5)
		status = 200
		time.Sleep(time.Hour)
		must("/ping", 200)
		must("/event", 200)
		// One 429 is enough, and is not probed before 15 minutes or what it says.
		status = 429
		must("/event", 429)
		time.Sleep(14 * time.Minute)
		must("/ping", 0)
		time.Sleep(3 * time.Minute)
		status, wait = 429, "3600"
		must("/ping", 429)
		time.Sleep(59 * time.Minute)
		must("/ping", 0)
		time.Sleep(8 * time.Minute)
		status = 200
		must("/ping", 200)
		must("/event", 200)
	})
}

// However many want to speak at once, no more than six are refused within ten minutes.
func TestBreakerBoundsRefusals(t *testing.T) {
	t.Parallel()
	for _, every := range []int{1, 2, 3} { // each refused; every second; every third
		synctest.Test(t, func(t *testing.T) {
			var b hmacauth.Breaker
			var n atomic.Int64
			refused := make(chan time.Time, 10_000)
			wire := b.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
				i := n.Add(1)
				time.Sleep(time.Second)
				if int(i)%every == 0 {
					refused <- time.Now()
					return answer(r, 401, ""), nil
				}
				return answer(r, 200, ""), nil
			}))
			for range 40 {
				for range 30 {
					go func() {
						ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
						defer cancel()
						path := "/event"
						r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://shop.example"+path, nil)
						if err != nil {
							t.Error(err)
							return
						}
						if resp, err := wire.RoundTrip(r); err == nil {
							_ = resp.Body.Close()
						}
					}()
				}
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			close(refused)
			var times []time.Time
			for at := range refused {
				times = append(times, at)
				within := 0
				for _, t := range times {
					if at.Sub(t) < 10*time.Minute {
						within++
					}
				}
				require.LessOrEqual(t, within, 6)
			}
			require.NotEmpty(t, times)
		})
	}
}

func TestKeysThatFail(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setups[0], func(c *hmacauth.VerifierConfig) {
		c.Keys = hmacauth.KeysFunc(func(context.Context, string) ([]hmacauth.Key, error) { return nil, errors.New("no database") })
	})
	w := f.deliver(f.request("{}"))
	require.Equal(t, 503, w.Code)
	require.NotContains(t, w.Body.String(), "database")
	err := f.reason(f.request("{}"))
	require.ErrorIs(t, err, hmacauth.ErrKeys)
	require.ErrorContains(t, err, "no database")
	for _, c := range []hmacauth.VerifierConfig{{MaxBody: -1}, {Skew: time.Millisecond}, {Memory: 1000}, {NonceTimeout: -1}} {
		c.Profile, c.Keys, c.Nonces = hmacauth.Kitgenix{}, f.keys, f.store
		_, err := hmacauth.NewVerifier(c)
		require.ErrorContains(t, err, "VerifierConfig")
	}
}

// The core imports the standard library alone.
func TestStandardLibraryAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		checked++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range f.Imports {
			first, _, _ := strings.Cut(strings.Trim(i.Path.Value, `"`), "/")
			require.NotContains(t, first, ".", "%s imports %s", name, i.Path.Value)
		}
	}
	require.Greater(t, checked, 10)
}
