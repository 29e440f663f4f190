package kitgenix_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// counter makes nonces.
var counter atomic.Int64

func newNonce() string { return fmt.Sprintf("Nonce%011d", counter.Add(1)) }

const root = "/wp-json/kitgenix-stock-sync/v1/"

// signed is a request as the plugin in store from would make it.
func signed(t testing.TB, route, body, from, secret string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://d.example"+root+route, strings.NewReader(body))
	sign(t, r, body, from, secret, time.Now(), newNonce())
	return r
}

func sign(t testing.TB, r *http.Request, body, from, secret string, at time.Time, nonce string) {
	t.Helper()
	key, err := hmacauth.NewKey(from, secret)
	require.NoError(t, err)
	m := hmacauth.Message{Timestamp: strconv.FormatInt(at.Unix(), 10), Nonce: nonce, Body: []byte(body)}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Kitgenix-Store-Id", from)
	r.Header.Set("X-Kitgenix-Timestamp", m.Timestamp)
	r.Header.Set("X-Kitgenix-Nonce", m.Nonce)
	r.Header.Set("X-Kitgenix-Signature", string(hmacauth.Kitgenix{}.AppendSignature(nil, key, m)))
}

type reply struct {
	*httptest.ResponseRecorder
}

func ask(h http.Handler, r *http.Request) reply {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w}
}

// refused checks that an answer has WordPress's shape.
func (r reply) refused(t testing.TB, status int, code string) {
	t.Helper()
	var body struct {
		Code, Message string
		Data          struct{ Status int }
	}
	require.Equal(t, status, r.Code, r.Body.String())
	require.NoError(t, json.Unmarshal(r.Body.Bytes(), &body))
	require.Equal(t, code, body.Code)
	require.NotEmpty(t, body.Message)
	require.Equal(t, status, body.Data.Status)
	require.Equal(t, "application/json; charset=UTF-8", r.Header().Get("Content-Type"))
}

// world is a master and a child that are served by us, each with a pair to store "e" or "d", whose requests the tests sign.
func world(t testing.TB, role stocksync.Role, pairs ...kitgenix.Pair) (*node, http.Handler) {
	t.Helper()
	n := &node{id: "d", role: role, items: map[stocksync.SKU]*stocksync.Item{}}
	if len(pairs) == 0 {
		pairs = []kitgenix.Pair{{StoreID: "e", Secret: secret}}
	}
	return n, wire(t, "d", pairs...).Handler(n)
}

const oneItem = `{"event_type":"stock_state","origin":"child_local","time":1,"context":"stock_set","items":[{"gid":"","sku":"A","manage_stock":true,` +
	`"stock_quantity":3,"stock_status":"instock","backorders":"no","low_stock_amount":0}],"event_id":"ev-1"}`

