package hmacauth_test

import (
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
)

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"0", "1772000000", "01", "+1", "-1", " 1", "1e9", "99999999999", "999999999999", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := hmacauth.Seconds(s)
		if ok && (strconv.FormatInt(n, 10) != s || n < 0 || len(s) > 11) {
			t.Fatalf("%q was read as %d", s, n)
		}
		if want, err := strconv.ParseUint(s, 10, 64); !ok && err == nil && want < 1e11 && strconv.FormatUint(want, 10) == s {
			t.Fatalf("%q was refused", s)
		}
	})
}

func FuzzSignatureText(f *testing.F) {
	f.Add(strings.Repeat("0f", 32))
	f.Add(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	f.Add(strings.Repeat("A", 42) + "B=")
	f.Fuzz(func(t *testing.T, s string) {
		var sum [32]byte
		if hmacauth.DecodeHex(&sum, s) && hex.EncodeToString(sum[:]) != s {
			t.Fatalf("hex %q has another spelling", s)
		}
		if hmacauth.Decode64(&sum, s) && base64.StdEncoding.EncodeToString(sum[:]) != s {
			t.Fatalf("base64 %q has another spelling", s)
		}
	})
}

func FuzzStandardList(f *testing.F) {
	one := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, s := range []string{one, one + " " + one, "v1a,x " + one, "v1,", " ", one + ",", strings.Repeat(one+" ", 9)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sigs, ok := hmacauth.ParseStandard(s)
		if !ok {
			return
		}
		if len(sigs) == 0 || len(sigs) > 8 {
			t.Fatalf("%d signatures", len(sigs))
		}
		for _, sig := range sigs {
			if !strings.Contains(s, "v1,"+base64.StdEncoding.EncodeToString(sig[:])) {
				t.Fatalf("%q does not contain what was read", s)
			}
		}
	})
}

func FuzzSignatureInput(f *testing.F) {
	for _, s := range []string{
		`sig=("@method" "content-digest");created=1;expires=2;nonce="n";keyid="k";tag="t"`, `a=()`, `a=("x";req;key="b")`, `a=("x");alg=:AA==:;b=?1;c=1.5`,
		`a=("x" "x")`, `a=( "x")`, `A=()`, `a=("\"")`, `a`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		label, raw, components, ok := hmacauth.ParseInput(s)
		if !ok {
			return
		}
		if label+"="+raw != s || !strings.HasPrefix(raw, "("+strings.Join(components, " ")+")") {
			t.Fatalf("%q was read as %q %q %q", s, label, raw, components)
		}
	})
}

func FuzzContentDigest(f *testing.F) {
	f.Add(digest256("{}"), []byte("{}"))
	f.Add(digest256("{}")+", x=:AA==:", []byte("{}"))
	f.Add("md5=:AA==:", []byte(""))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if !hmacauth.GoodDigest(header, body) {
			return
		}
		sha256, sha512 := digest256(string(body)), "sha-512=:"+base64.StdEncoding.EncodeToString(sum512(string(body)))+":"
		if !strings.Contains(header, sha256) && !strings.Contains(header, sha512) {
			t.Fatalf("%q passed for %q", header, body)
		}
	})
}

// FuzzBase: two requests that differ in what is signed have different bases, and the base is the text of RFC 9421.
func FuzzBase(f *testing.F) {
	f.Add("POST", "example.com", "/a?b", "application/json", "/a?b")
	f.Add("GET", "EXAMPLE.com:80", "/", "", "/?")
	f.Add("POST", "a", "http://b/c", "x/y", "/c")
	f.Fuzz(func(t *testing.T, method, host, target, kind, target2 string) {
		build := func(target string) ([]byte, *http.Request, bool) {
			if strings.ContainsAny(method+host+target+kind, "\r\n") || target == "" {
				return nil, nil, false
			}
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Method, r.Host, r.RequestURI = method, host, target
			r.Header.Set("Content-Digest", digest256(""))
			list := []string{`"@method"`, `"@authority"`, `"@path"`, `"@query"`, `"content-digest"`}
			if kind != "" {
				r.Header.Set("Content-Type", kind)
				list = append(list, `"content-type"`)
			}
			r.Header.Set("Signature-Input", "x=("+strings.Join(list, " ")+`);created=1772000000;expires=1772000300;nonce="0123456789abcdef012345";keyid="k";tag="tillwire"`)
			r.Header.Set("Signature", "x=:"+base64.StdEncoding.EncodeToString(make([]byte, 32))+":")
			base, ok := hmacauth.Base(hmacauth.RFC9421{}, r)
			return base, r, ok
		}
		a, r, ok := build(target)
		if !ok {
			return
		}
		if want := 6 + min(len(kind), 1); strings.Count(string(a), "\n") != want-1 {
			t.Fatalf("%d lines in %q", strings.Count(string(a), "\n")+1, a)
		}
		if b, r2, ok := build(target2); ok && bytes.Equal(a, b) {
			p1, q1 := hmacauth.Target(r)
			p2, q2 := hmacauth.Target(r2)
			if p1 != p2 || q1 != q2 {
				t.Fatalf("%q and %q have one base", target, target2)
			}
		}
	})
}

