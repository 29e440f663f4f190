package woopeer

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

// place is where a product is at the store: variations are reached through their parent only.
type place struct {
	product   woo.ProductID   // the product, or the parent
	variation woo.VariationID // 0: the product itself
}

// row is a product or variation as the store showed it.
type row struct {
	place
	gid      stocksync.GID
	sku      stocksync.SKU
	kind     woo.ProductType
	stock    woo.StockFields // as Product.Stock and Variation.Stock have it: all of it is set
	modified time.Time
}

// fields are all that is read of a product: a page of 100 has 20 kB instead of 360.
var fields = []string{
	"id", "type", "parent_id", "sku", "manage_stock", "stock_quantity", "stock_status", "backorders", "low_stock_amount",
	"date_modified_gmt", "meta_data",
}

// fresh keeps the store's own cache of products (WooCommerce 10.5) out: what is compared must be true.
var fresh = map[string][]string{"_skip_cache": {"1"}}

func fromProduct(x *woo.Product) row {
	r := row{place: place{product: x.ID}, sku: stocksync.SKU(x.SKU), kind: x.Type, stock: x.Stock(), modified: x.DateModified}
	if x.Type == woo.VariationProduct { // which a search by SKU returns among the products
		r.place = place{x.ParentID, woo.VariationID(x.ID)}
	}
	r.gid = gidOf(x.MetaData)
	return r
}

func fromVariation(parent woo.ProductID, x *woo.Variation) row {
	if x.ParentID != 0 {
		parent = x.ParentID
	}
	return row{
		place: place{parent, x.ID}, gid: gidOf(x.MetaData), sku: stocksync.SKU(x.SKU), kind: woo.VariationProduct,
		stock: x.Stock(), modified: x.DateModified,
	}
}

func gidOf(m woo.MetaData) stocksync.GID {
	entry, _ := m.Get(stocksync.MetaGID)
	return stocksync.GID(entry.String())
}

// countable reports whether the store can count the product at all, and whether it can be named.
func (r row) countable() bool {
	return r.kind != woo.GroupedProduct && r.kind != woo.ExternalProduct && (r.sku != "" || r.gid != "")
}

func (r row) manage() woo.ManageStock {
	m, _ := r.stock.ManageStock.Get()
	return m
}

// quantity is zero where nobody counts.
func (r row) quantity() decimal.Decimal {
	q, _ := r.stock.StockQuantity.Get()
	return q
}

// state is the row in the words of package stocksync.
func (r row) state() stocksync.Stock {
	s := stocksync.Stock{Quantity: r.quantity(), Manage: stocksync.Unmanaged}
	switch r.manage() {
	case woo.StockManaged:
		s.Manage = stocksync.Managed
	case woo.StockByParent:
		s.Manage = stocksync.ByParent
	}
	status, _ := r.stock.StockStatus.Get()
	backorders, _ := r.stock.Backorders.Get()
	s.Status, s.Backorders = stocksync.Status(status), stocksync.Backorders(backorders)
	if low, ok := r.stock.LowStockAmount.Get(); ok {
		s.LowStock = &low
	}
	return s
}

func (r row) ref() stocksync.Ref { return stocksync.Ref{GID: r.gid, SKU: r.sku} }

// alike reports whether two rows are of one stock. The status of what is counted follows from the rest.
func alike(a, b row) bool {
	if a.manage() == woo.StockUnmanaged && a.stock.StockStatus != b.stock.StockStatus {
		return false
	}
	return a.manage() == b.manage() && a.quantity().Equal(b.quantity()) &&
		a.stock.Backorders == b.stock.Backorders && a.stock.LowStockAmount == b.stock.LowStockAmount
}
