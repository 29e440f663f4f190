package woo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/internal/rest"
)

// userAgent is sent unless Config.UserAgent says otherwise: many hosts block Go's default.
const userAgent = "tillwire-woo/0.1 (+https://github.com/tillwire/tillwire)"

// Config names a shop and a key to it. A printed Config shows neither the Secret nor more of the Key than the shop's
// own list of keys does.
type Config struct {
	// URL is the shop's address as WordPress knows it (Settings > General > WordPress Address): "https://shop.example", or
	// "https://example.com/shop" when WordPress lives in a folder. A trailing slash, "/wp-json" and "/wp-json/wc/v3" are
	// accepted and cut off. Over https the key travels as Basic authorization; over http, where that would betray it and
	// where WooCommerce would not look at it, each request is signed by OAuth 1.0a instead. Required.
	URL string
	// Key and Secret are the consumer key ("ck_…") and secret ("cs_…") of WooCommerce > Settings > Advanced > REST API.
	// Required.
	Key, Secret string
	// HTTPClient sends the requests; its CheckRedirect is not asked. Default: an own one, with a time-out of 60 s per try.
	HTTPClient *http.Client
	// Limiter paces the requests; share one value between all clients of a shop. It is slowed down on 429 and 503 and
	// recovers by itself. Default: none.
	Limiter *rate.Limiter
	// Logger hears of retries and slow-downs. Default: silent.
	Logger *slog.Logger
	// UserAgent is what the shop's host sees. Default: "tillwire-woo/…".
	UserAgent string
	// MaxBody is the longest answer accepted, in bytes. Default: 32 MiB.
	MaxBody int64
	// Observe is told of each call when it is over, for metrics: how it ended, in how many requests, how long it took and waited.
	// It is called by the goroutine that made the call, and must be quick. Default: nobody.
	Observe func(context.Context, Observation)
	// Concurrency is how many requests of batches (UpdateAll, Plan.Run) may be under way at once. Fewer are while the shop answers 429 or
	// 503, drops connections or takes longer than 15 s. Default: 4.
	Concurrency int
}

// Observation is one call when it is over, the same for all clients: System ("woo"), Op ("orders.Create"), Method, Route (the path's
// template), Status (0 when no answer came), Attempts (requests that went out), Took (all of it), Waited (the part of Took spent on the
// limiter, a busy host and pauses before repeats) and Err. See Config.Observe.
type Observation = rest.Observation

// String shows the address and the end of the key, as the shop's own list of keys does.
func (c Config) String() string {
	return fmt.Sprintf("woo.Config{URL: %q, Key: %q}", rest.Bare(c.URL), keyEnd(c.Key))
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String's content as attributes.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", rest.Bare(c.URL)), slog.String("key", keyEnd(c.Key)))
}

// keyEnd is how WooCommerce lists a key: by its last seven characters.
func keyEnd(key string) string {
	if len(key) <= 14 {
		return strings.Repeat("…", min(1, len(key)))
	}
	return "…" + key[len(key)-7:]
}

// check is what New refuses, each with what to write instead. The base it returns ends before "/wp-json".
func (c Config) check() (base *url.URL, err error) {
	base, err = shopURL(c.URL)
	if err != nil {
		return nil, fmt.Errorf("woo: Config.URL %w", err)
	}
	refuse := func(field, why string) (*url.URL, error) { return nil, fmt.Errorf("woo: Config.%s %s", field, why) }
	switch {
	case c.Key == "":
		return refuse("Key", "is empty: give the consumer key (ck_…) of WooCommerce > Settings > Advanced > REST API")
	case c.Secret == "":
		return refuse("Secret", "is empty: give the consumer secret (cs_…) that the shop showed when the key was made")
	case strings.HasPrefix(c.Key, "cs_") && strings.HasPrefix(c.Secret, "ck_"):
		return refuse("Key", "holds the secret, and Secret the key: exchange them")
	case strings.ContainsFunc(c.Key, notInKey):
		return refuse("Key", "holds a space, a colon or a control character: copy it again, without what stands around it")
	case strings.ContainsFunc(c.Secret, notInSecret):
		return refuse("Secret", "holds a space or a control character: copy it again, without what stands around it")
	case c.Concurrency < 0:
		return refuse("Concurrency", "is negative: give a number of requests, or 0 for 4")
	case c.MaxBody < 0:
		return refuse("MaxBody", "is negative: give bytes, or 0 for 32 MiB")
	}
	return base, nil
}

func notInSecret(r rune) bool { return r <= ' ' || r == 0x7f }

func notInKey(r rune) bool { return r == ':' || notInSecret(r) }

// shopURL reads Config.URL. Its errors never repeat the text, which may hold a password.
func shopURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("is empty: give the shop's address, such as https://shop.example")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("is no URL: give the shop's address, such as https://shop.example")
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("does not begin with https:// (or http://) and a host: give the shop's address, such as https://shop.example")
	}
	if u.User != nil {
		return nil, errors.New("holds a user name: leave it out; the key belongs into Key and Secret")
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("holds a query: leave out everything from the question mark on; the key belongs into Key and Secret")
	}
	if u.Fragment != "" {
		return nil, errors.New("holds a fragment: leave out everything from the # on")
	}
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimSuffix(path, "/wc/v3")
	path = strings.TrimRight(strings.TrimSuffix(path, "/wp-json"), "/")
	for _, inner := range []string{"/wp-json", "/wc-api", "/wp-admin", "/wp-login.php", "/index.php", "/wc/v3"} {
		if strings.HasSuffix(path, inner) || strings.Contains(path, inner+"/") {
			return nil, fmt.Errorf("goes too far: leave out everything from %s on, so that the shop's address remains", inner)
		}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}, nil
}
