package kledo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
)

// inOAuth runs f with an account, its application and a store.
func inOAuth(t *testing.T, f func(t *testing.T, books *kledotest.Books, app *kledo.OAuth, store kledo.TokenStore)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		books, err := kledotest.New(kledotest.Config{})
		require.NoError(t, err)
		defer books.Close()
		c := books.Config()
		known := books.App()
		app, err := kledo.NewOAuth(kledo.OAuthConfig{
			Endpoint: c.Endpoint, ClientID: known.ClientID, ClientSecret: known.ClientSecret, RedirectURL: known.RedirectURL, HTTPClient: c.HTTPClient,
		})
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", app, app, app), known.ClientSecret)
		f(t, books, app, kledo.NewMemoryTokens(""))
	})
}

func consented(t *testing.T, books *kledotest.Books, app *kledo.OAuth, store kledo.TokenStore) *kledo.Client {
	t.Helper()
	consent := app.Begin()
	require.Contains(t, consent.URL, "scope=&state=")
	require.NoError(t, app.Finish(t.Context(), httptest.NewRequest(http.MethodGet, books.Authorize(consent.URL), nil), consent, store))
	c := books.Config()
	c.Token, c.Tokens = "", app.Tokens(store)
	client, err := kledo.New(c)
	require.NoError(t, err)
	return client
}

func TestOAuthConsentAndRefresh(t *testing.T) {
	t.Parallel()
	inOAuth(t, func(t *testing.T, books *kledotest.Books, app *kledo.OAuth, store kledo.TokenStore) {
		client := consented(t, books, app, store)
		_, err := client.Connection(t.Context())
		require.NoError(t, err)
		first := books.Token()

		time.Sleep(59*time.Minute + 30*time.Second) // the token lives for an hour; the client remembers it
		other := books.Config()
		other.Token, other.Tokens = "", app.Tokens(store)
		second, err := kledo.New(other)
		require.NoError(t, err)
		_, err = second.Connection(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, first, books.Token(), "not refreshed before its end")
		_, err = client.Connection(t.Context())
		require.NoError(t, err, "the first client takes what the second has stored")

		books.Rotate("access-rotated")
		_, err = client.Connection(t.Context())
		require.NoError(t, err)
		_, err = second.Connection(t.Context())
		require.NoError(t, err, "a token that Kledo gave in an answer is kept with its refresh token")

		books.SetToken("revoked by somebody")
		_, err = client.Connection(t.Context())
		require.NoError(t, err, "a refused token is refreshed")
		require.True(t, strings.HasPrefix(books.Token(), "access-"))
	})
}

// TestOAuthRefreshRace: eight calls of two processes meet a dead token at once; a refresh token is good once.
func TestOAuthRefreshRace(t *testing.T) {
	t.Parallel()
	inOAuth(t, func(t *testing.T, books *kledotest.Books, app *kledo.OAuth, store kledo.TokenStore) {
		consented(t, books, app, store)
		books.SetToken("revoked by somebody")
		var wg sync.WaitGroup
		for range 2 {
			c := books.Config()
			c.Token, c.Tokens = "", app.Tokens(store)
			client, err := kledo.New(c)
			require.NoError(t, err)
			for range 4 {
				wg.Go(func() {
					if _, err := client.Connection(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
	})
}

func TestOAuthRefusals(t *testing.T) {
	t.Parallel()
	inOAuth(t, func(t *testing.T, books *kledotest.Books, app *kledo.OAuth, store kledo.TokenStore) {
		finish := func(address string, c kledo.Consent) error {
			return app.Finish(t.Context(), httptest.NewRequest(http.MethodGet, address, nil), c, store)
		}
		mine, theirs := app.Begin(), app.Begin()
		require.NotEqual(t, mine.State, theirs.State)
		require.ErrorContains(t, finish(books.Authorize(theirs.URL), mine), "the state is not that of this person's consent")
		require.ErrorContains(t, finish("https://host.test/callback?code=x&state=", kledo.Consent{Expires: time.Now().Add(time.Hour)}), "the state is not")
		require.ErrorContains(t, finish("https://host.test/callback?error=access_denied&state="+mine.State, mine), "access_denied")

		back := books.Authorize(mine.URL)
		time.Sleep(5*time.Minute + time.Second)
		require.ErrorContains(t, finish(back, mine), "took longer than 5 minutes")

		fresh := app.Begin()
		back = books.Authorize(fresh.URL)
		require.NoError(t, finish(back, fresh))
		err := finish(back, fresh)
		require.ErrorIs(t, err, kledo.ErrAuth, "a code is good once")
		require.ErrorContains(t, err, "invalid_grant")
	})
	for field, c := range map[string]kledo.OAuthConfig{
		"Endpoint": {}, "ClientID": {Endpoint: "https://k.test"}, "ClientSecret": {Endpoint: "https://k.test", ClientID: "a"},
		"RedirectURL": {Endpoint: "https://k.test", ClientID: "a", ClientSecret: "b"},
	} {
		_, err := kledo.NewOAuth(c)
		require.ErrorContains(t, err, "kledo: OAuthConfig."+field)
	}
}
