package sitoosync

import "github.com/tillwire/tillwire/sitoo"

// Store2DoorRule says when a row of an order counts as not delivered.
type Store2DoorRule int

// The rules.
const (
	// ByQuantity: fewer pieces were delivered than sold. Cancelled deliveries do not count.
	ByQuantity Store2DoorRule = iota
	// ByRow: the row is in no delivery at all: the description's own words.
	ByRow
)

// IsStore2Door reports whether a till's order waits to be sent to the customer: some product row of it is not delivered. Refunds,
// bookings, parked, cancelled and abandoned orders never do, nor rows without a SKU (shipping, gift cards, free amounts).
func IsStore2Door(o *sitoo.Order, deliveries []*sitoo.Delivery, rule Store2DoorRule) bool {
	if o.Type != sitoo.OrderPlain || o.State == sitoo.OrderCancelled || o.State == sitoo.OrderAbandoned {
		return false
	}
	delivered := map[sitoo.OrderItemID]int{}
	for _, d := range deliveries {
		if !d.Cancelled.IsZero() {
			continue
		}
		for _, item := range d.Items {
			delivered[item.OrderItemID] += item.Quantity
		}
	}
	for _, row := range o.Items {
		if row.Type != sitoo.ItemProduct && row.Type != 0 || row.Quantity <= 0 || row.SKU == "" {
			continue
		}
		n, found := delivered[row.ID]
		if !found || rule == ByQuantity && n < row.Quantity {
			return true
		}
	}
	return false
}
