package kitgenix_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

var (
	_ stocksync.Pinger   = (*kitgenix.Peer)(nil)
	_ stocksync.Limits   = (*kitgenix.Peer)(nil)
	_ stocksync.Fenced   = (*kitgenix.Peer)(nil)
	_ stocksync.Relative = (*kitgenix.Peer)(nil)
)

// TestPush looks at what goes over the wire to each generation.
func TestPush(t *testing.T) {
	t.Parallel()
	low := 2
	all := []stocksync.Item{
		{Ref: stocksync.Ref{GID: "g1", SKU: "A/1"}, Stock: stocksync.Stock{
			Quantity: qty(5), Status: stocksync.InStock, Backorders: stocksync.BackordersNotify, Manage: stocksync.Managed, LowStock: &low,
		}, Version: 1772000000001},
		{Ref: stocksync.Ref{GID: "g2", SKU: "U"}, Stock: stocksync.Stock{Status: stocksync.InStock, Manage: stocksync.Unmanaged}, Version: 1772000000002},
		{Ref: stocksync.Ref{GID: "g3", SKU: "P"}, Stock: stocksync.Stock{Quantity: qty(28), Manage: stocksync.ByParent}, Version: 1772000000003},
		{Ref: stocksync.Ref{GID: "g4", SKU: "N"}, Stock: stocksync.Stock{Quantity: qty(-1)}},
	}
	const (
		one   = `{"gid":"g1","sku":"A\/1","manage_stock":true,"stock_quantity":5,"stock_status":"instock","backorders":"notify","low_stock_amount":2`
		four  = `{"gid":"g4","sku":"N","stock_quantity":-1}`
		two   = `{"gid":"g2","sku":"U","manage_stock":false,"stock_quantity":0,"stock_status":"instock","version":1772000000002,"updated_at":946684800}`
		three = `{"gid":"g3","sku":"P","manage_stock":"parent","stock_quantity":28,"version":1772000000003,"updated_at":946684800}`
	)
	for generation, want := range map[int]string{
		1: `{"event_type":"stock_state","origin":"master_authoritative","time":946684800,"context":"stock_change","items":[` + one + `},` + four + `],"event_id":"ID"}`,
		2: `{"event_type":"stock_state","origin":"master_authoritative","time":946684800,"context":"stock_change","items":[` +
			one + `,"version":1772000000001,"updated_at":946684800},` + two + `,` + three + `,` + four + `],"event_id":"ID",` +
			`"origin_store_id":"d","created_at":946684800,"delivery_attempt":1,"schema_version":2}`,
	} {
		t.Run(fmt.Sprintf("2.2_generation_%d", generation), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &shop{t: t, generation: generation}
				peer := s.to(t).Peer("e")
				applied, err := peer.Push(t.Context(), all)
				require.NoError(t, err)
				require.Len(t, s.requests("ping"), 1, "the generation is asked once")
				got := s.requests("event")
				require.Len(t, got, 1)
				id, _ := eventOf(t, got[0].body)["event_id"].(string)
				require.Len(t, id, 36)
				require.Equal(t, want, strings.Replace(got[0].body, id, "ID", 1))
				require.Equal(t, stocksync.Accepted, applied[0].Outcome, "a 200 is no proof of more")
				require.Equal(t, stocksync.Accepted, applied[3].Outcome)
				for _, i := range []int{1, 2} {
					var conflict *stocksync.Conflict
					if generation == 2 {
						require.Equal(t, stocksync.Accepted, applied[i].Outcome)
						require.NoError(t, peer.Takes(all[i].Stock))
						continue
					}
					require.Equal(t, stocksync.Refused, applied[i].Outcome, "3.7: the first generation would destroy it")
					require.ErrorAs(t, applied[i].Err, &conflict)
					require.Equal(t, stocksync.UnsupportedType, conflict.Reason)
					require.Equal(t, all[i].Ref, conflict.Ref)
					require.ErrorAs(t, peer.Takes(all[i].Stock), &conflict)
				}
				require.NoError(t, peer.Takes(all[0].Stock))
				_, err = peer.Push(t.Context(), all)
				require.NoError(t, err)
				require.Len(t, s.requests("ping"), 1)
				time.Sleep(61 * time.Minute) // stores are updated
				s.generation = 3 - generation
				_, err = peer.Push(t.Context(), all)
				require.NoError(t, err)
				require.Len(t, s.requests("ping"), 2)
				require.Equal(t, generation == 1, peer.Takes(all[1].Stock) == nil)
			})
		})
	}
	t.Run("3.7_nothing_left_for_the_first_generation", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, generation: 1}
		applied, err := s.to(t).Peer("e").Push(t.Context(), all[1:3])
		require.NoError(t, err)
		require.Equal(t, stocksync.Refused, applied[0].Outcome)
		require.Empty(t, s.requests("event"))
	})
	t.Run("2.2_sku_rename", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		applied, err := s.to(t).Peer("e").Rename(t.Context(), []stocksync.Ref{{GID: "g", SKU: "new", OldSKU: "old"}, {GID: "h", SKU: "n"}})
		require.NoError(t, err)
		require.Len(t, applied, 2)
		body := s.requests("event")[0].body
		require.Contains(t, body, `{"event_type":"sku_rename","origin":"master",`)
		require.Contains(t, body, `"items":[{"gid":"g","sku":"new","old_sku":"old"},{"gid":"h","sku":"n","old_sku":""}]`)
	})
	t.Run("plugins-observed_8.5_give_back", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		applied, err := s.to(t).Peer("e").GiveBack(t.Context(), items(2))
		require.NoError(t, err)
		require.Equal(t, []stocksync.Applied{{Outcome: stocksync.Accepted}, {Outcome: stocksync.Accepted}}, applied)
		require.Equal(t, 2, strings.Count(s.requests("event")[0].body, `"version":0,"updated_at":`))
		old := &shop{t: t, generation: 1}
		_, err = old.to(t).Peer("e").GiveBack(t.Context(), items(2))
		require.NoError(t, err)
		require.NotContains(t, old.requests("event")[0].body, "version")
	})
	t.Run("generation_not_known", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: func(int, sent) (int, http.Header, string) { return 503, nil, "{}" }}
		peer := s.to(t).Peer("e")
		require.NoError(t, peer.Takes(all[1].Stock), "until it is known, Push decides")
		applied, err := peer.Push(t.Context(), all)
		require.ErrorIs(t, err, kitgenix.ErrUnavailable)
		behaviours{}.check(t, err) // a ping changes nothing
		require.Len(t, applied, len(all))
		require.Equal(t, stocksync.Failed, applied[0].Outcome)
		require.Empty(t, s.requests("event"))
	})
}

