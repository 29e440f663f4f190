package kitgenix_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// sent is a request that a shop got.
type sent struct {
	method, path, query string
	header              http.Header
	body                string
	keyed               string // the secret that signed it
}

// shop answers what a test tells it to, and keeps what it got. Without a script it is a plugin that accepts everything.
type shop struct {
	t          testing.TB
	generation int
	secrets    []string // whose signatures it can name
	script     func(n int, s sent) (status int, header http.Header, body string)

	mu  sync.Mutex
	got []sent
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	in := sent{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, header: r.Header, body: string(body)}
	m := hmacauth.Message{Timestamp: r.Header.Get("X-Kitgenix-Timestamp"), Nonce: r.Header.Get("X-Kitgenix-Nonce"), Body: body}
	for _, secret := range append([]string{secret}, s.secrets...) {
		key, err := hmacauth.NewKey("k", secret)
		if err != nil {
			panic(err)
		}
		if _, ok := (hmacauth.Kitgenix{}).Check([]hmacauth.Key{key}, m, r.Header.Get("X-Kitgenix-Signature")); ok {
			in.keyed = secret
		}
	}
	s.mu.Lock()
	s.got = append(s.got, in)
	n := len(s.got)
	s.mu.Unlock()
	status, header, answer := 0, http.Header(nil), ""
	if s.script != nil {
		status, header, answer = s.script(n, in)
	}
	switch status {
	case drop:
		panic(http.ErrAbortHandler)
	case 0:
		status, answer = http.StatusOK, s.usual(in)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// drop closes the connection without an answer.
const drop = -1

// usual is what the plugin answers when all is well.
func (s *shop) usual(in sent) string {
	switch {
	case strings.HasSuffix(in.path+in.query, "ping"):
		versions := ""
		if s.generation != 1 {
			versions = `,"wc_version":"11.0.1","plugin_version":"2.0.0"`
		}
		return fmt.Sprintf(`{"ok":true,"store_id":"e","store_name":"E","role":"child","time":%d%s}`, time.Now().Unix(), versions)
	case strings.HasSuffix(in.path+in.query, "event"):
		return `{"ok":true,"processed":true}`
	default:
		return `{"ok":true,"items":[]}`
	}
}

func (s *shop) requests(route string) []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []sent
	for _, r := range s.got {
		if strings.HasSuffix(r.path+r.query, "/"+route) || strings.HasSuffix(r.query, "%2F"+route) {
			out = append(out, r)
		}
	}
	return out
}

// to is a wire whose one pair is the shop.
func (s *shop) to(t testing.TB, change ...func(*kitgenix.Config)) *kitgenix.Wire {
	t.Helper()
	c := kitgenix.Config{
		Self: stocksync.Self{StoreID: "d", Name: "D"}, HTTPClient: reach(t, s),
		Pairs: []kitgenix.Pair{{StoreID: "e", Name: "E", URL: "https://e.example/shop/", Secret: secret}},
	}
	for _, f := range change {
		f(&c)
	}
	return configured(t, c)
}

func refusalBody(code string, status int) string {
	return fmt.Sprintf(`{"code":%q,"message":"<b>No</b>","data":{"status":%d}}`, code, status)
}

func items(n int) []stocksync.Item {
	out := make([]stocksync.Item, n)
	for i := range out {
		out[i] = stocksync.Item{
			Ref: stocksync.Ref{GID: stocksync.GID(fmt.Sprintf("g-%d", i)), SKU: stocksync.SKU(fmt.Sprintf("SKU-%04d", i))},
			Stock: stocksync.Stock{
				Quantity: qty(int64(i)), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed,
			},
			Version: 1772000000000 + int64(i),
		}
	}
	return out
}

// behaviours are what a queue reads.
type behaviours struct {
	permanent, ambiguous, systemic bool
	atLeast                        time.Duration
}

func (b behaviours) check(t testing.TB, err error) {
	t.Helper()
	var e *kitgenix.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, b.permanent, e.Permanent(), "permanent: %v", err)
	require.Equal(t, b.ambiguous, e.Ambiguous(), "ambiguous: %v", err)
	require.Equal(t, b.ambiguous, errors.Is(err, kitgenix.ErrAmbiguous))
	require.Equal(t, b.systemic, e.Systemic(), "systemic: %v", err)
	if b.atLeast == 0 {
		require.Zero(t, e.RetryAfter())
	} else {
		require.GreaterOrEqual(t, e.RetryAfter(), b.atLeast)
	}
}

