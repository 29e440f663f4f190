package stocksync

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// maxMissed is how often a push may be acknowledged and not be there.
const maxMissed = 3

// lostFor is how long a push may take to arrive whose answer was lost: as long as somebody waits for the answer.
const lostFor = 15 * time.Second

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// read looks at what the peer has, and settles what waits for that.
func (r *round) read(ctx context.Context, todos []*todo) error {
	if len(todos) == 0 {
		return nil
	}
	refs := make([]Ref, len(todos))
	for i, t := range todos {
		refs[i] = t.ref
	}
	begun := time.Now()
	got, err := r.peer.Read(ctx, refs)
	if err == nil && len(got) != len(refs) {
		err = fmt.Errorf("stocksync: %s answered %d states for %d products", r.id, len(got), len(refs))
	}
	r.m.health.outbound(r.id, err)
	var applied []int64
	if fenced, ok := r.peer.(Fenced); ok && err == nil {
		if applied, err = fenced.Versions(ctx, refs); err == nil && len(applied) != len(refs) {
			err = fmt.Errorf("stocksync: %s answered %d versions for %d products", r.id, len(applied), len(refs))
		}
	}
	stored := r.m.change(context.WithoutCancel(ctx), gidsOf(pushesOf(todos)), func(c *change) error {
		for i, l := range c.lines {
			t := todos[i]
			t.Due = c.now
			switch {
			case l.Row == nil:
			case err != nil:
				t.Error = err.Error()
				c.commit.Later = append(c.commit.Later, t.Push)
			default:
				seen := glimpse{Stock: got[i], begun: begun}
				if applied != nil {
					seen.version = applied[i]
				}
				r.looked(c, l, t, seen)
			}
		}
		return nil
	})
	if stored != nil {
		return stored
	}
	return err
}

// glimpse is what a read showed.
type glimpse struct {
	*Stock
	version int64 // that the peer has applied, where it tells
	begun   time.Time
}

// looked makes of a read what can be made of it.
func (r *round) looked(c *change, l *line, t *todo, got glimpse) {
	s := l.standing(r.id)
	lost := s.lostAnswer(got, c.now)
	later := func(due time.Time) {
		t.Due = due
		c.commit.Later = append(c.commit.Later, t.Push)
	}
	if got.Stock == nil {
		if l.holdsBack(r.id) {
			l.drop(r.id, notePhantom) // the product is gone, and what it reported with it
		}
		s.Seen = nil
		r.missed(c, l, s, t, MissingProduct, "the store has no product %s", l.SKU)
		return
	}
	if since := s.lastReport(); since.After(got.begun) {
		later(c.now) // a report came while the answer was under way
		return
	}
	if l.holdsBack(r.id) && got.Manage != "" && got.Manage != Managed {
		l.drop(r.id, noteUnmanaged)
		c.uncounted(l, r.id, got.Manage)
	}
	if l.holdsBack(r.id) {
		l.witness(r.id, s, got)
		if !s.stable(got, c.now) {
			later(s.Seen.At.Add(readTwice))
			return
		}
		l.settleHeld(r.id, s, got.Quantity)
		later(c.now) // to be compared with what it is to have by now
		return
	}
	if pushed := s.pushed(); lost || pushed != nil && pushed.Version < t.Version && s.Seen == nil {
		later(c.now) // to be pushed
		return
	}
	want := r.m.shown(l.Row, r.id)
	have := *got.Stock
	if !want.Quantity.IsInteger() && have.Quantity.Equal(want.Quantity.Truncate(0)) {
		if have.Quantity = want.Quantity; len(s.Views) > 0 && s.Views[0].Quantity.Equal(want.Quantity) {
			s.Views[0].Quantity = got.Quantity // its wire knows no fractions
		}
	}
	holds, known := s.holds()
	differences := compare(r.id, l.Ref, &want, &have)
	if len(differences) == 0 && (!known || holds.Equal(got.Quantity) || want.Manage != Managed) {
		r.confirm(c, l, s, t)
		return
	}
	if known && s.Views[0].Version == 0 && holds.Equal(got.Quantity) {
		s.Seen = nil
		r.again(l, t, c.now) // it has reported this since
		return
	}
	if !s.stable(got, c.now) { // a sale perhaps, whose report is under way
		later(s.Seen.At.Add(readTwice))
		return
	}
	s.Seen = nil
	reason := NotApplied
	if got.version >= l.Version {
		reason = FenceFrozen
		l.bump(got.version)
	}
	r.missed(c, l, s, t, reason, "%v", differences)
}

// lostAnswer says whether the answer to the last push was lost, and the push too as far as can be seen: the peer has another version,
// or, where it does not tell, another quantity than was pushed, or one that it had before.
func (s *Standing) lostAnswer(got glimpse, now time.Time) bool {
	pushed := s.pushed()
	if pushed == nil || !pushed.AckedAt.IsZero() || pushed.Looked {
		return false
	}
	pushed.Looked = true
	i := slices.IndexFunc(s.Views, func(v View) bool { return v.Version == pushed.Version })
	before := i+1 < len(s.Views) && s.Views[i+1].Quantity.Equal(got.Quantity)
	switch {
	case got.version > 0 && got.version == pushed.Version:
		pushed.AckedAt = earliest(now, pushed.SentAt.Add(lostFor))
	case got.version == 0 && got.Quantity.Equal(pushed.Quantity) && !before:
		pushed.AckedAt = now // or it has sold down to that: what it captured until now stays in doubt
	default:
		return true
	}
	return false
}

