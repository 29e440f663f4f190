package kledosync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/woo"
)

// Finance is what documents need that are booked through finance/*, where Kledo wants ids instead of names. Everything in it is optional.
type Finance struct {
	// ContactGroup is the name of the group that new contacts are put into. Default: the first group.
	ContactGroup string
	// Taxes are Kledo's taxes by the shop's tax rates. A line with one tax that stands here is booked without tax and with Kledo's
	// tax. All other tax of an order is booked as one line of the product TaxProduct, which is reported.
	Taxes map[woo.TaxRateID]kledo.TaxID
	// NoNewProducts lets a document fail whose product is not in Kledo. Default: products are created as not tracked, by their SKU.
	NoNewProducts bool
	// SellAccount and Unit are given to new products. Default: Kledo's account; unit 1.
	SellAccount kledo.AccountID
	Unit        kledo.UnitID
	// FeeProduct and TaxProduct are the codes of the products that fees and unmapped taxes are booked as. Defaults "WC-FEE", "WC-TAX".
	FeeProduct, TaxProduct string
}

func (f Finance) withDefaults() Finance {
	if f.Unit == 0 {
		f.Unit = 1
	}
	if f.FeeProduct == "" {
		f.FeeProduct = "WC-FEE"
	}
	if f.TaxProduct == "" {
		f.TaxProduct = "WC-TAX"
	}
	return f
}

var one = decimal.NewFromInt(1)

// amount reads a figure of ours; 0 when it is none.
func amount(text string) decimal.Decimal {
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero
	}
	return d
}

// general is the way through Kledo's general API: finance/*.
type general struct {
	c *Config

	// turn lets one document at a time look for a contact or a product and create it, so that two orders of a new customer do not make
	// two contacts. Who waits for it ends with its context.
	turn  chan struct{}
	known map[string]known // what was found, by what it is and its name; of whose turn it is
}

func newGeneral(c *Config) *general {
	return &general{c: c, turn: make(chan struct{}, 1), known: map[string]known{}}
}

// known is an id that was found a while ago.
type known struct {
	id int64
	at time.Time
}

// knownFor is how long ids are believed.
const knownFor = 10 * time.Minute

func (w *general) look(ctx context.Context, d Document, o *woo.Order) (*booked, string, error) {
	ref := w.c.reference(d, o)
	list := w.c.Books.SalesOrders.All
	if d == Invoice {
		list = w.c.Books.Invoices.All
	}
	for sale, err := range list(ctx, kledo.SaleQuery{Search: ref, PerPage: 100}) {
		switch {
		case errors.Is(err, kledo.ErrMalformed):
		case err != nil:
			return nil, "", err
		case sale.RefNumber == ref:
			return &booked{sale.ID, sale.RefNumber}, "", nil
		}
	}
	return nil, "", nil
}

func (w *general) send(ctx context.Context, d Document, o *woo.Order) (left []string, err error) {
	sale, left, err := w.compose(ctx, d, o)
	if err != nil {
		return nil, err
	}
	if d == Invoice {
		_, err = w.c.Books.Invoices.Create(ctx, *sale)
	} else {
		_, err = w.c.Books.SalesOrders.Create(ctx, *sale)
	}
	return left, err
}

