package wootest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a as the store offers it
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
)

// LegacyMode says what stands at /wc-api/v3.
type LegacyMode int

// The modes, each as a real store answers in it.
const (
	LegacyOn      LegacyMode = iota
	LegacyOff                // switched off in the settings: 404, whose "errors" is an object instead of a list
	LegacyMissing            // nothing of the kind: 301 to the same address with a slash, which is the theme's page, with 404
	LegacyRefused            // WooCommerce knows /wc-api/, but no version 3 of it: 400 and "-1"
)

// Legacy is a store whose Legacy REST API v3 (/wc-api/v3) answers too; everything else goes to the [Shop] behind it. Orders,
// products, customers and webhooks are the shop's. It answers as the recorded stores do: envelopes, codes, dates, filters that
// mean something else than in wc/v3, lists without limit, and statuses that it takes without knowing them.
//
// Keys are looked at as the plugin does: Basic and query keys under TLS only, OAuth 1.0a without TLS only, and only in the query.
//
// Not there: taxes, reports, terms, and deliveries in the legacy form.
type Legacy struct {
	shop      *Shop
	faults    *fakehttp.Injector
	transport *fakehttp.Transport

	mu       sync.Mutex
	mode     LegacyMode
	blind    map[int64]string // what the posts say: statuses by order; nil while they are up to date
	coupons  []*object
	requests []Request
}

// Legacy returns the shop with its legacy API on. Close it before the shop.
func (s *Shop) Legacy() *Legacy {
	l := &Legacy{shop: s}
	l.faults = fakehttp.NewInjector(http.HandlerFunc(l.serve), faultBody)
	l.transport = fakehttp.NewTransport(l)
	return l
}

// Close ends the connections of Transport.
func (l *Legacy) Close() { l.transport.Close() }

// Transport reaches the store over in-memory pipes, whatever host a URL names.
func (l *Legacy) Transport() http.RoundTripper { return l.transport }

// SetMode changes what stands at /wc-api/v3.
func (l *Legacy) SetMode(m LegacyMode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode = m
}

// GoBlind moves the shop's orders into tables of their own, without synchronising them with posts, from now on: the legacy
// API neither sees new orders nor, in its filters, new statuses.
func (l *Legacy) GoBlind() {
	l.shop.mu.Lock()
	defer l.shop.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blind = map[int64]string{}
	for _, r := range l.shop.orders.all {
		l.blind[r.id] = r.status
	}
}

// AddCoupon adds a coupon as the legacy API shows it.
func (l *Legacy) AddCoupon(body []byte) error {
	doc, err := parseObject(body)
	if err != nil {
		return fmt.Errorf("wootest: AddCoupon: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.coupons = append(l.coupons, doc)
	return nil
}

// SetFaults replaces the faults of /wc-api/v3; those of the rest are the Shop's.
func (l *Legacy) SetFaults(f Faults) { l.faults.Set(fakehttp.Faults(f)) }

// Requests returns what reached /wc-api/ so far, oldest first.
func (l *Legacy) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.requests)
}

// ServeHTTP implements [http.Handler].
func (l *Legacy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, below := strings.CutPrefix(r.URL.Path, l.shop.home.Path)
	if !below || path != "/wc-api" && !strings.HasPrefix(path, "/wc-api/") {
		l.shop.ServeHTTP(w, r)
		return
	}
	l.mu.Lock()
	n := len(l.requests)
	l.requests = append(l.requests, Request{Method: r.Method, Path: r.URL.Path, At: time.Now().UTC()})
	l.mu.Unlock()
	l.faults.ServeHTTP(&watched{ResponseWriter: w, status: func(status int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests[n].Status = status
	}}, r)
}

// legacyCall is one request, read as PHP and the plugin read it.
type legacyCall struct {
	r      *http.Request
	path   string              // below /wc-api/v3, without slashes around
	query  []field             // parameters as they came; values are strings
	body   *object             // nil: no JSON object
	filter func(string) string // filter[name]
}

func (c *legacyCall) param(name string) string {
	text := ""
	for _, f := range c.query {
		if f.key == name {
			text, _ = f.value.(string)
		}
	}
	return text
}

// legacyReply is an answer. A nil body is none.
type legacyReply struct {
	status int
	header http.Header
	body   any
	pings  []int64
}

func legacyOK(name string, v any) *legacyReply {
	return &legacyReply{status: http.StatusOK, body: obj(field{name, v})}
}

