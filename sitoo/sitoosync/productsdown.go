package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// productsPerWrite is how many products go to the shop together: as many as it takes in one request.
const productsPerWrite = 100

// downFields are what is asked of the till's products as they come down.
var downFields = []string{
	"productid", "sku", "title", "descriptionshort", "description", "moneyprice", "moneypriceorg", "active", "activepos", "vatid",
	"vatvalue",
	"defaultcategoryid", "categories", "manufacturerid", "stockcountenable", "stockallowbackorder", "variantparentid", "variant",
	"barcode",
}

// descent brings products of the till into the shop.
type descent struct {
	s          *Sync
	p          *pass
	k          *catalogue
	images     string                     // the address below which the till's pictures lie
	attributes map[string]woo.AttributeID // shop-wide ones, by plain name
}

// productsDown makes in the shop what the till has, as far as the filter takes it, and writes what the shop has (row F9): categories
// first, manufacturers too when they were never read. A family becomes a variable product.
func (s *Sync) productsDown(ctx context.Context, p *pass) error {
	if err := s.categoriesDown(ctx, p); err != nil {
		return err
	}
	if _, known, err := s.readMakers(ctx); err != nil {
		return err
	} else if !known {
		if err := s.manufacturersDown(ctx, p); err != nil {
			return err
		}
	}
	d, err := s.descent(ctx, p)
	if err != nil {
		return err
	}
	families := map[sitoo.ProductID][]*sitoo.Product{}
	var singles []*sitoo.Product
	p.step("products into the shop", 0)
	query := sitoo.ProductQuery{IncludeInactive: true, PerPage: s.c.PageSize, Fields: downFields}
	for product, err := range s.c.Till.Products.All(ctx, query) {
		if err != nil {
			return err
		}
		switch {
		case !s.c.Products.Keep(product):
		case product.VariantParentID != 0:
			families[product.VariantParentID] = append(families[product.VariantParentID], product)
		default:
			singles = append(singles, product)
		}
		if len(singles) == productsPerWrite {
			if err := d.singles(ctx, singles); err != nil {
				return err
			}
			singles = nil
		}
	}
	if err := d.singles(ctx, singles); err != nil {
		return err
	}
	for _, main := range slices.Sorted(maps.Keys(families)) {
		if err := d.family(ctx, main, families[main]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sync) productsDownCost(ctx context.Context) (int, error) {
	query := sitoo.ProductQuery{IncludeInactive: true, PerPage: 1, Fields: []string{"productid"}}
	_, page, err := s.c.Till.Products.List(ctx, query)
	list, err := s.pages(page, err)
	if err != nil {
		return 0, err
	}
	categories, err := s.categoriesDownCost(ctx)
	if err != nil {
		return 0, err
	}
	makers, err := s.manufacturersDownCost(ctx)
	if err != nil {
		return 0, err
	}
	const site = 1
	images := page.Total                                                       // a list for each
	stock := (page.Total+productsPerWrite-1)/productsPerWrite + page.Total + 1 // of each chunk of singles, and of each family
	return list + categories + makers + tariffCost + site + images + stock, nil
}

func (s *Sync) descent(ctx context.Context, p *pass) (*descent, error) {
	d := &descent{s: s, p: p, images: s.c.ImageBase, attributes: map[string]woo.AttributeID{}}
	var err error
	if d.k, err = s.readCatalogue(ctx); err != nil {
		return nil, err
	}
	if d.images == "" {
		site, err := s.c.Till.CheckSite(ctx)
		if err != nil {
			return nil, err
		}
		d.images = strings.TrimRight(site.URL, "/") + "/res/"
	}
	for a, err := range s.c.Shop.Attributes.All(ctx, woo.Everything{}) {
		if err != nil {
			return nil, err
		}
		d.attributes[plain(a.Name)] = a.ID
	}
	return d, nil
}

// arrival is one single product on its way.
type arrival struct {
	p      *sitoo.Product
	shop   *woo.Product // nil: it is to be made
	fields woo.ProductFields
}

// singles brings products that are in no family.
func (d *descent) singles(ctx context.Context, products []*sitoo.Product) error {
	if len(products) == 0 {
		return nil
	}
	shop, err := d.counterparts(ctx, products)
	if err != nil {
		return err
	}
	var made, changed []arrival
	for _, p := range products {
		c, there := shop[p.ID]
		switch {
		case there && c.product == nil: // not to be touched, which was said
			continue
		case there && c.variation != 0:
			d.p.note(ctx, fmt.Errorf("product %s: a single product in the till and a variation in the shop: make them alike", p.SKU))
			continue
		}
		fields, err := d.fields(ctx, p, c.product)
		if err != nil {
			if err := d.p.fail(ctx, err); err != nil {
				return err
			}
			continue
		}
		if c.product == nil {
			made = append(made, arrival{p, nil, fields})
		} else {
			changed = append(changed, arrival{p, c.product, fields})
		}
	}
	if err := d.create(ctx, made); err != nil {
		return err
	}
	if err := d.update(ctx, changed); err != nil {
		return err
	}
	d.p.did(len(products))
	return d.refresh(ctx, products)
}

// refresh brings the stock of what was touched.
func (d *descent) refresh(ctx context.Context, products []*sitoo.Product) error {
	if d.p.dry {
		return nil
	}
	skus := make([]string, len(products))
	for i, p := range products {
		skus[i] = p.SKU
	}
	return d.s.refreshStock(ctx, d.p, skus...)
}

// counterpart is what the shop has of a product of the till's. Without a product it is to be left alone.
type counterpart struct {
	product   *woo.Product // of a variation its parent
	variation woo.VariationID
}

// counterparts finds products in the shop: by their links, and else by their SKU, which makes a link. What was made before a crash is
// found so.
func (d *descent) counterparts(ctx context.Context, products []*sitoo.Product) (map[sitoo.ProductID]counterpart, error) {
	ids := make([]string, len(products))
	for i, p := range products {
		ids[i] = number(p.ID)
	}
	linked := map[sitoo.ProductID]Link{}
	for _, kind := range []LinkKind{ProductLink, VariationLink} {
		found, err := d.s.find(ctx, kind, Sitoo, ids...)
		if err != nil {
			return nil, err
		}
		for _, p := range products {
			if l, has := found[number(p.ID)]; has {
				linked[p.ID] = l
			}
		}
	}
	all := map[sitoo.ProductID]counterpart{}
	if err := d.bySKU(ctx, products, linked, all); err != nil {
		return nil, err
	}
	return all, d.read(ctx, products, linked, all)
}

// bySKU looks in the shop for what is not linked, and adds what it finds to linked.
func (d *descent) bySKU(
	ctx context.Context, products []*sitoo.Product, linked map[sitoo.ProductID]Link, all map[sitoo.ProductID]counterpart,
) error {
	bySKU := map[string]*sitoo.Product{}
	var skus []string
	for _, p := range products {
		if _, has := linked[p.ID]; !has && p.SKU != "" {
			bySKU[strings.ToLower(p.SKU)] = p
			skus = append(skus, p.SKU)
		}
	}
	for part := range slices.Chunk(skus, 50) { // they travel in the address
		query := woo.ProductQuery{SKU: part, Fields: []string{"id", "sku", "type", "parent_id"}}
		for found, err := range d.s.c.Shop.Products.All(ctx, query) {
			if err != nil {
				return err
			}
			p := bySKU[strings.ToLower(found.SKU)]
			if p == nil {
				continue
			}
			l := LinkProduct(found.ID, p.ID)
			if found.Type == woo.VariationProduct {
				l = LinkVariation(found.ParentID, woo.VariationID(found.ID), p.ID)
			}
			problem := error(nil)
			switch {
			case found.SKU != p.SKU:
				problem = fmt.Errorf("product %s: the shop has it as %s: make the SKUs alike", p.SKU, found.SKU)
			case d.p.will(1, "link the till's %s with the shop's product %s", p.SKU, l.Woo):
				problem = d.s.put(ctx, l)
			}
			if problem != nil && found.SKU == p.SKU && !errors.Is(problem, ErrLinked) {
				return problem
			}
			if problem != nil {
				all[p.ID] = counterpart{}
				if err := d.p.fail(ctx, problem); err != nil {
					return err
				}
				continue
			}
			linked[p.ID] = l
		}
	}
	return nil
}

// read reads the shop's side of links. A link whose product the shop has no longer is removed: the product is made anew.
func (d *descent) read(
	ctx context.Context, products []*sitoo.Product, linked map[sitoo.ProductID]Link, all map[sitoo.ProductID]counterpart,
) error {
	wanted := map[woo.ProductID]bool{}
	for _, l := range linked {
		id, _, err := l.Item()
		if err != nil {
			return err
		}
		wanted[id] = true
	}
	have := map[woo.ProductID]*woo.Product{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), productsPerWrite) {
		for product, err := range d.s.c.Shop.Products.All(ctx, woo.ProductQuery{Include: part}) {
			if err != nil {
				return err
			}
			have[product.ID] = product
		}
	}
	for _, p := range products {
		l, has := linked[p.ID]
		if !has {
			continue
		}
		id, variation, err := l.Item()
		switch product := have[id]; {
		case err != nil:
			return err
		case product == nil: // in the trash, or gone
			if err := d.lost(ctx, id, l, all, p); err != nil {
				return err
			}
		default:
			all[p.ID] = counterpart{product, variation}
		}
	}
	return nil
}

// lost decides about a link to a product that no list of the shop shows: one in the trash is left alone, the link of one that is gone
// is removed.
func (d *descent) lost(ctx context.Context, id woo.ProductID, l Link, all map[sitoo.ProductID]counterpart, p *sitoo.Product) error {
	_, err := d.s.c.Shop.Products.Get(ctx, id)
	switch {
	case err == nil:
		all[p.ID] = counterpart{}
		d.p.note(ctx, fmt.Errorf("product %s: it lies in the shop's trash: it is left there", p.SKU))
		return nil
	case !errors.Is(err, woo.ErrNotFound):
		return err
	case d.p.dry:
		return nil
	}
	return d.s.c.Links.Remove(ctx, []Link{l})
}

// fields is a single product as it is written to the shop; have is what the shop has, nil for nothing.
func (d *descent) fields(ctx context.Context, p *sitoo.Product, have *woo.Product) (woo.ProductFields, error) {
	w := woo.ProductFields{
		Name: woo.Set(p.Title), Status: woo.Set(statusOf(p)), ShortDescription: woo.Set(p.Short), Description: woo.Set(p.Description),
	}
	w.RegularPrice, w.SalePrice = d.k.prices(p)
	if class, known := d.k.tariff.class(d.k.tariff.rateOf(p)); known {
		w.TaxClass = woo.Set(class)
	}
	w.Categories = d.k.shopCategories(p)
	w.GlobalUniqueID = barcodeOf(p)
	if have == nil {
		w.SKU, w.Type = woo.Set(p.SKU), woo.Set(woo.SimpleProduct)
		w.Backorders = backordersOf(p)
		if p.StockCount {
			w.ManageStock = woo.Set(woo.StockManaged)
		}
	} else if have.BackordersAllowed != p.Backorder {
		w.Backorders = backordersOf(p)
	}
	if attributes, changed := d.withMaker(have, p); changed {
		w.Attributes = woo.Set(attributes)
	}
	images, err := d.productImages(ctx, p, have)
	w.Images = images
	return w, err
}

// statusOf: what is visible in the till's webshop is public in the shop; what only the till sells is a draft.
func statusOf(p *sitoo.Product) woo.ProductStatus {
	if p.Active {
		return woo.ProductPublish
	}
	return woo.ProductDraft
}

func backordersOf(p *sitoo.Product) woo.Field[woo.Backorders] {
	if p.Backorder {
		return woo.Set(woo.BackordersYes)
	}
	return woo.Set(woo.BackordersNo)
}

// barcodeOf is the barcode where the shop takes it: digits and hyphens.
func barcodeOf(p *sitoo.Product) woo.Field[string] {
	if p.Barcode == "" || strings.Trim(p.Barcode, "0123456789-") != "" {
		return woo.Field[string]{}
	}
	return woo.Set(p.Barcode)
}

// prices are the shop's of a till's product: where it has a suggested price above its own, it is on sale.
func (k *catalogue) prices(p *sitoo.Product) (regular, sale woo.Field[decimal.Decimal]) {
	rate := k.tariff.rateOf(p)
	price, original := k.tariff.toShop(p.Price.Decimal, rate), k.tariff.toShop(p.PriceOriginal.Decimal, rate)
	if original.GreaterThan(price) {
		return woo.Set(original), woo.Set(price)
	}
	return woo.Set(price), woo.Null[decimal.Decimal]()
}

// shopCategories are the shop's categories of a till's product, its default one first; absent where none is linked.
func (k *catalogue) shopCategories(p *sitoo.Product) woo.Field[[]woo.TermRef[woo.CategoryID]] {
	var ids []woo.CategoryID
	for _, c := range append([]sitoo.CategoryID{p.DefaultCategory}, p.Categories...) {
		if id, linked := k.categories.toShop[c]; linked && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return woo.Field[[]woo.TermRef[woo.CategoryID]]{}
	}
	return woo.Set(woo.Terms(ids...))
}

// withMaker is a product's attributes with the manufacturer among them. The shop takes the list as a whole.
func (d *descent) withMaker(have *woo.Product, p *sitoo.Product) (attributes []woo.AttributeFields, changed bool) {
	name := d.k.makers.Names[p.ManufacturerID]
	if name == "" {
		return nil, false
	}
	if have != nil {
		if makerOf(have, d.s.c.Manufacturer) == name {
			return nil, false
		}
		for _, a := range have.Attributes {
			if !strings.EqualFold(plainText(a.Name), d.s.c.Manufacturer) {
				attributes = append(attributes, sameAttribute(a))
			}
		}
	}
	return append(attributes, d.attribute(d.s.c.Manufacturer, len(attributes), false, name)), true
}

// sameAttribute writes an attribute as it is.
func sameAttribute(a woo.ProductAttribute) woo.AttributeFields {
	w := woo.AttributeFields{
		Position: woo.Set(a.Position), Visible: woo.Set(a.Visible), Variation: woo.Set(a.Variation), Options: woo.Set(a.Options),
	}
	if a.ID != 0 {
		w.ID = woo.Set(a.ID)
	} else {
		w.Name = woo.Set(a.Name)
	}
	return w
}

// attribute writes one by its name: the shop-wide one of that name, else the product's own.
func (d *descent) attribute(name string, position int, variation bool, options ...string) woo.AttributeFields {
	w := woo.AttributeFields{
		Position: woo.Set(position), Visible: woo.Set(true), Variation: woo.Set(variation), Options: woo.Set(options),
	}
	if id, wide := d.attributes[plain(name)]; wide {
		w.ID = woo.Set(id)
	} else {
		w.Name = woo.Set(name)
	}
	return w
}

// ownImage is the form of names that pictures go up by: see [ResourceName].
var ownImage = regexp.MustCompile(`^(\d+)-\d+-[0-9a-f]{8}-`)

// tillImages are the names of a product's pictures in the till; none where they came from the shop's product themselves.
func (d *descent) tillImages(ctx context.Context, p *sitoo.Product, shop woo.ProductID) ([]string, error) {
	names, err := imageNames(ctx, d.s.c.Till.Images(p.ID))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if m := ownImage.FindStringSubmatch(name); m != nil && shop != 0 && m[1] == number(shop) {
			return nil, nil
		}
	}
	return names, nil
}

