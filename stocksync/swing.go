package stocksync

import "time"

// A loop is two stores that each put right what the other has set: a quantity swings to and fro without anybody selling.

const (
	maxSwings   = 6
	swingWindow = time.Minute
)

// swings counts how often the quantity that a peer holds has turned back (down after up, up after down) since a moment. views are
// newest first.
func swings(views []View, since time.Time) int {
	turns, last := 0, 0
	for i := 0; i+1 < len(views) && !views[i].SentAt.Before(since); i++ {
		way := views[i].Quantity.Cmp(views[i+1].Quantity)
		if way == 0 {
			continue
		}
		if last != 0 && way != last {
			turns++
		}
		last = way
	}
	return turns
}

// watchSwings freezes a product that swings: neither a sale nor a person has moved it within a minute, and yet it went up and down.
func (l *line) watchSwings(peer StoreID, s *Standing) {
	since := l.c.now.Add(-swingWindow)
	if l.Caused.After(since) {
		since = l.Caused
	}
	if n := swings(s.Views, since); n >= maxSwings {
		l.conflict(peer, Looping, "the quantity turned %d times within a minute: something there sets it back; find it, then Resolve", n)
	}
}
