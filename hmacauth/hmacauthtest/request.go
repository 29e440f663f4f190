package hmacauthtest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tillwire/tillwire/hmacauth"
)

// NewRequest is a request as a server receives it, signed by s. target is a path, which is asked of https://example.com, or an
// absolute URL; the body, unless empty, is JSON.
func NewRequest(t testing.TB, s hmacauth.Signer, method, target string, body []byte) *http.Request {
	t.Helper()
	if len(target) > 0 && target[0] == '/' {
		target = "https://example.com" + target
	}
	out, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("making the request: %v", err)
	}
	if len(body) > 0 {
		out.Header.Set("Content-Type", "application/json")
	}
	if err := s.Sign(out); err != nil {
		t.Fatalf("signing the request: %v", err)
	}
	in := httptest.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	in.RequestURI = out.URL.RequestURI() // httptest leaves the absolute form, which clients send to proxies only
	in.Header = out.Header
	return in
}
