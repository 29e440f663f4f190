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
	// estimate is how many requests of the till the operation makes at most, as both sides are now; what estimate itself asks the till is among
	// them. It should cost little: a list's total comes with a page of one record.
	estimate func(s *Sync, ctx context.Context) (int, error)
	run      func(s *Sync, ctx context.Context, p *pass) error
	// after are the matchings without which the work would make things twice (E4).
	after []Operation
}

// operations is the table. One line each.
func operations() []operation {
	return []operation{
		{name: OpMatchAll, about: "what both sides have", estimate: (*Sync).matchAllCost, run: (*Sync).matchAll},
		{name: OpMatchCategories, about: "categories that both sides have", estimate: (*Sync).matchCategoriesCost, run: (*Sync).matchCategories},
		{name: OpMatchProducts, about: "products that both sides have", estimate: (*Sync).matchProductsCost, run: (*Sync).matchProducts},
		{name: OpMatchVouchers, about: "vouchers that both sides have", estimate: (*Sync).matchVouchersCost, run: (*Sync).matchVouchers},
		{name: ManufacturersDown, about: "the till's manufacturers into the shop", estimate: (*Sync).manufacturersDownCost, run: (*Sync).manufacturersDown},
		{
			name: CategoriesDown, about: "the till's categories into the shop", estimate: (*Sync).categoriesDownCost, run: (*Sync).categoriesDown,
			after: []Operation{OpMatchCategories},
		},
		{
			name: CategoriesUp, about: "the shop's categories into the till", estimate: (*Sync).categoriesUpCost, run: (*Sync).categoriesUp,
			after: []Operation{OpMatchCategories},
		},
		{
			name: CategoriesResync, about: "linked categories into the till", estimate: (*Sync).categoriesResyncCost, run: (*Sync).categoriesResync,
			after: []Operation{OpMatchCategories},
		},
		{
			name: ProductsDown, about: "the till's products into the shop", estimate: (*Sync).productsDownCost, run: (*Sync).productsDown,
			after: []Operation{OpMatchProducts, OpMatchCategories},
		},
		{
			name: ProductsUp, about: "the shop's products into the till", estimate: (*Sync).productsUpCost, run: (*Sync).productsUp,
			after: []Operation{OpMatchProducts, OpMatchCategories},
		},
		{
			name: ResyncParents, about: "linked products and families into the till", estimate: (*Sync).resyncCost, run: (*Sync).resyncParents,
			after: []Operation{OpMatchProducts},
		},
		{
			name: ResyncVariations, about: "linked variations into the till", estimate: (*Sync).resyncCost, run: (*Sync).resyncVariations,
			after: []Operation{OpMatchProducts},
		},
		{
			name: ResyncImages, about: "pictures of linked products into the till", estimate: (*Sync).resyncImagesCost, run: (*Sync).resyncImages,
			after: []Operation{OpMatchProducts},
		},
		{name: StockDown, about: "the till's stock into the shop", estimate: (*Sync).stockDownCost, run: (*Sync).stockDown, after: []Operation{OpMatchProducts}},
		{name: StockUp, about: "the shop's stock into the till", estimate: (*Sync).stockUpCost, run: (*Sync).stockUp, after: []Operation{OpMatchProducts}},
		{name: OrdersDown, about: "all of the till's orders into the shop", estimate: (*Sync).ordersDownCost, run: (*Sync).ordersDown},
		{name: Store2DoorDown, about: "the till's orders to be sent into the shop", estimate: (*Sync).ordersDownCost, run: (*Sync).store2DoorDown},
		{name: ClickAndCollectUp, about: "orders of click and collect into the till", estimate: (*Sync).clickAndCollectUpCost, run: (*Sync).clickAndCollectUp},
		{
			name: VouchersUp, about: "the shop's coupons into the till", estimate: (*Sync).vouchersUpCost, run: (*Sync).vouchersUp,
			after: []Operation{OpMatchVouchers},
		},
		{name: FixSKU, about: "SKUs that the till refuses", estimate: (*Sync).fixSKUCost, run: (*Sync).fixSKU},
		{name: FixImages, about: "names of pictures that the till refuses", estimate: (*Sync).fixImagesCost, run: (*Sync).fixImages},
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
