package wootest_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{Key: "ck_a", Secret: "cs_a"})
	shop.AddKey("ck_ro", "s", wootest.ReadOnly)
	shop.AddKey("ck_wo", "s", wootest.WriteOnly)
	shop.AddKey("ck_cu", "s", wootest.Customer)
	const https, plain = "https://shop.test/wp-json/wc/v3/", "http://shop.test/wp-json/wc/v3/"
	for _, tc := range []struct {
		name, method, url, key, secret string
		status                         int
		code                           string
	}{
		{"good", "GET", https + "orders", "ck_a", "cs_a", 200, ""},
		{"none", "GET", https + "orders", "", "", 401, "woocommerce_rest_cannot_view"},
		{"none, one order", "GET", https + "orders/1", "", "", 401, "woocommerce_rest_cannot_view"},
		{"none, create", "POST", https + "orders", "", "", 401, "woocommerce_rest_cannot_create"},
		{"none, edit", "PUT", https + "orders/1", "", "", 401, "woocommerce_rest_cannot_edit"},
		{"none, delete", "DELETE", https + "orders/1", "", "", 401, "woocommerce_rest_cannot_delete"},
		{"none, batch", "POST", https + "orders/batch", "", "", 401, "woocommerce_rest_cannot_batch"},
		{"unknown key", "GET", https + "orders", "ck_b", "cs_a", 401, "woocommerce_rest_cannot_view"},
		{"wrong secret", "GET", https + "orders", "ck_a", "cs_b", 401, "woocommerce_rest_authentication_error"},
		{"basic over plain http", "GET", plain + "orders", "ck_a", "cs_a", 401, "woocommerce_rest_cannot_view"},
		{"wrong secret over plain http", "GET", plain + "orders", "ck_a", "cs_b", 401, "woocommerce_rest_cannot_view"},
		{"read-only reads", "GET", https + "orders", "ck_ro", "s", 200, ""},
		{"read-only writes", "POST", https + "orders", "ck_ro", "s", 401, "woocommerce_rest_authentication_error"},
		{"read-only batches", "POST", https + "orders/batch", "ck_ro", "s", 401, "woocommerce_rest_authentication_error"},
		{"write-only reads", "GET", https + "orders", "ck_wo", "s", 401, "woocommerce_rest_authentication_error"},
		{"write-only writes", "POST", https + "orders", "ck_wo", "s", 201, ""},
		{"a customer's", "GET", https + "orders", "ck_cu", "s", 403, "woocommerce_rest_cannot_view"},
		{"a customer's, create", "POST", https + "orders", "ck_cu", "s", 403, "woocommerce_rest_cannot_create"},
		{"plain permalinks", "GET", "https://shop.test/?rest_route=/wc/v3/orders", "ck_a", "cs_a", 401, "woocommerce_rest_cannot_view"},
	} {
		a := sendAs(t, shop, tc.method, tc.url, "", func(r *http.Request) {
			if tc.key != "" {
				r.SetBasicAuth(tc.key, tc.secret)
			}
		})
		require.Equal(t, tc.status, a.status, tc.name)
		if tc.code != "" {
			require.Equal(t, tc.code, a.object(t)["code"], tc.name)
		}
		if tc.key != "" && !strings.Contains(tc.url, "?") && tc.name != "a customer's, create" { // the same in the query
			u := tc.url + "?consumer_key=" + tc.key + "&consumer_secret=" + tc.secret
			b := sendAs(t, shop, tc.method, u, "", func(*http.Request) {})
			require.Equal(t, tc.status, b.status, tc.name+" in the query")
		}
	}
	shop.RemoveKey("ck_a")
	require.Equal(t, 401, send(t, shop, "GET", "orders", "").status)
}

func TestLinkTellsQueryKeys(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{Key: "ck_a", Secret: "cs_a"})
	shop.Seed(2, 1)
	a := sendAs(t, shop, "GET", home+"orders?per_page=1&consumer_key=ck_a&consumer_secret=cs_a", "", func(*http.Request) {})
	require.Contains(t, a.header.Get("Link"), "consumer_secret=cs_a")
	require.Contains(t, a.header.Get("Link"), `page=2`)
}

