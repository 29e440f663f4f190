package woopeer

import "time"

// overlap is read twice: records change while they are read, and the store's filter counts whole seconds.
const overlap = time.Minute

// cursor is how far the store's modifications have been read.
type cursor struct {
	newest time.Time // modification that was seen, by the store's clock
	news   time.Time // when it was, by ours
	calm   bool      // a reading that began well after that has found nothing newer: nothing of that time can be missing
}

// from is where the next reading begins.
func (c cursor) from() time.Time {
	if c.newest.IsZero() || c.calm {
		return c.newest
	}
	return c.newest.Add(-overlap)
}

// passed notes the newest modification of a reading. One that lies ahead of our clock is not believed: a wrong import would end all
// reading until that day.
func (c *cursor) passed(newest time.Time) {
	now := time.Now()
	if newest.After(now) {
		newest = now
	}
	if newest.After(c.newest) {
		*c = cursor{newest: newest, news: now}
	} else if now.Sub(c.news) > 2*overlap {
		c.calm = true
	}
}
