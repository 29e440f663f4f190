package stocksync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// shelfBatch is how many products the shelf is given at a time.
const shelfBatch = 50

// renamer is a shelf whose products follow the master's SKUs.
type renamer interface {
	Rename(ctx context.Context, refs []Ref) ([]Applied, error)
}

// fill is the job that brings the shelf to the state of the rows that wait for it: it reads, sets what differs, and reads again.
func (c *Child) fill(ctx context.Context) error {
	due, err := c.c.Store.Behind(ctx, c.self, shelfBatch, childLease)
	if err != nil {
		return fmt.Errorf("stocksync: what waits for the shelf: %w", err)
	}
	if len(due) == 0 {
		return c.rest(ctx, c.self)
	}
	f := &filling{c: c}
	if err := f.run(ctx, due); err != nil {
		return errors.Join(err, c.putOff(ctx, due, err))
	}
	return retryqueue.More()
}

// filling is one round with the shelf.
type filling struct {
	c     *Child
	lines []*filled
}

// filled is a product in it.
type filled struct {
	push Push
	want Item
	sku  SKU // the master's, when the shelf has it under another
	have *Stock
	err  error // why it could not be done
	seen bool  // there as it should be
}

func (f *filling) run(ctx context.Context, due []Push) error {
	gids := make([]GID, len(due))
	for i, p := range due {
		gids[i] = p.GID
	}
	rows, err := f.c.rows(ctx, gids)
	if err != nil {
		return fmt.Errorf("stocksync: reading what waits for the shelf: %w", err)
	}
	for i, row := range rows {
		l := &filled{push: due[i]}
		if row != nil {
			l.want, l.sku = row.shelfItem(f.c.self), row.SKU
		}
		f.lines = append(f.lines, l)
	}
	if err := f.rename(ctx); err != nil {
		return err
	}
	if err := f.read(ctx, func(l *filled) bool { return l.err == nil }); err != nil {
		return err
	}
	if err := f.apply(ctx); err != nil {
		return err
	}
	return f.settle(ctx, gids)
}

