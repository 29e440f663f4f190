package woopeer

import (
	"maps"
	"slices"
	"sync"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

// shelf is what is known of the store's products: which there are, and what the node was told of each, or had written.
type shelf struct {
	mu    sync.Mutex
	known map[place]*known
	gids  map[stocksync.GID]map[place]bool
	skus  map[string]map[place]bool // by SKU.Fold
}

// known is one product.
type known struct {
	row                    // as the node knows it: told, or written
	told  bool             // the node knows it
	maybe *decimal.Decimal // a quantity that was written without an answer: what is there now may be it
	since moment           // a reading that was begun before this is older than what is known
}

// note keeps what a product is called. Its stock is kept by who tells or writes it. The caller holds mu.
func (s *shelf) note(r row) *known {
	if s.known == nil {
		s.known = map[place]*known{}
		s.gids, s.skus = map[stocksync.GID]map[place]bool{}, map[string]map[place]bool{}
	}
	k := s.known[r.place]
	if k == nil {
		k = &known{row: r}
		s.known[r.place] = k
	} else {
		s.unname(k.row)
	}
	k.gid, k.sku, k.kind = r.gid, r.sku, r.kind
	if r.gid != "" {
		put(s.gids, r.gid, r.place)
	}
	if r.sku != "" {
		put(s.skus, r.sku.Fold(), r.place)
	}
	return k
}

// forget drops a product that is gone.
func (s *shelf) forget(at place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[at]; k != nil {
		s.unname(k.row)
		delete(s.known, at)
	}
}

// name returns what the product at a place is called, the zero Ref where that is not known.
func (s *shelf) name(at place) stocksync.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[at]; k != nil {
		return k.ref()
	}
	return stocksync.Ref{}
}

// named returns the places that a ref leads to, as far as is known.
func (s *shelf) named(ref stocksync.Ref) []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.gids[ref.GID]; len(at) > 0 {
		return slices.Collect(maps.Keys(at))
	}
	for _, sku := range []stocksync.SKU{ref.OldSKU, ref.SKU} {
		if at := s.skus[sku.Fold()]; len(at) > 0 {
			return slices.Collect(maps.Keys(at))
		}
	}
	return nil
}

// places returns all that are known.
func (s *shelf) places() []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.known))
}

// doubles returns the SKUs that several products have.
func (s *shelf) doubles() (skus []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sku, at := range s.skus {
		if len(at) > 1 {
			skus = append(skus, sku)
		}
	}
	slices.Sort(skus)
	return skus
}

func (s *shelf) unname(r row) {
	drop(s.gids, r.gid, r.place)
	drop(s.skus, r.sku.Fold(), r.place)
}

func put[K comparable](m map[K]map[place]bool, key K, at place) {
	if m[key] == nil {
		m[key] = map[place]bool{}
	}
	m[key][at] = true
}

func drop[K comparable](m map[K]map[place]bool, key K, at place) {
	delete(m[key], at)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}
