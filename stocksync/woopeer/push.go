package woopeer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

const (
	firstChunk = 20
	maxChunk   = page
	writeLimit = 30 * time.Second // how long a write that was begun in time may take
)

// errMoved is why an item was not written: the store had sold, the node was told, and has a newer state than the item's.
var errMoved = errors.New("woopeer: the store has sold since: that was reported, and the next push has what follows from it")

// Takes says what no plain store can hold: a part of a piece.
func (p *Peer) Takes(s stocksync.Stock) error {
	if s.Manage != stocksync.Unmanaged && !s.Quantity.IsInteger() {
		return &stocksync.Conflict{
			Reason: stocksync.UnsupportedType, Peer: p.c.ID, Detail: "WooCommerce counts whole pieces, and would cut " + s.Quantity.String(),
		}
	}
	return nil
}

// Push sets the stock of products, each only after a reading that is not older than Config.Gap. A product that the reading shows to
// have changed is reported to the node that watches, and is written only if that has not made a newer state of it. What is there
// already is not written again. Confirmed means that the store's answer showed it.
func (p *Peer) Push(ctx context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	p.desk.Lock()
	defer p.desk.Unlock()
	done := make([]stocksync.Applied, len(items))
	some := false
	for from := 0; from < len(items); {
		to := min(from+p.chunk, len(items))
		err := p.set(ctx, items[from:to], done[from:to])
		if errors.Is(err, errSlow) && p.chunk > 1 {
			p.chunk = max(1, (to-from)/2)
			continue
		}
		if err != nil {
			for i := from; i < len(items); i++ {
				done[i] = stocksync.Applied{Outcome: stocksync.Failed, Err: err}
			}
			if !some {
				return done, err
			}
			return done, nil
		}
		from, some = to, true
	}
	return done, nil
}

// Apply is Push: a store may also be the shelf of a child.
func (p *Peer) Apply(ctx context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	return p.Push(ctx, items)
}

// errSlow means that so many products cannot be read within Config.Gap; nothing was written.
var errSlow = errors.New("woopeer: the store needs longer than Config.Gap to show a product, so nothing is written: raise it")

// set reads a few products, and writes those that are as they are known to be. An error is of all of them.
func (p *Peer) set(ctx context.Context, items []stocksync.Item, done []stocksync.Applied) error {
	refs := make([]stocksync.Ref, len(items))
	for i, it := range items {
		refs[i] = it.Ref
	}
	all, seen, err := p.find(ctx, refs)
	if err != nil {
		return err
	}
	told, err := p.tell(ctx, seen)
	if err != nil {
		return fmt.Errorf("woopeer: a change at the store cannot be reported, and is not written over: %w", err)
	}
	w := &writing{p: p, of: map[place]int{}}
	for i, it := range items {
		switch f := all[i]; {
		case f.row == nil:
			done[i] = stocksync.Applied{Outcome: stocksync.Refused, Err: f.why}
		case told[f.row.place]:
			moved, err := p.moved(ctx, it)
			if err != nil {
				return err
			}
			if moved {
				done[i] = stocksync.Applied{Outcome: stocksync.Failed, Err: errMoved}
				continue
			}
			fallthrough
		default:
			if why := w.want(i, it, *f.row); why != nil {
				done[i] = stocksync.Applied{Outcome: stocksync.Refused, Err: why}
			}
		}
	}
	if time.Since(seen.began.Time) > p.c.Gap {
		return errSlow
	}
	w.run(ctx, seen.began.Add(p.c.Gap), done)
	p.adapt(len(items), time.Since(seen.began.Time))
	if !p.c.KeepMeta {
		p.sign(ctx, items, all)
	}
	return nil
}

// moved reports whether the node, after what it was just told, has another state for us than the item's.
func (p *Peer) moved(ctx context.Context, it stocksync.Item) (bool, error) {
	now, err := (*p.node.Load()).Lookup(ctx, p.c.ID, []stocksync.Ref{it.Ref})
	if err != nil || len(now) == 0 || now[0] == nil {
		return false, err
	}
	return now[0].Version > it.Version || !now[0].Quantity.Equal(it.Quantity), nil
}

