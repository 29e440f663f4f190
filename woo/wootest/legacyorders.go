package wootest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// visible are the orders that the posts table has, trash aside, each with the status it has there.
func (l *Legacy) visible() (all []*record, status func(*record) string) {
	status = func(r *record) string {
		if l.blind != nil {
			return l.blind[r.id]
		}
		return r.status
	}
	for _, r := range l.shop.orders.all {
		if s := status(r); s != "" && s != "trash" && s != "auto-draft" {
			all = append(all, r)
		}
	}
	return all, status
}

func (l *Legacy) known() []string {
	names := []string{"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"}
	return append(append(names, l.shop.config.Statuses...), "checkout-draft")
}

// selectOrders applies all filters. A status that the store does not know filters nothing.
func (l *Legacy) selectOrders(c *legacyCall, customer int64) []*record {
	all, status := l.visible()
	var wanted []string
	for s := range strings.SplitSeq(c.param("status"), ",") {
		if slices.Contains(l.known(), s) {
			wanted = append(wanted, s)
		}
	}
	word := strings.ToLower(c.filter("q"))
	all = slices.DeleteFunc(all, func(r *record) bool {
		return wanted != nil && !slices.Contains(wanted, status(r)) || customer != 0 && r.customer != customer ||
			word != "" && !strings.Contains(strings.ToLower(searchText(r.document())), word)
	})
	return legacySelect(c, all)
}

func (l *Legacy) listOrders(c *legacyCall, customer int64) *legacyReply {
	if customer != 0 && l.shop.customers.rows[customer] == nil {
		return legacyFail(http.StatusNotFound, "invalid_customer", "Invalid customer")
	}
	return legacyPage(c, "orders", l.selectOrders(c, customer), l.renderOrder)
}

func (l *Legacy) ordersOfProduct(c *legacyCall, id int64) *legacyReply {
	all, _ := l.visible()
	all = slices.DeleteFunc(all, func(r *record) bool {
		return !slices.ContainsFunc(r.document().list("line_items"), func(v any) bool {
			line, _ := v.(*object)
			return line != nil && line.int("product_id") == id
		})
	})
	return legacyPage(c, "orders", legacySelect(c, all), l.renderOrder)
}

func (l *Legacy) countOrders(c *legacyCall) *legacyReply {
	return legacyOK("count", number(int64(len(l.selectOrders(c, 0)))))
}

func (l *Legacy) statuses() *legacyReply {
	names := obj()
	for _, s := range l.known() {
		name := statusNames[s]
		if name == "" {
			name = strings.ToUpper(s[:1]) + s[1:]
		}
		if s == "checkout-draft" {
			name = "Draft"
		}
		names.set(s, name)
	}
	return legacyOK("order_statuses", names)
}

// findOrder also knows what an id is that is no order's.
func (l *Legacy) findOrder(id int64) (*record, *legacyReply) {
	r := l.shop.orders.rows[id]
	switch {
	case l.shop.products.rows[id] != nil, l.shop.refunds.rows[id] != nil:
		return nil, legacyFail(http.StatusNotFound, "invalid_order", "Invalid order")
	case r == nil, l.blind != nil && l.blind[id] == "":
		return nil, legacyFail(http.StatusNotFound, "no_order_found", fmt.Sprintf("No order found with the ID equal to %d", id))
	}
	return r, nil
}

func (l *Legacy) oneOrder(c *legacyCall, id int64, write, remove bool) *legacyReply {
	r, fault := l.findOrder(id)
	switch {
	case fault != nil:
		return fault
	case remove && c.param("force") == "true":
		l.shop.removeOrder(r, true)
		return &legacyReply{status: http.StatusOK, body: obj(field{"message", "Permanently deleted order"})}
	case remove:
		l.shop.removeOrder(r, false)
		return &legacyReply{status: http.StatusAccepted, body: obj(field{"message", "Deleted order"})}
	case !write:
		return legacyOK("order", legacyFields(c, l.renderOrder(r)))
	}
	change, isObject := c.body.get("order").(*object)
	if !isObject {
		return legacyFail(http.StatusBadRequest, "missing_order_data", "No order data specified to edit order")
	}
	if out := l.changeOrder(r, change); out != nil {
		return out
	}
	return legacyOK("order", l.renderOrder(r))
}

