package stocksync

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func num(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func pushed(version, quantity int64, sent, acked float64) View {
	v := View{Version: version, Quantity: num(quantity), SentAt: at(sent)}
	if acked >= 0 {
		v.AckedAt = at(acked)
	}
	return v
}

func reported(quantity int64, when float64) View {
	return View{Quantity: num(quantity), SentAt: at(when)}
}

// TestAsOf: against what a report is held.
func TestAsOf(t *testing.T) {
	t.Parallel()
	views := []View{pushed(3, 5, 200, 201), reported(9, 150), pushed(2, 10, 100, 101)}
	for name, c := range map[string]struct {
		views []View
		at    float64
		doubt time.Duration
		want  standsTo
		bases []int64
	}{
		"nothing is known":                     {nil, 10, 0, unknown, nil},
		"after the last push":                  {views, 300, 0, exact, []int64{5}},
		"before it, however late it comes":     {views, 180, 0, exact, []int64{9}},
		"before the report between the pushes": {views, 120, 0, stale, nil},
		"at the same time as a report":         {views, 150, 0, exact, []int64{9}},
		"just before a push was sent":          {views, 198.5, 0, doubtful, []int64{9, 5}},
		"just after it was acknowledged":       {views, 202.9, 0, doubtful, []int64{9, 5}},
		"two seconds after it":                 {views, 203.1, 0, exact, []int64{5}},
		"by a clock in doubt":                  {views, 210, 10 * time.Second, doubtful, []int64{9, 5}},
		"older than all that is known":         {views, 50, 0, stale, nil},
		"while a push is in flight":            {[]View{pushed(2, 8, 100, -1), pushed(1, 10, 0, 1)}, 5000, 0, doubtful, []int64{10, 8}},
		"that a later one has overtaken": {[]View{pushed(3, 7, 200, 201), pushed(2, 8, 100, -1), pushed(1, 10, 0, 1)}, 300, 0,
			exact, []int64{7}},
		"while the same is pushed again": {[]View{pushed(2, 10, 100, 101), pushed(1, 10, 0, 1)}, 100, 0, exact, []int64{10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stands, bases := asOf(c.views, at(c.at), c.doubt)
			require.Equal(t, c.want, stands)
			var got []int64
			for _, b := range bases {
				got = append(got, c.views[b].Quantity.IntPart())
			}
			require.Equal(t, c.bases, got)
		})
	}
}

// TestSettle: what two reads make of a report in doubt. The store held 10, and 8 was pushed.
func TestSettle(t *testing.T) {
	t.Parallel()
	arrived := []View{pushed(2, 8, 100, 101), pushed(1, 10, 0, 1)}
	lost := []View{pushed(2, 8, 100, -1), pushed(1, 10, 0, 1)}
	for name, c := range map[string]struct {
		views          []View
		reported, read int64
		context        string
		want           int64 // against which base; 0 for none
	}{
		"sold before, overwritten":                 {arrived, 9, 8, "order_processing", 10},
		"sold after":                               {arrived, 7, 7, "order_processing", 8},
		"sold before and after":                    {arrived, 9, 7, "order_processing", 10},
		"sold before, to what was pushed":          {arrived, 8, 8, "order_processing", 10},
		"when the reads tell nothing, by its time": {arrived, 7, 6, "order_processing", 10},
		"set, before the push was sent":            {arrived, 8, 8, "stock_set", 10},
		"merely seen, what was pushed":             {arrived, 8, 8, Observed, 8},
		"set before, overwritten":                  {arrived, 6, 8, "stock_set", 10},
		"came back after":                          {arrived, 9, 9, "order_restore", 8},
		"came back before, overwritten":            {arrived, 11, 8, "order_restore", 10},
		"more than ever, without a cause":          {arrived, 12, 12, "stock_set", 0},
		"sold, and nobody knows of the push":       {lost, 7, 7, "order_processing", 10},
		"an order never changes nothing":           {lost, 8, 8, "order_processing", 10},
		"an order is never an increase":            {arrived, 9, 9, "order_processing", 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tales := settle(c.views, []Held{{Entry: Entry{At: at(99)}, Quantity: num(c.reported), Context: c.context}}, num(c.read))
			require.Len(t, tales, 1)
			if c.want == 0 {
				require.Equal(t, -1, tales[0].base)
				return
			}
			require.GreaterOrEqual(t, tales[0].base, 0)
			require.Equal(t, c.want, c.views[tales[0].base].Quantity.IntPart())
			require.Equal(t, c.reported-c.want, tales[0].delta.IntPart())
		})
	}
}

