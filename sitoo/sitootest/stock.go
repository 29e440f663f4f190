package sitootest

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

// stock is what a warehouse has of a SKU.
type stock struct {
	id              int64
	total, reserved decimal.Decimal
	modified        int64
	bin             string
}

func (s *stock) record(warehouse int64, sku string) record {
	return record{
		"warehouseitemid": s.id, "warehouseid": warehouse, "sku": sku, "binlocation": s.bin, "decimalthreshold": "0.000",
		"decimaltotal": s.total.StringFixed(3), "moneytotal": "0.00", "decimalreserved": s.reserved.StringFixed(3),
		"decimalavailable": s.total.Sub(s.reserved).StringFixed(3), "datelastmodified": s.modified, "datelaststocktaking": nil,
	}
}

// shelf is a warehouse's stock of a SKU, made where there is none.
func (t *Till) shelf(warehouse int64, sku string) *stock {
	if t.shelves[warehouse] == nil {
		t.shelves[warehouse] = map[string]*stock{}
	}
	s := t.shelves[warehouse][sku]
	if s == nil {
		t.nextID++
		s = &stock{id: t.nextID, modified: now()}
		t.shelves[warehouse][sku] = s
	}
	return s
}

func (t *Till) virtual(warehouse int64) bool {
	return t.tables["warehouses"].rows[strconv.FormatInt(warehouse, 10)].int("warehousetype") == 20
}

// belowWarehouse answers for stock, batches and transactions of a warehouse.
func (t *Till) belowWarehouse(r *request, id, what string, rest []string) reply {
	warehouse, err := strconv.ParseInt(id, 10, 64)
	if _, has := t.tables["warehouses"].rows[id]; !has || err != nil {
		return bad("Invalid warehouseid (%s)", id)
	}
	switch {
	case what == "warehouseitems" && len(rest) == 0:
		return t.stockItems(r, warehouse)
	case what == "warehousetransactions" && len(rest) == 0 && r.method == http.MethodGet:
		return t.transactions(r, warehouse)
	case what == "warehousetransactions" && len(rest) == 1 && r.method == http.MethodGet:
		for _, tr := range t.ledger {
			if keyText(tr["warehousetransactionid"]) == rest[0] && tr.int("warehouseid") == warehouse {
				return ok(tr)
			}
		}
		return bad("Invalid warehousetransactionid (%s)", rest[0])
	case what == "warehousebatches":
		return t.stockBatches(r, warehouse, rest)
	}
	return reply{http.StatusNotFound, fault("URL invalid")}
}

func (t *Till) stockItems(r *request, warehouse int64) reply {
	if r.method == http.MethodGet {
		rows := map[string]record{}
		for sku, s := range t.shelves[warehouse] {
			if oneOf(r.query, "sku", sku) && within(r.query, "datelastmodifiedfrom", "datelastmodifiedto", s.modified) {
				rows[sku] = s.record(warehouse, sku)
			}
		}
		return list(sorted(rows), r.query, nil)
	}
	return t.rowsBySKU(r, nil, kinds("sku:s decimaltotal:d moneytotal:m decimalthreshold:d binlocation:s"), []string{"sku"}, func(item record) (any, string) {
		sku := item.text("sku")
		if t.bySKU(sku) == nil {
			return nil, "Invalid sku (" + sku + ")"
		}
		s := t.shelf(warehouse, sku)
		if total, has := item["decimaltotal"].(string); has && t.virtual(warehouse) { // of a FIFO warehouse it is read-only: ignored
			s.total, s.modified = decimal.RequireFromString(total), now()
		}
		if bin, has := item["binlocation"].(string); has {
			s.bin = bin
		}
		return s.id, ""
	})
}

