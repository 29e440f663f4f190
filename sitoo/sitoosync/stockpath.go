package sitoosync

import "github.com/tillwire/tillwire/sitoo"

// StockPath is the way a change of the shop's stock takes to the till. The warehouse's type and one setting decide it; see [PathOf].
type StockPath int

// The paths.
const (
	// Mirror: the warehouse is virtual: the shop's figure is written as it is, at once.
	Mirror StockPath = iota + 1
	// ByOrders: real stock, which moves as a consequence of orders alone: a sale at processing, its return at cancelled. Edits in the
	// shop are not sent, and the till's figure comes back over them.
	ByOrders
	// ByBatch: real stock, moved at once by batches of changes. It closes sessions in which staff may be counting.
	ByBatch
)

// PathOf is the path for a warehouse; force is the setting "force instant stock changes", which a virtual warehouse does not need.
func PathOf(w sitoo.WarehouseType, force bool) StockPath {
	switch {
	case w == sitoo.Virtual:
		return Mirror
	case force:
		return ByBatch
	}
	return ByOrders
}

// Instant reports whether the shop's stock is sent at once, and whether a full sync may send it up.
func (p StockPath) Instant() bool { return p != ByOrders }

// MovesByOrders reports whether the shop's orders are sent to move stock. Where stock is sent at once they must not, or every sale
// would count twice.
func (p StockPath) MovesByOrders() bool { return p == ByOrders }

// ShippingRows reports whether shipping is sent as an order row, so that both sides' totals are equal.
func (p StockPath) ShippingRows() bool { return p == ByOrders }

// String names the path.
func (p StockPath) String() string {
	switch p {
	case Mirror:
		return "mirror"
	case ByOrders:
		return "by orders"
	case ByBatch:
		return "by batch"
	}
	return "none"
}
