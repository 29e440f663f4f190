package wootest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

// The one tax rate of the store: 22 %, included in prices.
var taxFactor = decimal.RequireFromString("1.22")

func jsonFloat(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) }

func money(text string) decimal.Decimal {
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero
	}
	return d
}

// amount reads a money field of a write, text or number.
func amount(o *object, key string) (d decimal.Decimal, given bool) {
	switch v := o.get(key).(type) {
	case string:
		return money(v), true
	case json.Number:
		return money(v.String()), true
	}
	return decimal.Zero, false
}

func cents(d decimal.Decimal) string { return d.StringFixed(2) }

// applyLines adds, changes and removes lines: one without id is added, one with id is changed, one with quantity 0 or a null
// name is removed.
func (s *Shop) applyLines(r *record, body *object) *reply {
	changed := false
	for _, kind := range []struct {
		key, null string
		fill      func(line, change *object) *reply
	}{
		{"line_items", "product_id", s.fillProductLine},
		{"shipping_lines", "method_id", s.fillPlainLine("method_title", "method_id", "instance_id")},
		{"fee_lines", "name", s.fillPlainLine("name", "tax_class", "tax_status")},
	} {
		changes := body.list(kind.key)
		if len(changes) == 0 {
			continue
		}
		changed = true
		lines := slices.Clone(r.doc.list(kind.key))
		for _, v := range changes {
			change, isObject := v.(*object)
			if !isObject {
				continue
			}
			id, _ := asInt(change.get("id"))
			at := slices.IndexFunc(lines, func(v any) bool { return v.(*object).int("id") == id })
			quantity, hasQuantity := amount(change, "quantity")
			switch {
			case id != 0 && at < 0:
				return fail(http.StatusBadRequest, "woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")
			case id != 0 && (hasQuantity && quantity.IsZero() || change.has(kind.null) && change.get(kind.null) == nil):
				lines = slices.Delete(lines, at, at+1)
			case id != 0:
				line := lines[at].(*object)
				if out := kind.fill(line, change); out != nil {
					return out
				}
			default:
				line := s.templates.line(kind.key)
				line.set("id", number(s.next.item))
				s.next.item++
				if out := kind.fill(line, change); out != nil {
					return out
				}
				lines = append(lines, line)
			}
		}
		r.doc.set(kind.key, lines)
	}
	if changed {
		s.total(r.doc)
	}
	return nil
}

