package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// sendOrder does at the till what an order of the shop asks for in its status now: it is made there (T2, T5), delivered (T2, M5),
// cancelled or given back (T2). All of it is found where an earlier attempt had its effect.
func (s *Sync) sendOrder(ctx context.Context, id string) error {
	n, err := idOf[woo.OrderID](id)
	if err != nil {
		return retryqueue.Permanent(err)
	}
	o, err := s.c.Shop.Orders.Get(ctx, n)
	if errors.Is(err, woo.ErrNotFound) {
		return nil // deleted for good: nothing tells what it was
	}
	if err != nil {
		return err
	}
	return s.orderUp(ctx, o)
}

// orderUp is sendOrder for an order that was just read.
func (s *Sync) orderUp(ctx context.Context, o *woo.Order) error {
	if err := s.order.enter(ctx); err != nil {
		return err
	}
	defer s.order.leave()
	path, err := s.path(ctx)
	if err != nil {
		return err
	}
	found, err := s.find(ctx, OrderLink, Woo, number(o.ID))
	if err != nil {
		return err
	}
	l, linked := found[number(o.ID)]
	up := &orderAscent{s: s, o: o, moves: path.MovesByOrders() && s.c.SendStock, path: path, link: l}
	switch {
	case linked && l.Sum == cameDown:
		return up.completed(ctx)
	case linked:
		if up.trip, err = readTrip(l.Sum); err != nil {
			return fmt.Errorf("order %d: %w", o.ID, err)
		}
	default:
		if id, down := s.cameDown(o); down { // its link was not kept, or will be in a moment
			up.link = LinkOrder(o.ID, id)
			up.link.Sum = cameDown
			if err := s.put(ctx, up.link); err != nil {
				return err
			}
			return up.completed(ctx)
		}
	}
	collect := IsClickAndCollect(o, s.c.ClickAndCollect) && o.Status == s.c.ClickAndCollectStatus
	if collect || up.moves && (o.Status == woo.OrderProcessing || o.Status == woo.OrderCompleted) {
		if err := up.send(ctx, collect); err != nil {
			return err
		}
	}
	if up.trip.order == 0 {
		return nil
	}
	switch o.Status {
	case woo.OrderCancelled, woo.OrderFailed, woo.OrderPending, woo.OrderTrash: // the shop takes its stock back
		return up.cancel(ctx)
	}
	deliver := up.moves || s.c.Deliver && o.Status == woo.OrderCompleted
	if err := up.deliver(ctx, deliver); err != nil {
		return err
	}
	return up.refunds(ctx)
}

// orderAscent takes one order of the shop up.
type orderAscent struct {
	s     *Sync
	o     *woo.Order
	path  StockPath
	moves bool // stock moves by orders (T2)
	link  Link
	trip  trip
}

// keep keeps how far the order has come. Its link names the first of the till's orders for it, for good.
func (a *orderAscent) keep(ctx context.Context) error {
	if a.link.Sitoo == "" {
		a.link = LinkOrder(a.o.ID, a.trip.order)
	}
	a.link.Sum = a.trip.String()
	return a.s.put(ctx, a.link)
}

// send makes the order at the till, or brings the one that is there into the state that click and collect asks for.
func (a *orderAscent) send(ctx context.Context, collect bool) error {
	next := a.trip
	switch {
	case next.order == 0:
		next.nth = 1
	case next.cancelled:
		next = trip{nth: next.nth + 1}
	case collect && !next.collected:
		if err := a.s.c.Till.Orders.Update(ctx, next.order, sitoo.OrderFields{State: sitoo.Set(a.s.collectState())}); err != nil {
			return err
		}
		a.trip.collected = true
		return a.keep(ctx)
	default:
		return nil
	}
	made, fresh, err := a.s.c.Till.CreateOrderOnce(ctx, a.fields(ctx, a.s.externalID(a.o.ID, next.nth), collect))
	if err != nil {
		return fmt.Errorf("order %d: %w", a.o.ID, err)
	}
	next.order, next.collected = made, collect
	a.trip = next
	a.s.log.InfoContext(ctx, "order sent to the till", "order", a.o.ID, "till_order", next.order, "fresh", fresh)
	return a.keep(ctx)
}

// collectState is the state of orders to be fetched in a store (T6).
func (s *Sync) collectState() sitoo.OrderState {
	if s.c.ClickAndCollectOpen {
		return sitoo.OrderOpen
	}
	return sitoo.OrderClosed
}

