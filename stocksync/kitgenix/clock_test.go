package kitgenix_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// TestCaptured puts the moment of an event right by what is known of its sender's clock (SS-09).
func TestCaptured(t *testing.T) {
	t.Parallel()
	const ahead = 2 * time.Minute // the peer's clock
	// receive sends an event captured age ago and signed now, both by the peer's clock, and returns what the node hears.
	receive := func(t *testing.T, w *kitgenix.Wire, fields string) (stocksync.Report, time.Time) {
		t.Helper()
		n := &node{id: "d", role: stocksync.RoleMaster}
		body := `{"event_type":"stock_state",` + fields + `"items":[{"sku":"A","stock_quantity":1}]}`
		r := signed(t, "event", body, "e", secret)
		sign(t, r, body, "e", secret, time.Now().Add(ahead), newNonce())
		require.Equal(t, 200, ask(w.Handler(n), r).Code)
		return n.got()[0], time.Now()
	}
	at := func(before time.Duration) int64 { return time.Now().Add(ahead - before).Unix() }
	near := func(t *testing.T, r stocksync.Report, want time.Time) {
		t.Helper()
		require.LessOrEqual(t, r.At.Sub(want).Abs(), r.Doubt, "at %s, doubt %s", r.At, r.Doubt)
		require.False(t, r.At.After(time.Now()))
		require.Equal(t, time.UTC, r.At.Location())
	}
	for _, measured := range []bool{false, true} {
		t.Run(fmt.Sprintf("3_measured_%v", measured), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &shop{t: t}
				s.script = func(int, sent) (int, http.Header, string) {
					now := time.Now().Add(ahead)
					return 200, http.Header{"Date": {now.UTC().Format(http.TimeFormat)}},
						fmt.Sprintf(`{"ok":true,"store_id":"e","store_name":"E","role":"child","time":%d}`, now.Unix())
				}
				w := s.to(t)
				most := 9 * time.Second
				if measured {
					pong, err := w.Peer("e").Ping(t.Context())
					require.NoError(t, err)
					require.InDelta(t, ahead.Seconds(), pong.Offset.Seconds(), 1)
					most = 2 * time.Second
				}
				r, now := receive(t, w, fmt.Sprintf(`"created_at":%d,"time":%d,`, at(time.Minute), at(time.Minute)))
				near(t, r, now.Add(-time.Minute))
				require.LessOrEqual(t, r.Doubt, most)
				r, now = receive(t, w, fmt.Sprintf(`"time":%d,`, at(time.Hour))) // first generation, tried again after an hour
				near(t, r, now.Add(-time.Hour))
				r, now = receive(t, w, fmt.Sprintf(`"created_at":%d,"time":%d,`, at(0), at(20*time.Second)))
				near(t, r, now.Add(-20*time.Second)) // captured earlier than made
				r, now = receive(t, w, fmt.Sprintf(`"created_at":%d,`, at(-time.Hour)))
				near(t, r, now) // never in the future
				r, now = receive(t, w, fmt.Sprintf(`"created_at":%d,"origin_store_id":"f",`, at(time.Minute)-250))
				near(t, r, now.Add(-time.Minute)) // by another store's clock
				for _, nonsense := range []string{``, `"time":0,`, `"created_at":-5,`, `"time":"x",`, `"created_at":99999999999999,`} {
					r, now = receive(t, w, nonsense)
					require.Equal(t, now.UTC(), r.At)
					require.GreaterOrEqual(t, r.Doubt, 24*time.Hour)
				}
			})
		})
	}
}

// TestCapturedInOrder: what one store reports of one second has one time, however its clock is measured meanwhile.
func TestCapturedInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shop{t: t}
		s.script = func(int, sent) (int, http.Header, string) {
			return 200, http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}},
				fmt.Sprintf(`{"ok":true,"store_id":"e","store_name":"E","role":"child","time":%d}`, time.Now().Unix())
		}
		w := s.to(t)
		second := time.Now().Unix() - 2 // no report is from the future: those of this second would be cut
		var first time.Time
		for range 9 {
			_, err := w.Peer("e").Ping(t.Context())
			require.NoError(t, err)
			n := &node{id: "d", role: stocksync.RoleMaster}
			body := fmt.Sprintf(`{"event_type":"stock_state","time":%d,"items":[{"sku":"A","stock_quantity":1}]}`, second)
			r := signed(t, "event", body, "e", secret)
			sign(t, r, body, "e", secret, time.Now(), newNonce())
			require.Equal(t, 200, ask(w.Handler(n), r).Code)
			if first.IsZero() {
				time.Sleep(time.Second)
				first = n.got()[0].At
				continue
			}
			require.Equal(t, first, n.got()[0].At)
			time.Sleep(370 * time.Millisecond)
		}
	})
}

// TestSchedules holds the effective tables of 4.2.
func TestSchedules(t *testing.T) {
	t.Parallel()
	want := []time.Duration{300 * time.Second, 900 * time.Second, time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour}
	sum := time.Duration(0)
	v1, v2 := kitgenix.ScheduleV1(), kitgenix.ScheduleV2()
	for i, d := range want {
		require.Equal(t, d, v1.Delay(i+1))
		require.Equal(t, d, v2.Delay(i+1))
		sum += d
	}
	require.Equal(t, 25*time.Hour+20*time.Minute, sum)
	attempts, age := v1.Limits()
	require.Negative(t, attempts, "without end")
	require.Negative(t, age)
	require.Equal(t, 6*time.Hour, v1.Delay(1000))
	attempts, age = v2.Limits()
	require.Equal(t, 8, attempts)
	require.GreaterOrEqual(t, age, sum, "the lifetime does not end it earlier")
}
