package kitgenix

import (
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// ScheduleV1 is how the plugin's first generation tries again: after 5 and 15 minutes, an hour, then every 6 hours without end. (Its
// table begins with 60 s, which it never uses.)
func ScheduleV1() retryqueue.Limited {
	return retryqueue.WithLimits(retryqueue.Steps(5*time.Minute, 15*time.Minute, time.Hour, 6*time.Hour), -1, -1)
}

// ScheduleV2 is that of the second generation: the same delays, eight attempts over 25 h 20 min, then it gives up. Its
// documentation says 1, 5, 15, 60 and 360 minutes; the first of them is never used.
func ScheduleV2() retryqueue.Limited {
	return retryqueue.WithLimits(retryqueue.Steps(5*time.Minute, 15*time.Minute, time.Hour, 6*time.Hour), 8, 26*time.Hour)
}
