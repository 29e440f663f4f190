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

// ordersState is what the walk through the till's orders remembers. An order that an offline till uploads late has an old date and a
// new id, so it goes by id.
type ordersState struct {
	Last sitoo.OrderID            `json:"last"` // up to here all was looked at
	Left map[sitoo.OrderID]string `json:"left"` // what could not be brought, and why: tried again with each pass
	// Open are those that were brought and wait to be sent, with the shop's ids: the till tells of no change, so they are looked at
	// again.
	Open map[sitoo.OrderID]woo.OrderID `json:"open"`
}

const (
	ordersCursor = "orders"
	// ordersOverlap is how many ids are looked at again: orders that are made at the same moment need not become visible in the order of
	// their ids.
	ordersOverlap = 20
	// ordersPerSave is how many orders are brought before the cursor is kept. After a crash they are looked at again, and found linked.
	ordersPerSave = 50
)

// ordersDown brings all of the till's orders into the shop: from the first on in a full sync (F16), else those that came since the
// last pass (A4).
func (s *Sync) ordersDown(ctx context.Context, p *pass) error { return s.walkOrders(ctx, p, false) }

// store2DoorDown brings those alone that wait to be sent to the customer (F17, A5).
func (s *Sync) store2DoorDown(ctx context.Context, p *pass) error { return s.walkOrders(ctx, p, true) }

func (s *Sync) walkOrders(ctx context.Context, p *pass, onlyStore2Door bool) error {
	var state ordersState
	if err := s.load(ctx, ordersCursor, &state); err != nil {
		return err
	}
	if state.Left == nil {
		state.Left = map[sitoo.OrderID]string{}
	}
	if state.Open == nil {
		state.Open = map[sitoo.OrderID]woo.OrderID{}
	}
	if state.Last == 0 {
		if err := s.relinkOrders(ctx, p); err != nil {
			return err
		}
	}
	d := &orderDescent{s: s, p: p, onlyStore2Door: onlyStore2Door, state: &state}
	p.step("orders of the till", 0)
	if err := d.lookAgain(ctx); err != nil {
		return err
	}
	if err := d.retry(ctx); err != nil {
		return err
	}
	query := sitoo.OrderQuery{Types: []sitoo.OrderType{sitoo.OrderPlain}, PerPage: s.c.PageSize}
	if !p.full {
		query.From = max(0, state.Last-ordersOverlap) + 1
	}
	var page []*sitoo.Order
	for o, err := range s.c.Till.Orders.All(ctx, query) {
		if err != nil {
			return err
		}
		if o.ID < query.From {
			return fmt.Errorf("sitoosync: the till lists the order %d among those from %d on: it ignores the filter", o.ID, query.From)
		}
		if page = append(page, o); len(page) == ordersPerSave {
			if err := d.bring(ctx, page); err != nil {
				return err
			}
			page = nil
		}
	}
	return d.bring(ctx, page)
}

// relinkOrders links what the shop's orders say of where they came from. It is done where the walk begins anew: whoever forgets the
// links (X1) does not mean to have every order twice.
func (s *Sync) relinkOrders(ctx context.Context, p *pass) error {
	query := woo.OrderQuery{IncludeMeta: []string{referenceKey}, Fields: []string{"id", "meta_data"}}
	for o, err := range s.c.Shop.Orders.All(ctx, query) {
		if err != nil {
			return err
		}
		id, down := s.cameDown(o)
		if !down || p.dry {
			continue
		}
		found, err := s.find(ctx, OrderLink, Sitoo, number(id))
		if err != nil {
			return err
		}
		if _, linked := found[number(id)]; linked { // of two that were made of one, the older is the one
			continue
		}
		l := LinkOrder(o.ID, id)
		l.Sum = cameDown
		if err := s.put(ctx, l); err != nil && !errors.Is(err, ErrLinked) {
			return err
		}
	}
	return nil
}

