package wootest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"
)

// kind is a resource that is hardly more than its documents: what is written is kept, what its blank does not have is ignored. One
// table instead of a file for each.
type kind struct {
	path     string // below wc/v3; * stands for the parent's id
	code     string // of the error for an unknown id
	message  string
	puts     int      // status of a PUT to an unknown id; 0: 404
	trash    string   // what a DELETE without force is told; "" when it goes to the trash
	posts    bool     // its ids are of the sequence that products and orders share
	required []string // of a create
	readOnly []string // beside id and dates
	dated    bool     // has date_created
	orderby  []string // the first is the default
	asc      bool     // the default order
	filters  []string // parameters compared with the member of the same name
	since    string   // a version before which there was none; "" for ever
	noBatch  bool
	unpaged  bool                                                         // a list is whole, whatever page is asked for
	totals   bool                                                         // an unpaged list tells its total
	fill     func(s *Shop, k *collection, r *record, body *object) *reply // what follows from what was written
}

const (
	noResource = "Resource does not exist."
	noTrash    = "Resource does not support trashing."
)

var termOrders = []string{"name", "id", "include", "slug", "term_group", "description", "count"}

func terms(path, since string) kind {
	return kind{
		path: path, code: "woocommerce_rest_term_invalid", message: noResource, trash: noTrash, required: []string{"name"},
		readOnly: []string{"count"}, orderby: termOrders, asc: true, filters: []string{"slug", "parent"}, since: since, fill: (*Shop).fillTerm,
	}
}

// kinds are all of them. What a coupon does to an order is in lines.go.
var kinds = []kind{
	{
		path: "coupons", code: "woocommerce_rest_shop_coupon_invalid_id", message: "Invalid ID.", puts: http.StatusBadRequest, posts: true, dated: true,
		required: []string{"code"}, readOnly: []string{"usage_count", "used_by"}, filters: []string{"code"},
		orderby: []string{"date", "id", "include", "title", "slug", "modified"}, fill: (*Shop).fillCoupon,
	},
	terms("products/categories", ""), terms("products/tags", ""), terms("products/shipping_classes", ""), terms("products/brands", newest),
	terms("products/attributes/*/terms", ""),
	{
		path: "products/attributes", code: "woocommerce_rest_taxonomy_invalid", message: noResource, trash: noTrash, required: []string{"name"},
		orderby: []string{"id"}, asc: true, unpaged: true, totals: true, fill: (*Shop).fillAttribute,
	},
	{
		path: "products/reviews", code: "woocommerce_rest_review_invalid_id", message: "Invalid review ID.", dated: true,
		required: []string{"product_id", "review", "reviewer", "reviewer_email"}, readOnly: []string{"product_name", "product_permalink", "verified", "reviewer_avatar_urls"},
		orderby: []string{"date_gmt", "date", "id", "include", "product"}, fill: (*Shop).fillReview,
	},
	{
		path: "taxes", code: "woocommerce_rest_invalid_id", message: "Invalid resource ID.", trash: "Taxes do not support trashing.",
		orderby: []string{"order", "id", "priority"}, asc: true, filters: []string{"class"},
	},
	{
		path: "shipping/zones", code: "woocommerce_rest_shipping_zone_invalid", message: noResource,
		trash: "Shipping zones do not support trashing.", required: []string{"name"}, orderby: []string{"order"}, asc: true,
		noBatch: true, unpaged: true, totals: true,
	},
	{
		path: "shipping/zones/*/methods", code: "woocommerce_rest_shipping_zone_method_invalid", message: noResource,
		trash: "Shipping methods do not support trashing.", required: []string{"method_id"},
		readOnly: []string{"instance_id", "method_id", "title", "method_title", "method_description", "settings"}, orderby: []string{"order"}, asc: true,
		noBatch: true, unpaged: true, totals: true, fill: (*Shop).fillZoneMethod,
	},
}

