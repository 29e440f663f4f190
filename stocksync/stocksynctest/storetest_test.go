package stocksynctest_test

import (
	"testing"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/stocksynctest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	stocksynctest.RunStore(t, func(*testing.T) stocksync.Store { return stocksync.NewMemoryStore() })
}

func BenchmarkMemoryStore(b *testing.B) {
	stocksynctest.BenchStore(b, func(*testing.B) stocksync.Store { return stocksync.NewMemoryStore() })
}
