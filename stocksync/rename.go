package stocksync

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Rename gives a product another SKU. Each peer is told, under the old one; only when it was seen to have the product under the new
// one is its stock pushed there. A peer that has another product under the new SKU gets nothing until a person has resolved the
// conflict: what is pushed would hit the wrong product.
func (m *Master) Rename(ctx context.Context, ref Ref, sku SKU) error {
	sku = SKU(strings.TrimSpace(string(sku)))
	if sku == "" {
		return &Conflict{Reason: Invalid, Ref: ref, Detail: "a product that is synced needs a SKU"}
	}
	gid, err := m.one(ctx, ref)
	if err != nil {
		return err
	}
	others, err := m.c.Store.Resolve(ctx, []Ref{{SKU: sku}})
	if err != nil {
		return fmt.Errorf("stocksync: looking for the new SKU: %w", err)
	}
	for _, other := range others[0] {
		if other != gid {
			return &Conflict{Reason: SKUTaken, Ref: Ref{GID: gid, SKU: sku}, Detail: fmt.Sprintf("product %s has it", other)}
		}
	}
	return m.change(ctx, []GID{gid}, func(c *change) error {
		l := c.lines[0]
		if l.Row == nil {
			return &Conflict{Reason: MissingProduct, Ref: ref}
		}
		if l.SKU == sku {
			return nil
		}
		for _, peer := range m.order {
			if s := l.standing(peer); s.Knows == "" {
				s.Knows = l.SKU // never seen, but pushed to under this one, if at all
			}
		}
		l.Renamed, l.SKU, l.Caused = l.SKU, sku, c.now
		c.note("info", "", "rename", l.Ref, "%s is now %s", l.Renamed, sku)
		return nil
	})
}

// rename makes a peer follow.
func (r *round) rename(ctx context.Context, todos []*todo) error {
	if len(todos) == 0 {
		return nil
	}
	there, err := r.under(ctx, todos)
	if err != nil {
		return r.putOff(ctx, todos, err)
	}
	var refs []Ref
	for i, t := range todos {
		if there[i] == oldOnly {
			refs = append(refs, Ref{GID: t.GID, SKU: t.ref.SKU, OldSKU: t.old})
		}
	}
	if len(refs) > 0 {
		applied, err := r.peer.Rename(ctx, refs)
		r.m.health.outbound(r.id, err)
		if err == nil && len(applied) != len(refs) {
			err = fmt.Errorf("stocksync: %s answered %d outcomes for %d renames", r.id, len(applied), len(refs))
		}
		if err != nil {
			return r.putOff(ctx, todos, err)
		}
		again, err := r.under(ctx, todos)
		if err != nil {
			return r.putOff(ctx, todos, err)
		}
		for i := range todos {
			if there[i] == oldOnly {
				if there[i] = again[i]; there[i] == both {
					there[i] = oldOnly // it has just come to be: the rename is under way
				}
			}
		}
	}
	return r.m.change(context.WithoutCancel(ctx), gidsOf(pushesOf(todos)), func(c *change) error {
		for i, l := range c.lines {
			if l.Row != nil && l.SKU == todos[i].ref.SKU {
				r.renamed(c, l, todos[i], there[i])
			}
		}
		return nil
	})
}

// whereabouts is under which of two SKUs a peer has a product.
type whereabouts int

const (
	nowhere whereabouts = iota
	oldOnly
	newOnly
	both
)

// under asks under which SKUs the peer has the products.
func (r *round) under(ctx context.Context, todos []*todo) ([]whereabouts, error) {
	refs := make([]Ref, 0, 2*len(todos))
	for _, t := range todos {
		refs = append(refs, Ref{SKU: t.ref.SKU}, Ref{SKU: t.old})
	}
	got, err := r.peer.Read(ctx, refs)
	r.m.health.outbound(r.id, err)
	if err != nil {
		return nil, err
	}
	if len(got) != len(refs) {
		return nil, fmt.Errorf("stocksync: %s answered %d states for %d SKUs", r.id, len(got), len(refs))
	}
	there := make([]whereabouts, len(todos))
	for i, t := range todos {
		now, before := got[2*i] != nil, got[2*i+1] != nil
		switch {
		case now && before && t.ref.SKU.Fold() == t.old.Fold():
			there[i] = newOnly // a store takes the two spellings for one: nothing is to be told apart
		case now && before:
			there[i] = both
		case now:
			there[i] = newOnly
		case before:
			there[i] = oldOnly
		}
	}
	return there, nil
}

// renamed notes what became of a rename.
func (r *round) renamed(c *change, l *line, t *todo, there whereabouts) {
	s := l.standing(r.id)
	t.Due = c.now
	switch there {
	case newOnly:
		s.Knows, s.Missed = l.SKU, 0
		if r.m.allKnow(l.Row) {
			l.Renamed = ""
		}
		l.bump(0)
		l.push(r.id, time.Time{})
	case both:
		l.conflict(r.id, SKUTaken, "it has another product under %s, and this one under %s: rename one there, then Resolve", l.SKU, t.old)
		c.commit.Done = append(c.commit.Done, t.Push)
		return
	case nowhere:
		if s.Missed++; s.Missed >= maxMissed {
			l.conflict(r.id, MissingProduct, "the store has neither %s nor %s", t.old, l.SKU)
			c.commit.Done = append(c.commit.Done, t.Push)
			return
		}
		t.Due = c.now.Add(readTwice)
	default:
		if s.Missed++; s.Missed >= maxMissed {
			l.conflict(r.id, NotApplied, "told %d times that %s is %s, and it is not", s.Missed, t.old, l.SKU)
			c.commit.Done = append(c.commit.Done, t.Push)
			return
		}
		t.Due = c.now.Add(readTwice)
	}
	c.commit.Later = append(c.commit.Later, t.Push)
}

// allKnow says whether every peer was seen to have the product under its SKU.
func (m *Master) allKnow(r *Row) bool {
	for _, peer := range m.order {
		if s := r.Peers[peer]; s == nil || s.Knows != r.SKU {
			return false
		}
	}
	return true
}

// putOff leaves products to the next attempt, and returns why.
func (r *round) putOff(ctx context.Context, todos []*todo, why error) error {
	stored := r.m.c.Store.Update(context.WithoutCancel(ctx), gidsOf(pushesOf(todos)), func([]*Row) (Commit, error) {
		var c Commit
		for _, t := range todos {
			p := t.Push
			p.Due, p.Error = time.Now(), why.Error()
			c.Later = append(c.Later, p)
		}
		return c, nil
	})
	if stored != nil {
		return stored
	}
	return why
}
