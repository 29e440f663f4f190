package stocksync

import (
	"sync"
	"time"
)

// ClockAlert is how wrong a peer's clock may be before it is worth a person's attention: at 5 minutes its signatures are refused.
const ClockAlert = time.Minute

// Health is how the connection with a peer stands, as this process saw it. Times are zero where there was none.
type Health struct {
	Peer     StoreID
	Inbound  time.Time // the last report or question from it
	Outbound time.Time // the last request that it answered well
	Failed   time.Time // the last request that it did not
	Error    string    // why; kept when later ones succeed: compare Failed with Outbound
	Offset   time.Duration
	Measured time.Time // when Offset, how far its clock is ahead of ours, was measured
	Version  string    // of its plugin or service, as it told last
	Waiting  int       // products that wait for it
}

// OK says whether nothing is wrong: the last request was answered, and its clock is near ours.
func (h Health) OK() bool {
	return !h.Failed.After(h.Outbound) && h.Offset.Abs() < ClockAlert
}

// healths keeps the health of peers.
type healths struct {
	mu    sync.Mutex
	peers map[StoreID]Health
}

func newHealths() *healths { return &healths{peers: map[StoreID]Health{}} }

// inbound notes that a peer was heard.
func (h *healths) inbound(id StoreID) {
	h.note(id, func(peer *Health, now time.Time) { peer.Inbound = now })
}

// outbound notes how a request to a peer went.
func (h *healths) outbound(id StoreID, err error) {
	h.note(id, func(peer *Health, now time.Time) {
		if err == nil {
			peer.Outbound = now
			return
		}
		peer.Failed, peer.Error = now, err.Error()
	})
}

// clock notes what a ping told.
func (h *healths) clock(id StoreID, p Pong) {
	h.note(id, func(peer *Health, now time.Time) {
		peer.Offset, peer.Measured, peer.Version = p.Offset, now, p.Version
	})
}

func (h *healths) note(id StoreID, change func(peer *Health, now time.Time)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	peer := h.peers[id]
	peer.Peer = id
	change(&peer, time.Now())
	h.peers[id] = peer
}

// of returns one peer's health.
func (h *healths) of(id StoreID) Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	peer := h.peers[id]
	peer.Peer = id
	return peer
}
