package wootest

import (
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

const orderInvalidID = "woocommerce_rest_shop_order_invalid_id"

// writableStatuses are what a single write accepts, in the order in which the error lists them.
func (s *Shop) writableStatuses() []string {
	all := []string{"auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"}
	return append(append(all, s.config.Statuses...), "checkout-draft")
}

func (s *Shop) orderResource(c *call) resource {
	statuses := append([]string{"any", "trash"}, s.writableStatuses()...)
	return resource{
		table: s.orders, code: orderInvalidID, message: "Invalid ID.",
		render: s.renderOrder, view: s.orderPlaces(c), create: s.createOrder, update: s.updateOrder, remove: s.removeOrder,
		list: func() *reply {
			return s.list(c, listing{
				table: s.orders, statuses: statuses, render: s.orderPlaces(c), match: s.orderFilter(c), lostEnd: !s.config.PostsStorage,
				drafts:   s.config.Version == oldest,
				orderby:  []string{"date", "id", "include", "title", "slug", "modified"},
				defaults: "status%5B0%5D=any&dp=2&context=view",
			})
		},
	}
}

func (s *Shop) renderOrder(r *record) *object {
	doc := r.document()
	if r.doc != nil {
		doc = doc.clone()
	}
	id := fmt.Sprint("orders/", r.id)
	s.withLinks(doc, id, "orders", "")
	if s.config.Version == newest {
		doc.object("_links").set("email_templates", []any{obj(field{"embeddable", true},
			field{"href", "https://shop.invalid/wp-json/wc/v3/" + id + "/actions/email_templates"})})
	}
	if r.customer != 0 {
		doc.object("_links").set("customer", []any{obj(field{"href", fmt.Sprint("https://shop.invalid/wp-json/wc/v3/customers/", r.customer)})})
	}
	return doc
}

// orderPlaces renders orders with as many decimal places as the request asks for.
func (s *Shop) orderPlaces(c *call) func(r *record) *object {
	places, err := strconv.Atoi(c.query.get("dp"))
	if err != nil || places == 2 || places < 0 {
		return s.renderOrder
	}
	round := func(o *object, names ...string) {
		for _, name := range names {
			if text, isText := o.get(name).(string); isText && text != "" {
				o.set(name, money(text).StringFixed(int32(min(places, 10))))
			}
		}
	}
	return func(r *record) *object {
		doc := s.renderOrder(r)
		round(doc, "discount_total", "discount_tax", "shipping_total", "shipping_tax", "cart_tax", "total", "total_tax")
		for _, kind := range []string{"line_items", "tax_lines", "shipping_lines", "fee_lines", "refunds"} {
			for _, v := range doc.list(kind) {
				round(v.(*object), "subtotal", "subtotal_tax", "total", "total_tax", "tax_total", "shipping_tax_total")
			}
		}
		return doc
	}
}

// orderFilter reads the filters that only orders have.
func (s *Shop) orderFilter(c *call) func(r *record) bool {
	var match []func(r *record) bool
	if v := c.query.get("customer"); v != "" {
		want := ids([]string{v})
		match = append(match, func(r *record) bool { return slices.Contains(want, r.customer) })
	}
	if v := c.query.list("parent"); len(v) > 0 {
		want := ids(v)
		match = append(match, func(r *record) bool { return slices.Contains(want, r.document().int("parent_id")) })
	}
	if v := ids([]string{c.query.get("product")}); len(v) > 0 {
		match = append(match, func(r *record) bool {
			return slices.ContainsFunc(r.document().list("line_items"), func(line any) bool {
				l, _ := line.(*object)
				return l != nil && (l.int("product_id") == v[0] || l.int("variation_id") == v[0])
			})
		})
	}
	if want := c.query.list("created_via"); len(want) > 0 && s.config.Version == newest {
		match = append(match, func(r *record) bool { return slices.Contains(want, r.document().text("created_via")) })
	}
	if word := strings.ToLower(c.query.get("search")); word != "" {
		match = append(match, func(r *record) bool {
			doc := r.document()
			return fmt.Sprint(r.id) == word || strings.Contains(strings.ToLower(searchText(doc)), word)
		})
	}
	return func(r *record) bool {
		return !slices.ContainsFunc(match, func(m func(*record) bool) bool { return !m(r) })
	}
}

// searchText is what the store's search covers: item names, the billing and the shipping index.
func searchText(doc *object) string {
	var b strings.Builder
	for _, key := range []string{"billing", "shipping"} {
		for _, f := range doc.object(key).fields {
			v, _ := f.value.(string)
			b.WriteString(v + " ")
		}
	}
	for _, line := range doc.list("line_items") {
		if l, isObject := line.(*object); isObject {
			b.WriteString(l.text("name") + " ")
		}
	}
	return b.String()
}

func (s *Shop) createOrder(body *object, batch bool) *reply {
	if out := s.checkOrder(body, batch); out != nil {
		return out
	}
	doc := s.templates.order.clone()
	id := s.next.post
	at := now()
	orderKey := "wc_order_" + madeUp(fmt.Sprint("order ", id))[:13]
	doc.set("id", number(id))
	doc.set("number", fmt.Sprint(id))
	doc.set("order_key", orderKey)
	doc.set("payment_url", fmt.Sprintf("https://shop.invalid/checkout/order-pay/%d/?pay_for_order=true&key=%s", id, orderKey))
	s.setDate(doc, "date_created", at)
	s.setDate(doc, "date_modified", at)
	r := &record{id: id, doc: doc, status: "pending", created: at, modified: at}
	s.next.post++
	if via := body.text("created_via"); via != "" {
		doc.set("created_via", via)
	}
	if out := s.applyOrder(r, body, batch); out != nil {
		// Coupons are tried on an order that is already saved. The older version does not tell that it is left.
		if refused := out.body.(*object); refused.text("code") == "woocommerce_rest_invalid_coupon" {
			if s.config.Version == newest {
				refused.object("data").set("new_draft_order_id", number(id))
			}
			r.status = "checkout-draft"
			doc.set("status", r.status)
			s.orders.add(r)
		} else {
			s.next.post--
		}
		return out
	}
	s.orders.add(r)
	s.emit("order", "created", id)
	s.emit("order", "updated", id)
	out := one(http.StatusCreated, s.renderOrder(r))
	out.header = http.Header{"Location": {fmt.Sprint(s.base(), "/wp-json/wc/v3/orders/", id)}}
	return out
}

func (s *Shop) updateOrder(r *record, body *object, batch bool) *reply {
	if out := s.checkOrder(body, batch); out != nil {
		return out
	}
	wasTrash := r.status == "trash"
	before, doc := encode(nil, r.document()), r.own()
	trial := &record{id: r.id, doc: doc.clone(), status: r.status, created: r.created, modified: r.modified, customer: r.customer, reduced: r.reduced}
	if out := s.applyOrder(trial, body, batch); out != nil {
		return out // nothing of it is kept
	}
	r.doc, r.status, r.customer, r.reduced = trial.doc, trial.status, trial.customer, trial.reduced
	// Posts keep the date when neither the post itself nor its status changed.
	if !s.config.PostsStorage || postChanged(before, r.doc) {
		r.modified = now()
		s.setDate(r.doc, "date_modified", r.modified)
	}
	if !wasTrash {
		s.emit("order", "updated", r.id)
	}
	return one(http.StatusOK, s.renderOrder(r))
}

// postChanged reports whether one of the fields changed that the posts table itself holds.
func postChanged(before []byte, doc *object) bool {
	old, err := parseObject(before)
	if err != nil {
		return true
	}
	return old.text("status") != doc.text("status") || old.text("customer_note") != doc.text("customer_note")
}

func (s *Shop) removeOrder(r *record, force bool) *reply {
	out := one(http.StatusOK, s.renderOrder(r))
	if force {
		for _, refund := range slices.Clone(s.refunds.children[r.id]) {
			s.refunds.remove(refund)
		}
		for _, note := range slices.Clone(s.notes.children[r.id]) {
			s.notes.remove(note)
		}
		s.orders.remove(r) // without any webhook
		return out
	}
	if r.status == "trash" {
		return fail(http.StatusGone, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
	}
	doc := r.own()
	if s.config.PostsStorage {
		s.trashMeta(r, "wc-"+r.status)
	}
	r.status, r.modified, r.untrashed = "trash", now(), r.status
	doc.set("status", "trash")
	s.setDate(doc, "date_modified", r.modified)
	s.emit("order", "deleted", r.id)
	s.emit("product", "deleted", r.id) // since orders are synchronised with posts
	return out
}

// checkOrder is the schema check that single writes undergo and batches do not.
func (s *Shop) checkOrder(body *object, batch bool) *reply {
	if batch {
		return nil
	}
	var bad invalid
	for _, name := range []string{"customer_id", "parent_id"} {
		if _, isInt := asInt(body.get(name)); body.has(name) && !isInt {
			bad.add(name, "rest_invalid_type", name+" is not of type integer.")
		}
	}
	if body.has("status") && !slices.Contains(s.writableStatuses(), body.text("status")) {
		bad.add("status", "rest_not_in_enum", "status is not one of "+enumText(s.writableStatuses())+".")
	}
	if _, isBool := body.get("set_paid").(bool); body.has("set_paid") && !isBool {
		bad.add("set_paid", "rest_invalid_type", "set_paid is not of type boolean.")
	}
	for _, name := range []string{"meta_data", "line_items", "shipping_lines", "fee_lines", "coupon_lines"} {
		if !body.has(name) {
			continue
		}
		list, isList := body.get(name).([]any)
		if !isList {
			bad.add(name, "rest_invalid_type", name+" is not of type array.")
		}
		for i, v := range list {
			if _, isObject := v.(*object); !isObject {
				bad.add(name, "rest_invalid_type", fmt.Sprintf("%s[%d] is not of type object.", name, i))
				break
			}
		}
	}
	for _, name := range []string{"billing", "shipping"} {
		if _, isObject := body.get(name).(*object); body.has(name) && !isObject {
			bad.add(name, "rest_invalid_type", name+" is not of type object.")
		}
	}
	if email, isText := body.object("billing").get("email").(string); isText {
		if _, err := mail.ParseAddress(email); err != nil {
			bad.add("billing", "rest_invalid_email", "Invalid email address.")
		}
	}
	return bad.reply()
}

// applyOrder merges body into the order. What the store ignores is ignored here: total, number, dates, unknown fields.
func (s *Shop) applyOrder(r *record, body *object, batch bool) *reply {
	doc := r.doc
	for _, name := range []string{"customer_note", "transaction_id", "payment_method", "payment_method_title", "currency"} {
		if text, isText := body.get(name).(string); isText {
			doc.set(name, text)
		}
	}
	if parent, isInt := asInt(body.get("parent_id")); isInt {
		doc.set("parent_id", number(parent))
	}
	if customer, isInt := asInt(body.get("customer_id")); isInt {
		if customer != 0 && s.customers.rows[customer] == nil {
			return fail(http.StatusBadRequest, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
		}
		r.customer = customer
		doc.set("customer_id", number(customer))
	}
	for _, name := range []string{"billing", "shipping"} {
		into := doc.object(name)
		for _, f := range body.object(name).fields {
			if text, isText := f.value.(string); isText && into.has(f.key) {
				into.set(f.key, text)
			}
		}
	}
	s.mergeMeta(doc, body.list("meta_data"))
	if out := s.applyLines(r, body); out != nil {
		return out
	}
	if out := s.applyCoupons(doc, body); out != nil {
		return out
	}
	if body.has("status") {
		status := body.text("status")
		if batch {
			status = strings.TrimPrefix(status, "wc-")
			if status != "trash" && !slices.Contains(s.writableStatuses(), status) {
				status = "pending" // a batch takes nonsense for pending
			}
		}
		s.changeStatus(r, status)
	}
	due := s.orders.rows[r.id] == nil || doc.get("needs_payment") == true // a new order, or one that waits for its payment
	if paid, _ := body.get("set_paid").(bool); paid && due && getDate(doc, "date_paid").IsZero() {
		if r.status == "pending" || r.status == "on-hold" || r.status == "failed" {
			s.changeStatus(r, "processing")
		}
		s.setDate(doc, "date_paid", now())
	}
	return nil
}

// applyCoupons replaces the coupons of an order by those that body lists: what they took off is given back first.
func (s *Shop) applyCoupons(doc, body *object) *reply {
	coupons := body.list("coupon_lines")
	if len(coupons) == 0 {
		return nil
	}
	if len(doc.list("coupon_lines")) > 0 {
		for _, v := range doc.list("line_items") {
			line := v.(*object)
			s.setTotals(line, money(line.text("subtotal")), money(line.text("subtotal_tax")), false)
		}
	}
	doc.set("coupon_lines", []any{})
	for _, v := range coupons {
		line, _ := v.(*object)
		if line == nil {
			line = obj()
		}
		if line.has("id") {
			return fail(http.StatusBadRequest, "woocommerce_rest_coupon_item_id_readonly", "Coupon item ID is readonly.")
		}
		if out := s.coupon(doc, line.text("code")); out != nil {
			return out
		}
	}
	return nil
}

// sendDetails mails an order to its customer.
func (s *Shop) sendDetails(id int64) *reply {
	r := s.orders.rows[id]
	if r == nil {
		return fail(http.StatusNotFound, "woocommerce_rest_invalid_order", "Invalid order ID.")
	}
	to := r.document().object("billing").text("email")
	if to == "" {
		return fail(http.StatusBadRequest, "woocommerce_rest_missing_email", "Order does not have an email address.")
	}
	s.addNote(id, "Order details sent to "+to+", via REST API.", false)
	return ok(obj(field{"message", "Order details sent to " + to + "."}))
}

// mergeMeta writes meta data: by id, or by key (the first with that key); null deletes. Scalars come back as text.
func (s *Shop) mergeMeta(doc *object, changes []any) {
	list := slices.Clone(doc.list("meta_data"))
	for _, change := range changes {
		m, isObject := change.(*object)
		if !isObject {
			continue
		}
		id, byID := asInt(m.get("id"))
		at := slices.IndexFunc(list, func(v any) bool {
			have, _ := v.(*object)
			if byID {
				return have.int("id") == id
			}
			return have.text("key") == m.text("key")
		})
		value := stored(m.get("value"))
		switch {
		case m.get("value") == nil && at >= 0:
			list = slices.Delete(list, at, at+1)
		case m.get("value") == nil, m.text("key") == "" && at < 0:
			// nothing to delete, nothing to name it
		case at >= 0:
			have := list[at].(*object).clone()
			have.set("value", value)
			if key := m.text("key"); key != "" {
				have.set("key", key)
			}
			list[at] = have
		default:
			list = append(list, obj(field{"id", number(s.next.meta)}, field{"key", m.text("key")}, field{"value", value}))
			s.next.meta++
		}
	}
	if list == nil {
		list = []any{}
	}
	doc.set("meta_data", list)
}

// stored is what becomes of a meta value: text of scalars, lists and objects as they are, an empty object as an empty list.
func stored(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return "1"
		}
		return ""
	case *object:
		if len(v.fields) == 0 {
			return []any{}
		}
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return clone(v)
}

var statusNames = map[string]string{
	"pending": "Pending payment", "processing": "Processing", "on-hold": "On hold", "completed": "Completed",
	"cancelled": "Cancelled", "refunded": "Refunded", "failed": "Failed", "checkout-draft": "Draft",
}

// needsPayment: what is pending or has failed, and costs something.
func needsPayment(doc *object) bool {
	status := doc.text("status")
	return (status == "pending" || status == "failed") && !money(doc.text("total")).IsZero()
}

func statusName(status string) string {
	if n := statusNames[status]; n != "" {
		return n
	}
	return strings.ToUpper(status[:1]) + status[1:]
}

// changeStatus moves the order, its dates and its stock, and leaves the note that the store leaves.
func (s *Shop) changeStatus(r *record, status string) {
	if status == r.status {
		return
	}
	from, doc := r.status, r.doc
	r.status = status
	doc.set("status", status)
	paid := status == "processing" || status == "completed"
	if paid && getDate(doc, "date_paid").IsZero() {
		s.setDate(doc, "date_paid", now())
	}
	if status == "completed" { // and keeps the date when it is something else afterwards
		s.setDate(doc, "date_completed", now())
	}
	doc.set("is_editable", status == "pending" || status == "on-hold" || status == "auto-draft")
	doc.set("needs_payment", needsPayment(doc))
	switch status {
	case "processing", "completed", "on-hold":
		s.moveStock(r, -1)
	case "cancelled", "pending":
		s.moveStock(r, +1)
	case "failed":
		if !s.config.PostsStorage {
			s.moveStock(r, +1)
		}
	}
	if status != "" && status != "trash" {
		s.emit("action", "woocommerce_order_status_"+status, r.id)
	}
	if from != "trash" && status != "trash" && status != "" {
		s.addNote(r.id, fmt.Sprintf("Order status changed from %s to %s.", statusName(from), statusName(status)), false)
	}
}

// base is the home that the store tells when no request says otherwise.
func (s *Shop) base() string {
	if s.started != "" {
		return s.started
	}
	return s.config.URL
}