// book moves stock and writes the ledger. With absolute the quantities are what was counted.
func (t *Till) book(warehouse int64, kind int, lines []record, absolute bool, more record) int64 {
	t.nextID++
	id := t.nextID
	var items []record
	for _, line := range lines {
		s := t.shelf(warehouse, line.text("sku"))
		q := decimal.RequireFromString(line.text("decimalquantity"))
		if absolute {
			q = q.Sub(s.total)
		}
		s.total, s.modified = s.total.Add(q), now()
		items = append(items, record{
			"warehouseitemid": s.id, "warehousetransactionid": id, "sku": line.text("sku"), "decimalquantity": q.StringFixed(3),
			"decimaltotal": s.total.StringFixed(3), "moneypricein": "0.00", "moneytotal": "0.00", "moneyvalue": "0.00",
		})
	}
	tr := record{
		"warehousetransactionid": id, "warehouseid": warehouse, "datecreated": now(), "transactiontype": kind, "description": "",
		"orderdeliveryid": nil, "shipmentid": nil, "externalid": nil, "reasoncode": nil, "items": items,
	}
	for name, v := range more {
		tr[name] = v
	}
	t.ledger = append(t.ledger, tr)
	return id
}

func (t *Till) transactions(r *request, warehouse int64) reply {
	var out []record
	for _, tr := range t.ledger {
		id := tr.int("warehousetransactionid")
		if warehouse != 0 && tr.int("warehouseid") != warehouse || !oneOf(r.query, "warehouseid", tr.int("warehouseid")) && warehouse == 0 ||
			!oneOf(r.query, "warehousetransactionid", id) || !within(r.query, "warehousetransactionidfrom", "warehousetransactionidto", id) ||
			!within(r.query, "datecreatedfrom", "datecreatedto", tr.int("datecreated")) ||
			!oneOf(r.query, "transactiontype", tr.int("transactiontype")) {
			continue
		}
		out = append(out, tr)
	}
	return list(inOrder(out, r, "warehousetransactionid"), r.query, nil)
}

// inOrder sorts as asked, newest first by default.
func inOrder(records []record, r *request, key string) []record {
	if last(r.query["sort"]) != key {
		slices.Reverse(records)
	}
	return records
}

func (t *Till) postTransactions(r *request) reply {
	records, many, why := r.decode()
	if why != "" {
		return bad("%s", why)
	}
	lines := 0
	for _, tr := range records {
		items, _ := tr["items"].([]any)
		lines += len(items)
	}
	if lines > 1000 {
		return bad("Too many items")
	}
	shape := &table{
		kinds:    kinds("warehouseid:i transactiontype:i description:s externalid:S reasoncode:S shipmentid:I items:a"),
		required: []string{"warehouseid", "transactiontype", "items"},
	}
	line := &table{kinds: kinds("sku:s decimalquantity:d moneypricein:m"), required: []string{"sku", "decimalquantity"}}
	var answers []any
	for _, tr := range records {
		v, why := func() (any, string) {
			if why := shape.refuse(tr, true, ""); why != "" {
				return nil, why
			}
			warehouse, kind := tr.int("warehouseid"), tr.int("transactiontype")
			if _, has := t.tables["warehouses"].rows[strconv.FormatInt(warehouse, 10)]; !has {
				return nil, "Invalid warehouseid (" + strconv.FormatInt(warehouse, 10) + ")"
			}
			switch {
			case t.virtual(warehouse):
				return nil, "Transactions are not allowed for virtual warehouses"
			case kind != 10 && kind != 20:
				return nil, "Invalid transactiontype"
			}
			var lines []record
			for _, raw := range tr["items"].([]any) { //nolint:forcetypeassert // its kind was checked
				item, _ := raw.(map[string]any)
				if why := line.refuse(item, true, ""); why != "" {
					return nil, why
				}
				if t.bySKU(record(item).text("sku")) == nil {
					return nil, "Invalid sku (" + record(item).text("sku") + ")"
				}
				if sign := decimal.RequireFromString(record(item).text("decimalquantity")).Sign(); kind == 10 && sign < 0 || kind == 20 && sign > 0 {
					return nil, "Invalid decimalquantity"
				}
				lines = append(lines, item)
			}
			return t.book(warehouse, int(kind), lines, false, pick(tr, []string{"description", "externalid", "reasoncode"})), ""
		}()
		if why != "" {
			answers = append(answers, &failure{http.StatusBadRequest, why})
			continue
		}
		answers = append(answers, map[string]any{"statuscode": http.StatusOK, "return": v})
	}
	if !many {
		if f, refused := answers[0].(*failure); refused {
			return reply{f.Status, f}
		}
		return ok(answers[0].(map[string]any)["return"]) //nolint:forcetypeassert // the other of the two
	}
	return ok(answers)
}

