package stocksync

import "context"

// Looker is a [Store] that shows rows without locking them, so that who asks waits for nobody who sells: checkouts ask for 50 products at
// a time, a hundred times a second.
type Looker interface {
	// Look returns rows.
	//  1. It must return, for each ref in order, the rows whose GIDs Resolve would name, each a copy of its own.
	//  2. It must show the rows as they are committed, all of one moment, which is not before the call: what an Update has changed that
	//     ended before the call shows.
	Look(ctx context.Context, refs []Ref) ([][]*Row, error)
}

// lookAt returns all rows that refs lead to: at once where the store is a [Looker], else by locking them.
func lookAt(ctx context.Context, s Store, refs []Ref) ([][]*Row, error) {
	if l, ok := s.(Looker); ok {
		return l.Look(ctx, refs)
	}
	found, err := s.Resolve(ctx, refs)
	if err != nil {
		return nil, err
	}
	var gids []GID
	for _, f := range found {
		gids = append(gids, f...)
	}
	var rows []*Row
	err = s.Update(ctx, gids, func(locked []*Row) (Commit, error) {
		rows = locked
		return Commit{}, nil
	})
	if err != nil {
		return nil, err
	}
	all := make([][]*Row, len(refs))
	for i, f := range found {
		all[i], rows = rows[:len(f):len(f)], rows[len(f):]
	}
	return all, nil
}
