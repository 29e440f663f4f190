package stocksync

import (
	"hash/fnv"
	"time"

	"github.com/shopspring/decimal"
)

// Allocation, by two numbers for each store:
//
//	share     what it is shown: Standing.Share
//	counted   what it may still sell, or may have sold and not yet told: Row.Shares
//
// and counted is never less than share. What is counted for nobody is the reserve, from which shares grow and the host sells. Before
// a store is shown more, more is counted; after it is shown less, less is counted when that is proved:
//
//   - A [Relative] store takes a push less what it has sold and not told. A read-back of the very number pushed means that nothing is
//     untold: from then on counted = share.
//   - Any other store sets what it is pushed, over sales that it has not told. So a push counts in full on top of what was counted
//     before (all of which it may have sold just then), until [MasterConfig.Settle] has passed and a read-back agrees.

// share is what a peer is shown.
func (r *Row) share(peer StoreID) decimal.Decimal {
	if s := r.Peers[peer]; s != nil {
		return s.Share
	}
	return decimal.Zero
}

// shared says whether shares matter: what may be sold below zero needs none.
func (r *Row) shared() bool { return r.Manage == Managed && r.Backorders == BackordersNo }

// reserve is what no store may sell.
func (r *Row) reserve() decimal.Decimal {
	rest := r.Quantity
	for _, counted := range r.Shares {
		rest = rest.Sub(counted)
	}
	return rest
}

// count sets what is counted for a peer.
func (l *line) count(peer StoreID, counted decimal.Decimal) {
	if l.Shares == nil {
		l.Shares = map[StoreID]decimal.Decimal{}
	}
	l.Shares[peer] = decimal.Max(counted, l.share(peer))
	l.touched = true
}

// spend takes a store's own change out of its share. current: out of what it is shown now; else it had sold that before it was last
// pushed to. A share that is counted for already and not yet pushed stays: it is to be shown over what was sold before.
func (l *line) spend(peer StoreID, delta decimal.Decimal, current bool) {
	if l.c.m.c.Mode != Allocated || delta.IsZero() {
		return
	}
	if s := l.standing(peer); l.c.m.relative(peer) || current && !s.Paid {
		s.Share = decimal.Max(decimal.Zero, s.Share.Add(delta))
	}
	l.count(peer, l.Shares[peer].Add(delta))
}

// offer counts what a peer is about to be shown, and shows it less where the reserve does not suffice.
func (l *line) offer(peer StoreID, s *Standing) {
	if l.c.m.c.Mode != Allocated || !l.shared() {
		return
	}
	counted, free := l.Shares[peer], decimal.Max(decimal.Zero, l.reserve())
	if l.c.m.relative(peer) {
		s.Share = decimal.Min(s.Share, counted.Add(free))
		l.count(peer, counted)
		return
	}
	if s.Paid {
		s.Paid = false
		return
	}
	s.Share = decimal.Min(s.Share, free)
	l.count(peer, counted.Add(s.Share))
}

// settled counts only its share for a peer that was seen to show it. Where that proves nothing yet, open is when it will.
func (l *line) settled(peer StoreID, s *Standing) (open time.Time) {
	if l.c.m.c.Mode != Allocated || !l.open(peer) {
		return time.Time{}
	}
	if pushed := s.pushed(); pushed != nil && !l.c.m.relative(peer) {
		if until := pushed.AckedAt.Add(l.c.m.c.Settle); l.c.now.Before(until) {
			return until
		}
	}
	l.count(peer, s.Share)
	return time.Time{}
}

// open says whether more is counted for a peer than it is shown.
func (r *Row) open(peer StoreID) bool { return r.Shares[peer].GreaterThan(r.share(peer)) }

func (m *Master) relative(peer StoreID) bool {
	r, ok := m.peers[peer].(Relative)
	return ok && r.KeepsSales()
}

// allocate decides what each store is to be shown.
func (l *line) allocate() {
	if !l.shared() {
		return
	}
	m := l.c.m
	stakes := make([]stake, len(m.order))
	for i, peer := range m.order {
		stakes[i] = stake{
			weight:   m.weight(peer),
			share:    l.share(peer).Floor().IntPart(),
			counted:  l.Shares[peer].Ceil().IntPart(),
			relative: m.relative(peer),
			fixed:    l.frozen(peer) || l.frozen(atAuthority) || l.holdsBack(peer),
		}
	}
	for i, share := range allot(l.Quantity.Floor().IntPart(), int64(m.c.HostWeight), l.turn(len(stakes)), stakes) {
		if share == stakes[i].share {
			continue
		}
		peer := m.order[i]
		s, counted := l.standing(peer), l.Shares[peer]
		s.Share = decimal.NewFromInt(share)
		if !stakes[i].relative {
			counted, s.Paid = counted.Add(s.Share), true
		}
		l.count(peer, counted)
	}
}

func (m *Master) weight(peer StoreID) int64 {
	if w, ok := m.c.Weight[peer]; ok {
		return int64(w)
	}
	return 1
}

// stake is how one store stands with a product.
type stake struct {
	weight, share, counted int64
	relative, fixed        bool
}

// allot is what each store is to be shown of the stock. A store whose share has shrunk to less than half of what is its due by weight
// is given its due again, as far as the reserve goes; where that does not suffice, or the host's own part has shrunk so, stores that
// have more than their due are shown their due. Nothing else moves, and a store for which a move is open is left alone: shares are to
// be sold from, not to be pushed about.
//
// What is left over when all have their due whole goes out one by one, beginning with a store that turn says: products differ in it,
// so that no store has the last one of all of them.
func allot(onHand, host int64, turn int, stakes []stake) []int64 {
	dues, hostDue := dues(onHand, host, turn, stakes)
	free := onHand
	for _, s := range stakes {
		free -= s.counted
	}
	shares := make([]int64, len(stakes))
	want := free < 0 || free*2 < hostDue
	for i, s := range stakes {
		shares[i] = s.share
		d := dues[i]
		if s.fixed || s.counted > s.share || s.share*2 >= d && !(s.share == 0 && d > 0) {
			continue
		}
		price := d // all of it: the store may have sold what it had
		if s.relative {
			price = d - s.share
		}
		if price > free {
			want = true
			d -= price - max(0, free)
			price = max(0, free)
		}
		if d > s.share {
			shares[i] = d
			free -= price
		}
	}
	if !want {
		return shares
	}
	for i, s := range stakes {
		d := dues[i]
		if s.fixed || s.counted > s.share || shares[i] != s.share || s.share <= d {
			continue
		}
		if !s.relative {
			d = min(d, max(0, free))
			free -= d
		}
		shares[i] = d
	}
	return shares
}

// dues is what is due to each store by weight, and to the host.
func dues(onHand, host int64, turn int, stakes []stake) (dues []int64, hostDue int64) {
	onHand = max(0, onHand)
	weights := host
	for _, s := range stakes {
		weights += s.weight
	}
	dues = make([]int64, len(stakes))
	if weights == 0 {
		return dues, onHand
	}
	hostDue = onHand * host / weights
	left := onHand - hostDue
	for i, s := range stakes {
		dues[i] = onHand * s.weight / weights
		left -= dues[i]
	}
	for n := range stakes {
		if i := (turn + n) % len(stakes); left > 0 && stakes[i].weight > 0 {
			dues[i]++
			left--
		}
	}
	return dues, hostDue + left
}

// turn is the store with which a product's remainders begin.
func (r *Row) turn(stores int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.GID))
	return int(h.Sum32() % uint32(max(1, stores)))
}
