package kitgenix_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// exchange is one request of the plugin, or of a script that tried its server, as it went over the wire, and the answer.
type exchange struct {
	Name, From, To string
	At             int64 // Unix milliseconds
	Method, Path   string
	Headers        [][2]string
	Body           *string
	BodyBase64     string `json:"body_base64"`
	Authentic      bool   `json:"mac_ok"`
	Status         int    // 0: none
	Answer         string
	Note           string // what a proxy between the two did
}

func (e exchange) body(t testing.TB) string {
	if e.Body != nil {
		return *e.Body
	}
	raw, err := base64.StdEncoding.DecodeString(e.BodyBase64)
	require.NoError(t, err)
	return string(raw)
}

func (e exchange) route() string {
	path, _, _ := strings.Cut(e.Path, "?")
	return path[strings.LastIndex(path, "/")+1:]
}

// stores are the three that talked: a master and two children, each with a secret.
var stores = map[string]stocksync.StoreID{
	"D": "1f0d6a52-3c1e-4b8e-9d60-0d0d0d0d0d0d", "E": "2e0e7b63-4d2f-4c9f-8e71-0e0e0e0e0e0e", "F": "3f0f8c74-5e30-4da0-9f82-0f0f0f0f0f0f",
}

const secretF = "Tq5Rw1Xe7Zc3Vb9Nm2Lk6Jh8Gf4Ds0Ap"

func transcripts(t testing.TB) []exchange {
	t.Helper()
	file, err := os.Open("testdata/transcripts.jsonl")
	require.NoError(t, err)
	defer file.Close() //nolint:errcheck // was only read
	var all []exchange
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		all = append(all, e)
	}
	require.NoError(t, lines.Err())
	require.Greater(t, len(all), 250)
	return all
}

// recorded is the store that was asked, served by us.
func recorded(t testing.TB, to string) (*node, http.Handler) {
	n := &node{id: stores[to], role: stocksync.RoleChild, items: map[stocksync.SKU]*stocksync.Item{}}
	pairs := []kitgenix.Pair{{StoreID: stores["D"], Secret: secret}}
	switch to {
	case "D":
		n.role = stocksync.RoleMaster
		pairs = []kitgenix.Pair{{StoreID: stores["E"], Secret: secret}, {StoreID: stores["F"], Secret: secretF}}
	case "F":
		pairs[0].Secret = secretF
	}
	return n, configured(t, kitgenix.Config{
		Self: stocksync.Self{StoreID: stores[to], Name: "Store " + to}, Pairs: pairs,
	}).Handler(n)
}

func (e exchange) request(t testing.TB) *http.Request {
	r := httptest.NewRequest(e.Method, "https://store.example"+e.Path, strings.NewReader(e.body(t)))
	for _, h := range e.Headers {
		r.Header.Add(h[0], h[1])
	}
	return r
}

// sleepUntil sets a bubble's clock.
func sleepUntil(unixMilli int64) { time.Sleep(time.Until(time.UnixMilli(unixMilli))) }

// meaning is what an item of a captured event says, read by the plainest means.
func meaning(t testing.TB, body string, fromMaster bool) []string {
	t.Helper()
	var e struct {
		Type  string `json:"event_type"`
		Items []struct {
			GID, SKU   string
			OldSKU     string `json:"old_sku"`
			Manage     any    `json:"manage_stock"`
			Quantity   int64  `json:"stock_quantity"`
			Status     string `json:"stock_status"`
			Backorders string
			LowStock   int `json:"low_stock_amount"`
			Version    int64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &e))
	out := []string{}
	for _, i := range e.Items {
		if !fromMaster {
			i.Version = 0
		}
		if e.Type == "sku_rename" { // only names count
			out = append(out, fmt.Sprint(i.GID, "|", i.SKU, "|", i.OldSKU, "|<nil>|0|||0|0"))
			continue
		}
		out = append(out, fmt.Sprint(i.GID, "|", i.SKU, "||", i.Manage, "|", i.Quantity, "|", i.Status, "|", i.Backorders, "|", i.LowStock, "|", i.Version))
	}
	return out
}

