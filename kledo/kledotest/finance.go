package kledotest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// row is a record of finance/*, by its members on the wire.
type row map[string]any

// table is one kind of record.
type table struct {
	rows     []row
	required []string // members without which a POST is refused; nil: no POST
	change   bool     // PUT finance/x/{id}
	fixed    bool     // GET alone
	simple   bool     // its pages say nothing of a last page or a total
}

// newTables are the kinds of record that there are, with what Kledo has in an account from the start.
func newTables(c Config) map[string]*table {
	tables := map[string]*table{
		"finance/invoices":             {required: []string{"trans_date", "contact_id", "items"}, change: true},
		"finance/orders":               {required: []string{"trans_date", "contact_id", "items"}},
		"finance/contacts":             {required: []string{"name", "type_id", "group_id"}, change: true},
		"finance/contactGroups":        {required: []string{"name"}},
		"finance/products":             {required: []string{"name"}, change: true},
		"finance/productCategories":    {required: []string{"name"}},
		"finance/accounts":             {required: []string{"name", "ref_code"}, change: true},
		"finance/bankTrans":            {required: []string{"trans_date", "bank_account_id", "items"}},
		"finance/expenses":             {required: []string{"trans_date", "items"}},
		"finance/stockAdjustments":     {required: []string{"trans_date", "warehouse_id", "items"}},
		"finance/warehouses/transfers": {required: []string{"trans_date"}},
		"finance/deliveries":           {fixed: true, simple: true},
	}
	for _, name := range []string{"warehouses", "tags", "units", "fees", "quotes", "purchaseInvoices", "purchaseOrders",
		"purchaseDeliveries", "purchaseQuotes", "journals"} {
		tables["finance/"+name] = &table{fixed: true}
	}
	tables["finance/contactGroups"].rows = []row{{"id": 1, "name": "Pelanggan", "code": "P"}}
	for i, name := range []string{"WooCommerce", "Online"} {
		tables["finance/tags"].rows = append(tables["finance/tags"].rows, row{"id": 3 + i, "name": name, "color": "#3366ff"})
	}
	for _, w := range c.Warehouses {
		tables["finance/warehouses"].rows = append(tables["finance/warehouses"].rows, row{"id": w.ID, "name": w.Name, "code": w.Code, "qty": "0.00"})
	}
	for _, a := range c.Accounts {
		tables["finance/accounts"].rows = append(tables["finance/accounts"].rows,
			row{"id": a.ID, "name": a.Name, "ref_code": a.Code, "finance_account_category_id": a.Category})
	}
	return tables
}

// Add puts a record into one of finance/*'s lists, such as "finance/deliveries"; the member id is given where it is missing. It returns
// the id.
func (b *Books) Add(path string, members map[string]any) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.add(path, members)
}

func (b *Books) add(path string, r row) int {
	id, ok := r["id"].(int)
	if !ok {
		b.lastID++
		id = 5500 + b.lastID
		r["id"] = id
	}
	t := b.tables[path]
	if t == nil {
		t = &table{fixed: true}
		b.tables[path] = t
	}
	t.rows = append(t.rows, r)
	return id
}

// Records returns the records of one of finance/*'s lists as JSON, oldest first.
func (b *Books) Records(path string) []json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []json.RawMessage
	if t := b.tables[path]; t != nil {
		for _, r := range t.rows {
			raw, err := json.Marshal(r)
			if err != nil {
				raw = nil
			}
			all = append(all, raw)
		}
	}
	return all
}

// finance answers finance/*; nil for a path that is none of it.
func (b *Books) finance(r *http.Request, path string, body []byte) *Answer {
	switch {
	case path == "finance/bankTrans/invoicePayment" && r.Method == http.MethodPost:
		return b.pay(body)
	case path == "finance/products/stocks" && r.Method == http.MethodGet:
		return say(map[string]any{"success": true, "data": []any{}})
	}
	if t := b.tables[path]; t != nil {
		switch {
		case r.Method == http.MethodGet:
			return b.list(r, path, t)
		case r.Method == http.MethodPost && !t.fixed:
			return b.post(path, t, body)
		}
		return notAllowed(r)
	}
	parent, id, found := cutLast(path)
	t := b.tables[parent]
	if !found || t == nil {
		return nil
	}
	at := slices.IndexFunc(t.rows, func(r row) bool { return r["id"] == id && b.seen(r) })
	switch {
	case at < 0:
		return refuse(http.StatusNotFound, "Data tidak ditemukan.")
	case r.Method == http.MethodGet:
		return say(map[string]any{"success": true, "data": public(t.rows[at])})
	case r.Method == http.MethodPut && t.change:
		var members row
		if json.Unmarshal(body, &members) != nil {
			return refuse(http.StatusBadRequest, "Data tidak valid.")
		}
		for name, v := range members {
			t.rows[at][name] = v
		}
		return say(map[string]any{"success": true, "data": public(t.rows[at])})
	}
	return notAllowed(r)
}