// stockBatches answers for sessions and their rows.
func (t *Till) stockBatches(r *request, warehouse int64, rest []string) reply {
	tab := t.tables["warehousebatches"]
	if tab == nil {
		tab = &table{
			key: "warehousebatchid", required: []string{"transactiontype"}, rows: map[string]record{},
			kinds: kinds("transactiontype:i warehousebatchstate:i emailowner:s comment:s shipmentid:I externalid:S reasoncode:S"),
		}
		t.tables["warehousebatches"] = tab
	}
	if len(rest) == 0 && r.method == http.MethodGet {
		state := last(r.query["warehousebatchstate"])
		if state == "" {
			state = "10"
		}
		var out []record
		for _, b := range tab.all() {
			if b.int("warehouseid") == warehouse && strconv.FormatInt(b.int("warehousebatchstate"), 10) == state &&
				oneOf(r.query, "transactiontype", b.int("transactiontype")) {
				out = append(out, b)
			}
		}
		return list(out, r.query, nil)
	}
	if len(rest) == 0 && r.method == http.MethodPost {
		return t.openBatch(r, tab, warehouse)
	}
	var batch record
	if len(rest) > 0 {
		batch = tab.rows[rest[0]]
	}
	if batch == nil || batch.int("warehouseid") != warehouse {
		return bad("Invalid warehousebatchid (%v)", rest)
	}
	id := batch.int("warehousebatchid")
	open := batch.int("warehousebatchstate") == 10
	switch {
	case len(rest) == 1 && r.method == http.MethodGet:
		return ok(batch)
	case len(rest) == 1 && r.method == http.MethodPut:
		records, many, why := r.decode()
		if why != "" || many {
			return bad("Invalid JSON")
		}
		if !open {
			return bad("The batch is closed")
		}
		if why := t.change(tab, rest[0], records[0]); why != "" {
			return bad("%s", why)
		}
		if batch.int("warehousebatchstate") == 20 {
			kind := int(batch.int("transactiontype"))
			batch["warehousetransactionid"] = t.book(warehouse, kind, sorted(t.batches[id]), kind == 50,
				record{"description": batch.text("comment"), "externalid": batch["externalid"]})
		}
		return ok(true)
	case len(rest) == 2 && rest[1] == "warehousebatchitems":
		if r.method != http.MethodGet && !open {
			return bad("The batch is closed")
		}
		rows := t.batches[id]
		return t.rowsBySKU(r, rows, kinds("sku:s decimalquantity:d moneypricein:m emailowner:s comment:S"), []string{"sku", "decimalquantity"},
			func(item record) (any, string) {
				if t.bySKU(item.text("sku")) == nil {
					return nil, "Invalid sku (" + item.text("sku") + ")"
				}
				row := clone(item)
				row["warehousebatchid"], row["datemodified"] = id, now()
				rows[item.text("sku")] = row
				return true, ""
			})
	}
	return reply{http.StatusNotFound, fault("URL invalid")}
}

func (t *Till) openBatch(r *request, tab *table, warehouse int64) reply {
	records, many, why := r.decode()
	if why != "" || many {
		return bad("Invalid JSON")
	}
	if why := tab.refuse(records[0], true, ""); why != "" {
		return bad("%s", why)
	}
	for _, b := range tab.all() {
		if b.int("warehouseid") == warehouse && b.int("warehousebatchstate") == 10 && b.int("transactiontype") == records[0].int("transactiontype") {
			return bad("An open batch of this type already exists (%d)", b.int("warehousebatchid"))
		}
	}
	row := clone(records[0])
	row["warehouseid"], row["warehousebatchstate"], row["warehousetransactionid"] = warehouse, 10, nil
	t.complete(tab, row)
	t.nextID++
	tab.insert(t.nextID, row)
	t.batches[t.nextID] = map[string]record{}
	return ok(t.nextID)
}
