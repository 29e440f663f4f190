package wootest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// products are the published ones, without variations unless a SKU is asked for.
func (l *Legacy) products(c *legacyCall) []*record {
	skus := strings.FieldsFunc(c.filter("sku"), func(r rune) bool { return r == ',' })
	kind, word, category := cmp.Or(c.param("type"), c.filter("type")), strings.ToLower(c.filter("q")), c.filter("category")
	var all []*record
	for _, r := range l.shop.products.all {
		doc := r.document()
		switch {
		case len(skus) > 0 && !slices.ContainsFunc(skus, func(sku string) bool { return strings.EqualFold(sku, doc.text("sku")) }),
			len(skus) == 0 && r.parent != 0, r.status != "" && r.status != "publish",
			kind != "" && doc.text("type") != kind,
			word != "" && !strings.Contains(strings.ToLower(doc.text("name")), word),
			category != "" && !slices.ContainsFunc(doc.list("categories"), func(v any) bool {
				term, _ := v.(*object)
				return term != nil && term.text("slug") == category
			}):
			continue
		}
		all = append(all, r)
	}
	return legacySelect(c, all)
}

func (l *Legacy) listProducts(c *legacyCall) *legacyReply {
	return legacyPage(c, "products", l.products(c), func(r *record) *object { return l.renderProduct(r) })
}

func (l *Legacy) findProduct(id int64) (*record, *legacyReply) {
	r := l.shop.products.rows[id]
	switch {
	case l.shop.orders.rows[id] != nil:
		return nil, legacyFail(http.StatusNotFound, "invalid_product", "Invalid product")
	case r == nil:
		return nil, legacyFail(http.StatusNotFound, "no_product_found", fmt.Sprintf("No product found with the ID equal to %d", id))
	}
	return r, nil
}

func (l *Legacy) oneProduct(c *legacyCall, id int64, write, remove bool) *legacyReply {
	r, fault := l.findProduct(id)
	switch {
	case fault != nil:
		return fault
	case remove && c.param("force") == "true":
		l.shop.removeProduct(r, true)
		return &legacyReply{status: http.StatusOK, body: obj(field{"message", "Permanently deleted product"})}
	case remove:
		l.shop.removeProduct(r, false)
		return &legacyReply{status: http.StatusAccepted, body: obj(field{"message", "Deleted product"})}
	case !write:
		return legacyOK("product", legacyFields(c, l.renderProduct(r)))
	}
	change, isObject := c.body.get("product").(*object)
	if !isObject {
		return legacyFail(http.StatusBadRequest, "missing_product_data", "No product data specified to edit product")
	}
	if fault := l.changeProduct(r, change); fault != nil {
		return fault
	}
	return legacyOK("product", l.renderProduct(r))
}

// changeProduct ignores a quantity, as wc/v3 does, where no stock is managed.
func (l *Legacy) changeProduct(r *record, change *object) *legacyReply {
	if out := l.shop.updateProduct(r, modernProduct(change), true); out.status >= 300 {
		return legacyFail(http.StatusBadRequest, "product_sku_already_exists", "The SKU already exists on another product.")
	}
	for _, v := range change.list("variations") {
		inner, _ := v.(*object)
		if inner == nil {
			continue
		}
		if variation := l.shop.products.rows[inner.int("id")]; variation != nil && variation.parent == r.id {
			l.shop.updateProduct(variation, modernProduct(inner), true)
		}
	}
	return nil
}

// modernProduct is a write in the form of wc/v3.
func modernProduct(change *object) *object {
	body := obj()
	for from, to := range map[string]string{
		"title": "name", "sku": "sku", "regular_price": "regular_price", "sale_price": "sale_price", "type": "type", "status": "status",
		"managing_stock": "manage_stock", "stock_quantity": "stock_quantity",
	} {
		if change.has(from) {
			body.set(to, change.get(from))
		}
	}
	if in, isBool := change.get("in_stock").(bool); isBool {
		body.set("stock_status", map[bool]string{true: "instock", false: "outofstock"}[in])
	}
	return body
}

