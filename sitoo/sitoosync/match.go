package sitoosync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// MatchConfig says what is matched with what.
type MatchConfig struct {
	Shop  *woo.Client   // required
	Till  *sitoo.Client // required
	Links LinkStore     // required
	// PageSize is how many records a list of the till is asked for at once (Q3), at most 1000. Default 100.
	PageSize int
	// IncludeExternal matches products that are sold elsewhere ("external") too (row E1). Default: they are passed over.
	IncludeExternal bool
	// Progress, when not nil, is called as records are read.
	Progress func(Progress)
}

// Progress tells how far long work is.
type Progress struct {
	Step        string // "products of the shop"
	Done, Total int    // records; Total is 0 while it is unknown

	// Of a full sync.
	Operation Operation
	Requests  int       // of the till, that the running operation makes at most
	QuotaLeft int       // of the till's allowance, as far as it is known
	WaitUntil time.Time // when the next time slot of the allowance begins, while that is waited for
}

// MatchReport is what matching found. Only links were made.
type MatchReport struct {
	Linked int // new links
	Known  int // pairs that were linked already
	// OnlyShop and OnlyTill count records without a counterpart.
	OnlyShop, OnlyTill int
	// Problems are what a person must decide. Nothing of them was linked.
	Problems []Problem
}

// Problem is a key by which matching cannot link.
type Problem struct {
	Kind LinkKind
	Key  string // the SKU, the path of a category, the code
	Why  string
	// Woo and Sitoo are the records that have the key.
	Woo, Sitoo []string
}

// Error is the problem as a sentence.
func (p Problem) Error() string {
	return fmt.Sprintf("%s %q: %s (shop: %s; till: %s)", p.Kind, p.Key, p.Why, strings.Join(p.Woo, ", "), strings.Join(p.Sitoo, ", "))
}

