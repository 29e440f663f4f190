package wootest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

const (
	productInvalidID   = "woocommerce_rest_product_invalid_id"
	variationInvalidID = "woocommerce_rest_product_variation_invalid_id"
)

func (s *Shop) productResource(c *call) resource {
	return resource{
		table: s.products, code: productInvalidID, message: "Invalid ID.",
		render: s.renderProduct, remove: s.removeProduct,
		view: func(r *record) *object {
			if r.parent != 0 {
				return s.asProduct(r)
			}
			return s.viewProduct(r)
		},
		create: func(body *object, batch bool) *reply { return s.createProduct(0, body, batch) },
		update: func(r *record, body *object, batch bool) *reply {
			if r.parent != 0 {
				return fail(http.StatusNotFound, "woocommerce_rest_invalid_product_id", "To manipulate product variations you should use "+
					"the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.")
			}
			return s.updateProduct(r, body, batch)
		},
		list: func() *reply { return s.list(c, s.productListing(c, 0)) },
	}
}

func (s *Shop) variationResource(c *call, parent int64) resource {
	return resource{
		table: s.products, parent: parent, code: variationInvalidID, message: "Invalid ID.",
		mine:   func(r *record) bool { return r.parent != 0 },
		lax:    s.config.Version == oldest,
		render: s.renderProduct, remove: s.removeProduct, update: s.updateProduct,
		create: func(body *object, batch bool) *reply { return s.createProduct(parent, body, batch) },
		list: func() *reply {
			l := s.productListing(c, parent)
			wanted := l.match
			l.match = func(r *record) bool { return r.parent != 0 && wanted(r) }
			if parent == 0 {
				l.render = func(r *record) *object { // as it links them
					doc := s.withLinks(s.viewProduct(r), fmt.Sprint("variations/", r.id), "variations", "products/0")
					doc.object("_links").list("self")[0].(*object).del("targetHints")
					return doc
				}
			}
			return s.list(c, l)
		},
	}
}

// productListing lists products, and variations only below their parent, in /variations, or by SKU.
func (s *Shop) productListing(c *call, parent int64) listing {
	skus := c.query.list("sku")
	if v := strings.TrimSpace(c.query.get("sku")); v != "" {
		skus = append(skus, v) // the whole string is tried too: a SKU may hold a comma
	}
	of := strings.HasSuffix(strings.TrimSuffix(c.path, "/"), "/variations")
	wanted := s.productFilter(c)
	byCode := len(skus) > 0 || c.query.get("search_sku") != "" || c.query.get("global_unique_id") != "" && s.config.Version == newest
	word := strings.ToLower(c.query.get("search"))
	status := statusFilter(c.query.list("status"), true)
	orderby := []string{"date", "id", "include", "title", "slug", "modified", "popularity", "rating", "post__in", "price", "sales", "menu_order"}
	if s.config.Version == newest {
		orderby = append(orderby, "random")
	}
	return listing{
		table: s.products, parent: parent, defaults: "context=view", orderby: orderby,
		render: func(r *record) *object {
			if r.parent != 0 && !of {
				return s.asProduct(r)
			}
			return s.viewProduct(r)
		},
		name:   func(r *record) string { return r.document().text("name") },
		member: productMember,
		match: func(r *record) bool {
			doc := r.document()
			switch {
			case r.parent != 0 && parent == 0 && !byCode && !of:
				return false
			case len(skus) > 0 && !slices.ContainsFunc(skus, func(sku string) bool {
				return !strings.Contains(sku, "<") && doc.text("sku") != "" && strings.EqualFold(sku, doc.text("sku"))
			}):
				return false
			case word != "" && !strings.Contains(strings.ToLower(doc.text("name")), word):
				return false
			}
			return status(r) && wanted(r)
		},
	}
}

// productMember is by what products are sorted, named as orderby does.
func productMember(r *record, by string) any {
	switch by {
	case "popularity", "sales":
		by = "total_sales"
	case "rating":
		by = "average_rating"
	}
	return r.document().get(by)
}

