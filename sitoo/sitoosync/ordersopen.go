package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// lookAgain reads the orders that were brought to be sent and are still open at the till (trap 47): one that was cancelled there is
// cancelled in the shop, before it is sent; one that is done there is looked at no more.
func (d *orderDescent) lookAgain(ctx context.Context) error {
	for part := range slices.Chunk(slices.Sorted(maps.Keys(d.state.Open)), 100) { // their ids travel in the address
		orders, _, err := d.s.c.Till.Orders.List(ctx, sitoo.OrderQuery{IDs: part, PerPage: len(part)})
		if err != nil {
			return err
		}
		for _, o := range orders {
			id, asked := d.state.Open[o.ID]
			if !asked || o.State == sitoo.OrderOpen {
				continue
			}
			var err error
			if o.State == sitoo.OrderCancelled {
				err = d.cancelled(ctx, o, id)
			}
			if passed := d.p.fail(ctx, err); passed != nil {
				return passed
			}
			if err == nil {
				delete(d.state.Open, o.ID)
			}
		}
	}
	return d.s.save(ctx, ordersCursor, d.state)
}

// cancelled cancels the shop's order of one that was cancelled at the till. One that has gone out meanwhile is a person's business.
func (d *orderDescent) cancelled(ctx context.Context, o *sitoo.Order, id woo.OrderID) error {
	order, err := d.s.c.Shop.Orders.Get(ctx, id)
	switch {
	case errors.Is(err, woo.ErrNotFound):
		return nil
	case err != nil:
		return err
	case order.Status == woo.OrderCancelled, order.Status == woo.OrderRefunded, order.Status == woo.OrderTrash:
		return nil
	case order.Status == woo.OrderCompleted:
		d.p.note(ctx, fmt.Errorf("order %d of the till was cancelled there, and the shop's order %d is completed", o.ID, id))
		return nil
	case !d.p.will(1, "cancel the shop's order %d, as the till's order %d was", id, o.ID):
		return nil
	}
	if _, err := d.s.c.Shop.Orders.Update(ctx, id, woo.OrderFields{Status: woo.Set(woo.OrderCancelled)}); err != nil {
		return err
	}
	reduces, err := d.s.reducesShopStock(ctx)
	if err != nil || reduces { // there the shop has the goods back
		return err
	}
	var skus []string
	for _, l := range order.LineItems {
		if l.SKU != nil && sitoo.ValidSKU(*l.SKU) {
			skus = append(skus, *l.SKU)
		}
	}
	return d.s.refreshStock(ctx, d.p, skus...)
}
