package wootest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// reports answers below reports/, reckoned from what the store holds.
func (s *Shop) reports(c *call, path []string) func() *reply {
	if c.method != http.MethodGet && c.method != http.MethodHead {
		return nil
	}
	switch strings.Join(path, "/") {
	case "sales":
		return func() *reply { return s.sales(c) }
	case "top_sellers":
		return func() *reply { return s.topSellers(c) }
	case "orders/totals":
		return func() *reply {
			count := map[string]int{}
			for _, r := range s.orders.all {
				count[r.status]++
			}
			var rows []any
			for _, status := range s.writableStatuses() {
				if status != "auto-draft" {
					rows = append(rows, totalRow(status, statusName(status), count[status]))
				}
			}
			return ok(rows)
		}
	case "products/totals":
		return func() *reply {
			count := map[string]int{}
			for _, r := range s.products.all {
				if r.parent == 0 && r.status != "trash" {
					count[r.document().text("type")]++
				}
			}
			return ok([]any{
				totalRow("external", "External/Affiliate product", count["external"]), totalRow("grouped", "Grouped product", count["grouped"]),
				totalRow("simple", "Simple product", count["simple"]), totalRow("variable", "Variable product", count["variable"]),
			})
		}
	case "customers/totals":
		return func() *reply {
			paying := 0
			for _, r := range s.customers.all {
				if r.doc.get("is_paying_customer") == true {
					paying++
				}
			}
			return ok([]any{totalRow("paying", "Paying customer", paying), totalRow("non_paying", "Non-paying customer", len(s.customers.all)-paying)})
		}
	case "coupons/totals":
		return func() *reply {
			count := map[string]int{}
			for _, r := range s.kinds["coupons"].table.all {
				count[r.doc.text("discount_type")]++
			}
			return ok([]any{
				totalRow("percent", "Percentage discount", count["percent"]), totalRow("fixed_cart", "Fixed cart discount", count["fixed_cart"]),
				totalRow("fixed_product", "Fixed product discount", count["fixed_product"]),
			})
		}
	case "reviews/totals":
		return func() *reply {
			count := map[int64]int{}
			for _, r := range s.kinds["products/reviews"].table.all {
				count[r.doc.int("rating")]++
			}
			var rows []any
			for n := int64(1); n <= 5; n++ {
				rows = append(rows, totalRow(fmt.Sprintf("rated_%d_out_of_5", n), fmt.Sprintf("Rated %d out of 5", n), count[n]))
			}
			return ok(rows)
		}
	}
	return nil
}

func totalRow(slug, name string, total int) *object {
	return obj(field{"slug", slug}, field{"name", name}, field{"total", jsonInt(total)})
}

// span is the days that a report covers, local, the last one included: a named period, or date_min and date_max; today by itself.
func (s *Shop) span(c *call) (from, to time.Time, monthly bool) {
	at := time.Now().In(s.config.Location)
	today := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, s.config.Location)
	month := today.AddDate(0, 0, 1-today.Day())
	from, to = today, today
	switch c.query.get("period") {
	case "week":
		from = today.AddDate(0, 0, -int(today.Weekday()+6)%7)
	case "month":
		from = month
	case "last_month":
		from, to = month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)
	case "year":
		from, monthly = time.Date(at.Year(), 1, 1, 0, 0, 0, 0, s.config.Location), true
	}
	read := func(name string, into *time.Time) {
		if d, err := time.ParseInLocation(time.DateOnly, c.query.get(name), s.config.Location); err == nil {
			*into = d
		}
	}
	read("date_min", &from)
	read("date_max", &to)
	return from, to, monthly
}

// counted are the statuses that reports reckon with.
var counted = []string{"completed", "processing", "on-hold", "refunded"}

// within calls each for every order that counts and was made in the span.
func (s *Shop) within(from, to time.Time, each func(r *record, doc *object)) {
	end := to.AddDate(0, 0, 1)
	for _, r := range s.orders.all {
		if slices.Contains(counted, r.status) && !r.created.Before(from) && r.created.Before(end) {
			each(r, r.document())
		}
	}
}

