package woo_test

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func openShop(t *testing.T) (*wootest.Shop, *woo.Client) {
	t.Helper()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	client, err := woo.New(shop.Config())
	require.NoError(t, err)
	return shop, client
}

// Every row of the contract's table of ignored stock and price writes is told, and every row that the shop does is not.
func TestIgnoredWritesAreTold(t *testing.T) {
	t.Parallel()
	managed := `{"name":"p","type":"simple","regular_price":"20","manage_stock":true,"stock_quantity":3}`
	unmanaged := `{"name":"p","type":"simple","regular_price":"20","manage_stock":false}`
	for name, c := range map[string]struct {
		product string
		set     woo.ProductFields
		ignored map[string]string
	}{
		"quantity":                   {managed, woo.ProductFields{StockQuantity: woo.Set(dec("5"))}, nil},
		"negative quantity":          {managed, woo.ProductFields{StockQuantity: woo.Set(dec("-2"))}, nil},
		"quantity, not managed":      {unmanaged, woo.ProductFields{StockQuantity: woo.Set(dec("5"))}, map[string]string{"stock_quantity": "wanted 5, the shop has none"}},
		"status, managed":            {managed, woo.ProductFields{StockStatus: woo.Set(woo.OutOfStock)}, map[string]string{"stock_status": "wanted outofstock, the shop has instock"}},
		"status, not managed":        {unmanaged, woo.ProductFields{StockStatus: woo.Set(woo.OutOfStock)}, nil},
		"managed from now on":        {unmanaged, woo.ProductFields{ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(dec("6"))}, nil},
		"no longer managed":          {managed, woo.ProductFields{ManageStock: woo.Set(woo.StockUnmanaged)}, nil},
		"sale price":                 {managed, woo.ProductFields{SalePrice: woo.Set(dec("19.50"))}, nil},
		"sale price above the other": {managed, woo.ProductFields{SalePrice: woo.Set(dec("99"))}, map[string]string{"sale_price": "wanted 99, the shop has none"}},
		"no price":                   {managed, woo.ProductFields{RegularPrice: woo.Null[decimal.Decimal]()}, nil},
		"name with entities":         {managed, woo.ProductFields{Name: woo.Set(`R&D "x"`)}, nil},
		"two at once": {
			unmanaged, woo.ProductFields{StockQuantity: woo.Set(dec("1")), SalePrice: woo.Set(dec("21")), SKU: woo.Set("S-1")},
			map[string]string{"stock_quantity": "wanted 1, the shop has none", "sale_price": "wanted 21, the shop has none"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, client := openShop(t)
			id, err := shop.AddProduct([]byte(c.product))
			require.NoError(t, err)
			got, err := client.Products.Update(t.Context(), woo.ProductID(id), c.set)
			results, batchErr := client.Products.UpdateAll(t.Context(), []woo.Change[woo.ProductID, woo.ProductFields]{{ID: woo.ProductID(id), Set: c.set}})
			require.NoError(t, batchErr)
			require.NotNil(t, got, "the record comes in any case")
			require.NotNil(t, results[0].Item)
			for _, err := range []error{err, results[0].Err} {
				if c.ignored == nil {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, woo.ErrNotApplied)
				var e *woo.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.ignored, e.Details)
				require.Equal(t, id, e.ResourceID)
				require.True(t, e.Permanent())
				require.False(t, e.Ambiguous())
			}
		})
	}
}

func TestIgnoredVariationWrites(t *testing.T) {
	t.Parallel()
	shop, client := openShop(t)
	parent, err := shop.AddProduct([]byte(`{"name":"p","type":"variable","manage_stock":true,"stock_quantity":9}`))
	require.NoError(t, err)
	variations := client.Variations(woo.ProductID(parent))
	v, err := variations.Create(t.Context(), woo.VariationFields{RegularPrice: woo.Set(dec("5")), ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(dec("2"))})
	require.NoError(t, err)
	_, err = variations.Update(t.Context(), v.ID, woo.VariationFields{ManageStock: woo.Set(woo.StockByParent)})
	require.NoError(t, err)
	v, err = variations.Update(t.Context(), v.ID, woo.VariationFields{StockQuantity: woo.Set(dec("4"))})
	require.ErrorIs(t, err, woo.ErrNotApplied)
	require.ErrorContains(t, err, "stock_quantity: wanted 4, the shop has 9")
	require.Equal(t, woo.StockByParent, v.ManageStock)
}

