package kitgenix

import (
	"errors"
	"fmt"

	"github.com/tillwire/tillwire/stocksync"
)

// query is the body of /stock and /stock-state.
type query struct {
	Items []queryItem `json:"items"`
}

type queryItem struct {
	SKU string `json:"sku"`
}

// queryAnswer is the answer to both.
type queryAnswer struct {
	OK    bool   `json:"ok"`
	Items phpMap `json:"items"` // by the SKU as it was asked for
}

// absent is the answer for a product that is not there.
type absent struct {
	Exists bool `json:"exists"` // false
}

// offer is what /stock says of a product.
type offer struct {
	Exists     bool                 `json:"exists"`
	Quantity   int64                `json:"stock_quantity"`
	Status     stocksync.Status     `json:"stock_status"`
	Backorders stocksync.Backorders `json:"backorders"`
}

// state is what /stock-state says of a product.
type state struct {
	Exists     bool                 `json:"exists"`
	GID        stocksync.GID        `json:"gid"` // second generation
	Quantity   int64                `json:"stock_quantity"`
	Status     stocksync.Status     `json:"stock_status"`
	Backorders stocksync.Backorders `json:"backorders"`
	LowStock   int                  `json:"low_stock_amount"` // 0 is "not set"
	Manage     manage               `json:"manage_stock"`
	Version    int64                `json:"version,omitzero"` // of a Go service: what it applied last
}

func offerOf(i *stocksync.Item) offer {
	o := offer{true, i.Quantity.IntPart(), i.Status, i.Backorders}
	if o.Backorders == "" {
		o.Backorders = stocksync.BackordersNo
	}
	if o.Status == "" {
		o.Status = derived(i.Quantity.IsPositive(), o.Backorders)
	}
	return o
}

// derived is the status that WooCommerce computes, with a threshold of 0.
func derived(available bool, b stocksync.Backorders) stocksync.Status {
	switch {
	case available:
		return stocksync.InStock
	case b == stocksync.BackordersNo:
		return stocksync.OutOfStock
	default:
		return stocksync.OnBackorder
	}
}

func stateOf(i *stocksync.Item) state {
	o := offerOf(i)
	s := state{true, i.GID, o.Quantity, o.Status, o.Backorders, 0, manage(i.Manage), i.Version}
	if i.LowStock != nil {
		s.LowStock = *i.LowStock
	}
	return s
}

// readQuery returns the SKUs that are asked for, each once, in order. A number is a SKU of digits, which PHP wrote so.
func readQuery(body []byte) ([]stocksync.SKU, error) {
	if err := check(body); err != nil {
		return nil, &payloadError{codeBadJSON, err.Error()}
	}
	o, _ := asObject(body)
	values, ok := list(o["items"], maxBody)
	if !ok {
		return nil, badPayload("items is missing or no list")
	}
	seen := map[stocksync.SKU]bool{}
	skus := make([]stocksync.SKU, 0, len(values))
	for _, raw := range values {
		o, _ := asObject(raw)
		sku := stocksync.SKU(o.name("sku"))
		if sku == "" || seen[sku] {
			continue
		}
		seen[sku] = true
		skus = append(skus, sku)
	}
	return skus, nil
}

// errNotOK is an answer that is JSON and none of the plugin's.
var errNotOK = errors.New("it does not say that it is ok")

// found is a product as a peer answers for it.
type found struct {
	stocksync.Stock
	gid     stocksync.GID // empty from the first generation
	version int64         // 0 from the plugin
}

// readAnswer reads the answer to a query for some SKUs: what the peer has, in order, nil where it has none.
func readAnswer(body []byte, skus []stocksync.SKU) ([]*found, error) {
	if err := check(body); err != nil {
		return nil, err
	}
	o, ok := asObject(body)
	if !ok || string(o["ok"]) != "true" {
		return nil, errNotOK
	}
	values, ok := phpValues(o["items"])
	if !ok {
		return nil, errors.New("its items are missing or no map")
	}
	out := make([]*found, len(skus))
	for i, sku := range skus {
		raw, ok := values[string(sku)]
		if !ok {
			continue
		}
		v, ok := asObject(raw)
		if !ok || string(v["exists"]) != "true" {
			continue
		}
		if !v.has("stock_quantity") { // null is a product without a quantity; the plugin says 0
			v["stock_quantity"] = []byte("0")
		}
		stock, err := v.stock()
		if err != nil {
			return nil, fmt.Errorf("of %.40q: %w", sku, err)
		}
		out[i] = &found{stock, stocksync.GID(v.name("gid")), max(v.integer("version"), 0)}
	}
	return out, nil
}
