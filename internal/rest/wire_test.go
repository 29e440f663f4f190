package rest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const fine = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

// take reads one request; it returns nil at the end of the connection.
func take(b *bufio.Reader) *http.Request {
	req, err := http.ReadRequest(b)
	if err != nil {
		return nil
	}
	_, _ = io.Copy(io.Discard, req.Body)
	return req
}

// TestEffectIsNeverReplayed: a kept connection dies after the second request was read. net/http would repeat that by itself if
// it thought it may.
func TestEffectIsNeverReplayed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Call){
		"POST":                  func(*Call) {},
		"POST without body":     func(c *Call) { c.Body = nil },
		"PUT":                   func(c *Call) { c.Method = "PUT" },
		"DELETE":                func(c *Call) { c.Method, c.Body = "DELETE", nil },
		"Idempotency-Key":       func(c *Call) { c.Header = http.Header{"Idempotency-Key": {"k"}} },
		"X-Idempotency-Key":     func(c *Call) { c.Header = http.Header{"X-Idempotency-Key": {"k"}} },
		"Idempotency-Key alone": func(c *Call) { c.Header, c.Body = http.Header{"Idempotency-Key": {"k"}}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int32
				tr := wire(t, func(_ int, c net.Conn) {
					b := bufio.NewReader(c)
					for req := take(b); req != nil; req = take(b) {
						if requests.Add(1) == 2 {
							return // close without a word
						}
						_, _ = io.WriteString(c, fine)
					}
				})
				c := client(t, tr, plain)
				_, err := c.Do(t.Context(), call(Read))
				require.NoError(t, err)
				one := call(Effect)
				one.Raw = true
				change(&one)
				_, err = c.Do(t.Context(), one)
				f := failure(t, err)
				require.Equal(t, Transport, f.Class)
				require.True(t, f.Ambiguous)
				require.Equal(t, 1, f.Attempts)
				require.EqualValues(t, 2, requests.Load(), "the POST went out twice")
			})
		})
	}
}

// TestIdempotencyKeyArrives: the header reaches the server, in lower case.
func TestIdempotencyKeyArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got atomic.Value
		tr := wire(t, func(_ int, c net.Conn) {
			if req := take(bufio.NewReader(c)); req != nil {
				got.Store(req.Header.Get("Idempotency-Key"))
				_, _ = io.WriteString(c, fine)
			}
		})
		one := call(Effect)
		one.Header = http.Header{"Idempotency-Key": {"k-1"}}
		_, err := client(t, tr, plain).Do(t.Context(), one)
		require.NoError(t, err)
		require.Equal(t, "k-1", got.Load())
	})
}

// TestEffectOnTheWire: what httptrace knows about having sent.
func TestEffectOnTheWire(t *testing.T) {
	t.Parallel()
	hang := func(_ int, c net.Conn) {
		b := bufio.NewReader(c)
		take(b)
		_, _ = b.ReadByte() // until the client hangs up
	}
	noDial := func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, errors.New("no route") }
	slowDial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, c := range []struct {
		name      string
		serve     func(int, net.Conn)
		dial      func(context.Context, string, string) (net.Conn, error)
		https     bool
		timeout   time.Duration // of a try
		deadline  time.Duration // of the caller
		attempts  int
		ambiguous bool
		class     Class
	}{
		{name: "no connection", dial: noDial, attempts: 4, class: Transport},
		{name: "connection too slow", dial: slowDial, timeout: time.Second, attempts: 4, class: Transport},
		{name: "context ends while dialling", dial: slowDial, deadline: time.Second, attempts: 1, class: Ended},
		{name: "TLS fails", serve: func(_ int, c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "nonsense, no handshake")
		}, https: true, attempts: 1, class: Transport},
		{name: "closed during the handshake", serve: func(int, net.Conn) {}, https: true, attempts: 4, class: Transport},
		{name: "closed after reading", serve: func(_ int, c net.Conn) { take(bufio.NewReader(c)) }, attempts: 1, ambiguous: true, class: Transport},
		{name: "closed before reading", serve: func(int, net.Conn) {}, attempts: 1, ambiguous: true, class: Transport},
		{name: "time-out of the try", serve: hang, timeout: time.Second, attempts: 1, ambiguous: true, class: Transport},
		{name: "context ends", serve: hang, deadline: time.Second, attempts: 1, ambiguous: true, class: Ended},
		{name: "body cut off", serve: func(_ int, c net.Conn) {
			take(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\":1")
		}, attempts: 1, ambiguous: true, class: NotJSON},
		{name: "context ends in the body", serve: func(n int, c net.Conn) {
			b := bufio.NewReader(c)
			take(b)
			_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\":1")
			_, _ = b.ReadByte()
		}, deadline: time.Second, attempts: 1, ambiguous: true, class: Ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := wire(t, c.serve)
				if c.dial != nil {
					tr.DialContext = c.dial
				}
				core := client(t, nil, plain, func(conf *Config) {
					conf.HTTPClient = &http.Client{Transport: tr, Timeout: c.timeout}
					if c.https {
						conf.Base.Scheme = "https"
					}
				})
				ctx := t.Context()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				_, err := core.Do(ctx, call(Effect))
				f := failure(t, err)
				require.Equal(t, c.class, f.Class, f.Error())
				require.Equal(t, c.ambiguous, f.Ambiguous, f.Error())
				require.Equal(t, c.attempts, f.Attempts, f.Error())
				require.Equal(t, c.class == Ended, errors.Is(err, context.DeadlineExceeded), "only the caller's deadline is one")
			})
		})
	}
}

