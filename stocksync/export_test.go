package stocksync

import "context"

// Pass works once on a peer's outbox, as the queue's job does, and says how many products it took.
func (m *Master) Pass(ctx context.Context, peer StoreID) (int, error) {
	r, err := m.pass(ctx, m.peers[peer])
	return len(r.leased), err
}

// Reserve is what no store may sell.
func (r *Row) Reserve() string { return r.reserve().String() }

// Shown is what a peer is to have.
func (m *Master) Shown(r *Row, peer StoreID) Stock { return m.shown(r, peer) }
