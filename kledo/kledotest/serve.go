package kledotest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const jsonType = "application/json"

// userAgent is the form that the WooCommerce routes demand.
var userAgent = regexp.MustCompile(`^Kledo/\S+\s\(WooCommerce/[^;]+;\s*WordPress/[^)]+\)$`)

// Call is a request as a script sees it, after the key was found good.
type Call struct {
	Method, Path string    // below the endpoint, without a leading slash: "woocommerce/order"
	Document     *Document // of a POST that would be booked; nil otherwise
}

// Answer replaces Kledo's own.
type Answer struct {
	Status int         // default 200
	Header http.Header // beside Content-Type
	Body   string
	Type   string // Content-Type; default application/json
	Book   bool   // the document is booked all the same
}

// SetScript lets f answer requests: nil leaves a request to the account. It is called under the account's lock: it must not call
// methods of Books.
func (b *Books) SetScript(f func(Call) *Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script = f
}

// serve answers one request that met no fault.
func (b *Books) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	a := b.answer(r, body)
	b.rotate(r, a)
	b.mu.Unlock()
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", a.Type)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, a.Body)
	}
}

func (b *Books) answer(r *http.Request, body []byte) *Answer {
	if r.URL.Path == b.path+"/oauth/token" && r.Method == http.MethodPost {
		return b.grant(body)
	}
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !ok || b.token == "" || key != b.token {
		return refuse(http.StatusUnauthorized, "Unauthenticated.")
	}
	path, below := strings.CutPrefix(r.URL.Path, b.path+"/")
	if !below {
		return refuse(http.StatusNotFound, "Halaman tidak ditemukan.")
	}
	call := Call{Method: r.Method, Path: path}
	var invalid *Answer
	if kind, isPost := posts[path]; isPost && r.Method == http.MethodPost {
		call.Document, invalid = b.read(r, kind, body)
	}
	if b.script != nil {
		if a := b.script(call); a != nil {
			if a.Book && call.Document != nil {
				b.book(*call.Document)
			}
			own := *a
			if own.Status == 0 {
				own.Status = http.StatusOK
			}
			if own.Type == "" {
				own.Type = jsonType
			}
			return &own
		}
	}
	if strings.HasPrefix(path, "woocommerce/") && !userAgent.MatchString(r.UserAgent()) {
		return refuse(http.StatusBadRequest, "User agent tidak valid.")
	}
	if invalid != nil {
		return invalid
	}
	if call.Document != nil {
		b.book(*call.Document)
		return say(map[string]any{"success": true})
	}
	order, isTransactions := strings.CutPrefix(path, "woocommerce/transactions/")
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case posts[path] != "", !read && (isTransactions || reads[path]):
		return notAllowed(r)
	case isTransactions:
		return b.transactions(order)
	case path == "woocommerce/connection":
		return b.connection()
	case path == "finance/accounts/suggestionPerPage":
		return b.accounts(r)
	}
	if a := b.finance(r, path, body); a != nil {
		return a
	}
	return refuse(http.StatusNotFound, "Halaman tidak ditemukan.")
}

var reads = map[string]bool{"woocommerce/connection": true, "finance/accounts/suggestionPerPage": true}

var posts = map[string]Kind{"woocommerce/order": SalesOrder, "woocommerce/invoice": Invoice}

// read takes a POST for a document, or says what is wrong with it.
func (b *Books) read(r *http.Request, kind Kind, body []byte) (*Document, *Answer) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, refuse(http.StatusBadRequest, "Nomor referensi diperlukan.")
	}
	fields, err := parseForm(string(body))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "Data tidak valid.")
	}
	d := &Document{ID: 88000 + len(b.documents) + 1, Kind: kind, At: time.Now().UTC(), Fields: fields}
	if d.OrderID, err = strconv.ParseInt(d.Get("ref_number"), 10, 64); err != nil {
		return nil, refuse(http.StatusBadRequest, "Nomor referensi diperlukan.")
	}
	if _, err := time.Parse(time.DateOnly, d.Get("trans_date")); err != nil {
		return nil, refuse(http.StatusBadRequest, "Tanggal transaksi diperlukan.")
	}
	return d, nil
}

// rotate hands a new key out with an answer, if one is due and the answer can carry it.
func (b *Books) rotate(r *http.Request, a *Answer) {
	if b.rotateTo == "" || r.Header.Get("Authorization") != "Bearer "+b.token {
		return
	}
	var body map[string]any
	if json.Unmarshal([]byte(a.Body), &body) != nil || body == nil {
		return
	}
	body["access_token"] = b.rotateTo
	b.token, b.rotateTo = b.rotateTo, ""
	a.Body = marshal(body)
}

