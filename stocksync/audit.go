package stocksync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// AuditOptions of [Master.Audit]. The zero value compares everything and changes nothing.
type AuditOptions struct {
	Peers []StoreID // default all
	SKUs  []SKU     // default all
	// Adopt takes a quantity that differs from what the peer was last seen to hold, if a second read 3 s later agrees, for a change whose
	// report was lost (plugins lose some: two within 2 s, writes past WooCommerce): a decrease is booked, an increase too where
	// MasterConfig.Increases allows it. Only peers with the Shadow capture; not after a peer's backup was restored.
	Adopt    bool
	Progress func(Progress)
}

// AuditReport says how peers differ from what they are to have.
type AuditReport struct {
	Products    int // compared, times peers
	Requests    int
	Differences []Difference // by peer and SKU
	Conflicts   []*Conflict  // why, where that is known: also those that were known before
	Adopting    int          // differences that two reads will settle
}

// Audit asks every peer what it has, in ceil(products / batch) requests each, and compares. Differences that are being pushed
// just now are among them.
func (m *Master) Audit(ctx context.Context, o AuditOptions) (AuditReport, error) {
	in, err := m.inspection(ctx, "audit", o.Peers, o.SKUs, "", o.Progress)
	if err != nil {
		return AuditReport{}, err
	}
	var mu sync.Mutex
	var report AuditReport
	err = in.run(ctx, func(ctx context.Context, peer Peer, rows []*Row, has []*Stock) error {
		id := peer.ID()
		var lost []GID
		mu.Lock()
		for i, r := range rows {
			want := m.shown(r, id)
			report.Products++
			report.Differences = append(report.Differences, compare(id, r.Ref, &want, has[i])...)
			report.Conflicts = append(report.Conflicts, m.judge(r, peer, want, has[i])...)
			if o.Adopt && has[i] != nil && m.capture(id) == Shadow && r.Peers[id].lost(has[i].Quantity) {
				lost = append(lost, r.GID)
			}
		}
		report.Adopting += len(lost)
		mu.Unlock()
		return m.adopt(ctx, id, lost)
	})
	report.Requests = in.asked
	twins, found := m.duplicates(ctx)
	for _, fold := range sortedStrings(twins) {
		gids := make([]GID, len(twins[fold]))
		for i, ref := range twins[fold] {
			gids[i] = ref.GID
		}
		report.Conflicts = append(report.Conflicts, duplicate(twins[fold][0], gids))
	}
	slices.SortStableFunc(report.Differences, func(a, b Difference) int {
		if a.Peer != b.Peer {
			return strings.Compare(string(a.Peer), string(b.Peer))
		}
		return strings.Compare(string(a.Ref.SKU), string(b.Ref.SKU))
	})
	return report, errors.Join(err, found)
}

// judge says why a peer differs, where a look at it tells.
func (m *Master) judge(r *Row, peer Peer, want Stock, has *Stock) []*Conflict {
	id := peer.ID()
	because := func(reason Reason, format string, args ...any) []*Conflict {
		return []*Conflict{{Reason: reason, Peer: id, Ref: r.Ref, Detail: fmt.Sprintf(format, args...)}}
	}
	if s := r.Peers[id]; s != nil && s.Conflict != nil {
		return []*Conflict{s.Conflict}
	}
	if limits, ok := peer.(Limits); ok {
		if err := limits.Takes(want); err != nil {
			return because(UnsupportedType, "%s", err)
		}
	}
	switch {
	case has == nil:
		return because(MissingProduct, "the store has no product %s: make it there, or exclude it", r.SKU)
	case has.Manage != "" && want.Manage != has.Manage:
		return because(UnsupportedType, "stock is managed as %q there, and as %q at the authority", has.Manage, want.Manage)
	case want.Manage == Managed && want.Quantity.Equal(has.Quantity) && has.Status != "" &&
		has.Status != status(has.Quantity, want.Backorders):
		if has.Quantity.IsPositive() && has.Status != InStock {
			return because(ThresholdDiffers, "%s are %q there: its out-of-stock threshold is not 0", has.Quantity, has.Status)
		}
		return because(StatusDerived, "%s are %q there: something else than the quantity sets the status", has.Quantity, has.Status)
	}
	return nil
}

// lost says whether a quantity is a change that a peer has not reported: it was seen to hold another one since it was last pushed to.
func (s *Standing) lost(quantity decimal.Decimal) bool {
	holds, ok := s.holds()
	pushed := (*View)(nil)
	if s != nil {
		pushed = s.pushed()
	}
	return ok && !holds.Equal(quantity) && (pushed == nil || s.Proved >= pushed.Version)
}

// adopt has two reads decide what a peer holds.
func (m *Master) adopt(ctx context.Context, peer StoreID, gids []GID) error {
	if len(gids) == 0 {
		return nil
	}
	return m.change(ctx, gids, func(c *change) error {
		for _, l := range c.lines {
			if l.Row == nil || l.holdsBack(peer) || l.Manage != Managed {
				continue
			}
			source := fmt.Sprintf("seen/%s/%d", l.GID, c.now.UnixMicro())
			if len(source) > MaxID-len(noteSettled)-1 {
				source = source[len(source)-MaxID+len(noteSettled)+1:]
			}
			l.book(peer, source, decimal.Zero, noteHeld, c.now)
			l.Held = append(l.Held, Held{Entry: Entry{Store: peer, Source: source, GID: l.GID, Note: noteHeld, At: c.now}, Context: Observed})
			l.standing(peer).Seen = nil
			l.bump(0)
			l.push(peer, time.Time{})
		}
		return nil
	})
}

func sortedStrings[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
