package hmacauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
	"github.com/tillwire/tillwire/internal/fakehttp"
)

var operationRows = []attack{
	{"A-56", "lockout of a store in its name", "KWSR", func(t *testing.T, f *fixture) {
		for i := range 10_000 {
			r := f.request("{}")
			if i > 0 {
				r.RemoteAddr = fmt.Sprintf("198.51.100.%d:1000", i%250)
			}
			r.Header.Set(f.sig, f.withMAC(make([]byte, 32)))
			if _, _, err := f.v.Verify(r); !errors.Is(err, hmacauth.ErrSignature) {
				t.Fatal(err)
			}
		}
		f.accepted(f.request("{}"))
	}},
	{"A-57", "rotation before within and after its overlap", "KWSR", func(t *testing.T, f *fixture) {
		fresh, stale := newKey(t, f.id, another), f.key
		now := time.Unix(1_800_000_000, 0)
		until := now.Add(24 * time.Hour)
		told := 0
		rotation, err := hmacauth.NewRotation(hmacauth.RotationConfig{Old: stale, New: fresh, Until: until, OnProved: func() { told++ }})
		require.NoError(t, err)
		var clock atomic.Int64
		clock.Store(now.Unix())
		at := func() time.Time { return time.Unix(clock.Load(), 0) }
		rotation.SetNow(at)
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = rotation })
		from := func(k hmacauth.Key) *http.Request {
			return hmacauthtest.NewRequest(t, hmacauth.Signer{Profile: f.profile, Key: k}, http.MethodPost, "/event", []byte("{}"))
		}
		require.Equal(t, stale.Fingerprint(), rotation.SigningKey().Fingerprint(), "until the peer has the new key")
		f.accepted(from(stale))
		require.Equal(t, stale.Fingerprint(), rotation.SigningKey().Fingerprint())
		broken := from(fresh)
		broken.Header.Set(f.sig, f.withMAC(make([]byte, 32)))
		f.refused(broken, 401)
		require.Equal(t, stale.Fingerprint(), rotation.SigningKey().Fingerprint(), "a claim is no proof")
		f.accepted(from(fresh))
		f.accepted(from(fresh))
		require.Equal(t, fresh.Fingerprint(), rotation.SigningKey().Fingerprint())
		require.Equal(t, 1, told)
		clock.Store(until.Unix() - 1)
		f.accepted(from(stale))
		clock.Store(until.Unix())
		f.refused(from(stale), 401)
		f.accepted(from(fresh))
		f.refused(from(newKey(t, f.id, "a-key-that-was-never-in-use")), 401)
		// By hand, and by time.
		for _, way := range []func(r *hmacauth.Rotation){func(r *hmacauth.Rotation) { r.Switch() }, func(*hmacauth.Rotation) { clock.Store(until.Unix()) }} {
			clock.Store(now.Unix())
			r, err := hmacauth.NewRotation(hmacauth.RotationConfig{Old: stale, New: fresh, Until: until})
			require.NoError(t, err)
			r.SetNow(at)
			require.Equal(t, stale.Fingerprint(), r.SigningKey().Fingerprint())
			way(r)
			require.Equal(t, fresh.Fingerprint(), r.SigningKey().Fingerprint())
		}
		// Four candidates, each of which verifies; a fifth is a mistake of the host's.
		keys := []hmacauth.Key{f.key, fresh, newKey(t, f.id, another+"3"), newKey(t, f.id, another+"4")}
		four := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = static(t, keys...) })
		for _, k := range keys {
			four.accepted(from(k))
		}
		five := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
			c.Keys = hmacauth.KeysFunc(func(context.Context, string) ([]hmacauth.Key, error) { return append(keys, keys[0]), nil })
		})
		five.refused(from(f.key), 503)
		_, err = hmacauth.StaticKeys(append(keys, newKey(t, f.id, another+"5"))...)
		require.Error(t, err)
		for _, c := range []hmacauth.RotationConfig{{New: fresh, Until: until}, {Old: stale, Until: until}, {Old: stale, New: stale, Until: until}, {Old: stale, New: fresh}} {
			_, err := hmacauth.NewRotation(c)
			require.ErrorContains(t, err, "RotationConfig.")
		}
	}},
	{"A-58", "signed with the retired key", "KWSR", func(t *testing.T, f *fixture) {
		until := time.Now().Add(-time.Second)
		for range 2 { // before and after a restart: the end is an instant, not a duration
			rotation, err := hmacauth.NewRotation(hmacauth.RotationConfig{Old: f.key, New: newKey(t, f.id, another), Until: until})
			require.NoError(t, err)
			f := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = rotation })
			f.refused(f.request("{}"), 401)
			require.Equal(t, newKey(t, f.id, another).Fingerprint(), rotation.SigningKey().Fingerprint())
		}
	}},
	{"A-59", "secret that a form has altered", "KWSR", func(t *testing.T, f *fixture) {
		const typed = "aB3<dE 6  h%4fJ9kLm2n>Qr5 St8Uv1"
		pasted := hmacauth.PastedIntoWordPress(typed)
		require.NotEqual(t, typed, pasted)
		require.ErrorContains(t, hmacauth.CheckSecret(typed), `"<"`)
		peer := f.signer
		peer.Key = newKey(t, f.id, pasted)
		send := func() *http.Request {
			return hmacauthtest.NewRequest(t, peer, http.MethodPost, "/event", []byte("{}"))
		}
		one := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = static(t, newKey(t, f.id, typed)) })
		one.refused(send(), 401)
		both := newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Keys = static(t, newKey(t, f.id, typed), newKey(t, f.id, pasted)) })
		both.accepted(send())
	}},
	{"A-60", "authentic but hostile content", "KWSR", func(t *testing.T, f *fixture) {
		// Whoever has the key may say anything: the bytes arrive whole, and Fits is where a route may refuse. The engine has this id as well.
		handler, err := hmacauth.NewRoutes(hmacauth.Route{Pattern: "POST /event", Verifier: f.v, Handler: http.HandlerFunc(f.serve), Fits: func(body []byte) error {
			if bytes.Contains(body, []byte("-1000000000000")) || bytes.Contains(body, []byte("9223372036854775808")) || len(body) > 100_000 {
				return errors.New("out of range")
			}
			return nil
		}})
		require.NoError(t, err)
		for _, body := range []string{`{"stock_quantity":-1000000000000}`, `{"version":9223372036854775808}`, `{"items":[` + strings.Repeat("1,", 500_000) + `1]}`} {
			w := serve(handler, f.request(body))
			require.Equal(t, 400, w.Code)
			require.NotContains(t, w.Body.String(), "out of range")
			f.accepted(f.request(body))
			require.Equal(t, body, string(f.body))
		}
		require.Equal(t, 200, serve(handler, f.request(`{"stock_quantity":"NaN"}`)).Code)
	}},
	{"A-64", "tricks of HTTP", "KWSR", func(t *testing.T, f *fixture) {
		f.converse(func(talk func(raw string, n int) []int) {
			plain := func(s string) string { return s }
			same := f.raw(f.request("{}"), "{}", plain)
			want := []int{200, 401}
			if f.letter == "W" {
				want = []int{200, 200}
			}
			require.Equal(t, want, talk(same+same, 2), "pipelined")
			expect := strings.Replace(f.raw(f.request("{}"), "{}", plain), "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1)
			require.Equal(t, []int{100, 200}, talk(expect, 2))
			unsigned := f.request("{}")
			unsigned.Header.Del(f.sig)
			expect = strings.Replace(f.raw(unsigned, "{}", plain), "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1)
			require.Equal(t, []int{401}, talk(expect, 1), "no body is asked for without headers")
			folded := strings.Replace(f.raw(f.request("{}"), "{}", plain), f.headers[0]+": ", f.headers[0]+":\r\n ", 1)
			require.NotEqual(t, 500, first(talk(folded, 1)))
			spaced := strings.Replace(f.raw(f.request("{}"), "{}", plain), f.headers[0]+": ", f.headers[0]+" : ", 1)
			require.Equal(t, 400, first(talk(spaced, 1)))
		})
		// A proxy takes away what Connection names.
		back := httptest.NewServer(f.handler)
		defer back.Close()
		to, err := url.Parse(back.URL)
		require.NoError(t, err)
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to); p.Out.Host = p.In.Host }})
		defer proxy.Close()
		send := func(connection string) int {
			r := f.request("{}")
			out, err := http.NewRequest(http.MethodPost, proxy.URL+"/event?a=1&b=2", strings.NewReader("{}"))
			require.NoError(t, err)
			out.Host, out.Header = "example.com", r.Header
			if connection != "" {
				out.Header.Set("Connection", connection)
			}
			answer, err := proxy.Client().Do(out)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			return answer.StatusCode
		}
		require.Equal(t, 200, send(""))
		for _, h := range f.headers {
			require.Equal(t, 401, send(h), h)
		}
		// HTTP/2 writes names in lower case.
		h2 := httptest.NewUnstartedServer(f.handler)
		h2.EnableHTTP2 = true
		h2.StartTLS()
		defer h2.Close()
		r := f.request("{}")
		out, err := http.NewRequest(http.MethodPost, h2.URL+"/event?a=1&b=2", strings.NewReader("{}"))
		require.NoError(t, err)
		out.Host, out.Header = "example.com", r.Header
		answer, err := h2.Client().Do(out)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, [2]int{200, 2}, [2]int{answer.StatusCode, answer.ProtoMajor})
	}},
	{"A-65", "verifier shared while keys are swapped", "KWSR", func(t *testing.T, f *fixture) {
		a, b := newKey(t, f.id, secret), newKey(t, f.id, another)
		var current atomic.Pointer[[]hmacauth.Key]
		current.Store(&[]hmacauth.Key{a})
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) {
			c.Keys = hmacauth.KeysFunc(func(context.Context, string) ([]hmacauth.Key, error) { return *current.Load(), nil })
		})
		var wg sync.WaitGroup
		done := make(chan struct{})
		var accepted, strangers atomic.Int64
		for i := range 256 {
			wg.Go(func() {
				key := []hmacauth.Key{a, b, newKey(t, f.id, "the-key-of-a-stranger")}[i%3]
				s := hmacauth.Signer{Profile: f.profile, Key: key}
				for {
					select {
					case <-done:
						return
					default:
					}
					id, body, err := f.v.Verify(hmacauthtest.NewRequest(t, s, http.MethodPost, "/", []byte("{}")))
					switch {
					case err == nil && (id.Fingerprint != key.Fingerprint() || string(body) != "{}"):
						t.Error("the keys are mixed up")
					case err == nil && i%3 == 2:
						strangers.Add(1)
					case err == nil:
						accepted.Add(1)
					}
				}
			})
		}
		sets := [][]hmacauth.Key{{a}, {b}, {a, b}, {}, {b, a}}
		for i := range 10_000 {
			current.Store(&sets[i%len(sets)])
			if i%100 == 0 {
				time.Sleep(100 * time.Microsecond)
			}
		}
		close(done)
		wg.Wait()
		require.Zero(t, strangers.Load())
		require.NotZero(t, accepted.Load())
	}},
	{"A-66", "secrets and bodies in logs", "KWSR", func(t *testing.T, f *fixture) {
		log, said := logged()
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Logger = log })
		r := f.request(`{"email":"jane@example.com"}`)
		mac := r.Header.Get(f.sig)
		f.accepted(again(r, `{"email":"jane@example.com"}`))
		f.deliver(again(r, `{"email":"jane@example.com"}`))
		f.deliver(again(r, `{"email":"joan@example.com"}`))
		f.deliver(f.request(strings.Repeat("x", 3<<20)))
		all := said.String()
		require.NotContains(t, all, "example.com")
		require.NotContains(t, all, secret)
		require.NotContains(t, all, mac)
		for _, h := range []string{"X-Kitgenix-Nonce", "Webhook-Id"} {
			if nonce := r.Header.Get(h); nonce != "" {
				require.NotContains(t, all, nonce)
				require.Contains(t, all, `"nonce":"`+nonce[:8]+`"`)
			}
		}
		shown := strings.TrimPrefix(mac, "tillwire=:")
		require.Contains(t, all, `"signature":"`+shown[:8]+`"`)
	}},
}

