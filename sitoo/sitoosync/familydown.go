package sitoosync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// family brings a family of the till's as a variable product with a variation for each variant (row F9). The variable product itself
// has no counterpart.
func (d *descent) family(ctx context.Context, main sitoo.ProductID, members []*sitoo.Product) error {
	slices.SortFunc(members, func(a, b *sitoo.Product) int { // the main variant first
		return cmp.Or(cmp.Compare(bit(a.ID != main), bit(b.ID != main)), cmp.Compare(a.ID, b.ID))
	})
	shop, err := d.counterparts(ctx, members)
	if err != nil {
		return err
	}
	var parent *woo.Product
	var wanted []*sitoo.Product
	for _, p := range members {
		c, there := shop[p.ID]
		switch {
		case there && c.product == nil: // not to be touched, which was said
			continue
		case there && c.variation == 0:
			d.p.note(ctx, fmt.Errorf("product %s: a variant in the till and a product of its own in the shop: make them alike", p.SKU))
			continue
		case there && parent != nil && parent.ID != c.product.ID:
			d.p.note(ctx, fmt.Errorf("product %s: the till's family is of several products in the shop: make them alike", p.SKU))
			continue
		case there:
			parent = c.product
		}
		wanted = append(wanted, p)
	}
	if len(wanted) == 0 {
		return nil
	}
	err = d.bringFamily(ctx, main, parent, wanted, shop)
	if err != nil {
		err = fmt.Errorf("the till's family of %s: %w", members[0].SKU, err)
	}
	if err := d.p.fail(ctx, err); err != nil {
		return err
	}
	d.p.did(len(members))
	return d.refresh(ctx, wanted)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (d *descent) bringFamily(
	ctx context.Context, main sitoo.ProductID, parent *woo.Product, members []*sitoo.Product, shop map[sitoo.ProductID]counterpart,
) error {
	fields, err := d.parentFields(ctx, members, parent)
	if err != nil {
		return err
	}
	if !d.p.will(1+len(members), "write the family of %s in the shop, %d variations", members[0].SKU, len(members)) {
		return nil
	}
	begun := "family:" + number(main)
	if parent == nil {
		ref, err := d.s.begin(ctx, begun)
		if err != nil {
			return err
		}
		parent, err = d.s.c.Shop.Products.CreateOnce(ctx, ref, fields)
		if err := unlessTaken(parent, err); err != nil {
			return err
		}
	} else {
		parent, err = d.s.c.Shop.Products.Update(ctx, parent.ID, fields)
		if err := unlessTaken(parent, err); err != nil {
			return err
		}
	}
	if err := d.variations(ctx, parent, members, shop); err != nil {
		return err
	}
	d.s.ended(begun)
	return nil
}

// unlessTaken drops the error of a write that the shop took, though not word for word: the record is there.
func unlessTaken[T any](record *T, err error) error {
	if record != nil && errors.Is(err, woo.ErrNotApplied) {
		return nil
	}
	return err
}

// parentFields is what the variants share, as the shop's variable product.
func (d *descent) parentFields(ctx context.Context, members []*sitoo.Product, have *woo.Product) (woo.ProductFields, error) {
	main := members[0]
	w := woo.ProductFields{
		Name: woo.Set(sharedTitle(members)), Type: woo.Set(woo.VariableProduct), ShortDescription: woo.Set(main.Short),
		Description: woo.Set(main.Description),
		Status:      woo.Set(woo.ProductDraft), Categories: d.k.shopCategories(main),
	}
	if slices.ContainsFunc(members, func(p *sitoo.Product) bool { return p.Active }) {
		w.Status = woo.Set(woo.ProductPublish)
	}
	var attributes []woo.AttributeFields
	for i, g := range main.Variant {
		var options []string
		if have != nil {
			options = optionsOf(have, g.Name)
		}
		for _, p := range members {
			if i < len(p.Variant) && !slices.Contains(options, p.Variant[i].Value) {
				options = append(options, p.Variant[i].Value)
			}
		}
		attributes = append(attributes, d.attribute(g.Name, i, true, options...))
	}
	if have != nil {
		for _, a := range have.Attributes { // what else the shop says of it
			same := func(v sitoo.VariantValue) bool { return plain(v.Name) == plain(a.Name) }
			if !slices.ContainsFunc(main.Variant, same) && !strings.EqualFold(plainText(a.Name), d.s.c.Manufacturer) {
				attributes = append(attributes, sameAttribute(a))
			}
		}
	}
	if name := d.k.makers.Names[main.ManufacturerID]; name != "" {
		attributes = append(attributes, d.attribute(d.s.c.Manufacturer, len(attributes), false, name))
	} else if have != nil {
		for _, a := range have.Attributes {
			if strings.EqualFold(plainText(a.Name), d.s.c.Manufacturer) {
				attributes = append(attributes, sameAttribute(a))
			}
		}
	}
	w.Attributes = woo.Set(attributes)
	images, err := d.productImages(ctx, main, have)
	w.Images = images
	return w, err
}

func optionsOf(p *woo.Product, name string) (options []string) {
	for _, a := range p.Attributes {
		if plain(a.Name) == plain(name) {
			for _, option := range a.Options {
				options = append(options, plainText(option))
			}
		}
	}
	return options
}

// sharedTitle is the name of a family: what its variants' titles have in common when their own values are left out, else the words
// they begin with.
func sharedTitle(members []*sitoo.Product) string {
	var titles []string
	for _, p := range members {
		words := strings.Fields(p.Title)
		for i := len(p.Variant) - 1; i >= 0; i-- {
			value := strings.Fields(p.Variant[i].Value)
			if n := len(words) - len(value); n > 0 && strings.EqualFold(strings.Join(words[n:], " "), strings.Join(value, " ")) {
				words = words[:n]
			}
		}
		titles = append(titles, strings.Join(words, " "))
	}
	shared := strings.Fields(titles[0])
	for _, title := range titles[1:] {
		words := strings.Fields(title)
		n := 0
		for n < min(len(shared), len(words)) && shared[n] == words[n] {
			n++
		}
		shared = shared[:n]
	}
	if len(shared) == 0 {
		return members[0].Title
	}
	return strings.Join(shared, " ")
}

// variations makes and writes the variations of a variable product, and links them.
func (d *descent) variations(
	ctx context.Context, parent *woo.Product, members []*sitoo.Product, shop map[sitoo.ProductID]counterpart,
) error {
	have := map[woo.VariationID]*woo.Variation{}
	own := d.s.c.Shop.Variations(parent.ID)
	bySKU := map[string]*woo.Variation{}
	for v, err := range own.All(ctx, woo.VariationQuery{}) {
		if err != nil {
			return err
		}
		have[v.ID] = v
		if v.SKU != parent.SKU {
			bySKU[v.SKU] = v
		}
	}
	var made, changed []*sitoo.Product
	var create []woo.VariationFields
	var update []woo.Change[woo.VariationID, woo.VariationFields]
	for _, p := range members {
		v := have[shop[p.ID].variation]
		if v == nil {
			v = bySKU[p.SKU] // made before a crash, or a lost answer
		}
		fields, err := d.variationFields(ctx, p, parent, v)
		switch {
		case err != nil:
			return err
		case v == nil:
			made, create = append(made, p), append(create, fields)
		default:
			changed, update = append(changed, p), append(update, woo.Change[woo.VariationID, woo.VariationFields]{ID: v.ID, Set: fields})
		}
	}
	results, err := own.CreateAll(ctx, create)
	if err := errors.Join(d.linkVariations(ctx, parent, made, results), err); err != nil {
		return err
	}
	results, err = own.UpdateAll(ctx, update)
	return errors.Join(d.linkVariations(ctx, parent, changed, results), err)
}

func (d *descent) linkVariations(
	ctx context.Context, parent *woo.Product, members []*sitoo.Product, results []woo.Result[woo.Variation],
) error {
	var links []Link
	var refused []error
	for i, r := range results {
		if r.Err != nil && (r.Item == nil || !errors.Is(r.Err, woo.ErrNotApplied)) {
			refused = append(refused, fmt.Errorf("variation %s: %w", members[i].SKU, r.Err))
			continue
		}
		l := LinkVariation(parent.ID, r.Item.ID, members[i].ID)
		l.Sum = d.k.sum(articleOfVariation(parent, r.Item, d.s.c.Manufacturer))
		links = append(links, l)
	}
	return errors.Join(append(refused, d.s.put(ctx, links...))...)
}

// variationFields is a variant as the shop's variation; have is what the shop has, nil for nothing.
func (d *descent) variationFields(
	ctx context.Context, p *sitoo.Product, parent *woo.Product, have *woo.Variation,
) (woo.VariationFields, error) {
	w := woo.VariationFields{Status: woo.Set(woo.ProductPrivate), GlobalUniqueID: barcodeOf(p)}
	if p.Active {
		w.Status = woo.Set(woo.ProductPublish)
	}
	w.RegularPrice, w.SalePrice = d.k.prices(p)
	if class, known := d.k.tariff.class(d.k.tariff.rateOf(p)); known {
		w.TaxClass = woo.Set(class)
	}
	var choices []woo.AttributeChoiceFields
	for _, v := range p.Variant {
		choice := woo.AttributeChoiceFields{Option: woo.Set(v.Value)}
		if id, wide := d.attributes[plain(v.Name)]; wide {
			choice.ID = woo.Set(id)
		} else {
			choice.Name = woo.Set(v.Name)
		}
		choices = append(choices, choice)
	}
	w.Attributes = woo.Set(choices)
	if have == nil {
		w.SKU, w.Backorders = woo.Set(p.SKU), backordersOf(p)
		if p.StockCount {
			w.ManageStock = woo.Set(woo.StockManaged)
		}
	} else if have.BackordersAllowed != p.Backorder {
		w.Backorders = backordersOf(p)
	}
	names, err := d.tillImages(ctx, p, parent.ID)
	if err != nil || len(names) == 0 || have != nil && have.Image != nil && have.Image.Name == names[0] {
		return w, err
	}
	w.Image = woo.Set(d.image(names[0], parent.Images))
	return w, nil
}
