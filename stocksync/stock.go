package stocksync

import "github.com/shopspring/decimal"

// sameStock says whether two states are one to a store.
func sameStock(a, b Stock) bool {
	return a.Quantity.Equal(b.Quantity) && a.Status == b.Status && a.Backorders == b.Backorders && a.Manage == b.Manage &&
		(a.LowStock == nil) == (b.LowStock == nil) && (a.LowStock == nil || *a.LowStock == *b.LowStock)
}

// status is what WooCommerce makes of a quantity that is managed, where the store's no-stock threshold is 0 as by default.
func status(quantity decimal.Decimal, b Backorders) Status {
	switch {
	case quantity.IsPositive():
		return InStock
	case b == BackordersNotify || b == BackordersYes:
		return OnBackorder
	default:
		return OutOfStock
	}
}

// derive makes the status follow from the quantity where the authority counts: a contradiction would never be equal anywhere.
func (l *line) derive() {
	if l.Manage == "" {
		l.Manage = Managed
	}
	if l.Backorders == "" {
		l.Backorders = BackordersNo
	}
	if l.Manage == Managed {
		l.Status = status(l.Quantity, l.Backorders)
	}
}

// shown is what a peer is to have of a product.
func (m *Master) shown(r *Row, peer StoreID) Stock {
	stock := r.Stock
	if stock.Manage != Managed {
		return stock
	}
	switch m.c.Mode {
	case Buffered:
		if stock.Quantity.IsPositive() {
			stock.Quantity = decimal.Max(decimal.Zero, stock.Quantity.Sub(m.c.Buffer(peer, r.Ref)))
		}
	case Allocated:
		if r.shared() {
			stock.Quantity = r.share(peer)
		}
	}
	stock.Status = status(stock.Quantity, stock.Backorders)
	return stock
}
