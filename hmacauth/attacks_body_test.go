package hmacauth_test

import (
	"bufio"
	"bytes"
	"crypto/sha512"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/fakehttp"
)

var bodyRows = []attack{
	{"A-20", "body at and over the cap", "KWSR", func(t *testing.T, f *fixture) {
		const limit = 300_000
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.MaxBody = limit })
		at := strings.Repeat("x", limit)
		for _, chunked := range []bool{false, true} {
			send := func(r *http.Request, body string) *http.Request {
				c := again(r, body)
				if chunked {
					c.ContentLength = -1
				}
				return c
			}
			r := f.request(at)
			f.accepted(send(r, at))
			require.Equal(t, at, string(f.body))
			f.refused(send(f.request(at+"x"), at+"x"), 413)
			r = f.request("small")
			f.accepted(send(r, "small"))
			f.accepted(send(f.request(""), ""))
			f.accepted(send(f.request(strings.Repeat("y", 70_000)), strings.Repeat("y", 70_000)))
		}
		// A length over the cap is refused without reading a byte; one that lies is not believed.
		source := &endless{}
		r := f.request("x")
		r.Body, r.ContentLength = source, limit+1
		f.refused(r, 413)
		require.Zero(t, source.read)
		r = f.request("x")
		r.Body, r.ContentLength = source, 10
		f.refused(r, 413)
		require.LessOrEqual(t, source.read, limit+1)
		source.read = 0
		r = f.request("x")
		r.Body, r.ContentLength = source, -1
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f.refused(r, 413)
		runtime.ReadMemStats(&after)
		require.Equal(t, limit+1, source.read, "one byte more than may be accepted, and no other")
		require.Less(t, int(after.TotalAlloc-before.TotalAlloc), limit+100<<10)
		require.Equal(t, int64(64<<20), f.v.BudgetLeft())
		// Over a connection, a body shorter than its length is no body.
		f.overHTTP(func(send func(string) int) {
			raw := f.raw(f.request("{}"), "{}", func(s string) string { return s })
			raw = strings.Replace(raw, "Content-Length: 2\r\n", "Content-Length: 9\r\n", 1)
			require.Equal(t, 400, send(raw))
			raw = strings.Replace(raw, "Content-Length: 9\r\n", "Content-Length: 9999999\r\n", 1)
			require.Equal(t, 413, send(raw))
		})
	}},
	{"A-21", "slow or half-closed body", "KWSR", func(t *testing.T, f *fixture) {
		synctest.Test(t, func(t *testing.T) { // a goroutine left over would fail it
			f := newFixture(t, f.setup)
			server := fakehttp.NewTransport(f.handler)
			defer server.Close()
			client := &http.Client{Transport: server}
			send := func(body io.Reader, length int64) (int, time.Duration) {
				r := f.request("xxxxxxxxxx")
				out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/event?a=1&b=2", body)
				require.NoError(t, err)
				out.Header, out.ContentLength = r.Header, length
				start := time.Now()
				answer, err := client.Do(out)
				if err != nil {
					return 0, time.Since(start)
				}
				defer func() { _ = answer.Body.Close() }()
				return answer.StatusCode, time.Since(start)
			}
			drip := func(every time.Duration, n int) io.Reader {
				out, in := io.Pipe()
				go func() {
					for range n {
						time.Sleep(every)
						if _, err := in.Write([]byte("x")); err != nil {
							return
						}
					}
					_ = in.Close()
				}()
				return out
			}
			status, took := send(drip(time.Second, 100), 100)
			require.Contains(t, []int{0, 408}, status)
			require.Less(t, took, 5*time.Second)
			status, took = send(stalled{t}, 10)
			require.Contains(t, []int{0, 408}, status)
			require.Less(t, took, 11*time.Second)
			require.Zero(t, f.served.Load())
			require.Equal(t, int64(2), f.v.Stats().Refused[hmacauth.ErrSlow])
			require.Equal(t, int64(64<<20), f.v.BudgetLeft())
			status, _ = send(drip(100*time.Millisecond, 10), 10)
			require.Equal(t, 200, status, "ten bytes within a second are not slow")
			time.Sleep(2 * time.Minute)
		})
	}},
	{"A-22", "a thousand large bodies at once", "KWSR", func(t *testing.T, f *fixture) {
		const memory, size = 8 << 20, 1 << 20
		f = newFixture(t, f.setup, func(c *hmacauth.VerifierConfig) { c.Memory, c.MaxBody, c.ReadTimeout = memory, size, time.Minute })
		gate := make(chan struct{})
		var wg sync.WaitGroup
		var busy, other, started atomic.Int64
		template := f.request("")
		template.Header.Set(f.sig, f.withMAC(make([]byte, 32)))
		for range 1000 {
			wg.Go(func() {
				r := template.Clone(t.Context())
				r.Body, r.ContentLength = &gated{gate: gate, first: size / 2, started: &started}, -1
				_, _, err := f.v.Verify(r)
				if err != nil && err.(*hmacauth.Refusal).Status == 503 { //nolint:errorlint // it is exactly that
					busy.Add(1)
				} else {
					other.Add(1)
				}
			})
		}
		require.Eventually(t, func() bool { return started.Load()+busy.Load() >= 1000 }, 20*time.Second, time.Millisecond)
		require.GreaterOrEqual(t, f.v.BudgetLeft(), int64(0))
		require.GreaterOrEqual(t, busy.Load(), int64(900), "what is over the budget is told to come again")
		close(gate)
		wg.Wait()
		require.Equal(t, int64(1000), busy.Load()+other.Load())
		require.Equal(t, int64(memory), f.v.BudgetLeft(), "all is given back")
		require.Zero(t, f.served.Load())
		f.accepted(f.request("{}"))
	}},
	{"A-23", "encodings and trailers", "KWSR", func(t *testing.T, f *fixture) {
		for _, encoding := range []string{"gzip", "br", "deflate", "x", "identity, gzip", "Identity", ""} {
			r := f.request("{}")
			r.Header.Set("Content-Encoding", encoding)
			f.refused(r, 415, encoding)
		}
		r := f.request("{}")
		r.Header.Set("Content-Encoding", "identity")
		f.accepted(r)
		f.overHTTP(func(send func(string) int) {
			chunked := func(r *http.Request, more, trailer string) string {
				raw := f.raw(r, "{}", func(s string) string { return s })
				raw = strings.Replace(raw, "Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n"+more, 1)
				return strings.TrimSuffix(raw, "{}") + "2\r\n{}\r\n0\r\n" + trailer + "\r\n"
			}
			require.Equal(t, 200, send(chunked(f.request("{}"), "", "")))
			trailers := 200
			if f.letter == "R" {
				trailers = 401
			}
			require.Equal(t, trailers, send(chunked(f.request("{}"), "Trailer: X-Late\r\n", "X-Late: 1\r\n")))
			require.Equal(t, trailers, send(chunked(f.request("{}"), "", "X-Late: 1\r\n")), "one that was not announced")
			served := f.served.Load()
			for _, te := range []string{"gzip, chunked", "identity", "chunked, chunked", "xchunked", " chunked,"} {
				raw := strings.Replace(chunked(f.request("{}"), "", ""), "Transfer-Encoding: chunked", "Transfer-Encoding: "+te, 1)
				require.NotEqual(t, 200, send(raw), te)
			}
			require.Equal(t, served, f.served.Load())
		})
		if f.letter == "R" {
			out, err := http.NewRequest(http.MethodPost, "https://example.com/", strings.NewReader("{}"))
			require.NoError(t, err)
			out.Trailer = http.Header{"X-Late": nil}
			require.ErrorContains(t, f.signer.Sign(out), "trailers")
		}
	}},
	{"A-24", "huge or deep JSON with a bad MAC", "KWSR", func(t *testing.T, f *fixture) {
		var parsed atomic.Int64
		handler, err := hmacauth.NewRoutes(hmacauth.Route{
			Pattern: "POST /event", Verifier: f.v, Handler: http.HandlerFunc(f.serve),
			Fits: func(body []byte) error { parsed.Add(1); return strictly("a")(body) },
		})
		require.NoError(t, err)
		for _, body := range []string{strings.Repeat("[", 500_000), `{"a":` + strings.Repeat("9", 500_000) + "}", strings.Repeat(`{"a":`, 100_000)} {
			r := f.request(body)
			r.Header.Set(f.sig, f.withMAC(make([]byte, 32)))
			require.Equal(t, 401, serve(handler, r).Code)
		}
		require.Zero(t, parsed.Load())
		require.Equal(t, 200, serve(handler, f.request(`{"a":1}`)).Code)
		require.Equal(t, int64(1), parsed.Load())
	}},
	{"A-25", "authentic JSON with two meanings", "KWSR", func(t *testing.T, f *fixture) {
		// The bytes reach the handler as they are, and whoever decodes them strictly refuses them: the engine's part has this id as well.
		handler, err := hmacauth.NewRoutes(hmacauth.Route{Pattern: "POST /event", Verifier: f.v, Handler: http.HandlerFunc(f.serve), Fits: strictly("a")})
		require.NoError(t, err)
		for _, body := range []string{"\ufeff" + `{"a":1}`, `{"a":1}{"a":2}`, `{"a":1} x`, `{"a":NaN}`, strings.Repeat(`{"a":`, 20_000), `{"A":1}`, "null", `[1]`} {
			require.Equal(t, 400, serve(handler, f.request(body)).Code, head(body))
			f.accepted(f.request(body))
			require.Equal(t, body, string(f.body))
		}
		require.GreaterOrEqual(t, f.v.Stats().Refused[hmacauth.ErrPayload], int64(8))
	}},
}