// changeOrder takes a status without looking whether there is such a one, and makes nonsense pending.
func (l *Legacy) changeOrder(r *record, change *object) *legacyReply {
	if lines := change.list("line_items"); len(lines) > 0 {
		return legacyFail(http.StatusBadRequest, "invalid_product_id", "Product ID or SKU is required")
	}
	body := obj()
	if status := change.text("status"); status != "" {
		body.set("status", status)
	}
	if note := change.text("note"); note != "" {
		body.set("customer_note", note)
	}
	if text := change.text("status_note"); text != "" {
		l.shop.addNote(r.id, text, false)
	}
	if out := l.shop.updateOrder(r, body, true); out.status >= 300 {
		return legacyFail(http.StatusBadRequest, "cannot_edit_order", "The order cannot be edited")
	}
	return nil
}

// createOrder makes the order, and then PHP crashes, as it does on stores that record where orders come from (the default).
func (l *Legacy) createOrder(c *legacyCall) *legacyReply {
	change, isObject := c.body.get("order").(*object)
	if !isObject {
		return legacyFail(http.StatusBadRequest, "missing_order_data", "No order data specified to create order")
	}
	for _, v := range change.list("line_items") {
		line, _ := v.(*object)
		if line == nil || l.shop.findProduct(line.int("product_id"), 0, line.text("sku")) == nil {
			return legacyFail(http.StatusBadRequest, "invalid_product", "Product is invalid.")
		}
	}
	body := change.clone()
	for from, to := range map[string]string{"billing_address": "billing", "shipping_address": "shipping", "note": "customer_note"} {
		if body.has(from) {
			body.set(to, body.get(from))
		}
	}
	l.shop.createOrder(body, true)
	return legacyCrash()
}

func legacyCrash() *legacyReply {
	return &legacyReply{status: http.StatusInternalServerError, body: obj(
		field{"code", "internal_server_error"}, field{"message", "<p>There has been a critical error on this website.</p>"},
		field{"data", obj(field{"status", number(500)})}, field{"additional_errors", []any{}},
	)}
}

func (l *Legacy) bulkOrders(c *legacyCall) *legacyReply {
	items := c.body.list("orders")
	if len(items) > 100 {
		return legacyFail(http.StatusRequestEntityTooLarge, "orders_request_entity_too_large",
			"Unable to accept more than 100 items for this request.")
	}
	list := []any{}
	for _, v := range items {
		change, _ := v.(*object)
		if change == nil || change.int("id") == 0 {
			return legacyCrash()
		}
		r, fault := l.findOrder(change.int("id"))
		if fault == nil {
			fault = l.changeOrder(r, change)
		}
		if fault != nil {
			list = append(list, obj(field{"id", number(change.int("id"))}, field{"error", fault.body.(*object).list("errors")[0]}))
			continue
		}
		list = append(list, l.renderOrder(r))
	}
	out := legacyOK("orders", list)
	out.status = http.StatusCreated
	return out
}

func (l *Legacy) notes(c *legacyCall, order int64, write bool) *legacyReply {
	if _, fault := l.findOrder(order); fault != nil {
		return fault
	}
	render := func(r *record) *object {
		toCustomer, _ := r.doc.get("customer_note").(bool)
		return obj(field{"id", fmt.Sprint(r.id)}, field{"created_at", legacyTime(r.created)},
			field{"note", r.doc.text("note")}, field{"customer_note", toCustomer})
	}
	if write {
		note := c.body.object("order_note").text("note")
		if note == "" {
			return legacyFail(http.StatusBadRequest, "invalid_order_note", "Order note is required")
		}
		l.shop.addNote(order, note, false)
		made := l.shop.notes.children[order]
		out := legacyOK("order_note", render(made[len(made)-1]))
		out.status = http.StatusCreated
		return out
	}
	list := []any{}
	for _, r := range slices.Backward(l.shop.notes.children[order]) {
		list = append(list, render(r))
	}
	return legacyOK("order_notes", list)
}