// Orders: a product that the shop does not know becomes an empty line, with 201.
func TestOrderLinesAreCompared(t *testing.T) {
	t.Parallel()
	shop, client := openShop(t)
	id, err := shop.AddProduct([]byte(`{"name":"p","type":"simple","sku":"S-1","regular_price":"10"}`))
	require.NoError(t, err)
	line := func(l woo.LineItemFields) woo.OrderFields {
		return woo.OrderFields{LineItems: woo.Set([]woo.LineItemFields{l})}
	}
	one := woo.Set(dec("1"))
	for name, c := range map[string]struct {
		set     woo.OrderFields
		ignored string
	}{
		"known":                    {line(woo.LineItemFields{ProductID: woo.Set(woo.ProductID(id)), Quantity: one}), ""},
		"by its SKU":               {line(woo.LineItemFields{SKU: woo.Set("s-1"), Quantity: one}), ""},
		"unknown":                  {line(woo.LineItemFields{ProductID: woo.Set(woo.ProductID(99999)), Quantity: one}), "line_items[0].product_id"},
		"unknown SKU":              {line(woo.LineItemFields{SKU: woo.Set("S-404"), Quantity: one}), "line_items[0].sku"},
		"paid moves the status on": {woo.OrderFields{Status: woo.Set(woo.OrderPending), SetPaid: woo.Set(true)}, ""},
	} {
		order, err := client.Orders.Create(t.Context(), c.set)
		require.NotNil(t, order, name)
		if c.ignored == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, woo.ErrNotApplied, name)
		var e *woo.Error
		require.ErrorAs(t, err, &e)
		require.Contains(t, e.Details, c.ignored)
		require.Equal(t, int64(order.ID), e.ResourceID, "whoever gives up knows what was made")
	}
}

// threeLines is an order of three lines, of one each: 10.00, 20.00 and a variation at 7.00.
func threeLines(t *testing.T) (*woo.Client, *woo.Order, woo.ProductID) {
	t.Helper()
	shop, client := openShop(t)
	add := func(body string) woo.ProductID {
		id, err := shop.AddProduct([]byte(body))
		require.NoError(t, err)
		return woo.ProductID(id)
	}
	a, b := add(`{"name":"a","type":"simple","regular_price":"10"}`), add(`{"name":"b","type":"simple","regular_price":"20"}`)
	other := add(`{"name":"c","type":"simple","regular_price":"3"}`)
	v, err := client.Variations(add(`{"name":"v","type":"variable"}`)).Create(t.Context(), woo.VariationFields{RegularPrice: woo.Set(dec("7"))})
	require.NoError(t, err)
	one := woo.Set(dec("1"))
	order, err := client.Orders.Create(t.Context(), woo.OrderFields{LineItems: woo.Set([]woo.LineItemFields{
		{ProductID: woo.Set(a), Quantity: one}, {ProductID: woo.Set(b), Quantity: one}, {VariationID: woo.Set(v.ID), ProductID: woo.Set(woo.ProductID(v.ID)), Quantity: one},
	})})
	require.NoError(t, err)
	require.Len(t, order.LineItems, 3)
	return client, order, other
}