// TestRefusals has the answers of 1.1 and 1.2: what is refused, with which status and code, and that the node never hears of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const other = "Tq5Rw1Xe7Zc3Vb9Nm2Lk6Jh8Gf4Ds0Ap"
	event := func(t testing.TB) *http.Request { return signed(t, "event", oneItem, "e", secret) }
	for id, row := range map[string]struct {
		request func(testing.TB) *http.Request
		status  int
		code    string
	}{
		"1.2_kss_auth_sender": {func(t testing.TB) *http.Request { return signed(t, "event", oneItem, "x", secret) }, 401, "kss_auth_failed"},
		"1.2_kss_auth_sig":    {func(t testing.TB) *http.Request { return signed(t, "event", oneItem, "e", other) }, 401, "kss_auth_failed"},
		"1.2_kss_auth_missing": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Header.Del("X-Kitgenix-Nonce")
			return r
		}, 401, "kss_auth_failed"},
		"1.2_kss_auth_bad_ts": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Header.Set("X-Kitgenix-Timestamp", "+"+r.Header.Get("X-Kitgenix-Timestamp"))
			return r
		}, 401, "kss_auth_failed"},
		"1.2_kss_auth_skew": {func(t testing.TB) *http.Request {
			r := event(t)
			sign(t, r, oneItem, "e", secret, time.Now().Add(-302*time.Second), newNonce())
			return r
		}, 401, "kss_auth_failed"},
		"1.2_altered_body": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(oneItem, "3", "4", 1)))
			return r
		}, 401, "kss_auth_failed"},
		"1.1_upper_case_signature": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Header.Set("X-Kitgenix-Signature", strings.ToUpper(r.Header.Get("X-Kitgenix-Signature")))
			return r
		}, 401, "kss_auth_failed"},
		"8.4_duplicate_auth_header": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Header.Add("X-Kitgenix-Nonce", r.Header.Get("X-Kitgenix-Nonce"))
			return r
		}, 401, "kss_auth_failed"},
		"8.4_method_override": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Method = http.MethodGet
			r.Header.Set("X-HTTP-Method-Override", "POST")
			return r
		}, 404, "rest_no_route"},
		"8.4_method_override_of_a_post": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Header.Set("X-HTTP-Method-Override", "PUT")
			return r
		}, 404, "rest_no_route"},
		"8.4_method_in_the_query": {func(t testing.TB) *http.Request {
			r := event(t)
			r.URL.RawQuery = "_method=POST"
			return r
		}, 404, "rest_no_route"},
		"1.2_rest_no_route_GET": {func(t testing.TB) *http.Request {
			r := event(t)
			r.Method = http.MethodGet
			return r
		}, 404, "rest_no_route"},
		"1.2_rest_no_route_unknown": {func(t testing.TB) *http.Request { return signed(t, "nope", oneItem, "e", secret) }, 404, "rest_no_route"},
		"1.2_kss_payload_too_large": {func(t testing.TB) *http.Request {
			return signed(t, "event", `"`+strings.Repeat("x", 2<<20)+`"`, "e", secret)
		}, 413, "kss_payload_too_large"},
		"1.2_kss_payload_too_large_chunked": {func(t testing.TB) *http.Request {
			r := signed(t, "event", `"`+strings.Repeat("x", 2<<20)+`"`, "e", secret)
			r.ContentLength = -1
			return r
		}, 413, "kss_payload_too_large"},
		"1.2_kss_payload_too_large_items": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":"stock_state","items":[`+strings.Repeat(`{"sku":"a","stock_quantity":1},`, 1000)+`{}]}`, "e", secret)
		}, 413, "kss_payload_too_large"},
		"1.2_kss_bad_json":       {func(t testing.TB) *http.Request { return signed(t, "event", `{"ping":`, "e", secret) }, 400, "kss_bad_json"},
		"1.2_kss_bad_json_list":  {func(t testing.TB) *http.Request { return signed(t, "event", `1`, "e", secret) }, 400, "kss_bad_json"},
		"1.2_kss_bad_json_empty": {func(t testing.TB) *http.Request { return signed(t, "event", ``, "e", secret) }, 400, "kss_bad_json"},
		"1.2_kss_bad_json_ping":  {func(t testing.TB) *http.Request { return signed(t, "ping", `{"ping":`, "e", secret) }, 400, "kss_bad_json"},
		"1.2_kss_event_type":     {func(t testing.TB) *http.Request { return signed(t, "event", `{"ping":true}`, "e", secret) }, 400, "kss_event_type"},
		"1.2_kss_event_type_list": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":[],"items":[]}`, "e", secret)
		}, 400, "kss_event_type"},
		"3.2_unknown_type": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":"no_such_type","items":[]}`, "e", secret)
		}, 400, "kss_event_type"},
		"3.2_empty_type": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":"","items":[]}`, "e", secret)
		}, 400, "kss_event_type"},
		"3.2_rename_by_a_child": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":"sku_rename","items":[{"gid":"g","sku":"n","old_sku":"o"}]}`, "e", secret)
		}, 400, "kss_event_type"},
		"1.2_kss_bad_payload": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":"stock_state"}`, "e", secret)
		}, 400, "kss_bad_payload"},
		"1.2_kss_bad_payload_items": {func(t testing.TB) *http.Request {
			return signed(t, "event", `{"event_type":"stock_state","items":"x"}`, "e", secret)
		}, 400, "kss_bad_payload"},
		"1.2_kss_bad_payload_stock": {func(t testing.TB) *http.Request { return signed(t, "stock", `{}`, "e", secret) }, 400, "kss_bad_payload"},
		"1.2_kss_bad_payload_state": {func(t testing.TB) *http.Request { return signed(t, "stock-state", `[]`, "e", secret) }, 400, "kss_bad_payload"},
		"A-40_event_sent_to_ping":   {func(t testing.TB) *http.Request { return signed(t, "ping", oneItem, "e", secret) }, 400, "kss_bad_payload"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			n, h := world(t, stocksync.RoleMaster)
			ask(h, row.request(t)).refused(t, row.status, row.code)
			require.Empty(t, n.got())
		})
	}
	t.Run("1.2_kss_not_master", func(t *testing.T) {
		t.Parallel()
		_, h := world(t, stocksync.RoleChild)
		ask(h, signed(t, "stock", `{"items":[]}`, "e", secret)).refused(t, 403, "kss_not_master")
		ask(h, signed(t, "stock", `{}`, "e", secret)).refused(t, 403, "kss_not_master")
		ask(h, signed(t, "stock", `{}`, "e", other)).refused(t, 401, "kss_auth_failed")
	})
	t.Run("1.2_content_encoding", func(t *testing.T) {
		t.Parallel()
		_, h := world(t, stocksync.RoleMaster)
		r := event(t)
		r.Header.Set("Content-Encoding", "gzip")
		ask(h, r).refused(t, 415, "kss_refused")
	})
	t.Run("1.1_after_a_start_nothing_is_known", func(t *testing.T) {
		t.Parallel()
		h := configured(t, kitgenix.Config{
			Self: stocksync.Self{StoreID: "d"}, Pairs: []kitgenix.Pair{{StoreID: "e", Secret: secret}},
			Nonces: hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{}),
		}).Handler(&node{role: stocksync.RoleMaster})
		r := ask(h, event(t))
		r.refused(t, 503, "kss_unavailable")
		require.Equal(t, "5", r.Header().Get("Retry-After"))
	})
	t.Run("1.2_kss_auth_replay", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		r := event(t)
		copied := r.Clone(t.Context())
		copied.Body = io.NopCloser(strings.NewReader(oneItem))
		require.Equal(t, 200, ask(h, r).Code)
		ask(h, copied).refused(t, 401, "kss_auth_failed")
		require.Len(t, n.got(), 1)
	})
}

