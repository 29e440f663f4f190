package stocksync

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// overlap is how near a push and a reading of the master must be in time for their order to be unknown, beside what the clocks may
// be off.
const overlap = 2 * time.Second

// unversionedCheck is how long after a push without a version the master is read: such a master sends several for one change.
const unversionedCheck = 3 * time.Second

// Receive takes a push of the master's; from anybody else it is [ErrNotMaster]. Nil says that it is in the ledger together with what
// follows from it; the shelf gets it at once, and again until it has it. The same event twice is worked on once.
//
// A push is fenced by its version: one that is not above that of the last is old. The plugin's first generation sends none; its
// pushes are fenced by their time and followed by a reading of the master's state, since several fall into one second. So is one
// that may have been made before the master was last read: it changes nothing, the reading does.
func (c *Child) Receive(ctx context.Context, r Report) error {
	if r.From != c.master {
		c.record(ctx, Event{Level: "security", Peer: r.From, Action: "receive",
			Text: fmt.Sprintf("a %s from %q was refused: this child's master is %q", cmp.Or(r.Kind, StockState), r.From, c.master)})
		return retryqueue.Permanent(fmt.Errorf("%w: it comes from %q, the master is %q", ErrNotMaster, r.From, c.master))
	}
	c.health.inbound(c.master)
	switch r.Kind {
	case "", StockState, SKURename:
	default:
		err := &Conflict{Reason: Invalid, Peer: c.master,
			Detail: fmt.Sprintf("an event of kind %q: a child knows %s and %s", r.Kind, StockState, SKURename)}
		c.record(ctx, Event{Level: "warn", Peer: c.master, Action: "receive", Text: err.Error()})
		return err
	}
	if r.At.IsZero() {
		r.At = time.Now().UTC()
	}
	a := &arrival{c: c, r: r}
	if err := a.find(ctx); err != nil {
		return err
	}
	if len(a.items) == 0 { // a plugin's master sends such events; they say nothing
		c.record(ctx, append(a.events, Event{Level: "info", Peer: c.master, Action: "receive", Text: "an event without items"})...)
		return nil
	}
	switch err := c.c.Store.Update(ctx, a.gids, a.change); {
	case errors.Is(err, ErrKnown):
		return nil
	case err != nil:
		return fmt.Errorf("stocksync: taking the master's event %s: %w", r.EventID, err)
	}
	c.record(ctx, a.events...)
	return errors.Join(c.wake(ctx, c.shelves), c.wake(ctx, c.reports))
}

// arrival is one push on its way into the rows.
type arrival struct {
	c      *Child
	r      Report
	items  []arrived
	gids   []GID
	odd    []Event // about items that were left out
	events []Event
	commit Commit
}

// arrived is one item of it: the row that is to have it, and rows that had the product until now.
type arrived struct {
	Item
	row  GID
	from []GID
	two  bool // more than one product has the SKU
}

// find looks for the rows that the items speak of.
func (a *arrival) find(ctx context.Context) error {
	refs := make([]Ref, 0, len(a.r.Items))
	for _, item := range a.r.Items {
		if item.SKU = SKU(strings.TrimSpace(string(item.SKU))); item.GID == "" && item.SKU == "" {
			a.note("warn", item.Ref, "an item without GID and SKU was left out")
			continue
		}
		a.items = append(a.items, arrived{Item: item})
		refs = append(refs, item.Ref)
	}
	a.odd = a.events
	found, err := a.c.c.Store.Resolve(ctx, refs)
	if err != nil {
		return fmt.Errorf("stocksync: finding the products of event %s: %w", a.r.EventID, err)
	}
	for i := range a.items {
		item := &a.items[i]
		given := fromMaster(found[i])
		item.two = len(given) > 1
		item.row = item.GID
		if item.row == "" && len(given) > 0 {
			item.row = given[0]
		}
		if item.row == "" {
			item.row = provisional(item.SKU)
		}
		for _, gid := range append(given, provisional(item.SKU), provisional(item.OldSKU)) {
			if gid != item.row && gid != placeholder && !slices.Contains(item.from, gid) {
				item.from = append(item.from, gid)
			}
		}
		for _, gid := range append([]GID{item.row}, item.from...) {
			if !slices.Contains(a.gids, gid) {
				a.gids = append(a.gids, gid)
			}
		}
	}
	return nil
}

// change is the whole push as one transaction. It may be called again.
func (a *arrival) change(stored []*Row) (Commit, error) {
	now := time.Now().UTC()
	a.commit, a.events = Commit{}, slices.Clone(a.odd)
	rows := make(map[GID]*Row, len(stored))
	for i, gid := range a.gids {
		rows[gid] = stored[i]
	}
	changed := map[GID]bool{}
	for i, item := range a.items {
		entry := Entry{Store: a.c.master, Source: eventSource(a.r.EventID, i), GID: item.row, At: a.r.At}
		row := rows[item.row]
		switch {
		case a.c.c.Exclude.Has(item.SKU) || row != nil && a.c.c.Exclude.Has(row.SKU):
			entry.Note = noteExcluded
		case item.two:
			entry.Note = string(DuplicateSKU)
			a.note("error", item.Ref, "two products have this SKU: neither was changed; give them different ones")
		case a.r.Kind == SKURename && row == nil && !slices.ContainsFunc(item.from, func(gid GID) bool { return rows[gid] != nil }):
			entry.Note = string(MissingProduct)
			a.note("warn", item.Ref, "a product that is not known here was renamed from %q", item.OldSKU)
		default:
			if row == nil {
				row = &Row{Item: Item{Ref: Ref{GID: item.row}}}
				rows[item.row] = row
			}
			before := row.target()
			for _, gid := range item.from {
				if a.inherit(row, rows[gid], item, now, entry.Source) {
					changed[gid] = true
				}
			}
			entry.Note = a.apply(row, item, now)
			entry.Delta = row.target().Sub(before)
			changed[item.row] = true
		}
		a.commit.Ledger = append(a.commit.Ledger, entry)
	}
	for _, gid := range a.gids {
		if changed[gid] {
			a.commit.Rows = append(a.commit.Rows, rows[gid])
		}
	}
	return a.commit, nil
}