// TestReactions has a row for each error of 1.2: what the error is, what the queue reads from it, and how many requests were made.
func TestReactions(t *testing.T) {
	t.Parallel()
	const quarter, hour = 15 * time.Minute, time.Hour
	html := func(title string) string {
		return "<html><head><title>" + title + "</title></head><body>x</body></html>"
	}
	page := http.Header{"Content-Type": {"text/html"}}
	for id, row := range map[string]struct {
		status   int
		header   http.Header
		body     string
		kind     error
		is       behaviours
		requests int
		says     string
	}{
		"kss_auth_sender":        {401, nil, refusalBody("kss_auth_sender", 401), kitgenix.ErrAuth, behaviours{systemic: true, atLeast: hour}, 1, "does not know us"},
		"kss_auth_secret":        {401, nil, refusalBody("kss_auth_secret", 401), kitgenix.ErrAuth, behaviours{systemic: true, atLeast: hour}, 1, "does not know us"},
		"kss_auth_missing":       {401, nil, refusalBody("kss_auth_missing", 401), kitgenix.ErrAuth, behaviours{systemic: true, atLeast: hour}, 1, "strips X-Kitgenix-"},
		"kss_auth_bad_ts":        {401, nil, refusalBody("kss_auth_bad_ts", 401), kitgenix.ErrAuth, behaviours{systemic: true, atLeast: hour}, 1, "strips X-Kitgenix-"},
		"kss_auth_skew":          {401, nil, refusalBody("kss_auth_skew", 401), kitgenix.ErrAuth, behaviours{systemic: true, atLeast: hour}, 1, "CorrectClock"},
		"kss_auth_replay":        {401, nil, refusalBody("kss_auth_replay", 401), kitgenix.ErrAuth, behaviours{ambiguous: true, systemic: true, atLeast: hour}, 2, "sends requests twice"},
		"kss_auth_sig":           {401, nil, refusalBody("kss_auth_sig", 401), kitgenix.ErrAuth, behaviours{systemic: true, atLeast: hour}, 1, "another secret"},
		"kss_auth_failed":        {401, nil, refusalBody("kss_auth_failed", 401), kitgenix.ErrAuth, behaviours{ambiguous: true, systemic: true, atLeast: hour}, 1, "store id, secret and clock"},
		"kss_rate_limited":       {429, nil, refusalBody("kss_rate_limited", 429), kitgenix.ErrRateLimited, behaviours{systemic: true, atLeast: quarter}, 1, "15 minutes"},
		"kss_payload_too_large":  {413, nil, refusalBody("kss_payload_too_large", 413), kitgenix.ErrTooLarge, behaviours{permanent: true}, 1, "size"},
		"kss_bad_json":           {400, nil, refusalBody("kss_bad_json", 400), kitgenix.ErrValidation, behaviours{permanent: true}, 1, "No"},
		"kss_bad_payload":        {400, nil, refusalBody("kss_bad_payload", 400), kitgenix.ErrValidation, behaviours{permanent: true}, 1, "No"},
		"kss_event_type":         {400, nil, refusalBody("kss_event_type", 400), kitgenix.ErrValidation, behaviours{permanent: true}, 1, "No"},
		"kss_not_master":         {403, nil, refusalBody("kss_not_master", 403), kitgenix.ErrNotMaster, behaviours{permanent: true}, 1, "child"},
		"kss_forbidden":          {403, nil, refusalBody("kss_forbidden", 403), kitgenix.ErrForbidden, behaviours{systemic: true, atLeast: hour}, 1, "disabled"},
		"rest_no_route":          {404, nil, refusalBody("rest_no_route", 404), kitgenix.ErrNoRoute, behaviours{systemic: true, atLeast: hour}, 1, "not active"},
		"rest_invalid_json":      {400, nil, refusalBody("rest_invalid_json", 400), kitgenix.ErrValidation, behaviours{permanent: true}, 1, "No"},
		"rest_closed_401":        {401, nil, refusalBody("rest_not_logged_in", 401), kitgenix.ErrHostBlocked, behaviours{systemic: true, atLeast: hour}, 1, "allow the four routes"},
		"rest_closed_403":        {403, nil, refusalBody("rest_forbidden", 403), kitgenix.ErrHostBlocked, behaviours{systemic: true, atLeast: hour}, 1, "allow the four routes"},
		"WAF_403":                {403, page, html("Blocked"), kitgenix.ErrHostBlocked, behaviours{systemic: true, atLeast: hour}, 1, "allow the four routes"},
		"host_429":               {429, page, html("Slow down"), kitgenix.ErrRateLimited, behaviours{systemic: true, atLeast: quarter}, 1, "fewer requests"},
		"host_429_one_hour":      {429, http.Header{"Retry-After": {"3600"}}, `{}`, kitgenix.ErrRateLimited, behaviours{systemic: true, atLeast: hour}, 1, "fewer requests"},
		"redirect_301":           {301, http.Header{"Location": {"https://www.e.example/shop/wp-json/kitgenix-stock-sync/v1/event?a=b"}}, "", kitgenix.ErrRedirect, behaviours{systemic: true, atLeast: hour}, 1, "https://www.e.example/shop/wp-json"},
		"redirect_308":           {308, http.Header{"Location": {"http://e.example/x"}}, "", kitgenix.ErrRedirect, behaviours{systemic: true, atLeast: hour}, 1, "http://e.example/x"},
		"redirect_302":           {302, http.Header{"Location": {"/shop/wp-login.php"}}, "", kitgenix.ErrRedirect, behaviours{systemic: true, atLeast: hour}, 1, "wp-login"},
		"host_500":               {500, nil, refusalBody("internal_server_error", 500), kitgenix.ErrUnavailable, behaviours{ambiguous: true}, 1, "failed"},
		"host_502":               {502, page, html("Bad gateway"), kitgenix.ErrUnavailable, behaviours{ambiguous: true}, 1, "error page"},
		"dropped":                {drop, nil, "", kitgenix.ErrUnavailable, behaviours{ambiguous: true}, 1, "does not answer"},
		"A-63_html_200":          {200, page, html("Welcome"), kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "web page"},
		"A-63_empty_200":         {200, nil, "", kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "not the plugin's"},
		"A-63_cut_200":           {200, nil, `{"ok":true,"proc`, kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "not the plugin's"},
		"A-63_other_json":        {200, nil, `{"status":"ok"}`, kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "not the plugin's"},
		"A-63_not_ok":            {200, nil, `{"ok":false}`, kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "not the plugin's"},
		"A-63_201_with_the_body": {201, nil, `{"ok":true,"processed":true}`, kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "not the plugin's"},
		"A-63_204":               {204, nil, "", kitgenix.ErrUnverified, behaviours{ambiguous: true}, 1, "not the plugin's"},
	} {
		t.Run("1.2_"+id, func(t *testing.T) {
			t.Parallel()
			s := &shop{t: t, script: func(_ int, in sent) (int, http.Header, string) {
				if strings.HasSuffix(in.path, "ping") {
					return 0, nil, ""
				}
				return row.status, row.header, row.body
			}}
			peer := s.to(t).Peer("e")
			applied, err := peer.Push(t.Context(), items(1))
			require.ErrorIs(t, err, row.kind)
			row.is.check(t, err)
			require.Contains(t, err.Error(), row.says)
			require.NotContains(t, err.Error(), "a=b", "no query")
			require.NotContains(t, err.Error(), secret)
			require.Len(t, s.requests("event"), row.requests)
			want := stocksync.Failed
			if row.is.permanent {
				want = stocksync.Refused
			}
			require.Equal(t, want, applied[0].Outcome)
			var e *kitgenix.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "e", e.Peer)
			require.Equal(t, "Push", e.Op)
			require.LessOrEqual(t, len(e.Body), 4<<10)
		})
	}
}