// compose makes a document of an order: all of it, so that the document's sum is the order's.
func (w *general) compose(ctx context.Context, d Document, o *woo.Order) (sale *kledo.SaleFields, left []string, err error) {
	trans, due, err := w.c.days(o)
	if err != nil {
		return nil, nil, permanently(err)
	}
	contact, err := w.contact(ctx, o)
	if err != nil {
		return nil, nil, before(err)
	}
	set := w.c.settings(d)
	sale = &kledo.SaleFields{
		TransDate: kledo.Set(trans), DueDate: kledo.Set(due), ContactID: kledo.Set(contact), TaxIncluded: kledo.Set(0),
		RefNumber: kledo.Set(w.c.reference(d, o)), Memo: kledo.Set(memo(o)),
		ShippingCost: kledo.Set(o.ShippingTotal.Decimal),
	}
	if d == Invoice {
		sale.Status = kledo.Set(kledo.StatusUnpaid)
		if !w.c.NoLink && w.c.SalesOrders.Booking == FinanceAPI {
			sale.Memo = kledo.Set(strings.TrimSpace(w.c.reference(SalesOrder, o) + "\n" + memo(o)))
		}
	}
	if tracking := tracking(o); tracking != "" {
		sale.Tracking = kledo.Set(tracking)
	}
	lines, discount, reported, err := w.lines(ctx, o)
	if err != nil {
		return nil, nil, before(err)
	}
	sale.Items, sale.Discount = kledo.Set(lines), kledo.Set(discount)
	left = append(left, reported...)
	if set.Warehouse != "" {
		id, err := w.id(ctx, "warehouse", set.Warehouse, w.warehouse)
		if err != nil {
			return nil, nil, before(err)
		}
		sale.WarehouseID = kledo.Set(kledo.WarehouseID(id))
	}
	var tags []kledo.TagID
	for _, name := range set.Tags {
		id, err := w.id(ctx, "tag", name, w.tag)
		switch {
		case errors.Is(err, errMissing):
			left = append(left, fmt.Sprintf("the tag %s (Kledo has none of this name)", name))
		case err != nil:
			return nil, nil, before(err)
		default:
			tags = append(tags, kledo.TagID(id))
		}
	}
	if len(tags) > 0 {
		sale.Tags = kledo.Set(tags)
	}
	return sale, append(left, w.c.foreign(o)...), nil
}

// lines are the order's products, fees and unmapped taxes, and its discount without tax.
func (w *general) lines(ctx context.Context, o *woo.Order) (lines []kledo.SaleLine, discount decimal.Decimal, left []string, err error) {
	discount = o.DiscountTotal.Decimal
	restTax, sum := o.TotalTax.Decimal, o.ShippingTotal.Decimal.Sub(discount)
	add := func(code, name, desc string, quantity, total decimal.Decimal, tax kledo.TaxID) error {
		id, err := w.product(ctx, code, name, perPiece(total, quantity))
		if err != nil {
			return err
		}
		if quantity.IsZero() {
			quantity = one
		}
		line := kledo.SaleLine{
			ProductID: kledo.Set(id), Description: kledo.Set(desc), Quantity: kledo.Set(quantity),
			Price: kledo.Set(perPiece(total, quantity)), Amount: kledo.Set(total), TaxID: kledo.Null[kledo.TaxID](),
		}
		if tax != 0 {
			line.TaxID = kledo.Set(tax)
		}
		lines = append(lines, line)
		sum = sum.Add(total)
		return nil
	}
	for i := range o.LineItems {
		line := &o.LineItems[i]
		tax, taxed := w.tax(line.Taxes, line.TotalTax.Decimal)
		restTax, sum = restTax.Sub(taxed), sum.Add(taxed)
		if err := add(lineCode(line), line.Name, line.Name, line.Quantity.Decimal, line.Subtotal.Decimal, tax); err != nil {
			return nil, discount, nil, err
		}
	}
	for i := range o.FeeLines {
		fee := &o.FeeLines[i]
		if fee.Total.IsNegative() { // a deduction: Kledo's lines are of what is sold
			discount, sum = discount.Sub(fee.Total.Decimal), sum.Add(fee.Total.Decimal)
			continue
		}
		tax, taxed := w.tax(fee.Taxes, fee.TotalTax.Decimal)
		restTax, sum = restTax.Sub(taxed), sum.Add(taxed)
		if err := add(w.c.Finance.FeeProduct, "Fee", fee.Name, one, fee.Total.Decimal, tax); err != nil {
			return nil, discount, nil, err
		}
	}
	if restTax.IsPositive() {
		if err := add(w.c.Finance.TaxProduct, "Tax", taxLabels(o), one, restTax, 0); err != nil {
			return nil, discount, nil, err
		}
		left = append(left, fmt.Sprintf("the tax of %s as a tax (it is a line of its own: see Finance.Taxes)", restTax))
	}
	if diff := o.Total.Decimal.Sub(sum); o.Total.IsSet() && !diff.IsZero() {
		left = append(left, fmt.Sprintf("%s of the order's total of %s", diff, o.Total))
	}
	return lines, discount, left, nil
}