func cutLast(path string) (parent string, id int, ok bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", 0, false
	}
	id, err := strconv.Atoi(path[at+1:])
	return path[:at], id, err == nil
}

// seen reports whether a record is in the books by now.
func (b *Books) seen(r row) bool {
	from, ok := r[visibleFrom].(time.Time)
	return !ok || !time.Now().Before(from)
}

const visibleFrom = "-" // the member that is none: from when on a document is seen

// public is a record as it is shown.
func public(r row) row {
	shown := row{}
	for name, v := range r {
		if name != visibleFrom {
			shown[name] = v
		}
	}
	return shown
}

// filters are the parameters that select by an equal member.
var filters = map[string]string{
	"code": "code", "contact_id": "contact_id", "status_id": "status_id", "group_id": "group_id", "type_id": "type_id",
	"warehouse_id": "warehouse_id", "finance_account_category_id": "finance_account_category_id",
}

// list shows a table. search looks into every text.
func (b *Books) list(r *http.Request, path string, t *table) *Answer {
	if path == "finance/bankTrans" && r.URL.Query().Get("bank_account_id") == "" {
		return refuse(http.StatusBadRequest, "Akun bank diperlukan.")
	}
	rows := []any{}
	for _, record := range t.rows {
		if b.seen(record) && selected(record, r.URL.Query()) {
			rows = append(rows, public(record))
		}
	}
	return b.page(r, rows, 15, t.simple)
}