func said(items []stocksync.Item) []string {
	manage := map[stocksync.Manage]any{stocksync.Managed: true, stocksync.Unmanaged: false, stocksync.ByParent: "parent", "": nil}
	out := []string{}
	for _, i := range items {
		low := 0
		if i.LowStock != nil {
			low = *i.LowStock
		}
		out = append(out, fmt.Sprint(i.GID, "|", i.SKU, "|", i.OldSKU, "|", manage[i.Manage], "|", i.Quantity, "|", i.Status, "|", i.Backorders, "|", low, "|", i.Version))
	}
	return out
}

// TestTranscriptsToHandler has our handler take every captured request of the plugin as the plugin's own server did: with its own
// secret and at its own time.
func TestTranscriptsToHandler(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	for _, e := range transcripts(t) {
		if e.From == "peer" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			sleepUntil(e.At)
			n, h := recorded(t, e.To)
			body := e.body(t)
			switch e.route() {
			case "event":
				r := ask(h, e.request(t))
				if unknownType(body) { // the master passed on what a script had sent it
					r.refused(t, 400, "kss_event_type")
					return
				}
				if e.Name == rotated {
					r.refused(t, 401, "kss_auth_failed")
					return
				}
				require.Equal(t, 200, r.Code, "%s: %s", e.Name, r.Body)
				if e.Status == 200 && e.Note == "" {
					require.Equal(t, e.Answer, r.Body.String(), e.Name)
				}
				got := n.got()
				require.Len(t, got, 1)
				require.Equal(t, stores[e.From], got[0].From)
				require.Equal(t, meaning(t, body, e.From == "D"), said(got[0].Items), e.Name)
				sent := eventOf(t, body)
				require.Equal(t, sent["event_id"], got[0].EventID)
				require.Equal(t, sent["context"], got[0].Context)
				require.Equal(t, sent["event_type"], string(got[0].Kind))
			case "ping":
				r := ask(h, e.request(t))
				require.Equal(t, 200, r.Code, e.Name)
				ours, theirs := eventOf(t, r.Body.String()), eventOf(t, e.Answer)
				for name, value := range theirs {
					switch name {
					case "time":
						require.InDelta(t, value, ours[name], 2)
					case "plugin_version", "wc_version":
						require.Contains(t, ours, name)
					default:
						require.Equal(t, value, ours[name], name)
					}
				}
			default:
				if e.Status != 200 || e.Note != "" {
					require.Equal(t, 200, ask(h, e.request(t)).Code, e.Name)
					return
				}
				n.items = answered(t, e)
				r := ask(h, e.request(t))
				require.Equal(t, 200, r.Code, e.Name)
				ours := r.Body.String()
				if strings.HasPrefix(e.Name, "v1/") {
					ours = strings.ReplaceAll(ours, `"gid":"",`, "")
				}
				require.Equal(t, e.Answer, ours, "%s: byte by byte", e.Name)
			}
			count[e.route()]++
		})
	}
	require.Greater(t, count["event"], 80)
	require.Greater(t, count["ping"], 3)
	require.GreaterOrEqual(t, count["stock"], 5)
	require.Greater(t, count["stock-state"], 1)
}

// rotated was signed with a secret that its receiver did not have yet.
const rotated = "v2/1760-D-E-event"

func unknownType(body string) bool {
	return strings.Contains(body, `"event_type":"no_such_type"`) || strings.Contains(body, `"event_type":""`)
}

