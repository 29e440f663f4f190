package wootest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// templates are recorded answers from which the store makes its own.
type templates struct {
	orders, products                           []*object
	order, product, variation, parentVariation *object
	customer, refund, note, webhook, index     *object
	duplicate, asProduct                       *object // what products/<id>/duplicate answers; a variation under /products
	lines                                      *object // one empty line of each kind
}

func loadTemplates() (*templates, error) {
	t := &templates{}
	for name, into := range map[string]**object{
		"order-empty.json": &t.order, "product-empty.json": &t.product,
		"variation.json": &t.variation, "variation-parent-stock.json": &t.parentVariation,
		"customer.json": &t.customer, "refund.json": &t.refund, "note.json": &t.note, "webhook.json": &t.webhook,
		"index.json": &t.index, "line.json": &t.lines, "product-duplicate.json": &t.duplicate, "variation-as-product.json": &t.asProduct,
	} {
		docs, err := loadDocuments(name)
		if err != nil {
			return nil, err
		}
		*into = docs[0]
	}
	return t, nil
}

func loadDocuments(name string) (docs []*object, err error) {
	data, err := recorded.ReadFile("testdata/" + name)
	if err != nil {
		return nil, fmt.Errorf("wootest: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		doc, err := parseObject([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("wootest: %s: %w", name, err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// shorten takes from the templates what 8.9.1 does not have.
func (t *templates) shorten() {
	for _, p := range []*object{t.product, t.variation, t.parentVariation, t.asProduct} {
		lose(p, "global_unique_id", "brands")
	}
	lose(t.variation, "type", "gallery_image_ids")
	lose(t.parentVariation, "type", "gallery_image_ids")
	lose(t.duplicate, "cogs_value", "brand_ids", "global_unique_id")
	for _, f := range t.lines.fields {
		lose(f.value.(*object), "global_unique_id")
	}
	lose(t.lines.object("shipping_lines"), "tax_status")
}

func lose(o *object, names ...string) {
	for _, name := range names {
		o.del(name)
	}
}

// shortenOrder takes from a whole order what 8.9.1 does not have.
func shortenOrder(o *object) {
	each := func(list string, names ...string) {
		for _, v := range o.list(list) {
			lose(v.(*object), names...)
		}
	}
	each("line_items", "global_unique_id")
	each("shipping_lines", "tax_status")
	each("refunds", "total_tax")
}

// line is an empty line of an order, to be filled in.
func (t *templates) line(kind string) *object { return t.lines.object(kind).clone() }

// SeedOptions shape what Seed makes. Zero values are usable.
type SeedOptions struct {
	// Seed chooses; the same seed makes the same orders.
	Seed uint64
	// Every is the time between two orders. Default 37 minutes.
	Every time.Duration
	// Last is when the newest order was made. Default now.
	Last time.Time
}

// Seed adds n orders made from recorded ones, ids ascending with their dates, and with the first call the products, variations and
// customers they name. Taxes of several countries, fees (negative ones too), shipping, coupons, refunds, variations, guests, foreign
// currencies, lines without SKU and lines whose product is gone occur, and every status: pending, processing, on-hold, completed,
// cancelled, refunded, failed and the custom "packed". It fires no webhooks and returns the orders' ids.
//
// Orders are made again from the seed whenever they are asked for, and kept only once changed: a hundred thousand cost some 20 MB.
func (s *Shop) Seed(n int, seed uint64) []int64 { return s.SeedWith(n, SeedOptions{Seed: seed}) }

// SeedWith is Seed with options.
func (s *Shop) SeedWith(n int, o SeedOptions) []int64 {
	if o.Every <= 0 {
		o.Every = 37 * time.Minute
	}
	if o.Last.IsZero() {
		o.Last = time.Now()
	}
	o.Last = o.Last.UTC().Truncate(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seedCatalogue() {
		return nil
	}
	g := &generation{shop: s, options: o, first: s.next.post, n: n}
	all := make([]int64, 0, n)
	for i := range n {
		r := &record{id: g.first + 2*int64(i), made: g}
		g.head(r)
		s.orders.add(r)
		all = append(all, r.id)
		if len(g.template(r.id).list("refunds")) > 0 { // never more than one
			s.refunds.add(&record{id: r.id + 1, parent: r.id, made: g, created: r.modified, modified: r.modified})
		}
	}
	s.next.post += 2 * int64(n)
	s.next.item = max(s.next.item, s.next.post*itemsPerOrder)
	s.next.meta = max(s.next.meta, s.next.post*itemsPerOrder)
	return all
}

// itemsPerOrder is how many ids of lines and of meta data each seeded order has for itself.
const itemsPerOrder = 40

// customers is how many the seeded orders share.
const customers = 50

// generation makes the orders of one Seed, each from its id alone.
type generation struct {
	shop    *Shop
	options SeedOptions
	first   int64
	n       int
}

func (g *generation) index(id int64) int { return int((id - g.first) / 2) }

func (g *generation) dice(id int64) *rand.Rand {
	//nolint:gosec // repeatable on purpose
	return rand.New(rand.NewPCG(g.options.Seed, uint64(g.index(id))+1))
}

// template goes through all recorded orders before one comes again, from another start for another seed.
func (g *generation) template(id int64) *object {
	all := g.shop.templates.orders
	return all[(uint64(g.index(id))*7+g.options.Seed)%uint64(len(all))]
}

// head fills in what lists need of an order, without making its document.
func (g *generation) head(r *record) {
	t, dice, i := g.template(r.id), g.dice(r.id), g.index(r.id)
	r.status = t.text("status")
	r.created = g.options.Last.Add(-time.Duration(g.n-1-i) * g.options.Every)
	r.modified = r.created
	if r.status != "pending" {
		late := time.Duration(dice.Int64N(int64(6 * time.Hour)))
		r.modified = r.created.Add(late).Truncate(time.Minute) // so that some share a second, as after a bulk edit
		if r.modified.Before(r.created) {
			r.modified = r.created
		}
		if r.modified.After(g.options.Last) {
			r.modified = g.options.Last
		}
	}
	if t.int("customer_id") != 0 {
		r.customer = 1 + dice.Int64N(customers)
	}
	r.reduced = slices.Contains([]string{"processing", "completed", "on-hold", "refunded", "packed"}, r.status)
}

var firstNames = []string{"Ana", "Boris", "Cvetka", "Živa", "Émile", "Siti", "Wayan", "José", "Łucja", "Nguyễn", "O'Neil", "Maja", "Jürgen", "Aiko"}
var lastNames = []string{"Novak", "Horvat", "Kovač", "de la Cruz", "Rahma", "Szczęsny", "Müller", "Smith-Jones", "Žagar", "Nielsen", "王"}
var streets = []string{"Cesta", "Jl. Melati", "Rue de l'Église", "Hauptstraße", "Main Street"}

// document makes an order, or the refund beside it, from its id.
func (g *generation) document(r *record) *object {
	if r.parent != 0 {
		return g.refund(r)
	}
	t, dice := g.template(r.id), g.dice(r.id)
	head := &record{id: r.id}
	g.head(head)
	doc := t.clone()
	doc.set("id", number(r.id))
	doc.set("number", fmt.Sprint(r.id))
	orderKey := "wc_order_" + madeUp(fmt.Sprint("order ", r.id))[:13]
	doc.set("order_key", orderKey)
	doc.set("payment_url", fmt.Sprintf("https://shop.invalid/checkout/order-pay/%d/?pay_for_order=true&key=%s", r.id, orderKey))
	doc.set("customer_id", number(head.customer))
	g.shop.setDate(doc, "date_created", head.created)
	g.shop.setDate(doc, "date_modified", head.modified)
	for _, key := range []string{"date_paid", "date_completed"} {
		at := time.Time{}
		if doc.get(key) != nil {
			at = head.modified
		}
		g.shop.setDate(doc, key, at)
	}
	who := dice.IntN(1000)
	if head.customer != 0 {
		who = int(head.customer)
	}
	for _, key := range []string{"billing", "shipping"} {
		a := doc.object(key)
		if a.text("country") == "" {
			continue
		}
		fillPerson(a, who)
	}
	if dice.IntN(4) == 0 {
		doc.set("customer_note", "Please ring twice.\nThank you & good bye")
	}
	switch i := g.index(r.id); {
	case i%11 == 3:
		doc.set("currency", "USD")
		doc.set("currency_symbol", "$")
	case i%29 == 5:
		doc.set("currency", "IDR")
		doc.set("currency_symbol", "Rp")
	}
	renumber(doc, r.id*itemsPerOrder)
	for _, v := range doc.list("refunds") {
		v.(*object).set("id", number(r.id+1))
	}
	return doc
}

func fillPerson(a *object, who int) {
	a.set("first_name", firstNames[who%len(firstNames)])
	a.set("last_name", lastNames[who%len(lastNames)])
	a.set("address_1", fmt.Sprint(streets[who%len(streets)], " ", who))
	if a.has("email") {
		a.set("email", fmt.Sprintf("customer%d@example.test", who))
	}
	a.set("phone", fmt.Sprintf("+386 40 %06d", who))
}

// renumber gives lines and meta data ids of their own. The ids within taxes are those of rates and stay.
func renumber(doc *object, next int64) {
	metas := next
	meta := func(o *object) {
		for _, v := range o.list("meta_data") {
			v.(*object).set("id", number(metas))
			metas++
		}
	}
	meta(doc)
	for _, kind := range []string{"line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines"} {
		for _, v := range doc.list(kind) {
			line := v.(*object)
			line.set("id", number(next))
			next++
			meta(line)
		}
	}
}

// refund makes the refund that an order's refunds name.
func (g *generation) refund(r *record) *object {
	doc := g.shop.templates.refund.clone()
	doc.set("id", number(r.id))
	g.shop.setDate(doc, "date_created", r.created)
	doc.set("line_items", []any{})
	doc.set("tax_lines", []any{})
	doc.set("meta_data", []any{})
	for _, v := range g.template(r.parent).list("refunds") {
		doc.set("amount", strings.TrimPrefix(v.(*object).text("total"), "-"))
		doc.set("reason", v.(*object).text("reason"))
	}
	return doc
}

// gone is the one product that recorded orders name and the store no longer has.
const gone = 58

// seedCatalogue adds products, variations and customers with the first Seed. It fails only if this package's own data are broken.
func (s *Shop) seedCatalogue() bool {
	t := s.templates
	if t.orders != nil {
		return true
	}
	orders, err := loadDocuments("orders.ndjson")
	if err != nil {
		return false
	}
	if t.products, err = loadDocuments("products.ndjson"); err != nil {
		return false
	}
	if s.config.Version == oldest {
		for _, o := range orders {
			shortenOrder(o)
		}
		for _, p := range t.products {
			lose(p, "global_unique_id", "brands")
		}
	}
	t.orders = orders
	s.seedCustomers()
	s.seedKinds()
	at := now().Add(-365 * 24 * time.Hour)
	add := func(doc *object, parent int64) {
		r := &record{id: doc.int("id"), parent: parent, doc: doc, status: doc.text("status"), created: at, modified: at}
		s.setDate(doc, "date_created", at)
		s.setDate(doc, "date_modified", at)
		s.products.add(r)
	}
	for _, p := range t.products {
		add(p.clone(), 0)
	}
	for _, o := range t.orders {
		for _, v := range o.list("line_items") {
			s.seedProduct(v.(*object), add)
		}
	}
	return true
}

// seedProduct adds what an order line names and no recorded product is: the rest of a variable product's variations, too.
func (s *Shop) seedProduct(line *object, add func(*object, int64)) {
	id, variation := line.int("product_id"), line.int("variation_id")
	if id == 0 || id == gone {
		return
	}
	if s.products.rows[id] == nil {
		doc := s.templates.products[len(s.templates.products)-1].clone()
		for _, p := range s.templates.products {
			if p.text("type") == "simple" {
				doc = p.clone()
				break
			}
		}
		gross := money(line.text("subtotal")).Add(money(line.text("subtotal_tax")))
		if q := line.int("quantity"); q != 0 {
			gross = gross.Div(money(fmt.Sprint(q))).Round(2)
		}
		for key, v := range map[string]any{
			"id": number(id), "name": line.text("name"), "sku": line.text("sku"), "price": cents(gross), "regular_price": cents(gross), "sale_price": "",
		} {
			doc.set(key, v)
		}
		slug := strings.ToLower(strings.ReplaceAll(line.text("name"), " ", "-"))
		doc.set("slug", slug)
		doc.set("generated_slug", slug)
		doc.set("permalink", "https://shop.invalid/product/"+slug+"/")
		add(doc, 0)
	}
	if variation == 0 || s.products.rows[variation] != nil {
		return
	}
	parent := s.products.rows[id].doc
	prefix, _, _ := strings.Cut(line.text("sku"), "-RED")
	prefix, _, _ = strings.Cut(prefix, "-GREEN")
	for i, v := range parent.list("variations") {
		hue, size := []string{"Red", "Blue", "Green"}[i/2%3], []string{"S", "M"}[i%2]
		doc := s.templates.variation.clone()
		if parent.get("manage_stock") == true {
			doc = s.templates.parentVariation.clone()
		}
		doc.set("id", v)
		doc.set("parent_id", number(id))
		doc.set("sku", prefix+"-"+strings.ToUpper(hue)+"-"+size)
		doc.set("name", hue+", "+size)
		link := parent.text("permalink") + "?attribute_pa_color=" + strings.ToLower(hue) //nolint:misspell // WooCommerce's name
		doc.set("permalink", link+"&attribute_pa_size="+strings.ToLower(size))
		for j, option := range []string{hue, size} {
			doc.list("attributes")[j].(*object).set("option", option)
		}
		if n, _ := v.(json.Number).Int64(); s.products.rows[n] == nil {
			add(doc, id)
		}
	}
}

func (s *Shop) seedCustomers() {
	at := now().Add(-300 * 24 * time.Hour)
	for id := int64(1); id <= customers; id++ {
		if s.customers.rows[id] != nil {
			continue
		}
		doc := s.templates.customer.clone()
		fillPerson(doc.object("billing"), int(id))
		doc.set("id", number(id))
		doc.set("username", fmt.Sprint("customer", id))
		for _, f := range []string{"email", "first_name", "last_name"} {
			doc.set(f, doc.object("billing").get(f))
		}
		doc.set("meta_data", []any{})
		s.setDate(doc, "date_created", at)
		s.setDate(doc, "date_modified", at)
		s.customers.add(&record{id: id, doc: doc, created: at, modified: at})
	}
	s.next.customer = max(s.next.customer, customers+1)
}
