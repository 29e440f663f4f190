package sitoosync

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// stockState is what the stock job remembers.
type stockState struct {
	Since int64 `json:"since"` // the newest change that was seen, in seconds by the till's clock
	All   int64 `json:"all"`   // when all stock was last read, by ours
}

const (
	stockCursor  = "stock"
	stockOverlap = 5   // seconds: what was changed in the second of the last look must not be lost
	stockChunk   = 100 // SKUs that the shop is asked for at once
)

var stockDownFields = []string{"sku", "decimaltotal", "decimalreserved", "decimalavailable", "datelastmodified"}

// stockDown brings the till's stock into the shop, of linked items: all of it in a full sync (F14), which overwrites whatever the
// shop has; else what has changed since the last pass, and all of it every Config.StockAgain (A2, trap 41).
func (s *Sync) stockDown(ctx context.Context, p *pass) error {
	if err := s.enterStock(ctx); err != nil {
		return err
	}
	defer s.stock.leave()
	var state stockState
	if err := s.load(ctx, stockCursor, &state); err != nil {
		return err
	}
	now := time.Now()
	all := p.full || state.Since == 0 || s.c.StockAgain > 0 && now.Sub(time.Unix(state.All, 0)) >= s.c.StockAgain
	q := sitoo.StockQuery{PerPage: s.c.PageSize, Fields: stockDownFields}
	if !all {
		q.ModifiedSince = time.Unix(state.Since-stockOverlap, 0)
	}
	p.step("stock of the till", 0)
	chunk := map[string]decimal.Decimal{}
	flush := func() error {
		err := s.bring(ctx, p, chunk, p.full)
		p.did(len(chunk))
		clear(chunk)
		return err
	}
	newest := state.Since
	seen := 0
	for it, err := range s.c.Till.Stock(s.c.Warehouse).All(ctx, q) {
		if err != nil {
			return err
		}
		if !all && it.Modified.Unix() < state.Since-stockOverlap {
			return fmt.Errorf("sitoosync: the till lists %s, which was last changed at %d, among changes since %d: it ignores the filter",
				it.SKU, it.Modified.Unix(), state.Since-stockOverlap) // an unknown parameter is ignored without a word (trap 13)
		}
		newest = max(newest, it.Modified.Unix())
		seen++
		if chunk[it.SKU], err = s.figure(ctx, it); err != nil {
			return err
		}
		if len(chunk) == stockChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if p.full && s.c.MissingStockIsZero && seen > 0 { // an empty answer is no empty warehouse (trap 8)
		if err := s.zeroMissing(ctx, p); err != nil {
			return err
		}
	}
	state.Since = newest
	if all {
		state.All = now.Unix()
	}
	return s.save(ctx, stockCursor, state)
}

func (s *Sync) stockDownCost(ctx context.Context) (int, error) {
	_, page, err := s.c.Till.Stock(s.c.Warehouse).List(ctx, sitoo.StockQuery{PerPage: 1, Fields: []string{"sku"}})
	n, err := s.pages(page, err)
	if s.c.MissingStockIsZero {
		n *= 2 // what is there is read again
	}
	return n, err
}

// figure is what of a stock comes down, in whole pieces: the shop counts no others (trap 42). Of a virtual warehouse it is the
// total, which the shop writes itself: what it wrote must not come back as something else.
func (s *Sync) figure(ctx context.Context, it *sitoo.StockItem) (decimal.Decimal, error) {
	path, err := s.path(ctx)
	if err != nil {
		return decimal.Zero, err
	}
	d := it.Available.Decimal
	if s.c.Figure == Total || path == Mirror {
		d = it.Total.Decimal
	}
	if whole := d.Floor(); !whole.Equal(d) {
		s.log.DebugContext(ctx, "the shop counts whole pieces", "sku", it.SKU, "till", d, "shop", whole)
		d = whole
	}
	return d, nil
}

// refreshStock brings the till's figures of some SKUs into the shop, as stockDown does: for what was just made there, and for stock
// that the shop may have moved by itself.
func (s *Sync) refreshStock(ctx context.Context, p *pass, skus ...string) error {
	if len(skus) == 0 {
		return nil
	}
	if err := s.enterStock(ctx); err != nil {
		return err
	}
	defer s.stock.leave()
	for part := range slices.Chunk(skus, stockChunk) {
		figures, err := s.tillHas(ctx, part)
		if err == nil {
			err = s.bring(ctx, p, figures, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tillHas reads the till's figures of at most a hundred SKUs; it has none of what the warehouse does not know.
func (s *Sync) tillHas(ctx context.Context, skus []string) (map[string]decimal.Decimal, error) {
	has := map[string]decimal.Decimal{}
	query := sitoo.StockQuery{SKUs: skus, PerPage: s.c.PageSize, Fields: stockDownFields}
	for it, err := range s.c.Till.Stock(s.c.Warehouse).All(ctx, query) {
		if err != nil {
			return nil, err
		}
		if has[it.SKU], err = s.figure(ctx, it); err != nil {
			return nil, err
		}
	}
	return has, nil
}

// reducesShopStock reports whether an order that comes down takes its stock in the shop. Where the till counts real stock it has
// done so already, or will when it delivers, and the figure comes down by itself: the shop must not count the sale a second time
// (trap 44). Its lines are then created with the meta value _reduced_stock, by which WooCommerce knows that a line has taken its
// stock.
func (s *Sync) reducesShopStock(ctx context.Context) (bool, error) {
	path, err := s.path(ctx)
	return path == Mirror, err
}

// incoming is what of the till's figures is to be written into the shop.
type incoming struct {
	items   []*item
	changes []woo.StockChange // of items, by their index
	// What both sides agree on while it is written, and then; after holds items too that need no writing.
	before, after map[*item]agreed
}

// bring writes figures of the till into the shop, of at most a hundred SKUs. The gate of stock is held since before they were read:
// what goes up between would be in the one figure and not in the other.
func (s *Sync) bring(ctx context.Context, p *pass, figures map[string]decimal.Decimal, overwrite bool) error {
	if len(figures) == 0 {
		return nil
	}
	in, err := s.incoming(ctx, p, figures, overwrite)
	if err != nil || p.dry {
		return err
	}
	if err := s.agree(ctx, in.before); err != nil {
		return err
	}
	results, err := s.c.Shop.PlanStock(in.changes).Run(ctx)
	for i, r := range results {
		it := in.items[i]
		if r.Err == nil {
			s.log.DebugContext(ctx, "stock into the shop", "sku", it.sku, "figure", in.changes[i].Want.StockQuantity)
			continue
		}
		delete(in.after, it)
		if err == nil {
			err = p.fail(ctx, fmt.Errorf("sitoosync: stock of %s: %w", it.sku, r.Err))
		}
	}
	if agreeErr := s.agree(ctx, in.after); err == nil {
		err = agreeErr
	}
	return err
}

// incoming compares figures with the shop's. What the shop must send up first is remembered for that.
func (s *Sync) incoming(ctx context.Context, p *pass, figures map[string]decimal.Decimal, overwrite bool) (*incoming, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, err
	}
	items, err := s.itemsBySKU(ctx, slices.Sorted(maps.Keys(figures)))
	if err != nil {
		return nil, err
	}
	in := &incoming{before: map[*item]agreed{}, after: map[*item]agreed{}}
	for _, it := range items {
		till := figures[it.sku]
		if it.stock != nil {
			it.agreed = it.agreed.settle(*it.stock)
		}
		target, later := down(path, s.c.SendStock, overwrite, it.agreed, it.stock, till)
		if later {
			if err := s.sendUp(ctx, stockKind, it.link.Woo); err != nil {
				return nil, err
			}
			continue
		}
		if path.Instant() {
			in.after[it] = agreedOn(till)
		}
		if it.stock != nil && it.stock.Equal(target) || !p.will(1, "stock of %s in the shop: %s", it.sku, target) {
			continue
		}
		product, variation, err := it.link.Item()
		if err != nil {
			return nil, err
		}
		if path == ByBatch && it.agreed.known {
			in.before[it] = agreed{known: true, figure: it.agreed.figure, writing: true, target: target, next: till}
		}
		in.items = append(in.items, it)
		in.changes = append(in.changes, woo.StockChange{
			Product: product, Variation: variation,
			Want: woo.StockFields{ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(target)},
		})
	}
	return in, nil
}

// zeroMissing makes the shop's stock 0 of linked items that the warehouse does not know (Q24).
func (s *Sync) zeroMissing(ctx context.Context, p *pass) error {
	known := map[string]bool{}
	for it, err := range s.c.Till.Stock(s.c.Warehouse).All(ctx, sitoo.StockQuery{PerPage: s.c.PageSize, Fields: []string{"sku"}}) {
		if err != nil {
			return err
		}
		known[it.SKU] = true
	}
	missing := map[string]decimal.Decimal{}
	return s.everyItem(ctx, func(items []*item) error {
		clear(missing)
		for _, it := range items {
			if !known[it.sku] {
				missing[it.sku] = decimal.Zero
			}
		}
		s.log.DebugContext(ctx, "not in the warehouse", slog.Int("items", len(missing)))
		return s.bring(ctx, p, missing, true)
	})
}
