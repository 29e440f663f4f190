package stocksync

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Seed makes products known: what is on hand of each is taken once, as the quantity that the ledger begins with; one that is known
// already (by GID, else by SKU) is left as it is. An item without a GID gets a new one. Two products of one SKU are both kept, and
// frozen until each has its own. It returns how many are new.
func (m *Master) Seed(ctx context.Context, items []Item) (fresh int, err error) {
	for _, item := range items {
		if strings.TrimSpace(string(item.SKU)) == "" {
			return fresh, &Conflict{Reason: Invalid, Ref: item.Ref, Detail: "a product that is synced needs a SKU"}
		}
		if len(item.GID) > MaxID {
			return fresh, &Conflict{Reason: Invalid, Ref: item.Ref, Detail: fmt.Sprintf("the GID has more than %d bytes", MaxID)}
		}
	}
	const batch = 200
	for len(items) > 0 {
		n := min(batch, len(items))
		made, err := m.seed(ctx, items[:n])
		fresh += made
		if err != nil {
			return fresh, err
		}
		items = items[n:]
	}
	return fresh, nil
}

func (m *Master) seed(ctx context.Context, items []Item) (fresh int, err error) {
	found, err := m.c.Store.Resolve(ctx, refsOf(items))
	if err != nil {
		return 0, fmt.Errorf("stocksync: finding the products: %w", err)
	}
	var gids []GID
	var mine []Item
	twins := map[GID][]GID{} // a new product to those that have its SKU
	bySKU := map[string]GID{}
	for i, item := range items {
		known := found[i]
		if other, ok := bySKU[item.SKU.Fold()]; ok {
			known = append(known, other)
		}
		if item.GID == "" {
			if len(known) > 0 {
				continue
			}
			item.GID = newGID()
		} else if len(known) == 1 && known[0] == item.GID {
			continue
		}
		item.OldSKU, item.Version, item.Was = "", 0, nil
		twins[item.GID] = known
		bySKU[item.SKU.Fold()] = item.GID
		gids = append(gids, item.GID)
		mine = append(mine, item)
	}
	all := append([]GID(nil), gids...)
	seen := map[GID]bool{}
	for _, gid := range gids {
		seen[gid] = true
	}
	for _, known := range twins {
		for _, gid := range known {
			if !seen[gid] {
				seen[gid] = true
				all = append(all, gid)
			}
		}
	}
	if len(gids) == 0 {
		return 0, nil
	}
	err = m.change(ctx, all, func(c *change) error {
		fresh = 0
		at := map[GID]*line{}
		for _, l := range c.lines {
			at[l.gid] = l
		}
		for i, gid := range gids {
			l := at[gid]
			if l.Row != nil {
				continue // another process was faster
			}
			l.Row = &Row{Item: mine[i], Seed: mine[i].Quantity}
			l.touched = true
			l.Caused = c.now
			fresh++
			for _, twin := range twins[gid] {
				for _, one := range []*line{l, at[twin]} {
					if one.Row != nil {
						one.conflict(atAuthority, DuplicateSKU, "products %s and %s have the SKU %s: rename one, then Resolve both", gid, twin, l.SKU)
					}
				}
			}
		}
		return nil
	})
	return fresh, err
}

// newGID makes a GID as the plugin does: a UUID of version 4.
func newGID() GID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return GID(fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}

// Import seeds what the Source lists. A product that has a GID there keeps it: one that a plugin gave it is known to its children.
func (m *Master) Import(ctx context.Context) (fresh int, err error) {
	catalog, ok := m.c.Source.(Catalog)
	if !ok {
		return 0, errors.New("stocksync: MasterConfig.Source cannot list its products: it is no Catalog; use Seed")
	}
	const batch = 200
	var items []Item
	seed := func() error {
		n, err := m.Seed(ctx, items)
		fresh += n
		items = items[:0]
		return err
	}
	for item, err := range catalog.Items(ctx) {
		switch {
		case err != nil:
			return fresh, fmt.Errorf("stocksync: reading the source: %w", err)
		case strings.TrimSpace(string(item.SKU)) == "":
			m.tell(ctx, []Event{{At: time.Now(), Level: "warn", Action: "import", Ref: item.Ref,
				Text: "a product without a SKU is not synced"}})
			continue
		case m.c.Exclude.Has(item.SKU):
			continue
		}
		if items = append(items, item); len(items) == batch {
			if err := seed(); err != nil {
				return fresh, err
			}
		}
	}
	return fresh, seed()
}

// ImportSKUs seeds named products with what the Source has of them now.
func (m *Master) ImportSKUs(ctx context.Context, refs ...Ref) (fresh int, err error) {
	if m.c.Source == nil {
		return 0, errors.New("stocksync: MasterConfig.Source is missing; use Seed")
	}
	has, err := m.c.Source.Read(ctx, refs)
	if err != nil {
		return 0, fmt.Errorf("stocksync: reading the source: %w", err)
	}
	var items []Item
	for i, stock := range has {
		if stock == nil {
			return 0, &Conflict{Reason: MissingProduct, Ref: refs[i], Detail: "the source has no such product"}
		}
		items = append(items, Item{Ref: refs[i], Stock: *stock})
	}
	return m.Seed(ctx, items)
}
