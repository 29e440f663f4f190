package stocksynctest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/stocksync"
)

// BenchStore measures a store: durable changes one after another, at once over many products and at once on one product; a look at
// 50 products; the resolution of 50 SKUs among 10,000; and batches of 40 taken from the outbox and settled. Sales and pushes are
// reported per second.
func BenchStore(b *testing.B, open func(b *testing.B) stocksync.Store) {
	b.Run("Update/OneByOne", func(b *testing.B) {
		s := benchStore(b, open, 1000)
		n := 0
		for b.Loop() {
			sell(b, s, benchGID(n%1000), fmt.Sprint("event/", n))
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "updates/s")
	})
	for _, products := range []int{1000, 1} {
		b.Run(fmt.Sprintf("Update/AtOnceOn%d", products), func(b *testing.B) {
			s := benchStore(b, open, products)
			var n atomic.Int64
			b.SetParallelism(8) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					sell(b, s, benchGID(i*7%products), fmt.Sprint("event/", i))
				}
			})
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "updates/s")
		})
	}
	b.Run("Update/ALookAt50", func(b *testing.B) {
		s := benchStore(b, open, 1000)
		gids := make([]stocksync.GID, 50)
		for i := range gids {
			gids[i] = benchGID(i * 17 % 1000)
		}
		nothing := func([]*stocksync.Row) (stocksync.Commit, error) { return stocksync.Commit{}, nil }
		for b.Loop() {
			if err := s.Update(context.Background(), gids, nothing); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Resolve/50Of10000", func(b *testing.B) {
		s := benchStore(b, open, 10_000)
		refs := make([]stocksync.Ref, 50)
		for i := range refs {
			refs[i] = stocksync.Ref{SKU: stocksync.SKU(strings.ToUpper(string(benchGID(i * 177 % 10_000))))}
		}
		for b.Loop() {
			found, err := s.Resolve(context.Background(), refs)
			if err != nil || len(found[49]) != 1 {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("Behind/40AndDone", func(b *testing.B) {
		s := benchStore(b, open, 1000)
		done, version := 0, int64(1)
		var gids []stocksync.GID
		for i := range 1000 {
			gids = append(gids, benchGID(i))
		}
		for b.Loop() {
			if done%1000 == 0 {
				b.StopTimer()
				version++
				for part := range slices.Chunk(gids, 100) {
					fallBehind(b, s, part, version)
				}
				b.StartTimer()
			}
			taken, err := s.Behind(context.Background(), "p", 40, time.Minute)
			if err != nil || len(taken) != 40 {
				b.Fatal(len(taken), err)
			}
			if err := s.Update(context.Background(), gidsOf(taken), func(rows []*stocksync.Row) (stocksync.Commit, error) {
				return stocksync.Commit{Rows: rows, Done: taken}, nil
			}); err != nil {
				b.Fatal(err)
			}
			done += 40
		}
		b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "pushes/s")
	})
}

func benchGID(n int) stocksync.GID { return stocksync.GID(fmt.Sprintf("g%05d", n)) }

// benchStore opens a store with products, each with a million pieces.
func benchStore(b *testing.B, open func(b *testing.B) stocksync.Store, products int) stocksync.Store {
	b.Helper()
	s := open(b)
	var gids []stocksync.GID
	for i := range products {
		gids = append(gids, benchGID(i))
	}
	for part := range slices.Chunk(gids, 100) {
		if err := s.Update(context.Background(), part, func([]*stocksync.Row) (c stocksync.Commit, err error) {
			for _, gid := range part {
				r := row(gid, stocksync.SKU(gid), 1)
				r.Quantity = decimal.NewFromInt(1_000_000)
				r.Peers = map[stocksync.StoreID]*stocksync.Standing{}
				for _, peer := range []stocksync.StoreID{"p", "q", "r"} {
					view := stocksync.View{Version: 1, Quantity: r.Quantity, SentAt: noon, AckedAt: noon}
					r.Peers[peer] = &stocksync.Standing{Views: []stocksync.View{view}, Knows: r.SKU}
				}
				c.Rows = append(c.Rows, r)
			}
			return c, nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// sell is what a report of one sale makes: a ledger line, a row, and a push for each of three peers.
func sell(b *testing.B, s stocksync.Store, gid stocksync.GID, source string) {
	if err := s.Update(context.Background(), []stocksync.GID{gid}, func(rows []*stocksync.Row) (c stocksync.Commit, err error) {
		r := rows[0]
		r.Quantity = r.Quantity.Sub(decimal.NewFromInt(1))
		r.Version++
		c.Rows, c.Ledger = rows, []stocksync.Entry{line(source, gid)}
		for _, peer := range []stocksync.StoreID{"p", "q", "r"} {
			c.Push = append(c.Push, stocksync.Push{Peer: peer, GID: gid, Version: r.Version})
		}
		return c, nil
	}); err != nil {
		b.Error(err)
	}
}

func fallBehind(b *testing.B, s stocksync.Store, gids []stocksync.GID, version int64) {
	b.Helper()
	if err := s.Update(context.Background(), nil, func([]*stocksync.Row) (c stocksync.Commit, err error) {
		for _, gid := range gids {
			c.Push = append(c.Push, stocksync.Push{Peer: "p", GID: gid, Version: version})
		}
		return c, nil
	}); err != nil {
		b.Fatal(err)
	}
}
