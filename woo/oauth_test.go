package woo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// wordpress checks signatures the way the shop does, from what PHP would see: written from the server's side, so that it shares no
// line with oauth.go.
type wordpress struct {
	home string // "http://shop.example/sub": what WordPress believes its address to be

	mu     sync.Mutex
	nonces map[string]bool
}

// phpUnescape is urldecode.
func phpUnescape(s string) string {
	s, err := url.PathUnescape(strings.ReplaceAll(s, "+", " "))
	if err != nil {
		panic(err)
	}
	return s
}

// phpEscape is rawurlencode.
func phpEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// param is an entry of $_GET: a text, or the elements of an array in the order they arrived.
type param struct {
	name     string
	text     string
	elements [][2]string
}

// phpQuery is parse_str.
func phpQuery(raw string) (get []param) {
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = phpUnescape(name), phpUnescape(value)
		top, index, isArray := strings.Cut(name, "[")
		index = strings.TrimSuffix(index, "]")
		top = strings.NewReplacer(".", "_", " ", "_").Replace(top)
		at := slices.IndexFunc(get, func(p param) bool { return p.name == top })
		if at < 0 {
			at, get = len(get), append(get, param{name: top})
		}
		if !isArray {
			get[at].text = value // the last one counts
			continue
		}
		if index == "" {
			index = strconv.Itoa(len(get[at].elements))
		}
		get[at].elements = append(get[at].elements, [2]string{index, value})
	}
	return get
}

// refuse says why WordPress would refuse a request, "" when it accepts.
func (wp *wordpress) refuse(r *http.Request) string {
	get := phpQuery(r.URL.RawQuery)
	take := func(name string) (text string) {
		for _, p := range get {
			if p.name == name {
				text = p.text
			}
		}
		return text
	}
	for _, name := range []string{"oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method"} {
		if take(name) == "" {
			return "missing " + name
		}
	}
	if take("oauth_consumer_key") != testKey {
		return "Consumer key is invalid"
	}
	signature := take("oauth_signature")
	get = slices.DeleteFunc(get, func(p param) bool { return p.name == "oauth_signature" })
	slices.SortStableFunc(get, func(a, b param) int { return strings.Compare(a.name, b.name) }) // the top level only
	var pairs []string
	for _, p := range get {
		if p.elements == nil {
			pairs = append(pairs, phpEscape(p.name)+"="+phpEscape(p.text))
		}
		for _, e := range p.elements {
			pairs = append(pairs, phpEscape(p.name+"["+e[0]+"]")+"="+phpEscape(e[1]))
		}
	}
	// home plus the path of the request, without the folder that home has already
	folder := ""
	if _, rest, ok := strings.Cut(strings.TrimPrefix(wp.home, "http://"), "/"); ok {
		folder = "/" + rest
	}
	requestPath, _, _ := strings.Cut(r.RequestURI, "?")
	base := r.Method + "&" + phpEscape(wp.home+strings.TrimPrefix(requestPath, folder)) + "&" + phpEscape(strings.Join(pairs, "&"))
	mac := hmac.New(sha256.New, []byte(testSecret+"&"))
	mac.Write([]byte(base))
	if signature != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return "Invalid signature for " + base
	}
	stamp, _ := strconv.ParseInt(take("oauth_timestamp"), 10, 64)
	if d := time.Since(time.Unix(stamp, 0)); d > 15*time.Minute || d < -15*time.Minute {
		return "Invalid timestamp"
	}
	wp.mu.Lock()
	defer wp.mu.Unlock()
	if wp.nonces[take("oauth_nonce")] {
		return "Invalid nonce"
	}
	wp.nonces[take("oauth_nonce")] = true
	return ""
}

func (wp *wordpress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := wp.refuse(r); why != "" {
		body, _ := json.Marshal(map[string]any{"code": "woocommerce_rest_authentication_error", "message": why, "data": map[string]int{"status": 401}})
		answer(w, 401, string(body))
		return
	}
	answer(w, 200, `[]`)
}