// TestSecurityEvents sees what was signed rightly and refused all the same in the node's log.
func TestSecurityEvents(t *testing.T) {
	t.Parallel()
	n, h := world(t, stocksync.RoleMaster, kitgenix.Pair{StoreID: "e", Secret: secret}, kitgenix.Pair{StoreID: "f", Secret: secret + "f", Disabled: true})
	rename := `{"event_type":"sku_rename","items":[{"gid":"g","sku":"n","old_sku":"o"}]}`
	ask(h, signed(t, "event", rename, "e", secret)).refused(t, 400, "kss_event_type")
	ask(h, signed(t, "event", oneItem, "f", secret+"f")).refused(t, 403, "kss_forbidden")
	log := n.log()
	require.Len(t, log, 2)
	for i, peer := range []stocksync.StoreID{"e", "f"} {
		require.Equal(t, "security", log[i].Level)
		require.Equal(t, peer, log[i].Peer)
	}
	require.Contains(t, log[0].Text, "rename")
	require.Contains(t, log[1].Text, "disabled")
	require.Empty(t, n.got())
}

// TestLockout refuses those who fail, and never those who have the key (1.3, A-56).
func TestLockout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, h := world(t, stocksync.RoleMaster)
		from := func(r *http.Request, address string) *http.Request {
			r.RemoteAddr = address
			return r
		}
		bad := func() *http.Request { return signed(t, "ping", `{}`, "e", secret+"x") }
		good := func() *http.Request { return signed(t, "ping", `{}`, "e", secret) }
		for range 20 {
			ask(h, from(bad(), "192.0.2.1:1")).refused(t, 401, "kss_auth_failed")
		}
		locked := ask(h, from(bad(), "192.0.2.1:2"))
		locked.refused(t, 429, "kss_rate_limited")
		require.Equal(t, "900", locked.Header().Get("Retry-After"))
		ask(h, from(bad(), "192.0.2.2:1")).refused(t, 401, "kss_auth_failed")

		time.Sleep(14 * time.Minute)
		ask(h, from(bad(), "192.0.2.1:3")).refused(t, 429, "kss_rate_limited")
		require.Equal(t, 200, ask(h, from(good(), "192.0.2.1:3")).Code, "a right signature is always served")
		ask(h, from(bad(), "192.0.2.1:3")).refused(t, 401, "kss_auth_failed") // and forgives

		for range 20 { // one network of 64 bits is one caller
			ask(h, from(bad(), fmt.Sprintf("[2001:db8::%x]:1", counter.Add(1))))
		}
		ask(h, from(bad(), "[2001:db8::ffff:1]:1")).refused(t, 429, "kss_rate_limited")
		time.Sleep(16 * time.Minute)
		ask(h, from(bad(), "[2001:db8::ffff:1]:1")).refused(t, 401, "kss_auth_failed")
	})
}

