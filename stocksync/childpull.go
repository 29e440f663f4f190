package stocksync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pullBatch is how many products the master is asked for at a time.
const pullBatch = 50

// errMoved says that a product was changed while the master was asked for it.
var errMoved = errors.New("stocksync: changed meanwhile")

// PullOptions narrow a [Child.Pull].
type PullOptions struct {
	SKUs     []SKU            // only these; default every product that the master has pushed, or that the shelf lists as a [Catalog]
	DryRun   bool             // tell what differs, change nothing
	Each     func(Difference) // is told of each difference, also when it is set right
	Progress func(p Progress) // is told after each batch
}

// PullReport counts products.
type PullReport struct {
	Products int // looked at
	Equal    int
	Differ   int // in what the master has and this store should have, or has
	Taken    int // of those that differ: set right, or about to be
	Missing  int // the master does not have them
	UnderWay int // with sales that the master has not confirmed: they are squared with it in any case
	Requests int // to the master
}

// Pull asks the master for its state and takes over what differs: a child need not rely on being pushed to. It asks what may be sold
// and what the master itself has, in batches of 50, two requests each.
func (c *Child) Pull(ctx context.Context, o PullOptions) (PullReport, error) {
	p := &pulling{c: c, o: o}
	err := c.walk(ctx, o.SKUs, p.batch)
	return p.report, err
}

// Audit tells where the shelf is not as it should be: as the master said last, less what was sold here since. It asks nobody but the
// shelf, and changes nothing; [Child.Pull] sets right.
func (c *Child) Audit(ctx context.Context) ([]Difference, error) {
	var found []Difference
	err := c.walk(ctx, nil, func(ctx context.Context, rows []*Row) error {
		have, err := c.readShelf(ctx, rows)
		for i, row := range rows {
			if item := row.shelfItem(c.self); err == nil && row.Version+row.Updated.UnixMicro() > 0 {
				found = append(found, compare(c.self, row.Ref, &item.Stock, have[i])...)
			}
		}
		return err
	})
	return found, err
}

// walk goes through the products of this child, in batches: its rows, and what the shelf lists beside them.
func (c *Child) walk(ctx context.Context, only []SKU, each func(context.Context, []*Row) error) error {
	var batch []*Row
	flush := func(least int) error {
		if len(batch) < least || len(batch) == 0 {
			return nil
		}
		rows := batch
		batch = nil
		return each(ctx, rows)
	}
	add := func(row *Row) error {
		if row.SKU == "" || c.c.Exclude.Has(row.SKU) {
			return nil
		}
		batch = append(batch, row)
		return flush(pullBatch)
	}
	if len(only) > 0 {
		for _, sku := range only {
			if err := c.addNamed(ctx, Ref{SKU: sku}, add); err != nil {
				return err
			}
		}
		return flush(1)
	}
	for after := GID(""); ; {
		rows, err := c.c.Store.Find(ctx, after, pullBatch)
		if err != nil {
			return fmt.Errorf("stocksync: listing products: %w", err)
		}
		for _, row := range rows {
			after = row.GID
			if err := add(row); err != nil {
				return err
			}
		}
		if len(rows) < pullBatch {
			break
		}
	}
	if catalog, ok := c.c.Shelf.(Catalog); ok {
		for item, err := range catalog.Items(ctx) {
			if err != nil {
				return fmt.Errorf("stocksync: listing the shelf: %w", err)
			}
			known, err := c.c.Store.Resolve(ctx, []Ref{{GID: item.GID, SKU: item.SKU}})
			if err != nil {
				return fmt.Errorf("stocksync: finding %s: %w", item.SKU, err)
			}
			if len(known[0]) == 0 {
				if err := c.addNamed(ctx, Ref{GID: item.GID, SKU: item.SKU}, add); err != nil {
					return err
				}
			}
		}
	}
	return flush(1)
}

