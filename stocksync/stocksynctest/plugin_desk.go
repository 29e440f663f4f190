package stocksynctest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ReconcileOptions narrow a reconcile. Generation 1 knows only Batch.
type ReconcileOptions struct {
	Batch       int      // products in one event; default 200
	DryRun      bool     // count, send nothing
	Differences bool     // send only what differs, by a look at the child
	SKUs        []string // only these
}

// Reconcile starts a reconcile: the master's state for every child. The first batch is made at once, the others by the queue, 5 s
// apart. It returns how many products will be gone through.
func (p *Plugin) Reconcile(ctx context.Context, o ReconcileOptions) int {
	if o.Batch == 0 {
		o.Batch = 200
	}
	p.mu.Lock()
	var ids []int
	for _, product := range p.products {
		if p.synced(product) && (len(o.SKUs) == 0 || slices.Contains(o.SKUs, product.SKU)) {
			ids = append(ids, product.id)
		}
	}
	p.mu.Unlock()
	p.do(ctx, func(r *php) { r.reconcile(ids, o) })
	return len(ids)
}

func (r *php) reconcile(ids []int, o ReconcileOptions) {
	p := r.p
	batch := ids[:min(o.Batch, len(ids))]
	items := p.items(batch)
	origin := "master_local"
	if p.config.Generation == 1 {
		origin = "master_reconcile"
	}
	if !o.DryRun && !o.Differences {
		r.offer(origin, "reconcile", items, p.peers()...)
	} else {
		for _, child := range p.peers() {
			if differ := r.differing(child, items); !o.DryRun && !child.Disabled {
				r.offer(origin, "reconcile", differ, child)
			}
		}
	}
	if rest := ids[len(batch):]; len(rest) > 0 {
		p.mu.Lock()
		p.queue = append(p.queue, &Action{Hook: reconcile, Due: time.Now().Add(5 * time.Second), run: func(r *php) { r.reconcile(rest, o) }})
		p.mu.Unlock()
	}
}

// items are the authoritative items of products.
func (p *Plugin) items(ids []int) []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	for _, id := range ids {
		items = append(items, p.authoritative(p.products[id-1]))
	}
	return items
}

// offer queues an event of the master for children.
func (r *php) offer(origin, context string, items []any, children ...Pairing) {
	if len(items) == 0 {
		return
	}
	e := r.p.newEvent("stock_state", origin, context, items)
	r.p.stamp(e)
	for _, child := range children {
		if !child.Disabled {
			r.p.enqueue(pushToStore, child.ID, e, 0, 0)
		}
	}
}

// differing are the items that a child has otherwise, or not at all.
func (r *php) differing(child Pairing, items []any) []any {
	p := r.p
	skus := make([]string, len(items))
	for i, item := range items {
		skus[i] = phpString(item.(object).fields()["sku"])
	}
	found, ok := p.ask(r.ctx, child, "stock-state", skus, 10*time.Second)
	if !ok {
		return nil
	}
	differ := []any{}
	for i, item := range items {
		own, state := item.(object).fields(), found[skus[i]]
		same := state != nil && state["exists"] == true
		for _, key := range []string{"stock_quantity", "stock_status", "backorders", "manage_stock"} {
			same = same && phpJSON(own[key]) == phpJSON(state[key])
		}
		if !same {
			differ = append(differ, item)
		}
	}
	return differ
}

// SyncSKUs queues the state of some products for every child.
func (p *Plugin) SyncSKUs(ctx context.Context, skus ...string) {
	p.mu.Lock()
	var ids []int
	for _, sku := range skus {
		if product := p.bySKU(sku); product != nil && p.synced(product) {
			ids = append(ids, product.id)
		}
	}
	p.mu.Unlock()
	origin := "master_local"
	if p.config.Generation == 1 {
		origin = "master_manual"
	}
	p.do(ctx, func(r *php) { r.offer(origin, "manual_sku_sync", p.items(ids), p.peers()...) })
}

