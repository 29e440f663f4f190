package wootest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// createRefund answers every failure with 500 and a number for data.
func (s *Shop) createRefund(order int64, body *object, render func(*record) *object) *reply {
	o := s.orders.rows[order]
	if o == nil {
		return fail(http.StatusNotFound, orderInvalidID, "Invalid order ID.")
	}
	refuse := func(why string) *reply {
		return &reply{status: http.StatusInternalServerError, body: obj(field{"code", "woocommerce_rest_cannot_create_order_refund"},
			field{"message", why}, field{"data", number(500)})}
	}
	left := money(o.document().text("total"))
	for _, v := range o.document().list("refunds") {
		left = left.Add(money(v.(*object).text("total"))) // negative
	}
	lines, ofLines, taxOfLines := s.refundLines(o, body)
	sum, given := amount(body, "amount")
	if !given {
		sum = ofLines.Add(taxOfLines)
	}
	if api, isBool := body.get("api_refund").(bool); !isBool || api {
		return refuse("The payment gateway for this order does not support automatic refunds.")
	}
	if sum.Sign() <= 0 || sum.GreaterThan(left) {
		return refuse("Invalid refund amount.")
	}
	at := now()
	r := &record{id: s.next.post, parent: order, doc: s.templates.refund.clone(), created: at, modified: at}
	s.next.post++
	kind := "partial"
	if sum.Equal(left) {
		kind = "full"
	}
	r.doc.set("id", number(r.id))
	s.setDate(r.doc, "date_created", at)
	r.doc.set("amount", cents(sum))
	r.doc.set("reason", body.text("reason"))
	taxes := []any{}
	if len(lines) > 0 {
		tax := s.templates.line("tax_lines")
		if have := o.document().list("tax_lines"); len(have) > 0 {
			tax = have[0].(*object).clone()
		}
		tax.set("id", number(s.next.item))
		s.next.item++
		tax.set("tax_total", cents(taxOfLines.Neg()))
		tax.set("shipping_tax_total", "0.00")
		taxes = []any{tax}
	}
	r.doc.set("line_items", lines)
	r.doc.set("tax_lines", taxes)
	r.doc.set("meta_data", []any{})
	if s.config.Version == newest {
		r.doc.set("meta_data", []any{obj(field{"id", number(s.next.meta)}, field{"key", "_refund_type"}, field{"value", kind})})
		s.next.meta++
	}
	s.mergeMeta(r.doc, body.list("meta_data"))
	s.refunds.add(r)

	doc := o.own()
	entry := obj(field{"id", number(r.id)}, field{"reason", body.text("reason")}, field{"total", "-" + cents(sum)})
	if s.config.Version == newest {
		entry.set("total_tax", cents(taxOfLines.Neg()))
	}
	doc.set("refunds", append([]any{entry}, doc.list("refunds")...))
	if restock, isBool := body.get("api_restock").(bool); !isBool || restock {
		s.restock(lines)
	}
	if kind == "full" {
		s.changeStatus(o, "refunded")
	}
	o.modified = at
	s.setDate(doc, "date_modified", at)
	s.emit("order", "updated", order)
	out := one(http.StatusCreated, render(r))
	out.header = http.Header{"Location": {s.base() + `/wp-json/wc/v3/orders/(?P<order_id>[\d]+)/refunds/` + fmt.Sprint(r.id)}} // as it comes
	return out
}

// refundLines makes the lines of a refund from those of the order that the body names, with the sums of their totals and taxes.
func (s *Shop) refundLines(o *record, body *object) (lines []any, net, tax decimal.Decimal) {
	lines = []any{}
	for _, v := range body.list("line_items") {
		wanted, isObject := v.(*object)
		if !isObject {
			continue
		}
		of := o.document().list("line_items")
		at := slices.IndexFunc(of, func(v any) bool { return v.(*object).int("id") == wanted.int("id") })
		if at < 0 {
			continue
		}
		line := of[at].(*object).clone()
		total, _ := amount(wanted, "refund_total")
		lineTax := decimal.Zero
		taxes := []any{}
		for _, v := range wanted.list("refund_tax") {
			if t, isObject := v.(*object); isObject {
				d, _ := amount(t, "refund_total")
				lineTax = lineTax.Add(d)
				taxes = append(taxes, obj(field{"id", t.get("id")}, field{"total", cents(d.Neg())}, field{"subtotal", cents(d.Neg())}))
			}
		}
		quantity, _ := amount(wanted, "quantity")
		line.set("id", number(s.next.item))
		s.next.item++
		line.set("quantity", json.Number(quantity.Neg().String()))
		for _, name := range []string{"subtotal", "total"} {
			line.set(name, cents(total.Neg()))
			line.set(name+"_tax", cents(lineTax.Neg()))
		}
		line.set("taxes", taxes)
		if !quantity.IsZero() {
			price, _ := total.Div(quantity).Round(6).Float64()
			line.set("price", jsonFloat(price))
		}
		meta := obj(field{"id", number(s.next.meta)}, field{"key", "_refunded_item_id"}, field{"value", fmt.Sprint(wanted.int("id"))})
		s.next.meta++
		meta.set("display_key", meta.get("key"))
		meta.set("display_value", meta.get("value"))
		line.set("meta_data", []any{meta})
		lines = append(lines, line)
		net, tax = net.Add(total), tax.Add(lineTax)
	}
	return lines, net, tax
}

