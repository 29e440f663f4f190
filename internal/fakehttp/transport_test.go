package fakehttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/slow" {
		select {
		case <-time.After(time.Hour):
		case <-r.Context().Done():
			return
		}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	body, _ := io.ReadAll(r.Body)
	_, _ = io.WriteString(w, r.Method+" "+scheme+"://"+r.Host+r.URL.Path+" "+string(body))
})

func call(t testing.TB, rt http.RoundTripper, method, url, body string, timeout time.Duration) (status int, text string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestTransportTellsSchemeAndHost(t *testing.T) {
	t.Parallel()
	rt := NewTransport(echo)
	defer rt.Close()
	for _, url := range []string{"http://shop.test/a", "https://shop.test/a"} {
		_, text, err := call(t, rt, "POST", url, "hello", time.Minute)
		require.NoError(t, err)
		require.Equal(t, "POST "+url+" hello", text)
	}
}

// The handler takes an hour; the test takes none, since nothing here is a socket.
func TestTransportInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := NewTransport(echo)
		defer rt.Close()
		start := time.Now()
		_, text, err := call(t, rt, "GET", "https://shop.test/slow", "", 2*time.Hour)
		require.NoError(t, err)
		require.Equal(t, "GET https://shop.test/slow ", text)
		require.Equal(t, time.Hour, time.Since(start))

		_, _, err = call(t, rt, "GET", "https://shop.test/slow", "", time.Minute)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Hour+time.Minute, time.Since(start))
	})
}

func TestTransportClosedRefusesAsAClosedPort(t *testing.T) {
	t.Parallel()
	rt := NewTransport(echo)
	_, _, err := call(t, rt, "GET", "http://shop.test/", "", time.Minute)
	require.NoError(t, err)
	rt.Close()
	rt.Close()
	_, _, err = call(t, rt, "GET", "http://shop.test/", "", time.Minute)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "dial", op.Op)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestCloseCutsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := NewTransport(echo)
		failed := make(chan error, 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop.test/slow", nil)
		require.NoError(t, err)
		go func() {
			resp, err := rt.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			failed <- err
		}()
		synctest.Wait()
		rt.Close()
		err = <-failed
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestCloseWaitsForHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := false
		rt := NewTransport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			time.Sleep(time.Minute)
			ended = true
		}))
		_, _, err := call(t, rt, "GET", "http://shop.test/", "", time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		rt.Close()
		require.True(t, ended)
	})
}

// A handler that never reads its body is not told that the connection has gone; Close ends it all the same.
func TestCloseEndsAHandlerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := NewTransport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		_, _, err := call(t, rt, "POST", "http://shop.test/", "body", time.Minute)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		rt.Close()
	})
}

func TestStart(t *testing.T) {
	t.Parallel()
	url, stop, err := Start(echo)
	require.NoError(t, err)
	rt := &http.Transport{}
	defer rt.CloseIdleConnections()
	_, text, err := call(t, rt, "GET", url+"/a", "", time.Minute)
	require.NoError(t, err)
	require.Equal(t, "GET "+url+"/a ", text)
	stop()
	_, _, err = call(t, rt, "GET", url+"/a", "", time.Minute)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	url, ca, stop, err := StartTLS(echo)
	require.NoError(t, err)
	defer stop()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca))
	trusting := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer trusting.CloseIdleConnections()
	_, text, err := call(t, trusting, "GET", url+"/a", "", time.Minute)
	require.NoError(t, err)
	require.Equal(t, "GET "+url+"/a ", text)

	stranger := &http.Transport{}
	defer stranger.CloseIdleConnections()
	_, _, err = call(t, stranger, "GET", url+"/a", "", time.Minute)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
}
