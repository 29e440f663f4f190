//go:build !race

package crashtest

import "time"

// grace is how long what was cut off may wait after its lease for workers who are there.
const grace = 2 * time.Second