// TestRead has the answers of both generations to /stock-state.
func TestRead(t *testing.T) {
	t.Parallel()
	answer := func(body string) *shop {
		return &shop{t: t, script: func(_ int, in sent) (int, http.Header, string) {
			if strings.HasSuffix(in.path, "ping") {
				return 0, nil, ""
			}
			return 200, nil, body
		}}
	}
	t.Run("2.4_by_the_asked_text", func(t *testing.T) {
		t.Parallel()
		s := answer(`{"ok":true,"items":{"A\/1":{"exists":true,"stock_quantity":3,"stock_status":"instock","backorders":"no","low_stock_amount":0,"manage_stock":true,"gid":"g1"},` +
			`"00012":{"exists":true,"stock_quantity":null,"stock_status":"outofstock","backorders":"yes","low_stock_amount":5,"manage_stock":"parent"},"none":{"exists":false}}}`)
		got, err := s.to(t).Peer("e").Read(t.Context(), []stocksync.Ref{{GID: "g1", SKU: " A/1 "}, {SKU: "00012"}, {SKU: "none"}, {GID: "g9"}, {SKU: "other"}, {GID: "g2", SKU: "A/1"}})
		require.NoError(t, err)
		require.Equal(t, &stocksync.Stock{Quantity: qty(3), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed}, got[0])
		require.Equal(t, stocksync.ByParent, got[1].Manage)
		require.True(t, got[1].Quantity.IsZero())
		require.Equal(t, 5, *got[1].LowStock)
		require.Nil(t, got[2])
		require.Nil(t, got[3], "the routes know no GID")
		require.Nil(t, got[4])
		require.Nil(t, got[5], "it has another product under this SKU")
		want := `{"items":[{"sku":"A\/1"},{"sku":"00012"},{"sku":"none"},{"sku":"other"},{"sku":"A\/1"}]}`
		require.Equal(t, []byte(want), []byte(s.requests("stock-state")[0].body)) // byte by byte, as it is signed
	})
	t.Run("2.5_list", func(t *testing.T) {
		t.Parallel()
		s := answer(`{"ok":true,"items":[{"exists":false},{"exists":true,"stock_quantity":7,"stock_status":"instock","backorders":"no"}]}`)
		got, err := s.to(t).Upstream("e").Query(t.Context(), []stocksync.Ref{{SKU: "0"}, {SKU: "1"}})
		require.NoError(t, err)
		require.Nil(t, got[0])
		require.Equal(t, "7", got[1].Quantity.String())
		require.Len(t, s.requests("stock"), 1)
	})
	t.Run("2.4_in_parts", func(t *testing.T) {
		t.Parallel()
		s := answer(`{"ok":true,"items":[]}`)
		refs := make([]stocksync.Ref, 450)
		for i := range refs {
			refs[i].SKU = stocksync.SKU(fmt.Sprint("S", i))
		}
		got, err := s.to(t).Peer("e").Read(t.Context(), refs)
		require.NoError(t, err)
		require.Len(t, got, 450)
		require.Len(t, s.requests("stock-state"), 3)
	})
	for name, body := range map[string]string{
		"nonsense_quantity": `{"ok":true,"items":{"a":{"exists":true,"stock_quantity":"abc","manage_stock":true}}}`,
		"items_missing":     `{"ok":true}`,
		"items_text":        `{"ok":true,"items":"x"}`,
		"twice":             `{"ok":true,"items":{"a":{"exists":false},"a":{"exists":false}}}`,
		"not_ok":            `{"ok":0,"items":[]}`,
	} {
		t.Run("A-63_"+name, func(t *testing.T) {
			t.Parallel()
			_, err := answer(body).to(t).Peer("e").Read(t.Context(), []stocksync.Ref{{SKU: "a"}})
			require.ErrorIs(t, err, kitgenix.ErrUnverified)
			behaviours{}.check(t, err)
		})
	}
}

