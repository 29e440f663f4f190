package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/internal/rest"
	"github.com/tillwire/tillwire/woo"
)

// Products are the shop's products: /wc-api/v3/products. A variation is read and written here too, by
// woo.ProductID(its id); it then has Type woo.VariationProduct and ParentID set, as in woo's searches by SKU.
type Products struct {
	r resource[woo.Product, woo.ProductID]
}

func newProducts(c *Client) *Products {
	return &Products{resource[woo.Product, woo.ProductID]{
		c: c, many: "products", one: "product", rewrite: product, id: func(p *woo.Product) woo.ProductID { return p.ID },
	}}
}

// Get reads one product or variation. Of a missing one the error is woo.ErrNotFound.
func (p *Products) Get(ctx context.Context, id woo.ProductID) (*woo.Product, error) {
	return p.r.get(ctx, "Get", id, nil)
}

// BySKU reads the product or variation of a SKU: GET /products?filter[sku]=…. The shop compares without regard to case; of
// several the one of the very same spelling is returned. Drafts are not found. The error is woo.ErrNotFound if there is
// none. A comma parts a list here, so a SKU with one cannot be asked for.
func (p *Products) BySKU(ctx context.Context, sku string) (*woo.Product, error) {
	const op = "products.BySKU"
	switch {
	case strings.TrimSpace(sku) == "":
		return nil, invalid(op, errors.New("sku: is empty: the shop would take it for no filter and return everything"))
	case strings.ContainsAny(sku, ",<"):
		return nil, invalid(op, fmt.Errorf("sku: %q holds a comma or <, of which the shop makes something else", sku))
	}
	page, err := p.r.fetch(ctx, "BySKU", url.Values{"filter[sku]": {sku}, "filter[limit]": {"100"}})
	if err != nil {
		return nil, err
	}
	var found *woo.Product
	for _, e := range page.entries {
		switch {
		case e.err != nil:
			return nil, e.err
		case e.item.SKU == sku:
			return e.item, nil
		case found == nil && strings.EqualFold(e.item.SKU, sku):
			found = e.item
		}
	}
	if found == nil {
		missing := &Error{Op: op, Method: http.MethodGet, Route: route + "/products"}
		missing.is(woo.ErrNotFound, fmt.Sprintf("no published product has the SKU %q", sku))
		return nil, missing
	}
	return found, nil
}

// Variations reads the variations of a product, which the API shows inside it. A product that has none gives none.
func (p *Products) Variations(ctx context.Context, id woo.ProductID) ([]*woo.Variation, error) {
	call := p.r.call("Variations", http.MethodGet, fmt.Sprintf("/%d", id), "/{id}")
	if id <= 0 {
		return nil, invalid(call.Op, errors.New("id: is not a product's"))
	}
	res, err := p.r.c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	src, err := envelope(res.Body, "product")
	var doc members
	if err == nil {
		err = json.Unmarshal(src, &doc)
	}
	list, ok := elements(doc["variations"])
	if err == nil && !ok {
		err = errors.New("the member \"variations\" is no list")
	}
	var found []*woo.Variation
	for _, src := range list {
		if err != nil {
			break
		}
		var v *woo.Variation
		if v, err = decode[woo.Variation](src, variation); err == nil {
			v.ParentID = id
			found = append(found, v)
		}
	}
	if err != nil {
		return nil, p.r.c.unreadable(call, res, err)
	}
	return found, nil
}

// List reads one page of the published products, newest first; q may set Page, PerPage (default 10), After, Before,
// ModifiedAfter and ModifiedBefore. Variations are not listed by themselves.
func (p *Products) List(ctx context.Context, q woo.ProductQuery) ([]*woo.Product, *woo.Page, error) {
	query, size, err := filters(q, "After", "Before", "ModifiedAfter", "ModifiedBefore", "Page", "PerPage")
	if err != nil {
		return nil, nil, invalid("products.List", err)
	}
	return p.r.list(ctx, limited(query, size))
}

// All reads the published products by id ascending; q may set After, ModifiedAfter (both exclusive) and PerPage. See the
// package documentation for what is promised while products change.
func (p *Products) All(ctx context.Context, q woo.ProductQuery) iter.Seq2[*woo.Product, error] {
	query, size, err := filters(q, "After", "ModifiedAfter", "PerPage")
	if err != nil {
		return failed[woo.Product](invalid("products.All", err))
	}
	return p.r.all(ctx, query, size)
}

// Count is how many published products there are: GET /products/count.
func (p *Products) Count(ctx context.Context) (int, error) { return p.r.count(ctx, nil) }

