package eurofakturatest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// classes are the numbers before the colon of ids. Only that of invoices is known.
var classes = map[Kind]int{
	SalesOrder: 61, SalesInvoice: 60, "SalesQuote": 62, "AdvanceInvoice": 63, "DeliveryNote": 64, "PurchaseOrder": 65,
	"ReceivedInvoice": 66, "WorkOrder": 67,
}

// perform carries a method out.
func (b *Books) perform(c Call) (result any, problem string) {
	for kind := range classes {
		if verb, ok := strings.CutPrefix(c.Method, string(kind)); ok {
			return b.document(kind, verb, c.Parameters)
		}
	}
	switch {
	case c.Method == "WarehouseGetArticleStockQuantity":
		return b.stockList(c.Parameters)
	case strings.HasPrefix(c.Method, "Product"):
		return b.product(strings.TrimPrefix(c.Method, "Product"), c.Parameters)
	case strings.HasPrefix(c.Method, "Partner"):
		return b.partner(strings.TrimPrefix(c.Method, "Partner"), c.Parameters)
	}
	return nil, wrong("method", "There is no method "+c.Method)
}

// wrong is a numbered error.
func wrong(field, text string) string { return fmt.Sprintf("Error nr: 1 #%s - %s;\r\n", field, text) }

const none = "Error nr: 1 #noDocumentsFound - nothing matches the search;\r\n"

