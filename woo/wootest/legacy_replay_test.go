package wootest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The recorded requests to two real stores' legacy APIs, sent to this one, which is given the same orders, products and customers
// with the same ids. Compared are status, error code, which paging headers and links there are, and keys and JSON types.

const legacyReplayDir = "../legacy/testdata/recorded"

// legacyReplayReasons says why an answer differs from the recorded one.
var legacyReplayReasons = map[string]string{
	"orders/create.http":               "8.9.1 was recorded with order attribution off; here it is on, as by default, and PHP crashes after the order was made",
	"orders/bulk.http":                 "the same",
	"orders/refund-create.http":        "refunds are made through wc/v3 here",
	"products/list-default.http":       "some of its variations were never read through wc/v3; the copies that stand for them have no sale price",
	"products/list-limit-minus-1.http": "the same, and their stock",
}

func TestLegacyReplay(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"wc-11.0.1", "wc-8.9.1"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			shop, err := New(Config{PostsStorage: store == "wc-8.9.1"})
			require.NoError(t, err)
			defer shop.Close()
			legacy := shop.Legacy()
			defer legacy.Close()
			legacyReplaySeed(t, shop, legacy, store)
			src, err := os.ReadFile(filepath.Join(legacyReplayDir, store, "index.json"))
			require.NoError(t, err)
			var index []legacyReplayEntry
			require.NoError(t, json.Unmarshal(src, &index))
			agreed, differ := 0, 0
			for _, e := range index {
				why := e.compare(t, shop, legacy, store)
				switch reason := legacyReplayReasons[e.File]; {
				case why == "":
					agreed++
				case reason != "":
					differ++
					t.Logf("%s differs (%s): %s", e.File, why, reason)
				default:
					differ++
					t.Errorf("%s: %s", e.File, why)
				}
			}
			share := float64(agreed) / float64(agreed+differ) * 100
			t.Logf("%s: %d of %d recorded requests agree, %.1f %%", store, agreed, agreed+differ, share)
			require.GreaterOrEqual(t, share, 95.0)
			require.Greater(t, agreed, 90)
		})
	}
}

type legacyReplayEntry struct {
	File    string
	Status  int
	Request struct {
		Method, Path, Auth, Key, Scheme string
		Query                           [][2]any
		Body                            json.RawMessage
	}
}

