package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/webhook"
	"github.com/tillwire/tillwire/woo/wootest"
)

// demo is the world in which the program runs without settings.
type demo struct {
	shop      *wootest.Shop
	till      *sitootest.Till
	warehouse sitoo.WarehouseID
	rng       *rand.Rand
	simple    []int64 // the shop's simple products
}

var demoOperations = []string{
	"match-all", "manufacturers", "categories-down", "categories-up", "products-down", "products-up", "stock-down", "vouchers-up",
	"cac-up", "orders-down",
}

const (
	demoSimple   = 440 // products of the shop, and 20 families of three
	demoFamilies = 20
	demoShared   = 250 // SKUs that both have
	demoTill     = 500
	demoOrders   = 200
	demoHooks    = "https://host.test/hooks"
	demoSecret   = "a-secret-of-the-demonstration"
	rounds       = 3
)

// newDemo makes the world and the settings that lead into it.
func newDemo(s *settings) (*demo, error) {
	d := &demo{rng: rand.New(rand.NewPCG(s.seed, 500))}
	var err error
	if d.shop, err = wootest.New(wootest.Config{}); err != nil {
		return nil, err
	}
	if d.till, err = sitootest.New(sitootest.Config{Limit: 700, Slot: 2 * time.Second}); err != nil {
		d.shop.Close()
		return nil, err
	}
	d.warehouse = d.till.AddWarehouse("Storgatan", sitoo.FIFO)
	if err := d.fill(); err != nil {
		d.close()
		return nil, err
	}
	s.shop, s.till, s.warehouse = d.shop.Config(), d.till.Config(), d.warehouse
	s.till.Logger, s.shop.Logger = s.logger, s.logger
	s.pictures = &http.Client{Transport: roundTrip(picture)}
	return d, nil
}

func (d *demo) close() {
	d.shop.Close()
	d.till.Close()
}

// picture answers for every picture of the fake shop.
func picture(r *http.Request) (*http.Response, error) {
	content := []byte("\x89PNG\r\n\x1a\n" + r.URL.Path)
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"image/png"}},
		Body: io.NopCloser(bytes.NewReader(content)),
	}, nil
}

// fill stocks both sides. SKU-0 to SKU-249 are on both.
func (d *demo) fill() error {
	for i := range demoSimple {
		id, err := d.shop.AddProduct(fmt.Appendf(nil, `{"name":"Product %[1]d","sku":"SKU-%[1]d","regular_price":"80.00","manage_stock":true,
			"stock_quantity":%[2]d,"images":[{"src":"https://shop.test/pictures/%[1]d.png"}]}`, i, 50+i%40))
		if err != nil {
			return err
		}
		d.simple = append(d.simple, id)
	}
	client, err := woo.New(d.shop.Config())
	if err != nil {
		return err
	}
	for i := range demoFamilies {
		id, err := d.shop.AddProduct(fmt.Appendf(nil, `{"name":"Jacket %[1]d","type":"variable","sku":"JKT-%[1]d",
			"attributes":[{"name":"Size","variation":true,"options":["S","M","L"]}],
			"images":[{"src":"https://shop.test/pictures/j%[1]d.png"}]}`, i))
		if err != nil {
			return err
		}
		for _, size := range []string{"S", "M", "L"} {
			_, err := client.Variations(woo.ProductID(id)).Create(context.Background(), woo.VariationFields{
				SKU: woo.Set(fmt.Sprintf("JKT-%d-%s", i, size)), RegularPrice: woo.Set(decimal.NewFromInt(640)),
				ManageStock: woo.Set(woo.StockManaged), StockQuantity: woo.Set(decimal.NewFromInt(30)),
				Attributes: woo.Set([]woo.AttributeChoiceFields{{Name: woo.Set("Size"), Option: woo.Set(size)}}),
			})
			if err != nil {
				return err
			}
		}
	}
	till, err := sitoo.New(d.till.Config())
	if err != nil {
		return err
	}
	if _, err := till.VATGroups.Create(context.Background(), sitoo.VATGroupFields{ // the fake shop's rate
		Name: sitoo.Set("Varor 22 %"), Value: sitoo.Set(sitoo.NewPercent(decimal.NewFromInt(22))), Type: sitoo.Set(sitoo.VATProduct),
	}); err != nil {
		return err
	}
	for i := range demoTill {
		sku := fmt.Sprintf("SKU-%d", i)
		if i >= demoShared {
			sku = fmt.Sprintf("TILL-%d", i)
		}
		d.till.AddProduct(sku, "Product "+sku, "100.00")
		d.till.SetStock(d.warehouse, sku, int64(40+i%30))
	}
	for i := range demoOrders {
		status, method := []string{"processing", "completed", "completed", "cancelled"}[i%4], "flat_rate"
		if i%8 == 1 {
			method = "local_pickup"
		}
		if err := d.order(status, method); err != nil {
			return err
		}
	}
	for range 40 {
		d.sale(false)
	}
	d.sale(true)
	return nil
}

