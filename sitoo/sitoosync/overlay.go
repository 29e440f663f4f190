package sitoosync

import (
	"context"
	"iter"
)

// overlay is a LinkStore for dry runs: what is put stays in memory, in front of the links there are.
type overlay struct {
	LinkStore
	added MemoryLinks
}

func (o *overlay) Find(ctx context.Context, kind LinkKind, side Side, ids []string) ([]Link, error) {
	found, err := o.LinkStore.Find(ctx, kind, side, ids)
	if err != nil {
		return nil, err
	}
	added, err := o.added.Find(ctx, kind, side, ids)
	return append(found, added...), err
}

func (o *overlay) Put(ctx context.Context, links []Link) error {
	for _, l := range links {
		known, err := o.LinkStore.Find(ctx, l.Kind, Woo, []string{l.Woo})
		if err != nil {
			return err
		}
		taken, err := o.LinkStore.Find(ctx, l.Kind, Sitoo, []string{l.Sitoo})
		if err != nil {
			return err
		}
		for _, k := range append(known, taken...) {
			if k.Woo != l.Woo || k.Sitoo != l.Sitoo {
				return linked(l)
			}
		}
		if len(known) > 0 {
			continue // only its Sum is new
		}
		if err := o.added.Put(ctx, []Link{l}); err != nil {
			return err
		}
	}
	return nil
}

func (o *overlay) Remove(ctx context.Context, links []Link) error { return o.added.Remove(ctx, links) }

func (o *overlay) All(ctx context.Context, kind LinkKind) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		for _, links := range []iter.Seq2[Link, error]{o.LinkStore.All(ctx, kind), o.added.All(ctx, kind)} {
			for l, err := range links {
				if !yield(l, err) {
					return
				}
			}
		}
	}
}

// rehearsedState is a StateStore for dry runs.
type rehearsedState struct {
	StateStore
	saved MemoryLinks
}

func (r *rehearsedState) Load(ctx context.Context, name string) ([]byte, error) {
	if b, err := r.saved.Load(ctx, name); err != nil || b != nil {
		return b, err
	}
	return r.StateStore.Load(ctx, name)
}

func (r *rehearsedState) Save(ctx context.Context, name string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return r.saved.Save(ctx, name, value)
}
