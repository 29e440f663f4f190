package hmacauth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// NewTransport returns a RoundTripper that signs each attempt anew, so it belongs below whatever tries again. It
//
//   - refuses a request that a redirect has made: what was signed goes where it was meant to go, or nowhere (ErrRedirected);
//   - refuses http addresses unless Signer.AllowHTTP (ErrPlain);
//   - keeps [http.Transport] from sending the same signature a second time on a new connection;
//   - verifies the answer when Signer.VerifyAnswers (ErrUnverified).
//
// base nil is [DialGuard]'s transport, which refuses to dial private addresses (ErrPrivate): for services in one network pass
// DialGuard{Allow: …}.Transport() or any other. A mistake in the Signer is the error of each request.
func NewTransport(base http.RoundTripper, s Signer) http.RoundTripper {
	if base == nil {
		base = DialGuard{}.Transport()
	}
	p, err := s.prepare()
	return &transport{base: base, signing: p, err: err}
}

type transport struct {
	base    http.RoundTripper
	signing *signing
	err     error
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := takeBody(req) // also closes it, which a RoundTripper owes its caller in any case
	if err == nil {
		err = t.err
	}
	if err != nil {
		return nil, err
	}
	r := req.Clone(req.Context())
	key, err := t.signing.sign(r, body)
	if err != nil {
		return nil, err
	}
	// Not nil and without GetBody: http.Transport then sends a request again only if nothing of it was written.
	r.Body, r.GetBody, r.ContentLength = io.NopCloser(bytes.NewReader(body)), nil, int64(len(body))
	if t.signing.VerifyAnswers {
		r.Header.Set("Accept-Encoding", "identity") // http.Transport would unpack what the signature is of
	}
	before := time.Now()
	answer, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	t.signing.Clock.observeDate(answer.Header, before, time.Now())
	if answer.Request == nil {
		answer.Request = req
	}
	if t.signing.VerifyAnswers {
		return t.verify(answer, r.Header, key)
	}
	return answer, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// verify reads the answer whole and checks its signature.
func (t *transport) verify(answer *http.Response, sent http.Header, key Key) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(answer.Body, t.signing.MaxAnswer+1))
	_ = answer.Body.Close() // read to its end, or given up
	if err != nil {
		return nil, fmt.Errorf("%w: it was cut off: %w", ErrUnverified, err)
	}
	if int64(len(body)) > t.signing.MaxAnswer {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrUnverified, t.signing.MaxAnswer)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	why := t.signing.answers.checkAnswer(answer, body, sent, key, t.signing.Clock.correct(time.Now()), int64(defaultSkew/time.Second))
	switch {
	case why == "":
		answer.Request = answer.Request.WithContext(context.WithValue(answer.Request.Context(), answeredKey{}, true))
	case answer.StatusCode < http.StatusBadRequest:
		return nil, fmt.Errorf("%w: status %d: %w", ErrUnverified, answer.StatusCode, why)
	}
	return answer, nil
}

type answeredKey struct{}

// Verified reports whether an answer that came through a [NewTransport] was signed by the receiver for just this request. Answers of the
// plugin never are: what they say is hearsay.
func Verified(answer *http.Response) bool {
	if answer == nil || answer.Request == nil {
		return false
	}
	ok, _ := answer.Request.Context().Value(answeredKey{}).(bool)
	return ok
}
