package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// articlesPerChunk is how many articles go up together: as many as the till takes in one request.
const articlesPerChunk = 200

// upload sends products of the shop to the till.
type upload struct {
	s *Sync
	p *pass
	k *catalogue
	// index is what the till has by SKU, to be read once: what is not linked is made, or where its SKU is there already, linked and
	// overwritten. nil: only linked articles are written.
	index map[string]sitoo.ProductID
	// parents are the main variants of the till's products that are in families; nil: not read.
	parents map[sitoo.ProductID]sitoo.ProductID
	// wanted chooses articles; fields reduces what is written of one. nil: all.
	wanted func(*article) bool
	fields func(*article, sitoo.ProductFields) sitoo.ProductFields
	// stock sends the stock of what was written, where stock goes up at once.
	stock bool
	// changed writes only what has changed in the shop since it was last written.
	changed bool
	// families looks at each family, also where none of its variations has changed its place.
	families bool
	// images sends pictures; without a catalogue (k) nothing else is sent.
	images bool

	chunk []*ware
	count int // articles in chunk
}

// ware is a product of the shop with its articles: one, or one for each variation.
type ware struct {
	product  *woo.Product
	articles []*article
	ids      map[*article]sitoo.ProductID // those that have a counterpart by now
	links    map[*article]Link            // as they were kept
	gone     []Link                       // of variations that the shop has no longer
}

func (w *ware) family() bool { return w.product.Type == woo.VariableProduct }

// external reports whether a product is left out of all that goes up: sold elsewhere (row E1), or a mere group of others.
func (s *Sync) external(p *woo.Product) bool {
	return p.Type == woo.ExternalProduct && !s.c.IncludeExternal || p.Type == woo.GroupedProduct
}

// wareOf reads a product's variations and makes its articles.
func (s *Sync) wareOf(ctx context.Context, p *woo.Product) (*ware, error) {
	w := &ware{product: p, ids: map[*article]sitoo.ProductID{}, links: map[*article]Link{}}
	if !w.family() {
		w.articles = []*article{articleOf(p, s.c.Manufacturer)}
		return w, nil
	}
	for v, err := range s.c.Shop.Variations(p.ID).All(ctx, woo.VariationQuery{}) {
		if err != nil {
			return nil, err
		}
		w.articles = append(w.articles, articleOfVariation(p, v, s.c.Manufacturer))
	}
	return w, nil
}

// walk sends all products of the shop, by id. What an interrupted walk has sent is not sent again.
func (u *upload) walk(ctx context.Context, query woo.ProductQuery) error {
	done, _ := strconv.ParseInt(u.p.position, 10, 64)
	u.p.step("products into the till", 0)
	for p, err := range u.s.c.Shop.Products.All(ctx, query) {
		if err != nil {
			return err
		}
		if int64(p.ID) <= done || u.s.external(p) {
			continue
		}
		w, err := u.s.wareOf(ctx, p)
		if err != nil {
			return err
		}
		u.chunk, u.count = append(u.chunk, w), u.count+len(w.articles)
		if u.count >= articlesPerChunk {
			if err := u.flush(ctx); err != nil {
				return err
			}
		}
	}
	return u.flush(ctx)
}

// flush sends the chunk: articles, then families, which need the articles' ids, then pictures.
func (u *upload) flush(ctx context.Context) error {
	chunk := u.chunk
	u.chunk, u.count = nil, 0
	if len(chunk) == 0 {
		return nil
	}
	if err := u.findLinks(ctx, chunk); err != nil {
		return err
	}
	if u.k != nil {
		if err := u.sendMakers(ctx, chunk); err != nil {
			return err
		}
		if err := u.send(ctx, chunk); err != nil {
			return err
		}
	}
	for _, w := range chunk {
		if err := u.finish(ctx, w); err != nil {
			return err
		}
	}
	if err := u.sendStock(ctx, chunk); err != nil {
		return err
	}
	return u.p.checkpoint(ctx, number(chunk[len(chunk)-1].product.ID))
}

func (u *upload) sendStock(ctx context.Context, chunk []*ware) error {
	if !u.stock {
		return nil
	}
	var ids []string
	for _, w := range chunk {
		for a := range w.ids {
			if u.takes(a) && a.counted {
				ids = append(ids, a.link(0).Woo)
			}
		}
	}
	slices.Sort(ids)
	return u.s.sendStockOf(ctx, u.p, ids...)
}

