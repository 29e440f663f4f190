package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// demo is the world in which the program runs without settings: a shop that speaks the legacy API and a Eurofaktura that fails.
type demo struct {
	shop   *wootest.Shop
	legacy *wootest.Legacy
	books  *eurofakturatest.Books
	calls  atomic.Int64
}

// hurried is the vendor's 4 s in the demonstration.
const hurried = 200 * time.Millisecond

const demoHooks = "https://host.test/hooks"

// newDemo makes the world and the settings that lead into it.
func newDemo(s *settings) (*demo, error) {
	d := &demo{}
	var err error
	if d.shop, err = wootest.New(wootest.Config{}); err != nil {
		return nil, err
	}
	if d.books, err = eurofakturatest.New(eurofakturatest.Config{Window: hurried}); err != nil {
		d.shop.Close()
		return nil, err
	}
	d.legacy = d.shop.Legacy()
	d.shop.SeedWith(60, wootest.SeedOptions{Seed: s.seed, Every: 24 * time.Minute}) // a day's orders
	d.books.SetFaults(eurofakturatest.Faults{
		Rate: 0.08, Seed: s.seed, RetryAfter: time.Second,
		Kinds: []eurofakturatest.Fault{eurofakturatest.BadGateway, eurofakturatest.Lost, eurofakturatest.Cut, eurofakturatest.GatewayTimeout},
	})
	c := d.shop.Config()
	s.shop = eurofakturasync.ShopSettings{
		URL: c.URL + "/wp-admin/", APIKey: c.Key, Password: c.Secret, API: eurofakturasync.APILegacy,
		HTTPClient: &http.Client{Transport: d.legacy.Transport()},
	}
	s.books = d.books.Config()
	s.books.Limiter, s.books.Logger = &eurofaktura.Limiter{Window: hurried + 50*time.Millisecond}, s.logger
	s.warehouse, s.centre, s.since, s.hooks = "01", "WEB", time.Unix(0, 0), demoHooks
	return d, nil
}

func (d *demo) close() {
	d.legacy.Close()
	d.shop.Close()
	d.books.Close()
}

// aDay is what happens once the shop delivers to h: its webhooks are made, customers pay and order, and a third of the deliveries is lost
// on the way, which the shop never repeats; then it is night.
func (d *demo) aDay(ctx context.Context, h http.Handler, guard eurofakturasync.Guard, feed *orderfeed.Feed) error {
	d.shop.DeliverTo(demoHooks, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.calls.Add(1)/6%3 == 2 {
			http.Error(w, "lost", http.StatusBadGateway)
			return
		}
		h.ServeHTTP(w, r)
	}))
	if err := guard.Check(by(ctx, "polled")); err != nil {
		return err
	}
	paid := 0
	for _, o := range d.shop.Orders() {
		if o.Status != "pending" && o.Status != "failed" {
			continue
		}
		if err := d.shop.SetStatus(o.ID, "processing"); err != nil {
			return err
		}
		d.shop.Deliver(ctx)
		if paid++; paid == 8 {
			break
		}
	}
	for i := range 16 {
		if _, err := d.shop.AddOrder(fmt.Appendf(nil, `{"status":"processing","currency":"EUR","payment_method":"cod",
			"billing":{"first_name":"Мария","last_name":"Иванова","city":"София","country":"BG","email":"maria%d@example.bg"},
			"shipping_lines":[{"method_id":"flat_rate","method_title":"Доставка","total":"4.90"}],
			"fee_lines":[{"name":"Картичка","total":"2.00"}]}`, i%5)); err != nil {
			return err
		}
		d.shop.Deliver(ctx)
	}
	_, err := feed.Night(by(ctx, "night"))
	return err
}

// check compares the books with the shop: every order in a wanted status has one sales order with its total.
func (d *demo) check(statuses []woo.OrderStatus) error {
	wanted := map[string]bool{}
	for _, s := range statuses {
		wanted[string(s)] = true
	}
	for _, o := range d.shop.Orders() {
		n := d.books.Count(eurofakturatest.SalesOrder, eurofaktura.TransactionID("eurofaktura", "order", o.ID))
		if wanted[o.Status] && n != 1 {
			return fmt.Errorf("order %d (%s) has %d sales orders", o.ID, o.Status, n)
		}
	}
	return nil
}

// feedOf is the feed with webhooks, on the store of the polling one: the switch of modes.
func feedOf(c orderfeed.Config, webhooks bool) (*orderfeed.Feed, error) {
	c.Webhooks = webhooks
	return orderfeed.New(c)
}