func (l *Legacy) createProduct(c *legacyCall) *legacyReply {
	change, isObject := c.body.get("product").(*object)
	switch {
	case !isObject:
		return legacyFail(http.StatusBadRequest, "missing_product_data", "No product data specified to create product")
	case change.text("title") == "":
		return legacyFail(http.StatusBadRequest, "missing_product_title", "Missing parameter title")
	}
	made := l.shop.createProduct(0, modernProduct(change), true)
	doc, _ := made.body.(*object)
	if made.status >= 300 || doc == nil {
		return legacyFail(http.StatusBadRequest, "product_sku_already_exists", "The SKU already exists on another product.")
	}
	out := legacyOK("product", l.renderProduct(l.shop.products.rows[doc.int("id")]))
	out.status = http.StatusCreated
	return out
}

func (l *Legacy) bulkProducts(c *legacyCall) *legacyReply {
	items := c.body.list("products")
	if len(items) > 100 {
		return legacyFail(http.StatusRequestEntityTooLarge, "products_request_entity_too_large",
			"Unable to accept more than 100 items for this request.")
	}
	list := []any{}
	for _, v := range items {
		change, _ := v.(*object)
		if change == nil {
			continue
		}
		id, sku := change.int("id"), change.text("sku")
		if found := l.shop.findProduct(0, 0, sku); id == 0 && found != nil {
			id = found.id
		}
		r, fault := l.findProduct(id)
		if fault == nil {
			fault = l.changeProduct(r, change)
		}
		if fault != nil {
			list = append(list, obj(field{"id", number(id)}, field{"sku", sku}, field{"error", fault.body.(*object).list("errors")[0]}))
			continue
		}
		list = append(list, l.renderProduct(r))
	}
	return legacyOK("products", list)
}

// renderProduct makes the legacy form of a product or variation, with those that belong to it whole inside it.
func (l *Legacy) renderProduct(r *record) *object {
	out := l.productBody(r)
	variations := []any{}
	if r.parent == 0 {
		for _, child := range l.shop.products.children[r.id] {
			variations = append(variations, l.variationBody(child))
		}
	}
	out.set("variations", variations)
	out.set("parent", []any{})
	if parent := l.shop.products.rows[r.parent]; parent != nil && r.parent != 0 {
		inner := l.productBody(parent)
		inner.set("variations", []any{})
		inner.set("parent", []any{})
		inner.set("grouped_products", []any{})
		inner.set("menu_order", number(0))
		out.set("parent", inner)
	}
	out.set("grouped_products", []any{})
	out.set("menu_order", number(r.document().int("menu_order")))
	return out
}

func (l *Legacy) productBody(r *record) *object {
	doc := l.shop.renderProduct(r)
	kind := doc.text("type")
	if r.parent != 0 {
		kind = "variation"
	}
	or := func(name string, fallback any) any {
		if v := doc.get(name); v != nil {
			return clone(v)
		}
		return fallback
	}
	names := func(name string) []any {
		list := []any{}
		for _, v := range doc.list(name) {
			if term, isObject := v.(*object); isObject {
				list = append(list, term.get("name"))
			}
		}
		return list
	}
	title := doc.text("name")
	out := obj(field{"title", title}, field{"id", number(r.id)})
	l.goods(out, r, doc)
	out.fields = slices.Insert(out.fields, 4, field{"type", kind}, field{"status", or("status", "publish")})
	out.set("sold_individually", or("sold_individually", false))
	out.set("featured", or("featured", false))
	out.set("catalog_visibility", or("catalog_visibility", "visible"))
	out.set("price_html", or("price_html", ""))
	out.set("product_url", or("external_url", ""))
	out.set("button_text", or("button_text", ""))
	out.set("shipping_required", or("shipping_required", true))
	out.set("shipping_taxable", or("shipping_taxable", true))
	out.set("description", or("description", ""))
	out.set("short_description", or("short_description", ""))
	out.set("reviews_allowed", or("reviews_allowed", false))
	out.set("average_rating", or("average_rating", "0.00"))
	out.set("rating_count", or("rating_count", number(0)))
	for _, name := range []string{"related_ids", "upsell_ids", "cross_sell_ids"} {
		out.set(name, or(name, []any{}))
	}
	out.set("parent_id", number(r.parent))
	out.set("categories", names("categories"))
	out.set("tags", names("tags"))
	out.set("images", []any{l.placeholder()})
	out.set("featured_src", false)
	out.set("attributes", legacyAttributes(doc))
	out.set("download_type", "standard")
	out.set("purchase_note", or("purchase_note", ""))
	out.set("total_sales", or("total_sales", "0"))
	return out
}

