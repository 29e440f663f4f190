package stocksync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// A change is one transaction on products: ledger, rows and outbox, all or nothing. Whatever changes the authority is a function that
// edits its lines; what peers must be told follows from what they were to have before and what they are to have now.
type change struct {
	m      *Master
	now    time.Time
	lines  []*line
	commit Commit
	events []Event
	wake   map[StoreID]bool
}

// line is a product in a change. Row is nil where there is none yet.
type line struct {
	*Row
	c       *change
	gid     GID
	stored  Item
	has     map[StoreID]Stock     // what each peer was to have before, or is known to have now
	due     map[StoreID]time.Time // when a peer may be pushed to, where that is not now
	touched bool
}

// change locks products, edits them and commits. edit may be called several times; what it notes outside of c must be idempotent.
func (m *Master) change(ctx context.Context, gids []GID, edit func(c *change) error) error {
	var last *change
	err := m.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		c := &change{m: m, now: time.Now().UTC(), wake: map[StoreID]bool{}}
		for i, r := range rows {
			c.lines = append(c.lines, c.line(gids[i], r))
		}
		if err := edit(c); err != nil {
			return c.commit, err // with the ledger lines: what was done before is done, whatever is to be said now
		}
		for _, l := range c.lines {
			l.close()
		}
		last = c
		return c.commit, nil
	})
	if err != nil {
		return err
	}
	m.tell(ctx, last.events)
	for peer := range last.wake {
		m.wake(ctx, peer)
	}
	return nil
}

func (c *change) line(gid GID, r *Row) *line {
	l := &line{Row: r, c: c, gid: gid, has: map[StoreID]Stock{}, due: map[StoreID]time.Time{}}
	if r != nil {
		l.stored = r.Item
		for _, peer := range c.m.order {
			l.has[peer] = c.m.shown(r, peer)
		}
	}
	return l
}

// close puts into the commit what became of the line.
func (l *line) close() {
	if l.Row == nil {
		return
	}
	c := l.c
	if c.m.c.Mode == Allocated {
		l.allocate()
	}
	l.derive()
	other := l.stored.GID == "" || l.stored.SKU != l.SKU
	var behind []StoreID
	for _, peer := range c.m.order {
		if other || !sameStock(l.has[peer], c.m.shown(l.Row, peer)) {
			behind = append(behind, peer)
		}
	}
	if other || len(behind) > 0 || !sameStock(l.stored.Stock, l.Stock) {
		l.bump(0) // also for a peer alone: what has the version already would take the push for an old one
	}
	for _, peer := range behind {
		l.push(peer, l.due[peer])
	}
	if l.touched {
		l.Updated = c.now
		c.commit.Rows = append(c.commit.Rows, l.Row)
	}
}

// bump gives the product its next version.
func (l *line) bump(applied int64) {
	l.Version = nextVersion(l.Version, l.c.now, applied)
	l.touched = true
}

// push puts the product into the peer's outbox, due at a time (zero: now).
func (l *line) push(peer StoreID, due time.Time) {
	if l.c.m.c.Exclude.Has(l.SKU) || l.frozen("") || l.frozen(peer) {
		return // Resolve pushes again
	}
	for i, p := range l.c.commit.Push {
		if p.Peer == peer && p.GID == l.GID {
			l.c.commit.Push[i].Version = l.Version
			return
		}
	}
	l.c.commit.Push = append(l.c.commit.Push, Push{Peer: peer, GID: l.GID, Version: l.Version, Due: due})
	l.c.wake[peer] = true
	l.touched = true
}

// book writes a line of the ledger, and moves the stock by it.
func (l *line) book(store StoreID, source string, delta decimal.Decimal, note string, at time.Time) {
	l.c.commit.Ledger = append(l.c.commit.Ledger, Entry{Store: store, Source: source, GID: l.GID, Delta: delta, Note: note, At: at})
	if !delta.IsZero() {
		l.Quantity = l.Quantity.Add(delta)
		l.touched = true
	}
}

// standing is how a peer stands with the product.
func (l *line) standing(peer StoreID) *Standing {
	if l.Peers == nil {
		l.Peers = map[StoreID]*Standing{}
	}
	if l.Peers[peer] == nil {
		l.Peers[peer] = &Standing{}
	}
	l.touched = true
	return l.Peers[peer]
}

// note puts an event into the log, should the change be committed.
func (c *change) note(level string, peer StoreID, action string, ref Ref, format string, args ...any) {
	c.events = append(c.events, Event{At: c.now, Level: level, Peer: peer, Action: action, Ref: ref, Text: fmt.Sprintf(format, args...)})
}

// tell writes events to log and logger. A log that cannot be written to changes nothing else.
func (m *Master) tell(ctx context.Context, events []Event) {
	if len(events) == 0 {
		return
	}
	for _, e := range events {
		m.c.Logger.Log(ctx, slogLevel(e.Level), e.Text, "action", e.Action, "peer", e.Peer, "sku", e.Ref.SKU, "gid", e.Ref.GID)
	}
	if err := m.c.Store.Log(ctx, events, m.c.Events); err != nil && ctx.Err() == nil {
		m.c.Logger.ErrorContext(ctx, "the event log cannot be written", "error", err)
	}
}

// once is nil for a change that was made before.
func once(err error) error {
	if errors.Is(err, ErrKnown) {
		return nil
	}
	return err
}
