package wootest_test

import (
	"fmt"
	"testing"

	"github.com/tillwire/tillwire/woo/wootest"
)

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		shop, err := wootest.New(wootest.Config{})
		if err != nil {
			b.Fatal(err)
		}
		shop.Close()
	}
}

// BenchmarkPage is one page of 100 orders out of 100,000.
func BenchmarkPage(b *testing.B) {
	shop := newShop(b, wootest.Config{})
	shop.Seed(100_000, 1)
	page := 0
	for b.Loop() {
		page = page%1000 + 1
		send(b, shop, "GET", fmt.Sprintf("orders?orderby=id&order=asc&per_page=100&page=%d", page), "")
	}
}
