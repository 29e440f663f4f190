package sitoosync

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// makersState is the state that holds the manufacturers. They are read when an operation says so, and once before the first products
// come down.
const makersState = "manufacturers"

// makers are the till's manufacturers, and the shop's attribute whose values are their names.
type makers struct {
	Attribute woo.AttributeID                 `json:"attribute"`
	Names     map[sitoo.ManufacturerID]string `json:"names"` // nil: never read
	ids       map[string]sitoo.ManufacturerID // by plain name
}

// reset begins the list anew.
func (m *makers) reset() {
	m.Names, m.ids = map[sitoo.ManufacturerID]string{}, map[string]sitoo.ManufacturerID{}
}

func (m *makers) add(id sitoo.ManufacturerID, name string) {
	if known, has := m.ids[plain(name)]; !has || id < known { // of two of one name the older
		m.ids[plain(name)] = id
	}
	m.Names[id] = plainText(name)
}

// id is the manufacturer of a name; an empty name is nobody's.
func (m *makers) id(name string) (sitoo.ManufacturerID, bool) {
	id, known := m.ids[plain(name)]
	return id, known && name != ""
}

// readMakers is what was remembered; known is false when the manufacturers were never read.
func (s *Sync) readMakers(ctx context.Context) (m *makers, known bool, err error) {
	m = &makers{}
	if err := s.load(ctx, makersState, m); err != nil {
		return nil, false, err
	}
	names := m.Names
	m.reset()
	for id, name := range names {
		m.add(id, name)
	}
	return m, names != nil, nil
}

func (s *Sync) manufacturersDownCost(ctx context.Context) (int, error) {
	_, page, err := s.c.Till.Manufacturers.List(ctx, sitoo.ListQuery{PerPage: 1})
	return s.pages(page, err)
}

// manufacturersDown reads the till's manufacturers, and makes each a value of the shop's attribute for them (row F5). Products are
// joined with them by name: the attribute's value on the shop's product is the name, and the till's product has the id.
func (s *Sync) manufacturersDown(ctx context.Context, p *pass) error {
	m := &makers{}
	m.reset()
	p.step("manufacturers", 0)
	if err := s.listMakers(ctx, m); err != nil {
		return err
	}
	if err := s.makerAttribute(ctx, p, m); err != nil {
		return err
	}
	if err := s.addTerms(ctx, p, m); err != nil {
		return err
	}
	p.did(len(m.Names))
	return s.save(ctx, makersState, m)
}

func (s *Sync) listMakers(ctx context.Context, m *makers) error {
	for maker, err := range s.c.Till.Manufacturers.All(ctx, sitoo.ListQuery{PerPage: s.c.PageSize}) {
		if err != nil {
			return err
		}
		m.add(maker.ID, maker.Name)
	}
	return nil
}

// makerAttribute finds the shop's attribute for manufacturers, or makes it.
func (s *Sync) makerAttribute(ctx context.Context, p *pass, m *makers) error {
	for range 2 { // again after a lost answer: it may be there now
		for a, err := range s.c.Shop.Attributes.All(ctx, woo.Everything{}) {
			if err != nil {
				return err
			}
			if strings.EqualFold(plainText(a.Name), s.c.Manufacturer) {
				m.Attribute = a.ID
				return nil
			}
		}
		if !p.will(1, "make the shop's attribute %q", s.c.Manufacturer) {
			return nil
		}
		a, err := s.c.Shop.Attributes.Create(ctx, woo.GlobalAttributeFields{Name: woo.Set(s.c.Manufacturer)})
		if err == nil {
			m.Attribute = a.ID
			return nil
		}
		if !errors.Is(err, woo.ErrAmbiguous) {
			return err
		}
	}
	return errors.New("the shop took the attribute for manufacturers but does not show it: run " + string(ManufacturersDown) + " again")
}

// addTerms makes each manufacturer's name a value of the attribute. The shop has a name once, so a repeat adds none.
func (s *Sync) addTerms(ctx context.Context, p *pass, m *makers) error {
	have := map[string]bool{}
	terms := s.c.Shop.AttributeTerms(m.Attribute)
	if m.Attribute != 0 {
		for term, err := range terms.All(ctx, woo.TermQuery[woo.AttributeTermID]{Fields: []string{"id", "name"}}) {
			if err != nil {
				return err
			}
			have[plain(term.Name)] = true
		}
	}
	var missing []woo.AttributeTermFields
	for key, id := range m.ids {
		if !have[key] {
			missing = append(missing, woo.AttributeTermFields{Name: woo.Set(m.Names[id])})
		}
	}
	slices.SortFunc(missing, func(a, b woo.AttributeTermFields) int { return strings.Compare(a.Name.String(), b.Name.String()) })
	if len(missing) == 0 || !p.will(len(missing), "make %d values of the shop's attribute %q", len(missing), s.c.Manufacturer) {
		return nil
	}
	results, err := terms.CreateAll(ctx, missing)
	for _, r := range results {
		if !errors.Is(r.Err, woo.ErrDuplicate) {
			err = cmp.Or(err, r.Err)
		}
	}
	return err
}

// makersUp makes manufacturers of names that the till does not know, where the setting says so (row F10). The till's list is read
// first: nothing there keeps a name from being taken twice.
func (s *Sync) makersUp(ctx context.Context, p *pass, m *makers, names []string) error {
	unknown := map[string]string{}
	for _, name := range names {
		if _, known := m.id(name); !known && name != "" {
			unknown[plain(name)] = name
		}
	}
	if len(unknown) == 0 || !s.c.NewManufacturers {
		return nil
	}
	if err := s.listMakers(ctx, m); err != nil {
		return err
	}
	var missing []sitoo.ManufacturerFields
	for key, name := range unknown {
		if _, known := m.ids[key]; !known {
			missing = append(missing, sitoo.ManufacturerFields{Name: sitoo.Set(name)})
		}
	}
	if len(missing) == 0 || !p.will(len(missing), "make %d manufacturers in the till", len(missing)) {
		return nil
	}
	results, err := s.c.Till.Manufacturers.PlanCreate(missing).Run(ctx)
	for i, r := range results {
		if name, _ := missing[i].Name.Get(); r.Err == nil {
			m.add(r.ID, name)
		}
		err = cmp.Or(err, r.Err)
	}
	return errors.Join(err, s.save(ctx, makersState, m))
}