// adapt fits the chunk to what the store managed within the gap: the last product of a batch is written when all others are.
func (p *Peer) adapt(n int, took time.Duration) {
	switch {
	case took > p.c.Gap:
		p.chunk = max(1, min(p.chunk, n/2))
	case took < p.c.Gap/3 && n == p.chunk:
		p.chunk = min(maxChunk, 2*p.chunk)
	}
}

// writing is a set of changes: what items want of places.
type writing struct {
	p       *Peer
	changes []woo.StockChange
	version []int64       // of the item that a change is of
	of      map[place]int // index of a place's change
	wishes  []wish
}

// wish is what one item wants.
type wish struct {
	item     int
	row      row // of the product that it names, as it was read
	quantity decimal.Decimal
	changes  []int // that it needs
}

// want adds what an item wants of the product that it names. The stock of a variation may be its parent's.
func (w *writing) want(i int, it stocksync.Item, r row) *stocksync.Conflict {
	refuse := func(detail string) *stocksync.Conflict {
		return &stocksync.Conflict{Reason: stocksync.UnsupportedType, Peer: w.p.c.ID, Ref: it.Ref, Detail: detail}
	}
	manage := it.Manage
	if manage == "" {
		manage = r.state().Manage
	}
	var why *stocksync.Conflict
	switch {
	case !r.countable():
		return refuse("a " + string(r.kind) + " product has no stock")
	case errors.As(w.p.Takes(it.Stock), &why):
		return refuse(why.Detail)
	case manage == stocksync.ByParent && r.variation == 0:
		return refuse("its stock is to be its parent's, but it is no variation")
	case manage == stocksync.Unmanaged && r.manage() == woo.StockByParent:
		return refuse("nobody is to count it, but its parent is counted here: switch off the parent's stock management")
	}
	w.wishes = append(w.wishes, wish{item: i, row: r, quantity: it.Quantity})
	switch manage {
	case stocksync.Unmanaged:
		f := woo.StockFields{ManageStock: woo.Set(woo.StockUnmanaged)}
		if it.Status != "" {
			f.StockStatus = woo.Set(woo.StockStatus(it.Status))
		}
		w.change(it.Version, r, f)
	case stocksync.ByParent:
		if r.manage() != woo.StockByParent {
			w.change(it.Version, r, woo.StockFields{ManageStock: woo.Set(woo.StockUnmanaged)}) // of a variation: as its parent has it
		}
		w.change(it.Version, parentOf(r), woo.StockFields{ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(it.Quantity)})
	default:
		f := woo.StockFields{ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(it.Quantity)}
		if it.Backorders != "" {
			f.Backorders = woo.Set(woo.Backorders(it.Backorders))
		}
		if it.LowStock != nil {
			f.LowStockAmount = woo.Set(*it.LowStock)
		}
		w.change(it.Version, r, f)
	}
	return nil
}

// parentOf is what a variation tells of its parent: where that counts, the variation shows its quantity.
func parentOf(r row) row {
	up := row{place: place{product: r.product}}
	if r.manage() == woo.StockByParent {
		up.stock = woo.StockFields{ManageStock: woo.Set(woo.StockManaged), StockQuantity: r.stock.StockQuantity}
	}
	return up
}

// change adds one to the last wish. Of several items that want something of one place (variations that sell from one parent) the
// newest decides.
func (w *writing) change(version int64, r row, want woo.StockFields) {
	have := r.stock
	if have.ManageStock != want.ManageStock {
		have = woo.StockFields{} // with the mode the quantity's meaning changes: it is sent in any case
	}
	change := woo.StockChange{Product: r.product, Variation: r.variation, Want: want, Have: have}
	at, known := w.of[r.place]
	switch {
	case !known:
		at = len(w.changes)
		w.of[r.place] = at
		w.changes, w.version = append(w.changes, change), append(w.version, version)
	case version > w.version[at]:
		w.changes[at], w.version[at] = change, version
	}
	last := &w.wishes[len(w.wishes)-1]
	last.changes = append(last.changes, at)
}