func selected(r row, q url.Values) bool {
	for parameter, member := range filters {
		want := q.Get(parameter)
		if want != "" && !slices.Contains(strings.Split(want, ","), text(r[member])) {
			return false
		}
	}
	for _, parameter := range []string{"search", "name"} {
		want := strings.ToLower(q.Get(parameter))
		found := want == ""
		for _, v := range r {
			if s, ok := v.(string); ok && strings.Contains(strings.ToLower(s), want) {
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// post makes a record, and a [Document] of an invoice or a sales order.
func (b *Books) post(path string, t *table, body []byte) *Answer {
	var members row
	if json.Unmarshal(body, &members) != nil || members == nil {
		return refuse(http.StatusBadRequest, "Data tidak valid.")
	}
	for _, name := range t.required {
		if v, ok := members[name]; !ok || v == nil || v == "" {
			return refuse(http.StatusBadRequest, name+" diperlukan.")
		}
	}
	switch path {
	case "finance/contacts":
		if slices.ContainsFunc(t.rows, func(r row) bool { return r["name"] == members["name"] }) {
			return refuse(http.StatusBadRequest, "Nama sudah digunakan (already used).")
		}
	case "finance/invoices", "finance/orders":
		return b.sale(path, members, body)
	}
	delete(members, "id")
	b.add(path, members)
	return say(map[string]any{"success": true, "message": "Berhasil disimpan", "data": public(members)})
}

// sales are the documents of finance/*.
var sales = map[string]Kind{"finance/orders": SalesOrder, "finance/invoices": Invoice}

var digits = regexp.MustCompile(`\d+$`)

// sale checks an invoice or a sales order, completes its members and counts it; or says why not.
func (b *Books) sale(path string, members row, body []byte) *Answer {
	d := Document{ID: 88000 + len(b.documents) + 1, Kind: sales[path], At: time.Now().UTC(), Body: string(body)}
	ref, _ := members["ref_number"].(string)
	d.OrderID, _ = strconv.ParseInt(digits.FindString(ref), 10, 64)
	customer := slices.ContainsFunc(b.tables["finance/contacts"].rows, func(r row) bool {
		return text(r["id"]) == text(members["contact_id"]) && text(r["type_id"]) == "3"
	})
	if !customer {
		return refuse(http.StatusBadRequest, "Kontak harus tipe pelanggan.")
	}
	items, _ := members["items"].([]any)
	total := number(members["shipping_cost"]).Sub(number(members["additional_discount_amount"]))
	subtotal, tax := decimal.Zero, decimal.Zero
	for _, it := range items {
		item, _ := it.(map[string]any)
		known := slices.ContainsFunc(b.tables["finance/products"].rows, func(r row) bool { return text(r["id"]) == text(item["finance_account_id"]) })
		if !known {
			return refuse(http.StatusBadRequest, "Produk tidak ditemukan.")
		}
		amount := number(item["price"]).Mul(number(item["qty"]))
		subtotal = subtotal.Add(amount)
		if percent, ok := b.config.Taxes[int(number(item["tax_id"]).IntPart())]; ok {
			tax = tax.Add(amount.Mul(decimal.RequireFromString(percent)).Shift(-2))
		} else if number(item["tax_id"]).IsPositive() {
			return refuse(http.StatusBadRequest, "Pajak tidak ditemukan.")
		}
	}
	if len(items) == 0 {
		return refuse(http.StatusBadRequest, "items diperlukan.")
	}
	booking := b.clerk(d)
	if booking.Refusal != "" {
		return refuse(http.StatusBadRequest, booking.Refusal)
	}
	total = total.Add(subtotal).Add(tax)
	delete(members, "id")
	id := b.add("(ids)", row{}) // documents and payments number from the same sequence as all else
	members["id"], members["business_tran_id"] = id, id+100000
	members["trans_type_id"], members["status_id"] = 5, 1
	if d.Kind == SalesOrder {
		members["trans_type_id"], members["status_id"] = 6, 5
	}
	members["amount"], members["amount_after_tax"], members["due"] = subtotal.String(), total.InexactFloat64(), total.String()
	members["tax"], members["attachment"] = "[]", "[]"
	members[visibleFrom] = d.At.Add(booking.After)
	b.tables[path].rows = append(b.tables[path].rows, members)
	d.ID = id
	b.documents = append(b.documents, d)
	return say(map[string]any{"success": true, "message": "Tagihan berhasil disimpan",
		"data": map[string]any{"id": id, "ref_number": ref, "trans_date": members["trans_date"]}})
}

func number(v any) decimal.Decimal {
	switch v := v.(type) {
	case float64:
		return decimal.NewFromFloat(v)
	case string:
		d, err := decimal.NewFromString(v)
		if err == nil {
			return d
		}
	}
	return decimal.Zero
}

// pay books a payment on an invoice: whole amounts only, and no more than is due.
func (b *Books) pay(body []byte) *Answer {
	var p struct {
		Day     string      `json:"trans_date"`
		Account int         `json:"bank_account_id"`
		Tran    int         `json:"business_tran_id"`
		Amount  json.Number `json:"amount"`
	}
	amount, err := int64(0), json.Unmarshal(body, &p)
	if err == nil {
		amount, err = p.Amount.Int64()
	}
	if err != nil || amount <= 0 || p.Day == "" {
		return refuse(http.StatusBadRequest, "Data tidak valid.")
	}
	if !slices.ContainsFunc(b.config.Accounts, func(a Account) bool { return a.ID == p.Account }) {
		return refuse(http.StatusBadRequest, "Akun bank tidak ditemukan.")
	}
	for _, r := range b.tables["finance/invoices"].rows {
		if r["business_tran_id"] != p.Tran {
			continue
		}
		due := number(r["due"]).Sub(decimal.NewFromInt(amount))
		if due.LessThanOrEqual(decimal.NewFromInt(-1)) {
			return refuse(http.StatusBadRequest, "Jumlah melebihi sisa tagihan.")
		}
		r["due"], r["status_id"] = due.String(), 2
		if due.LessThan(decimal.NewFromInt(1)) {
			r["status_id"] = 3
		}
		id := b.add("(payments)", row{"invoice": r["id"], "amount": amount, "account": p.Account, "trans_date": p.Day})
		return say(map[string]any{"success": true, "data": map[string]any{"id": id}})
	}
	return refuse(http.StatusNotFound, "Tagihan tidak ditemukan.")
}

// Payment is money that was booked on an invoice.
type Payment struct {
	InvoiceID, AccountID int
	Amount               int64
	Day                  string
}

// Payments returns what was paid, oldest first.
func (b *Books) Payments() []Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Payment
	if t := b.tables["(payments)"]; t != nil {
		for _, r := range t.rows {
			invoice, _ := r["invoice"].(int)
			account, _ := r["account"].(int)
			amount, _ := r["amount"].(int64)
			all = append(all, Payment{invoice, account, amount, text(r["trans_date"])})
		}
	}
	return all
}

func notAllowed(r *http.Request) *Answer {
	return refuse(http.StatusMethodNotAllowed, "The "+r.Method+" method is not supported for this route.")
}