func first(all []int) int {
	if len(all) == 0 {
		return 0
	}
	return all[0]
}

var clientRows = []attack{
	{"A-61", "redirect elsewhere", "KWSR", func(t *testing.T, f *fixture) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, target := range []string{"https://evil.example/x", "http://shop.example/event", "https://shop.example/other", "//evil.example/"} {
				var hops []*http.Request
				wire := roundTrip(func(r *http.Request) (*http.Response, error) {
					hops = append(hops, r)
					return answer(r, status, "", "Location", target), nil
				})
				client := &http.Client{Transport: hmacauth.NewTransport(wire, f.signer)}
				resp, err := client.Post("https://shop.example/event", "application/json", strings.NewReader(`{"a":1}`))
				if resp != nil {
					_ = resp.Body.Close()
				}
				require.ErrorIs(t, err, hmacauth.ErrRedirected)
				require.Len(t, hops, 1, "neither body nor headers leave")
				require.Equal(t, "shop.example", hops[0].URL.Host)
			}
		}
		r, err := http.NewRequest(http.MethodPost, "https://shop.example/", nil)
		require.NoError(t, err)
		r.Response = &http.Response{}
		require.ErrorIs(t, f.signer.Sign(r), hmacauth.ErrRedirected)
		strict := f.signer
		strict.AllowHTTP = false
		client := &http.Client{Transport: hmacauth.NewTransport(roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("it left")
			return nil, errors.New("it left")
		}), strict)}
		_, err = client.Post("http://shop.example/event", "text/plain", strings.NewReader("x")) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, hmacauth.ErrPlain)
	}},
	{"A-62", "private address and DNS rebinding", "KWSR", func(t *testing.T, f *fixture) {
		private := strings.Fields("127.0.0.1 127.8.8.8 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 0.0.0.0 0.1.2.3 100.64.0.1 " +
			"192.0.0.8 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 ::1 :: fe80::1 " +
			"fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::1 2001::1 2001:db8::1 100::1 fec0::1 ::127.0.0.1")
		guard := hmacauth.DialGuard{}
		for _, ip := range private {
			require.ErrorIs(t, guard.Control(t.Context(), "tcp", net.JoinHostPort(ip, "443"), nil), hmacauth.ErrPrivate, ip)
		}
		require.ErrorIs(t, guard.Control(t.Context(), "tcp", "[fe80::1%eth0]:443", nil), hmacauth.ErrPrivate)
		require.ErrorIs(t, guard.Control(t.Context(), "unix", "/run/docker.sock", nil), hmacauth.ErrPrivate)
		for _, ip := range strings.Fields("1.1.1.1 8.8.8.8 172.32.0.1 172.15.0.1 100.128.0.1 192.169.0.1 2606:4700:4700::1111 2a00:1450:4001::1") {
			require.NoError(t, guard.Control(t.Context(), "tcp", net.JoinHostPort(ip, "443"), nil), ip)
		}
		// The name looks harmless and resolves to loopback: the dial itself is refused, before anything is sent.
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
		defer server.Close()
		_, port, err := net.SplitHostPort(server.Listener.Addr().String())
		require.NoError(t, err)
		for _, host := range []string{"localhost", "127.0.0.1"} {
			client := &http.Client{Transport: hmacauth.NewTransport(nil, f.signer)}
			_, err = client.Post("http://"+net.JoinHostPort(host, port)+"/", "text/plain", strings.NewReader("x")) //nolint:bodyclose // there is none
			require.ErrorIs(t, err, hmacauth.ErrPrivate)
		}
		server.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		allowed := hmacauth.DialGuard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		transport := allowed.Transport()
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: hmacauth.NewTransport(transport, f.signer)}
		resp, err := client.Post(server.URL, "text/plain", strings.NewReader("x"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}},
	{"A-63", "answer altered or cut or not from the peer", "KWSR", func(t *testing.T, f *fixture) {
		change := func(*http.Response) {}
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.SignAnswers = f.letter == "R" })
		wire := roundTrip(func(r *http.Request) (*http.Response, error) {
			in := httptest.NewRequest(r.Method, r.URL.RequestURI(), r.Body)
			in.Host, in.Header, in.TLS = r.URL.Host, r.Header, nil
			w := httptest.NewRecorder()
			f.handler.ServeHTTP(w, in)
			a := w.Result()
			change(a)
			return a, nil
		})
		f.signer.VerifyAnswers = f.letter == "R"
		client := &http.Client{Transport: hmacauth.NewTransport(wire, f.signer)}
		post := func() (*http.Response, error) {
			resp, err := client.Post("http://shop.example/event", "application/json", strings.NewReader("{}"))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
			return resp, err
		}
		resp, err := post()
		require.NoError(t, err)
		require.Equal(t, 200, resp.StatusCode)
		if f.letter != "R" {
			require.False(t, hmacauth.Verified(resp), "what the plugin answers is hearsay")
			change = func(a *http.Response) { a.Body = io.NopCloser(strings.NewReader("<html>")) }
			resp, err = post()
			require.NoError(t, err)
			require.False(t, hmacauth.Verified(resp))
			_, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: f.profile, Keys: f.keys, Nonces: f.store, SignAnswers: true})
			require.ErrorContains(t, err, "SignAnswers")
			return
		}
		require.True(t, hmacauth.Verified(resp))
		var earlier http.Header
		for what, tamper := range map[string]func(a *http.Response){
			"body":         func(a *http.Response) { a.Body = io.NopCloser(strings.NewReader("DONE")) },
			"cut":          func(a *http.Response) { a.Body = io.NopCloser(strings.NewReader("don")) },
			"html":         func(a *http.Response) { *a = *answer(nil, 200, "<html>", "Content-Type", "text/html") },
			"status":       func(a *http.Response) { a.StatusCode = 201 },
			"content type": func(a *http.Response) { a.Header.Set("Content-Type", "text/html") },
			"no signature": func(a *http.Response) { a.Header.Del("Signature") },
			"no input":     func(a *http.Response) { a.Header.Del("Signature-Input") },
			"other answer": func(a *http.Response) { a.Header = earlier },
			"broken off":   func(a *http.Response) { a.Body = io.NopCloser(io.MultiReader(strings.NewReader("do"), broken{})) },
			"endless":      func(a *http.Response) { a.Body = &endless{} },
			"our own request's signature": func(a *http.Response) {
				a.Header.Set("Signature-Input", strings.ReplaceAll(a.Header.Get("Signature-Input"), "-response", ""))
			},
		} {
			change = func(a *http.Response) { earlier = a.Header.Clone() }
			_, err = post()
			require.NoError(t, err)
			change = tamper
			_, err = post()
			require.ErrorIs(t, err, hmacauth.ErrUnverified, what)
		}
		change = func(a *http.Response) { *a = *answer(nil, 503, "busy") }
		resp, err = post()
		require.NoError(t, err, "a refusal has nobody to sign it")
		require.Equal(t, 503, resp.StatusCode)
		require.False(t, hmacauth.Verified(resp))
	}},
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is one to r.
func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		Request: r, StatusCode: status, Status: http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// Every attempt has its own nonce and time, also those that something between client and transport makes.
func TestTransportSignsEachAttempt(t *testing.T) {
	t.Parallel()
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, s)
				server := fakehttp.NewTransport(f.handler)
				defer server.Close()
				signing := hmacauth.NewTransport(server, f.signer)
				body := []byte(`{"a":1}`)
				for range 5 {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://shop.example/event", bytes.NewReader(body))
					require.NoError(t, err)
					for range 3 {
						r.Body, err = r.GetBody()
						require.NoError(t, err)
						resp, err := signing.RoundTrip(r)
						require.NoError(t, err)
						require.Equal(t, 200, resp.StatusCode)
						_, _ = io.Copy(io.Discard, resp.Body)
						require.NoError(t, resp.Body.Close())
						require.Equal(t, body, f.body)
						require.Empty(t, r.Header, "the caller's request is as it was")
						time.Sleep(7 * time.Minute)
					}
				}
				require.Equal(t, int64(15), f.served.Load())
			})
		})
	}
}
