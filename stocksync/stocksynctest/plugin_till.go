package stocksynctest

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Line is a line of an order or a cart.
type Line struct {
	SKU      string
	Quantity int64
}

// order is an order at the store.
type order struct {
	id      int
	status  string
	lines   []Line
	reduced bool
}

// Fields are what a REST request changes of a product; nil leaves a field alone.
type Fields struct {
	SKU        *string
	Quantity   *int64
	Manage     *bool
	Backorders *string
	Status     *string
	LowStock   *int64
}

// Update changes a product as a PUT to the REST API does. A name that no product has is an error.
func (p *Plugin) Update(ctx context.Context, sku string, f Fields) error {
	return p.UpdateAll(ctx, map[string]Fields{sku: f})
}

// UpdateAll changes several products in one request, in the order of their SKUs, as products/batch does.
func (p *Plugin) UpdateAll(ctx context.Context, changes map[string]Fields) error {
	var failed error
	p.do(ctx, func(r *php) {
		for _, sku := range slices.Sorted(maps.Keys(changes)) {
			product := p.find(sku)
			if product == nil {
				failed = fmt.Errorf("stocksynctest: %s has no product %q", p.config.ID, sku)
				continue
			}
			r.update(product, changes[sku])
		}
	})
	return failed
}

func (r *php) update(product *Product, f Fields) {
	if f.SKU != nil {
		r.rename(product, *f.SKU)
	}
	r.save(product, func(to *Product) {
		if f.Manage != nil {
			to.Manage = *f.Manage
		}
		if f.Quantity != nil && to.Manage {
			to.Quantity, to.NoQuantity = *f.Quantity, false
		}
		if f.Backorders != nil {
			to.Backorders = *f.Backorders
		}
		if f.Status != nil {
			to.Status = *f.Status
		}
		if f.LowStock != nil {
			to.LowStock = f.LowStock
		}
	})
}

// SetStock sets a quantity as a PUT does.
func (p *Plugin) SetStock(ctx context.Context, sku string, quantity int64) error {
	return p.Update(ctx, sku, Fields{Quantity: &quantity})
}

// Rename gives a product another SKU.
func (p *Plugin) Rename(ctx context.Context, from, to string) error {
	return p.Update(ctx, from, Fields{SKU: &to})
}

// Write sets a quantity directly, as programs in the store do.
func (p *Plugin) Write(ctx context.Context, sku string, quantity int64) error {
	product := p.find(sku)
	if product == nil {
		return fmt.Errorf("stocksynctest: %s has no product %q", p.config.ID, sku)
	}
	p.do(ctx, func(r *php) { r.direct(product, func(int64) int64 { return quantity }) })
	return nil
}

// Create makes a new product, which fires hooks.
func (p *Plugin) Create(ctx context.Context, product Product) {
	p.Add(product)
	p.do(ctx, func(r *php) {
		names := []string{"stock_quantity", "stock_status", "manage_stock", "backorders"}
		r.updated(p.find(product.SKU), names)
	})
}

// Sell places a paid order: status processing.
func (p *Plugin) Sell(ctx context.Context, sku string, quantity int64) (orderID int, err error) {
	return p.Order(ctx, "processing", Line{sku, quantity})
}

// Restock takes a quantity back in, as a cancelled order that is not ours to name would.
func (p *Plugin) Restock(ctx context.Context, sku string, quantity int64) error {
	product := p.find(sku)
	if product == nil {
		return fmt.Errorf("stocksynctest: %s has no product %q", p.config.ID, sku)
	}
	p.do(ctx, func(r *php) {
		r.direct(product, func(was int64) int64 { return was + quantity })
		r.fire(hook{context: "order_restore"}, product)
	})
	return nil
}

