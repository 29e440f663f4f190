package eurofaktura

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

const (
	maxProducts = 10_000 // a list shows no more
	maxMass     = 5_000  // a mass call takes no more
	maxStock    = 50_000 // a stock list shows no more
)

// Product is an article as ProductList and ProductGetByCode show it.
type Product struct {
	DocumentID    DocumentID `json:"documentID"`
	Code          string     `json:"productCode"`
	BarCode       string     `json:"barCode"`
	CatalogueCode string     `json:"catalogueCode"`
	Name          string     `json:"name"`
	Description   string     `json:"description"`
	Status        string     `json:"status"` // active, inactive
	Type          string     `json:"type"`
	Unit          string     `json:"unit"`
	Currency      string     `json:"currency"`
	// GrossPrice is, against its name, what businesses pay without VAT; RetailPrice has VAT in it. Zero means that there is none.
	GrossPrice    Decimal `json:"grossPrice"`
	RetailPrice   Decimal `json:"retailPrice"`
	PurchasePrice Decimal `json:"purchasePrice"`
	// VATPercentage may be 0 although the product is taxed: see PriceCalculation.
	VATPercentage    Decimal          `json:"vatPercentage"`
	OnlineVisibility string           `json:"onlineShopVisibility"` // visibleOnline, hiddenOnline
	PriceCalculation PriceCalculation `json:"PriceCalculation"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (p *Product) UnmarshalJSON(b []byte) error { return readObject(b, p) }

// MarshalJSON writes what was read, save members that were null or empty.
func (p Product) MarshalJSON() ([]byte, error) { return writeObject(p) }

// VAT is the rate a product is sold with: PriceCalculation's where it has one.
func (p *Product) VAT() decimal.Decimal {
	if p.PriceCalculation.OutgoingVATPercentage.IsSet() {
		return p.PriceCalculation.OutgoingVATPercentage.Decimal
	}
	return p.VATPercentage.Decimal
}

// PriceCalculation is how a product's prices come about.
type PriceCalculation struct {
	RetailPrice           Decimal `json:"retailPrice"`
	SalesPrice            Decimal `json:"salesPrice"`
	OutgoingVATPercentage Decimal `json:"outgoingVatPercentage"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (p *PriceCalculation) UnmarshalJSON(b []byte) error { return readObject(b, p) }

// MarshalJSON writes what was read.
func (p PriceCalculation) MarshalJSON() ([]byte, error) { return writeObject(p) }

func (p PriceCalculation) absent() bool {
	return p.RetailPrice.absent() && p.SalesPrice.absent() && p.OutgoingVATPercentage.absent() && len(p.Extra) == 0
}

// ProductFields writes an article.
type ProductFields struct {
	Code          Field[string]          `json:"productCode"` // letters, digits and - / _ # . , ; unique
	BarCode       Field[string]          `json:"barCode"`     // unique
	CatalogueCode Field[string]          `json:"catalogueCode"`
	Name          Field[string]          `json:"name"`
	Description   Field[string]          `json:"description"`
	Status        Field[string]          `json:"status"`
	Type          Field[string]          `json:"type"` // goodsWithoutStockManagement, services, …
	Unit          Field[string]          `json:"unit"`
	Currency      Field[string]          `json:"currency"`
	GrossPrice    Field[decimal.Decimal] `json:"grossPrice"`  // without VAT
	RetailPrice   Field[decimal.Decimal] `json:"retailPrice"` // with VAT
	PurchasePrice Field[decimal.Decimal] `json:"purchasePrice"`
	VATPercentage Field[decimal.Decimal] `json:"vatPercentage"`

	OnlineVisibility       Field[string] `json:"onlineShopVisibility"`
	AllowChangeOfPrice     Field[bool]   `json:"allowChangeOfPriceOnTheInvoice"` // without it another price in a document is refused
	AllowChangeOfVATRate   Field[bool]   `json:"allowChangeOfVatRateOnTheInvoice"`
	AllowChangeDescription Field[bool]   `json:"allowChangeOfProductDescriptionOnTheInvoice"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f ProductFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ProductFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// ProductQuery selects articles. Zero fields do not filter.
type ProductQuery struct {
	Codes            []string
	CodeFrom, CodeTo string // inclusive, in the server's order
	Status           string // active, inactive
	Extra            map[string]any
}

func (q ProductQuery) params() map[string]any {
	p := DocumentQuery{Extra: q.Extra}.params()
	for name, v := range map[string]string{
		"productCode": strings.Join(q.Codes, ","), "productCodeFrom": q.CodeFrom, "productCodeTo": q.CodeTo, "status": q.Status,
	} {
		if v != "" {
			p[name] = v
		}
	}
	return p
}

// Products is the catalogue of articles: Product….
type Products struct{ client *Client }

// List makes one call of ProductList. Nothing found is an empty list. Codes with a comma in them cannot be asked for by Codes.
func (p *Products) List(ctx context.Context, q ProductQuery) ([]*Product, *Page, error) {
	for _, code := range q.Codes {
		if strings.Contains(code, ",") {
			return nil, nil, refused("Products.List", "ProductList", fmt.Sprintf("code %q holds a comma, by which the list is split: use Get", code))
		}
	}
	return list[Product](ctx, p.client, "Products.List", "ProductList", q.params(), maxProducts, "Product", "product")
}

// All walks every article that q selects. A list that comes back full is asked for again in two parts, divided at the middle of the
// codes it showed, whatever order the server has.
func (p *Products) All(ctx context.Context, q ProductQuery) iter.Seq2[*Product, error] {
	return func(yield func(*Product, error) bool) {
		seen := map[string]bool{}
		p.walk(ctx, q, seen, yield)
	}
}

func (p *Products) walk(ctx context.Context, q ProductQuery, seen map[string]bool, yield func(*Product, error) bool) bool {
	rows, page, err := p.List(ctx, q)
	if err != nil && !errors.Is(err, ErrMalformed) {
		yield(nil, err)
		return false
	}
	if page.Capped {
		codes := make([]string, len(rows))
		for i, row := range rows {
			codes[i] = row.Code
		}
		slices.Sort(codes)
		middle := ""
		if len(codes) > 0 {
			middle = codes[len(codes)/2]
		}
		if middle == "" || middle == q.CodeFrom || middle == q.CodeTo {
			yield(nil, &Error{Op: "Products.All", Method: "POST", Route: "ProductList", kind: ErrPaging,
				Message: "the list is full and cannot be divided any further"})
			return false
		}
		low, high := q, q
		low.CodeTo, high.CodeFrom = middle, middle
		return p.walk(ctx, low, seen, yield) && p.walk(ctx, high, seen, yield)
	}
	if err != nil && !yield(nil, err) {
		return false
	}
	for _, row := range rows {
		if row.Code != "" && seen[row.Code] {
			continue
		}
		seen[row.Code] = true
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// Get returns the article with a code: ProductGetByCode. None is [ErrNotFound].
func (p *Products) Get(ctx context.Context, code string) (*Product, error) {
	const op, m = "Products.Get", Method("ProductGetByCode")
	if code == "" {
		return nil, refused(op, m, "the code is empty")
	}
	rows, _, err := list[Product](ctx, p.client, op, m, map[string]any{"productCode": code}, 0, "Product", "product")
	if err == nil && len(rows) == 0 {
		err = notFound(op, m)
	}
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// Create adds an article: ProductCreate. A code that is taken is refused.
func (p *Products) Create(ctx context.Context, transaction string, f ProductFields) error {
	const op, m = "Products.Create", Method("ProductCreate")
	if err := checkTransaction(transaction); err != nil {
		return refused(op, m, err.Error())
	}
	return p.write(ctx, op, m, f, map[string]any{"apiTransactionId": transaction})
}

// Update changes the article with the code of f: ProductUpdate.
func (p *Products) Update(ctx context.Context, f ProductFields) error {
	return p.write(ctx, "Products.Update", "ProductUpdate", f, nil)
}

// Import adds the article, or changes the one that has its code: ProductImport. It may be repeated.
func (p *Products) Import(ctx context.Context, f ProductFields) error {
	return p.write(ctx, "Products.Import", "ProductImport", f, map[string]any{"importType": "createOrUpdate"})
}

func (p *Products) write(ctx context.Context, op string, m Method, f ProductFields, params map[string]any) error {
	if code, _ := f.Code.Get(); code == "" {
		return refused(op, m, "the product has no Code")
	}
	if params == nil {
		params = map[string]any{}
	}
	params["product"] = f
	return p.client.do(ctx, op, m, params, ignore)
}

// Delete deletes an article: ProductDelete.
func (p *Products) Delete(ctx context.Context, code string) error {
	const op, m = "Products.Delete", Method("ProductDelete")
	if code == "" {
		return refused(op, m, "the code is empty")
	}
	return p.client.do(ctx, op, m, map[string]any{"productCode": code}, ignore)
}

// Image writes an article's picture to w: ProductImageGet.
func (p *Products) Image(ctx context.Context, code string, w io.Writer) (int64, error) {
	return p.client.stream(ctx, "Products.Image", "ProductImageGet", map[string]any{"productCode": code}, w)
}

// PlanImport prepares a mass import of any number of articles, 5,000 in a call: ProductMassImport. The vendor's page gives the limit
// and not the names of the parameters; ours follow ProductImport.
func (p *Products) PlanImport(fields []ProductFields) *Plan {
	return p.plan("Products.PlanImport", "ProductMassImport", fields, map[string]any{"importType": "createOrUpdate"})
}

// PlanPrices prepares a change of the prices of any number of articles, 5,000 in a call: ProductMassPriceCalculationUpdate.
func (p *Products) PlanPrices(fields []ProductFields) *Plan {
	return p.plan("Products.PlanPrices", "ProductMassPriceCalculationUpdate", fields, nil)
}

func (p *Products) plan(op string, m Method, fields []ProductFields, beside map[string]any) *Plan {
	return &Plan{client: p.client, op: op, method: m, beside: beside, fields: slices.Clone(fields)}
}

// Plan is a mass call before it is made. Its requests are known, so that a bar can be drawn; the Limiter sets their pace.
type Plan struct {
	// Progress, when set before Run, hears of each request after it was answered.
	Progress func(Progress)

	client *Client
	op     string
	method Method
	beside map[string]any
	fields []ProductFields
}

// Progress is how far a Plan has come.
type Progress struct {
	Done, Total int // records
	Requests    int // made so far
}

// Items is how many records Run sends.
func (p *Plan) Items() int { return len(p.fields) }

// Requests is how many requests Run will make when none fails.
func (p *Plan) Requests() int { return (len(p.fields) + maxMass - 1) / maxMass }

// Result is what became of one record of a mass call, at the caller's index.
type Result struct{ Err error }

// Run makes the calls. The error is that of the first call that failed; its records have it in their Result, and those that never went out are
// [ErrNotSent].
func (p *Plan) Run(ctx context.Context) ([]Result, error) {
	results := make([]Result, len(p.fields))
	for i, f := range p.fields {
		if code, _ := f.Code.Get(); code == "" {
			return results, refused(p.op, p.method, fmt.Sprintf("product %d has no Code", i))
		}
	}
	var failed error
	now := Progress{Total: len(p.fields)}
	for from := 0; from < len(p.fields); from += maxMass {
		to := min(from+maxMass, len(p.fields))
		err := failed
		if err == nil {
			params := map[string]any{"products": p.fields[from:to]}
			for name, v := range p.beside {
				params[name] = v
			}
			failed = p.client.do(ctx, p.op, p.method, params, ignore)
			err = failed
			now.Done, now.Requests = to, now.Requests+1
			if p.Progress != nil {
				p.Progress(now)
			}
		} else {
			err = &Error{Op: p.op, Method: "POST", Route: string(p.method), kind: ErrNotSent}
		}
		for i := from; i < to; i++ {
			results[i].Err = err
		}
	}
	return results, failed
}

// The ways of counting stock: queryType.
const (
	StockOnHandAll       = "cumulativeForAllWarehouses" // the server's default
	StockOnHand          = "perWarehouse"
	StockAvailableAll    = "availableForAllWarehouses" // less what sales orders reserve
	StockAvailable       = "perWarehouseAvailableStock"
	StockBelowMinimum    = "perWarehouseBelowMinimalStock"
	StockZero            = "perWarehouseZeroStock"
	StockNegative        = "perWarehouseNegativeStockOnly"
	StockPositive        = "perWarehousePositiveStockOnly"
	StockPositiveOrMinus = "perWarehousePositiveOrNegativeStockOnly"
)

// Warehouse reads the stock.
type Warehouse struct{ client *Client }

// StockQuery selects what Warehouse.Stock shows. For a shop whose orders reserve, ask for [StockAvailable].
type StockQuery struct {
	Type      string // of the constants above; the server's default is StockOnHandAll
	Warehouse string // its code; not with StockOnHandAll
	Date      Date
	Codes     []string
	Status    string // of the products: active, inactive
	WithZero  bool   // also products of which there are none
}

func (q StockQuery) params() map[string]any {
	p := map[string]any{}
	for name, v := range map[string]string{"queryType": q.Type, "warehouseCode": q.Warehouse, "productStatus": q.Status} {
		if v != "" {
			p[name] = v
		}
	}
	if !q.Date.IsZero() {
		p["stockDate"] = q.Date
	}
	if len(q.Codes) > 0 {
		p["productCode"] = q.Codes
	}
	if q.WithZero {
		p["allStockTrackingProducts"] = true
	}
	return p
}

// StockLevel is how much there is of an article.
type StockLevel struct {
	ProductCode string  `json:"productCode"`
	Description string  `json:"productDescription"`
	Warehouse   string  `json:"warehouseCode"`
	Quantity    Decimal `json:"quantityOnStock"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra. One without a product or a quantity is an error: it must not be taken for zero.
func (l *StockLevel) UnmarshalJSON(b []byte) error {
	if err := readObject(b, l); err != nil {
		return err
	}
	if l.ProductCode == "" || !l.Quantity.IsSet() {
		return errors.New("it names no product or no quantity")
	}
	return nil
}

// MarshalJSON writes what was read.
func (l StockLevel) MarshalJSON() ([]byte, error) { return writeObject(l) }

// Stock makes one call of WarehouseGetArticleStockQuantity. An answer without a product says nothing of it: only [StockQuery.WithZero]
// makes zeros show. A Page that is Capped (50,000 rows) lacks some: name the products by Codes.
func (w *Warehouse) Stock(ctx context.Context, q StockQuery) ([]*StockLevel, *Page, error) {
	return list[StockLevel](ctx, w.client, "Warehouse.Stock", "WarehouseGetArticleStockQuantity", q.params(), maxStock, "StockQuantityInfo")
}
