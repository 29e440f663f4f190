package sitoosync

import (
	"context"

	"github.com/tillwire/tillwire/woo"
)

// clickAndCollectUp sends the orders of click and collect that the till has not (row F18). The shop filters orders neither by their
// shipping nor by meta data, so all in the status are looked at.
func (s *Sync) clickAndCollectUp(ctx context.Context, p *pass) error {
	if len(s.c.ClickAndCollect) == 0 {
		return nil
	}
	p.step("orders of click and collect", 0)
	return s.missingOrders(ctx, func(o *woo.Order) error {
		defer p.did(1)
		if !p.will(1, "send the shop's order %d to the till", o.ID) {
			return nil
		}
		return p.fail(ctx, s.orderUp(ctx, o))
	})
}

// missingOrders yields the orders of click and collect that are not linked.
func (s *Sync) missingOrders(ctx context.Context, do func(*woo.Order) error) error {
	flush := func(orders []*woo.Order) error {
		ids := make([]string, len(orders))
		for i, o := range orders {
			ids[i] = number(o.ID)
		}
		linked, err := s.find(ctx, OrderLink, Woo, ids...)
		if err != nil {
			return err
		}
		for i, o := range orders {
			if _, has := linked[ids[i]]; has {
				continue
			}
			if err := do(o); err != nil {
				return err
			}
		}
		return nil
	}
	var some []*woo.Order
	for o, err := range s.c.Shop.Orders.All(ctx, woo.OrderQuery{Status: []woo.OrderStatus{s.c.ClickAndCollectStatus}}) {
		if err != nil {
			return err
		}
		if !IsClickAndCollect(o, s.c.ClickAndCollect) {
			continue
		}
		if some = append(some, o); len(some) == ordersPerSave {
			if err := flush(some); err != nil {
				return err
			}
			some = nil
		}
	}
	return flush(some)
}

// orderCost is what one order takes: two looks at whether it is there, its write, and its delivery with what was delivered before.
const orderCost = 6

func (s *Sync) clickAndCollectUpCost(ctx context.Context) (int, error) {
	n := 0
	err := s.missingOrders(ctx, func(*woo.Order) error { n++; return nil })
	const warehouse = 1
	return warehouse + orderCost*n, err
}
