package kledotest

import (
	"net/http"
	"net/url"
	"strconv"
)

// OAuthApp is the application that POST oauth/token knows.
type OAuthApp struct{ ClientID, ClientSecret, RedirectURL string }

// App is the account's application.
func (b *Books) App() OAuthApp {
	return OAuthApp{"client-1", "client-secret-1", "https://host.test/callback"}
}

// Authorize does what a person does at GET oauth/authorize who says yes: it takes the address they were sent to and returns the one Kledo
// sends them back to.
func (b *Books) Authorize(address string) (back string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	q := u.Query()
	if q.Get("client_id") != b.App().ClientID || q.Get("response_type") != "code" || q.Get("redirect_uri") != b.App().RedirectURL {
		return b.App().RedirectURL + "?error=invalid_client&state=" + url.QueryEscape(q.Get("state"))
	}
	b.lastID++
	b.code = "code-" + strconv.Itoa(b.lastID)
	return b.App().RedirectURL + "?" + url.Values{"code": {b.code}, "state": {q.Get("state")}}.Encode()
}

// grant answers POST oauth/token: a code or a refresh token is good once, and the tokens given are the account's only good ones.
func (b *Books) grant(body []byte) *Answer {
	q, err := url.ParseQuery(string(body))
	app := b.App()
	fail := func(code string) *Answer {
		return &Answer{Status: http.StatusBadRequest, Type: jsonType, Body: marshal(map[string]any{"error": code, "message": code})}
	}
	if err != nil || q.Get("client_id") != app.ClientID || q.Get("client_secret") != app.ClientSecret {
		return fail("invalid_client")
	}
	switch q.Get("grant_type") {
	case "authorization_code":
		if b.code == "" || q.Get("code") != b.code || q.Get("redirect_uri") != app.RedirectURL {
			return fail("invalid_grant")
		}
		b.code = ""
	case "refresh_token":
		if b.refresh == "" || q.Get("refresh_token") != b.refresh {
			return fail("invalid_grant")
		}
	default:
		return fail("unsupported_grant_type")
	}
	b.lastID++
	b.token, b.refresh = "access-"+strconv.Itoa(b.lastID), "refresh-"+strconv.Itoa(b.lastID)
	return &Answer{Status: http.StatusOK, Type: jsonType, Body: marshal(map[string]any{
		"token_type": "Bearer", "expires_in": 3600, "access_token": b.token, "refresh_token": b.refresh,
	})}
}