// fields is the shop's order as the till's: amounts with VAT, shipping and fees as rows where stock moves by orders (M3), so that both
// cost the same.
func (a *orderAscent) fields(ctx context.Context, externalID string, collect bool) sitoo.OrderFields {
	s, o := a.s, a.o
	rows := RowsOf(o, a.path.ShippingRows() && !s.c.NoShippingRows, s.c.ClickAndCollect)
	if !rows.Difference.IsZero() {
		s.log.WarnContext(ctx, "the till's rows do not cost what the order does", "order", o.ID, "difference", rows.Difference)
	}
	w := sitoo.OrderFields{
		ExternalID: sitoo.Set(externalID), Type: sitoo.Set(sitoo.OrderPlain), State: sitoo.Set(s.c.StockOrderState),
		Payment:     sitoo.Set(sitoo.PaymentNone),
		WarehouseID: sitoo.Set(s.c.Warehouse), Currency: sitoo.Set(o.Currency), Date: sitoo.Set(sitoo.At(o.DateCreated)),
		Comment: sitoo.Set("Woo #" + numberOf(o)),
		Email:   sitoo.Set(o.Billing.Email), FirstName: sitoo.Set(o.Billing.FirstName), LastName: sitoo.Set(o.Billing.LastName),
		Company: sitoo.Set(o.Billing.Company), Phone: sitoo.Set(o.Billing.Phone), InvoiceAddress: sitoo.Set(o.Billing.Address1),
		InvoiceAddress2: sitoo.Set(o.Billing.Address2), InvoiceZip: sitoo.Set(o.Billing.Postcode), InvoiceCity: sitoo.Set(o.Billing.City),
		InvoiceState: sitoo.Set(o.Billing.State), InvoiceCountry: sitoo.Set(strings.ToLower(o.Billing.Country)), Items: rows.Items,
	}
	data := sitoo.Data{"weborder": "true"}
	if a.path == ByBatch { // the shop's stock goes up by itself: whoever delivers this must not count it a second time
		data["delivery-ignore-stock"] = "true"
	}
	if IsClickAndCollect(o, s.c.ClickAndCollect) { // with an address the till would ship it from the store
		data["weborder-bopis"], data["delivery-pickup-warehouseid"] = "true", number(s.c.Warehouse)
	} else {
		w.DeliveryAddress, w.DeliveryAddress2 = sitoo.Set(o.Shipping.Address1), sitoo.Set(o.Shipping.Address2)
		w.DeliveryZip, w.DeliveryCity = sitoo.Set(o.Shipping.Postcode), sitoo.Set(o.Shipping.City)
		w.DeliveryState, w.DeliveryCountry = sitoo.Set(o.Shipping.State), sitoo.Set(strings.ToLower(o.Shipping.Country))
	}
	w.Data = sitoo.Set(data)
	if collect {
		w.State = sitoo.Set(s.collectState())
	}
	if !o.DatePaid.IsZero() {
		w.Payment = sitoo.Set(sitoo.PaymentSuccessful)
		w.Payments = []sitoo.OrderPayment{{
			Name: named(o.PaymentMethodTitle, "Web"), Amount: sitoo.NewMoney(o.Total.Round(2)), ExternalID: externalID,
		}}
	}
	return w
}

func numberOf(o *woo.Order) string {
	if o.Number != "" {
		return o.Number
	}
	return number(o.ID)
}

// deliver delivers what is left of the order, once: the till's deliveries are read first. Only where stock moves by orders does it
// move any.
func (a *orderAscent) deliver(ctx context.Context, wanted bool) error {
	if !wanted || a.trip.delivered || a.trip.cancelled {
		return nil
	}
	if err := a.deliverRest(ctx, a.trip.order, !a.path.MovesByOrders()); err != nil {
		return err
	}
	a.trip.delivered = true
	return a.keep(ctx)
}

func (a *orderAscent) deliverRest(ctx context.Context, id sitoo.OrderID, ignoreStock bool) error {
	_, err := a.s.c.Till.DeliverRest(ctx, id, sitoo.DeliveryFields{WarehouseID: a.s.c.Warehouse, IgnoreStock: ignoreStock})
	if err != nil {
		return fmt.Errorf("delivering order %d of the shop: %w", a.o.ID, err)
	}
	return nil
}

// completed delivers an order that came from the till to be sent from the shop, now that it was (M5).
func (a *orderAscent) completed(ctx context.Context) error {
	if !a.s.c.Deliver || a.o.Status != woo.OrderCompleted {
		return nil
	}
	id, err := idOf[sitoo.OrderID](a.link.Sitoo)
	if err != nil {
		return err
	}
	return a.deliverRest(ctx, id, a.path == Mirror) // what the till counts it counts now: the shop has not (trap 44)
}