// productImages are the shop's pictures as the till has them; absent where nothing is to change. The shop keeps the till's name of
// each, so one that it has is not fetched again.
func (d *descent) productImages(ctx context.Context, p *sitoo.Product, have *woo.Product) (woo.Field[[]woo.ImageFields], error) {
	none := woo.Field[[]woo.ImageFields]{}
	var there []woo.Image
	shop := woo.ProductID(0)
	if have != nil {
		there, shop = have.Images, have.ID
	}
	names, err := d.tillImages(ctx, p, shop)
	if err != nil || len(names) == 0 {
		return none, err
	}
	if slices.EqualFunc(there, names, func(i woo.Image, name string) bool { return i.Name == name }) {
		return none, nil
	}
	var images []woo.ImageFields
	for _, name := range names {
		images = append(images, d.image(name, there))
	}
	return woo.Set(images), nil
}

// image names a picture: the shop's own where it has it, else the till's address of it.
func (d *descent) image(name string, there []woo.Image) woo.ImageFields {
	for _, i := range there {
		if i.Name == name {
			return woo.ImageFields{ID: woo.Set(i.ID.Int64())}
		}
	}
	return woo.ImageFields{Src: woo.Set(d.images + name), Name: woo.Set(name)}
}

// create makes products. Where an answer is lost what the shop has by SKU is linked; the rest is told, and made by the next run.
func (d *descent) create(ctx context.Context, made []arrival) error {
	if len(made) == 0 || !d.p.will(len(made), "make %d products in the shop, the first %s", len(made), made[0].p.SKU) {
		return nil
	}
	fields := make([]woo.ProductFields, len(made))
	for i, a := range made {
		fields[i] = a.fields
	}
	results, err := d.s.c.Shop.Products.CreateAll(ctx, fields)
	return errors.Join(d.settle(ctx, made, results), d.unlessAmbiguous(err))
}