func (s *Shop) sales(c *call) *reply {
	from, to, monthly := s.span(c)
	layout, step := time.DateOnly, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	if monthly {
		layout, step = "2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	}
	type bucket struct {
		sales, tax, shipping, discount, refunds decimal.Decimal
		orders, items, customers                int
	}
	var keys []string
	buckets := map[string]*bucket{}
	for at := from; !at.After(to); at = step(at) {
		keys = append(keys, at.Format(layout))
		buckets[at.Format(layout)] = &bucket{}
	}
	var sum bucket
	add := func(b *bucket, doc *object) {
		b.orders++
		b.sales = b.sales.Add(money(doc.text("total")))
		b.tax = b.tax.Add(money(doc.text("total_tax")))
		b.shipping = b.shipping.Add(money(doc.text("shipping_total")))
		b.discount = b.discount.Add(money(doc.text("discount_total")))
		for _, v := range doc.list("line_items") {
			quantity, _ := amount(v.(*object), "quantity")
			b.items += int(quantity.IntPart())
		}
		for _, v := range doc.list("refunds") {
			b.refunds = b.refunds.Sub(money(v.(*object).text("total")))
		}
	}
	s.within(from, to, func(r *record, doc *object) {
		add(&sum, doc)
		if b := buckets[r.created.In(s.config.Location).Format(layout)]; b != nil {
			add(b, doc)
		}
	})
	totals := obj()
	for _, key := range keys {
		b := buckets[key]
		day := obj(
			field{"sales", cents(b.sales.Sub(b.refunds))}, field{"orders", jsonInt(b.orders)}, field{"items", jsonInt(b.items)}, field{"tax", cents(b.tax)},
			field{"shipping", cents(b.shipping)}, field{"discount", cents(b.discount)}, field{"customers", jsonInt(b.customers)},
		)
		if s.config.Version == newest {
			day.set("refunds", cents(b.refunds))
		}
		totals.set(key, day)
	}
	gross := sum.sales.Sub(sum.refunds)
	net := gross.Sub(sum.tax).Sub(sum.shipping)
	refunds, _ := sum.refunds.Float64()
	grouped := "day"
	if monthly {
		grouped = "month"
	}
	return ok([]any{obj(
		field{"total_sales", cents(gross)}, field{"net_sales", cents(net)}, field{"average_sales", cents(net.Div(decimal.NewFromInt(int64(max(1, len(keys))))))},
		field{"total_orders", jsonInt(sum.orders)}, field{"total_items", jsonInt(sum.items)}, field{"total_tax", cents(sum.tax)},
		field{"total_shipping", cents(sum.shipping)}, field{"total_refunds", jsonFloat(refunds)}, field{"total_discount", cents(sum.discount)},
		field{"totals_grouped_by", grouped}, field{"totals", totals}, field{"total_customers", jsonInt(sum.customers)},
		field{"_links", obj(field{"about", href("reports")})},
	)})
}

func (s *Shop) topSellers(c *call) *reply {
	from, to, _ := s.span(c)
	type seller struct {
		id       int64
		name     string
		quantity decimal.Decimal
	}
	sold := map[int64]*seller{}
	s.within(from, to, func(_ *record, doc *object) {
		for _, v := range doc.list("line_items") {
			line := v.(*object)
			id := line.int("product_id")
			if id == 0 {
				continue
			}
			if sold[id] == nil {
				sold[id] = &seller{id: id, name: line.text("name")}
				if p := s.products.rows[id]; p != nil {
					sold[id].name = p.document().text("name")
				}
			}
			quantity, _ := amount(line, "quantity")
			sold[id].quantity = sold[id].quantity.Add(quantity)
		}
	})
	var best []*seller
	for _, b := range sold {
		best = append(best, b)
	}
	slices.SortFunc(best, func(a, b *seller) int { return cmp.Or(b.quantity.Cmp(a.quantity), cmp.Compare(a.id, b.id)) })
	rows := []any{}
	for _, b := range best[:min(len(best), 12)] {
		rows = append(rows, obj(field{"name", b.name}, field{"product_id", number(b.id)}, field{"quantity", number(b.quantity.IntPart())},
			field{"_links", obj(field{"about", href("reports")}, field{"product", href(fmt.Sprint("products/", b.id))})}))
	}
	return ok(rows)
}
