package kitgenix

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
)

// captured yields bodies and answers that real stores sent.
func captured(f *testing.F, want func(path string) bool, answers bool) {
	f.Helper()
	file, err := os.Open("testdata/transcripts.jsonl")
	require.NoError(f, err)
	defer file.Close() //nolint:errcheck // was only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Path, Body, Answer string }
		require.NoError(f, json.Unmarshal(lines.Bytes(), &e))
		switch {
		case !want(e.Path):
		case answers:
			f.Add([]byte(e.Answer))
		default:
			f.Add([]byte(e.Body))
		}
	}
	require.NoError(f, lines.Err())
}

func ends(route string) func(string) bool {
	return func(path string) bool { return strings.HasSuffix(path, "/"+route) }
}

// FuzzEvent: what was read is within limits, and is read the same when we write it.
func FuzzEvent(f *testing.F) {
	captured(f, ends(routeEvent), false)
	f.Add([]byte(g2))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, items, err := readEvent(body)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(items), maxEventItems)
		e.Items = []item{}
		for _, i := range items {
			require.False(t, i.GID == "" && i.SKU == "")
			require.True(t, i.Quantity.Abs().LessThanOrEqual(decimal.NewFromInt(maxQuantity)))
			require.True(t, i.Quantity.IsInteger())
			require.GreaterOrEqual(t, i.Version, int64(0))
			wire := itemOf(i)
			if e.Type == stocksync.SKURename {
				wire = renameOf(i.Ref)
			}
			if i.Version > 0 {
				wire.Version = &i.Version
			}
			if i.Was != nil {
				was := i.Was.IntPart()
				wire.Was = &was
			}
			e.Items = append(e.Items, wire)
		}
		again, err := marshal(e)
		require.NoError(t, err)
		e2, items2, err := readEvent(again)
		require.NoError(t, err, "%s", again)
		require.Len(t, items2, len(items))
		for i := range items {
			require.Equal(t, items[i].Ref, items2[i].Ref)
			require.True(t, items[i].Quantity.Equal(items2[i].Quantity))
			require.Equal(t, items[i].Status, items2[i].Status)
			require.Equal(t, items[i].Manage, items2[i].Manage)
			require.Equal(t, items[i].Version, items2[i].Version)
		}
		e.Items = nil
		require.Equal(t, e, e2)
	})
}

// FuzzQuery: SKUs are trimmed, each there once.
func FuzzQuery(f *testing.F) {
	captured(f, ends(routeStock), false)
	captured(f, ends(routeStockState), false)
	f.Fuzz(func(t *testing.T, body []byte) {
		skus, err := readQuery(body)
		if err != nil {
			return
		}
		seen := map[stocksync.SKU]bool{}
		for _, sku := range skus {
			require.NotEmpty(t, sku)
			require.Equal(t, trim(sku), sku)
			require.False(t, seen[sku])
			seen[sku] = true
		}
	})
}

// FuzzAnswer: one answer for each question, whatever came.
func FuzzAnswer(f *testing.F) {
	captured(f, ends(routeStock), true)
	captured(f, ends(routeStockState), true)
	f.Fuzz(func(t *testing.T, body []byte) {
		out, err := readAnswer(body, []stocksync.SKU{"BULK-0001", "0", "12345"})
		if err != nil {
			return
		}
		require.Len(t, out, 3)
		for _, a := range out {
			require.True(t, a == nil || a.Quantity.IsInteger())
		}
	})
}

// FuzzPong: a ping's answer is read or refused.
func FuzzPong(f *testing.F) {
	captured(f, ends(routePing), true)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPong(body)
		require.Equal(t, err == nil, p.OK)
		require.Contains(t, []int{1, 2}, speech(p.PluginVersion).generation)
	})
}

// quiet is a node that takes everything and has nothing.
type quiet struct{ role stocksync.Role }

func (quiet) ID() stocksync.StoreID                           { return "d" }
func (q quiet) Role() stocksync.Role                          { return q.role }
func (quiet) Receive(context.Context, stocksync.Report) error { return nil }
func (quiet) Lookup(_ context.Context, _ stocksync.StoreID, refs []stocksync.Ref) ([]*stocksync.Item, error) {
	return make([]*stocksync.Item, len(refs)), nil
}

// FuzzHandler: whatever stands in a request, the answer is JSON of a known status; without the right signature it is never 200.
func FuzzHandler(f *testing.F) {
	f.Add("event", []byte(g2), true, "")
	f.Add("ping", []byte(`{"ping":true}`), true, "X-HTTP-Method-Override")
	f.Add("stock", []byte(`{"items":[{"sku":12345}]}`), false, "X-Kitgenix-Nonce")
	f.Add("stock-state/", []byte(`[]`), true, "Content-Type")
	key, err := hmacauth.NewKey("e", "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa")
	require.NoError(f, err)
	w, err := New(Config{
		Self: stocksync.Self{StoreID: "d"}, Pairs: []Pair{{StoreID: "e", Secret: "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa"}},
		Nonces: hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)}),
	})
	require.NoError(f, err)
	handlers := []http.Handler{w.Handler(quiet{stocksync.RoleMaster}), w.Handler(quiet{stocksync.RoleChild})}
	f.Fuzz(func(t *testing.T, route string, body []byte, authentic bool, header string) {
		for _, h := range handlers {
			r := httptest.NewRequest(http.MethodPost, "https://d.example/", strings.NewReader(string(body)))
			r.URL.Path = "/wp-json/" + namespace + "/" + route
			m := hmacauth.Message{Timestamp: strconv.FormatInt(time.Now().Unix(), 10), Nonce: newUUID(), Body: body}
			r.Header.Set("X-Kitgenix-Store-Id", "e")
			r.Header.Set("X-Kitgenix-Timestamp", m.Timestamp)
			r.Header.Set("X-Kitgenix-Nonce", m.Nonce)
			if authentic {
				r.Header.Set("X-Kitgenix-Signature", string(hmacauth.Kitgenix{}.AppendSignature(nil, key, m)))
			} else {
				r.Header.Set("X-Kitgenix-Signature", strings.Repeat("0", 64))
			}
			if header != "" {
				r.Header[http.CanonicalHeaderKey(header)] = append(r.Header[http.CanonicalHeaderKey(header)], string(body))
			}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			require.Contains(t, []int{200, 400, 401, 403, 404, 413, 415, 429}, answer.Code, answer.Body.String())
			require.True(t, json.Valid(answer.Body.Bytes()))
			if !authentic {
				require.NotEqual(t, 200, answer.Code)
			}
		}
	})
}