func (s *Shop) renderProduct(r *record) *object {
	doc := r.document().clone()
	if r.parent == 0 {
		return s.withLinks(doc, fmt.Sprint("products/", r.id), "products", "")
	}
	up := fmt.Sprint("products/", r.parent)
	if parent := s.products.rows[r.parent]; s.inherits(r) {
		doc.set("manage_stock", "parent")
		for _, name := range []string{"stock_quantity", "stock_status"} {
			doc.set(name, parent.document().get(name))
		}
	}
	return s.withLinks(doc, fmt.Sprint(up, "/variations/", r.id), up+"/variations", up)
}

// inherits reports whether a variation's stock is its parent's: it manages none, and the parent does.
func (s *Shop) inherits(r *record) bool {
	parent := s.products.rows[r.parent]
	return parent != nil && r.document().get("manage_stock") != true && parent.document().get("manage_stock") == true
}

// findProduct looks a product or variation up for an order line.
func (s *Shop) findProduct(product, variation int64, sku string) *record {
	if r := s.products.rows[variation]; r != nil && variation != 0 {
		return r
	}
	if r := s.products.rows[product]; r != nil && product != 0 {
		return r
	}
	if sku == "" {
		return nil
	}
	for _, r := range s.products.rows {
		if strings.EqualFold(r.document().text("sku"), sku) {
			return r
		}
	}
	return nil
}

// setProduct makes a line one of r; nil leaves the empty line that an unknown product becomes.
func (s *Shop) setProduct(line *object, r *record) {
	line.set("product_id", number(0))
	line.set("variation_id", number(0))
	line.set("name", "")
	line.set("sku", nil)
	if line.has("global_unique_id") {
		line.set("global_unique_id", nil)
	}
	line.set("image", obj(field{"id", number(0)}, field{"src", ""}))
	line.set("price_of_catalogue", "0")
	if r == nil {
		return
	}
	doc := r.document()
	line.set("product_id", number(r.id))
	line.set("name", doc.text("name"))
	if parent := s.products.rows[r.parent]; parent != nil {
		line.set("product_id", number(r.parent))
		line.set("variation_id", number(r.id))
		line.set("parent_name", parent.document().text("name"))
		line.set("name", parent.document().text("name")+" - "+doc.text("name"))
	}
	line.set("sku", doc.text("sku"))
	if line.has("global_unique_id") {
		line.set("global_unique_id", doc.text("global_unique_id"))
	}
	line.set("image", obj(field{"id", ""}, field{"src", ""}))
	if images := doc.list("images"); len(images) > 0 {
		first := images[0].(*object)
		line.set("image", obj(field{"id", plain(first.get("id"))}, field{"src", first.get("src")})) // a text here, a number there
	}
	if r.parent != 0 {
		line.set("image", obj(field{"id", number(0)}, field{"src", ""}))
		for _, v := range doc.list("attributes") {
			a := v.(*object)
			s.mergeLineMeta(line, obj(field{"meta_data", []any{obj(field{"key", a.text("slug")}, field{"value", slug(a.text("option"))})}}))
		}
	}
	line.set("price_of_catalogue", doc.text("price"))
}

func (s *Shop) createProduct(parent int64, body *object, batch bool) *reply {
	doc := s.templates.product.clone()
	if parent != 0 {
		if s.products.rows[parent] == nil {
			return fail(http.StatusNotFound, productInvalidID, "Invalid ID.")
		}
		doc = s.templates.variation.clone()
		for _, name := range []string{"sku", "price", "regular_price", "sale_price"} {
			doc.set(name, "")
		}
		doc.set("manage_stock", false)
		doc.set("stock_quantity", nil)
		doc.set("parent_id", number(parent))
	}
	at := now()
	r := &record{id: s.next.post, parent: parent, doc: doc, status: "publish", created: at, modified: at}
	doc.set("id", number(r.id))
	s.setDate(doc, "date_created", at)
	if out := s.applyProduct(r, body, batch); out != nil {
		return out
	}
	s.next.post++
	s.products.add(r)
	s.bumpProduct(r)
	if p := s.products.rows[parent]; p != nil {
		p.own().set("variations", append(slices.Clone(p.own().list("variations")), number(r.id)))
	}
	s.emit("product", "created", r.id)
	out := one(http.StatusCreated, s.renderProduct(r))
	path := fmt.Sprint("/wp-json/wc/v3/products/", r.id)
	if parent != 0 {
		path = `/wp-json/wc/v3/products/(?P<product_id>[\d]+)/variations/` + fmt.Sprint(r.id) // as it comes
	}
	out.header = http.Header{"Location": {s.base() + path}}
	return out
}

