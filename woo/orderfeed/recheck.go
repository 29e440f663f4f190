package orderfeed

import (
	"fmt"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// Recheck shapes the night's re-check: orders that were seen in a status that is not wanted are looked at again, for shops that cannot
// tell what was modified and for changes that move no date. The zero value of a field is its default.
type Recheck struct {
	Off bool // no re-check; the night then only catches up and compares ids
	// At is when the nights begin, after local midnight in Config.Location; default 2 hours. For midnight give a second.
	At time.Duration
	// Spread is within how long after At feeds begin, each at a moment of its own, so that not all shops are asked at once; default
	// 3 hours, negative for none.
	Spread time.Duration
	// Months is how far back orders are looked at where Config.Webhooks is set, in calendar months; default 3. Older ones stay open
	// and are not looked at.
	Months int
	// Days is the same without webhooks, in days; default 21.
	Days int
	// BulkFrom is the number of candidates from which on they are not asked for one by one; default 150.
	BulkFrom int
	// BulkDays is how far back the list goes that is read instead, by date modified; default 14.
	BulkDays int
	// BulkStatuses are the statuses of that list; default completed alone.
	BulkStatuses []woo.OrderStatus
	// CountAll compares all open orders with BulkFrom, not only those that are young enough to be looked at.
	CountAll bool
	// BySeen counts an order's age from when the feed first saw it, not from when it was created in the shop.
	BySeen bool
	// NoInventory leaves out the comparison of ids that finds deleted orders.
	NoInventory bool
}

// Defaults of [Recheck].
const (
	DefaultNight    = 2 * time.Hour
	DefaultSpread   = 3 * time.Hour
	DefaultMonths   = 3
	DefaultDays     = 21
	DefaultBulkFrom = 150
	DefaultBulkDays = 14
)

func (r Recheck) check() error {
	for name, n := range map[string]int{
		"At": int(r.At), "Months": r.Months, "Days": r.Days, "BulkFrom": r.BulkFrom, "BulkDays": r.BulkDays,
	} {
		if n < 0 {
			return fmt.Errorf("orderfeed: Config.Recheck.%s is negative", name)
		}
	}
	if r.At >= 24*time.Hour {
		return fmt.Errorf("orderfeed: Config.Recheck.At: %v is no time of day", r.At)
	}
	return checkStatuses("Config.Recheck.BulkStatuses", r.BulkStatuses)
}

func (r Recheck) withDefaults() Recheck {
	orDefault(&r.At, DefaultNight)
	orDefault(&r.Spread, DefaultSpread)
	orDefault(&r.Months, DefaultMonths)
	orDefault(&r.Days, DefaultDays)
	orDefault(&r.BulkFrom, DefaultBulkFrom)
	orDefault(&r.BulkDays, DefaultBulkDays)
	if r.BulkStatuses == nil {
		r.BulkStatuses = []woo.OrderStatus{woo.OrderCompleted}
	}
	return r
}

func orDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
