package stocksync_test

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
)

// exampleMaster stands for kitgenix's Wire.Upstream.
type exampleMaster struct{ stocksync.Stock }

func (m *exampleMaster) ID() stocksync.StoreID { return "main-store" }

func (m *exampleMaster) Report(_ context.Context, r stocksync.Report) error {
	m.Quantity = r.Items[0].Quantity
	return nil
}

func (m *exampleMaster) Query(_ context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	stocks := make([]*stocksync.Stock, len(refs))
	for i := range refs {
		stock := m.Stock
		stocks[i] = &stock
	}
	return stocks, nil
}

func (m *exampleMaster) Read(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return m.Query(ctx, refs)
}

// exampleTill is where the child's stock is.
type exampleTill struct{ quantity decimal.Decimal }

func (t *exampleTill) Read(_ context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	stocks := make([]*stocksync.Stock, len(refs))
	for i := range refs {
		stocks[i] = &stocksync.Stock{Quantity: t.quantity, Manage: stocksync.Managed}
	}
	return stocks, nil
}

func (t *exampleTill) Apply(_ context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	t.quantity = items[0].Quantity
	return []stocksync.Applied{{Outcome: stocksync.Confirmed}}, nil
}

// A till follows a master: it is pushed to, sells, and asks before it sells.
func ExampleNewChild() {
	ctx := context.Background()
	queue, _ := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	master := &exampleMaster{stocksync.Stock{Quantity: decimal.NewFromInt(3), Status: stocksync.InStock, Manage: stocksync.Managed}}
	till := &exampleTill{}
	child, err := stocksync.NewChild(stocksync.ChildConfig{
		Self: stocksync.Self{StoreID: "till-1"}, Store: stocksync.NewMemoryStore(), Queue: queue, Master: master, Shelf: till,
	})
	if err != nil {
		panic(err)
	}
	mug := stocksync.Ref{GID: "g-mug", SKU: "MUG"}

	// What the wire's handler does with a push. The queue writes it to the till.
	push := stocksync.Report{EventID: "e1", From: "main-store", Items: []stocksync.Item{{Ref: mug, Stock: master.Stock, Version: 1}}}
	fmt.Println(child.Receive(ctx, push), queue.RunDue(ctx), till.quantity)

	two := []stocksync.Line{{Ref: mug, Quantity: decimal.NewFromInt(2)}}
	fmt.Println("may be sold:", child.CheckCheckout(ctx, two).OK)
	till.quantity = till.quantity.Sub(decimal.NewFromInt(2)) // the sale itself
	fmt.Println(child.Sold(ctx, "receipt:1042", two), queue.RunDue(ctx))
	fmt.Println("master:", master.Quantity, "till:", till.quantity)
	verdict := child.CheckCheckout(ctx, two).Lines[0]
	fmt.Println("may be sold:", verdict.OK, verdict.Why, verdict.Available)
	// Output:
	// <nil> <nil> 3
	// may be sold: true
	// <nil> <nil>
	// master: 1 till: 1
	// may be sold: false too_few 1
}

// A monitor compares stores with their master, and changes nothing.
func ExampleNewMonitor() {
	master := &exampleMaster{stocksync.Stock{Quantity: decimal.NewFromInt(3), Manage: stocksync.Managed}}
	monitor, err := stocksync.NewMonitor(stocksync.MonitorConfig{Master: master, Children: []stocksync.Reader{exampleChild{}}, Every: -1})
	if err != nil {
		panic(err)
	}
	report, err := monitor.Drift(context.Background(), []stocksync.Ref{{SKU: "MUG"}}, nil)
	fmt.Println(report.Stores[0].Differences, err)
	// Output: [MUG at till-2: quantity is 0, should be 3] <nil>
}

// exampleChild is a store as a monitor sees it.
type exampleChild struct{ exampleTill }

func (exampleChild) ID() stocksync.StoreID { return "till-2" }

func (c exampleChild) Read(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return c.exampleTill.Read(ctx, refs)
}

func ExampleParseExclusions() {
	exclude := stocksync.ParseExclusions("GIFT-CARD, sku-0028\nDEPOSIT")
	fmt.Println(len(exclude), exclude.Has("sku-0028"), exclude.Has("SKU-0028"))
	// Output: 3 true false
}