// collection is what the store holds of one kind.
type collection struct {
	kind
	blank *object // a document of which the store makes new ones
	docs  []*object
	table *table
	next  int64
	first int64 // parent of docs
}

func loadCollections() (map[string]*collection, error) {
	docs, err := loadDocuments("kinds.json")
	if err != nil {
		return nil, err
	}
	all := map[string]*collection{}
	for _, k := range kinds {
		o := docs[0].object(k.path)
		c := &collection{kind: k, blank: o.object("blank"), table: newTable(), next: 1, first: o.int("parent")}
		for _, v := range o.list("docs") {
			c.docs = append(c.docs, v.(*object))
		}
		all[k.path] = c
	}
	return all, nil
}

// seedKinds puts the recorded documents of each kind into the store, taxes and the zone of all other places apart: those are there
// from the beginning.
func (s *Shop) seedKinds() {
	for path, c := range s.kinds {
		for _, doc := range c.docs {
			if c.table.rows[doc.int("id")] == nil {
				s.addKind(path, c.first, doc.clone())
			}
		}
	}
}

// addKind adds a document with the id it has.
func (s *Shop) addKind(path string, parent int64, doc *object) {
	c := s.kinds[path]
	r := &record{id: doc.int("id"), parent: parent, doc: doc, status: doc.text("status")}
	r.created, r.modified = getDate(doc, "date_created"), getDate(doc, "date_modified")
	c.table.add(r)
	c.next = max(c.next, r.id+1)
	if c.posts {
		s.next.post = max(s.next.post, r.id+1)
	}
}

// kindRoute finds the collection that a path lies in, whose child it is, and what of the path is below the collection.
func (s *Shop) kindRoute(path []string) (c *collection, parent int64, rest []string) {
	for n := len(path); n > 0; n-- {
		names := slices.Clone(path[:n])
		id := int64(0)
		if n == 4 { // the only depth at which there are children: a/b/<id>/c
			if v, isInt := asInt(path[2]); isInt {
				id, names[2] = v, "*"
			}
		}
		if c := s.kinds[strings.Join(names, "/")]; c != nil {
			return c, id, path[n:]
		}
	}
	return nil, 0, nil
}

// kindResource makes a collection a resource like all others.
func (s *Shop) kindResource(c *call, k *collection, parent int64) resource {
	up := ""
	base := k.path
	if parent != 0 || strings.Contains(k.path, "*") {
		base = strings.Replace(k.path, "*", fmt.Sprint(parent), 1)
		up = base[:strings.LastIndex(base, "/")]
	}
	render := func(r *record) *object {
		doc := s.withLinks(r.doc.clone(), fmt.Sprint(base, "/", r.id), base, "")
		switch {
		case k.path == "shipping/zones":
			doc.object("_links").set("describedby", href(fmt.Sprint(base, "/", r.id, "/locations")))
		case k.path == "shipping/zones/*/methods":
			doc.object("_links").set("describes", href(up))
		case r.doc.int("parent") != 0:
			doc.object("_links").set("up", href(fmt.Sprint(base, "/", r.doc.int("parent"))))
		}
		return doc
	}
	res := resource{
		table: k.table, parent: parent, code: k.code, message: k.message, render: render, noBatch: k.noBatch, noTrash: k.trash, puts: cmp.Or(k.puts, http.StatusNotFound),
		create: func(body *object, batch bool) *reply { return s.createKind(k, parent, body, render, batch) },
		update: func(r *record, body *object, batch bool) *reply {
			doc := r.doc.clone()
			if out := s.applyKind(k, &record{id: r.id, parent: r.parent, doc: doc}, body, batch); out != nil {
				return out
			}
			r.doc = doc
			s.touchKind(k, r)
			return one(http.StatusOK, render(r))
		},
		remove: func(r *record, force bool) *reply { return s.removeKind(k, r, render, force) },
		list: func() *reply {
			if out := s.lostParent(k, parent); out != nil {
				return out
			}
			return s.listKind(c, k, parent, render)
		},
	}
	if k.path == "shipping/zones" {
		remove := res.remove
		res.remove = func(r *record, force bool) *reply {
			if r.id == 0 {
				return fail(http.StatusForbidden, "woocommerce_rest_shipping_zone_invalid_zone", "The &quot;locations not covered by your other zones&quot; zone cannot be deleted.")
			}
			return remove(r, force)
		}
	}
	return res
}

