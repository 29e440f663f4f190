package stocksync

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// StoreID names a store for its peers: a UUID where the plugin made it, else any text. Compared byte by byte.
type StoreID string

// GID names a product for ever, whatever its SKU: the plugin keeps it in the product's meta [MetaGID].
type GID string

// SKU is a stock keeping unit as a store spells it.
type SKU string

// MetaGID is the product meta in which stores that run the plugin keep a product's GID; it is readable and writable over wc/v3.
const MetaGID = "_kitgenix_stock_sync_for_woocommerce_gid"

// Fold is what two SKUs have in common that a store's database takes for one: without spaces around, in lower case. Accents are
// left alone: which of them a database ignores depends on its collation.
func (s SKU) Fold() string { return strings.ToLower(strings.TrimSpace(string(s))) }

// Ref names a product. The GID decides where it is known; else OldSKU, when it is set; else SKU.
type Ref struct {
	GID    GID `json:",omitzero"`
	SKU    SKU `json:",omitzero"`
	OldSKU SKU `json:",omitzero"` // only in a rename: what the SKU was
}

// Status is a stock status as WooCommerce has it.
type Status string

// The statuses. A store derives the status of a product whose stock it manages from quantity, backorders and its own threshold.
const (
	InStock     Status = "instock"
	OutOfStock  Status = "outofstock"
	OnBackorder Status = "onbackorder"
)

// Backorders says whether a product may be sold below zero.
type Backorders string

// The settings of backorders.
const (
	BackordersNo     Backorders = "no"
	BackordersNotify Backorders = "notify"
	BackordersYes    Backorders = "yes"
)

// Manage says who counts a product's stock.
type Manage string

// The modes of stock management. The zero value is a sender that did not say.
const (
	Managed   Manage = "yes"
	Unmanaged Manage = "no"     // the store does not count: Quantity means nothing
	ByParent  Manage = "parent" // a variation whose parent counts: Quantity is the parent's
)

// Stock is the state of a product's stock. What a sender did not say is the zero value, and a receiver leaves it alone.
type Stock struct {
	Quantity   decimal.Decimal // negative where backorders allow it
	Status     Status          `json:",omitzero"`
	Backorders Backorders      `json:",omitzero"`
	Manage     Manage          `json:",omitzero"`
	LowStock   *int            `json:",omitzero"` // the product's own threshold; nil where the store's default holds
}

// Item is a product and its stock at a version.
type Item struct {
	Ref
	Stock
	Version int64 `json:",omitzero"` // of the authority: rises with each change of a GID; 0 when the sender has none
	// Was is, in a report, what the sender was known to hold until now: the change is Quantity-Was exactly, whatever is in flight. A
	// peer that compares before it writes knows it; nil: not known, then what the peer held at Report.At decides.
	Was *decimal.Decimal `json:",omitempty"`
}

// Movement is one line of an order at a store, or what took it back.
type Movement struct {
	Ref
	Source string          // unique at the store: "order:1042/line:7/sold"; the same again counts once
	Delta  decimal.Decimal // negative for a sale
	At     time.Time       // when the store moved the stock
	Note   string          `json:",omitzero"`
}

// Outcome says what became of an item at a peer.
type Outcome string

// The outcomes.
const (
	Accepted  Outcome = "accepted"  // the peer said yes, which is no proof: a plugin answers yes to everything
	Confirmed Outcome = "confirmed" // the peer was seen to have it
	Refused   Outcome = "refused"   // the peer will never take this item as it is; Err is a *Conflict where the reason is known
	Failed    Outcome = "failed"    // not now; Err says why
)

// Applied is what became of one item.
type Applied struct {
	Outcome Outcome
	Err     error
}

// Kind says what a report tells.
type Kind string

// The kinds of reports. A receiver refuses others.
const (
	StockState Kind = "stock_state"
	SKURename  Kind = "sku_rename" // of each item GID, SKU and OldSKU (which may be empty) count
)

// Report is what a store tells another: the stock of products at a moment.
type Report struct {
	EventID string        // the same again is the same event: it is worked on once
	Kind    Kind          // zero is StockState
	From    StoreID       // who signed it
	At      time.Time     // when From saw this state, put right by what is known of its clock
	Doubt   time.Duration // how wrong At may be, either way
	Context string        // the sender's word for the cause: "order_processing", several joined by "+"; [Observed]: none is known
	Items   []Item
	// Movements are what orders moved. They count where the master's capture of the sender is the [OrderLedger], and then the quantities
	// of Items only tell what the sender holds.
	Movements []Movement `json:",omitempty"`
}

// Observed is the context of a report that says what was seen, by reading, and not that anything has changed just now.
const Observed = "observed"

// Self names the host itself.
type Self struct {
	StoreID StoreID
	Name    string // for people
}

// Role is what a node is to its peers.
type Role string

// The roles, as a ping tells them.
const (
	RoleMaster Role = "master"
	RoleChild  Role = "child"
)

// Reason says why a product cannot be kept equal with a peer.
type Reason string

// The reasons.
const (
	MissingProduct   Reason = "missing_product"          // the peer has no such product
	Excluded         Reason = "excluded"                 // on the list of exclusions
	UnsupportedType  Reason = "unsupported_type"         // a kind of product or stock management that the peer cannot hold
	FenceFrozen      Reason = "fence_frozen"             // the peer takes our versions for old ones
	DuplicateSKU     Reason = "duplicate_sku"            // two products have the SKU: no first match wins
	SKUTaken         Reason = "sku_taken"                // a rename leads to a SKU that another product has
	StatusDerived    Reason = "status_derived"           // the peer computes another status from the same quantity
	ThresholdDiffers Reason = "threshold_option_differs" // because its no-stock threshold is another
	Looping          Reason = "loop"                     // the quantity swung to and fro without a cause: frozen until a person looks
	HeldIncrease     Reason = "held_increase"            // a child reports more than it was given, and nothing says why
	NotApplied       Reason = "not_applied"              // pushed three times, answered yes, and never there
	Invalid          Reason = "invalid"                  // the item makes no sense
)

// Conflict is what a person must look at. It is also the error of a refused item.
type Conflict struct {
	Reason Reason
	Peer   StoreID // empty: at the authority itself
	Ref    Ref
	Detail string    // for people: what was found and what to do
	Since  time.Time // zero in an error that was not stored
}

// Error is one sentence: the product, the peer, and what is the matter.
func (c *Conflict) Error() string {
	text := "stocksync: " + string(c.Reason)
	if c.Ref.SKU != "" {
		text += " of " + string(c.Ref.SKU)
	}
	if c.Peer != "" {
		text += " at " + string(c.Peer)
	}
	if c.Detail != "" {
		text += ": " + c.Detail
	}
	return text
}

// Permanent tells the queue that trying again is useless.
func (c *Conflict) Permanent() bool { return true }