// findLinks fills the wares' ids: by links, and by SKU where that is allowed, which makes a link.
func (u *upload) findLinks(ctx context.Context, chunk []*ware) error {
	ids := map[LinkKind][]string{}
	for _, w := range chunk {
		for _, a := range w.articles {
			l := a.link(0)
			ids[l.Kind] = append(ids[l.Kind], l.Woo)
		}
	}
	for kind, ids := range ids {
		found, err := u.s.find(ctx, kind, Woo, ids...)
		if err != nil {
			return err
		}
		for _, w := range chunk {
			for _, a := range w.articles {
				l, linked := found[a.link(0).Woo]
				if !linked || l.Kind != a.link(0).Kind {
					continue
				}
				if w.ids[a], err = idOf[sitoo.ProductID](l.Sitoo); err != nil {
					return err
				}
				w.links[a] = l
			}
		}
	}
	return u.linkBySKU(ctx, chunk)
}

// linkBySKU links articles whose SKU the till has: an earlier run may have made them and not come to link them, and what is there must
// not be made twice.
func (u *upload) linkBySKU(ctx context.Context, chunk []*ware) error {
	for _, w := range chunk {
		for _, a := range w.articles {
			id, there := u.index[a.sku]
			if _, linked := w.ids[a]; linked || !there || !u.takes(a) {
				continue
			}
			if u.p.will(1, "link %s with the till's product %d", a.name(), id) {
				err := u.s.put(ctx, a.link(id))
				if errors.Is(err, ErrLinked) {
					err = fmt.Errorf("product %s: the till's product %d has its SKU and is linked to another: %w", a.link(0).Woo, id, err)
					if err := u.p.fail(ctx, err); err != nil {
						return err
					}
					a.left = true
					continue
				}
				if err != nil {
					return err
				}
			}
			w.ids[a], w.links[a] = id, a.link(id)
		}
	}
	return nil
}

func (u *upload) takes(a *article) bool { return u.wanted == nil || u.wanted(a) }

func (u *upload) sendMakers(ctx context.Context, chunk []*ware) error {
	var names []string
	for _, w := range chunk {
		for _, a := range w.articles {
			if _, linked := w.ids[a]; (linked || u.index != nil) && u.takes(a) {
				names = append(names, a.maker)
			}
		}
	}
	return u.s.makersUp(ctx, u.p, u.k.makers, names)
}

// outgoing is one article on its way.
type outgoing struct {
	w      *ware
	a      *article
	fields sitoo.ProductFields
	sum    string
}

// send creates and changes a chunk's articles. Where a create's answer is lost, the till is asked what it has made of it.
func (u *upload) send(ctx context.Context, chunk []*ware) error {
	var made, changed []outgoing
	for _, w := range chunk {
		for _, a := range w.articles {
			_, linked := w.ids[a]
			if !u.takes(a) || a.left || !linked && u.index == nil {
				continue
			}
			fields, err := u.k.fieldsOf(a, !linked || w.links[a].Sum == hidden)
			if err == nil && u.fields != nil {
				fields = u.fields(a, fields)
			}
			if err != nil {
				if err := u.p.fail(ctx, err); err != nil {
					return err
				}
				delete(w.ids, a)
				continue
			}
			o := outgoing{w, a, fields, u.k.sum(a)}
			switch {
			case !linked:
				made = append(made, o)
			case !u.changed || sumOfFields(w.links[a].Sum) != sumOfFields(o.sum):
				changed = append(changed, o)
			}
		}
	}
	if err := u.create(ctx, made); err != nil {
		return err
	}
	return u.update(ctx, changed)
}

func (u *upload) create(ctx context.Context, made []outgoing) error {
	if len(made) == 0 || !u.p.will(len(made), "make %d products in the till, the first %s", len(made), made[0].a.name()) {
		return nil
	}
	fields := make([]sitoo.ProductFields, len(made))
	for i, o := range made {
		fields[i] = o.fields
	}
	results, err := u.s.c.Till.Products.PlanCreate(fields).Run(ctx)
	if errors.Is(err, sitoo.ErrAmbiguous) { // those of the lost request are found by SKU; it is an error all the same when they are not
		if err = u.readIndex(ctx); err == nil {
			for i, o := range made {
				if id, there := u.index[o.a.sku]; there && results[i].Err != nil {
					results[i] = sitoo.Result[sitoo.ProductID]{ID: id}
				}
			}
		}
	}
	var links []Link
	var refused []error
	for i, o := range made {
		if results[i].Err != nil {
			refused = append(refused, fmt.Errorf("product %s: %w", o.a.name(), results[i].Err))
			continue
		}
		id := results[i].ID
		l := o.a.link(id)
		l.Sum = sumOfFields(o.sum)
		o.w.ids[o.a], o.w.links[o.a], u.index[o.a.sku] = id, l, id
		links = append(links, l)
	}
	if err := errors.Join(u.s.put(ctx, links...), err); err != nil {
		return err
	}
	u.p.did(len(links))
	return u.failAll(ctx, refused)
}

