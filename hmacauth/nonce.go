package hmacauth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// NonceStore remembers what has been seen. A store
//
//  1. must be atomic: of any number of simultaneous calls with one fingerprint and nonce, in any number of processes, exactly one is
//     told fresh, and none after it until the time until;
//  2. must keep pairs apart: ("a|b", "c") is not ("a", "b|c"), and letters of different case differ;
//  3. must not forget a live pair, neither to make room nor when the clock is set back;
//  4. must return an error when it cannot remember: full, unreachable, unsure. A fresh with an error counts as not fresh;
//  5. must return soon after ctx ends;
//  6. must take any nonce and fingerprint of up to 256 bytes;
//  7. must forget what is over in its own time, so that its size follows the traffic.
//
// [NonceDigest] makes a pair one key. The suite in hmacauthtest holds a store to all of this.
type NonceStore interface {
	// Reserve notes the nonce under the fingerprint of the key that signed it, never under the sender's word.
	Reserve(ctx context.Context, keyFingerprint, nonce string, until time.Time) (fresh bool, err error)
}

// Forgetful is what a [NonceStore] may also be, if there are signatures that it cannot know any more although the clock says that they
// are new. A verifier answers 503 to those.
type Forgetful interface {
	// RemembersFrom: what was signed up to then may have been forgotten when a process ended.
	RemembersFrom() time.Time
	// Forgot is the latest end of any nonce that was dropped, zero when there is none. It matters when the clock is set back.
	Forgot() time.Time
}

// NonceDigest is the pair as one key of fixed length, which differs whenever the pair does.
func NonceDigest(keyFingerprint, nonce string) [32]byte {
	var buf [512]byte
	b := binary.BigEndian.AppendUint32(buf[:0], uint32(len(keyFingerprint)))
	b = append(b, keyFingerprint...)
	b = append(b, nonce...)
	return sha256.Sum256(b)
}

// MemoryConfig sets limits. The zero value is usable.
type MemoryConfig struct {
	// Max is how many live nonces there may be; more are refused with ErrNonceFull. Default 1,000,000, some 80 MB when full.
	Max int
	// Since: what was signed up to then may have been seen before, by a process that has forgotten it. Default: now. A host that
	// knows better gives another time: long ago at a first start or in a test, now plus the verifier's skew where clocks of
	// senders may run ahead and nothing at all may pass twice.
	Since time.Time
}

const shards = 64

// MemoryNonces is a [NonceStore] in the memory of one process. After a restart it has forgotten everything: a verifier therefore
// answers 503, not 401, to what was signed before this one was made or in the same second, and the sender tries again with a new
// signature. It is safe for concurrent use and starts no goroutine.
type MemoryNonces struct {
	max      int64
	from     time.Time
	wall     func() time.Time
	steady   func() time.Duration // since the start, by a clock that is never set
	live     atomic.Int64
	dropped  atomic.Int64 // the latest end of any entry dropped, in Unix seconds
	lastFull atomic.Int64 // when all shards were last searched for room, in seconds of steady
	shards   [shards]shard
}

type shard struct {
	mu    sync.Mutex
	until map[[32]byte]ends
	sweep uint32 // when next, in seconds since began
	_     [64]byte
}

// ends is when an entry is over, by both clocks: setting the wall clock forward and back again must not free a nonce, nor must setting
// it back after the time has passed.
type ends struct{ wall, steady uint32 } // Unix seconds; seconds since began

// sweepEvery is how often a shard looks through its entries, in seconds.
const sweepEvery = 30

// NewMemoryNonces makes an empty store.
func NewMemoryNonces(c MemoryConfig) *MemoryNonces {
	if c.Max <= 0 {
		c.Max = 1_000_000
	}
	start := time.Now()
	if c.Since.IsZero() {
		c.Since = start
	}
	m := &MemoryNonces{max: int64(c.Max), from: c.Since, wall: time.Now, steady: func() time.Duration { return time.Since(start) }}
	m.lastFull.Store(-1)
	for i := range m.shards {
		m.shards[i].until = map[[32]byte]ends{}
	}
	return m
}

// RemembersFrom implements [Forgetful].
func (m *MemoryNonces) RemembersFrom() time.Time { return m.from }

// Forgot implements [Forgetful].
func (m *MemoryNonces) Forgot() time.Time {
	if at := m.dropped.Load(); at > 0 {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// Reserve implements [NonceStore].
func (m *MemoryNonces) Reserve(_ context.Context, keyFingerprint, nonce string, until time.Time) (bool, error) {
	d := NonceDigest(keyFingerprint, nonce)
	wall, steady := m.wall(), m.steady()
	if m.live.Load() >= m.max {
		m.makeRoom(wall, steady)
	}
	s := &m.shards[d[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if whole(steady) >= s.sweep {
		m.forget(s, wall, steady)
	}
	e, known := s.until[d]
	if known && !e.over(wall, steady) {
		return false, nil
	}
	if !known && m.live.Add(1) > m.max {
		m.live.Add(-1)
		return false, ErrNonceFull
	}
	s.until[d] = ends{wall: whole(time.Duration(until.UnixNano())) + 1, steady: whole(steady+until.Sub(wall)) + 1}
	return true, nil
}

// makeRoom drops what is over from all shards, at most once a second.
func (m *MemoryNonces) makeRoom(wall time.Time, steady time.Duration) {
	last, now := m.lastFull.Load(), int64(whole(steady))
	if now == last || !m.lastFull.CompareAndSwap(last, now) {
		return
	}
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		m.forget(s, wall, steady)
		s.mu.Unlock()
	}
}

// forget drops what is over.
func (m *MemoryNonces) forget(s *shard, wall time.Time, steady time.Duration) {
	before, latest := len(s.until), int64(0)
	for d, e := range s.until {
		if e.over(wall, steady) {
			delete(s.until, d)
			latest = max(latest, int64(e.wall))
		}
	}
	for {
		old := m.dropped.Load()
		if latest <= old || m.dropped.CompareAndSwap(old, latest) {
			break
		}
	}
	m.live.Add(int64(len(s.until) - before))
	s.sweep = whole(steady) + sweepEvery
}

// over reports whether the time has passed by both clocks.
func (e ends) over(wall time.Time, steady time.Duration) bool {
	return wall.Unix() >= int64(e.wall) && whole(steady) >= e.steady
}

func whole(d time.Duration) uint32 { return uint32(max(d/time.Second, 0)) }

// Len is how many nonces are held, those that are over but not yet dropped included.
func (m *MemoryNonces) Len() int { return int(m.live.Load()) }