// TestSecondTry has what a refused signature is answered with: one more request at most, and only where it can differ.
func TestSecondTry(t *testing.T) {
	t.Parallel()
	const older = "Tq5Rw1Xe7Zc3Vb9Nm2Lk6Jh8Gf4Ds0Ap"
	withOlder := func(c *kitgenix.Config) { c.Pairs[0].OldSecrets = []string{older} }
	onlyFirst := func(code string) func(int, sent) (int, http.Header, string) {
		events := 0
		return func(_ int, in sent) (int, http.Header, string) {
			if events++; strings.HasSuffix(in.path, "event") && events == 1 {
				return 401, nil, refusalBody(code, 401)
			}
			return 0, nil, ""
		}
	}
	generation2 := func(c *kitgenix.Config) { c.Pairs[0].Generation = 2 }
	t.Run("1.2_kss_auth_replay_new_nonce", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: onlyFirst("kss_auth_replay")}
		_, err := s.to(t, generation2).Peer("e").Push(t.Context(), items(1))
		require.NoError(t, err)
		got := s.requests("event")
		require.Len(t, got, 2)
		require.Equal(t, got[0].body, got[1].body, "the same bytes, the same event id")
		require.NotEqual(t, got[0].header.Get("X-Kitgenix-Nonce"), got[1].header.Get("X-Kitgenix-Nonce"))
	})
	for _, code := range []string{"kss_auth_sig", "kss_auth_failed"} {
		t.Run("1.2_"+code+"_previous_secret", func(t *testing.T) {
			t.Parallel()
			s := &shop{t: t, secrets: []string{older}}
			s.script = func(_ int, in sent) (int, http.Header, string) {
				if in.keyed != older {
					return 401, nil, refusalBody(code, 401)
				}
				return 0, nil, ""
			}
			peer := s.to(t, generation2, withOlder).Peer("e")
			for range 3 {
				_, err := peer.Push(t.Context(), items(1))
				require.NoError(t, err)
			}
			keyed := []string{}
			for _, r := range s.requests("event") {
				keyed = append(keyed, r.keyed)
			}
			require.Equal(t, []string{secret, older, older, older}, keyed, "what works is what is signed with from then on")
		})
	}
	t.Run("1.2_kss_auth_sig_both_refused", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, secrets: []string{older}, script: func(int, sent) (int, http.Header, string) {
			return 401, nil, refusalBody("kss_auth_sig", 401)
		}}
		peer := s.to(t, generation2, withOlder).Peer("e")
		_, err := peer.Push(t.Context(), items(1))
		require.ErrorIs(t, err, kitgenix.ErrAuth)
		require.Len(t, s.requests("event"), 2)
		_, err = peer.Push(t.Context(), items(1))
		require.ErrorContains(t, err, "left alone until", "two refusals in a row open the breaker")
		behaviours{systemic: true, atLeast: time.Minute}.check(t, err)
		require.Len(t, s.requests("event"), 2)
	})
	for _, correct := range []bool{true, false} {
		t.Run(fmt.Sprintf("1.2_kss_auth_skew_corrected_%v", correct), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const ahead = 10 * time.Minute
				s := &shop{t: t}
				s.script = func(_ int, in sent) (int, http.Header, string) {
					date := http.Header{"Date": {time.Now().Add(ahead).UTC().Format(http.TimeFormat)}}
					var at int64
					_, err := fmt.Sscan(in.header.Get("X-Kitgenix-Timestamp"), &at)
					if err != nil || time.Unix(at, 0).Sub(time.Now().Add(ahead)).Abs() > 300*time.Second {
						return 401, date, refusalBody("kss_auth_skew", 401)
					}
					return 200, date, s.usual(in)
				}
				peer := s.to(t, generation2, func(c *kitgenix.Config) { c.CorrectClock = correct }).Peer("e")
				_, err := peer.Push(t.Context(), items(1))
				if correct {
					require.NoError(t, err)
					require.Len(t, s.requests("event"), 2)
					return
				}
				require.ErrorIs(t, err, kitgenix.ErrAuth)
				require.Len(t, s.requests("event"), 1)
			})
		})
	}
}