// TestSettleTwice: two orders that left the same are two, and one that is told twice is one.
func TestSettleTwice(t *testing.T) {
	t.Parallel()
	views := []View{pushed(2, 9, 100, 101), pushed(1, 10, 0, 1)}
	report := func(context string) Held {
		return Held{Entry: Entry{At: at(100)}, Quantity: num(8), Context: context}
	}
	two := settle(views, []Held{report("order_processing"), report("order_processing")}, num(8))
	require.Equal(t, []int64{-2, -1}, []int64{two[0].delta.IntPart(), two[1].delta.IntPart()}, "8 of 10, and 8 of the 9 written over it")
	require.Equal(t, []bool{false, true}, []bool{two[0].current, two[1].current}, "what the last push showed is spent by the second alone")
	one := settle(views, []Held{report("stock_set"), report("order_processing")}, num(8))
	require.Equal(t, []int64{-1, 0}, []int64{one[0].delta.IntPart(), one[1].delta.IntPart()})
}

// TestSettleBooked: what stands beside a report that was booked already.
func TestSettleBooked(t *testing.T) {
	t.Parallel()
	order := func(quantity int64, when float64) []Held {
		return []Held{{Entry: Entry{At: at(when)}, Quantity: num(quantity), Context: "order_processing", Doubt: time.Second}}
	}
	late := settle([]View{reported(17, 110), pushed(2, 19, 100, 101), pushed(1, 20, 0, 1)}, order(19, 98), num(17))
	require.Equal(t, int64(-1), late[0].delta.IntPart(), "an order does not merely show a push, although a later report includes that")
	included := settle([]View{reported(17, 110), pushed(2, 19, 100, 101), pushed(1, 30, 0, 1)}, order(18, 101), num(17))
	require.Zero(t, included[0].delta.IntPart(), "on the way from 19 to 17")
	views := []View{pushed(2, 17, 100, 101), reported(19, 99), pushed(1, 20, 0, 1)}
	require.Zero(t, settle(views, order(17, 99), num(17))[0].delta.IntPart(), "its change was told, in the same second, then the push came")
	require.Equal(t, int64(-2), settle(views, order(17, 99.5), num(17))[0].delta.IntPart(), "another order")
}

// TestSettleWitnessed: what a read has shown of a report counts more than what is nearest.
func TestSettleWitnessed(t *testing.T) {
	t.Parallel()
	views := []View{pushed(2, 8, 100, 101), pushed(1, 10, 0, 1)}
	h := Held{Entry: Entry{At: at(99.5)}, Quantity: num(7), Context: "order_processing", Doubt: time.Second}
	require.Equal(t, int64(-1), settle(views, []Held{h}, num(5))[0].delta.IntPart(), "nobody has seen it, and it was sold on")
	h.Before = 2
	require.Equal(t, int64(-3), settle(views, []Held{h}, num(5))[0].delta.IntPart(), "the push was seen written over it")
	h.Before, h.After, h.Quantity = 0, 2, num(6)
	views[1].Quantity = num(7)
	require.Equal(t, int64(-2), settle(views, []Held{h}, num(5))[0].delta.IntPart(), "it was seen standing after the push")
}