// legacyFail is the plugin's error envelope.
func legacyFail(status int, code, message string) *legacyReply {
	return &legacyReply{status: status, body: obj(field{"errors", []any{obj(
		field{"code", "woocommerce_api_" + code}, field{"message", message})}})}
}

func legacyNoRoute() *legacyReply {
	return legacyFail(http.StatusNotFound, "no_route", "No route was found matching the URL and request method")
}

// serve answers one request that met no fault.
func (l *Legacy) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	path := strings.TrimPrefix(r.URL.Path, l.shop.home.Path)
	l.mu.Lock()
	mode := l.mode
	l.mu.Unlock()
	below, v3 := strings.CutPrefix(path, "/wc-api/v3")
	switch {
	case mode == LegacyMissing:
		l.page(w, r)
		return
	case mode == LegacyRefused, !v3 || below != "" && below[0] != '/':
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "-1")
		return
	case mode == LegacyOff:
		l.send(w, r, &legacyReply{status: http.StatusNotFound, body: obj(field{"errors", obj(
			field{"code", "woocommerce_api_disabled"}, field{"message", "The WooCommerce API is disabled on this site"})})})
		return
	}
	c := &legacyCall{r: r, path: strings.Trim(below, "/")}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 == nil && err2 == nil && name != "" {
			c.query = append(c.query, field{name, value})
		}
	}
	c.filter = func(name string) string { return c.param("filter[" + name + "]") }
	if v, err := parse(raw); err == nil {
		c.body, _ = v.(*object)
	}
	l.shop.mu.Lock()
	l.mu.Lock()
	out := l.answer(c)
	l.mu.Unlock()
	l.shop.mu.Unlock()
	l.shop.ping(r.Context(), out.pings)
	l.send(w, r, out)
}

// page is what WordPress does with an address that nothing answers.
func (l *Legacy) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	if !strings.HasSuffix(r.URL.Path, "/") {
		u := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery, Scheme: "http", Host: r.Host}
		if r.TLS != nil {
			u.Scheme = "https"
		}
		w.Header().Set("X-Redirect-By", "WordPress")
		w.Header().Set("Location", u.String())
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><title>Page not found &#8211; Store</title></head>\n"+
		"<body></body>\n</html>\n")
}

func (l *Legacy) send(w http.ResponseWriter, r *http.Request, out *legacyReply) {
	h := w.Header()
	h.Set("Content-Type", jsonType)
	for name, values := range out.header {
		h[name] = values
	}
	home := "http://"
	if r.TLS != nil {
		home = "https://"
	}
	home += r.Host + l.shop.home.Path
	text := strings.ReplaceAll(string(encode(nil, out.body)), `https:\/\/shop.invalid`, strings.ReplaceAll(home, "/", `\/`))
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(out.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text) //nolint:gosec // JSON, and the address is the fake's own
	}
}

// answer runs a request, under both locks.
func (l *Legacy) answer(c *legacyCall) *legacyReply {
	if c.path == "" {
		return l.index()
	}
	k, fault := l.authenticate(c)
	if fault != nil {
		return fault
	}
	method := c.r.Method
	write := method != http.MethodGet && method != http.MethodHead
	run := l.route(c, strings.Split(c.path, "/"), write)
	refuse := func(text string) *legacyReply {
		return legacyFail(http.StatusUnauthorized, "authentication_error", text)
	}
	switch {
	case k.permission == ReadOnly && write:
		return refuse("The API key provided does not have write permissions.")
	case k.permission == WriteOnly && !write:
		return refuse("The API key provided does not have read permissions.")
	case run == nil:
		return legacyNoRoute()
	case write && method != http.MethodDelete && c.body == nil:
		return legacyFail(http.StatusBadRequest, "missing_callback_param", "Missing parameter data")
	}
	out := run()
	if k.permission != Customer {
		return out
	}
	if doc, isObject := out.body.(*object); isObject && !write && out.status == http.StatusOK && len(out.header) > 0 {
		for i := range doc.fields {
			doc.fields[i].value = []any{} // a list is empty, though its totals are true
		}
		return out
	}
	return legacyFail(http.StatusUnauthorized, "user_cannot_read_order", "You do not have permission to read this order")
}

