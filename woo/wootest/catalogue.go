package wootest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// productFilter reads the filters that products and variations have. What came with later versions is ignored by older ones.
func (s *Shop) productFilter(c *call) func(r *record) bool {
	var all []func(r *record, doc *object) bool
	newer := s.config.Version == newest
	add := func(name string, since bool, of func(values []string) func(r *record, doc *object) bool) {
		if values := c.query.list(name); len(values) > 0 && since {
			all = append(all, of(values))
		}
	}
	oneOf := func(member string) func(values []string) func(r *record, doc *object) bool {
		return func(values []string) func(r *record, doc *object) bool {
			return func(_ *record, doc *object) bool { return slices.Contains(values, plain(doc.get(member))) }
		}
	}
	not := func(of func([]string) func(*record, *object) bool) func([]string) func(*record, *object) bool {
		return func(values []string) func(r *record, doc *object) bool {
			is := of(values)
			return func(r *record, doc *object) bool { return !is(r, doc) }
		}
	}
	flag := func(member string) func(values []string) func(r *record, doc *object) bool {
		return func(values []string) func(r *record, doc *object) bool {
			want := values[0] == "true" || values[0] == "1"
			return func(_ *record, doc *object) bool { return doc.get(member) == want }
		}
	}
	term := func(list string) func(values []string) func(r *record, doc *object) bool {
		return func(values []string) func(r *record, doc *object) bool {
			return func(_ *record, doc *object) bool {
				return slices.ContainsFunc(doc.list(list), func(v any) bool {
					o, _ := v.(*object)
					return o != nil && (slices.Contains(values, plain(o.get("id"))) || slices.Contains(values, o.text("slug")))
				})
			}
		}
	}
	price := func(sign int) func(values []string) func(r *record, doc *object) bool {
		return func(values []string) func(r *record, doc *object) bool {
			border, err := decimal.NewFromString(values[0])
			return func(_ *record, doc *object) bool {
				return err != nil || doc.text("price") != "" && money(doc.text("price")).Cmp(border) != -sign
			}
		}
	}
	add("type", true, oneOf("type"))
	add("include_types", newer, oneOf("type"))
	add("exclude_types", newer, not(oneOf("type")))
	add("include_status", newer, oneOf("status"))
	add("exclude_status", newer, not(oneOf("status")))
	add("stock_status", true, oneOf("stock_status"))
	add("global_unique_id", newer, oneOf("global_unique_id"))
	add("tax_class", true, oneOf("tax_class"))
	add("slug", true, oneOf("slug"))
	add("shipping_class", true, oneOf("shipping_class_id"))
	add("featured", true, flag("featured"))
	add("on_sale", true, flag("on_sale"))
	add("virtual", newer, flag("virtual"))
	add("downloadable", newer, flag("downloadable"))
	add("category", true, term("categories"))
	add("tag", true, term("tags"))
	add("brand", newer, term("brands"))
	add("min_price", true, price(1))
	add("max_price", true, price(-1))
	add("parent", true, func(values []string) func(r *record, doc *object) bool {
		return func(r *record, doc *object) bool {
			return r.parent == 0 && slices.Contains(values, plain(doc.get("parent_id")))
		}
	})
	add("search_sku", true, func([]string) func(r *record, doc *object) bool {
		part := strings.ToLower(c.query.get("search_sku"))
		return func(_ *record, doc *object) bool { return strings.Contains(strings.ToLower(doc.text("sku")), part) }
	})
	return func(r *record) bool {
		doc := r.document()
		return !slices.ContainsFunc(all, func(f func(*record, *object) bool) bool { return !f(r, doc) })
	}
}

// viewProduct is a product as a GET shows it; a write shows two members more.
func (s *Shop) viewProduct(r *record) *object {
	doc := s.renderProduct(r)
	lose(doc, "permalink_template", "generated_slug")
	return doc
}

