package sitoosync

import (
	"context"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// cancel takes the order back: one of which nothing was delivered is cancelled, else what was is given back.
func (a *orderAscent) cancel(ctx context.Context) error {
	if a.trip.cancelled {
		return nil
	}
	order, err := a.s.c.Till.Orders.Get(ctx, a.trip.order)
	if err != nil {
		return err
	}
	delivered, err := a.s.delivered(ctx, a.trip.order)
	if err != nil {
		return err
	}
	if len(delivered) == 0 {
		if err := a.s.c.Till.Orders.Update(ctx, a.trip.order, sitoo.OrderFields{State: sitoo.Set(sitoo.OrderCancelled)}); err != nil {
			return err
		}
	} else if !a.moves {
		return nil // it was handed out, and its stock is none of the orders' business: a return at the till is the staff's
	} else if err := a.giveBack(ctx, order, delivered); err != nil {
		return err
	}
	a.trip.cancelled = true
	return a.keep(ctx)
}

// delivered is how many pieces of each row have left.
func (s *Sync) delivered(ctx context.Context, id sitoo.OrderID) (map[sitoo.OrderItemID]int, error) {
	all := map[sitoo.OrderItemID]int{}
	for d, err := range s.c.Till.Deliveries(id).All(ctx, sitoo.ListQuery{PerPage: s.c.PageSize}) {
		if err != nil {
			return nil, err
		}
		if d.Cancelled.IsZero() {
			for _, item := range d.Items {
				all[item.OrderItemID] += item.Quantity
			}
		}
	}
	return all, nil
}

// giveBack makes a return of what was delivered and not given back by a refund.
func (a *orderAscent) giveBack(ctx context.Context, order *sitoo.Order, delivered map[sitoo.OrderItemID]int) error {
	back := map[string]int{} // by SKU
	for r, err := range a.s.c.Till.Orders.All(ctx, sitoo.OrderQuery{CreditOrderID: order.ID, PerPage: a.s.c.PageSize}) {
		if err != nil {
			return err
		}
		if r.CreditOrderID != order.ID || r.ExternalID == a.s.externalID(a.o.ID, a.trip.nth)+cancelSuffix {
			continue // of others, where the filter is ignored; or this very return, made by an attempt before
		}
		for _, row := range r.Items {
			back[row.SKU] -= row.Quantity
		}
	}
	var rows []sitoo.OrderItemFields
	for _, row := range order.Items {
		n := delivered[row.ID]
		taken := min(n, back[row.SKU])
		back[row.SKU] -= taken
		if n -= taken; n <= 0 {
			continue
		}
		gross := row.TotalNet.Add(row.TotalVAT.Decimal).Mul(decimal.NewFromInt(int64(n))).Div(decimal.NewFromInt(int64(row.Quantity)))
		rows = append(rows, sitoo.OrderItemFields{
			Name: row.Name, SKU: row.SKU, Quantity: -n, VATValue: row.VATValue, RowPrice: sitoo.NewMoney(gross.Round(2).Neg()),
		})
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := a.makeReturn(ctx, a.s.externalID(a.o.ID, a.trip.nth)+cancelSuffix, rows)
	return err
}

// cancelSuffix ends the external id of the return that a cancelled order makes.
const cancelSuffix = "-x"

// makeReturn makes an order that gives goods back, and its delivery, each once.
func (a *orderAscent) makeReturn(ctx context.Context, externalID string, rows []sitoo.OrderItemFields) (sitoo.OrderID, error) {
	total := decimal.Zero
	for _, row := range rows {
		total = total.Add(row.RowPrice.Decimal)
	}
	id, _, err := a.s.c.Till.CreateOrderOnce(ctx, sitoo.OrderFields{
		ExternalID: sitoo.Set(externalID), Type: sitoo.Set(sitoo.OrderPlain), State: sitoo.Set(sitoo.OrderClosed),
		Payment: sitoo.Set(sitoo.PaymentSuccessful), CreditOrderID: sitoo.Set(a.trip.order), WarehouseID: sitoo.Set(a.s.c.Warehouse),
		Currency: sitoo.Set(a.o.Currency), Comment: sitoo.Set("Woo #" + numberOf(a.o)), Items: rows,
		Payments: []sitoo.OrderPayment{{Name: named(a.o.PaymentMethodTitle, "Web"), Amount: sitoo.NewMoney(total), ExternalID: externalID}},
	})
	if err != nil {
		return 0, fmt.Errorf("the return of order %d of the shop: %w", a.o.ID, err)
	}
	return id, a.s.deliverReturn(ctx, id)
}

// deliverReturn delivers a return: its goods are in the warehouse again. The till's deliveries are read first.
func (s *Sync) deliverReturn(ctx context.Context, id sitoo.OrderID) error {
	order, err := s.c.Till.Orders.Get(ctx, id)
	if err != nil {
		return err
	}
	done, err := s.delivered(ctx, id)
	if err != nil {
		return err
	}
	var items []sitoo.DeliveryItem
	for _, row := range order.Items {
		if n := row.Quantity - done[row.ID]; n < 0 {
			items = append(items, sitoo.DeliveryItem{OrderItemID: row.ID, Quantity: n})
		}
	}
	if len(items) == 0 {
		return nil
	}
	_, err = s.c.Till.Deliver(ctx, id, sitoo.DeliveryFields{WarehouseID: s.c.Warehouse, Items: items})
	return err
}

// refunds gives back at the till what was refunded in the shop, piece by piece (T2). A refund of money alone moves no stock and has no
// counterpart. Refunded pieces count as returned: the shop does not say in its answers whether they went back on the shelf.
func (a *orderAscent) refunds(ctx context.Context) error {
	if !a.moves || len(a.o.Refunds) == 0 || !a.trip.delivered {
		return nil
	}
	var ids []string
	for _, r := range a.o.Refunds {
		ids = append(ids, number(a.o.ID)+"/"+number(r.ID))
	}
	known, err := a.s.find(ctx, RefundLink, Woo, ids...)
	if err != nil {
		return err
	}
	for i, summary := range slices.Backward(a.o.Refunds) { // oldest first
		if _, linked := known[ids[i]]; linked {
			continue
		}
		refund, err := a.s.c.Shop.Refunds(a.o.ID).Get(ctx, summary.ID)
		if err != nil {
			return err
		}
		rows := refundRows(a.o, refund)
		if len(rows) == 0 {
			continue
		}
		id, err := a.makeReturn(ctx, a.s.externalID(a.o.ID, a.trip.nth)+"-r"+number(refund.ID), rows)
		if err != nil {
			return err
		}
		if err := a.s.put(ctx, Link{Kind: RefundLink, Woo: ids[i], Sitoo: number(id), Sum: "up"}); err != nil {
			return err
		}
	}
	return nil
}

// refundRows are the pieces of a refund as rows of the till's.
func refundRows(o *woo.Order, r *woo.Refund) []sitoo.OrderItemFields {
	rates := map[woo.TaxRateID]decimal.Decimal{}
	for _, t := range o.TaxLines {
		rates[t.RateID] = t.RatePercent.Decimal
	}
	var rows []sitoo.OrderItemFields
	for _, l := range r.LineItems {
		n := int(l.Quantity.IntPart())
		if n >= 0 {
			continue
		}
		row := sitoo.OrderItemFields{
			Name: named(l.Name, "Item"), Quantity: n, VATValue: sitoo.NewPercent(vatOf(l.Taxes, rates)),
			RowPrice: sitoo.NewMoney(l.Total.Add(l.TotalTax.Decimal).Round(2)),
		}
		if l.SKU != nil && sitoo.ValidSKU(*l.SKU) {
			row.SKU = *l.SKU
		}
		rows = append(rows, row)
	}
	return rows
}
