package stocksync

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// window is a store that is looked at.
type window struct {
	id    StoreID
	stock map[SKU]*Stock
	asked []time.Time
	fail  func(n int) error
	shift func(n int)
}

func (w *window) ID() StoreID { return w.id }

func (w *window) Read(_ context.Context, refs []Ref) ([]*Stock, error) {
	w.asked = append(w.asked, time.Now())
	if w.shift != nil {
		w.shift(len(w.asked))
	}
	if w.fail != nil {
		if err := w.fail(len(w.asked)); err != nil {
			return nil, err
		}
	}
	stocks := make([]*Stock, len(refs))
	for i, ref := range refs {
		stocks[i] = w.stock[ref.SKU]
	}
	return stocks, nil
}

// porch is one that also answers pings.
type porch struct {
	window
	pong Pong
	err  error
}

func (p *porch) Ping(context.Context) (Pong, error) { return p.pong, p.err }

func TestMonitor(t *testing.T) {
	t.Parallel()
	full := func(id StoreID, n int) *window {
		w := &window{id: id, stock: map[SKU]*Stock{}}
		for i := range n {
			w.stock[SKU(fmt.Sprintf("S%03d", i))] = stocked(10)
		}
		return w
	}
	refs := func(n int) (refs []Ref) {
		for i := range n {
			refs = append(refs, Ref{SKU: SKU(fmt.Sprintf("S%03d", i))})
		}
		return refs
	}

	t.Run("typed_differences", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			master, good := full("master", 250), full("good", 250)
			bad := &porch{window: *full("bad", 250), pong: Pong{StoreID: "bad", Version: "1.9", Offset: time.Minute}}
			bad.stock["S001"] = stocked(9)
			delete(bad.stock, "S002")
			bad.stock["S003"] = &Stock{Manage: Unmanaged, Status: InStock}
			low, high := 2, 3
			master.stock["S004"].LowStock = &low
			bad.stock["S004"].Backorders, bad.stock["S004"].LowStock = BackordersYes, &high
			bad.stock["S005"].Status = OutOfStock // its threshold is another: no drift
			master.stock["S006"] = &Stock{Manage: Unmanaged, Status: InStock}
			bad.stock["S006"] = &Stock{Manage: Unmanaged, Status: OutOfStock}
			bad.stock["S007"] = stocked(1)
			m, err := NewMonitor(MonitorConfig{Master: master, Children: []Reader{good, bad}, Exclude: ParseExclusions("S007")})
			require.NoError(t, err)
			good.stock["S006"] = master.stock["S006"]
			begin := time.Now()
			var steps []Progress
			report, err := m.Drift(t.Context(), refs(250), func(p Progress) { steps = append(steps, p) })
			require.NoError(t, err)
			require.Equal(t, 249, report.Products)
			require.Equal(t, Drift{Store: "good", Read: 249}, report.Stores[0])
			var found []string
			for _, d := range report.Stores[1].Differences {
				found = append(found, d.String())
			}
			require.Equal(t, []string{
				"S001 at bad: quantity is 9, should be 10",
				"S002 at bad: product is missing, should be there",
				"S003 at bad: manage is no, should be yes",
				"S004 at bad: backorders is yes, should be no",
				"S004 at bad: low_stock is 3, should be 2",
				"S006 at bad: status is outofstock, should be instock",
			}, found)
			require.Equal(t, 5, report.Stores[1].Differ)
			require.Equal(t, "1.9", report.Stores[1].Pong.Version)
			require.Equal(t, time.Minute, report.Stores[1].Pong.Offset)
			require.Equal(t, Progress{Step: "read", Done: 498, Total: 498}, steps[1])
			for _, w := range []*window{master, good, &bad.window} {
				for i := 1; i < len(w.asked); i++ {
					require.GreaterOrEqual(t, w.asked[i].Sub(w.asked[i-1]), 10*time.Second, "at most one request in 10 s")
				}
			}
			require.Len(t, bad.asked, 4)
			require.Less(t, time.Since(begin), 2*time.Minute)
		})
	})

	t.Run("a_push_on_its_way_is_no_drift", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			master, child := full("master", 3), full("child", 3)
			child.stock["S001"] = stocked(9)
			child.shift = func(n int) {
				if n == 2 {
					child.stock["S001"] = stocked(10)
				}
			}
			m, err := NewMonitor(MonitorConfig{Master: master, Children: []Reader{child}})
			require.NoError(t, err)
			report, err := m.Drift(t.Context(), refs(3), nil)
			require.NoError(t, err)
			require.Zero(t, report.Stores[0].Differ)
		})
	})

	t.Run("lockout", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			master, child := full("master", 300), full("child", 300)
			shut := &porch{window: *full("shut", 300), err: errors.New("429")}
			child.fail = func(n int) error {
				if n == 2 {
					return errors.New("401")
				}
				return nil
			}
			m, err := NewMonitor(MonitorConfig{Master: master, Children: []Reader{child, shut}})
			require.NoError(t, err)
			report, err := m.Drift(t.Context(), refs(300), nil)
			require.NoError(t, err)
			require.Len(t, child.asked, 2, "nothing more is asked of a store that refuses")
			require.Empty(t, shut.asked)
			require.Equal(t, 100, report.Stores[0].Read)
			require.ErrorContains(t, report.Stores[0].Err, "401")
			require.ErrorContains(t, report.Stores[1].Err, "429")
			master.fail = func(int) error { return errors.New("gone") }
			_, err = m.Drift(t.Context(), refs(3), nil)
			require.ErrorContains(t, err, "gone")
		})
	})

	_, err := NewMonitor(MonitorConfig{})
	require.ErrorContains(t, err, "Master")
	_, err = NewMonitor(MonitorConfig{Master: full("a", 1), Children: []Reader{full("a", 1)}})
	require.ErrorContains(t, err, "twice")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHealths()
		require.Equal(t, Health{Peer: "a"}, h.of("a"))
		h.inbound("a")
		begin := time.Now()
		time.Sleep(time.Second)
		h.outbound("a", errors.New("503"))
		require.False(t, h.of("a").OK())
		time.Sleep(time.Second)
		h.outbound("a", nil)
		h.clock("a", Pong{Offset: -59 * time.Second, Version: "2.0.0"})
		require.Equal(t, Health{Peer: "a", Inbound: begin, Outbound: begin.Add(2 * time.Second), Failed: begin.Add(time.Second),
			Error: "503", Offset: -59 * time.Second, Measured: begin.Add(2 * time.Second), Version: "2.0.0"}, h.of("a"))
		require.True(t, h.of("a").OK())
		h.clock("a", Pong{Offset: -time.Minute})
		require.False(t, h.of("a").OK(), "a minute is worth a look")
	})
}