// authenticate finds whose key a request carries.
func (l *Legacy) authenticate(c *legacyCall) (key, *legacyReply) {
	refuse := func(status int, text string) (key, *legacyReply) {
		return key{}, legacyFail(status, "authentication_error", text)
	}
	if c.r.TLS != nil {
		text := "Consumer secret is invalid."
		id, secret := c.param("consumer_key"), c.param("consumer_secret")
		if id == "" && secret == "" {
			text = "Consumer Secret is invalid." // as the plugin spells it
			id, secret, _ = c.r.BasicAuth()
		}
		k, known := l.shop.keys[id]
		switch {
		case !known && id != "":
			return refuse(http.StatusUnauthorized, "Consumer key is invalid.")
		case !known, !hmac.Equal([]byte(k.secret), []byte(secret)):
			_, out := refuse(http.StatusUnauthorized, text)
			if c.param("consumer_key") == "" {
				out.header = http.Header{"WWW-Authenticate": {`Basic realm="WooCommerce API. Use a consumer key in the username field ` +
					`and a consumer secret in the password field."`}}
			}
			return key{}, out
		}
		return k, nil
	}
	for _, name := range oauthParams {
		if c.param(name) == "" {
			return refuse(http.StatusNotFound, name+" parameter is missing")
		}
	}
	k, known := l.shop.keys[c.param("oauth_consumer_key")]
	digest := map[string]func() hash.Hash{"HMAC-SHA1": sha1.New, "HMAC-SHA256": sha256.New}[c.param("oauth_signature_method")]
	switch {
	case !known:
		return refuse(http.StatusUnauthorized, "Consumer key is invalid.")
	case digest == nil:
		return refuse(http.StatusUnauthorized, "Invalid signature - signature method is invalid.")
	}
	mac := hmac.New(digest, []byte(k.secret+"&"))
	mac.Write([]byte(c.r.Method + "&" + escape("http://"+c.r.Host+c.r.URL.EscapedPath()) + "&" + escape(c.base())))
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(c.param("oauth_signature"))) {
		return refuse(http.StatusUnauthorized, "Invalid signature - provided signature does not match.")
	}
	at, err := strconv.ParseInt(c.param("oauth_timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(at, 0)).Abs() > oauthWindow {
		return refuse(http.StatusUnauthorized, "Invalid timestamp.")
	}
	nonce := "legacy " + c.param("oauth_consumer_key") + " " + c.param("oauth_timestamp") + " " + c.param("oauth_nonce")
	if _, used := l.shop.nonces[nonce]; used {
		return refuse(http.StatusUnauthorized, "Invalid nonce - nonce has already been used.")
	}
	l.shop.nonces[nonce] = time.Now()
	return k, nil
}

// base is the query as the plugin signs it: PHP has made one array of all filters, at the place of "filter" in the order of
// names; within it they stand as they came.
func (c *legacyCall) base() string {
	params := slices.Clone(c.query)
	params = slices.DeleteFunc(params, func(f field) bool { return f.key == "oauth_signature" })
	top := func(f field) string {
		name, _, _ := strings.Cut(f.key, "[")
		return name
	}
	slices.SortStableFunc(params, func(a, b field) int { return strings.Compare(top(a), top(b)) })
	pairs := make([]string, len(params))
	for i, f := range params {
		value, _ := f.value.(string)
		pairs[i] = escape(f.key) + "=" + escape(value)
	}
	return strings.Join(pairs, "&")
}