// some does something with those lines that qualify.
func (f *filling) some(which func(*filled) bool, do func(lines []*filled) error) error {
	var lines []*filled
	for _, l := range f.lines {
		if l.want.SKU != "" && which(l) {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return do(lines)
}

// rename gives products their new SKU. What the shelf refuses, another product having it perhaps, stays what it was.
func (f *filling) rename(ctx context.Context) error {
	shelf, ok := f.c.c.Shelf.(renamer)
	if !ok {
		return nil
	}
	return f.some(func(l *filled) bool { return l.want.SKU != l.sku }, func(lines []*filled) error {
		refs := make([]Ref, len(lines))
		for i, l := range lines {
			refs[i] = Ref{GID: l.want.GID, SKU: l.sku, OldSKU: l.want.SKU}
		}
		applied, err := shelf.Rename(ctx, refs)
		if err = all(applied, len(refs), err); err != nil {
			return fmt.Errorf("stocksync: renaming on the shelf: %w", err)
		}
		for i, l := range lines {
			switch a := applied[i]; a.Outcome {
			case Accepted, Confirmed:
				l.want.SKU = l.sku
			default:
				l.err = a.reason(SKUTaken)
			}
		}
		return nil
	})
}

func (f *filling) read(ctx context.Context, which func(*filled) bool) error {
	return f.some(which, func(lines []*filled) error {
		refs := make([]Ref, len(lines))
		for i, l := range lines {
			refs[i] = l.want.Ref
		}
		stocks, err := f.c.c.Shelf.Read(ctx, refs)
		if err = all(stocks, len(refs), err); err != nil {
			return fmt.Errorf("stocksync: reading the shelf: %w", err)
		}
		for i, l := range lines {
			l.have = stocks[i]
			l.seen = len(compare(f.c.self, l.want.Ref, &l.want.Stock, l.have)) == 0
		}
		return nil
	})
}

// apply sets what differs, and looks whether it is there.
func (f *filling) apply(ctx context.Context) error {
	look := map[*filled]bool{}
	err := f.some(func(l *filled) bool { return l.err == nil && l.have != nil && !l.seen }, func(lines []*filled) error {
		items := make([]Item, len(lines))
		for i, l := range lines {
			items[i] = l.want
		}
		applied, err := f.c.c.Shelf.Apply(ctx, items)
		if err = all(applied, len(items), err); err != nil {
			return fmt.Errorf("stocksync: setting the shelf: %w", err)
		}
		for i, l := range lines {
			switch a := applied[i]; a.Outcome {
			case Confirmed:
				l.seen = true
			case Accepted:
				look[l] = true
			default:
				l.err = a.reason(NotApplied)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.read(ctx, func(l *filled) bool { return look[l] })
}

// settle keeps what became of each product.
func (f *filling) settle(ctx context.Context, gids []GID) error {
	var events []Event
	err := f.c.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		var commit Commit
		events = nil
		for i, l := range f.lines {
			if rows[i] == nil || rows[i].SKU == "" {
				commit.Done = append(commit.Done, l.push)
				continue
			}
			if e := f.conclude(&commit, l, rows[i]); e != nil {
				events = append(events, *e)
			}
		}
		return commit, nil
	})
	if err != nil {
		return fmt.Errorf("stocksync: keeping what the shelf has: %w", err)
	}
	f.c.record(ctx, events...)
	return nil
}

func (f *filling) conclude(commit *Commit, l *filled, row *Row) *Event {
	now := time.Now().UTC()
	shelf := row.standing(f.c.self)
	before := shelf.Conflict
	var conflict *Conflict
	var again error // why to try once more
	switch {
	case l.have == nil && l.err == nil:
		conflict = &Conflict{Reason: MissingProduct, Detail: "there is no such product here: create it, or exclude it"}
	case l.seen:
		shelf.Checked, shelf.Knows, shelf.Missed = now, l.want.SKU, 0
		shelf.Views = []View{{Version: row.Version, Quantity: l.want.Quantity, SentAt: now, AckedAt: now}}
	case errors.As(l.err, &conflict):
		found := *conflict
		conflict = &found
	case l.err != nil:
		again = l.err
	default:
		if shelf.Missed++; shelf.Missed >= strikes {
			conflict = &Conflict{Reason: NotApplied, Detail: fmt.Sprintf("set %d times, and never there", shelf.Missed)}
		} else {
			again = errors.New("it said yes, and did not have it")
		}
	}
	commit.Rows = append(commit.Rows, row)
	shelf.Conflict = conflict
	if again != nil {
		p := l.push
		p.Due, p.Error = now.Add(retries.Delay(p.Tries+1)), again.Error()
		commit.Later = append(commit.Later, p)
		return nil
	}
	commit.Done = append(commit.Done, l.push)
	if conflict == nil {
		return nil
	}
	conflict.Peer, conflict.Ref, conflict.Since = f.c.self, row.Ref, now
	if before != nil && before.Reason == conflict.Reason {
		conflict.Since = before.Since
		return nil
	}
	return &Event{Level: "error", Peer: f.c.self, Action: "conflict", Ref: row.Ref, Text: conflict.Error()}
}

// all is an error where an answer does not speak of everything that was asked.
func all[T any](answer []T, asked int, err error) error {
	if err == nil && len(answer) != asked {
		err = fmt.Errorf("it answered for %d of %d products", len(answer), asked)
	}
	return err
}

// reason is why an item was not taken: for ever, with a reason, or not now.
func (a Applied) reason(fallback Reason) error {
	var conflict *Conflict
	switch {
	case a.Outcome == Failed && a.Err != nil:
		return a.Err
	case a.Outcome == Failed:
		return errors.New("not now")
	case errors.As(a.Err, &conflict):
		return conflict
	case a.Err != nil:
		return &Conflict{Reason: fallback, Detail: a.Err.Error()}
	}
	return &Conflict{Reason: fallback, Detail: "it was refused"}
}
