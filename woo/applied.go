package woo

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// The shop answers 200 to writes that it ignores: the quantity of a product that counts no stock, a sale price above the regular one, an
// order line of a product that it does not know. Its answer shows what it has then, so each write is compared with its answer.
//
// Only members are compared that come back as they were written, or differ in a way that is known (21.50 for 21.5). Texts in which the
// shop cleans HTML, terms, pictures, dates and addresses are not among them: a difference there proves nothing. Nor does a member that the
// answer lacks; older shops lack some.

// comparer is a write type whose answer can be compared with it.
type comparer interface{ rules() rules }

// rules say by name how members are compared.
type rules map[string]rule

// rule compares one member.
type rule struct {
	differ func(name string, want, got []byte) []difference
	// partly: equal under this rule does not mean that all of the member was done.
	partly bool
}

// difference is something wanted that the shop does not have.
type difference struct{ name, want, got string }

var (
	asText   = rule{differ: scalar(func(want, got string) bool { return want == got })}
	asNumber = rule{differ: scalar(sameNumber)}
	asMoney  = rule{differ: scalar(sameMoney)}
	asFlag   = rule{differ: scalar(func(want, got string) bool { return truth(want) == truth(got) })}
	// asManage: a variation says "parent" for false while its product counts.
	asManage = rule{differ: scalar(func(want, got string) bool {
		return truth(want) == truth(got) || truth(want) == "" && got == "parent"
	})}

	stockRules = rules{
		"manage_stock": asManage, "stock_quantity": asNumber, "stock_status": asText, "backorders": asText, "low_stock_amount": asNumber,
	}
	variationRules = stockRules.and(rules{
		"status": asText, "sku": asText, "global_unique_id": asText, "regular_price": asNumber, "sale_price": asNumber, "weight": asNumber,
		"virtual": asFlag, "downloadable": asFlag, "tax_status": asText, "shipping_class": asText, "menu_order": asNumber,
	})
	productRules = variationRules.and(rules{
		"type": asText, "featured": asFlag, "catalog_visibility": asText, "sold_individually": asFlag, "reviews_allowed": asFlag,
	})
	couponRules = rules{
		"amount": asMoney, "discount_type": asText, "individual_use": asFlag, "free_shipping": asFlag, "exclude_sale_items": asFlag,
	}
	orderRules = rules{
		"status": asText, "currency": asText, "customer_id": asNumber, "parent_id": asNumber, "payment_method": asText, "transaction_id": asText,
		"line_items": lineRule("product_id", "sku"), "shipping_lines": lineRule("method_id", ""), "fee_lines": lineRule("name", ""),
	}
)

func (ProductFields) rules() rules   { return productRules }
func (VariationFields) rules() rules { return variationRules }
func (OrderFields) rules() rules     { return orderRules }
func (CouponFields) rules() rules    { return couponRules }
func (StockFields) rules() rules     { return stockRules }

func (r rules) and(more rules) rules {
	all := rules{}
	for _, some := range []rules{r, more} {
		for name, rule := range some {
			all[name] = rule
		}
	}
	return all
}

// rulesOf returns how w is compared, nil when it cannot be.
func rulesOf(w any) rules {
	if c, ok := w.(comparer); ok {
		return c.rules()
	}
	return nil
}

// compare looks for what was sent in what came back, both objects in JSON. whole reports that all that was sent could be compared.
func (r rules) compare(sent, got []byte) (found []difference, whole bool) {
	sent, got = bytes.TrimSpace(sent), bytes.TrimSpace(got)
	if len(r) == 0 || len(sent) < 2 || sent[0] != '{' || len(got) < 2 || got[0] != '{' {
		return nil, false
	}
	whole = true
	paid := string(member(sent, "set_paid")) == "true" // moves the status on by itself
	for m := membersOf(sent); m.next(); {
		name := string(m.name)
		if name == "id" {
			continue
		}
		rule, known := r[name]
		has := member(got, name)
		if !known || rule.partly || has == nil || paid && name == "status" {
			whole = false
		}
		if known && has != nil && !(paid && name == "status") {
			found = append(found, rule.differ(name, m.value, has)...)
		}
	}
	return found, whole
}

// member returns a member of an object, nil when it has none of that name.
func member(object []byte, name string) []byte {
	for m := membersOf(object); m.next(); {
		if string(m.name) == name {
			return m.value
		}
	}
	return nil
}

// scalar compares texts, numbers and booleans; null is "".
func scalar(same func(want, got string) bool) func(string, []byte, []byte) []difference {
	return func(name string, want, got []byte) []difference {
		w, g := plainScalar(want), plainScalar(got)
		if w == g || same(w, g) {
			return nil
		}
		return []difference{{name, w, g}}
	}
}

func plainScalar(src []byte) string {
	switch {
	case string(src) == "null":
		return ""
	case src[0] == '"':
		return strings.TrimSpace(unquote(src))
	}
	return string(src)
}

func sameNumber(want, got string) bool {
	w, errW := parseDecimal(want)
	g, errG := parseDecimal(got)
	return errW == nil && errG == nil && w.Equal(g)
}

