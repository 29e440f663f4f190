package wootest

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // the recorded stores' zones

	"github.com/stretchr/testify/require"
)

// recording is what one real store was asked and answered, in the order in which it was asked, and what was in it before.
type recording struct {
	Seed      map[string]json.RawMessage
	Exchanges []exchange
}

type exchange struct {
	Name, Method, Path string
	Query              [][2]string
	Auth, Key, Scheme  string
	Body               json.RawMessage
	Status             int
	Header             map[string]string
	Answer             string
}

func loadRecording(t testing.TB, version string) (r recording) {
	t.Helper()
	f, err := os.Open("testdata/replay/" + version + ".json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(z).Decode(&r))
	return r
}

// TestReplay asks the store everything that two real stores were asked, and compares status, error code, paging headers, keys and
// JSON types of each answer; lists must also hold the same ids where their order means something.
func TestReplay(t *testing.T) {
	t.Parallel()
	for version, config := range map[string]Config{
		"11.0.1": {Location: zone(t, "Europe/Ljubljana")},
		"8.9.1":  {Location: zone(t, "America/New_York"), Version: "8.9.1"},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			rec := loadRecording(t, version)
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2026, 11, 21, 17, 27, 0, 0, time.UTC)))
				replay(t, version, config, rec)
			})
		})
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	require.NoError(t, err)
	return l
}

func replay(t *testing.T, version string, config Config, rec recording) {
	p := newReplayer(t, config, rec)
	defer p.shop.Close()
	excepted := exceptions[version]
	var agreed, ids, lists int
	byResource := map[string][2]int{}
	unused := maps.Clone(excepted)
	for _, x := range rec.Exchanges {
		if before := between[x.Name]; before != nil {
			before(p)
		}
		diffs, sameIDs := p.exchange(x)
		group, _, _ := strings.Cut(x.Name, "/")
		n := byResource[group]
		n[1]++
		if sameIDs != nil {
			lists++
			if *sameIDs {
				ids++
			}
		}
		_, known := excepted[x.Name]
		switch {
		case len(diffs) == 0:
			agreed++
			n[0]++
			if known {
				t.Errorf("%s agrees now: its reason %q no longer applies", x.Name, excepted[x.Name])
			}
		case !known:
			t.Errorf("%s %s %s: %s", x.Name, x.Method, x.Path, strings.Join(diffs, "; "))
		}
		delete(unused, x.Name)
		byResource[group] = n
	}
	for name := range unused {
		t.Errorf("%s is excepted but not recorded", name)
	}
	for _, group := range slices.Sorted(maps.Keys(byResource)) {
		t.Logf("%-18s %3d of %3d", group, byResource[group][0], byResource[group][1])
	}
	share := float64(agreed) / float64(len(rec.Exchanges))
	t.Logf("%s: %d of %d answers agree (%.1f %%), %d excepted with a reason; %d of %d lists hold the same ids in the same order",
		version, agreed, len(rec.Exchanges), 100*share, len(excepted), ids, lists)
	require.GreaterOrEqual(t, share, 0.95)
}

// replayer is a store seeded as a recorded one was, and how recorded ids translate to its own.
type replayer struct {
	t    *testing.T
	shop *Shop
	ids  map[string]map[int64]int64 // recorded to own, by collection
}

func newReplayer(t *testing.T, config Config, rec recording) *replayer {
	t.Helper()
	config.Key, config.Secret = "ck_rw", "cs_rw"
	shop, err := New(config)
	require.NoError(t, err)
	for key, p := range map[string]Permission{"ck_ro": ReadOnly, "ck_wo": WriteOnly, "ck_plain": Customer} {
		shop.AddKey(key, "cs"+key[2:], p)
	}
	shop.config.Deliveries = host{}
	kinds := slices.Sorted(maps.Keys(rec.Seed))
	for _, name := range kinds {
		v, err := parse(rec.Seed[name])
		require.NoError(t, err)
		for _, doc := range v.([]any) {
			loadRecord(shop, name, doc)
		}
	}
	shop.next.post, shop.next.customer = 562, 54
	shop.next.note, shop.next.item, shop.next.meta = 1000, 2000, 20000
	return &replayer{t, shop, map[string]map[int64]int64{}}
}

