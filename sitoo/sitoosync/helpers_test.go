package sitoosync

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func percent(n int64) sitoo.Percent { return sitoo.NewPercent(decimal.NewFromInt(n)) }

// vat makes a VAT group of the till's for goods, and returns the one there is.
func (w *world) vat(rate int64) sitoo.VATID {
	w.t.Helper()
	for g, err := range w.sitoo.VATGroups.All(w.t.Context(), sitoo.ListQuery{}) {
		require.NoError(w.t, err)
		if g.Value.Equal(decimal.NewFromInt(rate)) && g.Type == sitoo.VATProduct {
			return g.ID
		}
	}
	id, err := w.sitoo.VATGroups.Create(w.t.Context(), sitoo.VATGroupFields{
		Value: sitoo.Set(percent(rate)), Type: sitoo.Set(sitoo.VATProduct), Name: sitoo.Set(fmt.Sprint(rate, " %")),
	})
	require.NoError(w.t, err)
	return id
}

// variable makes a variable product in the shop, with a picture, and a variation of each size and colour.
func (w *world) variable(sku, name string, sizes, colours []string) woo.ProductID {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{
		"name": name, "sku": sku, "type": "variable", "status": "publish",
		"images": []any{map[string]any{"src": "https://shop.invalid/" + sku + ".jpg"}},
		"attributes": []any{
			map[string]any{"name": "Size", "variation": true, "options": sizes, "position": 0},
			map[string]any{"name": "Colour", "variation": true, "options": colours, "position": 1},
		},
	})
	require.NoError(w.t, err)
	id, err := w.shop.AddProduct(body)
	require.NoError(w.t, err)
	for _, size := range sizes {
		for _, colour := range colours {
			w.variation(woo.ProductID(id), sku+"-"+size+"-"+colour, size, colour)
		}
	}
	return woo.ProductID(id)
}

// variation adds a variation: a size, and a colour where the product has them.
func (w *world) variation(parent woo.ProductID, sku string, values ...string) woo.VariationID {
	w.t.Helper()
	var choices []woo.AttributeChoiceFields
	for i, v := range values {
		choices = append(choices, woo.AttributeChoiceFields{Name: woo.Set([]string{"Size", "Colour"}[i]), Option: woo.Set(v)})
	}
	v, err := w.woo.Variations(parent).Create(w.t.Context(), woo.VariationFields{
		SKU: woo.Set(sku), RegularPrice: woo.Set(decimal.NewFromInt(122)), Attributes: woo.Set(choices), Status: woo.Set(woo.ProductPublish),
	})
	require.NoError(w.t, err)
	return v.ID
}

// sizes changes which sizes a variable product has.
func (w *world) sizes(parent woo.ProductID, sizes ...string) {
	w.t.Helper()
	_, err := w.woo.Products.Update(w.t.Context(), parent, woo.ProductFields{
		Attributes: woo.Set([]woo.AttributeFields{{Name: woo.Set("Size"), Variation: woo.Set(true), Options: woo.Set(sizes)}}),
	})
	require.NoError(w.t, err)
}

// began is a moment at which an earlier process may have begun something.
func (w *world) began() time.Time { return time.Now().Add(-time.Minute).UTC() }