// TestBreaker stops all traffic to a peer that refuses signatures, whatever kind it is (1.3).
func TestBreaker(t *testing.T) {
	t.Parallel()
	t.Run("1.3_two_401_stop_every_class", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			refusing := true
			s := &shop{t: t}
			s.script = func(int, sent) (int, http.Header, string) {
				if refusing {
					return 401, nil, refusalBody("kss_auth_failed", 401)
				}
				return 0, nil, ""
			}
			w := s.to(t)
			peer, up := w.Peer("e"), w.Upstream("e")
			for range 5 {
				_, err := peer.Read(t.Context(), []stocksync.Ref{{SKU: "a"}})
				require.ErrorIs(t, err, kitgenix.ErrAuth)
				_, err = up.Query(t.Context(), []stocksync.Ref{{SKU: "a"}})
				require.ErrorIs(t, err, kitgenix.ErrAuth)
				_, err = peer.Push(t.Context(), items(1))
				require.ErrorIs(t, err, kitgenix.ErrAuth)
			}
			require.Len(t, s.got, 2)
			// Probes: after 10, 20, 40 and then every 60 minutes; never more than 6 failures in 10 minutes.
			began := time.Now()
			for range 24 * 6 {
				time.Sleep(10 * time.Minute)
				_, err := peer.Ping(t.Context())
				require.ErrorIs(t, err, kitgenix.ErrAuth)
			}
			require.InDelta(t, 24*60/60+3+2, len(s.got), 2, "probes since %s", began)
			refusing = false
			time.Sleep(time.Hour)
			_, err := peer.Ping(t.Context())
			require.NoError(t, err)
			_, err = peer.Push(t.Context(), items(1))
			require.NoError(t, err, "a success closes it for all")
		})
	})
	t.Run("1.3_whoever_calls_after_the_pause_probes_first", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			refusals := 2
			s := &shop{t: t}
			s.script = func(int, sent) (int, http.Header, string) {
				if refusals > 0 {
					refusals--
					return 429, nil, refusalBody("kss_rate_limited", 429)
				}
				return 0, nil, ""
			}
			peer := s.to(t, func(c *kitgenix.Config) { c.Pairs[0].Generation = 2 }).Peer("e")
			_, err := peer.Push(t.Context(), items(1))
			require.ErrorIs(t, err, kitgenix.ErrRateLimited)
			_, err = peer.Push(t.Context(), items(1))
			require.ErrorIs(t, err, kitgenix.ErrAuth)
			require.Len(t, s.got, 1)
			time.Sleep(17 * time.Minute)
			_, err = peer.Push(t.Context(), items(1)) // nobody else pings
			require.ErrorIs(t, err, kitgenix.ErrAuth)
			behaviours{systemic: true, atLeast: 15 * time.Minute}.check(t, err)
			require.Len(t, s.requests("ping"), 1, "one probe, refused")
			require.Len(t, s.requests("event"), 1)
			time.Sleep(25 * time.Minute)
			_, err = peer.Push(t.Context(), items(1))
			require.NoError(t, err)
			require.Len(t, s.requests("ping"), 2)
			require.Len(t, s.requests("event"), 2)
		})
	})
	t.Run("1.3_one_429_stops_for_15_minutes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &shop{t: t, script: func(n int, _ sent) (int, http.Header, string) {
				if n == 1 {
					return 429, nil, refusalBody("kss_rate_limited", 429)
				}
				return 0, nil, ""
			}}
			peer := s.to(t).Peer("e")
			_, err := peer.Ping(t.Context())
			behaviours{systemic: true, atLeast: 15 * time.Minute}.check(t, err)
			for range 14 {
				time.Sleep(time.Minute)
				_, err := peer.Ping(t.Context())
				require.Error(t, err)
			}
			require.Len(t, s.got, 1)
			time.Sleep(3 * time.Minute)
			_, err = peer.Ping(t.Context())
			require.NoError(t, err)
		})
	})
}