// loadRecord puts one recorded document where the store keeps its like.
func loadRecord(s *Shop, name string, v any) {
	parent := int64(0)
	if pair, isPair := v.([]any); isPair { // of an order
		parent, _ = asInt(pair[0])
		v = pair[1]
	}
	doc := v.(*object)
	r := &record{id: doc.int("id"), parent: parent, doc: doc, status: doc.text("status")}
	r.created, r.modified = getDate(doc, "date_created"), getDate(doc, "date_modified")
	switch name {
	case "orders":
		r.customer = doc.int("customer_id")
		r.reduced = slices.Contains([]string{"processing", "completed", "on-hold", "refunded", "packed"}, r.status)
		s.orders.add(r)
	case "refunds":
		s.refunds.add(r)
	case "notes":
		s.notes.add(r)
	case "customers":
		s.customers.add(r)
	case "products":
		s.products.add(r)
	case "variations":
		r.parent = doc.int("parent_id")
		s.products.add(r)
	case "fixed":
		s.things = doc
	case "shipping/zones/1/locations":
		s.locations[1] = append(s.locations[1], doc)
	case "taxes/classes":
	default:
		k, parent, _ := s.kindRoute(strings.Split(name, "/"))
		if old := k.table.rows[r.id]; old != nil {
			k.table.remove(old)
		}
		s.addKind(k.path, parent, doc)
	}
}

// exchange asks what was asked and tells what differs. sameIDs is of lists only.
func (p *replayer) exchange(x exchange) (diffs []string, sameIDs *bool) {
	time.Sleep(time.Second)
	res, body := p.send(x)
	if res.StatusCode != x.Status {
		head := body[:min(len(body), 300)]
		return []string{fmt.Sprintf("status %d, was %d: %s", res.StatusCode, x.Status, head)}, nil
	}
	for _, name := range []string{"X-WP-Total", "X-WP-TotalPages"} {
		if got := res.Header.Get(name); got != x.Header[name] {
			diffs = append(diffs, fmt.Sprintf("%s %q, was %q", name, got, x.Header[name]))
		}
	}
	if got := pageLinks(res.Header.Get("Link")); got != x.Header["Link"] {
		diffs = append(diffs, fmt.Sprintf("Link %q, was %q", got, x.Header["Link"]))
	}
	if got, want := pathOf(res.Header.Get("Location")), pathOf(x.Header["Location"]); digits.ReplaceAllString(got, "N") != digits.ReplaceAllString(want, "N") {
		diffs = append(diffs, fmt.Sprintf("Location %q, was %q", got, want))
	}
	want, err := parse([]byte(x.Answer))
	if err != nil {
		if strings.HasPrefix(x.Header["Content-Type"], "application/json") != strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			diffs = append(diffs, "Content-Type "+res.Header.Get("Content-Type")+", was "+x.Header["Content-Type"])
		}
		if x.Method != http.MethodHead && strings.HasPrefix(x.Answer, "/**/") != strings.HasPrefix(body, "/**/") {
			diffs = append(diffs, "body "+body[:min(len(body), 100)])
		}
		return diffs, nil
	}
	got, err := parse([]byte(body))
	if err != nil {
		return append(diffs, "no JSON: "+body[:min(len(body), 100)]), nil
	}
	if w, isObject := want.(*object); isObject && x.Status >= 300 {
		g, _ := got.(*object)
		if g == nil || g.text("code") != w.text("code") {
			diffs = append(diffs, fmt.Sprintf("code of %s, was %q", body, w.text("code")))
		}
	}
	if x.Method != http.MethodGet && x.Status < 300 {
		p.learn(collectionOf(x.Path), want, got)
	}
	diffs = append(diffs, shapeDiff(want, got)...)
	wantIDs, isList := idsOf(want)
	gotIDs, _ := idsOf(got)
	if isList {
		for i, id := range wantIDs {
			wantIDs[i] = p.own(collectionOf(x.Path), id)
		}
		same := slices.Equal(wantIDs, gotIDs)
		sameIDs = &same
		if len(wantIDs) != len(gotIDs) {
			diffs = append(diffs, fmt.Sprintf("%d elements, were %d", len(gotIDs), len(wantIDs)))
		}
		slices.Sort(wantIDs)
		slices.Sort(gotIDs)
		if !same && os.Getenv("REPLAY_IDS") != "" {
			p.t.Logf("ids: %s: %v, were %v", x.Name, gotIDs, wantIDs)
		}
	}
	return diffs, sameIDs
}

var digits = regexp.MustCompile(`\d+`)

func pathOf(location string) string {
	if _, rest, ok := strings.Cut(location, "://"); ok {
		location = rest[strings.Index(rest, "/"):]
	}
	location, _, _ = strings.Cut(location, "/?") // the query is encoded by this test
	return location
}

