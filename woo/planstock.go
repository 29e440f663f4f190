package woo

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/shopspring/decimal"
)

// StockFields writes the stock of a product or variation, and tells what one is known to have. What is absent stays, or is not known.
type StockFields struct {
	ManageStock    Field[ManageStock]     `json:"manage_stock,omitzero"`
	StockQuantity  Field[decimal.Decimal] `json:"stock_quantity,omitzero" wire:"number"` // needs ManageStock
	StockStatus    Field[StockStatus]     `json:"stock_status,omitzero"`                 // ignored while stock is managed
	Backorders     Field[Backorders]      `json:"backorders,omitzero"`
	LowStockAmount Field[int]             `json:"low_stock_amount,omitzero"`
}

// MarshalJSON writes what is set.
func (f StockFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

func (f StockFields) check() error {
	return errors.Join(
		among("backorders", f.Backorders, BackordersNo, BackordersNotify, BackordersYes),
		among("manage_stock", f.ManageStock, StockUnmanaged, StockManaged, StockByParent),
		checkStock(f.StockQuantity),
	)
}

// beyond is what of f differs from what there is.
func (f StockFields) beyond(have StockFields) StockFields {
	if sameField(f.ManageStock, have.ManageStock) {
		f.ManageStock = Field[ManageStock]{}
	}
	if a, b := f.StockQuantity, have.StockQuantity; a.state == b.state && (a.state != value || a.v.Equal(b.v)) {
		f.StockQuantity = Field[decimal.Decimal]{}
	}
	if sameField(f.StockStatus, have.StockStatus) {
		f.StockStatus = Field[StockStatus]{}
	}
	if sameField(f.Backorders, have.Backorders) {
		f.Backorders = Field[Backorders]{}
	}
	if sameField(f.LowStockAmount, have.LowStockAmount) {
		f.LowStockAmount = Field[int]{}
	}
	return f
}

func sameField[T comparable](a, b Field[T]) bool { return a == b }

func (f StockFields) isZero() bool {
	return f.ManageStock.IsZero() && f.StockQuantity.IsZero() && f.StockStatus.IsZero() && f.Backorders.IsZero() && f.LowStockAmount.IsZero()
}

// Stock is the product's stock as it was read, for StockChange.Have.
func (x *Product) Stock() StockFields {
	return stockOf(x.ManageStock, x.StockQuantity, x.StockStatus, x.Backorders, x.LowStockAmount)
}

// Stock is the variation's stock as it was read, for StockChange.Have. Under StockByParent its quantity is the product's.
func (x *Variation) Stock() StockFields {
	return stockOf(x.ManageStock, x.StockQuantity, x.StockStatus, x.Backorders, x.LowStockAmount)
}

func stockOf(m ManageStock, q *Decimal, s StockStatus, b Backorders, low *int) StockFields {
	f := StockFields{
		ManageStock: Set(m), StockQuantity: Null[decimal.Decimal](), StockStatus: Set(s), Backorders: Set(b), LowStockAmount: Null[int](),
	}
	if q != nil {
		f.StockQuantity = Set(q.Decimal)
	}
	if low != nil {
		f.LowStockAmount = Set(*low)
	}
	return f
}

// StockChange is what the stock of one product or variation is to be.
type StockChange struct {
	Product   ProductID   // the product, or the one that Variation belongs to
	Variation VariationID // 0: the product's own stock
	Want      StockFields
	// Have is what the shop is known to have, mostly from the last read. What is alike in Want and Have is not sent. Zero: not known.
	Have StockFields
}

// StockLevel is a stock as the shop answered it after a change.
type StockLevel struct {
	Product   ProductID
	Variation VariationID // 0: the product's own stock

	ManageStock    ManageStock `json:"manage_stock"`
	StockQuantity  *Decimal    `json:"stock_quantity"` // nil: not managed
	StockStatus    StockStatus `json:"stock_status"`
	Backorders     Backorders  `json:"backorders"`
	LowStockAmount *int        `json:"low_stock_amount"` // nil: the shop's setting
}

// readLevel reads the stock out of a product or variation, and passes over the rest.
func readLevel(answer []byte) (*StockLevel, error) {
	x := new(StockLevel)
	v := reflect.ValueOf(x).Elem()
	p := planOf(v.Type())
	for m := membersOf(answer); m.next(); {
		i, known := p.byName[string(m.name)]
		if !known || p.fields[i].name == "" {
			continue
		}
		f := &p.fields[i]
		if _, _, err := f.decode(m.value, v.Field(f.index)); err != nil {
			return nil, within(err, f.name)
		}
	}
	return x, nil
}

// PlanStock plans changes of the stock of any mix of products and variations: of S products and V variations of each parent that are not
// as they are wanted yet, ⌈S/100⌉ + Σ⌈V/100⌉ requests, since the shop takes variations by their parent only. It calls nobody, and does
// not keep changes beyond Run.
//
// A result has neither Item nor Err where nothing had to change. A change that no shop can mean, and a second one of the same
// product, are ErrValidation at their indexes. Quantities with a fraction are refused too: the shop cuts them off in batches, so they
// need an Update of their own.
//
//	plan := shop.PlanStock(changes)
//	log.Printf("%d changes in %d requests", plan.Items(), plan.Requests())
//	results, err := plan.Run(ctx)
func (c *Client) PlanStock(changes []StockChange) *Plan[StockLevel] {
	b := newBatch[StockLevel](c, "stock", "Run", "update", len(changes))
	b.rules = stockRules
	todo := make([]int32, 0, len(changes))
	for i := range changes {
		change := &changes[i]
		set := change.Want.beyond(change.Have)
		if err := change.refused(set); err != nil {
			b.add(nil, i, 0, nil, err)
		} else if !set.isZero() {
			todo = append(todo, int32(i)) //nolint:gosec // a slice of 2^31 changes does not fit into memory
		}
	}
	slices.SortFunc(todo, func(i, j int32) int {
		x, y := &changes[i], &changes[j]
		return cmp.Or(cmp.Compare(x.parent(), y.parent()), cmp.Compare(x.Product, y.Product), cmp.Compare(x.Variation, y.Variation), cmp.Compare(i, j))
	})
	var units []*unit
	items := make([]item, 0, len(todo))
	for n, i := range todo {
		change := &changes[i]
		if n > 0 {
			if last := &changes[todo[n-1]]; last.Product == change.Product && last.Variation == change.Variation {
				b.add(nil, int(i), 0, nil, fmt.Errorf("change %d is of the same: merge them", todo[n-1]))
				continue
			}
		}
		at := len(items)
		items = append(items, item{index: int(i), id: change.id()})
		if last := len(units) - 1; last >= 0 && units[last].parent == change.parent() {
			units[last].items = units[last].items[:len(units[last].items)+1]
			continue
		}
		u := &unit{place: placed("products"), parent: change.parent(), items: items[at : at+1]}
		if u.parent != 0 {
			u.place = under("products", u.parent, "variations")
		}
		units = append(units, u)
	}
	b.encode = func(i int) ([]byte, error) {
		body, err := encodeObject(changes[i].Want.beyond(changes[i].Have))
		if err != nil {
			return nil, err
		}
		return withID(int64(changes[i].id()), body)
	}
	b.decode = readLevel
	b.name = func(i int, level *StockLevel) {
		level.Product, level.Variation = changes[i].Product, changes[i].Variation
	}
	return &Plan[StockLevel]{b: b.plan(units...)}
}

// refused is why a change cannot be sent.
func (s *StockChange) refused(set StockFields) error {
	switch {
	case s.Product <= 0:
		return errors.New("Product: is not a product's id")
	case s.Variation < 0:
		return errors.New("Variation: is not a variation's id")
	}
	if set.isZero() {
		return nil
	}
	if q, ok := set.StockQuantity.Get(); ok && !q.IsInteger() {
		return checkInBatch(ProductFields{StockQuantity: set.StockQuantity})
	}
	return set.check()
}

// parent is the product below whose address the change goes, 0 for the list of products.
func (s *StockChange) parent() ProductID {
	if s.Variation == 0 {
		return 0
	}
	return s.Product
}

func (s *StockChange) id() lenientID {
	if s.Variation != 0 {
		return lenientID(s.Variation)
	}
	return lenientID(s.Product)
}