// Order places an order. WooCommerce takes its products from stock in the statuses processing, completed and on-hold. The store
// refuses what it does not have: that is an error, and no order.
func (p *Plugin) Order(ctx context.Context, status string, lines ...Line) (orderID int, err error) {
	p.mu.Lock()
	for _, line := range lines {
		product := p.bySKU(line.SKU)
		if product == nil {
			err = fmt.Errorf("stocksynctest: %s has no product %q", p.config.ID, line.SKU)
		} else if owner := p.owner(product); owner.Manage && owner.Backorders == "no" && owner.Quantity < line.Quantity {
			err = fmt.Errorf("stocksynctest: %s has %d of %q, not %d", p.config.ID, owner.Quantity, line.SKU, line.Quantity)
		}
	}
	if err != nil {
		p.mu.Unlock()
		return 0, err
	}
	o := &order{id: len(p.orders) + 1, lines: lines}
	p.orders = append(p.orders, o)
	p.mu.Unlock()
	return o.id, p.SetOrder(ctx, o.id, status)
}

// SetOrder moves an order to another status; cancelled and refunded give its products back.
func (p *Plugin) SetOrder(ctx context.Context, orderID int, status string) error {
	p.mu.Lock()
	if orderID < 1 || orderID > len(p.orders) {
		p.mu.Unlock()
		return fmt.Errorf("stocksynctest: %s has no order %d", p.config.ID, orderID)
	}
	o := p.orders[orderID-1]
	o.status = status
	reduce := !o.reduced && (status == "processing" || status == "completed" || status == "on-hold")
	restore := o.reduced && (status == "cancelled" || status == "refunded" || status == "pending")
	if reduce {
		o.reduced = true
	}
	if restore {
		o.reduced = false
	}
	p.mu.Unlock()
	p.do(ctx, func(r *php) {
		switch {
		case restore:
			r.move(o, +1)
			r.fireOrder("order_restore", o, nil)
		case status == "processing":
			before := r.stale(o)
			if reduce {
				r.move(o, -1)
			}
			r.fireOrder("order_processing", o, before)
		case reduce:
			r.move(o, -1)
		}
	})
	return nil
}

// move takes an order's products from stock, or puts them back.
func (r *php) move(o *order, sign int64) {
	for _, line := range o.lines {
		if product := r.p.find(line.SKU); product != nil {
			r.direct(product, func(was int64) int64 { return was + sign*line.Quantity })
		}
	}
}

// stale is what generation 1 knows of an order's products before the order moves them, and will report afterwards: their GIDs, and
// of inheriting variations the quantity of their parents.
func (r *php) stale(o *order) map[int]Product {
	p := r.p
	if p.config.Generation == 2 || p.config.Cured.StaleParent {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := map[int]Product{}
	for _, line := range o.lines {
		if product := p.bySKU(line.SKU); product != nil {
			before[product.id] = *p.owner(product)
		}
	}
	return before
}

// fireOrder reports an order's products.
func (r *php) fireOrder(context string, o *order, before map[int]Product) {
	var list []*Product
	for _, line := range o.lines {
		if product := r.p.find(line.SKU); product != nil {
			list = append(list, product)
		}
	}
	h := hook{context: context, orderID: o.id}
	if len(before) == 0 {
		r.fire(h, list...)
		return
	}
	p := r.p
	p.mu.Lock()
	items := []any{}
	for _, product := range list {
		if !p.synced(product) {
			continue
		}
		item := p.captured(product)
		if was := before[product.id]; was.id != product.id {
			item.set("stock_quantity", was.Quantity)
		} else if !p.config.Master {
			item.set("gid", was.GID)
		}
		items = append(items, item)
	}
	p.mu.Unlock()
	if len(items) > 0 {
		r.report(h, items)
	}
}

// find is bySKU under the lock.
func (p *Plugin) find(sku string) *Product {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bySKU(sku)
}

// rename changes a SKU. A master tells its children, a child nobody.
func (r *php) rename(product *Product, to string) {
	p := r.p
	p.mu.Lock()
	from := product.SKU
	product.SKU = to
	tell := p.config.Master && !r.applying && p.synced(product) && from != "" && from != to
	if tell {
		p.identify(product)
	}
	item := object{{"gid", product.GID}, {"sku", to}, {"old_sku", from}}
	p.mu.Unlock()
	if tell {
		e := p.newEvent("sku_rename", "master", "sku_rename", []any{item})
		p.stamp(e)
		r.fanOut(e, "")
	}
}