// legacyAttributes are those of a product with all values, those of a variation with the chosen ones.
func legacyAttributes(doc *object) []any {
	list := []any{}
	for _, v := range doc.list("attributes") {
		from, isObject := v.(*object)
		if !isObject {
			continue
		}
		slug := strings.ToLower(from.text("name"))
		if from.has("option") {
			list = append(list, obj(field{"name", from.get("name")}, field{"slug", "pa_" + slug}, field{"option", from.get("option")}))
			continue
		}
		attribute := obj(field{"name", from.get("name")}, field{"slug", slug})
		for _, name := range []string{"position", "visible", "variation", "options"} {
			attribute.set(name, clone(from.get(name)))
		}
		list = append(list, attribute)
	}
	return list
}

// variationBody is a variation inside its product.
func (l *Legacy) variationBody(r *record) *object {
	doc := l.shop.renderProduct(r)
	out := obj(field{"id", number(r.id)})
	l.goods(out, r, doc)
	out.set("image", []any{l.placeholder()})
	out.set("attributes", legacyAttributes(doc))
	return out
}

// goods are the members that products and variations share.
func (l *Legacy) goods(out *object, r *record, doc *object) {
	or := func(name string, fallback any) any {
		if v := doc.get(name); v != nil && v != "" {
			return clone(v)
		}
		return fallback
	}
	out.set("created_at", legacyTime(r.created))
	out.set("updated_at", legacyTime(r.modified))
	out.set("downloadable", or("downloadable", false))
	out.set("virtual", or("virtual", false))
	out.set("permalink", or("permalink", ""))
	out.set("sku", or("sku", ""))
	out.set("price", or("price", ""))
	out.set("regular_price", or("regular_price", ""))
	out.set("sale_price", or("sale_price", nil))
	out.set("taxable", doc.text("tax_status") != "none")
	out.set("tax_status", or("tax_status", "taxable"))
	out.set("tax_class", or("tax_class", ""))
	managed := doc.get("manage_stock")
	out.set("managing_stock", managed)
	out.set("stock_quantity", doc.get("stock_quantity"))
	out.set("in_stock", doc.text("stock_status") != "outofstock")
	out.set("backorders_allowed", or("backorders_allowed", false))
	out.set("backordered", or("backordered", false))
	out.set("purchaseable", or("purchasable", true))
	out.set("visible", true)
	out.set("on_sale", or("on_sale", false))
	out.set("weight", or("weight", nil))
	dimensions := doc.object("dimensions").clone()
	dimensions.set("unit", "cm")
	out.set("dimensions", dimensions)
	out.set("shipping_class", or("shipping_class", ""))
	out.set("shipping_class_id", nil)
	if id := doc.int("shipping_class_id"); id != 0 {
		out.set("shipping_class_id", strconv.FormatInt(id, 10))
	}
	out.set("downloads", or("downloads", []any{}))
	out.set("download_limit", or("download_limit", number(-1)))
	out.set("download_expiry", or("download_expiry", number(-1)))
}

// placeholder is the picture of what has none. Its dates are those of the request.
func (l *Legacy) placeholder() *object {
	at := legacyTime(now())
	return obj(field{"id", number(0)}, field{"created_at", at}, field{"updated_at", at},
		field{"src", "https://shop.invalid/wp-content/uploads/woocommerce-placeholder.webp"},
		field{"title", "Placeholder"}, field{"alt", "Placeholder"}, field{"position", number(0)})
}