// ordersDownCost: a list, and for each order its rows where the list leaves them out, its deliveries, and the stock of what it sells.
func (s *Sync) ordersDownCost(ctx context.Context) (int, error) {
	query := sitoo.OrderQuery{Types: []sitoo.OrderType{sitoo.OrderPlain}, PerPage: 1, Newest: true, Fields: []string{"orderid"}}
	_, page, err := s.c.Till.Orders.List(ctx, query)
	if err != nil {
		return 0, err
	}
	var state ordersState
	if err := s.load(ctx, ordersCursor, &state); err != nil {
		return 0, err
	}
	list, _ := s.pages(page, nil)
	const warehouse = 1
	return list + warehouse + 3*page.Total + 4*len(state.Left) + 2*len(state.Open), nil
}

// orderDescent brings orders of the till into the shop.
type orderDescent struct {
	s              *Sync
	p              *pass
	onlyStore2Door bool
	state          *ordersState
}

// retry brings what an earlier pass could not.
func (d *orderDescent) retry(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(d.state.Left)) {
		o, err := d.s.c.Till.Orders.Get(ctx, id)
		if errors.Is(err, sitoo.ErrNotFound) {
			delete(d.state.Left, id)
			continue
		}
		if err != nil {
			return err
		}
		if err := d.bring(ctx, []*sitoo.Order{o}); err != nil {
			return err
		}
	}
	return nil
}

// bring brings some orders and keeps the cursor. An order that fails is remembered, so that the cursor can pass it.
func (d *orderDescent) bring(ctx context.Context, orders []*sitoo.Order) error {
	if len(orders) == 0 {
		return nil
	}
	ids := make([]string, len(orders))
	for i, o := range orders {
		ids[i] = number(o.ID)
	}
	known := map[string]bool{}
	for _, kind := range []LinkKind{OrderLink, RefundLink} {
		found, err := d.s.find(ctx, kind, Sitoo, ids...)
		if err != nil {
			return err
		}
		for id := range found {
			known[id] = true
		}
	}
	for _, o := range orders {
		if !known[number(o.ID)] {
			err := d.one(ctx, o)
			if err != nil {
				err = fmt.Errorf("order %d of the till: %w", o.ID, err)
			}
			if passed := d.p.fail(ctx, err); passed != nil {
				return passed
			}
			if err != nil {
				d.state.Left[o.ID] = text(err)
			} else {
				delete(d.state.Left, o.ID)
			}
		} else {
			delete(d.state.Left, o.ID)
		}
		d.state.Last = max(d.state.Last, o.ID)
		d.p.did(1)
	}
	return d.s.save(ctx, ordersCursor, d.state)
}

// text is an error as a state keeps it.
func text(err error) string {
	t := err.Error()
	return t[:min(len(t), 500)]
}

// one brings an order, if it is one to be brought.
func (d *orderDescent) one(ctx context.Context, o *sitoo.Order) error {
	switch {
	case o.Type != sitoo.OrderPlain: // bookings and what is parked at a till are no sales yet
		return nil
	case o.State == sitoo.OrderCancelled || o.State == sitoo.OrderAbandoned:
		return nil
	case d.s.ownOrder(o.ExternalID): // of the shop: it must not come back
		return nil
	}
	if len(o.Items) == 0 { // a list may leave the rows out
		whole, err := d.s.c.Till.Orders.Get(ctx, o.ID)
		if err != nil {
			return err
		}
		o = whole
	}
	if isReturn(o) {
		return d.returned(ctx, o)
	}
	waits, err := d.waits(ctx, o)
	if err != nil || d.onlyStore2Door && !waits {
		return err
	}
	status := d.s.c.OrderStatus
	if waits {
		status = d.s.c.Store2DoorStatus
	}
	if !d.p.will(1, "bring the till's order %d into the shop as %s", o.ID, status) {
		return nil
	}
	return d.make(ctx, o, status, waits)
}
