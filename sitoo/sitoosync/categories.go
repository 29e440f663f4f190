package sitoosync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// tree is one side's categories.
type tree[ID ~int64] map[ID]node[ID]

// parentsFirst orders a side's categories so that each comes after what it hangs below. A parent that does not exist, or that comes
// round again, is the top.
func (t tree[ID]) parentsFirst() []ID {
	depth := func(id ID) int { return strings.Count(pathOf(t, id), " > ") }
	return slices.SortedFunc(maps.Keys(t), func(a, b ID) int {
		return cmp.Or(cmp.Compare(depth(a), depth(b)), cmp.Compare(a, b))
	})
}

// shopTree reads the shop's categories, its own "uncategorized" apart.
func shopTree(ctx context.Context, shop *woo.Client) (tree[woo.CategoryID], error) {
	t := tree[woo.CategoryID]{}
	query := woo.TermQuery[woo.CategoryID]{Fields: []string{"id", "name", "slug", "parent"}}
	for c, err := range shop.Categories.All(ctx, query) {
		if err != nil {
			return nil, err
		}
		if c.Slug != "uncategorized" {
			t[c.ID] = node[woo.CategoryID]{plainText(c.Name), c.Parent}
		}
	}
	return t, nil
}

// tillTree reads the till's categories.
func tillTree(ctx context.Context, till *sitoo.Client, pageSize int) (tree[sitoo.CategoryID], error) {
	t := tree[sitoo.CategoryID]{}
	for c, err := range till.Categories.All(ctx, sitoo.ListQuery{PerPage: pageSize}) {
		if err != nil {
			return nil, err
		}
		t[c.ID] = node[sitoo.CategoryID]{plainText(c.Title), c.ParentID}
	}
	return t, nil
}

// categoryLinks are all links of categories, both ways.
type categoryLinks struct {
	toTill map[woo.CategoryID]sitoo.CategoryID
	toShop map[sitoo.CategoryID]woo.CategoryID
	sums   map[woo.CategoryID]string
}

func (s *Sync) categoryLinks(ctx context.Context) (*categoryLinks, error) {
	all := &categoryLinks{map[woo.CategoryID]sitoo.CategoryID{}, map[sitoo.CategoryID]woo.CategoryID{}, map[woo.CategoryID]string{}}
	for l, err := range s.c.Links.All(ctx, CategoryLink) {
		if err != nil {
			return nil, err
		}
		w, err1 := idOf[woo.CategoryID](l.Woo)
		t, err2 := idOf[sitoo.CategoryID](l.Sitoo)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		all.toTill[w], all.toShop[t], all.sums[w] = t, w, l.Sum
	}
	return all, nil
}

// linkCategory remembers that two categories are one, and what was written.
func (s *Sync) linkCategory(ctx context.Context, all *categoryLinks, w woo.CategoryID, t sitoo.CategoryID, sum string) error {
	if err := s.put(ctx, Link{Kind: CategoryLink, Woo: number(w), Sitoo: number(t), Sum: sum}); err != nil {
		return err
	}
	all.toTill[w], all.toShop[t], all.sums[w] = t, w, sum
	return nil
}

// fieldsOf is a category of the shop's as it is written to the till. One whose parent has no counterpart hangs at the top.
func (l *categoryLinks) fieldsOf(c node[woo.CategoryID]) sitoo.CategoryFields {
	w := sitoo.CategoryFields{Title: sitoo.Set(c.title), ParentID: sitoo.Null[sitoo.CategoryID]()}
	if parent, linked := l.toTill[c.parent]; linked {
		w.ParentID = sitoo.Set(parent)
	}
	return w
}

func (s *Sync) categoriesDownCost(ctx context.Context) (int, error) {
	return s.matchCategoriesCost(ctx)
}

// categoriesDown makes in the shop what the till has and the shop has not (row F6), parents first. One of the same name below the same
// parent is taken for the same: the shop would not have a second.
func (s *Sync) categoriesDown(ctx context.Context, p *pass) error {
	till, err := tillTree(ctx, s.c.Till, s.c.PageSize)
	if err != nil {
		return err
	}
	links, err := s.categoryLinks(ctx)
	if err != nil {
		return err
	}
	p.step("categories into the shop", len(till))
	for _, id := range till.parentsFirst() {
		c := till[id]
		if _, linked := links.toShop[id]; !linked && p.will(1, "make the category %q in the shop", c.title) {
			if err := p.fail(ctx, s.categoryDown(ctx, links, id, c)); err != nil {
				return err
			}
		}
		p.did(1)
	}
	return nil
}

func (s *Sync) categoryDown(ctx context.Context, links *categoryLinks, id sitoo.CategoryID, c node[sitoo.CategoryID]) error {
	parent := links.toShop[c.parent] // 0 for the top, and for a parent that does not exist
	made, err := s.c.Shop.Categories.Create(ctx, woo.CategoryFields{Name: woo.Set(c.title), Parent: woo.Set(parent)})
	var known *woo.Error
	switch {
	case err == nil:
	case errors.Is(err, woo.ErrDuplicate) && errors.As(err, &known) && known.ResourceID != 0:
		made = &woo.ProductCategory{ID: woo.CategoryID(known.ResourceID)}
	case errors.Is(err, woo.ErrAmbiguous):
		if made, err = s.shopCategory(ctx, c.title, parent); err != nil {
			return err
		}
	default:
		return fmt.Errorf("category %q of the till: %w", c.title, err)
	}
	written := links.fieldsOf(node[woo.CategoryID]{c.title, parent})
	return s.linkCategory(ctx, links, made.ID, id, sumOf(written))
}

