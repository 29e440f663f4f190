package woo

// Every id has a kind of its own, so that a product's cannot be passed where a variation's is meant. A number alone does not tell its kind:
// orders, products, variations and refunds are numbered from one sequence.

// OrderID is the id of an order.
type OrderID int64

// ProductID is the id of a product, never a variation's.
type ProductID int64

// VariationID is the id of a variation of a product.
type VariationID int64

// CustomerID is the id of a shop account; on an order 0 means a guest.
type CustomerID int64

// RefundID is the id of a refund.
type RefundID int64

// NoteID is the id of a note on an order.
type NoteID int64

// LineID is the id of a line of an order or refund: item, tax, shipping, fee or coupon.
type LineID int64

// MetaID is the id of an entry of meta_data.
type MetaID int64

// TaxRateID is the id of a tax rate.
type TaxRateID int64

// CategoryID is the id of a product category.
type CategoryID int64

// TagID is the id of a product tag.
type TagID int64

// BrandID is the id of a brand.
type BrandID int64

// AttributeID is the id of a shop-wide attribute; 0 means one of the product's own.
type AttributeID int64

// AttributeTermID is the id of a value of a shop-wide attribute.
type AttributeTermID int64

// ShippingClassID is the id of a shipping class.
type ShippingClassID int64

// OrderStatus is an order's status without the prefix "wc-" that WordPress keeps it under. Plugins add their own; they are
// read, filtered and written like the rest.
type OrderStatus string

// The statuses every shop has.
const (
	OrderPending    OrderStatus = "pending"
	OrderProcessing OrderStatus = "processing"
	OrderOnHold     OrderStatus = "on-hold"
	OrderCompleted  OrderStatus = "completed"
	OrderCancelled  OrderStatus = "cancelled"
	OrderRefunded   OrderStatus = "refunded"
	OrderFailed     OrderStatus = "failed"

	OrderTrash         OrderStatus = "trash"          // in the bin; listed only when asked for by itself
	OrderCheckoutDraft OrderStatus = "checkout-draft" // a cart of the block checkout, not yet an order
	OrderAutoDraft     OrderStatus = "auto-draft"     // hidden from every list

	OrderAny OrderStatus = "any" // in queries only: all but trash and drafts (older shops include checkout-draft)
)

// ProductStatus says who sees a product.
type ProductStatus string

// The statuses of products and variations.
const (
	ProductPublish ProductStatus = "publish"
	ProductDraft   ProductStatus = "draft"
	ProductPending ProductStatus = "pending"
	ProductPrivate ProductStatus = "private"
	ProductFuture  ProductStatus = "future"
	ProductTrash   ProductStatus = "trash"
	ProductAny     ProductStatus = "any" // in queries only
)

// ProductType is a product's class. Plugins add their own.
type ProductType string

// The types WooCommerce brings along.
const (
	SimpleProduct    ProductType = "simple"
	GroupedProduct   ProductType = "grouped"
	ExternalProduct  ProductType = "external"
	VariableProduct  ProductType = "variable"
	VariationProduct ProductType = "variation" // a variation that a product list returned: write it through Client.Variations
)

// CatalogVisibility says where a product is shown.
type CatalogVisibility string

// The values of CatalogVisibility.
const (
	Visible       CatalogVisibility = "visible"
	CatalogOnly   CatalogVisibility = "catalog"
	SearchOnly    CatalogVisibility = "search"
	HiddenProduct CatalogVisibility = "hidden"
)

// StockStatus is what the shop window says. While stock is managed the shop derives it from the quantity. Plugins may add values.
type StockStatus string

// The values of StockStatus.
const (
	InStock     StockStatus = "instock"
	OutOfStock  StockStatus = "outofstock"
	OnBackorder StockStatus = "onbackorder"
)

// Backorders says whether more may be sold than there is.
type Backorders string

// The values of Backorders.
const (
	BackordersNo     Backorders = "no"
	BackordersNotify Backorders = "notify"
	BackordersYes    Backorders = "yes"
)

// TaxStatus says what of a product, a fee or a shipping line is taxed.
type TaxStatus string

// The values of TaxStatus.
const (
	Taxable      TaxStatus = "taxable"
	ShippingOnly TaxStatus = "shipping"
	NotTaxed     TaxStatus = "none"
)