// missed counts a push that was acknowledged and is not there: it is made again, and after the third a person must look.
func (r *round) missed(c *change, l *line, s *Standing, t *todo, reason Reason, format string, args ...any) {
	l.touched = true
	if s.Missed++; s.Missed >= maxMissed {
		l.conflict(r.id, reason, "pushed %d times and never there: %s", s.Missed, fmt.Sprintf(format, args...))
		c.commit.Done = append(c.commit.Done, t.Push)
		return
	}
	r.again(l, t, c.now.Add(readTwice))
}

// again has a product pushed once more, as a new version.
func (r *round) again(l *line, t *todo, due time.Time) {
	l.bump(0)
	l.c.commit.Later = append(l.c.commit.Later, t.Push)
	l.push(r.id, due)
}

// confirm says that the peer was seen to have the product as it is to be.
func (r *round) confirm(c *change, l *line, s *Standing, t *todo) {
	s.Checked, s.Knows, s.Missed, s.Seen, s.Conflict = c.now, l.SKU, 0, nil, nil
	if pushed := s.pushed(); pushed != nil {
		s.Proved = pushed.Version
		if pushed.AckedAt.IsZero() {
			pushed.AckedAt = c.now
		}
	}
	if open := l.settled(r.id, s); !open.IsZero() {
		t.Due = open
		c.commit.Later = append(c.commit.Later, t.Push)
		return
	}
	c.commit.Done = append(c.commit.Done, t.Push)
}

// stable says whether this read shows what one did that was made at least 3 s before; else this is the first of the two.
func (s *Standing) stable(got glimpse, now time.Time) bool {
	switch {
	case s.Seen == nil || !s.Seen.Quantity.Equal(got.Quantity):
		s.Seen = &Sight{Quantity: got.Quantity, At: now}
		return false
	case got.begun.Sub(s.Seen.At) < readTwice:
		return false
	}
	s.Seen = nil
	return true
}

// witness keeps what a read has shown of a peer's last report in doubt: reads to come may show the next sale.
func (l *line) witness(peer StoreID, s *Standing, got glimpse) {
	var last *Held
	for i, h := range l.Held {
		if h.Store == peer && h.Note == noteDoubt && (last == nil || !h.At.Before(last.At)) {
			last = &l.Held[i]
		}
	}
	pushed := s.pushed()
	switch {
	case last == nil, last.After != 0, last.Before != 0, !got.begun.After(last.Got), s.lastReport().After(last.At):
	case pushed == nil, pushed.AckedAt.IsZero(), got.begun.Before(pushed.AckedAt), pushed.Quantity.Equal(last.Quantity):
	case got.Quantity.Equal(last.Quantity):
		last.After = pushed.Version
	case got.Quantity.Equal(pushed.Quantity):
		last.Before = pushed.Version
	}
	l.touched = true
}

// lastReport is when the peer last reported something of its own.
func (s *Standing) lastReport() time.Time {
	if len(s.Views) > 0 && s.Views[0].Version == 0 {
		return s.Views[0].SentAt
	}
	return time.Time{}
}

// settleHeld books what a peer's held reports have changed, now that two reads show what it holds.
func (l *line) settleHeld(peer StoreID, s *Standing, read decimal.Decimal) {
	var waiting decimal.Decimal // changes whose views already count
	var held []Held
	l.Held = slices.DeleteFunc(l.Held, func(h Held) bool {
		if h.Store != peer {
			return false
		}
		if held = append(held, h); h.Note == noteHeld {
			waiting = waiting.Add(h.Delta)
		}
		return true
	})
	slices.SortStableFunc(held, func(a, b Held) int { // within a plugin's second more was there before less
		return cmp.Or(a.At.Compare(b.At), b.Quantity.Cmp(a.Quantity))
	})
	settled := func(h Held, delta decimal.Decimal, current bool, note string) {
		l.spend(peer, delta, current)
		l.book(peer, h.Source+"/"+noteSettled, delta, note, h.At)
	}
	doubts := slices.DeleteFunc(slices.Clone(held), func(h Held) bool { return h.Note != noteDoubt })
	for i, t := range settle(s.Views, doubts, read) {
		settled(doubts[i], t.delta, t.current, noteSettled)
		if t.news {
			s.Views = slices.Insert(s.Views, t.base, View{Quantity: doubts[i].Quantity, SentAt: doubts[i].At})
		}
	}
	together := l.confirmed(s, waiting, read)
	for _, h := range held {
		if h.Note != noteHeld {
			continue
		}
		if together.IsZero() {
			settled(h, together, true, notePhantom)
			continue
		}
		settled(h, together, true, noteSettled) // the first has what all of them are together
		together = decimal.Zero
	}
	if slices.ContainsFunc(held, func(h Held) bool { return h.Note == noteHeld }) {
		s.saw(View{Quantity: read, SentAt: l.c.now}, l.c.now)
	}
	l.watchSwings(peer, s)
}

// confirmed is what held changes come to by what was read.
func (l *line) confirmed(s *Standing, waiting, read decimal.Decimal) decimal.Decimal {
	holds, known := s.holds()
	if !known || !waiting.IsZero() && s.Views[0].Version > 0 {
		return decimal.Zero // a push has overwritten what was reported, and nothing can confirm it
	}
	delta := read.Sub(holds.Sub(waiting))
	if delta.IsPositive() && l.c.m.c.Increases == NeverIncrease {
		return decimal.Zero
	}
	return delta
}

// drop forgets a peer's held reports.
func (l *line) drop(peer StoreID, note string) {
	l.Held = slices.DeleteFunc(l.Held, func(h Held) bool {
		if h.Store == peer {
			l.book(peer, h.Source+"/"+noteSettled, decimal.Zero, note, h.At)
		}
		return h.Store == peer
	})
	l.touched = true
}
