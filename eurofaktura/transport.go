package eurofaktura

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

const (
	readTimeout   = time.Minute
	effectTimeout = 3 * time.Minute // a create may print, send mail and ask the tax office before it answers
	lockWait      = 15 * time.Second
	rateWait      = 5 * time.Second
	maxHold       = 2 * time.Minute
	sniffed       = 64 << 10 // bytes of a failed answer in which words are looked for
)

// timeoutKey carries the patience for one try of a call.
type timeoutKey struct{}

// transport lets one request at a time through, as the limiter allows. The limiter stands here and not before the client, because a
// place in the lane is given back when the answer was read, and because waiting for it must not eat the time-out of a try.
type transport struct {
	base    http.RoundTripper
	limiter *Limiter
	timeout time.Duration // 0: the call's own
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	release, err := t.limiter.acquire(r.Context())
	rest.Idle(r.Context(), time.Since(began))
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		// Written so that it is believed: nothing was sent.
		return nil, &net.OpError{Op: "dial", Net: "limiter", Err: err}
	}
	d := t.timeout
	if d == 0 {
		d, _ = r.Context().Value(timeoutKey{}).(time.Duration)
	}
	ctx, cancel := r.Context(), func() {}
	if d > 0 {
		ctx, cancel = context.WithTimeout(ctx, d)
	}
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		release()
		if r.Context().Err() == nil && ctx.Err() != nil {
			err = errors.New("no answer within " + d.String())
		}
		return nil, err
	}
	if resp.Body == nil { // a RoundTripper of the host's own
		resp.Body = http.NoBody
	}
	// The vendor's "Content-Encoding: 8-bit" means none. Go does not mind; whoever reads the headers might.
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "8-bit") {
		resp.Header.Del("Content-Encoding")
	}
	resp.Body = &lastRead{resp.Body, func() { cancel(); release() }}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		t.heed(resp)
	}
	return resp, nil
}

// heed looks whether the server says that it is busy, in whatever status. It did nothing then: all wait, and a Retry-After that was
// not sent is put in, so that the core under the client waits as long as it was seen to take.
func (t *transport) heed(resp *http.Response) {
	head, err := io.ReadAll(io.LimitReader(resp.Body, sniffed))
	rest := resp.Body
	resp.Body = &lastRead{struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), afterwards(rest, err)), rest}, func() {}}
	var wait time.Duration
	switch {
	case locked(head):
		wait = lockWait
	case resp.StatusCode == http.StatusTooManyRequests || tooMany(head):
		wait = rateWait
	default:
		return
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 && n < int(maxHold/time.Second) {
		wait = time.Duration(n) * time.Second
	} else if resp.Header.Get("Retry-After") == "" {
		resp.Header.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
	t.limiter.hold(wait)
}

// afterwards goes on reading, or repeats the error that reading ended with.
func afterwards(r io.Reader, err error) io.Reader {
	if err != nil {
		return failing{err}
	}
	return r
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// lastRead is a body that calls done when it is closed.
type lastRead struct {
	io.ReadCloser
	done func()
}

func (b *lastRead) Close() error {
	err := b.ReadCloser.Close()
	b.done()
	return err
}

// locked reports the words of the session lock: another request of the account is in hand, and this one did nothing.
func locked(body []byte) bool {
	return says(body, "another web request is currently being processed", "concurrent usage of atomic api operations")
}

// tooMany reports the words of the rate limit, which may come in another status than 429.
func tooMany(body []byte) bool { return says(body, "too many requests", "too many request") }

// says looks for any of the fragments, in lower case.
func says(body []byte, fragments ...string) bool {
	body = bytes.ToLower(body)
	for _, f := range fragments {
		if bytes.Contains(body, []byte(f)) {
			return true
		}
	}
	return false
}
