package sitoosync

import (
	"context"
	"fmt"

	"github.com/tillwire/tillwire/sitoo"
)

// Connection is what a settings page shows once the till is reached (S4 to S6).
type Connection struct {
	Site       *sitoo.Site      // the one of the client
	Sites      []*sitoo.Site    // of the account, to choose from
	Warehouse  *sitoo.Warehouse // Config.Warehouse
	Warehouses []*sitoo.Warehouse
	VATGroups  []*sitoo.VATGroup
	// Manufacturers is how many the till knows.
	Manufacturers int
	Path          StockPath // the way stock goes up (S6)
	// Warnings are what works, and may not be what is meant.
	Warnings []string
}

// Connect asks both sides who they are. Its error says which setting is wrong: sitoo.ErrAuth is the API ID or its password, or the
// REST API extension is not enabled for the account (S1), another site or warehouse than there are names those there are. A till
// that cannot be reached is sitoo.ErrUnavailable.
func (s *Sync) Connect(ctx context.Context) (*Connection, error) {
	c := &Connection{}
	for site, err := range s.c.Till.Sites.All(ctx, sitoo.ListQuery{}) {
		if err != nil {
			return nil, err
		}
		c.Sites = append(c.Sites, site)
		if site.ID == s.c.Till.Site() {
			c.Site = site
		}
	}
	if c.Site == nil { // its lists would all be empty, as those of an empty shop (trap 8)
		_, err := s.c.Till.CheckSite(ctx)
		return nil, err
	}
	known := ""
	for w, err := range s.c.Till.Warehouses.All(ctx, sitoo.ListQuery{PerPage: s.c.PageSize}) {
		if err != nil {
			return nil, err
		}
		c.Warehouses = append(c.Warehouses, w)
		known += fmt.Sprintf(", %d (%s)", w.ID, w.Name)
		if w.ID == s.c.Warehouse {
			c.Warehouse = w
		}
	}
	if c.Warehouse == nil {
		return nil, settingError(fmt.Sprintf("sitoosync: Config.Warehouse: the site has no warehouse %d, but%s",
			s.c.Warehouse, known[min(1, len(known)):]))
	}
	for g, err := range s.c.Till.VATGroups.All(ctx, sitoo.ListQuery{PerPage: s.c.PageSize}) {
		if err != nil {
			return nil, err
		}
		c.VATGroups = append(c.VATGroups, g)
	}
	_, page, err := s.c.Till.Manufacturers.List(ctx, sitoo.ListQuery{PerPage: 1})
	if err != nil {
		return nil, err
	}
	c.Manufacturers = page.Total
	c.Path = PathOf(c.Warehouse.Type, s.c.ForceInstant)
	currency, err := s.c.Shop.CurrentCurrency(ctx)
	if err != nil {
		return nil, err
	}
	c.Warnings = s.warnings(c, currency.Code)
	s.mu.Lock()
	s.warehouse = c.Warehouse
	s.mu.Unlock()
	for _, w := range c.Warnings {
		s.log.WarnContext(ctx, w)
	}
	return c, nil
}

func (s *Sync) warnings(c *Connection, currency string) (all []string) {
	if c.Warehouse.Currency != "" && c.Warehouse.Currency != currency {
		all = append(all, fmt.Sprintf("the warehouse %s reckons in %s, the shop in %s: amounts are copied as they are",
			c.Warehouse.Name, c.Warehouse.Currency, currency))
	}
	if s.c.Live && c.Path == ByBatch {
		all = append(all, "stock is forced into a warehouse of real stock: that is not meant for live use")
	}
	if s.c.Live && s.c.Match {
		all = append(all, "every round of autosync matches the whole catalogue: that is meant for the beginning")
	}
	return all
}

// settingError is a setting that is wrong, and stays so.
type settingError string

func (e settingError) Error() string { return string(e) }