// Update writes the stock of a product or variation and returns it as the shop then has it: PUT /products/{id}. w may set
// ManageStock (woo.StockUnmanaged or woo.StockManaged), StockQuantity and StockStatus (woo.InStock or woo.OutOfStock);
// anything else is an error that names it.
//
// The shop answers 200 also where it ignores a quantity, as it does while it manages no stock for the product. Then the
// error is woo.ErrNotApplied, beside the product as it is. It is repeated after passing failures.
func (p *Products) Update(ctx context.Context, id woo.ProductID, w woo.ProductFields) (*woo.Product, error) {
	call := p.r.call("Update", http.MethodPut, fmt.Sprintf("/%d", id), "/{id}")
	body, err := stock(w)
	if err == nil && id <= 0 {
		err = errors.New("id: is not a product's")
	}
	if err != nil {
		return nil, invalid(call.Op, err)
	}
	found, err := p.r.write(ctx, call, rest.Write, body)
	if err != nil {
		return nil, err
	}
	want, ok := w.StockQuantity.Get()
	if ok && (found.StockQuantity == nil || !found.StockQuantity.Equal(want)) {
		got := "not counted"
		if found.StockQuantity != nil {
			got = found.StockQuantity.String()
		}
		return found, notApplied(call, int64(id), "stock_quantity", want.String(), got, "set ManageStock to StockManaged as well, or, for a "+
			"variation that sells from its product's stock, write the product")
	}
	if want, ok := w.StockStatus.Get(); ok && found.StockStatus != want {
		return found, notApplied(call, int64(id), "stock_status", string(want), string(found.StockStatus),
			"while the shop counts the stock it goes by StockQuantity: write that")
	}
	return found, nil
}

// stock is the legacy form of a write of stock.
func stock(w woo.ProductFields) (members, error) {
	if _, _, err := filters(w, "ManageStock", "StockQuantity", "StockStatus"); err != nil {
		return nil, err
	}
	if w.ManageStock.IsNull() || w.StockQuantity.IsNull() || w.StockStatus.IsNull() {
		return nil, errors.New("a null: the shop would take it for 0 or no: set a value")
	}
	m := members{}
	if v, ok := w.ManageStock.Get(); ok {
		switch v {
		case woo.StockManaged:
			m["managing_stock"] = []byte("true")
		case woo.StockUnmanaged:
			m["managing_stock"] = []byte("false")
		default:
			return nil, fmt.Errorf("ManageStock: %q cannot be written", string(v))
		}
	}
	if v, ok := w.StockQuantity.Get(); ok {
		m["stock_quantity"] = []byte(plain(v))
	}
	if v, ok := w.StockStatus.Get(); ok {
		switch v {
		case woo.InStock:
			m["in_stock"] = []byte("true")
		case woo.OutOfStock:
			m["in_stock"] = []byte("false")
		default:
			return nil, fmt.Errorf("StockStatus: %q cannot be written: the legacy API knows in stock or not", string(v))
		}
	}
	if len(m) == 0 {
		return nil, errors.New("nothing to write: set ManageStock, StockQuantity or StockStatus")
	}
	return m, nil
}

// plain prints a decimal as a JSON number, without an exponent.
func plain(d decimal.Decimal) string {
	if d.Exponent() < 0 {
		return d.StringFixed(-d.Exponent())
	}
	return d.String()
}

// product makes a product of wc/v3.
func product(m members) {
	m.rename(names{"title": "name", "purchaseable": "purchasable", "product_url": "external_url"})
	goods(m)
	meta(m, "product_meta")
	for _, name := range []string{"categories", "tags"} { // names only
		list, ok := elements(m[name])
		if !ok {
			continue
		}
		for i, v := range list {
			if len(v) > 0 && v[0] == '"' {
				list[i] = members{"name": v}.json()
			}
		}
		m[name] = join(list)
	}
	if list, ok := elements(m["variations"]); ok { // whole ones, of which a product of wc/v3 shows the ids
		ids := make([]json.RawMessage, 0, len(list))
		for _, v := range list {
			var doc members
			if json.Unmarshal(v, &doc) == nil && doc["id"] != nil {
				v = doc["id"]
			}
			ids = append(ids, v)
		}
		m["variations"] = join(ids)
	}
}

// variation makes a variation of wc/v3 of one inside its product.
func variation(m members) {
	m.rename(names{"purchaseable": "purchasable", "image": "images"})
	goods(m)
	if list, ok := elements(m["images"]); ok {
		delete(m, "images")
		if len(list) > 0 {
			m["image"] = list[0]
		}
	}
}

// goods is what products and variations share.
func goods(m members) {
	m.date("created_at", "date_created_gmt")
	m.date("updated_at", "date_modified_gmt")
	m.rename(names{"managing_stock": "manage_stock"})
	m.blank("price", "regular_price", "sale_price", "weight")
	switch string(m["in_stock"]) {
	case "true":
		m["stock_status"] = quote(string(woo.InStock))
	case "false":
		m["stock_status"] = quote(string(woo.OutOfStock))
	}
	delete(m, "in_stock")
	if string(m["shipping_class_id"]) == "null" {
		m["shipping_class_id"] = []byte("0")
	}
	if list, ok := elements(m["images"]); ok {
		shown := []json.RawMessage{}
		for _, v := range list {
			var doc members
			if json.Unmarshal(v, &doc) == nil && string(doc["id"]) == "0" {
				continue // the shop's placeholder, which wc/v3 does not show
			}
			shown = append(shown, v)
		}
		m["images"] = join(shown)
		m.each("images", func(image members) {
			image.rename(names{"title": "name"})
			image.date("created_at", "date_created_gmt")
			image.date("updated_at", "date_modified_gmt")
		})
	}
}