func (l *Legacy) refunds(order int64) *legacyReply {
	if _, fault := l.findOrder(order); fault != nil {
		return fault
	}
	list := []any{}
	for _, r := range l.shop.refunds.children[order] {
		list = append(list, obj(field{"id", number(r.id)}, field{"created_at", legacyTime(r.created)},
			field{"amount", r.doc.text("amount")}, field{"reason", r.doc.text("reason")}, field{"line_items", []any{}}))
	}
	return legacyOK("order_refunds", list)
}

// pick makes an object of members of another: pairs of the new name and the old.
func pick(from *object, pairs ...string) *object {
	to := obj()
	for pair := range slices.Chunk(pairs, 2) {
		to.set(pair[0], clone(from.get(pair[len(pair)-1])))
	}
	return to
}

func pickEach(list []any, pairs ...string) []any {
	all := []any{}
	for _, v := range list {
		if from, isObject := v.(*object); isObject {
			all = append(all, pick(from, pairs...))
		}
	}
	return all
}

// renderOrder makes the legacy form of an order.
func (l *Legacy) renderOrder(r *record) *object {
	doc := r.document()
	subtotal, quantity := decimal.Zero, decimal.Zero
	lines := []any{}
	for _, v := range doc.list("line_items") {
		from, isObject := v.(*object)
		if !isObject {
			continue
		}
		subtotal = subtotal.Add(money(from.text("subtotal")))
		n, _ := amount(from, "quantity")
		quantity = quantity.Add(n)
		price := "0.00"
		if !n.IsZero() {
			price = cents(money(from.text("total")).Div(n))
		}
		line := pick(from, "id", "id", "subtotal", "subtotal", "subtotal_tax", "subtotal_tax", "total", "total", "total_tax", "total_tax")
		line.set("price", price)
		line.set("quantity", from.get("quantity"))
		line.set("tax_class", from.get("tax_class"))
		line.set("name", from.get("name"))
		line.set("product_id", from.get("product_id"))
		if variation := from.int("variation_id"); variation != 0 {
			line.set("product_id", number(variation))
		}
		if line.int("product_id") == 0 {
			line.set("product_id", nil)
		}
		line.set("sku", from.get("sku"))
		line.set("meta", legacyMeta(from.list("meta_data")))
		lines = append(lines, line)
	}
	taxes := []any{}
	for _, v := range doc.list("tax_lines") {
		if from, isObject := v.(*object); isObject {
			tax := pick(from, "id", "id", "rate_id", "rate_id", "code", "rate_code", "title", "label")
			tax.set("total", cents(money(from.text("tax_total")).Add(money(from.text("shipping_tax_total")))))
			tax.set("compound", from.get("compound"))
			taxes = append(taxes, tax)
		}
	}
	var methods []string
	for _, v := range doc.list("shipping_lines") {
		if from, isObject := v.(*object); isObject {
			methods = append(methods, from.text("method_title"))
		}
	}
	out := pick(doc, "id", "id", "order_number", "number", "order_key", "order_key")
	out.set("created_at", legacyTime(r.created))
	out.set("updated_at", legacyTime(r.modified))
	out.set("completed_at", legacyTime(getDate(doc, "date_completed")))
	out.set("status", doc.get("status"))
	out.set("currency", doc.get("currency"))
	out.set("total", doc.get("total"))
	out.set("subtotal", cents(subtotal))
	out.set("total_line_items_quantity", jsonFloat(quantity.InexactFloat64()))
	for _, pair := range [][2]string{{"total_tax", "total_tax"}, {"total_shipping", "shipping_total"}, {"cart_tax", "cart_tax"},
		{"shipping_tax", "shipping_tax"}, {"total_discount", "discount_total"}} {
		out.set(pair[0], doc.get(pair[1]))
	}
	out.set("shipping_methods", strings.Join(methods, ", "))
	payment := pick(doc, "method_id", "payment_method", "method_title", "payment_method_title")
	payment.set("paid", !getDate(doc, "date_paid").IsZero())
	out.set("payment_details", payment)
	billing, shipping := legacyAddresses(doc)
	out.set("billing_address", billing)
	out.set("shipping_address", shipping)
	out.set("note", doc.get("customer_note"))
	out.set("customer_ip", doc.get("customer_ip_address"))
	out.set("customer_user_agent", doc.get("customer_user_agent"))
	out.set("customer_id", number(r.customer))
	out.set("view_order_url", fmt.Sprintf("https://shop.invalid/my-account/view-order/%d/", r.id))
	out.set("line_items", lines)
	out.set("shipping_lines", pickEach(doc.list("shipping_lines"), "id", "id", "method_id", "method_id",
		"method_title", "method_title", "total", "total"))
	out.set("tax_lines", taxes)
	out.set("fee_lines", pickEach(doc.list("fee_lines"), "id", "id", "title", "name", "tax_class", "tax_class",
		"total", "total", "total_tax", "total_tax"))
	out.set("coupon_lines", pickEach(doc.list("coupon_lines"), "id", "id", "code", "code", "amount", "discount"))
	if customer := l.shop.customers.rows[r.customer]; customer != nil {
		out.set("customer", l.renderCustomer(customer))
	} else {
		guest := obj(field{"id", number(0)})
		for _, name := range []string{"email", "first_name", "last_name"} {
			guest.set(name, billing.get(name))
		}
		guest.set("billing_address", billing.clone())
		guest.set("shipping_address", shipping.clone())
		out.set("customer", guest)
	}
	return out
}

