package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
)

// writeFamily makes the till's products of a ware variants of one another, as the variations are (rows F10 to F12, T4). The till takes
// a family as a whole and deletes what is left out, with its stock; so it is read first, and variants that the shop does not have
// stay: those that were linked and are gone from the shop are hidden. Where nothing is to change nothing is written.
func (u *upload) writeFamily(ctx context.Context, w *ware) error {
	var members []*article
	changed := u.families
	for _, a := range w.articles {
		if _, there := w.ids[a]; !there {
			continue
		}
		if slices.Contains(a.options, "") {
			if err := u.p.fail(ctx, fmt.Errorf("product %s: %w", a.name(), errAny)); err != nil {
				return err
			}
			continue
		}
		members = append(members, a)
		_, kept, _ := strings.Cut(w.links[a].Sum, ".")
		changed = changed || kept != sumOf(a.options)
	}
	if len(members) == 0 || !changed {
		return nil
	}
	main, err := u.mainVariant(ctx, w, members)
	if err != nil {
		return err
	}
	now, err := u.s.c.Till.Family(ctx, main)
	if err != nil {
		return err
	}
	next, err := u.nextFamily(ctx, w, members, now)
	if err != nil {
		return err
	}
	if !sameFamily(now, next) {
		if !u.p.will(1, "write the family of %s to the till, %d variants", w.product.Name, len(next.Variants)) {
			return nil
		}
		if err := u.s.c.Till.ReplaceFamily(ctx, main, *next); err != nil {
			return fmt.Errorf("family of %s: %w", w.product.Name, err)
		}
		if now, err = u.s.c.Till.Family(ctx, main); err != nil {
			return err
		}
		if !sameFamily(now, next) {
			return fmt.Errorf("family of %s: the till took it and shows another: look at its variants in Sitoo's Backoffice", w.product.Name)
		}
	}
	if u.p.dry {
		return nil
	}
	links := w.gone
	for _, a := range members {
		l := w.links[a]
		if sum := sumOfFields(l.Sum) + "." + sumOf(a.options); sum != l.Sum { // a link that is kept in the shop changes its product's date
			l.Sum = sum
			w.links[a] = l
			links = append(links, l)
		}
	}
	return u.s.put(ctx, links...)
}

// errSplit means that the till has a ware's products in more than one family.
var errSplit = errors.New("the till has its variations in several families: join them in Sitoo's Backoffice")

// mainVariant is the product whose family it is: the one the till has, else the first.
func (u *upload) mainVariant(ctx context.Context, w *ware, members []*article) (sitoo.ProductID, error) {
	if u.parents == nil && u.p.full { // one list for all families
		if err := u.readTill(ctx, nil); err != nil {
			return 0, err
		}
	}
	for _, a := range members {
		main := u.parents[w.ids[a]]
		if u.parents == nil {
			p, err := u.s.c.Till.Products.Get(ctx, w.ids[a])
			if err != nil {
				return 0, err
			}
			main = p.VariantParentID
		}
		if main != 0 {
			return main, nil
		}
	}
	return w.ids[members[0]], nil
}

// nextFamily is the family as it is to be.
func (u *upload) nextFamily(ctx context.Context, w *ware, members []*article, now *sitoo.Family) (*sitoo.Family, error) {
	next := &sitoo.Family{}
	for i, g := range groupsOf(w.product) {
		group := sitoo.VariantGroup{Name: plainText(g.Name)}
		for _, option := range g.Options {
			group.Options = append(group.Options, plainText(option))
		}
		for _, a := range members {
			if !slices.Contains(group.Options, a.options[i]) {
				group.Options = append(group.Options, a.options[i])
			}
		}
		next.Groups = append(next.Groups, group)
	}
	known := map[sitoo.ProductID]sitoo.Variant{}
	for _, v := range now.Variants {
		known[v.ProductID] = v
	}
	for _, a := range members {
		row, err := u.variantOf(a, w.ids[a], known)
		if err != nil {
			return nil, err
		}
		next.Variants = append(next.Variants, row)
		delete(known, row.ProductID)
	}
	return next, u.keepOthers(ctx, w, next, now, known)
}