func text(m map[string]any, name string) string {
	switch v := m[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func number(m map[string]any, name string) (d decimal.Decimal, given bool) {
	s := text(m, name)
	if s == "" {
		return d, false
	}
	d, err := decimal.NewFromString(s)
	return d, err == nil
}

func (b *Books) visible(d *Document) bool { return time.Since(d.At) >= b.config.BookAfter }

func (b *Books) document(kind Kind, verb string, p map[string]any) (any, string) {
	switch verb {
	case "Create", "Import":
		fields, _ := p[string(kind)].(map[string]any)
		return b.create(kind, fields, text(p, "apiTransactionId"), verb == "Import")
	case "List":
		return b.list(kind, p)
	}
	found := b.find(kind, p)
	if len(found) == 0 {
		return nil, none
	}
	d := found[0]
	switch verb {
	case "Get":
		rows := make([]any, len(found))
		for i, d := range found {
			rows[i] = b.show(d, false)
		}
		return rows, ""
	case "Update":
		fields, ok := p[string(kind)].(map[string]any)
		if !ok {
			return nil, wrong(string(kind), "The document is missing")
		}
		status, before := text(fields, "status"), text(d.Fields, "status")
		if b.config.ReplaceOnUpdate {
			d.Fields = maps.Clone(fields)
		} else {
			maps.Copy(d.Fields, fields)
		}
		if b.config.IgnoreStatus || status == "" {
			d.Fields["status"] = before
		}
		d.Amount = b.amount(d.Fields)
		return map[string]any{"documentID": d.ID, "number": d.Number}, ""
	case "Delete":
		b.documents = slices.DeleteFunc(b.documents, func(x *Document) bool { return x == d })
		return map[string]any{"documentID": d.ID}, ""
	case "Cancel":
		d.Fields["status"] = "Cancelled"
		return map[string]any{"documentID": d.ID}, ""
	case "SendByEmail":
		return map[string]any{"documentID": d.ID}, ""
	case "PaymentRecordAdd":
		if _, ok := number(p, "paymentAmount"); !ok {
			return nil, wrong("paymentAmount", "The amount is missing")
		}
		d.Payments = append(d.Payments, p)
		return map[string]any{"documentID": d.ID}, ""
	case "CreateInvoice":
		fields := maps.Clone(d.Fields)
		fields["orderReference"] = text(d.Fields, "orderReference")
		fields["status"] = "IssuedInvoice"
		d.Fields["status"] = "Invoiced" // set by the document that was issued
		return b.create(SalesInvoice, fields, text(p, "apiTransactionId"), true)
	case "GetPDF":
		pdf := "%PDF-1.4\n% " + d.Number + "\n" + strings.Repeat("0123456789abcdef\n", 4096) + "%%EOF\n"
		return map[string]any{"pdfFile": base64.StdEncoding.EncodeToString([]byte(pdf))}, ""
	case "GetPublicURL":
		return map[string]any{"publicURL": "https://eurofaktura.test/p/" + d.ID}, ""
	case "AttachmentAdd":
		a, _ := p["attachment"].(map[string]any)
		data, err := base64.StdEncoding.DecodeString(text(a, "contents"))
		if err != nil || text(a, "fileName") == "" {
			return nil, wrong("attachment", "The attachment cannot be read")
		}
		if d.Files == nil {
			d.Files = map[string][]byte{}
		}
		d.Files[text(a, "fileName")] = data
		return map[string]any{"documentID": d.ID}, ""
	case "AttachmentList":
		rows := []any{}
		for _, name := range slices.Sorted(maps.Keys(d.Files)) {
			rows = append(rows, map[string]any{"Attachment": map[string]any{"fileName": name}})
		}
		return rows, ""
	case "AttachmentGet":
		data, ok := d.Files[text(p, "fileName")]
		if !ok {
			return nil, none
		}
		return []any{map[string]any{"Attachment": map[string]any{
			"fileName": text(p, "fileName"), "contents": base64.StdEncoding.EncodeToString(data),
		}}}, ""
	}
	return nil, wrong("method", "There is no method "+string(kind)+verb)
}

// find are the documents that a reference fits.
func (b *Books) find(kind Kind, p map[string]any) []*Document {
	id, numbers := text(p, "documentID"), strings.Split(text(p, "number"), ",")
	var found []*Document
	for _, d := range b.documents {
		switch {
		case d.Kind != kind || !b.visible(d):
		case id != "":
			if d.ID == id {
				found = append(found, d)
			}
		case slices.Contains(numbers, d.Number) && (text(p, "date") == "" || text(p, "date") == d.Text("date")):
			found = append(found, d)
		}
	}
	return found
}

func (b *Books) list(kind Kind, p map[string]any) (any, string) {
	rows := []any{}
	from, to, status := text(p, "dateFrom"), text(p, "dateTo"), text(p, "status")
	issued := strings.Replace(text(p, "issuedTimestampFrom"), " ", "T", 1)
	for _, d := range b.documents {
		date := d.Text("date")
		switch {
		case d.Kind != kind || !b.visible(d), from != "" && date < from, to != "" && date > to, status != "" && d.Text("status") != status,
			text(p, "buyer") != "" && d.Text("buyerCode") != text(p, "buyer"),
			issued != "" && d.At.In(b.config.Location).Format("2006-01-02T15:04:05") < issued:
			continue
		}
		if len(rows) == b.config.MaxDocuments {
			break
		}
		rows = append(rows, b.show(d, true))
	}
	if len(rows) == 0 {
		return nil, none
	}
	return rows, ""
}

// show is a document as the server shows it: amounts as text, no members it does not know.
func (b *Books) show(d *Document, inList bool) map[string]any {
	row := maps.Clone(d.Fields)
	row["documentID"], row["number"] = d.ID, d.Number
	row["documentAmount"] = d.Amount.StringFixed(2)
	if d.Kind == SalesInvoice {
		row["issuedTimestamp"] = d.At.In(b.config.Location).Format("2006-01-02T15:04:05")
		paid := decimal.Zero
		for _, p := range d.Payments {
			n, _ := number(p, "paymentAmount")
			paid = paid.Add(n)
		}
		row["amountLeftToBePaid"] = d.Amount.Sub(paid).StringFixed(2)
	}
	if inList && b.config.NoReferencesInLists {
		delete(row, "orderReference")
		delete(row, "referenceDocumentNumber")
	}
	items := []any{}
	for i, item := range d.Items() {
		item = maps.Clone(item)
		item["position"] = i + 1
		if q, ok := number(item, "quantity"); ok {
			item["quantity"] = q.StringFixed(2)
		}
		items = append(items, item)
	}
	row["Items"] = items
	return row
}

func (b *Books) create(kind Kind, fields map[string]any, transaction string, imported bool) (any, string) {
	if fields == nil {
		return nil, wrong(string(kind), "The document is missing")
	}
	d := &Document{Kind: kind, Transaction: transaction, Fields: maps.Clone(fields), At: time.Now().UTC()}
	today := d.At.In(b.config.Location)
	if d.Text("date") == "" {
		d.Fields["date"] = today.Format(time.DateOnly)
	}
	if _, err := time.Parse(time.DateOnly, d.Text("date")); err != nil {
		return nil, wrong("date", "The date cannot be read")
	}
	if problem := b.check(d); problem != "" {
		return nil, problem
	}
	if d.Text("status") == "" {
		d.Fields["status"] = b.config.StatusOnCreate
	}
	b.next++
	d.ID = fmt.Sprintf("%d:%d", classes[kind], 880000+b.next)
	d.Number = fmt.Sprintf("%s-%05d", d.Text("date")[:4], b.next)
	if imported && text(fields, "number") != "" {
		d.Number = text(fields, "number")
	}
	d.Amount = b.amount(d.Fields)
	b.documents = append(b.documents, d)
	return map[string]any{"documentID": d.ID, "number": d.Number, "date": d.Text("date"), "paymentReference": "00 " + d.Number}, ""
}

// check refuses what real clients were seen to be refused.
func (b *Books) check(d *Document) string {
	var problems []string
	add := func(field, text string) {
		problems = append(problems, fmt.Sprintf("Error nr: %d #%s - %s;\r\n", len(problems)+1, field, text))
	}
	items := d.Items()
	if len(items) == 0 {
		add("Items", "Document has no items")
	}
	for i, item := range items {
		price, name := "price", "price"
		if d.Text("type") == "Gross" {
			price, name = "netPrice", "netPrice"
		}
		_, priced := number(item, price)
		code := text(item, "productCode")
		switch {
		case code == "" && text(item, "description") == "" && text(item, "productName") == "":
			add("Items", fmt.Sprintf("Item %d is neither a product nor a text", i+1))
		case !priced && code == "":
			add(name, fmt.Sprintf("Item %d has no price", i+1))
		}
		if code == "" {
			continue
		}
		product := b.products[code]
		if product == nil {
			add("productCode", "There is no product "+code)
			continue
		}
		listed, has := number(product, map[string]string{"price": "retailPrice", "netPrice": "grossPrice"}[price])
		if sold, ok := number(item, price); ok && has && !listed.IsZero() && !sold.Equal(listed) && text(product, "allowChangeOfPriceOnTheInvoice") != "true" {
			add(name, "The price of "+code+" must not be changed")
		}
	}
	return strings.Join(problems, "")
}

// amount is the document's total.
func (b *Books) amount(fields map[string]any) decimal.Decimal {
	hundred := decimal.NewFromInt(100)
	total := decimal.Zero
	net := map[string]decimal.Decimal{} // by rate
	for _, item := range (Document{Fields: fields}).Items() {
		quantity, ok := number(item, "quantity")
		if !ok {
			quantity = decimal.NewFromInt(1)
		}
		discount, _ := number(item, "discountPercentage")
		of := func(name string) decimal.Decimal {
			price, _ := number(item, name)
			return price.Mul(quantity).Mul(hundred.Sub(discount)).Div(hundred)
		}
		if text(fields, "type") != "Gross" {
			amount := of("price")
			if b.config.Rounding != AtEnd {
				amount = amount.Round(2)
			}
			total = total.Add(amount)
			continue
		}
		amount := of("netPrice")
		rate, given := number(item, "vatPercentage")
		if !given {
			rate = decimal.NewFromInt(22)
		}
		switch b.config.Rounding {
		case PerLine:
			amount = amount.Round(2)
			total = total.Add(amount).Add(amount.Mul(rate).Div(hundred).Round(2))
		case PerRate:
			amount = amount.Round(2)
			total = total.Add(amount)
			net[rate.String()] = net[rate.String()].Add(amount)
		case AtEnd:
			total = total.Add(amount).Add(amount.Mul(rate).Div(hundred))
		}
	}
	for rate, amount := range net {
		total = total.Add(amount.Mul(decimal.RequireFromString(rate)).Div(hundred).Round(2))
	}
	return total.Round(2)
}

func (b *Books) product(verb string, p map[string]any) (any, string) {
	save := func(fields map[string]any) string {
		code := text(fields, "productCode")
		if code == "" {
			return wrong("productCode", "The product has no code")
		}
		known := b.products[code]
		if known == nil {
			known = map[string]any{}
			b.products[code] = known
		}
		maps.Copy(known, fields)
		return ""
	}
	fields, _ := p["product"].(map[string]any)
	code := text(p, "productCode")
	switch verb {
	case "Create":
		if b.products[text(fields, "productCode")] != nil {
			return nil, wrong("productCode", "The code is taken")
		}
		return map[string]any{"productCode": text(fields, "productCode")}, save(fields)
	case "Update":
		if b.products[text(fields, "productCode")] == nil {
			return nil, none
		}
		return map[string]any{"productCode": text(fields, "productCode")}, save(fields)
	case "Import":
		return map[string]any{"productCode": text(fields, "productCode")}, save(fields)
	case "MassImport", "MassPriceCalculationUpdate":
		list, _ := p["products"].([]any)
		if len(list) > 5000 {
			return nil, wrong("products", "At most 5000 products in a call")
		}
		for _, v := range list {
			fields, _ := v.(map[string]any)
			if problem := save(fields); problem != "" {
				return nil, problem
			}
		}
		return map[string]any{"imported": len(list)}, ""
	case "Delete":
		if b.products[code] == nil {
			return nil, none
		}
		delete(b.products, code)
		return map[string]any{}, ""
	case "GetByCode":
		if b.products[code] == nil {
			return nil, none
		}
		return []any{b.products[code]}, ""
	case "List":
		return b.productList(p)
	}
	return nil, wrong("method", "There is no method Product"+verb)
}

func (b *Books) productList(p map[string]any) (any, string) {
	var codes []string
	if s := text(p, "productCode"); s != "" {
		codes = strings.Split(s, ",")
	}
	rows := []any{}
	for _, code := range slices.Sorted(maps.Keys(b.products)) {
		from, to := text(p, "productCodeFrom"), text(p, "productCodeTo")
		if codes != nil && !slices.Contains(codes, code) || from != "" && code < from || to != "" && code > to {
			continue
		}
		if len(rows) < b.config.MaxProducts {
			rows = append(rows, b.products[code])
		}
	}
	if len(rows) == 0 {
		return nil, none
	}
	return rows, ""
}

func (b *Books) partner(verb string, p map[string]any) (any, string) {
	fields, _ := p["partner"].(map[string]any)
	codeOf := func(fields map[string]any) string {
		if code := text(fields, "partnerCode"); code != "" {
			return code
		}
		buyer, _ := fields["BuyerData"].(map[string]any)
		return text(buyer, "buyerCode")
	}
	code := text(p, "partnerCode")
	switch verb {
	case "Create", "Import", "Update":
		code := codeOf(fields)
		if code == "" {
			code = fmt.Sprintf("P%05d", len(b.partners)+1)
		}
		known := b.partners[code]
		if known == nil {
			known = map[string]any{"documentID": fmt.Sprintf("34:%d", 100+len(b.partners))}
			b.partners[code] = known
		}
		maps.Copy(known, fields)
		known["partnerCode"] = code
		return map[string]any{"partnerCode": code, "documentID": known["documentID"], "registrationNumber": nil, "taxID": known["taxID"]}, ""
	case "Delete":
		if b.partners[code] == nil {
			return nil, none
		}
		delete(b.partners, code)
		return map[string]any{}, ""
	case "GetByCode":
		if b.partners[code] == nil {
			return nil, none
		}
		return []any{b.partners[code]}, ""
	case "List", "ListBuyers", "GetByID", "GetByDocumentID":
		rows := []any{}
		for _, key := range slices.Sorted(maps.Keys(b.partners)) {
			partner := b.partners[key]
			switch {
			case code != "" && key != code,
				text(p, "vatID") != "" && text(partner, "vatID") != text(p, "vatID"),
				text(p, "documentID") != "" && text(partner, "documentID") != text(p, "documentID"),
				text(p, "ID") != "" && text(partner, "taxID") != text(p, "ID"):
				continue
			}
			rows = append(rows, partner)
		}
		if len(rows) == 0 {
			return nil, none
		}
		return rows, ""
	}
	return nil, wrong("method", "There is no method Partner"+verb)
}

func (b *Books) stockList(p map[string]any) (any, string) {
	var codes []string
	switch v := p["productCode"].(type) {
	case string:
		codes = []string{v}
	case []any:
		for _, c := range v {
			codes = append(codes, fmt.Sprint(c))
		}
	}
	keys := slices.Collect(maps.Keys(b.stock))
	sort.Slice(keys, func(i, j int) bool {
		return keys[i][1] < keys[j][1] || keys[i][1] == keys[j][1] && keys[i][0] < keys[j][0]
	})
	rows := []any{}
	for i, key := range keys {
		quantity := b.stock[key]
		switch {
		case text(p, "warehouseCode") != "" && key[0] != text(p, "warehouseCode"), codes != nil && !slices.Contains(codes, key[1]),
			quantity.IsZero() && text(p, "allStockTrackingProducts") != "true":
			continue
		}
		if len(rows) == b.config.MaxStock {
			break
		}
		var shown any = quantity.StringFixed(2)
		if i%2 == 1 { // numbers and texts by turns, as seen
			shown = json.Number(quantity.String())
		}
		rows = append(rows, map[string]any{"StockQuantityInfo": map[string]any{
			"productCode": key[1], "warehouseCode": key[0], "quantityOnStock": shown,
		}})
	}
	if len(rows) == 0 {
		return nil, none
	}
	return rows, ""
}
