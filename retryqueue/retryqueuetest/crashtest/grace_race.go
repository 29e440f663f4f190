//go:build race

package crashtest

import "time"

// grace is longer under the race detector, which makes processes many times slower; the bound of the contract is held without it.
const grace = 10 * time.Second
