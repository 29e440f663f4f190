package stocksynctest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is the envelope on the wire.
type event map[string]any

// order of the keys on the wire; others follow by name.
var envelope = []string{"event_type", "origin", "time", "context", "items", "props", "order_id", "meta_key", "event_id",
	"origin_store_id", "created_at", "delivery_attempt", "schema_version"}

func (e event) json() string {
	var o object
	for _, key := range envelope {
		if value, ok := e[key]; ok {
			o = append(o, field{key, value})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e)) {
		if !slices.Contains(envelope, key) {
			o = append(o, field{key, e[key]})
		}
	}
	return phpJSON(o)
}

func (o object) set(key string, value any) {
	for i := range o {
		if o[i].key == key {
			o[i].value = value
		}
	}
}

func (p *Plugin) newEvent(kind, origin, context string, items []any) event {
	return event{"event_type": kind, "origin": origin, "time": p.now().Unix(), "context": context, "items": items}
}

// stamp gives an event what it lacks: its id, and in generation 2 the rest of the envelope.
func (p *Plugin) stamp(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, _ := e["event_id"].(string)
	switch {
	case p.config.Generation == 1 && id == "":
		e["event_id"] = keyed(p.config.ID + e.json())
	case p.config.Generation == 2:
		if id == "" {
			e["event_id"] = p.nextID()
		}
		for key, value := range map[string]any{
			"origin_store_id": p.config.ID, "created_at": p.now().Unix(), "delivery_attempt": 1, "schema_version": 2,
		} {
			if _, ok := e[key]; !ok {
				e[key] = value
			}
		}
	}
}

func keyed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// known says whether an event was seen, and marks it as seen: before its work, so that work that dies is never done.
func (p *Plugin) known(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.seen[id])
}

func (p *Plugin) mark(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := 2 * time.Hour
	if p.config.Generation == 2 {
		keep = 24 * time.Hour
	}
	p.seen[id] = time.Now().Add(keep)
}

// ingest works on an event: of a peer, or of this master itself (from is empty then).
func (r *php) ingest(e event, from string) (untouched int) {
	p := r.p
	kind, _ := e["event_type"].(string)
	items, _ := entries(e["items"])
	switch {
	case !p.config.Master && kind != "stock_state" && kind != "sku_rename":
		return len(items)
	case p.config.Master && from != "" && kind == "sku_rename" && p.config.Cured.ChildRename,
		p.config.Master && kind != "stock_state" && kind != "sku_rename" && p.config.Cured.UnknownTypes:
		return len(items)
	case len(items) == 0:
		return 0
	}
	r.applying = true
	for _, item := range items {
		wait(r.ctx, p.config.ItemTime)
		fields, ok := item.(map[string]any)
		if own, is := item.(object); is {
			fields, ok = own.fields(), true
		}
		if !ok {
			continue // junk between the items
		}
		if kind == "sku_rename" {
			ok = r.applyRename(fields)
		} else {
			ok = r.apply(fields)
		}
		if !ok {
			untouched++
		}
	}
	r.applying = false
	if !p.config.Master {
		return untouched
	}
	out := maps.Clone(e)
	if kind == "stock_state" {
		out["items"], out["origin"] = r.rebuilt(items), "master_authoritative"
	}
	r.fanOut(out, from)
	return untouched
}

func (o object) fields() map[string]any {
	m := map[string]any{}
	for _, f := range o {
		m[f.key] = f.value
	}
	return m
}

// rebuilt are the items of an event as the master has them now: only what it has, perhaps nothing.
func (r *php) rebuilt(items []any) []any {
	p := r.p
	p.mu.Lock()
	defer p.mu.Unlock()
	list := []any{}
	for _, item := range items {
		fields, ok := item.(map[string]any)
		if own, is := item.(object); is {
			fields, ok = own.fields(), true
		}
		if !ok {
			continue
		}
		product := p.match(phpString(fields["gid"]), "", phpString(fields["sku"]))
		if product != nil && product.Kind != External && product.Kind != Grouped {
			list = append(list, p.authoritative(product))
		}
	}
	return list
}