func idsOf(v any) (ids []int64, isList bool) {
	list, isList := v.([]any)
	for _, e := range list {
		if o, isObject := e.(*object); isObject {
			ids = append(ids, o.int("id"))
		}
	}
	return ids, isList
}

var linkPattern = regexp.MustCompile(`<([^>]*)>; rel="(next|prev)"`)

// pageLinks is what a Link header says of pages.
func pageLinks(header string) string {
	var all []string
	for _, m := range linkPattern.FindAllStringSubmatch(header, -1) {
		u, err := url.Parse(m[1])
		if err == nil {
			all = append(all, m[2]+"="+u.Query().Get("page"))
		}
	}
	return strings.Join(all, " ")
}

// send makes the request as it was made, with own ids and keys.
func (p *replayer) send(x exchange) (*http.Response, string) {
	segments := strings.Split(x.Path, "/")
	for i := 1; i < len(segments); i++ {
		if n, err := strconv.ParseInt(segments[i], 10, 64); err == nil {
			segments[i] = fmt.Sprint(p.own(segments[i-1], n))
		}
	}
	target := x.Scheme + "://shop.test" + strings.Join(segments, "/")
	query := url.Values{}
	for _, pair := range x.Query {
		query.Add(pair[0], pair[1])
	}
	key, secret := "ck_"+x.Key, "cs_"+x.Key
	if strings.Contains(x.Name, "bad-key") {
		key = "ck_nobody"
	}
	if strings.Contains(x.Name, "bad-secret") {
		secret = "cs_nobody"
	}
	body := []byte(nil)
	if len(x.Body) > 0 && string(x.Body) != "null" {
		body = p.translate(x)
	}
	header := http.Header{"Accept": {"application/json"}}
	if strings.Contains(x.Name, "accept-any") {
		header.Set("Accept", "*/*")
	}
	switch x.Auth {
	case "query":
		query.Set("consumer_key", key)
		query.Set("consumer_secret", secret)
	case "oauth", "oauth1", "oauthhdr":
		p.sign(x, target, query, key, secret)
	case "none":
		if query.Has("oauth_consumer_key") {
			p.resign(x, target, query)
		}
	}
	if len(query) > 0 {
		target += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	req, err := http.NewRequestWithContext(p.t.Context(), x.Method, target, bytes.NewReader(body))
	require.NoError(p.t, err)
	req.Header = header
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if x.Auth == "basic" {
		req.SetBasicAuth(key, secret)
	}
	res, err := p.shop.Transport().RoundTrip(req)
	require.NoError(p.t, err, x.Name)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(p.t, err, x.Name)
	return res, string(text)
}

// sign adds an OAuth 1.0a signature in the query.
func (p *replayer) sign(x exchange, target string, query url.Values, key, secret string) {
	method, digest := "HMAC-SHA256", sha256.New
	if x.Auth == "oauth1" {
		method, digest = "HMAC-SHA1", sha1.New
	}
	for name, v := range map[string]string{
		"oauth_consumer_key": key, "oauth_timestamp": fmt.Sprint(time.Now().Unix()), "oauth_nonce": x.Name, "oauth_signature_method": method,
	} {
		if !query.Has(name) {
			query.Set(name, v)
		}
	}
	query.Set("oauth_signature", signature(x.Method, target, query, secret, digest))
}

// resign makes anew the OAuth faults that were recorded with keys this store does not have.
func (p *replayer) resign(x exchange, target string, query url.Values) {
	query.Set("oauth_consumer_key", "ck_rw")
	stamp := time.Now()
	if strings.Contains(x.Name, "timestamp-old") {
		stamp = stamp.Add(-16 * time.Minute)
	}
	query.Set("oauth_timestamp", fmt.Sprint(stamp.Unix()))
	if !query.Has("oauth_signature") {
		return
	}
	query.Del("oauth_signature")
	query.Set("oauth_signature", signature(x.Method, target, query, "cs_rw", sha256.New))
	if strings.Contains(x.Name, "nonce-replayed") {
		req, err := http.NewRequestWithContext(p.t.Context(), x.Method, target+"?"+query.Encode(), nil)
		require.NoError(p.t, err)
		res, err := p.shop.Transport().RoundTrip(req)
		require.NoError(p.t, err)
		require.Equal(p.t, 200, res.StatusCode)
		res.Body.Close()
	}
}

func signature(method, base string, query url.Values, secret string, digest func() hash.Hash) string {
	var pairs []string
	for name, values := range query {
		pairs = append(pairs, escape(name)+"="+escape(values[0]))
	}
	slices.Sort(pairs)
	mac := hmac.New(digest, []byte(secret+"&"))
	fmt.Fprintf(mac, "%s&%s&%s", method, escape(base), escape(strings.Join(pairs, "&")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// collectionOf is the last name in a path: what the answer is one or a list of.
func collectionOf(path string) string {
	name := ""
	for s := range strings.SplitSeq(path, "/") {
		if s != "" && s != "batch" && digits.ReplaceAllString(s, "") != "" {
			name = s
		}
	}
	return name
}

func (p *replayer) own(collection string, recorded int64) int64 {
	if id, known := p.ids[collection][recorded]; known {
		return id
	}
	return recorded
}

// learn notes under which ids the store keeps what was made.
func (p *replayer) learn(name string, want, got any) {
	switch want := want.(type) {
	case *object:
		got, _ := got.(*object)
		if got == nil {
			return
		}
		if w, isInt := asInt(want.get("id")); isInt && w != 0 {
			if g := got.int("id"); g != 0 && g != w {
				p.know(name, w, g)
			}
		}
		for _, f := range want.fields {
			below := f.key
			if f.key == "create" || f.key == "update" || f.key == "delete" {
				below = name
			}
			if f.key != "_links" {
				p.learn(below, f.value, got.get(f.key))
			}
		}
	case []any:
		got, _ := got.([]any)
		for i := range min(len(want), len(got)) {
			p.learn(name, want[i], got[i])
		}
	}
}

// translate is the request's body with own ids.
func (p *replayer) translate(x exchange) []byte {
	v, err := parse(x.Body)
	if err != nil {
		return x.Body
	}
	if text, isText := v.(string); isText { // was sent as it stands
		return []byte(text)
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case *object:
			if id, isInt := asInt(v.get("id")); isInt {
				if own := p.own(name, id); own != id {
					v.set("id", number(own))
				}
			}
			for _, f := range v.fields {
				below := f.key
				if f.key == "update" || f.key == "delete" {
					below = name
				}
				walk(below, f.value)
			}
		case []any:
			for i, e := range v {
				if n, isNumber := e.(json.Number); isNumber {
					id, _ := n.Int64()
					v[i] = number(p.own(name, id))
				}
				walk(name, e)
			}
		}
	}
	walk(collectionOf(x.Path), v)
	return bytes.ReplaceAll(encode(nil, v), []byte(`http:\/\/127.0.0.1:18080`), []byte(`https:\/\/shop.test`)) // the store's own address
}

var dateKey = regexp.MustCompile(`^\d{4}-\d\d(-\d\d)?$`)

// typesAt collects which JSON types stand at which place.
func typesAt(at string, v any, into map[string]map[string]bool) {
	kind := "null"
	switch v := v.(type) {
	case *object:
		kind = "object"
		for _, f := range v.fields {
			key := f.key
			if dateKey.MatchString(key) {
				key = "<date>"
			} else if digits.ReplaceAllString(key, "") == "" {
				key = "<number>"
			}
			typesAt(at+"."+key, f.value, into)
		}
	case []any:
		kind = "array"
		for _, e := range v {
			typesAt(at+"[]", e, into)
		}
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case json.Number:
		kind = "number"
	}
	if into[at] == nil {
		into[at] = map[string]bool{}
	}
	into[at][kind] = true
}

func shapeDiff(want, got any) (diffs []string) {
	w, g := map[string]map[string]bool{}, map[string]map[string]bool{}
	typesAt("", want, w)
	typesAt("", got, g)
	list := func(m map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(m)), "|") }
	for _, at := range slices.Sorted(maps.Keys(w)) {
		parent := at[:max(0, strings.LastIndexAny(at, ".["))]
		if g[at] == nil {
			if g[parent] != nil {
				diffs = append(diffs, at+" is missing")
			}
		} else if list(w[at]) != list(g[at]) {
			diffs = append(diffs, fmt.Sprintf("%s is %s, was %s", at, list(g[at]), list(w[at])))
		}
	}
	for _, at := range slices.Sorted(maps.Keys(g)) {
		parent := at[:max(0, strings.LastIndexAny(at, ".["))]
		if w[at] == nil && w[parent] != nil {
			diffs = append(diffs, at+" is too much")
		}
	}
	return diffs
}
