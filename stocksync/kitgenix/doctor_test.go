package kitgenix_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// catalogue is a kitgenix.Shop.
type catalogue struct {
	products []kitgenix.Stocked
	err      error
	block    bool
}

func (c catalogue) Stocked(context.Context) iter.Seq2[kitgenix.Stocked, error] {
	return func(yield func(kitgenix.Stocked, error) bool) {
		for _, p := range c.products {
			if !yield(p, nil) {
				return
			}
		}
		if c.err != nil {
			yield(kitgenix.Stocked{}, c.err)
		}
	}
}

func (c catalogue) BlockCheckout(context.Context) (bool, error) { return c.block, nil }

// TestDiagnose finds each problem (SS-10), and says what to do.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	answer := func(status int, header http.Header, body string) func(int, sent) (int, http.Header, string) {
		return func(int, sent) (int, http.Header, string) { return status, header, body }
	}
	pong := func(id, role string, more string) string {
		return fmt.Sprintf(`{"ok":true,"store_id":%q,"store_name":"E","role":%q,"time":%d%s}`, id, role, time.Now().Unix(), more)
	}
	const v2 = `,"wc_version":"11","plugin_version":"2.0.0"`
	page := http.Header{"Content-Type": {"text/html"}}
	refusal := func(status int, code string) func(int, sent) (int, http.Header, string) {
		return answer(status, nil, refusalBody(code, status))
	}
	for id, row := range map[string]struct {
		script func(int, sent) (int, http.Header, string)
		change func(*kitgenix.Config)
		shop   kitgenix.Shop
		want   []kitgenix.Problem
		ok     bool
		says   string
	}{
		"well":          {answer(200, nil, pong("e", "master", v2)), nil, nil, nil, true, "The pair works."},
		"3.12_block":    {answer(200, nil, pong("e", "child", v2)), nil, nil, []kitgenix.Problem{kitgenix.BlockCheckout}, true, "classic checkout only"},
		"3.12_is_block": {answer(200, nil, pong("e", "child", v2)), nil, catalogue{block: true}, []kitgenix.Problem{kitgenix.BlockCheckout}, true, "uses the block checkout"},
		"3.12_classic":  {answer(200, nil, pong("e", "child", v2)), nil, catalogue{}, nil, true, "The pair works."},
		"1.4_secret":    {answer(200, nil, pong("e", "master", v2)), func(c *kitgenix.Config) { c.Pairs[0].Secret = "abc<def 0123456789ABC" }, nil, []kitgenix.Problem{kitgenix.RiskySecret}, true, `contains "<"`},
		"1.4_old_secret": {nil, func(c *kitgenix.Config) {
			c.Pairs[0].Secret, c.Pairs[0].OldSecrets = "NewSecretNewSecret", []string{secret}
		}, nil, []kitgenix.Problem{kitgenix.OldSecret, kitgenix.BlockCheckout}, true, "the secret before"},
		"0_generation_1": {answer(200, nil, pong("e", "child", "")), nil, nil, []kitgenix.Problem{kitgenix.OldGeneration}, true, "Update the plugin"},
		"wrong_store":    {answer(200, nil, pong("x", "master", v2)), nil, nil, []kitgenix.Problem{kitgenix.WrongStore}, false, `calls itself "x"`},
		"SS-09_clock": {answer(200, http.Header{"Date": {time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}},
			strings.Replace(pong("e", "master", v2), fmt.Sprint(time.Now().Unix()), fmt.Sprint(time.Now().Unix()+90), 1)), nil, nil, []kitgenix.Problem{kitgenix.WrongClock}, true, "NTP"},
		"1.2_kss_auth_skew":    {refusal(401, "kss_auth_skew"), nil, nil, []kitgenix.Problem{kitgenix.WrongClock}, false, "300 s"},
		"1.2_kss_auth_sender":  {refusal(401, "kss_auth_sender"), nil, nil, []kitgenix.Problem{kitgenix.UnknownPair}, false, "our store id, d"},
		"1.2_kss_auth_missing": {refusal(401, "kss_auth_missing"), nil, nil, []kitgenix.Problem{kitgenix.HeadersStripped}, false, "X-Kitgenix-Store-Id"},
		"1.2_kss_auth_bad_ts":  {refusal(401, "kss_auth_bad_ts"), nil, nil, []kitgenix.Problem{kitgenix.HeadersStripped}, false, "pass on"},
		"1.2_kss_auth_sig":     {refusal(401, "kss_auth_sig"), nil, nil, []kitgenix.Problem{kitgenix.WrongSecret}, false, "another secret"},
		"1.2_kss_auth_failed":  {refusal(401, "kss_auth_failed"), nil, nil, []kitgenix.Problem{kitgenix.Unauthorized}, false, "in this order"},
		"1.2_kss_rate_limited": {refusal(429, "kss_rate_limited"), nil, nil, []kitgenix.Problem{kitgenix.LockedOut}, false, "15 minutes"},
		"1.2_rest_no_route":    {refusal(404, "rest_no_route"), nil, nil, []kitgenix.Problem{kitgenix.NoPlugin}, false, "Activate the plugin"},
		"1.2_rest_closed":      {refusal(401, "itsec_rest_api_access_restricted"), nil, nil, []kitgenix.Problem{kitgenix.RESTClosed}, false, "Solid Security"},
		"1.2_rest_closed_403":  {refusal(403, "rest_something"), nil, nil, []kitgenix.Problem{kitgenix.RESTClosed}, false, "/wp-json/kitgenix-stock-sync/v1/ping, /event, /stock and /stock-state"},
		"1.2_WAF": {answer(403, page, "<html><title>Attention Required! | Cloudflare</title><body>Sorry, you have been blocked. Cloudflare Ray ID</body></html>"),
			nil, nil, []kitgenix.Problem{kitgenix.Firewall}, false, "Allow POST to /wp-json/"},
		"1.2_Wordfence": {answer(503, page, "<html><title>Blocked</title><body>Generated by Wordfence at Sat</body></html>"), nil, nil, []kitgenix.Problem{kitgenix.Firewall}, false, "Wordfence"},
		"no_WordPress":  {answer(404, page, "<html><title>Not Found</title></html>"), nil, nil, []kitgenix.Problem{kitgenix.WrongAddress}, false, "Settings > General"},
		"1_redirect":    {answer(301, http.Header{"Location": {"https://www.e.example/wp-json/kitgenix-stock-sync/v1/ping"}}, ""), nil, nil, []kitgenix.Problem{kitgenix.Redirected}, false, "Set Pair.URL to https://www.e.example"},
		"unreachable":   {answer(drop, nil, ""), nil, nil, []kitgenix.Problem{kitgenix.Unreachable}, false, "does not answer"},
		"ill":           {answer(500, nil, refusalBody("internal_server_error", 500)), nil, nil, []kitgenix.Problem{kitgenix.Outage}, false, "PHP error log"},
		"A-63_not_ours": {answer(200, nil, `{"hello":"world"}`), nil, nil, []kitgenix.Problem{kitgenix.Outage}, false, "not the plugin's"},
		"plain_permalinks": {func(_ int, in sent) (int, http.Header, string) {
			if in.query == "" {
				return 404, page, "<html></html>"
			}
			return 200, nil, pong("e", "master", v2)
		}, nil, nil, []kitgenix.Problem{kitgenix.PlainPermalinks}, true, "Settings > Permalinks"},
		"SS-05_duplicates": {answer(200, nil, pong("e", "master", v2)), nil, catalogue{products: []kitgenix.Stocked{
			{SKU: "A", GID: "g1"}, {SKU: "a ", GID: "g2"}, {SKU: "B", GID: "g1"}, {SKU: "C"}, {SKU: "C"}, {}, {}, {SKU: "D", Counter: true},
		}}, []kitgenix.Problem{kitgenix.DuplicateSKU, kitgenix.DuplicateGID}, false, "A and a , C"},
		"3.5_cloned_child": {answer(200, nil, pong("e", "child", v2)), nil, catalogue{products: []kitgenix.Stocked{{SKU: "A", Counter: true}, {SKU: "B", Counter: true}}},
			[]kitgenix.Problem{kitgenix.ClonedChild}, true, "2 products carry"},
		"catalogue_unread": {answer(200, nil, pong("e", "master", v2)), nil, catalogue{err: errors.New("no key")}, []kitgenix.Problem{kitgenix.CatalogueUnread}, true, "no key"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := &shop{t: t, script: row.script}
			if id == "1.4_old_secret" {
				s.script = func(_ int, in sent) (int, http.Header, string) {
					if in.keyed != secret {
						return 401, nil, refusalBody("kss_auth_sig", 401)
					}
					return 0, nil, ""
				}
			}
			change := row.change
			if change == nil {
				change = func(*kitgenix.Config) {}
			}
			d := s.to(t, change).Diagnose(t.Context(), "e", row.shop)
			var got []kitgenix.Problem
			for _, f := range d.Findings {
				got = append(got, f.Problem)
				require.NotEmpty(t, f.Text)
				require.NotEmpty(t, f.Do)
				require.True(t, d.Has(f.Problem))
			}
			require.ElementsMatch(t, row.want, got, d.String())
			require.Equal(t, row.ok, d.OK(), d.String())
			require.Contains(t, d.String(), row.says)
			require.NotContains(t, d.String(), secret)
			require.Empty(t, s.requests("event"), "a diagnosis changes nothing")
		})
	}
	t.Run("many_duplicates", func(t *testing.T) {
		t.Parallel()
		var products []kitgenix.Stocked
		for i := range 30 {
			products = append(products, slices.Repeat([]kitgenix.Stocked{{SKU: stocksync.SKU(fmt.Sprint("S", i))}}, 2)...)
		}
		d := (&shop{t: t}).to(t).Diagnose(t.Context(), "e", catalogue{products: products})
		require.Contains(t, d.String(), "S9 and 20 more")
	})
	t.Run("1.3_open_breaker", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: refusal(401, "kss_auth_failed")}
		w := s.to(t)
		for range 2 {
			w.Diagnose(t.Context(), "e", nil)
		}
		d := w.Diagnose(t.Context(), "e", nil)
		require.True(t, d.Has(kitgenix.LockedOut), d.String())
		require.Len(t, s.got, 2)
	})
	t.Run("no_pair", func(t *testing.T) {
		t.Parallel()
		d := (&shop{t: t}).to(t).Diagnose(t.Context(), "x", nil)
		require.True(t, d.Has(kitgenix.NoPair))
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &shop{t: t, script: func(int, sent) (int, http.Header, string) {
				time.Sleep(time.Minute)
				return 0, nil, ""
			}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.True(t, s.to(t).Diagnose(ctx, "e", catalogue{}).Has(kitgenix.Interrupted))
			synctest.Wait() // the shop is still at it: its end comes with the test's
		})
	})
}
