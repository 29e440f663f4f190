package stocksync

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxID is how long a StoreID, a GID and an Entry's Source may be for a store, in bytes. A wire replaces what is longer by its digest,
// and also what is not UTF-8 or has a NUL.
const MaxID = 255

// DefaultEvents is how many events [Store.Events] returns when EventQuery.Limit is 0.
const DefaultEvents = 100

// Clone returns a deep copy as a [Store] keeps it: times in UTC and to the microsecond, nothing shared.
func (r *Row) Clone() *Row {
	if r == nil {
		return nil
	}
	c := *r
	c.Updated, c.Caused = micro(r.Updated), micro(r.Caused)
	c.LowStock, c.Was = copied(r.LowStock), copied(r.Was)
	c.Peers = nil
	if len(r.Peers) > 0 {
		c.Peers = make(map[StoreID]*Standing, len(r.Peers))
	}
	for id, s := range r.Peers {
		c.Peers[id] = s.clone()
	}
	c.Shares = nil
	if len(r.Shares) > 0 {
		c.Shares = maps.Clone(r.Shares) // a decimal never changes
	}
	c.Held = append([]Held(nil), r.Held...)
	for i := range c.Held {
		c.Held[i].At, c.Held[i].Got = micro(c.Held[i].At), micro(c.Held[i].Got)
	}
	return &c
}

func (s *Standing) clone() *Standing {
	c := copied(s)
	if c == nil {
		return nil
	}
	c.Views = append([]View(nil), s.Views...)
	for i, v := range c.Views {
		c.Views[i].SentAt, c.Views[i].AckedAt = micro(v.SentAt), micro(v.AckedAt)
	}
	if c.Seen = copied(s.Seen); c.Seen != nil {
		c.Seen.At = micro(c.Seen.At)
	}
	if c.Conflict = copied(s.Conflict); c.Conflict != nil {
		c.Conflict.Since = micro(c.Conflict.Since)
	}
	c.Checked = micro(s.Checked)
	return c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Check says what is wrong with a commit to these rows, which a [Store] has locked; nil stands for one that does not exist. It sees
// all but what only the ledger itself can tell. [ErrKnown] when a ledger line comes twice.
func (c *Commit) Check(gids []GID, rows []*Row) error {
	stored := make(map[GID]*Row, len(gids))
	for i, gid := range gids {
		stored[gid] = rows[i]
	}
	written := make(map[GID]bool, len(c.Rows))
	for _, r := range c.Rows {
		old, locked := stored[r.GID]
		switch {
		case r.GID == "":
			return errors.New("stocksync: a row without a GID")
		case !locked:
			return fmt.Errorf("stocksync: row %q is not among those that Update locked: name it in gids", r.GID)
		case written[r.GID]:
			return fmt.Errorf("stocksync: row %q comes twice in one commit", r.GID)
		case old != nil && r.Version < old.Version:
			return fmt.Errorf("stocksync: row %q goes back from version %d to %d", r.GID, old.Version, r.Version)
		}
		written[r.GID] = true
		if err := fits("GID", string(r.GID)); err != nil {
			return err
		}
	}
	lines := make(map[LedgerKey]bool, len(c.Ledger))
	for _, e := range c.Ledger {
		if lines[e.Key()] {
			return ErrKnown
		}
		lines[e.Key()] = true
		if err := errors.Join(fits("Store", string(e.Store)), fits("Source", e.Source), fits("GID", string(e.GID))); err != nil {
			return err
		}
	}
	for _, p := range c.Push {
		if err := errors.Join(fits("Peer", string(p.Peer)), fits("GID", string(p.GID))); err != nil {
			return err
		}
	}
	return nil
}

// LedgerKey is what a line of the ledger is unique by.
type LedgerKey struct {
	Store  StoreID
	Source string
}

// Key is what the line is unique by.
func (e Entry) Key() LedgerKey { return LedgerKey{e.Store, e.Source} }

// fits says whether a text can be a name in every store: what is longer, or no text at all, is not.
func fits(field, name string) error {
	switch {
	case len(name) > MaxID:
		return fmt.Errorf("stocksync: %s %.40q… has %d bytes: at most %d", field, name, len(name), MaxID)
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return fmt.Errorf("stocksync: %s %q is not UTF-8 without NUL", field, name)
	}
	return nil
}