// lostParent answers for children of what there is not.
func (s *Shop) lostParent(k *collection, parent int64) *reply {
	at := strings.Index(k.path, "/*")
	if at < 0 {
		return nil
	}
	if above := s.kinds[k.path[:at]]; above.table.rows[parent] == nil {
		return fail(http.StatusNotFound, above.code, above.message)
	}
	return nil
}

func (s *Shop) listKind(c *call, k *collection, parent int64, render func(*record) *object) *reply {
	order := "desc"
	if k.asc {
		order = "asc"
	}
	wanted := map[string][]string{}
	for _, name := range k.filters {
		if v := c.query.list(name); len(v) > 0 {
			wanted[name] = v
		}
	}
	word := strings.ToLower(c.query.get("search"))
	hideEmpty, product := c.query.get("hide_empty"), c.query.get("product")
	statuses := c.query.list("status")
	l := listing{
		table: k.table, parent: parent, render: render, orderby: k.orderby, order: order,
		name:   func(r *record) string { return r.doc.text("name") + r.doc.text("code") },
		member: func(r *record, by string) any { return r.doc.get(by) },
		match: func(r *record) bool {
			if k.posts && r.status == "trash" != slices.Contains(statuses, "trash") {
				return false
			}
			for name, values := range wanted {
				if !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, plain(r.doc.get(name))) }) {
					return false
				}
			}
			return (word == "" || strings.Contains(strings.ToLower(r.doc.text("name")+" "+r.doc.text("code")+" "+r.doc.text("slug")), word)) &&
				((hideEmpty != "true" && hideEmpty != "1") || r.doc.int("count") > 0) &&
				(product == "" || !r.doc.has("product_id") || plain(r.doc.get("product_id")) == product)
		},
	}
	if !k.unpaged {
		return s.list(c, l)
	}
	list := []any{}
	from := k.table.all
	if parent != 0 || strings.Contains(k.path, "*") {
		from = k.table.children[parent]
	}
	from = slices.Clone(from)
	l.sort(from, k.orderby[0], nil)
	for _, r := range from {
		list = append(list, render(r))
	}
	if k.path == "products/attributes" {
		return onePage(list)
	}
	return s.whole(list, k.totals)
}

// whole is a list that is not paged; newer versions tell its total all the same.
func (s *Shop) whole(list []any, totals bool) *reply {
	out := ok(list)
	if totals && s.config.Version == newest {
		out.header = http.Header{"X-WP-Total": {fmt.Sprint(len(list))}, "X-WP-TotalPages": {"1"}}
	}
	return out
}

// plain is a value as a query parameter would spell it.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return fmt.Sprint(v)
	case fmt.Stringer:
		return v.String()
	}
	return ""
}

