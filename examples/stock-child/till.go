package main

import (
	"context"
	"iter"
	"sync"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

// till is where this store's stock is. A real one keeps it in its own database.
type till struct {
	mu    sync.Mutex
	items map[stocksync.SKU]stocksync.Item
}

var _ stocksync.Catalog = (*till)(nil)

// newTill has products, and nothing of them yet.
func newTill(skus []string) *till {
	t := &till{items: map[stocksync.SKU]stocksync.Item{}}
	for _, sku := range skus {
		it := stocksync.Item{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}}
		it.Manage, it.Status, it.Backorders = stocksync.Managed, stocksync.OutOfStock, stocksync.BackordersNo
		t.items[it.SKU] = it
	}
	return t
}

// Read implements [stocksync.Shelf].
func (t *till) Read(_ context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*stocksync.Stock, len(refs))
	for i, ref := range refs {
		if it, ok := t.items[ref.SKU]; ok {
			all[i] = &it.Stock
		}
	}
	return all, nil
}

// Apply implements [stocksync.Shelf].
func (t *till) Apply(_ context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := make([]stocksync.Applied, len(items))
	for i, it := range items {
		have, ok := t.items[it.SKU]
		if !ok {
			done[i] = stocksync.Applied{Outcome: stocksync.Refused, Err: &stocksync.Conflict{Reason: stocksync.MissingProduct, Ref: it.Ref}}
			continue
		}
		have.Quantity = it.Quantity
		t.items[it.SKU] = have
		done[i] = stocksync.Applied{Outcome: stocksync.Confirmed}
	}
	return done, nil
}

// Items implements [stocksync.Catalog].
func (t *till) Items(context.Context) iter.Seq2[stocksync.Item, error] {
	return func(yield func(stocksync.Item, error) bool) {
		t.mu.Lock()
		items := make([]stocksync.Item, 0, len(t.items))
		for _, it := range t.items {
			items = append(items, it)
		}
		t.mu.Unlock()
		for _, it := range items {
			if !yield(it, nil) {
				return
			}
		}
	}
}

// sell takes pieces over the counter, if there are enough.
func (t *till) sell(sku string, n int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	it := t.items[stocksync.SKU(sku)]
	left := it.Quantity.Sub(decimal.NewFromInt(n))
	if left.IsNegative() {
		return false
	}
	it.Quantity = left
	t.items[it.SKU] = it
	return true
}

// quantity is what the till has of a SKU.
func (t *till) quantity(sku string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.items[stocksync.SKU(sku)].Quantity.IntPart()
}

func (t *till) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.items)
}
