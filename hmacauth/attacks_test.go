package hmacauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
)

// attack is one row of the attack matrix.
type attack struct {
	id, what string
	on       string // letters of the profiles it applies to
	run      func(t *testing.T, f *fixture)
}

// TestAttacks runs every row for every profile it applies to: -run 'TestAttacks/A-07'.
func TestAttacks(t *testing.T) {
	for _, rows := range [][]attack{constructionRows, headerRows, macRows, bodyRows, bindingRows, replayRows, operationRows, clientRows} {
		for _, a := range rows {
			for _, s := range setups {
				if strings.Contains(a.on, s.letter) {
					t.Run(a.id+"_"+strings.ReplaceAll(a.what, " ", "_")+"/"+s.name, func(t *testing.T) { a.run(t, newFixture(t, s)) })
				}
			}
		}
	}
}

// Every row of the matrix is there.
func TestEveryAttackRowIsTested(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, rows := range [][]attack{constructionRows, headerRows, macRows, bodyRows, bindingRows, replayRows, operationRows, clientRows} {
		for _, a := range rows {
			require.NotEmpty(t, a.on, a.id)
			require.False(t, seen[a.id], a.id)
			seen[a.id] = true
		}
	}
	for n := 1; n <= 66; n++ {
		gap := slices.Contains([]int{9, 18, 19, 26, 27, 28, 29, 39}, n) // numbers the matrix does not use
		require.NotEqual(t, gap, seen[fmt.Sprintf("A-%02d", n)], "A-%02d", n)
	}
}

var constructionRows = []attack{
	{"A-01", "verifier with an empty key", "KWSR", func(t *testing.T, f *fixture) {
		for _, empty := range []string{"", " ", "\t\r\n", "   \u00a0"} {
			_, err := hmacauth.NewKey("a", empty)
			require.Error(t, err)
			_, err = hmacauth.NewShortKey("a", empty)
			require.Error(t, err)
		}
		_, err := hmacauth.NewKey("a", "fifteen-bytes-x")
		require.ErrorContains(t, err, "at least 16")
		_, err = hmacauth.StaticKeys()
		require.Error(t, err)
		_, err = hmacauth.StaticKeys(f.key, hmacauth.Key{})
		require.Error(t, err)
		for field, c := range map[string]hmacauth.VerifierConfig{
			"Keys":    {Profile: f.profile, Nonces: memory()},
			"Profile": {Keys: f.keys, Nonces: memory()},
			"Nonces":  {Profile: f.profile, Keys: f.keys},
		} {
			if v, err := hmacauth.NewVerifier(c); f.letter != "W" || field != "Nonces" {
				require.ErrorContains(t, err, "VerifierConfig."+field)
				require.Nil(t, v)
			}
		}
		r, err := http.NewRequest(http.MethodPost, "https://example.com/", nil)
		require.NoError(t, err)
		for _, s := range []hmacauth.Signer{{}, {Profile: f.profile}, {Profile: f.profile, Key: hmacauth.Key{}}} {
			require.Error(t, s.Sign(r))
			require.Empty(t, r.Header)
		}
	}},
	{"A-02", "provider returns nothing or an empty key", "KWSR", func(t *testing.T, f *fixture) {
		for _, keys := range [][]hmacauth.Key{nil, {}, {{}}, {{}, {}}} {
			f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
				c.Keys = hmacauth.KeysFunc(func(context.Context, string) ([]hmacauth.Key, error) { return keys, nil })
			})
			f.refused(f.request(`{"a":1}`), 401)
			// Signed with the empty key, as anybody can.
			r := f.request("")
			for _, content := range []string{"", r.Header.Get("X-Kitgenix-Timestamp") + "\n" + r.Header.Get("X-Kitgenix-Nonce") + "\n"} {
				r.Header.Set(f.sig, f.withMAC(hmacOf("", content)))
				f.refused(again(r, ""), 401)
			}
			require.Zero(t, f.store.calls.Load())
		}
	}},
}