// endless is a body that does not end; it counts.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), 10_000)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.read += n
	return n, nil
}

func (*endless) Close() error { return nil }

// gated gives some bytes, waits, and gives the rest.
type gated struct {
	gate    chan struct{}
	first   int
	started *atomic.Int64
	waited  bool
}

func (g *gated) Read(p []byte) (int, error) {
	if g.first > 0 {
		n := min(len(p), g.first)
		g.first -= n
		return n, nil
	}
	if !g.waited {
		g.waited = true
		g.started.Add(1)
		<-g.gate
	}
	return 0, io.EOF
}

func (*gated) Close() error { return nil }

// stalled never gives anything.
type stalled struct{ t *testing.T }

func (s stalled) Read([]byte) (int, error) {
	<-s.t.Context().Done()
	return 0, io.EOF
}

// serve lets a handler answer.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// routes are the plugin's four, each with a rule for its payload.
func (f *fixture) routes(t *testing.T) (http.Handler, *atomic.Int64) {
	t.Helper()
	var routes []hmacauth.Route
	for path, field := range map[string]string{"ping": "ping", "event": "event_type", "stock": "items", "stock-state": "gids"} {
		routes = append(routes, hmacauth.Route{
			Pattern: "POST /kss/" + path, Verifier: f.v, Fits: strictly(field), Handler: http.HandlerFunc(f.serve),
		})
	}
	h, err := hmacauth.NewRoutes(routes...)
	require.NoError(t, err)
	return h, &f.served
}

