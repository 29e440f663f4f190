package hmacauth

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Clock estimates how far one receiver's clock is ahead of ours: the median of its last five samples. It corrects signatures only
// when the difference is more than 30 s, and never by more than Max, since nobody signs the Date of an answer. The zero value is ready; it is safe
// for concurrent use. One Clock is for one receiver.
type Clock struct {
	Max time.Duration // default 1 h

	mu      sync.Mutex
	samples []sample // newest last
}

type sample struct{ offset, doubt time.Duration }

const (
	clockSamples = 5
	clockApply   = 30 * time.Second
)

// Observe takes a sample: the receiver's clock said remote, to the second, at some time between before and after on ours. The plugin
// gives "time" in its answer to a ping; a [NewTransport] takes the Date of every answer by itself.
func (c *Clock) Observe(before, after, remote time.Time) {
	half := after.Sub(before) / 2
	// remote was cut off to the second: on average it was half a second later.
	s := sample{offset: remote.Add(time.Second / 2).Sub(before.Add(half)), doubt: half + time.Second/2}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = append(c.samples, s)
	if n := len(c.samples); n > clockSamples {
		c.samples = slices.Delete(c.samples, 0, n-clockSamples)
	}
}

// Offset is how far the receiver's clock is ahead of ours, give or take doubt. It is not known before the first sample. An operator
// wants to hear of more than a minute.
func (c *Clock) Offset() (offset, doubt time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == 0 {
		return 0, 0, false
	}
	sorted := slices.SortedFunc(slices.Values(c.samples), func(a, b sample) int { return int(a.offset - b.offset) })
	m := sorted[len(sorted)/2]
	return m.offset, m.doubt, true
}

// correct is the receiver's time, as far as it matters.
func (c *Clock) correct(now time.Time) time.Time {
	if c == nil {
		return now
	}
	offset, _, known := c.Offset()
	if !known || offset.Abs() <= clockApply || offset.Abs() > or(c.Max, time.Hour) {
		return now
	}
	return now.Add(offset)
}

func (c *Clock) observeDate(h http.Header, before, after time.Time) {
	if c == nil {
		return
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		c.Observe(before, after, date)
	}
}