func (s *Shop) createKind(k *collection, parent int64, body *object, render func(*record) *object, batch bool) *reply {
	if out := s.lostParent(k, parent); out != nil {
		return out
	}
	var absent []string
	for _, name := range k.required {
		if body.get(name) == nil || body.text(name) == "" && isText(body.get(name)) {
			absent = append(absent, name)
		}
	}
	if absent != nil {
		return missing(absent...)
	}
	r := &record{parent: parent, doc: k.blank.clone(), status: k.blank.text("status"), created: now()}
	if out := s.applyKind(k, r, body, batch); out != nil {
		return out
	}
	sequence := &k.next
	if k.posts {
		sequence = &s.next.post
	}
	r.id = *sequence
	*sequence++
	r.doc.set("id", number(r.id))
	if r.doc.has("instance_id") {
		r.doc.set("instance_id", number(r.id))
	}
	if k.dated {
		s.setDate(r.doc, "date_created", r.created)
	}
	k.table.add(r)
	s.touchKind(k, r)
	if k.path == "coupons" {
		s.emit("coupon", "created", r.id)
	}
	out := one(http.StatusCreated, render(r))
	base := strings.Replace(k.path, "*", fmt.Sprint(parent), 1)
	out.header = http.Header{"Location": {fmt.Sprintf("%s/wp-json/wc/v3/%s/%d", s.base(), base, r.id)}}
	return out
}

func isText(v any) bool { _, is := v.(string); return is }

func (s *Shop) touchKind(k *collection, r *record) {
	r.modified = now()
	r.status = r.doc.text("status")
	if r.doc.has("date_modified") {
		s.setDate(r.doc, "date_modified", r.modified)
	}
	if k.path == "coupons" {
		s.emit("coupon", "updated", r.id)
	}
}

func (s *Shop) removeKind(k *collection, r *record, render func(*record) *object, force bool) *reply {
	out := one(http.StatusOK, render(r))
	switch {
	case force:
		k.table.remove(r)
		for _, below := range s.kinds {
			if strings.HasPrefix(below.path, k.path+"/*") {
				for _, child := range slices.Clone(below.table.children[r.id]) {
					below.table.remove(child)
				}
			}
		}
		return out
	case r.status == "trash":
		if !k.posts {
			return fail(http.StatusGone, "woocommerce_rest_already_trashed", "The object has already been trashed.")
		}
		return fail(http.StatusGone, "woocommerce_rest_already_trashed", "The shop_coupon has already been deleted.")
	}
	r.doc.set("status", "trash")
	r.status = "trash"
	if k.path == "coupons" {
		s.emit("coupon", "deleted", r.id)
	}
	return out
}

// applyKind merges body into a document: members that the blank has, of the type that they have there.
func (s *Shop) applyKind(k *collection, r *record, body *object, batch bool) *reply {
	var bad invalid
	for _, f := range body.fields {
		if f.key == "id" || f.key == "meta_data" || !r.doc.has(f.key) || slices.Contains(k.readOnly, f.key) || strings.HasPrefix(f.key, "date_created") ||
			strings.HasPrefix(f.key, "date_modified") {
			continue
		}
		value, is := fit(f.value, k.blank.get(f.key))
		if is == "" {
			r.doc.set(f.key, value)
		} else if !batch {
			bad.add(f.key, "rest_invalid_type", f.key+" is not of type "+is+".")
		}
	}
	if out := bad.reply(); out != nil {
		return out
	}
	s.mergeMeta(r.doc, body.list("meta_data"))
	if k.blank.get("meta_data") == nil {
		r.doc.del("meta_data")
	}
	if k.fill == nil {
		return nil
	}
	return k.fill(s, k, r, body)
}

// fit brings a written value to the type that the blank has, as WordPress does; is names the type it cannot be brought to.
func fit(v, blank any) (fitted any, is string) {
	switch blank.(type) {
	case bool:
		switch plain(v) {
		case "true", "1":
			return true, ""
		case "false", "0", "":
			return false, ""
		}
		return nil, "boolean"
	case json.Number:
		if n, isInt := asInt(v); isInt {
			return number(n), ""
		}
		return nil, "integer"
	case string:
		if isText(v) {
			return v, ""
		}
		return nil, "string"
	case []any:
		if list, isList := v.([]any); isList {
			return clone(list), ""
		}
		return nil, "array"
	}
	return clone(v), "" // null in the blank: a number, a date or an object
}

// href is the value of a link.
func href(path string) []any {
	return []any{obj(field{"href", "https://shop.invalid/wp-json/wc/v3/" + path})}
}