// route finds what a path means; nil is no route.
func (l *Legacy) route(c *legacyCall, path []string, write bool) func() *legacyReply {
	at := func(i int) string {
		if i < len(path) {
			return path[i]
		}
		return ""
	}
	id, err := strconv.ParseInt(at(1), 10, 64)
	if err != nil {
		id = 0
	}
	method := c.r.Method
	remove := method == http.MethodDelete
	switch at(0) {
	case "orders":
		switch {
		case len(path) == 1 && !write:
			return func() *legacyReply { return l.listOrders(c, 0) }
		case len(path) == 1 && method == http.MethodPost:
			return func() *legacyReply { return l.createOrder(c) }
		case len(path) == 2 && at(1) == "count" && !write:
			return func() *legacyReply { return l.countOrders(c) }
		case len(path) == 2 && at(1) == "statuses" && !write:
			return l.statuses
		case len(path) == 2 && at(1) == "bulk" && write && !remove:
			return func() *legacyReply { return l.bulkOrders(c) }
		case len(path) == 2 && id != 0:
			return func() *legacyReply { return l.oneOrder(c, id, write, remove) }
		case len(path) == 3 && at(2) == "notes" && id != 0 && !remove:
			return func() *legacyReply { return l.notes(c, id, write) }
		case len(path) == 3 && at(2) == "refunds" && id != 0 && !write:
			return func() *legacyReply { return l.refunds(id) }
		}
	case "products":
		switch {
		case len(path) == 1 && !write:
			return func() *legacyReply { return l.listProducts(c) }
		case len(path) == 1 && method == http.MethodPost:
			return func() *legacyReply { return l.createProduct(c) }
		case len(path) == 2 && at(1) == "count" && !write:
			return func() *legacyReply { return legacyOK("count", number(int64(len(l.products(c))))) }
		case len(path) == 2 && at(1) == "bulk" && write && !remove:
			return func() *legacyReply { return l.bulkProducts(c) }
		case len(path) == 2 && id != 0:
			return func() *legacyReply { return l.oneProduct(c, id, write, remove) }
		case len(path) == 3 && at(2) == "orders" && id != 0 && !write:
			return func() *legacyReply { return l.ordersOfProduct(c, id) }
		}
	case "customers":
		switch {
		case write:
		case len(path) == 1:
			return func() *legacyReply { return l.listCustomers(c) }
		case len(path) == 2 && at(1) == "count":
			return func() *legacyReply { return legacyOK("count", number(int64(len(l.shop.customers.all)))) }
		case len(path) == 2 && id != 0:
			return func() *legacyReply { return l.oneCustomer(c, func(r *record) bool { return r.id == id }) }
		case len(path) == 3 && at(1) == "email":
			return func() *legacyReply {
				return l.oneCustomer(c, func(r *record) bool { return strings.EqualFold(r.document().text("email"), at(2)) })
			}
		case len(path) == 3 && at(2) == "orders" && id != 0:
			return func() *legacyReply { return l.listOrders(c, id) }
		}
	case "coupons":
		switch {
		case write:
		case len(path) == 1:
			return func() *legacyReply { return l.listCoupons(c) }
		case len(path) == 2 && at(1) == "count":
			return func() *legacyReply { return legacyOK("count", number(int64(len(l.coupons)))) }
		case len(path) == 2 && id != 0:
			return func() *legacyReply { return l.oneCoupon(func(d *object) bool { return d.int("id") == id }) }
		case len(path) == 3 && at(1) == "code":
			return func() *legacyReply { return l.oneCoupon(func(d *object) bool { return d.text("code") == at(2) }) }
		}
	case "webhooks":
		switch {
		case len(path) == 1 && !write:
			return func() *legacyReply { return l.listWebhooks(c) }
		case len(path) == 1 && method == http.MethodPost:
			return func() *legacyReply { return l.createWebhook(c) }
		case len(path) == 2 && at(1) == "count" && !write:
			return func() *legacyReply { return legacyOK("count", number(int64(len(l.shop.webhooks.all)))) }
		case len(path) == 2 && id != 0:
			return func() *legacyReply { return l.oneWebhook(c, id, write, remove) }
		case len(path) == 3 && at(2) == "deliveries" && id != 0 && !write:
			return func() *legacyReply { return legacyOK("webhook_deliveries", []any{}) }
		}
	}
	return nil
}

// index is /wc-api/v3, which wants no key.
func (l *Legacy) index() *legacyReply {
	routes := obj()
	add := func(path, verbs string) {
		list := []any{}
		for verb := range strings.SplitSeq(verbs, " ") {
			list = append(list, verb)
		}
		routes.set(path, obj(field{"supports", list}))
	}
	const all = "HEAD GET POST PUT PATCH DELETE"
	add("/", "HEAD GET")
	for _, name := range []string{"orders", "products", "customers", "coupons", "webhooks"} {
		add("/"+name, "HEAD GET POST")
		add("/"+name+"/count", "HEAD GET")
		add("/"+name+"/<id>", all)
	}
	add("/orders/statuses", "HEAD GET")
	zone := l.shop.config.Location.String()
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		zone = time.Now().In(l.shop.config.Location).Format("-07:00")
	}
	return legacyOK("store", obj(
		field{"name", "Store A"}, field{"description", ""}, field{"URL", "https://shop.invalid"}, field{"wc_version", "11.0.1"},
		field{"version", "3.1.0"}, field{"routes", routes}, field{"meta", obj(
			field{"timezone", zone}, field{"currency", "EUR"}, field{"currency_format", "&euro;"}, field{"currency_position", "left"},
			field{"thousand_separator", ","}, field{"decimal_separator", "."}, field{"price_num_decimals", number(2)},
			field{"tax_included", true}, field{"weight_unit", "kg"}, field{"dimension_unit", "cm"}, field{"ssl_enabled", true},
			field{"permalinks_enabled", true}, field{"generate_password", true},
			field{"links", obj(field{"help", "https://woocommerce.github.io/woocommerce-rest-api-docs/"})},
		)},
	))
}