var headerRows = []attack{
	{"A-03", "header missing", "KWSR", func(t *testing.T, f *fixture) {
		bare := f.request("{}")
		for _, h := range f.headers {
			bare.Header.Del(h)
			r := f.request("{}")
			r.Header.Del(h)
			f.refused(r, 401, h)
		}
		f.refused(bare, 401)
		require.ErrorIs(t, f.reason(again(bare, "{}")), hmacauth.ErrMissing)
	}},
	{"A-04", "header empty", "KWSR", func(t *testing.T, f *fixture) {
		for _, h := range f.headers {
			r := f.request("{}")
			r.Header.Set(h, "")
			f.refused(r, 401, h)
		}
	}},
	{"A-05", "header given twice", "KWSR", func(t *testing.T, f *fixture) {
		for _, h := range f.headers {
			for _, values := range [][2]string{{"v", "v"}, {"v", "other"}, {"other", "v"}, {"v", ""}, {"", "v"}} {
				r := f.request("{}")
				good := r.Header.Get(h)
				r.Header[h] = nil
				for _, v := range values {
					r.Header.Add(h, strings.ReplaceAll(v, "v", good))
				}
				f.refused(r, 401, h, values)
			}
		}
	}},
	{"A-06", "values joined by a proxy", "KWSR", func(t *testing.T, f *fixture) {
		for _, h := range f.headers {
			for _, format := range []string{"%[1]s, %[1]s", "%[1]s,%[1]s", "%s,", "%s, other", "other, %s", ",%s"} {
				r := f.request("{}")
				r.Header.Set(h, strings.TrimSuffix(fmt.Sprintf(format, r.Header.Get(h)), "%!(EXTRA"))
				f.refused(r, 401, h, format)
			}
		}
	}},
	{"A-07", "control bytes and look-alikes", "KWSR", func(t *testing.T, f *fixture) {
		for _, h := range f.headers {
			for _, bad := range []string{"\x00", "\x01", "\n", "\r", "\t", "\x7f", "\x80", "\u0663", "\uff11", "\u0430", "\u200b", "\u00a0"} {
				good := f.request("{}").Header.Get(h)
				for _, at := range []int{0, 1, len(good) / 2, len(good)} {
					r := f.request("{}")
					good := r.Header.Get(h)
					at = min(at, len(good))
					r.Header[h] = []string{good[:at] + bad + good[at:]}
					f.refused(r, 401, h, bad, at)
				}
			}
		}
	}},
	{"A-08", "header names in other spelling", "KWSR", func(t *testing.T, f *fixture) {
		f.overHTTP(func(send func(string) int) {
			for _, spell := range []func(string) string{strings.ToLower, strings.ToUpper, func(s string) string { return s }} {
				require.Equal(t, 200, send(f.raw(f.request("{}"), "{}", spell)))
			}
			underscore := func(s string) string { return strings.ReplaceAll(s, "-", "_") }
			if f.letter != "R" { // whose "Signature" has no hyphen; the others of it are covered by A-03
				require.Equal(t, 401, send(f.raw(f.request("{}"), "{}", underscore)))
			}
			twin := f.raw(f.request("{}"), "{}", func(s string) string { return s })
			twin = strings.Replace(twin, "\r\n\r\n", "\r\n"+underscore(f.headers[0])+": evil\r\n\r\n", 1)
			if underscore(f.headers[0]) != f.headers[0] {
				require.Equal(t, 200, send(twin), "a twin with underscores is another header")
			}
		})
	}},
}

