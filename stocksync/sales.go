package stocksync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Shortage says that a sale asks for more than there is. Nothing of it was booked.
type Shortage struct {
	Lines []Line // what is short, with what there is of it
}

// Error names what is short.
func (s *Shortage) Error() string {
	parts := make([]string, len(s.Lines))
	for i, l := range s.Lines {
		parts[i] = fmt.Sprintf("%s of %s", l.Quantity, l.SKU)
	}
	return "stocksync: not enough on hand: only " + strings.Join(parts, ", ")
}

// Permanent tells the queue that trying again is useless.
func (s *Shortage) Permanent() bool { return true }

// Reserve takes stock for a sale of the host's own: all lines or none. A product without backorders is never sold below zero, and with
// [Allocated] the host sells from the reserve alone. The error is a *[Shortage] when there is not enough. The key names the sale for
// ever, "order:1042"; the same again changes nothing and is nil. Take it back with Restock under another key.
func (m *Master) Reserve(ctx context.Context, key string, lines []Line) error {
	return m.move(ctx, "reserve/"+key, lines, func(c *change) error { return c.enough() }, decimal.New(-1, 0))
}

// Sold books a sale of the host's own that has happened: also below zero. Else it is Reserve.
func (m *Master) Sold(ctx context.Context, key string, lines []Line) error {
	return m.move(ctx, "sold/"+key, lines, nil, decimal.New(-1, 0))
}

// Restock books what came in, or came back. The key names it for ever.
func (m *Master) Restock(ctx context.Context, key string, lines []Line) error {
	return m.move(ctx, "restock/"+key, lines, nil, decimal.New(1, 0))
}

// move books lines of the host's own under one key.
func (m *Master) move(ctx context.Context, source string, lines []Line, check func(*change) error, sign decimal.Decimal) error {
	total, gids, err := m.sum(ctx, source, lines)
	if err != nil || len(gids) == 0 {
		return err
	}
	err = m.change(ctx, gids, func(c *change) error {
		for i, l := range c.lines {
			switch {
			case l.Row == nil:
				return errors.New("stocksync: a product vanished while it was sold: try again")
			case l.Manage != Managed:
				l.book(m.ID(), fmt.Sprintf("%s/%d", source, i+1), decimal.Zero, noteUnmanaged, c.now)
			default:
				l.book(m.ID(), fmt.Sprintf("%s/%d", source, i+1), sign.Mul(total[l.gid]), "", c.now)
				l.Caused = c.now
			}
		}
		if check != nil {
			return check(c)
		}
		return nil
	})
	return once(err)
}

// sum finds the products of lines, and how much of each, by GID: under one key the same lines come in the same order.
func (m *Master) sum(ctx context.Context, source string, lines []Line) (total map[GID]decimal.Decimal, gids []GID, err error) {
	if strings.HasSuffix(source, "/") || len(source) > MaxID-8 {
		return nil, nil, fmt.Errorf("stocksync: a key must have 1 to %d bytes", MaxID-16)
	}
	refs := make([]Ref, len(lines))
	for i, l := range lines {
		if refs[i] = l.Ref; l.Quantity.IsNegative() {
			return nil, nil, &Conflict{Reason: Invalid, Ref: l.Ref, Detail: "a negative quantity: Restock what comes back"}
		}
	}
	found, err := m.c.Store.Resolve(ctx, refs)
	if err != nil {
		return nil, nil, fmt.Errorf("stocksync: finding the products: %w", err)
	}
	total = map[GID]decimal.Decimal{}
	for i, f := range found {
		switch len(f) {
		case 0:
			return nil, nil, &Conflict{Reason: MissingProduct, Ref: refs[i], Detail: "not known here: Import or Seed it"}
		case 1:
			total[f[0]] = total[f[0]].Add(lines[i].Quantity)
		default:
			return nil, nil, duplicate(refs[i], f)
		}
	}
	for gid := range total {
		gids = append(gids, gid)
	}
	slices.Sort(gids)
	return total, gids, nil
}

// enough says whether what was booked was there.
func (c *change) enough() error {
	var short Shortage
	for _, l := range c.lines {
		if l.Manage != Managed || l.Backorders == BackordersYes || l.Backorders == BackordersNotify {
			continue
		}
		left := l.Quantity
		if c.m.c.Mode == Allocated {
			left = l.reserve()
		}
		if left.IsNegative() {
			there := left.Add(l.stored.Quantity.Sub(l.Quantity))
			short.Lines = append(short.Lines, Line{Ref: l.Ref, Quantity: decimal.Max(decimal.Zero, there)})
		}
	}
	if len(short.Lines) > 0 {
		return &short
	}
	return nil
}

// Set says what a person has counted or decided: quantity, and what else an item says. The key names the count for ever.
func (m *Master) Set(ctx context.Context, key string, items []Item) error {
	lines := make([]Line, len(items))
	for i, item := range items {
		lines[i] = Line{Ref: item.Ref}
	}
	_, gids, err := m.sum(ctx, "set/"+key, lines)
	if err != nil || len(gids) == 0 {
		return err
	}
	found, err := m.c.Store.Resolve(ctx, refsOf(items))
	if err != nil {
		return fmt.Errorf("stocksync: finding the products: %w", err)
	}
	err = m.change(ctx, gids, func(c *change) error {
		for i, l := range c.lines {
			if l.Row == nil {
				return errors.New("stocksync: a product vanished while it was set: try again")
			}
			for j, item := range items {
				if slices.Contains(found[j], l.gid) {
					l.set(item.Stock)
				}
			}
			counted := l.Quantity.Sub(l.stored.Quantity)
			l.Quantity = l.stored.Quantity
			l.book(m.ID(), fmt.Sprintf("set/%s/%d", key, i+1), counted, "", c.now)
			l.Caused = c.now
			l.touched = true
		}
		return nil
	})
	return once(err)
}

// set makes a state the product's own; what it does not say is left alone.
func (l *line) set(s Stock) {
	l.Stock = merged(l.Stock, s)
}

func refsOf(items []Item) []Ref {
	refs := make([]Ref, len(items))
	for i, item := range items {
		refs[i] = item.Ref
	}
	return refs
}