// An edit names lines by their ids: none is added beside the one it was to replace, and totals follow quantities.
func TestEditLines(t *testing.T) {
	t.Parallel()
	client, order, other := threeLines(t)
	lines := order.LineItems
	fields, err := woo.EditLines(order).
		SetQuantity(lines[0].ID, dec("3")).
		Replace(lines[1].ID, woo.LineItemFields{ProductID: woo.Set(other), Quantity: woo.Set(dec("2")), Total: woo.Set(dec("5.5"))}).
		Remove(lines[2].ID).
		Fields()
	require.NoError(t, err)
	edited, err := client.Orders.Update(t.Context(), order.ID, fields)
	require.NoError(t, err)
	require.Len(t, edited.LineItems, 2, "changed, not added")
	require.Equal(t, lines[0].ID, edited.LineItems[0].ID)
	require.Equal(t, "3", edited.LineItems[0].Quantity.String())
	require.Equal(t, "24.6", edited.LineItems[0].Total.String())
	require.Equal(t, "24.6", edited.LineItems[0].Subtotal.String())
	require.NotContains(t, []woo.LineID{lines[1].ID, lines[2].ID}, edited.LineItems[1].ID, "the old line is gone")
	require.Equal(t, other, edited.LineItems[1].ProductID)
	require.Equal(t, "5.5", edited.LineItems[1].Total.String())

	again, err := client.Orders.Update(t.Context(), order.ID, woo.OrderFields{LineItems: woo.Set([]woo.LineItemFields{
		{ID: woo.Set(lines[0].ID), Quantity: woo.Set(dec("5"))},
	})})
	require.NoError(t, err)
	require.Equal(t, "24.6", again.LineItems[0].Total.String(), "by hand the total stays behind")
}

// A variation's line leaves nothing of the variation behind.
func TestEditLinesReplacesAVariation(t *testing.T) {
	t.Parallel()
	client, order, other := threeLines(t)
	fields, err := woo.EditLines(order).
		Replace(order.LineItems[2].ID, woo.LineItemFields{ProductID: woo.Set(other), Quantity: woo.Set(dec("1")), Total: woo.Set(dec("3"))}).
		Add(woo.LineItemFields{ProductID: woo.Set(other), Quantity: woo.Set(dec("4"))}).
		Fields()
	require.NoError(t, err)
	edited, err := client.Orders.Update(t.Context(), order.ID, fields)
	require.NoError(t, err)
	require.Len(t, edited.LineItems, 4)
	for _, line := range edited.LineItems {
		require.Zero(t, line.VariationID)
	}
	require.Equal(t, other, edited.LineItems[2].ProductID)
	require.Equal(t, "4", edited.LineItems[3].Quantity.String())
}

func TestEditLinesRefuses(t *testing.T) {
	t.Parallel()
	var order woo.Order
	require.NoError(t, json.Unmarshal([]byte(`{"id":7,"line_items":[{"id":1,"quantity":2,"total":"10.00","subtotal":"12.00"},{"id":2,"quantity":0}]}`), &order))
	one := woo.Set(dec("1"))
	for why, edit := range map[string]*woo.LineEdit{
		"line 9: order 7 has no such line":  woo.EditLines(&order).Remove(9),
		"line 1: is edited twice":           woo.EditLines(&order).Remove(1).SetTotal(1, dec("2")),
		"line 1: a negative quantity":       woo.EditLines(&order).SetQuantity(1, dec("-1")),
		"line 2: has the quantity 0":        woo.EditLines(&order).SetQuantity(2, dec("1")),
		"line 1: total: is missing":         woo.EditLines(&order).Replace(1, woo.LineItemFields{SKU: woo.Set("x"), Quantity: one}),
		"a new line: id: is the shop's":     woo.EditLines(&order).Add(woo.LineItemFields{ID: woo.Set(woo.LineID(1)), SKU: woo.Set("x"), Quantity: one}),
		"a new line: names no product":      woo.EditLines(&order).Add(woo.LineItemFields{Name: woo.Set("x"), Quantity: one}),
		"a new line: quantity: must be abo": woo.EditLines(&order).Add(woo.LineItemFields{SKU: woo.Set("x")}),
	} {
		_, err := edit.Fields()
		require.ErrorContains(t, err, why)
	}
	fields, err := woo.EditLines(&order).SetQuantity(1, dec("3")).SetQuantity(2, dec("0")).Fields()
	require.NoError(t, err)
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	require.JSONEq(t, `{"line_items":[{"id":1,"quantity":3,"subtotal":"18","total":"15"},{"id":2,"quantity":0}]}`, string(body))
	fields, err = woo.EditLines(&order).Fields()
	require.NoError(t, err)
	require.True(t, fields.LineItems.IsZero())
}
