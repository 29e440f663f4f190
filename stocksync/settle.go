package stocksync

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// What a store's reports in doubt have changed is found for all of them together, as one story of what happened there: which view
// each of them was captured after. A sale that a push was written over, two reports of one sale, a sale that a later report includes:
// each by itself can be told in several ways, all of them together in few. The likeliest story is the one that costs least:

const (
	costContext = 1000 // an order that took nothing, a return that gave nothing, more than there was without a cause
	costWitness = 20   // a read has shown that it stood after a push, or that a push had been written over it
	costRead    = 10   // the reads do not show how the story ends
	costOut     = 5    // not on the way to what a later report, which includes it, has told
	costLost    = 4    // a push whose answer was lost has arrived: too few is better than too many
	costTime    = 3    // its own time says otherwise, by a second more than it may be off
	costTwice   = 3    // two orders, and one figure
	costSecond  = 1    // its own time says otherwise, by less than that
)

// Of stories that cost the same the one that moves least is told: what was pushed, and is merely seen, is an echo.

// tale is what a report has changed.
type tale struct {
	base    int // the view that it was captured after, -1 if it tells nothing
	delta   decimal.Decimal
	current bool // out of what the last push showed
	news    bool // it is a view, too
}

// story explains reports, one after the other.
type story struct {
	tale
	before *story // the reports before, nil at the beginning
	n      int    // of the report
	held   *Held
	echo   bool // the report is nothing but a push seen
	wrong  bool // and in no way what it says
	cost   int
	moved  decimal.Decimal
}

// settle says what reports in doubt have changed, now that two reads have shown what the peer holds for good. views are newest first,
// held oldest first.
func settle(views []View, held []Held, read decimal.Decimal) []tale {
	stories := []*story{{tale: tale{base: len(views)}}} // the best for each view that the last report can be captured after
	for n, h := range held {
		_, bases := asOf(views, h.At, h.Doubt)
		var next []*story
		for _, base := range bases {
			var best *story
			for _, s := range stories {
				if base > s.base { // of one peer's reports the order is known
					continue
				}
				if t := s.then(views, bases, base, n, &h); best == nil || t.better(best) {
					best = t
				}
			}
			if best != nil {
				next = append(next, best)
			}
		}
		if len(next) > 0 { // else it is stale, or the first of the peer: it tells nothing
			stories = next
		}
	}
	for _, s := range stories {
		s.cost += s.ending(views, read)
	}
	tales := slices.Repeat([]tale{{base: -1}}, len(held))
	for s := slices.MinFunc(stories, (*story).compare); s.before != nil; s = s.before {
		if !s.wrong {
			tales[s.n] = s.tale
		}
	}
	return tales
}

func (s *story) better(t *story) bool { return s.compare(t) < 0 }

func (s *story) compare(t *story) int {
	if s.cost != t.cost {
		return s.cost - t.cost
	}
	return s.moved.Cmp(t.moved)
}

// then goes on with a report that was captured after a view.
func (s *story) then(views []View, bases []int, base, n int, h *Held) *story {
	from, chained := views[base].Quantity, s.held != nil && s.base == base
	if chained {
		from = s.held.Quantity
	}
	t := &story{before: s, n: n, held: h, cost: s.cost, tale: tale{base: base, delta: h.Quantity.Sub(from),
		current: !slices.ContainsFunc(views[:base], func(v View) bool { return v.Version > 0 })}}
	why := cause(h.Context)
	t.echo = why == 0 && t.delta.IsZero() && (chained && s.echo || !chained && views[base].Version > 0)
	included := base > 0 && views[base-1].Version == 0
	again := t.delta.IsZero() && (chained && !s.echo || views[base].Version == 0 || s.sold(views, base, h)) // one sale, told twice
	switch way := t.delta.Sign(); {
	case again:
		if chained && why != 0 && cause(s.held.Context) != 0 {
			t.cost += costTwice
		}
	case why != 0 && way != why && (way == 0 || !included), why == 0 && way > 0 && !included:
		t.cost += costContext
		t.wrong = true
	case included && !onTheWay(from, h.Quantity, views[base-1].Quantity):
		t.cost += costOut
	}
	push := pushBefore(views, base)
	if h.After > push.Version || h.Before != 0 && push.Version >= h.Before {
		t.cost += costWitness
	}
	switch {
	case included, chained && again, t.echo && views[base].echo(h):
	case push.Version > 0 && !push.sure():
		if !chained {
			t.cost += costLost
		}
	default:
		t.cost += untimely(views, bases, base, h)
	}
	if t.news = !included && !t.echo && !t.wrong; included {
		t.delta = decimal.Zero
	}
	t.moved = s.moved.Add(t.delta.Abs())
	return t
}

// sold says whether a report that shows a push is of an order whose change was told before, without its cause, and was overwritten: of
// one that is in doubt, too, or was booked in the same second.
func (s *story) sold(views []View, base int, h *Held) bool {
	why := cause(h.Context)
	if why == 0 || views[base].Version == 0 {
		return false
	}
	if s.held != nil {
		return !s.echo && !s.wrong && cause(s.held.Context) == 0 && s.delta.Sign() == why
	}
	return base+1 < len(views) && views[base+1].Version == 0 && views[base+1].SentAt.Equal(h.At)
}

// ending is what speaks against a story by what the peer holds in the end: what the last report told, or a push written over it.
func (s *story) ending(views []View, read decimal.Decimal) int {
	cost := costRead
	for _, v := range views[:s.base] {
		switch {
		case v.Version == 0: // a later report is known: this is not the end
			return 0
		case v.Quantity.Equal(read) && v.sure():
			return 0
		case v.Quantity.Equal(read):
			cost = costLost
		case v.sure():
			return cost
		}
	}
	if s.held == nil || s.held.Quantity.Equal(read) {
		return 0
	}
	return cost
}

// sure says whether a push has arrived, and not merely looks as if it had.
func (v View) sure() bool { return !v.AckedAt.IsZero() && !v.Looked }

// echo says whether a report may tell of nothing but this push.
func (v View) echo(h *Held) bool {
	return v.Version > 0 && v.Quantity.Equal(h.Quantity) && (h.Context == Observed || !h.At.Before(v.SentAt))
}

// pushBefore is the push that had made what the peer held, the zero View if none had.
func pushBefore(views []View, base int) View {
	for _, v := range views[base:] {
		if v.Version > 0 {
			return v
		}
	}
	return View{}
}

// untimely is what speaks against a view by a report's own time. Of pushes that may never have arrived it tells nothing.
func untimely(views []View, bases []int, base int, h *Held) int {
	then := bases[0]
	for _, b := range bases {
		if v := views[b]; !v.SentAt.After(h.At) && (v.Version == 0 || v.sure()) {
			then = b
		}
	}
	var gap time.Duration
	switch {
	case base == then:
		return 0
	case base < then:
		gap = views[base].SentAt.Sub(h.At)
	default:
		for _, v := range slices.Backward(views[then:base]) { // the first push that should have been there
			if v.sure() {
				gap = h.At.Sub(v.AckedAt)
				break
			}
		}
	}
	switch gap -= h.Doubt; {
	case gap > time.Second:
		return costTime
	case gap > 0:
		return costSecond
	}
	return 0
}

// onTheWay says whether b lies on the way from a to c.
func onTheWay(a, b, c decimal.Decimal) bool {
	return a.Cmp(b)*b.Cmp(c) >= 0
}
