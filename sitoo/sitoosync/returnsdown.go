package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// isReturn reports whether an order gives goods back: it sells nothing.
func isReturn(o *sitoo.Order) bool {
	sells := slices.ContainsFunc(o.Items, func(row sitoo.OrderItem) bool { return row.Quantity > 0 })
	return !sells && slices.ContainsFunc(o.Items, func(row sitoo.OrderItem) bool { return row.Quantity < 0 })
}

// RefundLink joins a refund of the shop's, "12/34" for the refund 34 of the order 12, with an order of the till's that gives goods
// back.
const RefundLink LinkKind = "refund"

// returned brings a return as a refund of the order that it gives back of. A return of what the shop has no order of is none of the
// shop's.
func (d *orderDescent) returned(ctx context.Context, o *sitoo.Order) error {
	source := number(o.CreditOrderID)
	if o.CreditOrderID == 0 {
		source = o.Data["pos-originalsales-orderid"]
	}
	found, err := d.s.find(ctx, OrderLink, Sitoo, source)
	if err != nil {
		return err
	}
	l, linked := found[source]
	if sale, err := idOf[sitoo.OrderID](source); !linked && err == nil && d.state.Left[sale] != "" {
		return fmt.Errorf("the sale that it gives back of, order %d, has not come down yet", sale)
	}
	if !linked || !d.p.will(1, "bring the till's return %d as a refund of the shop's order %s", o.ID, l.Woo) {
		return nil
	}
	id, err := idOf[woo.OrderID](l.Woo)
	if err != nil {
		return err
	}
	order, err := d.s.c.Shop.Orders.Get(ctx, id)
	if errors.Is(err, woo.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	fields, err := d.refundFields(ctx, o, order)
	if err != nil {
		return err
	}
	if amount, _ := fields.Amount.Get(); amount.Sign() <= 0 {
		d.p.note(ctx, fmt.Errorf("return %d of the till: nothing of the shop's order %d is left to be refunded", o.ID, order.ID))
		return nil
	}
	begun := "return:" + number(o.ID)
	ref, err := d.s.begin(ctx, begun)
	if err != nil {
		return err
	}
	refund, err := d.s.c.Shop.Refunds(id).CreateOnce(ctx, ref, fields)
	if err := unlessTaken(refund, err); err != nil {
		return err
	}
	made := Link{Kind: RefundLink, Woo: number(id) + "/" + number(refund.ID), Sitoo: number(o.ID), Sum: cameDown}
	if err := d.s.put(ctx, made); err != nil {
		return err
	}
	d.s.ended(begun)
	return nil
}

// refundFields: no money moves, since the till has paid it out; goods go back on the shop's shelf only where the till does not count
// them.
func (d *orderDescent) refundFields(ctx context.Context, o *sitoo.Order, order *woo.Order) (woo.RefundFields, error) {
	reduces, err := d.s.reducesShopStock(ctx)
	if err != nil {
		return woo.RefundFields{}, err
	}
	left := order.Total.Decimal
	for _, r := range order.Refunds {
		left = left.Add(r.Total.Decimal) // which is negative
	}
	w := woo.RefundFields{
		Amount: woo.Set(decimal.Min(left, o.Total.Abs())), Reason: woo.Set("Sitoo " + number(o.ID)), APIRefund: woo.Set(false),
		APIRestock: woo.Set(reduces),
	}
	var lines []woo.RefundLineFields
	for _, row := range o.Items {
		at := slices.IndexFunc(order.LineItems, func(l woo.LineItem) bool { return l.SKU != nil && *l.SKU == row.SKU && row.SKU != "" })
		if at < 0 || row.Quantity >= 0 {
			continue
		}
		of := order.LineItems[at]
		line := woo.RefundLineFields{
			ID: woo.Set(of.ID), Quantity: woo.Set(decimal.NewFromInt(int64(-row.Quantity))), RefundTotal: woo.Set(row.TotalNet.Abs()),
		}
		if len(of.Taxes) > 0 {
			line.RefundTax = woo.Set([]woo.RefundTaxFields{{ID: woo.Set(of.Taxes[0].ID), RefundTotal: woo.Set(row.TotalVAT.Abs())}})
		}
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		w.LineItems = woo.Set(lines)
	}
	return w, nil
}