// TestPlainPermalinks finds a store whose REST API has no address of its own, and only that.
func TestPlainPermalinks(t *testing.T) {
	t.Parallel()
	page := http.Header{"Content-Type": {"text/html"}}
	for id, first := range map[string]func(sent) (int, http.Header, string){
		"1_page_404": func(sent) (int, http.Header, string) { return 404, page, "<html><title>Page not found</title></html>" },
		"1_redirect_to_slash": func(in sent) (int, http.Header, string) {
			return 301, http.Header{"Location": {"https://e.example" + in.path + "/"}}, ""
		},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := &shop{t: t}
			s.script = func(_ int, in sent) (int, http.Header, string) {
				if in.query == "" {
					return first(in)
				}
				return 0, nil, ""
			}
			peer := s.to(t).Peer("e")
			for range 2 {
				_, err := peer.Push(t.Context(), items(1))
				require.NoError(t, err)
			}
			require.Len(t, s.got, 4, "one try by path, then ping and two events by query")
			for _, r := range s.got[1:] {
				require.Equal(t, "/shop/index.php", r.path)
				require.Contains(t, r.query, "rest_route=%2Fkitgenix-stock-sync%2Fv1%2F")
			}
		})
	}
	t.Run("1_no_store_at_all", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: func(int, sent) (int, http.Header, string) { return 404, page, "<html><title>404</title></html>" }}
		peer := s.to(t).Peer("e")
		_, err := peer.Ping(t.Context())
		require.ErrorIs(t, err, kitgenix.ErrNoRoute)
		require.Len(t, s.got, 2)
		require.Equal(t, "/shop/wp-json/kitgenix-stock-sync/v1/ping", s.got[0].path)
	})
	t.Run("1_probe_by_query", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			refuse := true
			s := &shop{t: t}
			s.script = func(_ int, in sent) (int, http.Header, string) {
				switch {
				case in.query == "":
					return 404, page, "<html></html>"
				case refuse:
					return 401, nil, refusalBody("kss_auth_failed", 401)
				}
				return 0, nil, ""
			}
			peer := s.to(t).Peer("e")
			for range 4 {
				_, err := peer.Ping(t.Context())
				require.ErrorIs(t, err, kitgenix.ErrAuth)
			}
			refuse = false
			time.Sleep(11 * time.Minute)
			_, err := peer.Ping(t.Context())
			require.NoError(t, err, "the breaker knows a ping in this form too")
		})
	})
}