// Audit asks every child for products and returns, by child, the SKUs that it has otherwise. A SKU that is just "0" is passed over.
func (p *Plugin) Audit(ctx context.Context, skus ...string) map[string][]string {
	skus = slices.DeleteFunc(slices.Clone(skus), func(sku string) bool { return sku == "0" })
	found := map[string][]string{}
	p.do(ctx, func(r *php) {
		items := []any{}
		p.mu.Lock()
		for _, sku := range skus {
			if product := p.bySKU(sku); product != nil {
				items = append(items, p.item(product))
			}
		}
		p.mu.Unlock()
		for _, child := range p.peers() {
			for _, item := range r.differing(child, items) {
				found[child.ID] = append(found[child.ID], phpString(item.(object).fields()["sku"]))
			}
		}
	})
	return found
}

// states are what a peer says of SKUs.
type states map[string]map[string]any

// ask looks SKUs up at a peer.
func (p *Plugin) ask(ctx context.Context, peer Pairing, endpoint string, skus []string, timeout time.Duration) (states, bool) {
	items := []any{}
	for _, sku := range skus {
		var value any = sku
		if n, err := strconv.ParseInt(sku, 10, 64); err == nil && strconv.FormatInt(n, 10) == sku {
			if endpoint == "stock" && !p.config.Cured.JSONShapes {
				value = n // it was the key of an array
			}
		}
		items = append(items, object{{"sku", value}})
	}
	status, answer, err := p.post(ctx, peer, endpoint, []byte(phpJSON(object{{"items", items}})), p.patience(timeout))
	if err != nil || status != http.StatusOK {
		return nil, false
	}
	v, err := parseJSON(answer)
	fields, ok := v.(map[string]any)
	if err != nil || !ok || fields["items"] == nil {
		return nil, false
	}
	found := states{}
	switch list := fields["items"].(type) {
	case map[string]any:
		for sku, state := range list {
			found[sku], _ = state.(map[string]any)
		}
	case []any:
		for i, state := range list {
			found[strconv.Itoa(i)], _ = state.(map[string]any)
		}
	}
	return found, true
}

// snapshot is the last answer to a checkout query.
type snapshot struct {
	at    time.Time
	state map[string]any
}

// Checkout buys a cart at a child through the classic checkout, which asks the master first. It says in refusal why the shopper may
// not buy, in the plugin's words; the order is 0 then.
func (p *Plugin) Checkout(ctx context.Context, cart ...Line) (orderID int, refusal string) {
	if refusal = p.strict(ctx, cart); refusal != "" {
		return 0, refusal
	}
	orderID, err := p.Order(ctx, "processing", cart...)
	if err != nil {
		return 0, err.Error()
	}
	return orderID, ""
}

func (p *Plugin) strict(ctx context.Context, cart []Line) string {
	masters := p.peers()
	var skus []string
	p.mu.Lock()
	for _, line := range cart {
		if product := p.bySKU(line.SKU); product != nil && p.synced(product) {
			skus = append(skus, product.SKU)
		}
	}
	p.mu.Unlock()
	if p.config.Master || len(masters) == 0 || len(skus) == 0 {
		return ""
	}
	found, ok := p.ask(ctx, masters[0], "stock", skus, 15*time.Second)
	switch {
	case ok:
		p.mu.Lock()
		for sku, state := range found {
			p.snapshots[sku] = snapshot{time.Now(), state}
		}
		p.mu.Unlock()
	case p.config.Generation == 2 && p.config.Checkout == "fail_closed":
		return "Stock could not be verified right now. Please try again shortly."
	case p.config.Generation == 2 && p.config.Checkout == "stale_cache":
		p.mu.Lock()
		found = states{}
		for sku, s := range p.snapshots {
			if time.Since(s.at) <= 30*time.Minute {
				found[sku] = s.state
			}
		}
		p.mu.Unlock()
	default:
		return ""
	}
	for _, line := range cart {
		state := found[strings.TrimSpace(line.SKU)]
		if state == nil || state["exists"] != true || state["backorders"] != "no" {
			continue
		}
		if state["stock_status"] != "instock" {
			return "\"" + line.SKU + "\" is out of stock."
		}
		if available := phpInt(state["stock_quantity"]); line.Quantity > available {
			return "Insufficient stock for \"" + line.SKU + "\". Available: " + strconv.FormatInt(available, 10) + "."
		}
	}
	return ""
}
