package stocksync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pending is a product that a peer is behind with.
type Pending struct {
	Push
	Item Item // what it will be pushed, as things are now
}

// Backlog lists what a peer is behind with, oldest first, at most n (0: 100). Nothing is queued twice: what waits is the newest state.
func (m *Master) Backlog(ctx context.Context, peer StoreID, n int) ([]Pending, error) {
	if m.peers[peer] == nil {
		return nil, fmt.Errorf("stocksync: no peer %q", peer)
	}
	if n <= 0 {
		n = 100
	}
	pushes, err := m.c.Store.Behind(ctx, peer, n, 0)
	if err != nil {
		return nil, fmt.Errorf("stocksync: reading the outbox: %w", err)
	}
	if len(pushes) == 0 {
		return nil, nil
	}
	rows, err := m.read(ctx, gidsOf(pushes))
	if err != nil {
		return nil, err
	}
	all := make([]Pending, len(pushes))
	for i, p := range pushes {
		all[i].Push = p
		if r := rows[i]; r != nil {
			all[i].Item = Item{Ref: r.Ref, Stock: m.shown(r, peer), Version: r.Version}
		}
	}
	return all, nil
}

// RetryPush makes what a peer is behind with due now, all or some, also at a peer that was given up.
func (m *Master) RetryPush(ctx context.Context, peer StoreID, gids ...GID) error {
	if err := m.pending(ctx, peer, gids, func(c *Commit, p Push) {
		p.Due = time.Time{}
		c.Later = append(c.Later, p)
	}); err != nil {
		return err
	}
	m.up(peer)
	m.wake(ctx, peer)
	return nil
}

// DiscardPush gives up what a peer is behind with, all or some: it stays behind until the product changes again, or a reconcile.
func (m *Master) DiscardPush(ctx context.Context, peer StoreID, gids ...GID) error {
	return m.pending(ctx, peer, gids, func(c *Commit, p Push) { c.Done = append(c.Done, p) })
}

// pending does something with what a peer is behind with, by hand: with all of it where no products are named.
func (m *Master) pending(ctx context.Context, peer StoreID, gids []GID, do func(*Commit, Push)) error {
	if m.peers[peer] == nil {
		return fmt.Errorf("stocksync: no peer %q", peer)
	}
	if len(gids) == 0 {
		waiting, err := m.c.Store.Backlog(ctx)
		if err != nil {
			return fmt.Errorf("stocksync: counting the outbox: %w", err)
		}
		pushes, err := m.c.Store.Behind(ctx, peer, waiting[peer].Count, 0)
		if err != nil {
			return fmt.Errorf("stocksync: reading the outbox: %w", err)
		}
		gids = gidsOf(pushes)
	}
	return m.c.Store.Update(ctx, nil, func([]*Row) (Commit, error) {
		var c Commit
		for _, gid := range gids {
			do(&c, Push{Peer: peer, GID: gid})
		}
		return c, nil
	})
}

// Events returns the newest lines of the event log.
func (m *Master) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	return m.c.Store.Events(ctx, q)
}

// ClearEvents empties the event log, save for a line that says so.
func (m *Master) ClearEvents(ctx context.Context) error {
	return m.c.Store.Log(ctx, []Event{{At: time.Now(), Level: "info", Action: "clear", Text: "the event log was cleared"}}, 1)
}

// Record writes a line into the event log: a wire's refusal of a request, say.
func (m *Master) Record(ctx context.Context, e Event) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	return m.c.Store.Log(ctx, []Event{e}, m.c.Events)
}

// History says why a product's stock is what it is: its newest ledger lines first, at most n (0: all). It needs a Store that is a
// [Historian].
func (m *Master) History(ctx context.Context, ref Ref, n int) ([]Entry, error) {
	h, ok := m.c.Store.(Historian)
	if !ok {
		return nil, errors.New("stocksync: MasterConfig.Store keeps no history that can be shown: it is no Historian")
	}
	gid, err := m.one(ctx, ref)
	if err != nil {
		return nil, err
	}
	return h.History(ctx, gid, n)
}

// TestConnection pings a peer.
func (m *Master) TestConnection(ctx context.Context, peer StoreID) (Pong, error) {
	p, ok := m.peers[peer].(Pinger)
	if !ok {
		return Pong{}, fmt.Errorf("stocksync: there is no peer %q that can be pinged", peer)
	}
	pong, err := p.Ping(ctx)
	m.health.outbound(peer, err)
	if err != nil {
		return Pong{}, err
	}
	m.health.clock(peer, pong)
	if pong.StoreID != peer {
		return pong, fmt.Errorf("stocksync: %q answers as %q: the address is another store's", peer, pong.StoreID)
	}
	if offset := pong.Offset.Abs(); offset >= ClockAlert {
		m.tell(ctx, []Event{{At: time.Now(), Level: "warn", Peer: peer, Action: "clock",
			Text: fmt.Sprintf("its clock is off by %s: at 5 min its signatures are refused", offset.Round(time.Second))}})
	}
	m.revive(ctx, peer)
	return pong, nil
}

// Health says how the connection with each peer stands, in the order of MasterConfig.Peers, as this process saw it.
func (m *Master) Health(ctx context.Context) ([]Health, error) {
	waiting, err := m.c.Store.Backlog(ctx)
	if err != nil {
		return nil, fmt.Errorf("stocksync: counting the outbox: %w", err)
	}
	all := make([]Health, len(m.order))
	for i, id := range m.order {
		all[i] = m.health.of(id)
		all[i].Waiting = waiting[id].Count
	}
	return all, nil
}