// shopCategory finds a category of the shop's after a lost answer.
func (s *Sync) shopCategory(ctx context.Context, title string, parent woo.CategoryID) (*woo.ProductCategory, error) {
	for c, err := range s.c.Shop.Categories.All(ctx, woo.TermQuery[woo.CategoryID]{Parent: woo.Set(parent)}) {
		if err != nil {
			return nil, err
		}
		if plain(c.Name) == plain(title) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("the answer to the new category %q was lost, and the shop does not show one: run the operation again", title)
}

func (s *Sync) categoriesUpCost(ctx context.Context) (int, error) {
	unlinked, _, err := s.countCategories(ctx)
	if err != nil {
		return 0, err
	}
	pages, err := s.matchCategoriesCost(ctx)
	return pages + unlinked, err
}

func (s *Sync) categoriesResyncCost(ctx context.Context) (int, error) {
	_, linked, err := s.countCategories(ctx)
	return linked, err
}

func (s *Sync) countCategories(ctx context.Context) (unlinked, linked int, err error) {
	shop, err := shopTree(ctx, s.c.Shop)
	if err != nil {
		return 0, 0, err
	}
	links, err := s.categoryLinks(ctx)
	if err != nil {
		return 0, 0, err
	}
	for id := range shop {
		if _, has := links.toTill[id]; has {
			linked++
		} else {
			unlinked++
		}
	}
	return unlinked, linked, nil
}

// categoriesUp makes in the till what the shop has and the till has not (row F7), parents first. The till takes any number of one
// title below one parent; so an unlinked one that is there already is taken instead: what an earlier run made and did not come to
// link.
func (s *Sync) categoriesUp(ctx context.Context, p *pass) error {
	shop, err := shopTree(ctx, s.c.Shop)
	if err != nil {
		return err
	}
	links, err := s.categoryLinks(ctx)
	if err != nil {
		return err
	}
	till, err := tillTree(ctx, s.c.Till, s.c.PageSize)
	if err != nil {
		return err
	}
	p.step("categories into the till", len(shop))
	for _, id := range shop.parentsFirst() {
		c := shop[id]
		if _, linked := links.toTill[id]; !linked && p.will(1, "make the category %q in the till", c.title) {
			w := links.fieldsOf(c)
			to, err := s.createCategory(ctx, w, till, links)
			if err == nil {
				err = s.linkCategory(ctx, links, id, to, sumOf(w))
			}
			if err = p.fail(ctx, err); err != nil {
				return fmt.Errorf("category %q of the shop: %w", c.title, err)
			}
		}
		p.did(1)
	}
	return nil
}

// createCategory makes a category of the till's, or finds it: beforehand, and after a lost answer.
func (s *Sync) createCategory(
	ctx context.Context, w sitoo.CategoryFields, till tree[sitoo.CategoryID], links *categoryLinks,
) (sitoo.CategoryID, error) {
	title, _ := w.Title.Get()
	parent, _ := w.ParentID.Get()
	find := func(till tree[sitoo.CategoryID]) sitoo.CategoryID {
		var found sitoo.CategoryID
		for id, c := range till {
			if _, linked := links.toShop[id]; !linked && c.parent == parent && plain(c.title) == plain(title) && (found == 0 || id < found) {
				found = id
			}
		}
		return found
	}
	if id := find(till); id != 0 {
		return id, nil
	}
	id, err := s.c.Till.Categories.Create(ctx, w)
	if !errors.Is(err, sitoo.ErrAmbiguous) {
		return id, err
	}
	again, lookErr := tillTree(ctx, s.c.Till, s.c.PageSize)
	if lookErr != nil {
		return 0, errors.Join(err, lookErr)
	}
	if id := find(again); id != 0 {
		return id, nil
	}
	return 0, err
}

// categoriesResync writes the shop's linked categories to the till once more (row F8). None is ever deleted: the till would delete all
// that hang below it.
func (s *Sync) categoriesResync(ctx context.Context, p *pass) error {
	shop, err := shopTree(ctx, s.c.Shop)
	if err != nil {
		return err
	}
	links, err := s.categoryLinks(ctx)
	if err != nil {
		return err
	}
	p.step("categories into the till", len(links.toTill))
	for _, id := range shop.parentsFirst() {
		if _, linked := links.toTill[id]; !linked {
			continue
		}
		if p.will(1, "write the category %q to the till", shop[id].title) {
			if err := p.fail(ctx, s.updateCategory(ctx, links, id, shop[id])); err != nil {
				return err
			}
		}
		p.did(1)
	}
	return nil
}

func (s *Sync) updateCategory(ctx context.Context, links *categoryLinks, id woo.CategoryID, c node[woo.CategoryID]) error {
	w, to := links.fieldsOf(c), links.toTill[id]
	if err := s.c.Till.Categories.Update(ctx, to, w); err != nil {
		return fmt.Errorf("category %q of the shop: %w", c.title, err)
	}
	return s.linkCategory(ctx, links, id, to, sumOf(w))
}

// sendCategory writes one linked category to the till, if it has changed since it was written last (row T4).
func (s *Sync) sendCategory(ctx context.Context, id string) error {
	n, err := idOf[woo.CategoryID](id)
	if err != nil {
		return retryqueue.Permanent(err)
	}
	links, err := s.categoryLinks(ctx)
	if err != nil {
		return err
	}
	if _, linked := links.toTill[n]; !linked {
		return nil
	}
	c, err := s.c.Shop.Categories.Get(ctx, n)
	if errors.Is(err, woo.ErrNotFound) {
		return nil // deleted: its counterpart stays, with what hangs below it
	}
	if err != nil {
		return err
	}
	now := node[woo.CategoryID]{plainText(c.Name), c.Parent}
	if links.sums[c.ID] == sumOf(links.fieldsOf(now)) {
		return nil
	}
	return s.updateCategory(ctx, links, c.ID, now)
}