// FuzzPipeline: whatever the headers and the body, and however it is cut into reads, a request is accepted exactly if an independent
// check of twenty lines accepts it.
func FuzzPipeline(f *testing.F) {
	now := time.Unix(1_772_000_000, 0)
	sign := func(ts, nonce, body string) string {
		return hex.EncodeToString(hmacOf(secret, ts+"\n"+nonce+"\n"+body))
	}
	f.Add("store-b", "1772000000", "nonce-nonce", sign("1772000000", "nonce-nonce", "{}"), "{}", byte(1), false)
	f.Add("store-b", "1771999700", "nonce-nonce", sign("1771999700", "nonce-nonce", ""), "", byte(3), true)
	f.Add("store-b", "1771999699", "nonce-nonce", sign("1771999699", "nonce-nonce", "x"), "x", byte(0), true)
	f.Add("other", "1772000000", "n", "", "x", byte(0), false)
	f.Fuzz(func(t *testing.T, id, ts, nonce, sig, body string, cut byte, resign bool) {
		if resign { // so that the rest is looked at too
			sig = sign(ts, nonce, body)
		}
		key, err := hmacauth.NewKey("store-b", secret)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := hmacauth.StaticKeys(key)
		if err != nil {
			t.Fatal(err)
		}
		v, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: hmacauth.Kitgenix{}, Keys: keys, Nonces: memory(), MaxBody: 200})
		if err != nil {
			t.Fatal(err)
		}
		v.SetNow(func() time.Time { return now })
		send := func() ([]byte, error) {
			var source io.Reader = strings.NewReader(body)
			switch cut % 4 {
			case 1:
				source = iotest.OneByteReader(source)
			case 2:
				source = iotest.HalfReader(source)
			case 3:
				source = iotest.DataErrReader(source)
			}
			r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(source))
			r.ContentLength = -1
			for name, value := range map[string]string{"Store-Id": id, "Timestamp": ts, "Nonce": nonce, "Signature": sig} {
				r.Header["X-Kitgenix-"+name] = []string{value}
			}
			_, got, err := v.Verify(r)
			return got, err
		}
		want := func() bool {
			n, err := strconv.ParseInt(ts, 10, 64)
			if err != nil || strconv.FormatInt(n, 10) != ts || n < now.Unix()-300 || n > now.Unix()+300 || id != "store-b" || len(body) > 200 {
				return false
			}
			if len(nonce) < 8 || len(nonce) > 128 || strings.ContainsFunc(nonce, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`,"\`, c) }) {
				return false
			}
			mac, err := hex.DecodeString(sig)
			return err == nil && strings.ToLower(sig) == sig && hmac.Equal(mac, hmacOf(secret, ts+"\n"+nonce+"\n"+body))
		}()
		got, err := send()
		if (err == nil) != want {
			t.Fatalf("id %q ts %q nonce %q sig %q body %q: %v", id, ts, nonce, sig, body, err)
		}
		if err == nil && string(got) != body {
			t.Fatalf("verified %q, handed on %q", body, got)
		}
		if _, again := send(); want && !errors.Is(again, hmacauth.ErrReplay) {
			t.Fatalf("the second time: %v", again)
		}
	})
}
