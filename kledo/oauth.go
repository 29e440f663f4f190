package kledo

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/tillwire/tillwire/internal/rest"
)

// OAuthConfig names an OAuth2 application that is registered with a Kledo account. Kledo's own plugins have moved on to API keys;
// applications from before go on working. A printed OAuthConfig does not show the ClientSecret.
type OAuthConfig struct {
	// Endpoint is Config.Endpoint, of the account the application is registered with: another one answers "invalid_client".
	Endpoint string
	// ClientID and ClientSecret are the application's. Required.
	ClientID, ClientSecret string
	// RedirectURL is where Kledo sends the person back to, as registered. Required.
	RedirectURL string
	// HTTPClient asks for tokens. Default: an own one, with a time-out of 60 s.
	HTTPClient *http.Client
}

// String leaves the secret out.
func (c OAuthConfig) String() string {
	return fmt.Sprintf("kledo.OAuthConfig{Endpoint: %q, ClientID: %q}", rest.Bare(c.Endpoint), c.ClientID)
}

// GoString is String, for %#v.
func (c OAuthConfig) GoString() string { return c.String() }

// LogValue is String's content as attributes.
func (c OAuthConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.String("endpoint", rest.Bare(c.Endpoint)), slog.String("client_id", c.ClientID))
}

// OAuth gets access to an account by its user's consent (authorization code) and keeps it (refresh):
//
//	app, err := kledo.NewOAuth(kledo.OAuthConfig{…})
//	consent := app.Begin()                             // keep it with the person's session, send them to consent.URL
//	err = app.Finish(ctx, r, consent, store)           // r: the request with which Kledo sends the person back
//	books, err := kledo.New(kledo.Config{Endpoint: endpoint, Tokens: app.Tokens(store)})
//
// It is safe for concurrent use.
type OAuth struct {
	app    func() *oauth2.Config // behind a function: no verb of fmt prints its secret
	client *http.Client
}

// NewOAuth checks c. It calls nobody.
func NewOAuth(c OAuthConfig) (*OAuth, error) {
	base, err := endpointURL(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("kledo: OAuthConfig.Endpoint: %w", err)
	}
	for _, field := range [][2]string{{"ClientID", c.ClientID}, {"ClientSecret", c.ClientSecret}, {"RedirectURL", c.RedirectURL}} {
		if field[1] == "" {
			return nil, fmt.Errorf("kledo: OAuthConfig.%s: is empty: Kledo shows it with the registered application", field[0])
		}
	}
	app := &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURL: c.RedirectURL,
		Endpoint: oauth2.Endpoint{
			AuthURL: base.String() + "/oauth/authorize", TokenURL: base.String() + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	o := &OAuth{app: func() *oauth2.Config { return app }, client: c.HTTPClient}
	if o.client == nil {
		o.client = rest.NewHTTPClient()
	}
	return o, nil
}

// Consent is one person's way to Kledo and back.
type Consent struct {
	URL     string    // where to send the person
	State   string    // what Kledo repeats when it sends them back; to be kept with their session, nowhere else
	Expires time.Time // 5 minutes from the beginning
}

const consentLife = 5 * time.Minute

// Begin makes a Consent.
func (o *OAuth) Begin() Consent {
	state := rand.Text() + rand.Text()
	return Consent{
		URL: o.app().AuthCodeURL(state, oauth2.SetAuthURLParam("scope", "")), State: state, Expires: time.Now().UTC().Add(consentLife),
	}
}

// Finish takes the request with which Kledo sends the person back, checks that it belongs to the consent that this person began and
// is in time, and puts the tokens into store, in place of whatever was there. Use the consent once.
func (o *OAuth) Finish(ctx context.Context, r *http.Request, c Consent, store TokenStore) error {
	q := r.URL.Query()
	switch {
	case c.State == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.State)) != 1:
		return errors.New("kledo: OAuth: the state is not that of this person's consent: begin anew")
	case time.Now().After(c.Expires):
		return errors.New("kledo: OAuth: the consent took longer than 5 minutes: begin anew")
	case q.Get("code") == "":
		return fmt.Errorf("kledo: OAuth: Kledo sent no code: %s", strings.TrimSpace(q.Get("error")+" "+q.Get("error_description")))
	}
	token, err := o.app().Exchange(o.with(ctx), q.Get("code"))
	if err != nil {
		return oauthError("exchanging the code", err)
	}
	for { // whatever another process puts there meanwhile: the person's consent is the newest
		old, err := store.Load(ctx)
		if err != nil {
			return fmt.Errorf("kledo: OAuth: storing the tokens: %w", err)
		}
		stored, err := store.Swap(ctx, old, pack(token))
		if err != nil {
			return fmt.Errorf("kledo: OAuth: storing the tokens: %w", err)
		}
		if stored {
			return nil
		}
	}
}

