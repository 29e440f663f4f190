package eurofaktura

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"
)

// DocumentID is the server's internal id, "60:700123": it means nothing outside.
type DocumentID string

// maxRows is how many documents a list shows at most. It is known of invoices only; orders are taken to be alike.
const maxRows = 500

// DocumentRef names a document: by its ID alone, or by its Number and what else is needed, since numbering begins anew with each
// year and cost centre.
type DocumentRef struct {
	ID     DocumentID `json:"documentID,omitzero"`
	Number string     `json:"number,omitzero"` // the sequence ("2") or as it is printed ("2010-00002")
	Date   Date       `json:"date,omitzero"`

	CostPosition   string `json:"costPosition,omitzero"`
	BusinessUnit   string `json:"businessUnit,omitzero"`   // quotes, advance invoices
	VATBook        string `json:"vatBook,omitzero"`        // advance invoices
	Warehouse      string `json:"warehouse,omitzero"`      // delivery notes
	InternalNumber string `json:"internalNumber,omitzero"` // received invoices
	Supplier       string `json:"supplier,omitzero"`       // received invoices, whose Number is the supplier's
}

// ByID names a document by its id.
func ByID(id DocumentID) DocumentRef { return DocumentRef{ID: id} }

// ByNumber names a document by its number.
func ByNumber(number string) DocumentRef { return DocumentRef{Number: number} }

func (r DocumentRef) params() (map[string]any, error) {
	if r.ID == "" && r.Number == "" && r.InternalNumber == "" {
		return nil, errors.New("the reference has neither ID nor Number")
	}
	raw, err := encode(r)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	return all, json.Unmarshal(raw, &all)
}

// TransactionID is the apiTransactionId of a create. A server that knows it never makes a second document of the same one. It must be
// made of what is the same whenever the same document is meant, and of nothing else: no time, no random number. The parts are
// joined with "-"; what is not a letter or digit of ASCII, ".", "_" or "-" becomes "_". More than 64 characters are an error when
// it is used.
func TransactionID(parts ...any) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = strings.Map(func(r rune) rune {
			switch {
			case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
				return r
			}
			return '_'
		}, fmt.Sprint(p))
	}
	return strings.Join(texts, "-")
}

func checkTransaction(id string) error {
	switch {
	case id == "":
		return errors.New("the apiTransactionId is empty: without one nothing keeps a create from being made twice; see TransactionID")
	case len(id) > 64:
		return fmt.Errorf("the apiTransactionId has %d characters: 64 are taken for sure", len(id))
	}
	return nil
}

// Query is what a list of documents is asked with: OrderQuery, InvoiceQuery or DocumentQuery.
type Query interface {
	params() map[string]any
	dates() (from, to Date)
	within(from, to Date) Query
}

// DocumentQuery selects documents of any kind. Zero fields do not filter. Both dates are inclusive.
type DocumentQuery struct {
	From, To Date           // of the document
	Extra    map[string]any // further filters, by their names on the wire
}

func (q DocumentQuery) dates() (from, to Date) { return q.From, q.To }
func (q DocumentQuery) within(from, to Date) Query {
	q.From, q.To = from, to
	return q
}
func (q DocumentQuery) params() map[string]any {
	p := map[string]any{}
	maps.Copy(p, q.Extra)
	if !q.From.IsZero() {
		p["dateFrom"] = q.From
	}
	if !q.To.IsZero() {
		p["dateTo"] = q.To
	}
	return p
}

// OrderQuery selects sales orders: SalesOrderList. There is no filter by the time of the last change.
type OrderQuery struct {
	From, To Date
	Status   string // of the organisation's own code book
	Extra    map[string]any
}

func (q OrderQuery) dates() (from, to Date) { return q.From, q.To }
func (q OrderQuery) within(from, to Date) Query {
	q.From, q.To = from, to
	return q
}
func (q OrderQuery) params() map[string]any {
	p := DocumentQuery{q.From, q.To, q.Extra}.params()
	if q.Status != "" {
		p["status"] = q.Status
	}
	return p
}

// InvoiceQuery selects sales invoices: SalesInvoiceList.
type InvoiceQuery struct {
	From, To      Date
	IssuedFrom    LocalTime // inclusive, on the organisation's clock: ask for a second more and drop what is known
	FullyPaidFrom Date      // the day of the last payment
	BuyerCode     string
	Status        string // Draft, IssuedInvoice
	Extra         map[string]any
}

func (q InvoiceQuery) dates() (from, to Date) { return q.From, q.To }
func (q InvoiceQuery) within(from, to Date) Query {
	q.From, q.To = from, to
	return q
}
func (q InvoiceQuery) params() map[string]any {
	p := DocumentQuery{q.From, q.To, q.Extra}.params()
	for name, v := range map[string]string{"issuedTimestampFrom": string(q.IssuedFrom), "buyer": q.BuyerCode, "status": q.Status} {
		if v != "" {
			p[name] = v
		}
	}
	if !q.FullyPaidFrom.IsZero() {
		p["dateOfFullPaymentFrom"] = q.FullyPaidFrom
	}
	return p
}

// Documents are the documents of one kind: {Kind}Get, Create, Update, Delete and List.
type Documents[T any, Q Query, W any] struct {
	client *Client
	kind   DocumentKind
	name   string // "SalesOrders", for errors
}

func documents[T any, Q Query, W any](c *Client, kind DocumentKind, name string) *Documents[T, Q, W] {
	return &Documents[T, Q, W]{c, kind, name}
}

// Page is what one list call says of itself.
type Page struct {
	Rows   int  // that the server sent
	Capped bool // it sent as many as it ever does, so there may well be more, and no way to ask for them but by a narrower query
}

// List makes one call. Nothing found is an empty list. When single records could not be read, the others come with an error that
// is [ErrMalformed].
func (d *Documents[T, Q, W]) List(ctx context.Context, q Q) ([]*T, *Page, error) {
	return list[T](ctx, d.client, d.name+".List", Method(d.kind+"List"), q.params(), maxRows, string(d.kind))
}

// All walks everything that q selects. A list that comes back full is asked for again in halves of its time, down to single days; a
// day with more documents than the server shows ends in an error that is [ErrPaging]. Records are told apart by their ids, and
// each comes once, in no particular order. An error that is [ErrMalformed] speaks of one record, and the walk goes on.
func (d *Documents[T, Q, W]) All(ctx context.Context, q Q) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := map[DocumentID]bool{}
		d.walk(ctx, q, seen, yield)
	}
}

// firstDay lies before the vendor's first year.
var firstDay = Date{2000, time.January, 1}

// divide finds the day at which a time is cut in two; ok false when it is a single day. An open end stays open: documents may be dated
// ahead by any time.
func divide(from, to, today Date) (middle Date, ok bool) {
	open := to.IsZero()
	if open {
		to = today
	}
	if from.IsZero() {
		from = firstDay
		if !from.Before(to) {
			from = to.AddDays(-366)
		}
	}
	if !from.Before(to) {
		if !open {
			return Date{}, false
		}
		to = from.AddDays(366)
	}
	middle = from.AddDays(from.days(to) / 2)
	return middle, middle.Year > 0 && middle.Year < 9999
}

// walk is All within q's dates. It reports whether to go on.
func (d *Documents[T, Q, W]) walk(ctx context.Context, q Query, seen map[DocumentID]bool, yield func(*T, error) bool) bool {
	op := d.name + ".All"
	rows, page, err := list[T](ctx, d.client, op, Method(d.kind+"List"), q.params(), maxRows, string(d.kind))
	if err != nil && !errors.Is(err, ErrMalformed) {
		yield(nil, err)
		return false
	}
	if page.Capped {
		from, to := q.dates()
		if middle, ok := divide(from, to, DateOf(time.Now().In(d.client.config.Location))); ok {
			return d.walk(ctx, q.within(from, middle), seen, yield) && d.walk(ctx, q.within(middle.AddDays(1), to), seen, yield)
		}
	}
	if err != nil && !yield(nil, err) {
		return false
	}
	for _, row := range rows {
		if id := documentID(row); id != "" {
			if seen[id] {
				continue
			}
			seen[id] = true
		}
		if !yield(row, nil) {
			return false
		}
	}
	if page.Capped {
		from, _ := q.dates()
		yield(nil, &Error{Op: op, Method: "POST", Route: string(d.kind) + "List", kind: ErrPaging, Message: fmt.Sprintf(
			"there are %d documents or more on %s, and the server shows no more of one day", page.Rows, from)})
		return false
	}
	return true
}

// Find returns every document that the reference fits: a number may be given again each year. Nothing found is an empty list.
func (d *Documents[T, Q, W]) Find(ctx context.Context, ref DocumentRef) ([]*T, error) {
	params, err := ref.params()
	if err != nil {
		return nil, refused(d.name+".Find", Method(d.kind+"Get"), err.Error())
	}
	rows, _, err := list[T](ctx, d.client, d.name+".Find", Method(d.kind+"Get"), params, 0, string(d.kind))
	return rows, err
}

// Get returns the one document that the reference fits. None is [ErrNotFound], several are [ErrValidation]: name the Date too.
func (d *Documents[T, Q, W]) Get(ctx context.Context, ref DocumentRef) (*T, error) {
	op, m := d.name+".Get", Method(d.kind+"Get")
	params, err := ref.params()
	if err != nil {
		return nil, refused(op, m, err.Error())
	}
	rows, _, err := list[T](ctx, d.client, op, m, params, 0, string(d.kind))
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, &Error{Op: op, Method: "POST", Route: string(m), kind: ErrNotFound}
	case len(rows) > 1:
		return nil, refused(op, m, fmt.Sprintf("%d documents have this number: name the date too, or the id", len(rows)))
	}
	return rows[0], nil
}

