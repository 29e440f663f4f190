package eurofaktura

import (
	"context"
	"crypto/md5" //nolint:gosec // the vendor's older credential is one
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// The forms that national pages show. An organisation may well have another address, with a code of its server in it: read yours in
// the API developer panel, and take these for a convenience.
const (
	EndpointInternational = "https://eurofaktura.com/WebServices/API"
	EndpointBulgaria      = "https://eurofaktura.bg/WebServicesBG/API"
	EndpointCzechia       = "https://eurofaktura.cz/WebServicesCZ/API"
	EndpointCroatia       = "https://e-racuni.com/WebServicesHR/API"
	EndpointSlovenia      = "https://e-racuni.com/WebServicesSI/API"
)

// Config names an organisation and an API account of it. A printed Config shows no secret.
type Config struct {
	// Endpoint is the one URL that all calls are posted to, as the organisation's API developer panel shows it:
	// "https://e-racuni.com/{node}/API". Required: the same credentials are refused at another organisation's address.
	Endpoint string
	// Username of the API account (Settings > API / Web services) or, with Password or MD5Pass, of a user. It needs the rights that a
	// person needs for the same work. Required.
	Username string
	// SecretKey of the API account, 32 hex digits. Give this, Password or MD5Pass.
	SecretKey string
	// Password of a user, for the older credentials: what is sent is [MD5Pass] of both. Username must then be ASCII, since nobody has
	// written down what the upper case of other letters is.
	Password string
	// MD5Pass is that digest, for who keeps no password. It is as good as the password.
	MD5Pass string
	// Token of the organisation, 32 upper-case hex digits. Required.
	Token string

	// CLI sends each call to {Endpoint}-CLI/{method}, with the credentials in an Authorization header instead of the body and the
	// parameters as a form. It needs a SecretKey.
	CLI bool
	// Location is the organisation's time zone: the server's times name none. Default UTC.
	Location *time.Location

	// HTTPClient sends the requests; its CheckRedirect is not asked, and its Timeout holds for each try, without the wait for the
	// Limiter. Default: an own one, with 60 s for reads and 180 s for all else.
	HTTPClient *http.Client
	// Limiter keeps to what the server bears: 4 requests within 4 s, one at a time. Give one value to all clients of the same
	// endpoint and user. Default: one for this client alone.
	Limiter *Limiter
	// Logger hears of retries and locks. Default: silent.
	Logger *slog.Logger
	// UserAgent is sent with every request. Default: "tillwire-eurofaktura".
	UserAgent string
	// MaxBody is the longest answer accepted, in bytes. Default: 32 MiB.
	MaxBody int64
	// Observe is told of each call when it is over, for metrics: how it ended, in how many requests, how long it took and waited.
	// It is called by the goroutine that made the call, and must be quick. Default: nobody.
	Observe func(context.Context, Observation)
}

// MD5Pass is the older credential: the MD5, in lower-case hex, of the user name in upper case and the password as it is.
func MD5Pass(username, password string) string {
	sum := md5.Sum([]byte(strings.ToUpper(username) + password)) //nolint:gosec // the vendor's
	return hex.EncodeToString(sum[:])
}

// Observation is one call when it is over, the same for all clients: System ("eurofaktura"), Op ("SalesOrders.Create"), Method, Route
// (the method's name), Status (0 when no answer came), Attempts (requests that went out), Took (all of it), Waited (the part of Took
// spent on the limiter, a busy host and pauses before repeats) and Err. See Config.Observe.
type Observation = rest.Observation

// String shows endpoint and user alone.
func (c Config) String() string {
	return fmt.Sprintf("eurofaktura.Config{Endpoint: %q, Username: %q}", rest.Bare(c.Endpoint), c.Username)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String's content as attributes.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("endpoint", rest.Bare(c.Endpoint)), slog.String("username", c.Username))
}

// check is what New refuses, each with what to write instead.
func (c Config) check() (base *url.URL, err error) {
	if base, err = endpointURL(c.Endpoint); err != nil {
		return nil, fmt.Errorf("eurofaktura: Config.Endpoint: %w", err)
	}
	given := 0
	for _, s := range []string{c.SecretKey, c.Password, c.MD5Pass} {
		if s != "" {
			given++
		}
	}
	blank := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	}
	var problem string
	switch {
	case c.Username == "":
		problem = "Username: is empty: give the user name of the API account"
	case given == 0:
		problem = "SecretKey: is empty: give the secret key of the API account, or Password for the older credentials"
	case given > 1:
		problem = "SecretKey: stands beside Password or MD5Pass: give one of the three"
	case blank(c.SecretKey) || blank(c.MD5Pass):
		problem = "SecretKey: holds a space or a control character: copy it again, without what stands around it"
	case c.Token == "":
		problem = "Token: is empty: give the organisation's web services token"
	case blank(c.Token):
		problem = "Token: holds a space or a control character: copy it again, without what stands around it"
	case c.Password != "" && blank(c.Username):
		problem = "Username: is not ASCII, which the older credentials need: make an API account and give its SecretKey"
	case c.CLI && c.SecretKey == "":
		problem = "CLI: needs a SecretKey: the form calls know no other credentials"
	case c.MaxBody < 0:
		problem = "MaxBody: is negative: give bytes, or 0 for 32 MiB"
	}
	if problem != "" {
		return nil, errors.New("eurofaktura: Config." + problem)
	}
	if c.CLI && !strings.HasSuffix(base.Path, "-CLI") {
		base.Path += "-CLI"
	}
	return base, nil
}

// endpointURL reads Config.Endpoint. Its errors never repeat the text, which may hold a password.
func endpointURL(raw string) (*url.URL, error) {
	const hint = "give the address that the organisation's API developer panel shows, such as " + EndpointInternational
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
		return nil, errors.New("holds a user name: leave it out; it belongs into Username")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("holds a query or a fragment: leave out everything from the ? or # on")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, nil
}