// answered are the products of a captured answer to a query.
func answered(t testing.TB, e exchange) map[stocksync.SKU]*stocksync.Item {
	t.Helper()
	var answer struct {
		Items map[string]struct {
			Exists     bool
			Quantity   int64                `json:"stock_quantity"`
			Status     stocksync.Status     `json:"stock_status"`
			Backorders stocksync.Backorders `json:"backorders"`
			Low        int                  `json:"low_stock_amount"`
			Manage     any                  `json:"manage_stock"`
			GID        stocksync.GID        `json:"gid"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(e.Answer), &answer), e.Name)
	out := map[stocksync.SKU]*stocksync.Item{}
	for sku, v := range answer.Items {
		if !v.Exists {
			continue
		}
		i := &stocksync.Item{Ref: stocksync.Ref{GID: v.GID}, Stock: stocksync.Stock{Quantity: qty(v.Quantity), Status: v.Status, Backorders: v.Backorders, Manage: stocksync.Managed}}
		switch v.Manage {
		case false:
			i.Manage = stocksync.Unmanaged
		case "parent":
			i.Manage = stocksync.ByParent
		}
		if v.Low != 0 {
			i.LowStock = &v.Low
		}
		out[stocksync.SKU(sku)] = i
	}
	return out
}

// TestTranscriptsOfScripts has what scripts tried on the plugin's servers, and where we answer otherwise on purpose.
func TestTranscriptsOfScripts(t *testing.T) {
	t.Parallel()
	same, stricter := 0, 0
	for _, e := range transcripts(t) {
		if e.From != "peer" || e.Status == 0 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			sleepUntil(e.At)
			_, h := recorded(t, e.To)
			status := ask(h, e.request(t)).Code
			switch {
			case status == e.Status:
				same++
			case e.Status == 200 && status >= 400 && status < 500:
				stricter++
				require.NotEmpty(t, onPurpose(e), "%s: %d for %s %s %s", e.Name, status, e.Method, e.Path, e.body(t))
			case e.Status == 400 && status == 401, e.Status == 401 && status == 200, e.Status == 429, e.Status == 404 && status == 401:
				// malformed JSON is looked at after the signature; a replay and a lockout need what came before
			default:
				require.Equal(t, e.Status, status, "%s: %s %s %s", e.Name, e.Method, e.Path, e.body(t))
			}
		})
	}
	require.Greater(t, same, 80)
	require.Positive(t, stricter)
	t.Logf("%d answered as the plugin does, %d refused on purpose", same, stricter)
}

// onPurpose says why we refuse what the plugin takes.
func onPurpose(e exchange) string {
	body := ""
	if e.Body != nil {
		body = *e.Body
	}
	item := func(text string) bool { return strings.Contains(body, text) }
	switch {
	case e.Method != http.MethodPost:
		return "method override"
	case e.To == "D" && item("sku_rename"):
		return "a child renames"
	case unknownType(body):
		return "unknown type"
	case item(`"event_type"`) && !item(`"items"`):
		return "no items"
	case item(`"stock_quantity":"abc"`), item(`"stock_quantity":null`), item(`"stock_quantity":true`), item(`"stock_quantity":[]`):
		return "no quantity"
	case item(`"sku"`) && item(`"event_type"`) && !item(`"stock_quantity"`), item(`"manage_stock":true,"stock_status"`):
		return "no quantity"
	case item(`1000000000000`), item(`9223372036854775808`):
		return "beyond any stock"
	case e.route() == "ping" && !json.Valid([]byte(body)) && body != "":
		return "no JSON"
	}
	for _, h := range e.Headers {
		switch {
		case h[0] == "X-Kitgenix-Timestamp" && strings.HasPrefix(h[1], "0"):
			return "leading zeros"
		case h[0] == "X-Kitgenix-Nonce" && (len(h[1]) < 8 || len(h[1]) > 128 || strings.ContainsAny(h[1], " ")):
			return "nonce"
		}
	}
	names := map[string]int{}
	for _, h := range e.Headers {
		names[strings.ToLower(h[0])]++
	}
	for _, n := range names {
		if n > 1 {
			return "header twice"
		}
	}
	return ""
}

// TestTranscriptsToClient plays every captured answer to our client.
func TestTranscriptsToClient(t *testing.T) {
	t.Parallel()
	for _, e := range transcripts(t) {
		if e.From == "peer" || e.Status == 0 || e.Note != "" && strings.Contains(e.Note, "dropped") {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			s := &shop{t: t, script: func(int, sent) (int, http.Header, string) {
				header := http.Header{}
				if strings.HasPrefix(e.Answer, "<") {
					header.Set("Content-Type", "text/html")
				}
				if e.Status/100 == 3 {
					header.Set("Location", "https://elsewhere.example/")
				}
				return e.Status, header, e.Answer
			}}
			w := s.to(t, func(c *kitgenix.Config) { c.Pairs[0].Generation = int(e.Name[1] - '0') })
			good := e.Status == 200 && strings.HasPrefix(e.Answer, `{"ok":true`)
			switch e.route() {
			case "ping":
				pong, err := w.Peer("e").Ping(t.Context())
				require.NoError(t, err, e.Name)
				require.Equal(t, stores[e.To], pong.StoreID)
				require.Equal(t, "Store "+e.To, pong.Name)
				require.Equal(t, map[byte]string{'1': "", '2': "2.0.0"}[e.Name[1]], pong.Version)
			case "event":
				applied, err := w.Peer("e").Push(t.Context(), items(1))
				if good {
					require.NoError(t, err, e.Name)
					require.Equal(t, stocksync.Accepted, applied[0].Outcome)
					return
				}
				require.Error(t, err, "%s: a plugin takes any 2xx for success, we do not", e.Name)
			default:
				var refs []stocksync.Ref
				var q struct{ Items []struct{ SKU any } }
				d := json.NewDecoder(bytes.NewReader([]byte(e.body(t))))
				d.UseNumber()
				require.NoError(t, d.Decode(&q))
				for _, i := range q.Items {
					refs = append(refs, stocksync.Ref{SKU: stocksync.SKU(fmt.Sprint(i.SKU))})
				}
				got, err := w.Upstream("e").Query(t.Context(), refs)
				if !good {
					require.Error(t, err, e.Name)
					return
				}
				require.NoError(t, err, e.Name)
				if e.Answer == `{"ok":true,"items":[]}` {
					require.Nil(t, got[0])
					return
				}
				want := answered(t, e)
				for i, r := range refs {
					if want[r.SKU] == nil {
						require.Nil(t, got[i], e.Name)
						continue
					}
					require.Equal(t, want[r.SKU].Quantity.String(), got[i].Quantity.String(), e.Name)
					require.Equal(t, want[r.SKU].Status, got[i].Status)
					require.Equal(t, want[r.SKU].Backorders, got[i].Backorders)
				}
			}
		})
	}
}

// TestTranscriptsOfOurs sends what captured events say by our own client, and reads it back as the handler does: no meaning is lost.
func TestTranscriptsOfOurs(t *testing.T) {
	t.Parallel()
	count := 0
	for _, e := range transcripts(t) {
		if e.From == "peer" || e.route() != "event" || unknownType(e.body(t)) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			sleepUntil(e.At)
			n, h := recorded(t, e.To)
			if ask(h, e.request(t)).Code != 200 {
				return
			}
			before := n.got()[0]
			receiver := &node{id: "e", role: n.role}
			atReceiver := wire(t, "e", kitgenix.Pair{StoreID: "d", Secret: secret}).Handler(receiver)
			var body string
			tap := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var buf bytes.Buffer
				_, err := buf.ReadFrom(r.Body)
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				body = buf.String()
				r.Body = http.NoBody
				clone := r.Clone(r.Context())
				clone.Body, clone.ContentLength = readCloser{&buf}, int64(buf.Len())
				atReceiver.ServeHTTP(w, clone)
			})
			w := configured(t, kitgenix.Config{
				Self: stocksync.Self{StoreID: "d"}, HTTPClient: reach(t, tap),
				Pairs: []kitgenix.Pair{{StoreID: "e", URL: "https://e.example", Secret: secret, Generation: 2}},
			})
			if len(before.Items) == 0 {
				return
			}
			var err error
			switch {
			case e.From != "D":
				err = w.Upstream("e").Report(t.Context(), before)
			case before.Kind == stocksync.SKURename:
				refs := make([]stocksync.Ref, len(before.Items))
				for i, item := range before.Items {
					refs[i] = item.Ref
				}
				_, err = w.Peer("e").Rename(t.Context(), refs)
			default:
				_, err = w.Peer("e").Push(t.Context(), before.Items)
			}
			require.NoError(t, err, e.Name)
			after := receiver.got()
			var got []stocksync.Item
			for _, r := range after {
				got = append(got, r.Items...)
			}
			require.Equal(t, said(before.Items), said(got), e.Name)
			ours, theirs := eventOf(t, body), eventOf(t, e.body(t))
			require.Equal(t, theirs["event_type"], ours["event_type"])
			for name := range theirs {
				if name != "props" && name != "meta_key" && name != "order_id" && name != "foo" {
					require.Contains(t, ours, name, e.Name)
				}
			}
			count++
		})
	}
	require.Greater(t, count, 70)
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }
