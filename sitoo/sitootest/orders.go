package sitootest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/shopspring/decimal"
)

func (t *Till) orders(r *request) reply {
	var out []record
	for _, o := range t.tables["orders"].all() {
		id := o.int("orderid")
		credit := last(r.query["creditorderid"])
		switch {
		case credit != "" && strconv.FormatInt(o.int("creditorderid"), 10) != credit:
		case credit == "" && !oneOf(r.query, "orderid", id),
			!oneOf(r.query, "externalid", o.text("externalid")),
			!within(r.query, "orderidfrom", "orderidto", id),
			!within(r.query, "orderdatefrom", "orderdateto", o.int("orderdate")),
			!oneOf(r.query, "orderstate", o.int("orderstateid")),
			!oneOf(r.query, "paymentstate", o.int("paymentstateid")),
			!oneOf(r.query, "ordertype", o.int("ordertypeid")),
			!oneOf(r.query, "warehouseid", o.int("warehouseid")),
			last(r.query["email"]) != "" && last(r.query["email"]) != o.text("email"):
		default:
			out = append(out, o)
		}
	}
	return list(inOrder(out, r, "orderid"), r.query, t.tables["orders"].bare)
}

var externalForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

var itemShape = &table{
	kinds: kinds(`orderitemtype:i productname:s sku:s productattributes:s unitlabel:s quantity:i decimalunitquantity:D vatvalue:n moneyrowprice:m
		moneyrowdiscount:m moneypriceorg:m vouchercode:s vouchername:s additionaldata:o`),
	required: []string{"productname", "quantity"},
}

var paymentShape = &table{
	kinds:    kinds("name:s moneyamount:m externalid:s reftype:s refid:s cardissuer:s reservedpaymentid:s additionaldata:o"),
	required: []string{"name", "moneyamount"},
}

func (t *Till) createOrder(r *request) reply {
	records, many, why := r.decode()
	if why != "" || many {
		return bad("Invalid JSON")
	}
	o, why := t.newOrder(records[0])
	if why != "" {
		return bad("%s", why)
	}
	return ok(o["orderid"])
}

// newOrder checks what is to be an order and works its amounts out.
func (t *Till) newOrder(in record) (record, string) {
	tab := t.tables["orders"]
	if why := tab.refuse(in, true, ""); why != "" {
		return nil, why
	}
	if external, has := in["externalid"].(string); has && !externalForm.MatchString(external) {
		return nil, "Invalid externalid"
	}
	o := record{
		"eshopid": 1, "externalid": nil, "creditorderid": nil, "email": "", "namefirst": "", "namelast": "", "company": "", "phone": "",
		"orderdate": now(), "orderstateid": 0, "paymentstateid": 0, "registerid": nil, "warehouseid": nil, "datereserved": nil, "currencycode": "SEK",
		"additionaldata": []any{}, "payments": []any{}, "reservedpayments": []any{}, "checkouttypename": "", "deliverytypename": "",
		"moneydelivery_net": "0.00", "moneydelivery_vat": "0.00", "moneytotal_gross_roundoff": "0.00",
	}
	for name, v := range in {
		o[name] = v
	}
	items, _ := in["orderitems"].([]any)
	var rows []any
	net, vat := decimal.Zero, decimal.Zero
	for i, raw := range items {
		item, _ := raw.(map[string]any)
		if why := itemShape.refuse(item, true, ""); why != "" {
			return nil, why
		}
		row := t.orderRow(i, item)
		net = net.Add(decimal.RequireFromString(row.text("moneyitemtotal_net")))
		vat = vat.Add(decimal.RequireFromString(row.text("moneyitemtotal_vat")))
		rows = append(rows, row)
	}
	payments, _ := in["payments"].([]any)
	for _, raw := range payments {
		payment, _ := raw.(map[string]any)
		if why := paymentShape.refuse(payment, true, ""); why != "" {
			return nil, why
		}
	}
	o["orderitems"] = rows
	o["moneytotal_net"], o["moneytotal_vat"] = net.StringFixed(2), vat.StringFixed(2)
	o["moneyfinal_net"], o["moneyfinal_vat"], o["moneytotal_gross_all"] = net.StringFixed(2), vat.StringFixed(2), net.Add(vat).StringFixed(2)
	t.nextID++
	tab.insert(t.nextID, o)
	return tab.rows[tab.order[len(tab.order)-1]], ""
}