// legacyReplaySeed gives the store what the recorded one had, as far as wc/v3 showed it.
func legacyReplaySeed(t *testing.T, shop *Shop, legacy *Legacy, store string) {
	t.Helper()
	read := func(folder string, add func(doc *object)) {
		seen := map[int64]bool{}
		dir := filepath.Join("..", "testdata", "recorded", store, folder)
		require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			_, text, _ := bytes.Cut(raw, []byte("\n\n"))
			v, err := parse(text)
			if err != nil {
				return nil //nolint:nilerr // not every recorded answer is JSON
			}
			list, isList := v.([]any)
			if !isList {
				list = []any{v}
			}
			for _, v := range list {
				doc, isObject := v.(*object)
				if isObject && doc.int("id") > 0 && doc.text("date_modified_gmt") != "" && len(doc.fields) > 14 && !seen[doc.int("id")] {
					seen[doc.int("id")] = true
					add(doc)
				}
			}
			return nil
		}))
	}
	shop.mu.Lock()
	defer shop.mu.Unlock()
	record1 := func(doc *object) *record {
		doc.del("_links")
		return &record{
			id: doc.int("id"), doc: doc, status: doc.text("status"), customer: doc.int("customer_id"), parent: doc.int("parent_id"),
			created: getDate(doc, "date_created"), modified: getDate(doc, "date_modified"),
		}
	}
	read("orders", func(doc *object) {
		r := record1(doc)
		r.parent = 0
		shop.orders.add(r)
	})
	for _, folder := range []string{"products", "products-stock", "variations"} {
		read(folder, func(doc *object) {
			if shop.products.rows[doc.int("id")] == nil && doc.has("manage_stock") {
				shop.products.add(record1(doc))
			}
		})
	}
	read("customers", func(doc *object) { shop.customers.add(record1(doc)) })
	// What wc/v3 was not asked for is made of what it was.
	like := func(table *table, id, model int64, change func(r *record)) {
		if table.rows[id] != nil {
			return
		}
		r := *table.rows[model]
		r.id, r.doc = id, r.doc.clone()
		r.doc.set("id", number(id))
		change(&r)
		table.add(&r)
	}
	for id := int64(270); id <= 565; id++ {
		like(shop.orders, id, 278, func(r *record) {
			r.created = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(id-270) * 5 * time.Hour)
			r.modified = r.created
			if id == 565 { // that the recording made
				r.customer = 14
			}
		})
	}
	for _, r := range shop.orders.all {
		if r.customer != 0 {
			like(shop.customers, r.customer, 14, func(*record) {})
		}
	}
	for id := int64(11); id <= 180; id++ {
		like(shop.products, id, 11, func(r *record) { r.doc.set("sku", fmt.Sprintf("SKU-%04d", id-10)) })
	}
	like(shop.products, 567, 11, func(r *record) { r.doc.set("sku", "") })
	for _, r := range slices.Clone(shop.products.all) {
		for _, v := range r.doc.list("variations") {
			id, _ := asInt(v)
			like(shop.products, id, 182, func(child *record) { child.parent = r.id })
		}
	}
	shop.next.post = 5000
	r := &record{id: shop.next.note, parent: 278, doc: obj(field{"note", "x"}, field{"customer_note", false}), created: now()}
	shop.notes.add(r)
	shop.next.note++
	shop.refunds.add(&record{id: 279, parent: 278, doc: obj(field{"amount", "130.32"}, field{"reason", "Full refund"}), created: now()})
	for _, k := range []struct {
		name string
		p    Permission
	}{{"ro", ReadOnly}, {"wo", WriteOnly}, {"plain", Customer}} {
		shop.keys["ck_"+k.name] = key{"cs_" + k.name, k.p}
	}
	for _, file := range []string{"coupons.http", "coupons-code-ten.http"} {
		raw, err := os.ReadFile(filepath.Join(legacyReplayDir, store, "other", file))
		require.NoError(t, err)
		_, text, _ := bytes.Cut(raw, []byte("\n\n"))
		doc, err := parseObject(text)
		require.NoError(t, err)
		for _, v := range append(doc.list("coupons"), doc.get("coupon")) {
			if coupon, isObject := v.(*object); isObject {
				legacy.coupons = append(legacy.coupons, coupon)
			}
		}
	}
}

// compare sends a recorded request and says how the answer differs, "" for not at all.
func (e *legacyReplayEntry) compare(t *testing.T, shop *Shop, legacy *Legacy, store string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(legacyReplayDir, store, e.File))
	require.NoError(t, err)
	want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	require.NoError(t, err)
	wantBody, err := io.ReadAll(want.Body)
	require.NoError(t, err)

	var body io.Reader
	if len(e.Request.Body) > 0 && string(e.Request.Body) != "null" {
		text := []byte(e.Request.Body)
		var invalid string
		if json.Unmarshal(text, &invalid) == nil {
			text = []byte(invalid)
		}
		body = bytes.NewReader(text)
	}
	var query []string
	for _, p := range e.Request.Query {
		query = append(query, url.QueryEscape(fmt.Sprint(p[0]))+"="+url.QueryEscape(fmt.Sprint(p[1])))
	}
	req, err := http.NewRequestWithContext(t.Context(), e.Request.Method, e.Request.Scheme+"://shop.test"+e.Request.Path+"?"+strings.Join(query, "&"), body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	id, secret := shop.config.Key, shop.config.Secret
	if k := e.Request.Key; k != "rw" && k != "" {
		id, secret = "ck_"+k, "cs_"+k
	}
	if strings.Contains(e.File, "bad-key") {
		id = "ck_unknown"
	}
	if strings.Contains(e.File, "bad-secret") {
		secret = "cs_wrong"
	}
	q := req.URL.Query()
	switch e.Request.Auth {
	case "basic":
		req.SetBasicAuth(id, secret)
	case "query":
		q.Set("consumer_key", id)
		q.Set("consumer_secret", secret)
		req.URL.RawQuery = q.Encode()
	case "oauth": // recorded with faults only
		for name, v := range map[string]string{"consumer_key": id, "timestamp": fmt.Sprint(time.Now().Unix()), "nonce": "n" + e.File,
			"signature": "wrong", "signature_method": "HMAC-SHA256"} {
			q.Set("oauth_"+name, v)
		}
		req.URL.RawQuery = q.Encode()
	}
	got, err := legacy.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = got.Body.Close() }()
	gotBody, err := io.ReadAll(got.Body)
	require.NoError(t, err)

	if got.StatusCode != want.StatusCode {
		return fmt.Sprintf("status %d instead of %d: %.200s", got.StatusCode, want.StatusCode, gotBody)
	}
	for _, name := range []string{"X-WC-Total", "X-WC-TotalPages", "WWW-Authenticate"} {
		if (got.Header.Get(name) == "") != (want.Header.Get(name) == "") {
			return fmt.Sprintf("%s is %q instead of %q", name, got.Header.Get(name), want.Header.Get(name))
		}
	}
	if legacyMediaType(got) != legacyMediaType(want) {
		return "Content-Type " + got.Header.Get("Content-Type")
	}
	if a, b := legacyRels(got), legacyRels(want); !slices.Equal(a, b) && !legacyPaged(e.File) {
		return fmt.Sprintf("links %v instead of %v", a, b)
	}
	wantDoc, errWant := parse(wantBody)
	gotDoc, errGot := parse(gotBody)
	if (errWant == nil) != (errGot == nil) {
		return fmt.Sprintf("body %.100s", gotBody)
	}
	return legacyShapes("", wantDoc, gotDoc)
}