// TestBatches keeps events within what a receiver bears.
func TestBatches(t *testing.T) {
	t.Parallel()
	counts := func(s *shop) []int {
		var n []int
		for _, r := range s.requests("event") {
			list, _ := eventOf(s.t, r.body)["items"].([]any)
			n = append(n, len(list))
		}
		return n
	}
	slow := func(t *testing.T, per time.Duration) *shop {
		return &shop{t: t, script: func(_ int, in sent) (int, http.Header, string) {
			if strings.HasSuffix(in.path, "event") {
				time.Sleep(time.Duration(strings.Count(in.body, `"gid"`)) * per)
			}
			return 0, nil, ""
		}}
	}
	t.Run("5.1_40_then_more_where_it_is_quick", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := slow(t, time.Millisecond)
			peer := s.to(t).Peer("e")
			require.Equal(t, 40, peer.Batch())
			applied, err := peer.Push(t.Context(), items(1000))
			require.NoError(t, err)
			require.Len(t, applied, 1000)
			n := counts(s)
			require.Equal(t, []int{40, 50, 62, 77, 96, 120, 150, 187, 200}, n[:9], "up to 200")
			require.Equal(t, 200, peer.Batch())
			sum := 0
			for _, k := range n {
				sum += k
			}
			require.Equal(t, 1000, sum)
		})
	})
	t.Run("5.1_fewer_where_it_takes_more_than_5_s", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := slow(t, 200*time.Millisecond)
			peer := s.to(t).Peer("e")
			_, err := peer.Push(t.Context(), items(200))
			require.NoError(t, err)
			n := counts(s)
			require.Equal(t, 40, n[0])
			for _, k := range n[1:] {
				require.LessOrEqual(t, k, 25, "5 s")
			}
			s = slow(t, time.Second) // 10 are the least, as long as they succeed
			peer = s.to(t).Peer("e")
			for range 3 {
				_, err = peer.Push(t.Context(), items(25))
				require.NoError(t, err)
			}
			require.Equal(t, 10, peer.Batch())
		})
	})
	t.Run("4.1_bytes", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		long := items(40)
		for i := range long {
			long[i].SKU += stocksync.SKU(strings.Repeat("é", 8_000))
		}
		_, err := s.to(t).Peer("e").Push(t.Context(), long)
		require.NoError(t, err)
		require.Greater(t, len(s.requests("event")), 1)
		for _, r := range s.requests("event") {
			require.LessOrEqual(t, len(r.body), 3<<19)
		}
	})
	t.Run("1.2_413_is_split", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: func(_ int, in sent) (int, http.Header, string) {
			if strings.Count(in.body, `"gid"`) > 7 {
				return 413, nil, refusalBody("kss_payload_too_large", 413)
			}
			return 0, nil, ""
		}}
		applied, err := s.to(t).Peer("e").Push(t.Context(), items(20))
		require.NoError(t, err)
		for _, a := range applied {
			require.Equal(t, stocksync.Accepted, a.Outcome)
		}
	})
	t.Run("SS-11_one_item_is_refused", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: func(_ int, in sent) (int, http.Header, string) {
			if strings.Contains(in.body, "SKU-0033") {
				return 400, nil, refusalBody("kss_bad_payload", 400)
			}
			return 0, nil, ""
		}}
		applied, err := s.to(t).Peer("e").Push(t.Context(), items(100))
		require.NoError(t, err)
		for i, a := range applied {
			if i == 33 {
				require.Equal(t, stocksync.Refused, a.Outcome)
				require.ErrorIs(t, a.Err, kitgenix.ErrValidation)
				continue
			}
			require.Equal(t, stocksync.Accepted, a.Outcome, "item %d", i)
		}
		require.Less(t, len(s.requests("event")), 25)
	})
	t.Run("SS-11_down_to_the_item_that_kills_it", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: func(_ int, in sent) (int, http.Header, string) {
			if strings.Contains(in.body, "SKU-0003") {
				return 500, nil, "{}"
			}
			return 0, nil, ""
		}}
		peer := s.to(t).Peer("e")
		waiting := items(40)
		for range 20 {
			applied, _ := peer.Push(t.Context(), waiting)
			var left []stocksync.Item
			for i, a := range applied {
				if a.Outcome != stocksync.Accepted {
					require.ErrorIs(t, a.Err, kitgenix.ErrAmbiguous)
					left = append(left, waiting[i])
				}
			}
			waiting = append(left[1:], left[0]) // the others first
			if len(waiting) == 1 {
				break
			}
		}
		require.Len(t, waiting, 1)
		require.Equal(t, stocksync.SKU("SKU-0003"), waiting[0].SKU)
	})
	t.Run("partly", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t, script: func(n int, _ sent) (int, http.Header, string) {
			if n == 3 {
				return 503, nil, "{}"
			}
			return 0, nil, ""
		}}
		applied, err := s.to(t).Peer("e").Push(t.Context(), items(100))
		require.NoError(t, err, "an error speaks of all")
		require.Equal(t, stocksync.Accepted, applied[39].Outcome)
		require.Equal(t, stocksync.Failed, applied[40].Outcome)
		require.Equal(t, stocksync.Failed, applied[99].Outcome)
		require.ErrorIs(t, applied[99].Err, kitgenix.ErrUnavailable)
		require.Len(t, s.requests("event"), 2, "the rest would meet the same")
	})
}