// asProduct is a variation as /products shows it: with the members of a product.
func (s *Shop) asProduct(r *record) *object {
	of := s.renderProduct(r)
	doc := s.templates.asProduct.clone()
	for _, f := range of.fields {
		if doc.has(f.key) && f.key != "name" {
			doc.set(f.key, f.value)
		}
	}
	doc.set("type", "variation")
	doc.set("name", of.get("name"))
	if p := s.products.rows[r.parent]; p != nil {
		doc.set("name", p.document().text("name")+" - "+of.text("name"))
	}
	doc.set("slug", slug(doc.text("name")))
	doc.set("parent_id", number(r.parent))
	return s.withLinks(doc, fmt.Sprint("products/", r.id), "products", fmt.Sprint("products/", r.parent))
}

// fillProduct completes what a write names in short: terms by id, attributes, pictures.
func (s *Shop) fillProduct(r *record, body *object) *reply {
	doc := r.doc
	for list, kind := range map[string]string{"categories": "products/categories", "tags": "products/tags", "brands": "products/brands"} {
		if !body.has(list) || !doc.has(list) {
			continue
		}
		terms := []any{}
		for _, v := range body.list(list) {
			o, _ := v.(*object)
			if o == nil {
				continue
			}
			if t := s.kinds[kind].table.rows[o.int("id")]; t != nil {
				terms = append(terms, obj(field{"id", number(t.id)}, field{"name", t.doc.get("name")}, field{"slug", t.doc.get("slug")}))
			}
		}
		doc.set(list, terms)
	}
	if body.has("attributes") {
		attributes := []any{}
		for i, v := range body.list("attributes") {
			if o, isObject := v.(*object); isObject {
				attributes = append(attributes, s.attribute(o, i, r.parent != 0))
			}
		}
		doc.set("attributes", attributes)
		if r.parent != 0 {
			var options []string
			for _, v := range attributes {
				options = append(options, v.(*object).text("option"))
			}
			doc.set("name", strings.Join(options, ", "))
		}
	}
	if body.has("images") && doc.has("images") {
		images := []any{}
		for _, v := range body.list("images") {
			o, _ := v.(*object)
			if o == nil {
				continue
			}
			image, out := s.image(doc, o)
			if out != nil {
				return out
			}
			images = append(images, image)
		}
		doc.set("images", images)
	}
	if doc.has("generated_slug") || r.parent != 0 {
		return nil
	}
	doc.set("permalink_template", "https://shop.invalid/product/%pagename%/")
	doc.set("generated_slug", doc.get("slug"))
	return nil
}

// attribute is one as the store tells it: of a product with its options, of a variation with the one chosen.
func (s *Shop) attribute(o *object, position int, chosen bool) *object {
	id, name := o.int("id"), o.text("name")
	slug := name
	if a := s.kinds["products/attributes"].table.rows[id]; a != nil {
		name, slug = a.doc.text("name"), a.doc.text("slug")
	}
	a := obj(field{"id", number(id)}, field{"name", name}, field{"slug", slug})
	if chosen {
		a.set("option", o.text("option"))
		return a
	}
	if n, given := asInt(o.get("position")); given {
		position = int(n)
	}
	a.set("position", jsonInt(position))
	for _, name := range []string{"visible", "variation"} {
		v, _ := o.get(name).(bool)
		a.set(name, v)
	}
	options := o.list("options")
	if options == nil {
		options = []any{}
	}
	a.set("options", clone(options))
	return a
}

// image is a picture: the one the product has, or a new one, as if it had been fetched from src.
func (s *Shop) image(doc, o *object) (*object, *reply) {
	if id := o.int("id"); id != 0 {
		for _, v := range doc.list("images") {
			if have, isObject := v.(*object); isObject && have.int("id") == id {
				return have, nil
			}
		}
	}
	src := o.text("src")
	u, err := url.Parse(src)
	if err != nil || u.Host == "" || !slices.Contains([]string{"", "80", "443", "8080"}, u.Port()) {
		return nil, fail(http.StatusBadRequest, "woocommerce_product_image_upload_error",
			"Error getting remote image "+src+". Error: A valid URL was not provided.")
	}
	file := "https://shop.invalid/wp-content/uploads" + u.Path[strings.LastIndex("/"+u.Path, "/"):]
	image := obj(field{"id", number(s.next.post)})
	s.next.post++
	for _, key := range []string{"date_created", "date_modified"} {
		s.setDate(image, key, now())
	}
	for _, f := range []field{{"src", file}, {"name", o.text("name")}, {"alt", o.text("alt")}, {"srcset", ""}, {"sizes", "100vw"}, {"thumbnail", file}} {
		if s.config.Version == newest || slices.Contains([]string{"src", "name", "alt"}, f.key) {
			image.set(f.key, f.value)
		}
	}
	return image, nil
}