var macRows = []attack{
	{"A-10", "one bit or the key is wrong", "KWSR", func(t *testing.T, f *fixture) {
		wrong := f.signer
		wrong.Key = newKey(t, f.id, another)
		f.refused(hmacauthtest.NewRequest(t, wrong, http.MethodPost, "/event", []byte("{}")), 401)
		body := strings.Repeat(`{"quantity":7}`, 40)
		r := f.request(body)
		good := r.Header.Get(f.sig)
		for bit := range 256 {
			mac := f.mac(t, good)
			mac[bit/8] ^= 1 << (bit % 8)
			r.Header.Set(f.sig, f.withMAC(mac))
			f.refused(again(r, body), 401, "bit", bit)
		}
		r.Header.Set(f.sig, good)
		for range 1000 {
			b := []byte(body)
			b[rand.IntN(len(b))] ^= 1 << rand.IntN(8)
			f.refused(again(r, string(b)), 401)
		}
		for _, h := range []string{"X-Kitgenix-Nonce", "X-Kitgenix-Timestamp", "Webhook-Id", "Webhook-Timestamp", "Signature-Input", "Content-Type"} {
			value := r.Header.Get(h)
			if value == "" || h == "Content-Type" && f.letter != "R" {
				continue
			}
			for i := range len(value) {
				flipped := []byte(value)
				flipped[i] ^= 1
				r.Header.Set(h, string(flipped))
				f.refused(again(r, body), 401, h, i)
			}
			r.Header.Set(h, value)
		}
		require.Zero(t, f.store.calls.Load())
		f.accepted(again(r, body), "the request itself was good all along")
	}},
	{"A-11", "MAC cut short or made longer", "KWSR", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		good := r.Header.Get(f.sig)
		mac := f.mac(t, good)
		for n := range 32 {
			r.Header.Set(f.sig, f.withMAC(mac[:n]))
			f.refused(again(r, "{}"), 401, n)
			r.Header.Set(f.sig, f.withMAC(slices.Concat(mac, mac[:n+1])))
			f.refused(again(r, "{}"), 401, n)
		}
		for n := range len(good) {
			r.Header.Set(f.sig, good[:n])
			f.refused(again(r, "{}"), 401, n)
		}
		f.accepted(again(withHeader(r, f.sig, good), "{}"))
	}},
	{"A-12", "empty or endless list of signatures", "S", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		good := r.Header.Get(f.sig)
		other := f.withMAC(make([]byte, 32))
		for _, list := range []string{
			"v1,", "v1", "v1,=", "v2," + good[3:], "v1, " + good, " ", good + " ", " " + good, "v1, v1,", strings.Repeat("v1, ", 8) + good,
			strings.Repeat(other+" ", 8) + good, strings.Repeat(other+" ", 9999) + good, strings.Repeat("v1,a ", 9999) + good,
		} {
			f.refused(again(withHeader(r, f.sig, list), "{}"), 401, head(list))
		}
		f.accepted(again(withHeader(r, f.sig, strings.Repeat(other+" ", 7)+good), "{}"), "eight are not too many")
		r = f.request("{}")
		f.accepted(again(withHeader(r, f.sig, "v1a,c2lnbmF0dXJl "+r.Header.Get(f.sig)), "{}"), "other versions are passed over")
	}},
	{"A-13", "signature in another encoding", "KWSR", func(t *testing.T, f *fixture) {
		var r *http.Request
		var mac []byte
		body := ""
		for n := 0; ; n++ { // one that has letters of both alphabets of base64
			body = strconv.Itoa(n)
			r = f.request(body)
			mac = f.mac(t, r.Header.Get(f.sig))
			if s := base64.StdEncoding.EncodeToString(mac); strings.Contains(s, "+") && strings.Contains(s, "/") {
				break
			}
		}
		good := r.Header.Get(f.sig)
		wrap := func(text string) string {
			return strings.Replace(good, strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(good, "v1,"), "tillwire=:"), ":"), text, 1)
		}
		std := base64.StdEncoding.EncodeToString(mac)
		forms := []string{
			strings.ToUpper(hex.EncodeToString(mac)), "0x" + hex.EncodeToString(mac), "sha256=" + hex.EncodeToString(mac),
			base64.RawStdEncoding.EncodeToString(mac), base64.URLEncoding.EncodeToString(mac), base64.RawURLEncoding.EncodeToString(mac),
			std + "=", std + " ", " " + std, std[:20] + " " + std[20:], std[:20] + "\n" + std[20:], std[:43] + "\n=", "", string(mac),
		}
		if f.letter == "K" {
			low := hex.EncodeToString(mac)
			forms = append(forms, std, low+" ", " "+low, low+"\n", low[:63], low+"0", strings.Replace(low, low[:1], "\uff11", 1))
		} else {
			forms = append(forms, hex.EncodeToString(mac))
		}
		for _, form := range forms {
			f.refused(again(withHeader(r, f.sig, wrap(form)), body), 401, form)
		}
		f.accepted(again(withHeader(r, f.sig, good), body))
	}},
	{"A-14", "base64 with bits to spare", "WSR", func(t *testing.T, f *fixture) {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		r := f.request("{}")
		good := r.Header.Get(f.sig)
		at := strings.LastIndexByte(good, '=') - 1
		last := strings.IndexByte(alphabet, good[at])
		for spare := 1; spare < 4; spare++ {
			f.refused(again(withHeader(r, f.sig, good[:at]+string(alphabet[last|spare])+good[at+1:]), "{}"), 401)
		}
		f.accepted(again(withHeader(r, f.sig, good), "{}"))
	}},
	{"A-15", "time until the first wrong byte", "KWSR", func(t *testing.T, f *fixture) {
		// Shown by the bytes compared and the MACs computed; BenchmarkTiming has the times.
		keys := []hmacauth.Key{newKey(t, f.id, another), f.key, newKey(t, f.id, another+"2"), newKey(t, f.id, another+"3")}
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
			c.Keys = hmacauth.KeysFunc(func(context.Context, string) ([]hmacauth.Key, error) { return keys, nil })
		})
		work := func(change func(mac []byte)) [2]int64 {
			before := f.v.Stats()
			r := f.request("{}")
			mac := f.mac(t, r.Header.Get(f.sig))
			change(mac)
			f.deliver(withHeader(r, f.sig, f.withMAC(mac)))
			after := f.v.Stats()
			return [2]int64{after.ComparedBytes - before.ComparedBytes, after.MACs - before.MACs}
		}
		want := [2]int64{4 * 32, 4}
		require.Equal(t, want, work(func(mac []byte) { mac[0] ^= 1 }))
		require.Equal(t, want, work(func(mac []byte) { mac[31] ^= 1 }))
		require.Equal(t, want, work(func([]byte) {}), "the key that fits is the second, and all four are tried")
		require.Equal(t, int64(1), f.v.Stats().Accepted)
	}},
	{"A-16", "unknown sender against wrong signature", "KWSR", func(t *testing.T, f *fixture) {
		unknown := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = static(t, newKey(t, "somebody-else", another)) })
		wrong := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = static(t, newKey(t, f.id, another)) })
		for _, body := range []string{"", "{}", strings.Repeat("x", 100_000)} {
			a, b := unknown.deliver(f.request(body)), wrong.deliver(f.request(body))
			require.Equal(t, 401, a.Code)
			require.Equal(t, a.Code, b.Code)
			require.Equal(t, a.Header(), b.Header())
			require.Equal(t, a.Body.String(), b.Body.String())
		}
		a, b := unknown.v.Stats(), wrong.v.Stats()
		require.Equal(t, int64(3), a.DummyMACs)
		require.Zero(t, b.DummyMACs)
		require.Equal(t, [2]int64{3, 96}, [2]int64{a.MACs, a.ComparedBytes}, "the same work")
		require.Equal(t, [2]int64{3, 96}, [2]int64{b.MACs, b.ComparedBytes})
		require.Equal(t, map[hmacauth.Reason]int64{hmacauth.ErrUnknown: 3}, a.Refused)
		require.Equal(t, map[hmacauth.Reason]int64{hmacauth.ErrSignature: 3}, b.Refused)
	}},
	{"A-17", "expected MAC or key in what is said", "KWSR", func(t *testing.T, f *fixture) {
		log, said := logged()
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Logger = log })
		r := f.request(`{"private":"body"}`)
		good := r.Header.Get(f.sig)
		mac := f.mac(t, good)
		broken := slices.Clone(mac)
		broken[0] ^= 1
		w := f.deliver(again(withHeader(r, f.sig, f.withMAC(broken)), `{"private":"body"}`))
		err := f.reason(again(r, `{"private":"body"}`))
		require.ErrorIs(t, err, hmacauth.ErrSignature)
		fmt.Fprintf(said, "%v %+v %#v %s %v", err, err, err, w.Body, w.Header())
		for _, v := range []any{f.key, &f.key, f.signer, f.v.Stats(), struct{ K hmacauth.Key }{f.key}, []any{f.key}, f.keys} {
			fmt.Fprintf(said, "%v %+v %#v %s %q %x", v, v, v, v, v, v)
			text, err := json.Marshal(v)
			if err == nil {
				said.Write(text)
			}
			log.Info("logged", "value", v)
		}
		all := said.String()
		require.Contains(t, all, `"reason":"signature wrong"`)
		forms := [][]byte{mac, []byte(secret)}
		for _, form := range forms {
			for _, text := range []string{
				string(form), hex.EncodeToString(form), strings.ToUpper(hex.EncodeToString(form)), base64.StdEncoding.EncodeToString(form),
				fmt.Sprintf("%v", form), //nolint:staticcheck // as a list of numbers
			} {
				require.NotContains(t, all, text)
			}
		}
		require.NotContains(t, all, "private")
	}},
}