func (l *Legacy) listCoupons(c *legacyCall) *legacyReply {
	all := make([]*record, len(l.coupons))
	for i, doc := range l.coupons {
		all[i] = &record{id: doc.int("id"), doc: doc}
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(a.id, b.id) })
	return legacyPage(c, "coupons", legacySelect(c, all), func(r *record) *object { return r.doc.clone() })
}

func (l *Legacy) oneCoupon(is func(*object) bool) *legacyReply {
	at := slices.IndexFunc(l.coupons, is)
	if at < 0 {
		return legacyFail(http.StatusNotFound, "invalid_coupon_code", "Invalid coupon code")
	}
	return legacyOK("coupon", l.coupons[at].clone())
}

func (l *Legacy) listWebhooks(c *legacyCall) *legacyReply {
	return legacyPage(c, "webhooks", legacySelect(c, l.shop.webhooks.all), legacyWebhook)
}

func (l *Legacy) createWebhook(c *legacyCall) *legacyReply {
	body, isObject := c.body.get("webhook").(*object)
	switch {
	case !isObject:
		return legacyFail(http.StatusBadRequest, "missing_webhook_data", "No webhook data specified to create webhook")
	case !validTopic(body.text("topic")):
		return legacyFail(http.StatusBadRequest, "invalid_webhook_topic", "Webhook topic is required and must be valid.")
	case !validTarget(body.text("delivery_url")):
		return legacyFail(http.StatusBadRequest, "invalid_webhook_delivery_url",
			"Webhook delivery URL must be a valid URL starting with http:// or https://")
	}
	l.shop.saved = nil
	l.shop.createWebhook(body, true)
	all := l.shop.webhooks.all
	l.shop.hooks[all[len(all)-1].id].legacy = l.payload
	return &legacyReply{
		status: http.StatusCreated, body: obj(field{"webhook", legacyWebhook(all[len(all)-1])}), pings: l.shop.owedPings(),
	}
}

func (l *Legacy) oneWebhook(c *legacyCall, id int64, write, remove bool) *legacyReply {
	r := l.shop.webhooks.rows[id]
	if r == nil {
		return legacyFail(http.StatusNotFound, "no_webhook_found", fmt.Sprintf("No webhook found with the ID equal to %d", id))
	}
	switch {
	case remove:
		l.shop.webhookResource(nil).remove(r, true)
		return &legacyReply{status: http.StatusOK, body: true}
	case !write:
		return legacyOK("webhook", legacyWebhook(r))
	}
	body, isObject := c.body.get("webhook").(*object)
	if !isObject {
		return legacyFail(http.StatusBadRequest, "missing_webhook_data", "No webhook data specified to edit webhook")
	}
	l.shop.saved = nil
	if out := l.shop.updateWebhook(r, body, true); out.status >= 300 {
		return legacyFail(http.StatusBadRequest, "invalid_webhook_topic", "Webhook topic must be valid.")
	}
	out := legacyOK("webhook", legacyWebhook(r))
	out.pings = l.shop.owedPings()
	return out
}

// payload is what a webhook of api_version legacy_v3 delivers.
func (l *Legacy) payload(e event) *object {
	switch s := l.shop; {
	case e.resource == "order" && s.orders.rows[e.id] != nil:
		return obj(field{"order", l.renderOrder(s.orders.rows[e.id])})
	case e.resource == "product" && s.products.rows[e.id] != nil:
		return obj(field{"product", l.renderProduct(s.products.rows[e.id])})
	case e.resource == "customer" && s.customers.rows[e.id] != nil:
		return obj(field{"customer", l.renderCustomer(s.customers.rows[e.id])})
	}
	return nil
}

func legacyWebhook(r *record) *object {
	out := pick(r.doc, "id", "id", "name", "name", "status", "status", "topic", "topic", "resource", "resource", "event", "event",
		"hooks", "hooks", "delivery_url", "delivery_url")
	out.set("created_at", legacyTime(r.created))
	out.set("updated_at", legacyTime(r.modified))
	return out
}
