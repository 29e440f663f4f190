package kledo

import "encoding/json"

// WarehouseID is a warehouse's id.
type WarehouseID int64

// Warehouse is a place where stock lies.
type Warehouse struct {
	ID       WarehouseID `json:"id"`
	Name     string      `json:"name"` // what Document.Warehouse takes
	Code     string      `json:"code"`
	Quantity Decimal     `json:"qty"` // of everything in it

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// WarehouseQuery selects warehouses.
type WarehouseQuery struct {
	Search          string `query:"search"`
	IncludeArchived bool   `query:"include_archive"`
	IncludeRacks    bool   `query:"include_racks"`
	ExcludeQuantity bool   `query:"exclude_qty"`
	Page            int    // default 1
	PerPage         int    // default Kledo's, 15
}

// UnmarshalJSON reads Kledo's form.
func (w *Warehouse) UnmarshalJSON(b []byte) error { return decode(b, w) }

// MarshalJSON writes what UnmarshalJSON reads.
func (w Warehouse) MarshalJSON() ([]byte, error) { return encode(w) }

// TransferFields is what is written of a transfer between warehouses: a [Record]'s members, since Kledo does not document them.
type TransferFields map[string]any
