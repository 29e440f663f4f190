package sitoosync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/woo"
)

// The meta data in which the shop keeps links: the till's id, and behind a "|" the Sum.
const (
	metaLink  = "_sitoo_link"
	metaStock = "_sitoo_stock" // beside it, the StockLink
)

const linksState = "links"

// Meta is a [LinkStore] in the shop itself. [MetaLinks] makes it.
type Meta struct {
	shop  *woo.Client
	state StateStore

	one    gate
	loaded bool
	index  MemoryLinks
}

var _ LinkStore = (*Meta)(nil)

// MetaLinks keeps links as meta data of the shop's records: it needs no database. Links of categories and refunds, whose meta data
// the shop's API does not show or change, are kept in state, with the cursors: a file that outlives the process will do, see
// NewFileState. One process alone may use it, and one till alone per shop.
//
// It costs requests of the shop. The first call reads everything once, to build an index: ⌈P/100⌉ for P products, one or more for
// each variable product, ⌈O/100⌉ for O orders, ⌈C/100⌉ for C coupons. Each Put and Remove is a write to the records, in batches of
// a hundred, those of variations by their product; so every change of stock that is agreed on is a second write beside that of the
// stock. A shop of 10,000 products and as many orders takes some 200 requests to begin, and about 2 MB of memory.
func MetaLinks(shop *woo.Client, state StateStore) *Meta {
	return &Meta{shop: shop, state: state, one: newGate()}
}

// enter waits for its turn, and reads the shop the first time.
func (m *Meta) enter(ctx context.Context) error {
	if err := m.one.enter(ctx); err != nil {
		return err
	}
	if m.loaded {
		return ctx.Err()
	}
	if err := m.load(ctx); err != nil {
		m.one.leave()
		return fmt.Errorf("sitoosync: MetaLinks: reading the shop: %w", err)
	}
	m.loaded = true
	return nil
}

// Find implements [LinkStore].
func (m *Meta) Find(ctx context.Context, kind LinkKind, side Side, ids []string) ([]Link, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.one.leave()
	return m.index.Find(ctx, kind, side, ids)
}

// Put implements [LinkStore]. The shop has the links before it returns nil.
func (m *Meta) Put(ctx context.Context, links []Link) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.one.leave()
	if err := CheckLinks(links); err != nil {
		return err
	}
	for _, l := range links {
		for side, id := range map[Side]string{Woo: l.Woo, Sitoo: l.Sitoo} {
			found, err := m.index.Find(ctx, l.Kind, side, []string{id})
			if err != nil {
				return err
			}
			if len(found) > 0 && (found[0].Woo != l.Woo || found[0].Sitoo != l.Sitoo) {
				return linked(l)
			}
		}
	}
	if err := m.write(ctx, links, func(l Link) string { return strings.TrimSuffix(l.Sitoo+"|"+l.Sum, "|") }, nil); err != nil {
		return err
	}
	return errors.Join(m.index.Put(ctx, links), m.saveState(ctx, links))
}

// Remove implements [LinkStore].
func (m *Meta) Remove(ctx context.Context, links []Link) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.one.leave()
	var known []Link
	for _, l := range links {
		found, err := m.index.Find(ctx, l.Kind, Woo, []string{l.Woo})
		if err != nil {
			return err
		}
		if len(found) > 0 && found[0].Sitoo == l.Sitoo {
			known = append(known, l)
		}
	}
	if err := m.write(ctx, known, func(Link) string { return "" }, woo.ErrNotFound); err != nil { // what is gone is linked to nothing
		return err
	}
	return errors.Join(m.index.Remove(ctx, known), m.saveState(ctx, known))
}

// All implements [LinkStore].
func (m *Meta) All(ctx context.Context, kind LinkKind) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		if err := m.enter(ctx); err != nil {
			yield(Link{}, err)
			return
		}
		m.one.leave()
		m.index.All(ctx, kind)(yield)
	}
}

// metaWrites are the links' meta data by the records that have them.
type metaWrites struct {
	products   map[woo.ProductID][]woo.MetaFields
	variations map[woo.ProductID]map[woo.VariationID][]woo.MetaFields
	orders     map[woo.OrderID][]woo.MetaFields
	coupons    map[woo.CouponID][]woo.MetaFields
}

func (w *metaWrites) add(l Link, value string) error {
	meta := woo.SetMeta(metaLink, value)
	switch l.Kind {
	case OrderLink:
		id, err := idOf[woo.OrderID](l.Woo)
		w.orders[id] = append(w.orders[id], meta)
		return err
	case VoucherLink:
		id, err := idOf[woo.CouponID](l.Woo)
		w.coupons[id] = append(w.coupons[id], meta)
		return err
	case StockLink:
		meta = woo.SetMeta(metaStock, value)
	}
	p, v, err := itemID(l.Woo)
	switch {
	case err != nil:
		return err
	case v == 0:
		w.products[p] = append(w.products[p], meta)
	case w.variations[p] == nil:
		w.variations[p] = map[woo.VariationID][]woo.MetaFields{v: {meta}}
	default:
		w.variations[p][v] = append(w.variations[p][v], meta)
	}
	return nil
}