// TestPrivateAddress does not dial what only this machine can reach, unless the host gives a transport that does.
func TestPrivateAddress(t *testing.T) {
	t.Parallel()
	w := configured(t, kitgenix.Config{
		Self: stocksync.Self{StoreID: "d"}, Pairs: []kitgenix.Pair{{StoreID: "e", URL: "https://127.0.0.1:1", Secret: secret, Generation: 2}},
	})
	_, err := w.Peer("e").Push(t.Context(), items(1))
	require.ErrorIs(t, err, kitgenix.ErrValidation)
	require.ErrorContains(t, err, "private")
	behaviours{permanent: true}.check(t, err)
}

// TestAmbiguous sends nothing again under the same id when it is not known what became of it (3.3).
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	for _, status := range []int{drop, 500, 504} {
		s := &shop{t: t}
		s.script = func(n int, in sent) (int, http.Header, string) {
			if n <= 2 && strings.HasSuffix(in.path, "event") {
				return status, nil, "{}"
			}
			return 0, nil, ""
		}
		peer := s.to(t).Peer("e")
		_, err := peer.Push(t.Context(), items(3))
		require.ErrorIs(t, err, kitgenix.ErrAmbiguous)
		require.Len(t, s.requests("event"), 1, "never by itself")
		_, err = peer.Push(t.Context(), items(3))
		require.NoError(t, err)
		ids := map[string]bool{}
		for _, r := range s.requests("event") {
			ids[eventOf(t, r.body)["event_id"].(string)] = true
		}
		require.Len(t, ids, len(s.requests("event")))
	}
}