// legacyPaged reports lists whose number of pages depends on how many records there are, of which this store has fewer.
func legacyPaged(file string) bool {
	return strings.Contains(file, "/list-") || strings.HasPrefix(file, "other/")
}

func legacyMediaType(r *http.Response) string {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return kind
}

func legacyRels(r *http.Response) (names []string) {
	for _, link := range r.Header.Values("Link") {
		if _, rel, ok := strings.Cut(link, `rel="`); ok {
			names = append(names, strings.TrimSuffix(rel, `"`))
		}
	}
	return names
}

// legacyShapes compares keys, types and error codes. Of lists it compares elements of the same id, and the first ones.
func legacyShapes(at string, want, got any) string {
	switch want := want.(type) {
	case *object:
		g, ok := got.(*object)
		if !ok {
			return fmt.Sprintf("%s is %T", at, got)
		}
		if code := want.text("code"); code != "" && strings.HasPrefix(code, "woocommerce_api_") && code != g.text("code") {
			return fmt.Sprintf("%s.code is %q instead of %q", at, g.text("code"), code)
		}
		if at == ".store.routes" {
			return ""
		}
		a, b := map[string]bool{}, map[string]bool{}
		for _, f := range want.fields {
			a[f.key] = true
		}
		for _, f := range g.fields {
			b[f.key] = true
		}
		if !maps.Equal(a, b) {
			return fmt.Sprintf("%s has %v instead of %v", at, slices.Sorted(maps.Keys(b)), slices.Sorted(maps.Keys(a)))
		}
		for _, f := range want.fields {
			if why := legacyShapes(at+"."+f.key, f.value, g.get(f.key)); why != "" {
				return why
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			return fmt.Sprintf("%s is %T", at, got)
		}
		for i, w := range want {
			if o, isObject := w.(*object); isObject && o.has("id") {
				i = slices.IndexFunc(g, func(v any) bool {
					e, isObject := v.(*object)
					return isObject && fmt.Sprint(e.get("id")) == fmt.Sprint(o.get("id"))
				})
			}
			if i < 0 || i >= len(g) {
				continue
			}
			if why := legacyShapes(at+"[]", w, g[i]); why != "" {
				return why
			}
		}
		if len(want) > 0 && len(g) == 0 && !strings.Contains(at, "_ids") {
			return at + " is empty"
		}
	default:
		if a, b := fmt.Sprintf("%T", want), fmt.Sprintf("%T", got); a != b {
			return fmt.Sprintf("%s is %v (%s) instead of %v (%s)", at, got, b, want, a)
		}
	}
	return ""
}
