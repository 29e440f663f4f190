package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

const (
	masterID                   = "main"
	childID  stocksync.StoreID = "till"

	skus     = 20
	onHand   = 30
	sales    = 60
	piece    = 150 * time.Millisecond // between two sales
	patience = 30 * time.Second       // until till and master are equal
)

// world is a master that runs the plugin, in this process.
type world struct {
	books   *chain.Books
	till    *till
	master  *stocksynctest.Plugin
	network *stocksynctest.Network
	nonces  hmacauth.NonceStore
	pairs   []kitgenix.Pair
	rand    *rand.Rand
}

func newWorld(seed uint64, t *till) *world {
	w := &world{
		books: chain.NewBooks(skus, onHand), till: t, network: stocksynctest.NewNetwork(), rand: rand.New(rand.NewPCG(seed, 1)),
		nonces: hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)}), // nothing was ever signed before
	}
	secret := hmacauth.GenerateSecret()
	w.master = stocksynctest.NewPlugin(stocksynctest.PluginConfig{
		ID: masterID, Name: "Main store", Master: true, Network: w.network, Cron: 100 * time.Millisecond,
	})
	w.master.Pair(stocksynctest.Pairing{ID: string(childID), URL: "https://till.test", Secret: secret})
	for i := range skus {
		w.master.Add(stocksynctest.Managed(chain.SKU(i), onHand))
	}
	w.network.Join("main.test", w.master.Transport())
	w.pairs = []kitgenix.Pair{{StoreID: masterID, Name: "Main store", URL: "https://main.test", Secret: secret}}
	return w
}

func (w *world) close() { w.master.Close() }

// join makes the till reachable for the master.
func (w *world) join(h http.Handler) { w.network.Join("till.test", fakehttp.NewTransport(h)) }

// stock has the master push what it has, in pieces that leave its queue: a reconcile of 50 products and more never does.
func (w *world) stock(ctx context.Context) {
	for i := range skus {
		w.master.SyncSKUs(ctx, chain.SKU(i))
	}
	w.master.RunActions(ctx)
}

// trade lets till and master sell in turns, and waits until they are equal.
func (w *world) trade(ctx context.Context, child *stocksync.Child) (summary, error) {
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.master.Run(running)
	}()
	defer func() {
		stop()
		<-ended
	}()
	for turn := range sales {
		sku, n := chain.SKU(turn%skus), int64(1+w.rand.IntN(2))
		if turn%3 == 2 {
			if _, err := w.master.Sell(ctx, sku, n); err == nil {
				w.books.Sold(masterID, sku, n)
			}
		} else if w.till.sell(sku, n) {
			line := stocksync.Line{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}, Quantity: decimal.NewFromInt(n)}
			if err := child.Sold(ctx, fmt.Sprintf("receipt:%d", turn), []stocksync.Line{line}); err != nil {
				return summary{}, err
			}
			w.books.Sold(string(childID), sku, n)
		}
		if turn%10 == 9 {
			fmt.Fprintf(os.Stderr, "%d sales at the till, %d at the master\n", w.books.SalesOf(string(childID)), w.books.SalesOf(masterID))
		}
		pause(ctx, piece)
	}
	s := w.count()
	for end := time.Now().Add(patience); !s.Converged && ctx.Err() == nil && time.Now().Before(end); s = w.count() {
		pause(ctx, 200*time.Millisecond)
	}
	return s, nil
}

// count compares till and master with what was really sold.
func (w *world) count() summary {
	s := summary{SKUs: skus, Sales: w.books.Sales(), Converged: true}
	s.Oversold, s.Lost, s.Twice = w.books.Judge(w.master.Quantity)
	for i := range skus {
		s.Converged = s.Converged && w.till.quantity(chain.SKU(i)) == w.master.Quantity(chain.SKU(i))
	}
	s.Converged = s.Converged && s.Lost == 0 && s.Twice == 0
	return s
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// summary is the result of one pass.
type summary struct {
	SKUs      int   `json:"skus"`
	Sales     int   `json:"sales"`
	Lost      int64 `json:"lost"` // units sold that are not missing at the master
	Oversold  int64 `json:"oversold"`
	Converged bool  `json:"converged"`
	Twice     int64 `json:"duplicates"` // units missing at the master that were not sold
}

// print shows the result to a person.
func (s summary) print(out io.Writer, took time.Duration) {
	equal := "all equal"
	if !s.Converged {
		equal = "NOT all equal"
	}
	//nolint:errcheck // a summary that cannot be printed is no summary
	fmt.Fprintf(out, "%s: %d products, %d sales, %d units lost, %d counted twice, in %s\n", equal, s.SKUs, s.Sales, s.Lost, s.Twice,
		took.Round(time.Second))
}

// verdict is what a pass must not end with.
func (s summary) verdict() error {
	if !s.Converged {
		return errors.New("till and master have not become equal")
	}
	return nil
}
