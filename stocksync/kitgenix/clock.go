package kitgenix

import "time"

// captured is when a store saw what it reports, by our clock, and how wrong that may be.
//
// The peer's clock is put right by its measured offset. Before it has been measured, the event's age does it: the signature's time
// less the event's own, both by the peer's clock, before the moment of arrival.
func (p *pair) captured(e event, signed, arrived time.Time) (at time.Time, doubt time.Duration) {
	seconds := e.CreatedAt
	if seconds == 0 {
		seconds = e.Time
	}
	if seconds <= 0 || seconds > maxUnix {
		return arrived.UTC(), unknownDoubt
	}
	local := unix(seconds).Add(time.Second / 2) // it was cut off to the second
	offset, doubt, known := p.clock.Offset()
	if known {
		offset, doubt = p.steady(offset, doubt)
	} else {
		offset, doubt = signed.Add(time.Second/2).Sub(arrived), transitDoubt
	}
	doubt += time.Second / 2
	if e.OriginStoreID != "" && e.OriginStoreID != string(p.StoreID) { // a master passes on another store's time
		doubt += foreignDoubt
	}
	if e.CreatedAt != 0 && e.Time > 0 { // captured, and made an event of later
		doubt += min(unix(e.CreatedAt).Sub(unix(min(e.Time, maxUnix))).Abs(), unknownDoubt)
	}
	at = local.Add(-offset)
	if at.After(arrived) {
		at = arrived
	}
	return at.UTC(), doubt
}

// steady is the offset that was used before, while the measured one may be the same: each measurement is another by up to a second, and
// what a store reports must keep its order.
func (p *pair) steady(offset, doubt time.Duration) (steady, doubtOfIt time.Duration) {
	for {
		used := p.offset.Load()
		if used != nil && (*used-offset).Abs() <= 2*doubt {
			return *used, doubt + (*used - offset).Abs()
		}
		if p.offset.CompareAndSwap(used, &offset) {
			return offset, doubt
		}
	}
}

const (
	maxUnix      = 1 << 34         // the year 2514
	transitDoubt = 8 * time.Second // a plugin waits no longer for our answer
	foreignDoubt = 300 * time.Second
	unknownDoubt = 24 * time.Hour
)

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
