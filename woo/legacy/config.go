package legacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/woo"
)

// userAgent is sent unless Config.UserAgent says otherwise: many hosts block Go's default.
const userAgent = "tillwire-woo-legacy/0.1 (+https://github.com/tillwire/tillwire)"

// Config names a shop and a key to it, as woo.Config does. A printed Config shows neither the Secret nor more of the Key
// than the shop's own list of keys does.
type Config struct {
	// URL is the shop's address as WordPress knows it, "https://shop.example". What people copy out of the browser is
	// accepted too: everything from "/wp-admin", "/wc-api" or "/wp-json" on is cut off. Required.
	URL string
	// Key and Secret are the consumer key ("ck_…") and secret ("cs_…") of WooCommerce > Settings > Advanced > REST API; the
	// legacy API takes the same ones. Required.
	Key, Secret string
	// Auth is how the key travels. Default: Basic over https, OAuthSHA256 over http.
	Auth Auth
	// REST is wc/v3 of the same shop. It is asked, where it answers, whether the legacy API still sees the shop's new
	// orders; see ErrLegacyBlind. Default: made of the same URL and key.
	REST *woo.Client
	// HTTPClient sends the requests; its CheckRedirect is not asked. Default: an own one, with a time-out of 60 s per try.
	HTTPClient *http.Client
	// Limiter paces the requests; share one value between all clients of a shop. It is slowed down on 429 and 503 and
	// recovers by itself. Default: none.
	Limiter *rate.Limiter
	// Logger hears of retries and slow-downs. Default: silent.
	Logger *slog.Logger
	// UserAgent is what the shop's host sees. Default: "tillwire-woo-legacy/…".
	UserAgent string
	// MaxBody is the longest answer accepted, in bytes. Default: 32 MiB.
	MaxBody int64
	// Observe is told of each call when it is over, for metrics, as woo.Config has it. Its System is "woo/legacy", and
	// "woo" for what wc/v3 of the same URL and key is asked. It is called by the goroutine that made the call, and must be quick. Default: nobody.
	Observe func(context.Context, woo.Observation)
}

// String shows the address and the end of the key, as the shop's own list of keys does.
func (c Config) String() string {
	return "legacy" + strings.TrimPrefix(woo.Config{URL: c.URL, Key: c.Key}.String(), "woo")
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String's content as attributes.
func (c Config) LogValue() slog.Value { return woo.Config{URL: c.URL, Key: c.Key}.LogValue() }

// check is what New refuses, each with what to write instead. It fills in Auth.
func (c *Config) check() (home *url.URL, err error) {
	home, err = shopURL(c.URL)
	if err != nil {
		return nil, fmt.Errorf("legacy: Config.URL %w", err)
	}
	if c.Auth == "" {
		c.Auth = Basic
		if home.Scheme == "http" {
			c.Auth = OAuthSHA256
		}
	}
	refuse := func(field, why string) (*url.URL, error) { return nil, fmt.Errorf("legacy: Config.%s %s", field, why) }
	switch {
	case c.Key == "":
		return refuse("Key", "is empty: give the consumer key (ck_…) of WooCommerce > Settings > Advanced > REST API")
	case c.Secret == "":
		return refuse("Secret", "is empty: give the consumer secret (cs_…) that the shop showed when the key was made")
	case strings.HasPrefix(c.Key, "cs_") && strings.HasPrefix(c.Secret, "ck_"):
		return refuse("Key", "holds the secret, and Secret the key: exchange them")
	case strings.ContainsFunc(c.Key, func(r rune) bool { return r == ':' || notInSecret(r) }):
		return refuse("Key", "holds a space, a colon or a control character: copy it again, without what stands around it")
	case strings.ContainsFunc(c.Secret, notInSecret):
		return refuse("Secret", "holds a space or a control character: copy it again, without what stands around it")
	case !c.Auth.known():
		return refuse("Auth", fmt.Sprintf("is %q: give Basic, QueryKeys, OAuthSHA1 or OAuthSHA256", string(c.Auth)))
	case home.Scheme == "http" && !c.Auth.signs():
		return refuse("Auth", "is "+string(c.Auth)+", which over http would show the secret to everybody on the way: give OAuthSHA256")
	case c.MaxBody < 0:
		return refuse("MaxBody", "is negative: give bytes, or 0 for 32 MiB")
	}
	return home, nil
}

func notInSecret(r rune) bool { return r <= ' ' || r == 0x7f }

// shopURL reads Config.URL. Its errors never repeat the text, which may hold a password.
func shopURL(raw string) (*url.URL, error) {
	const such = "give the shop's address, such as https://shop.example"
	if raw == "" {
		return nil, errors.New("is empty: " + such)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("is no URL: " + such)
	}
	path := u.Path + "/"
	admin := false
	for _, inner := range []string{"/wp-admin/", "/wc-api/", "/wp-json/"} {
		if at := strings.Index(path, inner); at >= 0 {
			path, admin = path[:at], true
		}
	}
	switch {
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https:// (or http://) and a host: " + such)
	case u.User != nil:
		return nil, errors.New("holds a user name: leave it out; the key belongs into Key and Secret")
	case (u.RawQuery != "" || u.ForceQuery) && !admin:
		return nil, errors.New("holds a query: leave out everything from the question mark on; the key belongs into Key and Secret")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(path, "/")}, nil
}