// TestReport looks at what a child sends to its master.
func TestReport(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 25, 6, 13, 20, 999, time.UTC)
	was := qty(9)
	report := stocksync.Report{EventID: "sale-1", At: at, Context: "order_processing", Items: items(60)}
	report.Items[0].Was = &was
	t.Run("4.1_25_items_and_6000_bytes", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		up := s.to(t).Upstream("e")
		require.NoError(t, up.Report(t.Context(), report))
		require.NoError(t, up.Report(t.Context(), report))
		sum, ids := 0, map[any]bool{}
		for _, r := range s.requests("event") {
			e := eventOf(t, r.body)
			list, _ := e["items"].([]any)
			require.LessOrEqual(t, len(list), 25)
			require.LessOrEqual(t, len(r.body), 6000)
			require.Equal(t, "child_local", e["origin"])
			require.InDelta(t, at.Unix(), e["time"], 0)
			require.InDelta(t, at.Unix(), e["created_at"], 0)
			require.Equal(t, "d", e["origin_store_id"])
			require.NotContains(t, r.body, "version\":17", "3.5: versions are the master's")
			require.NotContains(t, r.body, `"was"`)
			sum += len(list)
			ids[e["event_id"]] = true
		}
		require.Equal(t, 120, sum)
		require.Len(t, ids, len(s.requests("event")), "a plugin never gets an event id twice")
		require.False(t, up.(stocksync.Exact).Exact(t.Context()))
	})
	t.Run("4.1_wide_items", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		wide := stocksync.Report{Items: items(25)}
		for i := range wide.Items {
			wide.Items[i].SKU += stocksync.SKU(strings.Repeat("Ž", 50))
		}
		require.NoError(t, s.to(t).Upstream("e").Report(t.Context(), wide))
		require.Greater(t, len(s.requests("event")), 1)
		for _, r := range s.requests("event") {
			require.LessOrEqual(t, len(r.body), 6000)
		}
		wide.Items[3].SKU += stocksync.SKU(strings.Repeat("Ž", 1000))
		err := s.to(t).Upstream("e").Report(t.Context(), wide)
		require.ErrorIs(t, err, kitgenix.ErrTooLarge)
		behaviours{permanent: true}.check(t, err)
	})
	t.Run("to_a_Go_master", func(t *testing.T) {
		t.Parallel()
		master := &node{id: "m", role: stocksync.RoleMaster}
		h := wire(t, "m", kitgenix.Pair{StoreID: "d", Secret: secret}).Handler(master)
		w := configured(t, kitgenix.Config{
			Self: stocksync.Self{StoreID: "d"}, HTTPClient: reach(t, h), Pairs: []kitgenix.Pair{{StoreID: "m", URL: "https://m.example", Secret: secret}},
		})
		up := w.Upstream("m")
		require.True(t, up.(stocksync.Exact).Exact(t.Context()))
		report := report
		report.Items = items(250)
		report.Items[0].Was = &was
		require.NoError(t, up.Report(t.Context(), report))
		require.NoError(t, up.Report(t.Context(), report))
		got := master.got()
		require.Len(t, got, 4)
		require.Equal(t, []string{"sale-1", "sale-1/1", "sale-1", "sale-1/1"}, []string{got[0].EventID, got[1].EventID, got[2].EventID, got[3].EventID},
			"the same report is the same events")
		require.Equal(t, "9", got[0].Items[0].Was.String())
		require.Nil(t, got[0].Items[1].Was)
		require.Zero(t, got[0].Items[0].Version)
		require.Len(t, got[0].Items, 200)
		require.Len(t, got[1].Items, 50)
	})
	t.Run("3.2_never_a_rename", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		err := s.to(t).Upstream("e").Report(t.Context(), stocksync.Report{Kind: stocksync.SKURename, Items: items(1)})
		require.ErrorIs(t, err, kitgenix.ErrValidation)
		require.Empty(t, s.requests("event"))
	})
	t.Run("2.2_empty", func(t *testing.T) {
		t.Parallel()
		s := &shop{t: t}
		require.NoError(t, s.to(t).Upstream("e").Report(t.Context(), stocksync.Report{}))
		require.Empty(t, s.requests("event"))
	})
}