// run sends the changes, and begins no request after the deadline.
func (w *writing) run(ctx context.Context, deadline time.Time, done []stocksync.Applied) {
	ctx, stop := context.WithTimeout(ctx, writeLimit)
	defer stop()
	results, err := w.p.c.Shop.PlanStock(w.changes).Run(begunBy{ctx, deadline})
	for len(results) < len(w.changes) {
		results = append(results, woo.Result[woo.StockLevel]{Err: err})
	}
	now := w.p.now()
	for at, c := range w.changes {
		if results[at].Item != nil || results[at].Err != nil { // else it was so already
			w.p.agenda.add(now.Add(verifySoon), place{c.Product, c.Variation})
			w.p.agenda.add(now.Add(verifyLate), place{c.Product, c.Variation})
		}
	}
	for _, wish := range w.wishes {
		done[wish.item] = w.done(wish, results, now)
	}
}

// done takes down what a wish has left at the store.
func (w *writing) done(wish wish, results []woo.Result[woo.StockLevel], now moment) stocksync.Applied {
	r := wish.row
	var failed error
	for _, at := range wish.changes {
		switch {
		case results[at].Err != nil:
			failed = results[at].Err
		case !w.decides(wish, at):
			return stocksync.Applied{Outcome: stocksync.Failed, Err: errSibling}
		case results[at].Item != nil:
			r = r.after(w.changes[at], results[at].Item)
		}
	}
	w.p.shelf.mu.Lock()
	defer w.p.shelf.mu.Unlock()
	k := w.p.shelf.known[r.place]
	switch {
	case failed == nil:
		k.becomes(r, now)
		return stocksync.Applied{Outcome: stocksync.Confirmed}
	case arrived(failed):
		k.maybe, k.since = &wish.quantity, now
	}
	return w.p.outcome(failed)
}

// decides reports whether a change is what the wish wanted, and not what a newer one of a sibling did.
func (w *writing) decides(wish wish, at int) bool {
	q, counts := w.changes[at].Want.StockQuantity.Get()
	return !counts || q.Equal(wish.quantity)
}

// errSibling is why an item was not written: a newer one of another variation wanted another quantity of the same parent.
var errSibling = errors.New("woopeer: the variation sells from its parent, and a newer item of a sibling had another quantity")

// after is the row after a change of it, or of the parent whose quantity it shows.
func (r row) after(c woo.StockChange, level *woo.StockLevel) row {
	x := woo.Variation{
		ManageStock: level.ManageStock, StockQuantity: level.StockQuantity, StockStatus: level.StockStatus, Backorders: level.Backorders,
		LowStockAmount: level.LowStockAmount,
	}
	if (place{c.Product, c.Variation}) == r.place {
		r.stock = x.Stock()
		return r
	}
	r.stock.ManageStock, r.stock.StockQuantity = woo.Set(woo.StockByParent), x.Stock().StockQuantity
	return r
}

// begunBy is a context in which nothing is begun after its deadline, though what was begun may end: package woo repeats a request,
// and waits for a limiter, only as far as the deadline reaches. A write that was repeated seconds later would write over what was
// sold since.
type begunBy struct {
	context.Context
	deadline time.Time
}

// Deadline is when the last request may begin.
func (b begunBy) Deadline() (time.Time, bool) { return b.deadline, true }

// arrived reports whether a write that failed may have had its effect.
func arrived(err error) bool {
	var e *woo.Error
	if !errors.As(err, &e) || errors.Is(err, woo.ErrNotSent) {
		return false
	}
	return e.Status == 0 && e.Attempts > 0 || e.Status >= 500 || e.Status < 300
}

// outcome is what an error of the store means for an item.
func (p *Peer) outcome(err error) stocksync.Applied {
	refuse := func(reason stocksync.Reason) stocksync.Applied {
		return stocksync.Applied{Outcome: stocksync.Refused, Err: &stocksync.Conflict{Reason: reason, Peer: p.c.ID, Detail: err.Error()}}
	}
	var e *woo.Error
	switch {
	case errors.Is(err, woo.ErrNotApplied):
		return refuse(stocksync.NotApplied)
	case errors.Is(err, woo.ErrNotFound) || errors.Is(err, woo.ErrGone):
		return refuse(stocksync.MissingProduct)
	case errors.As(err, &e) && e.Permanent() && e.Attempts > 0:
		return refuse(stocksync.Invalid)
	}
	return stocksync.Applied{Outcome: stocksync.Failed, Err: err}
}
