package eurofakturasync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/time/rate"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// Shop is a WooCommerce shop, by whichever of its APIs: [V3] and [Legacy] make one, [Connect] makes one from what people enter in a form.
type Shop interface {
	orderfeed.Source
	// Check asks whether the API is there and takes the key. The error says what to switch on.
	Check(ctx context.Context) error
	// Articles walks everything that can be sold: products and variations. A variable product itself is none.
	Articles(ctx context.Context) iter.Seq2[*Article, error]
	// SetStock writes the stock of articles and returns an error, or nil, for each.
	SetStock(ctx context.Context, levels []Level) ([]error, error)
	// Hooks are the shop's webhooks.
	Hooks() Hooks
}

// Article is a product or variation of the shop.
type Article struct {
	Product   woo.ProductID
	Variation woo.VariationID // 0: a product
	SKU       string
	Name      string
	Price     decimal.Decimal
	Managed   bool // the shop counts its stock
	Stock     *woo.Decimal
}

// Level is what the stock of an article is to be: whole pieces, never below zero.
type Level struct {
	Article  *Article
	Quantity int64
}

// The APIs of [ShopSettings].
const (
	APILegacy = "legacy" // "WooCommerce": /wc-api/v3, WooCommerce 2.4 to 8, later ones with a plugin
	APIv3     = "v3"     // "WooCommerce 3.6+": /wp-json/wc/v3
)

// ShopSettings are a shop as people enter it in Eurofaktura's form, whose labels mislead: the consumer key is the API key, and the
// consumer secret the password.
type ShopSettings struct {
	URL      string // of the shop, or of its admin pages: what follows /wp-admin, /wc-api or /wp-json is cut off
	APIKey   string // the consumer key, "ck_…"
	Password string // the consumer secret, "cs_…"
	API      string // APILegacy or APIv3, default APIv3

	HTTPClient *http.Client  // default: each client's own
	Limiter    *rate.Limiter // default: none
}

// String leaves the password out.
func (s ShopSettings) String() string {
	return fmt.Sprintf("eurofakturasync.ShopSettings{URL: %q, API: %q}", s.URL, s.API)
}

// GoString is String, for %#v.
func (s ShopSettings) GoString() string { return s.String() }

// Connect makes a Shop. It calls nobody; [Shop].Check does. An error names the setting.
func Connect(s ShopSettings) (Shop, error) {
	if strings.HasPrefix(s.APIKey, "cs_") && strings.HasPrefix(s.Password, "ck_") {
		return nil, errors.New("eurofakturasync: ShopSettings: APIKey and Password are swapped: the API key is the consumer key (ck_…), " +
			"the password is the consumer secret (cs_…)")
	}
	for name, v := range map[string]string{"URL": s.URL, "APIKey": s.APIKey, "Password": s.Password} {
		if strings.TrimSpace(v) == "" {
			return nil, fmt.Errorf("eurofakturasync: ShopSettings.%s is empty", name)
		}
	}
	url := ShopURL(s.URL)
	switch s.API {
	case APILegacy:
		shop, err := legacy.New(legacy.Config{URL: url, Key: s.APIKey, Secret: s.Password, HTTPClient: s.HTTPClient, Limiter: s.Limiter})
		if err != nil {
			return nil, fmt.Errorf("eurofakturasync: ShopSettings: %w", err)
		}
		return Legacy(shop), nil
	case APIv3, "":
		shop, err := woo.New(woo.Config{URL: url, Key: s.APIKey, Secret: s.Password, HTTPClient: s.HTTPClient, Limiter: s.Limiter})
		if err != nil {
			return nil, fmt.Errorf("eurofakturasync: ShopSettings: %w", err)
		}
		return V3(shop), nil
	}
	return nil, fmt.Errorf("eurofakturasync: ShopSettings.API: %q is neither %q nor %q", s.API, APILegacy, APIv3)
}

// ShopURL is the shop's address in what people copy out of the browser: without admin pages, API routes and a slash at the end.
func ShopURL(raw string) string {
	raw = strings.TrimSpace(raw)
	for _, mark := range []string{"/wp-admin", "/wp-login.php", "/wc-api", "/wp-json"} {
		if at := strings.Index(raw, mark); at >= 0 {
			raw = raw[:at]
		}
	}
	raw, _, _ = strings.Cut(raw, "?")
	raw, _, _ = strings.Cut(raw, "#")
	return strings.TrimRight(raw, "/")
}

// V3 is a shop through wc/v3: WooCommerce 3.5 and later.
func V3(shop *woo.Client) Shop { return v3{shop} }

type v3 struct{ shop *woo.Client }