func head(s string) string { return s[:min(len(s), 60)] }

func withHeader(r *http.Request, name, value string) *http.Request {
	r.Header[name] = []string{value}
	return r
}

var bindingRows = []attack{
	{"A-30", "bytes moved between timestamp nonce and body", "KS", func(t *testing.T, f *fixture) {
		lf := map[string]string{"K": "\n", "S": "."}[f.letter]
		for range 200 {
			body := randomText(1 + rand.IntN(12))
			r := f.request(body)
			nonce, stamp := r.Header.Get("X-Kitgenix-Nonce"), r.Header.Get("X-Kitgenix-Timestamp")
			first, second := "X-Kitgenix-Timestamp", "X-Kitgenix-Nonce"
			a, b := stamp, nonce
			if f.letter == "S" {
				first, second = "Webhook-Id", "Webhook-Timestamp"
				a, b = r.Header.Get(first), r.Header.Get(second)
			}
			signed := a + lf + b + lf + body
			for i := range len(signed) {
				for j := i; j < len(signed); j++ {
					for _, cut := range [][3]string{
						{signed[:i], signed[i:j], signed[j:]}, // separators within the parts
						{strings.TrimSuffix(signed[:i], lf), strings.TrimSuffix(signed[i:j], lf), signed[j:]},
					} {
						if cut == [3]string{a, b, body} || cut[0]+lf+cut[1]+lf+cut[2] != signed {
							continue
						}
						c := again(r, cut[2])
						c.Header[first], c.Header[second] = []string{cut[0]}, []string{cut[1]}
						f.refused(c, 401, cut)
					}
				}
			}
			// The same at the core, where there is no header syntax to help.
			m := hmacauth.Message{Timestamp: stamp, Nonce: nonce + "\n" + body[:1], Body: []byte(body[1:])}
			if f.letter == "S" {
				m = hmacauth.Message{Nonce: a + "." + b, Timestamp: body[:1], Body: []byte(body[1:])}
				_, ok := hmacauth.StandardWebhooks{}.Check([]hmacauth.Key{f.key}, m, string(hmacauth.StandardWebhooks{}.AppendSignature(nil, f.key, m)))
				require.False(t, ok)
				continue
			}
			_, ok := hmacauth.Kitgenix{}.Check([]hmacauth.Key{f.key}, m, string(hmacauth.Kitgenix{}.AppendSignature(nil, f.key, m)))
			require.False(t, ok)
		}
		require.Zero(t, f.store.calls.Load())
	}},
	{"A-31", "signature over JSON that was written anew", "W", func(t *testing.T, f *fixture) {
		raw := "{ \"b\": 1.50, \"a\": \"\\u00e9\" }\n"
		var v any
		require.NoError(t, json.Unmarshal([]byte(raw), &v))
		anew, err := json.Marshal(v)
		require.NoError(t, err)
		r := f.request(string(anew))
		f.refused(again(r, raw), 401)
		f.accepted(again(r, string(anew)))
		f.accepted(f.request(raw))
		require.Equal(t, raw, string(f.body))
	}},
	{"A-32", "dot in id or timestamp", "S", func(t *testing.T, f *fixture) {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		for _, m := range [][2]string{{"msg.1", stamp}, {"msg_1.", stamp}, {".msg", stamp}, {"msg", stamp + ".0"}, {"msg", stamp + "."}} {
			r := f.request("{}")
			r.Header.Set("Webhook-Id", m[0])
			r.Header.Set("Webhook-Timestamp", m[1])
			r.Header.Set("Webhook-Signature", f.withMAC(hmacOf(secret, m[0]+"."+m[1]+".{}")))
			f.refused(r, 401, m)
		}
		out, err := http.NewRequest(http.MethodPost, "https://example.com/", nil)
		require.NoError(t, err)
		out.Header.Set("Webhook-Id", "msg.1")
		require.ErrorContains(t, f.signer.Sign(out), "without dot")
	}},
	{"A-33", "components left out or added", "R", func(t *testing.T, f *fixture) {
		try := func(status int, list ...string) {
			t.Helper()
			r := bare(t, "POST", "/event?x=1", "{}")
			forge9421(t, r, secret, list, "")
			f.expect(r, status, list)
		}
		try(200, required...)
		for i := range required {
			try(401, slices.Delete(slices.Clone(required), i, i+1)...)
			try(401, append(slices.Clone(required), required[i])...)
			twice := slices.Clone(required)
			twice[i] = required[(i+1)%len(required)]
			try(401, twice...)
		}
		for _, more := range []string{`"@target-uri"`, `"@unknown"`, `"x-other"`, `"@method";req`, `"content-type";sf`, `"content-digest";tr`, `"Date"`} {
			try(401, append(slices.Clone(required), more)...)
			try(401, append(slices.Clone(required[1:]), more)...)
		}
		backwards := slices.Clone(required)
		slices.Reverse(backwards)
		try(200, backwards...)
		r := bare(t, "POST", "/event?x=1", "{}")
		forge9421(t, r, secret, required, "")
		in := r.Header.Get("Signature-Input")
		f.refused(withHeader(again(r, "{}"), "Signature-Input", strings.Replace(in, `"@path" "@query"`, `"@query" "@path"`, 1)), 401)
		// A content type that is there must be covered; one that is not must not be claimed.
		r = bare(t, "POST", "/event", "{}")
		r.Header.Del("Content-Type")
		forge9421(t, r, secret, slices.DeleteFunc(slices.Clone(required), func(s string) bool { return s == `"content-type"` }), "")
		added := again(r, "{}")
		added.Header.Set("Content-Type", "text/plain")
		f.refused(added, 401)
		f.accepted(again(r, "{}"))
		r = bare(t, "POST", "/event", "{}")
		r.Header.Del("Content-Type")
		forge9421(t, r, secret, required, "")
		f.refused(r, 401)
	}},
	{"A-34", "header names or values swapped", "R", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		a, b := r.Header.Get("Content-Type"), r.Header.Get("Content-Digest")
		r.Header.Set("Content-Type", b)
		r.Header.Set("Content-Digest", a)
		f.refused(again(r, "{}"), 401)
		r.Header.Set("Content-Type", a)
		r.Header.Set("Content-Digest", b)
		in := r.Header.Get("Signature-Input")
		f.refused(again(withHeader(r, "Signature-Input", strings.Replace(in, `"content-type" "content-digest"`, `"content-digest" "content-type"`, 1)), "{}"), 401)
		f.refused(again(withHeader(r, "Signature-Input", strings.Replace(in, `"@path" "@query"`, `"@query" "@path"`, 1)), "{}"), 401)
		f.accepted(again(withHeader(r, "Signature-Input", in), "{}"))
	}},
	{"A-35", "content digest missing weak or wrong", "R", func(t *testing.T, f *fixture) {
		sha512 := "sha-512=:" + base64.StdEncoding.EncodeToString(sum512("{}")) + ":"
		for digest, status := range map[string]int{
			digest256("{}"):                                           200,
			sha512:                                                    200,
			digest256("{}") + ", " + sha512:                           200,
			digest256("{}") + ", sha-1024=:AAAA:":                     200,
			digest256("x"):                                            401,
			digest256(""):                                             401,
			digest256("{}") + ", sha-512=:AAAA:":                      401,
			digest256("x") + ", " + sha512:                            401,
			digest256("{}") + ", " + digest256("x"):                   401,
			"md5=:mZFLkyvTelC5g8XnyQrpOw==:":                          401,
			digest256("{}") + ", md5=:mZFLkyvTelC5g8XnyQrpOw==:":      401,
			"sha=:vyGp6PvFo4RvsFtPoIWeCReyIC8=:, " + digest256("{}"):  401,
			"sha-1024=:AAAA:":                                         401,
			strings.Replace(digest256("{}"), "sha-256", "SHA-256", 1): 401,
			strings.Trim(digest256("{}"), ":"):                        401,
			digest256("{}") + ",":                                     401,
			digest256("{}") + ";q=1":                                  401,
			"sha-256=" + strings.Trim(strings.TrimPrefix(digest256("{}"), "sha-256="), ":"): 401,
		} {
			r := bare(t, "POST", "/event", "{}")
			r.Header.Set("Content-Digest", digest)
			forge9421(t, r, secret, required, "")
			f.expect(r, status, digest)
		}
		r := bare(t, "POST", "/event", "{}")
		r.Header.Del("Content-Digest")
		forge9421(t, r, secret, required, "")
		f.refused(r, 401)
	}},
	{"A-36", "several labels", "R", func(t *testing.T, f *fixture) {
		r := bare(t, "POST", "/event?x=1", "{}")
		forge9421(t, r, secret, required, goodParams("store-b", "another-protocol", time.Now()))
		f.refused(again(r, "{}"), 401, "the only signature has another tag")
		other, otherSig := r.Header.Get("Signature-Input"), r.Header.Get("Signature")
		rename := func(s string) string { return strings.Replace(s, "tillwire=", "proxy=", 1) }
		forge9421(t, r, secret, required, "")
		own, ownSig := r.Header.Get("Signature-Input"), r.Header.Get("Signature")
		set := func(in, sig string) *http.Request {
			c := again(r, "{}")
			c.Header.Set("Signature-Input", in)
			c.Header.Set("Signature", sig)
			return c
		}
		junk := "=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":"
		f.refused(set(own+", "+own, ownSig), 401, "one label twice")
		f.refused(set(own+", "+strings.Replace(own, "tillwire=", "evil=", 1), ownSig+", evil"+junk), 401, "two signatures with the tag")
		f.refused(set(strings.Replace(own, "tillwire=", "evil=", 1), "evil"+junk), 401, "renamed, without the key")
		f.refused(set(own, ownSig+", tillwire"+junk), 401)
		f.refused(set(own, rename(ownSig)), 401, "the signature has another label")
		f.accepted(set(rename(other)+", "+own, ownSig+", "+rename(otherSig)), "a proxy has signed too")
		alien := `cdn=("@authority" "date";req;key="a" );created=1.5`
		f.refused(set(alien+", "+own, ownSig), 401, "what cannot be read is not passed over")
		forge9421(t, r, secret, required, "")
		own, ownSig = r.Header.Get("Signature-Input"), r.Header.Get("Signature")
		alien = `cdn=("@authority" "date";req;key="a");created=1618884473;alg="rsa-pss-sha512";x=?1;y=tok;z=:AA==:;w=1.5`
		f.accepted(set(alien+", "+own, "cdn=:AAAA:, "+ownSig))
		forge9421(t, r, secret, required, "")
		own, ownSig = r.Header.Get("Signature-Input"), r.Header.Get("Signature")
		many, manySig := own, ownSig
		for i := range 8 {
			many += fmt.Sprintf(`, l%d=();tag="x"`, i)
			manySig += fmt.Sprintf(`, l%d%s`, i, junk)
		}
		f.refused(set(many, manySig), 401, "more labels than anybody needs")
	}},
	{"A-37", "authority in other forms", "R", func(t *testing.T, f *fixture) {
		as := func(profile hmacauth.RFC9421, status int, change func(r *http.Request)) {
			t.Helper()
			f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Profile = profile })
			r := f.request("{}")
			change(r)
			f.expect(r, status)
		}
		none := hmacauth.RFC9421{}
		as(none, 200, func(*http.Request) {})
		as(none, 200, func(r *http.Request) { r.Host = "EXAMPLE.com" })
		as(none, 200, func(r *http.Request) { r.Host = "example.com:443" }) // httptest sets TLS for https
		as(none, 401, func(r *http.Request) { r.Host = "example.com:443"; r.TLS = nil })
		as(none, 200, func(r *http.Request) { r.Host = "example.com:80"; r.TLS = nil })
		as(none, 401, func(r *http.Request) { r.Host = "example.com:80" })
		as(none, 401, func(r *http.Request) { r.Host = "example.com:8443" })
		as(none, 401, func(r *http.Request) { r.Host = "" })
		as(none, 401, func(r *http.Request) { r.Host = "ex\u00e4mple.com" })
		as(none, 401, func(r *http.Request) { r.Host = "example.com." })
		as(none, 200, func(r *http.Request) { r.RequestURI = "https://example.com/event?a=1&b=2" })
		as(none, 401, func(r *http.Request) { r.RequestURI = "https://example.com/other?a=1&b=2" })
		as(hmacauth.RFC9421{Authority: "Example.com"}, 200, func(r *http.Request) { r.Host = "10.0.0.1:8080" })
		as(hmacauth.RFC9421{Authority: "example.org"}, 401, func(*http.Request) {})
		// Behind a proxy that ends TLS: only one on the list may say what the host was.
		forwarded := func(r *http.Request) {
			r.Host, r.TLS, r.RemoteAddr = "10.0.0.1:8080", nil, "10.1.2.3:999"
			r.Header.Set("X-Forwarded-Host", "example.com:443")
			r.Header.Set("X-Forwarded-Proto", "https")
		}
		as(none, 401, forwarded)
		as(hmacauth.RFC9421{TrustedProxies: prefixes("10.1.0.0/16")}, 200, forwarded)
		as(hmacauth.RFC9421{TrustedProxies: prefixes("10.2.0.0/16")}, 401, forwarded)
		as(hmacauth.RFC9421{TrustedProxies: prefixes("10.1.0.0/16")}, 401, func(r *http.Request) {
			forwarded(r)
			r.Header.Add("X-Forwarded-Host", "evil.example")
		})
		_, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: hmacauth.RFC9421{Authority: "m\u00fcller.example"}, Keys: f.keys, Nonces: f.store})
		require.ErrorContains(t, err, "xn--")
		out, err := http.NewRequest(http.MethodPost, "https://m\u00fcller.example/", nil)
		require.NoError(t, err)
		require.ErrorContains(t, f.signer.Sign(out), "xn--")
	}},
	{"A-38", "path and query in other forms", "R", func(t *testing.T, f *fixture) {
		targets := []string{
			"/a%2Fb", "/a/b", "/a//b", "/a/./b", "/a/../a/b", "/a;x/b", "/a+b", "/a%20b", "/a%2fb", "/A/b", "/a/b?", "/a/b?x=1&y=2", "/a/b?y=2&x=1",
			"/a/b?x=1&x=1", "/a/b?x=1", "/a/b?x=%31", "/a/b?x=1&", "/", "/?", "/??", "/a/b?x=a+b", "/a/b?x=a%20b",
		}
		for _, signed := range targets {
			for _, sent := range targets {
				r := bare(t, "POST", "/", "{}")
				r.RequestURI = signed
				forge9421(t, r, secret, required, "")
				r.RequestURI = sent
				// The path alone and the path with a bare "?" have one query: RFC 9421 says so.
				same := strings.TrimSuffix(signed, "?") == strings.TrimSuffix(sent, "?") && signed != "/??" && sent != "/??" || signed == sent
				if same {
					f.accepted(r, signed, sent)
				} else {
					f.refused(r, 401, signed, sent)
				}
			}
		}
		for _, target := range []string{"/a%2Fb?x=a+b&x=%20", "/a//b/../c;d", "/?"} {
			f.accepted(hmacauthtest.NewRequest(t, f.signer, http.MethodPost, target, []byte("{}")), target)
		}
	}},
	{"A-40", "request for one route sent to another", "K", func(t *testing.T, f *fixture) {
		handler, served := f.routes(t)
		bodies := map[string]string{"ping": `{"ping":true}`, "event": `{"event_type":"stock_state"}`, "stock": `{"items":[1]}`, "stock-state": `{"gids":[1]}`}
		for from, body := range bodies {
			for to := range bodies {
				if from == to {
					continue
				}
				send := func(r *http.Request, route string) int {
					c := again(r, body)
					c.URL.Path, c.RequestURI = "/kss/"+route, "/kss/"+route
					return serve(handler, c).Code
				}
				r := f.request(body)
				require.Equal(t, 200, send(r, from))
				n := served.Load()
				require.Equal(t, 401, send(r, to), "%s to %s: seen before", from, to)
				require.Equal(t, 400, send(f.request(body), to), "%s to %s: the first delivery was suppressed", from, to)
				require.Equal(t, n, served.Load())
			}
		}
	}},
	{"A-41", "route without a profile", "KWSR", func(t *testing.T, f *fixture) {
		next := http.HandlerFunc(f.serve)
		_, err := hmacauth.NewRoutes(hmacauth.Route{Pattern: "POST /a", Verifier: f.v, Handler: next}, hmacauth.Route{Pattern: "POST /new", Handler: next})
		require.ErrorIs(t, err, hmacauth.ErrUnsignedPath)
		require.ErrorContains(t, err, "/new")
		for _, routes := range [][]hmacauth.Route{
			nil, {{Pattern: "/a", Verifier: f.v, Handler: next}}, {{Pattern: "POST a", Verifier: f.v, Handler: next}}, {{Pattern: "POST /a", Verifier: f.v}},
			{{Pattern: "POST /a", Verifier: f.v, Handler: next}, {Pattern: "POST /a", Verifier: f.v, Handler: next}},
		} {
			_, err := hmacauth.NewRoutes(routes...)
			require.Error(t, err)
		}
		if f.letter != "R" {
			_, err = hmacauth.NewRoutes(hmacauth.Route{Pattern: "GET /a", Verifier: f.v, Handler: next})
			require.ErrorContains(t, err, "GET")
		}
	}},
	{"A-42", "other methods with valid headers", "KWSR", func(t *testing.T, f *fixture) {
		handler, err := hmacauth.NewRoutes(hmacauth.Route{Pattern: "POST /event", Verifier: f.v, Handler: http.HandlerFunc(f.serve)})
		require.NoError(t, err)
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "post", "PROPFIND"} {
			r := hmacauthtest.NewRequest(t, f.signer, method, "/event", []byte("{}"))
			w := serve(handler, again(r, "{}"))
			require.Equal(t, 405, w.Code, method)
			require.Equal(t, "POST", w.Header().Get("Allow"))
			if f.letter != "R" { // which signs the method
				f.refused(again(r, "{}"), 405, method)
			}
			r = f.request("{}")
			r.Method = method
			r.Header.Set("X-HTTP-Method-Override", "POST")
			require.NotEqual(t, 200, f.deliver(r).Code, "the override is not heard")
		}
		r := f.request("{}")
		require.Equal(t, 404, serve(handler, withPath(again(r, "{}"), "/Event")).Code)
		require.Equal(t, 404, serve(handler, withPath(again(r, "{}"), "/event/")).Code)
		require.Equal(t, 404, serve(handler, withPath(again(r, "{}"), "//event")).Code)
		require.Zero(t, f.served.Load())
		require.Equal(t, 200, serve(handler, again(r, "{}")).Code)
	}},
	{"A-43", "same request to another host with the key", "R", func(t *testing.T, f *fixture) {
		r := f.request("{}")
		c := again(r, "{}")
		c.Host = "other.example"
		f.refused(c, 401)
		f.accepted(again(r, "{}"))
	}},
}

// expect is accepted or refused.
func (f *fixture) expect(r *http.Request, status int, about ...any) {
	f.t.Helper()
	if status == 200 {
		f.accepted(r, about...)
		return
	}
	f.refused(r, status, about...)
}

func withPath(r *http.Request, path string) *http.Request {
	r.URL.Path, r.RequestURI = path, path
	return r
}

func randomText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abc.1\n"[rand.IntN(6)]
	}
	return string(b)
}

// strictly is a Fits that wants one JSON object with the field.
func strictly(field string) func([]byte) error {
	return func(body []byte) error {
		var v map[string]json.RawMessage
		d := json.NewDecoder(bytes.NewReader(body))
		if err := d.Decode(&v); err != nil {
			return err
		}
		if d.More() || v[field] == nil {
			return errors.New("not a message of this route")
		}
		return nil
	}
}