// MatchAll matches categories, products with variations, and vouchers (row F1). It should be the first step of every full sync:
// what is not linked is made a second time.
func MatchAll(ctx context.Context, c MatchConfig) (MatchReport, error) {
	var all MatchReport
	for _, match := range []func(context.Context, MatchConfig) (MatchReport, error){MatchCategories, MatchProducts, MatchVouchers} {
		r, err := match(ctx, c)
		all.Linked += r.Linked
		all.Known += r.Known
		all.OnlyShop += r.OnlyShop
		all.OnlyTill += r.OnlyTill
		all.Problems = append(all.Problems, r.Problems...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// MatchProducts links products and variations by SKU (row F3), inactive ones too. A SKU that stands twice on a side, or on both
// sides in other letters' case, is a Problem. A variable product has no counterpart: its variations have. A variation without a SKU
// of its own shows its product's and is passed over.
func MatchProducts(ctx context.Context, c MatchConfig) (MatchReport, error) {
	m := newMatch(c)
	p := Progress{Step: "products of the till"}
	fields := []string{"productid", "sku", "variantparentid"}
	for product, err := range c.Till.Products.All(ctx, sitoo.ProductQuery{IncludeInactive: true, PerPage: c.PageSize, Fields: fields}) {
		if err != nil {
			return m.report, err
		}
		m.till(product.SKU, number(product.ID))
		p.tick(c)
	}
	p = Progress{Step: "products of the shop"}
	for e, err := range entries(ctx, c.Shop, []string{"id", "sku", "type"}, nil) {
		if err != nil {
			return m.report, err
		}
		p.tick(c)
		if external := e.Type == woo.ExternalProduct && !c.IncludeExternal; !external && e.Type != woo.GroupedProduct && !e.parent() {
			m.shop(e.ownSKU(), e.link())
		}
	}
	m.caseOnly()
	return m.link(ctx)
}

// MatchCategories links categories by their titles along the path from the top (row F2), without regard to case, spaces and
// entities. Two that have one path are a Problem. The shop's own "uncategorized" is passed over.
func MatchCategories(ctx context.Context, c MatchConfig) (MatchReport, error) {
	m := newMatch(c)
	till, err := tillTree(ctx, c.Till, c.PageSize)
	if err != nil {
		return m.report, err
	}
	shop, err := shopTree(ctx, c.Shop)
	if err != nil {
		return m.report, err
	}
	for id := range till {
		m.till(pathOf(till, id), number(id))
	}
	for id := range shop {
		m.shop(pathOf(shop, id), Link{Kind: CategoryLink, Woo: number(id)})
	}
	return m.link(ctx)
}

// MatchVouchers links coupons and vouchers (row F4): a coupon's code is what is typed at the till, else the voucher's code, without
// regard to case.
func MatchVouchers(ctx context.Context, c MatchConfig) (MatchReport, error) {
	m := newMatch(c)
	for v, err := range c.Till.Vouchers.All(ctx, sitoo.VoucherQuery{PerPage: c.PageSize}) {
		if err != nil {
			return m.report, err
		}
		m.till(typed(v), number(v.ID))
	}
	for coupon, err := range c.Shop.Coupons.All(ctx, woo.CouponQuery{Fields: []string{"id", "code"}}) {
		if err != nil {
			return m.report, err
		}
		m.shop(plain(coupon.Code), Link{Kind: VoucherLink, Woo: number(coupon.ID)})
	}
	return m.link(ctx)
}

// typed is what of a voucher is typed at the till, as matching compares it.
func typed(v *sitoo.Voucher) string { return plain(cmp.Or(v.Password, v.Code)) }

func (p *Progress) tick(c MatchConfig) {
	if p.Done++; c.Progress != nil && p.Done%100 == 0 {
		c.Progress(*p)
	}
}

// node is a category: its title, and what it hangs below.
type node[ID comparable] struct {
	title  string
	parent ID
}

// pathOf is the titles from the top down to a category. A parent that does not exist ends the path; one that comes round again does
// too.
func pathOf[ID comparable](all map[ID]node[ID], id ID) string {
	var titles []string
	seen := map[ID]bool{}
	for !seen[id] {
		n, has := all[id]
		if !has {
			break
		}
		seen[id] = true
		titles = append(titles, plain(n.title))
		id = n.parent
	}
	slices.Reverse(titles)
	return strings.Join(titles, " > ")
}

// plain is a title or code as matching compares it.
func plain(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(html.UnescapeString(s)), " "))
}

// match collects what has which key on either side.
type match struct {
	c      MatchConfig
	keys   map[string]*keyed
	report MatchReport
}

type keyed struct {
	shop []Link
	till []string
}

func newMatch(c MatchConfig) *match { return &match{c: c, keys: map[string]*keyed{}} }

func (m *match) at(key string) *keyed {
	k := m.keys[key]
	if k == nil {
		k = &keyed{}
		m.keys[key] = k
	}
	return k
}

func (m *match) shop(key string, l Link) {
	if key == "" {
		m.report.OnlyShop++
		return
	}
	k := m.at(key)
	k.shop = append(k.shop, l)
}

func (m *match) till(key, id string) {
	if key == "" {
		m.report.OnlyTill++
		return
	}
	k := m.at(key)
	k.till = append(k.till, id)
}

// caseOnly reports SKUs that differ by the case of letters alone: the shop takes them for the same, the till need not.
func (m *match) caseOnly() {
	folded := map[string][]string{}
	for key := range m.keys {
		folded[strings.ToLower(key)] = append(folded[strings.ToLower(key)], key)
	}
	for _, keys := range folded {
		slices.Sort(keys)
		whole := slices.ContainsFunc(keys, func(key string) bool { return len(m.keys[key].shop) > 0 && len(m.keys[key].till) > 0 })
		var both keyed
		for _, key := range keys {
			both.shop, both.till = append(both.shop, m.keys[key].shop...), append(both.till, m.keys[key].till...)
		}
		if len(keys) > 1 && !whole && len(both.shop) > 0 && len(both.till) > 0 {
			m.problem(strings.Join(keys, ", "), &both, "the SKUs differ by upper and lower case alone: make them alike")
		}
	}
}

func (m *match) problem(key string, k *keyed, why string) {
	p := Problem{Kind: ProductLink, Key: key, Why: why, Sitoo: slices.Sorted(slices.Values(k.till))}
	for _, l := range k.shop {
		p.Kind, p.Woo = l.Kind, append(p.Woo, l.Woo)
	}
	slices.Sort(p.Woo)
	m.report.Problems = append(m.report.Problems, p)
}

// link links what has a key alone on both sides, and counts the rest.
func (m *match) link(ctx context.Context) (MatchReport, error) {
	var found []Link
	for _, key := range slices.Sorted(maps.Keys(m.keys)) {
		k := m.keys[key]
		switch {
		case len(k.shop) == 1 && len(k.till) == 1:
			l := k.shop[0]
			l.Sitoo = k.till[0]
			found = append(found, l)
		case len(k.shop) > 1 || len(k.till) > 1:
			m.problem(key, k, "it is not unique: which belongs to which?")
		case len(k.shop) == 1:
			m.report.OnlyShop++
		default:
			m.report.OnlyTill++
		}
	}
	for part := range slices.Chunk(found, 100) {
		if err := m.put(ctx, part); err != nil {
			return m.report, err
		}
	}
	slices.SortFunc(m.report.Problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return m.report, nil
}

// put stores new links. What is linked already stays, with what was last written; what is linked to something else is a Problem.
func (m *match) put(ctx context.Context, links []Link) error {
	byKind := map[LinkKind][]string{}
	for _, l := range links {
		byKind[l.Kind] = append(byKind[l.Kind], l.Woo)
	}
	known := map[Link]bool{}
	for kind, ids := range byKind {
		stored, err := m.c.Links.Find(ctx, kind, Woo, ids)
		if err != nil {
			return err
		}
		for _, l := range stored {
			if l.Sum = ""; slices.Contains(links, l) {
				known[l] = true
			}
		}
	}
	links = slices.DeleteFunc(slices.Clone(links), func(l Link) bool { return known[l] })
	m.report.Known += len(known)
	err := m.c.Links.Put(ctx, links)
	if !errors.Is(err, ErrLinked) {
		if err == nil {
			m.report.Linked += len(links)
		}
		return err
	}
	for _, l := range links { // one of them stops all: find it
		err := m.c.Links.Put(ctx, []Link{l})
		switch {
		case errors.Is(err, ErrLinked):
			m.report.Problems = append(m.report.Problems, Problem{
				Kind: l.Kind, Key: l.Woo, Woo: []string{l.Woo}, Sitoo: []string{l.Sitoo}, Why: "one of the two is linked to something else",
			})
		case err != nil:
			return err
		default:
			m.report.Linked++
		}
	}
	return nil
}