// addNamed adds a product by its name: its row, or a new one.
func (c *Child) addNamed(ctx context.Context, ref Ref, add func(*Row) error) error {
	rows, err := c.known(ctx, []Ref{ref})
	if err != nil {
		return err
	}
	if rows[0] == nil {
		rows[0] = &Row{Item: Item{Ref: Ref{GID: ref.GID, SKU: ref.SKU}}}
		if ref.GID == "" {
			rows[0].GID = provisional(ref.SKU)
		}
	}
	return add(rows[0])
}

func (c *Child) readShelf(ctx context.Context, rows []*Row) ([]*Stock, error) {
	refs := make([]Ref, len(rows))
	for i, row := range rows {
		refs[i] = row.shelfItem(c.self).Ref
	}
	have, err := c.c.Shelf.Read(ctx, refs)
	if err = all(have, len(refs), err); err != nil {
		return nil, fmt.Errorf("stocksync: reading the shelf: %w", err)
	}
	return have, nil
}

// pulling is one Pull.
type pulling struct {
	c      *Child
	o      PullOptions
	report PullReport
}

func (p *pulling) batch(ctx context.Context, rows []*Row) error {
	refs := make([]Ref, len(rows))
	for i, row := range rows {
		refs[i] = row.wireRef()
	}
	p.report.Products += len(rows)
	at := time.Now().UTC()
	sellable, err := p.c.query(ctx, refs)
	if err != nil {
		return err
	}
	states, err := p.c.read(ctx, refs)
	if err != nil {
		return err
	}
	p.report.Requests += 2
	have, err := p.c.readShelf(ctx, rows)
	if err != nil {
		return err
	}
	for i, row := range rows {
		state := states[i]
		if state != nil && sellable[i] != nil && state.Manage != Unmanaged {
			state.Quantity = sellable[i].Quantity
		}
		if err := p.product(ctx, row, state, have[i], at); err != nil {
			return err
		}
	}
	if p.o.Progress != nil {
		p.o.Progress(Progress{Step: "pull", Done: p.report.Products})
	}
	return nil
}

// product compares one product, and takes over what differs.
func (p *pulling) product(ctx context.Context, row *Row, state, have *Stock, at time.Time) error {
	switch {
	case state == nil:
		p.report.Missing++
		return nil
	case len(row.Held) > 0:
		p.report.UnderWay++
		return nil
	}
	wanted := *row
	wanted.take(*state)
	item := wanted.shelfItem(p.c.self)
	differences := compare(p.c.self, row.Ref, &item.Stock, have)
	known := !row.Updated.IsZero() && len(compare(p.c.self, row.Ref, state, &row.Stock)) == 0
	if len(differences) == 0 && known {
		p.report.Equal++
		return nil
	}
	p.report.Differ++
	if p.o.Each != nil {
		for _, d := range differences {
			p.o.Each(d)
		}
	}
	if p.o.DryRun {
		return nil
	}
	switch err := p.take(ctx, row, *state, at); {
	case errors.Is(err, errMoved):
		p.report.UnderWay++
		return nil
	case err != nil:
		return fmt.Errorf("stocksync: taking over %s: %w", row.SKU, err)
	}
	p.report.Taken++
	return p.c.wake(ctx, p.c.shelves)
}

// take keeps the master's state, unless the product has changed since it was asked for.
func (p *pulling) take(ctx context.Context, was *Row, state Stock, at time.Time) error {
	return p.c.c.Store.Update(ctx, []GID{was.GID}, func(rows []*Row) (Commit, error) {
		row := rows[0]
		switch {
		case row == nil && was.Updated.IsZero():
			row = &Row{Item: Item{Ref: was.Ref}}
		case row == nil || !row.Updated.Equal(was.Updated):
			return Commit{}, errMoved
		}
		before := row.target()
		row.take(state)
		row.standing(p.c.master).Checked = at
		row.touch(time.Now().UTC())
		return Commit{Rows: []*Row{row}, Ledger: p.c.account(nil, row, before, at), Push: []Push{row.outbox(p.c.self, time.Time{})}}, nil
	})
}