// TestPaths serves a route under every address that WordPress serves it under.
func TestPaths(t *testing.T) {
	t.Parallel()
	_, h := world(t, stocksync.RoleMaster)
	for path, status := range map[string]int{
		"/wp-json/kitgenix-stock-sync/v1/ping":                    200,
		"/wp-json/kitgenix-stock-sync/v1/ping/":                   200,
		"/wp-json/Kitgenix-Stock-Sync/V1/PING":                    200,
		"/index.php/wp-json/kitgenix-stock-sync/v1/ping":          200,
		"/en/shop/wp-json/kitgenix-stock-sync/v1/ping":            200,
		"/?rest_route=/kitgenix-stock-sync/v1/ping":               200,
		"/index.php?rest_route=/kitgenix-stock-sync/v1/Ping":      200,
		"/en/?rest_route=kitgenix-stock-sync/v1/ping/":            200,
		"/wp-json/kitgenix-stock-sync/v1/pings":                   404,
		"/wp-json/kitgenix-stock-sync/v2/ping":                    404,
		"/wp-json/kitgenix-stock-sync/v1":                         404,
		"/kitgenix-stock-sync/v1/ping":                            404,
		"/other?rest_route=/kitgenix-stock-sync/v1/ping":          404,
		"/?rest_route=/a&rest_route=/kitgenix-stock-sync/v1/ping": 404,
		"/wp-json/wc/v3/?rest_route=/kitgenix-stock-sync/v1/ping": 404,
	} {
		r := httptest.NewRequest(http.MethodPost, "https://d.example"+path, strings.NewReader(`{"ping":true}`))
		sign(t, r, `{"ping":true}`, "e", secret, time.Now(), newNonce())
		require.Equal(t, status, ask(h, r).Code, path)
	}
}

// TestPing answers the fields of both generations, to a disabled pair too.
func TestPing(t *testing.T) {
	t.Parallel()
	for _, role := range []stocksync.Role{stocksync.RoleMaster, stocksync.RoleChild} {
		t.Run("2.1_"+string(role), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, h := world(t, role, kitgenix.Pair{StoreID: "e", Secret: secret, Disabled: true})
				for _, body := range []string{`{"ping":true}`, ``, `[]`, `null`, `1`} {
					r := ask(h, signed(t, "ping", body, "e", secret))
					require.Equal(t, 200, r.Code, body)
					require.Equal(t, `{"ok":true,"store_id":"d","store_name":"Store d","role":"`+string(role)+
						`","time":946684800,"wc_version":"","plugin_version":"2.0.0+tillwire"}`, r.Body.String())
				}
			})
		})
	}
}

