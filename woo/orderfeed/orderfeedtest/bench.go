package orderfeedtest

import (
	"testing"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// Bench measures what a feed does most: it asks for the entries of a page of orders, and it marks a page as handled.
func Bench(b *testing.B, newStore func(b *testing.B) orderfeed.Store) {
	page := func(n int) ([]orderfeed.Entry, []woo.OrderID) {
		var entries []orderfeed.Entry
		var ids []woo.OrderID
		for i := range 100 {
			e := entry(woo.OrderID(n*100 + i + 1))
			e.Handled = []woo.OrderStatus{"processing"}
			entries, ids = append(entries, e), append(ids, e.ID)
		}
		return entries, ids
	}
	b.Run("Put100New", func(b *testing.B) {
		s, n := newStore(b), 0
		for b.Loop() {
			entries, _ := page(n)
			if err := s.Put(b.Context(), "a", entries); err != nil {
				b.Fatal(err)
			}
			n++
		}
	})
	b.Run("Get100", func(b *testing.B) {
		s := newStore(b)
		var ids []woo.OrderID
		for n := range 20 {
			entries, of := page(n)
			if err := s.Put(b.Context(), "a", entries); err != nil {
				b.Fatal(err)
			}
			ids = of
		}
		for b.Loop() {
			got, err := s.Get(b.Context(), "a", ids)
			if err != nil || len(got) != 100 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("FindFailedAmongMany", func(b *testing.B) {
		s := newStore(b)
		for n := range 50 {
			entries, _ := page(n)
			entries[0].Error = "no"
			if err := s.Put(b.Context(), "a", entries); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			got, err := s.Find(b.Context(), "a", orderfeed.Query{Failed: true})
			if err != nil || len(got) != 50 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("FindOpenAmongMany", func(b *testing.B) {
		s := newStore(b)
		for n := range 50 {
			entries, _ := page(n)
			for i := range entries {
				entries[i].Done = i > 0
			}
			if err := s.Put(b.Context(), "a", entries); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			got, err := s.Find(b.Context(), "a", orderfeed.Query{OpenOnly: true})
			if err != nil || len(got) != 50 {
				b.Fatal(len(got), err)
			}
		}
	})
}
