package woo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// Problem is one way in which a connection does not work.
type Problem string

// The problems.
const (
	BadConfig        Problem = "config"           // New would refuse the Config
	Unreachable      Problem = "unreachable"      // no answer: wrong host name, no network, the shop is down
	BadCertificate   Problem = "certificate"      // TLS fails
	WrongAddress     Problem = "wrong address"    // no WordPress there, or one that knows itself by another address
	Redirected       Problem = "redirect"         // the address leads elsewhere
	PlainPermalinks  Problem = "plain permalinks" // the REST API has no address of its own
	NoWooCommerce    Problem = "no WooCommerce"   // WordPress without the wc/v3 routes
	Firewall         Problem = "firewall"         // something before WordPress turns requests away
	LoginWall        Problem = "login"            // a login, maintenance or coming-soon page stands before the shop
	Outage           Problem = "outage"           // the shop is ill
	Busy             Problem = "busy"             // the host wants fewer requests
	HeaderStripped   Problem = "header stripped"  // the Authorization header does not reach WordPress
	TLSNotSeen       Problem = "TLS not seen"     // a proxy ends TLS, and WordPress does not know
	UnknownKey       Problem = "unknown key"      // there is no such consumer key
	WrongSecret      Problem = "wrong secret"     // the key is good, its secret is not
	ReadOnlyKey      Problem = "read-only key"    // it may not write
	WriteOnlyKey     Problem = "write-only key"   // it may not read
	UserNotPermitted Problem = "user"             // the key's user may not see or change orders
	MethodBlocked    Problem = "method blocked"   // the host does not let PUT through
	WrongClock       Problem = "clock"            // this machine's clock and the shop's differ
	LegacyOff        Problem = "legacy API off"   // matters to package woo/legacy only
	Interrupted      Problem = "interrupted"      // the context ended
	Unexplained      Problem = "unexplained"      // see Err
)

// Finding is one problem, and what to do about it.
type Finding struct {
	Problem Problem
	Text    string // what is the case
	Do      string // what to do, and where
	Note    bool   // it does not keep this package from working
	Err     error  // what the shop answered, if that was an error
}

// String is both sentences.
func (f Finding) String() string { return f.Text + ". " + f.Do + "." }

// Diagnosis is what Diagnose found.
type Diagnosis struct {
	Name     string // of the shop, as it calls itself; empty when it could not be asked
	Home     string // the shop's address as WordPress knows it
	Findings []Finding
}

// OK reports that the connection works. There may still be notes.
func (d *Diagnosis) OK() bool {
	return !slices.ContainsFunc(d.Findings, func(f Finding) bool { return !f.Note })
}

// Has reports whether a problem was found.
func (d *Diagnosis) Has(p Problem) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Problem == p })
}

