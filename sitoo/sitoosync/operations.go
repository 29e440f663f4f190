package sitoosync

import "context"

// Operation names what a full sync can do, by the rows F1 to F18.
type Operation string

// The operations, in the order in which they make sense.
const (
	OpMatchAll        Operation = "match-all"         // F1
	OpMatchCategories Operation = "match-categories"  // F2
	OpMatchProducts   Operation = "match-products"    // F3
	OpMatchVouchers   Operation = "match-vouchers"    // F4
	ManufacturersDown Operation = "manufacturers"     // F5
	CategoriesDown    Operation = "categories-down"   // F6
	CategoriesUp      Operation = "categories-up"     // F7
	CategoriesResync  Operation = "categories-resync" // F8
	ProductsDown      Operation = "products-down"     // F9
	ProductsUp        Operation = "products-up"       // F10
	ResyncParents     Operation = "resync-parents"    // F11
	ResyncVariations  Operation = "resync-variations" // F12
	ResyncImages      Operation = "resync-images"     // F13
	StockDown         Operation = "stock-down"        // F14
	StockUp           Operation = "stock-up"          // F15
	OrdersDown        Operation = "orders-down"       // F16: all, from the first
	Store2DoorDown    Operation = "s2d-down"          // F17
	ClickAndCollectUp Operation = "cac-up"            // F18
	VouchersUp        Operation = "vouchers-up"       // M2
	FixSKU            Operation = "fix-sku"           // X3
	FixImages         Operation = "fix-images"        // X4
)

// operation is one thing that a full sync can do. Autosync's jobs run the same functions, with pass.full false.
type operation struct {
	name Operation
	// about says it for people: "the till's stock into the shop".
	about string
	// estimate is how many requests of the till the operation makes at most, as both sides are now; what estimate itself asks the till
	// is among them. It should cost little: a list's total comes with a page of one record.
	estimate func(s *Sync, ctx context.Context) (int, error)
	run      func(s *Sync, ctx context.Context, p *pass) error
	// after are the matchings without which the work would make things twice (E4).
	after []Operation
}

// operations is the table. One line each.
func operations() []operation {
	op := func(
		name Operation, about string, estimate func(*Sync, context.Context) (int, error), run func(*Sync, context.Context, *pass) error,
		after ...Operation,
	) operation {
		return operation{name, about, estimate, run, after}
	}
	const products, categories, vouchers = OpMatchProducts, OpMatchCategories, OpMatchVouchers
	return []operation{
		op(OpMatchAll, "what both sides have", (*Sync).matchAllCost, (*Sync).matchAll),
		op(OpMatchCategories, "categories that both sides have", (*Sync).matchCategoriesCost, (*Sync).matchCategories),
		op(OpMatchProducts, "products that both sides have", (*Sync).matchProductsCost, (*Sync).matchProducts),
		op(OpMatchVouchers, "vouchers that both sides have", (*Sync).matchVouchersCost, (*Sync).matchVouchers),
		op(ManufacturersDown, "the till's manufacturers into the shop", (*Sync).manufacturersDownCost, (*Sync).manufacturersDown),
		op(CategoriesDown, "the till's categories into the shop", (*Sync).categoriesDownCost, (*Sync).categoriesDown, categories),
		op(CategoriesUp, "the shop's categories into the till", (*Sync).categoriesUpCost, (*Sync).categoriesUp, categories),
		op(CategoriesResync, "linked categories into the till", (*Sync).categoriesResyncCost, (*Sync).categoriesResync, categories),
		op(ProductsDown, "the till's products into the shop", (*Sync).productsDownCost, (*Sync).productsDown, products, categories),
		op(ProductsUp, "the shop's products into the till", (*Sync).productsUpCost, (*Sync).productsUp, products, categories),
		op(ResyncParents, "linked products and families into the till", (*Sync).resyncCost, (*Sync).resyncParents, products),
		op(ResyncVariations, "linked variations into the till", (*Sync).resyncCost, (*Sync).resyncVariations, products),
		op(ResyncImages, "pictures of linked products into the till", (*Sync).resyncImagesCost, (*Sync).resyncImages, products),
		op(StockDown, "the till's stock into the shop", (*Sync).stockDownCost, (*Sync).stockDown, products),
		op(StockUp, "the shop's stock into the till", (*Sync).stockUpCost, (*Sync).stockUp, products),
		op(OrdersDown, "all of the till's orders into the shop", (*Sync).ordersDownCost, (*Sync).ordersDown),
		op(Store2DoorDown, "the till's orders to be sent into the shop", (*Sync).ordersDownCost, (*Sync).store2DoorDown),
		op(ClickAndCollectUp, "orders of click and collect into the till", (*Sync).clickAndCollectUpCost, (*Sync).clickAndCollectUp),
		op(VouchersUp, "the shop's coupons into the till", (*Sync).vouchersUpCost, (*Sync).vouchersUp, vouchers),
		op(FixSKU, "SKUs that the till refuses", (*Sync).fixSKUCost, (*Sync).fixSKU),
		op(FixImages, "names of pictures that the till refuses", (*Sync).fixImagesCost, (*Sync).fixImages),
	}
}

// operationOf finds an operation by its name.
func operationOf(name Operation) (operation, bool) {
	for _, o := range operations() {
		if o.name == name {
			return o, true
		}
	}
	return operation{}, false
}
