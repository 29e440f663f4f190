package stocksynctest

import (
	"context"
	"slices"
	"strings"
	"time"
)

// php is one request to the store, or one run of an action: what lives in PHP's memory until its end.
type php struct {
	p   *Plugin
	ctx context.Context
	// applying: the plugin writes what a peer sent, its hooks keep still.
	applying bool
	// What generation 2 gathers and reports once, at the end.
	changed  []int // ids of products
	contexts []string
}

// do runs one request.
func (p *Plugin) do(ctx context.Context, work func(*php)) {
	r := &php{p: p, ctx: ctx}
	work(r)
	r.shutdown()
}

// hook is a moment at which the plugin looks at a product.
type hook struct {
	context string
	metaKey string   // of meta_update
	props   []string // of props_update
	orderID int      // of order_processing and order_restore
}

// fire tells the plugin that something happened to products.
func (r *php) fire(h hook, products ...*Product) {
	p := r.p
	if r.applying {
		return
	}
	p.mu.Lock()
	items := []any{}
	for _, product := range products {
		if !p.synced(product) || p.debounced(h, product) {
			continue
		}
		if p.config.Generation == 2 {
			if !slices.Contains(r.changed, product.id) {
				r.changed = append(r.changed, product.id)
			}
			if !slices.Contains(r.contexts, h.context) {
				r.contexts = append(r.contexts, h.context)
			}
			continue
		}
		items = append(items, p.captured(product))
	}
	p.mu.Unlock()
	if len(items) > 0 {
		r.report(h, items)
	}
}

// captured is a product as a report of a local change has it. Called under the lock.
func (p *Plugin) captured(product *Product) object {
	p.identify(product)
	return p.item(product)
}

// debounced says whether this hook spoke of this product just now: the first is reported, the second is lost. The 2 s are counted in
// whole seconds, so that it is quiet for 2 to 3 s. Called under the lock.
func (p *Plugin) debounced(h hook, product *Product) bool {
	switch h.context {
	case "stock_set", "stock_status":
	case "meta_update", "props_update":
		if p.config.Generation == 2 {
			return false
		}
	default:
		return false
	}
	key, now := h.context+h.metaKey+" "+product.SKU, p.now().Truncate(time.Second)
	if !p.config.Cured.Debounce && now.Before(p.quiet[key]) {
		return true
	}
	p.quiet[key] = now.Add(3 * time.Second)
	return false
}

// shutdown reports what generation 2 has gathered.
func (r *php) shutdown() {
	if len(r.changed) == 0 {
		return
	}
	p := r.p
	p.mu.Lock()
	items := []any{}
	for _, id := range r.changed {
		items = append(items, p.captured(p.products[id-1]))
	}
	p.mu.Unlock()
	h := hook{context: strings.Join(r.contexts, "+")}
	r.changed, r.contexts = nil, nil
	r.report(h, items)
}

// report makes an event of a local change. A child sends it to its master; a master takes it in as if it came from a peer.
func (r *php) report(h hook, items []any) {
	p := r.p
	origin := "child_local"
	if p.config.Master {
		origin = "master_local"
	}
	e := p.newEvent("stock_state", origin, h.context, items)
	if len(h.props) > 0 {
		e["props"] = anys(h.props)
	}
	if h.metaKey != "" {
		e["meta_key"] = h.metaKey
	}
	if h.orderID != 0 {
		e["order_id"] = int64(h.orderID)
	}
	p.stamp(e)
	if p.config.Master {
		r.ingest(e, "")
		return
	}
	for _, master := range p.peers() {
		if p.config.Generation == 1 {
			r.send(master, e, 0)
		} else {
			p.enqueue(sendToMaster, master.ID, e, 0, 0)
		}
	}
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// prop is a property of a product's stock, and the meta it is kept in.
type prop struct {
	name, meta string
	differs    func(a, b *Product) bool
	write      func(to, from *Product)
}

// props are in the order in which the data store writes them and fires hooks between.
var props = []prop{
	{
		"manage_stock", "_manage_stock",
		func(a, b *Product) bool { return a.Manage != b.Manage },
		func(to, from *Product) { to.Manage = from.Manage },
	},
	{
		"backorders", "_backorders",
		func(a, b *Product) bool { return a.Backorders != b.Backorders },
		func(to, from *Product) { to.Backorders = from.Backorders },
	},
	{
		"low_stock_amount", "_low_stock_amount",
		func(a, b *Product) bool {
			return (a.LowStock == nil) != (b.LowStock == nil) || a.LowStock != nil && *a.LowStock != *b.LowStock
		},
		func(to, from *Product) { to.LowStock = from.LowStock },
	},
	{
		"stock_quantity", "_stock",
		func(a, b *Product) bool { return a.Quantity != b.Quantity || a.NoQuantity != b.NoQuantity },
		func(to, from *Product) { to.Quantity, to.NoQuantity = from.Quantity, from.NoQuantity },
	},
	{
		"stock_status", "_stock_status",
		func(a, b *Product) bool { return a.Status != b.Status },
		func(to, from *Product) { to.Status = from.Status },
	},
}

// reported is the order in which the plugin lists what changed.
var reported = []string{"stock_quantity", "stock_status", "manage_stock", "backorders", "low_stock_amount"}

// save changes a product as a form or the REST API does: meta by meta, with a hook after each that may take seconds and in which
// a peer may change the product. What is written is what differed when the product was loaded.
func (r *php) save(product *Product, change func(*Product)) {
	p := r.p
	p.mu.Lock()
	loaded := *product
	wanted := loaded
	change(&wanted)
	if wanted.Manage {
		wanted.NoQuantity = false
	}
	p.validate(&wanted)
	p.mu.Unlock()

	var updated []string
	for _, prop := range props {
		if !prop.differs(&loaded, &wanted) {
			continue
		}
		p.mu.Lock()
		same := !prop.differs(product, &wanted)
		hadLow := product.LowStock != nil
		if !same {
			prop.write(product, &wanted)
		}
		p.mu.Unlock()
		if same {
			continue // somebody was faster: the database sees no update
		}
		updated = append(updated, prop.name)
		if prop.name != "low_stock_amount" || hadLow && wanted.LowStock != nil { // an added or deleted meta is no updated one
			r.fire(hook{context: "meta_update", metaKey: prop.meta}, product)
		}
	}
	r.updated(product, updated)
}

// updated fires what comes after the writes.
func (r *php) updated(product *Product, names []string) {
	if slices.Contains(names, "stock_quantity") {
		r.fire(hook{context: "stock_set"}, product)
	}
	if slices.Contains(names, "stock_status") {
		r.fire(hook{context: "stock_status"}, product)
	}
	var list []string
	for _, name := range reported {
		if slices.Contains(names, name) {
			list = append(list, name)
		}
	}
	if len(list) > 0 {
		r.fire(hook{context: "props_update", props: list}, product)
	}
}

// direct changes a quantity as an order does: in the database at once, then the status by a save, then one hook.
func (r *php) direct(product *Product, change func(quantity int64) int64) {
	p := r.p
	p.mu.Lock()
	owner := p.owner(product)
	managed := owner.Manage
	if managed {
		owner.Quantity = change(owner.Quantity)
	}
	p.mu.Unlock()
	if !managed {
		return
	}
	r.save(owner, func(*Product) {})
	r.fire(hook{context: "stock_set"}, owner)
}