// tax is Kledo's tax of a line, and how much of the order's tax it stands for; 0 when there is none for it.
func (w *general) tax(taxes []woo.Tax, total decimal.Decimal) (id kledo.TaxID, taxed decimal.Decimal) {
	for _, t := range taxes {
		switch {
		case t.Total.IsZero():
		case id != 0, w.c.Finance.Taxes[t.ID] == 0:
			return 0, decimal.Zero
		default:
			id = w.c.Finance.Taxes[t.ID]
		}
	}
	if id == 0 {
		return 0, decimal.Zero
	}
	return id, total
}

func taxLabels(o *woo.Order) string {
	var labels []string
	for i := range o.TaxLines {
		labels = append(labels, o.TaxLines[i].Label)
	}
	return strings.Join(labels, ", ")
}

func perPiece(total, quantity decimal.Decimal) decimal.Decimal {
	if quantity.IsZero() {
		return total
	}
	return total.DivRound(quantity, 6)
}

// lineCode is the code of a line's product: its SKU, else one made of its id.
func lineCode(line *woo.LineItem) string {
	id := int64(line.ProductID)
	if line.VariationID != 0 {
		id = int64(line.VariationID)
	}
	switch {
	case line.SKU != nil && *line.SKU != "":
		return *line.SKU
	case id != 0:
		return "WC-" + strconv.FormatInt(id, 10)
	}
	return "WC-OTHER"
}

// errMissing: Kledo has no record of the name.
var errMissing = errors.New("is not in Kledo")

// id finds a record by name, once in a while.
func (w *general) id(ctx context.Context, what, name string, find func(ctx context.Context, name string) (int64, error)) (int64, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	key := what + "\x00" + name
	if k, ok := w.known[key]; ok && time.Since(k.at) < knownFor {
		return k.id, nil
	}
	id, err := find(ctx, name)
	if errors.Is(err, errMissing) {
		return 0, permanently(fmt.Errorf("kledosync: the %s %q %w: make it there, or change the setting", what, name, errMissing))
	}
	if err != nil {
		return 0, fmt.Errorf("kledosync: finding the %s %q: %w", what, name, err)
	}
	if len(w.known) > 10_000 {
		clear(w.known)
	}
	w.known[key] = known{id, time.Now()}
	return id, nil
}

func (w *general) warehouse(ctx context.Context, name string) (int64, error) {
	for found, err := range w.c.Books.Warehouses.All(ctx, kledo.WarehouseQuery{Search: name, PerPage: 100}) {
		if err != nil && !errors.Is(err, kledo.ErrMalformed) {
			return 0, err
		}
		if err == nil && strings.EqualFold(found.Name, name) {
			return int64(found.ID), nil
		}
	}
	return 0, errMissing
}

func (w *general) tag(ctx context.Context, name string) (int64, error) {
	for found, err := range w.c.Books.Tags.All(ctx, kledo.RecordQuery{Search: name, PerPage: 100}) {
		if err != nil && !errors.Is(err, kledo.ErrMalformed) {
			return 0, err
		}
		if err == nil && strings.EqualFold(found.Name, name) {
			return int64(found.ID), nil
		}
	}
	return 0, errMissing
}

func (w *general) account(ctx context.Context, code string) (int64, error) {
	for found, err := range w.c.Books.PaymentAccounts.All(ctx, kledo.PaymentAccountQuery{Search: code, PerPage: 100}) {
		if err != nil && !errors.Is(err, kledo.ErrMalformed) {
			return 0, err
		}
		if err == nil && found.Code == code {
			return int64(found.ID), nil
		}
	}
	return 0, errMissing
}

func (w *general) group(ctx context.Context, name string) (int64, error) {
	for found, err := range w.c.Books.ContactGroups.All(ctx, kledo.ContactGroupQuery{Search: name, PerPage: 100}) {
		if err != nil && !errors.Is(err, kledo.ErrMalformed) {
			return 0, err
		}
		if err == nil && (name == "" || strings.EqualFold(found.Name, name)) {
			return int64(found.ID), nil
		}
	}
	return 0, errMissing
}

