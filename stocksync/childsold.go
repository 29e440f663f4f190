package stocksync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Line is a product and how much of it was sold, or is about to be.
type Line struct {
	Ref
	Quantity decimal.Decimal // negative for what was taken back
}

// Sold tells the child of a sale that the shelf has made: an order, a receipt, a return (with negative quantities). The key names it
// for ever, "receipt:1042"; the same again counts once, so a host calls it as often as it likes. Nil says that it is kept: the
// master will be told, however long that takes. The key has at most 200 bytes.
//
// A product that the master has not pushed yet is known by its SKU until it does. Products that are excluded or that nobody counts are
// noted, no more. A SKU that two products have is refused with a [Conflict]: name the GID.
func (c *Child) Sold(ctx context.Context, key string, lines []Line) error {
	if key == "" || len(key) > 200 {
		return fmt.Errorf("stocksync: the key of a sale is %q: it must have 1 to 200 bytes", key)
	}
	refs := make([]Ref, len(lines))
	for i, l := range lines {
		if refs[i] = (Ref{GID: l.GID, SKU: l.SKU}); l.GID == "" && strings.TrimSpace(string(l.SKU)) == "" {
			return &Conflict{Reason: Invalid, Detail: fmt.Sprintf("line %d of %s names no product", i, key)}
		}
	}
	found, err := c.c.Store.Resolve(ctx, refs)
	if err != nil {
		return fmt.Errorf("stocksync: finding the products of %s: %w", key, err)
	}
	at := make([]GID, len(lines)) // where each line goes
	var gids []GID
	for i, ref := range refs {
		if at[i], err = c.owner(ref, found[i]); err != nil {
			return err
		}
		if !slices.Contains(gids, at[i]) {
			gids = append(gids, at[i])
		}
	}
	err = c.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		return c.book(key, lines, gids, at, rows), nil
	})
	if err != nil && !errors.Is(err, ErrKnown) {
		return fmt.Errorf("stocksync: keeping %s: %w", key, err)
	}
	return c.wake(ctx, c.reports)
}

// owner is the row in which a product is kept, or is to be.
func (c *Child) owner(ref Ref, found []GID) (GID, error) {
	if given := fromMaster(found); len(given) > 0 {
		found = given
	}
	switch {
	case len(found) > 1:
		return "", &Conflict{Reason: DuplicateSKU, Ref: ref, Detail: "two products have this SKU: name the GID"}
	case len(found) == 1:
		return found[0], nil
	case ref.GID != "":
		return ref.GID, nil
	}
	return provisional(ref.SKU), nil
}

// book is a sale as one transaction.
func (c *Child) book(key string, lines []Line, gids, at []GID, rows []*Row) Commit {
	now := time.Now().UTC()
	var commit Commit
	held := map[GID]bool{}
	for i, l := range lines {
		n := slices.Index(gids, at[i])
		if rows[n] == nil {
			rows[n] = &Row{Item: Item{Ref: Ref{GID: at[i], SKU: l.SKU}}}
		}
		row := rows[n]
		e := Entry{Store: c.self, Source: key + "/" + strconv.Itoa(i), GID: row.GID, Delta: l.Quantity.Neg(), At: now}
		switch {
		case c.c.Exclude.Has(row.SKU):
			e.Delta, e.Note = decimal.Zero, noteExcluded
		case row.Manage == Unmanaged:
			e.Delta, e.Note = decimal.Zero, noteUnmanaged
		default:
			row.hold(e)
			held[row.GID] = true
		}
		commit.Ledger = append(commit.Ledger, e)
	}
	for _, row := range rows {
		if held[row.GID] {
			row.touch(now)
			commit.Rows = append(commit.Rows, row)
			commit.Push = append(commit.Push, row.outbox(c.master, time.Time{}))
		}
	}
	return commit
}
