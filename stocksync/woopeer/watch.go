package woopeer

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

const (
	hintDelay  = time.Second      // in which webhooks of one product become one look
	verifySoon = 3 * time.Second  // after a write: what a cache or another writer has put over it shows
	verifyLate = 60 * time.Second // once more
	again      = 10 * time.Second // until what failed is tried again
)

// Watch reports changes at the store to a node until ctx ends; then it returns nil. It reads everything at its start and every
// Config.Scan, what the store says was modified every Config.Every, and at once what a webhook or a write of our own asks for. What
// fails is logged and tried again. A store is watched once at a time.
func (p *Peer) Watch(ctx context.Context, to stocksync.Node) error {
	if !p.node.CompareAndSwap(nil, &to) {
		return errors.New("woopeer: the store " + string(p.c.ID) + " is watched already")
	}
	defer p.node.Store(nil)
	var parts sync.WaitGroup
	parts.Go(func() { follow(ctx, p, p.agenda, p.visit) })
	if p.keepsLedger() {
		parts.Go(func() { follow(ctx, p, p.tills, p.book) })
		parts.Go(func() { p.repeat(ctx, p.c.Every, p.readOrders) })
	}
	p.repeat(ctx, p.c.Every, p.poll())
	parts.Wait()
	return nil
}

// repeat does something at once and then every so often.
func (p *Peer) repeat(ctx context.Context, every time.Duration, do func(context.Context) error) {
	for ctx.Err() == nil {
		pause := every
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.c.Logger.WarnContext(ctx, "the store could not be read, and will be again", "error", err)
			pause = min(every, again)
		}
		wait(ctx, pause, nil)
	}
}

// follow does what an agenda asks for, when it is due.
func follow[K comparable](ctx context.Context, p *Peer, a *agenda[K], do func(context.Context, []K) error) {
	for ctx.Err() == nil {
		now := time.Now()
		what, next := a.due(now)
		if len(what) > 0 {
			if err := do(ctx, what); err != nil && ctx.Err() == nil {
				p.c.Logger.WarnContext(ctx, "the store could not be looked at, and will be again", "error", err)
				for _, w := range what {
					a.add(time.Now().Add(again), w)
				}
			}
			continue
		}
		pause := time.Hour
		if !next.IsZero() {
			pause = next.Sub(now)
		}
		wait(ctx, pause, a.wake)
	}
}

// wait ends after d, at a signal, or with ctx.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// visit looks at places, and at the variations of a product that has any: they may sell what is its.
func (p *Peer) visit(ctx context.Context, places []place) error {
	s := sight{began: p.now()}
	rows, err := p.byPlace(ctx, places, true)
	if err != nil {
		return err
	}
	s.rows, s.ended = rows, p.now()
	there := map[place]bool{}
	for _, r := range rows {
		there[r.place] = true
	}
	for _, at := range places {
		if !there[at] {
			p.shelf.forget(at)
		}
	}
	return p.hold(ctx, s)
}

// hold tells what was seen, with the desk.
func (p *Peer) hold(ctx context.Context, s sight) error {
	p.desk.Lock()
	defer p.desk.Unlock()
	_, err := p.tell(ctx, s)
	return err
}

// poll reads everything at first and every Config.Scan, and otherwise what was modified since the last time.
func (p *Peer) poll() func(context.Context) error {
	var scanned time.Time
	var read cursor
	return func(ctx context.Context) error {
		if now := time.Now(); scanned.IsZero() || now.Sub(scanned) >= p.c.Scan {
			stamp, err := p.newest(ctx) // before: what changes while everything is read is modified after it
			if err == nil {
				err = p.scan(ctx)
			}
			if err != nil {
				return err
			}
			scanned = now
			read.passed(stamp)
			return nil
		}
		newest, err := p.sweep(ctx, p.changed(ctx, read.from()))
		if err == nil {
			read.passed(newest)
		}
		return err
	}
}

// newest is when a product was last modified, by the store's clock.
func (p *Peer) newest(ctx context.Context) (time.Time, error) {
	found, _, err := p.c.Shop.Products.List(ctx, woo.ProductQuery{
		OrderBy: "modified", Order: woo.Descending, PerPage: 1, Fields: []string{"id", "date_modified_gmt"}, Extra: fresh,
	})
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return found[0].DateModified, nil
}

// CatchUp reports what the store says was modified since then, of everything if that is the zero time: for a webhook.Guard. It needs
// a Watch.
func (p *Peer) CatchUp(ctx context.Context, since time.Time) error {
	if p.node.Load() == nil {
		return errors.New("woopeer: nobody watches the store " + string(p.c.ID) + " to whom its changes could be told")
	}
	if since.IsZero() {
		return p.scan(ctx)
	}
	_, err := p.sweep(ctx, p.changed(ctx, since.Add(-overlap)))
	return err
}

// scan reads everything, and forgets what is gone.
func (p *Peer) scan(ctx context.Context) error {
	gone := map[place]bool{}
	for _, at := range p.shelf.places() {
		gone[at] = true
	}
	rows := p.everything(ctx)
	_, err := p.sweep(ctx, func(yield func(row, error) bool) {
		for r, err := range rows {
			delete(gone, r.place)
			if !yield(r, err) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	for at := range gone {
		p.shelf.forget(at)
	}
	if doubles := p.shelf.doubles(); len(doubles) > 0 {
		p.c.Logger.WarnContext(ctx, "several products have one SKU, and are not kept equal", "skus", doubles)
	}
	return nil
}

// changed yields what was modified since then, by the store's clock. The variations of a product are looked at with it: it is
// modified with them, but they not with it, although they may sell what is its.
func (p *Peer) changed(ctx context.Context, since time.Time) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		var parents []woo.ProductID
		for r, err := range p.eachProduct(ctx, woo.ProductQuery{ModifiedAfter: since}) {
			if !yield(r, err) || err != nil {
				return
			}
			if r.kind == woo.VariableProduct {
				parents = append(parents, r.product)
			}
		}
		for _, parent := range parents {
			for r, err := range p.eachVariation(ctx, parent, nil) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// sweep tells of rows as they come, and returns the newest modification among them. A row is read when the one a page before it has
// been passed, or later: so old is what is told.
func (p *Peer) sweep(ctx context.Context, rows iter.Seq2[row, error]) (newest time.Time, err error) {
	before := p.now() // when the page before was begun
	began := before
	var s sight
	tell := func() error {
		s.began, s.ended = before, p.now()
		err := p.hold(ctx, s)
		before, began, s.rows = began, p.now(), nil
		return err
	}
	for r, err := range rows {
		if err != nil {
			return newest, errors.Join(err, tell())
		}
		s.rows = append(s.rows, r)
		if r.modified.After(newest) {
			newest = r.modified
		}
		if len(s.rows) == page {
			if err := tell(); err != nil {
				return newest, err
			}
		}
	}
	return newest, tell()
}
