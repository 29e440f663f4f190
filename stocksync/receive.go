package stocksync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Receive takes a peer's report into the ledger. Each product of it has a line there once it returns nil, with a delta or with the
// reason why there is none; products that are not known stand in the event log. A report that came before changes nothing.
//
// The error is a *[Conflict] where the report itself is wrong, which sending it again does not cure.
func (m *Master) Receive(ctx context.Context, r Report) error {
	if err := m.acceptable(r); err != nil {
		m.tell(ctx, []Event{{At: time.Now(), Level: "security", Peer: r.From, Action: "refuse", Text: err.Error()}})
		return err
	}
	now := time.Now().UTC()
	if r.At.IsZero() || r.At.After(now) {
		r.At = now
	}
	m.revive(ctx, r.From)
	refs := make([]Ref, 0, len(r.Items)+len(r.Movements))
	for _, item := range r.Items {
		refs = append(refs, item.Ref)
	}
	for _, move := range r.Movements {
		refs = append(refs, move.Ref)
	}
	gids, err := m.resolve(ctx, r.From, refs)
	if err != nil {
		return err
	}
	if err := m.receiveItems(ctx, r, gids[:len(r.Items)]); err != nil {
		return err
	}
	for i, move := range r.Movements { // one by one: each counts once, whatever report it comes in
		if gid := gids[len(r.Items)+i]; gid != "" {
			if err := m.receiveMovement(ctx, r.From, move, gid); err != nil {
				return err
			}
		}
	}
	return nil
}

// acceptable says what is wrong with a report as a whole.
func (m *Master) acceptable(r Report) error {
	switch {
	case m.peers[r.From] == nil:
		return &Conflict{Reason: Invalid, Peer: r.From, Detail: "a report of a store that is no peer: add it to MasterConfig.Peers"}
	case r.Kind == SKURename:
		return &Conflict{Reason: Invalid, Peer: r.From, Detail: "only the authority renames: use Master.Rename"}
	case r.Kind != "" && r.Kind != StockState:
		return &Conflict{Reason: Invalid, Peer: r.From, Detail: fmt.Sprintf("unknown kind %q of report", r.Kind)}
	case r.EventID == "" && len(r.Items) > 0:
		return &Conflict{Reason: Invalid, Peer: r.From, Detail: "a report without an EventID cannot be told from its repetition"}
	case len(r.EventID) > MaxID-len("event//")-8:
		return &Conflict{Reason: Invalid, Peer: r.From, Detail: "the EventID is too long: the wire must replace it by its digest"}
	}
	return nil
}

// resolve finds the one product of each ref, "" where there is none or several; why stands in the log.
func (m *Master) resolve(ctx context.Context, from StoreID, refs []Ref) ([]GID, error) {
	all, err := m.c.Store.Resolve(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("stocksync: finding the products: %w", err)
	}
	gids := make([]GID, len(refs))
	var events []Event
	for i, found := range all {
		switch len(found) {
		case 1:
			gids[i] = found[0]
		case 0:
			events = append(events, Event{At: time.Now(), Level: "warn", Peer: from, Action: "receive", Ref: refs[i],
				Text: (&Conflict{Reason: MissingProduct, Ref: refs[i], Detail: "not known here: Import or Seed it, or exclude it there"}).Error()})
		default:
			events = append(events, Event{At: time.Now(), Level: "error", Peer: from, Action: "conflict", Ref: refs[i],
				Text: duplicate(refs[i], found).Error()})
		}
	}
	m.tell(ctx, events)
	return gids, nil
}

func duplicate(ref Ref, gids []GID) *Conflict {
	return &Conflict{Reason: DuplicateSKU, Ref: ref,
		Detail: fmt.Sprintf("%d products have this SKU (%v): give each its own, then Resolve", len(gids), gids)}
}

