package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/stocksync"
)

const (
	opening  = 14 * time.Second       // for so long all sell
	offAfter = 4 * time.Second        // then one branch is offline
	offFor   = 5 * time.Second        // for so long
	shopper  = 300 * time.Millisecond // from one to the next in each store, on average
	faulty   = 0.03                   // of the requests meet a fault, while the stores sell
	patience = 18 * time.Second       // until all stores are equal
)

// trade lets all stores and the host sell at once, with faults on the way, and one branch offline for a while.
func (w *world) trade(ctx context.Context, master *stocksync.Master) error {
	if err := w.orders(ctx); err != nil {
		return err
	}
	if s := w.settle(ctx, master); !s.Converged {
		return errors.New("the stores could not be stocked in time: is the machine very busy?")
	}
	w.trouble(faulty)
	defer w.trouble(0)
	trading, end := context.WithTimeout(ctx, opening)
	defer end()
	var running sync.WaitGroup
	sells := func(n uint64, store string, sell func(sku string, n int64) error) {
		running.Go(func() { w.shoppers(trading, n, store, sell) })
	}
	for i, b := range w.branches {
		sells(uint64(i), b.ID(), func(sku string, n int64) error {
			_, err := b.Sell(ctx, sku, n)
			return err
		})
	}
	sells(3, string(plainID), w.outlet.sell)
	receipts := 0
	sells(4, string(hostID), func(sku string, n int64) error {
		receipts++
		line := stocksync.Line{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}, Quantity: decimal.NewFromInt(n)}
		return master.Reserve(ctx, fmt.Sprintf("receipt:%d", receipts), []stocksync.Line{line})
	})
	off := w.branches[len(w.branches)-1]
	pause(trading, offAfter)
	w.line(off, false)
	pause(trading, offFor)
	w.line(off, true)
	running.Wait()
	return ctx.Err()
}

// shoppers come to a store, which does not sell what it does not have.
func (w *world) shoppers(ctx context.Context, n uint64, store string, sell func(sku string, n int64) error) {
	random := rand.New(rand.NewPCG(w.seed, n)) //nolint:gosec // repeatable on purpose
	for ctx.Err() == nil {
		sku, pieces := chain.SKU(random.IntN(skus)), 1+random.Int64N(2)
		if sell(sku, pieces) == nil {
			w.books.Sold(store, sku, pieces)
		}
		pause(ctx, time.Duration(random.Int64N(2*int64(shopper))))
	}
}

// settle waits until all stores have what they are to have, and nothing is under way.
func (w *world) settle(ctx context.Context, master *stocksync.Master) summary {
	for end := time.Now().Add(patience); ; pause(ctx, 200*time.Millisecond) {
		s := w.count(ctx, master)
		if s.Converged && s.Lost+s.Twice == 0 || ctx.Err() != nil || time.Now().After(end) {
			return s
		}
	}
}

// count compares the stores with what they are to have, and the master with what was really sold.
func (w *world) count(ctx context.Context, master *stocksync.Master) summary {
	s := summary{SKUs: skus, Sales: w.books.Sales(), Faults: w.outlet.Stats().Faults, Converged: true}
	s.Oversold, s.Lost, s.Twice = w.books.Judge(func(sku string) int64 { return shown(ctx, master, hostID, sku) })
	for i := range skus {
		for _, b := range w.branches {
			s.Converged = s.Converged && b.Quantity(chain.SKU(i)) == shown(ctx, master, stocksync.StoreID(b.ID()), chain.SKU(i))
		}
		s.Converged = s.Converged && w.outlet.Quantity(chain.SKU(i)) == shown(ctx, master, plainID, chain.SKU(i))
	}
	for _, b := range w.branches {
		s.Converged = s.Converged && len(b.Actions()) == 0
		s.Faults += b.in.Stats().Faults + b.out.Stats().Faults
		for _, r := range b.Requests() {
			if !r.Out && r.Endpoint == "event" {
				s.Pushes++
			}
		}
	}
	for _, r := range w.outlet.Requests() {
		if r.Method != http.MethodGet && strings.Contains(r.Path, "/products") {
			s.Pushes++
		}
	}
	stores, err := master.Health(ctx)
	for _, h := range stores {
		s.Converged = s.Converged && h.Waiting == 0
	}
	conflicts, unknown := master.Conflicts(ctx)
	s.Conflicts = len(conflicts)
	s.Converged = s.Converged && err == nil && unknown == nil
	return s
}

// shown is what a store is to have of a product; of the host it is what is on hand.
func shown(ctx context.Context, master *stocksync.Master, store stocksync.StoreID, sku string) int64 {
	items, err := master.Lookup(ctx, store, []stocksync.Ref{{SKU: stocksync.SKU(sku)}})
	if err != nil || items[0] == nil {
		return -1 << 31 // nothing is equal to that
	}
	return items[0].Quantity.IntPart()
}

// table shows what each store really has.
func (w *world) table(ctx context.Context, master *stocksync.Master) []string {
	head, total := "           on hand", fmt.Sprintf("%3.0f s: ", time.Since(w.began).Seconds())
	for _, b := range w.branches {
		name := b.ID()
		if !b.online.Load() {
			name = "(offline)"
		}
		head += fmt.Sprintf("%11s", name)
		total += fmt.Sprintf("%s sold %d times, ", b.ID(), w.books.SalesOf(b.ID()))
	}
	lines := []string{head + fmt.Sprintf("%11s", plainID)}
	for i := range skus {
		sku := chain.SKU(i)
		line := fmt.Sprintf("%-8s%10d", sku, shown(ctx, master, hostID, sku))
		for _, b := range w.branches {
			line += fmt.Sprintf("%11d", b.Quantity(sku))
		}
		lines = append(lines, line+fmt.Sprintf("%11d", w.outlet.Quantity(sku)))
	}
	return append(lines, total+fmt.Sprintf("plain %d, the host %d", w.books.SalesOf(string(plainID)), w.books.SalesOf(string(hostID))))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