// sameMoney allows for the places to which the shop rounds what it shows.
func sameMoney(want, got string) bool {
	w, errW := parseDecimal(want)
	g, errG := parseDecimal(got)
	return errW == nil && errG == nil && w.Round(max(0, -g.Exponent())).Equal(g)
}

// truth is a boolean as PHP writes it.
func truth(s string) string {
	switch s {
	case "true", "1", "yes":
		return "true"
	case "false", "0", "no", "":
		return ""
	}
	return s
}

// lineRule compares lines of an order: those with an id with the line of that id, removed ones with its absence, and of those without it
// looks for any line of the same product (or method, or name). An unknown product makes a line of product 0.
func lineRule(subject, other string) rule {
	return rule{partly: true, differ: func(name string, want, got []byte) (found []difference) {
		if want[0] != '[' || got[0] != '[' {
			return nil
		}
		var lines [][]byte
		for e := elementsOf(got); e.next(); {
			if e.value[0] == '{' {
				lines = append(lines, e.value)
			}
		}
		i := -1
		for e := elementsOf(want); e.next(); {
			i++
			if e.value[0] != '{' {
				continue
			}
			place := name + "[" + strconv.Itoa(i) + "]"
			if id := member(e.value, "id"); id != nil && plainScalar(id) != "0" && plainScalar(id) != "" {
				found = append(found, changedLine(place, plainScalar(id), subject, e.value, lines)...)
			} else if d, missing := addedLine(place, subject, other, e.value, lines); missing {
				found = append(found, d)
			}
		}
		return found
	}}
}

func changedLine(place, id, subject string, want []byte, lines [][]byte) (found []difference) {
	at := slices.IndexFunc(lines, func(line []byte) bool { return plainScalar(member(line, "id")) == id })
	quantity := member(want, "quantity")
	removed := string(member(want, subject)) == "null" || quantity != nil && sameNumber(plainScalar(quantity), "0")
	switch {
	case removed && at < 0:
		return nil
	case removed:
		return []difference{{place, "no line " + id, "line " + id}}
	case at < 0:
		return []difference{{place, "line " + id, "no such line"}}
	}
	for _, name := range []string{"product_id", "quantity", "subtotal", "total"} {
		w, g := member(want, name), member(lines[at], name)
		if w == nil || g == nil {
			continue
		}
		same := sameMoney(plainScalar(w), plainScalar(g))
		if name == "product_id" { // a variation may be named there too
			same = names(lines[at], w)
		}
		if !same {
			found = append(found, difference{place + "." + name, plainScalar(w), plainScalar(g)})
		}
	}
	return found
}

// addedLine looks for a line like the one wanted. Which of several it is does not matter.
func addedLine(place, subject, other string, want []byte, lines [][]byte) (d difference, missing bool) {
	key, w := subject, member(want, subject)
	if other != "" && (w == nil || plainScalar(w) == "" || plainScalar(w) == "0") {
		key, w = other, member(want, other)
	}
	if w == nil || plainScalar(w) == "" || subject == "name" { // a fee's name is cleaned
		return difference{}, false
	}
	for _, line := range lines {
		g := member(line, key)
		if g == nil || key == "product_id" && names(line, w) || strings.EqualFold(plainScalar(g), plainScalar(w)) {
			return difference{}, false
		}
	}
	return difference{place + "." + key, plainScalar(w), "no such line"}, true
}

// names reports whether a line is of a product, or of a variation that was given in the product's place.
func names(line, product []byte) bool {
	for _, name := range []string{"product_id", "variation_id"} {
		if id := member(line, name); id != nil && plainScalar(id) == plainScalar(product) {
			return true
		}
	}
	return false
}

// hints say why a shop ignores a member.
var hints = map[string]string{
	"stock_quantity":   "no quantity is kept while manage_stock is off, on a variation that sells from its product's stock, or while the shop counts none",
	"stock_status":     "the quantity decides it while manage_stock is on",
	"low_stock_amount": "it needs manage_stock",
	"backorders":       "it needs manage_stock",
	"sale_price":       "it must be below the regular price",
	"regular_price":    "a variable or grouped product has the prices of its children",
	"shipping_class":   "it goes by slug, and must exist",
}

// notApplied is the error for differences, nil when there are none.
func notApplied(call rest.Call, status, attempts int, id int64, found []difference) *Error {
	if len(found) == 0 {
		return nil
	}
	e := &Error{
		Op: call.Op, Method: call.Method, Route: call.Route, Status: status, Attempts: attempts, ResourceID: id,
		Details: make(map[string]string, len(found)), kind: ErrNotApplied,
	}
	var all []string
	for _, d := range found {
		e.Details[d.name] = fmt.Sprintf("wanted %s, the shop has %s", shown(d.want), shown(d.got))
		sentence := d.name + ": " + e.Details[d.name]
		if hint := hints[d.name]; hint != "" {
			sentence += " (" + hint + ")"
		}
		all = append(all, sentence)
	}
	e.text = "the shop took the write but did not do all of it: " + strings.Join(all, "; ")
	return e
}

func shown(s string) string {
	switch {
	case s == "":
		return "none"
	case len(s) > 80:
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
