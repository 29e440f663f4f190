package stocksync

import (
	"context"
	"fmt"
)

// Lookup tells what is on the shelf, read now, with the GID and version under which this child knows it; nil where the shelf has no
// such product. Excluded products are answered as well: the master's audit leaves them out by itself. Whoever asks sees the same.
func (c *Child) Lookup(ctx context.Context, from StoreID, refs []Ref) ([]*Item, error) {
	if from == c.master {
		c.health.inbound(from)
	}
	rows, err := c.known(ctx, refs)
	if err != nil {
		return nil, err
	}
	there := make([]Ref, len(refs))
	for i, ref := range refs {
		if there[i] = (Ref{GID: ref.GID, SKU: ref.SKU}); rows[i] != nil {
			there[i] = rows[i].shelfItem(c.self).Ref
		}
	}
	stocks, err := c.c.Shelf.Read(ctx, there)
	if err == nil && len(stocks) != len(refs) {
		err = fmt.Errorf("it answered %d of %d products", len(stocks), len(refs))
	}
	if err != nil {
		return nil, fmt.Errorf("stocksync: reading the shelf: %w", err)
	}
	items := make([]*Item, len(refs))
	for i, s := range stocks {
		if s == nil {
			continue
		}
		items[i] = &Item{Ref: Ref{SKU: there[i].SKU}, Stock: *s}
		if row := rows[i]; row != nil {
			items[i].GID, items[i].Version = row.wireRef().GID, row.Version
		}
	}
	return items, nil
}

// known returns the rows of products, nil where there is none or not one alone.
func (c *Child) known(ctx context.Context, refs []Ref) ([]*Row, error) {
	found, err := c.c.Store.Resolve(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("stocksync: finding products: %w", err)
	}
	var gids []GID
	at := map[GID]int{}
	owners := make([]GID, len(refs))
	for i, ref := range refs {
		gid, err := c.owner(ref, found[i])
		if err != nil || len(found[i]) == 0 {
			continue
		}
		if _, twice := at[gid]; !twice {
			at[gid] = len(gids)
			gids = append(gids, gid)
		}
		owners[i] = gid
	}
	rows := make([]*Row, len(refs))
	if len(gids) == 0 {
		return rows, nil
	}
	stored, err := c.rows(ctx, gids)
	if err != nil {
		return nil, fmt.Errorf("stocksync: reading products: %w", err)
	}
	for i, gid := range owners {
		if gid != "" {
			rows[i] = stored[at[gid]]
		}
	}
	return rows, nil
}