// TestStaleConnectionIsHarmless: a kept connection that takes no byte any more is no reason for doubt.
func TestStaleConnectionIsHarmless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		tr := wire(t, func(_ int, c net.Conn) {
			b := bufio.NewReader(c)
			for req := take(b); req != nil; req = take(b) {
				requests.Add(1)
				_, _ = io.WriteString(c, fine)
			}
		})
		dial, dials := tr.DialContext, 0
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			if dials == 2 {
				return nil, errors.New("the host is down")
			}
			c, err := dial(ctx, network, addr)
			return &dying{Conn: c}, err
		}
		core := client(t, tr, plain)
		_, err := core.Do(t.Context(), call(Read))
		require.NoError(t, err)
		got, err := core.Do(t.Context(), call(Effect)) // first connection takes nothing, second is refused, third is fine
		require.NoError(t, err)
		require.Equal(t, 2, got.Attempts)
		require.EqualValues(t, 2, requests.Load())
	})
}

// dying is a connection that takes one request and then no byte more.
type dying struct {
	net.Conn
	wrote int
}

func (d *dying) Write(b []byte) (int, error) {
	if d.wrote++; d.wrote > 1 {
		return 0, errors.New("broken pipe")
	}
	return d.Conn.Write(b)
}

// TestNonceOfAReplayedRead: net/http repeats a GET on its own when a kept connection dies; the server has seen the nonce.
func TestNonceOfAReplayedRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]int{}
		tr := wire(t, func(n int, c net.Conn) {
			b := bufio.NewReader(c)
			for req := take(b); req != nil; req = take(b) {
				nonce := req.URL.Query().Get("oauth_nonce")
				seen[nonce]++
				switch {
				case n == 1 && len(seen) == 2:
					return
				case seen[nonce] > 1:
					_, _ = io.WriteString(c, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}")
				default:
					_, _ = io.WriteString(c, fine)
				}
			}
		})
		nonce := 'a'
		core := client(t, tr, plain, func(c *Config) {
			c.Authorize = func(req *http.Request) error {
				q := req.URL.Query()
				q.Add("oauth_nonce", string(nonce))
				req.URL.RawQuery = q.Encode()
				nonce++
				return nil
			}
		})
		for range 2 {
			_, err := core.Do(t.Context(), call(Read))
			require.NoError(t, err)
		}
		require.Equal(t, map[string]int{"a": 1, "b": 2, "c": 1}, seen)
	})
}

// TestHTTP2: a stream that the server resets is a request that may have had its effect.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Error("not HTTP/2")
		}
		requests.Add(1)
		panic(http.ErrAbortHandler)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	base, err := url.Parse(s.URL)
	require.NoError(t, err)
	core := client(t, nil, func(c *Config) { c.Base, c.HTTPClient = base, s.Client() })
	for range 2 { // a fresh and a kept connection
		_, err := core.Do(t.Context(), call(Effect))
		f := failure(t, err)
		require.True(t, f.Ambiguous, f.Error())
		require.Equal(t, 1, f.Attempts)
	}
	require.EqualValues(t, 2, requests.Load())
}

// TestTLSIsVerified: the default client refuses a certificate it does not know, at once and with a sentence.
func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	s.Config.ErrorLog = quiet()
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	base, err := url.Parse(s.URL)
	require.NoError(t, err)
	core, err := New(Config{System: "woo", Base: base})
	require.NoError(t, err)
	_, err = core.Do(t.Context(), call(Effect))
	f := failure(t, err)
	require.Equal(t, Transport, f.Class)
	require.Equal(t, 1, f.Attempts)
	require.False(t, f.Ambiguous)
	require.False(t, f.Passing())
	require.Contains(t, f.Error(), "trust the issuer")
	require.Zero(t, requests.Load())
}