// receiveItems books what a report says of products, in one transaction.
func (m *Master) receiveItems(ctx context.Context, r Report, gids []GID) error {
	items := map[GID]Item{}
	var order []GID
	for i, gid := range gids {
		if gid == "" {
			continue
		}
		if _, twice := items[gid]; !twice {
			order = append(order, gid)
		}
		items[gid] = r.Items[i] // of several the last wins, as with the plugin
	}
	if len(order) == 0 {
		return nil
	}
	slices.Sort(order) // a repetition has the same lines
	err := m.change(ctx, order, func(c *change) error {
		for i, l := range c.lines {
			if l.Row == nil {
				return errors.New("stocksync: a product vanished while its report was received: send it again")
			}
			c.report(l, r, fmt.Sprintf("event/%s/%d", r.EventID, i+1), items[l.gid])
		}
		return nil
	})
	return once(err)
}

// report books what a peer says of one product.
func (c *change) report(l *line, r Report, source string, item Item) {
	why := c.refusal(l, r.From, item)
	if why != "" {
		l.book(r.From, source, decimal.Zero, why, r.At)
		return
	}
	s := l.standing(r.From)
	caused := cause(r.Context) != 0
	delta, note, current, base := c.delta(l, s, r, item)
	if delta.IsPositive() && !c.believed(r) {
		note = noteHeld
		if c.m.c.Increases == NeverIncrease {
			note = noteIncrease
		}
	}
	if note == "" && !caused && delta.IsNegative() && !item.Quantity.IsPositive() && item.Was == nil && c.m.capture(r.From) == Shadow {
		note = noteHeld // a store that stops counting reports zero, and would empty all others
	}
	switch note {
	case noteDoubt, noteHeld:
		held := Held{Entry: Entry{Store: r.From, Source: source, GID: l.GID, Delta: delta, Note: note, At: r.At}, Quantity: item.Quantity,
			Context: r.Context, Doubt: r.Doubt, Got: c.now}
		l.book(r.From, source, decimal.Zero, note, r.At)
		l.Held = append(l.Held, held)
		s.Seen = nil // read twice from now on
		l.bump(0)
		l.push(r.From, time.Time{}) // the push job reads first
		if note == noteDoubt {
			return
		}
	case noteIncrease:
		l.book(r.From, source, decimal.Zero, note, r.At)
	default:
		l.spend(r.From, delta, current)
		l.book(r.From, source, delta, note, r.At)
		if caused && !delta.IsZero() {
			l.Caused = c.now
		}
	}
	if seen := (View{Quantity: item.Quantity, SentAt: r.At}); base >= 0 {
		s.put(base, seen, c.now)
	} else {
		s.saw(seen, c.now)
	}
	if !current || note == noteHeld {
		return
	}
	c.attributes(l, item)
	l.has[r.From] = merged(l.has[r.From], item.Stock)
	l.due[r.From] = c.now.Add(c.m.c.Quiet)
	l.watchSwings(r.From, s)
}

// The notes of ledger lines: why a report has changed nothing, or not yet.
const (
	noteExcluded  = "excluded"
	noteFrozen    = "frozen"
	noteUnmanaged = "unmanaged"
	noteFirst     = "first"    // the peer was never known to hold anything: nothing to compare with
	noteStale     = "stale"    // a later report has told more
	noteOrders    = "orders"   // order lines count, not quantities
	noteShadow    = "shadow"   // quantities count, not order lines
	noteIncrease  = "increase" // refused
	noteHeld      = "held"     // an increase, or the end of the stock without a sale: two reads are to confirm it
	noteDoubt     = "doubt"    // captured about when a push arrived: two reads decide
	notePhantom   = "phantom"  // two reads did not show the increase
	noteSettled   = "settled"  // what two reads made of what was held
)

// refusal is why a report of a product changes nothing, empty if it may.
func (c *change) refusal(l *line, from StoreID, item Item) string {
	switch {
	case c.m.c.Exclude.Has(l.SKU) || c.m.c.Exclude.Has(item.SKU):
		return noteExcluded
	case l.frozen("") || l.frozen(from):
		return noteFrozen
	case l.Manage != Managed:
		return noteUnmanaged
	case item.Manage != "" && item.Manage != Managed:
		// The peer does not count, so its quantity is none; an invented zero would empty every store.
		c.uncounted(l, from, item.Manage)
		return noteUnmanaged
	}
	return ""
}