// TestEvents follows an event to the node.
func TestEvents(t *testing.T) {
	t.Parallel()
	t.Run("2.2_accepted", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		r := ask(h, signed(t, "event", oneItem, "e", secret))
		require.Equal(t, 200, r.Code)
		require.Equal(t, `{"ok":true,"processed":true}`, r.Body.String())
		got := n.got()
		require.Len(t, got, 1)
		require.Equal(t, "ev-1", got[0].EventID)
		require.Equal(t, stocksync.StockState, got[0].Kind)
		require.Equal(t, stocksync.StoreID("e"), got[0].From)
		require.Equal(t, "stock_set", got[0].Context)
		require.Len(t, got[0].Items, 1)
	})
	t.Run("2.2_no_event_id", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		body := strings.Replace(oneItem, `,"event_id":"ev-1"`, "", 1)
		for range 2 {
			require.Equal(t, 200, ask(h, signed(t, "event", body, "e", secret)).Code)
		}
		require.Equal(t, 200, ask(h, signed(t, "event", strings.Replace(body, "3", "4", 1), "e", secret)).Code)
		got := n.got()
		require.Len(t, got[0].EventID, 64)
		require.Equal(t, got[0].EventID, got[1].EventID, "the same payload twice is one event, as in the first generation")
		require.NotEqual(t, got[0].EventID, got[2].EventID)
	})
	t.Run("2.2_long_event_id", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		require.Equal(t, 200, ask(h, signed(t, "event", strings.Replace(oneItem, "ev-1", strings.Repeat("é", 200), 1), "e", secret)).Code)
		require.Len(t, n.got()[0].EventID, 64)
	})
	t.Run("3.5_versions_of_children_are_ignored", func(t *testing.T) {
		t.Parallel()
		body := strings.Replace(oneItem, `"stock_quantity"`, `"version":9007199254740992,"stock_quantity"`, 1)
		master, h := world(t, stocksync.RoleMaster)
		require.Equal(t, 200, ask(h, signed(t, "event", body, "e", secret)).Code)
		require.Zero(t, master.got()[0].Items[0].Version)
		child, h := world(t, stocksync.RoleChild)
		require.Equal(t, 200, ask(h, signed(t, "event", body, "e", secret)).Code)
		require.Equal(t, int64(1)<<53, child.got()[0].Items[0].Version, "a child needs its master's")
	})
	t.Run("3.2_rename_by_the_master", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleChild)
		require.Equal(t, 200, ask(h, signed(t, "event", `{"event_type":"sku_rename","items":[{"gid":"g","sku":"n","old_sku":"o"}]}`, "e", secret)).Code)
		require.Equal(t, stocksync.SKURename, n.got()[0].Kind)
		require.Equal(t, stocksync.Ref{GID: "g", SKU: "n", OldSKU: "o"}, n.got()[0].Items[0].Ref)
	})
	t.Run("3.10_disabled_pair", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster, kitgenix.Pair{StoreID: "e", Secret: secret, Disabled: true})
		ask(h, signed(t, "event", oneItem, "e", secret)).refused(t, 403, "kss_forbidden")
		require.Empty(t, n.got())
		require.Equal(t, 200, ask(h, signed(t, "ping", `{}`, "e", secret)).Code)
		require.Equal(t, 200, ask(h, signed(t, "stock", `{"items":[]}`, "e", secret)).Code)
		require.Equal(t, 200, ask(h, signed(t, "stock-state", `{"items":[]}`, "e", secret)).Code)
	})
	t.Run("node_does_not_take_it", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		n.fail = errors.New("database gone")
		r := ask(h, signed(t, "event", oneItem, "e", secret))
		r.refused(t, 503, "kss_unavailable")
		require.Equal(t, "30", r.Header().Get("Retry-After"))
		require.NotContains(t, r.Body.String(), "database")
		n.fail = retryqueue.After(90*time.Second, errors.New("busy"))
		require.Equal(t, "90", ask(h, signed(t, "event", oneItem, "e", secret)).Header().Get("Retry-After"))
		n.fail = retryqueue.Permanent(errors.New("never"))
		ask(h, signed(t, "event", oneItem, "e", secret)).refused(t, 400, "kss_bad_payload")
		n.fail = fmt.Errorf("x: %w", stocksync.ErrNotMaster)
		ask(h, signed(t, "event", oneItem, "e", secret)).refused(t, 403, "kss_forbidden")
		ask(h, signed(t, "stock-state", `{"items":[{"sku":"a"}]}`, "e", secret)).refused(t, 403, "kss_forbidden")
		n.fail = errors.New("database gone")
		ask(h, signed(t, "stock", `{"items":[{"sku":"a"}]}`, "e", secret)).refused(t, 503, "kss_unavailable")
	})
}

