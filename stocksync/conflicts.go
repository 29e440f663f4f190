package stocksync

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// atAuthority is where a row keeps a conflict that is not a peer's.
const atAuthority StoreID = ""

// frozen says whether a conflict keeps a product from moving at all until a person has resolved it. With the others each new state is
// tried again.
func (c *Conflict) frozen() bool {
	switch c.Reason {
	case Looping, DuplicateSKU, SKUTaken, UnsupportedType:
		return true
	}
	return false
}

// frozen says whether nothing moves between the authority and a peer, or at the authority.
func (l *line) frozen(peer StoreID) bool {
	s := l.Peers[peer]
	return s != nil && s.Conflict != nil && s.Conflict.frozen()
}

// conflict notes why a product cannot be kept equal with a peer.
func (l *line) conflict(peer StoreID, reason Reason, format string, args ...any) {
	s := l.standing(peer)
	text := fmt.Sprintf(format, args...)
	if s.Conflict == nil || s.Conflict.Reason != reason {
		s.Conflict = &Conflict{Reason: reason, Peer: peer, Ref: l.Ref, Since: l.c.now}
		l.c.note("error", peer, "conflict", l.Ref, "%s: %s", reason, text)
	}
	s.Conflict.Detail = text
}

// Conflicts lists what a person must look at, by GID. It reads every row.
func (m *Master) Conflicts(ctx context.Context) ([]*Conflict, error) {
	var all []*Conflict
	for r, err := range m.rows(ctx) {
		if err != nil {
			return all, err
		}
		for _, peer := range sortedKeys(r.Peers) {
			if c := r.Peers[peer].Conflict; c != nil {
				all = append(all, c)
			}
		}
	}
	return all, nil
}

// Resolve says that a person has seen to the conflicts of a product, at a peer or, with an empty one, everywhere: what was frozen
// moves again, and the peers get the authority's state. Where the cause stands, the conflict comes back.
func (m *Master) Resolve(ctx context.Context, ref Ref, peer StoreID) error {
	gid, err := m.one(ctx, ref)
	if err != nil {
		return err
	}
	return m.change(ctx, []GID{gid}, func(c *change) error {
		l := c.lines[0]
		if l.Row == nil {
			return &Conflict{Reason: MissingProduct, Ref: ref}
		}
		for id, s := range l.Peers {
			if peer != "" && id != peer && id != atAuthority {
				continue
			}
			s.Conflict, s.Missed, s.Seen = nil, 0, nil
		}
		delete(l.Peers, atAuthority)
		l.Caused = c.now
		l.bump(0)
		for _, id := range m.order {
			if peer == "" || id == peer {
				l.push(id, time.Time{})
			}
		}
		c.note("info", peer, "resolve", l.Ref, "conflicts resolved by hand")
		return nil
	})
}

// one finds the one product of a ref; a *Conflict says why there is none.
func (m *Master) one(ctx context.Context, ref Ref) (GID, error) {
	found, err := m.c.Store.Resolve(ctx, []Ref{ref})
	switch {
	case err != nil:
		return "", fmt.Errorf("stocksync: finding the product: %w", err)
	case len(found[0]) == 0:
		return "", &Conflict{Reason: MissingProduct, Ref: ref, Detail: "not known here: Import or Seed it"}
	case len(found[0]) > 1:
		return "", duplicate(ref, found[0])
	}
	return found[0][0], nil
}

func sortedKeys[V any](m map[StoreID]V) []StoreID {
	keys := make([]StoreID, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
