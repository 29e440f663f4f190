package sitootest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
)

// What a test does behind the API's back: as a till, or as staff.

// AddWarehouse makes a warehouse.
func (t *Till) AddWarehouse(name string, kind sitoo.WarehouseType) sitoo.WarehouseID {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := record{"name": name, "warehousetype": int(kind), "usetype": 10, "currencycode": "SEK"}
	t.complete(t.tables["warehouses"], row)
	t.nextID++
	t.tables["warehouses"].insert(t.nextID, row)
	return sitoo.WarehouseID(t.nextID)
}

// AddProduct makes an active product with a title and a price.
func (t *Till) AddProduct(sku, title, price string) sitoo.ProductID {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := record{"sku": sku, "title": title, "moneyprice": price, "active": true, "activepos": true}
	t.complete(t.tables["products"], row)
	t.nextID++
	t.tables["products"].insert(t.nextID, row)
	return sitoo.ProductID(t.nextID)
}

// SetStock makes a warehouse's stock of a SKU n, as a count by staff would.
func (t *Till) SetStock(w sitoo.WarehouseID, sku string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.shelf(int64(w), sku)
	s.total, s.modified = decimal.NewFromInt(n), now()
}

// Stock is a warehouse's stock of a SKU.
func (t *Till) Stock(w sitoo.WarehouseID, sku string) decimal.Decimal {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.shelves[int64(w)][sku]; s != nil {
		return s.total
	}
	return decimal.Zero
}

// Line is what is sold of a product at a till: so many pieces at Price each, in whole kronor with VAT of 25 % in it. A
// negative Quantity is a return.
type Line struct {
	SKU      string
	Quantity int
	Price    int64
}

// Sell makes a sale at a till: an order that is closed, paid and delivered, its stock booked. Undelivered leaves it open, without a delivery.
func (t *Till) Sell(w sitoo.WarehouseID, undelivered bool, lines ...Line) sitoo.OrderID {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := record{"ordertypeid": json.Number("10"), "orderstateid": json.Number("10"), "paymentstateid": json.Number("20"), "warehouseid": json.Number(strconv.FormatInt(int64(w), 10))}
	if undelivered {
		in["orderstateid"] = json.Number("0")
	}
	var items, deliver []any
	total := decimal.Zero
	for i, l := range lines {
		row := decimal.NewFromInt(l.Price).Mul(decimal.NewFromInt(int64(l.Quantity)))
		total = total.Add(row)
		title := l.SKU
		if p := t.bySKU(l.SKU); p != nil {
			title = p.text("title")
		}
		items = append(items, map[string]any{
			"productname": title, "sku": l.SKU, "quantity": json.Number(strconv.Itoa(l.Quantity)), "moneyrowprice": row.StringFixed(2), "vatvalue": json.Number("25"),
		})
		deliver = append(deliver, map[string]any{"orderitemid": i, "quantity": l.Quantity})
	}
	in["orderitems"] = items
	in["payments"] = []any{map[string]any{"name": "Kort", "moneyamount": total.StringFixed(2)}}
	o, why := t.newOrder(in)
	if why != "" {
		panic("sitootest: Sell: " + why)
	}
	o["registerid"] = "{11111111-2222-4333-8444-555555555555}"
	if !undelivered {
		if _, why := t.deliver(o, record{"warehouseid": int64(w), "orderdeliveryitems": deliver}, false); why != "" {
			panic("sitootest: Sell: " + why)
		}
	}
	return sitoo.OrderID(o.int("orderid"))
}

// Deliver delivers all rows of an order, as staff do with one that was sold to be sent, and books their stock.
func (t *Till) Deliver(id sitoo.OrderID, w sitoo.WarehouseID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.tables["orders"].rows[strconv.FormatInt(int64(id), 10)]
	if o == nil {
		panic(fmt.Sprintf("sitootest: Deliver: no order %d", id))
	}
	rows, _ := o["orderitems"].([]any)
	var deliver []any
	for i, row := range rows {
		deliver = append(deliver, map[string]any{"orderitemid": i, "quantity": row.(record).int("quantity")}) //nolint:forcetypeassert // written by newOrder
	}
	if _, why := t.deliver(o, record{"warehouseid": int64(w), "orderdeliveryitems": deliver}, false); why != "" {
		panic("sitootest: Deliver: " + why)
	}
}

// Backdate gives an order the date of so long ago, in whole seconds, as one that an offline till uploads late has.
func (t *Till) Backdate(id sitoo.OrderID, ago time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.tables["orders"].rows[strconv.FormatInt(int64(id), 10)]; o != nil {
		o["orderdate"] = now() - int64(ago/time.Second)
	}
}

// CancelDelivery cancels a delivery, which the API cannot. No stock moves: what Sitoo does with it is not documented.
func (t *Till) CancelDelivery(o sitoo.OrderID, d sitoo.DeliveryID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, delivery := range t.delivered[int64(o)] {
		if delivery.int("orderdeliveryid") == int64(d) && delivery["datecancelled"] == nil {
			delivery["datecancelled"] = now()
			return nil
		}
	}
	return fmt.Errorf("sitootest: order %d has no live delivery %d", o, d)
}

// Count is how many records there are of a kind, by its name in the API: "products", "orders", "vouchers".
func (t *Till) Count(kind string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tab := t.tables[kind]; tab != nil {
		return len(tab.rows)
	}
	return 0
}

// Deliveries is how many deliveries an order has that count.
func (t *Till) Deliveries(o sitoo.OrderID) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, d := range t.delivered[int64(o)] {
		if d["datecancelled"] == nil {
			n++
		}
	}
	return n
}