// write sets the links' meta data, a record's together. A tolerated error of a record is none.
func (m *Meta) write(ctx context.Context, links []Link, value func(Link) string, tolerated error) error {
	w := metaWrites{
		map[woo.ProductID][]woo.MetaFields{}, map[woo.ProductID]map[woo.VariationID][]woo.MetaFields{},
		map[woo.OrderID][]woo.MetaFields{}, map[woo.CouponID][]woo.MetaFields{},
	}
	for _, l := range links {
		if stateful(l) {
			continue
		}
		if err := w.add(l, value(l)); err != nil {
			return err
		}
	}
	err := putMeta(ctx, m.shop.Products, w.products, tolerated, func(f []woo.MetaFields) woo.ProductFields {
		return woo.ProductFields{MetaData: woo.Set(f)}
	})
	for _, parent := range slices.Sorted(maps.Keys(w.variations)) {
		if err == nil {
			own := w.variations[parent]
			err = putMeta(ctx, m.shop.Variations(parent), own, tolerated, func(f []woo.MetaFields) woo.VariationFields {
				return woo.VariationFields{MetaData: woo.Set(f)}
			})
		}
	}
	if err == nil {
		err = putMeta(ctx, m.shop.Orders, w.orders, tolerated, func(f []woo.MetaFields) woo.OrderFields {
			return woo.OrderFields{MetaData: woo.Set(f)}
		})
	}
	if err == nil {
		err = putMeta(ctx, m.shop.Coupons, w.coupons, tolerated, func(f []woo.MetaFields) woo.CouponFields {
			return woo.CouponFields{MetaData: woo.Set(f)}
		})
	}
	return err
}

// putMeta writes meta data of any number of records of one collection.
func putMeta[T any, ID ~int64, Q, W any](
	ctx context.Context, to *woo.Collection[T, ID, Q, W], all map[ID][]woo.MetaFields, tolerated error,
	fields func([]woo.MetaFields) W,
) error {
	var changes []woo.Change[ID, W]
	for _, id := range slices.Sorted(maps.Keys(all)) {
		changes = append(changes, woo.Change[ID, W]{ID: id, Set: fields(all[id])})
	}
	if len(changes) == 0 {
		return nil
	}
	results, err := to.PlanUpdate(changes).Run(ctx)
	for _, r := range results {
		if !errors.Is(r.Err, tolerated) {
			err = errors.Join(err, r.Err)
		}
	}
	return err
}

// load builds the index.
func (m *Meta) load(ctx context.Context) error {
	keys := []string{metaLink, metaStock}
	fields := []string{"id", "type", "meta_data"}
	for e, err := range entries(ctx, m.shop, fields, keys) {
		switch {
		case err != nil:
			return err
		case e.parent(): // what is left of a simple product is no link
			continue
		}
		meta := e.MetaData
		if e.variation != nil {
			meta = e.variation.MetaData
		}
		if err := m.read(ctx, e.link(), meta); err != nil {
			return err
		}
	}
	for o, err := range m.shop.Orders.All(ctx, woo.OrderQuery{IncludeMeta: keys[:1], Fields: fields}) {
		if err != nil {
			return err
		}
		if err := m.read(ctx, LinkOrder(o.ID, 0), o.MetaData); err != nil {
			return err
		}
	}
	for c, err := range m.shop.Coupons.All(ctx, woo.CouponQuery{Fields: fields}) {
		if err != nil {
			return err
		}
		if err := m.read(ctx, Link{Kind: VoucherLink, Woo: number(c.ID)}, c.MetaData); err != nil {
			return err
		}
	}
	b, err := m.state.Load(ctx, linksState)
	if err != nil || len(b) == 0 {
		return err
	}
	var others []Link
	if err := json.Unmarshal(b, &others); err != nil {
		return err
	}
	return m.index.Put(ctx, others)
}

// read adds what a record's meta data say to the index. Of two records that name one of the till's, as a copied product does, the
// first is the one.
func (m *Meta) read(ctx context.Context, l Link, meta woo.MetaData) error {
	for key, kind := range map[string]LinkKind{metaLink: l.Kind, metaStock: StockLink} {
		entry, has := meta.Get(key)
		if !has || entry.String() == "" {
			continue
		}
		known := Link{Kind: kind, Woo: l.Woo}
		known.Sitoo, known.Sum, _ = strings.Cut(entry.String(), "|")
		if err := m.index.Put(ctx, []Link{known}); err != nil && !errors.Is(err, ErrLinked) {
			return err
		}
	}
	return nil
}

// stateful reports whether a link is kept in the state: the shop's API neither shows the meta data of categories nor changes those of
// refunds.
func stateful(l Link) bool { return l.Kind == CategoryLink || l.Kind == RefundLink }

// saveState keeps the links that are kept there, where some are among those that changed.
func (m *Meta) saveState(ctx context.Context, changed []Link) error {
	if !slices.ContainsFunc(changed, stateful) {
		return nil
	}
	all := []Link{}
	for _, kind := range []LinkKind{CategoryLink, RefundLink} {
		for l, err := range m.index.All(ctx, kind) {
			if err != nil {
				return err
			}
			all = append(all, l)
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return m.state.Save(ctx, linksState, b)
}