func (u *upload) update(ctx context.Context, changed []outgoing) error {
	if len(changed) == 0 || !u.p.will(len(changed), "write %d products to the till, the first %s", len(changed), changed[0].a.name()) {
		return nil
	}
	changes := make([]sitoo.Change[sitoo.ProductID, sitoo.ProductFields], len(changed))
	for i, o := range changed {
		changes[i] = sitoo.ChangeOf(o.w.ids[o.a], o.fields)
	}
	results, err := u.s.c.Till.Products.PlanUpdate(changes).Run(ctx)
	var links, gone []Link
	var refused []error
	for i, o := range changed {
		l := o.w.links[o.a]
		switch {
		case errors.Is(results[i].Err, sitoo.ErrNotFound):
			gone = append(gone, l)
			delete(o.w.ids, o.a)
			err := fmt.Errorf("product %s: its counterpart in the till was deleted; it is linked no longer: %w", o.a.name(), results[i].Err)
			refused = append(refused, err)
		case results[i].Err != nil:
			refused = append(refused, fmt.Errorf("product %s: %w", o.a.name(), results[i].Err))
		case u.fields == nil || o.a.variation == 0: // else a part of the fields was written
			l.Sum = sumOfFields(o.sum) + l.Sum[len(sumOfFields(l.Sum)):] // the family's part of it stays until the family is written
			o.w.links[o.a] = l
			links = append(links, l)
		}
	}
	if err := errors.Join(u.s.put(ctx, links...), u.s.c.Links.Remove(ctx, gone), err); err != nil {
		return err
	}
	u.p.did(len(changed) - len(refused))
	return u.failAll(ctx, refused)
}

func (u *upload) failAll(ctx context.Context, refused []error) error {
	for _, err := range refused {
		if err := u.p.fail(ctx, err); err != nil {
			return err
		}
	}
	return nil
}

// finish writes what needs the articles' ids: the family, and the pictures.
func (u *upload) finish(ctx context.Context, w *ware) error {
	if w.family() && u.k != nil {
		if err := u.p.fail(ctx, u.writeFamily(ctx, w)); err != nil {
			return err
		}
	}
	if !u.images {
		return nil
	}
	return u.sendImages(ctx, w)
}

// readIndex reads which SKUs the till has, and its families.
func (u *upload) readIndex(ctx context.Context) error {
	u.index = map[string]sitoo.ProductID{}
	return u.readTill(ctx, u.index)
}

// readTill reads the till's families, and its SKUs into index, which may be nil.
func (u *upload) readTill(ctx context.Context, index map[string]sitoo.ProductID) error {
	u.parents = map[sitoo.ProductID]sitoo.ProductID{}
	query := sitoo.ProductQuery{IncludeInactive: true, PerPage: u.s.c.PageSize, Fields: []string{"productid", "sku", "variantparentid"}}
	for product, err := range u.s.c.Till.Products.All(ctx, query) {
		if err != nil {
			return err
		}
		if product.VariantParentID != 0 {
			u.parents[product.ID] = product.VariantParentID
		}
		if index != nil {
			index[product.SKU] = product.ID
		}
	}
	return nil
}

// sum is of all that the shop says of an article: the fields that are written, and behind a point its place in a family.
func (k *catalogue) sum(a *article) string {
	fields, err := k.fieldsOf(a, false)
	if err != nil {
		return ""
	}
	if a.variation == 0 {
		return sumOf(fields)
	}
	return sumOf(fields) + "." + sumOf(a.options)
}

// sumOfFields is the part of a sum before the point.
func sumOfFields(sum string) string {
	fields, _, _ := strings.Cut(sum, ".")
	return fields
}

