package kitgenix_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
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

// forgetful is a nonce store that can lose everything, as a Redis that fails over may.
type forgetful struct {
	mu sync.Mutex
	*hmacauth.MemoryNonces
}

func (f *forgetful) Reserve(ctx context.Context, key, nonce string, until time.Time) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.MemoryNonces.Reserve(ctx, key, nonce, until)
}

func (f *forgetful) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.MemoryNonces = nonces()
}

// TestAttacks repeats rows of the attack matrix over the whole wire.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for id, body := range map[string]string{
		"A-25_duplicate_key":         `{"event_type":"stock_state","items":[],"items":[{"sku":"A","stock_quantity":1}]}`,
		"A-25_duplicate_key_in_item": `{"event_type":"stock_state","items":[{"sku":"A","sku":"B","stock_quantity":1}]}`,
		"A-25_escaped_duplicate_key": `{"event_type":"stock_state","items":[{"sku":"A","\u0073ku":"B","stock_quantity":1}]}`,
		"A-25_BOM":                   "\ufeff" + oneItem,
		"A-25_trailing_bytes":        oneItem + `{}`,
		"A-25_trailing_comma":        strings.Replace(oneItem, `}]`, `},]`, 1),
		"A-25_NaN":                   strings.Replace(oneItem, `:3`, `:NaN`, 1),
		"A-25_10^400":                strings.Replace(oneItem, `:3`, `:1e400`, 1),
		"A-25_10^2000000000":         strings.Replace(oneItem, `:3`, `:1e2000000000`, 1),
		"A-25_long_number":           strings.Replace(oneItem, `:3`, `:`+strings.Repeat("9", 100_000), 1),
		"A-25_depth_10000":           strings.Replace(oneItem, `:3`, `:`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000), 1),
		"A-25_depth_100":             strings.Replace(oneItem, `:3`, `:`+strings.Repeat("[", 100)+strings.Repeat("]", 100), 1),
		"A-25_invalid_UTF-8":         strings.Replace(oneItem, `stock_set`, "\xff", 1),
		"A-60_quantity_-10^12":       strings.Replace(oneItem, `:3`, `:-1000000000000`, 1),
		"A-60_quantity_2^63":         strings.Replace(oneItem, `:3`, `:9223372036854775808`, 1),
		"A-60_quantity_text":         strings.Replace(oneItem, `:3`, `:"NaN"`, 1),
		"A-60_quantity_Inf":          strings.Replace(oneItem, `:3`, `:"Infinity"`, 1),
		"A-60_quantity_1e400_text":   strings.Replace(oneItem, `:3`, `:"1e400"`, 1),
		"A-60_quantity_abc":          strings.Replace(oneItem, `:3`, `:"abc"`, 1),
		"A-60_quantity_null":         strings.Replace(oneItem, `:3`, `:null`, 1),
		"A-60_quantity_list":         strings.Replace(oneItem, `:3`, `:[]`, 1),
		"A-60_quantity_true":         strings.Replace(oneItem, `:3`, `:true`, 1),
		"A-60_quantity_missing":      strings.Replace(oneItem, `"stock_quantity":3,`, ``, 1),
		"A-60_version_2^63":          strings.Replace(oneItem, `:3`, `:3,"version":9223372036854775808`, 1),
		"A-60_rename_from_child":     `{"event_type":"sku_rename","items":[{"sku":"B","old_sku":"A"}]}`,
		"A-60_endless_SKU":           strings.Replace(oneItem, `"A"`, `"`+strings.Repeat("A", 300)+`"`, 1),
		"A-60_endless_GID":           strings.Replace(oneItem, `"gid":""`, `"gid":"`+strings.Repeat("A", 300)+`"`, 1),
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			n, h := world(t, stocksync.RoleMaster)
			r := ask(h, signed(t, "event", body, "e", secret))
			require.Equal(t, 400, r.Code, r.Body.String())
			require.Empty(t, n.got())
			require.Len(t, n.log(), 1, "authentic and refused: somebody should hear of it")
			if strings.HasPrefix(id, "A-25") {
				for _, route := range []string{"stock", "stock-state", "ping"} {
					require.Equal(t, 400, ask(h, signed(t, route, body, "e", secret)).Code, route)
				}
			}
		})
	}
	t.Run("A-60_10^6_items", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		body := `{"event_type":"stock_state","items":[` + strings.Repeat("1,", 999_999) + `1]}`
		ask(h, signed(t, "event", body, "e", secret)).refused(t, 413, "kss_payload_too_large")
		require.Empty(t, n.got())
	})
	t.Run("A-60_foreign_GID", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		require.Equal(t, 200, ask(h, signed(t, "event", strings.Replace(oneItem, `"gid":""`, `"gid":"not-ours"`, 1), "e", secret)).Code)
		require.Equal(t, stocksync.GID("not-ours"), n.got()[0].Items[0].GID, "whose it is, the node knows")
	})
	t.Run("A-51_replayed_with_a_new_signature", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster)
		for range 3 { // as the plugin tries again, and as who has the key could
			require.Equal(t, 200, ask(h, signed(t, "event", oneItem, "e", secret)).Code)
		}
		for _, r := range n.got() {
			require.Equal(t, "ev-1", r.EventID, "the ledger knows it")
		}
	})
	t.Run("A-55_nonces_lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			store := &forgetful{MemoryNonces: nonces()}
			n := &node{id: "d", role: stocksync.RoleMaster}
			h := configured(t, kitgenix.Config{
				Self: stocksync.Self{StoreID: "d"}, Pairs: []kitgenix.Pair{{StoreID: "e", Secret: secret}}, Nonces: store,
			}).Handler(n)
			bodies := []string{oneItem, strings.Replace(oneItem, `,"event_id":"ev-1"`, "", 1)}
			for _, body := range bodies {
				r := signed(t, "event", body, "e", secret)
				again := func() *http.Request {
					c := r.Clone(t.Context())
					c.Body = io.NopCloser(strings.NewReader(body))
					return c
				}
				require.Equal(t, 200, ask(h, again()).Code)
				require.Equal(t, 401, ask(h, again()).Code)
				store.flush()
				require.Equal(t, 200, ask(h, again()).Code, "the first line is gone")
			}
			got := n.got()
			require.Len(t, got, 4)
			require.Equal(t, got[0].EventID, got[1].EventID, "the second line is the ledger, by this")
			require.Equal(t, got[2].EventID, got[3].EventID)
			require.NotEqual(t, got[0].EventID, got[2].EventID)
		})
	})
	t.Run("A-48_reflected", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		w := s.to(t)
		_, err := w.Peer("e").Push(t.Context(), items(1))
		require.NoError(t, err)
		n := &node{id: "d", role: stocksync.RoleMaster}
		h := w.Handler(n)
		ours := s.requests("event")[0]
		for _, from := range []string{"d", "e"} {
			r := signed(t, "event", ours.body, "e", secret)
			r.Header = ours.header.Clone()
			r.Header.Set("X-Kitgenix-Store-Id", from)
			ask(h, r).refused(t, 401, "kss_auth_failed")
		}
		require.Empty(t, n.got())
	})
	t.Run("A-61_no_redirect_is_followed", func(t *testing.T) {
		t.Parallel()
		for _, status := range []int{301, 302, 307, 308} {
			s := &shop{t: t}
			s.script = func(n int, _ sent) (int, http.Header, string) {
				if n == 1 {
					return status, http.Header{"Location": {"https://other.example/wp-json/kitgenix-stock-sync/v1/ping"}}, ""
				}
				return 0, nil, ""
			}
			_, err := s.to(t).Peer("e").Ping(t.Context())
			require.ErrorIs(t, err, kitgenix.ErrRedirect)
			require.ErrorContains(t, err, "https://other.example/wp-json/")
			require.Len(t, s.got, 1)
		}
	})
	t.Run("A-63_answers_of_a_bound_pair_are_signed", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t} // the plugin's answers are not
		w := s.to(t, func(c *kitgenix.Config) { c.Pairs[0].RFC9421, c.Pairs[0].Generation = true, 2 })
		_, err := w.Peer("e").Push(t.Context(), items(1))
		require.ErrorIs(t, err, kitgenix.ErrUnverified)
		require.ErrorIs(t, err, kitgenix.ErrAmbiguous)
		_, err = w.Peer("e").Read(t.Context(), []stocksync.Ref{{SKU: "a"}})
		require.ErrorIs(t, err, kitgenix.ErrUnverified)
		require.NotErrorIs(t, err, kitgenix.ErrAmbiguous)
	})
	t.Run("A-36_a_bound_pair_cannot_be_talked_down", func(t *testing.T) {
		t.Parallel()
		n, h := world(t, stocksync.RoleMaster, kitgenix.Pair{StoreID: "e", Secret: secret, RFC9421: true})
		ask(h, signed(t, "event", oneItem, "e", secret)).refused(t, 401, "kss_auth_failed")
		require.Empty(t, n.got())
	})
	t.Run("A-56_nobody_locks_another_out", func(t *testing.T) {
		t.Parallel()
		_, h := world(t, stocksync.RoleMaster)
		failures := 1000
		if os.Getenv("TILLWIRE_LONG") == "1" {
			failures = 10_000
		}
		for i := range failures {
			r := signed(t, "ping", `{}`, "e", secret+"x")
			r.RemoteAddr = fmt.Sprintf("198.51.%d.%d:1", i/250, i%250)
			require.Equal(t, 401, ask(h, r).Code)
		}
		require.Equal(t, 200, ask(h, signed(t, "ping", `{}`, "e", secret)).Code)
	})
}