// TestGoService uses what one of ours can do more: tell versions, keep sales.
func TestGoService(t *testing.T) {
	t.Parallel()
	item := items(1)[0]
	child := &node{id: "e", role: stocksync.RoleChild, items: map[stocksync.SKU]*stocksync.Item{item.SKU: &item}}
	h := wire(t, "e", kitgenix.Pair{StoreID: "d", Secret: secret}).Handler(child)
	w := configured(t, kitgenix.Config{
		Self: stocksync.Self{StoreID: "d"}, HTTPClient: reach(t, h), Pairs: []kitgenix.Pair{{StoreID: "e", URL: "https://e.example", Secret: secret}},
	})
	peer := w.Peer("e")
	require.False(t, peer.KeepsSales(), "not known yet")
	versions, err := peer.Versions(t.Context(), []stocksync.Ref{item.Ref, {SKU: "x"}})
	require.NoError(t, err)
	require.Equal(t, []int64{item.Version, 0}, versions)
	_, err = peer.Ping(t.Context())
	require.NoError(t, err)
	require.True(t, peer.KeepsSales())

	s := &shop{t: t}
	plugin := s.to(t).Peer("e")
	_, err = plugin.Ping(t.Context())
	require.NoError(t, err)
	require.False(t, plugin.KeepsSales())
}