// apply writes an item into the store.
func (r *php) apply(item map[string]any) bool {
	p := r.p
	gid := strings.TrimSpace(phpString(item["gid"]))
	p.mu.Lock()
	product := p.match(gid, "", phpString(item["sku"]))
	if product == nil || slices.Contains(p.config.Excluded, product.SKU) {
		p.mu.Unlock()
		return false
	}
	version, versioned := item["version"]
	number := phpInt(version)
	fenced := p.config.Generation == 2 && versioned && !p.config.Cured.Fence
	if fenced && number < 1 && p.config.Cured.FenceReset {
		versioned, fenced = false, false
	}
	if fenced && number >= 1 && product.HasApplied && number <= product.Applied {
		p.mu.Unlock()
		return false
	}
	if gid != "" && (product.GID == "" || !p.config.Cured.GIDOverwrite) {
		product.GID = gid
	}
	if p.identify(product) && !p.config.Cured.FirstContact {
		r.applying = false // saving the GID switches it off, and nobody switches it on again
	}
	if product.Kind == External || product.Kind == Grouped {
		p.mu.Unlock()
		return false
	}
	p.mu.Unlock()

	r.save(product, func(to *Product) { r.p.take(to, item) })

	if p.config.Generation == 2 && versioned {
		p.mu.Lock()
		product.Applied, product.HasApplied = number, true
		p.mu.Unlock()
	}
	return true
}

// take puts an item's values into a product.
func (p *Plugin) take(to *Product, item map[string]any) {
	manage, said := item["manage_stock"]
	to.Manage = true
	if p.config.Generation == 2 || p.config.Cured.ForcedManage {
		switch {
		case said && manage == "parent":
			to.Manage = false // also of a simple product, which has no parent
		case said:
			to.Manage = phpBool(manage)
		}
	}
	if backorders, ok := item["backorders"]; ok && backorders != nil {
		text := phpString(backorders)
		if p.config.Generation == 1 || text == "no" || text == "notify" || text == "yes" {
			to.Backorders = text
		}
	}
	if low, ok := item["low_stock_amount"]; ok && low != nil {
		number := phpInt(low)
		to.LowStock = &number
	}
	if quantity, ok := item["stock_quantity"]; ok && to.Manage {
		to.Quantity, to.NoQuantity = phpInt(quantity), false
	}
	switch status := phpString(item["stock_status"]); status {
	case "instock", "outofstock", "onbackorder":
		to.Status = status
	}
}

// applyRename gives a product another SKU, unless a product has it.
func (r *php) applyRename(item map[string]any) bool {
	p := r.p
	p.mu.Lock()
	defer p.mu.Unlock()
	gid, sku := strings.TrimSpace(phpString(item["gid"])), strings.TrimSpace(phpString(item["sku"]))
	product := p.match(gid, phpString(item["old_sku"]), sku)
	if product == nil || sku == "" {
		return false
	}
	if other := p.bySKU(sku); other != nil && other != product {
		return false // "Invalid or duplicated SKU.", says the log
	}
	product.SKU = sku
	if gid != "" {
		product.GID = gid
	}
	return true
}

// fanOut passes an event on to the children: at once in generation 1, by the queue in 2.
func (r *php) fanOut(e event, from string) {
	p := r.p
	for _, child := range p.peers() {
		if child.Disabled || child.ID == from && (p.config.Generation == 2 || p.config.Cured.Echo) {
			continue
		}
		if p.config.Generation == 1 {
			r.send(child, e, 0)
		} else {
			p.enqueue(pushToStore, child.ID, e, 0, 0)
		}
	}
}

// peers are the pairs as they are now.
func (p *Plugin) peers() []Pairing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.options.pairs)
}
