// Package demo is the world in which the examples run without any setting: a fake shop full of orders and a fake Kledo that
// fails as real ones do.
package demo

import (
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/examples/internal/progress"
	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/woo/wootest"
)

// World is a fake shop and a fake Kledo.
type World struct {
	Shop  *wootest.Shop
	Books *kledotest.Books
	Seed  uint64
}

// New makes a shop of 300 orders and a Kledo that fails one call in five, in every way that is known, with one outage of two
// seconds, and that books up to 0.6 s after it has answered. The same seed makes the same orders and faults.
func New(seed uint64) (*World, error) {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		return nil, err
	}
	books, err := kledotest.New(kledotest.Config{})
	if err != nil {
		shop.Close()
		return nil, err
	}
	shop.Seed(300, seed)
	books.SetClerk(func(d kledotest.Document) kledotest.Booking { // Kledo books what it has accepted a while later
		return kledotest.Booking{After: time.Duration(d.OrderID%4) * 200 * time.Millisecond}
	})
	books.SetFaults(kledotest.Faults{
		Rate: 0.2, Seed: seed, Latency: 4 * time.Millisecond, RetryAfter: 30 * time.Second,
		OutageAfter: 200, Outage: 2 * time.Second,
	})
	return &World{Shop: shop, Books: books, Seed: seed}, nil
}

// Close ends both.
func (w *World) Close() {
	w.Shop.Close()
	w.Books.Close()
}

// Trade is what happens in the shop while the wire runs: every fourth order that is processing gets completed. Then it calls read.
func (w *World) Trade(read func() error) error {
	n := 0
	for _, o := range w.Shop.Orders() {
		if o.Status != "processing" {
			continue
		}
		if n++; n%4 == 0 {
			if err := w.Shop.SetStatus(o.ID, "completed"); err != nil {
				return err
			}
		}
	}
	return read()
}

// Check compares the books with the shop: every order that is processing or completed has one sales order, every completed one has one
// invoice, no other order has any.
func (w *World) Check() error {
	var wrong []error
	for _, o := range w.Shop.Orders() {
		orders, invoices := 0, 0
		switch o.Status {
		case "completed":
			orders, invoices = 1, 1
		case "processing":
			orders = 1
		}
		if n := w.Books.Count(kledotest.SalesOrder, o.ID); n != orders {
			wrong = append(wrong, fmt.Errorf("order %d (%s) has %d sales orders", o.ID, o.Status, n))
		}
		if n := w.Books.Count(kledotest.Invoice, o.ID); n != invoices {
			wrong = append(wrong, fmt.Errorf("order %d (%s) has %d invoices", o.ID, o.Status, n))
		}
	}
	return errors.Join(wrong...)
}

// Tell fills in what only the fake world knows.
func (w *World) Tell(s *progress.Summary) {
	stats, twice := w.Books.Stats(), w.Books.Duplicates()
	down := stats.Outage.Seconds()
	s.Duplicates, s.FaultsInjected, s.AnswersLost, s.OutageSeconds, s.Seed = &twice, &stats.Faults, &stats.AnswersLost, &down, &w.Seed
}
