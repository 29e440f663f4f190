package eurofaktura_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
)

// roundTrip answers requests from a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply is an answer as the real server gives it.
func reply(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"8-bit"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}

// client is one whose requests f answers.
func client(t *testing.T, f func(r *http.Request, body string) *http.Response, change func(*eurofaktura.Config)) *eurofaktura.Client {
	t.Helper()
	c := eurofaktura.Config{
		Endpoint: "https://eurofaktura.test/WebServices/API", Username: "SHOPBOT", SecretKey: "0123456789abcdef", Token: "ABCDEF",
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			return f(r, string(body)), nil
		})},
	}
	if change != nil {
		change(&c)
	}
	books, err := eurofaktura.New(c)
	require.NoError(t, err)
	return books
}

// inBooks runs f in a bubble of virtual time with a server and a client.
func inBooks(t *testing.T, c eurofakturatest.Config, f func(t *testing.T, books *eurofakturatest.Books, client *eurofaktura.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		books, err := eurofakturatest.New(c)
		require.NoError(t, err)
		defer books.Close()
		client, err := eurofaktura.New(books.Config())
		require.NoError(t, err)
		f(t, books, client)
	})
}