func (s *Shop) updateProduct(r *record, body *object, batch bool) *reply {
	trial := &record{id: r.id, parent: r.parent, doc: r.document().clone(), status: r.status}
	if out := s.applyProduct(trial, body, batch); out != nil {
		return out
	}
	r.doc, r.status = trial.doc, trial.status
	s.bumpProduct(r)
	s.emit("product", "updated", r.id)
	return one(http.StatusOK, s.renderProduct(r))
}

// bumpProduct moves date_modified; a variation moves its parent too.
func (s *Shop) bumpProduct(r *record) {
	r.modified = now()
	s.setDate(r.own(), "date_modified", r.modified)
	if p := s.products.rows[r.parent]; p != nil {
		p.modified = r.modified
		s.setDate(p.own(), "date_modified", r.modified)
	}
}

func (s *Shop) removeProduct(r *record, force bool) *reply {
	out := one(http.StatusOK, s.renderProduct(r))
	if force {
		for _, variation := range slices.Clone(s.products.children[r.id]) {
			s.products.remove(variation)
		}
		s.products.remove(r)
		if r.parent != 0 && s.config.Version == newest {
			out.body.(*object).object("_links").list("self")[0].(*object).del("targetHints")
		}
		return out
	}
	if r.status == "trash" {
		kind := "product"
		if r.parent != 0 {
			kind = "product_variation"
		}
		return fail(http.StatusGone, "woocommerce_rest_already_trashed", "The "+kind+" has already been deleted.")
	}
	r.own().set("status", "trash")
	s.trashMeta(r, r.status)
	r.status = "trash"
	s.bumpProduct(r)
	s.emit("product", "deleted", r.id)
	return out
}

// applyProduct merges body into a product or variation. What the store ignores is ignored.
func (s *Shop) applyProduct(r *record, body *object, batch bool) *reply {
	doc := r.doc
	if out := s.checkProduct(r, body, batch); out != nil {
		return out
	}
	if sku := body.text("sku"); sku != "" && !strings.EqualFold(sku, doc.text("sku")) {
		if other := s.findProduct(0, 0, sku); other != nil && other.id != r.id {
			return fail(http.StatusBadRequest, "product_invalid_sku", "Invalid or duplicated SKU.",
				field{"resource_id", number(other.id)}, field{"unique_sku", sku + "-1"})
		}
	}
	for _, name := range []string{
		"sku", "global_unique_id", "description", "short_description", "slug", "catalog_visibility", "backorders", "tax_class",
		"tax_status", "weight", "type", "purchase_note", "shipping_class", "post_password",
	} {
		if v, isText := body.get(name).(string); isText && doc.has(name) {
			doc.set(name, v)
		}
	}
	if v, isText := body.get("name").(string); isText {
		doc.set("name", strings.ReplaceAll(html.UnescapeString(v), "&", "&amp;"))
	}
	for _, name := range []string{
		"image", "default_attributes", "dimensions", "upsell_ids", "cross_sell_ids",
		"grouped_products", "menu_order", "virtual", "downloadable", "featured", "sold_individually", "reviews_allowed", "low_stock_amount",
	} {
		if body.has(name) && doc.has(name) {
			doc.set(name, clone(body.get(name)))
		}
	}
	if status := body.text("status"); status != "" {
		r.status = status
		doc.set("status", status)
	}
	s.mergeMeta(doc, body.list("meta_data"))
	applyPrices(doc, body)
	applyStock(doc, body)
	return s.fillProduct(r, body)
}

// checkProduct is the schema check that single writes undergo and batches do not.
func (s *Shop) checkProduct(r *record, body *object, batch bool) *reply {
	if batch {
		return nil
	}
	var bad invalid
	if body.get("manage_stock") == "parent" && (r.parent == 0 || s.config.Version == oldest) {
		bad.add("manage_stock", "rest_invalid_type", "manage_stock is not of type boolean.")
	}
	for _, name := range []string{"stock_quantity", "low_stock_amount", "menu_order"} {
		v := body.get(name)
		if _, isInt := asInt(v); v != nil && !isInt {
			bad.add(name, "rest_invalid_type", name+" is not of type integer.")
		}
	}
	for _, name := range []string{"regular_price", "sale_price", "sku", "name", "weight"} {
		v := body.get(name)
		if _, isText := v.(string); v != nil && !isText {
			bad.add(name, "rest_invalid_type", name+" is not of type string.")
		}
	}
	enum := func(name string, allowed ...string) {
		if body.has(name) && !slices.Contains(allowed, body.text(name)) {
			bad.add(name, "rest_not_in_enum", name+" is not one of "+enumText(allowed)+".")
		}
	}
	enum("type", "simple", "grouped", "external", "variable")
	enum("backorders", "no", "notify", "yes")
	enum("stock_status", "instock", "outofstock", "onbackorder")
	return bad.reply()
}