// slug is how WordPress makes one of a name.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(html.UnescapeString(name)), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127)
	})
	return strings.Join(words, "-")
}

// fillTerm: names are told with entities, and there is one of each below one parent.
func (s *Shop) fillTerm(k *collection, r *record, body *object) *reply {
	name := body.text("name")
	if name == "" {
		return nil
	}
	name = strings.ReplaceAll(html.UnescapeString(name), "&", "&amp;")
	for _, other := range k.table.all {
		if other.id != r.id && other.parent == r.parent && other.doc.int("parent") == r.doc.int("parent") && strings.EqualFold(other.doc.text("name"), name) {
			return fail(http.StatusBadRequest, "term_exists", "A term with the name provided already exists with this parent.",
				field{"resource_id", number(other.id)})
		}
	}
	r.doc.set("name", name)
	if r.doc.text("slug") == "" {
		r.doc.set("slug", slug(name))
	}
	return nil
}

func (s *Shop) fillAttribute(_ *collection, r *record, body *object) *reply {
	if r.doc.text("slug") == "" {
		r.doc.set("slug", slug(body.text("name")))
	}
	if !strings.HasPrefix(r.doc.text("slug"), "pa_") {
		r.doc.set("slug", "pa_"+r.doc.text("slug"))
	}
	return nil
}

func (s *Shop) fillCoupon(k *collection, r *record, body *object) *reply {
	if code := strings.ToLower(body.text("code")); code != "" {
		for _, other := range k.table.all {
			if other.id != r.id && other.doc.text("code") == code && other.status != "trash" {
				return fail(http.StatusBadRequest, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")
			}
		}
		r.doc.set("code", code)
	}
	for _, name := range []string{"amount", "minimum_amount", "maximum_amount"} {
		r.doc.set(name, cents(money(r.doc.text(name))))
	}
	if body.has("date_expires") {
		at, ok := s.parseDate(body.text("date_expires"), false)
		if !ok {
			at = time.Time{}
		}
		s.setDate(r.doc, "date_expires", at)
	}
	if body.has("date_expires_gmt") {
		at, err := time.Parse(wireTime, body.text("date_expires_gmt"))
		if err != nil {
			at = time.Time{}
		}
		s.setDate(r.doc, "date_expires", at)
	}
	return nil
}

func (s *Shop) fillReview(_ *collection, r *record, _ *object) *reply {
	p := s.products.rows[r.doc.int("product_id")]
	if p == nil {
		return fail(http.StatusNotFound, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
	}
	r.doc.set("product_name", p.document().get("name"))
	r.doc.set("product_permalink", p.document().get("permalink"))
	return nil
}

// fillZoneMethod takes texts and settings from the method's kind; settings are written by name and told with their description.
func (s *Shop) fillZoneMethod(k *collection, r *record, body *object) *reply {
	if r.id == 0 {
		id := body.text("method_id")
		at := slices.IndexFunc(k.docs, func(d *object) bool { return d.text("method_id") == id })
		if at < 0 {
			return fail(http.StatusInternalServerError, "woocommerce_rest_shipping_zone_not_created", "Resource cannot be created. Check to make sure &#039;method_id&#039; is valid.")
		}
		enabled, order := r.doc.get("enabled"), r.doc.get("order")
		*r.doc = *k.docs[at].clone()
		if body.has("enabled") {
			r.doc.set("enabled", enabled)
		}
		if body.has("order") {
			r.doc.set("order", order)
		} else {
			r.doc.set("order", number(int64(len(k.table.children[r.parent])+1)))
		}
	}
	for _, f := range body.object("settings").fields {
		if set := r.doc.object("settings").object(f.key); set.has("value") {
			set.set("value", f.value)
			if f.key == "title" {
				r.doc.set("title", f.value)
			}
		}
	}
	return nil
}