// with gives x/oauth2 the client to use.
func (o *OAuth) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, o.client)
}

// oauthError says what Kledo said, without the body, which may hold a token.
func oauthError(what string, err error) error {
	e := &Error{Op: "OAuth", Method: http.MethodPost, Route: "oauth/token", kind: ErrUnavailable}
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil {
		e.Message = what + ": Kledo could not be reached, or its answer not be read"
		return e
	}
	e.Status = answer.Response.StatusCode
	e.Message = strings.TrimSpace(what + ": " + answer.ErrorCode + " " + answer.ErrorDescription)
	switch {
	case e.Status == http.StatusTooManyRequests:
		e.kind, e.wait, e.systemic = ErrRateLimited, rateWait, true
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout:
		e.kind, e.systemic = ErrAuth, true
		e.advice = "the consent is gone, or the application is of another account: let a person with access begin anew"
	}
	return e
}

// Tokens returns a TokenStore of access tokens for Config.Tokens, which keeps them in store together with their refresh token. An access
// token that ends within a minute, or that Kledo has refused, is refreshed; of several processes that do so at once one wins, and
// the others take what it has stored. Let store hold nothing else.
func (o *OAuth) Tokens(store TokenStore) TokenStore {
	return &oauthTokens{o, store, make(chan struct{}, 1)}
}

type oauthTokens struct {
	app   *OAuth
	store TokenStore
	turn  chan struct{} // one refresh at a time
}

// early is how long before its end an access token is replaced.
const early = time.Minute

// Load returns the access token, a fresh one when the stored one has ended.
func (s *oauthTokens) Load(ctx context.Context) (string, error) {
	packed, token, err := s.read(ctx)
	if err != nil || token == nil {
		return "", err
	}
	if token.Expiry.IsZero() || time.Until(token.Expiry) > early {
		return token.AccessToken, nil
	}
	return s.refresh(ctx, packed, token)
}

// refreshed returns an access token other than dead, which Kledo has refused.
func (s *oauthTokens) refreshed(ctx context.Context, dead string) (string, error) {
	packed, token, err := s.read(ctx)
	if err != nil || token == nil || token.AccessToken != dead {
		return "", err
	}
	return s.refresh(ctx, packed, token)
}

// Swap stores an access token that Kledo gave in place of another.
func (s *oauthTokens) Swap(ctx context.Context, old, new string) (bool, error) {
	packed, token, err := s.read(ctx)
	switch {
	case err != nil:
		return false, err
	case token == nil:
		return false, errors.New("kledo: OAuth: there is no consent yet: see OAuth.Begin")
	case token.AccessToken != old:
		return false, nil
	}
	changed := *token
	changed.AccessToken = new
	return s.store.Swap(ctx, packed, pack(&changed))
}

func (s *oauthTokens) refresh(ctx context.Context, packed string, token *oauth2.Token) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	now, current, err := s.read(ctx)
	if err != nil || current == nil {
		return "", err
	}
	if now != packed { // somebody was quicker
		return current.AccessToken, nil
	}
	// Once Kledo has been asked its answer must be kept, whatever becomes of the caller: the old refresh token may be used up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	fresh, err := s.app.app().TokenSource(s.app.with(ctx), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err == nil {
		var stored bool
		if stored, err = s.store.Swap(ctx, packed, pack(fresh)); stored {
			return fresh.AccessToken, nil
		}
	} else {
		err = oauthError("refreshing the access token", err)
	}
	// Another process may have used the refresh token a moment ago: what it stores counts.
	select {
	case <-time.After(renewalGrace):
	case <-ctx.Done():
	}
	if now, current, readErr := s.read(ctx); readErr == nil && current != nil && now != packed {
		return current.AccessToken, nil
	}
	return "", err
}

func (s *oauthTokens) read(ctx context.Context) (packed string, token *oauth2.Token, err error) {
	packed, err = s.store.Load(ctx)
	if err != nil || packed == "" {
		return packed, nil, err
	}
	token = new(oauth2.Token)
	if json.Unmarshal([]byte(packed), token) != nil || token.AccessToken == "" {
		return packed, nil, errors.New("kledo: OAuth: the token store holds something else than tokens of OAuth.Finish")
	}
	return packed, token, nil
}

func pack(t *oauth2.Token) string {
	b, _ := json.Marshal(t) //nolint:gosec // it goes into the store that keeps the tokens; texts and a time cannot fail
	return string(b)
}