// productsUp makes in the till what the shop has and the till has not, categories included, and overwrites what it has (row F10).
func (s *Sync) productsUp(ctx context.Context, p *pass) error {
	if p.position == "" {
		if err := s.categoriesUp(ctx, p); err != nil {
			return err
		}
	}
	k, err := s.readCatalogue(ctx)
	if err != nil {
		return err
	}
	u := &upload{s: s, p: p, k: k, families: true, images: true, stock: true}
	if err := u.readIndex(ctx); err != nil {
		return err
	}
	return u.walk(ctx, woo.ProductQuery{})
}

// resyncParents writes linked simple products once more, and of linked families what their variations share (row F11).
func (s *Sync) resyncParents(ctx context.Context, p *pass) error {
	return s.resync(ctx, p, &upload{fields: func(a *article, w sitoo.ProductFields) sitoo.ProductFields {
		if a.variation == 0 {
			return w
		}
		return sitoo.ProductFields{
			Title: w.Title, Short: w.Short, Description: w.Description, Categories: w.Categories, DefaultCategory: w.DefaultCategory,
			ManufacturerID: w.ManufacturerID,
		}
	}})
}

// resyncVariations writes linked variations once more (row F12), and their families where a value of theirs has changed.
func (s *Sync) resyncVariations(ctx context.Context, p *pass) error {
	return s.resync(ctx, p, &upload{wanted: func(a *article) bool { return a.variation != 0 }})
}

func (s *Sync) resync(ctx context.Context, p *pass, u *upload) error {
	k, err := s.readCatalogue(ctx)
	if err != nil {
		return err
	}
	u.s, u.p, u.k, u.stock = s, p, k, true
	return u.walk(ctx, woo.ProductQuery{})
}

// amounts are how much there is to go up.
type amounts struct{ articles, families, images int }

// countProducts asks the shop, which costs the till nothing.
func (s *Sync) countProducts(ctx context.Context) (n amounts, err error) {
	fields := []string{"id", "type", "images", "variations"}
	for p, err := range s.c.Shop.Products.All(ctx, woo.ProductQuery{Fields: fields}) {
		if err != nil {
			return n, err
		}
		switch {
		case s.external(p):
		case p.Type == woo.VariableProduct:
			n.families++
			n.articles += len(p.Variations)
			n.images += len(p.Variations) * max(1, len(p.Images))
		default:
			n.articles++
			n.images += len(p.Images)
		}
	}
	return n, nil
}

// chunks is how many requests write n articles at most: new and known ones go apart, and no chunk but the last is small.
func chunks(n int) int { return 3*((n+articlesPerChunk-1)/articlesPerChunk) + 2 }

// familyCost is what one family takes: how it is, its write, and how it is then.
const familyCost = 3

// sentStockCost is how many requests the stock of n articles takes beside them.
func (s *Sync) sentStockCost(ctx context.Context, n int) (int, error) {
	const warehouse = 1
	path, err := s.path(ctx)
	if err != nil || !path.Instant() {
		return warehouse, err
	}
	parts := n/stockChunk + n/articlesPerChunk + 2
	if path == Mirror {
		return warehouse + parts, nil
	}
	return warehouse + (1+s.pagesOf(stockChunk)+2*sessionRequests)*parts, nil
}

func (s *Sync) productsUpCost(ctx context.Context) (int, error) {
	n, err := s.countProducts(ctx)
	if err != nil {
		return 0, err
	}
	sum := tariffCost + chunks(n.articles) + familyCost*n.families + imagesCost(n)
	for _, cost := range []func() (int, error){
		func() (int, error) { return s.categoriesUpCost(ctx) },
		func() (int, error) { return s.matchProductsCost(ctx) },
		func() (int, error) { return s.sentStockCost(ctx, n.articles) },
		func() (int, error) {
			if !s.c.NewManufacturers {
				return 0, nil
			}
			pages, err := s.manufacturersDownCost(ctx)
			return chunks(n.articles) * (pages + 1), err // a chunk may bring new ones
		},
	} {
		more, err := cost()
		if err != nil {
			return 0, err
		}
		sum += more
	}
	return sum, nil
}

func (s *Sync) resyncCost(ctx context.Context) (int, error) {
	n, err := s.countProducts(ctx)
	if err != nil {
		return 0, err
	}
	stock, err := s.sentStockCost(ctx, n.articles)
	if err != nil || n.families == 0 {
		return tariffCost + chunks(n.articles) + stock, err
	}
	families, err := s.matchProductsCost(ctx)
	return tariffCost + chunks(n.articles) + stock + families + familyCost*n.families, err
}