// variantOf is an article as a row of a family. A row that is there was read after its product was written, so only its place can be
// wrong. The till wants every field of a new one, the deprecated ones too.
func (u *upload) variantOf(a *article, id sitoo.ProductID, known map[sitoo.ProductID]sitoo.Variant) (sitoo.Variant, error) {
	if row, has := known[id]; has {
		row.Attributes = a.options
		return row, nil
	}
	fields, err := u.k.fieldsOf(a, false)
	if err != nil {
		return sitoo.Variant{}, err
	}
	row := sitoo.Variant{
		ProductID: id, Title: a.title, SKU: a.sku, Active: a.published, ActivePOS: a.published, Attributes: a.options,
		Friendly:   friendly(a.title, id),
		PriceOffer: sitoo.NewMoney(decimal.Zero), PriceIn: sitoo.NewMoney(decimal.Zero),
	}
	row.Price, _ = fields.Price.Get()
	row.PriceOriginal, _ = fields.PriceOriginal.Get()
	if cost, set := fields.PriceIn.Get(); set {
		row.PriceIn = cost
	}
	if a.barcode != nil {
		row.Barcode = *a.barcode
	}
	return row, nil
}

// keepOthers adds the till's variants that the shop does not have.
func (u *upload) keepOthers(ctx context.Context, w *ware, next, now *sitoo.Family, others map[sitoo.ProductID]sitoo.Variant) error {
	for _, row := range now.Variants { // in the till's order
		if _, other := others[row.ProductID]; !other {
			continue
		}
		if len(now.Groups) != len(next.Groups) {
			return fmt.Errorf("family of %s: %s, of the till alone, cannot be kept beside variants of other attributes",
				w.product.Name, row.SKU)
		}
		found, err := u.s.find(ctx, VariationLink, Sitoo, number(row.ProductID))
		if err != nil {
			return err
		}
		if l, linked := found[number(row.ProductID)]; linked {
			if p, _, err := l.Item(); err != nil || p != w.product.ID {
				return fmt.Errorf("family of %s: %w", w.product.Name, errSplit)
			}
			row.Active, row.ActivePOS = false, false // its variation is gone: hidden, since to leave it out would delete its stock
			if l.Sum != hidden {
				l.Sum = hidden
				w.gone = append(w.gone, l)
			}
		}
		for i, value := range row.Attributes {
			if i < len(next.Groups) && !slices.Contains(next.Groups[i].Options, value) {
				next.Groups[i].Options = append(next.Groups[i].Options, value)
			}
		}
		next.Variants = append(next.Variants, row)
	}
	return nil
}

// sameFamily compares what only the write of a family can change, and what it hides.
func sameFamily(a, b *sitoo.Family) bool {
	if len(a.Variants) != len(b.Variants) || len(a.Groups) != len(b.Groups) {
		return false
	}
	for i := range a.Groups {
		if a.Groups[i].Name != b.Groups[i].Name || !slices.Equal(a.Groups[i].Options, b.Groups[i].Options) {
			return false
		}
	}
	have := map[sitoo.ProductID]sitoo.Variant{}
	for _, v := range a.Variants {
		have[v.ProductID] = v
	}
	return !slices.ContainsFunc(b.Variants, func(v sitoo.Variant) bool {
		old, has := have[v.ProductID]
		return !has || !slices.Equal(old.Attributes, v.Attributes) || old.Active != v.Active || old.ActivePOS != v.ActivePOS
	})
}

// friendly makes the part of an address that the till wants, unique by the product's id.
func friendly(title string, id sitoo.ProductID) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !skuRune(r) || strings.ContainsRune("+/_.", r) })
	return strings.Trim(strings.Join(words, "-")+"-"+number(id), "-")
}