// restock gives back what the lines of a refund name.
func (s *Shop) restock(lines []any) {
	for _, v := range lines {
		line := v.(*object)
		if p := s.stockOf(line); p != nil {
			quantity, _ := amount(line, "quantity")
			addStock(p.own(), quantity.Neg())
			s.bumpProduct(p)
			s.emit("product", "updated", p.id)
		}
	}
}

// stockOf is the product or variation that keeps the stock of a line; nil when none does.
func (s *Shop) stockOf(line *object) *record {
	p := s.products.rows[line.int("variation_id")]
	if p == nil || s.inherits(p) {
		p = s.products.rows[line.int("product_id")]
	}
	if p == nil || p.document().get("manage_stock") != true {
		return nil
	}
	return p
}

// coupon applies a code to the lines of an order: a share, or an amount spread by their value. The store's own rules of who may use it
// when are not reckoned, apart from its end.
func (s *Shop) coupon(doc *object, code string) *reply {
	code = strings.ToLower(code)
	refuse := func(why string) *reply {
		return fail(http.StatusBadRequest, "woocommerce_rest_invalid_coupon", "Coupon &quot;"+code+"&quot; "+why)
	}
	var found *object
	for _, r := range s.kinds["coupons"].table.all {
		if r.doc.text("code") == code && r.status != "trash" {
			found = r.doc
		}
	}
	if found == nil {
		return refuse("cannot be applied because it does not exist.")
	}
	if ends := getDate(found, "date_expires"); !ends.IsZero() && ends.Before(now()) {
		return refuse("has expired.")
	}
	value, kind := money(found.text("amount")), found.text("discount_type")
	all := decimal.Zero
	for _, v := range doc.list("line_items") {
		all = all.Add(money(v.(*object).text("subtotal"))).Add(money(v.(*object).text("subtotal_tax")))
	}
	discount, discountTax := decimal.Zero, decimal.Zero
	for _, v := range doc.list("line_items") {
		line := v.(*object)
		net, tax := money(line.text("total")), money(line.text("total_tax"))
		gross := net.Add(tax)
		quantity, _ := amount(line, "quantity")
		var off decimal.Decimal
		switch {
		case kind == "percent":
			off = gross.Mul(value).Div(decimal.NewFromInt(100))
		case kind == "fixed_product":
			off = value.Mul(quantity)
		case !all.IsZero():
			off = value.Mul(gross).Div(all)
		}
		off = decimal.Min(off, gross)
		newNet := gross.Sub(off).Div(taxFactor).Round(2)
		newTax := gross.Sub(off).Sub(newNet).Round(2)
		discount, discountTax = discount.Add(net).Sub(newNet), discountTax.Add(tax).Sub(newTax)
		s.setTotals(line, newNet, newTax, false)
		if !quantity.IsZero() {
			price, _ := newNet.Div(quantity).Round(6).Float64()
			line.set("price", jsonFloat(price))
		}
	}
	nominal, _ := value.Float64()
	info := string(encode(nil, []any{found.get("id"), code, nil, jsonFloat(nominal)}))
	line := obj(field{"id", number(s.next.item)}, field{"code", code}, field{"discount", discount.String()}, field{"discount_tax", discountTax.String()},
		field{"meta_data", []any{obj(field{"id", number(s.next.meta)}, field{"key", "coupon_info"}, field{"value", info},
			field{"display_key", "coupon_info"}, field{"display_value", info})}},
		field{"discount_type", kind}, field{"nominal_amount", jsonFloat(nominal)}, field{"free_shipping", found.get("free_shipping")})
	s.next.item++
	s.next.meta++
	doc.set("coupon_lines", append(slices.Clone(doc.list("coupon_lines")), line))
	found.set("usage_count", number(found.int("usage_count")+1))
	s.total(doc)
	return nil
}