func (s v3) Get(ctx context.Context, id woo.OrderID) (*woo.Order, error) {
	return s.shop.Orders.Get(ctx, id)
}

func (s v3) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	return s.shop.Orders.All(ctx, q)
}

func (s v3) Check(ctx context.Context) error {
	_, _, err := s.shop.Orders.List(ctx, woo.OrderQuery{PerPage: 1})
	return err
}

func (s v3) Articles(ctx context.Context) iter.Seq2[*Article, error] {
	return func(yield func(*Article, error) bool) {
		for p, err := range s.shop.Products.All(ctx, woo.ProductQuery{}) {
			switch {
			case err != nil:
				if !yield(nil, err) {
					return
				}
				continue
			case p.Type != woo.VariableProduct:
				if !yield(article(p), nil) {
					return
				}
				continue
			}
			for v, err := range s.shop.Variations(p.ID).All(ctx, woo.VariationQuery{}) {
				var a *Article
				if err == nil {
					a = &Article{
						Product: p.ID, Variation: v.ID, SKU: v.SKU, Name: first(v.Name, p.Name), Price: v.Price.Decimal,
						Managed: v.ManageStock == woo.StockManaged, Stock: v.StockQuantity,
					}
				}
				if !yield(a, err) {
					return
				}
			}
		}
	}
}

func article(p *woo.Product) *Article {
	return &Article{
		Product: p.ID, SKU: p.SKU, Name: p.Name, Price: p.Price.Decimal, Managed: p.ManageStock == woo.StockManaged, Stock: p.StockQuantity,
	}
}

func (s v3) SetStock(ctx context.Context, levels []Level) ([]error, error) {
	changes := make([]woo.StockChange, len(levels))
	for i, l := range levels {
		changes[i] = woo.StockChange{
			Product: l.Article.Product, Variation: l.Article.Variation,
			Want: woo.StockFields{StockQuantity: woo.Set(decimal.NewFromInt(l.Quantity))},
		}
	}
	results, err := s.shop.PlanStock(changes).Run(ctx)
	errs := make([]error, len(levels))
	for i := range results {
		errs[i] = results[i].Err
	}
	return errs, err
}

// Legacy is a shop through the Legacy REST API v3. That API hides meta data whose key begins with an underscore, where most plugins
// keep a buyer's VAT number: such an order looks like a consumer's, and is booked as one, unless Config.VATNumber knows better. It
// also names no rates: give Config.VATRates.
func Legacy(shop *legacy.Client) Shop { return old{shop} }

type old struct{ shop *legacy.Client }

func (s old) Get(ctx context.Context, id woo.OrderID) (*woo.Order, error) {
	return s.shop.Orders.Get(ctx, id)
}

func (s old) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	return s.shop.Orders.All(ctx, q)
}

// Check probes the index, which needs no key, and then whether the key is taken and the API sees the shop's orders.
func (s old) Check(ctx context.Context) error {
	if _, err := s.shop.Index(ctx); err != nil {
		return err
	}
	if _, err := s.shop.Orders.Count(ctx); err != nil {
		return err
	}
	return s.shop.Orders.Check(ctx)
}

func (s old) Articles(ctx context.Context) iter.Seq2[*Article, error] {
	return func(yield func(*Article, error) bool) {
		for p, err := range s.shop.Products.All(ctx, woo.ProductQuery{}) {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			if p.Type != woo.VariableProduct {
				if !yield(article(p), nil) {
					return
				}
				continue
			}
			variations, err := s.shop.Products.Variations(ctx, p.ID)
			if err != nil && !yield(nil, err) {
				return
			}
			for _, v := range variations {
				if !yield(&Article{
					Product: p.ID, Variation: v.ID, SKU: v.SKU, Name: first(v.Name, p.Name), Price: v.Price.Decimal,
					Managed: v.ManageStock == woo.StockManaged, Stock: v.StockQuantity,
				}, nil) {
					return
				}
			}
		}
	}
}

// SetStock writes one after another: the legacy API takes a variation as a product of its own.
func (s old) SetStock(ctx context.Context, levels []Level) ([]error, error) {
	errs := make([]error, len(levels))
	for i, l := range levels {
		id := l.Article.Product
		if l.Article.Variation != 0 {
			id = woo.ProductID(l.Article.Variation)
		}
		_, errs[i] = s.shop.Products.Update(ctx, id, woo.ProductFields{StockQuantity: woo.Set(decimal.NewFromInt(l.Quantity))})
		var all interface{ Systemic() bool }
		if ctx.Err() != nil || errors.As(errs[i], &all) && all.Systemic() {
			return errs, errs[i]
		}
	}
	return errs, nil
}