// product finds a product by its code, or creates it.
func (w *general) product(ctx context.Context, code, name string, price decimal.Decimal) (kledo.ProductID, error) {
	id, err := w.id(ctx, "product", code, func(ctx context.Context, code string) (int64, error) {
		for found, err := range w.c.Books.Products.All(ctx, kledo.ProductQuery{Code: code, PerPage: 100}) {
			if err != nil && !errors.Is(err, kledo.ErrMalformed) {
				return 0, err
			}
			if err == nil && found.Code == code {
				return int64(found.ID), nil
			}
		}
		if w.c.Finance.NoNewProducts {
			return 0, errMissing
		}
		fields := kledo.ProductFields{
			Name: kledo.Set(name), Code: kledo.Set(code), Price: kledo.Set(price), UnitID: kledo.Set(w.c.Finance.Unit),
			Sold: kledo.Set(1), Purchased: kledo.Set(0), Tracked: kledo.Set(0),
		}
		if w.c.Finance.SellAccount != 0 {
			fields.SellAccountID = kledo.Set(w.c.Finance.SellAccount)
		}
		made, err := w.c.Books.Products.Create(ctx, fields)
		if err != nil {
			return 0, err
		}
		return int64(made.ID), nil
	})
	return kledo.ProductID(id), err
}

// contact finds the order's customer by e-mail address, else by name, or creates it.
func (w *general) contact(ctx context.Context, o *woo.Order) (kledo.ContactID, error) {
	b := o.Billing
	name := fullName(b)
	for _, other := range []string{b.Company, b.Email, "WooCommerce"} {
		if name == "" {
			name = other
		}
	}
	search := b.Email
	if search == "" {
		search = name
	}
	group, err := w.id(ctx, "contact group", w.c.Finance.ContactGroup, w.group)
	if err != nil && (w.c.Finance.ContactGroup != "" || !errors.Is(err, errMissing)) {
		return 0, err
	}
	id, err := w.id(ctx, "contact", strings.ToLower(b.Email)+"\x00"+name, func(ctx context.Context, _ string) (int64, error) {
		for found, err := range w.c.Books.Contacts.All(ctx, kledo.ContactQuery{Search: search, Type: kledo.Customer, PerPage: 100}) {
			switch {
			case errors.Is(err, kledo.ErrMalformed):
			case err != nil:
				return 0, err
			case b.Email != "" && strings.EqualFold(found.Email, b.Email), b.Email == "" && found.Email == "" && found.Name == name:
				return int64(found.ID), nil
			}
		}
		fields := kledo.ContactFields{
			Name: kledo.Set(name), Type: kledo.Set(kledo.Customer), Company: kledo.Set(b.Company), Email: kledo.Set(b.Email),
			Phone: kledo.Set(b.Phone), Address: kledo.Set(postal(b)), ShippingAddress: kledo.Set(postal(o.Shipping)),
		}
		if group != 0 {
			fields.GroupID = kledo.Set(kledo.ContactGroupID(group))
		}
		made, err := w.c.Books.Contacts.Create(ctx, fields)
		if taken(err) { // some accounts want each name once, and people share names
			fields.Name = kledo.Set(fmt.Sprintf("%s (%s)", name, firstOf(b.Email, b.Phone, "order "+strconv.FormatInt(int64(o.ID), 10))))
			made, err = w.c.Books.Contacts.Create(ctx, fields)
		}
		if err != nil {
			return 0, err
		}
		return int64(made.ID), nil
	})
	return kledo.ContactID(id), err
}

// taken reports that Kledo has a contact of this name.
func taken(err error) bool {
	var e *kledo.Error
	if !errors.As(err, &e) || !errors.Is(err, kledo.ErrValidation) {
		return false
	}
	words := strings.ToLower(e.Message)
	for _, known := range []string{"already used", "already exists", "sudah digunakan", "sudah ada"} {
		if strings.Contains(words, known) {
			return true
		}
	}
	return false
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// postal is an address on one line.
func postal(a woo.Address) string {
	var parts []string
	for _, p := range []string{a.Address1, a.Address2, a.City, a.State, a.Postcode, a.Country} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}
