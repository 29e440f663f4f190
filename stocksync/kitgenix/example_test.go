package kitgenix_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// till is a node that sells: what it was pushed is its stock.
type till struct {
	items map[stocksync.SKU]*stocksync.Item
}

func (*till) ID() stocksync.StoreID { return "till" }
func (*till) Role() stocksync.Role  { return stocksync.RoleChild }

func (t *till) Receive(_ context.Context, r stocksync.Report) error {
	for _, item := range r.Items {
		t.items[item.SKU] = &item
	}
	return nil
}

func (t *till) Lookup(_ context.Context, _ stocksync.StoreID, refs []stocksync.Ref) ([]*stocksync.Item, error) {
	out := make([]*stocksync.Item, len(refs))
	for i, ref := range refs {
		out[i] = t.items[ref.SKU]
	}
	return out, nil
}

// A master pushes a product to a child, both in Go, and reads back what became of it. With a real store the URL and the secret are
// all that differs.
func Example() {
	ctx := context.Background()
	secret := hmacauth.GenerateSecret()
	seen := hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)}) // a first start: nothing was seen before

	atTill, err := kitgenix.New(kitgenix.Config{
		Self: stocksync.Self{StoreID: "till", Name: "Till"}, Nonces: seen,
		Pairs: []kitgenix.Pair{{StoreID: "main", Secret: secret, RFC9421: true}},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/wp-json/kitgenix-stock-sync/v1/", atTill.Handler(&till{items: map[stocksync.SKU]*stocksync.Item{}}))
	network := fakehttp.NewTransport(mux) // a host listens, of course
	defer network.Close()

	atMain, err := kitgenix.New(kitgenix.Config{
		Self: stocksync.Self{StoreID: "main", Name: "Main store"}, HTTPClient: &http.Client{Transport: network},
		Pairs: []kitgenix.Pair{{StoreID: "till", Name: "Till", URL: "https://till.example", Secret: secret, RFC9421: true}},
	})
	if err != nil {
		panic(err)
	}
	peer := atMain.Peers()[0]
	applied, err := peer.Push(ctx, []stocksync.Item{{
		Ref:   stocksync.Ref{GID: "66b62f79-fdd2-4d36-9b5b-eda52007020a", SKU: "MUG-RED"},
		Stock: stocksync.Stock{Quantity: decimal.NewFromInt(7), Backorders: stocksync.BackordersNo, Manage: stocksync.Managed},
	}})
	if err != nil {
		panic(err)
	}
	stock, err := peer.Read(ctx, []stocksync.Ref{{SKU: "MUG-RED"}, {SKU: "MUG-BLUE"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(applied[0].Outcome, stock[0].Quantity, stock[0].Status, stock[1])
	// Output: accepted 7 instock <nil>
}

// A child asks its master what may be sold, as a checkout does. Here the master is a plugin that knows one of two products.
func ExampleWire_Upstream() {
	master := fakehttp.NewTransport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"ok":true,"items":{"MUG-RED":{"exists":true,"stock_quantity":3,"stock_status":"instock","backorders":"no"},`+
			`"MUG-BLUE":{"exists":false}}}`)
	}))
	defer master.Close()
	wire, err := kitgenix.New(kitgenix.Config{
		Self: stocksync.Self{StoreID: "till", Name: "Till"}, HTTPClient: &http.Client{Transport: master},
		Pairs: []kitgenix.Pair{{StoreID: "main", URL: "https://main.example", Secret: hmacauth.GenerateSecret()}},
	})
	if err != nil {
		panic(err)
	}
	stock, err := wire.Upstream("main").Query(context.Background(), []stocksync.Ref{{SKU: "MUG-RED"}, {SKU: "MUG-BLUE"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(stock[0].Quantity, stock[1])
	// Output: 3 <nil>
}

// Diagnose puts into words what is wrong with a pair.
func ExampleWire_Diagnose() {
	refuses := fakehttp.NewTransport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"code":"kss_auth_sender","message":"Sender not configured","data":{"status":401}}`)
	}))
	defer refuses.Close()
	wire, err := kitgenix.New(kitgenix.Config{
		Self: stocksync.Self{StoreID: "main"}, HTTPClient: &http.Client{Transport: refuses},
		Pairs: []kitgenix.Pair{{StoreID: "e", URL: "https://e.example", Secret: hmacauth.GenerateSecret()}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(wire.Diagnose(context.Background(), "e", nil))
	// Output: the store does not know us. Enter our store id, main, and the secret there.
}