// oauthSign is OAuth 1.0a as RFC 5849 has it, written for this test alone. Its values are of the query as PHP reads it.
func oauthSign(method, base string, query url.Values, secret string, digest func() hash.Hash) string {
	enc := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var pairs []string
	for name, values := range query {
		pairs = append(pairs, enc(name)+"="+enc(values[0]))
	}
	slices.Sort(pairs)
	mac := hmac.New(digest, []byte(secret+"&"))
	fmt.Fprintf(mac, "%s&%s&%s", method, enc(base), enc(strings.Join(pairs, "&")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestOAuthOverPlainHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{URL: "http://shop.test", Key: "ck_a", Secret: "cs_a"})
		require.NoError(t, err)
		defer shop.Close()
		const base = "http://shop.test/wp-json/wc/v3/orders"
		nonce := 0
		try := func(change func(q url.Values), header bool) answer {
			nonce++
			q := url.Values{
				"oauth_consumer_key": {"ck_a"}, "oauth_timestamp": {fmt.Sprint(time.Now().Unix())}, "oauth_nonce": {fmt.Sprint("n", nonce)},
				"oauth_signature_method": {"HMAC-SHA256"}, "search": {"Čo ~+%&/"}, "status": {"processing,completed"},
			}
			digest := sha256.New
			change(q)
			if q.Get("oauth_signature_method") == "HMAC-SHA1" {
				digest = sha1.New
			}
			if !q.Has("oauth_signature") {
				q.Set("oauth_signature", oauthSign("GET", base, q, "cs_a", digest))
			}
			if q.Get("oauth_signature") == "none" {
				q.Del("oauth_signature")
			}
			return sendAs(t, shop, "GET", "http://shop.test/wp-json/wc/v3/orders", "", func(r *http.Request) {
				if !header {
					r.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
					return
				}
				var parts []string
				for name := range q {
					if strings.HasPrefix(name, "oauth_") {
						parts = append(parts, name+`="`+url.QueryEscape(q.Get(name))+`"`)
						q.Del(name)
					}
				}
				r.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
				r.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
			})
		}
		set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
		nothing := func(url.Values) {}

		for _, header := range []bool{false, true} {
			require.Equal(t, 200, try(nothing, header).status, "header %v", header)
			require.Equal(t, 200, try(set("oauth_signature_method", "HMAC-SHA1"), header).status)
		}
		require.Equal(t, 200, try(func(q url.Values) { q.Del("status"); q.Set("status[0]", "processing") }, false).status)

		for why, change := range map[string]func(url.Values){
			"Invalid signature - provided signature does not match.": set("oauth_signature", "AAAA"),
			"Invalid signature - signature method is invalid.":       set("oauth_signature_method", "PLAINTEXT"),
			"Consumer key is invalid.":                               set("oauth_consumer_key", "ck_b"),
			"Missing OAuth parameter oauth_signature":                set("oauth_signature", "none"),
			"Invalid timestamp.":                                     set("oauth_timestamp", fmt.Sprint(time.Now().Add(-16*time.Minute).Unix())),
			"Invalid nonce - nonce has already been used.":           set("oauth_nonce", "n1"),
		} {
			a := try(change, false)
			require.Equal(t, 401, a.status, why)
			require.Equal(t, why, a.object(t)["message"])
		}
		// Written with empty brackets PHP signs status[0]: a signature over "status[]" fails.
		a := try(func(q url.Values) { q.Del("status"); q.Set("status[]", "processing") }, false)
		require.Equal(t, "Invalid signature - provided signature does not match.", a.object(t)["message"])

		time.Sleep(14 * time.Minute)
		require.Equal(t, 200, try(set("oauth_timestamp", fmt.Sprint(time.Now().Add(-14*time.Minute).Unix())), false).status)
	})
}

// A signature is over the path too: one made for orders does not open products.
func TestOAuthSignatureIsForOnePath(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{URL: "http://shop.test", Key: "ck_a", Secret: "cs_a"})
	q := url.Values{
		"oauth_consumer_key": {"ck_a"}, "oauth_timestamp": {fmt.Sprint(time.Now().Unix())}, "oauth_nonce": {"n"}, "oauth_signature_method": {"HMAC-SHA256"},
	}
	q.Set("oauth_signature", oauthSign("GET", "http://shop.test/wp-json/wc/v3/orders", q, "cs_a", sha256.New))
	a := sendAs(t, shop, "GET", "http://shop.test/wp-json/wc/v3/products?"+q.Encode(), "", func(*http.Request) {})
	require.Equal(t, 401, a.status)
}
