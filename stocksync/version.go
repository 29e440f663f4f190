package stocksync

import "time"

// nextVersion is the version of a GID's next state. It rises also when the stored one was lost with a backup (the clock has gone on)
// and when a peer has applied a higher one (a plugin's counter, or a clock that was ahead): a peer with a version fence ignores what
// is not above, and answers yes.
func nextVersion(stored int64, now time.Time, applied int64) int64 {
	return max(stored+1, now.UnixMilli(), applied+1)
}
