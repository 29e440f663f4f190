package sitoosync

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// tariff is how either side writes a price, and the VAT of either side's classes (row M4).
type tariff struct {
	shopGross, tillGross bool // prices are kept with VAT
	percent              map[string]decimal.Decimal
	groups               map[string]sitoo.VATID // by percent, of goods
	values               map[sitoo.VATID]decimal.Decimal
	classes              map[string]string // the shop's tax class by percent
}

const standardClass = "standard" // what tax rates call the class that products call ""

// readTariff asks the shop for its rates and the till for its groups: three requests to the shop, one to the till. Of a tax class that
// has rates for several countries the one of the shop's own country counts, else the one for all countries.
func (s *Sync) readTariff(ctx context.Context) (*tariff, error) {
	t := &tariff{
		tillGross: s.c.PricesWithVAT, percent: map[string]decimal.Decimal{}, groups: map[string]sitoo.VATID{}, classes: map[string]string{},
		values: map[sitoo.VATID]decimal.Decimal{},
	}
	gross, err := s.setting(ctx, "tax", "woocommerce_prices_include_tax")
	if err != nil {
		return nil, err
	}
	t.shopGross = gross == "yes"
	home, err := s.setting(ctx, "general", "woocommerce_default_country")
	if err != nil {
		return nil, err
	}
	home, _, _ = strings.Cut(home, ":") // "US:CA" is a country with its state
	var rates []*woo.TaxRate
	for rate, err := range s.c.Shop.TaxRates.All(ctx, woo.TaxRateQuery{}) {
		if err != nil {
			return nil, err
		}
		if rate.Country == home || rate.Country == "" {
			rates = append(rates, rate)
		}
	}
	slices.SortStableFunc(rates, func(a, b *woo.TaxRate) int { // the shop's country before all, then as the shop orders them
		return cmp.Or(
			-strings.Compare(a.Country, b.Country), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID),
		)
	})
	for _, rate := range rates {
		class := rate.Class
		if class == standardClass {
			class = ""
		}
		if _, known := t.percent[class]; !known {
			t.percent[class] = rate.Rate.Decimal
			if key := rate.Rate.String(); t.classes[key] == "" && class != "" {
				t.classes[key] = class
			}
		}
	}
	for group, err := range s.c.Till.VATGroups.All(ctx, sitoo.ListQuery{}) {
		if err != nil {
			return nil, err
		}
		key := group.Value.String()
		t.values[group.ID] = group.Value.Decimal
		if known, has := t.groups[key]; group.Type == sitoo.VATProduct && (!has || group.ID < known) {
			t.groups[key] = group.ID
		}
	}
	return t, nil
}

// setting reads a setting of the shop that holds text.
func (s *Sync) setting(ctx context.Context, group, id string) (string, error) {
	setting, err := s.c.Shop.Settings(group).Get(ctx, id)
	if err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(setting.Value, &text); err != nil {
		return "", fmt.Errorf("sitoosync: the shop's setting %s is no text: %w", id, err)
	}
	return text, nil
}

// errNoVAT means that a product's VAT has no counterpart on the other side.
var errNoVAT = errors.New("no VAT group of the till is for goods of this rate: add one in Sitoo's Backoffice")

// rate is the VAT of a tax class in percent; that of a class without a rate is 0.
func (t *tariff) rate(class string, status woo.TaxStatus) decimal.Decimal {
	if status == woo.NotTaxed || status == woo.ShippingOnly {
		return decimal.Zero
	}
	return t.percent[class]
}

// rateOf is the VAT of a till's product in percent.
func (t *tariff) rateOf(p *sitoo.Product) decimal.Decimal {
	if rate, known := t.values[p.VATID]; known {
		return rate
	}
	return p.VATValue.Decimal
}

// group is the till's VAT group of a rate.
func (t *tariff) group(rate decimal.Decimal) (sitoo.VATID, error) {
	if id, has := t.groups[rate.String()]; has {
		return id, nil
	}
	return 0, fmt.Errorf("%w (%s %%)", errNoVAT, rate)
}

// class is the shop's tax class of a rate; the standard one where none has it, since a till's rate need not be one of the shop's
// country.
func (t *tariff) class(rate decimal.Decimal) (class string, known bool) {
	if standard, has := t.percent[""]; has && standard.Equal(rate) {
		return "", true
	}
	class, known = t.classes[rate.String()]
	return class, known
}

// toTill is a price of the shop's as the till keeps it, rounded to cents. The bool fields of t decide; rate is in percent.
func (t *tariff) toTill(price, rate decimal.Decimal) sitoo.Money {
	return sitoo.NewMoney(convert(price, rate, t.shopGross, t.tillGross))
}

// toShop is a price of the till's as the shop keeps it, rounded to cents.
func (t *tariff) toShop(price, rate decimal.Decimal) decimal.Decimal {
	return convert(price, rate, t.tillGross, t.shopGross)
}

func convert(price, rate decimal.Decimal, from, to bool) decimal.Decimal {
	factor := decimal.NewFromInt(1).Add(rate.Shift(-2))
	switch {
	case from && !to:
		price = price.Div(factor)
	case !from && to:
		price = price.Mul(factor)
	}
	return price.Round(2)
}