// unlessAmbiguous drops an error whose records were looked for one by one.
func (d *descent) unlessAmbiguous(err error) error {
	if errors.Is(err, woo.ErrAmbiguous) {
		return nil
	}
	return err
}

func (d *descent) update(ctx context.Context, changed []arrival) error {
	if len(changed) == 0 || !d.p.will(len(changed), "write %d products in the shop, the first %s", len(changed), changed[0].p.SKU) {
		return nil
	}
	changes := make([]woo.Change[woo.ProductID, woo.ProductFields], len(changed))
	for i, a := range changed {
		changes[i] = woo.Change[woo.ProductID, woo.ProductFields]{ID: a.shop.ID, Set: a.fields}
	}
	results, err := d.s.c.Shop.Products.UpdateAll(ctx, changes)
	return errors.Join(d.settle(ctx, changed, results), d.unlessAmbiguous(err))
}

// settle links what the shop has taken, with the sum of how the shop has it: so its webhook is known for an echo.
func (d *descent) settle(ctx context.Context, sent []arrival, results []woo.Result[woo.Product]) error {
	var links []Link
	var refused []error
	var unsure []*sitoo.Product
	for i, r := range results {
		switch {
		case r.Err == nil || errors.Is(r.Err, woo.ErrNotApplied) && r.Item != nil:
			l := LinkProduct(r.Item.ID, sent[i].p.ID)
			l.Sum = d.k.sum(articleOf(r.Item, d.s.c.Manufacturer))
			links = append(links, l)
			if r.Err != nil {
				d.p.note(ctx, fmt.Errorf("product %s: %w", sent[i].p.SKU, r.Err))
			}
		case errors.Is(r.Err, woo.ErrAmbiguous):
			unsure = append(unsure, sent[i].p)
		default:
			refused = append(refused, fmt.Errorf("product %s: %w", sent[i].p.SKU, r.Err))
		}
	}
	if err := d.s.put(ctx, links...); err != nil {
		return err
	}
	if len(unsure) > 0 {
		found, err := d.counterparts(ctx, unsure)
		if err != nil {
			return err
		}
		for _, p := range unsure {
			if _, there := found[p.ID]; !there {
				refused = append(refused, fmt.Errorf("product %s: the shop's answer was lost, and it shows no such product: run it again", p.SKU))
			}
		}
	}
	for _, err := range refused {
		if err := d.p.fail(ctx, err); err != nil {
			return err
		}
	}
	return nil
}

// idOf reads an id that a link holds.
func idOf[ID ~int64](s string) (ID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("sitoosync: a link is broken: %w", err)
	}
	return ID(n), nil
}
