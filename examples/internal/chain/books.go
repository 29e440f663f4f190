package chain

import (
	"fmt"
	"maps"
	"sync"
)

// Books know what was really there and what was really sold, whatever the stores believe.
type Books struct {
	mu     sync.Mutex
	onHand map[string]int64 // by SKU
	sold   map[sale]int64
	sales  map[string]int // by store
}

type sale struct{ store, sku string }

// NewBooks opens the books with so many SKUs, each with so much on hand.
func NewBooks(skus int, onHand int64) *Books {
	b := &Books{onHand: map[string]int64{}, sold: map[sale]int64{}, sales: map[string]int{}}
	for i := range skus {
		b.onHand[SKU(i)] = onHand
	}
	return b
}

// SKU names the products of a demonstration.
func SKU(i int) string { return fmt.Sprintf("SKU-%02d", i) }

// Sold enters a sale.
func (b *Books) Sold(store, sku string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sold[sale{store, sku}] += n
	b.sales[store]++
}

// Sales is how many there were, in all stores.
func (b *Books) Sales() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.sales {
		n += of
	}
	return n
}

// SalesOf is how many there were in one store.
func (b *Books) SalesOf(store string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sales[store]
}

// SoldBy is how much of a product one store has sold.
func (b *Books) SoldBy(store, sku string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sold[sale{store, sku}]
}

// Judge compares what an authority believes in with what is true, in units: oversold were sold and not there, lost were sold and are
// not missing at the authority, twice are missing and were not sold.
func (b *Books) Judge(authority func(sku string) int64) (oversold, lost, twice int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := maps.Clone(b.onHand)
	for of, n := range b.sold {
		left[of.sku] -= n
	}
	for sku, left := range left {
		oversold += max(0, -left)
		lost += max(0, authority(sku)-left)
		twice += max(0, left-authority(sku))
	}
	return oversold, lost, twice
}
