package kitgenix

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

// event is the body of /event. Which fields stand in it says which generation wrote it.
type event struct {
	Type    stocksync.Kind `json:"event_type"`
	Origin  string         `json:"origin"`  // informational; nobody checks it
	Time    int64          `json:"time"`    // Unix seconds of the capture, by the clock of the store that made the event
	Context string         `json:"context"` // the cause
	Items   []item         `json:"items"`
	OrderID int64          `json:"order_id,omitzero"` // first generation, with order_processing and order_restore
	EventID string         `json:"event_id,omitzero"`
	// What the second generation adds. A master passes on the child's values.
	OriginStoreID string `json:"origin_store_id,omitzero"`
	CreatedAt     int64  `json:"created_at,omitzero"`
	Attempt       int    `json:"delivery_attempt,omitzero"`
	Schema        int    `json:"schema_version,omitzero"`
}

// item is a product of an event. A receiver leaves alone what is not there.
type item struct {
	GID        string               `json:"gid"`
	SKU        string               `json:"sku"`
	OldSKU     *string              `json:"old_sku,omitempty"` // renames only
	Manage     manage               `json:"manage_stock,omitzero"`
	Quantity   *int64               `json:"stock_quantity,omitempty"`
	Status     stocksync.Status     `json:"stock_status,omitzero"`
	Backorders stocksync.Backorders `json:"backorders,omitzero"`
	LowStock   *int                 `json:"low_stock_amount,omitempty"`
	Version    *int64               `json:"version,omitempty"`    // from masters of the second generation
	UpdatedAt  int64                `json:"updated_at,omitempty"` // with it
	Was        *int64               `json:"was,omitempty"`        // between Go services only: see [stocksync.Item]
}

// manage is manage_stock: true, false or "parent".
type manage stocksync.Manage

// MarshalJSON implements [json.Marshaler].
func (m manage) MarshalJSON() ([]byte, error) {
	switch stocksync.Manage(m) {
	case stocksync.Unmanaged:
		return []byte("false"), nil
	case stocksync.ByParent:
		return []byte(`"parent"`), nil
	default:
		return []byte("true"), nil
	}
}

// readManage reads manage_stock with PHP's idea of what is true. Absent and null are a sender that did not say.
func (o object) readManage() stocksync.Manage {
	if !o.has("manage_stock") {
		return ""
	}
	raw := string(o["manage_stock"])
	switch s := o.text("manage_stock"); {
	case s == "parent":
		return stocksync.ByParent
	case raw == "false", raw == `""`, raw == "[]", s == "0":
		return stocksync.Unmanaged
	default:
		return stocksync.Managed
	}
}

const (
	maxEventItems = 1000 // a plugin sends 500 at most
	maxQuantity   = 1_000_000_000
)

var errTooMany = errors.New("too many items")

// payloadError is an authentic event that makes no sense, or that its sender may not send.
type payloadError struct {
	code string // of the answer
	why  string // for the log and the answer
}

func (e *payloadError) Error() string { return "kitgenix: " + e.why }

func badPayload(format string, a ...any) error {
	return &payloadError{codeBadPayload, fmt.Sprintf(format, a...)}
}

// readEvent reads the body of /event. Entries of items that are no objects, or that name no product, are left out, as the plugin
// does; what cannot be applied as it stands is an error.
func readEvent(body []byte) (event, []stocksync.Item, error) {
	var e event
	if err := check(body); err != nil {
		return e, nil, &payloadError{codeBadJSON, err.Error()}
	}
	o, ok := asObject(body)
	if !ok {
		return e, nil, &payloadError{codeBadJSON, "it is no object"}
	}
	var kind string
	if json.Unmarshal(o["event_type"], &kind) != nil {
		return e, nil, &payloadError{codeEventType, "event_type is missing or no text"}
	}
	e = event{
		Type: stocksync.Kind(kind), Origin: o.text("origin"), Time: o.integer("time"), Context: o.text("context"),
		OrderID: o.integer("order_id"), EventID: o.text("event_id"), OriginStoreID: o.text("origin_store_id"),
		CreatedAt: o.integer("created_at"), Attempt: int(o.integer("delivery_attempt")), Schema: int(o.integer("schema_version")),
	}
	if e.Type != stocksync.StockState && e.Type != stocksync.SKURename {
		return e, nil, &payloadError{codeEventType, fmt.Sprintf("events of type %.40q are not known", kind)}
	}
	values, ok := list(o["items"], maxEventItems)
	switch {
	case !ok:
		return e, nil, badPayload("items is missing or no list")
	case len(values) > maxEventItems:
		return e, nil, errTooMany
	}
	items, err := readItems(e.Type, values)
	return e, items, err
}