// duplicate copies a product. The answer is the store's inner object, unlike any other.
func (s *Shop) duplicate(id int64) *reply {
	r := s.products.rows[id]
	if r == nil || r.parent != 0 {
		return fail(http.StatusNotFound, productInvalidID, "Invalid product ID.")
	}
	at := now()
	c := &record{id: s.next.post, doc: r.document().clone(), status: "draft", created: at, modified: at}
	s.next.post++
	sku := c.doc.text("sku")
	for n := 1; sku != "" && s.findProduct(0, 0, sku) != nil; n++ {
		sku = fmt.Sprint(r.document().text("sku"), "-", n)
	}
	c.doc.set("id", number(c.id))
	c.doc.set("name", c.doc.text("name")+" (Copy)")
	c.doc.set("sku", sku)
	c.doc.set("slug", "")
	c.doc.set("status", "draft")
	c.doc.set("variations", []any{})
	s.setDate(c.doc, "date_created", at)
	s.products.add(c)
	s.bumpProduct(c)
	s.emit("product", "created", c.id)

	doc := s.templates.duplicate.clone()
	for _, f := range c.doc.fields {
		have := doc.get(f.key)
		if _, isObject := have.(*object); doc.has(f.key) && !isObject && f.key != "attributes" && f.key != "meta_data" && f.key != "low_stock_amount" {
			doc.set(f.key, clone(f.value))
		}
	}
	for _, key := range []string{"date_created", "date_modified"} {
		doc.object(key).set("date", at.In(s.config.Location).Format("2006-01-02 15:04:05.000000"))
		doc.object(key).set("timezone", s.config.Location.String())
	}
	return ok(doc)
}

// suggested proposes products; which is not of this world, so: the first.
func (s *Shop) suggested(c *call) *reply {
	limit, err := strconv.Atoi(c.query.get("limit"))
	if err != nil || limit < 1 {
		limit = 100
	}
	list := []any{}
	for _, r := range s.products.all {
		if r.parent == 0 && r.status == "publish" && len(list) < limit {
			list = append(list, s.viewProduct(r))
		}
	}
	return onePage(list)
}

// fieldNames are the keys of products' meta data.
func (s *Shop) fieldNames(c *call) *reply {
	names := map[string]bool{}
	for _, r := range s.products.all {
		for _, v := range r.document().list("meta_data") {
			if key := v.(*object).text("key"); !strings.HasPrefix(key, "_") && strings.Contains(key, c.query.get("search")) {
				names[key] = true
			}
		}
	}
	list := []any{}
	for name := range names {
		list = append(list, name)
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	return onePage(list)
}

// onePage is a list that fits its first page.
func onePage(list []any) *reply {
	out := ok(list)
	out.header = http.Header{"X-WP-Total": {strconv.Itoa(len(list))}, "X-WP-TotalPages": {strconv.Itoa(min(1, len(list)))}}
	return out
}

// trashMeta is what WordPress leaves on what it moves to the trash.
func (s *Shop) trashMeta(r *record, status string) {
	changes := []any{
		obj(field{"key", "_wp_trash_meta_status"}, field{"value", status}), obj(field{"key", "_wp_trash_meta_time"}, field{"value", fmt.Sprint(now().Unix())}),
	}
	if notes := s.notes.children[r.id]; len(notes) > 0 && !r.doc.has("sku") {
		of := obj()
		for _, n := range notes {
			of.set(fmt.Sprint(n.id), "1")
		}
		changes = append(changes, obj(field{"key", "_wp_trash_meta_comments_status"}, field{"value", of}))
	}
	if r.doc.has("sku") {
		changes = append(changes, obj(field{"key", "_wp_desired_post_slug"}, field{"value", slug(r.doc.text("name"))}))
	}
	s.mergeMeta(r.doc, changes)
}