// TestQueries answers /stock and /stock-state byte by byte.
func TestQueries(t *testing.T) {
	t.Parallel()
	low := 4
	managed := &stocksync.Item{
		Ref: stocksync.Ref{GID: "g1", SKU: "A/é"},
		Stock: stocksync.Stock{
			Quantity: qty(5), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed, LowStock: &low,
		},
	}
	unmanaged := &stocksync.Item{Ref: stocksync.Ref{GID: "g2"}, Stock: stocksync.Stock{Status: stocksync.InStock, Manage: stocksync.Unmanaged}}
	byParent := &stocksync.Item{Stock: stocksync.Stock{Quantity: qty(28), Backorders: stocksync.BackordersNotify, Manage: stocksync.ByParent}}
	sold := &stocksync.Item{Stock: stocksync.Stock{Quantity: qty(-2), Backorders: stocksync.BackordersYes, Manage: stocksync.Managed}}
	n, h := world(t, stocksync.RoleMaster)
	for sku, item := range map[stocksync.SKU]*stocksync.Item{
		"A/é": managed, "U": unmanaged, "P": byParent, "S": sold, "12345": managed, "0": sold, "1": managed,
	} {
		n.items[sku] = item
	}
	const (
		offerOfA = `{"exists":true,"stock_quantity":5,"stock_status":"instock","backorders":"no"}`
		stateOfA = `{"exists":true,"gid":"g1","stock_quantity":5,"stock_status":"instock","backorders":"no","low_stock_amount":4,"manage_stock":true}`
		offerOfS = `{"exists":true,"stock_quantity":-2,"stock_status":"onbackorder","backorders":"yes"}`
	)
	for id, row := range map[string]struct{ route, ask, answer string }{
		"2.3_offer":                 {"stock", `{"items":[{"sku":"A\/\u00e9"}]}`, `{"A\/\u00e9":` + offerOfA + `}`},
		"2.3_unknown":               {"stock", `{"items":[{"sku":"none"},{"sku":"S"}]}`, `{"none":{"exists":false},"S":` + offerOfS + `}`},
		"2.3_empty":                 {"stock", `{"items":[]}`, `[]`},
		"2.5_number":                {"stock", `{"items":[{"sku":12345}]}`, `{"12345":` + offerOfA + `}`},
		"2.5_list":                  {"stock", `{"items":[{"sku":0},{"sku":1}]}`, `[` + offerOfS + `,` + offerOfA + `]`},
		"2.5_no_list":               {"stock", `{"items":[{"sku":1},{"sku":0}]}`, `{"1":` + offerOfA + `,"0":` + offerOfS + `}`},
		"3.11_unmanaged":            {"stock", `{"items":[{"sku":"U"}]}`, `{"U":{"exists":false}}`},
		"3.11_by_parent":            {"stock", `{"items":[{"sku":"P"}]}`, `{"P":{"exists":true,"stock_quantity":28,"stock_status":"instock","backorders":"notify"}}`},
		"2.4_state":                 {"stock-state", `{"items":[{"sku":" A\/é "}]}`, `{"A\/\u00e9":` + stateOfA + `}`},
		"2.4_unmanaged_is_answered": {"stock-state", `{"items":[{"sku":"U"}]}`, `{"U":{"exists":true,"gid":"g2","stock_quantity":0,"stock_status":"instock","backorders":"no","low_stock_amount":0,"manage_stock":false}}`},
		"2.4_by_parent":             {"stock-state", `{"items":{"x":{"sku":"P"},"y":5}}`, `{"P":{"exists":true,"gid":"","stock_quantity":28,"stock_status":"instock","backorders":"notify","low_stock_amount":0,"manage_stock":"parent"}}`},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := ask(h, signed(t, row.route, row.ask, "e", secret))
			require.Equal(t, 200, r.Code, r.Body.String())
			require.Equal(t, `{"ok":true,"items":`+row.answer+`}`, r.Body.String())
		})
	}
	t.Run("2.4_many", func(t *testing.T) {
		t.Parallel()
		var items []string
		for i := range 1234 {
			items = append(items, fmt.Sprintf(`{"sku":"M-%d"}`, i))
		}
		r := ask(h, signed(t, "stock-state", `{"items":[`+strings.Join(items, ",")+`]}`, "e", secret))
		require.Equal(t, 200, r.Code)
		require.Equal(t, 1234, strings.Count(r.Body.String(), `"exists":false`))
	})
}
