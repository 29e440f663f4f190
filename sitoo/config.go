package sitoo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// Config names a Sitoo account and a key to it. A printed Config does not show the Password.
type Config struct {
	// BaseURL is the address that Sitoo's Backoffice shows under Settings > Sitoo REST API when an API password is made, such as
	// "https://api.mysitoo.com/v2/accounts/91234". A trailing slash is cut off, and the account's number is taken from APIID where
	// it is missing. The host differs from account to account, so there is no default. Required.
	BaseURL string
	// APIID is the user of the key, "{account}-{number}": "91234-7". Required.
	APIID string
	// Password is the API password shown beside it. Required.
	Password string
	// Site is the shop within the account, Sitoo's eshopid; [Client.Sites] lists them. Default 1, which is what nearly all accounts
	// have. A wrong site answers empty lists and no error: see [Client.CheckSite].
	Site SiteID
	// HTTPClient sends the requests; its CheckRedirect is not asked. Default: an own one, with a time-out of 60 s per try.
	HTTPClient *http.Client
	// Limiter lets one request at a time through, because Sitoo answers 429 to two at once, and keeps what Sitoo says about the
	// remaining allowance. Share one value between all clients of an account. Default: an own one.
	Limiter *Lane
	// Logger hears of retries and slow-downs. Default: silent.
	Logger *slog.Logger
	// UserAgent is sent with every request. Default: "tillwire-sitoo".
	UserAgent string
	// MaxBody is the longest answer accepted, in bytes. Default: 32 MiB.
	MaxBody int64
	// Observe is told of each call when it is over, for metrics: how it ended, in how many requests, how long it took and waited.
	// The wait for the Limiter's lane comes before the call and is not in it. It is called by the goroutine that made the call, and
	// must be quick. Default: nobody.
	Observe func(context.Context, Observation)
}

// Observation is one call when it is over, the same for all clients: System ("sitoo"), Op ("Orders.Create"), Method, Route (the path's
// template), Status (0 when no answer came), Attempts (requests that went out), Took (all of it), Waited (the part of Took spent on the
// limiter, a busy host and pauses before repeats) and Err. See Config.Observe.
type Observation = rest.Observation

// String shows address, key id and site.
func (c Config) String() string {
	return fmt.Sprintf("sitoo.Config{BaseURL: %q, APIID: %q, Site: %d}", rest.Bare(c.BaseURL), c.APIID, c.Site)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String's content as attributes.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("base_url", rest.Bare(c.BaseURL)), slog.String("api_id", c.APIID), slog.Int64("site", int64(c.Site)))
}

var apiID = regexp.MustCompile(`^([0-9]{1,18})-[0-9]{1,9}$`)

// check is what New refuses, each with what to write instead.
func (c Config) check() (base *url.URL, err error) {
	problem := ""
	account := apiID.FindStringSubmatch(c.APIID)
	unprintable := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
	}
	switch {
	case c.APIID == "":
		problem = "APIID: is empty: give the API ID of Sitoo's Backoffice > Settings > Sitoo REST API"
	case account == nil:
		problem = `APIID: is not of the form "91234-7": copy the whole API ID, with the part behind the hyphen`
	case c.Password == "":
		problem = "Password: is empty: make an API password in Sitoo's Backoffice > Settings > Sitoo REST API"
	case unprintable(c.Password):
		problem = "Password: holds a control character: copy it again, without what stands around it"
	case c.Site < 0:
		problem = "Site: is negative: give the eshopid of a site, which Client.Sites lists"
	case c.MaxBody < 0:
		problem = "MaxBody: is negative: give bytes, or 0 for 32 MiB"
	}
	if problem != "" {
		return nil, errors.New("sitoo: Config." + problem)
	}
	if base, err = baseURL(c.BaseURL, account[1]); err != nil {
		return nil, fmt.Errorf("sitoo: Config.BaseURL: %w", err)
	}
	return base, nil
}

// baseURL completes the address: ".../v2/accounts/", ".../v2/accounts", with or without the account's number. Its errors never repeat the
// text, which may hold a password.
func baseURL(raw, account string) (*url.URL, error) {
	const hint = "give the address of Sitoo's Backoffice > Settings > Sitoo REST API, such as https://api.mysitoo.com/v2/accounts/91234"
	if raw == "" {
		return nil, errors.New("is empty: " + hint)
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil:
		return nil, errors.New("is no URL: " + hint)
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https:// (or http://) and a host: " + hint)
	case u.User != nil:
		return nil, errors.New("holds a user name: leave it out; the key belongs into APIID and Password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("holds a query or a fragment: leave out everything from the ? or # on")
	}
	path := strings.TrimRight(u.Path, "/")
	head, last, _ := cutLast(path, "/")
	switch {
	case path == "":
		path = "/v2/accounts/" + account
	case last == "accounts":
		path += "/" + account
	case strings.HasSuffix(head, "/accounts") && last != account:
		return nil, fmt.Errorf("ends with account %s, but APIID belongs to account %s: copy both again", last, account)
	case !strings.HasSuffix(head, "/accounts"):
		return nil, errors.New("does not end with /accounts or /accounts/{number}: " + hint)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