// raw is the request as HTTP/1.1 text, header names in another spelling.
func (f *fixture) raw(r *http.Request, body string, spell func(string) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, r.RequestURI, r.Host, len(body))
	for name, values := range r.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", spell(name), v)
		}
	}
	return b.String() + "\r\n" + body
}

// overHTTP serves on loopback and gives a function that sends raw text and returns the status of the answer.
func (f *fixture) overHTTP(use func(send func(raw string) int)) {
	f.converse(func(talk func(raw string, n int) []int) {
		use(func(raw string) int {
			if answers := talk(raw, 1); len(answers) > 0 {
				return answers[0]
			}
			return 0
		})
	})
}

// converse gives a function that sends raw text on a connection and returns the statuses of up to n answers.
func (f *fixture) converse(use func(talk func(raw string, n int) []int)) {
	server := httptest.NewUnstartedServer(f.handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	defer server.Close()
	use(func(raw string, n int) (statuses []int) {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(f.t, err)
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, raw)                       // the server may have answered and closed before it has all
		if strings.Contains(raw, "Content-Length: 9\r\n") { // of two bytes
			_ = c.(*net.TCPConn).CloseWrite() //nolint:forcetypeassert // dialled as one
		}
		in := bufio.NewReader(c)
		for range n {
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				break
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			statuses = append(statuses, answer.StatusCode)
		}
		return statuses
	})
}

func sum512(s string) []byte {
	sum := sha512.Sum512([]byte(s))
	return sum[:]
}

func prefixes(all ...string) (p []netip.Prefix) {
	for _, s := range all {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

// syncBuffer is a log that may be read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func logged() (*slog.Logger, *syncBuffer) {
	b := &syncBuffer{}
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})), b
}