// orderRow is a row as it is read back: amounts without VAT, per unit.
func (t *Till) orderRow(i int, in record) record {
	quantity := decimal.NewFromInt(in.int("quantity"))
	rate := decimal.Zero
	if n, isNumber := in["vatvalue"].(json.Number); isNumber {
		rate, _ = decimal.NewFromString(n.String())
	}
	amount := func(name string) decimal.Decimal {
		d, err := decimal.NewFromString(in.text(name))
		if err != nil {
			return decimal.Zero
		}
		return d
	}
	gross, discount := amount("moneyrowprice"), amount("moneyrowdiscount")
	divisor := decimal.NewFromInt(1).Add(rate.Div(decimal.NewFromInt(100)))
	total := gross.Sub(discount)
	net := total.Div(divisor).Round(2)
	perUnit := func(d decimal.Decimal) string {
		if quantity.IsZero() {
			return "0.00"
		}
		return d.Div(divisor).Div(quantity).StringFixed(2)
	}
	row := record{
		"orderitemid": i, "orderitemtype": 10, "productid": nil, "productname": in.text("productname"), "sku": in.text("sku"),
		"quantity": in.int("quantity"), "decimalunitquantity": in["decimalunitquantity"], "vatvalue": rate.InexactFloat64(),
		"moneynetpriceperunit": perUnit(total), "moneyitemtotal_net": net.StringFixed(2), "moneyitemtotal_vat": total.Sub(net).StringFixed(2),
		"moneyoriginalprice": perUnit(gross), "moneydiscountedprice": "0.00", "moneydiscount": "0.00",
		"decimalquantitytotal": quantity.StringFixed(3), "additionaldata": in["additionaldata"],
	}
	if !discount.IsZero() {
		row["moneydiscountedprice"] = perUnit(total)
		row["moneydiscount"] = perUnit(discount)
		data := map[string]any{"orderitem-moneyrowdiscount": discount.StringFixed(2)}
		if own, has := in["additionaldata"].(map[string]any); has {
			for k, v := range own {
				data[k] = v
			}
		}
		row["additionaldata"] = data
	}
	if p := t.bySKU(in.text("sku")); p != nil {
		row["productid"] = p["productid"]
	}
	return row
}

func (t *Till) updateOrder(r *request, id string) reply {
	records, many, why := r.decode()
	if why != "" || many {
		return bad("Invalid JSON")
	}
	tab := t.tables["orders"]
	if _, has := tab.rows[id]; !has {
		return bad("Invalid orderid (%s)", id)
	}
	if _, has := records[0]["orderitems"]; has {
		return bad("Invalid field 'orderitems'")
	}
	if why := t.change(tab, id, records[0]); why != "" {
		return bad("%s", why)
	}
	return ok(true)
}

// belowOrder answers for deliveries and logs.
func (t *Till) belowOrder(r *request, id, what string) reply {
	order, has := t.tables["orders"].rows[id]
	if !has {
		return bad("Invalid orderid (%s)", id)
	}
	n := order.int("orderid")
	switch {
	case what == "orderdeliveries" && r.method == http.MethodGet:
		return list(t.delivered[n], r.query, nil)
	case what == "orderdeliveries" && r.method == http.MethodPost:
		records, many, why := r.decode()
		if why != "" || many {
			return bad("Invalid JSON")
		}
		delivery, why := t.deliver(order, records[0], last(r.query["ignorestock"]) == "true")
		if why != "" {
			return bad("%s", why)
		}
		return ok(delivery)
	case what == "orderlogitems" && r.method == http.MethodGet:
		return list(t.logs[n], r.query, nil)
	case what == "orderlogitems" && r.method == http.MethodPost:
		records, many, why := r.decode()
		if why != "" || many {
			return bad("Invalid JSON")
		}
		if kind := records[0].int("orderlogtypeid"); kind != 900 && kind != 910 {
			return bad("Invalid orderlogtypeid")
		}
		entry := clone(records[0])
		entry["orderid"], entry["datelog"] = n, now()
		t.logs[n] = append(t.logs[n], entry)
		return ok(true)
	}
	return reply{http.StatusNotFound, fault("URL invalid")}
}

// deliver books what left: a sale, or for a refund a return.
func (t *Till) deliver(order, in record, ignoreStock bool) (id int64, why string) {
	warehouse := in.int("warehouseid")
	if _, has := t.tables["warehouses"].rows[strconv.FormatInt(warehouse, 10)]; !has {
		return 0, fmt.Sprintf("Invalid warehouseid (%d)", warehouse)
	}
	rows, _ := order["orderitems"].([]any)
	items, _ := in["orderdeliveryitems"].([]any)
	if len(items) == 0 {
		return 0, "Missing required field 'orderdeliveryitems'."
	}
	var lines []record
	var out []record
	kind := 30
	for _, raw := range items {
		item, _ := raw.(map[string]any)
		i, has := item["orderitemid"]
		n := record(item).int("orderitemid")
		if !has || i == nil || n < 0 || int(n) >= len(rows) {
			return 0, fmt.Sprintf("Invalid orderitemid (%v)", i)
		}
		row := rows[n].(record) //nolint:forcetypeassert // written by newOrder
		quantity := record(item).int("quantity")
		if row.int("quantity") < 0 {
			kind = 40
		}
		out = append(out, record{"orderitemid": n, "quantity": quantity})
		if t.bySKU(row.text("sku")) != nil {
			change := decimal.NewFromInt(-quantity)
			lines = append(lines, record{"sku": row.text("sku"), "decimalquantity": change.String()})
		}
	}
	t.nextID++
	id = t.nextID
	t.delivered[order.int("orderid")] = append(t.delivered[order.int("orderid")], record{
		"orderdeliveryid": id, "orderid": order["orderid"], "warehouseid": warehouse, "orderdeliveryref": in.text("orderdeliveryref"),
		"datedelivery": now(), "datecancelled": nil, "pluginname": "", "orderdeliveryitems": out,
	})
	data, _ := order["additionaldata"].(map[string]any)
	if !ignoreStock && data["delivery-ignore-stock"] != "true" && len(lines) > 0 && !t.virtual(warehouse) {
		t.book(warehouse, kind, lines, false, record{"orderdeliveryid": id})
	}
	return id, ""
}
