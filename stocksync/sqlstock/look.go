package sqlstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/internal/sqldb"
	"github.com/tillwire/tillwire/stocksync"
)

// skuKey is what a SKU is found by: as it folds, or a digest of what no column could hold. A folded SKU never begins with a space.
func skuKey(sku stocksync.SKU) string {
	fold := sku.Fold()
	if storable(fold) {
		return fold
	}
	sum := sha256.Sum256([]byte(fold))
	return " " + hex.EncodeToString(sum[:])
}

// Resolve implements [stocksync.Store]. Up to a hundred refs are one statement.
func (s *Store) Resolve(ctx context.Context, refs []stocksync.Ref) ([][]stocksync.GID, error) {
	found, err := within(ctx, s.db.Read, "resolve", func(tx *sqldb.Tx) (*index, error) { return find(ctx, tx, refs, "''") })
	if err != nil {
		return nil, err
	}
	all := make([][]stocksync.GID, len(refs))
	for i, r := range refs {
		all[i] = slices.Clone(found.resolve(r))
	}
	return all, nil
}

// Look implements [stocksync.Looker]. Up to a hundred refs are one statement.
func (s *Store) Look(ctx context.Context, refs []stocksync.Ref) ([][]*stocksync.Row, error) {
	found, err := within(ctx, s.db.Read, "look", func(tx *sqldb.Tx) (*index, error) { return find(ctx, tx, refs, "data") })
	if err != nil {
		return nil, err
	}
	all := make([][]*stocksync.Row, len(refs))
	for i, r := range refs {
		for _, gid := range found.resolve(r) {
			row, err := decode(gid, found.data[gid])
			if err != nil {
				return nil, fmt.Errorf("sqlstock: look: %w", err)
			}
			all[i] = append(all[i], row)
		}
	}
	return all, nil
}

// index is what a few rows can be found by.
type index struct {
	byGID map[stocksync.GID]bool
	bySKU map[string][]stocksync.GID // ascending
	data  map[stocksync.GID][]byte
}

func (x *index) resolve(r stocksync.Ref) []stocksync.GID {
	if x.byGID[r.GID] {
		return []stocksync.GID{r.GID}
	}
	if found := x.bySKU[skuKey(r.OldSKU)]; len(found) > 0 {
		return found
	}
	return x.bySKU[skuKey(r.SKU)]
}

// find reads the rows that refs may lead to: their data, or "”" for none of it. Rows that were made only to be locked have none.
func find(ctx context.Context, tx *sqldb.Tx, refs []stocksync.Ref, data string) (*index, error) {
	x := &index{byGID: map[stocksync.GID]bool{}, bySKU: map[string][]stocksync.GID{}, data: map[stocksync.GID][]byte{}}
	gids, keys := names(refs)
	for len(gids)+len(keys) > 0 {
		n, m := min(len(gids), sqldb.Batch), min(len(keys), sqldb.Batch)
		in, args := sqldb.In(gids[:n])
		inKeys, keyArgs := sqldb.In(keys[:m])
		gids, keys = gids[n:], keys[m:]
		err := tx.Each(ctx, func(scan func(...any) error) error {
			var gid stocksync.GID
			var key string
			var bySKU int
			var data []byte
			if err := scan(&gid, &key, &bySKU, &data); err != nil {
				return err
			}
			if bySKU == 0 {
				x.byGID[gid] = true
			} else {
				x.bySKU[key] = append(x.bySKU[key], gid)
			}
			x.data[gid] = data
			return nil
		}, `select gid, sku_key, 0, `+data+` from {stock_rows} where gid in `+in+` and data <> ''
			union all select gid, sku_key, 1, `+data+` from {stock_rows} where sku_key in `+inKeys+` and data <> '' order by 1`,
			append(args, keyArgs...)...)
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}

// names are the GIDs and the SKU keys in refs, each once.
func names(refs []stocksync.Ref) (gids []stocksync.GID, keys []string) {
	for _, r := range refs {
		if r.GID != "" && storable(string(r.GID)) {
			gids = append(gids, r.GID)
		}
		for _, sku := range []stocksync.SKU{r.OldSKU, r.SKU} {
			if key := skuKey(sku); key != "" {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(gids)
	slices.Sort(keys)
	return slices.Compact(gids), slices.Compact(keys)
}

// Find implements [stocksync.Store].
func (s *Store) Find(ctx context.Context, after stocksync.GID, n int) ([]*stocksync.Row, error) {
	return within(ctx, s.db.Read, "find", func(tx *sqldb.Tx) (rows []*stocksync.Row, err error) {
		err = tx.Each(ctx, func(scan func(...any) error) error {
			var gid stocksync.GID
			var data []byte
			if err := scan(&gid, &data); err != nil {
				return err
			}
			row, err := decode(gid, data)
			rows = append(rows, row)
			return err
		}, `select gid, data from {stock_rows} where gid > ? and data <> '' order by gid limit ?`, clean(string(after)), max(0, n))
		return rows, err
	})
}
