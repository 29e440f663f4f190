package woo

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// LineEdit changes lines of an order that was read. Written by hand, a line without its id is added beside the one it was to replace, and
// a new quantity keeps the old total; here each line is named by its id, and totals follow. Methods may be chained; the first mistake is
// what Fields returns.
//
//	fields, err := woo.EditLines(order).
//		SetQuantity(lines[0].ID, decimal.NewFromInt(3)).
//		Remove(lines[1].ID).
//		Fields()
//	if err == nil {
//		order, err = shop.Orders.Update(ctx, order.ID, fields) // ErrNotApplied: the lines are not what was wanted
//	}
//
// The shop moves stock for changed lines by itself where it has taken the order's stock (newer shops; older ones only at a change of status).
type LineEdit struct {
	order   *Order
	changes []LineItemFields
	edited  map[LineID]bool
	err     error
}

// EditLines begins an edit of o's lines. o is not changed.
func EditLines(o *Order) *LineEdit { return &LineEdit{order: o, edited: map[LineID]bool{}} }

// pick finds a line that is still to be edited; nil when there is none, or after a mistake.
func (e *LineEdit) pick(id LineID) *LineItem {
	if e.err != nil {
		return nil
	}
	if e.edited[id] {
		e.err = fmt.Errorf("woo: line %d: is edited twice", id)
		return nil
	}
	for i := range e.order.LineItems {
		if line := &e.order.LineItems[i]; line.ID == id {
			e.edited[id] = true
			return line
		}
	}
	e.err = fmt.Errorf("woo: line %d: order %d has no such line", id, e.order.ID)
	return nil
}

func (e *LineEdit) refuse(id LineID, why string) *LineEdit {
	if e.err == nil {
		e.err = fmt.Errorf("woo: line %d: %s", id, why)
	}
	return e
}

// SetQuantity changes a line's quantity, and its net subtotal and total with it at the price it has. 0 removes the line.
func (e *LineEdit) SetQuantity(id LineID, quantity decimal.Decimal) *LineEdit {
	line := e.pick(id)
	switch {
	case line == nil:
		return e
	case quantity.IsNegative():
		return e.refuse(id, "a negative quantity")
	case quantity.IsZero():
		e.remove(line)
		return e
	case line.Quantity.IsZero():
		return e.refuse(id, "has the quantity 0, so its price is not known: Replace it")
	}
	scaled := func(net Decimal) Field[decimal.Decimal] {
		return Set(shortest(net.Mul(quantity).DivRound(line.Quantity.Decimal, 6))) // as many places as the shop keeps
	}
	e.changes = append(e.changes, LineItemFields{
		ID: Set(id), Quantity: Set(quantity), Subtotal: scaled(line.Subtotal), Total: scaled(line.Total),
	})
	return e
}

// shortest is d without the zeros that a division leaves at its end.
func shortest(d decimal.Decimal) decimal.Decimal {
	places := int32(0)
	for !d.Round(places).Equal(d) {
		places++
	}
	return d.Round(places)
}

// SetTotal changes a line's net total, the price after discounts, and leaves its quantity.
func (e *LineEdit) SetTotal(id LineID, net decimal.Decimal) *LineEdit {
	if e.pick(id) != nil {
		e.changes = append(e.changes, LineItemFields{ID: Set(id), Total: Set(net)})
	}
	return e
}

// Replace makes a line one of another product. with names it by ProductID, VariationID or SKU, and must have Quantity and the net Total,
// since the shop would keep the old ones; Subtotal defaults to Total.
//
// The line goes, and a new one with an id of its own comes at the end, in one request: so the stock of the old product is given back, which
// it is not when a line's product is overwritten.
func (e *LineEdit) Replace(id LineID, with LineItemFields) *LineEdit {
	line := e.pick(id)
	if line == nil {
		return e
	}
	if err := complete(with); err != nil {
		return e.refuse(id, err.Error())
	}
	if with.Subtotal.IsZero() {
		with.Subtotal = with.Total
	}
	e.remove(line)
	e.changes = append(e.changes, with)
	return e
}

// Remove takes a line off the order.
func (e *LineEdit) Remove(id LineID) *LineEdit {
	if line := e.pick(id); line != nil {
		e.remove(line)
	}
	return e
}

func (e *LineEdit) remove(line *LineItem) {
	e.changes = append(e.changes, LineItemFields{ID: Set(line.ID), Quantity: Set(decimal.Zero)})
}

// Add adds a line. It must name a product that the shop has, and a quantity; without Total the shop takes its own price.
func (e *LineEdit) Add(line LineItemFields) *LineEdit {
	if e.err == nil {
		if err := product(line); err != nil {
			e.err = fmt.Errorf("woo: a new line: %w", err)
		}
		e.changes = append(e.changes, line)
	}
	return e
}

// product checks what both a new line and one in another's place must have.
func product(line LineItemFields) error {
	id, _ := line.ProductID.Get()
	variation, _ := line.VariationID.Get()
	sku, _ := line.SKU.Get()
	quantity, _ := line.Quantity.Get()
	switch {
	case !line.ID.IsZero():
		return errors.New("id: is the shop's to give")
	case id == 0 && variation == 0 && sku == "":
		return errors.New("names no product: give ProductID, VariationID or SKU; free text goes into FeeLines")
	case quantity.Sign() <= 0:
		return errors.New("quantity: must be above 0")
	}
	return nil
}

func complete(line LineItemFields) error {
	if _, ok := line.Total.Get(); !ok {
		return errors.New("total: is missing; the shop would keep the old one")
	}
	return product(line)
}

// Fields is the write that makes the changes, and nothing else.
func (e *LineEdit) Fields() (OrderFields, error) {
	if e.err != nil {
		return OrderFields{}, e.err
	}
	var f OrderFields
	if len(e.changes) > 0 {
		f.LineItems = Set(e.changes)
	}
	return f, nil
}