// applyPrices: an empty price clears, a sale price that is not below the regular one is dropped.
func applyPrices(doc, body *object) {
	for _, name := range []string{"regular_price", "sale_price"} {
		if v := body.get(name); v != nil {
			doc.set(name, fmt.Sprint(v))
		}
	}
	if !body.has("regular_price") && !body.has("sale_price") {
		return
	}
	regular, sale := doc.text("regular_price"), doc.text("sale_price")
	if sale != "" && (regular == "" || !money(sale).LessThan(money(regular))) {
		sale = ""
		doc.set("sale_price", "")
	}
	price := regular
	if sale != "" {
		price = sale
	}
	doc.set("price", price)
	doc.set("on_sale", sale != "")
	doc.set("purchasable", price != "")
}

// applyStock: the quantity of what is not managed is ignored with 200; so is the status of what is managed; null is 0.
func applyStock(doc, body *object) {
	switch manage := body.get("manage_stock"); manage {
	case "true", "1":
		body.set("manage_stock", true)
	case "false", "0":
		body.set("manage_stock", false)
	}
	switch manage := body.get("manage_stock"); manage {
	case true, false, "parent":
		doc.set("manage_stock", manage)
		if manage == true && doc.get("stock_quantity") == nil {
			doc.set("stock_quantity", number(0))
		}
		if manage == false {
			doc.set("stock_quantity", nil)
		}
	}
	if doc.get("manage_stock") != true {
		if v, isText := body.get("stock_status").(string); isText && doc.get("manage_stock") == false {
			doc.set("stock_status", v)
		}
		return
	}
	if body.has("stock_quantity") {
		quantity, _ := amount(body, "stock_quantity") // null, and in a batch any text, is 0
		doc.set("stock_quantity", number(quantity.IntPart()))
	}
	if delta, given := amount(body, "inventory_delta"); given {
		addStock(doc, delta)
	}
	deriveStock(doc)
}

func addStock(doc *object, delta decimal.Decimal) {
	have, _ := amount(doc, "stock_quantity")
	doc.set("stock_quantity", json.Number(have.Add(delta).String()))
	deriveStock(doc)
}

// deriveStock sets what follows from a managed quantity.
func deriveStock(doc *object) {
	quantity, _ := amount(doc, "stock_quantity")
	backorders := doc.text("backorders") != "no"
	status := "instock"
	switch {
	case quantity.Sign() <= 0 && backorders:
		status = "onbackorder"
	case quantity.Sign() <= 0:
		status = "outofstock"
	}
	doc.set("stock_status", status)
	doc.set("backorders_allowed", backorders)
	doc.set("backordered", quantity.Sign() < 0 && backorders)
}

// moveStock takes (-1) or gives back (+1) an order's quantities, once each.
func (s *Shop) moveStock(r *record, sign int64) {
	if r.reduced == (sign < 0) {
		return
	}
	r.reduced = sign < 0
	for _, v := range r.doc.list("line_items") {
		line, _ := v.(*object)
		if line == nil {
			continue
		}
		p := s.stockOf(line)
		if p == nil {
			continue
		}
		quantity, _ := amount(line, "quantity")
		addStock(p.own(), quantity.Mul(decimal.NewFromInt(sign)))
		s.noteReduction(line, quantity, sign)
		s.bumpProduct(p)
		s.emit("product", "updated", p.id)
	}
}

// noteReduction keeps on the line how much of the stock it has taken.
func (s *Shop) noteReduction(line *object, quantity decimal.Decimal, sign int64) {
	var value any
	if sign < 0 {
		value = quantity.String()
	}
	s.mergeLineMeta(line, obj(field{"meta_data", []any{obj(field{"key", "_reduced_stock"}, field{"value", value})}}))
}
