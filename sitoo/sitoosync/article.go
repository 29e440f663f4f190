package sitoosync

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// article is what the shop sells under one SKU: a simple product or a variation, with what a variation has of its product. It has one
// counterpart in the till.
type article struct {
	product   woo.ProductID
	variation woo.VariationID // 0: a simple product

	sku, title, short, text string
	price, regular          decimal.Decimal
	cost                    *decimal.Decimal // without VAT; nil: the shop keeps none
	taxClass                string
	taxStatus               woo.TaxStatus
	barcode                 *string // nil: the shop has no such field
	published, counted      bool
	backorder               bool
	categories              []woo.CategoryID
	maker                   string
	options                 []string // of a variation, a value for each of its family's groups; "" for any
	images                  []woo.Image

	left bool // it is neither made nor written, which was told
}

// link joins the article with a product of the till's.
func (a *article) link(id sitoo.ProductID) Link {
	if a.variation != 0 {
		return LinkVariation(a.product, a.variation, id)
	}
	return LinkProduct(a.product, id)
}

// name names the article for a person.
func (a *article) name() string {
	if a.sku != "" {
		return a.sku
	}
	return a.link(0).Woo
}

// articleOf is a simple product as an article.
func articleOf(p *woo.Product, makerAttribute string) *article {
	a := &article{
		product: p.ID, sku: p.SKU, title: plainText(p.Name), short: p.ShortDescription, text: p.Description, price: p.Price.Decimal,
		regular: p.RegularPrice.Decimal, cost: costOf(p.CostOfGoodsSold), taxClass: p.TaxClass, taxStatus: p.TaxStatus,
		barcode:   p.GlobalUniqueID,
		published: p.Status == woo.ProductPublish, counted: p.ManageStock == woo.StockManaged, backorder: p.BackordersAllowed,
		maker: makerOf(p, makerAttribute), images: p.Images,
	}
	for _, c := range p.Categories {
		a.categories = append(a.categories, c.ID)
	}
	return a
}

// articleOfVariation is a variation as an article. What the till has no place for above variants is each variant's: texts, categories,
// maker.
func articleOfVariation(p *woo.Product, v *woo.Variation, makerAttribute string) *article {
	a := articleOf(p, makerAttribute)
	a.variation, a.sku, a.price, a.regular, a.cost = v.ID, v.SKU, v.Price.Decimal, v.RegularPrice.Decimal, costOf(v.CostOfGoodsSold)
	if v.SKU == p.SKU {
		a.sku = "" // one without a SKU of its own shows its product's
	}
	a.taxStatus, a.barcode, a.backorder = v.TaxStatus, v.GlobalUniqueID, v.BackordersAllowed
	if v.TaxClass != "parent" {
		a.taxClass = v.TaxClass
	}
	a.published = a.published && v.Status == woo.ProductPublish
	a.counted = v.ManageStock != woo.StockUnmanaged
	if v.Description != "" {
		a.text = v.Description
	}
	for _, g := range groupsOf(p) {
		a.options = append(a.options, optionOf(v, g))
	}
	a.title = strings.TrimSpace(a.title + " " + strings.Join(a.options, " "))
	if v.Image != nil && v.Image.Src != "" {
		a.images = []woo.Image{*v.Image}
	}
	return a
}

// groupsOf are the attributes that make a product's variations, in their order.
func groupsOf(p *woo.Product) []woo.ProductAttribute {
	groups := slices.DeleteFunc(slices.Clone(p.Attributes), func(a woo.ProductAttribute) bool { return !a.Variation })
	slices.SortStableFunc(groups, func(a, b woo.ProductAttribute) int { return a.Position - b.Position })
	return groups
}

// optionOf is what a variation has of an attribute, as the product spells it; "" for any.
func optionOf(v *woo.Variation, g woo.ProductAttribute) string {
	for _, choice := range v.Attributes {
		if g.ID != 0 && choice.ID != g.ID || g.ID == 0 && !strings.EqualFold(plainText(choice.Name), plainText(g.Name)) {
			continue
		}
		for _, option := range g.Options {
			if strings.EqualFold(plainText(option), plainText(choice.Option)) {
				return plainText(option)
			}
		}
		return plainText(choice.Option)
	}
	return ""
}

// makerOf is the first value of the attribute that names a product's manufacturer.
func makerOf(p *woo.Product, attribute string) string {
	for _, a := range p.Attributes {
		if strings.EqualFold(plainText(a.Name), attribute) && len(a.Options) > 0 {
			return plainText(a.Options[0])
		}
	}
	return ""
}

// costOf reads what newer shops keep of costs.
func costOf(raw json.RawMessage) *decimal.Decimal {
	var cost struct {
		Total *decimal.Decimal `json:"total_value"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &cost) != nil {
		return nil
	}
	return cost.Total
}

// plainText is a name without the entities that WordPress writes into it.
func plainText(s string) string { return strings.TrimSpace(html.UnescapeString(s)) }

// What keeps an article from the till.
var (
	errSKU = errors.New("the SKU is missing or has characters that Sitoo refuses: run " + string(FixSKU))
	errAny = errors.New("a variation for any value has no place in a family of the till's: give it one value of each attribute")
)

// fieldsOf is an article as it is written to the till. create says that it is new there.
func (k *catalogue) fieldsOf(a *article, create bool) (sitoo.ProductFields, error) {
	var w sitoo.ProductFields
	if !sitoo.ValidSKU(a.sku) {
		return w, fmt.Errorf("product %s: %w", a.name(), errSKU)
	}
	rate := k.tariff.rate(a.taxClass, a.taxStatus)
	group, err := k.tariff.group(rate)
	if err != nil {
		return w, fmt.Errorf("product %s: %w", a.name(), err)
	}
	w = sitoo.ProductFields{
		SKU: sitoo.Set(a.sku), Title: sitoo.Set(a.title), Short: sitoo.Set(a.short), Description: sitoo.Set(a.text),
		Price: sitoo.Set(k.tariff.toTill(a.price, rate)), PriceOriginal: sitoo.Set(k.tariff.toTill(a.regular, rate)),
		Active: sitoo.Set(a.published), VATID: sitoo.Set(group), StockCount: sitoo.Set(a.counted), Backorder: sitoo.Set(a.backorder),
	}
	if a.cost != nil {
		w.PriceIn = sitoo.Set(sitoo.NewMoney(a.cost.Round(2)))
	}
	if a.barcode != nil {
		w.Barcode = sitoo.Set(*a.barcode)
	}
	var categories []sitoo.CategoryID
	for _, id := range a.categories {
		if c, linked := k.categories.toTill[id]; linked {
			categories = append(categories, c)
		}
	}
	if len(categories) > 0 { // none with a counterpart: the till's own are left
		w.Categories, w.DefaultCategory = sitoo.Set(categories), sitoo.Set(categories[0])
	}
	if id, known := k.makers.id(a.maker); known {
		w.ManufacturerID = sitoo.Set(id)
	}
	if create {
		w.ActivePOS = sitoo.Set(a.published) // later it is the staff's: what is hidden at the till stays hidden
	}
	return w, nil
}

// sumOf is a short sum of what is written for a record: equal sums, nothing new.
func sumOf(values ...any) string {
	h := sha256.New()
	for _, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			return "" // never equal to another's
		}
		_, _ = h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
