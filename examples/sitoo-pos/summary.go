package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/woo"
)

// summary is what a run has to show.
type summary struct {
	Matched      int   `json:"matched"`       // records that both sides had
	CreatedWoo   int   `json:"created_woo"`   // products and variations made in the shop
	CreatedSitoo int   `json:"created_sitoo"` // products made in the till
	StockEqual   int   `json:"stock_equal"`   // linked products and variations with one stock on both sides
	OrdersDown   int   `json:"orders_down"`   // of the till, in the shop
	OrdersUp     int   `json:"orders_up"`     // of the shop, in the till
	CAC          int   `json:"cac"`           // of these: fetched in the store
	S2D          int   `json:"s2d"`           // of the ones that came down: sold to be sent
	Requests     int64 `json:"requests"`      // to the till
	RateWaits    int   `json:"rate_waits"`    // new time slots that were waited for
	Duplicates   int   `json:"duplicates"`    // SKUs and orders that are there twice

	unequal []string
}

// sides looks at both sides.
type sides struct {
	shop  *woo.Client
	till  *sitoo.Client
	links sitoosync.LinkStore
}

// view is what both sides have of products, by SKU.
type view struct {
	shop, till map[string]int
	stock      map[string]string // of the shop
}

func (b *sides) look(ctx context.Context) (*view, error) {
	v := &view{shop: map[string]int{}, till: map[string]int{}, stock: map[string]string{}}
	add := func(sku string, quantity *woo.Decimal) {
		v.shop[sku]++
		if quantity != nil {
			v.stock[sku] = quantity.String()
		}
	}
	fields := []string{"id", "type", "sku", "stock_quantity"}
	for p, err := range b.shop.Products.All(ctx, woo.ProductQuery{Fields: fields}) {
		if err != nil {
			return nil, err
		}
		if p.Type != woo.VariableProduct {
			add(p.SKU, p.StockQuantity)
			continue
		}
		for variation, err := range b.shop.Variations(p.ID).All(ctx, woo.VariationQuery{Fields: fields}) {
			if err != nil {
				return nil, err
			}
			add(variation.SKU, variation.StockQuantity)
		}
	}
	query := sitoo.ProductQuery{IncludeInactive: true, PerPage: 1000, Fields: []string{"productid", "sku"}}
	for p, err := range b.till.Products.All(ctx, query) {
		if err != nil {
			return nil, err
		}
		v.till[p.SKU]++
	}
	return v, nil
}

// compare is the final comparison.
func (b *sides) compare(ctx context.Context, before *view, report *sitoosync.Report) (s summary, err error) {
	after, err := b.look(ctx)
	if err != nil {
		return s, err
	}
	for _, o := range report.Operations {
		s.Matched += o.Match.Linked + o.Match.Known
	}
	s.RateWaits = report.Waits
	s.CreatedWoo, s.CreatedSitoo = len(after.shop)-len(before.shop), len(after.till)-len(before.till)
	for _, side := range []map[string]int{after.shop, after.till} {
		for sku, n := range side {
			if sku != "" {
				s.Duplicates += n - 1
			}
		}
	}
	for warehouse, err := range b.till.Warehouses.All(ctx, sitoo.ListQuery{}) {
		if err != nil {
			return s, err
		}
		for it, err := range b.till.Stock(warehouse.ID).All(ctx, sitoo.StockQuery{PerPage: 1000}) {
			if err != nil {
				return s, err
			}
			switch shop, both := after.stock[it.SKU]; {
			case !both:
			case shop == it.Available.Floor().String():
				s.StockEqual++
			default:
				s.unequal = append(s.unequal, fmt.Sprintf("%s: %s in the shop, %s in the till", it.SKU, shop, it.Available))
			}
		}
	}
	return s, b.compareOrders(ctx, &s)
}

