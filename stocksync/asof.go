package stocksync

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// What a peer's report changes is the difference to what the peer held when it captured it. The difference to what was last pushed
// would be wrong for each report that was captured before a push and arrives after it: a sale would come out as an increase. So the
// pushes of the last 26 hours are kept, and reports among them, and the report's own time says which of them it is to be held
// against.

// viewAge is how long views are kept: longer than a plugin tries to deliver a report (25 h 20 min). maxViews is how many of them.
const (
	viewAge  = 26 * time.Hour
	maxViews = 100
)

// standsTo says how a report stands to what a peer is known to have held.
type standsTo int

const (
	unknown  standsTo = iota // the peer was never known to hold anything
	exact                    // base is what it held
	stale                    // a later report tells more, and includes it
	doubtful                 // captured about when a push arrived: bases are what it may have held, oldest first
)

// asOf finds what a peer held at a time, give or take doubt, before the report that is captured then: the index of its view, or, in
// doubt, of those that may have been, oldest first. views are newest first.
func asOf(views []View, at time.Time, doubt time.Duration) (stands standsTo, bases []int) {
	doubt += captureDoubt
	var after *View // the oldest view that is surely later
	for i, v := range views {
		switch {
		case v.Version == 0 && v.SentAt.After(at): // a report: times of one peer's reports are of one clock, no doubt between them
			after = &views[i]
			continue
		case v.Version > 0 && v.SentAt.Add(-doubt).After(at):
			after = &views[i]
			continue
		}
		bases = append(bases, i)
		if v.Version > 0 && !v.surely(views[:i]).Add(doubt).Before(at) { // perhaps before, perhaps after
			continue
		}
		slices.Reverse(bases)
		switch {
		case slices.ContainsFunc(bases, func(b int) bool { return !views[b].Quantity.Equal(v.Quantity) }):
			return doubtful, bases
		case after != nil && after.Version == 0:
			return stale, nil
		}
		return exact, bases[len(bases)-1:]
	}
	switch {
	case len(bases) > 0:
		slices.Reverse(bases)
		return doubtful, bases
	case after != nil: // older than anything that is known: what was pushed or reported later stands
		return stale, nil
	}
	return unknown, nil
}

// surely is when a push had surely arrived: when it was acknowledged, or else a later one was. Zero time plus far: never.
func (v View) surely(later []View) time.Time {
	if !v.AckedAt.IsZero() {
		return v.AckedAt
	}
	for _, l := range slices.Backward(later) {
		if l.Version > 0 && !l.AckedAt.IsZero() {
			return l.AckedAt
		}
	}
	return time.Unix(1<<40, 0)
}

// saw puts what a peer is known to hold among its views by its time.
func (s *Standing) saw(v View, now time.Time) {
	i := slices.IndexFunc(s.Views, func(old View) bool { return !old.SentAt.After(v.SentAt) })
	if i < 0 {
		i = len(s.Views)
	}
	s.put(i, v, now)
}

// put makes a view the one after the i-th, newest first, and forgets what no report will ask for: what was in force 26 h ago is kept, what
// was before that is not. Of several reports between two pushes the newest tells all.
func (s *Standing) put(i int, v View, now time.Time) {
	switch {
	case v.Version == 0 && i < len(s.Views) && s.Views[i].Version == 0:
		s.Views[i] = v
	case v.Version == 0 && i > 0 && s.Views[i-1].Version == 0: // a later one is there
	default:
		s.Views = slices.Insert(s.Views, i, v)
	}
	pushed := slices.IndexFunc(s.Views, func(v View) bool { return v.Version > 0 && !v.AckedAt.IsZero() })
	for n := len(s.Views); n > 1 && n-1 > pushed && (n > maxViews || now.Sub(s.Views[n-2].SentAt) > viewAge); n-- {
		s.Views = s.Views[:n-1]
	}
}

// holds is what a peer was last known to hold, ok false if it never was.
func (s *Standing) holds() (quantity decimal.Decimal, ok bool) {
	if s == nil || len(s.Views) == 0 {
		return decimal.Zero, false
	}
	return s.Views[0].Quantity, true
}