func (d *demo) order(status, method string) error {
	_, err := d.shop.AddOrder(fmt.Appendf(nil, `{"status":%q,
		"billing":{"first_name":"Eva","last_name":"Berg","country":"SE","email":"eva@example.com"},
		"line_items":[{"product_id":%d,"quantity":%d}],"shipping_lines":[{"method_id":%q,"method_title":"Shipping","total":"5.00"}]}`,
		status, d.simple[d.rng.IntN(len(d.simple))], 1+d.rng.IntN(2), method))
	return err
}

// sale is one at a till; one to be sent leaves its goods where they are.
func (d *demo) sale(toBeSent bool) {
	sku := fmt.Sprintf("SKU-%d", d.rng.IntN(demoShared))
	d.till.Sell(d.warehouse, toBeSent, sitootest.Line{SKU: sku, Quantity: 1 + d.rng.IntN(2), Price: 100})
}

// trade is live mode in a hurry: in each round shop and tills sell, the shop delivers its webhooks, and autosync does what it would
// do every few minutes. Before it staff count what the shop brought into the till: real stock is counted, not copied.
func (d *demo) trade(ctx context.Context, shop *woo.Client, pos *sitoosync.Sync, queue *retryqueue.Queue) error {
	d.count()
	d.shop.DeliverTo(demoHooks, pos.WebhookHandler(demoSecret))
	var wanted []webhook.Wanted
	for _, topic := range sitoosync.Topics() {
		wanted = append(wanted, webhook.Wanted{Topic: topic, URL: demoHooks, Secret: demoSecret, Name: "Sitoo " + topic})
	}
	if _, err := webhook.Ensure(ctx, shop, wanted...); err != nil {
		return err
	}
	for range rounds {
		for range 6 {
			d.sale(false)
			if err := d.order("processing", "flat_rate"); err != nil {
				return err
			}
		}
		d.sale(true)
		if err := d.order("completed", "local_pickup"); err != nil {
			return err
		}
		if err := d.settle(ctx, pos, queue); err != nil {
			return err
		}
	}
	if err := d.settle(ctx, pos, queue); err != nil { // what the last round's orders moved at the till comes down
		return err
	}
	_, err := pos.FullSync(ctx, sitoosync.FullSyncOptions{Operations: []sitoosync.Operation{sitoosync.StockDown}})
	return err
}

func (d *demo) settle(ctx context.Context, pos *sitoosync.Sync, queue *retryqueue.Queue) error {
	d.shop.Deliver(ctx)
	if err := settled(ctx, queue); err != nil {
		return err
	}
	if err := pos.RunOnce(ctx); err != nil {
		return err
	}
	return settled(ctx, queue)
}

// count is what staff do with goods that are new at the till.
func (d *demo) count() {
	for i := demoShared; i < demoSimple; i++ {
		d.till.SetStock(d.warehouse, fmt.Sprintf("SKU-%d", i), int64(20+i%10))
	}
	for i := range demoFamilies {
		for _, size := range []string{"S", "M", "L"} {
			d.till.SetStock(d.warehouse, fmt.Sprintf("JKT-%d-%s", i, size), 30)
		}
	}
}