// TestMonitor watches and cannot write, and is patient.
func TestMonitor(t *testing.T) {
	t.Parallel()
	t.Run("5.1_one_request_in_10_s", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &shop{t: t}
			m, err := s.to(t).Monitor("e", stocksync.RoleChild)
			require.NoError(t, err)
			began := time.Now()
			for range 7 {
				_, err = m.Read(t.Context(), []stocksync.Ref{{SKU: "a"}})
				require.NoError(t, err)
			}
			require.Equal(t, time.Minute, time.Since(began))
			_, canPush := any(m).(interface {
				Push(context.Context, []stocksync.Item) ([]stocksync.Applied, error)
			})
			_, canReport := any(m).(stocksync.Upstream)
			require.False(t, canPush || canReport)
		})
	})
	t.Run("3.10_as_a_disabled_child_of_a_master", func(t *testing.T) {
		t.Parallel()
		master := &node{id: "d", role: stocksync.RoleMaster, items: map[stocksync.SKU]*stocksync.Item{"a": {Stock: stocksync.Stock{Quantity: qty(4), Manage: stocksync.Managed}}}}
		for _, bound := range []bool{false, true} {
			h := wire(t, "d", kitgenix.Pair{StoreID: "watch", Secret: secret, Disabled: true, RFC9421: bound}).Handler(master)
			w := configured(t, kitgenix.Config{
				Self: stocksync.Self{StoreID: "watch"}, HTTPClient: reach(t, h), Pairs: []kitgenix.Pair{{StoreID: "d", URL: "https://d.example", Secret: secret, RFC9421: bound}},
			})
			m, err := w.Monitor("d", stocksync.RoleMaster)
			require.NoError(t, err)
			require.Equal(t, stocksync.StoreID("d"), m.ID())
			pong, err := m.Ping(t.Context())
			require.NoError(t, err)
			require.Equal(t, stocksync.RoleMaster, pong.Role)
			err = w.Upstream("d").Report(t.Context(), stocksync.Report{Items: items(1)})
			require.ErrorIs(t, err, kitgenix.ErrForbidden)
		}
		require.Empty(t, master.got())
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		_, err := wire(t, "d", kitgenix.Pair{StoreID: "e", Secret: secret}).Monitor("e", stocksync.RoleChild)
		require.ErrorContains(t, err, "URL")
	})
}

// TestPeers leaves out whom nothing is pushed to.
func TestPeers(t *testing.T) {
	t.Parallel()
	w := wire(t, "d",
		kitgenix.Pair{StoreID: "a", Secret: secret + "a", URL: "https://a.example"},
		kitgenix.Pair{StoreID: "b", Secret: secret + "b", URL: "https://b.example", Disabled: true},
		kitgenix.Pair{StoreID: "c", Secret: secret + "c"})
	peers := w.Peers()
	require.Len(t, peers, 1)
	require.Equal(t, stocksync.StoreID("a"), peers[0].ID())
	require.NotNil(t, w.Peer("b"))
	require.Nil(t, w.Peer("c"))
	require.Nil(t, w.Peer("x"))
	require.Nil(t, w.Upstream("c"))
	require.Nil(t, w.Upstream("x"))
	require.Equal(t, stocksync.StoreID("a"), w.Upstream("a").ID())
}
