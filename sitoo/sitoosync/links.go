package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// LinkKind is what a link joins.
type LinkKind string

// The kinds of links.
const (
	ProductLink   LinkKind = "product"   // a simple product and a Sitoo product
	VariationLink LinkKind = "variation" // a variation and a Sitoo product; a variable parent has no counterpart
	CategoryLink  LinkKind = "category"
	VoucherLink   LinkKind = "voucher" // a coupon and a voucher
	OrderLink     LinkKind = "order"
	// StockLink is beside a ProductLink or VariationLink of the same two: its Sum is the stock that both sides had last.
	StockLink LinkKind = "stock"
)

// Side is one of the two systems.
type Side string

// The sides.
const (
	Woo   Side = "woo"
	Sitoo Side = "sitoo"
)

// Link joins one record of the shop with one of the till. A record has one counterpart at most.
type Link struct {
	Kind  LinkKind
	Woo   string // the shop's id; of a variation "12/34", its product's before its own
	Sitoo string // the till's id
	Sum   string // of what was last written to either side, so that its echo is known; "" when nothing was
}

// LinkProduct joins a simple product.
func LinkProduct(w woo.ProductID, s sitoo.ProductID) Link {
	return Link{Kind: ProductLink, Woo: number(w), Sitoo: number(s)}
}

// LinkVariation joins a variation.
func LinkVariation(p woo.ProductID, v woo.VariationID, s sitoo.ProductID) Link {
	return Link{Kind: VariationLink, Woo: number(p) + "/" + number(v), Sitoo: number(s)}
}

// LinkOrder joins an order.
func LinkOrder(w woo.OrderID, s sitoo.OrderID) Link {
	return Link{Kind: OrderLink, Woo: number(w), Sitoo: number(s)}
}

// Item is the shop's side of a product's or variation's link; variation is 0 for a product.
func (l Link) Item() (product woo.ProductID, variation woo.VariationID, err error) {
	p, v, two := strings.Cut(l.Woo, "/")
	pid, err1 := strconv.ParseInt(p, 10, 64)
	vid, err2 := int64(0), error(nil)
	if two {
		vid, err2 = strconv.ParseInt(v, 10, 64)
	}
	if err := errors.Join(err1, err2); err != nil || two != (l.Kind == VariationLink) {
		return 0, 0, fmt.Errorf("sitoosync: %q is no %s of the shop", l.Woo, l.Kind)
	}
	return woo.ProductID(pid), woo.VariationID(vid), nil
}

func number[N ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// ErrLinked means that a record already has another counterpart. Nothing was changed.
var ErrLinked = errors.New("sitoosync: linked to something else already")

// LinkStore keeps the links. sqllinks keeps them in the host's database, [MemoryLinks] in memory; sitoosynctest has the suite that
// each must pass. All methods are safe for many processes.
type LinkStore interface {
	// Find: 1 must return the links of a kind whose id on a side is among ids, in any order; unknown ids are left out. 2 must compare
	// ids byte by byte. 3 must take any number of ids.
	Find(ctx context.Context, kind LinkKind, side Side, ids []string) ([]Link, error)
	// Put: 1 must add links, and replace the Sum of those that join the same two. 2 must change nothing and return ErrLinked when one of
	// them joins a record that has another counterpart, in the store or among links. 3 must be durable before nil.
	Put(ctx context.Context, links []Link) error
	// Remove: 1 must remove links by kind and both ids; unknown ones are no error. 2 must be durable before nil.
	Remove(ctx context.Context, links []Link) error
	// All: 1 must yield every link of a kind that is there from its beginning to its end, once. 2 must hold only a part of them in
	// memory. 3 must bear that the caller changes links meanwhile.
	All(ctx context.Context, kind LinkKind) iter.Seq2[Link, error]
}

// StateStore keeps what a sync must remember between runs, by name: cursors, the progress of a full sync.
type StateStore interface {
	// Load: 1 must return what was saved last; nil and no error when nothing was.
	Load(ctx context.Context, name string) ([]byte, error)
	// Save: 1 must be durable before nil. 2 must replace as a whole: a crash leaves the old or the new.
	Save(ctx context.Context, name string, value []byte) error
}

// MemoryLinks keeps links, and states, until the process ends: for tests, and for trying things out. Its zero value is usable.
type MemoryLinks struct {
	mu     sync.Mutex
	woo    map[LinkKind]map[string]Link
	sitoo  map[LinkKind]map[string]string // to the shop's id
	states map[string][]byte
}

var (
	_ LinkStore  = (*MemoryLinks)(nil)
	_ StateStore = (*MemoryLinks)(nil)
)

// Find implements [LinkStore].
func (m *MemoryLinks) Find(ctx context.Context, kind LinkKind, side Side, ids []string) ([]Link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Link
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if side == Sitoo {
			var known bool
			if id, known = m.sitoo[kind][id]; !known {
				continue
			}
		}
		if l, known := m.woo[kind][id]; known {
			found = append(found, l)
		}
	}
	return found, nil
}