func (s *Shop) fillProductLine(line, change *object) *reply {
	s.mergeLineMeta(line, change)
	isNew := line.get("product_id") == nil
	if isNew {
		product, _ := asInt(change.get("product_id"))
		variation, _ := asInt(change.get("variation_id"))
		sku := change.text("sku")
		if product == 0 && variation == 0 && sku == "" {
			return fail(http.StatusBadRequest, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
		}
		s.setProduct(line, s.findProduct(max(product, variation*boolInt(variation != 0)), variation, sku))
		line.set("quantity", number(1))
	}
	quantity, given := amount(change, "quantity")
	if given {
		line.set("quantity", json.Number(quantity.String()))
	}
	if isNew { // from the catalogue, net of tax; changing the quantity later moves no total
		gross := money(line.text("price_of_catalogue")).Mul(money(line.get("quantity").(json.Number).String()))
		net := gross.Div(taxFactor).Round(2)
		s.setTotals(line, net, gross.Sub(net), true)
		line.fields = slices.DeleteFunc(line.fields, func(f field) bool { return f.key == "price_of_catalogue" })
	}
	if name, isText := change.get("name").(string); isText {
		line.set("name", name)
	}
	subtotal, hasSubtotal := amount(change, "subtotal")
	total, hasTotal := amount(change, "total")
	if hasSubtotal {
		line.set("subtotal", cents(subtotal))
		line.set("subtotal_tax", cents(subtotal.Mul(taxFactor).Sub(subtotal)))
	}
	if hasTotal {
		s.setTotals(line, total, total.Mul(taxFactor).Sub(total).Round(2), false)
	}
	if q := money(line.get("quantity").(json.Number).String()); !q.IsZero() {
		price, _ := money(line.text("total")).Div(q).Round(6).Float64()
		line.set("price", jsonFloat(price))
	}
	return nil
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// setTotals writes a line's net total and its tax; both also as what it was before discounts.
func (s *Shop) setTotals(line *object, net, tax decimal.Decimal, before bool) {
	line.set("total", cents(net))
	line.set("total_tax", cents(tax))
	if before {
		line.set("subtotal", cents(net))
		line.set("subtotal_tax", cents(tax))
	}
	line.set("taxes", []any{obj(field{"id", number(1)}, field{"total", cents(tax)}, field{"subtotal", line.get("subtotal_tax")})})
}

// fillPlainLine fills a shipping line or a fee.
func (s *Shop) fillPlainLine(texts ...string) func(line, change *object) *reply {
	return func(line, change *object) *reply {
		s.mergeLineMeta(line, change)
		for _, name := range texts {
			if v, isText := change.get(name).(string); isText {
				line.set(name, v)
			}
		}
		if total, given := amount(change, "total"); given {
			tax := total.Mul(taxFactor).Sub(total).Round(2)
			if line.text("tax_status") == "none" {
				tax = decimal.Zero
			}
			line.set("total", cents(total))
			line.set("total_tax", cents(tax))
			line.set("taxes", []any{obj(field{"id", number(1)}, field{"total", cents(tax)}, field{"subtotal", ""})})
			if line.has("amount") {
				line.set("amount", total.String())
			}
		}
		return nil
	}
}

func (s *Shop) mergeLineMeta(line, change *object) {
	if change.has("meta_data") {
		s.mergeMeta(line, change.list("meta_data"))
		for _, v := range line.list("meta_data") {
			m := v.(*object)
			m.set("display_key", m.get("key"))
			m.set("display_value", m.get("value"))
			if label, value, known := s.choice(line, m.text("key")); known {
				m.set("display_key", label)
				m.set("display_value", value)
			}
		}
	}
}

// choice is how a line's attribute is shown: its name and the variation's option.
func (s *Shop) choice(line *object, key string) (label, value any, known bool) {
	v := s.products.rows[line.int("variation_id")]
	if v == nil {
		return nil, nil, false
	}
	for _, e := range v.document().list("attributes") {
		if a := e.(*object); a.text("slug") == key {
			return a.get("name"), a.get("option"), true
		}
	}
	return nil, nil, false
}

// total adds the order up again.
func (s *Shop) total(doc *object) {
	sum := func(key, of string) decimal.Decimal {
		d := decimal.Zero
		for _, v := range doc.list(key) {
			d = d.Add(money(v.(*object).text(of)))
		}
		return d
	}
	cartTax := sum("line_items", "total_tax").Add(sum("fee_lines", "total_tax"))
	shipping, shippingTax := sum("shipping_lines", "total"), sum("shipping_lines", "total_tax")
	tax := cartTax.Add(shippingTax)
	doc.set("discount_total", cents(sum("line_items", "subtotal").Sub(sum("line_items", "total"))))
	doc.set("discount_tax", cents(sum("line_items", "subtotal_tax").Sub(sum("line_items", "total_tax"))))
	doc.set("shipping_total", cents(shipping))
	doc.set("shipping_tax", cents(shippingTax))
	doc.set("cart_tax", cents(cartTax))
	doc.set("total_tax", cents(tax))
	doc.set("total", cents(sum("line_items", "total").Add(sum("fee_lines", "total")).Add(shipping).Add(tax)))
	doc.set("needs_processing", len(doc.list("line_items")) > 0)
	doc.set("needs_payment", needsPayment(doc))
	line := s.templates.line("tax_lines")
	if old := doc.list("tax_lines"); len(old) > 0 {
		line = old[0].(*object)
	} else {
		line.set("id", number(s.next.item))
		s.next.item++
	}
	line.set("tax_total", cents(cartTax))
	line.set("shipping_tax_total", cents(shippingTax))
	doc.set("tax_lines", []any{line})
}