func refuse(status int, message string) *Answer {
	return &Answer{Status: status, Type: jsonType, Body: marshal(map[string]any{"success": false, "message": message})}
}

func say(body map[string]any) *Answer {
	return &Answer{Status: http.StatusOK, Type: jsonType, Body: marshal(body)}
}

func marshal(body map[string]any) string {
	text, err := json.Marshal(body)
	if err != nil { // cannot be: maps of texts and numbers
		return `{"success":false}`
	}
	return string(text)
}

// transactions shows the first document of each kind that is booked by now.
func (b *Books) transactions(id string) *Answer {
	order, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return refuse(http.StatusNotFound, "Halaman tidak ditemukan.")
	}
	data := map[string]any{"wc_order_id": id, "order": nil, "invoice": nil, "linked": false}
	for _, d := range b.documents {
		if d.OrderID != order || data[string(d.Kind)] != nil || d.Body != "" || time.Now().Before(d.ready) {
			continue
		}
		status := 1
		if d.Kind == SalesOrder {
			status = 5
		}
		data[string(d.Kind)] = map[string]any{
			"id": d.ID, "ref_number": d.Get("ref_number_prefix") + id, "status_id": status, "is_closed": false,
		}
	}
	for _, kind := range []Kind{SalesOrder, Invoice} {
		if f, ok := b.refused[one{kind, order}]; ok && !time.Now().Before(f.from) {
			data[string(kind)+"_failure"] = f.words
		}
	}
	data["linked"] = data["order"] != nil && data["invoice"] != nil
	return say(map[string]any{"success": true, "data": data, "message": "OK", "time": 0.0123})
}

func (b *Books) connection() *Answer {
	jakarta := time.FixedZone("Asia/Jakarta", 7*3600)
	now := time.Now().In(jakarta)
	masked := "****" + b.token[max(0, len(b.token)-4):]
	return say(map[string]any{"success": true, "message": "OK", "data": map[string]any{
		"name": "Toko WooCommerce", "app_code": "finance", "short_token_masked": masked,
		"expires_at": now.AddDate(0, 6, 0).Format(time.DateOnly) + " 23:59:59", "days_remaining": 182, "auto_renews": true,
		"is_expired": false, "timezone": "Asia/Jakarta", "last_used_at": now.Format(time.DateTime),
		"created_at": now.AddDate(0, -6, 0).Format(time.DateTime),
	}})
}

func (b *Books) accounts(r *http.Request) *Answer {
	categories := strings.Split(r.URL.Query().Get("finance_account_category_ids"), ",")
	var rows []any
	for _, a := range b.config.Accounts {
		if !matches(r, a.Name+" "+a.Code) || categories[0] != "" && !contains(categories, a.Category) {
			continue
		}
		rows = append(rows, map[string]any{"id": a.ID, "name": a.Name, "ref_code": a.Code})
	}
	return b.page(r, rows, 10, false)
}

func matches(r *http.Request, text string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(r.URL.Query().Get("search")))
}

func contains(texts []string, n int) bool {
	for _, t := range texts {
		if t == strconv.Itoa(n) {
			return true
		}
	}
	return false
}

// page is Laravel's paginator, or its simple one.
func (b *Books) page(r *http.Request, rows []any, perPage int, simple bool) *Answer {
	number := func(name string, fallback int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return fallback
	}
	page := number("page", 1)
	perPage = number("per_page", perPage)
	last := max(1, (len(rows)+perPage-1)/perPage)
	low, high := min((page-1)*perPage, len(rows)), min(page*perPage, len(rows))
	at := func(p int) any {
		if p < 1 || p > last {
			return nil
		}
		return fmt.Sprintf("%s%s?page=%d", b.config.Endpoint, strings.TrimPrefix(r.URL.Path, b.path), p)
	}
	data := map[string]any{
		"current_page": page, "last_page": last, "per_page": perPage, "total": len(rows), "from": nil, "to": nil,
		"data": append([]any{}, rows[low:high]...), "first_page_url": at(1), "last_page_url": at(last),
		"path": b.config.Endpoint + strings.TrimPrefix(r.URL.Path, b.path), "next_page_url": at(page + 1), "prev_page_url": at(page - 1), "links": []any{},
	}
	if low < high {
		data["from"], data["to"] = low+1, high
	}
	if simple {
		for _, name := range []string{"last_page", "last_page_url", "total", "links"} {
			delete(data, name)
		}
	}
	return say(map[string]any{"success": true, "data": data, "message": "OK", "time": 0.0123})
}