// Put implements [LinkStore].
func (m *MemoryLinks) Put(ctx context.Context, links []Link) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := CheckLinks(links); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range links {
		if known, has := m.woo[l.Kind][l.Woo]; has && known.Sitoo != l.Sitoo {
			return linked(l)
		}
		if known, has := m.sitoo[l.Kind][l.Sitoo]; has && known != l.Woo {
			return linked(l)
		}
	}
	if m.woo == nil {
		m.woo, m.sitoo = map[LinkKind]map[string]Link{}, map[LinkKind]map[string]string{}
	}
	for _, l := range links {
		if m.woo[l.Kind] == nil {
			m.woo[l.Kind], m.sitoo[l.Kind] = map[string]Link{}, map[string]string{}
		}
		m.woo[l.Kind][l.Woo], m.sitoo[l.Kind][l.Sitoo] = l, l.Woo
	}
	return nil
}

// Remove implements [LinkStore].
func (m *MemoryLinks) Remove(ctx context.Context, links []Link) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range links {
		if known, has := m.woo[l.Kind][l.Woo]; has && known.Sitoo == l.Sitoo {
			delete(m.woo[l.Kind], l.Woo)
			delete(m.sitoo[l.Kind], l.Sitoo)
		}
	}
	return nil
}

// All implements [LinkStore].
func (m *MemoryLinks) All(ctx context.Context, kind LinkKind) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		m.mu.Lock()
		var all []Link
		for _, l := range m.woo[kind] {
			all = append(all, l)
		}
		m.mu.Unlock()
		slices.SortFunc(all, func(a, b Link) int { return strings.Compare(a.Woo, b.Woo) })
		for _, l := range all {
			if err := ctx.Err(); err != nil {
				yield(Link{}, err)
				return
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// Load implements [StateStore].
func (m *MemoryLinks) Load(ctx context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.states[name]), ctx.Err()
}

// Save implements [StateStore].
func (m *MemoryLinks) Save(ctx context.Context, name string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.states == nil {
		m.states = map[string][]byte{}
	}
	m.states[name] = slices.Clone(value)
	return nil
}

// longestID is what every store takes, in bytes: far more than an id of either system has.
const longestID = 100

// CheckLinks returns what is wrong with links whatever the store: an empty or long id, or two that contradict each other
// (ErrLinked). It is for stores' authors.
func CheckLinks(links []Link) error {
	type end struct {
		kind LinkKind
		side Side
		id   string
	}
	other := map[end]string{}
	for _, l := range links {
		if l.Kind == "" || l.Woo == "" || l.Sitoo == "" || max(len(l.Kind), len(l.Woo), len(l.Sitoo), len(l.Sum)) > longestID {
			return fmt.Errorf("sitoosync: the link %q %q %q has a part that is empty or longer than %d bytes",
				l.Kind, l.Woo, l.Sitoo, longestID)
		}
		for e, id := range map[end]string{{l.Kind, Woo, l.Woo}: l.Sitoo, {l.Kind, Sitoo, l.Sitoo}: l.Woo} {
			if known, has := other[e]; has && known != id {
				return linked(l)
			}
			other[e] = id
		}
	}
	return nil
}

func linked(l Link) error {
	return fmt.Errorf("%w: %s %s of the shop and %s of the till", ErrLinked, l.Kind, l.Woo, l.Sitoo)
}
