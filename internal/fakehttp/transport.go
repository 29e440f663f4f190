package fakehttp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Transport is an [http.RoundTripper] that reaches one handler over in-memory pipes, whatever host the URL names. Behind an
// https URL no TLS is spoken; the handler is told by r.TLS, which is then not nil, as it would be behind a real listener.
//
// Within a synctest bubble it must be made, used and closed inside the bubble.
type Transport struct {
	http     *http.Transport
	server   *http.Server
	listener *pipeListener
	served   sync.WaitGroup // the accept loop
	busy     sync.WaitGroup // handlers under way
	cancel   context.CancelFunc
	close    sync.Once
}

// NewTransport serves h until Close.
func NewTransport(h http.Handler) *Transport {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Transport{listener: &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}, cancel: cancel}
	t.server = &http.Server{
		ReadHeaderTimeout: time.Minute,
		// A handler that has not read its body does not notice a closed connection: this ends it at Close.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			_, secure := c.(secureConn)
			return context.WithValue(ctx, secureKey{}, secure)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.busy.Add(1)
			defer t.busy.Done()
			if secure, _ := r.Context().Value(secureKey{}).(bool); secure {
				r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: r.Host}
			}
			h.ServeHTTP(w, r)
		}),
	}
	t.http = &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return t.listener.dial(ctx, func(c net.Conn) net.Conn { return c })
		},
		// What DialTLSContext returns is taken as a connection whose handshake is done.
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return t.listener.dial(ctx, func(c net.Conn) net.Conn { return secureConn{c} })
		},
	}
	t.served.Go(func() { _ = t.server.Serve(t.listener) })
	return t
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) { return t.http.RoundTrip(r) }

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *Transport) CloseIdleConnections() { t.http.CloseIdleConnections() }

// Close cuts every connection, waits for the handlers under way to notice, and leaves no goroutine behind. Later requests are
// refused as by a port that nobody listens on.
func (t *Transport) Close() {
	t.close.Do(func() {
		_ = t.server.Close() // before the handlers hear of it: what they say now must reach nobody
		t.cancel()
		t.served.Wait()
		t.busy.Wait()
	})
}

type secureKey struct{}

// secureConn is the server's end of a connection that was dialled for https.
type secureConn struct{ net.Conn }

// pipeListener hands the far ends of dialled pipes to the server.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, mark func(net.Conn) net.Conn) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- mark(far):
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr{}, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr{}, Err: context.Cause(ctx)}
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, errors.Join(net.ErrClosed, http.ErrServerClosed)
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