// TestWitness: a read shows something of a report only if it was begun after that came, and after the push was acknowledged.
func TestWitness(t *testing.T) {
	t.Parallel()
	l := &line{Row: &Row{Held: []Held{{Entry: Entry{Store: "a", Note: noteDoubt, At: at(99)}, Quantity: num(7), Got: at(102)}}}}
	s := &Standing{Views: []View{pushed(2, 8, 100, 101)}}
	read := func(quantity int64, begun float64) (after, before int64) {
		l.witness("a", s, glimpse{Stock: &Stock{Quantity: num(quantity)}, begun: at(begun)})
		return l.Held[0].After, l.Held[0].Before
	}
	after, before := read(8, 102)
	require.Zero(t, after+before, "perhaps the sale was made after that")
	after, before = read(6, 103)
	require.Zero(t, after+before, "sold on")
	_, before = read(8, 104)
	require.Equal(t, int64(2), before, "the push was written over it")
	after, _ = read(7, 105)
	require.Zero(t, after, "what came first stays")
}

// TestViews: what is kept of what a store held.
func TestViews(t *testing.T) {
	t.Parallel()
	s := &Standing{}
	s.saw(pushed(1, 10, 0, 1), at(0))
	s.saw(reported(9, 10), at(10))
	s.saw(reported(8, 20), at(20))
	require.Equal(t, []View{reported(8, 20), pushed(1, 10, 0, 1)}, s.Views, "of two reports the newer tells all")
	s.saw(reported(9, 15), at(20))
	require.Len(t, s.Views, 2)
	s.saw(pushed(2, 5, 30, 31), at(30))
	s.saw(reported(7, 25), at(40))
	require.Equal(t, []View{pushed(2, 5, 30, 31), reported(7, 25), pushed(1, 10, 0, 1)}, s.Views)
	s.saw(pushed(3, 4, 100000, 100001), at(100000))
	require.Equal(t, []View{pushed(3, 4, 100000, 100001), pushed(2, 5, 30, 31)}, s.Views, "what was in force 26 h ago is the oldest")
}

// TestNextVersion: a version rises over everything that could have been applied.
func TestNextVersion(t *testing.T) {
	t.Parallel()
	ms := noon.UnixMilli()
	require.Equal(t, ms, nextVersion(7, noon, 0), "a plugin's counter")
	require.Equal(t, ms+6, nextVersion(ms+5, noon, 0), "two changes in one millisecond, or a clock that was set back")
	require.Equal(t, ms+100, nextVersion(ms+5, noon, ms+99), "a store that has seen more")
}

// TestSwings: what turns to and fro.
func TestSwings(t *testing.T) {
	t.Parallel()
	var views []View
	for i := range 8 {
		views = append([]View{reported(int64(5+i%2*3), float64(i))}, views...)
	}
	require.Equal(t, 6, swings(views, at(-1)))
	require.Equal(t, 1, swings(views, at(6)), "since a sale")
	require.Zero(t, swings([]View{reported(3, 3), reported(4, 2), reported(5, 1)}, at(0)), "sales only go down")
	require.Zero(t, swings(nil, at(0)))
}

func rel(share, counted int64) stake {
	return stake{weight: 1, share: share, counted: counted, relative: true}
}
func abs(share, counted int64) stake { return stake{weight: 1, share: share, counted: counted} }

// TestAllot: who is shown what.
func TestAllot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onHand, host int64
		stakes       []stake
		want         []int64
	}{
		"by weight":                     {40, 1, []stake{{weight: 1}, {weight: 2}}, []int64{10, 20}},
		"the rest one by one":           {5, 1, []stake{{weight: 1}, {weight: 1}, {weight: 1}}, []int64{2, 1, 1}},
		"half of its due is enough":     {40, 0, []stake{abs(10, 10), abs(20, 20)}, []int64{10, 20}},
		"less is given its due":         {40, 1, []stake{rel(4, 4), rel(13, 13)}, []int64{14, 13}},
		"in full, where sales may hide": {40, 1, []stake{abs(4, 4), abs(13, 13)}, []int64{14, 13}},
		"as far as the reserve goes":    {20, 1, []stake{abs(2, 2), abs(14, 14)}, []int64{4, 0}},
		"who has too much gives":        {20, 1, []stake{rel(2, 2), rel(18, 18)}, []int64{2, 7}},
		"a move is awaited":             {20, 1, []stake{rel(2, 2), rel(6, 18)}, []int64{2, 6}},
		"nothing is there":              {-3, 1, []stake{abs(0, 0)}, []int64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, allot(c.onHand, c.host, 0, c.stakes))
		})
	}
}
