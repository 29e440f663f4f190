package sitoo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
)

// open is a fake account and a client of it.
func open(t *testing.T, c sitootest.Config) (*sitootest.Till, *sitoo.Client) {
	t.Helper()
	fake, err := sitootest.New(c)
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	client, err := sitoo.New(fake.Config())
	require.NoError(t, err)
	return fake, client
}

// roundTrip answers requests in a test's own words.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a client whose every request is answered by f.
func answering(t *testing.T, f http.HandlerFunc) *sitoo.Client {
	t.Helper()
	client, err := sitoo.New(sitoo.Config{
		BaseURL: "https://api.test/v2/accounts/91234", APIID: "91234-7", Password: "p",
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/json")
			if r.Body == nil {
				r.Body = http.NoBody
			}
			f(w, r)
			return w.Result(), nil
		})},
	})
	require.NoError(t, err)
	return client
}

// say answers with a body.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func money(s string) sitoo.Money { return sitoo.NewMoney(decimal.RequireFromString(s)) }

func quantity(n int64) sitoo.Quantity { return sitoo.NewQuantity(decimal.NewFromInt(n)) }

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func recorder(method, body string) (*httptest.ResponseRecorder, *http.Request) {
	return httptest.NewRecorder(), httptest.NewRequest(method, "/events", strings.NewReader(body))
}