func readItems(kind stocksync.Kind, values []json.RawMessage) ([]stocksync.Item, error) {
	items := make([]stocksync.Item, 0, len(values))
	for i, raw := range values {
		o, ok := asObject(raw)
		if !ok {
			continue
		}
		ref := stocksync.Ref{GID: stocksync.GID(o.name("gid")), SKU: stocksync.SKU(o.name("sku"))}
		if ref.GID == "" && ref.SKU == "" {
			continue
		}
		if len(ref.GID) > stocksync.MaxID || len(ref.SKU) > stocksync.MaxID {
			return nil, badPayload("items[%d]: a gid or sku of more than %d bytes", i, stocksync.MaxID)
		}
		if kind == stocksync.SKURename {
			ref.OldSKU = stocksync.SKU(o.name("old_sku"))
			items = append(items, stocksync.Item{Ref: ref})
			continue
		}
		stock, err := o.stock()
		if err != nil {
			return nil, badPayload("items[%d]: %v", i, err)
		}
		version, err := o.version()
		if err != nil {
			return nil, badPayload("items[%d]: %v", i, err)
		}
		item := stocksync.Item{Ref: ref, Stock: stock, Version: version}
		if was, ok := o.number("was"); ok && was.Abs().LessThanOrEqual(decimal.NewFromInt(maxQuantity)) {
			item.Was = &was
		}
		items = append(items, item)
	}
	return items, nil
}

// name is a GID or SKU: a text, or digits that PHP took for a number.
func (o object) name(field string) string { return strings.TrimSpace(o.text(field)) }

// stock reads the fields that events and /stock-state have in common.
func (o object) stock() (stocksync.Stock, error) {
	s := stocksync.Stock{Manage: o.readManage()}
	switch q, ok := o.number("stock_quantity"); {
	case ok && q.Abs().GreaterThan(decimal.NewFromInt(maxQuantity)):
		return s, errors.New("stock_quantity is beyond any stock")
	case ok:
		s.Quantity = q
	case s.Manage != stocksync.Unmanaged: // where nobody counts, it says nothing
		return s, errors.New("stock_quantity is missing or no number")
	}
	switch status := stocksync.Status(o.text("stock_status")); status {
	case stocksync.InStock, stocksync.OutOfStock, stocksync.OnBackorder:
		s.Status = status
	}
	switch backorders := stocksync.Backorders(o.text("backorders")); backorders {
	case stocksync.BackordersNo, stocksync.BackordersNotify, stocksync.BackordersYes:
		s.Backorders = backorders
	}
	// The plugin writes 0 for "not set". Taken at its word it would switch off the store's own default.
	if low := o.integer("low_stock_amount"); low > 0 && low <= maxQuantity {
		n := int(low)
		s.LowStock = &n
	}
	return s, nil
}

// version is 0 when there is none: the plugin takes none, null, text and numbers below 1 for none.
func (o object) version() (int64, error) {
	d, ok := o.number("version")
	switch {
	case !ok || d.Sign() <= 0:
		return 0, nil
	case d.GreaterThan(decimal.NewFromInt(math.MaxInt64)):
		return 0, errors.New("version is larger than 2^63-1: nothing could ever follow it")
	default:
		return d.IntPart(), nil
	}
}

// itemOf is what an item becomes on the wire. Quantities are whole numbers there, cut off towards zero.
func itemOf(i stocksync.Item) item {
	quantity := i.Quantity.IntPart()
	return item{
		GID: string(i.GID), SKU: string(i.SKU), Manage: manage(i.Manage), Quantity: &quantity,
		Status: i.Status, Backorders: i.Backorders, LowStock: i.LowStock,
	}
}

// renameOf is an item of a rename.
func renameOf(r stocksync.Ref) item {
	old := string(r.OldSKU)
	return item{GID: string(r.GID), SKU: string(r.SKU), OldSKU: &old}
}