// uncounted notes that a peer does not count what the authority does.
func (c *change) uncounted(l *line, peer StoreID, manage Manage) {
	l.conflict(peer, UnsupportedType, "the store does not manage this product's stock (%s): switch it on there, then Resolve", manage)
}

// delta finds what a report changes. current says that the report tells what the peer holds now, as far as is known; base is the view that
// it came after, -1 where its time says that.
func (c *change) delta(l *line, s *Standing, r Report, item Item) (delta decimal.Decimal, note string, current bool, base int) {
	switch {
	case c.m.capture(r.From) == OrderLedger:
		return decimal.Zero, noteOrders, len(s.Views) == 0 || !s.Views[0].SentAt.After(r.At), -1
	case item.Was != nil:
		return item.Quantity.Sub(*item.Was), "", true, -1
	case c.m.capture(r.From) == Absolute:
		return item.Quantity.Sub(l.has[r.From].Quantity), "", true, -1
	}
	switch stands, bases := asOf(s.Views, r.At, r.Doubt); stands {
	case exact:
		return item.Quantity.Sub(s.Views[bases[0]].Quantity), "", bases[0] == 0, bases[0]
	case stale:
		return decimal.Zero, noteStale, false, -1
	case doubtful:
		return decimal.Zero, noteDoubt, false, -1
	default:
		return decimal.Zero, noteFirst, true, -1
	}
}

// believed says whether an increase needs no confirmation.
func (c *change) believed(r Report) bool {
	return c.m.c.Increases == AlwaysIncrease || cause(r.Context) > 0 || c.m.capture(r.From) == Absolute
}

// cause reads a report's context: -1 an order took stock, 1 something was given back, 0 the store does not say.
func cause(context string) int {
	sign := 0
	for _, word := range strings.Split(context, "+") {
		switch {
		case strings.Contains(word, "restore"), strings.Contains(word, "restock"), strings.Contains(word, "refund"):
			return 1
		case strings.HasPrefix(word, "order"):
			sign = -1
		}
	}
	return sign
}

// attributes takes over what else a peer's report sets: the newest word counts.
func (c *change) attributes(l *line, item Item) {
	if item.Backorders != "" {
		l.Backorders = item.Backorders
	}
	if item.LowStock != nil {
		l.LowStock = item.LowStock
	}
	l.touched = true
}

// merged is a state with what a report says of it.
func merged(s, report Stock) Stock {
	s.Quantity = report.Quantity
	if report.Status != "" {
		s.Status = report.Status
	}
	if report.Backorders != "" {
		s.Backorders = report.Backorders
	}
	if report.Manage != "" {
		s.Manage = report.Manage
	}
	if report.LowStock != nil {
		s.LowStock = report.LowStock
	}
	return s
}

// receiveMovement books a line of an order.
func (m *Master) receiveMovement(ctx context.Context, from StoreID, move Movement, gid GID) error {
	err := m.change(ctx, []GID{gid}, func(c *change) error {
		l := c.lines[0]
		switch {
		case l.Row == nil:
			return errors.New("stocksync: a product vanished while its order was received: send it again")
		case m.capture(from) != OrderLedger:
			l.book(from, move.Source, decimal.Zero, noteShadow, move.At)
			return nil
		}
		if why := c.refusal(l, from, Item{Ref: move.Ref}); why != "" {
			l.book(from, move.Source, decimal.Zero, why, move.At)
			return nil
		}
		l.spend(from, move.Delta, true)
		l.book(from, move.Source, move.Delta, move.Note, move.At)
		l.Caused = c.now
		// Whether the store's own figure has moved already, or a push was written over it, an order's date cannot tell: it is told.
		l.bump(0)
		l.push(from, time.Time{})
		return nil
	})
	return once(err)
}
