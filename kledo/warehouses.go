package kledo

import (
	"encoding/json"
	"net/url"
)

// WarehouseID is a warehouse's id.
type WarehouseID int64

// Warehouse is a place where stock lies.
type Warehouse struct {
	ID       WarehouseID
	Name     string // what Document.Warehouse takes
	Code     string
	Quantity Decimal // of everything in it; qty on the wire

	Extra map[string]json.RawMessage // the fields beside these
}

// WarehouseQuery selects warehouses.
type WarehouseQuery struct {
	Search  string
	Page    int // default 1
	PerPage int // default Kledo's, 15
}

func (q WarehouseQuery) values() url.Values {
	v := url.Values{}
	if q.Search != "" {
		v.Set("search", q.Search)
	}
	return v
}

func (q WarehouseQuery) paging() (page, perPage int) { return q.Page, q.PerPage }

// UnmarshalJSON reads Kledo's form.
func (w *Warehouse) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID       lenientInt  `json:"id"`
		Name     lenientText `json:"name"`
		Code     lenientText `json:"code"`
		Quantity Decimal     `json:"qty"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*w = Warehouse{
		ID: WarehouseID(wire.ID), Name: string(wire.Name), Code: string(wire.Code), Quantity: wire.Quantity,
		Extra: unknown(b, "id", "name", "code", "qty"),
	}
	return nil
}