// legacyPage answers one page of a list with its totals. Limits have no bound, and -1 is everything.
func legacyPage(c *legacyCall, name string, all []*record, render func(*record) *object) *legacyReply {
	whole := func(text string, fallback int) int {
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
		return fallback
	}
	limit, page := whole(c.filter("limit"), 10), max(1, whole(c.param("page"), 1))
	total, pages := len(all), 0
	if limit > 0 {
		pages = (total + limit - 1) / limit
	}
	from := whole(c.filter("offset"), (page-1)*max(limit, 0))
	to := total
	if limit > 0 {
		to = min(total, from+limit)
	}
	if from >= total || from < 0 {
		from, to, total, pages = 0, 0, 0, 0
	}
	list := []any{}
	for _, r := range all[from:to] {
		list = append(list, legacyFields(c, render(r)))
	}
	out := legacyOK(name, list)
	out.header = http.Header{
		"X-WC-Total": {strconv.Itoa(total)}, "X-WC-TotalPages": {strconv.Itoa(pages)},
	}
	if links := legacyLinks(c, page, pages); links != nil {
		out.header["Link"] = links
	}
	return out
}

// legacyLinks are without the port, and with raw brackets.
func legacyLinks(c *legacyCall, page, pages int) (links []string) {
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	host, _, _ := strings.Cut(c.r.Host, ":")
	var query strings.Builder
	for _, f := range c.query {
		if f.key != "page" {
			fmt.Fprintf(&query, "%s=%s&", f.key, f.value)
		}
	}
	add := func(n int, rel string) {
		links = append(links, fmt.Sprintf(`<%s://%s%s?%spage=%d>; rel="%s"`, scheme, host, c.r.URL.Path, query.String(), n, rel))
	}
	if page > 1 {
		add(1, "first")
		add(page-1, "prev")
	}
	if page < pages {
		add(page+1, "next")
	}
	if page != pages {
		add(pages, "last")
	}
	return links
}

// legacyFields keeps the members that the request names.
func legacyFields(c *legacyCall, doc *object) *object {
	names := c.param("fields")
	if names == "" {
		return doc
	}
	kept := obj()
	for _, f := range doc.fields {
		if slices.Contains(strings.Split(names, ","), f.key) {
			kept.set(f.key, f.value)
		}
	}
	return kept
}

// legacySelect applies the filters that every list has. Bounds of dates belong to their range.
func legacySelect(c *legacyCall, all []*record) []*record {
	found := slices.Clone(all)
	keep := func(ok func(*record) bool) {
		found = slices.DeleteFunc(found, func(r *record) bool { return !ok(r) })
	}
	for name, in := range map[string]func(r *record, at time.Time) bool{
		"created_at_min": func(r *record, at time.Time) bool { return !r.created.Before(at) },
		"created_at_max": func(r *record, at time.Time) bool { return !r.created.After(at) },
		"updated_at_min": func(r *record, at time.Time) bool { return !r.modified.Before(at) },
		"updated_at_max": func(r *record, at time.Time) bool { return !r.modified.After(at) },
	} {
		if at, ok := legacyDate(c.filter(name)); ok {
			keep(func(r *record) bool { return in(r, at) })
		}
	}
	if wanted := ids(strings.Split(c.filter("in"), ",")); len(wanted) > 0 {
		keep(func(r *record) bool { return slices.Contains(wanted, r.id) })
	}
	if unwanted := ids(strings.Split(c.filter("not_in"), ",")); len(unwanted) > 0 {
		keep(func(r *record) bool { return !slices.Contains(unwanted, r.id) })
	}
	by := listing{}
	orderby := map[string]string{"ID": "id", "modified": "modified"}[c.filter("orderby")]
	if orderby != "id" {
		if orderby == "" {
			orderby = "date"
		}
		by.sort(found, orderby, nil)
	}
	if !strings.EqualFold(c.filter("order"), "ASC") {
		slices.Reverse(found)
	}
	return found
}

// legacyDate reads a date, with or without time; a zone is dropped, whatever it says.
func legacyDate(text string) (at time.Time, ok bool) {
	for _, layout := range []string{wireTime, "2006-01-02 15:04:05", "2006-01-02"} {
		if len(text) >= len(layout) {
			if at, err := time.Parse(layout, text[:len(layout)]); err == nil {
				return at, true
			}
		}
	}
	return at, false
}

// legacyTime is how the plugin writes dates, and that it has none.
func legacyTime(at time.Time) string {
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	return at.UTC().Format(time.RFC3339)
}
