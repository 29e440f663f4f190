package stocksynctest

import (
	"slices"
	"strings"
	"time"
)

// The kinds of products that matter here.
const (
	Simple    = "simple"
	Variable  = "variable"
	Variation = "variation"
	External  = "external"
	Grouped   = "grouped"
)

// Product is a product as the database of a store has it.
type Product struct {
	SKU        string
	Kind       string // default Simple
	Parent     string // of a variation: the SKU of its product
	Manage     bool   // the product's own setting: a variation without it inherits what its parent manages
	Quantity   int64  // of a managed product
	NoQuantity bool   // there is none: NULL in the database
	Status     string // default: what follows from the rest
	Backorders string // default "no"
	LowStock   *int64
	// What the plugin keeps in the product's meta.
	GID        string
	Counter    int64 // of a master: the last version given; 0 is none
	Applied    int64 // the last version applied
	HasApplied bool

	id int
}

// Managed is a simple product with its own stock.
func Managed(sku string, quantity int64) Product {
	return Product{SKU: sku, Manage: true, Quantity: quantity}
}

// Add puts products into the store's database, past every hook.
func (p *Plugin) Add(products ...Product) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, product := range products {
		if product.Kind == "" {
			product.Kind = Simple
		}
		if product.Backorders == "" {
			product.Backorders = "no"
		}
		if !product.Manage {
			product.NoQuantity, product.Quantity = true, 0
		}
		if product.Status == "" {
			product.Status = "instock"
			p.validate(&product)
		}
		product.id = len(p.products) + 1
		p.products = append(p.products, &product)
	}
}

// Product returns a product by its SKU, exactly as it is spelled.
func (p *Plugin) Product(sku string) (Product, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, product := range p.products {
		if product.SKU == sku {
			return *product, true
		}
	}
	return Product{}, false
}

// Quantity returns a product's quantity; 0 when there is none.
func (p *Plugin) Quantity(sku string) int64 {
	product, _ := p.Product(sku)
	return product.Quantity
}

// SQL changes a product in the database, past every hook.
func (p *Plugin) SQL(sku string, change func(*Product)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, product := range p.products {
		if product.SKU == sku {
			change(product)
		}
	}
}

// validate is what a save of WooCommerce does to a product's stock before it writes.
func (p *Plugin) validate(product *Product) {
	if !product.Manage {
		product.Quantity, product.NoQuantity, product.Backorders, product.LowStock = 0, true, "no", nil
		return
	}
	if p.config.Cured.DerivedStatus {
		return
	}
	switch {
	case product.Quantity > p.config.NoStockAmount:
		product.Status = "instock"
	case product.Backorders != "no":
		product.Status = "onbackorder"
	default:
		product.Status = "outofstock"
	}
}

// bySKU finds a product as the database does: the first that the collation takes for equal. Called under the lock.
func (p *Plugin) bySKU(sku string) *Product {
	sku = strings.TrimSpace(sku)
	if sku == "" {
		return nil
	}
	for _, product := range p.products {
		if product.SKU == sku || !p.config.Cured.CaseBlind && fold(product.SKU) == fold(sku) {
			return product
		}
	}
	return nil
}

// byGID finds a product by its GID. Called under the lock.
func (p *Plugin) byGID(gid string) *Product {
	cached := p.config.ObjectCache && !p.config.Cured.NegativeCache
	if gid == "" || cached && time.Now().Before(p.missed[gid]) {
		return nil
	}
	for _, product := range p.products {
		if product.GID == gid {
			return product
		}
	}
	if cached {
		p.missed[gid] = time.Now().Add(time.Hour)
	}
	return nil
}

// match finds the product of an item: by GID, by old SKU, by SKU.
func (p *Plugin) match(gid, oldSKU, sku string) *Product {
	if product := p.byGID(gid); product != nil {
		return product
	}
	if product := p.bySKU(oldSKU); product != nil {
		return product
	}
	return p.bySKU(sku)
}

// owner is the product that counts for this one: the parent of an inheriting variation.
func (p *Plugin) owner(product *Product) *Product {
	if product.Kind == Variation && !product.Manage {
		if parent := p.bySKU(product.Parent); parent != nil && parent.Manage {
			return parent
		}
	}
	return product
}

func (p *Plugin) synced(product *Product) bool {
	return product.Kind != External && product.Kind != Grouped && product.SKU != "" && !slices.Contains(p.config.Excluded, product.SKU)
}

// item is a product as an event has it. Called under the lock.
func (p *Plugin) item(product *Product) object {
	owner := p.owner(product)
	var manage any = product.Manage
	switch {
	case p.config.Generation == 1 && !p.config.Cured.ForcedManage:
		manage = true
	case owner != product:
		manage = "parent"
	}
	o := object{
		{"gid", product.GID}, {"sku", product.SKU}, {"manage_stock", manage}, {"stock_quantity", owner.Quantity},
		{"stock_status", product.Status}, {"backorders", owner.Backorders},
	}
	switch {
	case owner.LowStock != nil:
		o = append(o, field{"low_stock_amount", *owner.LowStock})
	case !p.config.Cured.ZeroLowStock:
		o = append(o, field{"low_stock_amount", 0})
	}
	if p.config.Generation == 2 && product.Counter > 0 && (p.config.Master || !p.config.Cured.ClonedVersion) {
		o = append(o, field{"version", product.Counter})
	}
	return o
}

// authoritative is item after the master has given it a GID and the next version. Called under the lock.
func (p *Plugin) authoritative(product *Product) object {
	p.identify(product)
	if p.config.Generation == 1 {
		return p.item(product)
	}
	product.Counter++
	return append(p.item(product), field{"updated_at", p.now().Unix()})
}

// identify gives a master's product its GID, and says whether it had none.
func (p *Plugin) identify(product *Product) (fresh bool) {
	if !p.config.Master || product.GID != "" {
		return false
	}
	product.GID = p.nextID()
	return true
}