func (b *sides) compareOrders(ctx context.Context, s *summary) error {
	open, seen := map[string]bool{}, map[string]bool{}
	fields := []string{"orderid", "externalid", "orderstateid", "creditorderid"}
	for o, err := range b.till.Orders.All(ctx, sitoo.OrderQuery{PerPage: 1000, Fields: fields}) {
		if err != nil {
			return err
		}
		id := fmt.Sprintf("sitoo:order:%d", o.ID)
		open[id] = o.State == sitoo.OrderOpen
		if o.ExternalID == "" || o.CreditOrderID != 0 {
			continue
		}
		s.OrdersUp++
		if seen[o.ExternalID] {
			s.Duplicates++
		}
		seen[o.ExternalID] = true
	}
	for o, err := range b.shop.Orders.All(ctx, woo.OrderQuery{Fields: []string{"id", "meta_data", "shipping_lines"}}) {
		if err != nil {
			return err
		}
		meta, _ := o.MetaData.Get("_sitoo_reference")
		ref := meta.String()
		switch {
		case ref == "":
			if seen[fmt.Sprintf("woo-%d", o.ID)] && sitoosync.IsClickAndCollect(o, []string{"local_pickup"}) {
				s.CAC++
			}
			continue
		case seen[ref]:
			s.Duplicates++
			continue
		}
		seen[ref] = true
		s.OrdersDown++
		if open[ref] {
			s.S2D++
		}
	}
	return nil
}

// check is what must hold of the demonstration.
func (s summary) check() error {
	switch {
	case len(s.unequal) > 0:
		return fmt.Errorf("stock differs: %s", strings.Join(s.unequal, "; "))
	case s.Duplicates > 0:
		return fmt.Errorf("%d records are there twice", s.Duplicates)
	}
	return nil
}

// print says the same in words.
func (s summary) print(out io.Writer, took time.Duration) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"matched", int64(s.Matched)}, {"made in the shop", int64(s.CreatedWoo)}, {"made in the till", int64(s.CreatedSitoo)},
		{"equal stock", int64(s.StockEqual)}, {"unequal stock", int64(len(s.unequal))}, {"orders down", int64(s.OrdersDown)},
		{"of them to be sent", int64(s.S2D)}, {"orders up", int64(s.OrdersUp)}, {"of them to be fetched", int64(s.CAC)},
		{"requests to the till", s.Requests}, {"time slots waited for", int64(s.RateWaits)}, {"twice", int64(s.Duplicates)},
	} {
		fmt.Fprintf(table, "%s\t%d\t\n", row.name, row.n) //nolint:errcheck // a table for people
	}
	_ = table.Flush()                                         // likewise
	fmt.Fprintf(out, "in %s\n", took.Round(time.Millisecond)) //nolint:errcheck // likewise
}

// counter counts requests to the till.
type counter struct{ n atomic.Int64 }

func (c *counter) client(base *http.Client) *http.Client {
	counted := &http.Client{Timeout: time.Minute}
	if base != nil {
		*counted = *base
	}
	next := counted.Transport
	if next == nil {
		next = http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	}
	counted.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		c.n.Add(1)
		return next.RoundTrip(r)
	})
	return counted
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bars draws the progress of a full sync: a bar for each operation on a terminal, a line for each elsewhere.
type bars struct {
	operation sitoosync.Operation
	bar       *progressbar.ProgressBar
}

func (b *bars) draw(p sitoosync.Progress) {
	if p.Operation != b.operation {
		b.end()
		b.operation = p.Operation
		if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			b.bar = progressbar.NewOptions(-1, progressbar.OptionSetDescription(string(p.Operation)), progressbar.OptionSetWriter(os.Stderr),
				progressbar.OptionShowCount(), progressbar.OptionSetWidth(40))
		} else {
			fmt.Fprintf(os.Stderr, "%s: at most %d requests\n", p.Operation, p.Requests) //nolint:errcheck // for people
		}
	}
	if b.bar == nil {
		return
	}
	text := fmt.Sprintf("%s: %s", p.Operation, p.Step)
	if !p.WaitUntil.IsZero() {
		text = fmt.Sprintf("%s: waits for the till's next time slot", p.Operation)
	}
	b.bar.Describe(text)
	if p.Total > 0 {
		b.bar.ChangeMax(p.Total)
	}
	_ = b.bar.Set(p.Done) // the terminal may be gone; the work is not the worse for it
}

func (b *bars) end() {
	if b.bar != nil {
		_ = b.bar.Finish() // likewise
		fmt.Fprintln(os.Stderr)
		b.bar = nil
	}
}