// legacyMeta leaves out what WordPress calls protected.
func legacyMeta(list []any) []any {
	all := []any{}
	for _, v := range list {
		entry, isObject := v.(*object)
		if !isObject || strings.HasPrefix(entry.text("key"), "_") {
			continue
		}
		label := entry.get("display_key")
		if label == nil {
			label = entry.get("key")
		}
		all = append(all, obj(field{"key", entry.get("key")}, field{"value", clone(entry.get("value"))}, field{"label", label}))
	}
	return all
}

// legacyAddresses are without a phone at the one for shipping.
func legacyAddresses(doc *object) (billing, shipping *object) {
	names := []string{"first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"}
	billing, shipping = obj(), obj()
	for _, name := range names {
		billing.set(name, doc.object("billing").text(name))
		shipping.set(name, doc.object("shipping").text(name))
	}
	billing.set("email", doc.object("billing").text("email"))
	billing.set("phone", doc.object("billing").text("phone"))
	return billing, shipping
}

// renderCustomer makes the legacy form of an account. Its created_at is wrong by the store's offset: the plugin takes a date in
// UTC for the store's own time.
func (l *Legacy) renderCustomer(r *record) *object {
	doc := r.document()
	out := pick(doc, "id", "id")
	_, offset := r.created.In(l.shop.config.Location).Zone()
	out.set("created_at", legacyTime(r.created.Add(-time.Duration(offset)*time.Second)))
	out.set("last_update", legacyTime(r.modified))
	for _, name := range []string{"email", "first_name", "last_name", "username", "role"} {
		out.set(name, doc.get(name))
	}
	var last *record
	count, spent := 0, decimal.Zero
	for _, o := range l.shop.orders.all {
		if o.customer != r.id {
			continue
		}
		last, count = o, count+1
		if o.status == "processing" || o.status == "completed" {
			spent = spent.Add(money(o.document().text("total")))
		}
	}
	out.set("last_order_id", nil)
	out.set("last_order_date", nil)
	if last != nil {
		out.set("last_order_id", number(last.id))
		out.set("last_order_date", legacyTime(last.created))
	}
	out.set("orders_count", number(int64(count)))
	out.set("total_spent", cents(spent))
	out.set("avatar_url", doc.get("avatar_url"))
	billing, shipping := legacyAddresses(doc)
	out.set("billing_address", billing)
	out.set("shipping_address", shipping)
	return out
}

func (l *Legacy) listCustomers(c *legacyCall) *legacyReply {
	return legacyPage(c, "customers", legacySelect(c, l.shop.customers.all), func(r *record) *object { return l.renderCustomer(r) })
}

func (l *Legacy) oneCustomer(c *legacyCall, is func(*record) bool) *legacyReply {
	at := slices.IndexFunc(l.shop.customers.all, is)
	switch {
	case at >= 0:
		return legacyOK("customer", legacyFields(c, l.renderCustomer(l.shop.customers.all[at])))
	case strings.Contains(c.path, "/email/"):
		return legacyFail(http.StatusNotFound, "invalid_customer_email", "Invalid customer email")
	}
	return legacyFail(http.StatusNotFound, "invalid_customer", "Invalid customer")
}
