package kledo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/internal/rest"
)

// Config names a Kledo account and a key to it. A printed Config does not show the Token.
type Config struct {
	// Endpoint is the address Kledo shows under Settings > Integrations > API Key:
	// "https://{tenant}.api.kledo.com/api/v1". A trailing slash is cut off. Required.
	Endpoint string
	// Token is the API key ("kledo_pat_…", older ones without that prefix). It is put into an empty Tokens, and tried again
	// when Kledo refuses the stored key: so a key that a person has just replaced here wins. Required unless Tokens holds one.
	Token string
	// Tokens keeps the key that Kledo gives in place of Token from time to time. Share one between all processes of a key.
	// Default: [NewMemoryTokens], with which a restart after a renewal needs a new Token.
	Tokens TokenStore
	// HTTPClient sends the requests; its CheckRedirect is not asked. Default: an own one, with a time-out of 60 s per try.
	HTTPClient *http.Client
	// Limiter paces the requests; share one value between all clients of an account. It is slowed down on 429 and 503 and
	// recovers by itself. Default: none. Kledo publishes no figure; its own plugin sends 5 to 10 orders a minute in bulk.
	Limiter *rate.Limiter
	// Logger hears of retries, slow-downs and renewed keys. Default: silent.
	Logger *slog.Logger
	// UserAgent is sent with every request. The WooCommerce routes refuse with 400 what is not of the form
	// "Kledo/1 (WooCommerce/2; WordPress/3)"; [UserAgent] makes one. Default: UserAgent("tillwire", "unknown", "unknown").
	UserAgent string
	// MaxBody is the longest answer accepted, in bytes. Default: 32 MiB.
	MaxBody int64
	// Observe is told of each call when it is over, for metrics: how it ended, in how many requests, how long it took and waited.
	// It is called by the goroutine that made the call, and must be quick. Default: nobody.
	Observe func(context.Context, Observation)
}

const defaultMaxBody = 32 << 20

// UserAgent composes what the WooCommerce routes demand of a User-Agent: the versions of the program that sends and of the
// shop's WooCommerce and WordPress. Semicolons and brackets in them would break the form and are dropped.
func UserAgent(version, wooCommerce, wordPress string) string {
	clean := func(s string) string {
		if s = strings.Map(func(r rune) rune {
			if r <= ' ' || r > '~' || strings.ContainsRune(";()", r) {
				return -1
			}
			return r
		}, s); s != "" {
			return s
		}
		return "unknown"
	}
	return fmt.Sprintf("Kledo/%s (WooCommerce/%s; WordPress/%s)", clean(version), clean(wooCommerce), clean(wordPress))
}

var userAgentForm = regexp.MustCompile(`^Kledo/\S+\s\(WooCommerce/[^;]+;\s*WordPress/[^)]+\)$`)

// Observation is one call when it is over, the same for all clients: System ("kledo"), Op ("Invoices.Create"), Method, Route (the
// path's template), Status (0 when no answer came), Attempts (requests that went out), Took (all of it), Waited (the part of Took
// spent on the limiter, a busy host and pauses before repeats) and Err. See Config.Observe.
type Observation = rest.Observation

// String shows the endpoint alone.
func (c Config) String() string {
	return fmt.Sprintf("kledo.Config{Endpoint: %q}", rest.Bare(c.Endpoint))
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String's content as attributes.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("endpoint", rest.Bare(c.Endpoint)))
}

// check is what New refuses, each with what to write instead.
func (c Config) check() (base *url.URL, err error) {
	if base, err = endpointURL(c.Endpoint); err != nil {
		return nil, fmt.Errorf("kledo: Config.Endpoint: %w", err)
	}
	var problem string
	switch {
	case c.Token == "" && c.Tokens == nil:
		problem = "Token: is empty: give the API key of Kledo's Settings > Integrations > API Key"
	case strings.Contains(c.Token, "*"):
		problem = "Token: holds a *, so it is a masked copy: Kledo shows the key itself only once, make a new one"
	case strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		problem = "Token: holds a space or a control character: copy it again, without what stands around it"
	case c.UserAgent != "" && !userAgentForm.MatchString(c.UserAgent):
		problem = "UserAgent: is not of the form that the WooCommerce routes demand: make it with kledo.UserAgent"
	case c.MaxBody < 0:
		problem = "MaxBody: is negative: give bytes, or 0 for 32 MiB"
	}
	if problem != "" {
		return nil, errors.New("kledo: Config." + problem)
	}
	return base, nil
}

// endpointURL reads Config.Endpoint. Its errors never repeat the text, which may hold a password.
func endpointURL(raw string) (*url.URL, error) {
	const hint = "give the address of Kledo's Settings > Integrations > API Key, such as https://mine.api.kledo.com/api/v1"
	if raw == "" {
		return nil, errors.New("is empty: " + hint)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("is no URL: " + hint)
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https:// (or http://) and a host: " + hint)
	case u.User != nil:
		return nil, errors.New("holds a user name: leave it out; the key belongs into Token")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("holds a query or a fragment: leave out everything from the ? or # on")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, nil
}