// Created is what a create answers.
type Created struct {
	DocumentID       DocumentID                 `json:"documentID"`
	Number           string                     `json:"number"`
	Date             Date                       `json:"date"`
	PaymentReference string                     `json:"paymentReference"`
	DocumentURL      string                     `json:"documentURL"` // when "generatePublicURL" was asked for
	Extra            map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a result leniently, see Extra.
func (c *Created) UnmarshalJSON(b []byte) error { return readObject(b, c) }

// MarshalJSON writes what was read.
func (c Created) MarshalJSON() ([]byte, error) { return writeObject(c) }

// CreateOption is a parameter beside the document.
type CreateOption func(map[string]any)

// WithParameter adds a parameter beside the document, such as "sendIssuedInvoiceByEmail" or "generatePublicURL".
func WithParameter(name string, v any) CreateOption {
	return func(p map[string]any) { p[name] = v }
}

// Create makes a document: {Kind}Create. transaction is its apiTransactionId, see [TransactionID]. The request is sent once; when
// its outcome is open the error is [ErrAmbiguous].
func (d *Documents[T, Q, W]) Create(ctx context.Context, transaction string, w W, opts ...CreateOption) (*Created, error) {
	return d.client.create(ctx, d.name+".Create", Method(d.kind+"Create"), transaction, string(d.kind), w, opts)
}

// Update changes a document: {Kind}Update. Whether members that are left out stay or are cleared is not documented for any kind but
// received invoices, which want all mandatory ones again: read back what matters.
func (d *Documents[T, Q, W]) Update(ctx context.Context, ref DocumentRef, w W) error {
	op, m := d.name+".Update", Method(d.kind+"Update")
	params, err := ref.params()
	if err != nil {
		return refused(op, m, err.Error())
	}
	params[string(d.kind)] = w
	return d.client.do(ctx, op, m, params, ignore)
}

// Delete deletes a document: {Kind}Delete. The numbers of those behind it show the gap.
func (d *Documents[T, Q, W]) Delete(ctx context.Context, ref DocumentRef) error {
	op, m := d.name+".Delete", Method(d.kind+"Delete")
	params, err := ref.params()
	if err != nil {
		return refused(op, m, err.Error())
	}
	return d.client.do(ctx, op, m, params, ignore)
}

func ignore(json.RawMessage) error { return nil }

// Import adds a document that was issued in another system, with its number: {Kind}Import, for sales orders, sales invoices and advance
// invoices. Else it is like Create.
func (c *Client) Import(ctx context.Context, kind DocumentKind, transaction string, fields any, opts ...CreateOption) (*Created, error) {
	m, _ := method(string(kind), "Import")
	return c.create(ctx, string(kind)+"s.Import", m, transaction, string(kind), fields, opts)
}

func (c *Client) create(ctx context.Context, op string, m Method, transaction, root string, w any, opts []CreateOption) (*Created, error) {
	if err := checkTransaction(transaction); err != nil {
		return nil, refused(op, m, err.Error())
	}
	params := map[string]any{"apiTransactionId": transaction, root: w}
	for _, o := range opts {
		o(params)
	}
	created := new(Created)
	return created, c.do(ctx, op, m, params, func(result json.RawMessage) error {
		if err := decodeResult(unwrap(result, root), created); err != nil {
			return err
		}
		if created.DocumentID == "" && created.Number == "" {
			return errors.New("it names no document")
		}
		return nil
	})
}

// list makes one call whose result is a list, or one record, or an error that says that there is none.
func list[T any](ctx context.Context, c *Client, op string, m Method, params map[string]any, limit int, wrappers ...string) ([]*T, *Page, error) {
	var rows []*T
	page := &Page{}
	var malformed error
	err := c.do(ctx, op, m, params, func(result json.RawMessage) error {
		var raws []json.RawMessage
		switch {
		case len(result) == 0 || string(result) == "null":
			return errors.New("it is missing") // never to be read as "none"
		case result[0] == '{':
			raws = []json.RawMessage{result}
		default:
			if err := json.Unmarshal(result, &raws); err != nil {
				return err
			}
		}
		page.Rows = len(raws)
		page.Capped = limit > 0 && len(raws) >= limit
		for i, raw := range raws {
			row := new(T)
			if err := json.Unmarshal(unwrap(raw, wrappers...), row); err != nil {
				if malformed == nil {
					malformed = &Error{Op: op, Method: "POST", Route: string(m), Status: 200, Attempts: 1, kind: ErrMalformed,
						Message: fmt.Sprintf("record %d of %d: %s", i+1, len(raws), err)}
				}
				continue
			}
			rows = append(rows, row)
		}
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil, page, nil
	}
	if err != nil {
		return nil, page, err
	}
	return rows, page, malformed
}

// documentID is what All tells records apart by.
func documentID(row any) DocumentID {
	if d, ok := row.(interface{ id() DocumentID }); ok {
		return d.id()
	}
	return ""
}