// String is a line for each finding.
func (d *Diagnosis) String() string {
	lines := make([]string, 0, len(d.Findings)+1)
	if d.OK() {
		lines = append(lines, "The connection works.")
	}
	for _, f := range d.Findings {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// Diagnose says why a connection does not work: it asks the shop's index without a key, reads one order's id, and sends two empty batches,
// which change nothing, to see whether the key may write and PUT comes through. When WordPress does not see the key it tries OAuth
// signatures, which tell a header that the host strips from TLS that a proxy hides and from a key that there is not. It makes some ten
// requests at most, and none of them holds the secret anywhere but in the Authorization header.
func Diagnose(ctx context.Context, c Config) *Diagnosis {
	d := &Diagnosis{}
	base, err := c.check()
	if err != nil {
		d.add(Finding{BadConfig, "the Config is not usable: " + strings.TrimPrefix(err.Error(), "woo: "), "Correct it", false, err})
		return d
	}
	client, err := New(c)
	if err != nil {
		d.add(Finding{BadConfig, "the Config is not usable: " + strings.TrimPrefix(err.Error(), "woo: "), "Correct it", false, err})
		return d
	}
	p := &probe{Diagnosis: d, ctx: ctx, config: c, base: base, client: client}
	if p.index() {
		if p.read() {
			p.write()
		}
		p.legacy()
	}
	return d
}

func (d *Diagnosis) add(f Finding) { d.Findings = append(d.Findings, f) }

// probe is a Diagnose on its way.
type probe struct {
	*Diagnosis
	ctx    context.Context //nolint:containedctx // lives as long as one call
	config Config
	base   *url.URL
	client *Client
	ahead  time.Duration // what the shop's clock shows beyond ours
}

// authorizer adds credentials to a request.
type authorizer func(*http.Request) error

// ask sends one request below the shop's address, without following redirects.
func (p *probe) ask(method, path string, query url.Values, body string, authorize authorizer) (*rest.Response, *rest.Failure) {
	rc := rest.Config{
		System: "woo", Base: p.base, Authorize: authorize, HTTPClient: p.config.HTTPClient, Logger: p.config.Logger,
		UserAgent: p.config.UserAgent, MaxBody: p.config.MaxBody, MaxTries: 2, MaxWait: 2 * time.Second,
	}
	if rc.UserAgent == "" {
		rc.UserAgent = userAgent
	}
	if p.config.Limiter != nil {
		rc.Limiter = p.config.Limiter
	}
	core, err := rest.New(rc)
	if err != nil {
		return nil, &rest.Failure{Class: rest.Refused, Err: err}
	}
	call := rest.Call{Op: "Diagnose", Kind: rest.Write, Method: method, Path: path, Query: query}
	if body != "" {
		call.Body = []byte(body)
	}
	res, err := core.Do(p.ctx, call)
	var f *rest.Failure
	if err != nil && !errors.As(err, &f) {
		f = &rest.Failure{Class: rest.Refused, Err: err}
	}
	return res, f
}

const (
	indexPath  = "wp-json/"
	ordersPath = "wp-json/" + api + "orders"
	batchPath  = ordersPath + "/batch"
	// oauthWindow is how far WooCommerce lets a signed request's time be off.
	oauthWindow = 15 * time.Minute
)

// index asks who is there, without a key. It reports whether asking on makes sense.
func (p *probe) index() bool {
	res, f := p.ask(http.MethodGet, indexPath, url.Values{"_fields": {"name,url,home,namespaces"}}, "", nil)
	if f != nil {
		p.clock(f.Header)
		p.add(p.explain(f, true))
		return false
	}
	p.clock(res.Header)
	var index struct {
		Name, URL, Home string
		Namespaces      []string
	}
	if json.Unmarshal(res.Body, &index) != nil || len(index.Namespaces) == 0 {
		p.add(Finding{WrongAddress, "there is JSON at this address, but not WordPress's", "Set Config.URL to the shop's address as WordPress knows it " +
			"(Settings > General > WordPress Address)", false, nil})
		return false
	}
	p.Name, p.Home = index.Name, strings.TrimRight(index.Home, "/")
	if !slices.Contains(index.Namespaces, strings.TrimSuffix(api, "/")) {
		p.add(p.noWooCommerce(nil))
		return false
	}
	return true
}

// clock compares the shop's clock with this machine's.
func (p *probe) clock(h http.Header) {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	if p.ahead = time.Until(at); p.ahead.Abs() < oauthWindow-time.Minute {
		return
	}
	by := p.ahead.Abs().Round(time.Minute).String()
	p.add(Finding{WrongClock, "this machine's clock and the shop's differ by " + strings.TrimSuffix(by, "0s"),
		"Set both by NTP: signed requests (plain http) are refused from 15 minutes on, and dates mean something else to each side",
		p.base.Scheme == "https", nil})
}

// read reads an order's id with the key. It reports whether the key is known.
func (p *probe) read() bool {
	query := url.Values{"per_page": {"1"}, "_fields": {"id"}}
	get := func(a authorizer) (ok bool, f *rest.Failure) {
		_, f = p.ask(http.MethodGet, ordersPath, query, "", a)
		return f == nil, f
	}
	key, secret := p.config.Key, p.config.Secret
	own := basic(key, secret)
	if p.base.Scheme == "http" {
		own = oauthAs(key, secret, "", 0)
	}
	ok, f := get(own)
	if ok {
		return true
	}
	refusal := p.refusal(f)
	switch {
	case f.Class != rest.Status || f.Status != http.StatusUnauthorized && f.Status != http.StatusForbidden || refusal.Code == "":
		p.add(p.explain(f, false))
		return false
	case f.Status == http.StatusForbidden:
		p.add(Finding{UserNotPermitted, "the key is good, but its user may not read orders" + said(refusal),
			"Give the key to a user with the role Shop manager, under WooCommerce > Settings > Advanced > REST API", false, p.err(f)})
		return false
	case p.mayWrite(own):
		p.add(Finding{WriteOnlyKey, "the key may write, but not read" + said(refusal), keyPage("Give it the permissions Read/Write"), false, p.err(f)})
		return false
	case p.base.Scheme == "http":
		p.signed(f, refusal, get)
	case refusal.Code == "woocommerce_rest_authentication_error":
		p.add(Finding{WrongSecret, "the shop knows the key, but its secret is another" + said(refusal),
			keyPage("Copy the secret again, or make a new key: the shop shows a secret only once"), false, p.err(f)})
	default:
		p.unseen(f, get)
	}
	return false
}

// unseen finds out why WordPress takes a request with Basic authorization for one without a key. OAuth signatures stand in the query,
// which no host strips, and are valid only for the scheme that WordPress believes to be asked by.
func (p *probe) unseen(f *rest.Failure, get func(authorizer) (bool, *rest.Failure)) {
	key, secret := p.config.Key, p.config.Secret
	if ok, _ := get(oauthAs(key, secret, "https", p.ahead)); ok {
		p.add(Finding{HeaderStripped, "the key is good, but the host keeps the Authorization header from WordPress",
			"Have the host pass it on: CGIPassAuth On, or the rewrite rule E=HTTP_AUTHORIZATION:%{HTTP:Authorization} in Apache; " +
				"fastcgi_param HTTP_AUTHORIZATION $http_authorization in nginx", false, p.err(f)})
		return
	}
	if ok, _ := get(oauthAs(key, secret, "http", p.ahead)); ok {
		p.add(Finding{TLSNotSeen, "the key is good, but WordPress does not know that it is reached over https, and looks at keys only then",
			"Have the proxy send X-Forwarded-Proto: https, and wp-config.php set $_SERVER['HTTPS'] = 'on' for it", false, p.err(f)})
		return
	}
	p.add(Finding{UnknownKey, "the shop does not know the key " + keyEnd(key),
		keyPage("Compare its end with the list there, or make a new one"), false, p.err(f)})
}

// signed finds out why a signed request is refused. A key that surely does not exist shows, in the shop's language, how one is refused
// that the shop does not know.
func (p *probe) signed(f *rest.Failure, refusal *Error, get func(authorizer) (bool, *rest.Failure)) {
	if p.ahead.Abs() >= oauthWindow-time.Minute {
		if ok, _ := get(oauthAs(p.config.Key, p.config.Secret, "", p.ahead)); ok {
			return // it is the clock, which was found
		}
	}
	_, none := get(oauthAs("ck_"+strings.Repeat("0", 40), "cs_x", "", p.ahead))
	switch {
	case none != nil && p.refusal(none).Message == refusal.Message && refusal.Code != "":
		p.add(Finding{UnknownKey, "the shop does not know the key " + keyEnd(p.config.Key) + said(refusal),
			keyPage("Compare its end with the list there, or make a new one"), false, p.err(f)})
	case p.Home != "" && p.Home != strings.TrimRight(p.base.String(), "/"):
		p.add(Finding{WrongAddress, "WordPress knows itself as " + p.Home + ", not as " + p.base.String() + ", and signatures are for one address",
			"Set Config.URL to " + p.Home, false, p.err(f)})
	default:
		p.add(Finding{WrongSecret, "the shop knows the key, but the signature is not by its secret" + said(refusal),
			keyPage("Copy the secret again, or make a new key: the shop shows a secret only once"), false, p.err(f)})
	}
}

// mayWrite reports whether an empty batch is taken.
func (p *probe) mayWrite(a authorizer) bool {
	_, f := p.ask(http.MethodPost, batchPath, nil, "{}", a)
	return f == nil
}

// write sends empty batches, which change nothing.
func (p *probe) write() {
	own := basic(p.config.Key, p.config.Secret)
	if p.base.Scheme == "http" {
		own = oauthAs(p.config.Key, p.config.Secret, "", 0)
	}
	_, f := p.ask(http.MethodPost, batchPath, nil, "{}", own)
	refusal := p.refusal(f)
	switch {
	case f == nil:
	case refusal.Code == "woocommerce_rest_authentication_error":
		p.add(Finding{ReadOnlyKey, "the key may read, but not write" + said(refusal), keyPage("Give it the permissions Read/Write"), false, p.err(f)})
		return
	case f.Class == rest.Status && (f.Status == http.StatusForbidden || f.Status == http.StatusUnauthorized) && refusal.Code != "":
		p.add(Finding{UserNotPermitted, "the key's user may read orders, but not change them" + said(refusal),
			"Give the key to a user with the role Shop manager, under WooCommerce > Settings > Advanced > REST API", false, p.err(f)})
		return
	default:
		p.add(p.explain(f, false))
		return
	}
	if _, f = p.ask(http.MethodPut, batchPath, nil, "{}", own); f != nil {
		finding := p.explain(f, false)
		if finding.Problem == Firewall || finding.Problem == NoWooCommerce || f.Status == http.StatusMethodNotAllowed || f.Status == http.StatusNotImplemented {
			finding = Finding{MethodBlocked, "the host lets POST through, but not PUT, and likely not DELETE" + named(f), "Allow both for /wp-json/ in its firewall " +
				"or web server", false, p.err(f)}
		}
		p.add(finding)
	}
}

// legacy looks whether the old API is on, which needs no key to say so.
func (p *probe) legacy() {
	if p.ctx.Err() != nil {
		return
	}
	res, f := p.ask(http.MethodGet, "wc-api/v3/", nil, "", nil)
	if f == nil && strings.Contains(string(res.Body), `"store"`) {
		return
	}
	p.add(Finding{LegacyOff, "the Legacy REST API is off or not installed", "Only package woo/legacy needs it: switch it on under WooCommerce > " +
		"Settings > Advanced > Legacy API; from WooCommerce 9.0 on install the plugin WooCommerce Legacy REST API", true, p.err(f)})
}

// explain speaks of an answer that is not about the key.
func (p *probe) explain(f *rest.Failure, first bool) Finding {
	shop := p.base.String()
	is := func(problem Problem, text, do string) Finding { return Finding{problem, text, do, false, p.err(f)} }
	switch f.Class {
	case rest.Ended:
		return is(Interrupted, "the diagnosis was stopped: "+cause(f.Err), "Give it more time")
	case rest.Transport:
		if !f.Passing() {
			return is(BadCertificate, "the shop's TLS certificate is not accepted: "+cause(f.Err),
				"Check the host name in Config.URL and that the certificate has not run out, or have Config.HTTPClient trust its issuer")
		}
		return is(Unreachable, "the shop does not answer: "+cause(f.Err), "Check the host name in Config.URL, the network, and that the shop is up")
	case rest.Redirect:
		if strings.HasPrefix(f.Target, shop+"/wp-json/") && strings.HasSuffix(f.Target, "/") {
			return p.plainPermalinks(f)
		}
		address, _, _ := strings.Cut(f.Target, "/wp-json")
		return is(Redirected, "the shop redirects to "+f.Target+", where neither keys nor writes are taken", "Set Config.URL to "+strings.TrimRight(address, "/"))
	case rest.Page:
		return p.page(f, first)
	case rest.NotJSON:
		return is(Outage, "the answer is empty, cut off, or has PHP notices in it: "+cause(f.Err),
			"Look into the shop's PHP error log, and switch display_errors off")
	case rest.TooLarge:
		return is(Unexplained, "the answer is longer than Config.MaxBody", "Raise it")
	case rest.Refused:
		return is(Unexplained, "nothing could be sent: "+cause(f.Err), "See the error")
	}
	refusal := p.refusal(f)
	switch {
	case refusal.Code == "rest_no_route":
		return p.noWooCommerce(f)
	case f.Status == http.StatusTooManyRequests:
		return is(Busy, "the host wants fewer requests"+(&Error{wait: f.RetryAfter}).later(), "Set Config.Limiter, and share it between all clients of the shop")
	case f.Status >= 500:
		return is(Outage, "the shop is ill"+said(refusal)+(&Error{wait: f.RetryAfter}).later(), "Look into its PHP error log (WooCommerce > Status > Logs)")
	case refusal.Code == "" || f.Status == http.StatusForbidden || f.Status == http.StatusUnauthorized:
		if first && refusal.Code != "" { // a plugin closes the whole API
			return is(Firewall, "a plugin keeps the REST API from those who are not logged in"+said(refusal),
				"Allow /wp-json/ in the shop's security plugin, or at least wc/v3")
		}
		return is(Firewall, "the host answers "+http.StatusText(f.Status)+" instead of WordPress", "Allow this User-Agent, method and address in its firewall")
	}
	return is(Unexplained, fmt.Sprintf("the shop answers %d %s%s", f.Status, refusal.Code, said(refusal)), "See the error")
}

// page speaks of HTML where JSON belongs.
func (p *probe) page(f *rest.Failure, first bool) Finding {
	is := func(problem Problem, text, do string) Finding { return Finding{problem, text, do, false, p.err(f)} }
	switch {
	case f.Blocked():
		return is(Firewall, "a firewall turns requests away"+named(f), "Have it let this machine's address and the User-Agent pass to /wp-json/")
	case f.Status == http.StatusNotFound || f.Status == http.StatusGone || f.Status/100 == 2 && first:
		if first {
			if res, none := p.ask(http.MethodGet, "", url.Values{"rest_route": {"/"}}, "", nil); none == nil && strings.Contains(string(res.Body), `"namespaces"`) {
				return p.plainPermalinks(f)
			}
		}
		if f.Status/100 == 2 {
			return is(LoginWall, "a web page comes instead of the REST API's answer"+named(f), "Check Config.URL, and that no login, maintenance or "+
				"coming-soon page stands before the shop")
		}
		return is(WrongAddress, "there is no REST API at this address, but a web page"+named(f),
			"Set Config.URL to the shop's address as WordPress knows it (Settings > General > WordPress Address)")
	case f.Status >= 500:
		return is(Outage, "the shop or its host answers with an error page"+named(f)+(&Error{wait: f.RetryAfter}).later(),
			"Wait, or look into the shop's PHP error log")
	case f.Status == http.StatusTooManyRequests:
		return is(Busy, "the host wants fewer requests"+named(f), "Set Config.Limiter, and share it between all clients of the shop")
	case f.Status/100 == 4:
		return is(Firewall, "the host answers instead of WordPress"+named(f), "Have it let this machine's address and the User-Agent pass to /wp-json/")
	}
	return is(LoginWall, "a web page comes instead of the REST API's answer"+named(f), "Check that no login, maintenance or coming-soon page stands "+
		"before the shop")
}

func (p *probe) plainPermalinks(f *rest.Failure) Finding {
	return Finding{PlainPermalinks, "the REST API has no address of its own, and WooCommerce does not look at keys",
		"Choose any structure but Plain under Settings > Permalinks", false, p.err(f)}
}

func (p *probe) noWooCommerce(f *rest.Failure) Finding {
	return Finding{NoWooCommerce, "WordPress answers, but has no routes of WooCommerce", "Activate WooCommerce, 3.5 or newer", false, p.err(f)}
}

// refusal reads WordPress's envelope, empty when the answer is none.
func (p *probe) refusal(f *rest.Failure) *Error {
	e := &Error{}
	var env envelope
	if f != nil && f.Class == rest.Status && json.Unmarshal(p.client.redact(f.Body), &env) == nil {
		e.fill(env)
	}
	return e
}

// err is what a caller may see of a failure.
func (p *probe) err(f *rest.Failure) error {
	if f == nil {
		return nil
	}
	return p.client.fail(f)
}

// said is what the shop said.
func said(refusal *Error) string {
	if refusal.Message == "" {
		return ""
	}
	return " (" + strings.TrimRight(refusal.Message, ". ") + ")"
}

// named is which page it was.
func named(f *rest.Failure) string {
	if f.Page == "" {
		return ""
	}
	return " (" + plain(f.Page) + ")"
}

func keyPage(do string) string { return do + ", under WooCommerce > Settings > Advanced > REST API" }