// inherit gives a row what another one had of the product: one that waited for the master's GID, or one whose GID the master has
// replaced. The other keeps only its place in the ledger.
func (a *arrival) inherit(row, from *Row, item arrived, now time.Time, source string) bool {
	if from == nil || from.SKU == "" || from.SKU.Fold() != item.SKU.Fold() && from.SKU.Fold() != item.OldSKU.Fold() {
		return false
	}
	if row.SKU == "" {
		row.SKU, row.Stock, row.Peers = from.SKU, from.Stock, from.Peers
	}
	row.Held = append(from.Held, row.Held...)
	a.commit.Ledger = append(a.commit.Ledger, Entry{Store: a.c.master, Source: source + "/" + string(from.GID), GID: from.GID,
		Delta: from.target().Neg(), Note: "now " + string(row.GID), At: a.r.At})
	*from = Row{Item: Item{Ref: Ref{GID: from.GID}, Version: from.Version}, Updated: from.Updated}
	from.touch(now)
	for _, peer := range []StoreID{a.c.master, a.c.self} {
		a.commit.Done = append(a.commit.Done, Push{Peer: peer, GID: from.GID})
	}
	return true
}

// apply puts the item into its row, or says why not.
func (a *arrival) apply(row *Row, item arrived, now time.Time) (note string) {
	master, shelf := row.standing(a.c.master), row.standing(a.c.self)
	var last View
	if len(master.Views) > 0 {
		last = master.Views[0]
	}
	row.touch(now)
	fenced := a.r.Kind != SKURename
	switch {
	case fenced && item.Version > 0 && item.Version <= row.Version:
		if a.r.At.After(last.SentAt) {
			a.note("warn", row.Ref, "version %d came after %d, though made later: was the master restored or replaced? It is read instead",
				item.Version, row.Version)
			a.commit.Push = append(a.commit.Push, row.outbox(a.c.master, time.Time{}))
		}
		return noteStale
	case fenced && item.Version <= 0 && a.r.At.Before(last.SentAt):
		return noteStale
	case fenced && !master.Checked.IsZero() && !a.r.At.Add(-a.r.Doubt-overlap).After(master.Checked):
		a.commit.Push = append(a.commit.Push, row.outbox(a.c.master, time.Time{}))
		return noteDoubt
	}
	if item.SKU != "" && item.SKU != row.SKU {
		if row.SKU != "" {
			shelf.Knows = cmp.Or(shelf.Knows, row.SKU)
			a.note("info", row.Ref, "renamed to %q", item.SKU)
		}
		row.SKU = item.SKU
	}
	if fenced {
		row.take(item.Stock.sane())
		row.Version = max(row.Version, item.Version)
		master.Views = []View{{Version: item.Version, Quantity: item.Quantity, SentAt: a.r.At, AckedAt: now}}
		master.Missed = 0
		if item.Version <= 0 {
			a.commit.Push = append(a.commit.Push, row.outbox(a.c.master, now.Add(unversionedCheck)))
		}
	}
	shelf.Conflict, shelf.Missed = nil, 0
	a.commit.Push = append(a.commit.Push, row.outbox(a.c.self, time.Time{}))
	if len(row.Held) > 0 {
		a.commit.Push = append(a.commit.Push, row.outbox(a.c.master, time.Time{}))
	}
	return ""
}

// note puts an event into the log, after the change is done.
func (a *arrival) note(level string, ref Ref, format string, args ...any) {
	a.events = append(a.events, Event{Level: level, Peer: a.c.master, Action: "receive", Ref: ref,
		Text: fmt.Sprintf("event %s: ", a.r.EventID) + fmt.Sprintf(format, args...)})
}

// sane leaves out what no store knows: a plugin of the first generation stores any text, and passes it on.
func (s Stock) sane() Stock {
	switch s.Status {
	case InStock, OutOfStock, OnBackorder:
	default:
		s.Status = ""
	}
	switch s.Backorders {
	case BackordersNo, BackordersNotify, BackordersYes:
	default:
		s.Backorders = ""
	}
	switch s.Manage {
	case Managed, Unmanaged, ByParent:
	default:
		s.Manage = ""
	}
	return s
}

// eventSource is the ledger's name of one item of an event, whatever the length of the event's.
func eventSource(event string, i int) string {
	if len(event) > MaxID/2 {
		sum := sha256.Sum256([]byte(event))
		event = hex.EncodeToString(sum[:])
	}
	return "event/" + event + "/" + strconv.Itoa(i)
}