// Point 10 of the acceptance list.
func TestAcceptance10OAuthVectors(t *testing.T) {
	t.Parallel()
	twelve := make([]string, 12)
	indexed := make([]string, 12)
	for i := range twelve {
		twelve[i] = fmt.Sprintf("status-%d", 12-i)
		indexed[i] = fmt.Sprintf("status[%d]=s%d", i, 12-i)
	}
	for name, query := range map[string]string{
		"none":                     "",
		"array of 12 as a list":    "status=" + url.QueryEscape(strings.Join(twelve, ",")),
		"array of 12 written out":  strings.Join(indexed, "&") + "&status1=a&statusA=b&status-b=c&status_c=d",
		"space":                    "search=two+words",
		"tilde":                    "search=" + url.QueryEscape("a~b"),
		"plus":                     "search=" + url.QueryEscape("1+1"),
		"unicode":                  "search=" + url.QueryEscape("Čokolada ☕"),
		"empty value":              "search=&page=2",
		"percent":                  "search=" + url.QueryEscape("100% %2B"),
		"reserved":                 "search=" + url.QueryEscape("!*'();:@&=/?#[]"),
		"upper and lower case":     "b=1&B=2&a=3&A=4",
		"name that begins another": "ab=1&a=2&abc=3",
	} {
		for _, home := range []string{"http://shop.example", "http://shop.example:8080", "http://example.com/some/shop"} {
			t.Run(name+" at "+home, func(t *testing.T) {
				t.Parallel()
				for range 40 { // signatures with and without a "+"
					wp := &wordpress{home: home, nonces: map[string]bool{}}
					c := clientOf(t, home+"/", wp.ServeHTTP)
					require.NoError(t, c.Do(t.Context(), "GET", "wc/v3/orders?"+query, nil, nil))
				}
			})
		}
	}
}

// What the collections send, signed; a write's JSON is not.
func TestOAuthOfCollections(t *testing.T) {
	t.Parallel()
	wp := &wordpress{home: "http://shop.example", nonces: map[string]bool{}}
	c := clientOf(t, wp.home, func(w http.ResponseWriter, r *http.Request) {
		if why := wp.refuse(r); why != "" || r.Header.Get("Authorization") != "" {
			t.Error("refused, or Basic as well: ", why)
		}
		if r.Method == http.MethodGet {
			answer(w, 200, `[]`)
			return
		}
		answer(w, 201, `{"id":1}`)
	})
	_, errs := walkAll(t, c, OrderQuery{Status: []OrderStatus{"processing", "on-hold"}, ModifiedAfter: time.Unix(1e9, 0)})
	require.Empty(t, errs)
	_, err := c.Orders.Create(t.Context(), OrderFields{CustomerNote: Set("a=b&c")})
	require.NoError(t, err)
	_, err = c.Orders.Update(t.Context(), 7, OrderFields{CustomerNote: Set("a=b&c")})
	require.NoError(t, err)
	require.NoError(t, c.Orders.Delete(t.Context(), 7))
}

// Each try has a nonce and a time of its own, since the shop refuses the used ones.
func TestOAuthNonceIsFreshOnEachTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wp := &wordpress{home: "http://shop.example", nonces: map[string]bool{}}
		tries := 0
		c := clientOf(t, wp.home, func(w http.ResponseWriter, r *http.Request) {
			if why := wp.refuse(r); why != "" {
				t.Error(why)
			}
			if tries++; tries < 3 {
				w.Header().Set("Retry-After", "20")
				answer(w, 503, `{}`)
				return
			}
			answer(w, 200, `[]`)
		})
		_, _, err := c.Orders.List(t.Context(), OrderQuery{})
		require.NoError(t, err)
		require.Equal(t, 3, tries)
		require.Len(t, wp.nonces, 3)
	})
}

func TestOAuthRefusesArrays(t *testing.T) {
	t.Parallel()
	c := clientOf(t, "http://shop.example", func(http.ResponseWriter, *http.Request) { t.Error("asked the shop") })
	for _, query := range []string{"status[]=a", "status=a&status=b"} {
		err := c.Do(t.Context(), "GET", "wc/v3/orders?"+query, nil, nil)
		require.ErrorIs(t, err, ErrValidation)
		require.ErrorContains(t, err, "comma-separated")
	}
}