func eventOf(t testing.TB, body string) map[string]any {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &e))
	return e
}

// TestTimeouts gives up when it should, and says that the outcome is not known.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	wait := func(t *testing.T, change func(*kitgenix.Config), call func(context.Context, *kitgenix.Wire) error) (time.Duration, error) {
		t.Helper()
		var took time.Duration
		var err error
		synctest.Test(t, func(t *testing.T) {
			s := &shop{t: t, script: func(int, sent) (int, http.Header, string) {
				time.Sleep(time.Hour)
				return 0, nil, ""
			}}
			w := s.to(t, change)
			began := time.Now()
			err = call(t.Context(), w)
			took = time.Since(began)
			synctest.Wait() // the shop is still at it: its end comes with the test's
		})
		return took, err
	}
	push := func(ctx context.Context, w *kitgenix.Wire) error {
		_, err := w.Peer("e").Push(ctx, items(1))
		return err
	}
	report := func(ctx context.Context, w *kitgenix.Wire) error {
		return w.Upstream("e").Report(ctx, stocksync.Report{Items: items(1)})
	}
	t.Run("4.4_child_of_a_first_generation_master", func(t *testing.T) {
		took, err := wait(t, func(c *kitgenix.Config) { c.Pairs[0].Generation, c.Pairs[0].Children = 1, 5 }, report)
		require.ErrorIs(t, err, kitgenix.ErrAmbiguous, "unknown, not failed")
		require.Equal(t, 5*8*time.Second+10*time.Second, took)
	})
	t.Run("4.4_master", func(t *testing.T) {
		took, err := wait(t, func(c *kitgenix.Config) { c.Pairs[0].Generation = 1 }, push)
		require.ErrorIs(t, err, kitgenix.ErrAmbiguous)
		require.Equal(t, 30*time.Second, took)
	})
	t.Run("1_stock_within_a_checkout", func(t *testing.T) {
		took, err := wait(t, func(*kitgenix.Config) {}, func(ctx context.Context, w *kitgenix.Wire) error {
			_, err := w.Upstream("e").Query(ctx, []stocksync.Ref{{SKU: "a"}})
			return err
		})
		require.ErrorIs(t, err, kitgenix.ErrUnavailable)
		require.NotErrorIs(t, err, kitgenix.ErrAmbiguous)
		require.Equal(t, 15*time.Second, took)
	})
	t.Run("host_s_own_timeout", func(t *testing.T) {
		took, err := wait(t, func(c *kitgenix.Config) {
			c.Pairs[0].Generation, c.HTTPClient.Timeout = 2, 3*time.Second
		}, push)
		require.ErrorIs(t, err, kitgenix.ErrAmbiguous)
		require.Equal(t, 3*time.Second, took)
	})
	t.Run("context", func(t *testing.T) {
		_, err := wait(t, func(c *kitgenix.Config) { c.Pairs[0].Generation = 2 }, func(ctx context.Context, w *kitgenix.Wire) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return push(ctx, w)
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, kitgenix.ErrAmbiguous)
	})
}
